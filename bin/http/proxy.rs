//! Which proxy stands between us and a host, and what it says when it does not let us through.
//!
//! Connects nothing for a download: the HTTP client does.

use std::str::FromStr;
use std::time::Duration;

use engine::fault::Fault;
use hyper_util::client::proxy::matcher::Matcher;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

use super::network::{Network, Variable};

/// The proxies of an environment.
#[derive(Debug)]
pub(super) struct Proxies {
    http: Option<Result<Proxy, String>>,
    https: Option<Result<Proxy, String>>,
    /// Intercepts what `NO_PROXY` does not exempt; `None` if that exempts everything.
    matcher: Option<Matcher>,
}

/// One proxy.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    /// With user and password, if it has them.
    pub(super) url: Url,
    /// What names it.
    variable: &'static str,
}

impl Proxies {
    pub(super) fn new(network: &Network) -> Self {
        let named = |variable: &Option<Variable>| variable.as_ref().map(Proxy::read);
        Self {
            http: named(&network.http_proxy),
            https: named(&network.https_proxy),
            matcher: matcher(&network.no_proxy),
        }
    }

    /// Whether the environment says anything about proxies.
    pub(super) fn is_silent(&self) -> bool {
        self.http.is_none() && self.https.is_none() && self.matcher.is_some()
    }

    /// The proxy for an address, if there is to be one.
    ///
    /// # Errors
    ///
    /// When what is named for it is no proxy: going without would not be what was asked for.
    pub(super) fn of(&self, url: &Url) -> Result<Option<&Proxy>, Fault> {
        let named = match url.scheme() {
            "http" => &self.http,
            "https" => &self.https,
            _ => return Ok(None),
        };
        let (Some(named), Some(matcher)) = (named, &self.matcher) else { return Ok(None) };
        let uri = url[..url::Position::BeforePath].parse().ok();
        if uri.is_some_and(|uri| matcher.intercept(&uri).is_none()) {
            return Ok(None);
        }
        named.as_ref().map(Some).map_err(|words| Fault::Proxy(words.clone()))
    }
}

/// The rules of curl, and `*` for every host, also for one that is an address.
fn matcher(no_proxy: &str) -> Option<Matcher> {
    let entries: Vec<&str> =
        no_proxy.split([',', ' ', '\t']).filter(|entry| !entry.is_empty()).collect();
    if entries.contains(&"*") {
        return None;
    }
    let plain = entries.iter().map(|entry| entry.strip_prefix('*').unwrap_or(entry));
    let plain: Vec<&str> = plain.map(|entry| entry.trim_matches(['[', ']'])).collect();
    Some(Matcher::builder().all("http://proxy.invalid").no(plain.join(",")).build())
}

impl Proxy {
    fn read(variable: &Variable) -> Result<Self, String> {
        // Nothing of the value is told: it may hold a password.
        let flaw = |why: &str| format!("{} is no address of a proxy: {why}", variable.name);
        let value = &variable.value;
        let text = if value.contains("://") { value.clone() } else { format!("http://{value}") };
        // Desktops write `socks:` for the fifth version.
        let text = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("socks") => {
                format!("socks5h://{rest}")
            }
            Some(_) | None => text,
        };
        let mut url = Url::from_str(&text).map_err(|bad| flaw(&bad.to_string()))?;
        let port = match url.scheme() {
            "http" => 80,
            "https" => 443,
            "socks4" | "socks4a" | "socks5" | "socks5h" => 1080,
            _ => return Err(flaw("it begins with none of http, https, socks5, socks5h, socks4")),
        };
        let host = url.host_str().unwrap_or_default();
        if host.is_empty() {
            return Err(flaw("it has no host"));
        }
        if host.contains(|c: char| c.is_whitespace() || c.is_control() || c == '%') {
            return Err(flaw("its host has characters that no host has"));
        }
        if url.port_or_known_default().is_none() && url.set_port(Some(port)).is_err() {
            return Err(flaw("it has no port"));
        }
        url.set_path("");
        Ok(Self { url, variable: variable.name })
    }

    /// Its host, as it is looked up.
    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Its port.
    pub(super) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or_default()
    }

    /// Whether the proxy itself is spoken to over TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether the proxy is spoken to in plain HTTP.
    pub(super) fn is_plain(&self) -> bool {
        self.url.scheme() == "http"
    }

    /// What it says to a `CONNECT` to this host, as a status. The HTTP client asked the same, but
    /// does not tell what it was answered. `None` if nothing comes that makes sense.
    pub(super) async fn ask(&self, host: &str, port: u16) -> Option<u16> {
        let asking = async {
            let to = (self.host().trim_matches(['[', ']']), self.port());
            let mut stream = TcpStream::connect(to).await.ok()?;
            let question = format!(
                "CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{}\r\n",
                self.authorization()
            );
            stream.write_all(question.as_bytes()).await.ok()?;
            let mut answer = Vec::new();
            let mut buffer = [0; 64];
            while answer.len() < STATUS_LINE.len() {
                match stream.read(&mut buffer).await.ok()? {
                    0 => return None,
                    count => answer.extend_from_slice(&buffer[..count]),
                }
            }
            status(&answer)
        };
        tokio::time::timeout(ASKING, asking).await.ok().flatten()
    }

    /// The header that shows the proxy who we are, with its line's end.
    fn authorization(&self) -> String {
        let uri = self.url.as_str().parse().ok();
        let intercept =
            uri.and_then(|uri| Matcher::builder().all(self.url.as_str()).build().intercept(&uri));
        let basic = intercept.as_ref().and_then(|intercept| intercept.basic_auth());
        let basic = basic.and_then(|basic| basic.to_str().ok());
        basic.map_or_else(String::new, |basic| format!("Proxy-Authorization: {basic}\r\n"))
    }

    /// What it means that the proxy answers so when it is to connect to this host.
    pub(super) fn refusal(&self, host: &str, status: Option<u16>) -> Fault {
        match status {
            Some(407) => {
                Fault::Proxy(format!("{self} wants a user name and a password (HTTP 407)"))
            }
            Some(status @ 400..=499) => {
                Fault::Proxy(format!("{self} does not allow connections to {host} (HTTP {status})"))
            }
            Some(status) if status != 200 => {
                Fault::Link(format!("{self} cannot connect to {host} (HTTP {status})"))
            }
            Some(_) | None => Fault::Link(format!("{self} does not connect to {host}")),
        }
    }

    /// The same fault, with the proxy named where it happened there.
    pub(super) fn blame(&self, fault: Fault) -> Fault {
        let host = self.host();
        if fault == Fault::NoSuchHost(host.to_owned()) {
            let words = format!("{} names a proxy that does not exist: {host}", self.variable);
            Fault::Proxy(words)
        } else if fault == Fault::Lookup(host.to_owned()) {
            Fault::Link(format!("the name of {self} could not be looked up"))
        } else if fault == Fault::Refused {
            Fault::ProxyDown(format!("{self} refuses connections"))
        } else if fault == Fault::Unreachable {
            Fault::Link(format!("{self} is unreachable"))
        } else if let Fault::Link(words) = fault {
            Fault::Link(format!("{self}: {words}"))
        } else {
            fault
        }
    }
}

/// `the proxy HOST:PORT`, without what is secret.
impl std::fmt::Display for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the proxy {}:{}", self.host(), self.port())
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proxy({}:{})", self.host(), self.port())
    }
}

/// The status in the first line of an answer (RFC 9112, section 4).
fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.get(..STATUS_LINE.len())?;
    let digits = line.strip_prefix(b"HTTP/1.")?.get(2..)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

const STATUS_LINE: &str = "HTTP/1.1 200";
/// Longer than a proxy takes that has just answered the same question.
const ASKING: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::new(&Network::read(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.into())
        }))
    }

    /// What the proxy for an address is called; nothing if there is none.
    fn named(variables: &[(&str, &str)], address: &str) -> String {
        match proxies(variables).of(&address.parse().unwrap()) {
            Ok(Some(proxy)) => {
                format!("{}://{}:{}", proxy.url.scheme(), proxy.host(), proxy.port())
            }
            Ok(None) => String::new(),
            Err(fault) => fault.to_string(),
        }
    }

    #[test]
    fn what_names_a_proxy() {
        for (value, expected) in [
            ("http://p.test:3128", "http://p.test:3128"),
            ("http://me:secret@p.test:3128/", "http://p.test:3128"),
            ("p.test:3128", "http://p.test:3128"),
            ("me:secret@p.test", "http://p.test:80"),
            ("https://p.test", "https://p.test:443"),
            ("socks5h://p.test", "socks5h://p.test:1080"),
            ("socks://127.0.0.1:9050/", "socks5h://127.0.0.1:9050"),
            ("http://[::1]:3128", "http://[::1]:3128"),
        ] {
            assert_eq!(named(&[("HTTPS_PROXY", value)], "https://hub.test/x"), expected);
        }
    }

    #[test]
    fn what_names_none_is_an_error_that_tells_no_password() {
        for value in [
            "ftp://me:secret@p.test",
            "http://",
            "http://me:secret@p.test:99999",
            "http://me:secret@p test",
            "socks5://me:secret@p test",
            "://secret",
        ] {
            let told = named(&[("HTTPS_PROXY", value)], "https://hub.test/x");
            assert!(told.starts_with("HTTPS_PROXY is no address of a proxy: "), "{value}: {told}");
            assert!(!told.contains("secret"), "{told}");
            // It is not needed there.
            assert_eq!(named(&[("HTTPS_PROXY", value)], "http://hub.test/x"), "");
        }
    }

    #[test]
    fn where_no_proxy_is_used() {
        for (list, address, is_direct) in [
            ("*", "https://hub.test", true),
            ("a.test,*", "https://127.0.0.1:8080", true),
            ("a.test *", "https://[::1]:8080", true),
            ("hub.test", "https://hub.test:8080", true),
            (".hub.test", "https://cdn.hub.test", true),
            ("*.hub.test", "https://cdn.hub.test", true),
            ("hub.test", "https://nothub.test", false),
            ("127.0.0.0/8", "https://127.3.0.1", true),
            ("[::1]", "https://[::1]:8080", true),
            ("", "https://hub.test", false),
        ] {
            for name in ["no_proxy", "NO_PROXY"] {
                let variables = [("ALL_PROXY", "p.test:1"), (name, list)];
                let direct = named(&variables, address).is_empty();
                assert_eq!(direct, is_direct, "{name}={list} {address}");
            }
        }
    }

    #[test]
    fn an_environment_that_says_nothing_leaves_it_to_the_system() {
        assert!(proxies(&[]).is_silent());
        assert!(proxies(&[("NO_PROXY", "a.test")]).is_silent());
        assert!(!proxies(&[("NO_PROXY", "*")]).is_silent());
        assert!(!proxies(&[("HTTP_PROXY", "p.test")]).is_silent());
    }

    #[test]
    fn a_status_is_read_from_the_first_line() {
        for (answer, expected) in [
            (&b"HTTP/1.1 407 Proxy Authentication Required\r\n"[..], Some(407)),
            (b"HTTP/1.0 503", Some(503)),
            (b"HTTP/1.1 20", None),
            (b"SSH-2.0-OpenSSH_9.2p1", None),
            (b"HTTP/1.1 abc", None),
        ] {
            assert_eq!(status(answer), expected);
        }
    }

    #[test]
    fn refusals_are_for_good_or_not_and_name_the_proxy() {
        let proxies = proxies(&[("HTTPS_PROXY", "http://me:secret@p.test:3128")]);
        let url = "https://hub.test".parse().unwrap();
        let proxy = proxies.of(&url).unwrap().unwrap();
        for (status, is_final) in [
            (Some(407), true),
            (Some(403), true),
            (Some(451), true),
            (Some(502), false),
            (Some(503), false),
            (Some(200), false),
            (None, false),
        ] {
            let fault = proxy.refusal("hub.test", status);
            assert_eq!(matches!(fault, Fault::Proxy(_)), is_final, "{status:?}");
            let told = fault.to_string();
            assert!(told.contains("the proxy p.test:3128"), "{told}");
            assert!(!format!("{told} {proxy:?} {proxies:?}").contains("secret"), "{told}");
        }
        for (fault, is_final) in [
            (Fault::NoSuchHost("p.test".to_owned()), true),
            (Fault::Lookup("p.test".to_owned()), false),
            (Fault::Refused, false),
            (Fault::Unreachable, false),
        ] {
            let told = proxy.blame(fault);
            assert_eq!(matches!(told, Fault::Proxy(_)), is_final, "{told}");
            assert!(told.to_string().contains("p.test"), "{told}");
        }
        assert_eq!(proxy.blame(Fault::Reset), Fault::Reset);
    }
}
