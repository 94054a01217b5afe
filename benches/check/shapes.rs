//! Programs of ten thousand lines, each of one shape over and over under other names.
//!
//! Half of them have no variables. Those that have some are looked at once more, with what the program itself puts into them.

use std::fmt::Write;

/// The lines of a program.
const LINES: usize = 10_000;

/// One shape: its name, and the program.
pub(crate) type Shape = (&'static str, fn() -> String);

/// All shapes.
pub(crate) const SHAPES: &[Shape] = &[
    ("as people write", as_people_write),
    ("all verbs mixed", mixed),
    ("a chain of calls", chain),
    ("a chain in derivations", chain_derived),
    ("groups of three", || groups(3)),
    ("groups of four", || groups(4)),
    ("groups of three, with variables", || groups_with_variables(3)),
    ("groups of four, with variables", || groups_with_variables(4)),
    ("groups of four that update", groups_that_update),
    ("one ring of functions", || groups(LINES / 3)),
    ("nested tuples", nested),
    ("nested tuples in variables", nested_in_variables),
    ("records of maps", records),
    ("records of maps in variables", records_in_variables),
    ("cases of many clauses", cases),
    ("one case of all clauses", one_case),
    ("one function of all clauses", one_function_of_clauses),
    ("accumulators", loops),
    ("accumulators that update", loops_that_update),
    ("views", views),
    ("views of views", views_of_views),
    ("one long function", one_long_function),
    ("statements of values", statements),
    ("statements of variables", statements_of_variables),
    ("updates and removals", removals),
    ("derivations from top to bottom", || derivations(false)),
    ("derivations from bottom to top", || derivations(true)),
    ("variables made in functions", made_in_functions),
    ("functions as arguments", higher),
    ("a table of data", table),
    ("an interpreter", interpreters),
    ("tests", tests),
    ("warnings", warnings),
];

/// One text, of which each number makes a part, until it is long enough.
fn parts(first: &str, part: impl Fn(usize) -> String) -> String {
    let mut text = first.to_owned();
    let mut lines = text.lines().count();
    for at in 1.. {
        let more = part(at);
        lines += more.lines().count();
        text += &more;
        if lines >= LINES {
            break;
        }
    }
    text
}

/// Functions, derivations, tables, recursion and library calls.
fn as_people_write() -> String {
    parts("", |at| {
        format!(
            r#"S{at} = declare(set), C{at} = declare({{gmap, [counter]}}).
D{at} = map(S{at}, fun(X) -> scale_{at}(X) end).
scale_{at}({{Name, Score}}) ->
    case Score of
        0 -> {{Name, none}};
        N when N > {at} -> {{Name, N * 2}};
        N -> {{Name, N + {at}}}
    end;
scale_{at}(Other) -> {{Other, 0}}.
fold(D{at}, fun({{Name, _}}) -> {{apply, Name, increment}} end, C{at}).
update(S{at}, {{add, [{{ann, {at}}}, {{bob, 2}}, {{cid, 0}}]}}).
table_{at}() -> [
    #{{id => 1, name => "first", price => 1.5, tags => [a, b]}},
    #{{id => 2, name => "second", price => 2.5, tags => [c]}},
    #{{id => 3, name => "third", price => 3.5, tags => []}}].
total_{at}(Rows) ->
    Prices = [maps:get(price, Row) || Row <- Rows],
    {{lists:foldl(fun(P, Sum) -> P + Sum end, 0, Prices), length(Prices)}}.
print(total_{at}(table_{at}())).
walk_{at}([], Done) -> lists:reverse(Done);
walk_{at}([X | Rest], Done) when is_integer(X), X rem 2 == 0 -> walk_{at}(Rest, [X * {at} | Done]);
walk_{at}([_ | Rest], Done) -> walk_{at}(Rest, Done).
print(walk_{at}(lists:seq(1, {at}), [])).
"#
        )
    })
}

/// A few hundred variables of many types, derivations, updates, tasks, thresholds, transactions, and functions that do all of
/// it.
fn mixed() -> String {
    parts("Log = declare(gset).\nTotal = declare(counter).\n", |at| {
        format!(
            r#"%% Orders of one shop, and what follows from them.
Orders{at} = declare(set).
Stock{at} = declare({{awmap, [counter]}}).
Best{at} = declare({{top_k, [3]}}).
Seen{at} = declare(gcounter).
Last{at} = declare(lwwregister).
Local{at} = declare_dynamic(set).
Large{at} = filter(Orders{at}, fun({{order, _, _, Many}}) -> Many > {at}; (_) -> false end).
Goods{at} = map(Orders{at}, fun({{order, _, Good, _}}) -> Good; (Other) -> Other end).
Both{at} = union(Large{at}, Goods{at}).
Without{at} = difference(Orders{at}, Large{at}).
Pairs{at} = join(Orders{at}, Large{at}, fun buyer_{at}/1, fun buyer_{at}/1).
fold(Orders{at}, fun({{order, _, Good, Many}}) -> {{apply, Good, {{increment, Many}}}}; (_) -> [] end, Stock{at}).
fold(Orders{at}, fun({{order, Who, _, Many}}) -> {{set, Who, Many}}; (_) -> [] end, Best{at}).
fold_dynamic(Local{at}, fun(_) -> increment end, Seen{at}).
buyer_{at}({{order, Who, _, _}}) -> Who;
buyer_{at}(_) -> nobody.
order_{at}(Who, Good, Many) when is_integer(Many), Many > 0 ->
    update(Orders{at}, {{add, {{order, Who, Good, Many}}}}),
    update(Local{at}, {{add, {{Who, Many}}}}),
    update(Last{at}, {{set, {{Who, Good}}}}),
    update(Total, {{increment, Many}});
order_{at}(Who, _, _) ->
    update(Log, {{add, {{refused, Who, {at}}}}}).
cancel_{at}(Who) ->
    Mine = [Order || {{order, Buyer, _, _}} = Order <- query(Orders{at}), Buyer =:= Who],
    atomically(fun() ->
        [update(Orders{at}, {{rmv, Order}}) || Order <- Mine],
        update(Total, {{decrement, lists:sum([Many || {{order, _, _, Many}} <- Mine])}})
    end).
report_{at}(Lines) ->
    case query(Last{at}) of
        undefined -> io:format("shop ~p: nothing~n", [{at}]);
        {{Who, Good}} -> io:format("shop ~p: ~p took ~p, ~p lines~n", [{at}, Who, Good, length(Lines)])
    end.
order_{at}(ann, apples, {at}), order_{at}(bob, pears, 2).
thread(fun() -> read(Seen{at}, {{value, 1}}), report_{at}(query(Goods{at})) end).
invariant(Orders{at}, {{cardinality, 5}}, fun() -> update(Log, {{add, {{full, {at}}}}}) end).
enforce_once(Seen{at}, {{value, 3}}, fun() -> print({{three, {at}}}) end).
stream(Total, fun(N) -> case N > 1000 of true -> cancel_{at}(ann); false -> ok end end).
"#
        )
    })
}

/// Each line a function that calls the one above with more around its argument.
fn chain() -> String {
    (1..LINES).fold("chain_0(X) -> X.\n".to_owned(), |mut text, at| {
        let _ = writeln!(text, "chain_{at}(X) -> chain_{}({{X, {at}}}).", at - 1);
        text
    })
}

/// Calls through the functions above, from derivations.
fn chain_derived() -> String {
    let first = "S = declare(set).\nupdate(S, {add, [{ann, 1}, {bob, 2}]}).\nlink_0({Name, N}) -> {Name, N + 1}.\n";
    parts(first, |at| {
        format!("link_{at}(X) -> link_{}(X).\nL{at} = map(S, fun link_{at}/1).\nprint(query(L{at})).\n", at - 1)
    })
}

/// A group of functions that call each other, each the next one and the next but one, with an accumulator.
fn group(group: usize, size: usize, body: &str) -> String {
    (0..size).fold(String::new(), |mut text, at| {
        let (next, far) = ((at + 1) % size, (at + 2) % size);
        let _ = write!(
            text,
            "f{group}_{at}([], S) -> lists:reverse(S);\n\
             f{group}_{at}([X | R], S) when X > {at} -> {body}f{group}_{next}(R, [{{n{at}, X}} | S]);\n\
             f{group}_{at}([_ | R], S) -> f{group}_{far}(R, S).\n"
        );
        text
    })
}

fn groups(size: usize) -> String {
    parts("", |at| group(at, size, "") + &format!("print(f{at}_0(lists:seq(1, {at}), [])).\n"))
}

/// The same, called from derivations of variables.
fn groups_with_variables(size: usize) -> String {
    parts("", |at| {
        let derived = format!(
            "S{at} = declare(set).\n\
             update(S{at}, {{add, [{at}, {at} + 1]}}).\n\
             D{at} = map(S{at}, fun(N) -> f{at}_0(lists:seq(1, N), []) end).\n\
             print(f{at}_0(query(S{at}), [])).\n"
        );
        group(at, size, "") + &derived
    })
}

/// The same, with an update on the way.
fn groups_that_update() -> String {
    parts("", |at| {
        let update = format!("update(C{at}, {{increment, X}}), ");
        let around = format!("C{at} = declare(counter).\nprint(f{at}_0(lists:seq(1, {at}), [])).\n");
        group(at, 4, &update) + &around
    })
}

/// Each line a function that nests its argument in sixty tuples: much to a line, 1.3 megabytes in all.
fn nested() -> String {
    let (open, close) = ("{".repeat(60), "}".repeat(60));
    (0..LINES).fold(String::new(), |mut text, at| {
        let _ = writeln!(text, "nested_{at}(X) -> {open}X{close}.");
        text
    })
}

/// The same, put into sets.
fn nested_in_variables() -> String {
    let (open, close) = ("{".repeat(60), "}".repeat(60));
    parts("", |at| {
        format!(
            "N{at} = declare(set).\n\
             deep_{at}(X) -> {open}X{close}.\n\
             M{at} = map(N{at}, fun deep_{at}/1).\n\
             update(N{at}, {{add, {open}{at}{close}}}).\n"
        )
    })
}

/// Maps within maps, made, read, matched and changed.
fn records() -> String {
    parts("", |at| {
        format!(
            r#"new_{at}(Name) ->
    #{{name => Name, id => {at}, address => #{{street => "Main", number => {at}, city => #{{name => "Ghent", zip => 9000}}}},
      items => [#{{id => 1, price => 1.5}}, #{{id => 2, price => 2.5}}], tags => #{{}}}}.
move_{at}(#{{address := #{{city := City}} = Address}} = Person, Street) ->
    Person#{{address => Address#{{street => Street, city => City#{{zip => {at}}}}}}}.
tag_{at}(#{{tags := Tags}} = Person, Tag, Value) ->
    Person#{{tags := Tags#{{Tag => Value}}}}.
sum_{at}(#{{items := Items, address := #{{number := Number}}}}) ->
    lists:foldl(fun(#{{price := Price}}, Sum) -> Sum + Price end, Number, Items).
all_{at}() ->
    One = new_{at}("Ann"),
    Two = move_{at}(One, "High"),
    Three = tag_{at}(Two, color, red),
    Four = tag_{at}(Three, size, {at}),
    {{sum_{at}(Four), maps:keys(maps:get(tags, Four)), maps:get(zip, maps:get(city, maps:get(address, Four)))}}.
print(all_{at}()).
"#
        )
    })
}

/// Maps within maps as elements, and maps of types.
fn records_in_variables() -> String {
    parts("", |at| {
        format!(
            r#"People{at} = declare(set).
Names{at} = declare({{awmap, [{{awmap, [set]}}]}}).
By{at} = declare({{gmap, [counter]}}).
person_{at}(Name, Age) -> #{{name => Name, age => Age, address => #{{city => "Ghent", zip => 9000 + {at}}}}}.
update(People{at}, {{add, [person_{at}("Ann", 30), person_{at}("Bob", {at})]}}).
update(Names{at}, {{apply, ghent, {{apply, {at}, {{add, "Ann"}}}}}}).
Cities{at} = map(People{at}, fun(#{{address := #{{city := City, zip := Zip}}}}) -> #{{city => City, zip => Zip}} end).
Old{at} = filter(People{at}, fun(#{{age := Age}}) -> Age > {at} end).
fold(Old{at}, fun(#{{name := Name, age := Age}}) -> {{apply, Name, {{increment, Age}}}} end, By{at}).
older_{at}(Name) ->
    [begin
        update(People{at}, {{rmv, Person}}),
        update(People{at}, {{add, Person#{{age := Age + 1}}}})
     end || #{{name := Is, age := Age}} = Person <- query(People{at}), Is == Name].
older_{at}("Ann").
print(maps:to_list(query(By{at}))).
"#
        )
    })
}

/// A few dozen clauses in each `case`.
fn cases() -> String {
    parts("", |at| {
        let mut text = format!("kind_{at}(X) ->\n    case X of\n");
        for clause in 0..20 {
            let _ = writeln!(text, "        {{tag{clause}, N}} when N > {clause} -> {{found, N + {clause}}};");
            let _ = writeln!(text, "        word{clause} -> {{word, {clause}}};");
        }
        let _ = writeln!(text, "        [First | _] -> {{list, First}};\n        _ -> none\n    end.");
        let _ = writeln!(text, "print([kind_{at}(Y) || Y <- [word3, {{tag7, {at}}}, [1], other]]).");
        text
    })
}

/// Ten thousand clauses of one `case`.
fn one_case() -> String {
    let mut text = "kind(X) ->\n    case X of\n".to_owned();
    for at in 0..LINES / 2 {
        let _ = writeln!(text, "        word{at} -> {{word, {at}}};\n        {{{at}, N}} -> N * {at};");
    }
    text + "        _ -> none\n    end.\nprint([kind(word7), kind({8, 3}), kind(9)]).\n"
}

/// Ten thousand clauses of one function, in a program with variables.
fn one_function_of_clauses() -> String {
    let mut text = "S = declare(set).\nupdate(S, {add, [word7, {8, 3}]}).\nD = map(S, fun kind/1).\n".to_owned();
    for at in 0..LINES / 2 {
        let _ = writeln!(text, "kind(word{at}) -> {{word, {at}}};\nkind({{{at}, N}}) -> N * {at};");
    }
    text + "kind(_) -> none.\n"
}

/// Accumulators, each called once.
fn loops() -> String {
    parts("", |at| {
        format!(
            "sum{at}([], S, _) -> lists:reverse(S);\n\
             sum{at}([X | R], S, N) when X > N -> sum{at}(R, [{{X, N}} | S], N + 1);\n\
             sum{at}([_ | R], S, N) -> sum{at}(R, S, N).\n\
             print(sum{at}([1, 2, {at}], [], 0)).\n"
        )
    })
}

/// Accumulators over variables, which they update.
fn loops_that_update() -> String {
    parts("Sum = declare(counter).\n", |at| {
        format!(
            "Q{at} = declare(set).\n\
             each{at}([], _, S) -> {{S, query(Sum)}};\n\
             each{at}([X | R], To, S) when X > S -> update(To, {{add, {{X, S}}}}), update(Sum, {{increment, X}}), each{at}(R, To, S + X);\n\
             each{at}([_ | R], To, S) -> each{at}(R, To, S).\n\
             each{at}([1, 2, {at}], Q{at}, 0).\n"
        )
    })
}

/// Views in SQL of one table.
fn views() -> String {
    (1..LINES).fold("Films = declare(set).\n".to_owned(), |mut text, at| {
        let _ = writeln!(text, "V{at} = sql(\"select title, rank from Films where year > {at} and rank < 3\").");
        text
    })
}

/// Tables with rows, and views of views of them.
fn views_of_views() -> String {
    parts("", |at| {
        format!(
            "Films{at} = declare(set).\n\
             update(Films{at}, {{add, [#{{title => \"Lola\", year => 1961, rank => {at}}}, #{{title => \"Contempt\", year => 1963, rank => 2}}]}}).\n\
             Old{at} = sql(\"select title, rank from Films{at} where year < 1963\").\n\
             Best{at} = sql(\"select title from Old{at} where rank < {at}\").\n\
             Count{at} = sql(\"select year, count(*) as films, max(rank) as best from Films{at} group by year\").\n\
             print([Title || #{{title := Title}} <- query(Best{at})]).\n"
        )
    })
}

/// Ten thousand lines in one body.
fn one_long_function() -> String {
    let mut text = "S = declare(set).\nlong(X0) ->\n".to_owned();
    for at in (1..LINES).step_by(4) {
        let (before, two, three) = (at - 1, at + 1, at + 2);
        let _ = writeln!(
            text,
            "    X{at} = X{before} + {at},\n    X{two} = case X{at} > {at} of true -> X{at}; false -> {{none, X{before}}}, 0 end,\n    \
             X{three} = length([X{two} | lists:seq(1, {at})]),\n    update(S, {{add, {{X{three}, {at}}}}}), X{} = X{three},",
            at + 3
        );
    }
    text + "    done.\nlong(1).\n"
}

/// Names of the top level, each from the ones above.
fn statements() -> String {
    parts("X0 = 1.\n", |at| {
        format!(
            "X{at} = X{} + {at}.\n\
             L{at} = [X{at}, {at} | lists:seq(1, 3)].\n\
             print({{X{at}, lists:sum(L{at}), [Y * 2 || Y <- L{at}]}}).\n\
             assert(X{at} > 0).\n",
            at - 1
        )
    })
}

/// Variables and what is done with them, one after the other.
fn statements_of_variables() -> String {
    parts("", |at| {
        format!(
            "S{at} = declare(set).\n\
             C{at} = declare(counter).\n\
             R{at} = declare(lwwregister).\n\
             update(S{at}, {{add, {{item, {at}}}}}).\n\
             update(C{at}, {{increment, {at}}}).\n\
             update(R{at}, {{set, [{at}, text]}}).\n\
             print({{query(S{at}), query(C{at}), query(R{at})}}).\n\
             assert(query(C{at}) == {at}).\n"
        )
    })
}

/// Removals of elements, some of which are derived.
fn removals() -> String {
    parts("Base = declare(set).\nupdate(Base, {add, [{a, 1}, {b, 2}]}).\n", |at| {
        format!(
            "T{at} = declare(set).\n\
             map(Base, fun({{Name, N}}) -> {{Name, N + {at}}} end, T{at}).\n\
             update(T{at}, {{add, {at}}}).\n\
             update(T{at}, {{rmv, {at}}}).\n"
        )
    })
}

/// Each derivation feeds the source of the one below it, or of the one above it.
fn derivations(upwards: bool) -> String {
    let variables = LINES / 3;
    let mut text = String::new();
    for at in 0..=variables {
        let _ = writeln!(text, "S{at} = declare(set).");
    }
    let derive = |at: usize| format!("map(S{at}, fun({{A, B}}) -> {{B, A}} end, S{}).\n", at + 1);
    if upwards {
        text += &(0..variables).rev().map(derive).collect::<String>();
    } else {
        text += &(0..variables).map(derive).collect::<String>();
    }
    for at in 0..variables {
        let _ = writeln!(text, "update(S{at}, {{add, {{{at}, one}}}}).");
    }
    text
}

/// Variables without a name of the top level, in records and in other variables.
fn made_in_functions() -> String {
    parts("Rooms = declare(set).\n", |at| {
        format!(
            "room_{at}(Name) ->\n    \
                 People = declare({{people, Name, {at}}}, set),\n    \
                 Count = declare(gcounter),\n    \
                 Room = #{{name => Name, people => People, count => Count}},\n    \
                 update(Rooms, {{add, {{Name, Room}}}}),\n    \
                 Room.\n\
             enter_{at}(#{{people := People, count := Count}}, Who) ->\n    \
                 update(People, {{add, Who}}),\n    \
                 update(Count, increment).\n\
             Room{at} = room_{at}(\"hall {at}\").\n\
             enter_{at}(Room{at}, ann).\n\
             [enter_{at}(R, {{bob, {at}}}) || {{_, R}} <- query(Rooms)].\n\
             print(query(maps:get(people, Room{at}))).\n"
        )
    })
}

/// Functions that take functions and give functions.
fn higher() -> String {
    parts("S = declare(set).\nupdate(S, {add, [1, 2, 3]}).\n", |at| {
        format!(
            "twice_{at}(F) -> fun(X) -> F(F(X)) end.\n\
             compose_{at}(Fs) -> lists:foldl(fun(F, G) -> fun(X) -> F(G(X)) end end, fun(X) -> X end, Fs).\n\
             apply_{at}(F, L) -> [F(X) || X <- lists:filter(fun(X) -> X > {at} end, L)].\n\
             add_{at}(N) -> fun(X) -> X + N end.\n\
             print(apply_{at}(twice_{at}(add_{at}({at})), lists:seq(1, 10))).\n\
             print((compose_{at}([add_{at}(1), twice_{at}(fun(X) -> X * {at} end), fun(X) -> {{X, X}} end]))(2)).\n\
             H{at} = map(S, twice_{at}(add_{at}({at}))).\n"
        )
    })
}

/// A table written out.
fn table() -> String {
    let mut text = "Rows = [\n".to_owned();
    for at in 1..LINES - 4 {
        let _ = writeln!(
            text,
            "    #{{id => {at}, name => \"row {at}\", price => {at}.5, tags => [a{}, {{b, {at}}}]}},",
            at % 50
        );
    }
    text + "    #{id => 0, name => \"last\", price => 0.5, tags => []}].\nS = declare(set).\nupdate(S, {add_all, Rows}).\n\
            Dear = filter(S, fun(#{price := Price}) -> Price > 100 end).\nprint(length(query(Dear))).\n"
}

/// Functions that evaluate trees by calling each other.
fn interpreters() -> String {
    parts("", |at| {
        format!(
            r"eval{at}(N, _) when is_integer(N) -> N;
eval{at}({{var, Name}}, Env) -> maps:get(Name, Env);
eval{at}({{add, A, B}}, Env) -> eval{at}(A, Env) + eval{at}(B, Env);
eval{at}({{mul, A, B}}, Env) -> eval{at}(A, Env) * eval{at}(B, Env);
eval{at}({{'let', Name, A, B}}, Env) -> eval{at}(B, Env#{{Name => eval{at}(A, Env)}});
eval{at}({{'if', A, B, C}}, Env) -> case test{at}(A, Env) of true -> eval{at}(B, Env); false -> eval{at}(C, Env) end;
eval{at}({{sum, List}}, Env) -> all{at}(List, Env, 0).
test{at}({{less, A, B}}, Env) -> eval{at}(A, Env) < eval{at}(B, Env);
test{at}({{'not', A}}, Env) -> not test{at}(A, Env);
test{at}({{both, A, B}}, Env) -> test{at}(A, Env) andalso test{at}(B, Env).
all{at}([], _, Sum) -> Sum;
all{at}([A | Rest], Env, Sum) -> all{at}(Rest, Env, Sum + eval{at}(A, Env)).
print(eval{at}({{'let', x, {{add, 1, {at}}}, {{'if', {{less, {{var, x}}, 10}}, {{mul, {{var, x}}, 2}}, {{sum, [1, {{var, x}}, 3]}}}}}}, #{{}})).
Trees{at} = declare(set).
update(Trees{at}, {{add, {{add, 1, {{mul, 2, {at}}}}}}}).
Values{at} = map(Trees{at}, fun(T) -> eval{at}(T, #{{x => {at}}}) end).
"
        )
    })
}

/// A file for `lasp test`.
fn tests() -> String {
    parts("", |at| {
        format!(
            r"%% Adds one to each.
%% ```lasp
%% up_{at}([1, 2]) == [2, 3]
%% ```
up_{at}(L) -> [X + 1 || X <- L].
up_{at}_test() ->
    assert(up_{at}([]) == []),
    assert(up_{at}([{at}]) == [{at} + 1]).
basket_{at}_test() ->
    Basket = declare({{basket, {at}}}, set),
    Sum = declare({{sum, {at}}}, counter),
    fold(Basket, fun({{_, N}}) -> {{increment, N}} end, Sum),
    update(Basket, {{add, {{apples, {at}}}}}),
    update(Basket, {{add, {{pears, 2}}}}),
    assert(query(Sum) == {at} + 2),
    update(Basket, {{rmv, {{pears, 2}}}}),
    assert(query(Sum) == {at}).
"
        )
    })
}

/// Something to say of every other line.
fn warnings() -> String {
    parts("S = declare(set).\n", |at| {
        format!(
            "w{at}(a) -> {at};\nw{at}(_) -> none;\nw{at}(b) -> {at}.\nquery(S) ++ [{at}].\nupdate(S, {{add, w{at}(a)}}).\n"
        )
    })
}
