//! What chunks prove: which parts of a file are vouched for by its publisher, and which are not
//! what they should be.
//!
//! Asks for no bytes; what is revoked here becomes missing.

use std::collections::BTreeMap;

use super::Transfer;
use crate::action::Answer;
use crate::action::CHECKPOINT_BYTES;
use crate::fault::Fault;
use crate::manifest::FileId;
use crate::range::ByteRange;
use crate::xet::hash::XetHash;
use crate::xet::merkle::Node;
use crate::xet::reconstruction::Reconstruction;

/// A file's chunks, as far as they are known.
#[derive(Debug)]
pub(super) struct Xet {
    hash: XetHash,
    size: u64,
    /// Chunks are known from the front up to here.
    cut: u64,
    /// Where that was when the running digest was at a checkpoint.
    checkpoints: BTreeMap<u64, u64>,
}

impl Xet {
    pub(super) fn new(hash: XetHash, size: u64) -> Self {
        Self { hash, size, cut: 0, checkpoints: [(0, 0)].into() }
    }

    /// The running digest goes back to a checkpoint.
    pub(super) fn rewind(&mut self, hashed: u64) {
        self.checkpoints.retain(|at, _| *at <= hashed);
        self.cut = self.checkpoints.get(&hashed).copied().unwrap_or(0);
    }
}

impl super::File {
    /// A part of the file is said to be made of these chunks.
    pub(super) fn on_plan(&mut self, _plan: &Reconstruction, _asked: ByteRange) {}
}

impl Transfer {
    /// The running digest has passed these chunks.
    pub(super) fn on_cut(&mut self, id: FileId, chunks: &[Node]) {
        let Some(file) = self.files.get_mut(&id) else { return };
        let Some(xet) = &mut file.xet else { return };
        for chunk in chunks {
            xet.cut += chunk.len;
        }
        if file.hashed % CHECKPOINT_BYTES == 0 {
            xet.checkpoints.insert(file.hashed, xet.cut);
        }
    }

    pub(super) fn on_described(
        &mut self,
        _id: FileId,
        _range: ByteRange,
        _answer: Result<Answer, Fault>,
    ) {
    }

    pub(super) fn on_named(&mut self, _id: FileId, _x: XetHash, _answer: Result<Answer, Fault>) {}

    pub(super) fn on_region_checked(&mut self, _id: FileId, _answer: &Answer) {}
}
