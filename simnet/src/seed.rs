//! How one number becomes all the randomness of a simulated world.
//!
//! Every part of the world draws from a stream of its own, named by what it is for. So a part that
//! draws more, or a new part, changes nothing for the others, and a seed keeps its meaning.

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;

/// What a run is drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// The random numbers of one part of the world: the same for the same seed and name, on every
    /// machine.
    pub fn stream(self, name: &str) -> Xoshiro256PlusPlus {
        let bytes = self.0.to_le_bytes().into_iter().chain(name.bytes());
        let mix = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
        Xoshiro256PlusPlus::seed_from_u64(bytes.fold(FNV_BASIS, mix))
    }
}

/// FNV-1a of the seed and the name.
const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::Rng;

    use super::*;

    #[test]
    fn every_name_of_every_seed_is_a_stream_of_its_own() {
        let names = ["", "a", "b", "ab", "ba", "trace", "trace phase", "resets"];
        let streams: BTreeSet<u64> = (0..1000)
            .flat_map(|seed| names.map(|name| Seed(seed).stream(name).next_u64()))
            .collect();
        assert_eq!(streams.len(), 1000 * names.len());
    }

    #[test]
    fn a_seed_keeps_its_meaning() {
        let draw = |seed, name| Seed(seed).stream(name).next_u64();
        assert_eq!(draw(7, "trace"), draw(7, "trace"));
        assert_eq!(draw(0, "trace"), 10_415_471_412_955_810_585);
        assert_eq!(draw(u64::MAX, ""), 1_318_123_334_711_485_201);
    }
}
