//! Looks: which of what a program looks at is a point of order.

use std::collections::BTreeSet;

use crate::check::facts::Dependence;
use crate::check::facts::Observation;
use crate::check::facts::ObservationId;
use crate::check::facts::Operation;
use crate::check::facts::Update;
use crate::check::facts::UseKind;
use crate::check::facts::VariableId;
use crate::coordination::Kind;
use crate::coordination::Note;
use crate::coordination::Point;
use crate::coordination::change::Change;
use crate::coordination::change::is_idempotent;
use crate::coordination::copies::is_whole_together;
use crate::coordination::growing::is_whole;
use crate::coordination::model::Model;
use crate::coordination::model::verb_name;
use crate::coordination::repair;
use crate::library::Verb;
use crate::source::span::Span;
use crate::value::kind::Type;
use crate::value::term::Term;

/// The points that are looks.
pub(crate) fn points(model: &Model<'_>) -> Vec<Point> {
    model.facts.observations.iter().filter_map(|seen| Some(as_value(model, seen, point(model, seen)?))).collect()
}

/// A verb that is a value, `fun query/1`, stands for a function: what to write in its place is one too.
fn as_value(model: &Model<'_>, seen: &Observation, mut point: Point) -> Point {
    if (model.text)(seen.span).0.starts_with("fun ") {
        repair::of_value(model, seen, &mut point);
    }
    point
}

fn point(model: &Model<'_>, seen: &Observation) -> Option<Point> {
    match seen.verb {
        Verb::Query => query(model, seen),
        Verb::Read => at_once(model, seen).or_else(|| threshold(model, seen)).or_else(|| value(model, seen)),
        Verb::Invariant | Verb::WaitNeeded => threshold(model, seen),
        Verb::EnforceOnce => threshold(model, seen).or_else(|| place(model, seen)),
        Verb::ReadAny => threshold(model, seen).or_else(|| race(model, seen)).or_else(|| value(model, seen)),
        Verb::Stream => (goes_on(seen) && !counts_once(model, seen)).then(|| stream(model, seen)),
        Verb::Nodes | Verb::Converged => {
            let why = format!(
                "`{}()` tells who is connected at this moment, which each replica learns in its own time",
                verb_name(seen.verb)
            );
            goes_on(seen).then(|| plain(model, Kind::Membership, seen, why))
        }
        Verb::NowMs => {
            let why = "the clock shows another time on every replica and in every run".to_owned();
            goes_on(seen).then(|| plain(model, Kind::Clock, seen, why))
        }
        Verb::Random => {
            let why = "chance gives another number on every replica and in every run".to_owned();
            goes_on(seen).then(|| plain(model, Kind::Chance, seen, why))
        }
        _ => None,
    }
}

/// Whether what was seen goes anywhere.
fn goes_on(seen: &Observation) -> bool {
    !seen.uses.is_empty()
}

fn plain(model: &Model<'_>, kind: Kind, seen: &Observation, why: String) -> Point {
    let path = vec![verb_name(seen.verb), destination(seen)];
    Point { kind, span: seen.span, variable: None, path, why, repair: repair::plain(model, kind, seen.span) }
}

/// Where what was seen goes first, in a word.
fn destination(seen: &Observation) -> String {
    let gravest = seen.uses.iter().map(|used| used.kind).min();
    match gravest {
        Some(UseKind::Update) => "update",
        Some(UseKind::Derivation) => "a derivation",
        Some(UseKind::Print) => "print",
        Some(UseKind::Assert) => "assert",
        Some(UseKind::Observation) => "another look",
        Some(UseKind::Task) => "a task",
        Some(UseKind::Failure) => "a failure",
        None => "nothing",
    }
    .to_owned()
}

/// The variable that a look is mainly about.
fn subject(model: &Model<'_>, seen: &Observation, mut about: impl FnMut(VariableId) -> bool) -> Option<VariableId> {
    model.possible(&seen.variables).into_iter().find(|variable| about(*variable))
}

fn query(model: &Model<'_>, seen: &Observation) -> Option<Point> {
    if !goes_on(seen) || !model.varying.contains(&seen.id) {
        return None;
    }
    let variable = subject(model, seen, |variable| model.can_differ(variable, seen));
    if model.possible(&seen.variables).into_iter().all(|variable| is_whole_together(model, variable, seen)) {
        return None;
    }
    let name = variable.map_or_else(|| "the variable".to_owned(), |variable| model.name(variable));
    let mut path = variable.map_or_else(|| vec![name.clone()], |variable| model.path_to(variable));
    path.extend(["query".to_owned(), destination(seen)]);
    if let Some((variable, update)) = acts(model, seen) {
        let target = model.name(variable);
        let line = model.line(update.span);
        let why = format!(
            "what `query` sees of {name} decides on the update of {target} in line {line}, and until that has arrived \
             everywhere the other replicas see what was before and decide the same"
        );
        let repair = repair::check_then_act(model, variable);
        return Some(Point { kind: Kind::CheckThenAct, span: seen.span, variable: Some(target), path, why, repair });
    }
    let why =
        format!("`query` gives {name} as it is here and now; what other replicas wrote may or may not have arrived");
    let repair = repair::query(model, variable, seen);
    Some(Point { kind: Kind::Query, span: seen.span, variable: Some(name), path, why, repair })
}

/// The update, of something that flows into what was looked at, that hangs on the look.
fn acts<'a>(model: &Model<'a>, seen: &Observation) -> Option<(VariableId, &'a Update)> {
    let looked: BTreeSet<VariableId> =
        model.possible(&seen.variables).into_iter().flat_map(|variable| model.upstream_of(variable)).collect();
    model.facts.updates.iter().find_map(|update| {
        let hangs = update.depends.control.contains(&seen.id) || update.depends.data.contains(&seen.id);
        let targets = hangs.then(|| model.possible(&update.variables))?;
        let target = targets.into_iter().find(|target| !looked.is_disjoint(&model.influence(*target)))?;
        Some((target, update))
    })
}

/// A threshold over what can shrink.
fn threshold(model: &Model<'_>, seen: &Observation) -> Option<Point> {
    let shrinks = |variable: VariableId| {
        let cause = model.can_shrink(variable) && !loses_others_alone(model, variable, seen);
        cause && model.can_differ(variable, seen)
    };
    let variable = subject(model, seen, shrinks)?;
    let cause = model.shrinks.get(variable.0 as usize)?.clone()?;
    let name = model.name(variable);
    let mut path = cause.path;
    path.push(verb_name(seen.verb));
    let why = format!(
        "{name} can fall back below the threshold, for {}; a replica that gets both at once never sees it met",
        cause.why
    );
    let repair = repair::threshold(model, variable, cause.origin, seen);
    Some(Point { kind: Kind::Threshold, span: seen.span, variable: Some(name), path, why, repair })
}

/// A threshold that has to be met when it is come to, since nothing waits there.
fn at_once(model: &Model<'_>, seen: &Observation) -> Option<Point> {
    if !model.order.is_within(Verb::Atomically, seen.span) {
        return None;
    }
    let own = |variable| model.can_differ(variable, seen) && !is_waited_for(model, variable, seen);
    let variable = subject(model, seen, own)?;
    let name = model.name(variable);
    let mut path = model.path_to(variable);
    path.push(verb_name(seen.verb));
    let why = format!("`atomically` waits for nothing: where what brings {name} so far has not arrived, it fails");
    let repair = repair::at_once(model, seen);
    Some(Point { kind: Kind::Threshold, span: seen.span, variable: Some(name), path, why, repair })
}

/// Whether the same threshold was waited for on the same node before, and stays met.
fn is_waited_for(model: &Model<'_>, variable: VariableId, seen: &Observation) -> bool {
    let same = |other: &&Observation| {
        other.verb == Verb::Read
            && other.variables == seen.variables
            && other.threshold.is_some()
            && other.threshold == seen.threshold
            && !model.order.is_within(Verb::Atomically, other.span)
    };
    let mut before = model.facts.observations.iter().filter(same);
    !model.can_shrink(variable) && before.any(|other| model.order.before(other.span, seen.span))
}

/// Whether nothing that is taken away is among what the threshold of a set asks for.
fn loses_others_alone(model: &Model<'_>, variable: VariableId, seen: &Observation) -> bool {
    let asked: Option<BTreeSet<Term>> =
        seen.threshold.as_ref().and_then(Term::to_vec).map(|terms| terms.into_iter().collect());
    let set = model.kind(variable).is_some_and(Type::is_set) && model.feeding(variable).next().is_none();
    let Some(asked) = asked.filter(|_| set) else { return false };
    model.updates_of(variable).all(|update| {
        let operations = &update.operations;
        !operations.is_empty()
            && operations
                .iter()
                .all(|operation| taken_away(operation).is_some_and(|few| few.iter().all(|term| !asked.contains(term))))
    })
}

/// The elements that an operation takes out of a set, where they are known.
fn taken_away(operation: &Operation) -> Option<Vec<Term>> {
    let word = operation.word.as_deref()?;
    if matches!(word, "add" | "add_all") {
        return Some(Vec::new());
    }
    let [_, operand] = operation.term.as_ref()?.as_tuple()? else { return None };
    match word {
        "rmv" | "remove" => Some(vec![operand.clone()]),
        "rmv_all" | "remove_all" => operand.to_vec(),
        _ => None,
    }
}

/// A threshold that is safe, and whose value says more than that it was met.
fn value(model: &Model<'_>, seen: &Observation) -> Option<Point> {
    let used = seen.uses.iter().any(|used| !used.control) || seen.decides && goes_on(seen);
    if !used || !model.varying.contains(&seen.id) {
        return None;
    }
    let open = |variable| {
        !model.is_final(variable) && !is_whole(model, variable, seen) && !is_whole_together(model, variable, seen)
    };
    let variable = subject(model, seen, |variable| open(variable) && model.can_differ(variable, seen))?;
    let name = model.name(variable);
    let mut path = model.path_to(variable);
    let verb = verb_name(seen.verb);
    let why = format!(
        "the threshold says only that {name} has come so far; the value with which `{verb}` goes on also has whatever else \
         had arrived by then"
    );
    path.extend([verb, destination(seen)]);
    let repair = repair::value(model, variable, seen);
    Some(Point { kind: Kind::Value, span: seen.span, variable: Some(name), path, why, repair })
}

fn race(model: &Model<'_>, seen: &Observation) -> Option<Point> {
    let used = seen.uses.iter().any(|used| !used.control) || seen.decides && goes_on(seen);
    if !used || !model.varying.contains(&seen.id) || !model.is_one_of_several(seen) {
        return None;
    }
    let names: Vec<String> = model.possible(&seen.variables).into_iter().map(|variable| model.name(variable)).collect();
    let (path, names) = match names.as_slice() {
        [] => ("the variables".to_owned(), "the variables".to_owned()),
        names => (names.join(" | "), names.join(", ")),
    };
    let path = vec![path, "read_any".to_owned(), destination(seen)];
    let why = format!("which of {names} is met first depends on what arrives first");
    Some(Point { kind: Kind::Race, span: seen.span, variable: None, path, why, repair: repair::race(model, seen) })
}

/// An effect that is not the same on every node, of which one runs it.
fn place(model: &Model<'_>, seen: &Observation) -> Option<Point> {
    // Where one replica asks alone, it is the one.
    if model.order.owner(seen.span).is_some() {
        return None;
    }
    let on = what_is_elsewhere(model, seen)?;
    let subject = subject(model, seen, |_| true);
    let name = subject.map_or_else(|| "the variable".to_owned(), |variable| model.name(variable));
    let what = verb_name(on.verb);
    let what = match on.variables.known.first() {
        Some(variable) => format!("`{what}({})`", model.name(*variable)),
        None => format!("`{what}()`"),
    };
    let why = format!(
        "one node runs this, whichever asks first of those where {name} has come so far, and what it does hangs on {what} in line \
         {}, which is another on each",
        model.line(on.span)
    );
    let mut path = subject.map_or_else(|| vec![name.clone()], |variable| model.path_to(variable));
    path.extend(["enforce_once".to_owned(), verb_name(on.verb)]);
    let repair = repair::place(model, seen);
    Some(Point { kind: Kind::Race, span: seen.span, variable: None, path, why, repair })
}

/// What an effect looks at, or has from where it is started, that is another on other nodes.
fn what_is_elsewhere<'a>(model: &Model<'a>, effect: &Observation) -> Option<&'a Observation> {
    let facts = model.facts;
    let updates = facts.updates.iter().map(|update| &update.depends);
    let effects = facts.effects.iter().map(|shown| &shown.depends);
    let derivations = facts.derivations.iter().map(|derivation| &derivation.depends);
    let inside = updates.chain(effects).chain(derivations).filter(|depends| depends.control.contains(&effect.id));
    let outside = |id: &ObservationId| effect.depends.control.contains(id);
    let mut on = inside.flat_map(|depends| depends.data.iter().chain(depends.control.iter().filter(|id| !outside(id))));
    on.find_map(|id| {
        let seen = facts.observations.get(id.0 as usize)?;
        // What comes from around it makes it another effect, with local names.
        let here = seen.depends.control.contains(&effect.id) || !model.order.captures(effect.span);
        (here && model.is_elsewhere(seen)).then_some(seen)
    })
}

/// Whether all that a stream does is to make the same updates each time, which count once.
fn counts_once(model: &Model<'_>, seen: &Observation) -> bool {
    let hangs = |depends: &Dependence| depends.control.contains(&seen.id) || depends.data.contains(&seen.id);
    let same = |update: &Update| {
        let data = Dependence { control: BTreeSet::new(), data: update.depends.data.clone() };
        let grows = |to: VariableId| {
            // Whether anything is seen at all is another thing on each node.
            let shared = model.facts.variable(to).is_some_and(|variable| !variable.dynamic);
            let idempotent = model.kind(to).is_some_and(is_idempotent);
            shared && idempotent && model.changes(to, update).iter().all(|change| *change == Change::Grow)
        };
        !update.depends.data.contains(&seen.id)
            && model.is_same_everywhere(&data)
            && model.possible(&update.variables).into_iter().all(grows)
    };
    let updates = model.facts.updates.iter().filter(|update| hangs(&update.depends));
    seen.uses.iter().all(|used| used.control && used.kind == UseKind::Update)
        && !seen.decides
        && updates.into_iter().all(same)
}

fn stream(model: &Model<'_>, seen: &Observation) -> Point {
    let variable = subject(model, seen, |_| true);
    let name = variable.map_or_else(|| "the variable".to_owned(), |variable| model.name(variable));
    let mut path = variable.map_or_else(|| vec![name.clone()], |variable| model.path_to(variable));
    path.extend(["stream".to_owned(), destination(seen)]);
    let why = format!(
        "a stream sees each value that {name} has on this replica, and which those are depends on what arrives together"
    );
    Point {
        kind: Kind::Stream,
        span: seen.span,
        variable: Some(name.clone()),
        path,
        why,
        repair: repair::stream(model, variable),
    }
}

/// What every replica does for itself when a threshold is met, and counts.
pub(crate) fn notes(model: &Model<'_>) -> Vec<Note> {
    let invariants = model.facts.observations.iter().filter(|seen| seen.verb == Verb::Invariant);
    invariants.filter_map(|seen| note(model, seen)).collect()
}

fn note(model: &Model<'_>, seen: &Observation) -> Option<Note> {
    let hangs = |update: &&Update| {
        let inside = within(update.span, seen.span);
        inside && !update.once && model.order.owner(update.span).is_none()
    };
    let counted = model.facts.updates.iter().filter(hangs).find(|update| {
        let variables = model.possible(&update.variables);
        variables.into_iter().any(|variable| {
            let counter = model.kind(variable).is_some_and(Type::is_counter);
            let changes = model.changes(variable, update);
            counter && changes.iter().any(|change| matches!(change, Change::Grow | Change::Lower))
        })
    })?;
    let line = model.line(counted.span);
    let text = format!("every replica runs this when the threshold is met, and each of them counts in line {line}");
    let threshold = seen.threshold.as_ref().map_or_else(|| "T".to_owned(), ToString::to_string);
    let name = subject(model, seen, |_| true).map_or_else(|| "V".to_owned(), |variable| model.name(variable));
    Some(Note { span: seen.span, text, line: format!("enforce_once({name}, {threshold}, fun() -> .. end)") })
}

fn within(inner: Span, outer: Span) -> bool {
    inner.file == outer.file && outer.start <= inner.start && inner.end <= outer.end
}
