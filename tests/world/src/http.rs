//! The HTTP seam over hyper on simulated sockets: the layers below reqwest, without reqwest.
//!
//! As thin as the real one: follows no redirect and waits for no deadline. hyper itself sends a
//! request again if a connection that was idle turns out to be closed before anything was sent.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use engine::fault::Fault;
use engine::hub::head::Head;
use engine::hub::request::{Method, Request};
use engine::time::Duration;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, USER_AGENT};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use moshi_fetch::http::{Http, HttpBody, fault_of};

use simnet::net::{Connector, Network};

/// A client on a simulated network. It belongs to the simulated process that made it: after a
/// kill, make another. Clones share their connections.
#[derive(Clone)]
pub struct SimHttp {
    network: Network,
    number: u64,
    /// One for each host and port, so that no order among them is left to chance.
    clients: Arc<Mutex<BTreeMap<String, Hyper>>>,
}

type Hyper = Client<Connector, Full<Bytes>>;

impl SimHttp {
    /// A client without connections, by the number that it is to have in the network's connections.
    pub fn new(network: &Network, number: u64) -> Self {
        Self { network: network.clone(), number, clients: Arc::default() }
    }

    fn client(&self, authority: &str) -> Hyper {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            Client::builder(TokioExecutor::new())
                .pool_idle_timeout(IDLE)
                .timer(TokioTimer::new())
                .pool_timer(TokioTimer::new())
                .build(Connector::new(&self.network, self.number))
        };
        clients.entry(authority.to_owned()).or_insert_with(make).clone()
    }
}

impl fmt::Debug for SimHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimHttp").finish_non_exhaustive()
    }
}

impl Http for SimHttp {
    type Body = SimBody;

    async fn send(&self, request: Request) -> Result<(Head, SimBody), Fault> {
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let client = self.client(request.url.authority());
        let request = to_hyper(request).map_err(|error| fault_of(&error, false, &host))?;
        let sent = client.request(request).await;
        let response = sent.map_err(|error| fault_of(&error, error.is_connect(), &host))?;
        let fields = response.headers().iter();
        let head = Head::new(
            response.status().as_u16(),
            fields.map(|(name, value)| (name.as_str(), value.as_bytes())),
        );
        Ok((head, SimBody { body: response.into_body(), host }))
    }
}

/// A body that hyper streams.
#[derive(Debug)]
pub struct SimBody {
    body: Incoming,
    host: String,
}

impl HttpBody for SimBody {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|error| fault_of(&error, false, &self.host))?;
            // Trailers say nothing that matters here.
            if let Ok(bytes) = frame.into_data() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }
}

/// The same request as reqwest would send.
fn to_hyper(request: Request) -> Result<hyper::Request<Full<Bytes>>, hyper::http::Error> {
    let method = match request.method {
        Method::Get => hyper::Method::GET,
        Method::Head => hyper::Method::HEAD,
        Method::Post => hyper::Method::POST,
    };
    let mut builder = hyper::Request::builder().method(method).uri(request.url.as_str());
    for (name, value) in &request.headers {
        builder = builder.header(*name, value);
    }
    let builder = builder.header(ACCEPT, "*/*").header(USER_AGENT, AGENT);
    builder.body(request.body.unwrap_or_default().into())
}

const AGENT: &str = concat!("moshi-fetch/", env!("CARGO_PKG_VERSION"));
/// As long as the real client keeps idle connections.
const IDLE: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests;
