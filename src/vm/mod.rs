//! The machine: compiled functions, and tasks that can be suspended and resumed.
//!
//! A register machine with frames of its own, so that no program can exhaust the stack of the process. It is deterministic
//! and does nothing but compute: what a program asks of the world is a [`Request`] that the node answers. Knows no
//! syntax, no variables' values and no peers.

pub mod code;
pub mod fault;
pub mod format;
mod identity;
pub mod machine;
mod native;
pub mod number;
mod run;
mod step;
pub mod task;

pub use code::Unit;
pub use fault::Failure;
pub use machine::Loaded;
pub use machine::Machine;
pub use task::OpenCall;
pub use task::Outcome;
pub use task::Request;
pub use task::Returned;
pub use task::Task;

use std::sync::LazyLock;

use crate::value::atom::Atom;
use crate::value::term::Term;

/// The most frames that a task may have: how deep calls that are not the last act of a function may nest.
pub const FRAMES_MAX: usize = 1_050_000;
/// The most registers that all frames of a task may use together.
pub const REGISTERS_MAX: usize = 1 << 25;
/// The most steps (calls and rounds of loops) of one pure call, equal on all nodes.
pub const CALL_STEPS_MAX: u64 = 20_000_000;
/// The most frames of one pure call, equal on all nodes.
pub const CALL_FRAMES_MAX: usize = 100_000;
/// The most bits of an integer.
pub const INTEGER_BITS_MAX: u64 = 1 << 22;
/// The most bytes of a string.
pub const STRING_BYTES_MAX: usize = 1 << 26;
/// The most elements of a list that one built-in makes.
pub const LIST_LENGTH_MAX: usize = 1 << 24;

static TRUE: LazyLock<Atom> = LazyLock::new(|| Atom::known("true"));
static FALSE: LazyLock<Atom> = LazyLock::new(|| Atom::known("false"));

/// `true` or `false`, without a look into the table of atoms.
fn boolean(value: bool) -> Term {
    Term::Atom(if value { *TRUE } else { *FALSE })
}

/// The boolean that a term is.
fn truth(term: &Term) -> Option<bool> {
    match term {
        Term::Atom(atom) if *atom == *TRUE => Some(true),
        Term::Atom(atom) if *atom == *FALSE => Some(false),
        _ => None,
    }
}

/// Whether a term owns nothing.
#[inline(always)]
fn is_plain(term: &Term) -> bool {
    matches!(term, Term::Int(_) | Term::Float(_) | Term::Atom(_) | Term::Nil)
}

/// Writes a register; cheaper than an assignment where the old value owns nothing, which is the rule.
#[expect(clippy::mem_forget, reason = "what is forgotten owns nothing; measured")]
#[inline(always)]
fn write(slot: &mut Term, term: Term) {
    if is_plain(slot) {
        // Nothing is lost: there was nothing to free.
        std::mem::forget(std::mem::replace(slot, term));
    } else {
        *slot = term;
    }
}

/// Writes a small integer; where one stood before, as is the rule in a loop, only its eight bytes. A whole term written in
/// two halves and then moved as one would have the processor wait for both.
#[inline(always)]
fn write_int(slot: &mut Term, value: i64) {
    match slot {
        Term::Int(old) => *old = value,
        slot => write(slot, Term::Int(value)),
    }
}

/// Writes a copy of another register or argument.
#[inline(always)]
fn write_copy(slot: &mut Term, term: &Term) {
    match term {
        Term::Int(value) => write_int(slot, *value),
        other => write(slot, copy(other)),
    }
}

/// Frees what dead registers own. What owns nothing may stay: nobody reads it.
#[inline(always)]
fn clear(registers: &mut [Term]) {
    for slot in registers {
        if !is_plain(slot) {
            *slot = Term::Nil;
        }
    }
}

/// A copy; cheaper than `clone` where nothing is shared, which is the rule.
#[inline(always)]
fn copy(term: &Term) -> Term {
    match term {
        Term::Int(value) => Term::Int(*value),
        Term::Atom(atom) => Term::Atom(*atom),
        other => other.clone(),
    }
}
