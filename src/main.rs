//! The `lasp` binary: arguments in, exit code out.

fn main() -> std::process::ExitCode {
    lasp::cli::main()
}
