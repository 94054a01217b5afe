//! `lasp repl`: what is typed runs on a node, alone or among peers, and what changes is shown.
//!
//! The node runs on the thread that [`fn@run`] is called on; lines come from a thread of their own: an editor on a terminal, a
//! plain reader otherwise. After each text the reader waits until it has been evaluated.

mod batch;
mod command;
mod complete;
mod editor;

use std::collections::VecDeque;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::mpsc as channel;
use std::time::Duration;

use clap::ColorChoice;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::cli::arguments::Repl;
use crate::cli::data;
use crate::cli::driver::Control;
use crate::cli::driver::Driver;
use crate::cli::driver::Happened;
use crate::cli::effects;
use crate::cli::exit::Exit;
use crate::cli::out::Out;
use crate::cli::program;
use crate::cli::program::Program;
use crate::cli::program::Wanted;
use crate::cli::repl::command::Command;
use crate::cli::repl::complete::Names;
use crate::cli::run;
use crate::cli::run::Joined;
use crate::cli::signals;
use crate::cli::stdout;
use crate::net::Network;
use crate::node::Final;
use crate::node::Input;
use crate::node::Progress;
use crate::node::Waiting;
use crate::node::Writers;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::FileId;
use crate::syntax::parse_line;
use crate::syntax::tree::FormNode;
use crate::value::term::Term;

/// How long a batch stays for its peers at the end.
const STAY: Duration = Duration::from_secs(2);

/// Two presses of Ctrl-C so close to each other are meant for the prompt, and not each for what it evaluates.
const AGAIN: Duration = Duration::from_secs(1);

/// The thread that lines come from: where it sends them, and how it learns that it may send the next.
pub(super) struct Reader {
    pub(super) lines: mpsc::UnboundedSender<Control>,
    pub(super) ready: channel::Receiver<()>,
}

/// Runs the prompt until it is left.
#[must_use]
pub fn run(arguments: &Repl, color: ColorChoice) -> Exit {
    prompt(arguments, color).unwrap_or_else(|exit| exit)
}

fn prompt(arguments: &Repl, color: ColorChoice) -> Result<Exit, Exit> {
    let mut out = Out::new(color, false, false);
    let program = match &arguments.file {
        Some(file) => Program::read(&out, file)?,
        None => Program { name: "prompt".into(), folders: vec![std::path::PathBuf::new()], ..Program::default() },
    };
    let names = Names::default();
    let interactive = std::io::stdin().is_terminal();
    let editor = if interactive { Some(editor::open(&out, &names)?) } else { None };
    if let Some((_, Some(printer))) = &editor {
        out.set_printer(printer.clone().into_printer());
    }
    let out = Arc::new(out);
    let runtime = run::runtime(&out)?;
    let (sender, control) = mpsc::unbounded_channel();
    signals::pass_on(runtime.handle(), vec![sender.clone()], signals::Asks::Stop(AGAIN));
    let Joined { name, identity, wire, mut store, deciders } =
        run::join(&out, &arguments.membership, runtime.handle())?;
    let settings = arguments.membership.settings.clone();
    let wanted = Wanted { name: name.clone(), replica: 0, identity, settings, until: None, watch: true };
    let mut node = program::node(&out, &program, wanted)?;
    if let Some(store) = &mut store {
        data::restore(&out, &mut node, store, identity)?;
    }
    let mut driver = Driver::new(node, name, out.clone(), program, wire, control, runtime.handle().clone());
    driver.store = store;
    effects::decide(&mut driver, &out, &arguments.membership, deciders, &[])?;
    let (ready, wait) = channel::channel();
    let reader = Reader { lines: sender, ready: wait };
    match editor {
        Some((editor, _)) => editor::start(editor, reader),
        None => batch::start(reader),
    }
    let mut prompt = Prompt {
        driver,
        out,
        ready,
        names,
        interactive,
        evaluating: true,
        started: false,
        failed: false,
        told: false,
        closed: false,
        more: VecDeque::new(),
    };
    let exit = prompt.serve();
    prompt.driver.close();
    stdout::finish();
    runtime.shutdown_timeout(Duration::from_millis(100));
    Ok(exit)
}

/// The node's side of the prompt.
struct Prompt {
    driver: Driver,
    out: Arc<Out>,
    ready: channel::Sender<()>,
    names: Names,
    interactive: bool,
    /// Whether a text, or at the start the program, is being evaluated.
    evaluating: bool,
    /// Whether the program has had its turn.
    started: bool,
    /// Whether anything went wrong.
    failed: bool,
    /// Whether it was told that the evaluation waits.
    told: bool,
    /// Whether there are no more lines.
    closed: bool,
    /// What was typed with what is being evaluated, and comes after it.
    more: VecDeque<String>,
}

impl Prompt {
    fn serve(&mut self) -> Exit {
        loop {
            self.driver.node.tell_derived_only(self.evaluating);
            let (_, happened) = self.driver.turn();
            for event in happened {
                match event {
                    Happened::Evaluated { value, current } => self.evaluated(value.as_ref(), current.as_ref()),
                    Happened::Told(Control::Typed(text)) => {
                        if !self.typed(&text) {
                            return self.leave();
                        }
                    }
                    Happened::Told(Control::Interrupt) if self.started && self.evaluating => {
                        self.driver.input(Input::Cancel);
                    }
                    Happened::Told(Control::Interrupt) if !self.interactive => return Exit::Interrupted,
                    Happened::Told(Control::Terminate) => return Exit::Interrupted,
                    Happened::Told(Control::Closed) if self.interactive => return Exit::Done,
                    Happened::Told(Control::Closed) => self.closed = true,
                    Happened::Broken(error) => return run::broken(&self.out, Some(&self.driver.name), &error),
                    Happened::Unsaved(error) => return data::unusable(&self.out, Some(&self.driver.name), &error),
                    Happened::Told(_) => {}
                }
            }
            // What was just given to the node may not have been looked at yet.
            if self.driver.idle() {
                self.rest();
                if self.closed && self.is_over() {
                    return self.leave();
                }
            }
            self.driver.wait(None);
        }
    }

    /// The node has nothing to do now.
    fn rest(&mut self) {
        if !self.started {
            self.started = true;
            self.next();
            return;
        }
        let alone = self.driver.network().is_none();
        if !self.evaluating || self.told || !self.driver.node.quiescent() || !(alone || self.interactive) {
            return;
        }
        self.told = true;
        for waiting in self.driver.node.status().waiting {
            if waiting.typed || self.interactive {
                self.out.status(&format!("waiting: {}", waiting.text));
            }
        }
        if self.interactive {
            self.out.status("(Ctrl-C gives up)");
        } else {
            // What comes next may be what it waits for.
            self.out.status("(the lines that follow go on meanwhile)");
            self.next();
        }
    }

    /// Whether nothing is left to wait for after the last line: a node among peers leaves at once, one that is alone when
    /// what was typed has come to its end, or never will.
    fn is_over(&mut self) -> bool {
        let status = self.driver.node.status();
        self.driver.network().is_some() || status.quiescent || !status.waiting.iter().any(|waiting| waiting.typed)
    }

    /// Lets the reader go on.
    fn next(&mut self) {
        self.told = false;
        if let Some(text) = self.more.pop_front() {
            self.evaluating = true;
            self.driver.input(Input::Typed { text });
            return;
        }
        self.evaluating = false;
        self.names.set(self.driver.node.session());
        // A reader that has ended needs nothing.
        let _ = self.ready.send(());
    }

    fn evaluated(&mut self, value: Option<&Term>, current: Option<&Term>) {
        match (value, current) {
            (None, _) => {
                self.failed = true;
                self.more.clear();
            }
            (Some(_), Some(shown)) | (Some(shown), None) => self.out.data(&format!("{shown}\n")),
        }
        // It may have been an earlier text, which has waited until now.
        if self.evaluating && !self.driver.node.typed_goes_on() {
            self.next();
        }
    }

    /// Does what a text says; false when it says to leave.
    fn typed(&mut self, text: &str) -> bool {
        match Command::read(text) {
            None => {
                self.more = statements(text).into();
                self.next();
                return true;
            }
            Some(Ok(Command::Quit)) => return false,
            Some(Ok(Command::Sync)) => {
                let behind = self.driver.node.views_behind();
                let said = if behind.is_empty() {
                    "every view that can be taken follows its server".to_owned()
                } else {
                    format!("taken as another server has it: {}", behind.join(", "))
                };
                self.out.status(&said);
                self.driver.input(Input::Sync);
            }
            Some(Ok(Command::Help)) => self.out.data(command::HELP),
            Some(Ok(Command::Vars)) => {
                let variables = self.driver.node.finals();
                for (name, value) in self.driver.node.bound_names() {
                    let variable = variables.iter().find(|variable| variable.name == name);
                    self.out.data(&match variable {
                        Some(Final { value, kind, value_bytes, metadata_bytes, .. }) => {
                            format!(
                                "{name} = {value}   % {kind}, {value_bytes} bytes, metadata {metadata_bytes} bytes\n"
                            )
                        }
                        None => format!("{name} = {value}\n"),
                    });
                }
                let Writers { lanes, bytes } = self.driver.node.writers();
                if lanes > 0 {
                    let plural = if lanes == 1 { "replica has" } else { "replicas have" };
                    self.out.data(&format!("% {lanes} {plural} written, known in {bytes} bytes\n"));
                }
            }
            Some(Ok(Command::Load(path))) => match Program::read(&self.out, std::path::Path::new(&path)) {
                Ok(program) => {
                    self.evaluating = true;
                    self.driver.input(Input::Typed { text: program.text });
                    return true;
                }
                Err(_) => self.failed = true,
            },
            Some(Err(help)) => {
                self.failed = true;
                self.out.status(&help);
            }
        }
        self.next();
        true
    }

    fn leave(&mut self) -> Exit {
        if self.interactive {
            return Exit::Done;
        }
        self.stay();
        let waiting = self.driver.node.status().waiting;
        let given_up: Vec<&Waiting> = waiting.iter().filter(|waiting| waiting.typed).collect();
        for waiting in &given_up {
            let diagnostic = Diagnostic::error("E0805", "what was typed waits for ever, and is given up");
            let diagnostic = diagnostic.at(waiting.span, waiting.text.as_str());
            self.out.diagnostic(Some(&self.driver.name), self.driver.node.files(), &diagnostic);
        }
        match (self.failed, given_up.is_empty()) {
            (true, _) => Exit::Failed,
            (false, true) => Exit::Done,
            (false, false) => Exit::Waits,
        }
    }

    /// Gives the peers what they have not got yet, for a bounded time.
    fn stay(&mut self) {
        let until = Instant::now() + STAY;
        while self.driver.network().is_some_and(|network: &Network| network.links() > 0) && Instant::now() < until {
            let (progress, _) = self.driver.turn();
            let status = self.driver.node.status();
            if progress == Progress::Idle && status.quiescent && status.agreeing == status.peers {
                return;
            }
            self.driver.wait(Some(until.min(Instant::now() + Duration::from_millis(20))));
        }
    }
}

/// The statements of a text, each by itself, so that the value of each is shown; a text that defines functions, which may call each
/// other, or that has a mistake, stays one.
fn statements(text: &str) -> Vec<String> {
    let parsed = parse_line(FileId::default(), text);
    let forms = &parsed.tree.forms;
    let sound = parsed.diagnostics.is_empty() && forms.iter().all(|form| matches!(form.node, FormNode::Statement(_)));
    if !sound || forms.len() < 2 {
        return vec![text.to_owned()];
    }
    forms.iter().map(|form| format!("{}.", parsed.tree.slice(form.range))).collect()
}
