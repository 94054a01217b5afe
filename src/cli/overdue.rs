//! The end of a run whose nodes do not come to see that they are to end, since one step takes them too long: a function of the
//! library over millions of elements, a derivation of as many, a test of what is awaited. Nothing in the core can be broken off
//! in the middle, so the process ends, as it might by a kill; what was acknowledged before is on disk.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::cli::exit::Exit;
use crate::cli::out::Out;
use crate::source::diagnostic::Diagnostic;
use crate::source::files::Files;

/// How long a step may take after the run is to end.
const GRACE: Duration = Duration::from_secs(2);
/// How long the message may take, should the terminal take nothing.
const TELLING: Duration = Duration::from_millis(500);

/// Watches that nodes see when they are to end.
#[derive(Clone)]
pub(super) struct Overdue {
    runtime: Handle,
    out: Arc<Out>,
    /// How many nodes run that have not seen it.
    at_work: Arc<AtomicUsize>,
    /// Whether what was awaited has come true, so that the deadline does not count any more.
    met: Arc<AtomicBool>,
}

/// A time as it would be typed.
pub(super) fn spoken(time: Duration) -> String {
    if time.is_zero() { "0s".to_owned() } else { format!("{time:?}") }
}

impl Overdue {
    /// Nothing runs yet.
    pub(super) fn new(runtime: &Handle, out: &Arc<Out>) -> Overdue {
        Overdue { runtime: runtime.clone(), out: out.clone(), at_work: Arc::default(), met: Arc::default() }
    }

    /// So many nodes begin, and are to end at the deadline, if there is one: so long after the start.
    pub(super) fn begin(&self, nodes: usize, deadline: Option<(Instant, Duration)>) {
        self.at_work.store(nodes, Ordering::SeqCst);
        if let Some((at, timeout)) = deadline {
            let help = "One step takes longer, and was broken off; values are not shown.";
            let told = Diagnostic::error("E0804", format!("the time is up after {}", spoken(timeout))).help(help);
            self.end_after(at, Exit::Waits, Some(told), self.met.clone());
        }
    }

    /// A node has seen that it is to end.
    pub(super) fn seen(&self) {
        self.at_work.fetch_sub(1, Ordering::SeqCst);
    }

    /// What was awaited has come true: the node ends in its own time.
    pub(super) fn met(&self) {
        self.met.store(true, Ordering::SeqCst);
    }

    /// Somebody has asked for the end.
    pub(super) fn asked(&self) {
        self.end_after(Instant::now(), Exit::Interrupted, None, Arc::default());
    }

    /// Ends the process where nodes are still at work after that, unless it is `lifted` by then.
    fn end_after(&self, at: Instant, exit: Exit, told: Option<Diagnostic>, lifted: Arc<AtomicBool>) {
        let watch = self.clone();
        self.runtime.spawn(async move {
            tokio::time::sleep_until(at + GRACE).await;
            if lifted.load(Ordering::SeqCst) || watch.at_work.load(Ordering::SeqCst) == 0 {
                return;
            }
            if let Some(told) = told {
                let out = watch.out;
                let telling = tokio::task::spawn_blocking(move || out.diagnostic(None, &Files::default(), &told));
                // Who does not read does not need to be told.
                let _ = tokio::time::timeout(TELLING, telling).await;
            }
            std::process::exit(exit as i32);
        });
    }
}
