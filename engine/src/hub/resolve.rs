//! Where a file of a repository is, and what it is, from the hub's answers to `HEAD` requests.
//!
//! Sends none of them: each answer is either what was wanted, or says what to ask next.

use url::Url;

use super::asked::Asked;
use super::head::{Etag, Head};
use super::path::{BlobName, RepoPath};
use super::redirect::follow;
use super::request::Request;
use super::revision::Commit;
use super::signed;
use crate::digest::FileDigest;
use crate::fault::Fault;
use crate::manifest::Location;
use crate::xet::hash::XetHash;

/// A file that is being looked up, between two requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolving {
    asked: Asked,
    path: RepoPath,
    url: Url,
    visited: Vec<Url>,
    known: Known,
}

/// What the answers so far said of the file. Any of them may; the first word counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    commit: Option<Commit>,
    etag: Option<Etag>,
    size: Option<u64>,
    xet: Option<XetHash>,
    xet_auth: Option<Url>,
}

/// What one more answer has brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolveAnswer {
    /// Another place on the hub to ask: send [`Resolving::request`].
    Follow(Box<Resolving>),
    /// The file.
    Resolved(Box<Resolved>),
}

/// A file as the hub describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The commit that the answer is about: what every later request should name.
    pub commit: Commit,
    /// Length in bytes, if the hub said so.
    pub size: Option<u64>,
    /// The file's ETag, which is the blob's name in the cache.
    pub etag: BlobName,
    /// What the file must hash to, if the ETag tells.
    pub digest: Option<FileDigest>,
    /// Where its bytes can be asked for.
    pub location: Location,
    /// What it is called in content-addressed storage, if it is there.
    pub xet: Option<XetHash>,
    /// Where on the hub to ask for a token to that, if it says.
    pub xet_auth: Option<Url>,
}

impl Resolving {
    /// Begins to look a file up.
    pub fn new(asked: Asked, path: RepoPath) -> Self {
        let request = Request::resolve_head(&asked.endpoint, &asked.repo, &asked.revision, &path);
        Self { asked, path, url: request.url, visited: Vec::new(), known: Known::default() }
    }

    /// The request to send now.
    pub fn request(&self) -> Request {
        Request::head(self.url.clone())
    }

    /// Judges the answer to it.
    ///
    /// A redirect to elsewhere on the hub is followed, unless it says already all there is to
    /// say; one to another host leads to the bytes, and is where we stop: signed URLs are good
    /// for `GET` alone.
    pub fn check(mut self, head: &Head) -> Result<ResolveAnswer, Fault> {
        self.learn_xet(head);
        if let Some(to) = follow(&self.url, head, &self.visited)? {
            self.learn(head.commit(), head.linked_etag(), head.linked_size())?;
            let is_elsewhere = !self.asked.endpoint.is_same_origin(&to);
            if is_elsewhere {
                self.learn(None, head.etag(), None)?;
            }
            if is_elsewhere || self.known.is_complete() {
                return self.resolved(to, head);
            }
            let from = std::mem::replace(&mut self.url, to);
            self.visited.push(from);
            return Ok(ResolveAnswer::Follow(Box::new(self)));
        }
        if head.status != 200 {
            return Err(self.asked.refusal(head, Some(&self.path)));
        }
        self.learn(head.commit(), head.linked_etag(), head.linked_size())?;
        let size = head.content_length().filter(|_| head.is_identity());
        self.learn(None, head.etag(), size)?;
        let url = self.url.clone();
        self.resolved(url, head)
    }

    fn learn(
        &mut self,
        commit: Option<Commit>,
        etag: Option<Etag>,
        size: Option<u64>,
    ) -> Result<(), Fault> {
        if let Some(commit) = &commit {
            self.asked.check_commit(commit)?;
            if self.known.commit.as_ref().is_some_and(|known| known != commit) {
                return Err(Fault::Malformed("two commits in one answer".to_owned()));
            }
        }
        let known = &mut self.known;
        known.commit = known.commit.take().or(commit);
        known.etag = known.etag.take().or(etag);
        known.size = known.size.or(size);
        Ok(())
    }

    /// Where a token is to be asked for is believed only if that is the hub itself.
    fn learn_xet(&mut self, head: &Head) {
        if !self.asked.endpoint.is_same_origin(&self.url) {
            return;
        }
        let known = &mut self.known;
        known.xet = known.xet.or_else(|| head.xet_hash());
        if known.xet_auth.is_none() {
            let auth = head.link("xet-auth").and_then(|target| self.url.join(target).ok());
            known.xet_auth = auth.filter(|auth| self.asked.endpoint.is_same_origin(auth));
        }
    }

    fn resolved(self, url: Url, head: &Head) -> Result<ResolveAnswer, Fault> {
        let Some(commit) = self.known.commit else {
            return Err(if head.is_html() { Fault::Portal } else { Fault::NotAHub });
        };
        let Some(etag) = self.known.etag else {
            return Err(Fault::Malformed("a file without an ETag".to_owned()));
        };
        let digest = etag.value.parse().ok();
        let Ok(etag) = etag.value.parse::<BlobName>() else {
            return Err(Fault::Malformed("an ETag that cannot name a file".to_owned()));
        };
        let location = Location { ttl: signed::ttl(&url, head), url };
        let Known { size, xet, xet_auth, .. } = self.known;
        let resolved = Resolved { commit, size, etag, digest, location, xet, xet_auth };
        Ok(ResolveAnswer::Resolved(Box::new(resolved)))
    }
}

impl Known {
    fn is_complete(&self) -> bool {
        self.commit.is_some() && self.etag.is_some() && self.size.is_some()
    }
}

#[cfg(test)]
mod tests;
