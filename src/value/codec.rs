//! Terms as bytes: one canonical encoding, for the wire, for the disk and for content hashes.
//!
//! Equal terms have equal bytes. The decoder trusts nothing: lengths are held against what is left, nesting against
//! [`DEPTH_MAX`], and whatever it accepts is a well-formed term.

use num_bigint::{BigInt, Sign};
use triomphe::Arc;

use crate::value::atom::{ATOM_BYTES_MAX, Atom};
use crate::value::kind::Type;
use crate::value::map::Map;
use crate::value::reference::{Name, Reference};
use crate::value::term::{Closure, DEPTH_MAX, Term};

/// Why bytes are not a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end early, or a length claims more than there is.
    #[error("the bytes end before the term does")]
    Truncated,
    /// A tag, number, text or type that no encoder writes.
    #[error("the bytes are not a term")]
    Malformed,
    /// Deeper than [`DEPTH_MAX`].
    #[error("terms are nested deeper than {DEPTH_MAX}")]
    TooDeep,
    /// The process has as many atoms as it may.
    #[error("the limit on the number of atoms is reached")]
    TooManyAtoms,
}

const INT: u8 = 0;
const BIG: u8 = 1;
const FLOAT: u8 = 2;
const ATOM: u8 = 3;
const REFERENCE: u8 = 4;
const FUNCTION: u8 = 5;
const TUPLE: u8 = 6;
const MAP: u8 = 7;
const LIST: u8 = 8;
const IMPROPER: u8 = 9;
const TEXT: u8 = 10;

/// The canonical bytes of `term`.
#[must_use]
pub fn encode(term: &Term) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, term);
    out
}

/// Appends the canonical bytes of `term`.
pub fn put(out: &mut Vec<u8>, term: &Term) {
    match term {
        Term::Int(value) => {
            out.push(INT);
            put_length(out, zigzag(*value));
        }
        Term::Big(value) => {
            let (sign, magnitude) = value.to_bytes_be();
            out.extend([BIG, u8::from(sign == Sign::Minus)]);
            put_bytes(out, &magnitude);
        }
        Term::Float(value) => {
            out.push(FLOAT);
            out.extend(value.get().to_bits().to_be_bytes());
        }
        Term::Atom(atom) => {
            out.push(ATOM);
            put_bytes(out, atom.text().as_bytes());
        }
        Term::Ref(reference) => put_reference(out, reference),
        Term::Fun(closure) => {
            out.extend([FUNCTION, closure.arity]);
            out.extend(closure.digest.to_be_bytes());
            put_items(out, &closure.captured);
        }
        Term::Tuple(tuple) => {
            out.push(TUPLE);
            put_items(out, tuple.items());
        }
        Term::Map(map) => {
            out.push(MAP);
            put_length(out, map.len() as u64);
            for (key, value) in map.iter() {
                put(out, key);
                put(out, value);
            }
        }
        Term::Nil | Term::Cons(_) => put_list(out, term),
        Term::Str(text) => {
            out.push(TEXT);
            put_bytes(out, text.as_bytes());
        }
    }
}

fn put_reference(out: &mut Vec<u8>, reference: &Reference) {
    out.extend([REFERENCE, u8::from(reference.dynamic)]);
    match &reference.name {
        Name::Given(name) => {
            out.push(0);
            put(out, name);
        }
        Name::Fresh(replica, count, topic) => {
            out.push(if *topic == 0 { 1 } else { 2 });
            out.extend(replica.to_be_bytes());
            if *topic != 0 {
                out.extend(topic.to_be_bytes());
            }
            put_length(out, *count);
        }
    }
    put(out, &reference.kind.to_term());
}

fn put_list(out: &mut Vec<u8>, list: &Term) {
    let (mut count, mut rest) = (0u64, list);
    while let Term::Cons(cell) = rest {
        count += 1;
        rest = cell.tail();
    }
    let improper = !matches!(rest, Term::Nil);
    out.push(if improper { IMPROPER } else { LIST });
    put_length(out, count);
    rest = list;
    while let Term::Cons(cell) = rest {
        put(out, cell.head());
        rest = cell.tail();
    }
    if improper {
        put(out, rest);
    }
}

fn put_items(out: &mut Vec<u8>, items: &[Term]) {
    put_length(out, items.len() as u64);
    for item in items {
        put(out, item);
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_length(out, bytes.len() as u64);
    out.extend(bytes);
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time are what is wanted")]
fn put_length(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// Reads one term, which must be all there is.
///
/// # Errors
/// When the bytes are anything but the encoding of one term.
pub fn decode(bytes: &[u8]) -> Result<Term, DecodeError> {
    let mut reader = Reader { rest: bytes };
    let term = reader.term(0)?;
    if reader.rest.is_empty() { Ok(term) } else { Err(DecodeError::Malformed) }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        Ok(self.take(1)?[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        self.take(N)?.try_into().map_err(|_| DecodeError::Truncated)
    }

    fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(DecodeError::Malformed);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::Malformed)
    }

    /// A count of things that take at least `bytes_each` bytes each.
    fn count(&mut self, bytes_each: usize) -> Result<usize, DecodeError> {
        let count = usize::try_from(self.varint()?).map_err(|_| DecodeError::Truncated)?;
        if count > self.rest.len() / bytes_each { Err(DecodeError::Truncated) } else { Ok(count) }
    }

    fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let count = self.count(1)?;
        self.take(count)
    }

    fn items(&mut self, depth: u32) -> Result<Vec<Term>, DecodeError> {
        let count = self.count(1)?;
        (0..count).map(|_| self.term(depth)).collect()
    }

    fn term(&mut self, depth: u32) -> Result<Term, DecodeError> {
        let tag = self.byte()?;
        let inner = depth + 1;
        if matches!(tag, REFERENCE | FUNCTION | TUPLE | MAP | LIST | IMPROPER) && inner > DEPTH_MAX {
            return Err(DecodeError::TooDeep);
        }
        match tag {
            INT => {
                let value = self.varint()?;
                Ok(Term::Int((value >> 1).cast_signed() ^ -((value & 1).cast_signed())))
            }
            BIG => {
                let sign = if self.byte()? == 0 { Sign::Plus } else { Sign::Minus };
                Ok(Term::big(BigInt::from_bytes_be(sign, self.bytes()?)))
            }
            FLOAT => Term::float(f64::from_bits(u64::from_be_bytes(self.array()?))).ok_or(DecodeError::Malformed),
            ATOM => {
                let text = str(self.bytes()?)?;
                if text.len() > ATOM_BYTES_MAX {
                    return Err(DecodeError::Malformed);
                }
                Atom::new(text).map(Term::Atom).map_err(|_| DecodeError::TooManyAtoms)
            }
            REFERENCE => self.reference(inner),
            FUNCTION => {
                let arity = self.byte()?;
                let digest = u128::from_be_bytes(self.array()?);
                let captured = self.items(inner)?.into();
                Ok(Term::Fun(Arc::new(Closure { code: Closure::UNRESOLVED, arity, digest, captured })))
            }
            TUPLE => Ok(Term::tuple(self.items(inner)?)),
            MAP => self.map(inner),
            LIST => Ok(Term::list(self.items(inner)?)),
            IMPROPER => {
                let items = self.items(inner)?;
                let tail = self.term(inner)?;
                if items.is_empty() || matches!(tail, Term::Nil | Term::Cons(_)) {
                    return Err(DecodeError::Malformed);
                }
                Ok(items.into_iter().rev().fold(tail, |tail, head| Term::cons(head, tail)))
            }
            TEXT => Ok(Term::text(str(self.bytes()?)?)),
            _ => Err(DecodeError::Malformed),
        }
    }

    fn map(&mut self, depth: u32) -> Result<Term, DecodeError> {
        let count = self.count(2)?;
        let mut map = Map::new();
        for _ in 0..count {
            let key = self.term(depth)?;
            let value = self.term(depth)?;
            if map.get(&key).is_some() {
                return Err(DecodeError::Malformed);
            }
            map.insert(key, value);
        }
        Ok(Term::map(map))
    }

    fn reference(&mut self, depth: u32) -> Result<Term, DecodeError> {
        let dynamic = self.byte()? != 0;
        let name = match self.byte()? {
            0 => Name::Given(self.term(depth)?),
            1 => Name::Fresh(u128::from_be_bytes(self.array()?), self.varint()?, 0),
            2 => {
                let (replica, topic) = (u128::from_be_bytes(self.array()?), u128::from_be_bytes(self.array()?));
                Name::Fresh(replica, self.varint()?, topic)
            }
            _ => return Err(DecodeError::Malformed),
        };
        let kind = Type::parse(&self.term(depth)?).ok_or(DecodeError::Malformed)?;
        Ok(Term::Ref(Arc::new(Reference { name, kind, dynamic })))
    }
}

fn str(bytes: &[u8]) -> Result<&str, DecodeError> {
    std::str::from_utf8(bytes).map_err(|_| DecodeError::Malformed)
}

impl serde::Serialize for Term {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&encode(self))
    }
}

impl<'de> serde::Deserialize<'de> for Term {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Term, D::Error> {
        struct Bytes;

        impl serde::de::Visitor<'_> for Bytes {
            type Value = Term;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the bytes of a term")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Term, E> {
                decode(bytes).map_err(E::custom)
            }
        }

        deserializer.deserialize_bytes(Bytes)
    }
}
