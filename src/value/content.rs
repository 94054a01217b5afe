//! What a variable's state is made of: contents, each the smallest thing that can be written or contributed.
//!
//! A live entry of the causal store holds one content under a dot; a derivation contributes contents without dots. The
//! value of a variable is the join of them all (for counters, the sum).

use std::cmp::Ordering;
use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error;
use serde::de::SeqAccess;
use serde::de::Visitor;
use triomphe::Arc;

use crate::lattice::sum::Sum;
use crate::lattice::sum::Total;
use crate::value::compare;
use crate::value::kind::Type;
use crate::value::operation::sum_of;
use crate::value::term::Term;

/// One join-irreducible part of a variable's state. Which variants a variable can hold follows from its type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub enum Content {
    /// Sets: an element.
    Element(Term),
    /// Counters: how much one replica has added and taken away in all, or one contribution's share.
    Tally(Box<Tally>),
    /// `max_int`, `min_int`: a candidate.
    Number(Term),
    /// `ivar`, `mvregister`: an assigned value.
    Value(Term),
    /// `lwwregister`: a timestamp (an integer) and the value written then.
    Stamped(Box<(Term, Term)>),
    /// `top_k`: a name and a score of it.
    Score(Box<(Term, Term)>),
    /// `boolean`, `ewflag`: it is true.
    True,
    /// `rwset`, `twopset`: that an element was taken out.
    Removed(Term),
    /// `dwflag`: that it was disabled.
    Disabled,
    /// `bcounter`: all that one incarnation has counted and given away.
    Rights(Box<Rights>),
    /// Maps: a key, and a part of what it has. Shared, since an entry, the log of events and the engine have the same one.
    Entry(Arc<(Term, Content)>),
    /// Pairs: a part of the first.
    First(Box<Content>),
    /// Pairs: a part of the second.
    Second(Box<Content>),
    /// Windows: an event's timestamp (an integer), and what it adds.
    Event(Arc<(Term, Content)>),
}

/// What one incarnation has done to a bounded counter, by the owners of rights that it has.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rights {
    /// The incarnation that wrote it.
    pub replica: u128,
    /// Earlier incarnations of the same node, all of whose rights are its own now. In order, each once.
    pub before: Vec<u128>,
    /// By owner: an actor's label, `undefined` for the node itself. In term order, each once.
    pub accounts: Vec<(Term, Account)>,
}

/// One owner's share.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Account {
    /// What it has counted.
    pub tally: Tally,
    /// What it has given away in all, by the receiving incarnation and its owner; in order, each once.
    pub moved: Vec<((u128, Term), Sum)>,
}

/// A counter's increments and decrements, neither ever negative.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Tally {
    /// The sum of the increments.
    pub up: Sum,
    /// The sum of the decrements.
    pub down: Sum,
}

impl Content {
    /// Whether a variable of this type can hold it. What a peer sends is asked this before it goes any further.
    #[must_use]
    pub fn fits(&self, kind: &Type) -> bool {
        match (kind, self) {
            (Type::Set | Type::GSet, Content::Element(_))
            | (Type::RwSet | Type::TwoPSet, Content::Element(_) | Content::Removed(_))
            | (Type::Ivar | Type::MvRegister, Content::Value(_))
            | (Type::Boolean | Type::EwFlag, Content::True)
            | (Type::DwFlag, Content::Disabled)
            | (Type::TopK(_), Content::Score(_)) => true,
            (Type::Counter | Type::LexCounter, Content::Tally(tally)) => {
                !tally.up.is_negative() && !tally.down.is_negative()
            }
            (Type::GCounter, Content::Tally(tally)) => !tally.up.is_negative() && tally.down.is_empty(),
            (Type::BCounter, Content::Rights(rights)) => rights.fits(),
            (Type::MaxInt | Type::MinInt, Content::Number(number)) => is_integer(number),
            (Type::LwwRegister, Content::Stamped(stamped)) => is_integer(&stamped.0),
            (Type::GMap(kind) | Type::AwMap(kind), Content::Entry(entry)) => entry.1.fits(kind),
            (Type::Pair(kinds), Content::First(content)) => content.fits(&kinds.0),
            (Type::Pair(kinds), Content::Second(content)) => content.fits(&kinds.1),
            (Type::Window(window), Content::Event(event)) => is_integer(&event.0) && event.1.fits(&window.kind),
            _ => false,
        }
    }
}

impl Content {
    /// The bounded counter's share that it is, wherever that stands in it.
    #[must_use]
    pub fn rights(&self) -> Option<&Rights> {
        let mut content = self;
        loop {
            content = match content {
                Content::Rights(rights) => return Some(rights),
                Content::Entry(nested) | Content::Event(nested) => &nested.1,
                Content::First(nested) | Content::Second(nested) => nested,
                _ => return None,
            };
        }
    }
}

/// An incarnation that nobody has: earlier ones follow.
const MARK: u128 = 0;

// As a rule there are no earlier incarnations, and nothing is written for them.
impl Serialize for Rights {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.before.is_empty() {
            return (self.replica, &self.accounts).serialize(serializer);
        }
        (MARK, &self.before, self.replica, &self.accounts).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Rights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Rights, D::Error> {
        deserializer.deserialize_tuple(4, RightsVisitor)
    }
}

struct RightsVisitor;

impl<'de> Visitor<'de> for RightsVisitor {
    type Value = Rights;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("what an incarnation has done to a bounded counter")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Rights, A::Error> {
        let mut replica = next(&mut parts)?;
        let mut before = Vec::new();
        if replica == MARK {
            before = next(&mut parts)?;
            replica = next(&mut parts)?;
            if before.is_empty() {
                return Err(A::Error::custom("there are no earlier incarnations"));
            }
        }
        Ok(Rights { replica, before, accounts: next(&mut parts)? })
    }
}

fn next<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(parts: &mut A) -> Result<T, A::Error> {
    parts.next_element()?.ok_or_else(|| A::Error::custom("it ends too soon"))
}

fn is_integer(term: &Term) -> bool {
    matches!(term, Term::Int(_) | Term::Big(_))
}

impl Rights {
    /// Whether it is in order, and nothing in it is negative.
    fn fits(&self) -> bool {
        let accounts_in_order = self.accounts.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let before_in_order = self.before.windows(2).all(|pair| pair[0] < pair[1]);
        accounts_in_order
            && before_in_order
            && !self.before.contains(&self.replica)
            && self.accounts.iter().all(|(_, account)| {
                let moved_in_order = account.moved.windows(2).all(|pair| pair[0].0 < pair[1].0);
                let positive = account.moved.iter().all(|(_, sum)| !sum.is_negative());
                let Tally { up, down } = &account.tally;
                moved_in_order && positive && !up.is_negative() && !down.is_negative()
            })
    }
}

impl Tally {
    /// Adds another's increments and decrements.
    pub fn add(&mut self, other: &Tally) {
        self.up.add(&other.up);
        self.down.add(&other.down);
    }

    /// Takes back what was added before.
    pub fn withdraw(&mut self, other: &Tally) {
        self.up.withdraw(&other.up);
        self.down.withdraw(&other.down);
    }

    /// Whether nothing was ever counted: no number but the integer 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.up.is_empty() && self.down.is_empty()
    }

    /// The counter's value: an integer, or a float as soon as one was counted.
    #[must_use]
    pub fn value(&self) -> Term {
        if let (Some(up), Some(down)) = (self.up.read_small(), self.down.read_small())
            && let Some(value) = up.checked_sub(down)
        {
            return Term::Int(value);
        }
        match self.net().read() {
            Total::Whole(value) => Term::big(value),
            // A sum reads as a finite float.
            Total::Float(value) => Term::float(value).unwrap_or(Term::Int(0)),
        }
    }

    /// The value and, where it is rounded, the whole.
    #[must_use]
    pub fn read(&self) -> (Term, Option<Tally>) {
        (self.value(), self.is_float().then(|| self.clone()))
    }

    /// How the exact total compares with a number. The rounded value may lie below what an addend alone came to, so that it tells
    /// nothing that stays true.
    #[must_use]
    pub fn cmp_total(&self, number: &Term) -> Ordering {
        if !self.is_float() {
            return compare(&self.value(), number);
        }
        let mut above = self.net();
        above.add(&sum_of(number).unwrap_or_default().negated());
        above.sign()
    }

    /// Whether both come to exactly the same, though one may have counted more up and down.
    #[must_use]
    pub fn is_as_much_as(&self, other: &Tally) -> bool {
        let mut above = self.net();
        above.add(&other.net().negated());
        above.sign().is_eq()
    }

    /// Whether a float was counted, so that the value is rounded.
    #[must_use]
    pub fn is_float(&self) -> bool {
        self.up.is_float() || self.down.is_float()
    }

    fn net(&self) -> Sum {
        let mut sum = self.up.clone();
        sum.add(&self.down.negated());
        sum
    }
}
