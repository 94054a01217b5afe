//! Nobody spends rights of a bounded counter that it does not have: what says so is refused.
//!
//! An entry says all that its incarnation has ever done, and is applied after every entry that its author had seen. So whoever has
//! what the author had can tell, and what it has beyond that only adds to what the author was given.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::lattice::dot::Dot;
use crate::lattice::sum::Sum;
use crate::replica::KeyIndex;
use crate::replica::state::Entry;
use crate::replica::state::Snapshot;
use crate::replica::state::State;
use crate::replica::state::Update;
use crate::value::content::Content;
use crate::value::content::Rights;
use crate::value::term::Term;

/// The live entries of bounded counters, by variable.
#[derive(Default)]
pub(crate) struct RightsIndex(FxHashMap<KeyIndex, Vec<Dot>>);

impl RightsIndex {
    pub(crate) fn added(&mut self, dot: Dot, entry: &Entry) {
        if entry.content.rights().is_some() {
            self.0.entry(entry.key).or_default().push(dot);
        }
    }

    pub(crate) fn removed(&mut self, dot: Dot, entry: &Entry) {
        if !self.0.is_empty()
            && entry.content.rights().is_some()
            && let Some(dots) = self.0.get_mut(&entry.key)
        {
            dots.retain(|known| *known != dot);
            if dots.is_empty() {
                self.0.remove(&entry.key);
            }
        }
    }
}

impl State {
    /// Whether an update that can be applied spends what its author does not have.
    pub(crate) fn overspends(&self, update: &Update) -> bool {
        update.events().any(|event| match &event.adds {
            Some((_, content)) if content.rights().is_some() => !State::affords(content, &self.known_rights(event.key)),
            _ => false,
        })
    }

    /// Whether a snapshot says of somebody that it has spent what it does not have.
    pub(crate) fn snapshot_overspends(&self, snapshot: &Snapshot) -> bool {
        let news = || snapshot.entries.iter().filter(|(_, entry)| entry.content.rights().is_some());
        let mut by_key: BTreeMap<KeyIndex, Vec<&Content>> = BTreeMap::new();
        for (_, entry) in news() {
            by_key.entry(entry.key).or_insert_with(|| self.known_rights(entry.key)).push(&entry.content);
        }
        let empty = Vec::new();
        news().any(|(dot, entry)| {
            let known = by_key.get(&entry.key).unwrap_or(&empty);
            !self.vector().covers(*dot) && !State::affords(&entry.content, known)
        })
    }

    fn known_rights(&self, key: KeyIndex) -> Vec<&Content> {
        let dots = self.rights.0.get(&key).into_iter().flatten();
        dots.filter_map(|dot| self.store.get(*dot)).map(|entry| &entry.content).collect()
    }

    /// Whether what is known gives an incarnation what it says that it has spent, and it takes nothing back that it has said.
    /// Incarnations one of which has the rights of the other count as one, whoever of them spent what.
    fn affords(content: &Content, known: &[&Content]) -> bool {
        let Some(rights) = content.rights() else { return true };
        // Of each incarnation what it said last.
        let mut newest: BTreeMap<u128, &Rights> = BTreeMap::from([(rights.replica, rights)]);
        for theirs in known.iter().filter(|other| same_place(content, other)).filter_map(|other| other.rights()) {
            if theirs.replica == rights.replica {
                if !grows(theirs, rights) {
                    return false;
                }
                continue;
            }
            let known = newest.entry(theirs.replica).or_insert(theirs);
            if grows(known, theirs) {
                *known = theirs;
            }
        }
        let own = one_owner(rights.replica, &newest);
        let mut balances: BTreeMap<&Term, Sum> = BTreeMap::new();
        for (replica, theirs) in newest {
            let is_own = own.contains(&replica);
            for (actor, account) in &theirs.accounts {
                for ((to, receiver), sum) in &account.moved {
                    if own.contains(to) {
                        balances.entry(receiver).or_default().add(sum);
                    }
                    if is_own {
                        balances.entry(actor).or_default().add(&sum.negated());
                    }
                }
                if is_own {
                    let balance = balances.entry(actor).or_default();
                    balance.add(&account.tally.up);
                    balance.add(&account.tally.down.negated());
                }
            }
        }
        balances.values().all(|balance| !balance.is_negative())
    }
}

/// An incarnation with all earlier and later ones whose rights are one.
fn one_owner(replica: u128, said: &BTreeMap<u128, &Rights>) -> BTreeSet<u128> {
    let mut heirs: BTreeMap<u128, Vec<u128>> = BTreeMap::new();
    for (later, rights) in said {
        rights.before.iter().for_each(|earlier| heirs.entry(*earlier).or_default().push(*later));
    }
    let mut own = BTreeSet::from([replica]);
    let mut next = vec![replica];
    while let Some(one) = next.pop() {
        let earlier = said.get(&one).into_iter().flat_map(|rights| &rights.before);
        let both = earlier.chain(heirs.get(&one).into_iter().flatten());
        next.extend(both.filter(|other| own.insert(**other)));
    }
    own
}

/// Whether the second says at least what the first one of the same incarnation said.
fn grows(before: &Rights, after: &Rights) -> bool {
    let heirs = before.before.iter().all(|earlier| after.before.binary_search(earlier).is_ok());
    heirs
        && before.accounts.iter().all(|(actor, before)| {
            let Ok(at) = after.accounts.binary_search_by(|(known, _)| known.cmp(actor)) else { return false };
            let after = &after.accounts[at].1;
            !less(&after.tally.up, &before.tally.up)
                && !less(&after.tally.down, &before.tally.down)
                && before.moved.iter().all(|(to, sum)| {
                    let known = after.moved.binary_search_by(|(known, _)| known.cmp(to));
                    known.is_ok_and(|at| !less(&after.moved[at].1, sum))
                })
        })
}

fn less(a: &Sum, b: &Sum) -> bool {
    let mut difference = a.clone();
    difference.add(&b.negated());
    difference.is_negative()
}

/// Whether two contents are shares of one counter: under the same key, in the same half.
fn same_place(one: &Content, other: &Content) -> bool {
    match (one, other) {
        (Content::Rights(_), Content::Rights(_)) => true,
        (Content::Entry(one), Content::Entry(other)) | (Content::Event(one), Content::Event(other)) => {
            one.0 == other.0 && same_place(&one.1, &other.1)
        }
        (Content::First(one), Content::First(other)) | (Content::Second(one), Content::Second(other)) => {
            same_place(one, other)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::dot::ReplicaId;
    use crate::lattice::dot::TopicId;
    use crate::replica::Out;
    use crate::replica::PeerId;
    use crate::replica::RefusalReason;
    use crate::replica::Replica;
    use crate::replica::Role;
    use crate::replica::VariableKey;
    use crate::value::content::Account;
    use crate::value::content::Tally;
    use crate::value::kind::Type;
    use crate::value::reference::Name;

    const NOBODY: &str = "undefined";

    fn key() -> VariableKey {
        VariableKey { name: Name::Given(Term::atom("b")), kind: Type::BCounter }
    }

    /// What a replica says of itself: so much up and down, and so much given to others.
    fn says(replica: u128, up: i64, down: i64, moved: &[(u128, i64)]) -> Content {
        let tally = Tally { up: Sum::small(up), down: Sum::small(down) };
        let moved = moved.iter().map(|(to, sum)| ((*to, Term::atom(NOBODY)), Sum::small(*sum))).collect();
        let accounts = vec![(Term::atom(NOBODY), Account { tally, moved })];
        Content::Rights(Box::new(Rights { replica, before: Vec::new(), accounts }))
    }

    struct Two {
        here: Replica,
        there: Replica,
        last: Vec<Dot>,
        refused: Vec<RefusalReason>,
    }

    /// Replica 1 writes whatever it is told to, replica 2 looks at it. Replica 3 has given 5 to replica 1.
    fn two() -> Two {
        let mut two = Two {
            here: Replica::new(ReplicaId(1)),
            there: Replica::new(ReplicaId(2)),
            last: Vec::new(),
            refused: Vec::new(),
        };
        let mut giver = Replica::new(ReplicaId(3));
        let b = giver.key(&key());
        giver.write(b, Some(says(3, 5, 0, &[(1, 5)])), &[], None).expect("fits");
        two.meet(&mut giver);
        two
    }

    impl Two {
        fn meet(&mut self, giver: &mut Replica) {
            let peer = PeerId(9);
            giver.connected(peer, Role::Server, ReplicaId(1), 0);
            self.here.connected(peer, Role::Server, ReplicaId(3), 0);
            for now in 0..200 {
                let mut mail = Vec::new();
                giver.tick(now * 20);
                self.here.tick(now * 20);
                while let Some(out) = giver.poll() {
                    mail.extend(sent(out).map(|bytes| (true, bytes)));
                }
                while let Some(out) = self.here.poll() {
                    mail.extend(sent(out).map(|bytes| (false, bytes)));
                }
                for (to_here, bytes) in mail {
                    let to = if to_here { &mut self.here } else { &mut *giver };
                    to.handle(peer, &bytes, now * 20);
                }
            }
            self.here.lost(peer, 4000);
            self.last = self.dots();
            assert_eq!(self.last.len(), 1, "the gift has come");
        }

        fn dots(&mut self) -> Vec<Dot> {
            let b = self.here.key(&key());
            self.here.entries_of(b).into_iter().map(|(dot, ..)| dot).collect()
        }

        fn write(&mut self, content: Content) {
            let b = self.here.key(&key());
            let mine = self.here.me(TopicId::default());
            let all = self.last.clone();
            let dot = self.here.write(b, Some(content), &all, None).expect("fits");
            self.last.retain(|dot| dot.replica() != mine);
            self.last.push(dot);
        }

        /// Connects the two, by pushes or after the fact, and lets them talk.
        fn talk(&mut self, from: u64) {
            let peer = PeerId(1);
            for now in 0..200 {
                let now = from + now * 20;
                let mut mail = Vec::new();
                self.here.flush(now);
                self.here.tick(now);
                self.there.tick(now);
                while let Some(out) = self.here.poll() {
                    mail.extend(sent(out).map(|bytes| (true, bytes)));
                }
                while let Some(out) = self.there.poll() {
                    if let Out::Refuse(_, reason) = &out {
                        self.refused.push(*reason);
                    }
                    mail.extend(sent(out).map(|bytes| (false, bytes)));
                }
                for (to_there, bytes) in mail {
                    let to = if to_there { &mut self.there } else { &mut self.here };
                    to.handle(peer, &bytes, now);
                }
            }
        }

        fn connect(&mut self, now: u64) {
            self.here.connected(PeerId(1), Role::Server, ReplicaId(2), now);
            self.there.connected(PeerId(1), Role::Server, ReplicaId(1), now);
        }
    }

    fn sent(out: Out) -> Option<Vec<u8>> {
        match out {
            Out::Send(_, bytes) | Out::Broadcast { bytes, .. } => Some(bytes),
            _ => None,
        }
    }

    /// What the other one makes of these, pushed one by one to one who is connected, or all at once to one who comes later.
    fn told(contents: Vec<Content>, pushed: bool) -> (Vec<RefusalReason>, usize) {
        let mut two = two();
        if pushed {
            two.connect(5000);
            two.talk(5000);
        }
        for content in contents {
            two.write(content);
            if pushed {
                two.talk(10_000);
            }
        }
        if !pushed {
            two.connect(5000);
        }
        two.talk(20_000);
        two.refused.dedup();
        (two.refused, two.there.live_entries())
    }

    #[test]
    fn what_was_made_or_given_may_be_spent() {
        for pushed in [true, false] {
            let contents = vec![says(1, 0, 5, &[]), says(1, 2, 6, &[(4, 1)])];
            assert_eq!(told(contents, pushed), (Vec::new(), 2), "pushed: {pushed}");
        }
    }

    #[test]
    fn what_nobody_made_or_gave_is_not_spent() {
        for pushed in [true, false] {
            for wrong in [says(1, 0, 6, &[]), says(1, 1, 0, &[(4, 7)]), says(1, 0, 3, &[(4, 3)])] {
                let (refused, _) = told(vec![wrong.clone()], pushed);
                assert_eq!(refused, [RefusalReason::Overspent], "pushed: {pushed}, {wrong:?}");
                assert_eq!(refused[0].code(), "E0656");
            }
        }
    }

    #[test]
    fn what_an_earlier_incarnation_had_left_may_be_spent_once() {
        let heir = |replica, before: Vec<u128>, down| {
            let Content::Rights(mut rights) = says(replica, 0, down, &[]) else { panic!("rights") };
            rights.before = before;
            Content::Rights(rights)
        };
        let first = says(1, 10, 4, &[]);
        let affords = |content: &Content, known: &[&Content]| State::affords(content, known);
        let (second, third) = (heir(2, vec![1], 3), heir(3, vec![2], 3));
        assert!(affords(&second, &[&first]) && affords(&third, &[&first, &second]));
        assert!(affords(&first, &[&second, &third]), "in whatever order they are looked at");
        assert!(!affords(&heir(3, vec![2], 4), &[&first, &second]));
        assert!(!affords(&heir(2, vec![1], 7), &[&first]));
        assert!(!affords(&heir(4, vec![1], 4), &[&first, &second]), "it has another heir, who spent some");
        assert!(!affords(&heir(3, vec![], 1), &[&first]));
        // What was on its way to the first is the second's.
        let gift = says(9, 5, 0, &[(1, 5)]);
        assert!(affords(&heir(2, vec![1], 11), &[&first, &gift]) && !affords(&heir(2, vec![1], 12), &[&first, &gift]));
        // After many lives, in whatever order their numbers are; and of two who lie.
        let many: Vec<Content> =
            (1..300u128).map(|life| heir(life * 7919 % 1009, vec![(life - 1) * 7919 % 1009], 0)).collect();
        let first = says(0, 10, 0, &[]);
        let known: Vec<&Content> = many.iter().chain([&first]).collect();
        let last = |down| heir(300 * 7919 % 1009, vec![299 * 7919 % 1009], down);
        assert!(affords(&last(10), &known) && !affords(&last(11), &known));
        assert!(!affords(&heir(5, vec![6], 1), &[&heir(6, vec![5], 0)]), "a ring has nothing");
        // Who has taken over does not give back.
        assert!(!affords(&heir(2, vec![], 3), &[&first, &heir(2, vec![1], 3)]));
    }

    #[test]
    fn what_was_said_is_not_taken_back() {
        for wrong in [says(1, 3, 2, &[(4, 1)]), says(1, 4, 1, &[(4, 1)]), says(1, 4, 2, &[]), says(1, 4, 2, &[(4, 0)])]
        {
            let (refused, _) = told(vec![says(1, 4, 2, &[(4, 1)]), wrong.clone()], true);
            assert_eq!(refused, [RefusalReason::Overspent], "{wrong:?}");
        }
    }
}
