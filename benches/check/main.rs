//! How long it takes to find what is wrong with a program of ten thousand lines, before it runs.
//!
//! `cargo bench --bench check`; a plain harness, since one figure each is all that is asked. The aim is well under a second.
//! `cargo bench --bench check -- DIR` writes the programs into a folder instead, for `lasp check` itself.

#![expect(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a bench measures time and prints")]

mod shapes;

use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use lasp::compile::Session;
use lasp::source::diagnostic::Severity;

use crate::shapes::SHAPES;

fn main() {
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    for (name, program) in SHAPES {
        match &folder {
            Some(folder) => {
                let path = Path::new(folder).join(name.replace([' ', ','], "_") + ".lasp");
                std::fs::write(path, program()).expect("the folder can be written to");
            }
            None => measure(name, &program()),
        }
    }
}

fn measure(name: &str, text: &str) {
    let best = (0..5).map(|_| {
        let (mut session, _) = Session::new();
        let start = Instant::now();
        let told = session.program("bench.lasp", text).map_or_else(|told| told, |(_, told)| told);
        let spent = start.elapsed();
        assert!(told.iter().all(|told| told.severity != Severity::Error), "{name}: {:?}", told.first());
        spent
    });
    let best = best.min().unwrap_or(Duration::MAX);
    let (lines, kilobytes) = (text.lines().count(), text.len() / 1000);
    println!("check and compile, {name}, {lines} lines, {kilobytes} kB: {} ms", best.as_millis());
}
