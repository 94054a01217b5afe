//! What happens when lasp itself is at fault.

use std::backtrace::Backtrace;
use std::io::Write;
use std::panic;

use crate::cli::exit::Exit;

/// Has a panic on any thread end the process with a report.
pub(super) fn install() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let message = info.payload_as_str().unwrap_or("no message");
        let version = env!("CARGO_PKG_VERSION");
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let mut report = format!(
            "lasp has a fault. Nothing that you wrote should lead here; please report it with your program and this:\n\
             \x20 lasp {version} on {} {}\n  arguments: {arguments:?}\n  {message}\n  at {place}\n",
            std::env::consts::OS,
            std::env::consts::ARCH,
        );
        let trace = Backtrace::capture();
        if trace.status() == std::backtrace::BacktraceStatus::Captured {
            report += &format!("{trace}\n");
        }
        let _ = std::io::stderr().lock().write_all(report.as_bytes());
        std::process::exit(Exit::Bug as i32);
    }));
}
