//! What a run of a program comes to, so that two runs can be compared: what each replica showed, and the shared values once
//! everybody has everything.
//!
//! The order in which *different* tasks of one replica print is not part of it, for a program does not say anything about it;
//! the order in which one task prints is.

use std::collections::BTreeMap;
use std::fmt;

use crate::value::term::Term;

/// What one replica showed.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shown {
    /// What each task printed, line by line; the tasks sorted by that.
    pub prints: Vec<Vec<String>>,
    /// Errors and failed assertions: place, code and title, sorted.
    pub errors: Vec<String>,
    /// Tasks that wait at the end, by what they wait for: sorted.
    pub waits: Vec<String>,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    /// By number of replica.
    pub replicas: Vec<Shown>,
    /// What effects of the whole cluster printed, whichever replica ran them: line by line, the effects sorted by that.
    pub once: Vec<Vec<String>>,
    /// The replicated variables with names at top level, and those declared under names of their own: all values that replicas have for each, normally one.
    /// A dynamic variable of each replica by itself.
    pub finals: BTreeMap<String, Vec<Term>>,
    /// Whether some turn was still going on when the simulator gave up.
    pub endless: bool,
}

impl Outcome {
    /// What this outcome has and the other has not, one thing a line, in the order of replicas and names.
    #[must_use]
    pub fn beside(&self, other: &Outcome) -> Vec<String> {
        let nothing = Shown::default();
        let mut lines = Vec::new();
        for (number, here) in self.replicas.iter().enumerate() {
            let there = other.replicas.get(number).unwrap_or(&nothing);
            let left = left_over(lines_of(here), lines_of(there));
            lines.extend(left.into_iter().map(|line| format!("replica {number} {line}")));
        }
        for lines_once in left_over(self.once.iter().collect(), other.once.iter().collect()) {
            lines.extend(lines_once.iter().map(|text| once_line(text)));
        }
        for (name, values) in &self.finals {
            if other.finals.get(name) != Some(values) {
                lines.push(final_line(name, values));
            }
        }
        if self.endless && !other.endless {
            lines.push("it does not come to an end".to_owned());
        }
        lines
    }
}

/// What the one has and the other has not, each as often.
fn left_over<T: PartialEq>(mine: Vec<T>, mut theirs: Vec<T>) -> Vec<T> {
    let is_new = |one: &T| {
        let known = theirs.iter().position(|known| known == one);
        known.map(|at| theirs.remove(at)).is_none()
    };
    mine.into_iter().filter(is_new).collect()
}

fn lines_of(shown: &Shown) -> Vec<String> {
    let prints = shown.prints.iter().flatten().map(|text| format!("prints {}", text.trim_end()));
    let errors = shown.errors.iter().map(|text| format!("reports {text}"));
    let waits = shown.waits.iter().map(|text| format!("waits for ever {text}"));
    prints.chain(errors).chain(waits).collect()
}

fn once_line(text: &str) -> String {
    format!("one of the replicas prints {}", text.trim_end())
}

fn final_line(name: &str, values: &[Term]) -> String {
    let values: Vec<String> = values.iter().map(ToString::to_string).collect();
    format!("{name} = {}", values.join(" or "))
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, shown) in self.replicas.iter().enumerate() {
            for line in lines_of(shown) {
                writeln!(f, "replica {number} {line}")?;
            }
        }
        for text in self.once.iter().flatten() {
            writeln!(f, "{}", once_line(text))?;
        }
        for (name, values) in &self.finals {
            writeln!(f, "{}", final_line(name, values))?;
        }
        if self.endless {
            writeln!(f, "it does not come to an end")?;
        }
        Ok(())
    }
}
