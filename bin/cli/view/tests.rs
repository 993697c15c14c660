//! Made-up news at made-up times, and what a person is told of them.

use std::time::Duration;

use engine::digest::FileDigest;
use engine::event::{Event, Origin};
use engine::fault::{DiskFault, Fault};
use engine::range::ByteRange;
use moshi_fetch::news::{News, PlannedFile};

use super::*;

mod loud;

const MODEL: FileId = FileId(0);
const CONFIG: FileId = FileId(1);
const GB: u64 = 1_000_000_000;

fn at(seconds: u64) -> Instant {
    Instant::at(Duration::from_secs(seconds))
}

/// The fetch's clock is not the screen's: it began 100 s earlier.
fn event(event: Event, seconds: u64) -> News {
    News::Transfer { event, at: at(seconds + 100), open_requests: 4 }
}

/// A view of two files, of which the first has begun.
fn begun(proven: u64) -> View {
    let mut view = View::new("org/name", at(0));
    let file = |file, path: &str, size| PlannedFile { file, path: path.into(), size };
    let files = vec![file(MODEL, "model.safetensors", 14 * GB), file(CONFIG, "config.json", 1_024)];
    view.on_news(&News::Planned { commit: "0123456789abcdef".repeat(2), files }, at(0));
    view.on_news(&event(Event::Begun { file: MODEL, proven }, 0), at(0));
    view
}

fn words(notice: Option<Notice>) -> String {
    notice.map_or_else(String::new, |notice| notice.words().to_owned())
}

/// Events at their seconds, a later second, and the sentence then.
type Row<'a> = (&'a [(u64, Event)], u64, &'a str);

fn check(table: &[Row<'_>]) {
    for (events, seconds, expected) in table {
        let mut view = begun(0);
        for (second, happened) in *events {
            view.on_news(&event(happened.clone(), *second), at(*second));
        }
        assert_eq!(view.sentence(at(*seconds)), *expected, "{events:?}");
    }
}

/// The fetch's clock, at a second of the screen's.
fn there(seconds: u64) -> Instant {
    at(seconds + 100)
}

fn received(seconds: u64) -> (u64, Event) {
    (seconds, Event::Received { file: MODEL, len: 1 })
}

fn backoff(fault: Fault, attempt: u32, until: u64) -> Event {
    Event::Waiting { why: Wait::Backoff { fault, attempt }, until: there(until) }
}

#[test]
fn the_sentence_follows_the_link() {
    let down = (5, Event::Down { since: there(1), host: None });
    let probe = Event::Waiting { why: Wait::Probe { attempt: 3 }, until: there(54) };
    let told = Event::Waiting { why: Wait::Told { status: 429 }, until: there(60) };
    let up = Event::Up { after: Duration::from_secs(9), host: None };
    let silent = Fault::Silent(Duration::from_secs(30));
    let reset = (3, Event::Fault { file: MODEL, fault: Fault::Reset, wasted: 0 });
    let costly = (3, Event::Fault { file: MODEL, fault: Fault::Cut, wasted: 4_096 });
    check(&[
        (&[], 1, "receiving over 4 connections"),
        (&[], 7, "nothing has arrived for 7 s; 4 requests are open"),
        (&[received(6)], 7, "receiving over 4 connections"),
        (
            &[received(3), reset.clone()],
            4,
            "the connection was reset; asking again for the rest (1 fault so far)",
        ),
        (
            &[received(3), costly],
            4,
            "the connection closed before the answer was complete, which cost 4.10 KB; asking \
             again for the rest (1 fault so far)",
        ),
        (&[received(3), reset, received(8)], 9, "receiving over 4 connections"),
        (
            &[down.clone(), (12, probe.clone())],
            42,
            "link silent for 41 s, probing, next try in 12 s",
        ),
        (&[down.clone(), (12, probe.clone())], 54, "link silent for 53 s, probing now"),
        (&[down.clone(), (12, probe), (53, up)], 54, "receiving over 4 connections"),
        (&[down, received(9)], 10, "receiving over 4 connections"),
        (&[(10, told.clone())], 11, "the server asks us to stay away for 49 s (HTTP 429)"),
        (
            &[(10, told.clone()), received(12)],
            13,
            "the server asks us to stay away for 47 s (HTTP 429)",
        ),
        (&[(10, told), received(12), received(60)], 61, "receiving over 4 connections"),
        (
            &[(10, backoff(Fault::Refused, 1, 14))],
            11,
            "the connection was refused; next try in 3 s",
        ),
        (
            &[(10, backoff(silent, 7, 40))],
            11,
            "nothing arrived for 30 s; next try in 29 s, after 7 failures in a row",
        ),
    ]);
}

#[test]
fn the_sentence_follows_the_file() {
    let digest = FileDigest::Sha256([7; 32]);
    let complete = (9, Event::Proven { file: MODEL, proven: 14 * GB });
    let verified = (10, Event::Verified { file: MODEL, digest });
    let mismatch = (10, Event::Mismatch { file: MODEL, found: digest });
    let missing = (11, Event::Proven { file: MODEL, proven: GB });
    check(&[
        (
            std::slice::from_ref(&complete),
            11,
            "all bytes of model.safetensors are here; checking them against its digest",
        ),
        (
            &[complete.clone(), mismatch, missing, received(11)],
            12,
            "looking for what is damaged in model.safetensors",
        ),
        (&[complete.clone(), verified.clone()], 12, "putting model.safetensors into its place"),
        (
            &[complete.clone(), verified, (13, Event::Sealed { file: MODEL })],
            14,
            "looking at what is on the disk",
        ),
        (
            &[(9, Event::Failed { file: MODEL, fault: Fault::Changed })],
            14,
            "looking at what is on the disk",
        ),
    ]);
}

#[test]
fn the_sentence_before_a_transfer() {
    let mut view = View::new("org/name", at(0));
    let mut said = vec![view.sentence(at(0))];
    let host = || "hub.test".to_owned();
    let asked = words(view.on_news(&News::Asking { host: host() }, at(1)));
    assert_eq!(asked, "asking hub.test about org/name");
    assert_eq!(view.on_news(&News::Asking { host: host() }, at(1)), None);
    said.push(view.sentence(at(4)));
    for attempt in 1..=2 {
        let again_in = Duration::from_secs(9);
        let failed = News::AskingFailed { fault: Fault::Refused, attempt, again_in };
        let notice = words(view.on_news(&failed, at(5)));
        let first = "asking hub.test failed: the connection was refused; it is asked again";
        assert_eq!(notice, if attempt == 1 { first } else { "" });
        said.push(view.sentence(at(6)));
    }
    said.push(view.sentence(at(20)));
    view.on_cancel(at(21));
    said.push(view.sentence(at(22)));
    assert_eq!(
        said,
        [
            "starting",
            "asking hub.test what there is, for 3 s",
            "the connection was refused; asking hub.test again in 8 s",
            "the connection was refused; asking hub.test again in 8 s, after 2 failures in a row",
            "the connection was refused; asking hub.test again now, after 2 failures in a row",
            "saving what has arrived, for 1 s",
        ]
    );
}

#[test]
fn what_others_do_with_a_file_is_told_once() {
    let mut view = begun(0);
    view.on_news(&event(Event::Sealed { file: MODEL }, 1), at(1));
    let busy = News::Busy { file: CONFIG, by: "process 7".to_owned() };
    let first = words(view.on_news(&busy, at(2)));
    assert_eq!(first, "config.json is being fetched by process 7; waiting for it");
    assert_eq!(view.on_news(&busy, at(3)), None);
    let sentence = view.sentence(at(9));
    assert_eq!(sentence, "config.json is being fetched by process 7; waiting for it, for 7 s");
    let left = words(view.on_news(&News::Verifying { file: CONFIG }, at(10)));
    let expected = "config.json was left here by another program; checking it against its digest";
    assert_eq!(left, expected);
    let sentence = view.sentence(at(12));
    assert_eq!(sentence, "checking config.json against its digest, for 2 s");
    let present = words(view.on_news(&News::Present { file: CONFIG }, at(12)));
    assert_eq!(present, "config.json is in place");
    assert_eq!(view.sentence(at(13)), "finishing");
    assert_eq!(view.total(at(13)).map(|total| total.name).as_deref(), Some("2 of 2 files"));
}

#[test]
fn notices_of_the_link() {
    let range = ByteRange::new(4_096, 8_192);
    let chunk = |index, count| Event::Chunk { file: MODEL, index, count, range };
    let fault = |fault| Event::Fault { file: MODEL, fault, wasted: 0 };
    let reset = "model.safetensors: the connection was reset; asking again for the rest";
    let cut = "model.safetensors: the connection closed before the answer was complete; asking \
               again for the rest";
    let no_ranges = Event::NoRanges { file: MODEL };
    tell(&[
        (1, fault(Fault::Reset), reset),
        (2, fault(Fault::Reset), ""),
        (3, fault(Fault::Cut), cut),
        (31, fault(Fault::Reset), reset),
        (
            31,
            fault(Fault::refused(403)),
            "model.safetensors: the storage host refused the signed URL (HTTP 403); asking for a \
             fresh one",
        ),
        (
            62,
            fault(Fault::refused(401)),
            "model.safetensors: the storage host refused the token or signed URL (HTTP 401); \
             asking for a fresh one",
        ),
        (
            62,
            fault(Fault::Changed),
            "model.safetensors: the file on the server is not the one we began with; asking the \
             hub where the file is now",
        ),
        (31, fault(Fault::WrongDigest), ""),
        (40, Event::Proven { file: MODEL, proven: 7_952 * GB / 1_000 }, ""),
        (
            40,
            chunk(166, 294),
            "model.safetensors: chunk 167 of 294 is here and recorded, 56.8 %, 795 MB/s, about 31 \
             s left",
        ),
        (40, chunk(0, 1), ""),
        (
            41,
            no_ranges.clone(),
            "model.safetensors: the server ignores ranges, so it comes in one stream now",
        ),
        (41, no_ranges, ""),
        (
            50,
            Event::Down { since: there(46), host: None },
            "the link has been silent for 4 s; it is probed until it answers",
        ),
        (
            60,
            Event::Up { after: Duration::from_secs(14), host: None },
            "the link answers again, after 14 s",
        ),
        (
            70,
            Event::Down { since: there(61), host: Some("cdn.example:443".to_owned()) },
            "cdn.example:443 has been silent for 9 s, while other hosts answer; it is asked again \
             until it does",
        ),
        (
            80,
            Event::Up { after: Duration::from_secs(19), host: Some("cdn.example:443".to_owned()) },
            "cdn.example:443 answers again, after 19 s",
        ),
    ]);
}

#[test]
fn notices_of_the_digest() {
    let digest = FileDigest::GitSha1([7; 20]);
    let range = ByteRange::new(4_096, 8_192);
    let repaired = |origin| Event::Repaired { file: MODEL, range, origin };
    tell(&[
        (
            61,
            Event::Mismatch { file: MODEL, found: digest },
            "model.safetensors: its git SHA-1 is wrong; what is damaged is being found and \
             fetched again, no more",
        ),
        (
            62,
            repaired(Origin::Disk),
            "model.safetensors: this disk has lost bytes 4096–8191 (4.10 KB), which are fetched \
             again",
        ),
        (
            63,
            repaired(Origin::Network),
            "model.safetensors: bytes 4096–8191 (4.10 KB) were damaged on their way, and were \
             fetched again",
        ),
        (64, Event::Verified { file: MODEL, digest }, ""),
        (
            65,
            Event::Sealed { file: MODEL },
            "model.safetensors is in place: 14.0 GB, and its git SHA-1 is what its publisher says",
        ),
        (
            66,
            Event::Failed { file: CONFIG, fault: Fault::rejected(418) },
            "config.json cannot be had: the server rejects the request (HTTP 418)",
        ),
    ]);
}

/// Tells the view each event at its second, and compares what is worth a line of it.
fn tell(steps: &[(u64, Event, &str)]) {
    let mut view = begun(0);
    for (seconds, happened, expected) in steps {
        let notice = view.on_news(&event(happened.clone(), *seconds), at(*seconds));
        assert_eq!(words(notice), *expected, "{happened:?}");
    }
}

#[test]
fn what_was_there_before_is_told_and_is_no_speed() {
    let mut view = begun(0);
    let continued = event(Event::Begun { file: MODEL, proven: 7 * GB }, 1);
    assert_eq!(
        words(view.on_news(&continued, at(1))),
        "model.safetensors: continuing, 7.00 GB of 14.0 GB (50.0 %) are on disk and proven"
    );
    assert_eq!(view.goodput(at(11)), (0, 0));
    view.on_news(&event(Event::Proven { file: MODEL, proven: 7 * GB + 110_000 }, 11), at(11));
    assert_eq!(view.goodput(at(11)), (110_000, 10_000));
    let total = view.total(at(11)).map(|total| total.to_string());
    assert_eq!(
        total.as_deref(),
        Some("0 of 2 files: 7.00 GB of 14.0 GB, 50.0 %, 11.0 KB/s, about 8.1 days left")
    );
}

#[test]
fn files_in_flight_are_those_that_move() {
    let mut view = begun(0);
    view.on_news(&event(Event::Begun { file: CONFIG, proven: 0 }, 1), at(1));
    let shown = |view: &View, seconds| {
        let shown = view.in_flight(8, at(seconds));
        shown.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert_eq!(shown(&view, 1), [MODEL], "something is always shown");
    view.on_news(&event(Event::Received { file: CONFIG, len: 9 }, 2), at(2));
    assert_eq!(shown(&view, 3), [CONFIG]);
    view.on_news(&event(Event::Received { file: MODEL, len: 9 }, 4), at(4));
    assert_eq!(shown(&view, 5), [MODEL, CONFIG]);
    assert_eq!(shown(&view, 33), [MODEL], "the other has been silent for long");
    view.on_news(&event(Event::Sealed { file: MODEL }, 34), at(34));
    assert_eq!(shown(&view, 34), [CONFIG]);
}

#[test]
fn what_the_publisher_vouches_for_is_told_with_the_figures() {
    let mut view = begun(0);
    let range = ByteRange::new(0, GB);
    let chunk = || event(Event::Chunk { file: MODEL, index: 0, count: 14, range }, 10);
    let vouched = |vouched| event(Event::Vouched { file: MODEL, vouched }, 10);
    view.on_news(&event(Event::Proven { file: MODEL, proven: GB }, 10), at(10));
    let plain = "model.safetensors: chunk 1 of 14 is here and recorded, 7.1 %, 100 MB/s, about 3 \
                 min left";
    assert_eq!(words(view.on_news(&chunk(), at(10))), plain, "nobody has vouched for anything");
    assert_eq!(view.on_news(&vouched(GB / 2), at(10)), None, "it would be a line a xorb");
    let expected = format!("{plain}; vouched by the publisher: 500 MB of 14.0 GB");
    assert_eq!(words(view.on_news(&chunk(), at(10))), expected);
    let total = |view: &View| view.total(at(20)).unwrap();
    let heartbeat = total(&view).to_string();
    let expected = "; vouched by the publisher: 500 MB of 14.0 GB";
    assert!(heartbeat.ends_with(expected), "{heartbeat}");
    view.on_news(&vouched(0), at(20));
    let ground = total(&view).ground();
    assert_eq!(ground.as_deref(), Some("vouched by the publisher: 0 B of 14.0 GB"));
    view.on_news(&event(Event::Begun { file: MODEL, proven: 0 }, 20), at(20));
    assert_eq!(total(&view).ground(), None);
}

#[test]
fn a_file_with_the_right_digest_needs_nobody_to_vouch_for_it() {
    let mut view = begun(0);
    let mut check = |happened, expected: Option<&str>| {
        view.on_news(&event(happened, 1), at(1));
        let ground = view.total(at(1)).and_then(|total| total.ground());
        assert_eq!(ground.as_deref(), expected);
        view.vouched()
    };
    let digest = FileDigest::Sha256([7; 32]);
    let sealed = |file| Event::Sealed { file };
    check(sealed(CONFIG), None);
    check(
        Event::Vouched { file: MODEL, vouched: 3 * GB },
        Some("verified or vouched by the publisher: 3.00 GB of 14.0 GB"),
    );
    check(Event::Verified { file: MODEL, digest }, Some("verified: 14.0 GB of 14.0 GB"));
    let vouched = check(sealed(MODEL), Some("verified: 14.0 GB of 14.0 GB"));
    assert_eq!(vouched, 3 * GB, "the digest makes no more of it vouched for");
}

#[test]
fn another_way_is_told_once_bytes_come_by_it() {
    let gone = |file| Event::Fault { file, fault: Fault::rejected(418), wasted: 0 };
    let (came, full) = (Event::Received { file: MODEL, len: 1 }, Fault::Disk(DiskFault::Full));
    tell(&[
        (1, gone(MODEL), ""),
        (
            2,
            came.clone(),
            "model.safetensors: the server rejects the request (HTTP 418); it comes in another \
             way now",
        ),
        (3, came.clone(), ""),
        (4, gone(CONFIG), ""),
        (
            4,
            Event::Failed { file: CONFIG, fault: Fault::rejected(418) },
            "config.json cannot be had: the server rejects the request (HTTP 418)",
        ),
        (5, Event::Received { file: CONFIG, len: 1 }, ""),
        (6, Event::Fault { file: MODEL, fault: full, wasted: 0 }, ""),
        (6, came, ""),
    ]);
}
