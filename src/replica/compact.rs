//! Runs of events as bytes: what an event has in common with the one before it, or with its run, is not told again.
//!
//! An event begins with a number: bit 0 that it adds something, bit 1 that this belongs to a slot, bit 2 that its variable
//! is another than the last event's, bit 3 that what it takes back is its own replica's, from bit 4 on how many dots it
//! takes back. What of these there is follows in this order; an own replica's dot as its distance.

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde::ser::SerializeTuple;

use crate::replica::message::ITEMS_MAX;
use crate::replica::message::REMOVES_MAX;
use crate::replica::message::Run;
use crate::replica::message::WHOLE;
use crate::replica::message::WireContent;
use crate::replica::message::WireEvent;

const ADDS: u64 = 1;
const SLOT: u64 = 1 << 1;
const OTHER_KEY: u64 = 1 << 2;
const OWN: u64 = 1 << 3;
const REMOVES_SHIFT: u32 = 4;

impl Serialize for Run {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The format asks for no length here, and writes none.
        let mut out = serializer.serialize_tuple(usize::MAX)?;
        out.serialize_element(&(self.replica, self.first, self.events.len() as u64))?;
        let (place, mut sequence, mut key) = (self.replica & !WHOLE, self.first, 0);
        for event in self.events.iter() {
            let own = event.removes.iter().all(|&(replica, _)| replica == place);
            let slot = event.adds.as_ref().map_or(0, |adds| adds.slot);
            let mut head = (event.removes.len() as u64) << REMOVES_SHIFT;
            head |= if event.adds.is_some() { ADDS } else { 0 };
            head |= if slot > 0 { SLOT } else { 0 };
            head |= if event.key == key { 0 } else { OTHER_KEY };
            head |= if own && !event.removes.is_empty() { OWN } else { 0 };
            out.serialize_element(&head)?;
            if event.key != key {
                out.serialize_element(&event.key)?;
            }
            if slot > 0 {
                out.serialize_element(&slot)?;
            }
            if let Some(adds) = &event.adds {
                out.serialize_element(&adds.content)?;
            }
            for &(replica, removed) in event.removes.iter() {
                if own {
                    out.serialize_element(&sequence.wrapping_sub(removed))?;
                } else {
                    out.serialize_element(&(replica, removed))?;
                }
            }
            key = event.key;
            sequence = sequence.wrapping_add(1);
        }
        out.end()
    }
}

impl<'de> Deserialize<'de> for Run {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Run, D::Error> {
        deserializer.deserialize_tuple(usize::MAX, Events)
    }
}

struct Events;

fn next<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(input: &mut A) -> Result<T, A::Error> {
    input.next_element()?.ok_or_else(|| A::Error::custom("an event ends early"))
}

impl<'de> Visitor<'de> for Events {
    type Value = Run;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a run of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<Run, A::Error> {
        let (replica, first, count): (u32, u64, u64) = next(&mut input)?;
        if count > ITEMS_MAX as u64 {
            return Err(A::Error::custom("too many events"));
        }
        let (place, mut sequence, mut key) = (replica & !WHOLE, first, 0);
        let mut events = Vec::new();
        for _ in 0..count {
            let head: u64 = next(&mut input)?;
            let removed = head >> REMOVES_SHIFT;
            if removed > REMOVES_MAX as u64 || (head & OWN != 0 && removed == 0) {
                return Err(A::Error::custom("too many dots"));
            }
            if head & OTHER_KEY != 0 {
                key = next(&mut input)?;
            }
            let slot = if head & SLOT != 0 { next(&mut input)? } else { 0 };
            let adds = match head & ADDS {
                0 => None,
                _ => Some(WireContent { slot, content: next(&mut input)? }),
            };
            let mut removes = Vec::new();
            for _ in 0..removed {
                removes.push(if head & OWN != 0 {
                    (place, sequence.wrapping_sub(next(&mut input)?))
                } else {
                    next(&mut input)?
                });
            }
            events.push(WireEvent { key, adds, removes: removes.into() });
            sequence = sequence.wrapping_add(1);
        }
        Ok(Run { replica, first, events: events.into() })
    }
}
