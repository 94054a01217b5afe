//! Who belongs together, and who is who: the cluster's certificate authority, and the certificates of nodes.
//!
//! A user's nodes on one machine share one automatic cluster. Its key lies in a folder of the user's, readable by the user
//! alone; the first node to need it makes it, and of several that do so at one time one wins and the rest take the winner's.

use std::fs;
use std::io::ErrorKind;
use std::io::Write;
use std::path::Path;

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::Issuer;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rcgen::PKCS_ED25519;
use rcgen::SanType;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::extensions::GeneralName;

use crate::net::error::NetworkError;
use crate::replica::Role;

/// The file of the automatic cluster key.
pub const KEY_FILE: &str = "cluster.pem";
/// A certificate says with a name of this form what its node may do.
const ROLE_PREFIX: &str = "lasp:node?role=";

/// A certificate authority with its key: whoever holds it can take part, and let others take part.
pub struct Cluster {
    key: KeyPair,
    certificate: CertificateDer<'static>,
    automatic: bool,
}

/// What one process proves itself with. Made anew for each.
pub struct Credentials {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    pub(super) authority: CertificateDer<'static>,
    pub(super) server_name: String,
    pub(super) automatic: bool,
    /// The node's identity: follows from its public key, so that nobody can claim another's.
    pub id: u128,
}

impl Cluster {
    /// The user's own cluster on this machine: loads its key from `folder`, or makes it.
    ///
    /// # Errors
    /// When the folder or the file cannot be used, is damaged, or can be read by others.
    pub fn automatic(folder: &Path) -> Result<Cluster, NetworkError> {
        let path = folder.join(KEY_FILE);
        if let Some(cluster) = Cluster::load(&path)? {
            return Ok(cluster);
        }
        let (_, text) = Cluster::generate_with_text()?;
        store(&text, folder, &path)?;
        // Whoever won the race, what lies there now is what all have.
        let missing = NetworkError::KeyFile { path: path.clone(), reason: "it vanished".into() };
        Cluster::load(&path)?.ok_or(missing)
    }

    /// A cluster of its own, in memory only.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate() -> Result<Cluster, NetworkError> {
        Cluster::generate_with_text().map(|(cluster, _)| cluster)
    }

    /// A new cluster, and the file that holds it.
    fn generate_with_text() -> Result<(Cluster, String), NetworkError> {
        let key = KeyPair::generate_for(&PKCS_ED25519).map_err(certificate_error)?;
        let certificate = authority(&key)?.self_signed(&key).map_err(certificate_error)?;
        let text = format!("{}{}", key.serialize_pem(), certificate.pem());
        Ok((Cluster { key, certificate: certificate.der().clone(), automatic: true }, text))
    }

    /// A new node's credentials.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn node(&self) -> Result<Credentials, NetworkError> {
        let server_name = format!("c-{}.lasp.internal", cluster_id(&self.key));
        let key = KeyPair::generate_for(&PKCS_ED25519).map_err(certificate_error)?;
        let mut params = CertificateParams::new(vec![server_name.clone()]).map_err(certificate_error)?;
        params.distinguished_name.push(DnType::CommonName, "lasp node");
        let role = format!("{ROLE_PREFIX}{}", Role::Server).try_into().map_err(certificate_error)?;
        params.subject_alt_names.push(SanType::URI(role));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let authority = authority(&self.key)?;
        let issuer = Issuer::from_params(&authority, &self.key);
        let certificate = params.signed_by(&key, &issuer).map_err(certificate_error)?.der().clone();
        let proven = proven_by(&certificate)
            .ok_or_else(|| NetworkError::Certificate { reason: "it does not read back".into() })?;
        Ok(Credentials {
            chain: vec![certificate],
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            authority: self.certificate.clone(),
            server_name,
            automatic: self.automatic,
            id: proven.id,
        })
    }

    fn load(path: &Path) -> Result<Option<Cluster>, NetworkError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == ErrorKind::InvalidData => return Err(damaged(path, "it is not text")),
            Err(error) => return Err(unusable(path, &error)),
        };
        refuse_if_exposed(path)?;
        let key = KeyPair::from_pem(&text).map_err(|error| damaged(path, &error.to_string()))?;
        let certificate =
            CertificateDer::from_pem_slice(text.as_bytes()).map_err(|error| damaged(path, &error.to_string()))?;
        let same = authority(&key)?.self_signed(&key).map_err(certificate_error)?;
        if public_key(&certificate) != public_key(same.der()) {
            return Err(damaged(path, "key and certificate do not belong together"));
        }
        Ok(Some(Cluster { key, certificate, automatic: true }))
    }
}

/// Writes the key beside its place and moves it there in one step that fails if another was faster.
fn store(text: &str, folder: &Path, path: &Path) -> Result<(), NetworkError> {
    make_private_folder(folder).map_err(|error| unusable(path, &error))?;
    let mut file =
        tempfile::Builder::new().prefix(".cluster-").tempfile_in(folder).map_err(|error| unusable(path, &error))?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(|error| unusable(path, &error))?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(unusable(path, &error.error)),
    }
}

/// What a certificate proves of the node that shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Proven {
    /// A digest of its public key.
    pub(super) id: u128,
    /// What it may do.
    pub(super) role: Role,
}

/// What a certificate proves; `None` if it names no role, which every certificate of a cluster does.
pub(super) fn proven_by(certificate: &CertificateDer<'_>) -> Option<Proven> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let digest = blake3::derive_key("lasp 2026 node identity from public key", parsed.public_key().raw);
    let (first, _) = digest.split_first_chunk()?;
    let names = &parsed.subject_alternative_name().ok()??.value.general_names;
    let role = names.iter().find_map(|name| match name {
        GeneralName::URI(uri) => Role::of(uri.strip_prefix(ROLE_PREFIX)?),
        _ => None,
    })?;
    Some(Proven { id: u128::from_be_bytes(*first), role })
}

fn public_key(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(parsed.public_key().raw.to_vec())
}

/// The cluster's identity stands in the authority's name, so that another cluster's certificate reads as an unknown issuer
/// and not as a bad signature.
fn authority(key: &KeyPair) -> Result<CertificateParams, NetworkError> {
    let mut params = CertificateParams::new(Vec::new()).map_err(certificate_error)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, format!("lasp cluster {}", cluster_id(key)));
    Ok(params)
}

fn cluster_id(key: &KeyPair) -> String {
    let digest = blake3::derive_key("lasp 2026 cluster identity from public key", key.public_key_raw());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn unusable(path: &Path, error: &std::io::Error) -> NetworkError {
    NetworkError::KeyFile { path: path.into(), reason: error.to_string() }
}

fn damaged(path: &Path, reason: &str) -> NetworkError {
    NetworkError::KeyDamaged { path: path.into(), reason: reason.into() }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn certificate_error(error: rcgen::Error) -> NetworkError {
    NetworkError::Certificate { reason: error.to_string() }
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
fn refuse_if_exposed(path: &Path) -> Result<(), NetworkError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_err(|error| unusable(path, &error))?.permissions().mode();
    if mode & 0o077 == 0 { Ok(()) } else { Err(NetworkError::KeyExposed { path: path.into() }) }
}

#[cfg(not(unix))]
fn refuse_if_exposed(_path: &Path) -> Result<(), NetworkError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_that_make_the_key_at_one_time_all_get_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let inner = folder.path().join("not/yet/there");
        let names: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..8).map(|_| scope.spawn(|| Cluster::automatic(&inner).and_then(|cluster| cluster.node()))).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic").expect("a key").server_name).collect()
        });
        assert!(names.windows(2).all(|pair| pair[0] == pair[1]), "{names:?}");
        assert_eq!(fs::read_dir(&inner).expect("the folder").count(), 1, "no leftovers");
    }

    #[test]
    fn two_nodes_of_one_cluster_have_different_identities() {
        let cluster = Cluster::generate().expect("a cluster");
        let (a, b) = (cluster.node().expect("a node"), cluster.node().expect("a node"));
        assert_ne!(a.id, b.id);
        assert_eq!(a.server_name, b.server_name);
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_or_that_is_damaged_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        Cluster::automatic(folder.path()).expect("made");
        let path = folder.path().join(KEY_FILE);
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("allowed");
        let exposed = Cluster::automatic(folder.path()).err().map(|error| error.code());
        assert_eq!(exposed, Some("E0602"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("allowed");
        fs::write(&path, "nothing of the kind").expect("written");
        assert_eq!(Cluster::automatic(folder.path()).err().map(|error| error.code()), Some("E0602"));
    }
}
