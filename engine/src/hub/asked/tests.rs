//! Tests of `asked`, by tables and by hand.
//!
//! No network, no clock.

use super::*;
use crate::hub::repo::RepoKind;
use crate::time::Duration;

fn asked(has_token: bool) -> Asked {
    Asked {
        endpoint: "https://mirror.example".parse().unwrap(),
        repo: RepoId::new(RepoKind::Dataset, "org/name").unwrap(),
        revision: Revision::main(),
        has_token,
    }
}

fn answer(head: Head, body: &str) -> Answer {
    let url = "https://mirror.example/org/name/resolve/main/a/b.bin".parse().unwrap();
    Answer { url, head, body: body.as_bytes().to_vec() }
}

const HTML: (&str, &str) = ("Content-Type", "text/html; charset=utf-8");
const PORTAL: &str = "a login page came instead of the answer: open a browser here and sign in";
const XML: (&str, &str) = ("Content-Type", "application/xml");

#[test]
fn refusals_are_told_apart() {
    let code = |code| ("X-Error-Code", code);
    let says = |message| ("X-Error-Message", message);
    let public = "no repository org/name among the public datasets; \
        a private one needs --token or HF_TOKEN";
    let visible = "no repository org/name among the datasets that this token may see";
    let bad_token = "the hub does not accept the token: it is wrong or has expired";
    let page = "https://mirror.example/datasets/org/name";
    let no_file = "no file a/b.bin in org/name at main";
    for (status, lines, has_token, kind, text) in [
        (401, vec![code("RepoNotFound")], false, "no such repo", public),
        (404, vec![code("RepoNotFound")], true, "no such repo", visible),
        (401, vec![code("RepoNotFound")], true, "token needed", bad_token),
        (401, vec![says("Invalid credentials")], true, "token needed", bad_token),
        (401, vec![], true, "token needed", bad_token),
        // The real hub, to whoever shows no token, of what is private and of what is not there
        // (2026-09-23): it does not tell which.
        (
            401,
            vec![says("Invalid username or password."), ("WWW-Authenticate", "Bearer realm=\"x\"")],
            false,
            "no such repo",
            public,
        ),
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
            "rejected",
            "the server rejects the request (HTTP 403): Access to this resource is disabled.",
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
        (403, vec![HTML], true, "rejected", "the server rejects the request (HTTP 403)"),
        (404, vec![], false, "rejected", "the server rejects the request (HTTP 404)"),
        (501, vec![], false, "rejected", "the server rejects the request (HTTP 501)"),
        (501, vec![HTML], true, "not a hub", "the answer does not come from a Hugging Face hub"),
        (405, vec![HTML], true, "not a hub", "the answer does not come from a Hugging Face hub"),
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
        (407, vec![XML], true, "rejected", "the server rejects the request (HTTP 407)"),
        (416, vec![], true, "rejected", "the server rejects the request (HTTP 416)"),
        (511, vec![], true, "portal", PORTAL),
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
    let fault = asked(has_token).refusal(&answer(head, ""), Some(&file));
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
        let fault = asked(true).refusal(&answer(Head::new(status, lines), ""), None);
        assert_eq!(format!("{fault:?}"), expected);
    }
}

#[test]
fn what_is_missing_without_a_file_is_the_repo_or_a_folder() {
    let rejected = |status| Fault::Rejected { status, words: String::new() };
    let file = "a/b.bin".parse().unwrap();
    for (fault, file, kind) in [
        (rejected(404), None, "no such repo"),
        (rejected(410), None, "no such repo"),
        (rejected(404), Some(&file), "no such file"),
        (rejected(410), Some(&file), "no such file"),
        (rejected(403), Some(&file), "rejected"),
        (Fault::Portal, Some(&file), "portal"),
    ] {
        assert_eq!(asked(true).conclude(fault.clone(), file).kind(), kind, "{fault:?}");
    }
    let entry = Head::new(404, [("X-Error-Code", "EntryNotFound")]);
    let fault = asked(true).refusal(&answer(entry, ""), None);
    assert_eq!(fault.to_string(), "no file or folder of that name in org/name at main");
}

#[test]
fn a_refusal_keeps_the_words_of_the_server() {
    let json = ("Content-Type", "application/json; charset=utf-8");
    let text = ("Content-Type", "text/plain; charset=utf-8");
    let says = |message| ("X-Error-Message", message);
    for (status, lines, body, words) in [
        (451, vec![says("Not available in your region")], "", "Not available in your region"),
        (402, vec![json], r#"{"error": "Payment\u0007 required"}"#, "Payment required"),
        (400, vec![json, says("Bad\u{202e} header")], r#"{"error": "x"}"#, "Bad header"),
        (410, vec![text], "Gone for good\n", "Gone for good"),
        (403, vec![json], r#"{"error": "This resource is disabled"}"#, "This resource is disabled"),
        // Nothing that could be read aloud.
        (400, vec![json], r#"{"error": {"code": 5}}"#, ""),
        (400, vec![text], "a\nb", ""),
        (400, vec![], "GIF89a", ""),
    ] {
        let answer = answer(Head::new(status, lines), body);
        let expected = Fault::Rejected { status, words: words.to_owned() };
        assert_eq!(asked(false).refusal(&answer, None), expected, "{status} {body}");
    }
    let page = answer(Head::new(403, [HTML]), "<form><input type=\"password\"></form>");
    assert_eq!(asked(false).refusal(&page, None), Fault::Portal);
}
