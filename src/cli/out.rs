//! Everything that is written: data on standard output, the rest on standard error, or both above the prompt.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use clap::ColorChoice;

use crate::cli::json::Line;
use crate::cli::stdout;
use crate::net::cause::Cause;
use crate::node::Final;
use crate::node::Writers;
use crate::source::diagnostic::Diagnostic;
use crate::source::diagnostic::Severity;
use crate::source::files::Files;
use crate::source::render::Style;
use crate::source::render::render;
use crate::source::span::Span;
use crate::value::kind::Type;
use crate::value::term::Term;

/// The most messages that are remembered so as not to say the same twice for several replicas.
const TOLD_MAX: usize = 10_000;

/// What is said of a table without rows by the check, and of an element that is none by the run.
const OF_NO_ROW: &str = "E0908";

/// Where a line goes when there is a prompt that must not be torn.
pub type Printer = Box<dyn FnMut(String) + Send>;

/// See the module.
pub struct Out {
    json: bool,
    style: Style,
    /// Several nodes write here: the same message of another node is not told again.
    several: bool,
    told: Mutex<BTreeSet<String>>,
    /// Where the check has warned of what the run would tell again.
    warned: Mutex<Vec<Span>>,
    /// Whether what was written last to standard output has not ended its line.
    open: AtomicBool,
    printer: Option<Mutex<Printer>>,
}

impl Out {
    /// Plain streams; `several` when more than one node writes here.
    #[must_use]
    pub fn new(color: ColorChoice, json: bool, several: bool) -> Out {
        Out {
            json,
            style: style(color),
            several,
            told: Mutex::default(),
            warned: Mutex::default(),
            open: AtomicBool::new(false),
            printer: None,
        }
    }

    /// Has all lines go through `printer`.
    pub fn set_printer(&mut self, printer: Printer) {
        self.printer = Some(Mutex::new(printer));
    }

    /// Whether standard output has one JSON object a line.
    #[must_use]
    pub fn json(&self) -> bool {
        self.json
    }

    /// Writes data, in lines of its own: a line that a program has left open is ended first.
    pub fn data(&self, text: &str) {
        if self.open.swap(false, Ordering::Relaxed) && self.printer.is_none() {
            self.write("\n");
        }
        self.write(text);
    }

    fn write(&self, text: &str) {
        if !self.through_printer(text) {
            stdout::write(text);
        }
    }

    /// Tells how things stand, in one line.
    pub fn status(&self, line: &str) {
        if !self.through_printer(&format!("{line}\n")) {
            stdout::write_status(line);
        }
    }

    fn through_printer(&self, text: &str) -> bool {
        let Some(printer) = &self.printer else { return false };
        let mut printer = printer.lock().unwrap_or_else(PoisonError::into_inner);
        printer(text.to_owned());
        true
    }

    /// Writes an event, when events are wanted.
    pub fn event(&self, line: Line) {
        if self.json {
            self.data(&(line.end() + "\n"));
        }
    }

    /// The program prints.
    pub fn print(&self, node: &str, text: &str, value: &Term) {
        if self.json {
            self.event(Line::new("print").text("node", node).term("value", value));
        } else {
            self.write(text);
            if !text.is_empty() {
                self.open.store(!text.ends_with('\n'), Ordering::Relaxed);
            }
        }
    }

    /// A variable has another value; `also` are other names of it.
    pub fn change(&self, node: &str, variable: &str, also: &[String], kind: &Type, value: &Term) {
        if self.json {
            let line = Line::new("change").text("node", node).text("variable", variable);
            let line = if also.is_empty() { line } else { line.texts("also", also) };
            self.event(line.text("type", kind.name()).term("value", value));
        } else {
            let names: Vec<&str> = std::iter::once(variable).chain(also.iter().map(String::as_str)).collect();
            self.data(&format!("{} = {value}\n", names.join(" = ")));
        }
    }

    /// A variable's value at the end, the same on these nodes and not there for others; at most so many of them are named.
    pub fn last_of(&self, nodes: &[&str], last: &Final, nodes_max: usize) {
        if self.json {
            let nodes: Vec<String> = nodes.iter().map(|node| (*node).to_owned()).collect();
            let line = final_event(nodes.first().map_or("", String::as_str), last);
            return self.event(line.texts("nodes", &nodes));
        }
        let more = if nodes.len() > nodes_max { ",.." } else { "" };
        let named = &nodes[..nodes.len().min(nodes_max)];
        self.data(&format!("{}@{}{more} = {}\n", last.name, named.join(","), last.value));
    }

    /// A variable's value at the end. `each` when every node has its own.
    pub fn last(&self, node: &str, last: &Final, each: bool) {
        if self.json {
            self.event(final_event(node, last));
        } else if each {
            self.data(&format!("{}@{node} = {}\n", last.name, last.value));
        } else {
            self.data(&format!("{} = {}\n", last.name, last.value));
        }
    }

    /// What a node keeps of the replicas that ever wrote: for programs alone.
    pub fn writers(&self, node: &str, writers: Writers) {
        if self.json {
            let line = Line::new("writers").text("node", node).number("replicas", writers.lanes as u64);
            self.event(line.number("metadata_bytes", writers.bytes as u64));
        }
    }

    /// How it stands with a peer.
    pub fn peer(&self, node: &str, peer: &str, state: &str, cause: Option<&Cause>) {
        let line = Line::new("peer").text("node", node).text("peer", peer).text("state", state);
        let line = line.maybe("reason", cause.map(|cause| cause.reason.as_str()));
        let line = line.maybe("help", cause.map(Cause::help).filter(|help| !help.is_empty()));
        self.event(line.maybe("code", cause.map(|cause| cause.code)));
        if self.several {
            return;
        }
        match cause {
            None => self.status(&format!("{state} {peer}")),
            Some(cause) => {
                let help = if cause.refused { cause.help() } else { "" };
                let help = if help.is_empty() { String::new() } else { format!("\n  help: {help}") };
                self.status(&format!("{state} {peer}: {} ({}){help}", cause.reason, cause.code));
            }
        }
    }

    /// A connection that was closed since the two have other neighbours: nothing for people, but who counts peers has to know.
    pub fn peer_unneeded(&self, node: &str, peer: &str, cause: &Cause) {
        let line = Line::new("peer").text("node", node).text("peer", peer).text("state", "ended");
        self.event(line.text("reason", &cause.reason));
    }

    /// A message about the program.
    pub fn diagnostic(&self, node: Option<&str>, files: &Files, diagnostic: &Diagnostic) {
        if diagnostic.severity == Severity::Warning && diagnostic.code == OF_NO_ROW {
            let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
            warned.extend(diagnostic.labels.first().map(|label| label.span));
        }
        let text = render(diagnostic, files, self.style);
        self.diagnostic_as(node, files, diagnostic, Some(&text));
    }

    /// A message of the run. That a table has no rows, of which the check has warned at a view, people are not told again of each
    /// element.
    pub fn report(&self, node: &str, files: &Files, diagnostic: &Diagnostic) {
        let warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let within = |place: &Span| diagnostic.labels.iter().any(|label| holds(label.span, *place));
        if diagnostic.code == OF_NO_ROW && warned.iter().any(within) {
            return self.diagnostic_as(Some(node), files, diagnostic, None);
        }
        self.diagnostic(Some(node), files, diagnostic);
    }

    /// The same, with a text of its own for people, or none.
    pub fn diagnostic_as(&self, node: Option<&str>, files: &Files, diagnostic: &Diagnostic, text: Option<&str>) {
        let event = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut line = Line::new(event).maybe("node", node).text("code", diagnostic.code);
        line = line.text("message", &diagnostic.title);
        if let Some(label) = diagnostic.labels.first() {
            let place = files.place(label.span);
            line = line.text("file", files.name(label.span.file));
            line = line.number("line", u64::from(place.line)).number("column", u64::from(place.column));
        }
        if !diagnostic.help.is_empty() {
            line = line.texts("help", &diagnostic.help);
        }
        self.event(line);
        if let Some(text) = text {
            self.status_once(text);
        }
    }

    /// Tells how things stand; of several nodes, only the first that says the same.
    pub fn status_once(&self, text: &str) {
        if self.several {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            if told.len() >= TOLD_MAX || !told.insert(text.to_owned()) {
                return;
            }
        }
        self.status(text.trim_end());
    }

    /// A message without a place.
    pub fn error(&self, node: Option<&str>, code: &'static str, title: &str, help: &str) {
        let diagnostic = Diagnostic::error(code, title);
        let diagnostic = if help.is_empty() { diagnostic } else { diagnostic.help(help) };
        self.diagnostic(node, &Files::default(), &diagnostic);
    }
}

/// Whether a place lies in another one.
fn holds(outer: Span, inner: Span) -> bool {
    outer.file == inner.file && outer.start <= inner.start && inner.end <= outer.end
}

fn final_event(node: &str, last: &Final) -> Line {
    let line = Line::new("final").text("node", node).text("variable", &last.name);
    let line = line.text("type", last.kind.name()).term("value", &last.value);
    let line = line.number("value_bytes", last.value_bytes as u64);
    line.number("metadata_bytes", last.metadata_bytes as u64)
}

/// How messages on standard error look.
fn style(color: ColorChoice) -> Style {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    Style { colour: colours(color), width: columns.unwrap_or(100), links: false }
}

/// Whether they are coloured.
fn colours(color: ColorChoice) -> bool {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    match color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            std::io::stderr().is_terminal()
                && set("NO_COLOR").is_none()
                && set("TERM").is_none_or(|term| term != "dumb")
        }
    }
}
