//! What a simulation types at nodes' prompts, checked before it runs.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::cli::out::Out;
use crate::cli::program::Program;
use crate::compile::Session;
use crate::sim::script::Action;
use crate::sim::script::Planned;
use crate::sim::script::typed_line;
use crate::source::diagnostic::Diagnostic;
use crate::source::diagnostic::Severity;

/// Whether the program's nodes understand what is typed. What they do not is told.
pub(super) fn is_sound(out: &Out, program: &Program, events: &[Planned]) -> bool {
    let mut told = BTreeSet::new();
    for lines in typed(events) {
        let mut session = Session::new().0;
        if session.program(&program.name, &program.text).is_err() {
            return false;
        }
        for line in lines {
            let Err(wrong) = session.prompt(&typed_line(line)) else { continue };
            let errors: Vec<Diagnostic> = wrong.into_iter().filter(|told| told.severity == Severity::Error).collect();
            // What several nodes have typed is told once.
            if told.insert(line) {
                errors.iter().for_each(|error| out.diagnostic(None, &session.files, error));
            }
        }
    }
    told.is_empty()
}

/// What is typed at each node, in order; the same at several nodes once.
fn typed(events: &[Planned]) -> BTreeSet<Vec<&str>> {
    let mut events: Vec<&Planned> = events.iter().collect();
    events.sort_by_key(|planned| planned.at_ms);
    let mut lines: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for planned in events {
        if let Action::Type { nodes, text } = &planned.action {
            nodes.list().into_iter().for_each(|node| lines.entry(node).or_default().push(text));
        }
    }
    lines.into_values().collect()
}
