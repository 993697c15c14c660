# The tasks of this repository. `just` lists them; each is one command that may also be typed.

# List the tasks.
default:
    @just --list

# A real download over a weak, faulty link.
demo:
    cargo run --release -- demo

# The whole local gate.
test:
    cargo test

# What CI checks of the sources.
lint:
    cargo fmt --all --check
    cargo clippy --locked --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps

# The gate as CI runs it.
ci:
    .ci/run

# Simulated worlds until the time is over or a rule is broken.
swarm minutes="10":
    cargo run --release -p world -- swarm --minutes {{minutes}}

# One simulated world again, by its seed or its name.
replay world:
    cargo run --release -p world -- replay {{world}}

# Each reader of foreign bytes, and the machine, for so many seconds.
fuzz seconds="60":
    fuzz/run {{seconds}}

# Planted bugs: does a suite find each of them?
bugs:
    tests/bugs/run

# Beside hf, curl, wget and aria2.
interop:
    tests/interop/run

# Against the reference implementation of the storage of chunks.
reference:
    tests/reference/run

# Against nginx.
nginx:
    tests/nginx/run

# What takes a night.
nightly:
    tests/nightly/run

# How fast the engine is.
bench:
    cargo bench
