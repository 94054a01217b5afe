//! Events and terms as JSON, one object a line.
//!
//! Written straight into text: integers have any size, and maps keep the order of their keys.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::value::map::Map;
use crate::value::term::Term;

/// An event, field by field.
pub struct Line {
    text: String,
}

impl Line {
    /// Begins an event.
    #[must_use]
    pub fn new(event: &str) -> Line {
        let mut text = String::from("{\"event\":");
        put_string(&mut text, event);
        Line { text }
    }

    /// Adds a text.
    #[must_use]
    pub fn text(mut self, field: &str, value: &str) -> Line {
        self.field(field);
        put_string(&mut self.text, value);
        self
    }

    /// Adds a text, if there is one.
    #[must_use]
    pub fn maybe(self, field: &str, value: Option<&str>) -> Line {
        match value {
            Some(value) => self.text(field, value),
            None => self,
        }
    }

    /// Adds a truth value.
    #[must_use]
    pub fn flag(self, field: &str, value: bool) -> Line {
        self.raw(field, if value { "true" } else { "false" })
    }

    /// Adds a number.
    #[must_use]
    pub fn number(mut self, field: &str, value: u64) -> Line {
        self.field(field);
        let _ = write!(self.text, "{value}");
        self
    }

    /// Adds a term.
    #[must_use]
    pub fn term(mut self, field: &str, value: &Term) -> Line {
        self.field(field);
        put_term(&mut self.text, value);
        self
    }

    /// Adds a list of texts.
    #[must_use]
    pub fn texts(mut self, field: &str, values: &[String]) -> Line {
        self.field(field);
        self.text.push('[');
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                self.text.push(',');
            }
            put_string(&mut self.text, value);
        }
        self.text.push(']');
        self
    }

    /// Adds what is JSON already.
    #[must_use]
    pub fn raw(mut self, field: &str, value: &str) -> Line {
        self.field(field);
        self.text.push_str(value);
        self
    }

    /// The object, without the end of the line.
    #[must_use]
    pub fn end(mut self) -> String {
        self.text.push('}');
        self.text
    }

    fn field(&mut self, name: &str) {
        self.text.push(',');
        put_string(&mut self.text, name);
        self.text.push(':');
    }
}

/// An array of what is JSON already.
#[must_use]
pub fn array(items: &[String]) -> String {
    format!("[{}]", items.join(","))
}

/// A term as JSON.
#[must_use]
pub fn term(term: &Term) -> String {
    let mut text = String::new();
    put_term(&mut text, term);
    text
}

/// Writing to a `String` cannot fail, hence the results that are dropped. Recursion is bounded by the depth of terms.
fn put_term(out: &mut String, term: &Term) {
    match term {
        // A term's own notation for numbers is within JSON's.
        Term::Int(_) | Term::Big(_) | Term::Float(_) => {
            let _ = write!(out, "{term}");
        }
        Term::Atom(atom) => match atom.text() {
            word @ ("true" | "false") => out.push_str(word),
            "undefined" => out.push_str("null"),
            text => put_string(out, text),
        },
        Term::Str(text) => put_string(out, text),
        Term::Tuple(tuple) => put_array(out, tuple.items()),
        Term::Map(map) => put_map(out, map),
        Term::Nil => out.push_str("[]"),
        Term::Cons(_) => match term.to_vec() {
            Some(items) => put_array(out, &items),
            None => put_string(out, &term.to_string()),
        },
        Term::Ref(_) | Term::Fun(_) => put_string(out, &term.to_string()),
    }
}

fn put_array(out: &mut String, items: &[Term]) {
    out.push('[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        put_term(out, item);
    }
    out.push(']');
}

fn put_map(out: &mut String, map: &Map) {
    let short: Vec<String> = map.keys().map(key).collect();
    let distinct = short.iter().collect::<BTreeSet<_>>().len() == short.len();
    out.push('{');
    for (at, ((key, value), short)) in map.iter().zip(&short).enumerate() {
        if at > 0 {
            out.push(',');
        }
        if distinct {
            put_string(out, short);
        } else {
            put_string(out, &key.to_string());
        }
        out.push(':');
        put_term(out, value);
    }
    out.push('}');
}

fn key(term: &Term) -> String {
    match term {
        Term::Atom(atom) => atom.text().to_owned(),
        Term::Str(text) => text.to_string(),
        _ => term.to_string(),
    }
}

fn put_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(value: i64) -> Term {
        Term::Int(value)
    }

    #[test]
    fn terms_read_back_as_the_json_that_is_promised() {
        let big = Term::big(num_bigint::BigInt::from(10).pow(30));
        let float = Term::float(1e22).expect("finite");
        let items = [int(-1), big, float, Term::atom("true"), Term::atom("undefined"), Term::atom("ann")];
        let text = term(&Term::list([Term::tuple(items), Term::text("a\"\\\n\u{1}ß"), Term::Nil]));
        assert_eq!(text, r#"[[-1,1000000000000000000000000000000,1.0e22,true,null,"ann"],"a\"\\\n\u0001ß",[]]"#);
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }

    #[test]
    fn keys_are_plain_unless_two_would_coincide() {
        let one: Map = [(Term::atom("a"), int(1)), (int(2), int(3))].into_iter().collect();
        assert_eq!(term(&Term::map(one)), r#"{"2":3,"a":1}"#);
        let two: Map = [(Term::atom("a"), int(1)), (Term::text("a"), int(2))].into_iter().collect();
        assert_eq!(term(&Term::map(two)), r#"{"a":1,"\"a\"":2}"#);
    }

    #[test]
    fn an_improper_list_is_its_text() {
        assert_eq!(term(&Term::cons(int(1), int(2))), r#""[1 | 2]""#);
    }

    #[test]
    fn an_event_is_one_line() {
        let line = Line::new("print").text("node", "a\nb").number("line", 3).term("value", &int(5)).end();
        assert_eq!(line, r#"{"event":"print","node":"a\nb","line":3,"value":5}"#);
    }
}
