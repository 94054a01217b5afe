//! Scripts: what happens when, one thing a line.
//!
//! ```text
//! % The network is parted, and node 2 dies meanwhile.
//! at 2s partition 0,1 | 2..4
//! from 2s to 8s one-way 0 -> 1
//! at 4s crash 2
//! at 5s restart 2 with data
//! at 1s type 0 "update(S, {add, 1})"
//! at 9s heal
//! ```

use std::fmt;

use crate::sim::network::Cut;
use crate::sim::nodes::Nodes;
use crate::sim::scenario::EVENTS_MAX;
use crate::sim::words::range_ms;
use crate::sim::words::share;
use crate::sim::words::show_ms;
use crate::sim::words::show_range;
use crate::sim::words::show_share;
use crate::sim::words::time_ms;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::FileId;
use crate::source::span::Span;

/// Something that happens at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// When, milliseconds.
    pub at_ms: u64,
    /// What.
    pub action: Action,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// `partition`, `one-way`, `flap`: nothing passes between some nodes.
    Cut(Cut),
    /// `heal`: all partitions end.
    Heal,
    /// `crash`: nodes are gone, with what only they had.
    Crash(Nodes),
    /// `restart`: nodes that are gone come back.
    Restart {
        /// Which.
        nodes: Nodes,
        /// Whether with all that they had.
        data: bool,
    },
    /// `join`: new nodes.
    Join(Nodes),
    /// `leave`: nodes end, and tell the others.
    Leave(Nodes),
    /// `type`: lines at nodes' prompts.
    Type {
        /// Whose.
        nodes: Nodes,
        /// The line.
        text: String,
    },
    /// `loss`: so many millionths of the messages are lost from now on.
    Loss(u64),
    /// `duplicate`: so many millionths of the messages arrive twice from now on.
    Duplicate(u64),
    /// `delay`: messages take so long from now on.
    Delay(u64, u64),
    /// `clock`: clocks jump by so many milliseconds.
    Clock {
        /// Whose.
        nodes: Nodes,
        /// By how much.
        by_ms: i64,
    },
}

impl Action {
    /// The nodes that it names, by set.
    #[must_use]
    pub fn nodes(&self) -> &[Nodes] {
        match self {
            Action::Cut(cut) => &cut.sides,
            Action::Crash(nodes)
            | Action::Restart { nodes, .. }
            | Action::Join(nodes)
            | Action::Leave(nodes)
            | Action::Type { nodes, .. }
            | Action::Clock { nodes, .. } => std::slice::from_ref(nodes),
            Action::Heal | Action::Loss(_) | Action::Duplicate(_) | Action::Delay(..) => &[],
        }
    }
}

/// A line as it is typed: the full stop at its end may be left out.
#[must_use]
pub fn typed_line(text: &str) -> String {
    if text.trim_end().ends_with('.') { text.to_owned() } else { format!("{text}.") }
}

/// The actions with how each is written, for messages.
const USAGE: &[(&str, &str)] = &[
    ("partition", "at 2s partition 0,1 | 2..4"),
    ("one-way", "at 3s one-way 0 -> 1"),
    ("flap", "from 2s to 8s flap 0,1 | rest every 500ms"),
    ("heal", "at 8s heal"),
    ("crash", "at 4s crash 2"),
    ("restart", "at 5s restart 2 with data"),
    ("join", "at 6s join 3"),
    ("leave", "at 7s leave 1"),
    ("type", "at 1s type 0 \"update(S, {add, 1})\""),
    ("loss", "from 1s to 2s loss 20%"),
    ("duplicate", "at 1s duplicate 5%"),
    ("delay", "at 1s delay 5ms..500ms"),
    ("clock", "at 1s clock 2 +500ms"),
];

/// Reads a script; `file` is what places refer to. Events may also be separated by `;`.
///
/// # Errors
/// Everything that is not understood.
pub fn read(file: FileId, text: &str) -> Result<Vec<Planned>, Vec<Diagnostic>> {
    let (mut planned, mut wrong) = (Vec::new(), Vec::new());
    for (start, line) in statements(text) {
        match (Line { file, start, text: line, at: 0 }).read(&mut planned) {
            Ok(()) if planned.len() > EVENTS_MAX => {
                let title = format!("a script has {EVENTS_MAX} events at most");
                return Err(vec![Diagnostic::error("E0710", title).at(span(file, start, line), "")]);
            }
            Ok(()) => {}
            Err(diagnostic) => wrong.push(diagnostic),
        }
    }
    if wrong.is_empty() { Ok(planned) } else { Err(wrong) }
}

/// The parts of a text that are events, with where they start: without comments and empty lines.
fn statements(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let (mut start, mut quoted, mut comment, mut escaped) = (0, false, None, false);
    for (at, c) in text.char_indices().chain([(text.len(), '\n')]) {
        let ends = c == '\n' || (c == ';' && !quoted && comment.is_none());
        if ends {
            let whole = &text[start..comment.unwrap_or(at)];
            let inner = whole.trim();
            if !inner.is_empty() {
                found.push((start + whole.len() - whole.trim_start().len(), inner));
            }
            (start, quoted, comment) = ((at + 1).min(text.len()), false, None);
        } else if comment.is_none() {
            match c {
                '"' if !escaped => quoted = !quoted,
                '%' | '#' if !quoted && text[start..at].trim().is_empty() => comment = Some(at),
                _ => {}
            }
        }
        escaped = c == '\\' && !escaped;
    }
    found
}

/// Whether no node is on two sides.
#[must_use]
pub fn are_apart(sides: &[Nodes]) -> bool {
    let mut named: Vec<usize> = sides.iter().flat_map(Nodes::list).collect();
    named.sort_unstable();
    let twice = named.windows(2).any(|pair| pair[0] == pair[1]);
    !twice && sides.iter().filter(|side| **side == Nodes::Rest).count() <= 1
}

fn span(file: FileId, start: usize, text: &str) -> Span {
    let clip = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { file, start: clip(start), end: clip(start + text.len()) }
}

/// One event, read word by word.
struct Line<'a> {
    file: FileId,
    start: usize,
    text: &'a str,
    at: usize,
}

impl<'a> Line<'a> {
    /// The next word; empty at the end.
    fn word(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let skipped = rest.len() - rest.trim_start().len();
        let word = rest.split_whitespace().next().unwrap_or("");
        self.at += skipped + word.len();
        word
    }

    fn rest(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        self.at = self.text.len();
        rest.trim()
    }

    /// What is wrong with a part of the line.
    fn wrong(&self, part: &str, title: impl Into<String>, action: &str) -> Diagnostic {
        // Parts are slices of the line: their addresses say where in it they are.
        let at = part.as_ptr().addr().checked_sub(self.text.as_ptr().addr());
        let inside = at.filter(|at| !part.is_empty() && self.text.get(*at..at + part.len()) == Some(part));
        let (start, shown) = inside.map_or((self.start, self.text), |at| (self.start + at, part));
        let diagnostic = Diagnostic::error("E0710", title).at(span(self.file, start, shown), "");
        match USAGE.iter().find(|(name, _)| *name == action) {
            Some((_, usage)) => diagnostic.help(format!("it is written like this: `{usage}`")),
            None => diagnostic.help("an event is written like this: `at 4s crash 2`, or `from 2s to 8s loss 20%`"),
        }
    }

    fn time(&mut self, after: &str) -> Result<u64, Diagnostic> {
        let word = self.word();
        if word.is_empty() {
            return Err(self.wrong("", format!("a time is missing after `{after}`"), ""));
        }
        time_ms(word).map_err(|why| self.wrong(word, why, ""))
    }

    fn read(mut self, planned: &mut Vec<Planned>) -> Result<(), Diagnostic> {
        let (at_ms, to_ms) = match self.word() {
            "at" => (self.time("at")?, None),
            "from" => {
                let from = self.time("from")?;
                let to = self.word();
                if to != "to" {
                    return Err(self.wrong(to, "`to` and a time are missing after `from` and a time", ""));
                }
                let to_ms = self.time("to")?;
                if to_ms <= from {
                    return Err(self.wrong("", "it ends before it begins", ""));
                }
                (from, Some(to_ms))
            }
            other => return Err(self.wrong(other, "an event begins with `at` or `from`", "")),
        };
        let name = self.word();
        let known: Vec<&str> = USAGE.iter().map(|(name, _)| *name).collect();
        if !known.contains(&name) {
            let title = if name.is_empty() { "nothing happens here" } else { "this is nothing that can happen" };
            return Err(self.wrong(name, title, "").help(format!("there are {}", known.join(", "))));
        }
        let rest = self.rest();
        let action = self.action(name, rest, at_ms, to_ms)?;
        let after = match (&action, to_ms) {
            (Action::Loss(_), Some(_)) => Some(Action::Loss(0)),
            (Action::Duplicate(_), Some(_)) => Some(Action::Duplicate(0)),
            (Action::Cut(_), _) | (_, None) => None,
            _ => {
                let title = format!("`{name}` happens `at` a time, not `from` one `to` another");
                return Err(self.wrong(self.text.get(..4).unwrap_or_default(), title, name));
            }
        };
        planned.push(Planned { at_ms, action });
        planned.extend(after.zip(to_ms).map(|(action, at_ms)| Planned { at_ms, action }));
        Ok(())
    }

    fn action(&self, name: &str, rest: &str, from_ms: u64, to_ms: Option<u64>) -> Result<Action, Diagnostic> {
        Ok(match name {
            "partition" => {
                let sides = self.sides(rest, "|", name)?;
                Action::Cut(Cut { sides, one_way: false, every_ms: None, from_ms, to_ms })
            }
            "one-way" => {
                let sides = self.sides(rest, "->", name)?;
                Action::Cut(Cut { sides, one_way: true, every_ms: None, from_ms, to_ms })
            }
            "flap" => {
                let (sides, every) =
                    rest.split_once("every").ok_or_else(|| self.wrong(rest, "`every` and a time are missing", name))?;
                let every_ms = time_ms(every).map_err(|why| self.wrong(every.trim(), why, name))?;
                if every_ms == 0 {
                    return Err(self.wrong(every.trim(), "it has to stay as it is for a while", name));
                }
                let sides = self.sides(sides, "|", name)?;
                Action::Cut(Cut { sides, one_way: false, every_ms: Some(every_ms), from_ms, to_ms })
            }
            "heal" if rest.is_empty() => Action::Heal,
            "crash" => Action::Crash(self.nodes(rest, name)?),
            "restart" => {
                let (nodes, data) = match rest.split_once("with") {
                    Some((nodes, data)) if data.trim() == "data" => (nodes, true),
                    Some((_, data)) => {
                        return Err(self.wrong(data.trim(), "a node restarts `with data` or without", name));
                    }
                    None => (rest, false),
                };
                Action::Restart { nodes: self.nodes(nodes, name)?, data }
            }
            "join" => Action::Join(self.nodes(rest, name)?),
            "leave" => Action::Leave(self.nodes(rest, name)?),
            "type" => self.typed(rest)?,
            "loss" => Action::Loss(share(rest).map_err(|why| self.wrong(rest, why, name))?),
            "duplicate" => Action::Duplicate(share(rest).map_err(|why| self.wrong(rest, why, name))?),
            "delay" => {
                let (least, most) = range_ms(rest).map_err(|why| self.wrong(rest, why, name))?;
                Action::Delay(least, most)
            }
            "clock" => self.clock(rest)?,
            _ => return Err(self.wrong(rest, "this is one thing too many", name)),
        })
    }

    fn nodes(&self, text: &str, action: &str) -> Result<Nodes, Diagnostic> {
        let nodes = Nodes::read(text).filter(|nodes| *nodes != Nodes::Rest);
        nodes.ok_or_else(|| {
            self.wrong(text.trim(), "nodes are told by their numbers, such as `0`, `0,2` or `3..9`", action)
        })
    }

    fn sides(&self, text: &str, between: &str, action: &str) -> Result<Vec<Nodes>, Diagnostic> {
        let sides = text.split(between).map(|side| {
            Nodes::read(side).ok_or_else(|| {
                self.wrong(
                    side.trim(),
                    "a side is some nodes by their numbers, such as `0,2` or `3..9`, or `rest`",
                    action,
                )
            })
        });
        let sides = sides.collect::<Result<Vec<Nodes>, Diagnostic>>()?;
        if sides.len() < 2 || (action == "one-way" && sides.len() > 2) {
            return Err(self.wrong(text.trim(), "there are two sides at least, and one way has two", action));
        }
        if !are_apart(&sides) {
            return Err(self.wrong(text.trim(), "a node is on one side only", action));
        }
        Ok(sides)
    }

    fn typed(&self, rest: &str) -> Result<Action, Diagnostic> {
        let missing = || self.wrong(rest, "the line to type is missing, in quotation marks", "type");
        let (nodes, text) = rest.split_once('"').ok_or_else(missing)?;
        let text = text.strip_suffix('"').ok_or_else(missing)?;
        Ok(Action::Type { nodes: self.nodes(nodes, "type")?, text: text.replace("\\\"", "\"").replace("\\\\", "\\") })
    }

    fn clock(&self, rest: &str) -> Result<Action, Diagnostic> {
        let wrong = || self.wrong(rest, "a clock jumps by a time with `+` or `-`", "clock");
        let at = rest.find(['+', '-']).ok_or_else(wrong)?;
        let by = time_ms(&rest[at + 1..]).map_err(|why| self.wrong(&rest[at..], why, "clock"))?;
        let by = i64::try_from(by).map_err(|_| wrong())?;
        let by_ms = if rest[at..].starts_with('-') { -by } else { by };
        Ok(Action::Clock { nodes: self.nodes(&rest[..at], "clock")?, by_ms })
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Action::Cut(cut) = &self.action {
            return show_cut(cut, f);
        }
        write!(f, "at {} ", show_ms(self.at_ms))?;
        match &self.action {
            Action::Cut(_) => Ok(()),
            Action::Heal => f.write_str("heal"),
            Action::Crash(nodes) => write!(f, "crash {nodes}"),
            Action::Restart { nodes, data } => write!(f, "restart {nodes}{}", if *data { " with data" } else { "" }),
            Action::Join(nodes) => write!(f, "join {nodes}"),
            Action::Leave(nodes) => write!(f, "leave {nodes}"),
            Action::Type { nodes, text } => {
                write!(f, "type {nodes} \"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
            }
            Action::Loss(millionths) => write!(f, "loss {}", show_share(*millionths)),
            Action::Duplicate(millionths) => write!(f, "duplicate {}", show_share(*millionths)),
            Action::Delay(least, most) => write!(f, "delay {}", show_range((*least, *most))),
            Action::Clock { nodes, by_ms } => {
                let sign = if *by_ms < 0 { '-' } else { '+' };
                write!(f, "clock {nodes} {sign}{}", show_ms(by_ms.unsigned_abs()))
            }
        }
    }
}

fn show_cut(cut: &Cut, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match cut.to_ms {
        Some(to) => write!(f, "from {} to {} ", show_ms(cut.from_ms), show_ms(to))?,
        None => write!(f, "at {} ", show_ms(cut.from_ms))?,
    }
    let sides: Vec<String> = cut.sides.iter().map(ToString::to_string).collect();
    match cut.every_ms {
        _ if cut.one_way => write!(f, "one-way {}", sides.join(" -> ")),
        Some(every) => write!(f, "flap {} every {}", sides.join(" | "), show_ms(every)),
        None => write!(f, "partition {}", sides.join(" | ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_alone(text: &str) -> Result<Vec<Planned>, Vec<Diagnostic>> {
        read(FileId(0), text)
    }

    #[test]
    fn a_script_reads_back_as_it_is_written() {
        let lines = [
            "at 2s partition 0,1 | 2..4",
            "from 2s to 8s partition 0 | rest",
            "at 3s one-way 0 -> 1",
            "from 2s to 8s flap 0,1 | 2 every 500ms",
            "at 8s heal",
            "at 4s crash 2",
            "at 5s restart 2 with data",
            "at 5s restart 2,3",
            "at 6s join 3",
            "at 7s leave 1",
            "at 1s type 0 \"update(S, {add, \\\"a;b%\\\"})\"",
            "at 1s loss 20%",
            "at 1s duplicate 0.5%",
            "at 1500ms delay 5ms..2s",
            "at 1s clock 2 -500ms",
        ];
        let planned = read_alone(&lines.join("\n")).expect("all of it is understood");
        let shown: Vec<String> = planned.iter().map(ToString::to_string).collect();
        assert_eq!(shown, lines);
        assert_eq!(read_alone(&lines.join("; ")), Ok(planned));
    }

    #[test]
    fn comments_and_empty_lines_are_passed_over_and_spans_of_time_end() {
        let planned = read_alone("% nothing\n\n  # nothing\nfrom 1s to 2s loss 5%").expect("it is understood");
        let shown: Vec<String> = planned.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["at 1s loss 5%", "at 2s loss 0%"]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let cases = [
            ("crash 2", "crash"),
            ("at 4x crash 2", "4x"),
            ("at 4s crush 2", "crush"),
            ("at 4s crash two", "two"),
            ("at 4s partition 0", "0"),
            ("at 4s partition 0 | 0,1", "0 | 0,1"),
            ("at 4s restart 1 with care", "care"),
            ("at 4s type 0 update(S)", "0 update(S)"),
            ("at 4s loss 120%", "120%"),
            ("from 2s to 3s crash 1", "from"),
            ("at 4s flap 0 | 1", "0 | 1"),
            ("at 4s heal 3", "3"),
            ("at 4s crash 99999999", "99999999"),
        ];
        for (text, place) in cases {
            let told = read_alone(&format!("at 1s heal\n{text}")).expect_err(text);
            assert_eq!(told.len(), 1, "{text}");
            let span = told[0].labels[0].span;
            let whole = format!("at 1s heal\n{text}");
            assert_eq!(&whole[span.start as usize..span.end as usize], place, "{text}");
        }
        assert_eq!(read_alone("nothing\nat all").expect_err("both").len(), 2);
    }
}
