//! Reading programs, and making nodes of them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use crate::cli::exit::Exit;
use crate::cli::literal;
use crate::cli::out::Out;
use crate::compile::Session;
use crate::lattice::dot::ReplicaId;
use crate::node::Node;
use crate::node::Settings;
use crate::source::diagnostic::Diagnostic;
use crate::source::diagnostic::Severity;
use crate::syntax::parser::TEXT_BYTES_MAX;
use crate::value::term::Term;
use crate::vm::Machine;
use crate::vm::Outcome;
use crate::vm::Unit;

/// A program's text, and where its files are looked for.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// As messages show it.
    pub name: String,
    /// The text.
    pub text: String,
    /// The folders for relative paths, in order.
    pub folders: Vec<PathBuf>,
}

impl Program {
    /// Reads a program; `-` is standard input. What is wrong is told.
    ///
    /// # Errors
    /// When it cannot be read (usage) or is no text (unsound).
    pub fn read(out: &Out, path: &Path) -> Result<Program, Exit> {
        let stdin = path == Path::new("-");
        let name = if stdin { "standard input".to_owned() } else { path.display().to_string() };
        // One more than a program may have tells that there is more; no file is taken into memory to find that out.
        let most = TEXT_BYTES_MAX as u64 + 1;
        let mut bytes = Vec::new();
        let read = if stdin {
            std::io::stdin().take(most).read_to_end(&mut bytes)
        } else {
            fs::File::open(path).and_then(|file| match file.metadata() {
                Ok(facts) if facts.is_file() && facts.len() >= most => Ok(TEXT_BYTES_MAX + 1),
                _ => file.take(most).read_to_end(&mut bytes),
            })
        };
        let length = read.map_err(|error| {
            out.error(None, "E0801", &format!("{name} cannot be read: {error}"), "");
            Exit::Usage
        })?;
        if length > TEXT_BYTES_MAX {
            out.error(None, "E0116", &format!("{name} is too large"), "A program has at most one gigabyte.");
            return Err(Exit::Unsound);
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            out.error(None, "E0802", &format!("{name} is not text"), &format!("Byte {at} is not UTF-8."));
            Exit::Unsound
        })?;
        let folder = path.parent().filter(|_| !stdin).map(Path::to_path_buf);
        Ok(Program { name, text, folders: folder.into_iter().chain([PathBuf::new()]).collect() })
    }

    /// Reads a file that the program asks for.
    ///
    /// # Errors
    /// With what the system says, when it is in none of the folders.
    pub fn file(&self, path: &str) -> Result<Vec<u8>, String> {
        let mut wrong = None;
        for folder in &self.folders {
            match fs::read(folder.join(path)) {
                Ok(bytes) => return Ok(bytes),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    wrong.get_or_insert(error.to_string());
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        Err(wrong.unwrap_or_else(|| "there is no such file".into()))
    }

    /// The files that texts of the program name, for nodes without a disk.
    #[must_use]
    pub fn named_files(&self) -> BTreeMap<String, Vec<u8>> {
        let texts = self.text.split('"').skip(1).step_by(2);
        texts.filter_map(|path| Some((path.to_owned(), self.file(path).ok()?))).collect()
    }
}

/// What is said about a node on the command line.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// Its number among replicas.
    pub replica: u32,
    /// This incarnation of it.
    pub identity: ReplicaId,
    /// `--set`.
    pub settings: Vec<(String, String)>,
    /// `--until`.
    pub until: Option<String>,
    /// Whether changes are told.
    pub watch: bool,
}

/// A program that was checked, and the expression to wait for.
pub struct Compiled {
    session: Session,
    library: Unit,
    unit: Unit,
    until: Option<Unit>,
}

/// Checks and compiles a program, and the expression after `--until`. What is wrong is told, as by the node of this name.
///
/// # Errors
/// When one of them does not parse or check, or the expression can never be true.
pub fn compile(out: &Out, program: &Program, node: Option<&str>, until: Option<&str>) -> Result<Compiled, Exit> {
    let (mut session, library) = Session::new();
    let (told, unit) = match session.program(&program.name, &program.text) {
        Ok((unit, warnings)) => (warnings, Some(unit)),
        Err(mistakes) => (mistakes, None),
    };
    told.iter().for_each(|told| out.diagnostic(node, &session.files, told));
    let Some(unit) = unit else {
        summary(out, told.iter().filter(|mistake| mistake.severity == Severity::Error).count());
        return Err(Exit::Unsound);
    };
    let until = until.map(|until| session.awaited("--until", until)).transpose().and_then(|until| {
        let never = until.as_ref().and_then(|until| never_true([&library, &unit], until));
        never.map_or(Ok(until), |never| Err(vec![never]))
    });
    match until {
        Ok(until) => Ok(Compiled { session, library, unit, until }),
        Err(mistakes) => {
            mistakes.iter().for_each(|mistake| out.diagnostic(node, &session.files, mistake));
            Err(Exit::Unsound)
        }
    }
}

/// How many steps an expression that asks for nothing may take before it counts as one that may become true.
const CONSTANT_STEPS: u64 = 100_000;

/// Why an expression that depends on nothing will never be true, unless it just says so: `false` waits for ever.
fn never_true(before: [&Unit; 2], until: &Unit) -> Option<Diagnostic> {
    let mut machine = Machine::new();
    for unit in before {
        machine.load(unit);
    }
    let forms = machine.load(until).forms;
    let mut task = machine.top_level(&forms);
    let mut steps = CONSTANT_STEPS;
    let told = |why: &str| {
        Diagnostic::error("E0810", format!("the expression after --until will never be true: {why}"))
            .help("write what is to become true, such as `query(S) == [1, 2]`")
    };
    match machine.run(&mut task, &mut steps) {
        Outcome::Done(value) if value.as_bool().is_none() => Some(told(&format!("it is {value}"))),
        // A name without a value may get one.
        Outcome::Failed(failure) if failure.code() != "E0510" => Some(told(&failure.diagnostic().title)),
        _ => None,
    }
}

/// Compiles a program and makes a node that is about to run it. What is wrong is told.
///
/// # Errors
/// As [`compile`].
pub fn node(out: &Out, program: &Program, wanted: Wanted) -> Result<Node, Exit> {
    let compiled = compile(out, program, Some(&wanted.name), wanted.until.as_deref())?;
    Ok(compiled.node(wanted))
}

impl Compiled {
    /// A node that is about to run it.
    #[must_use]
    pub fn node(self, wanted: Wanted) -> Node {
        let arguments: Vec<(String, Term)> =
            wanted.settings.iter().map(|(name, value)| (name.clone(), literal::value(value))).collect();
        // The last one of a name counts.
        let role = arguments.iter().rev().find(|(name, _)| name == "role").map(|(_, value)| value.clone());
        let settings = Settings {
            name: wanted.name,
            replica: wanted.replica,
            role: role.unwrap_or_else(|| Term::atom("undefined")),
            arguments: arguments.into_iter().rev().collect(),
            identity: wanted.identity,
            seed: random(),
            watch: wanted.watch,
        };
        let mut node = Node::new(settings, self.session, &self.library, &self.unit);
        if let Some(until) = &self.until {
            node.set_until(until);
        }
        node
    }
}

/// Says how many mistakes there are, when there are several.
pub fn summary(out: &Out, mistakes: usize) {
    if mistakes > 1 {
        out.status(&format!("{mistakes} mistakes"));
    }
}

/// Chance from the system.
#[must_use]
pub fn random() -> u64 {
    let mut bytes = [0; 8];
    // Without randomness there is no network either; a fixed seed only makes `random` predictable.
    let _ = getrandom::fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// A new incarnation of a node.
#[must_use]
pub fn incarnation(node: u128) -> ReplicaId {
    ReplicaId::of(node, random())
}
