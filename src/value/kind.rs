//! The types of variables.

use std::fmt;

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

    /// The type as a program writes it, under its first name.
    #[must_use]
    pub fn to_term(&self) -> Term {
        match self {
            Type::TopK(k) => Term::tuple([Term::atom("top_k"), Term::list([Term::Int(i64::from(*k))])]),
            _ => Term::atom(self.name()),
        }
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

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::TopK(k) => write!(f, "{{top_k, [{k}]}}"),
            _ => f.write_str(self.name()),
        }
    }
}
