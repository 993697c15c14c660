//! Which repository: its kind and its name, as the hub allows them.
//!
//! Not a revision of it, nor a file in it.

use std::fmt;
use std::str::FromStr;

/// What is in a repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RepoKind {
    /// Weights and their configuration.
    #[default]
    Model,
    /// Data.
    Dataset,
    /// An application.
    Space,
}

impl RepoKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Model, Self::Dataset, Self::Space];

    /// The word for many of them, which stands in URLs and folder names.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Model => "models",
            Self::Dataset => "datasets",
            Self::Space => "spaces",
        }
    }

    /// What stands before the name in the URL of a page or file.
    pub const fn url_prefix(self) -> &'static str {
        match self {
            Self::Model => "",
            Self::Dataset => "datasets/",
            Self::Space => "spaces/",
        }
    }
}

impl fmt::Display for RepoKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Model => "model",
            Self::Dataset => "dataset",
            Self::Space => "space",
        })
    }
}

impl FromStr for RepoKind {
    type Err = BadRepoKind;

    fn from_str(text: &str) -> Result<Self, BadRepoKind> {
        Self::ALL.into_iter().find(|kind| kind.to_string() == text).ok_or(BadRepoKind)
    }
}

/// The text is none of the kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadRepoKind;

impl fmt::Display for BadRepoKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a repository is a model, a dataset or a space")
    }
}

impl std::error::Error for BadRepoKind {}

/// A repository: `org/name`, or `name` alone for a few old ones.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoId {
    kind: RepoKind,
    name: String,
}

impl RepoId {
    /// The repository of that kind and name, if the hub could have it.
    pub fn new(kind: RepoKind, name: &str) -> Result<Self, BadRepoName> {
        match name_flaw(name) {
            None => Ok(Self { kind, name: name.to_owned() }),
            Some(flaw) => Err(BadRepoName { name: name.to_owned(), flaw }),
        }
    }

    /// What is in it.
    pub const fn kind(&self) -> RepoKind {
        self.kind
    }

    /// `org/name`, or `name`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder of this repository in the cache: `models--org--name`.
    pub fn folder_name(&self) -> String {
        format!("{}--{}", self.kind.plural(), self.name.replace('/', "--"))
    }

    /// The path of its page: `org/name`, `datasets/org/name`. Needs no encoding.
    pub fn page_path(&self) -> String {
        format!("{}{}", self.kind.url_prefix(), self.name)
    }

    /// The path of its API: `api/models/org/name`. Needs no encoding.
    pub fn api_path(&self) -> String {
        format!("api/{}/{}", self.kind.plural(), self.name)
    }
}

impl fmt::Display for RepoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for RepoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.name)
    }
}

/// A name that no repository has, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRepoName {
    /// The name as it was given.
    pub name: String,
    /// What is wrong with it.
    pub flaw: RepoNameFlaw,
}

/// What is wrong with a repository's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepoNameFlaw {
    /// Nothing before, after or between the slashes.
    Empty,
    /// More than one slash.
    Slashes,
    /// Another character than letters, digits, `-`, `_` and `.`.
    Character(char),
    /// A part begins or ends with `-` or `.`.
    Edge,
    /// `--` or `..` in it.
    Doubled,
    /// It ends with `.git`.
    Git,
    /// A part is longer than 96 characters.
    Long,
}

impl fmt::Display for BadRepoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not the name of a repository: {}", self.name, self.flaw)
    }
}

impl std::error::Error for BadRepoName {}

impl fmt::Display for RepoNameFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a part of it is empty; it should look like org/name"),
            Self::Slashes => f.write_str("it has too many slashes; it should look like org/name"),
            Self::Character(c) => {
                write!(f, "it contains {c:?}; only letters, digits, `-`, `_` and `.` may be in it")
            }
            Self::Edge => f.write_str("no part of it may begin or end with `-` or `.`"),
            Self::Doubled => f.write_str("`--` and `..` may not be in it"),
            Self::Git => f.write_str("leave out the `.git` at its end"),
            Self::Long => f.write_str("no part of it may be longer than 96 characters"),
        }
    }
}

/// The hub's own rules, as its Python client checks them (`validate_repo_id`).
fn name_flaw(name: &str) -> Option<RepoNameFlaw> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if let Some(c) = name.chars().find(|c| !is_allowed(*c)) {
        return Some(RepoNameFlaw::Character(c));
    }
    let parts = name.split('/').collect::<Vec<_>>();
    if parts.iter().any(|part| part.is_empty()) {
        return Some(RepoNameFlaw::Empty);
    }
    if parts.len() > 2 {
        return Some(RepoNameFlaw::Slashes);
    }
    if parts.iter().any(|part| part.len() > PART_MAX) {
        return Some(RepoNameFlaw::Long);
    }
    if parts.iter().any(|part| part.starts_with(['-', '.']) || part.ends_with(['-', '.'])) {
        return Some(RepoNameFlaw::Edge);
    }
    if name.contains("--") || name.contains("..") {
        return Some(RepoNameFlaw::Doubled);
    }
    name.ends_with(".git").then_some(RepoNameFlaw::Git)
}

const PART_MAX: usize = 96;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_hub_has() {
        let longest = format!("{0}/{0}", "a".repeat(96));
        for name in ["gpt2", "foo/bar", "123", "Foo-BAR_foo.bar123", "_a/b_", &longest] {
            assert_eq!(RepoId::new(RepoKind::Model, name).unwrap().name(), name);
        }
    }

    #[test]
    fn names_that_no_hub_has() {
        let long = "a".repeat(97);
        for (name, flaw) in [
            ("", RepoNameFlaw::Empty),
            ("/", RepoNameFlaw::Empty),
            ("a/", RepoNameFlaw::Empty),
            ("/a", RepoNameFlaw::Empty),
            ("datasets/foo/bar", RepoNameFlaw::Slashes),
            ("../..", RepoNameFlaw::Edge),
            ("a/..", RepoNameFlaw::Edge),
            (".repo_id", RepoNameFlaw::Edge),
            ("a/b-", RepoNameFlaw::Edge),
            ("foo--bar", RepoNameFlaw::Doubled),
            ("a/b..c", RepoNameFlaw::Doubled),
            ("foo.git", RepoNameFlaw::Git),
            ("a b", RepoNameFlaw::Character(' ')),
            ("a\\b", RepoNameFlaw::Character('\\')),
            ("café", RepoNameFlaw::Character('é')),
            ("a\nb", RepoNameFlaw::Character('\n')),
            (&long, RepoNameFlaw::Long),
        ] {
            let bad = RepoId::new(RepoKind::Model, name).unwrap_err();
            assert_eq!((bad.name.as_str(), bad.flaw), (name, flaw), "{name:?}");
        }
    }

    #[test]
    fn places_follow_from_kind_and_name() {
        for (kind, name, folder, page, api) in [
            (RepoKind::Model, "gpt2", "models--gpt2", "gpt2", "api/models/gpt2"),
            (RepoKind::Dataset, "a/b", "datasets--a--b", "datasets/a/b", "api/datasets/a/b"),
            (RepoKind::Space, "a/b", "spaces--a--b", "spaces/a/b", "api/spaces/a/b"),
        ] {
            let repo = RepoId::new(kind, name).unwrap();
            assert_eq!(repo.folder_name(), folder);
            assert_eq!(repo.page_path(), page);
            assert_eq!(repo.api_path(), api);
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert_eq!("models".parse::<RepoKind>(), Err(BadRepoKind));
    }
}
