//! E039: what a verb is given does not fit.

use crate::source::codes::Example;
use crate::source::codes::Explanation;

pub(super) const CODES: &[Explanation] = &[
    Explanation {
        code: "E0390",
        title: "an update cannot be written",
        text: "Nothing is written that could not be sent to peers: a value of more than 256 KiB, or a name that \
large, is refused. Split it up. Also, every update of a node takes the node's next number, and there are about a million millions of them for each \
start of a node. When they are used up, the node cannot write any more; what it has written stays. Start it again: each \
start counts anew.",
        example: Example::Program {
            wrong: "S = declare(set).\nupdate(S, {add, [lists:seq(1, 100000)]}).\n",
            right: "S = declare(set).\nupdate(S, {add, lists:seq(1, 100000)}).\n",
        },
    },
    Explanation {
        code: "E0391",
        title: "a verb does not take these arguments",
        text: "The verb exists, but not for values like these: `sleep` and `every` take milliseconds, `random` a positive \
integer, `read_any` a list of pairs `{Variable, Threshold}`, `csv:read`, `json:read` and `each_line` the path of a file as a text.",
        example: Example::Program { wrong: "print(random(0)).", right: "X = random(6), assert(X =< 6)." },
    },
    Explanation {
        code: "E0392",
        title: "a variable is needed here",
        text: "Verbs such as `update`, `query`, `read` and `map` work on variables, which `declare` makes. A list or a number \
is a value, and never changes; so is what `query` gives.",
        example: Example::Program {
            wrong: "L = [1, 2], update(L, {add, 3}).",
            right: "S = declare(set), update(S, {add, [1, 2, 3]}).",
        },
    },
    Explanation {
        code: "E0394",
        title: "an assertion does not hold",
        text: "`assert(E)` ends its task, and the run with exit code 1, unless E is `true`.",
        example: Example::Program { wrong: "assert(1 + 1 == 3).", right: "assert(1 + 1 == 2)." },
    },
    Explanation {
        code: "E0395",
        title: "a verb is given something that is not a function that it can call",
        text: "`map` and `filter` call their function with an element, `fold` and `fold_dynamic` with an element, and with the \
destination's bottom value too if it takes two arguments; `stream` calls it with a value, `each_line` with a line, and `thread`, \
`invariant`, `every`, `once` and `atomically` without arguments, `enforce_once` without, or with one for the effect's key.",
        example: Example::Program {
            wrong: "thread(fun(X) -> print(X) end).",
            right: "thread(fun() -> print(hello) end).",
        },
    },
    Explanation {
        code: "E0396",
        title: "a file cannot be read",
        text: "`csv:read`, `json:read` and `each_line` look a relative path up beside the program first, then in the current folder.",
        example: Example::Program { wrong: "csv:read(\"there is no such file.csv\").", right: "print(ok)." },
    },
    Explanation {
        code: "E0397",
        title: "a file is not well-formed",
        text: "The file was read, but it is not the CSV, JSON or UTF-8 text that it should be; the message says where it stops being so. \
A CSV file starts with a line of column names, no two alike, and each row has as many cells as there are columns.",
        example: Example::Session(
            r#"$ echo '{"a": }' > data.json
$ echo 'print(json:read("data.json")).' | lasp run -
standard input:1:7: error E0397: the file `data.json` is not well-formed JSON: .."#,
        ),
    },
    Explanation {
        code: "E0398",
        title: "derivations failed on more elements than are shown",
        text: "The functions of derivations failed on many elements at once. Three failures are reported one by one, with the \
element and the place, of different derivations if there are; the rest are counted. Each of them contributes nothing, and the other elements are \
not affected.",
        example: Example::Program {
            wrong: "S = declare(set), map(S, fun(X) -> 1 div X end, declare(set)), update(S, {add, [a, b, c, d, e, f]}).",
            right: "S = declare(set), map(S, fun(X) -> 1 div X end, declare(set)), update(S, {add, [1, 2, 3]}).",
        },
    },
];
