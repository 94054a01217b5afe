//! Guards that are never true: what a number, a list or a failing call in the place of a test comes to, and what is said of
//! it.

use crate::check::core::Binary;
use crate::check::core::Clause;
use crate::check::core::Expr;
use crate::check::core::Lambda;
use crate::check::core::Node;
use crate::check::core::PatternNode;
use crate::check::infer::matching::Holds;
use crate::check::infer::matching::truth;
use crate::check::infer::run::Frame;
use crate::check::infer::run::Run;
use crate::check::infer::site::Why;
use crate::check::infer::site::site;
use crate::check::infer::value::Value;
use crate::check::walk;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::FileId;
use crate::value::operation::Brief;

/// What is said of a comparison that is never so.
const COMPARED: &str = "it compares what is never so; where a variable's value is meant, write `query(V)`";

impl<'p> Run<'p> {
    /// A clause of a `case` or `if` that was not taken: perhaps it never is.
    pub(super) fn never_matches(
        &mut self,
        clause: &'p Clause,
        subject: Option<&Value>,
        matched: Holds,
        frame: &mut Frame,
    ) {
        let untrue = self.first_untrue(clause, frame);
        let Some(subject) = subject else {
            if !clause.guard.iter().flatten().all(|test| self.switches(test, frame)) {
                let help = untrue.and_then(|test| self.why_untrue(test, frame));
                self.sites.suspect(site(clause), clause.span, || {
                    let place = untrue.map_or(clause.span, |test| test.span);
                    Diagnostic::warning("E0401", "this condition is never true")
                        .at(place, "never true")
                        .help(help.unwrap_or_else(|| COMPARED.to_owned()))
                });
            }
            return;
        };
        let Some(pattern) = clause.patterns.first() else { return };
        // A constant of the program, compared with another of its kind, is a switch and no mistake.
        if matches!(&pattern.node, PatternNode::Literal(term) if subject.is_scalar_like(term)) {
            return;
        }
        let guarded = untrue.filter(|_| matched != Holds::Never);
        let value = if self.sites.watches(clause.span) { self.describe(subject) } else { String::new() };
        let help = guarded.and_then(|test| self.why_untrue(test, frame));
        let meant = self.variable_for_value(std::slice::from_ref(subject));
        self.sites.suspect(site(clause), clause.span, || {
            let (place, why) = match guarded {
                Some(test) => (test.span, "this guard is never true"),
                None => (pattern.span, "never matches"),
            };
            let message = Diagnostic::warning("E0401", "this clause can never match").at(place, why);
            let message = message.help(help.unwrap_or_else(|| format!("the value is {value}")));
            match &meant {
                Some(help) => message.help(help.clone()),
                None => message,
            }
        });
    }

    /// The test that keeps a guard from being true, where each of its alternatives has one.
    fn first_untrue(&mut self, clause: &'p Clause, frame: &mut Frame) -> Option<&'p Expr> {
        if !self.sites.watches(clause.span) {
            return None;
        }
        let first = clause.guard.first()?;
        let untrue = first.iter().find(|test| truth(&self.quietly(test, frame)) == Holds::Never);
        untrue.or_else(|| first.first())
    }

    /// Guards of a function that are true for no arguments whatever.
    pub(super) fn unheld_heads(&mut self, lambda: &'p Lambda) {
        if self.sites.watches(lambda.span) {
            for clause in &lambda.clauses {
                self.unheld(clause, true, true);
            }
        }
    }

    /// What of a guard can never be true, whatever the names that the clause sees hold: the guard, or one of its alternatives.
    /// Of a `case` or `if` only alternatives: where all are untrue, that is found from the values.
    pub(super) fn unheld(&mut self, clause: &'p Clause, head: bool, in_function: bool) {
        if clause.guard.is_empty() || self.sites.quiet || !self.sites.watches(clause.span) {
            return;
        }
        if !self.sites.judge(site(&clause.guard)) {
            return;
        }
        // Names that are not known hold anything.
        let mut frame = Frame { in_function, ..Frame::default() };
        let untrue: Vec<Option<&'p Expr>> =
            clause.guard.iter().map(|tests| tests.iter().find(|test| self.untrue(test, &mut frame))).collect();
        if untrue.iter().all(Option::is_some) {
            if let (Some(Some(test)), true) = (untrue.first(), head) {
                let help = self.why_untrue(test, &mut frame).unwrap_or_else(|| COMPARED.to_owned());
                let message = Diagnostic::warning("E0401", "this clause can never match");
                self.sites.warn(site(clause), message.at(test.span, "this guard is never true").help(help));
            }
            return;
        }
        let (mut parts, mut open) = (Vec::new(), Vec::new());
        for (tests, untrue) in clause.guard.iter().zip(&untrue) {
            match untrue {
                Some(test) => parts.push((*test, ";")),
                None => open.extend(tests),
            }
        }
        open.into_iter().for_each(|test| self.untrue_sides(test, &mut frame, &mut parts));
        for (test, word) in parts {
            let help = match &test.node {
                Node::Literal(_) => Some(own_test(word)),
                _ => self.why_untrue(test, &mut frame),
            };
            let message = Diagnostic::warning("E0401", "this alternative is never true").at(test.span, "never true");
            self.sites.warn(site(clause), message.help(help.unwrap_or_else(|| COMPARED.to_owned())));
        }
    }

    /// Sides of `orelse`, within `andalso` too, that are never true, in a test that may be.
    fn untrue_sides(&mut self, test: &'p Expr, frame: &mut Frame, parts: &mut Vec<(&'p Expr, &'static str)>) {
        let (word, left, right) = match &test.node {
            Node::OrElse(left, right) => ("orelse", left, right),
            Node::AndAlso(left, right) => ("andalso", left, right),
            _ => return,
        };
        for side in [&**left, &**right] {
            if self.untrue(side, frame) {
                parts.push((side, word));
            } else {
                self.untrue_sides(side, frame, parts);
            }
        }
    }

    /// Whether a test is never true whatever its names hold. What is set at the top level may be set to something else
    /// tomorrow: only what stands there alone is taken as it is, and variables.
    fn untrue(&mut self, test: &'p Expr, frame: &mut Frame) -> bool {
        if self.switches(test, frame) {
            return false;
        }
        let alone = matches!(test.node, Node::Global(_));
        truth(&self.openly(test, !alone, frame)) == Holds::Never
    }

    /// The value of a test, without leaving a trace of it.
    fn openly(&mut self, test: &'p Expr, open: bool, frame: &mut Frame) -> Value {
        self.why_openly(test, open, frame).0
    }

    fn why_openly(&mut self, test: &'p Expr, open: bool, frame: &mut Frame) -> (Value, Why) {
        // Places of a text that is none are not noted, and yet what fails has its words.
        let file = std::mem::replace(&mut self.sites.file, FileId(u32::MAX));
        let open = std::mem::replace(&mut self.open_names, open);
        let quiet = std::mem::replace(&mut self.sites.quiet, true);
        let why = std::mem::replace(&mut self.why, Why::Open);
        let value = self.eval(test, frame);
        let why = std::mem::replace(&mut self.why, why);
        self.sites.quiet = quiet;
        self.open_names = open;
        self.sites.file = file;
        (value, why)
    }

    /// Whether it is a name or a literal that turns a clause on or off, and may be the other tomorrow.
    fn switches(&mut self, test: &'p Expr, frame: &mut Frame) -> bool {
        if !matches!(test.node, Node::Global(_) | Node::Local(_) | Node::Literal(_)) {
            return false;
        }
        let value = self.openly(test, false, frame);
        value.meets(&self.booleans) || value.meets(&Value::atom("undefined"))
    }

    /// What is said of a test that is no comparison, or of which a part is none.
    fn why_untrue(&mut self, test: &'p Expr, frame: &mut Frame) -> Option<String> {
        if !self.sites.watches(test.span) {
            return None;
        }
        let (value, why) = self.why_openly(test, false, frame);
        if let Some(help) = self.variable_in(test, frame) {
            return Some(help);
        }
        if let Some(word) = self.side_of(test, frame) {
            return Some(own_test(word));
        }
        match why {
            Why::Failed(failure) if value.is_never() => {
                return Some(format!("it fails, and what fails in a guard is not true: {}", failure.diagnostic.title));
            }
            _ if value.is_never() || value.meets(&self.booleans) => return None,
            _ => {}
        }
        let given = self.describe(&value);
        let lists = value.parts().is_some_and(|parts| parts.cons.is_some() || parts.nil);
        let compared = match (value.single(), lists) {
            (_, true) => "L /= []".to_owned(),
            (Some(term), _) => format!("X == {}", Brief(&term)),
            (None, _) => "N > 0".to_owned(),
        };
        Some(format!("it is {given}, and `true` alone is true: compare it, as in `{compared}`"))
    }

    /// Where a variable stands for its value.
    fn variable_in(&mut self, test: &'p Expr, frame: &mut Frame) -> Option<String> {
        let mut open = vec![test];
        while let Some(part) = open.pop() {
            if matches!(part.node, Node::Global(_) | Node::Local(_)) {
                let value = self.openly(part, false, frame);
                if let Some(help) = self.variable_for_value(&[value]) {
                    return Some(help);
                }
            }
            walk::children(part, &mut |child| open.push(child));
        }
        None
    }

    /// The operator of which one side is a value that is no test. `or` and `and` bind tighter than what compares.
    fn side_of(&mut self, test: &'p Expr, frame: &mut Frame) -> Option<&'static str> {
        let mut open = vec![test];
        while let Some(part) = open.pop() {
            let sides = match &part.node {
                Node::OrElse(left, right) => Some(("orelse", left, right)),
                Node::AndAlso(left, right) => Some(("andalso", left, right)),
                Node::Binary(Binary::Or, left, right) => Some(("or", left, right)),
                Node::Binary(Binary::And, left, right) => Some(("and", left, right)),
                _ => None,
            };
            if let Some((word, left, right)) = sides {
                for side in [&**left, &**right] {
                    let value = self.openly(side, false, frame);
                    if !value.is_never() && !value.meets(&self.booleans) {
                        return Some(word);
                    }
                }
            }
            walk::children(part, &mut |child| open.push(child));
        }
        None
    }
}

fn own_test(word: &str) -> String {
    let example = match word {
        ";" => "X == 1; X == 2",
        "or" | "orelse" => "X == 1 orelse X == 2",
        _ => "X > 0 andalso X < 9",
    };
    format!("each side of `{word}` is a test of its own, as in `{example}`")
}
