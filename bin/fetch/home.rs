//! Where one file comes from and where it goes, for the driver.
//!
//! Decides nothing: asks the hub, keeps the lock, and seals when it is told to.

use std::sync::{Arc, Mutex, PoisonError};

use engine::action::Answer;
use engine::fault::{DiskFault, Fault};
use engine::manifest::Location;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::hub::HubClient;
use super::item::{Item, Source};
use crate::cache::file_lock::FileLock;
use crate::cache::{part, store};
use crate::disk::{At, Disk, Stat};
use crate::driver::{Home, JournalFile};
use crate::http::Http;

/// One file's source and place.
pub(super) struct FileHome<H, D: Disk> {
    pub(super) hub: HubClient<H>,
    pub(super) disk: D,
    pub(super) item: Item,
    pub(super) lock: Arc<FileLock<D>>,
    pub(super) part: Arc<D::File>,
    pub(super) journal: Arc<JournalFile<D::File>>,
    /// What the part was like when it was marked.
    pub(super) marked: Arc<Mutex<Option<Stat>>>,
    pub(super) use_links: bool,
}

impl<H: Http, D: Disk> Home for FileHome<H, D> {
    fn locate(&self) -> BoxFuture<'static, Result<Answer, Fault>> {
        let (hub, source) = (self.hub.clone(), self.item.source.clone());
        async move {
            match source {
                Source::Repo { asked, path, .. } => {
                    let resolved = hub.resolve(&asked, &path).await;
                    let resolved = resolved.map_err(|fault| asked.conclude(fault, Some(&path)))?;
                    let (digest, size) = (resolved.digest, resolved.size);
                    Ok(Answer::Located { location: resolved.location, digest, size })
                }
                Source::Url(url) => {
                    let location = Location { url, ttl: None };
                    Ok(Answer::Located { location, digest: None, size: None })
                }
            }
        }
        .boxed()
    }

    fn authorize(&self) -> BoxFuture<'static, Result<Answer, Fault>> {
        let (hub, source) = (self.hub.clone(), self.item.source.clone());
        async move {
            match source {
                Source::Repo { asked, xet_auth, .. } => {
                    let (token, ttl) = hub.xet_token(&asked, xet_auth).await?;
                    Ok(Answer::Authorized { token, ttl })
                }
                Source::Url(_) => Err(Fault::NotAHub),
            }
        }
        .boxed()
    }

    fn check(&self) -> BoxFuture<'static, Result<(), Fault>> {
        let (disk, lock) = (self.disk.clone(), Arc::clone(&self.lock));
        let (part, journal) = (Arc::clone(&self.part), self.journal.current());
        let place = self.item.place.clone();
        let work = move |disk: &D| {
            lock.check()?;
            part::check_name(disk, &place.part, &*part)?;
            part::check_name(disk, &place.journal, &*journal)
        };
        async move { disk.run(work).await.map_err(Fault::Disk) }.boxed()
    }

    fn replace_journal(&self, content: Vec<u8>) -> BoxFuture<'static, Result<(), Fault>> {
        let (disk, lock) = (self.disk.clone(), Arc::clone(&self.lock));
        let (place, journal) = (self.item.place.clone(), Arc::clone(&self.journal));
        let size = self.item.spec.size;
        let work = move |disk: &D| {
            journal.put(part::replace_journal(disk, &lock, &place, &content, size)?);
            Ok(())
        };
        async move { disk.run(work).await.map_err(Fault::Disk) }.boxed()
    }

    fn mark(&self) -> BoxFuture<'static, Result<(), Fault>> {
        let (disk, part, path) =
            (self.disk.clone(), Arc::clone(&self.part), self.item.place.part.clone());
        let (marked, size) = (Arc::clone(&self.marked), self.item.spec.size);
        let work = move |disk: &D| {
            part::check_name(disk, &path, &*part)?;
            let stat = part::mark(&*part, size).at(&path)?;
            *marked.lock().unwrap_or_else(PoisonError::into_inner) = Some(stat);
            Ok(())
        };
        async move { disk.run(work).await.map_err(Fault::Disk) }.boxed()
    }

    fn seal(&self, journal_len: u64) -> BoxFuture<'static, Result<(), Fault>> {
        let (disk, lock) = (self.disk.clone(), Arc::clone(&self.lock));
        let (part, journal) = (Arc::clone(&self.part), self.journal.current());
        let (item, use_links) = (self.item.clone(), self.use_links);
        let marked = *self.marked.lock().unwrap_or_else(PoisonError::into_inner);
        let work = move |disk: &D| {
            let marked = marked.ok_or(DiskFault::Touched)?;
            store::seal(disk, &lock, &item.place, &*part, &*journal, journal_len, &marked)?;
            show(disk, &lock, &item, use_links)
        };
        async move { disk.run(work).await.map_err(Fault::Disk) }.boxed()
    }
}

/// Makes a finished file visible where people and `hf` look for it. Blocks.
pub(super) fn show<D: Disk>(
    disk: &D,
    lock: &FileLock<D>,
    item: &Item,
    use_links: bool,
) -> Result<(), DiskFault> {
    store::point(disk, &item.place, lock.nonce(), use_links)?;
    if let Source::Repo { asked, .. } = &item.source
        && let Some(commit) = asked.revision.commit()
    {
        let etag = item.spec.digest.hex();
        store::write_metadata(disk, &item.place, &commit, &etag, disk.date(), lock.nonce())?;
    }
    Ok(())
}
