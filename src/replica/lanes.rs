//! Lanes as they travel: by the identities of their replicas. Where the topic changes, an identity that nobody has says that
//! the word after it is the topic, and period, of the lanes that follow. So lanes without a topic cost nothing for it.

use serde::Deserialize;
use serde::Serialize;

use crate::lattice::dot::Lane;
use crate::lattice::dot::ReplicaId;
use crate::replica::message::REPLICAS_MAX;
use crate::replica::wire::Bounded;

/// An identity, or a topic.
type Word = [u8; 16];

/// Says that a topic follows.
const MARK: Word = [0; 16];

/// The most words that name [`REPLICAS_MAX`] lanes.
const WORDS_MAX: usize = 3 * REPLICAS_MAX;

/// Lanes, of which the other parts of a message speak by place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Bounded<Word, WORDS_MAX>", into = "Bounded<Word, WORDS_MAX>")]
pub(crate) struct Lanes(pub(crate) Vec<Lane>);

/// A vector: lanes with their last covered sequence numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Bounded<(Word, u64), WORDS_MAX>", into = "Bounded<(Word, u64), WORDS_MAX>")]
pub(crate) struct Claims(pub(crate) Vec<(Lane, u64)>);

/// Reads words as lanes.
#[derive(Default)]
struct Reader {
    topic: u128,
    /// After a mark.
    marked: bool,
    /// After a topic.
    waiting: bool,
}

impl Reader {
    /// The lane of a word, if it names one.
    fn read(&mut self, word: Word) -> Result<Option<Lane>, &'static str> {
        if self.marked {
            self.topic = u128::from_le_bytes(word);
            (self.marked, self.waiting) = (false, true);
            return Ok(None);
        }
        if word == MARK {
            if self.waiting {
                return Err("a topic without lanes");
            }
            self.marked = true;
            return Ok(None);
        }
        self.waiting = false;
        Lane::of_word(self.topic, ReplicaId(u128::from_le_bytes(word))).map(Some).ok_or("a period of no topic")
    }

    fn end(&self) -> Result<(), &'static str> {
        if self.marked || self.waiting { Err("a topic without lanes") } else { Ok(()) }
    }
}

/// Writes lanes as words.
#[derive(Default)]
struct Writer {
    topic: u128,
}

impl Writer {
    fn write(&mut self, lane: Lane, mut put: impl FnMut(Word)) {
        if lane.word() != self.topic {
            self.topic = lane.word();
            put(MARK);
            put(self.topic.to_le_bytes());
        }
        put(lane.replica.0.to_le_bytes());
    }
}

impl TryFrom<Bounded<Word, WORDS_MAX>> for Lanes {
    type Error = &'static str;

    fn try_from(words: Bounded<Word, WORDS_MAX>) -> Result<Lanes, &'static str> {
        let (mut reader, mut lanes) = (Reader::default(), Vec::new());
        for word in words.0 {
            lanes.extend(reader.read(word)?);
        }
        reader.end()?;
        if lanes.len() > REPLICAS_MAX { Err("too many lanes") } else { Ok(Lanes(lanes)) }
    }
}

impl From<Lanes> for Bounded<Word, WORDS_MAX> {
    fn from(lanes: Lanes) -> Bounded<Word, WORDS_MAX> {
        let (mut writer, mut words) = (Writer::default(), Vec::with_capacity(lanes.0.len()));
        for lane in lanes.0 {
            writer.write(lane, |word| words.push(word));
        }
        words.into()
    }
}

impl TryFrom<Bounded<(Word, u64), WORDS_MAX>> for Claims {
    type Error = &'static str;

    fn try_from(words: Bounded<(Word, u64), WORDS_MAX>) -> Result<Claims, &'static str> {
        let (mut reader, mut claims) = (Reader::default(), Vec::new());
        for (word, height) in words.0 {
            match reader.read(word)? {
                Some(lane) => claims.push((lane, height)),
                None if height == 0 => {}
                None => return Err("a height of no lane"),
            }
        }
        reader.end()?;
        if claims.len() > REPLICAS_MAX { Err("too many lanes") } else { Ok(Claims(claims)) }
    }
}

impl From<Claims> for Bounded<(Word, u64), WORDS_MAX> {
    fn from(claims: Claims) -> Bounded<(Word, u64), WORDS_MAX> {
        let (mut writer, mut words) = (Writer::default(), Vec::with_capacity(claims.0.len()));
        for (lane, height) in claims.0 {
            let first = words.len();
            writer.write(lane, |word| words.push((word, 0)));
            if let Some((_, last)) = words[first..].last_mut() {
                *last = height;
            }
        }
        words.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::dot::TopicId;
    use crate::replica::wire;

    fn lane(topic: u128, period: u16, replica: u128) -> Lane {
        Lane { topic: TopicId(topic << 16), period, replica: ReplicaId(replica) }
    }

    fn size(lanes: &[Lane]) -> usize {
        wire::size(&Lanes(lanes.to_vec()))
    }

    #[test]
    fn a_lane_without_a_topic_costs_its_identity_and_a_topic_is_named_once() {
        let plain: Vec<Lane> = (1..=100).map(|n| lane(0, 0, n)).collect();
        assert_eq!(size(&plain), 1 + 100 * 16);
        let topical: Vec<Lane> = (1..=100).map(|n| lane(7, 0, n)).collect();
        assert_eq!(size(&topical), 1 + 102 * 16);
        let heights = |lanes: &[Lane]| wire::size(&Claims(lanes.iter().map(|lane| (*lane, 5)).collect()));
        assert_eq!((heights(&plain), heights(&topical)), (1 + 100 * 17, 1 + 102 * 17));
    }

    #[test]
    fn what_names_no_lane_is_refused() {
        let read = |words: &[u128]| {
            let words: Vec<Word> = words.iter().map(|word| word.to_le_bytes()).collect();
            Lanes::try_from(Bounded(words)).map(|lanes| lanes.0)
        };
        assert_eq!(read(&[1, 0, 7 << 16, 2, 0, 0, 3]), Ok(vec![lane(0, 0, 1), lane(7, 0, 2), lane(0, 0, 3)]));
        assert_eq!(read(&[0, 7 << 16 | 2, 9]), Ok(vec![lane(7, 2, 9)]));
        for words in [&[0][..], &[1, 0], &[0, 7 << 16], &[0, 7 << 16, 0, 0, 1], &[0, 3, 1]] {
            assert!(read(words).is_err(), "{words:?}");
        }
        let height = Bounded(vec![(MARK, 1), ((7u128 << 16).to_le_bytes(), 0), ([1; 16], 4)]);
        assert!(Claims::try_from(height).is_err());
    }

    #[test]
    fn each_period_owns_for_itself() {
        let owners = [lane(0, 0, 5).owner(), lane(7, 0, 5).owner(), lane(7, 1, 5).owner(), lane(7, 2, 5).owner()];
        assert_eq!(owners[..2], [5, 5]);
        assert!(owners[2] != 5 && owners[3] != 5 && owners[2] != owners[3]);
    }
}
