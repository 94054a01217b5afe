//! The network: QUIC with mutual TLS 1.3, who belongs to the cluster, who is connected, and messages carried between peers.
//!
//! Messages are opaque bytes here: this module knows no language, no variable and no replica. It starts tasks of its own on
//! the runtime that it is given; whoever drives the node talks to it through [`Network`] and a channel of [`Event`](event::Event)s.
//!
//! Every quantity that a peer can choose has a bound: see [`limits`].

pub mod authority;
pub mod cause;
pub mod certificate;
pub mod deciders;
mod dial;
mod endpoint;
pub mod error;
pub mod event;
pub mod frame;
mod hub;
pub mod identity;
pub mod keyfile;
pub mod limits;
mod link;
mod linked;
mod membership;
pub mod nodekey;
pub mod probe;
pub mod records;
mod refusal;
pub mod revocation;
mod servers;
pub mod show;
mod socket;
mod strangers;
mod tls;
mod trust;

#[cfg(test)]
mod many_tests;
#[cfg(test)]
mod tests;

pub use endpoint::Network;
pub use endpoint::Options;
pub use endpoint::Watcher;
pub use linked::AddressState;
pub use linked::PeerState;
