//! One packed chunk of any bytes: what comes out is as long as its header says, or an error.
#![no_main]

use engine::xet::chunk::{HEADER_LEN, Header, unpack};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((header, packed)) = bytes.split_first_chunk::<HEADER_LEN>() else { return };
    let Ok(read) = Header::read(header) else { return };
    assert_eq!(read.write(), *header);
    let mut content = Vec::new();
    if unpack(read, packed, &mut content).is_ok() {
        assert_eq!(content.len(), read.unpacked as usize);
    }
});
