//! The layout byte by byte, and what is said of bytes that are no record.

use proptest::prelude::*;

use super::*;
use crate::range_set::tests::seeded;

fn proven(start: u64, end: u64) -> Record {
    Record::Proven(Proven { range: ByteRange::new(start, end), digest: RangeDigest([0xAB; 32]) })
}

fn begin(digest: Option<FileDigest>, source: &str) -> Record {
    Record::Begin(Begin { size: 0x0102_0304_0506, digest, source: source.to_owned() })
}

/// A record with the right checksum around any body.
fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    bytes.extend((body.len() as u16).to_le_bytes());
    bytes.extend([kind, MARK]);
    bytes.extend(body);
    let checksum = crc32c::crc32c(&bytes[4..]);
    bytes[..4].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn journals_written_by_earlier_builds_stay_readable() {
    let (ab, cd) = ("ab".repeat(32), "cd".repeat(20));
    let sha1 = Some(FileDigest::GitSha1([0xCD; 20]));
    let cases = [
        (begin(None, ""), 1, format!("01000000000000000605040302010000{}", "0".repeat(64))),
        (
            begin(sha1, "a/b@c/d"),
            1,
            format!("01000000020000000605040302010000{cd}{}612f6240632f64", "0".repeat(24)),
        ),
        (
            begin(Some(FileDigest::Sha256([0xAB; 32])), "é"),
            1,
            format!("01000000010000000605040302010000{ab}c3a9"),
        ),
        (proven(0x10, 0x0203), 2, format!("10000000000000000302000000000000{ab}")),
        (Record::Synced { records: 258 }, 3, "0201000000000000".to_owned()),
        (Record::Revoked(ByteRange::new(1, 2)), 4, "01000000000000000200000000000000".to_owned()),
        (Record::Vouched(ByteRange::new(1, 2)), 6, "01000000000000000200000000000000".to_owned()),
        (
            Record::Sealed(Sealed { len: 3, modified_ns: -2 }),
            5,
            format!("0300000000000000fe{}", "ff".repeat(15)),
        ),
    ];
    for (record, kind, body) in cases {
        let bytes = record.to_bytes();
        assert_eq!((bytes[6], hex(&bytes[8..])), (kind, body), "{record:?}");
        assert_eq!(bytes, frame(kind, &bytes[8..]), "{record:?}");
    }
    // The checksum is Castagnoli's: a fixed point that no helper above has worked out.
    assert_eq!(hex(&Record::Synced { records: 258 }.to_bytes()[..4]), "45ebea14");
}

#[test]
fn a_long_source_is_cut_between_characters() {
    for (source, kept) in [("x".repeat(5000), 4096), (format!("x{}", "é".repeat(2500)), 4095)] {
        let decoded = Record::decode(&begin(None, &source).to_bytes());
        let expected = begin(None, &source[..kept]);
        assert_eq!(decoded.map(|decoded| decoded.record), Ok(Some(expected)));
    }
}

#[test]
fn a_kind_not_known_is_stepped_over() {
    for (kind, body) in [(0, &[][..]), (7, &[1, 2, 3]), (255, &[0; 5000])] {
        let mut bytes = frame(kind, body);
        bytes.extend(b"what follows");
        let expected = Decoded { record: None, len: 8 + body.len() };
        assert_eq!(Record::decode(&bytes), Ok(expected), "kind {kind}");
    }
}

#[test]
fn a_right_checksum_does_not_make_sense_of_nonsense() {
    let begin = |patch: &[(usize, u8)]| {
        let mut body = vec![0; 48];
        body[0] = 1;
        for &(at, byte) in patch {
            body[at] = byte;
        }
        body
    };
    let mut too_long = begin(&[]);
    too_long.resize(48 + SOURCE_LEN_MAX + 1, b'x');
    let backwards = &proven(5, 6).to_bytes()[8..];
    let backwards = [&backwards[8..16], &backwards[..8], &backwards[16..]].concat();
    let cases: &[(&str, u8, &[u8], Flaw)] = &[
        ("begin without version", 1, &[1, 0, 0], Flaw::Malformed),
        ("begin cut short", 1, &begin(&[])[..47], Flaw::Malformed),
        ("begin of version 2", 1, &[2, 0, 0, 0], Flaw::Version(2)),
        ("digest of kind 3", 1, &begin(&[(4, 3)]), Flaw::Malformed),
        ("digest where there is none", 1, &begin(&[(20, 1)]), Flaw::Malformed),
        ("SHA-1 longer than that", 1, &begin(&[(4, 2), (47, 1)]), Flaw::Malformed),
        ("source too long", 1, &too_long, Flaw::Malformed),
        ("source not UTF-8", 1, &[begin(&[]), vec![0xFF]].concat(), Flaw::Malformed),
        ("range backwards", 2, &backwards, Flaw::Malformed),
        ("proven with more behind", 2, &[0; 49], Flaw::Malformed),
        ("synced cut short", 3, &[0; 7], Flaw::Malformed),
        ("revoked empty", 4, &[], Flaw::Malformed),
        ("sealed cut short", 5, &[0; 20], Flaw::Malformed),
    ];
    for (name, kind, body, flaw) in cases {
        assert_eq!(Record::decode(&frame(*kind, body)), Err(*flaw), "{name}");
    }
}

#[test]
fn a_length_is_not_believed_beyond_the_bytes_that_are_there() {
    let mut bytes = Record::Synced { records: 1 }.to_bytes();
    bytes[4..6].copy_from_slice(&u16::MAX.to_le_bytes());
    assert_eq!(Record::decode(&bytes), Err(Flaw::Torn));
}

#[test]
fn blank_pages_are_no_records() {
    for byte in [0x00, 0xFF, MARK] {
        let page = [byte; 4096];
        assert!(Record::decode(&page).is_err(), "{byte:#x}");
        assert_eq!(resume_at(&page, 0, page.len()), page.len(), "{byte:#x}");
    }
}

#[test]
fn reading_resumes_at_the_next_sound_record() {
    let noise = [1, 2, 3, MARK, MARK, MARK, MARK, MARK, 48, 0, PROVEN, MARK, 7];
    for record in [proven(1, 2), Record::Synced { records: 1 }] {
        let bytes = [&noise[..], &record.to_bytes(), &noise[..]].concat();
        assert_eq!(resume_at(&bytes, 0, bytes.len()), noise.len());
        assert_eq!(resume_at(&bytes, noise.len() + 1, bytes.len()), bytes.len());
    }
}

fn any_record() -> impl Strategy<Value = Record> {
    let range = || {
        let ends = (any::<u64>(), any::<u64>());
        ends.prop_map(|(a, b)| ByteRange::new(a.min(b), a.max(b)))
    };
    let digest = prop_oneof![
        Just(None),
        any::<[u8; 32]>().prop_map(|bytes| Some(FileDigest::Sha256(bytes))),
        any::<[u8; 20]>().prop_map(|bytes| Some(FileDigest::GitSha1(bytes))),
    ];
    prop_oneof![
        (any::<u64>(), digest, ".{0,80}").prop_map(|(size, digest, source)| Record::Begin(Begin {
            size,
            digest,
            source
        })),
        (range(), any::<[u8; 32]>()).prop_map(|(range, digest)| Record::Proven(Proven {
            range,
            digest: RangeDigest(digest)
        })),
        any::<u64>().prop_map(|records| Record::Synced { records }),
        range().prop_map(Record::Revoked),
        range().prop_map(Record::Vouched),
        (any::<u64>(), any::<i128>())
            .prop_map(|(len, modified_ns)| Record::Sealed(Sealed { len, modified_ns })),
    ]
}

proptest! {
    #![proptest_config(seeded(300))]

    #[test]
    fn records_round_trip(
        record in any_record(),
        behind in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut bytes = record.to_bytes();
        let len = bytes.len();
        bytes.extend(behind);
        prop_assert_eq!(Record::decode(&bytes), Ok(Decoded { record: Some(record), len }));
    }

    #[test]
    fn no_part_of_a_record_is_one(record in any_record()) {
        let bytes = record.to_bytes();
        for len in 0..bytes.len() {
            prop_assert_eq!(Record::decode(&bytes[..len]), Err(Flaw::Torn), "{} bytes", len);
        }
    }

    #[test]
    fn a_flipped_bit_is_seen(record in any_record()) {
        let mut bytes = record.to_bytes();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let decoded = Record::decode(&bytes);
            prop_assert!(decoded.is_err(), "bit {}: {:?}", bit, decoded);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn any_bytes_have_an_answer(
        mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        kind in 0..8_u8,
    ) {
        prop_assert!(Record::decode(&bytes).is_err());
        prop_assert!(resume_at(&bytes, 0, bytes.len()) <= bytes.len());
        bytes = frame(kind, &bytes);
        if let Ok(Decoded { record, len }) = Record::decode(&bytes) {
            prop_assert_eq!(len, bytes.len());
            prop_assert!(record.is_none_or(|record| record.to_bytes() == bytes));
        }
    }
}
