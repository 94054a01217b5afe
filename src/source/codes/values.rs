//! E03: variables, operations, thresholds, dataflow.

use crate::source::codes::Example;
use crate::source::codes::Explanation;

pub(super) const CODES: &[Explanation] = &[
    Explanation {
        code: "E0301",
        title: "a name has one type",
        text: "\
A variable is known everywhere by its name, and peers that declare the same name share one variable. That can only work
when they mean the same type by it, so a second declaration with another type is refused, on every node that sees both.
Neither variable's data changes.

Declare the name with the same type everywhere, or give one of the two another name.",
        example: Example::Program {
            wrong: "X = declare(set).\nupdate(declare('X', counter), increment).\n",
            right: "X = declare(set).\nupdate(declare('Y', counter), increment).\n",
        },
    },
    Explanation {
        code: "E0302",
        title: "this is not a type of variables",
        text: "\
`declare` takes the name of a type. Sets are `set`, `rwset`, `gset` and `twopset`; counters `counter`, `gcounter`, `bcounter`
and `lexcounter`; numbers `max_int` and `min_int`; flags `boolean`, `ewflag` and `dwflag`; registers `ivar`, `lwwregister` and
`mvregister`. With parameters there are `{top_k, [K]}`, `{gmap, [Type]}`, `{awmap, [Type]}`, `mvmap`, `{pair, [Type1, Type2]}`,
`{window, [Span, Type]}` and `{window, [Span, Slide, Keep, Type]}`. Lasp's other names for them (`orset`, `awset`, `pncounter`,
..) mean the same, and `state_` may stand before any of them.

Types stand in each other, sixteen deep at most. Two combinations are refused: a `bcounter` beneath a key that can be removed,
since removing the key would take its rights away, and in a window what cannot be withdrawn again, such as a register.",
        example: Example::Program {
            wrong: "X = declare(conter).\n",
            right: "X = declare(counter).\n",
        },
    },
    Explanation {
        code: "E0303",
        title: "the type has no such operation",
        text: "\
Each type has its own operations, and an update with any other is refused before anything happens. The message lists the
ones that there are. A type lacks an operation for a reason: a `gset` has no `{rmv, E}`, because what has once been in it
stays, and that is why its thresholds, once met, stay met.",
        example: Example::Program {
            wrong: "X = declare(gset).\nupdate(X, {rmv, 1}).\n",
            right: "X = declare(set).\nupdate(X, {rmv, 1}).\n",
        },
    },
    Explanation {
        code: "E0304",
        title: "the type has no such threshold",
        text: "\
A threshold says how far a variable must have come before a task goes on. What that can be follows from the type: a set is
waited for by elements (`[1, 2]`) or by size (`{cardinality, N}`), a number by value (`{value, N}`; a `min_int` by at most N),
a flag by `true`, a map by what some of its keys have (`#{Key => T}`), a pair by two thresholds, a window by those of its
type, and everything by `bound`, which is anything but its first value. Each may be wrapped as `{strict, T}`: beyond T.",
        example: Example::Program {
            wrong: "C = declare(counter).\nupdate(C, increment).\nread(C, {cardinality, 1}).\n",
            right: "C = declare(counter).\nupdate(C, increment).\nread(C, {value, 1}).\n",
        },
    },
    Explanation {
        code: "E0305",
        title: "a derivation would close a cycle",
        text: "\
A derived variable follows its sources for as long as the program runs. If it were, by whatever detour, its own source, an
element could hold itself in place for ever after all that it came from is gone. So a derivation that closes a cycle is
refused when it is made; the message shows the path. `fold_dynamic` counts as a step of such a path.

Put the derived values into a variable of their own.",
        example: Example::Program {
            wrong: "\
A = declare(set).
B = declare(set).
map(A, fun(X) -> X + 1 end, B).
map(B, fun(X) -> X + 1 end, A).
",
            right: "\
A = declare(set).
B = declare(set).
C = declare(set).
map(A, fun(X) -> X + 1 end, B).
map(B, fun(X) -> X + 1 end, C).
",
        },
    },
    Explanation {
        code: "E0306",
        title: "a dynamic source into a replicated destination",
        text: "\
A dynamic variable has one value for each node, and that value does not leave the node. A replicated variable has one value
for all. Deriving the second from the first would give it another value on each node.

`fold_dynamic` is made for this: every node contributes what its own value comes to, and the destination joins them all.",
        example: Example::Program {
            wrong: "L = declare_dynamic(set).\nG = declare(set).\nmap(L, fun(X) -> X end, G).\n",
            right: "L = declare_dynamic(set).\nG = declare(set).\nfold_dynamic(L, fun(X) -> {add, [X]} end, G).\n",
        },
    },
    Explanation {
        code: "E0307",
        title: "the verb cannot derive a variable of this type",
        text: "\
`map`, `filter`, `union`, `intersection` and `product` contribute elements, so their destination is a set. `fold` contributes
operations that can be taken back when an element leaves: into sets, counters (not bounded ones), `max_int`, `min_int`,
`boolean`, `top_k`, and windows, maps and pairs of these. `bind_to` joins one variable's value into another of the same type
(any set into any set, any counter into a `counter`, any `top_k` into any `top_k`), but not into a bounded counter.",
        example: Example::Program {
            wrong: "S = declare(set).\nC = declare(counter).\nmap(S, fun(X) -> X end, C).\n",
            right: "S = declare(set).\nC = declare(counter).\nfold(S, fun(_) -> increment end, C).\n",
        },
    },
    Explanation {
        code: "E0308",
        title: "the verb needs another function",
        text: "\
`map` and `filter` call their function with one argument, the element. `fold` and `fold_dynamic` take a function of one
argument, or of two: the second is then the destination's first value (`[]` for a set, 0 for a counter).",
        example: Example::Program {
            wrong: "S = declare(set).\nD = declare(set).\nmap(S, fun(X, Y) -> {X, Y} end, D).\n",
            right: "S = declare(set).\nD = declare(set).\nmap(S, fun(X) -> {X, X} end, D).\n",
        },
    },
    Explanation {
        code: "E0309",
        title: "an ivar is assigned once",
        text: "\
An `ivar` holds the first value that it is given, for good; giving it the same value again changes nothing, another one is
refused. When two nodes assign different values without knowing of each other, neither is lost: the variable then reads as
`{conflict, [V1, V2]}`, on both.

Use an `lwwregister` for a value that may be replaced.",
        example: Example::Program {
            wrong: "I = declare(ivar).\nupdate(I, {set, 1}).\nupdate(I, {set, 2}).\n",
            right: "I = declare(lwwregister).\nupdate(I, {set, 1}).\nupdate(I, {set, 2}).\n",
        },
    },
    Explanation {
        code: "E0310",
        title: "a fold cannot contribute this",
        text: "\
The function of a fold returns one operation of the destination's type, a list of them, or `[]`. Only operations that can be
taken back when the element leaves can be contributed: `{rmv, E}` and a maximum's `increment` cannot. The element for which
the function returned something else contributes nothing; all others do.",
        example: Example::Program {
            wrong: "S = declare(set).\nC = declare(counter).\nfold(S, fun(X) -> {add, X} end, C).\nupdate(S, {add, 1}).\n",
            right: "S = declare(set).\nC = declare(counter).\nfold(S, fun(X) -> {increment, X} end, C).\nupdate(S, {add, 1}).\n",
        },
    },
    Explanation {
        code: "E0311",
        title: "fold_dynamic goes from a dynamic variable into a replicated one",
        text: "\
`fold_dynamic` gathers what each node's own value comes to. Its source is therefore dynamic: from a replicated one every node
would contribute the same again, and a counter would count everything once for each node. Its destination is replicated,
since that is where the nodes' contributions meet. In both other cases `fold` is what is meant.",
        example: Example::Program {
            wrong: "S = declare(set).\nC = declare(counter).\nfold_dynamic(S, fun(_) -> increment end, C).\n",
            right: "S = declare_dynamic(set).\nC = declare(counter).\nfold_dynamic(S, fun(_) -> increment end, C).\n",
        },
    },
    Explanation {
        code: "E0312",
        title: "a filter's function returns true or false",
        text: "\
`filter` keeps the elements for which its function returns `true`, and leaves out those for which it returns `false`. For
anything else it cannot tell which was meant: the element is left out, and reported.",
        example: Example::Program {
            wrong: "S = declare(set).\nD = declare(set).\nfilter(S, fun(X) -> X rem 2 end, D).\nupdate(S, {add, 1}).\n",
            right: "S = declare(set).\nD = declare(set).\nfilter(S, fun(X) -> X rem 2 == 1 end, D).\nupdate(S, {add, 1}).\n",
        },
    },
    Explanation {
        code: "E0313",
        title: "a product's pair is nested too deeply",
        text: "\
Terms may be nested in one another to a fixed depth, which keeps every node able to compare and print them. A `product` makes
pairs of elements, each one level deeper than what it holds; a pair beyond the limit is left out, and reported.",
        example: Example::Program { wrong: "f(0, T) -> T;\nf(N, T) -> f(N - 1, {T}).\nS = declare(set).\nP = product(map(S, fun(X) -> {X} end), S, declare(set)).\nupdate(S, {add, f(499, a)}).\nprint(length(query(P))).\n", right: "f(0, T) -> T;\nf(N, T) -> f(N - 1, {T}).\nS = declare(set).\nP = product(map(S, fun(X) -> {X} end), S, declare(set)).\nupdate(S, {add, f(400, a)}).\nprint(length(query(P))).\n" },
    },
    Explanation {
        code: "E0314",
        title: "there are too many variables or derivations",
        text: "\
A node can hold some four thousand million variables, and as many derivations. A program that reaches that limit makes
variables in a loop without end.",
        example: Example::Test { file: "src/graph/variables.rs", name: "a_node_that_has_all_the_variables_that_it_can_number_says_so" },
    },
    Explanation {
        code: "E0315",
        title: "a counter would become too large to be sent",
        text: "\
An integer has at most four million bits, and so has what one node has added to a counter in all. An update that would lead
beyond is refused; the counter keeps its value.",
        example: Example::Test { file: "src/engine/states/counter.rs", name: "an_update_after_which_the_entry_could_not_be_sent_is_refused" },
    },
    Explanation {
        code: "E0316",
        title: "derivations of several nodes close a cycle",
        text: "\
Nodes tell each other which derivations they have. Where those of several nodes close a cycle, no node could have refused it
when it was made. Then every node has the same one of them rest, which contributes nothing and takes back what it had contributed: the one
whose content has the greatest hash, so that it is the same whoever comes first. The message shows the path. A dynamic variable counts as one
for all nodes, and `fold_dynamic` is a step of such a path.

The derivation contributes again when no node that can be reached has the others any more: they have ended, or are cut off.
Have the derived values in a variable of their own, on all nodes alike.",
        example: Example::Session(
            r"$ echo 'A = declare(set). B = declare(set). map(A, fun(X) -> X end, B).' > one.lasp
$ echo 'A = declare(set). B = declare(set). map(B, fun(X) -> X end, A).' > other.lasp
$ lasp run one.lasp --listen 127.0.0.1:7001 &
listening on 127.0.0.1:7001
$ lasp run other.lasp --peers 127.0.0.1:7001 &
..E0316: .. rests: with ..it closes a cycle: B -> A -> B",
            ),
    },
    Explanation {
        code: "E0317",
        title: "a view stays as it was",
        text: "\
A node that uses a variable without having what is derived into it takes that from one server at a time. When that server is gone
another takes over, but only one that has seen all updates from which what was shown comes: so nothing that was shown is taken back. Until there is one the
old view stays. It goes on by itself as soon as such a server is connected; where the updates were lost with the first, nobody will ever have seen
them all. At the prompt, `:sync` takes the view of whichever server there is, as it is. A program that is started anew also takes the first that it gets.",
        example: Example::Test { file: "tests/views.rs", name: "the_next_producer_takes_over_without_going_backwards" },
    },
    Explanation {
        code: "E0318",
        title: "a part of a view is too large to be sent",
        text: "\
What is derived into a variable is given, element by element, to nodes that use the variable and do not derive it. One element takes at most
960 KiB there, keys of maps included. Others are not seen by those nodes; the variable itself has them, on all nodes that derive it.",
        example: Example::Session(
            r"$ echo 'S = declare(set). D = map(S, fun(X) -> lists:duplicate(30, X) end).' > wide.lasp
$ echo 'update(S, {add, [lists:seq(1, 20000)]}).' >> wide.lasp
$ echo 'D = declare(set).' > looks.lasp
$ lasp run wide.lasp --listen 127.0.0.1:7001 &
listening on 127.0.0.1:7001
$ lasp run looks.lasp --peers 127.0.0.1:7001 &
warning E0318: 1 parts of the view of `D` are too large to be sent",
            ),
    },
    Explanation {
        code: "E0340",
        title: "a bounded counter's owner has not enough rights",
        text: "\
A `bcounter` is never below 0 on any node, at any time, and no node asks another before it counts. What makes that possible are
rights: whoever increments by N gets the right to decrement by N, there and nowhere else. An owner of rights is a node or, in
`update(V, Op, Actor)`, one of its actors. `{move, N, To}` gives rights away: to the node of that name, or to an actor of this
node. An update that would use more rights than its owner has is refused, and changes nothing.

The message tells who has rights, as far as this node knows. They may have used them since.",
        example: Example::Program {
            wrong: "Stock = declare(bcounter).\nupdate(Stock, {increment, 2}).\nupdate(Stock, {decrement, 3}).\n",
            right: "Stock = declare(bcounter).\nupdate(Stock, {increment, 2}).\nupdate(Stock, {move, 1, shop}).\nupdate(Stock, decrement, shop).\n",
        },
    },
    Explanation {
        code: "E0341",
        title: "rights cannot be moved to a name that several nodes have",
        text: "\
`{move, N, To}` gives rights of a bounded counter to the node of that name. Two nodes that are connected now have it, and the
rights can go to one of them only. Start nodes with `--node NAME`, each with a name of its own.",
        example: Example::Session(
            r"$ echo 'B = declare(bcounter). update(B, {increment, 5}).' > stock.lasp
$ lasp run stock.lasp --node till --listen 127.0.0.1:7001 &
listening on 127.0.0.1:7001
$ lasp run stock.lasp --node till --peers 127.0.0.1:7001 &
connected till
$ (cat stock.lasp; echo 'read(B, {value, 15}), sleep(2000), update(B, {move, 1, till}).') > moves.lasp
$ lasp run moves.lasp --peers 127.0.0.1:7001 &
moves.lasp:2:36: error E0341: rights cannot be moved to `till`: several nodes have that name",
            ),
    },
];
