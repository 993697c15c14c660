//! Fetching without a hub: what the cache or the folder has of what is asked for, or an error.
//!
//! Fetches nothing, and takes nothing that is damaged out of its place: there is no other.

use std::path::Path;

use engine::hub::asked::Asked;
use engine::hub::revision::{Commit, Revision};
use engine::hub::target::RepoTarget;
use tokio::time::Instant;

use super::Request;
use super::cached::{InPlace, lock_now};
use super::item::{Ground, Item, Learned, Origin, Planned, Shelf};
use super::plan::{self, Plan};
use super::selection::{Selection, is_one_file, revision_of, wanted_of};
use crate::cache::catalogue::{self, Entry, Stage};
use crate::cache::inventory;
use crate::cache::layout::{LocalDir, RepoFolder};
use crate::cache::store::{self, Found};
use crate::disk::{Access, At, Disk};
use crate::driver::digest_of;
use crate::error::{Error, ErrorKind};

/// What is known here of a repository.
#[derive(Clone, Debug)]
pub(crate) struct Catalogue {
    /// The repository in the cache.
    pub(crate) folder: RepoFolder,
    /// The commit; `None` for a local folder, where every file has one of its own.
    pub(crate) commit: Option<Commit>,
    /// The files.
    pub(crate) entries: Vec<Entry>,
}

/// Looks up what is known here of what is asked for. `None` if nothing of the revision is.
pub(crate) async fn look_up<D: Disk>(
    disk: &D,
    request: &Request,
    target: &RepoTarget,
    cache: &Path,
) -> Result<Option<Catalogue>, Error> {
    let revision = revision_of(request, target)?;
    let folder = RepoFolder::new(cache, &target.repo);
    let (repo, local) = (target.repo.clone(), request.local_dir.clone());
    let found = disk.run(move |disk| {
        if let Some(local) = local {
            let mut entries = catalogue::in_local_dir(disk, &LocalDir::new(&local), &repo)?;
            if let Some(commit) = revision.commit() {
                entries.retain(|entry| entry.commit == commit);
            }
            return Ok(Some(Catalogue { folder, commit: None, entries }));
        }
        let Some(commit) = inventory::cached_commit(disk, &folder, &revision)? else {
            return Ok(None);
        };
        let entries = catalogue::in_cache(disk, &folder, &repo, &commit)?;
        Ok(Some(Catalogue { folder, commit: Some(commit), entries }))
    });
    Ok(found.await?)
}

/// The plan without a hub: what is here of the revision, all of what is asked for.
pub(super) async fn plan_offline<D: Disk>(
    disk: &D,
    request: &Request,
    target: &RepoTarget,
    cache: &Path,
) -> Result<Plan, Error> {
    let wanted = wanted_of(request, target)?;
    let selection = Selection::new(request, target)?;
    let absent = |what: &str| Error::new(ErrorKind::Offline).about(what);
    let found = look_up(disk, request, target, cache).await?;
    let Some(Catalogue { folder, commit, entries }) = found else {
        return Err(absent(target.repo.name()));
    };
    let entries = if wanted.is_empty() {
        entries.into_iter().filter(|entry| selection.wants(entry.path.as_str())).collect()
    } else {
        let mut found = Vec::new();
        for one in &wanted {
            let entries = one.of(&entries, |entry| &entry.path);
            if entries.is_empty() {
                return Err(absent(one.path().as_str()));
            }
            found.extend(entries.into_iter().cloned());
        }
        found
    };
    let mut files = Vec::new();
    for entry in entries {
        let found = planned(disk, &entry).await?;
        files.push(found.ok_or_else(|| absent(entry.path.as_str()))?);
    }
    let (shelf, whole) = match (&request.local_dir, &commit) {
        (Some(local), _) => (Shelf::Local(LocalDir::new(local)), local.clone()),
        (None, Some(commit)) => {
            let whole = folder.snapshot(commit);
            (Shelf::Cache(folder, commit.clone()), whole)
        }
        (None, None) => return Err(absent(target.repo.name())),
    };
    let asked = Asked {
        endpoint: plan::endpoint_of(request)?,
        repo: target.repo.clone(),
        revision: commit.as_ref().map_or_else(Revision::main, Revision::from),
        has_token: false,
    };
    let ground = Ground { origin: Origin::Repo(asked), shelf };
    let failed = Vec::new();
    let mut plan = Plan { commit, reference: None, ground, files, failed, shown: whole };
    let Some(first) = plan.items().next() else { return Err(absent(target.repo.name())) };
    if plan.files.len() == 1 && is_one_file(&wanted) {
        plan.shown = first.place.shown().to_owned();
    }
    Ok(plan)
}

/// The file of an entry, if it is here.
async fn planned<D: Disk>(disk: &D, entry: &Entry) -> Result<Option<Planned>, Error> {
    let Some(known) = entry.known.clone().filter(|_| entry.stage == Stage::Finished) else {
        return Ok(None);
    };
    let (looked, etag) = (known.place, known.digest.hex());
    let found = disk.run(move |disk| store::find(disk, &looked, &etag)).await?;
    let len = match found {
        Found::Nothing | Found::Other { .. } => return Ok(None),
        Found::Sealed { len, .. } => len,
        Found::Unverified { stat, .. } => stat.len,
    };
    let revision = Some(Revision::from(&entry.commit));
    let learned = Learned { location: None, xet_auth: None, revision, at: Instant::now() };
    Ok(Some(Planned {
        path: entry.path.clone(),
        size: known.size.unwrap_or(len),
        digest: known.digest,
        xet: None,
        learned: Some(Box::new(learned)),
    }))
}

/// Where a file is, found to be what its publisher says, without the right to write there. `tell`
/// hears that it is read for that.
pub(super) async fn verified<D: Disk>(
    disk: &D,
    item: &Item,
    tell: impl Fn(),
) -> Result<Verified, Error> {
    let (looked, etag) = (item.place.clone(), item.spec.digest.hex());
    let found = disk.run(move |disk| {
        let found = store::find(disk, &looked, &etag)?;
        let is_shown = match &found {
            Found::Sealed { path, .. } | Found::Unverified { path, .. } => {
                store::is_shown(disk, &looked, path)?
            }
            Found::Nothing | Found::Other { .. } => false,
        };
        Ok((found, is_shown))
    });
    let (path, stat) = match found.await? {
        (_, false) | (Found::Nothing | Found::Other { .. }, _) => return Ok(Verified::Nothing),
        (Found::Sealed { verified, .. }, true) => {
            return Ok(Verified::Here(InPlace { verified: Some(verified) }));
        }
        (Found::Unverified { path, stat }, true) => (path, stat),
    };
    tell();
    let looked = item.clone();
    let is_right = disk.run(move |disk| {
        let (place, digest) = (&looked.place, looked.spec.digest);
        let file = disk.open(&path, Access::Read).at(&path)?;
        if digest_of(&file, digest, stat.len).at(&path)? != digest {
            return Ok(false);
        }
        // So that it is not read again. A cache that cannot be written is as good to read.
        if let Ok(Some(lock)) = lock_now(disk, place) {
            let _ = store::remember(disk, &lock, place, &looked.begin(), &stat);
        }
        Ok(true)
    });
    Ok(if is_right.await? { Verified::Here(InPlace { verified: None }) } else { Verified::Damaged })
}

/// What was found where a file is to be.
pub(super) enum Verified {
    /// The file.
    Here(InPlace),
    /// Something else.
    Damaged,
    /// Nothing, or nothing that people would find.
    Nothing,
}
