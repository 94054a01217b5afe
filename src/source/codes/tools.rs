//! E07: tests and documentation.

use crate::source::codes::Explanation;

const fn code(code: &'static str, title: &'static str, text: &'static str) -> Explanation {
    Explanation { code, title, text, wrong: "", right: "" }
}

pub(super) const CODES: &[Explanation] = &[
    code(
        "E0701",
        "a test waits for ever",
        "A task of the test, or of the program that runs before it, waits with `read` for a variable to reach a threshold, and \
nothing that could still happen brings it there. The message says what it waits for, what the variable is now, and what feeds it. \
On one node only the test itself, and what it has started, can update anything.",
    ),
    code(
        "E0702",
        "a test does not come to an end",
        "A test may take 20 million steps on one node, and an hour of its own time: `sleep` costs nothing, since tests run in \
virtual time. Look for a function that calls itself without end. A program's own top level runs before each of its tests, and is \
bounded in the same way.",
    ),
    code(
        "E0703",
        "an example does not give what it says",
        "In a ```lasp block of a comment or of Markdown, `% => Term` says what the form before it gives; of a variable, its value. \
A form that gives `false` fails too, unless just that is said. The message shows both.",
    ),
    code(
        "E0704",
        "an example does not print what it says",
        "Each comment `% prints: text` in a ```lasp block is one line that the block prints, in this order. Where there is one \
such comment, these are all the lines.",
    ),
    code(
        "E0705",
        "an example does not fail as it says",
        "A comment `% fails: E0502` in a ```lasp block says that the block ends with the error of this code. It ended without one, \
or with another.",
    ),
    code(
        "E0706",
        "replicas differ after a test",
        "After a simulated run in which every node has seen everything, two nodes have different values of one variable. That must \
not happen, whatever the program does: please report it, with the program and the seed.",
    ),
    code(
        "E0707",
        "there is no documentation of this name",
        "`lasp doc` knows the language's types, verbs and functions, the modules, and the functions of any program: \
`lasp doc set`, `lasp doc update`, `lasp doc lists:map/2`, `lasp doc lists`, `lasp doc cart.lasp`. Without a name it lists all.",
    ),
    code(
        "E0710",
        "an event of a simulation is not understood",
        "A script for `lasp sim`, and each --event, says what happens when: `at 4s crash 2`, `from 2s to 8s loss 20%`, \
`at 2s partition 0,1 | 2..4`, `at 1s type 0 \"update(S, {add, 1})\"`. `lasp sim --help` lists all that can happen. Times are before \
the end that --for says.",
    ),
    code(
        "E0711",
        "a simulated node breaks a promise",
        "While a program is simulated, a judge that hears of every update from its author alone holds each node against what was \
written: nothing is lost, nothing that was taken back comes back, what a node has seen never goes back, a transaction is seen whole \
or not at all, bounded counters keep their bound, nodes that have seen the same show the same. Whatever the program does, this must \
hold: please report it, with the program and the line that repeats the run.",
    ),
    code(
        "E0712",
        "the simulated nodes do not agree",
        "After the faults of a simulated run have ended, the nodes have some time to come to the same state, two minutes of virtual \
time unless --settle says otherwise. They did not. Tasks that go on for ever, as those of `every`, are stopped meanwhile, so they \
are no reason.",
    ),
    code(
        "E0713",
        "a simulated program takes too many steps",
        "The nodes of a simulated run may have forty turns of a million steps each, and five more for each node, that do not come to \
an end by themselves. Look for a function \
that calls itself without end.",
    ),
    code("E0714", "a file cannot be written", "The system does not let the file be made or written; it says why."),
];
