//! A rule: which requests a fault meets, and how often.
//!
//! The text form is `FAULT [ARGUMENT] [KEY=VALUE]…`; the README lists it. What has fired so far
//! is kept by the rule book.

use std::ops::Range;
use std::str::FromStr;

use globset::{Glob, GlobMatcher};

use crate::fault::Fault;
use crate::fields::{Fields, RuleError};
use crate::quantity::parse_bytes;
use crate::route::Route;

pub(crate) mod book;

/// A fault with its matcher and its budget.
#[derive(Debug, Clone)]
pub struct Rule {
    text: String,
    kind: String,
    pub(crate) fault: Fault,
    route: Option<Route>,
    method: Option<String>,
    path: Option<PathPattern>,
    /// A byte of the file that the request must cover; also where a flip or hole begins.
    pub(crate) at: Option<u64>,
    connection: Option<u64>,
    past: u64,
    pub(crate) from: u64,
    pub(crate) times: u64,
    pub(crate) chance: f64,
}

#[derive(Debug, Clone)]
enum PathPattern {
    Glob(GlobMatcher),
    Substring(String),
}

/// What a matcher sees of a request.
#[derive(Debug, Clone)]
pub(crate) struct Seen<'a> {
    pub(crate) route: Route,
    pub(crate) method: &'a str,
    /// The file's path in its repository, or the URL's path.
    pub(crate) path: String,
    /// The bytes of the file, or of the xorb, that will be served, each end exclusive.
    pub(crate) spans: Vec<Range<u64>>,
    pub(crate) connection: u64,
    /// CDN body bytes sent so far to everyone.
    pub(crate) served: u64,
}

impl Rule {
    /// The text it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The word that names its fault.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The fault.
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// Whether the fault may meet this request, budget and order aside.
    pub(crate) fn matches(&self, seen: &Seen<'_>) -> bool {
        self.route.is_none_or(|route| route == seen.route)
            && self.method.as_deref().is_none_or(|method| method == seen.method)
            && self.path.as_ref().is_none_or(|path| path.matches(&seen.path))
            && self.at.is_none_or(|at| self.is_at(at, seen))
            && self.connection.is_none_or(|connection| connection == seen.connection)
            && seen.served >= self.past
    }

    /// Whether a byte may be among those served. An answer that is made on request is of a length
    /// that nobody knows yet, and no file: only a rule that names the route means it.
    fn is_at(&self, at: u64, seen: &Seen<'_>) -> bool {
        match seen.route {
            Route::Token | Route::Reconstruction | Route::Chunks => self.route.is_some(),
            Route::Resolve
            | Route::ResolveCache
            | Route::Api
            | Route::Cdn
            | Route::Xorb
            | Route::Other => seen.spans.iter().any(|span| span.contains(&at)),
        }
    }
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let (kind, mut fields) = Fields::split(text)?;
        let fault = Fault::parse(kind, &mut fields)?;
        let rule = Self {
            text: text.trim().to_owned(),
            kind: kind.to_owned(),
            fault,
            route: fields.take("route", parse_route)?.flatten(),
            method: fields.take("method", |text| Ok::<_, String>(text.to_ascii_uppercase()))?,
            path: fields.take("path", PathPattern::parse)?,
            at: fields.take("at", parse_bytes)?,
            connection: fields.take("conn", str::parse)?,
            past: fields.take("past", parse_bytes)?.unwrap_or(0),
            from: fields.take("from", str::parse)?.unwrap_or(1),
            times: fields.take("times", str::parse)?.unwrap_or(u64::MAX),
            chance: fields.take("chance", parse_chance)?.unwrap_or(1.0),
        };
        fields.finish()?;
        Ok(rule)
    }
}

impl PathPattern {
    fn parse(text: &str) -> Result<Self, globset::Error> {
        if !text.contains(['*', '?', '[', '{']) {
            return Ok(Self::Substring(text.to_owned()));
        }
        Glob::new(text).map(|glob| Self::Glob(glob.compile_matcher()))
    }

    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Glob(glob) => glob.is_match(path),
            Self::Substring(part) => path.contains(part),
        }
    }
}

fn parse_route(text: &str) -> Result<Option<Route>, &'static str> {
    if text == "any" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|()| {
        "a route is resolve, resolve-cache, api, cdn, token, reconstruction, xorb, chunks, other \
         or any"
    })
}

fn parse_chance(text: &str) -> Result<f64, &'static str> {
    let chance = text.parse().ok().filter(|chance| (0.0..=1.0).contains(chance));
    chance.ok_or("a chance is between 0 and 1")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fault::{BodyFault, Cut, HeadFault, ReplyFault, RequestFault, Trigger, WireFault};
    use crate::storage::StorageEtag;

    #[test]
    fn reads_faults() {
        let seconds = Duration::from_secs;
        let ask = Fault::Request;
        let body = Fault::Body;
        let reply = Fault::Reply;
        let status = |code, retry_after, ratelimit| {
            reply(ReplyFault::Status { code, retry_after, ratelimit })
        };
        let text_403 = |words: &str| reply(ReplyFault::Text403 { words: words.to_owned() });
        let cross =
            |to: &str, status| reply(ReplyFault::CrossHost { to: Some(to.to_owned()), status });
        let portal = |is_redirect| reply(ReplyFault::Portal { is_redirect });
        let cut = |cut, trigger| Fault::Wire(WireFault::Cut { cut, trigger });
        let stall = |after, lasting| Fault::Wire(WireFault::Stall { after, lasting });
        let loris = WireFault::SlowLoris { interval: seconds(1) };
        let table = [
            ("rst after=3MB", cut(Cut::Reset, Trigger::After(3_000_000))),
            ("rst every=3MB times=2", cut(Cut::Reset, Trigger::Every(3_000_000))),
            ("fin", cut(Cut::Close, Trigger::After(0))),
            ("stall after=1KiB", stall(1024, None)),
            ("stall for=5s", stall(0, Some(seconds(5)))),
            ("refuse for=1m", Fault::Refuse { lasting: Some(seconds(60)) }),
            ("slow-loris interval=1s", Fault::Wire(loris)),
            ("flip at=5 bit=3", body(BodyFault::Flip { bit: 3 })),
            ("zero-fill at=5 len=10", body(BodyFault::ZeroFill { len: 10 })),
            ("ignore-range", ask(RequestFault::IgnoreRange)),
            ("wrong-range by=7", ask(RequestFault::WrongRange { by: 7 })),
            ("etag-change", ask(RequestFault::EtagChange)),
            ("commit-change", ask(RequestFault::CommitChange)),
            ("delay 2s", ask(RequestFault::Delay(seconds(2)))),
            ("short-body by=7", body(BodyFault::Short { by: Some(7) })),
            ("gzip", body(BodyFault::Gzip)),
            ("empty-206", body(BodyFault::Empty)),
            ("no-content-range", Fault::Head(HeadFault::NoContentRange)),
            ("no-length", Fault::Head(HeadFault::NoLength)),
            ("zero-length-head", Fault::Head(HeadFault::ZeroLengthHead)),
            ("storage-etag per-edge", ask(RequestFault::StorageEtag(StorageEtag::PerEdge))),
            ("text-403 range", text_403("Auth failed: invalid range")),
            ("text-403 an_edge_bug", text_403("an edge bug")),
            ("expired", reply(ReplyFault::Expired)),
            ("status 503", status(503, None, None)),
            ("status 429 retry-after=1 ratelimit=55", status(429, Some(1), Some(55))),
            ("portal", portal(false)),
            ("portal redirect past=1MB", portal(true)),
            ("redirect-loop", reply(ReplyFault::RedirectLoop)),
            ("cross-host to=a:1", cross("a:1", 302)),
            ("cross-host status=308 to=b", cross("b", 308)),
            ("stale-size by=7", ask(RequestFault::StaleSize { by: 7 })),
        ];
        for (text, expected) in table {
            let rule: Rule = text.parse().unwrap();
            assert_eq!(rule.fault, expected, "{text}");
            assert_eq!(rule.text(), text);
            assert_eq!(text.split(' ').next(), Some(rule.kind()));
        }
    }

    #[test]
    fn explains_what_is_wrong() {
        let table = [
            ("", "a rule begins with a fault, such as `rst after=3MB`"),
            ("explode", "there is no fault \"explode\""),
            ("gzip now", "\"now\" means nothing to this fault"),
            ("gzip after=3", "\"after=3\" means nothing to this fault"),
            ("rst after=3XB", "in after=3XB: \"3XB\" is not a size such as 3MB or 64MiB"),
            ("flip bit=3", "this fault needs at="),
            ("flip at=1 bit=9", "in bit=9: a bit is from 0 to 7"),
            ("status", "this fault needs a status such as 503"),
            ("status abc", "this fault needs a status such as 503"),
            ("delay", "this fault needs a duration such as 2s"),
            (
                "rst route=moon",
                "in route=moon: a route is resolve, resolve-cache, api, cdn, token, \
                 reconstruction, xorb, chunks, other or any",
            ),
            ("rst chance=2", "in chance=2: a chance is between 0 and 1"),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse::<Rule>().unwrap_err().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn matches_requests() {
        let seen = Seen {
            route: Route::Cdn,
            method: "GET",
            path: "a/model.safetensors".to_owned(),
            spans: vec![100..200, 300..400],
            connection: 3,
            served: 50,
        };
        let table = [
            ("gzip", true),
            ("gzip route=any", true),
            ("gzip route=cdn method=get conn=3", true),
            ("gzip route=api", false),
            ("gzip method=HEAD", false),
            ("gzip path=*.safetensors", true),
            ("gzip path=model", true),
            ("gzip path=*.json", false),
            ("gzip at=100", true),
            ("gzip at=199", true),
            ("gzip at=200", false),
            ("gzip at=300", true),
            ("gzip conn=2", false),
            ("gzip past=50", true),
            ("gzip past=51", false),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse::<Rule>().unwrap().matches(&seen), expected, "{text}");
        }
        let seen = Seen { route: Route::Token, spans: Vec::new(), ..seen };
        for (text, expected) in [("flip at=5 route=token", true), ("flip at=5", false)] {
            assert_eq!(text.parse::<Rule>().unwrap().matches(&seen), expected, "{text}");
        }
    }
}
