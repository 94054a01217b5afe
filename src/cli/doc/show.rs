//! Documentation as text, as Markdown and as JSON.

use std::fmt::Write;

use crate::cli::doc::collect::Entry;
use crate::cli::doc::collect::Kind;
use crate::cli::doc::collect::Part;
use crate::cli::doc::collect::apart;
use crate::cli::doc::collect::split;
use crate::cli::json::Line;

/// The width of text for terminals.
const WIDTH: usize = 96;

/// Names, by what they are.
pub(super) fn overview(all: &[Entry]) -> String {
    let mut text = String::from(
        "`lasp doc NAME` tells more of each: `lasp doc set`, `lasp doc update`, `lasp doc lists:map/2`.\n",
    );
    let groups = [("Types", Kind::Type), ("Verbs", Kind::Verb), ("Functions", Kind::Function)];
    for (heading, kind) in groups {
        let of_kind =
            all.iter().filter(|entry| entry.kind == kind && (kind != Kind::Function || entry.module.is_none()));
        let names =
            of_kind.map(|entry| entry.title().rsplit_once('/').map_or(entry.title(), |(name, _)| name.to_owned()));
        let _ = write!(text, "\n{heading}\n{}", wrapped(&distinct(names).join(", "), 2));
    }
    text.push_str("\nModules\n");
    for module in
        distinct(all.iter().filter(|entry| entry.kind == Kind::Function).filter_map(|entry| entry.module.clone()))
    {
        let of_module =
            all.iter().filter(|entry| entry.module.as_ref() == Some(&module) && entry.kind == Kind::Function);
        let names = distinct(of_module.map(|entry| entry.name.clone())).join(", ");
        let _ = write!(text, "{}", wrapped(&format!("{module}: {names}"), 2));
    }
    text
}

/// Each once, in order.
fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// Entries in full.
pub(super) fn text(entries: &[&Entry], also: &[String]) -> String {
    let mut text = entries.iter().map(|entry| one(entry)).collect::<Vec<String>>().join("\n");
    if !also.is_empty() {
        let _ = writeln!(text, "\nSee also: {}", also.join(", "));
    }
    text
}

fn one(entry: &Entry) -> String {
    let title = match entry.kind {
        Kind::Type => format!("{} (a type): {}", entry.name, entry.signature),
        _ => entry.signature.clone(),
    };
    let mut text = format!("{title}\n");
    if !entry.parts.is_empty() {
        for (at, part) in entry.parts.iter().enumerate() {
            match part {
                Part::Text(written) => {
                    text.push_str(if at > 0 { "\n" } else { "" });
                    text.push_str(&paragraphs(written, 2));
                }
                Part::Example(code) => text.push_str(&example(code)),
            }
        }
        return text;
    }
    if !entry.text.is_empty() {
        text.push_str(&paragraphs(&entry.text, 2));
    }
    for (heading, facts) in &entry.facts {
        let facts: Vec<String> = facts.iter().map(|fact| fact.replace('`', "")).collect();
        text.push_str(&wrapped(&format!("{heading}: {}", facts.join("; ")), 2));
    }
    entry.examples.iter().for_each(|code| text.push_str(&example(code)));
    text
}

/// An example behind a text.
fn example(code: &str) -> String {
    code.lines().fold("\n".to_owned(), |mut text, line| {
        let _ = writeln!(text, "      {line}");
        text
    })
}

/// A module: a line for each function.
pub(super) fn module(name: &str, entries: &[&Entry]) -> String {
    let mut text = format!("{name}\n");
    let width =
        entries.iter().map(|entry| entry.signature.chars().count()).filter(|width| *width <= 44).max().unwrap_or(0);
    for entry in entries {
        let _ = writeln!(text, "  {:width$}  {}", entry.signature, entry.summary());
    }
    let _ = writeln!(
        text,
        "\n`lasp doc {}` tells more of one.",
        entries.first().map_or(String::new(), |entry| entry.title())
    );
    text
}

/// Paragraphs within the width, indented; blocks and lists stay as they are.
fn paragraphs(text: &str, indent: usize) -> String {
    let mut out = String::new();
    for (at, paragraph) in text.split("\n\n").enumerate() {
        if at > 0 {
            out.push('\n');
        }
        let kept = paragraph.lines().any(|line| line.starts_with([' ', '-', '|', '`', '*']));
        if kept {
            for line in paragraph.lines() {
                let _ = writeln!(out, "{:indent$}{line}", "");
            }
        } else {
            out.push_str(&wrapped(&paragraph.split_whitespace().collect::<Vec<_>>().join(" "), indent));
        }
    }
    out
}

/// Words within the width, indented, and more so after the first line.
fn wrapped(words: &str, indent: usize) -> String {
    let (mut out, mut line) = (String::new(), " ".repeat(indent));
    for word in words.split(' ') {
        let blank = line.trim().is_empty();
        if !blank && line.chars().count() + word.chars().count() + 1 > WIDTH {
            let _ = writeln!(out, "{line}");
            line = " ".repeat(indent);
        } else if !blank {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(out, "{line}");
    out
}

/// All that comes with the language, as one page.
pub(super) fn reference(all: &[Entry]) -> String {
    let mut text = String::from(
        "# Types, verbs and functions\n\nMade by `lasp doc --format markdown` from the tables that the checker and the machine use. \
Every example is tested: `lasp test` runs the blocks.\n",
    );
    let of = |wanted: &dyn Fn(&Entry) -> bool| all.iter().filter(|entry| wanted(entry)).collect::<Vec<&Entry>>();
    let sections: [(&str, Vec<&Entry>); 3] = [
        ("Types", of(&|entry| entry.kind == Kind::Type)),
        ("Verbs", of(&|entry| entry.kind == Kind::Verb)),
        ("Functions without a module", of(&|entry| entry.kind == Kind::Function && entry.module.is_none())),
    ];
    for (heading, entries) in sections {
        let _ = write!(text, "\n## {heading}\n\n{}", markdown(&entries, 3));
    }
    for module in
        distinct(all.iter().filter(|entry| entry.kind == Kind::Function).filter_map(|entry| entry.module.clone()))
    {
        let entries = of(&|entry| entry.kind == Kind::Function && entry.module.as_ref() == Some(&module));
        let _ = write!(text, "\n## The module `{module}`\n\n{}", markdown(&entries, 3));
    }
    text
}

/// Entries with headings of this level.
pub(super) fn markdown(entries: &[&Entry], level: usize) -> String {
    entries.iter().map(|entry| markdown_of(entry, level)).collect::<Vec<String>>().join("\n")
}

fn markdown_of(entry: &Entry, level: usize) -> String {
    let signs = "#".repeat(level);
    let mut text = match entry.kind {
        Kind::Type => format!("{signs} `{}`\n\n`{}`\n", entry.name, entry.signature),
        _ => format!("{signs} `{}`\n\n`{}`\n", entry.title(), entry.signature),
    };
    if !entry.parts.is_empty() {
        for part in &entry.parts {
            let _ = match part {
                Part::Text(written) => write!(text, "\n{written}\n"),
                Part::Example(code) => write!(text, "\n```lasp\n{}\n```\n", code.trim_end()),
            };
        }
        return text;
    }
    if !entry.text.is_empty() {
        let _ = write!(text, "\n{}\n", entry.text);
    }
    if !entry.facts.is_empty() {
        text.push('\n');
    }
    for (heading, facts) in &entry.facts {
        let _ = writeln!(text, "- {heading}: {}", facts.join("; "));
    }
    for example in &entry.examples {
        let _ = write!(text, "\n```lasp\n{}\n```\n", example.trim_end());
    }
    text
}

/// A program's documentation for the terminal.
pub(super) fn text_of_program(intro: &str, entries: &[Entry]) -> String {
    let mut text = String::new();
    if !intro.is_empty() {
        text.push_str(&paragraphs(intro, 0));
        text.push('\n');
    }
    text + &self::text(&entries.iter().collect::<Vec<_>>(), &[])
}

/// The same as Markdown. Blocks see the program only when it is tested itself, so they are marked as not to be run.
pub(super) fn markdown_of_program(title: &str, intro: &str, entries: &[Entry]) -> String {
    let mut text = format!("# {title}\n");
    if !intro.is_empty() {
        let _ = write!(text, "\n{intro}\n");
    }
    let entries = markdown(&entries.iter().collect::<Vec<_>>(), 2).replace("\n```lasp\n", "\n```lasp ignore\n");
    let _ = write!(text, "\n{entries}");
    text
}

/// An object a line: the program's own text first, if it has one.
pub(super) fn json_of_program(title: &str, intro: &str, entries: &[&Entry]) -> String {
    let (text, examples) = apart(&split(intro));
    let own = Line::new("doc").text("kind", "program").text("title", title).text("name", title).text("text", &text);
    let own = own.texts("examples", &examples).end();
    let own = if intro.is_empty() { String::new() } else { own + "\n" };
    own + &json(entries)
}

/// An object a line.
pub(super) fn json(entries: &[&Entry]) -> String {
    let mut text = String::new();
    for entry in entries {
        let mut line = Line::new("doc").text("kind", entry.kind.word()).text("title", &entry.title());
        line = line.maybe("module", entry.module.as_deref()).text("name", &entry.name);
        if let Some(arity) = entry.arity {
            line = line.number("arity", u64::from(arity));
        }
        line = line.text("signature", &entry.signature).text("text", &entry.text).texts("examples", &entry.examples);
        for (heading, facts) in &entry.facts {
            line = line.texts(&heading.to_lowercase().replace(' ', "_"), facts);
        }
        text.push_str(&line.end());
        text.push('\n');
    }
    text
}
