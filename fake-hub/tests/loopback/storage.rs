//! Xet storage: what a reconstruction promises is what the xorbs hold.
//!
//! The real client's view of it is checked by hand, with the command in the README.

use engine::xet::hash::XetHash;
use fake_hub::{Access, Content, FakeHub, Kind, RepoSpec, Route, Term, XetSpec};
use serde_json::Value;

use crate::client::{ask, get};

mod lies;
mod reader;
mod shards;
mod urls;

use reader::{Reader, bytes_of};

/// A hub with these contents in Xet, in xorbs of at most a megabyte.
fn hub(files: &[(&str, Content)]) -> fake_hub::Builder {
    let files = files.iter().map(|(path, content)| ((*path).to_owned(), content.clone()));
    let spec = XetSpec { xorb_bytes: 1 << 20, ..XetSpec::default() };
    FakeHub::builder().repo(RepoSpec::contents("o/n", files).xet(spec)).seed(7)
}

/// One file of each kind, and a fine-tune of another.
fn files() -> Vec<(&'static str, Content)> {
    let bf16 = Content::made(Kind::Bf16, 1, 3_000_000);
    vec![
        ("bf16.bin", bf16.clone()),
        ("f32.bin", Content::made(Kind::F32, 2, 300_001)),
        ("noise.bin", Content::synthetic(3, 2_500_000)),
        ("small.bin", Content::synthetic(4, 5)),
        ("text.bin", Content::made(Kind::Text, 5, 700_000)),
        ("tuned.bin", bf16.fine_tuned(6)),
        ("zeros.bin", Content::made(Kind::Zeros, 0, 1_000_000)),
    ]
}

#[tokio::test]
async fn reconstructions_bring_the_content() {
    for has_v2 in [true, false] {
        let builder = hub(&files());
        let builder = if has_v2 { builder } else { builder.without_v2() };
        let hub = builder.start().await.unwrap();
        let reader = Reader::new(&hub, "o/n").await;
        for (path, content) in files() {
            let whole = bytes_of(&content);
            let hash = hub.xet_file("o/n", "main", path).unwrap().hash;
            assert!(reader.read(&hash, None).await == whole, "{path}");
            let len = whole.len() as u64;
            for range in [0..1, len / 2..len / 2 + 1, len / 3..len - 1, len - 1..len + 9] {
                if range.start < range.end {
                    let part = &whole[range.start as usize..range.end.min(len) as usize];
                    assert!(reader.read(&hash, Some(range.clone())).await == part, "{path}");
                }
            }
        }
        assert!(hub.stats().body_bytes_on(Route::Xorb) > 0);
        assert_eq!(hub.stats().tokens_on_cdn, 0);
    }
}

#[tokio::test]
async fn the_hub_says_that_a_file_is_in_xet() {
    let hub = hub(&files()).start().await.unwrap();
    let hash = hub.xet_file("o/n", "main", "bf16.bin").unwrap().hash.to_string();
    let url = format!("{}/o/n/resolve/main/bf16.bin", hub.endpoint());
    let answer = ask("HEAD", &url, &[], "").await;
    assert_eq!(answer.header("x-xet-hash"), hash);
    let commit = hub.commit_of("o/n", "main").unwrap();
    let links = format!(
        "<{}/api/models/o/n/xet-read-token/{commit}>; rel=\"xet-auth\", \
         <http://{}/v1/reconstructions/{hash}>; rel=\"xet-reconstruction-info\"",
        hub.endpoint(),
        hub.cas_authority(),
    );
    assert_eq!(answer.header("link"), links);
    let tree = get(&format!("{}/api/models/o/n/tree/main", hub.endpoint()), "").await;
    assert!(tree.text().contains(&format!("\"xetHash\":\"{hash}\"")), "{}", tree.text());
}

#[tokio::test]
async fn tokens_are_for_those_who_may_read() {
    let private = RepoSpec::synthetic("o/private", 2_000_000).access(Access::Private);
    let gated = RepoSpec::synthetic("datasets/o/gated", 2_000_000).access(Access::Gated);
    let hub = hub(&files())
        .repo(private.xet(XetSpec::default()))
        .repo(gated.xet(XetSpec::default()))
        .repo(RepoSpec::synthetic("o/plain", 2_000_000))
        .token("hf_member")
        .outsider("hf_outsider")
        .start()
        .await
        .unwrap();
    let table = [
        ("models/o/n/xet-read-token/main", "", 200),
        ("models/o/n/xet-read-token/nowhere", "", 404),
        ("models/o/plain/xet-read-token/main", "", 404),
        ("models/o/none/xet-read-token/main", "hf_outsider", 404),
        ("models/o/private/xet-read-token/main", "", 401),
        ("models/o/private/xet-read-token/main", "hf_outsider", 404),
        ("models/o/private/xet-read-token/main", "hf_member", 200),
        ("datasets/o/gated/xet-read-token/main", "", 401),
        ("datasets/o/gated/xet-read-token/main", "hf_outsider", 403),
        ("datasets/o/gated/xet-read-token/main", "hf_member", 200),
        ("models/o/n/xet-read-token/main", "hf_wrong", 401),
    ];
    for (path, token, status) in table {
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", bearer.as_str())];
        let headers = if token.is_empty() { &[][..] } else { &headers[..] };
        let url = format!("{}/api/{path}", hub.endpoint());
        assert_eq!(ask("GET", &url, headers, "").await.status, status, "{path} {token}");
    }

    // A token opens the files of its repository only, and is no token of the hub's.
    let reader = Reader::new(&hub, "o/n").await;
    let hash = hub.xet_file("o/private", "main", "model.safetensors").unwrap().hash;
    assert_eq!(reader.ask(&hash, None).await.status, 404);
    assert_eq!(hub.stats().tokens_on_cdn, 0);
    let url = format!("http://{}/v1/reconstructions/{hash}", hub.cas_authority());
    for (token, leaks) in [("Bearer xet.1.2.3", 0), ("Bearer hf_member", 1)] {
        assert_eq!(ask("GET", &url, &[("Authorization", token)], "").await.status, 401);
        assert_eq!(hub.stats().tokens_on_cdn, leaks);
    }
    assert_eq!(get(&url, "").await.status, 401);
    let elsewhere = format!("{}/v1/reconstructions/{hash}", hub.endpoint());
    assert_eq!(get(&elsewhere, "").await.status, 404);
}

#[tokio::test]
async fn reconstructions_are_cut_at_chunks() {
    let hub = hub(&files()).without_v2().start().await.unwrap();
    let reader = Reader::new(&hub, "o/n").await;
    let file = hub.xet_file("o/n", "main", "noise.bin").unwrap();
    let first = file.chunks[0].len;
    let second = file.chunks[1].len;
    let table = [
        (0..1, 0, first),
        (first - 1..first, first - 1, first),
        (first..first + 1, 0, second),
        (first - 1..first + 1, first - 1, first + second),
        (first + 7..first + second, 7, second),
    ];
    for (range, offset, len) in table {
        let answer = reader.ask(&file.hash, Some(range.clone())).await;
        let value: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(value["offset_into_first_range"], offset, "{range:?}");
        assert_eq!(value["terms"][0]["unpacked_length"], len, "{range:?}");
        assert_eq!(value["terms"].as_array().unwrap().len(), 1, "{range:?}");
    }
    let beyond = reader.ask(&file.hash, Some(file.len..file.len + 1)).await;
    assert_eq!(beyond.status, 416);
    let empty = XetHash::from_hex(&"0".repeat(64)).unwrap();
    assert_eq!(reader.ask(&empty, None).await.status, 404);
    assert_eq!(reader.get("/v1/reconstructions/xyz", None).await.status, 404);
}

#[tokio::test]
async fn what_is_known_is_not_stored_again() {
    let hub = hub(&files()).start().await.unwrap();
    let store = hub.xet();
    let wire = |path| {
        let file = hub.xet_file("o/n", "main", path).unwrap();
        (file, store.wire_len(file).unwrap() as f64 / file.len as f64)
    };
    let (base, base_share) = wire("bf16.bin");
    assert_eq!(base.terms.len(), 3);
    assert!(base.terms.iter().all(|term| {
        let xorb = store.xorb(&term.xorb).unwrap();
        term.chunks == (0..xorb.nodes().len() as u32)
    }));
    let (tuned, tuned_share) = wire("tuned.bin");
    let is_shared = |term: &&Term| base.terms.iter().any(|other| other.xorb == term.xorb);
    let (shared, own): (Vec<_>, Vec<_>) = tuned.terms.iter().partition(is_shared);
    assert!(shared.len() > 3 && own.len() > 3, "{:?}", tuned.terms);
    assert_eq!(wire("zeros.bin").0.terms.len(), 7);
    let shares = [
        (base_share, 0.85..0.87),
        (tuned_share, 0.85..0.87),
        (wire("f32.bin").1, 0.93..0.96),
        (wire("noise.bin").1, 1.0..1.001),
        (wire("text.bin").1, 0.7..0.9),
        (wire("zeros.bin").1, 0.0..0.01),
    ];
    for (share, expected) in shares {
        assert!(expected.contains(&share), "{share} is not in {expected:?}");
    }
}

#[tokio::test]
async fn an_empty_file_has_no_terms() {
    let hub = hub(&[("empty.bin", Content::memory(""))]).start().await.unwrap();
    let reader = Reader::new(&hub, "o/n").await;
    let file = hub.xet_file("o/n", "main", "empty.bin").unwrap();
    assert!(file.terms.is_empty() && reader.read(&file.hash, None).await.is_empty());
}
