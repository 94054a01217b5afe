//! The library: the one table of built-ins, and the modules that are written in the language itself.
//!
//! The table feeds the checker, did-you-mean, completion, documentation and the machine. It says what a built-in is, never
//! how it works: pure ones are implemented in `vm`, verbs by `node`.

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
