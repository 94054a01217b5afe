//! The coordination report: where timing can change what a program comes to, found without running it.
//!
//! Reads the facts of the checker ([`Facts`]) and says of each operator, read and update how it gets on with order; each point
//! of order comes with the way through the dataflow that makes it one and with the cheapest repair. The anchors are Bloom's
//! points of order, `BloomL`'s monotone functions, Blazes' paths and the invariant analyses of IPA and Lucy. Whether a point
//! shows in a run is for the simulator to find out (`sim::confirm`); this module runs nothing.

mod asked;
mod change;
mod classes;
mod copies;
pub mod edits;
mod growing;
mod model;
mod order;
mod points;
mod repair;
mod tasks;
mod writes;

pub use asked::Asked;
pub use classes::Class;
pub use classes::Classed;
pub use order::Order;

use crate::check::facts::Facts;
use crate::coordination::edits::Edit;
use crate::coordination::model::Model;
use crate::source::span::Span;

/// What the report says of one program, in order of the text.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The class of every operator, look and update.
    pub classes: Vec<Classed>,
    /// Where timing can change an outcome.
    pub points: Vec<Point>,
    /// What is no matter of timing, but may surprise.
    pub notes: Vec<Note>,
    /// Whether the whole program was followed. When not, there may be points that are not listed.
    pub complete: bool,
}

/// What kind of point it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A value here and now, which goes somewhere.
    Query,
    /// A threshold over what can shrink.
    Threshold,
    /// A threshold that says less than the value with which it was met.
    Value,
    /// Every change as it is seen here.
    Stream,
    /// The first of several.
    Race,
    /// Who is connected.
    Membership,
    /// The time of day.
    Clock,
    /// Chance.
    Chance,
    /// A look that decides on a change of what was looked at.
    CheckThenAct,
    /// Several replicas put a value in one place.
    Assignment,
    /// The next value hangs on the one that is seen.
    ReadModifyWrite,
    /// What is taken back is what was seen.
    Removal,
    /// Rights may not have arrived.
    Refusal,
}

impl Kind {
    /// All kinds.
    pub const ALL: &[Kind] = &[
        Kind::Query,
        Kind::Threshold,
        Kind::Value,
        Kind::Stream,
        Kind::Race,
        Kind::Membership,
        Kind::Clock,
        Kind::Chance,
        Kind::CheckThenAct,
        Kind::Assignment,
        Kind::ReadModifyWrite,
        Kind::Removal,
        Kind::Refusal,
    ];

    /// Its name, in reports and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Query => "query",
            Kind::Threshold => "threshold",
            Kind::Value => "value",
            Kind::Stream => "stream",
            Kind::Race => "race",
            Kind::Membership => "membership",
            Kind::Clock => "clock",
            Kind::Chance => "chance",
            Kind::CheckThenAct => "check-then-act",
            Kind::Assignment => "assignment",
            Kind::ReadModifyWrite => "read-modify-write",
            Kind::Removal => "removal",
            Kind::Refusal => "refusal",
        }
    }

    /// Whether it is a change, which shows in values at the end, rather than a look.
    #[must_use]
    pub fn is_change(self) -> bool {
        matches!(self, Kind::Assignment | Kind::ReadModifyWrite | Kind::Removal | Kind::Refusal)
    }
}

/// A point of order: a place where timing can change an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// What kind.
    pub kind: Kind,
    /// The verb's place.
    pub span: Span,
    /// The name, in the text, of the variable that it is about, if it is about one.
    pub variable: Option<String>,
    /// The way through the dataflow, from the source to the look: `S`, `filter`, `T`, `read`.
    pub path: Vec<String>,
    /// Why timing matters here: a sentence or two.
    pub why: String,
    /// What to do about it, and the line to write.
    pub repair: Repair,
}

/// The cheapest thing to do about a point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// What it comes to, in a sentence.
    pub text: String,
    /// What to write.
    pub write: Writing,
}

/// What a repair has to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writing {
    /// The design has to change: lines to begin with.
    Lines(Vec<String>),
    /// Edits of the text after which the point is gone.
    Edits(Vec<Edit>),
}

/// What is no matter of timing, but may surprise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The place.
    pub span: Span,
    /// What there is to say.
    pub text: String,
    /// What to write instead, if it is not meant.
    pub line: String,
}

/// Says where timing can change what a program comes to. `text` gives what stands at a place of the program, and its line.
#[must_use]
pub fn report(facts: &Facts, order: &Order, text: &dyn Fn(Span) -> (String, u32)) -> Report {
    let model = Model::new(facts, order, text);
    let mut points = points::points(&model);
    points.extend(writes::points(&model));
    points.extend(tasks::points(&model));
    points.sort_by_key(|point| (point.span, point.kind));
    points.dedup_by_key(|point| (point.span, point.kind));
    let classes = classes::classes(&model, &points);
    Report { classes, points, notes: points::notes(&model), complete: facts.complete }
}
