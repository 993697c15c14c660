//! Runs that are drawn, as many as can be had in a moment; the fuzzer does the rest.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, RngExt, SeedableRng};

use super::play;

/// A finding here is had again with its seed: `WILD_SEED=… cargo test -p simnet wild`. More runs:
/// `WILD_RUNS=…`.
#[test]
fn whatever_happens_no_rule_is_broken() {
    let told = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let runs = told("WILD_RUNS").unwrap_or(RUNS);
    let seeds = told("WILD_SEED").map_or(0..runs, |seed| seed..seed + 1);
    for seed in seeds {
        let ran = std::panic::catch_unwind(|| play(&bytes(seed)));
        assert!(ran.is_ok(), "WILD_SEED={seed} cargo test -p simnet wild");
    }
}

fn bytes(seed: u64) -> Vec<u8> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let len = rng.random_range(0..2000);
    let mut bytes = vec![0; len];
    rng.fill_bytes(&mut bytes);
    bytes
}

const RUNS: u64 = 3000;
