//! A file's chunks, as far as they are known: what it is said to be made of, what that proves, and
//! what may still be asked.
//!
//! Asks nobody.

use std::collections::{BTreeMap, VecDeque};

use rand::Rng;

use crate::fault::Fault;
use crate::ledger::Ledger;
use crate::policy::queries::{
    BACKOFF_MAX, DESCRIBE_TRIES, LEADS_MAX, LISTED, NAME_TRIES, TOKEN_TRIES,
};
use crate::policy::retry::{Backoff, Step, next_step};
use crate::range::ByteRange;
use crate::range_set::RangeSet;
use crate::time::Instant;
use crate::xet::hash::XetHash;
use crate::xet::merkle::Node;
use crate::xet::proof::Vouching;
use crate::xet::reconstruction::{Reconstruction, Term};
use crate::xet::shard::Shard;

/// A file's chunks, as far as they are known.
#[derive(Debug)]
pub(super) struct Xet {
    pub(super) hash: XetHash,
    pub(super) proofs: Vouching,
    /// What the publisher says that the file is made of.
    pub(super) terms: BTreeMap<u64, Term>,
    /// Where that is known.
    pub(super) described: RangeSet,
    /// How often it may still be asked for.
    pub(super) describe_tries: u32,
    /// Chunks are known from the front up to here.
    pub(super) cut: u64,
    /// Where that was when the running digest was at a checkpoint.
    pub(super) checkpoints: BTreeMap<u64, u64>,
    /// Whether all of a xorb that the file has is known without proving it, and where.
    pub(super) unproven: BTreeMap<XetHash, RangeSet>,
    /// Chunks by which the storage may know the names of the others.
    pub(super) leads: Option<VecDeque<XetHash>>,
    /// What it said, and how often that has been acted upon.
    pub(super) names: Option<Shard>,
    pub(super) named: u32,
    /// Whether an answer is being waited for.
    pub(super) is_asking: bool,
    /// When the storage may be asked again that did not answer.
    pub(super) backoff: Backoff,
    /// How often names may still be asked for, and a token only for the search for damage.
    pub(super) name_tries: u32,
    pub(super) token_tries: u32,
}

impl Xet {
    pub(super) fn new(hash: XetHash, size: u64) -> Self {
        Self {
            hash,
            proofs: Vouching::new(size),
            terms: BTreeMap::new(),
            described: RangeSet::new(),
            describe_tries: DESCRIBE_TRIES,
            cut: 0,
            checkpoints: [(0, 0)].into(),
            unproven: BTreeMap::new(),
            leads: None,
            names: None,
            named: 0,
            is_asking: false,
            backoff: Backoff::new(BACKOFF_MAX),
            name_tries: NAME_TRIES,
            token_tries: TOKEN_TRIES,
        }
    }

    /// A question was answered.
    pub(super) const fn on_query_answered(&mut self) {
        self.backoff.on_progress();
    }

    /// A question was not answered as it should be.
    pub(super) fn on_query_failed(
        &mut self,
        fault: &Fault,
        rng: &mut impl Rng,
        asked: Instant,
        now: Instant,
    ) {
        self.backoff.on_fault(rng, asked, now);
        if next_step(fault, 1) == Step::Fail {
            self.describe_tries = 0;
        }
    }

    /// When the next question may be asked.
    pub(super) const fn not_before(&self) -> Instant {
        self.backoff.not_before()
    }

    /// The running digest goes back to a checkpoint.
    pub(super) fn rewind(&mut self, hashed: u64) {
        self.checkpoints.retain(|at, _| *at <= hashed);
        self.cut = self.checkpoints.get(&hashed).copied().unwrap_or(0);
        self.proofs.on_revoked(ByteRange::new(self.cut, u64::MAX));
    }

    /// A part of the file is said to be made of these chunks.
    pub(super) fn on_reconstruction(&mut self, plan: &Reconstruction, asked: ByteRange) {
        for (start, term) in plan.placed(asked) {
            self.proofs.on_placed(start, term);
            self.terms.insert(start, term.clone());
            self.described.insert(ByteRange::new(start, start + term.len));
        }
    }

    /// The bytes that are vouched for.
    pub(super) const fn vouched(&self) -> &RangeSet {
        self.proofs.vouched()
    }

    /// The largest part of what is proven of which nobody has said what it is made of.
    pub(super) fn undescribed(&self, ledger: &Ledger) -> Option<ByteRange> {
        let proven = ledger.proven().iter().filter(|_| self.describe_tries > 0);
        let gaps = proven.flat_map(|range| self.described.gaps(range).collect::<Vec<_>>());
        gaps.max_by_key(|gap| gap.len())
    }

    /// Notes the chunks that the storage may know: it lists the first of each file, and one in
    /// about a thousand others.
    pub(super) fn find_leads(&mut self) {
        if self.leads.is_none() {
            let chunks = || self.proofs.chunks();
            let listed = chunks().filter(|(_, node)| node.hash.last_word() % LISTED == 0);
            let leads = chunks().take(1).chain(listed).map(|(_, node)| node.hash);
            self.leads = Some(leads.take(LEADS_MAX).collect());
        }
    }

    /// The next of them to ask for.
    pub(super) fn lead(&self) -> Option<XetHash> {
        let leads = self.leads.as_ref().filter(|_| self.names.is_none() && self.name_tries > 0)?;
        leads.front().copied()
    }

    /// The whole file, if all of its chunks are known and are what its name says: that covers what
    /// only other files have the rest of.
    pub(super) fn whole(&self, size: u64) -> Vec<ByteRange> {
        let is_right = self.cut == size && self.proofs.file_root() == Some(self.hash);
        is_right.then(|| ByteRange::new(0, size)).into_iter().collect()
    }

    /// The file's ranges by how much they are to be doubted, the most first; what is vouched for
    /// is not.
    pub(super) fn ranks(&self, size: u64) -> Vec<RangeSet> {
        let mut doubted: RangeSet = [ByteRange::new(0, size)].into_iter().collect();
        self.whole(size).into_iter().for_each(|range| doubted.remove(range));
        self.vouched().iter().for_each(|range| doubted.remove(range));
        let unproven: RangeSet = self.unproven.values().flat_map(RangeSet::iter).collect();
        let mut first = doubted.clone();
        unproven.gaps(ByteRange::new(0, size)).for_each(|range| first.remove(range));
        first.iter().for_each(|range| doubted.remove(range));
        // The storage lists the first chunk of every file; if it does not know this one, it is
        // not the right one.
        let is_asked = self.leads.as_ref().is_some_and(VecDeque::is_empty) && self.names.is_none();
        let lead = self.proofs.chunks().next().filter(|(start, _)| is_asked && *start == 0);
        let lead: RangeSet =
            lead.map(|(_, node)| ByteRange::new(0, node.len)).into_iter().collect();
        [lead, first, doubted].into_iter().filter(|rank| !rank.is_empty()).collect()
    }

    /// Where chunks are not what the shard says they are.
    pub(super) fn compare(&self, shard: &Shard) -> Vec<ByteRange> {
        let known: BTreeMap<u64, Node> = self.proofs.chunks().collect();
        let mut bad = RangeSet::new();
        for (start, term) in &self.terms {
            let Some(named) = shard.xorb(term.xorb) else { continue };
            let indices = term.chunks.start as usize..term.chunks.end as usize;
            let Some(chunks) = named.chunks.get(indices) else { continue };
            let mut at = *start;
            for chunk in chunks {
                let range = ByteRange::new(at, at + u64::from(chunk.len));
                let is_same = known.get(&at).is_some_and(|node| {
                    node.len == range.len() && shard.written(node.hash) == chunk.hash
                });
                if !is_same && !self.vouched().contains(range) {
                    bad.insert(range);
                }
                at = range.end;
            }
        }
        bad.iter().collect()
    }
}
