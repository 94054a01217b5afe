//! Expressions that do nothing, and were meant to change something: in other languages lists, maps and names are changed in
//! place.

use std::collections::BTreeMap;

use crate::check::core::Binary;
use crate::check::core::Checked;
use crate::check::core::Expr;
use crate::check::core::Function;
use crate::check::core::FunctionId;
use crate::check::core::Lambda;
use crate::check::core::Node;
use crate::check::core::Pattern;
use crate::check::core::PatternNode;
use crate::check::infer::matching::is_comparison;
use crate::check::infer::parts::Parts;
use crate::check::infer::run::Frame;
use crate::check::infer::run::Run;
use crate::check::infer::value::Value;
use crate::check::walk;
use crate::library::Verb;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::value::term::Term;

/// Functions of the library's modules that are written in the language and take no functions: what they do is all in what
/// they give.
const PLAIN: &[(&str, &[&str])] = &[
    ("lists", &["delete", "droplast", "enumerate", "join", "sublist", "unzip", "zip", "merge", "split"]),
    ("maps", &["with", "without", "take"]),
    ("sets", &["add_element", "del_element", "union", "intersection", "subtract", "to_list", "from_list"]),
    ("ordsets", &["add_element", "del_element", "union", "intersection", "subtract", "to_list", "from_list"]),
    ("queue", &["in", "in_r", "out", "out_r", "drop", "reverse"]),
    ("proplists", &["delete", "get_value"]),
];

/// Functions of `lists` that call a function for each element, and do nothing else.
const HIGHER: &[&str] = &[
    "all",
    "any",
    "filter",
    "filtermap",
    "flatmap",
    "foldl",
    "foldr",
    "map",
    "mapfoldl",
    "partition",
    "search",
    "sort",
    "zipwith",
];

/// How messages speak of a local: its name is put there, which is in the text alone.
const THIS_NAME: &str = "this name";
/// What the place of the name is told by.
const COMPARED: &str = "compared here, and equal only where nothing is added or taken";
const BOUND: &str = "bound already";

/// Puts the name itself into a message that speaks of `this name`. `text` gives what stands at a place.
pub fn name_it<'t>(diagnostic: &mut Diagnostic, text: impl Fn(Span) -> &'t str) {
    let named = diagnostic.labels.iter().find(|label| label.text == COMPARED || label.text == BOUND);
    if let Some(label) = named.filter(|_| diagnostic.title.contains(THIS_NAME)) {
        diagnostic.title = diagnostic.title.replacen(THIS_NAME, &format!("`{}`", text(label.span)), 1);
    }
}

/// `S = S + X` where `S` is bound: a comparison, that holds only where nothing is added. Nothing is said of what was said to
/// fail.
pub(super) fn reassigned(checked: &Checked, said: &[Diagnostic]) -> Vec<Diagnostic> {
    let mut told = Vec::new();
    every(checked, &mut |expr| {
        let Node::Match(pattern, value) = &expr.node else { return };
        if !makes_another(pattern, value) || places(said).any(|place| within(place, expr.span)) {
            return;
        }
        told.push(
            Diagnostic::warning("E0413", format!("{THIS_NAME} is bound already, and `=` does not change it"))
                .at(pattern.span, COMPARED)
                .help(instead(value)),
        );
    });
    told
}

/// `X = update(declare(set), ..)`: a variable has its name from the name that `declare` itself is bound to.
pub(super) fn nameless(checked: &Checked) -> Vec<Diagnostic> {
    let mut told = Vec::new();
    for expr in checked.forms.iter().flat_map(|form| &form.body) {
        let Node::Match(pattern, value) = &expr.node else { continue };
        let (PatternNode::Global(id), Node::Verb(update)) = (&pattern.node, &value.node) else { continue };
        let Some(Expr { node: Node::Verb(made), span }) = update.arguments.first() else { continue };
        let own = made.verb == Verb::Declare && made.name.is_none() && made.arguments.len() == 1;
        if update.verb != Verb::Update || !own {
            continue;
        }
        let name = checked.globals.get(id.0 as usize).map_or("V", String::as_str);
        told.push(
            Diagnostic::warning("E0415", "this variable has no name, so that each node has one of its own")
                .at(*span, "not declared under a name")
                .help(format!("declare it first: `{name} = declare(..), update({name}, ..)`; a program that nodes share has the same names on all")),
        );
    }
    told
}

/// What to write instead.
fn instead(value: &Expr) -> &'static str {
    match &value.node {
        Node::Binary(Binary::Append | Binary::ListSubtract, ..) | Node::Cons(..) => {
            "give the new list a name of its own; what grows in place is a variable: `update(S, {add, X})`"
        }
        Node::MapUpdate(..) => {
            "give the new map a name of its own; what changes in place is a variable: `M = declare({awmap, [set]})`"
        }
        _ => {
            "give the new number a name of its own; a list is summed by `lists:sum(L)` or `lists:foldl(fun(X, Sum) -> Sum + X end, 0, L)`, \
             and what is counted on in place is a variable: `update(C, increment)`"
        }
    }
}

impl Run<'_> {
    /// What is said of a name that is matched with what is sure to differ from it, being made from it.
    pub(super) fn never_itself(&self, pattern: &Pattern, value: &Expr, frame: &Frame) -> Option<Diagnostic> {
        if !makes_another(pattern, value) {
            return None;
        }
        let (name, known) = match &pattern.node {
            PatternNode::Same(local) => (THIS_NAME.to_owned(), frame.get(local.0)),
            // An earlier line may have failed before it bound the name.
            PatternNode::Global(global) if frame.in_function || global.0 as usize >= self.earlier => {
                let at = global.0 as usize;
                let here = || self.globals.get(at).cloned().flatten().unwrap_or_else(Value::any);
                let known = if frame.in_function { self.global(at) } else { here() };
                (self.names.get(at).map_or_else(String::new, |name| format!("`{name}`")), known)
            }
            _ => return None,
        };
        let only = |parts: &Parts| parts.kinds() == 1;
        let sure = match &value.node {
            Node::Binary(Binary::Add | Binary::Subtract, left, right) => {
                let number = |expr: &Expr| matches!(&expr.node, Node::Literal(Term::Int(_)));
                (number(left) || number(right)) && known.parts().is_some_and(|parts| only(parts) && parts.ints.some())
            }
            Node::Binary(Binary::Append, left, right) => {
                let more = |expr: &Expr| match &expr.node {
                    Node::Literal(Term::Cons(_)) | Node::Cons(..) => true,
                    Node::Literal(term) => term.as_text().is_some_and(|text| !text.is_empty()),
                    _ => false,
                };
                more(left) || more(right)
            }
            Node::Cons(..) => true,
            _ => false,
        };
        let title = format!("{name} is {} already, and `=` does not change it", self.describe(&known));
        sure.then(|| Diagnostic::error("E0507", title).at(pattern.span, BOUND).help(instead(value)))
    }
}

/// Whether what a pattern is matched with is made from the pattern's own name.
fn makes_another(pattern: &Pattern, value: &Expr) -> bool {
    let same = |expr: &Expr| match (&pattern.node, &expr.node) {
        (PatternNode::Same(a), Node::Local(b)) => a == b,
        (PatternNode::Global(a), Node::Global(b)) => a == b,
        _ => false,
    };
    match &value.node {
        Node::Binary(Binary::Add | Binary::Subtract, left, right) => {
            let nothing = |expr: &Expr| matches!(&expr.node, Node::Literal(Term::Int(0)));
            same(left) && !nothing(right) || same(right) && !nothing(left)
        }
        Node::Binary(Binary::Multiply | Binary::Append, left, right) => same(left) || same(right),
        Node::Binary(Binary::Divide | Binary::Div | Binary::Rem | Binary::ListSubtract, left, _) => same(left),
        Node::Cons(_, tail) => same(tail),
        Node::MapUpdate(map, _) => same(map),
        _ => false,
    }
}

/// What is calculated in a program where nobody takes it.
pub(super) fn unused<'a>(
    checked: &Checked,
    name: impl Fn(FunctionId) -> Option<&'a Function>,
    said: &[Diagnostic],
) -> Vec<Diagnostic> {
    let mut told = Vec::new();
    let known = Calculating { functions: &name, funs: bound_funs(checked), checked };
    let mut look = |statement: &Expr| {
        if !known.plain_statement(statement) || places(said).any(|place| within(place, statement.span)) {
            return;
        }
        if let Some((title, help)) = words(statement, &name) {
            told.push(Diagnostic::warning("E0414", title).at(statement.span, "nobody takes this value").help(help));
        }
    };
    for form in &checked.forms {
        form.body.iter().for_each(&mut look);
    }
    let mut body = |body: &[Expr]| {
        if let Some((_, before)) = body.split_last() {
            before.iter().for_each(&mut look);
        }
    };
    checked.functions.iter().flat_map(|function| &function.lambda.clauses).for_each(|clause| body(&clause.body));
    every(checked, &mut |expr| match &expr.node {
        Node::Fun(lambda) => lambda.clauses.iter().for_each(|clause| body(&clause.body)),
        Node::Case(_, clauses) | Node::If(clauses) => clauses.iter().for_each(|clause| body(&clause.body)),
        Node::Block(inner) => body(inner),
        _ => {}
    });
    told
}

/// What is said of a statement that only calculates.
fn words<'a>(statement: &Expr, name: &impl Fn(FunctionId) -> Option<&'a Function>) -> Option<(String, String)> {
    let new = |what: &str, made: &str| {
        let help =
            "bind what it gives to a name, `New = ..`; what is to change lives in a variable, and changes by `update`";
        (format!("{what} gives a new {made}, and changes none"), help.to_owned())
    };
    Some(match &statement.node {
        Node::Binary(Binary::Append, ..) => new("`++`", "list"),
        Node::Binary(Binary::ListSubtract, ..) => new("`--`", "list"),
        Node::MapUpdate(..) => new("`Map#{..}`", "map"),
        Node::ListComprehension(..) => new("a comprehension", "list"),
        Node::MapComprehension(..) => new("a comprehension", "map"),
        Node::Binary(binary, ..) if is_comparison(*binary) => (
            "this comparison is true or false, and nothing follows from it".to_owned(),
            "`assert(..)` fails where it is false; `case` and `if` choose by it; `=` binds a name".to_owned(),
        ),
        Node::Binary(..) | Node::Unary(..) => (
            "this is calculated, and nothing is done with it".to_owned(),
            "print it, bind it to a name, or take it away".to_owned(),
        ),
        Node::Builtin(id, _) => {
            let row = id.row();
            let made = row.signature.rsplit_once("-> ").map_or("value", |(_, result)| result);
            let made = if matches!(made, "list" | "map" | "string" | "tuple") { made } else { "value" };
            new(&format!("`{}`", row.title()), made)
        }
        Node::Call(id, _) => {
            let function = name(*id)?;
            new(&format!("`{}:{}/{}`", function.module.as_deref()?, function.name, function.lambda.arity), "value")
        }
        _ => return None,
    })
}

/// The names of the top level that one form each binds to a `fun`.
fn bound_funs(checked: &Checked) -> BTreeMap<u32, Option<&Lambda>> {
    let mut funs = BTreeMap::new();
    for expr in checked.forms.iter().flat_map(|form| &form.body) {
        if let Node::Match(pattern, value) = &expr.node
            && let PatternNode::Global(id) = &pattern.node
        {
            let lambda = if let Node::Fun(lambda) = &value.node { Some(&**lambda) } else { None };
            funs.entry(id.0).and_modify(|known| *known = None).or_insert(lambda);
        }
    }
    funs
}

/// What tells whether an expression only calculates.
struct Calculating<'c, F> {
    functions: &'c F,
    funs: BTreeMap<u32, Option<&'c Lambda>>,
    checked: &'c Checked,
}

impl<'a, F: Fn(FunctionId) -> Option<&'a Function>> Calculating<'_, F> {
    /// A statement that only calculates. A comprehension that matches may be there for what it fails by.
    fn plain_statement(&self, expr: &Expr) -> bool {
        if !matches!(&expr.node, Node::ListComprehension(..) | Node::MapComprehension(..)) {
            return self.plain(expr);
        }
        let mut all = true;
        walk::children(expr, &mut |child| all = all && self.plain_statement(child));
        all
    }

    /// No verb is in it but `query`, and nothing unknown is called.
    fn plain(&self, expr: &Expr) -> bool {
        let (here, skipped) = match &expr.node {
            Node::Call(id, arguments) if self.is_higher(*id) => {
                let Some((function, _)) = arguments.split_first() else { return false };
                (self.plain_function(function), Some(function))
            }
            _ => (self.plain_here(expr), None),
        };
        let mut all = here;
        walk::children(expr, &mut |child| {
            all = all && (skipped.is_some_and(|function| std::ptr::eq(function, child)) || self.plain(child));
        });
        all
    }

    fn is_higher(&self, id: FunctionId) -> bool {
        (self.functions)(id).is_some_and(|function| {
            function.module.as_deref() == Some("lists")
                && HIGHER.contains(&&*function.name)
                && function.lambda.arity > 1
        })
    }

    /// A function that only calculates.
    fn plain_function(&self, expr: &Expr) -> bool {
        match &expr.node {
            Node::Fun(lambda) => self.plain_lambda(lambda),
            Node::Global(id) => self.funs.get(&id.0).copied().flatten().is_some_and(|lambda| self.plain_lambda(lambda)),
            Node::FunctionValue(id) => {
                let own = self.checked.functions.iter().find(|function| function.id == *id);
                own.is_some_and(|function| self.plain_lambda(&function.lambda))
            }
            Node::BuiltinValue(id) => {
                let row = id.row();
                row.verb.is_none() && !row.signature.contains("function") && row.name != "error"
            }
            _ => false,
        }
    }

    fn plain_lambda(&self, lambda: &Lambda) -> bool {
        let mut all = true;
        walk::in_clauses(&lambda.clauses, &mut |expr| all = all && self.plain_within(expr));
        all
    }

    /// The same within a function, where branches and names are nothing special.
    fn plain_within(&self, expr: &Expr) -> bool {
        let through = matches!(
            &expr.node,
            Node::Case(..)
                | Node::If(_)
                | Node::Block(_)
                | Node::Match(..)
                | Node::ListComprehension(..)
                | Node::MapComprehension(..)
        );
        if !through {
            return self.plain(expr);
        }
        let mut all = true;
        walk::children(expr, &mut |child| all = all && self.plain_within(child));
        all
    }

    fn plain_here(&self, expr: &Expr) -> bool {
        let name = self.functions;
        match &expr.node {
            Node::Literal(_)
            | Node::Local(_)
            | Node::Global(_)
            | Node::Tuple(_)
            | Node::Cons(..)
            | Node::Map(_)
            | Node::MapUpdate(..)
            | Node::Unary(..)
            | Node::Binary(..)
            | Node::AndAlso(..)
            | Node::OrElse(..) => true,
            Node::Verb(call) => call.verb == Verb::Query,
            Node::Builtin(id, _) => !id.row().signature.contains("function") && id.row().name != "error",
            Node::Call(id, _) => name(*id).is_some_and(|function| {
                let known = PLAIN.iter().find(|(module, _)| function.module.as_deref() == Some(module));
                known.is_some_and(|(_, names)| names.contains(&&*function.name))
            }),
            _ => false,
        }
    }
}

fn places(said: &[Diagnostic]) -> impl Iterator<Item = Span> {
    said.iter().flat_map(|said| &said.labels).map(|label| label.span)
}

fn within(inner: Span, outer: Span) -> bool {
    outer.file == inner.file && outer.start <= inner.start && inner.end <= outer.end
}

/// All expressions of a text.
fn every<'c>(checked: &'c Checked, each: &mut impl FnMut(&'c Expr)) {
    let mut open: Vec<&Expr> = checked.forms.iter().flat_map(|form| &form.body).collect();
    for function in &checked.functions {
        walk::in_clauses(&function.lambda.clauses, &mut |expr| open.push(expr));
    }
    while let Some(expr) = open.pop() {
        each(expr);
        walk::children(expr, &mut |child| open.push(child));
    }
}
