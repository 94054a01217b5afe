//! The texts that a program is made of, so that a span can be shown.

use crate::source::span::{FileId, Span};

/// All texts seen so far: programs, library modules, lines typed at the prompt.
#[derive(Clone, Debug, Default)]
pub struct Files {
    files: Vec<File>,
}

#[derive(Clone, Debug)]
struct File {
    name: String,
    text: String,
    /// Where each line starts.
    lines: Vec<u32>,
}

/// A place as people count: both from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
}

impl Files {
    /// Takes a text in under the name that messages show.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let text = text.into();
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| clip(at + 1));
        let lines = std::iter::once(0).chain(starts).collect();
        self.files.push(File { name: name.into(), text, lines });
        FileId(clip(self.files.len() - 1))
    }

    /// The name of a text.
    #[must_use]
    pub fn name(&self, file: FileId) -> &str {
        self.files.get(file.0 as usize).map_or("?", |file| &file.name)
    }

    /// A text.
    #[must_use]
    pub fn text(&self, file: FileId) -> &str {
        self.files.get(file.0 as usize).map_or("", |file| &file.text)
    }

    /// What stands at `span`; empty where it lies outside its text.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text(span.file).get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// The line in which `span` starts, without its end.
    #[must_use]
    pub fn line(&self, span: Span) -> &str {
        let Some(file) = self.files.get(span.file.0 as usize) else { return "" };
        let next = file.lines.partition_point(|start| *start <= span.start);
        let start = file.lines.get(next.saturating_sub(1)).map_or(0, |start| *start as usize);
        let end = file.lines.get(next).map_or(file.text.len(), |end| *end as usize - 1);
        let line = file.text.get(start..end).unwrap_or("");
        line.strip_suffix('\r').unwrap_or(line)
    }

    /// Where `span` starts.
    #[must_use]
    pub fn place(&self, span: Span) -> Place {
        let Some(file) = self.files.get(span.file.0 as usize) else { return Place { line: 1, column: 1 } };
        let line = file.lines.partition_point(|start| *start <= span.start).saturating_sub(1);
        let before = file.text.get(file.lines[line] as usize..span.start as usize).unwrap_or("");
        Place { line: clip(line + 1), column: clip(before.chars().count() + 1) }
    }
}

/// Texts beyond four gigabytes are refused before they come here.
fn clip(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
