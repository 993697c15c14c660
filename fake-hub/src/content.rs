//! The bytes of one file: kept in memory, read from disk, or made up on the fly.
//!
//! It knows offsets and lengths, not names, digests or HTTP.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use bytes::Bytes;

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
    Synthetic { seed: u64 },
}

impl Content {
    /// Bytes in memory.
    pub fn memory(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { len: bytes.len() as u64, source: Source::Memory(bytes), altered: false }
    }

    /// A file on disk, which must keep its length while the hub runs.
    pub fn disk(path: PathBuf) -> io::Result<Self> {
        let len = std::fs::metadata(&path)?.len();
        Ok(Self { len, source: Source::Disk(path), altered: false })
    }

    /// `len` bytes that are a pure function of `seed` and offset.
    pub fn synthetic(seed: u64, len: u64) -> Self {
        Self { len, source: Source::Synthetic { seed }, altered: false }
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

    pub(crate) fn is_on_disk(&self) -> bool {
        matches!(self.source, Source::Disk(_))
    }

    /// Opens it for reading.
    pub fn open(&self) -> io::Result<ContentReader> {
        let file = match &self.source {
            Source::Disk(path) => Some(File::open(path)?),
            Source::Memory(_) | Source::Synthetic { .. } => None,
        };
        Ok(ContentReader { content: self.clone(), file })
    }
}

/// An open [`Content`].
#[derive(Debug)]
pub struct ContentReader {
    content: Content,
    file: Option<File>,
}

impl ContentReader {
    /// The `len` bytes at `offset`, which must lie within the content.
    pub fn read_at(&mut self, offset: u64, len: usize) -> io::Result<Bytes> {
        let mut buffer = match &self.content.source {
            Source::Memory(bytes) if !self.content.altered => {
                let start = offset as usize;
                return Ok(bytes.slice(start..start + len));
            }
            Source::Memory(bytes) => bytes[offset as usize..offset as usize + len].to_vec(),
            Source::Synthetic { seed } => {
                let mut buffer = vec![0; len];
                fill_synthetic(*seed, offset, &mut buffer);
                buffer
            }
            Source::Disk(_) => {
                let mut buffer = vec![0; len];
                let file = self.file.as_mut().expect("a content on disk is opened with its file");
                file.seek(SeekFrom::Start(offset))?;
                file.read_exact(&mut buffer)?;
                buffer
            }
        };
        if self.content.altered {
            buffer.iter_mut().for_each(|byte| *byte ^= ALTERATION);
        }
        Ok(buffer.into())
    }
}

/// Writes the synthetic bytes of `seed` from `offset` on into `buffer`.
pub fn fill_synthetic(seed: u64, offset: u64, buffer: &mut [u8]) {
    let skip = (offset % 8) as usize;
    let mut word = offset / 8;
    let mut rest = buffer;
    if skip > 0 {
        let head_len = rest.len().min(8 - skip);
        let (head, tail) = rest.split_at_mut(head_len);
        head.copy_from_slice(&synthetic_word(seed, word)[skip..skip + head_len]);
        word += 1;
        rest = tail;
    }
    let mut words = rest.chunks_exact_mut(8);
    for chunk in &mut words {
        chunk.copy_from_slice(&synthetic_word(seed, word));
        word += 1;
    }
    let tail = words.into_remainder();
    let tail_len = tail.len();
    tail.copy_from_slice(&synthetic_word(seed, word)[..tail_len]);
}

/// Mixes 64 bits so that nearby inputs look unrelated (the finalizer of splitmix64).
pub(crate) fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn synthetic_word(seed: u64, word: u64) -> [u8; 8] {
    mix(seed.wrapping_add((word + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))).to_le_bytes()
}

const ALTERATION: u8 = 0xa5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synthetic_bytes_do_not_depend_on_how_they_are_cut() {
        let mut whole = vec![0; 100];
        fill_synthetic(7, 0, &mut whole);
        for start in 0..40 {
            for len in 0..40 {
                let mut part = vec![0; len];
                fill_synthetic(7, start as u64, &mut part);
                assert_eq!(part, whole[start..start + len], "{start}+{len}");
            }
        }
    }

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
