//! Files of data as terms: CSV tables and JSON documents.
//!
//! Keys and column names become atoms, so that a program can write `#{title := T}`; texts stay texts; `null` and empty
//! cells are `undefined`; a cell is a number if it is written just as that number prints.

use num_bigint::BigInt;
use rustc_hash::FxHashSet;

use crate::node::Node;
use crate::node::calls::Lines;
use crate::node::verbs::Answer;
use crate::node::verbs::Refusal;
use crate::value::atom::Atom;
use crate::value::map::Map;
use crate::value::term::Term;

/// The most characters of a name in a file that a message shows.
const NAME_SHOWN_MAX: usize = 40;

/// What a file is read as.
#[derive(Clone, Debug)]
pub(super) enum Format {
    /// A table with a header: a list of maps.
    Csv,
    /// A document.
    Json,
    /// Lines of text, each for the function.
    Lines(Term),
}

impl Node {
    /// The answer to a request for a file.
    pub(super) fn file_came(&mut self, request: u64, result: Result<Vec<u8>, String>) {
        let Some((task, format, path)) = self.files_asked.remove(&request) else { return };
        let read = match result {
            Ok(bytes) => match format {
                Format::Csv => csv(&bytes).map(Answer::Value),
                Format::Json => json(&bytes).map(Answer::Value),
                Format::Lines(function) => lines(&bytes).map(|text| Lines::new(function, text).next()),
            },
            Err(why) => Err(Refusal::new("E0396", format!("the file `{path}` cannot be read: {why}"))
                .help("A relative path is looked up beside the program first, then in the current folder.")),
        };
        let named = |mut refusal: Refusal| {
            refusal.title = refusal.title.replacen("the file is", &format!("the file `{path}` is"), 1);
            refusal
        };
        let read = read.map_err(named);
        let machine = &self.machine;
        self.tasks.wake(task, |task| match read {
            Ok(Answer::Value(term)) => task.resume(term),
            Ok(Answer::Call { function, arguments, kept }) => machine.call_in(task, &function, arguments, kept),
            Err(refusal) | Ok(Answer::Refused(refusal)) => task.fail(refusal.code, refusal.title, refusal.help),
            // A file has no other answers.
            Ok(_) => {}
        });
    }
}

/// A text file as a text.
fn lines(bytes: &[u8]) -> Result<&str, Refusal> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
        Refusal::new("E0397", format!("the file is not UTF-8 text: line {line} has a byte that is not part of one"))
    })
}

fn malformed(kind: &str, why: impl std::fmt::Display) -> Refusal {
    Refusal::new("E0397", format!("the file is not well-formed {kind}: {why}"))
}

fn key(text: &str) -> Term {
    Atom::new(text).map_or_else(|_| Term::text(text), Term::Atom)
}

fn csv(bytes: &[u8]) -> Result<Term, Refusal> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
    let header = reader.headers().map_err(|why| malformed("CSV", why))?;
    let mut names = FxHashSet::default();
    // Columns without a name, which a comma at the end of each line makes, nobody asks for.
    if let Some(twice) = header.iter().find(|name| !name.is_empty() && !names.insert(*name)) {
        // A row is a map, and of two columns of one name it could keep but one.
        let refusal = malformed("CSV", format!("its first line names two columns `{}`", brief_name(twice)));
        return Err(refusal.help("give each column a name of its own"));
    }
    let columns: Vec<Term> = header.iter().map(key).collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|why| malformed("CSV", why))?;
        let row: Map = columns.iter().cloned().zip(record.iter().map(cell)).collect();
        rows.push(Term::map(row));
    }
    Ok(Term::list(rows))
}

/// A name from a file, as far as a message shows it.
fn brief_name(name: &str) -> String {
    let shown: String = name.chars().take(NAME_SHOWN_MAX).collect();
    if shown.len() < name.len() { format!("{shown}..") } else { shown }
}

fn cell(text: &str) -> Term {
    if text.is_empty() {
        return Term::atom("undefined");
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        return Term::text(text);
    }
    if let Ok(value) = text.parse::<BigInt>()
        && value.to_string() == text
    {
        return Term::big(value);
    }
    // `1e5`, `007` and `1.` stay texts: they may well be names.
    let decimal = text.strip_prefix('-').unwrap_or(text);
    let plain = decimal.split_once('.').is_some_and(|(whole, fraction)| {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        digits(whole) && digits(fraction) && (whole == "0" || !whole.starts_with('0'))
    });
    match text.parse::<f64>() {
        Ok(value) if plain => Term::float(value).unwrap_or_else(|| Term::text(text)),
        _ => Term::text(text),
    }
}

fn json(bytes: &[u8]) -> Result<Term, Refusal> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let document: serde_json::Value = serde_json::from_slice(bytes).map_err(|why| malformed("JSON", why))?;
    // The reader itself refuses nesting beyond 128, which is far below what a term may have.
    document_term(document)
}

fn document_term(document: serde_json::Value) -> Result<Term, Refusal> {
    Ok(match document {
        serde_json::Value::Null => Term::atom("undefined"),
        serde_json::Value::Bool(value) => Term::boolean(value),
        serde_json::Value::Number(number) => {
            let digits = number.as_str();
            match digits.parse::<BigInt>() {
                Ok(value) => Term::big(value),
                Err(_) => digits
                    .parse::<f64>()
                    .ok()
                    .and_then(Term::float)
                    .ok_or_else(|| malformed("JSON", format!("the number {digits} is out of range")))?,
            }
        }
        serde_json::Value::String(text) => Term::text(text),
        serde_json::Value::Array(items) => {
            let items: Result<Vec<Term>, Refusal> = items.into_iter().map(document_term).collect();
            Term::list(items?)
        }
        serde_json::Value::Object(fields) => {
            let mut map = Map::new();
            for (name, value) in fields {
                map.insert(key(&name), document_term(value)?);
            }
            Term::map(map)
        }
    })
}
