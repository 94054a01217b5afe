//! `enforce_once`: effects that the whole cluster starts once. When the threshold is met the node asks whoever decides, and
//! calls the function, in a task of its own, if it is entered for it.

mod called;
mod undecided;
mod voice;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::mem;

use crate::effects::Asker;
use crate::effects::AskerOut;
use crate::effects::Book;
use crate::effects::Damaged;
use crate::effects::Decider;
use crate::effects::DeciderOut;
use crate::effects::Deciders;
use crate::effects::EFFECTS;
use crate::effects::EffectKey;
use crate::effects::Ended;
use crate::effects::Marks;
use crate::effects::Member;
use crate::effects::Message;
use crate::effects::News;
use crate::effects::NodeId;
use crate::effects::Put;
use crate::effects::Row;
use crate::effects::Runner;
use crate::effects::decided;
use crate::lattice::dot::TopicId;
use crate::library::Verb;
use crate::node::Node;
use crate::node::Output;
use crate::node::again::Again;
use crate::node::enforce::called::Called;
use crate::node::enforce::voice::Voice;
use crate::node::report;
use crate::node::tasks::Purpose;
use crate::node::tasks::TaskId;
use crate::node::verbs::Refusal;
use crate::node::verbs::brief;
use crate::replica::PeerId;
use crate::replica::Role;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::value::codec;
use crate::value::term::Term;

/// Who decides where an effect is started.
#[derive(Clone, Debug, Default)]
pub enum Deciding {
    /// This node: it is all there is of its cluster.
    #[default]
    Alone,
    /// One ledger that all nodes of the cluster share; the edge keeps it and answers [`Output::Book`].
    Shared,
    /// The servers of a list.
    Servers(Deciders),
    /// Nobody: `enforce_once` is refused for this reason.
    Nobody(Diagnostic),
}

/// What a node is told about effects before it runs.
#[derive(Clone, Debug)]
pub struct EffectSettings {
    /// Who decides.
    pub deciding: Deciding,
    /// Whether this node, if it is on the list of those who decide, may: it keeps on disk what it decides.
    pub decides: bool,
    /// What this node's certificate lets it do.
    pub role: Role,
    /// The table of effects, as it is on this node's disk.
    pub kept: Vec<Row>,
    /// Effects in doubt that are to be run again, each with the attempt that is in doubt.
    pub again: Vec<(EffectKey, u32)>,
}

impl Default for EffectSettings {
    fn default() -> EffectSettings {
        let (deciding, again) = (Deciding::default(), Vec::new());
        EffectSettings { deciding, decides: false, role: Role::Server, kept: Vec::new(), again }
    }
}

/// What becomes of an effect, to be told to whoever watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectEvent {
    /// The effect.
    pub key: EffectKey,
    /// Which attempt.
    pub attempt: u32,
    /// What has become of it.
    pub state: EffectState,
}

/// See [`EffectEvent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EffectState {
    /// This node has started it.
    Started,
    /// It has ended, here or elsewhere.
    Ended,
    /// It has failed, here or elsewhere; where it ran, that was told.
    Failed,
    /// It was started, and nobody knows whether it has ended.
    InDoubt,
}

impl EffectState {
    /// In one word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            EffectState::Started => "started",
            EffectState::Ended => "ended",
            EffectState::Failed => "failed",
            EffectState::InDoubt => "in_doubt",
        }
    }
}

/// A function that waits to be called once.
struct Enforced {
    function: Term,
    span: Span,
    /// That of the variable.
    topic: TopicId,
}

/// Everything about effects that a node knows.
pub(super) struct Effects {
    deciding: Deciding,
    me: Runner,
    asker: Asker,
    decider: Option<Decider>,
    /// Its data has turned out not to be what it had last: it may have decided what it does not know of.
    outdated: bool,
    voice: Voice,
    /// What this node decides alone, or knows to be decided in the ledger that it shares.
    book: Book,
    wanted: BTreeMap<EffectKey, Enforced>,
    pub(super) again: Again,
    running: BTreeMap<TaskId, (EffectKey, u32)>,
    doubted: BTreeSet<(EffectKey, u32)>,
    links: BTreeMap<NodeId, PeerId>,
    called: Called,
    nodes: BTreeMap<PeerId, (NodeId, Role)>,
    /// Who decides, when the edge was asked last to find a way to those who are not here.
    members: Vec<Member>,
    reached_for_at: Option<u64>,
    puts: Vec<Put>,
    /// What the disk says of those that were started here.
    marks: Marks,
    /// Those of which it was told that they wait.
    told_undecided: BTreeSet<EffectKey>,
    /// Of these it is decided how they ended, and this node, which decides too, has not entered it yet.
    ahead: BTreeSet<EffectKey>,
}

/// How often the edge is asked for a way to those who decide and are not connected.
const REACH_EVERY_MS: u64 = 2000;

impl Effects {
    pub(super) fn new(me: Runner) -> Effects {
        let mut effects = Effects {
            deciding: Deciding::Alone,
            me,
            asker: Asker::new(me, true, vec![Book::NODE]),
            decider: None,
            outdated: false,
            voice: Voice::default(),
            book: Book::default(),
            wanted: BTreeMap::new(),
            again: Again::default(),
            running: BTreeMap::new(),
            doubted: BTreeSet::new(),
            links: BTreeMap::new(),
            called: Called::default(),
            nodes: BTreeMap::new(),
            members: Vec::new(),
            reached_for_at: None,
            puts: Vec::new(),
            marks: Marks::default(),
            ahead: BTreeSet::new(),
            told_undecided: BTreeSet::new(),
        };
        effects.asker.connected(Book::NODE, 0);
        effects
    }

    /// Who is to decide from now on, this node perhaps among them.
    fn listed(&mut self, list: &Deciders, decides: bool, kept: &[Row], now_ms: u64) -> Result<(), Damaged> {
        let Runner { node: me, life } = self.me;
        let listed = list.contains(me) || list.founders.iter().any(|founder| founder.node == me);
        match &mut self.decider {
            Some(decider) => decider.set_list(list.clone()),
            None if decides && listed && !self.outdated => {
                self.voice.begin(kept)?;
                self.decider = Some(Decider::new(me, list.clone(), kept, life, now_ms)?);
                self.asker.connected(me, now_ms);
            }
            None => {}
        }
        let now = self.decider.iter().flat_map(Decider::members).cloned().collect();
        self.know(now, &list.members);
        Ok(())
    }

    /// These decide now, as far as is known, and those are on the list; it takes a while until the ones are the others.
    fn know(&mut self, mut members: Vec<Member>, listed: &[Member]) {
        // What the list says of where they are is newer.
        members.retain(|member| listed.iter().all(|other| other.node != member.node));
        members.extend_from_slice(listed);
        self.asker.set_deciders(members.iter().map(|member| member.node).collect());
        self.members = members;
        self.reached_for_at = None;
    }

    /// When [`Node::effects_tick`] is wanted.
    pub(super) fn next_timer(&self, now_ms: u64) -> Option<u64> {
        let decider = self.decider.as_ref().map(Decider::next_timer);
        let patience = self.asker.busy_until().filter(|until| *until > now_ms);
        [decider, self.asker.next_timer(), patience].into_iter().flatten().min()
    }

    /// Whether the task is that of an effect.
    pub(super) fn is_running(&self, task: TaskId) -> bool {
        self.running.contains_key(&task)
    }

    /// Whether an answer is on its way that may start an effect here.
    pub(super) fn busy(&self, now_ms: u64) -> bool {
        self.asker.busy_until().is_some_and(|until| now_ms < until)
    }

    /// Of what is decided the disk need not tell any longer; but what this node enters as one of those who decide is what it will know in
    /// its next life.
    fn settle_marks(&mut self) {
        let decider = self.decider.as_ref();
        let entered = |key: EffectKey| decider?.ledger().get(key).map(|known| known.ended.is_some());
        let settled: Vec<EffectKey> =
            self.ahead.iter().copied().filter(|key| decider.is_none() || entered(*key) == Some(true)).collect();
        for key in settled {
            self.ahead.remove(&key);
            self.marks.settle(key, &mut self.puts);
        }
    }

    /// Whether the program has said that it wants this effect.
    pub(super) fn wants(&self, key: EffectKey) -> bool {
        self.wanted.contains_key(&key)
    }

    /// See [`Node::effects_pending`].
    pub(super) fn pending(&self) -> impl Iterator<Item = (EffectKey, bool)> {
        self.asker.pending()
    }
}

impl Node {
    /// Says who decides where effects are started. To be told before the node runs; else it decides alone.
    ///
    /// # Errors
    /// When what is kept on disk does not fit together.
    pub fn set_effects(&mut self, settings: EffectSettings, now_ms: u64) -> Result<(), Damaged> {
        self.now_ms = self.now_ms.max(now_ms);
        let EffectSettings { deciding, decides, role, kept, again } = settings;
        let effects = &mut self.enforced;
        let deciders = match &deciding {
            Deciding::Alone | Deciding::Shared => vec![Book::NODE],
            Deciding::Servers(list) => list.members.iter().map(|member| member.node).collect(),
            Deciding::Nobody(_) => Vec::new(),
        };
        effects.asker = Asker::new(effects.me, role == Role::Server, deciders);
        effects.asker.connected(Book::NODE, self.now_ms);
        effects.voice.restore(&kept)?;
        if let Deciding::Servers(list) = &deciding {
            effects.listed(list, decides, &kept, self.now_ms)?;
        }
        decided(&kept)?.into_iter().for_each(|(key, decision)| effects.book.restore(key, decision));
        let (marks, over) = Marks::restored(&kept)?;
        for (key, attempt) in marks.started() {
            effects.doubted.insert((key, attempt));
            self.outputs.push_back(Output::Report(report::started_here(key, attempt)));
            self.outputs.push_back(Output::Effect(EffectEvent { key, attempt, state: EffectState::InDoubt }));
        }
        effects.marks = marks;
        effects.asker.ended_before(&over, self.now_ms);
        effects.deciding = deciding;
        effects.again = Again::new(again);
        self.after_effects();
        Ok(())
    }

    /// The cluster's authority has signed a list of those who decide: a newer one, or the first that this node hears of. `decides` and
    /// `kept` are as in [`EffectSettings`].
    ///
    /// # Errors
    /// When what is kept on disk does not fit together.
    pub fn set_deciders(&mut self, list: Deciders, decides: bool, kept: &[Row], now_ms: u64) -> Result<(), Damaged> {
        self.now_ms = self.now_ms.max(now_ms);
        match &self.enforced.deciding {
            // There is no cluster with an authority.
            Deciding::Alone | Deciding::Shared => return Ok(()),
            Deciding::Servers(before) if !list.follows(before) => return Ok(()),
            Deciding::Servers(_) | Deciding::Nobody(_) => {}
        }
        self.enforced.listed(&list, decides, kept, self.now_ms)?;
        self.enforced.deciding = Deciding::Servers(list);
        self.after_effects();
        Ok(())
    }

    /// The effect that a function is, once the variable reaches the threshold.
    pub(super) fn effect(
        &mut self,
        target: &Term,
        threshold: &Term,
        function: &Term,
        span: Span,
    ) -> Result<EffectKey, Refusal> {
        let takes_key = match function {
            Term::Fun(closure) if closure.arity <= 1 => true,
            Term::Fun(closure) => {
                let takes = closure.arity;
                return Err(Refusal::new(
                    "E0395",
                    format!("`enforce_once` needs a function of no argument, or of one, and this one takes {takes}"),
                ));
            }
            _ => false,
        };
        if !takes_key {
            let title = format!("`enforce_once` needs a function, and this is {}", brief(function));
            return Err(Refusal::new("E0395", title));
        }
        if let Deciding::Nobody(why) = &self.enforced.deciding {
            return Err(why.clone().into());
        }
        let code = self.machine.code_identity(function)?;
        let mut hasher = blake3::Hasher::new_derive_key("lasp 2026 effect");
        for part in [codec::encode(target), codec::encode(threshold), code.to_be_bytes().to_vec()] {
            hasher.update(&(part.len() as u64).to_be_bytes());
            hasher.update(&part);
        }
        let mut short = [0; 16];
        short.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        let key = EffectKey(u128::from_be_bytes(short));
        let variable = self.variable_of(target)?;
        let enforced = Enforced { function: function.clone(), span, topic: self.topic_of(variable) };
        self.enforced.wanted.entry(key).or_insert(enforced);
        Ok(key)
    }

    /// The threshold of an effect is met.
    pub(super) fn enforce(&mut self, key: EffectKey) {
        let ask = self.enforced.again.ask(key);
        self.enforced.asker.ask(key, ask, self.now_ms);
        self.after_effects();
    }

    /// A task has ended; it may have been an effect's.
    pub(super) fn effect_ended(&mut self, task: TaskId, well: bool) {
        let Some((key, attempt)) = self.enforced.running.remove(&task) else { return };
        let effects = &mut self.enforced;
        effects.marks.end(Ended { key, life: effects.me.life, attempt, well }, &mut effects.puts);
        let state = if well { EffectState::Ended } else { EffectState::Failed };
        self.outputs.push_back(Output::Effect(EffectEvent { key, attempt, state }));
        self.enforced.asker.ended(key, well, self.now_ms);
        self.after_effects();
    }

    /// Lets time pass.
    pub(super) fn effects_tick(&mut self) {
        if let Some(decider) = &mut self.enforced.decider {
            decider.tick(self.now_ms);
        }
        self.tell_counts();
        self.enforced.asker.tick(self.now_ms);
        self.tell_undecided();
        self.after_effects();
    }

    /// Whether bytes from a peer are about effects; takes them in if so.
    pub(super) fn effects_received(&mut self, peer: PeerId, bytes: &[u8]) -> bool {
        if bytes.first() != Some(&EFFECTS) {
            return false;
        }
        let Some(&(node, role)) = self.enforced.nodes.get(&peer) else { return true };
        let sound = match Message::decode(bytes) {
            Ok(message) => self.effects_message(node, role == Role::Server, message),
            Err(_) => false,
        };
        if !sound {
            let reason = "it sent a message about effects that no honest node sends".to_owned();
            self.outputs.push_back(Output::Disconnect { peer, code: "E0609", reason });
        }
        self.after_effects();
        true
    }

    fn effects_message(&mut self, from: NodeId, server: bool, message: Message) -> bool {
        match message {
            Message::Answers(answers) => {
                // Only those who decide are asked, and only servers decide.
                self.enforced.asker.answers(from, &answers, self.now_ms);
                true
            }
            Message::Count { mine, yours } => {
                if server {
                    self.effects_count(from, mine, yours);
                }
                server
            }
            message => match &mut self.enforced.decider {
                Some(decider) => decider.handle(from, server, message, self.now_ms).is_ok(),
                None => true,
            },
        }
    }

    /// The edge's answer from the ledger that all nodes share.
    pub(super) fn effects_book(&mut self, message: &Message) {
        if let Message::Answers(answers) = message {
            // The ledger is not in this node's data, and a copy of these may be all that is left.
            let told = self.enforced.book.overhear(answers);
            self.enforced.puts.extend(told);
            self.enforced.asker.answers(Book::NODE, answers, self.now_ms);
        }
        self.after_effects();
    }

    /// This node in this life of it, as those who decide know it.
    #[must_use]
    pub fn runner(&self) -> Runner {
        self.enforced.me
    }

    /// What is to be on disk, before any output that was given out with it is carried out.
    pub fn take_effect_puts(&mut self) -> Vec<Put> {
        let mut puts = mem::take(&mut self.enforced.puts);
        puts.extend(self.enforced.voice.put());
        puts
    }

    /// Passes on what asker and decider give out, until they give out nothing.
    fn after_effects(&mut self) {
        loop {
            if let Some(decider) = &mut self.enforced.decider {
                let mut puts = decider.take_puts();
                self.enforced.voice.note(&puts);
                self.enforced.puts.append(&mut puts);
                if let Some(out) = decider.poll() {
                    match out {
                        DeciderOut::Send(to, message) => self.effects_send(to, message),
                        DeciderOut::Members(members) => {
                            let listed = match &self.enforced.deciding {
                                Deciding::Servers(list) => list.members.clone(),
                                _ => Vec::new(),
                            };
                            self.enforced.know(members, &listed);
                        }
                    }
                    continue;
                }
            }
            match self.enforced.asker.poll() {
                Some(AskerOut::Send(to, message)) => self.effects_send(to, message),
                Some(AskerOut::News(key, news)) => self.effect_news(key, news),
                None => break,
            }
        }
        self.enforced.settle_marks();
        self.reach_deciders();
    }

    fn effects_send(&mut self, to: NodeId, message: Message) {
        let effects = &mut self.enforced;
        if to == Book::NODE {
            if matches!(effects.deciding, Deciding::Shared) {
                self.outputs.push_back(Output::Book { message });
                return;
            }
            let me = effects.me;
            let gone = |runner: &Runner| *runner != me;
            let (entered, answer) = effects.book.answer(me.node, &message, gone);
            effects.puts.extend(entered.iter().map(|command| effects.book.row(command.key())));
            if let Some(Message::Answers(answers)) = answer {
                effects.asker.answers(Book::NODE, &answers, self.now_ms);
            }
        } else if to == effects.me.node {
            self.effects_message(to, true, message);
        } else if let Some(&peer) = effects.links.get(&to) {
            self.tell_count(to);
            self.outputs.push_back(Output::Send { peer, bytes: message.encode() });
        }
    }

    /// Has the edge find a way to those who decide and are not connected: those who decide themselves always need one, others while
    /// they wait.
    fn reach_deciders(&mut self) {
        let effects = &mut self.enforced;
        let needed = effects.decider.is_some() || effects.asker.next_timer().is_some();
        let again = effects.reached_for_at.is_none_or(|at| at.saturating_add(REACH_EVERY_MS) <= self.now_ms);
        if !needed || !again || !matches!(effects.deciding, Deciding::Servers(_)) {
            return;
        }
        effects.reached_for_at = Some(self.now_ms);
        for member in &effects.members {
            if member.node != effects.me.node && !effects.links.contains_key(&member.node) {
                let (node, addresses, lasting) = (member.node, member.addresses.clone(), effects.decider.is_some());
                self.outputs.push_back(Output::Reach { node, addresses, lasting });
            }
        }
    }

    fn effect_news(&mut self, key: EffectKey, news: News) {
        let told = |attempt, state| Output::Effect(EffectEvent { key, attempt, state });
        match news {
            News::Start { attempt } => self.start_effect(key, attempt),
            News::Doubt { attempt, runner } => {
                if !self.enforced.doubted.insert((key, attempt)) {
                    return;
                }
                let place = self.enforced.wanted.get(&key).map(|enforced| enforced.span);
                let whose = self.enforced.called(runner.node, &self.settings.name);
                let report = report::in_doubt(key, attempt, &whose, place);
                self.report(report);
                self.outputs.push_back(told(attempt, EffectState::InDoubt));
            }
            News::Ended(decision) => {
                // What an earlier life of this node left in doubt is settled.
                self.enforced.ahead.insert(key);
                self.enforced.settle_marks();
                let here = decision.runner == self.enforced.me;
                let state = if decision.ended == Some(true) { EffectState::Ended } else { EffectState::Failed };
                if let Some(told) = self.enforced.again.ended(key, &decision, here) {
                    self.report(told);
                }
                if !here {
                    self.outputs.push_back(told(decision.attempt, state));
                }
            }
            News::Full => {
                let title =
                    "as many effects were started in this cluster as can be remembered, and no other is started";
                self.report(Diagnostic::error("E0653", title));
            }
        }
    }

    fn start_effect(&mut self, key: EffectKey, attempt: u32) {
        let Some(enforced) = self.enforced.wanted.get(&key) else { return };
        let arguments = match &enforced.function {
            Term::Fun(closure) if closure.arity == 1 => vec![Term::text(key.to_string().as_str())],
            _ => Vec::new(),
        };
        let (task, span) = (self.machine.task(&enforced.function, arguments), enforced.span);
        let topic = enforced.topic;
        let id = self.tasks.spawn_in(topic, Purpose::Thread, task);
        self.enforced.running.insert(id, (key, attempt));
        self.saw(span, Some(Verb::EnforceOnce), &Term::atom("started"));
        self.enforced.marks.start(key, attempt, &mut self.enforced.puts);
        self.outputs.push_back(Output::Effect(EffectEvent { key, attempt, state: EffectState::Started }));
    }
}
