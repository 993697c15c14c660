//! One chunk as it stands in a xorb: a header, and the content, packed.
//!
//! Does not say whether the content is right: only its hash, in a tree, does.

use std::fmt;
use std::io::Write;

use lz4_flex::frame::FrameEncoder;

use super::chunker;

mod group;
mod lz4;

/// How the content of a chunk is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// As it is.
    Stored,
    /// In an LZ4 frame.
    Lz4,
    /// The bytes at positions 0, 1, 2 and 3 modulo 4, one group after the other, in an LZ4 frame.
    /// It suits numbers of two and four bytes.
    Grouped,
}

/// What stands before each chunk of a xorb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// How the content is packed.
    pub scheme: Scheme,
    /// Length of the packed content in bytes: 1 to [`PACKED_MAX`].
    pub packed: u32,
    /// Length of the content in bytes: 1 to [`chunker::MAX`].
    pub unpacked: u32,
}

/// Length of a header in bytes.
pub const HEADER_LEN: usize = 8;

/// No chunk is longer when packed, in bytes, its header not counted.
pub const PACKED_MAX: usize = 2 * chunker::MAX;

impl Header {
    /// Reads a header, whose numbers are little-endian:
    ///
    /// | offset | size | field |
    /// |---|---|---|
    /// | 0 | 1 | version, 0 |
    /// | 1 | 3 | packed length |
    /// | 4 | 1 | scheme: 0 stored, 1 LZ4, 2 grouped |
    /// | 5 | 3 | unpacked length |
    pub fn read(bytes: &[u8; HEADER_LEN]) -> Result<Self, Malformed> {
        let &[version, a, b, c, scheme, d, e, f] = bytes;
        if version != VERSION {
            return Err(Malformed::Version(version));
        }
        let packed = u32::from_le_bytes([a, b, c, 0]);
        let unpacked = u32::from_le_bytes([d, e, f, 0]);
        let scheme = match scheme {
            0 => Scheme::Stored,
            1 => Scheme::Lz4,
            2 => Scheme::Grouped,
            other => return Err(Malformed::Scheme(other)),
        };
        let is_sane = (1..=PACKED_MAX as u32).contains(&packed)
            && (1..=chunker::MAX as u32).contains(&unpacked)
            && (scheme != Scheme::Stored || packed == unpacked);
        if is_sane {
            Ok(Self { scheme, packed, unpacked })
        } else {
            Err(Malformed::Lengths { packed, unpacked })
        }
    }

    /// The header's bytes, as [`read`](Self::read) has them.
    pub fn write(&self) -> [u8; HEADER_LEN] {
        let [a, b, c, _] = self.packed.to_le_bytes();
        let [d, e, f, _] = self.unpacked.to_le_bytes();
        let scheme = match self.scheme {
            Scheme::Stored => 0,
            Scheme::Lz4 => 1,
            Scheme::Grouped => 2,
        };
        [VERSION, a, b, c, scheme, d, e, f]
    }
}

/// Puts the content into `out`, instead of what is there. After an error there is anything in it.
pub fn unpack(header: Header, packed: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let Header { scheme, packed: packed_len, unpacked } = header;
    let len = unpacked as usize;
    if packed.len() as u64 != u64::from(packed_len) || len > chunker::MAX {
        return Err(Malformed::Lengths { packed: packed_len, unpacked });
    }
    match scheme {
        Scheme::Stored => {
            out.clear();
            out.extend_from_slice(packed);
            if out.len() == len { Ok(()) } else { Err(Malformed::Content) }
        }
        Scheme::Lz4 => {
            out.resize(len, 0);
            lz4::read_frame(packed, out).ok_or(Malformed::Content)
        }
        Scheme::Grouped => {
            // The groups stand behind the place of the content, so that one buffer is enough.
            out.resize(2 * len, 0);
            let (content, groups) = out.split_at_mut(len);
            lz4::read_frame(packed, groups).ok_or(Malformed::Content)?;
            group::join(groups, content);
            out.truncate(len);
            Ok(())
        }
    }
}

/// Appends the chunk with this content, of 1 to [`chunker::MAX`] bytes, packed as asked for, or
/// stored if that is not longer.
pub fn pack(scheme: Scheme, content: &[u8], out: &mut Vec<u8>) {
    debug_assert!((1..=chunker::MAX).contains(&content.len()), "not the length of a chunk");
    let packed = match scheme {
        Scheme::Stored => None,
        Scheme::Lz4 => Some(write_frame(content)),
        Scheme::Grouped => {
            let mut groups = vec![0; content.len()];
            group::split(content, &mut groups);
            Some(write_frame(&groups))
        }
    };
    let (scheme, body) = match &packed {
        Some(packed) if packed.len() < content.len() => (scheme, packed.as_slice()),
        Some(_) | None => (Scheme::Stored, content),
    };
    let len = |bytes: &[u8]| u32::try_from(bytes.len()).expect("chunks are short");
    out.extend(Header { scheme, packed: len(body), unpacked: len(content) }.write());
    out.extend_from_slice(body);
}

/// Why bytes are not a chunk of a xorb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// A version of the format that is not known, or no chunk at all.
    Version(u8),
    /// A way of packing that is not known.
    Scheme(u8),
    /// Lengths that no chunk has, or that are not those of its content.
    Lengths {
        /// Packed, in bytes.
        packed: u32,
        /// Unpacked, in bytes.
        unpacked: u32,
    },
    /// The content cannot be unpacked.
    Content,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "a chunk of version {version}, not {VERSION}"),
            Self::Scheme(scheme) => write!(f, "a chunk packed by the unknown scheme {scheme}"),
            Self::Lengths { packed, unpacked } => {
                write!(f, "a chunk of {packed} bytes packed and {unpacked} bytes unpacked")
            }
            Self::Content => f.write_str("a chunk whose content cannot be unpacked"),
        }
    }
}

impl std::error::Error for Malformed {}

fn write_frame(content: &[u8]) -> Vec<u8> {
    let mut encoder = FrameEncoder::new(Vec::with_capacity(content.len() + FRAME_OVERHEAD));
    encoder.write_all(content).expect("a Vec takes all bytes");
    encoder.finish().expect("a Vec takes all bytes")
}

/// The only version of the format that there is.
const VERSION: u8 = 0;

/// What a frame with one block of incompressible content has around it, in bytes.
const FRAME_OVERHEAD: usize = 7 + 4 + 4;

#[cfg(test)]
mod tests;
