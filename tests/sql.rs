//! Texts of views: whatever is written, it is told or translated, and what is translated compiles.

use lasp::compile::Session;
use lasp::sql;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// What texts are made of, right and wrong.
fn word() -> impl Strategy<Value = &'static str> {
    select(vec![
        "select", "from", "where", "group by", "having", "join", "on", "as", "and", "or", "not", "is null", "in",
        "between", "order by", "T", "U", "T.a", "U.b", "a", "b", "`from`", "\"x\"", "*", "T.*", "(", ")", ",", ".",
        "=", "<", "=>", "<>", "+", "-", "*", "/", "1", "2.50", "007", "'it''s'", "'é'", "'", "count(*)", "sum(",
        "avg(a)", "min(b)", "max(a)", "true", "null", ";", "#", "ü",
    ])
}

/// Texts that are mostly right.
fn nearly() -> impl Strategy<Value = String> {
    let value = || {
        select(vec!["a", "T.a", "T.b", "1", "'x'", "count(*)", "sum(T.a)", "a + 1", "min(b) * 2", "-a", "- -1", "(a)"])
    };
    let item =
        || (value(), select(vec!["", " as n", " as \"o p\"", " m"])).prop_map(|(value, name)| format!("{value}{name}"));
    let condition = || {
        let one =
            (value(), select(vec!["=", "<", ">=", "=>", "<>", "is null or 1 =", "in (1,", "between 0 and"]), value())
                .prop_map(|(a, op, b)| format!("{a} {op} {b}{}", if op.starts_with("in") { ")" } else { "" }));
        vec(one, 1..4).prop_map(|all| all.join(" and not "))
    };
    let from = select(vec!["T", "T, U", "T join U on T.a = U.b", "T t", "T join U on a < b", "T, U, T as W"]);
    let group = select(vec!["", " group by a", " group by T.a, b + 1", " having count(*) > 1"]);
    (vec(item(), 1..4), from, proptest::option::of(condition()), group).prop_map(|(items, from, condition, group)| {
        let condition = condition.map_or_else(String::new, |condition| format!(" where {condition}"));
        format!("select {} from {from}{condition}{group}", items.join(", "))
    })
}

/// The places of mistakes lie in the text; the functions of views compile. Says whether it is a view.
fn translated(text: &str, session: &mut Session) -> bool {
    match sql::view(text) {
        Ok(view) => {
            for function in &view.functions {
                let compiled = session.expression("sql", function).err();
                assert!(compiled.is_none(), "{text}\n{function}\n{compiled:#?}");
            }
            true
        }
        Err(error) => {
            assert!(text.get(error.place.clone()).is_some(), "{text}: {error:?}");
            assert!(error.code.starts_with("E09") && !error.help.is_empty());
            false
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_told_or_translated(words in vec(word(), 0..30), letters in ".{0,40}") {
        let mut session = Session::new().0;
        translated(&words.join(" "), &mut session);
        translated(&letters, &mut session);
        translated(&format!("select {letters} from T"), &mut session);
    }

    #[test]
    fn what_is_nearly_right_is_told_or_translated(texts in vec(nearly(), 1..10)) {
        let mut session = Session::new().0;
        for text in &texts {
            translated(text, &mut session);
        }
    }
}

#[test]
fn deep_and_long_texts_have_a_bound() {
    let mut session = Session::new().0;
    let nested = |count: usize| format!("select a from T where {}a = 1{}", "(".repeat(count), ")".repeat(count));
    assert!(translated(&nested(20), &mut session));
    assert!(!translated(&nested(100_000 / 3), &mut session));
    assert!(!translated(&format!("select {}1 as x from T", "- ".repeat(5000)), &mut session));
    assert!(!translated(&format!("select 1{} as x from T", " + 1".repeat(5000)), &mut session));
    let long = vec!["a = 1"; 300].join(" or ");
    assert!(translated(&format!("select a from T where {long}"), &mut session));
    assert!(!translated(&format!("select a from T where {}", vec!["a = 1"; 20_000].join(" or ")), &mut session));
}
