//! Work that ends in one answer: checking the disk, and what a file's home does.
//!
//! Judges nothing; the machine does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use engine::action::Answer;
use engine::fault::Fault;
use engine::ledger::Proven;
use futures_util::future::{BoxFuture, try_join_all};

use crate::disk::Disk;
use crate::disk::pieces::is_intact;

/// Where a file comes from and where it goes.
pub trait Home: Send + Sync {
    /// Asks the hub where the file can be fetched. Ends in [`Answer::Located`].
    fn locate(&self) -> BoxFuture<'static, Result<Answer, Fault>>;
    /// Asks the hub for a token to its content-addressed storage. Ends in
    /// [`Answer::Authorized`].
    fn authorize(&self) -> BoxFuture<'static, Result<Answer, Fault>>;
    /// An error unless the file is still ours to write.
    fn check(&self) -> BoxFuture<'static, Result<(), Fault>>;
    /// Puts another journal in the place of this one, durably and in one step.
    fn replace_journal(&self, content: Vec<u8>) -> BoxFuture<'static, Result<(), Fault>>;
    /// Marks the part, so that who writes to it from now on is noticed when it is sealed.
    fn mark(&self) -> BoxFuture<'static, Result<(), Fault>>;
    /// Puts the verified part into place, unless it is not as it was marked; `journal_len` is how
    /// far the journal is written.
    fn seal(&self, journal_len: u64) -> BoxFuture<'static, Result<(), Fault>>;
}

/// Which of the entries are not on the disk as recorded. Several look at the same time, each at the
/// next entry: side by side, so that a disk that turns need not go to and fro.
pub(crate) async fn check<D: Disk>(
    disk: D,
    part: Arc<D::File>,
    entries: Vec<Proven>,
) -> Result<Answer, Fault> {
    let (entries, next) = (Arc::new(entries), Arc::new(AtomicUsize::new(0)));
    let look = || {
        let (part, entries, next) = (Arc::clone(&part), Arc::clone(&entries), Arc::clone(&next));
        let work = move |_: &D| {
            let mut damaged = Vec::new();
            while let Some(entry) = entries.get(next.fetch_add(1, Ordering::Relaxed)) {
                if !is_intact(&*part, *entry) {
                    damaged.push(entry.range);
                }
            }
            Ok(damaged)
        };
        let disk = disk.clone();
        async move { disk.run(work).await.map_err(Fault::Disk) }
    };
    let looks: [_; LOOKERS] = std::array::from_fn(|_| look());
    let mut damaged = try_join_all(looks).await?.concat();
    damaged.sort_unstable_by_key(|range| range.start);
    Ok(Answer::Checked { damaged })
}

/// Two are as fast as memory is; more would keep a small machine from anything else.
const LOOKERS: usize = 2;
