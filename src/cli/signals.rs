//! Ctrl-C and the system's request to end.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use crate::cli::driver::Control;
use crate::cli::exit::Exit;
use crate::cli::overdue::Overdue;
use crate::cli::stdout;

/// What Ctrl-C asks for.
#[derive(Clone)]
pub(super) enum Asks {
    /// The end; whoever does not come to see that is overdue.
    End(Overdue),
    /// Only the end of what is at work. Two so close to each other ask for the end of all.
    Stop(Duration),
}

/// Passes signals on for as long as the runtime lives. Who presses Ctrl-C a second time does not want to wait for a step that takes
/// long, and the process ends at once.
pub(super) fn pass_on(runtime: &Handle, to: Vec<UnboundedSender<Control>>, asks: Asks) {
    let (senders, overdue) = (to.clone(), if let Asks::End(overdue) = &asks { Some(overdue.clone()) } else { None });
    runtime.spawn(async move {
        let mut before: Option<Instant> = None;
        while tokio::signal::ctrl_c().await.is_ok() {
            let again = |at: Instant| if let Asks::Stop(within) = asks { at.elapsed() < within } else { true };
            if before.is_some_and(again) {
                std::process::exit(Exit::Interrupted as i32);
            }
            before = Some(Instant::now());
            if let Asks::End(overdue) = &asks {
                overdue.asked();
                stdout::hurry();
            }
            for sender in &senders {
                drop(sender.send(Control::Interrupt));
            }
        }
    });
    terminate(runtime, to, overdue);
}

#[cfg(unix)]
fn terminate(runtime: &Handle, to: Vec<UnboundedSender<Control>>, overdue: Option<Overdue>) {
    use tokio::signal::unix::SignalKind;
    use tokio::signal::unix::signal;
    runtime.spawn(async move {
        for kind in [SignalKind::terminate(), SignalKind::hangup()] {
            let Ok(mut signals) = signal(kind) else { continue };
            let (senders, overdue) = (to.clone(), overdue.clone());
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    overdue.iter().for_each(Overdue::asked);
                    stdout::hurry();
                    for sender in &senders {
                        drop(sender.send(Control::Terminate));
                    }
                }
            });
        }
    });
}

#[cfg(not(unix))]
fn terminate(_runtime: &Handle, _to: Vec<UnboundedSender<Control>>, _overdue: Option<Overdue>) {}
