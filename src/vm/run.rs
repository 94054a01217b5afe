//! The loop: calls, returns, verbs, faults.

use std::mem;

use crate::source::span::Span;
use crate::value::term::Term;
use crate::vm::FRAMES_MAX;
use crate::vm::REGISTERS_MAX;
use crate::vm::clear;
use crate::vm::code::Code;
use crate::vm::code::Op;
use crate::vm::code::Reg;
use crate::vm::fault::Failure;
use crate::vm::fault::Fault;
use crate::vm::fault::PATH_MAX;
use crate::vm::machine::Program;
use crate::vm::step::Flow;
use crate::vm::step::step;
use crate::vm::task::Request;
use crate::vm::write;
use crate::vm::write_int;

/// A place in a function, and where its registers begin.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Frame {
    pub(super) code: u32,
    pub(super) pc: u32,
    pub(super) base: u32,
}

/// The registers of all open calls, and who waits for them. All registers above the running frame are dead.
#[derive(Clone, Default)]
pub(super) struct Stack {
    pub(super) registers: Vec<Term>,
    pub(super) callers: Vec<Frame>,
}

/// Why the loop ended.
pub(super) enum Exit {
    Done(Term),
    /// Done with a small integer, which comes in one register of the processor.
    Int(i64),
    /// The answer belongs into that register.
    Verb(Box<Request>, usize),
    Failed(Failure),
    OutOfFuel,
}

impl Stack {
    /// Makes room up to register `end`; false beyond the limit.
    #[inline]
    pub(super) fn reserve(&mut self, end: usize) -> bool {
        self.registers.len() >= end || self.grow(end)
    }

    fn grow(&mut self, end: usize) -> bool {
        if end > REGISTERS_MAX {
            return false;
        }
        self.registers.resize(end.max((self.registers.len() * 2).clamp(64, REGISTERS_MAX)), Term::Nil);
        true
    }

    /// Forgets everything, after a failure.
    pub(super) fn clear(&mut self) {
        self.callers.clear();
        self.registers.clear();
    }
}

/// Gives a function's value to its caller, or out when there is none.
#[inline(always)]
fn leave(window: &mut [Term], src: Reg, callers: &mut Vec<Frame>, at: &mut Frame) -> Option<Exit> {
    // A small integer is not taken out of its register but read: see `write_int`.
    if let Term::Int(value) = window[src as usize] {
        clear(window);
        let Some(caller) = callers.pop() else { return Some(Exit::Int(value)) };
        write_int(&mut window[0], value);
        *at = caller;
        return None;
    }
    let value = mem::replace(&mut window[src as usize], Term::Nil);
    clear(window);
    let Some(caller) = callers.pop() else { return Some(Exit::Done(value)) };
    write(&mut window[0], value);
    *at = caller;
    None
}

/// Runs until something has to be said. `limit` is the most frames. Guards call no functions of the program: one target is
/// enough for what to do when one fails, and it never outlives the frame.
pub(super) fn execute(
    program: &Program,
    globals: &mut [Option<Term>],
    stack: &mut Stack,
    at: &mut Frame,
    fuel: &mut u64,
    limit: usize,
) -> Exit {
    'frame: loop {
        let code = program.code(at.code);
        let base = at.base as usize;
        let Some(window) = stack.registers.get_mut(base..base + usize::from(code.registers)) else {
            return failed(program, stack, *at, Fault::CallsTooDeep);
        };
        let (mut pc, mut guard) = (at.pc as usize, None);
        loop {
            let op = code.ops[pc];
            pc += 1;
            match op {
                Op::Return { src } => match leave(window, src, &mut stack.callers, at) {
                    Some(exit) => return exit,
                    None => continue 'frame,
                },
                Op::GuardBegin { target } => guard = Some(target),
                Op::GuardEnd => guard = None,
                Op::Next { .. } | Op::Call { .. } | Op::TailCall { .. } | Op::Apply { .. } | Op::TailApply { .. }
                    if *fuel == 0 =>
                {
                    at.pc = clip(pc - 1);
                    return Exit::OutOfFuel;
                }
                Op::Call { .. } | Op::TailCall { .. } | Op::Apply { .. } | Op::TailApply { .. } => {
                    *fuel -= 1;
                    at.pc = clip(pc);
                    let Err(fault) = enter(program, stack, at, op, limit) else { continue 'frame };
                    return failed(program, stack, *at, *fault);
                }
                Op::Verb { dst, at: first, index } => {
                    at.pc = clip(pc);
                    let request = request(code, window, usize::from(first), usize::from(index), pc);
                    return Exit::Verb(Box::new(request), base + usize::from(dst));
                }
                Op::NoClause => {
                    at.pc = clip(pc);
                    let arguments = window[..usize::from(code.arity)].to_vec();
                    return failed(program, stack, *at, Fault::NoClause { function: code.name.clone(), arguments });
                }
                _ => {
                    *fuel -= u64::from(matches!(op, Op::Next { .. }));
                    match step(program, globals, code, window, op, fuel) {
                        Ok(Flow::Next) => {}
                        Ok(Flow::Jump(target)) => pc = target as usize,
                        Err(fault) => {
                            if let Some(target) = guard.take() {
                                pc = target as usize;
                            } else {
                                at.pc = clip(pc);
                                return failed(program, stack, *at, *fault);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Functions have fewer than 2^32 operations; the compiler refuses longer ones.
fn clip(pc: usize) -> u32 {
    u32::try_from(pc).unwrap_or(u32::MAX)
}

fn request(code: &Code, window: &mut [Term], first: usize, index: usize, pc: usize) -> Request {
    let site = &code.verbs[index];
    let behind = first + usize::from(site.builtin.row().arity);
    let mut take = |at: usize| mem::replace(&mut window[at], Term::Nil);
    let arguments = (first..behind).map(&mut take).collect();
    let seen = site.seen.iter().zip(behind..).map(|(span, at)| (*span, take(at))).collect();
    let span = code.spans[pc - 1];
    Request { verb: site.verb, arguments, name: site.name, span, returned: None, seen, compared: site.compared }
}

/// Opens the frame of a callee.
#[inline]
fn enter(program: &Program, stack: &mut Stack, at: &mut Frame, op: Op, limit: usize) -> Result<(), Box<Fault>> {
    match op {
        Op::Call { at: first, function } => {
            push(stack, at, first.into(), limit)?;
            open(program, stack, at, function)
        }
        Op::TailCall { at: first, function } => {
            let (window, arity) = (window(program, stack, *at), usize::from(program.code(function).arity));
            slide(window, first.into(), arity);
            open(program, stack, at, function)
        }
        Op::Apply { at: first, count } => {
            let function = take_function(stack, at.base as usize + usize::from(first), count);
            let code = program.resolve(&function, count.into())?;
            push(stack, at, first.into(), limit)?;
            open(program, stack, at, code)?;
            hand_over(program, stack, *at, function);
            Ok(())
        }
        Op::TailApply { at: first, count } => {
            let function = take_function(stack, at.base as usize + usize::from(first), count);
            let code = program.resolve(&function, count.into())?;
            slide(window(program, stack, *at), first.into(), count.into());
            open(program, stack, at, code)?;
            hand_over(program, stack, *at, function);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn window<'a>(program: &Program, stack: &'a mut Stack, at: Frame) -> &'a mut [Term] {
    let base = at.base as usize;
    &mut stack.registers[base..base + usize::from(program.code(at.code).registers)]
}

fn take_function(stack: &mut Stack, arguments: usize, count: u8) -> Term {
    mem::replace(&mut stack.registers[arguments + usize::from(count)], Term::Nil)
}

fn push(stack: &mut Stack, at: &mut Frame, first: u32, limit: usize) -> Result<(), Box<Fault>> {
    if stack.callers.len() >= limit {
        return Err(Box::new(Fault::CallsTooDeep));
    }
    stack.callers.push(*at);
    at.base += first;
    Ok(())
}

#[inline]
fn open(program: &Program, stack: &mut Stack, at: &mut Frame, function: u32) -> Result<(), Box<Fault>> {
    if !stack.reserve(at.base as usize + usize::from(program.code(function).registers)) {
        return Err(Box::new(Fault::CallsTooDeep));
    }
    (at.code, at.pc) = (function, 0);
    Ok(())
}

/// Moves the arguments of a last call to the start of the frame, and drops everything else.
fn slide(window: &mut [Term], first: usize, count: usize) {
    for at in 0..count {
        let value = mem::replace(&mut window[first + at], Term::Nil);
        write(&mut window[at], value);
    }
    clear(&mut window[count..]);
}

/// Gives a function its captured values and itself.
#[inline]
pub(super) fn hand_over(program: &Program, stack: &mut Stack, at: Frame, function: Term) {
    let Term::Fun(closure) = &function else { return };
    let code = program.code(at.code);
    let first = at.base as usize + usize::from(code.arity);
    for (place, value) in closure.captured.iter().enumerate() {
        stack.registers[first + place] = value.clone();
    }
    if code.itself {
        let place = first + closure.captured.len();
        stack.registers[place] = function;
    }
}

/// A failure at the operation before `at.pc`, with the calls that led there.
pub(super) fn failed(program: &Program, stack: &mut Stack, at: Frame, fault: Fault) -> Exit {
    let failure = failure(program, stack, at, fault);
    stack.clear();
    Exit::Failed(failure)
}

pub(super) fn failure(program: &Program, stack: &Stack, at: Frame, fault: Fault) -> Failure {
    let place = |frame: &Frame| {
        let code = program.code(frame.code);
        let span = code.spans.get((frame.pc as usize).saturating_sub(1)).copied().unwrap_or_default();
        (code.name.clone(), span)
    };
    // People look for the mistake in their own text: the library's frames are left out, if there is any other.
    let own = |frame: &&Frame| !program.code(frame.code).library;
    let frames = || stack.callers.iter().rev();
    let Some(first) = [&at].into_iter().chain(frames()).find(own) else {
        let (function, span) = place(&at);
        return Failure::new(fault, span, function);
    };
    let mut rest = [&at].into_iter().chain(frames()).filter(own).skip(1);
    let path: Vec<_> = rest.by_ref().take(PATH_MAX).map(place).collect();
    let (function, span) = place(first);
    Failure::new(fault, span, function).with_path(path, rest.count())
}

/// Where the program's own text is in the operation before `at.pc`, if it is in it at all.
pub(super) fn place(program: &Program, stack: &Stack, at: Frame) -> Option<Span> {
    let own = [&at].into_iter().chain(stack.callers.iter().rev()).find(|frame| !program.code(frame.code).library)?;
    program.code(own.code).spans.get((own.pc as usize).saturating_sub(1)).copied()
}

/// The limit for tasks.
pub(super) const TASK_FRAMES: usize = FRAMES_MAX;
