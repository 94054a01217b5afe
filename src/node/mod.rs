//! A node: machine, engine and replica as one state machine without I/O.
//!
//! Everything comes in by [`Node::handle`] and [`Node::run`], time included, and goes out by [`Node::poll_output`]. The same
//! inputs give the same outputs, byte for byte; sockets, files, clocks and terminals are the edge's.
//!
//! A task has its turn until it waits or ends. What peers send is taken in between turns only.

mod again;
mod assertion;
mod calls;
mod data;
mod derivations;
mod derive;
mod during;
mod effects;
mod enforce;
mod image;
mod interface;
mod journal;
mod judged;
mod message;
mod met;
mod refusal;
mod report;
mod rights;
mod slots;
mod sql;
mod stage;
mod tasks;
mod topics;
mod transaction;
mod turn;
mod verbs;
mod views;
mod waits;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rustc_hash::FxHashMap;
use rustc_hash::FxHashSet;
use triomphe::Arc;

use crate::compile::Session;
use crate::effects::NodeId;
use crate::effects::Runner;
use crate::engine::Engine;
use crate::graph::VariableId;
use crate::lattice::dot::Dot;
use crate::lattice::dot::NodeTag;
use crate::lattice::dot::ReplicaId;
use crate::lattice::dot::TopicId;
use crate::replica::KeyIndex;
use crate::replica::PeerId;
use crate::replica::Replica;
use crate::source::diagnostic::Diagnostic;
use crate::source::files::Files;
use crate::source::span::Span;
use crate::value::content::Content;
use crate::value::reference::Name;
use crate::value::term::Term;
use crate::vm::Failure;
use crate::vm::Machine;
use crate::vm::Task;
use crate::vm::Unit;
use crate::vm::machine::FormId;

pub use crate::replica::Writers;
pub use enforce::Deciding;
pub use enforce::EffectEvent;
pub use enforce::EffectSettings;
pub use enforce::EffectState;
pub use image::Image;
pub use journal::Record;
pub use message::Final;
pub use message::Input;
pub use message::Output;
pub use message::Progress;
pub use message::Settings;
pub use message::Status;
pub use message::TopLevel;
pub use message::Until;
pub use message::Waiting;
pub use stage::Deed;
pub use stage::LinedUp;
pub use stage::Observation;
pub use stage::Turn;

use tasks::Purpose;
use tasks::TaskId;
use tasks::Tasks;
use transaction::Transaction;

/// Where in the program what is done now stands, and what is to be told of later.
#[derive(Default)]
struct Places {
    /// The view in SQL that is being made.
    view: Option<Span>,
    /// The verb that is being done, or was done last.
    verb: Option<Span>,
    /// Replicated variables with a name of their own: where they are first declared, or derived.
    made: FxHashMap<Name, Span>,
}

/// One node.
pub struct Node {
    settings: Settings,
    session: Arc<Session>,
    machine: Machine,
    engine: Engine,
    replica: Replica,
    tasks: Tasks,
    /// The task whose turn it is, when its fuel ran out before its turn did.
    running: Option<(TaskId, Purpose, crate::vm::Task)>,
    inbox: during::Inbox,
    /// Whether something of the top level or the prompt has not come to its end since a line was typed.
    came_apart: bool,
    outputs: VecDeque<Output>,
    now_ms: u64,
    random: ChaCha8Rng,
    /// The variable that stands for a key of the replica here, once it is declared.
    variables: FxHashMap<KeyIndex, VariableId>,
    /// The key under which a replicated variable travels.
    keys: FxHashMap<VariableId, KeyIndex>,
    /// Entries of dynamic variables, which never travel.
    own: FxHashMap<Dot, (VariableId, Content)>,
    own_sequence: u64,
    /// Entries of dynamic variables from before this incarnation, until they are declared.
    own_waiting: journal::Waiting,
    /// What is to be remembered beyond this process, if anybody does.
    journal: Option<journal::Journal>,
    /// What this node's `fold_dynamic` derivations contribute now.
    slots: FxHashMap<u128, FxHashMap<Content, Dot>>,
    /// What earlier incarnations of it contribute still, by derivation.
    former: BTreeMap<u128, slots::Former>,
    /// Nodes in whose place it goes on.
    before: BTreeSet<NodeTag>,
    fresh_names: u64,
    /// See [`Node::tell_derived_only`].
    tells_derived_only: bool,
    /// The `atomically` that the running task is in.
    transaction: Option<Transaction>,
    /// The keys of `once` whose functions have been called.
    done_once: BTreeSet<Term>,
    /// Effects that the whole cluster starts once.
    enforced: enforce::Effects,
    /// What this node has asked for, and given, of rights of bounded counters.
    rights: rights::Rights,
    /// The forms of an example that are still to be evaluated.
    steps: VecDeque<FormId>,
    /// What was typed last.
    typed_last: Option<TaskId>,
    streams: BTreeMap<VariableId, Vec<Term>>,
    /// Which derivations other nodes have, and which of this one's rest for that.
    derivations: derivations::Derivations,
    /// What is taken from other nodes' derivations, and given of this one's.
    views: views::Views,
    /// Topics by what the program calls them.
    topic_names: BTreeMap<TopicId, Term>,
    /// Which variables are known to have another topic elsewhere.
    topics_told: BTreeSet<(VariableId, TopicId)>,
    /// Names at top level that are bound to variables, by variable.
    named: BTreeMap<VariableId, Vec<String>>,
    /// Changed variables that had no name yet, with the value to tell once they have: `S2 = map(..)` binds after it derives.
    unnamed_changes: BTreeMap<VariableId, Term>,
    peers: BTreeMap<PeerId, String>,
    met: met::Met,
    all_connected: bool,
    files_asked: BTreeMap<u64, (TaskId, data::Format, String)>,
    requests: u64,
    /// The functions of views made by `sql`, by their text.
    sql_functions: FxHashMap<String, Vec<Term>>,
    /// The names of variables that such views feed.
    sql_names: FxHashSet<Name>,
    /// Where the functions of derivations stand, and how many arguments they take, by the derivation's identity.
    functions_at: FxHashMap<u128, (Span, u8)>,
    places: Places,
    /// Failures of functions on elements, by the number that the engine was given for them.
    element_failures: Vec<Failure>,
    top_level: TopLevel,
    assertion_failed: bool,
    /// See [`Status::conflicts`].
    conflicts: bool,
    until: Option<Awaited>,
    /// Whether it is being tested.
    looking: bool,
    /// What the program got to see, if somebody wants to know.
    observations: Option<Vec<Observation>>,
    /// Whether tasks have no more turns.
    stands_still: bool,
    /// What the program asked for, if somebody wants to know.
    deeds: Vec<Deed>,
}

/// The expression that the run waits for.
struct Awaited {
    form: Vec<FormId>,
    state: Until,
    /// Whether something has changed since it was last tested.
    stale: bool,
    /// Whether it was told that it cannot be evaluated so far.
    told: bool,
    /// Whether it has been tested, which begins when the top level has ended or waits.
    begun: bool,
    /// About how much work the last test was, and how much the program has done since.
    price: u64,
    earned: u64,
}

impl Node {
    /// A node that is about to run `program`. `library` is the code that [`Session::new`] gave.
    #[must_use]
    pub fn new(settings: Settings, session: Session, library: &Unit, program: &Unit) -> Node {
        Node::of(settings, &Image::new(session, library, program))
    }

    /// A node that is about to run a program that other nodes may run as well.
    #[must_use]
    pub fn of(settings: Settings, image: &Image) -> Node {
        let Image { session, machine, forms } = image.clone();
        let task = machine.top_level(&forms);
        let mut tasks = Tasks::default();
        tasks.spawn(Purpose::TopLevel, task);
        let replica = Replica::new(settings.identity);
        let met = met::Met::new(Node::name_term(&settings.name), settings.identity);
        let random = ChaCha8Rng::seed_from_u64(settings.seed);
        let (identity, life) = (settings.identity, settings.seed);
        let enforced =
            enforce::Effects::new(Runner { node: node_of(identity), life: life.rotate_left(32) ^ low(identity) });
        // A watcher looks at everything.
        let engine = if settings.watch { Engine::eager() } else { Engine::new() };
        Node {
            settings,
            session,
            machine,
            engine,
            replica,
            tasks,
            running: None,
            inbox: during::Inbox::default(),
            came_apart: false,
            outputs: VecDeque::new(),
            now_ms: 0,
            random,
            variables: FxHashMap::default(),
            keys: FxHashMap::default(),
            own: FxHashMap::default(),
            own_sequence: 0,
            own_waiting: BTreeMap::new(),
            journal: None,
            slots: FxHashMap::default(),
            former: BTreeMap::new(),
            before: BTreeSet::new(),
            fresh_names: 0,
            transaction: None,
            tells_derived_only: false,
            done_once: BTreeSet::new(),
            enforced,
            rights: rights::Rights::default(),
            steps: VecDeque::new(),
            typed_last: None,
            streams: BTreeMap::new(),
            derivations: derivations::Derivations::default(),
            views: views::Views::default(),
            topic_names: BTreeMap::new(),
            topics_told: BTreeSet::new(),
            named: BTreeMap::new(),
            unnamed_changes: BTreeMap::new(),
            peers: BTreeMap::new(),
            met,
            all_connected: true,
            files_asked: BTreeMap::new(),
            requests: 0,
            sql_functions: FxHashMap::default(),
            sql_names: FxHashSet::default(),
            functions_at: FxHashMap::default(),
            places: Places::default(),
            element_failures: Vec::new(),
            top_level: TopLevel::Running,
            assertion_failed: false,
            conflicts: false,
            until: None,
            looking: false,
            observations: None,
            stands_still: false,
            deeds: Vec::new(),
        }
    }

    /// Has the run wait for an expression: one form, tested once the top level has ended or waits, then after each change.
    pub fn set_until(&mut self, until: &Unit) {
        let form = self.machine.load(until).forms;
        let state = Until::NotYet(None);
        self.until = Some(Awaited { form, state, stale: true, told: false, begun: false, price: 0, earned: 0 });
    }

    /// The texts of the program, to show diagnostics by.
    #[must_use]
    pub fn files(&self) -> &Files {
        &self.session.files
    }

    /// The session: what is known by name, for completion at the prompt.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The next thing that the edge is asked for.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Tick`] is wanted at the latest, in milliseconds of the caller's clock.
    #[must_use]
    pub fn next_timer(&self) -> Option<u64> {
        let task = if self.stands_still { None } else { self.tasks.next_due() };
        let effects = self.enforced.next_timer(self.now_ms);
        let derivations = self.derivations.next_timer();
        [task, self.replica.next_timer(), effects, derivations, self.views.next_timer()].into_iter().flatten().min()
    }

    /// Takes an input in: at once, or after the turn of the task that is running.
    pub fn handle(&mut self, input: Input, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
        if self.running.is_none() {
            self.take_in(input);
            return;
        }
        self.take_in_during_turn(input);
    }

    /// Takes in what peers have sent, as one after the other; but what follows from successive updates is found once for all
    /// of them.
    pub fn handle_messages(&mut self, messages: Vec<(PeerId, Vec<u8>)>, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
        let mut taken = false;
        for (peer, bytes) in messages {
            if self.running.is_none() && Replica::only_updates(&bytes) {
                self.note_heard(peer);
                self.replica.handle(peer, &bytes, self.now_ms);
                taken = true;
                continue;
            }
            if std::mem::take(&mut taken) {
                self.follow();
            }
            self.handle(Input::Received { peer, bytes }, now_ms);
        }
        if taken {
            self.follow();
        }
    }

    fn take_in(&mut self, input: Input) {
        match input {
            Input::Connected { peer, name, incarnation, role } => {
                self.met.connected(peer, Node::name_term(&name), incarnation);
                self.peers.insert(peer, name);
                if !self.inbox.known_early.remove(&peer) {
                    self.replica.connected(peer, role, incarnation, self.now_ms);
                }
                self.effects_connected(peer, node_of(incarnation), role);
                self.derivations.connected(peer, role);
            }
            Input::Lost { peer } => {
                self.met.lost(peer);
                self.effects_lost(peer);
                self.derivations.lost(peer);
                self.views.lost(peer);
                self.peers.remove(&peer);
                self.inbox.heard_at.remove(&peer);
                self.replica.lost(peer, self.now_ms);
            }
            Input::Received { peer, bytes } => {
                self.note_heard(peer);
                let taken = self.effects_received(peer, &bytes)
                    || self.rights_received(peer, &bytes)
                    || self.derivations_received(peer, &bytes)
                    || self.views_received(peer, &bytes);
                if !taken {
                    self.replica.handle(peer, &bytes, self.now_ms);
                }
            }
            Input::Book { message } => self.effects_book(&message),
            Input::AllConnected(all) => self.all_connected = all,
            Input::Tick => {
                self.tasks.wake_sleepers(self.now_ms);
                self.replica.tick(self.now_ms);
                self.effects_tick();
                self.derivations.tick(self.now_ms);
            }
            Input::File { request, result } => self.file_came(request, result),
            Input::Typed { text } => self.typed(&text),
            Input::Example { name, text } => self.example(&name, &text),
            Input::Sync => self.sync_views(),
            Input::Cancel => self.cancel(),
        }
        self.follow();
    }

    /// Finds what follows from what was taken in.
    fn follow(&mut self) {
        self.stale();
        self.after_replica();
        self.settle_derivations();
    }

    /// Something has changed that the awaited expression may depend on.
    fn stale(&mut self) {
        if let Some(until) = &mut self.until {
            until.stale = true;
        }
    }

    fn cancel(&mut self) {
        let running = self.running.take_if(|(_, purpose, _)| *purpose == Purpose::Prompt);
        let mut ended: Vec<crate::vm::Task> = running.into_iter().map(|(_, _, task)| task).collect();
        ended.extend(self.tasks.cancel_prompt());
        for task in &mut ended {
            self.abandon(task);
        }
        if !ended.is_empty() {
            self.came_apart = true;
            self.outputs.push_back(Output::Evaluated { value: None, current: None });
        }
    }

    fn typed(&mut self, text: &str) {
        if std::mem::take(&mut self.came_apart) || self.tasks.any_typed() {
            Arc::make_mut(&mut self.session).forget_last();
        }
        let compiled = Arc::make_mut(&mut self.session).prompt(text);
        self.typed_last = self.loaded(compiled).map(|forms| {
            let task = self.machine.top_level(&forms);
            self.tasks.spawn(Purpose::Prompt, task)
        });
    }

    /// Whether what was typed last has not come to its end.
    #[must_use]
    pub fn typed_goes_on(&self) -> bool {
        let runs = |id| self.running.as_ref().is_some_and(|(running, ..)| *running == id);
        self.typed_last.is_some_and(|id| self.tasks.goes_on(id) || runs(id))
    }

    fn example(&mut self, name: &str, text: &str) {
        let compiled = Arc::make_mut(&mut self.session).example(name, text);
        if let Some(forms) = self.loaded(compiled) {
            self.steps = forms.into();
            if let Some(first) = self.next_step(Purpose::Prompt) {
                self.tasks.spawn(Purpose::Prompt, first);
            }
        }
    }

    /// What the task of an example goes on with: its next form.
    fn next_step(&mut self, purpose: Purpose) -> Option<Task> {
        let form = if purpose == Purpose::Prompt { self.steps.pop_front() } else { None }?;
        Some(self.machine.top_level(&[form]))
    }

    /// Loads what was typed, or tells what is wrong with it.
    fn loaded(&mut self, compiled: Result<(Unit, Vec<Diagnostic>), Vec<Diagnostic>>) -> Option<Vec<FormId>> {
        match compiled {
            Ok((unit, warnings)) => {
                self.outputs.extend(warnings.into_iter().map(Output::Report));
                Some(self.machine.load(&unit).forms)
            }
            Err(diagnostics) => {
                self.outputs.extend(diagnostics.into_iter().map(Output::Report));
                self.outputs.push_back(Output::Evaluated { value: None, current: None });
                None
            }
        }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.outputs.push_back(Output::Report(diagnostic));
    }
}

/// Which node an incarnation is one of.
#[must_use]
pub fn node_of(incarnation: ReplicaId) -> NodeId {
    NodeId(u64::try_from(incarnation.0 >> 64).unwrap_or_default())
}

/// The half of an incarnation's identity that is chance.
fn low(incarnation: ReplicaId) -> u64 {
    u64::try_from(incarnation.0 & u128::from(u64::MAX)).unwrap_or_default()
}
