//! What of a file is proven by the names of xorbs, while its chunks become known.
//!
//! Fetches and hashes nothing: it is told which chunks are known, and from where in the file.
//!
//! The publisher says which bytes of the file are which chunks of which xorbs, and a xorb's name
//! is the root over all of its chunks. So if the chunks of a xorb are known from the first one on,
//! and the root over the first so many of them is the xorb's name, all of them are right. How many
//! a xorb has is not said. Since no piece of a file reaches beyond the end of its xorb, it is
//! enough to try where pieces end, and a match leaves no doubt. That nothing matches may mean
//! damage, or that the rest of the xorb is not in this file.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::hash::XetHash;
use super::merkle::{Fold, Node};
use super::reconstruction::Term;
use crate::range::ByteRange;
use crate::range_set::RangeSet;

mod candidate;
mod placement;

use candidate::Candidate;
use placement::{Piece, Placement};

/// What is known of the chunks of one file, and what that proves.
#[derive(Clone, Debug)]
pub struct Vouching {
    size: u64,
    /// Known chunks by their first bytes; disjoint.
    chunks: BTreeMap<u64, Node>,
    /// Bytes of the known chunks.
    known: u64,
    placement: Placement,
    xorbs: BTreeMap<XetHash, Xorb>,
    vouched: RangeSet,
    proofs: VecDeque<Proof>,
}

/// What the known chunks say of a xorb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// These bytes of the file are as they were published.
    Vouched {
        /// By the name of this xorb.
        xorb: XetHash,
        /// Those that were not vouched before.
        ranges: Vec<ByteRange>,
    },
    /// These bytes of the file are not as they were published, or what was said of them is wrong.
    Refuted {
        /// The xorb that they should be of.
        xorb: XetHash,
        /// At least one chunk in them is wrong.
        ranges: Vec<ByteRange>,
    },
    /// All of this xorb that is in the file is known, from its first chunk on, and does not prove
    /// it: either something is wrong, or the xorb goes on with chunks that this file does not have.
    Unproven {
        /// Which xorb.
        xorb: XetHash,
        /// Where its chunks are.
        ranges: Vec<ByteRange>,
    },
}

impl Vouching {
    /// Nothing is known of a file of `size` bytes.
    pub fn new(size: u64) -> Self {
        Self {
            size,
            chunks: BTreeMap::new(),
            known: 0,
            placement: Placement::default(),
            xorbs: BTreeMap::new(),
            vouched: RangeSet::new(),
            proofs: VecDeque::new(),
        }
    }

    /// The bytes that are as they were published.
    pub const fn vouched(&self) -> &RangeSet {
        &self.vouched
    }

    /// The known chunks by their first bytes, in order.
    pub fn chunks(&self) -> impl Iterator<Item = (u64, Node)> + '_ {
        self.chunks.iter().map(|(&start, &node)| (start, node))
    }

    /// The name of the file, once all of its chunks are known.
    pub fn file_root(&self) -> Option<XetHash> {
        if self.known != self.size {
            return None;
        }
        let mut fold = Fold::new();
        for &node in self.chunks.values() {
            fold.push(node);
        }
        Some(fold.file_hash())
    }

    /// The next thing that is proven.
    pub fn poll(&mut self) -> Option<Proof> {
        self.proofs.pop_front()
    }

    /// The publisher says that the bytes from `start` are this term, a piece of the file or of one
    /// of its windows.
    pub fn on_placed(&mut self, start: u64, term: &Term) {
        let change = self.placement.place(start, term, self.size);
        for piece in change.removed {
            self.xorbs.entry(piece.xorb).or_default().remove(&piece);
        }
        for start in change.added {
            let Some(piece) = self.placement.piece_mut(start) else { continue };
            let known = known_in(&self.chunks, piece.range);
            piece.known = known.map(|(start, node)| overlap(start, node, piece.range)).sum();
            let (is_known, name) = (piece.known == piece.range.len(), piece.xorb);
            self.xorbs.entry(name).or_default().insert(piece);
            if is_known {
                self.count(start);
            }
            // Only now may it be known where the one before ends.
            let before = self.placement.before(start).map(|piece| piece.xorb);
            for name in before.into_iter().filter(|before| *before != name).chain([name]) {
                self.judge(name);
            }
        }
    }

    /// The bytes from `start` are known to be this chunk. Whatever was known of them before is
    /// forgotten.
    pub fn on_chunk(&mut self, start: u64, node: Node) {
        let end = start.checked_add(node.len).filter(|&end| end <= self.size && end > start);
        let Some(end) = end else { return };
        if self.chunks.get(&start) == Some(&node) {
            return;
        }
        let range = ByteRange::new(start, end);
        self.on_revoked(range);
        self.chunks.insert(start, node);
        self.known += node.len;
        for at in self.placement.overlapping(range) {
            let Some(piece) = self.placement.piece_mut(at) else { continue };
            piece.known += overlap(start, node, piece.range);
            if piece.known == piece.range.len() {
                let xorb = piece.xorb;
                self.count(at);
                self.judge(xorb);
            }
        }
    }

    /// What was known of these bytes is no more: no chunk that has one of them is.
    pub fn on_revoked(&mut self, range: ByteRange) {
        let revoked: Vec<_> = known_in(&self.chunks, range).collect();
        for (start, node) in revoked {
            self.chunks.remove(&start);
            self.known -= node.len;
            let chunk = ByteRange::new(start, start + node.len);
            self.vouched.remove(chunk);
            for at in self.placement.overlapping(chunk) {
                let Some(piece) = self.placement.piece_mut(at) else { continue };
                piece.known -= overlap(start, node, piece.range);
                if std::mem::take(&mut piece.is_counted) {
                    self.xorbs.entry(piece.xorb).or_default().is_stale = true;
                }
            }
        }
    }

    /// Lets the piece at `start`, all of whose bytes are known, count for its xorb.
    fn count(&mut self, start: u64) {
        let Some(piece) = self.placement.piece_mut(start) else { return };
        let xorb = self.xorbs.entry(piece.xorb).or_default();
        let Some(nodes) = nodes_of(&self.chunks, piece) else {
            // Chunks do not begin and end where they should.
            self.proofs.push_back(Proof::Refuted { xorb: piece.xorb, ranges: vec![piece.range] });
            return;
        };
        piece.is_counted = true;
        if xorb.candidate.proven().is_some() {
            let told = (piece.range, xorb.candidate.is_right(piece.chunks.start, &nodes));
            let name = piece.xorb;
            self.tell(name, &[told]);
        } else {
            xorb.candidate.add(piece.chunks.start, &nodes);
        }
    }

    /// Tries to prove a xorb by the pieces that count for it.
    fn judge(&mut self, name: XetHash) {
        let Some(xorb) = self.xorbs.get_mut(&name) else { return };
        if xorb.candidate.proven().is_some() {
            return;
        }
        let (placement, chunks) = (&self.placement, &self.chunks);
        let places = std::mem::take(&mut xorb.places);
        // Only to be gone through when there is a reason: one chunk of zeros may be everywhere.
        let pieces = || places.iter().filter_map(|&start| placement.piece(start));
        let counted = || {
            let counted = pieces().filter(|piece| piece.is_counted);
            counted.filter_map(|piece| Some((piece, nodes_of(chunks, piece)?)))
        };
        if std::mem::take(&mut xorb.is_stale) {
            xorb.candidate = Candidate::default();
            xorb.told = 0;
            for (piece, nodes) in counted() {
                xorb.candidate.add(piece.chunks.start, &nodes);
            }
        }
        let is_proven = xorb.candidate.judge(name, |end| xorb.ends.contains_key(&end));
        if is_proven {
            let told = counted().map(|(piece, nodes)| {
                (piece.range, xorb.candidate.is_right(piece.chunks.start, &nodes))
            });
            let told: Vec<_> = told.collect();
            xorb.places = places;
            self.tell(name, &told);
            return;
        }
        let count = xorb.candidate.folded();
        let is_last = |piece: &Piece| {
            piece.chunks.end == count && placement.is_last_of_run(piece, self.size) == Some(true)
        };
        let is_all = xorb.ends.last_key_value().is_some_and(|(&end, _)| end == count);
        if is_all && count > xorb.told && pieces().any(is_last) {
            xorb.told = count;
            let ranges = merged(counted().map(|(piece, _)| piece.range));
            self.proofs.push_back(if xorb.candidate.is_full() {
                Proof::Refuted { xorb: name, ranges }
            } else {
                Proof::Unproven { xorb: name, ranges }
            });
        }
        xorb.places = places;
    }

    /// Tells which pieces of a proven xorb are right, and which are not.
    fn tell(&mut self, xorb: XetHash, pieces: &[(ByteRange, bool)]) {
        let of = |is_wanted: bool| {
            pieces
                .iter()
                .filter(move |(_, is_right)| *is_right == is_wanted)
                .map(|(range, _)| *range)
        };
        let ranges = merged(of(true).flat_map(|range| self.vouched.gaps(range)));
        self.vouched.extend(ranges.iter().copied());
        if !ranges.is_empty() {
            self.proofs.push_back(Proof::Vouched { xorb, ranges });
        }
        let ranges = merged(of(false));
        if !ranges.is_empty() {
            self.proofs.push_back(Proof::Refuted { xorb, ranges });
        }
    }
}

/// A xorb of which the file has pieces.
#[derive(Clone, Debug, Default)]
struct Xorb {
    candidate: Candidate,
    /// First bytes of the pieces.
    places: BTreeSet<u64>,
    /// With which chunks they end, and how many of them do.
    ends: BTreeMap<u32, usize>,
    /// Whether a piece that counted no longer does.
    is_stale: bool,
    /// How many chunks were known when it was said that they do not prove it.
    told: u32,
}

impl Xorb {
    fn insert(&mut self, piece: &Piece) {
        self.places.insert(piece.range.start);
        *self.ends.entry(piece.chunks.end).or_default() += 1;
    }

    fn remove(&mut self, piece: &Piece) {
        self.places.remove(&piece.range.start);
        if let Some(count) = self.ends.get_mut(&piece.chunks.end) {
            *count -= 1;
            if *count == 0 {
                self.ends.remove(&piece.chunks.end);
            }
        }
        self.is_stale |= piece.is_counted;
    }
}

/// The known chunks that have a byte in `range`, in order.
fn known_in(
    chunks: &BTreeMap<u64, Node>,
    range: ByteRange,
) -> impl Iterator<Item = (u64, Node)> + '_ {
    let before = chunks.range(..range.start).next_back();
    let before = before.filter(move |(start, node)| *start + node.len > range.start);
    before.into_iter().chain(chunks.range(range.start..range.end)).map(|(&at, &node)| (at, node))
}

/// How many bytes of `range` the chunk at `start` has.
fn overlap(start: u64, node: Node, range: ByteRange) -> u64 {
    ByteRange::new(start, start + node.len).intersection(range).len()
}

/// The chunks of a piece whose bytes are all known, if they are as many as it should have, and
/// begin and end where it does.
fn nodes_of(chunks: &BTreeMap<u64, Node>, piece: &Piece) -> Option<Vec<Node>> {
    let ByteRange { start, end } = piece.range;
    let nodes: Vec<_> = chunks.range(start..end).map(|(_, &node)| node).collect();
    let len: u64 = nodes.iter().map(|node| node.len).sum();
    let is_aligned = chunks.contains_key(&start) && len == end - start;
    (is_aligned && nodes.len() == piece.chunks.len()).then_some(nodes)
}

fn merged(ranges: impl Iterator<Item = ByteRange>) -> Vec<ByteRange> {
    ranges.collect::<RangeSet>().iter().collect()
}

#[cfg(test)]
mod tests;
