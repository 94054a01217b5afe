//! The library, function by function: each line of `tests/library/*.txt` is a call and what it gives, by Erlang's documentation
//! and not by this implementation.

mod bare;
mod support;

use bare::Evaluator;
use support::files;
use support::shown;
use support::text;

#[test]
fn every_function_gives_what_erlang_says() {
    let mut evaluator = Evaluator::new();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for path in files("tests/library", &[".txt"]) {
        for (at, line) in text(&path).lines().enumerate().filter(|(_, line)| !line.starts_with('%')) {
            let (call, expected) = line.rsplit_once(" --> ").unwrap_or_else(|| panic!("no arrow in {line}"));
            let got = evaluator.evaluate(call);
            count += 1;
            // The parser's and the checker's codes come with titles.
            if got != expected && !(expected.starts_with("E0") && got.starts_with(expected)) {
                wrong.push(format!("{}:{}: {call}\n    expected {expected}\n    got      {got}", shown(&path), at + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 500, "{count}");
}
