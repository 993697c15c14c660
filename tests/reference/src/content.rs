//! Content for files: made of a seed, the same bytes everywhere.
//!
//! Nothing here is Hugging Face's, and no random numbers come from outside: another program that
//! wants the same bytes only needs what is written here.

/// What a file is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The words of splitmix64, little-endian.
    Random,
    /// The low five bits of each such byte, as one of 32 characters.
    Text,
    /// Words of a vocabulary of 1024, the frequent ones more often.
    Prose,
    /// Nothing but zeros: no place to cut at.
    Zeros,
    /// Normal numbers with a deviation of 0.02, as weights have them, in bf16.
    Bf16,
    /// The same numbers in f32.
    F32,
    /// `Bf16` of the same seed, as after fine-tuning: each 8 MiB, 192 KiB are others, and in the
    /// middle 4 KiB are new.
    Tuned,
}

impl Kind {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "random" => Self::Random,
            "text" => Self::Text,
            "prose" => Self::Prose,
            "zeros" => Self::Zeros,
            "bf16" => Self::Bf16,
            "f32" => Self::F32,
            "tuned" => Self::Tuned,
            _ => return None,
        })
    }

    /// The first `len` bytes of such a file.
    pub(crate) fn bytes(self, seed: u64, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 8);
        let mut words = Words(seed);
        match self {
            Self::Zeros => bytes.resize(len, 0),
            Self::Tuned => return tuned(seed, len),
            Self::Random | Self::Text | Self::Prose | Self::Bf16 | Self::F32 => {
                while bytes.len() < len {
                    match self {
                        Self::Bf16 => bytes.extend_from_slice(&words.normal().to_le_bytes()[2..]),
                        Self::F32 => bytes.extend_from_slice(&words.normal().to_le_bytes()),
                        Self::Text => bytes.extend(words.next().to_le_bytes().map(character)),
                        Self::Prose => words.spell(&mut bytes),
                        Self::Random | Self::Zeros | Self::Tuned => {
                            bytes.extend_from_slice(&words.next().to_le_bytes());
                        }
                    }
                }
            }
        }
        bytes.truncate(len);
        bytes
    }
}

/// The generator splitmix64.
pub(crate) struct Words(pub(crate) u64);

impl Words {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// The sum of four evenly spread numbers is as good as normal. Two words, each of which is two
    /// signed halves; exact but for one rounding to f32 and one more of the product.
    fn normal(&mut self) -> f32 {
        let mut sum = 0_i64;
        for _ in 0..2 {
            let word = self.next();
            sum += i64::from(word as u32 as i32) + i64::from((word >> 32) as u32 as i32);
        }
        sum as f32 * SCALE
    }

    /// Draws a word of the vocabulary and a space. The number of a word is the product of two even
    /// draws, so low numbers are frequent; its letters come from its number alone.
    fn spell(&mut self, bytes: &mut Vec<u8>) {
        let draw = self.next();
        let number = (draw & 31) * (draw >> 8 & 31);
        let letters = Self(number).next();
        let len = 2 + letters as usize % 7;
        let letters = letters.to_le_bytes();
        bytes.extend((0..len).map(|at| b'a' + letters[at % 8] % 26));
        bytes.push(b' ');
    }
}

fn character(byte: u8) -> u8 {
    CHARACTERS[usize::from(byte & 31)]
}

fn tuned(seed: u64, len: usize) -> Vec<u8> {
    let mut bytes = Kind::Bf16.bytes(seed, len);
    for (index, start) in (TUNED_EVERY / 2..len).step_by(TUNED_EVERY).enumerate() {
        let end = len.min(start + TUNED_LEN);
        let other = Kind::Bf16.bytes(seed ^ (1 << 32) ^ index as u64, end - start);
        bytes[start..end].copy_from_slice(&other);
    }
    let inserted = Kind::Bf16.bytes(seed ^ (2 << 32), INSERTED_LEN);
    bytes.splice(len / 2..len / 2, inserted);
    bytes
}

const CHARACTERS: &[u8; 32] = b"etaoin shrdlu cmfwyp vbgkqj xz,\n";

/// The deviation of a sum of four numbers below 2^31 is 2^32 / sqrt(3).
const SCALE: f32 = 0.02 / 2_479_700_524.0;

const TUNED_EVERY: usize = 8 << 20;
const TUNED_LEN: usize = 192 << 10;
const INSERTED_LEN: usize = 4 << 10;
