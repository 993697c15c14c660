//! What chunks prove: which parts of a file its publisher vouches for, and, when the whole does
//! not have its digest, which parts are to be doubted.
//!
//! Asks for no bytes; what is revoked here becomes missing.

use std::collections::{BTreeMap, VecDeque};

use super::file::Stage;
use super::{ErrandKind, Transfer};
use crate::action::{Action, Answer, CHECKPOINT_BYTES};
use crate::event::{Event, Origin};
use crate::fault::Fault;
use crate::journal::Record;
use crate::manifest::FileId;
use crate::range::ByteRange;
use crate::range_set::RangeSet;
use crate::repair::Repair;
use crate::xet::hash::XetHash;
use crate::xet::merkle::Node;
use crate::xet::proof::{Proof, Vouching};
use crate::xet::reconstruction::{Reconstruction, Term};
use crate::xet::shard::Shard;

/// A file's chunks, as far as they are known.
#[derive(Debug)]
pub(super) struct Xet {
    hash: XetHash,
    proofs: Vouching,
    /// What the publisher says that the file is made of.
    terms: BTreeMap<u64, Term>,
    /// Where that is known.
    described: RangeSet,
    /// How often it may still be asked for.
    describe_tries: u32,
    /// Chunks are known from the front up to here.
    cut: u64,
    /// Where that was when the running digest was at a checkpoint.
    checkpoints: BTreeMap<u64, u64>,
    /// Whether all of a xorb that the file has is known without proving it, and where.
    unproven: BTreeMap<XetHash, RangeSet>,
    /// Chunks by which the storage may know the names of the others.
    leads: Option<VecDeque<XetHash>>,
    /// What it said, and how often that has been acted upon.
    names: Option<Shard>,
    named: u32,
    /// Whether an answer is being waited for.
    is_asking: bool,
    /// Whether the search for what to doubt goes on with that answer, or with a token's.
    is_investigated: bool,
    /// How often a token may still be asked for only for that.
    token_tries: u32,
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
            is_investigated: false,
            token_tries: TOKEN_TRIES,
        }
    }

    /// The running digest goes back to a checkpoint.
    pub(super) fn rewind(&mut self, hashed: u64) {
        self.checkpoints.retain(|at, _| *at <= hashed);
        self.cut = self.checkpoints.get(&hashed).copied().unwrap_or(0);
        self.proofs.on_revoked(ByteRange::new(self.cut, u64::MAX));
    }

    /// A part of the file is said to be made of these chunks.
    pub(super) fn on_plan(&mut self, plan: &Reconstruction, asked: ByteRange) {
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

    /// The whole file, if all of its chunks are known and are what its name says: that covers what
    /// only other files have the rest of.
    fn whole(&self, size: u64) -> Vec<ByteRange> {
        let is_right = self.cut == size && self.proofs.file_root() == Some(self.hash);
        is_right.then(|| ByteRange::new(0, size)).into_iter().collect()
    }

    /// The file's ranges by how much they are to be doubted, the most first; what is vouched for
    /// is not.
    fn ranks(&self, size: u64) -> Vec<RangeSet> {
        let mut doubted: RangeSet = [ByteRange::new(0, size)].into_iter().collect();
        self.whole(size).into_iter().for_each(|range| doubted.remove(range));
        self.vouched().iter().for_each(|range| doubted.remove(range));
        let unproven: RangeSet = self.unproven.values().flat_map(RangeSet::iter).collect();
        let mut first = doubted.clone();
        unproven.gaps(ByteRange::new(0, size)).for_each(|range| first.remove(range));
        first.iter().for_each(|range| doubted.remove(range));
        // The storage lists the first chunk of every file; if it does not know this one, it is
        // not the right one.
        let is_asked = self.leads.is_some() && self.names.is_none();
        let lead = self.proofs.chunks().next().filter(|(start, _)| is_asked && *start == 0);
        let lead: RangeSet =
            lead.map(|(_, node)| ByteRange::new(0, node.len)).into_iter().collect();
        [lead, first, doubted].into_iter().filter(|rank| !rank.is_empty()).collect()
    }

    /// Where chunks are not what the shard says they are.
    fn compare(&self, shard: &Shard) -> Vec<ByteRange> {
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

impl Transfer {
    /// The running digest has passed these chunks.
    pub(super) fn on_cut(&mut self, id: FileId, chunks: &[Node]) {
        let Some(file) = self.files.get_mut(&id) else { return };
        let Some(xet) = &mut file.xet else { return };
        for chunk in chunks {
            xet.proofs.on_chunk(xet.cut, *chunk);
            xet.cut += chunk.len;
        }
        if file.hashed.is_multiple_of(CHECKPOINT_BYTES) {
            xet.checkpoints.insert(file.hashed, xet.cut);
        }
        self.weigh(id);
    }

    /// Takes note of what the known chunks prove by now.
    fn weigh(&mut self, id: FileId) {
        let Some(file) = self.files.get_mut(&id) else { return };
        let Some(xet) = &mut file.xet else { return };
        let mut vouched = xet.whole(file.spec.size);
        while let Some(proof) = xet.proofs.poll() {
            match proof {
                Proof::Vouched { xorb, ranges } => {
                    xet.unproven.remove(&xorb);
                    vouched.extend(ranges);
                }
                Proof::Refuted { xorb, ranges } | Proof::Unproven { xorb, ranges } => {
                    xet.unproven.insert(xorb, ranges.into_iter().collect());
                }
            }
        }
        if vouched.is_empty() {
            return;
        }
        if let Some(repair) = &mut file.repair {
            vouched.iter().for_each(|range| repair.on_vouched(*range));
        }
        vouched.retain(|range| !file.ledger.vouched().contains(*range));
        for range in vouched {
            self.record(id, Record::Vouched(range));
        }
        self.tell_vouched(id);
    }

    pub(super) fn tell_vouched(&mut self, id: FileId) {
        if let Some(file) = self.files.get(&id) {
            let vouched = file.ledger.vouched().len();
            self.events.push_back(Event::Vouched { file: id, vouched });
        }
    }

    /// Asks what parts of a file are made of that were not fetched in chunks, once there is enough
    /// of them: bytes from before, or that came as they are.
    pub(super) fn describe_if_due(&mut self, id: FileId) {
        let Some(file) = self.files.get(&id) else { return };
        let Some(xet) = &file.xet else { return };
        if file.stage != Stage::Fetching || xet.is_asking || !file.choice.has_xet() {
            return;
        }
        let Some(gap) = self.undescribed(id) else { return };
        // What is being asked for in chunks describes itself.
        if gap.len() >= DESCRIBE_BYTES && self.token.held(self.now).is_some() {
            self.describe(id, gap);
        }
    }

    /// The largest part of what is proven of which nobody has said what it is made of.
    fn undescribed(&self, id: FileId) -> Option<ByteRange> {
        let file = self.files.get(&id)?;
        let xet = file.xet.as_ref().filter(|xet| xet.describe_tries > 0)?;
        let proven = file.ledger.proven().iter();
        let gaps = proven.flat_map(|range| xet.described.gaps(range).collect::<Vec<_>>());
        gaps.max_by_key(|gap| gap.len())
    }

    /// Asks; false if nobody can be asked.
    fn describe(&mut self, id: FileId, range: ByteRange) -> bool {
        let Some(token) = self.token.held(self.now).cloned() else { return false };
        let Some(xet) = self.files.get_mut(&id).and_then(|file| file.xet.as_mut()) else {
            return false;
        };
        (xet.is_asking, xet.describe_tries) = (true, xet.describe_tries - 1);
        let hash = xet.hash;
        let ticket = self.errand(id, ErrandKind::Describe { range });
        self.actions.push_back(Action::Describe { ticket, hash, token, range });
        true
    }

    pub(super) fn on_described(
        &mut self,
        id: FileId,
        range: ByteRange,
        answer: Result<Answer, Fault>,
    ) {
        let Some(file) = self.files.get_mut(&id) else { return };
        let Some(xet) = &mut file.xet else { return };
        xet.is_asking = false;
        if let Ok(Answer::Described(plan)) = answer
            && plan.check_span(range, file.spec.size).is_ok()
        {
            xet.on_plan(&plan, range);
            self.weigh(id);
        }
        self.go_on_investigating(id);
    }

    /// The digest is wrong, and the disk is innocent: finds out what to doubt. First whoever knows
    /// the names of all chunks is asked, which costs little; else ranges are fetched again.
    pub(super) fn investigate(&mut self, id: FileId) {
        if self.revoke_named(id) {
            return;
        }
        let is_waiting =
            self.wait_for_token(id) || self.describe_rest(id) || self.ask_for_names(id);
        let Some(file) = self.files.get_mut(&id) else { return };
        if let Some(xet) = &mut file.xet {
            xet.is_investigated = is_waiting;
        }
        if is_waiting {
            return;
        }
        let size = file.spec.size;
        let xet = file.xet.as_ref().filter(|_| file.choice.has_xet());
        let mut ranks = xet.map(|xet| xet.ranks(size)).unwrap_or_default();
        if ranks.is_empty() {
            // Where all is vouched for and yet wrong, what was said of the chunks was.
            file.choice.bar_xet();
            ranks = vec![[ByteRange::new(0, size)].into_iter().collect()];
        }
        file.repair = Some(Repair::new(ranks));
        file.stage = Stage::Fetching;
    }

    /// Without a token nobody can be asked: after hours of plain HTTP, or when the last has ended.
    fn wait_for_token(&mut self, id: FileId) -> bool {
        if self.token.held(self.now).is_some() {
            return false;
        }
        let Some(file) = self.files.get_mut(&id).filter(|file| file.choice.has_xet()) else {
            return false;
        };
        let Some(xet) = file.xet.as_mut().filter(|xet| xet.token_tries > 0) else { return false };
        xet.token_tries -= 1;
        if !self.token.is_renewing() {
            self.authorize(id);
        }
        true
    }

    /// The hub has answered about a token.
    pub(super) fn on_token_answered(&mut self) {
        let ids: Vec<FileId> = self.files.keys().copied().collect();
        ids.into_iter().for_each(|id| self.go_on_investigating(id));
    }

    /// What was asked is answered, for whatever purpose it was asked.
    fn go_on_investigating(&mut self, id: FileId) {
        let xet = self.files.get(&id).and_then(|file| file.xet.as_ref());
        if xet.is_some_and(|xet| xet.is_investigated && !xet.is_asking) {
            self.investigate(id);
        }
    }

    fn describe_rest(&mut self, id: FileId) -> bool {
        self.undescribed(id).is_some_and(|gap| self.describe(id, gap))
    }

    fn ask_for_names(&mut self, id: FileId) -> bool {
        self.next_lead(id).is_some_and(|chunk| self.name(id, chunk))
    }

    /// The next chunk that the storage may know: it lists the first of each file, and one in
    /// about a thousand others.
    fn next_lead(&mut self, id: FileId) -> Option<XetHash> {
        let file = self.files.get_mut(&id)?;
        if !file.choice.has_xet() {
            return None;
        }
        let xet = file.xet.as_mut()?;
        if xet.names.is_some() {
            return None;
        }
        let chunks = &xet.proofs;
        let leads = xet.leads.get_or_insert_with(|| {
            let first = chunks.chunks().next().into_iter();
            let listed = chunks.chunks().filter(|(_, node)| node.hash.last_word() % LISTED == 0);
            first.chain(listed).map(|(_, node)| node.hash).take(LEADS_MAX).collect()
        });
        leads.pop_front()
    }

    fn name(&mut self, id: FileId, chunk: XetHash) -> bool {
        let Some(token) = self.token.held(self.now).cloned() else { return false };
        let Some(xet) = self.files.get_mut(&id).and_then(|file| file.xet.as_mut()) else {
            return false;
        };
        xet.is_asking = true;
        let ticket = self.errand(id, ErrandKind::Name);
        self.actions.push_back(Action::Name { ticket, chunk, token });
        true
    }

    pub(super) fn on_named(&mut self, id: FileId, answer: Result<Answer, Fault>) {
        let Some(file) = self.files.get_mut(&id) else { return };
        let Some(xet) = &mut file.xet else { return };
        xet.is_asking = false;
        if let Ok(Answer::Named(shard)) = answer
            && xet.terms.values().any(|term| shard.xorb(term.xorb).is_some())
        {
            xet.names = Some(shard);
        }
        self.go_on_investigating(id);
    }

    /// Fetches again what is not what its name says. What is still not after that was bad where
    /// it came from, and is fetched as it is.
    fn revoke_named(&mut self, id: FileId) -> bool {
        let Some(file) = self.files.get_mut(&id) else { return false };
        let Some(xet) = file.xet.as_mut().filter(|xet| xet.named < NAMED_MAX) else { return false };
        let bad = xet.names.as_ref().map(|names| xet.compare(names)).unwrap_or_default();
        let len: u64 = bad.iter().map(|range| range.len()).sum();
        // Who says that everything is wrong speaks of another file.
        if bad.is_empty() || (len > file.spec.size / 2 && len > PLAUSIBLE_BYTES) {
            return false;
        }
        xet.named += 1;
        if xet.named == NAMED_MAX {
            file.choice.bar_xet();
        }
        file.stage = Stage::Fetching;
        for range in bad {
            let origin = Origin::Network;
            self.events.push_back(Event::Repaired { file: id, range, origin });
            self.revoke(id, range);
        }
        true
    }
}

/// So often it is asked what a file is made of, beside the requests for its chunks.
const DESCRIBE_TRIES: u32 = 8;
/// So often a token is asked for only to find out what to doubt.
const TOKEN_TRIES: u32 = 3;
/// So much that came otherwise is worth a question.
const DESCRIBE_BYTES: u64 = 1 << 20;
/// The storage lists chunks whose hash is a multiple of this.
const LISTED: u64 = 1024;
/// So many of them are asked for at most.
const LEADS_MAX: usize = 4;
/// Chunks that are not what their names say are fetched again so often by these names.
const NAMED_MAX: u32 = 5;
/// So much may well be wrong, however small the file.
const PLAUSIBLE_BYTES: u64 = 1 << 20;
