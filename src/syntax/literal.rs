//! What names, numbers, characters and texts say, from how they are written. Knows nothing of places.

use std::borrow::Cow;

use num_bigint::BigInt;

/// The most characters that a number may be written with.
pub const NUMBER_BYTES_MAX: usize = 10_000;

/// The value of an integer literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Integer {
    /// Fits 64 bits.
    Small(i64),
    /// Does not.
    Big(BigInt),
}

/// The name that a variable or an atom (quoted or not) says.
#[must_use]
pub fn name(raw: &str) -> Cow<'_, str> {
    let Some(inner) = raw.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) else {
        return Cow::Borrowed(raw);
    };
    if inner.contains('\\') { Cow::Owned(unescape(inner).unwrap_or_default()) } else { Cow::Borrowed(inner) }
}

/// The value of `12`, `1_000`, `16#ff` or `$a`.
///
/// # Errors
/// With what is wrong, in a few words.
pub fn integer(raw: &str) -> Result<Integer, &'static str> {
    if let Some(character) = raw.strip_prefix('$') {
        return self::character(character).map(|c| Integer::Small(i64::from(u32::from(c))));
    }
    if raw.len() > NUMBER_BYTES_MAX {
        return Err("the number is too long");
    }
    if let Ok(small) = raw.parse::<i64>() {
        return Ok(Integer::Small(small));
    }
    if raw.ends_with('_') || raw.contains("__") || raw.contains("_#") {
        return Err("`_` stands between two digits");
    }
    let plain = raw.replace('_', "");
    let (base, digits) = match plain.split_once('#') {
        Some((base, digits)) => (base.parse().unwrap_or(0), digits),
        None => (10, plain.as_str()),
    };
    if !(2..=36).contains(&base) {
        return Err("the base is a number from 2 to 36");
    }
    if let Ok(small) = i64::from_str_radix(digits, base) {
        return Ok(Integer::Small(small));
    }
    BigInt::parse_bytes(digits.as_bytes(), base).map(Integer::Big).ok_or("a digit does not belong to the base")
}

/// The value of a float, also of one without a point.
///
/// # Errors
/// With what is wrong, in a few words.
pub fn float(raw: &str) -> Result<f64, &'static str> {
    if raw.len() > NUMBER_BYTES_MAX {
        return Err("the number is too long");
    }
    let value: f64 = raw.replace('_', "").parse().map_err(|_| "the number cannot be read")?;
    if value.is_finite() { Ok(value) } else { Err("the number is too large for a float") }
}

/// The value of one or more adjacent string literals with space and comments between them.
///
/// # Errors
/// With what is wrong, in a few words.
pub fn string(raw: &str) -> Result<String, &'static str> {
    let mut value = String::new();
    let mut rest = raw;
    while let Some(start) = next_piece(rest) {
        let inner = &rest[start + 1..];
        let end = end_of_piece(inner);
        let piece = &inner[..end];
        if piece.contains('\\') {
            value.push_str(&unescape(piece)?);
        } else {
            value.push_str(piece);
        }
        rest = inner.get(end + 1..).unwrap_or("");
    }
    Ok(value)
}

/// Where the next `"` stands that is not in a comment.
fn next_piece(text: &str) -> Option<usize> {
    let mut comment = false;
    text.bytes().position(|byte| {
        comment = (comment || byte == b'%') && byte != b'\n';
        byte == b'"' && !comment
    })
}

/// Where the `"` stands that ends the piece.
fn end_of_piece(inner: &str) -> usize {
    let mut escaped = false;
    let end = inner.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.unwrap_or(inner.len())
}

fn character(raw: &str) -> Result<char, &'static str> {
    let text = if raw.starts_with('\\') { unescape(raw)? } else { raw.to_owned() };
    text.chars().next().ok_or("the character is missing")
}

/// Erlang's escapes: `\n`, `\x41`, `\x{1F600}`, `\101`, `\^A`, and any other character for itself.
fn unescape(text: &str) -> Result<String, &'static str> {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            None => return Err("`\\` stands before nothing"),
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('s') => out.push(' '),
            Some('b') => out.push('\u{8}'),
            Some('d') => out.push('\u{7f}'),
            Some('e') => out.push('\u{1b}'),
            Some('f') => out.push('\u{c}'),
            Some('v') => out.push('\u{b}'),
            Some('^') => out.push(control(letters.next())?),
            Some('x') => out.push(hexadecimal(&mut letters)?),
            Some(digit @ '0'..='7') => {
                let mut code = u32::from(digit) - 48;
                for _ in 0..2 {
                    let Some(next) = letters.next_if(|c| ('0'..='7').contains(c)) else { break };
                    code = code * 8 + u32::from(next) - 48;
                }
                out.push(char::from_u32(code).ok_or("no character has this number")?);
            }
            Some(other) => out.push(other),
        }
    }
    Ok(out)
}

fn control(letter: Option<char>) -> Result<char, &'static str> {
    let code = letter.map_or(0, |c| u32::from(c.to_ascii_uppercase()));
    match code {
        64..=95 => char::from_u32(code - 64).ok_or("no character has this number"),
        63 => Ok('\u{7f}'),
        _ => Err("`\\^` stands before a letter"),
    }
}

fn hexadecimal(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<char, &'static str> {
    let mut code = 0_u32;
    let braces = letters.next_if_eq(&'{').is_some();
    let mut count = 0;
    while let Some(digit) = letters.next_if(char::is_ascii_hexdigit) {
        code = code.saturating_mul(16).saturating_add(digit.to_digit(16).unwrap_or(0));
        count += 1;
        if !braces && count == 2 {
            break;
        }
    }
    if count == 0 || (!braces && count != 2) || (braces && letters.next_if_eq(&'}').is_none()) {
        return Err("`\\x` stands before two hexadecimal digits, or any number of them in braces");
    }
    char::from_u32(code).ok_or("no character has this number")
}
