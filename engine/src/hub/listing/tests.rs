//! Tests of `listing`, by tables and by hand.
//!
//! No network, no clock.

use proptest::prelude::*;

use super::*;
use crate::hub::endpoint::Endpoint;
use crate::hub::path::PathFlaw;
use crate::hub::repo::{RepoId, RepoKind};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const SHA1: &str = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
const SHA256: &str = "b9a46943f30c38ebed71581b6e4ef89a1285c8d404dc3aea3af1c3efdc7395df";
const TREE: &str = "https://huggingface.co/api/models/org/name/tree/main?recursive=true";

fn asked(revision: &str) -> Asked {
    Asked {
        endpoint: Endpoint::default(),
        repo: RepoId::new(RepoKind::Model, "org/name").unwrap(),
        revision: revision.parse().unwrap(),
        has_token: false,
    }
}

fn ok() -> Head {
    Head::new(200, [("Content-Type", "application/json; charset=utf-8")])
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
    let info = check_revision(&asked("main"), &ok(), body.as_bytes()).unwrap();
    assert_eq!(info.commit.as_str(), COMMIT);
    assert_eq!(info.files.iter().map(RepoPath::as_str).collect::<Vec<_>>(), ["a/b.bin", "c"]);
    assert_eq!(info.refused, [BadPath { path: "../x".to_owned(), flaw: PathFlaw::Dots }]);
    let body = format!(r#"{{"sha": "{COMMIT}"}}"#);
    let info = check_revision(&asked(COMMIT), &ok(), body.as_bytes()).unwrap();
    assert!(info.files.is_empty());
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
        (ok(), "<!doctype html><title>Wi-Fi</title>", Fault::Portal),
        (ok(), "  \r\n<html>", Fault::Portal),
        (html, "{}", Fault::Portal),
        (gzip, "\u{1f}", Fault::Encoded("gzip".to_owned())),
        (missing, "{}", Fault::NoSuchRevision(format!("{COMMIT} in org/name"))),
        (Head::new::<&str, &str>(302, []), "", malformed("HTTP 302 where none should be")),
        (ok(), "", json("line 1, column 0")),
        (ok(), "null", json("line 1, column 4")),
        (ok(), "{\"sha\": \"\u{1b}\"}", json("line 1, column 10")),
        (ok(), "{\"sha\": 5}", json("line 1, column 9")),
        (ok(), "{\"sha\": \"main\"}", malformed("a revision without a commit")),
        (ok(), &other, malformed(&format!("commit {SHA1} instead of {COMMIT}"))),
        (ok(), &deep, json("line 1, column 1")),
    ] {
        let body = body.as_bytes();
        let found = check_revision(&asked(COMMIT), &head, body);
        assert_eq!(
            found,
            Err(expected),
            "{:?}",
            String::from_utf8_lossy(&body[..body.len().min(80)])
        );
    }
    let endless = vec![b' '; BODY_MAX + 1];
    let found = check_revision(&asked("main"), &ok(), &endless);
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
    let url = TREE.parse().unwrap();
    let page = check_tree(&asked("main"), &url, 0, &ok(), body.as_bytes()).unwrap();
    let (small, large) = (SHA1.parse().unwrap(), SHA256.parse().unwrap());
    let expected = [
        TreeEntry {
            path: "a/empty".parse().unwrap(),
            size: 0,
            digest: small,
            git_oid: small,
            xet_hash: None,
        },
        TreeEntry {
            path: "a/large.bin".parse().unwrap(),
            size: 15_372_370_944,
            digest: large,
            git_oid: COMMIT.parse().unwrap(),
            xet_hash: XetHash::from_hex(SHA256),
        },
    ];
    assert_eq!(page.entries, expected);
    assert_eq!(page.entries.iter().map(TreeEntry::is_lfs).collect::<Vec<_>>(), [false, true]);
    assert_eq!(page.refused, [BadPath { path: "\\x".to_owned(), flaw: PathFlaw::Absolute }]);
    assert_eq!(page.next, None);
    assert_eq!(check_paths_info(&asked("main"), &ok(), body.as_bytes()), Ok(page));
}

#[test]
fn impossible_entries_are_malformed() {
    let json = "not the JSON that a hub sends";
    let digest = "no good digest of a";
    for (entry, expected) in [
        (format!(r#""oid": "{SHA1}", "size": -1"#), json),
        (format!(r#""oid": "{SHA1}", "size": 1.5"#), json),
        (format!(r#""oid": "{SHA1}", "size": 99999999999999999999"#), json),
        (r#""oid": "../../x", "size": 1"#.to_owned(), digest),
        (r#""size": 1"#.to_owned(), digest),
        (format!(r#""oid": "{SHA1}", "lfs": {{"oid": "{SHA1}", "size": 1}}"#), digest),
        (format!(r#""oid": "{SHA1}", "lfs": {{"oid": "{SHA256}"}}"#), json),
    ] {
        let body = format!(r#"[{{"type": "file", "path": "a", {entry}}}]"#);
        let found = check_paths_info(&asked("main"), &ok(), body.as_bytes());
        let Err(Fault::Malformed(words)) = found else { panic!("{entry}: {found:?}") };
        assert!(words.starts_with(expected), "{entry}: {words}");
    }
}

#[test]
fn the_next_page_is_on_the_hub() {
    let astray = || Err(malformed("a listing that leads astray"));
    let next = |text: &str| Ok(Some(text.parse().unwrap()));
    let more = "https://huggingface.co/api/models/org/name/tree/main?cursor=x%3D";
    for (link, page, expected) in [
        (format!("<{more}>; rel=\"next\""), 0, next(more)),
        ("<?cursor=x%3D>; rel=\"next\"".to_owned(), 0, next(more)),
        (format!("<{more}>; rel=\"prev\""), 0, Ok(None)),
        (format!("<{more}>; rel=\"next\""), PAGES_MAX - 1, astray()),
        (format!("<{more}>; rel=\"next\""), PAGES_MAX - 2, next(more)),
        (format!("<{TREE}>; rel=\"next\""), 0, astray()),
        ("<https://evil.example/>; rel=\"next\"".to_owned(), 0, astray()),
        ("<http://huggingface.co/>; rel=\"next\"".to_owned(), 0, astray()),
        ("<https://>; rel=\"next\"".to_owned(), 0, astray()),
    ] {
        let head = Head::new(200, [("Link", &link)]);
        let found = check_tree(&asked("main"), &TREE.parse().unwrap(), page, &head, b"[]");
        assert_eq!(found.map(|page| page.next), expected, "{link} after page {page}");
    }
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
        let url = TREE.parse().unwrap();
        for body in [body, text.into_bytes(), entry.to_string().into_bytes()] {
            let _ = check_revision(&asked("main"), &head, &body);
            let _ = check_tree(&asked("main"), &url, 0, &head, &body);
        }
    }
}
