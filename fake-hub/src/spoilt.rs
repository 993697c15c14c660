//! A body as a fault has it: cut short, in gzip's clothes, without a length, or with wrong bytes.
//!
//! It damages by offsets of the file and tells nobody how much has arrived: that is the wire's.

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::{BoxError, Error};
use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::body::STEP;
use crate::gzip::Stored;
use crate::mark::Mark;

/// A body around the honest one.
#[derive(Debug)]
pub(crate) struct Spoilt {
    honest: Body,
    /// Bytes of the honest body that are still to be sent.
    left: u64,
    /// Those of them that were read already.
    read: BytesMut,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Short,
    Gzip(Stored),
    /// Its length is told to nobody, so that HTTP sends it in chunks.
    Chunked,
    Damaged(Damage),
}

/// What becomes of some bytes of a body.
#[derive(Debug)]
pub(crate) struct Damage {
    /// Where they are in the body.
    pub(crate) spans: Vec<Range<u64>>,
    pub(crate) harm: Harm,
    pub(crate) mark: Arc<Mark>,
    /// Where the next byte of the body is.
    pub(crate) at: u64,
}

/// What becomes of one byte.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Harm {
    /// The bits that stay.
    pub(crate) keep: u8,
    /// The bits that are the opposite.
    pub(crate) flip: u8,
}

impl Spoilt {
    /// Nothing after the first `len` bytes.
    pub(crate) fn short(honest: Body, len: u64) -> Self {
        let mut short = Self::new(honest, Form::Short);
        short.left = short.left.min(len);
        short
    }

    pub(crate) fn gzip(honest: Body) -> Self {
        Self::new(honest, Form::Gzip(Stored::default()))
    }

    pub(crate) fn chunked(honest: Body) -> Self {
        Self::new(honest, Form::Chunked)
    }

    pub(crate) fn damaged(honest: Body, damage: Damage) -> Self {
        Self::new(honest, Form::Damaged(damage))
    }

    fn new(honest: Body, form: Form) -> Self {
        let left = len_of(&honest);
        Self { honest, left, read: BytesMut::new(), form }
    }

    /// How many bytes its transfer takes: with the lines around each chunk, if it is in chunks.
    pub(crate) fn wire_len(&self) -> u64 {
        match &self.form {
            Form::Short | Form::Damaged(_) => self.left,
            Form::Gzip(gzip) => gzip.len(self.left),
            Form::Chunked => {
                let around = |chunk: u64| format!("{chunk:X}\r\n\r\n").len() as u64;
                let (full, rest) = (self.left / STEP as u64, self.left % STEP as u64);
                let last = if rest > 0 { around(rest) } else { 0 };
                self.left + full * around(STEP as u64) + last + "0\r\n\r\n".len() as u64
            }
        }
    }

    /// The next bytes of the honest body. Where it counts how many blocks there are, they are of
    /// [`STEP`] bytes each, but for the last one.
    fn poll_block(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        let least = match self.form {
            Form::Short | Form::Damaged(_) => 1,
            Form::Gzip(_) | Form::Chunked => STEP.min(to_usize(self.left)),
        };
        while self.left > 0 && self.read.len() < least {
            match ready!(Pin::new(&mut self.honest).poll_frame(cx)?) {
                // Trailers are no bytes of it, and nobody here sends any.
                Some(frame) => self.read.extend(frame.into_data().ok()),
                None => break,
            }
        }
        let len = self.read.len().min(STEP).min(to_usize(self.left));
        self.left -= len as u64;
        Poll::Ready(Ok((len > 0).then(|| self.read.split_to(len).freeze())))
    }
}

impl Damage {
    fn apply(&mut self, bytes: Bytes) -> Bytes {
        let start = self.at;
        let end = start + bytes.len() as u64;
        self.at = end;
        let here = |span: &Range<u64>| span.start.max(start)..span.end.min(end);
        let mut spans = self.spans.iter().map(here).filter(|span| !span.is_empty()).peekable();
        if spans.peek().is_none() || !self.mark.may_damage() {
            return bytes;
        }
        let mut bytes = BytesMut::from(bytes);
        for span in spans {
            let Harm { keep, flip } = self.harm;
            for byte in &mut bytes[to_usize(span.start - start)..to_usize(span.end - start)] {
                *byte = *byte & keep ^ flip;
            }
        }
        bytes.freeze()
    }
}

impl HttpBody for Spoilt {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let block = ready!(self.poll_block(cx)?);
        let is_last = self.left == 0;
        let bytes = match &mut self.form {
            Form::Short | Form::Chunked => block,
            Form::Gzip(gzip) => gzip.wrap(block, is_last),
            Form::Damaged(damage) => block.map(|block| damage.apply(block)),
        };
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.form {
            Form::Short | Form::Chunked | Form::Damaged(_) => self.left == 0,
            Form::Gzip(gzip) => gzip.len(self.left) == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.form {
            Form::Short | Form::Gzip(_) | Form::Damaged(_) => SizeHint::with_exact(self.wire_len()),
            Form::Chunked => SizeHint::default(),
        }
    }
}

/// The length of a body, which all honest ones know.
pub(crate) fn len_of(body: &impl HttpBody) -> u64 {
    body.size_hint().exact().unwrap_or(0)
}

fn to_usize(len: u64) -> usize {
    len.try_into().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::body;
    use crate::reply::{BodyPart, BodyParts};
    use crate::rule::book::RuleBook;

    async fn bytes_of(body: Spoilt) -> (u64, Vec<u8>) {
        let len = body.wire_len();
        (len, body.collect().await.unwrap().to_bytes().to_vec())
    }

    fn honest(len: usize) -> (Vec<u8>, Body) {
        let bytes: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
        // Frames of other lengths than a block has, as between the parts of several ranges.
        let pieces = bytes.chunks(1000).map(Bytes::copy_from_slice).collect();
        (bytes, Body::new(body::Body::pieces(pieces)))
    }

    fn mark(rule: &str, at: u64) -> (RuleBook, Arc<Mark>) {
        let book = RuleBook::new(vec![rule.parse().unwrap()], 0);
        let mark = Arc::new(Mark::new(book.first(), at));
        (book, mark)
    }

    #[tokio::test]
    async fn lengths_are_known_beforehand() {
        for len in [0, 1, STEP - 1, STEP, STEP + 1, 3 * STEP] {
            let (bytes, body) = honest(len);
            let (announced, sent) = bytes_of(Spoilt::gzip(body)).await;
            assert_eq!(sent.len() as u64, announced, "gzip of {len}");
            let (announced, sent) = bytes_of(Spoilt::short(honest(len).1, len as u64 / 2)).await;
            assert_eq!((announced, &*sent), (len as u64 / 2, &bytes[..len / 2]), "half of {len}");
            let mut chunked = Spoilt::chunked(honest(len).1);
            let (announced, mut framed) = (chunked.wire_len(), "0\r\n\r\n".len());
            while let Some(frame) = chunked.frame().await {
                let chunk = frame.unwrap().into_data().unwrap().len();
                framed += format!("{chunk:X}\r\n\r\n").len() + chunk;
            }
            assert_eq!(framed as u64, announced, "chunks of {len}");
        }
    }

    #[tokio::test]
    async fn only_the_bytes_of_the_file_at_these_offsets_are_damaged() {
        // Two ranges of a file, with ten bytes of something else before each.
        let parts = BodyParts::new(vec![
            BodyPart { body: 10..20, file: 100 },
            BodyPart { body: 30..40, file: 105 },
        ]);
        let whole = BodyParts::from(100);
        let hole = Harm { keep: 0, flip: 0 };
        let bit = Harm { keep: 0xff, flip: 8 };
        let table = [
            (&whole, 104..105, bit, vec![4]),
            (&whole, 99..100, bit, vec![]),
            (&whole, 138..200, hole, vec![38, 39]),
            (&parts, 107..108, bit, vec![17, 32]),
            (&parts, 114..120, hole, vec![39]),
        ];
        for (parts, file, harm, expected) in table {
            let (bytes, body) = honest(40);
            let (_book, mark) = mark("flip at=0", 0);
            let spans = parts.places(&file);
            let damage = Damage { spans, harm, mark, at: 0 };
            let (_, sent) = bytes_of(Spoilt::damaged(body, damage)).await;
            let wrong: Vec<usize> = (0..40).filter(|at| sent[*at] != bytes[*at]).collect();
            assert_eq!(wrong, expected, "{file:?}");
        }
    }

    #[tokio::test]
    async fn damage_counts_when_it_is_sent_and_is_given_back_when_it_is_not() {
        let (book, first) = mark("flip at=5 times=1", 5);
        let fired = || book.stats()[0].fired;
        assert!(first.may_damage());
        assert_eq!((first.on_sent(5), fired()), (None, 0));
        let late = Mark::new(book.first(), 5);
        assert!(!late.may_damage(), "there was one, and the first body has it");
        drop(first);
        let second = Mark::new(book.first(), 5);
        assert!(second.may_damage(), "the first byte never left, so another may be damaged");
        assert_eq!((second.on_sent(6), fired()), (Some("flip"), 1));
        assert_eq!((second.on_sent(7), fired()), (None, 1));
        drop((second, late));
        assert_eq!(fired(), 1);
    }
}
