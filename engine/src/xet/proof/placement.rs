//! Which bytes of a file are which chunks of which xorbs, as far as reconstructions have said.
//!
//! Does not know the chunks: only where some of them begin, with their places in their xorbs.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::range::ByteRange;
use crate::xet::chunker;
use crate::xet::hash::XetHash;
use crate::xet::reconstruction::{Term, XORB_CHUNKS_MAX};

/// Bytes of a file that are consecutive chunks of a xorb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Which bytes.
    pub(super) range: ByteRange,
    /// Of which xorb.
    pub(super) xorb: XetHash,
    /// Which of its chunks.
    pub(super) chunks: Range<u32>,
    /// How many of the bytes are in known chunks.
    pub(super) known: u64,
    /// Whether its chunks are among those that the xorb is judged by.
    pub(super) is_counted: bool,
}

/// Disjoint pieces of a file.
///
/// A window of a reconstruction cuts what an earlier one said at its own ends: the smaller a piece,
/// the sooner all of its chunks are known. The last word counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Placement {
    pieces: BTreeMap<u64, Piece>,
}

/// What a new term has changed.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// Pieces that are no more.
    pub(super) removed: Vec<Piece>,
    /// First bytes of the pieces that are there instead.
    pub(super) added: Vec<u64>,
}

impl Placement {
    /// The piece that begins at `start`.
    pub(super) fn piece(&self, start: u64) -> Option<&Piece> {
        self.pieces.get(&start)
    }

    /// The same, to be changed.
    pub(super) fn piece_mut(&mut self, start: u64) -> Option<&mut Piece> {
        self.pieces.get_mut(&start)
    }

    /// First bytes of the pieces that share a byte with `range`, the last first.
    pub(super) fn overlapping(&self, range: ByteRange) -> Vec<u64> {
        let before = self.pieces.range(..range.end).rev();
        let overlapping = before.take_while(|(_, piece)| piece.range.end > range.start);
        overlapping.map(|(&start, _)| start).collect()
    }

    /// The piece that ends where another begins.
    pub(super) fn before(&self, start: u64) -> Option<&Piece> {
        let (_, piece) = self.pieces.range(..start).next_back()?;
        (piece.range.end == start).then_some(piece)
    }

    /// Whether the file goes on with something else behind this piece. `None` if it is not known.
    pub(super) fn is_last_of_run(&self, piece: &Piece, size: u64) -> Option<bool> {
        if piece.range.end == size {
            return Some(true);
        }
        let next = self.pieces.get(&piece.range.end)?;
        Some(next.xorb != piece.xorb || next.chunks.start != piece.chunks.end)
    }

    /// Takes in that the bytes from `start` are this term. What contradicts it is forgotten.
    pub(super) fn place(&mut self, start: u64, term: &Term, size: u64) -> Change {
        let Some(end) = start.checked_add(term.len).filter(|&end| end <= size) else {
            return Change::default();
        };
        let whole = (ByteRange::new(start, end), term.chunks.clone());
        if !is_possible(&whole) {
            return Change::default();
        }
        let old = self.overlapping(whole.0);
        let parts = self.cut(&old, term.xorb, whole);
        let is_old = parts.len() == old.len()
            && parts.iter().zip(old.iter().rev()).all(|((range, chunks), start)| {
                let piece = &self.pieces[start];
                piece.range == *range && piece.chunks == *chunks && piece.xorb == term.xorb
            });
        if is_old {
            return Change::default();
        }
        let removed = old.iter().filter_map(|start| self.pieces.remove(start)).collect();
        let added = parts.iter().map(|(range, _)| range.start).collect();
        for (range, chunks) in parts {
            let piece = Piece { range, xorb: term.xorb, chunks, known: 0, is_counted: false };
            self.pieces.insert(range.start, piece);
        }
        Change { removed, added }
    }

    /// The term, with what is left of the pieces that stick out on either side of it, as far as
    /// that makes sense. What they said of the bytes of the term is forgotten: it may be wrong.
    fn cut(&self, old: &[u64], xorb: XetHash, whole: Part) -> Vec<Part> {
        let piece = |start: Option<&u64>| {
            let piece = self.pieces.get(start?)?;
            (piece.xorb == xorb).then_some(piece)
        };
        let (range, chunks) = whole.clone();
        let before = piece(old.last()).map(|piece| {
            (ByteRange::new(piece.range.start, range.start), piece.chunks.start..chunks.start)
        });
        let behind = piece(old.first()).map(|piece| {
            (ByteRange::new(range.end, piece.range.end), chunks.end..piece.chunks.end)
        });
        let parts = [before.filter(is_possible), Some(whole), behind.filter(is_possible)];
        parts.into_iter().flatten().collect()
    }
}

type Part = (ByteRange, Range<u32>);

/// Whether so many chunks can take so many bytes.
fn is_possible((range, chunks): &Part) -> bool {
    if chunks.start >= chunks.end || chunks.end > XORB_CHUNKS_MAX {
        return false;
    }
    let count = u64::from(chunks.end - chunks.start);
    (count..=count * chunker::MAX as u64).contains(&range.len())
}
