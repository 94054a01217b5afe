//! Abstract values: sets of terms, each a superset of what can really be there.
//!
//! A value is a union of kinds. Small unions are kept exactly (a few integers, atoms, tuples by size and tag); what grows
//! beyond its bound becomes all of its kind, so that every chain of growing values is short and analysis ends.

use std::hash::Hash;
use std::hash::Hasher;

use triomphe::Arc;

use crate::check::infer::parts::Code;
use crate::check::infer::parts::Cons;
use crate::check::infer::parts::Entry;
use crate::check::infer::parts::Few;
use crate::check::infer::parts::Fun;
use crate::check::infer::parts::MapShape;
use crate::check::infer::parts::PREFIX_MAX;
use crate::check::infer::parts::Parts;
use crate::value::atom::Atom;
use crate::value::term::Term;

/// The widest tuple that is looked into.
const TUPLE_MAX: usize = 64;
/// How deep values are known.
const DEPTH_MAX: u8 = 7;
/// How deep values become before they are cut to that: a cut copies all that is kept, and is not to be made at each level of
/// what is nested more deeply.
const DEPTH_UNCUT_MAX: u8 = 2 * DEPTH_MAX;
/// How deep what is in a value is known once it is general.
const GENERAL_DEPTH: u8 = 3;
/// How many nodes a value has, shared ones counted each time.
const SIZE_MAX: u32 = 600;

#[derive(Debug)]
struct Node {
    parts: Parts,
    hash: u64,
    size: u32,
    depth: u8,
    /// Whether [`Value::general`] leaves it as it is.
    general: bool,
}

/// Which observations a value was computed from; only followed for [`crate::check::facts`].
pub(super) type Origin = Option<Arc<Vec<u32>>>;

/// Both origins.
pub(super) fn both(a: &Origin, b: &Origin) -> Origin {
    match (a, b) {
        (None, one) | (one, None) => one.clone(),
        (Some(a), Some(b)) if Arc::ptr_eq(a, b) => Some(a.clone()),
        (Some(a), Some(b)) => {
            let mut all: Vec<u32> = a.iter().chain(b.iter()).copied().collect();
            all.sort_unstable();
            all.dedup();
            Some(Arc::new(all))
        }
    }
}

/// A set of terms.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// `None`: any term.
    node: Option<Arc<Node>>,
    /// What it was computed from.
    pub(super) from: Origin,
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        let same = match (&self.node, &other.node) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a.hash == b.hash && a.parts == b.parts,
            _ => false,
        };
        same && self.from == other.from
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.node.as_ref().map_or(0, |node| node.hash));
        if let Some(from) = &self.from {
            from.hash(state);
        }
    }
}

impl Value {
    /// Any term.
    pub(super) const fn any() -> Value {
        Value { node: None, from: None }
    }

    /// No term: what comes of an expression that never ends in a value.
    pub(super) fn never() -> Value {
        Value::of(Parts::default())
    }

    /// A union; cut where it is too deep or too large.
    pub(super) fn of(parts: Parts) -> Value {
        let (mut parts, mut size, mut depth, mut general) = (parts, 1u32, 0u8, true);
        parts.children(&mut |child| {
            size = size.saturating_add(child.size());
            depth = depth.max(child.depth());
            general = general && child.is_general();
        });
        if depth >= DEPTH_UNCUT_MAX || size > SIZE_MAX {
            let keep = if size > SIZE_MAX { 1 } else { DEPTH_MAX - 1 };
            parts.change(&mut |child| child.cut(keep));
            (size, depth, general) = (1, 0, true);
            parts.children(&mut |child| {
                size = size.saturating_add(child.size());
                depth = depth.max(child.depth());
                general = general && child.is_general();
            });
        }
        let mut hasher = rustc_hash::FxHasher::default();
        parts.hash(&mut hasher);
        general = general && parts.names_no_scalars();
        Value {
            node: Some(Arc::new(Node { hash: hasher.finish(), parts, size, depth: depth + 1, general })),
            from: None,
        }
    }

    /// Whether, within another value, [`Value::general`] leaves it as it is.
    fn is_general(&self) -> bool {
        self.node.as_ref().is_none_or(|node| node.general && node.depth <= GENERAL_DEPTH && node.size <= SIZE_MAX / 8)
    }

    fn size(&self) -> u32 {
        self.node.as_ref().map_or(1, |node| node.size)
    }

    fn depth(&self) -> u8 {
        self.node.as_ref().map_or(0, |node| node.depth)
    }

    /// The same, known less deeply.
    fn cut(&self, depth: u8) -> Value {
        let Some(node) = &self.node else { return self.clone() };
        if node.depth <= depth && node.size <= SIZE_MAX / 8 {
            return self.clone();
        }
        if depth == 0 {
            return Value::any().touched(&self.from);
        }
        let mut parts = node.parts.clone();
        parts.change(&mut |child| child.cut(depth - 1));
        Value::of(parts).touched(&self.from)
    }

    /// The kinds; `None` for any term.
    pub(super) fn parts(&self) -> Option<&Parts> {
        self.node.as_ref().map(|node| &node.parts)
    }

    /// Whether there is no such term.
    pub(super) fn is_never(&self) -> bool {
        self.parts().is_some_and(Parts::none)
    }

    /// Whether nothing is known.
    pub(super) fn is_any(&self) -> bool {
        self.node.is_none()
    }

    /// The same, computed from this too.
    pub(super) fn touched(mut self, from: &Origin) -> Value {
        if from.is_some() {
            self.from = both(&self.from, from);
        }
        self
    }

    pub(super) fn ints() -> Value {
        Value::of(Parts { ints: Few::All, ..Parts::default() })
    }

    pub(super) fn floats() -> Value {
        Value::of(Parts { floats: true, ..Parts::default() })
    }

    pub(super) fn numbers() -> Value {
        Value::of(Parts { ints: Few::All, floats: true, ..Parts::default() })
    }

    pub(super) fn texts() -> Value {
        Value::of(Parts { texts: Few::All, ..Parts::default() })
    }

    pub(super) fn atoms() -> Value {
        Value::of(Parts { atoms: Few::All, ..Parts::default() })
    }

    pub(super) fn functions() -> Value {
        Value::of(Parts { funs: Few::All, ..Parts::default() })
    }

    pub(super) fn tuples() -> Value {
        Value::of(Parts { tuples: Few::All, ..Parts::default() })
    }

    pub(super) fn atom(text: &'static str) -> Value {
        Value::of(Parts { atoms: Few::Of(vec![Atom::known(text)]), ..Parts::default() })
    }

    pub(super) fn booleans() -> Value {
        Value::atom("false").join(&Value::atom("true"))
    }

    pub(super) fn boolean(value: bool) -> Value {
        Value::atom(if value { "true" } else { "false" })
    }

    pub(super) fn variable(number: u32) -> Value {
        Value::of(Parts { refs: Few::Of(vec![number]), ..Parts::default() })
    }

    pub(super) fn function(code: Code, arity: u8, captured: Vec<Value>) -> Value {
        Value::of(Parts { funs: Few::Of(vec![Fun { code, arity, captured }]), ..Parts::default() })
    }

    pub(super) fn nil() -> Value {
        Value::of(Parts { nil: true, ..Parts::default() })
    }

    pub(super) fn map(shape: MapShape) -> Value {
        Value::of(Parts { map: Some(shape), ..Parts::default() })
    }

    /// Maps with any entries of these.
    pub(super) fn maps(keys: Value, values: Value) -> Value {
        Value::map(MapShape { known: Vec::new(), rest: Some((keys, values)) })
    }

    pub(super) fn tuple(items: Vec<Value>) -> Value {
        if items.iter().any(Value::is_never) {
            return Value::never();
        }
        let from = items.iter().fold(None, |from, item| both(&from, &item.from));
        let tuples = if items.len() > TUPLE_MAX { Few::All } else { Few::Of(vec![items]) };
        Value::of(Parts { tuples, ..Parts::default() }).touched(&from)
    }

    /// Proper lists, the empty one too, of such elements.
    pub(super) fn list_of(element: &Value) -> Value {
        if element.is_never() {
            return Value::nil();
        }
        let cons = Cons { items: vec![element.clone()], rest: Some(element.clone()), improper: false };
        Value::of(Parts { nil: true, cons: Some(cons), ..Parts::default() }).touched(&element.from)
    }

    /// `[Head | Tail]`
    pub(super) fn cons(head: &Value, tail: &Value) -> Value {
        if head.is_never() || tail.is_never() {
            return Value::never();
        }
        let from = both(&head.from, &tail.from);
        let Some(parts) = tail.parts() else {
            let cons = Cons { items: vec![head.clone()], rest: Some(Value::any()), improper: true };
            return Value::of(Parts { cons: Some(cons), ..Parts::default() }).touched(&from);
        };
        let other = parts.without_lists();
        let mut cons = Cons { items: vec![head.clone()], rest: None, improper: !other.none() };
        match &parts.cons {
            Some(more) if !parts.nil && !cons.improper => {
                cons.items.extend(more.items.iter().cloned());
                cons.rest.clone_from(&more.rest);
                cons.improper = more.improper;
            }
            Some(more) => {
                cons.rest = Some(more.elements());
                cons.improper |= more.improper;
            }
            None => {}
        }
        cons.shorten(PREFIX_MAX);
        Value::of(Parts { cons: Some(cons), ..Parts::default() }).touched(&from)
    }

    /// All that is a term of this kind, and exactly this where it is small.
    pub(super) fn literal(term: &Term) -> Value {
        Value::literal_to(term, DEPTH_MAX)
    }

    pub(super) fn literal_to(term: &Term, depth: u8) -> Value {
        let mut parts = Parts::default();
        match term {
            Term::Int(value) => parts.ints = Few::Of(vec![*value]),
            Term::Big(_) => parts.ints = Few::All,
            Term::Float(_) => parts.floats = true,
            Term::Atom(atom) => parts.atoms = Few::Of(vec![*atom]),
            Term::Str(_) => parts.texts = Few::Of(vec![term.clone()]),
            Term::Nil => parts.nil = true,
            Term::Ref(_) => parts.refs = Few::All,
            Term::Fun(_) => parts.funs = Few::All,
            _ if depth == 0 => return Value::any(),
            Term::Tuple(tuple) if tuple.items().len() > TUPLE_MAX => parts.tuples = Few::All,
            Term::Tuple(tuple) => {
                let items = tuple.items().iter().map(|item| Value::literal_to(item, depth - 1)).collect();
                parts.tuples = Few::Of(vec![items]);
            }
            Term::Map(map) => {
                let entries = map.iter().map(|(key, value)| Entry {
                    key: key.clone(),
                    value: Value::literal_to(value, depth - 1),
                    always: true,
                });
                let mut shape = MapShape { known: entries.collect(), rest: None };
                shape.shorten();
                parts.map = Some(shape);
            }
            Term::Cons(_) => parts.cons = Some(Cons::literal(term, depth)),
        }
        Value::of(parts)
    }

    /// The one term that this is, where it is one.
    pub(super) fn single(&self) -> Option<Term> {
        let parts = self.parts()?;
        if parts.kinds() != 1 || parts.floats {
            return None;
        }
        match parts {
            Parts { ints: Few::Of(few), .. } if few.len() == 1 => Some(Term::Int(few[0])),
            Parts { atoms: Few::Of(few), .. } if few.len() == 1 => Some(Term::Atom(few[0])),
            Parts { texts: Few::Of(few), .. } if few.len() == 1 => Some(few[0].clone()),
            Parts { nil: true, .. } => Some(Term::Nil),
            Parts { tuples: Few::Of(few), .. } if few.len() == 1 => {
                let items: Option<Vec<Term>> = few[0].iter().map(Value::single).collect();
                items.map(Term::tuple)
            }
            Parts { cons: Some(Cons { items, rest: None, improper: false }), .. } => {
                let items: Option<Vec<Term>> = items.iter().map(Value::single).collect();
                items.map(Term::list)
            }
            Parts { map: Some(MapShape { known, rest: None }), .. } => {
                let entries = known.iter().map(|entry| {
                    let value = entry.value.single().filter(|_| entry.always)?;
                    Some((entry.key.clone(), value))
                });
                entries.collect::<Option<crate::value::map::Map>>().map(Term::map)
            }
            _ => None,
        }
    }

    /// Each of the terms that this is, where it is a few scalars of one kind.
    pub(super) fn singles(&self) -> Option<Vec<Value>> {
        let parts = self.parts().filter(|parts| parts.kinds() == 1)?;
        let terms: Vec<Term> = match parts {
            Parts { ints: Few::Of(few), .. } if !few.is_empty() => few.iter().map(|int| Term::Int(*int)).collect(),
            Parts { atoms: Few::Of(few), .. } if !few.is_empty() => few.iter().map(|atom| Term::Atom(*atom)).collect(),
            Parts { texts: Few::Of(few), .. } if !few.is_empty() => few.clone(),
            _ => return None,
        };
        Some(terms.iter().map(Value::literal).collect())
    }

    /// Whether it is a constant of the program, and of the kind of this one: both are atoms, strings or numbers.
    pub(super) fn is_scalar_like(&self, term: &Term) -> bool {
        let kind = |term: &Term| match term {
            _ if term.is_number() => 0,
            Term::Atom(_) => 1,
            Term::Str(_) => 2,
            _ => 3,
        };
        self.single().is_some_and(|single| single.depth() == 0 && kind(&single) == kind(term))
    }

    /// What is in either.
    pub(super) fn join(&self, other: &Value) -> Value {
        let from = both(&self.from, &other.from);
        let (Some(a), Some(b)) = (&self.node, &other.node) else { return Value::any().touched(&from) };
        if Arc::ptr_eq(a, b) || a.hash == b.hash && a.parts == b.parts || b.parts.none() {
            return Value { node: Some(a.clone()), from };
        }
        if a.parts.none() {
            return Value { node: Some(b.clone()), from };
        }
        // Most often nothing grows, and then nothing is made anew.
        if a.parts.covers(&b.parts) {
            return Value { node: Some(a.clone()), from };
        }
        let mut joined = Value::of(a.parts.join(&b.parts));
        joined.from = from;
        joined
    }

    /// Whether joining the other changes nothing; no where that takes long to tell.
    pub(super) fn covers(&self, other: &Value) -> bool {
        let known = match (&self.node, &other.node) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b) || b.parts.none() || a.parts.covers(&b.parts),
        };
        known && (other.from.is_none() || self.from == other.from)
    }

    /// The same without what is known of single numbers, texts and long lists.
    pub(super) fn general(&self) -> Value {
        let Some(node) = self.node.as_ref().filter(|node| !node.general) else { return self.clone() };
        let mut parts = node.parts.clone();
        if parts.ints.some() {
            parts.ints = Few::All;
        }
        if parts.texts.some() {
            parts.texts = Few::All;
        }
        if let Some(cons) = &mut parts.cons {
            cons.shorten(1);
            // Longer ones will come.
            let more = cons.rest.clone().map_or_else(|| cons.items[0].clone(), |rest| rest.join(&cons.items[0]));
            cons.items[0] = more.clone();
            cons.rest = Some(more);
        }
        parts.change(&mut |child| child.general().cut(GENERAL_DEPTH));
        Value::of(parts).touched(&self.from)
    }

    /// Whether some term may be in both, `1` and `1.0` being different.
    pub(super) fn meets(&self, other: &Value) -> bool {
        let (Some(a), Some(b)) = (self.parts(), other.parts()) else { return !self.is_never() && !other.is_never() };
        a.ints.overlaps(&b.ints)
            || a.floats && b.floats
            || a.atoms.overlaps(&b.atoms)
            || a.texts.overlaps(&b.texts)
            || a.nil && b.nil
            || a.cons.as_ref().zip(b.cons.as_ref()).is_some_and(|(a, b)| a.meets(b))
            || a.map.is_some() && b.map.is_some()
            || a.funs.some() && b.funs.some()
            || a.refs.some() && b.refs.some()
            || match (&a.tuples, &b.tuples) {
                (Few::Of(a), Few::Of(b)) => a.iter().any(|a| b.iter().any(|b| all_meet(a, b))),
                (one, Few::All) | (Few::All, one) => one.some(),
            }
    }

    /// What is in both, roughly: never less.
    pub(super) fn meet(&self, other: &Value) -> Value {
        let from = both(&self.from, &other.from);
        let met = match (self.parts(), other.parts()) {
            _ if !self.meets(other) => Value::never(),
            (_, None) => self.clone(),
            (None, _) => other.clone(),
            // The smaller of the two.
            (Some(_), Some(_)) if self.size() <= other.size() => self.clone(),
            _ => other.clone(),
        };
        met.touched(&from)
    }
}

fn all_meet(a: &[Value], b: &[Value]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.meets(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of each kind some, and what is made of them.
    fn values() -> Vec<Value> {
        let text = |text: &str| Value::literal(&Term::text(text));
        let mut all = vec![
            Value::any(),
            Value::never(),
            Value::literal(&Term::Int(1)),
            Value::literal(&Term::Int(2)),
            Value::ints(),
            Value::numbers(),
            text("a"),
            Value::texts(),
            Value::atom("ok"),
            Value::booleans(),
            Value::nil(),
            Value::variable(3),
            Value::variable(3).join(&Value::variable(4)),
        ];
        let scalars = all.clone();
        for one in &scalars {
            all.push(Value::list_of(one));
            all.push(Value::cons(one, &Value::nil()));
            all.push(Value::cons(&Value::literal(&Term::Int(1)), &Value::cons(one, &Value::nil())));
            all.push(Value::cons(one, &Value::list_of(&Value::ints())));
            all.push(Value::tuple(vec![Value::atom("ok"), one.clone()]));
            all.push(Value::tuple(vec![one.clone(), Value::ints()]));
            all.push(Value::maps(Value::atoms(), one.clone()));
            all.push(Value::function(Code::Lambda(1), 1, vec![one.clone()]));
            all.push(one.clone().touched(&Some(Arc::new(vec![7]))));
        }
        let some: Vec<Value> = all.iter().step_by(5).cloned().collect();
        all.extend(some.windows(2).map(|pair| pair[0].join(&pair[1])));
        all
    }

    #[test]
    fn what_covers_another_value_is_the_union_of_both() {
        let all = values();
        let mut covered = 0;
        for a in &all {
            for b in &all {
                if let (Some(one), Some(other)) = (&a.node, &b.node)
                    && one.parts.covers(&other.parts)
                {
                    covered += 1;
                    let both = Value::of(one.parts.join(&other.parts)).touched(&a.from);
                    assert_eq!(both, *a, "{b:?}");
                }
            }
        }
        assert!(covered > 2 * all.len(), "{covered}");
    }

    #[test]
    fn what_is_general_already_stays_as_it_is() {
        for value in values() {
            let general = value.general();
            if let Some(node) = value.node.as_ref().filter(|node| node.general) {
                let mut parts = node.parts.clone();
                parts.change(&mut |child| child.general().cut(GENERAL_DEPTH));
                assert_eq!(Value::of(parts).touched(&value.from), value);
            }
            assert!(value.covers(&value) && general.join(&value) == general, "{value:?}");
        }
    }
}
