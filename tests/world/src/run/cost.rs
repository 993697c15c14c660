//! What a run cost, put together from the network's connections and the hubs' counters.
//!
//! What it may have cost is the witness's to say.

use fake_hub::{Hub, Route};

use crate::stage::{REPO, Stage};
use crate::witness::Bill;
use simnet::net::{CDN_NAME, Ending, Flow};

/// What a run cost, and what explains it.
pub(super) fn bill(stage: &Stage) -> Bill {
    let hubs = stage.network.hubs();
    let doubts = stage.damages() + u64::from(!stage.is_disk_honest());
    let useless = ["portal", "gzip", "wrong-range", "short-body", "etag-change"];
    let connections = stage.network.connections();
    let ends_there = |flow: &&Flow| matches!(flow.ending, Some(Ending::Reset | Ending::Closed));
    let broken = connections.flows().iter().filter(ends_there).count() as u64;
    // What is open when somebody is served has brought all that was wanted of it.
    let is_torn = |flow: &&Flow| {
        let is_early = flow.closed_at.is_some_and(|at| !stage.is_served_soon_after(at));
        flow.host == CDN_NAME && flow.received > 0 && is_early
    };
    let torn = connections.flows().iter().filter(is_torn).count() as u64;
    let sent = |route| hubs.iter().map(|hub| hub.stats().body_bytes_on(route)).sum::<u64>();
    Bill {
        size: stage.size(),
        packed: hubs.first().map_or(0, |hub| packed(stage, hub)),
        torn: if stage.scenario.xet.is_some() { torn } else { 0 },
        sent_unpacked: sent(Route::Cdn),
        // Who doubts nothing has no reason to ask for names.
        described: sent(Route::Reconstruction) + if doubts > 0 { sent(Route::Chunks) } else { 0 },
        arrived: connections.received(),
        dropped: connections.flows().len() as u64 - broken,
        broken,
        requests: hubs.iter().map(|hub| hub.stats().requests).sum(),
        lost_in_crashes: stage.lost_in_crashes(),
        searched: stage.taken() + if doubts > 0 { searched(stage) } else { 0 },
        ranges_ignored: stage.fired("ignore-range"),
        useless_answers: useless.iter().map(|kind| stage.fired(kind)).sum(),
    }
}

/// What it may take to find damage: of each file that was all there and wrong, once in each process
/// that found it so, all that is not vouched for. In chunks alone, and where a xorb proves itself,
/// that is the xorb that does not, and the records in which its wrong chunk is. Where chunks prove
/// themselves and the whole is wrong, all is sought in chunks and then as it is. What differs is
/// fetched up to three times more, and no more of it can differ than was damaged.
fn searched(stage: &Stage) -> u64 {
    let sent_unpacked: u64 =
        stage.network.hubs().iter().map(|hub| hub.stats().body_bytes_on(Route::Cdn)).sum();
    let is_false = stage.false_descriptions() > 0;
    let most = match stage.scenario.xet {
        Some(xet)
            if !xet.is_deduplicated
                && sent_unpacked == 0
                && !is_false
                && stage.is_disk_honest() =>
        {
            xet.xorb_bytes + 2 * RECORD_BYTES
        }
        Some(_) | None => u64::MAX,
    };
    let ways = if is_false { 2 } else { 1 };
    let differing = 3 * RECORD_BYTES * stage.damages();
    let witness = stage.witness();
    witness.searches().map(|size| ways * size.min(most) + differing.min(3 * size)).sum()
}

/// How many bytes bring every file in chunks, a chunk that stands in two files twice.
fn packed(stage: &Stage, hub: &Hub) -> u64 {
    let file = |(path, truth): &(String, crate::witness::Truth)| {
        let in_xet = hub.xet_file(REPO, "main", path);
        in_xet.map_or(truth.whole().len(), |file| {
            hub.xet().wire_len(file).expect("what is made up is on no disk")
        })
    };
    stage.files.iter().map(file).sum()
}

/// What is recorded together is fetched again together.
const RECORD_BYTES: u64 = 256 << 10;
