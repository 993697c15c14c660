//! The machine in hands that do anything a driver can do; its rules are in `simnet::wild`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| simnet::wild::play(bytes));
