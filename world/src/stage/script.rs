//! What a script means for the link and for the resolver, which are told of it beforehand.
//!
//! Everything else in it happens when its time comes: the [`run`](crate::run) sees to that.

use engine::time::{Duration, Instant};
use simnet::profile::Outage;

use crate::net::{Resolver, Trouble};
use crate::scenario::{Happening, Scenario, Step};

impl Scenario {
    /// The outages of the script, as the link has them.
    pub(super) fn outages(&self) -> Vec<Outage> {
        let outage = |step: &Step| match step.what {
            Happening::Outage { lasting } => Some(Outage { first: step.at, lasting, every: None }),
            Happening::Kill { .. }
            | Happening::PowerCut { .. }
            | Happening::HalfOpen
            | Happening::NoNames { .. }
            | Happening::HubCrash { .. }
            | Happening::DiskError { .. }
            | Happening::SyncError
            | Happening::JournalError
            | Happening::BitRot { .. }
            | Happening::Cancel { .. } => None,
        };
        self.script.iter().filter_map(outage).collect()
    }

    /// The troubles of the script, as the resolver has them.
    pub(super) fn troubles(&self) -> Vec<Trouble> {
        let trouble = |step: &Step| match step.what {
            Happening::NoNames { lasting } => {
                let (start, end) = (Instant::at(step.at), Instant::at(step.at + lasting));
                let resolver = Resolver::Away { after: LOOKUP_FAILS_AFTER };
                Some(Trouble { during: start..end, resolver })
            }
            Happening::Kill { .. }
            | Happening::PowerCut { .. }
            | Happening::Outage { .. }
            | Happening::HalfOpen
            | Happening::HubCrash { .. }
            | Happening::DiskError { .. }
            | Happening::SyncError
            | Happening::JournalError
            | Happening::BitRot { .. }
            | Happening::Cancel { .. } => None,
        };
        self.script.iter().filter_map(trouble).collect()
    }
}

const LOOKUP_FAILS_AFTER: Duration = Duration::from_secs(5);
