//! Verbs as values: `fun query/1` stands for `fun(V) -> query(V) end`.
//!
//! Whoever follows a program's dataflow needs a call of the verb that it can see, at the place where the text names it: a machine
//! notes what such a call sees at that place too.

use crate::check::core::Checked;
use crate::check::core::Clause;
use crate::check::core::Expr;
use crate::check::core::Lambda;
use crate::check::core::LocalId;
use crate::check::core::Node;
use crate::check::core::Pattern;
use crate::check::core::PatternNode;
use crate::check::core::Qualifier;
use crate::check::core::VerbCall;
use crate::library::BuiltinId;
use crate::library::Verb;
use crate::source::span::Span;

/// Writes each verb that is a value as a function that calls it.
pub(crate) fn verbs(program: &mut Checked) {
    program.forms.iter_mut().for_each(|form| each(&mut form.body));
    program.functions.iter_mut().for_each(|function| clauses(&mut function.lambda.clauses));
}

fn called(builtin: BuiltinId, verb: Verb, span: Span) -> Node {
    let arity = builtin.row().arity;
    let locals = || (0..u32::from(arity)).map(LocalId);
    let patterns = locals().map(|local| Pattern { node: PatternNode::Bind(local), span }).collect();
    let arguments = locals().map(|local| Expr { node: Node::Local(local), span }).collect();
    let call = Expr { node: Node::Verb(VerbCall { builtin, verb, arguments, name: None }), span };
    let clause = Clause { patterns, guard: Vec::new(), body: vec![call], span };
    let (captures, locals) = (Vec::new(), u32::from(arity));
    Node::Fun(Box::new(Lambda { arity, clauses: vec![clause], captures, itself: None, locals, span }))
}

fn each(all: &mut [Expr]) {
    all.iter_mut().for_each(expr);
}

fn clauses(all: &mut [Clause]) {
    all.iter_mut().for_each(|clause| {
        clause.guard.iter_mut().for_each(|part| each(part));
        each(&mut clause.body);
    });
}

fn qualifiers(all: &mut [Qualifier]) {
    all.iter_mut().for_each(|qualifier| match qualifier {
        Qualifier::List(_, source) | Qualifier::Map(_, _, source) | Qualifier::Filter(source) => expr(source),
    });
}

fn expr(at: &mut Expr) {
    match &mut at.node {
        Node::BuiltinValue(builtin) => {
            if let Some(verb) = builtin.row().verb {
                at.node = called(*builtin, verb, at.span);
            }
        }
        Node::Literal(_) | Node::Local(_) | Node::Global(_) | Node::FunctionValue(_) => {}
        Node::Tuple(items) | Node::Call(_, items) | Node::Builtin(_, items) | Node::Block(items) => each(items),
        Node::Verb(call) => each(&mut call.arguments),
        Node::Map(entries) => entries.iter_mut().for_each(|(key, value)| {
            expr(key);
            expr(value);
        }),
        Node::MapUpdate(map, entries) => {
            expr(map);
            entries.iter_mut().for_each(|(_, key, value)| {
                expr(key);
                expr(value);
            });
        }
        Node::Match(_, operand) | Node::Unary(_, operand) => expr(operand),
        Node::Cons(left, right)
        | Node::Binary(_, left, right)
        | Node::AndAlso(left, right)
        | Node::OrElse(left, right) => {
            expr(left);
            expr(right);
        }
        Node::Apply(function, arguments) => {
            expr(function);
            each(arguments);
        }
        Node::Fun(lambda) => clauses(&mut lambda.clauses),
        Node::Case(subject, all) => {
            expr(subject);
            clauses(all);
        }
        Node::If(all) => clauses(all),
        Node::ListComprehension(element, all) => {
            expr(element);
            qualifiers(all);
        }
        Node::MapComprehension(entry, all) => {
            expr(&mut entry.0);
            expr(&mut entry.1);
            qualifiers(all);
        }
    }
}
