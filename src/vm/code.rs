//! What the compiler gives the machine: operations over the registers of a frame.
//!
//! A function's arguments are its first registers, then what it captured, then itself if it has a name for itself, then
//! its locals, then temporaries. A call's arguments lie in consecutive registers, which become the first ones of the callee;
//! the result comes back in the first of them.

use crate::library::BuiltinId;
use crate::library::Verb;
use crate::source::span::Span;
use crate::value::atom::Atom;
use crate::value::term::Term;
use crate::vm::number::Arithmetic;
use crate::vm::number::Comparison;
use crate::vm::number::Unary;

/// A register of the frame.
pub type Reg = u16;
/// The place of an operation in its function.
pub type Target = u32;

/// One operation. `dst` is written; what fails goes to `target`, or ends the task.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the fields are registers (dst, src, left, right, at), indexes and targets")]
pub enum Op {
    /// Copies a register.
    Move { dst: Reg, src: Reg },
    /// Loads a constant of the function.
    Const { dst: Reg, index: u32 },
    /// Loads a small integer.
    Small { dst: Reg, number: i32 },
    /// Reads a name of the top level, which must be bound.
    Global { dst: Reg, index: u32 },
    /// Binds a name of the top level.
    SetGlobal { src: Reg, index: u32 },
    /// Goes to the target when the name is bound to something else.
    MatchGlobal { src: Reg, index: u32, target: Target },
    /// `+` with a small integer on the right; what `ArithmeticSmall` does, without asking for the operator.
    AddSmall { dst: Reg, left: Reg, number: i32 },
    /// `*` with a small integer on the right.
    MultiplySmall { dst: Reg, left: Reg, number: i32 },
    /// `+`
    Add { dst: Reg, left: Reg, right: Reg },
    /// Any arithmetic.
    Arithmetic { operator: Arithmetic, dst: Reg, left: Reg, right: Reg },
    /// Arithmetic with a small integer on the right.
    ArithmeticSmall { operator: Arithmetic, dst: Reg, left: Reg, number: i32 },
    /// `- + not bnot`
    Unary { operator: Unary, dst: Reg, src: Reg },
    /// A comparison as a boolean.
    Compare { comparison: Comparison, dst: Reg, left: Reg, right: Reg },
    /// Goes on if the comparison holds, and to the target if not.
    Branch { comparison: Comparison, left: Reg, right: Reg, target: Target },
    /// The same with a small integer on the right.
    BranchSmall { comparison: Comparison, left: Reg, number: i32, target: Target },
    /// `++`
    Append { dst: Reg, left: Reg, right: Reg },
    /// `--`
    ListSubtract { dst: Reg, left: Reg, right: Reg },
    /// Strict `and or xor`.
    Logic { operator: Logic, dst: Reg, left: Reg, right: Reg },
    /// Goes to the target.
    Jump { target: Target },
    /// Goes to the target unless the register holds `true`. Anything else is false.
    JumpUnlessTrue { src: Reg, target: Target },
    /// Goes on with `true`, to the target with `false`; anything else is a fault of the named operator.
    Test { operator: Logic, src: Reg, target: Target },
    /// As `Test`, with `true` and `false` exchanged.
    TestNot { operator: Logic, src: Reg, target: Target },
    /// From here on, what fails goes to the target instead of ending the task.
    GuardBegin { target: Target },
    /// The end of that.
    GuardEnd,
    /// A tuple of consecutive registers.
    Tuple { dst: Reg, at: Reg, count: u16 },
    /// A list cell.
    Cons { dst: Reg, head: Reg, tail: Reg },
    /// The elements of a list the other way round, before a tail.
    ReverseOnto { dst: Reg, list: Reg, tail: Reg },
    /// An empty map, or one of `count` pairs in consecutive registers.
    Map { dst: Reg, at: Reg, count: u16 },
    /// Sets a key of the map in `dst`; `exact` needs it to be there.
    MapPut { dst: Reg, key: Reg, value: Reg, exact: bool },
    /// A map's entries as a list of `{Key, Value}`.
    MapEntries { dst: Reg, src: Reg },
    /// Matches a tuple of that size.
    IsTuple { src: Reg, count: u16, target: Target },
    /// An element of a tuple, from 0; the tuple has been matched.
    Element { dst: Reg, src: Reg, place: u16 },
    /// Matches a list cell and takes it apart.
    Uncons { src: Reg, head: Reg, tail: Reg, target: Target },
    /// Matches exactly the constant.
    IsConst { src: Reg, index: u32, target: Target },
    /// Matches exactly a small integer.
    IsSmall { src: Reg, number: i32, target: Target },
    /// Matches the empty list.
    IsNil { src: Reg, target: Target },
    /// Matches what another register holds.
    IsSame { left: Reg, right: Reg, target: Target },
    /// Matches a map.
    IsMap { src: Reg, target: Target },
    /// Matches a key of a map, and takes its value.
    MapGet { dst: Reg, src: Reg, key: Reg, target: Target },
    /// Matches a string with a constant prefix, and takes the rest.
    Prefix { dst: Reg, src: Reg, index: u16, target: Target },
    /// The next element of a list, which loses it; to the target when it is empty.
    Next { list: Reg, head: Reg, target: Target },
    /// A function value of a linked function with captures in consecutive registers.
    Closure { dst: Reg, at: Reg, count: u16, function: u32 },
    /// Calls a linked function.
    Call { at: Reg, function: u32 },
    /// Calls it as the last act.
    TailCall { at: Reg, function: u32 },
    /// Calls the function value that lies behind `count` arguments.
    Apply { at: Reg, count: u8 },
    /// Calls it as the last act.
    TailApply { at: Reg, count: u8 },
    /// Calls a pure built-in.
    Builtin { dst: Reg, at: Reg, builtin: BuiltinId },
    /// Does nothing: the place of the verb behind it, for the path of what fails in a function that the verb calls.
    Mark,
    /// Asks the node; the answer comes in `dst`.
    Verb { dst: Reg, at: Reg, index: u16 },
    /// Gives the value to the caller.
    Return { src: Reg },
    /// No clause of this function matches its arguments.
    NoClause,
    /// No clause of a `case` matches.
    NoCase { src: Reg },
    /// No clause of an `if` is true.
    NoIf,
    /// A pattern does not match; the index is that of the names in it that had values.
    NoMatch { src: Reg, known: u16 },
}

/// The boolean operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the operator of its name")]
pub enum Logic {
    And,
    Or,
    Xor,
    AndAlso,
    OrElse,
    /// A condition of a comprehension.
    Filter,
}

impl Logic {
    /// As it is written.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Logic::And => "and",
            Logic::Or => "or",
            Logic::Xor => "xor",
            Logic::AndAlso => "andalso",
            Logic::OrElse => "orelse",
            Logic::Filter => "the condition of a comprehension",
        }
    }
}

/// A function, a `fun` or a statement form.
#[derive(Clone, Debug, Default)]
pub struct Code {
    /// Whether it is of the library: failures in it are told at the place in the program that led there.
    pub library: bool,
    /// For messages: `lists:map/2`, `fun/1`, `the top level`.
    pub name: String,
    /// How many arguments it takes.
    pub arity: u8,
    /// How many values it captures.
    pub captures: u16,
    /// Whether a register behind the captures holds the function itself.
    pub itself: bool,
    /// How many registers a frame needs, at least one.
    pub registers: u16,
    /// The operations. The last one never falls through.
    pub ops: Vec<Op>,
    /// The place of each operation.
    pub spans: Vec<Span>,
    /// The constants.
    pub constants: Vec<Term>,
    /// The functions that it calls or makes; operations name them by index until they are loaded.
    pub links: Vec<Link>,
    /// The verbs that it calls.
    pub verbs: Vec<VerbSite>,
    /// For each match that may fail, the names in its pattern that may have values already.
    pub known: Vec<Vec<Known>>,
    /// What it is, apart from names and places.
    pub skeleton: Skeleton,
    /// Where it tests pairs for an equality of their parts: the functions of the two sides' keys.
    pub equality: Option<Equality>,
}

/// That a function of a pair is true only where a key of the first equals a key of the second. Follows from its code, and is
/// no part of its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Equality {
    /// The code of the key of the first, by its index in the same unit: a function of the first that captures the same
    /// values. It returns `{Key}`, or `[]` where the pair's function is false whatever the second is.
    pub left: u32,
    /// The same of the second.
    pub right: u32,
    /// Whether the keys are compared by value, `==`, and not exactly.
    pub by_value: bool,
    /// Whether the pair's function fails wherever a key does.
    pub told: bool,
}

/// A function that code refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// By its number in the whole program.
    Named(u32),
    /// By its index in the same unit.
    Local(u32),
}

/// A call of a verb.
#[derive(Clone, Debug)]
pub struct VerbSite {
    /// Which built-in.
    pub builtin: BuiltinId,
    /// Which verb.
    pub verb: Verb,
    /// The name of the variable that it makes.
    pub name: Option<Atom>,
    /// What an assertion tells besides when it fails: the places of expressions whose values lie behind the arguments.
    pub seen: Vec<Span>,
    /// Whether these are the two sides of a comparison.
    pub compared: bool,
}

/// A name in a pattern that may have a value already.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Where it stands in the pattern.
    pub span: Span,
    /// Where its value lies.
    pub place: Holder,
}

/// Where the value of a name lies.
#[derive(Clone, Copy, Debug)]
pub enum Holder {
    /// In a register of the frame.
    Register(Reg),
    /// It is a name of the top level.
    Global(u32),
}

/// The canonical form of a function's tree: local names and places are left out, and what it refers to is a hole.
#[derive(Clone, Debug, Default)]
pub struct Skeleton {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// What the holes hold, in order.
    pub holes: Vec<Hole>,
}

/// Something that a function refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hole {
    /// An index into the links.
    Function(u32),
    /// A name of the top level.
    Global(u32),
}

/// Code to append to a machine.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    /// All code.
    pub codes: Vec<Code>,
    /// The named functions: number in the whole program, index in `codes`.
    pub functions: Vec<(u32, u32)>,
    /// The statement forms, in order, as indexes into `codes`.
    pub forms: Vec<u32>,
    /// The names of all globals known so far.
    pub globals: Vec<String>,
}
