//! Which effects of `enforce_once` are started, and where, for nodes that share one ledger: those of one process in memory,
//! those of one user on one machine in a file that they lock.
//!
//! The file lies in the user's configuration folder. It is that of the nodes that are running, or that have kept what they know
//! (`--data`): when none of them runs any more, and none has kept anything, the next one to start begins a new ledger, as it begins
//! with empty variables.

use std::fmt;
use std::fs::File;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::effects::Book;
use crate::effects::Command;
use crate::effects::Decision;
use crate::effects::EffectKey;
use crate::effects::Message;
use crate::effects::NodeId;
use crate::effects::Runner;
use crate::net::keyfile::make_private_folder;

/// What to do when the ledger cannot be used.
pub const HELP: &str = "no effect is started before it can be read and written; see `lasp explain E0652`";

/// A ledger that several nodes share.
pub enum Shared {
    /// The nodes of this process.
    Process(Arc<Mutex<Book>>),
    /// The nodes of one user on this machine.
    Machine(Mutex<Machine>),
}

impl Shared {
    /// A ledger for nodes of this process.
    #[must_use]
    pub fn process() -> Arc<Mutex<Book>> {
        Arc::default()
    }

    /// Answers a node. What is entered is on disk then, if it is to be.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn answer(&self, me: Runner, message: &Message) -> Result<Option<Message>, String> {
        match self {
            // Nodes of one process end together.
            Shared::Process(book) => {
                let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(book.answer(me.node, message, |_| false).1)
            }
            Shared::Machine(machine) => machine.lock().unwrap_or_else(PoisonError::into_inner).answer(me, message),
        }
    }
}

/// The ledger of one user's nodes on this machine, as one of these has it.
pub struct Machine {
    folder: PathBuf,
    book: Book,
    /// How much of the file is in the book.
    read: u64,
    /// Which ledger it is: the file begins with it.
    epoch: u64,
    /// Locked for as long as the process lives: somebody is there.
    _world: File,
    /// Locked for as long as the process lives: this one is there.
    _alive: File,
}

impl Machine {
    /// Takes part in the ledger that lies in `folder`. `epoch` is that of the ledger that the node took part in before, if it has
    /// kept that; `keeps` says whether it will. What it knows to be decided is entered: its data may have come from another machine.
    ///
    /// # Errors
    /// When the files cannot be used.
    pub fn open(
        folder: &Path,
        me: Runner,
        epoch: Option<u64>,
        keeps: bool,
        known: &[(EffectKey, Decision)],
    ) -> Result<Machine, String> {
        let unusable = |error: std::io::Error| format!("the ledger in {} cannot be used: {error}", folder.display());
        make_private_folder(folder).map_err(unusable)?;
        let world = open(&folder.join("world")).map_err(unusable)?;
        // The guard comes first: whoever is the first to be there takes away what tells that others are.
        let guard = Guard::take(folder).map_err(unusable)?;
        let alive = open(&alive(folder, &me)).map_err(unusable)?;
        alive.try_lock().map_err(|error| unusable(error.into()))?;
        if world.try_lock().is_ok() {
            begin(folder, epoch, &me).map_err(unusable)?;
            world.unlock().map_err(unusable)?;
        }
        // Whoever comes while the guard is held waits for it.
        world.lock_shared().map_err(unusable)?;
        let mut machine = Machine {
            folder: folder.to_owned(),
            book: Book::default(),
            read: 0,
            epoch: 0,
            _world: world,
            _alive: alive,
        };
        machine.catch_up()?;
        if let Some(before) = epoch.filter(|before| *before != machine.epoch) {
            machine.join(before)?;
        }
        machine.take_over(known.iter().map(|(key, decision)| Line::Known(*key, *decision)))?;
        if keeps {
            machine.append(&["keep".to_owned()])?;
        }
        drop(guard);
        Ok(machine)
    }

    /// Which ledger it is.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    fn answer(&mut self, me: Runner, message: &Message) -> Result<Option<Message>, String> {
        let _guard = Guard::take(&self.folder).map_err(|error| self.unusable(&error))?;
        self.catch_up()?;
        let folder = &self.folder;
        let (entered, answer) = self.book.answer(me.node, message, |runner| *runner != me && !is_alive(folder, runner));
        if !entered.is_empty() {
            let lines: Vec<String> = entered.iter().map(|command| Line::Command(*command).to_string()).collect();
            if let Err(error) = self.append(&lines) {
                // The book is ahead of the file: it is read anew next time.
                (self.book, self.read) = (Book::default(), 0);
                return Err(error);
            }
        }
        Ok(answer)
    }

    fn path(&self) -> PathBuf {
        self.folder.join("ledger")
    }

    fn unusable(&self, error: &std::io::Error) -> String {
        format!("the ledger {} cannot be used: {error}", self.path().display())
    }

    /// Reads what others have entered since. A line that was not written to its end was never acted upon.
    fn catch_up(&mut self) -> Result<(), String> {
        let path = self.path();
        let (text, whole) = read_from(&path, self.read).map_err(|error| self.unusable(&error))?;
        for (at, line) in text.lines().enumerate() {
            if self.read == 0 && at == 0 {
                let epoch = line.strip_prefix("lasp effects 1 ").and_then(|text| u64::from_str_radix(text, 16).ok());
                self.epoch = epoch.ok_or_else(|| damaged(&path, line))?;
                continue;
            }
            match parsed(line) {
                Some(line) => drop(line.enter(&mut self.book)),
                None => return Err(damaged(&path, line)),
            }
        }
        self.read += whole;
        Ok(())
    }

    /// Takes over what was entered in a ledger that this node took part in before.
    fn join(&mut self, before: u64) -> Result<(), String> {
        let path = self.folder.join(format!("ledger-{before:016x}"));
        let text = match read_from(&path, 0) {
            Ok((text, _)) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(self.unusable(&error)),
        };
        self.take_over(text.lines().filter_map(parsed))
    }

    /// Enters what is news.
    fn take_over(&mut self, lines: impl Iterator<Item = Line>) -> Result<(), String> {
        let news: Vec<String> = lines.filter(|line| line.enter(&mut self.book)).map(|line| line.to_string()).collect();
        if news.is_empty() { Ok(()) } else { self.append(&news) }
    }

    /// Writes lines, and has them on disk. What was not written to its end before is cut off.
    fn append(&mut self, lines: &[String]) -> Result<(), String> {
        let mut text = lines.join("\n");
        text.push('\n');
        let write = |path: &Path, at: u64| -> std::io::Result<()> {
            let mut file = OpenOptions::new().write(true).open(path)?;
            file.set_len(at)?;
            file.seek(SeekFrom::Start(at))?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        write(&self.path(), self.read).map_err(|error| self.unusable(&error))?;
        self.read += text.len() as u64;
        Ok(())
    }
}

/// Held while the ledger is read and written.
struct Guard(File);

impl Guard {
    fn take(folder: &Path) -> std::io::Result<Guard> {
        let file = open(&folder.join("lock"))?;
        file.lock()?;
        Ok(Guard(file))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Closing the file does it too.
        let _ = self.0.unlock();
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn alive(folder: &Path, runner: &Runner) -> PathBuf {
    folder.join(format!("alive-{:016x}-{:016x}", runner.node.0, runner.life))
}

/// Whether a process is still there: it holds a lock that the system takes away from it when it ends.
fn is_alive(folder: &Path, runner: &Runner) -> bool {
    match File::open(alive(folder, runner)) {
        Ok(file) => file.try_lock_shared().is_err(),
        Err(_) => false,
    }
}

/// Nobody else is there: the ledger is a new one, unless this node goes on with one that it has kept.
fn begin(folder: &Path, epoch: Option<u64>, me: &Runner) -> std::io::Result<()> {
    let path = folder.join("ledger");
    if let Ok((text, _)) = read_from(&path, 0) {
        let kept = text.lines().any(|line| line == "keep") && says_something(&text);
        let known = text.lines().next().and_then(|line| line.strip_prefix("lasp effects 1 "));
        match known {
            Some(known) if kept => std::fs::rename(&path, folder.join(format!("ledger-{known}")))?,
            _ => std::fs::remove_file(&path)?,
        }
    }
    for entry in std::fs::read_dir(folder)? {
        let (entry, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        let name = name.to_string_lossy();
        let over = name.starts_with("alive-") && entry != alive(folder, me)
            // Earlier releases kept these, too. They are short.
            || name.starts_with("ledger-")
                && entry.metadata().is_ok_and(|facts| facts.len() < 4096)
                && read_from(&entry, 0).is_ok_and(|(text, _)| !says_something(&text));
        if over {
            std::fs::remove_file(entry)?;
        }
    }
    if let Some(epoch) = epoch {
        let before = folder.join(format!("ledger-{epoch:016x}"));
        if before.exists() {
            return std::fs::rename(before, &path);
        }
    }
    // One that somebody comes back to was kept, and goes on to be.
    let keep = if epoch.is_some() { "keep\n" } else { "" };
    let epoch = epoch.unwrap_or_else(crate::cli::program::random);
    let mut file = tempfile::Builder::new().prefix(".ledger-").tempfile_in(folder)?;
    file.write_all(format!("lasp effects 1 {epoch:016x}\n{keep}").as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

/// Whether a ledger has more than its head and who keeps it. Who comes back to one that has not is as well off with a new one.
fn says_something(text: &str) -> bool {
    text.lines().skip(1).any(|line| line != "keep")
}

/// The whole lines of a file from a place on, and how many bytes they take.
fn read_from(path: &Path, at: u64) -> std::io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(at))?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    text.truncate(text.rfind('\n').map_or(0, |end| end + 1));
    let length = text.len() as u64;
    Ok((text, length))
}

fn damaged(path: &Path, line: &str) -> String {
    let line: String = line.chars().take(80).collect();
    format!("the ledger {} is damaged: `{line}` means nothing", path.display())
}

/// A line of the file.
enum Line {
    /// Entered here.
    Command(Command),
    /// Entered in another ledger, as one who joined this one knew.
    Known(EffectKey, Decision),
    /// Somebody who took part keeps it.
    Keep,
}

impl Line {
    /// Says whether it was news.
    fn enter(&self, book: &mut Book) -> bool {
        match self {
            Line::Command(command) => book.enter(command),
            Line::Known(key, decision) => book.learn(*key, *decision),
            Line::Keep => false,
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Line::Command(Command::Grant { key, attempt, runner }) => {
                write!(f, "start {key} {attempt} {:016x} {:016x}", runner.node.0, runner.life)
            }
            Line::Command(Command::Ended { key, attempt, well: true }) => write!(f, "ended {key} {attempt}"),
            Line::Command(Command::Ended { key, attempt, well: false }) => write!(f, "failed {key} {attempt}"),
            Line::Known(key, Decision { attempt, runner, ended }) => {
                let ended = match ended {
                    None => "started",
                    Some(true) => "ended",
                    Some(false) => "failed",
                };
                write!(f, "known {key} {attempt} {:016x} {:016x} {ended}", runner.node.0, runner.life)
            }
            Line::Keep => f.write_str("keep"),
        }
    }
}

fn parsed(line: &str) -> Option<Line> {
    let words: Vec<&str> = line.split(' ').collect();
    let key = |text: &str| text.parse::<EffectKey>().ok();
    let hex = |text: &str| u64::from_str_radix(text, 16).ok();
    Some(match words.as_slice() {
        ["keep"] => Line::Keep,
        ["start", effect, attempt, node, life] => {
            let runner = Runner { node: NodeId(hex(node)?), life: hex(life)? };
            Line::Command(Command::Grant { key: key(effect)?, attempt: attempt.parse().ok()?, runner })
        }
        ["known", effect, attempt, node, life, ended] => {
            let ended = match *ended {
                "started" => None,
                "ended" => Some(true),
                "failed" => Some(false),
                _ => return None,
            };
            let runner = Runner { node: NodeId(hex(node)?), life: hex(life)? };
            Line::Known(key(effect)?, Decision { attempt: attempt.parse().ok()?, runner, ended })
        }
        [word @ ("ended" | "failed"), effect, attempt] => {
            let well = *word == "ended";
            Line::Command(Command::Ended { key: key(effect)?, attempt: attempt.parse().ok()?, well })
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::effects::Answer;
    use crate::effects::Ended;
    use crate::effects::Request;
    use crate::effects::Standing;

    const KEY: EffectKey = EffectKey(0xfeed);

    fn runner(node: u64, life: u64) -> Runner {
        Runner { node: NodeId(node), life }
    }

    /// Who is entered after this one has asked, and whether that is in doubt.
    fn ask(machine: &mut Machine, me: Runner) -> (Runner, bool) {
        let request = Request { key: KEY, life: me.life, attempt: 1, running: false };
        match machine.answer(me, &Message::Requests(vec![request])) {
            Ok(Some(Message::Answers(answers))) => match answers.as_slice() {
                [Answer { standing: Standing::Decided { decision, doubt }, .. }] => (decision.runner, *doubt),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }

    #[test]
    fn of_many_that_ask_at_one_time_one_is_entered() {
        for _ in 0..20 {
            one_of_many_is_entered();
        }
    }

    fn one_of_many_is_entered() {
        let folder = folder();
        let winners: BTreeSet<Runner> = std::thread::scope(|scope| {
            let threads: Vec<_> = (1..=8)
                .map(|node| {
                    let folder = folder.path();
                    scope.spawn(move || {
                        let me = runner(node, 1);
                        let mut machine = Machine::open(folder, me, None, false, &[]).expect("a ledger");
                        let winner = ask(&mut machine, me);
                        // All of them are there, whoever came first.
                        assert!(!winner.1, "{winner:?} runs");
                        (machine, winner.0)
                    })
                })
                .collect();
            let ended: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
            ended.iter().map(|(_, winner)| *winner).collect()
        });
        assert_eq!(winners.len(), 1, "{winners:?}");
    }

    #[test]
    fn when_nobody_runs_any_more_the_next_one_begins_anew() {
        let folder = folder();
        let (a, b, c) = (runner(1, 1), runner(2, 1), runner(3, 1));
        let mut first = Machine::open(folder.path(), a, None, false, &[]).expect("a ledger");
        let mut second = Machine::open(folder.path(), b, None, false, &[]).expect("a ledger");
        assert_eq!(ask(&mut first, a), (a, false));
        drop(first);
        assert_eq!(ask(&mut second, b), (a, true), "the other has ended in the middle");
        let mut third = Machine::open(folder.path(), c, None, false, &[]).expect("a ledger");
        assert_eq!(ask(&mut third, c), (a, true));
        drop((second, third));
        let mut again = Machine::open(folder.path(), c, None, false, &[]).expect("a ledger");
        assert_eq!(ask(&mut again, c), (c, false));
    }

    #[test]
    fn a_node_that_keeps_its_data_knows_what_was_started_while_it_was_there() {
        let folder = folder();
        let (keeper, other) = (runner(1, 1), runner(2, 1));
        let kept = Machine::open(folder.path(), keeper, None, true, &[]).expect("a ledger");
        let epoch = kept.epoch();
        drop(kept);
        let mut second = Machine::open(folder.path(), other, Some(epoch), false, &[]).expect("a ledger");
        assert_eq!(ask(&mut second, other), (other, false));
        drop(second);
        // Somebody else in between, who knows nothing of it.
        let mut stranger = Machine::open(folder.path(), runner(3, 1), None, false, &[]).expect("a ledger");
        assert_eq!(ask(&mut stranger, runner(3, 1)), (runner(3, 1), false));
        drop(stranger);
        let again = runner(1, 2);
        let mut third = Machine::open(folder.path(), again, Some(epoch), true, &[]).expect("a ledger");
        assert_eq!(ask(&mut third, again), (other, true));
        // And when it comes to nodes that are running with another ledger, they learn of it.
        drop(third);
        let mut running = Machine::open(folder.path(), runner(4, 1), None, false, &[]).expect("a ledger");
        let _back = Machine::open(folder.path(), runner(1, 3), Some(epoch), true, &[]).expect("a ledger");
        assert_eq!(ask(&mut running, runner(4, 1)), (other, true));
    }

    #[test]
    fn a_ledger_in_which_nothing_was_entered_is_not_kept() {
        let folder = folder();
        let files = || {
            let files = std::fs::read_dir(folder.path()).expect("there").flatten();
            files.map(|file| file.file_name().to_string_lossy().into_owned()).collect::<BTreeSet<String>>()
        };
        std::fs::write(folder.path().join("ledger-00000000000000aa"), "lasp effects 1 00000000000000aa\nkeep\nkeep\n")
            .expect("written");
        let open = |node, epoch| Machine::open(folder.path(), runner(node, 1), epoch, true, &[]).expect("a ledger");
        let first = open(1, None);
        let epoch = first.epoch();
        drop(first);
        drop(open(2, None));
        drop(open(1, Some(epoch)));
        let kept: Vec<String> = files().into_iter().filter(|name| name.starts_with("ledger-")).collect();
        assert!(kept.is_empty(), "{kept:?}");
        let mut last = open(3, None);
        assert_eq!(ask(&mut last, runner(3, 1)), (runner(3, 1), false));
        drop(last);
        drop(open(4, None));
        assert_eq!(
            files().into_iter().filter(|name| name.starts_with("ledger-")).count(),
            1,
            "that one says something"
        );
    }

    #[test]
    fn what_a_node_brings_from_another_machine_is_known_to_all_and_stays() {
        let folder = folder();
        let (a, b, gone) = (runner(1, 1), runner(2, 1), runner(9, 9));
        let mut running = Machine::open(folder.path(), a, None, false, &[]).expect("a ledger");
        let known = [(KEY, Decision { attempt: 3, runner: gone, ended: Some(true) })];
        let brought = Machine::open(folder.path(), b, Some(77), true, &known).expect("a ledger");
        let epoch = brought.epoch();
        assert_eq!(ask(&mut running, a), (gone, false));
        drop((running, brought));
        let mut again = Machine::open(folder.path(), runner(2, 2), Some(epoch), true, &known).expect("a ledger");
        assert_eq!(ask(&mut again, runner(2, 2)), (gone, false));
        let text = std::fs::read_to_string(folder.path().join("ledger")).expect("there");
        assert_eq!(text.lines().filter(|line| line.starts_with("known")).count(), 1, "{text}");
    }

    #[test]
    fn a_line_that_was_not_written_to_its_end_is_cut_off_and_a_damaged_one_is_told() {
        let folder = folder();
        let (a, b) = (runner(1, 1), runner(2, 1));
        let mut first = Machine::open(folder.path(), a, None, false, &[]).expect("a ledger");
        let path = folder.path().join("ledger");
        let mut text = std::fs::read_to_string(&path).expect("there");
        text.push_str("start 0000");
        std::fs::write(&path, &text).expect("written");
        assert_eq!(ask(&mut first, a), (a, false));
        let ended = Ended { key: KEY, life: 1, attempt: 1, well: true };
        first.answer(a, &Message::Ended(vec![ended])).expect("written");
        let mut second = Machine::open(folder.path(), b, None, false, &[]).expect("a ledger");
        assert_eq!(ask(&mut second, b), (a, false), "it has ended");
        let mut text = std::fs::read_to_string(&path).expect("there");
        assert!(!text.contains("start 0000000000000000\n"));
        text.push_str("nonsense\n");
        std::fs::write(&path, &text).expect("written");
        let request = Request { key: KEY, life: 1, attempt: 1, running: false };
        let error = second.answer(b, &Message::Requests(vec![request])).expect_err("damaged");
        assert!(error.contains("`nonsense` means nothing"), "{error}");
    }
}
