//! Signed URLs of xorbs: good for their bytes, and for a time.
//!
//! That reconstructions name the right bytes is seen where files are read.

use std::time::Duration;

use fake_hub::{Content, RepoSpec, XetSpec};
use serde_json::Value;
use tokio::io::DuplexStream;

use super::reader::{Reader, fetches};
use super::{files, hub};
use crate::client::{Client, get, split};
use crate::simulated::dial;

#[tokio::test]
async fn a_url_is_good_for_exactly_its_bytes() {
    let hub = hub(&files()).without_v2().start().await.unwrap();
    let reader = Reader::new(&hub, "o/n").await;
    let hash = hub.xet_file("o/n", "main", "noise.bin").unwrap().hash;
    let answer = reader.ask(&hash, Some(100_000..900_000)).await;
    let value: Value = serde_json::from_slice(&answer.body).unwrap();
    let (url, _, range) = fetches(&value).into_values().next().unwrap().remove(0);
    assert_eq!(split(&url).0, hub.cdn_authority());
    let (start, end) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
    let (start, end): (u64, u64) = (start.parse().unwrap(), end.parse().unwrap());
    let answer = get(&url, &range).await;
    assert_eq!((answer.status, answer.body.len() as u64), (206, end + 1 - start));
    assert!(answer.header("content-range").starts_with(&format!("bytes {start}-{end}/")));

    let shorter = format!("bytes={start}-{}", end - 1);
    let longer = format!("bytes={start}-{}", end + 1);
    let open = format!("bytes={start}-");
    for range in ["", &shorter, &longer, &open, "bytes=0-0"] {
        let answer = get(&url, range).await;
        assert_eq!((answer.status, answer.text()), (403, "Auth failed: invalid range"), "{range}");
    }
    let forged = url.replace("&Policy=ey", "&Policy=EY");
    assert_ne!(forged, url);
    assert_eq!(get(&forged, &longer).await.status, 403);
    let (unsigned, _) = url.split_once('?').unwrap();
    assert_eq!(get(unsigned, &range).await.status, 403);
}

#[tokio::test]
async fn ranges_of_one_xorb_share_a_url() {
    let hub = hub(&files()).start().await.unwrap();
    let reader = Reader::new(&hub, "o/n").await;
    let hash = hub.xet_file("o/n", "main", "tuned.bin").unwrap().hash;
    let value: Value = serde_json::from_slice(&reader.ask(&hash, None).await.body).unwrap();
    let mut all = fetches(&value).into_iter();
    let (xorb, fetches) = all.find(|(_, fetches)| fetches.len() > 1).unwrap();
    assert!(fetches.iter().all(|(url, _, _)| *url == fetches[0].0));
    let url = &fetches[0].0;
    let ranges: Vec<_> =
        fetches.iter().map(|(_, _, range)| range.strip_prefix("bytes=").unwrap()).collect();
    let answer = get(url, &format!("bytes={}", ranges.join(","))).await;
    assert_eq!(answer.status, 206);
    assert!(answer.header("content-type").starts_with("multipart/byteranges; boundary="));
    let boundary = answer.header("content-type").split_once('=').unwrap().1;
    let store = hub.xet();
    let xorb =
        store.files().flat_map(|file| &file.terms).find(|term| term.xorb.to_string() == xorb);
    let bytes = store.xorb(&xorb.unwrap().xorb).unwrap().bytes().unwrap();
    let mut expected = Vec::new();
    for range in &ranges {
        let (start, end) = range.split_once('-').unwrap();
        let (start, end): (usize, usize) = (start.parse().unwrap(), end.parse().unwrap());
        expected.extend(
            format!(
                "\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\n\
                 Content-Range: bytes {range}/{}\r\n\r\n",
                bytes.len()
            )
            .bytes(),
        );
        expected.extend(&bytes[start..=end]);
    }
    expected.extend(format!("\r\n--{boundary}--\r\n").bytes());
    assert!(answer.body == expected);

    let reversed: Vec<_> = ranges.iter().rev().copied().collect();
    assert_eq!(get(url, &format!("bytes={}", reversed.join(","))).await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_answers() {
    let mut answers = Vec::new();
    for seed in [7, 7, 8] {
        let builder = hub(&files()).seed(seed).epoch(Duration::from_secs(1_700_000_000));
        let hub = builder.cas("cas.test").build("hub.test", "cdn.test").unwrap();
        let token = dial(&hub, "hub.test").get("/api/models/o/n/xet-read-token/main", "").await;
        let bearer = format!("Bearer {}", token.header("x-xet-access-token"));
        let file = hub.xet_file("o/n", "main", "tuned.bin").unwrap();
        let mut texts = vec![token.text().to_owned()];
        for path in [
            format!("/v1/reconstructions/{}", file.hash),
            format!("/v2/reconstructions/{}", file.hash),
            format!("/v1/chunks/default-merkledb/{}", file.chunks[0].hash),
        ] {
            let headers = [("Authorization", bearer.as_str())];
            let answer = dial(&hub, "cas.test").ask("GET", &path, &headers, "").await;
            assert_eq!(answer.status, 200, "{path}");
            texts.push(format!("{:?}", answer.body));
        }
        answers.push(texts);
    }
    assert!(answers[0] == answers[1]);
    assert!(answers[0].iter().zip(&answers[2]).all(|(one, other)| one != other));
}

/// Without sockets, so that time can be paused.
#[tokio::test(start_paused = true)]
async fn tokens_and_urls_end() {
    let seconds = Duration::from_secs;
    let files = [("w.bin".to_owned(), Content::synthetic(1, 300_000))];
    let hub = fake_hub::FakeHub::builder()
        .repo(RepoSpec::contents("o/n", files).xet(XetSpec::default()))
        .epoch(seconds(1_700_000_000))
        .pass_lifetime(seconds(5))
        .url_lifetime(seconds(3))
        .cas("cas.test")
        .build("hub.test", "cdn.test")
        .unwrap();
    let client = |name| -> Client<DuplexStream> { dial(&hub, name) };
    let token = client("hub.test").get("/api/models/o/n/xet-read-token/main", "").await;
    assert_eq!(token.header("x-xet-cas-url"), "http://cas.test");
    assert_eq!(token.header("x-xet-token-expiration"), "1700000005");
    let bearer = format!("Bearer {}", token.header("x-xet-access-token"));
    let hash = hub.xet_file("o/n", "main", "w.bin").unwrap().hash;
    let path = format!("/v1/reconstructions/{hash}");
    let headers = [("Authorization", bearer.as_str())];
    let answer = client("cas.test").ask("GET", &path, &headers, "").await;
    assert_eq!(answer.status, 200);
    let value: Value = serde_json::from_slice(&answer.body).unwrap();
    let (url, _, range) = fetches(&value).into_values().next().unwrap().remove(0);
    let path_of_xorb = url.strip_prefix("http://cdn.test").unwrap();
    for (wait, of_url, of_token) in
        [(0, 206, 200), (2999, 206, 200), (1, 403, 200), (2000, 403, 401)]
    {
        tokio::time::advance(Duration::from_millis(wait)).await;
        let answer = client("cdn.test").get(path_of_xorb, &range).await;
        assert_eq!(answer.status, of_url, "{wait}");
        let answer = client("cas.test").ask("GET", &path, &headers, "").await;
        assert_eq!(answer.status, of_token, "{wait}");
    }
}
