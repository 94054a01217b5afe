//! One pass of abstract interpretation: its state, its budgets, and how a function's clauses are evaluated.

use rustc_hash::FxHashMap;
use rustc_hash::FxHashSet;
use triomphe::Arc;

use crate::check::core::Expr;
use crate::check::core::Form;
use crate::check::core::Function;
use crate::check::core::FunctionId;
use crate::check::core::Lambda;
use crate::check::infer::fixpoint::Calls;
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

    pub(super) fn knows(&self, local: u32) -> bool {
        self.locals.get(local as usize).is_some_and(Option::is_some)
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
        let live = branches.into_iter().filter(|(_, dead)| !dead).map(|(changed, _)| changed);
        let (mut count, mut set) = (0, Vec::new());
        for changed in live {
            set.extend(changed.into_iter().map(|(local, value)| (local, count, value)));
            count += 1;
        }
        // There may be as many branches as names, each with its own: what is done here is in proportion to what was set.
        set.sort_by_key(|(local, branch, _)| (*local, *branch));
        let mut joined = Vec::new();
        for branches in set.chunk_by(|one, next| one.0 == next.0) {
            let Some((local, ..)) = branches.first() else { continue };
            // The first branch that leaves it as it was.
            let without = branches.iter().enumerate().take_while(|(at, (_, branch, _))| at == branch).count();
            let before = self.locals.get(*local as usize).cloned().flatten().filter(|_| branches.len() < count);
            let values = |branches: &[(u32, usize, Value)]| branches.iter().map(|(.., value)| value.clone()).collect();
            let mut all: Vec<Value> = values(&branches[..without]);
            all.extend(before);
            all.extend::<Vec<Value>>(values(&branches[without..]));
            let all = all.into_iter().reduce(|all, value| all.join(&value));
            joined.push((*local, all.unwrap_or_else(Value::any)));
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
    pub(super) edges: Option<Arc<Vec<Edge>>>,
}

impl Outcome {
    pub(super) fn any() -> Outcome {
        Outcome { value: Value::any(), why: Why::Open, effect: None, control: None, edges: None }
    }
}

/// The numbers of `fun`s.
#[derive(Default)]
pub(super) struct Numbers<'p> {
    lambdas: Vec<&'p Lambda>,
    by_place: FxHashMap<usize, u32>,
}

/// One pass over a program.
pub(super) struct Run<'p> {
    pub(super) functions: Arc<FxHashMap<FunctionId, &'p Function>>,
    pub(super) lambdas: Vec<&'p Lambda>,
    /// By their places. The same in all passes over a text, since what one pass finds may have functions in it.
    lambda_numbers: FxHashMap<usize, u32>,
    /// Of each lambda: what it was made with, and whether it was called with known arguments.
    pub(super) made: Vec<(Option<Vec<Value>>, bool)>,
    /// Names of the top level: what the forms so far bound.
    pub(super) globals: Vec<Option<Value>>,
    /// Those of them that were bound here, in order.
    pub(super) bound: Vec<usize>,
    /// Those of them that a branch binds: a function that is called in several may see another value in each.
    pub(super) branched: FxHashSet<usize>,
    /// The same at the end of the pass before; functions see these.
    pub(super) settled: Vec<Option<Value>>,
    pub(super) names: &'p [String],
    /// The newest of each name, where somebody has asked for one.
    pub(super) numbers: FxHashMap<&'p str, usize>,
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
    /// Whether names of the top level hold anything but the variables among them: what they hold may be changed in the text.
    pub(super) open_names: bool,
    /// Set by what gives no value.
    pub(super) why: Why,
    /// The first verb that the function being analysed may come to.
    pub(super) effect: Option<Arc<Effect>>,
    pub(super) calls: Calls,
    pub(super) steps: u64,
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
    pub(super) fn new(functions: Arc<FxHashMap<FunctionId, &'p Function>>, names: &'p [String]) -> Run<'p> {
        Run {
            functions,
            lambdas: Vec::new(),
            lambda_numbers: FxHashMap::default(),
            made: Vec::new(),
            globals: vec![None; names.len()],
            bound: Vec::new(),
            branched: FxHashSet::default(),
            settled: vec![None; names.len()],
            names,
            numbers: FxHashMap::default(),
            earlier: 0,
            variables: Variables::default(),
            sites: Sites::default(),
            recorder: None,
            control: None,
            tested: None,
            closed: false,
            open_names: false,
            why: Why::Open,
            effect: None,
            calls: Calls::default(),
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

    /// Goes on with the numbers of `fun`s that earlier passes have given.
    pub(super) fn number_on(&mut self, numbers: Numbers<'p>) {
        self.made = vec![(None, false); numbers.lambdas.len()];
        (self.lambdas, self.lambda_numbers) = (numbers.lambdas, numbers.by_place);
    }

    /// The numbers of `fun`s, for the next pass.
    pub(super) fn take_numbers(&mut self) -> Numbers<'p> {
        Numbers { lambdas: std::mem::take(&mut self.lambdas), by_place: std::mem::take(&mut self.lambda_numbers) }
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

    /// Evaluates the clauses once.
    pub(super) fn apply(&mut self, call: &Call) -> Outcome {
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
