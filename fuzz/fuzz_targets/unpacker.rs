//! Chunks in a stream that is cut anywhere: they do not depend on how the bytes come.
#![no_main]

use engine::xet::unpacker::Unpacker;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((step, bytes)) = bytes.split_first() else { return };
    let whole = unpacked(bytes, bytes.len().max(1));
    assert_eq!(whole, unpacked(bytes, usize::from(*step).max(1)));
});

/// The content of all chunks that came whole, and whether the end was a good one.
fn unpacked(bytes: &[u8], step: usize) -> (Vec<u8>, bool) {
    let (mut unpacker, mut content) = (Unpacker::new(), Vec::new());
    for mut piece in bytes.chunks(step) {
        loop {
            match unpacker.push(&mut piece) {
                Ok(Some(chunk)) => content.extend_from_slice(chunk.content),
                Ok(None) => break,
                Err(_) => return (content, false),
            }
        }
    }
    (content, unpacker.is_between_chunks())
}
