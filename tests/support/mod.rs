//! A fake hub, a cache of its own and a fetch from the one to the other.
//!
//! Asserts nothing; the suites do.
#![allow(dead_code, unreachable_pub, reason = "each suite uses a part of it")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use engine::config::Config;
use fake_hub::{Builder, FakeHub, LinkSpec, RepoSpec, Route, Stats};
use moshi_fetch::cache::environment::Environment;
use moshi_fetch::error::Error;
use moshi_fetch::fetch::{Fetch, FetchBuilder};
use moshi_fetch::news::{News, Report};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

pub const REPO: &str = "org/name";
pub const FILE: &str = "model.safetensors";
pub const MIB: u64 = 1 << 20;

/// A hub with one large file, and an empty cache.
pub struct World {
    pub hub: FakeHub,
    pub folder: TempDir,
    pub size: u64,
}

/// What came of a fetch.
pub struct Fetched {
    pub result: Result<Report, Error>,
    pub news: Vec<News>,
    pub elapsed: Duration,
}

impl World {
    /// A hub that serves `size` bytes, and breaks these rules of good behaviour.
    pub async fn new(size: u64, rules: &[&str], link: LinkSpec) -> Self {
        Self::with(size, rules, link, Duration::from_secs(3600)).await
    }

    /// The same, with signed URLs that live for `lease`.
    pub async fn with(size: u64, rules: &[&str], link: LinkSpec, lease: Duration) -> Self {
        let mut builder =
            FakeHub::builder().repo(RepoSpec::synthetic(REPO, size)).link(link).url_lifetime(lease);
        for rule in rules {
            builder = builder.rule(rule.parse().expect("the rule is written right"));
        }
        Self::start(builder, size).await
    }

    /// The hub that is built like this, the large file of which has `size` bytes.
    pub async fn start(builder: Builder, size: u64) -> Self {
        let hub = builder.start().await.expect("a loopback port is free");
        Self { hub, folder: tempfile::tempdir().expect("a temporary folder"), size }
    }

    /// The environment that a person would have set to use this hub and this cache.
    pub fn environment(&self) -> Environment {
        let endpoint = self.hub.endpoint();
        let home = self.folder.path().join("home");
        let lookup = |name: &str| match name {
            "HF_ENDPOINT" => Some(endpoint.clone().into()),
            "HF_HOME" => Some(home.clone().into_os_string()),
            _ => None,
        };
        Environment::read(lookup, self.folder.path())
    }

    pub fn fetch(&self) -> FetchBuilder {
        self.fetch_of(REPO, FILE)
    }

    pub fn fetch_of(&self, repo: &str, file: &str) -> FetchBuilder {
        Fetch::builder(repo).file(file).environment(self.environment()).config(patience()).seed(7)
    }

    /// Bytes of the large file that the hub has sent.
    pub fn wire(&self) -> u64 {
        self.hub.stats().body_bytes_on(Route::Cdn)
    }

    pub fn cost(&self) -> f64 {
        self.wire() as f64 / self.size as f64
    }

    /// Body bytes that the hub has sent to bring files, whichever way: what they are made of and
    /// the tokens to ask for that are counted, too.
    pub fn traffic(&self) -> u64 {
        traffic(&self.hub.stats())
    }

    pub fn stats(&self) -> Stats {
        self.hub.stats()
    }

    /// What the hub says that the file hashes to.
    pub fn digest(&self) -> String {
        self.hub.file(REPO, "main", FILE).expect("the file is there").etag().to_owned()
    }

    pub fn cache(&self) -> PathBuf {
        self.folder.path().join("home").join("hub")
    }
}

/// Body bytes that were sent to bring files, and to say what they are made of.
pub fn traffic(stats: &Stats) -> u64 {
    let routes = [Route::Cdn, Route::Token, Route::Reconstruction, Route::Xorb, Route::Chunks];
    routes.into_iter().map(|route| stats.body_bytes_on(route)).sum()
}

/// Short waits, so that suites are fast: what a person would say with `--stall-timeout 5s
/// --retry-max 5s`.
pub fn patience() -> Config {
    Config {
        stall_after: Some(Duration::from_secs(5)),
        backoff_max: Duration::from_secs(5),
        ..Config::default()
    }
}

/// Runs a fetch to its end.
pub async fn run(builder: FetchBuilder) -> Fetched {
    let began = Instant::now();
    let mut run = match builder.build().and_then(Fetch::run) {
        Ok(run) => run,
        Err(error) => {
            return Fetched { result: Err(error), news: Vec::new(), elapsed: began.elapsed() };
        }
    };
    let mut news = Vec::new();
    while let Some(item) = run.next().await {
        news.push(item);
    }
    let result = run.finish().await;
    Fetched { result, news, elapsed: began.elapsed() }
}

pub fn sha256(path: &Path) -> String {
    let mut file = std::fs::File::open(path).expect("the file is there");
    let mut hasher = Sha256::new();
    std::io::copy(&mut file, &mut HashWriter(&mut hasher)).expect("the file can be read");
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
