//! Rare situations that a suite must have met, or it has proven less than it seems to.
//!
//! Judges no run: a situation that did not come up is nobody's fault but the suite's.

use std::collections::BTreeMap;
use std::fmt;

/// A situation worth having been in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sometimes {
    /// A crash between a write of data and its record.
    CrashAfterWrite,
    /// A crash between a record and the sync that makes its data durable.
    CrashAfterRecord,
    /// A crash between that sync and the marker that tells of it.
    CrashAfterSync,
    /// A crash between the marker and the sync that makes it durable.
    CrashAfterMarker,
    /// A crash between the rename of a finished file and the sync of its folder.
    CrashAfterRename,
    /// A power cut took something away that was not synced.
    Forgotten,
    /// The server said that the range cannot be had.
    RangeNotSatisfiable,
    /// The ETag changed midway.
    EtagChanged,
    /// The server said how long to stay away.
    ToldToWait,
    /// A signed URL expired midway.
    UrlExpired,
    /// Damaged bytes came first, good ones later.
    Corrupted,
    /// An outage outlasted the connections that it met.
    OutlastedByOutage,
    /// The last requests were split among idle workers.
    TailSplit,
    /// The disk was full, and then was not.
    NoSpaceThenSpace,
    /// The disk refused something, and the user was told.
    DiskFailed,
    /// The disk changed what it held, and that was repaired.
    BitRotRepaired,
    /// Ranges were ignored, and one stream served all.
    OneStream,
    /// Another process had the file, and we waited.
    WaitedForRival,
    /// The hub's machine crashed midway.
    HubCrashed,
    /// A connection was reset by the link.
    LinkReset,
    /// A connection died silently.
    SilentDeath,
    /// The publisher vouched for bytes before all had come.
    XetVouched,
    /// Wrong chunks were found by the names that the storage gave.
    XetRepairedByShard,
    /// Wrong chunks were found by fetching them again.
    XetRepairedBySearch,
    /// What should come in chunks came as it is.
    XetFellBack,
    /// And then in chunks again.
    XetCameBack,
    /// A token was replaced midway.
    XetTokenRefreshed,
    /// Files that share chunks came by them.
    XetDeduplicated,
    /// Somebody else changed, cut or removed the unfinished file.
    Tampered,
    /// A writer slept for longer than its claim is believed, and a competitor was on another
    /// machine.
    SleptThroughHeartbeat,
    /// A competitor ran on another machine.
    RivalElsewhere,
    /// The clock was set.
    ClockJumped,
    /// A name could not be looked up.
    NamesFailed,
    /// A name was looked up late.
    NamesLate,
    /// Nobody answered who dialled the storage, or it refused.
    DialledInVain,
    /// A sync of the unfinished file, or a record of it, failed.
    SyncOrRecordFailed,
    /// The user stopped it, and it ended.
    Stopped,
    /// What cannot be had ended in its own error.
    RefusedForGood,
    /// Somebody pushed, and the commit that was begun with was finished.
    PushedMeanwhile,
    /// There were more files than may be open at once.
    SeveralBatches,
    /// The server said that no pause is needed, and failed.
    ToldToComeAtOnce,
    /// An answer came byte by byte.
    Dripped,
    /// Content was elsewhere, as a redirect said.
    Redirected,
}

impl Sometimes {
    /// All of them.
    pub const ALL: [Self; 43] = [
        Self::CrashAfterWrite,
        Self::CrashAfterRecord,
        Self::CrashAfterSync,
        Self::CrashAfterMarker,
        Self::CrashAfterRename,
        Self::Forgotten,
        Self::RangeNotSatisfiable,
        Self::EtagChanged,
        Self::ToldToWait,
        Self::UrlExpired,
        Self::Corrupted,
        Self::OutlastedByOutage,
        Self::TailSplit,
        Self::NoSpaceThenSpace,
        Self::DiskFailed,
        Self::BitRotRepaired,
        Self::OneStream,
        Self::WaitedForRival,
        Self::HubCrashed,
        Self::LinkReset,
        Self::SilentDeath,
        Self::XetVouched,
        Self::XetRepairedByShard,
        Self::XetRepairedBySearch,
        Self::XetFellBack,
        Self::XetCameBack,
        Self::XetTokenRefreshed,
        Self::XetDeduplicated,
        Self::Tampered,
        Self::SleptThroughHeartbeat,
        Self::RivalElsewhere,
        Self::ClockJumped,
        Self::NamesFailed,
        Self::NamesLate,
        Self::DialledInVain,
        Self::SyncOrRecordFailed,
        Self::Stopped,
        Self::RefusedForGood,
        Self::PushedMeanwhile,
        Self::SeveralBatches,
        Self::ToldToComeAtOnce,
        Self::Dripped,
        Self::Redirected,
    ];
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<String> =
            Sometimes::ALL.iter().map(|it| format!("{it:?} {}", self.count(*it))).collect();
        f.write_str(&counts.join(", "))
    }
}

/// In how many runs each situation came up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<Sometimes, u64>);

impl Tally {
    /// It came up.
    pub fn note(&mut self, situation: Sometimes) {
        *self.0.entry(situation).or_default() += 1;
    }

    /// How often it did.
    pub fn count(&self, situation: Sometimes) -> u64 {
        self.0.get(&situation).copied().unwrap_or(0)
    }

    /// Adds what another run met: each situation once, however often it came up there.
    pub fn add_run(&mut self, run: &Self) {
        for situation in run.0.keys() {
            self.note(*situation);
        }
    }

    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: &Self) {
        for (situation, count) in &other.0 {
            *self.0.entry(*situation).or_default() += count;
        }
    }

    /// What has come up, in words.
    pub fn met(&self) -> String {
        let met: Vec<String> = self.0.keys().map(|it| format!("{it:?}")).collect();
        met.join(", ")
    }

    /// What has never come up.
    pub fn missing(&self) -> Vec<Sometimes> {
        Sometimes::ALL.into_iter().filter(|it| self.count(*it) == 0).collect()
    }
}
