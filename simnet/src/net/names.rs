//! The names of the simulated network, and a resolver that may be slow or out of reach.
//!
//! Has no addresses: a name leads to a port of the one host that serves.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::time::{Duration, Instant};
use tokio::time::sleep;

use super::{CAS_NAME, CDN_NAME, HUB_NAME, now};

/// What the resolver knows, and when it is in trouble.
#[derive(Clone, Debug)]
pub struct Names {
    ports: BTreeMap<String, u16>,
    troubles: Vec<Trouble>,
    /// When the storage answers nobody who dials.
    darks: Vec<Range<Instant>>,
    counts: Arc<Counts>,
}

/// How often a lookup was late, and somebody dialled in vain.
#[derive(Debug, Default)]
struct Counts {
    slow: AtomicU64,
    dark: AtomicU64,
}

/// A time in which the resolver does not do what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// When: a lookup that begins in this time is affected.
    pub during: Range<Instant>,
    /// How.
    pub resolver: Resolver,
}

/// What a resolver in trouble does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolver {
    /// It cannot be asked, which is found out after this long.
    Away {
        /// How long; 10 s is usual where packets get lost, 0 where there is no network.
        after: Duration,
    },
    /// It answers, but after this long.
    Slow {
        /// How long.
        by: Duration,
    },
}

impl Default for Names {
    /// The hub and both of its storages, without any trouble.
    fn default() -> Self {
        let ports = [(HUB_NAME, HUB_PORT), (CDN_NAME, CDN_PORT), (CAS_NAME, CAS_PORT)];
        let ports = ports.map(|(name, port)| (name.to_owned(), port)).into();
        Self { ports, troubles: Vec::new(), darks: Vec::new(), counts: Arc::default() }
    }
}

impl Names {
    /// Adds a trouble. Of two at the same time, the one that was added first counts.
    #[must_use]
    pub fn trouble(mut self, trouble: Trouble) -> Self {
        self.troubles.push(trouble);
        self
    }

    /// Adds a time in which the storage answers nobody who dials.
    #[must_use]
    pub fn dark(mut self, during: Range<Instant>) -> Self {
        self.darks.push(during);
        self
    }

    /// Whether whoever dials this port now is not heard.
    pub(super) fn is_dark(&self, port: u16, now: Instant) -> bool {
        let is_dark = port == CDN_PORT && self.darks.iter().any(|during| during.contains(&now));
        self.counts.dark.fetch_add(u64::from(is_dark), Ordering::Relaxed);
        is_dark
    }

    /// How often a lookup was late, and how often somebody dialled who was not heard.
    pub fn counts(&self) -> (u64, u64) {
        let Counts { slow, dark } = &*self.counts;
        (slow.load(Ordering::Relaxed), dark.load(Ordering::Relaxed))
    }

    /// Asks for the port that a name leads to.
    pub(super) async fn look_up(&self, name: &str) -> Result<u16, LookupError> {
        let asked_at = now().unwrap_or_default();
        let trouble = self.troubles.iter().find(|trouble| trouble.during.contains(&asked_at));
        match trouble.map(|trouble| trouble.resolver) {
            Some(Resolver::Away { after }) => {
                sleep(after).await;
                return Err(LookupError { cause: Cause::Away });
            }
            Some(Resolver::Slow { by }) => {
                self.counts.slow.fetch_add(1, Ordering::Relaxed);
                sleep(by).await;
            }
            None => {}
        }
        self.ports.get(name).copied().ok_or(LookupError { cause: Cause::Unknown })
    }
}

/// Why a name could not be looked up, in the words that the operating system and hyper have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookupError {
    cause: Cause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Unknown,
    Away,
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dns error")
    }
}

impl Error for LookupError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed to lookup address information: ")?;
        f.write_str(match self {
            Self::Unknown => "Name or service not known",
            Self::Away => "Temporary failure in name resolution",
        })
    }
}

impl Error for Cause {}

/// Where the hub listens on its host.
pub const HUB_PORT: u16 = 80;
/// Where its storage listens on the same host: times of two hosts must never meet.
pub const CDN_PORT: u16 = 81;
/// Where those listen who know its content by chunks.
pub const CAS_PORT: u16 = 82;
