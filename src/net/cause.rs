//! Why one peer is not, or no longer, connected: what the end of a connection means, and what the other side is told.

use std::net::SocketAddr;

use quinn::ConnectionError;

use crate::net::certificate::date;
use crate::net::limits::IDLE;
use crate::net::limits::TEXT_BYTES_MAX;

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

    /// Why somebody who dials this node did not get in, where the very first packet is at fault. Its keys are no secret, they follow
    /// from a number that the two sides have agreed on: one that does not fit is not a forged proof of who somebody is, but the
    /// next packet of a handshake with another process, which a restart has torn.
    pub(super) fn of_first(error: &ConnectionError) -> Cause {
        match error {
            ConnectionError::TransportError(error)
                if u64::from(error.code) == PROTOCOL_VIOLATION && error.reason == UNKNOWN_PACKET =>
            {
                Cause::absent("E0605", TORN)
            }
            error => Cause::of(error),
        }
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
            // Of a node: a newcomer beyond as many as it welcomes at one time. One that has too many peers, and one that is about to
            // end, shake hands first, and say so in an answer of their own.
            _ if code == 2 => {
                ("E0615", format!("{} is busy with as many newcomers as it takes at one time", by.who_refuses()))
            }
            _ => ("E0609", plain(reason)),
        };
        Cause::refused(code, format!("{who}: {what}"))
    }
}

/// What the library says of a first packet that does not fit the number that it names (RFC 9000, section 20.1).
const PROTOCOL_VIOLATION: u64 = 0xA;
/// See [`PROTOCOL_VIOLATION`].
const UNKNOWN_PACKET: &str = "authentication failed";
/// What is told then.
const TORN: &str =
    "the connection ended during the handshake, which was begun with who listened here before; it is dialed anew";

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

    /// The side that refuses.
    fn who_refuses(self) -> &'static str {
        match self {
            By::Us => "this node",
            By::Peer => "the peer",
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
    fn a_node_that_is_crowded_with_newcomers_is_told_apart_from_one_that_ends_and_one_that_has_too_many_peers() {
        let crowded = Cause::of_alert(2, By::Peer, "");
        assert_eq!((crowded.code, crowded.refused), ("E0615", true));
        assert!(crowded.reason.contains("newcomers") && !crowded.reason.contains("ending"), "{crowded:?}");
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
