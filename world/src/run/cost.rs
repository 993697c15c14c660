//! What a run cost, put together from the network's books and the hubs' counters.
//!
//! What it may have cost is the witness's to say.

use fake_hub::{Hub, Route};

use crate::net::{Ending, Flow};
use crate::stage::{REPO, Stage};
use crate::witness::Bill;

/// What a run cost, and what explains it.
pub(super) fn bill(stage: &Stage) -> Bill {
    let hubs = stage.network.hubs();
    let rots = u64::from(!stage.is_disk_honest());
    let doubts = stage.damages() + rots;
    let useless = ["portal", "gzip", "wrong-range", "short-body", "etag-change"];
    let books = stage.network.books();
    let ends_there = |flow: &&Flow| matches!(flow.ending, Some(Ending::Reset | Ending::Closed));
    let broken = books.flows().iter().filter(ends_there).count() as u64;
    let sent = |route| hubs.iter().map(|hub| hub.stats().body_bytes_on(route)).sum::<u64>();
    Bill {
        size: stage.size(),
        packed: hubs.first().map_or(0, |hub| packed(stage, hub)),
        is_in_xet: stage.scenario.xet.is_some(),
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
        ranges_ignored: stage.fired("ignore-range"),
        useless_answers: useless.iter().map(|kind| stage.fired(kind)).sum(),
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
