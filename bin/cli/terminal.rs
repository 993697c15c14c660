//! The two streams of the command: results to stdout, everything else to stderr. Whatever goes
//! there passes the [gate](super::gate).
//!
//! Decides nothing about what is said. A stream that nobody reads any more is no reason to stop a
//! download, so failing to write is not an error here.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

use serde::Serialize;

use super::gate::{self, Inert};
use super::style::Paint;

/// Writes one line of the result.
pub(crate) fn result(line: &str) {
    write_result(gate::line(line).as_bytes());
}

/// Writes a path as the result: as it is for a program, which will open it, and for a person as it
/// can be shown.
pub(crate) fn path(path: &Path) {
    if io::stdout().is_terminal() {
        return result(&path.to_string_lossy());
    }
    write_result(path.as_os_str().as_encoded_bytes());
}

/// Writes a text of our own, which is for a program.
pub(crate) fn own(text: &[u8]) {
    write_result(text.trim_ascii_end());
}

fn write_result(line: &[u8]) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(line).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
}

/// Writes an object as one line of JSON.
pub(crate) fn object(object: &impl Serialize) {
    let mut out = BufWriter::new(io::stdout().lock());
    let _ = write_object(&mut out, object).and_then(|()| out.flush());
}

/// Writes an object and the end of its line.
pub(crate) fn write_object(out: &mut impl Write, object: &impl Serialize) -> io::Result<()> {
    let mut json = serde_json::Serializer::with_formatter(&mut *out, Inert::default());
    object.serialize(&mut json)?;
    out.write_all(b"\n")
}

/// Writes one line for the person.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", gate::line(line));
}

/// Writes the lines of an error, with colour if there is to be any.
pub(crate) fn complain(lines: &[String], paint: Paint) {
    for line in lines {
        let _ = writeln!(io::stderr().lock(), "{}", paint.line(&gate::line(line)));
    }
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
