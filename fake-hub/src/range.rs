//! `Range`, `If-Range` and `Content-Range` as a well-behaved CDN reads and writes them.
//!
//! Of a file only single ranges: several at once are answered with the whole file, as RFC 9110
//! allows. Xorbs are served in several.

use std::iter;
use std::ops::Range;

/// What a `Range` header asks of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// No range, or one that has to be ignored: 200.
    Whole,
    /// A range within the file, end exclusive: 206.
    Part(Range<u64>),
    /// Nothing of it lies within the file: 416.
    Unsatisfiable,
}

impl Asked {
    /// Judges a `Range` header for a file of `len` bytes.
    pub(crate) fn of(header: Option<&str>, len: u64) -> Self {
        let Some(spec) = header.and_then(|value| value.trim().strip_prefix(UNIT)) else {
            return Self::Whole;
        };
        let Some((first, last)) = spec.trim().split_once('-') else {
            return Self::Whole;
        };
        let (first, last) = (position(first), position(last));
        match (first, last) {
            (Ok(Some(first)), Ok(Some(last))) if first > last => Self::Whole,
            (Ok(Some(first)), Ok(_)) if first >= len => Self::Unsatisfiable,
            (Ok(Some(first)), Ok(Some(last))) => Self::Part(first..len.min(last.saturating_add(1))),
            (Ok(Some(first)), Ok(None)) => Self::Part(first..len),
            (Ok(None), Ok(Some(0))) => Self::Unsatisfiable,
            (Ok(None), Ok(Some(_))) if len == 0 => Self::Unsatisfiable,
            (Ok(None), Ok(Some(suffix))) => Self::Part(len.saturating_sub(suffix)..len),
            (Ok(None), Ok(None)) | (Err(_), _) | (_, Err(_)) => Self::Whole,
        }
    }

    /// The bytes that will be served, end exclusive.
    pub(crate) fn span(&self, len: u64) -> Range<u64> {
        match self {
            Self::Whole => 0..len,
            Self::Part(part) => part.clone(),
            Self::Unsatisfiable => 0..0,
        }
    }
}

/// The ranges of a header, or the whole; none if they are not ranges within `len` bytes.
pub(crate) fn spans(header: Option<&str>, len: u64) -> Option<Vec<Range<u64>>> {
    let Some(header) = header else {
        return (len > 0).then(|| iter::once(0..len).collect());
    };
    let ranges = header.trim().strip_prefix(UNIT)?;
    let span = |range: &str| match Asked::of(Some(&format!("{UNIT}{range}")), len) {
        Asked::Part(part) => Some(part),
        Asked::Whole | Asked::Unsatisfiable => None,
    };
    ranges.split(',').map(span).collect()
}

/// The `Range` header for these bytes.
pub(crate) fn range_header(spans: &[Range<u64>]) -> String {
    let ranges: Vec<_> =
        spans.iter().map(|span| format!("{}-{}", span.start, span.end - 1)).collect();
    format!("{UNIT}{}", ranges.join(","))
}

/// Whether `If-Range` lets the range stand: a strong ETag that is exactly ours. No answer names a
/// date to go by.
pub(crate) fn is_same_version(if_range: Option<&str>, etag: Option<&str>) -> bool {
    let strong = etag.filter(|etag| !etag.starts_with("W/"));
    if_range.is_none_or(|value| Some(value) == strong)
}

/// The header of a 206.
pub(crate) fn content_range(part: &Range<u64>, len: u64) -> String {
    format!("bytes {}-{}/{len}", part.start, part.end - 1)
}

/// One end of a range: `Ok(None)` if left open, `Err` if it is not a number.
fn position(text: &str) -> Result<Option<u64>, ()> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(());
    }
    // Beyond u64 is beyond any file.
    Ok(Some(text.parse().unwrap_or(u64::MAX)))
}

const UNIT: &str = "bytes=";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_ranges_of_a_hundred_bytes() {
        let table = [
            (None, Asked::Whole),
            (Some("bytes=0-9"), Asked::Part(0..10)),
            (Some("bytes=90-"), Asked::Part(90..100)),
            (Some("bytes=-10"), Asked::Part(90..100)),
            (Some("bytes=-500"), Asked::Part(0..100)),
            (Some("bytes=99-200"), Asked::Part(99..100)),
            (Some("bytes=0-99999999999999999999"), Asked::Part(0..100)),
            (Some("bytes=100-"), Asked::Unsatisfiable),
            (Some("bytes=-0"), Asked::Unsatisfiable),
            (Some("bytes=9-3"), Asked::Whole),
            (Some("bytes=-"), Asked::Whole),
            (Some("bytes=0-1,5-6"), Asked::Whole),
            (Some("lines=0-1"), Asked::Whole),
            (Some("bytes=a-b"), Asked::Whole),
        ];
        for (header, expected) in table {
            assert_eq!(Asked::of(header, 100), expected, "{header:?}");
        }
    }

    #[test]
    fn nothing_of_an_empty_file_can_be_asked() {
        assert_eq!(Asked::of(Some("bytes=0-"), 0), Asked::Unsatisfiable);
        assert_eq!(Asked::of(Some("bytes=-5"), 0), Asked::Unsatisfiable);
    }

    #[test]
    fn if_range_needs_exactly_our_version() {
        let table = [
            (None, true),
            (Some("\"a\""), true),
            (Some("Mon, 01 Jan 2024 00:00:00 GMT"), false),
            (Some("W/\"a\""), false),
            (Some("\"b\""), false),
        ];
        for (header, expected) in table {
            let same = is_same_version(header, Some("\"a\""));
            assert_eq!(same, expected, "{header:?}");
        }
    }
}
