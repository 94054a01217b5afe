//! Patterns against abstract values: whether they can match, whether they are sure to, and what their names then hold.

use std::collections::BTreeMap;

use crate::check::core::Binary;
use crate::check::core::Clause;
use crate::check::core::Expr;
use crate::check::core::Lambda;
use crate::check::core::Node;
use crate::check::core::Pattern;
use crate::check::core::PatternNode;
use crate::check::infer::parts::Code;
use crate::check::infer::parts::Few;
use crate::check::infer::parts::MapShape;
use crate::check::infer::parts::Parts;
use crate::check::infer::run::Call;
use crate::check::infer::run::Frame;
use crate::check::infer::run::Run;
use crate::check::infer::site::Failure;
use crate::check::infer::site::Why;
use crate::check::infer::site::site;
use crate::check::infer::value::Value;
use crate::check::infer::value::both;
use crate::source::diagnostic::Diagnostic;
use crate::value::term::Term;

/// Whether a pattern or a guard holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holds {
    Never,
    Perhaps,
    Always,
}

impl Holds {
    pub(super) fn and(self, other: Holds) -> Holds {
        self.min(other)
    }

    pub(super) fn or(self, other: Holds) -> Holds {
        self.max(other)
    }

    pub(super) fn at_most(self, other: Holds) -> Holds {
        self.min(other)
    }

    fn when(certain: bool) -> Holds {
        if certain { Holds::Always } else { Holds::Perhaps }
    }
}

impl<'p> Run<'p> {
    /// Matches, and binds the pattern's names to what they hold if it does.
    pub(super) fn matches(&mut self, pattern: &'p Pattern, value: &Value, frame: &mut Frame) -> Holds {
        if value.is_never() {
            return Holds::Never;
        }
        match &pattern.node {
            PatternNode::Any => Holds::Always,
            PatternNode::Bind(local) => {
                frame.set(local.0, value.clone());
                Holds::Always
            }
            PatternNode::Same(local) => {
                let known = frame.get(local.0);
                let met = known.meet(value);
                if met.is_never() {
                    return Holds::Never;
                }
                let certain = known.single().is_some() && known.single() == value.single();
                frame.set(local.0, met);
                Holds::when(certain)
            }
            PatternNode::Global(global) => self.match_global(global.0 as usize, value, frame),
            PatternNode::Literal(term) => literal(term, value),
            PatternNode::Tuple(items) => self.match_tuple(items, value, frame),
            PatternNode::Cons(..) => self.match_list(pattern, value, frame),
            PatternNode::Map(pairs) => self.match_map(pairs, value, frame),
            PatternNode::Both(left, right) => {
                let left = self.matches(left, value, frame);
                if left == Holds::Never { Holds::Never } else { left.and(self.matches(right, value, frame)) }
            }
            PatternNode::Prefix(prefix, rest) => {
                let possible = match value.parts().map(|parts| &parts.texts) {
                    Some(Few::Of(few)) => {
                        few.iter().any(|text| text.as_text().is_some_and(|text| text.starts_with(prefix.as_str())))
                    }
                    _ => true,
                };
                if !possible {
                    return Holds::Never;
                }
                let rest = self.matches(rest, &Value::texts().touched(&value.from), frame);
                rest.at_most(Holds::Perhaps)
            }
        }
    }

    fn match_global(&mut self, global: usize, value: &Value, frame: &Frame) -> Holds {
        let known =
            if frame.in_function { Some(self.global(global)) } else { self.globals.get(global).cloned().flatten() };
        match known {
            // An earlier line may have failed before it bound the name.
            Some(known) if !frame.in_function && global < self.earlier => {
                if let Some(slot) = self.globals.get_mut(global) {
                    *slot = Some(known.join(value));
                }
                Holds::Perhaps
            }
            Some(known) => {
                if !known.meets(value) {
                    return Holds::Never;
                }
                let certain = known.single().is_some() && known.single() == value.single();
                Holds::when(certain)
            }
            None => {
                if !frame.in_function {
                    self.bind_global(global, value.clone());
                }
                Holds::Always
            }
        }
    }

    fn bind_global(&mut self, global: usize, value: Value) {
        if let Some(slot @ None) = self.globals.get_mut(global) {
            *slot = Some(value);
            self.bound.push(global);
            if self.choices > 0 {
                self.branched.insert(global);
            }
        }
    }

    /// Takes back which names of the top level a branch has bound since there were so many: in another branch they are free.
    fn unbind(&mut self, mark: usize) -> Vec<(usize, Value)> {
        let globals = &mut self.globals;
        self.bound.drain(mark..).filter_map(|global| Some((global, globals.get_mut(global)?.take()?))).collect()
    }

    /// After a choice a name is what any of the branches has bound it to, but those that end without a value.
    fn rebind(&mut self, branches: Vec<(Vec<(usize, Value)>, bool)>) {
        let (dead, live): (Vec<_>, Vec<_>) = branches.into_iter().partition(|(_, dead)| *dead);
        let mut joined: BTreeMap<usize, Value> = BTreeMap::new();
        for (global, value) in live.into_iter().flat_map(|(bound, _)| bound) {
            joined.entry(global).and_modify(|known| *known = known.join(&value)).or_insert(value);
        }
        for (global, value) in dead.into_iter().flat_map(|(bound, _)| bound) {
            joined.entry(global).or_insert(value);
        }
        joined.into_iter().for_each(|(global, value)| self.bind_global(global, value));
    }

    /// What a function sees in a name of the top level.
    pub(super) fn global(&self, global: usize) -> Value {
        let settled = self.settled.get(global).cloned().flatten();
        let now = self.globals.get(global).filter(|_| !self.branched.contains(&global)).cloned().flatten();
        let value = settled.or(now).unwrap_or_else(Value::any);
        self.seen_by_now(global, value)
    }

    fn match_tuple(&mut self, items: &'p [Pattern], value: &Value, frame: &mut Frame) -> Holds {
        let Some(parts) = value.parts() else { return self.match_unknown(items, value, frame) };
        let Few::Of(shapes) = &parts.tuples else { return self.match_unknown(items, value, frame) };
        let fitting: Vec<&Vec<Value>> = shapes
            .iter()
            .filter(|shape| {
                shape.len() == items.len() && items.iter().zip(*shape).all(|(item, value)| fits(item, value))
            })
            .collect();
        let Some((first, others)) = fitting.split_first() else { return Holds::Never };
        let certain = others.is_empty() && shapes.len() == 1 && parts.kinds() == 1;
        let mut holds = Holds::when(certain);
        for (at, item) in items.iter().enumerate() {
            let joined = others.iter().fold(first[at].clone(), |all, shape| all.join(&shape[at]));
            holds = holds.and(self.matches(item, &joined.touched(&value.from), frame));
            if holds == Holds::Never {
                break;
            }
        }
        holds
    }

    fn match_unknown(&mut self, items: &'p [Pattern], value: &Value, frame: &mut Frame) -> Holds {
        let unknown = Value::any().touched(&value.from);
        let holds = items.iter().fold(Holds::Always, |all, item| all.and(self.matches(item, &unknown, frame)));
        holds.at_most(Holds::Perhaps)
    }

    /// Cell by cell: a list pattern may be long.
    fn match_list(&mut self, pattern: &'p Pattern, value: &Value, frame: &mut Frame) -> Holds {
        let (mut pattern, mut value) = (pattern, value.clone());
        let mut holds = Holds::Always;
        while let PatternNode::Cons(head, tail) = &pattern.node {
            let (first, rest, certain) = match value.parts() {
                None => (Value::any(), Value::any(), false),
                Some(parts) => match &parts.cons {
                    None => return Holds::Never,
                    Some(cons) => (cons.items[0].clone(), cons.tail(), parts.kinds() == 1),
                },
            };
            holds = holds.and(Holds::when(certain));
            holds = holds.and(self.matches(head, &first.touched(&value.from), frame));
            if holds == Holds::Never {
                return Holds::Never;
            }
            (pattern, value) = (tail, rest.touched(&value.from));
        }
        holds.and(self.matches(pattern, &value, frame))
    }

    fn match_map(&mut self, pairs: &'p [(Expr, Pattern)], value: &Value, frame: &mut Frame) -> Holds {
        let shape = match value.parts() {
            None => None,
            Some(Parts { map: Some(shape), .. }) => Some(shape.clone()),
            Some(_) => return Holds::Never,
        };
        let only_maps = value.parts().is_some_and(|parts| parts.kinds() == 1);
        let mut holds = Holds::when(only_maps);
        for (key, pattern) in pairs {
            let key = self.quietly(key, frame);
            let (found, always) = match &shape {
                None => (Value::any(), false),
                Some(shape) => entry(shape, &key),
            };
            if found.is_never() {
                return Holds::Never;
            }
            holds = holds.and(Holds::when(always));
            holds = holds.and(self.matches(pattern, &found.touched(&value.from), frame));
            if holds == Holds::Never {
                return Holds::Never;
            }
        }
        holds
    }

    /// Names of a pattern that cannot match hold anything, so that only the pattern is told.
    pub(super) fn bind_unknown(&mut self, pattern: &'p Pattern, frame: &mut Frame) {
        match &pattern.node {
            PatternNode::Bind(local) => frame.set(local.0, Value::any()),
            PatternNode::Global(global) if !frame.in_function => {
                self.bind_global(global.0 as usize, Value::any());
            }
            PatternNode::Tuple(items) => items.iter().for_each(|item| self.bind_unknown(item, frame)),
            PatternNode::Cons(..) => {
                let mut pattern = pattern;
                while let PatternNode::Cons(head, tail) = &pattern.node {
                    self.bind_unknown(head, frame);
                    pattern = tail;
                }
                self.bind_unknown(pattern, frame);
            }
            PatternNode::Map(pairs) => pairs.iter().for_each(|(_, pattern)| self.bind_unknown(pattern, frame)),
            PatternNode::Both(left, right) => {
                self.bind_unknown(left, frame);
                self.bind_unknown(right, frame);
            }
            PatternNode::Prefix(_, rest) => self.bind_unknown(rest, frame),
            _ => {}
        }
    }

    /// The clauses of a function, on its arguments.
    pub(super) fn function_clauses(&mut self, lambda: &'p Lambda, call: &Call, frame: &mut Frame) -> Value {
        let mut result = Value::never();
        let mut why: Option<Why> = None;
        self.unheld_heads(lambda);
        let choosers = self.choosers(lambda, &call.arguments);
        let tested = self.tested.take();
        let (mut taken, mut sure) = (false, false);
        for clause in &lambda.clauses {
            let mark = frame.trail.len();
            let mut holds = Holds::Always;
            for (pattern, argument) in clause.patterns.iter().zip(&call.arguments) {
                holds = holds.and(self.matches(pattern, argument, frame));
                if holds == Holds::Never {
                    break;
                }
            }
            if holds != Holds::Never {
                holds = holds.and(self.guard(&clause.guard, frame));
            }
            if holds != Holds::Never {
                let open = u32::from(lambda.clauses.len() > 1 && (holds != Holds::Always || taken));
                taken = true;
                self.choices += open;
                let value = self.under(&choosers, |run| run.body(&clause.body, frame));
                self.choices -= open;
                if value.is_never() {
                    why = Some(self.also(why));
                }
                let value = if lambda.clauses.len() > 1 { self.chosen(value, &call.arguments) } else { value };
                result = result.join(&value);
            }
            frame.undo(mark);
            if holds == Holds::Always {
                sure = true;
                break;
            }
        }
        if !sure {
            // What follows happens only where one of them matches.
            let by = both(&self.discerned(lambda, &call.arguments), &self.tested);
            self.may_fail_by(&by, lambda.span);
        }
        self.tested = tested;
        if result.is_never() {
            self.why = match why {
                Some(why) => why,
                None => self.no_clause(lambda, call),
            };
        }
        result
    }

    /// Why what was looked at last has no value, or, if others had none before, why all have none.
    fn also(&self, others: Option<Why>) -> Why {
        let now = self.why.clone();
        match others {
            Some(others) => others.either(now),
            None => now,
        }
    }

    fn no_clause(&mut self, lambda: &'p Lambda, call: &Call) -> Why {
        let title = match call.code {
            Code::Lambda(_) => "this `fun`".to_owned(),
            code => format!("`{}`", self.title(code)),
        };
        let given = self.describe_all(&call.arguments);
        let diagnostic = Diagnostic::error("E0504", format!("no clause of {title} matches the arguments ({given})"));
        // Only told through a call: the function itself may be right.
        let diagnostic = if self.sites.is_library(lambda.span) {
            diagnostic
        } else {
            diagnostic.at(lambda.span, "has no clause for this")
        };
        let text = |(at, value): (usize, &Value)| {
            let lists =
                |clause: &Clause| matches!(clause.patterns.get(at), Some(Pattern { node: PatternNode::Cons(..), .. }));
            value.parts().is_some_and(|parts| parts.texts.some() && parts.kinds() == 1)
                && lambda.clauses.iter().any(lists)
        };
        let help = "a text is one value, not a list of characters: it does not match `[First | Rest]`";
        let is_text = call.arguments.iter().enumerate().any(text);
        let diagnostic = if is_text { diagnostic.help(help) } else { diagnostic };
        Why::Failed(Failure::new(0, diagnostic, None))
    }

    /// The clauses of a `case`, on its subject; those of an `if` have none.
    pub(super) fn alternatives(
        &mut self,
        clauses: &'p [Clause],
        subject: Option<&Value>,
        frame: &mut Frame,
    ) -> Option<Value> {
        let (mut result, mut rest) = (Value::never(), subject.cloned());
        let (mut why, mut taken, mut sure) = (None, false, false);
        let (mut kept, mut globals, bound) = (Vec::new(), Vec::new(), self.bound.len());
        let control = self.control.clone();
        let mut waited = control.clone();
        // By what a clause is chosen: the subject and all guards so far.
        let chosen = subject.and_then(|subject| self.origin(subject));
        let outside = self.tested.take();
        for clause in clauses {
            let mark = frame.trail.len();
            let (matched, holds) = self.takes_clause(clause, rest.as_ref(), frame);
            if holds == Holds::Never {
                if !rest.as_ref().is_some_and(Value::is_never) {
                    self.never_matches(clause, subject, matched, frame);
                }
                frame.undo(mark);
                self.unbind(bound);
                continue;
            }
            self.sites.fine(site(clause), clause.span);
            taken = true;
            let alone = clauses.len() == 1 && holds == Holds::Always;
            let by = if alone { None } else { both(&chosen, &self.tested) };
            self.control.clone_from(&control);
            self.choices += 1;
            let value = self.under(&by, |run| run.body(&clause.body, frame));
            self.choices -= 1;
            waited = both(&waited, &self.control);
            let dead = value.is_never();
            if dead {
                why = Some(self.also(why));
            }
            result = result.join(&value);
            let (changed, unbound) = (frame.changed(mark), self.unbind(bound));
            frame.undo(mark);
            kept.push((self.bound_by(&by, changed, |local| !frame.knows(local)), dead));
            globals.push((self.bound_by(&by, unbound, |_| true), dead));
            if holds == Holds::Always {
                sure = true;
                break;
            }
            if let (Some(rest), Some(pattern), true) = (&mut rest, clause.patterns.first(), clause.guard.is_empty()) {
                without(rest, pattern);
            }
        }
        self.rebind(globals);
        self.control = waited;
        if let (false, Some(first)) = (sure, clauses.first()) {
            // Where no clause matches, nothing of what follows happens.
            self.hang_on(&both(&chosen, &self.tested), first.span);
        }
        self.tested = outside;
        if !taken {
            // One mistake, one message: the whole is told, and not each clause too.
            clauses.iter().for_each(|clause| self.sites.fine(site(clause), clause.span));
            return None;
        }
        frame.keep(kept);
        if result.is_never() {
            self.why = why.unwrap_or(Why::Open);
            return Some(result);
        }
        Some(subject.map_or_else(|| result.clone(), |subject| result.clone().touched(&subject.from)))
    }
}

/// The value of a key that is perhaps not known, and whether it is sure to be there.
pub(super) fn entry(shape: &MapShape, key: &Value) -> (Value, bool) {
    if let Some(key) = key.single() {
        return shape.get(&key);
    }
    if key.parts().is_some_and(Parts::none) {
        return (Value::any(), false);
    }
    let mut all = shape.rest.as_ref().map_or_else(Value::never, |(_, values)| values.clone());
    for known in &shape.known {
        if Value::literal(&known.key).meets(key) {
            all = all.join(&known.value);
        }
    }
    (all, false)
}

fn literal(term: &Term, value: &Value) -> Holds {
    if value.single().is_some_and(|single| single == *term) {
        return Holds::Always;
    }
    if value.is_any() || Value::literal(term).meets(value) { Holds::Perhaps } else { Holds::Never }
}

/// A first look, without binding names.
fn fits(pattern: &Pattern, value: &Value) -> bool {
    let Some(parts) = value.parts() else { return true };
    match &pattern.node {
        PatternNode::Literal(term) => literal(term, value) != Holds::Never,
        PatternNode::Tuple(items) => match &parts.tuples {
            Few::All => true,
            Few::Of(shapes) => shapes.iter().any(|shape| {
                shape.len() == items.len() && items.iter().zip(shape).all(|(item, value)| fits(item, value))
            }),
        },
        PatternNode::Cons(..) => parts.cons.is_some(),
        PatternNode::Map(_) => parts.map.is_some(),
        PatternNode::Prefix(..) => parts.texts.some(),
        _ => !parts.none(),
    }
}

/// Whether a test has a value whatever its operands are; what fails in a guard is false.
pub(super) fn cannot_fail(test: &Expr) -> bool {
    match &test.node {
        Node::Literal(_) | Node::Local(_) => true,
        Node::Builtin(builtin, arguments) => {
            let row = builtin.row();
            row.arity == 1 && row.name.starts_with("is_") && arguments.iter().all(cannot_fail)
        }
        Node::Binary(binary, left, right) => is_comparison(*binary) && cannot_fail(left) && cannot_fail(right),
        _ => false,
    }
}

/// Whether it compares.
pub(super) fn is_comparison(binary: Binary) -> bool {
    matches!(
        binary,
        Binary::Equal
            | Binary::NotEqual
            | Binary::ExactlyEqual
            | Binary::ExactlyNotEqual
            | Binary::Less
            | Binary::LessOrEqual
            | Binary::Greater
            | Binary::GreaterOrEqual
    )
}

/// Takes out what a clause without a guard has taken.
fn without(rest: &mut Value, pattern: &Pattern) {
    let Some(parts) = rest.parts() else { return };
    let mut left = parts.clone();
    match &pattern.node {
        PatternNode::Literal(Term::Atom(atom)) => {
            if let Few::Of(few) = &mut left.atoms {
                few.retain(|known| known != atom);
            }
        }
        PatternNode::Literal(Term::Nil) => left.nil = false,
        PatternNode::Cons(head, tail) if is_open(head) && is_open(tail) => left.cons = None,
        PatternNode::Tuple(items) => {
            let all_open = |items: &[Pattern]| items.iter().all(is_open);
            if let Few::Of(shapes) = &mut left.tuples {
                shapes.retain(|shape| {
                    let taken = shape.len() == items.len()
                        && match items.split_first() {
                            Some((first, others)) => {
                                all_open(others)
                                    && (is_open(first)
                                        || matches!((&first.node, shape[0].single()), (PatternNode::Literal(term), Some(tag)) if *term == tag))
                            }
                            None => true,
                        };
                    !taken
                });
            }
        }
        _ => return,
    }
    *rest = Value::of(left).touched(&rest.from);
}

/// Whether it takes everything.
fn is_open(pattern: &Pattern) -> bool {
    matches!(pattern.node, PatternNode::Any | PatternNode::Bind(_))
}

/// Whether a condition holds.
pub(super) fn truth(value: &Value) -> Holds {
    let Some(parts) = value.parts() else { return Holds::Perhaps };
    match &parts.atoms {
        Few::All => Holds::Perhaps,
        Few::Of(few) if few.iter().any(|atom| atom.text() == "true") => {
            Holds::when(few.len() == 1 && parts.kinds() == 1)
        }
        Few::Of(_) => Holds::Never,
    }
}
