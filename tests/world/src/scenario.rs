//! One world as plain data: the file, the link, and everything that goes wrong when.
//!
//! Runs nothing. The same data is the same run, wherever it came from: [drawn](Scenario::draw)
//! from a seed, or [named] after the bug that it once showed.

mod draw;
mod happening;
pub mod named;
mod storage;

use std::fmt;

use engine::config::Config;
use engine::time::Duration;
use simnet::disk::settings::Locks;
use simnet::profile::Profile;
use simnet::seed::Seed;

pub use happening::{Happening, Step, Tamper};
pub use storage::Storage;

/// One world.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// From what everything that is not said here is drawn.
    pub seed: Seed,
    /// What the link is called, for people.
    pub link: &'static str,
    /// What the link is like until [`calm_at`](Self::calm_at).
    pub profile: Profile,
    /// The lengths of the files to fetch, in bytes. The first is `model.safetensors`.
    pub sizes: Vec<u64>,
    /// Where the files are in Xet, if they are. Fine-tunes are as long as what they are made of.
    pub xet: Option<Storage>,
    /// How long signed URLs are good.
    pub url_lifetime: Duration,
    /// The lies of the hub, as it reads them.
    pub rules: Vec<String>,
    /// What else happens, each at its time since the start.
    pub script: Vec<Step>,
    /// From then on nothing goes wrong any more: rules off, link good, nobody kills.
    pub calm_at: Duration,
    /// How the product is set.
    pub config: Config,
    /// A second process wants the same files from then on.
    pub rival_at: Option<Duration>,
    /// That one runs on another machine, over a network that shares the disk.
    pub elsewhere: Option<Locks>,
    /// What cannot be had, and never will.
    pub refusal: Option<Refusal>,
    /// How many files a process may have open at once.
    pub open_files: Option<u64>,
    /// How much the disk holds, in bytes, until it is calm.
    pub disk_bytes: Option<u64>,
    /// How long a sync takes.
    pub sync_takes: Duration,
}

/// What is asked for and cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such file.
    NoSuchFile,
    /// There is no such revision.
    NoSuchRevision,
    /// It is for members only, and this token is none's.
    NotForYou,
}

impl Refusal {
    /// What the user must be told, by the kinds of faults.
    pub(crate) const fn told(self) -> &'static [&'static str] {
        match self {
            Self::NoSuchFile => &["no such file"],
            Self::NoSuchRevision => &["no such revision"],
            Self::NotForYou => &["gated", "token needed"],
        }
    }
}

impl Scenario {
    /// The world of the fluid simulator's [whole job](simnet::fluid::job).
    pub fn job(job: &simnet::fluid::World) -> Self {
        Self {
            seed: Seed(job.seed),
            link: "weak-87k",
            profile: job.profile.clone(),
            sizes: job.files.clone(),
            xet: None,
            url_lifetime: job.ttl.unwrap_or(Duration::from_secs(3600)),
            rules: Vec::new(),
            script: Vec::new(),
            calm_at: simnet::fluid::ideal(job) * 2,
            config: job.config.clone(),
            rival_at: None,
            elsewhere: None,
            refusal: None,
            open_files: None,
            disk_bytes: None,
            sync_takes: Duration::from_millis(20),
        }
    }

    /// Whether the link is even, and the hub never keeps anybody waiting.
    pub(crate) fn is_plain(&self) -> bool {
        let holds_up = |rule: &String| {
            ["status", "refuse", "portal", "delay"].iter().any(|it| rule.starts_with(it))
        };
        self.is_even() && !self.rules.iter().any(holds_up)
    }

    /// Whether the link carries as much at all times.
    pub(crate) fn is_even(&self) -> bool {
        !["tram", "metro", "ferry", "evdo", "cgnat"].contains(&self.link)
    }

    /// How long the hub asks to be left alone, when it does and always says the same.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let words = self.rules.iter().flat_map(|rule| rule.split_whitespace());
        let mut told = words.filter_map(|word| word.strip_prefix("retry-after="));
        let seconds = told.next()?;
        told.all(|other| other == seconds).then_some(())?;
        seconds.parse().ok().map(Duration::from_secs)
    }
}

/// Everything that is needed to have the same world again; what else a link is like, its name
/// says.
impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |duration: Duration| format!("{:.3} s", duration.as_secs_f64());
        writeln!(f, "  seed {}, link {}, files {:?}", self.seed.0, self.link, self.sizes)?;
        writeln!(f, "  URLs good for {}", seconds(self.url_lifetime))?;
        if let Some(xet) = &self.xet {
            writeln!(f, "  {xet}")?;
        }
        for rule in &self.rules {
            writeln!(f, "  rule: {rule}")?;
        }
        for step in &self.script {
            writeln!(f, "  at {}: {:?}", seconds(step.at), step.what)?;
        }
        if let Some(at) = self.rival_at {
            writeln!(f, "  a competitor from {}", seconds(at))?;
        }
        if let Some(locks) = self.elsewhere {
            writeln!(f, "  it is on another machine, and locks are {locks:?}")?;
        }
        if let Some(refusal) = self.refusal {
            writeln!(f, "  in vain: {refusal:?}")?;
        }
        if let Some(count) = self.open_files {
            writeln!(f, "  {count} files may be open at once")?;
        }
        if let Some(bytes) = self.disk_bytes {
            writeln!(f, "  the disk holds {bytes} bytes")?;
        }
        writeln!(f, "  a sync takes {}", seconds(self.sync_takes))?;
        writeln!(f, "  calm from {}", seconds(self.calm_at))?;
        writeln!(f, "  {:?}", self.config)?;
        let Profile { trace, conn_cap, rtt, queue, outages, .. } = &self.profile;
        let period = seconds(trace.period());
        write!(f, "  {} B/s on average over {period}, cap {conn_cap:?}, ", trace.mean())?;
        write!(f, "round trip {}, queue {queue} bytes, outages {outages:?}", seconds(*rtt))
    }
}
