//! Which of a name's addresses to connect to: one that answers, found out once and remembered.
//!
//! Opens no connection that is used: the HTTP client is told one address, and connects to that.
//! (It would itself try the addresses one after the other, and wait for a dead one each time.)

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::fault::Fault;
use futures_util::stream::{FuturesUnordered, StreamExt};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::fault::{Known, fault_of_io, fault_of_lookup};

/// The addresses of one host, and what is known about them. Clones share it.
#[derive(Clone)]
pub(super) struct Addresses {
    host: Arc<str>,
    port: u16,
    lookup: Arc<Lookup>,
    memory: Arc<Mutex<Memory>>,
    /// Held while the addresses race, so that connections of one moment cause one race.
    racing: Arc<tokio::sync::Mutex<()>>,
}

/// How names become addresses: what the system's resolver does, or a test.
pub(super) type Lookup =
    dyn Fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> + Send + Sync;

#[derive(Debug, Default)]
struct Memory {
    /// The one that is used.
    best: Option<IpAddr>,
    /// How many there were, when they were last looked up.
    count: usize,
    /// Those that failed, and when.
    failed: BTreeMap<IpAddr, Instant>,
    /// Why none could be chosen, when it was last tried.
    fault: Option<Fault>,
}

impl Addresses {
    /// The addresses of `host`, as `lookup` knows them.
    pub(super) fn new(host: &str, port: u16, lookup: Arc<Lookup>) -> Self {
        Self { host: host.into(), port, lookup, memory: Arc::default(), racing: Arc::default() }
    }

    /// The address that is used, if that is known.
    pub(super) fn best(&self) -> Option<IpAddr> {
        self.memory().best
    }

    /// An address was no good: not reached, or silent. It is the last to be tried for a while.
    /// Says whether there are others.
    pub(super) fn avoid(&self, address: IpAddr) -> bool {
        let mut memory = self.memory();
        if memory.count < 2 {
            return false;
        }
        memory.failed.insert(address, Instant::now());
        let is_used = memory.best == Some(address);
        if is_used {
            memory.best = None;
        }
        is_used
    }

    /// Why there is no address, if there is none.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.memory().fault.clone()
    }

    /// The address to connect to.
    async fn choose(&self) -> Result<IpAddr, Fault> {
        let known = match (self.lookup)(self.host.to_string()).await {
            Ok(known) if !known.is_empty() => known,
            // The resolver may be down while the host is not.
            Ok(_) | Err(_) if self.best().is_some() => return self.best_or_none(),
            Ok(_) => return Err(Fault::NoSuchHost(self.host.to_string())),
            Err(error) => return Err(fault_of_lookup(&error, &self.host)),
        };
        self.memory().count = known.len();
        if let [only] = known[..] {
            return Ok(only);
        }
        if let Some(best) = self.best().filter(|best| known.contains(best)) {
            return Ok(best);
        }
        let turn = Arc::clone(&self.racing).lock_owned().await;
        if let Some(best) = self.best().filter(|best| known.contains(best)) {
            return Ok(best);
        }
        // It goes on when the request that it is for is given up: the next one needs it, too.
        let this = self.clone();
        let race = tokio::spawn(async move {
            let won = this.race(known).await;
            drop(turn);
            won
        });
        race.await.unwrap_or_else(|_| Err(Fault::Lookup(self.host.to_string())))
    }

    fn best_or_none(&self) -> Result<IpAddr, Fault> {
        self.best().ok_or_else(|| Fault::Lookup(self.host.to_string()))
    }

    /// Dials one address after the other, without giving up those before, until one answers. On
    /// a link where that takes long, all of them get as long as it takes.
    async fn race(&self, known: Vec<IpAddr>) -> Result<IpAddr, Fault> {
        let mut waiting = self.in_order(known).into_iter();
        let mut dials = FuturesUnordered::new();
        let mut first_fault = None;
        let began = Instant::now();
        loop {
            if let Some(next) = waiting.next() {
                dials.push(dial(SocketAddr::new(next, self.port)));
            }
            tokio::select! {
                biased;
                Some((address, answer)) = dials.next() => match answer {
                    Ok(()) => {
                        self.memory().best = Some(address);
                        return Ok(address);
                    }
                    Err(fault) => {
                        self.memory().failed.insert(address, Instant::now());
                        first_fault.get_or_insert(fault);
                    }
                },
                () = sleep(STAGGER), if waiting.len() > 0 => {}
                else => {
                    let silent = Fault::Silent(began.elapsed());
                    return Err(first_fault.unwrap_or(silent));
                }
            }
        }
    }

    /// As the resolver gave them, but those that failed last: the longest ago first.
    fn in_order(&self, mut known: Vec<IpAddr>) -> Vec<IpAddr> {
        let mut memory = self.memory();
        memory.failed.retain(|_, at| at.elapsed() < REMEMBERED);
        known.sort_by_key(|address| memory.failed.get(address).copied());
        known
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolve for Addresses {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            // A proxy's client may be told to look up other names than the proxy's.
            let addresses = if name.as_str().eq_ignore_ascii_case(&this.host) {
                let chosen = this.choose().await;
                this.memory().fault = chosen.as_ref().err().cloned();
                chosen.map(|address| vec![address])
            } else {
                let host = name.as_str();
                let known = (this.lookup)(host.to_owned()).await;
                known.map_err(|error| fault_of_lookup(&error, host))
            };
            let sockets = addresses.map_err(Known)?.into_iter();
            Ok(Box::new(sockets.map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

impl std::fmt::Debug for Addresses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let host = (&self.host, self.port);
        f.debug_struct("Addresses").field("host", &host).finish_non_exhaustive()
    }
}

/// What the system's resolver does.
pub(super) fn system() -> Arc<Lookup> {
    Arc::new(|host| Box::pin(system_lookup(host)))
}

async fn system_lookup(host: String) -> io::Result<Vec<IpAddr>> {
    let mut known = Vec::new();
    for socket in tokio::net::lookup_host((host, 0)).await? {
        if !known.contains(&socket.ip()) {
            known.push(socket.ip());
        }
    }
    Ok(known)
}

/// Whether somebody answers at an address. The connection is closed again.
async fn dial(to: SocketAddr) -> (IpAddr, Result<(), Fault>) {
    let answer = match timeout(CONNECT_WITHIN, TcpStream::connect(to)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => {
            Err(fault_of_io(&error).unwrap_or_else(|| Fault::Link(error.to_string())))
        }
        Err(_) => Err(Fault::Silent(CONNECT_WITHIN)),
    };
    (to.ip(), answer)
}

/// How long connecting may take. A link with a queue of 20 s needs more than those; nothing that
/// would still answer later is worth waiting for.
pub(super) const CONNECT_WITHIN: Duration = Duration::from_secs(30);
/// The next address is dialled this much after the one before. RFC 8305 advises 250 ms, and the
/// HTTP client takes 300 ms between the two families of addresses.
const STAGGER: Duration = Duration::from_millis(300);
/// An address that failed is among the last for this long.
const REMEMBERED: Duration = Duration::from_secs(600);

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
