//! Records in any order: a ledger agrees with one that notes every byte.
#![no_main]

use engine::digest::RangeDigest;
use engine::journal::Record;
use engine::ledger::{Ledger, Proven};
use engine::range::ByteRange;
use libfuzzer_sys::fuzz_target;

const SIZE: u64 = 64;

fuzz_target!(|bytes: &[u8]| {
    let mut ledger = Ledger::new(SIZE);
    // For each byte, the record that covers it.
    let mut owners = [None; SIZE as usize];
    for (number, record) in bytes.chunks_exact(3).enumerate() {
        let range = ByteRange::new(u64::from(record[1] % 70), u64::from(record[2] % 70));
        if range.start > range.end {
            continue;
        }
        let digest = RangeDigest([number as u8; 32]);
        let (record, is_proof) = match record[0] % 3 {
            0 => (Record::Revoked(range), false),
            1 => (Record::Vouched(range), false),
            _ => (Record::Proven(Proven { range, digest }), true),
        };
        let is_revoked = matches!(record, Record::Revoked(_));
        let was_taken = ledger.apply(&record);
        let bytes = range.start.min(SIZE) as usize..range.end.min(SIZE) as usize;
        if is_revoked {
            let gone: Vec<_> = owners[bytes].iter().flatten().copied().collect();
            owners.iter_mut().for_each(|owner| {
                *owner = owner.filter(|owner| !gone.contains(owner));
            });
        } else if is_proof && was_taken {
            owners.iter_mut().for_each(|owner| {
                let is_same = |it: &usize| {
                    ledger.entries().any(|entry| entry.digest == RangeDigest([*it as u8; 32]))
                };
                *owner = owner.filter(is_same);
            });
            owners[bytes].fill(Some(number));
        }
        let entries: u64 = ledger.entries().map(|entry| entry.range.len()).sum();
        assert_eq!(entries, ledger.proven_bytes());
        assert!(ledger.vouched().iter().all(|range| ledger.proven().contains(range)));
        assert!(ledger.proven().iter().all(|range| range.end <= SIZE));
        for (at, owner) in (0..).zip(&owners) {
            let byte = ByteRange::new(at, at + 1);
            assert_eq!(ledger.proven().contains(byte), owner.is_some(), "byte {at}: {ledger:?}");
        }
    }
});
