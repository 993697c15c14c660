//! Tests of `resolve`, by tables and by hand.
//!
//! No network, no clock.

use proptest::prelude::*;

use super::*;
use crate::hub::endpoint::Endpoint;
use crate::hub::repo::{RepoId, RepoKind};
use crate::hub::revision::Revision;
use crate::time::Duration;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const OTHER: &str = "7654321076543210765432107654321076543210";
const SHA1: &str = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
const SHA256: &str = "b9a46943f30c38ebed71581b6e4ef89a1285c8d404dc3aea3af1c3efdc7395df";
const HUB: &str = "https://huggingface.co/org/name/resolve/main/a.bin";

fn resolving(revision: &str) -> Resolving {
    let asked = Asked {
        endpoint: Endpoint::default(),
        repo: RepoId::new(RepoKind::Model, "org/name").unwrap(),
        revision: revision.parse::<Revision>().unwrap(),
        has_token: false,
    };
    Resolving::new(asked, "a.bin".parse().unwrap())
}

/// Runs a lookup over these answers; the end, as text, and the URLs that were asked.
fn run(revision: &str, heads: &[(u16, Vec<(&str, &str)>)]) -> (String, Vec<String>) {
    let mut resolving = resolving(revision);
    let mut asked = Vec::new();
    for (status, lines) in heads {
        asked.push(resolving.request().url.to_string());
        match resolving.check(&Head::new(*status, lines.iter().copied())) {
            Ok(ResolveAnswer::Follow(next)) => resolving = *next,
            Ok(ResolveAnswer::Resolved(it)) => return (shown(&it), asked),
            Err(fault) => return (fault.to_string(), asked),
        }
    }
    (format!("asks {}", resolving.request().url), asked)
}

fn shown(it: &Resolved) -> String {
    let ttl = it.location.ttl.map_or(String::new(), |ttl| format!(" for {} s", ttl.as_secs()));
    let (size, commit) = (it.size, &it.commit.as_str()[..4]);
    format!("{} {size:?} {:?} at {commit} from {}{ttl}", it.etag, it.digest, it.location.url)
}

#[test]
fn a_large_file_is_where_the_redirect_leads() {
    let quoted = format!("\"{SHA256}\"");
    let (end, asked) = run(
        "main",
        &[(
            302,
            vec![
                ("Location", "https://cdn.example/x?Expires=1704164705"),
                ("X-Repo-Commit", COMMIT),
                ("X-Linked-ETag", &quoted),
                ("X-Linked-Size", "15372370944"),
                ("ETag", "\"of-the-redirect\""),
                ("Content-Length", "1300"),
                ("Date", "Tue, 02 Jan 2024 03:04:05 GMT"),
            ],
        )],
    );
    let expected = format!(
        "{SHA256} Some(15372370944) Some(sha256:{SHA256}) at 0123 \
        from https://cdn.example/x?Expires=1704164705 for 60 s"
    );
    assert_eq!(end, expected);
    assert_eq!(asked, [HUB]);
}

#[test]
fn a_small_file_is_asked_for_again_until_all_is_known() {
    let quoted = format!("W/\"{SHA1}\"");
    let cache = format!("/api/resolve-cache/models/org/name/{COMMIT}/a.bin");
    let at_cache = format!("https://huggingface.co{cache}");
    let expected = format!("{SHA1} Some(0) Some(git-sha1:{SHA1}) at 0123 from {at_cache}");
    let redirect = ("Location", cache.as_str());
    let commit = ("X-Repo-Commit", COMMIT);
    let (etag, linked) = (("ETag", quoted.as_str()), ("X-Linked-ETag", quoted.as_str()));
    let length = ("Content-Length", "0");
    for heads in [
        // The commit on the redirect, the rest on the answer.
        vec![(307, vec![redirect, commit, ("Content-Length", "99")]), (200, vec![etag, length])],
        // All on the answer.
        vec![(307, vec![redirect, ("ETag", "\"no\"")]), (200, vec![commit, etag, length])],
        // The linked ETag wins over what a cache calls the answer.
        vec![(307, vec![redirect, linked]), (200, vec![commit, ("ETag", "\"md5\""), length])],
        // A renamed repository first.
        vec![
            (307, vec![("Location", "/new/name/resolve/main/a.bin")]),
            (307, vec![redirect, commit]),
            (200, vec![etag, commit, length]),
        ],
        // All on the redirect: no need to ask again.
        vec![(307, vec![redirect, commit, linked, ("X-Linked-Size", "0")])],
    ] {
        let (end, asked) = run("main", &heads);
        assert_eq!((end, asked.len()), (expected.clone(), heads.len()), "{heads:?}");
    }
}

#[test]
fn answers_that_are_not_the_files_are_faults() {
    let commit = ("X-Repo-Commit", COMMIT);
    let etag = ("ETag", "\"abc\"");
    let html = ("Content-Type", "text/html");
    let away = ("Location", "https://cdn.example/x");
    let malformed = |words| format!("the server's answer makes no sense: {words}");
    let not_a_hub = "the answer does not come from a Hugging Face hub".to_owned();
    let portal = "a web page came instead of the file".to_owned();
    let nowhere = "the server's redirects lead nowhere".to_owned();
    for (revision, heads, expected) in [
        ("main", vec![(200, vec![etag])], not_a_hub.clone()),
        ("main", vec![(200, vec![etag, html])], portal.clone()),
        ("main", vec![(302, vec![away])], not_a_hub.clone()),
        ("main", vec![(302, vec![away, html])], portal.clone()),
        ("main", vec![(302, vec![("Location", "/login")]), (200, vec![html])], portal),
        ("main", vec![(200, vec![etag, ("X-Repo-Commit", "main")])], not_a_hub),
        ("main", vec![(200, vec![commit])], malformed("a file without an ETag".to_owned())),
        (
            "main",
            vec![(200, vec![commit, ("ETag", "\"../../x\"")])],
            malformed("an ETag that cannot name a file".to_owned()),
        ),
        (
            "main",
            vec![(200, vec![commit, ("X-Repo-Commit", OTHER), etag])],
            "the answer does not come from a Hugging Face hub".to_owned(),
        ),
        (
            "main",
            vec![
                (307, vec![commit, ("Location", "/x")]),
                (200, vec![("X-Repo-Commit", OTHER), etag]),
            ],
            malformed("two commits in one answer".to_owned()),
        ),
        (
            OTHER,
            vec![(200, vec![commit, etag])],
            malformed(format!("commit {COMMIT} instead of {OTHER}")),
        ),
        (
            "main",
            vec![(302, vec![commit, ("Location", "http://cdn.example/x")])],
            malformed("a redirect from https to http".to_owned()),
        ),
        ("main", vec![(302, vec![commit, ("Location", HUB)])], nowhere.clone()),
        (
            "main",
            vec![
                (302, vec![("Location", "/x")]),
                (302, vec![("Location", "/org/name/resolve/main/a.bin")]),
            ],
            nowhere,
        ),
        (
            "main",
            vec![(204, vec![commit, etag])],
            malformed("HTTP 204 where none should be".into()),
        ),
        (
            "main",
            vec![(404, vec![("X-Error-Code", "EntryNotFound")])],
            "no file a.bin in org/name at main".into(),
        ),
    ] {
        assert_eq!(run(revision, &heads).0, expected, "{heads:?}");
    }
}

#[test]
fn odd_sizes_are_unknown_sizes() {
    for (lines, expected) in [
        (vec![("Content-Length", "-5")], None),
        (vec![("Content-Length", "99999999999999999999")], None),
        (vec![("Content-Length", "10"), ("Content-Encoding", "gzip")], None),
        (vec![("Content-Length", "10"), ("X-Linked-Size", "7")], Some(7)),
        (vec![("Content-Length", "18446744073709551615")], Some(u64::MAX)),
    ] {
        let known = [("X-Repo-Commit", COMMIT), ("ETag", "\"abc\"")];
        let head = Head::new(200, lines.iter().copied().chain(known));
        let Ok(ResolveAnswer::Resolved(it)) = resolving("main").check(&head) else {
            panic!("{lines:?}")
        };
        assert_eq!((it.size, it.digest), (expected, None), "{lines:?}");
        assert_eq!(it.location.ttl, None::<Duration>);
    }
}

proptest! {
    #[test]
    fn no_answer_panics(
        status in prop::sample::select(vec![200_u16, 206, 302, 307, 401, 403, 404, 416, 429, 503]),
        lines in prop::collection::vec(
            (
                prop::sample::select(vec![
                    "location", "etag", "x-repo-commit", "x-linked-etag", "x-linked-size",
                    "x-error-code", "x-error-message", "content-length", "content-type", "date",
                ]),
                prop_oneof![
                    any::<String>(),
                    Just(COMMIT.to_owned()),
                    Just("/x".to_owned()),
                    Just("https://cdn.example/x".to_owned()),
                ],
            ),
            0..8,
        ),
    ) {
        let _ = resolving("main").check(&Head::new(status, lines));
    }
}
