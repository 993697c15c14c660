//! Which files are meant when what is here is to be looked at: from the cache's own records, and
//! only where those do not suffice from the hub.
//!
//! Reads no file's content, and fetches none.

use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::digest::FileDigest;
use engine::fault::Fault;
use engine::hub::path::BlobName;
use engine::hub::revision::Commit;
use engine::hub::target::{self, RepoTarget, Target};
use engine::journal::Begin;
use url::Url;

use super::item::Item;
use super::plan;
use super::selection::{Selection, Wanted, revision_of, wanted_of};
use super::session::{self, of_this_process};
use super::{Fetch, Request, offline, plain};
use crate::cache::catalogue::{Entry, Known, Stage};
use crate::cache::layout::LocalDir;
use crate::disk::Disk;
use crate::error::Error;
use crate::http::Http;
use crate::news::{News, queue};

/// A file that is to be looked at.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// Its path in the repository, for people.
    pub(crate) path: String,
    /// The commit that it belongs to, if that is known.
    pub(crate) commit: Option<Commit>,
    /// Where people find it, if it has a place.
    pub(crate) shown: Option<PathBuf>,
    /// How much of it is here, by its names alone.
    pub(crate) stage: Stage,
    /// What it must be, if that is known.
    pub(crate) known: Option<Known>,
    /// Where it comes from, as it stands in a journal.
    pub(crate) source: String,
}

impl Subject {
    /// How a journal about it begins. `size` is its length if nothing better is known.
    pub(crate) fn begin(&self, digest: FileDigest, size: u64) -> Begin {
        Begin { size, digest: Some(digest), source: self.source.clone() }
    }
}

/// How much must be known of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// What a file that is here must hash to.
    Digest,
    /// Digest and length, whether it is here or not.
    Everything,
}

/// The files that are meant. Asks the hub only about those of which too little is known.
pub(crate) async fn subjects<H: Http, D: Disk>(
    http: &H,
    disk: &D,
    request: &Request,
    need: Need,
    tell: impl Fn(News),
) -> Result<Vec<Subject>, Error> {
    let target = match plan::target_of(request, &plan::endpoint_of(request)?)? {
        Target::Repo(target) => target,
        Target::Url(url) => return Ok(vec![of_url(request, &url)?]),
    };
    let environment = request.environment.clone().unwrap_or_else(of_this_process);
    let cache = request.cache_dir.clone().unwrap_or_else(|| environment.hub_cache.clone());
    let mut subjects = known_subjects(disk, request, &target, &cache).await?;
    for subject in &mut subjects {
        let has_size = subject.known.as_ref().is_some_and(|known| known.size.is_some());
        let is_enough = match need {
            Need::Digest => subject.known.is_some() || subject.stage != Stage::Finished,
            Need::Everything => has_size,
        };
        if is_enough || environment.is_offline {
            continue;
        }
        let asked = ask(http, disk, request, subject, &tell).await;
        match (asked, need) {
            (Ok(item), _) => subject.learn(item),
            (Err(error), Need::Everything) => return Err(error),
            // Then it cannot be judged, and that is what is said of it.
            (Err(_), Need::Digest) => {}
        }
    }
    Ok(subjects)
}

/// What is asked for, as far as it is known here.
async fn known_subjects<D: Disk>(
    disk: &D,
    request: &Request,
    target: &RepoTarget,
    cache: &Path,
) -> Result<Vec<Subject>, Error> {
    let found = offline::look_up(disk, request, target, cache).await?;
    let entries = found.map(|found| found.entries).unwrap_or_default();
    let wanted = wanted_of(request, target)?;
    if wanted.is_empty() {
        let selection = Selection::new(request, target)?;
        let is_here = |entry: &Entry| entry.stage != Stage::Listed;
        let wanted = entries.into_iter().filter(is_here);
        let wanted = wanted.filter(|entry| selection.wants(entry.path.as_str()));
        let subjects: Vec<Subject> = wanted.map(|entry| of_entry(target, entry)).collect();
        if subjects.is_empty() {
            let place = request.local_dir.as_deref().unwrap_or(cache).display();
            let what = format!("of {} was fetched into {place}", target.repo);
            return Err(Fault::NoSuchFile(what).into());
        }
        return Ok(subjects);
    }
    let mut subjects = Vec::new();
    for one in &wanted {
        let found = one.of(&entries, |entry| &entry.path);
        if found.is_empty() {
            subjects.push(unknown(one));
        }
        subjects.extend(found.into_iter().map(|entry| of_entry(target, entry.clone())));
    }
    Ok(subjects)
}

fn unknown(wanted: &Wanted) -> Subject {
    Subject {
        path: wanted.path().to_string(),
        commit: None,
        shown: None,
        stage: Stage::Listed,
        known: None,
        source: String::new(),
    }
}

fn of_entry(target: &RepoTarget, entry: Entry) -> Subject {
    Subject {
        source: format!("{}@{}/{}", target.repo, entry.commit, entry.path),
        path: entry.path.to_string(),
        commit: Some(entry.commit),
        shown: Some(entry.shown),
        stage: entry.stage,
        known: entry.known,
    }
}

fn of_url(request: &Request, url: &Url) -> Result<Subject, Error> {
    let digest = plain::sha256_of(request)?;
    let path = plain::offline_name(request, url)?;
    let blob: BlobName = digest.hex().parse().map_err(Error::usage_of)?;
    let folder = request.local_dir.clone().unwrap_or_else(|| PathBuf::from("."));
    let place = LocalDir::new(&folder).place(&path, &blob);
    Ok(Subject {
        path: path.to_string(),
        commit: None,
        shown: Some(place.shown().to_owned()),
        stage: Stage::Listed,
        known: Some(Known { digest, size: None, place }),
        source: target::shown(url),
    })
}

/// Asks the hub about one file, and not for long.
async fn ask<H: Http, D: Disk>(
    http: &H,
    disk: &D,
    request: &Request,
    subject: &Subject,
    tell: impl Fn(News),
) -> Result<Item, Error> {
    let mut request = only(request, subject.commit.as_ref(), vec![subject.path.clone()])?;
    request.config.give_up_after.get_or_insert(PATIENCE);
    let (news, mut inbox) = queue();
    let asked = session::ask(http.clone(), disk.clone(), request, news);
    tokio::pin!(asked);
    let plan = loop {
        tokio::select! {
            biased;
            Some(news) = inbox.recv() => tell(news),
            plan = &mut asked => break plan?,
        }
    };
    let item = plan.items().next();
    item.ok_or_else(|| Fault::NoSuchFile(subject.path.clone()).into())
}

impl Subject {
    fn learn(&mut self, item: Item) {
        let (digest, size) = (item.spec.digest, Some(item.spec.size));
        self.source = item.source.describe();
        self.commit = item.source.commit();
        self.shown = Some(item.place.shown().to_owned());
        self.known = Some(Known { digest, size, place: item.place });
    }
}

/// The fetch that brings these files of what is asked for, at the commit that they are of.
pub(crate) fn again(
    request: &Request,
    commit: Option<&Commit>,
    files: Vec<String>,
) -> Result<Fetch, Error> {
    Ok(Fetch { request: only(request, commit, files)? })
}

fn only(request: &Request, commit: Option<&Commit>, files: Vec<String>) -> Result<Request, Error> {
    let target = match plan::target_of(request, &plan::endpoint_of(request)?)? {
        Target::Repo(target) => target,
        Target::Url(_) => return Ok(request.clone()),
    };
    let revision = match commit {
        Some(commit) => commit.to_string(),
        None => revision_of(request, &target)?.to_string(),
    };
    Ok(Request {
        repo: format!("hf://{}", target.repo.page_path()),
        kind: None,
        files,
        revision: Some(revision),
        include: Vec::new(),
        exclude: Vec::new(),
        ..request.clone()
    })
}

/// How long the hub is asked what a file must be.
const PATIENCE: Duration = Duration::from_secs(20);
