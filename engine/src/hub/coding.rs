//! Compressed bodies of answers in JSON: some caches and proxies compress whatever was asked for.
//!
//! Not for the bytes of files: those are believed only as they are.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::head::Head;
use crate::fault::Fault;

/// The body without its `Content-Encoding`, of which at most `max` bytes and one more are unpacked:
/// whoever gets more than `max` knows that it is too much.
///
/// Knows gzip and deflate (RFC 9110, 8.4.1; with and without the zlib wrapper, since servers do
/// both).
pub(super) fn decoded<'a>(head: &Head, body: &'a [u8], max: usize) -> Result<Cow<'a, [u8]>, Fault> {
    if head.is_identity() {
        return Ok(Cow::Borrowed(body));
    }
    let coding = head.header("content-encoding").unwrap_or_default().to_ascii_lowercase();
    let bytes = match coding.as_str() {
        "gzip" | "x-gzip" => unpacked(MultiGzDecoder::new(body), max),
        "deflate" => unpacked(ZlibDecoder::new(body), max)
            .or_else(|| unpacked(DeflateDecoder::new(body), max)),
        _ => None,
    };
    bytes.map(Cow::Owned).ok_or_else(|| Fault::Encoded(head.coding()))
}

fn unpacked(packed: impl Read, max: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    packed.take(limit).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    const TEXT: &[u8] = b"[{\"type\": \"file\"}]";

    fn head(coding: &str) -> Head {
        Head::new(200, [("Content-Encoding", coding)])
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_proxies_send_is_unpacked() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(TEXT).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
        raw.write_all(TEXT).unwrap();
        let (zlib, raw) = (zlib.finish().unwrap(), raw.finish().unwrap());
        for (coding, body) in [
            ("", TEXT),
            ("identity", TEXT),
            ("gzip", &gzip(TEXT)),
            ("X-GZIP", &gzip(TEXT)),
            ("gzip", &[gzip(&TEXT[..5]), gzip(&TEXT[5..])].concat()),
            ("deflate", &zlib),
            ("deflate", &raw),
        ] {
            assert_eq!(decoded(&head(coding), body, 100).as_deref(), Ok(TEXT), "{coding:?}");
        }
    }

    #[test]
    fn what_cannot_be_unpacked_is_told() {
        let cut = gzip(TEXT);
        for (coding, body) in [
            ("br", TEXT),
            ("gzip, br", TEXT),
            ("gzip", TEXT),
            ("gzip", &cut[..cut.len() - 9]),
            ("deflate", b"\xff\xff"),
        ] {
            let found = decoded(&head(coding), body, 100);
            assert_eq!(found, Err(Fault::Encoded(coding.to_owned())), "{coding:?}");
        }
    }

    #[test]
    fn a_bomb_is_unpacked_no_further_than_its_limit() {
        let bomb = gzip(&vec![0; 10_000_000]);
        let found = decoded(&head("gzip"), &bomb, 1_000).unwrap();
        assert_eq!(found.len(), 1_001);
    }

    proptest! {
        #[test]
        fn no_body_panics(body in any::<Vec<u8>>(), coding in "gzip|deflate|[a-z]{0,9}") {
            let _ = decoded(&head(&coding), &body, 1_000);
        }
    }
}
