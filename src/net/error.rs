//! What can go wrong with the network, each with its code.

use std::net::SocketAddr;
use std::path::PathBuf;

use quinn::ConnectionError;

use crate::net::authority::AUTHORITY_KEY_FILE;
use crate::net::certificate::date;
use crate::net::identity::NODE_FILE;
use crate::net::limits::IDLE;
use crate::net::limits::ISSUED_MAX;
use crate::net::limits::NODE_NAME_BYTES_MAX;
use crate::net::limits::TEXT_BYTES_MAX;
use crate::net::records::Records;

/// Why this node cannot take part in the network at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// The folder or file of the cluster key cannot be made or read.
    #[error("the cluster key at {} cannot be used: {reason}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The file of the cluster key is not one.
    #[error("the cluster key at {} is damaged: {reason}", path.display())]
    KeyDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Others can read the cluster key.
    #[error("the cluster key at {} can be read by other users", path.display())]
    KeyExposed {
        /// The file.
        path: PathBuf,
    },
    /// The automatic key was to be used beyond this machine.
    #[error("{address} is not on this machine, and the automatic cluster key is good for this machine alone")]
    NotLoopback {
        /// The address that was to be listened on or dialed.
        address: String,
    },
    /// The address that peers were to be told cannot be used.
    #[error("peers cannot be told {address}: {reason}")]
    Advertise {
        /// The address.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: String,
        /// What the system says.
        reason: String,
    },
    /// A file that is another thing than a certificate.
    #[error("{} holds a {what}, and no certificate", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
        /// What it says to be.
        what: String,
    },
    /// A file of an issued key or certificate, or its folder, cannot be read or written.
    #[error("{} cannot be used: {reason}", path.display())]
    Unusable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A file of an issued key or certificate is not what it should be.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Others can read an issued key.
    #[error("the key {} can be read by other users", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// A folder is not a node's.
    #[error("{} is not a node's folder: it has no {missing}", path.display())]
    NotNode {
        /// The folder.
        path: PathBuf,
        /// The file that it lacks.
        missing: String,
    },
    /// A folder is not an authority's.
    #[error("{} is not the folder of a cluster's authority: it has no {missing}", path.display())]
    NotAuthority {
        /// The folder.
        path: PathBuf,
        /// The file that it lacks.
        missing: String,
    },
    /// There is an authority already.
    #[error("{} is the folder of a cluster's authority already", path.display())]
    AuthorityExists {
        /// The folder.
        path: PathBuf,
    },
    /// A node of that name has a certificate that counts.
    #[error("a certificate for {name} was issued already")]
    NodeExists {
        /// The name.
        name: String,
    },
    /// The folder holds a node's key already.
    #[error("{} holds a node's key already", path.display())]
    FolderTaken {
        /// The folder.
        path: PathBuf,
    },
    /// No certificate of that name counts.
    #[error("no certificate for {name} was issued here, or all of them are revoked or expired")]
    NodeUnknown {
        /// The name.
        name: String,
    },
    /// A name that is none.
    #[error("`{name}` is no name for a node")]
    NodeName {
        /// The name.
        name: String,
    },
    /// The authority has issued as many certificates as one may.
    #[error("this authority has issued {ISSUED_MAX} certificates, and one may issue no more")]
    TooManyIssued,
    /// The list of revocations is full.
    #[error("there are as many revocations as a list may have")]
    TooManyRevoked,
    /// A client is to decide on effects.
    #[error("{name} is a client by its certificate, and only servers decide")]
    NotServer {
        /// The name.
        name: String,
    },
    /// These servers cannot decide together.
    #[error("these servers cannot decide together: {reason}")]
    Deciders {
        /// What is wrong with them.
        reason: String,
    },
    /// The list of servers that decide is not where it was, and a node's folder beside the key has it.
    #[error("{} is missing, though servers were named to decide on effects", path.display())]
    DecidersLost {
        /// Where it was.
        path: PathBuf,
        /// Where it still is.
        found: PathBuf,
    },
    /// The node's own certificate is no longer valid.
    #[error("the certificate of {name} is expired: it was valid until {}", date(*until_s))]
    Expired {
        /// The node's name.
        name: String,
        /// The second until which it was valid.
        until_s: i64,
    },
    /// The node's own certificate is not valid yet.
    #[error("the certificate of {name} is not valid yet: it is from {}, and this clock says {}", date(*from_s), date(*now_s))]
    NotYetValid {
        /// The node's name.
        name: String,
        /// The second from which it is valid.
        from_s: i64,
        /// This machine's time.
        now_s: i64,
    },
    /// The node's own certificate was revoked.
    #[error("the certificate of {name} was revoked")]
    Revoked {
        /// The node's name.
        name: String,
    },
    /// A client has nobody to dial.
    #[error("{name} is a client by its certificate, and clients serve nobody: it needs a peer to join")]
    ClientAlone {
        /// The node's name.
        name: String,
    },
    /// The cryptography refused its own keys.
    #[error("no certificate could be made: {reason}")]
    Certificate {
        /// What the library says.
        reason: String,
    },
}

impl NetworkError {
    /// The code for `lasp explain`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            NetworkError::KeyFile { .. } | NetworkError::Unusable { .. } | NetworkError::NoCertificate { .. } => {
                "E0601"
            }
            NetworkError::KeyDamaged { .. }
            | NetworkError::KeyExposed { .. }
            | NetworkError::Damaged { .. }
            | NetworkError::Exposed { .. }
            | NetworkError::Certificate { .. } => "E0602",
            NetworkError::NotLoopback { .. } => "E0603",
            NetworkError::Listen { .. } | NetworkError::Advertise { .. } => "E0604",
            NetworkError::Expired { .. } | NetworkError::NotYetValid { .. } => "E0617",
            NetworkError::Revoked { .. } => "E0618",
            NetworkError::ClientAlone { .. } => "E0619",
            NetworkError::NotNode { .. } | NetworkError::NotAuthority { .. } => "E0620",
            NetworkError::AuthorityExists { .. }
            | NetworkError::NodeExists { .. }
            | NetworkError::FolderTaken { .. }
            | NetworkError::NodeUnknown { .. }
            | NetworkError::NodeName { .. } => "E0621",
            NetworkError::TooManyIssued | NetworkError::TooManyRevoked => "E0622",
            NetworkError::NotServer { .. } | NetworkError::Deciders { .. } => "E0655",
            NetworkError::DecidersLost { .. } => "E0658",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            NetworkError::KeyFile { .. } => {
                "make the folder writable, or name another one in the environment variable LASP_CONFIG_DIR".into()
            }
            NetworkError::KeyDamaged { path, .. } => {
                format!("delete {} and start all nodes again: a new key is made by itself", path.display())
            }
            NetworkError::KeyExposed { path } => {
                format!("delete {} and start all nodes again, since others may have copied it", path.display())
            }
            NetworkError::NotLoopback { .. } => {
                "use 127.0.0.1, [::1] or localhost; or make a cluster with `lasp keys init`, and start each node with the \
                 folder that `lasp keys issue` makes for it: --cluster DIR"
                    .into()
            }
            error => error.help_with_keys(),
        }
    }

    /// The same, about issued keys.
    fn help_with_keys(&self) -> String {
        match self {
            NetworkError::NoCertificate { .. } => "name the folder that it lies in, or a certificate".into(),
            NetworkError::Unusable { .. } => "make the folder and what is in it readable and writable for this user".into(),
            NetworkError::Damaged { path, .. } if Records::are_in(path.parent().unwrap_or(path)) => {
                "bring back a copy of the authority's folder; nothing else than that folder can issue, renew and revoke for its cluster"
                    .into()
            }
            NetworkError::Damaged { .. } => {
                "copy the folder again from where it was made, or have a new one made with `lasp keys issue`".into()
            }
            NetworkError::Exposed { path } if path.ends_with(AUTHORITY_KEY_FILE) => format!(
                "if nobody else can have copied it: chmod 600 {}; otherwise make a new cluster with `lasp keys init`, since whoever \
                 has this key decides who belongs to this one",
                path.display()
            ),
            NetworkError::Exposed { path } => format!(
                "if nobody else can have copied it: chmod 600 {}; otherwise revoke it with `lasp keys revoke`",
                path.display()
            ),
            NetworkError::NotNode { path, .. } if Records::are_in(path) => format!(
                "that is the authority's folder; a node's is made from it: lasp keys issue --cluster {0} --node NAME; then name {0}/nodes/NAME",
                path.display()
            ),
            NetworkError::NotNode { .. } => {
                "`lasp keys issue` makes such a folder, for one node each; by itself under nodes/ in the authority's folder"
                    .into()
            }
            NetworkError::NotAuthority { path, .. } if path.join(NODE_FILE).exists() => {
                "that is a node's folder; name the one that `lasp keys init` made, from which this was issued".into()
            }
            NetworkError::NotAuthority { path, .. } if Records::are_in(path) => {
                "bring back the missing file from a copy of that folder; every other part of it can stay".into()
            }
            NetworkError::NotAuthority { .. } => "`lasp keys init DIR` makes one; name that folder after --cluster".into(),
            NetworkError::AuthorityExists { .. } => "name a folder that is not there yet".into(),
            NetworkError::NodeExists { name } => {
                format!("to get a new certificate for the same node: lasp keys renew --node {name}; if its key is lost, lasp keys revoke --node {name} frees the name; or take another")
            }
            NetworkError::FolderTaken { .. } => "name another folder after --out, or move that one away".into(),
            NetworkError::NodeUnknown { .. } => "`lasp keys show DIR` lists what was issued".into(),
            NetworkError::NodeName { .. } => format!(
                "a name has 1 to {NODE_NAME_BYTES_MAX} letters a-z, A-Z, digits, dots, dashes and underscores, and begins with \
                 a letter or digit"
            ),
            NetworkError::TooManyIssued | NetworkError::TooManyRevoked => {
                "make a new cluster with `lasp keys init`, and move the nodes to it".into()
            }
            NetworkError::NotServer { name } => {
                format!("have a server's certificate made: lasp keys renew --node {name} --role server")
            }
            NetworkError::DecidersLost { path, found } => format!("copy it back: cp {} {}", found.display(), path.display()),
            NetworkError::Deciders { .. } => "name an odd number of servers, three or five, each once".into(),
            NetworkError::Expired { name, .. } => {
                format!("where the authority's key is: lasp keys renew --cluster DIR --node {name}; then copy node.pem here")
            }
            NetworkError::NotYetValid { .. } => "set this machine's clock".into(),
            NetworkError::Revoked { name } => format!(
                "a node that was revoked stays so; for a new one: lasp keys issue --cluster DIR --node {name} --out FOLDER"
            ),
            NetworkError::ClientAlone { .. } => {
                "name a server after --peers; or have a server's certificate issued with --role server".into()
            }
            NetworkError::Advertise { .. } => "name the address and port by which peers reach this node from outside".into(),
            NetworkError::Listen { .. } => "name a free port of this machine, or port 0 for any".into(),
            _ => "this should not happen; please report it".into(),
        }
    }
}

/// What it is called that a peer ended and said so.
const GOODBYE: &str = "it ended";

/// Why one peer is not, or no longer, connected: a code and one line of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The code for `lasp explain`.
    pub code: &'static str,
    /// Why, in plain words; never holds control characters.
    pub reason: String,
    /// Whether somebody refused, rather than nobody answered.
    pub refused: bool,
}

impl Cause {
    /// What to do about it; empty where there is nothing to do.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self.code {
            "E0605" => "is a node running there, is the port right, does something between drop UDP packets?",
            "E0606" => "check the name, or write the address in numbers",
            "E0607" => "give both nodes folders that the same authority has issued: lasp keys issue; --cluster DIR",
            "E0608" => "check the port; bring both sides to the same release",
            "E0615" => "try again later, or join by another peer",
            "E0617" => "renew it where the authority's key is: lasp keys renew; or set the clock that is wrong",
            "E0618" => "a node that was revoked stays so; issue a new certificate: lasp keys issue",
            "E0619" => "dial a server; or issue a server's certificate: lasp keys issue --role server",
            "E0623" => "is it a node of lasp that answers there?",
            "E1005" => {
                "end one of the two; for two nodes with the same content: lasp data export, and lasp data import --shared"
            }
            _ => "",
        }
    }

    /// The same, where it has happened so often since it was told last.
    #[must_use]
    pub fn after(mut self, times: u64) -> Cause {
        if times > 1 {
            self.reason = format!("{}; {times} times since this was told last", self.reason);
        }
        self
    }

    /// Whether the peer has ended and said so.
    #[must_use]
    pub fn is_goodbye(&self) -> bool {
        !self.refused && self.reason == GOODBYE
    }

    pub(super) fn refused(code: &'static str, reason: impl Into<String>) -> Cause {
        Cause { code, reason: reason.into(), refused: true }
    }

    pub(super) fn absent(code: &'static str, reason: impl Into<String>) -> Cause {
        Cause { code, reason: reason.into(), refused: false }
    }

    pub(super) fn no_answer(address: SocketAddr) -> Cause {
        Cause::absent("E0605", format!("no answer from {address}; is a node listening there?"))
    }

    pub(super) fn same_key(who: &str) -> Cause {
        Cause::refused("E1005", format!("{who}: another node runs with the same key"))
    }

    /// What a peer that closes in this way is taken to mean.
    pub(super) fn of_closing(closing: Closing) -> Cause {
        closed(closing as u64, b"")
    }

    /// What the end of a connection means, and which side brought it about.
    pub(super) fn of(error: &ConnectionError) -> Cause {
        match error {
            ConnectionError::TransportError(error) => Cause::of_alert(u64::from(error.code), By::Us, &error.reason),
            ConnectionError::ConnectionClosed(close) => {
                let reason = String::from_utf8_lossy(&close.reason);
                Cause::of_alert(u64::from(close.error_code), By::Peer, &reason)
            }
            ConnectionError::ApplicationClosed(close) => closed(close.error_code.into_inner(), &close.reason),
            ConnectionError::TimedOut => {
                Cause::absent("E0605", format!("no sign of life for {} seconds", IDLE.as_secs()))
            }
            ConnectionError::Reset => Cause::absent("E0605", "the peer has started anew"),
            ConnectionError::VersionMismatch => Cause::refused("E0608", "the peer speaks another version of QUIC"),
            ConnectionError::LocallyClosed => Cause::absent("E0605", "closed by this node"),
            ConnectionError::CidsExhausted => Cause::absent("E0605", "too many connections"),
        }
    }

    /// TLS alerts travel as `0x100 + alert` (RFC 9001, section 4.8); the alerts are those of RFC 8446, section 6.
    fn of_alert(code: u64, by: By, reason: &str) -> Cause {
        // What an application says before the handshake is done may not be shown, and this stands for it (RFC 9000, section
        // 10.2.3): the peer ended, or has another connection with this node.
        if matches!(code, 0 | 0xC) {
            return Cause::absent("E0605", "the peer closed the connection before it was made");
        }
        let who = by.who();
        let (code, what) = match code.checked_sub(0x100) {
            Some(120) => ("E0608", format!("{} does not speak this protocol", by.subject())),
            Some(116) => ("E0623", format!("{} showed no certificate", by.subject())),
            Some(45) => ("E0617", validity(by, reason)),
            Some(44) => ("E0618", format!("{} certificate was revoked", by.whose())),
            Some(43) => ("E0619", format!("{} certificate is a client's, and clients serve nobody", by.whose())),
            Some(0..=255) => ("E0607", format!("{} certificate is of another cluster ({})", by.whose(), plain(reason))),
            _ if code == 2 => ("E0615", "it takes no more connections now: it is ending, or has too many".to_owned()),
            _ => ("E0609", plain(reason)),
        };
        Cause::refused(code, format!("{who}: {what}"))
    }
}

/// Which side refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Us,
    Peer,
}

impl By {
    fn who(self) -> &'static str {
        match self {
            By::Us => "this node refused the peer",
            By::Peer => "the peer refused this node",
        }
    }

    /// The side that was refused.
    fn subject(self) -> &'static str {
        match self {
            By::Us => "the peer",
            By::Peer => "this node",
        }
    }

    fn whose(self) -> &'static str {
        match self {
            By::Us => "the peer's",
            By::Peer => "this node's",
        }
    }
}

/// One alert stands for both ends of a certificate's time. The library's text says which, and travels with the alert.
fn validity(by: By, reason: &str) -> String {
    let second = |before: &str| {
        let (_, rest) = reason.split_once(before)?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok().map(date)
    };
    let whose = by.whose();
    if let Some(from) = second("not valid before ") {
        format!("{whose} certificate is not valid yet, only from {from}; is a clock wrong?")
    } else if let Some(until) = second("not valid after ") {
        format!("{whose} certificate expired {until}")
    } else {
        format!("{whose} certificate is expired, or not valid yet")
    }
}

/// Why we close a connection, as the peer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closing {
    /// The node ends.
    Bye = 0,
    /// Another connection of this pair stays.
    Duplicate = 1,
    /// The peer does not take what we send it.
    Overflow = 2,
    /// What came is no message.
    Malformed = 3,
    /// The node wants no more of this peer.
    Refused = 4,
    /// Neither needs the connection: both have other neighbours.
    Unneeded = 6,
}

fn closed(code: u64, reason: &[u8]) -> Cause {
    let reason = plain(&String::from_utf8_lossy(reason));
    match code {
        0 => Cause::absent("E0605", GOODBYE),
        1 => Cause::absent("E0605", "another connection stays"),
        2 => Cause::absent("E0613", "the peer dropped the connection, since it could not send fast enough"),
        3 => Cause::refused("E0609", format!("the peer refused a message of this node: {reason}")),
        6 => Cause::absent("E0605", "the two have other neighbours"),
        5 => Cause::refused("E0614", "this is the node itself"),
        _ => {
            let told = COMMON.iter().find_map(|code| Some((*code, reason.strip_prefix(code)?)));
            let (code, why) = told.unwrap_or(("E0609", &reason));
            let why = why.trim_start().trim_start_matches("this node refused the peer").trim_start_matches(": ");
            Cause::refused(code, format!("the peer refused this node: {why}"))
        }
    }
}

/// Codes that a side which closes a connection tells the other, at the beginning of its reason.
const COMMON: &[&str] = &["E0607", "E0608", "E0615", "E0616", "E0617", "E0618", "E0619", "E0623"];

/// A text from elsewhere, made fit for a terminal: bounded, without control characters.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let c = if c.is_control() { '\u{fffd}' } else { c };
        if out.len() + c.len_utf8() > TEXT_BYTES_MAX {
            break;
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_of_a_refusal_tell_the_same_code_and_the_right_side() {
        let expired =
            "certificate expired: verification time 9 (UNIX), but certificate is not valid after 0 (9 seconds ago)";
        let early =
            "certificate not valid yet: verification time 9 (UNIX), but certificate is not valid before 86400 (..)";
        for (alert, reason, code, words) in [
            (0x12d, expired, "E0617", "certificate expired 1970-01-01 00:00 UTC"),
            (0x12d, early, "E0617", "certificate is not valid yet, only from 1970-01-02 00:00 UTC"),
            (0x12d, "", "E0617", "certificate is expired, or not valid yet"),
            (0x12c, "", "E0618", "certificate was revoked"),
            (0x12b, "", "E0619", "certificate is a client's"),
            (0x130, "", "E0607", "certificate is of another cluster"),
            (0x174, "", "E0623", "showed no certificate"),
            (0x178, "", "E0608", "does not speak this protocol"),
        ] {
            let (here, there) = (Cause::of_alert(alert, By::Us, reason), Cause::of_alert(alert, By::Peer, reason));
            assert_eq!((here.code, there.code), (code, code));
            assert!(here.reason.starts_with("this node refused the peer: the peer") && here.reason.contains(words));
            assert!(there.reason.starts_with("the peer refused this node: this node") && there.reason.contains(words));
        }
    }

    #[test]
    fn what_was_closed_before_the_handshake_was_done_is_no_refusal() {
        let hidden = Cause::of_alert(0xC, By::Peer, "");
        assert_eq!((hidden.code, hidden.refused), ("E0605", false));
    }

    #[test]
    fn a_reason_that_a_peer_gives_is_taken_for_its_code_only_if_it_is_one() {
        let told = closed(4, b"E0618 this node refused the peer: its certificate was revoked");
        assert_eq!(
            (told.code, told.reason.as_str()),
            ("E0618", "the peer refused this node: its certificate was revoked")
        );
        assert_eq!(closed(4, b"E9999 \x1b[2J").code, "E0609");
        assert!(!closed(4, b"E9999 \x1b[2J").reason.contains('\u{1b}'));
    }
}
