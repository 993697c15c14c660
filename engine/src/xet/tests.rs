//! What the reference makes of known content, which we must make of it too.
//!
//! The vectors say which program made them, and how they are read; many more are
//! compared where that program is built.

use super::chunk::{self, HEADER_LEN, Header, Malformed, Scheme};
use super::chunker::Chunker;
use super::hash::XetHash;
use super::merkle::{self, Node};
use super::shard::Shard;
use content::Kind;

#[path = "../../../tests/reference/src/content.rs"]
mod content;

#[test]
fn content_is_cut_and_named_as_by_the_reference() {
    let mut nodes = Vec::new();
    let mut counts = [0; 3];
    for line in lines() {
        match line.as_slice() {
            ["content", kind, seed, asked, len, count, file] => {
                let bytes = bytes(kind, seed, asked);
                assert_eq!(bytes.len(), number(len), "{line:?}");
                nodes = cut(&bytes);
                assert_eq!(nodes.len(), number(count), "{line:?}");
                assert_eq!(merkle::file_hash(&nodes), hash(file), "{line:?}");
                counts[0] += 1;
                counts[1] += nodes.len();
            }
            ["xorb", first, end, name] => {
                let chunks = &nodes[number(first)..number(end)];
                assert_eq!(merkle::root(chunks), hash(name), "{line:?}");
                counts[2] += 1;
            }
            _ => {}
        }
    }
    let [contents, chunks, xorbs] = counts;
    assert!(contents > 70 && chunks > 3000 && xorbs > 70, "{counts:?}");
}

#[test]
fn trees_are_those_of_the_reference() {
    let mut count = 0;
    let leaf =
        |index: u64| Node { hash: XetHash::of_chunk(&index.to_le_bytes()), len: 1000 + index };
    for line in lines() {
        if let ["root", leaves, root, file] = line.as_slice() {
            let leaves: Vec<_> = (0..number(leaves) as u64).map(leaf).collect();
            assert_eq!(merkle::root(&leaves), hash(root), "{line:?}");
            assert_eq!(merkle::file_hash(&leaves), hash(file), "{line:?}");
            count += 1;
        }
        if let ["keyed", key, plain, keyed, _] = line.as_slice() {
            let key = unhex(key).try_into().unwrap();
            assert_eq!(hash(plain).keyed(&key), hash(keyed), "{line:?}");
            count += 1;
        }
    }
    assert!(count > 70, "{count}");
}

#[test]
fn chunks_that_the_reference_packed_are_unpacked() {
    let mut count = 0;
    for line in lines() {
        if let ["packed", scheme, kind, seed, len, packed] = line.as_slice() {
            let (packed, content) = (unhex(packed), bytes(kind, seed, len));
            let (header, body) = packed.split_first_chunk::<HEADER_LEN>().unwrap();
            let header = Header::read(header).unwrap();
            let mut out = Vec::new();
            assert_eq!(chunk::unpack(header, body, &mut out), Ok::<(), Malformed>(()), "{line:?}");
            assert_eq!(out, content, "{line:?}");
            // We choose as it does when to store.
            let scheme = match *scheme {
                "stored" => Scheme::Stored,
                "lz4" => Scheme::Lz4,
                _ => Scheme::Grouped,
            };
            let mut ours = Vec::new();
            chunk::pack(scheme, &content, &mut ours);
            let ours = Header::read(ours.first_chunk().unwrap()).unwrap();
            assert_eq!(ours.scheme, header.scheme, "{line:?}");
            count += 1;
        }
    }
    assert!(count > 40, "{count}");
}

#[test]
fn shards_of_the_reference_are_read() {
    let mut expected = Vec::new();
    let mut count = 0;
    for line in lines() {
        if let ["shard-xorb", xorb, kind, seed, len] = line.as_slice() {
            expected.push((hash(xorb), cut(&bytes(kind, seed, len))));
        }
        if let ["shard", form, written] = line.as_slice() {
            let shard = Shard::read(&unhex(written)).unwrap();
            assert_eq!(shard.key.is_some(), form.starts_with("keyed"), "{form}");
            assert_eq!(shard.xorbs.len(), expected.len(), "{form}");
            for (xorb, nodes) in &expected {
                let found = shard.xorb(*xorb).unwrap();
                assert_eq!(found.is_proven(), shard.key.is_none(), "{form}");
                let chunks = found.chunks.iter().map(|chunk| (chunk.hash, u64::from(chunk.len)));
                let nodes = nodes.iter().map(|node| (shard.written(node.hash), node.len));
                assert!(chunks.eq(nodes), "{form}");
            }
            // What we write is read as the same.
            assert_eq!(Shard::read(&shard.write()), Ok(shard), "{form}");
            count += 1;
        }
    }
    assert_eq!((expected.len(), count), (2, 5));
}

fn lines() -> impl Iterator<Item = Vec<&'static str>> {
    let lines = include_str!("tests/vectors.txt").lines();
    lines.map(|line| line.split(' ').collect())
}

fn bytes(kind: &str, seed: &str, len: &str) -> Vec<u8> {
    Kind::named(kind).unwrap().bytes(seed.parse().unwrap(), number(len))
}

fn cut(bytes: &[u8]) -> Vec<Node> {
    let (mut chunker, mut nodes, mut rest) = (Chunker::new(), Vec::new(), bytes);
    while !rest.is_empty() {
        let len = chunker.push(rest).unwrap_or(rest.len());
        nodes.push(Node::of_chunk(&rest[..len]));
        rest = &rest[len..];
    }
    nodes
}

fn hash(text: &str) -> XetHash {
    XetHash::from_hex(text).unwrap()
}

fn number(text: &str) -> usize {
    text.parse().unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}
