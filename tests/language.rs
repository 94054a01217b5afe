//! The language by example: expressions with what they print, and expressions with the code of their failure.

mod bare;

use bare::evaluate;

/// Evaluates each expression as a program of its own.
fn check(rows: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (text, expected) in rows {
        let got = evaluate(text);
        // The checker sees many a failure before it happens, and tells more than the code.
        let seen = expected.starts_with("E05") && got.starts_with("E05") && got.contains(": ");
        if got != *expected && !seen {
            wrong.push(format!("{text}\n    expected {expected}\n    got      {got}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn numbers_are_as_in_erlang() {
    check(&[
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("7 div 2", "3"),
        ("-7 div 2", "-3"),
        ("7 rem -2", "1"),
        ("-7 rem 2", "-1"),
        ("7 / 2", "3.5"),
        ("4 / 2", "2.0"),
        ("1 + 1.5", "2.5"),
        ("1.5 + 576460752303423489", "5.764607523034235e17"),
        ("9007199254740991.0", "9007199254740991.0"),
        ("case #{a => 1} of #{} -> any; _ -> other end", "any"),
        ("case {#{a => 1}} of {#{}} -> any; _ -> other end", "any"),
        ("[9 || #{} <- [#{a => 1}]]", "[9]"),
        ("9223372036854775807 + 1", "9223372036854775808"),
        ("-9223372036854775808 - 1", "-9223372036854775809"),
        ("9223372036854775807 * 9223372036854775807", "85070591730234615847396907784232501249"),
        ("9223372036854775808 - 1", "9223372036854775807"),
        ("-9223372036854775808 div -1", "9223372036854775808"),
        ("-9223372036854775808 rem -1", "0"),
        ("- (-9223372036854775808)", "9223372036854775808"),
        ("abs(-9223372036854775808)", "9223372036854775808"),
        ("(1 bsl 100) div (1 bsl 98)", "4"),
        ("1 bsl 3", "8"),
        ("1 bsl 64", "18446744073709551616"),
        ("-1 bsr 10", "-1"),
        ("256 bsr 4", "16"),
        ("1 bsl -1", "0"),
        ("0 bsl 100000000000", "0"),
        ("12 band 10", "8"),
        ("12 bor 10", "14"),
        ("12 bxor 10", "6"),
        ("bnot 5", "-6"),
        ("16#ff", "255"),
        ("1_000_000", "1000000"),
        ("2#1010", "10"),
        ("1.0e3", "1.0e3"),
        ("0.1 + 0.2", "0.30000000000000004"),
        ("round(2.5)", "3"),
        ("round(-2.5)", "-3"),
        ("trunc(2.9)", "2"),
        ("ceil(2.1)", "3"),
        ("floor(-2.1)", "-3"),
        ("float(3)", "3.0"),
        ("math:sqrt(16)", "4.0"),
        ("math:pow(2, 10)", "1024.0"),
        ("round(1.0e20)", "100000000000000000000"),
        ("max(1, 2.0)", "2.0"),
        ("min(1, a)", "1"),
        ("+5", "5"),
        ("- 5.0", "-5.0"),
    ]);
}

#[test]
fn comparisons_are_as_in_erlang() {
    check(&[
        ("1 == 1.0", "true"),
        ("1 =:= 1.0", "false"),
        ("1 =/= 1.0", "true"),
        ("1 /= 2", "true"),
        ("{1, a} == {1.0, a}", "true"),
        ("1 < a", "true"),
        ("a < {}", "true"),
        ("{} < #{}", "true"),
        ("#{} < []", "true"),
        ("[] < \"\"", "true"),
        ("{1, 2, 3} > {9, 9}", "true"),
        ("[1, 2] < [1, 2, 3]", "true"),
        ("\"abc\" < \"abd\"", "true"),
        ("2 >= 2", "true"),
        ("1 =< 0", "false"),
        ("9007199254740993 == 9007199254740992.0", "false"),
        ("lists:sort([b, 1, \"s\", {1}, [1], #{}, 2.0, 1.0])", "[1, 1.0, 2.0, b, {1}, #{}, [1], \"s\"]"),
        ("true and false", "false"),
        ("true or false", "true"),
        ("true xor true", "false"),
        ("not true", "false"),
        ("true andalso 5", "5"),
        ("false andalso 1 div 0", "false"),
        ("true orelse 1 div 0", "true"),
        ("false orelse x", "x"),
        ("1 > 0 andalso 2 > 1", "true"),
    ]);
}

#[test]
fn terms_are_built_and_taken_apart() {
    check(&[
        ("{}", "{}"),
        ("{a, [1, 2 | [3]], \"x\"}", "{a, [1, 2, 3], \"x\"}"),
        ("[1 | 2]", "[1 | 2]"),
        ("X = 1, {X, X}", "{1, 1}"),
        ("{A, B} = {1, 2}, A + B", "3"),
        ("[H | T] = [1, 2, 3], {H, T}", "{1, [2, 3]}"),
        ("[A, _, C] = [1, 2, 3], {A, C}", "{1, 3}"),
        ("{ok, [X, {Y}]} = {ok, [1, {2}]}, X + Y", "3"),
        ("X = Y = 5, X + Y", "10"),
        ("{A, B} = C = {1, 2}, {A, B, C}", "{1, 2, {1, 2}}"),
        ("X = 1, X = 1, ok", "ok"),
        ("{X, X} = {3, 3}, X", "3"),
        ("_ = 5, done", "done"),
        ("\"ab\" ++ X = \"abcd\", X", "\"cd\""),
        ("\"ab\" ++ \"cd\"", "\"abcd\""),
        ("<<\"text\">>", "\"text\""),
        ("\"ä\\n\"", "\"ä\\n\""),
        ("[1, 2] ++ [3]", "[1, 2, 3]"),
        ("[1, 2, 3, 2] -- [2]", "[1, 3, 2]"),
        ("[1, 1.0] -- [1.0]", "[1]"),
        ("'hello world'", "'hello world'"),
        ("begin X = 1, X + 1 end", "2"),
        ("#{b => 2, a => 1}", "#{a => 1, b => 2}"),
        ("#{1 => a, 1.0 => b}", "#{1 => a, 1.0 => b}"),
        ("M = #{a => 1}, M#{a := 2, b => 3}", "#{a => 2, b => 3}"),
        ("#{a := X} = #{a => 1, b => 2}, X", "1"),
        ("K = b, #{K := X} = #{a => 1, b => 2}, X", "2"),
        ("X = 1, Y = 2, #{X + Y => [X, Y]}", "#{3 => [1, 2]}"),
        ("size({a, b, c})", "3"),
        ("element(2, {a, b})", "b"),
        ("setelement(2, {a, b}, c)", "{a, c}"),
        ("hd([1, 2])", "1"),
        ("tl([1, 2])", "[2]"),
        ("length([1, 2, 3])", "3"),
        ("tuple_to_list({1, 2})", "[1, 2]"),
        ("list_to_tuple([1, 2])", "{1, 2}"),
        ("erlang:length([1])", "1"),
    ]);
}

#[test]
fn control_is_as_in_erlang() {
    check(&[
        ("case 5 of 1 -> one; N when N > 3 -> big; _ -> small end", "big"),
        ("case {a, 1} of {b, _} -> no; {a, X} -> X end", "1"),
        ("case [1, 2] of [] -> empty; [_] -> one; [_ | _] -> more end", "more"),
        ("case 1.0 of 1 -> int; 1.0 -> float end", "float"),
        ("X = 1, case 1 of X -> same; _ -> other end", "same"),
        ("X = 2, case 1 of X -> same; _ -> other end", "other"),
        ("case 7 rem 3 of 0 -> zero; 1 -> one; 2 -> two end", "one"),
        ("if 1 > 2 -> a; true -> b end", "b"),
        ("X = 5, if X > 3, X < 10 -> mid; X > 9; X == 0 -> edge; true -> none end", "mid"),
        ("X = 0, if X > 3, X < 10 -> mid; X > 9; X == 0 -> edge; true -> none end", "edge"),
        ("X = a, if hd(X) == 1 -> yes; true -> no end", "no"),
        ("X = [], if hd(X) == 1; X == [] -> yes; true -> no end", "yes"),
        ("X = 0, if X /= 0 andalso 10 div X > 1 -> yes; true -> no end", "no"),
        ("X = a, if not X -> yes; true -> no end", "no"),
        ("case 3 of X when X > 5 orelse X < 4 -> in; _ -> out end", "in"),
        ("case #{k => 1} of #{k := V} when is_integer(V) -> V; _ -> none end", "1"),
        ("case #{} of #{k := V} -> V; _ -> none end", "none"),
        ("case \"prefix-x\" of \"prefix-\" ++ R -> R; _ -> none end", "\"x\""),
        ("case true of true -> X = 1; false -> X = 2 end, X", "1"),
        ("case x of Y when Y =:= x; Y =:= z -> in; _ -> out end", "in"),
    ]);
}

#[test]
fn functions_are_values() {
    check(&[
        ("F = fun(X) -> X * 2 + 1 end, F(20)", "41"),
        ("(fun(X, Y) -> X - Y end)(5, 3)", "2"),
        ("F = fun(0) -> zero; (N) when N > 0 -> pos; (_) -> neg end, {F(0), F(1), F(-1)}", "{zero, pos, neg}"),
        ("N = 10, Add = fun(X) -> X + N end, Add(5)", "15"),
        ("Fact = fun F(0) -> 1; F(N) -> N * F(N - 1) end, Fact(20)", "2432902008176640000"),
        ("A = 1, F = fun(B) -> fun(C) -> A + B + C end end, (F(2))(3)", "6"),
        ("K = 2, L = fun Go(0, S) -> S; Go(N, S) -> Go(N - 1, S + K) end, L(10, 0)", "20"),
        ("F = fun length/1, F([a, b])", "2"),
        ("F = fun lists:reverse/1, F([a, b])", "[b, a]"),
        ("F = fun lists:map/2, F(fun(X) -> X end, [1])", "[1]"),
        ("F = fun max_by_name/2, F({ann, 3}, [])", "{set, ann, 3}"),
        ("is_function(fun(X) -> X end, 1)", "true"),
        ("fun(X) -> X end == fun(Y) -> Y end", "true"),
        ("fun(X) -> X end == fun(Y) -> Y + 1 end", "false"),
        ("F = fun(X) -> X end, G = fun() -> F end, (G())(7)", "7"),
        ("f(1). f(X) -> X + 1.", "2"),
        ("f(5, 0). f(0, S) -> S; f(N, S) -> f(N - 1, S + N).", "15"),
        ("even(10). even(0) -> true; even(N) -> odd(N - 1). odd(0) -> false; odd(N) -> even(N - 1).", "true"),
        ("Limit = 3. f(). f() -> Limit * 2.", "6"),
        ("X = 2, f(X). f(Y) -> X * Y.", "4"),
    ]);
}

#[test]
fn comprehensions_are_loops() {
    check(&[
        ("[X * 2 || X <- [1, 2, 3]]", "[2, 4, 6]"),
        ("[X || X <- [1, 2, 3, 4], X rem 2 == 0]", "[2, 4]"),
        ("[{X, Y} || X <- [1, 2], Y <- [a, b]]", "[{1, a}, {1, b}, {2, a}, {2, b}]"),
        ("[X || {ok, X} <- [{ok, 1}, error, {ok, 2}]]", "[1, 2]"),
        ("[X + Y || X <- [1, 2], X > 1, Y <- [10, 20]]", "[12, 22]"),
        ("[Z || X <- [[1], [2, 3]], Z <- X]", "[1, 2, 3]"),
        ("[{K, V} || K := V <- #{a => 1, b => 2}]", "[{a, 1}, {b, 2}]"),
        ("#{K => V * 2 || K := V <- #{a => 1}}", "#{a => 2}"),
        ("#{X => X * X || X <- [1, 2]}", "#{1 => 1, 2 => 4}"),
        ("[X || X <- [a, 1, b], X + 1 > 0]", "[1]"),
        ("F = fun(X) -> X > 1 end, [X || X <- [1, 2], F(X)]", "[2]"),
        ("N = 3, [X * N || X <- lists:seq(1, 3)]", "[3, 6, 9]"),
        ("[fun() -> X end || X <- [1]] == []", "false"),
        ("[Y || X <- [1, 2], Y <- [X, [Z || Z <- [X, 9]]]]", "[1, [1, 9], 2, [2, 9]]"),
        ("[1 || true]", "[1]"),
    ]);
}

#[test]
fn built_ins_convert_and_test() {
    check(&[
        ("integer_to_list(12)", "\"12\""),
        ("integer_to_list(255, 16)", "\"FF\""),
        ("list_to_integer(\"-12\")", "-12"),
        ("list_to_integer(\"ff\", 16)", "255"),
        ("atom_to_list(abc)", "\"abc\""),
        ("list_to_atom(\"abc\")", "abc"),
        ("list_to_float(\"1.5\")", "1.5"),
        ("float_to_list(0.1)", "\"0.1\""),
        ("is_integer(1)", "true"),
        ("is_float(1)", "false"),
        ("is_atom(a)", "true"),
        ("is_list([])", "true"),
        ("is_binary(\"a\")", "true"),
        ("is_boolean(true)", "true"),
        ("is_map(#{})", "true"),
        ("is_tuple({})", "true"),
        ("map_size(#{a => 1})", "1"),
        ("is_map_key(a, #{a => 1})", "true"),
        ("byte_size(\"ä\")", "2"),
        ("string:length(\"ä\")", "1"),
        ("lists:seq(1, 5)", "[1, 2, 3, 4, 5]"),
        ("lists:seq(5, 1, -2)", "[5, 3, 1]"),
        ("lists:seq(1, 0)", "[]"),
        ("lists:nth(2, [a, b])", "b"),
        ("lists:member(1, [1.0])", "false"),
        ("lists:usort([3, 1, 3])", "[1, 3]"),
        ("lists:foldl(fun(X, A) -> [X | A] end, [], [1, 2])", "[2, 1]"),
        ("lists:sum([1, 2.5])", "3.5"),
        ("lists:max([1, 3, 2])", "3"),
        ("lists:sort(fun(A, B) -> A > B end, [1, 3, 2, 5, 4])", "[5, 4, 3, 2, 1]"),
        ("lists:zip([1], [a])", "[{1, a}]"),
        ("lists:concat([\"a\", 1, b])", "\"a1b\""),
        ("maps:get(a, #{a => 1})", "1"),
        ("maps:get(b, #{a => 1}, none)", "none"),
        ("maps:find(b, #{a => 1})", "error"),
        ("maps:merge(#{a => 1, b => 1}, #{b => 2})", "#{a => 1, b => 2}"),
        ("maps:from_list([{a, 1}, {a, 2}])", "#{a => 2}"),
        ("maps:fold(fun(K, V, A) -> [{K, V} | A] end, [], #{a => 1, b => 2})", "[{b, 2}, {a, 1}]"),
        ("string:split(\"a-b-c\", \"-\", all)", "[\"a\", \"b\", \"c\"]"),
        ("string:uppercase(\"äb\")", "\"ÄB\""),
        ("io_lib:format(\"~p ~s ~b ~.2f ~~ ~w~n\", [\"a\", \"b\", 3, 1.005, x])", "\"\\\"a\\\" b 3 1.00 ~ x\\n\""),
        ("io_lib:format(\"[~5b|~-5s|~5.1.0f|~c]\", [42, \"ab\", 1.25, 65])", "\"[   42|ab   |001.3|A]\""),
        ("io_lib:format(\"~e ~.16b ~a\", [12.5, 255, abc])", "\"1.25000e+1 ff abc\""),
    ]);
}

#[test]
fn failures_have_codes() {
    check(&[
        ("X = a, 1 + X", "E0501"),
        ("1.5 div 2", "E0501"),
        ("X = a, -X", "E0501"),
        ("[1] ++ \"a\"", "E0501"),
        ("X = a, X -- []", "E0501"),
        ("1 div 0", "E0502"),
        ("1 / 0", "E0502"),
        ("1 rem 0", "E0502"),
        ("1 / 0.0", "E0502"),
        ("1 bsl 100000000", "E0503"),
        ("1.0e308 * 10", "E0503"),
        ("f(2). f(1) -> a.", "E0504"),
        ("(fun(1) -> a end)(2)", "E0504"),
        ("lists:last([])", "E0511"),
        ("case 1 of 2 -> a end", "E0505"),
        ("X = 1, if X > 1 -> a end", "E0506"),
        ("{a, X} = {b, 1}, X", "E0507"),
        ("X = 1, Y = 2, X = Y", "E0507"),
        ("[_] = [1, 2]", "E0507"),
        ("F = 5, F(1)", "E0508"),
        ("F = fun(X) -> X end, F(1, 2)", "E0509"),
        ("f(). X = 1. f() -> X.", "E0510"),
        ("hd([])", "E0511"),
        ("element(3, {a})", "E0511"),
        ("list_to_integer(\"1x\")", "E0511"),
        ("length([1 | 2])", "E0511"),
        ("maps:get(a, #{})", "E0512"),
        ("M = #{}, M#{a := 1}", "E0512"),
        ("M = 5, M#{a => 1}", "E0513"),
        ("maps:keys([])", "E0513"),
        ("not 1", "E0514"),
        ("1 andalso true", "E0514"),
        ("true and 1", "E0514"),
        ("[X || X <- binary_to_list(\"a\"), hd([X])]", "[]"),
        ("F = fun(X) -> X end, [X || X <- [1], F(X)]", "E0514"),
        ("L = 5, [X || X <- L]", "E0515"),
        ("[X || X <- [1 | 2]]", "E0515"),
        ("f(1). f(N) -> 1 + f(N + 1).", "E0516"),
        ("f(1000, a). f(0, T) -> T; f(N, T) -> f(N - 1, {T}).", "E0517"),
        ("f(1000, a). f(0, T) -> T; f(N, T) -> f(N - 1, #{k => T}).", "E0517"),
        ("f(1000, a). f(0, T) -> T; f(N, T) -> f(N - 1, [T]).", "E0517"),
        ("f(1000, a). f(0, T) -> T; f(N, T) -> f(N - 1, fun() -> T end).", "E0517"),
        ("f(1000, a). f(0, T) -> T; f(N, T) -> f(N - 1, list_to_tuple([T])).", "E0517"),
        ("d(1, 40). d(X, 0) -> X; d(X, N) -> d({X, X}, N - 1).", "E0526"),
        ("d(1, 40). d(X, 0) -> X; d(X, N) -> d([X | X], N - 1).", "E0526"),
        ("d(1, 40). d(X, 0) -> X; d(X, N) -> d(#{a => X, b => X}, N - 1).", "E0526"),
        ("d(#{}, 40). d(X, 0) -> X; d(X, N) -> d(X#{N => X}, N - 1).", "E0526"),
        ("d(1, 40). d(X, 0) -> X; d(X, N) -> Y = X, d(fun() -> {X, Y} end, N - 1).", "E0526"),
        ("d(1, 40). d(X, 0) -> X; d(X, N) -> d(lists:duplicate(2, X), N - 1).", "E0526"),
        ("string:jaro_similarity(string:copies(\"a\", 70000), string:copies(\"b\", 70000))", "E0523"),
        ("error(oops)", "E0521"),
        ("lists:sublist({}, 2)", "E0504"),
        ("lists:sublist(a, 1, 1)", "E0504"),
        ("lists:flatten(1)", "E0511"),
        ("lists:duplicate(1.5, a)", "E0511"),
        ("lists:keyfind(1, [0.5], [])", "E0511"),
        ("lists:merge([], false)", "E0504"),
        ("lists:prefix([5], false)", "E0504"),
        ("maps:with([], 1)", "E0504"),
        ("maps:take(1, [])", "E0504"),
        ("io_lib:format(\"~p\", [])", "E0522"),
        ("io_lib:format(\"~q\", [1])", "E0522"),
        ("io_lib:format(\"x\", [1])", "E0522"),
        ("io_lib:format(\"~9999999999s\", [a])", "E0522"),
        ("lists:seq(1, 1 bsl 40)", "E0523"),
    ]);
}

#[test]
fn a_function_does_not_bind_names_of_the_top_level() {
    check(&[
        ("f() -> {K, _} = {1, 2}, K. case lists:seq(1, 1) of [] -> ok; _ -> f() end, K = 1, K.", "E0510"),
        ("f() -> {K, _} = {1, 2}, K. K = 1, f().", "1"),
    ]);
}
