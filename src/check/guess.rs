//! What is meant by a function that there is not, where it is a verb of another name, and by a type that is written as a call.

use crate::check::Checker;
use crate::library::Verb;
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
/// The names of operations and thresholds.
const OF_VARIABLES: &[&str] = &[
    "add",
    "add_all",
    "rmv",
    "remove",
    "rmv_all",
    "increment",
    "decrement",
    "move",
    "set",
    "enable",
    "disable",
    "apply",
    "apply_all",
    "fst",
    "snd",
    "at",
    "value",
    "cardinality",
    "strict",
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
        if let ("setTimeout" | "setInterval", [function, time]) = (name, arguments) {
            return self.guessed_timer(name, *function, *time);
        }
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

    /// The line that is meant by `setTimeout(fun() -> print(1) end, 100)`.
    fn guessed_timer(&self, name: &str, function: ExprId, time: ExprId) -> Option<String> {
        let (function, time) = (self.tree.raw(function), self.tree.raw(time));
        if function.contains('\n')
            || function.contains("=>")
            || function.len() > ARGUMENT_MAX
            || time.len() > ARGUMENT_MAX
        {
            return None;
        }
        if name == "setInterval" {
            return Some(format!("every({time}, {function})"));
        }
        let body = function.strip_prefix("fun()").and_then(|rest| rest.trim_start().strip_prefix("->"));
        let body = body.and_then(|rest| rest.strip_suffix("end")).filter(|body| !body.contains(';')).map(str::trim);
        let name = function.starts_with(char::is_uppercase) && !function.contains(|c: char| !c.is_alphanumeric());
        let call = match body {
            Some(body) => body.to_owned(),
            None if name => format!("{function}()"),
            None => return None,
        };
        Some(format!("thread(fun() -> sleep({time}), {call} end)"))
    }

    /// Tells `update(S, add(1))`: operations and thresholds are terms, and there is no such function.
    pub(super) fn operation_as_call(&mut self, verb: Verb, arguments: &[ExprId]) -> bool {
        let tree = self.tree;
        let what = match verb {
            Verb::Update | Verb::TryUpdate => "an operation",
            Verb::Read | Verb::WaitNeeded | Verb::Invariant | Verb::EnforceOnce => "a threshold",
            _ => return false,
        };
        let Some(id) = arguments.get(1).copied() else { return false };
        let Some((name, written)) = self.term_of_call(id) else { return false };
        let subject = tree.raw(arguments[0]);
        let fits = subject.len() + written.len() <= ARGUMENT_MAX && arguments.len() == 2;
        let verb = if verb == Verb::TryUpdate { "try_update" } else { "update" };
        let help = if fits && what == "an operation" {
            format!("{what} is a term, and no call: write `{verb}({subject}, {written})`")
        } else {
            format!("{what} is a term, and no call: write `{written}`")
        };
        self.tell(
            Diagnostic::error("E0202", format!("`{name}` is no function, but the name of {what}"))
                .at(tree.span(id), "a call, which is not known")
                .help(help),
        );
        true
    }

    /// The term that is meant by `add(1)` and `apply(k, add(1))`, with the name in front.
    fn term_of_call(&self, id: ExprId) -> Option<(&'a str, String)> {
        let tree = self.tree;
        let tree::Node::Call(called, arguments) = tree.node(id) else { return None };
        let name = tree.raw(*called);
        let is_atom = matches!(tree.node(*called), tree::Node::Atom);
        let arity = u8::try_from(arguments.len()).ok()?;
        if !is_atom || !OF_VARIABLES.contains(&name) || self.lost.contains(name) {
            return None;
        }
        let inner: Vec<Option<(&str, String)>> = arguments.iter().map(|id| self.term_of_call(*id)).collect();
        // `apply/2` calls a function, where its second argument is not meant as an operation.
        let other = name == "apply" && inner.last().is_some_and(Option::is_some);
        if !other && self.resolve(None, name, arity).is_some() {
            return None;
        }
        let raw = |id: &ExprId| Some(tree.raw(*id)).filter(|raw| !raw.contains('\n')).unwrap_or("..").to_owned();
        let written =
            arguments.iter().zip(inner).map(|(id, inner)| inner.map_or_else(|| raw(id), |(_, written)| written));
        let written: Vec<String> = written.collect();
        Some((name, if written.is_empty() { name.to_owned() } else { format!("{{{name}, {}}}", written.join(", ")) }))
    }

    /// Tells `read(C >= 5)`: what is to be reached is the second argument.
    pub(super) fn comparison_for_threshold(&mut self, verb: Verb, arguments: &[ExprId]) -> bool {
        let tree = self.tree;
        let [id] = arguments else { return false };
        let tree::Node::Binop(sign, left, right) = tree.node(*id) else { return false };
        let above = match sign {
            Infix::GreaterOrEqual | Infix::Equal | Infix::ExactlyEqual => false,
            Infix::Greater => true,
            _ => return false,
        };
        let word = match verb {
            Verb::Read => "read",
            Verb::WaitNeeded => "wait_needed",
            _ => return false,
        };
        // `query(C) >= 5` means the variable too.
        let subject = match tree.node(*left) {
            tree::Node::Call(called, inner) if tree.raw(*called) == "query" && inner.len() == 1 => inner[0],
            _ => *left,
        };
        let (subject, value) = (tree.raw(subject), tree.raw(*right));
        let list = matches!(tree.node(*right), tree::Node::List(..));
        let threshold = if list { value.to_owned() } else { format!("{{value, {value}}}") };
        let threshold = if above { format!("{{strict, {threshold}}}") } else { threshold };
        let fits = subject.len() + value.len() <= ARGUMENT_MAX && !tree.raw(*id).contains('\n');
        let line = if fits { format!("{word}({subject}, {threshold})") } else { format!("{word}(V, {{value, 5}})") };
        self.tell(
            Diagnostic::error("E0392", format!("`{word}` waits for a variable, and this is true or false"))
                .at(tree.span(*id), "compared once, before it waits")
                .help(format!("what is to be reached is the second argument: write `{line}`")),
        );
        true
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
