//! Which derivations there can be: what each verb takes, and what it can contribute to.

use triomphe::Arc;

use crate::graph::derivation::Operator;
use crate::graph::error::GraphError;
use crate::graph::error::shown;
use crate::value::kind::Type;
use crate::value::operation;
use crate::value::reference::Reference;
use crate::value::term::Term;

/// Whether the operator may derive `destination` from `sources`, cycles apart.
///
/// # Errors
/// When it may not: the wrong number of sources, a destination of the wrong type, a function that is none, a dynamic
/// variable where it must not be.
pub fn check(operator: &Operator, sources: &[&Arc<Reference>], destination: &Arc<Reference>) -> Result<(), GraphError> {
    let verb = operator.verb();
    if sources.len() != operator.sources() {
        let wrong = format!("takes {} sources, not {}", operator.sources(), sources.len());
        return Err(GraphError::WrongType { verb, wrong, help: "see its documentation".to_owned() });
    }
    functions(operator)?;
    dynamics(operator, sources, destination)?;
    match operator {
        Operator::Bind => bind(sources[0], destination),
        Operator::Fold(_) | Operator::FoldDynamic(_) => fold(verb, destination),
        Operator::GroupBy(..) => group(verb, destination),
        _ if destination.kind.is_set() => Ok(()),
        _ => Err(GraphError::WrongType {
            verb,
            wrong: format!(
                "contributes elements, but {} is {}",
                shown(&destination.name, "the destination"),
                destination.kind.with_article()
            ),
            help: "make the destination a `set`, or use `fold` to contribute operations".to_owned(),
        }),
    }
}

fn functions(operator: &Operator) -> Result<(), GraphError> {
    let verb = operator.verb();
    for (at, function) in operator.functions().into_iter().enumerate() {
        let which = match (operator, at) {
            (Operator::Join(..), 0) => " as key of the left side",
            (Operator::Join(..), _) => " as key of the right side",
            (Operator::GroupBy(..), 0) => " as key",
            (Operator::GroupBy(..), _) => " for the operations",
            _ => "",
        };
        let Term::Fun(closure) = function else {
            let wrong = format!("needs a function{which}, not `{}`", operation::Brief(function));
            return Err(GraphError::NotAFunction { verb, wrong });
        };
        // What returns operations may ask for the bottom value that they go to.
        let two = match operator {
            Operator::Fold(_) | Operator::FoldDynamic(_) => true,
            Operator::GroupBy(..) => at == 1,
            _ => false,
        };
        if closure.arity != 1 && !(two && closure.arity == 2) {
            let wanted = if two { "one argument, or two" } else { "one argument" };
            let wrong = format!("needs a function of {wanted}{which}, not of {}", closure.arity);
            return Err(GraphError::NotAFunction { verb, wrong });
        }
    }
    Ok(())
}

fn dynamics(operator: &Operator, sources: &[&Arc<Reference>], destination: &Arc<Reference>) -> Result<(), GraphError> {
    let dynamic = sources.iter().find(|source| source.dynamic);
    if matches!(operator, Operator::FoldDynamic(_)) {
        if dynamic.is_none() {
            let wrong = format!("of the replicated {}", shown(&sources[0].name, "source"));
            let help = "each node would contribute the same again: use `fold` for a replicated variable";
            return Err(GraphError::NotDynamic { wrong, help });
        }
        if destination.dynamic {
            let wrong = format!("into the dynamic {}", shown(&destination.name, "destination"));
            let help = "what all nodes contribute needs a replicated variable: use `declare`, or `fold`";
            return Err(GraphError::NotDynamic { wrong, help });
        }
        return Ok(());
    }
    match dynamic {
        Some(source) if !destination.dynamic => Err(GraphError::DynamicIntoReplicated {
            verb: operator.verb(),
            source: Arc::clone(source),
            destination: Arc::clone(destination),
        }),
        _ => Ok(()),
    }
}

fn fold(verb: &'static str, destination: &Reference) -> Result<(), GraphError> {
    if !operation::contributable(&destination.kind).is_empty() {
        return Ok(());
    }
    Err(GraphError::WrongType {
        verb,
        wrong: format!(
            "cannot contribute to {}, {}",
            shown(&destination.name, "the destination"),
            destination.kind.with_article()
        ),
        help: fold_help(&destination.kind).to_owned(),
    })
}

/// What would do instead of this destination.
fn fold_help(kind: &Type) -> &'static str {
    if kind.has_bounded_counter() {
        return "what is derived is withdrawn when an element leaves, which would break a bounded counter's bound: use `counter`";
    }
    match kind {
        Type::LwwRegister | Type::MvRegister | Type::Ivar => {
            "what an element contributes must be withdrawable, and an assignment is not: use `max_int`, `top_k` or a set, or `bind_to` from another register"
        }
        Type::EwFlag | Type::DwFlag => "what an element contributes must be withdrawable: use `boolean`",
        _ => {
            "what an element contributes must be withdrawable: use a set, a counter, `max_int`, `min_int`, `boolean`, `top_k`, or a window, a map or a pair of these"
        }
    }
}

/// Into a map whose values' operations can be contributed.
fn group(verb: &'static str, destination: &Reference) -> Result<(), GraphError> {
    let inner = match &destination.kind {
        Type::GMap(inner) | Type::AwMap(inner) => inner,
        other => {
            return Err(GraphError::WrongType {
                verb,
                wrong: format!(
                    "contributes to the keys of a map, but {} is {}",
                    shown(&destination.name, "the destination"),
                    other.with_article()
                ),
                help: "make the destination a map, such as `declare({gmap, [counter]})`".to_owned(),
            });
        }
    };
    if !operation::contributable(inner).is_empty() {
        return Ok(());
    }
    Err(GraphError::WrongType {
        verb,
        wrong: format!("cannot contribute to {}, a map whose values are each {}", shown(&destination.name, "the destination"), inner.with_article()),
        help: "what an element contributes must be withdrawable: use a map of sets, counters, `max_int`, `min_int`, `boolean` or `top_k`"
            .to_owned(),
    })
}

/// Equal types; one kind of counter into another that counts both ways; one kind of set into another; a `top_k` into a
/// `top_k` of another length. Nothing into a bounded counter, whose rights are nobody else's.
fn bind(source: &Reference, destination: &Reference) -> Result<(), GraphError> {
    let fits = match (&source.kind, &destination.kind) {
        (_, into) if into.has_bounded_counter() => false,
        (from, into) if from.is_set() && into.is_set() => true,
        (from, Type::Counter | Type::LexCounter) if from.is_counter() => true,
        (Type::TopK(_), Type::TopK(_)) => true,
        (from, into) => from == into,
    };
    if fits {
        return Ok(());
    }
    let help = if destination.kind.has_bounded_counter() {
        "what is derived can be withdrawn, which would break a bounded counter's bound: make the destination a `counter`"
    } else {
        "both must have the same type, or be sets, or counters of which the destination counts both ways; use `map` or `fold` to make one of the other"
    };
    Err(GraphError::WrongType {
        verb: "bind_to",
        wrong: format!(
            "joins the value of {}, {}, into {}",
            shown(&source.name, "the source"),
            source.kind.with_article(),
            destination.kind.with_article()
        ),
        help: help.to_owned(),
    })
}
