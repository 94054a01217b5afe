//! The slow engine: recomputes every value from the live entries, each time, by the definition. What the incremental engine
//! is held against in tests, and the shortest way to read what a derivation means.
//!
//! Shares no code with the incremental engine but terms, contents and exact sums.

use std::collections::BTreeMap;

use crate::engine::change::BaseChange;
use crate::engine::evaluate::Evaluate;
use crate::graph::Derivation;
use crate::graph::Operator;
use crate::graph::VariableId;
use crate::lattice::dot::Dot;
use crate::value::compare;
use crate::value::content::Content;
use crate::value::content::Tally;
use crate::value::kind::Type;
use crate::value::operation::sum_of;
use crate::value::term::Term;

/// Variables with their live entries, and derivations.
#[derive(Default)]
pub struct Reference {
    kinds: Vec<Type>,
    entries: BTreeMap<(VariableId, Dot), Content>,
    derivations: Vec<Derivation>,
}

impl Reference {
    /// Makes a variable; they are numbered from 0.
    pub fn declare(&mut self, kind: Type) -> VariableId {
        self.kinds.push(kind);
        VariableId(u32::try_from(self.kinds.len() - 1).unwrap_or(u32::MAX))
    }

    /// Adds a derivation, which must be allowed; known ones change nothing.
    pub fn derive(&mut self, derivation: Derivation) {
        if self.derivations.iter().all(|known| known.identity != derivation.identity) {
            self.derivations.push(derivation);
        }
    }

    /// An entry comes or goes.
    pub fn apply(&mut self, change: &BaseChange) {
        let key = (change.variable, change.dot);
        if change.present {
            self.entries.insert(key, change.content.clone());
        } else {
            self.entries.remove(&key);
        }
    }

    /// A variable's value.
    pub fn value(&self, variable: VariableId, eval: &mut dyn Evaluate) -> Term {
        value(self.kind(variable), &self.contents(variable, eval))
    }

    /// What a `fold_dynamic` of this node contributes, as few contents as possible, in order.
    pub fn slot(&self, derivation: u128, eval: &mut dyn Evaluate) -> Vec<Content> {
        let Some(derivation) = self.derivations.iter().find(|known| known.identity == derivation) else {
            return Vec::new();
        };
        let contributed = self.contributed(derivation, eval);
        let mut contents = compact(self.kind(derivation.destination), &contributed);
        contents.sort();
        contents
    }

    fn kind(&self, variable: VariableId) -> &Type {
        &self.kinds[variable.0 as usize]
    }

    /// All that speaks for a variable's value: its entries, and what every derivation into it contributes now.
    fn contents(&self, variable: VariableId, eval: &mut dyn Evaluate) -> Vec<Content> {
        let own = self.entries.iter().filter(|((owner, _), _)| *owner == variable);
        let mut contents: Vec<Content> = own.map(|(_, content)| content.clone()).collect();
        for derivation in &self.derivations {
            let dynamic = matches!(derivation.operator, Operator::FoldDynamic(_));
            if derivation.destination == variable && !dynamic {
                contents.extend(self.contributed(derivation, eval));
            }
        }
        contents
    }

    fn contributed(&self, derivation: &Derivation, eval: &mut dyn Evaluate) -> Vec<Content> {
        let sources: Vec<Vec<Term>> = derivation.sources.iter().map(|source| self.elements(*source, eval)).collect();
        let left = &sources[0];
        let element = |terms: Vec<Term>| terms.into_iter().map(Content::Element).collect();
        match &derivation.operator {
            Operator::Map(f) => {
                element(left.iter().filter_map(|x| eval.call(f, std::slice::from_ref(x)).ok()).collect())
            }
            Operator::Filter(f) => {
                let keeps = |x: &&Term| eval.call(f, &[(*x).clone()]).is_ok_and(|kept| kept.as_bool() == Some(true));
                element(left.iter().filter(keeps).cloned().collect())
            }
            Operator::Union => element(left.iter().chain(&sources[1]).cloned().collect()),
            Operator::Intersection => element(left.iter().filter(|x| sources[1].contains(x)).cloned().collect()),
            Operator::Difference => element(left.iter().filter(|x| !sources[1].contains(x)).cloned().collect()),
            Operator::Join(f, g) => {
                let mut keyed = |f: &Term, side: &[Term]| -> Vec<(Term, Term)> {
                    side.iter().filter_map(|x| Some((eval.call(f, std::slice::from_ref(x)).ok()?, x.clone()))).collect()
                };
                let (left, right) = (keyed(f, left), keyed(g, &sources[1]));
                let pairs = left.iter().flat_map(|(key, x)| {
                    right
                        .iter()
                        .filter(move |(other, _)| other == key)
                        .map(|(_, y)| Term::tuple([x.clone(), y.clone()]))
                });
                element(pairs.collect())
            }
            Operator::GroupBy(key, f) => {
                let (Type::GMap(inner) | Type::AwMap(inner)) = self.kind(derivation.destination) else {
                    return Vec::new();
                };
                let mut contents = Vec::new();
                for x in left {
                    let Ok(key) = eval.call(key, std::slice::from_ref(x)) else { continue };
                    let given = folded(inner, f, x, eval).unwrap_or_default();
                    contents.extend(given.into_iter().map(|content| Content::Entry(Box::new((key.clone(), content)))));
                }
                contents
            }
            Operator::Product => {
                let pairs = left.iter().flat_map(|x| sources[1].iter().map(|y| Term::tuple([x.clone(), y.clone()])));
                element(pairs.collect())
            }
            Operator::Fold(f) | Operator::FoldDynamic(f) => {
                let kind = self.kind(derivation.destination);
                left.iter().filter_map(|x| folded(kind, f, x, eval)).flatten().collect()
            }
            Operator::Bind => compact(self.kind(derivation.sources[0]), &self.contents(derivation.sources[0], eval)),
        }
    }

    fn elements(&self, variable: VariableId, eval: &mut dyn Evaluate) -> Vec<Term> {
        let value = self.value(variable, eval);
        match self.kind(variable) {
            Type::Set | Type::GSet | Type::TopK(_) => value.to_vec().unwrap_or_default(),
            Type::Ivar | Type::LwwRegister if value == Term::atom("undefined") => Vec::new(),
            _ => vec![value],
        }
    }
}

/// The value that contents come to.
fn value(kind: &Type, contents: &[Content]) -> Term {
    match kind {
        Type::Set | Type::GSet => {
            let mut elements: Vec<Term> = contents.iter().filter_map(term).cloned().collect();
            elements.sort();
            elements.dedup();
            Term::list(elements)
        }
        Type::Counter | Type::GCounter => total(contents).value(),
        Type::MaxInt => contents.iter().filter_map(term).max().cloned().map_or(Term::Int(0), |n| n.max(Term::Int(0))),
        Type::Boolean => Term::boolean(!contents.is_empty()),
        Type::Ivar => {
            let mut values: Vec<Term> = contents.iter().filter_map(term).cloned().collect();
            values.sort();
            values.dedup();
            match values.len() {
                0 => Term::atom("undefined"),
                1 => values.remove(0),
                _ => Term::tuple([Term::atom("conflict"), Term::list(values)]),
            }
        }
        Type::LwwRegister => newest(contents).map_or(Term::atom("undefined"), |(_, value)| value),
        Type::TopK(k) => Term::list(
            best(*k, contents).into_iter().map(|(name, score)| Term::tuple([name, score])).collect::<Vec<_>>(),
        ),
        _ => Term::boolean(!contents.is_empty()),
    }
}

/// Contents that come to the same, as few as possible.
fn compact(kind: &Type, contents: &[Content]) -> Vec<Content> {
    match kind {
        Type::Set | Type::GSet => {
            value(kind, contents).to_vec().unwrap_or_default().into_iter().map(Content::Element).collect()
        }
        Type::Counter | Type::GCounter => {
            let total = total(contents);
            if total.is_empty() { Vec::new() } else { vec![Content::Tally(Box::new(total))] }
        }
        Type::MaxInt => contents.iter().filter_map(term).max().cloned().map(Content::Number).into_iter().collect(),
        Type::Boolean => contents.first().cloned().into_iter().collect(),
        Type::Ivar => {
            let mut contents = contents.to_vec();
            contents.sort();
            contents.dedup();
            contents
        }
        Type::LwwRegister => newest(contents).map(|stamped| Content::Stamped(Box::new(stamped))).into_iter().collect(),
        Type::TopK(k) => best(*k, contents).into_iter().map(|pair| Content::Score(Box::new(pair))).collect(),
        _ => contents.to_vec(),
    }
}

fn term(content: &Content) -> Option<&Term> {
    match content {
        Content::Element(term) | Content::Number(term) | Content::Value(term) => Some(term),
        _ => None,
    }
}

fn total(contents: &[Content]) -> Tally {
    let mut total = Tally::default();
    for content in contents {
        if let Content::Tally(tally) = content {
            total.add(tally);
        }
    }
    total
}

fn newest(contents: &[Content]) -> Option<(Term, Term)> {
    let stamped = contents.iter().filter_map(|content| match content {
        Content::Stamped(stamped) => Some((**stamped).clone()),
        _ => None,
    });
    stamped.max()
}

fn best(k: u32, contents: &[Content]) -> Vec<(Term, Term)> {
    let better = |a: &Term, b: &Term| compare(b, a).then_with(|| a.cmp(b));
    let mut names: BTreeMap<Term, Term> = BTreeMap::new();
    for content in contents {
        let Content::Score(pair) = content else { continue };
        let (name, score) = &**pair;
        let known = names.entry(name.clone()).or_insert_with(|| score.clone());
        if better(score, known).is_lt() {
            *known = score.clone();
        }
    }
    let mut pairs: Vec<(Term, Term)> = names.into_iter().collect();
    pairs.sort_by(|(name_a, a), (name_b, b)| compare(b, a).then_with(|| name_a.cmp(name_b)));
    pairs.truncate(k as usize);
    pairs
}

/// What a fold's function contributes for an element.
fn folded(kind: &Type, f: &Term, x: &Term, eval: &mut dyn Evaluate) -> Option<Vec<Content>> {
    let two = matches!(f, Term::Fun(closure) if closure.arity == 2);
    let arguments = if two { vec![x.clone(), value(kind, &[])] } else { vec![x.clone()] };
    operations(kind, &eval.call(f, &arguments).ok()?)
}

/// The contents of one operation or of a list of them; `None` if any cannot be contributed.
fn operations(kind: &Type, returned: &Term) -> Option<Vec<Content>> {
    match returned.to_vec() {
        Some(many) => many.iter().map(|one| operation(kind, one)).collect::<Option<Vec<_>>>().map(|all| all.concat()),
        None => operation(kind, returned),
    }
}

fn operation(kind: &Type, term: &Term) -> Option<Vec<Content>> {
    let words = match term.as_tuple() {
        Some(parts) if parts.len() > 1 => parts,
        Some(_) => return None,
        None => std::slice::from_ref(term),
    };
    let (word, rest) = words.split_first()?;
    match (kind, word.as_atom()?, rest) {
        (Type::Set | Type::GSet, "add", [x]) => {
            Some(x.to_vec().unwrap_or_else(|| vec![x.clone()]).into_iter().map(Content::Element).collect())
        }
        (Type::Set | Type::GSet, "add_all", [x]) => Some(x.to_vec()?.into_iter().map(Content::Element).collect()),
        (Type::Counter | Type::GCounter, word @ ("increment" | "decrement"), _) => {
            let amount = match rest {
                [] => Term::Int(1),
                [amount] => amount.clone(),
                _ => return None,
            };
            let amount = sum_of(&amount)?;
            let down = (word == "decrement") != amount.is_negative();
            let amount = if amount.is_negative() { amount.negated() } else { amount };
            if *kind == Type::GCounter && (down || word == "decrement") {
                return None;
            }
            let mut tally = Tally::default();
            if down { &mut tally.down } else { &mut tally.up }.add(&amount);
            Some(vec![Content::Tally(Box::new(tally))])
        }
        (Type::MaxInt, "set", [n @ (Term::Int(_) | Term::Big(_))]) => Some(vec![Content::Number(n.clone())]),
        (Type::Boolean, "true", []) => Some(vec![Content::True]),
        (Type::TopK(_), "set", [name, score]) => Some(vec![Content::Score(Box::new((name.clone(), score.clone())))]),
        _ => None,
    }
}
