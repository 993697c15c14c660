//! Where the hub is.
//!
//! Reads no environment: the text of `HF_ENDPOINT` is given.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// The address of a hub, such as `https://huggingface.co`, perhaps with a path before the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Ends with `/`; has no credentials, query or fragment.
    base: Url,
}

impl Endpoint {
    /// Whether the URL has this hub's scheme, host and port.
    pub fn is_same_origin(&self, url: &Url) -> bool {
        is_same_origin(&self.base, url)
    }

    /// The address, ending with `/`.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The same path and query on this hub; `None` if `url` is no web address. What is on this hub
    /// already stays as it is. One of another host is where that host has it, which is below this
    /// hub's own path.
    pub fn rebased(&self, url: &Url) -> Option<Url> {
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        let mut rebased = self.base.clone();
        let path = url.path();
        let is_below = self.is_same_origin(url) || path.starts_with(self.base.path());
        if is_below {
            rebased.set_path(path);
        } else {
            rebased.set_path(&format!("{}{}", self.base.path(), path.trim_start_matches('/')));
        }
        rebased.set_query(url.query());
        Some(rebased)
    }

    /// The URL of `path` on this hub: `path` is relative, and encoded already.
    pub(super) fn join(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path()));
        url
    }
}

impl Default for Endpoint {
    fn default() -> Self {
        "https://huggingface.co".parse().expect("the constant is a good endpoint")
    }
}

impl FromStr for Endpoint {
    type Err = BadEndpoint;

    fn from_str(text: &str) -> Result<Self, BadEndpoint> {
        let mut base = Url::parse(text.trim()).map_err(|_| BadEndpoint::NotAUrl)?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(BadEndpoint::Scheme(base.scheme().to_owned()));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(BadEndpoint::Credentials);
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(BadEndpoint::Query);
        }
        let path = format!("{}/", base.path().trim_end_matches('/'));
        base.set_path(&path);
        Ok(Self { base })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base.as_str().trim_end_matches('/'))
    }
}

/// Why a text is no endpoint. Does not repeat the text, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadEndpoint {
    /// Not a URL with a host.
    NotAUrl,
    /// Neither http nor https.
    Scheme(String),
    /// It has a user name or a password.
    Credentials,
    /// It has a query or a fragment.
    Query,
}

impl fmt::Display for BadEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the hub's address ")?;
        match self {
            Self::NotAUrl => f.write_str("is not a URL")?,
            Self::Scheme(scheme) => write!(f, "begins with {scheme}:")?,
            Self::Credentials => f.write_str("has a user name or password in it")?,
            Self::Query => f.write_str("has a `?` or `#` in it")?,
        }
        f.write_str("; it should look like https://huggingface.co")
    }
}

impl std::error::Error for BadEndpoint {}

/// Whether both have the same scheme, host and port.
pub(super) fn is_same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host().is_some()
        && a.host() == b.host()
        && a.port_or_known_default() == b.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_address_and_nothing_more() {
        for (text, shown) in [
            ("https://huggingface.co", Ok("https://huggingface.co")),
            ("https://huggingface.co/", Ok("https://huggingface.co")),
            (" HTTP://LocalHost:8080/hf// ", Ok("http://localhost:8080/hf")),
            ("https://hub.example:443", Ok("https://hub.example")),
            ("http://[::1]:3000", Ok("http://[::1]:3000")),
            ("", Err(BadEndpoint::NotAUrl)),
            ("huggingface.co", Err(BadEndpoint::NotAUrl)),
            ("https://", Err(BadEndpoint::NotAUrl)),
            ("file:///etc", Err(BadEndpoint::Scheme("file".to_owned()))),
            ("localhost:8080", Err(BadEndpoint::Scheme("localhost".to_owned()))),
            ("https://u:p@h.example", Err(BadEndpoint::Credentials)),
            ("https://h.example?x", Err(BadEndpoint::Query)),
            ("https://h.example#x", Err(BadEndpoint::Query)),
        ] {
            let endpoint = text.parse::<Endpoint>().map(|endpoint| endpoint.to_string());
            assert_eq!(endpoint, shown.map(str::to_owned), "{text:?}");
        }
        assert_eq!(Endpoint::default().to_string(), "https://huggingface.co");
    }

    #[test]
    fn what_another_host_names_is_asked_for_here() {
        let page = "https://huggingface.co/api/x/tree/main?cursor=ZX%3D%3D&a=b*+~";
        for (endpoint, url, expected) in [
            ("http://m:1", page, Some("http://m:1/api/x/tree/main?cursor=ZX%3D%3D&a=b*+~")),
            ("http://m:1/hf", page, Some("http://m:1/hf/api/x/tree/main?cursor=ZX%3D%3D&a=b*+~")),
            ("http://m/hf", "http://m/hf/api/x?c", Some("http://m/hf/api/x?c")),
            ("https://m", "http://m/api/x?c", Some("https://m/api/x?c")),
            ("https://m", "https://u:p@h/api/x#f", Some("https://m/api/x")),
            ("https://m", "file:///etc/passwd", None),
        ] {
            let endpoint = endpoint.parse::<Endpoint>().unwrap();
            let found = endpoint.rebased(&url.parse().unwrap());
            assert_eq!(found.as_ref().map(Url::as_str), expected, "{endpoint} {url}");
        }
    }
}
