//! The house rules of CONTRIBUTING.md that no lint can hold: floors, sizes, words, and that what is documented is tested.

mod support;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use lasp::source::codes;
use lasp::source::codes::Example;
use support::{files, lasp, root, shown, text};

/// What each module folder may import; everything else is up or sideways.
const FLOORS: &[(&str, &[&str])] = &[
    ("lattice", &[]),
    ("overlay", &[]),
    ("source", &[]),
    ("syntax", &["source"]),
    ("value", &["source", "lattice"]),
    ("graph", &["source", "value", "lattice"]),
    ("library", &["value"]),
    ("sql", &["value"]),
    ("check", &["syntax", "sql", "graph", "library", "value", "source"]),
    ("vm", &["library", "value", "source"]),
    ("engine", &["graph", "source", "value", "lattice"]),
    ("replica", &["value", "lattice"]),
    ("effects", &[]),
    ("compile", &["check", "vm", "syntax", "library", "source", "value"]),
    (
        "node",
        &[
            "compile", "check", "vm", "engine", "replica", "effects", "graph", "sql", "library", "syntax", "source",
            "value", "lattice",
        ],
    ),
    ("coordination", &["check", "library", "value", "source"]),
    (
        "sim",
        &[
            "overlay",
            "coordination",
            "node",
            "compile",
            "vm",
            "replica",
            "effects",
            "engine",
            "library",
            "source",
            "value",
            "lattice",
        ],
    ),
    ("net", &["overlay", "node", "compile", "replica", "effects", "source", "value", "lattice"]),
    ("store", &["node", "replica", "effects", "value", "lattice"]),
    (
        "cli",
        &[
            "net",
            "store",
            "sim",
            "coordination",
            "node",
            "compile",
            "check",
            "vm",
            "engine",
            "replica",
            "effects",
            "graph",
            "library",
            "syntax",
            "source",
            "value",
            "lattice",
        ],
    ),
];

/// The most lines that a file may have.
const FILE_LINES_MAX: usize = 600;
/// The most lines that a function may have.
const FUNCTION_LINES_MAX: usize = 70;
/// Words that stand for work not done. In pieces, so that this file does not find itself.
const UNFINISHED: &[&str] = &[
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("db", "g!("),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

/// Fails with all findings, one a line.
#[track_caller]
fn none(findings: &[String], rule: &str) {
    assert!(findings.is_empty(), "{rule}\n  {}\n", findings.join("\n  "));
}

/// The code of a line: without a `//` comment. Good enough for lines that hold paths and braces.
fn code_of(line: &str) -> &str {
    line.split("//").next().unwrap_or(line)
}

#[test]
fn modules_import_only_from_floors_beneath() {
    let allowed: BTreeMap<&str, &[&str]> = FLOORS.iter().copied().collect();
    let mut findings = Vec::new();
    for path in files("src", &[".rs"]) {
        let name = shown(&path);
        let inner = name.trim_start_matches("src/");
        // `lib.rs` is the list of floors and `main.rs` stands on top of them all.
        let Some((module, _)) = inner.split_once('/') else { continue };
        let Some(beneath) = allowed.get(module) else {
            findings.push(format!("{name}: the folder `{module}` has no floor in tests/house.rs"));
            continue;
        };
        for (at, line) in text(&path).lines().enumerate() {
            for rest in code_of(line).split("crate::").skip(1) {
                let target: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if target != module && !beneath.contains(&target.as_str()) {
                    findings.push(format!("{name}:{}: `{module}` may not import `{target}`", at + 1));
                }
            }
        }
    }
    none(&findings, "A module imports only from floors beneath its own.");
}

#[test]
fn every_floor_is_a_module_of_the_library() {
    let library = text(&root().join("src/lib.rs"));
    let findings: Vec<String> = FLOORS
        .iter()
        .filter(|(module, _)| root().join("src").join(module).is_dir())
        .filter(|(module, _)| !library.contains(&format!("mod {module};")))
        .map(|(module, _)| format!("src/{module} is not in src/lib.rs: dead files"))
        .collect();
    none(&findings, "Every folder is reachable.");
}

#[test]
fn imports_are_one_a_line_and_name_what_they_take() {
    let mut findings = Vec::new();
    for path in files("src", &[".rs"]) {
        let mut tests = false;
        for (at, line) in text(&path).lines().enumerate() {
            tests |= line.contains("cfg(test)");
            let line = line.trim_start();
            let place = format!("{}:{}", shown(&path), at + 1);
            if line.starts_with("use crate::{") || line.starts_with("pub use crate::{") {
                findings.push(format!("{place}: one `use crate::module::Name;` a line"));
            }
            if line.starts_with("use super::*")
                && !tests
                && !shown(&path).ends_with("tests.rs")
                && !shown(&path).contains("/tests/")
            {
                findings.push(format!("{place}: `use super::*` outside tests"));
            }
        }
    }
    none(&findings, "A reader sees where each name comes from.");
}

#[test]
fn files_stay_short_enough_to_read() {
    let findings: Vec<String> = files("", &[".rs", ".lalrpop", ".lasp"])
        .iter()
        .map(|path| (text(path).lines().count(), path))
        .filter(|(lines, _)| *lines > FILE_LINES_MAX)
        .map(|(lines, path)| format!("{}: {lines} lines", shown(path)))
        .collect();
    none(&findings, "A file has 600 lines at most.");
}

#[test]
fn functions_fit_on_a_screen() {
    let mut findings = Vec::new();
    for path in files("", &[".rs"]) {
        let whole = text(&path);
        let lines: Vec<&str> = whole.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some(length) = function_length(line, &lines[at..]) else { continue };
            if length > FUNCTION_LINES_MAX {
                findings.push(format!("{}:{}: {length} lines: {}", shown(&path), at + 1, line.trim()));
            }
        }
    }
    none(&findings, "A function has 70 lines at most.");
}

/// How many lines the function that starts on `line` has; rustfmt puts its closing brace at the same indentation.
fn function_length(line: &str, from_here: &[&str]) -> Option<usize> {
    let code = line.trim_start();
    let indent = line.len() - code.len();
    let mut words = code.split_whitespace().map(|word| word.split('(').next().unwrap_or(word));
    let starts = words
        .find(|word| !matches!(*word, "pub" | "const" | "async" | "crate)" | "super)" | "extern"))
        .is_some_and(|word| word == "fn");
    if !starts || code.ends_with('}') || code.ends_with(';') {
        return None;
    }
    let closing = format!("{}}}", " ".repeat(indent));
    from_here.iter().position(|line| *line == closing).map(|at| at + 1)
}

#[test]
fn the_manifest_knows_the_lints_the_golden_programs_and_every_bench() {
    let manifest = text(&root().join("Cargo.toml"));
    let mut findings = Vec::new();
    for section in ["[lints.rust]", "[lints.clippy]", "name = \"golden\"\nharness = false"] {
        if !manifest.contains(section) {
            findings.push(format!("Cargo.toml has no {section:?}"));
        }
    }
    for path in files("benches", &[".rs"]) {
        // One of several files has the name of their folder.
        let shown_path = shown(&path);
        let name = shown_path.trim_start_matches("benches/").trim_end_matches(".rs");
        let name = name.split('/').next().unwrap_or_default();
        if !manifest.contains(&format!("name = \"{name}\"\nharness = false")) {
            findings.push(format!("Cargo.toml does not have {shown_path} as a bench with `harness = false`"));
        }
    }
    none(&findings, "A merge loses nothing.");
}

#[test]
fn nothing_is_left_unfinished() {
    let mut findings = Vec::new();
    for path in files("", &[".rs", ".lalrpop", ".lasp", ".md", ".toml"]) {
        for (at, line) in text(&path).lines().enumerate() {
            for word in UNFINISHED.iter().filter(|word| line.contains(**word)) {
                findings.push(format!("{}:{}: {word}", shown(&path), at + 1));
            }
        }
    }
    none(&findings, "Nothing is left open in the code.");
}

#[test]
fn no_path_of_one_machine_is_written_down() {
    let mut findings = Vec::new();
    let homes: Vec<String> =
        ["work", "tmp", "root", "farm", "home", "Users"].iter().map(|folder| format!("/{folder}/")).collect();
    for path in files("", &[".rs", ".lalrpop", ".lasp", ".md", ".toml", ".csv", ".json", ".trycmd", "justfile", "run"])
    {
        for (at, line) in text(&path).lines().enumerate() {
            for home in &homes {
                let Some(start) = line.find(home.as_str()) else { continue };
                // A path in a home or in a folder is not absolute.
                let before = line[..start].chars().next_back();
                let after = line[start + home.len()..].chars().next();
                let absolute = !before.is_some_and(|c| c.is_alphanumeric() || "~.}$".contains(c));
                if absolute && after.is_some_and(char::is_alphabetic) {
                    findings.push(format!("{}:{}: {}", shown(&path), at + 1, line.trim()));
                }
            }
        }
    }
    none(&findings, "The repository knows no machine.");
}

/// All `"E0123"` in the sources outside the catalogue, with a place for each.
fn codes_in_use() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for path in files("src", &[".rs"]).iter().chain(&files("grammar", &[".lalrpop"])) {
        if shown(path).starts_with("src/source/codes") {
            continue;
        }
        for (at, line) in text(path).lines().enumerate() {
            for piece in code_of(line).split("\"E").skip(1) {
                let digits: String = piece.chars().take_while(char::is_ascii_digit).collect();
                if digits.len() == 4 && piece[4..].starts_with('"') {
                    found.entry(format!("E{digits}")).or_insert_with(|| format!("{}:{}", shown(path), at + 1));
                }
            }
        }
    }
    found
}

#[test]
fn every_code_in_use_is_in_the_catalogue_and_every_code_there_is_in_use() {
    let used = codes_in_use();
    let known: BTreeSet<&str> = codes::all().map(|explanation| explanation.code).collect();
    let mut findings: Vec<String> = used
        .iter()
        .filter(|(code, _)| !known.contains(code.as_str()))
        .map(|(code, place)| format!("{code} at {place} is not in the catalogue"))
        .collect();
    findings
        .extend(known.iter().filter(|code| !used.contains_key(**code)).map(|code| format!("{code} is never given")));
    none(&findings, "`lasp explain` knows every code, and no other.");
}

#[test]
fn codes_are_given_once_and_explained_in_full() {
    let mut seen = BTreeSet::new();
    let mut findings = Vec::new();
    for explanation in codes::all() {
        let code = explanation.code;
        if !seen.insert(code) {
            findings.push(format!("{code} stands twice"));
        }
        if explanation.title.is_empty() || explanation.text.len() < 40 {
            findings.push(format!("{code} has no long form"));
        }
        match explanation.example {
            Example::Program { wrong, right } if wrong.is_empty() || right.is_empty() => {
                findings.push(format!("{code} shows only one of the wrong and the right program"));
            }
            Example::Session(typed) if !typed.starts_with("$ ") => findings.push(format!("{code} types nothing")),
            Example::Test { file, name } if !a_test_gives(file, name, code) => {
                findings.push(format!("{code}: in {file} no test `{name}` has it"));
            }
            _ => {}
        }
    }
    none(&findings, "Each code has one explanation.");
}

/// Whether the file has that test, and the test names the code.
fn a_test_gives(file: &str, name: &str, code: &str) -> bool {
    let path = root().join(file);
    if !path.exists() {
        return false;
    }
    let whole = text(&path);
    let Some((_, body)) = whole.split_once(&format!("fn {name}() {{")) else { return false };
    let body = body.split("#[test]").next().unwrap_or(body);
    let body = body.split("#[tokio::test").next().unwrap_or(body);
    body.contains(&format!("\"{code}\""))
}

/// Whether a run of `program` gives `code`, and all that it said.
fn gives(program: &str, code: &str) -> (bool, String) {
    let ran = lasp(&["run", "-"], program);
    (ran.stderr.contains(code), format!("exit {:?}\n{}\n{}", ran.code, ran.stdout, ran.stderr))
}

#[test]
fn the_wrong_program_of_each_code_gets_it_and_the_right_one_does_not() {
    let mut findings = Vec::new();
    for explanation in codes::all() {
        let Some((wrong, right)) = explanation.programs() else { continue };
        let (given, said) = gives(wrong, explanation.code);
        if !given {
            findings.push(format!("{}: its wrong program does not get it: {said}", explanation.code));
        }
        let ran = lasp(&["run", "-"], right);
        if ran.stderr.contains(explanation.code) || ran.code != Some(0) {
            findings.push(format!("{}: its right program fails: {ran:?}", explanation.code));
        }
    }
    none(&findings, "What `lasp explain` shows is true.");
}

#[test]
fn every_library_function_is_documented() {
    let mut findings = Vec::new();
    for path in files("stdlib", &[".lasp"]) {
        let whole = text(&path);
        let lines: Vec<&str> = whole.lines().collect();
        let mut named = BTreeSet::new();
        for (at, line) in lines.iter().enumerate() {
            let name: String = line.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let head = name.starts_with(char::is_lowercase) && line[name.len()..].starts_with('(');
            // Later clauses have no documentation of their own, nor have helpers, which stand beneath the function that calls
            // them.
            let first = head && named.insert((name.clone(), arity(&line[name.len()..])));
            let helper = lines[..at].iter().any(|above| above.contains(&format!("{name}(")) && !above.starts_with('%'));
            if first && !helper && !(at > 0 && lines[at - 1].starts_with('%')) {
                findings.push(format!("{}:{}: {name}", shown(&path), at + 1));
            }
        }
    }
    none(&findings, "Each library function has documentation above it.");
}

/// How many arguments a head like `(A, {B, C}) ->` has.
fn arity(head: &str) -> usize {
    let (mut depth, mut commas, mut any) = (0_usize, 0, false);
    for c in head.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 1 => commas += 1,
            c if !c.is_whitespace() => any = true,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    if any { commas + 1 } else { 0 }
}

/// Whether a program says what is expected of it, in the form that tests/golden.rs reads.
fn has_expectation(path: &Path) -> bool {
    let beside = path.with_extension("expect");
    text(if beside.is_file() { &beside } else { path })
        .lines()
        .any(|line| ["%% expect", "%% prints:", "%% fails:"].iter().any(|marker| line.trim_start().starts_with(marker)))
}

#[test]
fn every_example_and_golden_program_says_what_it_gives() {
    let findings: Vec<String> = files("examples", &[".lasp"])
        .iter()
        .chain(&files("tests/golden", &[".lasp"]))
        .filter(|path| !has_expectation(path))
        .map(|path| format!("{}: no expectation, so nothing would check it", shown(path)))
        .collect();
    none(&findings, "A program that nobody checks is not true for long.");
}

#[test]
fn every_example_tells_a_newcomer_what_to_see() {
    let mut findings = Vec::new();
    let list = text(&root().join("examples/README.md"));
    for path in files("examples", &[".lasp"]) {
        let whole = text(&path);
        let head: Vec<&str> = whole.lines().take_while(|line| line.starts_with('%')).collect();
        if head.len() < 4 || !head.iter().any(|line| line.contains("lasp") && line.contains(" run ")) {
            findings.push(format!("{}: the top tells neither what one sees nor how to run it", shown(&path)));
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !list.contains(&name) {
            findings.push(format!("{}: examples/README.md does not list it", shown(&path)));
        }
    }
    none(&findings, "Examples are read in order by people who have never seen the language.");
}
