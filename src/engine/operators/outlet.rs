//! A state's compact contents, as changes: what another state is given of it.

use std::collections::BTreeMap;

use crate::engine::change::Delta;
use crate::engine::states::State;
use crate::value::content::Content;
use crate::value::term::Term;

/// Follows a state and says which contents came and went since it was last asked.
#[derive(Default)]
pub(in crate::engine) struct Outlet {
    /// The last summary given, for states that have one.
    given: Vec<Content>,
    /// The last contents given of each part, for states that consist of parts.
    parts: BTreeMap<Term, Vec<Content>>,
    /// What is to be told: more than 0 for what came, less for what went.
    pending: BTreeMap<Content, i32>,
}

impl Outlet {
    /// Takes in a change of the state, which is as it is after the change.
    pub(in crate::engine) fn change(&mut self, state: &State, delta: &Delta) {
        match state.summary() {
            Some(summary) if delta.touched && summary != self.given => {
                let before = std::mem::replace(&mut self.given, summary.clone());
                for content in before {
                    self.note(content, -1);
                }
                for content in summary {
                    self.note(content, 1);
                }
            }
            Some(_) => {}
            None if state.has_parts() => delta.parts.iter().for_each(|part| self.part(state, part)),
            None => {
                delta.left.iter().filter_map(|term| state.content_of(term)).for_each(|content| self.note(content, -1));
                delta
                    .entered
                    .iter()
                    .filter_map(|term| state.content_of(term))
                    .for_each(|content| self.note(content, 1));
            }
        }
    }

    /// A part may have changed.
    fn part(&mut self, state: &State, part: &Term) {
        let now = state.part(part);
        let before =
            if now.is_empty() { self.parts.remove(part) } else { self.parts.insert(part.clone(), now.clone()) };
        before.into_iter().flatten().for_each(|content| self.note(content, -1));
        now.into_iter().for_each(|content| self.note(content, 1));
    }

    fn note(&mut self, content: Content, change: i32) {
        match self.pending.entry(content) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(change);
            }
            std::collections::btree_map::Entry::Occupied(mut place) => {
                *place.get_mut() += change;
                if *place.get() == 0 {
                    place.remove();
                }
            }
        }
    }

    /// What came and what went, in order.
    pub(in crate::engine) fn take(&mut self) -> (Vec<Content>, Vec<Content>) {
        let (mut came, mut went) = (Vec::new(), Vec::new());
        for (content, change) in std::mem::take(&mut self.pending) {
            if change > 0 { came.push(content) } else { went.push(content) }
        }
        (came, went)
    }

    /// Also tells, the next time, of these, which came and went before it followed the state.
    pub(in crate::engine) fn also(&mut self, came: Vec<Content>, went: Vec<Content>) {
        came.into_iter().for_each(|content| self.note(content, 1));
        went.into_iter().for_each(|content| self.note(content, -1));
    }
}
