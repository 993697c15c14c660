//! What the environment says of the way to the hub: proxies and certificates, as text.
//!
//! Judges none of it: what cannot be used is told where it would be used.

use std::ffi::OsString;
use std::path::PathBuf;

/// The variables that name proxies and certificate authorities.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// The proxy for `http:` addresses. Its text may hold a password.
    pub(super) http_proxy: Option<Variable>,
    /// The proxy for `https:` addresses. Its text may hold a password.
    pub(super) https_proxy: Option<Variable>,
    /// Where no proxy is used.
    pub(super) no_proxy: String,
    /// Files and folders of certificate authorities, each with the variable that names it.
    pub(super) bundles: Vec<(&'static str, PathBuf)>,
}

/// A variable by its name, and its value.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) name: &'static str,
    pub(super) value: String,
}

impl Network {
    /// Reads the variables through `lookup`. An empty one is one that is not set.
    ///
    /// The names in lower case win, as with curl and Python. `HTTP_PROXY` is not believed in a
    /// CGI program, where a stranger may set it.
    pub fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let text = |name: &str| {
            let value = lookup(name)?.to_string_lossy().trim().to_owned();
            Some(value).filter(|value| !value.is_empty())
        };
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| text(name).map(|value| Variable { name, value }))
        };
        let is_cgi = lookup("REQUEST_METHOD").is_some();
        let all: [&'static str; 2] = ["all_proxy", "ALL_PROXY"];
        let http = if is_cgi { &["http_proxy"][..] } else { &["http_proxy", "HTTP_PROXY"] };
        Self {
            http_proxy: first(http).or_else(|| first(&all)),
            https_proxy: first(&["https_proxy", "HTTPS_PROXY"]).or_else(|| first(&all)),
            no_proxy: text("no_proxy").or_else(|| text("NO_PROXY")).unwrap_or_default(),
            bundles: bundles(lookup),
        }
    }
}

impl Network {
    /// No proxies, whatever the system says, and the authorities of the system.
    pub fn direct() -> Self {
        Self { no_proxy: "*".to_owned(), ..Self::default() }
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never a proxy's password.
        let name = |variable: &Option<Variable>| variable.as_ref().map(|variable| variable.name);
        f.debug_struct("Network")
            .field("http_proxy", &name(&self.http_proxy))
            .field("https_proxy", &name(&self.https_proxy))
            .field("no_proxy", &self.no_proxy)
            .field("bundles", &self.bundles)
            .finish()
    }
}

/// OpenSSL knows the first two (the second is a list of folders), requests and curl the others.
fn bundles(lookup: impl Fn(&str) -> Option<OsString>) -> Vec<(&'static str, PathBuf)> {
    let mut bundles = Vec::new();
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"] {
        let Some(value) = lookup(name) else { continue };
        let paths: Vec<PathBuf> = match name {
            "SSL_CERT_DIR" => std::env::split_paths(&value).collect(),
            _ => vec![PathBuf::from(value)],
        };
        let named = paths.into_iter().filter(|path| !path.as_os_str().is_empty());
        bundles.extend(named.map(|path| (name, path)));
    }
    bundles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Network {
        Network::read(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn proxies_are_those_that_python_would_use() {
        for (variables, http, https) in [
            (&[][..], None, None),
            (&[("HTTPS_PROXY", "")], None, None),
            (&[("ALL_PROXY", "a")], Some("ALL_PROXY"), Some("ALL_PROXY")),
            (&[("ALL_PROXY", "a"), ("http_proxy", "b")], Some("http_proxy"), Some("ALL_PROXY")),
            (&[("HTTP_PROXY", "a"), ("http_proxy", "b")], Some("http_proxy"), None),
            (&[("https_proxy", " "), ("HTTPS_PROXY", "b")], None, Some("HTTPS_PROXY")),
            (&[("HTTP_PROXY", "a"), ("REQUEST_METHOD", "GET")], None, None),
        ] {
            let network = read(variables);
            let name = |variable: Option<Variable>| variable.map(|variable| variable.name);
            assert_eq!(name(network.http_proxy), http, "{variables:?}");
            assert_eq!(name(network.https_proxy), https, "{variables:?}");
        }
    }

    #[test]
    fn passwords_are_not_told() {
        let told = format!("{:?}", read(&[("ALL_PROXY", "http://me:secret@proxy.test")]));
        assert!(told.contains("ALL_PROXY") && !told.contains("secret"), "{told}");
    }

    #[cfg(unix)]
    #[test]
    fn bundles_are_named_by_four_variables() {
        let network =
            read(&[("SSL_CERT_DIR", "/a::/b"), ("CURL_CA_BUNDLE", "/c"), ("SSL_CERT_FILE", "")]);
        let expected = [("SSL_CERT_DIR", "/a"), ("SSL_CERT_DIR", "/b"), ("CURL_CA_BUNDLE", "/c")];
        assert_eq!(network.bundles, expected.map(|(name, path)| (name, PathBuf::from(path))));
    }
}
