//! The slow engine: recomputes every value from the live entries, each time, by the definition. What the incremental engine
//! is held against in tests, and the shortest way to read what a derivation means.
//!
//! Shares no code with the incremental engine but terms, contents and exact sums.

use std::collections::BTreeMap;

use triomphe::Arc;

use crate::engine::change::BaseChange;
use crate::engine::evaluate::Evaluate;
use crate::engine::reference_values;
use crate::engine::reference_values::Piece;
use crate::engine::reference_values::value;
use crate::graph::Derivation;
use crate::graph::Operator;
use crate::graph::VariableId;
use crate::lattice::dot::Dot;
use crate::value::content::Content;
use crate::value::content::Tally;
use crate::value::kind::Type;
use crate::value::operation::sum_of;
use crate::value::term::Term;

/// Variables with their live entries, and derivations.
#[derive(Default)]
pub struct Reference {
    kinds: Vec<Type>,
    /// With whether a node's `fold_dynamic` wrote it.
    entries: BTreeMap<(VariableId, Dot), (Content, bool)>,
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
            self.entries.insert(key, (change.content.clone(), change.slot));
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
        let contributed = given(self.contributed(derivation, eval));
        let mut contents = reference_values::compact(self.kind(derivation.destination), &contributed);
        contents.sort();
        contents
    }

    fn kind(&self, variable: VariableId) -> &Type {
        &self.kinds[variable.0 as usize]
    }

    /// All that speaks for a variable's value: its entries, and what every derivation into it contributes now.
    fn contents(&self, variable: VariableId, eval: &mut dyn Evaluate) -> Vec<Piece> {
        let entries = self.entries.iter().filter(|((owner, _), _)| *owner == variable);
        let piece = |(content, slot): &(Content, bool)| Piece { own: !slot, content: content.clone() };
        let mut contents: Vec<Piece> = entries.map(|(_, entry)| piece(entry)).collect();
        for derivation in &self.derivations {
            let dynamic = matches!(derivation.operator, Operator::FoldDynamic(_));
            if derivation.destination == variable && !dynamic {
                contents.extend(given(self.contributed(derivation, eval)));
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
                    contents.extend(given.into_iter().map(|content| Content::Entry(Arc::new((key.clone(), content)))));
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
            Operator::Bind => {
                reference_values::compact(self.kind(derivation.sources[0]), &self.contents(derivation.sources[0], eval))
            }
        }
    }

    fn elements(&self, variable: VariableId, eval: &mut dyn Evaluate) -> Vec<Term> {
        let value = self.value(variable, eval);
        match self.kind(variable) {
            Type::Set | Type::GSet | Type::RwSet | Type::TwoPSet | Type::TopK(_) => value.to_vec().unwrap_or_default(),
            Type::GMap(_) | Type::AwMap(_) => match value {
                Term::Map(map) => map.iter().map(|(k, v)| Term::tuple([k.clone(), v.clone()])).collect(),
                _ => Vec::new(),
            },
            Type::Ivar | Type::LwwRegister | Type::MinInt if value == Term::atom("undefined") => Vec::new(),
            Type::MvRegister if value == Term::Nil => Vec::new(),
            _ => vec![value],
        }
    }
}

/// What is contributed, as against a variable's own entries.
fn given(contents: Vec<Content>) -> Vec<Piece> {
    contents.into_iter().map(|content| Piece { own: false, content }).collect()
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
    let nested = |kind: &Type, op: &Term, wrap: &dyn Fn(Content) -> Content| {
        Some(operation(kind, op)?.into_iter().map(wrap).collect::<Vec<_>>())
    };
    match (kind, word.as_atom()?, rest) {
        (Type::Set | Type::GSet | Type::RwSet | Type::TwoPSet, "add", [x]) => {
            Some(x.to_vec().unwrap_or_else(|| vec![x.clone()]).into_iter().map(Content::Element).collect())
        }
        (Type::Set | Type::GSet | Type::RwSet | Type::TwoPSet, "add_all", [x]) => {
            Some(x.to_vec()?.into_iter().map(Content::Element).collect())
        }
        (Type::Counter | Type::GCounter | Type::LexCounter, word @ ("increment" | "decrement"), _) => {
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
        (Type::MaxInt | Type::MinInt, "set", [n @ (Term::Int(_) | Term::Big(_))]) => {
            Some(vec![Content::Number(n.clone())])
        }
        (Type::Boolean, "true", []) => Some(vec![Content::True]),
        (Type::TopK(_), "set", [name, score]) => Some(vec![Content::Score(Box::new((name.clone(), score.clone())))]),
        (Type::GMap(kind) | Type::AwMap(kind), "apply", [key, op]) => {
            nested(kind, op, &|content| Content::Entry(Arc::new((key.clone(), content))))
        }
        (Type::GMap(inner) | Type::AwMap(inner), "apply_all", [list]) => {
            let mut contents = Vec::new();
            for item in list.to_vec()? {
                let Some([key, op]) = item.as_tuple() else { return None };
                contents.extend(nested(inner, op, &|content| Content::Entry(Arc::new((key.clone(), content))))?);
            }
            Some(contents)
        }
        (Type::Pair(kinds), "fst", [op]) => nested(&kinds.0, op, &|content| Content::First(Box::new(content))),
        (Type::Pair(kinds), "snd", [op]) => nested(&kinds.1, op, &|content| Content::Second(Box::new(content))),
        (Type::Window(window), "at", [time @ (Term::Int(_) | Term::Big(_)), op]) => {
            nested(&window.kind, op, &|content| Content::Event(Arc::new((time.clone(), content))))
        }
        _ => None,
    }
}
