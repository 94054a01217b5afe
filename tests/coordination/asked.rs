//! Who a program asks for.

use lasp::compile::Session;
use lasp::coordination::Asked;
use lasp::value::term::Term;

fn asked(text: &str) -> [String; 2] {
    let (checked, _) = Session::new().0.facts("p.lasp", text).expect("it is sound");
    let Asked { roles, names } = Asked::of(&checked);
    [Term::list(roles).to_string(), Term::list(names).to_string()]
}

#[test]
fn whoever_is_compared_is_asked_for_wherever_that_is() {
    for (text, roles, names) in [
        ("case role() of server -> 1; client -> 2 end.", "[server, client]", "[]"),
        ("case role() of server -> 1; _ -> 2 end.", "[server, undefined]", "[]"),
        ("start(client) -> 1; start(_) -> 2. start(role()).", "[client, undefined]", "[]"),
        ("R = role(). go(X) -> start(X). start(client) -> 1; start(hub) -> 2. go(R).", "[client, hub]", "[]"),
        ("case role() == server of true -> 1; false -> 2 end.", "[server, undefined]", "[]"),
        ("case {role(), node()} of {server, a} -> 1; {_, _} -> 2 end.", "[server, undefined]", "[a]"),
        ("f(N) -> N =:= b. thread(fun() -> Me = node(), print(f(Me)) end).", "[]", "[b]"),
        ("case replica() of 0 -> 1; _ -> 2 end.", "[]", "[]"),
        ("S = declare(gset). update(S, {add, role()}).", "[]", "[]"),
    ] {
        assert_eq!(asked(text), [roles, names], "{text}");
    }
}
