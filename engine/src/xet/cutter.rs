//! Cuts content into chunks and names them, in one pass.
//!
//! Keeps none of the content.

use super::chunker::Chunker;
use super::hash::ChunkHasher;
use super::merkle::Node;

/// A pass over content, from the start of a file or of any chunk in it.
#[derive(Clone, Debug, Default)]
pub struct Cutter {
    chunker: Chunker,
    hasher: ChunkHasher,
}

impl Cutter {
    /// More content. Adds the chunks that end in it.
    pub fn push(&mut self, mut bytes: &[u8], chunks: &mut Vec<Node>) {
        loop {
            let before = self.chunker.len();
            let Some(end) = self.chunker.push(bytes) else {
                self.hasher.push(bytes);
                return;
            };
            let (front, rest) = bytes.split_at(end);
            self.hasher.push(front);
            chunks.push(Node { hash: self.hasher.finish(), len: (before + end) as u64 });
            self.hasher = ChunkHasher::new();
            bytes = rest;
        }
    }

    /// The content is over: the last chunk, unless the one before it ended just here.
    pub fn finish(&mut self) -> Option<Node> {
        let len = self.chunker.len() as u64;
        let last = (len > 0).then(|| Node { hash: self.hasher.finish(), len });
        *self = Self::default();
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xet::hash::XetHash;

    fn cut(content: &[u8], piece: usize) -> Vec<Node> {
        let (mut cutter, mut chunks) = (Cutter::default(), Vec::new());
        for bytes in content.chunks(piece) {
            cutter.push(bytes, &mut chunks);
        }
        chunks.extend(cutter.finish());
        chunks
    }

    #[test]
    fn names_the_same_chunks_whatever_the_pieces() {
        let content: Vec<u8> =
            (0..1_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let chunks = cut(&content, content.len());
        assert!(chunks.len() > 4, "{}", chunks.len());
        let mut at = 0;
        for chunk in &chunks {
            let end = at + usize::try_from(chunk.len).unwrap();
            assert_eq!(chunk.hash, XetHash::of_chunk(&content[at..end]));
            at = end;
        }
        assert_eq!(at, content.len());
        for piece in [1, 1000, 65_536, 131_073] {
            assert_eq!(cut(&content, piece), chunks, "{piece}");
        }
        assert!(cut(&[], 1).is_empty());
    }
}
