//! Files of keys and certificates: for their owner alone, written in one step, read with a word about what is wrong.

use std::fs;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;
use std::path::Path;

use rcgen::KeyPair;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::net::error::NetworkError;
use crate::net::limits::KEY_FILE_BYTES_MAX;

/// Writes a file beside its place and moves it there in one step; until then, and if that fails, what was there stays.
pub(super) fn write(path: &Path, text: &str) -> Result<(), NetworkError> {
    let failed = |error: &std::io::Error| unusable(path, error);
    let file = beside(path, text)?;
    file.persist(path).map_err(|error| failed(&error.error))?;
    // Without this the file may be gone again after a power cut; where folders cannot be synced, there is nothing to do.
    if let Some(folder) = path.parent()
        && let Ok(folder) = fs::File::open(folder)
    {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// The same, and says whether the file is this one: `false` when there was another already, which stays.
pub(super) fn write_new(path: &Path, text: &str) -> Result<bool, NetworkError> {
    match beside(path, text)?.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(unusable(path, &error.error)),
    }
}

/// A temporary file, which its owner alone can read.
fn beside(path: &Path, text: &str) -> Result<tempfile::NamedTempFile, NetworkError> {
    let failed = |error: std::io::Error| unusable(path, &error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_private_folder(folder).map_err(failed)?;
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    Ok(file)
}

/// Reads a file of text; `None` when there is none.
pub(super) fn read(path: &Path) -> Result<Option<String>, NetworkError> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(path, &error)),
    };
    // What the system says of its length is no bound: a device has none.
    let mut text = String::new();
    match file.take(KEY_FILE_BYTES_MAX + 1).read_to_string(&mut text) {
        Ok(length) if length as u64 > KEY_FILE_BYTES_MAX => Err(damaged(path, "it is too long")),
        Ok(_) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == ErrorKind::InvalidData => Err(damaged(path, "it is not text")),
        Err(error) => Err(unusable(path, &error)),
    }
}

/// Reads a file with a key, which nobody else may be able to read; `None` when there is none.
pub(super) fn read_private(path: &Path) -> Result<Option<String>, NetworkError> {
    let text = read(path)?;
    if text.is_some() && exposed(path)? {
        return Err(NetworkError::Exposed { path: path.into() });
    }
    Ok(text)
}

/// The private key in a file; or why there is none, in words of our own.
pub(super) fn key(text: &str) -> Result<KeyPair, &'static str> {
    KeyPair::from_pem(text).map_err(|_| {
        if text.contains("PRIVATE KEY-----") {
            "the key in it is cut off or changed"
        } else {
            "there is no private key in it"
        }
    })
}

/// The certificate in a file likewise.
pub(super) fn certificate(text: &str) -> Result<CertificateDer<'static>, &'static str> {
    CertificateDer::from_pem_slice(text.as_bytes()).map_err(|_| {
        if text.contains("-----BEGIN CERTIFICATE") {
            "the certificate in it is cut off or changed"
        } else {
            "there is no certificate in it"
        }
    })
}

/// A text block with a label, in the form that all tools for certificates read.
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let block = pem::Pem::new(label, der);
    pem::encode_config(&block, pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF))
}

pub(super) fn unusable(path: &Path, error: &std::io::Error) -> NetworkError {
    NetworkError::Unusable { path: path.into(), reason: error.to_string() }
}

pub(super) fn damaged(path: &Path, reason: &str) -> NetworkError {
    NetworkError::Damaged { path: path.into(), reason: reason.into() }
}

/// Makes a folder, and those above it, for the user alone.
///
/// # Errors
/// What the system says.
#[cfg(unix)]
pub fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes a folder, and those above it.
///
/// # Errors
/// What the system says.
#[cfg(not(unix))]
pub fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(unix)]
fn exposed(path: &Path) -> Result<bool, NetworkError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_err(|error| unusable(path, &error))?.permissions().mode();
    Ok(mode & 0o077 != 0)
}

#[cfg(not(unix))]
fn exposed(_path: &Path) -> Result<bool, NetworkError> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_key_or_certificate_is_told_in_our_own_words() {
        let made = KeyPair::generate().expect("randomness").serialize_pem();
        assert!(key(&made).is_ok());
        assert_eq!(key(&made[..made.len() / 2]).err(), Some("the key in it is cut off or changed"));
        assert_eq!(key(&made.replace('M', "!")).err(), Some("the key in it is cut off or changed"));
        assert_eq!(key("").err(), Some("there is no private key in it"));
        let cut = "-----BEGIN CERTIFICATE-----\nMIIB";
        assert_eq!(certificate(cut).err(), Some("the certificate in it is cut off or changed"));
        assert_eq!(certificate(&made).err(), Some("there is no certificate in it"));
    }

    #[test]
    fn a_new_file_does_not_replace_an_old_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a/b");
        assert_eq!(write_new(&path, "one"), Ok(true));
        assert_eq!(write_new(&path, "two"), Ok(false));
        assert_eq!(read(&path), Ok(Some("one".to_owned())));
        write(&path, "three").expect("written");
        assert_eq!(read_private(&path), Ok(Some("three".to_owned())));
        assert_eq!(fs::read_dir(folder.path().join("a")).expect("there").count(), 1, "no leftovers");
    }
}
