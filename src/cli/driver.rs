//! One node and the world: what comes in, time included, goes to the node; what it asks for is done.
//!
//! The node runs on the thread that calls [`Driver::turn`], in slices, so that nothing that comes in waits long. A thread
//! with a large stack is wanted ([`STACK_BYTES`]): terms and programs may be nested deeply.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::cli::effects;
use crate::cli::json::Line;
use crate::cli::ledger;
use crate::cli::ledger::Shared;
use crate::cli::out::Out;
use crate::cli::program::Program;
use crate::cli::run::ends_soon;
use crate::cli::stdout;
use crate::effects::Deciders;
use crate::effects::EffectKey;
use crate::effects::Message;
use crate::net::Network;
use crate::net::certificate::date;
use crate::net::error::NetworkError;
use crate::net::event::Event;
use crate::net::event::LinkId;
use crate::node::Deciding;
use crate::node::EffectEvent;
use crate::node::EffectSettings;
use crate::node::Input;
use crate::node::Node;
use crate::node::Output;
use crate::node::Progress;
use crate::replica::PeerId;
use crate::replica::Role;
use crate::source::diagnostic::Diagnostic;
use crate::source::files::Files;
use crate::store::Store;
use crate::store::StoreError;
use crate::value::term::Term;

/// The stack of a thread that runs a node. Only what is touched takes memory.
pub const STACK_BYTES: usize = 256 << 20;
/// How many steps the node makes before it is looked what has come in: a few milliseconds' worth.
const FUEL: u64 = 200_000;
/// How long the node's tasks wait at a time while most peers do not keep up.
const PAUSE: Duration = Duration::from_millis(2);
/// How often it is looked whether the data is still there, where nothing is written.
const LOOK_AFTER: Duration = Duration::from_secs(1);
/// For so long a task may hold up everything else before that is told.
const HELD_UP_TOLD: Duration = Duration::from_secs(10);
/// How many messages are taken in before the node goes on with what it is at.
const MESSAGES_PER_TURN: usize = 64;

/// What other threads tell the driver.
#[derive(Debug)]
pub enum Control {
    /// Ctrl-C.
    Interrupt,
    /// Asked to end by the system or a coordinator.
    Terminate,
    /// Nobody reads standard output any more.
    Unread,
    /// A line of the prompt: text to evaluate or a command.
    Typed(String),
    /// The prompt has ended.
    Closed,
    /// The coordinator wants to know how things stand; the number goes into the answer.
    Report(u64),
    /// What all nodes waited for was true on each: no task goes on any more.
    StandStill,
}

/// The network as the driver has it.
pub struct Wire {
    /// The network.
    pub network: Network,
    /// What it tells.
    pub events: mpsc::Receiver<Event>,
}

/// What a turn brought that is not the driver's to handle.
#[derive(Debug)]
pub enum Happened {
    /// See [`Output::Evaluated`].
    Evaluated {
        /// The value.
        value: Option<Term>,
        /// The value of the variable that it refers to.
        current: Option<Term>,
    },
    /// From another thread.
    Told(Control),
    /// The network cannot go on.
    Broken(NetworkError),
    /// What has happened cannot be written down, so nothing that depends on it leaves the process; nor will anything later.
    Unsaved(StoreError),
}

/// See the module.
pub struct Driver {
    /// The node.
    pub node: Node,
    /// Its name.
    pub name: String,
    /// Where it keeps what it knows.
    pub store: Option<Store>,
    /// When it was looked after last.
    looked_after: Instant,
    out: Arc<Out>,
    program: Program,
    wire: Option<Wire>,
    control: mpsc::UnboundedReceiver<Control>,
    runtime: Handle,
    clock: Clock,
    progress: Progress,
    all_connected: bool,
    /// Peers whose connection was told, by identity: a connection that takes another's place is not worth a word.
    told: BTreeSet<u128>,
    happened: Vec<Happened>,
    waiting: Vec<Arrived>,
    activity: u64,
    /// The folder of the node's keys, in a cluster with an authority.
    pub cluster: Option<PathBuf>,
    /// Whether this node may decide where effects are started, should it be named.
    pub decides: bool,
    /// The ledger of effects, where the node shares one.
    ledger: Option<Shared>,
    /// Since when one task holds up everything else, until that is told.
    held_up: HeldUp,
    /// Whether it was told that this clock and a peer's differ.
    clock_told: bool,
}

/// Whether something waits for the end of a task's turn.
#[derive(Clone, Copy, Debug)]
enum HeldUp {
    No,
    Since(Instant),
    Told,
}

enum Arrived {
    Event(Event),
    Control(Control),
}

/// Milliseconds of the calendar that never go backwards.
struct Clock {
    start: Instant,
    start_ms: u64,
}

impl Clock {
    fn new() -> Clock {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Clock { start: Instant::now(), start_ms: u64::try_from(since.as_millis()).unwrap_or(0) }
    }

    fn now_ms(&self) -> u64 {
        self.start_ms + u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX / 2)
    }

    fn instant(&self, at_ms: u64) -> Instant {
        self.start + Duration::from_millis(at_ms.saturating_sub(self.start_ms).min(366 * 86_400_000))
    }
}

/// Says of a peer's clock that it is ahead of this node's, or behind.
fn clocks_differ(peer: &str, off_ms: i64) -> Diagnostic {
    let seconds = Duration::from_millis(off_ms.unsigned_abs()).as_secs();
    let how = if off_ms < 0 { "behind" } else { "ahead of" };
    Diagnostic::warning("E0624", format!("the clock of {peer} is {seconds} seconds {how} this node's"))
        .help("set the clocks, best by a service that keeps them right (NTP); `lasp doctor --peers` compares those of all peers")
}

/// Warns that nobody is sought.
fn only_itself() -> Diagnostic {
    Diagnostic::warning("E0614", "every address after --peers is this node's own")
        .help("it waits for others to dial it; name the address of another node, and this one seeks that")
}

impl Driver {
    /// A driver for a node that has not run yet.
    #[must_use]
    pub fn new(
        node: Node,
        name: String,
        out: Arc<Out>,
        program: Program,
        wire: Option<Wire>,
        control: mpsc::UnboundedReceiver<Control>,
        runtime: Handle,
    ) -> Driver {
        let mut driver = Driver {
            node,
            name,
            store: None,
            looked_after: Instant::now(),
            out,
            program,
            wire,
            control,
            runtime,
            clock: Clock::new(),
            progress: Progress::Busy,
            all_connected: true,
            told: BTreeSet::new(),
            happened: Vec::new(),
            waiting: Vec::new(),
            activity: 0,
            cluster: None,
            decides: false,
            ledger: None,
            held_up: HeldUp::No,
            clock_told: false,
        };
        if let Some(wire) = &driver.wire {
            driver.node.set_certificate(wire.network.role());
        }
        driver.tell_whether_all_connected();
        driver
    }

    /// Which ledger says what effects are started, where several nodes share one.
    pub fn set_ledger(&mut self, ledger: Shared) {
        self.ledger = Some(ledger);
    }

    /// Says who decides where effects are started. To be told before the first turn, and after [`Driver::set_ledger`]; else the
    /// node decides alone. `again` are effects in doubt that are to be started once more.
    ///
    /// # Errors
    /// When what the node has kept about effects cannot be used.
    pub fn decide(&mut self, deciding: Deciding, again: Vec<(EffectKey, u32)>) -> Result<(), StoreError> {
        let kept = self.store.as_ref().map(Store::effects).transpose()?.unwrap_or_default();
        let role = self.network().map_or(Role::Server, Network::role);
        let settings = EffectSettings { deciding, decides: self.decides, role, kept, again };
        self.node.set_effects(settings, self.clock.now_ms()).map_err(|damaged| self.damaged(&damaged.to_string()))
    }

    /// The cluster's authority has named others who decide.
    ///
    /// # Errors
    /// When what the node has kept about effects cannot be used.
    pub fn appointed(&mut self, list: Deciders) -> Result<(), StoreError> {
        let kept = self.store.as_ref().map(Store::effects).transpose()?.unwrap_or_default();
        let named = self.node.set_deciders(list, self.decides, &kept, self.clock.now_ms());
        named.map_err(|damaged| self.damaged(&damaged.to_string()))
    }

    /// What the node has kept cannot be what was written.
    #[must_use]
    pub fn damaged(&self, reason: &str) -> StoreError {
        let folder = self.store.as_ref().map(|store| store.folder().to_owned()).unwrap_or_default();
        StoreError::Damaged { folder, reason: reason.to_owned() }
    }

    /// Takes in what has come, lets the node run a little, and does what it asks for.
    pub fn turn(&mut self) -> (Progress, Vec<Happened>) {
        self.take_in();
        // Who makes more than the peers, or the reader, can take is slowed down; what comes in is taken in meanwhile.
        let behind = || stdout::is_pressed(self.node.is_in_turn()) || self.network().is_some_and(Network::pressed);
        let pressed = self.progress == Progress::Busy && behind();
        if pressed {
            self.runtime.block_on(async { tokio::time::sleep(PAUSE).await });
        }
        self.progress = self.node.run(self.clock.now_ms(), if pressed { 0 } else { FUEL });
        self.activity += u64::from(self.progress == Progress::Busy);
        self.give_out();
        self.look_after_data();
        self.tell_held_up();
        (self.progress, std::mem::take(&mut self.happened))
    }

    /// Says of a task that does not give its turn up for long that everything else waits for that.
    fn tell_held_up(&mut self) {
        self.held_up = match self.held_up {
            _ if !self.node.holds_up() => HeldUp::No,
            HeldUp::No => HeldUp::Since(Instant::now()),
            HeldUp::Since(since) if since.elapsed() >= HELD_UP_TOLD => {
                let seconds = HELD_UP_TOLD.as_secs();
                let title =
                    format!("a task has had its turn for {seconds} seconds, and everything else waits for its end");
                let help =
                    "let it wait now and then: after `sleep(0)` other tasks, and what peers have sent, have their turn";
                let warning = Diagnostic::warning("E0812", title).help(help);
                self.out.diagnostic(Some(&self.name), &Files::default(), &warning);
                HeldUp::Told
            }
            before => before,
        };
    }

    /// Gives text from the prompt to the node.
    pub fn input(&mut self, input: Input) {
        self.activity += 1;
        // What came in may let a task go on.
        self.progress = Progress::Busy;
        self.node.handle(input, self.clock.now_ms());
    }

    /// Waits until something comes in, a timer is due, or it is `until`; not at all when the node is busy.
    pub fn wait(&mut self, until: Option<Instant>) {
        if self.progress == Progress::Busy {
            return;
        }
        let timer = self.node.next_timer().map(|at_ms| self.clock.instant(at_ms));
        let look = self.store.as_ref().map(|_| self.looked_after + LOOK_AFTER);
        let deadline = [timer, until, look].into_iter().flatten().min();
        let (wire, control) = (&mut self.wire, &mut self.control);
        let arrived = self.runtime.block_on(async {
            let event = async {
                match wire {
                    Some(wire) => wire.events.recv().await,
                    None => std::future::pending().await,
                }
            };
            let time = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(control) = control.recv() => Some(Arrived::Control(control)),
                Some(event) = event => Some(Arrived::Event(event)),
                () = time => None,
            }
        });
        self.waiting.extend(arrived);
    }

    /// Whether nothing is to be done before something comes in.
    #[must_use]
    pub fn idle(&self) -> bool {
        self.progress == Progress::Idle
    }

    /// Grows whenever the node takes something in or works.
    #[must_use]
    pub fn activity(&self) -> u64 {
        self.activity
    }

    /// The network, if the node has one.
    #[must_use]
    pub fn network(&self) -> Option<&Network> {
        self.wire.as_ref().map(|wire| &wire.network)
    }

    /// Sends what waits, tells the peers and ends; then tells how much was carried.
    pub fn close(&mut self) {
        self.node.flush_all();
        self.give_out();
        let Some(wire) = &mut self.wire else { return };
        // Tasks of the network must not wait for a reader that is gone.
        wire.events.close();
        let network = &wire.network;
        self.runtime.block_on(network.close());
        let carried = network.carried();
        let line = Line::new("traffic").text("node", &self.name).number("sent_bytes", carried.sent_bytes);
        let line = line.number("received_bytes", carried.received_bytes).number("messages", carried.sent_messages);
        self.out.event(line.number("received_messages", carried.received_messages));
    }

    fn take_in(&mut self) {
        for arrived in std::mem::take(&mut self.waiting) {
            self.arrived(arrived);
        }
        while let Ok(control) = self.control.try_recv() {
            self.arrived(Arrived::Control(control));
        }
        for _ in 0..MESSAGES_PER_TURN {
            let Some(Ok(event)) = self.wire.as_mut().map(|wire| wire.events.try_recv()) else { break };
            self.arrived(Arrived::Event(event));
        }
        if self.node.next_timer().is_some_and(|due_ms| due_ms <= self.clock.now_ms()) {
            self.input(Input::Tick);
        }
    }

    fn arrived(&mut self, arrived: Arrived) {
        match arrived {
            Arrived::Control(control) => self.happened.push(Happened::Told(control)),
            Arrived::Event(event) => {
                self.event(event);
                self.tell_whether_all_connected();
            }
        }
    }

    fn tell_whether_all_connected(&mut self) {
        let all = self.network().is_none_or(Network::all_peers_connected);
        if all != self.all_connected {
            self.all_connected = all;
            self.input(Input::AllConnected(all));
        }
    }

    fn event(&mut self, event: Event) {
        let out = self.out.clone();
        match event {
            Event::Received { link, message } => {
                self.input(Input::Received { peer: PeerId(link.0), bytes: message.bytes });
            }
            Event::Connected { link, id, incarnation, role, name, clock_off_ms, .. } => {
                if self.told.insert(id) {
                    out.peer(&self.name, &name, "connected", None);
                }
                if let Some(off_ms) = clock_off_ms.filter(|_| !std::mem::replace(&mut self.clock_told, true)) {
                    out.diagnostic(Some(&self.name), &Files::default(), &clocks_differ(&name, off_ms));
                }
                self.input(Input::Connected { peer: PeerId(link.0), name, incarnation, role });
            }
            Event::Lost { link, id, name, cause, renewed, unneeded } => {
                let known = !renewed && self.told.remove(&id);
                if known && unneeded {
                    out.peer_unneeded(&self.name, &name, &cause);
                } else if known {
                    let told = if cause.refused { ("refused", Some(&cause)) } else { ("lost", Some(&cause)) };
                    // A goodbye is no fault, and nothing is to be done about it.
                    let (state, cause) = if cause.is_goodbye() { ("ended", None) } else { told };
                    out.peer(&self.name, &name, state, cause);
                }
                self.input(Input::Lost { peer: PeerId(link.0) });
            }
            Event::Resolving { address } => out.peer(&self.name, &address, "resolving", None),
            Event::Unreachable { address, cause } => {
                let state = if cause.refused { "refused" } else { "resolving" };
                out.peer(&self.name, &address, state, Some(&cause));
            }
            Event::TurnedAway { address, cause, times } => {
                let state = if cause.refused { "refused" } else { "lost" };
                out.peer(&self.name, &address, state, Some(&cause.after(times)));
            }
            Event::OnlyMyself => out.diagnostic(Some(&self.name), &Files::default(), &only_itself()),
            Event::Reached => {}
            Event::Deciders(list) => effects::appointed(self, &out, list),
            Event::TrustedAnew { revocations, until_s, role } => self.trusted_anew(revocations, until_s, role),
            Event::EndsSoon(until_s) => {
                out.diagnostic(Some(&self.name), &Files::default(), &ends_soon(&self.name, until_s));
            }
            Event::Untrusted(error) => {
                let help = format!("{}; until then the node goes on with what it had", error.help());
                let warning = Diagnostic::warning(error.code(), error.to_string()).help(help);
                out.diagnostic(Some(&self.name), &Files::default(), &warning);
            }
            Event::Failed(error) => self.happened.push(Happened::Broken(error)),
        }
    }

    /// What was found anew in the node's folder, or brought by a peer, counts from now on.
    fn trusted_anew(&self, revocations: Option<u64>, until_s: Option<i64>, role: Option<Role>) {
        let (out, name) = (&self.out, &self.name);
        if let Some(number) = revocations {
            out.status(&format!("{name}: list {number} of revoked certificates counts from now on"));
        }
        if let Some(until_s) = until_s {
            out.status(&format!("{name}: a certificate valid until {} counts from now on", date(until_s)));
        }
        if let Some(role) = role {
            let title = format!("the new certificate of {name} is a {role}'s, and it was started as something else");
            let warning = Diagnostic::warning("E0619", title).help(
                "start the node again: until then it goes on as what it was, and peers that connect anew refuse that",
            );
            out.diagnostic(Some(name), &Files::default(), &warning);
        }
    }

    /// The ledger of effects that all nodes share answers the node.
    fn ask_book(&mut self, message: &Message) {
        let me = self.node.runner();
        match self.ledger.as_ref().map(|ledger| ledger.answer(me, message)) {
            Some(Ok(Some(message))) => self.input(Input::Book { message }),
            Some(Ok(None)) | None => {}
            // It is asked again, and this is told each time that it fails.
            Some(Err(error)) => self.out.error(Some(&self.name), "E0652", &error, ledger::HELP),
        }
    }

    fn tell_effect(&self, event: &EffectEvent) {
        let line = Line::new("effect").text("node", &self.name).text("key", &event.key.to_string());
        self.out.event(line.number("attempt", u64::from(event.attempt)).text("state", event.state.word()));
    }

    /// Writes down what the turn has changed, then does what the node asks for: nothing leaves the process before all that
    /// it depends on would survive its end.
    fn give_out(&mut self) {
        while self.commit() {
            let outputs: Vec<Output> = std::iter::from_fn(|| self.node.poll_output()).collect();
            if outputs.is_empty() {
                return;
            }
            outputs.into_iter().for_each(|output| self.carry_out(output));
        }
    }

    fn commit(&mut self) -> bool {
        let (records, effects) = (self.node.take_journal(), self.node.take_effect_puts());
        let Some(store) = &mut self.store else { return true };
        match store.commit(&records, &effects) {
            Ok(()) => true,
            Err(error) => {
                self.happened.push(Happened::Unsaved(error));
                false
            }
        }
    }

    /// A node that has nothing to write is told as well when its data is deleted or replaced.
    fn look_after_data(&mut self) {
        let Some(store) = self.store.as_mut().filter(|_| self.looked_after.elapsed() >= LOOK_AFTER) else { return };
        self.looked_after = Instant::now();
        if let Err(error) = store.look_after() {
            self.happened.push(Happened::Unsaved(error));
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Send { peer, bytes } => {
                if let Some(network) = self.network() {
                    network.send(LinkId(peer.0), &bytes);
                }
            }
            Output::Broadcast { topic, bytes } => {
                if let Some(network) = self.network() {
                    network.broadcast(topic, &bytes);
                }
            }
            Output::Take { only, topics } => {
                if let Some(network) = self.network() {
                    network.take(only, topics);
                }
            }
            Output::Disconnect { peer, code, reason } => {
                if let Some(network) = self.network() {
                    network.disconnect(LinkId(peer.0), code, &reason);
                }
            }
            Output::Print { text, value } => self.out.print(&self.name, &text, &value),
            Output::Report(diagnostic) => self.out.report(&self.name, self.node.files(), &diagnostic),
            // Here and not by the caller, so that it comes between what is printed before and after.
            Output::Change { variable, also, kind, value } => {
                self.out.change(&self.name, &variable, &also, &kind, &value);
            }
            Output::ReadFile { request, path } => {
                let result = self.program.file(&path);
                self.input(Input::File { request, result });
            }
            Output::Book { message } => self.ask_book(&message),
            Output::Reach { node, addresses, lasting } => {
                if let Some(network) = self.network() {
                    self.runtime.spawn(network.reach(node, addresses, lasting));
                }
            }
            Output::Effect(event) => self.tell_effect(&event),
            Output::Evaluated { value, current } => self.happened.push(Happened::Evaluated { value, current }),
        }
    }
}
