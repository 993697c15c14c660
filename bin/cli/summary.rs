//! The last word about a fetch that did what was asked: what came, what it cost, what it rests on.
//!
//! Failures are told elsewhere.

use moshi_fetch::news::{FetchedFile, Report};

use super::quantity::{count, duration, rate, size};
use super::story::Story;

/// What a summary is about, beside the report.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// Bytes that were proven in this run.
    pub(crate) gained: u64,
    /// Bytes proven per second, from the first request to the last.
    pub(crate) mean: u64,
    /// Whether the person gave the digest, and not a publisher.
    pub(crate) is_own_digest: bool,
}

/// The lines for a fetch that is done.
pub(crate) fn render(report: &Report, run: Run) -> Vec<String> {
    let bytes: u64 = report.files.iter().map(|file| file.size).sum();
    let fetched = report.files.iter().filter(|file| !file.was_present).count();
    let mut lines = Vec::new();
    if fetched == 0 {
        let what = what(&report.files);
        lines.push(format!("{what} ({}) in place already: nothing was fetched", size(bytes)));
    } else {
        lines.push(cost(report, run, fetched));
    }
    lines.push(ground(report, run));
    lines
}

/// The lines for a fetch that was only planned.
pub(crate) fn render_plan(story: &Story) -> Vec<String> {
    let files = story.plan();
    let states = files.iter().map(|file| {
        let state = if file.is_in_place { "in place" } else { "to fetch" };
        format!("{state}  {:>8}  {}", size(file.size), file.path)
    });
    let mut lines: Vec<String> = states.collect();
    let missing = files.iter().filter(|file| !file.is_in_place);
    let bytes = missing.clone().map(|file| file.size).sum();
    let files = count(missing.count() as u64, "file", "files");
    lines.push(format!("a dry run: {files} to fetch, {}; nothing was fetched", size(bytes)));
    lines
}

/// What came, how fast, and what went wrong on the way.
fn cost(report: &Report, run: Run, fetched: usize) -> String {
    let bytes = report.files.iter().filter(|file| !file.was_present).map(|file| file.size).sum();
    let mut words = size(bytes);
    if report.files.len() > 1 {
        words.push_str(&format!(" in {}", count(fetched as u64, "file", "files")));
    }
    words.push_str(&format!(", {}", duration(report.elapsed)));
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
        let verified = if file.was_present { "stands under" } else { "verified:" };
        let (name, hex) = digest(file);
        return format!("{verified} {name} {hex}, which is what {says}");
    }
    let of = |name: &str| report.files.iter().filter(|file| digest(file).0 == name).count() as u64;
    let grounds: Vec<String> = [SHA256, GIT_SHA1]
        .into_iter()
        .filter(|name| of(name) > 0)
        .map(|name| format!("{} by {name}", count(of(name), "file", "files")))
        .collect();
    format!("verified, as their publisher says: {}", grounds.join(", "))
}

fn what(files: &[FetchedFile]) -> String {
    match files {
        [file] => format!("{} is", file.path),
        files => format!("{} are", count(files.len() as u64, "file", "files")),
    }
}

/// The name and the digits of what a file was verified by.
fn digest(file: &FetchedFile) -> (&'static str, &str) {
    let hex = file.digest.rsplit(':').next().unwrap_or_default();
    (if hex.len() == GIT_SHA1_LEN { GIT_SHA1 } else { SHA256 }, hex)
}

const SHA256: &str = "SHA-256";
const GIT_SHA1: &str = "git SHA-1";
const GIT_SHA1_LEN: usize = 40;
