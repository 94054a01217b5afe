//! More constructs of other languages, as `foreign.rs`: words before a name, calls without parentheses, separators that are
//! missing or of the other kind.

use crate::source::diagnostic::Diagnostic;
use crate::syntax::foreign;
use crate::syntax::guess::capital;
use crate::syntax::lexer::Lexeme;
use crate::syntax::repair;
use crate::syntax::repair::Place;
use crate::syntax::repair::Repair;
use crate::syntax::token::Token;

type Found = Option<(Diagnostic, Repair)>;

/// What is said once of a form in which several commas are missing.
pub(super) const MISSING_COMMA: &str = "a `,` is missing";
/// The longest line that is written anew.
const LINE_MAX: usize = 72;

impl Place<'_> {
    /// What of these stands at the mistake.
    pub(super) fn habit(&self) -> Found {
        self.assignment_with_word()
            .or_else(|| self.condition_with_colon())
            .or_else(|| self.semicolon_before_form())
            .or_else(|| self.map_in_braces())
            .or_else(|| self.type_with_brackets())
    }

    /// A word that begins something in other languages.
    pub(super) fn no_word(&self, word: Lexeme) -> Diagnostic {
        let written = self.written(word);
        Diagnostic::error("E0113", format!("`{written}` is not a word of the language"))
            .at(self.span(word), "not known here")
    }

    /// A `:` behind a condition.
    pub(super) fn colon(&self, colon: Lexeme) -> Diagnostic {
        Diagnostic::error("E0113", "a block does not begin with `:`").at(self.span(colon), "`->` belongs here")
    }

    /// A `;` behind a form.
    pub(super) fn semicolon(&self, separator: Lexeme) -> Diagnostic {
        Diagnostic::error("E0102", repair::SEMICOLON)
            .at(self.span(separator), "`.` belongs here")
            .help("`;` separates the clauses of a function, a `case` or an `if`")
    }

    fn text(&self, from: u32, to: u32) -> &str {
        self.tree.slice((from, to))
    }

    /// `let x = 1;`
    fn assignment_with_word(&self) -> Found {
        let word = self.tokens[0];
        let mutable = usize::from(self.tokens.get(1).is_some_and(|next| self.written(*next) == "mut"));
        let (name, mut sign) = (*self.tokens.get(1 + mutable)?, *self.tokens.get(2 + mutable)?);
        // `let x: i32 = 1`
        let typed = sign.token == Token::Colon;
        if typed {
            sign = *self.tokens.iter().find(|lexeme| lexeme.token == Token::Match)?;
        }
        let known = matches!(self.written(word), "let" | "var" | "val" | "const" | "global" | "local" | "my" | "auto");
        let named = matches!(name.token, Token::Atom | Token::Variable) && sign.token == Token::Match;
        if !known || !named || self.at > 1 + mutable {
            return None;
        }
        let ends = |lexeme: &Lexeme| matches!(lexeme.token, Token::Semicolon | Token::Dot);
        let behind = self.tokens.iter().filter(|lexeme| lexeme.start >= sign.end);
        let end = behind.clone().find(|lexeme| ends(lexeme)).map_or(sign.end, |lexeme| lexeme.start);
        let value = self.text(sign.end, end).lines().next().unwrap_or("").trim();
        if value.contains("=>") || value.starts_with("function") || value.starts_with("async") {
            return Some(self.function_with_word(word, name));
        }
        // What is written as elsewhere is told, and not repeated.
        let foreign = value.contains("::") || value.contains('{') && value.contains(": ");
        let value = if foreign || value.is_empty() || value.len() > LINE_MAX { ".." } else { value };
        let end = if value == ".." { "" } else { "." };
        let diagnostic = self.no_word(word).help(format!(
            "a name starts with a capital letter and has no word in front, and {}: `{} = {value}{end}`",
            repair::FORM_END,
            capital(self.written(name))
        ));
        let repair = match name.token {
            _ if typed => self.lose_block(0),
            Token::Atom => Repair::Replace(0..2 + mutable),
            _ => Repair::Exchange(0..1 + mutable, &[]),
        };
        Some((diagnostic, repair))
    }

    /// `const double = (x) => x * 2;`
    fn function_with_word(&self, word: Lexeme, name: Lexeme) -> (Diagnostic, Repair) {
        let lower: String = self.written(name).chars().flat_map(char::to_lowercase).collect();
        let diagnostic = self.no_word(word).help(format!(
            "a function is written `{lower}(X) -> X * 2.`, one without a name `fun(X) -> X * 2 end`; {}",
            repair::FORM_END
        ));
        (diagnostic, self.lose_block(0))
    }

    /// `if not X: print(1)`
    fn condition_with_colon(&self) -> Found {
        // A module's colon has its function right behind it.
        let is_apart = |at: usize| self.tokens.get(at + 1).is_none_or(|next| next.start > self.tokens[at].end);
        let colon = (0..self.at).find(|at| self.tokens[*at].token == Token::Colon && is_apart(*at))?;
        let colon = &self.tokens[colon];
        let arrow = self.tokens.iter().any(|lexeme| lexeme.token == Token::Arrow);
        if self.tokens[0].token != Token::If
            || arrow
            || self.here.token != Token::Dot && !self.here.token.starts_expression()
        {
            return None;
        }
        let diagnostic = self.colon(*colon).help(foreign::CLAUSES);
        Some((diagnostic, self.lose_block(0)))
    }

    /// `f(X) -> X; print(f(1)).`
    fn semicolon_before_form(&self) -> Found {
        let ends = matches!(self.here.token, Token::Dot | Token::Comma | Token::Semicolon);
        let separator = self.element().start.checked_sub(1)?;
        if !ends
            || !self.open.is_empty()
            || self.tokens[separator].token != Token::Semicolon
            || self.at == separator + 1
        {
            return None;
        }
        if !self.tokens[..separator].iter().any(|lexeme| lexeme.token == Token::Arrow) {
            return None;
        }
        let diagnostic = self
            .semicolon(self.tokens[separator])
            .at(self.span(self.tokens[separator + 1]), "so that this is a form of its own");
        Some((diagnostic, Repair::SplitAtSeparator(separator)))
    }

    /// `{a => 1}`
    fn map_in_braces(&self) -> Found {
        let open = *self.open.last()?;
        let before = self.before?;
        let in_braces = self.tokens[open].token == Token::OpenBrace && self.here.token == Token::Put;
        if !in_braces || before.token == Token::CloseParenthesis {
            return None;
        }
        let inside = self.bracket(open).filter(|text| !text.contains('\n') && text.len() <= LINE_MAX);
        let diagnostic = Diagnostic::error("E0108", "a map is written with `#{`")
            .at(self.span(self.tokens[open]), "begins a tuple")
            .help(format!("write `#{}`", inside.unwrap_or("{key => Value}")));
        Some((diagnostic, self.lose_brackets(open)))
    }

    /// What stands from a bracket to the one that closes it.
    fn bracket(&self, open: usize) -> Option<&str> {
        match self.lose_brackets(open) {
            Repair::Replace(range) => Some(self.text(self.tokens[range.start].start, self.tokens[range.end - 1].end)),
            _ => None,
        }
    }

    /// `declare(awmap[set])`, and `list[0]` of who forgot the capital letter.
    fn type_with_brackets(&self) -> Found {
        let before = self.before.filter(|before| before.token == Token::Atom && before.end == self.here.start)?;
        if self.here.token != Token::OpenBracket {
            return None;
        }
        let word = self.written(before);
        let parameters = self.bracket(self.at).filter(|text| !text.contains('\n') && text.len() <= LINE_MAX);
        let is_type =
            matches!(word.trim_start_matches("state_"), "map" | "awmap" | "gmap" | "pair" | "top_k" | "window");
        let diagnostic = if is_type {
            let parameters = parameters.unwrap_or("[..]");
            Diagnostic::error("E0101", "a type with parameters is a tuple")
                .at(self.span(self.here), "`,` belongs before this, and braces around both")
                .help(format!("write `{{{word}, {parameters}}}`"))
        } else if self.is_head(word) {
            Diagnostic::error("E0101", "the arguments of a call stand in parentheses")
                .at(self.span(self.here), "`(` belongs here")
                .help(format!("write `{word}(..)`"))
        } else {
            let name = capital(word);
            Diagnostic::error("E0108", "elements are not reached with brackets")
                .at(self.span(self.here), "`[` begins a list")
                .help(format!(
                    "write `lists:nth(1, {name})` for the first element of a list, `maps:get(Key, {name})` for a map"
                ))
        };
        Some((diagnostic, self.lose_element()))
    }

    /// Whether the form is a function of this name.
    fn is_head(&self, word: &str) -> bool {
        let open = self.tokens.get(1).is_some_and(|next| next.token == Token::OpenParenthesis);
        open && self.written(self.tokens[0]) == word
    }

    /// `print "x"`, `f x = x + 1`
    pub(super) fn call_without_parentheses(&self) -> Found {
        let before = self.before.filter(|before| before.token == Token::Atom)?;
        let element = self.element();
        let begins = element.start + 1 == self.at;
        let one_line = !self.text(before.end, self.here.start).contains('\n') && before.end < self.here.start;
        let argument = self.here.token.starts_expression() && self.here.token != Token::OpenParenthesis;
        let statement = self.open.last().is_none_or(|open| self.tokens[*open].token.closer() == Some(Token::End));
        if !begins || !one_line || !argument || !statement || self.written(before).starts_with('\'') {
            return None;
        }
        let word = self.written(before);
        let name = match word {
            "puts" | "echo" | "println" | "printf" | "say" | "console" | "log" => "print",
            "raise" | "throw" | "panic" => "error",
            word => word,
        };
        let last = self.tokens[element.end - 1];
        let text = self.text(self.here.start, last.end);
        let defines = self.tokens.get(self.at + 1).is_some_and(|next| next.token == Token::Match);
        if defines && self.here.token != Token::Text {
            let diagnostic = Diagnostic::error("E0101", "what a function takes stands in parentheses, before an arrow")
                .at(self.tree.place((before.start, self.here.end)), "this is meant as one")
                .help(format!("write `{word}({}) -> ..`", capital(self.written(self.here))));
            return Some((diagnostic, self.lose_element()));
        }
        let argument = if text.contains('\n') || text.len() > LINE_MAX { ".." } else { text };
        let diagnostic = Diagnostic::error("E0101", "the arguments of a call stand in parentheses")
            .at(self.span(self.here), format!("an argument of `{word}`"))
            .help(format!("write `{name}({argument})`"));
        Some((diagnostic, self.lose_element()))
    }

    /// `update(S {add, 1})`, `[1 2 3]`: two expressions beside each other between brackets.
    pub(super) fn missing_comma(&self) -> Found {
        let open = *self.open.last()?;
        let before = self.before.filter(|before| before.token.ends_expression())?;
        let brackets =
            matches!(self.tokens[open].token, Token::OpenParenthesis | Token::OpenBracket | Token::OpenBrace);
        let texts = before.token == Token::Text || self.here.token == Token::Text;
        if !brackets || !self.here.token.starts_expression() || self.first_on_line() {
            return None;
        }
        let Repair::Replace(range) = self.lose_brackets(open) else { return None };
        // What could not be read was told, and anything may have been meant.
        if self.tokens[range.clone()].iter().any(|lexeme| lexeme.token == Token::Error) {
            return None;
        }
        let named = open.checked_sub(1).filter(|at| {
            self.tokens[open].token == Token::OpenParenthesis && self.tokens[*at].end == self.tokens[open].start
        });
        let first = named.unwrap_or(open);
        let mut line = String::new();
        for index in first..range.end {
            if let Some(last) = index.checked_sub(1).filter(|last| *last >= first).map(|last| self.tokens[last]) {
                let next = self.tokens[index];
                let beside = index > open
                    && last.token.ends_expression()
                    && next.token.starts_expression()
                    && !matches!(next.token, Token::OpenParenthesis | Token::Minus | Token::Plus);
                line.push_str(if beside { ", " } else { self.text(last.end, next.start) });
            }
            line.push_str(self.written(self.tokens[index]));
        }
        let mut diagnostic = Diagnostic::error("E0103", MISSING_COMMA)
            .at(self.gap(), "a `,` belongs after this")
            .at(self.span(self.here), "so that this can follow");
        if let Some(several) = line.strip_prefix("print(").and_then(|rest| rest.strip_suffix(')')) {
            line = format!("print({{{several}}})");
        }
        if line.len() <= LINE_MAX && !line.contains('\n') {
            diagnostic = diagnostic.help(format!("write `{line}`"));
        } else {
            diagnostic = diagnostic.help("arguments and elements are separated by `,`");
        }
        if texts {
            diagnostic = diagnostic.help("texts are joined with `++`");
        }
        Some((diagnostic, Repair::Insert(self.at, Token::Comma)))
    }
}
