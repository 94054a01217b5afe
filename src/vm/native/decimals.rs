//! Floats with a given number of digits, rounded as in Erlang: exactly, and ties away from zero.

use crate::value::term::Term;
use crate::vm::native::Answer;
use crate::vm::native::Refusal;
use crate::vm::native::size;

/// The most digits after the point that may be asked for, as in Erlang.
const DECIMALS_MAX: usize = 253;

/// `float_to_list(Float, Options)`.
pub(super) fn float_with(number: &Term, options: &Term) -> Answer {
    const WHY: Refusal = Refusal::Why("the options are {decimals, N}, {scientific, N}, compact and short");
    let Term::Float(value) = number else { return Err(Refusal::Why("a float is needed")) };
    let value = value.get();
    let mut layout: Option<(&str, usize)> = None;
    let mut compact = false;
    for option in options.to_vec().ok_or(WHY)? {
        match (option.as_atom(), option.as_tuple()) {
            (Some("compact"), _) => compact = true,
            (Some("short"), _) => layout = None,
            (_, Some([kind, digits])) => {
                let kind = kind.as_atom().filter(|kind| ["decimals", "scientific"].contains(kind)).ok_or(WHY)?;
                let digits = Some(size(digits)?).filter(|digits| *digits <= DECIMALS_MAX);
                layout = Some((kind, digits.ok_or(Refusal::Why("at most 253 digits may be asked for"))?));
            }
            _ => return Err(WHY),
        }
    }
    Ok(Term::text(match layout {
        None => number.to_string(),
        Some(("decimals", digits)) => {
            let text = crate::vm::format::fixed(value, digits);
            if compact && text.contains('.') { without_zeros(&text) } else { text }
        }
        Some((_, digits)) => crate::vm::format::scientific(value, digits, 2),
    }))
}

/// Without zeros at the end, but for one after the point.
fn without_zeros(text: &str) -> String {
    let short = text.trim_end_matches('0');
    if short.ends_with('.') { format!("{short}0") } else { short.to_owned() }
}
