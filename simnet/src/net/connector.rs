//! From a URL to a connection: looks the name up, dials, and greets as TLS would.
//!
//! Repeats only what an operating system repeats by itself: the first packet.

use std::error::Error;
use std::future::pending;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};

use engine::time::{Duration, Instant};
use hyper::Uri;
use hyper_util::rt::TokioIo;
use tokio::time::{self, sleep};
use tower_service::Service;
use turmoil::net::TcpStream;

use super::connection_log::Ending;
use super::stream::{Entry, Stream};
use super::{HUB_NODE, Network, now};

/// Connects a client of hyper to the simulated network.
#[derive(Clone, Debug)]
pub struct Connector {
    network: Network,
    client: u64,
}

impl Connector {
    /// For a client on this network, by the number that it has in the connections.
    pub fn new(network: &Network, client: u64) -> Self {
        Self { network: network.clone(), client }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (network, client) = (self.network.clone(), self.client);
        Box::pin(async move {
            let host = uri.host().unwrap_or_default();
            let entry = Entry::new(&network, client, host);
            let port = match network.shared.names.look_up(host).await {
                Ok(port) => port,
                Err(error) => {
                    entry.end(Ending::NoName);
                    return Err(error.into());
                }
            };
            match dial(&network, port).await {
                Ok(tcp) => {
                    let reason = network.shared.reasons.take(tcp.local_addr()?, entry.number());
                    entry.open();
                    Ok(TokioIo::new(Stream::new(tcp, reason, entry)))
                }
                Err(error) => {
                    entry.end(Ending::NoAnswer);
                    Err(error.into())
                }
            }
        })
    }
}

/// Waits until the first packet gets through, then for TCP, then for the rest of the greeting.
async fn dial(network: &Network, port: u16) -> io::Result<TcpStream> {
    for pause in FIRST_PACKET_PAUSES {
        let at = now().unwrap_or_default();
        if network.silent_until(at).is_none() && !network.shared.names.is_dark(port, at) {
            let dialled = time::Instant::now();
            let tcp = match TcpStream::connect((HUB_NODE, port)).await {
                // A refusal takes a round trip: this is a partition, where nothing comes back.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                    if dialled.elapsed().is_zero() {
                        pending::<()>().await;
                    }
                    return Err(error);
                }
                result => result?,
            };
            let setup = network.link().setup();
            sleep(setup.saturating_sub(dialled.elapsed())).await;
            return Ok(tcp);
        }
        sleep(pause).await;
    }
    Err(ErrorKind::TimedOut.into())
}

impl Network {
    /// The end of the outage, if there is one now.
    pub(super) fn silent_until(&self, now: Instant) -> Option<Instant> {
        let outages = self.link().outages(now + Duration::from_nanos(1));
        outages.last().filter(|outage| outage.contains(&now)).map(|outage| outage.end)
    }
}

/// After how long Linux sends the first packet of a connection again, and again, and gives up.
const FIRST_PACKET_PAUSES: [Duration; 7] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    Duration::from_secs(32),
    Duration::from_secs(64),
];
