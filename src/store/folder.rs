//! The folder: made for its owner alone, and told apart from folders of other things.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;

use redb::backends::FileBackend;

use crate::store::StoreError;
use crate::store::export;

/// The file with the data.
pub const FILE: &str = "data.redb";

/// Its name while it is made. A start that was cut off leaves such a file, with nothing in it that anybody was told.
const UNFINISHED: &str = "data.redb.new";

/// Its name while a copy is imported. An import that was cut off leaves such a file; what is in it is a part of something, so nobody
/// starts there, and only another import begins anew.
const IMPORTED: &str = "data.redb.import";

/// The file of a folder, open and locked.
pub(super) struct Opened {
    pub(super) backend: FileBackend,
    /// How large it was.
    pub(super) bytes: u64,
    /// Whether it is being made: [`finish`] gives it its name.
    pub(super) is_new: bool,
}

/// The file in `folder`, made if there is none.
pub(super) fn open(folder: &Path) -> Result<Opened, StoreError> {
    open_existing(folder)?.map_or_else(|| create(folder, UNFINISHED), Ok)
}

/// The file in `folder`, if there is one.
pub(super) fn open_existing(folder: &Path) -> Result<Option<Opened>, StoreError> {
    existing(folder, OpenOptions::new().read(true).write(true))
}

/// The same, for who writes nothing to it: it may lie where nothing can be written.
pub(super) fn open_to_read(folder: &Path) -> Result<Option<Opened>, StoreError> {
    existing(folder, OpenOptions::new().read(true))
}

fn existing(folder: &Path, options: &OpenOptions) -> Result<Option<Opened>, StoreError> {
    let failed = |error: std::io::Error| StoreError::of_io(folder, &error);
    let path = path(folder);
    let file = match options.open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == ErrorKind::NotADirectory && folder.is_file() => return Err(nothing(folder)),
        Err(error) => return Err(failed(error)),
    };
    refuse_if_exposed(&file, &path).map_err(failed)??;
    let bytes = file.metadata().map_err(failed)?.len();
    if bytes == 0 {
        // It gets its name when there is something in it. Whoever began anew here would be another node, and do again what is done once.
        return Err(StoreError::damaged(folder, "its file is empty"));
    }
    let backend = FileBackend::new(file).map_err(|error| StoreError::of_open(folder, error))?;
    Ok(Some(Opened { backend, bytes, is_new: false }))
}

/// There is no node's data in it: it may be a file, and that an export.
pub(super) fn nothing(folder: &Path) -> StoreError {
    if export::is_export(folder) {
        return StoreError::IsExport { file: folder.to_owned() };
    }
    StoreError::NoData { folder: folder.to_owned() }
}

/// Which file it is, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    device: u64,
    number: u64,
}

/// Which file has this name now. Where files have no numbers, all are alike.
pub(super) fn mark(path: &Path) -> std::io::Result<Mark> {
    let facts = fs::metadata(path)?;
    Ok(marked(&facts))
}

#[cfg(unix)]
fn marked(facts: &fs::Metadata) -> Mark {
    use std::os::unix::fs::MetadataExt;
    Mark { device: facts.dev(), number: facts.ino() }
}

#[cfg(not(unix))]
fn marked(_facts: &fs::Metadata) -> Mark {
    Mark { device: 0, number: 0 }
}

/// The file in a folder.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// Whether a folder holds data.
pub(super) fn is_there(folder: &Path) -> bool {
    path(folder).exists()
}

/// The size of the file.
pub(super) fn bytes(folder: &Path) -> u64 {
    fs::metadata(path(folder)).map_or(0, |data| data.len())
}

/// A file in `folder` for a copy that is imported; there must be no data yet. It gets its name by [`finish_import`].
pub(super) fn import(folder: &Path) -> Result<Opened, StoreError> {
    let opened = if is_there(folder) { None } else { Some(create(folder, IMPORTED)?) };
    opened.filter(|opened| opened.is_new).ok_or_else(|| StoreError::unusable(folder, "it holds data already"))
}

fn create(folder: &Path, name: &str) -> Result<Opened, StoreError> {
    let failed = |error: std::io::Error| StoreError::of_io(folder, &error);
    make_private(folder).map_err(failed)?;
    for entry in fs::read_dir(folder).map_err(failed)? {
        let found = entry.map_err(failed)?.file_name();
        if found != name && found != UNFINISHED {
            if is_there(folder) {
                // Another process has finished it since.
                return open(folder);
            }
            if found == IMPORTED {
                let reason = "a copy is being imported into it, or was not to the end; `lasp data import` begins anew";
                return Err(StoreError::unusable(folder, reason));
            }
            return Err(StoreError::unusable(folder, "it holds other things than a node's data"));
        }
    }
    let unfinished = folder.join(name);
    let file = private().read(true).write(true).create(true).truncate(false).open(&unfinished).map_err(failed)?;
    refuse_if_exposed(&file, &unfinished).map_err(failed)??;
    // The backend locks it only when the database is made of it, and before that it is emptied; the lock is the same.
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(StoreError::InUse { folder: folder.to_owned() }),
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    if is_there(folder) {
        // Another process has finished it since, and this is that file, or one that was made after it.
        drop(file);
        let _ = fs::remove_file(&unfinished);
        return open(folder);
    }
    file.set_len(0).map_err(failed)?;
    let backend = FileBackend::new(file).map_err(|error| StoreError::of_open(folder, error))?;
    Ok(Opened { backend, bytes: 0, is_new: true })
}

/// What was made counts from now on, and whole.
pub(super) fn finish(folder: &Path) -> Result<(), StoreError> {
    rename(folder, UNFINISHED)
}

/// What was imported counts from now on, and whole.
pub(super) fn finish_import(folder: &Path) -> Result<(), StoreError> {
    rename(folder, IMPORTED)
}

fn rename(folder: &Path, name: &str) -> Result<(), StoreError> {
    let failed = |error: std::io::Error| StoreError::of_io(folder, &error);
    fs::rename(folder.join(name), path(folder)).map_err(failed)?;
    sync_folder(folder).map_err(failed)
}

/// Takes away what an import that failed has left.
pub(super) fn forget_import(folder: &Path) {
    // What stays is taken for an import that was cut off.
    let _ = fs::remove_file(folder.join(IMPORTED));
}

#[cfg(unix)]
fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(not(unix))]
fn private() -> OpenOptions {
    OpenOptions::new()
}

#[cfg(unix)]
pub(super) fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
pub(super) fn make_private(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_folder: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn refuse_if_exposed(file: &File, path: &Path) -> std::io::Result<Result<(), StoreError>> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata()?.permissions().mode();
    Ok(if mode & 0o077 == 0 { Ok(()) } else { Err(StoreError::Exposed { file: path.to_owned() }) })
}

#[cfg(not(unix))]
fn refuse_if_exposed(_file: &File, _path: &Path) -> std::io::Result<Result<(), StoreError>> {
    Ok(Ok(()))
}
