//! Signs that stand where they do not belong: a separator before an arrow, a comprehension without brackets, an arrow that binds,
//! a name before an argument, a type behind a number.

use crate::source::diagnostic::Diagnostic;
use crate::syntax::guess::capital;
use crate::syntax::lexer::Lexeme;
use crate::syntax::repair;
use crate::syntax::repair::Place;
use crate::syntax::repair::Repair;
use crate::syntax::token::Token;

/// The longest text that is shown within a help.
const TEXT_MAX: usize = 72;

/// What is said once of a form in which clauses have `=>`.
pub(super) const THICK_ARROW: &str = "`=>` between a pattern and its body is written `->` here";
/// What is said once of a form in which `;` stands for several commas.
pub(super) const COMMA_BETWEEN: &str = "a `,` belongs between elements and between arguments";

type Found = Option<(Diagnostic, Repair)>;

impl Place<'_> {
    /// What of these stands at the mistake.
    pub(super) fn stray(&self) -> Found {
        self.separator_before_arrow()
            .or_else(|| self.comparing_with_colon())
            .or_else(|| self.clause_with_thick_arrow())
            .or_else(|| self.function_with_thick_arrow())
            .or_else(|| self.quote_in_quotes())
            .or_else(|| self.threshold_with_sign())
            .or_else(|| self.binding_with_arrow())
            .or_else(|| self.arrow_behind_parentheses())
            .or_else(|| self.arrow_without_fun())
            .or_else(|| self.semicolon_in_brackets())
            .or_else(|| self.union_in_place())
            .or_else(|| self.star_before_name())
            .or_else(|| self.name_with_type())
            .or_else(|| self.comprehension_without_brackets())
            .or_else(|| self.word_as_argument_name())
            .or_else(|| self.function_without_arity())
            .or_else(|| self.number_with_type())
            .or_else(|| self.do_behind_condition())
    }

    fn shown(&self, from: u32, to: u32) -> Option<&str> {
        let text = self.tree.slice((from, to));
        (!text.contains('\n') && text.len() <= TEXT_MAX).then_some(text)
    }

    /// `f(X), -> X`, `case X of 1, -> a end`
    fn separator_before_arrow(&self) -> Found {
        let separates = |lexeme: Lexeme| matches!(lexeme.token, Token::Comma | Token::Semicolon);
        let follows = |lexeme: Lexeme| matches!(lexeme.token, Token::Arrow | Token::When);
        let next = self.tokens.get(self.at + 1).copied();
        let (at, arrow) = match (self.before, next) {
            (Some(before), _) if separates(before) && follows(self.here) => (self.at - 1, self.here),
            (_, Some(next)) if separates(self.here) && follows(next) => (self.at, next),
            _ => return None,
        };
        // What stands before it has to be the head of a clause.
        let head = at.checked_sub(1).is_some_and(|before| self.tokens[before].token.ends_expression());
        let (sign, arrow) = (self.written(self.tokens[at]), self.written(arrow));
        let diagnostic = Diagnostic::error("E0105", format!("a `{sign}` stands before `{arrow}`"))
            .at(self.span(self.tokens[at]), "take it away")
            .help(format!("nothing stands between what a clause takes and its `{arrow}`"));
        head.then_some((diagnostic, Repair::Remove(at)))
    }

    /// `if X := 3 -> ..`
    fn comparing_with_colon(&self) -> Found {
        let name = self.before.filter(|before| before.token.ends_expression())?;
        let open = self.open.last().copied().unwrap_or(0);
        let back = self.tokens[open..self.at].iter().rev().map(|lexeme| lexeme.token);
        let begins = |token: &Token| matches!(token, Token::If | Token::When | Token::Arrow | Token::Semicolon);
        let guard = match back.into_iter().find(begins) {
            Some(Token::If | Token::When) => true,
            Some(Token::Semicolon) => self.tokens[open].token == Token::If,
            _ => false,
        };
        if self.here.token != Token::Exactly || !guard || self.tokens[open].token == Token::OpenMap {
            return None;
        }
        let value = self.tokens.get(self.at + 1).map_or("..", |next| self.written(*next));
        let diagnostic =
            Diagnostic::error("E0108", "`:=` does not compare").at(self.span(self.here), "`==` belongs here").help(
                format!("write `{} == {value}`; `:=` stands between key and value of a map only", self.written(name)),
            );
        Some((diagnostic, Repair::Substitute(self.at, &[Token::Equal])))
    }

    /// `X => 3`, where no function of X is meant.
    fn binding_with_arrow(&self) -> Found {
        let name = self.before.filter(|before| before.token == Token::Variable)?;
        if self.here.token != Token::Put {
            return None;
        }
        let element = self.element();
        let statement = self.open.last().is_none_or(|open| self.tokens[*open].token.closer() == Some(Token::End));
        let written = self.written(name);
        let behind = self.tokens.get(self.at + 1..element.end)?;
        let function = behind.iter().any(|lexeme| lexeme.token == Token::Variable && self.written(*lexeme) == written);
        if !statement || element.start + 1 != self.at || function {
            return None;
        }
        let value = behind.last().and_then(|last| self.shown(self.here.end, last.end)).map_or("..", str::trim);
        let diagnostic = Diagnostic::error("E0108", "a name is bound with `=`")
            .at(self.span(self.here), "`=` belongs here")
            .help(format!("write `{written} = {value}`; `=>` stands between key and value of a map only"));
        Some((diagnostic, Repair::Substitute(self.at, &[Token::Match])))
    }

    /// `map(S, X -> X * 2)`, `lists:map((X) -> X * 2, L)`
    fn arrow_without_fun(&self) -> Found {
        let open = self.innermost()?;
        let brackets = matches!(open.token, Token::OpenParenthesis | Token::OpenBracket | Token::OpenBrace);
        let start = self.element().start;
        let head: Vec<Token> = self.tokens.get(start..self.at)?.iter().map(|lexeme| lexeme.token).collect();
        let named = match &*head {
            [Token::Variable | Token::Atom] => self.tokens[start],
            [Token::OpenParenthesis, Token::Variable | Token::Atom, Token::CloseParenthesis] => self.tokens[start + 1],
            _ => return None,
        };
        if self.here.token != Token::Arrow || !brackets || self.written(named).starts_with('\'') {
            return None;
        }
        let end = self.end_of_expression(self.at + 1);
        let body = self.tokens.get(end.checked_sub(1)?).and_then(|last| self.shown(self.here.end, last.end));
        let body = body.filter(|_| named.token == Token::Variable).map_or("..", str::trim);
        let diagnostic = Diagnostic::error("E0101", "a function without a name begins with `fun`")
            .at(self.tree.place((self.tokens[start].start, self.here.end)), "a function begins here")
            .help(format!("write `fun({}) -> {body} end`", capital(self.written(named))));
        Some((diagnostic, Repair::Replace(start..end)))
    }

    /// `case X of 1 => one; _ => other end`
    fn clause_with_thick_arrow(&self) -> Found {
        let open = *self.open.last()?;
        let clauses = match self.tokens[open].token {
            Token::Case => self.tokens[open..self.at].iter().any(|lexeme| lexeme.token == Token::Of),
            Token::If | Token::Fun => true,
            _ => false,
        };
        // Before its clause there is an end of what came before it.
        let start = self.element().start;
        let begins = start.checked_sub(1).is_none_or(|before| {
            before == open || matches!(self.tokens[before].token, Token::Of | Token::Semicolon | Token::When)
        });
        if self.here.token != Token::Put || !clauses || !begins {
            return None;
        }
        let diagnostic = Diagnostic::error("E0108", THICK_ARROW)
            .at(self.span(self.here), "`->` belongs here")
            .help("`=>` stands between key and value of a map only");
        Some((diagnostic, Repair::Substitute(self.at, &[Token::Arrow])))
    }

    /// `f(X) => X + 1.`
    fn function_with_thick_arrow(&self) -> Found {
        let (name, opens) = (self.tokens[0], *self.tokens.get(1)?);
        let head = name.token == Token::Atom && opens.token == Token::OpenParenthesis && opens.start == name.end;
        // `async (x) => x` is no function of this name.
        let word = matches!(self.written(name), "async" | "function" | "fn" | "def" | "func");
        let start = self.element().start;
        let clause = self.tokens[start];
        let begins = start == 0
            || self.tokens[start - 1].token == Token::When
            || self.tokens[start - 1].token == Token::Semicolon && self.written(clause) == self.written(name);
        let fits = self.before.is_some_and(|before| before.token.ends_expression());
        if self.here.token != Token::Put || !self.open.is_empty() || !head || word || !begins || !fits {
            return None;
        }
        let diagnostic = Diagnostic::error("E0108", THICK_ARROW)
            .at(self.span(self.here), "`->` belongs here")
            .help("`=>` stands between key and value of a map only");
        Some((diagnostic, Repair::Substitute(self.at, &[Token::Arrow])))
    }

    /// `print('it''s')`
    fn quote_in_quotes(&self) -> Found {
        let quoted = |lexeme: Lexeme| lexeme.token == Token::Atom && self.written(lexeme).starts_with('\'');
        let first = self.before.filter(|before| quoted(*before) && before.end == self.here.start)?;
        if !quoted(self.here) {
            return None;
        }
        let mut end = self.at + 1;
        while self.tokens.get(end).is_some_and(|next| quoted(*next) && next.start == self.tokens[end - 1].end) {
            end += 1;
        }
        let written = self.tree.slice((first.start, self.tokens[end - 1].end));
        let inside = written.trim_matches('\'');
        let fits = inside.len() <= TEXT_MAX && !inside.contains(['"', '\\', '\n']);
        let (text, atom) = if fits {
            (inside.replace("''", "'"), inside.replace("''", "\\'"))
        } else {
            ("it's".to_owned(), "it\\'s".to_owned())
        };
        let diagnostic = Diagnostic::error("E0101", "two quotes do not stand for one")
            .at(self.tree.place((first.start, self.tokens[end - 1].end)), "read as atoms beside each other")
            .help(format!("a text stands in double quotes: `\"{text}\"`; in an atom it is `'{atom}'`"));
        Some((diagnostic, Repair::Exchange(self.at..end, &[])))
    }

    /// `read(C, {value, >= 5})`
    fn threshold_with_sign(&self) -> Found {
        let signs =
            matches!(self.here.token, Token::Greater | Token::GreaterOrEqual | Token::Equal | Token::ExactlyEqual);
        let open = *self.open.last()?;
        let begins = self.before.is_some_and(|before| before.token == Token::Comma);
        let value = self.tokens.get(self.at + 1).filter(|next| next.token.starts_expression())?;
        let word = |at: usize| self.tokens.get(at).map_or("", |lexeme| self.written(*lexeme));
        let waits = |word: &str| matches!(word, "read" | "wait_needed" | "invariant" | "enforce_once");
        let (threshold, within) = match self.tokens[open].token {
            Token::OpenBrace if matches!(word(open + 1), "value" | "cardinality") => (word(open + 1), true),
            Token::OpenParenthesis if open.checked_sub(1).is_some_and(|at| waits(word(at))) => ("value", false),
            _ => return None,
        };
        let last = self.tokens[self.element().end - 1];
        if !signs || !begins {
            return None;
        }
        let written = self.shown(value.start, last.end).unwrap_or("5");
        let plain = format!("{{{threshold}, {written}}}");
        let meant = if self.here.token == Token::Greater { format!("{{strict, {plain}}}") } else { plain };
        let help = format!("a threshold is what has to be reached: write `{meant}`");
        let diagnostic = Diagnostic::error("E0101", format!("a threshold has no `{}`", self.written(self.here)))
            .at(self.span(self.here), "not needed")
            .help(help);
        let repair = if within { Repair::Remove(self.at) } else { self.lose_element() };
        Some((diagnostic, repair))
    }

    /// `[X || X <- L;]`, `{1; 2}`
    fn semicolon_in_brackets(&self) -> Found {
        let open = *self.open.last()?;
        let closer = self.tokens[open].token.closer().filter(|closer| *closer != Token::End)?;
        let next = self.tokens.get(self.at + 1)?;
        if self.here.token != Token::Semicolon {
            return None;
        }
        if next.token == closer {
            let diagnostic = Diagnostic::error("E0105", "a `;` stands before nothing")
                .at(self.span(self.here), "nothing follows")
                .help("separators stand between things, never behind the last one: take it away");
            return Some((diagnostic, Repair::Remove(self.at)));
        }
        // Where the bracket is closed elsewhere, or nowhere, that is what is wrong.
        let Repair::Replace(brackets) = self.lose_brackets(open) else { return None };
        let last = self.tokens[brackets.end - 1];
        self.shown(self.tokens[open].start, last.end).filter(|_| last.token == closer)?;
        let diagnostic = Diagnostic::error("E0103", COMMA_BETWEEN)
            .at(self.span(self.here), "`,` belongs here")
            .help("`;` separates the clauses of a function, a `case` or an `if`");
        Some((diagnostic, Repair::Substitute(self.at, &[Token::Comma])))
    }

    /// `S |= {1, 2}`
    fn union_in_place(&self) -> Found {
        let name = self.before.filter(|before| matches!(before.token, Token::Variable | Token::Atom))?;
        let sign = *self.tokens.get(self.at + 1).filter(|next| next.start == self.here.end)?;
        if self.here.token != Token::Bar || sign.token != Token::Match {
            return None;
        }
        let name = capital(self.written(name));
        let diagnostic = Diagnostic::error("E0108", "`|=` is not an operator here")
            .at(self.tree.place((self.here.start, sign.end)), "nothing can be changed in place")
            .help(format!("what is in a list is added by `update({name}, {{add_all, List}})`, what is in another variable by `bind_to({name}, Other)`"));
        Some((diagnostic, self.lose_element()))
    }

    /// `X, *Rest = [1, 2, 3]`, `f(*Arguments)`
    fn star_before_name(&self) -> Found {
        let name = self.tokens.get(self.at + 1).filter(|next| next.token.starts_expression())?;
        let begins = self.before.is_none_or(|before| !before.token.ends_expression());
        if self.here.token != Token::Times || !begins || name.start != self.here.end {
            return None;
        }
        let name = self.written(*name);
        let argument = self.innermost().is_some_and(|open| open.token == Token::OpenParenthesis);
        let diagnostic = Diagnostic::error("E0108", "`*` stands between two numbers")
            .at(self.span(self.here), "not known before a value");
        if argument {
            return Some((diagnostic.help("a list is handed on as one argument"), Repair::Remove(self.at)));
        }
        let help = format!("the rest of a list stands behind a bar: `[First | {name}] = List`");
        Some((diagnostic.help(help), Repair::GiveUp))
    }

    /// `f(X: i32) -> X`, `fun(X :: integer()) -> X end`, `Total: integer = 5`
    fn name_with_type(&self) -> Found {
        let element = self.element();
        let at = |offset: usize| self.tokens.get(element.start + offset).copied();
        let (name, colon, mut kind) = (at(0)?, at(1)?, at(2)?);
        // A path, `HashSet::new()`, has no space before it.
        if kind.token == Token::Colon && colon.start > name.end {
            kind = at(3)?;
        }
        let sign = (element.start + 2..element.end).find(|index| self.tokens[*index].token == Token::Match);
        let fits = match self.innermost().map(|open| open.token) {
            None => sign.is_some(),
            Some(open) => open == Token::OpenParenthesis,
        };
        let types = matches!(kind.token, Token::Atom | Token::Variable | Token::OpenBracket | Token::OpenBrace);
        let named = name.token == Token::Variable && colon.token == Token::Colon;
        if !fits || !types || !named || self.at < element.start + 2 {
            return None;
        }
        let name = self.written(name);
        let end = sign.unwrap_or(element.end);
        let last = self.tokens[end - 1];
        let diagnostic = Diagnostic::error("E0108", "no types are written")
            .at(self.tree.place((colon.start, last.end)), "take it away")
            .help(format!("what `{name}` may be is found out from how it is used: write `{name}` alone"));
        Some((diagnostic, Repair::Exchange(element.start + 1..end, &[])))
    }

    /// `(x, y) => x + y`
    fn arrow_behind_parentheses(&self) -> Found {
        let open = *self.open.last().filter(|open| self.tokens[**open].token == Token::OpenParenthesis)?;
        let called = open.checked_sub(1).is_some_and(|before| self.tokens[before].token.ends_expression());
        let Repair::Replace(brackets) = self.lose_brackets(open) else { return None };
        let signs = |lexeme: &&Lexeme| matches!(lexeme.token, Token::Put | Token::Arrow);
        let arrow = *self.tokens.get(brackets.end).filter(signs)?;
        let empty = self.at == open + 1 && self.here.token == Token::CloseParenthesis;
        if called || self.here.token != Token::Comma && !empty {
            return None;
        }
        let inside = self.tokens.get(open + 1..brackets.end.checked_sub(1)?)?;
        let names = inside.iter().filter(|lexeme| matches!(lexeme.token, Token::Atom | Token::Variable));
        let names: Vec<String> = names.map(|lexeme| capital(self.written(*lexeme))).collect();
        let diagnostic = match arrow.token {
            Token::Arrow => Diagnostic::error("E0101", "a function without a name begins with `fun`")
                .at(self.tree.place((self.tokens[open].start, arrow.end)), "a function begins here"),
            _ => Diagnostic::error("E0108", "`=>` does not make a function")
                .at(self.span(arrow), "stands between key and value of a map only"),
        };
        let diagnostic = diagnostic.help(format!("write `fun({}) -> .. end`", names.join(", ")));
        let end = self.end_of_expression(brackets.end + 1);
        Some((diagnostic, Repair::Replace(open..end)))
    }

    /// Where the expression ends that begins there.
    fn end_of_expression(&self, from: usize) -> usize {
        let mut depth = 0_usize;
        let ends = |index: &usize| {
            let token = self.tokens[*index].token;
            if repair::opens(self.tokens, *index) {
                depth += 1;
            } else if token.closes() {
                match depth.checked_sub(1) {
                    Some(less) => depth = less,
                    None => return true,
                }
            }
            depth == 0 && matches!(token, Token::Comma | Token::Semicolon | Token::Dot)
        };
        (from..self.tokens.len()).find(ends).unwrap_or(self.tokens.len() - 1)
    }

    /// `update(S, {add, X}) || X <- L`
    fn comprehension_without_brackets(&self) -> Found {
        let statement = self.open.last().is_none_or(|open| self.tokens[*open].token.closer() == Some(Token::End));
        let end = self.end_of_expression(self.at + 1);
        let generates = self.tokens.get(self.at..end)?.iter().any(|lexeme| lexeme.token == Token::Generator);
        if self.here.token != Token::Bars || !statement || !generates {
            return None;
        }
        let start = self.element().start;
        let (first, last) = (self.tokens[start], self.tokens[end - 1]);
        let written = self.shown(first.start, last.end).unwrap_or("f(X) || X <- L");
        let diagnostic = Diagnostic::error("E0104", "a comprehension stands in brackets")
            .at(self.span(self.here), "between `[` and `]` only")
            .help(format!("write `[{written}]`"));
        Some((diagnostic, Repair::Replace(start..end)))
    }

    /// `print("a", end="")`: other names of arguments are told when names are looked up.
    fn word_as_argument_name(&self) -> Found {
        let open = *self.open.last().filter(|open| self.tokens[**open].token == Token::OpenParenthesis)?;
        let called = open.checked_sub(1).is_some_and(|before| self.tokens[before].token == Token::Atom);
        let next = self.tokens.get(self.at + 1).filter(|next| next.token == Token::Match)?;
        let word = self.written(self.here).starts_with(|first: char| first.is_ascii_lowercase());
        let before = self.before.filter(|before| before.token == Token::Comma || self.at == open + 1)?;
        if !called || !word {
            return None;
        }
        let end = self.end_of_expression(self.at + 2);
        let diagnostic = Diagnostic::error("E0108", "arguments have no names")
            .at(self.tree.place((self.here.start, next.end)), "not known here")
            .help("hand them on in order");
        let start = if before.token == Token::Comma { self.at - 1 } else { self.at };
        Some((diagnostic, Repair::Exchange(start..end, &[])))
    }

    /// `fun lists:reverse`
    fn function_without_arity(&self) -> Found {
        let name = self.before.filter(|before| before.token == Token::Atom)?;
        let is = |back: usize, token: Token| self.at.checked_sub(back).is_some_and(|at| self.tokens[at].token == token);
        let start = match () {
            () if is(2, Token::Fun) => self.at - 2,
            () if is(2, Token::Colon) && is(3, Token::Atom) && is(4, Token::Fun) => self.at - 4,
            () => return None,
        };
        if matches!(self.here.token, Token::Slash | Token::Colon | Token::OpenParenthesis) {
            return None;
        }
        let written = self.tree.slice((self.tokens[start].start, name.end));
        let diagnostic = Diagnostic::error("E0101", "the number of arguments is missing")
            .at(self.tree.place((self.tokens[start].start, name.end)), "`/` and a number belong behind this")
            .help(format!("write `{written}/1` for the function of one argument"));
        Some((diagnostic, Repair::Replace(start..self.at)))
    }

    /// `5u32`, `10px`
    fn number_with_type(&self) -> Found {
        let number = self.before.filter(|before| matches!(before.token, Token::Integer | Token::Float))?;
        if self.here.token != Token::Atom || number.end != self.here.start {
            return None;
        }
        let diagnostic = Diagnostic::error("E0108", "nothing stands right behind a number")
            .at(self.span(self.here), "take it away")
            .help(format!(
                "write `{}`: integers have any size, and units are for names and comments",
                self.written(number)
            ));
        Some((diagnostic, Repair::Remove(self.at)))
    }

    /// `if X > 1 do .. else .. end`, `case X do`
    fn do_behind_condition(&self) -> Found {
        let open = *self.open.last()?;
        let arrow = self.tokens[open..self.at].iter().any(|lexeme| lexeme.token == Token::Arrow);
        if self.written(self.here) != "do" || arrow || self.before.is_none_or(|before| !before.token.ends_expression())
        {
            return None;
        }
        let end = (self.at..self.tokens.len()).find(|index| self.tokens[*index].token == Token::End);
        match self.tokens[open].token {
            Token::If => {
                let diagnostic = self.no_word(self.here).help(crate::syntax::foreign::CLAUSES);
                Some((diagnostic, end.map_or_else(|| self.lose_block(open), |end| Repair::Replace(open..end + 1))))
            }
            Token::Case => {
                let diagnostic =
                    self.no_word(self.here).help("write `of` in its place: `case X of 1 -> one; _ -> other end`");
                Some((diagnostic, Repair::Substitute(self.at, &[Token::Of])))
            }
            _ => None,
        }
    }
}
