//! E01: the text does not parse.

use crate::source::codes::Example;
use crate::source::codes::Explanation;

pub(super) const CODES: &[Explanation] = &[
    Explanation {
        code: "E0101",
        title: "something stands where it does not fit",
        text: "The program could be read up to the underlined place, and what stands there cannot follow. The message says what \
could have followed. Often something just before is missing: an operator, a comma, a bracket.",
        example: Example::Program { wrong: "X = 1 + .", right: "X = 1 + 2." },
    },
    Explanation {
        code: "E0102",
        title: "a `.` is missing between two forms",
        text: "A program is a sequence of forms, each ended by a `.` with white space after it. Where it is missing, the next form \
would become a part of the one before. Expressions that belong to one form are separated by `,`.",
        example: Example::Program { wrong: "X = 1\nY = 2.", right: "X = 1.\nY = 2." },
    },
    Explanation {
        code: "E0103",
        title: "a `,` or `;` is missing",
        text: "The expressions of a body are separated by `,`; the clauses of a function, `fun`, `case` or `if` are separated by \
`;`. Neither stands behind the last one.",
        example: Example::Program {
            wrong: "f(X) ->\n    Y = X + 1\n    Y * 2.",
            right: "f(X) ->\n    Y = X + 1,\n    Y * 2.",
        },
    },
    Explanation {
        code: "E0104",
        title: "something is opened and not closed, or the other way round",
        text: "Each `(`, `[`, `{`, `#{` and `<<` is closed by its counterpart, and each `case`, `if`, `begin` and `fun (..) ->` \
by `end`. The message shows what is open and where its end was missed.",
        example: Example::Program { wrong: "X = {1, [2, 3}.", right: "X = {1, [2, 3]}." },
    },
    Explanation {
        code: "E0105",
        title: "a separator stands before nothing",
        text: "`,` and `;` stand between things. Behind the last one comes what closes the whole, or the `.`.",
        example: Example::Program { wrong: "X = [1, 2, ].", right: "X = [1, 2]." },
    },
    Explanation {
        code: "E0106",
        title: "a text or a quoted atom is not closed",
        text: "A text stands between two `\"`, an atom with unusual letters between two `'`. Within them `\\\"` and `\\'` stand for \
the quotes themselves. A text may go over several lines, a quoted atom may not.",
        example: Example::Program { wrong: "X = \"abc.", right: "X = \"abc\"." },
    },
    Explanation {
        code: "E0107",
        title: "a character means nothing here",
        text: "Outside of texts, quoted atoms and comments a program consists of names, numbers, brackets and operators.",
        example: Example::Program { wrong: "X = 1 ~ 2.", right: "X = 1 bxor 2." },
    },
    Explanation {
        code: "E0108",
        title: "a sign of another language",
        text: "The operators are Erlang's: `=<` and `>=`, `==` and `/=`, `=:=` and `=/=` for exact comparison, `andalso`, `orelse` \
and `not`, `div` and `rem` for whole numbers, `band`, `bor` and `bxor` for bits. `X<-1` is read with an arrow, as in a \
comprehension, and `X=<<` with `=<`: a space tells them apart. Nothing is changed in place, so that there is no `+=` and no `++` that \
counts; elements are not reached with brackets (`lists:nth(1, L)`); a map is `#{a => 1}`, and a function `fun(X) -> X * 2 end`.",
        example: Example::Program { wrong: "X = 3, Y = X <= 4.", right: "X = 3, Y = X =< 4." },
    },
    Explanation {
        code: "E0109",
        title: "a comment of another language",
        text: "A comment starts with `%` and ends with its line. `%%` directly above a function is the function's documentation.",
        example: Example::Program { wrong: "// the first number\nX = 1.", right: "% the first number\nX = 1." },
    },
    Explanation {
        code: "E0110",
        title: "a form is nested too deeply",
        text: "Brackets, blocks and operators may be nested 500 deep, and a chain of operators counts each of them. Programs that \
go deeper are almost always generated; they can hold their data in a list, or bind parts to names of their own.",
        example: Example::Session(
            r#"$ echo "X = $(printf '[%.0s' $(seq 600))" | lasp check -
standard input:1:505: error E0110: this form is nested too deeply"#,
        ),
    },
    Explanation {
        code: "E0111",
        title: "a number cannot be read",
        text: "Whole numbers are written `12`, `1_000` or, with a base from 2 to 36, `16#ff`; `$a` is the number of a character. A \
float has digits on both sides of its point: `1.0`, `1.0e5`.",
        example: Example::Program { wrong: "X = 1e5.", right: "X = 1.0e5." },
    },
    Explanation {
        code: "E0112",
        title: "an escape cannot be read",
        text: "In texts and quoted atoms `\\n`, `\\t`, `\\r`, `\\e`, `\\s`, `\\b`, `\\d`, `\\f`, `\\v`, `\\^A`, `\\101` (octal), `\\x41` and \
`\\x{1F600}` (hexadecimal) stand for characters; `\\` before anything else stands for that itself.",
        example: Example::Program { wrong: "X = \"\\x{110000}\".", right: "X = \"\\x{10FFFF}\"." },
    },
    Explanation {
        code: "E0113",
        title: "a construct of another language",
        text: "There are no declarations with a word in front: `X = 1` binds a name, `f(X) -> X.` defines a function, and the value \
of a body is its last expression; bodies stand behind arrows, not in braces or behind a `:`. There are no loops, exceptions, \
mailboxes or records: use comprehensions, functions that call themselves, `read`, and maps.",
        example: Example::Program { wrong: "let X = 1.", right: "X = 1." },
    },
    Explanation {
        code: "E0114",
        title: "comparisons do not chain",
        text: "`A < B < C` would compare a boolean with `C`, which nobody means. Compare two at a time.",
        example: Example::Program { wrong: "X = 1 < 2 < 3.", right: "X = 1 < 2 andalso 2 < 3." },
    },
    Explanation {
        code: "E0115",
        title: "`<<..>>` holds one text",
        text: "`<<\"text\">>` is accepted because Erlang's programs are full of it; it is the same as `\"text\"`. There are no other \
binaries.",
        example: Example::Program { wrong: "X = <<\"text\"/latin1>>.", right: "X = <<\"text\">>." },
    },
    Explanation {
        code: "E0116",
        title: "the text is too large",
        text: "A program has at most one gigabyte. Data belongs into files that the program reads: `csv:read`, `json:read`.",
        example: Example::Session(
            r"$ truncate -s 1100M large.lasp
$ lasp check large.lasp
error E0116: large.lasp is too large",
        ),
    },
    Explanation {
        code: "E0117",
        title: "the last `.` is missing",
        text: "Each form ends with a `.`. At the end of a file a missing one is added, since nothing else can be meant.",
        example: Example::Program { wrong: "X = 1", right: "X = 1." },
    },
];
