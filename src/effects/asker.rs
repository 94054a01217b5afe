//! A node that wants effects run: asks until it knows what became of them, starts those for which it is entered, and tells when they
//! have ended.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use crate::effects::Decision;
use crate::effects::EffectKey;
use crate::effects::NodeId;
use crate::effects::Runner;
use crate::effects::wire::Answer;
use crate::effects::wire::Ended;
use crate::effects::wire::Message;
use crate::effects::wire::REQUESTS_MAX;
use crate::effects::wire::Request;
use crate::effects::wire::Standing;

/// Milliseconds until a request without an answer is made again, of another one who decides.
const ASK_AGAIN_MS: u64 = 500;
/// The longest pause between requests while nothing is decided.
const ASK_PAUSE_MAX_MS: u64 = 4000;
/// How often the node that runs an effect says that it still does.
const RUNNING_MS: u64 = 2000;
/// How often it is asked whether an effect that runs elsewhere has ended, and how often when it is in doubt.
const ELSEWHERE_MS: u64 = 3000;
const DOUBT_MS: u64 = 15_000;
/// For so long after it asked, a node takes it that an answer is on its way.
const PATIENCE_MS: u64 = 3000;

/// What goes out of an asker.
#[derive(Clone, Debug, PartialEq)]
pub enum Out {
    /// A message to one who decides.
    Send(NodeId, Message),
    /// Something has become known.
    News(EffectKey, News),
}

/// What has become known of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It is to be started here, now.
    Start {
        /// Which attempt.
        attempt: u32,
    },
    /// It was started, and nobody can say whether it has ended.
    Doubt {
        /// Which attempt.
        attempt: u32,
        /// Where.
        runner: Runner,
    },
    /// It has ended.
    Ended(Decision),
    /// As many effects are entered as can be: it is never started.
    Full,
}

/// What an asker is told to do about an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// To start it, if nobody has.
    First,
    /// To start it once more after this attempt, which is in doubt or has failed.
    After(u32),
}

/// An effect for which this node waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The effect.
    pub key: EffectKey,
    /// Whether one who decides can be spoken to.
    pub reachable: bool,
    /// Since when it is asked for.
    pub since: u64,
    /// Why another attempt, which was asked for, is not entered.
    pub obstacle: Option<Obstacle>,
}

/// Why an effect is not started once more: the attempt that this is to follow is not in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Nobody was entered for a first one.
    NeverStarted,
    /// There was no such attempt so far: this is the last.
    Last(u32),
    /// A node is at it, and was heard of lately.
    Running(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing is decided, as far as this node knows.
    Undecided,
    /// It runs here.
    Running { attempt: u32 },
    /// It has ended here, in this life or an earlier one, and those who decide do not know yet.
    Over { life: u64, attempt: u32, well: bool },
    /// It runs elsewhere.
    Elsewhere,
    /// It is in doubt.
    Doubt { attempt: u32 },
}

struct Pending {
    phase: Phase,
    /// Which attempt this node would start.
    wanted: u32,
    since: u64,
    next: u64,
    pause: u64,
    /// See [`Waiting::obstacle`].
    obstacle: Option<Obstacle>,
}

impl Pending {
    fn new(phase: Phase, wanted: u32, now_ms: u64) -> Pending {
        Pending { phase, wanted, since: now_ms, next: now_ms, pause: ASK_AGAIN_MS, obstacle: None }
    }
}

/// See the module.
pub struct Asker {
    me: Runner,
    /// Whether this node may start effects.
    server: bool,
    deciders: Vec<NodeId>,
    reachable: BTreeSet<NodeId>,
    pending: BTreeMap<EffectKey, Pending>,
    /// When which of them is due.
    due: BTreeSet<(u64, EffectKey)>,
    turn: usize,
    /// What this life has started, each with its last attempt. Not forgotten: an answer may be older than the end that it is
    /// silent about.
    started: BTreeMap<EffectKey, u32>,
    out: VecDeque<Out>,
}

impl Asker {
    /// A node that asks `deciders`. Without the right to be a `server` it is only told.
    #[must_use]
    pub fn new(me: Runner, server: bool, deciders: Vec<NodeId>) -> Asker {
        Asker {
            me,
            server,
            deciders,
            reachable: BTreeSet::new(),
            pending: BTreeMap::new(),
            due: BTreeSet::new(),
            turn: 0,
            started: BTreeMap::new(),
            out: VecDeque::new(),
        }
    }

    /// Others decide from now on.
    pub fn set_deciders(&mut self, deciders: Vec<NodeId>) {
        self.deciders = deciders;
    }

    /// A node can be spoken to.
    pub fn connected(&mut self, node: NodeId, now_ms: u64) {
        if !self.reachable.insert(node) || !self.deciders.contains(&node) {
            return;
        }
        let idle: Vec<EffectKey> =
            self.pending.iter().filter(|(_, pending)| pending.phase == Phase::Undecided).map(|(key, _)| *key).collect();
        for key in idle {
            self.schedule(key, now_ms, ASK_AGAIN_MS);
        }
        self.tick(now_ms);
    }

    /// It no longer can.
    pub fn lost(&mut self, node: NodeId) {
        self.reachable.remove(&node);
    }

    /// The effect is wanted: says what becomes of it. Asking twice is asking once.
    pub fn ask(&mut self, key: EffectKey, ask: Ask, now_ms: u64) {
        let wanted = match ask {
            _ if !self.server => 0,
            Ask::First => 1,
            Ask::After(attempt) => attempt.saturating_add(1),
        };
        match self.pending.get_mut(&key) {
            Some(pending)
                if ask != Ask::First && !matches!(pending.phase, Phase::Running { .. } | Phase::Over { .. }) =>
            {
                (pending.wanted, pending.phase, pending.since) = (wanted, Phase::Undecided, now_ms);
                pending.obstacle = None;
            }
            Some(_) => return,
            None => {
                let phase = Phase::Undecided;
                self.pending.insert(key, Pending::new(phase, wanted, now_ms));
            }
        }
        self.schedule(key, now_ms, ASK_AGAIN_MS);
        self.tick(now_ms);
    }

    /// An effect that was started here has ended.
    pub fn ended(&mut self, key: EffectKey, well: bool, now_ms: u64) {
        if let Some(pending) = self.pending.get_mut(&key)
            && let Phase::Running { attempt } = pending.phase
        {
            (pending.phase, pending.since) = (Phase::Over { life: self.me.life, attempt, well }, now_ms);
            self.schedule(key, now_ms, ASK_AGAIN_MS);
            self.tick(now_ms);
        }
    }

    /// Effects that had ended here in earlier lives, of which those who decide may not know.
    pub fn ended_before(&mut self, ended: &[Ended], now_ms: u64) {
        for &Ended { key, life, attempt, well } in ended {
            let phase = Phase::Over { life, attempt, well };
            self.pending.insert(key, Pending::new(phase, attempt, now_ms));
            self.schedule(key, now_ms, ASK_AGAIN_MS);
        }
        self.tick(now_ms);
    }

    /// Takes answers in. Whoever gives them is trusted to decide: the caller has looked.
    pub fn answers(&mut self, from: NodeId, answers: &[Answer], now_ms: u64) {
        if !self.deciders.contains(&from) {
            return;
        }
        for answer in answers {
            self.answer(answer, now_ms);
        }
        self.tick(now_ms);
    }

    fn answer(&mut self, answer: &Answer, now_ms: u64) {
        let (key, me) = (answer.key, self.me);
        let Some(pending) = self.pending.get_mut(&key) else { return };
        let (decision, doubt) = match answer.standing {
            Standing::Undecided => {
                pending.obstacle = (pending.wanted > 1).then_some(Obstacle::NeverStarted);
                return;
            }
            Standing::NotHere => return,
            Standing::Full => {
                self.out.push_back(Out::News(key, News::Full));
                return self.forget(key);
            }
            Standing::Decided { decision, doubt } => (decision, doubt),
        };
        if let Phase::Running { attempt } | Phase::Over { attempt, .. } = pending.phase {
            // An answer that was given before this attempt was entered says nothing about it.
            let over = matches!(pending.phase, Phase::Over { .. });
            let known = decision.attempt > attempt || decision.attempt == attempt && decision.ended.is_some();
            if over && known {
                self.out.push_back(Out::News(key, News::Ended(decision)));
                self.forget(key);
            }
            return;
        }
        if decision.attempt < pending.wanted && decision.ended != Some(true) {
            // Still that of the attempt before, which is to be followed by another once it is in doubt or has failed.
            let runs = decision.ended.is_none() && !doubt && decision.runner.node != me.node;
            pending.obstacle = match decision.attempt {
                last if last + 1 < pending.wanted => Some(Obstacle::Last(last)),
                attempt if runs => Some(Obstacle::Running(attempt)),
                _ => None,
            };
            return;
        }
        if decision.ended.is_some() {
            self.out.push_back(Out::News(key, News::Ended(decision)));
            return self.forget(key);
        }
        let attempt = decision.attempt;
        let started = self.started.get(&key).is_some_and(|started| *started >= attempt);
        if decision.runner == me && self.server && pending.wanted == attempt && !started {
            self.started.insert(key, attempt);
            pending.phase = Phase::Running { attempt };
            self.out.push_back(Out::News(key, News::Start { attempt }));
            return self.schedule(key, now_ms + RUNNING_MS, RUNNING_MS);
        }
        if doubt || decision.runner.node == me.node && decision.runner.life != me.life {
            if pending.phase != (Phase::Doubt { attempt }) {
                pending.phase = Phase::Doubt { attempt };
                self.out.push_back(Out::News(key, News::Doubt { attempt, runner: decision.runner }));
            }
            return self.schedule(key, now_ms + DOUBT_MS, DOUBT_MS);
        }
        // One who has not heard from its node lately may ask for it again.
        if !matches!(pending.phase, Phase::Doubt { .. }) {
            pending.phase = Phase::Elsewhere;
        }
        self.schedule(key, now_ms + ELSEWHERE_MS, ELSEWHERE_MS);
    }

    fn forget(&mut self, key: EffectKey) {
        if let Some(pending) = self.pending.remove(&key) {
            self.due.remove(&(pending.next, key));
        }
    }

    fn schedule(&mut self, key: EffectKey, at: u64, pause: u64) {
        if let Some(pending) = self.pending.get_mut(&key) {
            self.due.remove(&(pending.next, key));
            (pending.next, pending.pause) = (at, pause);
            self.due.insert((at, key));
        }
    }

    /// When [`Asker::tick`] is wanted.
    #[must_use]
    pub fn next_timer(&self) -> Option<u64> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Makes the requests that are due.
    pub fn tick(&mut self, now_ms: u64) {
        let (mut requests, mut running, mut ended) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(&(at, key)) = self.due.first() {
            if at > now_ms {
                break;
            }
            let Some(pending) = self.pending.get(&key) else {
                self.due.pop_first();
                continue;
            };
            let (phase, wanted) = (pending.phase, pending.wanted);
            let pause = if phase == Phase::Undecided { pending.pause } else { pending.pause.max(ASK_AGAIN_MS) };
            let life = self.me.life;
            match phase {
                Phase::Undecided => requests.push(Request { key, life, attempt: wanted, running: false }),
                Phase::Elsewhere | Phase::Doubt { .. } => {
                    requests.push(Request { key, life, attempt: 0, running: false });
                }
                Phase::Running { attempt } => running.push(Request { key, life, attempt, running: true }),
                Phase::Over { life, attempt, well } => ended.push(Ended { key, life, attempt, well }),
            }
            let longer = if phase == Phase::Undecided { (pause * 2).min(ASK_PAUSE_MAX_MS) } else { pause };
            self.schedule(key, now_ms + pause, longer);
        }
        self.send(&requests, |part| Message::Requests(part.to_vec()), false);
        self.send(&ended, |part| Message::Ended(part.to_vec()), false);
        // All who decide have to know that nothing is in doubt.
        self.send(&running, |part| Message::Requests(part.to_vec()), true);
    }

    fn send<T>(&mut self, items: &[T], message: impl Fn(&[T]) -> Message, to_all: bool) {
        if items.is_empty() {
            return;
        }
        let here: Vec<NodeId> = self.deciders.iter().filter(|node| self.reachable.contains(node)).copied().collect();
        if here.is_empty() {
            return;
        }
        self.turn = self.turn.wrapping_add(1);
        let chosen = if to_all { here } else { vec![here[self.turn % here.len()]] };
        for node in chosen {
            for part in items.chunks(REQUESTS_MAX) {
                self.out.push_back(Out::Send(node, message(part)));
            }
        }
    }

    /// What is to be done next, if anything.
    pub fn poll(&mut self) -> Option<Out> {
        self.out.pop_front()
    }

    /// The effects of which nothing is decided.
    pub fn waiting(&self) -> Vec<Waiting> {
        let reachable = self.deciders.iter().any(|node| self.reachable.contains(node));
        let undecided = self.pending.iter().filter(|(_, pending)| pending.phase == Phase::Undecided);
        let waiting = undecided.map(|(&key, pending)| {
            let &Pending { since, obstacle, .. } = pending;
            Waiting { key, reachable, since, obstacle }
        });
        waiting.collect()
    }

    /// The effects that are not known to be over, and of each whether nothing is decided.
    pub fn pending(&self) -> impl Iterator<Item = (EffectKey, bool)> {
        self.pending.iter().map(|(key, pending)| (*key, pending.phase == Phase::Undecided))
    }

    /// Until when an answer is to be expected that may start an effect here, or that those who decide learn of an end.
    #[must_use]
    pub fn busy_until(&self) -> Option<u64> {
        let waits = |pending: &&Pending| matches!(pending.phase, Phase::Undecided | Phase::Over { .. });
        self.pending.values().filter(waits).map(|pending| pending.since.saturating_add(PATIENCE_MS)).max()
    }
}
