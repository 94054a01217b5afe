//! `maps`: what needs a look inside.

use triomphe::Arc;

use crate::value::map::Map;
use crate::value::term::Term;
use crate::vm::boolean;
use crate::vm::fault::Fault;
use crate::vm::native::Answer;
use crate::vm::native::Refusal;
use crate::vm::native::Table;
use crate::vm::native::length;
use crate::vm::native::list;

pub(super) const NATIVES: Table = &[
    ("get", 2, |a| map(&a[1])?.get(&a[0]).cloned().ok_or_else(|| no_key(&a[0], &a[1]))),
    ("get", 3, |a| Ok(map(&a[1])?.get(&a[0]).unwrap_or(&a[2]).clone())),
    ("put", 3, |a| put(&a[0], &a[1], &a[2])),
    ("update", 3, |a| {
        map(&a[2])?.get(&a[0]).ok_or_else(|| no_key(&a[0], &a[2]))?;
        put(&a[0], &a[1], &a[2])
    }),
    ("find", 2, |a| {
        let found = map(&a[1])?.get(&a[0]);
        Ok(found.map_or_else(|| Term::atom("error"), |value| Term::tuple([Term::atom("ok"), value.clone()])))
    }),
    ("is_key", 2, |a| Ok(boolean(map(&a[1])?.get(&a[0]).is_some()))),
    ("remove", 2, |a| {
        let mut changed = map(&a[1])?.clone();
        Arc::make_mut(&mut changed).remove(&a[0]);
        Ok(Term::Map(changed))
    }),
    ("keys", 1, |a| Ok(Term::list(map(&a[0])?.keys().cloned().collect::<Vec<_>>()))),
    ("values", 1, |a| Ok(Term::list(map(&a[0])?.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>()))),
    ("to_list", 1, |a| {
        let entries: Vec<Term> = map(&a[0])?.iter().map(|(k, v)| Term::pair(k.clone(), v.clone())).collect();
        Ok(Term::list(entries))
    }),
    ("from_list", 1, from_list),
    ("from_keys", 2, |a| {
        let entries = list(&a[0])?.into_iter().map(|key| (key, a[1].clone()));
        Ok(Term::map(entries.collect()))
    }),
    ("size", 1, |a| Ok(length(map(&a[0])?.len()))),
    ("merge", 2, |a| {
        let (mut merged, newer) = (map(&a[0])?.clone(), map(&a[1])?);
        let entries = Arc::make_mut(&mut merged);
        for (key, value) in newer.iter() {
            entries.insert(key.clone(), value.clone());
        }
        Ok(Term::Map(merged))
    }),
    ("new", 0, |_| Ok(Term::map(Map::new()))),
];

fn map(term: &Term) -> Result<&Arc<Map>, Refusal> {
    match term {
        Term::Map(map) => Ok(map),
        other => Err(Fault::NotMap(other.clone()).into()),
    }
}

fn no_key(key: &Term, map: &Term) -> Refusal {
    Fault::NoKey { key: key.clone(), map: map.clone() }.into()
}

fn put(key: &Term, value: &Term, target: &Term) -> Answer {
    let mut changed = map(target)?.clone();
    Arc::make_mut(&mut changed).insert(key.clone(), value.clone());
    Ok(Term::Map(changed))
}

fn from_list(arguments: &[Term]) -> Answer {
    let mut map = Map::new();
    for entry in list(&arguments[0])? {
        let Some([key, value]) = entry.as_tuple() else {
            return Err(Refusal::Why("each element must be a tuple {Key, Value}"));
        };
        map.insert(key.clone(), value.clone());
    }
    Ok(Term::map(map))
}
