//! Random programs: printed and parsed again they are the same; random text gives messages, never a crash.

mod support;

use lasp::check::Environment;
use lasp::check::Mode;
use lasp::check::Source;
use lasp::check::check;
use lasp::source::files::Files;
use lasp::source::render;
use lasp::source::render::Style;
use lasp::source::span::FileId;
use lasp::syntax;
use lasp::syntax::print;
use proptest::collection::vec;
use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::prop_oneof;
use proptest::proptest;
use proptest::sample::select;
use support::files;
use support::text;

/// The text of a random expression, with parentheses around all parts so that any tree can come about.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        select(vec!["X", "Y", "_", "_Z", "Äpfel", "a", "ok", "'an atom'", "'it\\'s'", "straße"]),
        select(vec!["0", "1_000", "16#ff", "$a", "$\\n", "123456789012345678901234567890", "1.5", "2.0e-3"]),
        select(vec!["\"text\"", "\"two\" \"pieces\"", "\"q\\\"\\x{41}\"", "<<\"b\">>", "<<>>", "[]", "{}", "#{}"]),
        select(vec!["fun f/1", "fun lists:map/2"]),
    ]
    .prop_map(str::to_owned);
    leaf.prop_recursive(5, 60, 4, |inner| {
        let operators = vec![
            "=", "orelse", "andalso", "==", "/=", "=:=", "=/=", "<", "=<", ">", ">=", "++", "--", "+", "-", "bor",
            "bxor", "bsl", "bsr", "or", "xor", "*", "/", "div", "rem", "band", "and",
        ];
        let two = (inner.clone(), inner.clone());
        let some = vec(inner.clone(), 1..4).prop_map(|items| items.join(", "));
        prop_oneof![
            (two.clone(), select(operators)).prop_map(|((a, b), o)| format!("({a}) {o} ({b})")),
            (select(vec!["-", "+", "not ", "bnot "]), inner.clone()).prop_map(|(o, a)| format!("{o}({a})")),
            some.clone().prop_map(|items| format!("{{{items}}}")),
            some.clone().prop_map(|items| format!("[{items}]")),
            (some.clone(), inner.clone()).prop_map(|(items, tail)| format!("[{items} | {tail}]")),
            (two.clone(), two.clone()).prop_map(|((a, b), (c, d))| format!("#{{{a} => {b}, {c} := {d}}}")),
            (two.clone(), inner.clone()).prop_map(|((m, k), v)| format!("({m})#{{{k} := {v}}}")),
            (inner.clone(), some.clone()).prop_map(|(f, items)| format!("({f})({items})")),
            some.clone().prop_map(|items| format!("lists:nth({items})")),
            (two.clone(), two.clone())
                .prop_map(|((p, g), (b, c))| format!("fun ({p}) when {g} -> {b}; (_) -> {c} end")),
            two.clone().prop_map(|(p, b)| format!("fun Loop({p}) -> {b} end")),
            (two.clone(), two.clone())
                .prop_map(|((s, p), (g, b))| format!("case {s} of {p} when {g}; {g} -> {b}; _ -> {s} end")),
            two.clone().prop_map(|(g, b)| format!("if {g}, {g} -> {b}; true -> {g} end")),
            some.prop_map(|items| format!("begin {items} end")),
            (two.clone(), two.clone())
                .prop_map(|((e, p), (l, f))| format!("[{e} || {p} <- {l}, {f}, {l} := {p} <- {e}]")),
            (two.clone(), two).prop_map(|((k, v), (p, l))| format!("#{{{k} => {v} || {p} <- {l}}}")),
        ]
    })
}

fn program() -> impl Strategy<Value = String> {
    let form = prop_oneof![
        vec(expression(), 1..4).prop_map(|body| format!("{}.\n", body.join(", "))),
        (expression(), expression(), expression())
            .prop_map(|(p, g, b)| format!("%% Says what it does.\nf({p}) when {g} -> {b};\nf({b}) -> {p}.\n")),
        Just("-import(lists, [map/2]).\n% a comment\n".to_owned()),
    ];
    vec(form, 1..5).prop_map(|forms| forms.concat())
}

/// Parses, checks, and renders what is told: none of it may crash, and each place must be in the text.
fn survives(text: &str) {
    let mut files = Files::default();
    let file = files.add("random", text);
    let parsed = syntax::parse(file, text);
    let source = Source { tree: &parsed.tree, module: None };
    let (_, checked) = check(&mut Environment::default(), &source, Mode::Program);
    for diagnostic in parsed.diagnostics.iter().chain(&checked) {
        for label in &diagnostic.labels {
            let (start, end) = (label.span.start as usize, label.span.end as usize);
            assert!(text.get(start..end).is_some(), "{diagnostic:?} in {text:?}");
        }
        assert!(!render::render(diagnostic, &files, Style::PLAIN).is_empty());
    }
    let _ = syntax::is_incomplete(text);
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_printed_parses_to_the_same_tree(text in program()) {
        let first = syntax::parse(FileId(0), &text);
        proptest::prop_assert_eq!(first.diagnostics.iter().map(|d| d.code).find(|c| *c != "E0114"), None, "{}", text);
        let printed = print::print(&first.tree);
        let second = syntax::parse(FileId(0), &printed);
        proptest::prop_assert_eq!(second.diagnostics.iter().map(|d| d.code).find(|c| *c != "E0114"), None, "{}", printed);
        proptest::prop_assert!(first.tree.same(&second.tree), "{}\n{}", text, printed);
        proptest::prop_assert_eq!(print::print(&second.tree), printed);
        survives(&text);
    }

    #[test]
    fn any_text_gives_messages_and_no_crash(text in any::<String>()) {
        survives(&text);
    }

    #[test]
    fn any_tokens_give_messages_and_no_crash(words in vec(select(vec![
        "X", "Y", "f", "1", "2.5", "\"t\"", "'a b'", "$c", "(", ")", "[", "]", "{", "}", "#{", "<<", ">>", ",", ";", ".", ". ",
        ".\n", ":", "|", "||", "->", "<-", "=>", ":=", "=", "==", "<", "=<", "<=", "!=", "&&", "!", "//", "#", "**", "=<<",
        "+", "-", "*", "/", "++", "--", "case", "of", "end", "fun", "if", "begin", "when", "not", "let", "try", "else", "then",
        "def", "return", "\n", "\n    ", "%%doc\n", "% c\n", "\"", "'", "~", "ü", "1e5", "and", "andalso", "div",
    ]), 0..60), glue in select(vec!["", " "])) {
        survives(&words.join(glue));
    }

    #[test]
    fn a_program_with_a_piece_missing_gives_messages_and_no_crash(text in program(), from in 0_usize..200, length in 1_usize..6) {
        let keep = |(at, _): &(usize, char)| *at < from || *at >= from + length;
        survives(&text.char_indices().filter(keep).map(|(_, c)| c).collect::<String>());
    }
}

/// Programs that people have written, with one piece taken out, put in twice, or put in from elsewhere.
#[test]
fn a_written_program_with_one_slip_gives_messages_and_no_crash() {
    const STRAY: [&str; 16] =
        ["end", ")", "]", "}", "=>", ":=", "||", ",", ";", ". ", "->", "(", "fun", "case", "do", "X"];
    let mut state = 7_u64;
    let mut below = |most: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or(0) % most.max(1)
    };
    let folders = ["examples", "tests/golden", "tests/mistakes", "tests/coordination"];
    let programs = folders.into_iter().flat_map(|folder| files(folder, &[".lasp"])).map(|path| text(&path));
    for program in programs.filter(|program| program.len() < 4000) {
        // A word or a sign a piece, each with the space before it.
        let mut pieces: Vec<&str> = Vec::new();
        let mut from = 0;
        for (at, c) in program.char_indices().skip(1) {
            let before = program[..at].chars().next_back().unwrap_or(' ');
            if at > from && !(c.is_alphanumeric() && before.is_alphanumeric()) && !before.is_whitespace() {
                pieces.push(&program[from..at]);
                from = at;
            }
        }
        pieces.push(&program[from..]);
        for slip in 0..9 {
            let (at, mut slipped) = (below(pieces.len()), pieces.clone());
            match slip % 3 {
                0 => drop(slipped.remove(at)),
                1 => slipped.insert(at, STRAY[below(STRAY.len())]),
                _ => slipped[at] = STRAY[below(STRAY.len())],
            }
            let slipped = slipped.join(if slip < 6 { "" } else { " " });
            let parsed = syntax::parse(FileId(0), &slipped);
            for label in parsed.diagnostics.iter().flat_map(|diagnostic| &diagnostic.labels) {
                let (start, end) = (label.span.start as usize, label.span.end as usize);
                assert!(slipped.get(start..end).is_some(), "{label:?} in {slipped:?}");
            }
        }
    }
}
