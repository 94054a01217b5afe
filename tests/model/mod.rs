//! What concurrent updates mean, for each type, by a model that knows only which update had seen which: no dots, no entries,
//! no merging.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part of this")]

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use lasp::value::kind::Type;
use lasp::value::kind::Window;
use lasp::value::map::Map;
use lasp::value::term::Term;

/// An update, in the model's words.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    Add(i64),
    Remove(i64),
    Count(i64),
    Set(i64),
    SetAt(i64, i64),
    On,
    Enable,
    Disable,
    Score(i64, i64),
    Apply(i64, Box<Act>),
    Drop(i64),
    First(Box<Act>),
    Second(Box<Act>),
    At(i64, Box<Act>),
}

impl Act {
    /// As a program writes it.
    pub fn term(&self) -> Term {
        let int = Term::Int;
        let op = |word, rest: Vec<Term>| Term::tuple([Term::atom(word)].into_iter().chain(rest));
        match self {
            Act::Add(n) => op("add", vec![int(*n)]),
            Act::Remove(n) | Act::Drop(n) => op("rmv", vec![int(*n)]),
            Act::Count(1) => Term::atom("increment"),
            Act::Count(n) => op("increment", vec![int(*n)]),
            Act::Set(n) => op("set", vec![int(*n)]),
            Act::SetAt(time, n) | Act::Score(time, n) => op("set", vec![int(*time), int(*n)]),
            Act::On => Term::atom("true"),
            Act::Enable => Term::atom("enable"),
            Act::Disable => Term::atom("disable"),
            Act::Apply(key, act) => op("apply", vec![int(*key), act.term()]),
            Act::First(act) => op("fst", vec![act.term()]),
            Act::Second(act) => op("snd", vec![act.term()]),
            Act::At(time, act) => op("at", vec![int(*time), act.term()]),
        }
    }
}

/// An update with what its replica had seen. Numbers grow with time, so nothing sees a greater one.
#[derive(Clone, Debug)]
pub struct Event {
    pub number: usize,
    pub replica: usize,
    pub act: Act,
    pub saw: BTreeSet<usize>,
}

impl Event {
    fn of(&self, act: &Act) -> Event {
        Event { act: act.clone(), ..self.clone() }
    }

    fn saw(&self, other: &Event) -> bool {
        self.saw.contains(&other.number)
    }
}

/// What updates come to; `None` where nothing is left of them. `drops` are the removals of keys above.
pub fn meaning(kind: &Type, events: &[Event], drops: &[Event]) -> Option<Term> {
    let dropped = |event: &Event| drops.iter().any(|drop| drop.saw(event));
    let live: Vec<&Event> = events.iter().filter(|event| !dropped(event)).collect();
    let any = |value: Term| (!live.is_empty()).then_some(value);
    let numbers = || live.iter().filter_map(|event| if let Act::Set(n) = event.act { Some(n) } else { None });
    match kind {
        Type::Set => not_empty(elements(&live, |add, _, removals| !removals.iter().any(|removal| removal.saw(add)))),
        Type::GSet => not_empty(elements(&live, |_, _, _| true)),
        Type::TwoPSet => any(elements(&live, |_, _, removals| removals.is_empty())),
        // A removal counts until somebody who has seen it adds again.
        Type::RwSet => any(elements(&live, |_, adds, removals| {
            removals.iter().all(|removal| adds.iter().any(|add| add.saw(removal)))
        })),
        Type::Counter | Type::GCounter | Type::LexCounter => counted(events, drops),
        Type::MaxInt => any(Term::Int(greatest(events, drops))),
        Type::MinInt => any(numbers().min().map_or(Term::atom("undefined"), Term::Int)),
        Type::Boolean => any(Term::boolean(true)),
        Type::EwFlag => {
            let disabled = |on: &Event| live.iter().any(|off| off.act == Act::Disable && off.saw(on));
            live.iter().any(|on| on.act == Act::Enable && !disabled(on)).then(|| Term::boolean(true))
        }
        Type::DwFlag => {
            let enabled = |off: &Event| live.iter().any(|on| on.act == Act::Enable && on.saw(off));
            live.iter().any(|off| off.act == Act::Disable && !enabled(off)).then(|| Term::boolean(false))
        }
        Type::Ivar => match distinct(numbers()).as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            many => Some(Term::pair(Term::atom("conflict"), Term::list(many.to_vec()))),
        },
        Type::MvRegister => {
            let replaced = |old: &&&Event| live.iter().any(|new| new.saw(old));
            let current = live.iter().filter(|event| !replaced(event));
            let values = current.filter_map(|event| if let Act::Set(n) = event.act { Some(n) } else { None });
            any(Term::list(distinct(values)))
        }
        Type::LwwRegister => latest(events, drops).filter(|_| !live.is_empty()),
        Type::TopK(k) => any(ranked(&live, *k)),
        Type::GMap(kind) | Type::AwMap(kind) => keys(kind, events, drops),
        Type::Pair(kinds) => {
            let side = |kind: &Type, of: &dyn Fn(&Act) -> Option<Act>| {
                let events: Vec<Event> = events.iter().filter_map(|e| of(&e.act).map(|act| e.of(&act))).collect();
                meaning(kind, &events, drops)
            };
            let first = side(&kinds.0, &|act| if let Act::First(act) = act { Some((**act).clone()) } else { None });
            let second = side(&kinds.1, &|act| if let Act::Second(act) = act { Some((**act).clone()) } else { None });
            let either = first.is_some() || second.is_some();
            let or_bottom = |value: Option<Term>, kind| value.unwrap_or_else(|| bottom(kind));
            either.then(|| Term::pair(or_bottom(first, &kinds.0), or_bottom(second, &kinds.1)))
        }
        Type::Window(window) => any(windowed(window, &live)),
        Type::BCounter => panic!("{kind} is not in the model"),
    }
}

pub fn bottom(kind: &Type) -> Term {
    match kind {
        Type::Counter | Type::GCounter | Type::LexCounter | Type::MaxInt => Term::Int(0),
        Type::Boolean | Type::EwFlag => Term::boolean(false),
        Type::DwFlag => Term::boolean(true),
        Type::MinInt | Type::Ivar | Type::LwwRegister => Term::atom("undefined"),
        Type::GMap(_) | Type::AwMap(_) => Term::map(Map::new()),
        Type::Pair(kinds) => Term::pair(bottom(&kinds.0), bottom(&kinds.1)),
        Type::Window(window) if window.slide.is_some() => Term::map(Map::new()),
        Type::Window(window) => bottom(&window.kind),
        _ => Term::Nil,
    }
}

fn distinct(numbers: impl Iterator<Item = i64>) -> Vec<Term> {
    numbers.collect::<BTreeSet<_>>().into_iter().map(Term::Int).collect()
}

fn not_empty(list: Term) -> Option<Term> {
    (list != Term::Nil).then_some(list)
}

/// The elements of which some addition is kept, given all additions and removals of the element.
fn elements(live: &[&Event], kept: impl Fn(&Event, &[&Event], &[&Event]) -> bool) -> Term {
    let mut found = BTreeSet::new();
    for add in live {
        let Act::Add(element) = add.act else { continue };
        let of = |act: &Act| live.iter().copied().filter(|event| event.act == *act).collect::<Vec<_>>();
        if kept(add, &of(&Act::Add(element)), &of(&Act::Remove(element))) {
            found.insert(element);
        }
    }
    Term::list(found.into_iter().map(Term::Int).collect::<Vec<_>>())
}

/// Each replica's counts go on from its own before, unless it has seen the key removed since; they stay, all together, as
/// long as no removal has seen the last of them.
fn counted(events: &[Event], drops: &[Event]) -> Option<Term> {
    let (mut sum, mut some) = (0, false);
    for replica in 0..3 {
        let mut chain: Option<(&Event, i64)> = None;
        let ends = |last: &Event| drops.iter().any(|drop| drop.saw(last));
        let mut finish = |chain: Option<(&Event, i64)>| {
            if let Some((_, total)) = chain.filter(|(last, _)| !ends(last)) {
                (sum, some) = (sum + total, true);
            }
        };
        for event in events.iter().filter(|event| event.replica == replica) {
            let Act::Count(n) = event.act else { continue };
            let goes_on = |last: &Event| !drops.iter().any(|drop| event.saw(drop) && drop.saw(last));
            let before = match chain.take() {
                Some((last, total)) if goes_on(last) => total,
                broken => {
                    finish(broken);
                    0
                }
            };
            chain = Some((event, before + n));
        }
        finish(chain);
    }
    some.then_some(Term::Int(sum))
}

/// The greatest number, which is at least 0. Who counts sets one more than what is left of what they have seen.
fn greatest(events: &[Event], drops: &[Event]) -> i64 {
    let mut reached: BTreeMap<usize, i64> = BTreeMap::new();
    for event in events {
        let left = |other: &&Event| event.saw(other) && !drops.iter().any(|drop| event.saw(drop) && drop.saw(other));
        let before = events.iter().filter(left).filter_map(|other| reached.get(&other.number)).max();
        let number = match event.act {
            Act::Set(n) => n,
            Act::Count(n) => n + before.map_or(0, |before| (*before).max(0)),
            _ => continue,
        };
        reached.insert(event.number, number);
    }
    let live = events.iter().filter(|event| !drops.iter().any(|drop| drop.saw(event)));
    live.filter_map(|event| reached.get(&event.number)).copied().max().unwrap_or(0).max(0)
}

/// The greatest timestamp's value. A write without one takes the next after all that is left of what it has seen.
fn latest(events: &[Event], drops: &[Event]) -> Option<Term> {
    let mut stamps: BTreeMap<usize, (i64, i64)> = BTreeMap::new();
    for event in events {
        let left = |other: &&Event| event.saw(other) && !drops.iter().any(|drop| event.saw(drop) && drop.saw(other));
        let newest = events.iter().filter(left).filter_map(|other| stamps.get(&other.number)).max();
        let stamp = match event.act {
            Act::Set(n) => (newest.map_or(1, |(time, _)| time + 1), n),
            Act::SetAt(time, n) => (time, n),
            _ => continue,
        };
        stamps.insert(event.number, stamp);
    }
    let live = events.iter().filter(|event| !drops.iter().any(|drop| drop.saw(event)));
    live.filter_map(|event| stamps.get(&event.number)).max().map(|(_, value)| Term::Int(*value))
}

fn ranked(live: &[&Event], k: u32) -> Term {
    let mut best: BTreeMap<i64, i64> = BTreeMap::new();
    for event in live {
        if let Act::Score(name, score) = event.act {
            let known = best.entry(name).or_insert(score);
            *known = score.max(*known);
        }
    }
    let mut pairs: Vec<(i64, i64)> = best.into_iter().map(|(name, score)| (-score, name)).collect();
    pairs.sort_unstable();
    let pairs = pairs.into_iter().take(k as usize);
    Term::list(pairs.map(|(score, name)| Term::pair(Term::Int(name), Term::Int(-score))).collect::<Vec<_>>())
}

/// Each key by itself; who removes it takes back what it had seen, at any depth.
fn keys(kind: &Type, events: &[Event], drops: &[Event]) -> Option<Term> {
    let mut map = Map::new();
    for key in 0..4 {
        let of_key = |act: &Act| match act {
            Act::Apply(at, act) if *at == key => Some((**act).clone()),
            _ => None,
        };
        let beneath: Vec<Event> = events.iter().filter_map(|e| of_key(&e.act).map(|act| e.of(&act))).collect();
        let removals = events.iter().filter(|event| event.act == Act::Drop(key));
        let drops: Vec<Event> = drops.iter().chain(removals).cloned().collect();
        if let Some(value) = meaning(kind, &beneath, &drops) {
            map.insert(Term::Int(key), value);
        }
    }
    (!map.is_empty()).then(|| Term::map(map))
}

/// Every event is its own; nothing in a window sees anything.
fn windowed(window: &Window, live: &[&Event]) -> Term {
    let event = |event: &&Event| match &event.act {
        Act::At(time, act) => Some((*time, Event { act: (**act).clone(), saw: BTreeSet::new(), ..(*event).clone() })),
        _ => None,
    };
    let events: Vec<(i64, Event)> = live.iter().filter_map(event).collect();
    let newest = events.iter().map(|(time, _)| *time).max().unwrap_or(0);
    let span = i64::try_from(window.span).expect("a short span");
    let at = |end: i64| {
        let inside = events.iter().filter(|(time, _)| *time <= end && *time > end - span);
        let inside: Vec<Event> = inside.map(|(_, event)| event.clone()).collect();
        meaning(&window.kind, &inside, &[]).unwrap_or_else(|| bottom(&window.kind))
    };
    let Some((slide, keep)) = window.slide else { return at(newest) };
    let slide = i64::try_from(slide).expect("a short slide");
    let last = (newest + slide - 1).div_euclid(slide) * slide;
    Term::map(
        (0..i64::from(keep)).map(|back| (Term::Int(last - back * slide), at(last - back * slide))).collect::<Map>(),
    )
}

fn apply(key: i64, act: Act) -> Act {
    Act::Apply(key, Box::new(act))
}

fn at(time: i64, act: Act) -> Act {
    Act::At(time, Box::new(act))
}

fn window(span: u64, slide: Option<(u64, u32)>, kind: Type) -> Type {
    Type::Window(Box::new(Window { span, slide, kind }))
}

/// Types that may stand alone or in a map, with two or three updates of each.
fn inner() -> Vec<(Type, Vec<Act>)> {
    let in_and_out = vec![Act::Add(1), Act::Remove(1), Act::Add(2)];
    let both = Type::Pair(Box::new((Type::Counter, Type::Set)));
    let sides = [
        Act::First(Box::new(Act::Count(1))),
        Act::Second(Box::new(Act::Add(1))),
        Act::Second(Box::new(Act::Remove(1))),
    ];
    vec![
        (Type::Set, in_and_out.clone()),
        (Type::GSet, vec![Act::Add(1), Act::Add(2)]),
        (Type::RwSet, in_and_out.clone()),
        (Type::TwoPSet, in_and_out),
        (Type::Counter, vec![Act::Count(1), Act::Count(-3)]),
        (Type::GCounter, vec![Act::Count(1), Act::Count(4)]),
        (Type::LexCounter, vec![Act::Count(1), Act::Count(-2)]),
        (Type::MaxInt, vec![Act::Set(5), Act::Set(3), Act::Count(1)]),
        (Type::MinInt, vec![Act::Set(5), Act::Set(3)]),
        (Type::Boolean, vec![Act::On]),
        (Type::EwFlag, vec![Act::Enable, Act::Disable]),
        (Type::DwFlag, vec![Act::Enable, Act::Disable]),
        (Type::Ivar, vec![Act::Set(1), Act::Set(2)]),
        (Type::LwwRegister, vec![Act::Set(1), Act::Set(2), Act::SetAt(2, 9)]),
        (Type::MvRegister, vec![Act::Set(1), Act::Set(2)]),
        (Type::TopK(1), vec![Act::Score(1, 5), Act::Score(2, 4), Act::Score(1, 3)]),
        (both, sides.into()),
        (window(3, None, Type::Counter), vec![at(1, Act::Count(1)), at(5, Act::Count(10)), at(3, Act::Count(100))]),
        (window(4, Some((2, 2)), Type::MaxInt), vec![at(1, Act::Set(7)), at(4, Act::Set(5)), at(9, Act::Set(3))]),
    ]
}

/// All types alone, in maps whose keys are removed, and in those in each other.
pub fn all() -> Vec<(Type, Vec<Act>)> {
    let map = |kind: &Type| Type::AwMap(Box::new(kind.clone()));
    let mut all = inner();
    for (kind, acts) in inner() {
        let mut inside: Vec<Act> = acts.iter().map(|act| apply(1, act.clone())).collect();
        inside.push(Act::Drop(1));
        if !matches!(kind, Type::DwFlag) {
            all.push((Type::GMap(Box::new(kind.clone())), inside[..inside.len() - 1].to_vec()));
        }
        let mut deeper: Vec<Act> = inside.iter().map(|act| apply(2, act.clone())).collect();
        deeper.push(Act::Drop(2));
        all.extend([(map(&kind), inside), (map(&map(&kind)), deeper)]);
    }
    all
}

/// Whether a replica that has seen these events may do this: only what is assigned already refuses something else.
pub fn accepts(kind: &Type, act: &Act, events: &[Event], drops: &[Event]) -> bool {
    let within = |of: &dyn Fn(&Act) -> Option<Act>| -> Vec<Event> {
        events.iter().filter_map(|event| of(&event.act).map(|act| event.of(&act))).collect()
    };
    match (kind, act) {
        (Type::Ivar, Act::Set(value)) => {
            meaning(kind, events, drops).is_none_or(|assigned| assigned == Term::Int(*value))
        }
        (Type::GMap(kind) | Type::AwMap(kind), Act::Apply(key, act)) => {
            let beneath = within(&|other| match other {
                Act::Apply(at, other) if at == key => Some((**other).clone()),
                _ => None,
            });
            let removals = events.iter().filter(|event| event.act == Act::Drop(*key));
            let drops: Vec<Event> = drops.iter().chain(removals).cloned().collect();
            accepts(kind, act, &beneath, &drops)
        }
        _ => true,
    }
}
