//! What an operation, or a value, comes to when it does not depend on what is there: the contents that a derivation
//! contributes and an event of a window holds, and the operations by which a value is joined in.

use triomphe::Arc;

use crate::source::diagnostic::Diagnostic;
use crate::value::content::Content;
use crate::value::content::Tally;
use crate::value::kind::Type;
use crate::value::operation::BAD_OPERATION;
use crate::value::operation::Brief;
use crate::value::operation::Op;
use crate::value::term::Term;

impl Op {
    /// The contents that contributing this operation of `kind` adds, and withdrawing it takes away again; `None` where it
    /// cannot be contributed: what depends on what is there, or takes away.
    #[must_use]
    pub fn contribution(self, kind: &Type) -> Option<Vec<Content>> {
        let wrapped = |contents: Option<Vec<Content>>, wrap: &dyn Fn(Content) -> Content| {
            contents.map(|contents| contents.into_iter().map(wrap).collect())
        };
        match (kind, self) {
            (_, Op::Add(elements)) if kind.is_set() => Some(elements.into_iter().map(Content::Element).collect()),
            (Type::Counter | Type::GCounter | Type::LexCounter, Op::Up(up)) => {
                Some(vec![Content::Tally(Box::new(Tally { up, ..Tally::default() }))])
            }
            (Type::Counter | Type::LexCounter, Op::Down(down)) => {
                Some(vec![Content::Tally(Box::new(Tally { down, ..Tally::default() }))])
            }
            (Type::MaxInt | Type::MinInt, Op::Extremum(number)) => Some(vec![Content::Number(number)]),
            (Type::Boolean, Op::True) => Some(vec![Content::True]),
            (Type::TopK(_), Op::Score(name, score)) => Some(vec![Content::Score(Box::new((name, score)))]),
            (Type::GMap(kind) | Type::AwMap(kind), Op::Apply(key, op)) => {
                wrapped(op.contribution(kind), &|content| Content::Entry(Arc::new((key.clone(), content))))
            }
            (Type::GMap(_) | Type::AwMap(_), Op::ApplyAll(ops)) => {
                let each = ops.into_iter().map(|(key, op)| Op::Apply(key, Box::new(op)).contribution(kind));
                each.collect::<Option<Vec<_>>>().map(|all| all.concat())
            }
            (Type::Pair(kinds), Op::First(op)) => {
                wrapped(op.contribution(&kinds.0), &|content| Content::First(Box::new(content)))
            }
            (Type::Pair(kinds), Op::Second(op)) => {
                wrapped(op.contribution(&kinds.1), &|content| Content::Second(Box::new(content)))
            }
            (Type::Window(window), Op::At(time, op)) => {
                wrapped(op.contribution(&window.kind), &|content| Content::Event(Arc::new((time.clone(), content))))
            }
            _ => None,
        }
    }

    /// The operations that join a value in, as `bind(V, Value)` does; none where the value is the type's bottom.
    ///
    /// # Errors
    /// When the value is none of the type's, or values cannot be joined into this type.
    pub fn joining(kind: &Type, value: &Term) -> Result<Vec<Op>, BadValue> {
        let refused = || BadValue { kind: kind.clone(), given: value.clone() };
        let ops = match kind {
            Type::Set | Type::GSet | Type::RwSet | Type::TwoPSet => {
                value.to_vec().map(|elements| vec![Op::Add(elements)])
            }
            Type::Boolean => value.as_bool().map(|set| if set { vec![Op::True] } else { Vec::new() }),
            Type::MinInt if value.as_atom() == Some("undefined") => Some(Vec::new()),
            Type::MaxInt | Type::MinInt => {
                matches!(value, Term::Int(_) | Term::Big(_)).then(|| vec![Op::Extremum(value.clone())])
            }
            Type::Ivar if value.as_atom() == Some("undefined") => Some(Vec::new()),
            Type::Ivar => Some(vec![Op::Assign(value.clone())]),
            Type::TopK(_) => {
                let score = |entry: &Term| match entry.as_tuple() {
                    Some([name, score]) => Some(Op::Score(name.clone(), score.clone())),
                    _ => None,
                };
                value.to_vec().and_then(|entries| entries.iter().map(score).collect())
            }
            _ => None,
        };
        ops.ok_or_else(refused)
    }
}

/// A value that cannot be joined into a variable of the type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadValue {
    /// The variable's type.
    pub kind: Type,
    /// What was given.
    pub given: Term,
}

impl BadValue {
    /// As a message, without a place.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let value = match self.kind {
            Type::Set | Type::GSet | Type::RwSet | Type::TwoPSet => Some("a list of elements"),
            Type::Boolean => Some("`true` or `false`"),
            Type::MaxInt | Type::MinInt => Some("an integer"),
            Type::TopK(_) => Some("a list of `{Name, Score}`"),
            _ => None,
        };
        let (kind, given) = (self.kind.with_article(), Brief(&self.given));
        match value {
            Some(value) => Diagnostic::error(BAD_OPERATION, format!("`{given}` cannot be joined into {kind}"))
                .help(format!("a value of it is {value}")),
            None => Diagnostic::error(BAD_OPERATION, format!("{kind} cannot be joined with a value such as `{given}`"))
                .help("`bind` joins values of sets, `boolean`, `max_int`, `min_int`, `ivar` and `top_k`: use `update` with an operation, or `bind_to` for another variable's value"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::operation::contributable;

    #[test]
    fn a_value_is_joined_by_operations_of_its_type() {
        let list = Term::list([Term::Int(1), Term::Int(2)]);
        let joining = |kind: &Type, value: &Term| Op::joining(kind, value).ok();
        assert_eq!(joining(&Type::RwSet, &list), Some(vec![Op::Add(vec![Term::Int(1), Term::Int(2)])]));
        assert_eq!(joining(&Type::Boolean, &Term::boolean(false)), Some(Vec::new()));
        assert_eq!(joining(&Type::MinInt, &Term::atom("undefined")), Some(Vec::new()));
        assert_eq!(joining(&Type::MaxInt, &Term::Int(3)), Some(vec![Op::Extremum(Term::Int(3))]));
        let scores = Term::list([Term::pair(Term::atom("a"), Term::Int(1))]);
        assert_eq!(joining(&Type::TopK(1), &scores), Some(vec![Op::Score(Term::atom("a"), Term::Int(1))]));
        for (kind, wrong) in [(Type::Set, Term::Int(1)), (Type::TopK(1), list), (Type::Counter, Term::Int(1))] {
            let refused = Op::joining(&kind, &wrong).expect_err("cannot be joined");
            assert!(!refused.diagnostic().help.is_empty());
        }
    }

    #[test]
    fn what_is_told_to_be_contributable_is() {
        for (_, kind) in Type::NAMES {
            let tried = [Op::Add(Vec::new()), Op::Up(crate::lattice::sum::Sum::small(1)), Op::True];
            let more = [Op::Extremum(Term::Int(1)), Op::Assign(Term::Int(1)), Op::False];
            let taken = tried.into_iter().chain(more).filter(|op| op.clone().contribution(kind).is_some()).count();
            assert_eq!(taken > 0, !contributable(kind).is_empty(), "{kind}");
        }
    }
}
