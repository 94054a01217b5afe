//! Who belongs together, and who is who: the cluster's certificate authority, and what a node proves itself with.
//!
//! A user's nodes on one machine share one automatic cluster. Its key lies in a folder of the user's, readable by the user
//! alone; the first node to need it makes it, and of several that do so at one time one wins and the rest take the winner's.
//! Any other cluster has an authority of its own ([`authority`](crate::net::authority)), and each of its nodes a folder.

use std::path::Path;
use std::path::PathBuf;

use rcgen::KeyPair;
use rcgen::PKCS_ED25519;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::PrivatePkcs8KeyDer;

use crate::effects::Deciders;
use crate::net::certificate::Proven;
use crate::net::certificate::Wish;
use crate::net::certificate::authority;
use crate::net::certificate::certificate_error;
use crate::net::certificate::cluster_id;
use crate::net::certificate::name_of;
use crate::net::certificate::proven_by;
use crate::net::certificate::public_key;
use crate::net::certificate::random_serial;
use crate::net::certificate::server_name_of;
use crate::net::certificate::sign;
use crate::net::certificate::signed_by;
use crate::net::deciders::Appointed;
use crate::net::error::NetworkError;
use crate::net::keyfile;
use crate::net::keyfile::damaged;
use crate::net::limits::EXPIRY_WARNING;
use crate::net::revocation::Revocations;
use crate::replica::Role;

/// The file of the automatic cluster key.
pub const KEY_FILE: &str = "cluster.pem";
/// The certificate of a cluster's authority, in its folder and in every node's.
pub const AUTHORITY_FILE: &str = "authority.pem";
/// A node's certificate, in its folder.
pub const NODE_FILE: &str = "node.pem";
/// A node's key, in its folder.
pub const NODE_KEY_FILE: &str = "node.key";
/// The newest list of revoked certificates, in the authority's folder and in every node's.
pub const REVOKED_FILE: &str = "revoked.pem";

/// A certificate authority with its key: whoever holds it can take part, and let others take part.
pub struct Cluster {
    key: KeyPair,
    certificate: CertificateDer<'static>,
}

/// What a node proves itself with.
pub struct Credentials {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    pub(super) authority: CertificateDer<'static>,
    pub(super) server_name: String,
    /// Whether the cluster is the automatic one, which is good for this machine alone.
    pub automatic: bool,
    /// The node's identity.
    pub id: u128,
    /// What its certificate proves.
    pub proven: Proven,
    /// The name for people in its certificate.
    pub name: String,
    /// Which certificates count no more, as far as the node's folder says; the automatic cluster has no such list.
    pub(super) revocations: Option<Revocations>,
    /// Which servers decide on effects, as far as the node's folder says.
    pub(super) deciders: Option<Appointed>,
    /// The node's folder, where newer lists of these are kept.
    pub folder: Option<PathBuf>,
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
        // Whoever won the race, what lies there now is what all have.
        keyfile::write_new(&path, &text).map_err(automatic)?;
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
        Ok((Cluster { key, certificate: certificate.der().clone() }, text))
    }

    /// A new node's credentials, with a key of its own: good for one process.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn node(&self) -> Result<Credentials, NetworkError> {
        let key = KeyPair::generate_for(&PKCS_ED25519).map_err(certificate_error)?;
        self.node_with(&key)
    }

    /// The credentials of the node that has this key.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn node_with(&self, key: &KeyPair) -> Result<Credentials, NetworkError> {
        let name = "lasp node";
        let wish = Wish { name, role: Role::Server, serial: random_serial()?, valid: None };
        let certificate = sign(&self.key, key, &wish)?;
        let proven = proven_by(&certificate)
            .ok_or_else(|| NetworkError::Certificate { reason: "it does not read back".into() })?;
        Ok(Credentials {
            chain: vec![certificate],
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            authority: self.certificate.clone(),
            server_name: server_name_of(&cluster_id(self.key.public_key_raw())),
            automatic: true,
            id: proven.id,
            proven,
            name: name.to_owned(),
            revocations: None,
            deciders: None,
            folder: None,
        })
    }

    /// The credentials of a client, such as no automatic cluster has.
    #[cfg(test)]
    pub(super) fn client(&self) -> Result<Credentials, NetworkError> {
        let key = KeyPair::generate_for(&PKCS_ED25519).map_err(certificate_error)?;
        let wish = Wish { name: "client", role: Role::Client, serial: random_serial()?, valid: None };
        let certificate = sign(&self.key, &key, &wish)?;
        let proven = proven_by(&certificate).expect("it reads back");
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        Ok(Credentials { chain: vec![certificate], key, id: proven.id, proven, ..self.node()? })
    }

    fn load(path: &Path) -> Result<Option<Cluster>, NetworkError> {
        let Some(text) = keyfile::read_private(path).map_err(automatic)? else { return Ok(None) };
        let broken = |reason: &str| NetworkError::KeyDamaged { path: path.into(), reason: reason.into() };
        let key = keyfile::key(&text).map_err(broken)?;
        let certificate = keyfile::certificate(&text).map_err(broken)?;
        if public_key(&certificate).as_deref() != Some(key.public_key_raw()) {
            return Err(broken("key and certificate do not belong together"));
        }
        Ok(Some(Cluster { key, certificate }))
    }
}

/// The same trouble with the automatic key, which is easily made anew.
fn automatic(error: NetworkError) -> NetworkError {
    match error {
        NetworkError::Unusable { path, reason } => NetworkError::KeyFile { path, reason },
        NetworkError::Damaged { path, reason } => NetworkError::KeyDamaged { path, reason },
        NetworkError::Exposed { path } => NetworkError::KeyExposed { path },
        error => error,
    }
}

impl Credentials {
    /// What the node whose folder this is proves itself with. Whether it still may is another question:
    /// [`Credentials::usable`].
    ///
    /// # Errors
    /// When the folder is not a node's, something in it is damaged or can be read by others, or does not belong together.
    pub fn load(folder: &Path) -> Result<Credentials, NetworkError> {
        let part = |name: &str| {
            let path = folder.join(name);
            let missing = || NetworkError::NotNode { path: folder.into(), missing: name.to_owned() };
            keyfile::read(&path).and_then(|text| text.ok_or_else(missing)).map(|text| (path, text))
        };
        let authority = certificate(part(AUTHORITY_FILE)?)?;
        let (node_path, text) = part(NODE_FILE)?;
        let node = certificate((node_path.clone(), text))?;
        let key_path = folder.join(NODE_KEY_FILE);
        let text = keyfile::read_private(&key_path)?;
        let text =
            text.ok_or_else(|| NetworkError::NotNode { path: folder.into(), missing: NODE_KEY_FILE.to_owned() })?;
        let key = keyfile::key(&text).map_err(|why| damaged(&key_path, why))?;
        let proven = proven_by(&node).ok_or_else(|| damaged(&node_path, "it names no role"))?;
        if public_key(&node).as_deref() != Some(key.public_key_raw()) {
            return Err(damaged(&node_path, "it is not for the key beside it"));
        }
        if !signed_by(&node, &authority) {
            return Err(damaged(&node_path, "the authority beside it has not signed it"));
        }
        let cluster = public_key(&authority).map(|key| cluster_id(&key));
        let cluster = cluster.ok_or_else(|| damaged(&folder.join(AUTHORITY_FILE), "it has no key"))?;
        Ok(Credentials {
            name: name_of(&node).unwrap_or_default(),
            chain: vec![node],
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            revocations: revocations(folder, &authority)?,
            deciders: Appointed::in_folder(folder, &authority)?,
            authority,
            server_name: server_name_of(&cluster),
            automatic: false,
            id: proven.id,
            proven,
            folder: Some(folder.into()),
        })
    }

    /// Whether they count at this second of the calendar.
    ///
    /// # Errors
    /// When the certificate is expired, not valid yet, or revoked.
    pub fn usable(&self, now_s: i64) -> Result<(), NetworkError> {
        let Proven { from_s, until_s, serial, .. } = self.proven;
        let name = self.name.clone();
        if now_s > until_s {
            Err(NetworkError::Expired { name, until_s })
        } else if now_s < from_s {
            Err(NetworkError::NotYetValid { name, from_s, now_s })
        } else if self.revocations.as_ref().is_some_and(|list| list.revokes(serial)) {
            Err(NetworkError::Revoked { name })
        } else {
            Ok(())
        }
    }

    /// The second until which they are valid, if that is soon.
    #[must_use]
    pub fn ends_soon(&self, now_s: i64) -> Option<i64> {
        let soon = now_s.saturating_add_unsigned(EXPIRY_WARNING.as_secs());
        (self.proven.until_s < soon).then_some(self.proven.until_s)
    }

    /// The cluster's identity, for people.
    #[must_use]
    pub fn cluster(&self) -> String {
        public_key(&self.authority).map(|key| cluster_id(&key)).unwrap_or_default()
    }

    /// Which servers decide on effects, if the folder says so.
    #[must_use]
    pub fn deciders(&self) -> Option<&Deciders> {
        self.deciders.as_ref().map(Appointed::list)
    }

    /// The number of the list of revocations; 0 when there is none.
    #[must_use]
    pub fn revocations_number(&self) -> u64 {
        self.revocations.as_ref().map_or(0, Revocations::number)
    }
}

/// Reads the certificate in a file.
pub(super) fn certificate((path, text): (PathBuf, String)) -> Result<CertificateDer<'static>, NetworkError> {
    keyfile::certificate(&text).map_err(|why| damaged(&path, why))
}

/// The list of revocations in a folder, if there is one.
pub(super) fn revocations(folder: &Path, authority: &CertificateDer<'_>) -> Result<Option<Revocations>, NetworkError> {
    let path = folder.join(REVOKED_FILE);
    let Some(text) = keyfile::read(&path)? else { return Ok(None) };
    Revocations::read_pem(&text, authority).map(Some).map_err(|error| damaged(&path, &error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

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
