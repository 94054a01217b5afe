//! Views in SQL: `select .. from .. where ..` over tables that are variables of maps.
//!
//! A text is parsed into a `query::Query`, with places inside the text, and translated into a [`View`]: which tables are
//! joined by which keys, what is grouped and counted, and the functions for that, written in the language. What is a view's
//! meaning therefore follows from the operators, and so does that it is kept up to date.
//!
//! Knows no variables and runs nothing: whether a table is there is for the checker and the node to say.

mod expression;
mod lexer;
mod parser;
mod query;
mod view;

use std::ops::Range;

pub use query::Doubt;
pub use view::ColumnUse;
pub use view::Shape;
pub use view::TableUse;
pub use view::View;
pub use view::view;

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlError {
    /// A code for life.
    pub code: &'static str,
    /// What is wrong, in plain words.
    pub title: String,
    /// The bytes of the text where it is.
    pub place: Range<usize>,
    /// What to do instead.
    pub help: String,
}

impl SqlError {
    fn new(code: &'static str, title: impl Into<String>, place: Range<usize>, help: impl Into<String>) -> SqlError {
        SqlError { code, title: title.into(), place, help: help.into() }
    }
}
