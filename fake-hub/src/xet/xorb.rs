//! A xorb: chunks in a row, packed when somebody first asks for them.
//!
//! It has no footer, which no signed URL lets anybody read.

use std::io;
use std::ops::Range;
use std::sync::OnceLock;

use bytes::Bytes;
use engine::xet::chunk::{self, HEADER_LEN, Header, Scheme};
use engine::xet::hash::XetHash;
use engine::xet::merkle::{self, Node};

use super::packing::Packing;
use crate::content::Content;

/// A xorb of the hub's.
#[derive(Debug)]
pub struct Xorb {
    pub(super) hash: XetHash,
    pub(super) chunks: Vec<Node>,
    /// Length of the chunks' contents in bytes.
    pub(super) len: u64,
    /// Where each chunk begins in the content that brought it.
    starts: Vec<u64>,
    content: Content,
    packing: Packing,
    packed: OnceLock<Packed>,
}

#[derive(Debug)]
struct Packed {
    bytes: Bytes,
    chunks: Vec<PackedChunk>,
}

/// Where a chunk is in its xorb, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedChunk {
    /// Its hash and the length of its content.
    pub node: Node,
    /// Its bytes in the xorb, the header included.
    pub bytes: Range<u64>,
    /// How it is packed.
    pub scheme: Scheme,
}

impl PackedChunk {
    /// The bytes behind its header.
    pub fn payload(&self) -> Range<u64> {
        self.bytes.start + HEADER_LEN as u64..self.bytes.end
    }
}

impl Xorb {
    /// An open xorb, which has no name yet.
    pub(super) fn new(content: &Content, packing: Packing) -> Self {
        Self {
            hash: XetHash::ZERO,
            chunks: Vec::new(),
            len: 0,
            starts: Vec::new(),
            content: content.clone(),
            packing,
            packed: OnceLock::new(),
        }
    }

    /// Adds the chunk that begins at `start` of the content.
    pub(super) fn push(&mut self, chunk: Node, start: u64) {
        self.chunks.push(chunk);
        self.len += chunk.len;
        self.starts.push(start);
    }

    /// No chunk is added any more.
    pub(super) fn close(&mut self) {
        self.hash = merkle::root(&self.chunks);
    }

    /// Its name.
    pub fn hash(&self) -> XetHash {
        self.hash
    }

    /// Its chunks, with hashes and lengths of contents.
    pub fn nodes(&self) -> &[Node] {
        &self.chunks
    }

    /// All its bytes: what a URL signed for everything answers.
    ///
    /// # Errors
    ///
    /// When the content that it was made from cannot be read any more.
    pub fn bytes(&self) -> io::Result<&Bytes> {
        Ok(&self.packed()?.bytes)
    }

    /// Where its chunks are.
    ///
    /// # Errors
    ///
    /// As [`bytes`](Self::bytes).
    pub fn chunks(&self) -> io::Result<&[PackedChunk]> {
        Ok(&self.packed()?.chunks)
    }

    /// The bytes of some of its chunks.
    pub(crate) fn span(&self, chunks: &Range<u32>) -> io::Result<Range<u64>> {
        let all = self.chunks()?;
        let (start, end) = (chunks.start as usize, chunks.end as usize);
        Ok(all[start].bytes.start..all[end - 1].bytes.end)
    }

    fn packed(&self) -> io::Result<&Packed> {
        match self.packed.get() {
            Some(packed) => Ok(packed),
            None => {
                let packed = self.pack()?;
                Ok(self.packed.get_or_init(|| packed))
            }
        }
    }

    fn pack(&self) -> io::Result<Packed> {
        let mut reader = self.content.open()?;
        let mut bytes = Vec::new();
        let mut chunks = Vec::with_capacity(self.chunks.len());
        for (node, start) in self.chunks.iter().zip(&self.starts) {
            let content = reader.read_at(*start, node.len as usize)?;
            let from = bytes.len();
            chunk::pack(self.packing.scheme(&content), &content, &mut bytes);
            let header = bytes[from..].first_chunk().and_then(|head| Header::read(head).ok());
            let header = header.expect("what was packed begins with a header");
            let span = from as u64..bytes.len() as u64;
            chunks.push(PackedChunk { node: *node, bytes: span, scheme: header.scheme });
        }
        Ok(Packed { bytes: bytes.into(), chunks })
    }
}
