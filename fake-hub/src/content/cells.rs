//! Generators of bytes that can be asked for from any offset on: noise, numbers, text.
//!
//! They keep nothing and know no files: equal arguments give equal bytes, on every machine.

/// Writes the synthetic bytes of `seed` from `offset` on into `buffer`.
pub fn fill_synthetic(seed: u64, offset: u64, buffer: &mut [u8]) {
    fill(offset, buffer, |word| noise(seed, word).to_le_bytes());
}

/// Weights in bf16, of a small standard deviation.
pub(super) fn fill_bf16(seed: u64, offset: u64, buffer: &mut [u8]) {
    fill(offset, buffer, |index| {
        // What is finer than the sum is cut off anyway.
        let [_, _, low, high] = scaled(sum(noise(seed, index)), 0).to_le_bytes();
        [low, high]
    });
}

/// The same in f32.
pub(super) fn fill_f32(seed: u64, offset: u64, buffer: &mut [u8]) {
    fill(offset, buffer, |index| weight(seed, index).to_le_bytes());
}

/// Words in lines, as long as words are, the frequent ones short.
pub(super) fn fill_text(seed: u64, offset: u64, buffer: &mut [u8]) {
    fill(offset, buffer, |page| self::page(seed, page));
}

/// Mixes 64 bits so that nearby inputs look unrelated (the finalizer of splitmix64).
#[inline(always)]
pub(crate) fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Fills `buffer` with what stands from `offset` on in the row of all cells.
///
/// A gigabyte is a billion cells, and tests are built without much optimization: what is called
/// for each cell is inlined by hand.
#[inline(always)]
fn fill<const N: usize>(offset: u64, buffer: &mut [u8], cell: impl Fn(u64) -> [u8; N]) {
    let width = N as u64;
    let skip = (offset % width) as usize;
    let mut index = offset / width;
    let mut rest = buffer;
    if skip > 0 {
        let head_len = rest.len().min(N - skip);
        let (head, tail) = rest.split_at_mut(head_len);
        head.copy_from_slice(&cell(index)[skip..skip + head_len]);
        index += 1;
        rest = tail;
    }
    let mut cells = rest.chunks_exact_mut(N);
    for place in &mut cells {
        place.copy_from_slice(&cell(index));
        index += 1;
    }
    let tail = cells.into_remainder();
    let tail_len = tail.len();
    if tail_len > 0 {
        tail.copy_from_slice(&cell(index)[..tail_len]);
    }
}

#[inline(always)]
fn noise(seed: u64, index: u64) -> u64 {
    mix(seed.wrapping_add((index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

/// A number that is nearly normal: a sum of four, so that no function of a maths library, which
/// may differ in its last bit, has a say. The finest bits come from elsewhere, so that they are
/// not zero.
#[inline(always)]
fn weight(seed: u64, index: u64) -> f32 {
    let bits = noise(seed, index);
    scaled(sum(bits), mix(bits) >> 40)
}

/// The four numbers of 16 bits in `bits`, together.
#[inline(always)]
fn sum(bits: u64) -> u64 {
    (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48)
}

/// A sum and a fraction of 24 bits, centred.
#[inline(always)]
fn scaled(sum: u64, fine: u64) -> f32 {
    let centred = ((sum << 24 | fine) as i64) - MIDDLE;
    (centred as f64 * SCALE) as f32
}

/// One page of text: it does not depend on the pages before it, and ends in the middle of a word.
fn page(seed: u64, index: u64) -> [u8; PAGE] {
    let mut state = noise(seed ^ TEXT, index);
    let mut out = [b' '; PAGE];
    let mut at = 0;
    let mut column = 0;
    while at < PAGE {
        state = mix(state.wrapping_add(0x9e37_79b9_7f4a_7c15));
        // The product of two draws: small numbers, which name the frequent words, come often.
        let word = ((state & 0xffff) * ((state >> 16) & 0xffff)) >> 20;
        for letter in spell(word) {
            if at < PAGE {
                out[at] = letter;
                at += 1;
                column += 1;
            }
        }
        if at < PAGE {
            let is_full = column > LINE;
            out[at] = if is_full { b'\n' } else { b' ' };
            column = if is_full { 0 } else { column + 1 };
            at += 1;
        }
    }
    out
}

/// The letters of a word: consonants and vowels in turns, the more the rarer it is.
fn spell(word: u64) -> impl Iterator<Item = u8> {
    let count = 2 + word.checked_ilog2().unwrap_or(0) as usize / 2;
    let bits = mix(word ^ TEXT);
    (0..count).map(move |at| {
        let letters: &[u8] = if at % 2 == 0 { CONSONANTS } else { VOWELS };
        letters[(bits >> (at * 5) & 31) as usize % letters.len()]
    })
}

/// Four uniform numbers below 2^16 have a standard deviation of 37 837; this makes it 0.02.
const SCALE: f64 = 0.02 / 37_837.0 / (1 << 24) as f64;
/// Their mean, with a fraction of 24 bits.
const MIDDLE: i64 = (2 * 65_535 + 1) << 24;
const PAGE: usize = 4096;
const LINE: usize = 90;
const CONSONANTS: &[u8] = b"tnshrdlcmfpgwbvk";
const VOWELS: &[u8] = b"eaoiu";
/// Keeps text apart from other uses of the seed.
const TEXT: u64 = 0x7465_7874;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_do_not_depend_on_how_they_are_cut() {
        for fill in [fill_synthetic, fill_bf16, fill_f32, fill_text] {
            let mut whole = vec![0; 9000];
            fill(7, 0, &mut whole);
            for start in (0..40).chain(4080..4100) {
                for len in (0..40).chain(4090..4100) {
                    let mut part = vec![0; len];
                    fill(7, start as u64, &mut part);
                    assert_eq!(part, whole[start..start + len], "{start}+{len}");
                }
            }
        }
    }

    #[test]
    fn weights_are_centred_and_as_wide_as_said() {
        let numbers: Vec<f64> = (0..20_000).map(|index| f64::from(weight(3, index))).collect();
        let mean = numbers.iter().sum::<f64>() / 20_000.0;
        let variance = numbers.iter().map(|number| number * number).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.001, "{mean}");
        assert!((0.0195..0.0205).contains(&variance.sqrt()), "{variance}");
    }

    #[test]
    fn text_is_words_in_lines() {
        let mut bytes = vec![0; 8192];
        fill_text(1, 0, &mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.lines().count() > 60, "{text}");
        assert!(text.split_whitespace().all(|word| word.len() < 14));
    }
}
