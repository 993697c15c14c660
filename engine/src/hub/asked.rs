//! What was asked of a hub, and what its refusal of that means.
//!
//! Judges only answers that are errors; good ones are for [`resolve`](super::resolve) and
//! [`listing`](super::listing).

use super::answer::Answer;
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
    ///
    /// Of what a hub says with a code, it is the last word. What has none may come from a mirror
    /// that lacks this part of the interface: then it is [`Fault::Rejected`], and what follows from
    /// it, if no other way is left, is [concluded](Self::conclude) in the end.
    pub fn refusal(&self, answer: &Answer, file: Option<&RepoPath>) -> Fault {
        match answer.head.status {
            511 => Fault::Portal,
            // Without these interfaces, and not for a while.
            status @ (501 | 505) => self.uncoded(answer, status),
            status @ (408 | 425 | 429 | 500..=599) => {
                Fault::Busy { status, retry_after: answer.head.retry_after() }
            }
            status @ 400..=499 => {
                let coded = self.coded_refusal(&answer.head, file);
                coded.unwrap_or_else(|| self.uncoded(answer, status))
            }
            status => Fault::Malformed(format!("HTTP {status} where none should be")),
        }
    }

    /// What a fault comes to when there is no other way to ask: without a code, too, what nobody
    /// has is not there.
    pub fn conclude(&self, fault: Fault, file: Option<&RepoPath>) -> Fault {
        match (fault, file) {
            (Fault::Rejected { status: 404 | 410, .. }, Some(file)) => {
                self.no_such_file(Some(file))
            }
            (Fault::Rejected { status: 404 | 410, .. }, None) => self.no_such_repo(),
            (fault, _) => fault,
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
    fn uncoded(&self, answer: &Answer, status: u16) -> Fault {
        let is_page = answer.head.is_html() && !answer.head.is_from_hub();
        let words = answer.error_words();
        match status {
            // A block page or the page of a web server with other things in it.
            403 if is_page && answer.page(self) == Fault::NotAHub => {
                Fault::Rejected { status, words }
            }
            _ if is_page => answer.page(self),
            401 if self.has_token => Fault::TokenNeeded(
                "the hub does not accept the token: it is wrong or has expired".to_owned(),
            ),
            // The hub says this of what does not exist and of what is private alike.
            401 => self.no_such_repo(),
            403 if answer.head.error_message().is_some()
                && !words.contains("resource is disabled") =>
            {
                Fault::TokenNeeded(format!("the hub denies access to {}: {words}", self.repo))
            }
            status => Fault::Rejected { status, words },
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
