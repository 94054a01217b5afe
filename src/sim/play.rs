//! Programs to be played: compiled once, with what they may read and who each replica is.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::compile::Session;
use crate::library::Verb;
use crate::node::Image;
use crate::sim::outcome::Outcome;
use crate::sim::schedule::Schedule;
use crate::sim::schedule::is_plain;
use crate::sim::small::small;
use crate::sim::stage::Stage;
use crate::source::diagnostic::Diagnostic;
use crate::source::files::Files;
use crate::value::term::Term;
use crate::vm::Unit;

/// How much work it may be to find out which files a program asks for.
const FILES_COST: u64 = 3_000_000;

/// The most casts that are listed: far more than anybody tries.
const CASTS_MAX: usize = 1000;

/// A program, compiled once, with what it may read.
#[derive(Clone)]
pub struct Play {
    /// Loaded once: a play makes nodes by the thousand.
    pub(crate) image: Image,
    name: String,
    text: String,
    unit: Unit,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// By number of replica; the last one is that of all further ones.
    roles: Vec<Term>,
    /// The names of nodes that the program asks for.
    names: Vec<String>,
    pub(crate) arguments: Vec<(String, Term)>,
}

impl Play {
    /// Compiles a program. `name` is what places are told with.
    ///
    /// # Errors
    /// What is wrong with the program.
    pub fn new(name: &str, text: &str) -> Result<Play, Vec<Diagnostic>> {
        let (mut session, library) = Session::new();
        let (unit, _warnings) = session.program(name, text)?;
        let image = Image::new(session, &library, &unit);
        let (name, text) = (name.to_owned(), text.to_owned());
        let files = BTreeMap::new();
        Ok(Play { image, name, text, unit, files, roles: Vec::new(), names: Vec::new(), arguments: Vec::new() })
    }

    /// The same program with no whole number in its text above `most`; none where there is no such number, or where it is not
    /// sound then.
    #[must_use]
    pub fn small(&self, most: u64) -> Option<Play> {
        let text = small(&self.text, most)?;
        let play = Play::new(&self.name, &text).ok()?;
        let (files, roles, names) = (self.files.clone(), self.roles.clone(), self.names.clone());
        Some(Play { files, roles, names, arguments: self.arguments.clone(), ..play })
    }

    /// Gives the program a file to read.
    pub fn file(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.files.insert(path.to_owned(), bytes.into());
    }

    /// The files that the program asks for, when everything goes on by itself, and was not given.
    #[must_use]
    pub fn missing_files(&self, replicas: usize) -> BTreeSet<String> {
        if ![Verb::CsvRead, Verb::JsonRead, Verb::EachLine].into_iter().any(|verb| self.uses(verb)) {
            return BTreeSet::new();
        }
        let mut stage = Stage::new(self, &Schedule::new(replicas), FILES_COST);
        stage.complete();
        stage.into_missing()
    }

    /// Sets what `arg(Name, Default)` gives; of `role` also `role()`.
    pub fn set(&mut self, name: &str, value: Term) {
        if name == "role" {
            self.roles = vec![value.clone()];
        }
        self.arguments.insert(0, (name.to_owned(), value));
    }

    /// Sets what `role()` gives, replica by replica; the last one is that of all further ones.
    pub fn set_roles(&mut self, roles: &[Term]) {
        self.roles = roles.to_vec();
    }

    /// Sets the names of nodes that the program asks for: so the first replicas are called, but `n3` is always the one with the number 3.
    pub fn set_names(&mut self, names: &[Term]) {
        let names = names.iter().filter_map(Term::as_atom);
        self.names = names.map(str::to_owned).collect();
    }

    /// The other roles, of those that the program asks for, that so many replicas may have together. Which replica has which makes a
    /// difference only where the program asks for replicas too.
    pub(crate) fn casts(&self, replicas: usize) -> Vec<Vec<Term>> {
        let plain = |role: &Term| role.as_atom().is_some_and(is_plain);
        if self.roles.len() < 2 || !self.roles.iter().all(plain) {
            return Vec::new();
        }
        let ordered = self.uses(Verb::Replica) || self.uses(Verb::Node);
        let mut casts: Vec<Vec<usize>> = vec![Vec::new()];
        for _ in 0..replicas {
            let longer = |cast: Vec<usize>| {
                let least = if ordered { 0 } else { cast.last().copied().unwrap_or(0) };
                (least..self.roles.len()).map(move |role| cast.iter().copied().chain([role]).collect())
            };
            casts = casts.into_iter().flat_map(longer).take(CASTS_MAX).collect();
        }
        let usual: Vec<Term> = (0..replicas).map(|number| self.role(number)).collect();
        let named = |cast: Vec<usize>| cast.into_iter().filter_map(|role| self.roles.get(role).cloned()).collect();
        casts.into_iter().map(named).filter(|cast| *cast != usual).collect()
    }

    /// What `node()` gives.
    pub(crate) fn node_name(&self, number: usize) -> String {
        let numbered = |name: &String| name.strip_prefix('n').and_then(|digits| digits.parse::<usize>().ok());
        let own = format!("n{number}");
        if self.names.contains(&own) {
            return own;
        }
        let earlier = (0..number).filter(|earlier| !self.names.contains(&format!("n{earlier}"))).count();
        let mut others = self.names.iter().filter(|name| numbered(name).is_none());
        others.nth(earlier).cloned().unwrap_or(own)
    }

    /// Whether the program's own text has a call of this verb.
    #[must_use]
    pub fn uses(&self, verb: Verb) -> bool {
        uses(&self.unit, verb)
    }

    /// The program's texts, to show places by.
    #[must_use]
    pub fn files(&self) -> &Files {
        self.image.files()
    }

    pub(crate) fn role(&self, number: usize) -> Term {
        let role = self.roles.get(number).or(self.roles.last());
        role.cloned().unwrap_or_else(|| Term::atom("undefined"))
    }

    /// Plays a schedule to its end. Steps that cannot be taken, such as a turn of a node without a task that can go on, are
    /// passed over.
    #[must_use]
    pub fn replay(&self, schedule: &Schedule) -> Outcome {
        let small = schedule.small.and_then(|most| self.small(most));
        small.as_ref().unwrap_or(self).played(schedule, u64::MAX).outcome()
    }

    /// The same, of this very program, with so much work at most. Says also how much it was; without an outcome where it would have been more.
    pub(crate) fn replay_within(&self, schedule: &Schedule, budget: u64) -> (Option<Outcome>, u64) {
        let mut stage = self.played(schedule, budget);
        let outcome = (!stage.is_cut()).then(|| stage.outcome());
        (outcome, stage.cost())
    }

    pub(crate) fn played(&self, schedule: &Schedule, budget: u64) -> Stage<'_> {
        let mut stage = Stage::new(self, schedule, budget);
        for step in &schedule.steps {
            stage.step(*step);
        }
        stage.complete();
        stage
    }
}

/// Whether the code has a call of this verb.
fn uses(unit: &Unit, verb: Verb) -> bool {
    unit.codes.iter().flat_map(|code| &code.verbs).any(|site| site.verb == verb)
}
