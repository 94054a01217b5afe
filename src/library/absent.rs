//! What Erlang has and this library has not, and what to write instead.
//!
//! `check::hints` and `syntax::counterparts` have what beginners bring from everywhere; here is the rest of Erlang's own library.
//!
//! Left out is what needs processes, clocks, chance, files or lists of characters, and what Erlang itself advises against.

/// By module (empty: without one) and name, whatever the arity.
const FUNCTIONS: &[(&str, &str, &str)] = &[
    ("", "halt", "the program ends when no task can go on; to end a task with a reason, write `error(Reason)`"),
    ("", "send_after", "to do something now and then, write `every(Ms, fun() -> .. end)`; to wait, `sleep(Ms)`"),
    ("", "make_ref", "`declare(Type)` inside of a function makes a variable with a name of its own"),
    ("", "localtime", "`now_ms()` is the time in milliseconds"),
    ("", "system_time", "`now_ms()` is the time in milliseconds"),
    ("", "monotonic_time", "`now_ms()` is the time in milliseconds"),
    ("", "timestamp", "`now_ms()` is the time in milliseconds"),
    (
        "",
        "unique_integer",
        "`random(N)` gives a number from 1 to N; `declare(Type)` inside of a function, a name of its own",
    ),
    ("", "phash2", "there are no hashes to see: terms have an order, and maps take any term as key"),
    ("", "term_to_binary", "`term_to_string(Term)` writes a term as text"),
    ("", "binary_to_term", "`json:read(Path)` reads data from a file"),
    ("", "is_pid", "there are no processes"),
    ("", "is_port", "there are no ports"),
    ("", "is_record", "there are no records; use maps: `#{name => ann}`, `is_map(X)`"),
    ("", "bit_size", "`byte_size(String)` gives the bytes"),
    ("", "list_to_string", "strings are values of their own; `iolist_to_binary(List)` joins strings and code points"),
    ("", "toString", "`term_to_string(X)` writes any term; `integer_to_list(N)` and `atom_to_list(A)` give strings"),
    ("", "sorted", "write `lists:sort(L)`"),
    ("", "enumerate", "write `lists:enumerate(L)`, which counts from 1"),
    ("", "reduce", "write `lists:foldl(fun(X, Acc) -> .. end, Start, L)`"),
    ("lists", "keysearch", "write `lists:keyfind(Key, N, L)`, which gives the tuple or `false`"),
    ("lists", "find", "write `lists:search(fun(X) -> .. end, L)`, or `lists:keyfind(Key, N, L)` for tuples"),
    ("maps", "has_key", "write `maps:is_key(Key, Map)`"),
    ("maps", "delete", "write `maps:remove(Key, Map)`"),
    ("maps", "is_iterator_valid", "write `maps:to_list(Map)`, which has the order of the keys"),
    ("sets", "add", "write `sets:add_element(X, Set)`"),
    ("sets", "remove", "write `sets:del_element(X, Set)`"),
    ("sets", "member", "write `sets:is_element(X, Set)`"),
    ("sets", "contains", "write `sets:is_element(X, Set)`"),
    ("sets", "difference", "write `sets:subtract(Set, Other)`"),
    ("string", "centre", "write `string:pad(S, Length, both)`"),
    ("string", "left", "write `string:pad(string:slice(S, 0, Length), Length)`"),
    ("string", "right", "write `string:pad(S, Length, leading)`"),
    ("string", "chars", "write `string:copies(S, N)`"),
    ("string", "chr", "write `string:find(S, Pattern)`, which gives the rest from there on"),
    ("string", "rchr", "write `string:find(S, Pattern, trailing)`, which gives the rest from there on"),
    ("string", "str", "write `string:find(S, Pattern)`, which gives the rest from there on"),
    ("string", "rstr", "write `string:find(S, Pattern, trailing)`, which gives the rest from there on"),
    ("string", "index", "write `binary:match(S, Pattern)`, or `string:find(S, Pattern)`"),
    ("string", "contains", "write `string:find(S, Pattern) =/= nomatch`"),
    ("string", "starts_with", "write `string:prefix(S, Start) =/= nomatch`"),
    ("string", "span", "write `string:take(S, Characters)`"),
    ("string", "cspan", "write `string:take(S, Characters, true)`"),
    ("string", "strip", "write `string:trim(S)`"),
    ("string", "substr", "write `string:slice(S, Start, Length)`, counted from 0"),
    ("string", "sub_string", "write `string:slice(S, Start, Length)`, counted from 0"),
    ("string", "substring", "write `string:slice(S, Start, Length)`, counted from 0"),
    ("string", "sub_word", "write `string:nth_lexeme(S, N, \" \")`"),
    ("string", "words", "write `string:lexemes(S, \" \")`; its length counts them"),
    ("string", "upper", "write `string:uppercase(S)`"),
    ("string", "lower", "write `string:lowercase(S)`"),
    ("string", "format", "write `io_lib:format(Text, Arguments)`"),
    ("string", "repeat", "write `string:copies(S, N)`"),
    ("string", "next_grapheme", "write `string:slice(S, 0, 1)` and `string:slice(S, 1)`"),
    ("string", "next_codepoint", "write `string:slice(S, 0, 1)` and `string:slice(S, 1)`"),
    ("math", "abs", "write `abs(X)`"),
    ("math", "max", "write `max(X, Y)`"),
    ("math", "min", "write `min(X, Y)`"),
    ("math", "round", "write `round(X)`, which gives an integer"),
    ("math", "trunc", "write `trunc(X)`, which gives an integer"),
    ("math", "random", "write `random(N)`, which gives a number from 1 to N"),
    ("math", "ln", "write `math:log(X)`"),
    ("math", "e", "write `math:exp(1)`"),
    ("binary", "bin_to_list", "write `binary_to_list(S)`"),
    ("binary", "list_to_bin", "write `list_to_binary(L)`"),
    ("io", "nl", "write `io:format(\"~n\")`"),
    ("io", "get_line", "what a program needs comes in with `--set name=value`: `arg(name, Default)`"),
    ("io_lib", "fwrite", "write `io_lib:format(Text, Arguments)`"),
    ("io_lib", "print", "write `term_to_string(X)`"),
    ("io_lib", "write", "write `term_to_string(X)`"),
];

/// By module.
const MODULES: &[(&str, &str)] = &[
    ("orddict", "use a map: `#{key => Value}`, `maps:get(Key, Map)`"),
    ("gb_sets", "use `sets`: sets are lists in term order"),
    ("net_adm", "peers are named with `--peers`; `nodes()` tells who is connected"),
    ("logger", "to print, write `print(X)` or `io:format(Text, [X])`"),
    ("init", "`arg(name, Default)` is what `--set name=value` gives"),
    ("crypto", "`random(N)` gives a number from 1 to N"),
    ("re", "there are no regular expressions; see `string:split`, `string:find`, `string:lexemes`"),
    ("eunit", "`lasp test` runs functions named `.._test()`"),
];

/// What to write instead of a function of Erlang's, or of another language's, that is not here.
#[must_use]
pub fn instead(module: Option<&str>, name: &str) -> Option<&'static str> {
    let module = module.filter(|module| *module != "erlang").unwrap_or_default();
    FUNCTIONS.iter().find(|(of, known, _)| *of == module && *known == name).map(|(.., text)| *text)
}

/// What to use instead of a module that is not here.
#[must_use]
pub fn instead_of_module(module: &str) -> Option<&'static str> {
    MODULES.iter().find(|(known, _)| *known == module).map(|(_, text)| *text)
}
