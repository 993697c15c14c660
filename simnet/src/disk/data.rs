//! The bytes of one file twice: as a reader sees them, and as a power cut would leave them.
//!
//! Has no name and no owner; those are in the [`tree`](super::tree).

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use super::content::{BLOCK, Block, Content, Expectations, Piece, pieces};

/// A file's bytes, and what of them is durable.
#[derive(Clone, Debug, Default)]
pub(super) struct Data {
    live: Content,
    durable_len: u64,
    durable_modified: Duration,
    /// The blocks that differ from what is durable, or may.
    dirty: BTreeMap<u64, Dirty>,
    /// When the length last changed.
    len_since: Duration,
    /// How much space it took when it was last synced.
    durable_allocated: u64,
}

/// What is durable of a block that was written since.
#[derive(Clone, Debug, Default)]
struct Dirty {
    before: Option<Block>,
    /// Sectors that the next sync makes durable.
    sectors: u128,
    /// Sectors whose sync failed: the system believes them clean and writes them no more.
    lost: u128,
    /// When it was last written.
    since: Duration,
}

/// What a power cut spares.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spared {
    /// Written as one or not at all, in bytes.
    pub(super) sector_len: usize,
    /// What was not changed since this moment was written back by the system itself.
    pub(super) until: Option<Duration>,
}

impl Data {
    pub(super) const fn live(&self) -> &Content {
        &self.live
    }

    /// Whether a power cut would change nothing.
    pub(super) fn is_synced(&self) -> bool {
        self.dirty.is_empty() && self.durable_len == self.live.len()
    }

    /// Bytes that a power cut may take back.
    pub(super) fn dirty_len(&self, sector_len: usize) -> u64 {
        let count = |dirty: &Dirty| u64::from((dirty.sectors | dirty.lost).count_ones());
        self.dirty.values().map(count).sum::<u64>() * sector_len as u64
    }

    pub(super) fn write(
        &mut self,
        offset: u64,
        mut bytes: &[u8],
        sector_len: usize,
        expected: &Expectations,
        now: Duration,
    ) {
        if offset + bytes.len() as u64 > self.live.len() {
            self.len_since = now;
        }
        for piece in pieces(offset, bytes.len()) {
            let (head, rest) = bytes.split_at(piece.len);
            self.mark(piece, sector_len, now);
            self.live.write(piece, head, expected);
            bytes = rest;
        }
    }

    pub(super) fn set_len(
        &mut self,
        len: u64,
        sector_len: usize,
        expected: &Expectations,
        now: Duration,
    ) {
        if len != self.live.len() {
            self.len_since = now;
        }
        if len < self.live.len() {
            let first = Piece::at(len, BLOCK as usize);
            let mut gone = self.live.blocks_from(first.index);
            gone.extend(self.dirty.range(first.index..).map(|(index, _)| *index));
            for index in gone {
                let whole = Piece { index, within: 0, len: BLOCK as usize };
                self.mark(if index == first.index { first } else { whole }, sector_len, now);
            }
        }
        self.live.set_len(len, expected);
    }

    pub(super) fn reserve(&mut self, len: u64) {
        self.live.reserve(len);
    }

    /// When it last changed is durable, too.
    pub(super) const fn sync_modified(&mut self, modified: Duration) {
        self.durable_modified = modified;
    }

    /// All that is live is durable from now on, but for what an earlier sync lost.
    pub(super) fn sync(&mut self, modified: Duration, sector_len: usize, expected: &Expectations) {
        // Like `fdatasync`: a time stamp alone is not worth a write.
        let is_grown = self.durable_allocated != self.live.allocated();
        if is_grown || self.durable_len != self.live.len() {
            self.durable_modified = modified;
        }
        self.durable_allocated = self.live.allocated();
        self.durable_len = self.live.len();
        let live = &mut self.live;
        self.dirty.retain(|index, dirty| {
            live.compact(*index, expected);
            if dirty.lost == 0 {
                return false;
            }
            let mut durable = live.block(*index).cloned().unwrap_or(Block::HOLE);
            for piece in sectors(*index, dirty.lost, sector_len) {
                durable.copy(dirty.before.as_ref(), piece, expected);
            }
            dirty.before = Some(durable);
            dirty.sectors = 0;
            true
        });
    }

    /// The system tried to write what is dirty, could not, and will not try again.
    pub(super) fn fail_sync(&mut self) {
        for dirty in self.dirty.values_mut() {
            dirty.lost |= dirty.sectors;
            dirty.sectors = 0;
        }
    }

    /// Turns a bit over, in what is live and in what is durable.
    pub(super) fn flip_bit(&mut self, offset: u64, bit: u8, expected: &Expectations) {
        self.live.flip_bit(offset, bit, expected);
        let piece = Piece::at(offset, 1);
        if let Some(dirty) = self.dirty.get_mut(&piece.index) {
            let before = dirty.before.get_or_insert(Block::HOLE);
            before.flip_bit(piece, bit, expected);
        }
    }

    /// Whatever is not durable stays or goes, as the draw has it. What stays is durable. Returns
    /// the time stamp that is left.
    pub(super) fn forget(
        &mut self,
        rng: &mut Xoshiro256PlusPlus,
        spared: Spared,
        modified: Duration,
        expected: &Expectations,
    ) -> Duration {
        let is_spared = |since: Duration| spared.until.is_some_and(|until| since <= until);
        let leaning = Leaning::draw(rng);
        for (index, dirty) in std::mem::take(&mut self.dirty) {
            let spared_here = if is_spared(dirty.since) { dirty.sectors } else { 0 };
            let kept = leaning.mask(rng) | spared_here;
            let gone = (dirty.sectors | dirty.lost) & !kept;
            let written = self.live.take_block(index);
            let mut left = if gone == dirty.sectors | dirty.lost && written.is_none() {
                None
            } else {
                Some(written.unwrap_or(Block::HOLE))
            };
            for piece in sectors(index, gone, spared.sector_len) {
                let left = left.get_or_insert(Block::HOLE);
                left.copy(dirty.before.as_ref(), piece, expected);
            }
            self.live.put_block(index, left);
            self.live.compact(index, expected);
        }
        let (durable, live) = (self.durable_len, self.live.len());
        let len = leaning.len(rng, durable, live);
        // What came back may lie behind the end; stretched first, all of it is cut off.
        self.live.set_len(durable.max(live), expected);
        self.live.set_len(if is_spared(self.len_since) { live } else { len }, expected);
        self.durable_len = self.live.len();
        let is_modified_kept = leaning.mask(rng) & 1 == 1 || is_spared(self.len_since);
        let left = if is_modified_kept { modified } else { self.durable_modified };
        self.durable_modified = left;
        self.durable_allocated = self.live.allocated();
        left
    }

    /// Says that a piece is about to change, and keeps what is durable of it.
    fn mark(&mut self, piece: Piece, sector_len: usize, now: Duration) {
        let live = &mut self.live;
        let dirty = self.dirty.entry(piece.index).or_insert_with(|| {
            let before = live.block(piece.index).cloned();
            Dirty { before, ..Dirty::default() }
        });
        let mask = piece.mask(sector_len);
        dirty.sectors |= mask;
        dirty.lost &= !mask;
        dirty.since = now;
    }
}

/// How much of one file a power cut takes: mixed evenly, one would never see all or nothing.
#[derive(Clone, Copy, Debug)]
enum Leaning {
    Nothing,
    Little,
    Half,
    Much,
    All,
}

impl Leaning {
    fn draw(rng: &mut Xoshiro256PlusPlus) -> Self {
        let all = [Self::Nothing, Self::Little, Self::Half, Self::Half, Self::Much, Self::All];
        all[rng.random_range(0..all.len())]
    }

    /// Which sectors of a block stay.
    fn mask(self, rng: &mut Xoshiro256PlusPlus) -> u128 {
        // Drawn in any case, so that what follows does not depend on it.
        let (a, b): (u128, u128) = (rng.random(), rng.random());
        match self {
            Self::Nothing => u128::MAX,
            Self::Little => a | b,
            Self::Half => a,
            Self::Much => a & b,
            Self::All => 0,
        }
    }

    /// Which length stays: one of the two, or the beginning of what was between them.
    fn len(self, rng: &mut Xoshiro256PlusPlus, durable: u64, live: u64) -> u64 {
        let between = rng.random_range(durable.min(live)..=durable.max(live));
        let draw = rng.random_range(0..3);
        match self {
            Self::Nothing => live,
            Self::All => durable,
            Self::Little | Self::Half | Self::Much => [durable, live, between][draw],
        }
    }
}

/// The pieces of a block that these bits stand for.
fn sectors(index: u64, mask: u128, sector_len: usize) -> impl Iterator<Item = Piece> {
    (0..BLOCK as usize / sector_len)
        .filter(move |sector| mask >> sector & 1 == 1)
        .map(move |sector| Piece { index, within: sector * sector_len, len: sector_len })
}
