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

/// Whether the text is an update by an increment that cannot be below 0: `update(V, {increment, N})`, also of a half of a pair,
/// with N made of numbers and `replica()` by `+` and `*`.
pub(crate) fn counts_up_only(text: &str) -> bool {
    let text = text.replace(' ', "");
    let Some((name, mut operation)) = text.strip_prefix("update(").and_then(|rest| rest.split_once(',')) else {
        return false;
    };
    while let Some(inner) = operation.strip_prefix("{fst,").or_else(|| operation.strip_prefix("{snd,")) {
        operation = inner;
    }
    let Some((amount, rest)) = operation.strip_prefix("{increment,").and_then(|amount| amount.split_once('}')) else {
        return false;
    };
    let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let is_sum = amount.replace("replica()", "0").chars().all(|c| c.is_ascii_digit() || "+*()".contains(c));
    is_name && is_sum && rest.chars().all(|c| "})".contains(c))
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
    let Some(threshold) = &seen.threshold else { return false };
    match (threshold.as_tuple(), threshold.to_vec()) {
        (Some([_, count]), _) => {
            count.as_int().is_some_and(|count| usize::try_from(count).is_ok_and(|count| count >= elements.len()))
        }
        (_, Some(asked)) => elements.iter().all(|element| asked.contains(element)),
        _ => false,
    }
}

/// The elements that an operation adds, where they are known.
fn added(operation: &Operation) -> Option<Vec<Term>> {
    let [word, operand] = operation.term.as_ref()?.as_tuple()? else { return None };
    let adds = *word == Term::atom("add") || *word == Term::atom("add_all");
    adds.then(|| operand.to_vec().unwrap_or_else(|| vec![operand.clone()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn increments_that_cannot_be_below_0_are_plain_to_see() {
        for up in ["update(S, {increment, 10 * (1 + replica())})", "update(S, {fst, {increment, replica()}})"] {
            assert!(counts_up_only(up), "{up}");
        }
        let unclear = ["update(S, {increment, N})", "update(S, {increment, 1 - 2})", "update(S, {decrement, 1})"];
        let hidden =
            ["update(S, case A of 1 -> Op; _ -> {increment, 1} end)", "update(S, element(1, {Op, {increment, 1}}))"];
        for other in unclear.into_iter().chain(hidden) {
            assert!(!counts_up_only(other), "{other}");
        }
    }

    #[test]
    fn a_fold_passes_on_its_argument_only_as_the_amount_itself() {
        assert!(increments_by_its_argument("fun(Count) -> {fst, {increment, Count}} end"));
        let others = [
            "fun(Count) -> {increment, 3 - Count} end",
            "fun(Count) when Count < 9 -> {increment, Count} end",
            "fun(Count) -> case Count of 1 -> []; _ -> {increment, Count} end end",
            "fun({Count, _}) -> {increment, Count} end",
        ];
        for other in others {
            assert!(!increments_by_its_argument(other), "{other}");
        }
    }
}
