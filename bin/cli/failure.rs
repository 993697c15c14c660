//! How a failure reads: what happened, whose fault it is, what is safe, and what to do next.
//!
//! The words of the error are the library's.

use engine::fault::{Blame, Fault};
use moshi_fetch::error::{Error, ErrorKind};

use super::units;

/// The error as a person reads it, line by line. `command` is what was typed, to be run again; the
/// publisher vouches for `vouched` bytes of what is safe.
pub(crate) fn render(error: &Error, vouched: u64, command: &str) -> Vec<String> {
    let mut lines = vec![headline(error)];
    if let ErrorKind::Some { failed, .. } = &error.kind {
        lines.extend(others(failed));
    }
    if let Some(cause) = cause(error) {
        lines.push(format!("  cause: {cause}"));
    }
    if error.attempts > 1 && !matches!(error.kind, ErrorKind::Interrupted) {
        let times = units::count(u64::from(error.attempts), "time", "times");
        lines.push(format!("  tried: {times} in {}", units::duration(error.elapsed)));
    }
    if let Some(safe) = error.safe.filter(|safe| safe.proven > 0) {
        let (proven, total) = (units::size(safe.proven), units::size(safe.total));
        let mut words = format!("  safe: {proven} of {total} are on disk and recorded");
        if vouched > 0 {
            let vouched = units::size(vouched);
            words.push_str(&format!(", {vouched} of it vouched for by the publisher"));
        }
        lines.push(words);
    }
    if let Some(hint) = error.hint() {
        lines.extend([String::new(), format!("hint: {hint}")]);
        if hint.contains("same command") {
            lines.push(format!("  {command}"));
        }
    }
    lines
}

/// What happened, in one line.
fn headline(error: &Error) -> String {
    let message = error.to_string();
    match (&error.kind, &error.subject) {
        (ErrorKind::Interrupted, _) => "interrupted; what has arrived is saved".to_owned(),
        (_, Some(subject)) if !message.contains(subject.as_str()) => {
            format!("error: {subject}: {message}")
        }
        (_, Some(_) | None) => format!("error: {message}"),
    }
}

/// The files that failed besides the first: by name, where they failed just like it.
fn others(failed: &[(String, Fault)]) -> Vec<String> {
    let Some(((_, first), rest)) = failed.split_first() else { return Vec::new() };
    let like_first = rest.iter().filter(|(_, fault)| fault == first);
    let names: Vec<&str> = like_first.map(|(path, _)| path.as_str()).collect();
    let mut lines = Vec::new();
    if !names.is_empty() {
        let (shown, hidden) = names.split_at(names.len().min(FILES_MAX));
        let mut line = format!("  just so: {}", shown.join(", "));
        if !hidden.is_empty() {
            line.push_str(&format!(" and {} more", hidden.len()));
        }
        lines.push(line);
    }
    let unlike = rest.iter().filter(|(_, fault)| fault != first);
    lines.extend(unlike.take(FILES_MAX).map(|(path, fault)| format!("  also: {path}: {fault}")));
    lines
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

/// More failed files than this are not listed.
const FILES_MAX: usize = 10;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use engine::fault::DiskFault;
    use moshi_fetch::error::Safe;

    use super::*;

    const VOUCHED: u64 = 3_100_000_000;

    fn check(error: &Error, expected: &str) {
        let command = "moshi-fetch download org/name";
        assert_eq!(render(error, VOUCHED, command).join("\n") + "\n", expected);
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
             3.20 GB of 14.3 GB are on disk and recorded, 3.10 GB of it vouched for by the \
             publisher\n\nhint: free some space, or use --cache-dir on another disk; then run \
             the same command again\n  moshi-fetch download org/name\n",
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

    #[test]
    fn an_interruption_is_no_error() {
        let mut error = Error::new(ErrorKind::Interrupted);
        error.safe = Some(Safe { proven: 0, total: 14_320_000_000 });
        check(
            &error,
            "interrupted; what has arrived is saved\n\nhint: run the same command again: it \
             continues\n  moshi-fetch download org/name\n",
        );
    }

    #[test]
    fn several_files() {
        let gated = || Fault::Gated("org/name is gated".to_owned());
        let failed = vec![
            ("a".to_owned(), gated()),
            ("b".to_owned(), Fault::Changed),
            ("c".to_owned(), gated()),
            ("d".to_owned(), gated()),
        ];
        check(
            &Error::new(ErrorKind::Some { failed, of: 5 }),
            "error: 4 of 5 files could not be fetched; the first: a: org/name is gated\n  just so: \
             c, d\n  also: b: the file on the server is not the one we began with\n  cause: what \
             was asked for\n\nhint: ask for access on the repository's page, with the account of \
             the token\n",
        );
    }
}
