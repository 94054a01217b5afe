//! Patterns, made of what was parsed as expressions.

use crate::check::Checker;
use crate::check::core::Node;
use crate::check::core::Pattern;
use crate::check::core::PatternNode;
use crate::check::scope::Binding;
use crate::check::scope::Found;
use crate::check::scope::Slot;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::syntax::tree;
use crate::syntax::tree::ExprId;
use crate::syntax::tree::Infix;
use crate::syntax::tree::Prefix;
use crate::value::term::Term;

/// How the variables of a pattern are taken.
#[derive(Clone, Copy, Debug)]
pub(super) enum Binds {
    /// In heads and generators: each is new, whatever it means around; those bound since this mark are of the same head.
    Fresh(usize),
    /// Elsewhere: what is bound already has to match.
    Match,
}

/// The most elements of a list pattern, so that it is not nested too deeply.
const ELEMENTS_MAX: usize = 400;

impl<'a> Checker<'a> {
    pub(super) fn pattern(&mut self, id: ExprId, binds: Binds) -> Pattern {
        let span = self.tree.span(id);
        Pattern { node: self.pattern_node(id, binds), span }
    }

    fn pattern_node(&mut self, id: ExprId, binds: Binds) -> PatternNode {
        if let Some(term) = self.literal(id)
            && !holds_map(&term)
        {
            return PatternNode::Literal(term);
        }
        let tree = self.tree;
        match tree.node(id) {
            tree::Node::Error => PatternNode::Any,
            tree::Node::Variable => self.pattern_variable(id, binds),
            tree::Node::Tuple(items) => {
                PatternNode::Tuple(items.iter().map(|item| self.pattern(*item, binds)).collect())
            }
            tree::Node::List(items, tail) if items.len() <= ELEMENTS_MAX => self.list_pattern(items, *tail, id, binds),
            tree::Node::List(..) => {
                let span = tree.span(id);
                self.tell(
                    Diagnostic::error("E0110", "this list is too long for a pattern")
                        .at(span, format!("more than {ELEMENTS_MAX} elements"))
                        .help("match the first elements and the rest: `[A, B | Rest]`"),
                );
                PatternNode::Any
            }
            tree::Node::Map(fields) => self.map_pattern(fields, binds),
            tree::Node::Binop(Infix::Match, left, right) => {
                let left = self.pattern(*left, binds);
                PatternNode::Both(Box::new(left), Box::new(self.pattern(*right, binds)))
            }
            tree::Node::Binop(Infix::Append, left, right) if self.is_text(*left) => {
                let prefix = self.text(*left);
                PatternNode::Prefix(prefix, Box::new(self.pattern(*right, binds)))
            }
            _ => {
                if !self.wrapped_pattern(id, binds) {
                    self.illegal_pattern(id);
                }
                PatternNode::Any
            }
        }
    }

    fn list_pattern(&mut self, items: &'a [ExprId], tail: Option<ExprId>, id: ExprId, binds: Binds) -> PatternNode {
        let span = self.tree.span(id);
        let items: Vec<Pattern> = items.iter().map(|item| self.pattern(*item, binds)).collect();
        let tail = match tail {
            Some(tail) => self.pattern(tail, binds),
            None => Pattern { node: PatternNode::Literal(Term::Nil), span },
        };
        let whole = items.into_iter().rev().fold(tail, |tail, head| {
            let span = head.span.to(tail.span);
            Pattern { node: PatternNode::Cons(Box::new(head), Box::new(tail)), span }
        });
        whole.node
    }

    fn map_pattern(&mut self, fields: &'a [tree::Field], binds: Binds) -> PatternNode {
        let mut entries = Vec::new();
        for field in fields {
            if !field.exactly {
                let (key, value) = (self.tree.span(field.key), self.tree.span(field.value));
                let help = format!("write `{} := {}`", self.tree.raw(field.key), self.tree.raw(field.value));
                self.tell(
                    Diagnostic::error("E0208", "a map pattern has `:=` between key and value")
                        .at(key.to(value), "`=>` makes an entry, `:=` matches one")
                        .help(help),
                );
            }
            self.guard_safe(field.key, "the key of a map pattern");
            let key = self.expr(field.key);
            entries.push((key, self.pattern(field.value, binds)));
        }
        PatternNode::Map(entries)
    }

    fn pattern_variable(&mut self, id: ExprId, binds: Binds) -> PatternNode {
        let name = self.tree.raw(id);
        if name == "_" {
            return PatternNode::Any;
        }
        match binds {
            Binds::Fresh(mark) => {
                let known = self.scope().names.of(name).next().filter(|(at, _)| *at >= mark);
                match known {
                    Some((_, Binding::Local(local))) => PatternNode::Same(*local),
                    _ => PatternNode::Bind(self.bind_fresh(name)),
                }
            }
            Binds::Match => match self.find(name) {
                Found::Local(local) => PatternNode::Same(local),
                Found::Global(global) => PatternNode::Global(global),
                Found::Pending(slot) => {
                    self.scope().names.push((name, slot.into()));
                    match slot {
                        Slot::Local(local) => PatternNode::Bind(local),
                        Slot::Global(global) => PatternNode::Global(global),
                    }
                }
                Found::Later(global) if self.in_named() => PatternNode::Global(global),
                Found::Unsafe(range) => {
                    self.unsafe_name(id, range);
                    PatternNode::Any
                }
                Found::Later(_) | Found::Nothing => PatternNode::Bind(self.bind_fresh(name)),
            },
        }
    }

    fn is_text(&self, id: ExprId) -> bool {
        matches!(self.tree.node(id), tree::Node::Text | tree::Node::Binary(_))
    }

    /// What a `Text` or `Binary` says.
    pub(super) fn text(&self, id: ExprId) -> String {
        match self.tree.node(id) {
            tree::Node::Binary(None) => String::new(),
            tree::Node::Binary(Some(text)) => self.tree.string(*text),
            _ => self.tree.string(id),
        }
    }

    /// `Some(X)`, `X: integer()`, where a pattern is expected: what names stand in it are bound, so that they are not missed.
    fn wrapped_pattern(&mut self, id: ExprId, binds: Binds) -> bool {
        let tree = self.tree;
        let (names, diagnostic) = match tree.node(id) {
            tree::Node::Call(word, parts) if matches!(tree.node(*word), tree::Node::Variable) => {
                let word = tree.raw(*word);
                let parts: Vec<ExprId> = parts.to_vec();
                let inside: Vec<&str> = parts.iter().map(|part| tree.raw(*part)).collect();
                let meant = match word {
                    "Err" => "error".to_owned(),
                    _ => word.chars().flat_map(char::to_lowercase).collect(),
                };
                let help = match &*inside {
                    [] => format!("a word alone is an atom: write `{meant}`"),
                    _ => format!(
                        "what has a word in front is a tuple, and the word an atom: write `{{{meant}, {}}}`",
                        inside.join(", ")
                    ),
                };
                let title = format!("`{}` cannot be matched against", short(tree.raw(id)));
                (parts, Diagnostic::error("E0208", title).at(tree.span(id), "not a pattern").help(help))
            }
            tree::Node::Remote(name, _, _) if matches!(tree.node(*name), tree::Node::Variable) => {
                let written = tree.raw(*name);
                let (of, all) = (tree.span(*name), tree.span(id));
                let help = format!("what `{written}` may be is found out from how it is used: write `{written}` alone");
                let place = Span { start: of.end, ..all };
                (vec![*name], Diagnostic::error("E0108", "no types are written").at(place, "take it away").help(help))
            }
            _ => return false,
        };
        self.tell(diagnostic);
        for name in names.iter().filter(|name| matches!(tree.node(**name), tree::Node::Variable)) {
            self.pattern_variable(*name, binds);
        }
        true
    }

    fn illegal_pattern(&mut self, id: ExprId) {
        let tree = self.tree;
        let help = match tree.node(id) {
            tree::Node::Call(name, _) if matches!(tree.node(*name), tree::Node::Atom) => {
                "a call cannot be matched against: bind its value first; to compare, write `==`; a function is defined with `->`: `f(X) -> X * 2.`"
            }
            tree::Node::Call(..) | tree::Node::Remote(..) => "bind the value first, and match the name",
            tree::Node::Update(..) => "match the entries: `#{key := Value}`",
            tree::Node::Binop(Infix::Append, ..) => {
                "only a text can stand in front: `\"prefix\" ++ Rest`; for lists write `[A, B | Rest]`"
            }
            tree::Node::Binop(Infix::Plus | Infix::Minus | Infix::Times, ..) | tree::Node::Unary(Prefix::Minus, _) => {
                "match a name and calculate afterwards, or compare in a guard: `f(Y) when Y =:= X + 1 -> ..`"
            }
            tree::Node::Binop(..) => {
                "match a name and compare in a guard: `f(X) when X > 0 -> ..`; to compare two values write `==`"
            }
            _ => "a pattern is made of names, literals, tuples, lists and maps",
        };
        let shown = short(tree.raw(id));
        self.tell(
            Diagnostic::error("E0208", format!("`{shown}` cannot be matched against"))
                .at(tree.span(id), "not a pattern")
                .help(help),
        );
    }

    /// `total = 5`: a name with a small letter, which is an atom.
    pub(super) fn atom_meant_as_name(&mut self, pattern: ExprId, value: ExprId) {
        let tree = self.tree;
        if !matches!(tree.node(pattern), tree::Node::Atom) || tree.raw(pattern).starts_with('\'') {
            return;
        }
        if !self.never_an_atom(value) {
            return;
        }
        let name = tree.raw(pattern);
        let help = match self.several.take() {
            Some(several) => several,
            None => {
                format!("names of values start with a capital letter: `{} = ..`", crate::syntax::guess::capital(name))
            }
        };
        self.tell(
            Diagnostic::error("E0210", format!("`{name}` is an atom, a value of its own, and not the name of one"))
                .at(tree.span(pattern), "this can never match")
                .help(help),
        );
    }

    /// Whether a value can be seen to be no atom.
    pub(super) fn never_an_atom(&self, id: ExprId) -> bool {
        use tree::Node as N;
        let tree = self.tree;
        match tree.node(id) {
            N::Integer | N::Float | N::Text | N::Binary(_) | N::Tuple(_) | N::List(..) | N::Map(_) | N::Update(..) => {
                true
            }
            N::Fun(_) | N::FunName(_) | N::ListComprehension(..) | N::MapComprehension(..) => true,
            N::Unary(Prefix::Minus | Prefix::Plus | Prefix::BitNot, _) => true,
            N::Binop(Infix::Plus | Infix::Minus | Infix::Times | Infix::Divide | Infix::Append, ..) => true,
            N::Binop(Infix::Div | Infix::Rem | Infix::Subtract, ..) => true,
            N::Call(name, arguments) => {
                let makes = ["declare", "declare_dynamic", "map", "filter", "union", "intersection", "product", "fold"];
                let called = tree.raw(*name);
                makes.contains(&called) && self.own_function(called, arguments.len()).is_none()
            }
            _ => false,
        }
    }
}

/// The first part of what is written, for a title.
pub(super) fn short(written: &str) -> String {
    let line = written.lines().next().unwrap_or("");
    if line.chars().count() > 40 || line.len() < written.len() {
        format!("{}..", line.chars().take(38).collect::<String>())
    } else {
        line.to_owned()
    }
}

impl Checker<'_> {
    /// The value of a literal expression, compound ones of literals included.
    pub(super) fn literal_node(&mut self, id: ExprId) -> Option<Node> {
        self.literal(id).map(Node::Literal)
    }
}

/// Whether a map is anywhere in a term. As a pattern a map matches every map that has its keys, and is no literal.
fn holds_map(term: &Term) -> bool {
    match term {
        Term::Map(_) => true,
        Term::Tuple(tuple) => tuple.items().iter().any(holds_map),
        Term::Cons(_) => term.to_vec().is_some_and(|items| items.iter().any(holds_map)),
        _ => false,
    }
}
