//! What identifies a variable: its name, its type, and whether each node has its own.

use crate::value::kind::Type;
use crate::value::term::Term;

/// A variable's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// A name that a program gives: `X = declare(set)` at top level is `'X'`, `declare(Id, set)` is `Id`.
    Given(Term),
    /// A name of its own for each `declare/1` elsewhere: the replica that made it, that replica's count of such names, from 1 on,
    /// and the topic of the task that made it, 0 for none. What is derived elsewhere without a destination has the derivation's
    /// identity in place of the replica, and 0 in place of the count: it is the same wherever it is made.
    Fresh(u128, u64, u128),
}

impl Name {
    /// The name of the top level that it is likely to have in the program: `S` for `'S'`.
    #[must_use]
    pub fn at_top_level(&self) -> Option<&'static str> {
        match self {
            Name::Given(Term::Atom(atom)) if atom.text().starts_with(char::is_uppercase) => Some(atom.text()),
            _ => None,
        }
    }

    /// The name as messages show it: `S1` for `X = declare(set)`'s `'S1'`.
    #[must_use]
    pub fn plain(&self) -> String {
        match self {
            Name::Given(Term::Atom(atom)) => atom.text().to_owned(),
            name => name.to_string(),
        }
    }
}

/// A reference to a variable, as a value. One to a dynamic variable means the holder's own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// The name.
    pub name: Name,
    /// The type. The same name with another type is another identity, and a conflict.
    pub kind: Type,
    /// Whether each node has a value of its own.
    pub dynamic: bool,
}

impl Reference {
    /// The variable as messages show it: `` `S` ``, or what it is where it has a name of its own that says nothing.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.name {
            Name::Given(_) => format!("`{}`", self.name.plain()),
            Name::Fresh(..) => format!("{} without a name", self.kind.with_article()),
        }
    }
}
