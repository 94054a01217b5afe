# Lists what there is to do.
default:
    @just --list

# Everything that has to hold before a change lands.
check:
    ./.ci/run

# All tests, or those whose names hold the words given.
test *words:
    cargo test {{words}}

# Style and lints.
lint:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings

# The main example on three replicas.
demo:
    cargo run --release -- run examples/08_earthquakes.lasp --replicas 3

# Nodes in network namespaces, with loss and partitions (needs root).
namespaces:
    cargo build
    tests/namespaces.sh

# The figures of speed.
bench *words:
    cargo bench {{words}}

# Licences and advisories (needs cargo-deny).
deny:
    cargo deny check
