//! What is in place already, and whether it is to be believed.
//!
//! Fetches nothing; what turns out to be damaged is handed back as missing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine::fault::DiskFault;
use engine::hub::target::RepoTarget;
use engine::journal::Begin;
use engine::manifest::FileId;
use engine::time::Instant;

use super::Request;
use super::home::show;
use super::item::Item;
use super::plan::Plan;
use crate::cache::file_lock::{Attempt, FileLock, Watch, try_lock};
use crate::cache::layout::{LocalDir, Place, PlaceKind, RepoFolder};
use crate::cache::reopen::reopen;
use crate::cache::store::{self, Found, Settled};
use crate::disk::{Access, At, Disk, Stat, if_there};
use crate::driver::digest_of;
use crate::error::Error;

/// A file that is in place, and right.
#[derive(Clone, Copy, Debug)]
pub(super) struct InPlace {
    /// When it was verified, since 1970; `None` if it was read just now.
    pub(super) verified: Option<Duration>,
}

/// The file, if we verified it before and nobody has touched it since.
pub(super) async fn sealed<D: Disk>(disk: &D, item: &Item) -> Result<Option<InPlace>, Error> {
    let item = item.clone();
    Ok(disk.run(move |disk| seal_of(disk, &item)).await?)
}

/// Which of some files of a plan are in place like that.
pub(super) async fn sealed_of<D: Disk>(
    disk: &D,
    plan: &Arc<Plan>,
    ids: Vec<FileId>,
) -> Result<Vec<(FileId, InPlace)>, Error> {
    let plan = Arc::clone(plan);
    let found = disk.run(move |disk| {
        let mut found = Vec::new();
        for id in ids {
            let Some(item) = plan.item(id) else { continue };
            found.extend(seal_of(disk, &item).ok().flatten().map(|file| (id, file)));
        }
        Ok(found)
    });
    Ok(found.await?)
}

fn seal_of<D: Disk>(disk: &D, item: &Item) -> Result<Option<InPlace>, DiskFault> {
    let shown = item.place.shown();
    if if_there(disk.stat(shown)).at(shown)?.is_none() {
        return Ok(None);
    }
    match store::find(disk, &item.place, &item.spec.digest.hex())? {
        Found::Sealed { path, len, verified } if len == item.spec.size => {
            let is_shown = store::is_shown(disk, &item.place, &path)?;
            Ok(is_shown.then_some(InPlace { verified: Some(verified) }))
        }
        Found::Sealed { .. } | Found::Unverified { .. } | Found::Other { .. } | Found::Nothing => {
            Ok(None)
        }
    }
}

/// The file, if what is there is what its publisher says. A damaged one becomes a part,
/// of which only the damage is fetched again. `tell` hears that a file is read for that.
pub(super) async fn verified<D: Disk>(
    disk: &D,
    lock: &Arc<FileLock<D>>,
    item: &Item,
    begin: &Begin,
    use_links: bool,
    tell: impl Fn(),
) -> Result<Option<InPlace>, Error> {
    let (looked, etag) = (item.clone(), item.spec.digest.hex());
    let found = disk.run(move |disk| store::find(disk, &looked.place, &etag)).await?;
    let (path, stat, verified) = match found {
        Found::Nothing | Found::Other { .. } => return Ok(None),
        Found::Sealed { len, .. } if len != item.spec.size => return Ok(None),
        Found::Unverified { stat, .. } if stat.len != item.spec.size => return Ok(None),
        Found::Sealed { path, verified, .. } => (path, None, Some(verified)),
        Found::Unverified { path, stat } => (path, Some(stat), None),
    };
    if stat.is_some() {
        tell();
    }
    let (lock, item, begin) = (Arc::clone(lock), item.clone(), begin.clone());
    let judged = disk.run(move |disk| {
        if let Some(stat) = stat
            && !is_right(disk, &lock, &item, &begin, &path, &stat)?
        {
            return Ok(None);
        }
        show(disk, &lock, &item, use_links)?;
        Ok(Some(InPlace { verified }))
    });
    Ok(judged.await?)
}

/// Reads a file that somebody else put there. Blocks.
fn is_right<D: Disk>(
    disk: &D,
    lock: &FileLock<D>,
    item: &Item,
    begin: &Begin,
    path: &Path,
    stat: &Stat,
) -> Result<bool, DiskFault> {
    let file = disk.open(path, Access::Read).at(path)?;
    let digest = item.spec.digest;
    if digest_of(&file, digest, item.spec.size).at(path)? == digest {
        store::remember(disk, lock, &item.place, begin, stat)?;
        return Ok(true);
    }
    // Under --local-dir a file that no record calls ours may be anything, and stays until it is
    // replaced.
    let is_ours = match &item.place.kind {
        PlaceKind::Cache { .. } => true,
        PlaceKind::LocalDir { metadata: Some(metadata), .. } => {
            let record = store::read_metadata(disk, metadata)?;
            record.is_some_and(|record| record.etag == digest.hex())
        }
        PlaceKind::LocalDir { metadata: None, .. } => false,
    };
    let has_part = if_there(disk.stat(&item.place.part)).at(&item.place.part)?.is_some();
    if is_ours && !has_part && path == item.place.target {
        reopen(disk, lock, &item.place, begin)?;
    }
    Ok(false)
}

/// Whether something of the repository was fetched here before.
pub(super) async fn is_known<D: Disk>(
    disk: &D,
    request: &Request,
    target: &RepoTarget,
    cache: &Path,
) -> Result<bool, Error> {
    let folder = match &request.local_dir {
        Some(folder) => LocalDir::new(folder).records(),
        None => RepoFolder::new(cache, &target.repo).path(),
    };
    let known = disk.run(move |disk| Ok(disk.stat(&folder).is_ok()));
    Ok(known.await?)
}

/// FileLocks a file for a moment, unless somebody else has it. Blocks, but waits for nobody.
pub(crate) fn lock_now<D: Disk>(disk: &D, place: &Place) -> Result<Option<FileLock<D>>, DiskFault> {
    let nonce = disk.nonce();
    store::prepare(disk, place, &format!("{nonce:032x}"), &Settled::default())?;
    let (process, mut watch) = (disk.process(), Watch::default());
    match try_lock(disk, place, &process, nonce, &mut watch, Instant::START)? {
        Attempt::Locked(lock) => Ok(Some(lock)),
        Attempt::Busy(_) => Ok(None),
    }
}
