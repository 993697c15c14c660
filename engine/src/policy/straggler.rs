//! Whom to split at the tail: the slow request whose remainder idle workers could share.
//!
//! Splits nothing where it would not help: on a link that is shared, more connections bring no
//! more bytes, and the last request already gets all of it.

use crate::time::Duration;
use crate::xet::chunker;

/// An open request, as this policy sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate<K> {
    /// Which one.
    pub(crate) key: K,
    /// Bytes it still has to bring.
    pub(crate) remaining: u64,
    /// Bytes per second it brings.
    pub(crate) rate: u64,
    /// Whether ending it now would lose little of what is on its way.
    pub(crate) is_splittable: bool,
}

/// Which of the open requests to end, so that `idle` workers can share what it has left.
/// `best_rate` is the best that all of them together have reached, in bytes per second.
pub(crate) fn straggler<K: Copy>(
    candidates: &[Candidate<K>],
    idle: u32,
    best_rate: u64,
    min: u64,
) -> Option<K> {
    let rate: u64 = candidates.iter().map(|runner| runner.rate).sum();
    // The link is in use: the slowness is its own.
    if idle == 0 || rate.saturating_mul(10) > best_rate.saturating_mul(6) {
        return None;
    }
    let splittable = candidates.iter().filter(|runner| runner.is_splittable);
    let slowest = splittable.max_by_key(|runner| seconds_left(runner))?;
    let seconds = seconds_left(slowest);
    let can_be_shared = slowest.remaining >= 2 * min && seconds >= WORTH.as_secs();
    (can_be_shared || seconds >= HOPELESS.as_secs()).then_some(slowest.key)
}

fn seconds_left<K>(runner: &Candidate<K>) -> u64 {
    runner.remaining / runner.rate.max(1)
}

/// A request that ends sooner than this is not worth the connection that is lost with it.
const WORTH: Duration = Duration::from_secs(4);

/// A request that would take longer is better asked for anew, however little it has left.
const HOPELESS: Duration = Duration::from_secs(30);

/// How often the tail is looked at.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A request quiet for this long is not slow but silent.
pub(crate) const SILENT: Duration = Duration::from_secs(2);
/// A request younger than this is not judged by its rate.
pub(crate) const SETTLED: Duration = Duration::from_secs(3);
/// A request in chunks is not split before it has brought so much.
pub(crate) const CHUNKS_BEFORE_SPLIT: u64 = 4 * chunker::MAX as u64;

#[cfg(test)]
mod tests {
    use super::*;

    fn runner(key: u8, remaining: u64, rate: u64) -> Candidate<u8> {
        Candidate { key, remaining, rate, is_splittable: true }
    }

    #[test]
    fn splits_only_what_gains() {
        let min = 100_000;
        for (name, candidates, idle, best, expected) in [
            ("a capped connection", vec![runner(1, 8_000_000, 100_000)], 4, 500_000, Some(1)),
            ("a shared link", vec![runner(1, 8_000_000, 87_000)], 4, 90_000, None),
            ("nobody idle", vec![runner(1, 8_000_000, 100_000)], 0, 500_000, None),
            ("nearly done", vec![runner(1, 250_000, 100_000)], 4, 500_000, None),
            ("too little to share", vec![runner(1, 150_000, 10_000)], 4, 500_000, None),
            ("a drip", vec![runner(1, 5_000, 1)], 4, 500_000, Some(1)),
            (
                "the slower of two",
                vec![runner(1, 800_000, 100_000), runner(2, 800_000, 20_000)],
                2,
                500_000,
                Some(2),
            ),
            ("nothing open", vec![], 4, 500_000, None),
            (
                "only one that must not be",
                vec![Candidate { is_splittable: false, ..runner(1, 8_000_000, 100_000) }],
                4,
                500_000,
                None,
            ),
            (
                "a link that one who must not be has in use",
                vec![
                    Candidate { is_splittable: false, ..runner(1, 8_000_000, 400_000) },
                    runner(2, 8_000_000, 20_000),
                ],
                4,
                500_000,
                None,
            ),
        ] {
            assert_eq!(straggler(&candidates, idle, best, min), expected, "{name}");
        }
    }
}
