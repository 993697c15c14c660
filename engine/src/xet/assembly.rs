//! From chunks as they are fetched to the bytes of a span of the file, in order.
//!
//! Fetches nothing and checks no hash. Chunks that stand in the span more than once, or not in
//! the order of their xorb, are kept until their last place has come.

use std::collections::BTreeMap;
use std::ops::Range;

use super::reconstruction::{Fetch, Reconstruction};

/// A span that is being put together.
#[derive(Debug)]
pub struct Assembly<'a> {
    plan: &'a Reconstruction,
    /// For each fetch, the terms that need chunks of it.
    users: BTreeMap<usize, Vec<usize>>,
    /// The term that is being filled, the chunk that comes next in it, and how many of its bytes
    /// have come.
    term: usize,
    chunk: u32,
    filled: u64,
    /// The fetch that is under way, and the chunk that it brings next.
    fetching: Option<(usize, u32)>,
    kept: BTreeMap<(usize, u32), Vec<u8>>,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// Bytes of the file, fetched before.
    Bytes(Vec<u8>),
    /// These chunks have to be fetched.
    Fetch(&'a Fetch),
    /// The span is complete.
    Nothing,
}

/// The chunks are not those of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch;

impl<'a> Assembly<'a> {
    /// Nothing is fetched yet.
    pub fn new(plan: &'a Reconstruction) -> Self {
        let mut users: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (term, fetch) in plan.covers.iter().enumerate() {
            users.entry(*fetch).or_default().push(term);
        }
        let chunk = plan.terms.first().map_or(0, |term| term.chunks.start);
        Self { plan, users, term: 0, chunk, filled: 0, fetching: None, kept: BTreeMap::new() }
    }

    /// What comes next. Ask when no fetch is under way.
    pub fn poll(&mut self) -> Result<Next<'a>, Mismatch> {
        let Some(&fetch) = self.plan.covers.get(self.term) else { return Ok(Next::Nothing) };
        let key = (fetch, self.chunk);
        if let Some(content) = self.kept.get(&key) {
            let len = content.len();
            let is_needed = self.is_needed_after(key.0, key.1);
            let content = if is_needed { Some(content.clone()) } else { self.kept.remove(&key) };
            self.pass(len)?;
            return content.map(Next::Bytes).ok_or(Mismatch);
        }
        let fetched = self.plan.fetches.get(fetch).ok_or(Mismatch)?;
        self.fetching = Some((fetch, fetched.chunks.start));
        Ok(Next::Fetch(fetched))
    }

    /// The next chunk of the fetch that is under way has come. Says whether its content is what
    /// comes next in the file.
    pub fn on_chunk(&mut self, content: &[u8]) -> Result<bool, Mismatch> {
        let (fetch, chunk) = self.fetching.ok_or(Mismatch)?;
        let fetched = self.plan.fetches.get(fetch).ok_or(Mismatch)?;
        if chunk >= fetched.chunks.end {
            return Err(Mismatch);
        }
        self.fetching = Some((fetch, chunk + 1));
        let is_next = self.plan.covers.get(self.term) == Some(&fetch) && self.chunk == chunk;
        if self.is_needed_after(fetch, chunk) || (!is_next && self.is_needed_now(fetch, chunk)) {
            self.kept.insert((fetch, chunk), content.to_vec());
        }
        if is_next {
            self.pass(content.len())?;
        }
        Ok(is_next)
    }

    /// Whether the fetch that is under way has brought all of its chunks; then it is over.
    pub fn is_fetched(&mut self) -> bool {
        let is_over = self.fetching.is_none_or(|(fetch, next)| {
            self.plan.fetches.get(fetch).is_none_or(|fetch| next >= fetch.chunks.end)
        });
        if is_over {
            self.fetching = None;
        }
        is_over
    }

    /// The next chunk of the present term, so long, has its place.
    fn pass(&mut self, len: usize) -> Result<(), Mismatch> {
        let term = self.plan.terms.get(self.term).ok_or(Mismatch)?;
        self.filled += len as u64;
        self.chunk += 1;
        if self.chunk < term.chunks.end {
            return Ok(());
        }
        if self.filled != term.len {
            return Err(Mismatch);
        }
        self.term += 1;
        self.filled = 0;
        self.chunk = self.plan.terms.get(self.term).map_or(0, |term| term.chunks.start);
        Ok(())
    }

    /// Whether the present term will need the chunk.
    fn is_needed_now(&self, fetch: usize, chunk: u32) -> bool {
        self.plan.covers.get(self.term) == Some(&fetch)
            && self.chunks(self.term).contains(&chunk)
            && chunk >= self.chunk
    }

    /// Whether a later term will.
    fn is_needed_after(&self, fetch: usize, chunk: u32) -> bool {
        let users = self.users.get(&fetch).map_or(&[][..], Vec::as_slice);
        let later = &users[users.partition_point(|user| *user <= self.term)..];
        later.iter().any(|user| self.chunks(*user).contains(&chunk))
    }

    fn chunks(&self, term: usize) -> Range<u32> {
        self.plan.terms.get(term).map_or(0..0, |term| term.chunks.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use url::Url;

    use super::*;
    use crate::range::ByteRange;
    use crate::range_set::tests::seeded;
    use crate::xet::hash::XetHash;
    use crate::xet::reconstruction::Term;

    /// Chunk `index` of the only xorb.
    fn content(index: u32) -> Vec<u8> {
        vec![u8::try_from(index % 251).unwrap(); 1 + index as usize % 7]
    }

    fn plan(terms: &[Range<u32>], fetches: &[Range<u32>], covers: Vec<usize>) -> Reconstruction {
        let len = |chunks: &Range<u32>| chunks.clone().map(|at| content(at).len() as u64).sum();
        let xorb = XetHash::ZERO;
        let url = Arc::new(Url::parse("https://cdn.example/x").unwrap());
        let bytes = ByteRange::new(0, 1);
        Reconstruction {
            skip: 0,
            terms: terms.iter().map(|it| Term { xorb, chunks: it.clone(), len: len(it) }).collect(),
            fetches: fetches
                .iter()
                .map(|chunks| {
                    let (chunks, url) = (chunks.clone(), Arc::clone(&url));
                    Fetch { xorb, chunks, url, bytes, request: 0 }
                })
                .collect(),
            covers,
        }
    }

    /// The bytes, and how many fetches they took.
    fn assemble(plan: &Reconstruction) -> (Vec<u8>, usize) {
        let (mut bytes, mut fetches) = (Vec::new(), 0);
        let mut assembly = Assembly::new(plan);
        loop {
            match assembly.poll().unwrap() {
                Next::Nothing => return (bytes, fetches),
                Next::Bytes(piece) => bytes.extend(piece),
                Next::Fetch(fetch) => {
                    fetches += 1;
                    for index in fetch.chunks.clone() {
                        let content = content(index);
                        if assembly.on_chunk(&content).unwrap() {
                            bytes.extend(content);
                        }
                    }
                    assert!(assembly.is_fetched());
                }
            }
        }
    }

    proptest! {
        #![proptest_config(seeded(300))]

        #[test]
        fn whatever_the_order_each_fetch_is_asked_for_once(
            terms in prop::collection::vec((0_u32..30, 1_u32..10), 1..12),
        ) {
            let terms: Vec<Range<u32>> = terms.iter().map(|&(at, len)| at..at + len).collect();
            let covers = terms.iter().map(|term| usize::from(term.start >= 15)).collect();
            let plan = plan(&terms, &[0..25, 15..40], covers);
            let expected: Vec<u8> = terms.iter().cloned().flatten().flat_map(content).collect();
            let (bytes, fetches) = assemble(&plan);
            prop_assert_eq!(bytes, expected);
            prop_assert!(fetches <= 2);
        }
    }

    #[test]
    fn a_term_of_another_length_is_a_mismatch() {
        let chunks = std::slice::from_ref(&(0..2));
        let mut plan = plan(chunks, chunks, vec![0]);
        plan.terms[0].len += 1;
        let mut assembly = Assembly::new(&plan);
        assert!(matches!(assembly.poll(), Ok(Next::Fetch(_))));
        assert_eq!(assembly.on_chunk(&content(0)), Ok(true));
        assert_eq!(assembly.on_chunk(&content(1)), Err(Mismatch));
    }
}
