//! The authority of a cluster in a folder of its own: makes, renews and revokes the certificates of nodes.
//!
//! ```text
//! authority.key     the key: whoever has it decides who belongs to the cluster; nodes do not need it
//! authority.pem     its certificate
//! revoked.pem       the newest list of revoked certificates
//! deciders.pem      the newest list of servers that decide on effects, if there is one
//! issued/           every certificate that was issued, by its number
//! nodes/NAME/       what node NAME needs: to be copied to its machine
//! ```

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use rcgen::KeyPair;
use rcgen::PKCS_ED25519;
use rcgen::PublicKeyData;
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use crate::effects::Deciders;
use crate::effects::Member;
use crate::effects::NodeId;
use crate::net::certificate::OldKey;
use crate::net::certificate::Wish;
use crate::net::certificate::authority;
use crate::net::certificate::certificate_error;
use crate::net::certificate::cluster_id;
use crate::net::certificate::public_key;
use crate::net::certificate::random_serial;
use crate::net::certificate::sign;
use crate::net::deciders::Appointed;
use crate::net::deciders::DECIDERS_FILE;
use crate::net::error::NetworkError;
use crate::net::identity::AUTHORITY_FILE;
use crate::net::identity::NODE_FILE;
use crate::net::identity::NODE_KEY_FILE;
use crate::net::identity::REVOKED_FILE;
use crate::net::keyfile;
use crate::net::keyfile::damaged;
use crate::net::limits::CLOCK_SKEW;
use crate::net::limits::ISSUED_MAX;
use crate::net::limits::NODE_NAME_BYTES_MAX;
use crate::net::records::ISSUED;
use crate::net::records::Issued;
use crate::net::records::NODES;
use crate::net::records::Records;
use crate::net::records::entries;
use crate::net::records::folders;
use crate::net::revocation::Revocations;
use crate::replica::Role;

/// The file of an authority's key.
pub const AUTHORITY_KEY_FILE: &str = "authority.key";

/// See the module.
pub struct Authority {
    key: KeyPair,
    records: Records,
}

/// A certificate that is to be made.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// The node's name for people.
    pub name: &'a str,
    /// What it may do; as before, for a certificate that is renewed.
    pub role: Option<Role>,
    /// For how long.
    pub valid: Duration,
    /// The node's folder; `nodes/NAME` beside the authority's key when not given.
    pub out: Option<&'a Path>,
}

/// A certificate that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// The certificate.
    pub issued: Issued,
    /// The folder that it lies in.
    pub folder: PathBuf,
    /// Whether the node's key lies there too.
    pub with_key: bool,
    /// What the node could do until then, if that is something else.
    pub before: Option<Role>,
}

/// What a revocation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    /// The certificates that it concerns.
    pub serials: Vec<u128>,
    /// The number of the new list.
    pub number: u64,
    /// The file that it lies in.
    pub file: PathBuf,
}

impl Authority {
    /// Makes a new cluster's authority.
    ///
    /// # Errors
    /// When there is one already, or the folder cannot be written to.
    pub fn create(folder: &Path, now: OffsetDateTime) -> Result<Authority, NetworkError> {
        let key = KeyPair::generate_for(&PKCS_ED25519).map_err(certificate_error)?;
        // The key comes first and decides: whoever finds one there stops, unless it was made by somebody who was cut off then.
        if !keyfile::write_new(&folder.join(AUTHORITY_KEY_FILE), &key.serialize_pem())? {
            let begun = !folder.join(REVOKED_FILE).exists() && !folder.join(ISSUED).exists();
            return if begun { Authority::finish(folder, now) } else { Err(exists(folder)) };
        }
        Authority::complete(folder, key, now)
    }

    /// What else an authority needs, beside a key that is there.
    fn finish(folder: &Path, now: OffsetDateTime) -> Result<Authority, NetworkError> {
        let path = folder.join(AUTHORITY_KEY_FILE);
        let text = keyfile::read_private(&path)?.ok_or_else(|| exists(folder))?;
        let key = keyfile::key(&text).map_err(|why| damaged(&path, why))?;
        Authority::complete(folder, key, now)
    }

    fn complete(folder: &Path, key: KeyPair, now: OffsetDateTime) -> Result<Authority, NetworkError> {
        let certificate = authority(&key)?.self_signed(&key).map_err(certificate_error)?;
        keyfile::write(&folder.join(AUTHORITY_FILE), &keyfile::pem("CERTIFICATE", certificate.der()))?;
        let der = Revocations::sign(&key, number_after(0, now), &BTreeSet::new(), now)?;
        let certificate = certificate.der().clone();
        let revoked = read_back(&der, &certificate)?;
        keyfile::write(&folder.join(REVOKED_FILE), &revoked.pem())?;
        Ok(Authority { key, records: Records { folder: folder.into(), certificate, revoked } })
    }

    /// Loads an authority with its key.
    ///
    /// # Errors
    /// When the folder is not one, or something in it is damaged or can be read by others.
    pub fn load(folder: &Path) -> Result<Authority, NetworkError> {
        let missing = |name: &str| NetworkError::NotAuthority { path: folder.into(), missing: name.to_owned() };
        let key_path = folder.join(AUTHORITY_KEY_FILE);
        let text = keyfile::read_private(&key_path)?.ok_or_else(|| missing(AUTHORITY_KEY_FILE))?;
        let key = keyfile::key(&text).map_err(|why| damaged(&key_path, why))?;
        let records = Records::load(folder)?;
        if public_key(&records.certificate).as_deref() != Some(key.public_key_raw()) {
            return Err(damaged(&folder.join(AUTHORITY_FILE), "it is not for the key beside it"));
        }
        Ok(Authority { key, records })
    }

    /// The cluster's identity, for people.
    #[must_use]
    pub fn cluster(&self) -> String {
        cluster_id(self.key.public_key_raw())
    }

    /// What it has done.
    #[must_use]
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// The authority's own certificate.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.records.certificate
    }

    /// The newest list of revoked certificates.
    #[must_use]
    pub fn revoked(&self) -> &Revocations {
        &self.records.revoked
    }

    /// See [`Records::issued`].
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn issued(&self) -> Result<Vec<Issued>, NetworkError> {
        self.records.issued()
    }

    /// See [`Records::deciders`].
    ///
    /// # Errors
    /// When the list cannot be read.
    pub fn deciders(&self) -> Result<Option<Appointed>, NetworkError> {
        self.records.deciders()
    }

    /// The authority's folder for this process alone, as it is now: what is read, changed and written is not written over what
    /// another one wrote meanwhile. Until the answer is dropped, or the process ends, others wait.
    fn turn(&mut self) -> Result<File, NetworkError> {
        let path = self.records.folder.join(AUTHORITY_KEY_FILE);
        let file = File::open(&path).and_then(|file| file.lock().map(|()| file));
        let file = file.map_err(|error| keyfile::unusable(&path, &error))?;
        self.records = Records::load(&self.records.folder)?;
        Ok(file)
    }

    /// Makes a node's key and certificate.
    ///
    /// # Errors
    /// When the name is taken, or the folder cannot be written to.
    pub fn issue(&mut self, order: &Order<'_>, now: OffsetDateTime) -> Result<Made, NetworkError> {
        check_name(order.name)?;
        let _turn = self.turn()?;
        let now_s = now.unix_timestamp();
        let taken = |issued: &Issued| issued.name == order.name && !issued.revoked && issued.proven.until_s >= now_s;
        if self.issued()?.iter().any(taken) {
            return Err(NetworkError::NodeExists { name: order.name.into() });
        }
        let folder = self.node_folder(order);
        if folder.join(NODE_KEY_FILE).exists() {
            return Err(NetworkError::FolderTaken { path: folder });
        }
        let key = KeyPair::generate_for(&PKCS_ED25519).map_err(certificate_error)?;
        let role = order.role.unwrap_or(Role::Client);
        let issued = self.certify(&key, order, role, now)?;
        let written = keyfile::write_new(&folder.join(NODE_KEY_FILE), &key.serialize_pem());
        if !matches!(written, Ok(true)) {
            // Nobody has its key, or ever will: the name is free.
            let _ = std::fs::remove_file(self.issued_file(&issued));
        }
        if !written? {
            return Err(NetworkError::FolderTaken { path: folder });
        }
        self.fill(&folder, &issued).inspect_err(|_| {
            let _ = std::fs::remove_file(folder.join(NODE_KEY_FILE));
            let _ = std::fs::remove_file(self.issued_file(&issued));
        })?;
        Ok(Made { issued, folder, with_key: true, before: None })
    }

    /// Makes a new certificate for a node's key, so that it stays the node that it was.
    ///
    /// # Errors
    /// When no certificate of that name was issued, or all were revoked.
    pub fn renew(&mut self, order: &Order<'_>, now: OffsetDateTime) -> Result<Made, NetworkError> {
        let _turn = self.turn()?;
        let unknown = || NetworkError::NodeUnknown { name: order.name.into() };
        let earlier = self.issued()?.into_iter().filter(|issued| issued.name == order.name && !issued.revoked);
        let last = earlier.max_by_key(|issued| issued.proven.until_s).ok_or_else(unknown)?;
        let key = OldKey(public_key(&last.certificate).ok_or_else(unknown)?);
        let issued = self.certify(&key, order, order.role.unwrap_or(last.proven.role), now)?;
        let folder = self.node_folder(order);
        self.fill(&folder, &issued)?;
        let before = Some(last.proven.role).filter(|role| *role != issued.proven.role);
        Ok(Made { issued, with_key: folder.join(NODE_KEY_FILE).exists(), folder, before })
    }

    /// Revokes every certificate of a name that still counts; the new list goes into all nodes' folders beside the key.
    ///
    /// # Errors
    /// When there is none, or there are too many revocations.
    pub fn revoke(&mut self, name: &str, now: OffsetDateTime) -> Result<Withdrawn, NetworkError> {
        let _turn = self.turn()?;
        let now_s = now.unix_timestamp();
        let issued = self.issued()?;
        // What has just expired here may still count where the clock is behind.
        let since_s = (now - CLOCK_SKEW).unix_timestamp();
        let counts = |issued: &&Issued| issued.name == name && !issued.revoked && issued.proven.until_s >= since_s;
        let serials: Vec<u128> = issued.iter().filter(counts).map(|issued| issued.proven.serial).collect();
        if serials.is_empty() {
            return Err(NetworkError::NodeUnknown { name: name.into() });
        }
        // What is long expired is refused for that reason, and need not stay in the list.
        let gone = now_s.saturating_sub_unsigned(365 * 86_400);
        let over =
            |serial: &u128| issued.iter().any(|issued| issued.proven.serial == *serial && issued.proven.until_s < gone);
        let mut all = self.records.revoked.serials().clone();
        all.retain(|serial| !over(serial));
        all.extend(&serials);
        let number = number_after(self.records.revoked.number(), now);
        let der = Revocations::sign(&self.key, number, &all, now)?;
        self.records.revoked = read_back(&der, &self.records.certificate)?;
        let file = self.records.folder.join(REVOKED_FILE);
        keyfile::write(&file, &self.records.revoked.pem())?;
        for folder in folders(&self.records.folder.join(NODES))? {
            keyfile::write(&folder.join(REVOKED_FILE), &self.records.revoked.pem())?;
        }
        Ok(Withdrawn { serials, number, file })
    }

    /// Names the servers that decide on effects, each with the addresses by which the others reach it; the new list goes into
    /// all nodes' folders beside the key. Those who decide until then go over to it by deciding so.
    ///
    /// # Errors
    /// When a name is not that of a server whose certificate counts, or they are too many.
    pub fn appoint(
        &mut self,
        servers: &[(String, Vec<String>)],
        now: OffsetDateTime,
    ) -> Result<Deciders, NetworkError> {
        let _turn = self.turn()?;
        let issued = self.issued()?;
        let now_s = now.unix_timestamp();
        let member = |(name, addresses): &(String, Vec<String>)| -> Result<Member, NetworkError> {
            let counts = |it: &&Issued| it.name == *name && !it.revoked && it.proven.until_s >= now_s;
            let last = issued.iter().rfind(counts).ok_or_else(|| NetworkError::NodeUnknown { name: name.clone() })?;
            if last.proven.role != Role::Server {
                return Err(NetworkError::NotServer { name: name.clone() });
            }
            let node = NodeId(u64::try_from(last.proven.id >> 64).unwrap_or_default());
            Ok(Member { node, name: name.clone(), addresses: addresses.clone() })
        };
        for (at, (name, addresses)) in servers.iter().enumerate() {
            let same = |(_, others): &&(String, Vec<String>)| addresses.iter().any(|address| others.contains(address));
            if let Some((other, _)) = servers[..at].iter().find(same) {
                let reason = format!("`{other}` and `{name}` have the same address");
                return Err(NetworkError::Deciders { reason });
            }
        }
        let members = servers.iter().map(member).collect::<Result<Vec<Member>, NetworkError>>()?;
        let before = self.deciders()?;
        if before.is_none()
            && let Some(found) = self.records.lost_deciders()?
        {
            return Err(NetworkError::DecidersLost { path: self.records.folder.join(DECIDERS_FILE), found });
        }
        let list = match before {
            Some(before) => before.list().next(members, number_after(0, now)),
            None => Deciders::first(members),
        };
        let list = list.map_err(|error| NetworkError::Deciders { reason: error.to_string() })?;
        let appointed = Appointed::sign(&self.key, list)?;
        // The authority's own comes first: from it follows which list is the next.
        appointed.write(&self.records.folder)?;
        for folder in folders(&self.records.folder.join(NODES))? {
            appointed.write(&folder)?;
        }
        Ok(appointed.list().clone())
    }

    fn certify(
        &self,
        key: &impl PublicKeyData,
        order: &Order<'_>,
        role: Role,
        now: OffsetDateTime,
    ) -> Result<Issued, NetworkError> {
        if entries(&self.records.folder.join(ISSUED))?.len() >= ISSUED_MAX {
            return Err(NetworkError::TooManyIssued);
        }
        // Clocks differ: what was issued a moment ago here must count on a machine whose clock is behind.
        let (from, until) = (now - CLOCK_SKEW, now + order.valid);
        let wish = Wish { name: order.name, role, serial: random_serial()?, valid: Some((from, until)) };
        let certificate = sign(&self.key, key, &wish)?;
        let unreadable = || NetworkError::Certificate { reason: "it does not read back".into() };
        let issued = self.records.describe(certificate).ok_or_else(unreadable)?;
        // Before anybody can have it: what is not known to have been issued could not be revoked.
        keyfile::write(&self.issued_file(&issued), &keyfile::pem("CERTIFICATE", &issued.certificate))?;
        Ok(issued)
    }

    fn issued_file(&self, issued: &Issued) -> PathBuf {
        self.records.folder.join(ISSUED).join(format!("{:032x}.pem", issued.proven.serial))
    }

    /// Writes what a node needs besides its key.
    fn fill(&self, folder: &Path, issued: &Issued) -> Result<(), NetworkError> {
        keyfile::write(&folder.join(AUTHORITY_FILE), &keyfile::pem("CERTIFICATE", &self.records.certificate))?;
        keyfile::write(&folder.join(REVOKED_FILE), &self.records.revoked.pem())?;
        if let Some(appointed) = self.deciders()? {
            appointed.write(folder)?;
        }
        keyfile::write(&folder.join(NODE_FILE), &keyfile::pem("CERTIFICATE", &issued.certificate))
    }

    fn node_folder(&self, order: &Order<'_>) -> PathBuf {
        order.out.map_or_else(|| self.records.folder.join(NODES).join(order.name), Path::to_owned)
    }
}

/// The next number of a list. It follows the clock, so that an authority that was restored from an older copy does not use
/// a number again.
fn number_after(last: u64, now: OffsetDateTime) -> u64 {
    u64::try_from(now.unix_timestamp()).unwrap_or(0).max(last.saturating_add(1))
}

fn read_back(der: &[u8], authority: &CertificateDer<'_>) -> Result<Revocations, NetworkError> {
    Revocations::read(der, authority).map_err(|error| NetworkError::Certificate { reason: error.to_string() })
}

fn exists(folder: &Path) -> NetworkError {
    NetworkError::AuthorityExists { path: folder.into() }
}

/// Names are used for folders.
fn check_name(name: &str) -> Result<(), NetworkError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    if first && name.len() <= NODE_NAME_BYTES_MAX && name.chars().all(fits) {
        Ok(())
    } else {
        Err(NetworkError::NodeName { name: crate::net::cause::plain(name) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::identity::Credentials;
    use std::fs;

    const DAY: Duration = Duration::from_hours(24);

    fn at(day: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_800_000_000 + day * 86_400).expect("a time")
    }

    fn order(name: &str, role: Option<Role>) -> Order<'_> {
        Order { name, role, valid: 30 * DAY, out: None }
    }

    #[test]
    fn a_node_that_is_renewed_stays_the_node_that_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut authority = Authority::create(folder.path(), at(0)).expect("made");
        let made = authority.issue(&order("a", Some(Role::Server)), at(0)).expect("issued");
        let before = Credentials::load(&made.folder).expect("a node's folder");
        assert_eq!(before.usable(at(1).unix_timestamp()), Ok(()));
        let late = before.usable(at(31).unix_timestamp()).expect_err("expired");
        assert!(matches!(late, NetworkError::Expired { .. }));
        assert_eq!(late.code(), "E0617");
        assert!(matches!(before.usable(at(-1).unix_timestamp()), Err(NetworkError::NotYetValid { .. })));
        assert!(before.ends_soon(at(29).unix_timestamp()).is_some());
        let renewed = authority.renew(&order("a", None), at(20)).expect("renewed");
        assert!(renewed.with_key);
        let after = Credentials::load(&made.folder).expect("still one");
        assert_eq!((after.id, after.proven.role, after.name.as_str()), (before.id, Role::Server, "a"));
        assert_ne!(after.proven.serial, before.proven.serial);
        assert_eq!(after.usable(at(49).unix_timestamp()), Ok(()));
    }

    #[test]
    fn a_name_whose_folder_could_not_be_filled_is_free() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut authority = Authority::create(&folder.path().join("shop"), at(0)).expect("made");
        let out = folder.path().join("out");
        fs::create_dir_all(out.join(NODE_FILE)).expect("made");
        let blocked = Order { out: Some(&out), ..order("a", None) };
        assert!(authority.issue(&blocked, at(0)).is_err(), "a folder lies where the certificate is to be");
        assert!(!out.join(NODE_KEY_FILE).exists());
        assert!(authority.issue(&order("a", None), at(0)).is_ok());
    }

    #[test]
    fn revoking_a_name_revokes_all_of_its_certificates_and_frees_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut authority = Authority::create(folder.path(), at(0)).expect("made");
        let made = authority.issue(&order("a", None), at(0)).expect("issued");
        authority.renew(&order("a", None), at(1)).expect("renewed");
        assert!(matches!(authority.issue(&order("a", None), at(1)), Err(NetworkError::NodeExists { .. })));
        let number = authority.revoked().number();
        fs::write(folder.path().join(ISSUED).join("a.pem~"), "what an editor leaves").expect("written");
        let withdrawn = authority.revoke("a", at(2)).expect("revoked");
        assert_eq!(withdrawn.serials.len(), 2);
        assert!(withdrawn.number > number);
        assert!(matches!(authority.revoke("a", at(2)), Err(NetworkError::NodeUnknown { .. })));
        let credentials = Credentials::load(&made.folder).expect("the folder is still one");
        assert_eq!(credentials.usable(at(2).unix_timestamp()), Err(NetworkError::Revoked { name: "a".into() }));
        assert_eq!(credentials.revocations_number(), withdrawn.number);
        let mut again = Authority::load(folder.path()).expect("it can be loaded again");
        assert!(again.issued().expect("listed").iter().all(|issued| issued.revoked));
        let elsewhere = folder.path().join("b");
        let order = Order { out: Some(&elsewhere), ..order("a", None) };
        assert!(again.issue(&order, at(3)).is_ok());
    }

    #[test]
    fn revocations_at_the_same_time_all_count() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut authority = Authority::create(folder.path(), at(0)).expect("made");
        let names: Vec<String> = (0..6).map(|number| format!("n{number}")).collect();
        for name in &names {
            authority.issue(&order(name, None), at(0)).expect("issued");
        }
        std::thread::scope(|scope| {
            for name in &names {
                scope.spawn(|| {
                    Authority::load(folder.path()).and_then(|mut it| it.revoke(name, at(1))).expect("revoked")
                });
            }
        });
        let again = Authority::load(folder.path()).expect("still there");
        assert!(again.issued().expect("listed").iter().all(|issued| issued.revoked));
        // Whoever had loaded it before goes by what is there now.
        authority.issue(&order("late", None), at(1)).expect("issued");
        assert_eq!(authority.revoked().serials().len(), 6);
    }

    #[test]
    fn what_was_cut_off_half_way_can_be_done_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let cluster = Authority::create(folder.path(), at(0)).expect("made").cluster();
        for missing in [REVOKED_FILE, AUTHORITY_FILE] {
            fs::remove_file(folder.path().join(missing)).expect("there");
        }
        let mut authority = Authority::create(folder.path(), at(0)).expect("gone on with");
        assert_eq!(authority.cluster(), cluster);
        assert!(matches!(Authority::create(folder.path(), at(0)), Err(NetworkError::AuthorityExists { .. })));
        // A key that cannot be written anywhere is nobody's, and its name not taken.
        let nowhere = folder.path().join(AUTHORITY_FILE).join("a");
        let lost = Order { out: Some(&nowhere), ..order("a", None) };
        assert!(authority.issue(&lost, at(0)).is_err());
        assert!(authority.issue(&order("a", None), at(0)).is_ok());
    }

    #[test]
    fn what_is_there_is_not_overwritten_and_what_is_missing_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        Authority::create(folder.path(), at(0)).expect("made");
        assert!(matches!(Authority::create(folder.path(), at(0)), Err(NetworkError::AuthorityExists { .. })));
        let missing = Credentials::load(folder.path()).err();
        assert!(matches!(missing, Some(NetworkError::NotNode { .. })), "{missing:?}");
        fs::remove_file(folder.path().join(REVOKED_FILE)).expect("removed");
        let missing = Authority::load(folder.path()).err();
        assert!(matches!(missing, Some(NetworkError::NotAuthority { .. })), "{missing:?}");
    }

    #[test]
    fn servers_that_decide_are_named_once_for_all_folders_and_clients_never() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut authority = Authority::create(folder.path(), at(0)).expect("made");
        let made = authority.issue(&order("a", Some(Role::Server)), at(0)).expect("issued");
        authority.issue(&order("till", None), at(0)).expect("issued");
        let named = |names: &[&str]| -> Vec<(String, Vec<String>)> {
            names.iter().map(|name| ((*name).to_owned(), vec![format!("{name}:1")])).collect()
        };
        let mut wrong = |names: &[&str]| authority.appoint(&named(names), at(1)).err().map(|error| error.code());
        assert_eq!(wrong(&["a", "till"]), Some("E0655"));
        assert_eq!(wrong(&["a", "nobody"]), Some("E0621"));
        assert_eq!(wrong(&["a", "a"]), Some("E0655"));
        assert!(authority.deciders().expect("read").is_none());
        let list = authority.appoint(&named(&["a"]), at(1)).expect("named");
        assert_eq!(Credentials::load(&made.folder).expect("a folder").deciders(), Some(&list));
        // Who comes later finds it, and the next list is of the same group.
        let b = authority.issue(&order("b", Some(Role::Server)), at(1)).expect("issued");
        assert_eq!(Credentials::load(&b.folder).expect("a folder").deciders(), Some(&list));
        let next = authority.appoint(&named(&["a", "b"]), at(2)).expect("named");
        let one = ["a", "b"].map(|name| (name.to_owned(), vec!["h:1".to_owned()]));
        let same = authority.appoint(&one, at(3)).err().map(|error| error.to_string());
        assert!(same.is_some_and(|said| said.contains("`a` and `b` have the same address")));
        assert!(next.follows(&list) && next.founders == list.founders);
        assert_eq!(Credentials::load(&made.folder).expect("a folder").deciders(), Some(&next));
    }

    #[test]
    fn names_that_could_lead_out_of_the_folder_are_refused() {
        for bad in ["", ".", "..", "../a", "a/b", "-a", "a b", "a\u{1b}", &"a".repeat(NODE_NAME_BYTES_MAX + 1)] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        assert!(check_name("shop-1.example_2").is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn keys_are_readable_by_their_owner_alone_and_refused_otherwise() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let mut authority = Authority::create(folder.path(), at(0)).expect("made");
        let made = authority.issue(&order("a", None), at(0)).expect("issued");
        let (ours, theirs) = (folder.path().join(AUTHORITY_KEY_FILE), made.folder.join(NODE_KEY_FILE));
        for path in [&ours, &theirs] {
            let mode = fs::metadata(path).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            fs::set_permissions(path, fs::Permissions::from_mode(0o640)).expect("allowed");
        }
        assert!(matches!(Authority::load(folder.path()).err(), Some(NetworkError::Exposed { path }) if path == ours));
        assert!(
            matches!(Credentials::load(&made.folder).err(), Some(NetworkError::Exposed { path }) if path == theirs)
        );
    }
}
