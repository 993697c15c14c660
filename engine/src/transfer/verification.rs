//! What chunks prove: which parts of a file its publisher vouches for, and, when the whole does
//! not have its digest, which parts are to be doubted.
//!
//! Asks for no bytes; what is revoked here becomes missing.

use std::collections::VecDeque;

use super::file::Stage;
use super::{TaskKind, Transfer};
use crate::action::{Action, Answer, CHECKPOINT_BYTES};
use crate::event::{Event, Origin};
use crate::fault::{Blame, Fault};
use crate::journal::Record;
use crate::manifest::FileId;
use crate::policy::queries::{DESCRIBE_BYTES, NAMED_MAX, PLAUSIBLE_BYTES};
use crate::policy::repair::Repair;
use crate::range::ByteRange;
use crate::xet::hash::XetHash;
use crate::xet::merkle::Node;
use crate::xet::proof::Proof;

/// What to ask beside bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Query {
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
            self.out.tell(Event::Vouched { file: id, vouched });
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
    pub(super) fn question(&self, id: FileId) -> Option<Query> {
        let file = self.files.get(&id)?;
        let xet = file.xet.as_ref().filter(|xet| !xet.is_asking && file.choice.has_xet())?;
        let has_token = self.storage.token.held(self.now).is_some();
        match file.stage {
            Stage::Fetching => {
                // What is being asked for in chunks describes itself.
                let gap = xet.undescribed(&file.ledger).filter(|_| has_token);
                gap.filter(|gap| gap.len() >= DESCRIBE_BYTES).map(Query::Describe)
            }
            // After hours of plain HTTP, or when the last has ended.
            Stage::Searching if !has_token => (xet.token_tries > 0).then_some(Query::Authorize),
            Stage::Searching => {
                let lead = || xet.lead().map(Query::Name);
                xet.undescribed(&file.ledger).map(Query::Describe).or_else(lead)
            }
            Stage::Checking | Stage::Sealing | Stage::Sealed | Stage::Failed => None,
        }
    }

    /// Asks it. Returns what a probe is known by.
    pub(super) fn send_query(&mut self, id: FileId, question: Query) -> Option<u64> {
        let file = self.files.get_mut(&id)?;
        let xet = file.xet.as_mut()?;
        let hash = xet.hash;
        match question {
            Query::Authorize => {
                xet.token_tries -= u32::from(file.stage == Stage::Searching);
                Some(self.authorize(id))
            }
            Query::Describe(range) => {
                let token = self.storage.token.held(self.now)?.clone();
                (xet.is_asking, xet.describe_tries) = (true, xet.describe_tries - 1);
                let task_id = self.task(id, TaskKind::Describe { range, token: token.clone() });
                self.out.act(Action::Describe { task_id, hash, token, range });
                Some(task_id.0)
            }
            Query::Name(chunk) => {
                let token = self.storage.token.held(self.now)?.clone();
                (xet.is_asking, xet.name_tries) = (true, xet.name_tries - 1);
                let task_id = self.task(id, TaskKind::Name { token: token.clone() });
                self.out.act(Action::Name { task_id, chunk, token });
                Some(task_id.0)
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
        xet.on_reconstruction(&plan, range);
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
            self.out.tell(Event::Repaired { file: id, range, origin });
            self.revoke(id, range);
        }
        true
    }
}
