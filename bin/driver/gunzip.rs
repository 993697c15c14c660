//! A body that came compressed although nobody wanted that: unpacked as it comes.
//!
//! For whole bodies alone: a range of compressed bytes is of no use. What comes out is judged by
//! the file's digest, like all bytes.

use std::io::Write;

use engine::fault::Fault;
use flate2::write::MultiGzDecoder;

/// A gzip stream (RFC 1952) on its way.
pub(super) struct Gunzip {
    decoder: MultiGzDecoder<Vec<u8>>,
}

impl Gunzip {
    /// So many bytes at once become at most about a thousand times as many.
    pub(super) const PIECE: usize = 1 << 10;

    pub(super) fn new() -> Self {
        Self { decoder: MultiGzDecoder::new(Vec::new()) }
    }

    /// What these bytes of the stream become.
    pub(super) fn unpack(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Fault> {
        let malformed =
            |_| Fault::Malformed("a body that is no gzip, though it says so".to_owned());
        self.decoder.write_all(bytes).map_err(malformed)?;
        self.decoder.flush().map_err(malformed)?;
        Ok(std::mem::take(self.decoder.get_mut()))
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn a_stream_does_not_depend_on_how_it_comes_and_garbage_is_a_fault() {
        let content = b"weights and more weights ".repeat(1000);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&content).unwrap();
        let packed = encoder.finish().unwrap();
        for step in [1, 7, packed.len()] {
            let mut gunzip = Gunzip::new();
            let mut out = Vec::new();
            for piece in packed.chunks(step) {
                out.extend(gunzip.unpack(piece).unwrap());
            }
            assert_eq!(out, content, "by {step}");
        }
        assert!(matches!(Gunzip::new().unpack(b"<html> no gzip"), Err(Fault::Malformed(_))));
    }
}
