//! A server that decides together with others: by Raft, of which the library is the state machine and this the rest.
//!
//! The library draws its election timeouts from the thread's random numbers; they are replaced after every step by ones that
//! follow from a seed, so that the same inputs give the same outputs.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::mem;

use raft::Config;
use raft::RawNode;
use raft::StateRole;
use raft::eraftpb::ConfChange;
use raft::eraftpb::Entry;
use raft::eraftpb::EntryType;

use crate::effects::Command;
use crate::effects::Decision;
use crate::effects::EffectKey;
use crate::effects::Ledger;
use crate::effects::NodeId;
use crate::effects::Put;
use crate::effects::Runner;
use crate::effects::guard;
use crate::effects::members::Deciders;
use crate::effects::members::Member;
use crate::effects::storage::Damaged;
use crate::effects::storage::Log;
use crate::effects::wire;
use crate::effects::wire::Answer;
use crate::effects::wire::Ended;
use crate::effects::wire::EntryKind;
use crate::effects::wire::Message;
use crate::effects::wire::RaftKind;
use crate::effects::wire::RaftMessage;
use crate::effects::wire::Request;
use crate::effects::wire::Standing;

/// Milliseconds between the library's ticks.
pub(super) const TICK_MS: u64 = 100;
/// Ticks between heartbeats, and the least and the most without one before an election.
const HEARTBEAT_TICKS: usize = 3;
const ELECTION_TICKS_MIN: usize = 12;
const ELECTION_TICKS_MAX: usize = 24;
/// The most ticks that are made up for after a pause, such as a sleep of the machine.
const TICKS_AT_ONCE: u64 = 24;
/// For so long what has been proposed may still be on its way before it is proposed again.
const PROPOSE_AGAIN_MS: u64 = 1500;
/// Without a word for so long from the node that runs an effect, the effect is in doubt.
pub(super) const SILENCE_MS: u64 = 10_000;
/// The most nodes that are told unasked once an effect is decided, and for how long after they asked.
const WAITING_MAX: usize = 1 << 14;
const WAITING_MS: u64 = 10_000;
/// How many effects one node may have entered in a minute.
const GRANTS_PER_MINUTE: u32 = 6000;

/// What goes out of a decider.
#[derive(Clone, Debug, PartialEq)]
pub enum Out {
    /// A message to a node, which may be this one.
    Send(NodeId, Message),
    /// The list of those who decide is this now.
    Members(Vec<Member>),
}

/// The message breaks the rules; its sender should be disconnected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsound;

/// See the module.
pub struct Decider {
    me: NodeId,
    group: u128,
    list: Deciders,
    seed: u64,
    raw: RawNode<Log>,
    ledger: Ledger,
    /// Who decides now, by number.
    members: BTreeMap<u64, Member>,
    /// The version of the list towards which the last change went.
    version: u64,
    out: VecDeque<Out>,
    puts: Vec<Put>,
    next_tick: u64,
    /// How many elections this node has called, or seen begin.
    elections: u64,
    elapsed: usize,
    /// When what was proposed: a grant of an attempt, or its end.
    proposed: BTreeMap<(EffectKey, u32, bool), u64>,
    /// Who asked about what, and when.
    waiting: BTreeMap<(EffectKey, NodeId), u64>,
    /// When the node that runs an effect was last heard of.
    heard: BTreeMap<EffectKey, u64>,
    /// Effects whose node has begun another life.
    given_up: BTreeSet<EffectKey>,
    quota: BTreeMap<NodeId, u32>,
    pub(super) grants_per_minute: u32,
    quota_until: u64,
    now_ms: u64,
}

impl Decider {
    /// One that decides under `list`, with what is `kept` on its disk. `seed` is for the election timeouts.
    ///
    /// # Errors
    /// When what is kept does not fit together.
    pub fn new(
        me: NodeId,
        list: Deciders,
        kept: &[(Vec<u8>, Vec<u8>)],
        seed: u64,
        now_ms: u64,
    ) -> Result<Decider, Damaged> {
        let founders: Vec<u64> = list.founders.iter().map(|member| member.node.0).collect();
        let config = Config {
            id: me.0,
            election_tick: ELECTION_TICKS_MIN,
            max_election_tick: ELECTION_TICKS_MAX,
            heartbeat_tick: HEARTBEAT_TICKS,
            max_size_per_msg: 32 << 10,
            max_inflight_msgs: 64,
            check_quorum: true,
            pre_vote: true,
            max_uncommitted_size: 1 << 20,
            ..Config::default()
        };
        let log = Log::restored(founders, kept)?;
        let silent = slog::Logger::root(slog::Discard, slog::o!());
        let raw = RawNode::new(&config, log, &silent).map_err(|_| Damaged)?;
        let members = list.founders.iter().map(|member| (member.node.0, member.clone())).collect();
        let mut decider = Decider {
            me,
            group: list.group(),
            version: 1,
            list,
            seed,
            raw,
            ledger: Ledger::default(),
            members,
            out: VecDeque::new(),
            puts: Vec::new(),
            next_tick: now_ms.saturating_add(TICK_MS),
            elections: 0,
            elapsed: 0,
            proposed: BTreeMap::new(),
            waiting: BTreeMap::new(),
            heard: BTreeMap::new(),
            given_up: BTreeSet::new(),
            quota: BTreeMap::new(),
            grants_per_minute: GRANTS_PER_MINUTE,
            quota_until: 0,
            now_ms,
        };
        decider.settle();
        decider.campaign_alone();
        Ok(decider)
    }

    /// Nobody has to be asked by one who decides alone.
    fn campaign_alone(&mut self) {
        let alone = self.members.len() == 1 && self.decides();
        if alone && self.raw.raft.state == StateRole::Follower {
            // Refused only to a node that has changes of members to apply, and then it gets there by its ticks.
            let _ = self.raw.campaign();
            self.settle();
        }
    }

    /// Others are to decide: goes over to them, if the list is a newer one.
    pub fn set_list(&mut self, list: Deciders) {
        if list.follows(&self.list) {
            self.list = list;
            self.steer();
        }
    }

    /// Whether this node is one of those who decide now.
    #[must_use]
    pub fn decides(&self) -> bool {
        self.members.contains_key(&self.me.0)
    }

    /// Whether a majority is together, as far as this node knows.
    #[must_use]
    pub fn has_leader(&self) -> bool {
        self.raw.raft.leader_id != raft::INVALID_ID
    }

    #[cfg(test)]
    pub(super) fn raw_is_leader(&self) -> bool {
        self.raw.raft.state == StateRole::Leader
    }

    #[cfg(test)]
    pub(super) fn term(&self) -> u64 {
        self.raw.raft.term
    }

    /// Who decides now.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// What has been decided, as far as this node knows.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// When [`Decider::tick`] is wanted.
    #[must_use]
    pub fn next_timer(&self) -> u64 {
        self.next_tick
    }

    /// What is to be sent, if anything; not before what [`Decider::take_puts`] gave is on disk.
    pub fn poll(&mut self) -> Option<Out> {
        self.out.pop_front()
    }

    /// What is to be on disk.
    pub fn take_puts(&mut self) -> Vec<Put> {
        mem::take(&mut self.puts)
    }

    /// Lets time pass.
    pub fn tick(&mut self, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
        let due = (self.now_ms + TICK_MS).saturating_sub(self.next_tick) / TICK_MS;
        if due == 0 {
            return;
        }
        for _ in 0..due.min(TICKS_AT_ONCE) {
            self.raw.tick();
            self.settle();
        }
        self.next_tick = self.now_ms + TICK_MS - (self.now_ms + TICK_MS - self.next_tick) % TICK_MS;
        self.steer();
    }

    /// Takes a message in from a node that has proved who it is. `server` says what its certificate allows.
    ///
    /// # Errors
    /// When it is one that no honest node sends.
    pub fn handle(&mut self, from: NodeId, server: bool, message: Message, now_ms: u64) -> Result<(), Unsound> {
        self.now_ms = self.now_ms.max(now_ms);
        match message {
            Message::Requests(requests) => {
                let answers = requests.iter().map(|request| self.request(from, server, request)).collect();
                self.out.push_back(Out::Send(from, Message::Answers(answers)));
            }
            Message::Ended(ended) if server => {
                let answers = ended.iter().map(|ended| self.ended(from, ended)).collect();
                self.out.push_back(Out::Send(from, Message::Answers(answers)));
            }
            Message::Raft { group, message } if server => {
                if u128::from_be_bytes(group) == self.group {
                    self.peer(from, &message)?;
                }
            }
            Message::Ended(_) | Message::Raft { .. } => return Err(Unsound),
            Message::Answers(_) | Message::Count { .. } => {}
        }
        self.settle();
        Ok(())
    }

    fn peer(&mut self, from: NodeId, message: &RaftMessage) -> Result<(), Unsound> {
        let known = self.list.members.iter().chain(self.members.values()).any(|member| member.node == from);
        let about_us = message.from == from.0 && message.to == self.me.0;
        let raft = &self.raw.raft;
        if !about_us || !guard::sound(message, raft.term, &raft.raft_log) {
            return Err(Unsound);
        }
        // A server that was dropped may not know yet, and one that is new here may not be known yet. Its word does not count,
        // but that is no offence. A leader's does, to one who is about to learn of the change.
        if !known && !matches!(message.kind, RaftKind::Append | RaftKind::Heartbeat) {
            return Ok(());
        }
        let mut message = message.clone();
        if message.kind == RaftKind::Propose {
            message.entries.retain(|entry| match &entry.kind {
                EntryKind::Command(command) => self.is_news(command),
                _ => false,
            });
            if message.entries.is_empty() {
                return Ok(());
            }
        }
        // What cannot be proposed now is proposed again by whoever wants it.
        let _ = self.raw.step(wire::to_peer(&message));
        Ok(())
    }

    /// How an effect stands, for whoever asks; enters it for them if nobody is.
    fn request(&mut self, from: NodeId, server: bool, request: &Request) -> Answer {
        let standing = |standing| Answer { key: request.key, standing };
        if !self.decides() {
            return standing(Standing::NotHere);
        }
        let asker = Runner { node: from, life: request.life };
        let known = self.ledger.get(request.key).copied();
        if let Some(decision) = known {
            if decision.runner == asker && request.running {
                self.heard.insert(request.key, self.now_ms);
            }
            if decision.runner.node == from && decision.runner.life != asker.life && decision.ended.is_none() {
                self.given_up.insert(request.key);
            }
        }
        let next = known.map_or(1, |decision| decision.attempt.saturating_add(1));
        let free = known.is_none_or(|decision| decision.ended == Some(false) || self.doubtful(request.key, &decision));
        if server && request.attempt == next && free {
            if known.is_none() && self.ledger.is_full() {
                return standing(Standing::Full);
            }
            self.note_waiting(request.key, from);
            if self.now_ms >= self.quota_until {
                self.quota.clear();
                self.quota_until = self.now_ms + 60_000;
            }
            let spent = self.quota.get(&from).copied().unwrap_or(0);
            let grant = Command::Grant { key: request.key, attempt: next, runner: asker };
            if spent < self.grants_per_minute && self.propose(&grant) {
                self.quota.insert(from, spent + 1);
            }
            self.settle();
        }
        standing(self.standing(request.key))
    }

    fn ended(&mut self, from: NodeId, ended: &Ended) -> Answer {
        let decision = self.ledger.get(ended.key).copied();
        let runner = Runner { node: from, life: ended.life };
        if decision.is_some_and(|decision| decision.runner == runner && decision.attempt == ended.attempt) {
            self.heard.insert(ended.key, self.now_ms);
            self.note_waiting(ended.key, from);
            self.propose(&Command::Ended { key: ended.key, attempt: ended.attempt, well: ended.well });
            self.settle();
        }
        Answer { key: ended.key, standing: self.standing(ended.key) }
    }

    fn standing(&self, key: EffectKey) -> Standing {
        match self.ledger.get(key) {
            None => Standing::Undecided,
            Some(decision) => Standing::Decided { decision: *decision, doubt: self.doubtful(key, decision) },
        }
    }

    /// Whether nobody will tell what became of an effect, as far as can be told.
    fn doubtful(&self, key: EffectKey, decision: &Decision) -> bool {
        let heard = self.heard.get(&key).copied().unwrap_or(0);
        decision.ended.is_none() && (self.given_up.contains(&key) || heard.saturating_add(SILENCE_MS) <= self.now_ms)
    }

    fn note_waiting(&mut self, key: EffectKey, who: NodeId) {
        if self.waiting.len() >= WAITING_MAX {
            let now = self.now_ms;
            self.waiting.retain(|_, since| *since + WAITING_MS > now);
        }
        if self.waiting.len() < WAITING_MAX {
            self.waiting.insert((key, who), self.now_ms);
        }
    }

    /// Whether a command is worth an entry: it would change something, and is not on its way already.
    fn is_news(&mut self, command: &Command) -> bool {
        if !self.ledger.takes(command) {
            return false;
        }
        let (now, place) = (self.now_ms, place_of(command));
        if self.proposed.get(&place).is_some_and(|since| since + PROPOSE_AGAIN_MS > now) {
            return false;
        }
        self.proposed.retain(|_, since| *since + PROPOSE_AGAIN_MS > now);
        self.proposed.insert(place, now);
        true
    }

    fn propose(&mut self, command: &Command) -> bool {
        if !self.is_news(command) {
            return false;
        }
        let taken = self.raw.propose(Vec::new(), wire::data_of(command)).is_ok();
        if !taken {
            // There is nobody who takes it now: that is to be tried again as soon as somebody asks.
            self.proposed.remove(&place_of(command));
        }
        taken
    }

    /// Goes over to a newer list, one server at a time.
    fn steer(&mut self) {
        let raft = &self.raw.raft;
        if raft.state != StateRole::Leader || self.list.version < self.version || raft.has_pending_conf() {
            return;
        }
        let wanted = |number: u64| self.list.members.iter().any(|member| member.node.0 == number);
        let joins = self.list.members.iter().find(|member| !self.members.contains_key(&member.node.0));
        // This node goes last, so that it can do the rest.
        let leaves = || {
            let mut gone = self.members.iter().filter(|(number, _)| !wanted(**number)).map(|(_, member)| member);
            let others = gone.clone().find(|member| member.node != self.me);
            others.or_else(|| gone.next())
        };
        let (add, member) = match joins {
            Some(member) => (true, member.clone()),
            None => match leaves() {
                Some(member) => (false, member.clone()),
                None => return,
            },
        };
        let _ = self.raw.propose_conf_change(Vec::new(), wire::change(self.list.version, add, &member));
        self.settle();
    }

    /// Does what the library wants done, until it wants nothing more.
    fn settle(&mut self) {
        self.seed_timeout();
        while self.raw.has_ready() {
            let mut ready = self.raw.ready();
            let store = self.raw.mut_store();
            store.append(ready.entries(), &mut self.puts);
            if let Some(hard) = ready.hs() {
                store.set_hard(hard, &mut self.puts);
            }
            let mut messages = ready.take_messages();
            messages.append(&mut ready.take_persisted_messages());
            let mut entries = ready.take_committed_entries();
            let mut light = self.raw.advance(ready);
            if let Some(commit) = light.commit_index() {
                self.raw.mut_store().set_commit(commit, &mut self.puts);
            }
            messages.append(&mut light.take_messages());
            entries.append(&mut light.take_committed_entries());
            // Before the entries, so that a server that one of them drops is told of it.
            messages.iter().for_each(|message| self.send(message));
            entries.iter().for_each(|entry| self.enter(entry));
            self.raw.advance_apply();
            self.seed_timeout();
        }
    }

    fn seed_timeout(&mut self) {
        let raft = &mut self.raw.raft;
        if raft.election_elapsed < self.elapsed {
            self.elections += 1;
        }
        self.elapsed = raft.election_elapsed;
        let mut hasher = blake3::Hasher::new();
        for number in [self.seed, raft.id, raft.term, self.elections] {
            hasher.update(&number.to_be_bytes());
        }
        let drawn = usize::from(u16::from_be_bytes([hasher.finalize().as_bytes()[0], hasher.finalize().as_bytes()[1]]));
        raft.set_randomized_election_timeout(ELECTION_TICKS_MIN + drawn % (ELECTION_TICKS_MAX - ELECTION_TICKS_MIN));
    }

    fn send(&mut self, message: &raft::eraftpb::Message) {
        let known = self.members.get(&message.to);
        let joining = || self.list.members.iter().find(|member| member.node.0 == message.to);
        let Some(to) = known.or_else(joining).map(|member| member.node) else { return };
        if let Some(message) = wire::from_peer(message) {
            self.out.push_back(Out::Send(to, Message::Raft { group: self.group.to_be_bytes(), message }));
        }
    }

    /// An entry is final.
    fn enter(&mut self, entry: &Entry) {
        match wire::from_entry(entry).kind {
            EntryKind::Nothing => {}
            EntryKind::Command(command) => {
                self.proposed.remove(&place_of(&command));
                if self.ledger.enter(&command) {
                    self.entered(&command);
                }
            }
            EntryKind::Change { version, add, member } => {
                debug_assert_eq!(entry.get_entry_type(), EntryType::EntryConfChange, "no other entry is read as this");
                let change: ConfChange = wire::change(version, add, &member);
                // It was proposed by a leader that could have applied it, so it can be applied.
                let _ = self.raw.apply_conf_change(&change);
                self.version = self.version.max(version);
                if add {
                    self.members.insert(member.node.0, member);
                } else {
                    self.members.remove(&member.node.0);
                    if member.node == self.me && self.raw.raft.state == StateRole::Leader {
                        let term = self.raw.raft.term;
                        self.raw.raft.become_follower(term, raft::INVALID_ID);
                    }
                }
                self.out.push_back(Out::Members(self.members.values().cloned().collect()));
            }
        }
    }

    /// The ledger has changed: those who asked are told.
    fn entered(&mut self, command: &Command) {
        let key = command.key();
        match command {
            Command::Grant { .. } => {
                self.given_up.remove(&key);
                self.heard.insert(key, self.now_ms);
            }
            Command::Ended { .. } => {
                self.given_up.remove(&key);
                self.heard.remove(&key);
            }
        }
        let answer = Answer { key, standing: self.standing(key) };
        let asked: Vec<NodeId> =
            self.waiting.range((key, NodeId(0))..=(key, NodeId(u64::MAX))).map(|((_, node), _)| *node).collect();
        for node in asked {
            let since = self.waiting.remove(&(key, node)).unwrap_or(0);
            if since + WAITING_MS > self.now_ms {
                self.out.push_back(Out::Send(node, Message::Answers(vec![answer])));
            }
        }
    }
}

fn place_of(command: &Command) -> (EffectKey, u32, bool) {
    match *command {
        Command::Grant { key, attempt, .. } => (key, attempt, false),
        Command::Ended { key, attempt, .. } => (key, attempt, true),
    }
}
