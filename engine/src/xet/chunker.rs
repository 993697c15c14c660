//! Where the content of a file ends one chunk and begins the next.
//!
//! Keeps none of the content; it remembers only how far the current chunk has come.

use gearhash::Hasher;

/// Cuts a stream of bytes at the places that its content decides.
///
/// The last chunk of a file ends with the file, which no cut says.
#[derive(Clone, Debug, Default)]
pub struct Chunker {
    hasher: Hasher<'static>,
    /// Bytes of the current chunk so far.
    len: usize,
}

/// No chunk but the last of a file is shorter, in bytes.
pub const MIN: usize = 8 << 10;

/// No chunk is longer, in bytes.
pub const MAX: usize = 128 << 10;

impl Chunker {
    /// At the start of a file, or of any of its chunks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes of the current chunk so far.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether the current chunk has no bytes yet.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many of the next bytes belong to the current chunk, if it ends among them: then the
    /// next call is for the bytes behind. `None` if all belong to it, and it goes on.
    pub fn push(&mut self, bytes: &[u8]) -> Option<usize> {
        let end = bytes.len().min(MAX - self.len);
        let mut at = SKIPPED.saturating_sub(self.len).min(end);
        while at < end {
            let Some(taken) = self.hasher.next_match(&bytes[at..end], MASK) else { break };
            at += taken;
            if self.len + at >= MIN {
                return Some(self.cut(at));
            }
        }
        if self.len + end == MAX {
            return Some(self.cut(end));
        }
        self.len += end;
        None
    }

    /// Begins the next chunk. Returns `end`, where this one ends.
    fn cut(&mut self, end: usize) -> usize {
        *self = Self::new();
        end
    }
}

/// A chunk ends where these bits of the rolling hash are all zero.
const MASK: u64 = 0xffff_0000_0000_0000;

/// The rolling hash knows only the last 64 bytes, so that those further before the shortest
/// possible end need not be looked at.
const SKIPPED: usize = MIN - 64 - 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::range_set::tests::seeded;

    fn random(mut state: u64, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len);
        while bytes.len() < len {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_041);
            bytes.push((state >> 56) as u8);
        }
        bytes
    }

    /// The ends of chunks when the content comes in pieces of these lengths, again and again.
    fn cuts(content: &[u8], pieces: &[usize]) -> Vec<usize> {
        let mut chunker = Chunker::new();
        let (mut cuts, mut at) = (Vec::new(), 0);
        for len in pieces.iter().cycle() {
            let end = content.len().min(at + len);
            while let Some(taken) = chunker.push(&content[at..end]) {
                at += taken;
                cuts.push(at);
            }
            at = end;
            if at == content.len() {
                break;
            }
        }
        assert_eq!(chunker.len(), at - cuts.last().unwrap_or(&0));
        cuts
    }

    #[test]
    fn chunks_are_neither_short_nor_long() {
        let content = random(1, 4 << 20);
        let cuts = cuts(&content, &[content.len()]);
        let lens: Vec<_> =
            cuts.iter().scan(0, |start, &cut| Some(cut - std::mem::replace(start, cut))).collect();
        assert!(lens.iter().all(|len| (MIN..=MAX).contains(len)), "{lens:?}");
        assert!((40..100).contains(&lens.len()), "{lens:?}");
    }

    #[test]
    fn content_that_decides_nothing_is_cut_at_the_longest() {
        assert_eq!(cuts(&[0; 3 * MAX + 1], &[50_000]), [MAX, 2 * MAX, 3 * MAX]);
        assert_eq!(cuts(&[0; MAX - 1], &[1 << 20]), [0; 0]);
        assert_eq!(Chunker::new().push(&[]), None);
        assert!(Chunker::new().is_empty());
    }

    proptest! {
        #![proptest_config(seeded(40))]

        #[test]
        fn cuts_do_not_depend_on_how_the_content_comes(
            seed in any::<u64>(),
            len in 1..600_000_usize,
            pieces in prop::collection::vec(
                prop_oneof![1..100_usize, 8000..8300_usize, 1..200_000_usize],
                1..9,
            ),
        ) {
            let content = random(seed, len);
            prop_assert_eq!(cuts(&content, &pieces), cuts(&content, &[len]));
        }
    }
}
