//! Tests of `asked`, by tables and by hand.
//!
//! No network, no clock.

use super::*;
use crate::hub::repo::RepoKind;
use crate::time::Duration;

fn asked(has_token: bool) -> Asked {
    Asked {
        endpoint: Endpoint::default(),
        repo: RepoId::new(RepoKind::Dataset, "org/name").unwrap(),
        revision: Revision::main(),
        has_token,
    }
}

const HTML: (&str, &str) = ("Content-Type", "text/html; charset=utf-8");
const XML: (&str, &str) = ("Content-Type", "application/xml");

#[test]
fn refusals_are_told_apart() {
    let code = |code| ("X-Error-Code", code);
    let says = |message| ("X-Error-Message", message);
    let public = "no repository org/name among the public datasets; \
        a private one needs --token or HF_TOKEN";
    let visible = "no repository org/name among the datasets that this token may see";
    let bad_token = "the hub does not accept the token: it is wrong or has expired";
    let page = "https://huggingface.co/datasets/org/name";
    let no_file = "no file a/b.bin in org/name at main";
    for (status, lines, has_token, kind, text) in [
        (401, vec![code("RepoNotFound")], false, "no such repo", public),
        (404, vec![code("RepoNotFound")], true, "no such repo", visible),
        (401, vec![code("RepoNotFound")], true, "token needed", bad_token),
        (401, vec![says("Invalid credentials")], true, "token needed", bad_token),
        (401, vec![], true, "token needed", bad_token),
        (401, vec![], false, "no such repo", public),
        (
            403,
            vec![code("GatedRepo")],
            true,
            "gated",
            &format!("org/name is gated and this token has no access: ask for it at {page}"),
        ),
        (
            401,
            vec![code("GatedRepo")],
            false,
            "gated",
            &format!(
                "org/name is gated: ask for access at {page}, \
                then give a token with --token or HF_TOKEN"
            ),
        ),
        (404, vec![code("EntryNotFound")], false, "no such file", no_file),
        (404, vec![code("EntryNotFound"), HTML], false, "no such file", no_file),
        (404, vec![], false, "no such file", no_file),
        (
            404,
            vec![code("RevisionNotFound")],
            false,
            "no such revision",
            "no branch, tag or commit main in org/name",
        ),
        (
            403,
            vec![says("Access to this resource is disabled.")],
            false,
            "gated",
            "the hub has disabled access to org/name",
        ),
        (
            403,
            vec![says("no\u{7} billing"), HTML],
            true,
            "token needed",
            "the hub denies access to org/name: no billing",
        ),
    ] {
        check(status, &lines, has_token, kind, text);
    }
}

#[test]
fn refusals_without_a_known_code_are_told_by_their_status() {
    let code = |code| ("X-Error-Code", code);
    for (status, lines, has_token, kind, text) in [
        (403, vec![HTML], true, "portal", "a web page came instead of the file"),
        (404, vec![HTML], true, "not a hub", "the answer does not come from a Hugging Face hub"),
        (403, vec![XML], true, "rejected", "the server rejects the request (HTTP 403)"),
        (
            403,
            vec![code("Surprise")],
            true,
            "rejected",
            "the server rejects the request (HTTP 403)",
        ),
        (400, vec![], true, "rejected", "the server rejects the request (HTTP 400)"),
        (407, vec![HTML], true, "rejected", "the server rejects the request (HTTP 407)"),
        (416, vec![], true, "rejected", "the server rejects the request (HTTP 416)"),
        (451, vec![], true, "rejected", "the server rejects the request (HTTP 451)"),
        (511, vec![], true, "portal", "a web page came instead of the file"),
        (
            100,
            vec![],
            true,
            "malformed",
            "the server's answer makes no sense: HTTP 100 where none should be",
        ),
        (
            304,
            vec![],
            true,
            "malformed",
            "the server's answer makes no sense: HTTP 304 where none should be",
        ),
        (
            204,
            vec![],
            true,
            "malformed",
            "the server's answer makes no sense: HTTP 204 where none should be",
        ),
        (
            999,
            vec![],
            true,
            "malformed",
            "the server's answer makes no sense: HTTP 999 where none should be",
        ),
    ] {
        check(status, &lines, has_token, kind, text);
    }
}

#[track_caller]
fn check(status: u16, lines: &[(&str, &str)], has_token: bool, kind: &str, text: &str) {
    let file = "a/b.bin".parse().unwrap();
    let head = Head::new(status, lines.iter().copied());
    let fault = asked(has_token).refusal(&head, Some(&file));
    assert_eq!((fault.kind(), fault.to_string().as_str()), (kind, text), "{status} {lines:?}");
}

#[test]
fn a_server_that_is_busy_may_say_how_long() {
    let busy = |status, secs: Option<u64>| {
        let retry_after = secs.map(Duration::from_secs);
        format!("{:?}", Fault::Busy { status, retry_after })
    };
    let code = |code| ("X-Error-Code", code);
    for (status, lines, expected) in [
        (408, vec![], busy(408, None)),
        (425, vec![], busy(425, None)),
        (429, vec![("RateLimit", "\"api\";r=0;t=55")], busy(429, Some(55))),
        (500, vec![code("RepoNotFound"), HTML], busy(500, None)),
        (503, vec![("Retry-After", "7")], busy(503, Some(7))),
        (599, vec![], busy(599, None)),
    ] {
        let fault = asked(true).refusal(&Head::new(status, lines), None);
        assert_eq!(format!("{fault:?}"), expected);
    }
}

#[test]
fn what_is_missing_without_a_file_is_the_repo_or_a_folder() {
    let missing = Head::new::<&str, &str>(404, []);
    assert_eq!(asked(true).refusal(&missing, None).kind(), "no such repo");
    let entry = Head::new(404, [("X-Error-Code", "EntryNotFound")]);
    let fault = asked(true).refusal(&entry, None);
    assert_eq!(fault.to_string(), "no file or folder of that name in org/name at main");
}
