//! Thresholds: what a task can wait for in a variable of each type, and how it is written.

use crate::source::diagnostic::Diagnostic;
use crate::value::compare;
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
    /// All.
    Bottom,
    /// All but the type's bottom.
    Bound,
    /// Sets: those that hold all these elements; sorted, without duplicates.
    Superset(Vec<Term>),
    /// Sets: those with so many elements.
    Cardinality(Term),
    /// Counters, `max_int`: those whose value is at least this number. `top_k`: those whose K-th score is at least this.
    Value(Term),
    /// `min_int`: those whose value is at most this number.
    AtMost(Term),
    /// Flags.
    True,
    /// Maps: those whose keys have what is at or above these; sorted by key, each once, at least one.
    Keys(Vec<(Term, Threshold)>),
    /// Pairs: those whose first and second are at or above these.
    Both(Box<(Threshold, Threshold)>),
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
        Type::Set | Type::GSet | Type::RwSet | Type::TwoPSet => &["a list of elements", "{cardinality, N}", "bound"],
        Type::Counter | Type::GCounter | Type::LexCounter | Type::BCounter | Type::MaxInt | Type::MinInt => {
            &["{value, N}", "bound"]
        }
        Type::Boolean | Type::EwFlag | Type::DwFlag => &["true", "bound"],
        Type::Ivar | Type::LwwRegister | Type::MvRegister => &["bound"],
        Type::TopK(_) => &["{value, Score}", "bound"],
        Type::GMap(_) | Type::AwMap(_) => &["#{Key => Threshold}", "bound"],
        Type::Pair(_) => &["{Threshold1, Threshold2}", "bound"],
        Type::Window(window) => shapes(&window.kind),
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
        // Lasp's own way to say it, of every type: at the undefined value, and strictly above it.
        if inner.as_atom() == Some("undefined") {
            return Ok(if strict { Threshold::bound() } else { Threshold { level: Level::Bottom, strict } });
        }
        let level = match kind {
            // What is wrong is told of the window, whose type the program wrote.
            Type::Window(window) => {
                let told = |bad: BadThreshold| if bad.kind == window.kind { refused() } else { bad };
                return Threshold::parse(&window.kind, term).map_err(told);
            }
            Type::GMap(kind) | Type::AwMap(kind) => Threshold::keys(kind, inner).ok_or_else(refused)??,
            Type::Pair(kinds) => match inner.as_tuple() {
                Some([first, second]) => {
                    Level::Both(Box::new((Threshold::parse(&kinds.0, first)?, Threshold::parse(&kinds.1, second)?)))
                }
                _ => return Err(refused()),
            },
            _ => level(kind, inner).ok_or_else(refused)?,
        };
        Ok(Threshold { level, strict })
    }
}

impl Threshold {
    /// Whether whoever reads at this threshold needs at least what `other` asks for, both being of one type: every state
    /// that meets this one meets `other`. Whoever reads at all needs at least [`Threshold::bound`].
    #[must_use]
    pub fn at_least(&self, other: &Threshold) -> bool {
        let orderly = |order: std::cmp::Ordering| order.is_gt() || order.is_eq() && (self.strict || !other.strict);
        match (&self.level, &other.level) {
            (_, Level::Bottom | Level::Bound) => true,
            (Level::Value(mine), Level::Value(theirs)) | (Level::Cardinality(mine), Level::Cardinality(theirs)) => {
                orderly(compare(mine, theirs))
            }
            (Level::AtMost(mine), Level::AtMost(theirs)) => orderly(compare(theirs, mine)),
            (Level::Superset(mine), Level::Superset(theirs)) => {
                let all = theirs.iter().all(|element| mine.binary_search(element).is_ok());
                all && (!other.strict || self.strict || mine.len() > theirs.len())
            }
            (Level::Superset(mine), Level::Cardinality(theirs)) => {
                let size = mine.len().saturating_add(usize::from(self.strict));
                let size = compare(&Term::Int(i64::try_from(size).unwrap_or(i64::MAX)), theirs);
                if other.strict { size.is_gt() } else { size.is_ge() }
            }
            (Level::True, Level::True) => self.strict || !other.strict,
            (Level::Keys(mine), Level::Keys(theirs)) => {
                let one = |(key, theirs): &(Term, Threshold)| {
                    let mine = mine.binary_search_by(|(known, _)| known.cmp(key)).ok().and_then(|at| mine.get(at));
                    mine.is_some_and(|(_, mine)| mine.implies(theirs))
                };
                theirs.iter().all(one) && (self.strict && mine.len() == theirs.len() || !other.strict)
            }
            (Level::Both(mine), Level::Both(theirs)) => {
                mine.0.implies(&theirs.0) && mine.1.implies(&theirs.1) && (self.strict || !other.strict)
            }
            _ => false,
        }
    }

    /// The same of a part, whose bottom may meet this threshold and is not bound.
    fn implies(&self, other: &Threshold) -> bool {
        match other.level {
            Level::Bound => self.is_above_bottom(),
            _ => self.at_least(other),
        }
    }

    /// Whether no bottom meets it. A flag's may: that depends on the flag.
    fn is_above_bottom(&self) -> bool {
        let positive = |number: &Term| {
            let order = compare(number, &Term::Int(0));
            order.is_gt() || self.strict && order.is_eq()
        };
        match &self.level {
            Level::Bound | Level::AtMost(_) => true,
            Level::Superset(elements) => self.strict || !elements.is_empty(),
            Level::Cardinality(number) | Level::Value(number) => positive(number),
            Level::Bottom | Level::True => false,
            Level::Keys(keys) => keys.iter().any(|(_, threshold)| threshold.is_above_bottom()),
            Level::Both(both) => both.0.is_above_bottom() || both.1.is_above_bottom(),
        }
    }

    /// Of a map's keys; `None` where it has no such shape, an error where what is said of a key is wrong.
    fn keys(kind: &Type, term: &Term) -> Option<Result<Level, BadThreshold>> {
        let Term::Map(map) = term else { return None };
        let keys: Result<Vec<(Term, Threshold)>, BadThreshold> = map
            .iter()
            .map(|(key, threshold)| Threshold::parse(kind, threshold).map(|threshold| (key.clone(), threshold)))
            .collect();
        match keys {
            Ok(keys) if keys.is_empty() => None,
            keys => Some(keys.map(Level::Keys)),
        }
    }
}

fn level(kind: &Type, term: &Term) -> Option<Level> {
    let pair = match term.as_tuple() {
        Some([word, argument]) => word.as_atom().map(|word| (word, argument)),
        _ => None,
    };
    match (kind, pair) {
        (_, None) if kind.is_set() => {
            let mut elements = term.to_vec()?;
            elements.sort();
            elements.dedup();
            Some(Level::Superset(elements))
        }
        (_, Some(("cardinality", count @ (Term::Int(_) | Term::Big(_))))) if kind.is_set() => {
            Some(Level::Cardinality(count.clone()))
        }
        (Type::MinInt, Some(("value", number))) if number.is_number() => Some(Level::AtMost(number.clone())),
        (_, Some(("value", number))) if number.is_number() && (kind.is_counter() || *kind == Type::MaxInt) => {
            Some(Level::Value(number.clone()))
        }
        (Type::TopK(_), Some(("value", score))) => Some(Level::Value(score.clone())),
        (Type::Boolean | Type::EwFlag | Type::DwFlag, None) => (term.as_bool() == Some(true)).then_some(Level::True),
        _ => None,
    }
}

impl BadThreshold {
    /// As a message, without a place.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let title = format!("{} has no threshold `{}`", self.kind.with_article(), Brief(&self.given));
        let help = format!("it has {}; each may be wrapped as `{{strict, T}}`", list(shapes(&self.kind)));
        let message = Diagnostic::error(BAD_THRESHOLD, title);
        match self.meant() {
            Some(meant) => message.help(format!("did you mean `{meant}`?")).help(help),
            None => message.help(help),
        }
    }

    /// What is probably meant by `5`, `{increment, 5}`, `{Key, {value, 5}}`, `{5}`.
    fn meant(&self) -> Option<Term> {
        let fits = |term: Term| Threshold::parse(&self.kind, &term).is_ok().then_some(term);
        let with = |word: &'static str, number: &Term| fits(Term::tuple([Term::atom(word), number.clone()]));
        match self.given.as_tuple() {
            None if self.given.is_number() => with("value", &self.given).or_else(|| with("cardinality", &self.given)),
            None => None,
            Some([only]) => fits(only.clone()).or_else(|| with("value", only).filter(|_| only.is_number())),
            Some([word, number]) if word.as_atom().is_some() && number.is_number() => {
                with("value", number).or_else(|| with("cardinality", number))
            }
            Some([key, limit]) => fits(Term::map(std::iter::once((key.clone(), limit.clone())).collect())),
            Some(_) => None,
        }
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
