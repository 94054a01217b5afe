//! One pass of abstract interpretation: calls, what is known of them, and the budgets that end it.
//!
//! A call is analysed once for each list of abstract arguments. A recursive one is iterated from "never returns" to a fixed
//! point, its arguments and results widened on the way, so that every chain ends; what depends on a result that may still
//! grow is kept only as long as that result stands.

use rustc_hash::FxHashMap;
use triomphe::Arc;

use crate::check::core::Expr;
use crate::check::core::Form;
use crate::check::core::Function;
use crate::check::core::FunctionId;
use crate::check::core::Lambda;
use crate::check::infer::flow::Edge;
use crate::check::infer::flow::Flows;
use crate::check::infer::parts::Code;
use crate::check::infer::recorder::Recorder;
use crate::check::infer::site::Failure;
use crate::check::infer::site::Sites;
use crate::check::infer::site::Why;
use crate::check::infer::value::Origin;
use crate::check::infer::value::Value;
use crate::check::infer::value::both;
use crate::check::infer::variables::Variables;
use crate::source::span::Span;

/// The most expressions that one pass evaluates.
const STEPS_MAX: u64 = 3_000_000;
/// How deep evaluation may be nested, calls included: what keeps it off the end of the stack.
const NEST_MAX: u32 = 220;
/// The most lists of arguments for which a function is analysed exactly.
const EXACT_MAX: usize = 40;
/// The most after those, with single numbers and texts forgotten; beyond, nothing is known of its arguments.
const GENERAL_MAX: usize = 80;
/// As many for functions of the library, which are called from everywhere.
const LIBRARY_MAX: usize = 4_000;
/// The most calls of one pass that are analysed so exactly. A program that comes to more is long: beyond, functions are
/// analysed for a few lists of arguments each.
const CALLS_EXACT_MAX: usize = 10_000;
/// For how many lists of arguments a function is analysed exactly then, and for how many with single numbers forgotten.
const CROWDED_MAX: (usize, usize) = (1, 2);
/// How often a recursive result may grow before nothing is known of it.
const ROUNDS_MAX: usize = 8;

/// The names of one function, `fun` or form while it is evaluated.
#[derive(Debug, Default)]
pub(super) struct Frame {
    pub(super) locals: Vec<Option<Value>>,
    /// What was changed, for branches to take back.
    pub(super) trail: Vec<(u32, Option<Value>)>,
    /// Whether this is code of a function, which never binds a name of the top level.
    pub(super) in_function: bool,
    /// Whether this is code of the library, where nothing is reported.
    pub(super) library: bool,
}

impl Frame {
    pub(super) fn new(locals: u32) -> Frame {
        Frame { locals: vec![None; locals as usize], ..Frame::default() }
    }

    pub(super) fn set(&mut self, local: u32, value: Value) {
        let Some(slot) = self.locals.get_mut(local as usize) else { return };
        self.trail.push((local, slot.replace(value)));
    }

    pub(super) fn get(&self, local: u32) -> Value {
        self.locals.get(local as usize).cloned().flatten().unwrap_or_else(Value::any)
    }

    /// Takes back what was set since the mark.
    pub(super) fn undo(&mut self, mark: usize) {
        while self.trail.len() > mark {
            if let Some((local, old)) = self.trail.pop()
                && let Some(slot) = self.locals.get_mut(local as usize)
            {
                *slot = old;
            }
        }
    }

    /// What was set since the mark, as it is now.
    pub(super) fn changed(&self, mark: usize) -> Vec<(u32, Value)> {
        let mut locals: Vec<u32> = self.trail[mark..].iter().map(|(local, _)| *local).collect();
        locals.sort_unstable();
        locals.dedup();
        locals.into_iter().map(|local| (local, self.get(local))).collect()
    }

    /// Sets what branches have set, joined; those that end without a value say nothing.
    pub(super) fn keep(&mut self, branches: Vec<(Vec<(u32, Value)>, bool)>) {
        let live: Vec<Vec<(u32, Value)>> =
            branches.into_iter().filter(|(_, dead)| !dead).map(|(changed, _)| changed).collect();
        let mut changed: Vec<u32> = live.iter().flatten().map(|(local, _)| *local).collect();
        changed.sort_unstable();
        changed.dedup();
        let mut joined = Vec::with_capacity(changed.len());
        for local in changed {
            let before = self.locals.get(local as usize).cloned().flatten();
            let in_branch = |branch: &Vec<(u32, Value)>| {
                let set = branch.binary_search_by_key(&local, |(local, _)| *local).ok().map(|at| branch[at].1.clone());
                set.or_else(|| before.clone())
            };
            let all = live.iter().filter_map(in_branch).reduce(|all, value| all.join(&value));
            joined.push((local, all.unwrap_or_else(Value::any)));
        }
        for (local, value) in joined {
            self.set(local, value);
        }
    }
}

/// A verb that a call may come to, and the calls on the way.
#[derive(Debug)]
pub(super) struct Effect {
    /// The verb, as messages show it.
    pub(super) verb: String,
    pub(super) span: Span,
    /// The function that is called here, if it is not the verb itself.
    pub(super) called: Option<(String, Arc<Effect>)>,
}

/// What is called with what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Call {
    pub(super) code: Code,
    pub(super) captured: Vec<Value>,
    pub(super) arguments: Vec<Value>,
    /// What it hangs on; only followed for facts.
    pub(super) control: Origin,
    /// Whether it is within an `atomically`, where nothing may wait.
    pub(super) atomic: bool,
}

/// What a call comes to.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) value: Value,
    /// Why it has no value, where it has none.
    pub(super) why: Why,
    /// A verb that it may come to.
    pub(super) effect: Option<Arc<Effect>>,
    /// What comes after it hangs on these, since it waited for them.
    pub(super) control: Origin,
    /// What it is sure to derive from what.
    edges: Option<Arc<Vec<Edge>>>,
}

impl Outcome {
    fn any() -> Outcome {
        Outcome { value: Value::any(), why: Why::Open, effect: None, control: None, edges: None }
    }
}

#[derive(Debug)]
enum State {
    /// Being analysed, at this depth.
    Running(usize),
    /// Known for good.
    Done,
    /// Known as long as the call at this depth is in this round.
    While(usize, u64),
}

#[derive(Debug)]
struct Entry {
    outcome: Outcome,
    state: State,
}

/// A call that is being analysed.
#[derive(Debug)]
struct Active {
    call: Arc<Call>,
    /// Which round of which call this is.
    stamp: u64,
    /// Whether its result was asked for in this round.
    asked: bool,
}

/// One pass over a program.
pub(super) struct Run<'p> {
    pub(super) functions: FxHashMap<FunctionId, &'p Function>,
    pub(super) lambdas: Vec<&'p Lambda>,
    lambda_numbers: FxHashMap<usize, u32>,
    /// Of each lambda: what it was made with, and whether it was called with known arguments.
    pub(super) made: Vec<(Option<Vec<Value>>, bool)>,
    /// Names of the top level: what the forms so far bound.
    pub(super) globals: Vec<Option<Value>>,
    /// Those of them that were bound here, in order.
    pub(super) bound: Vec<usize>,
    /// The same at the end of the pass before; functions see these.
    pub(super) settled: Vec<Option<Value>>,
    pub(super) names: &'p [String],
    /// How many names of the top level earlier lines at the prompt have, or would have.
    pub(super) earlier: usize,
    pub(super) variables: Variables,
    pub(super) sites: Sites,
    pub(super) recorder: Option<Recorder>,
    pub(super) control: Origin,
    /// What the guards were computed from that were tried for the clause at hand.
    pub(super) tested: Origin,
    /// Whether elements of variables are taken to be those that this program puts in.
    pub(super) closed: bool,
    /// Set by what gives no value.
    pub(super) why: Why,
    /// The first verb that the function being analysed may come to.
    pub(super) effect: Option<Arc<Effect>>,
    memo: FxHashMap<Arc<Call>, Entry>,
    contexts: FxHashMap<Code, usize>,
    active: Vec<Active>,
    /// The least depth of a call whose unfinished result was used.
    lowest: usize,
    stamps: u64,
    steps: u64,
    nest: u32,
    /// Literals of more than one part, by their places.
    pub(super) literals: FxHashMap<usize, Value>,
    /// `true` and `false`
    pub(super) booleans: Value,
    /// How many loops are around.
    pub(super) repeats: u32,
    /// How many choices are around.
    pub(super) choices: u32,
    /// Elements or keys taken out of variables, and which.
    pub(super) removals: Vec<(u32, &'p Expr, Value)>,
    /// What feeds what, as far as it is sure.
    pub(super) flows: Flows,
    /// What the function being analysed is sure to derive from what.
    pub(super) edges: Vec<Edge>,
    /// The same of the call that came back last.
    pub(super) made_edges: Option<Arc<Vec<Edge>>>,
    /// How many loops and choices were around the function being analysed.
    pub(super) base: (u32, u32),
    /// Whether what is analysed is within an `atomically`.
    pub(super) atomic: bool,
    /// Whether calls are followed at all.
    pub(super) follow: bool,
    /// Whether a budget ended.
    pub(super) cut: bool,
}

impl<'p> Run<'p> {
    pub(super) fn new(functions: FxHashMap<FunctionId, &'p Function>, names: &'p [String]) -> Run<'p> {
        Run {
            functions,
            lambdas: Vec::new(),
            lambda_numbers: FxHashMap::default(),
            made: Vec::new(),
            globals: vec![None; names.len()],
            bound: Vec::new(),
            settled: vec![None; names.len()],
            names,
            earlier: 0,
            variables: Variables::default(),
            sites: Sites::default(),
            recorder: None,
            control: None,
            tested: None,
            closed: false,
            why: Why::Open,
            effect: None,
            memo: FxHashMap::default(),
            contexts: FxHashMap::default(),
            active: Vec::new(),
            lowest: usize::MAX,
            stamps: 0,
            steps: 0,
            nest: 0,
            literals: FxHashMap::default(),
            booleans: Value::booleans(),
            repeats: 0,
            choices: 0,
            removals: Vec::new(),
            flows: Flows::default(),
            edges: Vec::new(),
            made_edges: None,
            base: (0, 0),
            atomic: false,
            follow: true,
            cut: false,
        }
    }

    /// Whether the budget is used up.
    pub(super) fn exhausted(&self) -> bool {
        self.steps > STEPS_MAX
    }

    /// Counts one step, one level deeper; false where neither may be.
    pub(super) fn step(&mut self) -> bool {
        self.steps += 1;
        if self.nest >= NEST_MAX || self.exhausted() {
            self.cut = true;
            return false;
        }
        self.nest += 1;
        true
    }

    pub(super) fn unstep(&mut self) {
        self.nest -= 1;
    }

    /// The number of a `fun`.
    pub(super) fn lambda(&mut self, lambda: &'p Lambda) -> u32 {
        let at = std::ptr::from_ref(lambda).addr();
        if let Some(number) = self.lambda_numbers.get(&at) {
            return *number;
        }
        let number = u32::try_from(self.lambdas.len()).unwrap_or(u32::MAX);
        self.lambdas.push(lambda);
        self.made.push((None, false));
        self.lambda_numbers.insert(at, number);
        number
    }

    /// What a form is evaluated to is of no interest, but for what it does.
    pub(super) fn form(&mut self, form: &'p Form) {
        let mut frame = Frame::new(form.locals);
        self.body(&form.body, &mut frame);
    }

    /// The name of a function for messages.
    pub(super) fn title(&self, code: Code) -> String {
        match code {
            Code::Named(id) => self.functions.get(&id).map_or_else(String::new, |function| {
                let module = function.module.as_deref().filter(|module| *module != "prelude");
                let module = module.map(|module| format!("{module}:")).unwrap_or_default();
                format!("{module}{}/{}", function.name, function.lambda.arity)
            }),
            Code::Lambda(_) => "this `fun`".to_owned(),
            Code::Builtin(id) => id.row().title(),
        }
    }

    /// Whether it is code of the library.
    pub(super) fn is_library(&self, code: Code) -> bool {
        match code {
            Code::Named(id) => self.functions.get(&id).is_some_and(|function| function.module.is_some()),
            _ => false,
        }
    }

    /// Calls named functions and `fun`s with as many arguments as they take.
    pub(super) fn call(&mut self, call: Arc<Call>, span: Span) -> Value {
        self.made_edges = None;
        if call.arguments.iter().any(Value::is_never) {
            return Value::never();
        }
        let code = call.code;
        let outcome = self.outcome(call);
        if let Some(effect) = &outcome.effect
            && self.effect.is_none()
        {
            let called = Some((self.title(code), effect.clone()));
            self.effect = Some(Arc::new(Effect { verb: effect.verb.clone(), span, called }));
        }
        if outcome.control.is_some() {
            self.control = both(&self.control, &outcome.control);
        }
        self.why = outcome.why;
        self.made_edges = outcome.edges;
        outcome.value
    }

    /// Analyses a call although calls may not be followed.
    pub(super) fn always(&mut self, call: Call) {
        if self.recall(&call).is_none() && !self.exhausted() {
            self.analyse(Arc::new(call));
        }
    }

    /// Analyses the `fun`s that were made and not called, until there are no more.
    pub(super) fn uncalled(&mut self) {
        let mut number = 0;
        while number < self.lambdas.len() {
            let (made, called) = &mut self.made[number];
            if let (Some(captured), false) = (made.clone(), *called) {
                *called = true;
                let arguments = vec![Value::any(); usize::from(self.lambdas[number].arity)];
                let code = Code::Lambda(u32::try_from(number).unwrap_or(u32::MAX));
                self.always(Call { code, captured, arguments, control: None, atomic: false });
            }
            number += 1;
        }
    }

    /// The functions that are being analysed.
    pub(super) fn codes_around(&self) -> std::collections::BTreeSet<Code> {
        self.active.iter().map(|active| active.call.code).collect()
    }

    /// What the call comes to, from memory or by analysing it.
    pub(super) fn outcome(&mut self, call: Arc<Call>) -> Outcome {
        if !self.follow || self.exhausted() {
            return Outcome::any();
        }
        if let Some(known) = self.recall(&call) {
            return known;
        }
        let narrow = self.budgeted(call);
        let wide = self.widened(narrow);
        if let Some(known) = self.recall(&wide) {
            return known;
        }
        if !self.step() {
            return Outcome::any();
        }
        let outcome = self.analyse(wide);
        self.unstep();
        outcome
    }

    fn recall(&mut self, call: &Call) -> Option<Outcome> {
        let entry = self.memo.get(call)?;
        match entry.state {
            State::Done => {}
            State::Running(depth) => {
                self.active[depth].asked = true;
                self.lowest = self.lowest.min(depth);
            }
            State::While(depth, stamp) => {
                if self.active.get(depth).is_none_or(|active| active.stamp != stamp) {
                    return None;
                }
                self.lowest = self.lowest.min(depth);
            }
        }
        Some(entry.outcome.clone())
    }

    /// The call with less known of its arguments, where the function was analysed for very many.
    fn budgeted(&mut self, mut call: Arc<Call>) -> Arc<Call> {
        let (exact, general) = match self.is_library(call.code) {
            true => (LIBRARY_MAX, 2 * LIBRARY_MAX),
            false if self.memo.len() > CALLS_EXACT_MAX => CROWDED_MAX,
            false => (EXACT_MAX, GENERAL_MAX),
        };
        let contexts = self.contexts.get(&call.code).copied().unwrap_or(0);
        if contexts > exact {
            let forget = |value: &mut Value| *value = if contexts > general { Value::any() } else { value.general() };
            let call = Arc::make_mut(&mut call);
            call.arguments.iter_mut().chain(&mut call.captured).for_each(forget);
        }
        call
    }

    /// The call joined with the same function's call further out, if there is one: recursion.
    fn widened(&mut self, mut call: Arc<Call>) -> Arc<Call> {
        let mut same = 0;
        for active in self.active.iter().rev() {
            let outer = &active.call;
            if outer.code != call.code {
                continue;
            }
            same += 1;
            if same < 12 && !same_functions(&outer.arguments, &call.arguments) {
                continue;
            }
            let wider = |inner: &mut Value, outer: &Value| {
                let joined = outer.join(inner);
                *inner = if joined == *outer { joined } else { joined.general() };
            };
            let call = Arc::make_mut(&mut call);
            call.arguments.iter_mut().zip(&outer.arguments).for_each(|(inner, outer)| wider(inner, outer));
            call.captured.iter_mut().zip(&outer.captured).for_each(|(inner, outer)| wider(inner, outer));
            if same > 20 {
                call.arguments.fill(Value::any());
                call.captured.fill(Value::any());
            }
            break;
        }
        call
    }

    fn analyse(&mut self, call: Arc<Call>) -> Outcome {
        let depth = self.active.len();
        if let Code::Lambda(number) = call.code
            && let Some((_, called)) = self.made.get_mut(number as usize)
        {
            *called = true;
        }
        *self.contexts.entry(call.code).or_default() += 1;
        let first = Outcome { value: Value::never(), ..Outcome::any() };
        self.memo.insert(call.clone(), Entry { outcome: first, state: State::Running(depth) });
        self.active.push(Active { call: call.clone(), stamp: 0, asked: false });
        let outer_lowest = std::mem::replace(&mut self.lowest, usize::MAX);
        let mut round = 0;
        let outcome = loop {
            self.stamps += 1;
            self.active[depth].stamp = self.stamps;
            self.active[depth].asked = false;
            self.lowest = usize::MAX;
            let mut outcome = self.apply(&call);
            if !self.active[depth].asked {
                break outcome;
            }
            if let Some(recorder) = &mut self.recorder {
                recorder.recursive.insert(call.code);
            }
            let Some(entry) = self.memo.get_mut(&*call) else { break outcome };
            let joined = entry.outcome.value.join(&outcome.value);
            if joined == entry.outcome.value {
                outcome.value = joined;
                break outcome;
            }
            round += 1;
            outcome.value = match round {
                0..3 => joined,
                3..ROUNDS_MAX => joined.general(),
                _ => Value::any(),
            };
            entry.outcome = outcome;
        };
        let stamp_of_lowest = self.active.get(self.lowest).filter(|_| self.lowest < depth).map(|active| active.stamp);
        let state = match stamp_of_lowest {
            Some(stamp) => State::While(self.lowest, stamp),
            None => State::Done,
        };
        self.active.pop();
        let inner = if self.lowest < depth { self.lowest } else { usize::MAX };
        self.lowest = outer_lowest.min(inner);
        self.memo.insert(call, Entry { outcome: outcome.clone(), state });
        outcome
    }

    /// Evaluates the clauses once.
    fn apply(&mut self, call: &Call) -> Outcome {
        let lambda: &'p Lambda = match call.code {
            Code::Named(id) => match self.functions.get(&id) {
                Some(function) => &function.lambda,
                None => return Outcome::any(),
            },
            Code::Lambda(number) => match self.lambdas.get(number as usize) {
                Some(lambda) => lambda,
                None => return Outcome::any(),
            },
            Code::Builtin(_) => return Outcome::any(),
        };
        let mut frame = Frame::new(lambda.locals);
        frame.in_function = true;
        frame.library = self.is_library(call.code) || self.sites.is_library(lambda.span);
        for ((_, inner), value) in lambda.captures.iter().zip(&call.captured) {
            frame.set(inner.0, value.clone());
        }
        if let Some(itself) = lambda.itself {
            frame.set(itself.0, Value::function(call.code, lambda.arity, call.captured.clone()));
        }
        let outer = self.effect.take();
        let control = std::mem::replace(&mut self.control, call.control.clone());
        let atomic = std::mem::replace(&mut self.atomic, call.atomic);
        let base = std::mem::replace(&mut self.base, (self.repeats, self.choices));
        let edges = std::mem::take(&mut self.edges);
        self.why = Why::Open;
        let value = self.function_clauses(lambda, call, &mut frame);
        (self.atomic, self.base) = (atomic, base);
        let edges = std::mem::replace(&mut self.edges, edges);
        let edges = (!edges.is_empty()).then(|| Arc::new(edges));
        let waited = std::mem::replace(&mut self.control, control);
        let effect = std::mem::replace(&mut self.effect, outer);
        let why = if value.is_never() { self.why.clone() } else { Why::Open };
        Outcome { value, why, effect, control: waited, edges }
    }

    /// A failure of a call whose cause lies in the function.
    pub(super) fn inner_failure(&self) -> Option<Arc<Failure>> {
        match &self.why {
            Why::Failed(failure) => Some(failure.clone()),
            Why::Open => None,
        }
    }

    /// Notes that a verb is called here.
    pub(super) fn effect(&mut self, title: String, span: Span) {
        if self.effect.is_none() {
            self.effect = Some(Arc::new(Effect { verb: title, span, called: None }));
        }
    }
}

/// Whether the functions among the arguments have the same code: a call within a call of `lists:map` with another function
/// is no recursion.
fn same_functions(a: &[Value], b: &[Value]) -> bool {
    use crate::check::infer::parts::Few;
    a.iter().zip(b).all(|(a, b)| match (a.parts().map(|parts| &parts.funs), b.parts().map(|parts| &parts.funs)) {
        (Some(Few::Of(a)), Some(Few::Of(b))) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.code == b.code),
        _ => true,
    })
}
