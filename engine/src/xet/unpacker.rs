//! Chunks out of the bytes of a xorb as they arrive.
//!
//! Does not know which chunks they are, nor whether they are the right ones.

use super::chunk::{self, HEADER_LEN, Header, Malformed};

/// Takes bytes in pieces of any length, and gives whole chunks.
///
/// It holds no more than one chunk packed and one unpacked.
#[derive(Clone, Debug, Default)]
pub struct Unpacker {
    /// The start of the chunk that is not whole yet, its header included.
    torn: Vec<u8>,
    /// The content of the last chunk.
    content: Vec<u8>,
    /// What was wrong with the bytes before: nothing after it can be understood.
    flaw: Option<Malformed>,
}

/// One chunk, whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// Its content, of one byte at least.
    pub content: &'a [u8],
    /// How many bytes of the xorb it takes, with its header.
    pub packed_len: u64,
}

impl Unpacker {
    /// At the start of a chunk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes from the front of `bytes` until a chunk is whole. `None` if they do not
    /// suffice: then all are taken.
    ///
    /// ```
    /// # use engine::xet::unpacker::Unpacker;
    /// # let mut unpacker = Unpacker::new();
    /// # let mut bytes: &[u8] = &[0, 2, 0, 0, 0, 2, 0, 0, 7, 8, 0];
    /// while let Some(chunk) = unpacker.push(&mut bytes)? {
    ///     assert_eq!(chunk.content, [7, 8]);
    /// }
    /// assert!(!unpacker.is_between_chunks());
    /// # Ok::<(), engine::xet::chunk::Malformed>(())
    /// ```
    pub fn push(&mut self, bytes: &mut &[u8]) -> Result<Option<Chunk<'_>>, Malformed> {
        if let Some(flaw) = self.flaw {
            return Err(flaw);
        }
        match self.take(bytes) {
            Ok(None) => Ok(None),
            Ok(Some(len)) => Ok(Some(Chunk { content: &self.content, packed_len: len as u64 })),
            Err(flaw) => {
                self.flaw = Some(flaw);
                Err(flaw)
            }
        }
    }

    /// Whether no chunk is left torn: only here may the bytes end.
    pub fn is_between_chunks(&self) -> bool {
        self.torn.is_empty() && self.flaw.is_none()
    }

    /// Unpacks the next chunk, and returns its length with its header.
    fn take(&mut self, bytes: &mut &[u8]) -> Result<Option<usize>, Malformed> {
        // A chunk that is whole in the bytes is unpacked where it stands.
        if self.torn.is_empty()
            && let Some((header, rest)) = bytes.split_first_chunk()
        {
            let header = Header::read(header)?;
            if let Some((packed, rest)) = rest.split_at_checked(header.packed as usize) {
                chunk::unpack(header, packed, &mut self.content)?;
                *bytes = rest;
                return Ok(Some(HEADER_LEN + packed.len()));
            }
        }
        self.gather(bytes, HEADER_LEN);
        let Some(header) = self.torn.first_chunk() else { return Ok(None) };
        let header = Header::read(header)?;
        let len = HEADER_LEN + header.packed as usize;
        self.gather(bytes, len);
        if self.torn.len() < len {
            return Ok(None);
        }
        chunk::unpack(header, &self.torn[HEADER_LEN..], &mut self.content)?;
        self.torn.clear();
        Ok(Some(len))
    }

    /// Moves bytes over until `len` of the chunk are there, as far as there are any.
    fn gather(&mut self, bytes: &mut &[u8], len: usize) {
        let missing = len.saturating_sub(self.torn.len()).min(bytes.len());
        let (front, rest) = bytes.split_at(missing);
        self.torn.extend_from_slice(front);
        *bytes = rest;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::range_set::tests::seeded;
    use crate::xet::chunk::{PACKED_MAX, Scheme, pack};

    fn content(seed: u8, len: usize) -> Vec<u8> {
        (0..len).map(|at| (at * at / 7) as u8 ^ seed).collect()
    }

    /// Whatever comes out when the bytes come in pieces of these lengths, again and again.
    fn unpacked(xorb: &[u8], pieces: &[usize]) -> (Vec<Vec<u8>>, Option<Malformed>, bool) {
        let (mut unpacker, mut chunks, mut rest) = (Unpacker::new(), Vec::new(), xorb);
        let mut packed_len = 0;
        for len in pieces.iter().cycle() {
            let mut piece;
            (piece, rest) = rest.split_at((*len).min(rest.len()));
            loop {
                match unpacker.push(&mut piece) {
                    Ok(Some(chunk)) => {
                        packed_len += chunk.packed_len as usize;
                        chunks.push(chunk.content.to_vec());
                    }
                    Ok(None) => break,
                    Err(flaw) => {
                        assert_eq!(unpacker.push(&mut &xorb[..]), Err(flaw));
                        assert!(!unpacker.is_between_chunks());
                        return (chunks, Some(flaw), false);
                    }
                }
            }
            assert!(piece.is_empty());
            assert!(unpacker.torn.len() <= HEADER_LEN + PACKED_MAX);
            if rest.is_empty() {
                break;
            }
        }
        let is_whole = unpacker.is_between_chunks();
        assert_eq!(is_whole, packed_len == xorb.len());
        (chunks, None, is_whole)
    }

    proptest! {
        #![proptest_config(seeded(200))]

        #[test]
        fn chunks_do_not_depend_on_how_the_bytes_come(
            lens in prop::collection::vec(1..3000_usize, 1..8),
            pieces in prop::collection::vec(prop_oneof![1..9_usize, 1..5000_usize], 1..5),
            cut in any::<prop::sample::Index>(),
        ) {
            let schemes = [Scheme::Stored, Scheme::Lz4, Scheme::Grouped];
            let mut xorb = Vec::new();
            let mut expected = Vec::new();
            for (at, &len) in lens.iter().enumerate() {
                expected.push(content(at as u8, len));
                pack(schemes[at % 3], &expected[at], &mut xorb);
            }
            prop_assert_eq!(unpacked(&xorb, &pieces), (expected.clone(), None, true));

            let cut = &xorb[..cut.index(xorb.len())];
            let (chunks, flaw, _) = unpacked(cut, &pieces);
            prop_assert_eq!(flaw, None);
            prop_assert!(expected.starts_with(&chunks));
        }

        #[test]
        fn mutated_bytes_never_panic_and_end_the_same_way(
            at in any::<prop::sample::Index>(),
            mask in 1..=255_u8,
            pieces in prop::collection::vec(1..900_usize, 1..4),
        ) {
            let mut xorb = Vec::new();
            for seed in 0..4 {
                pack(Scheme::Lz4, &content(seed, 1000), &mut xorb);
            }
            let at = at.index(xorb.len());
            xorb[at] ^= mask;
            prop_assert_eq!(unpacked(&xorb, &pieces), unpacked(&xorb, &[xorb.len()]));
        }
    }
}
