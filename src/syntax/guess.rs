//! Verbs and methods that beginners guess, and the line that does what they mean: `S.add(1)` is `update(S, {add, 1})`.

use crate::syntax::counterparts;

/// The line for `subject.name(arguments)`, `name(subject, arguments)`, or `subject.name` alone; `is_map` where the subject is
/// known to be a variable of a map's type. Nothing where no verb comes near.
#[must_use]
pub fn line(name: &str, subject: &str, arguments: &[&str], is_map: bool) -> Option<String> {
    let arguments: Vec<&str> = arguments.iter().map(|argument| plain(argument)).collect();
    let arguments = &*arguments;
    let word = name.trim_start_matches("set_").to_lowercase().replace('_', "");
    let update = |operation: &str| Some(format!("update({subject}, {operation})"));
    match (&*word, arguments) {
        ("add" | "insert" | "push" | "append" | "addelement" | "pushback" | "adds" | "cons", [element]) => {
            update(&format!("{{add, {element}}}"))
        }
        ("remove" | "rmv" | "rm" | "delete" | "del" | "discard" | "delelement" | "pop", [element]) => {
            update(&format!("{{rmv, {element}}}"))
        }
        ("increment" | "inc" | "incr" | "incrementby" | "plus" | "bump" | "up", []) => update("increment"),
        ("increment" | "inc" | "incr" | "incrementby" | "plus" | "bump" | "up", [count]) => {
            update(&format!("{{increment, {count}}}"))
        }
        ("decrement" | "dec" | "decr" | "decrementby" | "minus" | "down", []) => update("decrement"),
        ("decrement" | "dec" | "decr" | "decrementby" | "minus" | "down", [count]) => {
            update(&format!("{{decrement, {count}}}"))
        }
        ("set" | "assign" | "write" | "store", [value]) => update(&format!("{{set, {value}}}")),
        ("put" | "set" | "store" | "insert", [key, value]) => update(&format!("{{apply, {key}, {{set, {value}}}}}")),
        ("enable" | "disable", []) => update(&word),
        ("get" | "fetch" | "lookup", [key]) => Some(format!("maps:get({key}, query({subject}))")),
        (
            "value" | "val" | "get" | "current" | "contents" | "content" | "elements" | "members" | "tolist" | "items"
            | "values" | "show" | "getvalue" | "state" | "fetch" | "load",
            [],
        ) => Some(format!("query({subject})")),
        ("len" | "length" | "size" | "count" | "cardinality", []) => {
            let function = if is_map { "map_size" } else { "length" };
            Some(format!("{function}(query({subject}))"))
        }
        ("has" | "contains" | "includes" | "member" | "ismember" | "iselement", [element]) => {
            Some(format!("lists:member({element}, query({subject}))"))
        }
        ("haskey" | "iskey", [key]) => Some(format!("maps:is_key({key}, query({subject}))")),
        ("foreach" | "each", [function]) => Some(format!("lists:foreach({function}, query({subject}))")),
        ("subscribe" | "watch" | "onchange" | "addlistener" | "observe", _) => {
            Some(format!("stream({subject}, fun(Value) -> .. end)"))
        }
        _ => None,
    }
}

/// The same of a list.
#[must_use]
pub fn line_of_list(name: &str, subject: &str, arguments: &[&str]) -> Option<String> {
    let arguments: Vec<&str> = arguments.iter().map(|argument| plain(argument)).collect();
    Some(match (&*name.to_lowercase().replace('_', ""), &*arguments) {
        ("append" | "push" | "add", [element]) => format!("{subject} ++ [{element}]"),
        ("extend" | "concat", [other]) => format!("{subject} ++ {other}"),
        ("remove" | "delete", [element]) => format!("lists:delete({element}, {subject})"),
        ("map" | "filter" | "foreach", [function]) => {
            format!("lists:{}({function}, {subject})", name.to_lowercase().replace('_', ""))
        }
        ("reduce", [function, start, ..]) => format!("lists:foldl({function}, {start}, {subject})"),
        ("includes" | "contains", [element]) => format!("lists:member({element}, {subject})"),
        ("sort" | "sorted", []) => format!("lists:sort({subject})"),
        ("reverse", []) => format!("lists:reverse({subject})"),
        ("length" | "len" | "size" | "count", []) => format!("length({subject})"),
        ("join", [separator]) => format!("lists:join({separator}, {subject})"),
        _ => return counterparts::of_list(name, subject),
    })
}

fn written(line: &str) -> String {
    format!("write `{line}`")
}

/// What is said of a function that has no counterpart of another name.
fn elsewhere(what: &str, module: &str) -> String {
    format!("{what} have the module `{module}`, whose functions stand after a colon: `lasp doc {module}` shows them")
}

/// An argument as it can stand here; functions of other languages cannot.
fn plain(argument: &str) -> &str {
    let foreign = argument.contains("=>") && !argument.contains("#{")
        || ["function", "lambda", "async"].iter().any(|word| argument.starts_with(word));
    if foreign { "fun(X) -> .. end" } else { argument }
}

/// What `subject.name` without a call may be; fields of variables are few.
#[must_use]
pub fn field(name: &str, subject: &str) -> Option<String> {
    matches!(name, "value" | "val" | "length" | "size" | "count" | "len" | "elements" | "items" | "current" | "state")
        .then(|| line(name, subject, &[], false))
        .flatten()
}

/// What stands for an object or module of another language; `text` where a text is before the dot.
#[must_use]
pub fn of_object(owner: &str, name: &str, text: bool) -> Option<String> {
    Some(match (owner, name) {
        ("", "format") if text => {
            "write `io:format(\"~s is ~p~n\", [Name, X])`, or `io_lib:format` for a text".to_owned()
        }
        ("", "join") if text => "write `lists:join(Separator, Texts)`, or `string:join`".to_owned(),
        ("math" | "Math", "floor" | "ceil" | "round" | "abs" | "max" | "min") => {
            format!("write `{name}(X)`, which needs no module")
        }
        ("Math", "random") | ("random", _) => "`random(N)` is an integer from 1 to N".to_owned(),
        ("Math", _) => format!("write `math:{name}(X)`"),
        ("JSON", _) => "`term_to_string(X)` is a term as text; `json:read(Path)` reads a file".to_owned(),
        ("Object", _) if counterparts::of_map(name).is_some() => written(counterparts::of_map(name)?),
        ("Array", _) if counterparts::of_list(name, "L").is_some() => written(&counterparts::of_list(name, "L")?),
        ("Object" | "Array", _) => "maps and lists have modules: `maps:keys(M)`, `lists:seq(1, 10)`".to_owned(),
        ("IO", _) => "`print(X)` shows a term; `io:format(\"~p~n\", [X])` shows terms within a text".to_owned(),
        ("Enum" | "Stream" | "List", _) => {
            counterparts::of_list(name, "L").map_or_else(|| elsewhere("lists", "lists"), |line| written(&line))
        }
        ("Map" | "Keyword" | "MapSet", _) => {
            counterparts::of_map(name).map_or_else(|| elsewhere("maps", "maps"), written)
        }
        ("String", _) => counterparts::of_text(name).map_or_else(|| elsewhere("texts", "string"), written),
        ("Promise", _) => {
            "there are no promises: `thread(fun() -> .. end)` starts a task, and `read(V, Threshold)` waits".to_owned()
        }
        ("time", "sleep") => "`sleep(Ms)` suspends a task, for milliseconds".to_owned(),
        ("Date" | "time" | "datetime", _) => {
            "`now_ms()` is the time in milliseconds since the start of 1970".to_owned()
        }
        ("os" | "sys" | "process", _) => "arguments come in by `--set name=value`: `arg(name, Default)`".to_owned(),
        ("self" | "this", _) => {
            "there are no objects: what changes is a variable, `C = declare(counter)`, `update(C, increment)`"
                .to_owned()
        }
        ("document" | "window", _) => "to show something, write `print(X)`".to_owned(),
        ("np" | "numpy" | "pd", _) => "lists have the module `lists`: `lists:sum(L)`".to_owned(),
        _ => return None,
    })
}

/// The arguments of a call as they are written, from behind its `(`; nothing where it does not end on this line.
#[must_use]
pub fn arguments(rest: &str) -> Option<Vec<&str>> {
    let (mut depth, mut quoted, mut start) = (0_usize, false, 0_usize);
    let mut all = Vec::new();
    let mut take = |end: usize, start: usize| {
        let written = rest[start..end].trim();
        if !written.is_empty() {
            all.push(written);
        }
    };
    for (at, letter) in rest.char_indices() {
        match letter {
            '\n' => return None,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => {
                take(at, start);
                return Some(all);
            }
            ')' | ']' | '}' => depth = depth.checked_sub(1)?,
            ',' if depth == 0 => {
                take(at, start);
                start = at + 1;
            }
            _ => {}
        }
    }
    None
}

/// With a capital first letter, as names of values have.
#[must_use]
pub fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_become_the_verbs_that_do_the_same() {
        for (name, given, meant) in [
            ("add", &["1"][..], "update(S, {add, 1})"),
            ("increment", &[], "update(S, increment)"),
            ("inc", &["5"], "update(S, {increment, 5})"),
            ("value", &[], "query(S)"),
            ("size", &[], "length(query(S))"),
            ("put", &["k", "1"], "update(S, {apply, k, {set, 1}})"),
            ("contains", &["x"], "lists:member(x, query(S))"),
        ] {
            assert_eq!(line(name, "S", given, false).as_deref(), Some(meant), "{name}");
        }
        assert_eq!(line("size", "M", &[], true).as_deref(), Some("map_size(query(M))"));
        assert_eq!(line("frobnicate", "S", &[], false), None);
    }

    #[test]
    fn arguments_are_parted_at_their_own_commas() {
        assert_eq!(arguments("{a, 1}, [2, 3])."), Some(vec!["{a, 1}", "[2, 3]"]));
        assert_eq!(arguments(") "), Some(vec![]));
        assert_eq!(arguments("\"a, b\")"), Some(vec!["\"a, b\""]));
        assert_eq!(arguments("1,\n 2)"), None);
        assert_eq!(arguments("1]"), None);
    }
}
