//! Any bytes from a peer, as a term and as a message to a node's replica. `cargo +nightly fuzz run message`.
#![no_main]

use lasp::lattice::dot::ReplicaId;
use lasp::replica::PeerId;
use lasp::replica::Replica;
use lasp::replica::Role;
use lasp::value::codec;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(term) = codec::decode(bytes) {
        assert_eq!(codec::decode(&codec::encode(&term)), Ok(term));
    }
    let mut replica = Replica::new(ReplicaId(1));
    replica.connected(PeerId(1), Role::Server, ReplicaId(99), 0);
    for (turn, message) in bytes.split(|byte| *byte == 0xff).enumerate() {
        replica.handle(PeerId(1), message, turn as u64);
        while replica.poll().is_some() {}
    }
    replica.tick(10_000);
    while replica.poll().is_some() {}
});
