//! From chunks as they are fetched to their places in the file.
//!
//! Fetches nothing, keeps no content, and checks no hash.

use super::reconstruction::{Fetch, Reconstruction, Term};
use crate::range::ByteRange;

/// The chunks of one fetch, and where they belong: each in every term that has it.
#[derive(Debug)]
pub struct Assembly<'a> {
    fetch: &'a Fetch,
    terms: Vec<Filling<'a>>,
    /// The chunk that comes next.
    chunk: u32,
    /// Where the last one belongs.
    places: Vec<u64>,
}

/// A term of which some chunks have come.
#[derive(Debug)]
struct Filling<'a> {
    term: &'a Term,
    /// The place of its next chunk, and where the term ends.
    next: u64,
    end: u64,
}

/// The chunks are not those of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch;

impl<'a> Assembly<'a> {
    /// All that a plan needs, if `asked` was asked for, by the first place of each in the file.
    pub fn all(plan: &'a Reconstruction, asked: ByteRange) -> Vec<Self> {
        let mut assemblies: Vec<Self> = plan.fetches.iter().map(Self::new).collect();
        for ((start, term), &fetch) in plan.placed(asked).zip(&plan.covers) {
            let Some(assembly) = assemblies.get_mut(fetch) else { continue };
            let end = start.saturating_add(term.len);
            assembly.terms.push(Filling { term, next: start, end });
        }
        assemblies.retain(|assembly| !assembly.terms.is_empty());
        assemblies.sort_by_key(|assembly| assembly.terms.first().map(|first| first.next));
        assemblies
    }

    const fn new(fetch: &'a Fetch) -> Self {
        Self { fetch, terms: Vec::new(), chunk: fetch.chunks.start, places: Vec::new() }
    }

    /// What to fetch.
    pub const fn fetch(&self) -> &'a Fetch {
        self.fetch
    }

    /// The parts of the file that its chunks have yet to fill; none when it is over.
    pub fn missing(&self) -> impl Iterator<Item = ByteRange> + '_ {
        let missing = self.terms.iter().map(|term| ByteRange::new(term.next, term.end));
        missing.filter(|range| !range.is_empty())
    }

    /// The next chunk has come, with so many bytes. Says where they belong in the file.
    pub fn on_chunk(&mut self, len: u64) -> Result<&[u64], Mismatch> {
        let chunk = self.chunk;
        if chunk >= self.fetch.chunks.end {
            return Err(Mismatch);
        }
        self.chunk += 1;
        self.places.clear();
        for filling in self.terms.iter_mut().filter(|it| it.term.chunks.contains(&chunk)) {
            let is_last = chunk + 1 == filling.term.chunks.end;
            let room = filling.end - filling.next;
            if len > room || is_last != (len == room) {
                return Err(Mismatch);
            }
            self.places.push(filling.next);
            filling.next += len;
        }
        Ok(&self.places)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::sync::Arc;

    use proptest::prelude::*;
    use url::Url;

    use super::*;
    use crate::range_set::tests::seeded;
    use crate::xet::hash::XetHash;

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

    /// The plan stands at this byte of the file.
    const AT: u64 = 1000;

    /// The bytes, and how many fetches they took.
    fn assemble(plan: &Reconstruction) -> (Vec<u8>, usize) {
        let mut bytes = vec![0; usize::try_from(plan.len()).unwrap()];
        let mut written = 0;
        let mut assemblies = Assembly::all(plan, ByteRange::new(AT, AT + plan.len()));
        for assembly in &mut assemblies {
            for index in assembly.fetch().chunks.clone() {
                let content = content(index);
                for &place in assembly.on_chunk(content.len() as u64).unwrap() {
                    let start = usize::try_from(place - AT).unwrap();
                    bytes[start..start + content.len()].copy_from_slice(&content);
                    written += content.len() as u64;
                }
            }
            assert_eq!(assembly.missing().next(), None);
        }
        assert_eq!(written, plan.len(), "each byte once");
        (bytes, assemblies.len())
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
        for (more, refused) in [(1, 1), (-1_i64, 1), (-3, 0)] {
            let mut plan = plan(chunks, chunks, vec![0]);
            plan.terms[0].len = plan.terms[0].len.strict_add_signed(more);
            let mut assemblies = Assembly::all(&plan, ByteRange::new(0, plan.len()));
            for index in 0..2 {
                let placed = assemblies[0].on_chunk(content(index).len() as u64);
                assert_eq!(placed.is_err(), index >= refused, "chunk {index} with {more} more");
            }
        }
    }

    #[test]
    fn more_chunks_than_were_fetched_are_a_mismatch() {
        let chunks = std::slice::from_ref(&(0..1));
        let plan = plan(chunks, chunks, vec![0]);
        let mut assemblies = Assembly::all(&plan, ByteRange::new(0, plan.len()));
        assert_eq!(assemblies[0].on_chunk(1), Ok(&[0][..]));
        assert_eq!(assemblies[0].on_chunk(1), Err(Mismatch));
    }
}
