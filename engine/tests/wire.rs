//! What real servers sent, read by the readers of the engine: what is to be understood of each.
//!
//! Each file of `wire/` is one answer, with the date on which it was seen and its sources; the
//! README there lists those. Names, ids, digests and signatures are made up, forms are not.
#![cfg(test)]

use engine::fault::Fault;
use engine::hub::answer::Answer;
use engine::hub::asked::Asked;
use engine::hub::endpoint::Endpoint;
use engine::hub::head::Head;
use engine::hub::listing::{Listing, Pages, check_paths_info, check_revision};
use engine::hub::redirect::follow;
use engine::hub::repo::{RepoId, RepoKind};
use engine::hub::request::Request;
use engine::hub::resolve::{Probe, ResolveAnswer, Resolved, Resolving};
use engine::range::ByteRange;
use engine::time::Duration;
use engine::verify::{Expected, Promise, Verdict, check_head};
use engine::xet::hash::XetHash;
use engine::xet::reconstruction::Reconstruction;
use engine::xet::token::ReadToken;
use url::Url;

/// The answer in a file of `wire/`.
fn answer(name: &str) -> Answer {
    let path = format!("{}/tests/wire/{name}.http", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect(name);
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut lines = head.lines().skip_while(|line| line.starts_with('#'));
    let target = lines.next().and_then(|line| line.split(' ').nth(1)).expect(name);
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect(name);
    let fields = lines.map(|line| line.split_once(": ").expect(line));
    let head = Head::new(status.parse().expect(name), fields);
    let url = Endpoint::default().base().join(target).expect(name);
    Answer { url, head, body: body.trim_end_matches('\n').into() }
}

/// What is asked of the hub whose URL this is: of a file, its URL says of which repository.
fn asked(url: &Url, has_token: bool) -> Asked {
    let name = url.path().trim_start_matches('/').split_once("/resolve/");
    let name = name.map_or("org/name", |(name, _)| name);
    Asked {
        endpoint: url.origin().ascii_serialization().parse().unwrap(),
        repo: RepoId::new(RepoKind::Model, name).unwrap(),
        revision: "main".parse().unwrap(),
        has_token,
    }
}

fn resolve(names: &[&str], file: &str) -> Resolved {
    let asked = asked(&answer(names[0]).url, false);
    let mut resolving = Resolving::new(asked, file.parse().unwrap(), Probe::Head);
    for name in names {
        let answer = Answer { url: resolving.request().url, ..answer(name) };
        match resolving.check(&answer).unwrap() {
            ResolveAnswer::Follow(next) => resolving = *next,
            ResolveAnswer::Resolved(resolved) => return *resolved,
        }
    }
    panic!("{names:?} say not enough: {}", resolving.request().url);
}

fn judge(name: &str, validator: Option<&str>) -> Verdict {
    let expected = Expected {
        asked: Some(ByteRange::new(1000, 1010)),
        size: SIZE,
        digest: SHA256.parse().unwrap(),
        xet: XetHash::from_hex(XET),
        validator,
    };
    check_head(&expected, &answer(name).head)
}

const WEIGHTS: &str = "model.safetensors";
const SIZE: u64 = 548_105_171;
const COMMIT: &str = "607a30d783dfa663caf39e06633721c8d4cf0000";
const SHA256: &str = "248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707";
const XET: &str = "63bed80836ee0758c8fe4f8975b97e4f1aea9bb5c5d5f64a1fb1f6d7aa9a8758";
const GIT: &str = "10c66461e4c109db5a2196bff4bb59be30396ed8";

#[test]
fn a_stored_file_is_named_sized_and_found() {
    // A mirror hands on the same, but for what it calls itself. Where the endpoint leads to another
    // hub, that one is believed; where to ask for a token is not.
    for (names, auth) in [
        (&["resolve-stored"][..], Some("huggingface.co")),
        (&["resolve-renamed", "resolve-stored"], Some("huggingface.co")),
        (&["mirror-resolve"], Some("hub.mirror.example")),
        (&["hub-short-name", "resolve-stored"], None),
        (&["mirror-leads-home", "resolve-stored"], None),
    ] {
        let found = resolve(names, WEIGHTS);
        assert_eq!(found.commit.as_ref().map(|commit| commit.as_str()), Some(COMMIT));
        assert_eq!(found.size, Some(SIZE), "the Content-Length is that of the redirect");
        assert_eq!(found.digest, Some(SHA256.parse().unwrap()));
        assert_eq!(found.xet.map(|xet| xet.to_string()).as_deref(), Some(XET));
        let location = answer("resolve-stored").head.location().unwrap().to_owned();
        assert_eq!(found.location.url.as_str(), location, "not a byte may change");
        assert_eq!(found.location.url.host_str(), Some("us.aws.cdn.hf.co"));
        let token = |host| format!("https://{host}/api/models/org/name/xet-read-token/{COMMIT}");
        assert_eq!(found.xet_auth.map(String::from), auth.map(token), "{names:?}");
    }
    let found = resolve(&["resolve-stored"], WEIGHTS);
    assert_eq!(found.location.ttl, Some(Duration::from_secs(3600)));
}

#[test]
fn a_small_file_is_where_the_query_leads() {
    let found = resolve(&["resolve-small", "small-whole"], "config.json");
    assert_eq!(found.commit.as_ref().map(|commit| commit.as_str()), Some(COMMIT));
    assert_eq!(found.size, Some(665));
    assert_eq!(found.digest, Some(GIT.parse().unwrap()));
    assert_eq!((found.xet, found.location.ttl), (None, None));
    assert_eq!(found.location.url, answer("small-whole").url);
}

#[test]
fn redirects_lead_where_they_say() {
    for (name, to) in [
        ("resolve-renamed", "https://huggingface.co/org/name/resolve/main/model.safetensors"),
        ("api-renamed", "https://huggingface.co/api/models/org/name"),
        ("hub-short-name", "https://huggingface.co/org/name/resolve/main/model.safetensors"),
        ("mirror-leads-home", "https://huggingface.co/org/name/resolve/main/model.safetensors"),
    ] {
        let Answer { url, head, .. } = answer(name);
        assert_eq!(follow(&url, &head, &[]).unwrap().map(String::from).as_deref(), Some(to));
        assert!(head.commit().is_none() && head.linked_etag().is_none(), "{name}");
    }
}

#[test]
fn refusals_of_the_hub_are_told_apart() {
    for (name, has_token, kind) in [
        ("gated-anonymous", false, "gated"),
        ("gated-outsider", true, "gated"),
        ("no-repo-anonymous", false, "no such repo"),
        ("no-repo-anonymous-api", false, "no such repo"),
        ("no-repo-member", true, "no such repo"),
        ("no-file", false, "no such file"),
        ("no-revision", false, "no such revision"),
        ("bad-token", true, "token needed"),
        ("too-many", false, "busy"),
        ("mirror-refuses", false, "rejected"),
    ] {
        let answer = answer(name);
        let file = WEIGHTS.parse().unwrap();
        let fault = asked(&answer.url, has_token).refusal(&answer, Some(&file));
        assert_eq!(fault.kind(), kind, "{name}: {fault}");
        assert_eq!(answer.head.content_length(), Some(answer.body.len() as u64), "{name}");
    }
    let too_many = answer("too-many");
    let fault = asked(&too_many.url, false).refusal(&too_many, None);
    let retry_after = Some(Duration::from_secs(213));
    assert_eq!(fault, Fault::Busy { status: 429, retry_after });
}

#[test]
fn the_storage_calls_a_file_by_its_xet_hash() {
    let xet = format!("\"{XET}\"");
    for before in [None, Some(xet.as_str()), Some("\"of-another-edge\"")] {
        for (name, is_range) in
            [("storage-part", true), ("bridge-whole", false), ("storage-head", false)]
        {
            let verdict = judge(name, before);
            assert_eq!(matches!(verdict, Verdict::Range(_)), is_range, "{name}: {verdict:?}");
            let promise = verdict.promise().unwrap();
            assert_eq!(promise.validator.as_deref(), Some(xet.as_str()));
            assert!(promise.is_named && !promise.names_other && !promise.is_vague, "{name}");
        }
    }
    assert_eq!(judge("storage-no-etag", None), Verdict::Range(Promise::default()));
}

#[test]
fn refusals_of_the_storage_are_told_apart() {
    for (name, kind, words) in [
        ("storage-bad-range", "url refused", "Auth failed: invalid range"),
        ("storage-bad-key", "url refused", "SignatureError: invalid key pair id"),
        ("storage-bad-resource", "url refused", "Auth failed: invalid resource"),
        ("storage-many-ranges", "url refused", "Invalid Range Specified"),
        ("storage-too-many", "busy", "Too Many Requests"),
        ("storage-error", "busy", "Internal Server Error"),
    ] {
        let Verdict::Fault(fault) = judge(name, None) else { panic!("{name}") };
        assert_eq!(fault.kind(), kind, "{name}: {fault}");
        assert_eq!(answer(name).body, words.as_bytes());
    }
    // It promises what it does not have.
    assert!(matches!(judge("storage-empty", None), Verdict::Fault(_)));
}

#[test]
fn small_files_come_in_parts_too() {
    let Answer { head, body, .. } = answer("small-part");
    let expected = Expected {
        asked: Some(ByteRange::new(10, 20)),
        size: 665,
        digest: GIT.parse().unwrap(),
        xet: None,
        validator: None,
    };
    let verdict = check_head(&expected, &head);
    assert!(matches!(&verdict, Verdict::Range(promise) if promise.is_named), "{verdict:?}");
    assert_eq!(body.len(), 10);
}

fn paths(listing: &Listing) -> Vec<String> {
    listing.entries.iter().map(|entry| entry.path.to_string()).collect()
}

#[test]
fn listings_have_sizes_digests_and_a_next_page() {
    let revision = answer("api-revision");
    let info = check_revision(&asked(&revision.url, false), &revision, &|_| true).unwrap();
    assert_eq!((info.commit.as_str(), info.listing.entries.len()), (COMMIT, 2));

    // A mirror names the hub, and without https: the endpoint is asked all the same.
    for name in ["api-tree", "mirror-tree"] {
        let page = answer(name);
        let asked = asked(&page.url, false);
        let mut pages = Pages::new(&Request::get(page.url.clone()));
        let listing = pages.on_answer(&asked, &page, &|_| true).unwrap();
        let next = pages.request().unwrap().url;
        assert!(asked.endpoint.is_same_origin(&next), "{next}");
        assert_eq!(next.path(), page.url.path());
        assert!(page.head.link("next").unwrap().ends_with(next.query().unwrap()), "{next}");
        assert_eq!(paths(&listing), ["config.json", WEIGHTS]);
        let weights = &listing.entries[1];
        assert_eq!((weights.size, weights.digest), (SIZE, SHA256.parse().unwrap()));
        assert_eq!(weights.xet_hash.map(|xet| xet.to_string()).as_deref(), Some(XET));
        assert_eq!(listing.entries[0].digest, GIT.parse().unwrap());
    }

    let entries = answer("api-paths-info");
    let listing = check_paths_info(&asked(&entries.url, false), &entries, &|_| true).unwrap();
    assert_eq!(paths(&listing), ["config.json"]);
}

#[test]
fn tokens_and_plans_are_read() {
    let token = ReadToken::read(&answer("xet-token").body).unwrap();
    assert_eq!(token.expires, 1_786_192_810);
    let hash = XetHash::from_hex(XET).unwrap();
    for (version, name) in [(1, "plan-v1"), (2, "plan-v2")] {
        let Answer { url, body, .. } = answer(name);
        assert_eq!(token.reconstruction_url(version, hash), url);
        let read = if version == 1 { Reconstruction::read_v1 } else { Reconstruction::read_v2 };
        let plan = read(&body).unwrap();
        assert_eq!(plan.len(), 237_171);
        let [fetch] = plan.fetches.as_slice() else { panic!("{name}") };
        assert_eq!((fetch.chunks.clone(), fetch.bytes), (0..2, ByteRange::new(0, 50_469)));
        let text = String::from_utf8(body).unwrap();
        assert!(text.contains(fetch.url.as_str()), "{name}: not a byte may change");
        assert_eq!(fetch.url.host_str(), Some("us.aws.cdn.hf.co"));
    }
}

#[test]
fn every_file_is_read_by_a_test() {
    let own = include_str!("wire.rs");
    let folder = format!("{}/tests/wire", env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(name) = name.strip_suffix(".http") else { continue };
        assert!(own.contains(&format!("\"{name}\"")), "{name}");
        count += 1;
    }
    assert!(count > 30, "{count}");
}
