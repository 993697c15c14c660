//! Signed URLs of the storage hosts: who may fetch what, until when, and with which `Range`.
//!
//! The shape is that of the real hosts of 2026; the signature is only as strong as a test needs.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::digest::sha256_of;
use crate::shape::{fill, storage};

/// Signs and checks URLs with a secret drawn from the seed.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    secret: u64,
    lifetime: Duration,
}

/// Why a URL is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadUrl {
    Unsigned,
    /// It is another URL than was signed: one with its question in another order, for example.
    Resource,
    Key,
    Expired,
    /// The `Range` header is not the one that was signed.
    Range,
}

/// What a URL is to be signed for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grant<'a> {
    pub(crate) host: &'a str,
    pub(crate) path: &'a str,
    /// The query before the signature.
    pub(crate) question: &'a str,
    /// The `Range` header that a request has to have, if it has to have one.
    pub(crate) range: Option<&'a str>,
}

impl Signer {
    pub(crate) fn new(secret: u64, lifetime: Duration) -> Self {
        Self { secret, lifetime }
    }

    /// The URL that is good from `now` on, for the lifetime.
    ///
    /// `Expires` has whole seconds, as everywhere; the signature carries the milliseconds, so
    /// that lifetimes below a second work.
    pub(crate) fn url(&self, grant: Grant<'_>, now: Duration) -> String {
        let Grant { host, path, question, range } = grant;
        let expires = now + self.lifetime;
        let time = expires.as_secs().to_string();
        let url = format!("http://{host}{path}");
        let range = range.and_then(|range| fill(storage::POLICY_RANGE, &[("range", range)]));
        let policy = fill(
            storage::POLICY,
            &[
                ("url", &url),
                ("question", &question.replace('*', "%2A")),
                ("time", &time),
                ("range", range.as_deref().unwrap_or_default()),
            ],
        );
        let policy = encode(policy.unwrap_or_default().as_bytes());
        let query = |signature: &str| {
            let words = [
                ("question", question),
                ("time", time.as_str()),
                ("policy", policy.as_str()),
                ("signature", signature),
                ("key", storage::KEY),
            ];
            let signed = fill(storage::SIGNED, &words).unwrap_or_default();
            // Only some have it, and it may not matter which.
            let is_new = sha256_of(path.as_bytes()).starts_with(['0', '1', '2', '3']);
            signed + if is_new { storage::ALGORITHM } else { "" }
        };
        let signature = self.signature(host, path, &query(""), expires.subsec_millis());
        format!("{url}?{}", query(&signature))
    }

    /// Whether the URL is good at `now` for a request with this `Range` header.
    pub(crate) fn check(
        &self,
        host: &str,
        path: &str,
        query: &str,
        range: Option<&str>,
        now: Duration,
    ) -> Result<(), BadUrl> {
        let field = |name: &str| {
            let mut fields = query.split('&').filter_map(|field| field.split_once('='));
            fields.find(|(key, _)| *key == name).map(|(_, value)| value).ok_or(BadUrl::Unsigned)
        };
        let (signature, policy) = (field("Signature")?, field("Policy")?);
        if field("Key-Pair-Id")? != storage::KEY {
            return Err(BadUrl::Key);
        }
        let seconds = field("Expires")?.parse::<u64>().map_err(|_| BadUrl::Resource)?;
        let millis = signature.get(..3).and_then(|millis| millis.parse::<u32>().ok());
        let millis = millis.ok_or(BadUrl::Resource)?;
        let bare = query.replace(signature, "");
        if self.signature(host, path, &bare, millis) != signature {
            return Err(BadUrl::Resource);
        }
        let expires = Duration::from_secs(seconds) + Duration::from_millis(millis.into());
        if now >= expires {
            return Err(BadUrl::Expired);
        }
        match signed_range(policy) {
            Some(signed) if !is_signed(&signed, range) => Err(BadUrl::Range),
            Some(_) | None => Ok(()),
        }
    }

    fn signature(&self, host: &str, path: &str, query: &str, millis: u32) -> String {
        let signed = format!("{:016x}|{host}|{path}|{query}|{millis}", self.secret);
        let digest = sha256_of(signed.as_bytes());
        format!("{millis:03}{}", encode(digest.as_bytes()))
    }
}

/// The `Range` header that a policy wants.
fn signed_range(policy: &str) -> Option<String> {
    let policy: Value = serde_json::from_slice(&decode(policy)?).ok()?;
    let condition = &policy["Statement"][0]["Condition"];
    condition["ByteRange"]["ExpectedHeader"].as_str().map(str::to_owned)
}

/// Whether a header is the signed one: that text, or, since real clients take a URL apart, one of
/// its ranges.
fn is_signed(signed: &str, range: Option<&str>) -> bool {
    let Some(range) = range.map(str::trim) else { return false };
    let one = range.strip_prefix(UNIT);
    let is_one = || one.is_some_and(|one| signed[UNIT.len()..].split(',').any(|it| it == one));
    range == signed || (signed.starts_with(UNIT) && is_one())
}

/// Base64 with the three characters that a query cannot hold replaced, as CloudFront began it.
fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes).replace('+', "-").replace('=', "_").replace('/', "~")
}

fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.replace('-', "+").replace('_', "=").replace('~', "/")).ok()
}

const UNIT: &str = "bytes=";

#[cfg(test)]
mod tests {
    use super::*;

    const GRANT: Grant<'_> =
        Grant { host: "cdn", path: "/a", question: "x=*%27+&y=2", range: None };

    #[test]
    fn a_url_is_good_for_itself_and_its_time() {
        let signer = Signer::new(7, Duration::from_millis(300));
        let now = Duration::from_millis(1_700_000_000_900);
        let url = signer.url(GRANT, now);
        let query = url.strip_prefix("http://cdn/a?").unwrap();
        assert!(query.starts_with("x=*%27+&y=2&Expires=1700000001&Policy=eyJ"), "{query}");
        let later = |millis| now + Duration::from_millis(millis);
        let resource = Err(BadUrl::Resource);
        let with = |from: &str, to: &str| query.replace(from, to);
        let table = [
            ("cdn", "/a", query.to_owned(), later(0), Ok(())),
            ("cdn", "/a", query.to_owned(), later(299), Ok(())),
            ("cdn", "/a", query.to_owned(), later(300), Err(BadUrl::Expired)),
            ("cdn", "/b", query.to_owned(), later(0), resource),
            ("hub", "/a", query.to_owned(), later(0), resource),
            ("cdn", "/a", with("Signature=", "Signature=0"), later(0), resource),
            ("cdn", "/a", with("Expires=17", "Expires=18"), later(0), resource),
            ("cdn", "/a", with("x=*%27+&y=2", "y=2&x=*%27+"), later(0), resource),
            ("cdn", "/a", with("*", "%2A"), later(0), resource),
            ("cdn", "/a", with("%27", "'"), later(0), resource),
            ("cdn", "/a", with("+", "%20"), later(0), resource),
            ("cdn", "/a", with("&y=2", "&y=2&z=3"), later(0), resource),
            ("cdn", "/a", with("Key-Pair-Id=0", "Key-Pair-Id=1"), later(0), Err(BadUrl::Key)),
            ("cdn", "/a", String::new(), later(0), Err(BadUrl::Unsigned)),
        ];
        for (host, path, query, now, expected) in table {
            let found = signer.check(host, path, &query, Some("bytes=0-1"), now);
            assert_eq!(found, expected, "{host}{path}?{query}");
        }
    }

    #[test]
    fn a_range_is_signed_as_a_text() {
        let signer = Signer::new(7, Duration::from_secs(1));
        for (signed, range, is_good) in [
            ("bytes=5-9", Some("bytes=5-9"), true),
            ("bytes=5-9", Some("bytes=5-8"), false),
            ("bytes=5-9", Some("bytes=6-9"), false),
            ("bytes=5-9", None, false),
            ("bytes=5-9,20-29", Some("bytes=5-9,20-29"), true),
            ("bytes=5-9,20-29", Some("bytes=20-29"), true),
            ("bytes=5-9,20-29", Some("bytes=20-29,5-9"), false),
        ] {
            let url = signer.url(Grant { range: Some(signed), ..GRANT }, Duration::ZERO);
            let query = url.split_once('?').unwrap().1;
            let found = signer.check("cdn", "/a", query, range, Duration::ZERO);
            let expected = if is_good { Ok(()) } else { Err(BadUrl::Range) };
            assert_eq!(found, expected, "{signed} {range:?}");
        }
    }

    #[test]
    fn the_policy_says_what_was_signed() {
        let url = Signer::new(7, Duration::from_secs(60))
            .url(Grant { range: Some("bytes=0-9"), ..GRANT }, Duration::from_secs(1));
        let policy = url.split("Policy=").nth(1).unwrap().split('&').next().unwrap();
        let text = String::from_utf8(decode(policy).unwrap()).unwrap();
        let expected = concat!(
            r#"{"Statement":[{"Resource":"http://cdn/a\\?x=%2A%27+&y=2","#,
            r#""Condition":{"DateLessThan":{"EpochTime":61},"#,
            r#""ByteRange":{"ExpectedHeader":"bytes=0-9"}}}]}"#,
        );
        assert_eq!(text, expected);
    }
}
