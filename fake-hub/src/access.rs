//! Who is asking, and what the hub says to those it refuses.
//!
//! It knows the hub's rules for tokens; signed URLs of the CDN need none.

use std::collections::BTreeSet;

use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap};
use serde_json::json;

use crate::reply::{self, Reply};
use crate::repo::{Access, Repo, RepoId};

/// The tokens a hub knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tokens {
    /// Tokens that may read everything.
    pub(crate) members: BTreeSet<String>,
    /// Good tokens that may read only what is public.
    pub(crate) outsiders: BTreeSet<String>,
}

/// Who is asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    Anonymous,
    Outsider,
    Member,
}

/// Why the hub does not answer the question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    BadToken,
    RepoNotFound { is_anonymous: bool },
    RevisionNotFound { revision: String },
    EntryNotFound { path: String, commit: String },
    Gated { repo: RepoId, is_anonymous: bool },
}

impl Tokens {
    /// Who sent these headers.
    pub(crate) fn caller(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let Some(header) = headers.get(AUTHORIZATION) else {
            return Ok(Caller::Anonymous);
        };
        let token = header.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
        match token {
            Some(token) if self.members.contains(token) => Ok(Caller::Member),
            Some(token) if self.outsiders.contains(token) => Ok(Caller::Outsider),
            Some(_) | None => Err(Refusal::BadToken),
        }
    }
}

impl Tokens {
    /// Whether these headers carry one of the hub's tokens, which is nobody else's business.
    pub(crate) fn knows(&self, headers: &HeaderMap) -> bool {
        headers.contains_key(AUTHORIZATION) && self.caller(headers).is_ok()
    }
}

impl Caller {
    /// Whether the caller may know that the repository exists.
    pub(crate) fn check_repo(self, repo: Option<&Repo>) -> Result<&Repo, Refusal> {
        let is_visible = |repo: &&Repo| repo.access != Access::Private || self == Self::Member;
        let is_anonymous = self == Self::Anonymous;
        repo.filter(is_visible).ok_or(Refusal::RepoNotFound { is_anonymous })
    }

    /// Whether the caller may read the repository's files.
    pub(crate) fn check_files(self, repo: &Repo) -> Result<(), Refusal> {
        if repo.access != Access::Gated || self == Self::Member {
            return Ok(());
        }
        Err(Refusal::Gated { repo: repo.id.clone(), is_anonymous: self == Self::Anonymous })
    }
}

impl Refusal {
    /// The refusal as the hub words it.
    pub(crate) fn reply(&self) -> Reply {
        let (status, code, message) = match self {
            Self::BadToken => (
                StatusCode::UNAUTHORIZED,
                None,
                "Invalid credentials in Authorization header".into(),
            ),
            Self::RepoNotFound { is_anonymous: true } => (
                StatusCode::UNAUTHORIZED,
                Some("RepoNotFound"),
                "Invalid username or password.".into(),
            ),
            Self::RepoNotFound { is_anonymous: false } => {
                (StatusCode::NOT_FOUND, Some("RepoNotFound"), "Repository not found".into())
            }
            Self::RevisionNotFound { revision } => (
                StatusCode::NOT_FOUND,
                Some("RevisionNotFound"),
                format!("Invalid rev id: {revision}"),
            ),
            Self::EntryNotFound { path, .. } => (
                StatusCode::NOT_FOUND,
                Some("EntryNotFound"),
                format!("{path} does not exist at this revision"),
            ),
            Self::Gated { repo, is_anonymous } => (
                if *is_anonymous { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN },
                Some("GatedRepo"),
                format!("Access to {repo} is restricted: ask its authors for access and log in."),
            ),
        };
        let mut reply = reply::json(status, &json!({ "error": message }));
        reply::set(&mut reply, "x-error-message", &message);
        if let Some(code) = code {
            reply::set(&mut reply, "x-error-code", code);
        }
        if let Self::EntryNotFound { commit, .. } = self {
            reply::set(&mut reply, "x-repo-commit", commit);
        }
        reply
    }
}
