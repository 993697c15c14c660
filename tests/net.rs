//! The way to the hub, by the real command: proxies and certificates that are right or not, and
//! what a person is told of them.
//!
//! Compares no whole output; the suite of the command does.

#[path = "net/gate.rs"]
mod gate;
#[path = "net/middleman.rs"]
mod middleman;
#[path = "net/scene.rs"]
mod scene;

use gate::{Authority, Gate};
use middleman::{Manner, Middleman};
use scene::Scene;

#[tokio::test]
async fn a_certificate_that_is_not_right_is_told_in_plain_words() {
    let scene = Scene::new().await;
    let authority = Authority::new("An authority");
    let bundle = scene.write("authority.pem", &authority.pem());
    let bundle = ("SSL_CERT_FILE", bundle.as_str());
    let another = scene.write("another.pem", &Authority::new("Another").pem());
    let another = ("SSL_CERT_FILE", another.as_str());
    let self_made = Authority::self_made();
    for (certificate, variable, expected) in [
        (authority.issue("localhost", -90, -1), bundle, "ended "),
        (authority.issue("localhost", 1, 90), bundle, "begins "),
        (authority.issue("other.test", -1, 90), bundle, "not for localhost, but for other.test"),
        (authority.issue("localhost", -1, 90), another, "authority that this machine does not"),
        (self_made, another, "is by itself, not by an authority"),
    ] {
        let gate = Gate::new(scene.hub_port(), certificate).await;
        let shown = scene.fetch(&gate.endpoint(), &[variable]).await;
        assert!(shown.contains("exit code: 1\n"), "{shown}");
        assert!(shown.contains(expected), "{expected}: {shown}");
        assert!(shown.contains("SSL_CERT_FILE"), "the hint: {shown}");
    }
}

#[tokio::test]
async fn authorities_that_are_named_are_believed() {
    let scene = Scene::new().await;
    let authority = Authority::new("An authority");
    let file = scene.write("folder/authority.pem", &authority.pem());
    let folder = file.strip_suffix("/authority.pem").unwrap().to_owned();
    let gate = Gate::new(scene.hub_port(), authority.issue("localhost", -1, 90)).await;
    for (variable, path) in [
        ("SSL_CERT_FILE", &file),
        ("SSL_CERT_DIR", &folder),
        ("REQUESTS_CA_BUNDLE", &file),
        ("REQUESTS_CA_BUNDLE", &folder),
        ("CURL_CA_BUNDLE", &file),
    ] {
        let shown = scene.fetch(&gate.endpoint(), &[(variable, path)]).await;
        assert!(shown.contains("exit code: 0\n"), "{variable}={path}: {shown}");
    }
    // What `openssl req -x509` makes, and OpenSSL believes when it is named itself.
    let self_made = Authority::self_made();
    let pem = scene.write("self.pem", &self_made.pem());
    let gate = Gate::new(scene.hub_port(), self_made).await;
    let shown = scene.fetch(&gate.endpoint(), &[("SSL_CERT_FILE", &pem)]).await;
    assert!(shown.contains("exit code: 0\n"), "{shown}");
}

#[tokio::test]
async fn authorities_that_cannot_be_read_are_named_where_they_are_needed() {
    let scene = Scene::new().await;
    let empty = scene.write("empty.pem", "nothing\n");
    let missing = scene.path("missing.pem");
    let folder = scene.path("");
    for (variable, path, expected) in [
        ("SSL_CERT_FILE", &missing, "which cannot be read"),
        ("REQUESTS_CA_BUNDLE", &empty, "in which there is no certificate"),
        ("SSL_CERT_DIR", &folder, "in which there is no certificate"),
        ("CURL_CA_BUNDLE", &missing, "which cannot be read"),
    ] {
        let shown = scene.fetch("https://localhost:9", &[(variable, path)]).await;
        assert!(shown.contains("exit code: 1\n"), "{shown}");
        let told = format!("{variable} names {path}, {expected}");
        assert!(shown.contains(&told), "{told}: {shown}");
        let plain = scene.fetch(&scene.hub_endpoint(), &[(variable, path)]).await;
        assert!(plain.contains("exit code: 0\n"), "an http hub needs none: {plain}");
    }
}

#[tokio::test]
async fn a_proxy_brings_us_there() {
    let scene = Scene::new().await;
    let authority = Authority::new("An authority");
    let pem = scene.write("authority.pem", &authority.pem());
    let gate = Gate::new(scene.hub_port(), authority.issue("localhost", -1, 90)).await;
    for (manner, scheme) in
        [(Manner::Forward, "http"), (Manner::Forward, "https"), (Manner::Socks, "https")]
    {
        let proxy = Middleman::new(manner).await;
        let address = match manner {
            Manner::Socks => proxy.address("socks5h"),
            Manner::Forward | Manner::Answer(_) => proxy.address("http"),
        };
        let endpoint = if scheme == "https" { gate.endpoint() } else { scene.hub_endpoint() };
        let variables = [("ALL_PROXY", address.as_str()), ("SSL_CERT_FILE", &pem)];
        let shown = scene.fetch(&endpoint, &variables).await;
        assert!(shown.contains("exit code: 0\n"), "{manner:?} {scheme}: {shown}");
        assert!(proxy.count() > 0, "{manner:?} {scheme}: nothing went through it");
    }
}

/// The statuses are those of squid: 407 without credentials, 403 for what its rules deny, 502 and
/// 503 where it cannot get through.
#[tokio::test]
async fn a_proxy_that_refuses_is_named_and_its_password_is_not() {
    let scene = Scene::new().await;
    for (status, scheme, code, expected) in [
        (407, "https", 1, "wants a user name and a password (HTTP 407)"),
        (407, "http", 1, "wants a user name and a password (HTTP 407)"),
        (403, "https", 1, "does not allow connections to hub.test (HTTP 403)"),
        (502, "https", 7, "cannot connect to hub.test (HTTP 502)"),
        (503, "https", 7, "cannot connect to hub.test (HTTP 503)"),
    ] {
        let proxy = Middleman::new(Manner::Answer(status)).await;
        let address = proxy.address("http").replace("://", "://me:secret@");
        let endpoint = format!("{scheme}://hub.test");
        let shown = scene.fetch(&endpoint, &[("ALL_PROXY", &address)]).await;
        assert!(shown.contains(&format!("exit code: {code}\n")), "{status}: {shown}");
        let told = format!("the proxy {} {expected}", proxy.authority());
        assert!(shown.contains(&told), "{told}: {shown}");
        assert!(!shown.contains("secret"), "{shown}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named_instead_of_the_hub() {
    let scene = Scene::new().await;
    let closed = Middleman::new(Manner::Forward).await.close().await;
    let closed_socks = closed.replace("http:", "socks5h:");
    for (address, expected) in [
        // Reserved (RFC 2606); a resolver that is out of reach cannot say that it does not exist.
        ("http://me:secret@proxy.invalid:3128", "proxy.invalid"),
        ("socks5h://me:secret@proxy.invalid", "proxy.invalid"),
        (closed.as_str(), "refuses connections"),
        (closed_socks.as_str(), "refuses connections"),
        ("http://me:secret@:3128", "HTTPS_PROXY is no address of a proxy"),
        ("gopher://me:secret@proxy.test", "HTTPS_PROXY is no address of a proxy"),
    ] {
        let shown = scene.fetch("https://hub.test", &[("HTTPS_PROXY", address)]).await;
        assert!(!shown.contains("exit code: 0\n"), "{shown}");
        assert!(shown.contains(expected), "{expected}: {shown}");
        assert!(!shown.contains("secret"), "{shown}");
    }
}

#[tokio::test]
async fn no_proxy_is_used_where_none_is_wanted() {
    let scene = Scene::new().await;
    let proxy = Middleman::new(Manner::Answer(403)).await;
    for (variable, list) in
        [("NO_PROXY", "*"), ("no_proxy", "a.test, *"), ("NO_PROXY", "127.0.0.0/8")]
    {
        let address = proxy.address("http");
        let variables = [("HTTP_PROXY", address.as_str()), (variable, list)];
        let shown = scene.fetch(&scene.hub_endpoint(), &variables).await;
        assert!(shown.contains("exit code: 0\n"), "{variable}={list}: {shown}");
    }
    assert_eq!(proxy.count(), 0);
}
