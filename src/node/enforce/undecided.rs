//! Effects that wait for a decision: what they wait for, as people are told.

use crate::effects::EffectKey;
use crate::effects::Obstacle;
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
    since: u64,
    /// Whether that is for want of servers that decide together, and not because there is no doubt.
    for_servers: bool,
    key: EffectKey,
    text: String,
    help: String,
    span: Span,
}

impl Effects {
    /// The effects that wait for a decision.
    fn undecided(&self) -> impl Iterator<Item = Undecided> {
        let why = |reachable| match (reachable, &self.decider) {
            (false, _) => "none of the servers that decide can be reached",
            (true, Some(decider)) if !decider.has_leader() => "a majority of the servers that decide is not together",
            _ => "the servers that decide have not answered",
        };
        self.asker.waiting().into_iter().filter_map(move |Waiting { key, reachable, since, obstacle }| {
            let span = self.wanted.get(&key)?.span;
            let told = obstacle.filter(|_| reachable).map(|obstacle| not_in_doubt(key, obstacle));
            let (text, help) = told.unwrap_or_else(|| {
                let text = format!("the effect {key} is to be started once; {}", why(reachable));
                let help = "it is started as soon as they are; `lasp doctor` says which of them can be reached";
                (text, help.to_owned())
            });
            let for_servers = obstacle.is_none() || !reachable;
            Some(Undecided { since, for_servers, key, text, help, span })
        })
    }

    /// The same: what is waited for, and where `enforce_once` stands.
    pub(in crate::node) fn waiting(&self) -> Vec<(String, Span)> {
        self.undecided().map(|undecided| (undecided.text, undecided.span)).collect()
    }
}

/// What was asked for with `--again` of an effect that is not in doubt.
fn not_in_doubt(key: EffectKey, obstacle: Obstacle) -> (String, String) {
    match obstacle {
        Obstacle::NeverStarted => (
            format!("the effect {key} is not in doubt: nobody has started it"),
            format!("without --again {key}:.. it is started as any other"),
        ),
        Obstacle::Last(last) => (
            format!("the effect {key} is not in doubt after that attempt: the last one was attempt {last}"),
            format!("if that one is in doubt: --again {key}:{last}"),
        ),
        Obstacle::Running(attempt) => (
            format!("the effect {key} is not in doubt: a node is at its attempt {attempt}"),
            "it is started once more only if that node ends, or is not heard of any longer".to_owned(),
        ),
    }
}

impl Node {
    /// Says of what has waited for a decision for long that it does, once.
    pub(super) fn tell_undecided(&mut self) {
        let (now_ms, servers) = (self.now_ms, matches!(self.enforced.deciding, Deciding::Servers(_)));
        let told = |it: &Undecided| it.since + TOLD_MS <= now_ms && (servers || !it.for_servers);
        let long = self.enforced.undecided().filter(told);
        for Undecided { key, text, help, span, .. } in long.collect::<Vec<Undecided>>() {
            if self.enforced.told_undecided.insert(key) {
                let warning = Diagnostic::warning("E0657", text).at(span, "waits for a decision");
                self.report(warning.help(help));
            }
        }
    }
}
