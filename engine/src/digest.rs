//! Digests as values: what the publisher promises of a file, what we recorded of a range.
//!
//! Computes none: the shell measures, the machine judges.

use std::fmt;
use std::str::FromStr;

/// What the publisher says a whole file hashes to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileDigest {
    /// SHA-256 of the content: an LFS oid, or what a person gave with `--sha256`.
    Sha256([u8; 32]),
    /// SHA-1 of `"blob {len}\0"` and the content: git's name for a small file.
    GitSha1([u8; 20]),
}

impl FileDigest {
    /// The digest as lower-case hex, which is also the blob's name in the cache.
    pub fn hex(&self) -> String {
        match self {
            Self::Sha256(bytes) => hex(bytes),
            Self::GitSha1(bytes) => hex(bytes),
        }
    }
}

impl FromStr for FileDigest {
    type Err = NotADigest;

    /// 64 hex digits are a SHA-256, 40 are a git blob's SHA-1.
    fn from_str(text: &str) -> Result<Self, NotADigest> {
        match text.len() {
            64 => parse_hex(text).map(Self::Sha256),
            40 => parse_hex(text).map(Self::GitSha1),
            _ => None,
        }
        .ok_or(NotADigest)
    }
}

impl fmt::Debug for FileDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256(_) => write!(f, "sha256:{}", self.hex()),
            Self::GitSha1(_) => write!(f, "git-sha1:{}", self.hex()),
        }
    }
}

impl fmt::Display for FileDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The text is neither 64 nor 40 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotADigest;

impl fmt::Display for NotADigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a digest is 64 (SHA-256) or 40 (git SHA-1) hex digits")
    }
}

impl std::error::Error for NotADigest {}

/// BLAKE3 of a range as it was received. It finds later damage on this disk; it says nothing
/// about the origin.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RangeDigest(pub [u8; 32]);

impl fmt::Debug for RangeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blake3:{}", hex(&self.0[..6]))
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        let &[high, low] = pair else { return None };
        let value = char::from(high).to_digit(16)? << 4 | char::from(low).to_digit(16)?;
        *byte = u8::try_from(value).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_round_trips() {
        let sha256 = "b9a46943f30c38ebed71581b6e4ef89a1285c8d404dc3aea3af1c3efdc7395df";
        assert_eq!(sha256.parse::<FileDigest>().map(|digest| digest.hex()), Ok(sha256.to_owned()));
        let sha1 = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
        assert_eq!(sha1.parse::<FileDigest>().map(|digest| digest.hex()), Ok(sha1.to_owned()));
    }

    #[test]
    fn other_text_is_no_digest() {
        for text in ["", "abc", &"g".repeat(64), &"é".repeat(32), &"0".repeat(41)] {
            assert_eq!(text.parse::<FileDigest>(), Err(NotADigest), "{text:?}");
        }
    }
}
