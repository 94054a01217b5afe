//! The tables of the file. Numbers stand for what is long and repeated, and are the file's own.
//!
//! The format has a version. What is changed here goes with a step in `migrate` that brings older files up to date.

use redb::TableDefinition;

/// The version of the format that this release writes. None was released: in 0 lanes had no topics, in 1 there were no effects, in 2
/// nothing was missed or kept, in 3 no incarnation had the rights of another.
pub const FORMAT: u32 = 4;

/// `format`, `node` and `key`; `ledger`, the one for effects that the node takes part in; `starts`, how often it has begun to
/// decide; `interest`, which topics the node takes: whether these alone or all but these, and their numbers;
/// `lives` and `rights`: see `witness`.
pub(super) const META: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("meta");
/// Whose updates of which topic: 16 bytes of an incarnation, and 16 of a topic if there is one, least significant first.
pub(super) const LANES: TableDefinition<'static, u32, &[u8]> = TableDefinition::new("lanes");
/// Variables, as references in the encoding of `value::codec`.
pub(super) const VARIABLES: TableDefinition<'static, u32, &[u8]> = TableDefinition::new("variables");
/// Derivations with slots, by their identities; numbers from 1.
pub(super) const SLOTS: TableDefinition<'static, u32, u128> = TableDefinition::new("slots");
/// By lane, how many updates are covered.
pub(super) const HEIGHTS: TableDefinition<'static, u32, u64> = TableDefinition::new("heights");
/// By lane and sequence number: variable, slot (0 for none) and content, in postcard.
pub(super) const ENTRIES: TableDefinition<'static, (u32, u64), &[u8]> = TableDefinition::new("entries");
/// By lane and sequence number, updates that are kept until a server has them: variable, slot and content if they add anything,
/// lanes and sequence numbers of what they take back, and how many of the next belong to the same transaction, in postcard.
pub(super) const KEPT: TableDefinition<'static, (u32, u64), &[u8]> = TableDefinition::new("kept");
/// By lane, sequence number and variable: what was taken back and has not come.
pub(super) const MISSED: TableDefinition<'static, (u32, u64, u32), ()> = TableDefinition::new("missed");
/// Entries of dynamic variables, by the node's own number: variable and content, in postcard.
pub(super) const OWN: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("own");
/// Nodes in whose place this one goes on, by their marks.
pub(super) const BEFORE: TableDefinition<'static, u64, ()> = TableDefinition::new("before");
/// Keys of `once`, in the encoding of `value::codec`.
pub(super) const ONCE: TableDefinition<'static, &[u8], ()> = TableDefinition::new("once");
/// What is decided on effects, and which were started here: see [`Put`](crate::effects::Put).
pub(super) const EFFECTS: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("effects");
