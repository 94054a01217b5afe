//! What a node may do in its cluster, as its certificate says.

use std::fmt;

/// A node's role. Nothing that a node says of itself counts; its certificate does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Passes on what others have made, and is believed about it.
    Server,
    /// A leaf: sends its own updates to servers, and is believed about nothing else.
    Client,
}

impl Role {
    /// The role's name, as certificates have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::Server => "server",
            Role::Client => "client",
        }
    }

    /// The role of a name; `None` if there is none of it.
    #[must_use]
    pub fn of(name: &str) -> Option<Role> {
        [Role::Server, Role::Client].into_iter().find(|role| role.name() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
