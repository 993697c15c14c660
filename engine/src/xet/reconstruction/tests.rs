//! Answers as the storage gives them, and as nobody should.
//!
//! What the chunks are worth is not asked here.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::range_set::tests::seeded;

fn hash(seed: u8) -> XetHash {
    XetHash::of_chunk(&[seed])
}

/// Three pieces of two xorbs: 300 kB, of which the first 5 bytes were not asked for.
fn v1() -> Value {
    json!({
        "offset_into_first_range": 5,
        "terms": [
            {"hash": hash(1).to_string(), "unpacked_length": 100_000,
             "range": {"start": 2, "end": 4}},
            {"hash": hash(2).to_string(), "unpacked_length": 120_000,
             "range": {"start": 0, "end": 2}},
            {"hash": hash(1).to_string(), "unpacked_length": 80_000,
             "range": {"start": 7, "end": 9}},
        ],
        "fetch_info": {
            hash(1).to_string(): [
                {"range": {"start": 2, "end": 4}, "url": "https://cdn.example/1?a",
                 "url_range": {"start": 60_000, "end": 139_999}},
                {"range": {"start": 6, "end": 9}, "url": "https://cdn.example/1?b",
                 "url_range": {"start": 200_000, "end": 299_999}},
            ],
            hash(2).to_string(): [
                {"range": {"start": 0, "end": 3}, "url": "http://cdn.example/2",
                 "url_range": {"start": 0, "end": 149_999}},
            ],
        },
    })
}

fn v2() -> Value {
    let mut answer = v1();
    answer.as_object_mut().unwrap().remove("fetch_info");
    answer["xorbs"] = json!({
        hash(1).to_string(): [
            {"url": "https://cdn.example/1", "ranges": [
                {"chunks": {"start": 2, "end": 4}, "bytes": {"start": 60_000, "end": 139_999}},
                {"chunks": {"start": 6, "end": 9}, "bytes": {"start": 200_000, "end": 299_999}},
            ]},
        ],
        hash(2).to_string(): [
            {"url": "http://cdn.example/2", "ranges": [
                {"chunks": {"start": 0, "end": 3}, "bytes": {"start": 0, "end": 149_999}},
            ]},
        ],
    });
    answer
}

fn read_v1(answer: &Value) -> Result<Reconstruction, Malformed> {
    Reconstruction::read_v1(answer.to_string().as_bytes())
}

fn read_v2(answer: &Value) -> Result<Reconstruction, Malformed> {
    Reconstruction::read_v2(answer.to_string().as_bytes())
}

#[test]
fn both_versions_say_the_same() {
    let (one, two) = (read_v1(&v1()).unwrap(), read_v2(&v2()).unwrap());
    assert_eq!(one.terms, two.terms);
    for found in [&one, &two] {
        assert_eq!((found.skip, found.len(), found.terms.len()), (5, 300_000, 3));
        assert_eq!(found.terms[2], Term { xorb: hash(1), chunks: 7..9, len: 80_000 });
        let bytes = |term| found.fetch_of(term).map(|fetch| (fetch.chunks.clone(), fetch.bytes));
        assert_eq!(bytes(0), Some((2..4, ByteRange::new(60_000, 140_000))));
        assert_eq!(bytes(1), Some((0..3, ByteRange::new(0, 150_000))));
        assert_eq!(bytes(2), Some((6..9, ByteRange::new(200_000, 300_000))));
        assert_eq!(bytes(3), None);
    }
    let headers = |found: &Reconstruction| {
        let mut headers: Vec<_> = found.requests().map(range_header).collect();
        headers.sort();
        headers
    };
    assert_eq!(headers(&one), ["bytes=0-149999", "bytes=200000-299999", "bytes=60000-139999"],);
    assert_eq!(headers(&two), ["bytes=0-149999", "bytes=60000-139999,200000-299999"]);
}

#[test]
fn a_span_is_placed_by_what_was_asked_for() {
    let found = read_v1(&v1()).unwrap();
    let asked = ByteRange::new(1005, 300_000);
    assert_eq!(found.span(asked), ByteRange::new(1000, 301_000));
    let starts: Vec<_> = found.placed(asked).map(|(start, term)| (start, term.len)).collect();
    assert_eq!(starts, [(1000, 100_000), (101_000, 120_000), (221_000, 80_000)]);
    for (asked, size, is_good) in [
        (asked, 301_000, true),
        (asked, u64::MAX, true),
        (asked, 300_999, false),
        (ByteRange::new(1005, 301_001), 400_000, false),
        (ByteRange::new(1005, u64::MAX), 301_000, true),
        (ByteRange::new(4, 10), 301_000, false),
    ] {
        let checked = found.check_span(asked, size);
        assert_eq!(checked.is_ok(), is_good, "{asked} of {size}: {checked:?}");
    }
}

#[test]
fn an_empty_file_is_put_together_from_nothing() {
    let answer = json!({"offset_into_first_range": 0, "terms": [], "fetch_info": {}});
    let found = read_v1(&answer).unwrap();
    assert!(found.is_empty());
    let nothing = ByteRange::new(0, 0);
    assert_eq!(found.check_span(nothing, 0), Ok(nothing));
    assert_eq!(found.requests().count(), 0);
}

#[test]
fn numbers_that_cannot_be_are_refused() {
    let xorb = hash(1).to_string();
    let cases = [
        ("/offset_into_first_range", json!(100_000)),
        ("/offset_into_first_range", json!(-1)),
        ("/terms/0/hash", json!("00")),
        ("/terms/0/hash", json!(hash(3).to_string())),
        ("/terms/0/range/start", json!(4)),
        ("/terms/0/range/start", json!(1)),
        ("/terms/0/range/end", json!(5)),
        ("/terms/0/range/end", json!(8193)),
        ("/terms/0/range/end", json!(1_u64 << 32)),
        ("/terms/0/unpacked_length", json!(1)),
        ("/terms/0/unpacked_length", json!(2 * chunker::MAX + 1)),
        ("/terms/0/unpacked_length", json!(u64::MAX)),
        ("/terms", json!(null)),
        (&format!("/fetch_info/{xorb}/0/range/end"), json!(3)),
        (&format!("/fetch_info/{xorb}/0/range/start"), json!(3)),
        (&format!("/fetch_info/{xorb}/0/range/start"), json!(5)),
        (&format!("/fetch_info/{xorb}/0/url"), json!("file:///etc/passwd")),
        (&format!("/fetch_info/{xorb}/0/url"), json!("/relative")),
        (&format!("/fetch_info/{xorb}/0/url"), json!("https://u:p@cdn.example/")),
        (&format!("/fetch_info/{xorb}/0/url_range/end"), json!(59_999)),
        (&format!("/fetch_info/{xorb}/0/url_range/end"), json!(60_010)),
        (&format!("/fetch_info/{xorb}/0/url_range/end"), json!(60_000 + 2 * (8 + PACKED_MAX))),
        (&format!("/fetch_info/{xorb}/0/url_range/end"), json!(u64::MAX)),
        (&format!("/fetch_info/{xorb}/0/url_range/start"), json!(0)),
        (&format!("/fetch_info/{xorb}"), json!([])),
    ];
    for (path, value) in &cases {
        let mut answer = v1();
        *answer.pointer_mut(path).unwrap() = value.clone();
        let found = read_v1(&answer);
        assert!(found.is_err(), "{path}: {value}: {found:?}");
    }
}

#[test]
fn no_xorb_is_longer_than_one_can_be() {
    let chunks = json!({"start": 0, "end": 8192});
    for (len, end, is_good) in [
        (64 << 20, (64 << 20) + 8 * 8192, true),
        ((64 << 20) + 1, (64 << 20) + 8 * 8192, false),
        (64 << 20, (64 << 20) + 8 * 8192 + 1, false),
    ] {
        let answer = json!({
            "offset_into_first_range": 0,
            "terms": [{"hash": hash(1).to_string(), "unpacked_length": len, "range": chunks}],
            "fetch_info": {hash(1).to_string(): [
                {"range": chunks, "url": "https://cdn.example/",
                 "url_range": {"start": 0, "end": end - 1}},
            ]},
        });
        assert_eq!(read_v1(&answer).is_ok(), is_good, "{len} {end}");
    }
}

#[test]
fn ranges_of_one_url_neither_overlap_nor_go_back() {
    let path = format!("/xorbs/{}/0/ranges", hash(1));
    let mut answer = v2();
    answer.pointer_mut(&path).unwrap().as_array_mut().unwrap().reverse();
    assert_eq!(read_v2(&answer), Err(Malformed("has ranges of one URL that overlap")));
    for (field, value) in [("chunks", 3), ("bytes", 139_999)] {
        let mut answer = v2();
        answer.pointer_mut(&path).unwrap()[1][field]["start"] = json!(value);
        assert_eq!(read_v2(&answer), Err(Malformed("has ranges of one URL that overlap")));
    }
}

#[test]
fn a_piece_is_found_in_the_fetch_that_reaches_far_enough() {
    let mut answer = v1();
    let path = format!("/fetch_info/{}", hash(1));
    let fetches = answer.pointer_mut(&path).unwrap().as_array_mut().unwrap();
    // One begins closer but ends too soon; what only two of them cover is not covered.
    fetches.push(json!({"range": {"start": 7, "end": 8}, "url": "https://cdn.example/",
                        "url_range": {"start": 230_000, "end": 250_000}}));
    let found = read_v1(&answer).unwrap();
    assert_eq!(found.fetch_of(2).map(|fetch| fetch.chunks.clone()), Some(6..9));
    answer["terms"][2]["range"]["end"] = json!(10);
    assert_eq!(read_v1(&answer), Err(Malformed("has a piece that cannot be fetched")));
}

proptest! {
    #![proptest_config(seeded(1000))]

    #[test]
    fn mutated_answers_never_panic(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        for answer in [v1().to_string(), v2().to_string()] {
            let mut answer = answer.into_bytes();
            for (at, byte) in &edits {
                let at = at.index(answer.len());
                answer[at] = *byte;
            }
            for body in [&answer, &answer[..cut.index(answer.len())]] {
                for found in [Reconstruction::read_v1(body), Reconstruction::read_v2(body)] {
                    let Ok(found) = found else { continue };
                    prop_assert_eq!(found.covers.len(), found.terms.len());
                    prop_assert!(found.len() <= 900_000, "{:?}", found);
                    for (at, term) in found.terms.iter().enumerate() {
                        let fetch = found.fetch_of(at).unwrap();
                        prop_assert_eq!(fetch.xorb, term.xorb);
                        prop_assert!(fetch.chunks.start <= term.chunks.start);
                        prop_assert!(fetch.chunks.end >= term.chunks.end);
                    }
                }
            }
        }
    }
}
