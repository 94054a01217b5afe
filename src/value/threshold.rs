//! Thresholds: what a task can wait for in a variable of each type, and how it is written.

use crate::source::diagnostic::Diagnostic;
use crate::value::kind::Type;
use crate::value::operation::Brief;
use crate::value::operation::list;
use crate::value::term::Term;

/// A threshold, read for a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// Which states are at or above it.
    pub level: Level,
    /// Whether the state has to be above it.
    pub strict: bool,
}

/// Which states are at or above a threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Level {
    /// All but the type's bottom.
    Bound,
    /// Sets: those that hold all these elements; sorted, without duplicates.
    Superset(Vec<Term>),
    /// Sets: those with so many elements.
    Cardinality(Term),
    /// Counters, `max_int`: those whose value is at least this number. `top_k`: those whose K-th score is.
    Value(Term),
    /// `boolean`.
    True,
}

/// A threshold that the type does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadThreshold {
    /// The type.
    pub kind: Type,
    /// What was given.
    pub given: Term,
}

/// The code of [`BadThreshold`].
pub const BAD_THRESHOLD: &str = "E0304";

/// The thresholds that a type supports, as a program writes them.
#[must_use]
pub fn shapes(kind: &Type) -> &'static [&'static str] {
    match kind {
        Type::Set | Type::GSet => &["a list of elements", "{cardinality, N}", "bound"],
        Type::Counter | Type::GCounter | Type::MaxInt => &["{value, N}", "bound"],
        Type::Boolean => &["true", "bound"],
        Type::Ivar | Type::LwwRegister => &["bound"],
        Type::TopK(_) => &["{value, Score}", "bound"],
    }
}

impl Threshold {
    /// The threshold of a `read` without one: anything but bottom.
    #[must_use]
    pub fn bound() -> Threshold {
        Threshold { level: Level::Bound, strict: false }
    }

    /// Reads a threshold as a program writes it; any may be wrapped as `{strict, T}`.
    ///
    /// # Errors
    /// When the type has no such threshold, or not with such an argument.
    pub fn parse(kind: &Type, term: &Term) -> Result<Threshold, BadThreshold> {
        let refused = || BadThreshold { kind: kind.clone(), given: term.clone() };
        let (strict, inner) = match term.as_tuple() {
            Some([word, inner]) if word.as_atom() == Some("strict") => (true, inner),
            _ => (false, term),
        };
        if inner.as_atom() == Some("bound") {
            return Ok(Threshold::bound());
        }
        // Lasp's own way to say it: strictly above the undefined value.
        if strict && matches!(kind, Type::Ivar | Type::LwwRegister) && inner.as_atom() == Some("undefined") {
            return Ok(Threshold::bound());
        }
        let level = level(kind, inner).ok_or_else(refused)?;
        Ok(Threshold { level, strict })
    }
}

fn level(kind: &Type, term: &Term) -> Option<Level> {
    let pair = match term.as_tuple() {
        Some([word, argument]) => word.as_atom().map(|word| (word, argument)),
        _ => None,
    };
    match (kind, pair) {
        (Type::Set | Type::GSet, None) => {
            let mut elements = term.to_vec()?;
            elements.sort();
            elements.dedup();
            Some(Level::Superset(elements))
        }
        (Type::Set | Type::GSet, Some(("cardinality", count @ (Term::Int(_) | Term::Big(_))))) => {
            Some(Level::Cardinality(count.clone()))
        }
        (Type::Counter | Type::GCounter | Type::MaxInt, Some(("value", number))) if number.is_number() => {
            Some(Level::Value(number.clone()))
        }
        (Type::TopK(_), Some(("value", score))) => Some(Level::Value(score.clone())),
        (Type::Boolean, None) => (term.as_bool() == Some(true)).then_some(Level::True),
        _ => None,
    }
}

impl BadThreshold {
    /// As a message, without a place.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let title = format!("a {} has no threshold `{}`", self.kind, Brief(&self.given));
        let help = format!("it has {}; each may be wrapped as `{{strict, T}}`", list(shapes(&self.kind)));
        Diagnostic::error(BAD_THRESHOLD, title).help(help)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_threshold_may_be_strict() {
        let ten = Term::tuple([Term::atom("value"), Term::Int(10)]);
        let strict = Term::tuple([Term::atom("strict"), ten.clone()]);
        let level = Level::Value(Term::Int(10));
        assert_eq!(Threshold::parse(&Type::Counter, &ten), Ok(Threshold { level: level.clone(), strict: false }));
        assert_eq!(Threshold::parse(&Type::Counter, &strict), Ok(Threshold { level, strict: true }));
        assert!(Threshold::parse(&Type::Set, &ten).is_err());
    }

    #[test]
    fn a_set_is_a_threshold_of_sets() {
        let list = Term::list([Term::Int(2), Term::Int(1), Term::Int(2)]);
        let level = Level::Superset(vec![Term::Int(1), Term::Int(2)]);
        assert_eq!(Threshold::parse(&Type::GSet, &list), Ok(Threshold { level, strict: false }));
        assert!(Threshold::parse(&Type::Boolean, &Term::boolean(false)).is_err());
    }
}
