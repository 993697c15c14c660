//! Tests of `listing`, by tables and by hand.
//!
//! No network, no clock.

use proptest::prelude::*;

use super::*;
use crate::hub::answer::BODY_MAX;
use crate::hub::endpoint::Endpoint;
use crate::hub::head::Head;
use crate::hub::path::PathFlaw;
use crate::hub::repo::{RepoId, RepoKind};
use crate::hub::request::Request;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const SHA1: &str = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
const SHA256: &str = "b9a46943f30c38ebed71581b6e4ef89a1285c8d404dc3aea3af1c3efdc7395df";
const HUB: &str = "https://hub.example";
const TREE: &str = "https://hub.example/api/models/org/name/tree/main?recursive=true";

fn asked(revision: &str) -> Asked {
    Asked {
        endpoint: HUB.parse::<Endpoint>().unwrap(),
        repo: RepoId::new(RepoKind::Model, "org/name").unwrap(),
        revision: revision.parse().unwrap(),
        has_token: false,
    }
}

fn ok() -> Head {
    Head::new(200, [("Content-Type", "application/json; charset=utf-8")])
}

fn answer(head: Head, body: &[u8]) -> Answer {
    Answer { url: TREE.parse().unwrap(), head, body: body.to_vec() }
}

fn all(_: &str) -> bool {
    true
}

fn malformed(words: &str) -> Fault {
    Fault::Malformed(words.to_owned())
}

#[test]
fn a_revision_is_a_commit_and_names() {
    let body = format!(
        r#"{{"id": "org/name", "sha": "{COMMIT}", "private": false, "siblings":
        [{{"rfilename": "a/b.bin", "size": 5}}, {{"rfilename": "../x"}}, {{"rfilename": "c"}}]}}"#
    );
    let info = check_revision(&asked("main"), &answer(ok(), body.as_bytes()), &all).unwrap();
    assert_eq!(info.commit.as_str(), COMMIT);
    let Listing { entries, vague, refused } = info.listing;
    assert_eq!(vague.iter().map(RepoPath::as_str).collect::<Vec<_>>(), ["a/b.bin", "c"]);
    assert!(entries.is_empty());
    assert_eq!(refused, [BadPath { path: "../x".to_owned(), flaw: PathFlaw::Dots }]);
    let body = format!(r#"{{"sha": "{COMMIT}"}}"#);
    let info = check_revision(&asked(COMMIT), &answer(ok(), body.as_bytes()), &all).unwrap();
    assert!(info.listing.is_empty());
}

#[test]
fn other_answers_are_no_revision() {
    let html = Head::new(200, [("Content-Type", "text/html")]);
    let gzip = Head::new(200, [("Content-Encoding", "gzip")]);
    let missing = Head::new(404, [("X-Error-Code", "RevisionNotFound")]);
    let other = format!(r#"{{"sha": "{SHA1}"}}"#);
    let json = |place: &str| malformed(&format!("not the JSON that a hub sends ({place})"));
    let deep = "[".repeat(100_000);
    for (head, body, expected) in [
        (ok(), "<!doctype html><input type=password>", Fault::Portal),
        (ok(), "  \r\n<html>", Fault::NotAHub),
        (html, "{}", Fault::NotAHub),
        (gzip, "\u{1f}", Fault::Encoded("gzip".to_owned())),
        (missing, "{}", Fault::NoSuchRevision(format!("{COMMIT} in org/name"))),
        (Head::new::<&str, &str>(302, []), "", malformed("HTTP 302 where none should be")),
        (ok(), "", json("line 1, column 0")),
        (ok(), "null", json("line 1, column 4")),
        (ok(), "{\"sha\": \"\u{1b}\"}", json("line 1, column 10")),
        (ok(), "{\"sha\": 5}", json("line 1, column 9")),
        (ok(), "{\"sha\": \"main\"}", malformed("a revision without a commit")),
        (ok(), &other, malformed(&format!("commit {SHA1} instead of {COMMIT}"))),
        (ok(), &deep, json("line 1, column 0")),
    ] {
        let body = body.as_bytes();
        let found = check_revision(&asked(COMMIT), &answer(head, body), &all);
        assert_eq!(
            found,
            Err(expected),
            "{:?}",
            String::from_utf8_lossy(&body[..body.len().min(80)])
        );
    }
    let endless = vec![b' '; BODY_MAX + 1];
    let found = check_revision(&asked("main"), &answer(ok(), &endless), &all);
    assert_eq!(found, Err(malformed("an endless listing")));
}

#[test]
fn a_tree_has_files_with_digests() {
    let body = format!(
        r#"[
        {{"type": "directory", "oid": "{SHA1}", "size": 0, "path": "a"}},
        {{"type": "file", "oid": "{SHA1}", "size": 0, "path": "a/empty", "xetHash": "no"}},
        {{"type": "file", "oid": "{COMMIT}", "size": 15372370944, "path": "a/large.bin",
          "lfs": {{"oid": "{SHA256}", "size": 15372370944, "pointerSize": 136}},
          "xetHash": "{SHA256}", "lastCommit": null}},
        {{"type": "file", "oid": "{SHA1}", "size": 1, "path": "\\x"}},
        {{"type": "symlink", "path": "s"}}
        ]"#
    );
    let page = check_paths_info(&asked("main"), &answer(ok(), body.as_bytes()), &all).unwrap();
    let (small, large) = (SHA1.parse().unwrap(), SHA256.parse().unwrap());
    let expected = [
        TreeEntry { path: "a/empty".parse().unwrap(), size: 0, digest: small, xet_hash: None },
        TreeEntry {
            path: "a/large.bin".parse().unwrap(),
            size: 15_372_370_944,
            digest: large,
            xet_hash: XetHash::from_hex(SHA256),
        },
    ];
    assert_eq!(page.entries, expected);
    assert_eq!(page.entries.iter().map(TreeEntry::is_lfs).collect::<Vec<_>>(), [false, true]);
    assert_eq!(page.refused, [BadPath { path: "\\x".to_owned(), flaw: PathFlaw::Absolute }]);
}

#[test]
fn the_revision_may_have_all_of_it_too() {
    // `blobs=true`, where LFS has `sha256` instead of `oid` (2026-05-23).
    let body = format!(
        r#"{{"sha": "{COMMIT}", "siblings": [
        {{"rfilename": "c.json", "size": 5, "blobId": "{SHA1}"}},
        {{"rfilename": "m.bin", "size": 7, "blobId": "{COMMIT}",
          "lfs": {{"sha256": "{SHA256}", "size": 7, "pointerSize": 130}}}},
        {{"rfilename": "odd", "size": 7}}]}}"#
    );
    let info = check_revision(&asked("main"), &answer(ok(), body.as_bytes()), &all).unwrap();
    let found: Vec<_> = info.listing.entries.iter().map(|it| (it.size, it.digest.hex())).collect();
    assert_eq!(found, [(5, SHA1.to_owned()), (7, SHA256.to_owned())]);
    assert_eq!(info.listing.vague, ["odd".parse().unwrap()]);
}

#[test]
fn files_without_a_good_digest_spoil_nothing_but_themselves() {
    for entry in [
        r#""oid": "../../x", "size": 1"#.to_owned(),
        r#""size": 1"#.to_owned(),
        format!(r#""oid": "{SHA1}""#),
        format!(r#""oid": "{SHA256}", "size": 1"#),
        format!(r#""oid": "{SHA1}", "lfs": {{"oid": "{SHA1}", "size": 1}}"#),
        format!(r#""oid": "{SHA1}", "lfs": {{"oid": "{SHA256}"}}"#),
        format!(r#""oid": "{SHA1}", "size": -1"#),
        format!(r#""oid": "{SHA1}", "size": 1.5"#),
        format!(r#""oid": "{SHA1}", "size": 99999999999999999999"#),
        format!(r#""oid": "{SHA1}", "size": null"#),
        r#""oid": "\ud800", "size": 1"#.to_owned(),
    ] {
        let good = format!(r#"{{"type": "file", "path": "b", "oid": "{SHA1}", "size": 1}}"#);
        let body = format!(r#"[{{"type": "file", "path": "a", {entry}}}, {good}]"#);
        let found = check_paths_info(&asked("main"), &answer(ok(), body.as_bytes()), &all).unwrap();
        assert_eq!(found.vague, ["a".parse().unwrap()], "{entry}");
        assert_eq!(found.entries.len(), 1, "{entry}");
    }
}

#[test]
fn half_a_surrogate_pair_spoils_one_name() {
    let body = format!(
        r#"[{{"type": "file", "path": "a\ud800", "oid": "{SHA1}", "size": 1}},
            {{"type": "file", "path": "b\u00e9\ud83d\ude00", "oid": "{SHA1}", "size": 1}}]"#
    );
    let found = check_paths_info(&asked("main"), &answer(ok(), body.as_bytes()), &all).unwrap();
    assert_eq!(found.refused.iter().map(|bad| bad.flaw).collect::<Vec<_>>(), [PathFlaw::NotText]);
    assert_eq!(found.entries[0].path.as_str(), "b\u{e9}\u{1f600}");
}

/// Where a listing goes on after a page with this `Link`.
fn next_after(link: &str) -> Result<Option<String>, Fault> {
    let mut pages = Pages::new(&Request::get(TREE.parse().unwrap()));
    let head = Head::new(200, [("Link", link)]);
    pages.on_answer(&asked("main"), &answer(head, b"[]"), &all)?;
    Ok(pages.request().map(|request| request.url.to_string()))
}

#[test]
fn the_next_page_is_asked_for_at_the_endpoint() {
    let astray = || Err(malformed("a listing that leads astray"));
    let endless = || Err(malformed("a listing that never ends"));
    let more = "https://hub.example/api/models/org/name/tree/main?cursor=x%3D";
    let here = |text: &str| Ok(Some(text.to_owned()));
    for (link, expected) in [
        (format!("<{more}>; rel=\"next\""), here(more)),
        ("<?cursor=x%3D>; rel=\"next\"".to_owned(), here(more)),
        (format!("<{more}>; rel=\"prev\""), Ok(None)),
        (String::new(), Ok(None)),
        // What a mirror passes on of the hub's own answer (2026-04), and http behind a proxy.
        (format!("<{}>; rel=\"next\"", more.replace("hub.example", "huggingface.co")), here(more)),
        (format!("<{}>; rel=\"next\"", more.replace("https", "http")), here(more)),
        (format!("<{}>; rel=\"next\"", more.replace("//", "//u:p@")), here(more)),
        (format!("<{TREE}>; rel=\"next\""), endless()),
        ("<https://>; rel=\"next\"".to_owned(), astray()),
        ("<file:///etc/passwd>; rel=\"next\"".to_owned(), astray()),
    ] {
        assert_eq!(next_after(&link), expected, "{link}");
    }
}

#[test]
fn pages_stay_when_one_fails_and_circles_end() {
    let page = |name: &str, next: &str| {
        let body = format!(r#"[{{"type": "file", "path": "{name}", "oid": "{SHA1}", "size": 1}}]"#);
        let link = format!("<{HUB}{next}>; rel=\"next\"");
        answer(Head::new(200, [("Link", link)]), body.as_bytes())
    };
    let mut pages = Pages::new(&Request::get(TREE.parse().unwrap()));
    let mut names = Vec::new();
    let mut keep = |page: Listing| names.extend(page.entries.into_iter().map(|it| it.path));
    keep(pages.on_answer(&asked("main"), &page("a", "/2"), &all).unwrap());
    let busy = answer(Head::new::<&str, &str>(503, []), b"");
    pages.on_answer(&asked("main"), &busy, &all).unwrap_err();
    assert_eq!(pages.request().unwrap().url.path(), "/2");
    keep(pages.on_answer(&asked("main"), &page("b", "/3"), &all).unwrap());
    let circle = pages.on_answer(&asked("main"), &page("c", "/2"), &all);
    assert_eq!(circle, Err(malformed("a listing that never ends")));
    assert_eq!(names.iter().map(RepoPath::as_str).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn pages_without_an_entry_are_no_listing() {
    let mut pages = Pages::new(&Request::get(TREE.parse().unwrap()));
    let mut last = Ok(Listing::default());
    let mut count = 0;
    while last.is_ok() {
        count += 1;
        let head = Head::new(200, [("Link", format!("<{HUB}/{count}>; rel=\"next\""))]);
        last = pages.on_answer(&asked("main"), &answer(head, b"[]"), &all);
    }
    assert_eq!((count, last), (3, Err(malformed("a listing that never ends"))));
}

#[test]
fn of_what_is_not_wanted_nothing_is_kept() {
    let entry =
        |path: &str| format!(r#"{{"type": "file", "path": "{path}", "oid": "{SHA1}", "size": 1}}"#);
    let vague = r#"{"type": "file", "path": "vague.txt"}"#;
    let paths = [entry("a.bin"), entry("b.txt"), vague.to_owned(), entry("../c.txt")];
    let body = format!("[{}]", paths.join(", "));
    let wanted = |path: &str| path.ends_with(".bin");
    let found = check_paths_info(&asked("main"), &answer(ok(), body.as_bytes()), &wanted).unwrap();
    assert_eq!(found.entries.len(), 1);
    assert!(found.vague.is_empty() && found.refused.is_empty());
    let siblings = r#"[{"rfilename": "a.bin"}, {"rfilename": "../c.txt"}]"#;
    let body = format!(r#"{{"siblings": {siblings}, "sha": "{COMMIT}"}}"#);
    let info = check_revision(&asked("main"), &answer(ok(), body.as_bytes()), &wanted).unwrap();
    assert_eq!((info.listing.vague.len(), info.listing.refused.len()), (1, 0));
}

proptest! {
    #[test]
    fn no_body_panics(
        body in any::<Vec<u8>>(),
        text in "[\\[{][\\[\\]{}:,\"a-z0-9. -]{0,60}",
        path in any::<String>(),
        link in any::<String>(),
    ) {
        let entry = serde_json::json!([{"type": "file", "path": path, "oid": SHA1, "size": 1}]);
        let head = Head::new(200, [("Link", format!("<{link}>; rel=next"))]);
        for body in [body, text.into_bytes(), entry.to_string().into_bytes()] {
            let _ = check_revision(&asked("main"), &answer(head.clone(), &body), &all);
            let mut pages = Pages::new(&Request::get(TREE.parse().unwrap()));
            let _ = pages.on_answer(&asked("main"), &answer(head.clone(), &body), &all);
        }
    }
}
