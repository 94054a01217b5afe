//! Operations that only touch the registers of one frame.

use triomphe::Arc;

use crate::value::map::Map;
use crate::value::term::Closure;
use crate::value::term::DEPTH_MAX;
use crate::value::term::Term;
use crate::vm::LIST_LENGTH_MAX;
use crate::vm::STRING_BYTES_MAX;
use crate::vm::boolean;
use crate::vm::code::Code;
use crate::vm::code::Holder;
use crate::vm::code::Known;
use crate::vm::code::Logic;
use crate::vm::code::Op;
use crate::vm::code::Reg;
use crate::vm::code::Target;
use crate::vm::copy;
use crate::vm::fault::Fault;
use crate::vm::machine::Program;
use crate::vm::native;
use crate::vm::number;
use crate::vm::number::Arithmetic;
use crate::vm::truth;
use crate::vm::write;
use crate::vm::write_int;

/// Where to go on.
pub(super) enum Flow {
    Next,
    Jump(Target),
}

type Step = Result<Flow, Box<Fault>>;

/// The registers of a frame.
pub(super) type Window = [Term];

#[inline(always)]
fn get(window: &Window, reg: Reg) -> &Term {
    &window[reg as usize]
}

#[expect(clippy::unnecessary_wraps, reason = "what each operation comes to")]
#[inline(always)]
fn put(window: &mut Window, reg: Reg, term: Term) -> Step {
    write(&mut window[reg as usize], term);
    Ok(Flow::Next)
}

#[expect(clippy::unnecessary_wraps, reason = "what each operation comes to")]
#[inline(always)]
fn put_int(window: &mut Window, reg: Reg, value: i64) -> Step {
    write_int(&mut window[reg as usize], value);
    Ok(Flow::Next)
}

/// Puts a term that was just built, unless it is too deep or too large.
fn put_built(window: &mut Window, reg: Reg, term: Term) -> Step {
    if term.fits() { put(window, reg, term) } else { Err(unfit(&term)) }
}

#[cold]
fn unfit(term: &Term) -> Box<Fault> {
    Box::new(if term.depth() > DEPTH_MAX { Fault::TermTooDeep } else { Fault::TermTooLarge })
}

#[expect(clippy::unnecessary_wraps, reason = "what each operation comes to")]
#[inline(always)]
fn fail_to(matches: bool, target: Target) -> Step {
    Ok(if matches { Flow::Next } else { Flow::Jump(target) })
}

/// A failed match, with the values of the names in its pattern.
#[cold]
fn no_match(globals: &[Option<Term>], code: &Code, window: &Window, src: Reg, known: u16) -> Box<Fault> {
    let names = code.known.get(usize::from(known)).map_or(&[][..], Vec::as_slice);
    let value = |known: &Known| match known.place {
        Holder::Register(register) => window.get(usize::from(register)).cloned(),
        Holder::Global(index) => globals.get(index as usize).cloned().flatten(),
    };
    let known = names.iter().filter_map(|known| Some((known.span, value(known)?))).collect();
    Box::new(Fault::NoMatch { value: get(window, src).clone(), known })
}

/// Loads, arithmetic, comparisons; what is not among them is a match or a construction.
#[inline(always)]
pub(super) fn step(
    program: &Program,
    globals: &mut [Option<Term>],
    code: &Code,
    window: &mut Window,
    op: Op,
    fuel: &mut u64,
) -> Step {
    match op {
        Op::AddSmall { dst, left, number } => arithmetic_small(window, Arithmetic::Add, dst, left, number),
        Op::MultiplySmall { dst, left, number } => arithmetic_small(window, Arithmetic::Multiply, dst, left, number),
        Op::Add { dst, left, right } => arithmetic(window, Arithmetic::Add, dst, left, right),
        Op::ArithmeticSmall { operator, dst, left, number } => arithmetic_small(window, operator, dst, left, number),
        Op::Arithmetic { operator, dst, left, right } => arithmetic(window, operator, dst, left, right),
        Op::Branch { comparison, left, right, target } => {
            let (left, right) = (get(window, left), get(window, right));
            compared(left, right, fuel);
            fail_to(comparison.holds(left, right), target)
        }
        Op::BranchSmall { comparison, left, number, target } => match get(window, left) {
            Term::Int(value) => fail_to(comparison.admits(value.cmp(&i64::from(number))), target),
            other => fail_to(comparison.holds(other, &Term::Int(number.into())), target),
        },
        Op::Move { dst, src } => match get(window, src) {
            Term::Int(value) => put_int(window, dst, *value),
            other => put(window, dst, copy(other)),
        },
        Op::Small { dst, number } => put_int(window, dst, number.into()),
        Op::Const { dst, index } => put(window, dst, code.constants[index as usize].clone()),
        Op::Jump { target } => Ok(Flow::Jump(target)),
        Op::Compare { comparison, dst, left, right } => {
            let (left, right) = (get(window, left), get(window, right));
            compared(left, right, fuel);
            let holds = comparison.holds(left, right);
            put(window, dst, boolean(holds))
        }
        Op::JumpUnlessTrue { src, target } => fail_to(truth(get(window, src)) == Some(true), target),
        Op::Test { operator, src, target } => test(window, operator, src, target, true),
        Op::TestNot { operator, src, target } => test(window, operator, src, target, false),
        Op::NoMatch { src, known } => Err(no_match(globals, code, window, src, known)),
        Op::Global { dst, index } => match globals.get(index as usize) {
            Some(Some(value)) => put(window, dst, value.clone()),
            _ => Err(Box::new(Fault::Unbound(program.global_name(index)))),
        },
        Op::SetGlobal { src, index } => {
            if let Some(global) = globals.get_mut(index as usize)
                && global.is_none()
            {
                *global = Some(get(window, src).clone());
            }
            Ok(Flow::Next)
        }
        Op::MatchGlobal { src, index, target } => match globals.get(index as usize) {
            Some(Some(value)) => {
                compared(value, get(window, src), fuel);
                fail_to(value == get(window, src), target)
            }
            _ => Ok(Flow::Next),
        },
        _ => matching(program, code, window, op, fuel),
    }
}

/// Takes the fuel of comparing two terms, which may come to looking at all that the smaller one has.
#[inline(always)]
fn compared(left: &Term, right: &Term, fuel: &mut u64) {
    let parts = left.parts().min(right.parts());
    if parts >= native::SMALL {
        *fuel = fuel.saturating_sub(u64::from(parts) / native::ELEMENTS_PER_STEP);
    }
}

#[inline(always)]
fn arithmetic_small(window: &mut Window, operator: Arithmetic, dst: Reg, left: Reg, number: i32) -> Step {
    let left = get(window, left);
    if let Term::Int(value) = left
        && let Some(result) = number::small(operator, *value, i64::from(number))
    {
        return put_int(window, dst, result);
    }
    let result = number::arithmetic(operator, left, &Term::Int(number.into()))?;
    put(window, dst, result)
}

#[inline(always)]
fn arithmetic(window: &mut Window, operator: Arithmetic, dst: Reg, left: Reg, right: Reg) -> Step {
    let (left, right) = (get(window, left), get(window, right));
    if let (Term::Int(a), Term::Int(b)) = (left, right)
        && let Some(result) = number::small(operator, *a, *b)
    {
        return put_int(window, dst, result);
    }
    let result = number::arithmetic(operator, left, right)?;
    put(window, dst, result)
}

#[inline(always)]
fn test(window: &Window, operator: Logic, src: Reg, target: Target, wanted: bool) -> Step {
    let value = get(window, src);
    match truth(value) {
        Some(value) => fail_to(value == wanted, target),
        None => Err(Box::new(Fault::NotBoolean { operator: operator.text(), value: value.clone() })),
    }
}

/// Tests of shape, and taking apart.
#[inline(always)]
fn matching(program: &Program, code: &Code, window: &mut Window, op: Op, fuel: &mut u64) -> Step {
    match op {
        Op::IsTuple { src, count, target } => {
            fail_to(get(window, src).as_tuple().is_some_and(|items| items.len() == usize::from(count)), target)
        }
        Op::Element { dst, src, place } => {
            let item = get(window, src).as_tuple().and_then(|items| items.get(usize::from(place))).cloned();
            put(window, dst, item.unwrap_or(Term::Nil))
        }
        Op::Uncons { src, head, tail, target } => {
            let Term::Cons(cell) = get(window, src) else { return Ok(Flow::Jump(target)) };
            let (first, rest) = (copy(cell.head()), cell.tail().clone());
            write(&mut window[head as usize], first);
            put(window, tail, rest)
        }
        Op::IsConst { src, index, target } => fail_to(*get(window, src) == code.constants[index as usize], target),
        Op::IsSmall { src, number, target } => {
            fail_to(matches!(get(window, src), Term::Int(value) if *value == i64::from(number)), target)
        }
        Op::IsNil { src, target } => fail_to(matches!(get(window, src), Term::Nil), target),
        Op::IsSame { left, right, target } => {
            let (left, right) = (get(window, left), get(window, right));
            compared(left, right, fuel);
            fail_to(left == right, target)
        }
        Op::IsMap { src, target } => fail_to(matches!(get(window, src), Term::Map(_)), target),
        Op::MapGet { dst, src, key, target } => {
            let Term::Map(map) = get(window, src) else { return Ok(Flow::Jump(target)) };
            let Some(value) = map.get(get(window, key)).cloned() else { return Ok(Flow::Jump(target)) };
            put(window, dst, value)
        }
        Op::Prefix { dst, src, index, target } => {
            let rest = match (get(window, src), &code.constants[index as usize]) {
                (Term::Str(text), Term::Str(prefix)) => text.strip_prefix(prefix.as_ref().as_ref()).map(Term::text),
                _ => None,
            };
            match rest {
                Some(rest) => put(window, dst, rest),
                None => Ok(Flow::Jump(target)),
            }
        }
        Op::Next { list, head, target } => match get(window, list) {
            Term::Cons(cell) => {
                let (first, rest) = (copy(cell.head()), cell.tail().clone());
                write(&mut window[head as usize], first);
                put(window, list, rest)
            }
            Term::Nil => Ok(Flow::Jump(target)),
            other => Err(Box::new(Fault::NotList(other.clone()))),
        },
        _ => building(program, window, op, fuel),
    }
}

/// New terms. What takes longer the larger its arguments are takes fuel in proportion; see [`native::Cost`].
#[inline(never)]
fn building(program: &Program, window: &mut Window, op: Op, fuel: &mut u64) -> Step {
    match op {
        Op::Tuple { dst, at, count } => {
            let tuple = Term::tuple_of(range(window, at, count));
            put_built(window, dst, tuple)
        }
        Op::Cons { dst, head, tail } => {
            let cell = Term::cons(get(window, head).clone(), get(window, tail).clone());
            put_built(window, dst, cell)
        }
        Op::ReverseOnto { dst, list, tail } => {
            let mut result = get(window, tail).clone();
            let mut rest = get(window, list);
            while let Term::Cons(cell) = rest {
                result = Term::cons(cell.head().clone(), result);
                rest = cell.tail();
            }
            put_built(window, dst, result)
        }
        Op::Map { dst, at, count } => {
            let map: Map = range(window, at, count * 2).chunks_exact(2).map(|p| (p[0].clone(), p[1].clone())).collect();
            put_built(window, dst, Term::map(map))
        }
        Op::MapPut { dst, key, value, exact } => map_put(window, dst, key, value, exact),
        Op::MapEntries { dst, src } => match get(window, src) {
            Term::Map(map) => {
                *fuel = fuel.saturating_sub(native::walk(get(window, src)));
                let entries: Vec<Term> = map.iter().map(|(k, v)| Term::pair(k.clone(), v.clone())).collect();
                put_built(window, dst, Term::list(entries))
            }
            other => Err(Box::new(Fault::NotMap(other.clone()))),
        },
        Op::Closure { dst, at, count, function } => {
            let captured: Box<[Term]> = range(window, at, count).into();
            let arity = program.code(function).arity;
            let closure = Closure { code: function, arity, digest: program.digest(function), captured };
            put_built(window, dst, Term::Fun(Arc::new(closure)))
        }
        Op::Builtin { dst, at, builtin } => {
            let arguments = range(window, at, builtin.row().arity.into());
            let result = program.native(builtin, arguments, fuel)?;
            put_built(window, dst, result)
        }
        Op::Append { dst, left, right } => {
            let left = get(window, left);
            *fuel = fuel.saturating_sub(native::walk(left));
            let result = append(left, get(window, right))?;
            put_built(window, dst, result)
        }
        _ => rare(window, op, fuel),
    }
}

fn rare(window: &mut Window, op: Op, fuel: &mut u64) -> Step {
    match op {
        Op::Unary { operator, dst, src } => {
            let result = number::unary(operator, get(window, src))?;
            put(window, dst, result)
        }
        Op::Logic { operator, dst, left, right } => {
            let result = logic(operator, get(window, left), get(window, right))?;
            put(window, dst, result)
        }
        Op::ListSubtract { dst, left, right } => {
            let (left, right) = (get(window, left), get(window, right));
            *fuel = fuel.saturating_sub(native::sort(left).saturating_add(native::sort(right)));
            let result = subtract(left, right)?;
            put(window, dst, result)
        }
        Op::NoCase { src } => Err(Box::new(Fault::NoCase(get(window, src).clone()))),
        Op::NoIf => Err(Box::new(Fault::NoIf)),
        // The rest is control, which the loop has taken already.
        _ => Ok(Flow::Next),
    }
}

fn range(window: &Window, at: Reg, count: u16) -> &[Term] {
    &window[at as usize..at as usize + usize::from(count)]
}

fn map_put(window: &mut Window, dst: Reg, key: Reg, value: Reg, exact: bool) -> Step {
    let (key, value) = (get(window, key).clone(), get(window, value).clone());
    let depth = 1 + key.depth().max(value.depth());
    match &mut window[dst as usize] {
        Term::Map(map) => {
            if exact && map.get(&key).is_none() {
                return Err(Box::new(Fault::NoKey { key, map: Term::Map(map.clone()) }));
            }
            if depth > DEPTH_MAX {
                return Err(Box::new(Fault::TermTooDeep));
            }
            Arc::make_mut(map).insert(key, value);
            if window[dst as usize].fits() { Ok(Flow::Next) } else { Err(Box::new(Fault::TermTooLarge)) }
        }
        other => Err(Box::new(Fault::NotMap(other.clone()))),
    }
}

fn operands(operator: &'static str, left: &Term, right: &Term) -> Box<Fault> {
    Box::new(Fault::Operands { operator, left: Some(left.clone()), right: right.clone() })
}

/// `++` on two lists (the second may be anything, as in Erlang, unless a string is meant) or on two strings.
pub(super) fn append(left: &Term, right: &Term) -> Result<Term, Box<Fault>> {
    match (left, right) {
        (Term::Str(a), Term::Str(b)) => {
            if a.len() + b.len() > STRING_BYTES_MAX {
                return Err(Box::new(Fault::TooLarge("the joined string")));
            }
            Ok(Term::text([a.as_ref().as_ref(), b.as_ref().as_ref()].concat()))
        }
        (Term::Nil | Term::Cons(_), Term::Nil | Term::Cons(_)) => {
            let Some(items) = left.to_vec() else { return Err(operands("++", left, right)) };
            if items.len() > LIST_LENGTH_MAX {
                return Err(Box::new(Fault::TooLarge("the left list of `++`")));
            }
            Ok(items.into_iter().rev().fold(right.clone(), |tail, head| Term::cons(head, tail)))
        }
        _ => Err(operands("++", left, right)),
    }
}

/// `--`: without the first occurrence of each element of the second list, in O((n + m) log m).
pub(super) fn subtract(left: &Term, right: &Term) -> Result<Term, Box<Fault>> {
    let (Some(mut items), Some(without)) = (left.to_vec(), right.to_vec()) else {
        return Err(operands("--", left, right));
    };
    let mut counts = std::collections::BTreeMap::<&Term, usize>::new();
    for term in &without {
        *counts.entry(term).or_default() += 1;
    }
    items.retain(|item| match counts.get_mut(item) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    });
    Ok(Term::list(items))
}

fn logic(operator: Logic, left: &Term, right: &Term) -> Result<Term, Box<Fault>> {
    let need = |term: &Term| {
        truth(term).ok_or_else(|| Box::new(Fault::NotBoolean { operator: operator.text(), value: term.clone() }))
    };
    let (a, b) = (need(left)?, need(right)?);
    Ok(boolean(match operator {
        Logic::And | Logic::AndAlso => a && b,
        Logic::Or | Logic::OrElse | Logic::Filter => a || b,
        Logic::Xor => a != b,
    }))
}
