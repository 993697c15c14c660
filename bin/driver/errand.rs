//! Work that ends in one answer: checking the disk, and what a file's home does.
//!
//! Judges nothing; the machine does.

use std::sync::Arc;

use engine::action::Answer;
use engine::fault::Fault;
use engine::ledger::Proven;
use futures_util::future::BoxFuture;

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

/// Which of the entries are not on the disk as recorded.
pub(crate) async fn check<D: Disk>(
    disk: D,
    part: Arc<D::File>,
    entries: Vec<Proven>,
) -> Result<Answer, Fault> {
    let work = move |_: &D| {
        let mut damaged = Vec::new();
        for entry in entries {
            if !is_intact(&*part, entry) {
                damaged.push(entry.range);
            }
        }
        Ok(Answer::Checked { damaged })
    };
    disk.run(work).await.map_err(Fault::Disk)
}
