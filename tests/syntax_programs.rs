//! Real programs parse and check without a word.

use lasp::check::Environment;
use lasp::check::Mode;
use lasp::check::Source;
use lasp::check::check;
use lasp::source::span::FileId;
use lasp::syntax;

fn main_for(text: &str) -> Vec<String> {
    let parsed = syntax::parse(FileId(0), text);
    let mut out: Vec<String> = parsed.diagnostics.iter().map(|d| format!("{d:?}")).collect();
    let source = Source { tree: &parsed.tree, module: None };
    let (checked, diagnostics) = check(&mut Environment::default(), &source, Mode::Program);
    out.extend(diagnostics.iter().map(|d| format!("{d:?}")));
    if std::env::var("SHOW").is_ok() {
        out.push(format!("{checked:#?}"));
    }
    out
}

#[test]
fn try_file() {
    let Ok(files) = std::env::var("FILES") else { return };
    for file in files.split(' ') {
        let text = std::fs::read_to_string(file).unwrap();
        println!("== {file}");
        for line in main_for(&text) {
            println!("{line}");
        }
    }
}
