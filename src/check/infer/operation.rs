//! Operations and thresholds, as far as they are known, against the types of variables; and the values of types.

use crate::check::infer::parts::Few;
use crate::check::infer::parts::Parts;
use crate::check::infer::value::Value;
use crate::value::kind::Type;
use crate::value::operation::Op;
use crate::value::term::Term;
use crate::value::threshold::Threshold;

/// The most terms that stand for a value that is tried.
const TRIED_MAX: usize = 48;

/// Whether some operation of these may be one of the type's; contributed ones have to be withdrawable.
pub(super) fn may_be_operation(kind: &Type, value: &Value, contributed: bool) -> bool {
    let Some(parts) = value.parts() else { return true };
    let accepts = |term: &Term| Op::parse(kind, term).is_ok_and(|op| !contributed || op.is_contributable());
    let atoms = match &parts.atoms {
        Few::All => true,
        Few::Of(few) => few.iter().any(|atom| accepts(&Term::Atom(*atom))),
    };
    atoms
        || match &parts.tuples {
            Few::All => true,
            Few::Of(shapes) => shapes.iter().any(|shape| may_be_shape(kind, shape, contributed)),
        }
}

fn may_be_shape(kind: &Type, shape: &[Value], contributed: bool) -> bool {
    let Some((first, arguments)) = shape.split_first() else { return false };
    let Some(word) = first.single() else { return true };
    let inner = |kind: &Type, op: &Value| may_be_operation(kind, op, contributed);
    let lists = |value: &Value| value.parts().is_none_or(|parts| parts.nil || parts.cons.is_some());
    match (kind, word.as_atom(), arguments) {
        (_, None, _) => false,
        (Type::GMap(kind) | Type::AwMap(kind), Some("apply"), [_, op]) => inner(kind, op),
        (Type::GMap(kind) | Type::AwMap(kind), Some("apply_all"), [list]) => {
            lists(list) && each_may_be_applied(kind, list, contributed)
        }
        (Type::Pair(kinds), Some("fst"), [op]) => inner(&kinds.0, op),
        (Type::Pair(kinds), Some("snd"), [op]) => inner(&kinds.1, op),
        (Type::Window(window), Some("at"), [time, op]) => {
            time.parts().is_none_or(|parts| parts.ints.some()) && may_be_operation(&window.kind, op, true)
        }
        _ => terms(&Value::tuple(shape.to_vec()))
            .iter()
            .any(|term| Op::parse(kind, term).is_ok_and(|op| !contributed || op.is_contributable())),
    }
}

/// Whether each of the first elements of an `apply_all` may be a key with an operation on what it has.
fn each_may_be_applied(kind: &Type, list: &Value, contributed: bool) -> bool {
    let Some(cons) = list.parts().filter(|parts| parts.kinds() == 1).and_then(|parts| parts.cons.as_ref()) else {
        return true;
    };
    cons.items.iter().all(|item| match item.parts().map(|parts| (&parts.tuples, parts.kinds())) {
        Some((Few::Of(shapes), _)) => {
            shapes.iter().any(|shape| matches!(&**shape, [_, op] if may_be_operation(kind, op, contributed)))
        }
        _ => true,
    })
}

/// Whether some of these may be joined into a variable of the type by `bind`.
pub(super) fn may_be_joined(kind: &Type, value: &Value) -> bool {
    let joins = |term: &Term| Op::joining(kind, term).is_ok();
    match value.single() {
        Some(term) => joins(&term),
        None => {
            terms(value).iter().any(joins)
                || value.parts().is_some_and(|parts| parts.cons.is_some() && joins(&Term::Nil))
        }
    }
}

/// Whether some of these may be a threshold of the type.
pub(super) fn may_be_threshold(kind: &Type, value: &Value) -> bool {
    let Some(parts) = value.parts() else { return true };
    // What is said of a map's keys, or of a pair's parts, is only looked at where it is all known.
    if let Some(term) = value.single() {
        return Threshold::parse(kind, &term).is_ok();
    }
    if parts.map.is_some() || matches!(kind, Type::Pair(_)) {
        return true;
    }
    terms(value).iter().any(|term| Threshold::parse(kind, term).is_ok())
}

/// Terms that stand for all of a value, as far as a type can tell them apart.
fn terms(value: &Value) -> Vec<Term> {
    let text = || Term::text("text");
    let Some(parts) = value.parts() else {
        return [Term::Int(1), Term::Nil, Term::atom("true")]
            .into_iter()
            .chain(Term::float(1.5))
            .chain([text(), Term::list([Term::Int(1)])])
            .collect();
    };
    let mut all = Vec::new();
    match &parts.ints {
        Few::All => all.push(Term::Int(1)),
        Few::Of(few) => all.extend(few.iter().map(|int| Term::Int(*int))),
    }
    if parts.floats {
        all.extend(Term::float(1.5));
    }
    match &parts.atoms {
        Few::All => {
            all.extend(["true", "increment", "decrement", "bound", "undefined"].map(Term::atom));
        }
        Few::Of(few) => all.extend(few.iter().map(|atom| Term::Atom(*atom))),
    }
    // Functions and variables are values as good as any, where values are looked at at all.
    if parts.texts.some() || parts.funs.some() || parts.refs.some() {
        all.push(text());
    }
    if parts.nil {
        all.push(Term::Nil);
    }
    if let Some(cons) = &parts.cons {
        all.extend(terms(&cons.items[0]).into_iter().take(4).map(|item| Term::list([item])));
    }
    if parts.map.is_some() {
        all.push(Term::map(crate::value::map::Map::new()));
    }
    match &parts.tuples {
        Few::All => all.push(Term::tuple([Term::Int(1)])),
        Few::Of(shapes) => shapes.iter().for_each(|shape| all.extend(tuples(shape))),
    }
    all.truncate(TRIED_MAX);
    all
}

fn tuples(shape: &[Value]) -> Vec<Term> {
    let mut all: Vec<Vec<Term>> = vec![Vec::new()];
    for item in shape {
        let items = terms(item);
        all = all
            .iter()
            .flat_map(|start| items.iter().map(move |item| start.iter().chain([item]).cloned().collect()))
            .take(TRIED_MAX)
            .collect();
    }
    all.into_iter().map(Term::tuple).collect()
}

/// The values that a variable of a type can have; elements of sets are `element`.
pub(super) fn value_of(kind: &Type, element: &Value) -> Value {
    match kind {
        Type::Set | Type::GSet | Type::RwSet | Type::TwoPSet => Value::list_of(element),
        Type::Counter | Type::GCounter | Type::BCounter | Type::LexCounter => Value::numbers(),
        Type::MaxInt => Value::ints(),
        Type::MinInt => Value::ints().join(&Value::atom("undefined")),
        Type::Boolean | Type::EwFlag | Type::DwFlag => Value::booleans(),
        Type::Ivar | Type::LwwRegister => Value::any(),
        Type::MvRegister => Value::list_of(&Value::any()),
        Type::GMap(kind) | Type::AwMap(kind) => Value::maps(Value::any(), value_of(kind, &Value::any())),
        Type::Pair(kinds) => Value::tuple(vec![value_of(&kinds.0, &Value::any()), value_of(&kinds.1, &Value::any())]),
        Type::TopK(_) => Value::list_of(&Value::tuple(vec![Value::any(), Value::any()])),
        Type::Window(window) if window.slide.is_some() => {
            Value::maps(Value::ints(), value_of(&window.kind, &Value::any()))
        }
        Type::Window(window) => value_of(&window.kind, &Value::any()),
    }
}

/// What a derivation's function gets for each element of a variable of a type.
pub(super) fn element_of(kind: &Type, element: &Value) -> Value {
    match kind {
        Type::Set | Type::GSet | Type::RwSet | Type::TwoPSet => element.clone(),
        Type::TopK(_) => Value::tuple(vec![Value::any(), Value::any()]),
        Type::GMap(kind) | Type::AwMap(kind) => Value::tuple(vec![Value::any(), value_of(kind, &Value::any())]),
        kind => value_of(kind, element),
    }
}

/// What an operation puts into a set.
pub(super) fn added(operation: &Value) -> Value {
    let Some(Parts { tuples: Few::Of(shapes), .. }) = operation.parts() else { return Value::any() };
    let mut all = Value::never();
    for shape in shapes {
        let [word, argument] = &**shape else { continue };
        let Some(word) = word.single() else { return Value::any() };
        if !matches!(word.as_atom(), Some("add" | "add_all")) {
            continue;
        }
        let Some(parts) = argument.parts() else { return Value::any() };
        if let Some(cons) = &parts.cons {
            all = all.join(&cons.elements());
            // An improper list is one element.
            if cons.improper {
                return Value::any();
            }
        }
        all = all.join(&Value::of(parts.without_lists()));
    }
    all
}
