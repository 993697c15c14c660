//! All that a hub has in Xet: files by name, and each chunk once.
//!
//! Contents are cut when they are added; xorbs are packed when they are asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;

use engine::xet::chunker::Chunker;
use engine::xet::hash::XetHash;
use engine::xet::merkle::{self, Node};

use super::spec::{Shards, XetSpec};
use super::xorb::Xorb;
use crate::content::Content;
use crate::repo_id::RepoId;

/// Files, xorbs and chunks of a hub, as a test may want to know them.
#[derive(Debug, Default)]
pub struct XetStore {
    files: BTreeMap<XetHash, XetFile>,
    /// Files that were added, by the SHA-256 of their content.
    added: BTreeMap<String, XetHash>,
    xorbs: Vec<Xorb>,
    names: BTreeMap<XetHash, usize>,
    /// Where each chunk was stored first.
    places: BTreeMap<XetHash, Place>,
    /// Which files have a chunk, of those chunks that one may ask about.
    owners: BTreeMap<XetHash, BTreeSet<XetHash>>,
}

/// A file in Xet.
#[derive(Debug, Clone)]
pub struct XetFile {
    /// Its name, which `X-Xet-Hash` carries.
    pub hash: XetHash,
    /// Length in bytes.
    pub len: u64,
    /// Its chunks in order.
    pub chunks: Vec<Node>,
    /// Where they are.
    pub terms: Vec<Term>,
    /// What is said of them to those who ask.
    pub shards: Shards,
    /// Where it was published.
    pub(crate) repos: BTreeSet<RepoId>,
}

/// Chunks of one xorb that stand in a row in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The xorb.
    pub xorb: XetHash,
    /// Which of its chunks.
    pub chunks: Range<u32>,
    /// The length of their content in bytes.
    pub len: u64,
}

/// A chunk's place: the xorb by number, and the chunk in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    xorb: usize,
    chunk: u32,
}

impl XetStore {
    /// The file with this name.
    pub fn file(&self, hash: &XetHash) -> Option<&XetFile> {
        self.files.get(hash)
    }

    /// All files, by name.
    pub fn files(&self) -> impl Iterator<Item = &XetFile> {
        self.files.values()
    }

    /// The xorb with this name.
    pub fn xorb(&self, hash: &XetHash) -> Option<&Xorb> {
        self.names.get(hash).map(|number| &self.xorbs[*number])
    }

    /// How many bytes of xorbs a file needs, each counted once. It packs them, if nobody has asked
    /// for them yet.
    ///
    /// # Errors
    ///
    /// When a content that a xorb was made from cannot be read any more.
    pub fn wire_len(&self, file: &XetFile) -> io::Result<u64> {
        let needed: BTreeSet<(XetHash, u32)> = file
            .terms
            .iter()
            .flat_map(|term| term.chunks.clone().map(|chunk| (term.xorb, chunk)))
            .collect();
        let mut len = 0;
        for (xorb, chunk) in needed {
            let span = self.known(&xorb).span(&(chunk..chunk + 1))?;
            len += span.end - span.start;
        }
        Ok(len)
    }

    /// The xorb, and the number there, of the chunk that holds a byte of a file.
    pub fn chunk_at(&self, file: &XetFile, offset: u64) -> Option<(XetHash, u32)> {
        let mut end = 0;
        for term in &file.terms {
            for number in term.chunks.clone() {
                end += self.known(&term.xorb).nodes()[number as usize].len;
                if offset < end {
                    return Some((term.xorb, number));
                }
            }
        }
        None
    }

    /// The xorb that a term names.
    pub(super) fn known(&self, hash: &XetHash) -> &Xorb {
        self.xorb(hash).expect("terms name xorbs that there are")
    }

    /// The files with a chunk, by name, if one may ask about the chunk.
    pub(super) fn owners(&self, chunk: &XetHash) -> impl Iterator<Item = &XetFile> {
        self.owners.get(chunk).into_iter().flatten().filter_map(|hash| self.files.get(hash))
    }

    /// Adds a content, unless it is there already. Its name.
    pub(crate) fn add(
        &mut self,
        repo: &RepoId,
        spec: &XetSpec,
        sha256: &str,
        content: &Content,
    ) -> io::Result<XetHash> {
        if let Some(file) = self.added.get(sha256).and_then(|hash| self.files.get_mut(hash)) {
            file.repos.insert(repo.clone());
            return Ok(file.hash);
        }
        let chunks = cut(content)?;
        let hash = merkle::file_hash(&chunks);
        let terms = self.place(spec, content, &chunks);
        let eligible = chunks.iter().enumerate().filter(|(at, chunk)| is_eligible(*at, chunk));
        for (_, chunk) in eligible {
            self.owners.entry(chunk.hash).or_default().insert(hash);
        }
        let repos = BTreeSet::from([repo.clone()]);
        let (len, shards) = (content.len(), spec.shards);
        self.files.insert(hash, XetFile { hash, len, chunks, terms, shards, repos });
        self.added.insert(sha256.to_owned(), hash);
        Ok(hash)
    }

    /// Stores those chunks that are new; where all of them are.
    fn place(&mut self, spec: &XetSpec, content: &Content, chunks: &[Node]) -> Vec<Term> {
        let first_new = self.xorbs.len();
        let mut terms: Vec<(usize, Range<u32>, u64)> = Vec::new();
        let (mut index, mut start) = (0, 0);
        while let Some(chunk) = chunks.get(index) {
            let known = self.places.get(&chunk.hash).copied();
            let run = known.map_or(0, |place| self.run(place, &chunks[index..]));
            let (place, count) = match known {
                Some(place) if run >= spec.run_min as usize => (place, run),
                Some(_) | None => (self.store(spec, content, first_new, *chunk, start), 1),
            };
            let len = chunks[index..index + count].iter().map(|chunk| chunk.len).sum::<u64>();
            let end = place.chunk + count as u32;
            match terms.last_mut() {
                Some((xorb, range, sum)) if (*xorb, range.end) == (place.xorb, place.chunk) => {
                    range.end = end;
                    *sum += len;
                }
                Some(_) | None => terms.push((place.xorb, place.chunk..end, len)),
            }
            index += count;
            start += len;
        }
        for number in first_new..self.xorbs.len() {
            self.xorbs[number].close();
            self.names.entry(self.xorbs[number].hash).or_insert(number);
        }
        let term =
            |(xorb, chunks, len): (usize, _, _)| Term { xorb: self.xorbs[xorb].hash, chunks, len };
        terms.into_iter().map(term).collect()
    }

    /// How many of these chunks stand in a row from `place` on.
    fn run(&self, place: Place, chunks: &[Node]) -> usize {
        let stored = &self.xorbs[place.xorb].chunks[place.chunk as usize..];
        stored.iter().zip(chunks).take_while(|(stored, chunk)| stored == chunk).count()
    }

    /// Puts a chunk into the last xorb of this content, or a new one.
    fn store(
        &mut self,
        spec: &XetSpec,
        content: &Content,
        first_new: usize,
        chunk: Node,
        start: u64,
    ) -> Place {
        let has_room = self.xorbs[first_new..].last().is_some_and(|xorb| {
            xorb.len + chunk.len <= spec.xorb_bytes && xorb.chunks.len() < spec.xorb_chunks as usize
        });
        if !has_room {
            self.xorbs.push(Xorb::new(content, spec.packing));
        }
        let xorb = self.xorbs.len() - 1;
        let place = Place { xorb, chunk: self.xorbs[xorb].chunks.len() as u32 };
        self.xorbs[xorb].push(chunk, start);
        self.places.entry(chunk.hash).or_insert(place);
        place
    }
}

/// Whether one may ask about a chunk: the first of a file, and one in 1024 of all.
fn is_eligible(at: usize, chunk: &Node) -> bool {
    at == 0 || chunk.hash.last_word().is_multiple_of(1024)
}

/// The chunks of a content.
fn cut(content: &Content) -> io::Result<Vec<Node>> {
    let mut reader = content.open()?;
    let mut chunker = Chunker::new();
    let mut chunks = Vec::new();
    let mut chunk = Vec::new();
    let mut offset = 0;
    while offset < content.len() {
        let len = (content.len() - offset).min(STEP);
        let bytes = reader.read_at(offset, len as usize)?;
        let mut rest = &bytes[..];
        while let Some(taken) = chunker.push(rest) {
            chunk.extend_from_slice(&rest[..taken]);
            chunks.push(Node::of_chunk(&chunk));
            chunk.clear();
            rest = &rest[taken..];
        }
        chunk.extend_from_slice(rest);
        offset += len;
    }
    if !chunk.is_empty() {
        chunks.push(Node::of_chunk(&chunk));
    }
    Ok(chunks)
}

/// Bytes read at once.
const STEP: u64 = 1 << 20;
