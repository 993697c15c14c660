//! The plan for files of a repository, on its way: each is looked up, and what is wrong with one
//! keeps none of the others.
//!
//! Asks through the hub's client, which is patient; fetches nothing.

use std::collections::BTreeSet;

use engine::fault::{Blame, Fault};
use engine::hub::asked::Asked;
use engine::hub::listing::{Listing, Pages};
use engine::hub::path::RepoPath;
use engine::hub::revision::Commit;
use futures_util::StreamExt;
use tokio::time::Instant;

use super::hub::{Found, HubClient, pinned};
use super::item::{Learned, Planned};
use super::selection::{Selection, Wanted};
use crate::error::{Error, ErrorKind};
use crate::http::Http;
use crate::news::News;

/// A plan on its way.
pub(super) struct Draft<'a, H> {
    hub: &'a HubClient<H>,
    /// Names the commit as soon as that is known.
    pub(super) asked: Asked,
    pub(super) commit: Option<Commit>,
    planned: BTreeSet<RepoPath>,
    pub(super) files: Vec<Planned>,
    pub(super) failed: Vec<(String, Fault)>,
    /// What all of that takes of memory, about, in bytes.
    kept: usize,
}

impl<'a, H: Http> Draft<'a, H> {
    /// Nothing is planned yet.
    pub(super) const fn new(hub: &'a HubClient<H>, asked: Asked) -> Self {
        Self {
            hub,
            asked,
            commit: None,
            planned: BTreeSet::new(),
            files: Vec::new(),
            failed: Vec::new(),
            kept: 0,
        }
    }

    /// Plans what is asked for by name. What is wrong with one file keeps none of the others.
    pub(super) async fn add(&mut self, wanted: &Wanted) -> Result<(), Error> {
        match self.add_only(wanted).await {
            Err(Error { kind: ErrorKind::Fault(fault), .. }) if self.is_bearable(&fault) => {
                self.fail(wanted.path().to_string(), fault);
                Ok(())
            }
            added => added,
        }
    }

    /// Plans the only thing that is asked for.
    pub(super) async fn add_only(&mut self, wanted: &Wanted) -> Result<(), Error> {
        let added = match wanted {
            Wanted::File(path) => self.add_file(path).await,
            Wanted::Folder(folder) => self.add_folder(folder).await,
        };
        added.map_err(|error| match error.fault() {
            Some(Fault::Rejected { .. } | Fault::Malformed(_) | Fault::Stale { .. }) => {
                error.about(wanted.path())
            }
            _ => error,
        })
    }

    async fn add_file(&mut self, path: &RepoPath) -> Result<(), Error> {
        match self.found_file(path).await {
            Ok(found) => self.push(found),
            Err(error) if is_missing(&error) => {
                // Perhaps it is a folder. If not, what was said of the file stands.
                let added = self.add_folder(path).await;
                return added.map_err(|other| if is_missing(&other) { error } else { other });
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Plans everything below a folder.
    async fn add_folder(&mut self, folder: &RepoPath) -> Result<(), Error> {
        self.pin().await?;
        let is_below = |path: &str| {
            let rest = path.strip_prefix(folder.as_str());
            rest.is_some_and(|rest| rest.starts_with('/'))
        };
        if !self.add_listing(Some(folder), &is_below).await? {
            let (repo, revision) = (&self.asked.repo, &self.asked.revision);
            let words = format!("or folder {folder} in {repo} at {revision}");
            return Err(Fault::NoSuchFile(words).into());
        }
        Ok(())
    }

    /// Plans what matches of the whole repository.
    pub(super) async fn add_matching(&mut self, selection: &Selection) -> Result<(), Error> {
        self.pin().await?;
        let wanted = |path: &str| selection.wants(path);
        let added = self.add_listing(selection.folder(), &wanted).await;
        let has_any = added.map_err(|error| match (&error.kind, selection.folder()) {
            // Its commit is known, so that it is there.
            (ErrorKind::Fault(fault), None) if is_no_listing(fault) && self.files.is_empty() => {
                Error { kind: ErrorKind::Fault(Fault::NoListing), ..error }
            }
            _ => error,
        })?;
        if !has_any {
            let what = format!("that matches in {}", self.asked.repo);
            return Err(Fault::NoSuchFile(what).into());
        }
        Ok(())
    }

    /// Plans what is wanted of a listing, page by page. Says whether there is anything.
    async fn add_listing(
        &mut self,
        folder: Option<&RepoPath>,
        wanted: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<bool, Error> {
        let (hub, asked) = (self.hub, self.asked.clone());
        let (mut pages, mut has_any) = (hub.pages(&asked, folder), false);
        loop {
            let room = KEPT_MAX.saturating_sub(self.kept);
            let page = hub.next_page(&asked, &pages, folder, wanted, room).await?;
            has_any |= !page.is_empty();
            self.add_page(page).await?;
            if pages.get_mut().is_ok_and(|pages| Pages::request(pages).is_none()) {
                return Ok(has_any);
            }
        }
    }

    async fn add_page(&mut self, page: Listing) -> Result<(), Error> {
        for bad in page.refused {
            self.fail(bad.path, Fault::UnsafeName(bad.flaw.to_string()));
        }
        for entry in page.entries {
            self.push(entry.into());
        }
        // Of these the listing says too little: each is asked about.
        let this = &*self;
        let asking = futures_util::stream::iter(page.vague)
            .map(|path| async move { (this.found_at(&this.asked, &path).await, path) })
            .buffered(ASKED_AT_ONCE);
        let found: Vec<_> = asking.collect().await;
        for (found, path) in found {
            match found {
                Ok((_, found)) => self.push(found),
                Err(Error { kind: ErrorKind::Fault(fault), .. }) if self.is_bearable(&fault) => {
                    self.fail(path.to_string(), fault);
                }
                Err(error) => return Err(error.about(&path)),
            }
        }
        Ok(())
    }

    /// Whether the others may be had although one file cannot: not if the hub is out of reach, or
    /// does not let us in, unless it has answered for another file.
    fn is_bearable(&self, fault: &Fault) -> bool {
        let is_of_the_file = matches!(
            fault,
            Fault::NoSuchFile(_)
                | Fault::Rejected { .. }
                | Fault::Stale { .. }
                | Fault::Malformed(_)
                | Fault::Encoded(_)
                | Fault::TooLong
                | Fault::Redirects
        );
        let is_answer = fault.blame() != Blame::Link || *fault == Fault::NotAHub;
        is_of_the_file || (is_answer && !self.files.is_empty())
    }

    fn fail(&mut self, path: String, fault: Fault) {
        self.hub.tell(News::Unavailable { path: path.clone(), fault: fault.clone() });
        self.kept += cost(&path);
        self.failed.push((path, fault));
    }

    /// Finds out the commit, if it is not known yet.
    async fn pin(&mut self) -> Result<(), Error> {
        if self.commit.is_none() {
            let commit = self.hub.commit(&self.asked).await?;
            self.asked = pinned(&self.asked, &commit);
            self.commit = Some(commit);
        }
        Ok(())
    }

    async fn found_file(&mut self, path: &RepoPath) -> Result<Planned, Error> {
        let (commit, found) = self.found_at(&self.asked, path).await?;
        self.asked = pinned(&self.asked, &commit);
        self.commit.get_or_insert(commit);
        Ok(found)
    }

    async fn found_at(&self, asked: &Asked, path: &RepoPath) -> Result<(Commit, Planned), Error> {
        let resolved = match self.hub.find(asked, path).await? {
            Found::Resolved(resolved) => resolved,
            Found::Listed(entry) => {
                let commit = self.hub.commit(asked).await?;
                return Ok((commit, entry.into()));
            }
        };
        let commit = match &resolved.commit {
            Some(commit) => commit.clone(),
            None => self.hub.commit(asked).await?,
        };
        let (size, digest) = match (resolved.size, resolved.digest) {
            (Some(size), Some(digest)) => (size, digest),
            _ => self.hub.complete(&pinned(asked, &commit), path, &resolved).await?,
        };
        let location = Some(resolved.location.clone());
        let (xet, xet_auth, at) = (resolved.xet, resolved.xet_auth.clone(), Instant::now());
        let learned = Some(Box::new(Learned { location, xet_auth, revision: None, at }));
        Ok((commit, Planned { path: path.clone(), size, digest, xet, learned }))
    }

    fn push(&mut self, found: Planned) {
        if self.planned.insert(found.path.clone()) {
            self.kept += cost(found.path.as_str());
            self.files.push(found);
        }
    }
}

/// What a file of this name takes of memory, about, in bytes.
pub(super) const fn cost(path: &str) -> usize {
    path.len() + COST_MIN
}

const fn is_missing(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Fault(Fault::NoSuchFile(_) | Fault::NoSuchRepo(_)))
}

const fn is_no_listing(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::Rejected { .. }
            | Fault::NoSuchRepo(_)
            | Fault::NoSuchFile(_)
            | Fault::NotAHub
            | Fault::Malformed(_)
    )
}

/// So many files are asked about at once, where each has to be.
const ASKED_AT_ONCE: usize = 4;
/// A plan may take so much memory, in bytes: a million files with names of 128 bytes do.
const KEPT_MAX: usize = 256 << 20;
/// What a file takes that has no name.
const COST_MIN: usize = 128;
