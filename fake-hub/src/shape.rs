//! What the real hosts were seen to send, as tables: the names of headers, the form of their
//! values, and bodies.
//!
//! It computes nothing. A route gives the words of an answer; a line that has a word which is not
//! given is left out.

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use crate::reply::{self, Reply};

pub(crate) mod hub;
pub(crate) mod storage;

/// Names and values of headers, in which `{word}` stands for what differs.
pub(crate) type Lines = &'static [(&'static str, &'static str)];

/// An answer without what differs from one to the next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) status: u16,
    pub(crate) lines: Lines,
    pub(crate) body: &'static str,
}

/// What stands for the words of a shape.
pub(crate) type Words<'a> = [(&'a str, &'a str)];

impl Shape {
    /// The answer with these words.
    pub(crate) fn fill(&self, words: &Words<'_>) -> Reply {
        let status = StatusCode::from_u16(self.status);
        let status = status.expect("the tables have statuses that there are");
        let body = fill(self.body, words).unwrap_or_default();
        let mut reply = Reply::new(Bytes::from(body).into());
        *reply.status_mut() = status;
        reply::set_len(&mut reply);
        set_all(&mut reply, self.lines, words);
        reply
    }
}

/// Adds the lines to an answer.
pub(crate) fn set_all<B>(reply: &mut Response<B>, lines: Lines, words: &Words<'_>) {
    for (name, value) in lines {
        if !value.contains('{') {
            let (name, value) = (HeaderName::from_static(name), HeaderValue::from_static(value));
            reply.headers_mut().insert(name, value);
        } else if let Some(value) = fill(value, words) {
            reply::set(reply, *name, &value);
        }
    }
}

/// A text with its words; none if it has one that is not given.
///
/// Braces around anything but small letters are no word, so that JSON can stand in a text.
pub(crate) fn fill(text: &str, words: &Words<'_>) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once('{') {
        out.push_str(before);
        let end = tail.find(|char: char| !char.is_ascii_lowercase() && char != '_');
        let word = &tail[..end.unwrap_or(tail.len())];
        match tail[word.len()..].strip_prefix('}') {
            Some(tail) if !word.is_empty() => {
                let (_, value) = words.iter().find(|(name, _)| *name == word)?;
                out.push_str(value);
                rest = tail;
            }
            Some(_) | None => {
                out.push('{');
                rest = tail;
            }
        }
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_filled_in_once() {
        let words = [("a", "1"), ("long_word", "{a}")];
        let table = [
            ("x", Some("x")),
            ("{a}-{long_word}", Some("1-{a}")),
            ("{\"a\":{a}}", Some("{\"a\":1}")),
            ("{}{", Some("{}{")),
            ("{b}", None),
        ];
        for (text, expected) in table {
            assert_eq!(fill(text, &words).as_deref(), expected, "{text}");
        }
    }
}
