//! Tests of `resolve`, by tables and by hand.
//!
//! No network, no clock.

use proptest::prelude::*;

use super::*;
use crate::hub::repo::{RepoId, RepoKind};
use crate::hub::revision::Revision;
use crate::time::Duration;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const OTHER: &str = "7654321076543210765432107654321076543210";
const SHA1: &str = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
const SMALL: &str = "10c66461e4c109db5a2196bff4bb59be30396ed8";
const SHA256: &str = "b9a46943f30c38ebed71581b6e4ef89a1285c8d404dc3aea3af1c3efdc7395df";
const HUB: &str = "https://huggingface.co/org/name/resolve/main/a.bin";

const XET: &str = "63bed80850a2c0ba5b1b1f1b2f4f9c2c2d7c0f3ad1e6d3a0dcb0a5e1f2a38758";
/// Another endpoint than the public hub, so that its pages are told by what they say.
const MIRROR: &str = "https://mirror.example";

fn resolving(endpoint: &str, revision: &str, probe: Probe) -> Resolving {
    let asked = Asked {
        endpoint: endpoint.parse().unwrap(),
        repo: RepoId::new(RepoKind::Model, "org/name").unwrap(),
        revision: revision.parse::<Revision>().unwrap(),
        has_token: false,
    };
    Resolving::new(asked, "a.bin".parse().unwrap(), probe)
}

type Heads<'a> = [(u16, Vec<(&'a str, &'a str)>)];

/// Runs a lookup over these answers; the end, as text, and the URLs that were asked.
fn look_up(mut resolving: Resolving, heads: &Heads<'_>) -> (String, Vec<String>) {
    let mut asked = Vec::new();
    for (status, lines) in heads {
        let url = resolving.request().url;
        asked.push(url.to_string());
        let head = Head::new(*status, lines.iter().copied());
        match resolving.check(&Answer::of_head(url, head)) {
            Ok(ResolveAnswer::Follow(next)) => resolving = *next,
            Ok(ResolveAnswer::Resolved(it)) => return (shown(&it), asked),
            Err(fault) => return (fault.to_string(), asked),
        }
    }
    (format!("asks {}", resolving.request().url), asked)
}

fn run(revision: &str, heads: &Heads<'_>) -> (String, Vec<String>) {
    look_up(resolving("https://huggingface.co", revision, Probe::Head), heads)
}

fn on_mirror(probe: Probe, heads: &Heads<'_>) -> (String, Vec<String>) {
    look_up(resolving(MIRROR, "main", probe), heads)
}

fn shown(it: &Resolved) -> String {
    let text = |digest: Option<FileDigest>| digest.map_or("?".to_owned(), |it| it.to_string());
    let mut words = text(it.digest);
    if it.digest.is_none() && it.guess.is_some() {
        words.push_str(&format!(" or {}", text(it.guess)));
    }
    words.push_str(&it.size.map_or(" ? B".to_owned(), |size| format!(" {size} B")));
    let commit = it.commit.as_ref().map_or("?", |commit| &commit.as_str()[..4]);
    words.push_str(&format!(" at {commit} from {}", it.location.url));
    if let Some(ttl) = it.location.ttl {
        words.push_str(&format!(" for {} s", ttl.as_secs()));
    }
    if let Some(host) = &it.elsewhere {
        words.push_str(&format!(" says {host}"));
    }
    words
}

/// The real hub's answer for a file in Xet, 2026-10-02, with other names, digests and signatures.
#[test]
fn a_large_file_is_where_the_redirect_leads() {
    let quoted = format!("\"{SHA256}\"");
    let location = "https://us.aws.cdn.hf.co/xet-bridge-us/621f/63be?response-content-disposition=\
        inline%3B+filename*%3DUTF-8%27%27a.bin%3B+filename%3D%22a.bin%22%3B&Expires=1704164705\
        &Policy=eyJ~_&Signature=MEUC-&Key-Pair-Id=01KX";
    let auth = format!(
        "<https://huggingface.co/api/models/org/name/xet-read-token/{COMMIT}>; rel=\"xet-auth\", \
        <https://cas-server.xethub.hf.co/v1/reconstructions/{XET}>; \
        rel=\"xet-reconstruction-info\""
    );
    let heads = [(
        302,
        vec![
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", "1008"),
            ("Date", "Tue, 02 Jan 2024 03:04:05 GMT"),
            ("Location", location),
            ("X-Powered-By", "huggingface-moon"),
            ("RateLimit", "\"resolvers\";r=2999;t=124"),
            ("Vary", "Origin, Accept"),
            ("X-Repo-Commit", COMMIT),
            ("Accept-Ranges", "bytes"),
            ("X-Linked-Size", "548105171"),
            ("X-Linked-ETag", &quoted),
            ("X-Xet-Hash", XET),
            ("Link", &auth),
            ("Cache-Control", "no-store"),
            ("X-Cache", "Miss from cloudfront"),
        ],
    )];
    let (end, asked) = run("main", &heads);
    let expected = format!("sha256:{SHA256} 548105171 B at 0123 from {location} for 60 s");
    assert_eq!((end, asked), (expected, vec![HUB.to_owned()]));
    let head = Head::new(302, heads[0].1.iter().copied());
    let resolving = resolving("https://huggingface.co", "main", Probe::Head);
    let found = resolving.check(&Answer::of_head(HUB.parse().unwrap(), head));
    let Ok(ResolveAnswer::Resolved(it)) = found else { panic!("{found:?}") };
    assert_eq!(it.xet, XetHash::from_hex(XET));
    let auth = format!("https://huggingface.co/api/models/org/name/xet-read-token/{COMMIT}");
    assert_eq!(it.xet_auth.map(String::from), Some(auth));
}

/// As on 2026-09-23: the git hash is linked, the size is not; the query belongs to the address.
#[test]
fn a_small_file_is_asked_for_again_until_all_is_known() {
    let cache = format!(
        "/api/resolve-cache/models/org/name/{COMMIT}/a.bin?%2Forg%2Fname%2Fresolve%2Fmain%2Fa.bin=\
        &etag=%22{SMALL}%22"
    );
    let at_cache = format!("https://huggingface.co{cache}");
    let (strong, weak) = (format!("\"{SMALL}\""), format!("W/\"{SMALL}\""));
    let redirect = ("Location", cache.as_str());
    let commit = ("X-Repo-Commit", COMMIT);
    let linked = ("X-Linked-ETag", strong.as_str());
    let length = ("Content-Length", "665");
    let expected = format!("git-sha1:{SMALL} 665 B at 0123 from {at_cache}");
    for heads in [
        vec![
            (307, vec![redirect, commit, linked, ("Content-Length", "232")]),
            (200, vec![("ETag", &strong), commit, length]),
        ],
        // The commit on the redirect, the rest on the answer.
        vec![(307, vec![redirect, commit]), (200, vec![("ETag", &weak), length])],
        // All on the answer.
        vec![
            (307, vec![redirect, ("ETag", "\"no\"")]),
            (200, vec![commit, ("ETag", &strong), length]),
        ],
        // The linked ETag wins over what a cache calls the answer.
        vec![(307, vec![redirect, linked]), (200, vec![commit, ("ETag", "\"md5\""), length])],
        // A renamed repository first.
        vec![
            (307, vec![("Location", "/new/name/resolve/main/a.bin"), ("Content-Length", "60")]),
            (307, vec![redirect, commit]),
            (200, vec![("ETag", &strong), commit, length]),
        ],
        // All on the redirect: no need to ask again.
        vec![(307, vec![redirect, commit, linked, ("X-Linked-Size", "665")])],
    ] {
        let (end, asked) = run("main", &heads);
        assert_eq!((end, asked.len()), (expected.clone(), heads.len()), "{heads:?}");
        assert!(heads.len() == 1 || asked.last() == Some(&at_cache), "{asked:?}");
    }
}

/// Since 2026 some addresses of a mirror answer for it with nothing but the way to the hub.
#[test]
fn another_host_speaks_for_the_hub_if_it_says_what_a_hub_says() {
    let quoted = format!("\"{SHA256}\"");
    let away = vec![("Location", HUB)];
    let storage = ("Location", "https://us.aws.cdn.hf.co/xet-bridge-us/x?Signature=y");
    let commit = ("X-Repo-Commit", COMMIT);
    let linked = ("X-Linked-ETag", quoted.as_str());
    let size = ("X-Linked-Size", "7");
    for (heads, expected) in [
        (
            vec![(308, away.clone()), (302, vec![storage, commit, linked, size])],
            format!(
                "sha256:{SHA256} 7 B at 0123 \
                from https://us.aws.cdn.hf.co/xet-bridge-us/x?Signature=y says huggingface.co"
            ),
        ),
        (
            vec![
                (308, away.clone()),
                (307, vec![("Location", "/c/a.bin"), commit, linked]),
                (200, vec![("Content-Length", "7"), commit]),
            ],
            format!(
                "sha256:{SHA256} 7 B at 0123 from https://huggingface.co/c/a.bin \
                says huggingface.co"
            ),
        ),
        // Storage, which says how long the file is, and whose ETag is its own.
        (
            vec![(302, vec![storage]), (200, vec![("Content-Length", "7"), ("ETag", &quoted)])],
            "? 7 B at ? from https://us.aws.cdn.hf.co/xet-bridge-us/x?Signature=y".to_owned(),
        ),
        // Storage, after the mirror has said all that it knows.
        (
            vec![(302, vec![storage, linked])],
            format!(
                "sha256:{SHA256} ? B at ? \
                from https://us.aws.cdn.hf.co/xet-bridge-us/x?Signature=y"
            ),
        ),
        (
            vec![(308, vec![("Location", "http://hub.example/")])],
            "the server's answer makes no sense: a redirect from https to http".to_owned(),
        ),
    ] {
        assert_eq!(on_mirror(Probe::Head, &heads).0, expected, "{heads:?}");
    }
}

/// Mirrors and proxies that refuse `HEAD`, or answer it with less than they know.
#[test]
fn a_get_of_one_byte_says_what_a_head_does_not() {
    let quoted = format!("\"{SHA256}\"");
    let storage = ("Location", "https://cdn.example/x");
    let (commit, linked) = (("X-Repo-Commit", COMMIT), ("X-Linked-ETag", quoted.as_str()));
    let xet = format!("\"{XET}\"");
    let etag = ("ETag", xet.as_str());
    let range = |text| ("Content-Range", text);
    let from_storage = format!("sha256:{SHA256} 7 B at 0123 from https://cdn.example/x");
    for (heads, expected) in [
        (vec![(302, vec![storage, commit, linked, ("X-Linked-Size", "7")])], from_storage.clone()),
        (
            vec![(302, vec![storage, commit, linked]), (206, vec![range("bytes 0-0/7"), etag])],
            from_storage,
        ),
        (
            vec![(206, vec![commit, linked, range("bytes 0-0/7"), ("Content-Length", "1")])],
            format!("sha256:{SHA256} 7 B at 0123 from {MIRROR}/org/name/resolve/main/a.bin"),
        ),
        (
            vec![(200, vec![commit, linked, ("Transfer-Encoding", "chunked")])],
            format!("sha256:{SHA256} ? B at 0123 from {MIRROR}/org/name/resolve/main/a.bin"),
        ),
        (
            vec![(416, vec![commit, range("bytes */0"), ("ETag", SHA1)])],
            format!("git-sha1:{SHA1} 0 B at 0123 from {MIRROR}/org/name/resolve/main/a.bin"),
        ),
    ] {
        assert_eq!(on_mirror(Probe::FirstByte, &heads).0, expected, "{heads:?}");
    }
    let promise = ("X-Linked-Size", "9");
    let stale = [(206, vec![commit, linked, promise, range("bytes 0-0/7")])];
    let fault = Fault::Stale { promised: 9, served: 7 };
    assert_eq!(on_mirror(Probe::FirstByte, &stale).0, fault.to_string());
}

#[test]
fn what_only_looks_like_a_digest_is_a_guess() {
    let (xet, sha256) = (format!("\"{XET}\""), format!("\"{SHA256}\""));
    let commit = ("X-Repo-Commit", COMMIT);
    let from = format!("7 B at 0123 from {MIRROR}/org/name/resolve/main/a.bin");
    for (lines, expected) in [
        (vec![("ETag", xet.as_str())], format!("? or sha256:{XET} {from}")),
        (vec![("ETag", &xet), ("X-Xet-Hash", XET)], format!("? {from}")),
        (vec![("ETag", &xet), ("X-Linked-ETag", &sha256)], format!("sha256:{SHA256} {from}")),
        (vec![("ETag", "W/\"8c-x\"")], format!("? {from}")),
        (vec![("ETag", "\"d41d8cd98f00b204e9800998ecf8427e-5\"")], format!("? {from}")),
        (vec![("ETag", "\"../../x\"")], format!("? {from}")),
        (vec![], format!("? {from}")),
    ] {
        let lines: Vec<_> = lines.into_iter().chain([commit, ("Content-Length", "7")]).collect();
        assert_eq!(on_mirror(Probe::Head, &[(200, lines.clone())]).0, expected, "{lines:?}");
    }
}

#[test]
fn answers_that_are_not_the_files_are_faults() {
    let commit = ("X-Repo-Commit", COMMIT);
    let etag = ("ETag", "\"abc\"");
    let html = ("Content-Type", "text/html");
    let malformed = |words| format!("the server's answer makes no sense: {words}");
    let not_a_hub = Fault::NotAHub.to_string();
    let portal = Fault::Portal.to_string();
    let nowhere = Fault::Redirects.to_string();
    let login = ("Location", "https://login.example/");
    for (revision, heads, expected) in [
        ("main", vec![(200, vec![etag, html])], not_a_hub.clone()),
        ("main", vec![(302, vec![("Location", "/login")]), (200, vec![html])], not_a_hub.clone()),
        ("main", vec![(302, vec![login]), (200, vec![html])], portal.clone()),
        ("main", vec![(511, vec![html])], portal),
        ("main", vec![(404, vec![html])], not_a_hub.clone()),
        ("main", vec![(501, vec![html])], not_a_hub),
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
        let found = look_up(resolving(MIRROR, revision, Probe::Head), &heads).0;
        assert_eq!(found, expected, "{heads:?}");
    }
}

#[test]
fn odd_sizes_are_unknown_sizes() {
    let length = |value| ("Content-Length", value);
    let sha1 = ("ETag", "\"10c66461e4c109db5a2196bff4bb59be30396ed8\"");
    let empty = ("ETag", "\"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\"");
    for (lines, expected) in [
        (vec![sha1, length("-5")], None),
        (vec![sha1, length("99999999999999999999")], None),
        (vec![sha1, length("10"), ("Content-Encoding", "gzip")], None),
        (vec![sha1, length("10"), ("X-Linked-Size", "7")], Some(7)),
        (vec![sha1, length("10"), ("X-Linked-Size", "0")], Some(10)),
        (vec![sha1, length("18446744073709551615")], Some(u64::MAX)),
        // What servers say that do not know it, and of the one file of which it is true.
        (vec![sha1, length("0")], None),
        (vec![length("0")], None),
        (vec![empty, length("0")], Some(0)),
    ] {
        let head = Head::new(200, lines.iter().copied().chain([("X-Repo-Commit", COMMIT)]));
        let resolving = resolving(MIRROR, "main", Probe::Head);
        let found = resolving.check(&Answer::of_head(HUB.parse().unwrap(), head));
        let Ok(ResolveAnswer::Resolved(it)) = found else { panic!("{lines:?}: {found:?}") };
        assert_eq!(it.size, expected, "{lines:?}");
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
                    "content-range", "x-xet-hash", "link",
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
        is_head in any::<bool>(),
        body in any::<Vec<u8>>(),
    ) {
        let probe = if is_head { Probe::Head } else { Probe::FirstByte };
        let url = HUB.parse().unwrap();
        let _ = resolving(MIRROR, "main", probe).check(&Answer {
            url, head: Head::new(status, lines), body,
        });
    }
}
