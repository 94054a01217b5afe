//! The types of variables.

use std::fmt;

use crate::source::diagnostic::Diagnostic;
use crate::value::operation::Brief;
use crate::value::term::Term;

/// The greatest K of a `top_k`.
pub const TOP_K_MAX: u32 = 1_000_000;
/// The greatest number of windows that a sliding window shows.
pub const WINDOWS_MAX: u32 = 10_000;
/// How deep types may be nested in each other.
pub const TYPE_DEPTH_MAX: u32 = 16;

/// A variable's type. Aliases are resolved when a type is read, so equal types are equal here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// Add-wins set without tombstones.
    Set,
    /// Grow-only set.
    GSet,
    /// Counter that goes up and down.
    Counter,
    /// Counter that only goes up.
    GCounter,
    /// The greatest integer ever set.
    MaxInt,
    /// Single assignment.
    Ivar,
    /// False until it is true.
    Boolean,
    /// Last writer wins.
    LwwRegister,
    /// The best score of each name, and the K best names.
    TopK(u32),
    /// Remove-wins set.
    RwSet,
    /// Set whose elements can be taken out once, for good.
    TwoPSet,
    /// Counter that is never below 0 anywhere.
    BCounter,
    /// Counter, as Lasp's lexicographic one; for programs the same as [`Type::Counter`].
    LexCounter,
    /// The smallest integer ever set.
    MinInt,
    /// Flag that concurrent enabling and disabling leaves enabled.
    EwFlag,
    /// Flag that concurrent enabling and disabling leaves disabled; enabled to begin with.
    DwFlag,
    /// Register that keeps all concurrent values.
    MvRegister,
    /// Map whose keys stay.
    GMap(Box<Type>),
    /// Map whose keys can be removed; an `mvmap` is one of `mvregister`s.
    AwMap(Box<Type>),
    /// Two variables in one.
    Pair(Box<(Type, Type)>),
    /// What happened lately.
    Window(Box<Window>),
}

/// The parameters of a window.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// How long events count, in the units of their timestamps; at least 1.
    pub span: u64,
    /// Of a sliding window: the distance of its ends (at least 1), and how many windows are shown (at least 1).
    pub slide: Option<(u64, u32)>,
    /// What the events add up to.
    pub kind: Type,
}

impl Type {
    /// The types without parameters, by all their names; `state_` may stand before any of them. Those with parameters have
    /// their defaults under their bare names.
    pub const NAMES: &[(&'static str, Type)] = &[
        ("set", Type::Set),
        ("awset", Type::Set),
        ("orset", Type::Set),
        ("awset_ps", Type::Set),
        ("rwset", Type::RwSet),
        ("gset", Type::GSet),
        ("twopset", Type::TwoPSet),
        ("counter", Type::Counter),
        ("pncounter", Type::Counter),
        ("gcounter", Type::GCounter),
        ("bcounter", Type::BCounter),
        ("lexcounter", Type::LexCounter),
        ("max_int", Type::MaxInt),
        ("min_int", Type::MinInt),
        ("boolean", Type::Boolean),
        ("ewflag", Type::EwFlag),
        ("dwflag", Type::DwFlag),
        ("ivar", Type::Ivar),
        ("lwwregister", Type::LwwRegister),
        ("mvregister", Type::MvRegister),
    ];

    /// The names of types that take parameters, with an example of each.
    pub const PARAMETRIC: &[(&'static str, &'static str)] = &[
        ("gmap", "{gmap, [Type]}"),
        ("awmap", "{awmap, [Type]}"),
        ("map", "{map, [Type]}"),
        ("mvmap", "mvmap"),
        ("pair", "{pair, [Type1, Type2]}"),
        ("top_k", "{top_k, [K]}"),
        ("window", "{window, [Span, Type]}"),
    ];

    /// Reads a type as a program writes it: `set`, `state_gcounter`, `{top_k, [10]}`, `{gmap, [counter]}`.
    #[must_use]
    pub fn parse(term: &Term) -> Option<Type> {
        Type::read(term).ok()
    }

    /// Reads a type as a program writes it, or says why it is none.
    ///
    /// # Errors
    /// When it is not a type.
    pub fn read(term: &Term) -> Result<Type, BadType> {
        let kind = read(term, TYPE_DEPTH_MAX)?;
        if kind.removable_bounded_counter(false) {
            return Err(BadType { given: term.clone(), reason: Some(BOUNDED.to_owned()) });
        }
        Ok(kind)
    }

    /// Whether a bounded counter stands beneath a map whose keys can be removed.
    fn removable_bounded_counter(&self, removable: bool) -> bool {
        match self {
            Type::BCounter => removable,
            Type::GMap(kind) => kind.removable_bounded_counter(removable),
            Type::AwMap(kind) => kind.removable_bounded_counter(true),
            Type::Pair(kinds) => {
                kinds.0.removable_bounded_counter(removable) || kinds.1.removable_bounded_counter(removable)
            }
            Type::Window(window) => window.kind.removable_bounded_counter(removable),
            _ => false,
        }
    }

    /// Whether a bounded counter stands anywhere in it: no derivation may contribute to it then.
    #[must_use]
    pub fn has_bounded_counter(&self) -> bool {
        match self {
            Type::BCounter => true,
            Type::GMap(kind) | Type::AwMap(kind) => kind.has_bounded_counter(),
            Type::Pair(kinds) => kinds.0.has_bounded_counter() || kinds.1.has_bounded_counter(),
            Type::Window(window) => window.kind.has_bounded_counter(),
            _ => false,
        }
    }

    /// Whether its value is a set of elements.
    #[must_use]
    pub fn is_set(&self) -> bool {
        matches!(self, Type::Set | Type::GSet | Type::RwSet | Type::TwoPSet)
    }

    /// Whether it counts.
    #[must_use]
    pub fn is_counter(&self) -> bool {
        matches!(self, Type::Counter | Type::GCounter | Type::BCounter | Type::LexCounter)
    }

    /// Whether it is a map from keys that programs choose.
    #[must_use]
    pub fn is_map(&self) -> bool {
        matches!(self, Type::GMap(_) | Type::AwMap(_))
    }

    /// The type as a program writes it, under its first name.
    #[must_use]
    pub fn to_term(&self) -> Term {
        let with = |name, parameters: Vec<Term>| Term::tuple([Term::atom(name), Term::list(parameters)]);
        let number = |number: u64| Term::Int(i64::try_from(number).unwrap_or(i64::MAX));
        match self {
            Type::TopK(k) => with("top_k", vec![Term::Int(i64::from(*k))]),
            Type::AwMap(kind) if **kind == Type::MvRegister => Term::atom("mvmap"),
            Type::GMap(kind) => with("gmap", vec![kind.to_term()]),
            Type::AwMap(kind) => with("awmap", vec![kind.to_term()]),
            Type::Pair(kinds) => with("pair", vec![kinds.0.to_term(), kinds.1.to_term()]),
            Type::Window(window) => {
                let mut parameters = vec![number(window.span)];
                if let Some((slide, keep)) = window.slide {
                    parameters.extend([number(slide), Term::Int(i64::from(keep))]);
                }
                parameters.push(window.kind.to_term());
                with("window", parameters)
            }
            _ => Term::atom(self.name()),
        }
    }

    /// The type with its article, for messages: `a set`, `an ivar`.
    #[must_use]
    pub fn with_article(&self) -> String {
        // Names of initials are spoken letter by letter.
        let vowel = self.name().starts_with(['a', 'e', 'i', 'o', 'u', 'm'])
            && !matches!(self, Type::MaxInt | Type::MinInt)
            || matches!(self, Type::LwwRegister | Type::RwSet);
        let article = if vowel && self.to_term().as_tuple().is_none() { "an" } else { "a" };
        format!("{article} {self}")
    }

    /// The first name, without parameters.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Type::TopK(_) => "top_k",
            Type::GMap(_) => "gmap",
            Type::AwMap(kind) if **kind == Type::MvRegister => "mvmap",
            Type::AwMap(_) => "awmap",
            Type::Pair(_) => "pair",
            Type::Window(_) => "window",
            _ => Type::NAMES.iter().find(|(_, kind)| kind == self).map_or("set", |(name, _)| name),
        }
    }
}

const BOUNDED: &str = "a `bcounter` cannot stand inside a map whose keys are removed: removing a key would take rights away, and break its bound";

/// What may be contributed to the events of a window.
const IN_WINDOW: &str = "a window holds what can be withdrawn again: sets that grow, counters (not `bcounter`), `max_int`, `min_int`, `boolean`, `top_k`, and windows, maps and pairs of these";

fn read(term: &Term, depth: u32) -> Result<Type, BadType> {
    let bad = |reason: Option<String>| BadType { given: term.clone(), reason };
    let Some(depth) = depth.checked_sub(1) else {
        return Err(bad(Some(format!("types are nested {TYPE_DEPTH_MAX} deep at most"))));
    };
    if let Some(name) = term.as_atom() {
        return bare(name.strip_prefix("state_").unwrap_or(name)).ok_or_else(|| bad(None));
    }
    let Some([name, parameters]) = term.as_tuple() else { return Err(bad(None)) };
    let (Some(name), Some(parameters)) = (name.as_atom(), parameters.to_vec()) else { return Err(bad(None)) };
    let positive = |term: &Term| term.as_int().and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0);
    let small =
        |term: &Term, most: u32| term.as_int().and_then(|n| u32::try_from(n).ok()).filter(|n| (1..=most).contains(n));
    Ok(match (name.strip_prefix("state_").unwrap_or(name), parameters.as_slice()) {
        ("top_k", [k]) => Type::TopK(small(k, TOP_K_MAX).ok_or_else(|| bad(None))?),
        ("gmap", [kind]) => Type::GMap(Box::new(read(kind, depth)?)),
        ("awmap" | "map", [kind]) => Type::AwMap(Box::new(read(kind, depth)?)),
        ("pair", [first, second]) => Type::Pair(Box::new((read(first, depth)?, read(second, depth)?))),
        ("window", [span, rest @ ..]) => {
            let span = positive(span).ok_or_else(|| bad(None))?;
            let (slide, kind) = match rest {
                [kind] => (None, kind),
                [slide, keep, kind] => {
                    let slide = positive(slide).ok_or_else(|| bad(None))?;
                    (Some((slide, small(keep, WINDOWS_MAX).ok_or_else(|| bad(None))?)), kind)
                }
                _ => return Err(bad(None)),
            };
            let kind = read(kind, depth)?;
            if !in_window(&kind) {
                return Err(bad(Some(IN_WINDOW.to_owned())));
            }
            Type::Window(Box::new(Window { span, slide, kind }))
        }
        _ => return Err(bad(None)),
    })
}

/// Types under their names alone, Lasp's defaults included.
fn bare(name: &str) -> Option<Type> {
    match name {
        "gmap" => Some(Type::GMap(Box::new(Type::MaxInt))),
        "awmap" | "map" => Some(Type::AwMap(Box::new(Type::Set))),
        "mvmap" => Some(Type::AwMap(Box::new(Type::MvRegister))),
        "pair" => Some(Type::Pair(Box::new((Type::Ivar, Type::Ivar)))),
        _ => Type::NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| kind.clone()),
    }
}

fn in_window(kind: &Type) -> bool {
    match kind {
        Type::Set
        | Type::GSet
        | Type::Counter
        | Type::GCounter
        | Type::LexCounter
        | Type::MaxInt
        | Type::MinInt
        | Type::Boolean
        | Type::TopK(_) => true,
        // It has been read already.
        Type::Window(_) => true,
        Type::GMap(kind) | Type::AwMap(kind) => in_window(kind),
        Type::Pair(kinds) => in_window(&kinds.0) && in_window(&kinds.1),
        _ => false,
    }
}

/// A term that is not a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadType {
    /// What was given.
    pub given: Term,
    /// Why it is none, where that is not plain.
    pub reason: Option<String>,
}

/// The code of [`BadType`].
pub const BAD_TYPE: &str = "E0302";

impl BadType {
    /// As a message, without a place.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let title = format!("`{}` is not a type of variables", Brief(&self.given));
        let message = Diagnostic::error(BAD_TYPE, title);
        match self.reason.clone().or_else(|| self.help()) {
            Some(help) => message.help(help),
            None => message.help(format!("types are {}", Type::shapes().join(", "))),
        }
    }

    /// The type that is meant by `{awmap, set}`, `{set}`, `[awmap, [set]]`, `[set]`.
    fn with_brackets(&self) -> Option<Term> {
        let parts = match self.given.as_tuple() {
            Some(parts) => parts.to_vec(),
            None => self.given.to_vec()?,
        };
        let (name, rest) = parts.split_first()?;
        if rest.is_empty() {
            return Type::parse(name).map(|_| name.clone());
        }
        let one_list = rest.first().filter(|_| rest.len() == 1).and_then(Term::to_vec);
        let parameters = one_list.unwrap_or_else(|| rest.to_vec());
        let meant = Term::tuple([name.clone(), Term::list(parameters)]);
        Type::parse(&meant).map(|_| meant)
    }

    /// What was probably meant.
    fn help(&self) -> Option<String> {
        if let Some(right) = self.with_brackets() {
            return Some(format!("write `{right}`"));
        }
        if let Some(text) = self.given.as_text() {
            let known = Type::NAMES.iter().any(|(name, _)| *name == text);
            return known.then(|| format!("types are atoms, not texts: write `{text}`"));
        }
        let word = match self.given.as_tuple() {
            Some(parts) => parts.first()?.as_atom()?,
            None => self.given.as_atom()?,
        };
        let word = word.strip_prefix("state_").unwrap_or(word);
        match word {
            "top_k" => return Some(format!("write `{{top_k, [K]}}` with an integer K from 1 to {TOP_K_MAX}")),
            "window" => {
                return Some(format!(
                    "write `{{window, [Span, Type]}}`, or `{{window, [Span, Slide, Keep, Type]}}`, with positive integers (Keep at most {WINDOWS_MAX})"
                ));
            }
            "register" | "value" | "var" | "string" | "text" | "float" => {
                return Some("a value that is replaced is an `lwwregister`, where the last write counts, or an `mvregister`, which keeps what was written at the same time".to_owned());
            }
            "int" | "integer" | "number" => {
                return Some("a number that all add to is a `counter`; one that is replaced, an `lwwregister`; the greatest, a `max_int`".to_owned());
            }
            "list" | "array" | "queue" | "vector" | "sequence" => {
                return Some(
                    "no order is the same for writers that do not ask each other: put `{Position, Value}` into a `set`"
                        .to_owned(),
                );
            }
            "dict" | "object" | "hash" | "hashmap" | "table" => {
                return Some("write `{map, [Type]}` with what is under each key: `{map, [lwwregister]}`".to_owned());
            }
            "bool" | "flag" => {
                return Some("`boolean` becomes true once and for all; `ewflag` and `dwflag` go on and off".to_owned());
            }
            _ => {}
        }
        if self.given.as_tuple().is_some() {
            let with_types = Type::PARAMETRIC.iter().find(|(name, shape)| *name == word && shape != name);
            if let Some((_, shape)) = with_types {
                return Some(format!("write `{shape}`, with types as parameters"));
            }
            // What is left of those that can have types takes none.
            if word == "mvmap" || Type::NAMES.iter().any(|(name, _)| *name == word) {
                return Some(format!("`{word}` takes no parameters: write `{word}`"));
            }
        }
        let names = Type::NAMES.iter().map(|(name, _)| (*name, *name)).chain(Type::PARAMETRIC.iter().copied());
        let closest = names.map(|(name, shape)| (strsim::damerau_levenshtein(word, name), shape)).min()?;
        (closest.0 <= 1 + word.len() / 4).then(|| format!("did you mean `{}`?", closest.1))
    }
}

impl Type {
    /// All types, each once, as a program writes them.
    #[must_use]
    pub fn shapes() -> Vec<&'static str> {
        let plain = Type::NAMES.iter().filter(|(name, kind)| kind.name() == *name).map(|(name, _)| *name);
        plain.chain(Type::PARAMETRIC.iter().filter(|(name, _)| *name != "map").map(|(_, shape)| *shape)).collect()
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_term().fmt(f)
    }
}
