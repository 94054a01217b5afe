//! What beginners bring along from other languages, by name, and what to write instead.

use crate::syntax::counterparts;

/// For a name with a capital letter that is not bound.
pub(super) fn for_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "True" | "TRUE" => "write `true`: the booleans are atoms, which start with a small letter",
        "False" | "FALSE" => "write `false`: the booleans are atoms, which start with a small letter",
        "None" | "Null" | "NULL" | "Nil" | "NIL" | "Undefined" | "Nothing" => {
            "write `undefined`, an atom: variables that nobody has set read so too"
        }
        "Some" | "Ok" | "Err" | "Just" | "Right" | "Left" => {
            "a value is wrapped in a tuple with a word in front: `{ok, X}`, `{error, Why}`"
        }
        "Counter" => "types are atoms, with small letters: `C = declare(counter)`",
        "Set" | "Map" | "Boolean" | "Ivar" => "types are atoms, with small letters: `declare(set)`",
        _ => return None,
    })
}

/// For a function without a module that does not exist.
pub(super) fn for_function(name: &str) -> Option<&'static str> {
    Some(match name {
        "return" => "the value of a body is its last expression: write that expression alone",
        "println" | "printf" | "puts" | "echo" | "log" | "display" => {
            "to print, write `print(X)` or `io:format(Format, [X])`"
        }
        "len" | "size" | "count" => {
            "write `length(L)` for a list, `map_size(M)` for a map, `length(query(V))` for a set variable"
        }
        "spawn" | "spawn_link" | "spawn_monitor" => {
            "`thread(fun() -> .. end)` starts a task; there are no process ids: tasks share variables"
        }
        "self" => "tasks have no identity of their own; `node()` is the name of this node, `replica()` its number",
        "send" | "register" | "whereis" | "link" | "monitor" => {
            "there are no processes or messages: tasks share variables, and wait for them with `read(Variable, Threshold)`"
        }
        "throw" | "exit" | "raise" => "`error(Reason)` ends the task with an error; nothing can catch it",
        "put" | "get" | "erase" => {
            "there is no hidden state: what changes lives in variables, `C = declare(counter)`, or is handed on as an argument"
        }
        "apply" => "call the function value: `F(X)`",
        "str" | "string" | "to_string" | "repr" => "`term_to_string(X)` is a term as text",
        "int" | "parseInt" => "`list_to_integer(Text)` reads a number, `trunc(F)` cuts a float",
        "now" | "time" | "date" => "`now_ms()` is the time in milliseconds",
        "range" => "`lists:seq(1, 10)` is the list of these integers",
        "append" | "push" => {
            "`L ++ [X]` is a list with one element more; a set variable grows by `update(S, {add, X})`"
        }
        "setTimeout" => "write `thread(fun() -> sleep(100), print(later) end)`, with the time in milliseconds",
        "setInterval" => "write `every(1000, fun() -> print(tick) end)`, with the time in milliseconds",
        "set" | "Set" => "`S = declare(set)` makes a set variable; a plain set is a list, `sets:from_list(L)`",
        "dict" | "Map" => "an empty map is `#{}`; `M = declare({map, [set]})` makes a map variable",
        "isinstance" | "type" | "typeof" => "tests ask what a value is: `is_integer(X)`, `is_list(X)`, `is_map(X)`",
        "alert" => "to print, write `print(X)` or `io:format(Format, [X])`",
        "fetch" | "open" | "require" => {
            "programs read files, `csv:read(Path)` and `json:read(Path)`, and share variables"
        }
        "sum" => "write `lists:sum(L)`",
        "float" | "parseFloat" => "`list_to_float(Text)` reads a float; `X / 1` makes one of an integer",
        "list" => "a set's value is a list already: `query(S)`; `maps:to_list(M)` is one of pairs",
        "await" | "wait" | "wait_for" | "wait_until" => {
            "`read(V, Threshold)` waits until a variable has got so far: `read(S, {cardinality, 1})`, `read(C, {value, 5})`"
        }
        "on" | "subscribe" | "listen" | "watch" | "observe" | "on_change" => {
            "`stream(V, fun(X) -> .. end)` calls a function with each element that comes; `read(V, Threshold)` waits for one moment"
        }
        "main" => "a program has no `main`: its forms run from top to bottom",
        "input" | "readline" => "programs read files, `csv:read(Path)`, and arguments, `arg(Name, Default)`",
        _ => return None,
    })
}

/// For a function of a module that exists.
pub(super) fn for_function_of(module: &str, name: &str) -> Option<&'static str> {
    Some(match (module, name) {
        ("io", "fwrite" | "printf" | "println" | "put_chars" | "write") => {
            "write `io:format(Format, [X])`, or `print(X)`"
        }
        ("erlang", "now" | "system_time" | "monotonic_time" | "timestamp") => "`now_ms()` is the time in milliseconds",
        ("erlang", "spawn" | "self" | "send" | "throw" | "exit" | "put" | "get") => return for_function(name),
        ("lists", "len" | "length" | "size" | "count") => "write `length(L)`",
        ("lists", "push" | "add") => "write `L ++ [X]`, or `[X | L]` in front",
        ("maps", "length" | "len" | "count") => "write `map_size(M)`",
        ("maps", "set" | "add" | "insert") => "write `maps:put(Key, Value, M)`, or `M#{Key => Value}`",
        ("string", "len") => "write `string:length(Text)`",
        _ => return None,
    })
}

/// For a module that does not exist.
pub(super) fn for_module(module: &str) -> Option<&'static str> {
    Some(match module {
        "ets" | "dets" | "mnesia" | "persistent_term" | "counters" | "atomics" => {
            "shared data lives in variables: `S = declare(set)`, `C = declare(counter)`, `M = declare({awmap, [set]})`"
        }
        "gen_server" | "gen_statem" | "supervisor" | "gen_event" | "application" | "proc_lib" | "process" => {
            "there are no processes: state lives in variables, `thread(F)` starts a task, and `read(V, Threshold)` waits"
        }
        "lasp" | "lasp_core" => "verbs need no module: `update(S, {add, 1})`, `query(S)`",
        "timer" => "`sleep(Ms)` suspends a task, `every(Ms, F)` repeats",
        "rpc" | "erpc" | "net_kernel" | "global" | "pg" => {
            "nodes share variables: what one updates the others see; `nodes()` are those that are connected"
        }
        "rand" | "random" => "`random(N)` is an integer from 1 to N",
        "os" | "calendar" | "datetime" | "time" => "`now_ms()` is the time in milliseconds since the start of 1970",
        "file" | "fs" => "`csv:read(Path)`, `json:read(Path)` and `each_line(Path, F)` read files",
        "console" | "sys" => "to print, write `print(X)`",
        "array" | "list" | "dict" | "gb_trees" => "use lists and `lists`, or maps and `maps`",
        "binary" | "unicode" | "str" => "texts are one value each; `string` has their functions",
        _ => return None,
    })
}

/// For an attribute that does not exist.
pub(super) fn for_attribute(name: &str) -> Option<&'static str> {
    Some(match name {
        "record" => "there are no records: use maps, `#{items => [], owner => ann}`",
        "define" => "there are no macros: a name at top level serves as a constant, `Max = 10.`",
        "include" | "include_lib" => "a program is one file",
        "behaviour" | "behavior" => "there are no processes and no behaviours: take it away",
        _ => return None,
    })
}

/// The line for a function of a module of the library that has another name there.
pub(super) fn counterpart(module: Option<&str>, name: &str) -> Option<String> {
    match module {
        Some("lists") => counterparts::of_list(name, "L"),
        Some("maps") => counterparts::of_map(name).map(str::to_owned),
        Some("string") => counterparts::of_text(name).map(str::to_owned),
        _ => None,
    }
}
