//! Rights of bounded counters move to where they are needed: who is refused for want of rights asks a peer that has some, and the
//! peer gives by an ordinary update. The refusal stands; trying again succeeds once the rights have come.
//!
//! A request needs no answer, and does no harm when it is lost, doubled or late: what is given is the giver's own.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::engine;
use crate::engine::Author;
use crate::graph::VariableId;
use crate::lattice::dot::ReplicaId;
use crate::lattice::sum::Sum;
use crate::node::Node;
use crate::node::Output;
use crate::node::verbs::Refusal;
use crate::replica::PeerId;
use crate::value::kind::Type;
use crate::value::operation::Op;
use crate::value::term::Term;

/// The first byte of a request for rights.
pub(super) const RIGHTS: u8 = 0x81;
/// The most bytes of a request.
const REQUEST_BYTES_MAX: usize = 64 << 10;
/// Milliseconds between two requests for one variable, when they are needed and when they may come to be.
const ASK_AGAIN_MS: u64 = 50;
const LOW_AGAIN_MS: u64 = 500;
/// Milliseconds in which a peer is given rights of one variable once.
const GIVE_AGAIN_MS: u64 = 20;
/// How many peers are asked at one time.
const PEERS_MAX: usize = 4;
/// A node asks for more before it has to when it has less than this share of what would be its equal part.
const LOW_SHARE: i64 = 4;

/// A request for rights of a bounded counter: a reference to it, and how many.
#[derive(Serialize, Deserialize)]
struct Wanted {
    variable: Term,
    amount: i64,
}

/// When what was asked for, and given.
#[derive(Default)]
pub(super) struct Rights {
    asked: BTreeMap<VariableId, u64>,
    given: BTreeMap<(PeerId, VariableId), u64>,
    /// See [`Node::inherit`].
    pub(super) before: BTreeSet<u128>,
}

impl Node {
    /// Tells a node that has not run yet which of its earlier incarnations it may take the rights of: those of which it is certain that
    /// all that they spent is known here, and that nobody else takes their rights.
    pub fn inherit(&mut self, before: impl IntoIterator<Item = ReplicaId>) {
        self.rights.before.extend(before.into_iter().map(|before| before.0));
    }

    /// Takes the rights of this node's earlier incarnations, so that others see who has them.
    pub(super) fn claim_rights(&mut self, variable: VariableId) {
        if !self.rights.before.is_empty() && self.engine.reference(variable).kind == Type::BCounter {
            // What cannot be written now is with the next update.
            let _ = self.update(variable, &Op::Up(Sum::default()), None);
        }
    }

    /// An update is refused. For want of rights, these are asked for.
    pub(super) fn refused(&mut self, variable: VariableId, op: &Op, refusal: engine::Refusal) -> Refusal {
        let mut asked = false;
        if let (Op::Down(_), engine::Refusal::NotEnoughRights { actor: None, available, asked: needed, .. }) =
            (op, &refusal)
            && let (Term::Int(available), Term::Int(needed)) = (available, needed)
            && self.keys.contains_key(&variable)
        {
            asked = self.ask_for_rights(variable, needed.saturating_sub(*available), ASK_AGAIN_MS);
        }
        let refusal = Refusal::from(refusal);
        if asked { refusal.help("other nodes have been asked for some: try again in a moment") } else { refusal }
    }

    /// Rights have been spent here. Some more are asked for before there are none.
    pub(super) fn note_spending(&mut self, variable: VariableId, op: &Op) {
        if !matches!(op, Op::Down(_)) || !self.keys.contains_key(&variable) {
            return;
        }
        let Some((own, others)) = self.rights_here(variable) else { return };
        let all = others.iter().fold(own, |sum, (_, rights)| sum.saturating_add(*rights));
        let part = all / i64::try_from(others.len() + 1).unwrap_or(i64::MAX);
        if own < part / LOW_SHARE {
            self.ask_for_rights(variable, part - own, LOW_AGAIN_MS);
        }
    }

    /// How many rights this node has, and each of the connected ones, as far as is known here.
    fn rights_here(&mut self, variable: VariableId) -> Option<(i64, Vec<(PeerId, i64)>)> {
        let shares: BTreeMap<u128, Sum> = self.engine.rights(variable)?.into_iter().collect();
        let me = self.replica.me(self.topic_of(variable));
        let of = |incarnation: u128| shares.get(&incarnation).map_or(Some(0), Sum::read_small);
        let own = of(self.replica.lane(me).owner())?;
        let others = self.met.here().filter_map(|(peer, incarnation)| Some((peer, of(incarnation)?))).collect();
        Some((own, others))
    }

    /// Asks those who have most. Says whether somebody is, or has just been.
    fn ask_for_rights(&mut self, variable: VariableId, amount: i64, again_ms: u64) -> bool {
        if self.rights.asked.get(&variable).is_some_and(|at| at.saturating_add(again_ms) > self.now_ms) {
            return true;
        }
        let Some((_, mut others)) = self.rights_here(variable) else { return false };
        others.retain(|(_, rights)| *rights > 0);
        others.sort_by_key(|(peer, rights)| (-rights, *peer));
        let variable_term = Term::Ref(self.engine.reference(variable).clone());
        let mut missing = amount;
        let mut asked = false;
        for (peer, rights) in others.into_iter().take(PEERS_MAX) {
            if missing <= 0 {
                break;
            }
            let wanted = Wanted { variable: variable_term.clone(), amount: missing.min(rights) };
            let Ok(bytes) = postcard::to_extend(&wanted, vec![RIGHTS]) else { break };
            if bytes.len() > REQUEST_BYTES_MAX {
                break;
            }
            self.outputs.push_back(Output::Send { peer, bytes });
            missing -= rights;
            asked = true;
        }
        if asked {
            self.rights.asked.insert(variable, self.now_ms);
        }
        asked
    }

    /// Whether bytes to a peer are a request for rights of a bounded counter, which is answered with an update.
    #[must_use]
    pub fn is_request_for_rights(bytes: &[u8]) -> bool {
        bytes.first() == Some(&RIGHTS)
    }

    /// Whether bytes from a peer are a request for rights; gives some if so, and if there are any.
    pub(super) fn rights_received(&mut self, peer: PeerId, bytes: &[u8]) -> bool {
        let Some((&RIGHTS, rest)) = bytes.split_first() else { return false };
        let wanted = match postcard::take_from_bytes::<Wanted>(rest) {
            Ok((wanted, [])) if bytes.len() <= REQUEST_BYTES_MAX && wanted.amount > 0 => wanted,
            _ => {
                let reason = "it sent a malformed request for rights".to_owned();
                self.outputs.push_back(Output::Disconnect { peer, code: "E0609", reason });
                return true;
            }
        };
        // What the program here does not know, it has no rights of.
        if let Term::Ref(reference) = &wanted.variable
            && let Some(variable) = self.engine.find(reference)
            && self.keys.contains_key(&variable)
        {
            self.give_rights(peer, variable, wanted.amount);
        }
        true
    }

    /// Gives what is asked for, or half of what there is to spare if that is more, so that not every spending needs a request.
    fn give_rights(&mut self, peer: PeerId, variable: VariableId, asked: i64) {
        let now_ms = self.now_ms;
        let soon = |at: &u64| at.saturating_add(GIVE_AGAIN_MS) > now_ms;
        let Some((_, incarnation)) = self.met.here().find(|(here, _)| *here == peer) else { return };
        let Some((own, _)) = self.rights_here(variable) else { return };
        if own <= 0 || self.rights.given.get(&(peer, variable)).is_some_and(soon) {
            return;
        }
        self.rights.given.retain(|_, at| soon(at));
        self.rights.given.insert((peer, variable), now_ms);
        let amount = Sum::small(asked.max(own / 2).min(own));
        // A name that no node has: what is given goes to this incarnation and no other of that name.
        let to = Term::Nil;
        let nodes = BTreeMap::from([(to.clone(), vec![incarnation])]);
        let replica = self.replica.me(self.topic_of(variable));
        let me = self.replica.lane(replica).owner();
        let author = Author {
            replica,
            incarnation: me,
            actor: None,
            nodes: Some(&nodes),
            before: Some(&self.rights.before),
            part_of: 0,
        };
        // It was looked at that there are so many; what cannot be written now may be asked for again.
        if let Ok(effect) = self.engine.prepare(variable, &Op::Move(amount, to), &author) {
            let _ = self.carry_out(variable, effect);
        }
    }
}
