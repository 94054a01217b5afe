//! Constructs of Rust, Elixir, ML and SQL, as `foreign.rs` has those of older languages: closures between bars, names of
//! arguments, atoms with a colon, `let .. in`, whole lines of SQL.

use crate::source::diagnostic::Diagnostic;
use crate::syntax::foreign;
use crate::syntax::guess::capital;
use crate::syntax::lexer::Lexeme;
use crate::syntax::repair;
use crate::syntax::repair::Place;
use crate::syntax::repair::Repair;
use crate::syntax::token::Token;

/// The longest text that is shown within a help.
const TEXT_MAX: usize = 72;

const FUN: &str = "a function without a name is `fun(X) -> X + 1 end`";

type Found = Option<(Diagnostic, Repair)>;

impl Place<'_> {
    /// What of these stands at the mistake.
    pub(super) fn dialect(&self) -> Found {
        self.function_with_types()
            .or_else(|| self.sql_statement())
            .or_else(|| self.sql_behind_sign())
            .or_else(|| self.sql_without_quotes())
            .or_else(|| self.let_with_in())
            .or_else(|| self.condition_with_then())
            .or_else(|| self.condition_in_braces())
            .or_else(|| self.clause_with_colon())
            .or_else(|| self.binding_with_colon())
            .or_else(|| self.piped_with_bar())
            .or_else(|| self.pattern_behind_word())
            .or_else(|| self.fun_without_name())
            .or_else(|| self.closure_in_bars())
            .or_else(|| self.match_block())
            .or_else(|| self.path())
            .or_else(|| self.colon_before_atom())
            .or_else(|| self.named_argument())
    }

    /// `fn add(a: i32, b: i32) -> i32 { a + b }`
    fn function_with_types(&self) -> Found {
        let word = self.tokens[0];
        let known = matches!(self.written(word), "fn" | "func" | "function" | "def" | "pub");
        let has = |token: Token| self.tokens.iter().any(|lexeme| lexeme.token == token);
        let named = self.tokens.get(1).is_some_and(|next| next.token == Token::Atom);
        if !known || !named || word.token != Token::Atom || !has(Token::Colon) || !has(Token::OpenBrace) {
            return None;
        }
        Some((self.no_word(word).help(foreign::FUNCTION), self.lose_block(0)))
    }

    /// `SELECT name FROM people;`, `delete M.a`
    fn sql_statement(&self) -> Found {
        let (first, second) = (self.tokens[0], *self.tokens.get(1)?);
        let apart = second.token.starts_expression() && second.token != Token::OpenParenthesis;
        // `select * from People` reads as a product at first.
        let all = second.token == Token::Times
            && self.tokens.get(2).is_some_and(|from| self.written(*from).eq_ignore_ascii_case("from"));
        if !all && (!apart || self.at != 1) || !matches!(first.token, Token::Atom | Token::Variable) {
            return None;
        }
        let help = match &*self.written(first).to_lowercase() {
            "select" => return Some((self.view_in_a_text(first), self.lose_block(0))),
            "insert" | "upsert" => "a row is added by `update(People, {add, #{name => \"Ann\"}})`",
            "create" => "a table is a variable: `People = declare(set)`",
            "delete" | "del" | "drop" => {
                "`maps:remove(Key, M)` is a map without a key; an element leaves a set by `update(S, {rmv, X})`"
            }
            _ => return None,
        };
        Some((self.no_word(first).help(help), self.lose_block(0)))
    }

    /// What is said of a view that stands in no text, with its own words where they fit.
    fn view_in_a_text(&self, select: Lexeme) -> Diagnostic {
        let ends = |lexeme: &&Lexeme| matches!(lexeme.token, Token::Semicolon | Token::Dot);
        let end = self.tokens.iter().find(ends).map_or(select.end, |lexeme| lexeme.start);
        let text = self.tree.slice((select.start, end)).trim_end();
        let fits = text.contains(' ') && text.len() <= TEXT_MAX && !text.contains(['\n', '"']);
        let text = if fits { text } else { "select name from People where age > 3" };
        self.no_word(select).help(format!("a view in SQL stands in a text: `V = sql(\"{text}\")`"))
    }

    /// `let X = 1 in X + 2`
    fn let_with_in(&self) -> Found {
        let is_let = |index: usize| self.written(self.tokens[index]) == "let";
        let start = if is_let(self.at) { self.at } else { self.at.checked_sub(1).filter(|before| is_let(*before))? };
        let name = *self.tokens.get(start + 1)?;
        let sign = *self.tokens.get(start + 2).filter(|sign| sign.token == Token::Match)?;
        let ends = self.outermost(start + 1, |token| matches!(token, Token::Comma | Token::Semicolon | Token::Dot))?;
        let within = (start + 4..ends).find(|index| {
            self.written(self.tokens[*index]) == "in" && self.tokens[*index - 1].token.ends_expression()
        })?;
        if !matches!(name.token, Token::Variable | Token::Atom) || within + 1 == ends {
            return None;
        }
        let value = self.tree.slice((sign.end, self.tokens[within].start)).trim();
        let body = self.tree.slice((self.tokens[within].end, self.tokens[ends - 1].end)).trim();
        // A small name would have to be written anew in all of it.
        let fits = name.token == Token::Variable
            && value.len() + body.len() <= TEXT_MAX
            && ![value, body].iter().any(|part| part.contains('\n') || part.contains("let "));
        let name = self.written(name);
        let written = if fits { format!("{name} = {value}, {body}") } else { format!("{} = .., ..", capital(name)) };
        let diagnostic =
            self.no_word(self.tokens[start]).at(self.span(self.tokens[within]), "a `,` belongs here").help(format!(
                "a name is bound without a word in front, and holds for what follows behind a `,`: `{written}`"
            ));
        Some((diagnostic, Repair::Replace(start..ends)))
    }

    /// `if X > 1 then a else b`
    fn condition_with_then(&self) -> Found {
        let open = *self.open.last().filter(|open| self.tokens[**open].token == Token::If)?;
        let arrow = self.tokens[open..self.at].iter().any(|lexeme| lexeme.token == Token::Arrow);
        if self.written(self.here) != "then" || self.here.token != Token::Atom || arrow || self.at == open + 1 {
            return None;
        }
        let closes = |token: Token| token.closer() == Some(Token::End);
        let begun = (0..self.tokens.len())
            .filter(|at| repair::opens(self.tokens, *at) && closes(self.tokens[*at].token))
            .count();
        let closed = self.tokens.iter().filter(|lexeme| lexeme.token == Token::End).count() >= begun;
        let end = if closed { self.outermost(self.at, |_| false)? } else { self.end_without_end(self.at) };
        let otherwise = (self.at..end).find(|index| self.written(self.tokens[*index]) == "else");
        let part = |from: usize, to: usize| self.tree.slice((self.tokens[from].end, self.tokens[to].start)).trim();
        // Within comparisons `and` means something else, and this message stands for that mistake too.
        let condition = part(open, self.at).replace(" and ", " andalso ").replace(" or ", " orelse ");
        let condition = &*condition;
        let (yes, no) = match otherwise {
            Some(at) => (part(self.at, at), part(at, end)),
            None => (part(self.at, end), "ok"),
        };
        let parts = [condition, yes, no];
        let fits = parts.iter().map(|part| part.len()).sum::<usize>() <= TEXT_MAX
            && parts.iter().all(|part| !part.is_empty() && !part.contains('\n'))
            && !parts
                .iter()
                .any(|part| ["then", "else", "===", "!=", "<=", "&&", "||"].iter().any(|word| part.contains(word)));
        let help = if !fits {
            foreign::CLAUSES.to_owned()
        } else if condition.contains('(') {
            // Of functions guards may call few.
            format!("write `case {condition} of true -> {yes}; false -> {no} end`")
        } else {
            format!(
                "an `if` has clauses, the last of which takes the rest: `if {condition} -> {yes}; true -> {no} end`"
            )
        };
        Some((self.no_word(self.here).help(help), Repair::Replace(open..end + usize::from(closed))))
    }

    /// Where an expression ends in which blocks are not closed.
    fn end_without_end(&self, from: usize) -> usize {
        let mut depth = 0_usize;
        let ends = |index: &usize| {
            let token = self.tokens[*index].token;
            let bracket = token.closer().is_some_and(|closer| closer != Token::End);
            match token {
                _ if bracket => depth += 1,
                token if token.closes() && depth == 0 => return true,
                token if token.closes() && token != Token::End => depth -= 1,
                _ => {}
            }
            depth == 0 && matches!(token, Token::Comma | Token::Semicolon | Token::Dot)
        };
        (from..self.tokens.len()).find(ends).unwrap_or(self.tokens.len() - 1)
    }

    /// `V = SELECT name FROM people`
    fn sql_behind_sign(&self) -> Found {
        let word = self.before.filter(|before| self.written(*before).eq_ignore_ascii_case("select"))?;
        let sign = self.at.checked_sub(2).map(|at| self.tokens[at].token);
        let from = self.tokens[self.at..].iter().any(|lexeme| self.written(*lexeme).eq_ignore_ascii_case("from"));
        if sign != Some(Token::Match) || !from {
            return None;
        }
        let end = self.outermost(self.at, |token| token == Token::Dot)?;
        let text = self.tree.slice((word.start, self.tokens[end - 1].end));
        let text = if text.contains(['\n', '"']) || text.len() > TEXT_MAX { "select .." } else { text };
        let diagnostic = self.no_word(word).help(format!("a view in SQL stands in a text: write `sql(\"{text}\")`"));
        Some((diagnostic, Repair::Replace(self.at - 1..end)))
    }

    /// `let {a, b} = Point`, `if let {ok, X} = Result {`
    fn pattern_behind_word(&self) -> Found {
        let at = usize::from(self.tokens[0].token == Token::If);
        let (word, next) = (*self.tokens.get(at)?, *self.tokens.get(at + 1)?);
        let known = matches!(self.written(word), "let" | "const" | "var" | "val");
        let opens = matches!(next.token, Token::OpenBrace | Token::OpenBracket);
        if !known || self.at > at + 1 {
            return None;
        }
        if at == 1 {
            let help = "write `case Value of {ok, X} -> X; _ -> none end`";
            return Some((self.no_word(word).help(help), self.lose_block(0)));
        }
        if !opens {
            return None;
        }
        let help = "a pattern has no word in front: `{A, B} = Pair`; a map is matched with its keys: `#{a := A} = M`";
        Some((self.no_word(word).help(help), self.lose_block(0)))
    }

    /// `F = fn x -> x + 1 end`
    fn fun_without_name(&self) -> Found {
        let word = self.before.filter(|before| self.written(*before) == "fn")?;
        let at = self.at - 1;
        if at == 0 || !self.here.token.starts_expression() {
            return None;
        }
        let diagnostic = self.no_word(word).help(FUN);
        let ends = self.outermost(self.at, |_| false);
        match ends.map(|index| (index, self.tokens[index].token)) {
            Some((index, Token::End)) => Some((diagnostic, Repair::Replace(at..index + 1))),
            Some((index, _)) => Some((diagnostic, Repair::Replace(at..index))),
            None => Some((diagnostic, self.lose_element())),
        }
    }

    /// The first token from there on, not counting what stands in brackets or blocks that begin there, that closes what is around,
    /// or that is wanted beside them.
    fn outermost(&self, from: usize, wanted: impl Fn(Token) -> bool) -> Option<usize> {
        let mut depth = 0_usize;
        (from..self.tokens.len()).find(|index| {
            let token = self.tokens[*index].token;
            if repair::opens(self.tokens, *index) {
                depth += 1;
            } else if token.closes() {
                match depth.checked_sub(1) {
                    Some(less) => depth = less,
                    None => return true,
                }
            }
            depth == 0 && wanted(token)
        })
    }

    /// `|x| x + 1`
    fn closure_in_bars(&self) -> Found {
        let begins = match self.before.map(|before| before.token) {
            Some(Token::OpenParenthesis | Token::Comma | Token::Match | Token::Arrow) | None => true,
            Some(_) => false,
        };
        let empty = self.here.token == Token::Bars;
        // Within brackets they belong to a list.
        let list = self.innermost().is_some_and(|open| matches!(open.token, Token::OpenBracket | Token::OpenMap));
        if list || !begins || !empty && self.here.token != Token::Bar {
            return None;
        }
        let rest = self.at + 1..self.tokens.len();
        let second = rest.clone().find(|index| self.tokens[*index].token == Token::Bar);
        let body = if empty { self.at + 1 } else { second? + 1 };
        let ends = self.outermost(body, |token| matches!(token, Token::Comma | Token::Dot))?;
        let diagnostic = Diagnostic::error("E0108", "a function without a name does not begin with `|`")
            .at(self.span(self.here), "`fun` belongs here")
            .help(FUN);
        Some((diagnostic, Repair::Replace(self.at..ends)))
    }

    /// `match X { 1 => one }` within an expression
    fn match_block(&self) -> Found {
        let word = self.before.filter(|before| matches!(self.written(*before), "match" | "switch"))?;
        let braces = self.tokens[self.at..].iter().any(|lexeme| lexeme.token == Token::OpenBrace);
        if self.at < 2 || !braces || !self.here.token.starts_expression() {
            return None;
        }
        let diagnostic = self.no_word(word).help("write `case X of 1 -> one; _ -> other end`");
        Some((diagnostic, self.lose_element()))
    }

    /// `HashSet::new()`
    fn path(&self) -> Found {
        let before = self.before.filter(|before| before.token == Token::Colon && before.end == self.here.start)?;
        if self.here.token != Token::Colon {
            return None;
        }
        let diagnostic = Diagnostic::error("E0108", "`::` is no sign of the language")
            .at(self.tree.place((before.start, self.here.end)), "one `:` stands before a function of a module")
            .help("functions of modules are written `lists:sum(L)`; nothing is made with `new`: `S = declare(set)`");
        Some((diagnostic, self.lose_element()))
    }

    /// `declare(:set)`
    fn colon_before_atom(&self) -> Found {
        let atom = *self.tokens.get(self.at + 1)?;
        let begins = self.before.is_none_or(|before| !before.token.ends_expression());
        let adjacent = atom.token == Token::Atom && atom.start == self.here.end;
        if self.here.token != Token::Colon || !begins || !adjacent {
            return None;
        }
        let diagnostic = Diagnostic::error("E0108", "an atom has no `:` in front")
            .at(self.span(self.here), "not needed")
            .help(format!("write `{}`", self.written(atom)));
        Some((diagnostic, Repair::Remove(self.at)))
    }

    /// `f(1, name: "Ann")`
    fn named_argument(&self) -> Found {
        let open = *self.open.last()?;
        let range = self.element();
        let (name, colon) = (*self.tokens.get(range.start)?, *self.tokens.get(range.start + 1)?);
        let apart = |colon: Lexeme| self.tokens.get(range.start + 2).is_some_and(|next| next.start > colon.end);
        let fits = name.token == Token::Atom && colon.token == Token::Colon && apart(colon);
        if self.tokens[open].token != Token::OpenParenthesis || !fits || self.at <= range.start + 1 {
            return None;
        }
        let diagnostic = Diagnostic::error("E0108", "arguments have no names")
            .at(self.tree.place((name.start, colon.end)), "not known here")
            .help("hand them on in order, or as a map: `#{name => \"Ann\"}`");
        Some((diagnostic, Repair::Replace(range)))
    }

    /// `sql(select name from People)`
    fn sql_without_quotes(&self) -> Found {
        let open = *self.open.last()?;
        let (verb, first) = (self.tokens[open.checked_sub(1)?], *self.tokens.get(open + 1)?);
        let selects = self.written(verb) == "sql" && self.written(first).eq_ignore_ascii_case("select");
        let Repair::Replace(range) = self.lose_brackets(open) else { return None };
        if !selects || range.len() < 3 {
            return None;
        }
        let last = self.tokens[range.end - 2];
        let text = self.tree.slice((first.start, last.end));
        let text = if text.contains(['\n', '"']) || text.len() > TEXT_MAX { "select .." } else { text };
        let diagnostic = Diagnostic::error("E0101", "a view in SQL stands in a text")
            .at(self.tree.place((first.start, last.end)), "quotes belong around this")
            .help(format!("write `sql(\"{text}\")`"));
        Some((diagnostic, Repair::Replace(range.start + 1..range.end - 1)))
    }

    /// `if (X > 2) { a } else { b }` on one line
    fn condition_in_braces(&self) -> Found {
        let open = *self.open.last()?;
        let arrow = self.tokens[open..self.at].iter().any(|lexeme| lexeme.token == Token::Arrow);
        let before = self.before.filter(|before| before.token.ends_expression())?;
        if self.tokens[open].token != Token::If || self.here.token != Token::OpenBrace || arrow {
            return None;
        }
        let condition = self.tree.slice((self.tokens[open].end, before.end)).trim();
        let bare = condition.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(condition);
        // What is written as elsewhere is told, and not repeated.
        let foreign = ["===", "!", "<=", "&&", "||"].iter().any(|sign| bare.contains(sign));
        let help = if foreign || bare.contains(['(', ')', '\n']) || bare.len() > TEXT_MAX {
            foreign::CLAUSES.to_owned()
        } else {
            format!("an `if` has clauses, the last of which takes the rest: `if {bare} -> ..; true -> .. end`")
        };
        let diagnostic = Diagnostic::error("E0113", "a block does not stand in braces")
            .at(self.span(self.here), "`->` belongs here")
            .help(help);
        Some((diagnostic, self.lose_block(open)))
    }

    /// `case X of 3: ok end`
    fn clause_with_colon(&self) -> Found {
        let open = *self.open.last()?;
        let of = (open..self.at).find(|index| self.tokens[*index].token == Token::Of)?;
        let colon = (of..self.at).find(|index| self.tokens[*index].token == Token::Colon)?;
        let arrow = self.tokens[of..self.at].iter().any(|lexeme| lexeme.token == Token::Arrow);
        let literal = matches!(self.tokens[colon - 1].token, Token::Integer | Token::Text | Token::Variable);
        if self.tokens[open].token != Token::Case || arrow || !literal {
            return None;
        }
        let diagnostic = self.colon(self.tokens[colon]).help("write `case X of 1 -> one; _ -> other end`");
        let end = self.outermost(self.at, |_| false).filter(|end| self.tokens[*end].token == Token::End);
        Some((diagnostic, end.map_or_else(|| self.lose_block(open), |end| Repair::Replace(open..end + 1))))
    }

    /// `X := 5`
    fn binding_with_colon(&self) -> Found {
        let name = self.before.filter(|before| matches!(before.token, Token::Variable | Token::Atom))?;
        if self.here.token != Token::Exactly || self.innermost().is_some_and(|open| open.token == Token::OpenMap) {
            return None;
        }
        if name.token == Token::Atom {
            let diagnostic = Diagnostic::error("E0108", "a name is bound with `=`")
                .at(self.span(self.here), "`=` belongs here")
                .help(format!("names start with a capital letter: write `{} = ..`, once", capital(self.written(name))));
            return Some((diagnostic, self.lose_element()));
        }
        let name = self.written(name);
        let diagnostic = Diagnostic::error("E0108", "a name is bound with `=`")
            .at(self.span(self.here), "`=` belongs here")
            .help(format!("write `{name} = ..`, once; `:=` stands between key and value of a map only"));
        Some((diagnostic, Repair::Substitute(self.at, &[Token::Match])))
    }

    /// `S | map(F)`
    fn piped_with_bar(&self) -> Found {
        let subject = self.before.filter(|before| matches!(before.token, Token::Variable | Token::CloseParenthesis))?;
        let (function, then) = (*self.tokens.get(self.at + 1)?, *self.tokens.get(self.at + 2)?);
        let list = self.innermost().is_some_and(|open| matches!(open.token, Token::OpenBracket | Token::OpenMap));
        let call = function.token == Token::Atom && then.token == Token::OpenParenthesis;
        if self.here.token != Token::Bar || list || !call {
            return None;
        }
        let subject = if subject.token == Token::Variable { self.written(subject) } else { "V" };
        let diagnostic = Diagnostic::error("E0108", "`|` is not an operator here")
            .at(self.span(self.here), "stands in lists only, `[First | Rest]`")
            .help(format!(
                "what a function works on stands in its parentheses: `{}({subject}, ..)`",
                self.written(function)
            ));
        Some((diagnostic, self.lose_block(self.at)))
    }
}
