//! What the CAS tells of the chunks that stand beside one: a shard with whole xorbs.
//!
//! It tells whoever has a chunk, whatever repository it is from, as deduplication needs it.

use std::collections::BTreeSet;

use engine::xet::hash::XetHash;
use engine::xet::shard::{Shard, ShardChunk, XorbChunks};

use super::spec::Shards;
use super::store::XetStore;

impl XetStore {
    /// The xorbs of all files with this chunk; none if nobody may ask, or nothing is said.
    ///
    /// `key` hides the names of chunks if they are to be hidden.
    pub(crate) fn beside(&self, chunk: &XetHash, key: &[u8; 32]) -> Option<Shard> {
        let files: Vec<_> = self.owners(chunk).filter(|file| file.shards != Shards::None).collect();
        let is_keyed = files.iter().any(|file| file.shards == Shards::Keyed);
        let mut shard = Shard { key: is_keyed.then_some(*key), xorbs: Vec::new() };
        let xorbs: BTreeSet<_> =
            files.iter().flat_map(|file| file.terms.iter().map(|term| term.xorb)).collect();
        for xorb in xorbs {
            let mut start = 0;
            let chunks = self.known(&xorb).nodes().iter().map(|node| {
                let hash = shard.written(node.hash);
                // No chunk has more than 128 KiB.
                let chunk = ShardChunk { hash, start, len: node.len as u32 };
                start += node.len;
                chunk
            });
            let chunks = chunks.collect();
            shard.xorbs.push(XorbChunks { xorb, chunks });
        }
        (!shard.xorbs.is_empty()).then_some(shard)
    }
}
