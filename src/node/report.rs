//! What a node says of itself: errors, waits, values at the end.

use std::collections::BTreeSet;

use crate::effects::EffectKey;
use crate::engine::ElementFailure;
use crate::engine::Failed;
use crate::engine::FailureReason;
use crate::graph::VariableId;
use crate::node::Final;
use crate::node::Node;
use crate::node::Status;
use crate::node::TopLevel;
use crate::node::Until;
use crate::node::Waiting;
use crate::node::tasks::Awaited;
use crate::node::tasks::Purpose;
use crate::node::tasks::Wait;
use crate::node::verbs::brief;
use crate::replica::VariableKey;
use crate::replica::Writers;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::value::codec;
use crate::value::kind::Type;
use crate::value::reference::Name;
use crate::value::reference::Reference;
use crate::value::term::Term;
use crate::vm::Failure;

use triomphe::Arc;

/// Another node, or an earlier program with this node's data, uses the same name for another type.
pub(super) fn type_conflict(key: &VariableKey, other: &Type, peer: Option<&str>) -> Diagnostic {
    let there = peer.map_or_else(|| "in this node's data".to_owned(), |peer| format!("on the peer {peer}"));
    Diagnostic::error(
        "E0301",
        format!(
            "the variable {} is {} here and {} {there}",
            key.name.plain(),
            key.kind.with_article(),
            other.with_article()
        ),
    )
    .help("Each side keeps its own data, and the two are not joined. Give one of them another name, or the same type.")
}

/// What this node was given to remember is not all that it has told its peers.
pub(super) fn old_copy(here: u64, there: u64, peer: &str) -> Diagnostic {
    let title = match here {
        0 => format!("the peer {peer} knows updates of this node that are not in its data"),
        _ => format!(
            "the peer {peer} knows {there} updates of an earlier run of this node, and its data has {here} of them"
        ),
    };
    Diagnostic::warning("E1006", title)
        .help("The data folder is an older copy, or another copy of it is in use. What was replicated comes back from the peers, and no update is taken for another.")
        .help("If two copies run, end one of them: both speak for the same node in `fold_dynamic`. For a second node beside the first: `lasp data export`, and `lasp data import --shared`.")
}

/// A server lacks updates of this node that are nowhere to be had from here.
pub(super) fn gap(updates: u64, peer: &str) -> Diagnostic {
    let title = format!(
        "the peer {peer} lacks {updates} updates of this node, which another server had and this node keeps no longer"
    );
    Diagnostic::warning("E0631", title)
        .help("Until it gets them from that server it takes no later ones of this run: bring that server back.")
        .help("If it is lost for good, start this node again: what it writes from then on is taken, and what it shows of its own now can be written anew.")
}

/// A server that is to decide on effects has data that it may have decided more than. A peer may say how often what it decided had
/// changed when it heard of it last, and how often it has here.
pub(super) fn no_voice(heard: Option<(&str, u64, u64)>) -> Diagnostic {
    let title = "the data of this server is not that with which it decided on effects";
    let mut diagnostic = Diagnostic::warning("E0654", title);
    if let Some((peer, there, here)) = heard {
        diagnostic = diagnostic.help(format!(
            "The peer {peer} has heard from it that what it decided had changed {there} times, and in its data it has {here} times: that is an older copy."
        ));
    }
    diagnostic
        .help("It decides nothing from now on, since it may have decided what it does not remember; it takes part in everything else.")
        .help("Start it with the data that it had last; if that is lost, name a server with a new key in its place.")
}

/// How many of the variables that feed another one are named in a line.
const FEEDS_MAX: usize = 8;
const RESOLVE: &str = "look in the outside world whether it has happened (the key, which the function can take, tells it apart); if it has \
not, start the node that is to run it with";

/// An effect was started, and nobody knows how far it came.
pub(super) fn in_doubt(key: EffectKey, attempt: u32, whose: &str, place: Option<Span>) -> Diagnostic {
    let title = format!("the effect {key} is in doubt: {whose} started it and has not said that it ended");
    let warning = Diagnostic::warning("E0650", title).help(format!("{RESOLVE} `--again {key}:{attempt}`"));
    match place {
        Some(span) => warning.at(span, "to be run once for the whole cluster"),
        None => warning,
    }
}

/// The same, found on this node's own disk.
pub(super) fn started_here(key: EffectKey, attempt: u32) -> Diagnostic {
    let title = format!("the effect {key} is in doubt: this node ended while it was at it");
    Diagnostic::warning("E0650", title).help(format!("{RESOLVE} `--again {key}:{attempt}`"))
}

/// For the failures beyond those reported one by one.
pub(super) fn more_elements(count: usize) -> Diagnostic {
    Diagnostic::error("E0398", format!("elements failed {count} more times, in these derivations or others"))
        .help("Each of them contributes nothing there; the others are not affected.")
}

impl Node {
    /// A function failed on an element.
    /// `function` is where the function stands, and how many arguments it takes, as far as that is known.
    pub(super) fn element_diagnostic(
        failed: &ElementFailure,
        failures: &[Failure],
        function: Option<(Span, u8)>,
    ) -> Diagnostic {
        let place = |diagnostic: Diagnostic| {
            let (element, name) = (brief(&failed.element), failed.destination.name.plain());
            diagnostic.help(format!("the element {element} contributes nothing to {name}; the others are not affected"))
        };
        match (&failed.reason, failed.diagnostic()) {
            (FailureReason::NotContributable { .. }, Some(mut diagnostic)) => {
                if let Some((span, arity)) = function {
                    diagnostic = diagnostic.at(span, "this function returned it");
                    if arity == 2 {
                        diagnostic = diagnostic.help(
                            "its second argument is what the destination begins with, and no accumulator: return an operation for each element, such as `{increment, X}`",
                        );
                    }
                }
                diagnostic
            }
            (_, Some(diagnostic)) => match function {
                Some((span, _)) => diagnostic.at(span, "by this function"),
                None => diagnostic,
            },
            (FailureReason::Evaluation(Failed(number)), None) => match failures.get(*number as usize) {
                Some(failure) => place(failure.diagnostic()),
                None => more_elements(1),
            },
            (_, None) => more_elements(1),
        }
    }

    /// How the node stands; of what waits, the top level comes first.
    pub fn status(&mut self) -> Status {
        self.note_names();
        let mut waits = Vec::new();
        for (purpose, wait) in self.tasks.waits() {
            let said = |awaited: &Awaited| (awaited.variable, what_it_has_to_be(wait, awaited));
            let any: Vec<(VariableId, String)> = wait.any.iter().map(said).collect();
            waits.push((purpose, any, wait.span));
        }
        waits.sort_by_key(|(purpose, ..)| *purpose != Purpose::TopLevel);
        let mut waiting = Vec::with_capacity(waits.len());
        for (purpose, any, span) in waits {
            let (top_level, typed) = (purpose == Purpose::TopLevel, purpose == Purpose::Prompt);
            let texts = any.into_iter().map(|(variable, said)| self.waiting_text(variable, &said));
            waiting.push(Waiting { text: texts.collect::<Vec<String>>().join(", or "), span, top_level, typed });
        }
        let effects = self.enforced.waiting().into_iter();
        waiting.extend(effects.map(|(text, span)| Waiting { text, span, top_level: false, typed: false }));
        Status {
            quiescent: self.quiescent(),
            top_level: self.top_level_now(),
            waiting,
            vector: self.replica.vector_digest(),
            interest: self.replica.interest_digest(),
            peers: self.peers.len(),
            agreeing: self.peers.keys().filter(|peer| self.agrees_with(**peer)).count(),
            until: self.until.as_ref().map_or(Until::Unset, |until| until.state.clone()),
            assertion_failed: self.assertion_failed,
            conflicts: self.conflicts,
        }
    }

    /// Whether nothing happens before the next input: cheaper than the whole status.
    #[must_use]
    pub fn quiescent(&self) -> bool {
        // Tasks that stand still do nothing before the next input either.
        let tasks = self.stands_still || !self.tasks.any_active();
        self.running.is_none() && tasks && self.inbox.waiting.is_empty() && !self.enforced.busy(self.now_ms)
    }

    /// `converged()`: as far as this node knows.
    pub(super) fn converged(&self) -> bool {
        let agreed = self.peers.keys().all(|peer| self.agrees_with(*peer));
        self.all_connected && !self.peers.is_empty() && agreed && self.quiescent()
    }

    /// Whether the awaited expression was true.
    #[must_use]
    pub fn until_met(&self) -> bool {
        self.until.as_ref().is_some_and(|until| until.state == Until::Met)
    }

    /// How far the top level is, waits included.
    pub(super) fn top_level_now(&self) -> TopLevel {
        let waits = self.tasks.waits().any(|(purpose, _)| purpose == Purpose::TopLevel);
        if self.top_level == TopLevel::Running && waits { TopLevel::Waiting } else { self.top_level }
    }

    fn waiting_text(&mut self, variable: VariableId, awaited: &str) -> String {
        let name = self.shown_name(variable);
        let value = brief(&self.engine.value(variable));
        let graph = self.engine.graph();
        let sources: BTreeSet<VariableId> =
            graph.writers(variable).iter().flat_map(|id| graph.derivation(*id).sources.clone()).collect();
        let feeds: Vec<String> = sources.into_iter().map(|source| self.shown_name(source)).collect();
        let viewed = self.engine.taken(variable).is_some();
        let fed = if feeds.is_empty() && viewed {
            "fed by other nodes' derivations".to_owned()
        } else if feeds.is_empty() {
            "only updates feed it".to_owned()
        } else if let (first, [_, _, ..]) = feeds.split_at(feeds.len().min(FEEDS_MAX)) {
            format!("fed by {} and {} others", first.join(", "), feeds.len() - first.len())
        } else {
            format!("fed by {}", feeds.join(", "))
        };
        format!("{name} {awaited}; it is {value} now, {fed}")
    }

    /// The name at top level, or else the variable's own.
    pub(super) fn shown_name(&self, variable: VariableId) -> String {
        match self.named.get(&variable).and_then(|names| names.first()) {
            Some(name) => name.clone(),
            None => self.engine.reference(variable).to_string(),
        }
    }

    /// The names at top level that are bound, in the order of binding: that in which they stand in the program.
    #[must_use]
    pub fn bound_names(&self) -> Vec<(String, Term)> {
        let globals = self.session.globals().iter().zip(0..);
        globals.filter_map(|(name, id)| Some((name.clone(), self.machine.global(id)?.clone()))).collect()
    }

    /// The variables that names at top level are bound to, with their values, in the order of binding. A transaction in whose
    /// middle the node was stopped is undone first, and its task with it.
    pub fn finals(&mut self) -> Vec<Final> {
        if let Some((.., mut task)) = self.running.take_if(|_| self.transaction.is_some()) {
            self.abandon(&mut task);
        }
        let (kept, mut finals) = (self.replica.kept(), Vec::new());
        for (name, term) in self.bound_names() {
            let Term::Ref(reference) = term else { continue };
            let Some(variable) = self.engine.find(&reference) else { continue };
            let value = self.engine.value(variable);
            let value_bytes = codec::encode(&value).len();
            let kept = self.keys.get(&variable).and_then(|key| kept.get(key)).copied().unwrap_or_default();
            let taken = self.takes(variable);
            finals.push(Final {
                name,
                variable: reference.name.clone(),
                taken,
                kind: reference.kind.clone(),
                dynamic: reference.dynamic,
                value,
                value_bytes,
                // Of what entries hold, the value is not metadata.
                metadata_bytes: kept.content_bytes.saturating_sub(value_bytes) + kept.tag_bytes,
            });
        }
        finals
    }

    /// The replicated variables that were declared by a name of their own, and that no name at top level is bound to, with their
    /// values: the name as it is written, as far as all of the variable comes here.
    pub(crate) fn named_apart(&mut self) -> Vec<(String, Term)> {
        let bound: BTreeSet<Arc<Reference>> = self
            .bound_names()
            .into_iter()
            .filter_map(|(_, term)| match term {
                Term::Ref(reference) => Some(reference),
                _ => None,
            })
            .collect();
        let mut apart = Vec::new();
        let replicated: BTreeSet<VariableId> = self.keys.keys().copied().collect();
        for variable in replicated {
            let reference = self.engine.reference(variable);
            if let Name::Given(name) = &reference.name
                && !bound.contains(reference)
            {
                apart.push((name.to_string(), variable));
            }
        }
        apart.retain(|(_, variable)| self.takes(*variable));
        apart.into_iter().map(|(name, variable)| (name, self.engine.value(variable))).collect()
    }

    /// What is kept of the replicas that ever wrote.
    #[must_use]
    pub fn writers(&self) -> Writers {
        self.replica.writers()
    }
}

/// What a variable has to become for a wait to be over.
fn what_it_has_to_be(wait: &Wait, of: &Awaited) -> String {
    match (wait.is_lazy(), &of.written) {
        (true, Some(threshold)) => format!("has to be read at {} or above", brief(threshold)),
        (true, None) => "has to be read".to_owned(),
        (false, _) => awaited(of),
    }
}

/// What a variable has to become for a threshold to be met.
pub(super) fn awaited(of: &Awaited) -> String {
    match &of.written {
        Some(threshold) => format!("has to reach {}", brief(threshold)),
        None => "has to be bound".to_owned(),
    }
}
