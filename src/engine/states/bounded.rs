//! `bcounter`: a counter that is never below 0 on any node at any time, without asking anybody.
//!
//! Who increments gets the right to decrement by as much, and rights can be given away (Balegas et al., "Extending
//! eventually consistent cloud databases for enforcing numeric invariants", 2015). An owner of rights is an actor of one
//! incarnation of a node, so only one writer ever spends a right. Each incarnation has one entry that says all that its
//! owners ever did, and the next takes its place; it comes after every entry that its author had seen, so that nobody sees
//! rights spent who does not see where they came from.
//!
//! A node that starts again is another incarnation. If it is certain that it knows all that the earlier ones spent, it says in
//! its entry that their rights are its own from now on.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::engine::author::Author;
use crate::engine::change::Delta;
use crate::engine::change::Effect;
use crate::engine::change::Inbox;
use crate::engine::change::REMOVES_MAX;
use crate::engine::change::Refusal;
use crate::engine::change::Write;
use crate::lattice::dot::Dot;
use crate::lattice::sum::Sum;
use crate::value::compare;
use crate::value::content::Account;
use crate::value::content::Content;
use crate::value::content::Rights;
use crate::value::content::Tally;
use crate::value::operation::Brief;
use crate::value::operation::Op;
use crate::value::term::Term;

/// An owner of rights: an incarnation, and one of its actors; `undefined` is the node itself.
type Owner = (u128, Term);

/// A bounded counter.
#[derive(Clone, Default)]
pub(in crate::engine) struct BoundedState {
    total: Tally,
    /// The live entries, one for each incarnation.
    base: BTreeMap<Dot, Rights>,
}

impl BoundedState {
    pub(super) fn apply(&mut self, inbox: &mut Inbox) -> Delta {
        let before = self.total.read();
        for support in inbox.came.drain(..) {
            let (Some(dot), Content::Rights(rights)) = (support.dot, support.content) else { continue };
            if self.base.contains_key(&dot) {
                continue;
            }
            rights.accounts.iter().for_each(|(_, account)| self.total.add(&account.tally));
            self.base.insert(dot, *rights);
        }
        for support in inbox.went.drain(..) {
            let Some(rights) = support.dot.and_then(|dot| self.base.remove(&dot)) else { continue };
            rights.accounts.iter().for_each(|(_, account)| self.total.withdraw(&account.tally));
        }
        Delta::of_total(before, &self.total)
    }

    pub(super) fn prepare(&self, op: &Op, author: &Author) -> Result<Effect, Refusal> {
        let me = (author.incarnation, author.actor.cloned().unwrap_or_else(|| Term::atom("undefined")));
        let mut rights = self.of_incarnation(me.0);
        let claimed = self.unclaimed(author);
        rights.before.extend(&claimed);
        rights.before.sort_unstable();
        let account = account(&mut rights, &me.1);
        match op {
            Op::Up(amount) | Op::Down(amount) | Op::Move(amount, _) if amount.is_empty() => {
                if claimed.is_empty() {
                    return Ok(Effect::default());
                }
            }
            Op::Up(amount) => account.tally.up.add(amount),
            Op::Down(amount) => {
                self.has(&me, amount, author, &claimed)?;
                account.tally.down.add(amount);
            }
            Op::Move(amount, to) => {
                let to = receiver(to, author)?;
                self.has(&me, amount, author, &claimed)?;
                if to == me {
                    return Ok(Effect::default());
                }
                match account.moved.binary_search_by(|(known, _)| known.cmp(&to)) {
                    Ok(at) => account.moved[at].1.add(amount),
                    Err(at) => account.moved.insert(at, (to, amount.clone())),
                }
            }
            _ => return Ok(Effect::default()),
        }
        let fits = account.tally.up.fits() && account.tally.down.fits();
        if !(fits && account.moved.iter().all(|(_, sum)| sum.fits())) {
            return Err(Refusal::TooLarge);
        }
        Ok(self.written(rights, author))
    }

    /// The event of an entry: after all that is here, in the place of the one before.
    fn written(&self, rights: Rights, author: &Author) -> Effect {
        let (mine, others): (Vec<Dot>, Vec<Dot>) = self.base.keys().partition(|dot| dot.replica() == author.replica);
        let mut parts: Vec<Vec<Dot>> = others.chunks(REMOVES_MAX).map(<[Dot]>::to_vec).collect();
        let after = parts.pop().unwrap_or_default();
        // An event has a limited size: the first ones bring nothing but what the last must not be without.
        let before = |after| Write { content: None, removes: Vec::new(), after };
        let mut writes: Vec<Write> = parts.into_iter().map(before).collect();
        writes.push(Write { content: Some(Content::Rights(Box::new(rights))), removes: mine, after });
        Effect { writes }
    }

    /// All that an incarnation has done so far.
    fn of_incarnation(&self, replica: u128) -> Rights {
        let known = self.base.values().find(|rights| rights.replica == replica).cloned();
        known.unwrap_or(Rights { replica, ..Rights::default() })
    }

    /// The earlier incarnations of the author that have rights, and whose heir nobody is so far.
    fn unclaimed(&self, author: &Author) -> Vec<u128> {
        let Some(before) = author.before.filter(|before| !before.is_empty()) else { return Vec::new() };
        let zero = Sum::default();
        let balances = self.balances(&Heirs::of(self.base.values(), 0, &[])).into_iter();
        let owning = balances.filter(|(_, sum)| *sum != zero && !sum.is_negative()).map(|((owner, _), _)| owner);
        let mut owning: Vec<u128> =
            owning.filter(|owner| *owner != author.incarnation && before.contains(owner)).collect();
        // The actors of one come one after the other.
        owning.dedup();
        owning
    }

    /// What everybody has, as far as is known here.
    fn balances(&self, heirs: &Heirs) -> BTreeMap<Owner, Sum> {
        let mut balances: BTreeMap<Owner, Sum> = BTreeMap::new();
        for rights in self.base.values() {
            let replica = heirs.owner_of(rights.replica);
            for (owner, account) in &rights.accounts {
                let own = balances.entry((replica, owner.clone())).or_default();
                own.add(&account.tally.up);
                own.add(&account.tally.down.negated());
                account.moved.iter().for_each(|(_, given)| own.add(&given.negated()));
                for ((to, actor), given) in &account.moved {
                    balances.entry((heirs.owner_of(*to), actor.clone())).or_default().add(given);
                }
            }
        }
        balances
    }

    /// The rights that nodes have themselves, not their actors, as far as is known here: incarnation by incarnation.
    pub(in crate::engine) fn of_nodes(&self) -> Vec<(u128, Sum)> {
        let balances = self.balances(&Heirs::of(self.base.values(), 0, &[]));
        let nodes = balances.into_iter().filter(|((_, actor), _)| actor.as_atom() == Some("undefined"));
        nodes.map(|((incarnation, _), sum)| (incarnation, sum)).collect()
    }

    /// Whether an owner has so many rights, with those of earlier incarnations that it says are its own.
    fn has(&self, owner: &Owner, amount: &Sum, author: &Author, claimed: &[u128]) -> Result<(), Refusal> {
        let mut balances = self.balances(&Heirs::of(self.base.values(), owner.0, claimed));
        let available = balances.remove(owner).unwrap_or_default();
        let mut left = available.clone();
        left.add(&amount.negated());
        if !left.is_negative() {
            return Ok(());
        }
        let mut others: Vec<(String, Term)> = balances
            .into_iter()
            .map(|(owner, sum)| (shown(&owner, author), number(sum)))
            .filter(|(_, sum)| compare(sum, &Term::Int(0)).is_gt())
            .collect();
        others.sort_by(|(name_a, a), (name_b, b)| compare(b, a).then_with(|| name_a.cmp(name_b)));
        let (available, asked) = (number(available), number(amount.clone()));
        Err(Refusal::NotEnoughRights { actor: author.actor.cloned(), available, asked, others })
    }

    pub(super) fn value(&self) -> Term {
        self.total.value()
    }

    pub(super) fn is_zero(&self) -> bool {
        self.cmp_total(&Term::Int(0)).is_eq()
    }

    /// How the exact total compares with a number.
    pub(super) fn cmp_total(&self, number: &Term) -> Ordering {
        self.total.cmp_total(number)
    }

    pub(super) fn summary(&self) -> Option<Content> {
        (!self.is_unsupported()).then(|| Content::Tally(Box::new(self.total.clone())))
    }

    pub(super) fn entries(&self, entries: &mut Vec<(Dot, Content)>) {
        entries.extend(self.base.iter().map(|(dot, rights)| (*dot, Content::Rights(Box::new(rights.clone())))));
    }

    pub(super) fn is_unsupported(&self) -> bool {
        self.base.is_empty()
    }
}

/// Incarnations whose rights are another's, each with the one whose they are now.
struct Heirs(BTreeMap<u128, u128>);

impl Heirs {
    /// Of these entries, where one takes over these as well.
    fn of<'a>(entries: impl Iterator<Item = &'a Rights>, heir: u128, claimed: &[u128]) -> Heirs {
        let mut next: BTreeMap<u128, u128> = claimed.iter().map(|before| (*before, heir)).collect();
        for rights in entries {
            for before in &rights.before {
                // Nobody has two, but for a node whose disk was brought back with all that could tell it. The same one everywhere, then.
                let heir = next.entry(*before).or_insert(rights.replica);
                *heir = rights.replica.min(*heir);
            }
        }
        let mut owners = BTreeMap::new();
        for first in next.keys() {
            let mut way = BTreeSet::from([*first]);
            let mut at = *first;
            // Who lies may make a ring.
            while let Some(heir) = next.get(&at).filter(|heir| !owners.contains_key(&at) && way.insert(**heir)) {
                at = *heir;
            }
            let owner = owners.get(&at).copied().unwrap_or(at);
            owners.extend(way.into_iter().filter(|one| *one != owner).map(|one| (one, owner)));
        }
        Heirs(owners)
    }

    /// Whose the rights of an incarnation are now.
    fn owner_of(&self, incarnation: u128) -> u128 {
        self.0.get(&incarnation).copied().unwrap_or(incarnation)
    }
}

fn number(sum: Sum) -> Term {
    Tally { up: sum, down: Sum::default() }.value()
}

/// An owner's account, made if it is not there.
fn account<'a>(rights: &'a mut Rights, owner: &Term) -> &'a mut Account {
    let at = match rights.accounts.binary_search_by(|(known, _)| known.cmp(owner)) {
        Ok(at) => at,
        Err(at) => {
            rights.accounts.insert(at, (owner.clone(), Account::default()));
            at
        }
    };
    &mut rights.accounts[at].1
}

/// Who is meant by a name: a node that this one has met, else an actor of this node.
fn receiver(to: &Term, author: &Author) -> Result<Owner, Refusal> {
    match author.nodes.and_then(|nodes| nodes.get(to)).map(Vec::as_slice) {
        Some([incarnation]) => Ok((*incarnation, Term::atom("undefined"))),
        Some([_, ..]) => Err(Refusal::AmbiguousNode { name: to.clone() }),
        Some([]) | None => Ok((author.incarnation, to.clone())),
    }
}

/// An owner for people: `n1`, `ann here`, `ann on n1`.
fn shown((incarnation, actor): &Owner, author: &Author) -> String {
    let mut names = author.nodes.into_iter().flatten();
    let node = names.find(|(_, incarnations)| incarnations.contains(incarnation)).map(|(name, _)| name);
    let here = *incarnation == author.incarnation;
    let node = match node {
        _ if here => "this node".to_owned(),
        Some(name) => format!("`{}`", Brief(name)),
        None => format!("a node that is not known here ({:08x})", incarnation >> 96),
    };
    match actor.as_atom() {
        Some("undefined") => node,
        _ if here => format!("`{}` here", Brief(actor)),
        _ => format!("`{}` on {node}", Brief(actor)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_those_of_the_last_life_whatever_the_numbers_are() {
        let says = |replica, before: &[u128]| Rights { replica, before: before.to_vec(), accounts: Vec::new() };
        let entries = [says(2, &[7]), says(9, &[2]), says(4, &[9, 11]), says(5, &[6]), says(6, &[5])];
        let heirs = Heirs::of(entries.iter(), 3, &[4]);
        assert_eq!([7, 2, 9, 11, 4, 3, 8].map(|one| heirs.owner_of(one)), [3, 3, 3, 3, 3, 3, 8]);
        assert_eq!(heirs.owner_of(5), heirs.owner_of(6), "a ring has one owner");
    }
}
