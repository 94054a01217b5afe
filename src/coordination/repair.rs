//! The cheapest repair of each kind of point, with the line to write.

use crate::check::facts::VariableId;
use crate::coordination::Kind;
use crate::coordination::Repair;
use crate::coordination::model::Model;
use crate::library::Verb;
use crate::value::kind::Type;
use crate::value::term::Term;

fn repair(text: impl Into<String>, line: impl Into<String>) -> Repair {
    Repair { text: text.into(), line: line.into() }
}

/// For what needs no variable.
pub(crate) fn plain(kind: Kind) -> Repair {
    match kind {
        Kind::Membership => repair(
            "Let every node contribute to a shared variable, and wait for what is needed of it.",
            "fold_dynamic(declare_dynamic(own, gset), fun(_) -> increment end, declare(present, gcounter))",
        ),
        Kind::Clock => repair(
            "Take the time once, where the data comes in, and carry it in the data.",
            "case replica() of 0 -> update(Started, {set, now_ms()}); _ -> read(Started) end",
        ),
        _ => repair(
            "Let one replica draw, and share what it drew.",
            "case replica() of 0 -> update(Drawn, {set, random(N)}); _ -> read(Drawn) end",
        ),
    }
}

/// For a query that goes somewhere.
pub(crate) fn query(model: &Model<'_>, variable: Option<VariableId>, name: &str) -> Repair {
    let kind = variable.and_then(|variable| model.kind(variable));
    let shrinks = variable.is_some_and(|variable| model.shrinks.get(variable.0 as usize).is_some_and(Option::is_some));
    if shrinks {
        return repair(
            "Derive what is needed, so that it follows every change; a query is for showing to people.",
            format!("D = map({name}, fun(X) -> .. end)"),
        );
    }
    let threshold = match kind {
        Some(kind) if kind.is_set() => "{cardinality, N}",
        Some(kind) if kind.is_counter() || matches!(kind, Type::MaxInt | Type::MinInt) => "{value, N}",
        Some(Type::Boolean | Type::EwFlag | Type::DwFlag) => "true",
        Some(kind) if kind.is_map() => "#{Key => T}",
        Some(Type::TopK(_)) => "{value, Score}",
        _ => "bound",
    };
    repair(
        "Wait until there is enough; what has been reached is then the same everywhere.",
        format!("read({name}, {threshold})"),
    )
}

/// For a threshold over what can shrink.
pub(crate) fn threshold(model: &Model<'_>, variable: VariableId, origin: VariableId, written: Option<&Term>) -> Repair {
    let (name, source) = (model.name(variable), model.name(origin));
    let threshold = written.map_or_else(|| "bound".to_owned(), ToString::to_string);
    match model.kind(origin) {
        Some(kind) if kind.is_set() && origin == variable => repair(
            format!("Add to a set that only grows whenever something is added to {source}, and wait for that."),
            format!("Ever{name} = declare(gset). read(Ever{name}, {threshold})"),
        ),
        Some(kind) if kind.is_set() => repair(
            format!("Derive {name} from a set that only grows: what has ever been in {source}."),
            format!("Ever{source} = declare(gset)."),
        ),
        Some(kind) if kind.is_counter() => repair(
            "Count up and down apart, and wait for the one that only grows.",
            format!("Up{source} = declare(gcounter)."),
        ),
        Some(Type::EwFlag | Type::DwFlag) => {
            repair("A flag that stays, once it is true.", format!("{source} = declare(boolean)."))
        }
        Some(Type::Window(_)) => repair(
            "Wait for all events ever, not for those of the window.",
            format!("All{source} = declare(gcounter). read(All{source}, {threshold})"),
        ),
        Some(kind) if kind.is_map() => repair("A map whose keys stay.", format!("{source} = declare({{gmap, [T]}}).")),
        _ => repair(
            "Let the replica that knows when nothing more comes say so, and wait for that.",
            "Sealed = declare(boolean). read(Sealed, true)".to_owned(),
        ),
    }
}

/// For the value of a threshold that is safe.
pub(crate) fn value(name: &str) -> Repair {
    repair(
        "Use only that the threshold was met, or let the replica that knows the end assign the result once.",
        format!("Result{name} = declare(ivar). read(Result{name})"),
    )
}

/// For the first of several.
pub(crate) fn race(names: &[String]) -> Repair {
    let reads: Vec<String> = names.iter().map(|name| format!("read({name})")).collect();
    repair("Wait for all of them, or give a rule of your own which counts.", reads.join(", "))
}

/// For an effect that is another on each node: one of them asks alone.
pub(crate) fn place(call: &str) -> Repair {
    repair(
        "Let one replica ask for it, so that it is the one that runs it, or let what it does be the same everywhere.",
        format!("case replica() of 0 -> {call}; _ -> ok end"),
    )
}

/// For a stream.
pub(crate) fn stream(name: &str) -> Repair {
    repair(
        "A stream is for showing to people; wait for thresholds where the program goes on with it.",
        format!("invariant({name}, T, fun() -> .. end)"),
    )
}

/// For a look that decides on a change.
pub(crate) fn check_then_act(model: &Model<'_>, variable: VariableId) -> Repair {
    let name = model.name(variable);
    match model.kind(variable) {
        Some(Type::BCounter) => repair(
            "The counter keeps its bound by itself: try, without asking before.",
            format!("case try_update({name}, decrement) of {{ok, _}} -> ..; {{refused, _}} -> .. end"),
        ),
        Some(kind) if kind.is_counter() => repair(
            "A bounded counter keeps the bound by rights, without asking: count down what is left.",
            format!("{name} = declare(bcounter). try_update({name}, decrement)"),
        ),
        Some(Type::LwwRegister | Type::Ivar | Type::MvRegister) => repair(
            "Let a rule decide that does not depend on order: of all candidates, the greatest.",
            format!("{name} = declare({{top_k, [1]}}). update({name}, {{set, Candidate, Score}})"),
        ),
        _ => repair(
            format!("Let one replica decide on {name}: the others ask, it answers."),
            "case replica() of 0 -> ..; _ -> update(Requests, {add, Request}) end".to_owned(),
        ),
    }
}

/// For changes that do not get on with each other, by this verb.
pub(crate) fn change(model: &Model<'_>, kind: Kind, variable: VariableId, verb: Verb) -> Repair {
    let name = model.name(variable);
    match (kind, model.kind(variable)) {
        (Kind::Refusal, _) if verb == Verb::TryUpdate => repair(
            "Hand out rights before they are needed, to every node as many as it will spend.",
            format!("update({name}, {{move, N, Node}})"),
        ),
        (Kind::ReadModifyWrite, _) => {
            repair("A counter counts what everybody adds.", format!("{name} = declare(gcounter)."))
        }
        (Kind::Refusal, _) => repair(
            "Wait until the rights are there, or go on without them.",
            format!("case try_update({name}, decrement) of {{ok, _}} -> ..; {{refused, _}} -> .. end"),
        ),
        (Kind::Assignment, Some(Type::GMap(_) | Type::AwMap(_))) => repair(
            "Let one replica assign each key, or keep what everybody says: the greatest candidate of each key wins.",
            format!("{name} = declare({{awmap, [{{top_k, [1]}}]}})."),
        ),
        (Kind::Assignment, _) => repair(
            "Let one replica assign, or take a type in which the order does not matter: the greatest candidate wins.",
            format!("{name} = declare({{top_k, [1]}}). update({name}, {{set, Candidate, Score}})"),
        ),
        (_, Some(Type::EwFlag | Type::DwFlag)) => {
            repair("A flag that stays, once it is true.", format!("{name} = declare(boolean)."))
        }
        (_, Some(Type::Set | Type::RwSet)) => repair(
            "If what is taken out never comes back, take it out for good.",
            format!("{name} = declare(twopset)."),
        ),
        _ => repair(
            format!("Let the replica that puts something into {name} also take it out."),
            "case replica() of 0 -> ..; _ -> ok end".to_owned(),
        ),
    }
}
