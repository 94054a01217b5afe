//! Text to tokens to tree, and tree to text. Only `parser.rs` knows the parser generator. Knows no names' meanings: whether a
//! pattern can be matched or a function exists is for `check` to say.

mod build;
pub mod counterparts;
mod dialects;
pub mod expected;
mod foreign;
pub mod guess;
mod habits;
mod infix;
pub mod lexer;
pub mod literal;
pub mod parser;
pub mod print;
mod repair;
mod same;
mod strays;
pub mod token;
pub mod tree;

pub use parser::Parsed;
pub use parser::is_incomplete;
pub use parser::parse;
pub use parser::parse_line;
pub use tree::Tree;
