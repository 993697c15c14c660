//! Signed URLs, from the hub's side: what the product asks for when they end or are refused.
//!
//! Looks at runs that are over, and only where nothing can have held a request up on its way.

use std::collections::BTreeSet;

use engine::NEW_URLS;
use engine::time::{Duration, Instant};
use fake_hub::{RequestRecord, Route};

use crate::scenario::{Happening, Scenario};
use crate::stage::Stage;
use crate::witness::Rule;

/// S8: a URL is renewed before it ends, and not asked again once it was refused, unless new ones
/// have been refused like it.
pub(super) fn check_leases(stage: &Stage) {
    let scenario = &stage.scenario;
    let Some(hub) = stage.network.hubs().first().cloned() else { return };
    if !scenario.is_plain() || !is_steady(scenario) {
        return;
    }
    let requests = hub.requests();
    check_tokens(stage, &requests);
    let kept = kept(&requests);
    let mut witness = stage.witness();
    for refused in requests.iter().filter(|request| request.status == 403) {
        let asked_at = at(refused);
        witness.arm(Rule::S8UrlsRenewed);
        // What a window of several xorbs is fetched by is signed when it begins: the last may end.
        let is_awaited = refused.route != Route::Xorb;
        let is_damaged = stage.damages() > 0;
        if refused.fault.is_none()
            && is_awaited
            && !is_damaged
            && is_renewable(scenario, scenario.url_lifetime)
        {
            let how = format!("{} had ended when it was asked", refused.path);
            witness.accuse(asked_at, Rule::S8UrlsRenewed, how);
        }
        // Until the answer is there, and its last bytes on a slow link, nobody knows.
        let known = asked_at + KNOWN_AFTER + stage.queueing();
        let is_again = |it: &&RequestRecord| {
            it.path == refused.path && at(it) > known && !kept.contains(&it.path[..])
        };
        if let Some(again) = requests.iter().find(is_again) {
            let how = format!("{} was refused at {asked_at:?}, and is asked again", again.path);
            witness.accuse(at(again), Rule::S8UrlsRenewed, how);
        }
    }
}

/// URLs that were refused after two others in a row had been.
fn kept(requests: &[RequestRecord]) -> BTreeSet<&str> {
    let mut in_a_row = 0;
    let mut kept = BTreeSet::new();
    for request in requests.iter().filter(|request| request.route == Route::Cdn) {
        in_a_row = if request.status == 403 { in_a_row + 1 } else { 0 };
        if in_a_row > NEW_URLS {
            kept.insert(&request.path[..]);
        }
    }
    kept
}

/// S8: so is an access token.
fn check_tokens(stage: &Stage, requests: &[RequestRecord]) {
    let Some(xet) = stage.scenario.xet else { return };
    // Its end is told in whole seconds.
    let lifetime = xet.token_lifetime.saturating_sub(Duration::from_secs(1));
    if !is_renewable(&stage.scenario, lifetime) || stage.fired("flip") > 0 {
        return;
    }
    let refused = |it: &&RequestRecord| {
        it.status == 401 && it.fault.is_none() && it.route == Route::Reconstruction
    };
    if let Some(refused) = requests.iter().find(refused) {
        let how = format!("the token for {} had ended", refused.path);
        stage.witness().accuse(at(refused), Rule::S8UrlsRenewed, how);
    }
}

/// Whether requests reach the hub as fast as the link lets them, all the time.
fn is_steady(scenario: &Scenario) -> bool {
    !scenario.script.iter().any(|step| {
        let is_cut_off = step.what == Happening::HalfOpen;
        is_cut_off || step.is_disconnection(Duration::ZERO, Instant::START, FOR_EVER)
    })
}

/// Whether a request that goes out in time arrives in time: a URL is renewed when three quarters
/// of its time are over, or half a minute before its end.
fn is_renewable(scenario: &Scenario, lifetime: Duration) -> bool {
    let profile = &scenario.profile;
    let margin = (lifetime / 4).min(MARGIN_MAX);
    margin > profile.rtt * (profile.setup_rtts + 4) + KNOWN_AFTER
}

fn at(request: &RequestRecord) -> Instant {
    Instant::at(Duration::from_millis(request.time_ms))
}

const FOR_EVER: Instant = Instant::at(Duration::MAX);
const MARGIN_MAX: Duration = Duration::from_secs(30);
/// Ticks of the simulation, and whole seconds in the names of URLs.
const KNOWN_AFTER: Duration = Duration::from_secs(1);
