//! LZ4 frames, read into a buffer of known length.
//!
//! Checks no checksums: a hash over the content says more, and writers of chunks leave them out.

use lz4_flex::block;

/// Fills `out` with the content of the frame that `bytes` are. `None` if they are not one frame
/// with just as much content, whole and with nothing behind it.
///
/// | size | field |
/// |---|---|
/// | 4 | magic number |
/// | 1 | flags: version (2 bits), independent blocks, checksums of blocks, length, checksum |
/// | 1 | most bytes in a block |
/// | 0, 8 | length of the content, if flagged |
/// | 1 | checksum of what stands between the magic number and here |
/// | | blocks: length (4, the top bit says that it is stored), bytes, checksum (4, if flagged) |
/// | 4 | zero, a block that ends it |
/// | 0, 4 | checksum of the content, if flagged |
pub(super) fn read_frame(bytes: &[u8], out: &mut [u8]) -> Option<()> {
    let (magic, rest) = bytes.split_first_chunk()?;
    let (&[flags, limits], mut rest) = rest.split_first_chunk()?;
    let is_known = u32::from_le_bytes(*magic) == MAGIC
        && flags & VERSION_MASK == VERSION
        && flags & (RESERVED | DICTIONARY) == 0
        && limits & !BLOCK_MAX_MASK == 0;
    if !is_known {
        return None;
    }
    if flags & CONTENT_LEN != 0 {
        let len;
        (len, rest) = rest.split_first_chunk()?;
        if u64::from_le_bytes(*len) != out.len() as u64 {
            return None;
        }
    }
    let (_checksum, rest) = rest.split_first()?;
    let rest = read_blocks(rest, flags, out)?;
    let checksum_len = if flags & CONTENT_CHECKSUM == 0 { 0 } else { CHECKSUM_LEN };
    (rest.len() == checksum_len).then_some(())
}

/// Fills `out` from the blocks up to their end. Returns what stands behind it.
fn read_blocks<'a>(bytes: &'a [u8], flags: u8, out: &mut [u8]) -> Option<&'a [u8]> {
    let mut rest = bytes;
    let mut at = 0;
    loop {
        let len;
        (len, rest) = rest.split_first_chunk()?;
        let len = u32::from_le_bytes(*len);
        if len == 0 {
            return (at == out.len()).then_some(rest);
        }
        let block;
        (block, rest) = rest.split_at_checked((len & !STORED) as usize)?;
        let (before, room) = out.split_at_mut(at);
        at += if len & STORED != 0 {
            room.get_mut(..block.len())?.copy_from_slice(block);
            block.len()
        } else if flags & INDEPENDENT != 0 {
            block::decompress_into(block, room).ok()?
        } else {
            block::decompress_into_with_dict(block, room, before).ok()?
        };
        if flags & BLOCK_CHECKSUMS != 0 {
            rest = rest.split_at_checked(CHECKSUM_LEN)?.1;
        }
    }
}

const MAGIC: u32 = 0x184d_2204;

// Flags.
const VERSION_MASK: u8 = 0b1100_0000;
const VERSION: u8 = 0b0100_0000;
const INDEPENDENT: u8 = 0b0010_0000;
const BLOCK_CHECKSUMS: u8 = 0b0001_0000;
const CONTENT_LEN: u8 = 0b0000_1000;
const CONTENT_CHECKSUM: u8 = 0b0000_0100;
const RESERVED: u8 = 0b0000_0010;
const DICTIONARY: u8 = 0b0000_0001;

/// The bits of the most bytes in a block.
const BLOCK_MAX_MASK: u8 = 0b0111_0000;

/// In the length of a block: its bytes stand there as they are.
const STORED: u32 = 1 << 31;

const CHECKSUM_LEN: usize = 4;
