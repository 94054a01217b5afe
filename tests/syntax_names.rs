//! What names mean: the checked tree of small programs.

use lasp::check::Environment;
use lasp::check::Mode;
use lasp::check::Source;
use lasp::check::check;
use lasp::check::core::Checked;
use lasp::check::core::Expr;
use lasp::check::core::Lambda;
use lasp::check::core::LocalId;
use lasp::check::core::Node;
use lasp::check::core::Pattern;
use lasp::check::core::PatternNode;
use lasp::library::MODULES;
use lasp::source::span::FileId;
use lasp::syntax;

/// An environment that knows the library.
fn library() -> Environment {
    let mut environment = Environment::default();
    for (module, text) in MODULES {
        let parsed = syntax::parse(FileId::default(), text);
        let source = Source { tree: &parsed.tree, module: Some(module) };
        let (_, diagnostics) = check(&mut environment, &source, Mode::Program);
        assert!(parsed.diagnostics.is_empty() && diagnostics.is_empty(), "{module}: {diagnostics:?}");
    }
    environment
}

fn told(environment: &mut Environment, text: &str, mode: Mode) -> Result<Checked, Vec<&'static str>> {
    let parsed = syntax::parse_line(FileId(0), text);
    assert!(parsed.diagnostics.is_empty(), "{text}: {:?}", parsed.diagnostics);
    let (checked, diagnostics) = check(environment, &Source { tree: &parsed.tree, module: None }, mode);
    checked.ok_or_else(|| diagnostics.iter().map(|diagnostic| diagnostic.code).collect())
}

fn checked(text: &str) -> Checked {
    told(&mut library(), text, Mode::Program).unwrap_or_else(|codes| panic!("{text}: {codes:?}"))
}

fn codes(text: &str) -> Vec<&'static str> {
    told(&mut library(), text, Mode::Program).err().unwrap_or_default()
}

/// The value of `P = E`.
fn value(expr: &Expr) -> &Expr {
    match &expr.node {
        Node::Match(_, value) => value,
        other => panic!("{other:?}"),
    }
}

fn pattern(expr: &Expr) -> &Pattern {
    match &expr.node {
        Node::Match(pattern, _) => pattern,
        other => panic!("{other:?}"),
    }
}

fn lambda(expr: &Expr) -> &Lambda {
    match &expr.node {
        Node::Fun(lambda) => lambda,
        other => panic!("{other:?}"),
    }
}

/// The name that the outermost verb of `expr`, or the one that is its last argument, gives to a variable.
fn name(expr: &Expr) -> Option<&str> {
    match &expr.node {
        Node::Match(_, value) => name(value),
        Node::Verb(call) => call.name.as_deref().or_else(|| call.arguments.last().and_then(name)),
        _ => None,
    }
}

#[test]
fn names_of_the_top_level_are_known_to_later_forms_and_to_all_functions() {
    let program = checked("f(Y) -> {X, Y}.\nX = 1.\ng() -> X.\nprint(X), print(f(2)), print(g()).");
    assert_eq!(program.globals, ["X"]);
    assert_eq!(codes("print(X).\nX = 1."), ["E0211"]);
    assert_eq!(codes("X = X + 1."), ["E0211"]);
    assert_eq!(codes("F = fun() -> X end.\nX = 1."), Vec::<&str>::new());
    assert_eq!(codes("f() -> Y."), ["E0201"]);
}

#[test]
fn names_bound_in_all_branches_are_global_and_others_unsafe() {
    let all = "case 1 of 1 -> X = a; _ -> begin X = b end end, print(X).\nf() -> X.";
    assert_eq!(checked(all).globals, ["X"]);
    assert_eq!(codes("case 1 of 1 -> X = a; _ -> b end, print(X)."), ["E0205"]);
    assert_eq!(codes("case 1 of 1 -> X = a; _ -> b end.\nprint(X)."), ["E0205"]);
    assert_eq!(codes("case 1 of 1 -> X = a, print(X); _ -> b end.\nX = 2, print(X)."), Vec::<&str>::new());
    assert_eq!(codes("true andalso (X = 1) == 1, print(X)."), ["E0205"]);
    assert_eq!(codes("f(A) -> case A of 1 -> X = a; _ -> X = b end, X."), Vec::<&str>::new());
    assert_eq!(codes("f(A) -> case A of 1 -> X = a; _ -> b end, X."), ["E0205"]);
    assert_eq!(codes("f(A) -> case A of 1 -> X = a; _ -> print(X), X = b end, X."), ["E0201"]);
    assert_eq!(codes("f(A) -> if A -> {X, Y} = A; true -> [Y | X] = A end, X + Y."), Vec::<&str>::new());
}

#[test]
fn a_name_bound_in_all_branches_has_one_place() {
    let program = checked("f(A) -> case A of 1 -> X = a; _ -> X = b end, X.");
    let body = &program.functions[0].lambda.clauses[0].body;
    let Node::Case(_, clauses) = &body[0].node else { panic!("{body:?}") };
    for clause in clauses {
        assert!(matches!(pattern(&clause.body[0]).node, PatternNode::Bind(LocalId(1))), "{clause:?}");
    }
    assert!(matches!(body[1].node, Node::Local(LocalId(1))), "{body:?}");
}

#[test]
fn heads_and_generators_shadow_and_other_patterns_match() {
    let program = checked("X = 1.\nf(X) -> X;\nf(_) -> X = 2.\nL = [X || X <- [1, 2]], print(L).");
    let clauses = &program.functions[0].lambda.clauses;
    assert!(matches!(clauses[0].patterns[0].node, PatternNode::Bind(_)));
    assert!(matches!(clauses[0].body[0].node, Node::Local(_)));
    assert!(matches!(pattern(&clauses[1].body[0]).node, PatternNode::Global(_)));
    assert_eq!(program.globals, ["X", "L"]);
    let twice = checked("f({X, X}, X) -> X.");
    let patterns = &twice.functions[0].lambda.clauses[0].patterns;
    let PatternNode::Tuple(items) = &patterns[0].node else { panic!("{patterns:?}") };
    assert!(matches!(items[0].node, PatternNode::Bind(LocalId(0))));
    assert!(matches!(items[1].node, PatternNode::Same(LocalId(0))));
    assert!(matches!(patterns[1].node, PatternNode::Same(LocalId(0))));
    assert_eq!(codes("[begin Y = X, Y end || X <- [1]], print(Y)."), ["E0201"]);
    assert_eq!(codes("[Y || X <- [1], Y <- [X]].\n#{K => V || K := V <- #{}, K > V}."), Vec::<&str>::new());
}

#[test]
fn a_fun_captures_locals_through_all_funs_between_and_never_globals() {
    let program = checked("G = 1.\nf(A, B) -> fun(C) -> fun(D) -> {A, C, D, G, A} end end.");
    let outer = lambda(&program.functions[0].lambda.clauses[0].body[0]);
    assert_eq!(outer.captures, [(LocalId(0), LocalId(1))]);
    let inner = lambda(&outer.clauses[0].body[0]);
    assert_eq!(inner.captures, [(LocalId(1), LocalId(1)), (LocalId(0), LocalId(2))]);
    assert_eq!((outer.locals, inner.locals), (2, 3));
    let named = checked("F = fun Loop(X) -> Loop(X) end.");
    let fun = lambda(value(&named.forms[0].body[0]));
    assert_eq!(fun.itself, Some(LocalId(0)));
    assert!(matches!(&fun.clauses[0].body[0].node, Node::Apply(f, _) if matches!(f.node, Node::Local(LocalId(0)))));
}

#[test]
fn variables_made_at_top_level_bear_the_name_that_they_are_bound_to() {
    let program = checked(
        "A = declare(set), B = map(A, fun(X) -> X end), C = map(A, fun(X) -> X end, declare(set)), \
         D = map(A, fun(X) -> X end, C), E = declare(id, set), {F, 1} = {declare(set), 1}, G = begin declare(set) end.\n\
         case 1 of 1 -> H = declare(set); _ -> I = declare(set), H = A end.\n\
         f() -> A = declare(set), J = declare(set), J.\n\
         K = [L = declare(set) || _ <- [1]].",
    );
    let names: Vec<Option<&str>> = program.forms[0].body.iter().map(name).collect();
    assert_eq!(names, [Some("A"), Some("B"), Some("C"), None, None, None, None]);
    let Node::Case(_, clauses) = &program.forms[1].body[0].node else { panic!() };
    assert_eq!(name(&clauses[0].body[0]), Some("H"));
    assert_eq!(name(&clauses[1].body[0]), None);
    assert!(program.functions[0].lambda.clauses[0].body.iter().all(|expr| name(expr).is_none()));
    assert!(!format!("{:?}", program.forms[2]).contains("name: Some"));
}

#[test]
fn the_prompt_remembers_names_and_takes_functions_anew() {
    let mut session = library();
    let mut line = |text: &str| told(&mut session, text, Mode::Prompt);
    assert!(line("X = 1").is_ok());
    let first = line("f() -> X").expect("X is known").functions[0].id;
    let second = line("f() -> X + 1").expect("f may change").functions[0].id;
    assert_ne!(first, second);
    assert_eq!(line("print(f()), Y = Z").err(), Some(vec!["E0201"]));
    assert_eq!(line("print(Y)").err(), Some(vec!["E0201"]));
    assert!(matches!(line("X = 2").expect("a match").forms[0].body[0].node, Node::Match(..)));
    assert_eq!(session.globals(), ["X"]);
    assert!(session.names_for_completion().iter().any(|name| name == "f"));
    assert_eq!(session.function(None, "f", 0), Some(second));
}

#[test]
fn functions_are_found_by_name_and_arity() {
    assert_eq!(codes("f(1).\nf(X) -> X."), Vec::<&str>::new());
    assert_eq!(codes("f(X) -> X.\nY = f(1, 2)."), ["E0203"]);
    assert_eq!(codes("X = length([1], 2)."), ["E0203"]);
    assert_eq!(codes("X = nowhere(1)."), ["E0202"]);
    assert_eq!(codes("X = list:sum([1])."), ["E0204"]);
    assert_eq!(codes("f(X) -> X.\nf(Y) -> Y."), ["E0206"]);
    assert_eq!(codes("f(X) -> X;\nf(X, Y) -> X + Y."), ["E0207"]);
    assert_eq!(codes("f(X) -> X;\ng(X) -> X."), ["E0207"]);
    assert_eq!(codes("F(X) -> X."), ["E0207"]);
    assert_eq!(codes("X = fun f/1.\nf(X) -> X."), Vec::<&str>::new());
    assert_eq!(codes("-import(lists, [sum/1]).\nX = sum([1])."), Vec::<&str>::new());
    assert_eq!(codes("-import(lists, [no_such/1])."), ["E0202"]);
    assert_eq!(codes("-module(m).\nf(X) -> X.\nY = m:f(1), Z = fun m:f/1."), Vec::<&str>::new());
    assert_eq!(codes("f(X) when nowhere(X) -> X."), ["E0202"]);
    assert_eq!(codes("f(X) when query(X) -> X."), ["E0209"]);
    assert_eq!(codes("g(X) -> X.\nf(X) when g(X) -> X."), ["E0209"]);
    assert_eq!(codes("f(X) when is_list(X), length(X) > 1; X =:= 1 -> X."), Vec::<&str>::new());
}

#[test]
fn literals_are_one_term_and_long_lists_stay_shallow() {
    let program = checked("X = {1, -2.5, [a, \"b\" \"c\", #{k => <<\"v\">>}], 16#ff, $a, - 9223372036854775808}.");
    let Node::Literal(term) = &value(&program.forms[0].body[0]).node else { panic!("{program:?}") };
    assert_eq!(term.to_string(), "{1, -2.5, [a, \"bc\", #{k => \"v\"}], 255, 97, -9223372036854775808}");
    let long = checked(&format!("A = 1, L = [{}A | []].", "A, ".repeat(10_000)));
    assert!(matches!(value(&long.forms[0].body[1]).node, Node::Binary(..)));
}

#[test]
fn documentation_stands_directly_above_its_function() {
    let program = checked("%% Not this.\n\n%% Doubles.\n%%\n%% Twice as much.\nf(X) -> X * 2.\n% nor this\ng() -> 1.");
    assert_eq!(program.functions[0].documentation.as_deref(), Some("Doubles.\n\nTwice as much."));
    assert_eq!(program.functions[1].documentation, None);
}
