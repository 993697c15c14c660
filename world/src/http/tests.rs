//! A download in ranges over the simulated network, by hand.
//!
//! Leaves to the conformance suite what the answers to single requests look like.

use std::num::NonZeroU64;
use std::sync::{Arc, Mutex};

use engine::time::Duration;
use fake_hub::{FakeHub, RepoSpec};
use simnet::link::Link;
use simnet::profile::Profile;
use simnet::recording::Recording;
use simnet::seed::Seed;
use simnet::trace::Trace;

use super::*;
use crate::net::{HUB_NODE, Names, now, simulation};

/// What can be told apart of a run.
#[derive(Debug, PartialEq)]
struct Run {
    log: Vec<String>,
    body: Vec<u8>,
    truth: Vec<u8>,
    recording: Recording,
}

fn get(url: &str, range: Option<(u64, u64)>) -> Request {
    let mut request = Request::get(url.parse().unwrap());
    if let Some((start, end)) = range {
        request.headers.push(("range", format!("bytes={start}-{}", end - 1)));
    }
    request
}

async fn download(http: SimHttp, log: Arc<Mutex<Vec<String>>>) -> Vec<u8> {
    let url = "http://hub.test/org/name/resolve/main/model.safetensors";
    let (head, _) = http.send(get(url, None)).await.unwrap();
    assert_eq!(head.status, 302);
    let url = head.location().unwrap().to_owned();
    let parts = (0..LEN).step_by(PART as usize).map(|start| {
        let (http, url, log) = (http.clone(), url.clone(), log.clone());
        tokio::spawn(async move {
            let range = Some((start, (start + PART).min(LEN)));
            let (head, mut body) = http.send(get(&url, range)).await.unwrap();
            assert_eq!(head.status, 206);
            let mut bytes = Vec::new();
            while let Some(chunk) = body.chunk().await.unwrap() {
                bytes.extend_from_slice(&chunk);
                log.lock().unwrap().push(format!("{:?} {start} +{}", now(), chunk.len()));
            }
            bytes
        })
    });
    let parts: Vec<_> = parts.collect();
    let mut body = Vec::new();
    for part in parts {
        body.extend(part.await.unwrap());
    }
    body
}

fn run(seed: u64) -> Run {
    let seed = Seed(seed);
    let rtt = Duration::from_millis(40);
    let trace = Trace::constant(NonZeroU64::new(RATE).unwrap());
    let link = Link::new(&Profile::plain(trace, rtt), seed);
    let recording = Arc::new(Mutex::new(Recording::default()));
    let network = Network::recorded(link, Names::default(), recording.clone());
    let builder = FakeHub::builder().repo(RepoSpec::synthetic("org/name", LEN)).seed(7);
    let mut sim = simulation(seed, rtt / 2, Duration::from_millis(5))
        .simulation_duration(Duration::from_secs(60))
        .build();
    let served = network.clone();
    sim.host(HUB_NODE, move || {
        let (network, builder) = (served.clone(), builder.clone());
        async move { network.serve(builder).await }
    });
    let log = Arc::new(Mutex::new(Vec::new()));
    let body = Arc::new(Mutex::new(Vec::new()));
    let (http, own_log, own_body) = (SimHttp::new(&network, 0), log.clone(), body.clone());
    sim.client("client", async move {
        let bytes = download(http, own_log).await;
        *own_body.lock().unwrap() = bytes;
        Ok(())
    });
    sim.run().unwrap();
    drop(sim);
    let file = network.hubs()[0].file("org/name", "main", "model.safetensors").unwrap();
    let truth = file.content.open().unwrap().read_at(0, LEN as usize).unwrap();
    Run {
        log: std::mem::take(&mut log.lock().unwrap()),
        body: std::mem::take(&mut body.lock().unwrap()),
        truth: truth.to_vec(),
        recording: recording.lock().unwrap().clone(),
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    let (one, other) = (run(3), run(3));
    assert!(one.body == one.truth, "the bytes are not the file's");
    assert_eq!(one.log, other.log);
    assert_eq!(one.recording.digest(), other.recording.digest());
}

#[test]
fn bytes_come_as_fast_as_the_link_carries_them() {
    let run = run(5);
    let rows = run.recording.rows();
    let end = rows.last().unwrap().at.since_start().as_secs_f64();
    let least = LEN as f64 / RATE as f64;
    assert!((least..least * 1.1 + 0.5).contains(&end), "{end} s instead of {least} s");
}

const LEN: u64 = 3_000_000;
const PART: u64 = 800_000;
const RATE: u64 = 1_000_000;
