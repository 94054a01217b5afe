//! Operators with two operands.

use crate::check::core::Binary;
use crate::check::core::Expr;
use crate::check::core::Node;
use crate::check::infer::matching::is_comparison;
use crate::check::infer::parts::Few;
use crate::check::infer::run::Frame;
use crate::check::infer::run::Run;
use crate::check::infer::site::site;
use crate::check::infer::value::Value;
use crate::check::infer::value::both;
use crate::source::diagnostic::Diagnostic;
use crate::value::atom::Atom;
use crate::value::term::Term;

/// As it is written.
fn text(binary: Binary) -> &'static str {
    match binary {
        Binary::Add => "+",
        Binary::Subtract => "-",
        Binary::Multiply => "*",
        Binary::Divide => "/",
        Binary::Div => "div",
        Binary::Rem => "rem",
        Binary::BitAnd => "band",
        Binary::BitOr => "bor",
        Binary::BitXor => "bxor",
        Binary::ShiftLeft => "bsl",
        Binary::ShiftRight => "bsr",
        Binary::Equal => "==",
        Binary::NotEqual => "/=",
        Binary::ExactlyEqual => "=:=",
        Binary::ExactlyNotEqual => "=/=",
        Binary::Less => "<",
        Binary::LessOrEqual => "=<",
        Binary::Greater => ">",
        Binary::GreaterOrEqual => ">=",
        Binary::And => "and",
        Binary::Or => "or",
        Binary::Xor => "xor",
        Binary::Append => "++",
        Binary::ListSubtract => "--",
    }
}

impl<'p> Run<'p> {
    pub(super) fn binary(
        &mut self,
        expr: &'p Expr,
        operator: Binary,
        left: &Value,
        right: &Value,
        frame: &Frame,
    ) -> Value {
        if left.is_never() || right.is_never() {
            return Value::never();
        }
        let from = both(&left.from, &right.from);
        let fails = |run: &mut Self| {
            let operands = [left.clone(), right.clone()];
            run.fail(expr, frame, |run| run.operands(expr, text(operator), &operands))
        };
        if matches!(operator, Binary::Divide | Binary::Div | Binary::Rem) && right.single().is_none() {
            self.may_fail_by(&self.origin(right), expr.span);
        }
        let result = match operator {
            Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide => {
                if !Run::is_numeric(left) || !Run::is_numeric(right) {
                    return fails(self);
                }
                if operator == Binary::Divide { Value::floats() } else { numeric(left, right) }
            }
            Binary::Div
            | Binary::Rem
            | Binary::BitAnd
            | Binary::BitOr
            | Binary::BitXor
            | Binary::ShiftLeft
            | Binary::ShiftRight => {
                let whole = |value: &Value| value.parts().is_none_or(|parts| parts.ints.some());
                if !whole(left) || !whole(right) {
                    return fails(self);
                }
                Value::ints()
            }
            Binary::And | Binary::Or | Binary::Xor => {
                if !left.meets(&self.booleans) || !right.meets(&self.booleans) {
                    return fails(self);
                }
                Value::booleans()
            }
            Binary::Append => match append(left, right) {
                Some(value) => value,
                None => return fails(self),
            },
            Binary::ListSubtract => {
                let list = |value: &Value| value.parts().is_none_or(|parts| parts.nil || parts.cons.is_some());
                if !list(left) || !list(right) {
                    return fails(self);
                }
                match left.parts() {
                    None => Value::list_of(&Value::any()),
                    Some(parts) => parts.cons.as_ref().map_or_else(Value::nil, |cons| Value::list_of(&cons.elements())),
                }
            }
            _ => {
                debug_assert!(is_comparison(operator), "all others were taken");
                self.reference_compared(expr, operator, left, right);
                self.text_and_atom(expr, operator, left, right);
                compare(operator, left, right)
            }
        };
        self.fine(expr, result.touched(&from))
    }

    /// A variable where its value is meant: a reference compares to any number in the same way, always.
    fn reference_compared(&mut self, expr: &'p Expr, operator: Binary, left: &Value, right: &Value) {
        let is_variable = |value: &Value| value.parts().is_some_and(|parts| parts.refs.some() && parts.kinds() == 1);
        let may_be_variable = |value: &Value| value.parts().is_none_or(|parts| parts.refs.some());
        let (value, other) = if is_variable(left) { (left, right) } else { (right, left) };
        // The place itself is fine as far as running goes, and so this has a key of its own.
        let key = site(&expr.span);
        if !is_variable(value) || may_be_variable(other) {
            return self.sites.fine(key, expr.span);
        }
        let help = self.variable_for_value(std::slice::from_ref(value)).unwrap_or_default();
        self.sites.remark(key, expr.span, || {
            let title = format!("`{}` compares a variable itself, not its value", text(operator));
            Diagnostic::warning("E0404", title).at(expr.span, "always the same").help(help)
        });
    }

    /// A string where an atom is meant, or the other way round: `"ann" == 'ann'` is never true.
    fn text_and_atom(&mut self, expr: &'p Expr, operator: Binary, left: &Value, right: &Value) {
        let Node::Binary(_, one, other) = &expr.node else { return };
        let key = site(&one.span);
        let only = |value: &Value| value.parts().filter(|parts| parts.kinds() == 1).cloned();
        let equality =
            matches!(operator, Binary::Equal | Binary::NotEqual | Binary::ExactlyEqual | Binary::ExactlyNotEqual);
        let (Some(left), Some(right), true) = (only(left), only(right), equality) else {
            return self.sites.fine(key, expr.span);
        };
        let apart = left.texts.some() && right.atoms.some() || left.atoms.some() && right.texts.some();
        let literal = [one, other].into_iter().find_map(|operand| match &operand.node {
            Node::Literal(term) => Some((operand.span, term.clone())),
            _ => None,
        });
        let Some((place, term)) = literal.filter(|_| apart) else { return self.sites.fine(key, expr.span) };
        self.sites.remark(key, expr.span, || {
            let always = if matches!(operator, Binary::Equal | Binary::ExactlyEqual) { "false" } else { "true" };
            let title = format!("a string and an atom are never equal, so that `{}` gives {always}", text(operator));
            let (given, meant) = match (term.as_atom(), term.as_text()) {
                (Some(atom), _) => ("an atom", format!("a string stands in double quotes: `{}`", Term::text(atom))),
                (_, word) => {
                    let atom = Atom::new(word.unwrap_or_default()).map_or_else(|_| term.clone(), Term::Atom);
                    ("a string", format!("an atom has no double quotes: `{atom}`"))
                }
            };
            Diagnostic::warning("E0406", title).at(place, given).help(meant)
        });
    }

    fn is_numeric(value: &Value) -> bool {
        value.parts().is_none_or(|parts| parts.ints.some() || parts.floats)
    }

    /// An operator that does not take its operands.
    pub(super) fn operands(&self, expr: &Expr, operator: &str, operands: &[Value]) -> Diagnostic {
        let places: [Option<&Expr>; 2] = match &expr.node {
            Node::Binary(_, left, right) => [Some(left), Some(right)],
            _ => [None, None],
        };
        let described = |(value, place): (&Value, Option<&Expr>)| self.describe_written(place, value);
        let given: Vec<String> = operands.iter().zip(places).map(described).collect();
        let message = Diagnostic::error("E0501", format!("`{operator}` does not take {}", given.join(" and ")))
            .at(expr.span, "sure to fail");
        let is_text = |value: &Value| value.parts().is_some_and(|parts| parts.texts.some() && parts.kinds() == 1);
        let is_list = |value: &Value| {
            value.parts().is_some_and(|parts| parts.texts.kind_is_absent() && (parts.nil || parts.cons.is_some()))
        };
        if let Some(help) = self.variable_for_value(operands) {
            return message.help(help);
        }
        match operator {
            "+" if operands.iter().all(is_text) || operands.iter().all(is_list) => {
                message.help("strings, and lists, are joined with `++`")
            }
            "+" if operands.iter().any(is_text) => message
                .help("strings are joined with `++`; a number becomes a string by `integer_to_list(N)` or `io_lib:format(\"~p\", [N])`"),
            "++" if operands.iter().any(is_text) => {
                message.help("`++` joins two strings or two lists; a term becomes a string by `io_lib:format(\"~p\", [X])`")
            }
            "++" if operands.iter().any(is_list) => message.help("`++` joins two lists: put a single element into one, `L ++ [X]`"),
            "div" | "rem" if operands.iter().all(Run::is_numeric) => {
                message.help("`div` and `rem` take integers; `/` divides floats, `trunc(X)` and `round(X)` make integers")
            }
            _ => message,
        }
    }
}

impl<T> Few<T> {
    fn kind_is_absent(&self) -> bool {
        !self.some()
    }
}

/// What arithmetic of these gives: an integer where both may be, a float where one may be.
pub(super) fn numeric(left: &Value, right: &Value) -> Value {
    let ints = |value: &Value| value.parts().is_none_or(|parts| parts.ints.some());
    let floats = |value: &Value| value.parts().is_none_or(|parts| parts.floats);
    match (ints(left) && ints(right), floats(left) || floats(right)) {
        (true, false) => Value::ints(),
        (false, true) => Value::floats(),
        _ => Value::numbers(),
    }
}

/// Two lists, or two strings, as one; nothing where they are sure to be neither.
pub(super) fn append(left: &Value, right: &Value) -> Option<Value> {
    let text = |value: &Value| value.parts().is_none_or(|parts| parts.texts.some());
    let list = |value: &Value| value.parts().is_none_or(|parts| parts.nil || parts.cons.is_some());
    let (texts, lists) = (text(left) && text(right), list(left) && list(right));
    if left.is_any() || right.is_any() {
        return (texts || lists).then(Value::any);
    }
    match (texts, lists) {
        (false, false) => None,
        (true, false) => Some(Value::texts()),
        (false, true) => Some(joined(left, right)),
        (true, true) => Some(joined(left, right).join(&Value::texts())),
    }
}

fn joined(left: &Value, right: &Value) -> Value {
    let (Some(a), Some(b)) = (left.parts(), right.parts()) else { return Value::any() };
    let exact = a.cons.as_ref().filter(|cons| !a.nil && cons.rest.is_none() && !cons.improper && a.kinds() == 1);
    if let Some(cons) = exact {
        let lists =
            Value::of(crate::check::infer::parts::Parts { nil: b.nil, cons: b.cons.clone(), ..Default::default() });
        return cons.items.iter().rev().fold(lists, |tail, head| Value::cons(head, &tail));
    }
    let elements = |parts: &crate::check::infer::parts::Parts| {
        parts.cons.as_ref().map_or_else(Value::never, crate::check::infer::parts::Cons::elements)
    };
    let element = elements(a).join(&elements(b));
    if b.cons.as_ref().is_some_and(|cons| cons.improper) {
        return Value::any();
    }
    if a.nil && b.nil {
        return Value::list_of(&element);
    }
    // At least one of them is not empty.
    Value::cons(&element, &Value::list_of(&element))
}

/// What a comparison gives, where the kinds alone decide it.
fn compare(operator: Binary, left: &Value, right: &Value) -> Value {
    let apart = !(left.meets(right) || is_number(left) && is_number(right));
    let exactly_apart = !left.meets(right);
    let same = left.single().zip(right.single()).map(|(left, right)| left == right);
    match operator {
        Binary::Equal if apart => Value::boolean(false),
        Binary::NotEqual if apart => Value::boolean(true),
        Binary::ExactlyEqual if exactly_apart => Value::boolean(false),
        Binary::ExactlyNotEqual if exactly_apart => Value::boolean(true),
        Binary::Equal | Binary::ExactlyEqual if same == Some(true) => Value::boolean(true),
        Binary::NotEqual | Binary::ExactlyNotEqual if same == Some(true) => Value::boolean(false),
        _ => Value::booleans(),
    }
}

/// Whether it may hold numbers, or terms with numbers in them, which compare equal across kinds.
fn is_number(value: &Value) -> bool {
    value.parts().is_none_or(|parts| {
        parts.ints.some() || parts.floats || parts.tuples.some() || parts.cons.is_some() || parts.map.is_some()
    })
}
