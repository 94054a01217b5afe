//! What overlays say to each other, and the bounds on it.
//!
//! The library's messages, which are about neighbours, have private fields and no bounds of their own. So what comes in is first
//! read into types of our own of the same shape, held against the bounds, and only then given to the library. The same way lets
//! us put a node's latest card in the place of an older one.

use std::sync::Arc;

use iroh_gossip::proto::topic::Message;
use serde::Deserialize;
use serde::Serialize;

use crate::overlay::NodeId;
use crate::overlay::book::Card;

/// The most nodes that one message may name.
const NODES_MAX: usize = 32;
/// The most payloads that one message may name, ask for and hold.
pub(super) const ANNOUNCED_MAX: usize = 256;
pub(super) const ASKED_MAX: usize = 32;
pub(super) const PAYLOADS_MAX: usize = 1024;
/// The most hops that anything may have made, or have before it.
const HOPS_MAX: u16 = 1000;
/// The most bytes of a card.
pub(super) const CARD_BYTES_MAX: usize = 512;

/// A node as the library knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Id([u8; 16]);

impl From<NodeId> for Id {
    fn from(node: NodeId) -> Id {
        Id(node.to_be_bytes())
    }
}

impl From<Id> for NodeId {
    fn from(id: Id) -> NodeId {
        NodeId::from_be_bytes(id.0)
    }
}

/// Bytes that are not a message, or one beyond the bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message about who is connected with whom is damaged")]
pub struct Malformed;

/// What travels: the first byte says which, the topic follows.
pub(super) enum Frame<'a> {
    /// A message of the library's.
    Membership(Swarm),
    /// A payload for the receiver alone, not to be passed on.
    Direct(&'a [u8]),
    /// What is said about a tree.
    Tree(Word<'a>),
}

const MEMBERSHIP: u8 = 0;
const DIRECT: u8 = 1;
const TREE: u8 = 2;
const PAYLOADS: u8 = 3;
/// How [`Form::Swarm`] of a [`Swarm::Neighbour`] begins.
const NEIGHBOUR: (u8, u8) = (0, 4);

/// What neighbours say to each other about a topic's tree.
#[derive(Serialize, Deserialize)]
pub(super) enum Word<'a> {
    /// The sender has payloads of these names.
    Names(Vec<[u8; 8]>),
    /// The sender has not, and is to be sent these and all that follow.
    Ask(Vec<[u8; 8]>),
    /// Whether the sender is to be sent payloads.
    Wants(bool),
    /// The root says that it is there.
    Beacon(Beacon),
    /// Payloads, which have a form of their own.
    #[serde(skip)]
    Payloads(Vec<&'a [u8]>),
}

/// What a root says, as a node passes it on.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Beacon {
    pub(super) root: Id,
    /// Which life of the root's it is, and which sign of it.
    pub(super) life: u64,
    pub(super) number: u64,
    /// How far the sender is from the root.
    pub(super) hops: u16,
    /// See [`Word::Wants`].
    pub(super) wants: bool,
}

/// The shape of `topic::Message`.
#[derive(Serialize, Deserialize)]
enum Form {
    Swarm(Swarm),
}

/// The shape of `hyparview::Message`.
#[derive(Serialize, Deserialize)]
pub(super) enum Swarm {
    Join(Option<Vec<u8>>),
    ForwardJoin(Info, u16),
    Shuffle(Id, Vec<Info>, u16),
    ShuffleReply(Vec<Info>),
    Neighbour(Priority, Option<Vec<u8>>),
    Disconnect(bool, bool),
}

/// The shape of `hyparview::Priority`.
#[derive(Serialize, Deserialize)]
pub(super) enum Priority {
    High,
    Low,
}

/// The shape of `PeerInfo`.
#[derive(Serialize, Deserialize)]
pub(super) struct Info {
    pub(super) id: Id,
    pub(super) data: Option<Vec<u8>>,
}

/// The bytes of a library's message.
pub(super) fn encode(topic: u128, message: &Message<Id>) -> Vec<u8> {
    let start = start(MEMBERSHIP, topic);
    // The message was made here, of plain data.
    postcard::to_extend(message, start).unwrap_or_default()
}

/// Whether a frame asks a node to be a neighbour.
pub(super) fn asks(frame: &[u8]) -> bool {
    let read = postcard::take_from_bytes::<((u8, u128), (u8, u8))>(frame);
    read.is_ok_and(|(((kind, _), said), _)| kind == MEMBERSHIP && said == NEIGHBOUR)
}

/// The name of a payload.
pub(super) fn name(payload: &[u8]) -> u64 {
    let hash = blake3::hash(payload);
    hash.as_bytes().iter().take(8).rev().fold(0, |name, &byte| name << 8 | u64::from(byte))
}

/// The bytes of what is said about a tree.
pub(super) fn encode_word(topic: u128, word: &Word<'_>) -> Vec<u8> {
    postcard::to_extend(word, start(TREE, topic)).unwrap_or_default()
}

/// The bytes of a message with payloads.
pub(super) fn encode_payloads(topic: u128, payloads: &[Arc<[u8]>]) -> Vec<u8> {
    let mut bytes = start(PAYLOADS, topic);
    bytes.reserve(payloads.iter().map(|payload| payload.len() + 3).sum());
    for payload in payloads {
        bytes = postcard::to_extend(&payload.len(), bytes).unwrap_or_default();
        bytes.extend_from_slice(payload);
    }
    bytes
}

fn decode_payloads(mut bytes: &[u8]) -> Result<Vec<&[u8]>, Malformed> {
    let mut payloads = Vec::new();
    while !bytes.is_empty() {
        let (payload, rest) = postcard::take_from_bytes(bytes).map_err(|_| Malformed)?;
        payloads.push(payload);
        if payloads.len() > PAYLOADS_MAX {
            return Err(Malformed);
        }
        bytes = rest;
    }
    Ok(payloads)
}

/// The bytes of a payload that goes no further.
pub(super) fn encode_direct(topic: u128, payload: &[u8]) -> Vec<u8> {
    let mut bytes = start(DIRECT, topic);
    bytes.extend(payload);
    bytes
}

fn start(kind: u8, topic: u128) -> Vec<u8> {
    postcard::to_extend(&(kind, topic), Vec::new()).unwrap_or_default()
}

/// Reads a frame, and holds it against the bounds.
pub(super) fn decode(bytes: &[u8]) -> Result<(u128, Frame<'_>), Malformed> {
    let ((kind, topic), rest) = postcard::take_from_bytes::<(u8, u128)>(bytes).map_err(|_| Malformed)?;
    let frame = match kind {
        MEMBERSHIP => {
            let (Form::Swarm(swarm), left) = postcard::take_from_bytes(rest).map_err(|_| Malformed)?;
            (left.is_empty() && swarm.moderate()).then_some(Frame::Membership(swarm)).ok_or(Malformed)?
        }
        DIRECT => Frame::Direct(rest),
        TREE => {
            let (word, left) = postcard::take_from_bytes::<Word<'_>>(rest).map_err(|_| Malformed)?;
            (left.is_empty() && word.moderate()).then_some(Frame::Tree(word)).ok_or(Malformed)?
        }
        PAYLOADS => Frame::Tree(Word::Payloads(decode_payloads(rest)?)),
        _ => return Err(Malformed),
    };
    Ok((topic, frame))
}

impl Word<'_> {
    fn moderate(&self) -> bool {
        match self {
            Word::Names(names) => names.len() <= ANNOUNCED_MAX,
            Word::Ask(names) => names.len() <= ASKED_MAX,
            // Payloads are counted as they are read.
            Word::Wants(_) | Word::Payloads(_) => true,
            Word::Beacon(beacon) => beacon.hops <= HOPS_MAX,
        }
    }
}

impl Swarm {
    /// The same for the library.
    pub(super) fn message(self) -> Result<Message<Id>, Malformed> {
        let bytes = postcard::to_allocvec(&Form::Swarm(self)).map_err(|_| Malformed)?;
        postcard::from_bytes(&bytes).map_err(|_| Malformed)
    }

    fn moderate(&self) -> bool {
        let card = |data: &Option<Vec<u8>>| data.as_ref().is_none_or(|data| data.len() <= CARD_BYTES_MAX);
        let nodes = |nodes: &[Info]| nodes.len() <= NODES_MAX && nodes.iter().all(|node| card(&node.data));
        match self {
            Swarm::Join(data) | Swarm::Neighbour(_, data) => card(data),
            Swarm::ForwardJoin(node, hops) => card(&node.data) && *hops <= HOPS_MAX,
            Swarm::Shuffle(_, named, hops) => nodes(named) && *hops <= HOPS_MAX,
            Swarm::ShuffleReply(named) => nodes(named),
            Swarm::Disconnect(..) => true,
        }
    }
}

/// A card's bytes.
pub(super) fn encode_card(card: &Card) -> Vec<u8> {
    postcard::to_allocvec(card).unwrap_or_default()
}

/// Reads a card; whatever else stands there is as good as none.
pub(super) fn decode_card(bytes: &[u8]) -> Option<Card> {
    postcard::from_bytes(bytes).ok()
}
