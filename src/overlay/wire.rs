//! What overlays say to each other, and the bounds on it.
//!
//! The library's messages have private fields and no bounds of their own. So what comes in is first read into types of our
//! own of the same shape, held against the bounds, and only then given to the library. The same way lets us put a node's
//! latest card in the place of an older one.

use iroh_gossip::proto::topic::Message;
use serde::Deserialize;
use serde::Serialize;

use crate::overlay::NodeId;
use crate::overlay::book::Card;

/// The most nodes that one message may name.
const NODES_MAX: usize = 32;
/// The most messages that one may announce.
pub(super) const ANNOUNCED_MAX: usize = 256;
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
    /// A message of the library's, and its bytes.
    Protocol(Form<'a>, &'a [u8]),
    /// A payload for the receiver alone, not to be passed on.
    Direct(&'a [u8]),
}

const PROTOCOL: u8 = 0;
const DIRECT: u8 = 1;
/// How [`Form::Swarm`] of a [`Swarm::Neighbour`] begins, and how [`Form::Gossip`] of a [`Gossip::Have`].
const NEIGHBOUR: (u8, u8) = (0, 4);
const HAVE: (u8, u8) = (1, 3);
/// Up to how many announcements are sent as they are, and one of how many is sent of more.
const ANNOUNCED_WHOLE: usize = 8;
const ANNOUNCED_ONE_OF: u8 = 8;

/// The shape of `topic::Message`.
#[derive(Serialize, Deserialize)]
pub(super) enum Form<'a> {
    Swarm(Swarm),
    #[serde(borrow)]
    Gossip(Gossip<'a>),
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

/// The shape of `plumtree::Message`.
#[derive(Serialize, Deserialize)]
pub(super) enum Gossip<'a> {
    Payload([u8; 32], &'a [u8], Scope),
    Prune,
    Graft(Option<[u8; 32]>, u16),
    Have(Vec<([u8; 32], u16)>),
}

/// The shape of `plumtree::DeliveryScope`.
#[derive(Serialize, Deserialize)]
pub(super) enum Scope {
    Swarm(u16),
    Neighbours,
}

/// The bytes of a library's message.
pub(super) fn encode(topic: u128, message: &Message<Id>) -> Vec<u8> {
    let start = start(PROTOCOL, topic);
    // The message was made here, of plain data.
    postcard::to_extend(message, start).unwrap_or_default()
}

/// Whether a frame asks a node to be a neighbour.
pub(super) fn asks(frame: &[u8]) -> bool {
    let read = postcard::take_from_bytes::<((u8, u128), (u8, u8))>(frame);
    read.is_ok_and(|(((kind, _), said), _)| kind == PROTOCOL && said == NEIGHBOUR)
}

/// The bytes of a library's message without most of what it announces, if that is much: announcements of everything would cost
/// more than what they announce, those that are left find a tree that is broken, and what is lost without an announcement is found
/// when vectors are compared. None when nothing is left.
/// All nodes leave out the same.
pub(super) fn thinned(frame: Vec<u8>) -> Option<Vec<u8>> {
    let read = postcard::take_from_bytes::<((u8, u128), (u8, u8))>(&frame);
    if read.is_ok_and(|(((kind, _), said), _)| kind != PROTOCOL || said != HAVE) {
        return Some(frame);
    }
    let Ok((topic, Frame::Protocol(Form::Gossip(Gossip::Have(mut announced)), _))) = decode(&frame) else {
        return Some(frame);
    };
    if announced.len() <= ANNOUNCED_WHOLE {
        return Some(frame);
    }
    announced.retain(|(id, _)| id[0].is_multiple_of(ANNOUNCED_ONE_OF));
    let left = !announced.is_empty();
    left.then(|| {
        postcard::to_extend(&Form::Gossip(Gossip::Have(announced)), start(PROTOCOL, topic)).unwrap_or_default()
    })
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
    match kind {
        PROTOCOL => {
            let (form, left) = postcard::take_from_bytes::<Form<'_>>(rest).map_err(|_| Malformed)?;
            if left.is_empty() && form.moderate() { Ok((topic, Frame::Protocol(form, rest))) } else { Err(Malformed) }
        }
        DIRECT => Ok((topic, Frame::Direct(rest))),
        _ => Err(Malformed),
    }
}

/// The library's message of bytes that [`decode`] has found to be one.
pub(super) fn message(bytes: &[u8]) -> Result<Message<Id>, Malformed> {
    postcard::from_bytes(bytes).map_err(|_| Malformed)
}

impl Form<'_> {
    /// The same for the library.
    pub(super) fn message(&self) -> Result<Message<Id>, Malformed> {
        let bytes = postcard::to_allocvec(self).map_err(|_| Malformed)?;
        postcard::from_bytes(&bytes).map_err(|_| Malformed)
    }

    fn moderate(&self) -> bool {
        let card = |data: &Option<Vec<u8>>| data.as_ref().is_none_or(|data| data.len() <= CARD_BYTES_MAX);
        let nodes = |nodes: &[Info]| nodes.len() <= NODES_MAX && nodes.iter().all(|node| card(&node.data));
        match self {
            Form::Swarm(Swarm::Join(data) | Swarm::Neighbour(_, data)) => card(data),
            Form::Swarm(Swarm::ForwardJoin(node, hops)) => card(&node.data) && *hops <= HOPS_MAX,
            Form::Swarm(Swarm::Shuffle(_, named, hops)) => nodes(named) && *hops <= HOPS_MAX,
            Form::Swarm(Swarm::ShuffleReply(named)) => nodes(named),
            Form::Swarm(Swarm::Disconnect(..)) | Form::Gossip(Gossip::Prune) => true,
            Form::Gossip(Gossip::Payload(_, _, scope)) => match scope {
                Scope::Swarm(hops) => *hops <= HOPS_MAX,
                // Ours go another way, and the library forwards one as if it were not.
                Scope::Neighbours => false,
            },
            Form::Gossip(Gossip::Graft(_, hops)) => *hops <= HOPS_MAX,
            Form::Gossip(Gossip::Have(announced)) => {
                announced.len() <= ANNOUNCED_MAX && announced.iter().all(|(_, hops)| *hops <= HOPS_MAX)
            }
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
