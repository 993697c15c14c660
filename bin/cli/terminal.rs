//! The two streams of the command: results to stdout, everything else to stderr.
//!
//! Decides nothing about what is said. A stream that nobody reads any more is no reason to stop a
//! download, so failing to write is not an error here.

use std::io::{self, IsTerminal, Write};

/// Writes one line of the result.
pub(crate) fn result(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Writes one line for the person.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Whether a person can watch bars move: not in a file, a pipe or a terminal without a cursor.
pub(crate) fn can_draw() -> bool {
    io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
