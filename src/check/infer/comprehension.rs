//! Comprehensions.

use crate::check::core::Expr;
use crate::check::core::Node;
use crate::check::core::Qualifier;
use crate::check::infer::matching::Holds;
use crate::check::infer::matching::cannot_fail;
use crate::check::infer::matching::truth;
use crate::check::infer::parts::Cons;
use crate::check::infer::parts::Few;
use crate::check::infer::parts::MapShape;
use crate::check::infer::parts::Parts;
use crate::check::infer::run::Frame;
use crate::check::infer::run::Run;
use crate::check::infer::site::Why;
use crate::check::infer::site::site;
use crate::check::infer::value::Origin;
use crate::check::infer::value::Value;
use crate::check::infer::value::both;
use crate::source::span::Span;

/// What a generator goes through.
struct Source<'p> {
    value: Value,
    /// What its patterns get.
    elements: Vec<(&'p crate::check::core::Pattern, Value)>,
    /// Whether it has at least one element.
    some: bool,
    place: Span,
}

/// What comes of a part of a comprehension.
enum Step<'p> {
    Generator(Source<'p>),
    /// A condition that holds, at least sometimes.
    Condition(Holds, Origin),
    /// Nothing comes through.
    Nothing,
    /// It is sure to fail.
    Fails,
}

impl<'p> Run<'p> {
    /// Evaluates what stands before generators and filters; `Ok(None)` where nothing comes through, an error where one is sure
    /// to fail. What comes through: whether at least one element does, and what it was computed from.
    fn qualifiers(&mut self, qualifiers: &'p [Qualifier], frame: &mut Frame) -> Result<Option<(bool, Origin)>, ()> {
        let (mut runs, mut from) = (true, None);
        for qualifier in qualifiers {
            let step = match qualifier {
                Qualifier::Filter(condition) => self.condition(qualifier, condition, frame),
                Qualifier::List(pattern, list) => self.list_source(qualifier, pattern, list, frame),
                Qualifier::Map(key, value, map) => self.map_source(qualifier, key, value, map, frame),
            };
            match step {
                Step::Nothing => return Ok(None),
                Step::Fails => return if runs { Err(()) } else { Ok(None) },
                Step::Condition(holds, origin) => {
                    from = both(&from, &origin);
                    runs &= holds == Holds::Always;
                }
                Step::Generator(source) => {
                    self.sites.fine(site(qualifier), source.place);
                    from = both(&from, &source.value.from);
                    runs &= source.some;
                    for (pattern, element) in source.elements {
                        match self.matches(pattern, &element.touched(&source.value.from), frame) {
                            Holds::Never => return Ok(None),
                            holds => runs &= holds == Holds::Always,
                        }
                    }
                }
            }
        }
        Ok(Some((runs, from)))
    }

    fn condition(&mut self, qualifier: &'p Qualifier, condition: &'p Expr, frame: &mut Frame) -> Step<'p> {
        // What fails in a guard is false: most likely a mistake, but nothing that ends the program.
        let guard = condition.is_guard();
        self.choices += u32::from(guard);
        let outer = std::mem::replace(&mut self.sites.lenient, guard);
        let step = self.tried_condition(qualifier, condition, frame);
        self.sites.lenient = outer;
        self.choices -= u32::from(guard);
        match step {
            Step::Fails if guard => Step::Nothing,
            Step::Condition(holds, from) if guard && !cannot_fail(condition) => {
                Step::Condition(holds.at_most(Holds::Perhaps), from)
            }
            step => step,
        }
    }

    fn tried_condition(&mut self, qualifier: &'p Qualifier, condition: &'p Expr, frame: &mut Frame) -> Step<'p> {
        let value = self.eval(condition, frame);
        if value.is_never() {
            return Step::Fails;
        }
        let key = site(qualifier);
        if !value.meets(&self.booleans) {
            self.fail_at(key, condition.span, frame, None, |run| run.not_boolean("a condition", condition, &value));
            return Step::Fails;
        }
        self.sites.fine(key, condition.span);
        match truth(&value) {
            Holds::Never => Step::Nothing,
            holds => Step::Condition(holds, value.from),
        }
    }

    fn list_source(
        &mut self,
        qualifier: &'p Qualifier,
        pattern: &'p crate::check::core::Pattern,
        list: &'p Expr,
        frame: &mut Frame,
    ) -> Step<'p> {
        let value = self.eval(list, frame);
        if value.is_never() {
            return Step::Fails;
        }
        let (element, some) = match value.parts() {
            None => (Value::any(), false),
            Some(parts) if parts.cons.is_none() && !parts.nil => {
                self.needs(site(qualifier), list, &value, ("a generator needs a list", "E0515"), frame);
                return Step::Fails;
            }
            Some(parts) => match &parts.cons {
                None => return Step::Nothing,
                Some(cons) => (cons.elements(), parts.kinds() == 1),
            },
        };
        Step::Generator(Source { value, elements: vec![(pattern, element)], some, place: list.span })
    }

    fn map_source(
        &mut self,
        qualifier: &'p Qualifier,
        key: &'p crate::check::core::Pattern,
        pattern: &'p crate::check::core::Pattern,
        map: &'p Expr,
        frame: &mut Frame,
    ) -> Step<'p> {
        let value = self.eval(map, frame);
        if value.is_never() {
            return Step::Fails;
        }
        let (keys, values) = match value.parts() {
            None => (Value::any(), Value::any()),
            Some(Parts { map: Some(shape), .. }) => (shape.keys(), shape.values()),
            Some(_) => {
                self.needs(site(qualifier), map, &value, ("a generator needs a map", "E0513"), frame);
                return Step::Fails;
            }
        };
        Step::Generator(Source { value, elements: vec![(key, keys), (pattern, values)], some: false, place: map.span })
    }

    /// `[E || ..]`
    pub(super) fn list_comprehension(
        &mut self,
        written: &'p Expr,
        qualifiers: &'p [Qualifier],
        frame: &mut Frame,
    ) -> Value {
        let mark = frame.trail.len();
        let value = match self.qualifiers(qualifiers, frame) {
            Ok(Some((runs, from))) => {
                let element = self.under(&from, |run| run.repeated_eval(written, frame));
                match (element.is_never(), runs) {
                    (true, true) => Value::never(),
                    (true, false) => Value::nil(),
                    (false, true) if self.fails_for_some(written, qualifiers, frame) => Value::never(),
                    (false, true) => Value::cons(&element, &Value::list_of(&element)).touched(&from),
                    (false, false) => Value::list_of(&element).touched(&from),
                }
            }
            Ok(None) => Value::nil(),
            Err(()) => Value::never(),
        };
        frame.undo(mark);
        value
    }

    /// Whether the element is sure to fail for some of a list that is known in full, where these are of several shapes:
    /// taken together they hide each other.
    fn fails_for_some(&mut self, element: &'p Expr, qualifiers: &'p [Qualifier], frame: &mut Frame) -> bool {
        let [Qualifier::List(pattern, written)] = qualifiers else { return false };
        // Evaluated once more.
        if self.recorder.is_some() || !matches!(written.node, Node::Local(_) | Node::Global(_) | Node::Literal(_)) {
            return false;
        }
        let list = self.eval(written, frame);
        let Some(Cons { items, rest: None, improper: false }) = list.parts().and_then(|parts| parts.cons.as_ref())
        else {
            return false;
        };
        let mut shapes: Vec<((usize, usize), Value)> = Vec::new();
        for item in items {
            let Some(shape) = shape(item) else { return false };
            match shapes.iter_mut().find(|(known, _)| *known == shape) {
                Some((_, all)) => *all = all.join(item),
                None => shapes.push((shape, item.clone())),
            }
        }
        let several = shapes.len() > 1;
        let failing = several.then_some(shapes).into_iter().flatten().find_map(|(_, items)| {
            let mark = frame.trail.len();
            let fails =
                self.matches(pattern, &items, frame) == Holds::Always && self.repeated_eval(element, frame).is_never();
            frame.undo(mark);
            match &self.why {
                Why::Failed(failure) if fails => Some((items, failure.clone())),
                _ => None,
            }
        });
        let Some((items, failure)) = failing else { return false };
        // For others of its elements the place is well, so that it would not be told there.
        if self.sites.is_fine(failure.site) {
            self.fail_at(site(written), written.span, frame, None, |run| {
                let label = format!("for {} of this list", run.describe(&items));
                failure.diagnostic.clone().at(written.span, label)
            });
        }
        true
    }

    /// `#{K => V || ..}`
    pub(super) fn map_comprehension(
        &mut self,
        entry: &'p (Expr, Expr),
        qualifiers: &'p [Qualifier],
        frame: &mut Frame,
    ) -> Value {
        let empty = || Value::map(MapShape { known: Vec::new(), rest: None });
        let mark = frame.trail.len();
        let value = match self.qualifiers(qualifiers, frame) {
            Ok(Some((runs, from))) => {
                let key = self.under(&from, |run| run.repeated_eval(&entry.0, frame));
                let value = self.under(&from, |run| run.repeated_eval(&entry.1, frame));
                match (key.is_never() || value.is_never(), runs) {
                    (true, true) => Value::never(),
                    (true, false) => empty(),
                    (false, _) => Value::maps(key, value).touched(&from),
                }
            }
            Ok(None) => empty(),
            Err(()) => Value::never(),
        };
        frame.undo(mark);
        value
    }

    /// The element of a comprehension, evaluated perhaps many times.
    fn repeated_eval(&mut self, expr: &'p Expr, frame: &mut Frame) -> Value {
        self.repeats += 1;
        let value = self.eval(expr, frame);
        self.repeats -= 1;
        value
    }
}

/// The kind of a value, and of tuples their size, where it is of one.
fn shape(value: &Value) -> Option<(usize, usize)> {
    let parts = value.parts().filter(|parts| parts.kinds() == 1)?;
    let size = match &parts.tuples {
        Few::All => return None,
        Few::Of(shapes) => shapes.first().map_or(0, Vec::len),
    };
    Some((parts.occurring().iter().position(|occurs| *occurs)?, size))
}
