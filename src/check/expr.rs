//! Expressions.

use crate::check::Checker;
use crate::check::core::Binary;
use crate::check::core::Expr;
use crate::check::core::Node;
use crate::check::core::Unary;
use crate::check::hints;
use crate::check::pattern::Binds;
use crate::check::scope::Binding;
use crate::check::scope::Found;
use crate::check::suggest;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::syntax::guess::capital;
use crate::syntax::literal::Integer;
use crate::syntax::tree;
use crate::syntax::tree::ExprId;
use crate::syntax::tree::Infix;
use crate::syntax::tree::Prefix;
use crate::value::atom::Atom;
use crate::value::map::Map;
use crate::value::term::Term;

/// A list expression of more elements is made of parts of so many, so that it is not nested too deeply.
const PART: usize = 64;

impl<'a> Checker<'a> {
    pub(super) fn body(&mut self, body: &'a [ExprId]) -> Vec<Expr> {
        body.iter().map(|id| self.expr(*id)).collect()
    }

    pub(super) fn expr(&mut self, id: ExprId) -> Expr {
        self.expr_named(id, None)
    }

    /// `name` is the name that a variable gets which `id` makes directly.
    pub(super) fn expr_named(&mut self, id: ExprId, name: Option<&'a str>) -> Expr {
        let tree = self.tree;
        let span = tree.span(id);
        if let Some(node) = self.literal_node(id) {
            return Expr { node, span };
        }
        let node = match tree.node(id) {
            tree::Node::Variable => self.variable(id),
            tree::Node::Tuple(items) => Node::Tuple(self.body(items)),
            tree::Node::List(items, tail) => return self.list(items, *tail, span),
            tree::Node::Map(fields) => self.map(fields),
            tree::Node::Update(map, fields) => {
                let map = self.expr(*map);
                let fields = fields.iter().map(|field| {
                    let key = self.expr(field.key);
                    (field.exactly, key, self.expr(field.value))
                });
                Node::MapUpdate(Box::new(map), fields.collect())
            }
            tree::Node::Call(function, arguments) => return self.call(id, *function, arguments, name),
            tree::Node::Remote(module, function, arguments) => {
                return self.remote(id, *module, *function, arguments, name);
            }
            tree::Node::Unary(operator, operand) => {
                let operand = self.operand(*operand, operator_is_arithmetic(*operator));
                Node::Unary(unary(*operator), Box::new(operand))
            }
            tree::Node::Binop(operator, left, right) => self.binop(*operator, *left, *right),
            tree::Node::Fun(clauses) => return self.fun(clauses, id),
            tree::Node::FunName(fun) => return self.function_value(id, **fun),
            tree::Node::Case(subject, clauses) => return self.case(*subject, clauses, span),
            tree::Node::If(clauses) => return self.conditions(clauses, span),
            tree::Node::Block(body) => Node::Block(self.body(body)),
            tree::Node::ListComprehension(element, qualifiers) => {
                let (element, qualifiers) = self.comprehension(qualifiers, |checker| checker.expr(*element));
                Node::ListComprehension(Box::new(element), qualifiers)
            }
            tree::Node::MapComprehension(element, qualifiers) => {
                let (element, qualifiers) =
                    self.comprehension(qualifiers, |checker| (checker.expr(element.0), checker.expr(element.1)));
                Node::MapComprehension(Box::new(element), qualifiers)
            }
            // Literals were taken above; what could not be parsed, or become an atom, was told.
            _ => return Checker::nothing(span),
        };
        Expr { node, span }
    }

    fn map(&mut self, fields: &'a [tree::Field]) -> Node {
        let mut entries = Vec::new();
        for field in fields {
            if field.exactly {
                let span = self.tree.span(field.key).to(self.tree.span(field.value));
                self.tell(
                    Diagnostic::error("E0208", "a new map has `=>` between key and value")
                        .at(span, "`:=` changes or matches an entry that is there")
                        .help("write `#{key => Value}`; to change an entry: `Map#{key := Value}`"),
                );
            }
            let key = self.expr(field.key);
            entries.push((key, self.expr(field.value)));
        }
        Node::Map(entries)
    }

    fn binop(&mut self, operator: Infix, left: ExprId, right: ExprId) -> Node {
        match operator {
            Infix::Match => return self.matching(left, right),
            Infix::AndAlso | Infix::OrElse => {
                let left = Box::new(self.expr(left));
                let mark = self.scope().names.len();
                let right_span = self.tree.span(right);
                let right = Box::new(self.expr(right));
                for binding in self.scope().names.bindings_from(mark) {
                    *binding = Binding::Unsafe((right_span.start, right_span.end));
                }
                return if operator == Infix::AndAlso { Node::AndAlso(left, right) } else { Node::OrElse(left, right) };
            }
            _ => {}
        }
        let arithmetic = is_arithmetic(operator);
        let left = Box::new(self.operand(left, arithmetic));
        Node::Binary(binary(operator), left, Box::new(self.operand(right, arithmetic)))
    }

    /// An operand of an operator that calculates is no atom.
    fn operand(&mut self, id: ExprId, arithmetic: bool) -> Expr {
        if arithmetic && matches!(self.tree.node(id), tree::Node::Atom) && !self.lost.contains(self.tree.raw(id)) {
            let name = self.tree.name(id);
            let help = if self.tree.raw(id).starts_with('\'') {
                "texts stand in double quotes: `\"text\"`".to_owned()
            } else {
                format!("names of values start with a capital letter: `{}`", capital(&name))
            };
            self.tell(
                Diagnostic::error("E0210", format!("`{name}` is an atom, a value of its own, and not the name of one"))
                    .at(self.tree.span(id), "nothing can be calculated with it")
                    .help(help),
            );
            return Checker::nothing(self.tree.span(id));
        }
        self.expr(id)
    }

    /// `P = E`: the value first, as in Erlang, so that a name in it is not yet bound by the pattern.
    fn matching(&mut self, pattern: ExprId, value: ExprId) -> Node {
        if let Some(told) = self.turned_round(pattern, value) {
            return told;
        }
        self.atom_meant_as_name(pattern, value);
        if let tree::Node::Call(_, arguments) = self.tree.node(pattern) {
            // `f(X) = X * 2`, meant as a function: that is told, and not that `X` is unbound.
            let names = arguments.iter().filter(|id| matches!(self.tree.node(**id), tree::Node::Variable));
            self.told.extend(names.map(|id| self.tree.raw(*id)));
        }
        let top = self.at_top_level();
        let name = match self.tree.node(pattern) {
            tree::Node::Variable if top => {
                let name = self.tree.raw(pattern);
                let global =
                    matches!(self.find(name), Found::Global(_) | Found::Pending(crate::check::scope::Slot::Global(_)));
                Some(name).filter(|_| global)
            }
            _ => None,
        };
        let mut value = self.expr_named(value, name);
        // Only where that was told: before, the names may have been bound.
        if self.in_several && self.several.is_none() {
            value = Checker::nothing(value.span);
        }
        let pattern = self.pattern(pattern, Binds::Match);
        Node::Match(Box::new(pattern), Box::new(value))
    }

    /// `union(A, B) = C`, where `C` is not bound.
    fn turned_round(&mut self, pattern: ExprId, value: ExprId) -> Option<Node> {
        let tree = self.tree;
        let call = matches!(tree.node(pattern), tree::Node::Call(name, _) if matches!(tree.node(*name), tree::Node::Atom))
            || matches!(tree.node(pattern), tree::Node::Remote(..));
        let named = matches!(tree.node(value), tree::Node::Variable);
        let name = tree.raw(value);
        if !call || !named || !matches!(self.find(name), Found::Nothing) || !self.told.insert(name) {
            return None;
        }
        let (shown, all) = (crate::check::pattern::short(tree.raw(pattern)), tree.raw(pattern));
        self.tell(
            Diagnostic::error("E0208", format!("`{shown}` cannot be matched against"))
                .at(tree.span(pattern), "not a pattern")
                .help(format!("the name that is bound stands in front: `{name} = {all}`")),
        );
        Some(Checker::nothing(tree.span(pattern)).node)
    }

    fn list(&mut self, items: &'a [ExprId], tail: Option<ExprId>, span: Span) -> Expr {
        if items.len() <= PART {
            return self.part(items, tail, span);
        }
        let count = items.len().div_ceil(PART);
        let mut parts: Vec<Expr> = Vec::with_capacity(count);
        for (at, part) in items.chunks(PART).enumerate() {
            let tail = tail.filter(|_| at + 1 == count);
            parts.push(self.part(part, tail, span));
        }
        // Joined pairwise, so that the depth is the logarithm of the length.
        while parts.len() > 1 {
            let mut joined = Vec::with_capacity(parts.len().div_ceil(2));
            let mut rest = parts.into_iter();
            while let Some(left) = rest.next() {
                joined.push(match rest.next() {
                    Some(right) => Expr { node: Node::Binary(Binary::Append, Box::new(left), Box::new(right)), span },
                    None => left,
                });
            }
            parts = joined;
        }
        parts.pop().unwrap_or(Expr { node: Node::Literal(Term::Nil), span })
    }

    fn part(&mut self, items: &'a [ExprId], tail: Option<ExprId>, span: Span) -> Expr {
        let items = self.body(items);
        let tail = match tail {
            Some(tail) => self.expr(tail),
            None => Expr { node: Node::Literal(Term::Nil), span },
        };
        items.into_iter().rev().fold(tail, |tail, head| {
            let span = head.span.to(span);
            if let (Node::Literal(head), Node::Literal(tail)) = (&head.node, &tail.node) {
                return Expr { node: Node::Literal(Term::cons(head.clone(), tail.clone())), span };
            }
            Expr { node: Node::Cons(Box::new(head), Box::new(tail)), span }
        })
    }

    fn variable(&mut self, id: ExprId) -> Node {
        let name = self.tree.raw(id);
        match self.find(name) {
            Found::Local(local) => Node::Local(local),
            Found::Global(global) => Node::Global(global),
            Found::Later(global) if !self.only_forms() => Node::Global(global),
            Found::Unsafe(range) => {
                self.unsafe_name(id, range);
                Checker::nothing(self.tree.span(id)).node
            }
            Found::Later(_) | Found::Pending(_) | Found::Nothing => {
                self.unbound(id);
                Checker::nothing(self.tree.span(id)).node
            }
        }
    }

    /// Whether no function is around.
    fn only_forms(&self) -> bool {
        self.scopes.len() <= 1 && !self.in_named()
    }

    pub(super) fn unsafe_name(&mut self, id: ExprId, range: tree::Range) {
        let name = self.tree.raw(id);
        if !self.told.insert(name) {
            return;
        }
        self.tell(
            Diagnostic::error("E0205", format!("`{name}` is bound in some branches only"))
                .at(self.tree.span(id), "may not be bound here")
                .at(
                    self.tree.place((range.0, range.1.min(range.0 + 4).max(range.0 + 1))),
                    "not in every branch of this",
                )
                .help("bind it in every branch, or take the value of the whole: `X = case .. of .. end`"),
        );
    }

    fn unbound(&mut self, id: ExprId) {
        let name = self.tree.raw(id);
        let span = self.tree.span(id);
        if self.lost.contains(name) || !self.told.insert(name) {
            return;
        }
        if name == "_" {
            return self.tell(
                Diagnostic::error("E0201", "`_` stands for anything in a pattern; it has no value")
                    .at(span, "a value is expected here")
                    .help("give the value a name where it is matched, and use that"),
            );
        }
        if let Some(range) = self.half_bound.get(name).copied() {
            self.told.remove(name);
            return self.unsafe_name(id, range);
        }
        if self.environment.global(name).is_some() {
            return self.tell(
                Diagnostic::error("E0211", format!("`{name}` is used before it is bound"))
                    .at(span, "not bound yet")
                    .help("forms run from top to bottom: move the one that binds it up, or this one down"),
            );
        }
        let mut diagnostic =
            Diagnostic::error("E0201", format!("`{name}` is not bound")).at(span, "no value has this name");
        if let Some(meant) = self.several.take() {
            return self.tell(diagnostic.help(meant));
        }
        if let Some((end, function)) = self.bound_above(name) {
            return self.tell(
                diagnostic.at(end, format!("`{function}` ends with this `.`")).help(
                    "expressions of one body are separated by `,`: a `.` ends the function, and its names with it",
                ),
            );
        }
        let known: Vec<&str> = self.scopes.iter().flat_map(|scope| scope.names.iter().map(|(name, _)| *name)).collect();
        let globals = self.environment.globals().iter().map(String::as_str);
        let others = known.len() + globals.len();
        let near =
            if self.meant.is_worth(others) { suggest::nearest(name, known.into_iter().chain(globals)) } else { None };
        diagnostic = match near {
            _ if hints::for_name(name).is_some() => diagnostic.help(hints::for_name(name).unwrap_or_default()),
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None if self.at_prompt() => diagnostic.help(format!("bind it first: `{name} = ..`")),
            None => diagnostic.help("names start with a capital letter and are bound by `Name = ..` or in a pattern; atoms start with a small one"),
        };
        self.tell(diagnostic);
    }

    /// The value of a literal expression, compound ones of literals included.
    pub(super) fn literal(&mut self, id: ExprId) -> Option<Term> {
        let tree = self.tree;
        match tree.node(id) {
            tree::Node::Integer => Some(match tree.integer(id) {
                Integer::Small(value) => Term::Int(value),
                Integer::Big(value) => Term::big(value),
            }),
            tree::Node::Float => Term::float(tree.float(id)),
            tree::Node::Atom => Some(self.atom(id)),
            tree::Node::Text | tree::Node::Binary(_) => {
                self.names_in_text(id);
                Some(Term::text(self.text(id)))
            }
            tree::Node::Unary(Prefix::Minus, operand) => match self.number(*operand)? {
                Term::Int(value) => {
                    Some(value.checked_neg().map_or_else(|| Term::big(-num_bigint::BigInt::from(value)), Term::Int))
                }
                Term::Big(value) => Some(Term::big(-(*value).clone())),
                Term::Float(value) => Term::float(-value.get()),
                _ => None,
            },
            tree::Node::Tuple(items) if self.is_literal(id) => {
                let items: Option<Vec<Term>> = items.iter().map(|item| self.literal(*item)).collect();
                items.map(Term::tuple)
            }
            tree::Node::List(items, None) if self.is_literal(id) => {
                let items: Option<Vec<Term>> = items.iter().map(|item| self.literal(*item)).collect();
                items.map(Term::list)
            }
            tree::Node::Map(fields) if self.is_literal(id) => {
                let entries = fields.iter().map(|field| Some((self.literal(field.key)?, self.literal(field.value)?)));
                entries.collect::<Option<Map>>().map(Term::map)
            }
            _ => None,
        }
    }

    /// Only a number written out; `-` before anything else is left to run.
    fn number(&mut self, id: ExprId) -> Option<Term> {
        match self.tree.node(id) {
            tree::Node::Integer | tree::Node::Float => self.literal(id),
            _ => None,
        }
    }

    fn is_literal(&self, id: ExprId) -> bool {
        self.literals.get(id.index()).copied().unwrap_or(false)
    }

    /// Tells `"hello #{Name}"`, where `Name` is a name that is bound.
    fn names_in_text(&mut self, id: ExprId) {
        let raw = self.tree.raw(id);
        let Some((sign, inside)) = ["#{", "${"].iter().find_map(|sign| {
            let (_, behind) = raw.split_once(sign)?;
            let (inside, _) = behind.split_once('}')?;
            Some((*sign, inside)).filter(|_| inside.starts_with(char::is_alphabetic))
        }) else {
            return;
        };
        // A small name means a name that is bound, but for its first letter.
        let end = inside.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(inside.len());
        let name = capital(&inside[..end]);
        let name = &*name;
        let here = self.scopes.iter().any(|scope| scope.names.of(name).next().is_some());
        if !here && self.environment.global(name).is_none() || !self.told.insert(raw) {
            return;
        }
        self.tell(
            Diagnostic::warning("E0217", format!("a text is what is written: `{sign}{inside}}}` stays as it is"))
                .at(self.tree.span(id), "no values are put into it")
                .help(format!(
                    "texts are joined with `++`: `\"hello \" ++ {name}`; other values become one by `term_to_string(X)`"
                )),
        );
    }

    fn atom(&mut self, id: ExprId) -> Term {
        match Atom::new(&self.tree.name(id)) {
            Ok(atom) => Term::Atom(atom),
            Err(error) => {
                let span = self.tree.span(id);
                self.tell(
                    Diagnostic::error("E0215", format!("this atom cannot be made: {error}"))
                        .at(span, "")
                        .help("use a text in its place"),
                );
                Term::atom("undefined")
            }
        }
    }
}

fn unary(operator: Prefix) -> Unary {
    match operator {
        Prefix::Minus => Unary::Negate,
        Prefix::Plus => Unary::Plus,
        Prefix::Not => Unary::Not,
        Prefix::BitNot => Unary::BitNot,
    }
}

fn operator_is_arithmetic(operator: Prefix) -> bool {
    operator != Prefix::Not
}

fn is_arithmetic(operator: Infix) -> bool {
    use Infix as I;
    matches!(
        operator,
        I::Append
            | I::Subtract
            | I::Plus
            | I::Minus
            | I::Times
            | I::Divide
            | I::Div
            | I::Rem
            | I::BitAnd
            | I::BitOr
            | I::BitXor
            | I::ShiftLeft
            | I::ShiftRight
    )
}

/// `Match`, `andalso` and `orelse` are taken before.
fn binary(operator: Infix) -> Binary {
    match operator {
        Infix::Equal | Infix::Match | Infix::AndAlso | Infix::OrElse => Binary::Equal,
        Infix::NotEqual => Binary::NotEqual,
        Infix::ExactlyEqual => Binary::ExactlyEqual,
        Infix::ExactlyNotEqual => Binary::ExactlyNotEqual,
        Infix::Less => Binary::Less,
        Infix::LessOrEqual => Binary::LessOrEqual,
        Infix::Greater => Binary::Greater,
        Infix::GreaterOrEqual => Binary::GreaterOrEqual,
        Infix::Append => Binary::Append,
        Infix::Subtract => Binary::ListSubtract,
        Infix::Plus => Binary::Add,
        Infix::Minus => Binary::Subtract,
        Infix::BitOr => Binary::BitOr,
        Infix::BitXor => Binary::BitXor,
        Infix::ShiftLeft => Binary::ShiftLeft,
        Infix::ShiftRight => Binary::ShiftRight,
        Infix::Or => Binary::Or,
        Infix::Xor => Binary::Xor,
        Infix::Times => Binary::Multiply,
        Infix::Divide => Binary::Divide,
        Infix::Div => Binary::Div,
        Infix::Rem => Binary::Rem,
        Infix::BitAnd => Binary::BitAnd,
        Infix::And => Binary::And,
    }
}
