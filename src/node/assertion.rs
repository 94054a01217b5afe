//! `assert`: what a failed one says. Both sides of a comparison, the arguments of a call, and where two values part.

use crate::node::Node;
use crate::node::verbs::Refusal;
use crate::node::verbs::brief;
use crate::source::span::Span;
use crate::value::term::Term;
use crate::vm::Request;

/// The most characters of an expression that a title quotes.
const QUOTED_MAX: usize = 80;

impl Node {
    /// Lets the task go on if the condition is true, and fails it if not.
    pub(super) fn assert(&mut self, condition: &Term, request: &Request) -> Result<Term, Refusal> {
        if condition.as_bool() == Some(true) {
            return Ok(Term::boolean(true));
        }
        self.assertion_failed = true;
        let written = self.quoted(request.span);
        let title = match (written.is_empty(), condition.as_bool()) {
            (false, Some(_)) => format!("an assertion does not hold: `{written}`"),
            (false, None) => {
                format!("an assertion does not hold: `{written}` is {}, and should be true", brief(condition))
            }
            (true, _) => format!("an assertion does not hold: it is {}, and should be true", brief(condition)),
        };
        let mut refusal = Refusal::new("E0394", title);
        for (span, value) in &request.seen {
            let (written, value) = (self.quoted(*span), brief(value));
            if !same_but_for_spaces(&written, &value) {
                refusal = refusal.help(format!("`{written}` is {value}"));
            }
        }
        match request.seen.as_slice() {
            [(_, left), (_, right)] if request.compared => Err(match parting(left, right) {
                Some(parting) => refusal.help(parting),
                None => refusal,
            }),
            _ => Err(refusal),
        }
    }

    /// An expression as it is written, on one line.
    fn quoted(&self, span: Span) -> String {
        if span == Span::default() {
            return String::new();
        }
        let words: Vec<&str> = self.files().slice(span).split_whitespace().collect();
        let line = words.join(" ");
        if line.chars().count() <= QUOTED_MAX {
            return line;
        }
        line.chars().take(QUOTED_MAX).chain("..".chars()).collect()
    }
}

/// Whether an expression is its own value, as `[1,2]` is.
fn same_but_for_spaces(written: &str, value: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    letters(written) == letters(value)
}

/// Where two values of the same shape part, for values that are long to read.
fn parting(left: &Term, right: &Term) -> Option<String> {
    if let (Some(left), Some(right)) = (left.as_text(), right.as_text()) {
        let at = left.chars().zip(right.chars()).take_while(|(one, other)| one == other).count();
        return (at > 0 && left != right).then(|| format!("the texts part after {at} characters"));
    }
    if let (Term::Map(left), Term::Map(right)) = (left, right) {
        let missing = |key: &Term| format!("the key {} is on one side only", brief(key));
        let (key, value) = left
            .iter()
            .find(|(key, value)| right.get(key) != Some(value))
            .or_else(|| right.iter().find(|(key, _)| left.get(key).is_none()))?;
        return Some(match (left.get(key), right.get(key)) {
            (Some(_), Some(other)) => {
                format!("they part at the key {}: {} and {}", brief(key), brief(value), brief(other))
            }
            _ => missing(key),
        });
    }
    let (left, right) = (items(left)?, items(right)?);
    if left.len() != right.len() && left.len().min(right.len()) == 0 {
        return None;
    }
    let at = left.iter().zip(&right).position(|(one, other)| one != other);
    match at.map_or(left.len().min(right.len()), |at| at) {
        at if at == left.len() && at == right.len() => None,
        at if at == left.len() || at == right.len() => {
            Some(format!("the left side has {} elements and the right side {}", left.len(), right.len()))
        }
        at => Some(format!("they part at element {}: {} and {}", at + 1, brief(&left[at]), brief(&right[at]))),
    }
}

/// The elements of a list or tuple.
fn items(term: &Term) -> Option<Vec<Term>> {
    term.as_tuple().map(<[Term]>::to_vec).or_else(|| term.to_vec())
}
