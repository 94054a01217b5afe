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
    /// A program that gets this code when it is checked or run; empty where no program can show it.
    pub wrong: &'static str,
    /// The same, mended.
    pub right: &'static str,
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
