//! The kinds that abstract values are unions of, and how each is joined.

use std::hash::Hash;
use std::hash::Hasher;

use crate::check::core::FunctionId;
use crate::check::infer::value::Value;
use crate::library::BuiltinId;
use crate::value::atom::Atom;
use crate::value::term::Term;

/// The most single integers, texts or variables that a union names.
const FEW_MAX: usize = 6;
/// The most atoms that a union names.
const ATOMS_MAX: usize = 16;
/// The most shapes of tuples, and functions, that a union names.
const SHAPES_MAX: usize = 8;
/// The most elements of a list that are known one by one.
pub(super) const PREFIX_MAX: usize = 8;
/// The most keys of a map that are known one by one.
const KEYS_MAX: usize = 48;

/// What is known of all members of one kind.
#[derive(Clone, Debug)]
pub(super) enum Few<T> {
    /// One of these; none of them: the kind does not occur.
    Of(Vec<T>),
    /// Any.
    All,
}

// Most kinds of most values do not occur: that is told from the lengths alone.
impl<T: PartialEq> PartialEq for Few<T> {
    fn eq(&self, other: &Few<T>) -> bool {
        match (self, other) {
            (Few::All, Few::All) => true,
            (Few::Of(a), Few::Of(b)) => a.len() == b.len() && (a.is_empty() || a == b),
            _ => false,
        }
    }
}

impl<T: Eq> Eq for Few<T> {}

impl<T: Hash> Hash for Few<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Few::All => state.write_u8(u8::MAX),
            Few::Of(few) if few.is_empty() => {}
            Few::Of(few) => few.hash(state),
        }
    }
}

impl<T> Default for Few<T> {
    fn default() -> Few<T> {
        Few::Of(Vec::new())
    }
}

impl<T> Few<T> {
    /// Whether the kind occurs.
    pub(super) fn some(&self) -> bool {
        !matches!(self, Few::Of(few) if few.is_empty())
    }

    /// The members, where they are known.
    pub(super) fn known(&self) -> Option<&[T]> {
        match self {
            Few::Of(few) => Some(few),
            Few::All => None,
        }
    }
}

impl<T: Clone + Ord> Few<T> {
    fn join(&self, other: &Few<T>, max: usize) -> Few<T> {
        let (Few::Of(a), Few::Of(b)) = (self, other) else { return Few::All };
        let mut all: Vec<T> = a.iter().chain(b).cloned().collect();
        all.sort();
        all.dedup();
        if all.len() > max { Few::All } else { Few::Of(all) }
    }

    /// Whether joining the other changes nothing.
    fn covers(&self, other: &Few<T>) -> bool {
        match (self, other) {
            (Few::All, _) => true,
            (Few::Of(_), Few::All) => false,
            (Few::Of(a), Few::Of(b)) => b.iter().all(|one| a.contains(one)),
        }
    }

    pub(super) fn overlaps(&self, other: &Few<T>) -> bool {
        match (self, other) {
            (Few::Of(a), Few::Of(b)) => a.iter().any(|one| b.contains(one)),
            (one, Few::All) | (Few::All, one) => one.some(),
        }
    }
}

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Code {
    /// A named one.
    Named(FunctionId),
    /// A `fun`, by its number in the run.
    Lambda(u32),
    /// A built-in or a verb.
    Builtin(BuiltinId),
}

/// A function value with what it captured.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Fun {
    pub(super) code: Code,
    pub(super) arity: u8,
    pub(super) captured: Vec<Value>,
}

/// Lists of at least one element.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Cons {
    /// The first elements; at least one.
    pub(super) items: Vec<Value>,
    /// What may come after them, any number of times.
    pub(super) rest: Option<Value>,
    /// Whether it may end in something else than `[]`.
    pub(super) improper: bool,
}

/// An entry of a map whose key is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Entry {
    pub(super) key: Term,
    pub(super) value: Value,
    /// Whether every such map has it.
    pub(super) always: bool,
}

/// Maps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct MapShape {
    /// By key.
    pub(super) known: Vec<Entry>,
    /// All other entries: keys and values.
    pub(super) rest: Option<(Value, Value)>,
}

/// A union of kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) ints: Few<i64>,
    pub(super) floats: bool,
    pub(super) atoms: Few<Atom>,
    pub(super) texts: Few<Term>,
    pub(super) tuples: Few<Vec<Value>>,
    pub(super) nil: bool,
    pub(super) cons: Option<Cons>,
    pub(super) map: Option<MapShape>,
    pub(super) funs: Few<Fun>,
    /// Variables, by their numbers in the run.
    pub(super) refs: Few<u32>,
}

impl Cons {
    /// All elements.
    pub(super) fn elements(&self) -> Value {
        let first = self.rest.clone().unwrap_or_else(Value::never);
        self.items.iter().fold(first, |all, item| all.join(item))
    }

    /// Knows only so many elements one by one.
    pub(super) fn shorten(&mut self, most: usize) {
        if self.items.len() > most {
            let gone = self.items.split_off(most);
            let first = self.rest.take().unwrap_or_else(Value::never);
            self.rest = Some(gone.iter().fold(first, |all, item| all.join(item)));
        }
    }

    pub(super) fn literal(term: &Term, depth: u8) -> Cons {
        let mut cons = Cons { items: Vec::new(), rest: None, improper: false };
        let mut rest = term;
        while let Term::Cons(cell) = rest {
            let item = Value::literal_to(cell.head(), depth - 1);
            if cons.items.len() < PREFIX_MAX {
                cons.items.push(item);
            } else {
                cons.rest = Some(cons.rest.map_or(item.clone(), |known| known.join(&item)));
            }
            rest = cell.tail();
        }
        cons.improper = !matches!(rest, Term::Nil);
        cons
    }

    /// What comes after the first element.
    pub(super) fn tail(&self) -> Value {
        if self.improper && self.items.len() == 1 {
            return Value::any();
        }
        if self.items.len() == 1 {
            return self.rest.as_ref().map_or_else(Value::nil, Value::list_of);
        }
        let cons = Cons { items: self.items[1..].to_vec(), rest: self.rest.clone(), improper: self.improper };
        Value::of(Parts { cons: Some(cons), ..Parts::default() })
    }

    pub(super) fn join(&self, other: &Cons) -> Cons {
        let most = self.items.len().min(other.items.len());
        let (mut a, mut b) = (self.clone(), other.clone());
        a.shorten(most);
        b.shorten(most);
        let items = a.items.iter().zip(&b.items).map(|(a, b)| a.join(b)).collect();
        let rest = match (a.rest, b.rest) {
            (Some(a), Some(b)) => Some(a.join(&b)),
            (one, other) => one.or(other),
        };
        Cons { items, rest, improper: self.improper || other.improper }
    }

    /// Whether joining the other changes nothing.
    fn covers(&self, other: &Cons) -> bool {
        let Some((items, gone)) = other.items.split_at_checked(self.items.len()) else { return false };
        let rest = || gone.iter().chain(&other.rest);
        (self.improper || !other.improper)
            && all_cover(&self.items, items)
            && match &self.rest {
                Some(known) => rest().all(|more| known.covers(more)),
                None => rest().next().is_none(),
            }
    }

    pub(super) fn meets(&self, other: &Cons) -> bool {
        let fits =
            |short: &Cons, long: &Cons| short.rest.is_some() || short.improper || short.items.len() >= long.items.len();
        fits(self, other) && fits(other, self) && self.items.iter().zip(&other.items).all(|(a, b)| a.meets(b))
    }
}

impl MapShape {
    /// Knows at most so many keys one by one.
    pub(super) fn shorten(&mut self) {
        if self.known.len() <= KEYS_MAX {
            return;
        }
        let (mut keys, mut values) = self.rest.take().unwrap_or_else(|| (Value::never(), Value::never()));
        for entry in self.known.drain(..) {
            keys = keys.join(&Value::literal(&entry.key));
            values = values.join(&entry.value);
        }
        self.rest = Some((keys, values));
    }

    /// The value of a key: what it can be, and whether it is sure to be there.
    pub(super) fn get(&self, key: &Term) -> (Value, bool) {
        if let Some(entry) = self.known.iter().find(|entry| entry.key == *key) {
            return (entry.value.clone(), entry.always);
        }
        match &self.rest {
            Some((keys, values)) if keys.meets(&Value::literal(key)) => (values.clone(), false),
            _ => (Value::never(), false),
        }
    }

    /// All values.
    pub(super) fn values(&self) -> Value {
        let first = self.rest.as_ref().map_or_else(Value::never, |(_, values)| values.clone());
        self.known.iter().fold(first, |all, entry| all.join(&entry.value))
    }

    /// All keys.
    pub(super) fn keys(&self) -> Value {
        let first = self.rest.as_ref().map_or_else(Value::never, |(keys, _)| keys.clone());
        self.known.iter().fold(first, |all, entry| all.join(&Value::literal(&entry.key)))
    }

    /// With a key set.
    pub(super) fn put(&mut self, key: &Term, value: Value) {
        if let Some(entry) = self.known.iter_mut().find(|entry| entry.key == *key) {
            (entry.value, entry.always) = (value, true);
            return;
        }
        self.known.push(Entry { key: key.clone(), value, always: true });
        self.known.sort_by(|a, b| a.key.cmp(&b.key));
        self.shorten();
    }

    /// With a key set that is not known.
    pub(super) fn put_some(&mut self, key: &Value, value: &Value) {
        for entry in &mut self.known {
            if Value::literal(&entry.key).meets(key) {
                entry.value = entry.value.join(value);
            }
        }
        self.rest = Some(match &self.rest {
            Some((keys, values)) => (keys.join(key), values.join(value)),
            None => (key.clone(), value.clone()),
        });
    }

    pub(super) fn join(&self, other: &MapShape) -> MapShape {
        let mut known = Vec::new();
        for entry in &self.known {
            let (value, always) = other.get(&entry.key);
            let value = entry.value.join(&value);
            known.push(Entry { key: entry.key.clone(), value, always: entry.always && always });
        }
        for entry in other.known.iter().filter(|entry| !self.known.iter().any(|known| known.key == entry.key)) {
            let (value, _) = self.get(&entry.key);
            known.push(Entry { key: entry.key.clone(), value: entry.value.join(&value), always: false });
        }
        known.sort_by(|a, b| a.key.cmp(&b.key));
        let rest = match (&self.rest, &other.rest) {
            (Some((keys, values)), Some((more, others))) => Some((keys.join(more), values.join(others))),
            (one, other) => one.clone().or_else(|| other.clone()),
        };
        let mut joined = MapShape { known, rest };
        joined.shorten();
        joined
    }
}

impl Hash for Parts {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let occurring = self.occurring().iter().fold(0_u16, |all, occurs| all << 1 | u16::from(*occurs));
        state.write_u16(occurring);
        self.ints.hash(state);
        self.atoms.hash(state);
        self.texts.hash(state);
        self.tuples.hash(state);
        self.cons.iter().for_each(|cons| cons.hash(state));
        self.map.iter().for_each(|map| map.hash(state));
        self.funs.hash(state);
        self.refs.hash(state);
    }
}

impl Parts {
    /// Whether no kind occurs.
    pub(super) fn none(&self) -> bool {
        !self.occurring().contains(&true)
    }

    /// How many kinds occur.
    pub(super) fn kinds(&self) -> usize {
        self.occurring().iter().filter(|occurs| **occurs).count()
    }

    /// Of each kind whether it occurs.
    pub(super) fn occurring(&self) -> [bool; 10] {
        [
            self.ints.some(),
            self.floats,
            self.atoms.some(),
            self.texts.some(),
            self.tuples.some(),
            self.nil,
            self.cons.is_some(),
            self.map.is_some(),
            self.funs.some(),
            self.refs.some(),
        ]
    }

    /// All but the lists.
    pub(super) fn without_lists(&self) -> Parts {
        Parts { nil: false, cons: None, ..self.clone() }
    }

    pub(super) fn children(&self, each: &mut impl FnMut(&Value)) {
        if let Few::Of(tuples) = &self.tuples {
            tuples.iter().flatten().for_each(&mut *each);
        }
        if let Some(cons) = &self.cons {
            cons.items.iter().chain(&cons.rest).for_each(&mut *each);
        }
        if let Some(map) = &self.map {
            map.known.iter().for_each(|entry| each(&entry.value));
            if let Some((keys, values)) = &map.rest {
                each(keys);
                each(values);
            }
        }
        if let Few::Of(funs) = &self.funs {
            funs.iter().flat_map(|fun| &fun.captured).for_each(&mut *each);
        }
    }

    pub(super) fn change(&mut self, each: &mut impl FnMut(&Value) -> Value) {
        if let Few::Of(tuples) = &mut self.tuples {
            tuples.iter_mut().flatten().for_each(|item| *item = each(item));
        }
        if let Some(cons) = &mut self.cons {
            cons.items.iter_mut().chain(&mut cons.rest).for_each(|item| *item = each(item));
        }
        if let Some(map) = &mut self.map {
            map.known.iter_mut().for_each(|entry| entry.value = each(&entry.value));
            if let Some((keys, values)) = &mut map.rest {
                *keys = each(keys);
                *values = each(values);
            }
        }
        if let Few::Of(funs) = &mut self.funs {
            funs.iter_mut().flat_map(|fun| &mut fun.captured).for_each(|item| *item = each(item));
        }
    }

    /// Whether it names no single numbers and texts, and lists by their elements alone.
    pub(super) fn names_no_scalars(&self) -> bool {
        let vague = |cons: &Cons| cons.items.len() == 1 && cons.rest.as_ref() == cons.items.first();
        let (ints, texts) = (self.ints.known(), self.texts.known());
        ints.is_none_or(<[i64]>::is_empty)
            && texts.is_none_or(<[Term]>::is_empty)
            && self.cons.as_ref().is_none_or(vague)
    }

    /// Whether joining the other changes nothing; no where that takes long to tell.
    pub(super) fn covers(&self, other: &Parts) -> bool {
        self.ints.covers(&other.ints)
            && (self.floats || !other.floats)
            && self.atoms.covers(&other.atoms)
            && self.texts.covers(&other.texts)
            && (self.nil || !other.nil)
            && self.refs.covers(&other.refs)
            && match (&self.cons, &other.cons) {
                (Some(a), Some(b)) => a.covers(b),
                (_, other) => other.is_none(),
            }
            && (other.map.is_none() || self.map == other.map)
            && match (&self.tuples, &other.tuples) {
                (Few::All, _) => true,
                (Few::Of(_), Few::All) => false,
                (Few::Of(a), Few::Of(b)) => b.iter().all(|items| {
                    let same = |known: &&Vec<Value>| known.len() == items.len() && tag(known) == tag(items);
                    a.iter().find(same).is_some_and(|known| all_cover(known, items))
                }),
            }
            && match (&self.funs, &other.funs) {
                (Few::All, _) => true,
                (Few::Of(_), Few::All) => false,
                (Few::Of(a), Few::Of(b)) => b.iter().all(|fun| {
                    let known =
                        a.iter().find(|known| known.code == fun.code && known.captured.len() == fun.captured.len());
                    known.is_some_and(|known| all_cover(&known.captured, &fun.captured))
                }),
            }
    }

    pub(super) fn join(&self, other: &Parts) -> Parts {
        Parts {
            ints: self.ints.join(&other.ints, FEW_MAX),
            floats: self.floats || other.floats,
            atoms: self.atoms.join(&other.atoms, ATOMS_MAX),
            texts: self.texts.join(&other.texts, FEW_MAX),
            tuples: join_tuples(&self.tuples, &other.tuples),
            nil: self.nil || other.nil,
            cons: match (&self.cons, &other.cons) {
                (Some(a), Some(b)) => Some(a.join(b)),
                (one, other) => one.clone().or_else(|| other.clone()),
            },
            map: match (&self.map, &other.map) {
                (Some(a), Some(b)) => Some(a.join(b)),
                (one, other) => one.clone().or_else(|| other.clone()),
            },
            funs: join_funs(&self.funs, &other.funs),
            refs: self.refs.join(&other.refs, ATOMS_MAX),
        }
    }
}

fn all_cover(known: &[Value], more: &[Value]) -> bool {
    known.iter().zip(more).all(|(known, more)| known.covers(more))
}

fn join_funs(a: &Few<Fun>, b: &Few<Fun>) -> Few<Fun> {
    let (Few::Of(a), Few::Of(b)) = (a, b) else { return Few::All };
    let mut all = a.clone();
    for fun in b {
        match all.iter_mut().find(|known| known.code == fun.code && known.captured.len() == fun.captured.len()) {
            Some(known) => {
                let pairs = known.captured.iter().zip(&fun.captured);
                known.captured = pairs.map(|(a, b)| a.join(b)).collect();
            }
            None => all.push(fun.clone()),
        }
    }
    if all.len() > SHAPES_MAX { Few::All } else { Few::Of(all) }
}

/// The atom that a tuple begins with, where it is one.
pub(super) fn tag(items: &[Value]) -> Option<Atom> {
    let parts = items.first()?.parts()?;
    match parts.atoms.known() {
        Some([only]) if parts.kinds() == 1 => Some(*only),
        _ => None,
    }
}

/// By size and tag; too many of one size become one.
fn join_tuples(a: &Few<Vec<Value>>, b: &Few<Vec<Value>>) -> Few<Vec<Value>> {
    let (Few::Of(a), Few::Of(b)) = (a, b) else { return Few::All };
    let mut all: Vec<Vec<Value>> = Vec::new();
    let add = |all: &mut Vec<Vec<Value>>, items: &Vec<Value>, tags: bool| {
        let same = |known: &&mut Vec<Value>| known.len() == items.len() && (!tags || tag(known) == tag(items));
        match all.iter_mut().find(same) {
            Some(known) => *known = known.iter().zip(items).map(|(a, b)| a.join(b)).collect(),
            None => all.push(items.clone()),
        }
    };
    a.iter().chain(b).for_each(|items| add(&mut all, items, true));
    if all.len() > SHAPES_MAX {
        let many = std::mem::take(&mut all);
        many.iter().for_each(|items| add(&mut all, items, false));
    }
    if all.len() > SHAPES_MAX { Few::All } else { Few::Of(all) }
}
