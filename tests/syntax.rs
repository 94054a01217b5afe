//! Whole texts through parser, checker and renderer: what is told, where, and that nothing crashes.

use std::fmt::Write;
use std::sync::LazyLock;

use lasp::check::Environment;
use lasp::check::Mode;
use lasp::check::Source;
use lasp::check::check;
use lasp::library::MODULES;
use lasp::source::codes;
use lasp::source::diagnostic::Diagnostic;
use lasp::source::files::Files;
use lasp::source::render;
use lasp::source::render::Style;
use lasp::source::span::FileId;
use lasp::syntax;

/// An environment that knows the library.
static LIBRARY: LazyLock<Environment> = LazyLock::new(|| {
    let mut environment = Environment::default();
    for (module, text) in MODULES {
        let parsed = syntax::parse(FileId::default(), text);
        let source = Source { tree: &parsed.tree, module: Some(module) };
        let (_, diagnostics) = check(&mut environment, &source, Mode::Program);
        assert!(parsed.diagnostics.is_empty() && diagnostics.is_empty(), "{module}: {diagnostics:?}");
    }
    environment
});

/// All that is told of a program, in order of the text.
fn told(text: &str) -> (Files, Vec<Diagnostic>) {
    let mut files = Files::default();
    let file = files.add("t.lasp", text);
    let parsed = syntax::parse(file, text);
    let mut all = parsed.diagnostics;
    let (_, checked) = check(&mut LIBRARY.clone(), &Source { tree: &parsed.tree, module: None }, Mode::Program);
    all.extend(checked);
    all.sort_by_key(|diagnostic| diagnostic.labels.first().map(|label| label.span));
    (files, all)
}

/// `3:1 E0201 title` for each.
fn lines(text: &str) -> Vec<String> {
    let (files, all) = told(text);
    let line = |diagnostic: &Diagnostic| {
        let place = files.place(diagnostic.labels[0].span);
        format!("{}:{} {} {}", place.line, place.column, diagnostic.code, diagnostic.title)
    };
    all.iter().map(line).collect()
}

/// The codes alone.
fn told_codes(text: &str) -> Vec<&'static str> {
    told(text).1.iter().map(|diagnostic| diagnostic.code).collect()
}

#[test]
fn a_file_with_three_mistakes_gives_three_diagnostics() {
    let text = "S = declare(set)\nT = declare(set).\n\nupdate(S, {add, [1, 2}),\nupdate(T, {add, 3}).\n\nprint(Q).\n";
    assert_eq!(
        lines(text),
        ["1:16 E0102 a `.` is missing", "4:17 E0104 `[` is not closed", "7:7 E0201 `Q` is not bound",]
    );
}

#[test]
fn three_mistakes_in_one_form_are_told_one_by_one() {
    let text = "S = declare(set),\nupdate(S, {add [1]}),\nmap(S, fun(X) -> X * end, S),\nprint([1, 2, ]).\n";
    assert_eq!(
        lines(text),
        [
            "2:14 E0103 a `,` is missing",
            "3:22 E0101 expected an expression, found `end`",
            "4:12 E0105 a `,` stands before nothing",
        ]
    );
}

#[test]
fn habits_from_elsewhere_get_one_hint_each() {
    for (text, code) in [
        ("X = 1, Y = X <= 2.", "E0108"),
        ("X = 1, Y = X != 2.", "E0108"),
        ("X = true && false.", "E0108"),
        ("X = true || false.", "E0108"),
        ("X = 7 // 2.", "E0108"),
        ("X = 1. // one", "E0109"),
        ("# one\nX = 1.", "E0109"),
        ("/* one */ X = 1.", "E0109"),
        ("X = 1, if X<-1 -> a; true -> b end.", "E0108"),
        ("Y = [X || X <- [1], X<-1].", "E0214"),
        ("total = 5.", "E0210"),
        ("X = 1\nY = 2.", "E0102"),
        ("X = 1, if X > 1 -> a; else if X > 0 -> b; true -> c end end.", "E0113"),
        ("X = 1, if X > 1 then a; true -> b end.", "E0113"),
        ("X = 1, if X > 1 -> a; else -> b end.", "E0209"),
        ("f(X) when X = 1 -> X.", "E0209"),
        ("X=<<\"a\">>.", "E0108"),
        ("def f(X) -> X.", "E0113"),
        ("let X = 1.", "E0113"),
        ("var X = 1.", "E0113"),
        ("f(X) -> return X.", "E0113"),
        ("print('hello).", "E0106"),
        ("X = \"a\" ++ 'b'.", "E0210"),
        ("X = #{a: 1}.", "E0108"),
        ("X = 1e5.", "E0111"),
        ("f(X) = X * 2.", "E0208"),
        ("S = declare(set), S.add(1).", "E0101"),
        ("X = 1.Y = 2.", "E0102"),
        ("X = \"abc.\nY = 2.", "E0106"),
    ] {
        let (_, all) = told(text);
        let found: Vec<&str> = all.iter().map(|diagnostic| diagnostic.code).collect();
        assert_eq!(found, [code], "{text}: {all:?}");
        assert!(all.iter().all(|diagnostic| !diagnostic.help.is_empty()), "{text}");
    }
}

#[test]
fn a_form_swallowed_for_want_of_a_dot_is_not_missed() {
    assert_eq!(told_codes("X = {1, 2\nY = 2.\nprint(Y), print(X)."), ["E0104"]);
    assert_eq!(told_codes("f(X) -> X\ng(Y) -> Y.\nZ = f(1) + g(2)."), ["E0102"]);
    assert_eq!(told_codes("X = 1 2 3, Y = 1.\nprint(X), print(Y)."), ["E0101"]);
}

#[test]
fn a_missing_last_dot_is_added_and_told() {
    assert_eq!(lines("X = 1, print(X)"), ["1:15 E0117 the last `.` is missing"]);
    let (files, all) = told("X = 1");
    insta::assert_snapshot!(render::render_all(&all, &files, Style::PLAIN), @r#"
    t.lasp:1:5: warning E0117: the last `.` is missing
        X = 1
            ^ a `.` was added here
      help: each form ends with a `.`

    warning: 1 warning in t.lasp (more: lasp explain E0117)
    "#);
}

#[test]
fn each_code_has_a_program_that_gets_it_and_one_that_does_not() {
    for code in codes::all().filter(|code| code.code.starts_with("E01") || code.code.starts_with("E02")) {
        if let Some((wrong, right)) = code.programs() {
            assert!(told_codes(wrong).contains(&code.code), "{}: {:?}", code.code, lines(wrong));
            assert_eq!(lines(right), Vec::<String>::new(), "{}", code.code);
        }
    }
}

/// A test's thread has 2 MiB, and a build without optimization wants several KiB for each level of nesting. A program is
/// checked on the main thread, which has 8 MiB: what is claimed is claimed for that.
const STACK_BYTES: usize = 8 << 20;

#[test]
fn deep_and_long_programs_are_refused_or_taken_but_never_crash() {
    let checked = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(deep_and_long_programs);
    checked.expect("a thread starts").join().expect("every program is refused or taken");
}

fn deep_and_long_programs() {
    let nested = |open: &str, close: &str, count: usize| format!("X = {}1{}.", open.repeat(count), close.repeat(count));
    for (open, close) in [("(", ")"), ("[", "]"), ("{", "}"), ("begin ", " end"), ("- ", ""), ("not ", ""), ("f(", ")")]
    {
        assert_eq!(told_codes(&nested(open, close, 100_000)), ["E0110"], "{open}");
    }
    for (open, close) in [
        ("[", "]"),
        ("{a, ", "}"),
        ("fun() -> ", " end"),
        ("case A of B -> ", " end"),
        ("if A -> ", " end"),
        ("f(A, ", ")"),
        ("[C || C <- ", "]"),
        ("#{A => ", "}"),
        ("- ", ""),
        ("A = ", ""),
        ("A andalso ", ""),
        ("begin A, ", " end"),
    ] {
        let text = format!("f(A, B) -> {}A{}.", open.repeat(490), close.repeat(490));
        assert_eq!(told_codes(&text), Vec::<&str>::new(), "{open}");
    }
    assert_eq!(told_codes(&format!("X = 1{}.", " + 1".repeat(100_000))), ["E0110"]);
    assert_eq!(told_codes(&format!("X = a{}.", " = a".repeat(100_000))), ["E0110"]);
    assert_eq!(told_codes(&format!("X = f{}.", "(1)".repeat(100_000))), ["E0110"]);
    assert_eq!(told_codes(&format!("X = [{}1].", "1, ".repeat(1_000_000))), Vec::<&str>::new());
    assert_eq!(told_codes(&format!("A = 1, X = [{}1].", "A, ".repeat(300_000))), Vec::<&str>::new());
    assert_eq!(told_codes(&format!("[{}B] = [].", "_, ".repeat(300_000))), ["E0110"]);
    assert!(!told_codes(&"(".repeat(100_000)).is_empty());
    assert!(!told_codes(&"case X of ".repeat(100_000)).is_empty());
    assert!(!told_codes(&"a b\n".repeat(10_000)).is_empty());
    assert!(!told_codes(&"X = 1\n".repeat(100_000)).is_empty());
    assert!(!told_codes(&"X = (1\n".repeat(10_000)).is_empty());
    assert!(!told_codes(&"~ a. ".repeat(10_000)).is_empty());
}

#[test]
fn messages_show_the_place_and_what_to_write() {
    let (files, all) = told("S = declare(set),\nupdate(S, {add, Vlaue}),\nValue = 1, print(Value).");
    insta::assert_snapshot!(render::render_all(&all, &files, Style::PLAIN), @r#"
    t.lasp:2:17: error E0201: `Vlaue` is not bound
        update(S, {add, Vlaue}),
                        ^^^^^ no value has this name
      help: did you mean `Value`?

    error: 1 error in t.lasp (more: lasp explain E0201)
    "#);
    let mut json = String::new();
    for diagnostic in &all {
        writeln!(json, "{}", render::json(diagnostic, &files)).expect("a string takes all");
    }
    insta::assert_snapshot!(json, @r#"{"code":"E0201","column":17,"event":"error","file":"t.lasp","help":["did you mean `Value`?"],"line":2,"message":"`Vlaue` is not bound","severity":"error"}"#);
}

#[test]
fn the_prompt_knows_what_is_incomplete() {
    for text in
        ["X = [1,", "f(X) ->", "case 1 of", "fun (X) -> X", "X = \"abc", "f(0) -> 1;", "begin 1", "X =", "{1, 2"]
    {
        assert!(syntax::is_incomplete(text), "{text}");
    }
    for text in ["X = 1", "X = 1.", "f(X) -> X", "", "% only", "X = 1)", "X Y", "case 1 of.", "[1, 2"] {
        assert_eq!(syntax::is_incomplete(text), text == "[1, 2", "{text}");
    }
}
