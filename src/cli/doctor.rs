//! `lasp doctor`: what stands between this node and its peers, and what to do about it. Asks peers without becoming one.

use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::ToSocketAddrs;
use std::net::UdpSocket;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::ColorChoice;
use time::OffsetDateTime;

use crate::cli::arguments::address;
use crate::cli::exit::Exit;
use crate::cli::folder;
use crate::cli::json::Line;
use crate::cli::out::Out;
use crate::cli::run::runtime;
use crate::cli::standing;
use crate::cli::standing::Standing;
use crate::net::AddressState;
use crate::net::PeerState;
use crate::net::cause::Cause;
use crate::net::certificate::date;
use crate::net::error::NetworkError;
use crate::net::frame;
use crate::net::identity::Credentials;
use crate::net::limits::CLOCKS_APART;
use crate::net::nodekey::NodeKey;
use crate::net::probe::Answer;
use crate::net::probe::Examined;
use crate::net::probe::Examiner;
use crate::source::codes;
use crate::store::Store;
use crate::store::StoreError;

/// Shown with `lasp doctor --help`.
pub const DOCTOR_HELP: &str = "\
Says, line by line, what is well and what is not: whether the certificate counts, the data can
be used, the address can be listened on, each peer's name is found, somebody answers, both
belong to the same cluster, speak the same version, and have clocks that agree. Of a node that
runs, which is asked by its --data or by the address after --listen, it says who its peers are,
and which of those that it was to join it does not reach. Peers are asked without being
disturbed: the doctor does not become a peer, no data is exchanged, and nothing is changed on
disk.

Exit codes: 0 all is well, 2 wrong usage, 5 something is not, 6 only the data is not.

Examples:
  lasp doctor --peers 127.0.0.1:7001
  lasp doctor --data berlin-data
  lasp doctor --listen 127.0.0.1:7001
  lasp doctor --cluster berlin --data berlin-data --listen 0.0.0.0:7001 --peers hamburg.example:7001,bremen.example:7001";

/// What a finding about the data folder is about.
const DATA: &str = "data";
/// The code of a folder that a node uses.
const IN_USE: &str = "E1001";

/// `lasp doctor`
#[derive(Debug, Args)]
pub struct Doctor {
    /// Addresses of peers to examine
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',', value_parser = address)]
    pub peers: Vec<String>,
    /// Address that the node is to listen on
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    pub listen: Option<String>,
    /// The node's folder, as `lasp keys issue` made it; without it, the cluster of this user on this machine
    #[arg(long, value_name = "DIR")]
    pub cluster: Option<PathBuf>,
    /// The node's data folder: whether it can be used, and is this node's; and how it stands with its peers, if it runs
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// One JSON object a line on standard output
    #[arg(long)]
    pub json: bool,
}

/// How a finding counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ok,
    Note,
    Problem,
}

/// One line of the report.
struct Finding {
    what: &'static str,
    state: State,
    text: String,
    code: Option<&'static str>,
    help: String,
    /// What programs get besides: texts.
    fields: Vec<(&'static str, String)>,
    /// And numbers.
    numbers: Vec<(&'static str, String)>,
}

impl Finding {
    fn new(what: &'static str, state: State, text: String) -> Finding {
        Finding { what, state, text, code: None, help: String::new(), fields: Vec::new(), numbers: Vec::new() }
    }

    fn of_error(what: &'static str, error: &NetworkError) -> Finding {
        let finding = Finding::new(what, State::Problem, error.to_string());
        Finding { code: Some(error.code()), help: error.help(), ..finding }
    }

    fn of_cause(address: &str, cause: &Cause) -> Finding {
        let state = if cause.code == "E0614" { State::Ok } else { State::Problem };
        let finding = Finding::new("peer", state, format!("{address}: {}", cause.reason));
        let fields = vec![("address", address.to_owned())];
        Finding { code: Some(cause.code), help: cause.help().to_owned(), fields, ..finding }
    }

    fn tell(&self, out: &Out) {
        let state = match self.state {
            State::Ok => "ok",
            State::Note => "note",
            State::Problem => "problem",
        };
        let mut line = Line::new("check").text("what", self.what).text("state", state).text("message", &self.text);
        line = line.maybe("code", self.code);
        for (field, value) in &self.fields {
            line = line.text(field, value);
        }
        for (field, value) in &self.numbers {
            line = line.raw(field, value);
        }
        out.event(if self.help.is_empty() { line } else { line.text("help", &self.help) });
        if !out.json() {
            let code = self.code.filter(|_| self.state == State::Problem);
            let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
            let help = if self.help.is_empty() { String::new() } else { format!("         help: {}\n", self.help) };
            out.data(&format!("{state:<8} {:<8} {}{code}\n{help}", self.what, self.text));
        }
    }
}

/// `lasp doctor`
#[must_use]
pub fn run(arguments: &Doctor, color: ColorChoice) -> Exit {
    let out = Out::new(color, arguments.json, false);
    let (mut problems, mut exit) = (0u64, Exit::Done);
    let mut tell = |finding: Finding| {
        if finding.state == State::Problem {
            problems += 1;
            let data = finding.what == DATA && exit != Exit::Network;
            exit = if data { Exit::Data } else { Exit::Network };
        }
        finding.tell(&out);
    };
    let credentials = credentials(arguments);
    match &credentials {
        Ok(credentials) => tell(certificate(credentials)),
        Err(error) => tell(Finding::of_error("cluster", error)),
    }
    let automatic = arguments.cluster.is_none();
    // Whether the node itself has said how it stands.
    let mut told = false;
    if let Some(folder) = &arguments.data {
        let finding = data(folder, credentials.as_ref().ok().filter(|credentials| !credentials.automatic));
        let runs = finding.code == Some(IN_USE);
        tell(finding);
        if runs {
            let standing = standing(folder);
            told = !standing.is_empty();
            standing.into_iter().for_each(&mut tell);
        }
    }
    let listen = arguments.listen.as_ref().map(|listen| (listen, listening(listen, automatic)));
    let taken = listen.as_ref().and_then(|(listen, found)| found.is_none().then(|| (*listen).clone()));
    listen.into_iter().filter_map(|(_, found)| found).for_each(&mut tell);
    if let Ok(credentials) = credentials
        && (taken.is_some() || !arguments.peers.is_empty())
    {
        let runtime = match runtime(&out) {
            Ok(runtime) => runtime,
            Err(exit) => return exit,
        };
        match runtime.block_on(peers(credentials, &arguments.peers, taken.as_deref(), (automatic, !told))) {
            Ok(findings) => findings.into_iter().for_each(tell),
            Err(error) => tell(Finding::of_error("peer", &error)),
        }
    }
    out.event(Line::new("verdict").number("problems", problems));
    if problems > 0 {
        let what = if problems == 1 { "1 problem".to_owned() } else { format!("{problems} problems") };
        out.status(&format!("{what}; `lasp explain CODE` tells more of each"));
    }
    exit
}

fn credentials(arguments: &Doctor) -> Result<Credentials, NetworkError> {
    match &arguments.cluster {
        Some(folder) => Credentials::load(folder),
        None => folder::cluster()?.node(),
    }
}

/// What stands in the node's own certificate, and whether it counts.
fn certificate(credentials: &Credentials) -> Finding {
    let now_s = OffsetDateTime::now_utc().unix_timestamp();
    if credentials.automatic {
        let text = format!("{}, which this user's nodes on this machine share by themselves", credentials.cluster());
        return Finding::new("cluster", State::Ok, text);
    }
    if let Err(error) = credentials.usable(now_s) {
        return Finding::of_error("cluster", &error);
    }
    let (name, role, until_s) = (&credentials.name, credentials.proven.role, credentials.proven.until_s);
    let text = format!("{name}, a {role} of {}, valid until {}", credentials.cluster(), date(until_s));
    if credentials.ends_soon(now_s).is_none() {
        return Finding::new("cluster", State::Ok, text);
    }
    let help = format!("that is soon: lasp keys renew --cluster DIR --node {name}");
    Finding { help, code: Some("E0617"), ..Finding::new("cluster", State::Note, text) }
}

/// Whether the data can be used, and is that of the node with these keys. A folder that is not there yet is not made.
fn data(folder: &Path, credentials: Option<&Credentials>) -> Finding {
    let shown = folder.display();
    let failed = |error: &StoreError| {
        let finding = Finding::new(DATA, State::Problem, error.to_string());
        Finding { code: Some(error.code()), help: error.help(), ..finding }
    };
    let unusable =
        |reason: &str| failed(&StoreError::Unusable { folder: folder.to_owned(), reason: reason.to_owned() });
    let kept = match Store::look(folder) {
        Err(StoreError::NoData { .. }) => None,
        looked => Some(looked),
    };
    let Some(kept) = kept else {
        let said = match folder.read_dir().map(Iterator::count) {
            Ok(1..) => return unusable("it holds other things"),
            Ok(0) => "is empty, and can be used",
            Err(error) if error.kind() == ErrorKind::NotFound => "is not there yet; the node makes it",
            Err(error) if error.kind() == ErrorKind::NotADirectory => return unusable("it is a file"),
            Err(error) => return unusable(&error.to_string()),
        };
        return match makes_room(folder) {
            Ok(()) => Finding::new(DATA, State::Ok, format!("{shown} {said}")),
            Err(error) => failed(&StoreError::Forbidden { folder: folder.to_owned(), reason: error.to_string() }),
        };
    };
    let kept = match kept {
        Ok(kept) => kept,
        Err(StoreError::InUse { .. }) => {
            let text = format!("{shown} is in use: by the node itself, if it runs");
            return Finding { code: Some(IN_USE), ..Finding::new(DATA, State::Note, text) };
        }
        Err(error) => return failed(&error),
    };
    let summary = match kept.summary() {
        Ok(summary) => summary,
        Err(error) => return failed(&error),
    };
    // Without issued keys a node goes by the key in its data, which is there unless the data was made with issued ones.
    let key = match (credentials, kept.key()) {
        (Some(credentials), _) => Some(credentials.id),
        (None, Ok(text)) => text.and_then(|text| NodeKey::read(&text)).map(|key| key.id()),
        (None, Err(error)) => return failed(&error),
    };
    if summary.node.is_some_and(|node| key != Some(node)) {
        return failed(&StoreError::AnotherNode { folder: folder.to_owned() });
    }
    let text = format!("{shown} has {} entries in {} bytes, and is whole", summary.entries, summary.bytes);
    let numbers = vec![("entries", summary.entries.to_string()), ("bytes", summary.bytes.to_string())];
    Finding { numbers, ..Finding::new(DATA, State::Ok, text) }
}

/// Whether something could be made in a folder, or the folder itself, by what the system says of the nearest that is there.
fn makes_room(folder: &Path) -> std::io::Result<()> {
    let absolute = std::path::absolute(folder)?;
    let nearest = absolute.ancestors().find(|above| above.exists()).unwrap_or(&absolute);
    if !nearest.is_dir() {
        return Err(ErrorKind::NotADirectory.into());
    }
    takes_files(nearest)
}

#[cfg(unix)]
fn takes_files(folder: &Path) -> std::io::Result<()> {
    use rustix::fs::Access;
    rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(std::io::Error::from)
}

#[cfg(not(unix))]
fn takes_files(folder: &Path) -> std::io::Result<()> {
    if folder.metadata()?.permissions().readonly() { Err(ErrorKind::PermissionDenied.into()) } else { Ok(()) }
}

/// How the node that uses the data stands with its peers.
fn standing(folder: &Path) -> Vec<Finding> {
    let standing = match standing::ask(folder) {
        Ok(Some(standing)) => standing,
        Ok(None) => return vec![Finding::new("node", State::Ok, "it runs, and takes part in no network".into())],
        // Nobody listens there: another program than a node has the file open, or one that ends just now.
        Err(StoreError::InUse { .. }) => return Vec::new(),
        Err(error) => {
            let finding = Finding::new("node", State::Problem, error.to_string());
            return vec![Finding { code: Some(error.code()), help: error.help(), ..finding }];
        }
    };
    let Standing { name, address, peers, lost } = standing;
    of_peers(&name, &address, &peers, &lost)
}

/// How a node that runs stands with its peers.
fn of_peers(name: &str, address: &str, peers: &[PeerState], lost: &[AddressState]) -> Vec<Finding> {
    let mut findings = vec![Finding::new("node", State::Ok, format!("{name} runs, and listens on {address}"))];
    if peers.is_empty() && lost.is_empty() {
        findings.push(Finding::new("peer", State::Note, "no peer is connected".into()));
    }
    findings.extend(peers.iter().map(connected));
    findings.extend(lost.iter().map(|AddressState { address, cause }| {
        let fields = vec![("address", address.clone()), ("connection", "resolving".to_owned())];
        match cause {
            Some((code, reason)) => {
                let code = codes::explain(code).map_or("E0605", |explanation| explanation.code);
                let cause = Cause { code, reason: reason.clone(), refused: false };
                Finding { fields, state: State::Problem, ..Finding::of_cause(address, &cause) }
            }
            None => Finding { fields, ..Finding::new("peer", State::Note, format!("{address}: is being tried")) },
        }
    }));
    findings
}

/// A peer of the node that runs.
fn connected(peer: &PeerState) -> Finding {
    let PeerState { name, role, address, seconds, round_trip_us, waiting_bytes } = peer;
    let trip_ms = Duration::from_micros(*round_trip_us).as_secs_f64() * 1000.0;
    let waits = if *waiting_bytes > 0 { format!(", {waiting_bytes} bytes wait for it") } else { String::new() };
    let text = format!("{address}: {name}, a {role}, connected for {seconds} s, {trip_ms:.1} ms there and back{waits}");
    let fields = [("address", address), ("peer", name), ("role", role)].map(|(field, value)| (field, value.clone()));
    let fields = fields.into_iter().chain([("connection", "connected".to_owned())]).collect();
    let numbers = vec![
        ("seconds", seconds.to_string()),
        ("round_trip_ms", format!("{trip_ms:.3}")),
        ("waiting_bytes", waiting_bytes.to_string()),
    ];
    Finding { fields, numbers, ..Finding::new("peer", State::Ok, text) }
}

/// Whether the address can be listened on; nothing if it is in use, by this node or another program.
fn listening(listen: &str, automatic: bool) -> Option<Finding> {
    let failed =
        |reason: String| Finding::of_error("listen", &NetworkError::Listen { address: listen.to_owned(), reason });
    let found: Vec<SocketAddr> = match listen.to_socket_addrs() {
        Ok(found) => found.collect(),
        Err(error) => return Some(failed(error.to_string())),
    };
    let Some(at) = found.iter().max_by_key(|at| (at.ip().is_loopback(), at.is_ipv4())) else {
        return Some(failed("the name has no address".into()));
    };
    if automatic && !at.ip().is_loopback() {
        return Some(Finding::of_error("listen", &NetworkError::NotLoopback { address: listen.to_owned() }));
    }
    match UdpSocket::bind(at) {
        Ok(_) => Some(Finding::new("listen", State::Ok, format!("{listen} is free"))),
        Err(error) if error.kind() == ErrorKind::AddrInUse => None,
        Err(error) => Some(failed(error.to_string())),
    }
}

/// Who uses the address that this node is to listen on, as it answers.
fn in_use(listen: &str, examined: &Examined, credentials: (u128, bool)) -> Finding {
    let (own, automatic) = credentials;
    let by = |state, by: &str| Finding::new("listen", state, format!("{listen} is in use: {by}"));
    let wrong = |who: &str| {
        let error = NetworkError::Listen { address: listen.to_owned(), reason: String::new() };
        Finding { code: Some(error.code()), help: error.help(), ..by(State::Problem, who) }
    };
    match (&examined.outcome, examined.proven) {
        (Ok(_), Some(proven)) if proven.id == own => by(State::Note, "by this node, which runs"),
        (Ok(answer), _) if automatic => by(State::Note, &format!("by {}, a node of this cluster", answer.probed.name)),
        (Ok(answer), _) => wrong(&format!("by {}, another node of this cluster", answer.probed.name)),
        (Err(cause), _) if cause.code == "E0614" => by(State::Note, "by this node, which runs"),
        (Err(_), _) => wrong("by another program, which does not answer as a node of this cluster"),
    }
}

/// Asks all peers at the same time.
async fn peers(
    credentials: Credentials,
    peers: &[String],
    taken: Option<&str>,
    (automatic, asks_itself): (bool, bool),
) -> Result<Vec<Finding>, NetworkError> {
    let own = (credentials.id, automatic);
    let v6 = |peer: &str| peer.starts_with('[');
    let mut asked = peers.iter().map(String::as_str).chain(taken);
    let any: SocketAddr = match automatic {
        true if asked.all(v6) => (Ipv6Addr::LOCALHOST, 0).into(),
        true => (Ipv4Addr::LOCALHOST, 0).into(),
        // By which those of version 4 are reached as well.
        false if asked.any(v6) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        false => (Ipv4Addr::UNSPECIFIED, 0).into(),
    };
    let examiner = std::sync::Arc::new(Examiner::new(credentials, any)?);
    let asked: Vec<_> = peers
        .iter()
        .map(|address| {
            let (examiner, address) = (examiner.clone(), address.clone());
            tokio::spawn(async move { examiner.ask(&address).await })
        })
        .collect();
    let mut findings = Vec::new();
    if let Some(listen) = taken {
        let examined = examiner.ask(listen).await;
        findings.push(in_use(listen, &examined, own));
        if let Some((name, frame::Standing { address, peers, lost })) = examined.standing.filter(|_| asks_itself) {
            findings.extend(of_peers(&name, &address, &peers, &lost));
        }
    }
    for (address, asked) in peers.iter().zip(asked) {
        if let Ok(examined) = asked.await {
            findings.extend(judged(address, &examined, examiner.revoked()));
        }
    }
    examiner.close().await;
    Ok(findings)
}

/// What is to be said of one peer.
fn judged(address: &str, examined: &Examined, revoked: u64) -> Vec<Finding> {
    let answer = match &examined.outcome {
        Ok(answer) => answer,
        Err(cause) => return vec![Finding::of_cause(address, cause)],
    };
    let Answer { probed, round_trip, ahead_ms, within_ms } = answer;
    let name = &probed.name;
    let trip_ms = round_trip.as_secs_f64() * 1000.0;
    let peers = if probed.peers == 1 { "1 peer".to_owned() } else { format!("{} peers", probed.peers) };
    let release = &probed.release;
    let text = format!("{address}: {name} answers in {trip_ms:.1} ms; release {release}, {peers}, {}", clock(answer));
    let mut fields = vec![("address", address.to_owned()), ("peer", name.clone()), ("release", release.clone())];
    let numbers = vec![
        ("clock_ahead_ms", ahead_ms.to_string()),
        ("clock_within_ms", within_ms.to_string()),
        ("round_trip_ms", format!("{trip_ms:.3}")),
        ("peers", probed.peers.to_string()),
    ];
    fields.extend(examined.proven.map(|proven| ("role", proven.role.name().to_owned())));
    let mut findings = vec![Finding { fields, numbers, ..Finding::new("peer", State::Ok, text) }];
    let apart_ms = ahead_ms.unsigned_abs().saturating_sub(*within_ms);
    if u128::from(apart_ms) > CLOCKS_APART.as_millis() {
        findings.push(Finding {
            code: Some("E0624"),
            help: "set the clocks, best by a service that keeps them right (NTP)".into(),
            fields: vec![("address", address.to_owned())],
            ..Finding::new("clock", State::Problem, format!("{address}: {}", clock(answer)))
        });
    }
    if probed.revoked < revoked {
        let text = format!("{name} does not know the newest revocations yet; it gets them when this node connects");
        findings.push(Finding::new("revoked", State::Note, text));
    } else if probed.revoked > revoked {
        let text = format!("{name} knows newer revocations; this node gets them when it connects");
        findings.push(Finding::new("revoked", State::Note, text));
    }
    findings
}

fn clock(answer: &Answer) -> String {
    let Answer { ahead_ms, within_ms, .. } = answer;
    match ahead_ms {
        0 => format!("clocks agree (within {within_ms} ms)"),
        1.. => format!("its clock is {ahead_ms} ms ahead (within {within_ms} ms)"),
        _ => format!("its clock is {} ms behind (within {within_ms} ms)", ahead_ms.unsigned_abs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::frame::Probed;
    use crate::store;

    fn examined(ahead_ms: i64, within_ms: u64, revoked: u64) -> Examined {
        let (name, release) = ("b".to_owned(), "0.1.0".to_owned());
        let probed = Probed { name, release, now_ms: 0, peers: 2, revoked, standing: None };
        let outcome = Ok(Answer { probed, round_trip: Duration::from_micros(400), ahead_ms, within_ms });
        Examined { address: None, proven: None, outcome, standing: None }
    }

    #[test]
    fn clocks_count_as_apart_only_beyond_what_the_round_trip_leaves_open() {
        let states = |ahead_ms, within_ms| -> Vec<State> {
            judged("b:1", &examined(ahead_ms, within_ms, 0), 0).iter().map(|finding| finding.state).collect()
        };
        let bound = i64::try_from(CLOCKS_APART.as_millis()).expect("a few seconds");
        assert_eq!(states(bound, 1), [State::Ok]);
        assert_eq!(states(bound + 2, 1), [State::Ok, State::Problem]);
        assert_eq!(states(-bound - 2, 1), [State::Ok, State::Problem]);
        assert_eq!(states(bound + 100, 200), [State::Ok]);
        let told = judged("b:1", &examined(bound + 2, 1, 0), 0);
        assert_eq!(told.last().and_then(|finding| finding.code), Some("E0624"));
        assert_eq!(states(i64::MIN, 1), [State::Ok, State::Problem]);
    }

    #[test]
    fn data_is_examined_and_nothing_is_made_by_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("data");
        let found = |path: &Path| {
            let finding = data(path, None);
            (finding.state, finding.code)
        };
        assert_eq!(found(&path), (State::Ok, None));
        assert!(!path.exists());
        let kept = Store::open(&path).expect("made");
        assert_eq!(found(&path), (State::Note, Some("E1001")));
        drop(kept);
        let before = std::fs::read(path.join(store::FILE)).expect("there");
        assert_eq!(found(&path), (State::Ok, None));
        assert!(before == std::fs::read(path.join(store::FILE)).expect("there"), "not a byte is changed");
        std::fs::write(path.join(store::FILE), vec![7; 10_000]).expect("written");
        assert_eq!(found(&path), (State::Problem, Some("E1003")));
        assert_eq!(found(folder.path()), (State::Problem, Some("E1002")));
        assert_eq!(found(&path.join(store::FILE)), (State::Problem, Some("E1002")), "it is a file");
        assert_eq!(found(&path.join(store::FILE).join("data")), (State::Problem, Some("E1002")), "so is what it is in");
        let deep = folder.path().join("a/b/c");
        assert_eq!(found(&deep), (State::Ok, None));
        assert!(!folder.path().join("a").exists());
        let within = std::fs::metadata(folder.path()).and_then(|facts| facts.modified()).expect("told");
        assert_eq!(found(&folder.path().join("b")), (State::Ok, None));
        let after = std::fs::metadata(folder.path()).and_then(|facts| facts.modified()).expect("told");
        assert_eq!(within, after, "nothing was made for a moment either");
    }

    #[test]
    fn lists_of_revocations_that_differ_are_noted() {
        for (theirs, ours) in [(1, 2), (2, 1)] {
            let findings = judged("b:1", &examined(0, 1, theirs), ours);
            assert_eq!(findings.last().map(|finding| finding.state), Some(State::Note));
        }
    }
}
