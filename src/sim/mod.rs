//! Many nodes in one process, in virtual time, from one seed: the network loses, doubles, delays and reorders as told, nodes
//! crash and come back as new incarnations, and the same seed gives the same trace.
//!
//! [`Cluster`] is the nodes, the network and the clock. A [`Scenario`](scenario::Scenario) says what happens to them, by chance
//! or by a [`script`]; [`run`](run::run) lets it happen, while an [`oracle`] that hears of every update from its
//! author alone, and [`judge`], say whether what nodes have is what they must have; and what fails is made smaller ([`shrink`]).
//! Knows no real time, no socket, no file.
//!
//! Where chance is not wanted, a [`Schedule`](schedule::Schedule) says every step, [`Play::replay`](play::Play::replay)
//! plays it, and [`explore`](explore::explore) plays all of them.

mod alone;
mod chance;
mod clock;
mod cluster;
pub mod confirm;
mod disk;
pub mod explore;
mod footprint;
pub mod judge;
pub mod measure;
mod moment;
mod network;
pub mod nodes;
pub mod once;
pub mod oracle;
pub mod outcome;
mod place;
pub mod play;
mod queue;
pub mod run;
pub mod scenario;
pub mod schedule;
pub mod script;
pub mod shrink;
mod small;
mod stage;
mod state;
mod testing;
pub mod trace;
mod watch;
mod weave;
pub mod words;

pub use crate::sim::cluster::Cluster;
pub use crate::sim::cluster::Person;
pub use crate::sim::network::Conditions;
pub use crate::sim::network::Cut;
pub use crate::sim::network::Faults;
