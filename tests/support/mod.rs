//! What several test files share: finding the repository's files, and running the binary as a user does.

#![expect(clippy::disallowed_methods, reason = "a test reads files and starts processes")]
#![allow(dead_code, reason = "each test file uses its own part of this")]

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The longest that one run of the binary may take, seconds.
const RUN_SECONDS_MAX: u64 = 120;

/// The repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files beneath `folder` of the repository whose names end in one of `ends`, in order; `target` is left out.
pub(crate) fn files(folder: &str, ends: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "target" && name != ".git" {
                    folders.push(path);
                }
            } else if ends.iter().any(|end| name.ends_with(end)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A file's text.
pub(crate) fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()))
}

/// A file's path as people write it: from the repository's root, with `/`.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// What a run of the binary gave.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code; `None` where a signal ended it.
    pub(crate) code: Option<i32>,
    /// Data.
    pub(crate) stdout: String,
    /// Status and diagnostics.
    pub(crate) stderr: String,
}

/// Runs `lasp` in the repository's root with these arguments and this standard input, as if not on a terminal.
/// What takes longer than the limit is ended, and fails.
pub(crate) fn lasp(arguments: &[&str], stdin: &str) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lasp"));
    command.args(arguments).current_dir(root());
    run(command, stdin)
}

/// Has a command run apart from the user: without colours, and with a cluster key that is not the user's.
pub(crate) fn private(command: &mut Command) {
    command.env("NO_COLOR", "1").env("LASP_CONFIG_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("configuration"));
}

/// Runs a command to its end.
pub(crate) fn run(mut command: Command, stdin: &str) -> Ran {
    private(&mut command);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let mut input = child.stdin.take().expect("stdin is piped");
    let given = stdin.to_owned();
    let writer = thread::spawn(move || {
        // A program that ends before it has read everything closes the pipe: no matter.
        let _ = input.write_all(given.as_bytes());
    });
    let stdout = drain(child.stdout.take().expect("stdout is piped"));
    let stderr = drain(child.stderr.take().expect("stderr is piped"));
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("the command can be waited for") {
            break status;
        }
        if started.elapsed() > Duration::from_secs(RUN_SECONDS_MAX) {
            child.kill().expect("the command can be ended");
            child.wait().expect("the command ends");
            let (out, err) = (stdout.join(), stderr.join());
            panic!("not done after {RUN_SECONDS_MAX} s: {command:?}\nstdout: {out:?}\nstderr: {err:?}");
        }
        thread::sleep(Duration::from_millis(2));
    };
    writer.join().expect("the writer ends");
    Ran {
        code: status.code(),
        stdout: stdout.join().expect("the reader ends"),
        stderr: stderr.join().expect("the reader ends"),
    }
}

fn drain(mut from: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
