//! Ctrl-C and the system's request to end.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use crate::cli::driver::Control;
use crate::cli::exit::Exit;

/// Passes signals on for as long as the runtime lives. Who presses Ctrl-C a second time does not want to wait for a step that takes
/// long, and the process ends at once; `within` says how soon after the first, where one alone ends nothing.
pub(super) fn pass_on(runtime: &Handle, to: Vec<UnboundedSender<Control>>, within: Option<Duration>) {
    let senders = to.clone();
    runtime.spawn(async move {
        let mut before: Option<Instant> = None;
        while tokio::signal::ctrl_c().await.is_ok() {
            if before.is_some_and(|at| within.is_none_or(|within| at.elapsed() < within)) {
                std::process::exit(Exit::Interrupted as i32);
            }
            before = Some(Instant::now());
            for sender in &senders {
                drop(sender.send(Control::Interrupt));
            }
        }
    });
    terminate(runtime, to);
}

#[cfg(unix)]
fn terminate(runtime: &Handle, to: Vec<UnboundedSender<Control>>) {
    use tokio::signal::unix::SignalKind;
    use tokio::signal::unix::signal;
    runtime.spawn(async move {
        for kind in [SignalKind::terminate(), SignalKind::hangup()] {
            let Ok(mut signals) = signal(kind) else { continue };
            let senders = to.clone();
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    for sender in &senders {
                        drop(sender.send(Control::Terminate));
                    }
                }
            });
        }
    });
}

#[cfg(not(unix))]
fn terminate(_runtime: &Handle, _to: Vec<UnboundedSender<Control>>) {}
