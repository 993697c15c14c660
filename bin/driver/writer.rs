//! Writes a body to its gaps in the part file, and measures what it wrote. When, and where records
//! end, the engine's policy says.
//!
//! Asks for nothing and reports nothing by itself: its exchange collects what was written.

use std::path::Path;
use std::sync::Arc;

use engine::action::Written;
use engine::digest::RangeDigest;
use engine::fault::Fault;
use engine::range::ByteRange;
use engine::{Flushed, Records};
use tokio::time::Instant;

use super::Clock;
use crate::disk::{At, Disk, DiskFile};

/// Where a body goes.
pub(super) struct Writer<D: Disk> {
    disk: D,
    part: Arc<D::File>,
    clock: Clock,
    /// Which byte of the file comes next in the body.
    position: u64,
    records: Records,
    compare: bool,
    /// Bytes that came and are not written yet; they belong at the end of the record.
    buffer: Vec<u8>,
    /// Of the record that is growing, as far as it is written.
    hasher: blake3::Hasher,
    is_changed: bool,
    written: Vec<Written>,
}

impl<D: Disk> Writer<D> {
    /// A writer for a body that begins at byte `position` of the file, of which `gaps` are wanted.
    pub(super) fn new(
        disk: D,
        part: Arc<D::File>,
        position: u64,
        gaps: Vec<ByteRange>,
        compare: bool,
    ) -> Self {
        let clock = Clock::start();
        Self {
            disk,
            part,
            clock,
            position,
            records: Records::new(position, gaps, clock.now()),
            compare,
            buffer: Vec::new(),
            hasher: blake3::Hasher::new(),
            is_changed: false,
            written: Vec::new(),
        }
    }

    /// Whether every gap is filled.
    pub(super) fn is_done(&self) -> bool {
        self.records.is_done()
    }

    /// Whether anything of these ranges is still wanted.
    pub(super) fn wants(&self, ranges: impl Iterator<Item = ByteRange>) -> bool {
        self.records.wants(ranges)
    }

    /// When what is buffered is to be written, however little it is.
    pub(super) fn flush_at(&self) -> Option<Instant> {
        self.records.flush_at().map(|at| self.clock.moment(at))
    }

    /// What was written since the last call, in order. Each may be a longer form of the one before.
    pub(super) fn take_written(&mut self) -> Vec<Written> {
        std::mem::take(&mut self.written)
    }

    /// Takes the next bytes of the body.
    pub(super) async fn take(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let at = self.position;
        self.position += bytes.len() as u64;
        self.take_at(at, bytes).await
    }

    /// Takes bytes of the file from `at` on: drops those that no gap wants, writes the others.
    pub(super) async fn take_at(&mut self, at: u64, bytes: &[u8]) -> Result<(), Fault> {
        for piece in self.records.wanted(ByteRange::new(at, at + bytes.len() as u64)) {
            let offset = |position: u64| clamp(position - at, bytes.len());
            self.append(piece.start, &bytes[offset(piece.start)..offset(piece.end)]).await?;
        }
        Ok(())
    }

    async fn append(&mut self, at: u64, mut bytes: &[u8]) -> Result<(), Fault> {
        if self.records.is_apart(at) {
            self.flush().await?;
            self.records.begin(at);
            self.begin();
        }
        while !bytes.is_empty() {
            let taken = self.records.take(bytes.len() as u64, self.clock.now());
            let (now, later) = bytes.split_at(clamp(taken.len, bytes.len()));
            self.buffer.extend_from_slice(now);
            if taken.flush {
                self.flush().await?;
            }
            bytes = later;
        }
        Ok(())
    }

    fn begin(&mut self) {
        self.hasher.reset();
        self.is_changed = false;
    }

    /// Writes what is buffered.
    pub(super) async fn flush(&mut self) -> Result<(), Fault> {
        let (at, len) = (self.records.buffered_at(), self.records.take_buffered());
        if len > 0 {
            self.write(at).await?;
        }
        let written = self.records.on_written(len, self.clock.now());
        let Some(Flushed { record, is_over }) = written else { return Ok(()) };
        let digest = RangeDigest(*self.hasher.finalize().as_bytes());
        self.written.push(Written { range: record, digest, changed: self.is_changed });
        if is_over {
            self.begin();
        }
        Ok(())
    }

    async fn write(&mut self, at: u64) -> Result<(), Fault> {
        let (part, compare) = (Arc::clone(&self.part), self.compare);
        let bytes = std::mem::take(&mut self.buffer);
        let mut hasher = std::mem::take(&mut self.hasher);
        let work = move |_: &D| {
            hasher.update(&bytes);
            let differs = compare && differs(&*part, &bytes, at);
            if !compare || differs {
                part.write_all_at(&bytes, at).at(Path::new("the download"))?;
            }
            Ok((bytes, hasher, differs))
        };
        let (mut bytes, hasher, differs) = self.disk.run(work).await.map_err(Fault::Disk)?;
        bytes.clear();
        (self.buffer, self.hasher) = (bytes, hasher);
        self.is_changed |= differs;
        Ok(())
    }
}

/// Whether other bytes stand at `at`. What cannot be read is not the same.
fn differs(part: &impl DiskFile, bytes: &[u8], at: u64) -> bool {
    let mut present = vec![0; bytes.len()];
    !matches!(part.read_full_at(&mut present, at), Ok(len) if len == bytes.len())
        || present != bytes
}

fn clamp(wanted: u64, available: usize) -> usize {
    usize::try_from(wanted).map_or(available, |wanted| wanted.min(available))
}
