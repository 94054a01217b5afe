//! Operations: what a program can do to a variable of each type, and how it is written.

use num_bigint::BigInt;

use crate::lattice::sum::Sum;
use crate::source::diagnostic::Diagnostic;
use crate::value::atom::Atom;
use crate::value::kind::Type;
use crate::value::term::Term;

/// An operation, read for a type. Which variants there are for a type follows from [`shapes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Sets: puts these elements in.
    Add(Vec<Term>),
    /// Sets: takes these elements out.
    Remove(Vec<Term>),
    /// Counters: so much up; never negative.
    Up(Sum),
    /// Counters: so much down; never negative.
    Down(Sum),
    /// `max_int`: one more than the value.
    Increment,
    /// `max_int`: at least this integer; `min_int`: at most.
    Extremum(Term),
    /// `boolean`: true from now on; `ewflag`, `dwflag`: enabled.
    True,
    /// `ewflag`, `dwflag`: disabled.
    False,
    /// Registers and `ivar`: this value, now.
    Assign(Term),
    /// `lwwregister`: this value, at an integer timestamp.
    AssignAt(Term, Term),
    /// `top_k`: a name and a score of it.
    Score(Term, Term),
    /// `bcounter`: gives so much of the rights (never negative) to this node or actor.
    Move(Sum, Term),
    /// Maps: an operation on what the key has.
    Apply(Term, Box<Op>),
    /// Maps: several of these, in order.
    ApplyAll(Vec<(Term, Op)>),
    /// Maps whose keys are removable: takes these keys out.
    RemoveKeys(Vec<Term>),
    /// Pairs: on the first.
    First(Box<Op>),
    /// Pairs: on the second.
    Second(Box<Op>),
    /// Windows: an event with this integer timestamp.
    At(Term, Box<Op>),
}

/// An operation that the type does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadOp {
    /// The type.
    pub kind: Type,
    /// What was given.
    pub given: Term,
}

/// The code of [`BadOp`].
pub const BAD_OPERATION: &str = "E0303";

/// The operations that a type supports, as a program writes them.
#[must_use]
pub fn shapes(kind: &Type) -> &'static [&'static str] {
    match kind {
        Type::Set | Type::RwSet | Type::TwoPSet => {
            &["{add, E}", "{add, List}", "{add_all, List}", "{rmv, E}", "{remove, E}", "{rmv_all, List}"]
        }
        Type::GSet => &["{add, E}", "{add, List}", "{add_all, List}"],
        Type::Counter | Type::LexCounter => &["increment", "{increment, N}", "decrement", "{decrement, N}"],
        Type::GCounter => &["increment", "{increment, N} with N at least 0"],
        Type::BCounter => {
            &["increment", "{increment, N}", "decrement", "{decrement, N}", "{move, N, To} with N at least 0"]
        }
        Type::MaxInt => &["increment", "{set, N} with an integer N"],
        Type::MinInt => &["{set, N} with an integer N"],
        Type::Ivar | Type::MvRegister => &["{set, V}"],
        Type::Boolean => &["true"],
        Type::EwFlag | Type::DwFlag => &["enable", "disable"],
        Type::LwwRegister => &["{set, V}", "{set, Timestamp, V} with an integer Timestamp"],
        Type::TopK(_) => &["{set, Name, Score}"],
        Type::GMap(_) => &["{apply, Key, Op}", "{apply_all, [{Key, Op}]}"],
        Type::AwMap(kind) if **kind == Type::MvRegister => {
            &["{set, Key, V}", "{rmv, Key}", "{rmv_all, List}", "{apply, Key, Op}", "{apply_all, [{Key, Op}]}"]
        }
        Type::AwMap(_) => &["{apply, Key, Op}", "{apply_all, [{Key, Op}]}", "{rmv, Key}", "{rmv_all, List}"],
        Type::Pair(_) => &["{fst, Op}", "{snd, Op}"],
        Type::Window(_) => &["{at, Timestamp, Op} with an integer Timestamp"],
    }
}

/// The operations of a type that a `fold` can contribute, and take back when the element leaves.
#[must_use]
pub fn contributable(kind: &Type) -> &'static [&'static str] {
    match kind {
        _ if kind.has_bounded_counter() => &[],
        Type::Set | Type::GSet | Type::RwSet | Type::TwoPSet => &["{add, E}", "{add, List}", "{add_all, List}"],
        Type::MaxInt | Type::MinInt => &["{set, N} with an integer N"],
        Type::Ivar | Type::LwwRegister | Type::MvRegister | Type::EwFlag | Type::DwFlag | Type::BCounter => &[],
        Type::GMap(kind) | Type::AwMap(kind) if contributable(kind).is_empty() => &[],
        Type::GMap(_) | Type::AwMap(_) => &["{apply, Key, Op}", "{apply_all, [{Key, Op}]}"],
        Type::Pair(kinds) => match (contributable(&kinds.0).is_empty(), contributable(&kinds.1).is_empty()) {
            (true, true) => &[],
            (true, false) => &["{snd, Op}"],
            (false, true) => &["{fst, Op}"],
            (false, false) => shapes(kind),
        },
        Type::Window(window) if contributable(&window.kind).is_empty() => &[],
        Type::Window(_) | Type::Counter | Type::GCounter | Type::LexCounter | Type::Boolean | Type::TopK(_) => {
            shapes(kind)
        }
    }
}

impl Op {
    /// Reads an operation as a program writes it.
    ///
    /// # Errors
    /// When the type has no such operation, or not with such an argument. In a nested operation that is wrong, what is wrong
    /// is told of the inner type.
    pub fn parse(kind: &Type, term: &Term) -> Result<Op, BadOp> {
        let refused = || BadOp { kind: kind.clone(), given: term.clone() };
        let parts: &[Term] = term.as_tuple().unwrap_or(std::slice::from_ref(term));
        let (Some(word), rest) = (parts.first().and_then(Term::as_atom), parts.get(1..).unwrap_or_default()) else {
            return Err(refused());
        };
        // `{increment}` is not `increment`.
        if rest.is_empty() && term.as_tuple().is_some() {
            return Err(refused());
        }
        let op = match kind {
            Type::Set | Type::GSet | Type::RwSet | Type::TwoPSet => on_set(kind, word, rest),
            Type::Counter | Type::GCounter | Type::LexCounter | Type::BCounter => on_counter(kind, word, rest),
            Type::MaxInt | Type::MinInt => match (word, rest) {
                ("increment", []) if *kind == Type::MaxInt => Some(Op::Increment),
                ("set", [value @ (Term::Int(_) | Term::Big(_))]) => Some(Op::Extremum(value.clone())),
                _ => None,
            },
            Type::Ivar => match (word, rest) {
                ("set", [value]) => Some(Op::Assign(value.clone())),
                _ => None,
            },
            // As in the original, a timestamp may be given, and means nothing.
            Type::MvRegister => match (word, rest) {
                ("set", [value] | [_, value]) => Some(Op::Assign(value.clone())),
                _ => None,
            },
            Type::Boolean => (word == "true" && rest.is_empty()).then_some(Op::True),
            Type::EwFlag | Type::DwFlag => match (word, rest) {
                ("enable", []) => Some(Op::True),
                ("disable", []) => Some(Op::False),
                _ => None,
            },
            Type::LwwRegister => match (word, rest) {
                ("set", [value]) => Some(Op::Assign(value.clone())),
                ("set", [time @ (Term::Int(_) | Term::Big(_)), value]) => {
                    Some(Op::AssignAt(time.clone(), value.clone()))
                }
                _ => None,
            },
            Type::TopK(_) => match (word, rest) {
                ("set", [name, score]) => Some(Op::Score(name.clone(), score.clone())),
                _ => None,
            },
            Type::GMap(_) | Type::AwMap(_) => return on_map(kind, word, rest).unwrap_or_else(|| Err(refused())),
            Type::Pair(kinds) => match (word, rest) {
                ("fst", [op]) => Some(Op::First(Box::new(Op::parse(&kinds.0, op)?))),
                ("snd", [op]) => Some(Op::Second(Box::new(Op::parse(&kinds.1, op)?))),
                _ => None,
            },
            Type::Window(window) => match (word, rest) {
                ("at", [time @ (Term::Int(_) | Term::Big(_)), op]) => {
                    Some(Op::At(time.clone(), Box::new(in_window(&window.kind, op)?)))
                }
                _ => None,
            },
        };
        op.ok_or_else(refused)
    }

    /// Whether a derivation can contribute it and take it back: what depends on what is there, or takes away, cannot.
    #[must_use]
    pub fn is_contributable(&self) -> bool {
        match self {
            Op::Add(_) | Op::Up(_) | Op::Down(_) | Op::Extremum(_) | Op::True | Op::Score(..) => true,
            Op::Apply(_, op) | Op::First(op) | Op::Second(op) | Op::At(_, op) => op.is_contributable(),
            Op::ApplyAll(ops) => ops.iter().all(|(_, op)| op.is_contributable()),
            Op::Remove(_)
            | Op::Increment
            | Op::False
            | Op::Assign(_)
            | Op::AssignAt(..)
            | Op::Move(..)
            | Op::RemoveKeys(_) => false,
        }
    }
}

/// An event's operation: one that can be withdrawn.
fn in_window(kind: &Type, term: &Term) -> Result<Op, BadOp> {
    let op = Op::parse(kind, term)?;
    if op.is_contributable() { Ok(op) } else { Err(BadOp { kind: kind.clone(), given: term.clone() }) }
}

fn on_set(kind: &Type, word: &str, rest: &[Term]) -> Option<Op> {
    let [argument] = rest else { return None };
    let one = || vec![argument.clone()];
    match word {
        "add" => Some(Op::Add(argument.to_vec().unwrap_or_else(one))),
        "add_all" => argument.to_vec().map(Op::Add),
        "rmv" | "remove" if *kind != Type::GSet => Some(Op::Remove(one())),
        "rmv_all" | "remove_all" if *kind != Type::GSet => argument.to_vec().map(Op::Remove),
        _ => None,
    }
}

fn on_counter(kind: &Type, word: &str, rest: &[Term]) -> Option<Op> {
    let amount = match (word, rest) {
        ("move", [amount, to]) if *kind == Type::BCounter => {
            return sum_of(amount).filter(|amount| !amount.is_negative()).map(|amount| Op::Move(amount, to.clone()));
        }
        (_, []) => Sum::small(1),
        (_, [amount]) => sum_of(amount)?,
        _ => return None,
    };
    let downward = match word {
        "increment" => amount.is_negative(),
        "decrement" => !amount.is_negative(),
        _ => return None,
    };
    if *kind == Type::GCounter && (word != "increment" || downward) || *kind == Type::BCounter && amount.is_negative() {
        return None;
    }
    let amount = if amount.is_negative() { amount.negated() } else { amount };
    Some(if downward { Op::Down(amount) } else { Op::Up(amount) })
}

/// An operation on a map; `None` where it has no such shape, an error where the inner operation is wrong.
fn on_map(kind: &Type, word: &str, rest: &[Term]) -> Option<Result<Op, BadOp>> {
    let (inner, removable) = match kind {
        Type::GMap(inner) => (&**inner, false),
        Type::AwMap(inner) => (&**inner, true),
        _ => return None,
    };
    Some(match (word, rest) {
        ("apply", [key, op]) => Op::parse(inner, op).map(|op| Op::Apply(key.clone(), Box::new(op))),
        ("set", [key, value]) if removable && *inner == Type::MvRegister => {
            Ok(Op::Apply(key.clone(), Box::new(Op::Assign(value.clone()))))
        }
        ("apply_all", [list]) => {
            let mut ops = Vec::new();
            for item in list.to_vec()? {
                let Some([key, op]) = item.as_tuple() else { return None };
                match Op::parse(inner, op) {
                    Ok(op) => ops.push((key.clone(), op)),
                    Err(bad) => return Some(Err(bad)),
                }
            }
            Ok(Op::ApplyAll(ops))
        }
        ("rmv" | "remove", [key]) if removable => Ok(Op::RemoveKeys(vec![key.clone()])),
        ("rmv_all" | "remove_all", [list]) if removable => Ok(Op::RemoveKeys(list.to_vec()?)),
        _ => return None,
    })
}

/// A number as a sum of its own; `None` for anything else.
#[must_use]
pub fn sum_of(number: &Term) -> Option<Sum> {
    match number {
        Term::Int(value) => Some(Sum::small(*value)),
        Term::Big(value) => Some(Sum::big(BigInt::clone(value))),
        Term::Float(value) => Sum::float(value.get()),
        _ => None,
    }
}

impl BadOp {
    /// As a message, without a place.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let article = self.kind.with_article();
        if Op::parse(&self.kind, &self.given).is_ok() {
            // The type has it; it was refused as an event of a window.
            let title = format!("{article} in a window has no operation `{}`", Brief(&self.given));
            return Diagnostic::error(BAD_OPERATION, title)
                .help("what leaves a window is taken back, so its events are operations that can be")
                .help(format!("it has {} there", list(contributable(&self.kind))));
        }
        let title = format!("{article} has no operation `{}`", Brief(&self.given));
        let diagnostic = Diagnostic::error(BAD_OPERATION, title);
        let diagnostic = match self.filled().or_else(|| self.meant().map(str::to_owned)) {
            Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
            None if self.kind.is_counter()
                && self.given.as_tuple().is_some_and(|parts| parts[..1] == [Term::atom("set")]) =>
            {
                diagnostic.help(
                    "a counter adds up what all nodes do, so that it cannot be set; `max_int` and `lwwregister` can",
                )
            }
            None => match self.within().map(|within| format!("write `{within}`")).or_else(|| self.hint()) {
                Some(help) => diagnostic.help(help),
                None => diagnostic,
            },
        };
        diagnostic.help(format!("it has {}", list(shapes(&self.kind))))
    }

    /// For an operation of what the type is made of: the same with what belongs around it.
    fn within(&self) -> Option<String> {
        let fits = |kind: &Type| Op::parse(kind, &self.given).is_ok();
        let given = Brief(&self.given);
        match &self.kind {
            Type::Window(window) if fits(&window.kind) => Some(format!("{{at, Timestamp, {given}}}")),
            Type::GMap(kind) | Type::AwMap(kind) if fits(kind) => Some(format!("{{apply, Key, {given}}}")),
            Type::Pair(kinds) if fits(&kinds.0) => Some(format!("{{fst, {given}}}")),
            Type::Pair(kinds) if fits(&kinds.1) => Some(format!("{{snd, {given}}}")),
            _ => None,
        }
    }

    /// What is often meant by what is no operation.
    fn hint(&self) -> Option<String> {
        if let Some(list) = self.given.to_vec().filter(|list| !list.is_empty()) {
            let tuple = Term::tuple(list);
            if Op::parse(&self.kind, &tuple).is_ok() {
                return Some(format!("operations are tuples, not lists: write `{}`", Brief(&tuple)));
            }
            return Some("an update makes one operation: write an `update` for each of them".to_owned());
        }
        if let Some(text) = self.given.as_text() {
            let fits = Atom::new(text).is_ok_and(|atom| Op::parse(&self.kind, &Term::Atom(atom)).is_ok());
            return fits.then(|| format!("operations are atoms and tuples, not texts: write `{text}`"));
        }
        if self.kind == Type::Boolean && self.given.as_atom() == Some("false") {
            return Some("a boolean becomes true, for good; an `ewflag` has `enable` and `disable`".to_owned());
        }
        if matches!(self.kind, Type::EwFlag | Type::DwFlag) {
            match self.given.as_atom() {
                Some("true") => return Some("did you mean `enable`?".to_owned()),
                Some("false") => return Some("did you mean `disable`?".to_owned()),
                _ => {}
            }
        }
        match (self.given.as_tuple()?, &self.kind) {
            ([only], kind) if Op::parse(kind, only).is_ok() => {
                Some(format!("braces make a tuple: write `{}` alone", Brief(only)))
            }
            ([word, to, amount], Type::BCounter) if word.as_atom() == Some("move") && sum_of(amount).is_some() => {
                let to = if sum_of(to).is_some() { "To".to_owned() } else { Brief(to).to_string() };
                Some(format!(
                    "how much comes first, and then to whom: `{{move, {}, {to}}}`, with the name of a node or of an actor",
                    Brief(amount)
                ))
            }
            ([word, _], Type::GSet) if matches!(word.as_atom()?, "rmv" | "remove" | "rmv_all" | "delete") => {
                Some("a `gset` only grows; elements leave a `set`".to_owned())
            }
            ([word, number], kind)
                if kind.is_counter() && Op::parse(kind, word).is_ok() && sum_of(number).is_none() =>
            {
                Some(format!("N is a number, and this is `{}`", Brief(number)))
            }
            ([word, key, _], Type::GMap(inner) | Type::AwMap(inner))
                if matches!(word.as_atom()?, "set" | "put" | "add" | "insert" | "store") =>
            {
                let operation = shapes(inner).first()?.split(" with ").next()?;
                Some(format!(
                    "what is under a key is {}, and is updated as such: `{{apply, {}, {operation}}}`; `mvmap` has `{{set, Key, V}}`",
                    inner.with_article(),
                    Brief(key)
                ))
            }
            _ => None,
        }
    }

    /// The operation that was probably meant, with what was given where it belongs: `{increment, 1}` for `1` and `{add, 1}`.
    fn filled(&self) -> Option<String> {
        let with = |word: &'static str, rest: &[Term]| {
            let parts = std::iter::once(Term::atom(word)).chain(rest.iter().cloned());
            Term::tuple(parts.collect::<Vec<Term>>())
        };
        let given = &self.given;
        let may_be: Vec<Term> = match given.as_tuple() {
            None if given.as_atom().is_some() || given.to_vec().is_some() => return None,
            None => ["increment", "set", "add"].map(|word| with(word, std::slice::from_ref(given))).to_vec(),
            Some([key, inner]) if matches!(self.kind, Type::GMap(_) | Type::AwMap(_)) => {
                vec![with("apply", &[key.clone(), inner.clone()])]
            }
            Some([word, rest @ ..]) if !rest.is_empty() => {
                let word = word.as_atom()?;
                let scored =
                    rest.first().and_then(|pair| pair.as_tuple()).filter(|pair| rest.len() == 1 && pair.len() == 2);
                match (&self.kind, word) {
                    (kind, "add" | "count") if kind.is_counter() => vec![with("increment", rest)],
                    (kind, "sub" | "subtract" | "remove" | "rmv") if kind.is_counter() => vec![with("decrement", rest)],
                    (Type::TopK(_), "add" | "put" | "insert" | "push" | "set") => {
                        vec![with("set", scored.unwrap_or(rest))]
                    }
                    _ => vec![with(own_word(word)?, rest)],
                }
            }
            Some(_) => return None,
        };
        let fits = may_be.into_iter().find(|term| Op::parse(&self.kind, term).is_ok())?;
        Some(Brief(&fits).to_string())
    }

    /// The shape that was probably meant: another word for it, or its word without its argument.
    fn meant(&self) -> Option<&'static str> {
        let word = match self.given.as_tuple() {
            Some(parts) => parts.first()?.as_atom()?,
            None => self.given.as_atom()?,
        };
        let own = own_word(word).unwrap_or(word);
        let mut with_word = shapes(&self.kind).iter().map(|shape| shape.split(" with ").next().unwrap_or(shape));
        with_word.find(|shape| {
            let first = shape.trim_start_matches('{').split([',', '}']).next().unwrap_or("");
            let takes_more = shape.starts_with('{') && self.given.as_tuple().is_none();
            first == own && (own != word || takes_more)
        })
    }
}

/// The word that operations have for what is called otherwise elsewhere.
fn own_word(word: &str) -> Option<&'static str> {
    Some(match word {
        "push" | "append" | "insert" | "put" | "store" | "union" => "add",
        "delete" | "del" | "erase" | "pop" | "discard" | "subtract" => "rmv",
        "inc" | "incr" | "plus" | "up" => "increment",
        "dec" | "decr" | "minus" | "down" => "decrement",
        "write" | "assign" | "store_value" | "bind" => "set",
        "on" | "set_true" => "enable",
        "off" | "set_false" => "disable",
        _ => return None,
    })
}

/// `a`, `b` and `c`, each in backquotes.
#[must_use]
pub fn list(words: &[&str]) -> String {
    let mut text = String::new();
    for (at, word) in words.iter().enumerate() {
        let before = match at {
            0 => "",
            _ if at + 1 == words.len() => " and ",
            _ => ", ",
        };
        let (shape, rest) = word.split_once(" with ").map_or((*word, None), |(shape, rest)| (shape, Some(rest)));
        text.push_str(before);
        text.push_str(&format!("`{shape}`"));
        if let Some(rest) = rest {
            text.push_str(" with ");
            text.push_str(rest);
        }
    }
    text
}

/// A term for a message: cut where it is long.
pub struct Brief<'a>(pub &'a Term);

/// The most characters of a term that a message shows.
const BRIEF_MAX: usize = 120;

impl std::fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut cut = Cut { left: BRIEF_MAX, text: String::new() };
        let whole = std::fmt::Write::write_fmt(&mut cut, format_args!("{:#}", self.0)).is_ok();
        f.write_str(&cut.text)?;
        if whole { Ok(()) } else { f.write_str("…") }
    }
}

/// Takes so many characters and then refuses more, so that a long term is never written out whole.
struct Cut {
    left: usize,
    text: String,
}

impl std::fmt::Write for Cut {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for c in text.chars() {
            self.left = self.left.checked_sub(1).ok_or(std::fmt::Error)?;
            self.text.push(c);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuple(word: &'static str, rest: &[Term]) -> Term {
        Term::tuple([Term::atom(word)].into_iter().chain(rest.iter().cloned()))
    }

    fn ints(values: &[i64]) -> Term {
        Term::list(values.iter().map(|value| Term::Int(*value)).collect::<Vec<_>>())
    }

    #[test]
    fn add_takes_a_list_apart_and_rmv_does_not() {
        let parse = |word, argument: Term| Op::parse(&Type::Set, &tuple(word, &[argument]));
        assert_eq!(parse("add", ints(&[1, 2])), Ok(Op::Add(vec![Term::Int(1), Term::Int(2)])));
        assert_eq!(parse("add", Term::list([ints(&[1])])), Ok(Op::Add(vec![ints(&[1])])));
        assert_eq!(parse("add", Term::Int(1)), Ok(Op::Add(vec![Term::Int(1)])));
        assert_eq!(parse("rmv", ints(&[1])), Ok(Op::Remove(vec![ints(&[1])])));
        assert_eq!(parse("rmv_all", ints(&[1])), Ok(Op::Remove(vec![Term::Int(1)])));
        assert!(parse("rmv_all", Term::Int(1)).is_err());
        assert!(Op::parse(&Type::GSet, &tuple("rmv", &[Term::Int(1)])).is_err());
    }

    #[test]
    fn a_negative_increment_is_a_decrement_where_there_is_one() {
        let minus_two = tuple("increment", &[Term::Int(-2)]);
        assert_eq!(Op::parse(&Type::Counter, &minus_two), Ok(Op::Down(Sum::small(2))));
        assert!(Op::parse(&Type::GCounter, &minus_two).is_err());
        assert!(Op::parse(&Type::Counter, &tuple("increment", &[Term::text("1")])).is_err());
        assert!(Op::parse(&Type::Counter, &Term::tuple([Term::atom("increment")])).is_err());
    }

    #[test]
    fn a_refusal_says_what_was_meant() {
        let help = |kind: &Type, op: &Term| Op::parse(kind, op).expect_err("no operation").diagnostic().help[0].clone();
        let five = tuple("increment", &[Term::text("5")]);
        assert_eq!(help(&Type::Counter, &five), "N is a number, and this is `\"5\"`");
        let list = Term::list([tuple("add", &[Term::Int(1)])]);
        assert_eq!(help(&Type::Set, &list), "an update makes one operation: write an `update` for each of them");
        let put = tuple("put", &[Term::atom("k"), Term::Int(1)]);
        let map = Type::AwMap(Box::new(Type::Set));
        assert!(help(&map, &put).contains("`{apply, k, {add, E}}`"), "{}", help(&map, &put));
    }

    #[test]
    fn a_refusal_lists_what_there_is() {
        let refused = Op::parse(&Type::LwwRegister, &Term::atom("increment")).expect_err("no such operation");
        let help = refused.diagnostic().help.join(" ");
        assert_eq!(help, "it has `{set, V}` and `{set, Timestamp, V}` with an integer Timestamp");
    }
}
