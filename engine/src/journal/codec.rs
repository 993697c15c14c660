//! Records of the journal as bytes and back.
//!
//! Judges a record by itself only; what a sequence of them means is replay's business.

use std::fmt;

use super::{Begin, Record, Sealed};
use crate::digest::{FileDigest, RangeDigest};
use crate::ledger::Proven;
use crate::range::ByteRange;

/// Version of the layout. A kind of record that takes back what others say needs a new one,
/// because older programs skip kinds that they do not know.
pub const VERSION: u32 = 1;

/// Longest [`Begin::source`], in bytes.
pub const SOURCE_LEN_MAX: usize = 4096;

/// What stands at the start of some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The record; `None` if it is sound but of a kind that this program does not know.
    pub record: Option<Record>,
    /// How many bytes it takes.
    pub len: usize,
}

/// Why bytes are not a record that may stand where they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The bytes end before the record does.
    Torn,
    /// No record begins here, or its checksum is wrong.
    Garbled,
    /// The checksum is right, but the content makes no sense.
    Malformed,
    /// A journal of another version.
    Version(u32),
    /// The first record is not `Begin`, or a later one is.
    Misplaced,
    /// There are more ranges than are kept.
    TooMany,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Torn => f.write_str("a record is cut short"),
            Self::Garbled => f.write_str("what stands there is no record"),
            Self::Malformed => f.write_str("a record makes no sense"),
            Self::Version(version) => write!(f, "a journal of version {version}, not {VERSION}"),
            Self::Misplaced => f.write_str("a journal must begin once, with its first record"),
            Self::TooMany => f.write_str("there are more ranges than are kept"),
        }
    }
}

impl Record {
    /// Appends the record's bytes. All numbers are little-endian; there is no padding.
    ///
    /// | offset | size | field |
    /// |---|---|---|
    /// | 0 | 4 | CRC-32C of everything from offset 4 to the end of the body |
    /// | 4 | 2 | length of the body, in bytes |
    /// | 6 | 1 | kind |
    /// | 7 | 1 | mark, `0xB5` |
    /// | 8 | | body |
    ///
    /// | kind | record | offset in the body | size | field |
    /// |---|---|---|---|---|
    /// | 1 | `Begin` | 0 | 4 | [`VERSION`] |
    /// | | | 4 | 4 | digest: 0 none, 1 SHA-256, 2 git's SHA-1 |
    /// | | | 8 | 8 | size of the file |
    /// | | | 16 | 32 | the digest, then zeros |
    /// | | | 48 | 0–4096 | source, UTF-8 |
    /// | 2 | `Proven` | 0 | 8 | start |
    /// | | | 8 | 8 | end, exclusive |
    /// | | | 16 | 32 | BLAKE3 of the range |
    /// | 3 | `Synced` | 0 | 8 | count of records |
    /// | 4 | `Revoked` | 0 | 8 | start |
    /// | | | 8 | 8 | end, exclusive |
    /// | 5 | `Sealed` | 0 | 8 | length of the file |
    /// | | | 8 | 16 | modification time, signed, in nanoseconds since 1970 |
    /// | 6 | `Vouched` | 0 | 8 | start |
    /// | | | 8 | 8 | end, exclusive |
    pub fn encode(&self, out: &mut Vec<u8>) {
        let at = out.len();
        out.extend([0; HEADER_LEN]);
        let kind = self.encode_body(out);

        let record = &mut out[at..];
        let body_len = u16::try_from(record.len() - HEADER_LEN).expect("bodies are bounded");
        record[4..6].copy_from_slice(&body_len.to_le_bytes());
        record[6] = kind;
        record[7] = MARK;
        let checksum = crc32c::crc32c(&record[4..]);
        record[..4].copy_from_slice(&checksum.to_le_bytes());
    }

    /// The record's bytes alone.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }

    /// What stands at the start of `bytes`. Total: any bytes at all have an answer.
    pub fn decode(bytes: &[u8]) -> Result<Decoded, Flaw> {
        let frame = Frame::parse(bytes)?;
        let record = match frame.kind {
            BEGIN => Some(decode_begin(frame.body)?),
            PROVEN | SYNCED | REVOKED | SEALED | VOUCHED => {
                Some(decode_fixed(frame.kind, frame.body).ok_or(Flaw::Malformed)?)
            }
            _ => None,
        };
        Ok(Decoded { record, len: HEADER_LEN + frame.body.len() })
    }

    /// Appends the body and returns the kind.
    fn encode_body(&self, out: &mut Vec<u8>) -> u8 {
        match self {
            Self::Begin(begin) => {
                encode_begin(begin, out);
                BEGIN
            }
            Self::Proven(Proven { range, digest }) => {
                encode_range(*range, out);
                out.extend(digest.0);
                PROVEN
            }
            Self::Synced { records } => {
                out.extend(records.to_le_bytes());
                SYNCED
            }
            Self::Revoked(range) => {
                encode_range(*range, out);
                REVOKED
            }
            Self::Vouched(range) => {
                encode_range(*range, out);
                VOUCHED
            }
            Self::Sealed(Sealed { len, modified_ns }) => {
                out.extend(len.to_le_bytes());
                out.extend(modified_ns.to_le_bytes());
                SEALED
            }
        }
    }
}

/// Where in `bytes`, from `from` and before `end`, reading may resume after damage: at the next
/// sound record of a kind that has a fixed length. `end`, if there is none.
///
/// Other kinds are not looked for, so that hostile bytes cannot make every position cost a
/// checksum over kilobytes.
pub(super) fn resume_at(bytes: &[u8], from: usize, end: usize) -> usize {
    let is_sound = |at: &usize| {
        let rest = &bytes[*at..];
        let Some(&[_, _, _, _, l0, l1, kind, MARK]) = rest.first_chunk::<HEADER_LEN>() else {
            return false;
        };
        let body_len = usize::from(u16::from_le_bytes([l0, l1]));
        fixed_len(kind) == Some(body_len) && Frame::parse(rest).is_ok()
    };
    (from..end).find(is_sound).unwrap_or(end)
}

/// A record whose checksum is right.
struct Frame<'a> {
    kind: u8,
    body: &'a [u8],
}

impl<'a> Frame<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, Flaw> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(Flaw::Torn)?;
        let &[c0, c1, c2, c3, l0, l1, kind, mark] = header;
        if mark != MARK {
            return Err(Flaw::Garbled);
        }
        let body_len = usize::from(u16::from_le_bytes([l0, l1]));
        let body = rest.get(..body_len).ok_or(Flaw::Torn)?;
        let checksum = crc32c::crc32c(&bytes[4..HEADER_LEN + body_len]);
        if checksum != u32::from_le_bytes([c0, c1, c2, c3]) {
            return Err(Flaw::Garbled);
        }
        Ok(Self { kind, body })
    }
}

fn encode_range(range: ByteRange, out: &mut Vec<u8>) {
    out.extend(range.start.to_le_bytes());
    out.extend(range.end.to_le_bytes());
}

fn encode_begin(begin: &Begin, out: &mut Vec<u8>) {
    let (kind, digest): (u32, &[u8]) = match &begin.digest {
        None => (0, &[]),
        Some(FileDigest::Sha256(digest)) => (1, digest),
        Some(FileDigest::GitSha1(digest)) => (2, digest),
    };
    out.extend(VERSION.to_le_bytes());
    out.extend(kind.to_le_bytes());
    out.extend(begin.size.to_le_bytes());
    out.extend(digest);
    out.resize(out.len() + DIGEST_LEN - digest.len(), 0);

    let mut source_len = begin.source.len().min(SOURCE_LEN_MAX);
    while !begin.source.is_char_boundary(source_len) {
        source_len -= 1;
    }
    out.extend(&begin.source.as_bytes()[..source_len]);
}

fn decode_begin(body: &[u8]) -> Result<Record, Flaw> {
    let mut fields = Fields(body);
    let version = u32::from_le_bytes(fields.take().ok_or(Flaw::Malformed)?);
    if version != VERSION {
        return Err(Flaw::Version(version));
    }
    fields.begin().map(Record::Begin).ok_or(Flaw::Malformed)
}

fn decode_fixed(kind: u8, body: &[u8]) -> Option<Record> {
    if fixed_len(kind) != Some(body.len()) {
        return None;
    }
    let mut fields = Fields(body);
    let record = match kind {
        PROVEN => {
            let range = fields.range()?;
            Record::Proven(Proven { range, digest: RangeDigest(fields.take()?) })
        }
        SYNCED => Record::Synced { records: fields.u64()? },
        REVOKED => Record::Revoked(fields.range()?),
        VOUCHED => Record::Vouched(fields.range()?),
        SEALED => {
            let len = fields.u64()?;
            Record::Sealed(Sealed { len, modified_ns: i128::from_le_bytes(fields.take()?) })
        }
        _ => return None,
    };
    Some(record)
}

/// Takes fields off the front of a body.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn range(&mut self) -> Option<ByteRange> {
        let (start, end) = (self.u64()?, self.u64()?);
        (start <= end).then(|| ByteRange::new(start, end))
    }

    fn begin(&mut self) -> Option<Begin> {
        let digest_kind = u32::from_le_bytes(self.take()?);
        let size = self.u64()?;
        let field: [u8; DIGEST_LEN] = self.take()?;
        let digest = match digest_kind {
            0 if field == [0; DIGEST_LEN] => None,
            1 => Some(FileDigest::Sha256(field)),
            2 => {
                let (digest, padding) = field.split_first_chunk()?;
                if padding.iter().any(|&byte| byte != 0) {
                    return None;
                }
                Some(FileDigest::GitSha1(*digest))
            }
            _ => return None,
        };
        if self.0.len() > SOURCE_LEN_MAX {
            return None;
        }
        let source = str::from_utf8(self.0).ok()?.to_owned();
        Some(Begin { size, digest, source })
    }
}

/// Length of the body, for the kinds where it never varies.
const fn fixed_len(kind: u8) -> Option<usize> {
    match kind {
        PROVEN => Some(48),
        SYNCED => Some(8),
        REVOKED | VOUCHED => Some(16),
        SEALED => Some(24),
        _ => None,
    }
}

const HEADER_LEN: usize = 8;
/// The longest record, in bytes.
pub(super) const RECORD_LEN_MAX: usize = HEADER_LEN + u16::MAX as usize;
/// The longest record of a kind that has a fixed length, in bytes.
pub(super) const FIXED_LEN_MAX: usize = HEADER_LEN + 48;
/// Tells a record from a page of zeros before its checksum is worked out.
const MARK: u8 = 0xB5;
const DIGEST_LEN: usize = 32;

const BEGIN: u8 = 1;
const PROVEN: u8 = 2;
const SYNCED: u8 = 3;
const REVOKED: u8 = 4;
const SEALED: u8 = 5;
const VOUCHED: u8 = 6;

#[cfg(test)]
mod tests;
