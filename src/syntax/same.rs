//! Whether two trees say the same: names and literals as written, places and comments aside.

use crate::syntax::tree::ClauseId;
use crate::syntax::tree::ExprId;
use crate::syntax::tree::Field;
use crate::syntax::tree::FormNode;
use crate::syntax::tree::Node;
use crate::syntax::tree::Qualifier;
use crate::syntax::tree::Tree;

/// See [`Tree::same`].
pub(super) fn trees(left: &Tree, right: &Tree) -> bool {
    let pair = Pair { left, right };
    left.forms.len() == right.forms.len()
        && left.forms.iter().zip(&right.forms).all(|(a, b)| match (&a.node, &b.node) {
            (FormNode::Statement(a), FormNode::Statement(b)) => pair.lists(a, b),
            (FormNode::Function(a, said_a), FormNode::Function(b, said_b)) => pair.clauses(a, b) && said_a == said_b,
            (FormNode::Attribute(a, of_a), FormNode::Attribute(b, of_b)) => {
                pair.exprs(*a, *b) && pair.lists(of_a, of_b)
            }
            _ => false,
        })
}

#[derive(Clone, Copy)]
struct Pair<'a> {
    left: &'a Tree,
    right: &'a Tree,
}

impl Pair<'_> {
    fn lists(self, left: &[ExprId], right: &[ExprId]) -> bool {
        left.len() == right.len() && left.iter().zip(right).all(|(a, b)| self.exprs(*a, *b))
    }

    fn maybe(self, left: Option<ExprId>, right: Option<ExprId>) -> bool {
        match (left, right) {
            (None, None) => true,
            (Some(a), Some(b)) => self.exprs(a, b),
            _ => false,
        }
    }

    fn exprs(self, a: ExprId, b: ExprId) -> bool {
        match (self.left.node(a), self.right.node(b)) {
            (Node::Error, Node::Error) => true,
            (Node::Variable, Node::Variable)
            | (Node::Atom, Node::Atom)
            | (Node::Integer, Node::Integer)
            | (Node::Float, Node::Float)
            | (Node::Text, Node::Text) => self.left.raw(a) == self.right.raw(b),
            (Node::Binary(a), Node::Binary(b)) => self.maybe(*a, *b),
            (Node::Tuple(a), Node::Tuple(b)) | (Node::Block(a), Node::Block(b)) => self.lists(a, b),
            (Node::List(a, tail_a), Node::List(b, tail_b)) => self.lists(a, b) && self.maybe(*tail_a, *tail_b),
            (Node::Map(a), Node::Map(b)) => self.fields(a, b),
            (Node::Update(a, of_a), Node::Update(b, of_b)) => self.exprs(*a, *b) && self.fields(of_a, of_b),
            (Node::Call(a, of_a), Node::Call(b, of_b)) => self.exprs(*a, *b) && self.lists(of_a, of_b),
            (Node::Remote(in_a, a, of_a), Node::Remote(in_b, b, of_b)) => {
                self.exprs(*in_a, *in_b) && self.exprs(*a, *b) && self.lists(of_a, of_b)
            }
            (Node::Unary(by_a, a), Node::Unary(by_b, b)) => by_a == by_b && self.exprs(*a, *b),
            (Node::Binop(by_a, a, to_a), Node::Binop(by_b, b, to_b)) => {
                by_a == by_b && self.exprs(*a, *b) && self.exprs(*to_a, *to_b)
            }
            (Node::Fun(a), Node::Fun(b)) | (Node::If(a), Node::If(b)) => self.clauses(a, b),
            (Node::FunName(a), Node::FunName(b)) => {
                self.maybe(a.module, b.module) && self.exprs(a.name, b.name) && self.exprs(a.arity, b.arity)
            }
            (Node::Case(a, of_a), Node::Case(b, of_b)) => self.exprs(*a, *b) && self.clauses(of_a, of_b),
            (Node::ListComprehension(a, of_a), Node::ListComprehension(b, of_b)) => {
                self.exprs(*a, *b) && self.qualifiers(of_a, of_b)
            }
            (Node::MapComprehension(a, of_a), Node::MapComprehension(b, of_b)) => {
                self.exprs(a.0, b.0) && self.exprs(a.1, b.1) && self.qualifiers(of_a, of_b)
            }
            _ => false,
        }
    }

    fn fields(self, left: &[Field], right: &[Field]) -> bool {
        let same =
            |a: &Field, b: &Field| a.exactly == b.exactly && self.exprs(a.key, b.key) && self.exprs(a.value, b.value);
        left.len() == right.len() && left.iter().zip(right).all(|(a, b)| same(a, b))
    }

    fn qualifiers(self, left: &[Qualifier], right: &[Qualifier]) -> bool {
        let same = |a: &Qualifier, b: &Qualifier| match (*a, *b) {
            (Qualifier::List(a, in_a), Qualifier::List(b, in_b)) => self.exprs(a, b) && self.exprs(in_a, in_b),
            (Qualifier::Map(a, to_a, in_a), Qualifier::Map(b, to_b, in_b)) => {
                self.exprs(a, b) && self.exprs(to_a, to_b) && self.exprs(in_a, in_b)
            }
            (Qualifier::Filter(a), Qualifier::Filter(b)) => self.exprs(a, b),
            _ => false,
        };
        left.len() == right.len() && left.iter().zip(right).all(|(a, b)| same(a, b))
    }

    fn clauses(self, left: &[ClauseId], right: &[ClauseId]) -> bool {
        left.len() == right.len()
            && left.iter().zip(right).all(|(a, b)| {
                let (a, b) = (self.left.clause(*a), self.right.clause(*b));
                self.maybe(a.name, b.name)
                    && self.lists(&a.patterns, &b.patterns)
                    && a.guard.len() == b.guard.len()
                    && a.guard.iter().zip(&b.guard).all(|(a, b)| self.lists(a, b))
                    && self.lists(&a.body, &b.body)
            })
    }
}
