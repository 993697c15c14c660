//! One scheme, host and port, and the connections to it: through which proxy, to which address.
//!
//! Sends nothing by itself.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::fault::Fault;
use tokio::time::Instant;
use url::Url;

use super::addresses::{Addresses, CONNECT_WITHIN, Lookup};
use super::fault::{causes, fault_of, words_of};
use super::proxy::{Proxies, Proxy};
use super::trust::Trust;

/// Where requests of one kind go.
#[derive(Debug)]
pub(super) struct Origin {
    host: String,
    port: u16,
    is_secure: bool,
    proxy: Option<Proxy>,
    addresses: Addresses,
    /// Whether the system may name a proxy (on macOS and Windows): the environment does not.
    is_system_proxied: bool,
    trust: Trust,
    /// Replaced when its connections are not to be used again.
    client: Mutex<reqwest::Client>,
}

impl Origin {
    /// The origin of this address.
    ///
    /// # Errors
    ///
    /// When what is needed to go there is missing or makes no sense.
    pub(super) fn new(
        url: &Url,
        proxies: &Proxies,
        lookup: Arc<Lookup>,
        trust: impl FnOnce() -> Result<Trust, Fault>,
    ) -> Result<Self, Fault> {
        let is_secure = url.scheme() == "https";
        let proxy = proxies.of(url)?.cloned();
        let is_proxy_secure = proxy.as_ref().is_some_and(Proxy::is_secure);
        let trust = if is_secure || is_proxy_secure { trust()? } else { Trust::needless() };
        let host = url.host_str().unwrap_or_default().to_owned();
        let port = url.port_or_known_default().unwrap_or_default();
        let addresses = match &proxy {
            Some(proxy) => Addresses::new(proxy.host(), proxy.port(), lookup),
            None => Addresses::new(&host, port, lookup),
        };
        let is_system_proxied = proxies.is_silent();
        let client = client(is_secure, proxy.as_ref(), is_system_proxied, &addresses, &trust)?;
        let client = Mutex::new(client);
        Ok(Self { host, port, is_secure, proxy, addresses, is_system_proxied, trust, client })
    }

    pub(super) fn client(&self) -> reqwest::Client {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The address that new connections go to, where there is a choice.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.addresses.best()
    }

    /// Goes to another address from now on, if there is one: also for what would have gone over
    /// connections that are open.
    pub(super) fn avoid(&self, address: Option<IpAddr>) {
        let Some(address) = address else { return };
        if !self.addresses.avoid(address) {
            return;
        }
        let proxy = self.proxy.as_ref();
        let fresh =
            client(self.is_secure, proxy, self.is_system_proxied, &self.addresses, &self.trust);
        if let Ok(fresh) = fresh {
            *self.client.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    }

    /// What went wrong on the way to a head, with whom it concerns.
    pub(super) async fn fault(&self, error: &reqwest::Error) -> Fault {
        let is_connecting = error.is_connect();
        if is_connecting {
            self.avoid(self.address());
        }
        let fault = if is_connecting && error.is_timeout() {
            Fault::Silent(CONNECT_WITHIN)
        } else {
            fault_of(error, is_connecting, &self.host)
        };
        match &self.proxy {
            Some(proxy) if is_connecting => self.fault_of_proxy(proxy, error, fault).await,
            Some(_) | None => fault,
        }
    }

    /// What went wrong with the body of an answer.
    pub(super) fn fault_of_body(&self, error: &reqwest::Error) -> Fault {
        fault_of(error, false, &self.host)
    }

    async fn fault_of_proxy(&self, proxy: &Proxy, error: &reqwest::Error, fault: Fault) -> Fault {
        // The text of hyper-util's `TunnelError`, which tells no other status than 407.
        let says = |text: &str| causes(error).any(|cause| cause.to_string().contains(text));
        if says("proxy authorization required") {
            return proxy.refusal(&self.host, Some(407));
        }
        if says("tunnel error: unsuccessful") {
            let status = match proxy.is_plain() {
                true => proxy.ask(&self.host, self.port).await,
                false => None,
            };
            return proxy.refusal(&self.host, status);
        }
        // hyper-util's `SocksV5Error`, which tells no more than words.
        if says("credentials not accepted") || says("does not support user/pass") {
            return Fault::Proxy(format!("{proxy} does not accept the user name and password"));
        }
        // hyper-util's `SocksError` hides why there is no connection.
        if says("failed to create underlying connection") && matches!(fault, Fault::Link(_)) {
            return proxy.blame(self.addresses.fault().unwrap_or(Fault::Refused));
        }
        proxy.blame(fault)
    }

    /// A `407` in answer to a request can only come from a proxy on the way.
    pub(super) fn check_status(&self, status: u16) -> Result<(), Fault> {
        match (&self.proxy, status) {
            (Some(proxy), 407) => Err(proxy.refusal(&self.host, Some(407))),
            (None, 407) => Err(Fault::Proxy(
                "a proxy on the way wants a user name and a password (HTTP 407)".to_owned(),
            )),
            (Some(_) | None, _) => Ok(()),
        }
    }
}

fn client(
    is_secure: bool,
    proxy: Option<&Proxy>,
    is_system_proxied: bool,
    addresses: &Addresses,
    trust: &Trust,
) -> Result<reqwest::Client, Fault> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("moshi-fetch/", env!("CARGO_PKG_VERSION")))
        .http1_only()
        .https_only(is_secure)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .dns_resolver(addresses.clone())
        .connect_timeout(CONNECT_WITHIN)
        .pool_idle_timeout(IDLE)
        .tcp_nodelay(true);
    builder = match &trust.config {
        Some(config) => builder.tls_backend_preconfigured(config.clone()),
        None => builder.tls_certs_only([]),
    };
    let flaw = |error: reqwest::Error| Fault::Tls(words_of(&error));
    builder = match proxy {
        Some(proxy) => {
            builder.no_proxy().proxy(reqwest::Proxy::all(proxy.url.clone()).map_err(flaw)?)
        }
        None if is_system_proxied => builder,
        None => builder.no_proxy(),
    };
    builder.build().map_err(flaw)
}

/// Looks whether something comes from an origin, and avoids the address if nothing does.
#[derive(Debug)]
pub(super) struct Watch {
    origin: Arc<Origin>,
    address: Option<IpAddr>,
    since: Instant,
    is_answered: bool,
}

impl Watch {
    pub(super) fn new(origin: &Arc<Origin>, address: Option<IpAddr>) -> Self {
        let origin = Arc::clone(origin);
        Self { origin, address, since: Instant::now(), is_answered: false }
    }

    pub(super) fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    /// Something came, or nothing was to come.
    pub(super) fn on_answer(&mut self) {
        self.is_answered = true;
    }

    /// It ended, and nothing came.
    pub(super) fn on_nothing(&mut self) {
        if !std::mem::replace(&mut self.is_answered, true) {
            self.origin.avoid(self.address);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // What is given up sooner was not given up because of its silence.
        if self.since.elapsed() >= SILENCE {
            self.on_nothing();
        }
    }
}

/// Idle connections are dropped before the servers and NATs on the way drop them silently.
const IDLE: Duration = Duration::from_secs(20);
/// The shortest patience with a silent connection that anybody has.
const SILENCE: Duration = Duration::from_secs(3);
