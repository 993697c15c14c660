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

/// Leaves the cursor at the start of its line: at the end of a full one the `^C` that a terminal
/// echoes would wrap, and the line above would be left behind.
pub(crate) fn rest_cursor() {
    let mut out = io::stderr().lock();
    let _ = write!(out, "\r").and_then(|()| out.flush());
}

/// Whether a person can watch bars move: not in a file, a pipe or a terminal without a cursor.
pub(crate) fn can_draw() -> bool {
    io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
