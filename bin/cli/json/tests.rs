//! One line for each kind of news, as a program reads it.

use engine::digest::FileDigest;
use engine::fault::Fault;
use engine::range::ByteRange;
use engine::stats::Stats;
use moshi_fetch::error::{Error, ErrorKind, Safe};
use moshi_fetch::news::{FetchedFile, PlannedFile, Report};
use serde_json::{Value, json};

use super::*;

const FILE: FileId = FileId(0);

fn at(seconds: u64) -> Instant {
    Instant::at(Duration::from_secs(seconds))
}

fn planned() -> News {
    let file = PlannedFile { file: FILE, path: "a.bin".into(), size: 1_000 };
    News::Planned { commit: "c0ffee".to_owned(), files: vec![file] }
}

fn check(table: &[(News, Value)]) {
    let (mut view, mut json) = (View::new("org/name", at(0)), Json::new());
    view.on_news(&planned(), at(0));
    for (news, expected) in table {
        view.on_news(news, at(10));
        let line = json.on_news(news, &view, at(10));
        let line = line.map(|line| written(&line));
        assert!(line.as_ref().is_none_or(|line| line.starts_with(r#"{"event":"#)), "{line:?}");
        assert_eq!(line.map_or(Value::Null, |line| parse(&line)), *expected, "{news:?}");
    }
}

/// The line as a program gets it.
fn written(line: &impl serde::Serialize) -> String {
    let mut bytes = Vec::new();
    crate::cli::terminal::write_object(&mut bytes, line).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

fn event(event: Event) -> News {
    News::Transfer { event, at: at(3), open_requests: 2 }
}

#[test]
fn planning() {
    let fault = Fault::Refused;
    let again_in = Duration::from_millis(1_500);
    check(&[
        (
            News::Asking { host: "hub.test".to_owned() },
            json!({"event": "asking", "host": "hub.test"}),
        ),
        (
            News::AskingFailed { fault, attempt: 2, again_in },
            json!({
                "event": "asking_failed", "kind": "refused",
                "message": "the connection was refused", "attempt": 2, "seconds": 1.5
            }),
        ),
        (
            planned(),
            json!({
                "event": "planned", "commit": "c0ffee", "total": 1000,
                "files": [{"file": "a.bin", "bytes": 1000}]
            }),
        ),
        (News::Present { file: FILE }, json!({"event": "present", "file": "a.bin"})),
        (News::Verifying { file: FILE }, json!({"event": "verifying", "file": "a.bin"})),
        (
            News::Busy { file: FILE, by: "process 7".to_owned() },
            json!({"event": "busy", "file": "a.bin", "by": "process 7"}),
        ),
    ]);
}

#[test]
fn transferring() {
    let range = ByteRange::new(0, 500);
    let backoff = Wait::Backoff { fault: Fault::Reset, attempt: 4 };
    check(&[
        (
            event(Event::Begun { file: FILE, proven: 250 }),
            json!({"event": "begun", "file": "a.bin", "bytes": 250, "total": 1000}),
        ),
        (event(Event::Received { file: FILE, len: 9 }), Value::Null),
        (event(Event::Proven { file: FILE, proven: 500 }), Value::Null),
        (event(Event::Vouched { file: FILE, vouched: 0 }), Value::Null),
        (
            event(Event::Vouched { file: FILE, vouched: 400 }),
            json!({"event": "vouched", "file": "a.bin", "bytes": 400, "total": 1000}),
        ),
        (event(Event::Vouched { file: FILE, vouched: 400 }), Value::Null),
        (
            event(Event::Vouched { file: FILE, vouched: 0 }),
            json!({"event": "vouched", "file": "a.bin", "bytes": 0, "total": 1000}),
        ),
        (
            event(Event::Chunk { file: FILE, index: 0, count: 2, range }),
            json!({
                "event": "chunk", "file": "a.bin", "index": 0, "count": 2, "start": 0,
                "end": 500
            }),
        ),
        (
            event(Event::Fault { file: FILE, fault: Fault::Reset, wasted: 7 }),
            json!({
                "event": "fault", "file": "a.bin", "kind": "reset",
                "message": "the connection was reset", "wasted": 7
            }),
        ),
        (
            event(Event::Waiting { why: backoff, until: at(8) }),
            json!({"event": "waiting", "why": "backoff", "seconds": 5.0, "attempt": 4}),
        ),
        (
            event(Event::Waiting { why: Wait::Told { status: 429 }, until: at(4) }),
            json!({"event": "waiting", "why": "told", "seconds": 1.0, "status": 429}),
        ),
        (
            event(Event::Waiting { why: Wait::Probe { attempt: 3 }, until: at(4) }),
            json!({"event": "waiting", "why": "probe", "seconds": 1.0, "attempt": 3}),
        ),
        (event(Event::Down { since: at(1), host: None }), json!({"event": "down", "seconds": 2.0})),
        (
            event(Event::Up { after: Duration::from_secs(2), host: Some("a.example:443".into()) }),
            json!({"event": "up", "seconds": 2.0, "host": "a.example:443"}),
        ),
        (event(Event::Named { file: FILE }), json!({"event": "named", "file": "a.bin"})),
        (event(Event::NoRanges { file: FILE }), json!({"event": "no_ranges", "file": "a.bin"})),
        (
            event(Event::Split { file: FILE, range }),
            json!({"event": "split", "file": "a.bin", "start": 0, "end": 500}),
        ),
    ]);
}

#[test]
fn finishing() {
    let digest = FileDigest::GitSha1([0xab; 20]);
    let hex = "ab".repeat(20);
    let hex = format!("git-sha1:{hex}");
    let verified = json!({"event": "verified", "file": "a.bin", "digest": hex});
    let mismatch = json!({"event": "mismatch", "file": "a.bin", "digest": hex});
    let range = ByteRange::new(4, 8);
    check(&[
        (event(Event::Mismatch { file: FILE, found: digest }), mismatch),
        (
            event(Event::Repaired { file: FILE, range, origin: Origin::Network }),
            json!({
                "event": "repaired", "file": "a.bin", "start": 4, "end": 8,
                "origin": "network"
            }),
        ),
        (event(Event::Verified { file: FILE, digest }), verified),
        (
            event(Event::Sealed { file: FILE }),
            json!({"event": "sealed", "file": "a.bin", "bytes": 1000}),
        ),
        (
            event(Event::Failed { file: FILE, fault: Fault::WrongDigest }),
            json!({
                "event": "failed", "file": "a.bin", "kind": "wrong digest",
                "message": "the file does not match the digest its publisher gives"
            }),
        ),
        (event(Event::Ended(engine::event::End::Finished)), Value::Null),
    ]);
}

#[test]
fn progress_is_told_once_a_second_and_only_when_there_is_some() {
    let (mut view, mut json) = (View::new("org/name", at(0)), Json::new());
    view.on_news(&planned(), at(0));
    view.on_news(&event(Event::Begun { file: FILE, proven: 0 }), at(0));
    view.on_news(&event(Event::Proven { file: FILE, proven: 100 }), at(4));
    view.on_news(&event(Event::Vouched { file: FILE, vouched: 64 }), at(4));
    let tick = |json: &mut Json, view: &View, seconds| {
        let mut lines = Vec::new();
        json.on_tick(view, at(seconds), |line| lines.push(written(line)));
        lines
    };
    let lines = tick(&mut json, &view, 4);
    let expected = json!({
        "event": "progress", "file": "a.bin", "bytes": 100, "total": 1000, "vouched": 64,
        "rate": 25, "seconds_min": 36, "seconds_max": 36
    });
    assert_eq!(lines.iter().map(|line| parse(line)).collect::<Vec<_>>(), [expected]);
    view.on_news(&event(Event::Proven { file: FILE, proven: 101 }), at(4));
    assert!(tick(&mut json, &view, 4).is_empty(), "too soon");
    assert_eq!(tick(&mut json, &view, 5).len(), 1);
    assert!(tick(&mut json, &view, 9).is_empty(), "nothing new");
}

#[test]
fn the_last_line_says_how_it_ended() {
    let file = FetchedFile {
        path: "a.bin".to_owned(),
        local: "/cache/a.bin".into(),
        size: 1_000,
        digest: "sha256:00".to_owned(),
        was_present: false,
        verified: None,
    };
    let report = Report {
        path: "/cache/a.bin".into(),
        commit: "c0ffee".to_owned(),
        files: vec![file],
        stats: Stats { received: 1_007, wasted: 7, requests: 3, ..Stats::default() },
        elapsed: Duration::from_millis(1_250),
    };
    let done_file = json!({
        "file": "a.bin", "path": "/cache/a.bin", "bytes": 1000, "digest": "sha256:00",
        "present": false, "verified": null
    });
    let expected = json!({
        "event": "done", "path": "/cache/a.bin", "commit": "c0ffee", "dry_run": false,
        "seconds": 1.25, "received": 1007, "wasted": 7, "requests": 3, "faults": {},
        "files": [done_file]
    });
    assert_eq!(parse(&written(&done(&report, false))), expected);
    let mut failure = Error::new(ErrorKind::Interrupted).about("org/name");
    failure.safe = Some(Safe { proven: 1, total: 2 });
    let expected = json!({
        "event": "error", "exit_code": 130, "message": "interrupted", "subject": "org/name",
        "hint": "run the same command again: it continues", "bytes": 1, "total": 2
    });
    assert_eq!(parse(&written(&error(&failure))), expected);
}
