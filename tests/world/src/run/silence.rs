//! Silence that was asked for, and silence that nobody could help: what the product does then.
//!
//! Looks at runs that are over, from the network's side.

use engine::time::{Duration, Instant};
use fake_hub::{RequestRecord, Route};
use std::ops::Range;

use crate::scenario::{Scenario, Step};
use crate::stage::Stage;
use crate::witness::{Rule, Witness};
use simnet::net::Flow;

/// E3 and L3: in a long outage one probe at a time, and after it bytes soon.
pub(super) fn check_outages(stage: &Stage, ended: Instant) {
    let connections = stage.network.connections();
    let mut witness = stage.witness();
    let outages = outages(&stage.scenario);
    for outage in &outages {
        let is_alone = outages.iter().all(|it| it == outage || !it.contains(&outage.end));
        if !is_alone || !stage.is_undisturbed(outage.start - LEAD..outage.end + BACK_WITHIN) {
            continue;
        }
        check_probes(connections.flows(), outage, &mut witness);
        if outage.end + BACK_WITHIN < ended && stage.scenario.is_plain() {
            check_return(stage, outage, &mut witness);
        }
    }
}

fn outages(scenario: &Scenario) -> Vec<Range<Instant>> {
    let outage = |step: &Step| Some(step.start()..step.start() + step.outage()?);
    scenario.script.iter().filter_map(outage).collect()
}

/// Once the silence is noticed, no attempt to connect begins while another is under way.
fn check_probes(flows: &[Flow], outage: &Range<Instant>, witness: &mut Witness) {
    let noticed = outage.start + NOTICED_AFTER..outage.end;
    let mut probes = flows.iter().filter(|flow| noticed.contains(&flow.asked_at));
    let Some(mut last) = probes.next() else { return };
    witness.arm(Rule::E3OneProbe);
    for probe in probes {
        let is_over = last.closed_at.is_some_and(|at| at <= probe.asked_at);
        // Who plans asks once more beside a question that may have been lost, but no sooner.
        let is_beside = probe.asked_at.since(last.asked_at) >= ASKED_BESIDE;
        if !is_over && !is_beside {
            let (host, other) = (&last.host, &probe.host);
            let how = format!(
                "{host} at {:?}, until {:?}, and {other} at {:?} in an outage",
                last.asked_at, last.closed_at, probe.asked_at
            );
            witness.accuse(probe.asked_at, Rule::E3OneProbe, how);
            return;
        }
        last = probe;
    }
}

fn check_return(stage: &Stage, outage: &Range<Instant>, witness: &mut Witness) {
    let allowed = BACK_WITHIN + stage.scenario.profile.rtt * 6;
    let back = stage.bytes_after(outage.end).unwrap_or(Instant::at(Duration::MAX));
    let times = (back.since(outage.end), allowed);
    let what = format!("bytes after an outage until {:?}", outage.end);
    witness.spend_time(times, outage.end + allowed, Rule::L3BackAfterOutage, &what);
}

/// E2: a host that asked to be left alone for a while is left alone.
pub(super) fn check_pauses(stage: &Stage, ended: Instant) {
    let Some(hub) = stage.network.hubs().first().cloned() else { return };
    let Some(pause) = stage.scenario.retry_after() else { return };
    // Where the link varies, nobody can say when the answer was there; and who gives up before the
    // pause is over may try once more before that.
    if !stage.scenario.is_even() || stage.scenario.config.give_up_after.is_some() {
        return;
    }
    let at = |millis| Instant::at(Duration::from_millis(millis));
    let requests = hub.requests();
    let mut witness = stage.witness();
    for told in requests.iter().filter(|request| request.status == 429) {
        let asked_at = at(told.time_ms);
        // Until the answer is there, and its last bytes on a slow link, nobody knows. While no
        // content comes, nothing is in its way.
        let is_content = |it: &RequestRecord| matches!(it.route, Route::Cdn | Route::Xorb);
        let is_first = !requests.iter().any(|it| is_content(it) && at(it.time_ms) < asked_at);
        let profile = &stage.scenario.profile;
        let bare = profile.rtt * (profile.setup_rtts + 2) + TICKS;
        let known = asked_at + if is_first { bare } else { KNOWN_AFTER + stage.queueing() };
        // Who does not wait may be done before the pause is over.
        let quiet = known..(asked_at + pause).min(ended - LEAD);
        if quiet.is_empty() || !stage.is_undisturbed(asked_at..quiet.end) {
            continue;
        }
        witness.arm(Rule::E2Paced);
        let early = |it: &&RequestRecord| it.host == told.host && quiet.contains(&at(it.time_ms));
        if let Some(early) = requests.iter().find(early) {
            let how = format!("told at {asked_at:?} to wait {pause:?}, asked {}", early.path);
            witness.accuse(at(early.time_ms), Rule::E2Paced, how);
        }
    }
}

/// Requests that were under way may be given up one after the other for this long.
const NOTICED_AFTER: Duration = Duration::from_secs(100);
/// A probe comes at least every 30 s, and may be waiting for a lost first packet as long.
const BACK_WITHIN: Duration = Duration::from_secs(34);
/// A question is asked again beside the first one after this.
const ASKED_BESIDE: Duration = Duration::from_secs(29);
/// What happened shortly before may have its effect now.
const LEAD: Duration = Duration::from_secs(1);
/// Ticks of the simulation.
const TICKS: Duration = Duration::from_millis(150);
const KNOWN_AFTER: Duration = Duration::from_secs(1);
