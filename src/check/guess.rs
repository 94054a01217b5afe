//! What is meant by a function that there is not, where it is a verb of another name, and by a type that is written as a call.

use crate::check::Checker;
use crate::source::diagnostic::Diagnostic;
use crate::syntax::guess;
use crate::syntax::tree;
use crate::syntax::tree::ExprId;
use crate::syntax::tree::Infix;
use crate::value::kind::Type;

/// Verbs that give a variable.
const MAKERS: &[&str] = &[
    "declare",
    "declare_dynamic",
    "map",
    "filter",
    "union",
    "intersection",
    "product",
    "difference",
    "join",
    "fold",
    "fold_dynamic",
    "group_by",
    "sql",
];
/// The longest argument that is written anew.
const ARGUMENT_MAX: usize = 48;

impl<'a> Checker<'a> {
    /// Notes which names of a form stand for variables.
    pub(super) fn note_variables(&mut self, body: &'a [ExprId]) {
        let tree = self.tree;
        for id in body {
            let tree::Node::Binop(Infix::Match, name, value) = tree.node(*id) else { continue };
            let tree::Node::Call(maker, arguments) = tree.node(*value) else { continue };
            let named = matches!(tree.node(*name), tree::Node::Variable);
            if named && matches!(tree.node(*maker), tree::Node::Atom) && MAKERS.contains(&tree.raw(*maker)) {
                let kind = arguments.last().map_or("", |kind| tree.raw(*kind));
                self.variables.insert(tree.raw(*name), kind);
            }
        }
    }

    /// Whether it is a call that makes a variable.
    pub(super) fn makes_variable(&self, id: ExprId) -> bool {
        let tree = self.tree;
        let tree::Node::Call(maker, arguments) = tree.node(id) else { return false };
        matches!(tree.node(*maker), tree::Node::Atom)
            && MAKERS.contains(&tree.raw(*maker))
            && self.own_function(tree.raw(*maker), arguments.len()).is_none()
    }

    /// The line that is meant by `add(S, 1)`, `value(C)`, `remove(1, S)`.
    pub(super) fn guessed_verb(&self, name: &str, arguments: &[ExprId]) -> Option<String> {
        let tree = self.tree;
        let written: Vec<&str> = arguments
            .iter()
            .map(|id| {
                Some(tree.raw(*id)).filter(|raw| raw.len() <= ARGUMENT_MAX && !raw.contains('\n')).unwrap_or("..")
            })
            .collect();
        let is_name = |id: &ExprId| matches!(tree.node(*id), tree::Node::Variable);
        let known = arguments.iter().position(|id| is_name(id) && self.variables.contains_key(tree.raw(*id)));
        // Of a name that may hold anything, a list's functions are told elsewhere.
        let plain = matches!(
            name,
            "len"
                | "size"
                | "count"
                | "append"
                | "push"
                | "get"
                | "put"
                | "insert"
                | "foreach"
                | "each"
                | "has"
                | "contains"
                | "includes"
                | "member"
                | "delete"
        );
        let at = match known {
            Some(at) => at,
            None if plain => return None,
            None => arguments.iter().position(is_name)?,
        };
        let mut others = written.clone();
        let subject = others.remove(at);
        let is_map = known.is_some() && self.variables.get(subject).is_some_and(|kind| kind.contains("map"));
        guess::line(name, subject, &others, is_map)
    }

    /// Tells `declare(set())` and `declare(map(set))`.
    pub(super) fn type_as_call(&mut self, arguments: &[ExprId]) -> bool {
        let tree = self.tree;
        let Some(kind) = arguments.last() else { return false };
        let tree::Node::Call(name, parameters) = tree.node(*kind) else { return false };
        if !matches!(tree.node(*name), tree::Node::Atom) {
            return false;
        }
        let word = tree.raw(*name);
        let bare = word.strip_prefix("state_").unwrap_or(word);
        let shape = Type::PARAMETRIC.iter().find(|(known, _)| *known == bare).map(|(_, shape)| *shape);
        let parametric = shape.is_some();
        let plain = Type::NAMES.iter().any(|(known, _)| *known == bare) || shape == Some(bare);
        let own = self.own_function(word, parameters.len()).is_some();
        if own || !plain && !parametric {
            return false;
        }
        let written: Vec<&str> = parameters.iter().map(|id| tree.raw(*id)).collect();
        let right =
            if plain || written.is_empty() { word.to_owned() } else { format!("{{{word}, [{}]}}", written.join(", ")) };
        self.tell(
            Diagnostic::error("E0302", format!("`{}` is a call, and no type of variables", tree.raw(*kind)))
                .at(tree.span(*kind), "not a type")
                .help(format!("types are terms: write `{right}`")),
        );
        true
    }
}
