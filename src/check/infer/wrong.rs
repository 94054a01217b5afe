//! What is said of operations and thresholds that a variable does not have.

use crate::check::core::Expr;
use crate::check::core::Node;
use crate::check::core::VerbCall;
use crate::check::infer::describe::written;
use crate::check::infer::operation::may_be_operation;
use crate::check::infer::operation::may_be_threshold;
use crate::check::infer::parts::Few;
use crate::check::infer::run::Frame;
use crate::check::infer::run::Run;
use crate::check::infer::site::site;
use crate::check::infer::value::Value;
use crate::library::Verb;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::value::kind::Type;
use crate::value::operation;
use crate::value::operation::Op;
use crate::value::term::Term;
use crate::value::threshold;
use crate::value::threshold::Threshold;

/// The most variables whose declarations one message shows.
const LABELS_MAX: usize = 3;

impl<'p> Run<'p> {
    /// An operation that none of these variables has.
    pub(super) fn no_operation(&self, numbers: &[u32], op: &Value, term: Option<&Term>, place: Span) -> Diagnostic {
        let kinds = self.distinct_kinds(numbers);
        let given = |run: &Self| {
            term.map_or_else(|| run.describe_operation(op), |term| format!("`{}`", operation::Brief(term)))
        };
        let message = match (&*kinds, term) {
            ([only], Some(term)) if Op::parse(only, term).is_err() => {
                Op::parse(only, term).err().map_or_else(|| Diagnostic::error("E0303", ""), |bad| bad.diagnostic())
            }
            _ => {
                let names: Vec<String> = kinds.iter().map(Type::with_article).collect();
                let title = match &*names {
                    [only] if term.is_none() => format!("{} is no operation of {only}", given(self)),
                    [only] => format!("{only} has no operation {}", given(self)),
                    several => format!("neither {} has an operation {}", several.join(" nor "), given(self)),
                };
                let list = |kind: &Type| operation::list(operation::shapes(kind));
                kinds.iter().fold(Diagnostic::error(operation::BAD_OPERATION, title), |message, kind| match &*kinds {
                    [_] => message.help(format!("it has {}", list(kind))),
                    _ => message.help(format!("{} has {}", kind.with_article(), list(kind))),
                })
            }
        };
        let message = message.at(place, "no operation of it");
        numbers.iter().take(LABELS_MAX).fold(message, |message, number| self.declared_here(message, *number))
    }

    /// What a fold or `group_by` gives that is sure to be no operation of the destination's type.
    pub(super) fn no_contribution(
        &self,
        expr: &Expr,
        call: &VerbCall,
        results: &[Value],
        destination: &Value,
    ) -> Option<Diagnostic> {
        let result = results.last()?;
        let into = Run::known_variables(destination)?;
        let [number] = &*into else { return None };
        let kind = match (call.verb, self.variables.get(*number)?.kind.clone()?) {
            (Verb::GroupBy, Type::GMap(kind) | Type::AwMap(kind)) => *kind,
            (Verb::GroupBy, _) => return None,
            (_, kind) => kind,
        };
        let parts = result.parts()?;
        if parts.none() || parts.nil {
            return None;
        }
        let single = Value::of(parts.without_lists());
        let listed = parts.cons.as_ref().map_or(&[][..], |cons| &*cons.items);
        let wrong = if single.is_never() {
            // Each of the first elements is in every list.
            listed.iter().find(|one| !may_be_operation(&kind, one, true))?
        } else if may_be_operation(&kind, &single, true)
            || listed.first().is_some_and(|one| may_be_operation(&kind, one, true))
        {
            return None;
        } else {
            &single
        };
        let exact = wrong.single().filter(|term| Op::parse(&kind, term).is_ok());
        let at = if call.verb == Verb::GroupBy { 2 } else { 1 };
        let place = call.arguments.get(at).map_or(expr.span, |argument| argument.span);
        let (verb, article) = match call.verb {
            Verb::GroupBy => ("group_by", "a group_by"),
            Verb::FoldDynamic => ("fold_dynamic", "a fold_dynamic"),
            _ => ("fold", "a fold"),
        };
        let title = match exact {
            Some(term) => {
                format!("`{}` cannot be taken back, so that no {verb} can contribute it", operation::Brief(&term))
            }
            None => format!(
                "this {verb}'s function gives {}, which is no operation of {}",
                self.describe(wrong),
                kind.with_article()
            ),
        };
        let shapes = operation::list(operation::contributable(&kind));
        let mut message = Diagnostic::error("E0310", title).at(place, "its result is contributed");
        if let Some(only) = in_braces(wrong)
            && may_be_operation(&kind, only, true)
        {
            message = message.help(BRACES);
        }
        let message = message
            .help(format!("into {} {article} contributes {shapes}, a list of these, or `[]`", kind.with_article()));
        Some(self.declared_here(message, *number))
    }

    /// Whether each alternative of a `read_any` may be a variable with a threshold of it; if not, that is told.
    pub(super) fn has_thresholds(&mut self, expr: &'p Expr, call: &'p VerbCall, list: &Value, frame: &Frame) -> bool {
        let whole = call.arguments.first();
        if list.parts().is_some_and(|parts| !parts.nil && parts.cons.is_none()) {
            let place = whole.map_or(expr.span, |whole| whole.span);
            self.fail(expr, frame, |run| run.no_alternatives(list).at(place, "no list of pairs"));
            return false;
        }
        let Some(cons) = list.parts().filter(|parts| parts.kinds() == 1).and_then(|parts| parts.cons.clone()) else {
            return true;
        };
        let places = elements(whole);
        for (at, item) in cons.items.iter().enumerate() {
            if !is_alternative(item) {
                let place = places.get(at).copied().or(whole).map_or(expr.span, |place| place.span);
                self.fail(expr, frame, |run| run.no_alternatives(item).at(place, "no pair of these"));
                return false;
            }
            let Some(Few::Of(shapes)) = item.parts().filter(|parts| parts.kinds() == 1).map(|parts| &parts.tuples)
            else {
                continue;
            };
            let [shape] = &**shapes else { continue };
            let [target, limit] = &**shape else { continue };
            let Some(numbers) = self.without_threshold(target, limit) else { continue };
            let pair = places.get(at).copied();
            let written_limit = match pair.map(|pair| &pair.node) {
                Some(Node::Tuple(items)) => items.get(1),
                _ => None,
            };
            let place = written_limit.or(pair).map_or(expr.span, |place| place.span);
            let term = written(written_limit, limit);
            self.fail(expr, frame, |run| run.no_threshold(&numbers, limit, term.as_ref(), place));
            return false;
        }
        true
    }

    /// What is said of what stands in place of the pairs of a `read_any`, or of one of them.
    fn no_alternatives(&self, given: &Value) -> Diagnostic {
        let title =
            format!("`read_any` needs a list of pairs `{{Variable, Threshold}}`, and got {}", self.describe(given));
        let names = Run::known_variables(given).unwrap_or_default();
        let name = names.first().and_then(|number| self.shown(*number)).unwrap_or_else(|| "V".to_owned());
        Diagnostic::error("E0391", title)
            .help(format!("write `[{{{name}, Threshold}}, ..]`; `bound` is a threshold of every variable"))
    }

    /// `declare(map, set)`
    pub(super) fn named_as_type(&mut self, expr: &'p Expr, name: &Value, kind: &Type) {
        let key = site(&expr.span);
        let map_of = |word: &Term| Type::parse(&Term::tuple([word.clone(), Term::list([kind.to_term()])])).is_some();
        let word =
            name.single().filter(|name| Type::PARAMETRIC.iter().any(|(known, _)| name.as_atom() == Some(*known)));
        let Some(word) = word.filter(map_of) else { return self.sites.fine(key, expr.span) };
        self.sites.suspect(key, expr.span, || {
            let title = format!("this is {} by the name of `{word}`", kind.with_article());
            let message = Diagnostic::warning("E0407", title).at(expr.span, "a name, and then a type");
            let meant = Term::tuple([word.clone(), Term::list([kind.to_term()])]);
            message.help(format!("write `declare({meant})`"))
        });
    }

    /// The types of these variables, each once.
    pub(super) fn distinct_kinds(&self, numbers: &[u32]) -> Vec<Type> {
        let mut kinds: Vec<Type> = Vec::new();
        for kind in numbers.iter().filter_map(|number| self.variables.get(*number)?.kind.clone()) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        kinds
    }

    /// Adds where the variable is declared.
    pub(super) fn declared_here(&self, message: Diagnostic, number: u32) -> Diagnostic {
        let Some(variable) = self.variables.get(number) else { return message };
        let kind = variable.kind.as_ref().map(Type::with_article);
        let name = self.variables.shown(number);
        let holder = if name.is_none() { self.holder(number) } else { None };
        let text = match (name, holder, kind) {
            (None, Some((name, true)), Some(kind)) => format!("`{name}` may be {kind}, declared here"),
            (None, Some((name, true)), None) => format!("`{name}` may be declared here"),
            (name, holder, kind) => {
                let name =
                    name.or(holder.map(|(name, _)| name)).map_or_else(|| "it".to_owned(), |name| format!("`{name}`"));
                kind.map_or_else(
                    || format!("{name} is declared here"),
                    |kind| format!("{name} is declared as {kind} here"),
                )
            }
        };
        message.at(variable.span, text)
    }

    /// Whether it may be a threshold of the variable; if not, that is told.
    pub(super) fn has_threshold(
        &mut self,
        expr: &'p Expr,
        call: &'p VerbCall,
        at: usize,
        target: &Value,
        arguments: &[Value],
        frame: &Frame,
    ) -> bool {
        let (Some(limit), Some(place)) = (arguments.get(at), call.arguments.get(at)) else { return true };
        let Some(numbers) = self.without_threshold(target, limit) else { return true };
        let term = written(Some(place), limit);
        self.fail(expr, frame, |run| run.no_threshold(&numbers, limit, term.as_ref(), place.span));
        false
    }

    /// The variables that this may be, where it is a threshold of none of them.
    pub(super) fn without_threshold(&self, target: &Value, limit: &Value) -> Option<Vec<u32>> {
        let numbers = Run::known_variables(target)?;
        let wrong = |number: &u32| {
            let kind = self.variables.get(*number).and_then(|variable| variable.kind.as_ref());
            kind.is_some_and(|kind| !may_be_threshold(kind, limit))
        };
        (!numbers.is_empty() && numbers.iter().all(wrong)).then_some(numbers)
    }

    /// A threshold that none of these variables has.
    pub(super) fn no_threshold(&self, numbers: &[u32], limit: &Value, term: Option<&Term>, place: Span) -> Diagnostic {
        let kinds = self.distinct_kinds(numbers);
        let list = |kind: &Type| operation::list(threshold::shapes(kind));
        let known = match (&*kinds, term) {
            ([only], Some(term)) => Threshold::parse(only, term).err(),
            _ => None,
        };
        let message = if let Some(bad) = known {
            bad.diagnostic()
        } else {
            let given = term.map_or_else(|| self.describe(limit), |term| format!("`{}`", operation::Brief(term)));
            let names: Vec<String> = kinds.iter().map(Type::with_article).collect();
            let title = match &*names {
                [only] => format!("{only} has no threshold {given}"),
                several => format!("neither {} has a threshold {given}", several.join(" nor ")),
            };
            let message = Diagnostic::error(threshold::BAD_THRESHOLD, title);
            kinds.iter().fold(message, |message, kind| match &*kinds {
                [_] => message.help(format!("it has {}; each may be wrapped as `{{strict, T}}`", list(kind))),
                _ => message.help(format!("{} has {}", kind.with_article(), list(kind))),
            })
        };
        let message = message.at(place, "no threshold of it");
        numbers.iter().take(LABELS_MAX).fold(message, |message, number| self.declared_here(message, *number))
    }
}

/// Whether it may be a variable with a threshold.
fn is_alternative(item: &Value) -> bool {
    let Some(parts) = item.parts() else { return true };
    match &parts.tuples {
        Few::All => true,
        Few::Of(shapes) => shapes.iter().any(|shape| match &**shape {
            [target, _] => target.parts().is_none_or(|parts| parts.refs.some()),
            _ => false,
        }),
    }
}

/// What a tuple of one element is told by.
pub(super) const BRACES: &str = "braces make a tuple: write what is in them alone";

/// The one element of a tuple of one, where the value is such a tuple.
pub(super) fn in_braces(value: &Value) -> Option<&Value> {
    match value.parts().filter(|parts| parts.kinds() == 1).map(|parts| &parts.tuples) {
        Some(Few::Of(shapes)) => match &**shapes {
            [shape] => match &**shape {
                [only] => Some(only),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// The elements of a list that is written out.
fn elements(list: Option<&Expr>) -> Vec<&Expr> {
    let mut all = Vec::new();
    let mut rest = list;
    while let Some(Node::Cons(head, tail)) = rest.map(|rest| &rest.node) {
        all.push(&**head);
        rest = Some(tail);
    }
    all
}

/// The type that is meant by `declare(awmap, [set])`.
pub(super) fn written_apart(arguments: &[Value], call: &VerbCall) -> Option<String> {
    let [name, _] = arguments else { return None };
    let parameters = written(call.arguments.get(1), &arguments[1])?.to_vec()?;
    let meant = Term::tuple([name.single()?, Term::list(parameters)]);
    Type::parse(&meant).map(|_| format!("write `declare({meant})`"))
}

/// What is meant where the type comes first: a name behind it, or a first value, which variables do not take.
pub(super) fn type_first(arguments: &[Value], given: &Term) -> Option<String> {
    let [first, _] = arguments else { return None };
    let kind = first.single().filter(|kind| Type::parse(kind).is_some())?;
    Some(match given {
        Term::Atom(_) | Term::Str(_) => format!("the name comes first: write `declare({given}, {kind})`"),
        _ => format!("no first value is given: write `V = declare({kind})`, and then `update(V, ..)`"),
    })
}
