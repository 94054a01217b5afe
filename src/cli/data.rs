//! `--data`, and `lasp data`: opening a data folder, looking into it, copying it.

use std::io::BufWriter;
use std::io::ErrorKind;
use std::io::Write;
use std::path::Path;

use clap::ColorChoice;

use crate::cli::arguments::Data;
use crate::cli::arguments::DataVerb;
use crate::cli::exit::Exit;
use crate::cli::folder;
use crate::cli::json::Line;
use crate::cli::out::Out;
use crate::lattice::dot::ReplicaId;
use crate::net::nodekey::NodeKey;
use crate::node::Node;
use crate::source::diagnostic::Diagnostic;
use crate::source::files::Files;
use crate::store;
use crate::store::Inheritance;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Summary;
use crate::store::control;

/// A node's data folder, and its key if that is kept there.
pub struct Kept {
    /// The data.
    pub store: Store,
    /// The key.
    pub key: NodeKey,
}

/// Opens the folder after `--data`, or makes it.
///
/// # Errors
/// When it cannot be used; that is told.
pub fn open(out: &Out, folder: &Path) -> Result<Kept, Exit> {
    let store = Store::open(folder).map_err(|error| unusable(out, None, &error))?;
    let text = store.key().map_err(|error| unusable(out, None, &error))?;
    let key = match text {
        Some(text) => NodeKey::read(&text).ok_or_else(|| {
            let reason = "its key is none".to_owned();
            unusable(out, None, &StoreError::Damaged { folder: folder.to_owned(), reason })
        })?,
        None => NodeKey::generate().map_err(|error| crate::cli::run::broken(out, None, &error))?,
    };
    Ok(Kept { store, key })
}

impl Kept {
    /// The node's identity by its own key, for one that takes part in no network.
    #[must_use]
    pub fn id(&self) -> u128 {
        self.key.id()
    }

    /// The data of the node with this identity; whoever else's it is, it is refused. `kept` says that the key is this
    /// folder's own.
    ///
    /// # Errors
    /// When it is another node's, or cannot be written; that is told.
    pub fn of(mut self, out: &Out, id: u128, kept: bool) -> Result<Store, Exit> {
        let failed = |error: StoreError| unusable(out, None, &error);
        match self.store.node().map_err(failed)? {
            Some(node) if node == id => {}
            Some(_) => {
                return Err(failed(StoreError::AnotherNode { folder: self.store.folder().to_owned() }));
            }
            None => {
                let text = self.key.text();
                self.store.belongs_to(id, kept.then_some(text.as_str())).map_err(failed)?;
            }
        }
        if let Err(why) = self.store.serve() {
            out.status(&format!("{} cannot be copied while this node runs: {why}", self.store.folder().display()));
        }
        Ok(self.store)
    }
}

/// Gives a node that has not run yet what its data has, and what its earlier lives had that no copy of the data can have.
///
/// # Errors
/// When the data cannot be a node's; that is told.
pub fn restore(out: &Out, node: &mut Node, kept: &mut Store, me: ReplicaId) -> Result<(), Exit> {
    let failed = |error: StoreError| unusable(out, None, &error);
    let records = kept.records().map_err(failed)?;
    let witnesses = folder::configuration().map(|folder| folder.join("rights"));
    let bounded = records.iter().any(store::is_bounded);
    node.restore(records)
        .map_err(|why| failed(StoreError::Damaged { folder: kept.folder().to_owned(), reason: why.to_string() }))?;
    let Inheritance { before, unproven } = kept.begin_life(me, witnesses.as_deref(), bounded).map_err(failed)?;
    node.inherit(before);
    if let Some(place) = unproven {
        let (folder, place) = (kept.folder().display(), place.display());
        let title = format!(
            "rights of bounded counters that this node had cannot be used: {place} does not tell that they are unspent"
        );
        let diagnostic = Diagnostic::warning("E1011", title)
            .help(format!("if {folder} was moved, and is used nowhere else, move that file along with it"));
        out.diagnostic(None, &Files::default(), &diagnostic);
    }
    Ok(())
}

/// Tells why data is of no use.
pub fn unusable(out: &Out, node: Option<&str>, error: &StoreError) -> Exit {
    out.error(node, error.code(), &error.to_string(), &error.help());
    Exit::Data
}

/// `lasp data`
#[must_use]
pub fn run(arguments: &Data, color: ColorChoice) -> Exit {
    let json = matches!(arguments.verb, DataVerb::Show { json: true, .. });
    let out = Out::new(color, json, false);
    let done = match &arguments.verb {
        DataVerb::Show { folder, .. } => show(&out, folder),
        DataVerb::Export { folder, file, force } => export(&out, folder, file, *force),
        DataVerb::Import { file, folder, shared } => import(&out, file, folder, *shared),
        DataVerb::Compact { folder } => compact(&out, folder),
    };
    match done {
        Ok(()) => Exit::Done,
        Err(error) => unusable(&out, None, &error),
    }
}

/// Opens a folder that is there.
fn existing(folder: &Path) -> Result<Store, StoreError> {
    if !folder.join(store::FILE).exists() {
        // Which says what there is instead.
        return Store::read(folder);
    }
    Store::open(folder)
}

fn show(out: &Out, folder: &Path) -> Result<(), StoreError> {
    if folder == Path::new("-") {
        return show_export(out, folder);
    }
    let (summary, running) = match Store::read(folder) {
        Err(StoreError::IsExport { file }) => return show_export(out, &file),
        Ok(store) => (store.summary()?, false),
        Err(StoreError::InUse { .. }) => (control::summary(folder)?, true),
        Err(error) => return Err(error),
    };
    let node = summary.node.map(|node| format!("{node:032x}"));
    if out.json() {
        let line = Line::new("data").text("folder", &folder.display().to_string());
        out.event(counted(line, &summary, node.as_deref()).flag("running", running));
    } else {
        let running = if running { ", running" } else { "" };
        out.data(&described(&summary, &format!("{}{running}", node.as_deref().unwrap_or("none so far"))));
    }
    Ok(())
}

/// What is in an export; it is told apart from a folder by what it is called.
fn show_export(out: &Out, file: &Path) -> Result<(), StoreError> {
    let summary = store::survey(file)?;
    let node = summary.node.map(|node| format!("{node:032x}"));
    if out.json() {
        let line = Line::new("data").text("export", &file.display().to_string());
        out.event(counted(line, &summary, node.as_deref()));
    } else {
        out.data(&described(&summary, &format!("{}, exported", node.as_deref().unwrap_or("none"))));
    }
    Ok(())
}

/// The numbers of a summary.
fn counted(line: Line, summary: &Summary, node: Option<&str>) -> Line {
    let line = line.maybe("node", node).number("format", u64::from(summary.format));
    let line = line.number("entries", summary.entries).number("variables", summary.variables);
    let line = line.number("replicas", summary.replicas).number("own", summary.own).number("once", summary.once);
    line.number("effects", summary.effects).number("bytes", summary.bytes)
}

fn described(summary: &Summary, node: &str) -> String {
    format!(
        "node       {node}\nformat     {}\nentries    {} of {} variables\nof its own {} entries of dynamic variables, {} keys of `once`, {} rows about effects\nwriters    {}\nfile       {} bytes\n",
        summary.format,
        summary.entries,
        summary.variables,
        summary.own,
        summary.once,
        summary.effects,
        summary.replicas,
        summary.bytes
    )
}

fn export(out: &Out, folder: &Path, file: &Path, force: bool) -> Result<(), StoreError> {
    let store = match Store::read(folder) {
        Ok(store) => Some(store),
        Err(StoreError::InUse { .. }) => None,
        Err(error) => return Err(error),
    };
    let failed = |error: &std::io::Error| StoreError::NotCopied { file: file.to_owned(), reason: error.to_string() };
    let copy = |to: &mut dyn Write| {
        let mut to = Copy { to, failed: None };
        let done = match &store {
            Some(store) => store.export(&mut to),
            None => control::export(folder, &mut to),
        };
        match to.failed {
            // Somebody may read who goes away before the end, as `head` does: that is no error.
            Some(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            Some(error) => Err(failed(&error)),
            None => done,
        }
    };
    if file == Path::new("-") {
        return copy(&mut std::io::stdout().lock());
    }
    // A pipe or a device is written to, and a link is followed: what is there stays what it is.
    let place = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    if place.metadata().is_ok_and(|facts| !facts.is_file()) {
        let mut to = std::fs::OpenOptions::new().write(true).open(&place).map_err(|error| failed(&error))?;
        copy(&mut to)?;
        out.status(&format!("exported {} to {}", folder.display(), file.display()));
        return Ok(());
    }
    // An empty file, such as `mktemp` makes, loses nothing.
    let may_replace = force || place.metadata().is_ok_and(|facts| facts.len() == 0);
    let exists = || StoreError::CopyExists { file: file.to_owned() };
    if !may_replace && place.exists() {
        return Err(exists());
    }
    // Written beside its place, so that there is never half a copy under its name.
    let beside = place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut part = tempfile::NamedTempFile::new_in(beside).map_err(|error| failed(&error))?;
    {
        let mut to = BufWriter::new(part.as_file_mut());
        copy(&mut to)?;
        to.flush().map_err(|error| failed(&error))?;
    }
    part.as_file().sync_all().map_err(|error| failed(&error))?;
    let put = if may_replace { part.persist(&place) } else { part.persist_noclobber(&place) };
    put.map_err(|error| if error.error.kind() == ErrorKind::AlreadyExists { exists() } else { failed(&error.error) })?;
    out.status(&format!("exported {} to {}", folder.display(), file.display()));
    Ok(())
}

/// Where a copy goes, and what was wrong there: which is nothing that is wrong with the data.
struct Copy<'a> {
    to: &'a mut dyn Write,
    failed: Option<std::io::Error>,
}

impl Copy<'_> {
    fn note<T>(&mut self, done: std::io::Result<T>) -> std::io::Result<T> {
        done.map_err(|error| {
            let kind = error.kind();
            if kind != ErrorKind::Interrupted {
                self.failed = Some(error);
            }
            kind.into()
        })
    }
}

impl Write for Copy<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.to.write(bytes);
        self.note(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let flushed = self.to.flush();
        self.note(flushed)
    }
}

fn import(out: &Out, file: &Path, folder: &Path, shared: bool) -> Result<(), StoreError> {
    let summary = store::import(file, folder, shared)?;
    let (entries, folder) = (summary.entries, folder.display());
    out.status(&format!("{folder} has {entries} entries, and a node of its own: start it with --data {folder}"));
    Ok(())
}

fn compact(out: &Out, folder: &Path) -> Result<(), StoreError> {
    let saved = existing(folder)?.compact()?;
    out.status(&format!("the file is smaller by {saved} bytes"));
    Ok(())
}
