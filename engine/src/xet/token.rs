//! The right to read from the content-addressed storage, as the hub hands it out.
//!
//! Asks for none, and does not know the time: when to ask again is for whoever has a clock.

use std::fmt;

use serde::Deserialize;
use url::Url;

use super::hash::XetHash;
use crate::hub::endpoint::Endpoint;
use crate::hub::request::{Authority, Token};

/// A secret for the storage, where that is, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadToken {
    /// What the storage, and nobody else, may see. It is never printed.
    pub secret: Token,
    /// Until when, in seconds since 1970.
    pub expires: u64,
    /// Where the storage is.
    pub cas: Endpoint,
}

/// Bytes of the hub's answer that are believed. The sender need not read further.
pub const BODY_MAX: usize = 64 * 1024;

impl ReadToken {
    /// Reads the hub's answer: `{"accessToken": …, "exp": …, "casUrl": …}`.
    pub fn read(body: &[u8]) -> Result<Self, Malformed> {
        if body.len() > BODY_MAX {
            return Err(Malformed("is too long"));
        }
        let token: TokenJson =
            serde_json::from_slice(body).map_err(|_| Malformed("is not the JSON expected"))?;
        Ok(Self {
            secret: token.access_token.parse().map_err(|_| Malformed("has no good secret"))?,
            expires: token.exp,
            cas: token.cas_url.parse().map_err(|_| Malformed("has no good address"))?,
        })
    }

    /// Whether the secret may be shown to that storage when it comes from this hub: never in clear
    /// what has come encrypted.
    pub fn is_for(&self, hub: &Endpoint) -> bool {
        self.cas.base().scheme() == "https" || hub.base().scheme() != "https"
    }

    /// Who may see the secret: the storage alone.
    pub fn authority(&self) -> Authority {
        Authority { endpoint: self.cas.clone(), token: Some(self.secret.clone()) }
    }

    /// Where to ask how to reconstruct a file, by which version of the interface: 1 or 2.
    pub fn reconstruction_url(&self, version: u8, file: XetHash) -> Url {
        self.url(&format!("v{version}/reconstructions/{file}"))
    }

    /// Where to ask for a shard that lists the chunks of xorbs, among them this one.
    pub fn shard_url(&self, chunk: XetHash) -> Url {
        self.url(&format!("v1/chunks/default-merkledb/{chunk}"))
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.cas.base().clone();
        url.set_path(&format!("{}{path}", url.path()));
        url
    }
}

/// What is wrong with an answer. Repeats nothing of it, since it may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(&'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the answer that should have a token for the storage {}", self.0)
    }
}

impl std::error::Error for Malformed {}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenJson {
    access_token: String,
    exp: u64,
    cas_url: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::range_set::tests::seeded;

    const ANSWER: &str =
        r#"{"accessToken":"ey.J-q_Q","exp":1756489133,"casUrl":"https://cas.example/a","x":[]}"#;

    #[test]
    fn a_token_is_for_the_storage_alone_and_never_printed() {
        let token = ReadToken::read(ANSWER.as_bytes()).unwrap();
        assert_eq!(token.expires, 1_756_489_133);
        let hash = XetHash::ZERO;
        let url = token.reconstruction_url(2, hash);
        assert_eq!(url.as_str(), format!("https://cas.example/a/v2/reconstructions/{hash}"));
        let shard = token.shard_url(hash);
        let expected = format!("https://cas.example/a/v1/chunks/default-merkledb/{hash}");
        assert_eq!(shard.as_str(), expected);
        let authority = token.authority();
        assert_eq!(authority.authorization_for(&url), Some("Bearer ey.J-q_Q".to_owned()));
        let elsewhere = "https://cdn.example/".parse().unwrap();
        assert_eq!(authority.authorization_for(&elsewhere), None);
        assert!(!format!("{token:?}").contains("ey.J"));
    }

    #[test]
    fn a_secret_is_not_shown_in_clear() {
        for (hub, cas, expected) in [
            ("https://hub.example", "https://cas.example", true),
            ("https://hub.example", "http://cas.example", false),
            ("http://hub.example", "http://cas.example", true),
            ("http://hub.example", "https://cas.example", true),
        ] {
            let token = ReadToken::read(ANSWER.replace("https://cas.example", cas).as_bytes());
            assert_eq!(token.unwrap().is_for(&hub.parse().unwrap()), expected, "{hub} {cas}");
        }
    }

    #[test]
    fn other_answers_are_refused_without_being_repeated() {
        for (from, to) in [
            ("ey.J-q_Q", ""),
            ("ey.J-q_Q", "a b"),
            ("ey.J-q_Q", "a\\r\\nb"),
            ("1756489133", "-1"),
            ("1756489133", "1e99"),
            ("1756489133", "\"soon\""),
            ("https://cas.example/a", "file:///etc"),
            ("https://cas.example/a", "https://u:p@cas.example"),
            ("https://cas.example/a", "cas.example"),
            ("accessToken", "token"),
            ("exp", "expires"),
            ("casUrl", "cas"),
            ("}", ""),
        ] {
            let answer = ANSWER.replace(from, to);
            let flaw = ReadToken::read(answer.as_bytes()).expect_err(&answer);
            assert!(!flaw.to_string().contains("ey.J"), "{flaw}");
        }
        let long = format!("{ANSWER}{}", " ".repeat(BODY_MAX));
        assert_eq!(ReadToken::read(long.as_bytes()), Err(Malformed("is too long")));
    }

    proptest! {
        #![proptest_config(seeded(500))]

        #[test]
        fn mutated_answers_never_panic(at in 0..ANSWER.len(), byte in any::<u8>()) {
            let mut answer = ANSWER.as_bytes().to_vec();
            answer[at] = byte;
            let _ = ReadToken::read(&answer);
            let _ = ReadToken::read(&answer[..at]);
        }
    }
}
