//! `io:format`: texts with directives, as in Erlang.
//!
//! `~p ~w` a term, `~s` a string as it is, `~a` an atom, `~b` an integer, `~f ~e ~g` a float, `~c` a character, `~n` a new
//! line, `~~` a tilde, `~i` leaves an argument out. Between tilde and letter: `width.precision.pad`, each optional; a
//! negative width aligns to the left, `*` takes the number from the arguments.

use std::fmt::Write;

use crate::value::term::Term;
use crate::vm::STRING_BYTES_MAX;
use crate::vm::fault::Fault;
use crate::vm::number::to_float;

/// The most characters that a width or precision may ask for.
const WIDTH_MAX: usize = 10_000;
/// The most digits after the point of a float.
const DIGITS_MAX: usize = 300;

/// The text that `io:format(control, arguments)` prints.
///
/// # Errors
/// When the text does not fit the arguments; the fault says how.
pub fn format(control: &Term, arguments: &Term) -> Result<String, Box<Fault>> {
    let Some(control) = control.as_text().or_else(|| control.as_atom()) else {
        return Err(wrong("its first argument must be a string"));
    };
    let Some(arguments) = arguments.to_vec() else {
        return Err(wrong("its second argument must be the list of arguments, such as [X]"));
    };
    let mut formatter = Formatter { rest: control.chars().peekable(), arguments: arguments.iter(), out: String::new() };
    while let Some(letter) = formatter.rest.next() {
        if letter == '~' {
            formatter.directive()?;
        } else {
            formatter.out.push(letter);
        }
        if formatter.out.len() > STRING_BYTES_MAX {
            return Err(Box::new(Fault::TooLarge("the printed text")));
        }
    }
    match formatter.arguments.len() {
        0 => Ok(formatter.out),
        left => Err(wrong(format!("the text has no directive for the last {left} of {} arguments", arguments.len()))),
    }
}

fn wrong(why: impl Into<String>) -> Box<Fault> {
    Box::new(Fault::Format(why.into()))
}

struct Formatter<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    arguments: std::slice::Iter<'a, Term>,
    out: String,
}

/// What stands between tilde and letter.
struct Layout {
    width: Option<i64>,
    precision: Option<usize>,
    pad: char,
}

impl<'a> Formatter<'a> {
    fn argument(&mut self) -> Result<&'a Term, Box<Fault>> {
        self.arguments.next().ok_or_else(|| wrong("the text has more directives than there are arguments"))
    }

    fn number(&mut self) -> Result<Option<i64>, Box<Fault>> {
        if self.rest.next_if_eq(&'*').is_some() {
            let number = self.argument()?.as_int();
            return number.map(Some).ok_or_else(|| wrong("`*` needs an integer"));
        }
        let negative = self.rest.next_if_eq(&'-').is_some();
        let mut number = None;
        while let Some(digit) = self.rest.peek().and_then(|c| c.to_digit(10)) {
            self.rest.next();
            number = Some((number.unwrap_or(0) * 10 + i64::from(digit)).min(1_000_000));
        }
        Ok(number.map(|number| if negative { -number } else { number }))
    }

    fn layout(&mut self) -> Result<Layout, Box<Fault>> {
        let width = self.number()?;
        let (mut precision, mut pad) = (None, ' ');
        if self.rest.next_if_eq(&'.').is_some() {
            precision = self.number()?;
            if self.rest.next_if_eq(&'.').is_some() {
                pad = self.rest.next().unwrap_or(' ');
            }
        }
        while self.rest.next_if(|c| matches!(c, 't' | 'l')).is_some() {}
        let too_wide = |number: i64| number.unsigned_abs() > WIDTH_MAX as u64;
        if width.is_some_and(too_wide) || precision.is_some_and(too_wide) {
            return Err(wrong(format!("widths are at most {WIDTH_MAX}")));
        }
        Ok(Layout { width, precision: precision.and_then(|number| usize::try_from(number).ok()), pad })
    }

    fn directive(&mut self) -> Result<(), Box<Fault>> {
        let layout = self.layout()?;
        let Some(letter) = self.rest.next() else { return Err(wrong("the text ends within a directive")) };
        let text = match letter {
            'n' => {
                "\n".repeat(layout.width.map_or(1, |width| usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX)))
            }
            '~' => "~".into(),
            'i' => self.argument().map(|_| String::new())?,
            'p' | 'w' => layout.pad(text(self.argument()?)?),
            'P' | 'W' => {
                let text = text(self.argument()?)?;
                self.argument()?;
                layout.pad(text)
            }
            's' | 'a' => {
                let text = plain(self.argument()?)?;
                let text = layout.precision.map_or_else(|| text.clone(), |most| text.chars().take(most).collect());
                layout.pad(text)
            }
            'b' | 'B' | 'x' | 'X' | '#' | '+' => {
                let term = self.argument()?;
                layout.pad(integer(term, letter, layout.precision)?)
            }
            'f' | 'e' | 'g' => {
                let term = self.argument()?;
                layout.pad(float(term, letter, layout.precision)?)
            }
            'c' => {
                let code = self.argument()?.as_int().and_then(|code| u32::try_from(code).ok());
                let letter = code.and_then(char::from_u32).ok_or_else(|| wrong("`~c` needs a character's code"))?;
                layout.pad(letter.to_string().repeat(layout.precision.unwrap_or(1)))
            }
            other => return Err(wrong(format!("there is no directive `~{other}`; `~p` shows any term"))),
        };
        self.out.push_str(&text);
        Ok(())
    }
}

impl Layout {
    /// Fills up to the width: before the text, or after it where the width is negative.
    fn pad(&self, text: String) -> String {
        let Some(width) = self.width else { return text };
        let have = text.chars().count();
        let want = usize::try_from(width.unsigned_abs()).unwrap_or(0);
        let fill = self.pad.to_string().repeat(want.saturating_sub(have));
        if width < 0 { text + &fill } else { fill + &text }
    }
}

/// A term as text.
///
/// # Errors
/// When it is longer than a string may be; the work ends there.
pub fn text(term: &Term) -> Result<String, Box<Fault>> {
    let mut bounded = Bounded(String::new());
    match write!(bounded, "{term}") {
        Ok(()) => Ok(bounded.0),
        Err(_) => Err(Box::new(Fault::TooLarge("the printed text"))),
    }
}

/// A string that grows no longer than it may.
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, part: &str) -> std::fmt::Result {
        if self.0.len() + part.len() > STRING_BYTES_MAX {
            return Err(std::fmt::Error);
        }
        self.0.push_str(part);
        Ok(())
    }
}

/// A term as `~s` prints it: strings, and lists of strings and characters, as they are.
///
/// # Errors
/// When it is longer than a string may be.
pub fn plain(term: &Term) -> Result<String, Box<Fault>> {
    match term {
        Term::Str(text) => Ok(text.to_string()),
        Term::Atom(atom) => Ok(atom.text().into()),
        Term::Cons(_) => flat(term).map_or_else(|| text(term), Ok),
        Term::Nil => Ok(String::new()),
        _ => text(term),
    }
}

fn flat(list: &Term) -> Option<String> {
    let (mut out, mut pending) = (String::new(), vec![list]);
    while let Some(part) = pending.pop() {
        match part {
            Term::Nil => {}
            Term::Cons(cell) => pending.extend([cell.tail(), cell.head()]),
            Term::Str(text) => out.push_str(text),
            Term::Int(code) => out.push(u32::try_from(*code).ok().and_then(char::from_u32)?),
            _ => return None,
        }
        if out.len() > STRING_BYTES_MAX {
            return None;
        }
    }
    Some(out)
}

fn integer(term: &Term, letter: char, base: Option<usize>) -> Result<String, Box<Fault>> {
    let base = base.unwrap_or(10);
    let base = u32::try_from(base).ok().filter(|base| (2..=36).contains(base));
    let base = base.ok_or_else(|| wrong("the base of an integer is 2 to 36"))?;
    let digits = match term {
        Term::Int(value) => num_bigint::BigInt::from(*value).to_str_radix(base),
        Term::Big(value) => value.to_str_radix(base),
        other => return Err(wrong(format!("`~{letter}` needs an integer, not {}", crate::vm::fault::show(other)))),
    };
    Ok(if letter == 'b' || letter == 'x' || letter == '+' { digits } else { digits.to_uppercase() })
}

fn float(term: &Term, letter: char, digits: Option<usize>) -> Result<String, Box<Fault>> {
    let Some(value) = to_float(term) else {
        return Err(wrong(format!("`~{letter}` needs a number, not {}", crate::vm::fault::show(term))));
    };
    let digits = digits.unwrap_or(6).min(DIGITS_MAX);
    match letter {
        'f' => Ok(fixed(value, digits)),
        'g' if (0.1..10_000.0).contains(&value.abs()) => Ok(general(value, digits)),
        _ => Ok(scientific(value, digits.saturating_sub(1), 1)),
    }
}

/// `~g` of a number of common size: so many digits in all, as far as they stand after the point.
fn general(value: f64, digits: usize) -> String {
    let whole = [1.0, 10.0, 100.0, 1000.0].iter().filter(|bound| value.abs() >= **bound).count();
    if digits > whole { fixed(value, digits - whole) } else { scientific(value, digits.max(2) - 1, 1) }
}

/// With so many digits after the point. Rust rounds the exact value, but ties to the even digit; here they go away from zero.
pub(super) fn fixed(value: f64, digits: usize) -> String {
    let value = if is_tie(value, digits) { beyond(value) } else { value };
    format!("{value:.digits$}")
}

/// `1.5e+01`: a digit, so many after the point, and the exponent of at least so many digits.
pub(super) fn scientific(value: f64, digits: usize, exponent_digits: usize) -> String {
    let mut text = format!("{value:.digits$e}");
    // A tie shows only in what comes after the digits that were asked for: one more than these must end in an exact 5.
    if format!("{value:.800e}").split_once('e').is_some_and(|(mantissa, _)| ends_in_five(mantissa, digits)) {
        text = format!("{:.digits$e}", beyond(value));
    }
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{mantissa}e{sign}{exponent:0>exponent_digits$}")
}

/// The next float away from zero.
fn beyond(value: f64) -> f64 {
    if value < 0.0 { value.next_down() } else { value.next_up() }
}

/// Whether a mantissa has a 5 after so many digits behind the point, and nothing more.
fn ends_in_five(mantissa: &str, digits: usize) -> bool {
    let fraction = mantissa.split_once('.').map_or("", |(_, fraction)| fraction);
    let mut rest = fraction.bytes().skip(digits);
    rest.next() == Some(b'5') && rest.all(|byte| byte == b'0')
}

/// Whether a float lies exactly between two decimals of so many digits.
fn is_tie(value: f64, digits: usize) -> bool {
    let bits = value.abs().to_bits();
    let (exponent, fraction) = (bits >> 52, bits & ((1 << 52) - 1));
    let mantissa = if exponent == 0 { fraction } else { fraction | 1 << 52 };
    if mantissa == 0 {
        return false;
    }
    // value = mantissa * 2^(exponent - 1075), and value * 2 * 10^digits is odd where the powers of two just cancel.
    let power = i64::try_from(exponent.max(1)).unwrap_or(0) - 1075;
    let twos = i64::from(mantissa.trailing_zeros()) + power;
    twos + 1 + i64::try_from(digits).unwrap_or(i64::MAX / 2) == 0
}
