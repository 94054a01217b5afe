//! Tasks of one node: which of them comes first where what arrives decides that.
//!
//! What a node has for itself alone, and what one replica alone changes, is in order as far as one task changes it, or several that
//! wait for nothing. Two that wait for different things come to it in either order.

use std::collections::BTreeSet;

use crate::check::facts::Dependence;
use crate::check::facts::Observation;
use crate::check::facts::Operation;
use crate::check::facts::VariableId;
use crate::coordination::Kind;
use crate::coordination::Point;
use crate::coordination::Repair;
use crate::coordination::Writing;
use crate::coordination::change::Change;
use crate::coordination::edits::arguments;
use crate::coordination::model::Model;
use crate::coordination::model::verb_name;
use crate::coordination::writes::Write;
use crate::coordination::writes::are_apart;
use crate::coordination::writes::has_one_owner;
use crate::coordination::writes::parts;
use crate::coordination::writes::writes;
use crate::library::Verb;
use crate::source::span::Span;
use crate::value::kind::Type;
use crate::value::term::Term;

/// The points that two tasks of one node make together.
pub(crate) fn points(model: &Model<'_>) -> Vec<Point> {
    let all = model.facts.variables.iter().flat_map(|variable| of_variable(model, variable.id));
    all.chain(model.facts.observations.iter().filter_map(|seen| once(model, seen))).collect()
}

/// What is waited for before: of the waits for something that others can bring.
fn waits<'a>(model: &'a Model<'_>, depends: &'a Dependence) -> impl Iterator<Item = &'a Observation> {
    let on = depends.control.iter().filter_map(|on| model.facts.observations.get(on.0 as usize));
    on.filter(|seen| {
        let waits = matches!(seen.verb, Verb::Read | Verb::ReadAny | Verb::Invariant | Verb::WaitNeeded);
        waits && model.possible(&seen.variables).into_iter().any(|variable| !model.is_local(variable))
    })
}

/// One of two places, with what it hangs on.
type Placed<'a> = (Span, &'a Dependence);

/// Whether two places are come to on one node in the order in which what they wait for arrives.
pub(crate) fn race(model: &Model<'_>, one: Placed<'_>, other: Placed<'_>) -> bool {
    let asked = |depends| -> BTreeSet<(BTreeSet<VariableId>, Option<Term>)> {
        let waits = waits(model, depends);
        waits.map(|seen| (seen.variables.known.clone(), seen.threshold.clone())).collect()
    };
    let (first, second) = (asked(one.1), asked(other.1));
    let sleeps = |place| model.order.verbs().any(|(span, verb)| verb == Verb::Sleep && model.order.before(span, place));
    // Whoever waits for nothing comes to its place in its first turn, or wakes at its time.
    let late = |asked: &BTreeSet<_>, place| !asked.is_empty() || sleeps(place);
    let apart = |one, other| match (model.order.owner(one), model.order.owner(other)) {
        (Some(one), Some(other)) => one != other,
        _ => false,
    };
    first != second
        && late(&first, one.0)
        && late(&second, other.0)
        && !apart(one.0, other.0)
        && !model.order.before(one.0, other.0)
        && !model.order.before(other.0, one.0)
}

fn of_variable(model: &Model<'_>, variable: VariableId) -> Vec<Point> {
    let all = writes(model, variable);
    let dynamic = model.facts.variable(variable).is_some_and(|variable| variable.dynamic);
    // What several replicas change is told of as such.
    if !dynamic && !has_one_owner(model, &all) {
        return Vec::new();
    }
    let kind = model.kind(variable);
    let found = all.iter().filter_map(|write| {
        let place = (write.update.span, &write.update.depends);
        let mut others = all.iter().filter(|other| race(model, place, (other.update.span, &other.update.depends)));
        let (other, found) = others.find_map(|other| Some((other, against(kind?, write, other)?)))?;
        Some(point(model, found, variable, write, other))
    });
    found.collect()
}

/// What it is of the first that does not get on with the second, where both are made on one node.
fn against(kind: &Type, write: &Write<'_>, other: &Write<'_>) -> Option<Kind> {
    let apart = match write.change {
        Change::TakeBack => are_apart(write.update, other.update),
        _ => parts(write).is_disjoint(&parts(other)),
    };
    if apart || kind.is_set() && are_of_others(write, other) {
        return None;
    }
    let same = write.update.operations == other.update.operations
        && matches!(write.update.operations.as_slice(), [Operation { term: Some(_), .. }]);
    match (write.change, other.change) {
        (Change::Assign, Change::Assign) if !same || matches!(kind, Type::Ivar) => Some(Kind::Assignment),
        (Change::TakeBack, other) if other != Change::TakeBack => Some(Kind::Removal),
        (Change::Modify, Change::Grow) => Some(Kind::ReadModifyWrite),
        (Change::Spend | Change::Give, Change::Grow | Change::Spend | Change::Give) => Some(Kind::Refusal),
        _ => None,
    }
}

/// Whether the elements of both are known, and never the same.
fn are_of_others(write: &Write<'_>, other: &Write<'_>) -> bool {
    let elements = |write: &Write<'_>| -> Option<BTreeSet<Term>> {
        let mut all = BTreeSet::new();
        for operation in &write.update.operations {
            let [word, operand] = operation.term.as_ref()?.as_tuple()? else { return None };
            match word.as_atom()? {
                "add" | "rmv" | "remove" => all.insert(operand.clone()),
                _ => return None,
            };
        }
        (!all.is_empty()).then_some(all)
    };
    elements(write).zip(elements(other)).is_some_and(|(one, other)| one.is_disjoint(&other))
}

fn point(model: &Model<'_>, kind: Kind, variable: VariableId, write: &Write<'_>, other: &Write<'_>) -> Point {
    let (name, update) = (model.name(variable), write.update);
    let why = format!(
        "on one node this and the update in line {} are made in the order in which what they wait for arrives",
        model.line(other.update.span)
    );
    let path = vec![verb_name(update.verb), name.clone()];
    let both = [(update.span, &update.depends), (other.update.span, &other.update.depends)];
    Point { kind, span: update.span, variable: Some(name), path, why, repair: in_one_task(model, both) }
}

/// Both waits first, in one task, and then what is done, in the order of the text.
fn in_one_task(model: &Model<'_>, mut both: [Placed<'_>; 2]) -> Repair {
    both.sort_by_key(|(span, _)| *span);
    let wait = |seen: &Observation| {
        let (name, limit) = (model.name(*seen.variables.known.first()?), seen.threshold.as_ref()?);
        Some(format!("read({name}, {limit})"))
    };
    let mut steps: Vec<String> = Vec::new();
    for (_, depends) in both {
        for step in waits(model, depends).filter_map(wait) {
            if !steps.contains(&step) {
                steps.push(step);
            }
        }
    }
    steps.extend(both.iter().map(|(span, _)| (model.text)(*span).0));
    let text = "Let one task wait for both and do them one after the other: then the order is the one that is written.";
    Repair { text: text.to_owned(), write: Writing::Lines(vec![format!("{}.", steps.join(", "))]) }
}

/// What is done once, by whichever task comes first, where the others would do something else.
fn once(model: &Model<'_>, seen: &Observation) -> Option<Point> {
    if seen.verb != Verb::Once {
        return None;
    }
    let text = (model.text)(seen.span).0;
    let [(_, key), (_, done)] = arguments(&text)[..] else { return None };
    let words = |text: &str| text.split_whitespace().collect::<String>();
    let mut others = model.facts.observations.iter().filter(|other| other.verb == Verb::Once);
    let other = others.find(|other| {
        let text = (model.text)(other.span).0;
        let another = match arguments(&text)[..] {
            [(_, same), (_, others)] => key == same && words(done) != words(others),
            _ => false,
        };
        another && race(model, (seen.span, &seen.depends), (other.span, &other.depends))
    })?;
    let why = format!(
        "whether this is done or what line {} would do under the same key hangs on what arrives first",
        model.line(other.span)
    );
    let path = vec![key.to_owned(), "once".to_owned()];
    let repair = in_one_task(model, [(seen.span, &seen.depends), (other.span, &other.depends)]);
    // A change: it shows in what comes of it, for the call itself sees nothing.
    Some(Point { kind: Kind::Assignment, span: seen.span, variable: None, path, why, repair })
}
