//! The variables that a program makes, as far as they are known: one for each site, type and name.

use rustc_hash::FxHashMap;

use crate::check::infer::value::Value;
use crate::library::Verb;
use crate::source::span::Span;
use crate::value::kind::Type;
use crate::value::term::Term;

/// The most variables of one site that are told apart.
const SITE_MAX: usize = 12;

/// A variable, or all that one site makes.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    /// The site, as a node's address.
    pub(super) site: usize,
    /// The name that it has on all nodes, where it is known.
    pub(super) name: Option<Term>,
    /// Whether its declaration is sure to be come to: at top level, and in no branch.
    pub(super) sure: bool,
    /// Whether it has a fresh name each time.
    pub(super) fresh: bool,
    /// Its type; `None` where it is not known.
    pub(super) kind: Option<Type>,
    pub(super) dynamic: bool,
    pub(super) verb: Verb,
    pub(super) span: Span,
    /// What it can have as elements, or be assigned: all that this program puts in.
    pub(super) content: Value,
    /// What may lie under the keys of a map, be `fst` and `snd`: not followed.
    pub(super) escapes: bool,
}

/// All of them, by number.
#[derive(Debug, Default)]
pub(super) struct Variables {
    all: Vec<Variable>,
    by_site: FxHashMap<usize, Vec<u32>>,
    /// Those that are sure to be declared, by name.
    by_name: FxHashMap<Term, Vec<u32>>,
    /// What updates have put into variables of which it is not known which they are.
    anywhere: Option<Value>,
    /// The contents at the end of the pass before.
    pub(super) before: Vec<Value>,
}

impl Variables {
    /// The number of a variable; the same for the same site, type and name.
    pub(super) fn intern(&mut self, variable: Variable) -> u32 {
        let known = self.by_site.entry(variable.site).or_default();
        let crowded = known.len() >= SITE_MAX;
        let same = known.iter().find(|number| {
            let other = &self.all[**number as usize];
            crowded && other.kind.is_none()
                || other.kind == variable.kind && other.name == variable.name && other.dynamic == variable.dynamic
        });
        if let Some(number) = same {
            return *number;
        }
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        known.push(number);
        let kind = variable.kind.filter(|_| !crowded);
        let name = variable.name.filter(|_| !crowded);
        if let Some(name) = name.as_ref().filter(|_| variable.sure) {
            self.by_name.entry(name.clone()).or_default().push(number);
        }
        self.all.push(Variable { name, kind, ..variable });
        number
    }

    /// The variable that is sure to be declared before with the same name and another type. (Of two that are sure to be, the
    /// first has the smaller number.)
    pub(super) fn taken(&self, number: u32) -> Option<u32> {
        let new = self.get(number)?;
        let (name, kind) = (new.name.as_ref()?, new.kind.as_ref()?);
        let before = |other: &&u32| {
            let other_kind = self.get(**other).and_then(|other| other.kind.as_ref());
            (**other < number || !new.sure) && other_kind.is_some_and(|other| other != kind)
        };
        self.by_name.get(name)?.iter().find(before).copied()
    }

    /// The variable that is sure to be declared before with the same name, where one of the two is dynamic and the other not.
    pub(super) fn twin(&self, number: u32) -> Option<u32> {
        let new = self.get(number).filter(|new| new.sure && !new.fresh)?;
        let other =
            |other: &&u32| **other < number && self.get(**other).is_some_and(|other| other.dynamic != new.dynamic);
        self.by_name.get(new.name.as_ref()?)?.iter().find(other).copied()
    }

    pub(super) fn get(&self, number: u32) -> Option<&Variable> {
        self.all.get(number as usize)
    }

    pub(super) fn all(&self) -> &[Variable] {
        &self.all
    }

    /// Adds to what a variable can hold.
    pub(super) fn put(&mut self, number: u32, content: &Value) {
        if let Some(variable) = self.all.get_mut(number as usize) {
            variable.content = variable.content.join(content);
        }
    }

    /// An update went somewhere: into any variable that is in others, or may be handed to them, also later. What that comes to
    /// for each is only asked at the end.
    pub(super) fn put_anywhere(&mut self, content: &Value) {
        self.anywhere = Some(self.anywhere.take().map_or_else(|| content.clone(), |known| known.join(content)));
    }

    pub(super) fn escape(&mut self, number: u32) {
        if let Some(variable) = self.all.get_mut(number as usize) {
            variable.escapes = true;
        }
    }

    /// What this program puts into a variable, as the pass before found it.
    pub(super) fn content(&self, number: u32) -> Value {
        self.before.get(number as usize).cloned().unwrap_or_else(Value::any)
    }

    /// Ends a pass.
    pub(super) fn settle(&mut self) {
        let anywhere = self.anywhere.take();
        let content = |variable: &Variable| match &anywhere {
            Some(anywhere) if variable.escapes => variable.content.join(anywhere),
            _ => variable.content.clone(),
        };
        self.before = self.all.iter().map(content).collect();
        for variable in &mut self.all {
            variable.content = Value::never();
        }
    }

    /// `S`, for messages: the name, where it is one.
    pub(super) fn shown(&self, number: u32) -> Option<String> {
        let name = self.get(number)?.name.as_ref()?;
        Some(name.as_atom().map_or_else(|| name.to_string(), str::to_owned))
    }
}
