//! What a node takes in while a task has its turn, which may be long or without an end: whatever a program cannot see. Peers come
//! and go, what they lack is sent to them, and those who decide where effects are started go on deciding. Everything else waits
//! for the end of the turn, and all of it does while a transaction is open.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::mem;

use crate::effects::EFFECTS;
use crate::node::Input;
use crate::node::Node;
use crate::node::node_of;
use crate::replica::PeerId;
use crate::replica::Replica;

/// The most bytes that peers' messages take here while they wait for the end of a turn. What comes beyond is dropped: it is compared
/// and fetched later.
const INBOX_BYTES_MAX: usize = 64 << 20;

/// After so long without a word from a peer it counts as one that was not there: peers say something once a second.
const SILENCE_MS: u64 = 1500;

/// What has come, as far as it is not taken in.
#[derive(Default)]
pub(super) struct Inbox {
    /// What waits for the end of the turn, and how many bytes of messages these are.
    pub(super) waiting: VecDeque<Input>,
    bytes: usize,
    /// Peers that the replica knows already, of those whose coming is among what waits.
    pub(super) known_early: BTreeSet<PeerId>,
    /// When each peer was heard of last.
    pub(super) heard_at: BTreeMap<PeerId, u64>,
}

impl Node {
    /// Whether a task has its turn for whose end something waits: what peers have sent, or other tasks.
    #[must_use]
    pub fn holds_up(&self) -> bool {
        self.running.is_some() && (!self.inbox.waiting.is_empty() || self.tasks.any_ready())
    }

    /// Takes an input in while a task has its turn, or has it wait for the end of that.
    pub(super) fn take_in_during_turn(&mut self, input: Input) {
        if matches!(input, Input::Cancel) {
            self.cancel();
            if self.running.is_none() {
                // That was the end of the turn.
                self.take_in_waiting();
            }
            return;
        }
        let may = self.transaction.is_none();
        match &input {
            Input::Connected { peer, incarnation, role, .. } if may => {
                self.replica.connected(*peer, *role, *incarnation, self.now_ms);
                self.effects_connected(*peer, node_of(*incarnation), *role);
                self.inbox.known_early.insert(*peer);
                self.after_replica();
            }
            Input::Lost { peer } if may => {
                self.replica.lost(*peer, self.now_ms);
                self.effects_lost(*peer);
                self.after_replica();
            }
            Input::Tick if may => {
                self.replica.hold_pulls(true);
                self.replica.tick(self.now_ms);
                self.effects_tick();
                return self.after_replica();
            }
            // There will be another one.
            Input::Tick => return,
            Input::Received { peer, bytes } => {
                if may && (bytes.first() == Some(&EFFECTS) || Replica::only_asks(bytes)) {
                    if !self.effects_received(*peer, bytes) {
                        // What it has and we lack could not be taken in yet.
                        self.replica.hold_pulls(true);
                        self.replica.handle(*peer, bytes, self.now_ms);
                    }
                    return self.after_replica();
                }
                if self.inbox.bytes + bytes.len() > INBOX_BYTES_MAX {
                    return;
                }
                self.inbox.bytes += bytes.len();
            }
            _ => {}
        }
        self.inbox.waiting.push_back(input);
    }

    /// A peer has sent something. After a silence it may lack what it was sent in that.
    pub(super) fn note_heard(&mut self, peer: PeerId) {
        let before = self.inbox.heard_at.insert(peer, self.now_ms);
        if before.is_some_and(|before| before + SILENCE_MS <= self.now_ms) {
            self.views.heard_again(peer, self.now_ms);
            self.derivations.heard_again(peer, self.now_ms);
        }
    }

    /// Inputs that came during a turn.
    pub(super) fn take_in_waiting(&mut self) {
        self.inbox.bytes = 0;
        self.replica.hold_pulls(false);
        for input in mem::take(&mut self.inbox.waiting) {
            self.take_in(input);
        }
    }
}
