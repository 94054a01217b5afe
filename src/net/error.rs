//! What can go wrong with the network, each with its code.

use std::path::PathBuf;

use crate::net::authority::AUTHORITY_KEY_FILE;
use crate::net::certificate::date;
use crate::net::identity::NODE_FILE;
use crate::net::limits::ISSUED_MAX;
use crate::net::limits::NODE_NAME_BYTES_MAX;
use crate::net::records::Records;

/// Why this node cannot take part in the network at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// The folder or file of the cluster key cannot be made or read.
    #[error("the cluster key at {} cannot be used: {reason}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The file of the cluster key is not one.
    #[error("the cluster key at {} is damaged: {reason}", path.display())]
    KeyDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Others can read the cluster key.
    #[error("the cluster key at {} can be read by other users", path.display())]
    KeyExposed {
        /// The file.
        path: PathBuf,
    },
    /// The automatic key was to be used beyond this machine.
    #[error("{address} is not on this machine, and the automatic cluster key is good for this machine alone")]
    NotLoopback {
        /// The address that was to be listened on or dialed.
        address: String,
    },
    /// The address that peers were to be told cannot be used.
    #[error("peers cannot be told {address}: {reason}")]
    Advertise {
        /// The address.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: String,
        /// What the system says.
        reason: String,
    },
    /// A file that is another thing than a certificate.
    #[error("{} holds a {what}, and no certificate", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
        /// What it says to be.
        what: String,
    },
    /// A file of an issued key or certificate, or its folder, cannot be read or written.
    #[error("{} cannot be used: {reason}", path.display())]
    Unusable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A file of an issued key or certificate is not what it should be.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Others can read an issued key.
    #[error("the key {} can be read by other users", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// A folder is not a node's.
    #[error("{} is not a node's folder: it has no {missing}", path.display())]
    NotNode {
        /// The folder.
        path: PathBuf,
        /// The file that it lacks.
        missing: String,
    },
    /// A folder is not an authority's.
    #[error("{} is not the folder of a cluster's authority: it has no {missing}", path.display())]
    NotAuthority {
        /// The folder.
        path: PathBuf,
        /// The file that it lacks.
        missing: String,
    },
    /// There is an authority already.
    #[error("{} is the folder of a cluster's authority already", path.display())]
    AuthorityExists {
        /// The folder.
        path: PathBuf,
    },
    /// A node of that name has a certificate that counts.
    #[error("a certificate for {name} was issued already")]
    NodeExists {
        /// The name.
        name: String,
    },
    /// The folder holds a node's key already.
    #[error("{} holds a node's key already", path.display())]
    FolderTaken {
        /// The folder.
        path: PathBuf,
    },
    /// No certificate of that name counts.
    #[error("no certificate for {name} was issued here, or all of them are revoked or expired")]
    NodeUnknown {
        /// The name.
        name: String,
    },
    /// A name that is none.
    #[error("`{name}` is no name for a node")]
    NodeName {
        /// The name.
        name: String,
    },
    /// The authority has issued as many certificates as one may.
    #[error("this authority has issued {ISSUED_MAX} certificates, and one may issue no more")]
    TooManyIssued,
    /// The list of revocations is full.
    #[error("there are as many revocations as a list may have")]
    TooManyRevoked,
    /// A client is to decide on effects.
    #[error("{name} is a client by its certificate, and only servers decide")]
    NotServer {
        /// The name.
        name: String,
    },
    /// These servers cannot decide together.
    #[error("these servers cannot decide together: {reason}")]
    Deciders {
        /// What is wrong with them.
        reason: String,
    },
    /// The list of servers that decide is not where it was, and a node's folder beside the key has it.
    #[error("{} is missing, though servers were named to decide on effects", path.display())]
    DecidersLost {
        /// Where it was.
        path: PathBuf,
        /// Where it still is.
        found: PathBuf,
    },
    /// The node's own certificate is no longer valid.
    #[error("the certificate of {name} is expired: it was valid until {}", date(*until_s))]
    Expired {
        /// The node's name.
        name: String,
        /// The second until which it was valid.
        until_s: i64,
    },
    /// The node's own certificate is not valid yet.
    #[error("the certificate of {name} is not valid yet: it is from {}, and this clock says {}", date(*from_s), date(*now_s))]
    NotYetValid {
        /// The node's name.
        name: String,
        /// The second from which it is valid.
        from_s: i64,
        /// This machine's time.
        now_s: i64,
    },
    /// The node's own certificate was revoked.
    #[error("the certificate of {name} was revoked")]
    Revoked {
        /// The node's name.
        name: String,
    },
    /// A client has nobody to dial.
    #[error("{name} is a client by its certificate, and clients serve nobody: it needs a peer to join")]
    ClientAlone {
        /// The node's name.
        name: String,
    },
    /// The cryptography refused its own keys.
    #[error("no certificate could be made: {reason}")]
    Certificate {
        /// What the library says.
        reason: String,
    },
}

impl NetworkError {
    /// The code for `lasp explain`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            NetworkError::KeyFile { .. } | NetworkError::Unusable { .. } | NetworkError::NoCertificate { .. } => {
                "E0601"
            }
            NetworkError::KeyDamaged { .. }
            | NetworkError::KeyExposed { .. }
            | NetworkError::Damaged { .. }
            | NetworkError::Exposed { .. }
            | NetworkError::Certificate { .. } => "E0602",
            NetworkError::NotLoopback { .. } => "E0603",
            NetworkError::Listen { .. } | NetworkError::Advertise { .. } => "E0604",
            NetworkError::Expired { .. } | NetworkError::NotYetValid { .. } => "E0617",
            NetworkError::Revoked { .. } => "E0618",
            NetworkError::ClientAlone { .. } => "E0619",
            NetworkError::NotNode { .. } | NetworkError::NotAuthority { .. } => "E0620",
            NetworkError::AuthorityExists { .. }
            | NetworkError::NodeExists { .. }
            | NetworkError::FolderTaken { .. }
            | NetworkError::NodeUnknown { .. }
            | NetworkError::NodeName { .. } => "E0621",
            NetworkError::TooManyIssued | NetworkError::TooManyRevoked => "E0622",
            NetworkError::NotServer { .. } | NetworkError::Deciders { .. } => "E0655",
            NetworkError::DecidersLost { .. } => "E0658",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            NetworkError::KeyFile { .. } => {
                "make the folder writable, or name another one in the environment variable LASP_CONFIG_DIR".into()
            }
            NetworkError::KeyDamaged { path, .. } => {
                format!("delete {} and start all nodes again: a new key is made by itself", path.display())
            }
            NetworkError::KeyExposed { path } => {
                format!("delete {} and start all nodes again, since others may have copied it", path.display())
            }
            NetworkError::NotLoopback { .. } => {
                "use 127.0.0.1, [::1] or localhost; or make a cluster with `lasp keys init`, and start each node with the \
                 folder that `lasp keys issue` makes for it: --cluster DIR"
                    .into()
            }
            error => error.help_with_keys(),
        }
    }

    /// The same, about issued keys.
    fn help_with_keys(&self) -> String {
        match self {
            NetworkError::NoCertificate { .. } => "name the folder that it lies in, or a certificate".into(),
            NetworkError::Unusable { .. } => "make the folder and what is in it readable and writable for this user".into(),
            NetworkError::Damaged { path, .. } if Records::are_in(path.parent().unwrap_or(path)) => {
                "bring back a copy of the authority's folder; nothing else than that folder can issue, renew and revoke for its cluster"
                    .into()
            }
            NetworkError::Damaged { .. } => {
                "copy the folder again from where it was made, or have a new one made with `lasp keys issue`".into()
            }
            NetworkError::Exposed { path } if path.ends_with(AUTHORITY_KEY_FILE) => format!(
                "if nobody else can have copied it: chmod 600 {}; otherwise make a new cluster with `lasp keys init`, since whoever \
                 has this key decides who belongs to this one",
                path.display()
            ),
            NetworkError::Exposed { path } => format!(
                "if nobody else can have copied it: chmod 600 {}; otherwise revoke it with `lasp keys revoke`",
                path.display()
            ),
            NetworkError::NotNode { path, .. } if Records::are_in(path) => format!(
                "that is the authority's folder; a node's is made from it: lasp keys issue --cluster {0} --node NAME; then name {0}/nodes/NAME",
                path.display()
            ),
            NetworkError::NotNode { .. } => {
                "`lasp keys issue` makes such a folder, for one node each; by itself under nodes/ in the authority's folder"
                    .into()
            }
            NetworkError::NotAuthority { path, .. } if path.join(NODE_FILE).exists() => {
                "that is a node's folder; name the one that `lasp keys init` made, from which this was issued".into()
            }
            NetworkError::NotAuthority { path, .. } if Records::are_in(path) => {
                "bring back the missing file from a copy of that folder; every other part of it can stay".into()
            }
            NetworkError::NotAuthority { .. } => "`lasp keys init DIR` makes one; name that folder after --cluster".into(),
            NetworkError::AuthorityExists { .. } => "name a folder that is not there yet".into(),
            NetworkError::NodeExists { name } => {
                format!("to get a new certificate for the same node: lasp keys renew --node {name}; if its key is lost, lasp keys revoke --node {name} frees the name; or take another")
            }
            NetworkError::FolderTaken { .. } => "name another folder after --out, or move that one away".into(),
            NetworkError::NodeUnknown { .. } => "`lasp keys show DIR` lists what was issued".into(),
            NetworkError::NodeName { .. } => format!(
                "a name has 1 to {NODE_NAME_BYTES_MAX} letters a-z, A-Z, digits, dots, dashes and underscores, and begins with \
                 a letter or digit"
            ),
            NetworkError::TooManyIssued | NetworkError::TooManyRevoked => {
                "make a new cluster with `lasp keys init`, and move the nodes to it".into()
            }
            NetworkError::NotServer { name } => {
                format!("have a server's certificate made: lasp keys renew --node {name} --role server")
            }
            NetworkError::DecidersLost { path, found } => format!("copy it back: cp {} {}", found.display(), path.display()),
            NetworkError::Deciders { .. } => "name an odd number of servers, three or five, each once".into(),
            NetworkError::Expired { name, .. } => {
                format!("where the authority's key is: lasp keys renew --cluster DIR --node {name}; then copy node.pem here")
            }
            NetworkError::NotYetValid { .. } => "set this machine's clock".into(),
            NetworkError::Revoked { name } => format!(
                "a node that was revoked stays so; for a new one: lasp keys issue --cluster DIR --node {name} --out FOLDER"
            ),
            NetworkError::ClientAlone { .. } => {
                "name a server after --peers; or have a server's certificate issued with --role server".into()
            }
            NetworkError::Advertise { .. } => "name the address and port by which peers reach this node from outside".into(),
            NetworkError::Listen { .. } => "name a free port of this machine, or port 0 for any".into(),
            _ => "this should not happen; please report it".into(),
        }
    }
}
