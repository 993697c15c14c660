//! How the LFS files of a repository are kept in Xet, as a setting.
//!
//! What comes of it is the store's business.

use super::packing::Packing;

/// How the LFS files of a repository are kept in Xet.
#[derive(Debug, Clone)]
pub struct XetSpec {
    /// The most bytes of content in a xorb; 64 MiB unless set.
    pub xorb_bytes: u64,
    /// The most chunks in a xorb; 8192 unless set.
    pub xorb_chunks: u32,
    /// How chunks are packed.
    pub packing: Packing,
    /// How many chunks in a row must be known for them not to be stored again; 1 unless set.
    pub run_min: u32,
    /// What the CAS says of a file's chunks.
    pub shards: Shards,
}

/// What the CAS answers to those who ask where a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shards {
    /// Nothing.
    None,
    /// The names of the chunks beside it.
    Plain,
    /// The same, keyed, as production does.
    Keyed,
}

impl Default for XetSpec {
    fn default() -> Self {
        Self {
            xorb_bytes: 64 << 20,
            xorb_chunks: 8192,
            packing: Packing::Auto,
            run_min: 1,
            shards: Shards::Keyed,
        }
    }
}
