//! Whether the head of an answer promises the bytes that were asked for.
//!
//! Reads no body: that its length is right is seen when it has come.

use crate::digest::FileDigest;
use crate::fault::Fault;
use crate::hub::head::Head;
use crate::range::ByteRange;
use crate::range_set::RangeSet;

/// What an answer is held against.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The range that was asked for.
    pub asked: ByteRange,
    /// How long the whole file is.
    pub size: u64,
    /// What the whole file hashes to.
    pub digest: FileDigest,
    /// The ETag of the answers before it, if they had a strong one.
    pub validator: Option<&'a str>,
}

/// What an answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The range, exactly as asked.
    Range {
        /// The answer's strong ETag, as it stood in the header.
        validator: Option<String>,
    },
    /// The whole file from its first byte: the range was ignored.
    Whole {
        /// The answer's strong ETag, as it stood in the header.
        validator: Option<String>,
    },
    /// Nothing of it may become data.
    Fault(Fault),
}

/// Judges the head of an answer to a range request.
pub fn check_head(expected: &Expected<'_>, head: &Head) -> Verdict {
    judge(expected, head).unwrap_or_else(Verdict::Fault)
}

fn judge(expected: &Expected<'_>, head: &Head) -> Result<Verdict, Fault> {
    match head.status {
        206 => {
            check_coding(head)?;
            check_content_range(expected, head)?;
            Ok(Verdict::Range { validator: check_etag(expected, head)? })
        }
        200 => judge_whole(expected, head),
        status @ (401 | 403 | 404 | 410) => Err(Fault::refused(status)),
        416 => Err(Fault::Changed),
        511 => Err(Fault::Portal),
        status @ (408 | 425 | 429 | 500..=599) => {
            Err(Fault::Busy { status, retry_after: head.retry_after() })
        }
        300..=399 => Err(Fault::Redirects),
        status @ 400..=499 => Err(Fault::rejected(status)),
        status => Err(Fault::Malformed(format!("HTTP {status} to a range request"))),
    }
}

/// A `200` may be the whole file from a server that ignores ranges, or anything else.
fn judge_whole(expected: &Expected<'_>, head: &Head) -> Result<Verdict, Fault> {
    let is_length_right = head.content_length() == Some(expected.size);
    if head.is_html() && !is_length_right {
        return Err(Fault::Portal);
    }
    check_coding(head)?;
    let validator = check_etag(expected, head)?;
    let is_known = validator.is_some() && validator.as_deref() == expected.validator;
    let is_whole = is_length_right || (head.content_length().is_none() && is_known);
    if is_whole { Ok(Verdict::Whole { validator }) } else { Err(Fault::RangeIgnored) }
}

fn check_coding(head: &Head) -> Result<(), Fault> {
    if head.is_identity() {
        return Ok(());
    }
    Err(Fault::Encoded(head.header("content-encoding").unwrap_or_default().to_owned()))
}

fn check_content_range(expected: &Expected<'_>, head: &Head) -> Result<(), Fault> {
    let content_range = head.content_range();
    let answered = content_range.map(|content_range| content_range.range);
    let total = content_range.and_then(|content_range| content_range.total);
    if total.is_some_and(|total| total != expected.size) {
        return Err(Fault::Changed);
    }
    let is_length_right = head.content_length().is_none_or(|length| length == expected.asked.len());
    if answered != Some(expected.asked) || !is_length_right {
        return Err(Fault::WrongRange { asked: expected.asked, answered });
    }
    Ok(())
}

/// An ETag that is a SHA-256 other than the file's, or not the one of the answers before it, is
/// of another file.
fn check_etag(expected: &Expected<'_>, head: &Head) -> Result<Option<String>, Fault> {
    let Some(etag) = head.etag() else { return Ok(None) };
    if let Ok(digest @ FileDigest::Sha256(_)) = etag.value.parse()
        && matches!(expected.digest, FileDigest::Sha256(_))
        && digest != expected.digest
    {
        return Err(Fault::Changed);
    }
    if etag.weak {
        return Ok(None);
    }
    let raw = format!("\"{}\"", etag.value);
    match expected.validator {
        Some(validator) if validator != raw => Err(Fault::Changed),
        Some(_) | None => Ok(Some(raw)),
    }
}

/// Whether to take the whole file of `size` bytes for the sake of `gaps` from a server that has
/// ignored so many ranges in a row. It costs all bytes before the end of the last gap, so unless
/// few of those are there already, the server gets a chance to do better.
pub fn is_worth_streaming(gaps: &RangeSet, size: u64, ignored: u32) -> bool {
    let end = gaps.iter().last().map_or(0, |gap| gap.end);
    let for_nothing = end - gaps.len();
    ignored > IGNORED_MAX || for_nothing <= size / 8
}

/// So many ignored ranges in a row may still be a passing fault.
const IGNORED_MAX: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    const SHA256: &str = "b9a46943f30c38ebed71581b6e4ef89a1285c8d404dc3aea3af1c3efdc7395df";
    const OTHER: &str = "00a46943f30c38ebed71581b6e4ef89a1285c8d404dc3aea3af1c3efdc7395df";

    /// Bytes 10..20 of 100, with `"one"` as the ETag so far.
    fn verdict(status: u16, headers: &[(&str, &str)]) -> Verdict {
        let expected = Expected {
            asked: ByteRange::new(10, 20),
            size: 100,
            digest: SHA256.parse().unwrap(),
            validator: Some("\"one\""),
        };
        check_head(&expected, &Head::new(status, headers.iter().copied()))
    }

    fn range() -> Verdict {
        Verdict::Range { validator: None }
    }

    fn one() -> Option<String> {
        Some("\"one\"".to_owned())
    }

    fn wrong(start: u64, end: u64) -> Verdict {
        let answered = Some(ByteRange::new(start, end));
        Verdict::Fault(Fault::WrongRange { asked: ByteRange::new(10, 20), answered })
    }

    #[test]
    fn a_206_must_be_exactly_what_was_asked_for() {
        let right = ("content-range", "bytes 10-19/100");
        let asked = ByteRange::new(10, 20);
        for (headers, expected) in [
            (vec![right], range()),
            (vec![right, ("content-length", "10")], range()),
            (vec![right, ("etag", "\"one\"")], Verdict::Range { validator: one() }),
            (vec![right, ("etag", "W/\"two\"")], range()),
            (vec![right, ("etag", "\"two\"")], Verdict::Fault(Fault::Changed)),
            (vec![right, ("etag", OTHER)], Verdict::Fault(Fault::Changed)),
            (vec![right, ("content-length", "9")], wrong(10, 20)),
            (vec![("content-range", "bytes 10-18/100")], wrong(10, 19)),
            (vec![("content-range", "bytes 0-99/100")], wrong(0, 100)),
            (vec![("content-range", "bytes 10-19/101")], Verdict::Fault(Fault::Changed)),
            (vec![("content-range", "bytes 10-19/*")], range()),
            (vec![], Verdict::Fault(Fault::WrongRange { asked, answered: None })),
            (
                vec![right, ("content-encoding", "gzip")],
                Verdict::Fault(Fault::Encoded("gzip".to_owned())),
            ),
            (vec![right, ("content-encoding", "identity")], range()),
        ] {
            assert_eq!(verdict(206, &headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_200_is_the_whole_file_or_nothing() {
        let length = ("content-length", "100");
        let whole = Verdict::Whole { validator: None };
        for (headers, expected) in [
            (vec![length], whole),
            (vec![length, ("etag", "\"one\"")], Verdict::Whole { validator: one() }),
            (vec![("etag", "\"one\"")], Verdict::Whole { validator: one() }),
            (vec![length, ("etag", "\"two\"")], Verdict::Fault(Fault::Changed)),
            (vec![("content-length", "10")], Verdict::Fault(Fault::RangeIgnored)),
            (vec![], Verdict::Fault(Fault::RangeIgnored)),
            (
                vec![length, ("content-encoding", "gzip")],
                Verdict::Fault(Fault::Encoded("gzip".to_owned())),
            ),
            (
                vec![("content-type", "text/html; charset=utf-8"), ("content-length", "4000")],
                Verdict::Fault(Fault::Portal),
            ),
            (vec![("content-type", "text/html")], Verdict::Fault(Fault::Portal)),
        ] {
            assert_eq!(verdict(200, &headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_stream_is_taken_when_it_costs_little_or_nothing_else_comes() {
        let gaps = |ranges: &[(u64, u64)]| {
            ranges.iter().map(|&(start, end)| ByteRange::new(start, end)).collect::<RangeSet>()
        };
        for (missing, ignored, expected) in [
            (gaps(&[(0, 100)]), 1, true),
            (gaps(&[(6, 100)]), 1, true),
            (gaps(&[(50, 100)]), 1, false),
            (gaps(&[(50, 100)]), 3, false),
            (gaps(&[(50, 100)]), 4, true),
            (gaps(&[(0, 10)]), 1, true),
            (gaps(&[(0, 10), (90, 100)]), 1, false),
        ] {
            assert_eq!(is_worth_streaming(&missing, 100, ignored), expected, "{missing:?}");
        }
    }

    #[test]
    fn other_answers_are_faults() {
        let busy = |status, seconds: Option<u64>| Fault::Busy {
            status,
            retry_after: seconds.map(std::time::Duration::from_secs),
        };
        for (status, headers, expected) in [
            (403, vec![], Fault::refused(403)),
            (404, vec![], Fault::refused(404)),
            (416, vec![], Fault::Changed),
            (429, vec![("retry-after", "7")], busy(429, Some(7))),
            (503, vec![], busy(503, None)),
            (511, vec![], Fault::Portal),
            (302, vec![], Fault::Redirects),
            (405, vec![], Fault::rejected(405)),
        ] {
            assert_eq!(verdict(status, &headers), Verdict::Fault(expected), "{status}");
        }
    }
}
