//! Views: a node that uses a variable without having what is derived into it takes the contributions from a node that has.
//!
//! **Who takes.** A node whose program has declared a variable D, if it has no derivation into D, or none that has all its
//! sources (one of a topic that the node does not take lacks), and other nodes are known to have one (`derivations`). What it
//! has of derivations into D itself rests while it takes the view.
//!
//! **From whom.** From one connected server at a time: the one that has most of the known derivations into D, since what a
//! view shows is what its producer derives; of several, the one that it has, else the first to be connected. A server that
//! has none itself is asked if no other is nearer to one: it takes the view then, and passes it on as it is. A producer has
//! all sources of all its derivations into D, or takes views of them.
//!
//! **What travels.** Not the elements of the sources, but what the derivations come to, in as few contents as possible: whole
//! once, in parts, and from then on as steps, each of which is applied whole (`give`, `take`). Each step has a stamp, the
//! vector of the updates that the view comes from, of which what has grown is told. D's own updates, and what `fold_dynamic`
//! contributes, are no part of it: they travel as ever.
//!
//! **Nobody goes backwards.** When the producer is gone the next is told the stamp, and gives nothing before it has seen all
//! that; until then the old view stays, and after a while that is told. `:sync` takes the next one's view as it is.
//!
//! **No base state.** A view is contributed to D in the engine, so whatever follows from D is kept up to date by the change.
//! It is in no log, in no vector, not on disk, and nobody merges it with another's: it is replaced, or moved forward. A node
//! that starts again begins without. Once the node has a whole derivation into D of its own the view goes, in the same
//! moment.

mod give;
mod judge;
mod take;
#[cfg(test)]
mod tests;
pub(super) mod wire;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::graph::VariableId;
use crate::lattice::dot::TopicId;
use crate::node::Node;
use crate::node::Output;
use crate::node::derivations::fact::Variable;
use crate::node::derivations::fact::WireVariable;
use crate::node::derivations::fact::hash_of;
use crate::node::effects::Caller;
use crate::node::views::give::Giving;
use crate::node::views::judge::Origins;
use crate::node::views::judge::Partial;
use crate::node::views::take::Arrived;
use crate::node::views::take::Taking;
use crate::node::views::wire::Step;
use crate::node::views::wire::VIEWS;
use crate::node::views::wire::VIEWS_MAX;
use crate::node::views::wire::Word;
use crate::replica::Claims;
use crate::replica::PeerId;
use crate::source::diagnostic::Diagnostic;
use crate::value::content::Content;

/// See the module.
#[derive(Default)]
pub(super) struct Views {
    /// Whether something has changed that decides what is taken and what can be given.
    pub(super) stale: bool,
    sessions: u64,
    taking: BTreeMap<VariableId, Taking>,
    giving: BTreeMap<(PeerId, u64), (VariableId, Giving)>,
    partial: Partial,
    /// Declared variables, by the hash by which other nodes know them.
    by_hash: BTreeMap<u128, VariableId>,
    /// Whether a view stays only until this node has seen all that it comes from.
    handing_over: bool,
    /// Variables that have a topic where others derive them.
    with_topic: BTreeSet<VariableId>,
    /// Variables that are here for other nodes' sake alone.
    for_others: BTreeSet<VariableId>,
    /// What given views come from.
    origins: BTreeMap<VariableId, Origins>,
    too_large: BTreeSet<VariableId>,
}

impl Views {
    pub(super) fn lost(&mut self, peer: PeerId) {
        self.giving.retain(|(to, _), _| *to != peer);
        self.stale = true;
    }

    /// A peer is heard of again after a silence.
    pub(super) fn heard_again(&mut self, peer: PeerId, now_ms: u64) {
        let to_it = self.giving.iter_mut().filter(|((to, _), _)| *to == peer);
        to_it.for_each(|(_, (_, giving))| giving.heard_again(now_ms));
    }

    /// A variable is new here.
    pub(super) fn declared(&mut self, variable: VariableId, hash: u128) {
        self.by_hash.insert(hash, variable);
        self.stale = true;
    }

    /// The program here uses a variable.
    pub(super) fn used(&mut self, variable: VariableId) {
        if !self.for_others.is_empty() && self.for_others.remove(&variable) {
            self.stale = true;
        }
    }

    pub(super) fn next_timer(&self) -> Option<u64> {
        let taking = self.taking.values().filter_map(Taking::next_timer);
        taking.chain(self.giving.values().filter_map(|(_, giving)| giving.next_timer())).min()
    }

    /// Whether what is taken from a peer has begun to come, and what it is given is there.
    pub(super) fn settled_with(&self, peer: PeerId) -> bool {
        let waits = |taking: &Taking| !taking.live && taking.from.is_some_and(|(from, _)| from == peer);
        let gives = |(to, giving): (&(PeerId, u64), &(VariableId, Giving))| to.0 == peer && !giving.1.is_settled();
        !self.taking.values().any(waits) && !self.giving.iter().any(gives)
    }

    fn is_live(&self, variable: VariableId) -> bool {
        self.taking.get(&variable).is_some_and(|taking| taking.live)
    }

    /// Whether there is somebody to take a view from that has not come.
    fn waits_for(&self, variable: VariableId) -> bool {
        self.taking.get(&variable).is_some_and(|taking| taking.stamp.is_none() && taking.from.is_some())
    }

    /// Whether a view of the variable stands in this node's graph.
    fn is_shown(&self, variable: VariableId) -> bool {
        self.taking.get(&variable).is_some_and(|taking| taking.stamp.is_some())
    }
}

impl Node {
    /// Whether bytes from a peer are about views; takes them in if so.
    pub(super) fn views_received(&mut self, peer: PeerId, bytes: &[u8]) -> bool {
        if bytes.first() != Some(&VIEWS) {
            return false;
        }
        let done = wire::decode(bytes).and_then(|word| match word {
            Word::Want { session, variable, seen, digest } => self.wanted(peer, session, variable, seen, digest),
            Word::Wait { session } => {
                self.told_to_wait(peer, session, false);
                Some(())
            }
            Word::End { session } => {
                self.told_to_wait(peer, session, true);
                Some(())
            }
            Word::Step(step) => self.stepped(peer, *step),
            Word::Seen { session, number, parts } => {
                match self.views.giving.get_mut(&(peer, session)) {
                    Some((_, giving)) => giving.arrived(number, parts, self.now_ms),
                    None => self.say(peer, &Word::End { session }),
                }
                Some(())
            }
            Word::Stop { session } => {
                self.views.giving.remove(&(peer, session));
                self.views.stale = true;
                Some(())
            }
        });
        if done.is_none() {
            let reason = "it sent a malformed message about views".to_owned();
            self.outputs.push_back(Output::Disconnect { peer, code: "E0609", reason });
        }
        true
    }

    /// A producer cannot give a view now, or not any longer.
    fn told_to_wait(&mut self, peer: PeerId, session: u64, ended: bool) {
        let Some(variable) = self.taking_from(peer, session) else { return };
        let hash = hash_of(self.engine.reference(variable));
        let into = self.derivations.by_destination().remove(&hash).unwrap_or_default();
        let Some(taking) = self.views.taking.get_mut(&variable).filter(|taking| ended || !taking.live) else { return };
        taking.refused(peer, self.now_ms);
        let next = self.producer(variable, &into).filter(|next| *next != peer);
        if ended || next.is_some() {
            self.turn_to(variable, Some(next.unwrap_or(peer)));
            self.views.stale |= ended;
        }
        if next.is_none()
            && let Some(taking) = self.views.taking.get_mut(&variable)
        {
            taking.wait(self.now_ms);
        }
    }

    /// From whom the view of a variable is taken, into which others have these derivations.
    fn producer(&self, variable: VariableId, into: &[u128]) -> Option<PeerId> {
        let taking = self.views.taking.get(&variable);
        let now = taking.and_then(|taking| taking.from).map(|(peer, _)| peer);
        let cannot = |peer| taking.is_some_and(|taking| taking.cannot(peer, self.now_ms));
        self.derivations.best_producer(into, now, cannot)
    }

    /// Whether a peer may be given the view of a variable: it takes the topic that the variable has. One that has none here,
    /// and has one where it is derived, is for nobody.
    fn may_have(&self, peer: PeerId, variable: VariableId) -> bool {
        let topic = self.topic_of(variable);
        let known = topic != TopicId::NONE || !self.views.with_topic.contains(&variable);
        known && self.replica.peer_takes(peer, topic)
    }

    fn say(&mut self, peer: PeerId, word: &Word) {
        self.outputs.push_back(Output::Send { peer, bytes: wire::encode(word) });
    }

    /// The variable whose view is taken from a peer by this session.
    fn taking_from(&self, peer: PeerId, session: u64) -> Option<VariableId> {
        let mut taking = self.views.taking.iter();
        taking.find(|(_, taking)| taking.from == Some((peer, session))).map(|(variable, _)| *variable)
    }

    /// A peer wants a view.
    fn wanted(
        &mut self,
        peer: PeerId,
        session: u64,
        wanted: WireVariable,
        seen: Claims,
        digest: [u8; 16],
    ) -> Option<()> {
        let Variable { hash, reference, .. } = wanted.read()?;
        if reference.as_ref().is_some_and(|reference| reference.dynamic) {
            return None;
        }
        if let Some((_, giving)) = self.views.giving.get_mut(&(peer, session)) {
            if giving.seen.is_some() {
                self.say(peer, &Word::Wait { session });
            }
            return Some(());
        }
        let known = self.views.by_hash.get(&hash).copied();
        let asked = self.views.giving.keys().filter(|(to, _)| *to == peer).count();
        let derived =
            known.is_some_and(|known| self.holds(known)) || self.derivations.by_destination().contains_key(&hash);
        // The view of a variable that has a topic is for those who take that, and a name here gives nothing away.
        let with_topic = self.derivations.with_topic().contains(&hash);
        let topic = known.map_or(TopicId::NONE, |known| self.topic_of(known));
        let may = (topic != TopicId::NONE || !with_topic) && self.replica.peer_takes(peer, topic);
        let variable = if asked >= VIEWS_MAX || !derived || !may {
            None
        } else {
            known.or_else(|| {
                let variable = self.variable(reference.as_ref()?).ok()?;
                self.views.for_others.insert(variable);
                Some(variable)
            })
        };
        let Some(variable) = variable else {
            self.say(peer, &Word::End { session });
            return Some(());
        };
        // One view of a variable is enough for a peer, so that it costs this node no more than that. What it asked before this
        // may come after it.
        let mut others = self.views.giving.iter().filter(|((to, _), (of, _))| *to == peer && *of == variable);
        if others.any(|((_, other), _)| *other > session) {
            return Some(());
        }
        self.views.giving.retain(|(to, _), (of, _)| *to != peer || *of != variable);
        self.views.giving.insert((peer, session), (variable, Giving::new(session, seen, digest)));
        self.views.stale = true;
        if !self.holds(variable) && !self.views.is_live(variable) {
            self.say(peer, &Word::Wait { session });
        }
        Some(())
    }

    /// A part of a step has come.
    fn stepped(&mut self, peer: PeerId, step: Step) -> Option<()> {
        let session = step.session;
        let Some(variable) = self.taking_from(peer, session) else {
            self.say(peer, &Word::Stop { session });
            return Some(());
        };
        let kind = &self.engine.reference(variable).kind;
        if !step.came.iter().chain(step.went.iter()).all(|content| content.fits(kind)) {
            return None;
        }
        let taking = self.views.taking.get_mut(&variable)?;
        let was_live = taking.live;
        let (answer, arrived) = taking.part(step, self.now_ms)?;
        self.say(peer, &answer);
        if let Some(arrived) = arrived {
            if was_live {
                self.move_view(variable, arrived);
                self.settled();
            } else {
                let before = self.told_values();
                self.move_view(variable, arrived);
                self.views.stale = true;
                self.settle_moved(&before);
            }
        }
        Some(())
    }

    fn move_view(&mut self, variable: VariableId, arrived: Arrived) {
        let mut caller = Caller { machine: &mut self.machine, failures: &mut self.element_failures };
        let (came, went) = if arrived.whole {
            self.engine.take_view(variable, arrived.came.into_iter().collect(), &mut caller)
        } else {
            self.engine.change_view(variable, (arrived.came, arrived.went), &mut caller)
        };
        self.note_given(variable, &came, &went);
    }

    /// Who is given the view of a variable is to be told of a change.
    fn note_given(&mut self, variable: VariableId, came: &[Content], went: &[Content]) {
        let giving = self.views.giving.values_mut().filter(|(of, _)| *of == variable);
        giving.for_each(|(_, giving)| giving.note(came, went));
    }

    /// Turns to a producer of a view, or to nobody.
    fn turn_to(&mut self, variable: VariableId, producer: Option<PeerId>) {
        self.views.sessions += 1;
        let (session, now_ms) = (self.views.sessions, self.now_ms);
        let taking = self.views.taking.entry(variable).or_default();
        let before = taking.from;
        taking.turn_to(producer.map(|peer| (peer, session)), now_ms);
        if let Some((peer, session)) = before.filter(|(peer, _)| self.peers.contains_key(peer)) {
            self.say(peer, &Word::Stop { session });
        }
    }

    /// Between turns: says what is to be said about views.
    pub(super) fn settle_views(&mut self) {
        if std::mem::take(&mut self.views.stale) || self.views.handing_over {
            self.judge_views();
        }
        if !self.views.taking.is_empty() {
            self.ask_for_views();
        }
        if !self.views.giving.is_empty() {
            self.give_views();
        }
    }

    fn ask_for_views(&mut self) {
        let (mut asked, mut words, mut stuck) = (Vec::new(), Vec::new(), Vec::new());
        for (variable, taking) in &mut self.views.taking {
            let digest = || wire::digest(self.engine.taken(*variable).into_iter().flatten());
            if let Some((session, seen, digest)) = taking.ask(digest, self.now_ms)
                && let Some((peer, _)) = taking.from
            {
                asked.push((peer, *variable, session, seen, digest));
            }
            if let Some(word) = taking.remind(self.now_ms)
                && let Some((peer, _)) = taking.from
            {
                words.push((peer, word));
            }
            if taking.tell_stuck(self.now_ms) {
                stuck.push((*variable, taking.from));
            }
        }
        for (peer, variable, session, seen, digest) in asked {
            // Its name is for nobody who does not know it, if it has a topic, here or where it is derived.
            let hidden = self.topic_of(variable) != TopicId::NONE || self.views.with_topic.contains(&variable);
            let variable = Variable::new(self.engine.reference(variable).clone(), hidden).told();
            words.push((peer, Word::Want { session, variable, seen, digest }));
        }
        for (peer, word) in words {
            self.say(peer, &word);
        }
        for (variable, from) in stuck {
            self.report(self.stays(variable, from.map(|(peer, _)| peer)));
        }
    }

    fn stays(&self, variable: VariableId, from: Option<PeerId>) -> Diagnostic {
        let name = self.engine.reference(variable).name.plain();
        let diagnostic =
            |why: String| Diagnostic::warning("E0317", format!("the view of `{name}` stays as it was: {why}"));
        match from {
            Some(peer) => {
                let peer = self.peers.get(&peer).cloned().unwrap_or_default();
                diagnostic(format!("{peer} cannot give it before it has seen all that it came from"))
                    .help("it goes on when that node has; `:sync` at the prompt takes that node's view as it is")
            }
            None => diagnostic("no node that can be reached has its derivations".to_owned())
                .help("it goes on when one is connected that has seen all that it came from"),
        }
    }

    fn give_views(&mut self) {
        let given: BTreeSet<VariableId> = self.views.giving.values().map(|(variable, _)| *variable).collect();
        for variable in &given {
            if self.holds(*variable) {
                let mut caller = Caller { machine: &mut self.machine, failures: &mut self.element_failures };
                self.engine.give(*variable, &mut caller);
                let (came, went) = self.engine.take_given(*variable);
                self.note_given(*variable, &came, &went);
            }
        }
        let (mut said, mut giving) = (Vec::new(), std::mem::take(&mut self.views.giving));
        let before = giving.len();
        giving.retain(|(peer, session), (variable, giving)| {
            let going_on = self.give_view(*peer, *variable, giving);
            if going_on {
                said.extend(giving.send(self.now_ms).into_iter().map(|bytes| (*peer, bytes)));
            } else {
                // It asks again, and is given the view when there is one that covers what it has seen.
                said.push((*peer, wire::encode(&Word::End { session: *session })));
            }
            going_on
        });
        // What is given to nobody any longer is not followed any longer.
        self.views.stale |= giving.len() < before;
        self.views.giving = giving;
        for (peer, bytes) in said {
            self.outputs.push_back(Output::Send { peer, bytes });
        }
    }

    /// Goes on giving a view. Says whether there is still one to be given, and the peer may have it.
    fn give_view(&mut self, peer: PeerId, variable: VariableId, giving: &mut Giving) -> bool {
        let (held, live) = (self.holds(variable), self.views.is_live(variable));
        let mut left_out = 0;
        if !self.may_have(peer, variable) {
            return false;
        } else if let Some(seen) = &giving.seen {
            if (held || live) && self.covers_seen(variable, held, seen) {
                let contents = if held {
                    self.engine.given(variable)
                } else {
                    self.engine.taken(variable).cloned().unwrap_or_default()
                };
                left_out = giving.begin(contents, held, self.stamp(variable, held), self.now_ms);
            }
        } else if !(held || live) {
            return false;
        } else if giving.is_due() {
            left_out = giving.step(self.stamp(variable, held), self.now_ms);
        }
        if left_out > 0 && self.views.too_large.insert(variable) {
            self.report(too_large(&self.engine.reference(variable).name.plain(), left_out));
        }
        true
    }

    /// Takes the views of those who have not seen all that the old ones came from, where there are such.
    pub(super) fn sync_views(&mut self) {
        let mut behind = Vec::new();
        for (variable, taking) in self.views.taking.iter_mut().filter(|(_, taking)| !taking.live) {
            taking.any = true;
            behind.extend(taking.from.map(|(peer, _)| (*variable, peer)));
        }
        for (variable, peer) in behind {
            self.turn_to(variable, Some(peer));
        }
        self.views.stale = true;
    }

    /// The variables whose views stay as they were although there is a node that has them, by name.
    #[must_use]
    pub fn views_behind(&self) -> Vec<String> {
        let is_behind = |taking: &Taking| !taking.live && taking.stamp.is_some() && taking.from.is_some();
        let behind = self.views.taking.iter().filter(|(_, taking)| is_behind(taking));
        behind.map(|(variable, _)| self.shown_name(*variable)).collect()
    }
}

fn too_large(name: &str, count: usize) -> Diagnostic {
    Diagnostic::warning("E0318", format!("{count} parts of the view of `{name}` are too large to be sent"))
        .help("nodes that take the view do not see them")
}
