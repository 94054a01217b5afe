//! Who decides where effects of `enforce_once` are started, for the node that a command runs.

use std::path::Path;
use std::sync::Mutex;

use crate::cli::arguments::Membership;
use crate::cli::data;
use crate::cli::driver::Driver;
use crate::cli::exit::Exit;
use crate::cli::folder;
use crate::cli::ledger;
use crate::cli::ledger::Machine;
use crate::cli::ledger::Shared;
use crate::cli::out::Out;
use crate::effects;
use crate::effects::Damaged;
use crate::effects::Deciders;
use crate::effects::EffectKey;
use crate::effects::OUTDATED;
use crate::net::deciders;
use crate::net::error::NetworkError;
use crate::node::Deciding;
use crate::source::diagnostic::Diagnostic;
use crate::store::Number;
use crate::store::Store;
use crate::store::StoreError;

/// How servers are named.
const NAME_THEM: &str =
    "where the authority's key is: lasp keys deciders --cluster DIR NAME=HOST:PORT ..; see `lasp explain E0651`";
/// What becomes of a server that may not decide.
const NO_VOICE: &str =
    "it takes part in everything else, and the other servers decide without it; see `lasp explain E0654`";

/// Says who decides. Nodes of one user on one machine share a ledger; if it cannot be used, `enforce_once` is refused. A node that is
/// alone in the world and keeps nothing decides for itself. `again` are effects in doubt that are to be started once more.
///
/// # Errors
/// When the node's data cannot be used; that is told.
pub fn decide(
    driver: &mut Driver,
    out: &Out,
    membership: &Membership,
    deciders: Option<Deciders>,
    again: &[(EffectKey, u32)],
) -> Result<(), Exit> {
    let deciding = who(driver, out, membership, deciders);
    let decided = deciding.and_then(|deciding| driver.decide(deciding, again.to_vec()));
    decided.map_err(|error| data::unusable(out, Some(&driver.name), &error))
}

fn who(
    driver: &mut Driver,
    out: &Out,
    membership: &Membership,
    deciders: Option<Deciders>,
) -> Result<Deciding, StoreError> {
    if let Some(folder) = &membership.cluster {
        driver.cluster = Some(folder.clone());
        let Some(list) = deciders else {
            let title = "no servers are named that decide where effects are started";
            return Ok(Deciding::Nobody(Diagnostic::error("E0651", title).help(NAME_THEM)));
        };
        may_decide(driver, out, &list)?;
        return Ok(Deciding::Servers(list));
    }
    if !membership.networked() && driver.store.is_none() {
        return Ok(Deciding::Alone);
    }
    let before = driver.store.as_ref().map(|store| store.number(Number::Ledger)).transpose()?.flatten();
    let folder = folder::configuration().unwrap_or_default().join("effects");
    let kept = driver.store.as_ref().map(Store::effects).transpose()?.unwrap_or_default();
    let Ok(known) = effects::decided(&kept) else { return Err(driver.damaged(&Damaged.to_string())) };
    match Machine::open(&folder, driver.node.runner(), before, driver.store.is_some(), &known) {
        Ok(machine) => {
            if let Some(store) = driver.store.as_mut().filter(|_| before != Some(machine.epoch())) {
                store.set_number(Number::Ledger, machine.epoch())?;
            }
            driver.set_ledger(Shared::Machine(Mutex::new(machine)));
            Ok(Deciding::Shared)
        }
        Err(error) => Ok(Deciding::Nobody(Diagnostic::error("E0652", error).help(ledger::HELP))),
    }
}

/// The cluster's authority has named others who decide.
pub fn appointed(driver: &mut Driver, out: &Out, list: Deciders) {
    let told = may_decide(driver, out, &list).and_then(|()| driver.appointed(list));
    if let Err(error) = told {
        data::unusable(out, Some(&driver.name), &error);
    }
}

/// Looks whether a server that is named may decide, and says why if not. What it decides it must remember for good, or an effect
/// could be started twice: so it needs data, and just that with which it decided before.
fn may_decide(driver: &mut Driver, out: &Out, list: &Deciders) -> Result<(), StoreError> {
    let me = driver.node.runner().node;
    let named = list.contains(me) || list.founders.iter().any(|founder| founder.node == me);
    let Some(folder) = driver.cluster.clone().filter(|_| named && !driver.decides) else { return Ok(()) };
    let counted = match &mut driver.store {
        Some(store) => begin_to_decide(store, &folder)?,
        None => Err(Objection {
            title: "this server is named to decide on effects, and keeps nothing".into(),
            help: "start it with --data DIR".into(),
        }),
    };
    match counted {
        Ok(()) => driver.decides = true,
        Err(Objection { title, help }) => {
            let objection = Diagnostic::warning("E0654", title).help(help).help(NO_VOICE);
            out.diagnostic(Some(&driver.name), driver.node.files(), &objection);
        }
    }
    Ok(())
}

/// Why a server may not decide, and what to do about it.
struct Objection {
    title: String,
    help: String,
}

/// Counts the start of a server that decides, and from now on each change of what it has decided, in its data and in the folder of
/// its keys; unless the two do not fit. The data comes first, so after a crash it may be one step ahead, and of that step nobody
/// has heard. An older copy of it is behind.
fn begin_to_decide(store: &mut Store, folder: &Path) -> Result<Result<(), Objection>, StoreError> {
    let kept = store.effects()?;
    let unusable = |error: NetworkError| Objection { title: error.to_string(), help: error.help() };
    let theirs = match deciders::count(folder) {
        Ok(theirs) => theirs,
        Err(error) => return Ok(Err(unusable(error))),
    };
    let Ok(ours) = effects::counted(&kept) else {
        let reason = Damaged.to_string();
        return Err(StoreError::Damaged { folder: store.folder().to_owned(), reason });
    };
    // Earlier releases counted starts alone, under another name.
    let ours = ours.max(store.number(Number::Starts)?.unwrap_or(0));
    if let Some(objection) = unfit(ours, theirs, kept.iter().any(|(key, _)| key == OUTDATED), folder) {
        return Ok(Err(objection));
    }
    // Also in a folder that cannot be written, and so at each start, the data never gets further ahead than that.
    let caught_up = if theirs.unwrap_or(0) < ours { deciders::set_count(folder, theirs, ours) } else { Ok(()) };
    let (before, next) = (theirs.max((ours > 0).then_some(ours)), ours + 1);
    if let Err(error) = caught_up {
        return Ok(Err(unusable(error)));
    }
    store.commit(&[], &[effects::count(next)])?;
    if let Err(error) = deciders::set_count(folder, before, next) {
        return Ok(Err(unusable(error)));
    }
    let (place, mut before) = (folder.to_owned(), next);
    store.count_decisions(move |now| {
        deciders::set_count(&place, Some(before), now).map_err(|error| (place.clone(), error.to_string()))?;
        before = now;
        Ok(())
    });
    Ok(Ok(()))
}

/// What is wrong with data that counts `ours`, beside keys that count `theirs`.
fn unfit(ours: u64, theirs: Option<u64>, outdated: bool, folder: &Path) -> Option<Objection> {
    let (theirs, file) = (theirs.unwrap_or(0), folder.join(deciders::COUNT_FILE));
    let file = file.display();
    let counts = format!("what it decided has changed {ours} times there, and {theirs} times by {file}");
    if outdated || ours < theirs {
        let title = "the data of this server is not that with which it decided on effects";
        return Some(Objection {
            title: if outdated { title.to_owned() } else { format!("{title}: {counts}") },
            help: "start it with the data that it had last; if that is lost, name a server with a new key in its place"
                .into(),
        });
    }
    (ours > theirs + 1).then(|| Objection {
        title: format!("the folder of keys of this server is older than its data: {counts}"),
        help: format!(
            "bring {file} back as it was last; if it is lost, and this is surely the data that the server had last, write {ours} into it"
        ),
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::effects::Put;

    /// A start of a server that decides, and so many decisions; `seen` is called with the two folders after each.
    fn life(data: &Path, keys: &Path, decisions: u64, mut seen: impl FnMut(u64)) -> Result<u64, String> {
        let mut store = Store::open(data).expect("sound data");
        begin_to_decide(&mut store, keys).expect("sound data").map_err(|objection| objection.title)?;
        let begun = effects::counted(&store.effects().expect("rows")).expect("a number");
        seen(begun);
        for count in begun + 1..=begun + decisions {
            let decision = Put { key: vec![1, 0], value: Some(count.to_be_bytes().to_vec()) };
            store.commit(&[], &[decision, effects::count(count)]).expect("written");
            seen(count);
        }
        Ok(begun + decisions)
    }

    fn restore(file: &Path, bytes: Option<&Vec<u8>>) {
        match bytes {
            Some(bytes) => std::fs::write(file, bytes).expect("written"),
            None => std::fs::remove_file(file).unwrap_or_default(),
        }
    }

    #[test]
    fn a_crash_at_any_moment_costs_no_voice_and_no_earlier_state_of_the_data_has_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let (data, keys) = (folder.path().join("data"), folder.path().join("keys"));
        let files: [PathBuf; 2] = [data.join(crate::store::FILE), keys.join(deciders::COUNT_FILE)];
        // What was on disk after each step: the data, then the keys.
        let mut steps: Vec<[Option<Vec<u8>>; 2]> = Vec::new();
        for _ in 0..2 {
            life(&data, &keys, 3, |_| steps.push(files.each_ref().map(|file| std::fs::read(file).ok())))
                .expect("a voice");
        }
        for (at, [newest, _]) in steps.iter().enumerate() {
            for (there, [_, told]) in steps.iter().enumerate() {
                restore(&files[0], newest.as_ref());
                restore(&files[1], told.as_ref());
                let told = life(&data, &keys, 0, |_| {});
                // Either both are on disk, or the process ended between the one and the other.
                assert_eq!(told.is_ok(), at == there || at == there + 1, "data of {at}, keys of {there}: {told:?}");
                if let Err(title) = told {
                    let keys_are_older = title.contains("is older than its data");
                    assert_eq!(keys_are_older, there < at, "data of {at}, keys of {there}: {title}");
                }
            }
        }
    }

    #[test]
    fn a_folder_of_keys_that_cannot_be_written_costs_the_voice_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let (data, keys) = (folder.path().join("data"), folder.path().join("keys"));
        // A file in the place of the folder.
        std::fs::write(&keys, "").expect("written");
        for _ in 0..3 {
            let mut store = Store::open(&data).expect("sound data");
            assert!(begin_to_decide(&mut store, &keys).expect("sound data").is_err());
            store.set_number(Number::Ledger, 1).expect("the data goes on");
        }
        std::fs::remove_file(&keys).expect("removed");
        life(&data, &keys, 1, |_| {}).expect("a voice");
    }
}
