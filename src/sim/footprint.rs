//! What turns of programs look at and change, as far as exploring needs to know: an update that a replica never looks at, nor at
//! anything that is derived from it, may as well arrive later.
//!
//! Dynamic partial-order reduction (Flanagan and Godefroid, "Dynamic partial-order reduction for model checking software", POPL
//! 2005), on what was seen in any run so far: what a replica would look at only after it had seen something else, it is known
//! to look at once a run has shown it to do so, and what was put off until then is taken up again.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::library::Verb;
use crate::node::Deed;
use crate::value::kind::Type;
use crate::value::reference::Reference;
use crate::value::term::Term;

/// A variable, or what it has under one key: an element of a set, a key of a map, the rights of one node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    variable: Term,
    key: Option<Term>,
}

impl Place {
    fn whole(variable: &Term) -> Place {
        Place { variable: variable.clone(), key: None }
    }

    /// Whether a change of the one can be seen at the other.
    fn meets(&self, other: &Place) -> bool {
        let apart = matches!((&self.key, &other.key), (Some(one), Some(other)) if one != other);
        self.variable == other.variable && !apart
    }
}

/// What is changed by something that the program of the replica called `own` did.
pub(crate) fn changed(deed: &Deed, own: &Term) -> Vec<Place> {
    match (deed.verb, deed.arguments.as_slice()) {
        (Verb::Update | Verb::TryUpdate, [variable @ Term::Ref(reference), operation, ..]) => {
            places(variable, reference, operation, own)
        }
        (Verb::Bind, [variable, _]) => vec![Place::whole(variable)],
        _ => Vec::new(),
    }
}

/// The parts of the variable that an operation is about.
fn places(variable: &Term, reference: &Reference, operation: &Term, own: &Term) -> Vec<Place> {
    let whole = || vec![Place::whole(variable)];
    let keyed = |keys: Vec<Term>| {
        keys.into_iter().map(|key| Place { variable: variable.clone(), key: Some(key) }).collect::<Vec<_>>()
    };
    let parts = operation.as_tuple().unwrap_or_default();
    let word = parts.first().unwrap_or(operation).as_atom().unwrap_or_default();
    match (&reference.kind, word, parts) {
        (kind, "rmv" | "remove", [_, element]) if kind.is_set() => keyed(vec![element.clone()]),
        (kind, "add" | "add_all" | "rmv_all" | "remove_all", [_, operand]) if kind.is_set() => {
            keyed(operand.to_vec().unwrap_or_else(|| vec![operand.clone()]))
        }
        (Type::GMap(_) | Type::AwMap(_), "apply" | "set", [_, key, _]) => keyed(vec![key.clone()]),
        (Type::AwMap(_), "rmv" | "remove", [_, key]) => keyed(vec![key.clone()]),
        (Type::BCounter, "increment" | "decrement", _) => keyed(vec![own.clone()]),
        _ => whole(),
    }
}

/// Whether what an operation does hangs on what has been seen of the place where it does it. In doubt it does.
fn hangs(kind: &Type, operation: &Term) -> bool {
    let parts = operation.as_tuple().unwrap_or_default();
    let word = parts.first().unwrap_or(operation).as_atom().unwrap_or_default();
    match (kind, word, parts) {
        (Type::Set | Type::GSet | Type::TwoPSet, "add" | "add_all", _)
        | (Type::GCounter | Type::Counter | Type::LexCounter | Type::MinInt | Type::Boolean | Type::TopK(_), ..)
        | (Type::MaxInt, "set", _)
        | (Type::EwFlag, "enable", _)
        | (Type::BCounter, "increment", _) => false,
        (Type::GMap(inner), "apply", [_, _, operation]) => hangs(inner, operation),
        (Type::Pair(kinds), "fst", [_, operation]) => hangs(&kinds.0, operation),
        (Type::Pair(kinds), "snd", [_, operation]) => hangs(&kinds.1, operation),
        (Type::Window(window), "at", [_, _, operation]) => hangs(&window.kind, operation),
        _ => true,
    }
}

/// What one replica looked at in any run.
#[derive(Clone, Debug, Default)]
struct Looks {
    /// In its turns.
    now: BTreeSet<Place>,
    /// All the time, by tasks that wait and by streams: it matters what comes together.
    always: BTreeSet<Place>,
}

/// What all replicas looked at in any run, and what flows into what.
#[derive(Clone, Debug, Default)]
pub(crate) struct Footprints {
    replicas: Vec<Looks>,
    /// Of each derived variable, what it is derived from; none where that is not known.
    sources: BTreeMap<Term, Option<BTreeSet<Term>>>,
    /// Whether a program hangs on who is connected.
    membership: bool,
    /// Counts what is new.
    news: usize,
}

impl Footprints {
    /// Nothing is known of so many replicas.
    pub(crate) fn new(replicas: usize, membership: bool) -> Footprints {
        Footprints { replicas: vec![Looks::default(); replicas], membership, ..Footprints::default() }
    }

    /// Grows whenever something new was learned.
    pub(crate) fn news(&self) -> usize {
        self.news
    }

    /// Whether a program hangs on who is connected.
    pub(crate) fn membership(&self) -> bool {
        self.membership
    }

    /// Learns from what the program of a replica did.
    pub(crate) fn learn(&mut self, replica: usize, deeds: &[Deed], own: &Term) {
        for deed in deeds {
            self.flow(deed);
            match (deed.verb, deed.arguments.as_slice()) {
                (Verb::Query, [variable]) => self.look(replica, Place::whole(variable), false),
                (
                    Verb::Read | Verb::WaitNeeded | Verb::Invariant | Verb::EnforceOnce | Verb::Stream,
                    [variable, ..],
                ) => {
                    self.look(replica, Place::whole(variable), true);
                }
                (Verb::ReadAny, [list]) => {
                    for pair in list.to_vec().unwrap_or_default() {
                        if let Some([variable, _]) = pair.as_tuple() {
                            self.look(replica, Place::whole(variable), true);
                        }
                    }
                }
                (Verb::Update | Verb::TryUpdate, [Term::Ref(reference), operation, ..]) => {
                    if hangs(&reference.kind, operation) {
                        changed(deed, own).into_iter().for_each(|place| self.look(replica, place, false));
                    }
                    self.moved(operation);
                }
                (Verb::Bind, [variable, _]) => self.look(replica, Place::whole(variable), false),
                _ => {}
            }
        }
    }

    /// Rights are moved to nodes that have been met.
    fn moved(&mut self, operation: &Term) {
        if is_move(operation) && !self.membership {
            self.membership = true;
            self.news += 1;
        }
    }

    fn look(&mut self, replica: usize, place: Place, always: bool) {
        let Some(looks) = self.replicas.get_mut(replica) else { return };
        let places = if always { &mut looks.always } else { &mut looks.now };
        self.news += usize::from(places.insert(place));
    }

    /// Notes what is derived from what.
    fn flow(&mut self, deed: &Deed) {
        let derived = match deed.verb {
            Verb::BindTo => deed.arguments.first(),
            Verb::Map | Verb::Filter | Verb::Union | Verb::Intersection | Verb::Product | Verb::Difference => {
                deed.answer.as_ref()
            }
            Verb::Fold | Verb::FoldDynamic | Verb::Join | Verb::GroupBy | Verb::Sql => deed.answer.as_ref(),
            _ => None,
        };
        let Some(derived @ Term::Ref(_)) = derived else { return };
        let variables = deed.arguments.iter().filter(|argument| matches!(argument, Term::Ref(_)));
        let sources: BTreeSet<Term> = variables.filter(|source| *source != derived).cloned().collect();
        let known = self.sources.entry(derived.clone()).or_insert_with(|| Some(BTreeSet::new()));
        let before = known.as_ref().map(BTreeSet::len);
        match known {
            // The tables of a view are names in a text.
            _ if deed.verb == Verb::Sql => *known = None,
            Some(known) => known.extend(sources),
            None => {}
        }
        self.news += usize::from(known.as_ref().map(BTreeSet::len) != before);
    }

    /// Whether a change of this place that gets from one replica to another makes a difference to anybody.
    pub(crate) fn matters(&self, from: usize, to: usize, place: &Place) -> bool {
        self.replicas.iter().enumerate().any(|(replica, looks)| {
            let here = replica == to && looks.now.iter().any(|look| self.reaches(place, look));
            // A third one that waits may be handed this along with something else.
            here || replica != from && looks.always.iter().any(|look| self.reaches(place, look))
        })
    }

    /// Whether a change of the place can be seen by this look.
    fn reaches(&self, place: &Place, look: &Place) -> bool {
        if place.meets(look) {
            return true;
        }
        let mut open = vec![&look.variable];
        let mut visited: BTreeSet<&Term> = BTreeSet::new();
        while let Some(variable) = open.pop() {
            match self.sources.get(variable) {
                Some(None) => return true,
                Some(Some(sources)) => {
                    if sources.contains(&place.variable) {
                        return true;
                    }
                    open.extend(sources.iter().filter(|source| visited.insert(source)));
                }
                None => {}
            }
        }
        false
    }
}

/// Whether an operation gives rights away, of a counter within maps and pairs too.
fn is_move(operation: &Term) -> bool {
    match operation.as_tuple() {
        Some([word, ..]) if word.as_atom() == Some("move") => true,
        Some([word, .., inner]) if matches!(word.as_atom(), Some("apply" | "fst" | "snd")) => is_move(inner),
        Some([word, inner]) if word.as_atom() == Some("apply_all") => inner
            .to_vec()
            .unwrap_or_default()
            .iter()
            .any(|one| one.as_tuple().and_then(<[_]>::last).is_some_and(is_move)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_growth_hangs_on_nothing() {
        let term = |text: &'static str| Term::atom(text);
        let apply = |op: Term| Term::tuple(vec![term("apply"), term("k"), op]);
        assert!(!hangs(&Type::GMap(Box::new(Type::Counter)), &apply(term("increment"))));
        assert!(hangs(&Type::AwMap(Box::new(Type::Counter)), &apply(term("increment"))));
        assert!(hangs(&Type::LwwRegister, &Term::tuple(vec![term("set"), term("a")])));
        assert!(hangs(&Type::MaxInt, &term("increment")));
    }
}
