//! The HTTP seam over reqwest: HTTP/1.1 only, so that parallel requests are parallel connections.
//!
//! A thin adapter: sets no timeout and follows no redirect.

use std::time::Duration;

use bytes::Bytes;
use engine::fault::Fault;
use engine::hub::head::Head;
use engine::hub::request::{Method, Request};

use super::fault::{fault_of, words_of};
use super::{Http, HttpBody};

/// reqwest, behind the seam.
#[derive(Clone, Debug)]
pub struct ReqwestHttp {
    client: reqwest::Client,
}

impl ReqwestHttp {
    /// A client that obeys the proxies of the environment and keeps its connections open.
    ///
    /// # Errors
    ///
    /// When the TLS backend cannot start, in its own words.
    pub fn new() -> Result<Self, String> {
        Self::build(reqwest::Client::builder())
    }

    /// The same, but without proxies: for a hub on this machine.
    ///
    /// # Errors
    ///
    /// When the TLS backend cannot start, in its own words.
    pub fn direct() -> Result<Self, String> {
        Self::build(reqwest::Client::builder().no_proxy())
    }

    fn build(builder: reqwest::ClientBuilder) -> Result<Self, String> {
        let client = builder
            .user_agent(concat!("moshi-fetch/", env!("CARGO_PKG_VERSION")))
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true)
            .build()
            .map_err(|error| words_of(&error))?;
        Ok(Self { client })
    }
}

impl Http for ReqwestHttp {
    type Body = ReqwestBody;

    async fn send(&self, request: Request) -> Result<(Head, ReqwestBody), Fault> {
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Head => reqwest::Method::HEAD,
            Method::Post => reqwest::Method::POST,
        };
        let mut builder = self.client.request(method, request.url);
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        if let Some(body) = request.body {
            builder = builder.body(body);
        }
        let response = builder.send().await.map_err(|error| fault(&error, &host))?;
        let fields = response.headers().iter();
        let head = Head::new(
            response.status().as_u16(),
            fields.map(|(name, value)| (name.as_str(), value.as_bytes())),
        );
        Ok((head, ReqwestBody { response, host }))
    }
}

/// A body that reqwest streams.
#[derive(Debug)]
pub struct ReqwestBody {
    response: reqwest::Response,
    host: String,
}

impl HttpBody for ReqwestBody {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        self.response.chunk().await.map_err(|error| fault(&error, &self.host))
    }
}

fn fault(error: &reqwest::Error, host: &str) -> Fault {
    fault_of(error, error.is_connect(), host)
}

/// Idle connections are dropped before the servers and NATs on the way drop them silently.
const IDLE: Duration = Duration::from_secs(20);
