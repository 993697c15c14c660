//! The simulated network: one hub behind one weak link, and the names that lead to it.
//!
//! Decides nothing about when what goes wrong: a link, the hub's rules and a plan for the names
//! say that.

mod close_reason;
mod connection_log;
mod connector;
mod names;
mod pipe;
mod served;
mod server;
mod stream;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::link::Link;
use crate::recording::Recording;
use crate::seed::Seed;
use engine::time::{Duration, Instant};
use fake_hub::Hub;

pub use connection_log::{ConnectionLog, Ending, Flow};
pub use connector::Connector;
pub use names::{CAS_PORT, CDN_PORT, HUB_PORT, LookupError, Names, Resolver, Trouble};
pub use served::Served;
pub use stream::Stream;

use close_reason::CloseReasons;

/// One network, which all simulated hosts share. Clones are the same network.
#[derive(Clone, Debug)]
pub struct Network {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    link: Arc<Mutex<Link>>,
    names: Names,
    connections: Mutex<ConnectionLog>,
    reasons: CloseReasons,
    hubs: Mutex<Vec<Arc<Hub>>>,
}

impl Network {
    /// A network with this link between everyone and the hub.
    pub fn new(link: Link, names: Names) -> Self {
        Self::with_books(link, names, ConnectionLog::default())
    }

    /// The same, and what happens on its connections is recorded, too.
    pub fn recorded(link: Link, names: Names, recording: Arc<Mutex<Recording>>) -> Self {
        Self::with_books(link, names, ConnectionLog::recorded(recording))
    }

    fn with_books(link: Link, names: Names, connections: ConnectionLog) -> Self {
        let shared = Shared {
            link: Arc::new(Mutex::new(link)),
            names,
            connections: Mutex::new(connections),
            reasons: CloseReasons::default(),
            hubs: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The hub's process and those that ran before it was killed, oldest first.
    pub fn hubs(&self) -> Vec<Arc<Hub>> {
        lock(&self.shared.hubs).clone()
    }

    /// The hub's host crashes: all connections to it are reset.
    pub fn lose_hub(&self) {
        self.shared.reasons.lose_all();
    }

    /// What was counted where the clients are. Not to be held while anything runs.
    pub fn connections(&self) -> MutexGuard<'_, ConnectionLog> {
        lock(&self.shared.connections)
    }

    /// The names on it.
    pub fn names(&self) -> &Names {
        &self.shared.names
    }

    /// The link. Not to be held while anything runs.
    pub fn link(&self) -> MutexGuard<'_, Link> {
        lock(&self.shared.link)
    }
}

/// How hosts are to be simulated, so that equal seeds give equal runs: `latency` is the link's
/// way in one direction, and time passes in steps of `tick`.
///
/// The caller sets how long the simulation may last.
pub fn simulation(seed: Seed, latency: Duration, tick: Duration) -> turmoil::Builder {
    use rand::Rng;

    let mut builder = turmoil::Builder::new();
    builder
        .rng_seed(seed.stream("turmoil").next_u64())
        .epoch(std::time::UNIX_EPOCH + EPOCH)
        .tick_duration(tick)
        .min_message_latency(latency)
        .max_message_latency(latency)
        .tcp_capacity(SEGMENTS_MAX)
        .ephemeral_ports(10_000..=65_535)
        .enable_random_order();
    builder
}

/// The time on the one clock that all simulated hosts share.
///
/// Outside of a host there is no time; what ends there, ends after everything.
pub fn now() -> Option<Instant> {
    turmoil::sim_elapsed().map(Instant::at)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The simulated host that all servers run on.
pub const HUB_NODE: &str = "hub";
/// The virtual name of the hub.
pub const HUB_NAME: &str = "hub.test";
/// The virtual name of its storage.
pub const CDN_NAME: &str = "cdn.test";
/// The virtual name of who knows which chunks make up a file.
pub const CAS_NAME: &str = "cas.test";
/// The date at which every simulation begins, since 1970: 2023-11-14 22:13:20.
pub const EPOCH: Duration = Duration::from_secs(1_700_000_000);

/// Segments on their way on one connection, and connections that wait for being accepted. More
/// of the latter end the simulation.
const SEGMENTS_MAX: usize = 256;
