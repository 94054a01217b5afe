//! Sizes and times.

/// Sizes and times in milliseconds. All nodes of a cluster should have the same.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many neighbours a node has in a topic, if there are so many.
    pub neighbours: usize,
    /// How many others it remembers to take their places.
    pub reserve: usize,
    /// The most nodes that it knows to take part in a topic: who is offered a place beside the reserve, and sought when lost.
    pub known_max: usize,
    /// From one exchange of known nodes to the next; the first come sooner.
    pub shuffle_ms: u64,
    /// From a change to the first attempt to fill a free place; doubled with each attempt. 0: places are filled when a
    /// neighbour is lost, and by shuffles, alone.
    pub nudge_ms: u64,
    /// How long a node that was asked to be a neighbour may take to answer, connecting included.
    pub answer_ms: u64,
    /// From losing a node to the first attempt to reach it again; doubled with each attempt. 0: it is not tried.
    pub retry_ms: u64,
    /// The longest such pause.
    pub retry_max_ms: u64,
    /// From one message with payloads to the next on a link, while there are many.
    pub gather_ms: u64,
    /// From the announcement of a payload that does not come to asking for it.
    pub graft_ms: u64,
    /// How long announcements are gathered; five times as long while there are many.
    pub announce_ms: u64,
    /// How long payloads are kept for those who ask for them.
    pub kept_ms: u64,
    /// The most bytes of payloads that are kept so.
    pub kept_bytes_max: usize,
    /// The most bytes of a payload that is passed on by the tree.
    pub tree_bytes_max: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            neighbours: 8,
            reserve: 30,
            known_max: 4096,
            shuffle_ms: 30_000,
            nudge_ms: 50,
            answer_ms: 3000,
            retry_ms: 2000,
            retry_max_ms: 20_000,
            gather_ms: 10,
            graft_ms: 200,
            announce_ms: 20,
            kept_ms: 2500,
            kept_bytes_max: 32 << 20,
            tree_bytes_max: 64 << 10,
        }
    }
}
