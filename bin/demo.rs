//! A whole download over a weak link, in less than a minute: from the built-in fake hub, through
//! real sockets on this machine, into a cache that is thrown away.
//!
//! Nothing of the fetch is simulated, and nothing outside of this machine is asked.

mod script;
mod verdict;

use std::time::Duration;

use engine::config::Config;
use engine::fault::DiskFault;
use fake_hub::{FakeHub, LinkSpec, RepoSpec};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use tempfile::TempDir;

use crate::cache::environment::Environment;
use crate::error::Error;
use crate::fetch::{Fetch, Run};
use crate::http::ReqwestHttp;
use crate::news::Report;
pub use verdict::{Injected, Verdict};

/// What to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoSpec {
    /// Length of the file in bytes.
    pub size: u64,
    /// What goes wrong where is drawn from this.
    pub seed: u64,
    /// How long the bytes alone take, which says how weak the link is.
    pub ideal: Duration,
}

/// A hub that lies, a link that is weak, and an empty cache.
#[derive(Debug)]
pub struct Demo {
    spec: DemoSpec,
    hub: FakeHub,
    folder: TempDir,
}

impl Default for DemoSpec {
    fn default() -> Self {
        Self { size: SIZE, seed: 1, ideal: IDEAL }
    }
}

impl DemoSpec {
    /// Bytes per second that the link lets through.
    pub fn rate(&self) -> u64 {
        (self.size as f64 / self.ideal.as_secs_f64().max(1.0)) as u64
    }
}

impl Demo {
    /// Builds the world of a demo, on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// When the file is too small for all that is to go wrong, there is no room for it, or no
    /// port to listen on.
    pub async fn start(spec: DemoSpec) -> Result<Self, Error> {
        if spec.size < SIZE_MIN {
            return Err(Error::usage(format!("a demo needs at least {} MiB", SIZE_MIN >> 20)));
        }
        let mut rng = SmallRng::seed_from_u64(spec.seed);
        let link = LinkSpec {
            rate: Some(spec.rate()),
            latency: Duration::from_millis(80),
            ..LinkSpec::default()
        };
        let mut builder = FakeHub::builder()
            .repo(RepoSpec::synthetic(REPO, spec.size))
            .seed(spec.seed)
            .link(link);
        for rule in script::draw(&mut rng, spec.size) {
            builder = builder.rule(rule);
        }
        let hub = builder.start().await.map_err(|error| failed(&error))?;
        let folder = tempfile::Builder::new().prefix("moshi-fetch-demo-").tempdir();
        Ok(Self { spec, hub, folder: folder.map_err(|error| failed(&error))? })
    }

    /// What is fetched, for people.
    pub const fn subject(&self) -> &'static str {
        REPO
    }

    /// What goes wrong, rule by rule, as the fake hub reads it.
    pub fn rules(&self) -> Vec<String> {
        self.hub.stats().rules.into_iter().map(|rule| rule.rule).collect()
    }

    /// Starts the download, as the command does it.
    ///
    /// # Errors
    ///
    /// When the HTTP client cannot start.
    pub fn fetch(&self) -> Result<Run, Error> {
        let endpoint = self.hub.endpoint();
        let home = self.folder.path().to_owned();
        // Nothing of the person's own settings, and no token of theirs.
        let lookup = |name: &str| match name {
            "HF_ENDPOINT" => Some(endpoint.clone().into()),
            "HF_HOME" => Some(home.clone().into_os_string()),
            _ => None,
        };
        let environment = Environment::read(lookup, self.folder.path());
        let fetch = Fetch::builder(REPO)
            .file(FILE)
            .environment(environment)
            .config(config())
            .seed(self.spec.seed)
            .build()?;
        Ok(fetch.run_on(ReqwestHttp::direct(), crate::disk::StdDisk))
    }

    /// Judges what came of it by what the hub knows: the bytes it published, the bytes it sent, the
    /// faults it injected.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn judge(&self, report: &Report) -> Result<Verdict, Error> {
        verdict::judge(&self.hub, self.spec, report)
    }
}

/// Shorter patience than a person would want for hours of download, so that a minute shows it
/// all; the chunk is small for the same reason.
fn config() -> Config {
    Config {
        workers_max: 4,
        request_bytes_min: 512 << 10,
        stall_after: Some(Duration::from_secs(3)),
        backoff_max: Duration::from_secs(3),
        chunk_bytes: 2 << 20,
        ..Config::default()
    }
}

fn failed(words: &impl ToString) -> Error {
    Error::from(DiskFault::Io(words.to_string())).about("the demo")
}

const REPO: &str = "demo/weak-link";
const FILE: &str = "model.safetensors";
const SIZE: u64 = 16 << 20;
/// Smaller, and some faults would find no request to happen to.
const SIZE_MIN: u64 = 12 << 20;
/// How long the bytes alone take.
const IDEAL: Duration = Duration::from_secs(16);
