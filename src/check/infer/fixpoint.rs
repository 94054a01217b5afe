//! What calls come to: each is analysed once for each list of abstract arguments, recursive ones until nothing grows.
//!
//! Functions that call each other are iterated together: only the call by which they were entered starts another round, in
//! which each of them is evaluated once more, from what the round before has found. (Iterating each of them to its end within
//! every round of those around it takes time exponential in how many they are; Bourdoncle, "Efficient chaotic iteration
//! strategies with widenings", 1993.) Arguments and results are widened on the way, so that every chain ends. What a round
//! found holds for good as soon as nothing has grown in it.

use rustc_hash::FxHashMap;
use triomphe::Arc;

use crate::check::infer::groups::Groups;
use crate::check::infer::parts::Code;
use crate::check::infer::parts::Few;
use crate::check::infer::run::Call;
use crate::check::infer::run::Outcome;
use crate::check::infer::run::Run;
use crate::check::infer::site::Why;
use crate::check::infer::value::Value;
use crate::check::infer::value::both;

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
/// For how many lists of arguments each of several functions that call each other is analysed exactly within one call from
/// outside, and beyond how many nothing is known of its arguments. There are as many ways through them as one likes, and each
/// way comes with arguments of its own: between the two, all of them are taken together.
const WAYS_MAX: (usize, usize) = (3, 10);
/// Through how many uses of results it is looked whether a result of an earlier round is as it was.
const UNCHANGED_MAX: usize = 200;
/// How often a recursive result may grow before single numbers and texts of it are forgotten, and before nothing is known of
/// it.
const GROWTHS_MAX: (u8, u8) = (3, 8);

#[derive(Clone, Copy, Debug)]
enum State {
    /// Being analysed, at this depth.
    Running(usize),
    /// Found in this round of a call that is still being analysed; where it stands in [`Calls::open`].
    Open(usize),
    /// Found in an earlier round: perhaps too little.
    Stale,
    /// Known for good.
    Done,
}

#[derive(Debug)]
struct Entry {
    outcome: Outcome,
    state: State,
    /// How often the outcome has grown.
    growths: u8,
    /// How often it has changed in any way.
    version: u32,
    /// The calls that the last round used, each as it was then; while its own result is not final.
    used: Vec<(Arc<Call>, u32)>,
}

/// A call that is being analysed.
#[derive(Debug)]
struct Active {
    call: Arc<Call>,
    /// Whether its result was asked for in this round.
    asked: bool,
    /// Whether something has grown in this round after it was used.
    again: bool,
    /// How many calls were open when this round began.
    mark: usize,
    /// What this round has used so far.
    used: Vec<(Arc<Call>, u32)>,
}

/// The calls of a function within one call of its group from outside.
#[derive(Debug)]
struct Ways {
    many: usize,
    /// The arguments of all of them.
    arguments: Vec<Value>,
}

/// The calls of one pass, and what is known of them.
#[derive(Debug)]
pub(super) struct Calls {
    known: FxHashMap<Arc<Call>, Entry>,
    contexts: FxHashMap<Code, usize>,
    active: Vec<Active>,
    /// What depends on calls that are being analysed, in the order in which it was found.
    open: Vec<Arc<Call>>,
    /// The least depth of a call whose unfinished result was used.
    lowest: usize,
    /// Whether each round looks at everything anew, where something is noted on the way.
    pub(super) anew: bool,
    /// The functions that call each other.
    pub(super) groups: Arc<Groups>,
    /// By group, of each function of it.
    ways: FxHashMap<u32, FxHashMap<Code, Ways>>,
}

impl Default for Calls {
    fn default() -> Calls {
        Calls {
            known: FxHashMap::default(),
            contexts: FxHashMap::default(),
            active: Vec::new(),
            open: Vec::new(),
            lowest: usize::MAX,
            anew: false,
            groups: Arc::new(Groups::default()),
            ways: FxHashMap::default(),
        }
    }
}

impl Calls {
    /// What is known of a call; notes on whose unfinished result that rests.
    fn recall(&mut self, call: &Call) -> Option<Outcome> {
        let (key, entry) = self.known.get_key_value(call)?;
        let (key, state, version, outcome) = (key.clone(), entry.state, entry.version, entry.outcome.clone());
        match state {
            State::Stale => {
                let unchanged = self.unchanged(&key)?;
                self.take_up(unchanged);
            }
            state => self.rest_on(state),
        }
        self.use_of(&key, version);
        Some(outcome)
    }

    /// Notes that the round at hand rests on a result of that state.
    fn rest_on(&mut self, state: State) {
        match state {
            State::Done | State::Stale => {}
            State::Running(depth) => {
                self.active[depth].asked = true;
                self.lowest = self.lowest.min(depth);
            }
            State::Open(at) => {
                // The innermost call in whose round it was found rests on it, and knows on what that rests.
                let around = self.active.partition_point(|active| active.mark <= at);
                self.lowest = self.lowest.min(around.saturating_sub(1));
            }
        }
    }

    /// Notes that the call being analysed has used another.
    fn use_of(&mut self, call: &Arc<Call>, version: u32) {
        let Some(active) = self.active.last_mut() else { return };
        if !active.used.last().is_some_and(|(last, _)| Arc::ptr_eq(last, call)) {
            active.used.push((call.clone(), version));
        }
    }

    /// A call of an earlier round, with those of earlier rounds that it rests on, if all that they have used is as it was then:
    /// looking at them once more would find the same. Nothing where that takes long to tell.
    fn unchanged(&self, call: &Arc<Call>) -> Option<Vec<Arc<Call>>> {
        let (mut found, mut next, mut looks) = (vec![call.clone()], 0, 0);
        if self.anew {
            return None;
        }
        while let Some(one) = found.get(next).cloned() {
            next += 1;
            for (used, version) in &self.known.get(&*one)?.used {
                looks += 1;
                let entry = self.known.get(&**used).filter(|entry| entry.version == *version)?;
                if matches!(entry.state, State::Stale) && !found.iter().any(|known| Arc::ptr_eq(known, used)) {
                    found.push(used.clone());
                }
                if looks > UNCHANGED_MAX {
                    return None;
                }
            }
        }
        Some(found)
    }

    /// Takes results of earlier rounds into this one.
    fn take_up(&mut self, calls: Vec<Arc<Call>>) {
        let used = calls.iter().filter_map(|call| self.known.get(&**call)).flat_map(|entry| &entry.used);
        let states: Vec<State> = used.filter_map(|(used, _)| Some(self.known.get(&**used)?.state)).collect();
        states.into_iter().for_each(|state| self.rest_on(state));
        for call in calls {
            self.set(&call, State::Open(self.open.len()));
            self.open.push(call);
        }
    }

    fn group(&self, code: Code) -> Option<u32> {
        match code {
            Code::Named(id) => self.groups.get(&id).copied(),
            _ => None,
        }
    }

    /// A call among functions that call each other: beyond a few lists of arguments, joined with all earlier ones.
    fn joined(&mut self, mut call: Arc<Call>) -> Arc<Call> {
        let Some(group) = self.group(call.code) else { return call };
        let within = self.active.iter().rev().any(|active| self.group(active.call.code) == Some(group));
        let ways = self.ways.entry(group).or_default();
        if !within {
            ways.clear();
            return call;
        }
        if self.known.contains_key(&call) {
            return call;
        }
        match ways.get_mut(&call.code) {
            None => {
                ways.insert(call.code, Ways { many: 1, arguments: call.arguments.clone() });
            }
            Some(ways) => {
                ways.many += 1;
                let all = ways.arguments.iter().zip(&call.arguments).map(|(all, argument)| all.join(argument));
                ways.arguments = all.collect();
                if ways.many > WAYS_MAX.0 {
                    let all = ways.many > WAYS_MAX.1;
                    let wider = |argument: &Value| if all { Value::any() } else { argument.general() };
                    ways.arguments.iter_mut().for_each(|argument| *argument = wider(argument));
                    Arc::make_mut(&mut call).arguments.clone_from(&ways.arguments);
                }
            }
        }
        call
    }

    /// The functions that are being analysed.
    pub(super) fn around(&self) -> std::collections::BTreeSet<Code> {
        self.active.iter().map(|active| active.call.code).collect()
    }

    /// Takes in what a round came to; gives it back as far as it is kept, and whether it says more than the one before.
    fn grown(&mut self, call: &Call, mut outcome: Outcome) -> (Outcome, bool) {
        let Some(entry) = self.known.get_mut(call) else { return (outcome, false) };
        let before = &entry.outcome;
        let joined = before.value.join(&outcome.value);
        let more = joined != before.value;
        let control = both(&before.control, &outcome.control);
        let effect = outcome.effect.is_some() && before.effect.is_none();
        let grown = more || effect || control != before.control;
        // Of what fails it is not asked whether it fails in the same way.
        let failed = matches!(outcome.why, Why::Failed(_)) && outcome.value.is_never();
        if grown || failed || outcome.edges != before.edges {
            entry.version = entry.version.wrapping_add(1);
        }
        let before = &entry.outcome;
        outcome.value = match entry.growths {
            _ if !more => joined,
            growths if growths < GROWTHS_MAX.0 => joined,
            growths if growths < GROWTHS_MAX.1 => joined.general(),
            _ => Value::any(),
        };
        (outcome.control, outcome.effect) = (control, outcome.effect.or_else(|| before.effect.clone()));
        entry.growths = entry.growths.saturating_add(u8::from(grown));
        entry.outcome = outcome.clone();
        (outcome, grown)
    }

    /// Sets what holds of all that was found since a round began, and forgets that it is open.
    fn close(&mut self, mark: usize, state: State) {
        for call in self.open.drain(mark..) {
            if let Some(entry) = self.known.get_mut(&*call) {
                entry.state = state;
                if matches!(state, State::Done) {
                    entry.used = Vec::new();
                }
            }
        }
    }

    fn set(&mut self, call: &Call, state: State) {
        if let Some(entry) = self.known.get_mut(call) {
            entry.state = state;
        }
    }
}

impl Run<'_> {
    /// Analyses a call although calls may not be followed.
    pub(super) fn always(&mut self, call: Call) {
        if self.calls.recall(&call).is_none() && !self.exhausted() {
            self.analyse(&Arc::new(call));
        }
    }

    /// What the call comes to, from memory or by analysing it.
    pub(super) fn outcome(&mut self, call: Arc<Call>) -> Outcome {
        if !self.follow || self.exhausted() {
            return Outcome::any();
        }
        if let Some(known) = self.calls.recall(&call) {
            return known;
        }
        let narrow = self.budgeted(call);
        let wide = self.widened(narrow);
        let wide = self.calls.joined(wide);
        if let Some(known) = self.calls.recall(&wide) {
            return known;
        }
        if !self.step() {
            return Outcome::any();
        }
        let outcome = self.analyse(&wide);
        self.unstep();
        outcome
    }

    /// The call with less known of its arguments, where the function was analysed for very many.
    fn budgeted(&mut self, mut call: Arc<Call>) -> Arc<Call> {
        let (exact, general) = match self.is_library(call.code) {
            true => (LIBRARY_MAX, 2 * LIBRARY_MAX),
            false if self.calls.known.len() > CALLS_EXACT_MAX => CROWDED_MAX,
            false => (EXACT_MAX, GENERAL_MAX),
        };
        let contexts = self.calls.contexts.get(&call.code).copied().unwrap_or(0);
        if contexts > exact && !self.calls.known.contains_key(&call) {
            let forget = |value: &mut Value| *value = if contexts > general { Value::any() } else { value.general() };
            let call = Arc::make_mut(&mut call);
            call.arguments.iter_mut().chain(&mut call.captured).for_each(forget);
        }
        call
    }

    /// The call joined with the same function's call further out, if there is one: recursion.
    fn widened(&mut self, mut call: Arc<Call>) -> Arc<Call> {
        let mut same = 0;
        for active in self.calls.active.iter().rev() {
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

    fn analyse(&mut self, call: &Arc<Call>) -> Outcome {
        let depth = self.calls.active.len();
        if let Code::Lambda(number) = call.code
            && let Some((_, called)) = self.made.get_mut(number as usize)
        {
            *called = true;
        }
        if let Some(entry) = self.calls.known.get_mut(call) {
            entry.state = State::Running(depth);
        } else {
            *self.calls.contexts.entry(call.code).or_default() += 1;
            let first = Outcome { value: Value::never(), ..Outcome::any() };
            self.calls.known.insert(
                call.clone(),
                Entry { outcome: first, state: State::Running(depth), growths: 0, version: 0, used: Vec::new() },
            );
        }
        let mark = self.calls.open.len();
        self.calls.active.push(Active { call: call.clone(), asked: false, again: false, mark, used: Vec::new() });
        let outer_lowest = std::mem::replace(&mut self.calls.lowest, usize::MAX);
        let outcome = loop {
            self.calls.active[depth].used.clear();
            let outcome = self.apply(call);
            let (outcome, again) = self.round(depth, outcome);
            if self.calls.lowest < depth {
                // Those around go on with it, if need be.
                let lowest = self.calls.lowest;
                self.calls.active[lowest].again |= again;
                self.calls.set(call, State::Open(self.calls.open.len()));
                let used = std::mem::take(&mut self.calls.active[depth].used);
                if let Some(entry) = self.calls.known.get_mut(call) {
                    entry.used = used;
                }
                self.calls.open.push(call.clone());
                break outcome;
            }
            if !again || self.exhausted() {
                self.calls.close(mark, State::Done);
                self.calls.set(call, State::Done);
                break outcome;
            }
            self.calls.close(mark, State::Stale);
            self.calls.lowest = usize::MAX;
        };
        self.calls.active.pop();
        if let Some((key, entry)) = self.calls.known.get_key_value(call) {
            let (key, version) = (key.clone(), entry.version);
            self.calls.use_of(&key, version);
        }
        let inner = if self.calls.lowest < depth { self.calls.lowest } else { usize::MAX };
        self.calls.lowest = outer_lowest.min(inner);
        outcome
    }

    /// Ends a round: what it comes to, and whether another one may come to more.
    fn round(&mut self, depth: usize, outcome: Outcome) -> (Outcome, bool) {
        let active = &mut self.calls.active[depth];
        let (asked, again) = (std::mem::take(&mut active.asked), std::mem::take(&mut active.again));
        let call = active.call.clone();
        if asked && let Some(recorder) = &mut self.recorder {
            recorder.recursive.insert(call.code);
        }
        let (outcome, grown) = self.calls.grown(&call, outcome);
        (outcome, again || asked && grown)
    }
}

/// Whether the functions among the arguments have the same code: a call within a call of `lists:map` with another function
/// is no recursion.
fn same_functions(a: &[Value], b: &[Value]) -> bool {
    a.iter().zip(b).all(|(a, b)| match (a.parts().map(|parts| &parts.funs), b.parts().map(|parts| &parts.funs)) {
        (Some(Few::Of(a)), Some(Few::Of(b))) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.code == b.code),
        _ => true,
    })
}
