//! Which situations of Xet came up, from the hub's side.
//!
//! Judges nothing.

use std::collections::BTreeMap;

use engine::time::{Duration, Instant};
use fake_hub::{Hub, RequestRecord, Route};

use crate::sometimes::Sometimes;
use crate::stage::{REPO, Stage};

/// Notes what came up.
pub(super) fn note_xet(stage: &Stage) {
    if stage.scenario.xet.is_none() {
        return;
    }
    let hubs = stage.network.hubs();
    // Each hub counts time from its own start: the first one's has to do.
    let mut requests = hubs.first().map(|hub| hub.requests()).unwrap_or_default();
    // They were logged when they were over.
    requests.sort_by_key(|request| request.time_ms);
    let is_answered = |request: &RequestRecord| matches!(request.status, 200 | 206);
    let has_named = requests.iter().any(|it| it.route == Route::Chunks && is_answered(it));
    let tokens = requests.iter().filter(|it| it.route == Route::Token && is_answered(it)).count();
    let mut witness = stage.witness();
    let mut note = |is_so: bool, situation| {
        if is_so {
            witness.note(situation);
        }
    };
    let ways = ways(&requests);
    note(ways.iter().any(|(_, way)| *way == Route::Cdn), Sometimes::XetFellBack);
    note(has_come_back(stage, &ways), Sometimes::XetCameBack);
    note(tokens as u64 > stage.computer.processes(), Sometimes::XetTokenRefreshed);
    let is_deduplicated = hubs.first().is_some_and(|hub| has_shared(stage, hub, &requests));
    note(is_deduplicated, Sometimes::XetDeduplicated);
    let has_repaired = witness.has_repaired();
    if has_repaired {
        let by_name = Sometimes::XetRepairedByShard;
        witness.note(if has_named { by_name } else { Sometimes::XetRepairedBySearch });
    }
}

/// When content came, and which way.
fn ways(requests: &[RequestRecord]) -> Vec<(Instant, Route)> {
    let brings = |request: &&RequestRecord| {
        matches!(request.route, Route::Cdn | Route::Xorb)
            && request.body_bytes > 0
            && request.status == 206
    };
    let at = |request: &RequestRecord| Instant::at(Duration::from_millis(request.time_ms));
    requests.iter().filter(brings).map(|request| (at(request), request.route)).collect()
}

/// Whether one process took to plain HTTP and back again.
fn has_come_back(stage: &Stage, ways: &[(Instant, Route)]) -> bool {
    let mut left_at = None;
    ways.windows(2).any(|pair| {
        let ((_, before), (at, after)) = (pair[0], pair[1]);
        if (before, after) == (Route::Xorb, Route::Cdn) {
            left_at = Some(at);
        }
        (before, after) == (Route::Cdn, Route::Xorb)
            && left_at.is_some_and(|left| stage.is_one_process(left..at))
    })
}

/// Whether a xorb that two files need was asked for.
fn has_shared(stage: &Stage, hub: &Hub, requests: &[RequestRecord]) -> bool {
    let mut users = BTreeMap::<String, u32>::new();
    for (path, _) in &stage.files {
        let file = hub.xet_file(REPO, "main", path);
        let mut xorbs: Vec<String> = file
            .map(|file| file.terms.iter().map(|term| term.xorb.to_string()).collect())
            .unwrap_or_default();
        xorbs.sort();
        xorbs.dedup();
        for xorb in xorbs {
            *users.entry(xorb).or_default() += 1;
        }
    }
    let asked = requests.iter().filter(|it| it.route == Route::Xorb && it.status == 206);
    let shared: Vec<&String> =
        users.iter().filter(|(_, count)| **count > 1).map(|(xorb, _)| xorb).collect();
    asked.into_iter().any(|request| shared.iter().any(|xorb| request.path.contains(*xorb)))
}
