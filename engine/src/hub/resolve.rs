//! Where a file of a repository is, and what it is, from the hub's answers for its address.
//!
//! Sends nothing: each answer is either what was wanted, or says what to ask next.

use url::Url;

use super::answer::Answer;
use super::asked::Asked;
use super::endpoint::is_same_origin;
use super::head::{Etag, Head};
use super::path::RepoPath;
use super::redirect::follow;
use super::request::Request;
use super::revision::Commit;
use super::signed;
use crate::digest::FileDigest;
use crate::fault::Fault;
use crate::manifest::Location;
use crate::range::ByteRange;
use crate::xet::hash::XetHash;

/// A file that is being looked up, between two requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolving {
    asked: Asked,
    path: RepoPath,
    probe: Probe,
    url: Url,
    visited: Vec<Url>,
    known: Known,
}

/// How a file is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// By `HEAD`, which moves no bytes.
    Head,
    /// By `GET` of the first byte, where `HEAD` is refused or says too little.
    FirstByte,
}

/// What the answers so far said of the file. Any of them may; the first word counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    commit: Option<Commit>,
    linked: Option<Etag>,
    etag: Option<Etag>,
    size: Option<u64>,
    xet: Option<XetHash>,
    xet_auth: Option<Url>,
    elsewhere: Option<String>,
}

/// What one more answer has brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolveAnswer {
    /// Another place to ask: send [`Resolving::request`].
    Follow(Box<Resolving>),
    /// The file.
    Resolved(Box<Resolved>),
}

/// A file as the hub describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The commit that the answer is about, if it says: what every later request should name.
    pub commit: Option<Commit>,
    /// Length in bytes, if the hub said so.
    pub size: Option<u64>,
    /// What the file must hash to, if the hub said so.
    pub digest: Option<FileDigest>,
    /// What it may have to hash to, if nobody knows better: an ETag that looks like a digest,
    /// which may be the Xet hash or whatever a proxy makes up.
    pub guess: Option<FileDigest>,
    /// Where its bytes can be asked for.
    pub location: Location,
    /// What it is called in content-addressed storage, if it is there.
    pub xet: Option<XetHash>,
    /// Where on the hub to ask for a token to that, if it says.
    pub xet_auth: Option<Url>,
    /// The host that spoke for the hub, if the endpoint sent us to another.
    pub elsewhere: Option<String>,
}

impl Resolving {
    /// Begins to look a file up.
    pub fn new(asked: Asked, path: RepoPath, probe: Probe) -> Self {
        let request = Request::resolve_head(&asked.endpoint, &asked.repo, &asked.revision, &path);
        let (url, visited, known) = (request.url, Vec::new(), Known::default());
        Self { asked, path, probe, url, visited, known }
    }

    /// The request to send now.
    pub fn request(&self) -> Request {
        match self.probe {
            Probe::Head => Request::head(self.url.clone()),
            Probe::FirstByte => Request::range(self.url.clone(), FIRST_BYTE),
        }
    }

    /// Judges the answer to it, of which the body matters only if it is a web page.
    ///
    /// A redirect is followed, unless it says already all there is to say. One that leaves a host
    /// that has spoken for the hub leads to the bytes, and is where we stop: signed URLs are good
    /// for `GET` alone. One that leaves a host that has said nothing leads to another hub, or to
    /// storage that says at least how long the file is.
    pub fn check(mut self, answer: &Answer) -> Result<ResolveAnswer, Fault> {
        let head = &answer.head;
        self.learn_xet(head);
        if let Some(to) = follow(&self.url, head, &self.visited)? {
            self.learn(head.commit(), head.linked_etag(), head.linked_size())?;
            let is_leaving = !is_same_origin(&self.url, &to);
            let has_spoken = self.known.commit.is_some() || self.known.linked.is_some();
            if is_leaving && has_spoken {
                self.known.etag = self.known.etag.take().or_else(|| head.etag());
            }
            let is_enough = match self.probe {
                Probe::Head => is_leaving && has_spoken,
                // What the hub does not say, the storage does.
                Probe::FirstByte => is_leaving && has_spoken && self.known.size.is_some(),
            };
            if is_enough || self.known.is_complete() {
                return Ok(self.resolved(to, head));
            }
            let from = std::mem::replace(&mut self.url, to);
            self.visited.push(from);
            return Ok(ResolveAnswer::Follow(Box::new(self)));
        }
        self.end(answer)
    }

    /// The answer at the end of all redirects.
    fn end(mut self, answer: &Answer) -> Result<ResolveAnswer, Fault> {
        let head = &answer.head;
        let is_empty = head.status == 416 && head.unsatisfied_total() == Some(0);
        if !matches!(head.status, 200 | 206) && !is_empty {
            return Err(self.asked.refusal(answer, Some(&self.path)));
        }
        // Some mirrors pass on what the hub calls a page of the repository.
        let is_page = head.is_html() && !self.path.as_str().ends_with("html");
        if is_page && head.commit().is_none() && self.known.commit.is_none() {
            return Err(answer.page(&self.asked));
        }
        let speaks_for_hub = self.speaks_for_hub(head);
        self.learn(head.commit(), head.linked_etag(), head.linked_size())?;
        if speaks_for_hub {
            self.known.etag = self.known.etag.take().or_else(|| head.etag());
        }
        let size = match head.status {
            206 => head.content_range().and_then(|range| range.total),
            416 => Some(0),
            _ => head.content_length().filter(|_| head.is_identity()),
        };
        self.check_stale(size)?;
        self.learn(None, None, size)?;
        let url = self.url.clone();
        Ok(self.resolved(url, head))
    }

    /// Where the hub and what serves its bytes say different lengths, one has an old copy. Only the
    /// answer to a `GET` proves it: a `HEAD` may come from another cache.
    fn check_stale(&self, served: Option<u64>) -> Result<(), Fault> {
        match (self.probe, self.known.size, served) {
            (Probe::FirstByte, Some(promised), Some(served)) if promised != served => {
                Err(Fault::Stale { promised, served })
            }
            _ => Ok(()),
        }
    }

    fn learn(
        &mut self,
        commit: Option<Commit>,
        linked: Option<Etag>,
        size: Option<u64>,
    ) -> Result<(), Fault> {
        if let Some(commit) = &commit {
            self.asked.check_commit(commit)?;
            if self.known.commit.as_ref().is_some_and(|known| known != commit) {
                return Err(Fault::Malformed("two commits in one answer".to_owned()));
            }
            if !self.asked.endpoint.is_same_origin(&self.url) {
                let host = self.url.host_str().map(str::to_owned);
                self.known.elsewhere = self.known.elsewhere.take().or(host);
            }
        }
        let known = &mut self.known;
        known.commit = known.commit.take().or(commit);
        known.linked = known.linked.take().or(linked);
        known.size = known.size.filter(|size| *size > 0).or(size);
        Ok(())
    }

    /// Another host than the endpoint does if it says what only a hub knows.
    fn speaks_for_hub(&self, head: &Head) -> bool {
        self.asked.endpoint.is_same_origin(&self.url) || head.commit().is_some()
    }

    /// Where a token is to be asked for is believed only if that is the endpoint itself.
    fn learn_xet(&mut self, head: &Head) {
        if !self.speaks_for_hub(head) {
            return;
        }
        let known = &mut self.known;
        known.xet = known.xet.or_else(|| head.xet_hash());
        if known.xet_auth.is_none() {
            let auth = head.link("xet-auth").and_then(|target| self.url.join(target).ok());
            known.xet_auth = auth.filter(|auth| self.asked.endpoint.is_same_origin(auth));
        }
    }

    fn resolved(self, url: Url, head: &Head) -> ResolveAnswer {
        let location = Location { ttl: signed::ttl(&url, head), url };
        let (digest, guess) = (self.known.digest(), self.known.guess());
        let size = self.known.size.filter(|size| *size > 0 || self.known.is_empty_file());
        let Known { commit, xet, xet_auth, elsewhere, .. } = self.known;
        let resolved = Resolved { commit, size, digest, guess, location, xet, xet_auth, elsewhere };
        ResolveAnswer::Resolved(Box::new(resolved))
    }
}

impl Known {
    fn is_complete(&self) -> bool {
        let has_size = self.size.is_some_and(|size| size > 0) || self.is_empty_file();
        self.commit.is_some() && self.linked.is_some() && self.digest().is_some() && has_size
    }

    /// The ETag of what a redirect leads to is the digest of its content, and so is a git hash that
    /// a hub gives: nobody else names files like that. Other ETags only look like it: storage
    /// names files by their Xet hash, in the same 64 digits as a SHA-256.
    fn digest(&self) -> Option<FileDigest> {
        let digest = |etag: &Option<Etag>| etag.as_ref()?.value.parse::<FileDigest>().ok();
        let git = || {
            let is_git = |it: &FileDigest| matches!(it, FileDigest::GitSha1(_));
            digest(&self.etag).filter(is_git).filter(|_| self.commit.is_some())
        };
        digest(&self.linked).or_else(git)
    }

    fn guess(&self) -> Option<FileDigest> {
        let etag = self.etag.as_ref()?;
        let is_xet = self.xet.is_some_and(|xet| xet.to_string() == etag.value);
        etag.value.parse().ok().filter(|_| !is_xet)
    }

    /// Servers that do not know a length say 0, so that it is believed only of the file whose
    /// digest is that of nothing.
    fn is_empty_file(&self) -> bool {
        let digest = self.digest().map(|digest| digest.hex());
        digest.is_some_and(|digest| EMPTY.contains(&digest.as_str()))
    }
}

const FIRST_BYTE: ByteRange = ByteRange { start: 0, end: 1 };

/// What no bytes hash to: as a git blob, and with SHA-256.
const EMPTY: [&str; 2] = [
    "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
];

#[cfg(test)]
mod tests;
