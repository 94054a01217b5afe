//! The class of every operator, look and update: how it gets on with order.

use crate::check::facts::Derivation;
use crate::check::facts::Observation;
use crate::coordination::Point;
use crate::coordination::model::Model;
use crate::coordination::model::verb_name;
use crate::library::Verb;
use crate::source::span::Span;

/// How something gets on with order. In `BloomL`'s words: morphism, monotone, neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Distributes over what comes together: what it adds for one element depends on that alone.
    Morphism,
    /// Grows when its sources do.
    Monotone,
    /// Follows its sources exactly, also when they shrink.
    Exact,
    /// Shrinks when its right source grows.
    Antitone,
    /// A look or change that comes out the same in every order.
    Safe,
    /// What it sees cannot come out otherwise: it is this node's own, or complete by then, or goes nowhere.
    Settled,
    /// A point of order.
    Order,
}

impl Class {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Class::Morphism => "morphism",
            Class::Monotone => "monotone",
            Class::Exact => "exact",
            Class::Antitone => "antitone",
            Class::Safe => "safe",
            Class::Settled => "settled",
            Class::Order => "point of order",
        }
    }
}

/// One operator, look or update with its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classed {
    /// The place.
    pub span: Span,
    /// What it is: `filter S into T`.
    pub what: String,
    /// Its class.
    pub class: Class,
    /// Why, in a few words.
    pub why: String,
}

/// The classes, in order of the text.
pub(crate) fn classes(model: &Model<'_>, points: &[Point]) -> Vec<Classed> {
    let mut all: Vec<Classed> = model.facts.derivations.iter().map(|derivation| operator(model, derivation)).collect();
    all.extend(model.facts.observations.iter().filter_map(|seen| look(model, seen, points)));
    all.extend(model.facts.updates.iter().map(|update| {
        let point = points.iter().find(|point| point.span == update.span);
        let what = format!("{} {}", verb_name(update.verb), names(model, &update.variables));
        let why = point.map_or("the order of updates does not matter", |point| point.kind.name());
        let class = if point.is_some() { Class::Order } else { Class::Safe };
        Classed { span: update.span, what, class, why: why.to_owned() }
    }));
    all.sort_by_key(|classed| classed.span);
    all.dedup_by_key(|classed| classed.span);
    all
}

fn names(model: &Model<'_>, variables: &crate::check::facts::Variables) -> String {
    let mut names: Vec<String> = variables.known.iter().map(|variable| model.name(*variable)).collect();
    if variables.unknown || names.is_empty() {
        names.push("a variable".to_owned());
    }
    names.join(" | ")
}

fn operator(model: &Model<'_>, derivation: &Derivation) -> Classed {
    let sources: Vec<String> = derivation.sources.iter().map(|source| names(model, source)).collect();
    let verb = verb_name(derivation.verb);
    let what = format!("{verb} {} into {}", sources.join(", "), names(model, &derivation.destination));
    let shrinking = derivation
        .sources
        .iter()
        .flat_map(|source| model.possible(source))
        .find(|source| model.shrinks.get(source.0 as usize).is_some_and(Option::is_some));
    let lowered = derivation.destination.known.iter().find_map(|to| {
        let cause = model.shrinks.get(to.0 as usize)?.as_ref()?;
        (cause.span == derivation.span).then(|| cause.why.clone())
    });
    let (class, why) = match (derivation.verb, shrinking, lowered) {
        (Verb::Difference, ..) => (Class::Antitone, "shrinks when its right side grows".to_owned()),
        (_, Some(source), _) => (Class::Exact, format!("takes back what leaves {}", model.name(source))),
        (_, None, Some(why)) => (Class::Exact, why),
        (Verb::Map | Verb::Filter | Verb::Union | Verb::BindTo, ..) => {
            (Class::Morphism, "element by element".to_owned())
        }
        _ => (Class::Monotone, "grows when its sources do".to_owned()),
    };
    Classed { span: derivation.span, what, class, why }
}

fn look(model: &Model<'_>, seen: &Observation, points: &[Point]) -> Option<Classed> {
    let has_variables = matches!(
        seen.verb,
        Verb::Query
            | Verb::Read
            | Verb::ReadAny
            | Verb::Invariant
            | Verb::Stream
            | Verb::WaitNeeded
            | Verb::EnforceOnce
    );
    let timed = matches!(seen.verb, Verb::Nodes | Verb::Converged | Verb::NowMs | Verb::Random);
    if !has_variables && !timed {
        return None;
    }
    let mut what = verb_name(seen.verb);
    if has_variables {
        what = format!("{what} {}", names(model, &seen.variables));
    }
    if let Some(threshold) = &seen.threshold {
        what = format!("{what} at {threshold}");
    }
    let point = points.iter().find(|point| point.span == seen.span);
    let (class, why) = match (point, seen.verb) {
        (Some(point), _) => (Class::Order, point.kind.name().to_owned()),
        (None, Verb::Read | Verb::ReadAny | Verb::Invariant | Verb::EnforceOnce) => {
            (Class::Safe, "once met, it stays met".to_owned())
        }
        (None, Verb::WaitNeeded) => (Class::Safe, "waits for a reader on this node".to_owned()),
        (None, _) if seen.uses.is_empty() => (Class::Settled, "what it sees is not used".to_owned()),
        (None, _) => (Class::Settled, "nothing that others do can change what it sees".to_owned()),
    };
    Some(Classed { span: seen.span, what, class, why })
}
