//! The reconstruction of a file, or of a range of it: terms, and the bytes of xorbs they need.
//!
//! It signs nothing and is no JSON yet.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use engine::xet::hash::XetHash;

use super::store::{Term, XetFile, XetStore};

/// What brings a range of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Where the range begins in the content of the first term, in bytes.
    pub(crate) offset: u64,
    /// Whole chunks only.
    pub(crate) terms: Vec<Term>,
    /// What to fetch of each xorb, in order and apart.
    pub(crate) fetches: BTreeMap<XetHash, Vec<Fetch>>,
}

/// Chunks of a xorb and their bytes there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fetch {
    pub(crate) chunks: Range<u32>,
    /// End exclusive.
    pub(crate) bytes: Range<u64>,
}

impl XetStore {
    /// The plan for a range, which lies within the file.
    pub(crate) fn plan(&self, file: &XetFile, range: &Range<u64>) -> io::Result<Plan> {
        let mut terms = Vec::new();
        let mut offset = 0;
        let mut start = 0;
        for term in &file.terms {
            if start >= range.end {
                break;
            }
            if start + term.len > range.start {
                let (trimmed, skipped) = self.trim(term, start, range);
                if terms.is_empty() {
                    offset = range.start - (start + skipped);
                }
                terms.push(trimmed);
            }
            start += term.len;
        }
        let mut fetches = BTreeMap::<XetHash, Vec<Range<u32>>>::new();
        for term in &terms {
            fetches.entry(term.xorb).or_default().push(term.chunks.clone());
        }
        let spans = |(hash, ranges)| {
            let xorb = self.known(&hash);
            let fetch = |chunks| Ok(Fetch { bytes: xorb.span(&chunks)?, chunks });
            let fetches = merged(ranges).into_iter().map(fetch).collect::<io::Result<_>>()?;
            Ok((hash, fetches))
        };
        let fetches = fetches.into_iter().map(spans).collect::<io::Result<_>>()?;
        Ok(Plan { offset, terms, fetches })
    }

    /// A term that begins at `start` of the file, without the chunks at both ends that the range
    /// does not touch, and how many bytes its first chunks were.
    fn trim(&self, term: &Term, start: u64, range: &Range<u64>) -> (Term, u64) {
        let nodes = self.known(&term.xorb).nodes();
        let len = |chunk: u32| nodes[chunk as usize].len;
        let Term { xorb, mut chunks, len: mut left } = term.clone();
        let mut skipped = 0;
        while start + skipped + len(chunks.start) <= range.start {
            skipped += len(chunks.start);
            left -= len(chunks.start);
            chunks.start += 1;
        }
        while start + skipped + left - len(chunks.end - 1) >= range.end {
            left -= len(chunks.end - 1);
            chunks.end -= 1;
        }
        (Term { xorb, chunks, len: left }, skipped)
    }
}

/// The ranges in order; those that touch or overlap become one.
fn merged(mut ranges: Vec<Range<u32>>) -> Vec<Range<u32>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut out = Vec::<Range<u32>>::new();
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            Some(_) | None => out.push(range),
        }
    }
    out
}
