//! Shards of given xorbs, in all forms in which the reference writes them.
//!
//! The keyed ones hold the time at which they were made; all else is of what was given.

use std::error::Error;
use std::io::Cursor;
use std::time::Duration;

use xet_core_structures::merklehash::{MerkleHash, compute_data_hash, file_hash};
use xet_core_structures::metadata_shard::MDBShardInfo;
use xet_core_structures::metadata_shard::chunk_verification::range_hash_from_chunks;
use xet_core_structures::metadata_shard::file_structs::{
    FileDataSequenceEntry, FileDataSequenceHeader, FileMetadataExt, FileVerificationEntry,
    MDBFileInfo,
};
use xet_core_structures::metadata_shard::shard_in_memory::MDBInMemoryShard;
use xet_core_structures::metadata_shard::streaming_shard::MDBMinimalShard;
use xet_core_structures::xorb_object::{Chunk, RawXorbData};

/// A shard that is being filled.
#[derive(Default)]
pub(crate) struct Sample {
    shard: MDBInMemoryShard,
}

/// What a form is called, and a shard in it.
pub(crate) type Form = (&'static str, Vec<u8>);

impl Sample {
    /// Adds a xorb and a file that is all of it. Says which xorb.
    pub(crate) fn add(
        &mut self,
        chunks: &[Chunk],
        is_verified: bool,
    ) -> Result<MerkleHash, Box<dyn Error>> {
        let xorb = RawXorbData::from_chunks(chunks, vec![0]).xorb_info;
        let hash = xorb.metadata.xorb_hash;
        self.shard.add_xorb_block(xorb)?;
        self.shard.add_file_reconstruction_info(file(chunks, hash, is_verified))?;
        Ok(hash)
    }

    pub(crate) fn add_empty_file(&mut self) -> Result<(), Box<dyn Error>> {
        let metadata = FileDataSequenceHeader::new(MerkleHash::default(), 0, false, false);
        Ok(self
            .shard
            .add_file_reconstruction_info(MDBFileInfo { metadata, ..Default::default() })?)
    }

    /// As it is kept by whoever uploads, as it is stored, as it is handed out for deduplication,
    /// and the first and the last of these with a key.
    pub(crate) fn forms(&self, key: [u8; 32]) -> Result<Vec<Form>, Box<dyn Error>> {
        let whole = self.shard.to_bytes()?;
        let minimal = MDBMinimalShard::from_reader(&mut Cursor::new(&whole), true, true)?;
        let mut stored = Vec::new();
        minimal.serialize(&mut stored, false, None)?;
        let mut xorbs = Vec::new();
        minimal.serialize_xorb_subset_only(&mut xorbs, None, |_| true)?;
        let keyed = with_key(&whole, key, true)?;
        let keyed_xorbs = with_key(&xorbs, key, false)?;
        Ok(vec![
            ("whole", whole),
            ("stored", stored),
            ("xorbs", xorbs),
            ("keyed", keyed),
            ("keyed-xorbs", keyed_xorbs),
        ])
    }
}

fn with_key(shard: &[u8], key: [u8; 32], has_tables: bool) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut keyed = Vec::new();
    MDBShardInfo::export_as_keyed_shard_streaming(
        &mut Cursor::new(shard),
        &mut keyed,
        key.into(),
        Duration::from_secs(3600),
        true,
        has_tables,
        has_tables,
    )?;
    Ok(keyed)
}

/// A file that is one whole xorb.
fn file(chunks: &[Chunk], xorb: MerkleHash, is_verified: bool) -> MDBFileInfo {
    let len: usize = chunks.iter().map(|chunk| chunk.data.len()).sum();
    let hashes: Vec<_> = chunks.iter().map(|chunk| chunk.hash).collect();
    let nodes: Vec<_> = chunks.iter().map(|chunk| (chunk.hash, chunk.data.len() as u64)).collect();
    let verification = FileVerificationEntry::new(range_hash_from_chunks(&hashes));
    MDBFileInfo {
        metadata: FileDataSequenceHeader::new(file_hash(&nodes), 1, is_verified, is_verified),
        segments: vec![FileDataSequenceEntry::new(xorb, len, 0, chunks.len())],
        verification: is_verified.then_some(verification).into_iter().collect(),
        metadata_ext: is_verified.then(|| FileMetadataExt::new(compute_data_hash(b"sha256"))),
    }
}
