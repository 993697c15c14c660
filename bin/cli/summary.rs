//! The last word about a fetch that did what was asked: what came, what it cost, what it rests on.
//!
//! Failures are told elsewhere.

use std::time::{Duration, SystemTime};

use moshi_fetch::news::{FetchedFile, Report};

use super::units::{count, duration, rate, size};
use super::view::View;

/// What a summary is about, beside the report.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// Bytes that were proven in this run.
    pub(crate) gained: u64,
    /// Bytes proven per second, from the first request to the last.
    pub(crate) mean: u64,
    /// Bytes that the publisher vouched for while files were not yet whole.
    pub(crate) vouched: u64,
    /// Whether the person gave the digest, and not a publisher.
    pub(crate) is_own_digest: bool,
}

/// The lines for a fetch that is done.
pub(crate) fn render(report: &Report, run: Run) -> Vec<String> {
    let bytes: u64 = report.files.iter().map(|file| file.size).sum();
    let fetched = report.files.iter().filter(|file| !file.was_present).count();
    let mut lines = Vec::new();
    if fetched == 0 {
        let what = match report.files.as_slice() {
            [file] => format!("{} ({}) is", file.path, size(bytes)),
            files => {
                format!("{} ({}) are", count(files.len() as u64, "file", "files"), size(bytes))
            }
        };
        lines.push(format!("{what} in place already: nothing was fetched"));
    } else {
        lines.push(cost(report, run, fetched));
        if run.vouched > 0 {
            lines.push(format!("vouched by the publisher on the way: {}", size(run.vouched)));
        }
    }
    lines.push(ground(report, run));
    lines.extend(trust(report));
    lines
}

/// The lines for a fetch that was only planned, one after the other: there may be a million.
pub(crate) fn render_plan(view: &View) -> impl Iterator<Item = String> {
    let states = view.plan().map(|file| {
        let state = if file.is_in_place { "in place" } else { "to fetch" };
        format!("{state}  {:>8}  {}", size(file.size), file.path)
    });
    let missing = || view.plan().filter(|file| !file.is_in_place);
    let last = match missing().count() as u64 {
        0 => "a dry run: there is nothing to fetch".to_owned(),
        number => {
            let bytes = size(missing().map(|file| file.size).sum());
            let files = count(number, "file", "files");
            format!("a dry run: {files} to fetch, {bytes}; nothing was fetched")
        }
    };
    states.chain([last])
}

/// What came, how fast, and what went wrong on the way.
fn cost(report: &Report, run: Run, fetched: usize) -> String {
    let bytes = report.files.iter().filter(|file| !file.was_present).map(|file| file.size).sum();
    let mut words = size(bytes);
    if report.files.len() > 1 {
        words.push_str(&format!(" ({})", count(fetched as u64, "file", "files")));
    }
    words.push_str(&format!(" in {}", duration(report.elapsed)));
    let before = bytes.saturating_sub(run.gained);
    if before > 0 && run.gained > 0 {
        words.push_str(&format!(", {} of it from before", size(before)));
    }
    if run.mean > 0 {
        words.push_str(&format!(", {} on average", rate(run.mean)));
    }
    words.push_str(&format!("; {}", faults(report)));
    if report.stats.wasted > 0 {
        words.push_str(&format!("; {} came in vain", size(report.stats.wasted)));
    }
    if report.stats.refetched > 0 {
        let twice = size(report.stats.refetched);
        words.push_str(&format!("; {twice} were fetched twice to find damage"));
    }
    words
}

fn faults(report: &Report) -> String {
    let kinds = &report.stats.faults;
    let total = count(report.stats.fault_count(), "fault", "faults");
    match kinds.len() {
        0 => "no faults met".to_owned(),
        1 => kinds.keys().fold(total, |total, kind| format!("{total} met: {kind}")),
        _ => {
            let each: Vec<String> =
                kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            format!("{total} met: {}", each.join(", "))
        }
    }
}

/// What the truth of the files rests on.
fn ground(report: &Report, run: Run) -> String {
    let says = if run.is_own_digest { "you gave" } else { "its publisher says" };
    if let [file] = report.files.as_slice() {
        let (name, hex) = digest(file);
        return format!("verified{}: {name} {hex}, which is what {says}", when(file));
    }
    let of = |name: &str| report.files.iter().filter(|file| digest(file).0 == name).count() as u64;
    let grounds: Vec<String> = [SHA256, GIT_SHA1]
        .into_iter()
        .filter(|name| of(name) > 0)
        .map(|name| format!("{} by {name}", count(of(name), "file", "files")))
        .collect();
    format!("verified, as their publisher says: {}", grounds.join(", "))
}

/// When a file was verified that was not read now.
fn when(file: &FetchedFile) -> String {
    file.verified.map_or_else(String::new, |at| format!(" on {}", date(at)))
}

/// What was believed without being read, and how to have it read.
fn trust(report: &Report) -> Option<String> {
    let believed: Vec<_> = report.files.iter().filter_map(|file| file.verified).collect();
    let oldest = date(*believed.iter().min()?);
    let how = "by length and date; `moshi-fetch verify` reads again";
    Some(match (believed.len() as u64, report.files.len()) {
        (1, 1) => format!("it is as it was then, {how}"),
        (1, _) => format!("1 of them was verified on {oldest} and is as it was then, {how}"),
        (many, _) => {
            format!("{many} of them were verified on {oldest} or later and are as they were, {how}")
        }
    })
}

/// A date, in the form that HTTP has for it, which is in UTC.
fn date(since_1970: Duration) -> String {
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + since_1970)
}

/// The name and the digits of what a file was verified by.
fn digest(file: &FetchedFile) -> (&'static str, &str) {
    let hex = file.digest.rsplit(':').next().unwrap_or_default();
    (if hex.len() == GIT_SHA1_LEN { GIT_SHA1 } else { SHA256 }, hex)
}

const SHA256: &str = "SHA-256";
const GIT_SHA1: &str = "git SHA-1";
const GIT_SHA1_LEN: usize = 40;

#[cfg(test)]
mod tests {
    use engine::stats::Stats;

    use super::*;

    fn file(path: &str, len: u64, digest: &str, was_present: bool) -> FetchedFile {
        FetchedFile {
            path: path.to_owned(),
            local: path.into(),
            size: len,
            digest: digest.to_owned(),
            was_present,
            verified: was_present.then_some(Duration::from_secs(1_795_803_133)),
        }
    }

    fn check(files: Vec<FetchedFile>, stats: Stats, is_own_digest: bool, expected: &[&str]) {
        let elapsed = Duration::from_secs(10_680);
        let report = Report { path: "x".into(), commit: String::new(), files, stats, elapsed };
        let run =
            Run { gained: 7_220_000_000, mean: 676_000, vouched: 14_300_000_000, is_own_digest };
        assert_eq!(render(&report, run), expected);
    }

    #[test]
    fn says_what_it_cost_and_what_it_rests_on() {
        let sha256 = format!("sha256:{}", "ab".repeat(32));
        let git = format!("git-sha1:{}", "cd".repeat(20));
        let model = |was_present| file("model.safetensors", 14_320_000_000, &sha256, was_present);
        let config = |was_present| file("config.json", 1_024, &git, was_present);
        let faults = [("reset", 41), ("silent", 2)].into_iter().collect();
        let stats = Stats { wasted: 120_000, refetched: 8_192, faults, ..Stats::default() };
        check(
            vec![model(false)],
            stats,
            false,
            &[
                "14.3 GB in 2 h 58 min, 7.10 GB of it from before, 676 KB/s on average; 43 faults \
                 met: 41 reset, 2 silent; 120 KB came in vain; 8.19 KB were fetched twice to find \
                 damage",
                "vouched by the publisher on the way: 14.3 GB",
                &format!("verified: SHA-256 {}, which is what its publisher says", &sha256[7..]),
            ],
        );
        check(
            vec![model(true)],
            Stats::default(),
            true,
            &[
                "model.safetensors (14.3 GB) is in place already: nothing was fetched",
                &format!(
                    "verified on Fri, 27 Nov 2026 18:12:13 GMT: SHA-256 {}, which is what you gave",
                    &sha256[7..]
                ),
                "it is as it was then, by length and date; `moshi-fetch verify` reads again",
            ],
        );
        let faults = [("reset", 1)].into_iter().collect();
        check(
            vec![model(true), config(false)],
            Stats { faults, ..Stats::default() },
            false,
            &[
                "1.02 KB (1 file) in 2 h 58 min, 676 KB/s on average; 1 fault met: reset",
                "vouched by the publisher on the way: 14.3 GB",
                "verified, as their publisher says: 1 file by SHA-256, 1 file by git SHA-1",
                "1 of them was verified on Fri, 27 Nov 2026 18:12:13 GMT and is as it was then, by \
                 length and date; `moshi-fetch verify` reads again",
            ],
        );
    }
}
