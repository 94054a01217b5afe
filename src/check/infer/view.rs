//! Views in SQL on abstract values: which variables a text reads, as far as the text is known, and whether these have the rows
//! and the columns that it asks for.

use std::collections::BTreeSet;

use crate::check::core::Expr;
use crate::check::core::VerbCall;
use crate::check::infer::operation::element_of;
use crate::check::infer::parts::MapShape;
use crate::check::infer::run::Run;
use crate::check::infer::site::site;
use crate::check::infer::value::Value;
use crate::check::suggest;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::sql;
use crate::sql::Shape;
use crate::sql::View;
use crate::value::atom::Atom;
use crate::value::kind::Type;
use crate::value::term::Term;

impl<'p> Run<'p> {
    /// Makes a view. What is wrong with a text that is written out, `check::sql` tells.
    pub(super) fn view(&mut self, expr: &'p Expr, call: &'p VerbCall, arguments: &[Value]) -> Value {
        let text = arguments.first().and_then(Value::single);
        let text = text.as_ref().and_then(|text| text.as_text());
        let view = text.and_then(|text| sql::view(text).ok());
        let sources: Vec<Value> = match &view {
            Some(view) => view.tables.iter().map(|table| self.table(&table.name)).collect(),
            None => vec![Value::any()],
        };
        let elements: Vec<Value> = sources.iter().map(|source| self.elements_of(source)).collect();
        if let (Some(text), Some(view)) = (text, &view) {
            self.has_rows(expr, call, text, view, (&sources, &elements));
        }
        let dynamic = sources.iter().any(|source| self.only(source).is_some_and(|source| source.dynamic));
        let rows = view.as_ref().map_or_else(Value::any, |view| {
            let contents: Vec<Value> = sources.iter().map(|source| self.content_of(source)).collect();
            rows_of(view, &contents)
        });
        let destination = self.made(expr, call, dynamic, Value::never());
        for number in Run::known_variables(&destination).unwrap_or_default() {
            self.variables.put(number, &rows);
        }
        self.note_derivation(expr, call, &sources, &[], &destination);
        self.note_shape(expr, arguments);
        if view.is_none_or(|view| view.shape != Shape::Rows) {
            self.note_aggregates(expr);
        }
        destination
    }

    /// Tells a table that can have no rows, or else columns that none of the rows has.
    fn has_rows(
        &mut self,
        expr: &'p Expr,
        call: &'p VerbCall,
        text: &str,
        view: &View,
        (sources, elements): (&[Value], &[Value]),
    ) {
        // The places themselves are fine as far as running goes, and so these have keys of their own.
        let (rows, columns) = (site(&call.verb), site(&call.builtin));
        let whole = call.arguments.first().map_or(expr.span, |argument| argument.span);
        let bare = |value: &Value| value.parts().is_some_and(|parts| !parts.none() && parts.map.is_none());
        let Some(at) = elements.iter().position(bare) else {
            self.sites.fine(rows, expr.span);
            return self.has_columns(columns, whole, text, view, elements);
        };
        let table = &view.tables[at];
        let kind = self.only(&sources[at]).and_then(|variable| variable.kind.as_ref());
        let what = match kind {
            Some(Type::GMap(_) | Type::AwMap(_)) => "its elements are pairs `{Key, Value}`".to_owned(),
            Some(kind) if !kind.is_set() => format!("it is {}", kind.with_article()),
            _ => format!("its elements are {}", self.describe(&elements[at])),
        };
        let told = Diagnostic::warning("E0908", format!("`{}` has no rows: {what}", table.name))
            .at(within(whole, text, &table.place), "no table")
            .help("a row is a map from columns to values: `update(T, {add, #{name => \"ann\", age => 22}})`");
        self.sites.remark(rows, expr.span, || told);
    }

    /// The elements of a table, as far as they are known.
    fn elements_of(&self, source: &Value) -> Value {
        self.of_table(source, Run::elements)
    }

    /// The same of what this program puts in, whoever else may do so: what it puts in by a view again.
    fn content_of(&self, source: &Value) -> Value {
        self.of_table(source, |run, number| run.variables.content(number))
    }

    fn of_table(&self, source: &Value, elements: impl Fn(&Self, u32) -> Value) -> Value {
        let numbers = Run::known_variables(source).unwrap_or_default();
        let [number] = *numbers else {
            return Value::any();
        };
        match self.variables.get(number).and_then(|variable| variable.kind.as_ref()) {
            Some(kind) => element_of(kind, &elements(self, number)),
            None => Value::any(),
        }
    }

    fn has_columns(&mut self, key: usize, whole: Span, text: &str, view: &View, elements: &[Value]) {
        let mut told: Option<Diagnostic> = None;
        for column in &view.columns {
            // Of this one it is told that it is hardly meant.
            if view.doubt.as_ref().is_some_and(|doubt| doubt.place == column.place) {
                continue;
            }
            let tables = &elements[column.tables.clone()];
            if tables.iter().any(|element| may_have(element, &column.name)) {
                continue;
            }
            let place = within(whole, text, &column.place);
            let known: BTreeSet<String> = tables.iter().flat_map(columns_of).collect();
            let near = suggest::nearest(&column.name, known.iter().map(String::as_str));
            let name_in_quotes = text.get(column.place.clone()).is_some_and(|written| written.starts_with('"'));
            let meant = match near {
                _ if name_in_quotes => Some(format!("text stands in single quotes: `'{}'`", column.name)),
                near => near.map(|near| format!("did you mean `{near}`?")),
            };
            told = Some(match (told, meant) {
                (Some(told), Some(meant)) => told.at(place, format!("nor `{}`: {meant}", column.name)),
                (Some(told), None) => told.at(place, format!("nor `{}`", column.name)),
                (None, meant) => Diagnostic::warning("E0910", format!("no row has a column `{}`", column.name))
                    .at(place, "always `null`")
                    .help(meant.unwrap_or_else(|| {
                        let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
                        format!("columns are {}", known.join(", "))
                    })),
            });
        }
        match told {
            Some(told) => self.sites.remark(key, whole, || told),
            None => self.sites.fine(key, whole),
        }
    }

    /// What a name of the top level holds; of equal ones the newest counts.
    fn table(&mut self, name: &str) -> Value {
        if self.numbers.is_empty() {
            self.numbers = self.names.iter().enumerate().map(|(at, name)| (&**name, at)).collect();
        }
        self.numbers.get(name).map_or_else(Value::any, |at| self.global(*at))
    }
}

/// The rows of a view: the columns that it names are there in each, whatever its tables have.
fn rows_of(view: &View, elements: &[Value]) -> Value {
    if let ([table], []) = (&*view.whole, &*view.made) {
        let element = elements.get(*table);
        let only_rows =
            element.filter(|element| element.parts().is_some_and(|parts| parts.map.is_some() && parts.kinds() == 1));
        return only_rows.cloned().unwrap_or_else(Value::any);
    }
    if !view.whole.is_empty() {
        return Value::any();
    }
    let mut row = MapShape { known: Vec::new(), rest: None };
    for column in &view.made {
        let Ok(key) = Atom::new(column) else { return Value::any() };
        row.put(&Term::Atom(key), Value::any());
    }
    Value::map(row)
}

/// Whether some of these rows may have a column.
fn may_have(element: &Value, column: &str) -> bool {
    let Some(shape) = element.parts().and_then(|parts| parts.map.as_ref()) else { return true };
    let Ok(key) = Atom::new(column) else { return true };
    !shape.get(&Term::Atom(key)).0.is_never()
}

/// The columns that are known.
fn columns_of(element: &Value) -> Vec<String> {
    let shape = element.parts().and_then(|parts| parts.map.as_ref());
    let keys = shape.map(|shape| shape.known.iter().filter_map(|entry| entry.key.as_atom().map(str::to_owned)));
    keys.map(Iterator::collect).unwrap_or_default()
}

/// The place of a part of a text that is written out as it is; else the whole.
fn within(whole: Span, text: &str, part: &std::ops::Range<usize>) -> Span {
    let clip = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    let plain = whole.end - whole.start == clip(text.len() + 2);
    let place = Span { start: whole.start + clip(part.start + 1), end: whole.start + clip(part.end + 1), ..whole };
    if plain && part.end <= text.len() { place } else { whole }
}
