//! Our hashes, chunker and packing beside the reference's, over content of many seeds.
//!
//! Stops at the first difference and says where it is; the golden vectors that the engine keeps are
//! for finding out why.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Cursor;

use engine::xet::chunk::{self, HEADER_LEN, Header, Scheme};
use engine::xet::chunker::Chunker as OurChunker;
use engine::xet::hash::XetHash;
use engine::xet::merkle::{self, Node};
use engine::xet::shard::{Shard, XorbChunks};
use xet_core_structures::merklehash::{MerkleHash, file_hash, xorb_hash};
use xet_core_structures::metadata_shard::MDBShardInfo;
use xet_core_structures::metadata_shard::xorb_structs::MDBXorbInfo;
use xet_core_structures::xorb_object::{
    Chunk, CompressionScheme, deserialize_chunk, serialize_chunk,
};
use xet_data::deduplication::Chunker;

use crate::content::{Kind, Words};
use crate::sample::Sample;

/// Compares content of this many seeds, of every kind. Prints how many chunks that were.
pub(crate) fn compare(seeds: u64) -> Result<(), Box<dyn Error>> {
    let mut count = 0;
    for seed in 0..seeds {
        for kind in KINDS {
            let len = Words(!seed).next() as usize % LEN_MAX;
            count += compare_content(*kind, seed, len).map_err(|difference| {
                format!("{kind:?}, seed {seed}, {len} bytes: {difference}")
            })?;
        }
        compare_damaged(seed).map_err(|difference| format!("damage, seed {seed}: {difference}"))?;
        compare_shards(seed).map_err(|difference| format!("shards, seed {seed}: {difference}"))?;
        compare_trees(seed).map_err(|difference| format!("trees, seed {seed}: {difference}"))?;
    }
    println!("{count} chunks");
    Ok(())
}

fn compare_content(kind: Kind, seed: u64, len: usize) -> Result<usize, String> {
    let bytes = kind.bytes(seed, len);
    let theirs = Chunker::default().next_block(&bytes, true);
    let ours = cut(&bytes, seed);
    if let Some(at) = (0..theirs.len().max(ours.len()))
        .find(|&at| ours.get(at).map(|chunk| chunk.len()) != theirs.get(at).map(len_of))
    {
        return Err(format!("chunk {at} has another length"));
    }
    let mut nodes = Vec::new();
    for (at, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        let node = Node::of_chunk(ours);
        if node.hash != hash_of(&theirs.hash) || node.hash.to_string() != theirs.hash.hex() {
            return Err(format!("chunk {at} has another hash"));
        }
        compare_packing(ours).map_err(|difference| format!("chunk {at}: {difference}"))?;
        nodes.push(node);
    }
    let their_nodes: Vec<_> =
        theirs.iter().map(|chunk| (chunk.hash, len_of(chunk) as u64)).collect();
    compare_roots(&nodes, &their_nodes)?;
    Ok(nodes.len())
}

/// Cuts as a download does: in pieces of any length.
fn cut(bytes: &[u8], seed: u64) -> Vec<&[u8]> {
    let mut words = Words(seed);
    let mut chunker = OurChunker::new();
    let mut chunks = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < bytes.len() {
        let end = bytes.len().min(at + 1 + words.next() as usize % PIECE_MAX);
        while let Some(taken) = chunker.push(&bytes[at..end]) {
            at += taken;
            chunks.push(&bytes[start..at]);
            start = at;
        }
        at = end;
    }
    if start < bytes.len() {
        chunks.push(&bytes[start..]);
    }
    chunks
}

/// What either packs, the other unpacks, and both pack to the same length or none at all.
fn compare_packing(content: &[u8]) -> Result<(), String> {
    for (our_scheme, their_scheme) in SCHEMES {
        let mut theirs = Vec::new();
        serialize_chunk(content, &mut theirs, their_scheme).map_err(|error| error.to_string())?;
        if unpacked(&theirs).is_none_or(|unpacked| unpacked != content) {
            return Err(format!("we do not unpack that, {our_scheme:?}"));
        }
        let mut ours = Vec::new();
        chunk::pack(our_scheme, content, &mut ours);
        let (unpacked, ..) = deserialize_chunk(&mut Cursor::new(&ours))
            .map_err(|error| format!("they cannot unpack {our_scheme:?}: {error}"))?;
        if unpacked != content {
            return Err(format!("they unpack something else, {our_scheme:?}"));
        }
    }
    Ok(())
}

/// What damage both of us do not see, we see the same content in.
fn compare_damaged(seed: u64) -> Result<(), String> {
    let mut words = Words(seed);
    for (_, scheme) in SCHEMES {
        let kind = KINDS[words.next() as usize % KINDS.len()];
        let mut packed = Vec::new();
        serialize_chunk(&kind.bytes(seed, 1 + words.next() as usize % 9000), &mut packed, scheme)
            .map_err(|error| error.to_string())?;
        for _ in 0..200 {
            let mut damaged = packed.clone();
            let at = words.next() as usize % damaged.len();
            damaged[at] ^= 1 << (words.next() % 8);
            let theirs = deserialize_chunk(&mut Cursor::new(&damaged));
            let ours = unpacked(&damaged);
            if let (Ok((theirs, ..)), Some(ours)) = (theirs, ours)
                && theirs != ours
            {
                return Err(format!("a bit of byte {at}, {scheme}"));
            }
        }
    }
    Ok(())
}

fn unpacked(chunk: &[u8]) -> Option<Vec<u8>> {
    let (head, body) = chunk.split_first_chunk::<HEADER_LEN>()?;
    let header = Header::read(head).ok()?;
    let mut unpacked = Vec::new();
    chunk::unpack(header, body.get(..header.packed as usize)?, &mut unpacked).ok()?;
    Some(unpacked)
}

/// What they write of some xorbs, we read, in every form; what we write, they read.
fn compare_shards(seed: u64) -> Result<(), Box<dyn Error>> {
    let mut words = Words(seed);
    let mut sample = Sample::default();
    let mut xorbs = BTreeMap::new();
    for index in 0..1 + words.next() % 4 {
        let len = 1 + words.next() as usize % LEN_MAX;
        let bytes = Kind::Random.bytes(seed ^ index << 40, len);
        let chunks = Chunker::default().next_block(&bytes, true);
        xorbs.insert(sample.add(&chunks, words.next() & 1 == 0)?.hex(), chunks);
    }
    if words.next() & 1 == 0 {
        sample.add_empty_file()?;
    }
    let mut key = [0; 32];
    key[..8].copy_from_slice(&words.next().to_le_bytes());
    for (form, bytes) in sample.forms(key)? {
        let shard = Shard::read(&bytes).map_err(|error| format!("{form}: {error}"))?;
        compare_shard(&shard, &xorbs, form.starts_with("keyed").then_some(key))
            .map_err(|difference| format!("{form}: {difference}"))?;
        let ours = shard.write();
        let again = MDBShardInfo::load_from_reader(&mut Cursor::new(&ours))?;
        let theirs = again.read_all_xorb_blocks_full(&mut Cursor::new(&ours))?;
        let is_same = theirs.len() == shard.xorbs.len()
            && theirs.iter().zip(&shard.xorbs).all(|(theirs, ours)| is_same_xorb(theirs, ours));
        if !is_same || again.chunk_hmac_key().map(Into::into) != shard.key {
            return Err(format!("{form}: they read something else").into());
        }
    }
    Ok(())
}

fn compare_shard(
    shard: &Shard,
    xorbs: &BTreeMap<String, Vec<Chunk>>,
    key: Option<[u8; 32]>,
) -> Result<(), String> {
    if shard.key != key || shard.xorbs.len() != xorbs.len() {
        return Err(format!("{} xorbs, key {:?}", shard.xorbs.len(), shard.key));
    }
    for found in &shard.xorbs {
        let chunks = xorbs.get(&found.xorb.to_string()).ok_or("no such xorb")?;
        let mut start = 0;
        let is_same = found.chunks.len() == chunks.len()
            && found.chunks.iter().zip(chunks).all(|(ours, theirs)| {
                let hash = key.map_or(theirs.hash, |key| theirs.hash.hmac(key.into()));
                let is_same = ours.hash == hash_of(&hash)
                    && ours.start == start
                    && ours.len as usize == len_of(theirs);
                start += u64::from(ours.len);
                is_same
            });
        if !is_same || found.is_proven() != key.is_none() {
            return Err(format!("xorb {} has other chunks", found.xorb));
        }
    }
    Ok(())
}

fn is_same_xorb(theirs: &MDBXorbInfo, ours: &XorbChunks) -> bool {
    hash_of(&theirs.metadata.xorb_hash) == ours.xorb
        && theirs.chunks.len() == ours.chunks.len()
        && theirs.chunks.iter().zip(&ours.chunks).all(|(theirs, ours)| {
            hash_of(&theirs.chunk_hash) == ours.hash
                && u64::from(theirs.chunk_byte_range_start) == ours.start
                && theirs.unpacked_segment_bytes == ours.len
        })
}

/// Trees of many more leaves than files have chunks.
fn compare_trees(seed: u64) -> Result<(), String> {
    let mut words = Words(seed);
    let count = words.next() % LEAVES_MAX;
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for _ in 0..count {
        let hash = MerkleHash::from([words.next(), words.next(), words.next(), words.next()]);
        let len = 1 + words.next() % (128 << 10);
        ours.push(Node { hash: hash_of(&hash), len });
        theirs.push((hash, len));
    }
    compare_roots(&ours, &theirs)
}

fn compare_roots(ours: &[Node], theirs: &[(MerkleHash, u64)]) -> Result<(), String> {
    if merkle::root(ours) != hash_of(&xorb_hash(theirs)) {
        return Err(format!("the root over {} chunks is another", ours.len()));
    }
    if merkle::file_hash(ours).to_string() != file_hash(theirs).hex() {
        return Err(format!("the file of {} chunks has another name", ours.len()));
    }
    Ok(())
}

fn hash_of(hash: &MerkleHash) -> XetHash {
    XetHash::new((*hash).into())
}

fn len_of(chunk: &Chunk) -> usize {
    chunk.data.len()
}

const KINDS: &[Kind] = &[Kind::Random, Kind::Text, Kind::Zeros, Kind::Bf16, Kind::F32, Kind::Tuned];

const SCHEMES: [(Scheme, CompressionScheme); 3] = [
    (Scheme::Stored, CompressionScheme::None),
    (Scheme::Lz4, CompressionScheme::LZ4),
    (Scheme::Grouped, CompressionScheme::ByteGrouping4LZ4),
];

const LEN_MAX: usize = 4 << 20;
const PIECE_MAX: usize = 100_000;
const LEAVES_MAX: u64 = 20_000;
