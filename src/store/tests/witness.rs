//! Rights of bounded counters from one life of a folder to the next.

use super::*;
use crate::lattice::sum::Sum;
use crate::value::content::Account;
use crate::value::content::Rights;

/// An entry of another node's counter, by which it gives this life something.
fn given(to: ReplicaId) -> Record {
    let account = Account { moved: vec![((to.0, Term::atom("undefined")), Sum::default())], ..Account::default() };
    let rights = Rights { replica: 9, before: Vec::new(), accounts: vec![(Term::atom("undefined"), account)] };
    let place = Place { replica: ReplicaId(9), topic: 0, sequence: 1 };
    let key = VariableKey { name: key().name, kind: Type::BCounter };
    let content = Content::Rights(Box::new(rights));
    Record::Replica(replica::Record::Entry { place, key, slot: None, content })
}

#[test]
fn a_life_is_witnessed_from_the_first_entry_of_a_bounded_counter_on() {
    let folder = folder();
    let (path, witnesses) = (folder.path().join("data"), folder.path().join("rights"));
    let [first, second, third] = [1, 2, 3].map(|life| ReplicaId(7 << 64 | life));
    let begin = |me| {
        let mut store = Store::open(&path).expect("opens");
        let bounded = store.records().expect("read").iter().any(is_bounded);
        let inherits = store.begin_life(me, Some(&witnesses), bounded).expect("begins");
        (store, inherits)
    };
    let (mut store, inherits) = begin(ReplicaId(7 << 64));
    store.commit(&turn(1), &[]).expect("written");
    assert_eq!((inherits, witnesses.exists()), (Inheritance::default(), false), "nothing to tell, and nothing made");
    drop(store);
    let copy = folder.path().join("copy");
    std::fs::create_dir(&copy).expect("made");
    let (mut store, inherits) = begin(first);
    assert_eq!(inherits, Inheritance::default());
    store.commit(&[given(first)], &[]).expect("written");
    drop(store);
    std::fs::copy(path.join(FILE), copy.join(FILE)).expect("copied");
    let (store, inherits) = begin(second);
    assert_eq!(inherits, Inheritance { before: vec![first], unproven: None }, "what it was given is its own");
    drop(store);
    let mut older = Store::open(&copy).expect("opens");
    let inherits = older.begin_life(third, Some(&witnesses), true).expect("begins");
    assert_eq!(inherits.before, [], "an older copy has none of it");
}
