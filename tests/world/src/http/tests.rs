//! A download in ranges over the simulated network, by hand.
//!
//! Leaves to the conformance suite what the answers to single requests look like.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use engine::time::Duration;
use fake_hub::{FakeHub, RepoSpec};
use simnet::link::Link;
use simnet::profile::Profile;
use simnet::recording::Recording;
use simnet::seed::Seed;
use simnet::trace::Trace;
use tokio::time::{sleep, timeout};

use super::*;
use simnet::net::{HUB_NODE, Names, now, simulation};

/// What can be told apart of a run.
struct Run {
    log: Vec<String>,
    recording: Recording,
}

fn get(url: &str, range: Range<u64>) -> Request {
    let mut request = Request::get(url.parse().unwrap());
    request.headers.push(("range", format!("bytes={}-{}", range.start, range.end - 1)));
    request
}

async fn download(http: SimHttp, log: Log) -> Vec<u8> {
    let hub_url = "http://hub.test/org/name/resolve/main/model.safetensors";
    let url = loop {
        let answer = timeout(PATIENCE, http.send(get(hub_url, 0..LEN))).await;
        if let Ok(Ok((head, _))) = answer {
            assert_eq!(head.status, 302);
            break head.location().unwrap().to_owned();
        }
    };
    let parts = (0..LEN).step_by(PART as usize).map(|start| {
        let range = start..(start + PART).min(LEN);
        tokio::spawn(bring(http.clone(), url.clone(), range, log.clone()))
    });
    let parts: Vec<_> = parts.collect();
    let mut body = Vec::new();
    for part in parts {
        body.extend(part.await.unwrap());
    }
    body
}

/// Brings a range, in as many attempts as it takes, and keeps what each attempt has brought.
async fn bring(http: SimHttp, url: String, range: Range<u64>, log: Log) -> Vec<u8> {
    let mut bytes = Vec::new();
    let len = range.end - range.start;
    while (bytes.len() as u64) < len {
        let rest = range.start + bytes.len() as u64..range.end;
        let note = |what: &str| log.lock().unwrap().push(format!("{:?} {rest:?} {what}", now()));
        let (head, mut body) = match timeout(PATIENCE, http.send(get(&url, rest.clone()))).await {
            Ok(Ok(answer)) => answer,
            other => {
                note(&format!("{:?}", other.map(|answer| answer.map(|_| ()))));
                sleep(PAUSE).await;
                continue;
            }
        };
        assert_eq!(head.status, 206);
        loop {
            match timeout(PATIENCE, body.chunk()).await {
                Ok(Ok(Some(chunk))) => {
                    bytes.extend_from_slice(&chunk);
                    note(&format!("+{}", chunk.len()));
                }
                end => {
                    note(&format!("{end:?}"));
                    break;
                }
            }
        }
    }
    bytes
}

fn run(seed: u64, profile: &Profile) -> Run {
    let seed = Seed(seed);
    let recording = Arc::new(Mutex::new(Recording::default()));
    let link = Link::new(profile, seed);
    let network = Network::recorded(link, Names::default(), recording.clone());
    let builder = FakeHub::builder().repo(RepoSpec::synthetic("org/name", LEN)).seed(7);
    let mut sim = simulation(seed, profile.rtt / 2, Duration::from_millis(5))
        .simulation_duration(Duration::from_secs(600))
        .build();
    let served = network.clone();
    sim.host(HUB_NODE, move || {
        let (network, builder) = (served.clone(), builder.clone());
        async move { network.serve(builder).await }
    });
    let log = Log::default();
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
    assert!(*body.lock().unwrap() == truth, "the bytes are not the file's");
    Run { log: log.lock().unwrap().clone(), recording: recording.lock().unwrap().clone() }
}

fn plain() -> Profile {
    let trace = Trace::constant(NonZeroU64::new(RATE).unwrap());
    Profile::plain(trace, Duration::from_millis(40))
}

#[test]
fn the_same_seed_is_the_same_run() {
    let seconds = |count| Some(Duration::from_secs(count));
    let weak = Profile {
        reset_every: seconds(2),
        stall_every: seconds(5),
        sigma_percent: 50,
        conn_limit: Some(3),
        ..plain()
    };
    let mut digests = BTreeSet::new();
    for seed in 0..5 {
        let (one, other) = (run(seed, &weak), run(seed, &weak));
        assert_eq!(one.log, other.log, "seed {seed}");
        assert_eq!(one.recording.digest(), other.recording.digest(), "seed {seed}");
        assert!(one.log.iter().any(|line| line.contains("Reset")), "seed {seed}: no reset");
        digests.insert(one.recording.digest());
    }
    assert_eq!(digests.len(), 5);
}

#[test]
fn bytes_come_as_fast_as_the_link_carries_them() {
    let run = run(5, &plain());
    let rows = run.recording.rows();
    let end = rows.last().unwrap().at.since_start().as_secs_f64();
    let least = LEN as f64 / RATE as f64;
    assert!((least..least * 1.02 + 0.3).contains(&end), "{end} s instead of {least} s");
}

type Log = Arc<Mutex<Vec<String>>>;

const LEN: u64 = 3_000_000;
const PART: u64 = 800_000;
const RATE: u64 = 1_000_000;
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(300);
