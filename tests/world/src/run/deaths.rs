//! Connections that died and told nobody: how long the product believed in them.
//!
//! Looks at runs that are over, from the network's side.

use std::collections::BTreeMap;

use engine::time::{Duration, Instant};
use simnet::recording::What;
use simnet::silence::Silences;

use crate::scenario::{Happening, Step};
use crate::stage::Stage;
use crate::witness::Rule;
use simnet::net::{CDN_NAME, Flow};

/// L2: what is silent while others bring bytes is given up as soon as their gaps explain, and what
/// is silent together with everything else not much later than a network forgets it.
pub(super) fn check_deaths(stage: &Stage, ended: Instant) {
    let flows = stage.network.connections().flows().to_vec();
    let silences = listen(stage);
    for (number, flow) in flows.iter().enumerate() {
        let Some(since) = flow.heard_at.max(flow.sent_at) else { continue };
        let until = flow.closed_at.unwrap_or(ended);
        let is_cut_off = flow.heard_at.is_some_and(|at| is_cut_off(stage, flow, at));
        if !(flow.is_dead || is_cut_off) || !is_judged(stage, since, until) {
            continue;
        }
        let patience = stage.scenario.config.stall_after;
        let allowed = silences.replaced_within(number as u64, since, patience);
        // One that nobody uses is kept for the next request.
        let allowed = if is_cut_off { allowed.max(IDLE) } else { allowed } + stage.queueing();
        let times = (until.since(since), allowed);
        stage.witness().spend_time(times, until, Rule::L2DeadReplaced, "silent");
    }
}

/// What was heard of every connection to where content is, and when.
fn listen(stage: &Stage) -> Silences {
    let mut silences = Silences::keeping_all();
    let mut begun = BTreeMap::new();
    let connections = stage.network.connections();
    let is_content = |worker: u64| {
        let flow = usize::try_from(worker).ok().and_then(|number| connections.flows().get(number));
        flow.is_some_and(|flow| flow.host == CDN_NAME)
    };
    for row in stage.recording().rows() {
        let What::Bytes { worker, .. } = row.what else { continue };
        if is_content(worker) {
            begun.entry(worker).or_insert_with(|| silences.on_request(worker, row.at));
            silences.on_bytes(worker, row.at);
        }
    }
    silences
}

/// Whether a connection to where content is brought bytes until it was cut off.
fn is_cut_off(stage: &Stage, flow: &Flow, since: Instant) -> bool {
    flow.host == CDN_NAME
        && stage.scenario.script.iter().any(|step| {
            let at = Instant::at(step.at);
            step.what == Happening::HalfOpen && since <= at + LEAD && at <= since + LEAD
        })
}

/// Whether one process has run all the time, over a link that was up, and asked for nothing that
/// was slow by itself.
fn is_judged(stage: &Stage, since: Instant, until: Instant) -> bool {
    let is_out = |step: &Step| step.is_disconnection(AFTER, since, until);
    stage.scenario.is_even()
        && stage.is_one_process(since..until)
        && !stage.scenario.script.iter().any(is_out)
}

/// An idle connection is kept so long, and is looked for as often.
const IDLE: Duration = Duration::from_secs(41);
/// What came last came so shortly before it was cut off.
const LEAD: Duration = Duration::from_millis(500);
/// What was out may be believed to be out for so much longer.
const AFTER: Duration = Duration::from_secs(75);
