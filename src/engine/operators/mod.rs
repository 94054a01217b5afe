//! The operators: each turns what changed in its sources into what changes in its destination. One operator a file.
//!
//! An operator sees changed elements, and the present elements of its other source; it hands on contributions and
//! withdrawals. It never looks through a whole variable, but when it is made.

mod bind;
mod difference;
mod filter;
mod fold;
mod fold_dynamic;
mod group_by;
mod image;
mod intersection;
mod join;
mod map;
mod outlet;
mod product;
mod union;

pub(super) use join::EquiJoin;
pub(super) use outlet::Outlet;

use crate::engine::change::Delta;
use crate::engine::change::Inbox;
use crate::engine::evaluate::Evaluate;
use crate::engine::evaluate::FailureReason;
use crate::engine::states::State;
use crate::graph::Operator;
use crate::graph::Side;
use crate::value::content::Content;
use crate::value::kind::Type;
use crate::value::term::Term;

/// An operator at work.
pub(super) enum Running {
    Map(map::Map),
    Filter(filter::Filter),
    Union,
    Intersection,
    Difference,
    Product,
    Join(Box<join::Join>),
    Fold(fold::Fold),
    GroupBy(group_by::GroupBy),
    FoldDynamic(Box<fold_dynamic::FoldDynamic>),
    Bind(bind::Bind),
}

/// What an operator works with during one change.
pub(super) struct Context<'a> {
    pub(super) eval: &'a mut dyn Evaluate,
    /// The sources' states, up to date as far as they have been looked at.
    pub(super) left: &'a State,
    pub(super) right: &'a State,
    /// Where contributions go.
    pub(super) out: &'a mut Inbox,
    /// Elements that failed now.
    pub(super) failures: &'a mut Vec<(Term, FailureReason)>,
    pub(super) work: &'a mut Work,
}

/// How much has been done, so that a test can hold the cost of a change against its size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Calls of functions.
    pub evaluations: u64,
    /// Elements looked at by operators.
    pub elements: u64,
    /// Changes taken in by variables.
    pub changes: u64,
    /// Variables looked at; each once for a batch of changes.
    pub visits: u64,
    /// How many elements and changes there may be in all before nothing more is done. Without end, but in tests of programs and
    /// in the simulator: what is left undone makes all values wrong, and the node has to stop.
    pub most: Option<u64>,
}

impl Work {
    /// Whether it is as much as it may be.
    #[must_use]
    pub fn is_used_up(&self) -> bool {
        self.most.is_some_and(|most| self.elements.saturating_add(self.changes) >= most)
    }
}

impl Context<'_> {
    /// Calls a function.
    fn call(&mut self, function: &Term, arguments: &[Term]) -> Result<Term, FailureReason> {
        self.work.evaluations += 1;
        self.eval.call(function, arguments).map_err(FailureReason::Evaluation)
    }

    /// Contributes an element, or withdraws it.
    fn element(&mut self, element: Term, present: bool) {
        self.content(Content::Element(element), present);
    }

    /// Contributes, or withdraws.
    fn content(&mut self, content: Content, present: bool) {
        if self.work.is_used_up() {
            return;
        }
        if present { self.out.contribute(content) } else { self.out.withdraw(content) }
    }
}

impl Running {
    /// An operator that has seen nothing yet.
    pub(super) fn new(operator: &Operator, source: &Type, destination: &Type) -> Running {
        match operator {
            Operator::Map(function) => Running::Map(map::Map::new(function)),
            Operator::Filter(function) => Running::Filter(filter::Filter::new(function)),
            Operator::Union => Running::Union,
            Operator::Intersection => Running::Intersection,
            Operator::Difference => Running::Difference,
            Operator::Product => Running::Product,
            Operator::Join(left, right) => Running::Join(Box::new(join::Join::new(left, right))),
            Operator::Fold(function) => Running::Fold(fold::Fold::new(function, destination)),
            Operator::GroupBy(key, function) => Running::GroupBy(group_by::GroupBy::new(key, function, destination)),
            Operator::FoldDynamic(function) => {
                Running::FoldDynamic(Box::new(fold_dynamic::FoldDynamic::new(function, destination)))
            }
            Operator::Bind => Running::Bind(bind::Bind::new(source)),
        }
    }

    /// Takes in what changed in one source.
    pub(super) fn change(&mut self, side: Side, delta: &Delta, context: &mut Context) {
        if context.out.came.is_empty() {
            context.out.came.reserve(delta.entered.len());
        }
        context.work.elements += (delta.entered.len() + delta.left.len()) as u64;
        match self {
            Running::Map(map) => map.change(delta, context),
            Running::Filter(filter) => filter.change(delta, context),
            Running::Union => union::change(delta, context),
            Running::Intersection => intersection::change(side, delta, context),
            Running::Difference => difference::change(side, delta, context),
            Running::Product => product::change(side, delta, context),
            Running::Join(join) => join.change(side, delta, context),
            Running::Fold(fold) => fold.change(delta, context),
            Running::GroupBy(group) => group.change(delta, context),
            Running::FoldDynamic(fold) => fold.change(delta, context),
            Running::Bind(bind) => bind.change(delta, context),
        }
    }

    /// Takes in all that the sources hold when the operator is made.
    pub(super) fn load(&mut self, same: bool, context: &mut Context) {
        match self {
            Running::Intersection | Running::Difference | Running::Product => {
                // What the right side holds is all there already.
                let side = if same { Side::Both } else { Side::Left };
                self.change(side, &whole(context.left), context);
            }
            Running::Join(_) if same => self.change(Side::Both, &whole(context.left), context),
            Running::Union | Running::Join(_) if !same => {
                self.change(Side::Left, &whole(context.left), context);
                self.change(Side::Right, &whole(context.right), context);
            }
            _ => self.change(Side::Left, &whole(context.left), context),
        }
    }

    /// What a `fold_dynamic` contributes more, and less, than when it was last asked: contents that came and that went.
    pub(super) fn take_slot_changes(&mut self) -> Option<(Vec<Content>, Vec<Content>)> {
        match self {
            Running::FoldDynamic(fold) => Some(fold.take_changes()),
            _ => None,
        }
    }
}

/// All that a state holds, as if it came now.
pub(super) fn whole(state: &State) -> Delta {
    let mut entered = Vec::new();
    state.each(&mut |element| entered.push(element.clone()));
    let changed = !entered.is_empty();
    Delta { entered, left: Vec::new(), parts: state.parts(), changed, touched: true }
}
