//! Which servers decide where effects are started, as the cluster's authority has signed it. Nodes pass the newest list on.
//!
//! The file, and what travels: the list in postcard, and 64 bytes of a signature (Ed25519) over it and what it is.

use std::path::Path;

use rcgen::KeyPair;
use rcgen::SigningKey;
use rustls::pki_types::CertificateDer;

use crate::effects::Deciders;
use crate::net::certificate::certificate_error;
use crate::net::certificate::proves;
use crate::net::error::NetworkError;
use crate::net::event::Event;
use crate::net::event::LinkId;
use crate::net::frame::Kind;
use crate::net::hub::Hub;
use crate::net::keyfile;
use crate::net::keyfile::damaged;
use crate::net::limits::DECIDERS_BYTES_MAX;
use crate::net::revocation::NoList;

/// The newest list, in the authority's folder and in every node's.
pub const DECIDERS_FILE: &str = "deciders.pem";
/// How often what a node has decided was changed, in its folder. That itself is in its data, and the two have to fit.
pub const COUNT_FILE: &str = "decides";
const LABEL: &str = "LASP DECIDERS";
/// Stands before the list when it is signed, so that the signature is good for nothing else; no certificate begins so.
const DOMAIN: &[u8] = b"lasp 2026 deciding servers, signed\0";
const SIGNATURE_BYTES: usize = 64;

/// A list of servers that decide. There is none whose signature has not been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appointed {
    bytes: Vec<u8>,
    list: Deciders,
}

impl Appointed {
    /// Reads a list, and verifies that `authority` has signed it.
    ///
    /// # Errors
    /// See [`NoList`].
    pub fn read(bytes: &[u8], authority: &CertificateDer<'_>) -> Result<Appointed, NoList> {
        if bytes.len() > DECIDERS_BYTES_MAX {
            return Err(NoList::TooLong);
        }
        let (_, authority) = x509_parser::parse_x509_certificate(authority).map_err(|_| NoList::Damaged)?;
        let at = bytes.len().checked_sub(SIGNATURE_BYTES).ok_or(NoList::Damaged)?;
        let (list, signature) = bytes.split_at(at);
        if !proves(&authority, &[DOMAIN, list].concat(), signature) {
            return Err(NoList::Forged);
        }
        let list = Deciders::from_bytes(list).map_err(|_| NoList::Damaged)?;
        Ok(Appointed { bytes: bytes.to_vec(), list })
    }

    /// Signs a list.
    pub(super) fn sign(key: &KeyPair, list: Deciders) -> Result<Appointed, NetworkError> {
        let mut bytes = list.to_bytes();
        let signature = key.sign(&[DOMAIN, &bytes].concat()).map_err(certificate_error)?;
        bytes.extend(signature);
        Ok(Appointed { bytes, list })
    }

    /// Who decides.
    #[must_use]
    pub fn list(&self) -> &Deciders {
        &self.list
    }

    /// The list as it travels.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it takes the place of the list that was there. Those who decide are one group for good: a list of others, which
    /// an authority makes that has lost its own, takes nobody's place.
    #[must_use]
    pub fn follows(&self, before: Option<&Appointed>) -> bool {
        before.is_none_or(|before| self.list.follows(&before.list))
    }

    /// Writes the list into a folder.
    pub(super) fn write(&self, folder: &Path) -> Result<(), NetworkError> {
        keyfile::write(&folder.join(DECIDERS_FILE), &keyfile::pem(LABEL, &self.bytes))
    }

    /// The list in a folder, if there is one.
    pub(super) fn in_folder(folder: &Path, authority: &CertificateDer<'_>) -> Result<Option<Appointed>, NetworkError> {
        let path = folder.join(DECIDERS_FILE);
        let Some(text) = keyfile::read(&path)? else { return Ok(None) };
        let block = pem::parse(&text)
            .map_err(|_| damaged(&path, "it is no list of servers that decide, or is cut off or changed"))?;
        if block.tag() != LABEL {
            return Err(damaged(&path, "it is no list of servers that decide"));
        }
        Appointed::read(block.contents(), authority).map(Some).map_err(|error| damaged(&path, &error.to_string()))
    }
}

/// How often what the node has decided was changed whose folder this is, as far as the folder knows; `None` if it never decided.
///
/// # Errors
/// When the file cannot be read, or means nothing.
pub fn count(folder: &Path) -> Result<Option<u64>, NetworkError> {
    let path = folder.join(COUNT_FILE);
    let Some(text) = keyfile::read(&path)? else { return Ok(None) };
    text.trim().parse().map(Some).map_err(|_| damaged(&path, "it is no number"))
}

/// The folder knows of one more, or of several; on disk when this returns.
///
/// # Errors
/// When the file cannot be written, or says something else than `before`: who wrote that decides with the same key.
pub fn set_count(folder: &Path, before: Option<u64>, now: u64) -> Result<(), NetworkError> {
    let path = folder.join(COUNT_FILE);
    if count(folder)? != before {
        return Err(damaged(&path, "another process has changed it, which decides with the same key"));
    }
    keyfile::write(&path, &format!("{now}\n"))
}

/// Brings the newest list to a peer.
pub(super) fn tell(hub: &Hub, link: LinkId) {
    if let Some(appointed) = hub.trust.deciders() {
        hub.send_as(link, Kind::Deciders, appointed.bytes());
    }
}

/// Tells the node and all peers of a list that is newer than what they were told.
pub(super) async fn pass_on(hub: &Hub) {
    if let Some(appointed) = hub.trust.new_deciders() {
        for link in hub.all_links() {
            hub.send_as(link, Kind::Deciders, appointed.bytes());
        }
        hub.tell(Event::Deciders(appointed.list)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::Member;
    use crate::effects::NodeId;
    use crate::net::certificate::tests::authority_key;

    fn list(nodes: &[u64]) -> Deciders {
        let member =
            |node: &u64| Member { node: NodeId(*node), name: format!("n{node}"), addresses: vec!["h:1".into()] };
        Deciders::first(nodes.iter().map(member).collect()).expect("a list")
    }

    #[test]
    fn a_list_survives_the_trip_and_the_file_and_only_its_authority_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let ((key, authority), (_, other)) = (authority_key(), authority_key());
        let signed = Appointed::sign(&key, list(&[1, 2, 3])).expect("signed");
        assert_eq!(Appointed::read(signed.bytes(), &authority), Ok(signed.clone()));
        assert_eq!(Appointed::read(signed.bytes(), &other), Err(NoList::Forged));
        assert_eq!(Appointed::in_folder(folder.path(), &authority), Ok(None));
        signed.write(folder.path()).expect("written");
        assert_eq!(Appointed::in_folder(folder.path(), &authority), Ok(Some(signed.clone())));
        assert!(matches!(Appointed::in_folder(folder.path(), &other), Err(NetworkError::Damaged { .. })));
        for at in 0..signed.bytes().len() {
            let mut changed = signed.bytes().to_vec();
            changed[at] ^= 1;
            assert!(Appointed::read(&changed, &authority).is_err(), "a bit at {at}");
            assert!(Appointed::read(&signed.bytes()[..at], &authority).is_err(), "cut at {at}");
        }
        assert_eq!(Appointed::read(&vec![0; DECIDERS_BYTES_MAX + 1], &authority), Err(NoList::TooLong));
    }

    #[test]
    fn a_list_follows_an_older_one_of_the_same_founders_alone() {
        let (key, _) = authority_key();
        let sign = |list: &Deciders| Appointed::sign(&key, list.clone()).expect("signed");
        let (first, stranger) = (list(&[1, 2, 3]), list(&[4]));
        let next = first.next(stranger.members.clone(), 1_700_000_000).expect("a list");
        assert!(sign(&first).follows(None) && sign(&next).follows(Some(&sign(&first))));
        assert!(!sign(&first).follows(Some(&sign(&next))) && !sign(&first).follows(Some(&sign(&first))));
        assert!(!sign(&stranger).follows(Some(&sign(&first))), "others founded it");
        assert!(!sign(&stranger.next(first.members, 1_800_000_000).expect("a list")).follows(Some(&sign(&next))));
    }

    #[test]
    fn the_count_grows_unless_somebody_else_has_changed_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        assert_eq!(count(folder), Ok(None));
        set_count(folder, None, 7).expect("written");
        assert_eq!(count(folder), Ok(Some(7)));
        set_count(folder, Some(7), 8).expect("written");
        assert!(matches!(set_count(folder, Some(7), 8), Err(NetworkError::Damaged { .. })), "it says 8");
        assert!(set_count(folder, None, 9).is_err() && count(folder) == Ok(Some(8)), "what was there stays");
        std::fs::write(folder.join(COUNT_FILE), "often").expect("written");
        assert!(matches!(count(folder), Err(NetworkError::Damaged { .. })));
    }
}
