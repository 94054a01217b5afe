//! The values of several nodes at the end, by name: once where those who take a variable agree.

use std::collections::BTreeMap;

use crate::cli::out::Out;
use crate::node::Final;
use crate::value::codec;

/// See the module.
pub struct Values<'a> {
    order: Vec<&'a str>,
    by_name: BTreeMap<&'a str, Vec<(String, &'a Final)>>,
}

/// What nodes have under one name.
pub struct Named<'a> {
    /// The name.
    pub name: &'a str,
    /// Nodes to which all comes that there is of it, with its value.
    takers: Vec<&'a (String, &'a Final)>,
    /// The others, which have of it what they wrote themselves at most.
    others: Vec<&'a (String, &'a Final)>,
}

impl<'a> Values<'a> {
    /// Gathers what nodes have: each with its name, in order.
    pub fn of(nodes: impl IntoIterator<Item = (String, &'a [Final])>) -> Values<'a> {
        let mut values = Values { order: Vec::new(), by_name: BTreeMap::new() };
        for (node, finals) in nodes {
            for last in finals {
                let entry = values.by_name.entry(&last.name).or_default();
                if entry.is_empty() {
                    values.order.push(&last.name);
                }
                entry.push((node.clone(), last));
            }
        }
        values
    }

    /// The names, in the order of binding.
    pub fn names(&'a self) -> impl Iterator<Item = Named<'a>> {
        self.order.iter().map(|name| {
            let (takers, others) = self.by_name[name].iter().partition(|(_, last)| last.taken);
            Named { name, takers, others }
        })
    }
}

impl Named<'_> {
    /// Where the values of those who take the variable differ, though they are replicated.
    #[must_use]
    pub fn difference(&self) -> Option<String> {
        let differ = !self.each_has_its_own() && !self.agree();
        let each = self.takers.iter().map(|(node, last)| format!("{} on {node}", last.value));
        differ.then(|| format!("{} is {}", self.name, each.collect::<Vec<_>>().join(", ")))
    }

    /// Whether the variable is dynamic, or the name stands for one that is another on each node: `Y = f()`, where `f` declares it.
    fn each_has_its_own(&self) -> bool {
        let mut all = self.takers.iter().chain(&self.others).map(|(_, last)| last);
        let first = all.clone().next().map(|last| &last.variable);
        all.any(|last| last.dynamic || Some(&last.variable) != first)
    }

    fn agree(&self) -> bool {
        let mut values = self.takers.iter().map(|(_, last)| codec::encode(&last.value));
        let first = values.next();
        values.all(|value| Some(value) == first)
    }

    /// Prints them: of at most so many nodes what each has for itself, and how many nodes are named.
    pub fn print(&self, out: &Out, nodes_max: usize) {
        let (takers, one) = (&self.takers, self.agree() && !self.each_has_its_own());
        match takers.first() {
            Some((node, first)) if one && self.others.is_empty() => return out.last(node, first, false),
            Some((_, first)) if one => {
                let nodes: Vec<&str> = takers.iter().map(|(node, _)| node.as_str()).collect();
                out.last_of(&nodes, first, nodes_max);
            }
            Some(_) => self.each(out, takers, nodes_max),
            // Nobody takes it: each has what it wrote itself, the same perhaps.
            None => {
                let same = self.others.windows(2).all(|pair| pair[0].1.value == pair[1].1.value);
                match self.others.first() {
                    Some((node, first)) if same && !self.each_has_its_own() => out.last(node, first, false),
                    _ => self.each(out, &self.others, nodes_max),
                }
                return;
            }
        }
        if !self.others.is_empty() {
            let mut some: Vec<&str> = self.others.iter().map(|(node, _)| node.as_str()).take(nodes_max).collect();
            if self.others.len() > some.len() {
                some.push("..");
            }
            out.status(&format!("{} is not shown of {}, where its topic is not taken", self.name, some.join(", ")));
        }
    }

    fn each(&self, out: &Out, values: &[&(String, &Final)], nodes_max: usize) {
        for (node, last) in values.iter().take(nodes_max) {
            out.last(node, last, true);
        }
        if values.len() > nodes_max {
            out.status(&format!("{} on {} more nodes is not shown", self.name, values.len() - nodes_max));
        }
    }
}
