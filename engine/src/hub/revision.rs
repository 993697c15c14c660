//! Which state of a repository is meant: a branch, tag or pull request, or a commit.
//!
//! Resolves nothing: only the hub knows which commit a branch is at.

use std::fmt;
use std::str::FromStr;

use super::path::portable_flaw;

/// The name of a branch, tag, pull request (`refs/pr/1`) or commit, safe as a path in the cache.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(String);

impl Revision {
    /// The branch that is meant when none is named.
    pub fn main() -> Self {
        Self("main".to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The commit, if this names one in full.
    pub fn commit(&self) -> Option<Commit> {
        self.0.parse().ok()
    }
}

impl FromStr for Revision {
    type Err = BadRevision;

    /// By the rules of `git check-ref-format`, and those of file names, since the cache has a
    /// file of that name in `refs/`.
    fn from_str(name: &str) -> Result<Self, BadRevision> {
        let forbidden = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
        let is_good = name.len() <= LENGTH_MAX
            && !name.contains(forbidden)
            && !name.contains("..")
            && !name.contains("@{")
            && !name.starts_with('-')
            && name != "@"
            && name.split('/').all(is_good_part);
        if is_good { Ok(Self(name.to_owned())) } else { Err(BadRevision(name.to_owned())) }
    }
}

impl From<&Commit> for Revision {
    fn from(commit: &Commit) -> Self {
        Self(commit.0.clone())
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text that cannot be the name of a branch, tag or commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRevision(String);

impl fmt::Display for BadRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} cannot be a revision: give a branch, a tag, a commit or refs/pr/NUMBER",
            self.0
        )
    }
}

impl std::error::Error for BadRevision {}

/// A commit in full: 40 hex digits, in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Commit(String);

impl Commit {
    /// The 40 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Commit {
    type Err = NotACommit;

    fn from_str(text: &str) -> Result<Self, NotACommit> {
        if text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(NotACommit)
        }
    }
}

impl fmt::Debug for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not 40 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotACommit;

impl fmt::Display for NotACommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a commit is 40 hex digits")
    }
}

impl std::error::Error for NotACommit {}

fn is_good_part(part: &str) -> bool {
    !part.starts_with('.') && !part.ends_with(".lock") && portable_flaw(part).is_none()
}

const LENGTH_MAX: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_revisions_pass() {
        for name in ["main", "v1.0", "refs/pr/1", "refs/convert/parquet", "feature/a@b", "naïve"] {
            assert_eq!(name.parse::<Revision>().map(|it| it.to_string()), Ok(name.to_owned()));
        }
    }

    #[test]
    fn what_git_or_the_cache_cannot_hold_is_refused() {
        let long = "a".repeat(256);
        for name in [
            "", "/", "a/", "/a", "a//b", ".", "..", "../x", "a/../b", "a..b", ".a", "a/.b", "a.",
            "a.lock", "a b", "a:b", "a\\b", "a?b", "a*", "a[b", "a~1", "a^", "@", "a@{1}", "-a",
            "a\nb", "a\0", "CON", "a/nul", &long,
        ] {
            assert!(name.parse::<Revision>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_commit_is_40_hex_digits() {
        let commit = "0123456789ABCDEF0123456789abcdef01234567";
        let parsed = commit.parse::<Commit>().unwrap();
        assert_eq!(parsed.as_str(), commit.to_lowercase());
        assert_eq!(commit.parse::<Revision>().unwrap().commit(), Some(parsed));
        for text in ["", "main", &commit[1..], &format!("{commit}0"), &"g".repeat(40)] {
            assert_eq!(text.parse::<Commit>(), Err(NotACommit), "{text:?}");
        }
    }
}
