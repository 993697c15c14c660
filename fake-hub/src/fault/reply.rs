//! Faults that put another reply in the place of the honest one.
//!
//! What was asked for does not matter to them, except for where to redirect to.

use std::convert::Infallible;

use crate::fields::{Fields, RuleError};
use crate::shape::storage;

/// What is answered instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyFault {
    /// `status CODE [retry-after=S] [ratelimit=S]`: an error status. A 429 of the hub says without
    /// either how long its window lasts.
    Status {
        /// The HTTP status.
        code: u16,
        /// Seconds in `Retry-After`.
        retry_after: Option<u64>,
        /// Seconds in the hub's `RateLimit`.
        ratelimit: Option<u64>,
    },
    /// `expired`: the CDN's 403 for an old URL, the CAS's 401 for an old token.
    Expired,
    /// `text-403 WORDS`: the CDN's refusal in a line of text.
    Text403 {
        /// What it says.
        words: String,
    },
    /// `portal [redirect]`: the login page of a captive portal.
    Portal {
        /// 302 to the portal's host instead of 200 in place.
        is_redirect: bool,
    },
    /// `redirect-loop`: 302 to the same URL.
    RedirectLoop,
    /// `cross-host [to=HOST:PORT] [status=CODE]`: a redirect to the same path on another host.
    CrossHost {
        /// Where to; the CDN's host if not given.
        to: Option<String>,
        /// 302 if not given; another name of the hub has 307, a mirror 308.
        status: u16,
    },
}

impl ReplyFault {
    pub(crate) fn parse(kind: &str, fields: &mut Fields<'_>) -> Result<Option<Self>, RuleError> {
        Ok(Some(match kind {
            "status" => Self::Status {
                code: fields.argument("a status such as 503", parse_status)?,
                retry_after: fields.take("retry-after", str::parse)?,
                ratelimit: fields.take("ratelimit", str::parse)?,
            },
            "text-403" => {
                Self::Text403 { words: fields.argument("words joined by _", parse_words)? }
            }
            "expired" => Self::Expired,
            "portal" => Self::Portal { is_redirect: fields.flag("redirect") },
            "redirect-loop" => Self::RedirectLoop,
            "cross-host" => Self::CrossHost {
                to: fields.take("to", str::parse)?,
                status: fields.take("status", parse_status)?.unwrap_or(302),
            },
            _ => return Ok(None),
        }))
    }
}

/// Words that the CDN was seen to use are known by one of them.
fn parse_words(text: &str) -> Result<String, Infallible> {
    let known = REFUSALS.iter().find(|(name, _)| *name == text);
    Ok(known.map_or_else(|| text.replace('_', " "), |(_, words)| (*words).to_owned()))
}

fn parse_status(text: &str) -> Result<u16, &'static str> {
    let code = text.parse().ok().filter(|code| (200..600).contains(code));
    code.ok_or("a status is from 200 to 599")
}

/// Refusals of the storage that were seen, by a name for rules.
const REFUSALS: [(&str, &str); 4] = [
    ("range", storage::WORDS_RANGE),
    ("key-pair", storage::WORDS_KEY),
    ("resource", storage::WORDS_RESOURCE),
    ("multi-range", storage::WORDS_RANGES),
];
