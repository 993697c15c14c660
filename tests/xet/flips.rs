//! Single bits that are wrong on their way, in everything that brings a file in chunks: none of
//! them is silent, and each file comes out right.
//!
//! Counts no bytes; what a flip may cost is asked of larger files.
//!
//! Each flip has a file of its own. `XET_CASE=17` runs one of them.

use std::time::Duration;

use engine::config::Config;
use engine::xet::chunk::Scheme;
use fake_hub::{Builder, Content, FakeHub, Kind, Packing, RepoSpec, XetFile, XetSpec};
use futures_util::{StreamExt, stream};

use crate::support::{World, patience, run, sha256};

/// A file, and the one bit that is wrong while it is fetched.
struct Case {
    repo: String,
    file: String,
    rule: String,
}

#[tokio::test]
async fn stored_chunks() {
    check_chunks(Kind::Random, Scheme::Stored, 1).await;
}

#[tokio::test]
async fn lz4_chunks() {
    check_chunks(Kind::Text, Scheme::Lz4, 2).await;
}

#[tokio::test]
async fn grouped_chunks() {
    check_chunks(Kind::Bf16, Scheme::Grouped, 3).await;
}

#[tokio::test]
async fn reconstructions() {
    let builder = || FakeHub::builder().repo(repo("org/plans", PLANS, 4, XetSpec::default()));
    let scout = builder().start().await.expect("a loopback port is free");
    let mut cases = Vec::new();
    for number in 0..PLANS {
        let file = file_name(number);
        let plan = plan_of(&scout, "org/plans", &file).await;
        let hash = scout.xet_file("org/plans", "main", &file).expect("it is in Xet").hash;
        let at = position(&plan, number, PLANS);
        let rule = format!(
            "flip at={at} bit={} route=reconstruction path={hash} {}",
            bit(number),
            times(number)
        );
        cases.push(Case { repo: "org/plans".to_owned(), file, rule });
    }
    check(builder(), cases).await;
}

#[tokio::test]
async fn tokens() {
    let name = |number| format!("org/token-{number:03}");
    let builder = || {
        let repos = (0..TOKENS).map(|n| repo(&name(n), 1, 1000 + n, XetSpec::default()));
        repos.fold(FakeHub::builder(), Builder::repo)
    };
    let scout = builder().start().await.expect("a loopback port is free");
    let mut cases = Vec::new();
    for number in 0..TOKENS {
        let repo = name(number);
        let at = position(&token_of(&scout, &repo).await, number, TOKENS);
        let rule =
            format!("flip at={at} bit={} route=token path={repo} {}", bit(number), times(number));
        cases.push(Case { repo, file: file_name(0), rule });
    }
    check(builder(), cases).await;
}

/// Flips each bit of a header, and bits all over payloads, of chunks that are packed like this.
async fn check_chunks(kind: Kind, scheme: Scheme, seed: u64) {
    let spec = XetSpec { packing: Packing::Always(scheme), ..XetSpec::default() };
    let builder = || {
        let count = HEADER_BITS + HEADERS_AGAIN + PAYLOADS;
        FakeHub::builder().repo(repo_of(kind, "org/chunks", count, seed, spec.clone()))
    };
    let scout = builder().start().await.expect("a loopback port is free");
    let aim = |number: u64| {
        let file = file_name(number);
        let truth = scout.xet_file("org/chunks", "main", &file).expect("it is in Xet");
        let rule = if number < HEADER_BITS {
            flip_header(&scout, truth, number, "times=1")
        } else if number < HEADER_BITS + HEADERS_AGAIN {
            // One bit of each field, twice and for ever.
            let number = number - HEADER_BITS;
            let times = if number.is_multiple_of(2) { "times=2" } else { "" };
            flip_header(&scout, truth, [1, 9, 24, 40][number as usize / 2], times)
        } else {
            flip_payload(&scout, truth, number - HEADER_BITS - HEADERS_AGAIN)
        };
        Case { repo: "org/chunks".to_owned(), file, rule }
    };
    let cases = (0..HEADER_BITS + HEADERS_AGAIN + PAYLOADS).map(aim).collect();
    check(builder(), cases).await;
}

fn flip_header(hub: &FakeHub, file: &XetFile, number: u64, times: &str) -> String {
    let xorb = hub.xet().xorb(&file.terms[0].xorb).expect("the file has it");
    let chunks = xorb.chunks().expect("made-up bytes can be read");
    let chunk = &chunks[number as usize % chunks.len()];
    let at = chunk.bytes.start + number / 8;
    format!("flip at={at} bit={} route=xorb path={} {times}", number % 8, xorb.hash())
}

fn flip_payload(hub: &FakeHub, file: &XetFile, number: u64) -> String {
    let xorb = hub.xet().xorb(&file.terms[0].xorb).expect("the file has it");
    let chunks = xorb.chunks().expect("made-up bytes can be read");
    let payload = chunks[number as usize % chunks.len()].payload();
    let at = payload.start + (payload.end - payload.start) * number / PAYLOADS;
    let (bit, times) = (bit(number), times(number));
    format!("flip at={at} bit={bit} route=xorb path={} {times}", xorb.hash())
}

/// Fetches the file of each case, several at once, and expects all of them to be right.
#[expect(clippy::print_stdout, reason = "figures for whoever reads the log")]
async fn check(builder: Builder, cases: Vec<Case>) {
    let only: Option<usize> =
        std::env::var("XET_CASE").ok().map(|text| text.parse().expect("a number"));
    let rules: Vec<&str> = cases.iter().map(|case| case.rule.as_str()).collect();
    let world = World::start(crate::with_rules(builder, &rules), 0).await;
    let chosen = cases.iter().enumerate().filter(|(number, _)| only.is_none_or(|it| it == *number));
    let fetches = chosen.map(|(number, case)| {
        let world = &world;
        async move { (number, case, fetch(world, case).await) }
    });
    let ended: Vec<_> = stream::iter(fetches).buffer_unordered(AT_ONCE).collect().await;
    let stats = world.stats();
    let mut wrong = Vec::new();
    for (number, case, result) in &ended {
        let fired = stats.rules[*number].fired;
        let result =
            if fired == 0 { Err("the flip was never told".to_owned()) } else { result.clone() };
        if let Err(why) = result {
            wrong.push(format!(
                "XET_CASE={number} {} {}: {}: {why}",
                case.repo, case.file, case.rule
            ));
        }
    }
    let plain = stats.file_bytes.values().filter(|bytes| **bytes > 0).count();
    println!("{} flips told, {plain} names of files that came as they are", ended.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), ended.len(), wrong.join("\n"));
    assert_eq!(stats.tokens_on_cdn, 0);
}

async fn fetch(world: &World, case: &Case) -> Result<(), String> {
    let config = Config { backoff_max: Duration::from_millis(50), ..patience() };
    let fetched = run(world.fetch_of(&case.repo, &case.file).config(config));
    // The limit is for fetches that would hang.
    let fetched = tokio::time::timeout(Duration::from_secs(100), fetched).await;
    let report = fetched.map_err(|_| "it hangs")?.result.map_err(|error| error.to_string())?;
    let truth = world.hub.file(&case.repo, "main", &case.file).ok_or("there is no such file")?;
    if sha256(&report.path) == truth.etag() { Ok(()) } else { Err("a wrong file".to_owned()) }
}

fn repo(id: &str, count: u64, seed: u64, spec: XetSpec) -> RepoSpec {
    repo_of(Kind::Bf16, id, count, seed, spec)
}

/// A repository of small files, no two of which have a chunk in common.
fn repo_of(kind: Kind, id: &str, count: u64, seed: u64, spec: XetSpec) -> RepoSpec {
    let file = |number: u64| {
        // A few are of more than one request.
        let len = if number % 40 == 39 { 2_200_000 } else { 200_000 + number * 7919 % 100_000 };
        (file_name(number), Content::made(kind, seed * 1_000 + number, len))
    };
    RepoSpec::contents(id, (0..count).map(file)).xet(spec)
}

fn file_name(number: u64) -> String {
    format!("{number:03}.safetensors")
}

/// How often a flip is told: mostly once, sometimes again to whoever asks again, sometimes always.
fn times(number: u64) -> &'static str {
    match number % 24 {
        10 | 22 => "times=2",
        11 | 23 => "times=3",
        7 => "",
        _ => "times=1",
    }
}

fn bit(number: u64) -> u64 {
    (number * 5 + 3) % 8
}

/// The byte of an answer that this flip hits. It sends nobody outside of this machine: the first
/// number of each address stays what it is.
fn position(answer: &str, number: u64, count: u64) -> u64 {
    let at = answer.len() as u64 * number / count;
    let is_outside = |at: u64| {
        let hosts = answer.match_indices("http://").map(|(start, scheme)| start + scheme.len());
        hosts.into_iter().any(|host| (host..host + "127.".len()).contains(&(at as usize)))
    };
    (at..).find(|at| !is_outside(*at)).expect("an address has an end")
}

/// What the hub's storage says that a file is made of, as it is asked for at first.
async fn plan_of(hub: &FakeHub, repo: &str, file: &str) -> String {
    let token = token_of(hub, repo).await;
    let token: serde_json::Value = serde_json::from_str(&token).expect("a token is JSON");
    let file = hub.xet_file(repo, "main", file).expect("it is in Xet");
    let url = format!("http://{}/v1/reconstructions/{}", hub.cas_authority(), file.hash);
    let request = reqwest::Client::new()
        .get(url)
        .bearer_auth(token["accessToken"].as_str().expect("it has a secret"))
        .header("Range", format!("bytes=0-{}", file.len - 1));
    let answer = request.send().await.expect("the hub answers");
    answer.text().await.expect("the answer is whole")
}

async fn token_of(hub: &FakeHub, repo: &str) -> String {
    let url = format!("{}/api/models/{repo}/xet-read-token/main", hub.endpoint());
    let answer = reqwest::get(url).await.expect("the hub answers");
    answer.text().await.expect("the answer is whole")
}

const HEADER_BITS: u64 = 64;
const HEADERS_AGAIN: u64 = 8;
const PAYLOADS: u64 = 100;
const PLANS: u64 = 100;
const TOKENS: u64 = 60;
/// So many fetches run at the same time.
const AT_ONCE: usize = 12;
