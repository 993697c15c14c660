//! One task a file that appends to its journal, in the order of the machine's actions, and now
//! and then puts a shorter one in its place.
//!
//! Appends while a sync is under way: a marker counts the records that it covers.
//!
//! # Why a journal is replaced while it grows
//!
//! It grows with time, not with the file: on a weak link a record stands for a few KB, and a
//! later one makes most of them superfluous. So when it has become much longer than it need be,
//! the sync that is due anyway writes the shortest journal that says the same, in place of a
//! marker: all that the ledger held when the sync was asked for is durable once the part is
//! synced. What was appended meanwhile is appended again behind it.

use std::future::Future;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use engine::fault::{DiskFault, Fault};
use engine::journal::{self, Begin, Record};
use engine::ledger::Ledger;
use tokio::sync::{mpsc, oneshot};

use super::{DriverFile, Home};
use crate::disk::{At, Disk, DiskFile};

/// The journal's open file, which is another one after each replacement.
pub struct JournalFile<F>(Mutex<Arc<F>>);

impl<F> JournalFile<F> {
    /// Begins with this file.
    pub fn new(file: Arc<F>) -> Self {
        Self(Mutex::new(file))
    }

    /// The file that is the journal now.
    pub fn current(&self) -> Arc<F> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Another file has taken the journal's place.
    pub fn put(&self, file: F) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(file);
    }
}

/// How to reach a file's journal task.
pub(super) struct JournalSender<D: Disk> {
    work: mpsc::UnboundedSender<Work>,
    part: Arc<D::File>,
    journal: Arc<JournalFile<D::File>>,
    begin: Begin,
    len: Arc<AtomicU64>,
}

enum Work {
    Append(Record),
    /// Answers with the length of the journal when all work before it is done.
    Flush(oneshot::Sender<Result<u64, DiskFault>>),
    /// What follows will be appended again behind a shorter journal.
    Keep,
    Replace(Shorter, oneshot::Sender<Result<u64, DiskFault>>),
}

/// A journal that says in fewer records what the first `counted` say.
struct Shorter {
    content: Vec<u8>,
    counted: u64,
    entries: u64,
}

/// Starts the task for a file. It ends when its sender is dropped.
pub(super) fn spawn<D: Disk>(disk: &D, file: &DriverFile<D>) -> JournalSender<D> {
    // Unbounded, but small: a record stands for up to 256 KiB that have been written.
    let (work, inbox) = mpsc::unbounded_channel();
    let len = Arc::new(AtomicU64::new(file.journal_len));
    let task = Task {
        disk: disk.clone(),
        journal: Arc::clone(&file.journal),
        home: Arc::clone(&file.home),
        len: Arc::clone(&len),
        kept: None,
        dropped: 0,
        failed: None,
    };
    tokio::spawn(task.run(inbox));
    let (part, journal) = (Arc::clone(&file.part), Arc::clone(&file.journal));
    JournalSender { work, part, journal, begin: file.begin.clone(), len }
}

impl<D: Disk> JournalSender<D> {
    /// Appends a record after all that were appended before. A failure is heard at the next sync.
    pub(super) fn append(&self, record: Record) {
        // The task ends only when this sender is dropped.
        let _ = self.work.send(Work::Append(record));
    }

    /// Resolves to the journal's length when everything appended so far is written.
    pub(super) fn flush(&self) -> impl Future<Output = Result<u64, Fault>> + Send + use<D> {
        ask(self.work.clone(), Work::Flush)
    }

    /// Makes the part durable, then marks `records` as synced, then makes the journal durable.
    /// The ledger is what those records have come to.
    pub(super) fn sync(
        &self,
        disk: D,
        records: u64,
        ledger: &Ledger,
    ) -> impl Future<Output = Result<(), Fault>> + Send + use<D> {
        let flushed = self.flush();
        let shorter = self.shorter(records, ledger);
        if shorter.is_some() {
            let _ = self.work.send(Work::Keep);
        }
        let (part, journal, work) =
            (Arc::clone(&self.part), Arc::clone(&self.journal), self.work.clone());
        async move {
            flushed.await?;
            sync_file::<D>(&disk, part).await?;
            if let Some(shorter) = shorter {
                match ask(work.clone(), |done| Work::Replace(shorter, done)).await {
                    // The longer one has its room, and says the same.
                    Err(Fault::Disk(fault)) if is_room(&fault) => {}
                    result => return result.map(drop),
                }
            }
            let _ = work.send(Work::Append(Record::Synced { records }));
            ask(work, Work::Flush).await?;
            sync_file::<D>(&disk, journal.current()).await
        }
    }

    /// What to replace the journal with, if that is worth it.
    fn shorter(&self, records: u64, ledger: &Ledger) -> Option<Shorter> {
        let entries = ledger.entries().count() as u64;
        let is_long = self.len.load(Ordering::Relaxed) > journal::len_max(entries);
        is_long.then(|| Shorter {
            content: journal::compact(&self.begin, ledger),
            counted: records,
            entries,
        })
    }
}

async fn ask(
    work: mpsc::UnboundedSender<Work>,
    what: impl FnOnce(oneshot::Sender<Result<u64, DiskFault>>) -> Work,
) -> Result<u64, Fault> {
    let (done, result) = oneshot::channel();
    let _ = work.send(what(done));
    let gone = || DiskFault::Io("the journal's task has ended".to_owned());
    result.await.unwrap_or_else(|_| Err(gone())).map_err(Fault::Disk)
}

async fn sync_file<D: Disk>(disk: &D, file: Arc<D::File>) -> Result<(), Fault> {
    let work = move |_: &D| file.sync_data().at(Path::new("the download"));
    disk.run(work).await.map_err(Fault::Disk)
}

struct Task<D: Disk> {
    disk: D,
    journal: Arc<JournalFile<D::File>>,
    home: Arc<dyn Home>,
    len: Arc<AtomicU64>,
    /// What was appended since a replacement was announced.
    kept: Option<Vec<u8>>,
    /// How many counted records fewer there are than the machine has appended.
    dropped: u64,
    /// A journal that failed once is not appended to again: a hole would look like damage.
    failed: Option<DiskFault>,
}

impl<D: Disk> Task<D> {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Work>) {
        let mut batch = Vec::new();
        while inbox.recv_many(&mut batch, BATCH_MAX).await > 0 {
            let mut bytes = Vec::new();
            let mut waiting = Vec::new();
            for work in batch.drain(..) {
                match work {
                    Work::Append(record) => self.encode(&record, &mut bytes),
                    Work::Flush(done) => waiting.push(done),
                    Work::Keep => {
                        self.write(&mut bytes).await;
                        self.kept = Some(Vec::new());
                    }
                    Work::Replace(shorter, done) => {
                        self.write(&mut bytes).await;
                        match self.replace(shorter).await {
                            Ok(()) => waiting.push(done),
                            // Who asked may have gone.
                            Err(fault) => drop(done.send(Err(fault))),
                        }
                    }
                }
            }
            self.write(&mut bytes).await;
            for done in waiting {
                let len = self.len.load(Ordering::Relaxed);
                // Who asked may have gone.
                let _ = done.send(self.failed.clone().map_or(Ok(len), Err));
            }
        }
    }

    /// Encodes a record; a marker counts the records of this journal, not those of the machine.
    fn encode(&self, record: &Record, bytes: &mut Vec<u8>) {
        if let Record::Synced { records } = record {
            Record::Synced { records: records.saturating_sub(self.dropped) }.encode(bytes);
        } else {
            record.encode(bytes);
        }
    }

    /// Appends what has been encoded.
    async fn write(&mut self, bytes: &mut Vec<u8>) {
        if self.failed.is_some() || bytes.is_empty() {
            return;
        }
        let bytes = std::mem::take(bytes);
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(&bytes);
        }
        let (journal, at) = (self.journal.current(), self.len.load(Ordering::Relaxed));
        let grown = bytes.len() as u64;
        let write = move |_: &D| journal.write_all_at(&bytes, at).at(Path::new("the journal"));
        match self.disk.run(write).await {
            Ok(()) => self.len.store(at + grown, Ordering::Relaxed),
            Err(fault) => self.failed = Some(fault),
        }
    }

    /// Puts a shorter journal in place, with what was appended meanwhile behind it. An error if
    /// there is no room for it.
    async fn replace(&mut self, shorter: Shorter) -> Result<(), DiskFault> {
        let Some(kept) = self.kept.take() else { return Ok(()) };
        if self.failed.is_some() {
            return Ok(());
        }
        let mut content = shorter.content;
        content.extend(kept);
        let len = content.len() as u64;
        match self.home.replace_journal(content).await {
            Ok(()) => {
                self.len.store(len, Ordering::Relaxed);
                self.dropped = shorter.counted.saturating_sub(shorter.entries);
            }
            Err(Fault::Disk(fault)) if is_room(&fault) => return Err(fault),
            Err(Fault::Disk(fault)) => self.failed = Some(fault),
            Err(fault) => self.failed = Some(DiskFault::Io(fault.to_string())),
        }
        Ok(())
    }
}

/// Whether a file could not be made because there is no room for one more.
const fn is_room(fault: &DiskFault) -> bool {
    matches!(fault, DiskFault::Full | DiskFault::Quota | DiskFault::Inodes)
}

/// So many records are written at once at most.
const BATCH_MAX: usize = 256;
