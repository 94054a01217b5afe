//! Abstract values in words, for messages.

use crate::check::core::Expr;
use crate::check::core::Node;
use crate::check::infer::parts::Few;
use crate::check::infer::parts::Parts;
use crate::check::infer::run::Run;
use crate::check::infer::value::Value;
use crate::value::operation::Brief;
use crate::value::term::Term;

/// The most variables that a value is said to be.
const VARIABLES_MAX: usize = 3;

/// The term of an expression that is written out, or the one that the value is.
pub(super) fn written(expr: Option<&Expr>, value: &Value) -> Option<Term> {
    match expr.map(|expr| &expr.node) {
        Some(Node::Literal(term)) => Some(term.clone()),
        _ => value.single(),
    }
}

impl Run<'_> {
    /// `5`, `a string`, `a list or the atom ok`, `S, a counter`.
    pub(super) fn describe(&self, value: &Value) -> String {
        if let Some(term) = value.single() {
            return format!("`{}`", Brief(&term));
        }
        let Some(parts) = value.parts() else { return "a value that is not known".to_owned() };
        let words = self.kinds(parts);
        match &*words {
            [] => "no value".to_owned(),
            [only] => only.clone(),
            [firsts @ .., last] => format!("{} or {last}", firsts.join(", ")),
        }
    }

    /// The same, of an expression: as it is written, where it is written out.
    pub(super) fn describe_written(&self, expr: Option<&Expr>, value: &Value) -> String {
        written(expr, value).map_or_else(|| self.describe(value), |term| format!("`{}`", Brief(&term)))
    }

    /// An operation: without the word for what it is.
    pub(super) fn describe_operation(&self, value: &Value) -> String {
        let words = self.describe(value);
        words.strip_prefix("a tuple ").map_or_else(|| words.clone(), str::to_owned)
    }

    /// What messages call a variable: its name, or else the name of the top level that can hold it.
    pub(super) fn shown(&self, number: u32) -> Option<String> {
        self.variables.shown(number).or_else(|| Some(self.holder(number)?.0))
    }

    /// The name of the top level that holds a variable without a name of its own, and whether it may hold others.
    pub(super) fn holder(&self, number: u32) -> Option<(String, bool)> {
        let holds = |value: &Value| match value.parts().map(|parts| &parts.refs) {
            Some(Few::Of(few)) if few.contains(&number) => Some(few.len() > 1),
            _ => None,
        };
        let bound = |values: &'_ [Option<Value>], at: usize| values.get(at).and_then(Option::as_ref).map(holds);
        let found = (0..self.names.len()).find_map(|at| {
            let several = bound(&self.globals, at).or_else(|| bound(&self.settled, at))?;
            Some((at, several?))
        });
        found.map(|(at, several)| (self.names[at].clone(), several))
    }

    /// `` the variable `S` (a counter) ``
    fn variable_words(&self, number: u32) -> String {
        let kind = self.variables.get(number).and_then(|variable| variable.kind.as_ref());
        match (self.shown(number), kind) {
            (Some(name), Some(kind)) => format!("the variable `{name}` ({})", kind.with_article()),
            (Some(name), None) => format!("the variable `{name}`"),
            (None, Some(kind)) => format!("a variable ({})", kind.with_article()),
            (None, None) => "a variable".to_owned(),
        }
    }

    /// Several, one after the other.
    pub(super) fn describe_all(&self, values: &[Value]) -> String {
        values.iter().map(|value| self.describe(value)).collect::<Vec<_>>().join(", ")
    }

    fn kinds(&self, parts: &Parts) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        let mut say = |word: &str| words.push(word.to_owned());
        match (parts.ints.some(), parts.floats) {
            (true, true) => say("a number"),
            (true, false) => say("an integer"),
            (false, true) => say("a float"),
            (false, false) => {}
        }
        match &parts.atoms {
            Few::All => say("an atom"),
            Few::Of(few) if few.len() == 2 && few.iter().all(|atom| matches!(atom.text(), "true" | "false")) => {
                say("a boolean");
            }
            Few::Of(few) => few.iter().for_each(|atom| say(&format!("`{}`", Term::Atom(*atom)))),
        }
        match &parts.tuples {
            Few::All => say("a tuple"),
            Few::Of(shapes) => shapes.iter().for_each(|items| {
                let item = |item: &Value| match (item.single(), item.parts()) {
                    (Some(term), _) => Brief(&term).to_string(),
                    (None, Some(parts)) if parts.floats && parts.kinds() == 1 => "a float".to_owned(),
                    (None, _) => "_".to_owned(),
                };
                let items: Vec<String> = items.iter().map(item).collect();
                say(&format!("a tuple `{{{}}}`", items.join(", ")));
            }),
        }
        match (&parts.cons, parts.nil) {
            (Some(cons), false) if cons.rest.is_none() && !cons.improper => {
                let plural = if cons.items.len() == 1 { "" } else { "s" };
                say(&format!("a list of {} element{plural}", cons.items.len()));
            }
            (Some(_), false) => say("a list that is not empty"),
            (Some(_), true) => say("a list"),
            (None, true) => say("`[]`"),
            (None, false) => {}
        }
        if parts.map.is_some() {
            say("a map");
        }
        if parts.texts.some() {
            say("a string");
        }
        if parts.funs.some() {
            say("a function");
        }
        if let Few::Of(few) = &parts.refs
            && (1..=VARIABLES_MAX).contains(&few.len())
        {
            few.iter().for_each(|number| say(&self.variable_words(*number)));
        } else if parts.refs.some() {
            say("a variable");
        }
        words
    }
}
