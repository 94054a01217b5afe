//! Who decides where effects of `enforce_once` are started, for the node that a command runs.

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
/// could be started twice: so it needs data, and just that with which it decided before. Both its folders count its starts, so that
/// an older copy of the one shows.
fn may_decide(driver: &mut Driver, out: &Out, list: &Deciders) -> Result<(), StoreError> {
    let me = driver.node.runner().node;
    let named = list.contains(me) || list.founders.iter().any(|founder| founder.node == me);
    let Some(folder) = driver.cluster.clone().filter(|_| named && !driver.decides) else { return Ok(()) };
    let objection = |title: String, help: &str| Diagnostic::warning("E0654", title).help(help).help(NO_VOICE);
    let forgotten = || {
        objection(
            "the data of this server is not that with which it decided on effects".into(),
            "start it with the data that it had last; if that is lost, name a server with a new key in its place",
        )
    };
    let kept = driver.store.as_ref().map(Store::effects).transpose()?.unwrap_or_default();
    let counted = match (&mut driver.store, deciders::starts(&folder)) {
        (None, _) => Err(objection(
            "this server is named to decide on effects, and keeps nothing".into(),
            "start it with --data DIR",
        )),
        (Some(_), Err(error)) => Err(objection(error.to_string(), &error.help())),
        (Some(_), Ok(_)) if kept.iter().any(|(key, _)| key == OUTDATED) => Err(forgotten()),
        (Some(store), Ok(theirs)) => match (store.number(Number::Starts)?, theirs) {
            (Some(ours), Some(theirs)) if ours != theirs && ours != theirs + 1 => Err(None),
            (None, Some(_)) => Err(None),
            (ours, theirs) => {
                let next = ours.max(theirs).unwrap_or(0) + 1;
                store.set_number(Number::Starts, next)?;
                deciders::set_starts(&folder, next).map_err(Some)
            }
        }
        .map_err(|failed: Option<NetworkError>| match failed {
            Some(error) => objection(error.to_string(), &error.help()),
            None => forgotten(),
        }),
    };
    match counted {
        Ok(()) => driver.decides = true,
        Err(objection) => out.diagnostic(Some(&driver.name), driver.node.files(), &objection),
    }
    Ok(())
}
