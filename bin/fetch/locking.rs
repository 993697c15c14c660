//! Getting files for us: which are in place, which are ours to fetch, which must wait.
//!
//! Transfers nothing. Nobody waits here while holding a lock, and a file that waits for its turn,
//! or for another process, holds nothing open.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use engine::event::Event;
use engine::fault::{DiskFault, Fault};
use engine::manifest::FileId;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::batch::Locked;
use super::cached::InPlace;
use super::item::{Item, Source};
use super::offline::Verified;
use super::progress::Progress;
use super::session::Session;
use super::{cached, offline};
use crate::cache::file_lock::{Attempt, Busy, HEARTBEAT, Watch, try_lock};
use crate::cache::{part, store};
use crate::disk::Disk;
use crate::error::{Error, ErrorKind};
use crate::http::Http;
use crate::news::News;

/// What came of trying to get a file for us.
enum Locking<D: Disk> {
    Locked(Box<Locked<D>>),
    Present(InPlace),
    /// Another process has it; what was seen of that.
    Busy(Busy, Watch),
}

impl<H: Http, D: Disk> Session<H, D> {
    /// FileLocks as many files as may be open at once. Those that are in place, and those that
    /// cannot be had, are taken off; those that another process has are left for later.
    pub(super) async fn lock_batch(
        &self,
        progress: &mut Progress,
    ) -> Result<BTreeMap<FileId, Locked<D>>, Error> {
        let mut batch = BTreeMap::new();
        let mut waiting = progress.next_up();
        let (mut locks, mut failed, mut is_crowded) = (FuturesUnordered::new(), None, false);
        let (max, began, mut bytes) = (self.open_max(), self.clock.now(), 0);
        loop {
            while failed.is_none() && !is_crowded && locks.len() < CLAIMS_AT_ONCE {
                let (count, took) = (batch.len() + locks.len(), self.clock.now().since(began));
                if is_enough(count, bytes, max, took) {
                    break;
                }
                let Some((id, item)) = waiting.next(progress) else { break };
                bytes = item.spec.size.saturating_add(bytes);
                let seen = progress.watches.get(&id).cloned().unwrap_or_default();
                let twin = progress.twin_of(&item);
                locks.push(async move {
                    let claimed = self.lock(id, &item, seen, twin).await;
                    (id, item, claimed)
                });
            }
            let Some((id, item, claimed)) = locks.next().await else { break };
            match claimed {
                Ok(Locking::Locked(claimed)) => drop(batch.insert(id, *claimed)),
                Ok(Locking::Present(file)) => progress.on_present(id, file),
                Ok(Locking::Busy(busy, watch)) => {
                    if progress.watches.insert(id, watch).is_none() {
                        self.tell(News::Busy { file: id, by: busy.by });
                    }
                    continue;
                }
                Err(error) => match error.fault() {
                    Some(fault) if is_about_one_file(fault) => {
                        let fault = fault.clone();
                        self.tell_failed(id, &fault);
                        progress.failed.insert(id, fault);
                    }
                    Some(Fault::Disk(DiskFault::TooManyOpen)) if self.may_wait(progress) => {
                        is_crowded = true;
                        continue;
                    }
                    Some(_) | None => {
                        failed.get_or_insert(error.about(&item.path));
                        continue;
                    }
                },
            }
            progress.crowded_since = None;
            progress.pending.remove(&id);
        }
        failed.map_or(Ok(batch), Err)
    }

    /// Whether it is worth waiting for others to close their files.
    fn may_wait(&self, progress: &mut Progress) -> bool {
        let now = self.clock.now();
        let since = *progress.crowded_since.get_or_insert(now);
        now.since(since) < CROWDED_MAX
    }

    /// How many files may be open at once.
    fn open_max(&self) -> usize {
        open_max(self.disk.open_files_max(), self.workers_max())
    }

    /// How many connections may be open at once.
    pub(super) fn workers_max(&self) -> u32 {
        workers_max(self.disk.open_files_max(), self.request.config.workers_max)
    }

    fn tell_failed(&self, file: FileId, fault: &Fault) {
        let event = Event::Failed { file, fault: fault.clone() };
        self.tell(News::Transfer { event, at: self.clock.now(), open_requests: 0 });
    }

    /// Tries to get a file for us. `twin` is one of the same content that is in place.
    async fn lock(
        &self,
        id: FileId,
        item: &Item,
        seen: Watch,
        twin: Option<PathBuf>,
    ) -> Result<Locking<D>, Error> {
        let may_be_present = !self.request.force;
        if may_be_present && let Some(file) = cached::sealed(&self.disk, item).await? {
            self.tell(News::Present { file: id });
            return Ok(Locking::Present(file));
        }
        let tell = || self.tell(News::Verifying { file: id });
        if self.environment.is_offline && matches!(item.source, Source::Repo { .. }) {
            let Verified::Here(file) = offline::verified(&self.disk, item, tell).await? else {
                let kind = ErrorKind::Damaged { damaged: 1, checked: 1 };
                return Err(Error::new(kind).about(&item.path));
            };
            self.tell(News::Present { file: id });
            return Ok(Locking::Present(file));
        }
        let (place, now, nonce) = (item.place.clone(), self.clock.now(), self.disk.nonce());
        let settled = self.settled.clone();
        let attempt = self.disk.run(move |disk| {
            let mut seen = seen;
            store::prepare(disk, &place, &format!("{nonce:032x}"), &settled)?;
            let attempt = try_lock(disk, &place, &disk.process(), nonce, &mut seen, now)?;
            Ok((attempt, seen))
        });
        let lock = match attempt.await {
            Ok((Attempt::Locked(lock), _)) => Arc::new(lock),
            Ok((Attempt::Busy(busy), seen)) => return Ok(Locking::Busy(busy, seen)),
            // What is complete needs no lock: another program may have put it there.
            Err(fault @ (DiskFault::ReadOnly(_) | DiskFault::NotPermitted(_)))
                if may_be_present =>
            {
                let Verified::Here(file) = offline::verified(&self.disk, item, tell).await? else {
                    return Err(fault.into());
                };
                self.tell(News::Present { file: id });
                return Ok(Locking::Present(file));
            }
            Err(fault) => return Err(fault.into()),
        };
        let begin = item.begin();
        if may_be_present {
            let links = self.use_links();
            let found = cached::verified(&self.disk, &lock, item, &begin, links, tell).await?;
            if let Some(file) = found {
                self.tell(News::Present { file: id });
                return Ok(Locking::Present(file));
            }
        }
        let (place, held) = (item.place.clone(), Arc::clone(&lock));
        let open = self.disk.run(move |disk| {
            let mut open = part::open(disk, &held, &place, &begin)?;
            if let Some(twin) = twin {
                part::fill(disk, &place, &mut open, &twin)?;
            }
            Ok(open)
        });
        let open = open.await?;
        if let Some(why) = open.aside {
            self.tell(News::Aside { file: id, why });
        }
        Ok(Locking::Locked(Box::new(Locked { item: item.clone(), lock, open })))
    }
}

/// Whether the others can be had although this one cannot.
const fn is_about_one_file(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::Disk(
            DiskFault::BadName(_)
                | DiskFault::TooLarge(_)
                | DiskFault::FileLimit(_)
                | DiskFault::InTheWay(_)
        )
    )
}

/// Whether `count` files, of so many bytes, make a batch, when claiming them took so long. The
/// others wait for all of them: so a batch of small files, each of which costs little but turns
/// to and fro, is larger. And nobody renews locks before the transfer begins.
fn is_enough(count: usize, bytes: u64, max: usize, took: Duration) -> bool {
    count >= max || count >= FEW && bytes >= MUCH || count > 0 && took >= CLAIMING_MAX
}

/// How many files may be open at once if this process may have so many descriptors, and opens so
/// many connections.
fn open_max(descriptors: Option<u64>, workers: u32) -> usize {
    let connections = u64::from(workers) * DESCRIPTORS_PER_WORKER;
    let left = left(descriptors).saturating_sub(connections);
    let files = usize::try_from(left / DESCRIPTORS_PER_FILE).unwrap_or(FILES_MAX);
    files.clamp(1, FILES_MAX)
}

/// How many connections of those that are wanted this process may open at once, beside a file.
fn workers_max(descriptors: Option<u64>, wanted: u32) -> u32 {
    let left = left(descriptors).saturating_sub(DESCRIPTORS_PER_FILE) / DESCRIPTORS_PER_WORKER;
    u32::try_from(left).unwrap_or(u32::MAX).clamp(1, wanted.max(1))
}

fn left(descriptors: Option<u64>) -> u64 {
    descriptors.unwrap_or(u64::MAX).saturating_sub(DESCRIPTORS_OF_ITS_OWN)
}

/// Part, journal, lock and owner file, and one that is open for a moment.
const DESCRIPTORS_PER_FILE: u64 = 5;
/// A connection that works and others that are idle, dialled or ask for names.
const DESCRIPTORS_PER_WORKER: u64 = 3;
/// Standard streams, the runtime, a log.
const DESCRIPTORS_OF_ITS_OWN: u64 = 16;
/// So many files are open at once at most.
const FILES_MAX: usize = 256;
/// So many are, if they are large.
const FEW: usize = 64;
/// Files are small that come to less than this, in bytes.
const MUCH: u64 = 1 << 30;
/// So many are claimed at the same time: most of it is waiting for syncs, which a filesystem does
/// together if it can.
const CLAIMS_AT_ONCE: usize = 16;
/// So long may it take until a first lock is renewed.
const CLAIMING_MAX: Duration = HEARTBEAT.saturating_mul(2);
/// So long others are given to close their files.
const CROWDED_MAX: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_open_as_far_as_descriptors_go() {
        for (descriptors, workers, files) in [
            (None, 8, FILES_MAX),
            (Some(20_000), 8, FILES_MAX),
            // macOS.
            (Some(256), 8, 43),
            (Some(128), 8, 17),
            (Some(64), 8, 4),
            (Some(64), 64, 1),
            (Some(0), 1, 1),
        ] {
            assert_eq!(open_max(descriptors, workers), files, "{descriptors:?} {workers}");
        }
    }

    #[test]
    fn connections_leave_room_for_a_file() {
        for (descriptors, wanted, workers) in [
            (None, 64, 64),
            (Some(256), 64, 64),
            (Some(64), 64, 14),
            (Some(64), 8, 8),
            (Some(0), 8, 1),
        ] {
            assert_eq!(workers_max(descriptors, wanted), workers, "{descriptors:?} {wanted}");
        }
    }

    #[test]
    fn a_batch_is_large_where_files_are_small() {
        let now = Duration::ZERO;
        for (count, bytes, took, expected) in [
            (0, 0, CLAIMING_MAX, false),
            (1, MUCH * 100, now, false),
            (FEW, MUCH, now, true),
            (FEW, MUCH - 1, now, false),
            (FILES_MAX, 0, now, true),
            (1, 0, CLAIMING_MAX, true),
        ] {
            assert_eq!(is_enough(count, bytes, FILES_MAX, took), expected, "{count} {bytes}");
        }
    }
}
