//! Whether a demo ended as it must, and what it cost.
//!
//! Believes the fetch nothing: the file is read again, and bytes and faults are counted by the
//! hub.

use std::time::Duration;

use fake_hub::{FakeHub, Route};

use super::{DemoSpec, FILE, REPO, failed};
use crate::disk::{Access, Disk, StdDisk};
use crate::driver::digest_of;
use crate::error::Error;
use crate::news::Report;

/// What came of a demo.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What the hub published.
    pub published: String,
    /// What the file on the disk hashes to.
    pub found: String,
    /// What went wrong on purpose.
    pub injected: Vec<Injected>,
    /// Length of the file in bytes.
    pub size: u64,
    /// Bytes of the file that the hub sent, all that came twice included.
    pub wire: u64,
    /// Bytes that arrived and could not be kept.
    pub wasted: u64,
    /// Bytes that were fetched a second time to find the flipped bit.
    pub refetched: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// How long the bytes alone take over this link.
    pub ideal: Duration,
}

/// A fault that the hub was told to inject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injected {
    /// The rule, as the fake hub reads it.
    pub rule: String,
    /// How often it happened.
    pub fired: u64,
}

impl Verdict {
    /// Whether the file is right although everything went wrong that was to go wrong.
    pub fn is_good(&self) -> bool {
        self.is_right() && self.injected.iter().all(|fault| fault.fired > 0)
    }

    /// Whether the file is what the hub published.
    pub fn is_right(&self) -> bool {
        self.found == self.published
    }

    /// How many faults were injected in all.
    pub fn fired(&self) -> u64 {
        self.injected.iter().map(|fault| fault.fired).sum()
    }
}

pub(super) fn judge(hub: &FakeHub, spec: DemoSpec, report: &Report) -> Result<Verdict, Error> {
    let file = hub.file(REPO, "main", FILE).ok_or_else(|| failed(&"the hub lost its file"))?;
    let published = file.etag().to_owned();
    let like = published.parse().map_err(|error| failed(&error))?;
    let path = crate::cache::environment::follow(&StdDisk, &report.path)?;
    let opened = StdDisk.open(&path, Access::Read).map_err(|error| failed(&error))?;
    let found = digest_of(&opened, like, spec.size).map_err(|error| failed(&error))?;
    let stats = hub.stats();
    let wire = stats.body_bytes_on(Route::Cdn);
    let injected = stats.rules.into_iter();
    let injected = injected.map(|rule| Injected { rule: rule.rule, fired: rule.fired }).collect();
    Ok(Verdict {
        published,
        found: found.hex(),
        injected,
        size: spec.size,
        wire,
        wasted: report.stats.wasted,
        refetched: report.stats.refetched,
        elapsed: report.elapsed,
        ideal: spec.ideal,
    })
}
