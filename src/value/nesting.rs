//! Contents out of bytes. Their nesting is bounded by that of types, so that no bytes make the reader recurse any deeper.

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::DeserializeSeed;
use serde::de::EnumAccess;
use serde::de::Error;
use serde::de::SeqAccess;
use serde::de::VariantAccess;
use serde::de::Visitor;
use triomphe::Arc;

use crate::value::content::Content;
use crate::value::kind::TYPE_DEPTH_MAX;
use crate::value::term::Term;

/// The variants, in the order in which they are declared: their numbers are the format.
const VARIANTS: &[&str] = &[
    "Element", "Tally", "Number", "Value", "Stamped", "Score", "True", "Removed", "Disabled", "Rights", "Entry",
    "First", "Second", "Event",
];

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Content, D::Error> {
        Nested(TYPE_DEPTH_MAX).deserialize(deserializer)
    }
}

/// A content with so many levels left.
#[derive(Clone, Copy)]
struct Nested(u32);

impl Nested {
    fn deeper<E: Error>(self) -> Result<Nested, E> {
        self.0.checked_sub(1).map(Nested).ok_or_else(|| E::custom("a content is nested too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for Nested {
    type Value = Content;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Content, D::Error> {
        deserializer.deserialize_enum("Content", VARIANTS, self)
    }
}

impl<'de> Visitor<'de> for Nested {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a content")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Content, A::Error> {
        let (variant, access) = data.variant::<u32>()?;
        Ok(match variant {
            0 => Content::Element(access.newtype_variant()?),
            1 => Content::Tally(access.newtype_variant()?),
            2 => Content::Number(access.newtype_variant()?),
            3 => Content::Value(access.newtype_variant()?),
            4 => Content::Stamped(access.newtype_variant()?),
            5 => Content::Score(access.newtype_variant()?),
            6 => access.unit_variant().map(|()| Content::True)?,
            7 => Content::Removed(access.newtype_variant()?),
            8 => access.unit_variant().map(|()| Content::Disabled)?,
            9 => Content::Rights(access.newtype_variant()?),
            10 => Content::Entry(Arc::new(access.newtype_variant_seed(Beside(self.deeper()?))?)),
            11 => Content::First(Box::new(access.newtype_variant_seed(self.deeper()?)?)),
            12 => Content::Second(Box::new(access.newtype_variant_seed(self.deeper()?)?)),
            13 => Content::Event(Arc::new(access.newtype_variant_seed(Beside(self.deeper()?))?)),
            _ => return Err(A::Error::custom("no such content")),
        })
    }
}

/// A term, and a content beside it.
struct Beside(Nested);

impl<'de> DeserializeSeed<'de> for Beside {
    type Value = (Term, Content);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(Term, Content), D::Error> {
        deserializer.deserialize_tuple(2, self)
    }
}

impl<'de> Visitor<'de> for Beside {
    type Value = (Term, Content);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a term and a content")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(Term, Content), A::Error> {
        let missing = |at| A::Error::invalid_length(at, &"a term and a content");
        let term = items.next_element()?.ok_or_else(|| missing(0))?;
        let content = items.next_element_seed(self.0)?.ok_or_else(|| missing(1))?;
        Ok((term, content))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::content::Account;
    use crate::value::content::Rights;

    fn content() -> impl Strategy<Value = Content> {
        let int = (-3i64..300).prop_map(Term::Int);
        let pair = (int.clone(), int.clone()).prop_map(Box::new);
        let accounts = vec![(Term::Int(1), Account::default())];
        let rights = prop_oneof![Just(Vec::new()), Just(vec![5, 6])]
            .prop_map(move |before| Content::Rights(Rights { replica: 7, before, accounts: accounts.clone() }.into()));
        let leaf = prop_oneof![
            int.clone().prop_map(Content::Element),
            Just(Content::Tally(Box::default())),
            int.clone().prop_map(Content::Number),
            int.clone().prop_map(Content::Value),
            pair.clone().prop_map(Content::Stamped),
            pair.prop_map(Content::Score),
            Just(Content::True),
            int.clone().prop_map(Content::Removed),
            Just(Content::Disabled),
            rights,
        ];
        leaf.prop_recursive(TYPE_DEPTH_MAX - 1, 20, 1, move |inner| {
            prop_oneof![
                (int.clone(), inner.clone()).prop_map(|pair| Content::Entry(Arc::new(pair))),
                inner.clone().prop_map(|inner| Content::First(Box::new(inner))),
                inner.clone().prop_map(|inner| Content::Second(Box::new(inner))),
                (int.clone(), inner).prop_map(|pair| Content::Event(Arc::new(pair))),
            ]
        })
    }

    proptest! {
        #[test]
        fn contents_survive_their_bytes(content in content()) {
            let bytes = postcard::to_allocvec(&content).expect("written to memory");
            prop_assert_eq!(postcard::from_bytes::<Content>(&bytes), Ok(content));
        }

        #[test]
        fn hostile_bytes_are_refused_or_understood(bytes in proptest::collection::vec(0u8..16, 0..64)) {
            let _ = postcard::from_bytes::<Content>(&bytes);
        }
    }

    #[test]
    fn nesting_beyond_that_of_types_is_refused() {
        for tag in [10u8, 11, 12, 13] {
            let one = postcard::to_allocvec(&Term::Int(0)).expect("written to memory");
            let level: Vec<u8> = if matches!(tag, 10 | 13) { [vec![tag], one].concat() } else { vec![tag] };
            let nested = |levels: usize| [level.repeat(levels), vec![6]].concat();
            assert!(postcard::from_bytes::<Content>(&nested(TYPE_DEPTH_MAX as usize)).is_ok());
            assert!(postcard::from_bytes::<Content>(&nested(TYPE_DEPTH_MAX as usize + 1)).is_err());
            assert!(postcard::from_bytes::<Content>(&nested(250_000)).is_err());
        }
    }
}
