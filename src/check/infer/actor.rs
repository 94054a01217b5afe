//! The actor of an update, which is the third argument: what else is meant there.

use crate::check::core::Expr;
use crate::check::core::Node;
use crate::check::core::VerbCall;
use crate::check::infer::run::Run;
use crate::check::infer::site::site;
use crate::check::infer::value::Value;
use crate::source::diagnostic::Diagnostic;
use crate::value::kind::Type;
use crate::value::operation;
use crate::value::operation::Op;
use crate::value::term::Term;

impl<'p> Run<'p> {
    /// Tells a third argument of an update that is meant as something else than who does it.
    pub(super) fn no_actor(&mut self, expr: &'p Expr, call: &'p VerbCall, numbers: &[u32], op: &Value) {
        self.operation_as_actor(expr, call, numbers);
        self.amount_as_actor(expr, call, numbers, op);
    }

    /// What to write for `update(S, add, 1)`: there the operation is written as two arguments.
    pub(super) fn operation_apart(&self, call: &VerbCall, numbers: &[u32], word: Option<&Term>) -> Option<String> {
        let Node::Literal(operand) = &call.arguments.get(2)?.node else { return None };
        let whole = Term::pair(word.filter(|word| word.as_atom().is_some())?.clone(), operand.clone());
        let kind = |number: &u32| self.variables.get(*number).and_then(|variable| variable.kind.as_ref());
        let does = |number: &u32| kind(number).is_some_and(|kind| Op::parse(kind, &whole).is_ok());
        let name = self.shown(*numbers.first()?).unwrap_or_else(|| "V".to_owned());
        numbers
            .iter()
            .all(does)
            .then(|| format!("an operation is one argument: write `update({name}, {})`", operation::Brief(&whole)))
    }

    /// `update(S, {add, 1}, {add, 2})`: of what is written as two operations, only the first is done.
    fn operation_as_actor(&mut self, expr: &'p Expr, call: &'p VerbCall, numbers: &[u32]) {
        let Some(second) = call.arguments.get(2) else { return };
        let key = site(&second.node);
        let kind = |number: &u32| self.variables.get(*number).and_then(|variable| variable.kind.as_ref());
        let Node::Literal(term) = &second.node else { return };
        let does = |number: &u32| kind(number).is_some_and(|kind| Op::parse(kind, term).is_ok());
        if numbers.is_empty() || !numbers.iter().all(does) {
            return self.sites.fine(key, expr.span);
        }
        let first = match call.arguments.get(1).map(|first| &first.node) {
            Some(Node::Literal(first)) => operation::Brief(first).to_string(),
            _ => "..".to_owned(),
        };
        let second_operation = operation::Brief(term).to_string();
        let name = numbers.first().and_then(|number| self.shown(*number)).unwrap_or_else(|| "V".to_owned());
        let help =
            format!("an update does one operation: `update({name}, {first}), update({name}, {second_operation})`");
        let told = Diagnostic::warning("E0409", format!("`{second_operation}` is not done"))
            .at(second.span, "a label of who does it, which stands third")
            .help(help);
        self.sites.remark(key, expr.span, || told);
    }

    /// `update(C, increment, 5)`: the third argument is who counts, and not how much. Only where it is no owner of rights, and
    /// a number is written there that would make a difference.
    fn amount_as_actor(&mut self, expr: &'p Expr, call: &'p VerbCall, numbers: &[u32], op: &Value) {
        let Some(Expr { node: Node::Literal(amount), span }) = call.arguments.get(2) else { return };
        let Some(word @ ("increment" | "decrement")) = op.single().and_then(|op| op.as_atom()) else { return };
        let kind = |number: &u32| self.variables.get(*number).and_then(|variable| variable.kind.as_ref());
        let counts = |number: &u32| kind(number).is_some_and(|kind| kind.is_counter() && *kind != Type::BCounter);
        // The place itself is fine as far as running goes, and so this has a key of its own.
        let key = site(span);
        if !amount.is_number() || *amount == Term::Int(1) || numbers.is_empty() || !numbers.iter().all(counts) {
            return self.sites.fine(key, expr.span);
        }
        let title = format!("this counts 1, and not {amount}");
        let help = format!("write `{{{word}, {amount}}}` for the amount; for a label, an atom such as `client`");
        let told = Diagnostic::warning("E0409", title).at(*span, "a label of who counts, without effect").help(help);
        self.sites.remark(key, expr.span, || told);
    }
}
