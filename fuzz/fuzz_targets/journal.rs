//! A journal of any bytes is replayed: nothing in it lies outside of its file, and the shortest
//! journal that says the same is clean and says the same.
#![no_main]

use engine::journal::{Begin, compact, replay, settle};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let found = replay(bytes);
    assert!(found.good_len <= bytes.len() as u64);
    let size = found.begin.as_ref().map_or(1 << 20, |begin| begin.size);
    for is_intact in [true, false] {
        let ledger = settle(&found, size, |_| is_intact);
        assert!(ledger.proven().iter().all(|range| range.end <= size));
        let source = found.begin.as_ref().map_or_else(String::new, |it| it.source.clone());
        let digest = found.begin.as_ref().and_then(|begin| begin.digest);
        let again = replay(&compact(&Begin { size, digest, source }, &ledger));
        assert!(again.is_clean(), "{again:?}");
        assert_eq!(settle(&again, size, |_| false), ledger);
    }
});
