//! What a peer may cost us, in one place.

use std::time::Duration;

/// The name of our protocol in the TLS handshake.
pub const ALPN: &[u8] = b"lasp/1";
/// The version of what is said after the handshake.
pub const PROTOCOL: u16 = 1;
/// The most bytes of a greeting, an answer to one, or an overlay message without a payload.
pub const CONTROL_BYTES_MAX: usize = 16 * 1024;
/// The most bytes of one node message.
pub const MESSAGE_BYTES_MAX: usize = 4 << 20;
/// The most bytes that may wait to be sent to one peer; what is beyond is lost, and fetched when vectors are compared. What
/// must not be lost may wait up to twice as much; beyond that the connection ends.
pub const QUEUE_BYTES_MAX: usize = 8 << 20;
/// With more than this waiting for one peer, broadcasts to it are given up: it will fetch them. When most peers are half as
/// far behind, the node's own work waits.
pub const PUSH_BYTES_HIGH: usize = 1 << 20;
/// With more than this of its own broadcasts on their way to the overlay, the node's work waits.
pub const BROADCASTS_BYTES_HIGH: usize = 256 << 10;
/// What the overlay adds to a node's message.
pub const PUSH_EXTRA_BYTES: usize = 1024;
/// The most addresses at which one node can be dialed.
pub const REACH_ADDRESSES_MAX: usize = 4;
/// The most other servers that a server tells its clients of.
pub const SERVERS_TOLD_MAX: usize = 16;
/// The most servers that a client keeps in mind, to turn to one of them when it has lost its own.
pub const SERVERS_KNOWN_MAX: usize = 64;
/// The most bytes received from all peers together that may wait for the node; beyond it nothing is read.
pub const INBOX_BYTES_MAX: usize = 32 << 20;
/// The most bytes of a node's name, and of a reason.
pub const TEXT_BYTES_MAX: usize = 256;
/// The most peers that one may be connected to.
pub const LINKS_MAX: usize = 512;
/// With more connections to other servers than this a server ends those that only the other side's user wants, and that no
/// neighbours need.
pub const LINKS_FOR_OTHERS: usize = 16;
/// The most handshakes from outside at one time.
pub const HANDSHAKES_MAX: usize = 64;
/// The most bytes of a list of revocations: more than 20,000 of them.
pub const REVOCATIONS_BYTES_MAX: usize = 1 << 20;
/// The most lists, of revocations or of servers that decide, that are taken from one connection.
pub const REVOCATIONS_PER_LINK: u32 = 64;
/// The most bytes of a list of servers that decide.
pub const DECIDERS_BYTES_MAX: usize = 64 << 10;
/// The most questions of `lasp doctor` that are answered on one connection.
pub const PROBES_MAX: u32 = 16;
/// The most bytes of a file with a key, a certificate or a list of revocations.
pub const KEY_FILE_BYTES_MAX: u64 = 2 << 20;
/// The most certificates that one authority issues.
pub const ISSUED_MAX: usize = 100_000;
/// The most bytes of the name of a node that a certificate is issued for.
pub const NODE_NAME_BYTES_MAX: usize = 64;

/// How far a clock may be behind the authority's for a new certificate to count at once.
pub const CLOCK_SKEW: Duration = Duration::from_hours(1);
/// Clocks that differ by more are told of by `lasp doctor`.
pub const CLOCKS_APART: Duration = Duration::from_secs(5);
/// A certificate that ends within this time is warned of.
pub const EXPIRY_WARNING: Duration = Duration::from_hours(14 * 24);

/// How often it is looked whether a node's folder has a renewed certificate or a newer list of revocations, and whether
/// certificates of peers have expired.
pub const RELOAD: Duration = Duration::from_secs(2);
/// After this long without a sign of life a peer counts as gone.
pub const IDLE: Duration = Duration::from_secs(4);
/// How often a sign of life is sent when there is nothing else to send.
pub const KEEP_ALIVE: Duration = Duration::from_secs(1);
/// A peer that is not heard for this long, although somebody else claims to be it, is taken to be gone.
pub const SIGN_OF_LIFE: Duration = Duration::from_millis(1300);
/// How long one attempt to connect, greeting included, may take.
pub const ATTEMPT: Duration = Duration::from_millis(2500);
/// The first and the longest pause between two attempts.
pub const PAUSE_MIN: Duration = Duration::from_millis(100);
/// See [`PAUSE_MIN`].
pub const PAUSE_MAX: Duration = Duration::from_secs(2);
/// How long the node with the greater identity leaves it to the other to dial, when both want to.
pub const COURTESY: Duration = Duration::from_millis(100);
/// After this long without taking anything a peer is not waited for.
pub const STUCK: Duration = Duration::from_secs(1);
/// After this long without taking anything a peer loses its connection.
pub const STALLED: Duration = Duration::from_secs(10);
/// After this long a connection that no neighbours need is closed.
pub const UNNEEDED: Duration = Duration::from_secs(10);
/// A node that has ended an unneeded connection is dialed again after this long, if others have broken off since.
pub const RELEASED: Duration = Duration::from_mins(5);
/// What the first round trip is guessed at, before it is measured; a lost first packet is sent again after three of these.
pub const FIRST_ROUND_TRIP: Duration = Duration::from_millis(60);
