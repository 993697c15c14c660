//! One whole answer of a hub: who gave it, its head, and its body.
//!
//! Reads JSON and tells web pages apart; what the JSON means is judged elsewhere.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::DeserializeSeed;
use url::Url;

use super::asked::Asked;
use super::coding;
use super::head::{Head, clean};
use super::page;
use crate::fault::Fault;

/// Bytes of JSON in one answer that are believed. The sender need not read further.
pub const BODY_MAX: usize = 64 * 1024 * 1024;

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Who gave it: the URL after all redirects.
    pub url: Url,
    /// Status and headers.
    pub head: Head,
    /// The body as it came, perhaps compressed; empty where none was asked for.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer of which only the head was asked for.
    pub const fn of_head(url: Url, head: Head) -> Self {
        Self { url, head, body: Vec::new() }
    }

    /// The body without its compression.
    pub fn plain_body(&self) -> Result<Cow<'_, [u8]>, Fault> {
        coding::decoded(&self.head, &self.body, BODY_MAX)
    }

    /// What `reader` makes of the JSON of a successful answer. What is unknown in it is ignored.
    pub(super) fn json<T, S>(&self, asked: &Asked, reader: S) -> Result<T, Fault>
    where
        S: for<'de> DeserializeSeed<'de, Value = T>,
    {
        if self.head.status != 200 {
            return Err(asked.refusal(self, None));
        }
        if self.head.is_html() {
            return Err(self.page(asked));
        }
        let body = self.plain_body()?;
        if body.trim_ascii_start().starts_with(b"<") {
            return Err(self.page(asked));
        }
        if body.len() > BODY_MAX {
            return Err(Fault::Malformed("an endless listing".to_owned()));
        }
        // The parser's own words may quote the stranger's text; where it stopped says enough.
        let mut json = serde_json::Deserializer::from_slice(&body);
        let read = reader.deserialize(&mut json);
        read.and_then(|read| json.end().map(|()| read)).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let words = format!("not the JSON that a hub sends (line {line}, column {column})");
            Fault::Malformed(words)
        })
    }

    /// What it means that a web page came.
    pub(super) fn page(&self, asked: &Asked) -> Fault {
        let body = coding::decoded(&self.head, &self.body, PAGE_READ_MAX);
        let body = body.unwrap_or_default();
        let body = &body[..body.len().min(PAGE_READ_MAX)];
        if page::is_sign_in(&asked.endpoint, &self.url, self.head.status, body) {
            Fault::Portal
        } else {
            Fault::NotAHub
        }
    }

    /// The server's own words about an error, made safe to print: `X-Error-Message`, else the
    /// `error` of its JSON, else a short text. Empty if there are none.
    pub(super) fn error_words(&self) -> String {
        if let Some(words) = self.head.error_message() {
            return words;
        }
        if self.head.is_html() || self.body.len() > ERROR_BODY_MAX {
            return String::new();
        }
        let body = coding::decoded(&self.head, &self.body, ERROR_BODY_MAX).unwrap_or_default();
        if let Ok(ErrorJson { error }) = serde_json::from_slice(&body) {
            return clean(&error);
        }
        let is_text = self.head.header("content-type").is_some_and(|it| it.starts_with("text/"));
        let text = str::from_utf8(&body).ok().filter(|_| is_text).unwrap_or_default().trim();
        if text.lines().count() == 1 { clean(text) } else { String::new() }
    }
}

#[derive(Deserialize)]
struct ErrorJson {
    error: String,
}

/// As much of a web page is looked at.
const PAGE_READ_MAX: usize = 64 * 1024;
/// Longer bodies of errors are not read for a message.
const ERROR_BODY_MAX: usize = 16 * 1024;

#[cfg(test)]
mod tests;
