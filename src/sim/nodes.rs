//! Sets of nodes as people write them: `0,1`, `3..9`, `rest`.

use std::fmt;

/// Some nodes, by number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nodes {
    /// Those from the first number to the second, both included; several such ranges.
    Ranges(Vec<(usize, usize)>),
    /// All that are not on the other sides.
    Rest,
}

impl Nodes {
    /// One node.
    #[must_use]
    pub fn one(node: usize) -> Nodes {
        Nodes::Ranges(vec![(node, node)])
    }

    /// Reads `0,1`, `3..9`, `0, 4..6` or `rest`. Both ends of a range are in it.
    #[must_use]
    pub fn read(text: &str) -> Option<Nodes> {
        if text.trim() == "rest" {
            return Some(Nodes::Rest);
        }
        let range = |part: &str| {
            let (first, last) = part.split_once("..").unwrap_or((part, part));
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some((first, last))
        };
        text.split(',').map(range).collect::<Option<Vec<_>>>().map(Nodes::Ranges)
    }

    /// Whether a node is named. `Rest` names none.
    #[must_use]
    pub fn names(&self, node: usize) -> bool {
        match self {
            Nodes::Ranges(ranges) => ranges.iter().any(|&(first, last)| (first..=last).contains(&node)),
            Nodes::Rest => false,
        }
    }

    /// The nodes that are named, each once.
    #[must_use]
    pub fn list(&self) -> Vec<usize> {
        let Nodes::Ranges(ranges) = self else { return Vec::new() };
        let mut nodes: Vec<usize> = ranges.iter().flat_map(|&(first, last)| first..=last).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// The same without some; none if none is left.
    #[must_use]
    pub fn without(&self, gone: &dyn Fn(usize) -> bool) -> Option<Nodes> {
        if *self == Nodes::Rest {
            return Some(Nodes::Rest);
        }
        let left: Vec<usize> = self.list().into_iter().filter(|node| !gone(*node)).collect();
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        for node in left {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == node => *last = node,
                _ => ranges.push((node, node)),
            }
        }
        (!ranges.is_empty()).then_some(Nodes::Ranges(ranges))
    }

    /// The greatest number that is named.
    #[must_use]
    pub fn greatest(&self) -> Option<usize> {
        let Nodes::Ranges(ranges) = self else { return None };
        ranges.iter().map(|&(_, last)| last).max()
    }
}

fn number(text: &str) -> Option<usize> {
    text.trim().parse().ok().filter(|number| *number < crate::sim::scenario::NODES_MAX)
}

impl fmt::Display for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Nodes::Ranges(ranges) = self else { return f.write_str("rest") };
        for (at, (first, last)) in ranges.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { "," })?;
            if first == last {
                write!(f, "{first}")?;
            } else {
                write!(f, "{first}..{last}")?;
            }
        }
        Ok(())
    }
}
