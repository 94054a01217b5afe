//! Effects that wait for a decision: what they wait for, as people are told.

use crate::effects::EffectKey;
use crate::effects::Waiting;
use crate::node::Node;
use crate::node::enforce::Deciding;
use crate::node::enforce::Effects;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;

/// For so long an effect waits for a decision before that is told: longer than an election, and than the pauses between requests.
const TOLD_MS: u64 = 10_000;

/// An effect that waits for a decision.
struct Undecided {
    key: EffectKey,
    since: u64,
    why: &'static str,
    span: Span,
}

impl Undecided {
    fn text(&self) -> String {
        format!("the effect {} is to be started once; {}", self.key, self.why)
    }
}

impl Effects {
    /// The effects that wait for a decision.
    fn undecided(&self) -> impl Iterator<Item = Undecided> {
        let why = |reachable| match (reachable, &self.decider) {
            (false, _) => "none of the servers that decide can be reached",
            (true, Some(decider)) if !decider.has_leader() => "a majority of the servers that decide is not together",
            _ => "the servers that decide have not answered",
        };
        self.asker.waiting().into_iter().filter_map(move |Waiting { key, reachable, since }| {
            let span = self.wanted.get(&key)?.span;
            Some(Undecided { key, since, why: why(reachable), span })
        })
    }

    /// The same: what is waited for, and where `enforce_once` stands.
    pub(in crate::node) fn waiting(&self) -> Vec<(String, Span)> {
        self.undecided().map(|undecided| (undecided.text(), undecided.span)).collect()
    }
}

impl Node {
    /// Says of what has waited for a decision for long that it does, once.
    pub(super) fn tell_undecided(&mut self) {
        if !matches!(self.enforced.deciding, Deciding::Servers(_)) {
            return;
        }
        let now_ms = self.now_ms;
        let long = self.enforced.undecided().filter(|it| it.since + TOLD_MS <= now_ms);
        for undecided in long.collect::<Vec<Undecided>>() {
            if self.enforced.told_undecided.insert(undecided.key) {
                let help = "it is started as soon as they are; `lasp doctor` says which of them can be reached";
                let warning = Diagnostic::warning("E0657", undecided.text()).at(undecided.span, "waits for them");
                self.report(warning.help(help));
            }
        }
    }
}
