//! How a file, or a piece of one, is put together from chunks of xorbs, in the storage's words.
//!
//! Says what is to be fetched and in which order it is the file; that it is the right file, only
//! hashes say.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use url::Url;

use super::chunk::{HEADER_LEN, PACKED_MAX};
use super::chunker;
use super::hash::XetHash;
use crate::range::ByteRange;

mod json;

/// Chunks of xorbs which, one after the other, are a span of a file; and where to get them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconstruction {
    /// How many bytes of the first chunk stand before what was asked for.
    pub skip: u64,
    /// The pieces of the span, in order.
    pub terms: Vec<Term>,
    /// What can be fetched.
    pub fetches: Vec<Fetch>,
    /// For each term, the index of a fetch that brings all of its chunks.
    pub covers: Vec<usize>,
}

/// A piece of a file: consecutive chunks of one xorb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Which xorb.
    pub xorb: XetHash,
    /// Which chunks, by their place in the xorb.
    pub chunks: Range<u32>,
    /// Length of their content in bytes.
    pub len: u64,
}

/// Consecutive chunks of a xorb as bytes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Which xorb.
    pub xorb: XetHash,
    /// Which chunks, by their place in the xorb.
    pub chunks: Range<u32>,
    /// Where to ask. It is signed for what [`request`](Self::request) says.
    pub url: Arc<Url>,
    /// Which bytes of the xorb they are.
    pub bytes: ByteRange,
    /// Fetches with the same number stand side by side and have one URL, which is signed for all
    /// of them: either each is asked for by itself, or all in one request.
    pub request: u32,
}

/// Bytes of an answer that are believed. The sender need not read further.
pub const BODY_MAX: usize = 64 * 1024 * 1024;

/// No xorb has more chunks.
pub const XORB_CHUNKS_MAX: u32 = 8192;

/// The content of a xorb is never longer, in bytes.
pub const XORB_CONTENT_MAX: u64 = 64 << 20;

impl Reconstruction {
    /// Reads the answer of `/v1/reconstructions/`.
    pub fn read_v1(body: &[u8]) -> Result<Self, Malformed> {
        json::read_v1(body)?.check()
    }

    /// Reads the answer of `/v2/reconstructions/`.
    pub fn read_v2(body: &[u8]) -> Result<Self, Malformed> {
        json::read_v2(body)?.check()
    }

    /// Refuses chunks that are fetched in clear when the storage itself was asked encrypted.
    pub fn check_urls(self, cas: &Url) -> Result<Self, Malformed> {
        let is_clear = |fetch: &Fetch| fetch.url.scheme() != "https";
        if cas.scheme() == "https" && self.fetches.iter().any(is_clear) {
            return Err(Malformed("leads from https to http"));
        }
        Ok(self)
    }

    /// Length of the span in bytes.
    pub fn len(&self) -> u64 {
        // The sum was checked when it was read.
        self.terms.iter().fold(0, |sum, term| sum.saturating_add(term.len))
    }

    /// Whether there is nothing in it.
    pub const fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The bytes of the file that the terms are, whole chunks, if `asked` was asked for.
    pub fn span(&self, asked: ByteRange) -> ByteRange {
        let start = asked.start.saturating_sub(self.skip);
        ByteRange::new(start, start.saturating_add(self.len()))
    }

    /// The span, if it has all of the bytes that were asked for and none that a file of `size`
    /// bytes does not have.
    pub fn check_span(&self, asked: ByteRange, size: u64) -> Result<ByteRange, Malformed> {
        let span = self.span(asked);
        let wanted = asked.intersection(ByteRange::new(0, size));
        if self.skip > asked.start {
            Err(Malformed("begins before the file does"))
        } else if span.end > size {
            Err(Malformed("is longer than the file"))
        } else if !span.contains(wanted) {
            Err(Malformed("has not all that was asked for"))
        } else {
            Ok(span)
        }
    }

    /// The terms with their first bytes in the file, if `asked` was asked for.
    pub fn placed(&self, asked: ByteRange) -> impl Iterator<Item = (u64, &Term)> + '_ {
        self.terms.iter().scan(self.span(asked).start, |next, term| {
            let start = *next;
            *next = start.saturating_add(term.len);
            Some((start, term))
        })
    }

    /// The fetch that brings the chunks of a term, by the term's index.
    pub fn fetch_of(&self, term: usize) -> Option<&Fetch> {
        self.fetches.get(*self.covers.get(term)?)
    }

    /// The fetches of each signed URL.
    pub fn requests(&self) -> impl Iterator<Item = &[Fetch]> + '_ {
        self.fetches.chunk_by(|a, b| a.request == b.request)
    }

    fn check(mut self) -> Result<Self, Malformed> {
        if self.skip >= self.terms.first().map_or(1, |term| term.len) {
            return Err(Malformed("skips more than there is"));
        }
        let mut len = Some(0_u64);
        for term in &self.terms {
            check_chunks(&term.chunks)?;
            let count = u64::from(term.chunks.end - term.chunks.start);
            if !(count..=count * chunker::MAX as u64).contains(&term.len)
                || term.len > XORB_CONTENT_MAX
            {
                return Err(Malformed("has a piece whose length no chunks have"));
            }
            len = len.and_then(|len| len.checked_add(term.len));
        }
        len.ok_or(Malformed("is longer than any file"))?;
        self.fetches.iter().try_for_each(check_fetch)?;
        self.requests().try_for_each(check_request)?;
        self.covers = self.covers()?;
        Ok(self)
    }

    fn covers(&self) -> Result<Vec<usize>, Malformed> {
        // By xorb and first chunk: the end, and the fetch that reaches there. One that reaches no
        // further than one that begins before it is of no use.
        let mut reach: BTreeMap<XetHash, BTreeMap<u32, (u32, usize)>> = BTreeMap::new();
        let mut order: Vec<_> = self.fetches.iter().enumerate().collect();
        order.sort_by_key(|(_, fetch)| (fetch.chunks.start, fetch.chunks.end));
        for (index, fetch) in order {
            let of_xorb = reach.entry(fetch.xorb).or_default();
            let end = of_xorb.last_key_value().map_or(0, |(_, &(end, _))| end);
            if fetch.chunks.end > end {
                of_xorb.insert(fetch.chunks.start, (fetch.chunks.end, index));
            }
        }
        let cover = |term: &Term| {
            let before = reach.get(&term.xorb)?.range(..=term.chunks.start).next_back();
            let (_, &(end, index)) = before?;
            (term.chunks.end <= end).then_some(index)
        };
        let covers = self.terms.iter().map(cover).collect::<Option<Vec<_>>>();
        covers.ok_or(Malformed("has a piece that cannot be fetched"))
    }
}

/// The value of a `Range` header that asks for all of the fetches of one URL, in the order in
/// which it was signed. The answer to more than one is `multipart/byteranges`.
pub fn range_header(fetches: &[Fetch]) -> String {
    let ranges = fetches.iter().map(|fetch| {
        let ByteRange { start, end } = fetch.bytes;
        format!("{start}-{}", end.saturating_sub(1))
    });
    format!("bytes={}", ranges.collect::<Vec<_>>().join(","))
}

/// What makes no sense in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(&'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the reconstruction {}", self.0)
    }
}

impl std::error::Error for Malformed {}

fn check_chunks(chunks: &Range<u32>) -> Result<(), Malformed> {
    if chunks.start < chunks.end && chunks.end <= XORB_CHUNKS_MAX {
        Ok(())
    } else {
        Err(Malformed("names chunks that no xorb has"))
    }
}

fn check_fetch(fetch: &Fetch) -> Result<(), Malformed> {
    check_chunks(&fetch.chunks)?;
    let (before, count) =
        (u64::from(fetch.chunks.start), u64::from(fetch.chunks.end - fetch.chunks.start));
    let (shortest, longest) = ((HEADER_LEN + 1) as u64, (HEADER_LEN + PACKED_MAX) as u64);
    let is_sane = (count * shortest..=count * longest).contains(&fetch.bytes.len())
        && (before * shortest..=before * longest).contains(&fetch.bytes.start)
        && fetch.bytes.end <= XORB_LEN_MAX;
    if is_sane { Ok(()) } else { Err(Malformed("names bytes that no chunks take")) }
}

/// The answer to a request for more than one range must be without doubt.
fn check_request(fetches: &[Fetch]) -> Result<(), Malformed> {
    let is_sorted =
        fetches.is_sorted_by(|a, b| a.chunks.end <= b.chunks.start && a.bytes.end <= b.bytes.start);
    if is_sorted { Ok(()) } else { Err(Malformed("has ranges of one URL that overlap")) }
}

/// No xorb is longer, in bytes: content that does not shrink is stored.
const XORB_LEN_MAX: u64 = XORB_CONTENT_MAX + XORB_CHUNKS_MAX as u64 * HEADER_LEN as u64;

#[cfg(test)]
mod tests;
