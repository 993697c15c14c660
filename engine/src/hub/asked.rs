//! What was asked of a hub, and what its refusal of that means.
//!
//! Judges only answers that are errors; good ones are for [`resolve`](super::resolve) and
//! [`listing`](super::listing).

use super::endpoint::Endpoint;
use super::head::Head;
use super::path::RepoPath;
use super::repo::RepoId;
use super::revision::{Commit, Revision};
use crate::fault::Fault;

/// What a request was about: the context in which its answer is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which hub.
    pub endpoint: Endpoint,
    /// Which repository.
    pub repo: RepoId,
    /// Which state of it.
    pub revision: Revision,
    /// Whether the request carried a token.
    pub has_token: bool,
}

impl Asked {
    /// What it means that the answer is not a success. `file` is the one that was asked for, if
    /// it was one.
    pub fn refusal(&self, head: &Head, file: Option<&RepoPath>) -> Fault {
        match head.status {
            511 => Fault::Portal,
            status @ (408 | 425 | 429 | 500..=599) => {
                Fault::Busy { status, retry_after: head.retry_after() }
            }
            400..=499 => self.coded_refusal(head, file).unwrap_or_else(|| self.plain(head, file)),
            status => Fault::Malformed(format!("HTTP {status} where none should be")),
        }
    }

    /// Refuses an answer about another commit than the one that was asked for.
    pub(super) fn check_commit(&self, commit: &Commit) -> Result<(), Fault> {
        match self.revision.commit() {
            Some(asked) if asked != *commit => {
                Err(Fault::Malformed(format!("commit {commit} instead of {asked}")))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// By `X-Error-Code`, which only a hub sends.
    fn coded_refusal(&self, head: &Head, file: Option<&RepoPath>) -> Option<Fault> {
        match head.error_code()? {
            "GatedRepo" => Some(self.gated()),
            "EntryNotFound" => Some(self.no_such_file(file)),
            "RevisionNotFound" => {
                Some(Fault::NoSuchRevision(format!("{} in {}", self.revision, self.repo)))
            }
            // Under a bad token the hub denies even what is public.
            "RepoNotFound" if head.status == 401 && self.has_token => None,
            "RepoNotFound" => Some(self.no_such_repo()),
            _ => None,
        }
    }

    /// By the status, when there is no code that says more.
    fn plain(&self, head: &Head, file: Option<&RepoPath>) -> Fault {
        let message = head.error_message();
        match (head.status, message) {
            (401, _) if self.has_token => Fault::TokenNeeded(
                "the hub does not accept the token: it is wrong or has expired".to_owned(),
            ),
            (401 | 403 | 404, None) if head.is_html() && head.error_code().is_none() => {
                if head.status == 403 { Fault::Portal } else { Fault::NotAHub }
            }
            // The hub says this of what does not exist and of what is private alike.
            (401, _) => self.no_such_repo(),
            (403, Some(message)) if message.contains("resource is disabled") => {
                Fault::Gated(format!("the hub has disabled access to {}", self.repo))
            }
            (403, Some(message)) => {
                Fault::TokenNeeded(format!("the hub denies access to {}: {message}", self.repo))
            }
            (404, _) if file.is_some() => self.no_such_file(file),
            (404, _) => self.no_such_repo(),
            (status, message) => Fault::Rejected { status, words: message.unwrap_or_default() },
        }
    }

    fn gated(&self) -> Fault {
        let page = format!("{}/{}", self.endpoint, self.repo.page_path());
        Fault::Gated(if self.has_token {
            format!("{} is gated and this token has no access: ask for it at {page}", self.repo)
        } else {
            format!(
                "{} is gated: ask for access at {page}, then give a token with --token or HF_TOKEN",
                self.repo
            )
        })
    }

    fn no_such_repo(&self) -> Fault {
        let (repo, kinds) = (&self.repo, self.repo.kind().plural());
        Fault::NoSuchRepo(if self.has_token {
            format!("{repo} among the {kinds} that this token may see")
        } else {
            format!("{repo} among the public {kinds}; a private one needs --token or HF_TOKEN")
        })
    }

    fn no_such_file(&self, file: Option<&RepoPath>) -> Fault {
        let (repo, revision) = (&self.repo, &self.revision);
        Fault::NoSuchFile(match file {
            Some(file) => format!("{file} in {repo} at {revision}"),
            None => format!("or folder of that name in {repo} at {revision}"),
        })
    }
}

#[cfg(test)]
mod tests;
