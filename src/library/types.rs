//! The types of variables, for people. Names, operations and thresholds are those of `value`; here is what each is for.

/// One type.
#[derive(Clone, Copy, Debug)]
pub struct TypeRow {
    /// Its first name.
    pub name: &'static str,
    /// As it is written in `declare`, with likely parameters.
    pub written: &'static str,
    /// What it is, in a sentence or two.
    pub documentation: &'static str,
    /// What `query` gives.
    pub value: &'static str,
    /// A small program.
    pub example: &'static str,
}

const fn row(
    name: &'static str,
    written: &'static str,
    documentation: &'static str,
    value: &'static str,
    example: &'static str,
) -> TypeRow {
    TypeRow { name, written, documentation, value, example }
}

/// All types, in the order of the language's description.
pub const TYPES: &[TypeRow] = &[
    row(
        "set",
        "set",
        "A set whose elements come and go. Where one node adds what another removes at the same time, the add wins: a removal \
takes away only what its author had seen. Leaves no tombstones.",
        "the list of its elements, in term order",
        "S = declare(set), update(S, {add, [1, 2]}), update(S, {rmv, 1}).\nquery(S). % => [2]",
    ),
    row(
        "rwset",
        "rwset",
        "A set in which a removal wins over an add that happens at the same time.",
        "the list of its elements, in term order",
        "S = declare(rwset), update(S, {add, [1, 2]}), update(S, {rmv, 1}).\nquery(S). % => [2]",
    ),
    row(
        "gset",
        "gset",
        "A set that only grows. What was met stays met: thresholds over it never depend on timing.",
        "the list of its elements, in term order",
        "S = declare(gset), update(S, {add, a}).\nquery(S). % => [a]",
    ),
    row(
        "twopset",
        "twopset",
        "A set from which each element can be removed once, for good: it does not come back.",
        "the list of its elements, in term order",
        "S = declare(twopset), update(S, {add, [a, b]}), update(S, {rmv, a}), update(S, {add, a}).\nquery(S). % => [b]",
    ),
    row(
        "counter",
        "counter",
        "A counter that goes up and down. No increment is ever lost or counted twice.",
        "an integer; a float once a float was added",
        "C = declare(counter), update(C, {increment, 5}), update(C, decrement).\nquery(C). % => 4",
    ),
    row(
        "gcounter",
        "gcounter",
        "A counter that only goes up.",
        "an integer; a float once a float was added",
        "C = declare(gcounter), update(C, increment).\nquery(C). % => 1",
    ),
    row(
        "bcounter",
        "bcounter",
        "A counter that is never below 0 on any node, without asking anybody: who increments gets rights, and who decrements \
needs them. `{move, N, To}` hands rights on. Without enough of them an update is refused; `try_update` tells.",
        "an integer, at least 0; a float once a float was added",
        "Stock = declare(bcounter), update(Stock, {increment, 3}), update(Stock, decrement).\nquery(Stock). % => 2",
    ),
    row(
        "lexcounter",
        "lexcounter",
        "A counter, under Lasp's name for another way to keep it; for programs the same as `counter`.",
        "an integer; a float once a float was added",
        "C = declare(lexcounter), update(C, increment).\nquery(C). % => 1",
    ),
    row(
        "max_int",
        "max_int",
        "The greatest integer that anybody has set; 0 to begin with.",
        "an integer",
        "M = declare(max_int), update(M, {set, 7}), update(M, {set, 3}).\nquery(M). % => 7",
    ),
    row(
        "min_int",
        "min_int",
        "The smallest integer that anybody has set; a threshold is met at or below its number.",
        "an integer, or `undefined` until one is set",
        "M = declare(min_int), update(M, {set, 7}), update(M, {set, 3}).\nquery(M). % => 3",
    ),
    row(
        "boolean",
        "boolean",
        "False until it is true, and then true for good.",
        "`true` or `false`",
        "B = declare(boolean), update(B, true).\nquery(B). % => true",
    ),
    row(
        "ewflag",
        "ewflag",
        "A flag that can be enabled and disabled; where both happen at the same time it is enabled.",
        "`true` or `false`",
        "F = declare(ewflag), update(F, enable).\nquery(F). % => true",
    ),
    row(
        "dwflag",
        "dwflag",
        "A flag that can be enabled and disabled, and is enabled to begin with; where both happen at the same time it is disabled.",
        "`true` or `false`",
        "F = declare(dwflag), update(F, disable).\nquery(F). % => false",
    ),
    row(
        "ivar",
        "ivar",
        "Single assignment. A second, different value is an error for the writer; different values written at the same time \
are both kept, and read as `{conflict, [V1, V2]}`.",
        "the value, or `undefined`",
        "I = declare(ivar), update(I, {set, done}).\nquery(I). % => done",
    ),
    row(
        "lwwregister",
        "lwwregister",
        "A register in which the write with the greatest timestamp stays; the greater term breaks ties, the same everywhere. \
`{set, V}` takes a timestamp above all that this node has seen.",
        "the value, or `undefined`",
        "R = declare(lwwregister), update(R, {set, a}), update(R, {set, b}).\nquery(R). % => b",
    ),
    row(
        "mvregister",
        "mvregister",
        "A register that keeps all values which were written at the same time, until somebody writes who has seen them.",
        "the list of these values, in term order",
        "R = declare(mvregister), update(R, {set, a}), update(R, {set, b}).\nquery(R). % => [b]",
    ),
    row(
        "gmap",
        "{gmap, [counter]}",
        "A map from keys to variables of one type; keys stay. `gmap` alone is a map of `max_int`.",
        "a map",
        "M = declare({gmap, [counter]}), update(M, {apply, ann, {increment, 2}}).\nquery(M). % => #{ann => 2}",
    ),
    row(
        "awmap",
        "{awmap, [set]}",
        "A map whose keys can be removed: that takes back what its author had seen beneath the key, and what others write there \
at the same time stays. `awmap` alone is a map of `set`.",
        "a map; a key is there while anything live is beneath it",
        "M = declare({awmap, [set]}), update(M, {apply, ann, {add, tea}}).\nquery(M). % => #{ann => [tea]}",
    ),
    row(
        "mvmap",
        "mvmap",
        "A map of `mvregister`s, whose keys can be removed.",
        "a map from keys to the lists of their values",
        "M = declare(mvmap), update(M, {set, ann, 1}).\nquery(M). % => #{ann => [1]}",
    ),
    row(
        "pair",
        "{pair, [counter, counter]}",
        "Two variables in one, which change together. `pair` alone is a pair of `ivar`s.",
        "a tuple of both values",
        "P = declare({pair, [counter, counter]}), update(P, {fst, increment}).\nquery(P). % => {1, 0}",
    ),
    row(
        "top_k",
        "{top_k, [3]}",
        "The best score of each name, and the K best names.",
        "a list of `{Name, Score}`, best first, ties in term order",
        "T = declare({top_k, [2]}), update(T, {set, ann, 5}), update(T, {set, bob, 7}).\nquery(T). % => [{bob, 7}, {ann, 5}]",
    ),
    row(
        "window",
        "{window, [60000, counter]}",
        "What happened lately, by the timestamps in the data: a variable of a type over the events in `(newest - Span, newest]`. \
`{window, [Span, Slide, Keep, Type]}` is a map from the ends of the newest Keep windows to their values.",
        "the value of its type over the events that count",
        "W = declare({window, [10, counter]}), update(W, {at, 1, increment}), update(W, {at, 20, increment}).\nquery(W). % => 1",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::kind::Type;

    #[test]
    fn every_type_has_a_row() {
        let names: Vec<&str> = TYPES.iter().map(|row| row.name).collect();
        let plain = Type::NAMES.iter().map(|(_, kind)| kind.name());
        for name in plain.chain(Type::PARAMETRIC.iter().map(|(name, _)| *name).filter(|name| *name != "map")) {
            assert!(names.contains(&name), "{name}");
        }
    }
}
