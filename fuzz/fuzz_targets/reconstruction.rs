//! What the storage says a file is made of, in any bytes: what is taken lies within the file.
#![no_main]

use engine::range::ByteRange;
use engine::xet::reconstruction::Reconstruction;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let asked = ByteRange::new(1000, 200_000);
    for plan in [Reconstruction::read_v1(bytes), Reconstruction::read_v2(bytes)] {
        let Ok(plan) = plan else { continue };
        assert!(plan.requests().all(|fetches| !fetches.is_empty()));
        assert_eq!(plan.covers.len(), plan.terms.len());
        assert!((0..plan.terms.len()).all(|term| plan.fetch_of(term).is_some()));
        let Ok(span) = plan.check_span(asked, 300_000) else { continue };
        assert!(span.contains(asked) && span.end <= 300_000);
        let ends = plan.placed(asked).map(|(start, term)| start + term.len);
        assert!(ends.is_sorted());
    }
});
