//! A shard of names, in any bytes.
#![no_main]

use engine::xet::shard::Shard;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = Shard::read(bytes);
});
