//! Whether a web page that came instead of an answer is the login page of a network, or the page of
//! a server that is no hub at all.
//!
//! Neither can be known for certain; what is knowable, and why it decides, stands below.

use url::Url;

use super::endpoint::Endpoint;

/// Whether `body`, the beginning of a web page that `url` gave with `status` where `endpoint`
/// should answer, looks like a network's login page: one that goes away when somebody signs in.
///
/// - A request that was led to another host and ended at a good page: captive portals do that (RFC
///   8910 describes them), and so do companies with a single sign-on. Not if the page says that it
///   does not exist: so do web servers that have moved.
/// - A field for a password, in any language.
/// - Without TLS, words that login pages of networks use. With TLS they prove nothing: a network
///   cannot answer in the name of a host whose certificate it does not have, so that the page is
///   the host's own.
/// - The public hub is a hub. A page in its name comes from a proxy that inspects connections.
pub(super) fn is_sign_in(endpoint: &Endpoint, url: &Url, status: u16, body: &[u8]) -> bool {
    let is_led_away = endpoint.base().host() != url.host() && status == 200;
    if is_led_away || *endpoint == Endpoint::default() {
        return true;
    }
    let text = String::from_utf8_lossy(body).to_lowercase();
    let has = |word: &&str| text.contains(*word);
    PASSWORD_FIELDS.iter().any(has) || (url.scheme() == "http" && WORDS.iter().any(has))
}

const PASSWORD_FIELDS: [&str; 3] = ["type=\"password\"", "type='password'", "type=password"];

/// `WISPAccessGatewayParam` is what hotspots tell programs that sign in by themselves.
const WORDS: [&str; 20] = [
    "wispaccessgatewayparam",
    "captive",
    "hotspot",
    "wi-fi",
    "wifi",
    "wlan",
    "guest",
    "sign in",
    "sign-in",
    "signin",
    "log in",
    "log-in",
    "login",
    "log on",
    "logon",
    "authenticat",
    "accept the terms",
    "terms and conditions",
    "http-equiv=\"refresh\"",
    "http-equiv='refresh'",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_pages_are_told_from_other_pages() {
        let guest = "<html><h1>Welcome to the guest network</h1>";
        // What nginx and Apache show when they are new, and what `python3 -m http.server` says.
        let nginx = "<!DOCTYPE html><title>Welcome to nginx!</title><h1>Welcome to nginx!</h1>";
        let apache = "<html><body><h1>It works!</h1></body></html>";
        let python = "<title>Error response</title><p>Error code: 404</p><p>File not found</p>";
        let password = "<form><input name=p TYPE=\"password\"></form>";
        let refresh = "<meta http-equiv=\"refresh\" content=\"0; url=http://10.0.0.1/login\">";
        let hub = "https://huggingface.co";
        for (endpoint, url, status, body, expected) in [
            ("http://hub:80", "http://hub/x", 200, guest, true),
            ("http://hub:80", "http://hub/x", 200, refresh, true),
            ("http://hub:80", "http://hub/x", 200, nginx, false),
            ("http://hub:80", "http://hub/x", 200, apache, false),
            ("http://hub:80", "http://hub/x", 404, python, false),
            ("http://hub:80", "http://hub/x", 200, "", false),
            ("http://hub:80", "http://10.0.0.1/", 200, nginx, true),
            ("http://hub:80", "https://hub/x", 200, nginx, false),
            ("http://hub:80", "http://www.hub/x", 404, nginx, false),
            ("https://mirror", "https://mirror/x", 200, guest, false),
            ("https://mirror", "https://mirror/x", 200, password, true),
            ("https://mirror", "https://sso.example/", 200, "", true),
            (hub, "https://huggingface.co/x", 404, nginx, true),
        ] {
            let (endpoint, url) = (endpoint.parse().unwrap(), url.parse().unwrap());
            let found = is_sign_in(&endpoint, &url, status, body.as_bytes());
            assert_eq!(found, expected, "{endpoint} {url} {status} {body}");
        }
    }
}
