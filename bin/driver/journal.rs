//! One task a file that appends to its journal, in the order of the machine's actions.
//!
//! Appends while a sync is under way: a marker counts the records that it covers.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use engine::fault::{DiskFault, Fault};
use engine::journal::Record;
use tokio::sync::{mpsc, oneshot};

use super::DriverFile;
use crate::disk::{At, Disk, DiskFile};

/// How to reach a file's journal task.
pub(super) struct JournalSender<D: Disk> {
    work: mpsc::UnboundedSender<Work>,
    part: Arc<D::File>,
    journal: Arc<D::File>,
}

enum Work {
    Append(Record),
    /// Answers with the length of the journal when all work before it is done.
    Flush(oneshot::Sender<Result<u64, DiskFault>>),
}

/// Starts the task for a file. It ends when its sender is dropped.
pub(super) fn spawn<D: Disk>(disk: &D, file: &DriverFile<D>) -> JournalSender<D> {
    // Unbounded, but small: a record stands for up to 256 KiB that have been written.
    let (work, inbox) = mpsc::unbounded_channel();
    let journal = Arc::clone(&file.journal);
    tokio::spawn(append_all(disk.clone(), journal, file.journal_len, inbox));
    JournalSender { work, part: Arc::clone(&file.part), journal: Arc::clone(&file.journal) }
}

impl<D: Disk> JournalSender<D> {
    /// Appends a record after all that were appended before. A failure is heard at the next sync.
    pub(super) fn append(&self, record: Record) {
        // The task ends only when this sender is dropped.
        let _ = self.work.send(Work::Append(record));
    }

    /// Resolves to the journal's length when everything appended so far is written.
    pub(super) fn flush(&self) -> impl Future<Output = Result<u64, Fault>> + Send + use<D> {
        flush(self.work.clone())
    }

    /// Makes the part durable, then marks `records` as synced, then makes the journal durable.
    pub(super) fn sync(
        &self,
        disk: D,
        records: u64,
    ) -> impl Future<Output = Result<(), Fault>> + Send + use<D> {
        let flushed = self.flush();
        let (part, journal, work) =
            (Arc::clone(&self.part), Arc::clone(&self.journal), self.work.clone());
        async move {
            flushed.await?;
            sync_file::<D>(&disk, part).await?;
            let _ = work.send(Work::Append(Record::Synced { records }));
            flush(work).await?;
            sync_file::<D>(&disk, journal).await
        }
    }
}

async fn flush(work: mpsc::UnboundedSender<Work>) -> Result<u64, Fault> {
    let (done, result) = oneshot::channel();
    let _ = work.send(Work::Flush(done));
    let gone = || DiskFault::Io("the journal's task has ended".to_owned());
    result.await.unwrap_or_else(|_| Err(gone())).map_err(Fault::Disk)
}

async fn sync_file<D: Disk>(disk: &D, file: Arc<D::File>) -> Result<(), Fault> {
    let work = move |_: &D| file.sync_data().at(Path::new("the download"));
    disk.run(work).await.map_err(Fault::Disk)
}

async fn append_all<D: Disk>(
    disk: D,
    journal: Arc<D::File>,
    mut len: u64,
    mut inbox: mpsc::UnboundedReceiver<Work>,
) {
    // A journal that failed once is not appended to again: a hole would look like damage.
    let mut failed: Option<DiskFault> = None;
    let mut batch = Vec::new();
    while inbox.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let mut bytes = Vec::new();
        let mut waiting = Vec::new();
        for work in batch.drain(..) {
            match work {
                Work::Append(record) => record.encode(&mut bytes),
                Work::Flush(done) => waiting.push(done),
            }
        }
        if failed.is_none() && !bytes.is_empty() {
            let (journal, grown) = (Arc::clone(&journal), bytes.len() as u64);
            let write = move |_: &D| journal.write_all_at(&bytes, len).at(Path::new("the journal"));
            match disk.run(write).await {
                Ok(()) => len += grown,
                Err(fault) => failed = Some(fault),
            }
        }
        for done in waiting {
            // Who asked may have gone.
            let _ = done.send(failed.clone().map_or(Ok(len), Err));
        }
    }
}

/// So many records are written at once at most.
const BATCH_MAX: usize = 256;
