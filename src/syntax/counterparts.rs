//! What functions on lists, maps and texts of other languages are called here, with the order of their arguments. All of these
//! are in the library, which the tests of `library` hold them against.

/// By name without `_` and `?`; `@` stands for the list.
const LISTS: &[(&str, &str)] = &[
    ("each", "lists:foreach(fun(X) -> .. end, @)"),
    ("foreach", "lists:foreach(fun(X) -> .. end, @)"),
    ("map", "lists:map(fun(X) -> .. end, @)"),
    ("collect", "lists:map(fun(X) -> .. end, @)"),
    ("filter", "lists:filter(fun(X) -> .. end, @)"),
    ("select", "lists:filter(fun(X) -> .. end, @)"),
    ("reject", "lists:filter(fun(X) -> not (..) end, @)"),
    ("filtermap", "lists:filtermap(fun(X) -> .. end, @)"),
    ("reduce", "lists:foldl(fun(X, Acc) -> .. end, Start, @)"),
    ("fold", "lists:foldl(fun(X, Acc) -> .. end, Start, @)"),
    ("foldleft", "lists:foldl(fun(X, Acc) -> .. end, Start, @)"),
    ("inject", "lists:foldl(fun(X, Acc) -> .. end, Start, @)"),
    ("foldright", "lists:foldr(fun(X, Acc) -> .. end, Start, @)"),
    ("reduceright", "lists:foldr(fun(X, Acc) -> .. end, Start, @)"),
    ("mapreduce", "lists:mapfoldl(fun(X, Acc) -> {.., Acc} end, Start, @)"),
    ("sum", "lists:sum(@)"),
    ("product", "lists:foldl(fun(X, Acc) -> X * Acc end, 1, @)"),
    ("count", "length(@)"),
    ("size", "length(@)"),
    ("length", "length(@)"),
    ("len", "length(@)"),
    ("at", "lists:nth(N, @)"),
    ("fetch", "lists:nth(N, @)"),
    ("elementat", "lists:nth(N, @)"),
    ("member", "lists:member(X, @)"),
    ("contains", "lists:member(X, @)"),
    ("includes", "lists:member(X, @)"),
    ("include", "lists:member(X, @)"),
    ("elem", "lists:member(X, @)"),
    ("join", "string:join(@, \", \")"),
    ("mkstring", "string:join(@, \", \")"),
    ("intersperse", "lists:join(Separator, @)"),
    ("sort", "lists:sort(@)"),
    ("sorted", "lists:sort(@)"),
    ("sortby", "lists:sort(fun(X, Y) -> X =< Y end, @)"),
    ("sortwith", "lists:sort(fun(X, Y) -> X =< Y end, @)"),
    ("reverse", "lists:reverse(@)"),
    ("reversed", "lists:reverse(@)"),
    ("uniq", "lists:uniq(@)"),
    ("unique", "lists:uniq(@)"),
    ("distinct", "lists:uniq(@)"),
    ("dedup", "lists:uniq(@)"),
    ("uniqby", "lists:uniq(fun(X) -> .. end, @)"),
    ("zip", "lists:zip(@, Other)"),
    ("unzip", "lists:unzip(@)"),
    ("zipwith", "lists:zipwith(fun(X, Y) -> .. end, @, Other)"),
    ("max", "lists:max(@)"),
    ("maximum", "lists:max(@)"),
    ("min", "lists:min(@)"),
    ("minimum", "lists:min(@)"),
    ("any", "lists:any(fun(X) -> .. end, @)"),
    ("some", "lists:any(fun(X) -> .. end, @)"),
    ("exists", "lists:any(fun(X) -> .. end, @)"),
    ("all", "lists:all(fun(X) -> .. end, @)"),
    ("every", "lists:all(fun(X) -> .. end, @)"),
    ("take", "lists:sublist(@, N)"),
    ("limit", "lists:sublist(@, N)"),
    ("drop", "lists:nthtail(N, @)"),
    ("skip", "lists:nthtail(N, @)"),
    ("takewhile", "lists:takewhile(fun(X) -> .. end, @)"),
    ("dropwhile", "lists:dropwhile(fun(X) -> .. end, @)"),
    ("skipwhile", "lists:dropwhile(fun(X) -> .. end, @)"),
    ("slice", "lists:sublist(@, From, N)"),
    ("flatmap", "lists:flatmap(fun(X) -> .. end, @)"),
    ("concatmap", "lists:flatmap(fun(X) -> .. end, @)"),
    ("mapconcat", "lists:flatmap(fun(X) -> .. end, @)"),
    ("flatten", "lists:flatten(@)"),
    ("flat", "lists:flatten(@)"),
    ("concat", "lists:append(@, Other)"),
    ("extend", "lists:append(@, Other)"),
    ("addall", "lists:append(@, Other)"),
    ("push", "lists:append(@, [X])"),
    ("append", "lists:append(@, [X])"),
    ("pushback", "lists:append(@, [X])"),
    ("add", "lists:append(@, [X])"),
    ("prepend", "[X | @]"),
    ("unshift", "[X | @]"),
    ("pushfront", "[X | @]"),
    ("pop", "lists:droplast(@)"),
    ("init", "lists:droplast(@)"),
    ("shift", "tl(@)"),
    ("tail", "tl(@)"),
    ("rest", "tl(@)"),
    ("first", "hd(@)"),
    ("head", "hd(@)"),
    ("empty", "@ == []"),
    ("isempty", "@ == []"),
    ("delete", "lists:delete(X, @)"),
    ("remove", "lists:delete(X, @)"),
    ("groupby", "maps:groups_from_list(fun(X) -> .. end, @)"),
    ("partition", "lists:partition(fun(X) -> .. end, @)"),
    ("span", "lists:splitwith(fun(X) -> .. end, @)"),
    ("splitat", "lists:split(N, @)"),
    ("splitwhile", "lists:splitwith(fun(X) -> .. end, @)"),
    ("enumerate", "lists:enumerate(@)"),
    ("withindex", "lists:enumerate(@)"),
    ("zipwithindex", "lists:enumerate(@)"),
    ("random", "lists:nth(random(length(@)), @)"),
    ("range", "lists:seq(From, To)"),
    ("replicate", "lists:duplicate(N, X)"),
    ("repeat", "lists:duplicate(N, X)"),
];

/// Of maps, where Elixir and JavaScript call them otherwise or have another order.
const MAPS: &[(&str, &str)] = &[
    ("new", "#{}"),
    ("get", "maps:get(Key, M)"),
    ("fetch", "maps:find(Key, M)"),
    ("put", "maps:put(Key, Value, M)"),
    ("set", "maps:put(Key, Value, M)"),
    ("assign", "maps:merge(M, Other)"),
    ("merge", "maps:merge(M, Other)"),
    ("delete", "maps:remove(Key, M)"),
    ("drop", "maps:without(Keys, M)"),
    ("haskey", "maps:is_key(Key, M)"),
    ("hasown", "maps:is_key(Key, M)"),
    ("keys", "maps:keys(M)"),
    ("values", "maps:values(M)"),
    ("entries", "maps:to_list(M)"),
    ("tolist", "maps:to_list(M)"),
    ("fromentries", "maps:from_list(Pairs)"),
    ("update", "maps:update_with(Key, fun(Old) -> .. end, M)"),
    ("filter", "maps:filter(fun(Key, Value) -> .. end, M)"),
];

/// Of texts.
const TEXTS: &[(&str, &str)] = &[
    ("upcase", "string:uppercase(S)"),
    ("downcase", "string:lowercase(S)"),
    ("capitalize", "string:titlecase(S)"),
    ("contains", "string:find(S, Part) =/= nomatch"),
    ("startswith", "string:prefix(S, Start) =/= nomatch"),
    ("tointeger", "list_to_integer(S)"),
    ("tofloat", "list_to_float(S)"),
    ("toatom", "list_to_atom(S)"),
    ("tostring", "term_to_string(X)"),
    ("duplicate", "string:copies(S, N)"),
    ("graphemes", "string:to_graphemes(S)"),
    ("at", "string:slice(S, N, 1)"),
    ("padleading", "string:pad(S, Length, leading)"),
    ("padtrailing", "string:pad(S, Length)"),
    ("length", "string:length(S)"),
    ("split", "string:split(S, Separator, all)"),
    ("trim", "string:trim(S)"),
    ("strip", "string:trim(S)"),
    ("replace", "string:replace(S, Part, New, all)"),
    ("reverse", "string:reverse(S)"),
    ("slice", "string:slice(S, Start, Length)"),
];

fn found(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    let plain = name.trim_end_matches(['?', '!']).replace('_', "").to_lowercase();
    table.iter().find(|(known, _)| *known == plain).map(|(_, line)| *line)
}

/// The line that does to a list what a function of this name does elsewhere.
#[must_use]
pub fn of_list(name: &str, list: &str) -> Option<String> {
    found(LISTS, name).map(|line| line.replace('@', list))
}

/// The same of a map `M`.
#[must_use]
pub fn of_map(name: &str) -> Option<&'static str> {
    found(MAPS, name)
}

/// The same of a text `S`.
#[must_use]
pub fn of_text(name: &str) -> Option<&'static str> {
    found(TEXTS, name)
}

/// All lines.
#[must_use]
pub fn lines() -> Vec<String> {
    [LISTS, MAPS, TEXTS].concat().into_iter().map(|(_, line)| line.replace('@', "L")).collect()
}
