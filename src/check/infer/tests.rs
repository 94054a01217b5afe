//! How much inference does for programs of many shapes, counted in expressions that it evaluates: that shows on any machine,
//! and time does not.

use std::fmt::Write;

use crate::check::Environment;
use crate::check::Mode;
use crate::check::Source;
use crate::check::infer::Known;
use crate::check::infer::Passes;
use crate::library::MODULES;
use crate::source::span::FileId;
use crate::syntax;

/// The library, as every program finds it.
struct Library {
    environment: Environment,
    known: Known,
    file: FileId,
}

impl Library {
    fn new() -> Library {
        let mut library = Library { environment: Environment::default(), known: Known::default(), file: FileId(0) };
        for (module, text) in MODULES {
            let parsed = syntax::parse(library.file, text);
            let source = Source { tree: &parsed.tree, module: Some(module) };
            let (checked, _) = crate::check::check(&mut library.environment, &source, Mode::Program);
            library.known.add_library(checked.expect("the library has no mistakes"));
            library.file.0 += 1;
        }
        library
    }

    /// The expressions that all passes over a text evaluate; the text has no mistakes.
    fn steps(&self, text: &str) -> u64 {
        let parsed = syntax::parse(self.file, text);
        assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
        let source = Source { tree: &parsed.tree, module: None };
        let (checked, said) = crate::check::check(&mut self.environment.clone(), &source, Mode::Program);
        let checked = checked.unwrap_or_else(|| panic!("{said:?}"));
        let mut passes = Passes::new(&self.known, &checked, self.file);
        let told = passes.told();
        assert!(told.is_empty(), "{told:?}");
        passes.steps
    }
}

/// Functions that call each other in a ring, each also the next but one, with an accumulator; `many` such rings.
fn rings(many: usize, size: usize) -> String {
    let mut text = String::new();
    for ring in 0..many {
        for at in 0..size {
            let (next, far) = ((at + 1) % size, (at + 2) % size);
            let _ = write!(
                text,
                "f{ring}_{at}([], S) -> lists:reverse(S);\n\
                 f{ring}_{at}([X | R], S) when X > {at} -> f{ring}_{next}(R, [{{n{at}, X}} | S]);\n\
                 f{ring}_{at}([_ | R], S) -> f{ring}_{far}(R, S).\n"
            );
        }
        let _ = writeln!(text, "print(f{ring}_0(lists:seq(1, {ring}), [])).");
    }
    text
}

/// Accumulators of several kinds, each called once.
fn loops(many: usize) -> String {
    let mut text = String::new();
    for at in 0..many {
        let _ = write!(
            text,
            "sum{at}([], S, _) -> S;\n\
             sum{at}([X | R], S, N) when X > N -> sum{at}(R, [{{X, N}} | S], N + 1);\n\
             sum{at}([_ | R], S, N) -> sum{at}(R, S, N).\n\
             count{at}([], M) -> M;\n\
             count{at}([{{K, V}} | R], M) -> count{at}(R, maps:put(K, V + maps:get(K, M, 0), M)).\n\
             print({{sum{at}([1, 2, {at}], [], 0), count{at}([{{a, 1}}, {{b, {at}}}], #{{}})}}).\n"
        );
    }
    text
}

#[test]
fn functions_that_call_each_other_cost_what_they_are_and_not_the_ways_through_them() {
    let library = Library::new();
    for size in [2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 300] {
        let each = library.steps(&rings(1, size)) / size as u64;
        assert!(each <= 1_200, "{each} for each of {size} functions");
    }
}

#[test]
fn a_program_of_twice_as_many_functions_costs_twice_as_much() {
    let library = Library::new();
    let twice = |name: &str, program: &dyn Fn(usize) -> String| {
        let (one, two) = (library.steps(&program(40)), library.steps(&program(80)));
        assert!(two <= 2 * one + one / 10, "{name}: {one}, {two}");
    };
    twice("rings of two", &|many| rings(many, 2));
    twice("rings of three", &|many| rings(many, 3));
    twice("rings of four", &|many| rings(many, 4));
    twice("loops", &loops);
}
