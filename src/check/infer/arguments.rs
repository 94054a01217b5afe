//! What verbs need as times, bounds and texts to print, and what can be joined into a variable: told where it is sure not to be
//! that.

use crate::check::core::Expr;
use crate::check::core::VerbCall;
use crate::check::infer::describe::written;
use crate::check::infer::operation::may_be_joined;
use crate::check::infer::parts::Cons;
use crate::check::infer::parts::Few;
use crate::check::infer::run::Frame;
use crate::check::infer::run::Run;
use crate::check::infer::site::NO_DIRECTIVE;
use crate::check::infer::site::WRONG_KIND;
use crate::check::infer::site::site;
use crate::check::infer::value::Value;
use crate::library::Verb;
use crate::library::directives;
use crate::source::diagnostic::Diagnostic;
use crate::value::kind::Type;
use crate::value::operation::Op;
use crate::value::term::Term;

impl<'p> Run<'p> {
    /// `update(M, {set, -1})` and `bind(M, -1)` of a `max_int`, which is 0 before anything is set.
    pub(super) fn never_shows(&mut self, expr: &'p Expr, call: &'p VerbCall, numbers: &[u32], given: &Value) {
        let Some(place) = call.arguments.get(1) else { return };
        let key = site(&place.span);
        let set = match given.single() {
            Some(Term::Tuple(tuple)) => match tuple.items() {
                [word, number] if word.as_atom() == Some("set") => Some(number.clone()),
                _ => None,
            },
            number => number,
        };
        let negative = set.as_ref().is_some_and(|number| number.is_number() && *number < Term::Int(0));
        let kind = |number: &u32| self.variables.get(*number).and_then(|variable| variable.kind.as_ref());
        let maximum = !numbers.is_empty() && numbers.iter().all(|number| kind(number) == Some(&Type::MaxInt));
        let Some(number) = set.filter(|_| negative && maximum) else { return self.sites.fine(key, place.span) };
        let title = format!("a `max_int` is 0 at first, so that {number} never shows");
        let told = Diagnostic::warning("E0411", title)
            .at(place.span, "less than it has already")
            .help("for the greatest of numbers that may be negative keep a `min_int` of their negations; for the last that was set, an `lwwregister`");
        self.sites.remark(key, expr.span, || told);
    }

    /// Whether the verb's first argument may be what it needs; if not, that is told.
    pub(super) fn is_usable(&mut self, expr: &'p Expr, call: &'p VerbCall, arguments: &[Value], frame: &Frame) -> bool {
        let Some(first) = arguments.first() else { return true };
        match call.verb {
            Verb::Sleep => self.is_number(expr, call, first, (0, "milliseconds: an integer of at least 0"), frame),
            Verb::Every => self.is_number(expr, call, first, (1, "milliseconds: an integer of at least 1"), frame),
            Verb::Random => self.is_number(expr, call, first, (1, "an integer from 1 to 9223372036854775807"), frame),
            Verb::Format => self.is_format(expr, "io:format", &call.arguments, arguments, frame),
            _ => true,
        }
    }

    fn is_number(
        &mut self,
        expr: &'p Expr,
        call: &'p VerbCall,
        given: &Value,
        (least, words): (i64, &str),
        frame: &Frame,
    ) -> bool {
        let Some(parts) = given.parts() else { return true };
        let fits = match &parts.ints {
            Few::All => true,
            Few::Of(few) => few.iter().any(|int| *int >= least),
        };
        if fits || given.is_never() {
            return true;
        }
        let place = call.arguments.first().map_or(expr.span, |argument| argument.span);
        let label = if parts.ints.some() { "" } else { WRONG_KIND };
        self.fail(expr, frame, |run| {
            let given = run.describe_written(call.arguments.first(), given);
            let title = format!("`{}` needs {words}, and got {given}", call.builtin.row().name);
            let message = Diagnostic::error("E0391", title).at(place, label);
            match (call.verb, parts.floats, parts.funs.some()) {
                (Verb::Sleep | Verb::Every, true, _) => message.help("half a second is `500`"),
                (Verb::Every, _, true) => message.help(format!("`{}`", call.builtin.row().signature)),
                _ => message,
            }
        });
        false
    }

    /// Whether the text of an `io:format` or `io_lib:format` may fit what is printed with it; if not, that is told.
    pub(super) fn is_format(
        &mut self,
        expr: &'p Expr,
        name: &str,
        written: &'p [Expr],
        arguments: &[Value],
        frame: &Frame,
    ) -> bool {
        let Some((at, wrong, label)) = bad_format(arguments) else { return true };
        let place = written.get(at).map_or(expr.span, |argument| argument.span);
        let control = arguments.first().and_then(Value::single);
        let percent = control.as_ref().and_then(|text| text.as_text()).is_some_and(has_percent);
        self.fail(expr, frame, |_| {
            let message = Diagnostic::error("E0522", format!("{name}: {wrong}")).at(place, label);
            if percent {
                return message.help("a directive starts with `~`: write `~p` in place of `%s` and `%d`");
            }
            message.help(
                "each `~p` in the text shows one element of the list behind it: `io:format(\"~p of ~p~n\", [X, Y])`",
            )
        });
        false
    }

    /// Whether the value may be joined into the variable; if not, that is told.
    pub(super) fn is_joined(
        &mut self,
        expr: &'p Expr,
        call: &'p VerbCall,
        target: &Value,
        value: &Value,
        frame: &Frame,
    ) -> bool {
        let Some(numbers) = Run::known_variables(target) else { return true };
        let wrong = |number: &&u32| {
            let kind = self.variables.get(**number).and_then(|variable| variable.kind.as_ref());
            kind.is_some_and(|kind| !may_be_joined(kind, value))
        };
        let Some(number) = numbers.iter().find(wrong).copied().filter(|_| numbers.iter().all(|n| wrong(&n))) else {
            return true;
        };
        let place = call.arguments.get(1).map_or(expr.span, |argument| argument.span);
        self.fail(expr, frame, |run| {
            let Some(kind) = run.variables.get(number).and_then(|variable| variable.kind.clone()) else {
                return Diagnostic::error("E0303", "it cannot be joined into this variable");
            };
            let exact = written(call.arguments.get(1), value).and_then(|term| Op::joining(&kind, &term).err());
            let message = match exact {
                Some(bad) => bad.diagnostic(),
                None => Diagnostic::error(
                    "E0303",
                    format!("{} cannot be joined into {}", run.describe(value), kind.with_article()),
                ),
            };
            run.declared_here(message.at(place, "cannot be joined into it"), number)
        });
        false
    }
}

/// Whether it has a directive of other languages.
fn has_percent(text: &str) -> bool {
    ["%d", "%s", "%f", "%i", "%v", "%p"].iter().any(|directive| text.contains(directive))
}

/// Which argument of an `io:format` is sure not to do, why, and what is said of it there.
fn bad_format(arguments: &[Value]) -> Option<(usize, String, &'static str)> {
    let control = arguments.first()?;
    let parts = control.parts().filter(|parts| !parts.none())?;
    if !parts.texts.some() && !parts.atoms.some() {
        return Some((0, "its first argument must be a string".to_owned(), WRONG_KIND));
    }
    let given = match arguments.get(1) {
        None => 0,
        Some(list) => {
            let parts = list.parts().filter(|parts| !parts.none())?;
            match &parts.cons {
                _ if !parts.nil && parts.cons.is_none() => {
                    let wrong = "its second argument must be the list of arguments, such as [X]";
                    return Some((1, wrong.to_owned(), WRONG_KIND));
                }
                Some(Cons { items, rest: None, improper: false }) if parts.kinds() == 1 => items.len(),
                None => 0,
                Some(_) => return None,
            }
        }
    };
    let text = control.single()?;
    let text = text.as_text().or_else(|| text.as_atom())?;
    if let Some(letter) = directives::unknown(text) {
        return Some((0, format!("there is no directive `~{letter}`; `~p` shows any term"), NO_DIRECTIVE));
    }
    let Some(wanted) = directives::wanted(text) else {
        return Some((0, "the text ends within a directive; `~~` prints `~`".to_owned(), NO_DIRECTIVE));
    };
    let wrong = match given.checked_sub(wanted) {
        Some(0) => return None,
        Some(_) if wanted == 0 && has_percent(text) => {
            return Some((0, "the text has no directive for its arguments".to_owned(), NO_DIRECTIVE));
        }
        Some(left) => format!("the text has no directive for the last {left} of {given} arguments"),
        None => "the text has more directives than there are arguments".to_owned(),
    };
    Some((0, wrong, ""))
}
