//! What chunks prove: which parts of a file its publisher vouches for, and, when the whole does
//! not have its digest, which parts are to be doubted.
//!
//! Asks for no bytes; what is revoked here becomes missing.

use std::collections::{BTreeMap, VecDeque};

use rand::Rng;

use super::file::Stage;
use super::{ErrandKind, Transfer};
use crate::action::{Action, Answer, CHECKPOINT_BYTES};
use crate::event::{Event, Origin};
use crate::fault::{Blame, Fault};
use crate::journal::Record;
use crate::ledger::Ledger;
use crate::manifest::FileId;
use crate::policy::repair::Repair;
use crate::policy::retry::{Backoff, Step, next_step};
use crate::range::ByteRange;
use crate::range_set::RangeSet;
use crate::time::{Duration, Instant};
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
    /// When the storage may be asked again that did not answer.
    backoff: Backoff,
    /// How often names may still be asked for, and a token only for the search for damage.
    name_tries: u32,
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
            backoff: Backoff::new(BACKOFF_MAX),
            name_tries: NAME_TRIES,
            token_tries: TOKEN_TRIES,
        }
    }

    /// A question was answered.
    pub(super) const fn on_question_answered(&mut self) {
        self.backoff.on_progress();
    }

    /// A question was not answered as it should be.
    pub(super) fn on_question_failed(
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

    /// The largest part of what is proven of which nobody has said what it is made of.
    fn undescribed(&self, ledger: &Ledger) -> Option<ByteRange> {
        let proven = ledger.proven().iter().filter(|_| self.describe_tries > 0);
        let gaps = proven.flat_map(|range| self.described.gaps(range).collect::<Vec<_>>());
        gaps.max_by_key(|gap| gap.len())
    }

    /// Notes the chunks that the storage may know: it lists the first of each file, and one in
    /// about a thousand others.
    fn find_leads(&mut self) {
        if self.leads.is_none() {
            let chunks = || self.proofs.chunks();
            let listed = chunks().filter(|(_, node)| node.hash.last_word() % LISTED == 0);
            let leads = chunks().take(1).chain(listed).map(|(_, node)| node.hash);
            self.leads = Some(leads.take(LEADS_MAX).collect());
        }
    }

    /// The next of them to ask for.
    fn lead(&self) -> Option<XetHash> {
        let leads = self.leads.as_ref().filter(|_| self.names.is_none() && self.name_tries > 0)?;
        leads.front().copied()
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
        let is_asked = self.leads.as_ref().is_some_and(VecDeque::is_empty) && self.names.is_none();
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

/// What to ask beside bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// The hub, for a token.
    Authorize,
    /// The storage, what a range is made of.
    Describe(ByteRange),
    /// The storage, for the names of the chunks beside this one.
    Name(XetHash),
}

/// Whether the same question may well be answered later.
const fn is_for_now(fault: &Fault) -> bool {
    matches!(fault, Fault::Busy { .. } | Fault::LeaseRefused { .. })
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

    /// The digest is wrong, and the disk is innocent: finds out what to doubt. First whoever knows
    /// the names of all chunks is asked, which costs little; else ranges are fetched again.
    pub(super) fn investigate(&mut self, id: FileId) {
        if let Some(file) = self.files.get_mut(&id) {
            file.stage = Stage::Searching;
            if let Some(xet) = &mut file.xet {
                xet.find_leads();
            }
        }
        self.search_on(id);
    }

    /// Goes on with what is known, unless there is still something to ask.
    pub(super) fn search_on(&mut self, id: FileId) {
        let Some(file) = self.files.get(&id) else { return };
        let is_asking = file.xet.as_ref().is_some_and(|xet| xet.is_asking);
        if file.stage != Stage::Searching || is_asking {
            return;
        }
        if self.revoke_named(id) || self.question(id).is_some() {
            return;
        }
        let Some(file) = self.files.get_mut(&id) else { return };
        let size = file.spec.size;
        let xet = file.xet.as_ref().filter(|_| file.choice.has_xet());
        let mut ranks = xet.map(|xet| xet.ranks(size)).unwrap_or_default();
        if ranks.is_empty() {
            // Where all is vouched for and yet wrong, what was said of the chunks was.
            file.choice.bar_xet();
            ranks = vec![[ByteRange::new(0, size)].into_iter().collect()];
        }
        file.repair = Some(Repair::new(ranks, &file.suspect));
        file.stage = Stage::Fetching;
    }

    /// What to ask the storage beside chunks: what parts of the file are made of that came as they
    /// are, or from an earlier run, once there is enough of them; and whatever tells where damage
    /// may be.
    pub(super) fn question(&self, id: FileId) -> Option<Question> {
        let file = self.files.get(&id)?;
        let xet = file.xet.as_ref().filter(|xet| !xet.is_asking && file.choice.has_xet())?;
        let has_token = self.token.held(self.now).is_some();
        match file.stage {
            Stage::Fetching => {
                // What is being asked for in chunks describes itself.
                let gap = xet.undescribed(&file.ledger).filter(|_| has_token);
                gap.filter(|gap| gap.len() >= DESCRIBE_BYTES).map(Question::Describe)
            }
            // After hours of plain HTTP, or when the last has ended.
            Stage::Searching if !has_token => (xet.token_tries > 0).then_some(Question::Authorize),
            Stage::Searching => {
                let lead = || xet.lead().map(Question::Name);
                xet.undescribed(&file.ledger).map(Question::Describe).or_else(lead)
            }
            Stage::Checking | Stage::Sealing | Stage::Sealed | Stage::Failed => None,
        }
    }

    /// Asks it. Returns what a probe is known by.
    pub(super) fn ask_question(&mut self, id: FileId, question: Question) -> Option<u64> {
        let file = self.files.get_mut(&id)?;
        let xet = file.xet.as_mut()?;
        let hash = xet.hash;
        match question {
            Question::Authorize => {
                xet.token_tries -= u32::from(file.stage == Stage::Searching);
                Some(self.authorize(id))
            }
            Question::Describe(range) => {
                let token = self.token.held(self.now)?.clone();
                (xet.is_asking, xet.describe_tries) = (true, xet.describe_tries - 1);
                let ticket = self.errand(id, ErrandKind::Describe { range, token: token.clone() });
                self.actions.push_back(Action::Describe { ticket, hash, token, range });
                Some(ticket.0)
            }
            Question::Name(chunk) => {
                let token = self.token.held(self.now)?.clone();
                (xet.is_asking, xet.name_tries) = (true, xet.name_tries - 1);
                let ticket = self.errand(id, ErrandKind::Name { token: token.clone() });
                self.actions.push_back(Action::Name { ticket, chunk, token });
                Some(ticket.0)
            }
        }
    }

    /// What a range is made of is said. A fault if it makes no sense.
    pub(super) fn on_described(
        &mut self,
        id: FileId,
        range: ByteRange,
        answer: Result<Answer, Fault>,
    ) -> Option<Fault> {
        let file = self.files.get_mut(&id)?;
        let xet = file.xet.as_mut()?;
        xet.is_asking = false;
        let plan = match answer {
            Ok(Answer::Described(plan)) => plan,
            Ok(_) => return None,
            Err(fault) => return Some(fault),
        };
        if let Err(flaw) = plan.check_span(range, file.spec.size) {
            return Some(Fault::Malformed(format!("a reconstruction that {flaw}")));
        }
        xet.on_plan(&plan, range);
        self.weigh(id);
        None
    }

    /// The storage knows a chunk, and so the names of others; or it does not. A fault if it may
    /// still answer.
    pub(super) fn on_named(&mut self, id: FileId, answer: Result<Answer, Fault>) -> Option<Fault> {
        let xet = self.files.get_mut(&id)?.xet.as_mut()?;
        xet.is_asking = false;
        match answer {
            Err(fault) if fault.blame() == Blame::Link || is_for_now(&fault) => return Some(fault),
            Ok(Answer::Named(shard))
                if xet.terms.values().any(|term| shard.xorb(term.xorb).is_some()) =>
            {
                xet.names = Some(shard);
            }
            Ok(_) | Err(_) => {}
        }
        xet.leads.as_mut().and_then(VecDeque::pop_front);
        None
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
/// The longest pause after a question that was not answered.
const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// So often it is asked for names.
const NAME_TRIES: u32 = 8;
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
