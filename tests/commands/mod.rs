//! Runs the binary as a user types it.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

/// How long anything may take on a machine that has other things to do.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// What a command did.
pub struct Done {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// `lasp`, with a configuration folder of its own.
pub fn lasp(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lasp"));
    command.args(arguments).env("LASP_CONFIG_DIR", folder.join("config")).env_remove("RUST_BACKTRACE");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command to its end, with `input` on standard input.
pub fn run(folder: &Path, arguments: &[&str], input: &str) -> Done {
    let mut child = lasp(folder, arguments).stdin(Stdio::piped()).spawn().expect("the binary runs");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
    let done = child.wait_with_output().expect("it ends");
    Done {
        code: done.status.code().unwrap_or(-1),
        stdout: String::from_utf8(done.stdout).expect("text"),
        stderr: String::from_utf8(done.stderr).expect("text"),
    }
}

/// A cluster of its own, and certificates of it, each in a folder of its node's name.
pub fn issue(folder: &Path, nodes: &[(&str, &str)]) {
    let path = |name: &str| folder.join(name).display().to_string();
    assert_eq!(run(folder, &["keys", "init", &path("shop")], "").code, 0);
    for (name, role) in nodes {
        let issue = ["keys", "issue", "--cluster", &path("shop"), "--node", name, "--role", role, "--out", &path(name)];
        assert_eq!(run(folder, &issue, "").code, 0);
    }
}

/// A program of `tests/golden/programs`.
pub fn program(name: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/programs").join(name).display().to_string()
}

/// A node that runs beside the test; killed when dropped.
pub struct Node {
    child: Child,
    events: mpsc::Receiver<Value>,
    pub seen: Vec<Value>,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Node {
    /// Starts `lasp run FILE --json ..`.
    pub fn start(folder: &Path, file: &str, arguments: &[&str]) -> Node {
        let mut all = vec!["run", file, "--json"];
        all.extend(arguments);
        let mut child = lasp(folder, &all).stderr(Stdio::null()).spawn().expect("the binary runs");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, events) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = sender.send(serde_json::from_str(&line).expect("an object a line"));
            }
        });
        Node { child, events, seen: Vec::new() }
    }

    /// Waits for an event.
    pub fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let event = self.events.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("in time: {:#?}", self.seen));
            self.seen.push(event.clone());
            if wanted(&event) {
                return event;
            }
        }
    }

    /// Whether it has told such an event so far.
    pub fn saw(&mut self, wanted: impl Fn(&Value) -> bool) -> bool {
        self.seen.extend(self.events.try_iter());
        self.seen.iter().any(wanted)
    }

    /// Where it listens.
    pub fn address(&mut self) -> String {
        let event = self.until(|event| event["event"] == "listening");
        event["address"].as_str().expect("text").to_owned()
    }

    /// Waits for the peer of that name.
    pub fn peer(&mut self, name: &str, state: &str) {
        self.until(|event| event["event"] == "peer" && event["peer"] == name && event["state"] == state);
    }

    /// Waits for the end, and returns the exit code.
    pub fn end(&mut self) -> i32 {
        while let Ok(event) = self.events.recv_timeout(PATIENCE) {
            self.seen.push(event);
        }
        self.child.wait().expect("it ends").code().unwrap_or(-1)
    }

    /// Its number among the processes of this machine.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// A variable's final value.
    pub fn last(&self, variable: &str) -> Value {
        let found = self.seen.iter().find(|event| event["event"] == "final" && event["variable"] == variable);
        found.unwrap_or_else(|| panic!("a value of {variable}: {:#?}", self.seen))["value"].clone()
    }

    /// Ends it at once; when this returns, nothing of it is there.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}
