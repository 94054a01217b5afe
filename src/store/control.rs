//! How another process gets a copy while a node runs: a socket in the data folder, which only the owner can enter. It is asked
//! in one line, and answers from a snapshot, beside what the node does.

use std::io::Write;
use std::path::Path;

use crate::store::StoreError;
use crate::store::Summary;

#[cfg(unix)]
pub use unix::Control;

/// The socket's name in the folder.
pub const SOCKET: &str = "control";

/// What can be asked for.
const EXPORT: &str = "export 1\n";
const SUMMARY: &str = "summary 1\n";

/// Has the node that uses `folder` write a copy.
///
/// # Errors
/// When it cannot be asked, or the copy does not come through whole.
pub fn export(folder: &Path, to: &mut dyn Write) -> Result<(), StoreError> {
    let answer = ask(folder, EXPORT)?;
    crate::store::export::pass_on(std::io::BufReader::new(answer), to)
        .map_err(|why| StoreError::unusable(folder, &format!("the node that uses it gave no copy: {why}")))
}

/// Asks the node that uses `folder` what is in it.
///
/// # Errors
/// When it cannot be asked.
pub fn summary(folder: &Path) -> Result<Summary, StoreError> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let mut answer = ask(folder, SUMMARY)?.take(4096);
    let read = answer.read_to_end(&mut bytes).ok().and_then(|_| postcard::from_bytes(&bytes).ok());
    read.ok_or_else(|| StoreError::InUse { folder: folder.to_owned() })
}

#[cfg(unix)]
fn ask(folder: &Path, question: &str) -> Result<std::os::unix::net::UnixStream, StoreError> {
    let asked = || -> std::io::Result<std::os::unix::net::UnixStream> {
        let mut stream = std::os::unix::net::UnixStream::connect(folder.join(SOCKET))?;
        stream.set_read_timeout(Some(unix::PATIENCE))?;
        stream.write_all(question.as_bytes())?;
        Ok(stream)
    };
    asked().map_err(|_| StoreError::InUse { folder: folder.to_owned() })
}

#[cfg(not(unix))]
fn ask(folder: &Path, _question: &str) -> Result<std::io::Empty, StoreError> {
    Err(StoreError::InUse { folder: folder.to_owned() })
}

/// Nothing to ask.
#[cfg(not(unix))]
pub struct Control;

#[cfg(not(unix))]
impl Control {
    pub(super) fn start(_folder: &Path, _database: std::sync::Arc<redb::Database>) -> Option<Control> {
        None
    }
}

#[cfg(unix)]
mod unix {
    use std::io::BufRead;
    use std::io::BufReader;
    use std::io::BufWriter;
    use std::io::Read;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;
    use std::os::unix::net::UnixStream;
    use std::path::Path;
    use std::path::PathBuf;
    use std::sync::Arc;
    use std::sync::Weak;
    use std::time::Duration;

    use redb::Database;

    use crate::store::control::EXPORT;
    use crate::store::control::SOCKET;
    use crate::store::control::SUMMARY;
    use crate::store::export;
    use crate::store::rows;

    /// How long either side waits for the other.
    pub(super) const PATIENCE: Duration = Duration::from_secs(30);

    /// The socket; when this is dropped nobody finds it any more.
    pub struct Control {
        path: PathBuf,
    }

    impl Drop for Control {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.path);
        }
    }

    impl Control {
        /// Answers on a thread of its own; `None` where there can be no socket.
        pub(in crate::store) fn start(folder: &Path, database: &Arc<Database>) -> Option<Control> {
            let path = folder.join(SOCKET);
            // The folder is locked, so whatever is there is left from a node that was killed.
            let _ = std::fs::remove_file(&path);
            let listener = UnixListener::bind(&path).ok()?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).ok()?;
            let (folder, database) = (folder.to_owned(), Arc::downgrade(database));
            let thread = std::thread::Builder::new().name("data".into());
            thread.spawn(move || serve(&listener, &database, &folder)).ok()?;
            Some(Control { path })
        }
    }

    fn serve(listener: &UnixListener, database: &Weak<Database>, folder: &Path) {
        for stream in listener.incoming().flatten() {
            let Some(database) = database.upgrade() else { return };
            // Who asks and does not read the answer has only itself to blame.
            let _ = answer(&stream, &database, folder);
        }
    }

    fn answer(stream: &UnixStream, database: &Database, folder: &Path) -> std::io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut question = String::new();
        BufReader::new(stream.take(64)).read_line(&mut question)?;
        let mut out = BufWriter::new(stream);
        if question == EXPORT {
            let _ = export::export(database, folder, &mut out);
        } else if question == SUMMARY
            && let Ok(summary) = rows::summary(database, folder)
        {
            out.write_all(&postcard::to_allocvec(&summary).unwrap_or_default())?;
        }
        out.flush()
    }
}
