//! E037: tasks, transactions, and what they may wait for.

use crate::source::codes::Example;
use crate::source::codes::Explanation;

pub(super) const CODES: &[Explanation] = &[
    Explanation {
        code: "E0370",
        title: "a transaction is too large",
        text: "What `atomically` does is applied whole or not at all by every node, so it has to fit into one message: all its \
updates together, with the names of the variables, take at most 512 KiB. Nothing of it is done. Do it in several smaller steps, each of \
which leaves things as they may be seen.",
        example: Example::Program {
            wrong: "S = declare(set), atomically(fun() -> update(S, {add, lists:seq(1, 40000)}) end).",
            right: "S = declare(set), update(S, {add, lists:seq(1, 40000)}).",
        },
    },
    Explanation {
        code: "E0371",
        title: "a transaction only updates, and does not wait",
        text: "What `atomically` does becomes visible at its end, all at once. Were it to wait in the middle, for another task, for a \
peer, for time or for a file, it could wait for what it hides itself. So `sleep`, reading files, and a `read` whose threshold is not met yet \
end it with this error, and undo all that it did; so do `interested` and `disinterested`, which are no updates. A `read` whose threshold is met goes on. Wait before `atomically`, or after it.",
        example: Example::Program {
            wrong: "C = declare(counter), atomically(fun() -> update(C, increment), read(C, {value, 2}) end).",
            right: "C = declare(counter), update(C, increment), atomically(fun() -> read(C, {value, 1}), update(C, increment) end).",
        },
    },
    Explanation {
        code: "E0372",
        title: "an awaited expression changes something",
        text: "The expression after `--until` is tested after every change, so it may only look: `query`, `read` (which is not true \
before its threshold is met), `converged()`, and what can be made of values. What updates, prints, declares or starts something belongs into the program.",
        example: Example::Session(
            r"$ echo 'S = declare(set).' | lasp run - --until 'update(S, {add, 1}) == ok'
--until:1:1: error E0372: the awaited expression only looks, and `update/2` does more",
        ),
    },
    Explanation {
        code: "E0373",
        title: "there is nothing to wait for",
        text: "`read_any` waits for the first of several thresholds. With an empty list it would wait for ever.",
        example: Example::Program {
            wrong: "read_any([]).",
            right: "A = declare(ivar), B = declare(ivar), update(B, {set, 1}), {_, 1} = read_any([{A, bound}, {B, bound}]).",
        },
    },
];
