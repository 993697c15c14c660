//! What is asked of content-addressed storage, and what is believed of the heads of its answers.
//!
//! Sends nothing. A body is judged by whoever reads it: [`reconstruction`](super::reconstruction),
//! [`token`](super::token), [`shard`](super::shard), [`unpacker`](super::unpacker).

use super::hash::XetHash;
use super::reconstruction::Fetch;
use super::token::ReadToken;
use crate::fault::Fault;
use crate::hub::head::Head;
use crate::hub::request::Request;
use crate::range::ByteRange;

/// Asks what a range of a file is made of, by version 1 or 2 of the interface.
pub fn reconstruction(token: &ReadToken, version: u8, file: XetHash, range: ByteRange) -> Request {
    Request::range(token.reconstruction_url(version, file), range)
}

/// Asks for the names of chunks that are stored together with this one.
pub fn shard(token: &ReadToken, chunk: XetHash) -> Request {
    Request::get(token.shard_url(chunk))
}

/// Asks for packed chunks.
pub fn chunks(fetch: &Fetch) -> Request {
    Request::range((*fetch.url).clone(), fetch.bytes)
}

/// Whether an answer of the storage's interface is one. `None` if it does not know what was asked
/// for in this way.
pub fn check_answer(head: &Head) -> Result<Option<()>, Fault> {
    match head.status {
        200 | 206 if head.is_html() => Err(Fault::Portal),
        200 | 206 => check_coding(head).map(Some),
        404 | 405 | 410 | 501 => Ok(None),
        416 => Err(Fault::Changed),
        status => Err(refusal(head, status)),
    }
}

/// Whether an answer to [`chunks`] brings them. What it brings proves itself, so that a server
/// which does not say which bytes they are is believed if their number is right.
pub fn check_chunks(fetch: &Fetch, head: &Head) -> Result<(), Fault> {
    let asked = fetch.bytes;
    match head.status {
        200 | 206 => {}
        status @ (404 | 410) => return Err(Fault::LeaseRefused { status, words: head.said() }),
        416 => return Err(Fault::WrongRange { asked, answered: None }),
        status => return Err(refusal(head, status)),
    }
    if head.is_html() {
        return Err(Fault::Portal);
    }
    check_coding(head)?;
    let answered = head.content_range().map(|content_range| content_range.range);
    let is_other = answered.is_some_and(|answered| answered != asked)
        || (head.status == 206 && head.header("content-range").is_some() && answered.is_none());
    let is_length_right = head.content_length().is_none_or(|length| length == asked.len());
    match head.status {
        200 if !is_length_right => Err(Fault::RangeIgnored),
        _ if is_other || !is_length_right => Err(Fault::WrongRange { asked, answered }),
        _ => Ok(()),
    }
}

fn check_coding(head: &Head) -> Result<(), Fault> {
    if head.is_identity() {
        return Ok(());
    }
    Err(Fault::Encoded(head.coding()))
}

fn refusal(head: &Head, status: u16) -> Fault {
    match status {
        401 | 403 if head.is_html() => Fault::Portal,
        401 | 403 => Fault::LeaseRefused { status, words: head.said() },
        511 => Fault::Portal,
        408 | 425 | 429 | 500..=599 => Fault::Busy { status, retry_after: head.retry_after() },
        300..=399 => Fault::Redirects,
        407 => Fault::Proxy("the proxy wants a name and password (HTTP 407)".to_owned()),
        400..=499 => Fault::Rejected { status, words: head.said() },
        status => Fault::Malformed(format!("HTTP {status} from the storage")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use url::Url;

    use super::*;

    fn fetch() -> Fetch {
        Fetch {
            xorb: XetHash::ZERO,
            chunks: 0..1,
            url: Arc::new(Url::parse("https://cdn.example/xorb").unwrap()),
            bytes: ByteRange::new(10, 20),
            request: 0,
        }
    }

    #[test]
    fn chunks_come_with_or_without_their_range() {
        type Case<'a> = (u16, &'a [(&'a str, &'a str)], Result<(), Fault>);
        let wrong = |answered| Err(Fault::WrongRange { asked: ByteRange::new(10, 20), answered });
        let busy = Fault::Busy { status: 503, retry_after: None };
        let cases: [Case<'_>; 13] = [
            (206, &[("content-range", "bytes 10-19/90"), ("content-length", "10")], Ok(())),
            (206, &[("content-range", "bytes 10-19/*")], Ok(())),
            (206, &[("content-length", "10")], Ok(())),
            (200, &[("content-length", "10")], Ok(())),
            (200, &[("content-length", "90")], Err(Fault::RangeIgnored)),
            (206, &[("content-length", "90")], wrong(None)),
            (206, &[("content-range", "bytes 0-9/90")], wrong(Some(ByteRange::new(0, 10)))),
            (206, &[("content-range", "nonsense")], wrong(None)),
            (206, &[("content-type", "text/html")], Err(Fault::Portal)),
            (206, &[("content-encoding", "gzip")], Err(Fault::Encoded("gzip".to_owned()))),
            (403, &[], Err(Fault::refused(403))),
            (416, &[], wrong(None)),
            (503, &[], Err(busy)),
        ];
        for (status, lines, expected) in cases {
            let head = Head::new(status, lines.iter().copied());
            assert_eq!(check_chunks(&fetch(), &head), expected, "{status} {lines:?}");
        }
    }

    #[test]
    fn the_interface_answers_or_does_not_know() {
        let cases = [
            (200, Ok(Some(()))),
            (404, Ok(None)),
            (501, Ok(None)),
            (416, Err(Fault::Changed)),
            (401, Err(Fault::refused(401))),
            (429, Err(Fault::Busy { status: 429, retry_after: None })),
        ];
        for (status, expected) in cases {
            let head = Head::new(status, [("content-type", "application/json")]);
            assert_eq!(check_answer(&head), expected, "{status}");
        }
    }
}
