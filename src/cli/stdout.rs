//! Standard output, written by a thread of its own, so that a reader who pauses stops no node: what is to be written waits here,
//! the program's tasks wait when that is much, and peers are answered meanwhile.
//!
//! A reader that goes away (`lasp run .. | head`) is no error; whoever runs for that reader alone can have it told. That data cannot
//! be written for another reason is told once, and the exit code says it.

use std::io::ErrorKind;
use std::io::Write;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

const INCOMPLETE: &str = "E0808";
const UNREAD: &str = "E0809";

/// With so many bytes that wait, the program's tasks wait for the reader; in the middle of a turn, during which nothing is taken
/// in, only with more of them.
const PRESSED_BYTES: usize = 1 << 20;
const PRESSED_IN_TURN_BYTES: usize = 12 << 20;
/// With so many, everything does: what is written without tasks, such as changes that are watched, has a bound too.
const BYTES_MAX: usize = 16 << 20;
/// How long a message on standard error waits for what was written before it.
const ORDER: Duration = Duration::from_millis(100);
/// For how long a process that is to end waits for the reader.
const HURRIED: Duration = Duration::from_secs(2);
/// After how long it is told that nobody reads.
const UNREAD_TOLD: Duration = Duration::from_secs(3);

/// Whether data could not be written.
static UNWRITTEN: AtomicBool = AtomicBool::new(false);
/// Whether the process is to end.
static HURRY: AtomicBool = AtomicBool::new(false);
/// Whom to tell, once, that the reader has gone.
static LEFT: Mutex<Option<Teller>> = Mutex::new(None);
static QUEUE: Queue = Queue { state: Mutex::new(State::new()), more: Condvar::new(), less: Condvar::new() };

type Teller = Box<dyn Fn() + Send>;

struct Queue {
    state: Mutex<State>,
    /// There is something to write.
    more: Condvar,
    /// Something was written.
    less: Condvar,
}

struct State {
    bytes: Vec<u8>,
    /// How many are being written.
    taken: usize,
    has_thread: bool,
    /// Since when tasks wait for the reader, and whether that was told.
    pressed: Option<(Instant, bool)>,
    /// A message did not wait long enough for what was before it: the next ones do not wait at all.
    stuck: bool,
}

impl State {
    const fn new() -> State {
        State { bytes: Vec::new(), taken: 0, has_thread: false, pressed: None, stuck: false }
    }

    fn waiting(&self) -> usize {
        self.bytes.len() + self.taken
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nothing waits to be written, or for so long. Says whether it was all written.
    fn drain(&self, most: Duration) -> bool {
        let waits = |state: &mut State| state.waiting() > 0;
        let state = self.less.wait_timeout_while(self.lock(), most, waits);
        state.unwrap_or_else(PoisonError::into_inner).0.waiting() == 0
    }
}

/// Writes data, soon.
pub(super) fn write(text: &str) {
    let mut state = QUEUE.lock();
    let mut hurried = Duration::ZERO;
    while state.waiting() >= BYTES_MAX {
        if hurried >= HURRIED {
            // What is left out is told at the end, since then not all of this is read either.
            return;
        }
        state = QUEUE.less.wait_timeout(state, ORDER).unwrap_or_else(PoisonError::into_inner).0;
        hurried += if HURRY.load(Ordering::Relaxed) { ORDER } else { Duration::ZERO };
    }
    state.bytes.extend_from_slice(text.as_bytes());
    if !state.has_thread {
        let thread = thread::Builder::new().name("stdout".into()).spawn(|| write_on(&QUEUE));
        state.has_thread = thread.is_ok();
        if thread.is_err() {
            let bytes = std::mem::take(&mut state.bytes);
            put(&bytes);
        }
    }
    QUEUE.more.notify_one();
}

/// What the thread does for as long as the process lives.
fn write_on(queue: &Queue) {
    let mut state = queue.lock();
    loop {
        while state.bytes.is_empty() {
            state = queue.more.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let bytes = std::mem::take(&mut state.bytes);
        state.taken = bytes.len();
        drop(state);
        put(&bytes);
        state = queue.lock();
        (state.taken, state.stuck) = (0, false);
        queue.less.notify_all();
    }
}

fn put(bytes: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
    let Err(error) = written else { return };
    if error.kind() == ErrorKind::BrokenPipe {
        let left = LEFT.lock().unwrap_or_else(PoisonError::into_inner).take();
        left.iter().for_each(|tell| tell());
    } else if !UNWRITTEN.swap(true, Ordering::Relaxed) {
        tell(&format!("error {INCOMPLETE}: standard output cannot be written: {error}"));
    }
}

/// Has it told, once, when data cannot be written since its reader has gone.
pub(super) fn when_reader_leaves(tell: impl Fn() + Send + 'static) {
    *LEFT.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(tell));
}

fn tell(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Writes a line on standard error, after the data that was before it, where somebody reads that.
pub(super) fn write_status(line: &str) {
    let stuck = QUEUE.lock().stuck;
    if !stuck && !QUEUE.drain(ORDER) {
        QUEUE.lock().stuck = true;
    }
    tell(line);
}

/// Whether so much waits for the reader that the program's tasks have to; when that takes long, it is told, once.
pub(super) fn is_pressed(in_turn: bool) -> bool {
    let mut state = QUEUE.lock();
    if state.waiting() < if in_turn { PRESSED_IN_TURN_BYTES } else { PRESSED_BYTES } {
        state.pressed = None;
        return false;
    }
    let (since, told) = *state.pressed.get_or_insert((Instant::now(), false));
    if !told && since.elapsed() >= UNREAD_TOLD {
        state.pressed = Some((since, true));
        tell(&format!(
            "warning {UNREAD}: nobody reads standard output: the program's tasks wait for that, everything else goes on"
        ));
    }
    true
}

/// The process was asked to end, or its time is up: it does not wait long for the reader.
pub(super) fn hurry() {
    HURRY.store(true, Ordering::Relaxed);
}

/// Waits until all is written, which is as long as the reader takes; not so long if the process was asked to end.
pub(super) fn finish() {
    let mut hurried = Duration::ZERO;
    while !QUEUE.drain(ORDER) {
        hurried += if HURRY.load(Ordering::Relaxed) { ORDER } else { Duration::ZERO };
        if hurried >= HURRIED {
            if !UNWRITTEN.swap(true, Ordering::Relaxed) {
                tell(&format!("error {INCOMPLETE}: standard output was not read to its end within {HURRIED:?}"));
            }
            return;
        }
    }
}

/// Whether data is missing on standard output.
pub(super) fn is_incomplete() -> bool {
    UNWRITTEN.load(Ordering::Relaxed)
}
