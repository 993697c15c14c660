//! Which files of a repository a person means: by name, by folder, or by what matches.
//!
//! Asks nobody whether they exist.

use engine::hub::path::RepoPath;
use engine::hub::revision::Revision;
use engine::hub::target::{Part, RepoTarget};
use globset::{Glob, GlobSet, GlobSetBuilder};

use super::Request;
use crate::error::Error;

/// One thing that is asked for by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A file; or a folder, if there is no such file.
    File(RepoPath),
    /// Everything below a folder.
    Folder(RepoPath),
}

impl Wanted {
    /// A name as it was typed: with a slash at its end it is a folder.
    fn parse(text: &str) -> Result<Self, Error> {
        match text.strip_suffix('/') {
            Some(folder) => folder.parse().map(Self::Folder),
            None => text.parse().map(Self::File),
        }
        .map_err(Error::usage_of)
    }

    /// What was typed.
    pub(super) const fn path(&self) -> &RepoPath {
        match self {
            Self::File(path) | Self::Folder(path) => path,
        }
    }

    /// Those of `files` that are meant, where `path_of` says where each is.
    pub(super) fn of<'a, T>(
        &self,
        files: &'a [T],
        path_of: impl Fn(&T) -> &RepoPath,
    ) -> Vec<&'a T> {
        let itself = files.iter().find(|file| path_of(file) == self.path());
        match (self, itself) {
            (Self::File(_), Some(file)) => vec![file],
            _ => files.iter().filter(|file| path_of(file).is_below(self.path())).collect(),
        }
    }
}

/// The revision that is asked for, in the address or beside it.
pub(super) fn revision_of(request: &Request, target: &RepoTarget) -> Result<Revision, Error> {
    match (&request.revision, &target.revision) {
        (Some(text), None) => text.parse().map_err(Error::usage_of),
        (None, Some(revision)) => Ok(revision.clone()),
        (None, None) => Ok(Revision::main()),
        (Some(text), Some(revision)) if text == revision.as_str() => Ok(revision.clone()),
        (Some(_), Some(_)) => Err(Error::usage("two revisions: one in the address, one beside it")),
    }
}

/// What is asked for by name, each once.
pub(super) fn wanted_of(request: &Request, target: &RepoTarget) -> Result<Vec<Wanted>, Error> {
    let mut wanted = Vec::new();
    if let Part::File(path) = &target.part {
        wanted.push(Wanted::File(path.clone()));
    }
    for text in &request.files {
        let one = Wanted::parse(text)?;
        if !wanted.contains(&one) {
            wanted.push(one);
        }
    }
    Ok(wanted)
}

/// Whether one file is asked for by name, and nothing else.
pub(super) fn is_one_file(wanted: &[Wanted]) -> bool {
    matches!(wanted, [Wanted::File(_)])
}

/// Which files of a whole repository are wanted.
pub(super) struct Selection {
    include: GlobSet,
    exclude: GlobSet,
    has_include: bool,
    folder: Option<RepoPath>,
}

impl Selection {
    pub(super) fn new(request: &Request, target: &RepoTarget) -> Result<Self, Error> {
        let folder = match &target.part {
            Part::Folder(path) => Some(path.clone()),
            Part::Whole | Part::File(_) => None,
        };
        Ok(Self {
            include: globs(&request.include)?,
            exclude: globs(&request.exclude)?,
            has_include: !request.include.is_empty(),
            folder,
        })
    }

    /// The folder outside of which nothing is wanted.
    pub(super) const fn folder(&self) -> Option<&RepoPath> {
        self.folder.as_ref()
    }

    pub(super) fn wants(&self, text: &str) -> bool {
        let is_below = |folder: &RepoPath| {
            let rest = text.strip_prefix(folder.as_str());
            rest.is_some_and(|rest| rest.starts_with('/'))
        };
        self.folder.as_ref().is_none_or(is_below)
            && (!self.has_include || self.include.is_match(text))
            && !self.exclude.is_match(text)
    }
}

/// As `hf` reads them: `*` also matches `/`, and a folder stands for all that is in it.
pub(super) fn globs(patterns: &[String]) -> Result<GlobSet, Error> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let pattern = if pattern.ends_with('/') { format!("{pattern}*") } else { pattern.clone() };
        set.add(Glob::new(&pattern).map_err(Error::usage_of)?);
    }
    set.build().map_err(Error::usage_of)
}
