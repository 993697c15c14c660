//! The 32-byte names of chunks, xorbs and files.
//!
//! Knows no trees: how names of chunks become those of xorbs and files is `merkle`'s.

use std::fmt;

/// A BLAKE3 hash that names a chunk, a node of a tree, a xorb or a file.
///
/// Its text is not its bytes in order: they stand reversed in groups of eight, because writers
/// print four little-endian words.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct XetHash([u8; 32]);

impl XetHash {
    /// What names nothing: the root of no chunks.
    pub const ZERO: Self = Self([0; 32]);

    /// The hash with these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, as they stand in shards and xorbs.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The name of a chunk with this content.
    pub fn of_chunk(content: &[u8]) -> Self {
        Self(*blake3::keyed_hash(&CHUNK_KEY, content).as_bytes())
    }

    /// The name of a node whose children are listed by this text.
    pub(super) fn of_node(children: &[u8]) -> Self {
        Self(*blake3::keyed_hash(&NODE_KEY, children).as_bytes())
    }

    /// This hash as whoever has `key` writes it, so that others learn no names from it.
    pub fn keyed(&self, key: &[u8; 32]) -> Self {
        Self(*blake3::keyed_hash(key, &self.0).as_bytes())
    }

    /// The last eight bytes as a little-endian number, by which trees are cut.
    pub fn last_word(&self) -> u64 {
        let [.., a, b, c, d, e, f, g, h] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    /// The 64 hex digits of its text.
    pub fn to_digits(self) -> [u8; 64] {
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(printed(self.0)) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 0xf)]);
        }
        digits
    }

    /// The hash with this text: 64 hex digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let &[high, low] = pair else { return None };
            let value = char::from(high).to_digit(16)? << 4 | char::from(low).to_digit(16)?;
            *byte = u8::try_from(value).ok()?;
        }
        Some(Self(printed(bytes)))
    }
}

/// The name of a chunk whose content comes in pieces.
#[derive(Clone, Debug)]
pub struct ChunkHasher(blake3::Hasher);

impl ChunkHasher {
    /// At the start of a chunk.
    pub fn new() -> Self {
        Self(blake3::Hasher::new_keyed(&CHUNK_KEY))
    }

    /// More of its content.
    pub fn push(&mut self, content: &[u8]) {
        self.0.update(content);
    }

    /// The name of the chunk with the content so far.
    pub fn finish(&self) -> XetHash {
        XetHash(*self.0.finalize().as_bytes())
    }
}

impl Default for ChunkHasher {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for XetHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in printed(self.0) {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for XetHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// From the order of bytes to the order of text, or back.
fn printed(mut bytes: [u8; 32]) -> [u8; 32] {
    for word in bytes.chunks_exact_mut(8) {
        word.reverse();
    }
    bytes
}

fn digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' + value - 10 }
}

/// Every uploader's key for the content of chunks.
const CHUNK_KEY: [u8; 32] = [
    102, 151, 245, 119, 91, 149, 80, 222, 49, 53, 203, 172, 165, 151, 24, 28, 157, 228, 33, 16,
    155, 235, 43, 88, 180, 208, 176, 75, 147, 173, 242, 41,
];

/// Every uploader's key for the inner nodes of trees.
const NODE_KEY: [u8; 32] = [
    1, 126, 197, 199, 165, 71, 41, 150, 253, 148, 102, 102, 180, 138, 2, 230, 93, 221, 83, 111, 55,
    199, 109, 210, 248, 99, 82, 230, 74, 83, 113, 63,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_words_of_reversed_bytes() {
        let mut bytes = [0; 32];
        for (byte, value) in bytes.iter_mut().zip(0..) {
            *byte = value;
        }
        let hash = XetHash::new(bytes);
        let text = "07060504030201000f0e0d0c0b0a090817161514131211101f1e1d1c1b1a1918";
        assert_eq!(hash.to_string(), text);
        assert_eq!(str::from_utf8(&hash.to_digits()), Ok(text));
        assert_eq!(XetHash::from_hex(text), Some(hash));
        assert_eq!(XetHash::from_hex(&text.to_uppercase()), Some(hash));
        assert_eq!(hash.last_word(), 0x1f1e_1d1c_1b1a_1918);
    }

    #[test]
    fn other_text_is_no_hash() {
        for text in ["", "00", &"g".repeat(64), &"é".repeat(32), &"0".repeat(65), &"+0".repeat(32)]
        {
            assert_eq!(XetHash::from_hex(text), None, "{text:?}");
        }
    }
}
