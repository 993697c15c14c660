//! What came of looking at a file, as a sentence and as JSON.
//!
//! The names in the JSON are a contract: they are added to, never changed.

use engine::range::ByteRange;
use moshi_fetch::verify::{Finding, Unjudged, Verdict};
use serde::Serialize;

use super::units::{range, size};

/// The sentence about a file.
pub(crate) fn render(finding: &Finding) -> String {
    let mut words = format!("{}: {}", finding.path, verdict(finding));
    if let Some(holder) = &finding.held_by {
        words.push_str(&format!("; it is being written by {holder}"));
    }
    words
}

fn verdict(finding: &Finding) -> String {
    let total = finding.size.map_or_else(String::new, |len| format!(" of {}", size(len)));
    match &finding.verdict {
        Verdict::Intact => {
            let digest = finding.digest.as_deref().unwrap_or_default();
            let len = finding.size.map_or_else(String::new, |len| format!(", {}", size(len)));
            format!("intact{len}; {digest} is what its publisher says")
        }
        Verdict::Damaged { ranges, unrecorded } => {
            let mut words = match ranges.as_slice() {
                [] => "damaged: it does not match the digest its publisher gives".to_owned(),
                ranges => format!("damaged in {}", list(ranges)),
            };
            match (unrecorded.as_slice(), finding.size) {
                ([], _) => {}
                ([all], Some(len)) if all.len() == len => {
                    words.push_str("; there are no records that could tell where");
                }
                (ranges, _) => words.push_str(&format!("; without a record: {}", list(ranges))),
            }
            words
        }
        Verdict::Incomplete { proven, damaged, missing } => {
            let proven = size(*proven);
            let mut words = format!("incomplete: {proven}{total} are as they were recorded");
            if !damaged.is_empty() {
                words.push_str(&format!("; damaged in {}", list(damaged)));
            }
            format!("{words}; {} are missing", size(*missing))
        }
        Verdict::Missing => "missing: nothing of it is here".to_owned(),
        Verdict::Unjudged { why: Unjudged::NoDigest, .. } => {
            "cannot be judged: nothing here says what it must hash to, nor did the hub".to_owned()
        }
        Verdict::Unjudged { why: Unjudged::Unreadable(fault), .. } => {
            format!("cannot be judged: {fault}")
        }
        Verdict::Unjudged { len, why: Unjudged::OnlyTheWhole } => format!(
            "cannot be judged: {}{total} are here, and only a digest of the whole file exists; a \
             part can be judged by the records that this program keeps of its own downloads",
            size(*len)
        ),
    }
}

fn list(ranges: &[ByteRange]) -> String {
    let shown: Vec<String> = ranges.iter().take(RANGES_MAX).map(|it| range(*it)).collect();
    let more = ranges.len().saturating_sub(RANGES_MAX);
    let and = if more > 0 { format!(" and {more} more places") } else { String::new() };
    format!("{}{and}", shown.join(", "))
}

/// The JSON for a file that is being read. What is damaged is read twice.
pub(crate) const fn reading(file: &str, read: u64) -> Object<'_> {
    Object::Reading { file, bytes: read }
}

/// The JSON for the end, when all is intact: by now, if there was something to repair.
pub(crate) const fn all_intact(count: usize) -> Object<'static> {
    Object::Intact { files: count }
}

/// The JSON for a file that was judged.
pub(crate) fn object(finding: &Finding) -> Object<'_> {
    let (verdict, damaged, proven, missing) = match &finding.verdict {
        Verdict::Intact => ("intact", &[][..], finding.size, None),
        Verdict::Damaged { ranges, .. } => ("damaged", &ranges[..], None, None),
        Verdict::Incomplete { proven, damaged, missing } => {
            ("incomplete", &damaged[..], Some(*proven), Some(*missing))
        }
        Verdict::Missing => ("missing", &[][..], None, finding.size),
        Verdict::Unjudged { .. } => ("unjudged", &[][..], None, None),
    };
    let unrecorded = match &finding.verdict {
        Verdict::Damaged { unrecorded, .. } => spans(unrecorded),
        Verdict::Intact
        | Verdict::Incomplete { .. }
        | Verdict::Missing
        | Verdict::Unjudged { .. } => Vec::new(),
    };
    Object::Judged {
        file: &finding.path,
        path: finding.local.as_ref().map(|path| path.to_string_lossy().into_owned()),
        verdict,
        message: render(finding),
        total: finding.size,
        digest: finding.digest.as_deref(),
        bytes: proven,
        missing,
        unrecorded,
        damaged: spans(damaged),
        held_by: finding.held_by.as_deref(),
    }
}

fn spans(ranges: &[ByteRange]) -> Vec<Span> {
    ranges.iter().map(|it| Span { start: it.start, end: it.end }).collect()
}

#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Object<'a> {
    /// So many bytes of a file were read.
    Reading { file: &'a str, bytes: u64 },
    /// A file was judged: `bytes` are proven, those in `damaged` are not as they were recorded,
    /// those in `unrecorded` have no record that could tell.
    Judged {
        file: &'a str,
        path: Option<String>,
        verdict: &'static str,
        message: String,
        total: Option<u64>,
        digest: Option<&'a str>,
        bytes: Option<u64>,
        missing: Option<u64>,
        unrecorded: Vec<Span>,
        damaged: Vec<Span>,
        held_by: Option<&'a str>,
    },
    /// So many files were looked at, and all are as they should be.
    Intact { files: usize },
}

/// Bytes of a file; `end` is exclusive.
#[derive(Debug, Serialize)]
pub(crate) struct Span {
    start: u64,
    end: u64,
}

/// More places than this are not listed one by one.
const RANGES_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(verdict: Verdict, expected: &str) {
        let finding = Finding {
            path: "a.bin".to_owned(),
            local: None,
            size: Some(20_000_000),
            digest: Some("sha256:00".to_owned()),
            verdict,
            held_by: None,
        };
        assert_eq!(render(&finding), format!("a.bin: {expected}"));
    }

    #[test]
    fn each_verdict_is_a_sentence() {
        check(Verdict::Intact, "intact, 20.0 MB; sha256:00 is what its publisher says");
        let ranges = vec![ByteRange::new(0, 500), ByteRange::new(1_000, 2_000)];
        check(
            Verdict::Damaged { ranges: ranges.clone(), unrecorded: Vec::new() },
            "damaged in bytes 0–499 (500 B), bytes 1000–1999 (1.00 KB)",
        );
        check(
            Verdict::Damaged {
                ranges: Vec::new(),
                unrecorded: vec![ByteRange::new(0, 20_000_000)],
            },
            "damaged: it does not match the digest its publisher gives; there are no records that \
             could tell where",
        );
        check(
            Verdict::Damaged { ranges: Vec::new(), unrecorded: ranges },
            "damaged: it does not match the digest its publisher gives; without a record: bytes \
             0–499 (500 B), bytes 1000–1999 (1.00 KB)",
        );
        check(
            Verdict::Incomplete { proven: 5_000_000, damaged: Vec::new(), missing: 15_000_000 },
            "incomplete: 5.00 MB of 20.0 MB are as they were recorded; 15.0 MB are missing",
        );
        check(Verdict::Missing, "missing: nothing of it is here");
    }

    #[test]
    fn many_places_are_summed_up() {
        let ranges: Vec<ByteRange> = (0..20).map(|at| ByteRange::new(2 * at, 2 * at + 1)).collect();
        assert!(list(&ranges).ends_with(" and 12 more places"));
    }
}
