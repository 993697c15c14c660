//! The machine in hands that do anything a driver can do; its rules are in `simnet::wild`.
#![no_main]

use libfuzzer_sys::fuzz_target;

/// Long enough for some hundred inputs; longer ones are the same again, and slower.
const LEN_MAX: usize = 600;

fuzz_target!(|bytes: &[u8]| simnet::wild::play(&bytes[..bytes.len().min(LEN_MAX)]));
