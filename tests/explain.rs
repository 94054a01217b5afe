//! What `lasp explain` shows as typed at a shell is typed, in an empty folder, and the lines that it shows have to come. Ports are
//! other ones than those shown, since these may be taken.
//!
//! (Examples that are programs are run by `tests/house.rs`.)

#![expect(clippy::disallowed_methods, reason = "a test of the binary: files, processes, time")]
#![cfg(unix)]

use std::env;
use std::fs::File;
use std::net::UdpSocket;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::ExitCode;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use lasp::source::codes;
use lasp::source::codes::Example;
use libtest_mimic::Arguments;
use libtest_mimic::Failed;
use libtest_mimic::Trial;

/// How long a command, or a line, may take on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_mins(1);
/// Most of them wait for one another, not for the machine.
const AT_ONCE: usize = 16;
/// The ports that are shown: 7001 and on.
const PORTS: u16 = 3;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(AT_ONCE));
    let trials = codes::all().filter_map(|explanation| match explanation.example {
        Example::Session(typed) => Some(Trial::test(explanation.code, || types(explanation.code, typed))),
        Example::Program { .. } | Example::Test { .. } => None,
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn types(code: &str, typed: &str) -> Result<(), Failed> {
    let wants = typed.lines().filter(|line| !line.starts_with("$ ")).any(|line| line.contains(code));
    // Not every system has a device that is always full.
    if wants && typed.contains("/dev/full") && !Path::new("/dev/full").exists() {
        return Ok(());
    }
    let mut shell = Shell::new()?;
    let typed = Shell::with_free_ports(typed)?;
    for part in typed.split("$ ").skip(1) {
        let mut lines = part.lines();
        let command = lines.next().unwrap_or_default();
        shell.run(command, &lines.collect::<Vec<&str>>())?;
    }
    if wants { Ok(()) } else { Err(format!("no line shows {code}").into()) }
}

/// An empty folder, and what has been started in it.
struct Shell {
    folder: tempfile::TempDir,
    beside: Vec<Child>,
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.beside.iter_mut().for_each(end);
    }
}

/// Ends a process and all that it has started: they are a group of their own.
fn end(child: &mut Child) {
    let group = format!("-{}", child.id());
    let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
    let _ = child.wait();
}

impl Shell {
    fn new() -> Result<Shell, Failed> {
        let folder = tempfile::tempdir()?;
        std::fs::create_dir(folder.path().join("here"))?;
        Ok(Shell { folder, beside: Vec::new() })
    }

    fn with_free_ports(typed: &str) -> Result<String, Failed> {
        // Held together until all are found, so that they differ.
        let mut held = Vec::new();
        let mut text = typed.to_owned();
        for port in 1..=PORTS {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            text = text.replace(&format!("127.0.0.1:{}", 7000 + port), &socket.local_addr()?.to_string());
            held.push(socket);
        }
        Ok(text)
    }

    /// All that commands have printed.
    fn printed(&self) -> String {
        std::fs::read(self.folder.path().join("log"))
            .map_or_else(|_| String::new(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    fn start(&self, command: &str) -> Result<Child, Failed> {
        let log = File::options().create(true).append(true).open(self.folder.path().join("log"))?;
        let bin = Path::new(env!("CARGO_BIN_EXE_lasp")).parent().ok_or("it is in a folder")?.to_path_buf();
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(std::iter::once(bin).chain(env::split_paths(&path)))?;
        let child = Command::new("sh")
            .args(["-c", command])
            .current_dir(self.folder.path().join("here"))
            .env("PATH", path)
            .env("LASP_CONFIG_DIR", self.folder.path().join("config"))
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()?;
        Ok(child)
    }

    fn run(&mut self, command: &str, wanted: &[&str]) -> Result<(), Failed> {
        let before = self.printed().len();
        let late = Instant::now() + PATIENCE;
        if let Some(beside) = command.strip_suffix(" &") {
            self.beside.push(self.start(beside)?);
        } else {
            let mut child = self.start(command)?;
            while child.try_wait()?.is_none() {
                if Instant::now() > late {
                    end(&mut child);
                    return Err(format!("it does not end: {command}").into());
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        loop {
            let printed = self.printed();
            let new = printed.get(before..).unwrap_or_default();
            let Some(missing) =
                wanted.iter().find(|line| !new.lines().any(|printed| is_shown(printed.trim_end(), line)))
            else {
                return Ok(());
            };
            if Instant::now() > late {
                return Err(format!("after: {command}\nthere is no line: {missing}\nbut:\n{new}").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Whether a line is the one that is shown, in which `..` stands for anything.
fn is_shown(line: &str, shown: &str) -> bool {
    let mut parts = shown.split("..");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        last = Some(part);
    }
    rest.is_empty() || last.is_some_and(|last| line.ends_with(last))
}
