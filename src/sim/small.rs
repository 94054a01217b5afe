//! Small instances of a program: the same text in which no whole number is greater than so much. A limit of a thousand
//! impressions is passed like one of two, and a schedule is no place for a thousand of them.

/// The text with all whole numbers above `most` made to be `most`, everything else where it was; none where there are none.
pub(crate) fn small(text: &str, most: u64) -> Option<String> {
    let limit = most.to_string();
    let mut written = String::with_capacity(text.len());
    let (mut rest, mut changed) = (text, false);
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '%' => rest.find('\n').unwrap_or(rest.len()),
            '"' | '\'' => quoted(rest, c),
            c if c.is_ascii_digit() => number(rest),
            c if c.is_alphabetic() || c == '_' => {
                rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
            }
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        let whole = c.is_ascii_digit() && token.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
        let greater = whole && !before.is_alphanumeric() && before != '.' && is_greater(token, most);
        if greater {
            // Every place stays what it is.
            written.push_str(&" ".repeat(token.len() - limit.len()));
            written.push_str(&limit);
            changed = true;
        } else {
            written.push_str(token);
        }
        before = token.chars().next_back().unwrap_or(' ');
        rest = after;
    }
    changed.then_some(written)
}

fn is_greater(token: &str, most: u64) -> bool {
    // What does not fit is greater than anything.
    !token.replace('_', "").parse::<u64>().is_ok_and(|number| number <= most)
}

/// How long the quoted text is that begins here.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// How long the number is that begins here, with its base, its point and its exponent.
fn number(text: &str) -> usize {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '#';
    let whole = text.find(|c: char| !is_part(c)).unwrap_or(text.len());
    let fraction = text[whole..].strip_prefix('.').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    match fraction {
        Some(rest) => whole + 1 + rest.find(|c: char| !is_part(c) && c != '-').unwrap_or(rest.len()),
        None => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_become_small_and_everything_stays_in_its_place() {
        let text = "Limit = arg(limit, 20). % 30 of them\nX1 = {1, 2, 1_000, 1.5, 16#ff, \"40\", a50, '60'}.";
        let less = small(text, 2).expect("there are greater ones");
        assert_eq!(less, "Limit = arg(limit,  2). % 30 of them\nX1 = {1, 2,     2, 1.5, 16#ff, \"40\", a50, '60'}.");
        assert_eq!(less.len(), text.len());
        assert_eq!(small("X = 2. Y = 1.", 2), None);
        assert_eq!(small("X = 99999999999999999999.", 2).as_deref(), Some("X =                    2."));
    }
}
