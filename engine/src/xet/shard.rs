//! Which chunks xorbs have, as the storage tells whoever has one of those chunks.
//!
//! Vouches for nothing: a shard may lie, and one with a key cannot even be held against the names
//! of its xorbs. What it says is worth something only where it leads to a proof.

use std::fmt;

use super::chunker;
use super::hash::XetHash;
use super::merkle::{Fold, Node};
use super::reconstruction::{XORB_CHUNKS_MAX, XORB_CONTENT_MAX};

/// The chunks of some xorbs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shard {
    /// By which the hashes of chunks are hidden from those who do not have the chunks.
    pub key: Option<[u8; 32]>,
    /// The xorbs, in the storage's order.
    pub xorbs: Vec<XorbChunks>,
}

/// All chunks of one xorb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XorbChunks {
    /// Which xorb. Its name is not hidden.
    pub xorb: XetHash,
    /// Its chunks, in order.
    pub chunks: Vec<ShardChunk>,
}

/// One chunk of a xorb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardChunk {
    /// Its hash, or what becomes of it under the shard's key.
    pub hash: XetHash,
    /// Where its content begins in that of the xorb, in bytes.
    pub start: u64,
    /// Length of its content in bytes.
    pub len: u32,
}

/// Bytes of an answer that are believed. The sender need not read further.
pub const BODY_MAX: usize = 64 << 20;

impl Shard {
    /// Reads a shard. All numbers are little-endian:
    ///
    /// | size | field |
    /// |---|---|
    /// | 32 | mark |
    /// | 8 | version, 2 |
    /// | 8 | length of the footer: 200, or 0 if there is none |
    /// | | files: for each, an entry of 48 bytes and as many as it says |
    /// | 48 | the entry that ends them: 32 bytes `0xff`, the rest zero |
    /// | | xorbs: for each, an entry of 48 bytes and one for each chunk |
    /// | 48 | the entry that ends them |
    /// | | tables to look things up in |
    /// | 200 | footer: version 1 (8), at 72 the key (32), or zeros |
    ///
    /// | entry | 0, 32 | 32, 4 | 36, 4 | 40, 4 | 44, 4 |
    /// |---|---|---|---|---|---|
    /// | of a file | hash | flags | count | | |
    /// | of a xorb | hash | flags | count | length unpacked | length packed |
    /// | of a chunk | hash | start | length | flags | |
    pub fn read(body: &[u8]) -> Result<Self, Malformed> {
        if body.len() > BODY_MAX {
            return Err(Malformed("is too long"));
        }
        let Some((header, rest)) = body.split_first_chunk::<HEADER_LEN>() else { return Err(CUT) };
        if header[..32] != MARK {
            return Err(Malformed("is none"));
        }
        if word(header, 32) != HEADER_VERSION {
            return Err(Malformed("has an unknown version"));
        }
        let key = match word(header, 40) {
            0 => None,
            FOOTER_LEN_WORD => read_key(rest)?,
            _ => return Err(Malformed("has a footer of unknown length")),
        };
        let mut entries = Entries(rest);
        skip_files(&mut entries)?;
        let mut xorbs = Vec::new();
        while let Some(entry) = entries.next_unless_end()? {
            xorbs.push(read_xorb(entry, &mut entries)?);
        }
        Ok(Self { key, xorbs })
    }

    /// The shard's bytes, as [`read`](Self::read) has them, without tables and files. The hashes
    /// are written as they are: under a key, they must be keyed.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(MARK);
        out.extend(HEADER_VERSION.to_le_bytes());
        out.extend(FOOTER_LEN_WORD.to_le_bytes());
        let files_at = out.len() as u64;
        write_entry(&END, [0; 4], &mut out);
        let xorbs_at = out.len() as u64;
        for XorbChunks { xorb, chunks } in &self.xorbs {
            let count = u32::try_from(chunks.len()).unwrap_or(u32::MAX);
            let len = chunks.iter().fold(0, |sum: u32, chunk| sum.saturating_add(chunk.len));
            write_entry(xorb.as_bytes(), [0, count, len, 0], &mut out);
            for ShardChunk { hash, start, len } in chunks {
                let start = u32::try_from(*start).unwrap_or(u32::MAX);
                write_entry(hash.as_bytes(), [start, *len, 0, 0], &mut out);
            }
        }
        write_entry(&END, [0; 4], &mut out);
        let footer_at = out.len() as u64;
        // Each table begins where the footer does and has no entries.
        let tables = [footer_at, 0, footer_at, 0, footer_at, 0];
        for word in [FOOTER_VERSION, files_at, xorbs_at].into_iter().chain(tables) {
            out.extend(word.to_le_bytes());
        }
        out.extend(self.key.unwrap_or_default());
        // Made at no known time, and good for ever; then what is not in use.
        for word in [0, u64::MAX].into_iter().chain([0; 9]).chain([footer_at]) {
            out.extend(word.to_le_bytes());
        }
        out
    }

    /// How the shard writes the hash of a chunk.
    pub fn written(&self, chunk: XetHash) -> XetHash {
        self.key.map_or(chunk, |key| chunk.keyed(&key))
    }

    /// What the shard says of a xorb.
    pub fn xorb(&self, xorb: XetHash) -> Option<&XorbChunks> {
        self.xorbs.iter().find(|found| found.xorb == xorb)
    }
}

impl XorbChunks {
    /// Whether the chunks are without doubt those of the xorb. Under a key it cannot be told.
    pub fn is_proven(&self) -> bool {
        let mut fold = Fold::new();
        for chunk in &self.chunks {
            fold.push(Node { hash: chunk.hash, len: u64::from(chunk.len) });
        }
        fold.root() == self.xorb
    }
}

/// What makes no sense in a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(&'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the shard {}", self.0)
    }
}

impl std::error::Error for Malformed {}

/// What is left of a list of entries.
struct Entries<'a>(&'a [u8]);

impl<'a> Entries<'a> {
    fn next(&mut self) -> Result<&'a [u8; ENTRY_LEN], Malformed> {
        let Some((entry, rest)) = self.0.split_first_chunk() else { return Err(CUT) };
        self.0 = rest;
        Ok(entry)
    }

    /// The next entry, or `None` if it ends the list.
    fn next_unless_end(&mut self) -> Result<Option<&'a [u8; ENTRY_LEN]>, Malformed> {
        let entry = self.next()?;
        Ok((entry[..32] != END).then_some(entry))
    }
}

/// The key in the footer, which is at the end of `rest`.
fn read_key(rest: &[u8]) -> Result<Option<[u8; 32]>, Malformed> {
    let Some(footer) = rest.last_chunk::<FOOTER_LEN>() else { return Err(CUT) };
    if word(footer, 0) != FOOTER_VERSION {
        return Err(Malformed("has a footer of unknown version"));
    }
    let key = footer[72..104].try_into().expect("that is 32 bytes");
    Ok(Some(key).filter(|key| *key != [0; 32]))
}

fn skip_files(entries: &mut Entries<'_>) -> Result<(), Malformed> {
    while let Some(file) = entries.next_unless_end()? {
        let (flags, count) = (half(file, 32), u64::from(half(file, 36)));
        let count = if flags & VERIFIED == 0 { count } else { 2 * count };
        let count = count + u64::from(flags & EXTENDED != 0);
        // Each is taken by itself: the count may be anything, but the bytes end.
        for _ in 0..count {
            entries.next()?;
        }
    }
    Ok(())
}

fn read_xorb(xorb: &[u8; ENTRY_LEN], entries: &mut Entries<'_>) -> Result<XorbChunks, Malformed> {
    let count = half(xorb, 36);
    if !(1..=XORB_CHUNKS_MAX).contains(&count) {
        return Err(Malformed("has a xorb with more or fewer chunks than there can be"));
    }
    let mut chunks = Vec::new();
    let mut end = 0;
    for _ in 0..count {
        let entry = entries.next()?;
        let (start, len) = (u64::from(half(entry, 32)), half(entry, 36));
        if start != end || !(1..=chunker::MAX as u32).contains(&len) {
            return Err(Malformed("has a chunk that is not where or as long as it can be"));
        }
        end = start + u64::from(len);
        chunks.push(ShardChunk { hash: hash(entry), start, len });
    }
    if end > XORB_CONTENT_MAX {
        return Err(Malformed("has a xorb that is longer than one can be"));
    }
    Ok(XorbChunks { xorb: hash(xorb), chunks })
}

fn hash(entry: &[u8; ENTRY_LEN]) -> XetHash {
    XetHash::new(*entry.first_chunk().expect("an entry is longer than a hash"))
}

fn half(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("that is four bytes"))
}

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("that is eight bytes"))
}

fn write_entry(hash: &[u8; 32], numbers: [u32; 4], out: &mut Vec<u8>) {
    out.extend(hash);
    for number in numbers {
        out.extend(number.to_le_bytes());
    }
}

/// What it means that the bytes end too soon.
const CUT: Malformed = Malformed("is cut short");

/// `HFRepoMetaData`, and then what nobody writes by chance.
const MARK: [u8; 32] =
    *b"HFRepoMetaData\0\x55\x69\x67\x45\x6a\x7b\x81\x57\x83\xa5\xbd\xd9\x5c\xcd\xd1\x4a\xa9";

/// Stands in place of a hash in the entry that ends a list.
const END: [u8; 32] = [0xff; 32];

const HEADER_VERSION: u64 = 2;
const FOOTER_VERSION: u64 = 1;
const HEADER_LEN: usize = 48;
const ENTRY_LEN: usize = 48;
const FOOTER_LEN: usize = 200;
const FOOTER_LEN_WORD: u64 = FOOTER_LEN as u64;

/// Of a file: behind its entries stand as many with hashes of its ranges.
const VERIFIED: u32 = 1 << 31;

/// Of a file: one more entry has its SHA-256.
const EXTENDED: u32 = 1 << 30;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::range_set::tests::seeded;

    fn shard(key: Option<[u8; 32]>) -> Shard {
        let mut shard = Shard { key, xorbs: Vec::new() };
        for count in [1, 3, 20] {
            let nodes: Vec<_> = (0..count)
                .map(|at| Node { hash: XetHash::of_chunk(&[at, count]), len: 9000 + u64::from(at) })
                .collect();
            let mut start = 0;
            let chunks = nodes.iter().map(|node| {
                let chunk =
                    ShardChunk { hash: shard.written(node.hash), start, len: node.len as u32 };
                start += node.len;
                chunk
            });
            let chunks = chunks.collect();
            shard.xorbs.push(XorbChunks { xorb: super::super::merkle::root(&nodes), chunks });
        }
        shard
    }

    #[test]
    fn what_is_written_is_read() {
        for key in [None, Some([7; 32])] {
            let shard = shard(key);
            let bytes = shard.write();
            assert_eq!(bytes.len(), 48 + 48 + (3 + 24) * 48 + 48 + 200);
            assert_eq!(Shard::read(&bytes), Ok(shard.clone()));
            for found in &shard.xorbs {
                assert_eq!(shard.xorb(found.xorb), Some(found));
                // The name of a chunk alone is that of its xorb, unless it is keyed.
                assert_eq!(found.is_proven(), key.is_none());
            }
            assert_eq!(shard.xorb(XetHash::ZERO), None);
        }
    }

    #[test]
    fn files_are_skipped_and_a_footer_may_be_missing() {
        let written = shard(None).write();
        for (flags, follow) in [(0, 2), (VERIFIED, 4), (EXTENDED, 3), (VERIFIED | EXTENDED, 5)] {
            let mut bytes = written[..HEADER_LEN].to_vec();
            bytes[40] = 0;
            write_entry(&[1; 32], [flags, 2, 0, 0], &mut bytes);
            for _ in 0..follow {
                write_entry(&[2; 32], [0, 99, 0, 5], &mut bytes);
            }
            bytes.extend(&written[HEADER_LEN..written.len() - FOOTER_LEN]);
            assert_eq!(Shard::read(&bytes), Ok(shard(None)), "{flags:x}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let first_xorb = HEADER_LEN + ENTRY_LEN;
        let first_chunk = first_xorb + ENTRY_LEN;
        for (at, byte) in [
            (0, b'X'),
            (32, 3),
            (40, 1),
            (first_xorb + 36, 0),
            (first_xorb + 37, 0x21),
            (first_chunk + 32, 1),
            (first_chunk + 38, 3),
        ] {
            let mut bytes = shard(None).write();
            bytes[at] = byte;
            assert!(Shard::read(&bytes).is_err(), "{at}: {byte}");
        }
        let chunk = |at| ShardChunk {
            hash: XetHash::ZERO,
            start: at * chunker::MAX as u64,
            len: chunker::MAX as u32,
        };
        for (count, is_good) in [(512, true), (513, false)] {
            let chunks = (0..count).map(chunk).collect();
            let xorbs = vec![XorbChunks { xorb: XetHash::ZERO, chunks }];
            let read = Shard::read(&Shard { key: None, xorbs }.write());
            assert_eq!(read.is_ok(), is_good, "{count}");
        }
        let bytes = shard(None).write();
        for len in 0..bytes.len() {
            assert!(Shard::read(&bytes[..len]).is_err(), "{len}");
        }
    }

    proptest! {
        #![proptest_config(seeded(1000))]

        #[test]
        fn mutated_shards_never_panic(
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        ) {
            let mut bytes = shard(Some([7; 32])).write();
            for (at, byte) in edits {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let entries = bytes.len() / ENTRY_LEN;
            if let Ok(shard) = Shard::read(&bytes) {
                let count: usize = shard.xorbs.iter().map(|xorb| xorb.chunks.len()).sum();
                prop_assert!(count < entries);
            }
        }
    }
}
