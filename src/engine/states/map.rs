//! `gmap` and `awmap`: a state for each key. A key is there while anything live is beneath it; taking it out takes back all
//! entries beneath it that its author has seen, and an update that was concurrent keeps what it wrote.

use std::collections::BTreeMap;

use triomphe::Arc;

use crate::engine::author::Author;
use crate::engine::change::Delta;
use crate::engine::change::Effect;
use crate::engine::change::Inbox;
use crate::engine::change::Refusal;
use crate::engine::change::Support;
use crate::engine::states::State;
use crate::engine::states::child::Child;
use crate::engine::states::several::Several;
use crate::engine::states::several::Trial;
use crate::lattice::dot::Dot;
use crate::value::content::Content;
use crate::value::kind::Type;
use crate::value::map::Map;
use crate::value::operation::Op;
use crate::value::term::Term;

/// A map.
#[derive(Clone)]
pub(in crate::engine) struct MapState {
    kind: Type,
    /// Whether keys can be taken out, here or further up.
    removable: bool,
    children: BTreeMap<Term, Child>,
}

impl MapState {
    pub(super) fn new(kind: &Type, removable: bool) -> MapState {
        MapState { kind: kind.clone(), removable, children: BTreeMap::new() }
    }

    /// Takes changes in. Elements are told if somebody watches.
    pub(super) fn apply(&mut self, inbox: &mut Inbox, watched: bool) -> Delta {
        if let Some(delta) = self.apply_to_one(inbox, watched) {
            return delta;
        }
        let mut by_key: BTreeMap<Term, Inbox> = BTreeMap::new();
        for (key, support) in inbox.came.drain(..).filter_map(beneath) {
            by_key.entry(key).or_default().came.push(support);
        }
        for (key, support) in inbox.went.drain(..).filter_map(beneath) {
            by_key.entry(key).or_default().went.push(support);
        }
        let mut delta = Delta::default();
        for (key, mut inbox) in by_key {
            self.apply_to(key, &mut inbox, watched, &mut delta);
        }
        delta
    }

    /// The same where all changes are beneath one key and one of each kind at most, as when an entry takes another's place.
    fn apply_to_one(&mut self, inbox: &mut Inbox, watched: bool) -> Option<Delta> {
        let key = match (inbox.came.as_slice(), inbox.went.as_slice()) {
            ([only], []) | ([], [only]) => key_of(only)?.clone(),
            ([came], [went]) if key_of(came) == key_of(went) => key_of(came)?.clone(),
            _ => return None,
        };
        let inner =
            |supports: &mut Vec<Support>| supports.drain(..).filter_map(beneath).map(|(_, inner)| inner).collect();
        let mut inner = Inbox { came: inner(&mut inbox.came), went: inner(&mut inbox.went) };
        let mut delta = Delta::default();
        self.apply_to(key, &mut inner, watched, &mut delta);
        Some(delta)
    }

    fn apply_to(&mut self, key: Term, inbox: &mut Inbox, watched: bool, delta: &mut Delta) {
        let mut known = true;
        let child = self.children.entry(key.clone()).or_insert_with(|| {
            known = false;
            Child::bottom(&self.kind, self.removable)
        });
        let before = (known && watched).then(|| child.value());
        let changed = child.apply(inbox);
        let stays = !child.state.is_unsupported();
        let touched = changed.touched || stays != known;
        delta.touched |= touched;
        if changed.changed || stays != known {
            delta.changed = true;
            let after = (stays && watched).then(|| child.value());
            delta.left.extend(before.map(|value| Term::pair(key.clone(), value)));
            delta.entered.extend(after.map(|value| Term::pair(key.clone(), value)));
        }
        if !stays {
            self.children.remove(&key);
        }
        if touched {
            delta.parts.push(key);
        }
    }

    pub(super) fn prepare(&self, op: &Op, author: &Author) -> Result<Effect, Refusal> {
        match op {
            Op::Apply(key, op) => self.prepare_key(key, op, author),
            Op::ApplyAll(ops) => self.prepare_all(ops, author),
            Op::RemoveKeys(keys) => {
                let mut dots = Vec::new();
                for key in keys {
                    let entries = self.children.get(key).map_or_else(Vec::new, |child| child.state.entries());
                    dots.extend(entries.into_iter().map(|(dot, _)| dot));
                }
                dots.sort_unstable();
                dots.dedup();
                Ok(Effect::removal(&dots))
            }
            _ => Ok(Effect::default()),
        }
    }

    fn prepare_key(&self, key: &Term, op: &Op, author: &Author) -> Result<Effect, Refusal> {
        let effect = match self.children.get(key) {
            Some(child) => child.state.prepare(op, author),
            // Of a key that is not there everything is written: `{apply, K, {set, 0}}` makes it exist.
            None => State::bottom(&self.kind, true).prepare(op, author),
        };
        Ok(effect?.wrapped(|content| Content::Entry(Arc::new((key.clone(), content)))))
    }

    /// Several operations as one update: each sees what those before it have done to its key.
    fn prepare_all(&self, ops: &[(Term, Op)], author: &Author) -> Result<Effect, Refusal> {
        let mut of_key: BTreeMap<&Term, u32> = BTreeMap::new();
        ops.iter().for_each(|(key, _)| *of_key.entry(key).or_insert(0) += 1);
        let mut all = Several::new(author);
        let author = &Author { part_of: author.part_of + 1, ..*author };
        let mut tried: BTreeMap<&Term, Trial> = BTreeMap::new();
        for (key, op) in ops {
            if of_key.get(key) == Some(&1) {
                all.add(self.prepare_key(key, op, author)?);
                continue;
            }
            let trial = tried.entry(key).or_insert_with(|| match self.children.get(key) {
                Some(child) => Trial::new(child.state.clone()),
                None => Trial::new(State::bottom(&self.kind, true)),
            });
            let effect = trial.state.prepare(op, author)?;
            all.try_out(effect, trial, |content| Content::Entry(Arc::new((key.clone(), content))));
        }
        Ok(all.effect())
    }

    pub(super) fn value(&self) -> Term {
        Term::map(self.children.iter().map(|(key, child)| (key.clone(), child.value())).collect::<Map>())
    }

    /// What a key has, if it is there.
    pub(super) fn get(&self, key: &Term) -> Option<Term> {
        self.children.get(key).map(Child::value)
    }

    /// A key's state, if it is there.
    pub(super) fn child(&self, key: &Term) -> Option<&State> {
        self.children.get(key).map(|child| &child.state)
    }

    pub(super) fn kind(&self) -> &Type {
        &self.kind
    }

    pub(super) fn elements(&self) -> impl Iterator<Item = Term> {
        self.children.iter().map(|(key, child)| Term::pair(key.clone(), child.value()))
    }

    pub(super) fn contains(&self, element: &Term) -> bool {
        match element.as_tuple() {
            Some([key, value]) => self.get(key).is_some_and(|known| known == *value),
            _ => false,
        }
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &Term> {
        self.children.keys()
    }

    /// The contents of one key, as few as possible.
    pub(super) fn part(&self, key: &Term) -> Vec<Content> {
        let contents = self.children.get(key).map_or_else(Vec::new, |child| child.state.contents_within());
        contents.into_iter().map(|content| Content::Entry(Arc::new((key.clone(), content)))).collect()
    }

    pub(super) fn is_unsupported(&self) -> bool {
        self.children.is_empty()
    }

    pub(super) fn entries(&self, entries: &mut Vec<(Dot, Content)>) {
        for (key, child) in &self.children {
            let inner = child.state.entries().into_iter();
            entries.extend(inner.map(|(dot, content)| (dot, Content::Entry(Arc::new((key.clone(), content))))));
        }
    }

    pub(super) fn removal_records(&self) -> usize {
        self.children.values().map(|child| child.state.removal_records()).sum()
    }
}

/// Beneath which key it speaks for something, and for what.
fn beneath(Support { dot, content }: Support) -> Option<(Term, Support)> {
    let Content::Entry(entry) = content else { return None };
    let (key, content) = Arc::unwrap_or_clone(entry);
    Some((key, Support { dot, content }))
}

/// Beneath which key it speaks for something.
fn key_of(support: &Support) -> Option<&Term> {
    if let Content::Entry(entry) = &support.content { Some(&entry.0) } else { None }
}
