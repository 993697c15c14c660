//! Lies about files in Xet hit what they aim at, and are told as often as they should.
//!
//! What a client makes of them is for its own tests.

use engine::xet::chunk::HEADER_LEN;
use engine::xet::hash::XetHash;
use fake_hub::{FakeHub, Route, Term};
use serde_json::Value;

use super::reader::{Reader, bytes_of, fetches};
use super::{files, hub};
use crate::client::{Answer, End, get};

/// A hub with a rule, and the term of a file that the rule is about.
struct Scene {
    hub: FakeHub,
    reader: Reader,
    term: Term,
}

impl Scene {
    async fn new(rule: &str) -> Self {
        let hub = hub(&files()).rule(rule.parse().unwrap()).start().await.unwrap();
        let reader = Reader::new(&hub, "o/n").await;
        let term = hub.xet_file("o/n", "main", "bf16.bin").unwrap().terms[1].clone();
        Self { hub, reader, term }
    }

    /// The bytes of the xorb, as they are.
    fn truth(&self) -> &[u8] {
        self.hub.xet().xorb(&self.term.xorb).unwrap().bytes().unwrap()
    }

    /// The bytes of the xorb, as they come.
    async fn fetch(&self) -> Answer {
        let file = self.hub.xet_file("o/n", "main", "bf16.bin").unwrap();
        let answer = self.reader.ask(&file.hash, None).await;
        let value: Value = serde_json::from_slice(&answer.body).unwrap();
        let (url, _, range) = fetches(&value)[&self.term.xorb.to_string()][0].clone();
        get(&url, &range).await
    }
}

/// Where a xorb's bytes are wrong, and how.
fn differences(truth: &[u8], found: &[u8]) -> Vec<(usize, u8)> {
    assert_eq!(truth.len(), found.len());
    let pairs = truth.iter().zip(found).enumerate();
    pairs.filter(|(_, (a, b))| a != b).map(|(at, (a, b))| (at, a ^ b)).collect()
}

#[tokio::test]
async fn flips_are_aimed_at_bytes_of_a_xorb() {
    // What is where is known before: the contents are made up, and the seeds are the same.
    let honest = Scene::new("gzip times=0").await;
    let xorb = honest.hub.xet().xorb(&honest.term.xorb).unwrap();
    let chunk = &xorb.chunks().unwrap()[3];
    assert_eq!(chunk.payload().start - chunk.bytes.start, HEADER_LEN as u64);
    for (at, bit) in
        [(chunk.bytes.start + 4, 1), (chunk.payload().start, 7), (chunk.bytes.end - 1, 0)]
    {
        let path = xorb.hash();
        let rule = format!("flip at={at} bit={bit} route=xorb path={path} times=2");
        let scene = Scene::new(&rule).await;
        for _ in 0..2 {
            let found = scene.fetch().await.body;
            assert_eq!(differences(scene.truth(), &found), [(at as usize, 1 << bit)]);
        }
        assert!(scene.fetch().await.body == scene.truth());
        assert_eq!(scene.hub.stats().fired("flip"), 2);
    }
}

#[tokio::test]
async fn flips_in_one_of_many_ranges_are_where_they_are_said_to_be() {
    let honest = Scene::new("gzip times=0").await;
    let (xorb, ranges, before) = all_ranges(&honest).await;
    let (start, _) = ranges.split(',').nth(1).unwrap().split_once('-').unwrap();
    let at = start.parse::<usize>().unwrap() + 10;
    let liar = Scene::new(&format!("flip at={at} bit=2 route=xorb path={xorb}")).await;
    let (_, _, after) = all_ranges(&liar).await;
    let differences = differences(&before, &after);
    assert_eq!(differences.len(), 1);
    let (found, bits) = differences[0];
    assert_eq!(bits, 1 << 2);
    let hash = XetHash::from_hex(&xorb).unwrap();
    let truth = honest.hub.xet().xorb(&hash).unwrap().bytes().unwrap();
    assert_eq!(before[found - 10..found + 50], truth[at - 10..at + 50]);

    // What frames the ranges is no byte of the xorb, and a byte between them is not asked for.
    let (_, first_end) = ranges.split(',').next().unwrap().split_once('-').unwrap();
    let between = first_end.parse::<usize>().unwrap() + 1;
    let liar = Scene::new(&format!("flip at={between} route=xorb path={xorb}")).await;
    assert!(all_ranges(&liar).await.2 == before);
    assert_eq!(liar.hub.stats().fired("flip"), 0);
}

/// A xorb of which a file needs several ranges, those ranges, and the answer to all of them.
async fn all_ranges(scene: &Scene) -> (String, String, Vec<u8>) {
    let hash = scene.hub.xet_file("o/n", "main", "tuned.bin").unwrap().hash;
    let answer = scene.reader.ask(&hash, None).await;
    let value: Value = serde_json::from_slice(&answer.body).unwrap();
    let mut all = fetches(&value).into_iter();
    let (xorb, fetches) = all.find(|(_, fetches)| fetches.len() > 1).unwrap();
    let ranges: Vec<_> =
        fetches.iter().map(|(_, _, range)| range.strip_prefix("bytes=").unwrap()).collect();
    let ranges = ranges.join(",");
    let answer = get(&fetches[0].0, &format!("bytes={ranges}")).await;
    assert_eq!(answer.status, 206);
    (xorb, ranges, answer.body)
}

#[tokio::test]
async fn flips_reach_what_is_made_on_request_only_by_name() {
    for (route, is_hit) in [("reconstruction", true), ("chunks", false), ("any", false)] {
        let scene = Scene::new(&format!("flip at=2 bit=0 route={route} times=9")).await;
        let file = scene.hub.xet_file("o/n", "main", "bf16.bin").unwrap();
        let answer = scene.reader.ask(&file.hash, None).await;
        assert_eq!(answer.body[2] == b'o' ^ 1, is_hit, "{route}: {}", answer.text());
    }
    let hub = hub(&files()).rule("flip at=3 route=token times=1".parse().unwrap());
    let hub = hub.start().await.unwrap();
    let url = format!("{}/api/models/o/n/xet-read-token/main", hub.endpoint());
    let (bad, good) = (get(&url, "").await.body, get(&url, "").await.body);
    assert_eq!(bad[3], good[3] ^ 1);
}

#[tokio::test]
async fn a_reconstruction_may_be_that_of_another_file() {
    let scene = Scene::new("etag-change route=reconstruction times=1").await;
    let file = scene.hub.xet_file("o/n", "main", "bf16.bin").unwrap();
    let (_, content) = files().swap_remove(0);
    let truth = bytes_of(&content);
    assert!(
        scene.reader.read(&file.hash, Some(5..9000)).await == bytes_of(&content.altered())[5..9000]
    );
    assert!(scene.reader.read(&file.hash, Some(5..9000)).await == truth[5..9000]);
}

#[tokio::test]
async fn what_happens_on_the_way_happens_to_xorbs() {
    let scene = Scene::new("rst after=100KB route=xorb times=1").await;
    let answer = scene.fetch().await;
    assert_eq!((answer.end, answer.body.len()), (End::Reset, 100_000));
    assert!(answer.body == scene.truth()[..100_000]);
    assert_eq!(scene.fetch().await.end, End::Complete);
    let sent = 100_000 + scene.truth().len() as u64;
    assert_eq!(scene.hub.stats().body_bytes_on(Route::Xorb), sent);

    let scene = Scene::new("expired route=xorb times=1").await;
    let answer = scene.fetch().await;
    assert_eq!((answer.status, answer.header("content-type")), (403, "text/plain; charset=utf-8"));

    let scene = Scene::new("ignore-range route=xorb").await;
    let answer = scene.fetch().await;
    assert_eq!((answer.status, answer.header("content-range")), (200, ""));
    assert!(answer.body == scene.truth());

    let scene = Scene::new("wrong-range by=3 route=xorb").await;
    let answer = scene.fetch().await;
    assert_eq!(answer.status, 206);
    assert!(answer.body == scene.truth()[3..]);
}

#[tokio::test]
async fn each_route_fails_by_its_name() {
    let table = [
        ("status 503 route=reconstruction", 503),
        ("expired route=reconstruction", 401),
        ("portal route=reconstruction", 200),
        ("status 503 route=chunks", 200),
        ("status 503 route=cdn", 200),
    ];
    for (rule, status) in table {
        let scene = Scene::new(rule).await;
        let file = scene.hub.xet_file("o/n", "main", "bf16.bin").unwrap();
        assert_eq!(scene.reader.ask(&file.hash, None).await.status, status, "{rule}");
    }
    let scene = Scene::new("status 503 route=chunks").await;
    let file = scene.hub.xet_file("o/n", "main", "bf16.bin").unwrap();
    let path = format!("/v1/chunks/default-merkledb/{}", file.chunks[0].hash);
    assert_eq!(scene.reader.get(&path, None).await.status, 503);
    assert_eq!(scene.hub.stats().fired("status"), 1);
}
