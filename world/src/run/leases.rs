//! Signed URLs, from the hub's side: what the product asks for when they end or are refused.
//!
//! Looks at runs that are over, and only where nothing can have held a request up on its way.

use engine::time::{Duration, Instant};
use fake_hub::RequestRecord;

use crate::scenario::{Happening, Scenario};
use crate::stage::Stage;
use crate::witness::Rule;

/// S8: a URL is renewed before it ends, and never asked again once it was refused.
pub(super) fn check_leases(stage: &Stage) {
    let scenario = &stage.scenario;
    let Some(hub) = stage.network.hubs().first().cloned() else { return };
    if !scenario.is_plain() || !is_steady(scenario) {
        return;
    }
    let requests = hub.requests();
    let mut witness = stage.witness();
    for refused in requests.iter().filter(|request| request.status == 403) {
        let asked_at = at(refused);
        if refused.fault.is_none() && is_renewable(scenario) {
            let how = format!("{} had ended when it was asked", refused.path);
            witness.accuse(asked_at, Rule::S8UrlsRenewed, how);
        }
        // Until the answer is there, and its last bytes on a slow link, nobody knows.
        let known = asked_at + KNOWN_AFTER + stage.queueing();
        let is_again = |it: &&RequestRecord| it.path == refused.path && at(it) > known;
        if let Some(again) = requests.iter().find(is_again) {
            let how = format!("{} was refused at {asked_at:?}, and is asked again", again.path);
            witness.accuse(at(again), Rule::S8UrlsRenewed, how);
        }
    }
}

/// Whether requests reach the hub as fast as the link lets them, all the time.
fn is_steady(scenario: &Scenario) -> bool {
    !scenario.script.iter().any(|step| {
        matches!(
            step.what,
            Happening::Outage { .. }
                | Happening::HalfOpen
                | Happening::NoNames { .. }
                | Happening::HubCrash { .. }
        )
    })
}

/// Whether a request that goes out in time arrives in time: a URL is renewed when three quarters
/// of its time are over, or half a minute before its end.
fn is_renewable(scenario: &Scenario) -> bool {
    let profile = &scenario.profile;
    let margin = (scenario.url_lifetime / 4).min(MARGIN_MAX);
    margin > profile.rtt * (profile.setup_rtts + 4) + KNOWN_AFTER
}

fn at(request: &RequestRecord) -> Instant {
    Instant::at(Duration::from_millis(request.time_ms))
}

const MARGIN_MAX: Duration = Duration::from_secs(30);
/// Ticks of the simulation, and whole seconds in the names of URLs.
const KNOWN_AFTER: Duration = Duration::from_secs(1);
