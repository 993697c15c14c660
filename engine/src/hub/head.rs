//! The head of one answer as plain data, and readers of the headers that matter here.
//!
//! Reads what is there, garbled or not; what it means is judged elsewhere.

use std::time::UNIX_EPOCH;

use super::headers::Headers;
use super::revision::Commit;
use crate::range::ByteRange;
use crate::time::Duration;
use crate::xet::hash::XetHash;

/// Status and headers of one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// How the body of an error begins, as text; empty where nobody has read it.
    pub excerpt: String,
}

impl Head {
    /// A head with these header lines.
    pub fn new<N: AsRef<str>, V: AsRef<[u8]>>(
        status: u16,
        lines: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        Self { status, headers: lines.into_iter().collect(), excerpt: String::new() }
    }

    /// The same head with the first bytes of its body, as far as they are text.
    #[must_use]
    pub fn with_excerpt(mut self, body: &[u8]) -> Self {
        self.excerpt = String::from_utf8_lossy(body).into_owned();
        self
    }

    /// What the server says of an error, made safe to print: `X-Error-Message`, else how its body
    /// begins, without markup. Empty if it says nothing.
    pub fn said(&self) -> String {
        self.error_message().unwrap_or_else(|| plain_text(&self.excerpt))
    }

    /// `Content-Length`, in bytes.
    pub fn content_length(&self) -> Option<u64> {
        number(self.header("content-length")?)
    }

    /// `Content-Range: bytes a-b/total`; `None` if it is absent, garbled or the form of a 416.
    pub fn content_range(&self) -> Option<ContentRange> {
        let (range, total) = self.content_range_parts()?;
        let (first, last) = range.split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        let range = ByteRange { start: first, end: last.checked_add(1)? };
        let total = if total == "*" { None } else { Some(number(total)?) };
        let is_sound = first <= last && total.is_none_or(|total| range.end <= total);
        is_sound.then_some(ContentRange { range, total })
    }

    /// The file's length as a 416 gives it: `Content-Range: bytes */total`.
    pub fn unsatisfied_total(&self) -> Option<u64> {
        let (range, total) = self.content_range_parts()?;
        if range == "*" { number(total) } else { None }
    }

    /// `ETag`.
    pub fn etag(&self) -> Option<Etag> {
        Etag::parse(self.header("etag")?)
    }

    /// `X-Linked-ETag`: the ETag of what a redirect leads to.
    pub fn linked_etag(&self) -> Option<Etag> {
        Etag::parse(self.header("x-linked-etag")?)
    }

    /// `X-Linked-Size`: the size of what a redirect leads to, in bytes.
    pub fn linked_size(&self) -> Option<u64> {
        number(self.header("x-linked-size")?)
    }

    /// `X-Xet-Hash`: the name of the file in content-addressed storage.
    pub fn xet_hash(&self) -> Option<XetHash> {
        XetHash::from_hex(self.header("x-xet-hash")?)
    }

    /// `X-Repo-Commit`.
    pub fn commit(&self) -> Option<Commit> {
        self.header("x-repo-commit")?.parse().ok()
    }

    /// `Location`, as it came.
    pub fn location(&self) -> Option<&str> {
        self.header("location")
    }

    /// The value under a name given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.value(name)
    }

    /// Whether the body is as it would be without compression, says `Content-Encoding`.
    pub fn is_identity(&self) -> bool {
        let coding = self.header("content-encoding").unwrap_or_default();
        coding.is_empty() || coding.eq_ignore_ascii_case("identity")
    }

    /// `Content-Encoding`, made safe to print.
    pub fn coding(&self) -> String {
        clean(self.header("content-encoding").unwrap_or_default())
    }

    /// Whether the body is compressed with gzip and nothing else, says `Content-Encoding`.
    pub fn is_gzip(&self) -> bool {
        let coding = self.header("content-encoding").unwrap_or_default();
        coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip")
    }

    /// Whether the body is several ranges with heads of their own, says `Content-Type`.
    pub fn is_multipart(&self) -> bool {
        let kind = self.header("content-type").unwrap_or_default();
        kind.to_ascii_lowercase().starts_with("multipart/")
    }

    /// Whether the body is a web page, says `Content-Type`.
    pub fn is_html(&self) -> bool {
        let kind = self.header("content-type").unwrap_or_default();
        let kind = kind.split([';', ',']).next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("text/html") || kind.eq_ignore_ascii_case("application/xhtml+xml")
    }

    /// `X-Error-Code`.
    pub fn error_code(&self) -> Option<&str> {
        self.header("x-error-code")
    }

    /// `X-Error-Message`, made safe to print; `None` if nothing is left of it.
    pub fn error_message(&self) -> Option<String> {
        Some(clean(self.header("x-error-message")?)).filter(|message| !message.is_empty())
    }

    /// Whether there is a header that only a hub sends, or a mirror that passes it on.
    pub fn is_from_hub(&self) -> bool {
        HUB_MARKS.iter().any(|name| self.header(name).is_some())
    }

    /// How long the server asks us to stay away: `Retry-After` in seconds or as a date, else a
    /// `RateLimit` that is used up. A day at most.
    pub fn retry_after(&self) -> Option<Duration> {
        let asked = self.header("retry-after").and_then(|value| self.delay(value));
        let asked = asked.or_else(|| rate_limit_reset(self.header("ratelimit")?));
        asked.map(|delay| delay.min(RETRY_AFTER_MAX))
    }

    /// When the answer was given, by the clock of whoever gave it: `Date` plus the `Age` it
    /// has in a cache, as the time since 1970.
    pub fn answered_at(&self) -> Option<Duration> {
        let date = since_epoch(self.header("date")?)?;
        let age = self.header("age").and_then(number).unwrap_or_default();
        Some(date.saturating_add(Duration::from_secs(age)))
    }

    /// The target of a `Link` with that relation, as it came.
    pub fn link(&self, relation: &str) -> Option<&str> {
        let mut rest = self.header("link")?;
        loop {
            let (target, tail) = rest.split_once('<')?.1.split_once('>')?;
            let parameters = tail.split('<').next().unwrap_or_default();
            let is_it = parameters.split([';', ',']).any(|parameter| {
                let (name, value) = parameter.split_once('=').unwrap_or_default();
                let mut words = value.trim().trim_matches('"').split(' ');
                name.trim().eq_ignore_ascii_case("rel") && words.any(|word| word == relation)
            });
            if is_it {
                return Some(target);
            }
            rest = tail;
        }
    }

    fn content_range_parts(&self) -> Option<(&str, &str)> {
        let (unit, rest) = self.header("content-range")?.split_once(' ')?;
        let (range, total) = rest.split_once('/')?;
        unit.eq_ignore_ascii_case("bytes").then_some((range.trim(), total.trim()))
    }

    fn delay(&self, value: &str) -> Option<Duration> {
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Duration::from_secs(number(value).unwrap_or(u64::MAX)));
        }
        let (until, now) = (since_epoch(value)?, since_epoch(self.header("date")?)?);
        Some(until.saturating_sub(now))
    }
}

/// The bytes that a body is, and of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentRange {
    /// The bytes in this body; never empty.
    pub range: ByteRange,
    /// The length of the whole file, if the server knows it.
    pub total: Option<u64>,
}

/// An entity tag without its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Etag {
    /// The text between the quotes: printable ASCII, not empty.
    pub value: String,
    /// Whether it came as `W/"…"`: the same meaning, perhaps other bytes.
    pub weak: bool,
}

impl Etag {
    /// Reads a header's value, with or without quotes.
    pub fn parse(text: &str) -> Option<Self> {
        let (tag, weak) = match text.trim().strip_prefix("W/") {
            Some(tag) => (tag, true),
            None => (text.trim(), false),
        };
        let value = tag.trim_matches('"');
        let is_good =
            !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
        is_good.then(|| Self { value: value.to_owned(), weak })
    }
}

/// A text without markup and control characters, in one line, and not long.
fn plain_text(text: &str) -> String {
    let mut is_tag = false;
    let plain = text.chars().map(|c| {
        is_tag = (is_tag || c == '<') && c != '>';
        let is_hidden = c.is_control() || is_bidi_mark(c);
        if is_tag || c == '>' || is_hidden { ' ' } else { c }
    });
    let plain: String = plain.collect();
    let words = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().take(EXCERPT_MAX).collect()
}

/// Marks that change in which order the characters around them are shown.
const fn is_bidi_mark(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// A stranger's words as one line that is safe to print: without control characters and marks that
/// turn the direction of text, and not long.
pub(super) fn clean(text: &str) -> String {
    let is_safe = |c: &char| !c.is_control() && !is_bidi_mark(*c);
    text.chars().filter(is_safe).take(MESSAGE_MAX).collect::<String>().trim().to_owned()
}

/// A decimal number of digits alone: no sign, no space, no overflow.
fn number(text: &str) -> Option<u64> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_digits { text.parse().ok() } else { None }
}

/// An HTTP date as the time since 1970.
fn since_epoch(text: &str) -> Option<Duration> {
    httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()
}

/// The longest wait among the limits in `"api";r=0;t=55` that have nothing remaining.
fn rate_limit_reset(value: &str) -> Option<Duration> {
    let used_up = value.split(',').filter_map(|limit| {
        let parameter = |name: &str| {
            limit.split(';').find_map(|parameter| {
                let (key, value) = parameter.split_once('=')?;
                (key.trim() == name).then(|| number(value.trim())).flatten()
            })
        };
        (parameter("r")? == 0).then(|| parameter("t")).flatten()
    });
    used_up.max().map(Duration::from_secs)
}

/// Nobody who wants us back asks for longer.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Characters of an error's body that are shown.
const EXCERPT_MAX: usize = 200;

/// Characters of a server's message that are shown.
const MESSAGE_MAX: usize = 300;

/// Seen on answers of the real hub (2026), good ones and errors.
const HUB_MARKS: [&str; 6] = [
    "x-repo-commit",
    "x-error-code",
    "x-error-message",
    "x-linked-etag",
    "x-linked-size",
    "x-xet-hash",
];

#[cfg(test)]
mod tests;
