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
];
