//! Abstract values in words, for messages.

use crate::check::infer::parts::Few;
use crate::check::infer::parts::Parts;
use crate::check::infer::run::Run;
use crate::check::infer::value::Value;
use crate::value::operation::Brief;

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

    /// An operation: without the word for what it is.
    pub(super) fn describe_operation(&self, value: &Value) -> String {
        let words = self.describe(value);
        words.strip_prefix("a tuple ").map_or_else(|| words.clone(), str::to_owned)
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
            Few::Of(few) => few.iter().for_each(|atom| say(&format!("`{}`", crate::value::term::Term::Atom(*atom)))),
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
            && let [only] = &**few
        {
            say(&self.variables.words(*only));
        } else if parts.refs.some() {
            say("a variable");
        }
        words
    }
}
