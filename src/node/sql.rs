//! `sql(Text)`: a view as derivations between its tables and the variable that it returns.
//!
//! What stands between tables and view (joined rows, groups) lies in variables of its own. They are named by what they hold,
//! `{sql, Hash}`, so that equal views on all nodes, and equal parts of different views, share them.

use triomphe::Arc;

use crate::engine::ElementFailure;
use crate::engine::FailureReason;
use crate::graph::Operator;
use crate::node::Node;
use crate::node::refusal::Refusal;
use crate::node::refusal::brief;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::sql;
use crate::sql::Shape;
use crate::sql::SqlError;
use crate::sql::TableUse;
use crate::sql::View;
use crate::value::atom::Atom;
use crate::value::kind::Type;
use crate::value::operation::Brief;
use crate::value::reference::Name;
use crate::value::reference::Reference;
use crate::value::term::Term;
use crate::vm::Outcome;

/// How many steps it may take to make a view's functions. They are function values, so it takes a handful.
const FUNCTIONS_FUEL: u64 = 1_000_000;
/// How much of a text a message shows, in characters.
const SHOWN_CHARACTERS_MAX: usize = 40;

impl Node {
    /// Makes a view; returns its variable.
    pub(super) fn sql(&mut self, text: &Term, name: Option<Atom>) -> Result<Term, Refusal> {
        let Some(text) = text.as_text() else {
            return Err(Refusal::new("E0909", format!("`sql` needs a text, and got {}", brief(text)))
                .help("write `sql(\"select name from Users where age > 20\")`"));
        };
        let view = sql::view(text).map_err(|error| refusal(text, error))?;
        let mut tables = Vec::with_capacity(view.tables.len());
        for table in &view.tables {
            tables.push(self.table(text, table)?);
        }
        let functions = self.functions(&view)?;
        self.build(&view, &tables, &functions, name)
    }

    /// The variable that a table is.
    fn table(&mut self, text: &str, table: &TableUse) -> Result<Term, Refusal> {
        let names = self.session.globals();
        let error =
            |code, title, help: String| Err(refusal(text, SqlError { code, title, place: table.place.clone(), help }));
        let Some(id) = names.iter().position(|name| *name == table.name) else {
            let near = crate::check::nearest(&table.name, names.iter().map(String::as_str));
            return error("E0902", no_table(&table.name), table_help(near));
        };
        match u32::try_from(id).ok().and_then(|id| self.machine.global(id)) {
            Some(term @ Term::Ref(_)) => Ok(term.clone()),
            Some(other) => error(
                "E0903",
                format!("`{}` is no variable, and cannot be a table: it is {}", table.name, brief(other)),
                "a table is a variable that holds maps: `Users = declare(set)`".to_owned(),
            ),
            None => error(
                "E0903",
                format!("`{}` is not bound yet when this view is made", table.name),
                "make the view further down, behind the line that binds it".to_owned(),
            ),
        }
    }

    /// The functions of a view, compiled: all in one go.
    fn functions(&mut self, view: &View) -> Result<Vec<Term>, Refusal> {
        let text = format!("[{}]", view.functions.join(",\n "));
        if let Some(known) = self.sql_functions.get(&text) {
            return Ok(known.clone());
        }
        let unit = triomphe::Arc::make_mut(&mut self.session).expression("sql", &text).map_err(|diagnostics| {
            let why = diagnostics.first().map_or_else(String::new, |first| format!(": {}", first.title));
            Refusal::new("E0901", format!("this view is too large{why}"))
        })?;
        let forms = self.machine.load(&unit).forms;
        let mut task = self.machine.top_level(&forms);
        let mut fuel = FUNCTIONS_FUEL;
        let functions = match self.machine.run(&mut task, &mut fuel) {
            Outcome::Done(list) => list.to_vec().unwrap_or_default(),
            Outcome::Failed(failure) => return Err(failure.into()),
            _ => Vec::new(),
        };
        self.sql_functions.insert(text, functions.clone());
        Ok(functions)
    }

    fn build(&mut self, view: &View, tables: &[Term], functions: &[Term], name: Option<Atom>) -> Result<Term, Refusal> {
        let mut functions = functions.iter().cloned();
        let mut next = || functions.next().unwrap_or(Term::Nil);
        let Some((first, others)) = tables.split_first() else {
            return Err(Refusal::new("E0901", "there is no table"));
        };
        let mut source = first.clone();
        for table in others {
            let operator = Operator::Join(next(), next());
            source = self.between(operator, &[source, table.clone()], &Type::Set)?;
        }
        match &view.shape {
            Shape::Rows => {}
            Shape::Whole(kind) => source = self.between(Operator::Fold(next()), &[source], kind)?,
            Shape::Groups(kind) => source = self.between(Operator::GroupBy(next(), next()), &[source], kind)?,
        }
        let dynamic = Node::reference_of(&source)?.dynamic;
        let made = Reference { name: self.name_for(name), kind: Type::Set, dynamic };
        self.sql_names.insert(made.name.clone());
        self.derive(Operator::Fold(next()), &[source], Some(&Term::Ref(Arc::new(made))), None)
    }

    /// A derivation into a variable that is named by it.
    fn between(&mut self, operator: Operator, sources: &[Term], kind: &Type) -> Result<Term, Refusal> {
        let mut ids = Vec::with_capacity(sources.len());
        for source in sources {
            ids.push(self.variable_of(source)?);
        }
        let dynamic = ids.iter().any(|id| self.engine.reference(*id).dynamic);
        let reference = |name| Arc::new(Reference { name, kind: kind.clone(), dynamic });
        let unnamed = reference(Name::Given(Term::atom("sql")));
        let identity = self.derivation_identity(&operator, &ids, &unnamed)?;
        let name = Name::Given(Term::pair(Term::atom("sql"), Term::text(format!("{identity:032x}"))));
        self.sql_names.insert(name.clone());
        self.derive(operator, sources, Some(&Term::Ref(reference(name))), None)
    }

    /// What is said of an element that is no row of a view's table; `None` where it is of no view.
    pub(super) fn no_row(&self, failed: &ElementFailure, view: Option<Span>) -> Option<Diagnostic> {
        let failed_call = matches!(failed.reason, FailureReason::Evaluation(_));
        if !failed_call || is_row(&failed.element) || !self.sql_names.contains(&failed.destination.name) {
            return None;
        }
        let element = Brief(&failed.element);
        let told = Diagnostic::error("E0908", format!("`{element}` is no row of a table"));
        let told = view.into_iter().fold(told, |told, view| told.at(view, "in this view"));
        Some(
            told.help("a row is a map from columns to values: `#{name => \"ann\", age => 22}`")
                .help("the view leaves it out; the other rows are not affected"),
        )
    }
}

/// Whether it is a row, or joined rows.
fn is_row(element: &Term) -> bool {
    match element {
        Term::Map(_) => true,
        Term::Tuple(pair) => pair.items().iter().all(is_row),
        _ => false,
    }
}

fn no_table(name: &str) -> String {
    format!("there is no table `{name}`")
}

fn table_help(near: Option<&str>) -> String {
    match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "tables are names of the top level that are bound to variables, written as in the program".to_owned(),
    }
}

/// The machine adds the place of the verb; where in the text it is, is told.
fn refusal(text: &str, error: SqlError) -> Refusal {
    let before = text.get(..error.place.start).unwrap_or(text);
    let column = before.chars().count() + 1;
    let from = before.char_indices().rev().take(SHOWN_CHARACTERS_MAX / 2).last().map_or(before.len(), |(at, _)| at);
    let shown: String = text.get(from..).unwrap_or("").chars().take(SHOWN_CHARACTERS_MAX).collect();
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    Refusal::new(error.code, error.title)
        .help(format!("at character {column} of the text: `.. {shown} ..`"))
        .help(error.help)
}
