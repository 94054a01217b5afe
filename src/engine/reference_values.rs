//! What contents come to, computed from all of them each time: the slow engine's values. By the definitions of the types, and
//! without anything that the fast engine uses to be fast.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use triomphe::Arc;

use crate::value::compare;
use crate::value::content::Content;
use crate::value::content::Tally;
use crate::value::kind::Type;
use crate::value::kind::Window;
use crate::value::map::Map;
use crate::value::term::Term;

/// A content that speaks for a variable's value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    /// Whether an update of the variable's own wrote it; else it is contributed.
    pub(super) own: bool,
    pub(super) content: Content,
}

/// The value that contents come to.
pub(super) fn value(kind: &Type, pieces: &[Piece]) -> Term {
    let terms = || pieces.iter().filter_map(term).cloned();
    match kind {
        Type::Set | Type::GSet => distinct(terms()),
        Type::RwSet | Type::TwoPSet => distinct(marked(pieces)),
        Type::Counter | Type::GCounter | Type::LexCounter | Type::BCounter => total(pieces).value(),
        Type::MaxInt => terms().max().map_or(Term::Int(0), |n| n.max(Term::Int(0))),
        Type::MinInt => terms().min().unwrap_or(Term::atom("undefined")),
        Type::Boolean | Type::EwFlag => Term::boolean(!pieces.is_empty()),
        Type::DwFlag => Term::boolean(pieces.iter().all(|piece| piece.content != Content::Disabled)),
        Type::Ivar => match distinct(terms()).to_vec().unwrap_or_default().as_slice() {
            [] => Term::atom("undefined"),
            [one] => one.clone(),
            many => Term::tuple([Term::atom("conflict"), Term::list(many.to_vec())]),
        },
        Type::MvRegister => distinct(terms()),
        Type::LwwRegister => newest(pieces).map_or(Term::atom("undefined"), |(_, value)| value),
        Type::TopK(k) => {
            let pairs = best(*k, pieces).into_iter().map(|(name, score)| Term::tuple([name, score]));
            Term::list(pairs.collect::<Vec<_>>())
        }
        Type::GMap(kind) | Type::AwMap(kind) => {
            let keys = by_key(pieces).into_iter();
            Term::map(keys.map(|(key, pieces)| (key, value(kind, &pieces))).collect::<Map>())
        }
        Type::Pair(kinds) => {
            let (first, second) = sides(pieces);
            Term::tuple([value(&kinds.0, &first), value(&kinds.1, &second)])
        }
        Type::Window(window) => windowed(window, pieces),
    }
}

/// Contents that come to the same, as few as possible.
pub(super) fn compact(kind: &Type, pieces: &[Piece]) -> Vec<Content> {
    let list = |value: Term| value.to_vec().unwrap_or_default().into_iter();
    match kind {
        Type::Set | Type::GSet => list(value(kind, pieces)).map(Content::Element).collect(),
        Type::RwSet | Type::TwoPSet => {
            // That something was taken out is said where nothing is in.
            let out = pieces.iter().filter(|piece| matches!(piece.content, Content::Removed(_)));
            let elements: Vec<Content> = list(value(kind, pieces)).map(Content::Element).collect();
            if elements.is_empty() {
                out.map(|piece| piece.content.clone()).min().into_iter().collect()
            } else {
                elements
            }
        }
        Type::Counter | Type::GCounter | Type::LexCounter | Type::BCounter => {
            if pieces.is_empty() {
                Vec::new()
            } else {
                vec![Content::Tally(Box::new(total(pieces)))]
            }
        }
        Type::MaxInt => pieces.iter().filter_map(term).max().cloned().map(Content::Number).into_iter().collect(),
        Type::MinInt => pieces.iter().filter_map(term).min().cloned().map(Content::Number).into_iter().collect(),
        Type::Boolean | Type::EwFlag | Type::DwFlag => {
            // Of `True` and `Disabled` the latter prevails; it is the greater.
            pieces.iter().map(|piece| piece.content.clone()).max().into_iter().collect()
        }
        Type::Ivar | Type::MvRegister => {
            list(distinct(pieces.iter().filter_map(term).cloned())).map(Content::Value).collect()
        }
        Type::LwwRegister => newest(pieces).map(|stamped| Content::Stamped(Box::new(stamped))).into_iter().collect(),
        Type::TopK(k) => best(*k, pieces).into_iter().map(|pair| Content::Score(Box::new(pair))).collect(),
        Type::GMap(kind) | Type::AwMap(kind) => {
            let compacted = by_key(pieces).into_iter().flat_map(|(key, pieces)| {
                compact(kind, &pieces).into_iter().map(move |content| Content::Entry(Arc::new((key.clone(), content))))
            });
            compacted.collect()
        }
        Type::Pair(kinds) => {
            let (first, second) = sides(pieces);
            let first = compact(&kinds.0, &first).into_iter().map(|content| Content::First(Box::new(content)));
            let second = compact(&kinds.1, &second).into_iter().map(|content| Content::Second(Box::new(content)));
            first.chain(second).collect()
        }
        Type::Window(window) => {
            let mut by_time: BTreeMap<Term, Vec<Piece>> = BTreeMap::new();
            let events = events(pieces);
            let oldest = ends(window, &events).first().map(|end| end - BigInt::from(window.span));
            // The newest tells which windows there are, though it may be in none of them.
            let newest = events.iter().map(|(time, _)| time.clone()).max();
            let counts = |time: &BigInt| Some(time) > oldest.as_ref() || Some(time) == newest.as_ref();
            for (time, piece) in events.into_iter().filter(|(time, _)| counts(time)) {
                by_time.entry(Term::big(time)).or_default().push(piece);
            }
            let compacted = by_time.into_iter().flat_map(|(time, pieces)| {
                let contents = compact(&window.kind, &pieces).into_iter();
                contents.map(move |content| Content::Event(Arc::new((time.clone(), content))))
            });
            compacted.collect()
        }
    }
}

fn distinct(terms: impl Iterator<Item = Term>) -> Term {
    let mut terms: Vec<Term> = terms.collect();
    terms.sort();
    terms.dedup();
    Term::list(terms)
}

fn term(piece: &Piece) -> Option<&Term> {
    match &piece.content {
        Content::Element(term) | Content::Number(term) | Content::Value(term) => Some(term),
        _ => None,
    }
}

/// Elements that are contributed, and own ones that nobody took out.
fn marked(pieces: &[Piece]) -> impl Iterator<Item = Term> {
    pieces.iter().filter_map(|piece| match &piece.content {
        Content::Element(element) => {
            let out = pieces.iter().any(|other| other.own && other.content == Content::Removed(element.clone()));
            (!piece.own || !out).then(|| element.clone())
        }
        _ => None,
    })
}

fn total(pieces: &[Piece]) -> Tally {
    let mut total = Tally::default();
    for piece in pieces {
        match &piece.content {
            Content::Tally(tally) => total.add(tally),
            Content::Rights(rights) => rights.accounts.iter().for_each(|(_, account)| total.add(&account.tally)),
            _ => {}
        }
    }
    total
}

fn newest(pieces: &[Piece]) -> Option<(Term, Term)> {
    let stamped = pieces.iter().filter_map(|piece| match &piece.content {
        Content::Stamped(stamped) => Some((**stamped).clone()),
        _ => None,
    });
    stamped.max()
}

fn best(k: u32, pieces: &[Piece]) -> Vec<(Term, Term)> {
    let better = |a: &Term, b: &Term| compare(b, a).then_with(|| a.cmp(b));
    let mut names: BTreeMap<Term, Term> = BTreeMap::new();
    for piece in pieces {
        let Content::Score(pair) = &piece.content else { continue };
        let (name, score) = &**pair;
        let known = names.entry(name.clone()).or_insert_with(|| score.clone());
        if better(score, known).is_lt() {
            *known = score.clone();
        }
    }
    let mut pairs: Vec<(Term, Term)> = names.into_iter().collect();
    pairs.sort_by(|(name_a, a), (name_b, b)| compare(b, a).then_with(|| name_a.cmp(name_b)));
    pairs.truncate(k as usize);
    pairs
}

fn by_key(pieces: &[Piece]) -> BTreeMap<Term, Vec<Piece>> {
    let mut keys: BTreeMap<Term, Vec<Piece>> = BTreeMap::new();
    for piece in pieces {
        if let Content::Entry(entry) = &piece.content {
            keys.entry(entry.0.clone()).or_default().push(Piece { own: piece.own, content: entry.1.clone() });
        }
    }
    keys
}

fn sides(pieces: &[Piece]) -> (Vec<Piece>, Vec<Piece>) {
    let side = |of: &dyn Fn(&Content) -> Option<Content>| {
        let nested = pieces.iter().filter_map(|piece| of(&piece.content).map(|content| (piece.own, content)));
        nested.map(|(own, content)| Piece { own, content }).collect()
    };
    let first = side(&|content| if let Content::First(first) = content { Some((**first).clone()) } else { None });
    let second = side(&|content| if let Content::Second(second) = content { Some((**second).clone()) } else { None });
    (first, second)
}

/// Events with their timestamps. Whose they are does not matter inside a window.
fn events(pieces: &[Piece]) -> Vec<(BigInt, Piece)> {
    let event = |piece: &Piece| {
        let Content::Event(event) = &piece.content else { return None };
        let time = match &event.0 {
            Term::Int(time) => BigInt::from(*time),
            Term::Big(time) => BigInt::clone(time),
            _ => return None,
        };
        Some((time, Piece { own: false, content: event.1.clone() }))
    };
    pieces.iter().filter_map(event).collect()
}

/// The ends of the windows that are shown, the earliest first.
fn ends(window: &Window, events: &[(BigInt, Piece)]) -> Vec<BigInt> {
    let Some(newest) = events.iter().map(|(time, _)| time).max() else { return Vec::new() };
    let Some((slide, keep)) = window.slide else { return vec![newest.clone()] };
    let slide = BigInt::from(slide);
    // The smallest multiple that is not below the newest timestamp.
    let mut last = newest / &slide * &slide - &slide;
    while last < *newest {
        last += &slide;
    }
    (0..keep).rev().map(|back| &last - &slide * BigInt::from(back)).collect()
}

fn windowed(window: &Window, pieces: &[Piece]) -> Term {
    let events = events(pieces);
    let of = |end: &BigInt| {
        let inside = |time: &BigInt| time <= end && *time > end - BigInt::from(window.span);
        let pieces: Vec<Piece> =
            events.iter().filter(|(time, _)| inside(time)).map(|(_, piece)| piece.clone()).collect();
        value(&window.kind, &pieces)
    };
    let ends = ends(window, &events);
    match (window.slide, ends.as_slice()) {
        (None, [end]) => of(end),
        (None, _) => value(&window.kind, &[]),
        (Some(_), ends) => Term::map(ends.iter().map(|end| (Term::big(end.clone()), of(end))).collect::<Map>()),
    }
}
