//! What a publisher published: bytes that are made from a seed whenever somebody needs them.
//!
//! Keeps none of them, so that a file of any size can be checked.

use std::path::Path;
use std::sync::Arc;

use engine::range::ByteRange;
use fake_hub::{Content, fill_synthetic};
use simnet::disk::{Fill, SimDisk};

/// The content of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truth {
    seed: u64,
    len: u64,
}

impl Truth {
    /// `len` bytes, made from `seed`.
    pub const fn new(seed: u64, len: u64) -> Self {
        Self { seed, len }
    }

    /// All of it.
    pub const fn whole(self) -> ByteRange {
        ByteRange::new(0, self.len)
    }

    /// The same, for a hub.
    pub fn content(self) -> Content {
        Content::synthetic(self.seed, self.len)
    }

    /// The same, for a disk that need not keep what it can make.
    pub fn fill(self) -> Fill {
        Arc::new(move |offset, buffer| fill_synthetic(self.seed, offset, buffer))
    }

    /// What is wrong with a file that should be this; `None` if nothing is.
    pub fn flaw(self, disk: &SimDisk, path: &Path) -> Option<String> {
        let longer = ByteRange::new(self.len, self.len + 1);
        if !disk.peek_range(path, longer)?.is_empty() {
            return Some(format!("more than its {} bytes", self.len));
        }
        let is_right = |piece: &ByteRange| self.is_right(disk, path, *piece);
        let wrong = pieces(self.whole()).find(|piece| !is_right(piece))?;
        Some(format!("something wrong in {wrong}"))
    }

    /// Whether a range of a file holds what it should.
    pub fn is_right(self, disk: &SimDisk, path: &Path, range: ByteRange) -> bool {
        pieces(range).all(|piece| disk.peek_range(path, piece) == Some(self.bytes(piece)))
    }

    /// How many bytes of a file are right.
    pub fn count_right(self, disk: &SimDisk, path: &Path) -> u64 {
        let count = |piece| {
            let found = disk.peek_range(path, piece).unwrap_or_default();
            let truth = self.bytes(piece);
            if found == truth {
                return piece.len();
            }
            found.iter().zip(&truth).filter(|(found, truth)| found == truth).count() as u64
        };
        pieces(self.whole()).map(count).sum()
    }

    fn bytes(self, range: ByteRange) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(range.len()).unwrap_or(usize::MAX)];
        fill_synthetic(self.seed, range.start, &mut bytes);
        bytes
    }
}

fn pieces(range: ByteRange) -> impl Iterator<Item = ByteRange> {
    let starts = (range.start..range.end).step_by(PIECE_BYTES);
    starts.map(move |start| ByteRange::new(start, range.end.min(start + PIECE_BYTES as u64)))
}

const PIECE_BYTES: usize = 256 << 10;
