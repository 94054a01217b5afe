//! Views in SQL on abstract values: which variables a text reads, as far as the text is known.

use crate::check::core::Expr;
use crate::check::core::VerbCall;
use crate::check::infer::run::Run;
use crate::check::infer::value::Value;
use crate::sql;
use crate::sql::Shape;

impl<'p> Run<'p> {
    /// Makes a view. What is wrong with a text that is written out, `check::sql` tells.
    pub(super) fn view(&mut self, expr: &'p Expr, call: &'p VerbCall, arguments: &[Value]) -> Value {
        let text = arguments.first().and_then(Value::single);
        let view = text.as_ref().and_then(|text| text.as_text()).and_then(|text| sql::view(text).ok());
        let sources: Vec<Value> = match &view {
            Some(view) => view.tables.iter().map(|table| self.table(&table.name)).collect(),
            None => vec![Value::any()],
        };
        let dynamic = sources.iter().any(|source| self.only(source).is_some_and(|source| source.dynamic));
        let destination = self.made(expr, call, dynamic, Value::any());
        self.note_derivation(expr, call, &sources, &[], &destination);
        self.note_shape(expr, arguments);
        if view.is_none_or(|view| view.shape != Shape::Rows) {
            self.note_aggregates(expr);
        }
        destination
    }

    /// What a name of the top level holds; of equal ones the newest counts.
    fn table(&mut self, name: &str) -> Value {
        if self.numbers.is_empty() {
            self.numbers = self.names.iter().enumerate().map(|(at, name)| (&**name, at)).collect();
        }
        self.numbers.get(name).map_or_else(Value::any, |at| self.global(*at))
    }
}
