//! How fast programs are read, in megabytes a second: the lexer alone, and the whole way to the tree.
//!
//! `cargo bench --bench parse`; a plain harness, since one figure each is all that is asked.

#![expect(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a bench measures time and prints")]

use std::hint::black_box;
use std::time::Duration;
use std::time::Instant;

use lasp::source::span::FileId;
use lasp::syntax;
use lasp::syntax::lexer;

const PROGRAM: &str = r#"%% The advertisement counter: an advertisement is shown until it has had its impressions.
Contracts = declare(set), Ads = declare(set), AdsContracts = declare(set),
product(Ads, Contracts, AdsContracts).

%% Puts an advertisement up, and takes it down when it has been shown often enough.
advertise(Publisher, Id) when Id > 0 ->
    Impressions = declare(gcounter),
    Ad = #{id => Id, impressions => Impressions, text => "impressions so far"},
    update(Contracts, {add, #{ad => Id}}),
    invariant(Impressions, {value, arg(limit, 50000)}, fun() -> update(Publisher, {rmv, Ad}) end);
advertise(_Publisher, Id) ->
    {error, Id, [X * 2 + 1 || {X, _} <- lists:seq(1, 10), X rem 3 =:= 0 andalso X =/= Id]}.

case role() of
    server -> [advertise(RovioAds, {rovio, I}) || I <- lists:seq(1, arg(ads, 5))];
    client -> read(AdsWithContracts, {cardinality, 1}), view(arg(views, 1000));
    _ -> ok
end.
"#;

fn main() {
    let text = PROGRAM.repeat(4_000);
    let megabytes = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX)) / 1e6;
    let speed = |name: &str, run: &dyn Fn()| {
        let best = (0..7).map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        });
        let best = best.min().unwrap_or(Duration::MAX).as_secs_f64();
        println!("{name}: {:.0} MB/s ({megabytes:.1} MB in {:.0} ms)", megabytes / best, best * 1e3);
    };
    speed("lexer", &|| {
        black_box(lexer::lex(FileId(0), black_box(&text)));
    });
    speed("parser", &|| {
        black_box(syntax::parse(FileId(0), black_box(&text)));
    });
}
