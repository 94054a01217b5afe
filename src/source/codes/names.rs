//! E02: names and arities.

use crate::source::codes::Example;
use crate::source::codes::Explanation;

pub(super) const CODES: &[Explanation] = &[
    Explanation {
        code: "E0201",
        title: "a name is not bound",
        text: "A name with a capital letter stands for a value once `Name = ..` or a pattern has bound it. Names bound at top level \
are known in all later forms and in every function; names bound in a function, a `fun` or a comprehension are known there \
only.",
        example: Example::Program {
            wrong: "Total = 1, print(Totl).",
            right: "Total = 1, print(Total).",
        },
    },
    Explanation {
        code: "E0202",
        title: "there is no such function",
        text: "A call names a function of the program, an imported one, one of the prelude, a built-in or a verb. Functions of \
library modules are called with their module: `lists:sum(L)`.",
        example: Example::Program {
            wrong: "X = lists:summ([1, 2]).",
            right: "X = lists:sum([1, 2]).",
        },
    },
    Explanation {
        code: "E0203",
        title: "a function exists with another number of arguments only",
        text: "A function is known by its name and its number of arguments: `f/1` and `f/2` are two functions.",
        example: Example::Program {
            wrong: "f(X) -> X.\nY = f(1, 2).",
            right: "f(X) -> X.\nY = f(1).",
        },
    },
    Explanation {
        code: "E0204",
        title: "there is no such module",
        text: "Before the `:` of a call stands a module of the library, written out. To choose a function while the program runs, \
hand on a function value: `fun lists:sum/1`.",
        example: Example::Program {
            wrong: "X = list:sum([1, 2]).",
            right: "X = lists:sum([1, 2]).",
        },
    },
    Explanation {
        code: "E0205",
        title: "a name is bound in some branches only",
        text: "After a `case` or an `if` those names are bound that every branch binds. The others might have no value, depending \
on the branch taken. The right side of `andalso` and `orelse` is such a branch too.",
        example: Example::Program {
            wrong: "case 1 of 1 -> X = a; _ -> b end, print(X).",
            right: "X = case 1 of 1 -> a; _ -> b end, print(X).",
        },
    },
    Explanation {
        code: "E0206",
        title: "a function is defined twice",
        text: "All clauses of a function stand together, separated by `;`. The `.` ends the function.",
        example: Example::Program {
            wrong: "f(0) -> 1.\nf(X) -> X.",
            right: "f(0) -> 1;\nf(X) -> X.",
        },
    },
    Explanation {
        code: "E0207",
        title: "a clause does not fit the function",
        text: "Each clause of a function starts with the function's name and as many patterns as the first; the name starts with a \
small letter. Each clause of a `fun` has as many patterns as the first.",
        example: Example::Program {
            wrong: "f(0) -> 1;\ng(X) -> X.",
            right: "f(0) -> 1;\nf(X) -> X.",
        },
    },
    Explanation {
        code: "E0208",
        title: "something cannot be matched against",
        text: "A pattern is made of names, literals, tuples, lists and maps, `\"prefix\" ++ Rest` and `P1 = P2`. Calls and \
calculations have no place in it: bind a name, and compare in a guard or with `==`. In a map pattern stands `:=`, in a new \
map `=>`.",
        example: Example::Program {
            wrong: "X = 1, X + 1 = 2.",
            right: "X = 1, 2 = X + 1.",
        },
    },
    Explanation {
        code: "E0209",
        title: "a guard or condition may not contain this",
        text: "Guards are made of comparisons, calculations and a few built-ins such as `length/1` and `is_list/1`, so that trying a \
clause can never have an effect. `=` binds; `==` compares. `else` is an atom; the clause that takes all the rest is \
`true -> ..`.",
        example: Example::Program {
            wrong: "f(X) when X = 1 -> a.",
            right: "f(X) when X == 1 -> a.",
        },
    },
    Explanation {
        code: "E0210",
        title: "an atom stands where a name is meant",
        text: "Names of values start with a capital letter. A word with a small letter is an atom: a value that only equals itself.",
        example: Example::Program {
            wrong: "total = 5.",
            right: "Total = 5.",
        },
    },
    Explanation {
        code: "E0211",
        title: "a name is used before it is bound",
        text: "Forms run from top to bottom. Code of the top level may use what forms above it have bound; functions may use names \
that are bound further down, as long as they are called later.",
        example: Example::Program {
            wrong: "print(X).\nX = 1.",
            right: "X = 1.\nprint(X).",
        },
    },
    Explanation {
        code: "E0212",
        title: "an attribute is not known, or not of its shape",
        text: "There are two attributes: `-module(name).` and `-import(module, [function/1]).`",
        example: Example::Program {
            wrong: "-imports(lists, [sum/1]).",
            right: "-import(lists, [sum/1]).",
        },
    },
    Explanation {
        code: "E0213",
        title: "too many arguments",
        text: "A function takes at most 255 arguments. Put them into a list, a tuple or a map.",
        example: Example::Session(
            r#"$ echo "f($(seq -s , 256)) -> ok." | lasp check -
standard input:1:1: error E0213: too many arguments"#,
            ),
    },
    Explanation {
        code: "E0214",
        title: "this reads as a generator over a number",
        text: "`X<-1` is read as `X <- 1`, a generator. To compare with a negative number put a space between: `X < -1`.",
        example: Example::Program {
            wrong: "Y = [X || X <- [1, 2], X<-1].",
            right: "Y = [X || X <- [1, 2], X < -1].",
        },
    },
    Explanation {
        code: "E0215",
        title: "an atom cannot be made",
        text: "An atom has at most 1020 bytes, and a process about a million different ones. What comes in unlimited numbers, such \
as names of users, is better kept as text.",
        example: Example::Session(
            r#"$ echo "X = $(printf 'a%.0s' $(seq 1021))." | lasp check -
standard input:1:5: error E0215: this atom cannot be made: an atom has at most 1020 bytes"#,
            ),
    },
    Explanation {
        code: "E0216",
        title: "a function hides one of the language",
        text: "\
A function of the program has the name and the number of arguments of a verb or a function that every program has. Calls in \
the program then mean the program's own function, also those that were meant for the other: after `update(V, Op) -> ..` no \
`update(V, Op)` changes a variable.

It is a warning: a program goes on to work when the language gets a verb by a name that the program has taken already. A \
function with another number of arguments hides nothing.",
        example: Example::Program {
            wrong: "length(S) -> string:length(S).\nprint(length(\"four\")).",
            right: "text_length(S) -> string:length(S).\nprint(text_length(\"four\")).",
        },
    },
    Explanation {
        code: "E0217",
        title: "a text holds no names",
        text: "\
In some languages `#{Name}` or `${Name}` within a text stands for a value. Here a text is what is written between its quotes. \
It is a warning, and given only where there is a name that could be meant.

Texts are joined with `++`; `io:format` and `io_lib:format` put values in the places of `~p` and `~s`.",
        example: Example::Program {
            wrong: "Name = \"Ann\".\nprint(\"hello #{Name}\").",
            right: "Name = \"Ann\".\nprint(\"hello \" ++ Name).",
        },
    },
];
