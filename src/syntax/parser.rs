//! The one file that knows the parser generator. Forms are parsed one by one, so that a mistake stays in its form; a form
//! with a mistake is mended by `repair.rs` and parsed again, until it parses or is given up.

use std::ops::Range;

use lalrpop_util::ParseError;

use crate::source::diagnostic::Diagnostic;
use crate::source::diagnostic::Severity;
use crate::source::span::FileId;
use crate::source::span::Span;
use crate::syntax::build::Builder;
use crate::syntax::habits;
use crate::syntax::lexer;
use crate::syntax::lexer::Lexeme;
use crate::syntax::repair;
use crate::syntax::repair::Mistake;
use crate::syntax::repair::Repair;
use crate::syntax::strays;
use crate::syntax::token::Token;
use crate::syntax::tree;
use crate::syntax::tree::Form;
use crate::syntax::tree::FormNode;
use crate::syntax::tree::Tree;

#[allow(
    warnings,
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::allow_attributes_without_reason,
    missing_docs,
    reason = "generated"
)]
mod grammar {
    include!(concat!(env!("OUT_DIR"), "/lasp.rs"));
}

/// The most bytes that a text may have, so that places fit 32 bits with room.
pub const TEXT_BYTES_MAX: usize = 1 << 30;
/// What is said once of a form.
const SAID_ONCE: &[&str] = &[habits::MISSING_COMMA, strays::COMMA_BETWEEN, strays::THICK_ARROW];

/// How often one form is mended before it is given up.
const REPAIRS_MAX: usize = 12;
/// How often forms of one text are mended in all: each time costs as much as the rest of the form.
const REPAIRS_IN_ALL_MAX: usize = 400;
/// How many mistakes are told of one text.
const MISTAKES_MAX: usize = 100;

/// A text, parsed as far as that went.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The tree; what could not be parsed is missing or [`Node::Error`](tree::Node::Error), and was told.
    pub tree: Tree,
    /// What is wrong, in order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether more text could make it right: it ends within brackets, a clause, a text.
    pub incomplete: bool,
}

/// Parses a program. A missing last `.` is added, and told as a warning.
#[must_use]
pub fn parse(file: FileId, text: &str) -> Parsed {
    run(file, text, true)
}

/// Parses what was typed at the prompt or given on the command line: the last `.` may be missing.
#[must_use]
pub fn parse_line(file: FileId, text: &str) -> Parsed {
    run(file, text, false)
}

/// Whether `text`, typed at the prompt, needs another line.
#[must_use]
pub fn is_incomplete(text: &str) -> bool {
    run(FileId::default(), text, false).incomplete
}

fn run(file: FileId, text: &str, dot_needed: bool) -> Parsed {
    if text.len() > TEXT_BYTES_MAX {
        let diagnostic = Diagnostic::error("E0116", "the text is too large").help("a program has at most one gigabyte");
        return Parsed { diagnostics: vec![diagnostic], ..Parsed::default() };
    }
    let lexed = lexer::lex(file, text);
    let tree = Tree { file, text: text.into(), comments: lexed.comments, ..Tree::default() };
    let mut forms = Forms {
        parser: grammar::FormParser::new(),
        builder: Builder::new(tree),
        diagnostics: lexed.diagnostics,
        incomplete: lexed.text_open,
        last_told: None,
        repairs: 0,
        unreadable: lexed
            .tokens
            .iter()
            .filter(|lexeme| lexeme.token == Token::Error)
            .map(|lexeme| lexeme.start)
            .collect(),
    };
    let mut start = 0;
    for (at, lexeme) in lexed.tokens.iter().enumerate() {
        if lexeme.token == Token::Dot {
            forms.form(&lexed.tokens[start..=at], lexed.dot_added && at + 1 == lexed.tokens.len());
            start = at + 1;
        }
    }
    if let Some(last) = lexed.tokens.last().filter(|_| lexed.dot_added && dot_needed) {
        forms.dot_added(file, text, *last);
    }
    forms.finish()
}

struct Forms {
    parser: grammar::FormParser,
    builder: Builder,
    diagnostics: Vec<Diagnostic>,
    incomplete: bool,
    /// The token at which the last mistake was told: more at the same place is a consequence.
    last_told: Option<u32>,
    /// Where tokens start that could not be read.
    unreadable: Vec<u32>,
    /// How often a form was mended.
    repairs: usize,
}

impl Forms {
    /// Parses the tokens of one form, the last of which is its `.`. It may turn out to be several.
    fn form(&mut self, tokens: &[Lexeme], dot_added: bool) {
        let mut rest = self.first_form(tokens, dot_added);
        while let Some(tokens) = rest {
            rest = self.first_form(&tokens, dot_added);
        }
    }

    /// Parses one form, and gives back the tokens of what turned out to be others.
    fn first_form(&mut self, tokens: &[Lexeme], dot_added: bool) -> Option<Vec<Lexeme>> {
        if let Some(place) = too_nested(tokens) {
            self.too_deep(tokens, (place.start, place.end));
            return None;
        }
        let mark = self.builder.mark();
        match self.attempt(tokens) {
            Ok(form) => {
                let (depth, range) = self.builder.deepest();
                if depth > tree::DEPTH_MAX {
                    self.builder.back_to(mark);
                    self.too_deep(tokens, range);
                } else {
                    self.push(form);
                }
                None
            }
            Err(mistake) => {
                self.builder.back_to(mark);
                self.incomplete |= dot_added && mistake.at + 1 == tokens.len() && self.diagnostics.is_empty();
                self.mend(tokens.to_vec(), mistake)
            }
        }
    }

    fn attempt(&mut self, tokens: &[Lexeme]) -> Result<Form, Mistake> {
        let triples = tokens.iter().map(|lexeme| (lexeme.start, lexeme.token, lexeme.end));
        let parsed = self.parser.parse(&mut self.builder, triples);
        let end = tokens.last().map_or(0, |last| last.start);
        let parsed = parsed.and_then(|()| self.builder.take_form().ok_or(ParseError::InvalidToken { location: end }));
        parsed.map_err(|error| {
            let (start, expected) = match error {
                ParseError::UnrecognizedToken { token, expected } => (token.0, expected),
                ParseError::UnrecognizedEof { expected, .. } => (end, expected),
                ParseError::InvalidToken { location } => (location, Vec::new()),
                ParseError::ExtraToken { token } => (token.0, Vec::new()),
                ParseError::User { error: () } => (end, Vec::new()),
            };
            let at = tokens.partition_point(|lexeme| lexeme.start < start);
            // An added token is empty and stands where the next one starts.
            let at = if tokens.get(at).is_some_and(|found| found.start == found.end) && at + 1 < tokens.len() {
                let empty = tokens[at..].iter().take_while(|next| next.start == next.end && next.start == start);
                (at + empty.count()).min(tokens.len() - 1)
            } else {
                at.min(tokens.len().saturating_sub(1))
            };
            Mistake { at, expected }
        })
    }

    /// Mends a form until it parses; gives back the tokens behind its end, if that was found before them.
    fn mend(&mut self, mut tokens: Vec<Lexeme>, mut mistake: Mistake) -> Option<Vec<Lexeme>> {
        let mut commas = false;
        for _ in 0..REPAIRS_MAX {
            self.repairs += 1;
            if self.repairs > REPAIRS_IN_ALL_MAX {
                break;
            }
            let place = tokens[mistake.at].start;
            let (diagnostic, repair) = repair::judge(&self.builder.tree, &tokens, &mistake);
            let comma = SAID_ONCE.contains(&&*diagnostic.title);
            if !(comma && commas) {
                self.tell(diagnostic, &tokens, &repair, place);
            }
            commas |= comma;
            match repair {
                Repair::GiveUp => break,
                Repair::Split(at) => {
                    let rest = tokens.split_off(at);
                    let end = tokens.last().map_or(place, |last| last.end);
                    tokens.push(Lexeme { token: Token::Dot, start: end, end });
                    self.form(&tokens, false);
                    return Some(rest);
                }
                Repair::SplitAtSeparator(at) => {
                    let rest = tokens.split_off(at + 1);
                    tokens[at].token = Token::Dot;
                    self.form(&tokens, false);
                    return Some(rest);
                }
                Repair::LoseUntil(at) => {
                    self.lose(&tokens[..at]);
                    return Some(tokens.split_off(at));
                }
                Repair::Insert(at, token) => {
                    if token.closes() || comma {
                        self.lose_called(&tokens[..at]);
                    }
                    let end = at.checked_sub(1).map_or(tokens[at].start, |before| tokens[before].end);
                    tokens.insert(at, Lexeme { token, start: end, end });
                }
                Repair::Remove(at) => {
                    tokens.remove(at);
                }
                Repair::Substitute(at, others) => substitute(&mut tokens, at..at + 1, others),
                Repair::Exchange(range, others) => substitute(&mut tokens, range, others),
                Repair::Replace(range) => {
                    self.lose(&tokens[range.clone()]);
                    let (start, end) = (tokens[range.start].start, tokens[range.end - 1].end);
                    tokens.splice(range, [Lexeme { token: Token::Error, start, end }]);
                }
            }
            let mark = self.builder.mark();
            match self.attempt(&tokens) {
                Ok(form) if self.builder.deepest().0 <= tree::DEPTH_MAX => {
                    self.push(form);
                    return None;
                }
                Ok(_) => {
                    self.builder.back_to(mark);
                    break;
                }
                Err(next) => {
                    self.builder.back_to(mark);
                    mistake = next;
                }
            }
        }
        self.lose(&tokens);
        None
    }

    /// Tells a mistake, unless it follows from one that was told.
    fn tell(&mut self, diagnostic: Diagnostic, tokens: &[Lexeme], repair: &Repair, place: u32) {
        let repeated = diagnostic.title == repair::SEMICOLON && self.semicolon_told();
        let again = self.last_told.replace(place) == Some(place);
        if again || self.told_by_lexer(place) || repeated {
            return;
        }
        if diagnostic.code == "E0113" {
            self.forget_inside(tokens, repair);
        }
        self.diagnostics.push(diagnostic);
    }

    /// What could not be read within a construct of another language is not told besides the construct.
    fn forget_inside(&mut self, tokens: &[Lexeme], repair: &Repair) {
        let lost = match repair {
            Repair::Replace(range) if range.len() > 2 => &tokens[range.clone()],
            Repair::LoseUntil(at) => &tokens[..*at],
            Repair::GiveUp => tokens,
            _ => return,
        };
        let (Some(first), Some(last)) = (lost.first(), lost.last()) else { return };
        let inside = |told: &Diagnostic| {
            told.labels.first().is_some_and(|label| first.start <= label.span.start && label.span.end <= last.end)
        };
        self.diagnostics.retain(|told| !inside(told));
    }

    /// Whether it was told that forms do not end with `;`.
    fn semicolon_told(&self) -> bool {
        let within = |told: &Diagnostic| told.help.iter().any(|help| help.contains(repair::FORM_END));
        self.diagnostics.iter().any(|told| told.title == repair::SEMICOLON || within(told))
    }

    /// Of a call that is not closed it is not known how many arguments it was to have.
    fn lose_called(&mut self, before: &[Lexeme]) {
        let mut depth = 0_usize;
        for at in (1..before.len()).rev() {
            if before[at].token.closes() {
                depth += 1;
            } else if repair::opens(before, at) {
                match depth.checked_sub(1) {
                    Some(less) => depth = less,
                    None if before[at - 1].token == Token::Atom => return self.lose(&before[at - 1..at]),
                    // What it stands in is a call perhaps.
                    None => {}
                }
            }
        }
    }

    /// Whether something that could not even be read stands before on the same line: then the rest is a consequence.
    fn told_by_lexer(&self, place: u32) -> bool {
        let before = self.unreadable.partition_point(|start| *start <= place);
        let last = before.checked_sub(1).map(|at| self.unreadable[at]);
        last.is_some_and(|start| !self.builder.tree.slice((start, place)).trim_end().contains('\n'))
    }

    fn push(&mut self, mut form: Form) {
        if let FormNode::Function(_, documentation) = &mut form.node {
            *documentation = self.builder.tree.documentation_above(form.range.0);
        }
        self.builder.tree.forms.push(form);
    }

    /// Notes the names in what could not be parsed.
    fn lose(&mut self, tokens: &[Lexeme]) {
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { return };
        let tree = &mut self.builder.tree;
        let text = tree.text.get(first.start as usize..last.end as usize).unwrap_or("");
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '@');
        tree.lost.extend(words.filter(|word| word.starts_with(|c: char| c.is_alphabetic() || c == '_')).map(Box::from));
    }

    fn too_deep(&mut self, tokens: &[Lexeme], range: tree::Range) {
        let end = range.1.min(range.0 + 1);
        let place = Span { file: self.builder.tree.file, start: range.0, end };
        self.diagnostics.push(
            Diagnostic::error("E0110", "this form is nested too deeply")
                .at(place, format!("deeper than {}", tree::DEPTH_MAX))
                .help("bind parts of it to names of their own, or use `lists:sum`, `lists:append` and the like for long chains"),
        );
        self.lose(tokens);
    }

    fn dot_added(&mut self, file: FileId, text: &str, dot: Lexeme) {
        let before = text[..dot.end as usize].char_indices().next_back().map_or(0, |(at, _)| at);
        let place = Span { file, start: u32::try_from(before).unwrap_or(dot.start), end: dot.end };
        // Beside a real mistake it is not worth a word.
        if self.diagnostics.is_empty() {
            self.diagnostics.push(
                Diagnostic::warning("E0117", "the last `.` is missing")
                    .at(place, "a `.` was added here")
                    .help("each form ends with a `.`"),
            );
        }
    }

    fn finish(self) -> Parsed {
        let Forms { mut builder, mut diagnostics, incomplete, .. } = self;
        diagnostics.append(&mut builder.diagnostics);
        diagnostics.sort_by_key(|diagnostic| diagnostic.labels.first().map_or(0, |label| label.span.start));
        diagnostics.truncate(MISTAKES_MAX);
        builder.tree.broken = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        Parsed { tree: builder.tree, diagnostics, incomplete }
    }
}

/// Puts other tokens in place of some: the first has its place, the others are empty, behind it.
fn substitute(tokens: &mut Vec<Lexeme>, range: Range<usize>, others: &[Token]) {
    let (start, end) = (tokens[range.start].start, tokens[range.end - 1].end);
    let lexeme =
        |(nth, token): (usize, &Token)| Lexeme { token: *token, start: if nth == 0 { start } else { end }, end };
    tokens.splice(range, others.iter().enumerate().map(lexeme));
}

/// The first token that opens more than may be open at once.
fn too_nested(tokens: &[Lexeme]) -> Option<Lexeme> {
    let mut open = 0_u32;
    for (at, lexeme) in tokens.iter().enumerate() {
        if repair::opens(tokens, at) {
            open += 1;
            if open > tree::DEPTH_MAX {
                return Some(*lexeme);
            }
        } else if lexeme.token.closes() {
            open = open.saturating_sub(1);
        }
    }
    None
}
