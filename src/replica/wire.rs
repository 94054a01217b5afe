//! Messages as bytes: one byte of protocol version, then postcard.
//!
//! Decoding trusts nothing: a length is held against its bound and against the bytes that are there before anything is
//! allocated for it, terms are decoded with a bounded nesting, and what is left over makes a message malformed.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::SeqAccess;
use serde::de::Visitor;

use crate::replica::message::Message;

/// The version of the protocol that this module speaks.
pub const VERSION: u8 = 1;

/// The most bytes that a message may have.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WireError {
    TooLong,
    Version(u8),
    Malformed,
}

pub(crate) fn encode(message: &Message) -> Vec<u8> {
    // Writing to memory fails only for a sequence of unknown length, and no message has one.
    postcard::to_extend(message, vec![VERSION]).unwrap_or_default()
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Message, WireError> {
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(WireError::TooLong);
    }
    match bytes.split_first() {
        None => Err(WireError::Malformed),
        Some((&VERSION, rest)) => match postcard::take_from_bytes(rest) {
            Ok((message, [])) => Ok(message),
            _ => Err(WireError::Malformed),
        },
        Some((&other, _)) => Err(WireError::Version(other)),
    }
}

/// About how many bytes `value` takes in a message.
pub(crate) fn size<T: Serialize>(value: &T) -> usize {
    postcard::serialize_with_flavor(value, postcard::ser_flavors::Size::default()).unwrap_or(usize::MAX)
}

/// A vector of at most `MOST` elements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bounded<T, const MOST: usize>(pub(crate) Vec<T>);

impl<T, const MOST: usize> Default for Bounded<T, MOST> {
    fn default() -> Bounded<T, MOST> {
        Bounded(Vec::new())
    }
}

impl<T, const MOST: usize> Deref for Bounded<T, MOST> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T, const MOST: usize> From<Vec<T>> for Bounded<T, MOST> {
    fn from(items: Vec<T>) -> Bounded<T, MOST> {
        Bounded(items)
    }
}

impl<T: Serialize, const MOST: usize> Serialize for Bounded<T, MOST> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Bounded<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Items(PhantomData))
    }
}

struct Items<T, const MOST: usize>(PhantomData<T>);

/// How many elements are made room for before the first has been read.
const ROOM_MAX: usize = 64;

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Items<T, MOST> {
    type Value = Bounded<T, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {MOST} elements")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let claimed = elements.size_hint().unwrap_or(0);
        if claimed > MOST {
            return Err(serde::de::Error::invalid_length(claimed, &self));
        }
        let mut items = Vec::with_capacity(claimed.min(ROOM_MAX));
        while let Some(item) = elements.next_element()? {
            items.push(item);
        }
        Ok(Bounded(items))
    }
}
