//! Pure built-ins on abstract values: what they take stands in the table's signatures, what they give in part here.

use crate::check::core::Binary;
use crate::check::core::Expr;
use crate::check::core::Node;
use crate::check::infer::matching::entry;
use crate::check::infer::operators::append;
use crate::check::infer::parts::Cons;
use crate::check::infer::parts::Few;
use crate::check::infer::parts::MapShape;
use crate::check::infer::parts::Parts;
use crate::check::infer::run::Frame;
use crate::check::infer::run::Run;
use crate::check::infer::site::WRONG_KIND;
use crate::check::infer::site::Why;
use crate::check::infer::value::Value;
use crate::check::infer::value::both;
use crate::library::Builtin;
use crate::library::BuiltinId;
use crate::source::diagnostic::Diagnostic;
use crate::value::kind::Type;
use crate::value::term::Term;

/// What the words of a signature mean; `None` for what may be any term.
fn kind(word: &str) -> Option<Value> {
    Some(match word {
        "integer" | "place" | "from" | "to" | "step" | "base" => Value::ints(),
        "float" => Value::floats(),
        "number" => Value::numbers(),
        "string" | "separator" | "separators" | "replacement" => Value::texts(),
        "atom" => Value::atoms(),
        "boolean" => Value::booleans(),
        "list" => Value::list_of(&Value::any()),
        "tuple" => Value::tuples(),
        "map" => Value::maps(Value::any(), Value::any()),
        "function" => Value::functions(),
        _ => return None,
    })
}

/// `tuple or string`
fn kinds(words: &str) -> Option<Value> {
    words.split(" or ").try_fold(Value::never(), |all, word| Some(all.join(&kind(word.trim())?)))
}

/// The words of a signature: of its arguments, and of its result.
fn signature(row: &Builtin) -> Option<(Vec<&'static str>, &'static str)> {
    let (_, rest) = row.signature.split_once('(')?;
    let (arguments, result) = rest.split_once(") -> ")?;
    let words: Vec<&str> = arguments.split(", ").filter(|word| !word.is_empty()).collect();
    (words.len() == usize::from(row.arity)).then_some((words, result))
}

/// Whether what a signature says of the result may have parts of the arguments in it.
fn holds_parts(result: &str) -> bool {
    let plain = ["integer", "float", "number", "string", "atom", "boolean", "false"];
    result.split(" or ").any(|word| !plain.contains(&word.trim()))
}

/// Those that fail where something is not there.
const NEEDS: &[(&str, &str, u8)] = &[
    ("", "hd", 1),
    ("", "tl", 1),
    ("", "element", 2),
    ("lists", "nth", 2),
    ("lists", "last", 1),
    ("lists", "max", 1),
    ("lists", "min", 1),
    ("maps", "get", 2),
];

impl<'p> Run<'p> {
    /// Calls a pure built-in.
    pub(super) fn builtin(&mut self, expr: &'p Expr, id: BuiltinId, arguments: &[Value], frame: &Frame) -> Value {
        let row = id.row();
        if row.name == "error" && row.module.is_none() {
            self.why = Why::Open;
            return Value::never();
        }
        let words = signature(row);
        if let Some((words, _)) = &words {
            for (at, (word, argument)) in words.iter().zip(arguments).enumerate() {
                if let Some(kind) = kinds(word)
                    && !argument.meets(&kind)
                {
                    return self.fail(expr, frame, |run| run.wrong_argument(expr, row, at, word, arguments));
                }
            }
        }
        if let (Some("io_lib"), "format", Node::Builtin(_, written)) = (row.module, row.name, &expr.node)
            && !self.is_format(expr, "io_lib:format", written, arguments, frame)
        {
            return Value::never();
        }
        let from = arguments.iter().fold(None, |from, value| both(&from, &value.from));
        if NEEDS.contains(&(row.module.unwrap_or_default(), row.name, row.arity)) {
            let all = arguments.iter().fold(None, |from, value| both(&from, &self.origin(value)));
            self.may_fail_by(&all, expr.span);
        }
        match self.result(expr, row, arguments, frame) {
            Some(value) if value.is_never() => value,
            Some(value) => self.fine(expr, value.touched(&from)),
            None => {
                let value = words.as_ref().and_then(|(_, result)| kinds(result)).unwrap_or_else(Value::any);
                if words.is_none_or(|(_, result)| holds_parts(result)) {
                    // They are not followed.
                    arguments.iter().for_each(|argument| self.escape(argument));
                }
                let from = arguments.iter().fold(None, |from, argument| both(&from, &self.origin(argument)));
                self.fine(expr, value.touched(&from))
            }
        }
    }

    /// What counts what a variable has.
    fn size_of_variable(&self, value: &Value) -> String {
        let numbers = Run::known_variables(value).unwrap_or_default();
        let name = numbers.first().and_then(|number| self.shown(*number)).unwrap_or_else(|| "V".to_owned());
        let is_map = self.distinct_kinds(&numbers).iter().any(Type::is_map);
        let function = if is_map { "map_size" } else { "length" };
        format!("`{name}` is a variable; write `{function}(query({name}))`")
    }

    fn wrong_argument(&self, expr: &Expr, row: &Builtin, at: usize, word: &str, arguments: &[Value]) -> Diagnostic {
        let article = if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        let given = self.describe(&arguments[at]);
        let code = if word == "map" { "E0513" } else { "E0511" };
        let place = match arguments.len() {
            1 => String::new(),
            _ => format!(" as its {} argument", ["first", "second", "third", "fourth"].get(at).unwrap_or(&"next")),
        };
        let shown = match word {
            "from" | "to" | "place" | "step" | "base" => "an integer".to_owned(),
            _ => format!("{article} {word}"),
        };
        let message = Diagnostic::error(code, format!("`{}` takes {shown}{place}, not {given}", row.title()))
            .at(expr.span, WRONG_KIND);
        match self.variable_for_value(&arguments[at..=at]) {
            Some(_) if matches!(row.name, "length" | "size" | "map_size" | "tuple_size") => {
                message.help(self.size_of_variable(&arguments[at]))
            }
            Some(help) => message.help(help),
            None if shown.ends_with("list") && given.starts_with("`\"") => {
                message.help("a text is one value, not a list of characters: see `lasp doc string`")
            }
            None => message.help(format!("`{}`", row.signature)),
        }
    }

    /// What it gives, where more is known than the signature says; no value where it fails.
    fn result(&mut self, expr: &'p Expr, row: &Builtin, arguments: &[Value], frame: &Frame) -> Option<Value> {
        match (row.module, row.name, arguments) {
            (None, name, [value]) if name.starts_with("is_") => type_test(name, value),
            (None, "hd" | "tl", [list]) => {
                let parts = list.parts()?;
                let Some(cons) = &parts.cons else {
                    return Some(self.fail(expr, frame, |_| {
                        Diagnostic::error("E0511", format!("`{}` needs a list of at least one element", row.title()))
                            .at(expr.span, "the list is always empty")
                    }));
                };
                Some(if row.name == "hd" { cons.items[0].clone() } else { cons.tail() })
            }
            (None, "element", [place, tuple]) => self.tuple_element(expr, row, place, tuple, frame),
            (None, "max" | "min", [a, b]) => Some(a.join(b)),
            (None, "map_get", [key, map]) | (Some("maps"), "get", [key, map]) => {
                self.map_get(expr, key, map, None, frame)
            }
            (Some("maps"), "get", [key, map, default]) => self.map_get(expr, key, map, Some(default), frame),
            (None, "append_element", [tuple, value]) => match &tuple.parts()?.tuples {
                Few::All => None,
                Few::Of(shapes) => {
                    let longer = |shape: &Vec<Value>| Value::tuple(shape.iter().chain([value]).cloned().collect());
                    shapes.iter().map(longer).reduce(|all, one| all.join(&one))
                }
            },
            (None, "tuple_to_list", [tuple]) => match &tuple.parts()?.tuples {
                Few::All => None,
                Few::Of(shapes) => {
                    let list = |shape: &Vec<Value>| {
                        shape.iter().rev().fold(Value::nil(), |tail, item| Value::cons(item, &tail))
                    };
                    shapes.iter().map(list).reduce(|all, one| all.join(&one))
                }
            },
            (None, "length", [list]) | (Some("lists"), "reverse" | "sort" | "usort" | "last", [list])
                if never_ends_well(list) =>
            {
                Some(self.fail(expr, frame, |run| {
                    let given = run.describe(list);
                    Diagnostic::error(
                        "E0511",
                        format!("`{}` needs a list that ends with `[]`, not {given}", row.title()),
                    )
                    .at(expr.span, "sure to fail")
                    .help("behind the `|` stands the rest, a list: `[1 | [2]]` is `[1, 2]`")
                }))
            }
            (Some("lists"), "nth", [_, _]) if counts_beyond(expr) => Some(self.fail(expr, frame, |_| {
                Diagnostic::error("E0511", "the place lies behind the last element".to_owned())
                    .at(expr.span, "sure to fail")
                    .help("elements are counted from 1: the last one is `lists:nth(length(L), L)`, or `lists:last(L)`")
            })),
            (Some("lists"), "nth", [place, list]) if lacks_place(place, list) => Some(self.fail(expr, frame, |run| {
                let (place, given) = (run.describe(place), run.describe(list));
                Diagnostic::error("E0511", format!("`{}` of {given} has no element {place}", row.title()))
                    .at(expr.span, "sure to fail")
                    .help("elements are counted from 1")
            })),
            (Some("lists"), _, _) => lists(row.name, arguments),
            (Some("maps"), _, _) => maps(row.name, arguments),
            (Some("string"), "split" | "lexemes" | "tokens" | "to_graphemes", _) => {
                Some(Value::list_of(&Value::texts()))
            }
            _ => None,
        }
    }

    fn tuple_element(
        &mut self,
        expr: &'p Expr,
        row: &Builtin,
        place: &Value,
        tuple: &Value,
        frame: &Frame,
    ) -> Option<Value> {
        let Few::Of(shapes) = &tuple.parts()?.tuples else { return None };
        let place = usize::try_from(place.single()?.as_int()?).ok()?;
        let found = shapes.iter().filter_map(|shape| shape.get(place.checked_sub(1)?).cloned());
        match found.reduce(|all, one| all.join(&one)) {
            Some(value) => Some(value),
            None => Some(self.fail(expr, frame, |run| {
                let given = run.describe(tuple);
                Diagnostic::error("E0511", format!("`{}` of {given} has no element {place}", row.title()))
                    .at(expr.span, "sure to fail")
                    .help("elements are counted from 1")
            })),
        }
    }

    fn map_get(
        &mut self,
        expr: &'p Expr,
        key: &Value,
        map: &Value,
        default: Option<&Value>,
        frame: &Frame,
    ) -> Option<Value> {
        let shape = map.parts()?.map.as_ref()?;
        let (found, always) = entry(shape, key);
        match default {
            Some(_) if always => Some(found),
            Some(default) => Some(found.join(default)),
            None if found.is_never() => Some(self.fail(expr, frame, |run| {
                let (key, given) = (run.describe(key), run.describe(map));
                let keys: Vec<String> = shape.known.iter().map(|entry| format!("`{}`", entry.key)).collect();
                let message = Diagnostic::error("E0512", format!("the key {key} is not in {given}"))
                    .at(expr.span, "sure to fail");
                let message =
                    if keys.is_empty() { message } else { message.help(format!("it has {}", keys.join(", "))) };
                message.help("`maps:get(Key, Map, Default)` gives the default where the key is missing")
            })),
            None => Some(found),
        }
    }
}

/// Whether no such list has an element at such a place.
fn lacks_place(place: &Value, list: &Value) -> bool {
    let Some(place) = place.single().and_then(|place| place.as_int()) else { return false };
    let length = list.parts().filter(|parts| parts.kinds() == 1).and_then(|parts| match &parts.cons {
        None => Some(0),
        Some(Cons { items, rest: None, improper: false }) => i64::try_from(items.len()).ok(),
        Some(_) => None,
    });
    place < 1 || length.is_some_and(|length| place > length)
}

/// Whether a value is of a kind, where that is sure.
fn type_test(name: &str, value: &Value) -> Option<Value> {
    let parts = value.parts()?;
    let numbers = usize::from(parts.ints.some()) + usize::from(parts.floats);
    let some = |occurs: bool| usize::from(occurs);
    let of_kind = match name {
        "is_integer" => some(parts.ints.some()),
        "is_float" => some(parts.floats),
        "is_number" => numbers,
        "is_atom" => some(parts.atoms.some()),
        "is_binary" | "is_bitstring" | "is_string" => some(parts.texts.some()),
        "is_tuple" => some(parts.tuples.some()),
        "is_list" => some(parts.nil) + some(parts.cons.is_some()),
        "is_map" => some(parts.map.is_some()),
        "is_function" => some(parts.funs.some()),
        "is_reference" => some(parts.refs.some()),
        "is_boolean" if !value.meets(&Value::booleans()) => 0,
        _ => return None,
    };
    Some(match of_kind {
        0 => Value::boolean(false),
        count if count == parts.kinds() => Value::boolean(true),
        _ => Value::booleans(),
    })
}

/// Whether it is a list that ends with something else than `[]`, for sure.
fn never_ends_well(value: &Value) -> bool {
    let only = value.parts().filter(|parts| parts.kinds() == 1).and_then(|parts| parts.cons.as_ref());
    only.is_some_and(|cons| cons.improper && cons.rest.is_none())
}

/// `lists:nth(length(L) + 1, L)`, where L is one name.
fn counts_beyond(expr: &Expr) -> bool {
    let Node::Builtin(_, arguments) = &expr.node else { return false };
    let [Expr { node: Node::Binary(Binary::Add, left, right), .. }, list] = &**arguments else { return false };
    let same = |a: &Expr| match (&a.node, &list.node) {
        (Node::Local(a), Node::Local(b)) => a == b,
        (Node::Global(a), Node::Global(b)) => a == b,
        _ => false,
    };
    let length = |expr: &Expr| match &expr.node {
        Node::Builtin(id, of) => id.row().module.is_none() && id.row().name == "length" && of.first().is_some_and(same),
        _ => false,
    };
    let more = |expr: &Expr| matches!(&expr.node, Node::Literal(Term::Int(more)) if *more > 0);
    length(left) && more(right) || more(left) && length(right)
}

fn cons_of(value: &Value) -> Option<&Cons> {
    value.parts()?.cons.as_ref()
}

/// The elements of a list; any where that is not known.
fn elements(value: &Value) -> Value {
    match value.parts() {
        None => Value::any(),
        Some(parts) => parts.cons.as_ref().map_or_else(Value::never, Cons::elements),
    }
}

/// A list of the same elements, not empty where the other is not.
fn same_elements(list: &Value) -> Option<Value> {
    let parts = list.parts()?;
    let Some(cons) = &parts.cons else { return Some(Value::nil()) };
    let element = cons.elements();
    let longer = Value::list_of(&element);
    Some(if parts.nil || parts.kinds() != 1 { longer } else { Value::cons(&element, &longer) })
}

fn lists(name: &str, arguments: &[Value]) -> Option<Value> {
    match (name, arguments) {
        ("sort" | "usort" | "reverse", [list]) => same_elements(list),
        ("append", [a, b]) => append(a, b),
        ("reverse", [a, b]) => append(&same_elements(a)?, b),
        ("seq", _) => Some(Value::list_of(&Value::ints())),
        ("nth", [_, list]) => {
            list.parts()?;
            cons_of(list).map(Cons::elements)
        }
        ("subtract", [list, _]) => Some(Value::list_of(&elements(list))),
        _ => None,
    }
}

fn shape_of(value: &Value) -> Option<&MapShape> {
    value.parts()?.map.as_ref()
}

fn maps(name: &str, arguments: &[Value]) -> Option<Value> {
    match (name, arguments) {
        ("new", []) => Some(Value::map(MapShape { known: Vec::new(), rest: None })),
        ("put" | "update", [key, value, map]) => {
            let mut shape = shape_of(map)?.clone();
            match key.single() {
                Some(key) => shape.put(&key, value.clone()),
                None => shape.put_some(key, value),
            }
            Some(Value::map(shape))
        }
        ("find", [key, map]) => {
            let (found, always) = entry(shape_of(map)?, key);
            let hit = Value::tuple(vec![Value::atom("ok"), found]);
            Some(if always { hit } else { hit.join(&Value::atom("error")) })
        }
        ("remove", [key, map]) => {
            let mut shape = shape_of(map)?.clone();
            match key.single() {
                Some(key) => shape.known.retain(|entry| entry.key != key),
                None => shape.known.iter_mut().for_each(|entry| entry.always = false),
            }
            Some(Value::map(shape))
        }
        ("keys", [map]) => Some(Value::list_of(&shape_of(map)?.keys())),
        ("values", [map]) => Some(Value::list_of(&shape_of(map)?.values())),
        ("to_list", [map]) => {
            let shape = shape_of(map)?;
            Some(Value::list_of(&Value::tuple(vec![shape.keys(), shape.values()])))
        }
        ("merge", [first, second]) => {
            let (first, second) = (shape_of(first)?, shape_of(second)?);
            let mut shape = first.clone();
            if let Some((keys, values)) = &second.rest {
                shape.put_some(keys, values);
            }
            for entry in &second.known {
                if entry.always {
                    shape.put(&entry.key, entry.value.clone());
                } else {
                    shape.put_some(&Value::literal(&entry.key), &entry.value);
                }
            }
            Some(Value::map(shape))
        }
        ("from_list", [list]) => {
            let parts = list.parts()?;
            let Some(cons) = &parts.cons else {
                return Some(Value::map(MapShape { known: Vec::new(), rest: None }));
            };
            let exact = exact_map(cons).filter(|_| !parts.nil && parts.kinds() == 1);
            exact.or_else(|| match &cons.elements().parts()?.tuples {
                Few::Of(shapes) => {
                    let pairs = || shapes.iter().filter(|shape| shape.len() == 2);
                    let keys = pairs().fold(Value::never(), |all, pair| all.join(&pair[0]));
                    let values = pairs().fold(Value::never(), |all, pair| all.join(&pair[1]));
                    Some(Value::maps(keys, values))
                }
                Few::All => None,
            })
        }
        _ => None,
    }
}

/// The map of a list whose keys are all known.
fn exact_map(cons: &Cons) -> Option<Value> {
    if cons.rest.is_some() || cons.improper {
        return None;
    }
    let mut shape = MapShape { known: Vec::new(), rest: None };
    for item in &cons.items {
        let Parts { tuples: Few::Of(shapes), .. } = item.parts()? else { return None };
        let [pair] = &**shapes else { return None };
        let [key, value] = &**pair else { return None };
        let key: Term = key.single()?;
        shape.put(&key, value.clone());
    }
    Some(Value::map(shape))
}
