//! Messages about views.

use serde::Deserialize;
use serde::Serialize;

use crate::node::derivations::fact::WireVariable;
use crate::replica::Bounded;
use crate::replica::Claims;
use crate::replica::ITEMS_MAX;
use crate::replica::MESSAGE_BYTES_MAX;
use crate::value::content::Content;

/// The first byte of these messages.
pub(crate) const VIEWS: u8 = 0x83;
/// The most views that one peer is given.
pub(crate) const VIEWS_MAX: usize = 1 << 10;
/// The most parts of one step of a view.
pub(crate) const PARTS_MAX: u32 = 1 << 16;
/// The most contents of a view that a node takes.
pub(crate) const CONTENTS_MAX: usize = 1 << 24;
/// The most lanes of the stamp with which a view is asked for.
pub(crate) const SEEN_MAX: usize = 1 << 14;
/// About how many bytes of contents one part has.
pub(super) const PART_BYTES: usize = 256 << 10;
/// The most bytes of one content that can be sent.
pub(super) const CONTENT_BYTES_MAX: usize = 960 << 10;
/// How many parts may be under way.
pub(super) const WINDOW: u32 = 4;

/// A message. Sessions are numbered by whoever takes the view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Word {
    /// Give me the view of this variable, which I name if it has no topic. I have been shown what these updates come to, and have contents of this digest.
    Want { session: u64, variable: WireVariable, seen: Claims, digest: [u8; 16] },
    /// Not now: some of what you have been shown has not come here, or I take the view myself and have not got it.
    Wait { session: u64 },
    /// A part of a step of the view. The first goes from nothing, or from contents of the digest.
    Step(Box<Step>),
    /// So many parts of this step have come.
    Seen { session: u64, number: u64, parts: u32 },
    /// I do not give this view any longer.
    End { session: u64 },
    /// I do not take this view any longer.
    Stop { session: u64 },
}

/// See [`Word::Step`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) session: u64,
    /// Which step of the session, from 1.
    pub(super) number: u64,
    pub(super) part: u32,
    pub(super) parts: u32,
    /// Whether what came is all there is, rather than a change.
    pub(super) whole: bool,
    /// Spread over the parts: the updates that the view comes from after this step, or how these have grown.
    pub(super) stamp: Claims,
    pub(super) came: Bounded<Content, ITEMS_MAX>,
    pub(super) went: Bounded<Content, ITEMS_MAX>,
}

/// Contents that come with one message, and that go.
pub(super) type Part = (Vec<Content>, Vec<Content>);

pub(super) fn encode(word: &Word) -> Vec<u8> {
    // Writing to memory fails only for a sequence of unknown length, and none has one.
    postcard::to_extend(word, vec![VIEWS]).unwrap_or_default()
}

/// `None` for bytes that are no such message; the first byte has been looked at.
pub(super) fn decode(bytes: &[u8]) -> Option<Word> {
    let word = match postcard::take_from_bytes(bytes.get(1..)?) {
        Ok((word, [])) if bytes.len() <= MESSAGE_BYTES_MAX => word,
        _ => return None,
    };
    let sound = match &word {
        Word::Step(step) => step.number > 0 && step.part < step.parts && step.parts <= PARTS_MAX,
        _ => true,
    };
    sound.then_some(word)
}

/// The digest of a view's contents, which are in order.
pub(super) fn digest<'a>(contents: impl Iterator<Item = &'a Content>) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for content in contents {
        hasher.update(&postcard::to_allocvec(content).unwrap_or_default());
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    digest
}

/// Contents that came and went, in parts that can each be sent. What is too large for any is left out, and counted.
pub(super) fn parts(came: Vec<Content>, went: Vec<Content>) -> (Vec<Part>, usize) {
    let (mut parts, mut room, mut left_out) = (vec![(Vec::new(), Vec::new())], PART_BYTES, 0);
    let all = came.into_iter().map(|content| (content, true)).chain(went.into_iter().map(|content| (content, false)));
    for (content, comes) in all {
        let bytes = crate::replica::size(&content);
        if bytes > CONTENT_BYTES_MAX {
            left_out += usize::from(comes);
            continue;
        }
        if bytes > room {
            parts.push((Vec::new(), Vec::new()));
            room = PART_BYTES;
        }
        room = room.saturating_sub(bytes);
        if let Some((came, went)) = parts.last_mut() {
            if comes { came.push(content) } else { went.push(content) }
        }
    }
    (parts, left_out)
}
