//! Changes: which updates do not get on with those that other replicas make at the same time.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::check::facts::Dependence;
use crate::check::facts::ObservationId;
use crate::check::facts::Operation;
use crate::check::facts::Update;
use crate::check::facts::VariableId;
use crate::coordination::Kind;
use crate::coordination::Point;
use crate::coordination::change::Change;
use crate::coordination::copies::is_own_removal;
use crate::coordination::edits::arguments;
use crate::coordination::edits::inside;
use crate::coordination::edits::is_name;
use crate::coordination::model::Model;
use crate::coordination::model::is_place;
use crate::coordination::repair;
use crate::coordination::tasks;
use crate::library::Verb;
use crate::value::kind::Type;
use crate::value::operation::sum_of;
use crate::value::term::Term;

/// The points that are changes.
pub(crate) fn points(model: &Model<'_>) -> Vec<Point> {
    let shared = model.facts.variables.iter().filter(|variable| !variable.dynamic);
    shared.flat_map(|variable| of_variable(model, variable.id)).collect()
}

/// One thing that an update can do to the variable.
pub(super) struct Write<'a> {
    pub(super) update: &'a Update,
    pub(super) change: Change,
}

/// All that is done to the variable.
pub(super) fn writes<'a>(model: &Model<'a>, variable: VariableId) -> Vec<Write<'a>> {
    let each = |update: &'a Update| {
        let changes: BTreeSet<Change> = model.changes(variable, update).into_iter().collect();
        changes.into_iter().map(move |change| Write { update, change })
    };
    model.updates_of(variable).flat_map(each).collect()
}

fn of_variable(model: &Model<'_>, variable: VariableId) -> Vec<Point> {
    let writes = writes(model, variable);
    if has_one_owner(model, &writes) && !writes.iter().any(|write| matches!(write.change, Change::Spend | Change::Give))
    {
        return Vec::new();
    }
    let mut points = Vec::new();
    points.extend(removals(model, variable, &writes));
    points.extend(assignments(model, variable, &writes));
    points.extend(modifications(model, variable, &writes));
    points.extend(spendings(model, variable, &writes));
    points
}

/// Whether one replica makes all of them: they are ordered by themselves.
pub(super) fn has_one_owner(model: &Model<'_>, writes: &[Write<'_>]) -> bool {
    let owners: BTreeSet<Option<&Term>> = writes.iter().map(|write| model.order.owner(write.update.span)).collect();
    owners.len() == 1 && !owners.contains(&None)
}

fn point(model: &Model<'_>, kind: Kind, variable: VariableId, write: &Write<'_>, why: String) -> Point {
    let name = model.name(variable);
    let verb = if write.update.verb == Verb::TryUpdate { "try_update" } else { "update" };
    let path = vec![verb.to_owned(), name.clone()];
    let repair = repair::change(model, kind, variable, write.update);
    Point { kind, span: write.update.span, variable: Some(name), path, why, repair }
}

/// Those that take back what they have seen, where others may write what they have not seen.
fn removals(model: &Model<'_>, variable: VariableId, writes: &[Write<'_>]) -> Vec<Point> {
    let taking = writes.iter().filter(|write| write.change == Change::TakeBack);
    let taking = taking.filter(|write| !is_own_removal(model, variable, write.update));
    taking
        .filter_map(|write| {
            let other = writes
                .iter()
                .find(|other| other.change != Change::TakeBack && !gets_on(model, write.update, other.update))?;
            let (name, line) = (model.name(variable), model.line(other.update.span));
            let why = format!(
                "this takes back what has been seen of {name} here; what the update in line {line} writes on another \
                 replica may or may not have arrived"
            );
            Some(point(model, Kind::Removal, variable, write, why))
        })
        .collect()
}

/// Whether every replica that makes the one also makes the other, of the same elements, in one order.
fn gets_on(model: &Model<'_>, taking: &Update, other: &Update) -> bool {
    let one_owner =
        model.order.owner(taking.span).is_some() && model.order.owner(taking.span) == model.order.owner(other.span);
    if one_owner {
        return true;
    }
    if taking.span == other.span && taking.operations.len() > 1 && !is_same_on_all(model, taking) {
        // Which of its operations it is, is another thing on other replicas.
        return false;
    }
    let known = |update: &Update| {
        let terms = !update.operations.is_empty() && update.operations.iter().all(|op| op.term.is_some());
        terms && (update.operations.len() == 1 || is_same_on_all(model, update))
    };
    if are_apart(taking, other) {
        return true;
    }
    let once = !taking.repeated && !other.repeated;
    if once && model.order.beside(taking.span, other.span) && known(taking) && known(other) {
        return true;
    }
    // Who puts it in takes it out again in the end, whatever the others do.
    let sure = taking.depends.control.iter().all(|on| !model.varying.contains(on) && !model.may_fall_back(*on));
    sure && model.order.follows(other.span, taking.span) && same_operand(model, taking, other)
}

/// Whether its operation is the same on all replicas, in every run.
fn is_same_on_all(model: &Model<'_>, update: &Update) -> bool {
    model.is_same_everywhere(&Dependence { control: BTreeSet::new(), data: update.depends.data.clone() })
}

/// Whether they are about keys of a map that are known, and never the same.
pub(super) fn are_apart(taking: &Update, other: &Update) -> bool {
    let keys = |update: &Update, words: &[&str]| -> Option<BTreeSet<Term>> {
        let operations = update.operations.iter();
        let key = |operation: &Operation| {
            let word = operation.word.as_deref().filter(|word| words.contains(word));
            word.and_then(|_| operation.term.as_ref()?.as_tuple()?.get(1).cloned())
        };
        operations.map(key).collect::<Option<_>>().filter(|keys: &BTreeSet<Term>| !keys.is_empty())
    };
    let (taken, written) = (keys(taking, &["rmv", "remove"]), keys(other, &["apply"]));
    taken.zip(written).is_some_and(|(taken, written)| taken.is_disjoint(&written))
}

/// Whether what is taken back is, as it is written, what the other writes, or by its name among that.
fn same_operand(model: &Model<'_>, taking: &Update, other: &Update) -> bool {
    let texts = [(model.text)(taking.span).0, (model.text)(other.span).0];
    let [taken, written] = texts.each_ref().map(|text| operand(text));
    let (Some(taken), Some(written)) = (taken, written) else { return false };
    // The same wherever it stands on one replica.
    let calls_nothing = !taken.replace("replica()", "").replace("node()", "").contains('(');
    let mut words = written.split(|c: char| !c.is_alphanumeric() && c != '_');
    calls_nothing && taken == written || is_name(taken) && words.any(|word| word == taken)
}

/// What the operation of an update is about.
fn operand(update: &str) -> Option<&str> {
    inside(arguments(update).get(1)?.1, '{', '}')?.get(1).copied()
}

/// Values that several replicas put in one place. The parts of a pair and the keys of a map are places of their own.
fn assignments(model: &Model<'_>, variable: VariableId, writes: &[Write<'_>]) -> Vec<Point> {
    let mut places: BTreeMap<String, Vec<&Write<'_>>> = BTreeMap::new();
    for write in writes.iter().filter(|write| matches!(write.change, Change::Assign | Change::Stamp)) {
        for part in parts(write) {
            places.entry(part).or_default().push(write);
        }
    }
    // Timestamps of their own put all of them in order; one that is made when it is written may come before or after.
    places.retain(|_, writes| writes.iter().any(|write| write.change == Change::Assign));
    places.iter().flat_map(|(place, assigns)| assigned(model, variable, place, assigns)).collect()
}

fn assigned(model: &Model<'_>, variable: VariableId, place: &str, assigns: &[&Write<'_>]) -> Vec<Point> {
    let Some(first) = assigns.first() else { return Vec::new() };
    if is_one_value(assigns, place) {
        return Vec::new();
    }
    let together = assigns.iter().all(|write| model.order.beside(first.update.span, write.update.span));
    let same = assigns.iter().all(|write| is_same_value(model, write.update));
    let owner = |write: &Write<'_>| model.order.owner(write.update.span);
    let one_owner = owner(first).is_some() && assigns.iter().all(|write| owner(write) == owner(first));
    let keyed = matches!(model.kind(variable), Some(Type::AwMap(_) | Type::GMap(_)));
    let own = |update: &Update| has_own_key(model, update) && !has_fixed_key(update);
    let apart = keyed && assigns.iter().all(|write| own(write.update));
    let makers = assigns.iter().all(|write| write.update.variables.known.contains(&variable));
    if one_owner || apart || (same && together) || (makers && is_fresh(model, variable)) {
        return Vec::new();
    }
    let name = model.name(variable);
    let outcome = match model.kind(variable) {
        Some(Type::Ivar) => "a later one is refused, and two at the same time are a conflict",
        Some(Type::MvRegister) => "those that did not see each other stay side by side",
        _ => "which one counts depends on which of the others it had seen",
    };
    let why = format!("several replicas assign {name}: {outcome}");
    // What the same replica surely overwrites is not seen at the end.
    let register = matches!(model.kind(variable), Some(Type::LwwRegister | Type::MvRegister));
    let lasts = assigns.iter().filter(|write| {
        let over = |later: &&Write<'_>| model.order.together(write.update.span, later.update.span);
        write.change == Change::Assign && !(register && assigns.iter().any(over))
    });
    lasts.map(|write| point(model, Kind::Assignment, variable, write, why.clone())).collect()
}

/// Whether all that is ever put in a place is one value, which is written out: who puts it there makes no difference. (The
/// keys of a map are places of their own.)
fn is_one_value(assigns: &[&Write<'_>], place: &str) -> bool {
    let operations = assigns.iter().flat_map(|write| &write.update.operations);
    let here: BTreeSet<&Option<Term>> =
        operations.filter(|operation| part(operation) == place).map(|operation| &operation.term).collect();
    let unknown = assigns.iter().any(|write| write.update.operations.is_empty() || write.change == Change::Stamp);
    !unknown && here.len() == 1 && !here.contains(&None)
}

/// Whether each replica that comes by the declaration makes a variable of its own, with a name that no other has: what is
/// written to it by that reference, its maker writes.
fn is_fresh(model: &Model<'_>, variable: VariableId) -> bool {
    let Some(variable) = model.facts.variable(variable).filter(|variable| variable.name.is_none()) else {
        return false;
    };
    let (text, _) = (model.text)(variable.span);
    let mut depth = 0_i32;
    // `declare(Name, Type)` makes one that others can name too.
    !text.chars().any(|c| {
        depth += i32::from("([{".contains(c)) - i32::from(")]}".contains(c));
        c == ',' && depth == 1
    })
}

/// Which parts of a variable a write is about: `fst`, `snd`, a key, or all of it.
pub(super) fn parts(write: &Write<'_>) -> BTreeSet<String> {
    let operations = &write.update.operations;
    // What stands second in `{set, Timestamp, V}` is no key.
    let stamped = |operation: &Operation| write.change == Change::Stamp && operation.word.as_deref() == Some("set");
    if operations.is_empty() || operations.iter().all(stamped) {
        return BTreeSet::from([String::new()]);
    }
    operations.iter().map(part).collect()
}

fn part(operation: &Operation) -> String {
    match operation.word.as_deref() {
        Some(word @ ("fst" | "snd")) => word.to_owned(),
        Some("apply") => key(operation),
        Some("set") if operation.key.is_some() => key(operation),
        _ => String::new(),
    }
}

fn key(operation: &Operation) -> String {
    let key = operation.key.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
    let inner = operation.inner.as_ref().filter(|inner| inner.word.as_deref() == Some("apply"));
    inner.map_or_else(|| key.clone(), |inner| format!("{key}, {}", self::key(inner)))
}

/// Whether the keys in `{set, Key, V}` or `{apply, Key, Op}` are known, the same for everybody.
fn has_fixed_key(update: &Update) -> bool {
    fn fixed(operation: &Operation) -> bool {
        let inner = operation.inner.as_ref().filter(|inner| inner.word.as_deref() == Some("apply"));
        operation.key.is_some() && inner.is_none_or(|inner| fixed(inner))
    }
    update.operations.iter().all(fixed)
}

/// Whether all replicas assign the same value, in every run.
fn is_same_value(model: &Model<'_>, update: &Update) -> bool {
    let elsewhere =
        |on: &ObservationId| model.facts.observations.get(on.0 as usize).is_some_and(|seen| model.is_elsewhere(seen));
    let on = update.depends.data.iter().all(|on| !model.varying.contains(on) && !elsewhere(on));
    on && !hangs_on(model, update, is_place) && update.operations.len() <= 1
}

/// Whether the key in `{set, Key, V}` or `{apply, Key, Op}` is another one on each replica.
fn has_own_key(model: &Model<'_>, update: &Update) -> bool {
    let text = (model.text)(update.span).0;
    let operation = arguments(&text).get(1).and_then(|(_, operation)| inside(operation, '{', '}'));
    let Some(key) = operation.as_ref().and_then(|parts| parts.get(1)) else {
        return hangs_on(model, update, is_itself);
    };
    // A name may have it from anywhere; what it is made of tells something only where it is nothing but who the replica is.
    is_own(key)
        || is_name(key)
            && hangs_on(model, update, is_itself)
            && !hangs_on(model, update, |verb| !is_itself(verb) && is_place(verb))
}

/// Whether a key as it is written is another one on each replica: `replica()`, or a tuple or list with it.
fn is_own(key: &str) -> bool {
    let itself = ["replica()", "node()"].contains(&key.trim());
    let parts = inside(key, '{', '}').or_else(|| inside(key, '[', ']'));
    itself || parts.is_some_and(|parts| parts.into_iter().any(is_own))
}

fn is_itself(verb: Verb) -> bool {
    matches!(verb, Verb::Replica | Verb::Node | Verb::Declare)
}

fn hangs_on(model: &Model<'_>, update: &Update, what: impl Fn(Verb) -> bool) -> bool {
    let mut seen = update.depends.data.iter().filter_map(|on| model.facts.observations.get(on.0 as usize));
    seen.any(|seen| what(seen.verb))
}

fn modifications(model: &Model<'_>, variable: VariableId, writes: &[Write<'_>]) -> Vec<Point> {
    let name = model.name(variable);
    let why =
        format!("the next value of {name} is one above the one seen here; two replicas that see the same count once");
    let modify = writes.iter().filter(|write| write.change == Change::Modify);
    modify.map(|write| point(model, Kind::ReadModifyWrite, variable, write, why.clone())).collect()
}

/// Bounded counters: updates that may lack rights.
fn spendings(model: &Model<'_>, variable: VariableId, writes: &[Write<'_>]) -> Vec<Point> {
    let name = model.name(variable);
    let why = format!("whether there are rights of {name} here depends on whether those that others gave have arrived");
    let spend = writes.iter().filter(|write| matches!(write.change, Change::Spend | Change::Give));
    spend
        .filter(|write| !is_covered(model, write.update, writes))
        .map(|write| point(model, Kind::Refusal, variable, write, why.clone()))
        .collect()
}

/// Whether the same replica has surely got the rights before: by increments of known size in the same block.
fn is_covered(model: &Model<'_>, spending: &Update, writes: &[Write<'_>]) -> bool {
    let mut balance: i128 = 0;
    for write in writes {
        let update = write.update;
        // Another task may have spent them by then.
        let spent = matches!(write.change, Change::Spend | Change::Give)
            && tasks::race(model, (update.span, &update.depends), (spending.span, &spending.depends));
        if update.span != spending.span && !model.order.before(update.span, spending.span) && !spent {
            continue;
        }
        match (amount(update), write.change) {
            (Some(amount), Change::Grow) if !update.repeated => balance += amount,
            (_, Change::Grow) => {}
            (Some(amount), Change::Spend | Change::Give) if !update.repeated => balance -= amount,
            _ => return false,
        }
    }
    balance >= 0
}

/// The number in `{increment, N}`, `{decrement, N}` or `{move, N, To}`.
fn amount(update: &Update) -> Option<i128> {
    let [operation] = update.operations.as_slice() else { return None };
    let term = operation.term.as_ref()?;
    match term.as_tuple() {
        None => Some(1),
        Some([_, number, ..]) => sum_of(number).and_then(|_| number.as_int()).map(i128::from),
        Some(_) => None,
    }
}
