//! The cheapest repair of each kind of point, as edits of the program or, where it is a change of the design, as lines to begin
//! with.

use crate::check::facts::Observation;
use crate::check::facts::Update;
use crate::check::facts::UseKind;
use crate::check::facts::VariableId;
use crate::coordination::Kind;
use crate::coordination::Point;
use crate::coordination::Repair;
use crate::coordination::Writing;
use crate::coordination::change::Change;
use crate::coordination::change::is_final_once_met;
use crate::coordination::edits::Edit;
use crate::coordination::edits::also;
use crate::coordination::edits::arguments;
use crate::coordination::edits::declare;
use crate::coordination::edits::enough;
use crate::coordination::edits::growing;
use crate::coordination::edits::inside;
use crate::coordination::edits::is_name;
use crate::coordination::edits::known_name;
use crate::coordination::edits::part;
use crate::coordination::edits::reached;
use crate::coordination::edits::word;
use crate::coordination::model::Model;
use crate::coordination::model::verb_name;
use crate::library::Verb;
use crate::source::span::Span;
use crate::value::kind::Type;
use crate::value::term::Term;

/// A change of the design: lines to begin with.
fn lines(text: impl Into<String>, lines: &[String]) -> Repair {
    Repair { text: text.into(), write: Writing::Lines(lines.to_vec()) }
}

/// Edits after which the point is gone.
fn edits(text: impl Into<String>, edits: Vec<Edit>) -> Repair {
    Repair { text: text.into(), write: Writing::Edits(edits) }
}

/// In the place of a call, this.
fn instead(span: Span, text: String) -> Vec<Edit> {
    vec![Edit { span, text }]
}

/// The name that the whole program can use for a variable; else one that the lines declare themselves.
fn named(model: &Model<'_>, variable: Option<VariableId>) -> (String, Type, Vec<String>) {
    let kind = variable.and_then(|variable| model.kind(variable)).cloned().unwrap_or(Type::GSet);
    match variable.and_then(|variable| known_name(model, variable)) {
        Some(name) => (name, kind, Vec::new()),
        None => ("Shared".to_owned(), kind.clone(), vec![format!("Shared = declare({kind}).")]),
    }
}

/// What waits for enough of a variable.
fn waits(model: &Model<'_>, variable: Option<VariableId>, text: &str) -> Repair {
    let (name, kind, mut all) = named(model, variable);
    all.push(format!("invariant({name}, {}, fun() -> print(enough) end).", enough(&kind)));
    lines(text, &all)
}

/// For what needs no variable.
pub(crate) fn plain(model: &Model<'_>, kind: Kind, span: Span) -> Repair {
    let call = (model.text)(span).0;
    match kind {
        Kind::Clock => edits(
            "Let whoever starts the program give the time, the same to every replica (`--set now=..`), or carry it in the data; a \
             time that one replica takes and all read from a variable is another in the next run.",
            instead(span, "arg(now, 0)".to_owned()),
        ),
        Kind::Chance => {
            let most = arguments(&call).first().map_or("1", |(_, most)| *most).to_owned();
            let drawn = if most.parse::<u32>().is_ok() { "1".to_owned() } else { most };
            edits(
                "Let whoever starts the program draw, the same for every replica (`--set drawn=..`); what one replica draws and \
                 all read from a variable is another in the next run.",
                instead(span, format!("arg(drawn, {drawn})")),
            )
        }
        _ => lines(
            "Let every node say in a shared variable that it is there, and wait for as many as are needed.",
            &[
                "Present = declare(gset).".to_owned(),
                "update(Present, {add, node()}), read(Present, {cardinality, 2}).".to_owned(),
            ],
        ),
    }
}

/// For a verb that is a value, `fun random/1`: what stands in its place has to be a function.
pub(crate) fn of_value(model: &Model<'_>, seen: &Observation, point: &mut Point) {
    let Writing::Edits(made) = &mut point.repair.write else { return };
    match (seen.verb, made.as_mut_slice()) {
        (Verb::NowMs, [edit]) => edit.text = format!("fun() -> {} end", edit.text),
        (Verb::Random, [edit]) => "fun(Most) -> arg(drawn, Most) end".clone_into(&mut edit.text),
        _ => {
            let variable = seen.variables.known.first().copied();
            point.repair = waits(model, variable, "Wait until there is enough, and use only that.");
        }
    }
}

/// For a query that goes somewhere.
pub(crate) fn query(model: &Model<'_>, variable: Option<VariableId>, seen: &Observation) -> Repair {
    let shrinks = variable.is_some_and(|variable| model.can_shrink(variable));
    let kind = variable.and_then(|variable| model.kind(variable));
    let text = (model.text)(seen.span).0;
    if let Some(derived) = derived(model, seen) {
        return derived;
    }
    if variable.is_some_and(|variable| model.is_written_only_after(variable, seen.span)) {
        return waits(
            model,
            variable,
            "Here nothing has been written yet, and whoever waits here would wait for ever: let something be done when there is enough \
             (1 stands for as much as is needed).",
        );
    }
    if shrinks || kind.is_none() {
        let (name, _, mut all) = named(model, variable);
        all.push(format!("Derived = map({name}, fun(X) -> X end)."));
        return lines(
            "Derive what is needed, so that it follows every change; a query is for showing to people.",
            &all,
        );
    }
    let (Some(variable), Some(kind)) = (variable, kind) else {
        return waits(model, variable, "Wait until there is enough.");
    };
    let operand = arguments(&text).first().map_or_else(|| model.name(variable), |(_, operand)| (*operand).to_owned());
    let limit = enough(kind);
    if (is_final_once_met(kind) || model.is_final(variable)) && !waits_nowhere(model, seen) {
        if seen.decides {
            // What is done while it is not there has to be done all the same.
            return waits(
                model,
                Some(variable),
                "Let what is to be done when it is there wait for it, and what is to be done before that not ask.",
            );
        }
        return edits(
            "Wait for it: then there is nothing more to come.",
            instead(seen.span, format!("read({operand}, {limit})")),
        );
    }
    let known = match kind {
        kind if kind.is_counter() => Some("1"),
        Type::MaxInt => Some("1"),
        kind if kind.is_set() && is_shown(model, seen) => Some("enough"),
        _ => None,
    };
    let wait =
        "Wait until there is enough (1 stands for as much as is needed), and use only that; it is the same everywhere.";
    match known.filter(|_| !seen.decides && !waits_nowhere(model, seen)) {
        Some(known) => edits(wait, instead(seen.span, format!("begin read({operand}, {limit}), {known} end"))),
        None => waits(model, Some(variable), wait),
    }
}

/// Whether it stands where nothing may wait.
fn waits_nowhere(model: &Model<'_>, seen: &Observation) -> bool {
    model.order.is_within(Verb::Atomically, seen.span)
}

/// Whether it is printed as it is.
fn is_shown(model: &Model<'_>, seen: &Observation) -> bool {
    let start = seen.span.start.saturating_sub(6);
    let before = (model.text)(Span { start, end: seen.span.start, ..seen.span }).0;
    let after = (model.text)(Span { start: seen.span.end, end: seen.span.end + 1, ..seen.span }).0;
    before == "print(" && after == ")" && seen.uses.iter().all(|used| used.kind == UseKind::Print)
}

/// Elements that are copied as they are had better be derived.
fn derived(model: &Model<'_>, seen: &Observation) -> Option<Repair> {
    let copied = model.order.copied(seen.span)?;
    let text = (model.text)(copied).0;
    let [(_, into), (_, operation)] = arguments(&text)[..] else { return None };
    let source = (model.text)(seen.span).0;
    let [(_, source), ..] = arguments(&source)[..] else { return None };
    let all = operation.replace(' ', "").starts_with("{add_all,");
    (all && is_name(into) && is_name(source)).then(|| {
        edits(
            "Derive instead of copying: what comes later comes along.",
            instead(copied, format!("map({source}, fun(X) -> X end, {into})")),
        )
    })
}

/// For a threshold where nothing waits.
pub(crate) fn at_once(model: &Model<'_>, seen: &Observation) -> Repair {
    lines("Wait for it before, where waiting is allowed.", &[format!("{}.", (model.text)(seen.span).0)])
}

/// For a threshold over what can shrink.
pub(crate) fn threshold(model: &Model<'_>, variable: VariableId, origin: VariableId, seen: &Observation) -> Repair {
    let loses = model.can_shrink(origin);
    let made = if loses { ever(model, variable, origin, seen) } else { source(model, variable, origin, seen) };
    made.unwrap_or_else(|| {
        let kind = model.kind(origin).and_then(growing).unwrap_or(Type::GSet);
        let all = [format!("Ever = declare({kind})."), format!("read(Ever, {}).", enough(&kind))];
        lines("Bring what comes also into a variable that only grows, and wait for that.", &all)
    })
}

/// All that ever comes into the origin, kept in a variable of its own.
fn ever(model: &Model<'_>, variable: VariableId, origin: VariableId, seen: &Observation) -> Option<Repair> {
    let (name, kind) = (known_name(model, origin)?, model.kind(origin)?);
    let (new, grown) = (format!("Ever{name}"), growing(kind)?);
    let dynamic = model.facts.variable(origin).is_some_and(|origin| origin.dynamic);
    let mut made = vec![declare(seen.span, &new, &grown.to_string(), dynamic)];
    for update in model.updates_of(origin) {
        let text = (model.text)(update.span).0;
        let [(_, target), (_, operation), ..] = arguments(&text)[..] else { return None };
        let lowers =
            model.changes(origin, update).iter().all(|change| matches!(change, Change::Lower | Change::Unknown));
        match also(kind, operation) {
            Some(operation) if target == name && !lowers => {
                made.push(Edit { span: part(update.span, 0, 0), text: format!("begin update({new}, {operation}), ") });
            }
            Some(_) if !lowers => return None,
            _ => continue,
        }
        made.push(Edit { span: part(update.span, text.len(), 0), text: " end".to_owned() });
    }
    let places: Vec<Span> = if variable == origin {
        vec![seen.span]
    } else {
        let upstream = model.upstream_of(variable);
        let from = model.facts.derivations.iter().filter(|derivation| {
            let sources = derivation.sources.iter().any(|source| source.known.contains(&origin));
            sources && derivation.destination.known.iter().any(|to| upstream.contains(to))
        });
        from.map(|derivation| derivation.span).collect()
    };
    for span in &places {
        let text = (model.text)(*span).0;
        made.push(Edit { span: part(*span, word(&text, &name)?, name.len()), text: new.clone() });
    }
    let helps = made.len() > 1 + places.len() && !places.is_empty();
    helps.then(|| {
        edits(format!("Keep what ever comes into {name} in a variable that only grows, and wait for that."), made)
    })
}

/// What is derived takes away, and its source does not: wait for that.
fn source(model: &Model<'_>, variable: VariableId, origin: VariableId, seen: &Observation) -> Option<Repair> {
    let left =
        model.feeding(variable).filter(|derivation| derivation.verb == Verb::Difference).find_map(|derivation| {
            let left = derivation.sources.first()?.known.first().copied()?;
            model.shrinks.get(left.0 as usize).is_some_and(Option::is_none).then_some(left)
        });
    let from = left.unwrap_or(origin);
    let own = |of: VariableId| model.facts.variable(of).is_some_and(|of| of.dynamic);
    if own(from) && !own(variable) {
        // What all nodes contribute together may never be on one of them.
        return None;
    }
    let (name, kind) = (known_name(model, from)?, model.kind(from)?);
    let text = (model.text)(seen.span).0;
    let [(at, target), (second, limit), ..] = arguments(&text)[..] else { return None };
    let same = left.is_some() || model.kind(variable) == Some(kind);
    let unused = seen.uses.iter().all(|used| used.control) && !seen.decides;
    if target.starts_with('[') || !(same || unused || seen.verb != Verb::Read) {
        let wait = format!("read({name}, {}).", enough(kind));
        return Some(lines(format!("Wait for {name}, which only grows."), &[wait]));
    }
    let mut made = vec![Edit { span: part(seen.span, at, target.len()), text: name.clone() }];
    let mut told = format!("Wait for {name}, which only grows, whatever is derived from it");
    if !same {
        let enough = enough(kind);
        told += &format!(" (`{enough}` stands for what of {name} is to have come for that)");
        made.push(Edit { span: part(seen.span, second, limit.len()), text: enough });
    }
    Some(edits(format!("{told}."), made))
}

/// For the value of a threshold that is safe.
pub(crate) fn value(model: &Model<'_>, variable: VariableId, seen: &Observation) -> Repair {
    // Of a register that is assigned in one place, one replica alone can make it the only assignment.
    let mut updates = model.updates_of(variable);
    let single = matches!((updates.next(), updates.next()), (Some(update), None) if !update.repeated);
    let registers = single && matches!(model.kind(variable), Some(Type::LwwRegister | Type::MvRegister));
    if registers
        && let Some(owned) = owned(model, variable, "Let one replica assign it: then there is one value to be read.")
    {
        return owned;
    }
    let text = (model.text)(seen.span).0;
    let sure = seen.threshold.as_ref().and_then(reached).filter(|_| !seen.decides && seen.verb == Verb::Read);
    let use_only = "Use only that the threshold was met; what else has arrived by then is another thing each time.";
    match sure {
        Some(sure) => edits(use_only, instead(seen.span, format!("begin {text}, {sure} end"))),
        None if is_shown(model, seen) => edits(use_only, instead(seen.span, format!("begin {text}, enough end"))),
        None => waits(model, Some(variable), use_only),
    }
}

/// For the first of several.
pub(crate) fn race(model: &Model<'_>, seen: &Observation) -> Repair {
    let text = (model.text)(seen.span).0;
    let rule = "Wait for all of them, and give a rule of your own which counts: here the first that is written.";
    let pairs = || -> Option<Vec<(String, String)>> {
        let [(_, list)] = arguments(&text)[..] else { return None };
        let pair = |item: &str| {
            let [variable, limit] = inside(item, '{', '}')?[..] else { return None };
            Some((variable.to_owned(), limit.to_owned()))
        };
        inside(list, '[', ']')?.into_iter().map(pair).collect()
    };
    match pairs().as_deref() {
        Some([(first, limit), others @ ..]) if !others.is_empty() => {
            let waits: Vec<String> =
                others.iter().map(|(variable, limit)| format!("read({variable}, {limit})")).collect();
            let all = format!("begin {}, {{{first}, read({first}, {limit})}} end", waits.join(", "));
            edits(rule, instead(seen.span, all))
        }
        _ => {
            let variable = seen.variables.known.first().copied();
            let (name, kind, mut all) = named(model, variable);
            all.push(format!("read({name}, {}).", enough(&kind)));
            lines(rule, &all)
        }
    }
}

/// For an effect that is another on each node: one of them asks alone.
pub(crate) fn place(model: &Model<'_>, seen: &Observation) -> Repair {
    let call = (model.text)(seen.span).0;
    edits(
        "Let one replica ask for it, so that it is the one that runs it, or let what it does be the same everywhere.",
        instead(seen.span, format!("case replica() of 0 -> {call}; _ -> ok end")),
    )
}

/// For a stream.
pub(crate) fn stream(model: &Model<'_>, variable: Option<VariableId>) -> Repair {
    waits(model, variable, "A stream is for showing to people; wait for thresholds where the program goes on with it.")
}

/// For a look that decides on a change.
pub(crate) fn check_then_act(model: &Model<'_>, variable: VariableId) -> Repair {
    let (name, kind, mut all) = named(model, Some(variable));
    let tried = |name: &str| {
        format!("case try_update({name}, decrement) of {{ok, _}} -> print(done); {{refused, _}} -> print(refused) end.")
    };
    match kind {
        Type::BCounter => {
            all.push(tried(&name));
            lines("The counter keeps its bound by itself: try, without asking before.", &all)
        }
        kind if kind.is_counter() => {
            let left = format!("Left{name}");
            all.push(format!("{left} = declare(bcounter)."));
            all.push(format!("case replica() of 0 -> update({left}, {{increment, 10}}); _ -> ok end."));
            all.push(tried(&left));
            lines(
                "A bounded counter keeps the bound by rights, without asking: fill it with what there is, and count down.",
                &all,
            )
        }
        Type::LwwRegister | Type::Ivar | Type::MvRegister => {
            all.extend(best(&name));
            lines(
                "Let a rule decide that does not depend on order: of all candidates the one with the best score, 1 here.",
                &all,
            )
        }
        _ => {
            all.push(format!("Asked{name} = declare(gset)."));
            all.push(format!("update(Asked{name}, {{add, {{replica(), wants}}}})."));
            all.push(format!(
                "case replica() of 0 -> invariant(Asked{name}, {{cardinality, 1}}, fun() -> print(decide) end); _ -> ok end."
            ));
            lines(format!("Let one replica decide on {name}: the others ask, it answers."), &all)
        }
    }
}

/// The best of all candidates, in the place of whoever came last.
fn best(name: &str) -> [String; 2] {
    [format!("Best{name} = declare({{top_k, [1]}})."), format!("update(Best{name}, {{set, replica(), 1}}).")]
}

/// For changes that do not get on with each other.
pub(crate) fn change(model: &Model<'_>, kind: Kind, variable: VariableId, update: &Update) -> Repair {
    let (name, _, mut all) = named(model, Some(variable));
    let text = (model.text)(update.span).0;
    match kind {
        Kind::Refusal if update.verb == Verb::TryUpdate => {
            all.extend(handed_out(&name, update));
            lines(
                "Hand out rights before they are needed: who will spend says so and waits until it was given (2 stands for how many they \
                 are). What one replica writes arrives in order, so the rights are there by then.",
                &all,
            )
        }
        Kind::Refusal => {
            let free = !arguments(&text).iter().any(|(_, part)| has_local_names(model, part));
            // Names that only stand where the update is cannot be written anywhere else.
            let operation = arguments(&text).get(1).map(|(_, operation)| *operation).filter(|_| free);
            let operation = operation.unwrap_or("decrement");
            all.push(format!(
                "case try_update({name}, {operation}) of {{ok, _}} -> ok; {{refused, Why}} -> print(Why) end."
            ));
            lines(
                "Go on without them where they are not there yet; who is sure to have rights has them from its own increments.",
                &all,
            )
        }
        Kind::ReadModifyWrite => counted(model, variable),
        Kind::Assignment => {
            let told = "Let one replica assign, or take a type in which the order does not matter: of `{top_k, [1]}` the best counts.";
            owned(model, variable, told).unwrap_or_else(|| {
                all.extend(best(&name));
                lines(told, &all)
            })
        }
        _ => gone(model, variable, update),
    }
}

/// Rights for all that ask, by whoever has them.
fn handed_out(name: &str, update: &Update) -> [String; 4] {
    let operation = update.operations.iter().find_map(|operation| operation.term.as_ref());
    let give = where_it_is(operation, "{move, 1, To}");
    [
        format!("Spenders{name} = declare(gset)."),
        format!("Given{name} = declare(gset)."),
        format!("update(Spenders{name}, {{add, node()}})."),
        format!(
            "case replica() of 0 -> [begin update({name}, {give}), update(Given{name}, {{add, To}}) end || To <- \
             read(Spenders{name}, {{cardinality, 2}}), To =/= node()]; _ -> read(Given{name}, [node()]) end."
        ),
    ]
}

/// An operation on the same part of a variable as another one: beneath the same keys, in the same half of a pair.
fn where_it_is(other: Option<&Term>, operation: &str) -> String {
    match other.and_then(Term::as_tuple) {
        Some([word, key, inner]) if word.as_atom() == Some("apply") => {
            format!("{{apply, {key}, {}}}", where_it_is(Some(inner), operation))
        }
        Some([word, inner]) if matches!(word.as_atom(), Some("fst" | "snd")) => {
            format!("{{{word}, {}}}", where_it_is(Some(inner), operation))
        }
        _ => operation.to_owned(),
    }
}

fn has_local_names(model: &Model<'_>, text: &str) -> bool {
    let names = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| is_name(word));
    let known = |name: &str| model.facts.variables.iter().any(|variable| variable.shown == name);
    names.into_iter().any(|name| !known(name))
}

/// A counter in the place of a number that is read and written.
fn counted(model: &Model<'_>, variable: VariableId) -> Repair {
    let told = "A counter counts what everybody adds.";
    let only = model
        .updates_of(variable)
        .all(|update| update.operations.iter().all(|operation| operation.word.as_deref() == Some("increment")));
    let made = model.facts.variable(variable).map(|variable| variable.span);
    let place = made.and_then(|span| {
        let text = (model.text)(span).0;
        let (at, kind) = *arguments(&text).last()?;
        Some(part(span, at, kind.len()))
    });
    match place.filter(|_| only) {
        Some(place) => edits(told, instead(place, "gcounter".to_owned())),
        None => lines(told, &["Counted = declare(gcounter).".to_owned(), "update(Counted, increment).".to_owned()]),
    }
}

/// One replica makes all assignments of the variable.
fn owned(model: &Model<'_>, variable: VariableId, told: &str) -> Option<Repair> {
    let chosen = |seen: &&Observation| matches!(seen.verb, Verb::Replica | Verb::Node);
    if model.facts.observations.iter().filter(chosen).any(|seen| seen.uses.iter().any(|used| used.control)) {
        // The program has said which of them does what: the first one may never come to the place.
        return None;
    }
    let mut made = Vec::new();
    for update in model.updates_of(variable) {
        let text = (model.text)(update.span).0;
        // Whoever runs an effect may be another one than it would be let to.
        let effect = model.order.is_within(Verb::EnforceOnce, update.span);
        if effect || !text.starts_with("update(") || made.iter().any(|edit: &Edit| overlap(edit.span, update.span)) {
            return None;
        }
        made.push(Edit { span: update.span, text: format!("case replica() of 0 -> {text}; _ -> ok end") });
    }
    Some(edits(told, made))
}

fn overlap(one: Span, other: Span) -> bool {
    one.start < other.end && other.start < one.end
}

/// What does not prevail is noted instead, in a variable that grows.
fn gone(model: &Model<'_>, variable: VariableId, update: &Update) -> Repair {
    let gone = |name: &str, new: &str| {
        format!(
            "Note in {new} what is to be gone from {name}, for good, and leave that out when looking: notes only grow."
        )
    };
    let text = (model.text)(update.span).0;
    let noted = || -> Option<Repair> {
        let (name, kind) = (known_name(model, variable)?, model.kind(variable)?);
        let [(_, target), (_, operation)] = arguments(&text)[..] else { return None };
        let parts = inside(operation, '{', '}').unwrap_or_default();
        let flag = |word: &str| {
            format!("Note in {word}{name} that {name} was {}, for good: notes only grow.", word.to_lowercase())
        };
        let (new, grown, note, told) = match (kind, parts.as_slice(), operation) {
            (Type::EwFlag, _, "disable") => ("Disabled", "boolean", "true".to_owned(), flag("Disabled")),
            (Type::DwFlag, _, "enable") => ("Enabled", "boolean", "true".to_owned(), flag("Enabled")),
            (Type::RwSet, ["add" | "add_all", _], _) => {
                let told =
                    format!("Note in Added{name} what is to be in {name} whatever was removed: notes only grow.");
                ("Added", "gset", operation.to_owned(), told)
            }
            (_, ["rmv" | "remove", operand], _) => {
                ("Gone", "gset", format!("{{add, {operand}}}"), gone(&name, &format!("Gone{name}")))
            }
            (_, ["rmv_all" | "remove_all", operand], _) => {
                ("Gone", "gset", format!("{{add_all, {operand}}}"), gone(&name, &format!("Gone{name}")))
            }
            _ => return None,
        };
        let new = format!("{new}{name}");
        (target == name).then(|| {
            let made = vec![
                declare(update.span, &new, grown, false),
                Edit { span: update.span, text: format!("{}({new}, {note})", verb_name(update.verb)) },
            ];
            edits(told, made)
        })
    };
    noted().unwrap_or_else(|| {
        let (name, _, mut all) = named(model, Some(variable));
        all.extend(["Gone = declare(gset).".to_owned(), "update(Gone, {add, key}).".to_owned()]);
        lines(gone(&name, "Gone"), &all)
    })
}
