//! What is written on a stream: frames of a length, a kind and a payload; greetings and refusals.
//!
//! Decoders trust nothing. A frame's length is held against its bound before anything is allocated.

use std::net::SocketAddr;

use quinn::ReadExactError;
use quinn::RecvStream;
use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::lattice::dot::ReplicaId;
use crate::net::cause::plain;
use crate::net::limits::CONTROL_BYTES_MAX;
use crate::net::limits::DECIDERS_BYTES_MAX;
use crate::net::limits::MESSAGE_BYTES_MAX;
use crate::net::limits::PROTOCOL;
use crate::net::limits::PUSH_EXTRA_BYTES;
use crate::net::limits::REVOCATIONS_BYTES_MAX;
use crate::net::limits::TEXT_BYTES_MAX;
use crate::net::linked::AddressState;
use crate::net::linked::PeerState;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A node's message.
    Message = 0,
    /// The overlay's own: who is connected with whom.
    Overlay = 1,
    /// [`Greeting`].
    Hello = 2,
    /// The [`Greeting`] of the one who was greeted.
    Welcome = 3,
    /// [`Refusal`].
    Refuse = 4,
    /// A list of revocations.
    Revoked = 5,
    /// Asks how things stand, without becoming a peer; see [`Probed`].
    Probe = 6,
    /// [`Probed`].
    Probed = 7,
    /// A node's message that the overlay carries.
    Push = 8,
    /// A list of servers that decide.
    Deciders = 9,
    /// Where clients find other servers.
    Servers = 10,
}

const KINDS: [Kind; 11] = [
    Kind::Message,
    Kind::Overlay,
    Kind::Hello,
    Kind::Welcome,
    Kind::Refuse,
    Kind::Revoked,
    Kind::Probe,
    Kind::Probed,
    Kind::Push,
    Kind::Deciders,
    Kind::Servers,
];

impl Kind {
    fn of(byte: u8) -> Option<Kind> {
        KINDS.into_iter().find(|kind| *kind as u8 == byte)
    }

    /// The most bytes of a payload.
    #[must_use]
    pub fn bytes_max(self) -> usize {
        match self {
            Kind::Message => MESSAGE_BYTES_MAX,
            Kind::Revoked => REVOCATIONS_BYTES_MAX,
            Kind::Deciders => DECIDERS_BYTES_MAX,
            Kind::Push => MESSAGE_BYTES_MAX + PUSH_EXTRA_BYTES,
            _ => CONTROL_BYTES_MAX,
        }
    }
}

/// How one node introduces itself to another. Its identity is not in it: that follows from the certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// The name for people.
    pub name: String,
    /// Where it can be dialed.
    pub listen: SocketAddr,
    /// Which attempt of the dialing node this is; settles which of several connections stays.
    pub attempt: u64,
    /// The number of the newest list of revocations that the node has; whoever has a newer one sends it.
    pub revoked: u64,
    /// Whether the dialing node's user named the other, so that the connection stays.
    pub named: bool,
    /// Where the node sees the other: one that listens on all of its machine's addresses does not know which are of use.
    pub seen: SocketAddr,
    /// Under which identity its updates are known since it was started; bears its node's mark.
    pub incarnation: u128,
    /// Its clock, in milliseconds of the calendar. Stands behind the rest, where who does not know it does not look.
    #[serde(skip)]
    pub now_ms: Option<u64>,
}

impl Greeting {
    /// Whether the incarnation is one of the node with this identity, so that nobody can claim another's updates.
    #[must_use]
    pub fn belongs_to(&self, id: u128) -> bool {
        ReplicaId(self.incarnation).node() == ReplicaId(id).node()
    }
}

/// How things stand with a node that was asked by `lasp doctor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    /// The name for people.
    pub name: String,
    /// Its release of this program.
    pub release: String,
    /// Its clock, in milliseconds of the calendar.
    pub now_ms: u64,
    /// How many peers it has.
    pub peers: u32,
    /// The number of the newest list of revocations that it has.
    pub revoked: u64,
    /// How it stands with its peers, for who may know that. Stands behind the rest, where who does not know it does not look.
    #[serde(skip)]
    pub standing: Option<Standing>,
}

/// How a node stands with its peers: as many of them as an answer has room for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Where it listens.
    pub address: String,
    /// The peers that are connected.
    pub peers: Vec<PeerState>,
    /// The addresses after its `--peers` that lead to nobody.
    pub lost: Vec<AddressState>,
}

/// Why somebody is turned away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// This pair is connected already, or is about to be.
    Duplicate,
    /// The two are one node.
    Myself,
    /// There are too many connections.
    Full,
    /// Another version of what is said after the handshake.
    Protocol {
        /// What the refusing node speaks.
        speaks: u16,
    },
    /// Another node runs with the same key.
    SameKey,
    /// The node is about to end.
    Ending,
}

/// Why bytes are not a frame, or not the one that was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The connection or stream ended.
    #[error("the stream ended")]
    Ended,
    /// A kind that this version does not know, or that does not belong here.
    #[error("a frame of kind {0} does not belong here")]
    Kind(u8),
    /// Longer than its kind allows.
    #[error("a frame of {0} bytes is too long")]
    TooLong(usize),
    /// The payload is not what its kind says.
    #[error("the frame's content is damaged")]
    Malformed,
    /// Another version; the number is the peer's.
    #[error("the peer speaks version {0}")]
    Protocol(u16),
}

/// The bytes of a frame. `payload` must not be longer than the kind allows; whoever sends holds to it.
#[must_use]
pub fn frame(kind: Kind, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(payload.len() + 5);
    bytes.extend(length.to_be_bytes());
    bytes.push(kind as u8);
    bytes.extend(payload);
    bytes
}

/// Reads the head of a frame: kind and length of the payload.
///
/// # Errors
/// When the kind is not among `expected`, or the length is beyond the kind's bound.
pub fn head(bytes: [u8; 5], expected: &[Kind]) -> Result<(Kind, usize), FrameError> {
    let [a, b, c, d, kind] = bytes;
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    let kind = Kind::of(kind).filter(|kind| expected.contains(kind)).ok_or(FrameError::Kind(kind))?;
    if length > kind.bytes_max() { Err(FrameError::TooLong(length)) } else { Ok((kind, length)) }
}

/// Reads one frame.
///
/// # Errors
/// See [`head`]; also when the stream ends.
pub(super) async fn read(stream: &mut RecvStream, expected: &[Kind]) -> Result<(Kind, Vec<u8>), FrameError> {
    let mut start = [0; 5];
    stream.read_exact(&mut start).await.map_err(|_: ReadExactError| FrameError::Ended)?;
    let (kind, length) = head(start, expected)?;
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).await.map_err(|_: ReadExactError| FrameError::Ended)?;
    Ok((kind, payload))
}

/// The payload of a greeting: the version first, so that every version can read it.
#[must_use]
pub fn encode_greeting(greeting: &Greeting) -> Vec<u8> {
    let mut bytes = versioned(greeting);
    bytes.extend(greeting.now_ms.iter().flat_map(encode));
    bytes
}

fn versioned<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = PROTOCOL.to_be_bytes().to_vec();
    bytes.extend(encode(value));
    bytes
}

/// A value, and what stands behind it.
fn unversioned<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, &[u8]), FrameError> {
    let (version, rest) = bytes.split_first_chunk().ok_or(FrameError::Malformed)?;
    match u16::from_be_bytes(*version) {
        PROTOCOL => postcard::take_from_bytes(rest).map_err(|_| FrameError::Malformed),
        version => Err(FrameError::Protocol(version)),
    }
}

/// The payload of an answer to `lasp doctor`: the version first, as in greetings.
#[must_use]
pub fn encode_probed(probed: &Probed) -> Vec<u8> {
    let mut bytes = versioned(probed);
    let Some(Standing { address, peers, lost }) = &probed.standing else { return bytes };
    let mut room = CONTROL_BYTES_MAX.saturating_sub(bytes.len() + address.len() + 32);
    let mut fits = |bytes: usize| {
        let fits = bytes <= room;
        room = room.saturating_sub(bytes);
        fits
    };
    let lost = lost.iter().filter(|lost| fits(encode(lost).len())).cloned().collect();
    let peers = peers.iter().filter(|peer| fits(encode(peer).len())).cloned().collect();
    bytes.extend(encode(&Standing { address: address.clone(), peers, lost }));
    bytes
}

/// Reads an answer to `lasp doctor`.
///
/// # Errors
/// As [`decode_greeting`].
pub fn decode_probed(bytes: &[u8]) -> Result<Probed, FrameError> {
    let (mut probed, behind): (Probed, _) = unversioned(bytes)?;
    let fit = |text: &str| text.len() <= TEXT_BYTES_MAX && plain(text) == text;
    probed.standing = postcard::from_bytes(behind).ok().filter(|Standing { address, peers, lost }| {
        let causes = || lost.iter().flat_map(|lost| &lost.cause).all(|(code, reason)| fit(code) && fit(reason));
        fit(address)
            && peers.iter().all(|peer| fit(&peer.name) && fit(&peer.role) && fit(&peer.address))
            && lost.iter().all(|lost| fit(&lost.address))
            && causes()
    });
    if fit(&probed.name) && fit(&probed.release) { Ok(probed) } else { Err(FrameError::Malformed) }
}

/// Reads a greeting.
///
/// # Errors
/// [`FrameError::Protocol`] for another version, [`FrameError::Malformed`] for anything else that is no greeting.
pub fn decode_greeting(bytes: &[u8]) -> Result<Greeting, FrameError> {
    let (mut greeting, behind): (Greeting, _) = unversioned(bytes)?;
    greeting.now_ms = postcard::from_bytes(behind).ok();
    if greeting.name.is_empty() || greeting.name.len() > TEXT_BYTES_MAX || plain(&greeting.name) != greeting.name {
        return Err(FrameError::Malformed);
    }
    Ok(greeting)
}

/// The payload of a refusal.
#[must_use]
pub fn encode_refusal(refusal: &Refusal) -> Vec<u8> {
    encode(refusal)
}

/// Reads a refusal.
///
/// # Errors
/// When it is none.
pub fn decode_refusal(bytes: &[u8]) -> Result<Refusal, FrameError> {
    postcard::from_bytes(bytes).map_err(|_| FrameError::Malformed)
}

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).expect("plain data into memory cannot fail")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting() -> Greeting {
        Greeting {
            name: "a".into(),
            listen: ([127, 0, 0, 1], 7001).into(),
            attempt: 3,
            revoked: 0,
            named: true,
            seen: ([127, 0, 0, 1], 7002).into(),
            incarnation: 5,
            now_ms: Some(7),
        }
    }

    #[test]
    fn a_greeting_survives_the_trip() {
        assert_eq!(decode_greeting(&encode_greeting(&greeting())), Ok(greeting()));
    }

    #[test]
    fn a_greeting_without_a_clock_is_one_and_whoever_knows_none_reads_one_with_it() {
        let without = Greeting { now_ms: None, ..greeting() };
        let bytes = encode_greeting(&without);
        assert_eq!(decode_greeting(&bytes), Ok(without.clone()));
        assert!(encode_greeting(&greeting()).starts_with(&bytes));
        assert_eq!(postcard::from_bytes::<Greeting>(&encode_greeting(&greeting())[2..]), Ok(without));
    }

    #[test]
    fn an_answer_to_the_doctor_has_as_many_peers_as_there_is_room_for_and_one_without_is_one() {
        let peer = |at: u64| PeerState {
            name: format!("peer {at}"),
            role: "server".into(),
            address: format!("127.0.0.1:{at}"),
            seconds: at,
            round_trip_us: at,
            waiting_bytes: 0,
        };
        let lost = AddressState { address: "b:1".into(), cause: Some(("E0605".into(), "nobody".into())) };
        let standing =
            |count| Standing { address: "a:1".into(), peers: (0..count).map(peer).collect(), lost: vec![lost.clone()] };
        let (name, release) = ("a".to_owned(), "0.1.0".to_owned());
        let none = Probed { name, release, now_ms: 1, peers: 2, revoked: 3, standing: None };
        assert_eq!(decode_probed(&encode_probed(&none)), Ok(none.clone()));
        let some = Probed { standing: Some(standing(3)), ..none.clone() };
        assert_eq!(decode_probed(&encode_probed(&some)), Ok(some.clone()));
        assert!(encode_probed(&some).starts_with(&encode_probed(&none)), "who knows of none reads one with it");
        let many = encode_probed(&Probed { standing: Some(standing(5000)), ..none.clone() });
        assert!(many.len() <= CONTROL_BYTES_MAX, "{}", many.len());
        let read = decode_probed(&many).expect("an answer").standing.expect("with peers");
        assert!(read.peers.len() > 200 && read.lost == [lost.clone()], "{}", read.peers.len());
        let mut evil = standing(1);
        evil.peers[0].name = "\u{1b}[2J".into();
        let evil = Probed { standing: Some(evil), ..none.clone() };
        assert_eq!(decode_probed(&encode_probed(&evil)), Ok(none), "it is shown to people");
    }

    #[test]
    fn another_version_is_told_apart_whatever_follows() {
        assert_eq!(decode_greeting(&[0, 9, 255, 255]), Err(FrameError::Protocol(9)));
    }

    #[test]
    fn a_name_with_control_characters_is_no_name() {
        let bad = Greeting { name: "a\u{1b}[2J".into(), ..greeting() };
        assert_eq!(decode_greeting(&encode_greeting(&bad)), Err(FrameError::Malformed));
    }

    #[test]
    fn every_cut_and_every_flip_is_an_error_or_a_value_never_a_panic() {
        for bytes in [encode_greeting(&greeting()), encode_refusal(&Refusal::Full)] {
            for cut in 0..bytes.len() {
                let _ = (decode_greeting(&bytes[..cut]), decode_refusal(&bytes[..cut]));
            }
            for at in 0..bytes.len() {
                for flip in 1..=255u8 {
                    let mut changed = bytes.clone();
                    changed[at] ^= flip;
                    let _ = (decode_greeting(&changed), decode_refusal(&changed));
                }
            }
        }
    }

    #[test]
    fn a_length_beyond_the_bound_is_refused_before_anything_is_read() {
        assert_eq!(head([0xff, 0xff, 0xff, 0xff, 0], &[Kind::Message]), Err(FrameError::TooLong(0xffff_ffff)));
        assert_eq!(head([0, 0, 0x80, 0, 1], &[Kind::Overlay]), Err(FrameError::TooLong(0x8000)));
        assert_eq!(head([0, 0, 0, 1, 9], &[Kind::Message]), Err(FrameError::Kind(9)));
        assert_eq!(head([0, 0, 0, 1, 0], &[Kind::Hello]), Err(FrameError::Kind(0)));
    }
}
