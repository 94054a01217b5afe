//! E07: tests and documentation.

use crate::source::codes::Example;
use crate::source::codes::Explanation;

pub(super) const CODES: &[Explanation] = &[
    Explanation {
        code: "E0701",
        title: "a test waits for ever",
        text: "A task of the test, or of the program that runs before it, waits with `read` for a variable to reach a threshold, and \
nothing that could still happen brings it there. The message says what it waits for, what the variable is now, and what feeds it. \
On one node only the test itself, and what it has started, can update anything.",
        example: Example::Session(
            r"$ echo 'S = declare(set). wait_test() -> read(S, {cardinality, 1}).' > wait.lasp
$ lasp test wait.lasp
wait.lasp:1:34: error E0701: `wait_test/0` waits for ever: ..",
        ),
    },
    Explanation {
        code: "E0702",
        title: "a test does not come to an end",
        text: "A test may take 20 million steps on one node, and an hour of its own time: `sleep` costs nothing, since tests run in \
virtual time. Look for a function that calls itself without end. An element that a derivation looks at counts as five steps, so that \
a product of two large sets is broken off too. Where so much is meant to be done, `--steps N` allows N million; with `--replicas` \
all nodes together may take 40 million. A program's own top level runs before each of its tests, and is \
bounded in the same way.",
        example: Example::Session(
            r"$ echo 'f() -> sleep(1000), f(). loop_test() -> f().' > loop.lasp
$ lasp test loop.lasp
..error E0702: `loop_test/0` is not done after an hour of its own time",
        ),
    },
    Explanation {
        code: "E0703",
        title: "an example does not give what it says",
        text: "In a ```lasp block of a comment or of Markdown, `% => Term` says what the form before it gives; of a variable, its value. \
A form that gives `false` fails too, unless just that is said. The message shows both.",
        example: Example::Session(
            r"$ printf '```lasp\n1 + 1.  %% => 3\n```\n' > sum.md
$ lasp test sum.md
sum.md:2:1: error E0703: the example gives 2, not 3",
        ),
    },
    Explanation {
        code: "E0704",
        title: "an example does not print what it says",
        text: "Each comment `% prints: text` in a ```lasp block is one line that the block prints, in this order. Where there is one \
such comment, these are all the lines.",
        example: Example::Session(
            r"$ printf '```lasp\nprint(2).  %% prints: 3\n```\n' > sum.md
$ lasp test sum.md
sum.md:2:1: error E0704: line 1 of what is printed should be `3`, and is `2`",
        ),
    },
    Explanation {
        code: "E0705",
        title: "an example does not fail as it says",
        text: "A comment `% fails: E0502` in a ```lasp block says that the block ends with the error of this code. It ended without one, \
or with another.",
        example: Example::Session(
            r"$ printf '```lasp\n1 / 1.  %% fails: E0502\n```\n' > sum.md
$ lasp test sum.md
sum.md:2:1: error E0705: the example should fail with E0502, and did not",
        ),
    },
    Explanation {
        code: "E0706",
        title: "replicas differ after a test",
        text: "After a simulated run in which every node has seen everything, two nodes have different values of one variable. \
The usual reason is a function of a derivation that is not the same on all nodes, since it takes in what each has for itself: each node \
then derives something else. If that is not it, it is a fault in lasp: please report it, with the program and the seed.",
        example: Example::Session(
            r"$ echo 'S = declare(set). D = declare(set).' > add.lasp
$ echo 'add_test() -> R = replica(), map(S, fun(X) -> X + R end, D), update(S, {add, 1}).' >> add.lasp
$ lasp test add.lasp --replicas 2
error E0706: the replicas differ: D is [1] at node 0 and [2] at node 1",
        ),
    },
    Explanation {
        code: "E0707",
        title: "there is no documentation of this name",
        text: "`lasp doc` knows the language's types, verbs and functions, the modules, and the functions of any program: \
`lasp doc set`, `lasp doc update`, `lasp doc lists:map/2`, `lasp doc lists`, `lasp doc cart.lasp`. Without a name it lists all.",
        example: Example::Session(
            r"$ lasp doc nothing
error E0707: there is no documentation of `nothing`",
        ),
    },
    Explanation {
        code: "E0710",
        title: "an event of a simulation is not understood",
        text: "A script for `lasp sim`, and each --event, says what happens when: `at 4s crash 2`, `from 2s to 8s loss 20%`, \
`at 2s partition 0,1 | 2..4`, `at 1s type 0 \"update(S, {add, 1})\"`. `lasp sim --help` lists all that can happen. Times are before \
the end that --for says.",
        example: Example::Session(
            r"$ echo 'S = declare(set).' | lasp sim - --event 'at 2s explode 1'
--event:1:7: error E0710: this is nothing that can happen",
        ),
    },
    Explanation {
        code: "E0711",
        title: "a simulated node breaks a promise",
        text: "While a program is simulated, a judge that hears of every update from its author alone holds each node against what was \
written: nothing is lost, nothing that was taken back comes back, what a node has seen never goes back, a transaction is seen whole \
or not at all, bounded counters keep their bound, nodes that have seen the same show the same. The last of these a \
program can break itself, by a derivation whose function is not the same on all nodes. All else must hold whatever it does: please report it, \
with the program and the line that repeats the run.",
        example: Example::Session(
            r"$ echo 'R = replica(). S = declare(set). update(S, {add, 1}). D = map(S, fun(X) -> X + R end).' > add.lasp
$ lasp sim add.lasp --replicas 2 --for 1s --no-shrink
error E0711: the nodes have seen the same, and yet D is [1] at node 0 and [2] at node 1",
        ),
    },
    Explanation {
        code: "E0712",
        title: "the simulated nodes do not agree",
        text: "After the faults of a simulated run have ended, the nodes have some time to come to the same state, two minutes of virtual \
time unless --settle says otherwise. They did not. Tasks that go on for ever, as those of `every`, are stopped meanwhile, so they \
are no reason.",
        example: Example::Session(
            r"$ echo 'S = declare(set). update(S, {add, replica()}).' > set.lasp
$ lasp sim set.lasp --for 1s --delay 5s --settle 1s --no-shrink
error E0712: the nodes do not agree 1s after the faults have ended",
        ),
    },
    Explanation {
        code: "E0713",
        title: "a simulated program takes too many steps",
        text: "The nodes of a simulated run may have forty turns of a million steps each, and five more for each node, that do not come to \
an end by themselves, and in one turn the derivations of a node may look at four million elements. Look for a function \
that calls itself without end, or a product of large sets. Where so much is meant to be done, `--steps N` allows N million steps, \
and a fifth as many elements.",
        example: Example::Test {
            file: "tests/sim.rs",
            name: "a_program_that_never_lets_anybody_else_have_a_turn_is_told",
        },
    },
    Explanation {
        code: "E0714",
        title: "a file cannot be written",
        text: "The system does not let the file be made or written; it says why.",
        example: Example::Session(
            r"$ echo 'S = declare(set).' | lasp sim - --trace /dev/full
error E0714: /dev/full cannot be written: ..",
        ),
    },
];
