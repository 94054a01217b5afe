//! Comprehensions: loops in place, without functions.

use crate::check::core::Expr;
use crate::check::core::Qualifier;
use crate::compile::builder::Builder;
use crate::compile::builder::Label;
use crate::value::term::Term;
use crate::vm::code::Logic;
use crate::vm::code::Op;
use crate::vm::code::Reg;

/// What a comprehension makes of each round.
enum Round<'e> {
    Item(&'e Expr),
    Entry(&'e Expr, &'e Expr),
}

impl Builder<'_> {
    pub(super) fn list_comprehension(&mut self, item: &Expr, qualifiers: &[Qualifier], dst: Reg) {
        let list = self.temp();
        let tail = self.temp();
        self.load(list, &Term::Nil);
        self.load(tail, &Term::Nil);
        self.rounds(&Round::Item(item), qualifiers, list, None);
        self.emit(Op::ReverseOnto { dst, list, tail });
    }

    pub(super) fn map_comprehension(&mut self, entry: &(Expr, Expr), qualifiers: &[Qualifier], dst: Reg) {
        let map = self.temp();
        self.emit(Op::Map { dst: map, at: 0, count: 0 });
        self.rounds(&Round::Entry(&entry.0, &entry.1), qualifiers, map, None);
        self.copy(dst, map);
    }

    /// `next` is where the innermost generator goes on.
    fn rounds(&mut self, round: &Round, qualifiers: &[Qualifier], result: Reg, next: Option<Label>) {
        let Some((first, others)) = qualifiers.split_first() else { return self.round(round, result) };
        let mark = self.mark();
        match first {
            Qualifier::List(pattern, source) => {
                let list = self.temp();
                self.expression(source, list);
                self.span = source.span;
                let (again, done, head) = self.loop_head(list);
                self.pattern(pattern, head, again);
                self.rounds(round, others, result, Some(again));
                self.jump(again);
                self.bind(done);
            }
            Qualifier::Map(key, value, source) => {
                let list = self.temp();
                self.expression(source, list);
                self.span = source.span;
                self.emit(Op::MapEntries { dst: list, src: list });
                let (again, done, head) = self.loop_head(list);
                let (first, second) = (self.temp(), self.temp());
                self.emit(Op::Element { dst: first, src: head, place: 0 });
                self.emit(Op::Element { dst: second, src: head, place: 1 });
                self.pattern(key, first, again);
                self.pattern(value, second, again);
                self.rounds(round, others, result, Some(again));
                self.jump(again);
                self.bind(done);
            }
            Qualifier::Filter(condition) => {
                let skip = self.label();
                let target = next.unwrap_or(skip);
                if condition.is_guard() {
                    self.conjunction(std::slice::from_ref(condition), target);
                } else {
                    let src = self.operand(condition);
                    self.span = condition.span;
                    self.emit(Op::Test { operator: Logic::Filter, src, target: target.0 });
                }
                self.rounds(round, others, result, next);
                self.bind(skip);
            }
        }
        self.release(mark);
    }

    fn loop_head(&mut self, list: Reg) -> (Label, Label, Reg) {
        let (again, done, head) = (self.label(), self.label(), self.temp());
        self.bind(again);
        self.emit(Op::Next { list, head, target: done.0 });
        (again, done, head)
    }

    fn round(&mut self, round: &Round, result: Reg) {
        let mark = self.mark();
        match round {
            Round::Item(item) => {
                let head = self.operand(item);
                self.emit(Op::Cons { dst: result, head, tail: result });
            }
            Round::Entry(key, value) => self.map_put(result, key, value, false, key),
        }
        self.release(mark);
    }
}
