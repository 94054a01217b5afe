//! E0374 to E0377: topics.

use crate::source::codes::Example;
use crate::source::codes::Explanation;

pub(super) const CODES: &[Explanation] = &[
    Explanation {
        code: "E0374",
        title: "a variable's topic cannot be set",
        text: "A variable has one topic, or none, from its first update on, here or on another node: what has been sent already \
cannot be taken back from those who do not take the topic. Have `set_topic` right after `declare`. A variable that `declare_dynamic` makes never leaves its \
node and has no topic; the one that `fold_dynamic` feeds may have one.",
        example: Example::Program {
            wrong: "S = declare(set), update(S, {add, 1}), set_topic(S, news).",
            right: "S = declare(set), set_topic(S, news), update(S, {add, 1}).",
        },
    },
    Explanation {
        code: "E0375",
        title: "a variable has different topics on different nodes",
        text: "Another node has updated a variable of this name and type under another topic, or under none. They are two variables \
then: each node shows its own, and neither side's data changes. Set the same topic on all nodes, before the first update.",
        example: Example::Session(
            r"$ echo 'S = declare(set). set_topic(S, news). update(S, {add, 1}).' > one.lasp
$ echo 'S = declare(set). update(S, {add, 2}).' > other.lasp
$ lasp run one.lasp --listen 127.0.0.1:7001 &
listening on 127.0.0.1:7001
$ lasp run other.lasp --peers 127.0.0.1:7001 &
error E0375: S has no topic here and another topic on another node",
        ),
    },
    Explanation {
        code: "E0376",
        title: "a transaction spans topics",
        text: "What `atomically` does is seen whole or not at all by every node. A node that takes one of two topics would see a half, so all \
variables that it updates have the same topic, or all have none. Nothing of it is done.",
        example: Example::Program {
            wrong: "A = declare(set), B = declare(set), set_topic(B, news), atomically(fun() -> update(A, {add, 1}), update(B, {add, 1}) end).",
            right: "A = declare(set), B = declare(set), set_topic(A, news), set_topic(B, news), atomically(fun() -> update(A, {add, 1}), update(B, {add, 1}) end).",
        },
    },
    Explanation {
        code: "E0377",
        title: "what a node takes cannot be changed so",
        text: "A node can name at most 4,096 topics in `interested` and `disinterested`. And it does not give up a topic \
of which it may be the last to have updates: they would be lost. What is here must be known to servers that are connected and take the topic; try again when \
one is. Only of its own updates that no server has yet it keeps some aside, until a server has them.",
        example: Example::Session(
            r"$ echo 'lists:foreach(fun(N) -> interested({t, N}) end, lists:seq(1, 4097)).' > topics.lasp
$ lasp run topics.lasp
topics.lasp:1:25: error E0377: what this node takes cannot be changed so: ..",
        ),
    },
];
