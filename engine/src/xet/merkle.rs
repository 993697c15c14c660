//! Trees over chunks, whose roots name xorbs and files.
//!
//! Keeps no tree: of each level, only the children of the node that is not closed yet.

use super::hash::XetHash;

/// A chunk, or a node above some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub hash: XetHash,
    /// How many bytes of content are below it.
    pub len: u64,
}

impl Node {
    /// The chunk with this content.
    pub fn of_chunk(content: &[u8]) -> Self {
        Self { hash: XetHash::of_chunk(content), len: content.len() as u64 }
    }
}

/// The name of the xorb with these chunks; zero if there are none.
pub fn root(chunks: &[Node]) -> XetHash {
    folded(chunks).root()
}

/// The name of the file with these chunks; zero if there are none.
pub fn file_hash(chunks: &[Node]) -> XetHash {
    folded(chunks).file_hash()
}

/// A tree that chunks are added to, and whose root can be asked for at any time.
///
/// It costs a few dozen nodes of memory, however many chunks there are.
#[derive(Clone, Debug, Default)]
pub struct Fold {
    /// From the chunks upwards.
    levels: Vec<Level>,
}

impl Fold {
    /// The tree without chunks.
    pub const fn new() -> Self {
        Self { levels: Vec::new() }
    }

    /// Adds the next chunk.
    pub fn push(&mut self, chunk: Node) {
        let mut node = chunk;
        for level in &mut self.levels {
            match level.push(node) {
                Some(parent) => node = parent,
                None => return,
            }
        }
        let mut level = Level::default();
        let parent = level.push(node);
        debug_assert!(parent.is_none(), "one child closes no group");
        self.levels.push(level);
    }

    /// The root over all chunks so far, which names a xorb; zero if there are none.
    pub fn root(&self) -> XetHash {
        // The parent of what stands open in the levels below.
        let mut above = None;
        for level in &self.levels {
            let mut level = level.clone();
            let parent = above.and_then(|node| level.push(node));
            if let Some(only) = level.only() {
                return only.hash;
            }
            // A group that was just closed leaves nothing open behind it.
            above = parent.or_else(|| level.close());
        }
        above.map_or(XetHash::ZERO, |node| node.hash)
    }

    /// The name of the file that is all chunks so far; zero if there are none.
    pub fn file_hash(&self) -> XetHash {
        if self.levels.is_empty() { XetHash::ZERO } else { self.root().keyed(&[0; 32]) }
    }
}

/// The nodes of one height, of which only the last group is kept.
#[derive(Clone, Debug, Default)]
struct Level {
    /// The children of the node that is not closed yet: fewer than [`GROUP_MAX`].
    group: Vec<Node>,
    /// Whether nodes of this level have gone into a parent already.
    has_closed: bool,
}

impl Level {
    /// Adds a node. Returns the parent of its group if the node closes it.
    fn push(&mut self, node: Node) -> Option<Node> {
        self.group.push(node);
        let is_cut =
            self.group.len() >= GROUP_MIN && node.hash.last_word().is_multiple_of(BRANCHING);
        if is_cut || self.group.len() == GROUP_MAX { self.close() } else { None }
    }

    /// The node of this level, if there is just one.
    fn only(&self) -> Option<Node> {
        match (self.has_closed, self.group.as_slice()) {
            (false, &[node]) => Some(node),
            _ => None,
        }
    }

    /// Closes the group, and returns its parent; `None` if it is empty.
    fn close(&mut self) -> Option<Node> {
        if self.group.is_empty() {
            return None;
        }
        let parent = parent(&self.group);
        self.group.clear();
        self.has_closed = true;
        Some(parent)
    }
}

fn folded(chunks: &[Node]) -> Fold {
    let mut fold = Fold::new();
    for &chunk in chunks {
        fold.push(chunk);
    }
    fold
}

/// The node above these: the hash of a line of text for each.
fn parent(children: &[Node]) -> Node {
    let mut text = Vec::with_capacity(children.len() * LINE_MAX);
    let mut len: u64 = 0;
    for child in children {
        text.extend(child.hash.to_digits());
        text.extend(format!(" : {}\n", child.len).as_bytes());
        len = len.saturating_add(child.len);
    }
    Node { hash: XetHash::of_node(&text), len }
}

/// A node has this many children on average; their hashes say where it ends.
const BRANCHING: u64 = 4;

/// A group that ends by a hash has at least this many.
const GROUP_MIN: usize = 3;

/// A group never has more than this many.
const GROUP_MAX: usize = 9;

/// The longest line of a node's text, in bytes.
const LINE_MAX: usize = 64 + " : ".len() + 20 + 1;

#[cfg(test)]
mod tests {
    use super::*;

    /// A hash drawn from `seed` whose last word is `word`.
    fn hash(seed: u8, word: u64) -> XetHash {
        let mut bytes = *XetHash::of_chunk(&[seed]).as_bytes();
        bytes[24..].copy_from_slice(&word.to_le_bytes());
        XetHash::new(bytes)
    }

    /// The same rules over whole levels at once.
    fn plain_root(chunks: &[Node]) -> XetHash {
        let mut level = chunks.to_vec();
        while level.len() > 1 {
            let mut above = Vec::new();
            let mut rest = level.as_slice();
            while !rest.is_empty() {
                let is_cut =
                    |&at: &usize| at + 1 >= 3 && rest[at].hash.last_word().is_multiple_of(4);
                let len =
                    (0..rest.len().min(9)).find(is_cut).map_or(9.min(rest.len()), |at| at + 1);
                above.push(parent(&rest[..len]));
                rest = &rest[len..];
            }
            level = above;
        }
        level.first().map_or(XetHash::ZERO, |node| node.hash)
    }

    #[test]
    fn folding_as_chunks_come_is_folding_level_by_level() {
        // By how often a hash ends a group: never, always, and as often as hashes do.
        for every in [u64::MAX, 1, 4] {
            let chunks: Vec<_> = (0..700_u64)
                .map(|at| {
                    let word = if at % every == every - 1 || every == 1 { 8 } else { 7 };
                    Node { hash: hash((at * 31 % 251) as u8, word), len: at }
                })
                .collect();
            let mut fold = Fold::new();
            for (count, &chunk) in chunks.iter().enumerate() {
                assert_eq!(fold.root(), plain_root(&chunks[..count]), "{count} of {every}");
                fold.push(chunk);
            }
            assert_eq!(fold.root(), root(&chunks));
            assert_eq!(fold.file_hash(), file_hash(&chunks));
        }
    }

    #[test]
    fn nothing_has_the_name_zero_and_one_chunk_its_own() {
        assert_eq!((root(&[]), file_hash(&[])), (XetHash::ZERO, XetHash::ZERO));
        let chunk = Node::of_chunk(b"abc");
        assert_eq!(root(&[chunk]), chunk.hash);
        assert_eq!(file_hash(&[chunk]), chunk.hash.keyed(&[0; 32]));
    }
}
