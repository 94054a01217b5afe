//! E04: what inference finds that would not fail when it runs. What would fail has the code that it would have had then.

use crate::source::codes::Example;
use crate::source::codes::Explanation;

pub(super) const CODES: &[Explanation] = &[
    Explanation {
        code: "E0401",
        title: "a clause can never match",
        text: "\
The value that is matched cannot have the shape of this pattern, or the guard cannot be true, whatever else happens: what
stands in the clause never runs. It is a warning, since the program runs all the same, but probably not as meant.

A common reason: the value of a variable is not what the pattern expects. The value of a set is a list, that of a counter a
number, that of a `top_k` a list of `{Name, Score}`, that of a map a map.

A guard holds where it is `true`, and no other value counts as true: not `length(L)`, not `X + 1`, not a text. What fails in
it is not true either. So `when X == 1 or 2` holds for nothing; it is `when X == 1 orelse X == 2`. A name or a literal that
is `true`, `false` or `undefined` turns a clause on or off, and is not told.",
        example: Example::Program {
            wrong: "C = declare(counter).\nprint(case query(C) of [] -> none; N -> N end).\n",
            right: "C = declare(counter).\nprint(case query(C) of 0 -> none; N -> N end).\n",
        },
    },
    Explanation {
        code: "E0402",
        title: "a fold has no accumulator",
        text: "\
`lists:foldl` hands its result from element to element. The verb `fold` does not: elements come and go in any order, on any
node, and each contributes operations of its own, which are taken back when it leaves. The function's second argument is
always the destination's first value (0 of a counter, `[]` of a set), so that a function that computes with it computes with
that, every time.

Return what one element contributes: the destination adds it up.",
        example: Example::Program {
            wrong: "S = declare(set).\nN = declare(counter).\nfold(S, fun(X, Acc) -> {increment, Acc + X} end, N).\n",
            right: "S = declare(set).\nN = declare(counter).\nfold(S, fun(X) -> {increment, X} end, N).\n",
        },
    },
    Explanation {
        code: "E0403",
        title: "a removal does not prevail against a derivation",
        text: "\
A derivation contributes to its destination for as long as its source has the element. `{rmv, X}` on the destination takes
back what was added to it by updates, and nothing else: what is derived into it stays, or comes back.

Remove the element from the source; or derive into another variable, and remove from this one.",
        example: Example::Program {
            wrong: "S = declare(set).\nD = map(S, fun(X) -> X * 2 end).\nupdate(S, {add, 1}).\nupdate(D, {rmv, 2}).\n",
            right: "S = declare(set).\nD = map(S, fun(X) -> X * 2 end).\nupdate(S, {add, 1}).\nupdate(S, {rmv, 1}).\n",
        },
    },
    Explanation {
        code: "E0404",
        title: "a variable is compared with a value",
        text: "\
A name that is bound to a replicated variable stands for the variable itself, a reference, and not for its value. A reference
comes after all numbers and atoms in the order of terms, so that `C > 3` is true whatever the counter has.

`query(C)` is the value here and now; `read(C, {value, 3})` waits until it is at least 3.",
        example: Example::Program {
            wrong: "C = declare(counter).\nprint(C > 3).\n",
            right: "C = declare(counter).\nprint(query(C) > 3).\n",
        },
    },
    Explanation {
        code: "E0405",
        title: "`null` is an atom like any other",
        text: "\
There is no value that is no value. `null` and `nil` are atoms: names for themselves, equal to themselves alone. Variables that
nobody has set, columns that are missing and `null` in a JSON file read as the atom `undefined`.

It is a warning: a program may use any atom as it likes, as long as it does not expect to meet it elsewhere.",
        example: Example::Program {
            wrong: "Z = null.\nprint(Z).\n",
            right: "Z = undefined.\nprint(Z).\n",
        },
    },
    Explanation {
        code: "E0406",
        title: "a string is compared with an atom",
        text: "\
`\"ann\"` is a string and `ann`, or `'ann'`, an atom: two values of different kinds, which are never equal. In languages where
both quotes write strings they would be one.

Texts stand in double quotes. Single quotes write atoms that do not look like one, such as `'Ann'`.",
        example: Example::Program {
            wrong: "Name = \"ann\".\nprint(Name == 'ann').\n",
            right: "Name = \"ann\".\nprint(Name == \"ann\").\n",
        },
    },
    Explanation {
        code: "E0407",
        title: "a variable is declared by the name of a type",
        text: "\
`declare(Id, Type)` takes a name first, by which all nodes know the variable, and then its type. So `declare(map, set)` makes
a set that is called `map`, and no map of sets.

A type with parameters is one term: `declare({map, [set]})`. It is a warning, since any term may be a name.",
        example: Example::Program {
            wrong: "M = declare(map, set).\nprint(query(M)).\n",
            right: "M = declare({map, [set]}).\nprint(query(M)).\n",
        },
    },
    Explanation {
        code: "E0408",
        title: "nothing calls `main`",
        text: "\
A program is a sequence of forms, which run from top to bottom. No function is called by itself, whatever its name.

Call it in a form of its own, or write what it does at the top level.",
        example: Example::Program {
            wrong: "main() -> print(hello).\n",
            right: "main() -> print(hello).\nmain().\n",
        },
    },
    Explanation {
        code: "E0409",
        title: "a number or an operation stands where the actor does",
        text: "\
The third argument of `update` names who does it: the owner of rights in a `bcounter`, elsewhere a label without effect. It is no
amount: `update(C, increment, 5)` counts 1. The amount is a part of the operation: `{increment, 5}`. Nor is it a second operation:
an update does one, and `update(S, {add, 1}, {add, 2})` adds 1 alone.",
        example: Example::Program {
            wrong: "C = declare(counter).\nupdate(C, increment, 5).\n",
            right: "C = declare(counter).\nupdate(C, {increment, 5}).\nupdate(C, increment, client_5).\n",
        },
    },
    Explanation {
        code: "E0410",
        title: "a function matches a name that the top level binds later",
        text: "\
A name that the top level binds is known in every function, wherever either stands; `Name = ..` in a function then compares, and
binds nothing. Here the function is called above the form that binds the name, so that there is nothing to compare with, and
it fails (E0510) as soon as it gets there. `lasp check` calls it an error where it is sure to get there, and a warning where
that depends on which branch is taken.

Probably the function means a name of its own, and another one is free: rename one of the two.",
        example: Example::Program {
            wrong: "total(Xs) -> Sum = lists:sum(Xs), Sum * 2.\nX = total([1, 2]).\nSum = total([3]).\n",
            right: "total(Xs) -> Sum = lists:sum(Xs), Sum * 2.\nX = total([1, 2]).\nAll = total([3]).\n",
        },
    },
    Explanation {
        code: "E0411",
        title: "a number that a `max_int` never shows",
        text: "\
A `max_int` is the greatest of the numbers that it was set to, and 0 before that: a number below 0 leaves it as it is, on every
node.

For the greatest of numbers that may all be negative keep a `min_int` of their negations, which reads `undefined` until it is
set; for the last number that was set, an `lwwregister`.",
        example: Example::Program {
            wrong: "Best = declare(max_int).\nupdate(Best, {set, -5}).\n",
            right: "Last = declare(lwwregister).\nupdate(Last, {set, -5}).\n",
        },
    },
    Explanation {
        code: "E0412",
        title: "a body in braces is a tuple",
        text: "\
The body of a function stands between its `->` and `end`, `;` or `.`, without brackets of its own. In braces it is a tuple of
one element: `{X * 2}` is not 4 but `{4}`.

It is a warning, and given only where something is calculated within the braces, since a tuple of one element is a value as
good as any.",
        example: Example::Program {
            wrong: "F = fun(X) -> { X * 2 } end.\nprint(F(2)).\n",
            right: "F = fun(X) -> X * 2 end.\nprint(F(2)).\n",
        },
    },
    Explanation {
        code: "E0413",
        title: "a name that is bound is not changed by `=`",
        text: "\
A name stands for one value, for good. `Total = Total + X` does not add: it compares the two sides, and fails where they differ,
which is always but for an X of 0.

Give the new value a name of its own. What goes through a list with a sum is `lists:foldl`, or a function with an accumulator
that calls itself; what is to be counted on by several tasks or nodes is a variable, which `update` changes.",
        example: Example::Program {
            wrong: "Add = fun(Total, X) -> Total = Total + X end.\nprint(Add(1, 2)).\n",
            right: "Add = fun(Total, X) -> Total + X end.\nprint(Add(1, 2)).\n",
        },
    },
    Explanation {
        code: "E0414",
        title: "a value that nobody takes",
        text: "\
Lists, maps and texts are values: `L ++ [X]` and `maps:put(K, V, M)` make new ones and leave L and M as they are. A statement
that only calculates, and whose value is not bound, printed or handed on, does nothing.

Bind what it gives, `More = L ++ [X]`. What is to change in place is a variable: `update(S, {add, X})`. A comparison that has to
hold is `assert(X == 1)`.",
        example: Example::Program {
            wrong: "L = [1, 2].\nL ++ [3].\nprint(L).\n",
            right: "L = [1, 2].\nMore = L ++ [3].\nprint(More).\n",
        },
    },
    Explanation {
        code: "E0415",
        title: "a variable that is bound by its update has no name",
        text: "\
`X = declare(set)` gives the variable its name, by which all nodes that run the program share it. In `X = update(declare(set), ..)`
X is what `update` gives, and the variable within has no name: each node makes one of its own.

Declare it first, and update it then.",
        example: Example::Program {
            wrong: "X = update(declare(set), {add, 1}).\n",
            right: "X = declare(set), update(X, {add, 1}).\n",
        },
    },
    Explanation {
        code: "E0416",
        title: "one name for a replicated variable and a dynamic one",
        text: "\
A variable that `declare_dynamic` makes has one value for each node, which does not leave the node; one that `declare` makes has one
value for all. Of the same name they are two variables all the same: what is put into one of them is not in the other.

It is a warning, since a program may mean it so. Give each a name of its own.",
        example: Example::Program {
            wrong: "Here = declare_dynamic(stock, set).\nAll = declare(stock, set).\n",
            right: "Here = declare_dynamic(stock_here, set).\nAll = declare(stock, set).\n",
        },
    },
];
