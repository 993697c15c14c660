//! Where a redirect leads, if it leads anywhere we go.
//!
//! Does not decide who sees the token: [`Authority`](super::request::Authority) does, per URL.

use url::Url;

use super::head::Head;
use crate::fault::Fault;

/// Redirects after which we give up.
pub const HOPS_MAX: usize = 10;

/// Where `head`, the answer to a request for `from`, sends us; `None` if it is no redirect.
///
/// `visited` are the URLs asked before `from` on this way. A way that is longer than
/// [`HOPS_MAX`], comes back to where it was, leaves https for http or leads to anything but a
/// web server is a fault.
pub fn follow(from: &Url, head: &Head, visited: &[Url]) -> Result<Option<Url>, Fault> {
    if !matches!(head.status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let malformed = |words: &str| Err(Fault::Malformed(words.to_owned()));
    let Some(location) = head.location().filter(|location| !location.is_empty()) else {
        return malformed("a redirect to nowhere");
    };
    let Ok(mut to) = from.join(location) else {
        return malformed("a redirect to what is no URL");
    };
    if !matches!(to.scheme(), "http" | "https") {
        return malformed("a redirect to another protocol");
    }
    if from.scheme() == "https" && to.scheme() == "http" {
        return malformed("a redirect from https to http");
    }
    if !to.username().is_empty() || to.password().is_some() {
        return malformed("a redirect with a password in it");
    }
    to.set_fragment(None);
    if visited.len() >= HOPS_MAX || to == *from || visited.contains(&to) {
        return Err(Fault::Redirects);
    }
    Ok(Some(to))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    fn malformed(words: &str) -> Result<Option<Url>, Fault> {
        Err(Fault::Malformed(words.to_owned()))
    }

    #[test]
    fn redirects_lead_to_web_servers() {
        let from = url("https://hub.example/a/b?c");
        let to = |text| Ok(Some(url(text)));
        for (location, expected) in [
            ("/x", to("https://hub.example/x")),
            ("x?y#z", to("https://hub.example/a/x?y")),
            ("https://cdn.example/x?Signature=%2F", to("https://cdn.example/x?Signature=%2F")),
            ("//cdn.example/x", to("https://cdn.example/x")),
            ("?d", to("https://hub.example/a/b?d")),
            ("", malformed("a redirect to nowhere")),
            ("https://", malformed("a redirect to what is no URL")),
            ("https://a:b:c/", malformed("a redirect to what is no URL")),
            ("file:///etc/passwd", malformed("a redirect to another protocol")),
            ("javascript:x", malformed("a redirect to another protocol")),
            ("http://hub.example/a/b", malformed("a redirect from https to http")),
            ("https://u:p@cdn.example/", malformed("a redirect with a password in it")),
            ("https://hub.example/a/b?c", Err(Fault::Redirects)),
            ("#top", Err(Fault::Redirects)),
            ("/seen", Err(Fault::Redirects)),
        ] {
            let head = Head::new(302, [("Location", location)]);
            let visited = [url("https://hub.example/seen")];
            assert_eq!(follow(&from, &head, &visited), expected, "{location:?}");
        }
    }

    #[test]
    fn plain_http_may_become_https() {
        let head = Head::new(301, [("Location", "https://hub.example/")]);
        let to = follow(&url("http://hub.example/"), &head, &[]);
        assert_eq!(to, Ok(Some(url("https://hub.example/"))));
    }

    #[test]
    fn only_redirects_redirect() {
        for (status, expected) in [
            (200, Ok(None)),
            (201, Ok(None)),
            (300, Ok(None)),
            (304, Ok(None)),
            (404, Ok(None)),
            (308, Ok(Some(url("https://hub.example/x")))),
        ] {
            let head = Head::new(status, [("Location", "/x")]);
            assert_eq!(follow(&url("https://hub.example/"), &head, &[]), expected, "{status}");
        }
        let head = Head::new::<&str, &str>(302, []);
        let to = follow(&url("https://hub.example/"), &head, &[]);
        assert_eq!(to, malformed("a redirect to nowhere"));
    }

    #[test]
    fn a_way_ends_after_ten_hops() {
        let mut visited = Vec::new();
        let mut at = url("https://hub.example/0");
        let end = loop {
            let next = format!("/{}", visited.len() + 1);
            match follow(&at, &Head::new(302, [("Location", &next)]), &visited) {
                Ok(Some(to)) => visited.push(std::mem::replace(&mut at, to)),
                other => break other,
            }
        };
        assert_eq!((visited.len(), end), (HOPS_MAX, Err(Fault::Redirects)));
    }

    proptest! {
        #[test]
        fn never_leaves_https(location in any::<String>(), status in 300_u16..309) {
            let head = Head::new(status, [("Location", location)]);
            if let Ok(Some(to)) = follow(&url("https://hub.example/"), &head, &[]) {
                prop_assert_eq!(to.scheme(), "https");
            }
        }
    }
}
