//! The rules of the whole product by their names.
//!
//! Checks nothing.

/// What must always be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A file is called complete only if it is the publisher's, byte for byte.
    S1OnlyRightFiles,
    /// A file appears under its final name by a rename, verified and synced.
    S2SealedByRename,
    /// Replay proves no byte that is not on the disk as recorded.
    S3ReplayIsTrue,
    /// Proven bytes are not lost by a retry, a kill or a power cut.
    S4NothingLost,
    /// Nothing is written outside of its range or its path.
    S5InsideItsPlace,
    /// Bytes of two versions are never mixed, nor taken from an answer that is not the file's.
    S6OneVersion,
    /// What is not the file never becomes data: login pages, wrong ranges, packed or short bodies.
    S7OnlyItsBytes,
    /// The token goes to the hub's own host only.
    S8TokenStaysHome,
    /// Signed URLs are renewed before they end, and not asked again once they were refused.
    S8UrlsRenewed,
    /// Memory, connections and handles are bounded.
    S9Bounded,
    /// Progress only grows, is never more than all, and is on the disk; what is vouched for is
    /// the publisher's, whatever has been sent.
    S10HonestProgress,
    /// One writer per file.
    S11OneWriter,
    /// Once nothing goes wrong any more, it ends in time.
    L1Ends,
    /// A connection that has died silently is given up in time.
    L2DeadReplaced,
    /// After an outage the first byte comes soon.
    L3BackAfterOutage,
    /// What cannot be done ends in an error that says so.
    L4TypedError,
    /// Cancelling takes no longer than a second.
    L5CancelsFast,
    /// No more bytes are fetched than the trouble explains.
    E1NoWaste,
    /// Requests and connections are paced, and Retry-After is kept.
    E2Paced,
    /// At most one probe while all is silent.
    E3OneProbe,
    /// What was proven when a process began is not asked for again.
    E4NothingTwice,
    /// Nothing of the product panics.
    NoPanic,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::S1OnlyRightFiles,
        Self::S2SealedByRename,
        Self::S3ReplayIsTrue,
        Self::S4NothingLost,
        Self::S5InsideItsPlace,
        Self::S6OneVersion,
        Self::S7OnlyItsBytes,
        Self::S8TokenStaysHome,
        Self::S8UrlsRenewed,
        Self::S9Bounded,
        Self::S10HonestProgress,
        Self::S11OneWriter,
        Self::L1Ends,
        Self::L2DeadReplaced,
        Self::L3BackAfterOutage,
        Self::L4TypedError,
        Self::L5CancelsFast,
        Self::E1NoWaste,
        Self::E2Paced,
        Self::E3OneProbe,
        Self::E4NothingTwice,
        Self::NoPanic,
    ];
}
