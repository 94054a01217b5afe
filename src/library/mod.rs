//! The library: the one table of built-ins, and the modules that are written in the language itself.
//!
//! The table feeds the checker, did-you-mean, completion, documentation and the machine. It says what a built-in is, never
//! how it works: pure ones are implemented in `vm`, verbs by `node`.

mod about;
mod absent;
pub mod directives;
mod modules;
mod numbers;
mod plain;
mod strings;
pub mod types;
mod verbs;

pub use about::About;
pub use about::about;
pub use absent::instead;
pub use absent::instead_of_module;

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

/// One row of the table: a verb or a pure built-in, of one arity.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// `lists` in `lists:sort(L)`; `None` for what needs no module.
    pub module: Option<&'static str>,
    /// Its name.
    pub name: &'static str,
    /// How many arguments it takes.
    pub arity: u8,
    /// For people: `element(integer, tuple) -> term`.
    pub signature: &'static str,
    /// What it does, in a sentence or two.
    pub documentation: &'static str,
    /// Whether functions given to derivations may call it.
    pub pure: bool,
    /// Whether guards may call it.
    pub guard: bool,
    /// The verb that it is; `None` for pure built-ins.
    pub verb: Option<Verb>,
    /// For pure ones an expression that is true; for verbs a small program.
    pub example: &'static str,
}

impl Builtin {
    /// The name as messages show it: `lists:sort/1`.
    #[must_use]
    pub fn title(&self) -> String {
        let module = self.module.map(|module| format!("{module}:")).unwrap_or_default();
        format!("{module}{}/{}", self.name, self.arity)
    }
}

/// A pure built-in of a module.
const fn pure(
    module: &'static str,
    name: &'static str,
    arity: u8,
    signature: &'static str,
    documentation: &'static str,
    example: &'static str,
) -> Builtin {
    Builtin {
        module: Some(module),
        name,
        arity,
        signature,
        documentation,
        pure: true,
        guard: false,
        verb: None,
        example,
    }
}

/// The parts of the table.
const PARTS: [&[Builtin]; 5] = [verbs::ROWS, plain::ROWS, modules::ROWS, strings::ROWS, numbers::ROWS];

const ROWS: usize = PARTS[0].len() + PARTS[1].len() + PARTS[2].len() + PARTS[3].len() + PARTS[4].len();

#[expect(clippy::large_stack_arrays, reason = "made while the crate is compiled")]
const fn table() -> [Builtin; ROWS] {
    let mut all = [verbs::ROWS[0]; ROWS];
    let (mut part, mut from, mut at) = (0, 0, 0);
    while at < ROWS {
        while at - from >= PARTS[part].len() {
            from += PARTS[part].len();
            part += 1;
        }
        all[at] = PARTS[part][at - from];
        at += 1;
    }
    all
}

static TABLE: [Builtin; ROWS] = table();

/// All built-ins; [`BuiltinId`] is the index.
pub static BUILTINS: &[Builtin] = &TABLE;

/// The library's modules that are written in the language: name and text. The functions of `prelude` need no module.
pub const MODULES: &[(&str, &str)] = &[
    ("prelude", include_str!("../../stdlib/prelude.lasp")),
    ("lists", include_str!("../../stdlib/lists.lasp")),
    ("maps", include_str!("../../stdlib/maps.lasp")),
    ("sets", include_str!("../../stdlib/sets.lasp")),
    ("ordsets", include_str!("../../stdlib/ordsets.lasp")),
    ("proplists", include_str!("../../stdlib/proplists.lasp")),
    ("sql", include_str!("../../stdlib/sql.lasp")),
    ("queue", include_str!("../../stdlib/queue.lasp")),
];

type Key = (Option<&'static str>, &'static str, u8);

static INDEX: LazyLock<FxHashMap<Key, BuiltinId>> = LazyLock::new(|| {
    let keys = BUILTINS.iter().map(|row| (row.module, row.name, row.arity));
    keys.zip((0..).map(BuiltinId)).collect()
});

/// The built-in of this name and arity. The module `erlang` may stand before those that need none.
#[must_use]
pub fn find(module: Option<&str>, name: &str, arity: u8) -> Option<BuiltinId> {
    let module = module.filter(|module| *module != "erlang");
    INDEX.get(&(module, name, arity)).copied()
}

/// The arities of all built-ins of this name, ascending.
#[must_use]
pub fn arities(module: Option<&str>, name: &str) -> Vec<u8> {
    let module = module.filter(|module| *module != "erlang");
    let mut all: Vec<u8> =
        BUILTINS.iter().filter(|row| row.module == module && row.name == name).map(|row| row.arity).collect();
    all.sort_unstable();
    all
}

/// Whether any built-in or library module has this module name.
#[must_use]
pub fn is_module(module: &str) -> bool {
    module == "erlang"
        || MODULES.iter().any(|(name, _)| *name == module)
        || BUILTINS.iter().any(|row| row.module == Some(module))
}

impl BuiltinId {
    /// Its row of the table. An id beyond the table, which nothing makes, gives the first row.
    #[must_use]
    pub fn row(self) -> &'static Builtin {
        BUILTINS.get(self.0 as usize).unwrap_or(&BUILTINS[0])
    }
}

/// A built-in's place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BuiltinId(pub u16);

impl Verb {
    /// Whether it calls a function in the task that asks, and goes on when that returns.
    #[must_use]
    pub fn calls(self) -> bool {
        matches!(self, Verb::Once | Verb::Atomically | Verb::EachLine)
    }

    /// Whether it leaves everything as it is, apart from chance.
    #[must_use]
    pub fn looks(self) -> bool {
        matches!(
            self,
            Verb::Query
                | Verb::Read
                | Verb::ReadAny
                | Verb::Node
                | Verb::Nodes
                | Verb::Replica
                | Verb::Role
                | Verb::Converged
                | Verb::Arg
                | Verb::NowMs
        )
    }
}

/// What the node does for a program. Arguments stand in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the verb of its name")]
pub enum Verb {
    Declare,
    DeclareDynamic,
    Update,
    Query,
    Read,
    BindTo,
    Map,
    Filter,
    Union,
    Intersection,
    Product,
    Fold,
    FoldDynamic,
    Bind,
    TryUpdate,
    ReadAny,
    WaitNeeded,
    Difference,
    Join,
    GroupBy,
    Sql,
    Once,
    Atomically,
    EnforceOnce,
    Interested,
    Disinterested,
    SetTopic,
    RemoveTopic,
    Every,
    EachLine,
    Thread,
    Invariant,
    Stream,
    Print,
    Format,
    Assert,
    Node,
    Nodes,
    Replica,
    Role,
    Converged,
    Arg,
    Sleep,
    NowMs,
    Random,
    CsvRead,
    JsonRead,
}
