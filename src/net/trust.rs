//! What a node goes by while it runs: its own certificate, and which certificates count no more. Both can change: a renewed
//! certificate is put into the node's folder, a list of revocations too, or a peer brings a newer one.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::SystemTime;

use quinn::ClientConfig;
use quinn::ServerConfig;

use crate::net::cause::Cause;
use crate::net::certificate::Proven;
use crate::net::certificate::date;
use crate::net::deciders::Appointed;
use crate::net::deciders::DECIDERS_FILE;
use crate::net::error::NetworkError;
use crate::net::identity::AUTHORITY_FILE;
use crate::net::identity::Credentials;
use crate::net::identity::NODE_FILE;
use crate::net::identity::REVOKED_FILE;
use crate::net::keyfile;
use crate::net::keyfile::damaged;
use crate::net::revocation::NoList;
use crate::net::revocation::Revocations;
use crate::net::tls::configure;

/// See the module.
pub(super) struct Trust {
    /// The node's folder.
    folder: Option<PathBuf>,
    current: Mutex<Current>,
}

struct Current {
    credentials: Credentials,
    client: ClientConfig,
    /// When the files of the folder had last been written, as far as known.
    written: Written,
    /// Of what could not be used there: when it had been written, and in how many looks it was the same.
    unusable: Option<(Written, u32)>,
    /// The version of the list of servers that decide that was passed on last.
    told: u64,
    /// Of which end of the own certificate it was warned.
    warned_s: Option<i64>,
}

/// When each of the folder's files that may change was written.
type Written = [Option<SystemTime>; 4];

/// What a node goes by that it has found anew in its folder.
pub(super) struct Anew {
    /// What to listen with from now on.
    pub(super) server: ServerConfig,
    /// The number of a newer list of revocations.
    pub(super) revocations: Option<u64>,
    /// Until which second of the calendar another certificate of this node counts.
    pub(super) until_s: Option<i64>,
}

impl Trust {
    pub(super) fn new(credentials: Credentials) -> Result<(Trust, ServerConfig), NetworkError> {
        let (client, server) = configure(&credentials)?;
        let folder = credentials.folder.clone();
        let written = written(folder.as_ref());
        let told = credentials.deciders().map_or(0, |list| list.version);
        let warned_s = credentials.ends_soon(now_s());
        let current = Current { credentials, client, written, unusable: None, told, warned_s };
        Ok((Trust { folder, current: Mutex::new(current) }, server))
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What to dial with.
    pub(super) fn client(&self) -> ClientConfig {
        self.current().client.clone()
    }

    /// Until when this node's own certificate counts, if that is soon; for each certificate once. Whoever starts a node tells of the
    /// one with which it is started.
    pub(super) fn ends_soon(&self) -> Option<i64> {
        let mut current = self.current();
        let until_s = current.credentials.ends_soon(now_s())?;
        (current.warned_s.replace(until_s) != Some(until_s)).then_some(until_s)
    }

    /// What this node's own certificate proves.
    pub(super) fn own(&self) -> Proven {
        self.current().credentials.proven
    }

    /// The number of the newest list of revocations that this node has; 0 without one.
    pub(super) fn number(&self) -> u64 {
        self.current().credentials.revocations_number()
    }

    /// The newest list of revocations, if it is newer than the one with this number.
    pub(super) fn newer_than(&self, number: u64) -> Option<Vec<u8>> {
        let current = self.current();
        let list = current.credentials.revocations.as_ref()?;
        (list.number() > number).then(|| list.der().to_vec())
    }

    /// The newest list of servers that decide.
    pub(super) fn deciders(&self) -> Option<Appointed> {
        self.current().credentials.deciders.clone()
    }

    /// The same, if it was not asked for since there was a newer one.
    pub(super) fn new_deciders(&self) -> Option<Appointed> {
        let mut current = self.current();
        let version = current.credentials.deciders()?.version;
        let news = current.told < version;
        current.told = version;
        current.credentials.deciders.clone().filter(|_| news)
    }

    /// Takes in a list of servers that decide, which a peer brought.
    pub(super) fn learn_deciders(&self, bytes: &[u8]) -> Result<(), NoList> {
        let mut current = self.current();
        if current.credentials.automatic {
            // It has no authority that could have signed one.
            return Err(NoList::Forged);
        }
        let list = Appointed::read(bytes, &current.credentials.authority)?;
        if !list.follows(current.credentials.deciders.as_ref()) {
            return Ok(());
        }
        if let Some(folder) = &self.folder {
            // A folder that cannot be written to keeps the older list; the peers bring the newer one again.
            let _ = list.write(folder);
            current.written = written(Some(folder));
        }
        current.credentials.deciders = Some(list);
        Ok(())
    }

    /// Why a peer whose certificate was good may no longer, or not yet, be spoken to.
    pub(super) fn objection(&self, peer: &Proven) -> Option<Cause> {
        if self.current().credentials.revocations.as_ref().is_some_and(|list| list.revokes(peer.serial)) {
            return Some(Cause::refused("E0618", "this node refused the peer: its certificate was revoked"));
        }
        let until = peer.until_s;
        (now_s() > until).then(|| {
            let reason = format!("this node refused the peer: its certificate expired {}", date(until));
            Cause::refused("E0617", reason)
        })
    }

    /// Takes in a list that a peer brought. Gives what to listen with from now on, if the list is newer than ours.
    pub(super) fn learn(&self, der: &[u8]) -> Result<Option<ServerConfig>, NoList> {
        let mut current = self.current();
        let Some(ours) = &current.credentials.revocations else {
            // The automatic cluster has none: whoever brings one is not of it.
            return Err(NoList::Forged);
        };
        let ours = ours.number();
        let list = Revocations::read(der, &current.credentials.authority)?;
        if list.number() <= ours {
            return Ok(None);
        }
        if let Some(folder) = &self.folder {
            // A folder that cannot be written to keeps the older list; the peers bring the newer one again.
            let _ = keyfile::write(&folder.join(REVOKED_FILE), &list.pem());
            current.written = written(Some(folder));
        }
        current.credentials.revocations = Some(list);
        Ok(current.renewed())
    }

    /// Looks whether there is something new in the node's folder.
    ///
    /// # Errors
    /// When it cannot be used: the node goes on with what it has. Given once, and not at the first look, since files are copied
    /// little by little.
    pub(super) fn reload(&self) -> Result<Option<Anew>, NetworkError> {
        let Some(folder) = &self.folder else { return Ok(None) };
        let written = written(Some(folder));
        if self.current().written == written {
            return Ok(None);
        }
        let loaded = Credentials::load(folder);
        let mut current = self.current();
        match loaded.and_then(|found| current.accept(found, folder)) {
            Ok(anew) => {
                (current.written, current.unusable) = (written, None);
                Ok(anew)
            }
            Err(error) => {
                let looks = current.unusable.filter(|(before, _)| *before == written).map_or(1, |(_, looks)| looks + 1);
                current.unusable = Some((written, looks));
                if looks == 2 { Err(error) } else { Ok(None) }
            }
        }
    }
}

impl Current {
    /// Goes by what was found, which may be older than what peers have brought.
    fn accept(&mut self, found: Credentials, folder: &Path) -> Result<Option<Anew>, NetworkError> {
        if found.id != self.credentials.id || found.server_name != self.credentials.server_name {
            return Err(damaged(&folder.join(NODE_FILE), "it is another node's than the one that runs"));
        }
        let deciders = self.credentials.deciders.take();
        let ours = self.credentials.revocations.take();
        let (before, until_s) = (ours.as_ref().map_or(0, Revocations::number), self.credentials.proven.until_s);
        let found_number = found.revocations_number();
        self.credentials = found;
        if before > found_number {
            // Whoever copied an older list there did not mean to let anybody in again, also not after the next start.
            if let Some(ours) = &ours {
                let _ = keyfile::write(&folder.join(REVOKED_FILE), &ours.pem());
            }
            self.credentials.revocations = ours;
        }
        if !self.credentials.deciders.as_ref().is_some_and(|found| found.follows(deciders.as_ref())) {
            self.credentials.deciders = deciders;
        }
        let revocations = (found_number > before).then_some(found_number);
        let until_s = Some(self.credentials.proven.until_s).filter(|until_s_now| *until_s_now != until_s);
        Ok(self.renewed().map(|server| Anew { server, revocations, until_s }))
    }

    fn renewed(&mut self) -> Option<ServerConfig> {
        // The same parts made a configuration before; with other certificates of the same kind they do again.
        let (client, server) = configure(&self.credentials).ok()?;
        self.client = client;
        Some(server)
    }
}

fn written(folder: Option<&PathBuf>) -> Written {
    let Some(folder) = folder else { return [None; 4] };
    [AUTHORITY_FILE, NODE_FILE, REVOKED_FILE, DECIDERS_FILE]
        .map(|name| std::fs::metadata(folder.join(name)).and_then(|facts| facts.modified()).ok())
}

/// This second of the calendar.
pub(super) fn now_s() -> i64 {
    i64::try_from(now_ms() / 1000).unwrap_or(i64::MAX)
}

/// This millisecond of the calendar.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::authority::Authority;
    use crate::net::authority::Order;
    use crate::net::identity::Cluster;
    use std::time::Duration;
    use time::OffsetDateTime;

    #[test]
    fn the_newest_list_counts_wherever_it_comes_from_and_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let now = OffsetDateTime::now_utc();
        let mut authority = Authority::create(&folder.path().join("shop"), now).expect("made");
        let elsewhere = folder.path().join("a");
        let order = |name, out| Order { name, role: None, valid: Duration::from_hours(24), out };
        authority.issue(&order("a", Some(&elsewhere)), now).expect("issued");
        let b = authority.issue(&order("b", None), now).expect("issued");
        let (trust, _) = Trust::new(Credentials::load(&elsewhere).expect("a folder")).expect("usable");
        assert_eq!(trust.objection(&b.issued.proven), None);
        assert!(matches!(trust.reload(), Ok(None)), "nothing is new");
        let old = authority.revoked().der().to_vec();
        authority.revoke("b", now).expect("revoked");
        assert!(trust.learn(authority.revoked().der()).expect("a list").is_some());
        assert!(trust.learn(&old).expect("a list").is_none(), "an older one changes nothing");
        assert_eq!(trust.objection(&b.issued.proven).map(|cause| cause.code), Some("E0618"));
        let kept = Credentials::load(&elsewhere).expect("still a folder");
        assert_eq!(kept.revocations_number(), authority.revoked().number());
        let other = Authority::create(&folder.path().join("other"), now).expect("made");
        assert_eq!(trust.learn(other.revoked().der()).err(), Some(NoList::Forged));
    }

    #[test]
    fn a_renewed_certificate_in_the_folder_is_taken_up_and_anothers_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let now = OffsetDateTime::now_utc();
        let mut authority = Authority::create(folder.path(), now).expect("made");
        let order = |name| Order { name, role: None, valid: Duration::from_hours(24), out: None };
        let a = authority.issue(&order("a"), now).expect("issued");
        let (trust, _) = Trust::new(Credentials::load(&a.folder).expect("a folder")).expect("usable");
        let before = trust.own();
        let longer = Order { valid: Duration::from_hours(48), ..order("a") };
        authority.renew(&longer, now).expect("renewed");
        // Some file systems tell times in steps.
        let later = std::fs::File::options().write(true).open(a.folder.join(NODE_FILE)).expect("there");
        later.set_modified(SystemTime::now() + Duration::from_secs(5)).expect("set");
        let found = trust.reload().expect("usable").expect("new");
        assert_eq!((found.revocations, found.until_s), (None, Some(trust.own().until_s)));
        assert_eq!(trust.own().id, before.id);
        assert!(trust.own().until_s > before.until_s);
        assert_eq!(trust.ends_soon(), Some(trust.own().until_s), "the new one ends within two weeks, too");
        assert_eq!(trust.ends_soon(), None, "that is told once");
        std::fs::write(a.folder.join(NODE_FILE), "nothing of the kind").expect("written");
        assert!(matches!(trust.reload(), Ok(None)), "it may still be copied");
        assert_eq!(trust.reload().err().map(|error| error.code()), Some("E0602"));
        assert!(matches!(trust.reload(), Ok(None)), "it is told once");
        assert!(trust.own().until_s > before.until_s, "and the node goes on with what it had");
    }

    #[test]
    fn a_list_in_the_folder_is_told_whether_it_can_be_used_or_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let now = OffsetDateTime::now_utc();
        let mut authority = Authority::create(folder.path(), now).expect("made");
        let order = |name| Order { name, role: None, valid: Duration::from_hours(24), out: None };
        let a = authority.issue(&order("a"), now).expect("issued");
        authority.issue(&order("b"), now).expect("issued");
        let list = a.folder.join(REVOKED_FILE);
        let old = std::fs::read(&list).expect("there");
        let (trust, _) = Trust::new(Credentials::load(&a.folder).expect("a folder")).expect("usable");
        authority.revoke("b", now).expect("revoked");
        let new = authority.revoked().pem();
        for unusable in ["junk", &new[..new.len() / 2]] {
            std::fs::write(&list, unusable).expect("written");
            assert!(matches!(trust.reload(), Ok(None)));
            assert_eq!(trust.reload().err().map(|error| error.code()), Some("E0602"));
        }
        std::fs::write(&list, &new).expect("written");
        let found = trust.reload().expect("usable").expect("new");
        assert_eq!((found.revocations, found.until_s), (Some(authority.revoked().number()), None));
        std::fs::write(&list, old).expect("written");
        assert_eq!(trust.reload().expect("usable").expect("looked at").revocations, None);
        assert_eq!(trust.number(), authority.revoked().number(), "an older one changes nothing");
        assert_eq!(std::fs::read_to_string(&list).ok(), Some(authority.revoked().pem()), "nor after the next start");
    }

    #[test]
    fn the_automatic_cluster_knows_no_revocations() {
        let credentials = Cluster::generate().expect("a cluster").node().expect("a node");
        let (trust, _) = Trust::new(credentials).expect("usable");
        assert_eq!((trust.number(), trust.newer_than(0)), (0, None));
        assert_eq!(trust.learn(&[]).err(), Some(NoList::Forged));
    }
}
