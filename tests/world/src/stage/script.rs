//! What a script means for the link and for the resolver, which are told of it beforehand.
//!
//! Everything else in it happens when its time comes: the [`run`](crate::run) sees to that.

use engine::time::Duration;
use simnet::profile::Outage;

use crate::scenario::{Happening, Scenario, Step};
use simnet::net::{Names, Resolver, Trouble};

impl Scenario {
    /// The outages of the script, as the link has them.
    pub(super) fn outages(&self) -> Vec<Outage> {
        let outage = |step: &Step| {
            step.outage().map(|lasting| Outage { first: step.at, lasting, every: None })
        };
        self.script.iter().filter_map(outage).collect()
    }

    /// The names of this world, with all that happens to them.
    pub(super) fn names(&self) -> Names {
        let mut names = Names::default();
        for step in &self.script {
            let during = |lasting| step.start()..step.start() + lasting;
            names = match step.what {
                Happening::NoNames { lasting } => {
                    let resolver = Resolver::Away { after: LOOKUP_FAILS_AFTER };
                    names.trouble(Trouble { during: during(lasting), resolver })
                }
                Happening::SlowNames { by, lasting } => {
                    let resolver = Resolver::Slow { by };
                    names.trouble(Trouble { during: during(lasting), resolver })
                }
                Happening::Dark { lasting } => names.dark(during(lasting)),
                Happening::Kill { .. }
                | Happening::PowerCut { .. }
                | Happening::Outage { .. }
                | Happening::HalfOpen
                | Happening::HubCrash { .. }
                | Happening::DiskError { .. }
                | Happening::SyncError
                | Happening::JournalError
                | Happening::BitRot { .. }
                | Happening::Tamper { .. }
                | Happening::ShortWrite { .. }
                | Happening::JournalFull
                | Happening::Suspend { .. }
                | Happening::ClockJump { .. }
                | Happening::Cancel { .. } => names,
            };
        }
        names
    }
}

const LOOKUP_FAILS_AFTER: Duration = Duration::from_secs(5);
