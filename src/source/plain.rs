//! Diagnostics as plain lines, for files, pipes and simple terminals: no drawing, no colour, and a first line of the form
//! `file:line:column: ..`, which editors and `grep` understand.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use crate::source::diagnostic::Diagnostic;
use crate::source::diagnostic::Label;
use crate::source::diagnostic::Severity;
use crate::source::files::Files;

/// The most characters of a line of source that are shown; a program may be one line of five megabytes.
const SHOWN_MAX: usize = 100;
/// How many characters before the underlined place are shown when a line is longer than that.
const BEFORE: usize = 40;

/// One diagnostic, which ends with a new line.
pub(super) fn plain(diagnostic: &Diagnostic, files: &Files) -> String {
    let word = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let place = diagnostic.labels.first().map(|label| place(label, files)).unwrap_or_default();
    let mut text = format!("{place}{word} {}: {}\n", diagnostic.code, diagnostic.title);
    for (at, label) in diagnostic.labels.iter().enumerate() {
        if diagnostic.labels[..at].contains(label) {
            // Calls within calls: the same place again and again.
            continue;
        }
        if at > 0 {
            // The first line of the message has the first place already.
            let _ = writeln!(text, "  {}{}", self::place(label, files), label.text);
        }
        underlined(&mut text, label, files, at == 0);
    }
    for help in &diagnostic.help {
        let _ = writeln!(text, "  help: {}", help.replace('\n', "\n        "));
    }
    text
}

fn place(label: &Label, files: &Files) -> String {
    let place = files.place(label.span);
    format!("{}:{}:{}: ", files.name(label.span.file), place.line, place.column)
}

/// The line of source, and below it carets under the place.
fn underlined(text: &mut String, label: &Label, files: &Files, told: bool) {
    let place = files.place(label.span);
    let line = files.line(label.span);
    if line.trim().is_empty() {
        return;
    }
    let column = place.column as usize - 1;
    let skipped = if line.chars().count() > SHOWN_MAX { column.saturating_sub(BEFORE) } else { 0 };
    let shown: String = line.chars().skip(skipped).take(SHOWN_MAX).map(harmless).collect();
    let count = files.slice(label.span).lines().next().map_or(0, |first| first.chars().count());
    let before: String = shown.chars().take(column - skipped).collect();
    let within: String = shown.chars().skip(column - skipped).take(count).collect();
    // Tabs stay tabs, so that the carets stand where the text does.
    let mut under: String = before.split('\t').map(|part| " ".repeat(part.width())).collect::<Vec<_>>().join("\t");
    under.extend(std::iter::repeat_n('^', within.width().max(1)));
    let said = if told && !label.text.is_empty() { format!(" {}", label.text) } else { String::new() };
    let _ = writeln!(text, "    {}\n    {under}{said}", shown.trim_end());
}

/// What a terminal would obey instead of showing it, as a character of as many bytes that it shows.
pub(super) fn harmless(c: char) -> char {
    match c {
        '\t' | '\n' | '\r' => c,
        c if c.is_ascii_control() => '?',
        c if c.is_control() => '\u{bf}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::render::Style;
    use crate::source::render::render;
    use crate::source::span::Span;

    #[test]
    fn a_terminal_does_not_obey_what_stands_in_a_program() {
        let mut files = Files::default();
        let file = files.add("a.lasp", "X = 1 +. %% \u{1b}[2J\u{0}\u{9b}2J\n");
        let diagnostic = Diagnostic::error("E0101", "wrong").at(Span { file, start: 7, end: 8 }, "here");
        for style in [Style::PLAIN, Style { colour: true, ..Style::PLAIN }] {
            let text = render(&diagnostic, &files, style);
            assert!(text.contains("?[2J?\u{bf}2J") && !text.contains('\u{9b}'), "{text:?}");
        }
    }

    fn shown(program: &str, start: u32, end: u32) -> String {
        let mut files = Files::default();
        let file = files.add("a.lasp", program);
        let span = Span { file, start, end };
        plain(&Diagnostic::error("E0101", "wrong").at(span, "here").help("write it right"), &files)
    }

    #[test]
    fn the_place_is_underlined() {
        assert_eq!(
            shown("X = 1.\n\tY = oh.\n", 12, 14),
            "a.lasp:2:6: error E0101: wrong\n    \tY = oh.\n    \t    ^^ here\n  help: write it right\n"
        );
    }

    /// Some characters take two columns of a terminal, and what joins the one before it none.
    #[test]
    fn what_is_underlined_is_counted_in_columns() {
        assert_eq!(
            shown("X = {\"日本語\", oh}.", 18, 20),
            "a.lasp:1:13: error E0101: wrong\n    X = {\"日本語\", oh}.\n                   ^^ here\n  help: write it right\n"
        );
        assert!(shown("X = \"日本\".", 4, 12).contains("\n        ^^^^^^ here"));
        assert!(shown("E = \"e\u{301}\", oh.", 11, 13).contains("\n             ^^ here"));
    }

    #[test]
    fn places_at_the_end_and_beyond_are_no_trouble() {
        for (program, start, end) in [("", 0, 0), ("X", 1, 1), ("X\n", 2, 2), ("X\n", 90, 99), ("é", 0, 2)] {
            assert!(shown(program, start, end).contains("E0101"), "{program:?}");
        }
        let long = format!("{}Y.", "X, ".repeat(1_000_000));
        assert!(shown(&long, 1_500_000, 1_500_001).len() < 400);
    }
}
