//! `lasp run --replicas N`: so many nodes of one program in this process, each with its own endpoint on loopback.
//!
//! The run ends when every node is quiescent and all have seen the same. Each node tells how it stands whenever it comes to
//! rest; once all tell the same, they are asked again, and only the same answer a second time, from nodes that took nothing
//! in between, counts: what was on its way has arrived by then.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use crate::cli::arguments::Run;
use crate::cli::driver::Control;
use crate::cli::driver::Driver;
use crate::cli::driver::Happened;
use crate::cli::driver::STACK_BYTES;
use crate::cli::driver::Wire;
use crate::cli::exit::Exit;
use crate::cli::folder;
use crate::cli::json::Line;
use crate::cli::ledger::Shared;
use crate::cli::out::Out;
use crate::cli::overdue::Overdue;
use crate::cli::program;
use crate::cli::program::Program;
use crate::cli::program::Wanted;
use crate::cli::run::EVENTS_MAX;
use crate::cli::run::broken;
use crate::cli::run::never_true;
use crate::cli::run::timed_out;
use crate::cli::run::waits;
use crate::cli::signals;
use crate::cli::stdout;
use crate::cli::values::Values;
use crate::lattice::dot::ReplicaId;
use crate::net::Network;
use crate::net::Options;
use crate::net::error::NetworkError;
use crate::net::identity::Cluster;
use crate::node::Deciding;
use crate::node::Final;
use crate::node::Progress;
use crate::node::TopLevel;
use crate::node::Until;
use crate::sim::judge::DIFFERENT;

/// How long the coordinator waits before it asks a second time.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How often, at most, a node tells how it stands unasked.
const TELL_EVERY: Duration = Duration::from_millis(5);
/// Up to so many nodes are each connected with each.
const COMPLETE: usize = 9;

/// How a node stands that is not at work.
#[derive(Clone, Debug, PartialEq)]
struct Standing {
    /// Nothing can go on there, or what is waited for is true.
    rests: bool,
    vector: u128,
    interest: u128,
    peers: usize,
    /// How many of the peers are known to have the same, as far as both take it.
    agreeing: usize,
    /// How much it has taken in or done so far.
    activity: u64,
}

enum Told {
    /// `None` while the node is at work; with the round in which it was asked, if it was.
    Standing(usize, Option<Standing>, Option<u64>),
    /// What the node waits for was true there.
    Met,
    Broken(NetworkError),
    /// The program does not compile; it was told.
    Unsound(Exit),
}

/// How a node ended.
struct Ended {
    name: String,
    finals: Vec<Final>,
    failed: bool,
    /// Whether a name stands for variables of two types, which was told.
    conflicts: bool,
    waits: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Converged,
    TimedOut,
    Interrupted,
    Broken,
    Unsound(Exit),
}

/// Runs the nodes.
///
/// # Errors
/// With the exit code, when they cannot be started; that is told.
pub fn run(arguments: &Run, count: u32, out: &Arc<Out>, program: &Program, runtime: &Handle) -> Result<Exit, Exit> {
    let deadline = arguments.timeout.map(|timeout| Instant::now() + timeout);
    let (tell, mut told) = mpsc::unbounded_channel();
    let (interrupt, interrupted) = mpsc::unbounded_channel();
    let overdue = Overdue::new(runtime, out);
    let unread = interrupt.clone();
    stdout::when_reader_leaves(move || drop(unread.send(Control::Unread)));
    signals::pass_on(runtime, vec![interrupt], signals::Asks::End(overdue.clone()));
    let members = members(count, out, runtime)?;
    let book = Shared::process();
    overdue.begin(members.len(), deadline.zip(arguments.timeout));
    let mut controls = Vec::new();
    let mut threads = Vec::new();
    for (at, (name, identity, wire)) in members.into_iter().enumerate() {
        let (control, receiver) = mpsc::unbounded_channel();
        controls.push(control);
        let wanted = Wanted {
            name: name.clone(),
            replica: u32::try_from(at).unwrap_or(u32::MAX),
            identity,
            settings: arguments.membership.settings.clone(),
            until: arguments.until.clone(),
            watch: arguments.watch,
        };
        let (shared, program, runtime, tell) = (out.clone(), program.clone(), runtime.clone(), tell.clone());
        let (timeout, book, overdue) = (arguments.timeout, book.clone(), overdue.clone());
        let work = move || {
            let node = match program::node(&shared, &program, wanted) {
                Ok(node) => node,
                Err(exit) => {
                    overdue.seen();
                    let _ = tell.send(Told::Unsound(exit));
                    return None;
                }
            };
            let mut driver = Driver::new(node, name, shared.clone(), program, Some(wire), receiver, runtime);
            driver.set_ledger(Shared::Process(book));
            // What is kept is nothing, which is sound.
            let _ = driver.decide(Deciding::Shared, Vec::new());
            let asked_by = follow(&mut driver, at, &tell);
            overdue.seen();
            Some(end(driver, &shared, &asked_by, timeout))
        };
        let thread = thread::Builder::new().name(format!("node {at}")).stack_size(STACK_BYTES).spawn(work);
        threads.push(thread.map_err(|error| {
            out.error(None, "E0604", &format!("a node cannot be started: {error}"), "use fewer replicas");
            Exit::Network
        })?);
    }
    let verdict = runtime.block_on(coordinate(&controls, &mut told, interrupted, deadline, out));
    if verdict == Verdict::TimedOut {
        stdout::hurry();
    }
    for control in &controls {
        // A node that is gone needs not be told.
        let _ = control.send(match verdict {
            Verdict::Converged => Control::Terminate,
            Verdict::TimedOut => Control::Interrupt,
            _ => Control::Closed,
        });
    }
    let ended: Vec<Ended> = threads.into_iter().filter_map(|thread| thread.join().ok().flatten()).collect();
    Ok(conclude(arguments, out, verdict, &ended))
}

/// Names, identities and connections; each node is told of those before it.
fn members(count: u32, out: &Out, runtime: &Handle) -> Result<Vec<(String, ReplicaId, Wire)>, Exit> {
    // All of them live in this process: where this user can keep no key they have one of its own.
    let cluster = match folder::cluster() {
        Err(_) if !folder::has_key() => Cluster::generate(),
        cluster => cluster,
    };
    let cluster = cluster.map_err(|error| broken(out, None, &error))?;
    let mut members: Vec<(String, ReplicaId, Wire)> = Vec::new();
    for at in 0..count {
        let name = name(at);
        let credentials = cluster.node().map_err(|error| broken(out, None, &error))?;
        let incarnation = program::incarnation(credentials.id);
        let before = usize::try_from(at).unwrap_or(0);
        // Few are told of all; many of one each, so that nobody is everybody's peer.
        let known =
            if count as usize <= COMPLETE { 0..before } else { contact(before)..before.min(contact(before) + 1) };
        let known = members.get(known).unwrap_or_default();
        let peers = known.iter().map(|(_, _, wire)| wire.network.address().to_string()).collect();
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let network = runtime
            .block_on(Network::start(
                credentials,
                Options { name: name.clone(), listen: None, advertise: None, peers, incarnation },
                sender,
            ))
            .map_err(|error| broken(out, Some(&name), &error))?;
        members.push((name, incarnation, Wire { network, events }));
    }
    Ok(members)
}

/// Through whom a node joins when there are many: each takes seven.
fn contact(at: usize) -> usize {
    at.saturating_sub(1) / 7
}

/// a, b, .. z, aa, ab, ..
fn name(at: u32) -> String {
    let letter = char::from(b'a' + u8::try_from(at % 26).unwrap_or(0));
    if at < 26 { letter.to_string() } else { format!("{}{letter}", name(at / 26 - 1)) }
}

/// Runs a node until the coordinator has it end, and returns how it said so.
fn follow(driver: &mut Driver, at: usize, tell: &UnboundedSender<Told>) -> Control {
    let (mut told_at, mut met): (Option<Instant>, bool) = (None, false);
    loop {
        let (progress, happened) = driver.turn();
        let mut round = None;
        for event in happened {
            match event {
                Happened::Told(Control::Report(number)) => round = Some(number),
                Happened::Told(Control::StandStill) => driver.node.stand_still(),
                Happened::Told(control) => return control,
                Happened::Broken(error) => drop(tell.send(Told::Broken(error))),
                // These nodes keep no data.
                Happened::Evaluated { .. } | Happened::Unsaved(_) => {}
            }
        }
        if !met && driver.node.until_met() {
            met = true;
            let _ = tell.send(Told::Met);
        }
        let now = Instant::now();
        let again = told_at.map(|told_at| told_at + TELL_EVERY).filter(|again| *again > now);
        if round.is_some() || again.is_none() {
            let standing = (progress == Progress::Idle).then(|| {
                let status = driver.node.status();
                let rests = status.quiescent || status.until == Until::Met;
                Standing {
                    rests,
                    vector: status.vector,
                    interest: status.interest,
                    peers: status.peers,
                    agreeing: status.agreeing,
                    activity: driver.activity(),
                }
            });
            told_at = Some(now);
            let _ = tell.send(Told::Standing(at, standing, round));
            driver.wait(None);
        } else {
            driver.wait(again);
        }
    }
}

fn end(mut driver: Driver, out: &Out, asked_by: &Control, timeout: Option<Duration>) -> Ended {
    let status = driver.node.status();
    // What was waited for was true: it does not matter who still waits for what.
    let mut waiting = status.top_level == TopLevel::Waiting && status.until != Until::Met;
    match asked_by {
        Control::Terminate if status.until == Until::Met => {}
        Control::Terminate => {
            waits(&driver, out, &status);
            if let Until::NotYet(error) = &status.until {
                waiting = true;
                never_true(&driver, out, error.as_ref());
            }
        }
        Control::Interrupt => timed_out(&driver, out, &status, timeout.unwrap_or_default()),
        _ => {}
    }
    let finals = driver.node.finals();
    driver.close();
    let failed = status.top_level == TopLevel::Failed || status.assertion_failed || status.conflicts;
    Ended { name: driver.name.clone(), finals, failed, conflicts: status.conflicts, waits: waiting }
}

async fn coordinate(
    controls: &[UnboundedSender<Control>],
    told: &mut mpsc::UnboundedReceiver<Told>,
    mut interrupted: mpsc::UnboundedReceiver<Control>,
    deadline: Option<Instant>,
    out: &Out,
) -> Verdict {
    let mut standings: Vec<Option<Standing>> = vec![None; controls.len()];
    let (mut round, mut met) = (0, 0);
    let mut asked: Option<Asked> = None;
    let far = Instant::now() + Duration::from_hours(8784);
    loop {
        tokio::select! {
            Some(news) = told.recv() => match news {
                Told::Standing(at, standing, answer) => {
                    standings[at] = standing;
                    if let Some(asked) = asked.as_mut().filter(|asked| Some(asked.round) == answer) {
                        asked.answers += 1;
                    }
                }
                Told::Met => {
                    met += 1;
                    // A program that goes on for ever would never let them agree.
                    let all = if met == controls.len() { controls } else { &[] };
                    all.iter().for_each(|control| drop(control.send(Control::StandStill)));
                }
                Told::Broken(error) => {
                    broken(out, None, &error);
                    return Verdict::Broken;
                }
                Told::Unsound(exit) => return Verdict::Unsound(exit),
            },
            Some(_) = interrupted.recv() => return Verdict::Interrupted,
            () = tokio::time::sleep_until(deadline.unwrap_or(far)) => return Verdict::TimedOut,
        }
        match asked.take() {
            Some(waiting) if waiting.answers < controls.len() => asked = Some(waiting),
            Some(answered) if answered.before == standings => return Verdict::Converged,
            _ if agree(&standings) => {
                tokio::time::sleep(LOOK_EVERY).await;
                round += 1;
                asked = Some(Asked { round, before: standings.clone(), answers: 0 });
                for control in controls {
                    let _ = control.send(Control::Report(round));
                }
            }
            _ => {}
        }
    }
}

/// A round of questions: how all stood before, and how many have answered.
struct Asked {
    round: u64,
    before: Vec<Option<Standing>>,
    answers: usize,
}

/// Whether every node rests, is connected (to all others, where these are few), and has seen what they have.
fn agree(standings: &[Option<Standing>]) -> bool {
    let others = standings.len() - 1;
    let enough = if standings.len() <= COMPLETE { others } else { 1 };
    let all = || standings.iter().flatten();
    let first = all().next().map(|standing| (standing.vector, standing.interest));
    // Nodes that take different topics have seen different things, and know by their peers whether they agree.
    let one_interest = all().all(|standing| Some(standing.interest) == first.map(|(_, interest)| interest));
    let same = |standing: &Standing| {
        if one_interest {
            Some(standing.vector) == first.map(|(vector, _)| vector)
        } else {
            standing.agreeing == standing.peers
        }
    };
    all().filter(|standing| standing.rests && standing.peers >= enough).count() == standings.len() && all().all(same)
}

fn conclude(arguments: &Run, out: &Out, verdict: Verdict, ended: &[Ended]) -> Exit {
    let differences = print(arguments, out, ended);
    let failed = ended.iter().any(|node| node.failed);
    match verdict {
        Verdict::Unsound(exit) => return exit,
        Verdict::Broken => return Exit::Network,
        Verdict::Interrupted => return Exit::Interrupted,
        Verdict::Converged => {}
        Verdict::TimedOut => return if failed { Exit::Failed } else { Exit::Waits },
    }
    // Where a name stands for two variables each side keeps its own, and values differ by right.
    let by_right = ended.iter().any(|node| node.conflicts);
    for difference in differences.iter().filter(|_| !by_right) {
        out.error(None, "E0806", difference, DIFFERENT);
    }
    if differences.is_empty() {
        out.event(Line::new("converged").number("replicas", ended.len() as u64));
        out.status(&match ended.len() {
            1 => "the one replica has converged".to_owned(),
            count => format!("the {count} replicas agree"),
        });
    }
    if failed || !differences.is_empty() {
        Exit::Failed
    } else if ended.iter().any(|node| node.waits) {
        Exit::Waits
    } else {
        Exit::Done
    }
}

/// Prints the values: those of replicated variables once. Returns where they differ.
fn print(arguments: &Run, out: &Out, ended: &[Ended]) -> Vec<String> {
    let values = Values::of(ended.iter().map(|node| (node.name.clone(), node.finals.as_slice())));
    if !arguments.quiet {
        values.names().for_each(|named| named.print(out, usize::MAX));
    }
    values.names().filter_map(|named| named.difference()).collect()
}
