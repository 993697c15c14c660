//! What a suite of worlds must have seen at least once, counted.
//!
//! Not a judgement on any one run.

use std::fmt;

/// Something that is to happen sometimes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sometimes {
    /// A process died between the write of data and its record.
    DiedBeforeRecord,
    /// A process died between a record and the sync that would have covered it.
    DiedBeforeSync,
    /// A process died while data was being synced.
    DiedInSync,
    /// A process died between a sync and the durability of its marker.
    DiedBeforeMarker,
    /// A power cut took bytes that were proven already.
    PowerCutTookBytes,
    /// A journal had to be replaced.
    JournalReplaced,
    /// A 416 came.
    NotSatisfiable,
    /// An ETag changed midway.
    EtagChanged,
    /// A pause that was asked for was kept.
    PauseKept,
    /// A URL expired midway.
    UrlExpired,
    /// Damaged bytes came, and then good ones: the file was sealed.
    Repaired,
    /// An outage outlived what a NAT remembers.
    OutageOutlivedNat,
    /// A request was split at the tail.
    TailSplit,
    /// There was no space on the disk, and then there was.
    SpaceAgain,
    /// A connection was reset.
    Reset,
    /// A connection died silently.
    SilentDeath,
    /// A connection was refused, because there were too many.
    ConnectionRefused,
    /// A server ignored the range, and its whole answer was taken.
    StreamTaken,
    /// A login page came.
    Portal,
    /// A person stopped the program and started it again.
    Cancelled,
    /// A file failed for good, and it was right to.
    FailedRightly,
    /// A request used a connection that an earlier one had left.
    Reused,
}

/// How often each of them has happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    counts: [u64; Sometimes::ALL.len()],
}

impl Sometimes {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::DiedBeforeRecord,
        Self::DiedBeforeSync,
        Self::DiedInSync,
        Self::DiedBeforeMarker,
        Self::PowerCutTookBytes,
        Self::JournalReplaced,
        Self::NotSatisfiable,
        Self::EtagChanged,
        Self::PauseKept,
        Self::UrlExpired,
        Self::Repaired,
        Self::OutageOutlivedNat,
        Self::TailSplit,
        Self::SpaceAgain,
        Self::Reset,
        Self::SilentDeath,
        Self::ConnectionRefused,
        Self::StreamTaken,
        Self::Portal,
        Self::Cancelled,
        Self::FailedRightly,
        Self::Reused,
    ];
}

impl Tally {
    /// It happened.
    pub fn count(&mut self, what: Sometimes) {
        self.counts[what as usize] += 1;
    }

    /// Adds what another run has seen.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
    }

    /// How often it happened.
    pub const fn of(&self, what: Sometimes) -> u64 {
        self.counts[what as usize]
    }

    /// What has never happened.
    pub fn never(&self) -> Vec<Sometimes> {
        Sometimes::ALL.into_iter().filter(|what| self.of(*what) == 0).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for what in Sometimes::ALL {
            writeln!(f, "{:>9}  {what:?}", self.of(what))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_counted_by_itself() {
        let mut tally = Tally::default();
        for (index, what) in Sometimes::ALL.into_iter().enumerate() {
            assert_eq!(what as usize, index, "{what:?} is out of order");
            assert_eq!(tally.never().len(), Sometimes::ALL.len() - index);
            tally.count(what);
        }
        assert_eq!(tally.never(), []);
    }
}
