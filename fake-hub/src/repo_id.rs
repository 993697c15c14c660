//! What a repository is called: its kind and its name.
//!
//! Whether there is such a repository is not known here.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use crate::digest::sha1_of;

/// The three kinds of repositories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RepoKind {
    /// `org/name`
    Model,
    /// `datasets/org/name`
    Dataset,
    /// `spaces/org/name`
    Space,
}

impl RepoKind {
    /// The word in URLs: `models`, `datasets`, `spaces`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Model => "models",
            Self::Dataset => "datasets",
            Self::Space => "spaces",
        }
    }

    /// The kind that [`Self::plural`] names.
    pub fn from_plural(word: &str) -> Option<Self> {
        [Self::Model, Self::Dataset, Self::Space].into_iter().find(|kind| kind.plural() == word)
    }
}

/// A repository's kind and name. Its text form is `org/name` or `datasets/org/name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RepoId {
    /// Model, dataset or space.
    pub kind: RepoKind,
    /// `org/name`, or `name` alone.
    pub name: String,
}

impl RepoId {
    /// The 24 hex digits by which the storage knows it.
    pub(crate) fn object_id(&self) -> String {
        sha1_of(self.to_string().as_bytes())[..24].to_owned()
    }
}

impl FromStr for RepoId {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let prefixed = text.split_once('/').and_then(|(word, name)| {
            let kind = RepoKind::from_plural(word).filter(|_| name.contains('/'))?;
            Some(Self { kind, name: name.to_owned() })
        });
        Ok(prefixed.unwrap_or_else(|| Self { kind: RepoKind::Model, name: text.to_owned() }))
    }
}

impl fmt::Display for RepoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            RepoKind::Model => f.write_str(&self.name),
            RepoKind::Dataset | RepoKind::Space => {
                write!(f, "{}/{}", self.kind.plural(), self.name)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_ids() {
        let table = [
            ("org/name", RepoKind::Model, "org/name"),
            ("gpt2", RepoKind::Model, "gpt2"),
            ("datasets/org/name", RepoKind::Dataset, "org/name"),
            ("spaces/org/name", RepoKind::Space, "org/name"),
            ("datasets/name", RepoKind::Model, "datasets/name"),
        ];
        for (text, kind, name) in table {
            let Ok(id) = text.parse::<RepoId>();
            assert_eq!(id, RepoId { kind, name: name.to_owned() });
            assert_eq!(id.to_string(), text);
        }
    }
}
