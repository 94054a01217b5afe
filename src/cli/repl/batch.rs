//! Lines from a file or a pipe: no prompt, no history; each text is evaluated when it is complete.

use std::io::BufRead;

use crate::cli::driver::Control;
use crate::cli::repl::Reader;
use crate::syntax::is_incomplete;

/// The most bytes of one text: an unclosed bracket must not gather lines for ever, since completeness is asked at each.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// Starts the reader; it ends with the input.
pub(super) fn start(reader: Reader) {
    std::thread::spawn(move || {
        read(&reader);
        let _ = reader.lines.send(Control::Closed);
    });
}

fn read(reader: &Reader) {
    if reader.ready.recv().is_err() {
        return;
    }
    let mut text = String::new();
    for line in std::io::stdin().lock().split(b'\n') {
        let Ok(line) = line else { break };
        text += &String::from_utf8_lossy(&line);
        text.push('\n');
        let command = text.trim_start().starts_with(':');
        if blank(&text) {
            text.clear();
        } else if (command || text.len() > TEXT_BYTES_MAX || !is_incomplete(&text))
            && !evaluate(reader, std::mem::take(&mut text))
        {
            return;
        }
    }
    if !blank(&text) {
        evaluate(reader, text);
    }
}

fn evaluate(reader: &Reader, text: String) -> bool {
    reader.lines.send(Control::Typed(text)).is_ok() && reader.ready.recv().is_ok()
}

/// Nothing but white space and comments.
pub(super) fn blank(text: &str) -> bool {
    text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('%'))
}
