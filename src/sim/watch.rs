//! Who watches a run, node by node, as it happens: what is written goes to the oracle, what it costs to the measure.

use crate::node::Node;
use crate::replica::MESSAGE_BYTES_MAX;
use crate::replica::Written;
use crate::sim::measure::Measure;
use crate::sim::oracle::Broken;
use crate::sim::oracle::Oracle;

/// See the module.
#[derive(Default)]
pub(crate) struct Watch {
    pub(crate) oracle: Oracle,
    pub(crate) measure: Measure,
    /// What was found wrong at the moment of writing, with the node.
    pub(crate) broken: Vec<(usize, Broken)>,
    /// The longest message that is longer than any may be.
    pub(crate) too_long: Option<usize>,
}

impl Watch {
    /// A node starts; it has to know what the last one in its place knew, if that has come `back` with its data.
    pub(crate) fn started(&mut self, node: usize, back: bool) {
        self.measure.started(node);
        if !back {
            self.oracle.forgets(node);
        }
    }

    pub(crate) fn gone(&mut self, node: usize) {
        self.measure.gone(node);
    }

    /// A node wrote something.
    pub(crate) fn wrote(&mut self, number: usize, all: Vec<Written>, now_ms: u64) {
        for written in all {
            self.measure.wrote(number, &written, now_ms);
            if let Err(broken) = self.oracle.wrote(written) {
                self.broken.push((number, broken));
            }
        }
    }

    /// A node may have seen more than before.
    pub(crate) fn looked_at(&mut self, number: usize, node: &Node, now_ms: u64) {
        self.measure.looked_at(number, node, now_ms);
    }

    pub(crate) fn sent(&mut self, kind: &'static str, bytes: usize, copies: usize) {
        self.measure.sent(kind, bytes, copies);
        if bytes > MESSAGE_BYTES_MAX {
            self.too_long = self.too_long.max(Some(bytes));
        }
    }
}
