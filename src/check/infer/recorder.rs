//! Fills [`Facts`] while a pass runs: every verb that is evaluated leaves its trace, merged by site.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use triomphe::Arc;

use crate::check::core::Expr;
use crate::check::core::VerbCall;
use crate::check::facts;
use crate::check::facts::Dependence;
use crate::check::facts::Facts;
use crate::check::facts::ObservationId;
use crate::check::facts::Operation;
use crate::check::facts::Use;
use crate::check::facts::UseKind;
use crate::check::facts::VariableId;
use crate::check::infer::parts::Code;
use crate::check::infer::parts::Few;
use crate::check::infer::run::Run;
use crate::check::infer::site::site;
use crate::check::infer::value::Origin;
use crate::check::infer::value::Value;
use crate::check::infer::value::both;
use crate::library::Verb;
use crate::source::span::Span;
use crate::value::term::Term;

/// How many operations with single operands stand for one of which the operands are known to be a few.
const OPERATIONS_MAX: usize = 16;

/// What was found so far, by site.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    facts: Facts,
    observations: BTreeMap<usize, usize>,
    updates: BTreeMap<usize, usize>,
    effects: BTreeMap<usize, usize>,
    derivations: BTreeMap<usize, usize>,
    /// In which functions an update or effect stands: those that call themselves repeat it.
    inside: Vec<(bool, usize, BTreeSet<Code>)>,
    /// Functions that call themselves.
    pub(super) recursive: BTreeSet<Code>,
    pub(super) atomic: u32,
    pub(super) once: u32,
    incomplete: bool,
}

fn ids(origin: &Origin) -> BTreeSet<ObservationId> {
    origin.iter().flat_map(|all| all.iter()).map(|id| ObservationId(*id)).collect()
}

fn one<T>(places: &mut BTreeMap<usize, usize>, all: &mut Vec<T>, at: usize, make: impl FnOnce(usize) -> T) -> usize {
    *places.entry(at).or_insert_with(|| {
        all.push(make(all.len()));
        all.len() - 1
    })
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Recorder {
    /// Whether it is a `query` that this numbers.
    pub(super) fn is_query(&self, id: u32) -> bool {
        self.facts.observations.get(id as usize).is_some_and(|seen| seen.verb == Verb::Query)
    }

    /// Notes where what was seen goes.
    fn used(&mut self, depends: &Dependence, kind: UseKind, span: Span) {
        let control = depends.control.iter().map(|id| (*id, true));
        for (id, control) in control.chain(depends.data.iter().map(|id| (*id, false))) {
            if let Some(seen) = self.facts.observations.get_mut(id.0 as usize) {
                let used = Use { kind, control, span };
                if !seen.uses.contains(&used) {
                    seen.uses.push(used);
                }
            }
        }
    }
}

fn merge(into: &mut Dependence, more: &Dependence) {
    into.control.extend(&more.control);
    into.data.extend(&more.data);
}

impl<'p> Run<'p> {
    fn variables_in(value: &Value) -> facts::Variables {
        let Some(parts) = value.parts() else { return facts::Variables { known: BTreeSet::new(), unknown: true } };
        match &parts.refs {
            Few::All => facts::Variables { known: BTreeSet::new(), unknown: true },
            Few::Of(few) => {
                facts::Variables { known: few.iter().map(|number| VariableId(*number)).collect(), unknown: false }
            }
        }
    }

    fn depends(&self, values: &[&Value]) -> Dependence {
        let data = values.iter().fold(None, |from, value| both(&from, &deep(value)));
        Dependence { control: ids(&self.control), data: ids(&data) }
    }

    fn around(&self) -> BTreeSet<Code> {
        self.calls.around()
    }

    /// What a name of the top level holds, with what it was computed from: passes before this one did not note that.
    pub(super) fn seen_by_now(&self, global: usize, value: Value) -> Value {
        match self.recorder.as_ref().and_then(|_| self.globals.get(global)?.as_ref()) {
            Some(now) => value.touched(&deep(now)),
            None => value,
        }
    }

    /// What a branch has bound that nothing had bound before hangs on what the branch was chosen by.
    pub(super) fn bound_by<T: Copy>(
        &self,
        by: &Origin,
        bound: Vec<(T, Value)>,
        new: impl Fn(T) -> bool,
    ) -> Vec<(T, Value)> {
        if self.recorder.is_none() || by.is_none() {
            return bound;
        }
        let touch = |(name, value): (T, Value)| (name, if new(name) { value.touched(by) } else { value });
        bound.into_iter().map(touch).collect()
    }

    /// Notes that something is looked at; what is seen carries that on.
    pub(super) fn observe(
        &mut self,
        expr: &'p Expr,
        call: &VerbCall,
        targets: &[Value],
        threshold: Option<&Value>,
        seen: Value,
    ) -> Value {
        if self.recorder.is_none() {
            return seen;
        }
        let variables: Vec<facts::Variables> = targets.iter().map(Run::variables_in).collect();
        let mut operands: Vec<&Value> = targets.iter().collect();
        operands.extend(threshold);
        let depends = self.depends(&operands);
        let Some(recorder) = &mut self.recorder else { return seen };
        let all = &mut recorder.facts.observations;
        let at = one(&mut recorder.observations, all, site(expr), |at| facts::Observation {
            id: ObservationId(number(at)),
            verb: call.verb,
            variables: facts::Variables::default(),
            threshold: None,
            uses: Vec::new(),
            decides: false,
            depends: Dependence::default(),
            span: expr.span,
        });
        let noted = &mut all[at];
        for found in variables {
            noted.variables.known.extend(found.known);
            noted.variables.unknown |= found.unknown;
        }
        merge(&mut noted.depends, &depends);
        let bound = || matches!(call.verb, Verb::Read | Verb::WaitNeeded).then(|| Term::atom("bound"));
        noted.threshold = match threshold {
            Some(limit) => limit.single(),
            None => bound(),
        };
        if call.verb != Verb::Declare {
            recorder.used(&depends, UseKind::Observation, expr.span);
        }
        let mark: Origin = Some(Arc::new(vec![number(at)]));
        if matches!(call.verb, Verb::Read | Verb::ReadAny | Verb::WaitNeeded) {
            // What comes after it comes after the wait.
            self.control = both(&self.control, &mark);
        }
        seen.touched(&mark)
    }

    /// Notes that what was computed from these decides on a branch.
    pub(super) fn decides(&mut self, by: &Origin) {
        let Some(recorder) = &mut self.recorder else { return };
        for id in by.iter().flat_map(|all| all.iter()) {
            if let Some(seen) = recorder.facts.observations.get_mut(*id as usize) {
                seen.decides = true;
            }
        }
    }

    /// Notes that what was computed from these decides whether the task fails.
    pub(super) fn note_failure(&mut self, by: &Origin, span: Span) {
        if let Some(recorder) = self.recorder.as_mut().filter(|_| !self.sites.quiet) {
            let depends = Dependence { control: ids(by), data: BTreeSet::new() };
            recorder.used(&depends, UseKind::Failure, span);
        }
    }

    /// Notes an update, or a value that is bound.
    pub(super) fn note_update(&mut self, expr: &'p Expr, call: &VerbCall, target: &Value, op: &Value) {
        if self.recorder.is_none() {
            return;
        }
        let variables = Run::variables_in(target);
        let depends = self.depends(&[target, op]);
        let repeated = self.repeats > 0;
        let around = self.around();
        let bind = call.verb == Verb::Bind;
        let Some(recorder) = &mut self.recorder else { return };
        let (atomic, once) = (recorder.atomic > 0, recorder.once > 0);
        let at = one(&mut recorder.updates, &mut recorder.facts.updates, site(expr), |_| facts::Update {
            verb: call.verb,
            variables: facts::Variables::default(),
            operations: Vec::new(),
            value: None,
            depends: Dependence::default(),
            repeated: false,
            atomic,
            once,
            span: expr.span,
        });
        let noted = &mut recorder.facts.updates[at];
        noted.variables.known.extend(variables.known);
        noted.variables.unknown |= variables.unknown;
        noted.repeated |= repeated;
        noted.atomic &= atomic;
        noted.once &= once;
        merge(&mut noted.depends, &depends);
        if bind {
            noted.value = op.single();
        } else {
            for found in operations(op) {
                if !noted.operations.contains(&found) {
                    noted.operations.push(found);
                }
            }
        }
        recorder.inside.push((true, at, around));
        recorder.used(&depends, UseKind::Update, expr.span);
    }

    /// Notes something that can be seen from outside.
    pub(super) fn note_effect(&mut self, expr: &'p Expr, call: &VerbCall, arguments: &[Value]) {
        if self.recorder.is_none() {
            return;
        }
        let depends = self.depends(&arguments.iter().collect::<Vec<_>>());
        let repeated = self.repeats > 0;
        let around = self.around();
        let Some(recorder) = &mut self.recorder else { return };
        let at = one(&mut recorder.effects, &mut recorder.facts.effects, site(expr), |_| facts::Effect {
            verb: call.verb,
            depends: Dependence::default(),
            repeated: false,
            span: expr.span,
        });
        let noted = &mut recorder.facts.effects[at];
        noted.repeated |= repeated;
        merge(&mut noted.depends, &depends);
        recorder.inside.push((false, at, around));
        let kind = match call.verb {
            Verb::Print | Verb::Format => UseKind::Print,
            Verb::Assert => UseKind::Assert,
            _ => UseKind::Task,
        };
        recorder.used(&depends, kind, expr.span);
    }

    /// Notes a derivation.
    pub(super) fn note_derivation(
        &mut self,
        expr: &'p Expr,
        call: &VerbCall,
        sources: &[Value],
        functions: &[Value],
        destination: &Value,
    ) {
        if self.recorder.is_none() {
            return;
        }
        let found: Vec<facts::Variables> = sources.iter().map(Run::variables_in).collect();
        let into = Run::variables_in(destination);
        let mut operands: Vec<&Value> = sources.iter().collect();
        operands.push(destination);
        let depends = self.depends(&operands);
        let functions: Vec<facts::Function> = functions
            .iter()
            .map(|function| facts::Function {
                span: self.place_of(function),
                operations: Vec::new(),
                data: ids(&deep(function)),
            })
            .collect();
        let Some(recorder) = &mut self.recorder else { return };
        let all = &mut recorder.facts.derivations;
        let at = one(&mut recorder.derivations, all, site(expr), |_| facts::Derivation {
            verb: call.verb,
            sources: vec![facts::Variables::default(); found.len()],
            destination: facts::Variables::default(),
            functions: functions.clone(),
            aggregates: false,
            depends: Dependence::default(),
            span: expr.span,
        });
        let noted = &mut all[at];
        for (known, more) in noted.sources.iter_mut().zip(found) {
            known.known.extend(more.known);
            known.unknown |= more.unknown;
        }
        noted.destination.known.extend(into.known);
        noted.destination.unknown |= into.unknown;
        for (known, more) in noted.functions.iter_mut().zip(&functions) {
            known.data.extend(&more.data);
            if known.span != more.span {
                known.span = None;
            }
        }
        merge(&mut noted.depends, &depends);
        recorder.used(&depends, UseKind::Derivation, expr.span);
        for function in &functions {
            let data = Dependence { control: BTreeSet::new(), data: function.data.clone() };
            recorder.used(&data, UseKind::Derivation, expr.span);
        }
    }

    /// Notes that a variable is what it is by what was seen: its name, its type, or the text of a view.
    pub(super) fn note_shape(&mut self, expr: &'p Expr, arguments: &[Value]) {
        if self.recorder.is_none() {
            return;
        }
        let depends = self.depends(&arguments.iter().collect::<Vec<_>>());
        if let Some(recorder) = &mut self.recorder {
            recorder.used(&depends, UseKind::Derivation, expr.span);
        }
    }

    /// Notes that a view has rows of several elements, or may have.
    pub(super) fn note_aggregates(&mut self, expr: &'p Expr) {
        let Some(recorder) = &mut self.recorder else { return };
        if let Some(at) = recorder.derivations.get(&site(expr)).copied() {
            recorder.facts.derivations[at].aggregates = true;
        }
    }

    /// Notes what a fold's function gives.
    pub(super) fn note_results(&mut self, expr: &'p Expr, results: &[Value]) {
        let Some(recorder) = &mut self.recorder else { return };
        let Some(at) = recorder.derivations.get(&site(expr)).copied() else { return };
        // A name of the top level is looked up where it stands, and so is not among what a function has taken along.
        let data = ids(&results.iter().fold(None, |from, value| both(&from, &deep(value))));
        let noted = &mut recorder.facts.derivations[at];
        noted.functions.iter_mut().for_each(|function| function.data.extend(&data));
        recorder.used(&Dependence { control: BTreeSet::new(), data }, UseKind::Derivation, expr.span);
        for (function, result) in recorder.facts.derivations[at].functions.iter_mut().zip(results) {
            let listed = result.parts().and_then(|parts| parts.cons.as_ref()).map(|cons| operations(&cons.elements()));
            for found in operations(result).into_iter().chain(listed.unwrap_or_default()) {
                if !function.operations.contains(&found) {
                    function.operations.push(found);
                }
            }
        }
    }

    fn place_of(&self, function: &Value) -> Option<Span> {
        let known = function.parts()?.funs.known()?;
        let [only] = known else { return None };
        match only.code {
            Code::Lambda(number) => self.lambdas.get(number as usize).map(|lambda| lambda.span),
            Code::Named(id) => self.functions.get(&id).map(|function| function.lambda.span),
            Code::Builtin(_) => None,
        }
    }

    pub(super) fn begin_atomic(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.atomic += 1;
        }
    }

    pub(super) fn end_atomic(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.atomic -= 1;
        }
    }

    pub(super) fn begin_once(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.once += 1;
        }
    }

    pub(super) fn end_once(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.once -= 1;
        }
    }

    /// Something was called that is not known.
    pub(super) fn cut_facts(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.incomplete = true;
        }
    }

    /// What was found, with the variables.
    pub(super) fn facts(&mut self) -> Facts {
        let Some(mut recorder) = self.recorder.take() else { return Facts::default() };
        for (update, at, codes) in &recorder.inside {
            if codes.is_disjoint(&recorder.recursive) {
                continue;
            }
            if *update {
                recorder.facts.updates[*at].repeated = true;
            } else {
                recorder.facts.effects[*at].repeated = true;
            }
        }
        let mut facts = recorder.facts;
        facts.complete = !recorder.incomplete && !self.cut;
        for (at, variable) in self.variables.all().iter().enumerate() {
            let id = VariableId(number(at));
            let shown = self.variables.shown(id.0).unwrap_or_else(|| "a variable".to_owned());
            facts.variables.push(facts::Variable {
                id,
                name: variable.name.clone(),
                shown,
                kind: variable.kind.clone(),
                dynamic: variable.dynamic,
                many: variable.fresh,
                escapes: variable.escapes,
                verb: variable.verb,
                span: variable.span,
            });
        }
        facts.cycles = self.flows.cycles.iter().map(|path| path.iter().map(|at| VariableId(*at)).collect()).collect();
        facts.observations.iter_mut().for_each(|seen| seen.uses.sort());
        facts
    }
}

/// All that a value and its parts were computed from.
pub(super) fn deep(value: &Value) -> Origin {
    let mut from = value.from.clone();
    if let Some(parts) = value.parts() {
        parts.children(&mut |child| from = both(&from, &deep(child)));
    }
    from
}

/// The shapes of operations.
fn operations(value: &Value) -> Vec<Operation> {
    let unknown = || Operation { term: None, word: None, key: None, inner: None, negative: true };
    let Some(parts) = value.parts() else { return vec![unknown()] };
    let mut all = Vec::new();
    match &parts.atoms {
        Few::All => all.push(unknown()),
        Few::Of(few) => all.extend(few.iter().map(|atom| Operation {
            term: Some(Term::Atom(*atom)),
            word: Some(atom.text().to_owned()),
            key: None,
            inner: None,
            negative: false,
        })),
    }
    match &parts.tuples {
        Few::All => all.push(unknown()),
        Few::Of(shapes) => {
            let single = shapes.iter().flat_map(|shape| listed(shape).unwrap_or_else(|| vec![shape.clone()]));
            all.extend(single.flat_map(|shape| each(&shape)).map(|shape| operation(&shape)));
        }
    }
    all
}

/// The operations that `{apply_all, [{Key, Op}, ..]}` stands for, where all of them are known.
fn listed(shape: &[Value]) -> Option<Vec<Vec<Value>>> {
    let [_, list] = shape else { return None };
    let applies = crate::check::infer::parts::tag(shape).is_some_and(|atom| atom.text() == "apply_all");
    let cons = list.parts().filter(|_| applies)?.cons.as_ref()?;
    let mut all = Vec::new();
    for element in cons.items.iter().chain(&cons.rest) {
        for pair in element.parts()?.tuples.known()? {
            let [key, op] = pair.as_slice() else { return None };
            all.push(vec![Value::literal(&Term::atom("apply")), key.clone(), op.clone()]);
        }
    }
    (all.len() <= OPERATIONS_MAX).then_some(all)
}

/// The shapes with single operands that an operation with a few is; itself where there are many, or where they take each
/// other's place.
fn each(shape: &[Value]) -> Vec<Vec<Value>> {
    let mut all = vec![Vec::new()];
    let assigns = crate::check::infer::parts::tag(shape).is_some_and(|atom| atom.text() == "set");
    if assigns {
        return vec![shape.to_vec()];
    }
    for operand in shape {
        let few = operand.singles().unwrap_or_else(|| vec![operand.clone()]);
        if few.len() * all.len() > OPERATIONS_MAX {
            return vec![shape.to_vec()];
        }
        let longer = |known: &Vec<Value>| {
            let known = known.clone();
            few.iter().map(move |one| [known.as_slice(), std::slice::from_ref(one)].concat()).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

fn operation(shape: &[Value]) -> Operation {
    let word = crate::check::infer::parts::tag(shape).map(|atom| atom.text().to_owned());
    let inner = match (word.as_deref(), shape) {
        (Some("apply" | "at"), [_, _, op]) | (Some("fst" | "snd"), [_, op]) => {
            let mut found = operations(op);
            (found.len() == 1).then(|| found.remove(0)).map(Box::new)
        }
        _ => None,
    };
    let term = Value::tuple(shape.to_vec()).single();
    let key = match (word.as_deref(), shape) {
        (Some("apply" | "set"), [_, key, _]) => key.single(),
        _ => None,
    };
    let negative = match (word.as_deref(), shape) {
        (Some("increment" | "decrement"), [_, amount]) => match amount.single() {
            Some(Term::Int(amount)) => amount < 0,
            Some(Term::Float(amount)) => amount.get() < 0.0,
            _ => true,
        },
        (Some("apply" | "at" | "fst" | "snd"), _) => inner.as_ref().is_none_or(|inner| inner.negative),
        (None, _) => true,
        _ => false,
    };
    Operation { term, word, key, inner, negative }
}
