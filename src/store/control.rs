//! How another process gets a copy while a node runs, and hears how it stands: a socket in the data folder, which only the owner can
//! enter. It is asked in one line, and answers from a snapshot, beside what the node does.

use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::store::StoreError;
use crate::store::Summary;

#[cfg(unix)]
pub use unix::Control;

/// The socket's name in the folder.
pub const SOCKET: &str = "control";

/// What can be asked for.
const EXPORT: &str = "export 1\n";
const SUMMARY: &str = "summary 1\n";
const STANDING: &str = "standing 1\n";

/// How long either side waits for the other while a copy is made, and for an answer that is at hand.
const PATIENCE: Duration = Duration::from_secs(30);
const SHORT_PATIENCE: Duration = Duration::from_secs(4);
/// The most bytes of such an answer.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// Has the node that uses `folder` write a copy.
///
/// # Errors
/// When it cannot be asked, or the copy does not come through whole.
pub fn export(folder: &Path, to: &mut dyn Write) -> Result<(), StoreError> {
    let answer = ask(folder, EXPORT, PATIENCE)?;
    crate::store::export::pass_on(std::io::BufReader::new(answer), to)
        .map_err(|why| unanswered(folder, &format!("it gave no copy: {why}")))
}

/// Asks the node that uses `folder` what is in it.
///
/// # Errors
/// When it cannot be asked.
pub fn summary(folder: &Path) -> Result<Summary, StoreError> {
    let bytes = answer(folder, SUMMARY)?;
    postcard::from_bytes(&bytes).map_err(|_| unanswered(folder, "it gave no summary"))
}

/// Asks the node that uses `folder` how it stands: what it was told to say by [`Store::tell`](crate::store::Store::tell).
///
/// # Errors
/// When it cannot be asked.
pub fn standing(folder: &Path) -> Result<Vec<u8>, StoreError> {
    answer(folder, STANDING)
}

fn unanswered(folder: &Path, reason: &str) -> StoreError {
    StoreError::Unanswered { folder: folder.to_owned(), reason: reason.to_owned() }
}

fn answer(folder: &Path, question: &str) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    match ask(folder, question, SHORT_PATIENCE)?.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            let seconds = SHORT_PATIENCE.as_secs();
            Err(unanswered(folder, &format!("nothing came within {seconds} seconds")))
        }
        Err(error) => Err(unanswered(folder, &error.to_string())),
    }
}

#[cfg(unix)]
fn ask(folder: &Path, question: &str, patience: Duration) -> Result<std::os::unix::net::UnixStream, StoreError> {
    let asked = || -> std::io::Result<std::os::unix::net::UnixStream> {
        let mut stream = std::os::unix::net::UnixStream::connect(folder.join(SOCKET))?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        stream.write_all(question.as_bytes())?;
        Ok(stream)
    };
    asked().map_err(|_| StoreError::InUse { folder: folder.to_owned() })
}

#[cfg(not(unix))]
fn ask(folder: &Path, _question: &str, _patience: Duration) -> Result<std::io::Empty, StoreError> {
    Err(StoreError::InUse { folder: folder.to_owned() })
}

/// What a node says of how it stands.
pub(super) type Standing = std::sync::Arc<std::sync::OnceLock<Box<dyn Fn() -> Vec<u8> + Send + Sync>>>;

/// Nothing to ask.
#[cfg(not(unix))]
pub struct Control;

#[cfg(not(unix))]
impl Control {
    pub(super) fn start(
        _folder: &Path,
        _database: &std::sync::Arc<redb::Database>,
        _standing: Standing,
    ) -> std::io::Result<Control> {
        Err(ErrorKind::Unsupported.into())
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

    use redb::Database;

    use crate::store::control::EXPORT;
    use crate::store::control::PATIENCE;
    use crate::store::control::SOCKET;
    use crate::store::control::STANDING;
    use crate::store::control::SUMMARY;
    use crate::store::control::Standing;
    use crate::store::export;
    use crate::store::folder;
    use crate::store::rows;

    /// How many are answered at one time, so that one who reads a long copy slowly does not keep the others waiting.
    const AT_ONCE: usize = 8;

    /// The socket; when this is dropped nobody finds it any more.
    pub struct Control {
        path: PathBuf,
        mark: folder::Mark,
    }

    impl Drop for Control {
        fn drop(&mut self) {
            // Where the folder was moved away, another node may have made one of its own in its place since.
            if folder::mark(&self.path).is_ok_and(|found| found == self.mark) {
                let _ = std::fs::remove_file(&self.path);
            }
        }
    }

    /// What answers are made of.
    struct Source {
        database: Weak<Database>,
        folder: PathBuf,
        standing: Standing,
    }

    impl Control {
        /// Answers on threads of its own.
        pub(in crate::store) fn start(
            folder: &Path,
            database: &Arc<Database>,
            standing: Standing,
        ) -> std::io::Result<Control> {
            let path = folder.join(SOCKET);
            // The folder is locked, so whatever is there is left from a node that was killed.
            let _ = std::fs::remove_file(&path);
            let listener = UnixListener::bind(&path)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
            let mark = folder::mark(&path)?;
            let source = Source { database: Arc::downgrade(database), folder: folder.to_owned(), standing };
            let thread = std::thread::Builder::new().name("data".into());
            thread.spawn(move || serve(&listener, &Arc::new(source)))?;
            Ok(Control { path, mark })
        }
    }

    fn serve(listener: &UnixListener, source: &Arc<Source>) {
        for stream in listener.incoming().flatten() {
            if source.database.strong_count() == 0 {
                return;
            }
            let busy = Arc::strong_count(source) > AT_ONCE;
            let (stream, own) = (Arc::new(stream), source.clone());
            let theirs = stream.clone();
            let thread = std::thread::Builder::new().name("data".into());
            // Who asks and does not read the answer has only itself to blame.
            let spawned = !busy && thread.spawn(move || drop(answer(&theirs, &own))).is_ok();
            if !spawned {
                let _ = answer(&stream, source);
            }
        }
    }

    fn answer(stream: &UnixStream, source: &Source) -> std::io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut question = String::new();
        BufReader::new(stream.take(64)).read_line(&mut question)?;
        let Some(database) = source.database.upgrade() else { return Ok(()) };
        let mut out = BufWriter::new(stream);
        if question == EXPORT {
            let _ = export::export(&database, &source.folder, &mut out);
        } else if question == SUMMARY
            && let Ok(summary) = rows::summary(&database, &source.folder)
        {
            out.write_all(&postcard::to_allocvec(&summary).unwrap_or_default())?;
        } else if question == STANDING
            && let Some(standing) = source.standing.get()
        {
            out.write_all(&standing())?;
        }
        out.flush()
    }
}
