//! Turns `grammar/lasp.lalrpop` into the parser that `src/syntax/parser.rs` includes.

fn main() {
    lalrpop::Configuration::new()
        .set_in_dir("grammar")
        .emit_rerun_directives(true)
        .emit_comments(false)
        .emit_whitespace(false)
        .process()
        .expect("grammar/lasp.lalrpop is a grammar");
}
