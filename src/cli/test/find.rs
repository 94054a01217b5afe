//! Which tests there are: files, `*_test()` functions, doctests in `%%` comments and in Markdown.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::cli::test::example::Example;
use crate::source::span::FileId;
use crate::syntax::parse;
use crate::syntax::tree::FormNode;
use crate::syntax::tree::Node;
use crate::syntax::tree::Tree;

/// How deep folders are searched.
const FOLDERS_DEEP_MAX: usize = 64;

/// One test.
#[derive(Clone, Debug)]
pub(super) struct Test {
    /// As it is shown: `double_test/0`, `example at line 3`.
    pub(super) name: String,
    /// Where it begins in its file, from 1.
    pub(super) line: u32,
    pub(super) kind: Kind,
}

/// What a test is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// A function without arguments whose name ends in `_test`.
    Function(String),
    /// A function whose name ends in `_test`, and that takes arguments.
    Parameters,
    /// A block of a comment or of Markdown.
    Example(Example),
}

/// The files that are meant: those that are named, and in folders all `*.lasp` and `*.md`, sorted.
pub(super) fn files(paths: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            let mut inside = Vec::new();
            search(path, FOLDERS_DEEP_MAX, &mut inside)?;
            inside.sort();
            found.extend(inside);
        } else {
            found.push(path.clone());
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|path| seen.insert(path.clone()));
    Ok(found)
}

/// Hidden folders and what builds leave behind are left out.
fn search(folder: &Path, deep: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if entry.file_type()?.is_dir() {
            if deep > 0 && !name.starts_with('.') && name != "target" && name != "node_modules" {
                search(&path, deep - 1, found)?;
            }
        } else if is_program(&path) || is_markdown(&path) {
            found.push(if folder == Path::new(".") { PathBuf::from(&*name) } else { path });
        }
    }
    Ok(())
}

fn is_program(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "lasp")
}

/// Whether the file is Markdown, whose blocks are programs of their own.
pub(super) fn is_markdown(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "md" || end == "markdown")
}

/// The tests of a program: its functions and the examples in its comments, in order of the text.
pub(super) fn in_program(text: &str) -> Vec<Test> {
    let tree = parse(FileId::default(), text).tree;
    let heads = heads(&tree);
    let mut tests: Vec<Test> = heads
        .iter()
        .filter(|head| head.arity == 0 && head.name.ends_with("_test"))
        .map(|head| Test { name: format!("{}/0", head.name), line: head.line, kind: Kind::Function(head.name.clone()) })
        .collect();
    let none = |name: &str| heads.iter().all(|head| head.arity > 0 || head.name != name);
    let parameters = heads.iter().filter(|head| head.arity > 0 && head.name.ends_with("_test") && none(&head.name));
    tests.extend(parameters.map(|head| {
        let name = format!("{}/{}", head.name, head.arity);
        Test { name, line: head.line, kind: Kind::Parameters }
    }));
    tests.extend(blocks(text, Place::Comments).into_iter().map(|example| {
        // The comment ends on the line above the function that it documents.
        let last = text.lines().skip(example.line as usize).take_while(|line| line.starts_with("%%")).count();
        let below = example.line + u32::try_from(last).unwrap_or(u32::MAX / 2) + 1;
        let of = heads.iter().find(|head| head.line == below);
        let of = of.map(|head| format!(" of {}/{}", head.name, head.arity)).unwrap_or_default();
        Test { name: format!("example{of} at line {}", example.line), line: example.line, kind: Kind::Example(example) }
    }));
    tests.sort_by_key(|test| test.line);
    tests
}

/// The tests of a Markdown file.
pub(super) fn in_markdown(text: &str) -> Vec<Test> {
    let test = |example: Example| Test {
        name: format!("example at line {}", example.line),
        line: example.line,
        kind: Kind::Example(example),
    };
    blocks(text, Place::Markdown).into_iter().map(test).collect()
}

struct Head {
    name: String,
    arity: usize,
    line: u32,
}

/// The functions that a text defines.
fn heads(tree: &Tree) -> Vec<Head> {
    let mut found: Vec<Head> = Vec::new();
    for form in &tree.forms {
        let FormNode::Function(clauses, _) = &form.node else { continue };
        let head = clauses.first().and_then(|clause| tree.clause(*clause).patterns.first());
        let Some(Node::Call(name, arguments)) = head.map(|head| tree.node(*head)) else { continue };
        let before = tree.text().get(..form.range.0 as usize).unwrap_or("");
        let line = u32::try_from(before.matches('\n').count()).unwrap_or(u32::MAX - 1) + 1;
        let head = Head { name: tree.name(*name).into_owned(), arity: arguments.len(), line };
        if !found.iter().any(|known| known.name == head.name && known.arity == head.arity) {
            found.push(head);
        }
    }
    found
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Comments,
    Markdown,
}

/// The fenced blocks whose language is `lasp`.
fn blocks(text: &str, place: Place) -> Vec<Example> {
    let mut found = Vec::new();
    let mut open: Option<Fence> = None;
    for (at, whole) in (1..).zip(text.lines()) {
        let line = match place {
            Place::Markdown => Some(whole.to_owned()),
            Place::Comments => comment(whole),
        };
        let Some(line) = line else {
            // A comment has ended, and its block with it.
            found.extend(open.take().and_then(|fence| fence.example(text)));
            continue;
        };
        match &mut open {
            None => open = Fence::open(&line, at),
            Some(fence) if fence.closed_by(&line) => found.extend(open.take().and_then(|fence| fence.example(text))),
            Some(fence) => fence.lines.push((at, line)),
        }
    }
    found.extend(open.and_then(|fence| fence.example(text)));
    found
}

/// The line of a `%%` comment with spaces in place of the signs, so that columns stay.
fn comment(line: &str) -> Option<String> {
    let rest = line.strip_prefix("%%")?.trim_start_matches('%');
    Some(" ".repeat(line.len() - rest.len()) + rest)
}

/// A block while it is read.
struct Fence {
    sign: char,
    count: usize,
    /// What stands behind the signs.
    information: String,
    line: u32,
    lines: Vec<(u32, String)>,
}

impl Fence {
    fn open(line: &str, at: u32) -> Option<Fence> {
        let line = line.trim();
        let sign = line.chars().next().filter(|sign| matches!(sign, '`' | '~'))?;
        let count = line.chars().take_while(|c| *c == sign).count();
        let information = line.get(count..).unwrap_or("").trim().to_owned();
        let fence = count >= 3 && !information.contains('`');
        fence.then(|| Fence { sign, count, information, line: at, lines: Vec::new() })
    }

    fn closed_by(&self, line: &str) -> bool {
        let line = line.trim();
        line.chars().count() >= self.count && line.chars().all(|c| c == self.sign)
    }

    fn example(self, text: &str) -> Option<Example> {
        let mut words = self.information.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
        if words.next() != Some("lasp") {
            return None;
        }
        let ignored = words.any(|word| word == "ignore");
        // All else is blank, so that places are those of the file.
        let mut lines = vec![String::new(); text.lines().count()];
        for (at, line) in self.lines {
            if let Some(slot) = lines.get_mut(at as usize - 1) {
                *slot = line;
            }
        }
        let end = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
        lines.truncate(end);
        Some(Example::read(&lines.join("\n"), self.line, ignored))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(tests: &[Test]) -> Vec<&str> {
        tests.iter().map(|test| test.name.as_str()).collect()
    }

    #[test]
    fn functions_and_examples_are_found_in_order() {
        let text = "%% A program.\n%%\n%% ```lasp\n%% 1 == 1\n%% ```\n\nf(X) -> X.\nf_test() -> ok.\nf_test(X) -> X.\n\
                    %% Adds.\n%% ```lasp\n%% g(1) == 2\n%% ```\ng(X) -> X + 1.\n";
        let tests = in_program(text);
        assert_eq!(names(&tests), ["example at line 3", "f_test/0", "example of g/1 at line 11"]);
        assert_eq!(names(&in_program("j_test(X) -> X.\n")), ["j_test/1"]);
    }

    #[test]
    fn markdown_has_blocks_of_many_kinds() {
        let text = "# A\n```lasp\nX = 1.\n```\n\n- in a list\n  ~~~lasp ignore\n  oh no\n  ~~~\n```\nlasp\n```\n```erlang\n```\n\
                    ````lasp\n```\n````\n```lasp\nY = 2.";
        let tests = in_markdown(text);
        assert_eq!(names(&tests), [2, 7, 15, 18].map(|line| format!("example at line {line}")));
        let Kind::Example(second) = &tests[1].kind else { panic!("an example") };
        assert!(second.ignored);
    }

    #[test]
    fn places_are_those_of_the_file() {
        let tests = in_program("X = 1.\n%% ```lasp\n%% f(2)\n%% ```\nf(X) -> X.\n");
        let Kind::Example(example) = &tests[0].kind else { panic!("an example") };
        assert_eq!(example.text, "\n\n   f(2)");
    }
}
