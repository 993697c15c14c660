//! A part file and its journal on a disk that forgets and tears, and a writer that keeps the
//! contract: after any crash, replay proves nothing that is not on disk as recorded (S3), and
//! everything that a durable marker covers (S4).

use std::cell::Cell;

use proptest::test_runner::TestRunner;

use super::*;

/// Small enough for a digest that is the content itself, and so never collides.
const SIZE: u64 = 30;

/// One thing the writer does, or that happens to it. Numbers pick among what is possible.
#[derive(Clone, Debug)]
enum Step {
    Open { gap: u8, skip: u8, len: u8 },
    Receive { request: u8, content: Vec<u8> },
    Record { request: u8 },
    Close { request: u8 },
    BeginSync,
    EndSync,
    SyncJournal,
    Revoke(ByteRange),
    Crash(Crash),
}

#[derive(Clone, Debug)]
struct Crash {
    /// The machine lost power; otherwise only the process died.
    is_power_cut: bool,
    /// What becomes of each byte of the part file that was not synced.
    fates: Vec<u8>,
    /// How much of the journal's unsynced tail there is afterwards, in 256ths.
    tail: u8,
    /// Which 16 bytes of that tail read as zeros.
    lost: u64,
    /// A bit of the journal that would be flipped, in 65536ths of its length.
    flip: u16,
    /// Dies again between syncing the part file and replacing the journal.
    is_interrupted: bool,
    /// Appends to a clean journal instead of replacing it.
    is_appending: bool,
}

fn any_step() -> impl Strategy<Value = Step> {
    let crash = (
        prop::bool::weighted(0.7),
        prop::collection::vec(any::<u8>(), SIZE as usize),
        (
            prop_oneof![Just(0), Just(u8::MAX), any::<u8>()],
            prop_oneof![Just(0), any::<u64>()],
            any::<u16>(),
        ),
        (prop::bool::weighted(0.2), any::<bool>()),
    )
        .prop_map(
            |(is_power_cut, fates, (tail, lost, flip), (is_interrupted, is_appending))| Crash {
                is_power_cut,
                fates,
                tail,
                lost,
                flip,
                is_interrupted,
                is_appending,
            },
        );
    prop_oneof![
        4 => (any::<u8>(), 0..4_u8, 1..16_u8)
            .prop_map(|(gap, skip, len)| Step::Open { gap, skip, len }),
        6 => (any::<u8>(), prop::collection::vec(any::<u8>(), 1..6))
            .prop_map(|(request, content)| Step::Receive { request, content }),
        5 => any::<u8>().prop_map(|request| Step::Record { request }),
        3 => any::<u8>().prop_map(|request| Step::Close { request }),
        3 => Just(Step::BeginSync),
        3 => Just(Step::EndSync),
        1 => Just(Step::SyncJournal),
        2 => range_within(SIZE).prop_map(Step::Revoke),
        2 => crash.prop_map(Step::Crash),
    ]
}

struct World {
    /// The part file as a reader sees it, and as a power cut leaves it at worst.
    part: Vec<u8>,
    durable_part: Vec<u8>,
    journal: Vec<u8>,
    durable_journal_len: usize,
    /// A revocation was appended, and the journal not synced since.
    owes_journal_sync: bool,

    ledger: Ledger,
    records: u64,
    requests: Vec<Request>,
    sync: Option<Sync>,

    /// What markers cover, and what durable markers do.
    marked: RangeSet,
    promised: RangeSet,
}

/// Bytes `range.start..at` of it have been received.
struct Request {
    range: ByteRange,
    at: u64,
}

/// A sync of the part file under way.
struct Sync {
    part: Vec<u8>,
    records: u64,
    proven: RangeSet,
}

/// What happened at least once in all runs.
#[derive(Default)]
struct Tally {
    damage: Cell<u32>,
    clean: Cell<u32>,
    refused_claim: Cell<u32>,
    kept_claim: Cell<u32>,
    kept_shorter: Cell<u32>,
    revoked_marked: Cell<u32>,
}

impl World {
    fn new() -> Self {
        let journal = compact(&begin(), &Ledger::new(SIZE));
        Self {
            part: vec![0; SIZE as usize],
            durable_part: vec![0; SIZE as usize],
            durable_journal_len: journal.len(),
            journal,
            owes_journal_sync: false,
            ledger: Ledger::new(SIZE),
            records: 0,
            requests: Vec::new(),
            sync: None,
            marked: RangeSet::new(),
            promised: RangeSet::new(),
        }
    }

    fn step(&mut self, step: &Step, tally: &Tally) -> Result<(), TestCaseError> {
        match step {
            Step::Open { gap, skip, len } => self.open(*gap, *skip, *len),
            Step::Receive { request, content } => self.receive(*request, content),
            Step::Record { request } => {
                if let Some(request) = pick(&self.requests, *request) {
                    self.record(ByteRange::new(request.range.start, request.at));
                }
            }
            Step::Close { request } => {
                if let Some(index) = usize::from(*request).checked_rem(self.requests.len()) {
                    let request = self.requests.remove(index);
                    self.record(ByteRange::new(request.range.start, request.at));
                }
            }
            Step::BeginSync => {
                let proven = self.ledger.proven().clone();
                self.sync = Some(Sync { part: self.part.clone(), records: self.records, proven });
            }
            Step::EndSync => {
                if let Some(Sync { part, records, proven }) = self.sync.take() {
                    self.durable_part = part;
                    self.journal.extend(Record::Synced { records }.to_bytes());
                    self.marked.extend(proven.iter());
                }
            }
            Step::SyncJournal => self.sync_journal(),
            Step::Revoke(range) => self.revoke(*range, tally),
            Step::Crash(crash) => self.crash(crash, tally)?,
        }
        Ok(())
    }

    fn open(&mut self, gap: u8, skip: u8, len: u8) {
        if self.owes_journal_sync {
            self.sync_journal();
        }
        let mut taken = self.ledger.proven().clone();
        taken.extend(self.requests.iter().map(|request| request.range));
        let gaps: Vec<_> = taken.gaps(ByteRange::new(0, SIZE)).collect();
        let Some(gap) = pick(&gaps, gap) else { return };
        let start = gap.end.min(gap.start + u64::from(skip));
        let range = ByteRange::new(start, gap.end.min(start + u64::from(len)));
        if !range.is_empty() {
            self.requests.push(Request { range, at: start });
        }
    }

    fn receive(&mut self, request: u8, content: &[u8]) {
        let Some(index) = usize::from(request).checked_rem(self.requests.len()) else { return };
        let request = &mut self.requests[index];
        for &byte in content {
            if request.at < request.range.end {
                self.part[request.at as usize] = byte;
                request.at += 1;
            }
        }
    }

    fn record(&mut self, range: ByteRange) {
        if range.is_empty() {
            return;
        }
        let record = Record::Proven(Proven { range, digest: content(&self.part, range) });
        assert!(self.ledger.apply(&record), "{record:?} in {:?}", self.ledger);
        self.append(&record);
    }

    fn revoke(&mut self, range: ByteRange, tally: &Tally) {
        let revoked = self.ledger.revoke(range);
        self.append(&Record::Revoked(range));
        self.owes_journal_sync = true;
        for range in revoked.iter() {
            hit(&tally.revoked_marked, self.marked.intersects(range));
            self.marked.remove(range);
            self.promised.remove(range);
            if let Some(sync) = &mut self.sync {
                sync.proven.remove(range);
            }
            self.requests.retain(|request| !request.range.overlaps(range));
        }
    }

    fn append(&mut self, record: &Record) {
        record.encode(&mut self.journal);
        self.records += 1;
    }

    fn sync_journal(&mut self) {
        self.durable_journal_len = self.journal.len();
        self.promised = self.marked.clone();
        self.owes_journal_sync = false;
    }

    fn crash(&mut self, crash: &Crash, tally: &Tally) -> Result<(), TestCaseError> {
        let promised = if crash.is_power_cut {
            self.cut_power(crash);
            self.promised.clone()
        } else {
            self.ledger.proven().clone()
        };
        self.requests.clear();
        self.sync = None;
        self.owes_journal_sync = false;

        self.check_flipped(crash)?;
        let (mut replay, mut ledger) = self.check_replay(&promised)?;
        tally.count(&replay, &ledger);
        if crash.is_interrupted {
            self.durable_part.clone_from(&self.part);
            (replay, ledger) = self.check_replay(&promised)?;
        }
        self.resume(&replay, ledger, crash);
        Ok(())
    }

    fn cut_power(&mut self, crash: &Crash) {
        let fates = self.part.iter_mut().zip(&self.durable_part).zip(&crash.fates);
        for ((byte, &durable), fate) in fates.filter(|((byte, durable), _)| byte != durable) {
            *byte = match fate % 4 {
                0 => *byte,
                1 => 0,
                _ => durable,
            };
        }
        self.durable_part.clone_from(&self.part);

        let tail = self.journal.split_off(self.durable_journal_len);
        let kept = tail.len() * (usize::from(crash.tail) + 1) / 256;
        for (index, block) in tail[..kept].chunks(16).enumerate() {
            let is_lost = (crash.lost >> (index % 64)) & 1 == 1;
            self.journal.extend(block.iter().map(|&byte| if is_lost { 0 } else { byte }));
        }
        self.durable_journal_len = self.journal.len();
    }

    /// Starts again as the contract says.
    fn resume(&mut self, replay: &Replay, ledger: Ledger, crash: &Crash) {
        if replay.is_clean() && crash.is_appending {
            self.records = replay.records;
            if crash.is_power_cut {
                self.marked = ledger.proven().clone();
                self.promised = self.marked.clone();
            }
        } else {
            self.durable_part.clone_from(&self.part);
            self.journal = compact(&begin(), &ledger);
            self.durable_journal_len = self.journal.len();
            self.records = ledger.entries().count() as u64;
            self.marked = ledger.proven().clone();
            self.promised = self.marked.clone();
        }
        self.ledger = ledger;
    }

    /// S3 and S4 of what is on disk.
    fn check_replay(&self, promised: &RangeSet) -> Result<(Replay, Ledger), TestCaseError> {
        let replay = replay(&self.journal);
        let ledger = self.check_settled(&replay)?;
        for range in promised.iter() {
            prop_assert!(ledger.proven().contains(range), "lost {} of {:?}", range, ledger);
        }
        Ok((replay, ledger))
    }

    /// S3 of the same with one bit flipped.
    fn check_flipped(&self, crash: &Crash) -> Result<(), TestCaseError> {
        let mut journal = self.journal.clone();
        let bit = journal.len() * 8 * usize::from(crash.flip) / 65536;
        journal[bit / 8] ^= 1 << (bit % 8);
        self.check_settled(&replay(&journal)).map(drop)
    }

    fn check_settled(&self, replay: &Replay) -> Result<Ledger, TestCaseError> {
        let is_intact = |proven: Proven| content(&self.part, proven.range) == proven.digest;
        let ledger = settle(replay, SIZE, is_intact);
        for entry in ledger.entries() {
            prop_assert!(is_intact(entry), "{:?} is not on disk: {:?}", entry, replay);
        }
        Ok(ledger)
    }
}

impl Tally {
    fn count(&self, replay: &Replay, ledger: &Ledger) {
        let held = |claim: &&Proven| ledger.entry_at(claim.range.start) == Some(**claim);
        let refused = |claim: &&Proven| !ledger.proven().contains(claim.range);
        hit(&self.damage, replay.damage.is_some());
        hit(&self.clean, replay.is_clean());
        hit(&self.kept_claim, replay.unsynced.iter().any(|claim| held(&claim)));
        hit(&self.refused_claim, replay.unsynced.iter().any(|claim| refused(&claim)));
        let is_shorter_kept = replay.unsynced.iter().filter(refused).any(|longer| {
            replay.unsynced.iter().filter(held).any(|kept| longer.range.contains(kept.range))
        });
        hit(&self.kept_shorter, is_shorter_kept);
    }
}

fn hit(count: &Cell<u32>, happened: bool) {
    count.set(count.get() + u32::from(happened));
}

fn pick<T>(from: &[T], number: u8) -> Option<&T> {
    usize::from(number).checked_rem(from.len()).map(|index| &from[index])
}

/// The digest of a range: here, what it contains.
fn content(part: &[u8], range: ByteRange) -> RangeDigest {
    let bytes = &part[range.start as usize..range.end as usize];
    let mut digest = [0; 32];
    digest[..bytes.len()].copy_from_slice(bytes);
    digest[31] = bytes.len() as u8;
    RangeDigest(digest)
}

fn begin() -> Begin {
    Begin { size: SIZE, ..super::begin() }
}

#[test]
fn no_crash_proves_what_is_not_there_or_loses_what_a_marker_covers() {
    let tally = Tally::default();
    let steps = prop::collection::vec(any_step(), 0..80);
    let result = TestRunner::new(seeded(5000)).run(&steps, |steps| {
        let mut world = World::new();
        steps.iter().try_for_each(|step| world.step(step, &tally))
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    let Tally { damage, clean, refused_claim, kept_claim, kept_shorter, revoked_marked } = tally;
    let counts = [damage, clean, refused_claim, kept_claim, kept_shorter, revoked_marked];
    let counts = counts.map(Cell::into_inner);
    assert!(counts.iter().all(|&count| count > 0), "something never happened: {counts:?}");
}
