//! How a failure reads: what happened, whose fault it is, what is safe, and what to do next.
//!
//! The words of the error are the library's.

use std::time::Duration;

use engine::fault::Blame;
use moshi_fetch::error::{Error, ErrorKind};

use super::paint::Paint;
use super::quantity;

/// The error as a person reads it. `command` is what was typed, to be run again.
pub(crate) fn render(error: &Error, command: &str, paint: Paint) -> String {
    let mut text = String::new();
    let message = error.to_string();
    match &error.subject {
        Some(subject) if !message.contains(subject.as_str()) => {
            text.push_str(&format!("{}: {subject}: {message}\n", paint.error("error")));
        }
        Some(_) | None => text.push_str(&format!("{}: {message}\n", paint.error("error"))),
    }
    if let ErrorKind::Some { failed, .. } = &error.kind {
        for (path, fault) in failed.iter().skip(1).take(FILES_MAX) {
            text.push_str(&format!("  also: {path}: {fault}\n"));
        }
    }
    if let Some(cause) = cause(error) {
        text.push_str(&format!("  cause: {cause}\n"));
    }
    if error.attempts > 1 || error.elapsed >= LONG {
        let times = quantity::count(u64::from(error.attempts), "time", "times");
        text.push_str(&format!("  tried: {times} in {}\n", quantity::duration(error.elapsed)));
    }
    if let Some(safe) = error.safe {
        let (proven, total) = (quantity::size(safe.proven), quantity::size(safe.total));
        text.push_str(&format!("  safe: {proven} of {total} are on disk and recorded\n"));
    }
    if let Some(hint) = error.hint() {
        text.push_str(&format!("\n{}: {hint}\n", paint.hint("hint")));
        if hint.contains("same command") {
            text.push_str(&format!("  {command}\n"));
        }
    }
    text
}

fn cause(error: &Error) -> Option<&'static str> {
    if matches!(error.kind, ErrorKind::Usage(_)) {
        return None;
    }
    Some(match error.blame()? {
        Blame::Link => "the way to the hub, neither this disk nor what was asked for",
        Blame::Server => "the hub or its storage",
        Blame::Request => "what was asked for",
        Blame::Disk => "this machine's disk",
    })
}

/// Failures that took less than this are not said to have taken any time.
const LONG: Duration = Duration::from_secs(1);
/// More failed files than this are not listed one by one.
const FILES_MAX: usize = 10;

#[cfg(test)]
mod tests {
    use engine::fault::{DiskFault, Fault};
    use moshi_fetch::error::Safe;

    use super::*;

    fn check(error: &Error, expected: &str) {
        let command = "moshi-fetch download org/name";
        assert_eq!(render(error, command, Paint::Plain), expected);
    }

    #[test]
    fn a_request_that_makes_no_sense() {
        check(
            &Error::usage("two revisions"),
            "error: two revisions\n\nhint: see `moshi-fetch --help`\n",
        );
    }

    #[test]
    fn a_repository_that_does_not_exist() {
        let error = Error::from(Fault::NoSuchRepo("org/name".to_owned())).about("org/name");
        check(
            &error,
            "error: no repository org/name\n  cause: what was asked for\n\nhint: check the \
             spelling and --repo-type; a private repository needs a token (HF_TOKEN)\n",
        );
    }

    #[test]
    fn a_full_disk_says_what_is_safe() {
        let mut error = Error::from(DiskFault::Full).about("/models");
        error.safe = Some(Safe { proven: 3_200_000_000, total: 14_320_000_000 });
        check(
            &error,
            "error: /models: no space left on the disk\n  cause: this machine's disk\n  safe: \
             3.20 GB of 14.3 GB are on disk and recorded\n\nhint: free some space, or use \
             --cache-dir on another disk; then run the same command again\n  moshi-fetch \
             download org/name\n",
        );
    }

    #[test]
    fn patience_that_has_ended() {
        let after = Duration::from_secs(3_600);
        let fault = Some(Fault::Silent(Duration::from_secs(30)));
        let mut error = Error::new(ErrorKind::GaveUp { after, fault });
        (error.attempts, error.elapsed) = (124, Duration::from_secs(4_000));
        check(
            &error,
            "error: gave up after 3600 s without progress; the last fault: nothing arrived for 30 \
             s\n  cause: the way to the hub, neither this disk nor what was asked for\n  tried: \
             124 times in 66 min 40 s\n\nhint: run the same command again when the link is \
             better: it continues\n  moshi-fetch download org/name\n",
        );
    }
}
