//! The key of a node that keeps one: what makes it the same node at every start.

use rcgen::KeyPair;
use rcgen::PKCS_ED25519;
use rcgen::PublicKeyData;

use crate::net::certificate::node_id;
use crate::net::error::NetworkError;

/// A node's key.
pub struct NodeKey(KeyPair);

impl NodeKey {
    /// A new one.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate() -> Result<NodeKey, NetworkError> {
        let made = KeyPair::generate_for(&PKCS_ED25519).map(NodeKey);
        made.map_err(|error| NetworkError::Certificate { reason: error.to_string() })
    }

    /// The key that [`NodeKey::text`] wrote; `None` if it is none.
    #[must_use]
    pub fn read(text: &str) -> Option<NodeKey> {
        KeyPair::from_pem(text).ok().map(NodeKey)
    }

    /// The key as text; whoever has it can speak in the node's name.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.serialize_pem()
    }

    /// For certificates.
    #[must_use]
    pub fn pair(&self) -> &KeyPair {
        &self.0
    }

    /// The node's identity, which follows from its key alone.
    #[must_use]
    pub fn id(&self) -> u128 {
        node_id(&self.0.subject_public_key_info())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::identity::Cluster;

    #[test]
    fn a_key_tells_the_identity_that_its_certificate_proves() {
        let key = NodeKey::generate().expect("randomness");
        let credentials = Cluster::generate().and_then(|cluster| cluster.node_with(key.pair())).expect("signed");
        assert_eq!(key.id(), credentials.id);
        assert_eq!(NodeKey::read(&key.text()).map(|read| read.id()), Some(key.id()));
    }
}
