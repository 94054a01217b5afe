//! What an authority has done, as its folder has it: who was certified, who was shut out, who decides on effects. All of it is public,
//! and can be read where the key is not.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use rustls::pki_types::CertificateDer;

use crate::net::authority::AUTHORITY_KEY_FILE;
use crate::net::certificate::Proven;
use crate::net::certificate::cluster_id;
use crate::net::certificate::name_of;
use crate::net::certificate::proven_by;
use crate::net::certificate::public_key;
use crate::net::deciders::Appointed;
use crate::net::deciders::DECIDERS_FILE;
use crate::net::error::NetworkError;
use crate::net::identity::AUTHORITY_FILE;
use crate::net::identity::NODE_FILE;
use crate::net::identity::NODE_KEY_FILE;
use crate::net::identity::REVOKED_FILE;
use crate::net::identity::certificate;
use crate::net::identity::revocations;
use crate::net::keyfile;
use crate::net::keyfile::damaged;
use crate::net::keyfile::unusable;
use crate::net::revocation::Revocations;

pub(super) const ISSUED: &str = "issued";
pub(super) const NODES: &str = "nodes";

/// What an authority has done, which can be read without its key.
pub struct Records {
    pub(super) folder: PathBuf,
    pub(super) certificate: CertificateDer<'static>,
    pub(super) revoked: Revocations,
}

/// A certificate that was issued.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The node's name for people.
    pub name: String,
    /// What the certificate proves.
    pub proven: Proven,
    /// Whether it was revoked.
    pub revoked: bool,
    pub(super) certificate: CertificateDer<'static>,
}

impl Records {
    /// Reads what lies in an authority's folder, with its key or without.
    ///
    /// # Errors
    /// When the folder is not one, or something in it is damaged.
    pub fn load(folder: &Path) -> Result<Records, NetworkError> {
        let missing = |name: &str| NetworkError::NotAuthority { path: folder.into(), missing: name.to_owned() };
        let path = folder.join(AUTHORITY_FILE);
        let text = keyfile::read(&path)?.ok_or_else(|| missing(AUTHORITY_FILE))?;
        let certificate = certificate((path, text))?;
        // Without the list, the next one would let everybody in again who was shut out.
        let revoked = revocations(folder, &certificate)?.ok_or_else(|| missing(REVOKED_FILE))?;
        Ok(Records { folder: folder.into(), certificate, revoked })
    }

    /// Whether a folder is, or was, an authority's: the key need not be in it.
    #[must_use]
    pub fn are_in(folder: &Path) -> bool {
        let has = |name: &str| folder.join(name).exists();
        has(AUTHORITY_KEY_FILE) || has(AUTHORITY_FILE) && !has(NODE_FILE) && !has(NODE_KEY_FILE)
    }

    /// The cluster's identity, for people.
    #[must_use]
    pub fn cluster(&self) -> String {
        cluster_id(&public_key(&self.certificate).unwrap_or_default())
    }

    /// The newest list of revoked certificates.
    #[must_use]
    pub fn revoked(&self) -> &Revocations {
        &self.revoked
    }

    /// The servers that decide on effects, once some were named.
    ///
    /// # Errors
    /// When the list cannot be read.
    pub fn deciders(&self) -> Result<Option<Appointed>, NetworkError> {
        Appointed::in_folder(&self.folder, &self.certificate)
    }

    /// Every certificate that was issued, by name and by the end of its time.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn issued(&self) -> Result<Vec<Issued>, NetworkError> {
        let mut found = Vec::new();
        // Other files may have come to lie there.
        let is_ours = |path: &PathBuf| {
            let number = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| stem.len() == 32);
            number.is_some_and(|number| u128::from_str_radix(number, 16).is_ok())
                && path.extension().is_some_and(|extension| extension == "pem")
        };
        for path in entries(&self.folder.join(ISSUED))?.into_iter().filter(is_ours) {
            let Some(text) = keyfile::read(&path)? else { continue };
            let certificate = certificate((path.clone(), text))?;
            found.push(self.describe(certificate).ok_or_else(|| damaged(&path, "it is no node's certificate"))?);
        }
        found.sort_by(|a, b| (&a.name, a.proven.until_s).cmp(&(&b.name, b.proven.until_s)));
        Ok(found)
    }

    pub(super) fn describe(&self, certificate: CertificateDer<'static>) -> Option<Issued> {
        let proven = proven_by(&certificate)?;
        let name = name_of(&certificate)?;
        Some(Issued { name, proven, revoked: self.revoked.revokes(proven.serial), certificate })
    }

    /// A node's folder beside the key that has a list of servers that decide, though the authority's own has none.
    pub(super) fn lost_deciders(&self) -> Result<Option<PathBuf>, NetworkError> {
        let has = |folder: &PathBuf| Appointed::in_folder(folder, &self.certificate).is_ok_and(|found| found.is_some());
        Ok(folders(&self.folder.join(NODES))?.into_iter().find(has).map(|folder| folder.join(DECIDERS_FILE)))
    }
}

impl Issued {
    /// The certificate itself.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }
}

/// What lies in a folder, in order; nothing when there is no such folder. Files that are being written do not count.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, NetworkError> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let failed = |error: std::io::Error| unusable(folder, &error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

pub(super) fn folders(folder: &Path) -> Result<Vec<PathBuf>, NetworkError> {
    Ok(entries(folder)?.into_iter().filter(|path| path.is_dir()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::authority::Authority;
    use crate::net::authority::Order;
    use time::OffsetDateTime;

    #[test]
    fn what_an_authority_has_done_can_be_read_without_its_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a time");
        let mut authority = Authority::create(folder.path(), now).expect("made");
        for name in ["a", "b"] {
            let order = Order { name, role: None, valid: std::time::Duration::from_hours(24), out: None };
            authority.issue(&order, now).expect("issued");
        }
        authority.revoke("b", now).expect("revoked");
        fs::remove_file(folder.path().join(AUTHORITY_KEY_FILE)).expect("taken away");
        assert!(Records::are_in(folder.path()) && !Records::are_in(&folder.path().join(NODES).join("a")));
        let records = Records::load(folder.path()).expect("read");
        assert_eq!(records.cluster(), authority.cluster());
        let issued = records.issued().expect("read");
        let shown: Vec<(&str, bool)> = issued.iter().map(|issued| (issued.name.as_str(), issued.revoked)).collect();
        assert_eq!(shown, [("a", false), ("b", true)]);
    }
}
