//! The library: the one table of built-ins, and the modules that are written in the language itself.
//!
//! The table feeds the checker, did-you-mean, completion, documentation and the machine. It says what a built-in is, never
//! how it works: pure ones are implemented in `vm`, verbs by `node`.

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

const fn row(module: Option<&'static str>, name: &'static str, arity: u8, guard: bool, verb: Option<Verb>) -> Builtin {
    let pure = verb.is_none();
    Builtin { module, name, arity, signature: name, documentation: "", pure, guard, verb, example: "" }
}

/// All built-ins; [`BuiltinId`] is the index.
pub static BUILTINS: &[Builtin] = &[
    row(None, "declare", 1, false, Some(Verb::Declare)),
    row(None, "declare", 2, false, Some(Verb::Declare)),
    row(None, "declare_dynamic", 1, false, Some(Verb::DeclareDynamic)),
    row(None, "update", 2, false, Some(Verb::Update)),
    row(None, "query", 1, false, Some(Verb::Query)),
    row(None, "read", 1, false, Some(Verb::Read)),
    row(None, "read", 2, false, Some(Verb::Read)),
    row(None, "map", 2, false, Some(Verb::Map)),
    row(None, "map", 3, false, Some(Verb::Map)),
    row(None, "filter", 3, false, Some(Verb::Filter)),
    row(None, "union", 3, false, Some(Verb::Union)),
    row(None, "product", 3, false, Some(Verb::Product)),
    row(None, "fold", 3, false, Some(Verb::Fold)),
    row(None, "fold_dynamic", 3, false, Some(Verb::FoldDynamic)),
    row(None, "invariant", 3, false, Some(Verb::Invariant)),
    row(None, "thread", 1, false, Some(Verb::Thread)),
    row(None, "print", 1, false, Some(Verb::Print)),
    row(None, "role", 0, false, Some(Verb::Role)),
    row(None, "arg", 2, false, Some(Verb::Arg)),
    row(None, "sleep", 1, false, Some(Verb::Sleep)),
    row(None, "random", 1, false, Some(Verb::Random)),
    row(None, "max_by_name", 2, false, None),
    row(None, "length", 1, true, None),
    row(None, "is_list", 1, true, None),
    row(Some("lists"), "seq", 2, false, None),
    row(Some("lists"), "nth", 2, false, None),
    row(Some("lists"), "sum", 1, false, None),
];

/// The built-in of this name and arity.
#[must_use]
pub fn find(module: Option<&str>, name: &str, arity: u8) -> Option<BuiltinId> {
    let same = |row: &Builtin| row.module == module && row.name == name && row.arity == arity;
    BUILTINS.iter().position(same).and_then(|at| u16::try_from(at).ok()).map(BuiltinId)
}

/// The arities of all built-ins of this name, ascending.
#[must_use]
pub fn arities(module: Option<&str>, name: &str) -> Vec<u8> {
    BUILTINS.iter().filter(|row| row.module == module && row.name == name).map(|row| row.arity).collect()
}

/// Whether any built-in or library module has this module name.
#[must_use]
pub fn is_module(module: &str) -> bool {
    BUILTINS.iter().any(|row| row.module == Some(module))
}

impl BuiltinId {
    /// Its row of the table.
    #[must_use]
    pub fn row(self) -> &'static Builtin {
        &BUILTINS[self.0 as usize]
    }
}

/// A built-in's place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BuiltinId(pub u16);

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
