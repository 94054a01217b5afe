//! Where the user's own files of lasp lie: the cluster key, the history of the prompt.

use std::path::PathBuf;

use crate::net::error::NetworkError;
use crate::net::identity::Cluster;
use crate::net::identity::KEY_FILE;

/// The user's configuration folder, or what `LASP_CONFIG_DIR` says instead.
#[must_use]
pub fn configuration() -> Option<PathBuf> {
    match std::env::var_os("LASP_CONFIG_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => Some(PathBuf::from(folder)),
        None => directories::ProjectDirs::from("", "", "lasp").map(|folders| folders.config_dir().to_owned()),
    }
}

/// The user's own cluster.
///
/// # Errors
/// When its key cannot be used.
pub fn cluster() -> Result<Cluster, NetworkError> {
    let folder = configuration().ok_or_else(|| NetworkError::KeyFile {
        path: PathBuf::from("cluster.pem"),
        reason: "this user has no home folder".into(),
    })?;
    Cluster::automatic(&folder)
}

/// Whether there is a key of the user's own cluster, be it of use or not.
#[must_use]
pub fn has_key() -> bool {
    configuration().is_some_and(|folder| folder.join(KEY_FILE).exists())
}
