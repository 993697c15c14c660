//! How many requests the hub has room for in a window of five minutes, and how it says so.
//!
//! It refuses nobody unless a quota was set: a test that asks a lot is no attack.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Where files are.
    Resolvers,
    /// Everything under `/api/`.
    Api,
}

impl Group {
    /// The word in headers and flags.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resolvers => "resolvers",
            Self::Api => "api",
        }
    }

    /// What the real hub has room for.
    const fn usual(self, has_token: bool) -> u64 {
        match (self, has_token) {
            (Self::Resolvers, false) => 3000,
            (Self::Resolvers, true) => 5000,
            (Self::Api, false) => 500,
            (Self::Api, true) => 1000,
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Group {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = [Self::Resolvers, Self::Api].into_iter();
        all.find(|group| group.as_str() == text).ok_or("a group is resolvers or api")
    }
}

/// What is left to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) group: Group,
    pub(crate) quota: u64,
    pub(crate) left: u64,
    /// Seconds until the window ends.
    pub(crate) reset: u64,
    pub(crate) is_exceeded: bool,
}

/// The counts of this window.
#[derive(Debug, Default)]
pub(crate) struct Quotas {
    set: BTreeMap<Group, u64>,
    counts: Mutex<BTreeMap<(Group, bool), Count>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Count {
    window: u64,
    taken: u64,
}

impl Quotas {
    pub(crate) fn new(set: BTreeMap<Group, u64>) -> Self {
        Self { set, counts: Mutex::default() }
    }

    /// Counts a request. Those with a token are counted apart.
    pub(crate) fn take(&self, group: Group, has_token: bool, now: Duration) -> Standing {
        let (window, reset) = place(now);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry((group, has_token)).or_default();
        if count.window != window {
            *count = Count { window, taken: 0 };
        }
        count.taken += 1;
        let set = self.set.get(&group).copied();
        let quota = set.unwrap_or_else(|| group.usual(has_token));
        let is_exceeded = set.is_some() && count.taken > quota;
        let floor = u64::from(set.is_none());
        let left = quota.saturating_sub(count.taken).max(floor);
        Standing { group, quota, left, reset, is_exceeded }
    }

    /// Nothing is left.
    pub(crate) fn spent(&self, group: Group, has_token: bool, now: Duration) -> Standing {
        let quota = self.set.get(&group).copied().unwrap_or_else(|| group.usual(has_token));
        Standing { group, quota, left: 0, reset: place(now).1, is_exceeded: true }
    }

    /// Forgets what was counted.
    pub(crate) fn reset(&self) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// The number of the window, and the seconds until it ends.
fn place(now: Duration) -> (u64, u64) {
    let seconds = now.as_secs();
    (seconds / WINDOW, WINDOW - seconds % WINDOW)
}

/// Seconds.
const WINDOW: u64 = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_counted_down_and_begins_anew() {
        let quotas = Quotas::new(BTreeMap::from([(Group::Api, 2)]));
        let table = [
            (Group::Api, false, 10, (2, 1, 290, false)),
            (Group::Api, false, 20, (2, 0, 280, false)),
            (Group::Api, false, 30, (2, 0, 270, true)),
            (Group::Api, true, 30, (2, 1, 270, false)),
            (Group::Api, false, 300, (2, 1, 300, false)),
            (Group::Resolvers, false, 1, (3000, 2999, 299, false)),
            (Group::Resolvers, true, 1, (5000, 4999, 299, false)),
        ];
        for (group, has_token, now, expected) in table {
            let found = quotas.take(group, has_token, Duration::from_secs(now));
            let Standing { quota, left, reset, is_exceeded, .. } = found;
            assert_eq!((quota, left, reset, is_exceeded), expected, "{group} at {now}");
        }
    }
}
