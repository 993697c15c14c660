//! Faults that spoil the body of an honest reply: its length, its form, or the bytes themselves.
//!
//! Where a transfer stops in the middle is the wire's.

use crate::fields::{Fields, RuleError};
use crate::quantity::parse_bytes;

/// What happens to a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFault {
    /// `short-body [by=BYTES]`: a shorter Content-Length, kept exactly.
    Short {
        /// How many bytes are missing; half of them if not given.
        by: Option<u64>,
    },
    /// `gzip`: Content-Encoding that nobody asked for.
    Gzip,
    /// `empty-206`: a 206 for the right range, without a byte of it.
    Empty,
    /// `flip at=OFFSET [bit=N]`: one bit of the file is wrong.
    Flip {
        /// Which bit of the byte, 0 to 7; 0 if not given.
        bit: u8,
    },
    /// `zero-fill at=OFFSET [len=BYTES]`: a hole in the file.
    ZeroFill {
        /// Length of the hole in bytes; 4096 if not given.
        len: u64,
    },
}

impl BodyFault {
    pub(crate) fn parse(kind: &str, fields: &mut Fields<'_>) -> Result<Option<Self>, RuleError> {
        Ok(Some(match kind {
            "short-body" => Self::Short { by: fields.take("by", parse_bytes)? },
            "gzip" => Self::Gzip,
            "empty-206" => Self::Empty,
            "flip" => {
                fields.require("at")?;
                Self::Flip { bit: fields.take("bit", parse_bit)?.unwrap_or(0) }
            }
            "zero-fill" => {
                fields.require("at")?;
                Self::ZeroFill { len: fields.take("len", parse_bytes)?.unwrap_or(4096) }
            }
            _ => return Ok(None),
        }))
    }
}

fn parse_bit(text: &str) -> Result<u8, &'static str> {
    text.parse().ok().filter(|bit| *bit < 8).ok_or("a bit is from 0 to 7")
}
