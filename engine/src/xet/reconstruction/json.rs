//! The JSON of reconstructions.
//!
//! Judges only its form; what the numbers say is judged once they are read.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::{BODY_MAX, Fetch, Malformed, Reconstruction, Term};
use crate::range::ByteRange;
use crate::xet::hash::XetHash;

/// Each fetch of the first version has a URL of its own.
pub(super) fn read_v1(body: &[u8]) -> Result<Reconstruction, Malformed> {
    let answer: V1 = json(body)?;
    let mut fetches = Vec::new();
    for (xorb, infos) in answer.fetch_info {
        let xorb = hash(&xorb)?;
        for info in infos {
            let url = url(&info.url)?;
            fetches.push(fetch(xorb, url, info.range, info.url_range, fetches.len())?);
        }
    }
    reconstruction(answer.offset_into_first_range, answer.terms, fetches)
}

/// A URL of the second version is for one range or more, which share it in memory too: it may be
/// long, and they many.
pub(super) fn read_v2(body: &[u8]) -> Result<Reconstruction, Malformed> {
    let answer: V2 = json(body)?;
    let mut fetches = Vec::new();
    let mut requests = 0;
    for (xorb, signed) in answer.xorbs {
        let xorb = hash(&xorb)?;
        for Signed { url: text, ranges } in signed {
            let url = url(&text)?;
            for range in ranges {
                fetches.push(fetch(xorb, Arc::clone(&url), range.chunks, range.bytes, requests)?);
            }
            requests += 1;
        }
    }
    reconstruction(answer.offset_into_first_range, answer.terms, fetches)
}

fn reconstruction(
    skip: u64,
    terms: Vec<TermJson>,
    fetches: Vec<Fetch>,
) -> Result<Reconstruction, Malformed> {
    let term = |term: TermJson| {
        let chunks = term.range.start..term.range.end;
        Ok(Term { xorb: hash(&term.hash)?, chunks, len: term.unpacked_length })
    };
    let terms = terms.into_iter().map(term).collect::<Result<_, _>>()?;
    Ok(Reconstruction { skip, terms, fetches, covers: Vec::new() })
}

fn fetch(
    xorb: XetHash,
    url: Arc<Url>,
    chunks: RangeJson<u32>,
    bytes: RangeJson<u64>,
    request: usize,
) -> Result<Fetch, Malformed> {
    let request = u32::try_from(request).map_err(|_| Malformed("has too many fetches"))?;
    // The last byte is in the range.
    let end = bytes.end.checked_add(1).filter(|&end| bytes.start < end);
    let end = end.ok_or(Malformed("has a range without bytes"))?;
    let chunks = Range { start: chunks.start, end: chunks.end };
    Ok(Fetch { xorb, chunks, url, bytes: ByteRange::new(bytes.start, end), request })
}

fn hash(text: &str) -> Result<XetHash, Malformed> {
    XetHash::from_hex(text).ok_or(Malformed("names a xorb by what is no hash"))
}

fn url(text: &str) -> Result<Arc<Url>, Malformed> {
    let url = Url::parse(text).ok();
    let is_good = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
    };
    url.filter(is_good).map(Arc::new).ok_or(Malformed("leads to what is no good URL"))
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Malformed> {
    if body.len() > BODY_MAX {
        return Err(Malformed("is too long"));
    }
    serde_json::from_slice(body).map_err(|_| Malformed("is not the JSON expected"))
}

#[derive(Deserialize)]
struct V1 {
    offset_into_first_range: u64,
    terms: Vec<TermJson>,
    fetch_info: BTreeMap<String, Vec<FetchInfo>>,
}

#[derive(Deserialize)]
struct V2 {
    offset_into_first_range: u64,
    terms: Vec<TermJson>,
    xorbs: BTreeMap<String, Vec<Signed>>,
}

#[derive(Deserialize)]
struct TermJson {
    hash: String,
    unpacked_length: u64,
    range: RangeJson<u32>,
}

#[derive(Deserialize)]
struct FetchInfo {
    range: RangeJson<u32>,
    url: String,
    url_range: RangeJson<u64>,
}

#[derive(Deserialize)]
struct Signed {
    url: String,
    ranges: Vec<Described>,
}

#[derive(Deserialize)]
struct Described {
    chunks: RangeJson<u32>,
    bytes: RangeJson<u64>,
}

#[derive(Clone, Copy, Deserialize)]
struct RangeJson<T> {
    start: T,
    end: T,
}
