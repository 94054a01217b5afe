//! What a program's dataflow means for timing: which variables can lose what they have reached, and what of what the program
//! looks at hangs on timing.

use std::collections::BTreeSet;

use crate::check::facts::Dependence;
use crate::check::facts::Derivation;
use crate::check::facts::Facts;
use crate::check::facts::Observation;
use crate::check::facts::ObservationId;
use crate::check::facts::Operation;
use crate::check::facts::Update;
use crate::check::facts::VariableId;
use crate::check::facts::Variables;
use crate::coordination::change::Change;
use crate::coordination::change::change;
use crate::coordination::change::has_growing_elements;
use crate::coordination::change::is_final_once_met;
use crate::coordination::change::is_idempotent;
use crate::coordination::growing::counts_up_only;
use crate::coordination::growing::is_whole;
use crate::coordination::growing::passes_on;
use crate::coordination::order::Order;
use crate::library::Verb;
use crate::source::span::Span;
use crate::value::kind::Type;

/// Why a variable can lose what it has reached: the first cause that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    /// The words of the way from the source to the variable: `S`, `filter`, `T`.
    pub(crate) path: Vec<String>,
    /// The variable where it begins.
    pub(crate) origin: VariableId,
    /// In words: `` `rmv` in line 3 takes elements out of S ``.
    pub(crate) why: String,
    /// What does it.
    pub(crate) span: Span,
}

/// See the module.
pub(crate) struct Model<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) order: &'a Order,
    /// What stands at a place, and in which line.
    pub(crate) text: &'a dyn Fn(Span) -> (String, u32),
    /// Of each variable, why it can shrink, if it can.
    pub(crate) shrinks: Vec<Option<Cause>>,
    /// Of each variable, all that flow into it, itself included.
    pub(crate) upstream: Vec<BTreeSet<VariableId>>,
    /// The observations of which timing decides what is seen.
    pub(crate) varying: BTreeSet<ObservationId>,
}

impl<'a> Model<'a> {
    pub(crate) fn new(facts: &'a Facts, order: &'a Order, text: &'a dyn Fn(Span) -> (String, u32)) -> Model<'a> {
        let count = facts.variables.len();
        let mut model = Model {
            facts,
            order,
            text,
            shrinks: vec![None; count],
            upstream: (0..count).map(|at| BTreeSet::from([id(at)])).collect(),
            varying: BTreeSet::new(),
        };
        model.flow();
        model.shrink();
        model.vary();
        model
    }

    pub(crate) fn kind(&self, variable: VariableId) -> Option<&Type> {
        self.facts.variable(variable)?.kind.as_ref()
    }

    pub(crate) fn name(&self, variable: VariableId) -> String {
        self.facts.variable(variable).map_or_else(|| "?".to_owned(), |variable| variable.shown.clone())
    }

    pub(crate) fn line(&self, span: Span) -> u32 {
        (self.text)(span).1
    }

    /// The variables that can stand in a place; where others can too, all whose references go around.
    pub(crate) fn possible(&self, variables: &Variables) -> BTreeSet<VariableId> {
        let mut all = variables.known.clone();
        if variables.unknown {
            all.extend(self.facts.variables.iter().filter(|variable| variable.escapes).map(|variable| variable.id));
        }
        all
    }

    /// The updates that can concern a variable.
    pub(crate) fn updates_of(&self, variable: VariableId) -> impl Iterator<Item = &'a Update> {
        let facts = self.facts;
        let escapes = facts.variable(variable).is_some_and(|variable| variable.escapes);
        let concerns =
            move |update: &&Update| update.variables.known.contains(&variable) || (update.variables.unknown && escapes);
        facts.updates.iter().filter(concerns).filter(move |update| self.suits(variable, update))
    }

    /// Whether no replica has written anything of the variable, or of what flows into it, when it comes to this place for the
    /// first time.
    pub(crate) fn is_written_only_after(&self, variable: VariableId, place: Span) -> bool {
        let mut from = self.upstream_of(variable);
        from.insert(variable);
        let mut updates = from.into_iter().flat_map(|variable| self.updates_of(variable)).peekable();
        updates.peek().is_some() && updates.all(|update| self.order.before(place, update.span))
    }

    /// Whether the update's operations are of the variable's type; where it is not known which variable is meant, that tells.
    fn suits(&self, variable: VariableId, update: &Update) -> bool {
        let certain = update.variables.known.contains(&variable);
        certain || self.kind(variable).is_none_or(|kind| update.operations.iter().all(|op| fits(kind, op)))
    }

    /// What an update can do to a variable.
    pub(crate) fn changes(&self, variable: VariableId, update: &Update) -> Vec<Change> {
        let Some(kind) = self.kind(variable) else { return vec![Change::Unknown] };
        if update.verb == Verb::Bind {
            return vec![if matches!(kind, Type::Ivar) { Change::Assign } else { Change::Grow }];
        }
        if update.operations.is_empty() {
            let nothing = Operation { term: None, word: None, key: None, inner: None, negative: true };
            return vec![change(kind, &nothing)];
        }
        let up = || counts_up_only(&(self.text)(update.span).0);
        let one = |operation: &Operation| match change(kind, operation) {
            Change::Lower if operation.negative && up() => Change::Grow,
            change => change,
        };
        update.operations.iter().map(one).collect()
    }

    /// The derivations that can feed a variable.
    pub(crate) fn feeding(&self, variable: VariableId) -> impl Iterator<Item = &'a Derivation> {
        self.facts.derivations.iter().filter(move |derivation| derivation.destination.known.contains(&variable))
    }

    /// Whether each node has its own, and nothing that is shared flows into it.
    pub(crate) fn is_local(&self, variable: VariableId) -> bool {
        let dynamic = |id: &VariableId| self.facts.variable(*id).is_some_and(|variable| variable.dynamic);
        self.upstream_of(variable).iter().all(dynamic)
    }

    pub(crate) fn upstream_of(&self, variable: VariableId) -> BTreeSet<VariableId> {
        self.upstream.get(variable.0 as usize).cloned().unwrap_or_default()
    }

    /// What flows into each variable.
    fn flow(&mut self) {
        loop {
            let mut grown = false;
            for derivation in &self.facts.derivations {
                let sources: BTreeSet<VariableId> = derivation
                    .sources
                    .iter()
                    .flat_map(|source| self.possible(source))
                    .flat_map(|source| self.upstream_of(source))
                    .collect();
                for destination in &derivation.destination.known {
                    let Some(upstream) = self.upstream.get_mut(destination.0 as usize) else { continue };
                    let before = upstream.len();
                    upstream.extend(sources.iter().copied());
                    grown |= upstream.len() > before;
                }
            }
            if !grown {
                return;
            }
        }
    }

    /// Which variables can shrink: first by updates, then through derivations.
    fn shrink(&mut self) {
        for at in 0..self.shrinks.len() {
            self.shrinks[at] = self.shrinks_by_update(id(at));
        }
        loop {
            let mut found = false;
            for derivation in &self.facts.derivations {
                let Some(cause) = self.shrinks_through(derivation) else { continue };
                for destination in &derivation.destination.known {
                    let name = self.name(*destination);
                    let Some(slot) = self.shrinks.get_mut(destination.0 as usize) else { continue };
                    if slot.is_none() {
                        let mut cause = cause.clone();
                        cause.path.push(name);
                        *slot = Some(cause);
                        found = true;
                    }
                }
            }
            if !found {
                return;
            }
        }
    }

    fn shrinks_by_update(&self, variable: VariableId) -> Option<Cause> {
        let kind = self.kind(variable)?;
        let name = self.name(variable);
        if self.takes_back_nothing(variable) {
            return None;
        }
        for update in self.updates_of(variable) {
            if let Some(change) = self.changes(variable, update).into_iter().find(|change| takes_away(kind, *change)) {
                let word = update.operations.iter().find_map(|op| op.word.clone()).unwrap_or_else(|| "update".into());
                let what = match change {
                    Change::Expire => format!("events leave {name} when newer ones come"),
                    Change::Unknown => {
                        format!("the update in line {} may take away from {name}", self.line(update.span))
                    }
                    _ => format!("`{word}` in line {} takes away from {name}", self.line(update.span)),
                };
                return Some(Cause { path: vec![name], origin: variable, why: what, span: update.span });
            }
        }
        None
    }

    /// Whether nobody writes to it but to take back, which prevails against nothing that is derived into it.
    fn takes_back_nothing(&self, variable: VariableId) -> bool {
        let mut changes = self.updates_of(variable).flat_map(|update| self.changes(variable, update));
        matches!(self.kind(variable), Some(Type::Set)) && changes.all(|change| change == Change::TakeBack)
    }

    /// Whether a derivation takes contributions back, and why.
    fn shrinks_through(&self, derivation: &Derivation) -> Option<Cause> {
        let verb = verb_name(derivation.verb);
        let sources: Vec<VariableId> = derivation.sources.iter().flat_map(|source| self.possible(source)).collect();
        for source in &sources {
            if let Some(Some(cause)) = self.shrinks.get(source.0 as usize) {
                let mut cause = cause.clone();
                cause.path.push(verb);
                return Some(cause);
            }
        }
        let from = |origin: VariableId, why: String| {
            let path = vec![self.name(origin), verb.clone()];
            Some(Cause { path, origin, why, span: derivation.span })
        };
        if derivation.verb == Verb::Difference
            && let Some(right) = derivation.sources.get(1)
        {
            let right = self.possible(right).into_iter().find(|right| self.is_fed(*right));
            return right.and_then(|right| {
                from(
                    right,
                    format!(
                        "what comes into {} leaves the difference in line {}",
                        self.name(right),
                        self.line(derivation.span)
                    ),
                )
            });
        }
        if derivation.verb == Verb::BindTo || passes_on(self, derivation) {
            return None;
        }
        for source in sources {
            if self.kind(source).is_some_and(|kind| !has_growing_elements(kind)) && !self.keeps_best(source, derivation)
            {
                let why = format!("each change of {} replaces the element that {verb} sees of it", self.name(source));
                return from(source, why);
            }
        }
        let lowers = |op: &Operation| op.word.as_deref() == Some("decrement") || op.negative;
        let fold = matches!(derivation.verb, Verb::Fold | Verb::FoldDynamic | Verb::GroupBy);
        if fold && derivation.functions.iter().flat_map(|function| &function.operations).any(lowers) {
            // What only grows refuses to be counted down.
            let counts = derivation
                .destination
                .known
                .iter()
                .any(|to| self.kind(*to).is_some_and(|kind| kind.is_counter() && !matches!(kind, Type::GCounter)));
            let source = derivation.sources.iter().find_map(|source| source.known.first().copied());
            if let (true, Some(source)) = (counts, source) {
                return from(source, format!("the function in line {} can count down", self.line(derivation.span)));
            }
        }
        if derivation.verb == Verb::Sql {
            let source = derivation.sources.iter().flat_map(|source| self.possible(source)).next();
            return source.filter(|_| derivation.aggregates).and_then(|source| {
                let line = self.line(derivation.span);
                from(
                    source,
                    format!("a row of the view in line {line} is replaced with each element that it is made of"),
                )
            });
        }
        None
    }

    /// From one ranking into another: what leaves the first was beaten, and is not missed.
    fn keeps_best(&self, source: VariableId, derivation: &Derivation) -> bool {
        let ranking = |variable: VariableId| matches!(self.kind(variable), Some(Type::TopK(_)));
        ranking(source) && derivation.destination.known.iter().all(|to| ranking(*to))
    }

    /// Whether anything can ever come into a variable.
    pub(crate) fn is_fed(&self, variable: VariableId) -> bool {
        let upstream = self.upstream_of(variable);
        upstream.iter().any(|source| self.updates_of(*source).next().is_some())
    }

    /// Which observations hang on timing; one that only looks at what others have decided does when those do.
    fn vary(&mut self) {
        loop {
            let more: Vec<ObservationId> = self
                .facts
                .observations
                .iter()
                .filter(|seen| !self.varying.contains(&seen.id) && self.varies(seen))
                .map(|seen| seen.id)
                .collect();
            if more.is_empty() {
                return;
            }
            self.varying.extend(more);
        }
    }

    /// Whether something can go away of a variable.
    pub(crate) fn can_shrink(&self, variable: VariableId) -> bool {
        self.shrinks.get(variable.0 as usize).is_some_and(Option::is_some)
    }

    /// Whether the alternatives of a `read_any` can be of different variables.
    pub(crate) fn is_one_of_several(&self, seen: &Observation) -> bool {
        // One place may make several, by names that are computed.
        let many =
            |id: &VariableId| self.facts.variable(*id).is_some_and(|variable| variable.many || variable.name.is_none());
        let possible = self.possible(&seen.variables);
        possible.len() != 1 || possible.iter().any(many) || seen.variables.unknown
    }

    fn varies(&self, seen: &Observation) -> bool {
        match seen.verb {
            Verb::NowMs | Verb::Random | Verb::Nodes | Verb::Converged | Verb::Stream => true,
            // Of one variable alone it goes on with a value, as `read` does.
            Verb::ReadAny => {
                let possible = self.possible(&seen.variables);
                self.is_one_of_several(seen)
                    || possible.into_iter().any(|variable| !self.is_final(variable) && self.can_differ(variable, seen))
            }
            Verb::Query => self.possible(&seen.variables).into_iter().any(|variable| self.can_differ(variable, seen)),
            Verb::Read => {
                let open = |variable: &VariableId| !self.is_final(*variable) && !is_whole(self, *variable, seen);
                let variables = self.possible(&seen.variables);
                variables.into_iter().filter(open).any(|variable| self.can_differ(variable, seen))
            }
            _ => false,
        }
    }

    /// Whether a threshold of the variable, once met, tells all of its value: it is assigned once.
    pub(crate) fn is_final(&self, variable: VariableId) -> bool {
        let Some(kind) = self.kind(variable) else { return false };
        if is_final_once_met(kind) {
            return true;
        }
        let mut updates = self.updates_of(variable);
        let once = matches!(kind, Type::LwwRegister | Type::MvRegister)
            && updates.next().is_some_and(|update| {
                let alone = self.order.owner(update.span).is_some() || self.is_same_everywhere(&update.depends);
                alone && !update.repeated
            });
        once && updates.next().is_none()
    }

    /// Whether what a look at the variable sees can differ from run to run.
    pub(crate) fn can_differ(&self, variable: VariableId, seen: &Observation) -> bool {
        if seen.variables.unknown {
            return true;
        }
        let upstream = self.upstream_of(variable);
        let updates =
            || upstream.iter().flat_map(|source| self.updates_of(*source).map(move |update| (*source, update)));
        let owner = self.order.owner(seen.span);
        let own = owner.is_some() && updates().all(|(_, update)| self.order.owner(update.span) == owner);
        if self.is_local(variable) || own {
            // Only this node's own tasks change it; in an order of their own, unless they wait or look at what varies.
            return updates().any(|(_, update)| {
                !self.order.before(update.span, seen.span) && self.is_late(&update.depends)
                    || update.depends.data.iter().chain(&update.depends.control).any(|on| self.varying.contains(on))
            });
        }
        if self.is_read_before(variable, seen) {
            return false;
        }
        let feeding = || upstream.iter().flat_map(|to| self.feeding(*to));
        // Of a view whose text is made it is not known what it is made of.
        let blind = |derivation: &Derivation| derivation.sources.iter().all(|source| source.known.is_empty());
        if feeding().any(|derivation| derivation.verb == Verb::Sql && blind(derivation)) {
            return true;
        }
        // What each node contributes by itself counts apart, even if it is the same.
        let once = |to: &VariableId| self.kind(*to).is_some_and(is_idempotent);
        let mut gathered = feeding().filter(|derivation| derivation.verb == Verb::FoldDynamic);
        if gathered.any(|derivation| !derivation.destination.known.iter().all(once)) {
            return true;
        }
        !(updates().all(|(source, update)| self.is_made_here_too(source, update, seen))
            && feeding().all(|derivation| self.order.before(derivation.span, seen.span)))
    }

    /// Whether all that there will ever be of the variable has been waited for on the same node before.
    fn is_read_before(&self, variable: VariableId, seen: &Observation) -> bool {
        let only = |other: &Observation| !other.variables.unknown && other.variables.known.len() == 1;
        let mut reads =
            self.facts.observations.iter().filter(|other| only(other) && other.variables.known.contains(&variable));
        // Where it is looked at because it was there.
        let because = |other: &Observation| {
            let waits = matches!(other.verb, Verb::Read | Verb::Invariant | Verb::EnforceOnce);
            waits && seen.depends.control.contains(&other.id)
        };
        seen.verb == Verb::Query
            && self.is_final(variable)
            && self.shrinks.get(variable.0 as usize).is_some_and(Option::is_none)
            && reads.any(|other| because(other) || other.verb == Verb::Read && self.order.before(other.span, seen.span))
    }

    /// Whether a replica that looks has made this very update itself before, so that the others' are nothing new.
    fn is_made_here_too(&self, variable: VariableId, update: &Update, seen: &Observation) -> bool {
        let changes = self.changes(variable, update);
        self.order.before(update.span, seen.span)
            && changes.iter().all(|change| matches!(change, Change::Grow | Change::Assign))
            && self.kind(variable).is_some_and(is_idempotent)
            && self.is_same_everywhere(&Dependence { control: BTreeSet::new(), data: update.depends.data.clone() })
    }

    /// Whether it hangs on nothing that differs between replicas or from run to run.
    pub(crate) fn is_same_everywhere(&self, depends: &Dependence) -> bool {
        depends.data.iter().chain(&depends.control).all(|on| {
            let seen = self.facts.observations.get(on.0 as usize);
            !self.varying.contains(on) && seen.is_some_and(|seen| !is_place(seen.verb))
        })
    }

    /// Whether what is seen is another on other nodes, whatever the timing: who a node is, and what it has for itself.
    pub(crate) fn is_elsewhere(&self, seen: &Observation) -> bool {
        match seen.verb {
            Verb::Replica | Verb::Node | Verb::Role => true,
            Verb::Query | Verb::Read => self.possible(&seen.variables).into_iter().any(|variable| {
                let mut updates = self.upstream_of(variable).into_iter().flat_map(|source| self.updates_of(source));
                self.is_local(variable) && updates.any(|update| !self.is_same_everywhere(&update.depends))
            }),
            _ => false,
        }
    }

    /// Whether a threshold that was met may be lost before others see it.
    pub(crate) fn may_fall_back(&self, on: ObservationId) -> bool {
        self.facts.observations.get(on.0 as usize).is_some_and(|seen| {
            let known = seen.variables.known.iter();
            known.copied().any(|variable| self.can_shrink(variable))
        })
    }

    /// Whether it comes after a wait for something that is shared.
    fn is_late(&self, depends: &Dependence) -> bool {
        depends.control.iter().any(|on| {
            let seen = self.facts.observations.get(on.0 as usize);
            seen.is_some_and(|seen| {
                let waits =
                    matches!(seen.verb, Verb::Read | Verb::ReadAny | Verb::Invariant | Verb::WaitNeeded | Verb::Stream);
                waits && self.possible(&seen.variables).into_iter().any(|variable| !self.is_local(variable))
            })
        })
    }

    /// What a change of the variable leads to: those that it flows into, and those that are updated because of it.
    pub(crate) fn influence(&self, variable: VariableId) -> BTreeSet<VariableId> {
        let mut found = BTreeSet::from([variable]);
        loop {
            let flows = (0..self.upstream.len()).map(id).filter(|to| !self.upstream_of(*to).is_disjoint(&found));
            let mut next: BTreeSet<VariableId> = flows.collect();
            let seen = self
                .facts
                .observations
                .iter()
                .filter(|seen| seen.verb != Verb::Query && !seen.variables.known.is_disjoint(&next));
            let seen: BTreeSet<ObservationId> = seen.map(|seen| seen.id).collect();
            let hangs = |update: &&Update| !update.depends.control.is_disjoint(&seen);
            next.extend(
                self.facts.updates.iter().filter(hangs).flat_map(|update| update.variables.known.iter().copied()),
            );
            next.extend(found.iter().copied());
            if next.len() == found.len() {
                return found;
            }
            found = next;
        }
    }

    /// The words of a way on which something comes into the variable: from the first source that is updated.
    pub(crate) fn path_to(&self, variable: VariableId) -> Vec<String> {
        let mut way = vec![self.name(variable)];
        let mut at = variable;
        let mut visited = BTreeSet::from([at]);
        while self.updates_of(at).next().is_none() {
            let step = self.feeding(at).find_map(|derivation| {
                let sources = derivation.sources.iter().flat_map(|source| self.possible(source));
                let source = sources.into_iter().find(|source| self.is_fed(*source) && !visited.contains(source))?;
                Some((source, verb_name(derivation.verb)))
            });
            let Some((source, verb)) = step else { break };
            visited.insert(source);
            way.push(verb);
            way.push(self.name(source));
            at = source;
        }
        way.reverse();
        way
    }
}

fn id(at: usize) -> VariableId {
    VariableId(u32::try_from(at).unwrap_or(u32::MAX))
}

/// The name of a verb as programs write it.
pub(crate) fn verb_name(verb: Verb) -> String {
    let row = crate::library::BUILTINS.iter().find(|row| row.verb == Some(verb));
    row.map_or_else(|| format!("{verb:?}").to_lowercase(), |row| row.title().split('/').next().unwrap_or("").to_owned())
}

/// Whether the verb tells where a node is, what it is given or what it alone has made, which no timing changes.
pub(crate) fn is_place(verb: Verb) -> bool {
    matches!(verb, Verb::Replica | Verb::Role | Verb::Node | Verb::Arg | Verb::Declare)
}

/// Whether a change can undo a threshold that was met.
fn takes_away(kind: &Type, change: Change) -> bool {
    match change {
        Change::Grow | Change::Assign | Change::Stamp | Change::Modify | Change::Give => false,
        Change::TakeBack => !matches!(kind, Type::RwSet | Type::DwFlag),
        Change::Lower | Change::Spend | Change::Expire | Change::Unknown => true,
    }
}

/// Whether the operation's word is one of the type's.
fn fits(kind: &Type, operation: &Operation) -> bool {
    let Some(word) = operation.word.as_deref() else { return true };
    match word {
        "add" | "add_all" | "remove" => kind.is_set(),
        "rmv" | "rmv_all" | "remove_all" => kind.is_set() || matches!(kind, Type::AwMap(_)),
        "increment" => kind.is_counter() || matches!(kind, Type::MaxInt),
        "decrement" => kind.is_counter(),
        "apply" | "apply_all" => kind.is_map(),
        "fst" | "snd" => matches!(kind, Type::Pair(_)),
        "at" => matches!(kind, Type::Window(_)),
        "true" => matches!(kind, Type::Boolean),
        "enable" | "disable" => matches!(kind, Type::EwFlag | Type::DwFlag),
        _ => true,
    }
}
