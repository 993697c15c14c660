//! What goes wrong in a demo, and where: drawn from a seed.
//!
//! Every fault is drawn so that it must happen; whether it did is judged elsewhere.

use fake_hub::Rule;
use rand::RngExt;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;

/// The faults of a demo with a file of `size` bytes, in the order in which the hub looks at them.
pub(super) fn draw(rng: &mut SmallRng, size: u64) -> Vec<Rule> {
    // A bit of the file is flipped once, wherever nothing else happens to that request.
    let bit = rng.random_range(0..8);
    let at = rng.random_range(size / 16..size);
    let mut rules = vec![format!("flip at={at} bit={bit} route=cdn times=1")];
    // The others are spread over the first part of the download, so that there is always a
    // request left that meets them.
    let mut faults = FAULTS;
    faults.shuffle(rng);
    let step = size * LAST_PERCENT / 100 / faults.len() as u64;
    for (fault, slot) in faults.into_iter().zip(0..) {
        let past = step * slot + rng.random_range(0..step);
        rules.push(format!("{fault} past={past} route=cdn"));
    }
    let every = rng.random_range(size / 8..size / 5);
    rules.push(format!("rst every={every} route=cdn times=4"));
    rules.iter().map(|rule| rule.parse().expect("the rules are ours")).collect()
}

const FAULTS: [&str; 5] = [
    "stall after=100KB times=2",
    "status 429 retry-after=2 times=1",
    "expired times=1",
    "portal times=1",
    "rst after=200KB times=2",
];
/// So much of the file has been sent when the last of them is armed.
const LAST_PERCENT: u64 = 60;

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn texts(seed: u64) -> Vec<String> {
        let rules = draw(&mut SmallRng::seed_from_u64(seed), 16 << 20);
        rules.iter().map(|rule| rule.text().to_owned()).collect()
    }

    #[test]
    fn a_seed_is_a_script() {
        assert_eq!(texts(1), texts(1));
        assert_ne!(texts(1), texts(2));
        for seed in 0..200 {
            assert_eq!(texts(seed).len(), FAULTS.len() + 2);
        }
    }
}
