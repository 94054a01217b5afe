//! What an operation does to a variable of its type, as far as order is concerned.

use crate::check::facts::Operation;
use crate::value::kind::Type;

/// How an operation gets on with others that are made elsewhere at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// Only adds: the order does not matter, and nothing is taken away.
    Grow,
    /// Takes away, whatever others do: the order does not matter, but what was reached may be lost. Decrements.
    Lower,
    /// Takes back what its author has seen: `rmv`, `disable`.
    TakeBack,
    /// Puts a value in the place of those that its author has seen.
    Assign,
    /// The same with a timestamp of its own, which says what it is put in the place of, whoever has seen what.
    Stamp,
    /// The next value hangs on the one that its author has seen.
    Modify,
    /// Needs rights that its author has, and counts down.
    Spend,
    /// Needs rights that its author has, and gives them to another: what is counted stays.
    Give,
    /// Adds, and time takes away again: events in windows.
    Expire,
    /// Not known.
    Unknown,
}

/// What an operation does.
#[must_use]
pub(crate) fn change(kind: &Type, operation: &Operation) -> Change {
    let Some(word) = operation.word.as_deref() else { return unknown(kind) };
    let inner = |kind: &Type| operation.inner.as_ref().map_or_else(|| unknown(kind), |inner| change(kind, inner));
    match (kind, word) {
        (Type::Set, "rmv" | "remove" | "rmv_all" | "remove_all") => Change::TakeBack,
        // A removal of a `twopset` is for good; one of an `rwset` prevails over what is added meanwhile.
        (Type::TwoPSet | Type::RwSet, "rmv" | "remove" | "rmv_all" | "remove_all") => Change::Lower,
        // Adding takes back the removals that were seen.
        (Type::RwSet, _) => Change::TakeBack,
        (Type::Counter | Type::LexCounter, "increment") if !operation.negative => Change::Grow,
        (Type::Counter | Type::LexCounter, _) => Change::Lower,
        (Type::BCounter, "increment") => Change::Grow,
        (Type::BCounter, "move") => Change::Give,
        (Type::BCounter, _) => Change::Spend,
        (Type::MaxInt, "increment") => Change::Modify,
        (Type::EwFlag, "disable") | (Type::DwFlag, "enable") => Change::TakeBack,
        (Type::DwFlag, "disable") => Change::Lower,
        (Type::LwwRegister, _) if is_stamped(operation) => Change::Stamp,
        (Type::Ivar | Type::LwwRegister | Type::MvRegister, _) => Change::Assign,
        (Type::AwMap(_), "rmv" | "rmv_all") => Change::TakeBack,
        (Type::AwMap(_), "set") => Change::Assign,
        (Type::GMap(kind) | Type::AwMap(kind), _) => inner(kind),
        (Type::Pair(kinds), "fst") => inner(&kinds.0),
        (Type::Pair(kinds), "snd") => inner(&kinds.1),
        (Type::Window(_), _) => Change::Expire,
        _ => Change::Grow,
    }
}

/// `{set, Timestamp, V}`: the order is in the data.
fn is_stamped(operation: &Operation) -> bool {
    operation.term.as_ref().and_then(|term| term.as_tuple()).is_some_and(|parts| parts.len() == 3)
}

/// What an operation can do of which nothing is known.
fn unknown(kind: &Type) -> Change {
    match kind {
        Type::GSet | Type::GCounter | Type::MinInt | Type::Boolean | Type::TopK(_) => Change::Grow,
        Type::Ivar | Type::MvRegister => Change::Assign,
        Type::GMap(kind) => unknown(kind),
        Type::Window(_) => Change::Expire,
        _ => Change::Unknown,
    }
}

/// Whether one value of the type can say all that there will ever be to say: what is reached is the end.
#[must_use]
pub(crate) fn is_final_once_met(kind: &Type) -> bool {
    matches!(kind, Type::Ivar | Type::Boolean | Type::EwFlag | Type::DwFlag)
}

/// Whether the same update made twice counts once.
#[must_use]
pub(crate) fn is_idempotent(kind: &Type) -> bool {
    match kind {
        Type::Counter | Type::GCounter | Type::LexCounter | Type::BCounter | Type::Window(_) => false,
        Type::GMap(kind) | Type::AwMap(kind) => is_idempotent(kind),
        Type::Pair(kinds) => is_idempotent(&kinds.0) && is_idempotent(&kinds.1),
        _ => true,
    }
}

/// Whether the elements that a derivation sees of a variable of this type only ever become more while the variable grows. A
/// counter's value is one element, which every increment replaces.
#[must_use]
pub(crate) fn has_growing_elements(kind: &Type) -> bool {
    kind.is_set() || matches!(kind, Type::Ivar)
}
