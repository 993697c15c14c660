//! What each kind of journal says; for journals after a crash see `tests/crash.rs`.

use proptest::prelude::*;

use super::*;
use crate::digest::RangeDigest;
use crate::journal::compact;
use crate::range::ByteRange;
use crate::range_set::tests::{range_within, seeded};

mod crash;

const SIZE: u64 = 100;

fn begin() -> Begin {
    Begin { size: SIZE, digest: None, source: "repo@commit/path".to_owned() }
}

fn claim(start: u64, end: u64) -> Proven {
    let digest = RangeDigest([(start * 7 + end) as u8; 32]);
    Proven { range: ByteRange::new(start, end), digest }
}

fn proven(start: u64, end: u64) -> Record {
    Record::Proven(claim(start, end))
}

fn revoked(start: u64, end: u64) -> Record {
    Record::Revoked(ByteRange::new(start, end))
}

fn synced(records: u64) -> Record {
    Record::Synced { records }
}

fn sealed() -> Record {
    Record::Sealed(Sealed { len: SIZE, modified_ns: 1 })
}

/// `Begin` and these, as bytes.
fn journal(records: &[Record]) -> Vec<u8> {
    let mut bytes = Record::Begin(begin()).to_bytes();
    for record in records {
        record.encode(&mut bytes);
    }
    bytes
}

fn ranges(claims: impl IntoIterator<Item = Proven>) -> Vec<(u64, u64)> {
    claims.into_iter().map(|proven| (proven.range.start, proven.range.end)).collect()
}

type Ranges<'a> = &'a [(u64, u64)];

#[test]
fn what_is_synced_is_trusted_and_the_rest_are_claims() {
    let cases: &[(&str, &[Record], Ranges<'_>, Ranges<'_>)] = &[
        ("nothing yet", &[], &[], &[]),
        ("no marker", &[proven(0, 4)], &[], &[(0, 4)]),
        ("a marker", &[proven(0, 4), synced(1)], &[(0, 4)], &[]),
        (
            "appended while the sync was under way",
            &[proven(0, 4), proven(8, 9), synced(1)],
            &[(0, 4)],
            &[(8, 9)],
        ),
        (
            "a growing request",
            &[proven(0, 4), synced(1), proven(0, 8), proven(0, 12)],
            &[(0, 4)],
            &[(0, 8), (0, 12)],
        ),
        ("superseded before the marker", &[proven(0, 4), proven(0, 8), synced(2)], &[(0, 8)], &[]),
        ("a marker behind a later one", &[proven(0, 4), synced(1), synced(0)], &[(0, 4)], &[]),
        ("a marker that counts too many", &[proven(0, 4), synced(2)], &[], &[(0, 4)]),
        (
            "beyond the end of the file",
            &[proven(0, 4), proven(SIZE, SIZE + 1), synced(2)],
            &[(0, 4)],
            &[],
        ),
        (
            "overlapping in part",
            &[proven(0, 4), proven(2, 6), proven(4, 6), synced(3)],
            &[(0, 4), (4, 6)],
            &[],
        ),
        ("revoked when trusted", &[proven(0, 4), synced(1), revoked(3, 9)], &[], &[]),
        ("revoked when a claim", &[proven(0, 4), proven(4, 6), revoked(3, 4)], &[], &[(4, 6)]),
        ("revoked before the marker", &[proven(0, 4), revoked(3, 4), synced(2)], &[], &[]),
        ("proven again", &[proven(0, 4), revoked(0, 4), proven(0, 4), synced(2)], &[], &[(0, 4)]),
        (
            "proven again and synced",
            &[proven(0, 4), revoked(0, 4), proven(0, 5), synced(3)],
            &[(0, 5)],
            &[],
        ),
    ];
    for (name, records, trusted, unsynced) in cases {
        let bytes = journal(records);
        let replay = replay(&bytes);
        assert_eq!(ranges(replay.trusted.entries()), *trusted, "{name}: trusted");
        assert_eq!(ranges(replay.unsynced.iter().copied()), *unsynced, "{name}: unsynced");
        assert_eq!(replay.is_clean(), unsynced.is_empty(), "{name}");
        let counted = records.iter().filter(|record| record.is_counted()).count() as u64;
        assert_eq!((replay.records, replay.good_len), (counted, bytes.len() as u64), "{name}");
        assert_eq!((replay.begin, replay.damage), (Some(begin()), None), "{name}");
    }
}

/// The revocation removed the long entry whole, so the bytes under the short one may have been
/// rewritten since, though it lies beside what was revoked.
#[test]
fn a_revocation_takes_along_what_the_revoked_entry_had_superseded() {
    let records = [proven(0, 4), synced(1), proven(0, 8), revoked(6, 7)];
    let replay = replay(&journal(&records));
    assert_eq!((ranges(replay.trusted.entries()), ranges(replay.unsynced)), (vec![], vec![]));
}

#[test]
fn a_seal_holds_until_something_is_revoked() {
    let cases: &[(&[Record], bool)] = &[
        (&[], false),
        (&[sealed()], true),
        (&[sealed(), synced(0)], true),
        (&[sealed(), revoked(0, 1)], false),
        (&[revoked(0, 1), sealed()], true),
    ];
    for (records, is_sealed) in cases {
        assert_eq!(replay(&journal(records)).sealed.is_some(), *is_sealed, "{records:?}");
    }
    let mut torn = journal(&[sealed()]);
    torn.push(0);
    assert_eq!(replay(&torn).sealed, None);
}

#[test]
fn damage_is_named_and_placed() {
    let good = journal(&[proven(0, 4), synced(1)]);
    let len = good.len();
    let begin_len = journal(&[]).len();
    let other = Begin { size: 1, ..begin() };
    let garbled = [&good[..begin_len], &[0; 56], &good[begin_len + 56..]].concat();
    let cases: &[(&str, Vec<u8>, Flaw, usize)] = &[
        ("torn", good[..len - 1].to_vec(), Flaw::Torn, begin_len + 56),
        ("a lost page", garbled, Flaw::Garbled, begin_len),
        ("zeros behind", [&good[..], &[0; 512]].concat(), Flaw::Garbled, len),
        ("no begin", good[begin_len..].to_vec(), Flaw::Misplaced, 0),
        (
            "another begin",
            [&good[..], &Record::Begin(other).to_bytes()].concat(),
            Flaw::Misplaced,
            len,
        ),
    ];
    for (name, bytes, flaw, at) in cases {
        let replay = replay(bytes);
        let at = *at as u64;
        assert_eq!(replay.damage, Some(Damage { at, flaw: *flaw }), "{name}");
        assert_eq!(replay.good_len, at, "{name}");
        assert_eq!(replay.trusted.proven_bytes(), 0, "{name}: trusts a damaged journal");
        assert!(!replay.is_clean(), "{name}");
    }
}

#[test]
fn behind_damage_everything_is_a_claim() {
    let head = journal(&[proven(0, 4), synced(1), proven(6, 8)]);
    let tail = [proven(4, 6), proven(10, 20), revoked(6, 8), synced(4)].map(|r| r.to_bytes());
    let replay = replay(&[&head[..], b"noise", &tail.concat()].concat());
    assert_eq!(ranges(replay.unsynced.iter().copied()), [(0, 4), (4, 6), (10, 20)]);
    assert_eq!(ranges(settle(&replay, SIZE, |_| true).entries()), [(0, 4), (4, 6), (10, 20)]);
    assert_eq!(ranges(settle(&replay, SIZE, |_| false).entries()), []);
}

#[test]
fn a_lost_beginning_does_not_lose_what_follows() {
    let mut bytes = journal(&[proven(0, 4), proven(4, 8), synced(2)]);
    bytes[20] ^= 1;
    let replay = replay(&bytes);
    assert_eq!((&replay.begin, replay.trusted.size()), (&None, 0));
    assert_eq!(ranges(settle(&replay, SIZE, |_| true).entries()), [(0, 4), (4, 8)]);
    assert_eq!(ranges(settle(&replay, 6, |_| true).entries()), [(0, 4)]);
}

#[test]
fn an_empty_journal_says_nothing() {
    let replay = replay(&[]);
    assert_eq!((&replay.begin, replay.damage, replay.records), (&None, None, 0));
    assert!(!replay.is_clean());
    assert_eq!(settle(&replay, SIZE, |_| true), Ledger::new(SIZE));
}

#[test]
fn kinds_to_come_are_skipped() {
    let mut bytes = journal(&[proven(0, 4)]);
    // A record of kind 7 with the body "later".
    let mut later = b"\0\0\0\0\x05\0\x07\xB5later".to_vec();
    let checksum = crc32c::crc32c(&later[4..]);
    later[..4].copy_from_slice(&checksum.to_le_bytes());
    bytes.extend(later);
    synced(1).encode(&mut bytes);
    let replay = replay(&bytes);
    assert!(replay.is_clean());
    assert_eq!((replay.records, replay.trusted.proven_bytes()), (1, 4));
}

#[test]
fn what_was_vouched_for_is_so_as_far_as_it_is_proven() {
    let vouched = |start, end| Record::Vouched(ByteRange::new(start, end));
    let records = [proven(0, 4), proven(4, 8), vouched(0, 6), vouched(9, 12)];
    let mut bytes = journal(&records);
    synced(2).encode(&mut bytes);
    let shown = |ledger: &Ledger| format!("{:?}", ledger.vouched());
    let ledger = settle(&replay(&bytes), SIZE, |_| true);
    assert_eq!(shown(&ledger), "{0..6}");
    assert_eq!(settle(&replay(&compact(&begin(), &ledger)), SIZE, |_| true), ledger);
    revoked(2, 3).encode(&mut bytes);
    assert_eq!(shown(&settle(&replay(&bytes), SIZE, |_| true)), "{4..6}");
    let unsynced = journal(&records);
    assert_eq!(shown(&settle(&replay(&unsynced), SIZE, |it| it.range.start > 0)), "{4..6}");
}

#[test]
fn settling_asks_latest_first_and_never_twice() {
    type Case<'a> = (&'a str, &'a [Record], Ranges<'a>, Ranges<'a>, Ranges<'a>);
    let growing = &[proven(0, 4), synced(1), proven(0, 8), proven(0, 12), proven(20, 30)];
    let cases: &[Case<'_>] = &[
        (
            "all intact",
            growing,
            &[(20, 30), (0, 12), (0, 8)],
            &[(20, 30), (0, 12)],
            &[(0, 12), (20, 30)],
        ),
        (
            "the longest is not",
            growing,
            &[(20, 30), (0, 8)],
            &[(20, 30), (0, 12), (0, 8)],
            &[(0, 8), (20, 30)],
        ),
        ("none is", growing, &[], &[(20, 30), (0, 12), (0, 8)], &[(0, 4)]),
    ];
    for (name, records, intact, expected_asked, expected) in cases {
        let replay = replay(&journal(records));
        let mut asked = Vec::new();
        let ledger = settle(&replay, SIZE, |proven| {
            asked.push(proven);
            intact.contains(&(proven.range.start, proven.range.end))
        });
        assert_eq!(ranges(asked), *expected_asked, "{name}");
        assert_eq!(ranges(ledger.entries()), *expected, "{name}");
    }
}

#[test]
fn nothing_is_trusted_about_a_file_of_another_size() {
    let replay = replay(&journal(&[proven(0, 4), synced(1)]));
    assert_eq!(settle(&replay, SIZE + 1, |_| true), Ledger::new(SIZE + 1));
}

/// A whole journal with everything in it.
fn sample() -> Vec<Record> {
    vec![
        proven(0, 10),
        proven(0, 20),
        synced(1),
        proven(30, 40),
        proven(50, 60),
        revoked(30, 31),
        proven(30, 45),
        synced(6),
        proven(60, 80),
        sealed(),
    ]
}

#[test]
fn every_prefix_says_what_its_records_say() {
    let records = sample();
    let whole = journal(&records);
    for len in 0..whole.len() {
        let cut = replay(&whole[..len]);
        let fits = |count: &usize| journal(&records[..*count]).len() <= len;
        let Some(count) = (0..=records.len()).rev().find(fits) else {
            assert_eq!((cut.begin, cut.records), (None, 0), "{len} bytes");
            continue;
        };
        let understood = journal(&records[..count]);
        let expected = replay(&understood);
        assert_eq!((cut.records, cut.good_len), (expected.records, understood.len() as u64));
        assert_eq!(cut.damage.is_some(), understood.len() < len, "{len} bytes");
        for is_intact in [true, false] {
            let settled = settle(&cut, SIZE, |_| is_intact);
            let limit = settle(&expected, SIZE, |_| is_intact);
            let is_subset =
                settled.entries().all(|entry| limit.entry_at(entry.range.start) == Some(entry));
            assert!(is_subset, "{len} bytes: {settled:?}, not {limit:?}");
        }
    }
}

#[test]
fn a_flipped_bit_costs_a_reading_and_at_most_the_record_it_hit() {
    let records = sample();
    let whole = journal(&records);
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let replay = replay(&bytes);
        assert!(replay.damage.is_some(), "bit {bit}");
        assert_eq!(settle(&replay, SIZE, |_| false), Ledger::new(SIZE), "bit {bit}");
        assert!(replay.records >= 6, "bit {bit}: {} records", replay.records);
        for claim in replay.unsynced {
            assert!(records.contains(&Record::Proven(claim)), "bit {bit}: {claim:?}");
        }
    }
}

fn any_records() -> impl Strategy<Value = Vec<Record>> {
    let record = prop_oneof![
        5 => range_within(SIZE + 5).prop_map(|range| proven(range.start, range.end)),
        1 => range_within(SIZE + 5).prop_map(Record::Revoked),
        2 => (0..20_u64).prop_map(synced),
        1 => Just(sealed()),
    ];
    prop::collection::vec(record, 0..25)
}

proptest! {
    #![proptest_config(seeded(500))]

    #[test]
    fn replay_and_live_operation_are_one_fold(records in any_records()) {
        let mut live = Ledger::new(SIZE);
        for record in &records {
            live.apply(record);
        }
        let replay = replay(&journal(&records));
        let settled = settle(&replay, SIZE, |_| true);
        prop_assert_eq!(settled.proven(), live.proven());
        for entry in replay.trusted.entries() {
            prop_assert!(live.proven().contains(entry.range), "{entry:?} is not live");
        }
    }

    #[test]
    fn compacting_keeps_every_entry_and_is_clean(records in any_records()) {
        let ledger = settle(&replay(&journal(&records)), SIZE, |_| true);
        let bytes = compact(&begin(), &ledger);
        let replay = replay(&bytes);
        prop_assert!(replay.is_clean());
        prop_assert_eq!(replay.records, ledger.entries().count() as u64);
        prop_assert_eq!(&replay.trusted, &ledger);
        prop_assert_eq!(compact(&begin(), &replay.trusted), bytes);
    }

    #[test]
    fn garbage_anywhere_leaves_only_claims_that_were_made(
        records in any_records(),
        garbage in prop::collection::vec(any::<u8>(), 1..80),
        at in any::<prop::sample::Index>(),
        is_overwriting in any::<bool>(),
    ) {
        let mut bytes = journal(&records);
        let at = at.index(bytes.len());
        let end = if is_overwriting { (at + garbage.len()).min(bytes.len()) } else { at };
        bytes.splice(at..end, garbage);
        let replay = replay(&bytes);
        prop_assume!(replay.damage.is_some());
        prop_assert_eq!(replay.trusted.proven_bytes(), 0);
        for claim in replay.unsynced {
            prop_assert!(records.contains(&Record::Proven(claim)), "{claim:?}");
        }
    }

    #[test]
    fn any_bytes_have_a_replay(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let replay = replay(&bytes);
        prop_assert!(replay.good_len <= bytes.len() as u64);
        prop_assert!(replay.trusted.entries().next().is_none());
    }
}

/// A journal about so many disjoint ranges of a file that is long enough.
fn journal_of(count: u64, records: &[Record]) -> Vec<u8> {
    let begin = Begin { size: 2 * count, ..begin() };
    let mut bytes = Record::Begin(begin).to_bytes();
    for number in 0..count {
        proven(2 * number, 2 * number + 1).encode(&mut bytes);
    }
    records.iter().for_each(|record| record.encode(&mut bytes));
    bytes
}

#[test]
fn damage_anywhere_in_a_long_journal_costs_what_it_hits() {
    const COUNT: u64 = 20_000;
    let whole = journal_of(COUNT, &[synced(COUNT)]);
    assert!(replay(&whole).is_clean());
    // Every place relative to the end of what is held at once.
    for at in (1_000..whole.len() - 1_000).step_by(12_345) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        let found = replay(&bytes);
        assert_eq!(found.unsynced.len() as u64, COUNT - 1, "{at}");
        bytes.splice(at..at, [0; 300_000]);
        bytes[at + 300_000] ^= 1;
        assert!(replay(&bytes).unsynced.len() as u64 >= COUNT - 1, "{at}");
    }
}

#[test]
fn no_more_ranges_are_kept_than_are_of_use() {
    let count = ENTRIES_MAX as u64 + 5;
    let found = replay(&journal_of(count, &[synced(count)]));
    assert_eq!(found.damage.map(|damage| damage.flaw), Some(Flaw::TooMany));
    assert_eq!(found.trusted.entry_count(), 0, "what is left out may have been revoked");
    assert_eq!(found.unsynced.len(), ENTRIES_MAX);
    // One range after the other in place of the one before is not many.
    let mut bytes = journal(&[]);
    (0..count).for_each(|_| proven(0, SIZE).encode(&mut bytes));
    synced(count).encode(&mut bytes);
    let found = replay(&bytes);
    assert!(found.is_clean());
    assert_eq!(found.trusted.entry_count(), 1);
}

#[test]
fn what_too_many_revocations_may_be_about_is_not_believed() {
    let mut bytes = journal(&[proven(0, 4), proven(8, 12)]);
    (0..=ENTRIES_MAX).for_each(|_| revoked(20, 24).encode(&mut bytes));
    proven(4, 8).encode(&mut bytes);
    bytes.push(0);
    let found = replay(&bytes);
    assert!(found.damage.is_some());
    assert_eq!(ranges(found.unsynced), [(4, 8)]);
}
