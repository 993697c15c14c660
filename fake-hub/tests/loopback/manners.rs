//! Where real storage hosts differ, or have not been seen: each manner, and each odd head.

use fake_hub::{IfRange, StorageEtag, StorageSpec, Words};

use crate::client::{Client, ask, get, hub, hub_with, locate, split, weights};

/// Whether it has the form of an ETag of S3: 32 hex digits, and perhaps the number of parts.
fn is_md5_like(etag: &str) -> bool {
    let inner = etag.trim_matches('"');
    let (digest, parts) = inner.split_once('-').unwrap_or((inner, "1"));
    digest.len() == 32 && is_hex(digest) && parts.parse::<u32>().is_ok()
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[tokio::test]
async fn an_etag_of_the_storage_says_what_is_set() {
    for mode in StorageEtag::ALL {
        let spec = StorageSpec { etag: mode, ..StorageSpec::default() };
        let hub = hub().storage(spec).start().await.unwrap();
        let location = locate(&hub).await;
        let mut etags = Vec::new();
        for _ in 0..3 {
            let answer = get(&location, "bytes=5-9").await;
            assert_eq!(answer.status, 206);
            etags.push(answer.headers.get("etag").cloned());
        }
        let sha256 =
            format!("\"{}\"", hub.file("o/n", "main", "model.safetensors").unwrap().etag());
        let all = |judge: &dyn Fn(&str) -> bool| etags.iter().flatten().all(|etag| judge(etag));
        let is_hash = |etag: &str| etag.len() == 66 && is_hex(etag.trim_matches('"'));
        let is_right = match mode {
            StorageEtag::Xet => all(&|etag| is_hash(etag) && etag != sha256),
            StorageEtag::Sha256 => all(&|etag| etag == sha256),
            StorageEtag::None => etags.iter().all(Option::is_none),
            StorageEtag::Weak => all(&|etag| etag.strip_prefix("W/").is_some_and(is_hash)),
            StorageEtag::Md5 => all(&is_md5_like),
            StorageEtag::PerEdge => etags[0] != etags[1] && etags[1] != etags[2],
        };
        assert!(is_right, "{mode}: {etags:?}");
        assert!(mode == StorageEtag::None || etags.iter().all(Option::is_some), "{mode}");
    }
}

#[tokio::test]
async fn a_rule_sets_the_etag_of_one_answer() {
    let hub = hub_with(&["storage-etag none route=cdn times=1"]).await;
    let location = locate(&hub).await;
    assert_eq!(get(&location, "").await.headers.get("etag"), None);
    assert!(get(&location, "").await.headers.contains_key("etag"));
    assert_eq!(hub.stats().fired("storage-etag"), 1);
}

#[tokio::test]
async fn if_range_is_honoured_or_ignored() {
    let table = [
        (StorageEtag::Sha256, IfRange::Honoured, "\"other\"", 200),
        (StorageEtag::Sha256, IfRange::Ignored, "\"other\"", 206),
        // A weak one is never the same version to If-Range.
        (StorageEtag::Weak, IfRange::Honoured, "its own", 200),
        (StorageEtag::Xet, IfRange::Honoured, "its own", 206),
    ];
    for (etag, if_range, said, status) in table {
        let spec = StorageSpec { etag, if_range, ..StorageSpec::default() };
        let hub = hub().storage(spec).start().await.unwrap();
        let location = locate(&hub).await;
        let own = get(&location, "bytes=0-0").await.header("etag").to_owned();
        let said = if said == "its own" { &own } else { said };
        let headers = [("Range", "bytes=0-9"), ("If-Range", said)];
        assert_eq!(ask("GET", &location, &headers, "").await.status, status, "{etag} {said}");
    }
}

#[tokio::test]
async fn an_expired_url_is_refused_in_two_forms() {
    for (words, form) in [(Words::Text, "text/plain"), (Words::Xml, "application/xml")] {
        let spec = StorageSpec { words, ..StorageSpec::default() };
        let rule = "expired route=cdn".parse().unwrap();
        let hub = hub().storage(spec).rule(rule).start().await.unwrap();
        let answer = get(&locate(&hub).await, "bytes=0-9").await;
        assert_eq!(answer.status, 403);
        assert!(answer.header("content-type").starts_with(form), "{answer:?}");
        assert!(answer.text().contains("expired"));
    }
}

#[tokio::test]
async fn a_refusal_can_be_a_line_of_text() {
    let rules = ["text-403 key-pair route=cdn times=1", "text-403 no_such_edge route=cdn times=1"];
    let hub = hub_with(&rules).await;
    let location = locate(&hub).await;
    for words in ["SignatureError: invalid key pair id", "no such edge"] {
        let answer = get(&location, "").await;
        assert_eq!((answer.status, answer.text()), (403, words));
    }
}

#[tokio::test]
async fn a_206_can_be_empty_or_nameless() {
    let hub = hub_with(&["empty-206 times=1", "no-content-range times=1"]).await;
    let location = locate(&hub).await;
    let answer = get(&location, "bytes=10-19").await;
    assert_eq!((answer.status, answer.body.len()), (206, 0));
    assert_eq!(answer.header("content-range"), "bytes 10-19/300000");
    let answer = get(&location, "bytes=10-19").await;
    assert_eq!((answer.status, answer.headers.get("content-range")), (206, None));
    assert!(answer.body == weights(&hub)[10..20]);
    assert_eq!(get(&location, "bytes=10-19").await.body.len(), 10);
    let stats = hub.stats();
    assert_eq!((stats.fired("empty-206"), stats.fired("no-content-range")), (1, 1));
}

#[tokio::test]
async fn a_length_can_be_missing_or_zero() {
    let hub = hub_with(&["no-length method=GET route=cdn", "zero-length-head route=cdn"]).await;
    let location = locate(&hub).await;
    let (host, path) = split(&location);
    let mut client = Client::connect(host).await;
    let all = weights(&hub);
    // One after the other on a connection: the end of each has to be found.
    for (range, span) in [("", 0..300_000), ("bytes=5-9", 5..10), ("bytes=0-65535", 0..65_536)] {
        let answer = client.get(path, range).await;
        assert_eq!(answer.headers.get("content-length"), None);
        assert!(answer.body == all[span], "{range}");
    }
    let answer = client.ask("HEAD", path, &[], "").await;
    assert_eq!((answer.status, answer.header("content-length")), (200, "0"));
    let stats = hub.stats();
    assert_eq!((stats.fired("no-length"), stats.fired("zero-length-head")), (3, 1));
}

#[tokio::test]
async fn a_range_behind_the_end_is_refused_in_two_forms() {
    for (words, content_range) in [(Words::Text, ""), (Words::Xml, "bytes */300000")] {
        let spec = StorageSpec { words, ..StorageSpec::default() };
        let hub = hub().storage(spec).start().await.unwrap();
        let answer = get(&locate(&hub).await, "bytes=300000-").await;
        assert_eq!((answer.status, answer.header("content-range")), (416, content_range));
    }
}

#[tokio::test]
async fn a_question_in_another_order_or_form_is_refused() {
    let hub = hub().start().await.unwrap();
    let location = locate(&hub).await;
    let (url, query) = location.split_once('?').unwrap();
    let mut parts: Vec<_> = query.split('&').collect();
    parts.swap(0, 1);
    let table = [
        parts.join("&"),
        query.replace('*', "%2A"),
        query.replace("%27", "'"),
        query.replace('+', "%20"),
        query.replace("%3B", ";"),
    ];
    for bent in table {
        assert_ne!(bent, query);
        let answer = get(&format!("{url}?{bent}"), "").await;
        assert_eq!(
            (answer.status, answer.text()),
            (403, "Auth failed: invalid resource"),
            "{bent}"
        );
    }
    assert_eq!(get(&location, "").await.status, 200);
}

#[tokio::test]
async fn urls_name_either_of_two_storages() {
    let hub = hub().two_storages().start().await.unwrap();
    let mut hosts = std::collections::BTreeSet::new();
    for _ in 0..12 {
        let location = locate(&hub).await;
        let (host, path) = split(&location);
        assert_eq!(get(&location, "bytes=0-9").await.status, 206);
        // A URL is good for its own host alone.
        let other = hub.storage_authorities().iter().find(|other| *other != host).unwrap();
        assert_eq!(get(&format!("http://{other}{path}"), "").await.status, 403);
        hosts.insert(host.to_owned());
    }
    assert_eq!(hosts.len(), 2);
    assert_eq!(hub.storage_authorities().len(), 2);
}
