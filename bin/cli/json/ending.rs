//! The last line of `--json`: `done` or `error`.
//!
//! There is exactly one of the two, and nothing comes after it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use moshi_fetch::error::Error;
use moshi_fetch::news::{FetchedFile, Report};
use serde::{Serialize, Serializer};

/// The fetch has done what was asked.
pub(crate) fn done(report: &Report, is_dry_run: bool) -> impl Serialize + '_ {
    Ending::Done {
        path: report.path.to_string_lossy(),
        commit: &report.commit,
        dry_run: is_dry_run,
        seconds: report.elapsed.as_secs_f64(),
        received: report.stats.received,
        wasted: report.stats.wasted,
        requests: report.stats.requests,
        faults: &report.stats.faults,
        files: DoneLines(&report.files),
    }
}

/// It has not.
pub(crate) fn error(error: &Error) -> impl Serialize + '_ {
    Ending::Error {
        exit_code: error.exit_code(),
        message: error.to_string(),
        subject: error.subject.as_deref(),
        hint: error.hint(),
        bytes: error.safe.map(|safe| safe.proven),
        total: error.safe.map(|safe| safe.total),
    }
}

#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Ending<'a> {
    /// `path` is what to open.
    Done {
        path: Cow<'a, str>,
        commit: &'a str,
        dry_run: bool,
        seconds: f64,
        received: u64,
        wasted: u64,
        requests: u64,
        faults: &'a BTreeMap<&'static str, u64>,
        files: DoneLines<'a>,
    },
    /// `bytes` of `total` are safe on the disk, if a download had begun.
    Error {
        exit_code: u8,
        message: String,
        subject: Option<&'a str>,
        hint: Option<&'static str>,
        bytes: Option<u64>,
        total: Option<u64>,
    },
}

/// The files of `done`, written one after the other.
#[derive(Debug)]
struct DoneLines<'a>(&'a [FetchedFile]);

impl Serialize for DoneLines<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|file| DoneLine {
            file: &file.path,
            path: file.local.to_string_lossy(),
            bytes: file.size,
            digest: &file.digest,
            present: file.was_present,
            verified: file.verified.map(|since_1970| since_1970.as_secs()),
        }))
    }
}

/// A file of `done`; `present` if it was there before, and `verified` then, in seconds since 1970,
/// if it was not read now.
#[derive(Debug, Serialize)]
struct DoneLine<'a> {
    file: &'a str,
    path: Cow<'a, str>,
    bytes: u64,
    digest: &'a str,
    present: bool,
    verified: Option<u64>,
}
