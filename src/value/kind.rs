//! The types of variables.

use std::fmt;

use crate::source::diagnostic::Diagnostic;
use crate::value::operation::Brief;
use crate::value::term::Term;

/// The greatest K of a `top_k`.
pub const TOP_K_MAX: u32 = 1_000_000;

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
}

impl Type {
    /// The names that a program may use, each with what it means; `state_` may stand before any of them.
    pub const NAMES: &[(&'static str, Type)] = &[
        ("set", Type::Set),
        ("awset", Type::Set),
        ("orset", Type::Set),
        ("awset_ps", Type::Set),
        ("gset", Type::GSet),
        ("counter", Type::Counter),
        ("pncounter", Type::Counter),
        ("gcounter", Type::GCounter),
        ("max_int", Type::MaxInt),
        ("ivar", Type::Ivar),
        ("boolean", Type::Boolean),
        ("lwwregister", Type::LwwRegister),
    ];

    /// Reads a type as a program writes it: `set`, `state_gcounter`, `{top_k, [10]}`.
    #[must_use]
    pub fn parse(term: &Term) -> Option<Type> {
        if let Some(name) = term.as_atom() {
            let name = name.strip_prefix("state_").unwrap_or(name);
            return Type::NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| kind.clone());
        }
        let [name, parameters] = term.as_tuple()? else { return None };
        let name = name.as_atom()?;
        let parameters = parameters.to_vec()?;
        match (name.strip_prefix("state_").unwrap_or(name), parameters.as_slice()) {
            ("top_k", [k]) => {
                let k = u32::try_from(k.as_int()?).ok()?;
                (1..=TOP_K_MAX).contains(&k).then_some(Type::TopK(k))
            }
            _ => None,
        }
    }

    /// Reads a type as a program writes it, or says why it is none.
    ///
    /// # Errors
    /// When it is not a type.
    pub fn read(term: &Term) -> Result<Type, BadType> {
        Type::parse(term).ok_or_else(|| BadType { given: term.clone() })
    }

    /// The type as a program writes it, under its first name.
    #[must_use]
    pub fn to_term(&self) -> Term {
        match self {
            Type::TopK(k) => Term::tuple([Term::atom("top_k"), Term::list([Term::Int(i64::from(*k))])]),
            _ => Term::atom(self.name()),
        }
    }

    /// The type with its article, for messages: `a set`, `an ivar`.
    #[must_use]
    pub fn with_article(&self) -> String {
        let article = if matches!(self, Type::Ivar) { "an" } else { "a" };
        format!("{article} {self}")
    }

    /// The first name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Type::TopK(_) => "top_k",
            _ => Type::NAMES.iter().find(|(_, kind)| kind == self).map_or("set", |(name, _)| name),
        }
    }
}

/// A term that is not a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadType {
    /// What was given.
    pub given: Term,
}

/// The code of [`BadType`].
pub const BAD_TYPE: &str = "E0302";

impl BadType {
    /// As a message, without a place.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let title = format!("`{}` is not a type of variables", Brief(&self.given));
        let message = Diagnostic::error(BAD_TYPE, title);
        match self.help() {
            Some(help) => message.help(help),
            None => message.help(format!("types are {}, {{top_k, [K]}}", Type::first_names().join(", "))),
        }
    }

    /// What was probably meant.
    fn help(&self) -> Option<String> {
        let word = match self.given.as_tuple() {
            Some(parts) => parts.first()?.as_atom()?,
            None => self.given.as_atom()?,
        };
        let word = word.strip_prefix("state_").unwrap_or(word);
        if word == "top_k" {
            return Some(format!("write `{{top_k, [K]}}` with an integer K from 1 to {TOP_K_MAX}"));
        }
        if self.given.as_tuple().is_some() && Type::NAMES.iter().any(|(name, _)| *name == word) {
            return Some(format!("`{word}` takes no parameters: write `{word}`"));
        }
        let names = Type::NAMES.iter().map(|(name, _)| *name).chain(["top_k"]);
        let closest = names.map(|name| (strsim::damerau_levenshtein(word, name), name)).min()?;
        (closest.0 <= 1 + word.len() / 4).then(|| match closest.1 {
            "top_k" => "did you mean `{top_k, [K]}`?".to_owned(),
            name => format!("did you mean `{name}`?"),
        })
    }
}

impl Type {
    /// The types without parameters, each under its first name.
    fn first_names() -> Vec<&'static str> {
        Type::NAMES.iter().filter(|(name, kind)| kind.name() == *name).map(|(name, _)| *name).collect()
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::TopK(k) => write!(f, "{{top_k, [{k}]}}"),
            _ => f.write_str(self.name()),
        }
    }
}
