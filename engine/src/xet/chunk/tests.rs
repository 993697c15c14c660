//! Chunks as writers pack them, and as nobody does.
//!
//! What the reference packs is with the other golden vectors.

use lz4_flex::frame::{BlockMode, BlockSize, FrameInfo};
use proptest::prelude::*;

use super::*;
use crate::range_set::tests::seeded;
use crate::xet::hash::XetHash;

const SCHEMES: [Scheme; 3] = [Scheme::Stored, Scheme::Lz4, Scheme::Grouped];

fn unpacked(chunk: &[u8]) -> Result<Vec<u8>, Malformed> {
    let (header, packed) = chunk.split_first_chunk().ok_or(Malformed::Content)?;
    let mut out = vec![7; 3];
    unpack(Header::read(header)?, packed, &mut out).map(|()| out)
}

/// Bytes that compress about as well as weights do, or not at all.
fn content(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    (0..len)
        .map(|at| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040);
            let random = (state >> 56) as u8;
            if !seed.is_multiple_of(3) && at % 2 == 1 { 0x3c | random >> 7 } else { random }
        })
        .collect()
}

#[test]
fn headers_are_eight_bytes() {
    let header = Header { scheme: Scheme::Grouped, packed: 0x1_0203, unpacked: 0x1_0506 };
    assert_eq!(header.write(), [0, 3, 2, 1, 2, 6, 5, 1]);
    for (bytes, expected) in [
        ([0, 3, 2, 1, 2, 6, 5, 1], Ok(header)),
        ([1, 3, 2, 1, 2, 6, 5, 1], Err(Malformed::Version(1))),
        (*b"XETBLOB\x01", Err(Malformed::Version(b'X'))),
        ([0, 3, 2, 1, 3, 6, 5, 1], Err(Malformed::Scheme(3))),
        ([0, 3, 2, 1, 99, 6, 5, 1], Err(Malformed::Scheme(99))),
        ([0, 3, 0, 0, 0, 4, 0, 0], Err(Malformed::Lengths { packed: 3, unpacked: 4 })),
        ([0, 0, 0, 0, 0, 0, 0, 0], Err(Malformed::Lengths { packed: 0, unpacked: 0 })),
        ([0, 0, 0, 0, 1, 4, 0, 0], Err(Malformed::Lengths { packed: 0, unpacked: 4 })),
        ([0, 1, 0, 4, 1, 4, 0, 0], Err(Malformed::Lengths { packed: 0x4_0001, unpacked: 4 })),
        ([0, 1, 0, 0, 1, 1, 0, 2], Err(Malformed::Lengths { packed: 1, unpacked: 0x2_0001 })),
    ] {
        assert_eq!(Header::read(&bytes), expected, "{bytes:?}");
    }
}

#[test]
fn what_does_not_shrink_is_stored() {
    for (seed, scheme, expected) in [
        (0, Scheme::Lz4, Scheme::Stored),
        (0, Scheme::Grouped, Scheme::Stored),
        (1, Scheme::Grouped, Scheme::Grouped),
        (1, Scheme::Stored, Scheme::Stored),
    ] {
        let mut chunk = Vec::new();
        pack(scheme, &content(seed, 20_000), &mut chunk);
        let header = Header::read(chunk.first_chunk().unwrap()).unwrap();
        assert_eq!(header.scheme, expected, "{seed} {scheme:?}");
        assert!(chunk.len() <= HEADER_LEN + 20_000);
    }
}

#[test]
fn frames_of_any_kind_are_read() {
    // Blocks after the first are short where they may refer to it.
    let content = content(0, 20_000).repeat(5);
    for mode in [BlockMode::Independent, BlockMode::Linked] {
        for size in [BlockSize::Max64KB, BlockSize::Max256KB, BlockSize::Max4MB] {
            for flags in 0..8 {
                let info = FrameInfo::new()
                    .block_mode(mode)
                    .block_size(size)
                    .block_checksums(flags & 1 != 0)
                    .content_checksum(flags & 2 != 0)
                    .content_size((flags & 4 != 0).then_some(content.len() as u64));
                let mut encoder = FrameEncoder::with_frame_info(info.clone(), Vec::new());
                encoder.write_all(&content).unwrap();
                let frame = encoder.finish().unwrap();
                let mut out = vec![0; content.len()];
                assert_eq!(lz4::read_frame(&frame, &mut out), Some(()), "{info:?}");
                assert_eq!(out, content, "{info:?}");
                // Neither more nor less may be there, of content or of frame.
                for len in [content.len() - 1, content.len() + 1] {
                    assert_eq!(lz4::read_frame(&frame, &mut vec![0; len]), None, "{info:?}");
                }
                let longer = [frame.as_slice(), &[0]].concat();
                for frame in [&longer, &frame[..frame.len() - 1]] {
                    assert_eq!(lz4::read_frame(frame, &mut out), None, "{info:?}");
                }
            }
        }
    }
}

#[test]
fn every_flipped_bit_is_an_error_other_content_or_harmless() {
    for scheme in SCHEMES {
        let content = content(1, 700);
        let mut chunk = Vec::new();
        pack(scheme, &content, &mut chunk);
        let mut counts = [0; 3];
        for bit in 0..chunk.len() * 8 {
            chunk[bit / 8] ^= 1 << (bit % 8);
            match unpacked(&chunk) {
                Err(_) => counts[0] += 1,
                Ok(other) if other == content => counts[1] += 1,
                Ok(other) => {
                    assert_ne!(XetHash::of_chunk(&other), XetHash::of_chunk(&content));
                    counts[2] += 1;
                }
            }
            chunk[bit / 8] ^= 1 << (bit % 8);
        }
        let [errors, harmless, others] = counts;
        // A frame has a byte of checksum and the greatest length of its blocks, which are not
        // looked at, and a match may be found at more than one place.
        assert!(harmless <= 40, "{scheme:?}: {counts:?}");
        assert!(errors > 50 && others > 2000, "{scheme:?}: {counts:?}");
    }
}

proptest! {
    #![proptest_config(seeded(300))]

    #[test]
    fn what_is_packed_is_unpacked(
        seed in any::<u64>(),
        len in prop_oneof![1..70_usize, 1..=chunker::MAX, Just(chunker::MAX)],
    ) {
        let content = content(seed, len);
        for scheme in SCHEMES {
            let mut chunk = Vec::new();
            pack(scheme, &content, &mut chunk);
            prop_assert!(unpacked(&chunk) == Ok(content.clone()), "{scheme:?}");
        }
    }

    #[test]
    fn mutated_chunks_never_panic(
        seed in any::<u64>(),
        len in 1..3000_usize,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        for scheme in SCHEMES {
            let content = content(seed, len);
            let mut chunk = Vec::new();
            pack(scheme, &content, &mut chunk);
            for (at, byte) in &edits {
                let at = at.index(chunk.len());
                chunk[at] = *byte;
            }
            if let Ok(other) = unpacked(&chunk) {
                let header = Header::read(chunk.first_chunk().unwrap()).unwrap();
                prop_assert_eq!(other.len(), header.unpacked as usize);
            }
            chunk.truncate(cut.index(chunk.len()));
            prop_assert!(unpacked(&chunk).is_err());
        }
    }

    #[test]
    fn any_bytes_as_a_frame_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let frame = [&[4, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82], bytes.as_slice()].concat();
        let _ = lz4::read_frame(&frame, &mut [0; 99]);
        let linked = [&[4, 0x22, 0x4d, 0x18, 0x40, 0x40, 0xc0], bytes.as_slice()].concat();
        let _ = lz4::read_frame(&linked, &mut [0; 99]);
    }
}
