//! The fake hub beside what real servers sent: the same headers in the same form, and the same
//! form of bodies.
//!
//! The answers are those of `engine/tests/wire/`, where their sources are. Two texts have one form
//! if they differ only in numbers, ids, digests, signatures and names of hosts.

use std::collections::{BTreeMap, BTreeSet};

use engine::xet::hash::XetHash;
use fake_hub::{Access, FakeHub, Group, RepoSpec, StorageSpec, XetSpec};
use serde_json::Value;

use crate::client::{Answer, ask, get};

/// What a real server sent.
struct Real {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

fn real(name: &str) -> Real {
    let path = format!("{}/../engine/tests/wire/{name}.http", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect(name);
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut lines = head.lines().skip_while(|line| line.starts_with('#')).skip(1);
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let fields = lines.map(|line| line.split_once(": ").unwrap());
    let headers = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Real { status, headers, body: body.trim_end_matches('\n').to_owned() }
}

/// A text without what differs from one answer to the next.
fn form(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        if let Some(tail) = rest.strip_prefix("https://").or_else(|| rest.strip_prefix("http://")) {
            out.push_str("ORIGIN");
            rest = &tail[tail.find(['/', '>', '"']).unwrap_or(tail.len())..];
            continue;
        }
        let is_word = |char: char| char.is_ascii_alphanumeric() || "~_-".contains(char);
        let len = rest.find(|char| !is_word(char)).unwrap_or(rest.len());
        if len == 0 {
            out.push(char);
            rest = &rest[char.len_utf8()..];
            continue;
        }
        out.push_str(kind(&rest[..len]));
        rest = &rest[len..];
    }
    out
}

/// A number, an id, or the word itself.
fn kind(word: &str) -> &str {
    let is_all = |judge: fn(&u8) -> bool| word.as_bytes().iter().all(judge);
    let has = |judge: fn(&u8) -> bool| word.as_bytes().iter().any(judge);
    if is_all(u8::is_ascii_digit) {
        "NUMBER"
    } else if word.len() >= 22 && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) {
        "ID"
    } else {
        word
    }
}

/// Keys and types of a JSON value; of a list, those of its entries.
fn shape(value: &Value) -> BTreeSet<String> {
    let below = |name: &str, value: &Value| -> Vec<String> {
        shape(value).iter().map(|path| format!("{name}.{path}")).collect()
    };
    match value {
        Value::Object(fields) => {
            fields.iter().flat_map(|(key, value)| below(&form(key), value)).collect()
        }
        Value::Array(entries) => entries.iter().flat_map(|entry| below("[]", entry)).collect(),
        Value::String(text) => BTreeSet::from([format!("text {}", form(text))]),
        Value::Number(_) => BTreeSet::from(["number".to_owned()]),
        Value::Bool(_) => BTreeSet::from(["bool".to_owned()]),
        Value::Null => BTreeSet::from(["null".to_owned()]),
    }
}

/// Fails unless an answer is like that of a real server.
#[track_caller]
fn check(name: &str, answer: &Answer) {
    let Real { status, headers, body } = real(name);
    assert_eq!(answer.status, status, "{name}: {answer:?}");
    let names = |headers: &BTreeMap<String, String>| headers.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&answer.headers), names(&headers), "{name}");
    for (key, value) in &headers {
        let own = answer.header(key);
        if key == "date" {
            assert!(httpdate::parse_http_date(own).is_ok(), "{name}: {own}");
        } else {
            assert_eq!(form(own), form(value), "{name}: {key}");
        }
    }
    if let Ok(value) = serde_json::from_str::<Value>(&body) {
        let own = serde_json::from_slice(&answer.body).unwrap();
        let missing: Vec<_> = shape(&value).difference(&shape(&own)).cloned().collect();
        assert!(missing.is_empty(), "{name}: {missing:?} in {own}");
    } else if status >= 300 {
        assert_eq!(form(answer.text()), form(&body), "{name}");
    }
}

fn builder() -> fake_hub::Builder {
    let files = || {
        [
            ("config.json", "{\"a number of bytes\": 665}".to_owned()),
            ("model.safetensors", "x".repeat(5000)),
            ("onnx/model.onnx", "y".to_owned()),
            ("zoo.json", "{}".to_owned()),
        ]
    };
    FakeHub::builder()
        .repo(RepoSpec::files("org/name", files()).xet(XetSpec::default()))
        .repo(RepoSpec::files("org/gated", files()).access(Access::Gated))
        .alias("old/name", "org/name")
        .alias("gpt2", "org/name")
        .token("hf_member")
        .outsider("hf_outsider")
        .page_size(3)
        .seed(7)
}

async fn asked(hub: &FakeHub, path: &str, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("Authorization", bearer.as_str())];
    let headers = if token.is_empty() { &[][..] } else { &headers };
    ask("GET", &format!("{}{path}", hub.endpoint()), headers, "").await
}

#[tokio::test]
async fn the_hub_answers_as_the_real_one() {
    let hub = builder().start().await.unwrap();
    let weights = "/org/name/resolve/main/model.safetensors";
    for (name, path, token) in [
        ("resolve-stored", weights, ""),
        ("resolve-small", "/org/name/resolve/main/config.json", ""),
        ("resolve-renamed", "/old/name/resolve/main/model.safetensors", ""),
        ("api-renamed", "/api/models/gpt2", ""),
        ("gated-anonymous", "/org/gated/resolve/main/model.safetensors", ""),
        ("gated-outsider", "/org/gated/resolve/main/model.safetensors", "hf_outsider"),
        ("no-repo-anonymous", "/org/none/resolve/main/model.safetensors", ""),
        ("no-repo-anonymous-api", "/api/models/org/none/revision/main", ""),
        ("no-repo-member", "/org/none/resolve/main/model.safetensors", "hf_member"),
        ("no-file", "/org/name/resolve/main/none.bin", ""),
        ("no-revision", "/org/name/resolve/badrev/model.safetensors", ""),
        ("bad-token", weights, "hf_wrong"),
        ("api-revision", "/api/models/org/name/revision/main?blobs=true", ""),
        ("api-tree", "/api/models/org/name/tree/main?recursive=true", ""),
        ("xet-token", "/api/models/org/name/xet-read-token/main", ""),
    ] {
        check(name, &asked(&hub, path, token).await);
    }
    let url = format!("{}/api/models/org/name/paths-info/main", hub.endpoint());
    let json = [("Content-Type", "application/json")];
    let answer = ask("POST", &url, &json, r#"{"paths":["config.json","none"]}"#).await;
    check("api-paths-info", &answer);

    let small = asked(&hub, "/org/name/resolve/main/config.json", "").await;
    let url = format!("{}{}", hub.endpoint(), small.header("location"));
    check("small-whole", &get(&url, "").await);
    check("small-part", &get(&url, "bytes=10-19").await);

    let hub = builder().quota(Group::Resolvers, 0).start().await.unwrap();
    check("too-many", &asked(&hub, weights, "").await);
}

#[tokio::test]
async fn the_storage_answers_as_the_real_one() {
    let rule = "empty-206 path=model.safetensors from=2 times=1 route=cdn method=GET";
    let hub = builder().rule(rule.parse().unwrap()).start().await.unwrap();
    let answer = asked(&hub, "/org/name/resolve/main/model.safetensors", "").await;
    let location = answer.header("location");
    check("storage-part", &get(location, "bytes=1000-1009").await);
    check("storage-empty", &get(location, "bytes=1000-1009").await);
    check("storage-head", &ask("HEAD", location, &[], "").await);

    let other_key = location.replace("Key-Pair-Id=0", "Key-Pair-Id=1");
    check("storage-bad-key", &get(&other_key, "").await);
    let (url, query) = location.split_once('?').unwrap();
    let (first, rest) = query.split_once('&').unwrap();
    let (second, rest) = rest.split_once('&').unwrap();
    let reordered = format!("{url}?{second}&{first}&{rest}");
    check("storage-bad-resource", &get(&reordered, "").await);
}

#[tokio::test]
async fn the_cas_answers_as_the_real_one() {
    let storage = StorageSpec { has_multi_range: false, ..StorageSpec::default() };
    let hub = builder().storage(storage).start().await.unwrap();
    let token = asked(&hub, "/api/models/org/name/xet-read-token/main", "").await;
    let bearer = format!("Bearer {}", token.header("x-xet-access-token"));
    let headers = [("Authorization", bearer.as_str())];
    let hash: XetHash = hub.xet_file("org/name", "main", "model.safetensors").unwrap().hash;
    let mut range = String::new();
    let mut url = String::new();
    for (name, version) in [("plan-v1", "v1"), ("plan-v2", "v2")] {
        let cas = format!("http://{}/{version}/reconstructions/{hash}", hub.cas_authority());
        let answer = ask("GET", &cas, &headers, "").await;
        let Real { body, .. } = real(name);
        // Some URLs have one parameter more, since 2026-09.
        let text = answer.text().replace("&Hash-Algorithm=SHA256", "");
        let own: Value = serde_json::from_str(&text).unwrap();
        let theirs = serde_json::from_str(&body).unwrap();
        assert_eq!(shape(&own), shape(&theirs), "{name}: {own}");
        let own: Value = serde_json::from_slice(&answer.body).unwrap();
        if let Some((_, fetches)) = own["fetch_info"].as_object().and_then(|all| all.iter().next())
        {
            let bytes = &fetches[0]["url_range"];
            range = format!("{}-{}", bytes["start"], bytes["end"]);
            url = fetches[0]["url"].as_str().unwrap().to_owned();
        }
    }
    assert_eq!(get(&url, &format!("bytes={range}")).await.status, 206);
    check("storage-bad-range", &get(&url, "bytes=0-1").await);
    check("storage-many-ranges", &get(&url, &format!("bytes={range},{range}")).await);
}
