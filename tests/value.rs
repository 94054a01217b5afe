//! Terms: their order is total, their bytes are canonical, their text is what an Erlang programmer expects.

use std::cmp::Ordering;

use lasp::value::atom::Atom;
use lasp::value::codec;
use lasp::value::codec::DecodeError;
use lasp::value::compare;
use lasp::value::map::Map;
use lasp::value::term::DEPTH_MAX;
use lasp::value::term::Term;
use num_bigint::BigInt;
use proptest::prelude::*;

fn number() -> impl Strategy<Value = Term> {
    prop_oneof![
        (-3i64..4).prop_map(Term::Int),
        prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(1 << 53), Just((1 << 53) + 1)].prop_map(Term::Int),
        (-6i32..7).prop_map(|half| Term::float(f64::from(half) / 2.0).expect("a finite float")),
        prop_oneof![Just(9_007_199_254_740_992.0), Just(1e300), Just(-1e300), Just(9.3e18)]
            .prop_map(|value: f64| Term::float(value).expect("a finite float")),
        any::<i128>().prop_map(|value| Term::big(BigInt::from(value))),
    ]
}

fn term() -> impl Strategy<Value = Term> {
    let leaf = prop_oneof![
        4 => number(),
        1 => prop_oneof![Just("a"), Just("b"), Just("hello world"), Just("true")]
            .prop_map(|text| Term::Atom(Atom::new(text).expect("a short atom"))),
        1 => "[a-c\"\\n]{0,3}".prop_map(Term::text),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Term::tuple),
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Term::list),
            proptest::collection::vec((inner.clone(), inner), 0..3)
                .prop_map(|entries| Term::map(entries.into_iter().collect::<Map>())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn the_order_is_total(a in term(), b in term(), c in term()) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
        if a.cmp(&b).is_le() && b.cmp(&c).is_le() {
            prop_assert!(a.cmp(&c).is_le(), "{a} <= {b} <= {c}");
        }
    }

    #[test]
    fn comparison_by_value_is_a_preorder(a in term(), b in term(), c in term()) {
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
        if compare(&a, &b).is_le() && compare(&b, &c).is_le() {
            prop_assert!(compare(&a, &c).is_le(), "{a} <= {b} <= {c}");
        }
        if compare(&a, &b).is_lt() {
            prop_assert!(a < b, "the total order refines the order by value: {a} < {b}");
        }
    }

    #[test]
    fn terms_survive_their_bytes(a in term(), b in term()) {
        let bytes = codec::encode(&a);
        prop_assert_eq!(codec::decode(&bytes), Ok(a.clone()));
        prop_assert_eq!(bytes == codec::encode(&b), a == b);
    }

    #[test]
    fn hostile_bytes_are_refused_or_understood(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(term) = codec::decode(&bytes) {
            prop_assert_eq!(codec::decode(&codec::encode(&term)), Ok(term));
        }
    }

    #[test]
    fn damaged_bytes_are_refused_or_understood(a in term(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = codec::encode(&a);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(term) = codec::decode(&bytes) {
            prop_assert!(term.depth() <= DEPTH_MAX);
        }
        bytes.truncate(at);
        prop_assert!(codec::decode(&bytes).is_err());
    }

    #[test]
    fn maps_agree_with_a_model_at_every_size(writes in proptest::collection::vec((0i64..60, 0i64..4, any::<bool>()), 0..120)) {
        let mut map = Map::new();
        let mut model = std::collections::BTreeMap::new();
        for (key, value, put) in writes {
            if put {
                map.insert(Term::Int(key), Term::Int(value));
                model.insert(key, value);
            } else {
                prop_assert_eq!(map.remove(&Term::Int(key)), model.remove(&key).is_some());
            }
            prop_assert_eq!(map.len(), model.len());
            prop_assert!(map.iter().map(|(k, v)| (k.as_int(), v.as_int())).eq(model.iter().map(|(k, v)| (Some(*k), Some(*v)))));
        }
    }
}

#[test]
fn nesting_beyond_the_limit_is_refused() {
    let mut bytes = Vec::new();
    for _ in 0..100_000 {
        bytes.extend([6u8, 1]);
    }
    bytes.push(8);
    bytes.push(0);
    assert_eq!(codec::decode(&bytes), Err(DecodeError::TooDeep));
}

#[test]
fn a_length_beyond_the_bytes_is_refused_before_anything_is_allocated() {
    assert_eq!(codec::decode(&[6, 0xff, 0xff, 0xff, 0xff, 0x0f]), Err(DecodeError::Truncated));
}

#[test]
fn a_long_list_is_freed_without_recursion() {
    let list = Term::list((0..3_000_000).map(Term::Int));
    assert_eq!(list.depth(), 1);
    drop(list);
}

#[test]
fn a_term_is_sixteen_bytes() {
    assert_eq!(size_of::<Term>(), 16);
    assert_eq!(size_of::<Option<Term>>(), 16);
}

#[test]
fn terms_print_as_erlang_prints_them() {
    let float = |value: f64| Term::float(value).expect("a finite float").to_string();
    let shown: Vec<String> =
        [1.0, 0.1, 100.0, 1000.0, 12345.678, 1e22, 0.001, 0.0001, 1.5e-7, -2.5, -0.0, 0.05].map(float).into();
    assert_eq!(
        shown,
        ["1.0", "0.1", "100.0", "1.0e3", "12345.678", "1.0e22", "0.001", "0.0001", "1.5e-7", "-2.5", "0.0", "0.05"]
    );
    let atom = |text: &str| Term::Atom(Atom::new(text).expect("a short atom")).to_string();
    let shown: Vec<String> = ["ann", "Ann", "a b", "end", "it's", "", "a@b_1", "日本"].map(atom).into();
    assert_eq!(shown, ["ann", "'Ann'", "'a b'", "'end'", "'it\\'s'", "''", "a@b_1", "'日本'"]);
    let nested =
        Term::list([Term::tuple([Term::Int(1), Term::text("a\"b\n")]), Term::cons(Term::Int(1), Term::Int(2))]);
    assert_eq!(nested.to_string(), r#"[{1, "a\"b\n"}, [1 | 2]]"#);
}

#[test]
fn integers_come_before_equal_floats_and_texts_come_last() {
    let one = Term::Int(1);
    let one_float = Term::float(1.0).expect("a finite float");
    let two = Term::Int(2);
    let mut terms = vec![
        Term::text("a"),
        Term::list([one.clone()]),
        Term::Nil,
        Term::map(Map::new()),
        Term::tuple([two.clone()]),
        Term::tuple([one_float.clone()]),
        Term::tuple([one.clone()]),
        Term::atom("b"),
        Term::atom("a"),
        two,
        one_float,
        one,
    ];
    terms.sort();
    assert_eq!(Term::list(terms).to_string(), r#"[1, 1.0, 2, a, b, {1}, {1.0}, {2}, #{}, [], [1], "a"]"#);
}
