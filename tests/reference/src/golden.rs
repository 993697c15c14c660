//! Golden vectors: what the reference makes of known content, as lines of text.
//!
//! The content is not in them: `content.rs` says how it is made. Hashes are in Xet's hexadecimal
//! form (four little-endian words), everything else that is long is in plain hexadecimal.

use std::error::Error;
use std::io::Write;

use xet_core_structures::merklehash::{MerkleHash, compute_data_hash, file_hash, xorb_hash};
use xet_core_structures::metadata_shard::chunk_verification::range_hash_from_chunks;
use xet_core_structures::xorb_object::constants::{MAX_XORB_BYTES, MAX_XORB_CHUNKS};
use xet_core_structures::xorb_object::{Chunk, CompressionScheme, serialize_chunk};
use xet_data::deduplication::Chunker;

use crate::content::Kind;
use crate::sample::Sample;

/// How much is said of chunks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// The roots over them, which are wrong if any of them is.
    Roots,
    /// All of them, which tells where to look.
    Chunks,
}

type Answer = Result<(), Box<dyn Error>>;

pub(crate) fn print(out: &mut impl Write, detail: Detail) -> Answer {
    write!(out, "{HEAD}")?;
    for kind in KINDS {
        for len in LENGTHS.iter().chain(&LONG) {
            print_content(out, detail, *kind, *len)?;
        }
    }
    print_roots(out)?;
    print_keyed(out)?;
    print_packed(out)?;
    print_shards(out)
}

fn print_content(out: &mut impl Write, detail: Detail, kind: (&str, Kind), len: usize) -> Answer {
    let chunks = chunks(&kind.1.bytes(SEED, len));
    let whole: usize = chunks.iter().map(|chunk| chunk.data.len()).sum();
    let hash = file_hash(&nodes(&chunks));
    writeln!(out, "content {} {SEED} {len} {whole} {} {hash}", kind.0, chunks.len())?;
    let mut first = 0;
    for xorb in xorbs(&chunks) {
        writeln!(out, "xorb {first} {} {}", first + xorb.len(), xorb_hash(&nodes(xorb)))?;
        first += xorb.len();
    }
    if detail == Detail::Chunks {
        let mut start = 0;
        for chunk in &chunks {
            writeln!(out, "chunk {start} {} {}", chunk.data.len(), chunk.hash)?;
            start += chunk.data.len();
        }
    }
    Ok(())
}

fn print_roots(out: &mut impl Write) -> Answer {
    for count in ROOTS.into_iter().chain(0..=64) {
        let leaf = |index: u64| (compute_data_hash(&index.to_le_bytes()), 1000 + index);
        let leaves: Vec<_> = (0..count).map(leaf).collect();
        writeln!(out, "root {count} {} {}", xorb_hash(&leaves), file_hash(&leaves))?;
    }
    Ok(())
}

fn print_keyed(out: &mut impl Write) -> Answer {
    for index in 0..4_u64 {
        let hash = compute_data_hash(&index.to_le_bytes());
        let hashes: Vec<_> =
            (0..=index).map(|index| compute_data_hash(&index.to_le_bytes())).collect();
        let range = range_hash_from_chunks(&hashes);
        writeln!(out, "keyed {} {hash} {} {range}", hex(&KEY), hash.hmac(KEY.into()))?;
    }
    Ok(())
}

fn print_packed(out: &mut impl Write) -> Answer {
    let schemes = [
        ("stored", CompressionScheme::None),
        ("lz4", CompressionScheme::LZ4),
        ("bg4", CompressionScheme::ByteGrouping4LZ4),
    ];
    for (name, scheme) in schemes {
        for kind in [("text", Kind::Text), ("bf16", Kind::Bf16), ("zeros", Kind::Zeros)] {
            for len in [1, 2, 3, 300, 1001, 1002, 1003, 1004, 9001] {
                let mut packed = Vec::new();
                serialize_chunk(&kind.1.bytes(SEED, len), &mut packed, scheme)?;
                writeln!(out, "packed {name} {} {SEED} {len} {}", kind.0, hex(&packed))?;
            }
        }
    }
    Ok(())
}

/// Shards of two xorbs and three files, one of which is empty.
fn print_shards(out: &mut impl Write) -> Answer {
    let mut sample = Sample::default();
    for (seed, len) in [(SEED, 400_000), (SEED + 1, 200_000)] {
        let xorb = sample.add(&chunks(&Kind::Random.bytes(seed, len)), seed == SEED)?;
        writeln!(out, "shard-xorb {xorb} random {seed} {len}")?;
    }
    sample.add_empty_file()?;
    for (name, bytes) in sample.forms(KEY)? {
        writeln!(out, "shard {name} {}", hex(&bytes))?;
    }
    Ok(())
}

fn chunks(bytes: &[u8]) -> Vec<Chunk> {
    Chunker::default().next_block(bytes, true)
}

/// Cuts chunks into xorbs as an upload of one new file does.
fn xorbs(chunks: &[Chunk]) -> Vec<&[Chunk]> {
    let mut xorbs = Vec::new();
    let (mut first, mut len) = (0, 0);
    for (index, chunk) in chunks.iter().enumerate() {
        if len + chunk.data.len() > *MAX_XORB_BYTES || index - first >= *MAX_XORB_CHUNKS {
            xorbs.push(&chunks[first..index]);
            (first, len) = (index, 0);
        }
        len += chunk.data.len();
    }
    if first < chunks.len() {
        xorbs.push(&chunks[first..]);
    }
    xorbs
}

fn nodes(chunks: &[Chunk]) -> Vec<(MerkleHash, u64)> {
    chunks.iter().map(|chunk| (chunk.hash, chunk.data.len() as u64)).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const HEAD: &str = "\
# Made by `reference vectors`: xet-core-structures and xet-data 1.8.0.
# content KIND SEED ASKED LEN CHUNKS FILE-HASH; then its xorbs and, if asked for, its chunks
# xorb FIRST END HASH        chunk START LEN HASH
# root COUNT ROOT FILE-HASH  over leaves 0..COUNT: chunk hash of the 8 bytes LE, length 1000 + it
# keyed KEY HASH KEYED RANGE-HASH-OF-ALL-SO-FAR
# packed SCHEME KIND SEED LEN BYTES (header and data; stored where packing does not pay)
# shard-xorb HASH KIND SEED LEN; shard FORM BYTES
";

const KINDS: &[(&str, Kind)] = &[
    ("random", Kind::Random),
    ("text", Kind::Text),
    ("zeros", Kind::Zeros),
    ("bf16", Kind::Bf16),
    ("f32", Kind::F32),
    ("tuned", Kind::Tuned),
];

const SEED: u64 = 7;
const LENGTHS: [usize; 12] =
    [0, 1, 10, 64, 8191, 8192, 8193, 65_536, 131_071, 131_072, 131_073, 1_000_000];
const LONG: [usize; 2] = [8 << 20, 70 << 20];
const ROOTS: [u64; 8] = [100, 500, 1000, 2000, 4095, 8192, 8193, 30_000];

/// Bytes 1 to 32.
const KEY: [u8; 32] = {
    let mut key = [0; 32];
    let mut index = 0;
    while index < 32 {
        key[index] = index as u8 + 1;
        index += 1;
    }
    key
};
