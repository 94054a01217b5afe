//! Constructs of other languages. Each is recognised where the parser stops in it, told once, and skipped as a whole, so that
//! what a beginner brings along gives one message and not one for each of its signs.

use crate::source::diagnostic::Diagnostic;
use crate::syntax::lexer::Lexeme;
use crate::syntax::repair;
use crate::syntax::repair::Place;
use crate::syntax::repair::Repair;
use crate::syntax::token::Token;

type Found = Option<(Diagnostic, Repair)>;

const LOOPS: &str = "there are no loops: use a comprehension, `[X * 2 || X <- L]`, `lists:foreach(F, L)`, or a function that calls itself";
pub(super) const CLAUSES: &str = "write `if X > 2 -> big; true -> small end`, or `case X of 1 -> one; _ -> other end`";
pub(super) const FUNCTION: &str = "write `double(X) -> X * 2.`: an arrow, the body, and a `.` at the end";
const TRY: &str =
    "there are no exceptions: a failing expression ends its own task, with its error; test before with `case` or `if`";

/// Words that begin a block in other languages, and what to write instead.
fn starter(word: &str) -> Option<&'static str> {
    Some(match word {
        "def" | "defp" | "fn" | "function" | "func" | "defn" | "sub" | "proc" | "async" => FUNCTION,
        "for" | "foreach" | "while" | "loop" | "do" => LOOPS,
        "class" | "struct" | "interface" | "impl" | "trait" | "enum" | "defstruct" => {
            "there are no records or classes: use maps, `#{name => \"Ann\"}`, and functions"
        }
        "defmodule" | "module" | "namespace" | "package" => {
            "a program is one file of forms: definitions stand in it as they are"
        }
        "import" | "include" | "use" | "require" | "from" => {
            "write `-import(module, [function/1]).`, or call `module:function(X)`"
        }
        "switch" | "match" => "write `case X of 1 -> one; _ -> other end`",
        "with" | "using" => "write the expressions one after the other, separated by `,`",
        "export" | "public" | "private" | "static" | "pub" => {
            "all functions of a program can be called: take the word away"
        }
        "if" | "else" | "elif" | "unless" | "cond" => CLAUSES,
        "try" | "except" | "catch" | "finally" => TRY,
        _ => return None,
    })
}

impl Place<'_> {
    /// What of another language stands at the mistake.
    pub(super) fn construct(&self) -> Found {
        self.mailbox_or_exception()
            .or_else(|| self.declaration())
            .or_else(|| self.block_with_colon())
            .or_else(|| self.fun_in_braces())
            .or_else(|| self.block_in_braces())
            .or_else(|| self.fun_with_small_name())
            .or_else(|| self.condition_behind())
            .or_else(|| self.foreign_statement())
            .or_else(|| self.semicolon_after_statement())
            .or_else(|| self.assignment_operator())
            .or_else(|| self.index())
            .or_else(|| self.arrow_function())
            .or_else(|| self.marked_text())
            .or_else(|| self.comprehension())
            .or_else(|| self.dictionary())
            .or_else(|| self.tuple_in_parentheses())
            .or_else(|| self.word_operator())
            .or_else(|| self.pipe())
            .or_else(|| self.binary())
            .or_else(|| self.case_without_of())
            .or_else(|| self.bare_argument())
            .or_else(|| self.comma_between_clauses())
            .or_else(|| self.word_as_atom())
    }

    fn word(&self, lexeme: Lexeme) -> &str {
        self.written(lexeme)
    }

    fn next(&self) -> Option<Lexeme> {
        self.tokens.get(self.at + 1).copied()
    }

    /// Whether the second token follows the first without a space.
    fn adjacent(first: Lexeme, second: Lexeme) -> bool {
        first.end == second.start
    }

    /// Whether a token is the last on its line.
    fn ends_line(&self, index: usize) -> bool {
        match self.tokens.get(index + 1) {
            Some(next) => {
                self.tree.slice((self.tokens[index].end, next.start)).contains('\n') || next.start == next.end
            }
            None => true,
        }
    }

    fn starts_line(&self, index: usize) -> bool {
        index == 0 || self.ends_line(index - 1)
    }

    /// Forgets what belongs to a block that starts at `from`: up to the next line that is not indented more and does not
    /// go on with it.
    pub(super) fn lose_block(&self, from: usize) -> Repair {
        let first = (0..=from).rev().find(|index| self.starts_line(*index)).unwrap_or(0);
        let column = self.column(self.tokens[first]);
        let goes_on = |lexeme: Lexeme| {
            lexeme.token.closes() || matches!(self.word(lexeme), "else" | "elif" | "except" | "catch" | "finally" | ".")
        };
        let next = (from + 1..self.tokens.len())
            .find(|index| {
                let lexeme = self.tokens[*index];
                self.starts_line(*index) && self.column(lexeme) <= column && !goes_on(lexeme)
            })
            .filter(|index| self.tokens[*index].token != Token::Dot);
        next.map_or(Repair::GiveUp, Repair::LoseUntil)
    }

    /// `receive .. end`, `try .. catch .. end`
    fn mailbox_or_exception(&self) -> Found {
        let word = self.word(self.here);
        let help = match word {
            "receive" => {
                "there are no mailboxes: a task waits for a variable, `read(Inbox, {cardinality, 1})`, and others write into it, `update(Inbox, {add, Message})`"
            }
            "try" => TRY,
            "maybe" if self.next().is_some_and(|next| next.token.starts_expression()) => {
                "write `case X of {ok, Y} -> Y; Other -> Other end`"
            }
            _ => return None,
        };
        if self.here.token != Token::Reserved {
            return None;
        }
        let diagnostic = self.no_word(self.here).help(help);
        let mut depth = 0_usize;
        for index in self.at + 1..self.tokens.len() {
            let token = self.tokens[index].token;
            if repair::opens(self.tokens, index) || matches!(self.word(self.tokens[index]), "try" | "receive") {
                depth += 1;
            } else if token == Token::End && depth == 0 {
                return Some((diagnostic, Repair::Replace(self.at..index + 1)));
            } else if token.closes() {
                depth = depth.saturating_sub(1);
            }
        }
        Some((diagnostic, self.lose_block(self.at)))
    }

    /// `-spec f(integer()) -> integer().`
    fn declaration(&self) -> Found {
        let name = *self.tokens.get(1)?;
        let word = self.word(name);
        let known = matches!(word, "spec" | "type" | "opaque" | "callback" | "behaviour" | "behavior" | "nominal");
        if self.tokens[0].token != Token::Minus || !known || self.at < 2 {
            return None;
        }
        let diagnostic = Diagnostic::warning("E0212", format!("`-{word}` has no effect"))
            .at(self.span(name), "not needed")
            .help("take it away: types are found out, not declared");
        Some((diagnostic, Repair::GiveUp))
    }

    /// `if X > 2:`, `def f(x):`
    fn block_with_colon(&self) -> Found {
        let colon = (0..=self.at)
            .find(|index| self.tokens[*index].token == Token::Colon && *index > 0 && self.ends_line(*index))?;
        let first = (0..colon).rev().find(|index| self.starts_line(*index))?;
        let word = self.word(self.tokens[first]);
        let help = starter(word).or_else(|| (self.tokens[first].token == Token::Case).then_some(CLAUSES))?;
        let diagnostic = match self.tokens[first].token {
            Token::If | Token::Case => self.colon(self.tokens[colon]),
            _ => self.no_word(self.tokens[first]),
        };
        let diagnostic = diagnostic.help(help);
        Some((diagnostic, self.lose_block(first)))
    }

    /// `if (X > 2) {`, `function f(x) {`
    fn block_in_braces(&self) -> Found {
        let before = self.before?;
        let opens = self.here.token == Token::OpenBrace && (self.ends_line(self.at) || self.open.is_empty());
        let fits = before.token == Token::CloseParenthesis || self.word(before) == "else" || before.token == Token::Put;
        if !opens || !fits {
            return None;
        }
        let first = (0..self.at).rev().find(|index| self.starts_line(*index)).unwrap_or(0);
        let word = self.word(self.tokens[first]);
        let help = starter(word).unwrap_or(FUNCTION);
        let is_word = starter(word).is_some() && self.tokens[first].token == Token::Atom;
        let diagnostic = if is_word {
            self.no_word(self.tokens[first])
        } else {
            Diagnostic::error("E0113", "a block does not stand in braces").at(self.span(self.here), "`->` belongs here")
        };
        Some((diagnostic.help(help), self.lose_block(first)))
    }

    /// `fun(X) { X * 2 }`
    fn fun_in_braces(&self) -> Found {
        let open = *self.open.last()?;
        let head = self.tokens[open].token == Token::Fun
            && self.before.is_some_and(|before| before.token == Token::CloseParenthesis)
            && !self.tokens[open..self.at].iter().any(|lexeme| lexeme.token == Token::Arrow);
        if self.here.token != Token::OpenBrace || !head {
            return None;
        }
        let diagnostic = Diagnostic::error("E0113", "a block does not stand in braces")
            .at(self.span(self.here), "`->` belongs here")
            .help("write `fun(X) -> X * 2 end`");
        match self.lose_brackets(self.at) {
            Repair::Replace(body) => Some((diagnostic, Repair::Replace(open..body.end))),
            other => Some((diagnostic, other)),
        }
    }

    /// `fun double(X) -> X * 2 end`
    fn fun_with_small_name(&self) -> Found {
        let name = self.before.filter(|before| before.token == Token::Atom)?;
        let fun = self.at.checked_sub(2).map(|at| self.tokens[at].token)?;
        if self.here.token != Token::OpenParenthesis || fun != Token::Fun {
            return None;
        }
        let written = self.word(name);
        let diagnostic = Diagnostic::error("E0101", "the name of a `fun` starts with a capital letter")
            .at(self.span(name), "not a name for it")
            .help(format!("write `fun(X) -> .. end`, or `{written}(X) -> ..` as a form of its own"));
        Some((diagnostic, Repair::Remove(self.at - 1)))
    }

    /// `X = 1 if A else 2`
    fn condition_behind(&self) -> Found {
        let before = self.before.filter(|before| before.token.ends_expression())?;
        let otherwise = self.tokens[self.at..].iter().any(|lexeme| self.word(*lexeme) == "else");
        let one_line = !self.tree.slice((before.end, self.here.start)).contains('\n');
        if self.here.token != Token::If || !otherwise || !one_line {
            return None;
        }
        let diagnostic = Diagnostic::error("E0113", "`if` stands in front of its condition and of both values")
            .at(self.span(self.here), "not behind a value")
            .help("write `if Condition -> 1; true -> 2 end`");
        Some((diagnostic, self.lose_element()))
    }

    /// A form that begins with a word of another language, and a name or bracket behind it.
    fn foreign_statement(&self) -> Found {
        let (first, second) = (self.tokens[0], *self.tokens.get(1)?);
        let word = self.word(first);
        if first.token != Token::Atom || !second.token.starts_expression() {
            return None;
        }
        let with_parentheses = second.token == Token::OpenParenthesis;
        if with_parentheses && !matches!(word, "for" | "while" | "foreach" | "switch") {
            return None;
        }
        let help = starter(word)?;
        // `def f(X) -> X.` has one word too many.
        let line_end = (0..self.tokens.len()).find(|index| self.ends_line(*index)).unwrap_or(self.tokens.len() - 1);
        if help == FUNCTION && self.tokens[..=line_end].iter().any(|lexeme| lexeme.token == Token::Arrow) {
            return None;
        }
        let diagnostic = self.no_word(first).help(help);
        Some((diagnostic, self.lose_block(0)))
    }

    /// `X = 1;`
    fn semicolon_after_statement(&self) -> Found {
        let in_function = self.tokens[..self.at].iter().any(|lexeme| lexeme.token == Token::Arrow);
        if self.here.token != Token::Semicolon || !self.open.is_empty() || in_function || self.at == 0 {
            return None;
        }
        let diagnostic = self.semicolon(self.here);
        let last = self.next().is_none_or(|next| next.token == Token::Dot);
        Some((diagnostic, if last { Repair::Remove(self.at) } else { Repair::SplitAtSeparator(self.at) }))
    }

    /// `X += 1`, `X++`
    fn assignment_operator(&self) -> Found {
        let before = self.before?;
        let changed = self.changed_in_place();
        let bound_once = self.at.checked_sub(2).map(|at| self.tokens[at]).filter(|name| name.token == Token::Variable);
        let bound_once = bound_once.map(|name| {
            let (name, sign) = (self.word(name), if before.token == Token::Subtract { "decrement" } else { "increment" });
            format!("a counter is changed by `update({name}, {sign})`; a plain value gets a new name: `{name}2 = {name} + 1`")
        });
        let bound_once = bound_once.as_deref().unwrap_or("a name is bound once: write `X2 = X + 1`; what changes is a variable: `C = declare(counter)`, `update(C, increment)`");
        let arithmetic = matches!(before.token, Token::Plus | Token::Minus | Token::Times | Token::Slash);
        if self.here.token == Token::Match && arithmetic && Place::adjacent(before, self.here) {
            let place = self.tree.place((before.start, self.here.end));
            let operator = self.tree.slice((before.start, self.here.end));
            let diagnostic = Diagnostic::error("E0108", format!("`{operator}` is not an operator here"))
                .at(place, "nothing can be changed in place")
                .help(changed.as_deref().unwrap_or(bound_once));
            let small = self.at.checked_sub(2).is_some_and(|at| self.tokens[at].token == Token::Atom);
            return Some((diagnostic, if small { self.lose_element() } else { Repair::Remove(self.at - 1) }));
        }
        let ends = matches!(self.here.token, Token::Dot | Token::Comma | Token::Semicolon) || self.here.token.closes();
        if ends && matches!(before.token, Token::Append | Token::Subtract) {
            let operator = self.word(before);
            let diagnostic =
                Diagnostic::error("E0108", format!("`{operator}` stands between two lists, and counts nothing"))
                    .at(self.span(before), "nothing can be changed in place")
                    .help(bound_once);
            return Some((diagnostic, Repair::Remove(self.at - 1)));
        }
        None
    }

    /// What to write for `X += 1`, with its names.
    fn changed_in_place(&self) -> Option<String> {
        let sign = self.before?;
        let name = self.at.checked_sub(2).map(|at| self.tokens[at]).filter(|name| name.token == Token::Variable)?;
        let operand = self.next().filter(|next| next.token.starts_expression())?;
        let last = self.tokens[self.element().end - 1];
        let text = self.tree.slice((operand.start, last.end));
        let value = if text.contains('\n') || text.len() > 40 { "1" } else { text };
        let (name, sign) = (self.word(name), self.word(sign));
        let counts = match sign {
            "+" => format!(
                "`update({name}, {{increment, {value}}})` if `{name}` is a counter, `update({name}, {{add, {value}}})` if it is a set"
            ),
            "-" => format!(
                "`update({name}, {{decrement, {value}}})` if `{name}` is a counter, `update({name}, {{rmv, {value}}})` if it is a set"
            ),
            _ => return None,
        };
        Some(format!(
            "a variable is changed by an operation: {counts}; a plain value gets a new name: `{name}2 = {name} {sign} {value}`"
        ))
    }

    /// `L[0]`
    fn index(&self) -> Found {
        let before = self.before.filter(|before| Place::adjacent(*before, self.here))?;
        let subject = matches!(before.token, Token::Variable | Token::CloseBracket | Token::CloseParenthesis);
        if self.here.token != Token::OpenBracket || !subject {
            return None;
        }
        let help = self.element_reached(before).unwrap_or_else(|| {
            "write `lists:nth(1, L)` for the first element of a list, `maps:get(Key, M)` for a map".to_owned()
        });
        let diagnostic = Diagnostic::error("E0108", "elements are not reached with brackets")
            .at(self.span(self.here), "`[` begins a list")
            .help(help);
        Some((diagnostic, self.lose_element()))
    }

    /// What to write for `L[0]`, `M["a"]`, `L[1:]`, with their names.
    fn element_reached(&self, subject: Lexeme) -> Option<String> {
        let (name, key) = (self.word(subject), self.next()?);
        if subject.token != Token::Variable {
            return None;
        }
        let closes = self.tokens.get(self.at + 2).is_some_and(|next| next.token == Token::CloseBracket);
        let sliced = self.tokens.get(self.at + 2).is_some_and(|next| next.token == Token::Colon);
        let number = self.word(key).parse::<u32>().ok().filter(|_| key.token == Token::Integer);
        let key_written = self.word(key);
        match number {
            Some(at) if closes => {
                let place = at.saturating_add(1);
                Some(format!(
                    "write `lists:nth({place}, {name})`: places are counted from 1; for a map `maps:get({at}, {name})`"
                ))
            }
            Some(at) if sliced => Some(format!(
                "write `lists:nthtail({at}, {name})` for all but the first {at}, `lists:sublist({name}, N)` for the first N"
            )),
            None if closes && key.token != Token::Variable => Some(format!("write `maps:get({key_written}, {name})`")),
            None if closes => Some(format!(
                "write `lists:nth({key_written}, {name})` for a list, counted from 1, `maps:get({key_written}, {name})` for a map"
            )),
            _ => None,
        }
    }

    /// `X => X * 2`
    fn arrow_function(&self) -> Found {
        let in_map = self.innermost().is_some_and(|open| open.token == Token::OpenMap);
        let before = self.before?;
        let head = matches!(before.token, Token::Variable | Token::Atom | Token::CloseParenthesis);
        if self.here.token != Token::Put || in_map || !head {
            return None;
        }
        let diagnostic = Diagnostic::error("E0108", "`=>` does not make a function")
            .at(self.span(self.here), "stands between key and value of a map only")
            .help("write `fun(X) -> X * 2 end`");
        Some((diagnostic, self.lose_element()))
    }

    /// `f"hello {Name}"`
    fn marked_text(&self) -> Found {
        let before = self.before.filter(|before| Place::adjacent(*before, self.here))?;
        if self.here.token != Token::Text || before.token != Token::Atom {
            return None;
        }
        let diagnostic = Diagnostic::error("E0108", format!("a text has no mark before it: `{}`", self.word(before)))
            .at(self.span(before), "not known here")
            .help("texts are joined with `++`: `\"hello \" ++ Name`; numbers are written into them with `io:format(\"~p~n\", [N])`");
        Some((diagnostic, Repair::Remove(self.at - 1)))
    }

    /// `[x * 2 for x in L]`
    fn comprehension(&self) -> Found {
        let open = *self.open.last()?;
        if self.word(self.here) != "for" || !matches!(self.tokens[open].token, Token::OpenBracket | Token::OpenBrace) {
            return None;
        }
        let diagnostic = self.no_word(self.here).help("a comprehension is written `[X * 2 || X <- L, X > 1]`");
        Some((diagnostic, self.lose_brackets(open)))
    }

    /// `{"a": 1, b: 2}`
    fn dictionary(&self) -> Found {
        let open = *self.open.last()?;
        let fits = matches!(self.here.token, Token::Comma | Token::CloseBrace | Token::Colon);
        if self.tokens[open].token != Token::OpenBrace || !fits {
            return None;
        }
        let colon = self.element().chain([self.at]).find(|index| self.tokens[*index].token == Token::Colon)?;
        let diagnostic = Diagnostic::error("E0108", "a map is written with `#{` and `=>`")
            .at(self.span(self.tokens[open]), "begins a tuple")
            .at(self.span(self.tokens[colon]), "`=>` belongs here")
            .help("write `#{a => 1, \"b\" => 2}`");
        let key = self.word(self.tokens[open + 1]);
        let operation = matches!(key, "add" | "rmv" | "remove" | "increment" | "decrement" | "set" | "apply" | "value");
        let diagnostic = if operation && colon == open + 2 {
            diagnostic.help(format!("an operation or a threshold is a tuple, with a comma: `{{{key}, 1}}`"))
        } else {
            diagnostic
        };
        Some((diagnostic, self.lose_brackets(open)))
    }

    /// `(1, 2)`
    fn tuple_in_parentheses(&self) -> Found {
        let open = *self.open.last()?;
        let called = open.checked_sub(1).map(|index| self.tokens[index].token);
        let called = called.is_some_and(|token| token.ends_expression() || token == Token::Fun);
        if self.here.token != Token::Comma || self.tokens[open].token != Token::OpenParenthesis || called {
            return None;
        }
        let diagnostic = Diagnostic::error("E0101", "a tuple stands in braces")
            .at(self.span(self.tokens[open]), "groups one expression")
            .at(self.span(self.here), "so that a second does not fit")
            .help("write `{1, 2}`");
        Some((diagnostic, self.lose_brackets(open)))
    }

    /// `X is Y`, `X in L`
    fn word_operator(&self) -> Found {
        self.before.filter(|before| before.token.ends_expression())?;
        let word = self.word(self.here);
        let help = match word {
            "is" | "eq" | "equals" => "write `X == Y`",
            "isnt" | "ne" => "write `X /= Y`",
            "in" => "write `lists:member(X, L)`; in a comprehension `X <- L`",
            "mod" => "write `X rem Y`",
            _ => return None,
        };
        let diagnostic = Diagnostic::error("E0108", format!("`{word}` is not an operator here"))
            .at(self.span(self.here), "not known here")
            .help(help);
        Some((diagnostic, Repair::Substitute(self.at, &[Token::Equal])))
    }

    /// `L |> f()`
    fn pipe(&self) -> Found {
        let next = self.next().filter(|next| Place::adjacent(self.here, *next))?;
        if self.here.token != Token::Bar || next.token != Token::Greater {
            return None;
        }
        let diagnostic = Diagnostic::error("E0108", "`|>` is not an operator here")
            .at(self.tree.place((self.here.start, next.end)), "not known here")
            .help(
                "calls stand within each other, `lists:sum(lists:sort(L))`, or one after the other with names between",
            );
        Some((diagnostic, self.lose_element()))
    }

    /// `<<A:8, Rest/binary>>`
    fn binary(&self) -> Found {
        let open = *self.open.last()?;
        if self.tokens[open].token != Token::OpenBinary {
            return None;
        }
        let diagnostic = Diagnostic::error("E0115", "`<<..>>` holds one text, and nothing else")
            .at(self.span(self.here), "not a text")
            .help("there are no binaries: texts are taken apart with `string:slice`, `string:split` and `\"prefix\" ++ Rest`");
        Some((diagnostic, self.lose_brackets(open)))
    }

    /// `case X 1 -> ..`
    fn case_without_of(&self) -> Found {
        let open = *self.open.last()?;
        let has_of = self.tokens[open..self.at].iter().any(|lexeme| lexeme.token == Token::Of);
        let could =
            self.here.token.starts_expression() && self.before.is_some_and(|before| before.token.ends_expression());
        if self.tokens[open].token != Token::Case || has_of || !could {
            return None;
        }
        let end = self.before.map_or(self.here.start, |before| before.end);
        let diagnostic = Diagnostic::error("E0101", "`of` is missing")
            .at(self.tree.place((self.tokens[open].start, end)), "`of` belongs behind this")
            .help("write `case X of 1 -> one; _ -> other end`");
        Some((diagnostic, Repair::Insert(self.at, Token::Of)))
    }

    /// `fun X -> X + 1 end`
    fn bare_argument(&self) -> Found {
        let start = self.at.checked_sub(2)?;
        let (word, name) = (self.tokens[start], self.tokens[start + 1]);
        if self.here.token != Token::Arrow || word.token != Token::Fun || name.token != Token::Variable {
            return None;
        }
        let name_written = self.written(name);
        let diagnostic = Diagnostic::error("E0103", "the arguments of a `fun` stand in parentheses")
            .at(self.span(name), "an argument")
            .help(format!("write `fun({name_written}) -> .. end`"));
        let repaired: &[Token] = &[Token::OpenParenthesis, Token::CloseParenthesis, Token::Arrow];
        Some((diagnostic, Repair::Substitute(self.at, repaired)))
    }

    /// `case X of 1 -> one, 2 -> two end`
    fn comma_between_clauses(&self) -> Found {
        let open = *self.open.last()?;
        if !matches!(self.here.token, Token::Arrow | Token::When)
            || self.tokens[open].token.closer() != Some(Token::End)
        {
            return None;
        }
        let separator = self.element().start.checked_sub(1).filter(|index| *index > open)?;
        let earlier = self.tokens[open..separator].iter().any(|lexeme| lexeme.token == Token::Arrow);
        // What stands between may have been meant as an expression, where another line begins in it.
        let one_line = (separator + 2..=self.at).all(|index| !self.starts_line(index));
        if self.tokens[separator].token != Token::Comma || !earlier || !one_line && !self.starts_line(separator + 1) {
            return None;
        }
        let diagnostic = Diagnostic::error("E0103", "a `;` belongs between clauses")
            .at(self.span(self.tokens[separator]), "`;` belongs here")
            .at(self.span(self.tokens[separator + 1]), "a clause starts here")
            .help("clauses are separated by `;`, expressions by `,`");
        Some((diagnostic, Repair::Substitute(separator, &[Token::Semicolon])))
    }

    /// `{band, 2}`
    fn word_as_atom(&self) -> Found {
        let word = self.word(self.here);
        let is_word = self.here.token != Token::Atom && word.starts_with(|c: char| c.is_ascii_lowercase());
        let ends_something = self.here.token == Token::End
            && self.open.iter().any(|open| self.tokens[*open].token.closer() == Some(Token::End));
        let opens = |token: Token| {
            matches!(
                token,
                Token::OpenBrace | Token::OpenBracket | Token::OpenParenthesis | Token::Comma | Token::OpenMap
            )
        };
        let closes =
            |token: Token| token == Token::Comma || token == Token::Put || (token.closes() && token != Token::End);
        let stands_alone =
            self.before.is_some_and(|before| opens(before.token)) && self.next().is_some_and(|next| closes(next.token));
        if !is_word || ends_something || !stands_alone {
            return None;
        }
        let diagnostic = Diagnostic::error("E0101", format!("`{word}` is a word of the language"))
            .at(self.span(self.here), "not an atom")
            .help(format!("as an atom it needs quotes: `'{word}'`"));
        Some((diagnostic, Repair::Substitute(self.at, &[Token::Atom])))
    }
}
