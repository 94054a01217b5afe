//! The catalogue of codes: `lasp explain E0102` prints from here. A code is never reused.

mod checks;
mod data;
mod effects;
mod names;
mod network;
mod run;
mod sql;
mod syntax;
mod tasks;
mod tools;
mod topics;
mod trust;
mod values;
mod verbs;

/// A code with its long form.
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    /// `E0102`.
    pub code: &'static str,
    /// The same plain words as the message's title, without particulars.
    pub title: &'static str,
    /// A few paragraphs: what it means, why it is so, what to write instead.
    pub text: &'static str,
    /// What brings it about.
    pub example: Example,
}

/// How a code comes about. What is shown has been tried: `tests/house.rs` runs the programs, `tests/explain.rs` types the rest.
#[derive(Clone, Copy, Debug)]
pub enum Example {
    /// Two programs.
    Program {
        /// It gets this code when it is checked or run.
        wrong: &'static str,
        /// The same, mended.
        right: &'static str,
    },
    /// What is typed at a shell, after `$ `, in an empty folder, and beneath each command some of the lines that then come, in any order;
    /// `..` stands for whatever is there. A command that ends in ` &` goes on beside the others.
    Session(&'static str),
    /// No few commands bring it about: a full disk, another machine's clock, a peer that lies. A test does.
    Test {
        /// The file of the test.
        file: &'static str,
        /// Its name.
        name: &'static str,
    },
}

impl Explanation {
    /// The wrong program and the right one, where programs show it.
    #[must_use]
    pub fn programs(&self) -> Option<(&'static str, &'static str)> {
        match self.example {
            Example::Program { wrong, right } => Some((wrong, right)),
            Example::Session(_) | Example::Test { .. } => None,
        }
    }
}

/// All of them, by code.
pub fn all() -> impl Iterator<Item = &'static Explanation> {
    syntax::CODES
        .iter()
        .chain(names::CODES)
        .chain(values::CODES)
        .chain(tasks::CODES)
        .chain(topics::CODES)
        .chain(checks::CODES)
        .chain(verbs::CODES)
        .chain(run::CODES)
        .chain(network::CODES)
        .chain(trust::CODES)
        .chain(data::CODES)
        .chain(effects::CODES)
        .chain(tools::CODES)
        .chain(sql::CODES)
}

/// The long form of `code`.
#[must_use]
pub fn explain(code: &str) -> Option<&'static Explanation> {
    all().find(|explanation| explanation.code.eq_ignore_ascii_case(code))
}
