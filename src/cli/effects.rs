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
use crate::effects::EffectKey;
use crate::node::Deciding;
use crate::source::diagnostic::Diagnostic;
use crate::store::Number;
use crate::store::StoreError;

/// Says who decides. Nodes of one user on one machine share a ledger; if it cannot be used, `enforce_once` is refused. A node that is
/// alone in the world and keeps nothing decides for itself. `again` are effects in doubt that are to be started once more.
///
/// # Errors
/// When the node's data cannot be used; that is told.
pub fn decide(driver: &mut Driver, out: &Out, membership: &Membership, again: &[(EffectKey, u32)]) -> Result<(), Exit> {
    let deciding = who(driver, membership);
    let decided = deciding.and_then(|deciding| driver.decide(deciding, again.to_vec()));
    decided.map_err(|error| data::unusable(out, Some(&driver.name), &error))
}

fn who(driver: &mut Driver, membership: &Membership) -> Result<Deciding, StoreError> {
    if membership.cluster.is_some() {
        let title = "no servers are named that decide where effects are started";
        return Ok(Deciding::Nobody(Diagnostic::error("E0651", title).help("see `lasp explain E0651`")));
    }
    if !membership.networked() && driver.store.is_none() {
        return Ok(Deciding::Alone);
    }
    let before = driver.store.as_ref().map(|store| store.number(Number::Ledger)).transpose()?.flatten();
    let folder = folder::configuration().unwrap_or_default().join("effects");
    match Machine::open(&folder, driver.node.runner(), before, driver.store.is_some()) {
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
