//! What a publisher published: bytes that are made from a seed whenever somebody needs them.
//!
//! Keeps none of them, so that a file of any size can be checked.

use std::path::Path;
use std::sync::Arc;

use engine::range::ByteRange;
use fake_hub::{Content, ContentReader, Kind};
use simnet::disk::{Fill, SimDisk};

/// The content of one file.
#[derive(Clone, Debug)]
pub struct Truth(Content);

impl Truth {
    /// `len` bytes of a kind, made from `seed`.
    pub fn new(kind: Kind, seed: u64, len: u64) -> Self {
        Self(Content::made(kind, seed, len))
    }

    /// What it becomes by more training of some layers.
    pub fn tuned(&self, seed: u64) -> Self {
        Self(self.0.fine_tuned(seed))
    }

    /// All of it.
    pub fn whole(&self) -> ByteRange {
        ByteRange::new(0, self.0.len())
    }

    /// The same, for a hub.
    pub fn content(&self) -> Content {
        self.0.clone()
    }

    /// The same, for a disk that need not keep what it can make.
    pub fn fill(&self) -> Fill {
        let content = self.content();
        Arc::new(move |offset, buffer| {
            let mut reader = open(&content);
            buffer.copy_from_slice(&read(&mut reader, offset, buffer.len()));
        })
    }

    /// What is wrong with a file that should be this; `None` if nothing is.
    pub fn flaw(&self, disk: &SimDisk, path: &Path) -> Option<String> {
        let whole = self.whole();
        let longer = ByteRange::new(whole.end, whole.end + 1);
        if !disk.peek_range(path, longer)?.is_empty() {
            return Some(format!("more than its {} bytes", whole.len()));
        }
        let is_right = |piece: &ByteRange| self.is_right(disk, path, *piece);
        let wrong = pieces(whole).find(|piece| !is_right(piece))?;
        Some(format!("something wrong in {wrong}"))
    }

    /// Whether a range of a file holds what it should.
    pub fn is_right(&self, disk: &SimDisk, path: &Path, range: ByteRange) -> bool {
        let mut reader = open(&self.0);
        pieces(range).all(|piece| {
            let found = disk.peek_range(path, piece);
            found.is_some_and(|found| found == self.bytes(&mut reader, piece))
        })
    }

    /// How many bytes of a file are right.
    pub fn count_right(&self, disk: &SimDisk, path: &Path) -> u64 {
        let mut reader = open(&self.0);
        let count = |piece: ByteRange| {
            let found = disk.peek_range(path, piece).unwrap_or_default();
            let truth = self.bytes(&mut reader, piece);
            if found == truth {
                return piece.len();
            }
            found.iter().zip(&truth).filter(|(found, truth)| found == truth).count() as u64
        };
        pieces(self.whole()).map(count).sum()
    }

    /// The bytes of a range; none behind the end.
    fn bytes(&self, reader: &mut ContentReader, range: ByteRange) -> Vec<u8> {
        let range = range.intersection(self.whole());
        read(reader, range.start, usize::try_from(range.len()).unwrap_or(usize::MAX))
    }
}

fn open(content: &Content) -> ContentReader {
    content.open().expect("what is made up is on no disk")
}

fn read(reader: &mut ContentReader, offset: u64, len: usize) -> Vec<u8> {
    reader.read_at(offset, len).expect("what is made up is on no disk").into()
}

fn pieces(range: ByteRange) -> impl Iterator<Item = ByteRange> {
    let starts = (range.start..range.end).step_by(PIECE_BYTES);
    starts.map(move |start| ByteRange::new(start, range.end.min(start + PIECE_BYTES as u64)))
}

const PIECE_BYTES: usize = 256 << 10;
