//! What a mistake is, in the reader's words, and how to mend the tokens so that the rest of the form still parses.
//!
//! Each rule looks at the token where the parser stopped, its neighbours and the brackets open there, and gives one message
//! and one change of the tokens. The caller parses again; a mistake at the same token is a consequence and not told.

use std::ops::Range;

use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::syntax::expected;
use crate::syntax::lexer::Lexeme;
use crate::syntax::token::Token;
use crate::syntax::tree::Tree;

/// Where the parser stopped, and which terminals could have followed.
#[derive(Debug)]
pub(super) struct Mistake {
    /// The token's index.
    pub at: usize,
    /// The grammar's terminals.
    pub expected: Vec<String>,
}

/// What is said once of a text in which forms end with `;`.
pub(super) const SEMICOLON: &str = "a form ends with `.`, not with `;`";
/// The same within the help of another message.
pub(super) const FORM_END: &str = "each form ends with `.`";

/// A change of a form's tokens.
#[derive(Debug)]
pub(super) enum Repair {
    /// Adds a token before this one.
    Insert(usize, Token),
    /// Takes a token away.
    Remove(usize),
    /// Takes a token for others.
    Substitute(usize, &'static [Token]),
    /// Puts others in place of these.
    Exchange(Range<usize>, &'static [Token]),
    /// Puts an unreadable expression in place of these.
    Replace(Range<usize>),
    /// Ends the form before this token; the rest is a form of its own.
    Split(usize),
    /// The same, where a separator stands between them.
    SplitAtSeparator(usize),
    /// Forgets the tokens before this one; the rest is a form of its own.
    LoseUntil(usize),
    /// Forgets the form.
    GiveUp,
}

/// Whether the token at `at` opens something that has to be closed. `fun f/1` does not.
pub(super) fn opens(tokens: &[Lexeme], at: usize) -> bool {
    match tokens[at].token {
        Token::Fun => tokens.get(at + 1).is_some_and(|next| next.token != Token::Atom),
        token => token.opens(),
    }
}

/// Says what is wrong and what to change.
pub(super) fn judge(tree: &Tree, tokens: &[Lexeme], mistake: &Mistake) -> (Diagnostic, Repair) {
    let place = Place::new(tree, tokens, mistake);
    place
        .stray()
        .or_else(|| place.dialect())
        .or_else(|| place.habit())
        .or_else(|| place.construct())
        .or_else(|| place.foreign_word())
        .or_else(|| place.foreign_operator())
        .or_else(|| place.foreign_entry())
        .or_else(|| place.trailing_separator())
        .or_else(|| place.unclosed())
        .or_else(|| place.function_among_expressions())
        .or_else(|| place.missing_separator())
        .or_else(|| place.call_without_parentheses())
        .or_else(|| place.missing_comma())
        .unwrap_or_else(|| place.unexpected())
}

/// The token where the parser stopped, with what is around it.
pub(super) struct Place<'a> {
    pub(super) tree: &'a Tree,
    pub(super) tokens: &'a [Lexeme],
    pub(super) at: usize,
    pub(super) here: Lexeme,
    pub(super) before: Option<Lexeme>,
    expected: &'a [String],
    /// What is open there, the innermost last.
    pub(super) open: Vec<usize>,
}

impl<'a> Place<'a> {
    fn new(tree: &'a Tree, tokens: &'a [Lexeme], mistake: &'a Mistake) -> Place<'a> {
        let at = mistake.at;
        let mut open: Vec<usize> = Vec::new();
        for index in 0..at {
            if opens(tokens, index) {
                open.push(index);
            } else if tokens[index].token.closes() {
                open.pop();
            }
        }
        let before = at.checked_sub(1).map(|index| tokens[index]);
        Place { tree, tokens, at, here: tokens[at], before, expected: &mistake.expected, open }
    }

    pub(super) fn written(&self, lexeme: Lexeme) -> &'a str {
        self.tree.slice((lexeme.start, lexeme.end))
    }

    pub(super) fn span(&self, lexeme: Lexeme) -> Span {
        self.tree.place((lexeme.start, lexeme.end))
    }

    /// The last character before the mistake, where something is missing.
    pub(super) fn gap(&self) -> Span {
        let end = self.before.map_or(self.here.start, |before| before.end);
        let start = self.tree.text()[..end as usize].char_indices().next_back().map_or(0, |(at, _)| at);
        self.tree.place((u32::try_from(start).unwrap_or(end), end))
    }

    fn expects(&self, terminal: &str) -> bool {
        self.expected.iter().any(|name| name.trim_matches('"') == terminal)
    }

    pub(super) fn first_on_line(&self) -> bool {
        let start = self.here.start as usize;
        let line = self.tree.text()[..start].rfind('\n').map_or(0, |newline| newline + 1);
        self.before.is_some() && self.tree.text()[line..start].trim().is_empty()
    }

    pub(super) fn column(&self, lexeme: Lexeme) -> usize {
        let start = lexeme.start as usize;
        start - self.tree.text()[..start].rfind('\n').map_or(0, |newline| newline + 1)
    }

    pub(super) fn innermost(&self) -> Option<Lexeme> {
        self.open.last().map(|index| self.tokens[*index])
    }

    /// `let`, `var`, `def`, `return`, `else if`, `try`.
    fn foreign_word(&self) -> Option<(Diagnostic, Repair)> {
        let here = self.written(self.here);
        let (index, word) = if self.here.token == Token::Reserved || matches!(here, "then" | "else" | "elif" | "do") {
            (self.at, self.here)
        } else {
            (self.at.checked_sub(1)?, self.before.filter(|before| before.token == Token::Atom)?)
        };
        let written = self.written(word);
        if word.token == Token::Atom && index != self.at && !self.here.token.starts_expression() {
            return None;
        }
        let help = match written {
            "let" | "var" | "val" | "const" | "set" | "global" | "local" | "my" => {
                "a name is bound without a word in front: `X = 1`"
            }
            "def" | "fn" | "function" | "func" | "defn" | "proc" | "sub" => {
                "a function is defined without a word in front: `double(X) -> X * 2.`"
            }
            "return" | "yield" => "the value of a body is its last expression: write that expression alone",
            "else" | "elif" | "elsif" | "elseif" => {
                "`if` has clauses: `if X > 0 -> a; X < 0 -> b; true -> c end`, or use `case .. of .. end`"
            }
            "for" | "foreach" | "while" | "loop" | "do" => {
                "there are no loops: use a comprehension, `[X * 2 || X <- L]`, or a function that calls itself"
            }
            "import" | "include" | "use" | "require" => {
                "write `-import(module, [function/1]).`, or call `module:function(X)`"
            }
            "class" | "struct" | "type" | "record" => "there are no records or classes: use maps, `#{name => \"Ann\"}`",
            "try" | "catch" | "after" => {
                "there are no exceptions: a failing expression ends its own task, with its error"
            }
            "lambda" => "a function without a name is `fun(X) -> X + 1 end`",
            "new" => "nothing is made with `new`: `S = declare(set)` makes a variable, `#{}` is an empty map",
            "async" | "await" => "`thread(fun() -> .. end)` starts a task, and `read(Variable, Threshold)` waits",
            "receive" => "there are no mailboxes: tasks wait with `read(Variable, Threshold)`",
            "maybe" | "cond" => "use `case .. of .. end`; as an atom it needs quotes: `'maybe'`",
            "typeof" => "tests ask what a value is: `is_integer(X)`, `is_list(X)`, `is_map(X)`",
            "then" => "`if` has clauses with arrows: `if X > 0 -> a; true -> b end`",
            _ => return None,
        };
        let diagnostic = self.no_word(word).help(help);
        Some((diagnostic, self.without_word(written, index)))
    }

    fn without_word(&self, word: &str, index: usize) -> Repair {
        match word {
            "let" | "var" | "val" | "const" | "set" | "global" | "local" | "my" | "return" | "yield" => {
                Repair::Remove(index)
            }
            "def" | "fn" | "function" | "func" | "defn" | "proc" | "sub" => Repair::Remove(index),
            "then" => Repair::Substitute(index, &[Token::Arrow]),
            "else" | "elif" | "elsif" | "elseif" if index == self.at => self.without_else(word, index),
            "else" => Repair::Substitute(index, &[Token::Error, Token::Arrow]),
            _ => self.lose_element(),
        }
    }

    /// A clause in place of `else` and its like.
    fn without_else(&self, word: &str, index: usize) -> Repair {
        let follows = |token: Token| self.tokens.get(index + 1).is_some_and(|next| next.token == token);
        let separated = self.before.is_some_and(|before| before.token == Token::Semicolon);
        let ends = self.tokens.iter().filter(|lexeme| lexeme.token == Token::End).count();
        let begun = (0..self.tokens.len())
            .filter(|at| opens(self.tokens, *at) && self.tokens[*at].token.closer() == Some(Token::End))
            .count();
        // `else if .. end end` holds an `if` of its own, `else if .. end` does not.
        let width = if word == "else" && follows(Token::If) && begun > ends { 2 } else { 1 };
        let condition = word != "else" || width == 2;
        let tokens: &'static [Token] = match (separated, condition, follows(Token::Arrow)) {
            (true, true, _) => &[],
            (false, true, _) => &[Token::Semicolon],
            (true, false, true) => &[Token::Error],
            (true, false, false) => &[Token::Error, Token::Arrow],
            (false, false, true) => &[Token::Semicolon, Token::Error],
            (false, false, false) => &[Token::Semicolon, Token::Error, Token::Arrow],
        };
        Repair::Exchange(index..index + width, tokens)
    }

    /// `A || B`, and `X<-1` outside of a comprehension.
    fn foreign_operator(&self) -> Option<(Diagnostic, Repair)> {
        match self.here.token {
            Token::Bars => {
                let diagnostic = Diagnostic::error("E0108", "`||` is written `orelse` here")
                    .at(self.span(self.here), "`orelse`")
                    .help("write `orelse`; `||` stands in comprehensions only: `[X * 2 || X <- L]`");
                Some((diagnostic, Repair::Substitute(self.at, &[Token::OrElse])))
            }
            Token::Generator => {
                let diagnostic = Diagnostic::error("E0108", "`<-` is the arrow of a comprehension")
                    .at(self.span(self.here), "read as one sign")
                    .help("to compare with a negative number, put a space between: `X < -1`; to bind a name, write `X = 1`");
                Some((diagnostic, Repair::Substitute(self.at, &[Token::Less])))
            }
            _ => None,
        }
    }

    /// `[1, 2, ]`
    fn trailing_separator(&self) -> Option<(Diagnostic, Repair)> {
        let before = self.before.filter(|before| matches!(before.token, Token::Comma | Token::Semicolon))?;
        let closes_it = self.innermost().and_then(|open| open.token.closer()) == Some(self.here.token);
        let ends_form = self.here.token == Token::Dot && self.open.is_empty();
        if !closes_it && !ends_form {
            return None;
        }
        let diagnostic = Diagnostic::error("E0105", format!("a `{}` stands before nothing", self.written(before)))
            .at(self.span(before), "nothing follows")
            .help(
                "separators stand between things, never behind the last one: take it away, or add what was to follow",
            );
        Some((diagnostic, Repair::Remove(self.at - 1)))
    }

    fn unclosed(&self) -> Option<(Diagnostic, Repair)> {
        let here = self.here.token;
        if let Some(found) = self.closed_otherwise() {
            return Some(found);
        }
        if here.closes() && !self.open.iter().any(|index| self.tokens[*index].token.closer() == Some(here)) {
            let diagnostic = Diagnostic::error("E0104", format!("`{}` closes nothing", self.written(self.here)))
                .at(self.span(self.here), "nothing is open here")
                .help("take it away, or open it before");
            return Some((diagnostic, Repair::Remove(self.at)));
        }
        let open = self.innermost()?;
        let closer = open.token.closer()?;
        let next_form =
            self.first_on_line() && self.column(self.here) <= self.column(self.tokens[0]) && here.starts_expression();
        let ends = here == Token::Dot || here.closes() || next_form;
        let ends = ends || matches!(here, Token::Arrow | Token::Of | Token::When | Token::Semicolon);
        if !ends || closer == here || !(next_form || self.expects(closing_text(closer))) {
            return None;
        }
        let diagnostic = Diagnostic::error("E0104", format!("`{}` is not closed", self.written(open)))
            .at(self.span(open), "opened here")
            .at(self.visible(self.here), format!("`{}` is missing before this", closing_text(closer)))
            .help(format!("close it with `{}`", closing_text(closer)));
        let text_before = self.before.is_some_and(|before| before.token == Token::Text);
        let diagnostic = if self.comment_behind() && text_before {
            diagnostic.help("`%` starts a comment; a text is made of others by `io_lib:format(\"Hello ~s\", [Name])`")
        } else if self.comment_behind() {
            diagnostic.help("`%` starts a comment; the remainder of a division is `7 rem 2`")
        } else {
            diagnostic
        };
        let repair = if next_form { Repair::LoseUntil(self.at) } else { Repair::Insert(self.at, closer) };
        Some((diagnostic, repair))
    }

    /// Whether a comment follows what stands before the mistake, on its line.
    fn comment_behind(&self) -> bool {
        let Some(before) = self.before else { return false };
        let comments = &self.tree.comments;
        let next = comments.get(comments.partition_point(|comment| comment.0 < before.end));
        next.is_some_and(|comment| {
            let slice = self.tree.slice(*comment);
            !self.tree.slice((before.end, comment.0)).contains('\n')
                && slice.ends_with(['.', ',', ')', ']', '}'])
                && !slice.starts_with("%%")
        })
    }

    /// `[1, 2}`
    fn closed_otherwise(&self) -> Option<(Diagnostic, Repair)> {
        let here = self.here.token;
        let open = self.innermost()?;
        let closer = open.token.closer()?;
        let fits = self.open.iter().any(|index| self.tokens[*index].token.closer() == Some(here));
        if !here.closes() || fits || here == Token::End || closer == Token::End || !self.expects(closing_text(closer)) {
            return None;
        }
        let (from, to, right) = (self.written(open), self.written(self.here), closing_text(closer));
        let diagnostic = Diagnostic::error("E0104", format!("`{from}` is closed with `{to}`"))
            .at(self.span(self.here), format!("`{right}` belongs here"))
            .at(self.span(open), "opened here")
            .help(format!("write `{right}` in place of `{to}`"));
        let token: &'static [Token] = match closer {
            Token::CloseParenthesis => &[Token::CloseParenthesis],
            Token::CloseBracket => &[Token::CloseBracket],
            Token::CloseBrace => &[Token::CloseBrace],
            _ => &[Token::CloseBinary],
        };
        Some((diagnostic, Repair::Substitute(self.at, token)))
    }

    /// `#{a: 1}`, `#{a = 1}`
    fn foreign_entry(&self) -> Option<(Diagnostic, Repair)> {
        let open = *self.open.last()?;
        if self.tokens[open].token != Token::OpenMap {
            return None;
        }
        let is_sign = |index: &usize| matches!(self.tokens[*index].token, Token::Colon | Token::Match);
        let element = self.element();
        let entry = |index: usize| matches!(self.tokens[index].token, Token::Put | Token::Exactly);
        if (element.start..self.at).any(entry) {
            return None;
        }
        let sign = (open + 1..=self.at.min(open + 3)).rev().chain(element).find(is_sign)?;
        let written = self.written(self.tokens[sign]);
        let diagnostic = Diagnostic::error("E0108", format!("`{written}` between key and value is written `=>` here"))
            .at(self.span(self.tokens[sign]), "`=>`")
            .help("write `#{key => Value}`; in patterns `#{key := Value}`");
        Some((diagnostic, Repair::Substitute(sign, &[Token::Put])))
    }

    /// An added `.` is empty; what stands before it is shown.
    pub(super) fn visible(&self, lexeme: Lexeme) -> Span {
        if lexeme.start == lexeme.end { self.gap() } else { self.span(lexeme) }
    }

    /// `X = 1, f(X) -> X.`
    fn function_among_expressions(&self) -> Option<(Diagnostic, Repair)> {
        if !self.open.is_empty() || !matches!(self.here.token, Token::Arrow | Token::When) {
            return None;
        }
        let start = self.element().start;
        let separator = start.checked_sub(1)?;
        if self.tokens[separator].token != Token::Comma {
            return None;
        }
        if self.written(self.tokens[start]) == self.written(self.tokens[0]) {
            let diagnostic = Diagnostic::error("E0103", "a `;` belongs between the clauses of a function")
                .at(self.span(self.tokens[separator]), "`;` belongs here")
                .help("clauses are separated by `;`, expressions by `,`");
            return Some((diagnostic, Repair::Substitute(separator, &[Token::Semicolon])));
        }
        let diagnostic = Diagnostic::error("E0102", "a `.` is missing before a function")
            .at(self.span(self.tokens[separator]), "`.` belongs here")
            .at(self.span(self.tokens[start]), "a function starts here")
            .help("end what stands before a function with `.`; its clauses are separated by `;`");
        Some((diagnostic, Repair::SplitAtSeparator(separator)))
    }

    /// Two expressions beside each other, the second on a new line.
    fn missing_separator(&self) -> Option<(Diagnostic, Repair)> {
        self.before.filter(|before| before.token.ends_expression())?;
        if !self.here.token.starts_expression() || !self.first_on_line() {
            return None;
        }
        let (code, mark, repair) = if self.clause_starts_here() {
            ("E0103", ";", Repair::Insert(self.at, Token::Semicolon))
        } else if self.open.is_empty() && self.column(self.here) <= self.column(self.tokens[0]) {
            ("E0102", ".", Repair::Split(self.at))
        } else {
            ("E0103", ",", Repair::Insert(self.at, Token::Comma))
        };
        let after = format!("a `{mark}` belongs after this");
        let diagnostic = Diagnostic::error(code, format!("a `{mark}` is missing"))
            .at(self.gap(), after)
            .at(self.span(self.here), "so that this can follow")
            .help(match mark {
                "." => "each form ends with a `.`; expressions of one form are separated by `,`",
                ";" => "clauses are separated by `;`, except before `end`",
                _ => "expressions are separated by `,`",
            });
        Some((diagnostic, repair))
    }

    /// Whether what starts here is a clause that belongs to the ones before.
    fn clause_starts_here(&self) -> bool {
        if self.open.is_empty() {
            let first = self.tokens[0];
            let same_name = self.here.token == Token::Atom && self.written(self.here) == self.written(first);
            let function = self.tokens[..self.at].iter().any(|lexeme| lexeme.token == Token::Arrow);
            return same_name && function && !self.whole_call();
        }
        if self.innermost().is_none_or(|open| open.token.closer() != Some(Token::End) || open.token == Token::Begin) {
            return false;
        }
        let mut depth = 0_usize;
        for index in self.at..self.tokens.len() {
            match self.tokens[index].token {
                _ if opens(self.tokens, index) => depth += 1,
                token if token.closes() && depth == 0 => return false,
                token if token.closes() => depth -= 1,
                Token::Arrow if depth == 0 => return true,
                Token::Comma | Token::Semicolon | Token::Dot if depth == 0 => return false,
                _ => {}
            }
        }
        false
    }

    /// Whether what starts here is a call, and no head: the form ends behind it, or goes on with a `,`.
    fn whole_call(&self) -> bool {
        let mut depth = 0_usize;
        for index in self.at + 1..self.tokens.len() {
            match self.tokens[index].token {
                _ if opens(self.tokens, index) => depth += 1,
                token if token.closes() && depth > 0 => depth -= 1,
                token if depth == 0 => return matches!(token, Token::Dot | Token::Comma) && index > self.at + 1,
                _ => {}
            }
        }
        depth == 0
    }

    fn unexpected(&self) -> (Diagnostic, Repair) {
        let found = expected::describe(self.here.token, self.written(self.here));
        let wanted = expected::categories(self.expected);
        let beside =
            self.here.token.starts_expression() && self.before.is_some_and(|before| before.token.ends_expression());
        let title = if wanted.is_empty() {
            format!("{found} does not fit here")
        } else {
            format!("expected {wanted}, found {found}")
        };
        let help = if beside {
            "two expressions stand beside each other: put an operator, a `,` or a `.` between them"
        } else if self.here.token == Token::OpenBrace {
            "braces make tuples; bodies stand between `->` and `end`, `;` or `.`"
        } else if self.here.token == Token::Dot {
            "something is missing before the end of the form"
        } else if self.here.token == Token::Colon {
            "a `:` stands between a module and its function: `lists:sum(L)`; in maps write `=>`"
        } else if self.here.token == Token::Match {
            "`=` binds a name or matches a pattern: `X = 1`"
        } else {
            "mend or take away what is underlined"
        };
        let diagnostic = Diagnostic::error("E0101", title).at(self.visible(self.here), "not expected here").help(help);
        (diagnostic, self.lose_element())
    }

    pub(super) fn lose_element(&self) -> Repair {
        let range = self.element();
        if range.is_empty() {
            return Repair::Insert(self.at, Token::Error);
        }
        if range.len() == 1 && self.tokens[range.start].token == Token::Error {
            return match self.open.last() {
                Some(open) => self.lose_brackets(*open),
                None => Repair::GiveUp,
            };
        }
        Repair::Replace(range)
    }

    /// All from the bracket to the one that closes it.
    pub(super) fn lose_brackets(&self, open: usize) -> Repair {
        let mut depth = 0_usize;
        for index in open..self.tokens.len() {
            if opens(self.tokens, index) {
                depth += 1;
            } else if self.tokens[index].token.closes() {
                depth -= 1;
                if depth == 0 {
                    return Repair::Replace(open..index + 1);
                }
            }
        }
        Repair::GiveUp
    }

    /// The part between separators, on one level of brackets, in which the mistake is.
    pub(super) fn element(&self) -> Range<usize> {
        let mut start = self.at;
        let mut depth = 0_usize;
        while let Some(index) = start.checked_sub(1) {
            let token = self.tokens[index].token;
            if token.closes() {
                depth += 1;
            } else if opens(self.tokens, index) {
                if depth == 0 {
                    break;
                }
                depth -= 1;
            } else if depth == 0 && separates(token) {
                break;
            }
            start = index;
        }
        let mut end = self.at;
        let mut depth = 0_usize;
        while end < self.tokens.len() {
            let token = self.tokens[end].token;
            if opens(self.tokens, end) {
                depth += 1;
            } else if token.closes() {
                if depth == 0 {
                    break;
                }
                depth -= 1;
            } else if token == Token::Dot {
                break;
            } else if depth == 0 && separates(token) {
                // The mistake itself may be an arrow that does not fit; it goes with its element.
                if end > self.at || matches!(token, Token::Comma | Token::Semicolon) {
                    break;
                }
            }
            end += 1;
        }
        start..end
    }
}

fn separates(token: Token) -> bool {
    use Token as T;
    matches!(token, T::Comma | T::Semicolon | T::Arrow | T::Of | T::When | T::Bars | T::Bar | T::Dot)
}

fn closing_text(token: Token) -> &'static str {
    match token {
        Token::CloseParenthesis => ")",
        Token::CloseBracket => "]",
        Token::CloseBrace => "}",
        Token::CloseBinary => ">>",
        _ => "end",
    }
}
