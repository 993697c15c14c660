//! What to ask for next: the front of the first gap, in requests that shrink towards the end.
//!
//! Shrinking lets all workers finish together, so that splitting a straggler is the exception.

use crate::config::Config;
use crate::policy::protocol::Kind;
use crate::range::ByteRange;
use crate::range_set::RangeSet;

/// The next range to ask for out of `wanted`, less what open requests have `reserved`, or `None`
/// if nothing is left. `workers` is how many may be open at once.
pub(crate) fn next_range(
    wanted: &RangeSet,
    reserved: &RangeSet,
    workers: u32,
    kind: Kind,
    config: &Config,
) -> Option<ByteRange> {
    let gap = wanted.iter().find_map(|range| reserved.first_gap(range))?;
    let unreserved = unreserved(wanted, reserved);
    let fair_share = unreserved / (2 * u64::from(workers.max(1)));
    let min = config.request_bytes_min(kind);
    let len = fair_share.clamp(min, config.request_bytes_max);
    // A crumb left over would cost a request of its own.
    let len = if gap.len() < len + min / 2 { gap.len() } else { len };
    Some(ByteRange::new(gap.start, gap.start + len))
}

/// How many bytes are wanted that no open request has reserved.
pub(crate) fn unreserved(wanted: &RangeSet, reserved: &RangeSet) -> u64 {
    wanted.iter().flat_map(|range| reserved.gaps(range)).map(ByteRange::len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn set(ranges: &[(u64, u64)]) -> RangeSet {
        ranges.iter().map(|&(start, end)| ByteRange::new(start * MIB, end * MIB)).collect()
    }

    #[test]
    fn carves() {
        let config = Config::default();
        for (wanted, reserved, workers, expected) in [
            (set(&[(0, 1000)]), set(&[]), 8, Some((0, 8))),
            (set(&[(0, 1000)]), set(&[(0, 8)]), 8, Some((8, 16))),
            (set(&[(0, 64)]), set(&[]), 8, Some((0, 4))),
            (set(&[(60, 64)]), set(&[]), 8, Some((60, 61))),
            (set(&[(3, 4), (9, 900)]), set(&[]), 8, Some((3, 4))),
            (set(&[(0, 8)]), set(&[(0, 8)]), 8, None),
            (set(&[]), set(&[]), 8, None),
        ] {
            let expected =
                expected.map(|(start, end): (u64, u64)| ByteRange::new(start * MIB, end * MIB));
            assert_eq!(
                next_range(&wanted, &reserved, workers, Kind::Http, &config),
                expected,
                "{wanted:?}"
            );
        }
    }

    #[test]
    fn chunks_are_asked_for_in_longer_requests() {
        let config = Config::default();
        let carved = |wanted| next_range(&set(&[(0, wanted)]), &set(&[]), 8, Kind::Xet, &config);
        assert_eq!(carved(64), Some(ByteRange::new(0, 4 * MIB)));
        assert_eq!(carved(1000), Some(ByteRange::new(0, 8 * MIB)));
        assert_eq!(carved(3), Some(ByteRange::new(0, 3 * MIB)));
    }

    #[test]
    fn leaves_no_crumbs() {
        let config = Config::default();
        let wanted: RangeSet = [ByteRange::new(0, MIB + 5)].into_iter().collect();
        let range = next_range(&wanted, &RangeSet::default(), 8, Kind::Http, &config);
        assert_eq!(range, Some(ByteRange::new(0, MIB + 5)));
    }
}
