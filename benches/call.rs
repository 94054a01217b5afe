//! What a call of a compiled function costs, beside a native closure behind a pointer.
//!
//! `cargo bench --bench call` prints nanoseconds for each call, and the ratio.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::cast_precision_loss,
    reason = "a bench measures time and prints"
)]

use std::hint::black_box;
use std::time::Duration;
use std::time::Instant;

use lasp::check::core::Binary;
use lasp::check::core::Checked;
use lasp::check::core::Clause;
use lasp::check::core::Expr;
use lasp::check::core::Form;
use lasp::check::core::Lambda;
use lasp::check::core::LocalId;
use lasp::check::core::Node;
use lasp::check::core::Pattern;
use lasp::check::core::PatternNode;
use lasp::compile::generate;
use lasp::source::span::Span;
use lasp::value::term::Term;
use lasp::vm::Machine;
use lasp::vm::Outcome;

const CALLS: i64 = 20_000;
const RUNS: usize = 500;

fn main() {
    let body = binary(Binary::Add, binary(Binary::Multiply, local(0), int(2)), int(1));
    compare("fun(X) -> X * 2 + 1 end", body, Box::new(|x| x * 2 + 1));
    let parity = Node::Case(
        Box::new(binary(Binary::Rem, local(0), int(3))),
        vec![clause(PatternNode::Literal(Term::Int(0)), local(0)), clause(PatternNode::Any, int(7))],
    );
    let native = |x: i64| if x % 3 == 0 { x } else { 7 };
    compare("fun(X) -> case X rem 3 of 0 -> X; _ -> 7 end end", expr(parity), Box::new(native));
}

fn compare(title: &str, body: Expr, native: Box<dyn Fn(i64) -> i64>) {
    let (mut machine, function) = machine(body);
    for x in 0..100 {
        let result = machine.call(&function, &[Term::Int(x)]).expect("the function is total");
        assert_eq!(result, Term::Int(native(x)));
    }
    let native = black_box(native);
    let plain = best(|x| {
        black_box(native(black_box(x)));
    });
    let compiled = best(|x| {
        black_box(machine.call(&function, black_box(&[Term::Int(x)])).is_ok());
    });
    println!("{title}: {compiled:.1} ns a call, native {plain:.1} ns, ratio {:.1}", compiled / plain);
}

/// The fastest of several runs, in nanoseconds a call.
fn best(mut call: impl FnMut(i64)) -> f64 {
    let mut run = || {
        let start = Instant::now();
        (0..CALLS).for_each(&mut call);
        start.elapsed()
    };
    let fastest = (0..RUNS).map(|_| run()).min().unwrap_or(Duration::ZERO);
    fastest.as_secs_f64() * 1e9 / CALLS as f64
}

fn machine(body: Expr) -> (Machine, Term) {
    let bind = Pattern { node: PatternNode::Bind(LocalId(0)), span: Span::default() };
    let clause = Clause { patterns: vec![bind], guard: Vec::new(), body: vec![body], span: Span::default() };
    let lambda = Lambda {
        arity: 1,
        clauses: vec![clause],
        captures: Vec::new(),
        itself: None,
        locals: 1,
        span: Span::default(),
    };
    let form = Form { body: vec![expr(Node::Fun(Box::new(lambda)))], locals: 0, span: Span::default() };
    let checked = Checked { forms: vec![form], ..Checked::default() };
    let unit = generate(&checked, None).expect("small");
    let mut machine = Machine::new();
    let forms = machine.load(&unit).forms;
    let mut task = machine.top_level(&forms);
    let mut fuel = 100;
    let Outcome::Done(function) = machine.run(&mut task, &mut fuel) else { panic!("a form without effects ends") };
    (machine, function)
}

fn clause(node: PatternNode, body: Expr) -> Clause {
    let pattern = Pattern { node, span: Span::default() };
    Clause { patterns: vec![pattern], guard: Vec::new(), body: vec![body], span: Span::default() }
}

fn expr(node: Node) -> Expr {
    Expr { node, span: Span::default() }
}

fn local(number: u32) -> Expr {
    expr(Node::Local(LocalId(number)))
}

fn int(value: i64) -> Expr {
    expr(Node::Literal(Term::Int(value)))
}

fn binary(operator: Binary, left: Expr, right: Expr) -> Expr {
    expr(Node::Binary(operator, Box::new(left), Box::new(right)))
}
