//! README.md and the pages in docs/ are true: their programs run, and their commands print what they show.
//!
//! Every `lasp` block is an example as `lasp test` knows it.
//! A `lasp` block under a comment `<!-- file: votes.lasp -->` is that file. In a `console` block each `$ ` line is a command, run
//! where those files and `examples/` are; the lines after it are what one sees. All of standard output must be shown; of
//! standard error only what is shown must be there. `[..]` stands for anything on a line.

#![expect(clippy::disallowed_methods, reason = "a test reads and writes files")]

mod support;

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use support::files;
use support::lasp;
use support::root;
use support::run;
use support::shown;
use support::text;

/// A fenced block: its language, the comment line before it, its lines.
struct Block {
    language: String,
    before: String,
    lines: Vec<String>,
}

/// A command and what README.md shows of it.
struct Shown {
    command: String,
    output: Vec<String>,
}

fn blocks(readme: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    let mut before = String::new();
    for line in readme.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => {
                open = Some(Block {
                    language: language.to_owned(),
                    before: std::mem::take(&mut before),
                    lines: Vec::new(),
                });
            }
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(block), None) => block.lines.push(line.to_owned()),
            (None, None) => {
                if !line.trim().is_empty() {
                    line.clone_into(&mut before);
                }
            }
        }
    }
    found
}

fn commands(block: &Block) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    for line in &block.lines {
        match line.strip_prefix("$ ") {
            Some(command) => found.push(Shown { command: command.to_owned(), output: Vec::new() }),
            None => {
                if let Some(last) = found.last_mut() {
                    last.output.push(line.clone());
                }
            }
        }
    }
    found
}

/// Whether `line` is `pattern`, in which `[..]` stands for anything.
fn fits(pattern: &str, line: &str) -> bool {
    let mut pieces = pattern.trim_end().split("[..]");
    let Some(mut rest) = pieces.next().and_then(|first| line.trim_end().strip_prefix(first)) else { return false };
    let mut open = false;
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = if piece.is_empty() { "" } else { &rest[at + piece.len()..] };
        open = true;
    }
    rest.is_empty() || (open && pattern.ends_with("[..]"))
}

/// Splits a command as a shell does, single quotes included.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in command.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().expect("there is always a word").push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Runs a command in `folder`, and tells what differs from what is shown.
fn differences(shown: &Shown, folder: &Path) -> Option<String> {
    let words = words(shown.command.strip_prefix("cargo run --release -- ").map_or(&shown.command, |rest| rest));
    let arguments = if words.first().is_some_and(|word| word == "lasp") { &words[1..] } else { &words[..] };
    let mut command = Command::new(env!("CARGO_BIN_EXE_lasp"));
    command.args(arguments).current_dir(folder);
    let ran = run(command, "");
    let missing: Vec<&String> = shown
        .output
        .iter()
        .filter(|pattern| !ran.stdout.lines().chain(ran.stderr.lines()).any(|line| fits(pattern, line)))
        .collect();
    let unshown: Vec<&str> =
        ran.stdout.lines().filter(|line| !shown.output.iter().any(|pattern| fits(pattern, line))).collect();
    (!missing.is_empty() || !unshown.is_empty()).then(|| {
        format!(
            "$ {}\nshown, but not there: {missing:#?}\nthere, but not shown: {unshown:#?}\n{}{}",
            shown.command, ran.stdout, ran.stderr
        )
    })
}

/// A folder with the files that README.md shows and a copy of the examples.
fn prepared(blocks: &[Block]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder for the test");
    for path in files("examples", &[""]) {
        let to = folder.path().join(path.strip_prefix(root()).expect("it lies in the repository"));
        fs::create_dir_all(to.parent().expect("it lies in a folder")).expect("the folder is made");
        fs::copy(&path, to).expect("the example is copied");
    }
    for block in blocks {
        if let Some(name) = block.before.strip_prefix("<!-- file: ").and_then(|rest| rest.strip_suffix(" -->")) {
            fs::write(folder.path().join(name), block.lines.join("\n") + "\n").expect("the program is written");
        }
    }
    folder
}

#[test]
fn commands_print_what_is_shown() {
    for page in pages() {
        let blocks = blocks(&text(&page));
        let folder = prepared(&blocks);
        let consoles = blocks.iter().filter(|block| block.language == "console");
        let found: Vec<String> =
            consoles.flat_map(commands).filter_map(|shown| differences(&shown, folder.path())).collect();
        assert!(found.is_empty(), "{} shows what is not so:\n{}", shown(&page), found.join("\n"));
    }
}

/// The pages for users.
fn pages() -> Vec<PathBuf> {
    let mut pages = files("docs", &[".md"]);
    pages.extend(files("examples", &[".md"]));
    pages.push(root().join("README.md"));
    pages
}

#[test]
fn every_example_on_every_page_gives_what_it_says() {
    let pages: Vec<String> = pages().iter().map(|page| shown(page)).collect();
    let mut arguments = vec!["test"];
    arguments.extend(pages.iter().map(String::as_str));
    let ran = lasp(&arguments, "");
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn the_page_about_the_library_is_what_the_tables_say() {
    let ran = lasp(&["doc", "--format", "markdown"], "");
    let page = text(&root().join("docs/library.md"));
    assert!(page == ran.stdout, "docs/library.md is old: lasp doc --format markdown > docs/library.md");
}

/// Where the links of a page lead, if not outside or within it.
fn links(page: &str) -> Vec<String> {
    let ends = page.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
    let inner = ends.filter(|link| !link.contains("://") && !link.starts_with('#'));
    inner.map(|link| link.split('#').next().unwrap_or(link).to_owned()).collect()
}

#[test]
fn no_link_leads_nowhere() {
    let mut found = Vec::new();
    for page in pages().into_iter().chain(["ARCHITECTURE.md", "CONTRIBUTING.md"].map(|name| root().join(name))) {
        let folder = page.parent().expect("a page lies in a folder").to_owned();
        let dead = links(&text(&page)).into_iter().filter(|link| !folder.join(link).exists());
        found.extend(dead.map(|link| format!("{}: {link}", shown(&page))));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The anchors of a page's headings, as they are shown on the web.
fn anchors(page: &str) -> Vec<String> {
    let headings = page.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let letter = |c: char| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        c => c.is_alphanumeric().then(|| c.to_ascii_lowercase()),
    };
    headings.map(|heading| heading.chars().filter_map(letter).collect()).collect()
}

#[test]
fn no_link_within_a_page_or_into_another_leads_nowhere() {
    let mut found = Vec::new();
    for page in pages() {
        let (folder, written) = (page.parent().expect("a page lies in a folder").to_owned(), text(&page));
        for link in written.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let Some((file, anchor)) = link.split_once('#').filter(|_| !link.contains("://")) else { continue };
            let there = if file.is_empty() { written.clone() } else { text(&folder.join(file)) };
            if !anchors(&there).iter().any(|known| known == anchor) {
                found.push(format!("{}: {link}", shown(&page)));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_program_is_in_a_file_that_a_command_runs() {
    let blocks = blocks(&text(&root().join("README.md")));
    let run: Vec<String> = blocks
        .iter()
        .filter(|block| block.language == "console")
        .flat_map(commands)
        .map(|shown| shown.command)
        .collect();
    for block in blocks.iter().filter(|block| block.language.starts_with("lasp")) {
        let name = block.before.strip_prefix("<!-- file: ").and_then(|rest| rest.strip_suffix(" -->"));
        assert!(
            name.is_some_and(|name| run.iter().any(|command| command.contains(name))),
            "a program that nothing runs: {:?}",
            block.lines.first()
        );
    }
}

/// Ends a process when the test ends, however it does.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn several_processes_find_each_other_as_shown() {
    let readme = text(&root().join("README.md"));
    let folder = prepared(&blocks(&readme));
    // Three ports that are free now, in place of those that are shown.
    let sockets: Vec<_> = (0..3).map(|_| std::net::UdpSocket::bind("127.0.0.1:0").expect("a port is free")).collect();
    let ports = sockets.iter().map(|socket| socket.local_addr().expect("it has an address").port());
    let lines = readme.lines().map(str::trim).filter(|line| line.starts_with("lasp run votes.lasp --listen"));
    let shown: Vec<String> = lines.map(str::to_owned).collect();
    let shown: Vec<String> = ports.enumerate().fold(shown, |lines, (at, port)| {
        lines.iter().map(|line| line.replace(&format!(":{}", 7001 + at), &format!(":{port}"))).collect()
    });
    drop(sockets);
    let command = |line: &String| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lasp"));
        command.args(&words(line)[1..]).current_dir(folder.path());
        support::private(&mut command);
        command
    };
    let (last, first) = shown.split_last().expect("README.md shows several processes");
    let quiet = || std::process::Stdio::null();
    let _running: Vec<Running> = first
        .iter()
        .map(|line| command(line).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn().expect("it starts"))
        .map(Running)
        .collect();
    let ran = run(command(last), "");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("Voters = [ann, bob, cid]"), "{ran:?}");
}

#[test]
fn the_two_commands_are_those_of_the_tests_and_of_the_main_example() {
    let readme = text(&root().join("README.md"));
    assert!(readme.contains("cargo run --release -- run examples/08_earthquakes.lasp --replicas 3"));
    assert!(readme.lines().any(|line| line.trim() == "cargo test"));
    assert!(text(&root().join(".ci/run")).contains("step cargo test\n"));
}
