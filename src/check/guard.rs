//! Guards: what they may contain.

use crate::check::Checker;
use crate::check::core::Expr;
use crate::library;
use crate::source::diagnostic::Diagnostic;
use crate::syntax::tree::ExprId;
use crate::syntax::tree::Infix;
use crate::syntax::tree::List;
use crate::syntax::tree::Node;

impl<'a> Checker<'a> {
    /// Alternatives of conjunctions.
    pub(super) fn guard(&mut self, guard: &'a [List]) -> Vec<Vec<Expr>> {
        guard.iter().map(|all| all.iter().map(|condition| self.condition(*condition)).collect()).collect()
    }

    fn condition(&mut self, id: ExprId) -> Expr {
        let tree = self.tree;
        if matches!(tree.node(id), Node::Atom) && matches!(tree.raw(id), "else" | "otherwise" | "default") {
            let help = "the last clause of an `if` that takes all the rest is `true -> ..`";
            self.tell(
                Diagnostic::error("E0209", format!("`{}` is an atom, and never true", tree.raw(id)))
                    .at(tree.span(id), "not a condition")
                    .help(help),
            );
        }
        if self.guard_safe(id, "a guard") { self.expr(id) } else { Checker::nothing(tree.span(id)) }
    }

    /// Tells the first thing in `id` that `what` may not contain; whether there is none.
    pub(super) fn guard_safe(&mut self, id: ExprId, what: &str) -> bool {
        let tree = self.tree;
        let refused = match tree.node(id) {
            Node::Binop(Infix::Match, left, _) => Some((
                format!("`=` binds a name; it does not compare, and {what} may not contain it"),
                format!("write `{} == ..`", tree.raw(*left)),
            )),
            Node::Call(name, arguments) if matches!(tree.node(*name), Node::Atom) => {
                let name = tree.name(*name);
                self.refused_call(None, &name, arguments.len(), what)
            }
            Node::Remote(module, name, arguments) => {
                let (module, name) = (tree.name(*module), tree.name(*name));
                self.refused_call(Some(&module), &name, arguments.len(), what)
            }
            Node::Call(..) | Node::Fun(_) | Node::FunName(_) | Node::Case(..) | Node::If(_) | Node::Block(_) => {
                Some((format!("{what} may not contain this"), "bind its value before, and test the name".to_owned()))
            }
            Node::ListComprehension(..) | Node::MapComprehension(..) => Some((
                format!("{what} may not contain a comprehension"),
                "bind its value before, and test the name".to_owned(),
            )),
            _ => None,
        };
        if let Some((title, help)) = refused {
            self.tell(Diagnostic::error("E0209", title).at(tree.span(id), "not allowed here").help(help));
            return false;
        }
        let mut children = Vec::new();
        if let Node::Call(_, arguments) | Node::Remote(_, _, arguments) = tree.node(id) {
            children.extend(arguments.iter().copied());
        } else {
            tree.children(id, &mut |child| children.push(child));
        }
        children.into_iter().all(|child| self.guard_safe(child, what))
    }

    fn refused_call(&self, module: Option<&str>, name: &str, arguments: usize, what: &str) -> Option<(String, String)> {
        let arity = u8::try_from(arguments).ok()?;
        let own = module.is_none() && self.own_function(name, arguments).is_some();
        let row = library::find(module, name, arity).map(library::BuiltinId::row);
        match row {
            Some(row) if row.guard && !own => None,
            None if !own && module.is_none() && self.resolve(None, name, arity).is_none() => None,
            _ => Some((
                format!("{what} may not call `{}{name}/{arity}`", module.map_or(String::new(), |module| format!("{module}:"))),
                "guards call a few built-ins only, such as `length/1` and `is_list/1`: bind the value before, and test the name"
                    .to_owned(),
            )),
        }
    }
}
