//! Text to tokens: habits from other languages are told here and replaced by what is meant, so that the parser goes on as if
//! it had been written right.

use logos::Logos;

use crate::source::diagnostic::Diagnostic;
use crate::source::span::FileId;
use crate::source::span::Span;
use crate::syntax::guess;
use crate::syntax::token::Token;
use crate::syntax::tree::Range;

/// What is said of `Pid ! Message`.
pub const NO_SENDING: &str = "there are no messages to send";

/// A token and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Lexeme {
    /// Its kind.
    pub token: Token,
    /// Its first byte.
    pub start: u32,
    /// The byte behind it.
    pub end: u32,
}

/// A whole text as tokens.
#[derive(Debug, Default)]
pub struct Lexed {
    /// The tokens; if there are any, the last is a `.`.
    pub tokens: Vec<Lexeme>,
    /// The comments.
    pub comments: Vec<Range>,
    /// What is wrong with them.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether the last `.` was missing.
    pub dot_added: bool,
    /// Whether a text was not finished.
    pub text_open: bool,
}

/// Reads `text`, which is shorter than four gigabytes.
#[must_use]
pub fn lex(file: FileId, text: &str) -> Lexed {
    let mut reader = Reader { file, text, base: 0, told_until: 0, out: Lexed::default() };
    reader.out.tokens.reserve(text.len() / 4);
    let mut lexer = Token::lexer(text);
    while let Some(token) = lexer.next() {
        let span = lexer.span();
        let (start, end) = (reader.base + span.start, reader.base + span.end);
        if let Some(resume) = reader.take(token.ok(), start, end) {
            reader.base = resume;
            lexer = Token::lexer(&text[resume..]);
        }
    }
    reader.finish()
}

/// For how many mistakes the whole text is looked at.
const MISTAKES_MAX: usize = 100;

/// Modules whose functions are told with a colon, and not as what a variable could be asked for.
const MODULES: &[&str] = &[
    "lists",
    "maps",
    "sets",
    "ordsets",
    "string",
    "math",
    "io",
    "io_lib",
    "queue",
    "csv",
    "json",
    "erlang",
    "binary",
    "proplists",
    "sql",
];

struct Reader<'a> {
    file: FileId,
    text: &'a str,
    /// Where the part of the text starts that the lexer reads now.
    base: usize,
    /// Up to where, in the text, no more is told of calls with a `.`.
    told_until: usize,
    out: Lexed,
}

impl Reader<'_> {
    /// Takes one token in; says where to go on if not behind it.
    fn take(&mut self, token: Option<Token>, start: usize, end: usize) -> Option<usize> {
        match token {
            Some(Token::Comment) => {
                self.out.comments.push((clip(start), clip(end)));
                self.map_of_elixir(start, end);
                None
            }
            Some(Token::Dot) => self.dot(start, end),
            Some(token) if !is_habit(token) => {
                self.push(token, start, end);
                None
            }
            Some(token) => self.habit(token, start, end),
            None => self.illegal(start, end),
        }
    }

    /// `M = %{a: 1}.`: a comment where a value is expected.
    fn map_of_elixir(&mut self, start: usize, end: usize) {
        let wanting = |last: &Lexeme| {
            let beside = !self.text[last.end as usize..start].contains('\n');
            beside && matches!(last.token, Token::Match | Token::OpenParenthesis | Token::Arrow)
        };
        if !self.text[start..].starts_with("%{") || !self.out.tokens.last().is_some_and(wanting) {
            return;
        }
        let diagnostic = Diagnostic::error("E0108", "a map is written with `#{`").help("write `#{a => 1}`");
        self.tell(diagnostic, start, start + 2, "`%` starts a comment");
        self.push(Token::Error, start, end);
        if self.text[start..end].trim_end().ends_with('.') {
            self.push(Token::Dot, end, end);
        }
    }

    fn push(&mut self, token: Token, start: usize, end: usize) {
        self.out.tokens.push(Lexeme { token, start: clip(start), end: clip(end) });
    }

    fn tell(&mut self, diagnostic: Diagnostic, start: usize, end: usize, label: &str) -> &mut Diagnostic {
        let span = Span { file: self.file, start: clip(start), end: clip(end) };
        let at = self.out.diagnostics.len();
        self.out.diagnostics.push(diagnostic.at(span, label));
        &mut self.out.diagnostics[at]
    }

    /// What to write for `console.log(X)`, `lists.sum(L)`, `L.length`, `M.name`.
    fn meant_by_dot(&self, start: usize, end: usize) -> String {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let before = self.text[..start].rfind(|c: char| !is_part(c)).map_or(0, |at| at + 1);
        // What stands there may begin in the middle of a letter of several bytes.
        let owner = self.text.get(before..start).unwrap_or("");
        let after = &self.text[end..];
        let name = &after[..after.find(|c: char| !is_part(c)).unwrap_or(after.len())];
        let called = after[name.len()..].strip_prefix('(');
        let subject = guess::capital(owner);
        let arguments = called.and_then(guess::arguments).unwrap_or_default();
        // Looked for as long as it is told at all.
        let written_list = self.text[..start].ends_with(']') && owner.is_empty();
        let list = !owner.is_empty()
            && self.out.diagnostics.len() < MISTAKES_MAX
            && self.text.contains(&format!("{owner} = ["));
        let meant = match called {
            Some(_) if written_list => guess::line_of_list(name, "L", &arguments),
            _ if owner.is_empty() || MODULES.contains(&owner) => None,
            _ if list => guess::line_of_list(name, &subject, &arguments),
            Some(_) => guess::line(name, &subject, &arguments, false),
            None => guess::field(name, &subject),
        };
        if let Some(help) = guess::of_object(owner, name, self.text[..start].ends_with('"')) {
            return help;
        }
        match (owner, name) {
            ("console" | "System", _) | (_, "println" | "printf") => {
                "`print(X)` shows a term; `io:format(\"~p of ~p~n\", [X, Y])` shows terms within a text".to_owned()
            }
            (_, "length" | "size" | "count") if !list && !MODULES.contains(&owner) => {
                let owner = if owner.is_empty() { "L" } else { &subject };
                format!("write `length({owner})` for a list, `length(query({owner}))` for a set variable")
            }
            _ if meant.is_some() => {
                let line = meant.unwrap_or_default();
                match called {
                    Some(_) => format!("functions stand in front: `{line}`"),
                    None if list => format!("write `{line}`"),
                    None => format!("write `{line}` for what a variable has, `maps:get({name}, {subject})` for a map"),
                }
            }
            _ if MODULES.contains(&owner) => {
                format!("the functions of a module stand after a colon: `{owner}:{name}(..)`")
            }
            _ if called.is_none() && !owner.is_empty() => {
                format!("write `maps:get({name}, {subject})` for what a map has under `{name}`")
            }
            _ => "functions stand in front: `update(S, {add, 1})`; those of a module after a colon: `lists:sum(L)`"
                .to_owned(),
        }
    }

    /// A `.` ends a form only before space, a comment or the end.
    fn dot(&mut self, start: usize, end: usize) -> Option<usize> {
        if self.text[start..].starts_with("...") {
            let diagnostic = Diagnostic::error("E0108", "`...` does not take a list apart")
                .help("lists are joined with `++`, `A ++ [3]`; an element is put in front with `[1 | A]`");
            self.tell(diagnostic, start, start + 3, "not known");
            self.push(Token::Error, start, start + 3);
            return Some(start + 3);
        }
        let operand =
            self.after_operand(start) && self.out.tokens.last().is_some_and(|last| last.end as usize == start);
        let ranges =
            |rest: &str| rest.starts_with('.') && rest[1..].starts_with(|c: char| !c.is_whitespace() && c != '%');
        if operand && ranges(&self.text[end..]) {
            let diagnostic = Diagnostic::error("E0108", "`..` does not make a range")
                .help("`lists:seq(1, 10)` is the list of these integers");
            self.tell(diagnostic, start, end + 1, "not known");
            self.push(Token::Error, start, end + 1);
            return Some(end + 1);
        }
        let next = self.text[end..].chars().next();
        match next {
            Some('(') if operand && self.after_name() => {
                let owner = self.out.tokens.last().map_or("", |last| &self.text[last.start as usize..start]);
                let diagnostic =
                    Diagnostic::error("E0101", "a `.` does not call a function").help(format!("write `{owner}(..)`"));
                self.tell(diagnostic, start, end, "not needed");
            }
            None | Some('%' | '\u{a0}' | '\u{feff}') => self.push(Token::Dot, start, end),
            Some(c) if c.is_ascii_whitespace() => self.push(Token::Dot, start, end),
            Some(c) if c.is_lowercase() || operand && self.calls_method(end) => {
                // Of a chain of calls the first is told.
                if start >= self.told_until {
                    let line = self.text[start..].find('\n').map_or(self.text.len(), |newline| start + newline);
                    self.told_until = line;
                    let help = self.meant_by_dot(start, end);
                    self.tell(
                        Diagnostic::error("E0101", "a `.` does not call a function").help(help),
                        start,
                        end,
                        "not a call",
                    );
                }
                self.push(Token::Error, start, end);
            }
            Some(_) => {
                let diagnostic = Diagnostic::error("E0102", "the `.` that ends a form needs white space after it")
                    .help("put a space or a new line after the `.`");
                self.tell(diagnostic, start, end, "nothing may follow directly");
                self.push(Token::Dot, start, end);
            }
        }
        None
    }

    /// Whether a name and `(` stand there: `S.Add(1)`.
    fn calls_method(&self, start: usize) -> bool {
        let rest = &self.text[start..];
        let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        name > 0 && rest[name..].starts_with('(')
    }

    fn habit(&mut self, token: Token, start: usize, end: usize) -> Option<usize> {
        let written = &self.text[start..end];
        let text_before = self.out.tokens.last().is_some_and(|last| last.token == Token::Text);
        let (meant, right) = match token {
            Token::ForeignNotEqual
                if written == "<>" && (text_before || self.text[end..].trim_start().starts_with('"')) =>
            {
                (Token::Append, "++")
            }
            Token::ForeignLessOrEqual if self.draws() => (Token::Generator, "<-"),
            Token::ForeignLessOrEqual => (Token::LessOrEqual, "=<"),
            Token::ForeignNotEqual => (Token::NotEqual, "/="),
            Token::ForeignEqual => (Token::ExactlyEqual, "=:="),
            Token::ForeignAnd => (Token::AndAlso, "andalso"),
            Token::ForeignNot if self.macro_call(start, end) => return None,
            Token::ForeignNot if self.after_operand(start) => {
                self.send(start, end);
                return None;
            }
            Token::ForeignNot => (Token::Not, "not"),
            Token::ForeignPower => (Token::Times, "math:pow(X, Y)"),
            _ => return self.other_habit(token, start, end),
        };
        let diagnostic = Diagnostic::error("E0108", format!("`{written}` is written `{right}` here"))
            .help(format!("write `{right}` in place of `{written}`"));
        self.tell(diagnostic, start, end, &format!("`{right}`"));
        self.push(meant, start, end);
        None
    }

    /// Whether a `<=` stands where a comprehension draws from a list.
    fn draws(&self) -> bool {
        let tokens = &self.out.tokens;
        let before = tokens.len().checked_sub(2).map(|at| tokens[at].token);
        if !matches!(before, Some(Token::Bars | Token::Comma)) {
            return false;
        }
        let (mut depth, mut bars) = (0_i32, false);
        for lexeme in tokens.iter().rev() {
            match lexeme.token {
                token if token.closes() => depth += 1,
                Token::OpenBracket | Token::OpenMap if depth == 0 => break,
                Token::Dot => return false,
                token if token.opens() && token != Token::Fun => depth -= 1,
                Token::Bars if depth == 0 => bars = true,
                _ => {}
            }
        }
        bars
    }

    /// Whether what stands before on the same line is an operand.
    fn after_operand(&self, start: usize) -> bool {
        self.out
            .tokens
            .last()
            .is_some_and(|last| last.token.ends_expression() && !self.text[last.end as usize..start].contains('\n'))
    }

    /// Whether a name is the last that was read.
    fn after_name(&self) -> bool {
        self.out.tokens.last().is_some_and(|last| matches!(last.token, Token::Variable | Token::Atom))
    }

    /// `println!("{}", X)`
    fn macro_call(&mut self, start: usize, end: usize) -> bool {
        let Some(last) = self.out.tokens.last().copied() else { return false };
        let adjacent = last.token == Token::Atom && last.end as usize == start;
        if !adjacent || !self.text[end..].starts_with(['(', '[']) {
            return false;
        }
        let name = &self.text[last.start as usize..start];
        let help = match name {
            "println" | "print" | "eprintln" | "dbg" => "write `print(X)`, or `io:format(\"~p of ~p~n\", [X, Y])`",
            "format" => "a text is made of others by `io_lib:format(\"~s is ~p\", [Name, X])`",
            "vec" => "a list is written `[1, 2, 3]`",
            "assert" | "assert_eq" => "write `assert(X == Y)`",
            "panic" | "todo" | "unreachable" => "`error(Reason)` ends the task with an error",
            _ => "a function is called without it: `f(X)`",
        };
        let diagnostic = Diagnostic::error("E0108", "there are no macros with `!`").help(help);
        self.tell(diagnostic, last.start as usize, end, "not known here");
        if let Some(last) = self.out.tokens.last_mut() {
            *last = Lexeme { token: Token::Error, start: last.start, end: clip(end) };
        }
        true
    }

    /// `Pid ! Message`
    fn send(&mut self, start: usize, end: usize) {
        let diagnostic = Diagnostic::error("E0108", NO_SENDING).help(
            "tasks and nodes share variables: `update(Inbox, {add, Message})`, and who waits for it: `read(Inbox, {cardinality, 1})`",
        );
        self.tell(diagnostic, start, end, "not an operator here");
        // Any operator will do that takes any values.
        self.push(Token::Equal, start, end);
    }

    fn other_habit(&mut self, token: Token, start: usize, end: usize) -> Option<usize> {
        match token {
            Token::PointlessFloat => {
                let raw = &self.text[start..end];
                let at = raw.find(['e', 'E']).unwrap_or(raw.len());
                let right = format!("{}.0{}", &raw[..at], &raw[at..]);
                let diagnostic = Diagnostic::error("E0111", "a float has digits on both sides of a point")
                    .help(format!("write `{right}`"));
                self.tell(diagnostic, start, end, "the point is missing");
                self.push(Token::Float, start, end);
                None
            }
            Token::UnfinishedText => Some(self.unfinished_text(start)),
            Token::UnfinishedAtom => {
                let diagnostic = Diagnostic::error("E0106", "a quoted atom is not closed on its line")
                    .help("close it with `'`; texts stand in double quotes: `\"text\"`");
                self.tell(diagnostic, start, end, "it starts here");
                self.push(Token::Error, start, end);
                None
            }
            Token::ForeignMatchBinary => {
                let diagnostic = Diagnostic::error("E0108", "`=<<` is read as `=<` and `<`")
                    .help("put a space between them: `X = <<\"text\">>`, or write `X = \"text\"`, which is the same");
                self.tell(diagnostic, start, end, "a space is missing");
                self.push(Token::Match, start, start + 1);
                self.push(Token::OpenBinary, start + 1, end);
                None
            }
            Token::ForeignSlashes => self.slashes(start, end),
            Token::ForeignHash
                if self.text[end..].starts_with(|c: char| c.is_lowercase()) && self.record(start).is_some() =>
            {
                let end = self.record(start).unwrap_or(end);
                self.told_record(start, end);
                Some(end)
            }
            _ => Some(self.foreign_comment(start)),
        }
    }

    /// `//` after an operand and before another is meant as a division, else as a comment.
    fn slashes(&mut self, start: usize, end: usize) -> Option<usize> {
        let operand_before = self.after_operand(start);
        let rest = self.text[end..].trim_start_matches([' ', '\t']);
        let operand_after = rest.starts_with(|c: char| c.is_ascii_digit() || c.is_uppercase() || c == '(');
        let words_after = rest
            .lines()
            .next()
            .unwrap_or("")
            .split_whitespace()
            .nth(1)
            .is_some_and(|word| word.starts_with(char::is_alphabetic));
        if self.text[start..].starts_with("//") && operand_before && operand_after && !words_after {
            let diagnostic = Diagnostic::error("E0108", "`//` is written `div` here")
                .help("write `div` for whole division; a comment starts with `%`");
            self.tell(diagnostic, start, end, "`div`");
            self.push(Token::Div, start, end);
            return None;
        }
        Some(self.foreign_comment(start))
    }

    /// Where `#cart{items = []}` or `#cart.items` ends that starts here, if something of the kind does.
    fn record(&self, start: usize) -> Option<usize> {
        let rest = &self.text[start..];
        let name = 1 + rest[1..].find(|c: char| !c.is_alphanumeric() && c != '_')?;
        if let Some(field) = rest[name..].strip_prefix('.') {
            let length = field.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(field.len());
            return (length > 0).then_some(start + name + 1 + length);
        }
        if !rest[name..].starts_with('{') {
            return None;
        }
        let mut depth = 0_usize;
        for (at, c) in rest.char_indices().skip_while(|(at, _)| *at < name) {
            match c {
                '{' => depth += 1,
                '}' if depth == 1 => return Some(start + at + 1),
                '}' => depth -= 1,
                _ => {}
            }
        }
        None
    }

    fn told_record(&mut self, start: usize, end: usize) {
        let diagnostic = Diagnostic::error("E0113", "there are no records")
            .help("use a map: `#{items => [], owner => ann}`; a field of one is `maps:get(items, Cart)`");
        self.tell(diagnostic, start, end, "not known here");
        if !self.after_operand(start) {
            self.push(Token::Error, start, end);
        }
    }

    fn foreign_comment(&mut self, start: usize) -> usize {
        let rest = &self.text[start..];
        let line = rest.find('\n').unwrap_or(rest.len());
        let (sign, length) = match rest.starts_with("/*") {
            true => ("/*", rest.find("*/").map_or(line, |at| at + 2)),
            false if rest.starts_with("//") => ("//", line),
            false => ("#", line),
        };
        let end = start + length;
        let diagnostic = Diagnostic::error("E0109", "a comment starts with `%`");
        let diagnostic = if start == 0 && rest.starts_with("#!") {
            diagnostic.help("a program is run by `lasp run FILE`: take this line away, or write `%` before it")
        } else {
            diagnostic.help(format!("write `%` in place of `{sign}`"))
        };
        self.tell(diagnostic, start, end, &format!("`{sign}` does not start a comment"));
        end
    }

    /// Takes the text as ended at the end of its first line and says to go on there.
    fn unfinished_text(&mut self, start: usize) -> usize {
        let rest = &self.text[start..];
        let length = rest.find('\n').unwrap_or(rest.len());
        let end = start + rest[..length].trim_end_matches(['.', ',', ';', ' ', '\r', '\t']).len().max(1);
        let diagnostic = Diagnostic::error("E0106", "a text is not closed").help("close it with `\"`");
        self.tell(diagnostic, start, end, "it starts here");
        self.push(Token::Error, start, end);
        self.out.text_open = true;
        end
    }

    fn illegal(&mut self, start: usize, end: usize) -> Option<usize> {
        // Runs of them are told once.
        let same = |last: &Lexeme| last.token == Token::Error && last.end as usize == start;
        if self.out.tokens.last().is_some_and(same) {
            if let Some(last) = self.out.tokens.last_mut() {
                last.end = clip(end);
            }
            return None;
        }
        let written = self.text[start..end].chars().next().unwrap_or(' ');
        if let Some(end) = self.other_quotes(written, start) {
            return Some(end);
        }
        if written == '^' && !self.after_operand(start) && self.text[end..].starts_with(char::is_uppercase) {
            let name = self.text[end..].split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
            let help = format!("a bound name in a pattern is compared as it is: write `{name}`");
            self.tell(Diagnostic::error("E0107", "`^` means nothing here").help(help), start, end, "not needed");
            return Some(end);
        }
        let shown = if written.is_control() { format!("\\x{{{:x}}}", u32::from(written)) } else { written.to_string() };
        let help = match written {
            '“' | '”' | '„' | '‘' | '’' | '`' => "texts stand between straight double quotes: `\"text\"`",
            '&' if !self.after_operand(start) => {
                "a value is handed on as it is, without `&`; a function without a name is `fun(X) -> X + 1 end`"
            }
            '&' => "write `andalso`, or `band` for bits",
            '^' => "write `bxor` for bits, `math:pow(X, Y)` for powers",
            '~' => "write `bnot` for bits",
            '?' if self.text[end..].starts_with('=') => {
                "there is no `maybe`: write `case X of {ok, Y} -> Y; Other -> Other end`"
            }
            '?' if self.text[end..].starts_with(' ') => {
                "a choice is written `case X > 2 of true -> big; false -> small end`"
            }
            '?' if self.after_operand(start) && self.text[end..].starts_with('?') => {
                "write `case X of undefined -> 5; _ -> X end`"
            }
            '?' if self.after_operand(start) && self.text[end..].starts_with('.') && !self.ends_at(end) => {
                "`maps:get(Key, M, undefined)` gives `undefined` where there is nothing"
            }
            '?' if self.after_operand(start) => {
                "nothing is handed back early: `case X of {ok, Y} -> Y; Other -> Other end`"
            }
            '?' => "there are no macros; a name at top level serves as a constant",
            '@' if self.text[end..].starts_with(|next: char| next.is_ascii_lowercase()) => {
                "there are no attributes with `@`, and names may contain it, but not start with it; a constant is a name of the top level: `Max = 10.`"
            }
            '@' => "names may contain `@`, but not start with it",
            _ => "outside of texts and comments only names, numbers and operators may stand",
        };
        let title = format!("`{shown}` means nothing here");
        // On one line it is told once.
        let again = self.out.diagnostics.last().is_some_and(|last| {
            let before = last.labels.first().map_or(0, |label| label.span.end as usize);
            last.title == title && !self.text.get(before..start).unwrap_or("").contains('\n')
        });
        // `Map.has_key?(M, a)` was told at its `.`.
        let in_call = written == '?' && start < self.told_until && self.text[end..].starts_with('(');
        if !again && !in_call {
            self.tell(Diagnostic::error("E0107", title).help(help), start, end, "not known");
        }
        // `M?.a`
        let chained = written == '?' && self.text[end..].starts_with('.') && !self.ends_at(end);
        let end = if chained { end + 1 } else { end };
        self.push(Token::Error, start, end);
        chained.then_some(end)
    }

    /// Whether the `.` there ends a form.
    fn ends_at(&self, dot: usize) -> bool {
        self.text[dot + 1..].chars().next().is_none_or(char::is_whitespace)
    }

    /// A text in quotes of another kind, if it ends on its line: where.
    fn other_quotes(&mut self, written: char, start: usize) -> Option<usize> {
        let closes = match written {
            '`' => '`',
            '“' | '„' | '”' => '”',
            '‘' | '’' => '’',
            _ => return None,
        };
        let rest = &self.text[start + written.len_utf8()..];
        let line = rest.lines().next().unwrap_or("");
        let end = start + written.len_utf8() + line.find(closes)? + closes.len_utf8();
        let inside = &self.text[start..end];
        let diagnostic = Diagnostic::error("E0107", "a text stands between straight double quotes");
        let diagnostic = if inside.contains("${") {
            diagnostic.help("texts are joined with `++`: `\"hello \" ++ Name`")
        } else {
            diagnostic.help("write `\"text\"`")
        };
        self.tell(diagnostic, start, end, "not a text");
        self.push(Token::Error, start, end);
        Some(end)
    }

    fn finish(mut self) -> Lexed {
        if let Some(&last) = self.out.tokens.last()
            && last.token != Token::Dot
        {
            self.out.dot_added = true;
            self.out.tokens.push(Lexeme { token: Token::Dot, start: last.end, end: last.end });
        }
        self.out
    }
}

fn is_habit(token: Token) -> bool {
    token as u8 >= Token::ForeignLessOrEqual as u8 && token != Token::Error
        || matches!(token, Token::PointlessFloat | Token::UnfinishedText | Token::UnfinishedAtom)
}

/// Texts beyond four gigabytes are refused before.
fn clip(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
