//! The files that are fetched together: claimed, opened, and ready for one machine.
//!
//! FileLocks nothing itself, and drives nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::journal::Begin;
use engine::manifest::{FileId, Manifest};
use engine::transfer::Resumed;

use super::home::FileHome;
use super::hub::HubClient;
use super::item::Item;
use crate::cache::file_lock::{FileLock, HEARTBEAT};
use crate::cache::layout::Place;
use crate::cache::part::{self, OpenPart};
use crate::disk::Disk;
use crate::driver::{DriverFile, JournalFile};
use crate::http::Http;

/// A file that is ours to fetch.
pub(super) struct Locked<D: Disk> {
    pub(super) item: Item,
    pub(super) lock: Arc<FileLock<D>>,
    pub(super) open: OpenPart<D>,
}

/// Files that are fetched together.
pub(super) struct Batch<D: Disk> {
    pub(super) manifest: Manifest,
    pub(super) resumed: BTreeMap<FileId, Resumed>,
    pub(super) files: BTreeMap<FileId, DriverFile<D>>,
    pub(super) locks: FileLocks<D>,
    pub(super) written: Vec<Written<D>>,
}

/// What was written to, to be looked at once more when the transfer has ended.
pub(super) struct Written<D: Disk> {
    pub(super) id: FileId,
    place: Place,
    begin: Begin,
    part: Arc<D::File>,
}

/// The locks of a batch.
#[derive(Clone)]
pub(super) struct FileLocks<D: Disk> {
    disk: D,
    locks: Vec<Arc<FileLock<D>>>,
}

impl<D: Disk> Batch<D> {
    pub(super) fn new<H: Http>(
        claimed: BTreeMap<FileId, Locked<D>>,
        hub: &HubClient<H>,
        disk: &D,
        use_links: bool,
    ) -> Self {
        let base = hub.authority.endpoint.base().clone();
        let mut batch = Self {
            manifest: Manifest { hub: Some(base), files: BTreeMap::new() },
            resumed: BTreeMap::new(),
            files: BTreeMap::new(),
            locks: FileLocks { disk: disk.clone(), locks: Vec::new() },
            written: Vec::new(),
        };
        for (id, Locked { item, lock, open }) in claimed {
            let OpenPart { part, journal, journal_len, records, ledger, .. } = open;
            batch.manifest.files.insert(id, item.spec_now());
            batch.resumed.insert(id, Resumed { ledger, records });
            batch.locks.locks.push(Arc::clone(&lock));
            let (spec, begin) = (item.spec.clone(), item.begin());
            let journal = Arc::new(JournalFile::new(journal));
            batch.written.push(Written {
                id,
                place: item.place.clone(),
                begin: begin.clone(),
                part: Arc::clone(&part),
            });
            let home = Arc::new(FileHome {
                hub: hub.clone(),
                disk: disk.clone(),
                item,
                lock,
                part: Arc::clone(&part),
                journal: Arc::clone(&journal),
                marked: Arc::default(),
                use_links,
            });
            batch.files.insert(id, DriverFile { part, journal, begin, journal_len, home, spec });
        }
        batch
    }
}

impl<D: Disk> Written<D> {
    /// How much of the file another run would find recorded and true, in bytes. What cannot be
    /// read is not safe.
    pub(super) async fn safe_bytes(self, disk: &D) -> u64 {
        let work = move |disk: &D| part::safe_bytes(disk, &self.place, &self.begin, &*self.part);
        disk.run(work).await.unwrap_or_else(|fault| {
            tracing::warn!(%fault, "what is safe of a file could not be read");
            0
        })
    }
}

impl<D: Disk> FileLocks<D> {
    /// Keeps the locks alive for as long as it is polled.
    pub(super) async fn beat(&self) -> ! {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            let locks = self.locks.clone();
            // All of them, whatever comes of the first.
            let beat = self
                .disk
                .run(move |_| locks.iter().map(|lock| lock.beat()).fold(Ok(()), Result::and));
            if let Err(fault) = beat.await {
                tracing::warn!(%fault, "a lock could not be renewed");
            }
        }
    }

    /// Gives the locks up. What cannot be given up is found dead by the next one.
    pub(super) async fn release(self) {
        let released = self.disk.run(move |_| {
            self.locks.iter().for_each(|lock| lock.release());
            Ok(())
        });
        if let Err(fault) = released.await {
            tracing::warn!(%fault, "a lock could not be given up");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, SystemTime};

    use engine::time::Instant;

    use super::*;
    use crate::cache::file_lock::{Attempt, Watch, try_lock};
    use crate::cache::layout::LocalDir;
    use crate::cache::store::{self, Settled};
    use crate::disk::StdDisk;

    #[tokio::test(start_paused = true)]
    async fn each_claim_of_a_batch_is_renewed() {
        let folder = tempfile::tempdir().unwrap();
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let lock = |number: u128| {
            let name = format!("model-{number}.bin");
            let blob = format!("{number:064x}").parse().unwrap();
            let place = LocalDir::new(folder.path()).place(&name.parse().unwrap(), &blob);
            store::prepare(&StdDisk, &place, "n", &Settled::default()).unwrap();
            let (process, watch) = (StdDisk.process(), &mut Watch::default());
            let attempt = try_lock(&StdDisk, &place, &process, number, watch, Instant::START);
            let Attempt::Locked(lock) = attempt.unwrap() else { panic!("nobody else is here") };
            fs::File::open(&place.owner).unwrap().set_modified(long_ago).unwrap();
            (place.owner, Arc::new(lock))
        };
        let (owners, locks): (Vec<_>, Vec<_>) = (0..3).map(lock).unzip();
        let locks = FileLocks { disk: StdDisk, locks };
        let beaten = tokio::time::timeout(HEARTBEAT * 3 / 2, locks.beat()).await;
        assert!(beaten.is_err(), "it goes on for ever");
        for owner in owners {
            let modified = fs::metadata(&owner).unwrap().modified().unwrap();
            assert!(modified > long_ago, "{}: was not renewed", owner.display());
        }
    }
}
