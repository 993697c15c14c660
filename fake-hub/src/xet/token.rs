//! Access tokens of the CAS: good for the files of one repository, until a time.
//!
//! Who may have one is the hub's business.

use std::time::Duration;

use crate::digest::sha256_of;
use crate::repo_id::RepoId;

/// Issues and checks access tokens with a secret drawn from the seed.
#[derive(Debug, Clone)]
pub(crate) struct Passes {
    secret: u64,
    lifetime: Duration,
}

impl Passes {
    pub(crate) fn new(secret: u64, lifetime: Duration) -> Self {
        Self { secret, lifetime }
    }

    /// A token from `now` on, and when it ends: whole seconds since 1970, of which the token
    /// itself knows the milliseconds, so that lifetimes below a second work.
    pub(crate) fn issue(&self, repo: &RepoId, now: Duration) -> (String, u64) {
        let expires_ms = (now + self.lifetime).as_millis() as u64;
        let name: String = repo.to_string().bytes().map(|byte| format!("{byte:02x}")).collect();
        let signature = self.signature(&name, expires_ms);
        (format!("xet_{expires_ms}_{name}_{signature}"), expires_ms / 1000)
    }

    /// Whose files the bearer may have at `now`.
    pub(crate) fn check(&self, token: &str, now: Duration) -> Option<RepoId> {
        let (expires_ms, rest) = token.strip_prefix("xet_")?.split_once('_')?;
        let (name, signature) = rest.split_once('_')?;
        let expires_ms = expires_ms.parse::<u64>().ok()?;
        let is_good = self.signature(name, expires_ms) == signature;
        if !is_good || now.as_millis() >= u128::from(expires_ms) {
            return None;
        }
        let digits: Option<Vec<u8>> = name
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        let Ok(repo) = String::from_utf8(digits?).ok()?.parse();
        Some(repo)
    }

    fn signature(&self, name: &str, expires_ms: u64) -> String {
        let signed = format!("{:016x}|{name}|{expires_ms}", self.secret);
        sha256_of(signed.as_bytes())[..40].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_repository_and_its_time() {
        let passes = Passes::new(7, Duration::from_millis(300));
        let now = Duration::from_millis(1_700_000_000_900);
        let Ok(repo) = "datasets/o/n".parse::<RepoId>();
        let (token, expires) = passes.issue(&repo, now);
        let later = |millis| now + Duration::from_millis(millis);
        assert_eq!(expires, 1_700_000_001);
        assert_eq!(passes.check(&token, later(299)), Some(repo));
        assert_eq!(passes.check(&token, later(300)), None);
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] ^= 1;
            let forged = String::from_utf8(bytes).unwrap();
            assert_eq!(passes.check(&forged, now), None, "{forged}");
        }
        let longer = token.replace("xet_17", "xet_18");
        assert_eq!(passes.check(&longer, now), None);
    }
}
