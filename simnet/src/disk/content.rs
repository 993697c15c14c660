//! The bytes of one file at one moment: blocks where something was written, holes elsewhere.
//!
//! Knows one state only; which of two states a power cut leaves is for [`data`](super::data).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Bytes of a file, at their places.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    len: u64,
    blocks: BTreeMap<u64, Block>,
    /// So many pages from the first take space even where nothing was written.
    reserved_pages: u64,
    /// All that take space, the reserved ones among them.
    allocated_pages: u64,
}

/// Up to [`BLOCK`] bytes in which something was written.
#[derive(Clone, Debug)]
pub(super) struct Block {
    bytes: Bytes,
    /// Which pages were written, one bit for each.
    pages: u16,
}

#[derive(Clone, Debug)]
enum Bytes {
    /// Themselves, and zeros behind them.
    Stored(Vec<u8>),
    /// Those of an expectation at this place.
    Expected(usize),
}

impl Content {
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// Bytes of the disk that it takes.
    pub(super) const fn allocated(&self) -> u64 {
        self.allocated_pages * PAGE
    }

    pub(super) fn block(&self, index: u64) -> Option<&Block> {
        self.blocks.get(&index)
    }

    pub(super) fn take_block(&mut self, index: u64) -> Option<Block> {
        let block = self.blocks.remove(&index)?;
        self.allocated_pages -= self.counted(index, block.pages);
        Some(block)
    }

    pub(super) fn put_block(&mut self, index: u64, block: Option<Block>) {
        self.take_block(index);
        if let Some(block) = block {
            self.allocated_pages += self.counted(index, block.pages);
            self.blocks.insert(index, block);
        }
    }

    /// The blocks in which something was written, from one on.
    pub(super) fn blocks_from(&self, index: u64) -> Vec<u64> {
        self.blocks.range(index..).map(|(index, _)| *index).collect()
    }

    /// Reads up to the end; returns how many bytes that were.
    pub(super) fn read(&self, buffer: &mut [u8], offset: u64, expected: &Expectations) -> usize {
        let left = self.len.saturating_sub(offset);
        let count = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let mut done = 0;
        for piece in pieces(offset, count) {
            let part = &mut buffer[done..done + piece.len];
            match self.blocks.get(&piece.index) {
                Some(block) => block.read(piece, part, expected),
                None => part.fill(0),
            }
            done += piece.len;
        }
        count
    }

    /// Writes within one block, growing the file if need be.
    pub(super) fn write(&mut self, piece: Piece, bytes: &[u8], expected: &Expectations) {
        self.len = self.len.max(piece.start() + bytes.len() as u64);
        let mut block = self.take_block(piece.index).unwrap_or(Block::HOLE);
        block.pages |= piece.pages();
        let whole = if piece.within == 0 { expected.find(piece.index, bytes) } else { None };
        match whole {
            Some(which) => block.bytes = Bytes::Expected(which),
            None => block.write(piece, bytes, expected),
        }
        self.put_block(piece.index, Some(block));
    }

    /// Keeps a block as a marker if its bytes are those expected.
    pub(super) fn compact(&mut self, index: u64, expected: &Expectations) {
        if let Some(block) = self.blocks.get_mut(&index)
            && let Bytes::Stored(bytes) = &block.bytes
            && let Some(which) = expected.find(index, bytes)
        {
            block.bytes = Bytes::Expected(which);
        }
    }

    /// Cuts the file, or grows it with a hole.
    pub(super) fn set_len(&mut self, len: u64, expected: &Expectations) {
        if len < self.len {
            let (index, within) = (len / BLOCK, (len % BLOCK) as usize);
            for gone in self.blocks_from(index) {
                let block = self.take_block(gone);
                if gone == index && within > 0 {
                    let block = block.map(|block| block.cut(index, within, expected));
                    self.put_block(index, block);
                }
            }
        }
        if len <= self.len {
            let pages = self.reserved_pages.min(len.div_ceil(PAGE));
            self.set_reserved(pages);
        }
        self.len = len;
    }

    /// Takes space for the first `len` bytes.
    pub(super) fn reserve(&mut self, len: u64) {
        self.set_reserved(self.reserved_pages.max(len.div_ceil(PAGE)));
    }

    /// How many pages writing this would take.
    pub(super) fn pages_to_write(&self, offset: u64, len: usize) -> u64 {
        pieces(offset, len)
            .map(|piece| {
                let known = self.blocks.get(&piece.index).map_or(0, |block| block.pages);
                self.counted(piece.index, piece.pages() & !known)
            })
            .sum()
    }

    /// How many pages allocating this would take.
    pub(super) fn pages_to_allocate(&self, len: u64) -> u64 {
        let pages = self.reserved_pages.max(len.div_ceil(PAGE));
        self.allocated_with(pages) - self.allocated_pages
    }

    /// Turns one bit of the file over.
    pub(super) fn flip_bit(&mut self, offset: u64, bit: u8, expected: &Expectations) {
        let piece = Piece::at(offset, 1);
        let mut block = self.take_block(piece.index).unwrap_or(Block::HOLE);
        block.flip_bit(piece, bit, expected);
        self.put_block(piece.index, Some(block));
    }

    /// The first place where it is not as expected; `None` if it is, as a whole.
    pub(super) fn difference(&self, expected: &Expectations) -> Option<u64> {
        let which = expected.of_len(self.len)?;
        let (mut ours, mut theirs) = (vec![0; BLOCK as usize], vec![0; BLOCK as usize]);
        for index in 0..self.len.div_ceil(BLOCK) {
            match self.blocks.get(&index).map(|block| &block.bytes) {
                Some(Bytes::Expected(held)) if *held == which => {}
                Some(_) | None => {
                    let start = index * BLOCK;
                    let count = self.read(&mut ours, start, expected);
                    expected.fill(which, start, &mut theirs[..count]);
                    let differs = ours[..count].iter().zip(&theirs).position(|(a, b)| a != b);
                    if let Some(at) = differs {
                        return Some(start + at as u64);
                    }
                }
            }
        }
        None
    }

    /// Bytes that are kept in memory.
    #[cfg(test)]
    pub(super) fn stored(&self) -> usize {
        let stored = |block: &Block| match &block.bytes {
            Bytes::Stored(bytes) => bytes.len(),
            Bytes::Expected(_) => 0,
        };
        self.blocks.values().map(stored).sum()
    }

    fn set_reserved(&mut self, pages: u64) {
        self.allocated_pages = self.allocated_with(pages);
        self.reserved_pages = pages;
    }

    /// How many pages it would take if so many were reserved.
    fn allocated_with(&self, reserved: u64) -> u64 {
        let first = reserved / PAGES;
        let written = self.blocks.range(first..);
        reserved + written.map(|(index, block)| counted(*index, block.pages, reserved)).sum::<u64>()
    }

    fn counted(&self, index: u64, pages: u16) -> u64 {
        counted(index, pages, self.reserved_pages)
    }
}

impl Block {
    pub(super) const HOLE: Self = Self { bytes: Bytes::Stored(Vec::new()), pages: 0 };

    /// Copies a piece of another state of this block; a hole is zeros.
    pub(super) fn copy(&mut self, other: Option<&Self>, piece: Piece, expected: &Expectations) {
        let mut bytes = vec![0; piece.len];
        if let Some(other) = other {
            other.read(piece, &mut bytes, expected);
        }
        self.write(piece, &bytes, expected);
    }

    pub(super) fn flip_bit(&mut self, piece: Piece, bit: u8, expected: &Expectations) {
        let mut byte = [0];
        self.read(piece, &mut byte, expected);
        self.pages |= piece.pages();
        self.write(piece, &[byte[0] ^ (1 << (bit % 8))], expected);
    }

    fn read(&self, piece: Piece, buffer: &mut [u8], expected: &Expectations) {
        match &self.bytes {
            Bytes::Stored(bytes) => {
                let known = bytes.get(piece.within..).unwrap_or_default();
                let count = known.len().min(buffer.len());
                buffer[..count].copy_from_slice(&known[..count]);
                buffer[count..].fill(0);
            }
            Bytes::Expected(which) => expected.fill(*which, piece.start(), buffer),
        }
    }

    fn write(&mut self, piece: Piece, bytes: &[u8], expected: &Expectations) {
        let stored = self.stored(piece.index, expected);
        let end = piece.within + bytes.len();
        if stored.len() <= piece.within {
            // What is appended need not be zeroed before.
            stored.resize(piece.within, 0);
            stored.extend_from_slice(bytes);
        } else {
            stored.resize(stored.len().max(end), 0);
            stored[piece.within..end].copy_from_slice(bytes);
        }
    }

    fn cut(mut self, index: u64, within: usize, expected: &Expectations) -> Self {
        self.stored(index, expected).truncate(within);
        self.pages &= Piece { index, within: 0, len: within }.pages();
        self
    }

    /// The bytes themselves, whatever was kept in their place.
    fn stored(&mut self, index: u64, expected: &Expectations) -> &mut Vec<u8> {
        if let Bytes::Expected(which) = self.bytes {
            let mut bytes = vec![0; BLOCK as usize];
            expected.fill(which, index * BLOCK, &mut bytes);
            self.bytes = Bytes::Stored(bytes);
        }
        match &mut self.bytes {
            Bytes::Stored(bytes) => bytes,
            Bytes::Expected(_) => unreachable!("was replaced above"),
        }
    }
}

/// A range of a file that lies in one block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    /// Which block.
    pub(super) index: u64,
    /// Where in it.
    pub(super) within: usize,
    pub(super) len: usize,
}

impl Piece {
    /// The beginning of `len` bytes, as far as the block goes in which they begin.
    pub(super) fn at(offset: u64, len: usize) -> Self {
        let within = (offset % BLOCK) as usize;
        Self { index: offset / BLOCK, within, len: len.min(BLOCK as usize - within) }
    }

    pub(super) const fn start(self) -> u64 {
        self.index * BLOCK + self.within as u64
    }

    /// The units of this many bytes that it touches, one bit for each of its block.
    pub(super) fn mask(self, unit: usize) -> u128 {
        if self.len == 0 {
            return 0;
        }
        let (first, last) = (self.within / unit, (self.within + self.len - 1) / unit);
        (u128::MAX >> (127 - (last - first))) << first
    }

    fn pages(self) -> u16 {
        // A block has sixteen pages, so no bit is lost.
        self.mask(PAGE as usize) as u16
    }
}

/// How many of these pages of a block are behind the reserved ones.
fn counted(index: u64, pages: u16, reserved: u64) -> u64 {
    let inside = reserved.saturating_sub(index * PAGES).min(PAGES);
    let behind = u16::MAX.checked_shl(inside as u32).unwrap_or(0);
    u64::from((pages & behind).count_ones())
}

/// A range of a file, block by block.
pub(super) fn pieces(mut offset: u64, mut len: usize) -> impl Iterator<Item = Piece> {
    std::iter::from_fn(move || {
        let piece = Piece::at(offset, len);
        offset += piece.len as u64;
        len -= piece.len;
        (piece.len > 0).then_some(piece)
    })
}

/// Writes what a file is expected to hold, from an offset on.
pub type Fill = Arc<dyn Fn(u64, &mut [u8]) + Send + Sync>;

/// What files are expected to hold, so that it need not be kept.
#[derive(Clone, Default)]
pub(super) struct Expectations(Vec<(u64, Fill)>);

impl Expectations {
    pub(super) fn push(&mut self, len: u64, fill: Fill) {
        self.0.push((len, fill));
    }

    /// Which of them has these bytes as its whole block.
    fn find(&self, index: u64, bytes: &[u8]) -> Option<usize> {
        let start = index * BLOCK;
        self.0.iter().position(|(len, fill)| {
            if bytes.is_empty() || bytes.len() as u64 != len.saturating_sub(start).min(BLOCK) {
                return false;
            }
            // Blocks that are only half there are common, and tell themselves at the ends.
            let probe = bytes.len().min(PROBE);
            let is_same = |at: usize, len: usize| {
                let mut expected = vec![0; len];
                fill(start + at as u64, &mut expected);
                expected == bytes[at..at + len]
            };
            is_same(bytes.len() - probe, probe) && is_same(0, probe) && is_same(0, bytes.len())
        })
    }

    fn of_len(&self, len: u64) -> Option<usize> {
        self.0.iter().position(|(known, _)| *known == len)
    }

    /// Zeros behind the end.
    fn fill(&self, which: usize, offset: u64, buffer: &mut [u8]) {
        let (len, fill) = &self.0[which];
        let left = usize::try_from(len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let (inside, behind) = buffer.split_at_mut(left.min(buffer.len()));
        if !inside.is_empty() {
            fill(offset, inside);
        }
        behind.fill(0);
    }
}

impl fmt::Debug for Expectations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(len, _)| len)).finish()
    }
}

/// Bytes that are kept together.
pub(super) const BLOCK: u64 = 64 << 10;

/// Bytes by which space is given out.
pub(super) const PAGE: u64 = 4 << 10;

const PAGES: u64 = BLOCK / PAGE;
const PROBE: usize = 64;
