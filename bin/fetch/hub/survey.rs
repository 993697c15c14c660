//! What there is in a repository, learned in whichever way a hub or a mirror is open to: some have
//! no listings, some no `HEAD`, some nothing but files.
//!
//! Judges no answer; decides only in which order the ways are tried.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine::digest::FileDigest;
use engine::fault::Fault;
use engine::hub::asked::Asked;
use engine::hub::listing::{self, Listing, Pages, TreeEntry};
use engine::hub::path::RepoPath;
use engine::hub::request::Request;
use engine::hub::resolve::{Probe, Resolved};
use engine::hub::revision::{Commit, Revision};

use super::HubClient;
use crate::error::{Error, ErrorKind};
use crate::fetch::draft::cost;
use crate::http::Http;

/// What was found of a file.
pub(in crate::fetch) enum Found {
    /// What its own address says.
    Resolved(Box<Resolved>),
    /// What a listing says; its address says nothing that is of use.
    Listed(TreeEntry),
}

impl<H: Http> HubClient<H> {
    /// The commit that a revision is at: from the hub's answer about the revision, or from that
    /// about any file, which names the commit even if it says that the file is not there.
    pub(in crate::fetch) async fn commit(&self, asked: &Asked) -> Result<Commit, Error> {
        let found = self.persist_in(2, |way| async move {
            if way == 0 {
                let (endpoint, repo) = (&asked.endpoint, &asked.repo);
                let request = Request::revision_info(endpoint, repo, &asked.revision);
                let answer = self.ask(request).await?;
                return Ok(listing::check_revision(asked, &answer, &|_| false)?.commit);
            }
            let path: RepoPath = ANY_FILE.parse().map_err(|_| Fault::NotAHub)?;
            let (endpoint, repo) = (&asked.endpoint, &asked.repo);
            let request = Request::resolve_get(endpoint, repo, &asked.revision, &path);
            let answer = self.ask(request).await?;
            match answer.head.commit() {
                Some(commit) => Ok(commit),
                None => Err(asked.refusal(&answer, None)),
            }
        });
        match (found.await, asked.revision.commit()) {
            // It is named already, and whether it exists is seen when its files are asked for.
            (Err(Error { kind: ErrorKind::Fault(Fault::Rejected { .. }), .. }), Some(commit)) => {
                Ok(commit)
            }
            (found, _) => found.map_err(|error| concluded(error, asked, None)),
        }
    }

    /// A listing of all files of a revision, or of those below a folder, of which nothing has come.
    pub(in crate::fetch) fn pages(&self, asked: &Asked, folder: Option<&RepoPath>) -> Mutex<Pages> {
        let (endpoint, repo, revision) = (&asked.endpoint, &asked.repo, &asked.revision);
        Mutex::new(Pages::new(&Request::tree(endpoint, repo, revision, folder, true)))
    }

    /// What is wanted of the next page; or if there are no pages, of one answer that has all. It
    /// may take so much `room` in memory, in bytes.
    pub(in crate::fetch) async fn next_page(
        &self,
        asked: &Asked,
        pages: &Mutex<Pages>,
        folder: Option<&RepoPath>,
        wanted: listing::Wanted<'_>,
        room: usize,
    ) -> Result<Listing, Error> {
        let found = self.persist_in(2, |way| async move {
            let Some(request) = locked(pages).request() else { return Ok(Listing::default()) };
            let taken = AtomicUsize::new(0);
            let has_room = |path: &str| {
                let cost = cost(path);
                wanted(path)
                    && taken.fetch_add(cost, Ordering::Relaxed).saturating_add(cost) <= room
            };
            let page = if way == 0 {
                let answer = self.ask(request).await?;
                locked(pages).on_answer(asked, &answer, &has_room)?
            } else {
                let (endpoint, repo, revision) = (&asked.endpoint, &asked.repo, &asked.revision);
                let answer = self.ask(Request::revision_blobs(endpoint, repo, revision)).await?;
                let info = listing::check_revision(asked, &answer, &has_room)?;
                locked(pages).on_all();
                info.listing
            };
            if taken.load(Ordering::Relaxed) > room { Err(Fault::TooManyFiles) } else { Ok(page) }
        });
        found.await.map_err(|error| concluded(error, asked, folder))
    }

    /// What a file is: from its own address, or if that says nothing from a listing.
    pub(in crate::fetch) async fn find(
        &self,
        asked: &Asked,
        path: &RepoPath,
    ) -> Result<Found, Error> {
        let found = self.persist_in(2, |way| async move {
            Ok(if way == 0 {
                Found::Resolved(Box::new(self.resolve(asked, path).await?))
            } else {
                Found::Listed(self.listed(asked, path, 0).await?)
            })
        });
        found.await.map_err(|error| concluded(error, asked, Some(path)))
    }

    /// The length and digest of a file, where its own address has said too little: from the
    /// listings, or from what a `GET` says of it, or as a last resort what its ETag looks like.
    pub(in crate::fetch) async fn complete(
        &self,
        asked: &Asked,
        path: &RepoPath,
        resolved: &Resolved,
    ) -> Result<(u64, FileDigest), Error> {
        let found = self.persist_in(LISTINGS + 1, |way| async move {
            if way < LISTINGS {
                let entry = self.listed(asked, path, way).await?;
                return Ok((entry.size, entry.digest));
            }
            let again = self.resolve_by(Probe::FirstByte, asked, path).await?;
            let size = again.size.or(resolved.size);
            let digest = again.digest.or(resolved.digest).or(again.guess).or(resolved.guess);
            let words = "it does not say how long the file is, or what it must hash to";
            size.zip(digest).ok_or_else(|| Fault::Malformed(words.to_owned()))
        });
        found.await.map_err(|error| concluded(error, asked, Some(path)))
    }

    /// What one of the listings says of a file, the one that says least of others first.
    async fn listed(&self, asked: &Asked, path: &RepoPath, way: usize) -> Result<TreeEntry, Fault> {
        let (endpoint, repo, revision) = (&asked.endpoint, &asked.repo, &asked.revision);
        let wanted = |name: &str| name == path.as_str();
        let mut entry = None;
        match way {
            0 => {
                let paths = std::slice::from_ref(path);
                let answer = self.ask(Request::paths_info(endpoint, repo, revision, paths)).await?;
                entry = listing::check_paths_info(asked, &answer, &wanted)?.entries.pop();
            }
            1 => {
                let folder = path.parent();
                let request = Request::tree(endpoint, repo, revision, folder.as_ref(), false);
                let mut pages = Pages::new(&request);
                while let Some(request) = pages.request().filter(|_| entry.is_none()) {
                    let answer = self.ask(request).await?;
                    entry = pages.on_answer(asked, &answer, &wanted)?.entries.pop();
                }
            }
            _ => {
                let answer = self.ask(Request::revision_blobs(endpoint, repo, revision)).await?;
                entry = listing::check_revision(asked, &answer, &wanted)?.listing.entries.pop();
            }
        }
        // Not for certain: it may be the listing that is not whole.
        entry.ok_or_else(|| Fault::Rejected { status: 404, words: String::new() })
    }
}

/// The revision at its commit.
pub(in crate::fetch) fn pinned(asked: &Asked, commit: &Commit) -> Asked {
    Asked { revision: Revision::from(commit), ..asked.clone() }
}

/// The error when no way is left.
fn concluded(mut error: Error, asked: &Asked, file: Option<&RepoPath>) -> Error {
    if let ErrorKind::Fault(fault) = &mut error.kind {
        *fault = asked.conclude(fault.clone(), file);
    }
    error
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The listings that may know a file: of paths, of its folder, of the whole revision.
const LISTINGS: usize = 3;
/// Most repositories have it, and where it is missing the answer names the commit, too.
const ANY_FILE: &str = ".gitattributes";
