//! An answer with a token, in any bytes: the token is never shown.
#![no_main]

use engine::xet::token::ReadToken;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(token) = ReadToken::read(bytes) else { return };
    assert!(format!("{token:?}").contains("Token(…)"));
});
