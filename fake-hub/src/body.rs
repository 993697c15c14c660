//! Response bodies: a few bytes, or a part of a content read as it is sent.
//!
//! Every body knows its exact length, so that the wire can tell where a response ends.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::content::{Content, ContentReader};
use crate::gzip::Stored;

/// The body of a response.
#[derive(Debug, Default)]
pub struct Body {
    source: Source,
    gzip: Option<Stored>,
    /// Its length is told to nobody, so that HTTP sends it in chunks.
    is_chunked: bool,
}

#[derive(Debug, Default)]
enum Source {
    #[default]
    Empty,
    Bytes(Bytes),
    Pieces(VecDeque<Bytes>),
    Part {
        reader: Box<ContentReader>,
        left: Range<u64>,
    },
}

impl Body {
    /// The bytes of `part` of a content.
    pub(crate) fn part(content: &Content, part: Range<u64>) -> io::Result<Self> {
        let reader = Box::new(content.open()?);
        Ok(Self::of(Source::Part { reader, left: part }))
    }

    /// Pieces one after the other.
    pub(crate) fn pieces(pieces: Vec<Bytes>) -> Self {
        Self::of(Source::Pieces(pieces.into()))
    }

    fn of(source: Source) -> Self {
        Self { source, gzip: None, is_chunked: false }
    }

    /// Bytes left to send.
    pub(crate) fn len(&self) -> u64 {
        let plain = self.plain_len();
        self.gzip.as_ref().map_or(plain, |gzip| gzip.len(plain))
    }

    /// How many bytes its transfer takes: with the lines around each chunk, if it is in chunks.
    pub(crate) fn wire_len(&self) -> u64 {
        let len = self.len();
        if !self.is_chunked {
            return len;
        }
        let around = |chunk: u64| format!("{chunk:X}\r\n\r\n").len() as u64;
        let (full, rest) = (len / STEP as u64, len % STEP as u64);
        let last = if rest > 0 { around(rest) } else { 0 };
        len + full * around(STEP as u64) + last + "0\r\n\r\n".len() as u64
    }

    /// Sends it in chunks. Of several pieces, or in gzip's clothes, it stays as it is.
    pub(crate) fn chunk(&mut self) {
        let is_plain = matches!(self.source, Source::Bytes(_) | Source::Part { .. });
        self.is_chunked = is_plain && self.gzip.is_none();
    }

    /// Drops everything after the first `len` bytes.
    pub(crate) fn truncate(&mut self, len: u64) {
        match &mut self.source {
            Source::Empty => {}
            Source::Bytes(bytes) => bytes.truncate(len.try_into().unwrap_or(usize::MAX)),
            Source::Pieces(pieces) => {
                let mut left = len.try_into().unwrap_or(usize::MAX);
                for piece in pieces {
                    piece.truncate(left);
                    left -= piece.len();
                }
            }
            Source::Part { left, .. } => left.end = left.end.min(left.start.saturating_add(len)),
        }
    }

    /// The same in gzip's clothes.
    pub(crate) fn gzipped(self) -> Self {
        Self { gzip: Some(Stored::default()), ..self }
    }

    fn plain_len(&self) -> u64 {
        match &self.source {
            Source::Empty => 0,
            Source::Bytes(bytes) => bytes.len() as u64,
            Source::Pieces(pieces) => pieces.iter().map(|piece| piece.len() as u64).sum(),
            Source::Part { left, .. } => left.end - left.start,
        }
    }

    fn next_plain(&mut self) -> io::Result<Option<Bytes>> {
        match &mut self.source {
            Source::Empty => Ok(None),
            Source::Bytes(bytes) => {
                let next = bytes.split_to(bytes.len().min(STEP));
                Ok((!next.is_empty()).then_some(next))
            }
            Source::Pieces(pieces) => {
                while pieces.front().is_some_and(Bytes::is_empty) {
                    pieces.pop_front();
                }
                Ok(pieces.front_mut().map(|piece| piece.split_to(piece.len().min(STEP))))
            }
            Source::Part { left, .. } if left.is_empty() => Ok(None),
            Source::Part { reader, left } => {
                let len = (left.end - left.start).min(STEP as u64);
                let next = reader.read_at(left.start, len as usize)?;
                left.start += len;
                Ok(Some(next))
            }
        }
    }
}

impl<B: Into<Bytes>> From<B> for Body {
    fn from(bytes: B) -> Self {
        Self::of(Source::Bytes(bytes.into()))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let is_last = self.plain_len() <= STEP as u64;
        let next = match self.next_plain() {
            Ok(next) => next,
            Err(error) => return Poll::Ready(Some(Err(error))),
        };
        let next = match &mut self.gzip {
            Some(gzip) => gzip.wrap(next, is_last),
            None => next,
        };
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.len() == 0
    }

    fn size_hint(&self) -> SizeHint {
        if self.is_chunked { SizeHint::default() } else { SizeHint::with_exact(self.len()) }
    }
}

/// Bytes per frame; below 64 KiB, so that one fits a stored block of gzip.
pub(crate) const STEP: usize = 32 << 10;
