//! E05: run time.

use crate::source::codes::Example;
use crate::source::codes::Explanation;

pub(super) const CODES: &[Explanation] = &[
    Explanation {
        code: "E0501",
        title: "an operator does not take these values",
        text: "Arithmetic needs numbers, `div`, `rem` and the bit operators need integers, `++` needs two lists or two \
               strings, and `--` two lists. Nothing is converted silently.\n\nStrings are joined with `++`; a number \
               becomes a string by `integer_to_list(N)` or `io_lib:format(\"~p\", [N])`.",
        example: Example::Program { wrong: "X = one.\nprint(1 + X).\n", right: "print(1 + 1).\n" },
    },
    Explanation {
        code: "E0502",
        title: "division by zero",
        text: "`/`, `div` and `rem` have no result when the right side is 0. Test it first, in a guard for instance.",
        example: Example::Program {
            wrong: "print(10 div 0).\n",
            right: "share(_, 0) -> 0;\nshare(N, Parts) -> N div Parts.\nprint(share(10, 0)).\n",
        },
    },
    Explanation {
        code: "E0503",
        title: "the result is too large",
        text: "Integers have as many digits as they need, up to 4,194,304 bits; floats reach up to 1.8e308 and are never \
               infinite.",
        example: Example::Program { wrong: "print(1 bsl 5000000).\n", right: "print(1 bsl 500).\n" },
    },
    Explanation {
        code: "E0504",
        title: "no clause of a function matches its arguments",
        text: "The clauses of a function are tried from top to bottom; none has patterns and a guard that fit these \
               arguments. Add a clause for them, or call the function with other values.",
        example: Example::Program {
            wrong: "f(0) -> zero.\nprint(f(1)).\n",
            right: "f(0) -> zero;\nf(_) -> other.\nprint(f(1)).\n",
        },
    },
    Explanation {
        code: "E0505",
        title: "no clause of a `case` matches",
        text: "The clauses of a `case` are tried from top to bottom; none fits this value. A last clause `_ -> ..` takes \
               whatever is left.",
        example: Example::Program {
            wrong: "print(case 1 + 1 of 3 -> three end).\n",
            right: "print(case 1 + 1 of 3 -> three; _ -> other end).\n",
        },
    },
    Explanation {
        code: "E0506",
        title: "no clause of an `if` is true",
        text: "Each clause of an `if` has a guard, and one must be true. A last clause `true -> ..` takes the rest. A \
               guard that fails, such as `hd([]) > 1`, counts as false.",
        example: Example::Program {
            wrong: "X = 1.\nprint(if X > 1 -> more end).\n",
            right: "X = 1.\nprint(if X > 1 -> more; true -> one end).\n",
        },
    },
    Explanation {
        code: "E0507",
        title: "a pattern does not match",
        text: "`Pattern = Expression` binds the pattern's new names, and fails where the value has another shape. A name \
               is bound once: `X = 1, X = 2` is a match that fails, not an assignment. Use a new name, or `case`.",
        example: Example::Program {
            wrong: "{ok, X} = {error, 1}.\nprint(X).\n",
            right: "{ok, X} = {ok, 1}.\nprint(X).\n",
        },
    },
    Explanation {
        code: "E0508",
        title: "something is called that is not a function",
        text: "`F(X)` calls the function that F holds; F holds something else. A function's name alone is an atom: write \
               `fun name/1` for the function as a value.",
        example: Example::Program {
            wrong: "F = f.\nprint(F(1)).\n",
            right: "f(X) -> X.\nF = fun f/1.\nprint(F(1)).\n",
        },
    },
    Explanation {
        code: "E0509",
        title: "a function is called with another number of arguments",
        text: "A function value takes as many arguments as its `fun` says.",
        example: Example::Program {
            wrong: "F = fun(X) -> X end.\nprint(F(1, 2)).\n",
            right: "F = fun(X, Y) -> X + Y end.\nprint(F(1, 2)).\n",
        },
    },
    Explanation {
        code: "E0510",
        title: "a name of the top level is read before it is bound",
        text: "Functions see all names of the top level, wherever they stand; but the forms of the top level run in \
               order, and the function ran before the form that binds the name. If the function means a name of its own, it \
               needs another one than the top level has anywhere.",
        example: Example::Program {
            wrong: "f() -> Limit.\nprint(f()).\nLimit = 5.\n",
            right: "f() -> Limit.\nLimit = 5.\nprint(f()).\n",
        },
    },
    Explanation {
        code: "E0511",
        title: "a built-in does not take these arguments",
        text: "The message says what it takes. `:doc name` at the prompt shows what a built-in does, with an example.",
        example: Example::Program { wrong: "print(hd([])).\n", right: "print(hd([1])).\n" },
    },
    Explanation {
        code: "E0512",
        title: "a key is not in a map",
        text: "`M#{K := V}` and `maps:get(K, M)` need the key to be there. `M#{K => V}` adds it, and \
               `maps:get(K, M, Default)` gives the default where it is missing. Keys tell `1` from `1.0`.",
        example: Example::Program {
            wrong: "print(maps:get(b, #{a => 1})).\n",
            right: "print(maps:get(b, #{a => 1}, 0)).\n",
        },
    },
    Explanation {
        code: "E0513",
        title: "a map is needed",
        text: "`X#{..}`, the functions of `maps` and the generator `K := V <- X` need a map.",
        example: Example::Program { wrong: "print(maps:size([1])).\n", right: "print(maps:size(#{a => 1})).\n" },
    },
    Explanation {
        code: "E0514",
        title: "true or false is needed",
        text: "`not`, `and`, `or`, `xor`, the left side of `andalso` and `orelse`, and the conditions of comprehensions \
               take the atoms `true` and `false` only: no number and no other value counts as one.",
        example: Example::Program { wrong: "print(not 0).\n", right: "print(not (0 == 1)).\n" },
    },
    Explanation {
        code: "E0515",
        title: "a generator needs a list",
        text: "`X <- L` goes through a list. The entries of a map are taken with `K := V <- M`; a variable's value with \
               `X <- query(V)`.",
        example: Example::Program { wrong: "L = 5.\nprint([X || X <- L]).\n", right: "print([X || X <- [5]]).\n" },
    },
    Explanation {
        code: "E0516",
        title: "the calls are nested too deeply",
        text: "A call that is not the last thing that a function does keeps its caller waiting, and about a million may \
               wait. Either the recursion never ends, or it should carry an accumulator, so that the call comes last: \
               such calls take no room, however many there are.",
        example: Example::Program {
            wrong: "f(N) -> 1 + f(N + 1).\nprint(f(0)).\n",
            right: "f(0, Sum) -> Sum;\nf(N, Sum) -> f(N - 1, Sum + 1).\nprint(f(100000, 0)).\n",
        },
    },
    Explanation {
        code: "E0517",
        title: "a term is nested too deeply",
        text: "Tuples, lists, maps and functions may be nested in one another 500 levels deep. A list may be as long as \
               you like: its length does not count.",
        example: Example::Program {
            wrong: "f(0, T) -> T;\nf(N, T) -> f(N - 1, {T}).\nprint(f(1000, a)).\n",
            right: "f(0, T) -> T;\nf(N, T) -> f(N - 1, [N | T]).\nprint(length(f(1000, []))).\n",
        },
    },
    Explanation {
        code: "E0518",
        title: "a function that must be pure calls a verb",
        text: "Functions given to `map`, `filter`, `fold` and other derivations are run by every node, as often as it \
               needs, in any order. They may compute, and do nothing else: no update, no query, no print, no time, no \
               chance. Do that outside, and hand the result to the function.",
        example: Example::Program {
            wrong: "S = declare(set).\nupdate(S, {add, 1}).\nD = map(S, fun(X) -> print(X) end).\nprint(query(D)).\n",
            right: "S = declare(set).\nupdate(S, {add, 1}).\nD = map(S, fun(X) -> X * 2 end).\nprint(query(D)).\n",
        },
    },
    Explanation {
        code: "E0519",
        title: "a pure function takes too many steps",
        text: "A function given to a derivation may make 20,000,000 calls and rounds of loops for one element, and be \
               100,000 calls deep, the same on all nodes; beyond that it fails for that element. It probably never ends.",
        example: Example::Test { file: "tests/machine.rs", name: "a_pure_call_refuses_verbs_and_endless_loops" },
    },
    Explanation {
        code: "E0520",
        title: "a function from another node is not in this program",
        text: "A function travels as what it captured and the hash of its code, not as code. A node that runs another \
               program does not have it. Run the same program on all nodes.",
        example: Example::Session(
            r"$ echo 'S = declare(set). update(S, {add, fun() -> hello end}).' > gives.lasp
$ echo 'S = declare(set). read(S, {cardinality, 1}), [F] = query(S), print(F()).' > takes.lasp
$ lasp run gives.lasp --listen 127.0.0.1:7001 &
listening on 127.0.0.1:7001
$ lasp run takes.lasp --peers 127.0.0.1:7001 &
takes.lasp:1:68: error E0520: this function comes from another node, and is not in this program",
        ),
    },
    Explanation {
        code: "E0521",
        title: "the program called error(Reason)",
        text: "`error(Reason)` ends the task, or the one element's contribution, with the reason that it is given.",
        example: Example::Program { wrong: "error(not_ready).\n", right: "print(not_ready).\n" },
    },
    Explanation {
        code: "E0522",
        title: "the text of io:format does not fit its arguments",
        text: "Each `~p`, `~w`, `~s`, `~b`, `~f`, `~e`, `~c` takes one argument from the list; `~n` and `~~` take none. \
               Between the tilde and the letter may stand `width.precision`, as in `~8.2f`.",
        example: Example::Program {
            wrong: "io:format(\"~p and ~p~n\", [1]).\n",
            right: "io:format(\"~p and ~p~n\", [1, 2]).\n",
        },
    },
    Explanation {
        code: "E0523",
        title: "a string or list is too large",
        text: "Strings have at most 64 megabytes, and `lists:seq` makes at most 16 million elements at once.",
        example: Example::Program {
            wrong: "print(length(lists:seq(1, 100000000000))).\n",
            right: "print(length(lists:seq(1, 1000))).\n",
        },
    },
    Explanation {
        code: "E0524",
        title: "a function is too large",
        text: "One function, or one form of the top level, has more names and parts than the machine has registers for, \
               about 65,000. Split it.",
        example: Example::Session(
            r#"$ echo "f() -> $(seq -f 'X%.0f = 1' -s ', ' 70000)." | lasp check -
standard input:1:1: error E0524: this function is too large"#,
        ),
    },
    Explanation {
        code: "E0525",
        title: "one expression is expected",
        text: "`--until` takes one expression over the program's names, such as `'query(S) == [1, 2]'`.",
        example: Example::Session(
            r"$ echo 'X = 1.' | lasp run - --until 'X == 1. X == 2.'
--until:1:1: error E0525: one expression is expected here",
        ),
    },
    Explanation {
        code: "E0526",
        title: "a term has too many parts",
        text: "A term is made of at most 67,108,864 terms, each counted as often as it stands there: `{X, X}` has twice the \
               parts of X, though X is kept only once. So a function that doubles a term 40 times makes, in little memory, \
               what nobody could compare, print or send.\n\nKeep each part once, and say how it is put together: numbers or \
               names in place of the parts, say, and a map from these to the parts.",
        example: Example::Program {
            wrong: "double(X, 0) -> X;\ndouble(X, N) -> double({X, X}, N - 1).\nprint(double(1, 40) == double(1, 40)).\n",
            right: "double(X, 0) -> X;\ndouble(X, N) -> double({X, X}, N - 1).\nprint(double(1, 4) == double(1, 4)).\n",
        },
    },
];
