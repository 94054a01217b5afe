//! `lasp run` with one node: to quiescence, or as a node among peers.

use std::sync::Arc;
use std::time::Duration;

use clap::ColorChoice;
use time::OffsetDateTime;
use tokio::runtime::Handle;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::cli::arguments::Membership;
use crate::cli::arguments::Run;
use crate::cli::data;
use crate::cli::driver::Control;
use crate::cli::driver::Driver;
use crate::cli::driver::Happened;
use crate::cli::driver::Wire;
use crate::cli::effects;
use crate::cli::exit::Exit;
use crate::cli::folder;
use crate::cli::json::Line;
use crate::cli::out::Out;
use crate::cli::overdue;
use crate::cli::overdue::Overdue;
use crate::cli::program;
use crate::cli::program::Program;
use crate::cli::program::Wanted;
use crate::cli::replicas;
use crate::cli::signals;
use crate::cli::standing;
use crate::cli::stdout;
use crate::effects::Deciders;
use crate::lattice::dot::ReplicaId;
use crate::net::Network;
use crate::net::Options;
use crate::net::certificate::date;
use crate::net::error::NetworkError;
use crate::net::identity::Credentials;
use crate::node::Progress;
use crate::node::Status;
use crate::node::TopLevel;
use crate::node::Until;
use crate::node::Waiting;
use crate::source::diagnostic::Diagnostic;
use crate::source::files::Files;
use crate::store::Store;

/// How often, at most, a node that has much to do is asked how it stands.
const STATUS_EVERY: Duration = Duration::from_millis(20);
/// How many waiting tasks are told one by one to people.
const WAITS_MAX: usize = 20;
/// How many events of the network may wait for the driver.
pub const EVENTS_MAX: usize = 1024;

/// Why a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// `--until` is true, and the peers had their time.
    Met,
    /// Nothing can go on.
    Quiescent,
    TimedOut,
    Interrupted,
    Terminated,
    /// Nobody reads what it prints any more, and it does nothing else.
    Unread,
    /// The network cannot go on; it was told why.
    Broken,
    /// The data cannot be written; it was told why.
    Unsaved,
}

/// `lasp run`
#[must_use]
pub fn run(arguments: &Run, color: ColorChoice) -> Exit {
    let out = Arc::new(Out::new(color, arguments.json, arguments.replicas.is_some()));
    let program = match Program::read(&out, &arguments.file) {
        Ok(program) => program,
        Err(exit) => return exit,
    };
    let runtime = match runtime(&out) {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    let outcome = match arguments.replicas {
        Some(count) => replicas::run(arguments, count, &out, &program, runtime.handle()),
        None => single(arguments, &out, program, runtime.handle()),
    };
    // While there are still signals to say that it is not to be waited for.
    stdout::finish();
    // Tasks of the network that still wait for somebody are not worth waiting for.
    runtime.shutdown_timeout(Duration::from_millis(100));
    outcome.unwrap_or_else(|exit| exit)
}

/// The runtime of the network and of signals.
///
/// # Errors
/// When the system gives no threads; that is told.
pub fn runtime(out: &Out) -> Result<Runtime, Exit> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(|error| {
        out.error(None, "E0604", &format!("the network cannot be started: {error}"), "");
        Exit::Network
    })
}

/// Tells why the network is of no use.
pub fn broken(out: &Out, node: Option<&str>, error: &NetworkError) -> Exit {
    out.error(node, error.code(), &error.to_string(), &error.help());
    Exit::Network
}

/// What a node is to the world.
pub struct Joined {
    /// Its name.
    pub name: String,
    /// This incarnation of it.
    pub identity: ReplicaId,
    /// The network, if it takes part in one.
    pub wire: Option<Wire>,
    /// Its data, if it keeps any.
    pub store: Option<Store>,
    /// Which servers decide on effects, in a cluster where some are named.
    pub deciders: Option<Deciders>,
}

/// Opens the data and joins the network that the command line asks for; without either there is nothing but a name and an
/// identity.
///
/// # Errors
/// When the data, the key or the address cannot be used; that is told.
pub fn join(out: &Out, membership: &Membership, runtime: &Handle) -> Result<Joined, Exit> {
    let kept = membership.data.as_deref().map(|folder| data::open(out, folder)).transpose()?;
    let issued = issued(out, membership)?;
    let deciders = issued.as_ref().and_then(Credentials::deciders).cloned();
    if !membership.networked() {
        let (id, own_key) = match (&issued, &kept) {
            (Some(issued), _) => (issued.id, false),
            (None, Some(kept)) => (kept.id(), true),
            (None, None) => (u128::from(program::random()) << 64, false),
        };
        let name = issued.map_or_else(|| membership.node.clone().unwrap_or_else(|| "a".into()), |issued| issued.name);
        let store = kept.map(|kept| kept.of(out, id, own_key)).transpose()?;
        return Ok(Joined { name, identity: program::incarnation(id), wire: None, store, deciders });
    }
    let own_key = issued.is_none();
    let credentials = match (issued, &kept) {
        (Some(issued), _) => Ok(issued),
        (None, Some(kept)) => folder::cluster().and_then(|cluster| cluster.node_with(kept.key.pair())),
        (None, None) => folder::cluster().and_then(|cluster| cluster.node()),
    };
    let credentials = credentials.map_err(|error| broken(out, None, &error))?;
    let id = credentials.id;
    let store = kept.map(|kept| kept.of(out, id, own_key)).transpose()?;
    let own = if credentials.automatic { format!("node-{:06x}", id >> 104) } else { credentials.name.clone() };
    let name = membership.node.clone().unwrap_or(own);
    let incarnation = program::incarnation(id);
    let options = Options {
        name: name.clone(),
        listen: membership.listen.clone(),
        advertise: membership.advertise.clone(),
        peers: membership.peers.clone(),
        incarnation,
    };
    let (sender, events) = mpsc::channel(EVENTS_MAX);
    let network = runtime
        .block_on(Network::start(credentials, options, sender))
        .map_err(|error| broken(out, Some(&name), &error))?;
    if let Some(store) = &store {
        standing::tell(store, &name, &network);
    }
    if membership.listen.is_some() {
        let address = network.address().to_string();
        out.event(Line::new("listening").text("node", &name).text("address", &address));
        out.status(&format!("listening on {address}"));
    }
    Ok(Joined { name, identity: incarnation, wire: Some(Wire { network, events }), store, deciders })
}

/// What a node is called, as far as that is known before it has joined.
fn called(membership: &Membership) -> Option<&str> {
    let alone = !membership.networked() && membership.cluster.is_none();
    membership.node.as_deref().or_else(|| alone.then_some("a"))
}

/// What a node with a folder of its own proves itself with.
fn issued(out: &Out, membership: &Membership) -> Result<Option<Credentials>, Exit> {
    let Some(folder) = &membership.cluster else { return Ok(None) };
    let now_s = OffsetDateTime::now_utc().unix_timestamp();
    let credentials = Credentials::load(folder).and_then(|found| found.usable(now_s).map(|()| found));
    let credentials = credentials.map_err(|error| broken(out, membership.node.as_deref(), &error))?;
    if let Some(until_s) = credentials.ends_soon(now_s) {
        out.diagnostic(membership.node.as_deref(), &Files::default(), &ends_soon(&credentials.name, until_s));
    }
    Ok(Some(credentials))
}

/// Warns of the end of a certificate.
pub(super) fn ends_soon(name: &str, until_s: i64) -> Diagnostic {
    Diagnostic::warning("E0617", format!("the certificate of {name} ends {}", date(until_s)))
        .help(format!("where the authority's key is: lasp keys renew --cluster DIR --node {name}"))
}

fn single(arguments: &Run, out: &Arc<Out>, program: Program, runtime: &Handle) -> Result<Exit, Exit> {
    let (sender, control) = mpsc::unbounded_channel();
    let overdue = Overdue::new(runtime, out);
    signals::pass_on(runtime, vec![sender.clone()], signals::Asks::End(overdue.clone()));
    let started = Instant::now();
    // Who listens has a program that can run.
    let compiled = program::compile(out, &program, called(&arguments.membership), arguments.until.as_deref())?;
    let Joined { name, identity, wire, mut store, deciders } = join(out, &arguments.membership, runtime)?;
    let wanted = Wanted {
        name: name.clone(),
        replica: 0,
        identity,
        settings: arguments.membership.settings.clone(),
        until: arguments.until.clone(),
        watch: arguments.watch,
    };
    let networked = wire.is_some();
    if !networked && store.is_none() {
        // Others need a node, and whoever comes later what is kept; a program that runs for its reader alone has done its work.
        let unread = sender.clone();
        stdout::when_reader_leaves(move || drop(unread.send(Control::Unread)));
    }
    let mut node = compiled.node(wanted);
    if let Some(store) = &mut store {
        data::restore(out, &mut node, store, identity)?;
    }
    let mut driver = Driver::new(node, name, out.clone(), program, wire, control, runtime.clone());
    driver.store = store;
    effects::decide(&mut driver, out, &arguments.membership, deciders, &arguments.again)?;
    let mut course = Course {
        networked,
        deadline: arguments.timeout.map(|timeout| started + timeout),
        linger: arguments.linger,
        leave_at: None,
    };
    overdue.begin(1, course.deadline.zip(arguments.timeout));
    let end = course.follow(&mut driver, out, &overdue);
    overdue.seen();
    if end == End::TimedOut {
        stdout::hurry();
    }
    let exit = finish(&mut driver, out, end, &course, arguments);
    // Kept until here so that signals have somebody to go to.
    drop(sender);
    Ok(exit)
}

/// When a run of one node ends.
struct Course {
    networked: bool,
    deadline: Option<Instant>,
    linger: Duration,
    /// When the peers will have had their time, once `--until` is true.
    leave_at: Option<Instant>,
}

impl Course {
    fn follow(&mut self, driver: &mut Driver, out: &Out, overdue: &Overdue) -> End {
        let mut asked = Instant::now();
        let mut asked_before = false;
        loop {
            let (progress, happened) = driver.turn();
            for event in happened {
                match event {
                    Happened::Told(Control::Interrupt) => return End::Interrupted,
                    Happened::Told(Control::Terminate) => return End::Terminated,
                    Happened::Told(Control::Unread) => return End::Unread,
                    Happened::Broken(error) => {
                        broken(out, Some(&driver.name), &error);
                        return End::Broken;
                    }
                    Happened::Unsaved(error) => {
                        data::unusable(out, Some(&driver.name), &error);
                        return End::Unsaved;
                    }
                    Happened::Evaluated { .. } | Happened::Told(_) => {}
                }
            }
            let now = Instant::now();
            let ask = !asked_before || now >= asked + STATUS_EVERY;
            let settled = !self.networked && progress == Progress::Idle && driver.node.quiescent();
            if self.leave_at.is_none() && (settled || ask) {
                (asked, asked_before) = (now, true);
                let status = driver.node.status();
                if status.top_level != TopLevel::Running {
                    driver.node.tell_unknown_again();
                }
                if status.until == Until::Met {
                    if !self.networked {
                        return End::Met;
                    }
                    overdue.met();
                    self.leave_at = Some(now + self.linger);
                } else if settled {
                    return End::Quiescent;
                }
            }
            match self.leave_at {
                Some(leave_at) if now >= leave_at => return End::Met,
                None if self.deadline.is_some_and(|deadline| now >= deadline) => return End::TimedOut,
                _ => {}
            }
            // Not asked this time: it may have become true just now.
            let again = (!ask).then_some(asked + STATUS_EVERY);
            let until = self.leave_at.or_else(|| [self.deadline, again].into_iter().flatten().min());
            driver.wait(until);
        }
    }
}

fn finish(driver: &mut Driver, out: &Out, end: End, course: &Course, arguments: &Run) -> Exit {
    let status = driver.node.status();
    let failed = status.top_level == TopLevel::Failed || status.assertion_failed;
    let met = course.leave_at.is_some() || end == End::Met;
    let exit = match end {
        End::Broken => Exit::Network,
        End::Unsaved => Exit::Data,
        _ if failed => Exit::Failed,
        _ if met => Exit::Done,
        End::Quiescent => settled(driver, out, &status),
        End::TimedOut => {
            timed_out(driver, out, &status, arguments.timeout.unwrap_or_default());
            Exit::Waits
        }
        End::Terminated if course.networked && status.until == Until::Unset => Exit::Done,
        End::Unread if status.until == Until::Unset && status.top_level != TopLevel::Running => Exit::Done,
        End::Unread | End::Met | End::Interrupted | End::Terminated => Exit::Interrupted,
    };
    if !arguments.quiet && !matches!(end, End::Unsaved | End::Unread) {
        for last in driver.node.finals() {
            out.last(&driver.name, &last, false);
        }
        out.writers(&driver.name, driver.node.writers());
    }
    driver.close();
    exit
}

/// A single node on which nothing can go on: what still waits, waits for ever.
fn settled(driver: &Driver, out: &Out, status: &Status) -> Exit {
    waits(driver, out, status);
    match &status.until {
        Until::NotYet(error) => {
            never_true(driver, out, error.as_ref());
            Exit::Waits
        }
        _ if status.top_level == TopLevel::Waiting => Exit::Waits,
        _ => Exit::Done,
    }
}

/// Says that what was waited for cannot come true any more.
pub fn never_true(driver: &Driver, out: &Out, error: Option<&Diagnostic>) {
    if let Some(error) = error {
        out.diagnostic(Some(&driver.name), driver.node.files(), error);
    }
    out.error(Some(&driver.name), "E0807", "the expression after --until never became true", "");
}

/// Lists tasks that wait though nothing can go on any more: a line each, the program's own top level first.
pub fn waits(driver: &Driver, out: &Out, status: &Status) {
    let node = driver.name.as_str();
    for (at, waiting) in status.waiting.iter().enumerate() {
        let (diagnostic, who) = if waiting.top_level {
            (Diagnostic::error("E0805", "the program waits for ever"), "the program")
        } else {
            (Diagnostic::warning("E0805", "a task waits for ever"), "a task")
        };
        let line =
            (at < WAITS_MAX).then(|| format!("waiting: {who} at {} ({})", wait(driver, waiting), diagnostic.code));
        let diagnostic = diagnostic.at(waiting.span, waiting.text.as_str()).help(waiting.text.as_str());
        out.diagnostic_as(Some(node), driver.node.files(), &diagnostic, line.as_deref());
    }
    if status.waiting.len() > WAITS_MAX {
        out.status_once(&format!("waiting: {} more tasks", status.waiting.len() - WAITS_MAX));
    }
}

/// Where a task waits, and for what.
fn wait(driver: &Driver, waiting: &Waiting) -> String {
    let files = driver.node.files();
    format!("{}:{}: {}", files.name(waiting.span.file), files.place(waiting.span).line, waiting.text)
}

/// Says what was still waited for when the time was up.
pub fn timed_out(driver: &Driver, out: &Out, status: &Status, timeout: Duration) {
    let mut diagnostic = Diagnostic::error("E0804", format!("the time is up after {}", overdue::spoken(timeout)));
    for waiting in status.waiting.iter().take(WAITS_MAX) {
        let who = if waiting.top_level { "The program" } else { "A task" };
        diagnostic = diagnostic.help(format!("{who} waits at {}.", wait(driver, waiting)));
    }
    if status.waiting.len() > WAITS_MAX {
        diagnostic = diagnostic.help(format!("{} more tasks wait.", status.waiting.len() - WAITS_MAX));
    }
    if status.top_level == TopLevel::Running {
        diagnostic = diagnostic.help("The program's top level had not come to its end.");
    }
    if let Until::NotYet(error) = &status.until {
        diagnostic = diagnostic.help("The expression after --until was not true.");
        if let Some(error) = error {
            diagnostic = diagnostic.help(format!("It could not be evaluated: {}.", error.title));
        }
    }
    if let Some(network) = driver.network() {
        diagnostic = diagnostic.help(match (status.peers, network.all_peers_connected()) {
            (0, _) => "No peer was connected.".to_owned(),
            (_, false) => "Not every address after --peers was connected.".to_owned(),
            (peers, true) => format!("{} of {peers} connected peers had the same updates.", status.agreeing),
        });
    }
    out.diagnostic(Some(&driver.name), driver.node.files(), &diagnostic);
}
