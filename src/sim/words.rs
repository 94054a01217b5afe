//! Times, spans of time and shares as people write them, and back.

use crate::sim::network::Conditions;

/// The longest time, in milliseconds: about a year.
const TIME_MS_MAX: u64 = 366 * 24 * 3_600_000;

/// `500ms`, `2s`, `1.5s`, `3m`, `1h` in milliseconds; a number alone is seconds.
///
/// # Errors
/// What is wrong, in words.
pub fn time_ms(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let unit_ms = match unit {
        "ms" => 1,
        "" | "s" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return Err(format!("`{unit}` is no unit of time; use ms, s, m or h")),
    };
    let millionths = decimal(number).ok_or_else(|| format!("`{text}` is no time; one looks like 500ms or 2s"))?;
    let ms = millionths.checked_mul(unit_ms).map(|millionths| millionths / 1_000_000);
    ms.filter(|ms| *ms <= TIME_MS_MAX).ok_or_else(|| "at most a year".to_owned())
}

/// `5ms..50ms`, or one time for both.
///
/// # Errors
/// What is wrong, in words.
pub fn range_ms(text: &str) -> Result<(u64, u64), String> {
    let (least, most) = text.split_once("..").unwrap_or((text, text));
    let (least, most) = (time_ms(least)?, time_ms(most)?);
    if least > most { Err(format!("`{text}` ends before it begins")) } else { Ok((least, most)) }
}

/// `5%` or `0.05` in millionths.
///
/// # Errors
/// What is wrong, in words.
pub fn share(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let wrong = || format!("`{text}` is no share; one looks like 5% or 0.05");
    let millionths = match text.strip_suffix('%') {
        Some(number) => decimal(number).ok_or_else(wrong)? / 100,
        None => decimal(text).ok_or_else(wrong)?,
    };
    if millionths > Conditions::WHOLE { Err(format!("`{text}` is more than all")) } else { Ok(millionths) }
}

/// A number with at most six decimals, in millionths.
fn decimal(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 6 || !digits(whole) || !digits(part) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let part: u64 = format!("{part:0<6}").parse().ok()?;
    whole.checked_mul(1_000_000)?.checked_add(part)
}

/// A time as [`time_ms`] reads it.
#[must_use]
pub fn show_ms(ms: u64) -> String {
    if ms.is_multiple_of(1000) { format!("{}s", ms / 1000) } else { format!("{ms}ms") }
}

/// A span of time as [`range_ms`] reads it.
#[must_use]
pub fn show_range(range: (u64, u64)) -> String {
    if range.0 == range.1 { show_ms(range.0) } else { format!("{}..{}", show_ms(range.0), show_ms(range.1)) }
}

/// A share as [`share`] reads it.
#[must_use]
pub fn show_share(millionths: u64) -> String {
    let text = format!("{}.{:04}", millionths / 10_000, millionths % 10_000);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_shares_read_back_as_they_are_shown() {
        for ms in [0, 1, 999, 1000, 1500, 60_000] {
            assert_eq!(time_ms(&show_ms(ms)), Ok(ms));
        }
        for millionths in [0, 1, 12_345, 50_000, 1_000_000] {
            let shown = show_share(millionths);
            assert_eq!(share(&shown).map(|read| read / 100), Ok(millionths / 100), "{shown}");
        }
        assert_eq!(range_ms("5ms..50ms"), Ok((5, 50)));
        assert_eq!(show_range((5, 2000)), "5ms..2s");
        assert_eq!(share("0.05"), Ok(50_000));
        assert_eq!(time_ms("1.5s"), Ok(1500));
    }

    #[test]
    fn what_is_no_time_or_share_is_told() {
        for bad in ["", "s", "-1s", "5x", "1..2", "1.2.3s", "99999999h"] {
            assert!(time_ms(bad).is_err(), "{bad}");
        }
        for bad in ["", "%", "101%", "1.5", "x%", "0.0000001"] {
            assert!(share(bad).is_err(), "{bad}");
        }
    }
}
