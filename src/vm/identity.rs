//! What a function is, apart from names and places: content hashes.
//!
//! A function's digest covers the canonical form of all code that can be reached from it: functions are numbered in the
//! order in which they are first met, so that neither their names nor where they stand in the program matter, and mutual
//! recursion is no special case. Its identity adds what it captured and the values of the globals that are reached.

use rustc_hash::FxHashMap;

use crate::source::span::Span;
use crate::value::codec;
use crate::value::term::Term;
use crate::vm::code::Hole;
use crate::vm::fault::Failure;
use crate::vm::fault::Fault;
use crate::vm::machine::Machine;
use crate::vm::machine::Program;

/// What is met on the way.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Item {
    Code(u32),
    Global(u32),
}

/// Items in the order in which they are met.
#[derive(Default)]
struct Walk {
    numbers: FxHashMap<Item, u32>,
    order: Vec<Item>,
}

impl Walk {
    fn number(&mut self, item: Item) -> u32 {
        let next = u32::try_from(self.order.len()).unwrap_or(u32::MAX);
        *self.numbers.entry(item).or_insert_with(|| {
            self.order.push(item);
            next
        })
    }
}

impl Program {
    /// See the module's description.
    pub(super) fn compute_digest(&self, code: u32) -> u128 {
        let mut walk = Walk::default();
        walk.number(Item::Code(code));
        let mut hasher = blake3::Hasher::new();
        let mut at = 0;
        while let Some(item) = walk.order.get(at).copied() {
            match item {
                Item::Code(code) => self.hash_code(&mut hasher, &mut walk, code),
                // A global is known by its name, which every node that runs the program shares.
                Item::Global(global) => hash_bytes(&mut hasher, self.global_name(global).as_bytes()),
            }
            at += 1;
        }
        shorten(&hasher)
    }

    fn hash_code(&self, hasher: &mut blake3::Hasher, walk: &mut Walk, index: u32) {
        let skeleton = &self.code(index).skeleton;
        hash_bytes(hasher, &skeleton.bytes);
        for hole in &skeleton.holes {
            let (tag, item) = match hole {
                Hole::Function(link) => {
                    (0, Item::Code(self.links(index).get(*link as usize).copied().unwrap_or_default()))
                }
                Hole::Global(global) => (1, Item::Global(*global)),
            };
            hasher.update(&[tag]);
            hasher.update(&walk.number(item).to_be_bytes());
        }
    }
}

impl Machine {
    /// Where a function value was written, if that is in a text known here.
    #[must_use]
    pub fn place(&self, function: &Term) -> Option<Span> {
        let Term::Fun(closure) = function else { return None };
        let code = self.program.code(self.program.code_of(closure)?);
        // The last operation, which is reached where no clause matches, has the place of the whole.
        code.spans.last().copied().filter(|span| *span != Span::default())
    }

    /// The content hash of a function value: its code and all functions that it calls, what it captured, and the values
    /// of the globals that it reads.
    ///
    /// # Errors
    /// When it is not a function, is unknown here, or reads a global that is not bound yet.
    pub fn identity(&self, function: &Term) -> Result<u128, Failure> {
        self.digest_of(function, true)
    }

    /// The content hash of a function value: its code and all functions that it calls, and what it captured. Globals are
    /// known by their names, which every node that runs the program shares, whatever is bound to them there.
    ///
    /// # Errors
    /// When it is not a function, or unknown here.
    pub fn code_identity(&self, function: &Term) -> Result<u128, Failure> {
        self.digest_of(function, false)
    }

    fn digest_of(&self, function: &Term, globals_by_value: bool) -> Result<u128, Failure> {
        let fail = |fault| Failure::new(fault, Span::default(), String::new());
        let Term::Fun(closure) = function else { return Err(fail(Fault::NotFunction(function.clone()))) };
        let Some(code) = self.program.code_of(closure) else {
            return Err(fail(Fault::UnknownFunction(function.clone())));
        };
        let mut walk = Walk::default();
        let mut hasher = blake3::Hasher::new();
        walk.number(Item::Code(code));
        self.hash_term(&mut hasher, &mut walk, function);
        let mut at = 0;
        while let Some(item) = walk.order.get(at).copied() {
            match item {
                Item::Code(code) => self.program.hash_code(&mut hasher, &mut walk, code),
                Item::Global(global) if !globals_by_value => {
                    hash_bytes(&mut hasher, self.program.global_name(global).as_bytes());
                }
                Item::Global(global) => {
                    let Some(value) = self.global(global) else {
                        let unbound = Fault::Unbound(self.program.global_name(global));
                        let span = self.program.code(code).spans.first().copied().unwrap_or_default();
                        return Err(Failure::new(unbound, span, self.program.code(code).name.clone()));
                    };
                    self.hash_term(&mut hasher, &mut walk, value);
                }
            }
            at += 1;
        }
        Ok(shorten(&hasher))
    }

    /// The bytes of a term, and the functions in it for the walk: their code may read globals.
    fn hash_term(&self, hasher: &mut blake3::Hasher, walk: &mut Walk, term: &Term) {
        hash_bytes(hasher, &codec::encode(term));
        let mut pending = vec![term];
        while let Some(term) = pending.pop() {
            match term {
                Term::Tuple(tuple) => pending.extend(tuple.items()),
                Term::Map(map) => pending.extend(map.iter().flat_map(|(key, value)| [key, value])),
                Term::Cons(cell) => pending.extend([cell.tail(), cell.head()]),
                Term::Fun(closure) => {
                    if let Some(code) = self.program.code_of(closure) {
                        hasher.update(&walk.number(Item::Code(code)).to_be_bytes());
                    }
                    pending.extend(&closure.captured);
                }
                _ => {}
            }
        }
    }
}

fn hash_bytes(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_be_bytes());
    hasher.update(bytes);
}

fn shorten(hasher: &blake3::Hasher) -> u128 {
    let mut short = [0; 16];
    short.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    u128::from_be_bytes(short)
}
