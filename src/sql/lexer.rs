//! Text to tokens.

use std::ops::Range;

use crate::sql::SqlError;

/// A token with its place in the text.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) place: Range<usize>,
}

/// What a token can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a keyword, as written.
    Word(String),
    /// A name in double quotes or backquotes, which is never a keyword.
    Quoted(String),
    /// A number without a sign, as the language writes it.
    Number(String),
    /// Text in single quotes.
    Text(String),
    /// An operator or a mark.
    Mark(&'static str),
    End,
}

/// Longer ones first.
const MARKS: &[&str] =
    &["<=", ">=", "=<", "=>", "<>", "!=", "==", "=", "<", ">", "(", ")", ",", ".", "*", "+", "-", "/", ";"];

/// The tokens of a text; the last is [`Kind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, SqlError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..)
        && let Some(first) = rest.chars().next()
    {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (kind, length) = match first {
            '\'' => {
                let (content, length) = quoted(rest, '\'').ok_or_else(|| unended(at..text.len()))?;
                (Kind::Text(content), length)
            }
            '"' | '`' => {
                let (content, length) = quoted(rest, first).ok_or_else(|| unended(at..text.len()))?;
                (Kind::Quoted(content), length)
            }
            _ if first.is_ascii_digit() => number(rest),
            _ if first.is_alphabetic() || first == '_' => {
                let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let length = word.len();
                (Kind::Word(word), length)
            }
            _ => {
                let Some(mark) = MARKS.iter().find(|mark| rest.starts_with(**mark)) else {
                    let title = format!("`{first}` has no meaning in sql");
                    let place = at..at + first.len_utf8();
                    return Err(SqlError::new("E0901", title, place, "text stands in single quotes: 'text'"));
                };
                (Kind::Mark(mark), mark.len())
            }
        };
        tokens.push(Token { kind, place: at..at + length });
        at += length;
    }
    tokens.push(Token { kind: Kind::End, place: text.len()..text.len() });
    Ok(tokens)
}

fn unended(place: Range<usize>) -> SqlError {
    SqlError::new("E0901", "this quote is not closed", place, "a quote within the quotes is written twice: 'it''s'")
}

/// What stands between quotes, and the length with them; a doubled quote is one.
fn quoted(rest: &str, quote: char) -> Option<(String, usize)> {
    let mut content = String::new();
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character != quote {
            content.push(character);
        } else if characters.peek().is_some_and(|(_, next)| *next == quote) {
            content.push(quote);
            characters.next();
        } else {
            return Some((content, at + quote.len_utf8()));
        }
    }
    None
}

/// `12`, `1.5`; in the language a number does not end in a point.
fn number(rest: &str) -> (Kind, usize) {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(rest);
    let fraction = match rest[whole..].strip_prefix('.') {
        Some(after) if digits(after) > 0 => 1 + digits(after),
        _ => 0,
    };
    let length = whole + fraction;
    let number = rest[..length].trim_start_matches('0');
    let shown = if number.is_empty() || number.starts_with('.') { format!("0{number}") } else { number.to_owned() };
    (Kind::Number(shown), length)
}
