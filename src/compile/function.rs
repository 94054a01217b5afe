//! Functions, `fun`s and statement forms: clauses one after the other, each leading to the next where it does not match.

use std::ops::Range;

use crate::check::core::Checked;
use crate::check::core::Form;
use crate::check::core::Function;
use crate::check::core::Lambda;
use crate::check::core::LocalId;
use crate::check::core::PatternNode;
use crate::compile::builder::Builder;
use crate::compile::builder::Units;
use crate::compile::builder::clip;
use crate::compile::equality;
use crate::compile::equality::Keys;
use crate::compile::skeleton;
use crate::library::BuiltinId;
use crate::source::span::Span;
use crate::vm::Unit;
use crate::vm::code::Code;
use crate::vm::code::Equality;
use crate::vm::code::Op;
use crate::vm::code::Skeleton;
use crate::vm::code::VerbSite;

/// The code of a checked text. `modules` are the numbers of the functions in the library's modules; `None` where the text is
/// the library's own.
///
/// # Errors
/// The place of a function that needs more registers than there are.
pub fn generate(checked: &Checked, modules: Option<Range<u32>>) -> Result<Unit, Span> {
    let mut units = Units { library: modules.is_none(), modules: modules.unwrap_or_default(), ..Units::default() };
    for function in &checked.functions {
        let code = named(&mut units, function);
        units.unit.functions.push((function.id.0, code));
    }
    for part in &checked.forms {
        let code = form(&mut units, part);
        units.unit.forms.push(code);
    }
    units.unit.globals.clone_from(&checked.globals);
    match units.too_large {
        Some(span) => Err(span),
        None => Ok(units.unit),
    }
}

fn named(units: &mut Units, function: &Function) -> u32 {
    let module = match function.module.as_deref() {
        None | Some("prelude") => String::new(),
        Some(module) => format!("{module}:"),
    };
    let name = format!("{module}{}/{}", function.name, function.lambda.arity);
    lambda(units, &function.lambda, name)
}

/// The code of a function or `fun`; gives its index in the unit.
pub(super) fn lambda(units: &mut Units, lambda: &Lambda, name: String) -> u32 {
    let captures = lambda.captures.len();
    let mut code = Code {
        name,
        library: units.library,
        arity: lambda.arity,
        captures: u16::try_from(captures).unwrap_or(u16::MAX),
        itself: lambda.itself.is_some(),
        ..Code::default()
    };
    code.skeleton = skeleton::of(lambda, &mut code.links);
    let fixed = u32::from(lambda.arity) + clip(captures) + u32::from(lambda.itself.is_some());
    let mut builder = Builder::new(units, code, lambda.locals, fixed, lambda.span);
    let mut register = u16::from(lambda.arity);
    for (_, inside) in &lambda.captures {
        builder.set_local(*inside, register);
        register = register.saturating_add(1);
    }
    if let Some(itself) = lambda.itself {
        builder.set_local(itself, register);
    }
    builder.place_locals(&arguments(lambda));
    let mark = builder.mark();
    for clause in &lambda.clauses {
        let fail = builder.label();
        for (at, pattern) in (0u16..).zip(&clause.patterns) {
            if let PatternNode::Bind(local) = pattern.node {
                builder.set_local(local, at);
            } else {
                builder.pattern(pattern, at, fail);
            }
        }
        builder.guard(&clause.guard, fail);
        builder.set_globals();
        builder.body(&clause.body);
        builder.bind(fail);
        builder.release(mark);
    }
    builder.span = lambda.span;
    builder.emit(Op::NoClause);
    let index = builder.finish();
    if let Some(keys) = equality::of(lambda) {
        keyed(units, index, &keys);
    }
    index
}

/// Compiles the keys of a function of pairs, and notes them with it.
fn keyed(units: &mut Units, index: u32, keys: &Keys) {
    let name = units.unit.codes.get(index as usize).map(|code| code.name.clone()).unwrap_or_default();
    let equality = Equality {
        left: lambda(units, &keys.left, name.clone()),
        right: lambda(units, &keys.right, name),
        by_value: keys.by_value,
        told: keys.told,
    };
    if let Some(code) = units.unit.codes.get_mut(index as usize) {
        code.equality = Some(equality);
    }
}

/// The locals that are arguments as they are: they need no register of their own.
fn arguments(lambda: &Lambda) -> Vec<LocalId> {
    let patterns = lambda.clauses.iter().flat_map(|clause| &clause.patterns);
    patterns
        .filter_map(|pattern| match pattern.node {
            PatternNode::Bind(local) => Some(local),
            _ => None,
        })
        .collect()
}

fn form(units: &mut Units, form: &Form) -> u32 {
    let code = Code { name: "the top level".into(), ..Code::default() };
    let mut builder = Builder::new(units, code, form.locals, 0, form.span);
    builder.in_function = false;
    builder.place_locals(&[]);
    // The last call keeps its caller waiting, so that a failure can tell where it was made.
    builder.values(&form.body);
    builder.finish()
}

/// A built-in or verb as a function value.
pub(super) fn stub(units: &mut Units, builtin: BuiltinId, span: Span) -> u32 {
    let row = builtin.row();
    let skeleton = Skeleton { bytes: format!("built-in {}", row.title()).into_bytes(), holes: Vec::new() };
    let code = Code { name: row.title(), arity: row.arity, skeleton, ..Code::default() };
    let mut builder = Builder::new(units, code, 0, u32::from(row.arity).max(1), span);
    match row.verb {
        None => builder.emit(Op::Builtin { dst: 0, at: 0, builtin }),
        Some(verb) => {
            builder.code.verbs.push(VerbSite { builtin, verb, name: None, seen: Vec::new(), compared: false });
            if verb.calls() {
                builder.emit(Op::Mark);
            }
            builder.emit(Op::Verb { dst: 0, at: 0, index: 0 });
        }
    }
    builder.emit(Op::Return { src: 0 });
    builder.finish()
}
