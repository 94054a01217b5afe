//! What can be said of growth by looking closer: folds that pass on numbers which only grow, and sets of which all is there
//! when a threshold is met.

use std::collections::BTreeSet;

use crate::check::facts::Derivation;
use crate::check::facts::Observation;
use crate::check::facts::Operation;
use crate::check::facts::VariableId;
use crate::coordination::model::Model;
use crate::library::Verb;
use crate::value::kind::Type;
use crate::value::term::Term;

/// Whether the derivation is a fold of numbers that only grow which passes each of them on as it is, so that what it
/// contributes only grows too: `fun(Count) -> {increment, Count} end`. That its sources do not shrink is for the caller to know.
pub(crate) fn passes_on(model: &Model<'_>, derivation: &Derivation) -> bool {
    let number = |variable: VariableId| {
        matches!(model.kind(variable), Some(Type::GCounter | Type::Counter | Type::LexCounter | Type::MaxInt))
    };
    let mut sources = derivation.sources.iter().flat_map(|source| model.possible(source));
    let mut functions = derivation.functions.iter();
    let (Verb::Fold, Some(function), None) = (derivation.verb, functions.next(), functions.next()) else {
        return false;
    };
    let counts = derivation.destination.known.iter().all(|to| model.kind(*to).is_some_and(counts_up));
    let text = function.span.map(|span| (model.text)(span).0).unwrap_or_default();
    counts && sources.all(number) && increments_by_its_argument(&text)
}

/// Whether increments are all that the type's numbers know, or what its places do.
fn counts_up(kind: &Type) -> bool {
    match kind {
        Type::GCounter | Type::Counter | Type::LexCounter => true,
        Type::Pair(kinds) => counts_up(&kinds.0) || counts_up(&kinds.1),
        Type::GMap(kind) => counts_up(kind),
        _ => false,
    }
}

/// Whether a function of one name has it in one place, as the amount of an increment. No branch can hang on it then.
fn increments_by_its_argument(text: &str) -> bool {
    let Some((name, body)) = text.strip_prefix("fun(").and_then(|rest| rest.split_once(") ->")) else { return false };
    let is_name = name.starts_with(char::is_uppercase) && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let uses = body.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| *word == name).count();
    is_name && uses == 1 && body.replace(' ', "").contains(&format!("{{increment,{name}}}"))
}

/// Whether the threshold is met only once everything is in the set that the program ever adds to it.
pub(crate) fn is_whole(model: &Model<'_>, variable: VariableId, seen: &Observation) -> bool {
    let set = model.kind(variable).is_some_and(Type::is_set);
    let shrinks = model.shrinks.get(variable.0 as usize).is_none_or(Option::is_some);
    if !set || shrinks || model.feeding(variable).next().is_some() {
        return false;
    }
    let mut elements: BTreeSet<Term> = BTreeSet::new();
    for update in model.updates_of(variable) {
        if update.operations.is_empty() {
            return false;
        }
        for operation in &update.operations {
            let Some(more) = added(operation) else { return false };
            elements.extend(more);
        }
    }
    let threshold = seen.threshold.as_ref();
    match threshold.and_then(Term::as_tuple) {
        Some([_, count]) => {
            count.as_int().is_some_and(|count| usize::try_from(count).is_ok_and(|count| count >= elements.len()))
        }
        _ => false,
    }
}

/// The elements that an operation adds, where they are known.
fn added(operation: &Operation) -> Option<Vec<Term>> {
    let [word, operand] = operation.term.as_ref()?.as_tuple()? else { return None };
    let adds = *word == Term::atom("add") || *word == Term::atom("add_all");
    adds.then(|| operand.to_vec().unwrap_or_else(|| vec![operand.clone()]))
}
