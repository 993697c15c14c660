//! Response bodies: a few bytes, or a part of a content read as it is sent.
//!
//! Every body knows its exact length, so that the wire can tell where a response ends. What faults
//! make of it is not known here.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::content::{Content, ContentReader};

/// The body of an honest response.
#[derive(Debug, Default)]
pub(crate) enum Body {
    #[default]
    Empty,
    /// None at all, of which not even the length is said: that of a 304.
    Absent,
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
        Ok(Self::Part { reader, left: part })
    }

    /// Pieces one after the other.
    pub(crate) fn pieces(pieces: Vec<Bytes>) -> Self {
        Self::Pieces(pieces.into())
    }

    /// Bytes left to send.
    fn len(&self) -> u64 {
        match self {
            Self::Empty | Self::Absent => 0,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Pieces(pieces) => pieces.iter().map(|piece| piece.len() as u64).sum(),
            Self::Part { left, .. } => left.end - left.start,
        }
    }

    fn next(&mut self) -> io::Result<Option<Bytes>> {
        match self {
            Self::Empty | Self::Absent => Ok(None),
            Self::Bytes(bytes) => {
                let next = bytes.split_to(bytes.len().min(STEP));
                Ok((!next.is_empty()).then_some(next))
            }
            Self::Pieces(pieces) => {
                while pieces.front().is_some_and(Bytes::is_empty) {
                    pieces.pop_front();
                }
                Ok(pieces.front_mut().map(|piece| piece.split_to(piece.len().min(STEP))))
            }
            Self::Part { left, .. } if left.is_empty() => Ok(None),
            Self::Part { reader, left } => {
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
        Self::Bytes(bytes.into())
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(self.next().transpose().map(|next| next.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.len() == 0
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Absent => SizeHint::default(),
            Self::Empty | Self::Bytes(_) | Self::Pieces(_) | Self::Part { .. } => {
                SizeHint::with_exact(self.len())
            }
        }
    }
}

/// Bytes per frame; below 64 KiB, so that one fits a stored block of gzip.
pub(crate) const STEP: usize = 32 << 10;
