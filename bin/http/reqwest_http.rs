//! The HTTP seam over reqwest: HTTP/1.1 only, so that parallel requests are parallel connections.
//!
//! A thin adapter: repeats nothing, and follows no redirect.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use engine::fault::Fault;
use engine::hub::head::Head;
use engine::hub::request::{Method, Request};
use engine::hub::target::shown;
use url::{Position, Url};

use super::addresses::{self, Lookup};
use super::network::Network;
use super::origin::{Origin, Watch};
use super::proxy::Proxies;
use super::trust::Trust;
use super::zone::Home;
use super::{Http, HttpBody};

/// reqwest, behind the seam. Clones share their connections.
#[derive(Clone)]
pub struct ReqwestHttp {
    shared: Arc<Shared>,
}

struct Shared {
    proxies: Proxies,
    network: Network,
    trust: OnceLock<Result<Trust, Fault>>,
    lookup: Arc<Lookup>,
    /// Where we may be led to; `None` if anywhere.
    home: Option<Home>,
    /// A client each: it is an origin that has a proxy, addresses and open connections.
    origins: Mutex<BTreeMap<String, Arc<Origin>>>,
}

impl ReqwestHttp {
    /// A client that goes through these proxies, believes these authorities and keeps its
    /// connections open.
    ///
    /// What of it cannot be used is told by the first request that would need it.
    pub fn new(network: &Network) -> Self {
        Self::with_lookup(network, addresses::system(), None)
    }

    /// The same for what is at these addresses: they may lead anywhere on the internet, but no
    /// nearer to this machine than they are themselves.
    pub fn at_home(network: &Network, urls: &[Url]) -> Self {
        Self::with_lookup(network, addresses::system(), Some(Home::new(urls)))
    }

    fn with_lookup(network: &Network, lookup: Arc<Lookup>, home: Option<Home>) -> Self {
        let shared = Shared {
            proxies: Proxies::new(network),
            network: network.clone(),
            trust: OnceLock::new(),
            lookup,
            home,
            origins: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The same, but without proxies: for a hub on this machine.
    pub fn direct() -> Self {
        Self::new(&Network::direct())
    }

    fn origin(&self, url: &Url) -> Result<Arc<Origin>, Fault> {
        let mut origins = self.shared.origins.lock().unwrap_or_else(PoisonError::into_inner);
        let key = &url[..Position::BeforePath];
        if let Some(origin) = origins.get(key) {
            return Ok(Arc::clone(origin));
        }
        if origins.len() >= ORIGINS_MAX {
            origins.clear();
        }
        let trust = || {
            let read = || Trust::new(&self.shared.network);
            self.shared.trust.get_or_init(read).clone()
        };
        let mut lookup = Arc::clone(&self.shared.lookup);
        if let (Some(home), None) = (&self.shared.home, self.shared.proxies.of(url)?) {
            lookup = home.guard(url, lookup)?;
        }
        let origin = Arc::new(Origin::new(url, &self.shared.proxies, lookup, trust)?);
        origins.insert(key.to_owned(), Arc::clone(&origin));
        Ok(origin)
    }
}

impl std::fmt::Debug for ReqwestHttp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReqwestHttp").field("network", &self.shared.network).finish_non_exhaustive()
    }
}

impl Http for ReqwestHttp {
    type Body = ReqwestBody;

    async fn send(&self, request: Request) -> Result<(Head, ReqwestBody), Fault> {
        let origin = self.origin(&request.url)?;
        let (began, asked) = (std::time::Instant::now(), shown(&request.url));
        tracing::debug!(method = ?request.method, url = %asked, "send");
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Head => reqwest::Method::HEAD,
            Method::Post => reqwest::Method::POST,
        };
        let mut builder = origin.client().request(method, request.url);
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        if let Some(body) = request.body {
            builder = builder.body(body);
        }
        let mut watch = Watch::new(&origin, origin.address());
        let response = match builder.send().await {
            Ok(response) => response,
            Err(error) => {
                watch.on_answer();
                let fault = origin.fault(&error).await;
                tracing::debug!(url = %asked, after = ?began.elapsed(), %fault, "no answer");
                return Err(fault);
            }
        };
        watch.on_answer();
        let status = response.status().as_u16();
        origin.check_status(status)?;
        let fields = response.headers().iter();
        let fields = fields.map(|(name, value)| (name.as_str(), value.as_bytes()));
        let head = Head::new(status, fields);
        let address = response.remote_addr().map(|socket| socket.ip());
        tracing::debug!(url = %asked, status, ?address, after = ?began.elapsed(), "answer");
        let mut watch = Watch::new(&origin, address);
        if request.method == Method::Head || response.content_length() == Some(0) {
            watch.on_answer();
        }
        Ok((head, ReqwestBody { response, watch }))
    }
}

/// A body that reqwest streams.
#[derive(Debug)]
pub struct ReqwestBody {
    response: reqwest::Response,
    watch: Watch,
}

impl HttpBody for ReqwestBody {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        let chunk = self.response.chunk().await;
        match &chunk {
            Ok(Some(_)) => self.watch.on_answer(),
            Ok(None) | Err(_) => self.watch.on_nothing(),
        }
        chunk.map_err(|error| self.watch.origin().fault_of_body(&error))
    }
}

/// More than one download has; who is led through more of them begins anew.
const ORIGINS_MAX: usize = 64;

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers every connection to an address with the same bytes, and closes it.
    async fn answer(to: Ipv4Addr, port: u16, answer: &'static str) -> u16 {
        let listener = TcpListener::bind((to, port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    if stream.read(&mut [0; 1024]).await.is_ok_and(|count| count > 0) {
                        let _ = stream.write_all(answer.as_bytes()).await;
                    }
                });
            }
        });
        port
    }

    /// A name's edge that sends heads without bodies: seen in 2026 at one of several addresses.
    #[tokio::test]
    async fn an_edge_that_sends_nothing_is_not_asked_again() {
        let [bad, good] = [Ipv4Addr::new(127, 3, 2, 1), Ipv4Addr::new(127, 3, 2, 2)];
        let head = "HTTP/1.1 206 Partial Content\r\nContent-Length: 4\r\n\r\n";
        let port = answer(bad, 0, head).await;
        answer(good, port, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood").await;
        let known: Vec<IpAddr> = vec![bad.into(), good.into()];
        let lookup: Arc<Lookup> =
            Arc::new(move |_| Box::pin(std::future::ready(Ok(known.clone()))));
        let http = ReqwestHttp::with_lookup(&Network::direct(), lookup, None);
        let url: Url = format!("http://edge.test:{port}/file").parse().unwrap();
        let mut ends = Vec::new();
        for _ in 0..3 {
            let (_, mut body) = http.send(Request::get(url.clone())).await.unwrap();
            ends.push(body.chunk().await.map(|bytes| bytes.unwrap_or_default()));
        }
        let good = || Ok(Bytes::from_static(b"good"));
        assert_eq!(ends, [Err(Fault::Cut), good(), good()]);
    }
}
