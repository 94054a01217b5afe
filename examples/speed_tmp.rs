use lasp::sim::stage::Play; use lasp::sim::schedule::Schedule; use std::time::Instant;
fn main() {
    let t = Instant::now();
    let play = Play::new("x", "S = declare(set).\nupdate(S, {add, replica()}).\n").unwrap();
    eprintln!("compile {:?}", t.elapsed());
    let t = Instant::now();
    for _ in 0..100 { let _ = play.replay(&Schedule::new(2)); }
    eprintln!("replay {:?}", t.elapsed() / 100);
    let t = Instant::now();
    for _ in 0..100 { let _ = lasp::vm::Machine::new(); }
    eprintln!("machine new {:?}", t.elapsed() / 100);
    let (session, library) = lasp::compile::Session::new();
    let t = Instant::now();
    for _ in 0..100 { let _ = session.clone(); }
    eprintln!("session clone {:?}", t.elapsed() / 100);
    let t = Instant::now();
    for _ in 0..100 { let mut m = lasp::vm::Machine::new(); m.load(&library); }
    eprintln!("load {:?}", t.elapsed() / 100);
}
#[test] fn x() {}
