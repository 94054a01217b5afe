//! What can go wrong while a program runs, and how it is told.

use std::fmt;
use std::fmt::Write;

use crate::library::about;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::value::term::DEPTH_MAX;
use crate::value::term::PARTS_MAX;
use crate::value::term::Term;
use crate::vm::CALL_FRAMES_MAX;
use crate::vm::FRAMES_MAX;
use crate::vm::INTEGER_BITS_MAX;

/// What went wrong, with the values; texts are made when somebody wants to read them.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are the operator and the values that it was given")]
pub enum Fault {
    /// An operator got what it does not take.
    Operands { operator: &'static str, left: Option<Term>, right: Term },
    /// A division by zero.
    DivisionByZero { operator: &'static str, left: Term },
    /// An integer with too many bits, or a float beyond the largest.
    NumberTooLarge { operator: &'static str },
    /// No clause of a function matches.
    NoClause { function: String, arguments: Vec<Term> },
    /// No clause of a `case` matches.
    NoCase(Term),
    /// No clause of an `if` is true.
    NoIf,
    /// A pattern does not match; the names in it that had values, by place.
    NoMatch { value: Term, known: Vec<(Span, Term)> },
    /// Something is called that is not a function.
    NotFunction(Term),
    /// A function is called with another number of arguments.
    Arity { function: Term, arity: u8, given: usize },
    /// A name of the top level is read before it is bound.
    Unbound(String),
    /// A built-in got what it does not take.
    Argument { builtin: String, arguments: Vec<Term>, why: &'static str },
    /// A map lacks a key.
    NoKey { key: Term, map: Term },
    /// A map is needed.
    NotMap(Term),
    /// A boolean is needed.
    NotBoolean { operator: &'static str, value: Term },
    /// A generator needs a list.
    NotList(Term),
    /// Too many calls are open.
    CallsTooDeep,
    /// A term is nested too deeply.
    TermTooDeep,
    /// A term has too many parts, each counted as often as it stands there.
    TermTooLarge,
    /// A function that must be pure calls a verb.
    Impure(String),
    /// A pure call takes too many steps.
    Budget,
    /// A function from another node whose code is not in this program.
    UnknownFunction(Term),
    /// `error(Reason)`
    Raised(Term),
    /// `io:format` with a text that does not fit its arguments.
    Format(String),
    /// A string or list beyond the bound.
    TooLarge(&'static str),
    /// What the node refused.
    Refused { code: &'static str, title: String, help: Vec<String> },
}

impl Fault {
    /// The code that `lasp explain` knows.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Fault::Operands { .. } => "E0501",
            Fault::DivisionByZero { .. } => "E0502",
            Fault::NumberTooLarge { .. } => "E0503",
            Fault::NoClause { .. } => "E0504",
            Fault::NoCase(_) => "E0505",
            Fault::NoIf => "E0506",
            Fault::NoMatch { .. } => "E0507",
            Fault::NotFunction(_) => "E0508",
            Fault::Arity { .. } => "E0509",
            Fault::Unbound(_) => "E0510",
            Fault::Argument { .. } => "E0511",
            Fault::NoKey { .. } => "E0512",
            Fault::NotMap(_) => "E0513",
            Fault::NotBoolean { .. } => "E0514",
            Fault::NotList(_) => "E0515",
            Fault::CallsTooDeep => "E0516",
            Fault::TermTooDeep => "E0517",
            Fault::TermTooLarge => "E0526",
            Fault::Impure(_) => "E0518",
            Fault::Budget => "E0519",
            Fault::UnknownFunction(_) => "E0520",
            Fault::Raised(_) => "E0521",
            Fault::Format(_) => "E0522",
            Fault::TooLarge(_) => "E0523",
            Fault::Refused { code, .. } => code,
        }
    }

    /// One line, with the values.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Fault::Operands { operator, left: Some(left), right } => {
                format!("`{operator}` does not take {} and {}", show(left), show(right))
            }
            Fault::Operands { operator, left: None, right } => format!("`{operator}` does not take {}", show(right)),
            Fault::DivisionByZero { operator, left } => format!("division by zero: {} {operator} 0", show(left)),
            Fault::NumberTooLarge { operator } => format!("the result of `{operator}` is too large"),
            Fault::NoClause { function, arguments } if helped(function).is_some() => {
                let title = helped(function).unwrap_or_default();
                format!("{title} cannot go on with ({})", show_all(arguments))
            }
            Fault::NoClause { function, arguments } => {
                format!("no clause of {function} matches the arguments ({})", show_all(arguments))
            }
            Fault::NoCase(value) => format!("no clause of this `case` matches {}", show(value)),
            Fault::NoIf => "no clause of this `if` is true".into(),
            Fault::NoMatch { value, .. } => format!("the pattern does not match {}", show(value)),
            Fault::NotFunction(value) => format!("{} is called, but is not a function", show(value)),
            Fault::Arity { arity, given, .. } => {
                format!("a function of {arity} {} is called with {given}", plural(usize::from(*arity), "argument"))
            }
            Fault::Unbound(name) => format!("`{name}` is read before it is bound"),
            Fault::Argument { builtin, arguments, why } => {
                format!("{builtin} does not take ({}): {why}", show_all(arguments))
            }
            Fault::NoKey { key, map } => format!("the key {} is not in {}", show(key), show(map)),
            Fault::NotMap(value) => format!("a map is needed here, not {}", show(value)),
            Fault::NotBoolean { operator, value } => {
                format!("`{operator}` needs true or false, not {}", show(value))
            }
            Fault::NotList(value) => format!("a generator needs a list, not {}", show(value)),
            Fault::CallsTooDeep => "the calls are nested too deeply".into(),
            Fault::TermTooDeep => format!("a term is nested more than {DEPTH_MAX} levels deep"),
            Fault::TermTooLarge => format!("a term has more than {PARTS_MAX} parts"),
            Fault::Impure(verb) => format!("a function that must be pure calls {verb}"),
            Fault::Budget => "a pure function takes too many steps".into(),
            Fault::UnknownFunction(_) => "this function comes from another node, and is not in this program".into(),
            Fault::Raised(reason) => format!("error({})", show(reason)),
            Fault::Format(why) => format!("io:format: {why}"),
            Fault::TooLarge(what) => format!("{what} is too large"),
            Fault::Refused { title, .. } => title.clone(),
        }
    }

    /// What to do instead.
    #[must_use]
    pub fn help(&self) -> Vec<String> {
        if let Fault::Refused { help, .. } = self {
            return help.clone();
        }
        self.hint().or_else(|| self.about()).into_iter().collect()
    }

    /// What the function of the library does that could not go on.
    fn about(&self) -> Option<String> {
        let known = match self {
            Fault::NoClause { function: title, .. } | Fault::Argument { builtin: title, .. } => about(title)?,
            _ => return None,
        };
        Some(format!("`{}`: {} For example, `{}`", known.title, known.text, known.example))
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            _ if self.given_variable() => {
                "this is a variable: `query(V)` is its value now, `read(V, Threshold)` waits for one".into()
            }
            Fault::Operands { operator: "+", left: Some(Term::Str(_)), .. } => "strings are joined with `++`".into(),
            Fault::Operands { operator: "++", left: Some(left), right } => match (left, right) {
                (Term::Str(_), Term::Int(_) | Term::Big(_)) | (Term::Int(_) | Term::Big(_), Term::Str(_)) => {
                    "`++` joins texts: make one of the number with `integer_to_list(N)`".into()
                }
                (Term::Str(_), Term::Atom(_)) | (Term::Atom(_), Term::Str(_)) => {
                    "an atom is no text: texts stand in double quotes; `atom_to_list(A)` makes a text of an atom".into()
                }
                (Term::Str(_), _) | (_, Term::Str(_)) => "`term_to_string(X)` makes a text of any term".into(),
                _ => "`++` joins two lists or two texts; one element is put in front with `[X | L]`".into(),
            },
            Fault::Argument { arguments, why, .. } if why.contains("list") && has_text(arguments) => {
                "a text is one value, not a list of characters: see `lasp doc string`".into()
            }
            Fault::NoClause { function, arguments }
                if has_text(arguments) && (function.starts_with("lists:") || about(function).is_none()) =>
            {
                "a text is one value, not a list of characters: it does not match `[First | Rest]`".into()
            }
            Fault::Argument { arguments, why, .. }
                if why.contains("integer") && arguments.iter().any(|term| matches!(term, Term::Float(_))) =>
            {
                "`/` always gives a float: `div` divides whole numbers, `round(X)` makes an integer".into()
            }
            Fault::NumberTooLarge { .. } => {
                format!("integers have at most {INTEGER_BITS_MAX} bits, and floats are at most 1.8e308")
            }
            Fault::NoMatch { known, .. } if known.iter().any(|(_, value)| matches!(value, Term::Ref(_))) => {
                "a variable is changed by an operation, `update(V, Operation)`; `=` never changes anything".into()
            }
            Fault::NoMatch { known, .. } if !known.is_empty() => {
                "a name is bound once: what stands there again is compared; give a new value a name of its own".into()
            }
            Fault::NoIf => "end it with a clause `true -> ..`".into(),
            Fault::Unbound(name) => format!(
                "bind `{name}` above the first call that reads it; or, if the function means a name of its own, rename one of \
                 the two: a name that the top level binds anywhere is known in every function"
            ),
            Fault::CallsTooDeep => {
                format!(
                    "at most {FRAMES_MAX} calls may be open, and {CALL_FRAMES_MAX} within the function of a derivation; keep an accumulator, \
                     so that the call comes last"
                )
            }
            Fault::TermTooLarge => {
                "what stands in it several times counts several times: whoever compares, prints or sends \
                                    the term goes through all of it"
                    .into()
            }
            Fault::Impure(_) => "call the verb outside, and hand its result to the function".into(),
            Fault::UnknownFunction(_) => "run the same program on all nodes".into(),
            _ => return None,
        })
    }
}

/// The function of the library that a helper of this title belongs to.
fn helped(title: &str) -> Option<&'static str> {
    about(title).map(|known| &*known.title).filter(|known| *known != title)
}

impl Fault {
    /// Whether a replicated variable stands where its value is meant.
    fn given_variable(&self) -> bool {
        let is_variable = |term: &Term| matches!(term, Term::Ref(_));
        match self {
            Fault::Operands { left, right, .. } => left.iter().any(is_variable) || is_variable(right),
            Fault::Argument { builtin, arguments, .. } => {
                !builtin.starts_with("is_") && arguments.iter().any(is_variable)
            }
            Fault::NotMap(term) | Fault::NotList(term) | Fault::NotBoolean { value: term, .. } => is_variable(term),
            Fault::NoKey { map, .. } => is_variable(map),
            _ => false,
        }
    }
}

fn has_text(arguments: &[Term]) -> bool {
    arguments.iter().any(|term| matches!(term, Term::Str(_)))
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { noun.into() } else { format!("{noun}s") }
}

/// The most bytes of one value in a message.
const SHOWN_BYTES_MAX: usize = 120;

/// A term as text, cut off where it gets long; the cost does not depend on its size.
#[must_use]
pub fn show(term: &Term) -> String {
    if let Term::Big(value) = term
        && value.bits() > 400
    {
        return format!("an integer of {} bits", value.bits());
    }
    if let Term::Ref(reference) = term {
        return match reference.name.at_top_level() {
            Some(name) => format!("the variable `{name}`"),
            None => reference.words(),
        };
    }
    let mut short = Short { text: String::new() };
    // The only error is the one that ends a text that is long enough.
    if write!(short, "{term:#}").is_err() {
        short.text.push_str("..");
    }
    short.text
}

fn show_all(terms: &[Term]) -> String {
    terms.iter().map(show).collect::<Vec<_>>().join(", ")
}

struct Short {
    text: String,
}

impl Write for Short {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let room = SHOWN_BYTES_MAX.saturating_sub(self.text.len());
        if part.len() <= room {
            self.text.push_str(part);
            return Ok(());
        }
        let cut = (0..=room).rev().find(|at| part.is_char_boundary(*at)).unwrap_or(0);
        self.text.push_str(&part[..cut]);
        Err(fmt::Error)
    }
}

/// A fault with its place.
#[derive(Clone, Debug)]
pub struct Failure(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    fault: Fault,
    span: Span,
    /// The function in which it happened.
    function: String,
    /// The calls that led there, the innermost first: in which function, and where.
    path: Vec<(String, Span)>,
    /// How many calls are left out of the path.
    omitted: usize,
}

/// How many calls of a path are told.
pub(super) const PATH_MAX: usize = 6;

impl Failure {
    pub(super) fn new(fault: Fault, span: Span, function: String) -> Failure {
        Failure(Box::new(Inner { fault, span, function, path: Vec::new(), omitted: 0 }))
    }

    pub(super) fn with_path(mut self, path: Vec<(String, Span)>, omitted: usize) -> Failure {
        self.0.path = path;
        self.0.omitted = omitted;
        self
    }

    /// The code that `lasp explain` knows.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.fault.code()
    }

    /// What went wrong.
    #[must_use]
    pub fn fault(&self) -> &Fault {
        &self.0.fault
    }

    /// Where; the default span where no source is known.
    #[must_use]
    pub fn span(&self) -> Span {
        self.0.span
    }

    /// The message: the expression that failed, the values, and the calls that led there.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let inner = &self.0;
        let mut diagnostic = Diagnostic::error(inner.fault.code(), inner.fault.title());
        if inner.span != Span::default() {
            diagnostic = diagnostic.at(inner.span, format!("in {}", inner.function));
        }
        if let Fault::NoMatch { known, .. } = &inner.fault {
            for (span, value) in known {
                diagnostic = diagnostic.at(*span, format!("this is {} already", show(value)));
            }
        }
        for (function, span) in &inner.path {
            diagnostic = diagnostic.at(*span, format!("called from here, in {function}"));
        }
        for text in inner.fault.help() {
            diagnostic = diagnostic.help(text);
        }
        if inner.omitted > 0 {
            diagnostic = diagnostic.help(format!("{} more calls led there", inner.omitted));
        }
        diagnostic
    }
}
