//! Gzip that does not compress: stored blocks, which every decoder reads.
//!
//! Enough for a fault that sends an encoding nobody asked for, at a length known beforehand.

use bytes::{BufMut, Bytes, BytesMut};

use crate::body::STEP;

/// Wraps the frames of one body.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    crc: u32,
    plain_len: u64,
    is_begun: bool,
    is_ended: bool,
}

impl Default for Stored {
    fn default() -> Self {
        Self { crc: u32::MAX, plain_len: 0, is_begun: false, is_ended: false }
    }
}

impl Stored {
    /// What is still to be sent if `plain` bytes are still to be wrapped.
    pub(crate) fn len(&self, plain: u64) -> u64 {
        if self.is_ended {
            return 0;
        }
        let head = if self.is_begun { 0 } else { HEAD.len() as u64 };
        let blocks = plain.div_ceil(STEP as u64).max(1);
        head + blocks * 5 + plain + 8
    }

    /// Wraps the next frame; the last one carries the end.
    pub(crate) fn wrap(&mut self, frame: Option<Bytes>, is_last: bool) -> Option<Bytes> {
        if self.is_ended {
            return None;
        }
        let frame = frame.unwrap_or_default();
        let mut out = BytesMut::with_capacity(frame.len() + 32);
        if !self.is_begun {
            out.put_slice(HEAD);
            self.is_begun = true;
        }
        let len = u16::try_from(frame.len()).expect("a frame is at most STEP bytes");
        out.put_u8(u8::from(is_last));
        out.put_u16_le(len);
        out.put_u16_le(!len);
        out.put_slice(&frame);
        self.crc = frame.iter().fold(self.crc, |crc, byte| crc_step(crc, *byte));
        self.plain_len += frame.len() as u64;
        if is_last {
            out.put_u32_le(!self.crc);
            out.put_u32_le(self.plain_len as u32);
            self.is_ended = true;
        }
        Some(out.freeze())
    }
}

/// One byte of CRC-32, bit by bit.
fn crc_step(crc: u32, byte: u8) -> u32 {
    (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
}

/// Deflate, no name, no time, unknown system.
const HEAD: &[u8; 10] = b"\x1f\x8b\x08\0\0\0\0\0\0\xff";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_is_the_usual_one() {
        let crc = b"123456789".iter().fold(u32::MAX, |crc, byte| crc_step(crc, *byte));
        assert_eq!(!crc, 0xcbf4_3926);
    }

    #[test]
    fn length_is_known_beforehand() {
        for plain in [0, 1, STEP, STEP + 1, 3 * STEP] {
            let mut gzip = Stored::default();
            let announced = gzip.len(plain as u64);
            let (mut left, mut sent) = (plain, 0);
            while !gzip.is_ended {
                let len = left.min(STEP);
                let is_last = left <= STEP;
                sent += gzip.wrap(Some(vec![0; len].into()), is_last).unwrap().len();
                left -= len;
            }
            assert_eq!(sent as u64, announced, "{plain}");
        }
    }
}
