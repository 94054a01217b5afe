//! What there is to tell two moments of a play apart by: not how they came about, but what can still come of them.
//!
//! A node's future hangs on its program's tasks and on the updates that it has. Tasks are functions of what they asked for and got
//! to see; of a node that does nothing any more there is only what it has shown. So ways that lead to one state are one way,
//! however many there are: stateful model checking, where `Stage::histories` is the stateless one.

use crate::lattice::dot::Lane;
use crate::library::Verb;
use crate::node::Deed;
use crate::node::LinedUp;
use crate::node::Observation;
use crate::replica::VariableKey;
use crate::sim::stage::Actor;
use crate::sim::stage::Local;
use crate::sim::stage::Stage;
use crate::source::span::Span;
use crate::value::content::Content;

/// An update as it lives on: whose it is, of what, and what it says.
type Entry = ((Lane, u64), VariableKey, Content, Option<u128>);

/// The state of one node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    seen: Vec<(Lane, u64)>,
    entries: Vec<Entry>,
    met: Vec<usize>,
    asks: Vec<(usize, usize, usize)>,
    prints: Vec<(u64, Vec<String>)>,
    reports: Vec<(u64, &'static str, String, Option<Span>)>,
    tasks: LinedUp,
    endless: bool,
    /// What it may still do hangs on this; nothing where it does nothing any more.
    program: Option<Program>,
}

/// What a program's tasks are functions of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Program {
    deeds: Vec<Deed>,
    observed: Vec<Observation>,
    clock_ms: u64,
    wakes: u32,
    /// All that happened, where something can hang on that too.
    history: Option<Vec<Local>>,
}

/// Verbs that hang on more than on what is there now.
const FOLLOWS: [Verb; 4] = [Verb::Stream, Verb::EnforceOnce, Verb::DeclareDynamic, Verb::FoldDynamic];

impl Stage<'_> {
    /// The nodes' states: what can come of two stages of one program is the same where they are equal.
    pub(crate) fn states(&mut self) -> Vec<State> {
        let follows = FOLLOWS.into_iter().any(|verb| self.play.uses(verb));
        let over: Vec<bool> = (0..self.actors.len()).map(|at| !follows && !self.acts_on(at)).collect();
        self.actors.iter_mut().zip(over).map(|(actor, over)| state(actor, over, follows)).collect()
    }
}

fn state(actor: &mut Actor, over: bool, follows: bool) -> State {
    actor.observed.extend(actor.node.take_observations());
    let mut met = actor.met.clone();
    met.sort_unstable();
    let entries = actor.node.entries();
    let report = |(task, report): &(u64, crate::source::diagnostic::Diagnostic)| {
        (*task, report.code, report.title.clone(), report.labels.first().map(|label| label.span))
    };
    let program = (!over).then(|| Program {
        deeds: actor.deeds.clone(),
        observed: actor.observed.clone(),
        clock_ms: actor.clock_ms,
        wakes: actor.wakes,
        history: follows.then(|| actor.history.clone()),
    });
    State {
        seen: actor.node.seen(),
        entries: entries.map(|(dot, key, content, slot)| (dot, key.clone(), content.clone(), slot)).collect(),
        met,
        asks: actor.asks.iter().map(|(other, (all, arrived))| (*other, all.len(), *arrived)).collect(),
        prints: actor.prints.iter().map(|(task, lines)| (*task, lines.clone())).collect(),
        reports: actor.reports.iter().map(report).collect(),
        tasks: actor.node.lined_up(),
        endless: actor.endless,
        program,
    }
}
