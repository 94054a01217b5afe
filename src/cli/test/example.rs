//! A doctest, and what its comments say that it gives.
//!
//! | comment | meaning |
//! |---|---|
//! | `% => Term` | what the form before it gives; of a variable, its value |
//! | `% prints: text` | the next line that is printed; with one such comment these are all |
//! | `% fails: E0502` | the error that it ends with; the code's first letters will do |

use crate::cli::literal;
use crate::source::span::FileId;
use crate::syntax::parse_line;
use crate::syntax::tree::FormNode;
use crate::syntax::tree::Range;
use crate::value::term::Term;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Example {
    /// The block's lines in their places; all else is blank.
    pub(super) text: String,
    /// Where its fence stands, from 1.
    pub(super) line: u32,
    /// Whether it is not to be run.
    pub(super) ignored: bool,
    /// For statement forms, by number: what they give, and where that is said.
    pub(super) values: Vec<(usize, Wanted, Range)>,
    /// The lines that it prints; none said, any will do.
    pub(super) prints: Vec<String>,
    /// The code that it fails with.
    pub(super) fails: Option<String>,
    /// How many statement forms it has.
    pub(super) forms: usize,
    /// Where each of them stands.
    pub(super) places: Vec<Range>,
}

/// What a form is said to give.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wanted {
    /// This term.
    Term(Term),
    /// What is written there is no term.
    Unreadable(String),
}

impl Example {
    /// Which form has its place there.
    pub(super) fn form_at(&self, start: u32) -> Option<usize> {
        self.places.partition_point(|place| place.0 <= start).checked_sub(1)
    }

    /// What stands before a form, which can be run where the check refuses that form.
    pub(super) fn before(&self, form: usize) -> Example {
        let end = self.places.get(form).map_or(self.text.len(), |place| place.0 as usize);
        let text = self.text.get(..end).unwrap_or_default().to_owned();
        let values = self.values.iter().filter(|(of, ..)| *of < form).cloned().collect();
        let places = self.places[..form.min(self.places.len())].to_vec();
        Example { text, values, fails: None, forms: places.len(), places, ..self.clone() }
    }

    /// Reads the expectations of a block.
    pub(super) fn read(text: &str, line: u32, ignored: bool) -> Example {
        let tree = parse_line(FileId::default(), text).tree;
        let places: Vec<Range> = tree
            .forms
            .iter()
            .filter(|form| matches!(form.node, FormNode::Statement(_)))
            .map(|form| form.range)
            .collect();
        let mut example = Example {
            text: text.to_owned(),
            line,
            ignored,
            values: Vec::new(),
            prints: Vec::new(),
            fails: None,
            forms: places.len(),
            places,
        };
        for comment in &tree.comments {
            let words = tree.slice(*comment).trim_start_matches('%').trim();
            if let Some(value) = words.strip_prefix("=>") {
                // A comment belongs to the form that starts before it: its `.` may be missing.
                let form = example.places.partition_point(|place| place.0 < comment.0);
                if let Some(form) = form.checked_sub(1) {
                    let value = value.trim();
                    let wanted = literal::read(value.trim_end_matches('.'));
                    let wanted = wanted.map_or_else(|| Wanted::Unreadable(value.to_owned()), Wanted::Term);
                    example.values.push((form, wanted, *comment));
                }
            } else if let Some(line) = words.strip_prefix("prints:") {
                example.prints.push(line.strip_prefix(' ').unwrap_or(line).to_owned());
            } else if let Some(code) = words.strip_prefix("fails:") {
                example.fails = code.split_whitespace().next().map(str::to_owned);
            }
        }
        example
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_say_what_the_form_before_them_gives() {
        let text = "S = declare(set).\nupdate(S, {add, 1}).   % => [1]\nprint(a),\nprint(b).\n% prints: a\n% prints: b\nf(X) -> X.\nf({a,\n 2}) % => {a, 2}";
        let example = Example::read(text, 1, false);
        let values: Vec<(usize, String)> = example
            .values
            .iter()
            .map(|(form, wanted, _)| match wanted {
                Wanted::Term(term) => (*form, term.to_string()),
                Wanted::Unreadable(text) => (*form, text.clone()),
            })
            .collect();
        assert_eq!(values, [(1, "[1]".to_owned()), (3, "{a, 2}".to_owned())]);
        assert_eq!(example.prints, ["a", "b"]);
        assert_eq!(Example::read("1 / 0. % fails: E0502 of course", 1, false).fails.as_deref(), Some("E0502"));
    }
}
