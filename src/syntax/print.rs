//! Tree to text. What is printed parses to the same tree, but for places; names and literals stay as they were written.
//! Comments are not printed: they belong to the formatter. Knows no line width.

use crate::syntax::infix::Side;
use crate::syntax::tree::ClauseId;
use crate::syntax::tree::ExprId;
use crate::syntax::tree::Field;
use crate::syntax::tree::Form;
use crate::syntax::tree::FormNode;
use crate::syntax::tree::Infix;
use crate::syntax::tree::List;
use crate::syntax::tree::Node;
use crate::syntax::tree::Prefix;
use crate::syntax::tree::Qualifier;
use crate::syntax::tree::Tree;

/// Operators before their operand bind tighter than all between two.
const PREFIX_LEVEL: u8 = 8;
/// Calls, and what else is at the end of an operand.
const POSTFIX_LEVEL: u8 = 9;
/// What needs no parentheses anywhere.
const PRIMARY_LEVEL: u8 = 10;

/// A whole tree, one form a line.
#[must_use]
pub fn print(tree: &Tree) -> String {
    let mut printer = Printer { tree, out: String::new() };
    for form in &tree.forms {
        printer.form(form);
        printer.out.push_str(".\n");
    }
    printer.out
}

/// One expression.
#[must_use]
pub fn print_expr(tree: &Tree, id: ExprId) -> String {
    let mut printer = Printer { tree, out: String::new() };
    printer.expr(id, 0);
    printer.out
}

struct Printer<'a> {
    tree: &'a Tree,
    out: String,
}

impl Printer<'_> {
    fn form(&mut self, form: &Form) {
        match &form.node {
            FormNode::Statement(body) => self.list(body),
            FormNode::Function(clauses, documentation) => {
                for line in documentation.iter().flat_map(|text| text.lines()) {
                    self.out.push_str("%% ");
                    self.out.push_str(line);
                    self.out.push('\n');
                }
                self.clauses(clauses, false);
            }
            FormNode::Attribute(name, arguments) => {
                self.out.push('-');
                self.expr(*name, PRIMARY_LEVEL);
                self.arguments(arguments);
            }
        }
    }

    fn list(&mut self, items: &[ExprId]) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.out.push_str(", ");
            }
            self.expr(*item, 0);
        }
    }

    fn arguments(&mut self, items: &[ExprId]) {
        self.out.push('(');
        self.list(items);
        self.out.push(')');
    }

    /// `heads` puts parentheses around the patterns, as a `fun` has them.
    fn clauses(&mut self, clauses: &[ClauseId], heads: bool) {
        let tree = self.tree;
        for (at, clause) in clauses.iter().map(|id| tree.clause(*id)).enumerate() {
            if at > 0 {
                self.out.push_str("; ");
            }
            if let Some(name) = clause.name {
                self.expr(name, PRIMARY_LEVEL);
            }
            if heads {
                self.arguments(&clause.patterns);
            } else {
                self.list(&clause.patterns);
            }
            if !clause.guard.is_empty() && !clause.patterns.is_empty() || heads && !clause.guard.is_empty() {
                self.out.push_str(" when ");
            }
            self.guard(&clause.guard);
            self.out.push_str(" -> ");
            self.list(&clause.body);
        }
    }

    fn guard(&mut self, guard: &[List]) {
        for (at, all) in guard.iter().enumerate() {
            if at > 0 {
                self.out.push_str("; ");
            }
            self.list(all);
        }
    }

    /// In parentheses if it binds less tightly than `level`.
    fn expr(&mut self, id: ExprId, level: u8) {
        let own = match self.tree.node(id) {
            Node::Binop(operator, ..) => operator.level().0,
            Node::Unary(..) => PREFIX_LEVEL,
            Node::Call(..) | Node::Remote(..) | Node::Update(..) => POSTFIX_LEVEL,
            _ => PRIMARY_LEVEL,
        };
        if own < level {
            self.out.push('(');
            self.bare(id);
            self.out.push(')');
        } else {
            self.bare(id);
        }
    }

    fn bare(&mut self, id: ExprId) {
        let tree = self.tree;
        match tree.node(id) {
            Node::Error => self.out.push_str("'?'"),
            Node::Variable | Node::Atom | Node::Integer | Node::Float => self.out.push_str(tree.raw(id)),
            Node::Text => self.text(tree.raw(id)),
            Node::Binary(text) => {
                self.out.push_str("<<");
                if let Some(text) = text {
                    self.expr(*text, 0);
                }
                self.out.push_str(">>");
            }
            Node::Tuple(items) => self.between("{", items, "}"),
            Node::List(items, tail) => {
                self.out.push('[');
                self.list(items);
                if let Some(tail) = tail {
                    self.out.push_str(" | ");
                    self.expr(*tail, 0);
                }
                self.out.push(']');
            }
            Node::Map(fields) => self.fields(fields),
            Node::Update(map, fields) => {
                self.expr(*map, POSTFIX_LEVEL);
                self.fields(fields);
            }
            Node::Call(function, arguments) => {
                self.expr(*function, POSTFIX_LEVEL);
                self.arguments(arguments);
            }
            Node::Remote(module, function, arguments) => {
                self.expr(*module, PRIMARY_LEVEL);
                self.out.push(':');
                self.expr(*function, PRIMARY_LEVEL);
                self.arguments(arguments);
            }
            Node::Unary(operator, operand) => self.unary(*operator, *operand),
            Node::Binop(operator, left, right) => self.binop(*operator, *left, *right),
            Node::Fun(..)
            | Node::FunName(..)
            | Node::Case(..)
            | Node::If(..)
            | Node::Block(..)
            | Node::ListComprehension(..)
            | Node::MapComprehension(..) => self.worded(id),
        }
    }

    /// What has clauses, a body or qualifiers.
    fn worded(&mut self, id: ExprId) {
        let tree = self.tree;
        match tree.node(id) {
            Node::Fun(clauses) => {
                self.out.push_str("fun ");
                self.clauses(clauses, true);
                self.out.push_str(" end");
            }
            Node::FunName(fun) => {
                self.out.push_str("fun ");
                if let Some(module) = fun.module {
                    self.expr(module, PRIMARY_LEVEL);
                    self.out.push(':');
                }
                self.expr(fun.name, PRIMARY_LEVEL);
                self.out.push('/');
                self.expr(fun.arity, PRIMARY_LEVEL);
            }
            Node::Case(subject, clauses) => {
                self.out.push_str("case ");
                self.expr(*subject, 0);
                self.out.push_str(" of ");
                self.clauses(clauses, false);
                self.out.push_str(" end");
            }
            Node::If(clauses) => {
                self.out.push_str("if ");
                self.clauses(clauses, false);
                self.out.push_str(" end");
            }
            Node::Block(items) => self.between("begin ", items, " end"),
            Node::ListComprehension(element, qualifiers) => {
                self.out.push('[');
                self.expr(*element, 0);
                self.qualifiers(qualifiers);
                self.out.push(']');
            }
            Node::MapComprehension(element, qualifiers) => {
                self.out.push_str("#{");
                self.expr(element.0, 0);
                self.out.push_str(" => ");
                self.expr(element.1, 0);
                self.qualifiers(qualifiers);
                self.out.push('}');
            }
            _ => self.bare(id),
        }
    }

    fn between(&mut self, open: &str, items: &[ExprId], close: &str) {
        self.out.push_str(open);
        self.list(items);
        self.out.push_str(close);
    }

    /// As written; a comment between two pieces needs its line's end.
    fn text(&mut self, raw: &str) {
        self.out.push_str(raw);
    }

    fn unary(&mut self, operator: Prefix, operand: ExprId) {
        self.out.push_str(match operator {
            Prefix::Minus => "-",
            Prefix::Plus => "+",
            Prefix::Not => "not ",
            Prefix::BitNot => "bnot ",
        });
        // `- -1` is two signs, `--` is another operator.
        if matches!(self.tree.node(operand), Node::Unary(..)) {
            self.out.push(' ');
        }
        self.expr(operand, PREFIX_LEVEL);
    }

    fn binop(&mut self, operator: Infix, left: ExprId, right: ExprId) {
        let (level, side) = operator.level();
        self.expr(left, if side == Side::Left { level } else { level + 1 });
        self.out.push(' ');
        self.out.push_str(operator.text());
        self.out.push(' ');
        self.expr(right, if side == Side::Right { level } else { level + 1 });
    }

    fn fields(&mut self, fields: &[Field]) {
        self.out.push_str("#{");
        for (at, field) in fields.iter().enumerate() {
            if at > 0 {
                self.out.push_str(", ");
            }
            self.expr(field.key, 0);
            self.out.push_str(if field.exactly { " := " } else { " => " });
            self.expr(field.value, 0);
        }
        self.out.push('}');
    }

    fn qualifiers(&mut self, qualifiers: &[Qualifier]) {
        for (at, qualifier) in qualifiers.iter().enumerate() {
            self.out.push_str(if at == 0 { " || " } else { ", " });
            match *qualifier {
                Qualifier::List(pattern, list) => {
                    self.expr(pattern, 0);
                    self.out.push_str(" <- ");
                    self.expr(list, 0);
                }
                Qualifier::Map(key, value, map) => {
                    self.expr(key, 0);
                    self.out.push_str(" := ");
                    self.expr(value, 0);
                    self.out.push_str(" <- ");
                    self.expr(map, 0);
                }
                Qualifier::Filter(condition) => self.expr(condition, 0),
            }
        }
    }
}
