//! The folder: made for its owner alone, and told apart from folders of other things.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;

use redb::backends::FileBackend;

use crate::store::StoreError;

/// The file with the data.
pub const FILE: &str = "data.redb";

/// The file in `folder`, made if there is none, and its size.
pub(super) fn backend(folder: &Path) -> Result<(FileBackend, u64), StoreError> {
    let failed = |error: std::io::Error| StoreError::unusable(folder, &error.to_string());
    let path = path(folder);
    let file = match OpenOptions::new().read(true).write(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => create(folder, &path)?,
        Err(error) => return Err(failed(error)),
    };
    refuse_if_exposed(&file, &path).map_err(failed)??;
    let bytes = file.metadata().map_err(failed)?.len();
    Ok((FileBackend::new(file).map_err(|error| StoreError::of_open(folder, error))?, bytes))
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

fn create(folder: &Path, path: &Path) -> Result<File, StoreError> {
    let failed = |error: std::io::Error| StoreError::unusable(folder, &error.to_string());
    make_private(folder).map_err(failed)?;
    if fs::read_dir(folder).map_err(failed)?.next().is_some() {
        return Err(StoreError::unusable(folder, "it holds other things than a node's data"));
    }
    let file = private().read(true).write(true).create_new(true).open(path).map_err(failed)?;
    // The folder has to know of the file before anything in it counts.
    sync_folder(folder).map_err(failed)?;
    Ok(file)
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
fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> std::io::Result<()> {
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
