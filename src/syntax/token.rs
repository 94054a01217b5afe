//! The tokens, as regular expressions. Knows nothing of what they mean together; `lexer.rs` looks at their neighbours.

use logos::Logos;

/// A kind of token. What a name or a number says is read from the text when it is needed.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(skip r"[ \t\r\n\f\u{a0}\u{feff}]+")]
#[expect(missing_docs, reason = "each is the token beside its name")]
pub enum Token {
    #[regex(r"[A-Z_\p{Lu}\p{Lt}][\p{Alphabetic}\p{N}_@]*")]
    Variable,
    #[regex(r"\p{Lowercase}[\p{Alphabetic}\p{N}_@]*")]
    #[regex(r"'([^'\\\n]|\\[^\n])*'")]
    Atom,
    #[regex(r"[0-9][0-9_]*")]
    #[regex(r"[0-9][0-9_]*#[0-9a-zA-Z_]+")]
    Integer,
    #[regex(r"[0-9][0-9_]*\.[0-9][0-9_]*([eE][+-]?[0-9]+)?")]
    Float,
    /// `1e5`, which other languages take for a float.
    #[regex(r"[0-9][0-9_]*[eE][+-]?[0-9]+")]
    PointlessFloat,
    #[regex(r"\$(\\x\{[0-9a-fA-F]*\}|\\x[0-9a-fA-F][0-9a-fA-F]|\\\^.|\\[0-7][0-7]?[0-7]?|\\[^0-7x^\n]|[^\\])")]
    Character,
    #[regex(r#""([^"\\]|\\(.|\n))*""#)]
    Text,
    #[regex(r#""([^"\\]|\\(.|\n))*"#, priority = 1)]
    UnfinishedText,
    #[regex(r"'([^'\\\n]|\\[^\n])*", priority = 1)]
    UnfinishedAtom,
    #[regex(r"%[^\n]*", allow_greedy = true)]
    Comment,

    #[token("and")]
    And,
    #[token("andalso")]
    AndAlso,
    #[token("band")]
    BitAnd,
    #[token("begin")]
    Begin,
    #[token("bnot")]
    BitNot,
    #[token("bor")]
    BitOr,
    #[token("bsl")]
    ShiftLeft,
    #[token("bsr")]
    ShiftRight,
    #[token("bxor")]
    BitXor,
    #[token("case")]
    Case,
    #[token("div")]
    Div,
    #[token("end")]
    End,
    #[token("fun")]
    Fun,
    #[token("if")]
    If,
    #[token("not")]
    Not,
    #[token("of")]
    Of,
    #[token("or")]
    Or,
    #[token("orelse")]
    OrElse,
    #[token("rem")]
    Rem,
    #[token("when")]
    When,
    #[token("xor")]
    Xor,
    /// Erlang's words that the language has no use for.
    #[token("after")]
    #[token("catch")]
    #[token("cond")]
    #[token("let")]
    #[token("maybe")]
    #[token("receive")]
    #[token("try")]
    Reserved,

    #[token("(")]
    OpenParenthesis,
    #[token(")")]
    CloseParenthesis,
    #[token("[")]
    OpenBracket,
    #[token("]")]
    CloseBracket,
    #[token("{")]
    OpenBrace,
    #[token("}")]
    CloseBrace,
    #[token("#{")]
    OpenMap,
    #[token("<<")]
    OpenBinary,
    #[token(">>")]
    CloseBinary,
    #[token(",")]
    Comma,
    #[token(";")]
    Semicolon,
    #[token(".")]
    Dot,
    #[token(":")]
    Colon,
    #[token("|")]
    Bar,
    #[token("||")]
    Bars,
    #[token("->")]
    Arrow,
    #[token("<-")]
    Generator,
    #[token("=>")]
    Put,
    #[token(":=")]
    Exactly,
    #[token("=")]
    Match,
    #[token("==")]
    Equal,
    #[token("/=")]
    NotEqual,
    #[token("=:=")]
    ExactlyEqual,
    #[token("=/=")]
    ExactlyNotEqual,
    #[token("<")]
    Less,
    #[token("=<")]
    LessOrEqual,
    #[token(">")]
    Greater,
    #[token(">=")]
    GreaterOrEqual,
    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Times,
    #[token("/")]
    Slash,
    #[token("++")]
    Append,
    #[token("--")]
    Subtract,

    /// What other languages write; each is told apart in `lexer.rs`.
    #[token("<=")]
    ForeignLessOrEqual,
    #[token("!=")]
    #[token("!==")]
    #[token("<>")]
    ForeignNotEqual,
    #[token("===")]
    ForeignEqual,
    #[token("&&")]
    ForeignAnd,
    #[token("!")]
    ForeignNot,
    #[token("//")]
    #[token("/*")]
    ForeignSlashes,
    #[token("#")]
    ForeignHash,
    #[token("**")]
    ForeignPower,
    #[token("=<<")]
    ForeignMatchBinary,
    /// Stands for what could not be read; parses as an expression.
    Error,
}

impl Token {
    /// Whether an expression can start with it.
    #[must_use]
    pub fn starts_expression(self) -> bool {
        use Token as T;
        self.ends_operand_alone()
            || matches!(self, T::OpenParenthesis | T::OpenBracket | T::OpenBrace | T::OpenMap | T::OpenBinary)
            || matches!(self, T::Fun | T::Case | T::If | T::Begin | T::Not | T::BitNot | T::Minus | T::Plus)
    }

    /// Whether an expression can end with it.
    #[must_use]
    pub fn ends_expression(self) -> bool {
        self.ends_operand_alone() || self.closes()
    }

    /// Whether it is an expression by itself.
    fn ends_operand_alone(self) -> bool {
        use Token as T;
        matches!(
            self,
            T::Variable | T::Atom | T::Integer | T::Float | T::PointlessFloat | T::Character | T::Text | T::Error
        )
    }

    /// Whether it opens something that another token closes.
    #[must_use]
    pub fn opens(self) -> bool {
        self.closer().is_some()
    }

    /// What closes what this opens. (`fun` opens only when an argument list follows; the caller knows.)
    #[must_use]
    pub fn closer(self) -> Option<Token> {
        use Token as T;
        match self {
            T::OpenParenthesis => Some(T::CloseParenthesis),
            T::OpenBracket => Some(T::CloseBracket),
            T::OpenBrace | T::OpenMap => Some(T::CloseBrace),
            T::OpenBinary => Some(T::CloseBinary),
            T::Fun | T::Case | T::If | T::Begin => Some(T::End),
            _ => None,
        }
    }

    /// Whether it closes something.
    #[must_use]
    pub fn closes(self) -> bool {
        use Token as T;
        matches!(self, T::CloseParenthesis | T::CloseBracket | T::CloseBrace | T::CloseBinary | T::End)
    }
}
