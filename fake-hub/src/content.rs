//! The bytes of one file: kept in memory, read from disk, or made up on the fly.
//!
//! It knows offsets and lengths, not names, digests or HTTP.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

mod cells;
pub(crate) mod edit;

pub use cells::fill_synthetic;
pub(crate) use cells::mix;

/// What a file consists of. Cheap to clone; holds no open handle.
#[derive(Debug, Clone)]
pub struct Content {
    source: Source,
    len: u64,
    altered: bool,
}

#[derive(Debug, Clone)]
enum Source {
    Memory(Bytes),
    Disk(PathBuf),
    Made { kind: Kind, seed: u64 },
    Pieces(Arc<[Piece]>),
}

/// A part of another content.
#[derive(Debug, Clone)]
struct Piece {
    /// Where it begins in the whole.
    start: u64,
    len: u64,
    /// Where it begins in its own content.
    from: u64,
    content: Content,
}

/// What made-up bytes look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Noise, which nothing compresses.
    Random,
    /// A network's weights in bf16: Xet brings about 0.86 of them.
    Bf16,
    /// The same in f32.
    F32,
    /// Words.
    Text,
    /// Nothing but zeros.
    Zeros,
}

impl Content {
    /// Bytes in memory.
    pub fn memory(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self::of(bytes.len() as u64, Source::Memory(bytes))
    }

    /// A file on disk, which must keep its length while the hub runs.
    pub fn disk(path: PathBuf) -> io::Result<Self> {
        let len = std::fs::metadata(&path)?.len();
        Ok(Self::of(len, Source::Disk(path)))
    }

    /// `len` bytes that are a pure function of `seed` and offset.
    pub fn synthetic(seed: u64, len: u64) -> Self {
        Self::made(Kind::Random, seed, len)
    }

    /// The same, but of a kind.
    pub fn made(kind: Kind, seed: u64, len: u64) -> Self {
        Self::of(len, Source::Made { kind, seed })
    }

    /// The same length with every byte different: what a later commit holds.
    pub fn altered(&self) -> Self {
        Self { altered: !self.altered, ..self.clone() }
    }

    /// Length in bytes.
    #[expect(clippy::len_without_is_empty, reason = "an empty file is nothing special here")]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// What it is made of, if that says all about it: such a content never changes.
    pub(crate) fn recipe(&self) -> Option<String> {
        let source = match &self.source {
            Source::Memory(_) | Source::Disk(_) => return None,
            Source::Made { kind, seed } => format!("{kind:?} {seed}"),
            Source::Pieces(pieces) => recipe_of(pieces)?,
        };
        Some(format!("({source} {} {})", self.len, self.altered))
    }

    /// Opens it for reading.
    pub fn open(&self) -> io::Result<ContentReader> {
        let handle = match &self.source {
            Source::Disk(path) => Handle::File(File::open(path)?),
            Source::Memory(_) | Source::Made { .. } => Handle::None,
            Source::Pieces(pieces) => Handle::Pieces(open_all(pieces)?),
        };
        Ok(ContentReader { content: self.clone(), handle })
    }

    fn of(len: u64, source: Source) -> Self {
        Self { source, len, altered: false }
    }
}

/// An open [`Content`].
#[derive(Debug)]
pub struct ContentReader {
    content: Content,
    handle: Handle,
}

#[derive(Debug)]
enum Handle {
    None,
    File(File),
    /// One for each piece.
    Pieces(Vec<ContentReader>),
}

impl ContentReader {
    /// The `len` bytes at `offset`, which must lie within the content.
    pub fn read_at(&mut self, offset: u64, len: usize) -> io::Result<Bytes> {
        if let Source::Memory(bytes) = &self.content.source
            && !self.content.altered
        {
            let start = offset as usize;
            return Ok(bytes.slice(start..start + len));
        }
        let mut buffer = vec![0; len];
        match (&self.content.source, &mut self.handle) {
            (Source::Memory(bytes), _) => {
                buffer.copy_from_slice(&bytes[offset as usize..offset as usize + len]);
            }
            (Source::Made { kind, seed }, _) => kind.fill(*seed, offset, &mut buffer),
            (Source::Disk(_), Handle::File(file)) => {
                file.seek(SeekFrom::Start(offset))?;
                file.read_exact(&mut buffer)?;
            }
            (Source::Pieces(pieces), Handle::Pieces(readers)) => {
                read_pieces(pieces, readers, offset, &mut buffer)?;
            }
            (Source::Disk(_) | Source::Pieces(_), _) => return Err(io::ErrorKind::Other.into()),
        }
        if self.content.altered {
            buffer.iter_mut().for_each(|byte| *byte ^= ALTERATION);
        }
        Ok(buffer.into())
    }
}

fn recipe_of(pieces: &[Piece]) -> Option<String> {
    let recipe =
        |piece: &Piece| Some(format!("{}+{}:{}", piece.from, piece.len, piece.content.recipe()?));
    pieces.iter().map(recipe).collect()
}

fn open_all(pieces: &[Piece]) -> io::Result<Vec<ContentReader>> {
    pieces.iter().map(|piece| piece.content.open()).collect()
}

/// Reads from `offset` on until the buffer is full.
fn read_pieces(
    pieces: &[Piece],
    readers: &mut [ContentReader],
    offset: u64,
    buffer: &mut [u8],
) -> io::Result<()> {
    let first = pieces.partition_point(|piece| piece.start + piece.len <= offset);
    let mut done = 0;
    for (piece, reader) in pieces.iter().zip(readers).skip(first) {
        if done == buffer.len() {
            break;
        }
        let skip = offset + done as u64 - piece.start;
        let count = (piece.len - skip).min((buffer.len() - done) as u64) as usize;
        let bytes = reader.read_at(piece.from + skip, count)?;
        buffer[done..done + count].copy_from_slice(&bytes);
        done += count;
    }
    Ok(())
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Random, Self::Bf16, Self::F32, Self::Text, Self::Zeros];

    /// Its word on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Bf16 => "bf16",
            Self::F32 => "f32",
            Self::Text => "text",
            Self::Zeros => "zeros",
        }
    }

    /// Writes the bytes of this kind from `offset` on into `buffer`.
    pub fn fill(self, seed: u64, offset: u64, buffer: &mut [u8]) {
        match self {
            Self::Random => fill_synthetic(seed, offset, buffer),
            Self::Bf16 => cells::fill_bf16(seed, offset, buffer),
            Self::F32 => cells::fill_f32(seed, offset, buffer),
            Self::Text => cells::fill_text(seed, offset, buffer),
            Self::Zeros => buffer.fill(0),
        }
    }
}

const ALTERATION: u8 = 0xa5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn altered_differs_in_every_byte() {
        let content = Content::synthetic(1, 50);
        let before = content.open().unwrap().read_at(3, 40).unwrap();
        let after = content.altered().open().unwrap().read_at(3, 40).unwrap();
        assert!(before.iter().zip(&after).all(|(a, b)| a != b));
    }

    #[test]
    fn disk_and_memory_agree() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, b"0123456789").unwrap();
        let disk = Content::disk(path).unwrap();
        let memory = Content::memory(&b"0123456789"[..]);
        assert_eq!(disk.len(), memory.len());
        for content in [disk, memory] {
            assert_eq!(&content.open().unwrap().read_at(3, 4).unwrap()[..], b"3456");
        }
    }
}
