//! What a run cost, held against what its trouble explains.
//!
//! Counts nothing itself: bytes and connections are counted where they arrive, faults where they
//! are made.

use engine::time::{Duration, Instant};

use super::{Rule, Witness};

/// What came, and what may have made it more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// Bytes of all files together.
    pub size: u64,
    /// Bytes that bring all files in chunks; as many as `size` where they are not in Xet.
    pub packed: u64,
    /// Connections that may have ended within a chunk, which is then lost.
    pub torn: u64,
    /// Bytes that were sent as they are.
    pub sent_unpacked: u64,
    /// Bytes that say what files are made of, and that name chunks.
    pub described: u64,
    /// Bytes that arrived at the client, of whatever kind.
    pub arrived: u64,
    /// Connections that the client gave up or left: no more of its requests can have.
    pub dropped: u64,
    /// Connections that the other side ended: all that had come by then is kept.
    pub broken: u64,
    /// Requests that reached the hub, each with a head of its own.
    pub requests: u64,
    /// Bytes that arrived shortly before a process died: as much need not have been kept.
    pub lost_in_crashes: u64,
    /// What the search for damaged bytes may take.
    pub searched: u64,
    /// How often a whole file came in answer to a range.
    pub ranges_ignored: u64,
    /// How often an answer carried bytes that nobody asked for or could use.
    pub useless_answers: u64,
}

impl Bill {
    /// The most that may have arrived.
    pub fn allowed(&self) -> u64 {
        let streams = self.ranges_ignored * self.size * 35 / 100;
        let useless = self.useless_answers * USELESS_BYTES;
        self.fewest() * 103 / 100
            + self.described
            + self.dropped * FAILURE_BYTES
            + self.broken * BREAK_BYTES
            + self.torn * CHUNK_BYTES
            + self.requests * HEAD_BYTES
            + self.lost_in_crashes
            + self.searched
            + streams
            + useless
            + OVERHEAD_BYTES
    }

    /// What would have come without any trouble: packed, but for what came as it is.
    fn fewest(&self) -> u64 {
        let saved = self.size.saturating_sub(self.packed);
        let unpacked = self.sent_unpacked.min(self.size);
        let unsaved = u128::from(saved) * u128::from(unpacked) / u128::from(self.size.max(1));
        self.packed + u64::try_from(unsaved).unwrap_or(u64::MAX)
    }

    /// E1.
    pub fn check(&self, witness: &mut Witness, now: Instant) {
        let bytes = (self.arrived, self.allowed());
        witness.spend(bytes, now, Rule::E1NoWaste, &format!("bytes arrived: {self:?}"));
    }
}

/// E2: no more than so many connections are tried in any ten seconds.
pub fn check_pace(connects: &[Instant], workers: u32, witness: &mut Witness) {
    let most = CONNECTS_BASE + CONNECTS_PER_WORKER * workers as usize;
    let (mut first, mut worst) = (0, (0, Instant::START));
    for (last, at) in connects.iter().enumerate() {
        while at.since(connects[first]) > PACE_SPAN {
            first += 1;
        }
        worst = worst.max((last + 1 - first, *at));
    }
    let counts = (worst.0 as u64, most as u64);
    witness.spend(counts, worst.1, Rule::E2Paced, "connections in 10 s");
}

/// To give up may cost what was on its way.
const FAILURE_BYTES: u64 = 64 << 10;
/// What comes before a connection breaks is kept, but for a head or a page that explains it.
const BREAK_BYTES: u64 = 4 << 10;
/// A chunk that has not come whole is lost: no chunk has more content, nor is packed larger.
const CHUNK_BYTES: u64 = (128 << 10) + 8;
/// The head of an answer, and more.
const HEAD_BYTES: u64 = 2 << 10;
/// Listings and the like.
const OVERHEAD_BYTES: u64 = 64 << 10;
/// What comes of a useless answer before it is seen to be so and ended.
const USELESS_BYTES: u64 = 256 << 10;
const PACE_SPAN: Duration = Duration::from_secs(10);
const CONNECTS_BASE: usize = 20;
const CONNECTS_PER_WORKER: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_packed_and_what_does_not_add_up() {
        let cases = [
            // Not in Xet.
            (1000, 1000, 1000, 1000),
            // All in chunks, half of it, none of it, and some of it twice.
            (1000, 860, 0, 860),
            (1000, 860, 500, 930),
            (1000, 860, 1000, 1000),
            (1000, 860, 1500, 1000),
            // Chunks that cannot be packed are a little longer.
            (1000, 1010, 500, 1010),
            (0, 0, 0, 0),
        ];
        for (size, packed, sent_unpacked, expected) in cases {
            let bill = Bill { size, packed, sent_unpacked, ..Bill::default() };
            assert_eq!(bill.fewest(), expected, "{bill:?}");
        }
    }

    #[test]
    fn a_second_copy_is_waste() {
        let mut witness = Witness::default();
        let bill = Bill { size: 10 << 20, packed: 9 << 20, arrived: 10 << 20, ..Bill::default() };
        bill.check(&mut witness, Instant::START);
        assert_eq!(witness.violations().len(), 1);
    }
}
