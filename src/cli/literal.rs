//! Values on the command line: `--set name=value`.

use crate::source::span::FileId;
use crate::syntax::literal::Integer;
use crate::syntax::parse_line;
use crate::syntax::tree::ExprId;
use crate::syntax::tree::FormNode;
use crate::syntax::tree::Node;
use crate::syntax::tree::Prefix;
use crate::syntax::tree::Tree;
use crate::value::atom::Atom;
use crate::value::map::Map;
use crate::value::term::DEPTH_MAX;
use crate::value::term::Term;

/// The term that `text` is; what is none is a string.
#[must_use]
pub fn value(text: &str) -> Term {
    read(text).filter(|term| term.depth() <= DEPTH_MAX).unwrap_or_else(|| Term::text(text))
}

/// The term that `text` is, if it is one.
#[must_use]
pub fn read(text: &str) -> Option<Term> {
    let parsed = parse_line(FileId::default(), text);
    if !parsed.diagnostics.is_empty() {
        return None;
    }
    let [form] = parsed.tree.forms.as_slice() else { return None };
    let FormNode::Statement(expressions) = &form.node else { return None };
    let [expression] = &expressions[..] else { return None };
    term(&parsed.tree, *expression)
}

/// Recursion is bounded by the depth of trees.
fn term(tree: &Tree, id: ExprId) -> Option<Term> {
    match tree.node(id) {
        Node::Atom => Atom::new(&tree.name(id)).ok().map(Term::Atom),
        Node::Integer => Some(integer(tree.integer(id), false)),
        Node::Float => Term::float(tree.float(id)),
        Node::Text => Some(Term::text(tree.string(id))),
        Node::Binary(None) => Some(Term::text("")),
        Node::Binary(Some(text)) => term(tree, *text),
        Node::Unary(Prefix::Minus, operand) => match tree.node(*operand) {
            Node::Integer => Some(integer(tree.integer(*operand), true)),
            Node::Float => Term::float(-tree.float(*operand)),
            _ => None,
        },
        Node::Tuple(items) => Some(Term::tuple(terms(tree, items)?)),
        Node::List(items, None) => Some(Term::list(terms(tree, items)?)),
        Node::List(items, Some(tail)) => {
            let (items, tail) = (terms(tree, items)?, term(tree, *tail)?);
            Some(items.into_iter().rev().fold(tail, |tail, item| Term::cons(item, tail)))
        }
        Node::Map(fields) => {
            let mut map = Map::new();
            for field in fields {
                map.insert(term(tree, field.key)?, term(tree, field.value)?);
            }
            Some(Term::map(map))
        }
        _ => None,
    }
}

fn terms(tree: &Tree, items: &[ExprId]) -> Option<Vec<Term>> {
    items.iter().map(|item| term(tree, *item)).collect()
}

fn integer(value: Integer, negative: bool) -> Term {
    let big = match value {
        Integer::Small(value) => num_bigint::BigInt::from(value),
        Integer::Big(value) => value,
    };
    Term::big(if negative { -big } else { big })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_read_and_everything_else_is_a_string() {
        for same in ["5", "-5", "[{ann, 12}, {bob, 7}]", "server", "#{a => 1.5}", "'A b'", "\"text\"", "[]", "[a | b]"]
        {
            assert_eq!(value(same).to_string(), same);
        }
        for text in ["1 + 1", "X", "hello world", "", "f(1)", "/data/file.csv", "a, b", "[1", "a. b"] {
            assert_eq!(value(text).as_text(), Some(text), "{text}");
        }
    }
}
