//! What was proven when a process began: is it asked for again?
//!
//! Looks at runs that are over, from the hub's side.

use engine::range::ByteRange;
use engine::time::{Duration, Instant};
use fake_hub::{RequestRecord, Route};

use crate::stage::Stage;
use crate::witness::Rule;

/// E4: a restart reads again what is there, and does not fetch it again. Where anything was
/// damaged, on the disk or on its way, that may be doubted, and rightly.
pub(super) fn check_twice(stage: &Stage) {
    let is_doubtful = stage.damages() > 0
        || stage.scenario.xet.is_some()
        || stage.scenario.script.iter().any(|step| step.what.is_of_disk());
    let hubs = stage.network.hubs();
    let [hub] = &hubs[..] else { return };
    if is_doubtful {
        return;
    }
    let requests = hub.requests();
    let known = stage.known();
    for (index, known) in known.iter().enumerate() {
        let later = |at: Instant| (at > known.at).then_some(at);
        let next = stage.known()[index + 1..].iter().find_map(|it| later(it.at));
        let until = next.unwrap_or(Instant::at(Duration::MAX));
        let asked = requests.iter().filter(|request| {
            let is_its = request.route == Route::Cdn && request.file.as_ref() == Some(&known.path);
            is_its && known.at < at(request) && at(request) < until
        });
        for (request, range) in asked.filter_map(|it| Some((it, asked_range(it)?))) {
            let is_there = known.proven.intersects(range);
            stage.witness().check(!is_there, at(request), Rule::E4NothingTwice, || {
                format!("{range} of {} was proven at {:?}", known.path, known.at)
            });
        }
    }
}

fn at(request: &RequestRecord) -> Instant {
    Instant::at(Duration::from_millis(request.time_ms))
}

/// Which range a request asks for.
fn asked_range(request: &RequestRecord) -> Option<ByteRange> {
    let (start, last) = request.range.as_ref()?.strip_prefix("bytes=")?.split_once('-')?;
    Some(ByteRange::new(start.parse().ok()?, last.parse::<u64>().ok()? + 1))
}
