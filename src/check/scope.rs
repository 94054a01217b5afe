//! Which names mean what, where. Each function, `fun` and statement form has a scope; a `fun` takes locals from the scopes
//! around it. Branches and comprehensions are parts of a scope that are cut off when they end.

use rustc_hash::FxHashMap;

use crate::check::Checker;
use crate::check::core::GlobalId;
use crate::check::core::LocalId;
use crate::syntax::tree::Range;

/// The names of one function, `fun` or form.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    pub(super) kind: Kind,
    /// What was bound, the newest last.
    pub(super) names: Names<'a>,
    /// How many locals there are.
    pub(super) locals: u32,
    /// What a `fun` takes: the local around it, and its own.
    pub(super) captures: Vec<(LocalId, LocalId)>,
    /// Where the names of the innermost comprehension start: names that wait further down are not for it to bind.
    pub(super) floor: usize,
}

/// What names were bound to, the newest last. One form may bind thousands: a look-up does not go through all of them.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    list: Vec<(&'a str, Binding)>,
    /// Where in the list each name stands.
    places: FxHashMap<&'a str, Vec<usize>>,
}

impl<'a> Names<'a> {
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn push(&mut self, (name, binding): (&'a str, Binding)) {
        self.places.entry(name).or_default().push(self.list.len());
        self.list.push((name, binding));
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, (&'a str, Binding)> {
        self.list.iter()
    }

    /// What a name was bound to, and where in the list, the newest first.
    pub(super) fn of(&self, name: &str) -> impl Iterator<Item = (usize, &Binding)> {
        let places = self.places.get(name).map_or(&[][..], Vec::as_slice);
        places.iter().rev().filter_map(|at| self.list.get(*at).map(|(_, binding)| (*at, binding)))
    }

    /// The bindings from a place on. Their names stay.
    pub(super) fn bindings_from(&mut self, mark: usize) -> impl Iterator<Item = &mut Binding> {
        self.list.iter_mut().skip(mark).map(|(_, binding)| binding)
    }

    pub(super) fn truncate(&mut self, mark: usize) {
        self.split_off(mark);
    }

    /// Takes what stands from a place on out.
    pub(super) fn split_off(&mut self, mark: usize) -> Vec<(&'a str, Binding)> {
        let cut = self.list.split_off(mark.min(self.list.len()));
        for (name, _) in &cut {
            if let Some(places) = self.places.get_mut(name) {
                places.pop();
            }
        }
        cut
    }
}

/// What has a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Form,
    Named,
    Fun,
}

/// What a name means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Binding {
    /// Bound.
    Local(LocalId),
    /// Bound.
    Global(GlobalId),
    /// Will be bound, in all branches; its place is known.
    Pending(Slot),
    /// Bound in some branches only, of what stands there.
    Unsafe(Range),
}

/// Where a value is kept.
#[derive(Clone, Copy, Debug)]
pub(super) enum Slot {
    Local(LocalId),
    Global(GlobalId),
}

/// What a look-up finds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found {
    Local(LocalId),
    Global(GlobalId),
    Pending(Slot),
    Unsafe(Range),
    /// A global that the program binds further down.
    Later(GlobalId),
    Nothing,
}

impl From<Slot> for Binding {
    fn from(slot: Slot) -> Binding {
        match slot {
            Slot::Local(id) => Binding::Local(id),
            Slot::Global(id) => Binding::Global(id),
        }
    }
}

impl Scope<'_> {
    pub(super) fn new(kind: Kind) -> Scope<'static> {
        Scope { kind, names: Names::default(), locals: 0, captures: Vec::new(), floor: 0 }
    }

    pub(super) fn fresh(&mut self) -> LocalId {
        self.locals += 1;
        LocalId(self.locals - 1)
    }
}

impl<'a> Checker<'a> {
    /// The scope of what is checked now. There is always one while expressions are checked.
    pub(super) fn scope(&mut self) -> &mut Scope<'a> {
        if self.scopes.is_empty() {
            self.scopes.push(Scope::new(Kind::Form));
        }
        let last = self.scopes.len() - 1;
        &mut self.scopes[last]
    }

    /// A new local for `name`, which it means from now on.
    pub(super) fn bind_fresh(&mut self, name: &'a str) -> LocalId {
        let scope = self.scope();
        let id = scope.fresh();
        scope.names.push((name, Binding::Local(id)));
        id
    }

    /// What `name` means here.
    pub(super) fn find(&mut self, name: &str) -> Found {
        let top = self.scopes.len().saturating_sub(1);
        for depth in (0..self.scopes.len()).rev() {
            let scope = &self.scopes[depth];
            // What waits around a comprehension or a `fun` is not for it to bind.
            let waits = |at: usize, binding: &Binding| {
                matches!(binding, Binding::Pending(_)) && !(depth == top && at >= scope.floor)
            };
            let found = scope.names.of(name).find(|(at, binding)| !waits(*at, binding)).map(|(_, binding)| *binding);
            if let Some(binding) = found {
                match binding {
                    Binding::Local(id) => return Found::Local(self.capture(id, depth)),
                    Binding::Global(id) => return Found::Global(id),
                    Binding::Unsafe(range) => return Found::Unsafe(range),
                    Binding::Pending(slot) => return Found::Pending(slot),
                }
            }
        }
        match self.environment.global(name) {
            Some(id) if self.bound.get(id.0 as usize).copied().unwrap_or(false) => Found::Global(id),
            Some(id) => Found::Later(id),
            None => Found::Nothing,
        }
    }

    /// Takes a local of the scope at `depth` into all `fun`s between it and here.
    fn capture(&mut self, id: LocalId, depth: usize) -> LocalId {
        let mut id = id;
        for scope in &mut self.scopes[depth + 1..] {
            let known = scope.captures.iter().find(|(outer, _)| *outer == id).map(|(_, inner)| *inner);
            id = known.unwrap_or_else(|| {
                let inner = scope.fresh();
                scope.captures.push((id, inner));
                inner
            });
        }
        id
    }

    /// Whether this is code of the top level itself: of no function, `fun` or comprehension.
    pub(super) fn at_top_level(&self) -> bool {
        matches!(&*self.scopes, [only] if only.kind == Kind::Form && only.floor == 0)
    }

    /// Whether this is in a named function, however deep.
    pub(super) fn in_named(&self) -> bool {
        self.scopes.first().is_some_and(|scope| scope.kind == Kind::Named)
    }

    /// Checks branches, of which one is taken: `sets` says what each binds, `each` checks one. What all bind is bound
    /// after them, what some bind is unsafe.
    pub(super) fn branches(&mut self, range: Range, sets: &[Vec<&'a str>], mut each: impl FnMut(&mut Self, usize)) {
        let common = self.wait_for(sets);
        let mark = self.scope().names.len();
        let mut some: Vec<&'a str> = Vec::new();
        for at in 0..sets.len() {
            each(self, at);
            let names = self.scope().names.split_off(mark);
            some.extend(names.iter().map(|(name, _)| *name));
        }
        let scope = self.scope();
        for (name, slot) in &common {
            scope.names.push((name, (*slot).into()));
        }
        some.sort_unstable();
        some.dedup();
        for name in some {
            if !common.iter().any(|(known, _)| *known == name) {
                scope.names.push((name, Binding::Unsafe(range)));
            }
        }
    }

    /// Names that all branches bind get their place beforehand, the same in each.
    fn wait_for(&mut self, sets: &[Vec<&'a str>]) -> Vec<(&'a str, Slot)> {
        let mut common = Vec::new();
        let Some((first, others)) = sets.split_first() else { return common };
        let mut kept = first.clone();
        for other in others {
            let other: rustc_hash::FxHashSet<&str> = other.iter().copied().collect();
            kept.retain(|name| other.contains(name));
        }
        for name in kept {
            match self.find(name) {
                Found::Pending(slot) => common.push((name, slot)),
                Found::Later(_) if self.in_named() => {}
                Found::Later(_) | Found::Nothing => {
                    let scope = self.scope();
                    let slot = Slot::Local(scope.fresh());
                    scope.names.push((name, Binding::Pending(slot)));
                    common.push((name, slot));
                }
                Found::Local(_) | Found::Global(_) | Found::Unsafe(_) => {}
            }
        }
        common
    }
}
