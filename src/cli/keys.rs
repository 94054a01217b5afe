//! `lasp keys`: a cluster's authority, and the certificates of its nodes.

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::ColorChoice;
use clap::Subcommand;
use time::OffsetDateTime;

use crate::cli::arguments::address;
use crate::cli::exit::Exit;
use crate::cli::json::Line;
use crate::cli::out::Out;
use crate::effects;
use crate::net::authority::Authority;
use crate::net::authority::Made;
use crate::net::authority::Order;
use crate::net::certificate::date;
use crate::net::deciders::DECIDERS_FILE;
use crate::net::error::NetworkError;
use crate::net::identity::Credentials;
use crate::net::records::Issued;
use crate::net::records::Records;
use crate::net::show::Shown;
use crate::net::show::State;
use crate::replica::Role;

/// Shown with `lasp keys --help`.
pub const KEYS_HELP: &str = "\
Nodes of one user on one machine need no keys: they share one that is made by itself. To join
nodes of several machines, make a cluster once, have a folder issued for each node, and copy it
to the node's machine; the cluster's own folder stays where it is, offline if you like. Servers
pass on what others have made; clients send their own updates to servers, and serve nobody.

Exit codes: 0 done, 2 wrong usage, 5 it cannot be done; `lasp explain E0620` and so on tell
more.

Examples:
  lasp keys init shop
  lasp keys issue --cluster shop --node berlin --role server
  lasp keys issue --cluster shop --node till-7 --days 90
  lasp keys renew --cluster shop --node berlin
  lasp keys revoke --cluster shop --node till-7
  lasp keys deciders --cluster shop berlin=berlin.example:7001
  lasp keys show shop";

/// `lasp keys`
#[derive(Debug, Args)]
pub struct Keys {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// What `lasp keys` can do.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Make a cluster: an authority that decides who belongs to it
    #[command(after_help = "Example:\n  lasp keys init shop")]
    Init(Init),
    /// Make a node's key and certificate, in a folder to be copied to its machine
    #[command(after_help = "Example:\n  lasp keys issue --cluster shop --node berlin --role server")]
    Issue(Issue),
    /// Make a new certificate for a node, which stays the node that it was
    #[command(after_help = "Example:\n  lasp keys renew --cluster shop --node berlin --days 365")]
    Renew(Issue),
    /// Shut a node out: its certificates count no more
    #[command(after_help = "Example:\n  lasp keys revoke --cluster shop --node till-7")]
    Revoke(Revoke),
    /// Name the servers that decide where effects of `enforce_once` are started
    #[command(
        after_help = "Example:\n  lasp keys deciders --cluster shop berlin=berlin.example:7001 hamburg=hamburg.example:7001 \
bremen=bremen.example:7001"
    )]
    Deciders(Deciders),
    /// Show what a folder or a certificate holds
    #[command(after_help = "Examples:\n  lasp keys show shop\n  lasp keys show shop/nodes/berlin --json")]
    Show(Show),
}

/// `lasp keys init`
#[derive(Debug, Args)]
pub struct Init {
    /// The folder to make; its authority.key must stay secret, and is needed to issue, renew and revoke alone
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// One JSON object a line on standard output
    #[arg(long)]
    pub json: bool,
}

/// `lasp keys issue` and `lasp keys renew`
#[derive(Debug, Args)]
pub struct Issue {
    /// The cluster's folder
    #[arg(long, value_name = "DIR")]
    pub cluster: PathBuf,
    /// The node's name for people: letters, digits, dots, dashes, underscores
    #[arg(long, value_name = "NAME")]
    pub node: String,
    /// What the node may do; client, or what it was, unless told
    #[arg(long, value_name = "ROLE", value_parser = role)]
    pub role: Option<Role>,
    /// For how many days the certificate is valid
    #[arg(long, value_name = "N", default_value = "365", value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,
    /// The node's folder; nodes/NAME in the cluster's folder unless told
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// One JSON object a line on standard output
    #[arg(long)]
    pub json: bool,
}

/// `lasp keys revoke`
#[derive(Debug, Args)]
pub struct Revoke {
    /// The cluster's folder
    #[arg(long, value_name = "DIR")]
    pub cluster: PathBuf,
    /// The node's name
    #[arg(long, value_name = "NAME")]
    pub node: String,
    /// One JSON object a line on standard output
    #[arg(long)]
    pub json: bool,
}

/// `lasp keys deciders`
#[derive(Debug, Args)]
pub struct Deciders {
    /// The cluster's folder
    #[arg(long, value_name = "DIR")]
    pub cluster: PathBuf,
    /// The servers, all that are to decide from now on, each with where the others reach it; they need --data
    #[arg(value_name = "NAME=HOST:PORT", required = true, value_parser = server)]
    pub servers: Vec<(String, Vec<String>)>,
    /// One JSON object a line on standard output
    #[arg(long)]
    pub json: bool,
}

/// `lasp keys show`
#[derive(Debug, Args)]
pub struct Show {
    /// A cluster's folder, a node's folder, or a certificate
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// One JSON object a line on standard output
    #[arg(long)]
    pub json: bool,
}

fn role(text: &str) -> Result<Role, String> {
    Role::of(text).ok_or_else(|| "a role is `client` or `server`".to_owned())
}

fn server(text: &str) -> Result<(String, Vec<String>), String> {
    let wrong = || "a server that decides looks like berlin=berlin.example:7001".to_owned();
    let (name, addresses) = text.split_once('=').ok_or_else(wrong)?;
    let addresses = addresses.split(',').map(address).collect::<Result<Vec<String>, String>>()?;
    Ok((name.to_owned(), addresses))
}

/// `lasp keys`
#[must_use]
pub fn run(arguments: &Keys, color: ColorChoice) -> Exit {
    let json = match &arguments.action {
        Action::Init(init) => init.json,
        Action::Issue(issue) | Action::Renew(issue) => issue.json,
        Action::Revoke(revoke) => revoke.json,
        Action::Deciders(deciders) => deciders.json,
        Action::Show(show) => show.json,
    };
    let out = Out::new(color, json, false);
    let now = OffsetDateTime::now_utc();
    let outcome = match &arguments.action {
        Action::Init(arguments) => init(&out, arguments, now),
        Action::Issue(arguments) => issue(&out, arguments, now),
        Action::Renew(arguments) => renew(&out, arguments, now),
        Action::Revoke(arguments) => revoke(&out, arguments, now),
        Action::Deciders(arguments) => appoint(&out, arguments, now),
        Action::Show(arguments) => show(&out, &arguments.path, now.unix_timestamp()),
    };
    match outcome {
        Ok(()) => Exit::Done,
        Err(error) => {
            out.error(None, error.code(), &error.to_string(), &error.help());
            Exit::Network
        }
    }
}

/// Data for people, when no events are wanted.
fn say(out: &Out, text: &str) {
    if !out.json() {
        out.data(&format!("{text}\n"));
    }
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

fn init(out: &Out, arguments: &Init, now: OffsetDateTime) -> Result<(), NetworkError> {
    let authority = Authority::create(&arguments.folder, now)?;
    let folder = path(&arguments.folder);
    out.event(Line::new("cluster").text("cluster", &authority.cluster()).text("folder", &folder));
    say(out, &format!("made cluster {} in {folder}", authority.cluster()));
    out.status(&format!("next: lasp keys issue --cluster {folder} --node NAME --role server"));
    Ok(())
}

fn issue(out: &Out, arguments: &Issue, now: OffsetDateTime) -> Result<(), NetworkError> {
    let made = Authority::load(&arguments.cluster)?.issue(&order(arguments), now)?;
    made_known(out, "issued", &made, now.unix_timestamp());
    out.status(&format!(
        "copy {} to the machine of {}, and name it there after --cluster",
        path(&made.folder),
        arguments.node
    ));
    Ok(())
}

fn renew(out: &Out, arguments: &Issue, now: OffsetDateTime) -> Result<(), NetworkError> {
    let mut authority = Authority::load(&arguments.cluster)?;
    let made = authority.renew(&order(arguments), now)?;
    made_known(out, "renewed", &made, now.unix_timestamp());
    if let Some(before) = made.before {
        let (name, role) = (&arguments.node, made.issued.proven.role);
        out.status(&format!("{name} was a {before}, and is a {role} from its next start with the new certificate"));
        let decides = |list: &effects::Deciders| list.members.iter().any(|member| member.name == *name);
        if role == Role::Client && authority.deciders()?.is_some_and(|appointed| decides(appointed.list())) {
            out.status(&format!(
                "{name} is named to decide on effects, and only servers decide: name others with lasp keys deciders"
            ));
        }
    }
    let file = path(&made.folder.join(crate::net::identity::NODE_FILE));
    out.status(&format!("copy {file} into the folder of {}; a node that runs takes it up by itself", arguments.node));
    Ok(())
}

fn order(arguments: &Issue) -> Order<'_> {
    Order {
        name: &arguments.node,
        role: arguments.role,
        valid: Duration::from_hours(24 * u64::from(arguments.days)),
        out: arguments.out.as_deref(),
    }
}

fn made_known(out: &Out, event: &str, made: &Made, now_s: i64) {
    let Issued { name, proven, .. } = &made.issued;
    let folder = path(&made.folder);
    out.event(certificate(event, &Shown::of(&made.issued, now_s)).text("folder", &folder));
    say(out, &format!("{event} {} {name} in {folder}, valid until {}", proven.role, date(proven.until_s)));
}

fn revoke(out: &Out, arguments: &Revoke, now: OffsetDateTime) -> Result<(), NetworkError> {
    let withdrawn = Authority::load(&arguments.cluster)?.revoke(&arguments.node, now)?;
    let file = path(&withdrawn.file);
    let serials: Vec<String> = withdrawn.serials.iter().map(|serial| format!("{serial:032x}")).collect();
    let line = Line::new("revoked").text("node", &arguments.node).texts("serials", &serials);
    out.event(line.number("list", withdrawn.number).text("file", &file));
    let count = serials.len();
    let what = if count == 1 { "its certificate counts".to_owned() } else { format!("its {count} certificates count") };
    say(out, &format!("revoked {}: {what} no more", arguments.node));
    out.status(&format!("copy {file} into the folder of any one node that runs; it tells the others"));
    Ok(())
}

fn appoint(out: &Out, arguments: &Deciders, now: OffsetDateTime) -> Result<(), NetworkError> {
    let list = Authority::load(&arguments.cluster)?.appoint(&arguments.servers, now)?;
    let file = path(&arguments.cluster.join(DECIDERS_FILE));
    let names: Vec<String> = list.members.iter().map(|member| member.name.clone()).collect();
    out.event(Line::new("deciders").texts("nodes", &names).number("list", list.version).text("file", &file));
    say(out, &format!("list {} of servers that decide: {}", list.version, names.join(", ")));
    if names.len().is_multiple_of(2) {
        out.status("an even number of servers bears no more failures than one less");
    }
    out.status(&format!("copy {file} into the folder of any one node that runs; it tells the others"));
    Ok(())
}

fn show(out: &Out, at: &Path, now_s: i64) -> Result<(), NetworkError> {
    if at.is_dir() && Records::are_in(at) {
        // The key is not needed for it, and may be kept elsewhere.
        let records = Records::load(at)?;
        let (revoked, list) = (records.revoked().serials().len(), records.revoked().number());
        let line = Line::new("cluster").text("cluster", &records.cluster()).text("folder", &path(at));
        out.event(line.number("revoked", revoked as u64).number("list", list));
        say(out, &format!("cluster {}, {revoked} revoked", records.cluster()));
        if let Some(appointed) = records.deciders()? {
            let list = appointed.list();
            let names: Vec<String> = list.members.iter().map(|member| member.name.clone()).collect();
            out.event(Line::new("deciders").texts("nodes", &names).number("list", list.version));
            say(out, &format!("list {} of servers that decide: {}", list.version, names.join(", ")));
        }
        for issued in records.issued()? {
            let shown = Shown::of(&issued, now_s);
            out.event(certificate("certificate", &shown));
            say(out, &line_of(&shown));
        }
        return Ok(());
    }
    let shown = if at.is_dir() { Shown::of_node(&Credentials::load(at)?, now_s) } else { Shown::of_file(at, now_s)? };
    out.event(certificate("certificate", &shown));
    say(out, &page_of(&shown));
    Ok(())
}

fn certificate(event: &str, shown: &Shown) -> Line {
    let line = Line::new(event).text("node", &shown.name).text("role", shown.proven.role.name());
    let line = line.text("id", &format!("{:032x}", shown.proven.id)).text("state", shown.state.name());
    let line = line.text("serial", &format!("{:032x}", shown.proven.serial)).text("fingerprint", &shown.fingerprint);
    let line = line.text("from", &date(shown.proven.from_s)).text("until", &date(shown.proven.until_s));
    line.maybe("cluster", shown.cluster.as_deref())
}

fn line_of(shown: &Shown) -> String {
    let Shown { name, proven, state, .. } = shown;
    let until = date(proven.until_s);
    let state = match state {
        State::Valid => format!("valid until {until}"),
        State::Expired => format!("expired {until}"),
        State::NotYet => format!("valid from {}", date(proven.from_s)),
        State::Revoked => "revoked".to_owned(),
    };
    format!("{name}  {}  {state}  {:032x}", proven.role, proven.id)
}

fn page_of(shown: &Shown) -> String {
    let Shown { name, proven, state, fingerprint, cluster } = shown;
    let cluster = cluster.as_ref().map(|cluster| format!("cluster      {cluster}\n")).unwrap_or_default();
    format!(
        "node         {name}\nrole         {}\n{cluster}identity     {:032x}\nvalid from   {}\nvalid until  {}\nstate        \
         {}\nserial       {:032x}\nfingerprint  {fingerprint}",
        proven.role,
        proven.id,
        date(proven.from_s),
        date(proven.until_s),
        state.name(),
        proven.serial
    )
}
