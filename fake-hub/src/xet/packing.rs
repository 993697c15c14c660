//! Which way of packing suits a chunk.
//!
//! The packing itself is the engine's.

use engine::xet::chunk::Scheme;

/// How the chunks of a repository are packed. One that packing makes longer is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// As uploaders do: grouped where the bytes at positions modulo 4 differ in kind, else LZ4.
    Auto,
    /// All in the same way.
    Always(Scheme),
}

impl Packing {
    /// The way for a chunk with this content.
    pub(super) fn scheme(self, content: &[u8]) -> Scheme {
        match self {
            Self::Auto if is_numeric(content) => Scheme::Grouped,
            Self::Auto => Scheme::Lz4,
            Self::Always(scheme) => scheme,
        }
    }
}

/// The uploaders' test: how far the counts of set bits in the bytes at one position modulo 4 are
/// from those of all bytes, as Kullback-Leibler divergence.
fn is_numeric(content: &[u8]) -> bool {
    // By byte first: counting the bits of each would be most of the work.
    let mut bytes = [[0u32; 256]; 4];
    let mut words = content.chunks_exact(4);
    for word in &mut words {
        if let &[a, b, c, d] = word {
            bytes[0][usize::from(a)] += 1;
            bytes[1][usize::from(b)] += 1;
            bytes[2][usize::from(c)] += 1;
            bytes[3][usize::from(d)] += 1;
        }
    }
    for (group, byte) in bytes.iter_mut().zip(words.remainder()) {
        group[usize::from(*byte)] += 1;
    }
    let mut counts = [[0u32; 9]; 4];
    for (group, bytes) in counts.iter_mut().zip(&bytes) {
        for (byte, count) in bytes.iter().enumerate() {
            group[byte.count_ones() as usize] += count;
        }
    }
    let total = content.len() as f64;
    counts.iter().any(|group| {
        let group_total: u32 = group.iter().sum();
        let terms =
            group.iter().enumerate().filter(|(_, count)| **count > 0).map(|(ones, count)| {
                // One more than there are, as there: no share is zero.
                let all = 1 + counts.iter().map(|group| group[ones]).sum::<u32>();
                let share = f64::from(*count) / f64::from(group_total);
                share * (share / (f64::from(all) / total)).ln()
            });
        terms.sum::<f64>() > DIVERGENCE
    })
}

const DIVERGENCE: f64 = 0.02;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{Content, Kind};

    #[test]
    fn numbers_are_grouped() {
        let table = [
            (Kind::Bf16, Scheme::Grouped),
            (Kind::F32, Scheme::Grouped),
            (Kind::Text, Scheme::Lz4),
            (Kind::Random, Scheme::Lz4),
            (Kind::Zeros, Scheme::Lz4),
        ];
        for (kind, expected) in table {
            let content = Content::made(kind, 1, 60_000).open().unwrap().read_at(0, 60_000);
            assert_eq!(Packing::Auto.scheme(&content.unwrap()), expected, "{kind:?}");
        }
    }
}
