//! What a value comes to when it is joined in: the operations by which that is done.

use crate::source::diagnostic::Diagnostic;
use crate::value::kind::Type;
use crate::value::operation::BAD_OPERATION;
use crate::value::operation::Brief;
use crate::value::operation::Op;
use crate::value::term::Term;

impl Op {
    /// The operations that join a value in, as `bind(V, Value)` does; none where the value is the type's bottom.
    ///
    /// # Errors
    /// When the value is none of the type's, or values cannot be joined into this type.
    pub fn joining(kind: &Type, value: &Term) -> Result<Vec<Op>, BadValue> {
        let refused = || BadValue { kind: kind.clone(), given: value.clone() };
        let ops = match kind {
            Type::Set | Type::GSet | Type::RwSet | Type::TwoPSet => value.to_vec().map(|elements| vec![Op::Add(elements)]),
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
