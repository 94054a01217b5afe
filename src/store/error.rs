//! What can be wrong with a data folder, each with its code.

use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;

use redb::DatabaseError;
use redb::StorageError;

/// Why data cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error("the data folder {} is in use by another process", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The node that has it open does not answer what it is asked.
    #[error("the process that uses the data folder {} does not answer: {reason}", folder.display())]
    Unanswered {
        /// The folder.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
    /// There is no node's data in it.
    #[error("the data folder {} cannot be used: there is no node's data in it", folder.display())]
    NoData {
        /// The folder.
        folder: PathBuf,
    },
    /// It is a file with a copy of such data.
    #[error("{} is an export, and no data folder", file.display())]
    IsExport {
        /// The file.
        file: PathBuf,
    },
    /// This user may not use it.
    #[error("the data folder {} cannot be used: {reason}", folder.display())]
    Forbidden {
        /// The folder.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
    /// It cannot be made or read, or is no data folder.
    #[error("the data folder {} cannot be used: {reason}", folder.display())]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
    /// What is in it is not what was written.
    #[error("the data in {} is damaged: {reason}", folder.display())]
    Damaged {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A newer release wrote it.
    #[error("the data in {} has format {format}, and this release knows formats up to {}", folder.display(), crate::store::FORMAT)]
    Newer {
        /// The folder.
        folder: PathBuf,
        /// The format.
        format: u32,
    },
    /// It is of another key.
    #[error("the data in {} belongs to another node than these keys", folder.display())]
    AnotherNode {
        /// The folder.
        folder: PathBuf,
    },
    /// It cannot be written.
    #[error("the data in {} cannot be written: {reason}", folder.display())]
    Unwritten {
        /// The folder.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
    /// A copy of it cannot be written where it is to be.
    #[error("the copy {} cannot be written: {reason}", file.display())]
    NotCopied {
        /// The copy.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// There is something in the place where the copy is to be.
    #[error("the copy {} is not written: there is a file of that name", file.display())]
    CopyExists {
        /// The copy.
        file: PathBuf,
    },
    /// It cannot be made smaller.
    #[error("the data in {} cannot be made smaller: {reason}", folder.display())]
    NotCompacted {
        /// The folder.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
    /// Its file is not in the folder any more.
    #[error("the data folder {} has lost the data of this node: {reason}", folder.display())]
    Lost {
        /// The folder.
        folder: PathBuf,
        /// What is there instead.
        reason: &'static str,
    },
    /// Other users can read it.
    #[error("the data file {} can be read by other users", file.display())]
    Exposed {
        /// The file.
        file: PathBuf,
    },
    /// A file that is no export, or not whole.
    #[error("{} is not a whole export: {reason}", file.display())]
    NoExport {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl StoreError {
    /// The code for `lasp explain`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            StoreError::InUse { .. } | StoreError::Unanswered { .. } => "E1001",
            StoreError::NoData { .. }
            | StoreError::IsExport { .. }
            | StoreError::Forbidden { .. }
            | StoreError::Unusable { .. } => "E1002",
            StoreError::Damaged { .. } => "E1003",
            StoreError::Newer { .. } => "E1004",
            StoreError::AnotherNode { .. } => "E1007",
            StoreError::Unwritten { .. } | StoreError::NotCompacted { .. } => "E1008",
            StoreError::Exposed { .. } => "E1009",
            StoreError::NoExport { .. } => "E1010",
            StoreError::Lost { .. } => "E1012",
            StoreError::NotCopied { .. } | StoreError::CopyExists { .. } => "E1013",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            StoreError::InUse { .. } => "end the other process, or give this node a folder of its own".into(),
            StoreError::Unanswered { .. } => {
                "if that process is stopped, let it go on (`kill -CONT` and its number); or end it, and ask again".into()
            }
            StoreError::NoData { .. } => {
                "name the folder that a node was given after --data; `lasp run FILE --data DIR` makes one".into()
            }
            StoreError::IsExport { file } => format!(
                "make a folder of it, and name that: lasp data import {0} DIR; what it holds: lasp data show {0}",
                file.display()
            ),
            StoreError::Forbidden { folder, .. } => format!(
                "make {} and what is in it readable and writable for this user, or name another folder",
                folder.display()
            ),
            StoreError::Unusable { .. } => "name a folder that does not exist yet, or an empty one".into(),
            StoreError::Damaged { folder, .. } => format!(
                "nothing was changed; bring back a copy, or move {} away and start with an empty folder: what was replicated comes back from the peers",
                folder.display()
            ),
            StoreError::Newer { .. } => "nothing was changed; start it with the newer release of lasp".into(),
            StoreError::AnotherNode { .. } => {
                "start it with the keys that it was made with, or make a folder for these keys by `lasp data export` and `lasp data import`".into()
            }
            StoreError::Unwritten { .. } => {
                "what depends on it was held back; make room and start the node again: all that it has shown is there".into()
            }
            StoreError::NotCopied { .. } => {
                "nothing was changed; name a place that this user can write to, with room for it".into()
            }
            StoreError::CopyExists { .. } => "name another file; or --force, to have the copy in its place".into(),
            StoreError::NotCompacted { .. } => "all that was in it still is; make room, and try again".into(),
            StoreError::Lost { .. } => {
                "what this node made since was held back; bring the folder back, if it was moved, and start the node again; else what was replicated comes back from the peers"
                    .into()
            }
            StoreError::Exposed { file } => format!("chmod 600 {}", file.display()),
            StoreError::NoExport { .. } => "export again with `lasp data export`, and copy the file as it is".into(),
        }
    }

    pub(super) fn unusable(folder: &Path, reason: &str) -> StoreError {
        StoreError::Unusable { folder: folder.to_owned(), reason: reason.to_owned() }
    }

    pub(super) fn damaged(folder: &Path, reason: &str) -> StoreError {
        StoreError::Damaged { folder: folder.to_owned(), reason: reason.to_owned() }
    }

    pub(super) fn unwritten(folder: &Path, reason: &str) -> StoreError {
        StoreError::Unwritten { folder: folder.to_owned(), reason: reason.to_owned() }
    }

    /// What it means that the folder, or the file in it, cannot be used.
    pub(super) fn of_io(folder: &Path, error: &std::io::Error) -> StoreError {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::unwritten(folder, &error.to_string()),
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                StoreError::Forbidden { folder: folder.to_owned(), reason: error.to_string() }
            }
            _ => StoreError::unusable(folder, &error.to_string()),
        }
    }

    /// What it means that the file could not be opened.
    pub(super) fn of_open(folder: &Path, error: DatabaseError) -> StoreError {
        match error {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
                StoreError::InUse { folder: folder.to_owned() }
            }
            DatabaseError::Storage(StorageError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                StoreError::damaged(folder, &error.to_string())
            }
            DatabaseError::Storage(StorageError::Io(error)) if error.kind() == ErrorKind::UnexpectedEof => {
                StoreError::damaged(folder, "the file is cut off")
            }
            other => StoreError::of(folder, other.into()),
        }
    }

    /// What it means that something could not be read.
    pub(super) fn of(folder: &Path, error: redb::Error) -> StoreError {
        match error {
            redb::Error::Io(error) => StoreError::of_io(folder, &error),
            redb::Error::Corrupted(reason) => StoreError::damaged(folder, &reason),
            other => StoreError::damaged(folder, &other.to_string()),
        }
    }
}
