//! Whether the head of an answer promises the bytes that were asked for.
//!
//! Reads no body, and believes no head more than it must: what a head cannot tell, the file's
//! digest does. The ETag of a storage host is opaque. Today it is the file's Xet hash (seen at all
//! edges in 2026), before it was an MD5 or a SHA-256, and edges have been said to differ.

use crate::digest::FileDigest;
use crate::fault::Fault;
use crate::hub::head::Head;
use crate::range::ByteRange;
use crate::range_set::RangeSet;
use crate::xet::hash::XetHash;

/// What an answer is held against.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The range that was asked for; `None` if it was the whole file.
    pub asked: Option<ByteRange>,
    /// How long the whole file is.
    pub size: u64,
    /// What the whole file hashes to.
    pub digest: FileDigest,
    /// What the file is called in content-addressed storage, if that is known.
    pub xet: Option<XetHash>,
    /// The ETag of the answers of the same host before it, if they had a strong one.
    pub validator: Option<&'a str>,
}

/// What an answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The range, exactly as asked.
    Range(Promise),
    /// The whole file from its first byte: the range was ignored, or none was asked for.
    Whole {
        /// What its head promises.
        promise: Promise,
        /// Whether the body is compressed.
        gzip: bool,
    },
    /// Nothing of it may become data.
    Fault(Fault),
}

impl Verdict {
    /// What the head promises, if it is good.
    pub const fn promise(&self) -> Option<&Promise> {
        match self {
            Self::Range(promise) | Self::Whole { promise, .. } => Some(promise),
            Self::Fault(_) => None,
        }
    }
}

/// What the head of a good answer says of its content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Promise {
    /// The answer's strong ETag, as it stood in the header.
    pub validator: Option<String>,
    /// The ETag is a name of the file's content: its Xet hash, or its SHA-256.
    pub is_named: bool,
    /// The ETag looks like such a name, and is another one: of another version, most likely.
    pub names_other: bool,
    /// The host gave another ETag before: another version, or an edge that has its own.
    pub differs: bool,
    /// It does not say which bytes come: only the digest will tell.
    pub is_vague: bool,
}

/// Judges the head of an answer to a request for a file's bytes.
pub fn check_head(expected: &Expected<'_>, head: &Head) -> Verdict {
    judge(expected, head).unwrap_or_else(Verdict::Fault)
}

fn judge(expected: &Expected<'_>, head: &Head) -> Result<Verdict, Fault> {
    match head.status {
        206 => judge_range(expected, head),
        200 => judge_whole(expected, head),
        status @ (401 | 403 | 404 | 410) => Err(Fault::LeaseRefused { status, words: head.said() }),
        407 => Err(Fault::Proxy("the proxy wants a name and password (HTTP 407)".to_owned())),
        416 => Err(match head.unsatisfied_total() {
            Some(served) if served != expected.size => stale(expected, served),
            Some(_) | None => Fault::Changed,
        }),
        511 => Err(Fault::Portal),
        status @ (408 | 425 | 429 | 500..=599) => {
            Err(Fault::Busy { status, retry_after: head.retry_after() })
        }
        300..=399 => Err(Fault::Redirects),
        status @ 400..=499 => Err(Fault::Rejected { status, words: head.said() }),
        status => Err(Fault::Malformed(format!("HTTP {status} to a range request"))),
    }
}

fn judge_range(expected: &Expected<'_>, head: &Head) -> Result<Verdict, Fault> {
    let Some(asked) = expected.asked else {
        let words = "a part of the file where all of it was asked for".to_owned();
        return Err(Fault::Malformed(words));
    };
    if head.is_html() {
        return Err(Fault::Portal);
    }
    if !head.is_identity() {
        return Err(encoded(head));
    }
    let mut promise = promise(expected, head);
    let is_length_right = head.content_length().is_none_or(|length| length == asked.len());
    match head.content_range() {
        // Seen of a proxy that dropped the header: what comes may well be what was asked for.
        None if head.header("content-range").is_none()
            && is_length_right
            && !head.is_multipart() =>
        {
            promise.is_vague = true;
            Ok(Verdict::Range(promise))
        }
        content_range => {
            let total = content_range.and_then(|content_range| content_range.total);
            if let Some(served) = total.filter(|total| *total != expected.size) {
                return Err(stale(expected, served));
            }
            let answered = content_range.map(|content_range| content_range.range);
            if answered != Some(asked) || !is_length_right {
                return Err(Fault::WrongRange { asked, answered });
            }
            Ok(Verdict::Range(promise))
        }
    }
}

/// A `200` may be the whole file from a server that ignores ranges, or anything else.
fn judge_whole(expected: &Expected<'_>, head: &Head) -> Result<Verdict, Fault> {
    let gzip = head.is_gzip();
    let length = head.content_length().filter(|_| !gzip);
    if head.is_html() && length != Some(expected.size) {
        return Err(Fault::Portal);
    }
    if !gzip && !head.is_identity() {
        return Err(encoded(head));
    }
    match length {
        // Who names a version of it means the file: an old copy of it, then.
        Some(served) if served != expected.size && head.etag().is_some() => {
            Err(stale(expected, served))
        }
        Some(served) if served != expected.size => Err(Fault::RangeIgnored),
        Some(_) | None => {
            let mut promise = promise(expected, head);
            promise.is_vague = length.is_none();
            Ok(Verdict::Whole { promise, gzip })
        }
    }
}

fn promise(expected: &Expected<'_>, head: &Head) -> Promise {
    let Some(etag) = head.etag() else { return Promise::default() };
    let name = XetHash::from_hex(&etag.value);
    let is_named = name.is_some() && name == expected.xet
        || etag.value.parse::<FileDigest>().is_ok_and(|digest| digest == expected.digest);
    // Where the Xet hash is not known, any such name may be it, but not one after the other.
    let before = expected.validator.and_then(|before| XetHash::from_hex(before.trim_matches('"')));
    let is_known = expected.xet.is_some() || (before.is_some() && before != name);
    let names_other = name.is_some() && is_known && !is_named && !etag.weak;
    let validator = (!etag.weak).then(|| format!("\"{}\"", etag.value));
    let is_other = |raw: &String| expected.validator.is_some_and(|before| before != raw);
    let differs = !is_named && validator.as_ref().is_some_and(is_other);
    Promise { validator, is_named, names_other, differs, is_vague: false }
}

const fn stale(expected: &Expected<'_>, served: u64) -> Fault {
    Fault::Stale { promised: expected.size, served }
}

fn encoded(head: &Head) -> Fault {
    Fault::Encoded(head.coding())
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
mod tests;
