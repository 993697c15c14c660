//! What a run cost, put together from the network's books and the hubs' counters.
//!
//! What it may have cost is the witness's to say.

use fake_hub::{Hub, Route};

use crate::net::{CDN_NAME, Ending, Flow};
use crate::stage::{REPO, Stage};
use crate::witness::Bill;

/// What a run cost, and what explains it.
pub(super) fn bill(stage: &Stage) -> Bill {
    let hubs = stage.network.hubs();
    let rots = u64::from(!stage.is_disk_honest());
    // Where chunks prove themselves and the whole is wrong, all is sought in chunks and then as it
    // is: after that nobody asks what the file is made of.
    let false_descriptions = stage.false_descriptions();
    let doubts = stage.damages() - false_descriptions + 2 * false_descriptions.min(1) + rots;
    let useless = ["portal", "gzip", "wrong-range", "short-body", "etag-change"];
    let books = stage.network.books();
    let ends_there = |flow: &&Flow| matches!(flow.ending, Some(Ending::Reset | Ending::Closed));
    let broken = books.flows().iter().filter(ends_there).count() as u64;
    // What is open when somebody is served has brought all that was wanted of it.
    let is_torn = |flow: &&Flow| {
        let is_early = flow.closed_at.is_some_and(|at| !stage.is_served_soon_after(at));
        flow.host == CDN_NAME && flow.received > 0 && is_early
    };
    let torn = books.flows().iter().filter(is_torn).count() as u64;
    let sent = |route| hubs.iter().map(|hub| hub.stats().body_bytes_on(route)).sum::<u64>();
    Bill {
        size: stage.size(),
        packed: hubs.first().map_or(0, |hub| packed(stage, hub)),
        torn: if stage.scenario.xet.is_some() { torn } else { 0 },
        sent_unpacked: sent(Route::Cdn),
        // Who doubts nothing has no reason to ask for names.
        described: sent(Route::Reconstruction) + if doubts > 0 { sent(Route::Chunks) } else { 0 },
        arrived: books.received(),
        dropped: books.flows().len() as u64 - broken,
        broken,
        requests: hubs.iter().map(|hub| hub.stats().requests).sum(),
        lost_in_crashes: stage.lost_in_crashes(),
        // Whoever dies while they search begins the search anew.
        doubts: doubts * stage.computer.processes(),
        search: search(stage),
        ranges_ignored: stage.fired("ignore-range"),
        useless_answers: useless.iter().map(|kind| stage.fired(kind)).sum(),
    }
}

/// What it may take to find what one lie was about: all that is not vouched for. In chunks alone,
/// and where a xorb proves itself, that is the xorb that does not, and the records in which its
/// wrong chunk is.
fn search(stage: &Stage) -> u64 {
    let sent_unpacked: u64 =
        stage.network.hubs().iter().map(|hub| hub.stats().body_bytes_on(Route::Cdn)).sum();
    match stage.scenario.xet {
        Some(xet)
            if !xet.is_deduplicated
                && sent_unpacked == 0
                && stage.false_descriptions() == 0
                && stage.is_disk_honest() =>
        {
            (xet.xorb_bytes + 2 * RECORD_BYTES).min(stage.size())
        }
        Some(_) | None => stage.size(),
    }
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
