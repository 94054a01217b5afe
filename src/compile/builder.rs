//! One function's code while it grows: registers, labels, constants, links.

use std::ops::Range;

use crate::check::core::LocalId;
use crate::source::span::Span;
use crate::value::term::Term;
use crate::vm::code::Code;
use crate::vm::code::Link;
use crate::vm::code::Op;
use crate::vm::code::Reg;
use crate::vm::code::Target;
use crate::vm::code::Unit;

/// A place that is not known yet; operations name it as their target until the function is finished.
#[derive(Clone, Copy)]
pub(super) struct Label(pub(super) Target);

/// The code of one unit while it grows.
#[derive(Default)]
pub(super) struct Units {
    pub(super) unit: Unit,
    /// The first function that needs more registers or operations than there are.
    pub(super) too_large: Option<Span>,
    /// Whether the unit is the library's.
    pub(super) library: bool,
    /// The functions of the library's modules. A call of one keeps its caller waiting even where it comes last, so that a
    /// failure in it can be told at the place of the call.
    pub(super) modules: Range<u32>,
}

/// One function while it grows.
pub(super) struct Builder<'u> {
    pub(super) units: &'u mut Units,
    pub(super) code: Code,
    /// The register of each local.
    locals: Vec<Reg>,
    /// The first free register, and the most that were ever used.
    top: u32,
    most: u32,
    labels: Vec<Target>,
    /// Names of the top level that the present pattern binds: they are set when all of it has matched.
    pub(super) pending: Vec<(u32, Reg)>,
    /// Whether this is a function's code, and not that of a statement form.
    pub(super) in_function: bool,
    /// Where the present expression stands.
    pub(super) span: Span,
}

impl<'u> Builder<'u> {
    /// `fixed` registers come before the locals' own.
    pub(super) fn new(units: &'u mut Units, code: Code, locals: u32, fixed: u32, span: Span) -> Builder<'u> {
        let top = fixed;
        Builder {
            units,
            code,
            locals: vec![Reg::MAX; locals as usize],
            top,
            most: top.max(1),
            labels: Vec::new(),
            pending: Vec::new(),
            in_function: true,
            span,
        }
    }

    /// Gives a register to every local that has none yet.
    pub(super) fn place_locals(&mut self, elsewhere: &[LocalId]) {
        for local in 0..self.locals.len() {
            let placed = self.locals[local] != Reg::MAX || elsewhere.iter().any(|known| known.0 as usize == local);
            if !placed {
                self.locals[local] = self.temp();
            }
        }
    }

    /// Says in which register a local lies.
    pub(super) fn set_local(&mut self, local: LocalId, register: Reg) {
        if let Some(slot) = self.locals.get_mut(local.0 as usize) {
            *slot = register;
        }
    }

    pub(super) fn local(&mut self, local: LocalId) -> Reg {
        match self.locals.get(local.0 as usize).copied() {
            Some(register) if register != Reg::MAX => register,
            _ => {
                // The checker numbers all locals; a register more does no harm.
                let register = self.temp();
                self.set_local(local, register);
                register
            }
        }
    }

    /// A local that the checker did not make, for what a register holds now.
    pub(super) fn hold(&mut self, register: Reg) -> LocalId {
        self.locals.push(register);
        LocalId(clip(self.locals.len() - 1))
    }

    /// A fresh register above all others.
    pub(super) fn temp(&mut self) -> Reg {
        let register = self.top;
        self.top += 1;
        self.most = self.most.max(self.top);
        Reg::try_from(register).unwrap_or(Reg::MAX)
    }

    /// The first free register.
    pub(super) fn mark(&self) -> u32 {
        self.top
    }

    /// Frees all registers from a mark on.
    pub(super) fn release(&mut self, mark: u32) {
        self.top = mark;
    }

    /// The first free register, for the arguments of a call; see [`Builder::mark`].
    pub(super) fn next(&self) -> Reg {
        Reg::try_from(self.top).unwrap_or(Reg::MAX)
    }

    pub(super) fn emit(&mut self, op: Op) {
        self.code.ops.push(op);
        self.code.spans.push(self.span);
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels.push(Target::MAX);
        Label(clip(self.labels.len() - 1))
    }

    /// The label stands for the next operation.
    pub(super) fn bind(&mut self, label: Label) {
        self.labels[label.0 as usize] = clip(self.code.ops.len());
    }

    pub(super) fn jump(&mut self, label: Label) {
        self.emit(Op::Jump { target: label.0 });
    }

    pub(super) fn constant(&mut self, term: &Term) -> u32 {
        self.code.constants.push(term.clone());
        clip(self.code.constants.len() - 1)
    }

    pub(super) fn link(&mut self, link: Link) -> u32 {
        link_index(&mut self.code.links, link)
    }

    pub(super) fn load(&mut self, dst: Reg, term: &Term) {
        match term {
            Term::Int(value) if i32::try_from(*value).is_ok() => {
                self.emit(Op::Small { dst, number: i32::try_from(*value).unwrap_or_default() });
            }
            _ => {
                let index = self.constant(term);
                self.emit(Op::Const { dst, index });
            }
        }
    }

    pub(super) fn copy(&mut self, dst: Reg, src: Reg) {
        if dst != src {
            self.emit(Op::Move { dst, src });
        }
    }

    /// Puts the places in for the labels, and appends the code to the unit; gives its index there.
    pub(super) fn finish(mut self) -> u32 {
        if self.code.ops.is_empty() {
            self.emit(Op::NoClause);
        }
        let limit = u32::from(Reg::MAX) - 256;
        let long = self.code.ops.len() >= Target::MAX as usize || self.code.verbs.len() > usize::from(u16::MAX);
        if self.most > limit || long {
            self.units.too_large.get_or_insert(self.span);
        }
        self.code.registers = Reg::try_from(self.most).unwrap_or(Reg::MAX);
        for op in &mut self.code.ops {
            if let Some(target) = target(op) {
                *target = self.labels[*target as usize];
            }
        }
        self.units.unit.codes.push(self.code);
        clip(self.units.unit.codes.len() - 1)
    }
}

/// The index of a link, which is added when it is new.
pub(super) fn link_index(links: &mut Vec<Link>, link: Link) -> u32 {
    let at = links.iter().position(|known| *known == link).unwrap_or_else(|| {
        links.push(link);
        links.len() - 1
    });
    clip(at)
}

/// Texts are shorter than 2^32 bytes, and so is everything that is made of them.
pub(super) fn clip(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn target(op: &mut Op) -> Option<&mut Target> {
    match op {
        Op::MatchGlobal { target, .. }
        | Op::Branch { target, .. }
        | Op::BranchSmall { target, .. }
        | Op::Jump { target }
        | Op::JumpUnlessTrue { target, .. }
        | Op::Test { target, .. }
        | Op::TestNot { target, .. }
        | Op::GuardBegin { target }
        | Op::IsTuple { target, .. }
        | Op::Uncons { target, .. }
        | Op::IsConst { target, .. }
        | Op::IsSmall { target, .. }
        | Op::IsNil { target, .. }
        | Op::IsSame { target, .. }
        | Op::IsMap { target, .. }
        | Op::MapGet { target, .. }
        | Op::Prefix { target, .. }
        | Op::Next { target, .. } => Some(target),
        _ => None,
    }
}
