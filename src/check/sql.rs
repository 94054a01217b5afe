//! Views whose text is written out are checked with the program: `sql("select ..")`.

use crate::check::Checker;
use crate::check::suggest;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::sql;
use crate::syntax::tree::ExprId;

impl Checker<'_> {
    /// Tells what is wrong with the text of a view: of its own, and with the names of its tables.
    pub(super) fn sql_text(&mut self, text: &str, argument: ExprId) {
        let view = match sql::view(text) {
            Ok(view) => view,
            Err(error) => {
                let span = self.within(text, argument, &error.place);
                return self.tell(Diagnostic::error(error.code, error.title).at(span, "").help(error.help));
            }
        };
        for null in &view.nulls {
            let span = self.within(text, argument, null);
            self.tell(
                Diagnostic::warning("E0911", "a comparison with `null` is never true")
                    .at(span, "neither true nor false")
                    .help("write `age is null`, or `age is not null`"),
            );
        }
        if let Some(doubt) = &view.doubt {
            let (word, name) = (&doubt.word, &doubt.name);
            let why =
                if word.eq_ignore_ascii_case("all") { "equal rows of a view are one" } else { "a view has no order" };
            let span = self.within(text, argument, &doubt.place);
            self.tell(
                Diagnostic::warning("E0907", format!("there is no `{word}` in views"))
                    .at(span, format!("read as a column that is to be called `{name}`"))
                    .help(format!("{why}: take the word away; if a column is meant, write `{word} as {name}`")),
            );
        }
        for table in view.tables {
            if self.environment.global(&table.name).is_some() {
                continue;
            }
            let near = suggest::nearest(&table.name, self.environment.globals().iter().map(String::as_str));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "tables are names of the top level that are bound to variables, written as in the program"
                    .to_owned(),
            };
            let span = self.within(text, argument, &table.place);
            self.tell(
                Diagnostic::error("E0902", format!("there is no table `{}`", table.name))
                    .at(span, "not a name of the top level")
                    .help(help),
            );
        }
    }

    /// The place of a part of a text that is written out. The whole text, where escapes make the places differ.
    fn within(&self, text: &str, argument: ExprId, part: &std::ops::Range<usize>) -> Span {
        let whole = self.tree.span(argument);
        let written = self.tree.raw(argument);
        let clip = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let Some(start) = written.find(text) else { return whole };
        // What is missing at the end is missing at the closing quote.
        let end = part.end.max(part.start + 1).min(written.len() - start);
        Span { start: whole.start + clip(start + part.start), end: whole.start + clip(start + end), ..whole }
    }
}
