//! How a node that runs stands with its peers, as `lasp doctor --data` hears it from the node itself.

use std::path::Path;

use serde::Deserialize;
use serde::Serialize;

use crate::net::AddressState;
use crate::net::Network;
use crate::net::PeerState;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::control;

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Standing {
    /// What the node calls itself.
    pub(super) name: String,
    /// Where it listens.
    pub(super) address: String,
    /// The peers that are connected.
    pub(super) peers: Vec<PeerState>,
    /// The addresses after `--peers` that lead to nobody.
    pub(super) lost: Vec<AddressState>,
}

/// Lets those who may open the node's data ask for it.
pub(super) fn tell(store: &Store, name: &str, network: &Network) {
    let (watcher, name) = (network.watcher(), name.to_owned());
    store.tell(move || {
        let (peers, lost) = watcher.standing();
        let standing = Standing { name: name.clone(), address: watcher.address().to_string(), peers, lost };
        postcard::to_allocvec(&standing).unwrap_or_default()
    });
}

/// Asks the node that uses a data folder. `None`: it takes part in no network.
///
/// # Errors
/// When it does not answer.
pub(super) fn ask(folder: &Path) -> Result<Option<Standing>, StoreError> {
    let bytes = control::standing(folder)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let damaged = |_| StoreError::Unanswered { folder: folder.to_owned(), reason: "its answer is none".to_owned() };
    postcard::from_bytes(&bytes).map(Some).map_err(damaged)
}
