//! The class of every operator, look and update: how it gets on with order.

use std::collections::BTreeSet;

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
    /// The program could not be followed so far.
    Unknown,
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
            Class::Unknown => "unknown",
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
    // A call that may be refused looks and changes; it is told as what it changes.
    all.extend(model.facts.updates.iter().map(|update| {
        let point = points.iter().find(|point| point.span == update.span);
        let what = format!("{} {}", verb_name(update.verb), names(model, &update.variables));
        let why = point.map_or("the order of updates does not matter", |point| point.kind.name());
        let class = if point.is_some() { Class::Order } else { Class::Safe };
        Classed { span: update.span, what, class, why: why.to_owned() }
    }));
    let looks = model.facts.observations.iter().filter(|seen| !matches!(seen.verb, Verb::TryUpdate | Verb::Declare));
    all.extend(looks.map(|seen| look(model, seen, points)));
    let told: BTreeSet<Span> = all.iter().map(|classed| classed.span).collect();
    let others = model.order.verbs().filter(|(span, _)| !told.contains(span));
    all.extend(others.filter_map(|(span, verb)| plain(model, span, verb)));
    all.sort_by_key(|classed| classed.span);
    all.dedup_by_key(|classed| classed.span);
    all
}

/// The class of a call that says nothing of variables, or to which nothing comes.
fn plain(model: &Model<'_>, span: Span, verb: Verb) -> Option<Classed> {
    let (class, why) = match role(verb) {
        Role::Neither => return None,
        Role::Settled(class, why) => (class, why),
        Role::Followed if model.facts.complete => (Class::Settled, "nothing in the program comes to this place"),
        Role::Followed => (Class::Unknown, "the program could not be followed to this place"),
    };
    Some(Classed { span, what: verb_name(verb), class, why: why.to_owned() })
}

/// What a verb has to do with order.
enum Role {
    /// Derives, looks, waits or changes: the facts say of each call that is come to how it does.
    Followed,
    /// Looks or waits, and always in the same way.
    Settled(Class, &'static str),
    /// Neither derives, nor looks, nor waits, nor changes a variable.
    Neither,
}

/// What each verb has to do with order. A new one has to be given a place here.
fn role(verb: Verb) -> Role {
    match verb {
        Verb::Update | Verb::TryUpdate | Verb::Bind | Verb::BindTo => Role::Followed,
        Verb::Map | Verb::Filter | Verb::Union | Verb::Intersection | Verb::Product | Verb::Difference => {
            Role::Followed
        }
        Verb::Fold | Verb::FoldDynamic | Verb::Join | Verb::GroupBy | Verb::Sql => Role::Followed,
        Verb::Query | Verb::Read | Verb::ReadAny | Verb::WaitNeeded => Role::Followed,
        Verb::Invariant | Verb::Stream | Verb::EnforceOnce => Role::Followed,
        Verb::Nodes | Verb::Converged | Verb::NowMs | Verb::Random => Role::Followed,
        Verb::Node | Verb::Replica | Verb::Role | Verb::Arg => {
            Role::Settled(Class::Settled, "the same all the time on one node")
        }
        Verb::CsvRead | Verb::JsonRead | Verb::EachLine => {
            Role::Settled(Class::Settled, "what is in the file, whoever else does anything")
        }
        Verb::Once => Role::Settled(Class::Safe, "the first time on each node, in every order"),
        Verb::Sleep => Role::Settled(Class::Settled, "waits for time alone: nothing need have arrived after it"),
        Verb::Every => Role::Settled(Class::Settled, "how often is a matter of time; what it does is told by itself"),
        Verb::Atomically => Role::Settled(Class::Safe, "everywhere all of it or nothing"),
        Verb::Declare | Verb::DeclareDynamic | Verb::Thread => Role::Neither,
        Verb::Print | Verb::Format | Verb::Assert => Role::Neither,
        Verb::Interested | Verb::Disinterested | Verb::SetTopic | Verb::RemoveTopic => Role::Neither,
    }
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
    let shrinking =
        derivation.sources.iter().flat_map(|source| model.possible(source)).find(|source| model.can_shrink(*source));
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
        (Verb::Sql, ..) if derivation.sources.len() == 1 => (Class::Morphism, "row by row".to_owned()),
        _ => (Class::Monotone, "grows when its sources do".to_owned()),
    };
    Classed { span: derivation.span, what, class, why }
}

fn look(model: &Model<'_>, seen: &Observation, points: &[Point]) -> Classed {
    let mut what = verb_name(seen.verb);
    let point = points.iter().find(|point| point.span == seen.span);
    if let Role::Settled(class, why) = role(seen.verb) {
        let (class, why) = point.map_or((class, why), |point| (Class::Order, point.kind.name()));
        return Classed { span: seen.span, what, class, why: why.to_owned() };
    }
    if !matches!(seen.verb, Verb::Nodes | Verb::Converged | Verb::NowMs | Verb::Random) {
        what = format!("{what} {}", names(model, &seen.variables));
    }
    if let Some(threshold) = &seen.threshold {
        what = format!("{what} at {threshold}");
    }
    let (class, why) = match (point, seen.verb) {
        (Some(point), _) => (Class::Order, point.kind.name()),
        (None, Verb::Read | Verb::Invariant | Verb::EnforceOnce) => (Class::Safe, "once met, it stays met"),
        (None, Verb::ReadAny) if model.varying.contains(&seen.id) => {
            (Class::Safe, "which of them was met first is not used, and what is met stays met")
        }
        (None, Verb::ReadAny) => (Class::Safe, "once met, it stays met"),
        (None, Verb::WaitNeeded) => (Class::Safe, "waits for a reader on this node, or for what stays met"),
        (None, _) if seen.uses.is_empty() => (Class::Settled, "what it sees is not used"),
        (None, Verb::Query) if model.varying.contains(&seen.id) => {
            (Class::Safe, "every replica copies what it adds: together they come to the same")
        }
        (None, _) => (Class::Settled, "nothing that others do can change what it sees"),
    };
    Classed { span: seen.span, what, class, why: why.to_owned() }
}
