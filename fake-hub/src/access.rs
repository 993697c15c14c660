//! Who is asking, and what the hub says to those it refuses.
//!
//! It knows the hub's rules for tokens; signed URLs of the CDN need none.

use std::collections::BTreeSet;

use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap};

use crate::digest::sha1_of;
use crate::reply::{Reply, weak_etag};
use crate::repo::Repo;
use crate::repo::spec::Access;
use crate::repo_id::RepoId;
use crate::shape::hub;

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
    NoToken,
    RepoNotFound { is_anonymous: bool },
    RevisionNotFound { revision: String },
    EntryNotFound { commit: String },
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

impl Caller {
    /// How signed URLs call the caller.
    pub(crate) fn user(self) -> String {
        match self {
            Self::Anonymous => "public".to_owned(),
            Self::Outsider => sha1_of(b"outsider")[..24].to_owned(),
            Self::Member => sha1_of(b"member")[..24].to_owned(),
        }
    }
}

/// A refusal as `resolve` words it.
#[derive(Debug)]
pub(crate) struct InText(Refusal);

impl From<Refusal> for InText {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl IntoResponse for InText {
    fn into_response(self) -> Response {
        self.0.reply(false).into_response()
    }
}

impl IntoResponse for Refusal {
    /// The refusal as the API words it.
    fn into_response(self) -> Response {
        self.reply(true).into_response()
    }
}

impl Refusal {
    /// The refusal as the hub words it: in JSON by the API, else in text.
    fn reply(&self, is_api: bool) -> Reply {
        let message = self.message();
        let code = self.code();
        let weak = weak_etag(&message);
        let mut words = vec![("message", message.as_str())];
        words.extend(code.map(|code| ("code", code)));
        match self {
            Self::EntryNotFound { commit } => words.push(("commit", commit)),
            Self::Gated { is_anonymous: true, .. } => {
                words.extend([("weak", weak.as_str()), ("challenge", hub::CHALLENGE)]);
            }
            Self::RepoNotFound { is_anonymous: true } => {
                words.push(("challenge", hub::CHALLENGE));
            }
            Self::BadToken
            | Self::NoToken
            | Self::RepoNotFound { is_anonymous: false }
            | Self::RevisionNotFound { .. }
            | Self::Gated { is_anonymous: false, .. } => {}
        }
        // An unknown revision is JSON on both.
        let is_json = is_api || matches!(self, Self::RevisionNotFound { .. });
        let shape = if is_json { hub::REFUSED_IN_JSON } else { hub::REFUSED };
        let mut reply = shape.fill(&words);
        *reply.status_mut() = self.status();
        reply
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::BadToken
            | Self::NoToken
            | Self::RepoNotFound { is_anonymous: true }
            | Self::Gated { is_anonymous: true, .. } => StatusCode::UNAUTHORIZED,
            Self::RepoNotFound { is_anonymous: false }
            | Self::RevisionNotFound { .. }
            | Self::EntryNotFound { .. } => StatusCode::NOT_FOUND,
            Self::Gated { is_anonymous: false, .. } => StatusCode::FORBIDDEN,
        }
    }

    /// `X-Error-Code`. To whoever shows no token, a repository that is not there, or not theirs to
    /// see, has none.
    fn code(&self) -> Option<&'static str> {
        match self {
            Self::BadToken | Self::NoToken | Self::RepoNotFound { is_anonymous: true } => None,
            Self::RepoNotFound { is_anonymous: false } => Some("RepoNotFound"),
            Self::RevisionNotFound { .. } => Some("RevisionNotFound"),
            Self::EntryNotFound { .. } => Some("EntryNotFound"),
            Self::Gated { .. } => Some("GatedRepo"),
        }
    }

    fn message(&self) -> String {
        match self {
            Self::BadToken => "Invalid credentials in Authorization header".to_owned(),
            Self::NoToken | Self::RepoNotFound { is_anonymous: true } => {
                "Invalid username or password.".to_owned()
            }
            Self::RepoNotFound { is_anonymous: false } => "Repository not found".to_owned(),
            Self::RevisionNotFound { revision } => format!("Invalid rev id: {}", plain(revision)),
            Self::EntryNotFound { .. } => "Entry not found".to_owned(),
            Self::Gated { repo, is_anonymous: true } => {
                format!("Access to {repo} is restricted: ask its authors for access and log in.")
            }
            Self::Gated { repo, is_anonymous: false } => {
                format!("Access to {repo} is restricted, and this account is not on its list.")
            }
        }
    }
}

/// What was asked for, fit to stand in a header and in JSON.
fn plain(text: &str) -> String {
    let is_plain = |char: &char| (' '..='~').contains(char) && !['"', '\\'].contains(char);
    text.chars().filter(is_plain).collect()
}
