//! Signed URLs of the CDN: who may fetch what, until when.
//!
//! The shape is CloudFront's; the signature is only as strong as a test needs.

use std::time::Duration;

use url::form_urlencoded;

use crate::digest::sha256_of;

/// Signs and checks CDN URLs with a secret drawn from the seed.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    secret: u64,
    lifetime: Duration,
}

/// Why a URL is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadUrl {
    Unsigned,
    Forged,
    Expired,
}

impl Signer {
    pub(crate) fn new(secret: u64, lifetime: Duration) -> Self {
        Self { secret, lifetime }
    }

    /// The query that lets anyone fetch `path` from `host` from `now` on, for the lifetime.
    ///
    /// `Expires` has whole seconds, as everywhere; the signature carries the milliseconds, so
    /// that lifetimes below a second work.
    pub(crate) fn query(&self, host: &str, path: &str, now: Duration) -> String {
        let expires_ms = (now + self.lifetime).as_millis() as u64;
        let signature = self.signature(host, path, expires_ms);
        let seconds = expires_ms / 1000;
        format!("Expires={seconds}&Signature={signature}&Key-Pair-Id={KEY_PAIR_ID}")
    }

    /// Whether `query` lets the bearer fetch `path` from `host` at `now`.
    pub(crate) fn check(
        &self,
        host: &str,
        path: &str,
        query: &str,
        now: Duration,
    ) -> Result<(), BadUrl> {
        let field = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let (Some(expires), Some(signature)) = (field("Expires"), field("Signature")) else {
            return Err(BadUrl::Unsigned);
        };
        let millis = signature.split_once('.').and_then(|(millis, _)| millis.parse::<u64>().ok());
        let (Ok(seconds), Some(millis)) = (expires.parse::<u64>(), millis) else {
            return Err(BadUrl::Forged);
        };
        let expires_ms = seconds.saturating_mul(1000).saturating_add(millis);
        if self.signature(host, path, expires_ms) != signature {
            return Err(BadUrl::Forged);
        }
        if now.as_millis() >= u128::from(expires_ms) {
            return Err(BadUrl::Expired);
        }
        Ok(())
    }

    fn signature(&self, host: &str, path: &str, expires_ms: u64) -> String {
        let signed = format!("{:016x}|{host}|{path}|{expires_ms}", self.secret);
        format!("{:03}.{}", expires_ms % 1000, &sha256_of(signed.as_bytes())[..40])
    }
}

const KEY_PAIR_ID: &str = "K2FAKEHUB0KEYS";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_good_for_its_host_its_path_and_its_time() {
        let signer = Signer::new(7, Duration::from_millis(300));
        let now = Duration::from_millis(1_700_000_000_900);
        let query = signer.query("cdn", "/a", now);
        let later = |millis| now + Duration::from_millis(millis);
        let forged = query.replace("Signature=", "Signature=0");
        let longer = query.replace("Expires=17", "Expires=18");
        let table = [
            ("cdn", "/a", query.as_str(), later(0), Ok(())),
            ("cdn", "/a", query.as_str(), later(299), Ok(())),
            ("cdn", "/a", query.as_str(), later(300), Err(BadUrl::Expired)),
            ("cdn", "/b", query.as_str(), later(0), Err(BadUrl::Forged)),
            ("hub", "/a", query.as_str(), later(0), Err(BadUrl::Forged)),
            ("cdn", "/a", forged.as_str(), later(0), Err(BadUrl::Forged)),
            ("cdn", "/a", longer.as_str(), later(0), Err(BadUrl::Forged)),
            ("cdn", "/a", "", later(0), Err(BadUrl::Unsigned)),
        ];
        for (host, path, query, now, expected) in table {
            assert_eq!(signer.check(host, path, query, now), expected, "{host}{path}?{query}");
        }
    }
}
