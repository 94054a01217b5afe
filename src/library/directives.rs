//! How many arguments the text of an `io:format` takes. What it makes of them is for the machine.

/// The number of arguments; `None` where the text is none that can be printed. `~p` takes one, `~n` none, `~*p` two.
#[must_use]
pub fn wanted(control: &str) -> Option<usize> {
    count(control).ok()
}

/// The letter of the first directive that there is not.
#[must_use]
pub fn unknown(control: &str) -> Option<char> {
    count(control).err().flatten()
}

/// The number of arguments, or what is no directive; no letter where the text ends within one.
fn count(control: &str) -> Result<usize, Option<char>> {
    let mut rest = control.chars().peekable();
    let mut wanted = 0;
    while let Some(letter) = rest.next() {
        if letter != '~' {
            continue;
        }
        wanted += number(&mut rest);
        if rest.next_if_eq(&'.').is_some() {
            wanted += number(&mut rest);
            if rest.next_if_eq(&'.').is_some() {
                rest.next().ok_or(None)?;
            }
        }
        while rest.next_if(|c| matches!(c, 't' | 'l')).is_some() {}
        wanted += match rest.next().ok_or(None)? {
            'n' | '~' => 0,
            'P' | 'W' => 2,
            'i' | 'p' | 'w' | 's' | 'a' | 'b' | 'B' | 'x' | 'X' | '#' | '+' | 'f' | 'e' | 'g' | 'c' => 1,
            other => return Err(Some(other)),
        };
    }
    Ok(wanted)
}

/// Passes over a width or precision; says how many arguments it takes.
fn number(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> usize {
    if rest.next_if_eq(&'*').is_some() {
        return 1;
    }
    rest.next_if_eq(&'-');
    while rest.next_if(char::is_ascii_digit).is_some() {}
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_counted_with_their_widths() {
        for (control, count) in [("none", 0), ("~p ~10.3.0f~n", 2), ("~*c~~", 2), ("~tp~-8s", 2), ("~W", 2)] {
            assert_eq!(wanted(control), Some(count), "{control}");
        }
        assert_eq!((wanted("~q"), wanted("100~")), (None, None));
        assert_eq!((unknown("~p ~d"), unknown("100~"), unknown("~p")), (Some('d'), None, None));
    }
}
