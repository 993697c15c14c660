//! One request and its answer: the rule it meets, the lie it gets, and the books that are kept.
//!
//! The honest answer comes from the routes; lies about delivery are left to the wire.

use std::future::pending;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use http_body::Body as HttpBody;
use http_body_util::{BodyExt, Limited};
use hyper::header::{
    AUTHORIZATION, CONTENT_ENCODING, DATE, HOST, HeaderValue, IF_RANGE, RANGE, RETRY_AFTER,
};
use hyper::{Method, Request, StatusCode};
use serde_json::json;
use tokio::time::sleep;

use crate::body::Body;
use crate::connection::Connection;
use crate::delivery::Delivery;
use crate::fault::{Cut, Fault};
use crate::hub::{Host, Hub};
use crate::range::Asked;
use crate::reply::{self, BodyStart, Reply};
use crate::repo::RepoFile;
use crate::routes::{self, Ask};
use crate::rule::Seen;
use crate::rule::book::ArmedRule;
use crate::sign::BadUrl;
use crate::stats::{OpenRecord, RequestRecord};
use crate::target::{FileRef, Route, Target};

impl Hub {
    /// Answers one request.
    ///
    /// Faults of the wire are told only if the request's extensions hold the [`Connection`] it
    /// came on and the stream obeys it, as [`serve`](Self::serve) does.
    pub async fn answer<B>(&self, request: Request<B>) -> Reply
    where
        B: HttpBody<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let connection = request.extensions().get::<Connection>().cloned();
        let mut ask = read(request).await;
        if matches!(ask.target, Target::Stats | Target::Reset) {
            return routes::answer(self, &ask);
        }
        let number = connection.as_ref().map_or(0, Connection::number);
        let mut record = self.record(&ask, number);
        let rule = self.rules.choose(&self.seen(&ask, number));
        sleep(self.link.spec().latency).await;
        let early = match &rule {
            Some(rule) => self.lie_early(rule, &mut ask, &mut record, connection.as_ref()).await,
            None => None,
        };
        let mut reply = early.unwrap_or_else(|| routes::answer(self, &ask));
        if let Some(rule) = &rule {
            lie_late(rule, &ask, &mut reply, &mut record);
        }
        reply::set(&mut reply, DATE, &self.clock.date());
        reply::set(&mut reply, "x-request-id", &format!("fake-{number}-{}", record.record.time_ms));
        if ask.method == Method::HEAD {
            *reply.body_mut() = Body::default();
        }
        record.record.status = reply.status().as_u16();
        if let Some(connection) = connection {
            let start = reply.extensions().get::<BodyStart>().map_or(0, |start| start.0);
            connection.deliver(Delivery::new(reply.body().len(), start, rule, record));
        }
        reply
    }

    fn record(&self, ask: &Ask, connection: u64) -> OpenRecord {
        let query = if ask.query.is_empty() { String::new() } else { format!("?{}", ask.query) };
        let is_authorized = ask.headers.contains_key(AUTHORIZATION);
        let record = RequestRecord {
            time_ms: self.clock.elapsed().as_millis() as u64,
            method: ask.method.to_string(),
            host: ask.host.clone(),
            path: format!("{}{query}", ask.path),
            route: ask.target.route(),
            file: self.file_of(&ask.target).map(|(path, _)| path),
            range: ask.header(RANGE.as_str()).map(str::to_owned),
            status: 0,
            body_bytes: 0,
            connection,
            is_authorized,
            fault: None,
        };
        self.tally.begin(record, is_authorized && ask.host == self.cdn)
    }

    fn seen<'a>(&self, ask: &'a Ask, connection: u64) -> Seen<'a> {
        let (path, len) = match self.file_of(&ask.target) {
            Some((path, len)) => (path, len.unwrap_or(0)),
            None => (ask.path.clone(), 0),
        };
        let span: Range<u64> = Asked::of(ask.header(RANGE.as_str()), len).span(len);
        let served = self.tally.served();
        let route = ask.target.route();
        Seen { route, method: ask.method.as_str(), path, span, connection, served }
    }

    /// The path in its repository of the file that is asked for, and its length if it exists.
    fn file_of(&self, target: &Target) -> Option<(String, Option<u64>)> {
        let of = |file: &RepoFile| (file.path.clone(), Some(file.content.len()));
        match target {
            Target::Blob { sha256 } => self.blob(sha256).map(|(_, file)| of(file)),
            Target::Resolve(file) | Target::ResolveCache(file) => {
                let FileRef { repo, revision, path } = file;
                let known = self.repo(repo).and_then(|repo| repo.commit(revision)?.files.get(path));
                Some(known.map_or((path.clone(), None), of))
            }
            Target::Info { .. }
            | Target::Tree(_)
            | Target::PathsInfo { .. }
            | Target::Whoami
            | Target::Portal
            | Target::Stats
            | Target::Reset
            | Target::Unknown { .. } => None,
        }
    }

    /// Lies that come before the honest answer: they change the question, or replace the answer.
    async fn lie_early(
        &self,
        rule: &ArmedRule,
        ask: &mut Ask,
        record: &mut OpenRecord,
        connection: Option<&Connection>,
    ) -> Option<Reply> {
        let has_range = ask.headers.contains_key(RANGE);
        let applies = match rule.fault() {
            Fault::Wire(_) | Fault::ShortBody { .. } | Fault::Gzip => false,
            Fault::IgnoreRange | Fault::WrongRange { .. } => has_range,
            Fault::Refuse { .. }
            | Fault::Expired
            | Fault::Status { .. }
            | Fault::Portal { .. }
            | Fault::EtagChange
            | Fault::CommitChange
            | Fault::RedirectLoop
            | Fault::CrossHost { .. }
            | Fault::Delay(_) => true,
        };
        if !applies || !fire(rule, record) {
            return None;
        }
        match rule.fault() {
            Fault::Delay(delay) => sleep(*delay).await,
            Fault::Refuse { lasting } => {
                let host = if ask.host == self.cdn { Host::Cdn } else { Host::Hub };
                self.door(host).shut(*lasting);
                if let Some(connection) = connection {
                    connection.cut(Cut::Reset);
                    pending::<()>().await;
                }
            }
            Fault::CommitChange => self.advance(&ask.target),
            Fault::EtagChange => ask.wants_newest = true,
            Fault::IgnoreRange => {
                ask.headers.remove(RANGE);
                ask.headers.remove(IF_RANGE);
            }
            Fault::WrongRange { by } => self.shift_range(ask, *by),
            Fault::Wire(_)
            | Fault::ShortBody { .. }
            | Fault::Gzip
            | Fault::Expired
            | Fault::Status { .. }
            | Fault::Portal { .. }
            | Fault::RedirectLoop
            | Fault::CrossHost { .. } => {}
        }
        self.false_reply(rule.fault(), ask)
    }

    /// The reply that a fault puts in place of the honest one.
    fn false_reply(&self, fault: &Fault, ask: &Ask) -> Option<Reply> {
        let same = if ask.query.is_empty() {
            ask.path.clone()
        } else {
            format!("{}?{}", ask.path, ask.query)
        };
        Some(match fault {
            Fault::Expired => routes::denied(BadUrl::Expired),
            Fault::Status { code, retry_after, ratelimit } => {
                status(ask, *code, *retry_after, *ratelimit)
            }
            Fault::Portal { is_redirect: false } => reply::portal(),
            Fault::Portal { is_redirect: true } => {
                reply::redirect(StatusCode::FOUND, &format!("http://{}/login", self.cdn))
            }
            Fault::RedirectLoop => {
                reply::redirect(StatusCode::FOUND, &format!("http://{}{same}", ask.host))
            }
            Fault::CrossHost { to } => {
                let host = to.as_ref().unwrap_or(&self.cdn);
                reply::redirect(StatusCode::FOUND, &format!("http://{host}{same}"))
            }
            Fault::Refuse { .. } => reply::json(StatusCode::SERVICE_UNAVAILABLE, &json!({})),
            Fault::Wire(_)
            | Fault::IgnoreRange
            | Fault::WrongRange { .. }
            | Fault::ShortBody { .. }
            | Fault::Gzip
            | Fault::EtagChange
            | Fault::CommitChange
            | Fault::Delay(_) => return None,
        })
    }

    fn advance(&self, target: &Target) {
        let id = match target {
            Target::Resolve(file) | Target::ResolveCache(file) | Target::Tree(file) => &file.repo,
            Target::Info { repo, .. } | Target::PathsInfo { repo, .. } => repo,
            Target::Blob { sha256 } => match self.blobs.get(sha256) {
                Some((repo, _)) => repo,
                None => return,
            },
            Target::Whoami
            | Target::Portal
            | Target::Stats
            | Target::Reset
            | Target::Unknown { .. } => return,
        };
        if let Some(repo) = self.repo(id) {
            repo.advance();
        }
    }

    fn shift_range(&self, ask: &mut Ask, by: u64) {
        let len = self.file_of(&ask.target).and_then(|(_, len)| len).unwrap_or(0);
        if let Asked::Part(part) = Asked::of(ask.header(RANGE.as_str()), len) {
            let start = part.start.saturating_add(by).min(len - 1);
            let last = part.end.saturating_add(by).min(len) - 1;
            let range = HeaderValue::from_str(&format!("bytes={start}-{last}"));
            ask.headers.insert(RANGE, range.expect("digits are a header value"));
        }
    }
}

async fn read<B>(request: Request<B>) -> Ask
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (head, body) = request.into_parts();
    // A body that is too long or broken is treated as none: nothing here needs much of one.
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    Ask {
        method: head.method,
        host: host.to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        body,
        target: Target::parse(head.uri.path()),
        headers: head.headers,
        wants_newest: false,
    }
}

/// Lies that spoil an honest answer.
fn lie_late(rule: &Arc<ArmedRule>, ask: &Ask, reply: &mut Reply, record: &mut OpenRecord) {
    if ask.method == Method::HEAD || !reply.status().is_success() {
        return;
    }
    let len = reply.body().len();
    if let Fault::ShortBody { by } = rule.fault()
        && len > 0
        && fire(rule, record)
    {
        let missing = by.unwrap_or(len.div_ceil(2));
        reply.body_mut().truncate(len.saturating_sub(missing));
        reply::set_len(reply);
    }
    if *rule.fault() == Fault::Gzip && fire(rule, record) {
        let body = std::mem::take(reply.body_mut());
        *reply.body_mut() = body.gzipped();
        reply::set(reply, CONTENT_ENCODING, "gzip");
        reply::set_len(reply);
    }
}

fn fire(rule: &ArmedRule, record: &mut OpenRecord) -> bool {
    let may = rule.try_fire();
    if may {
        record.record.fault = Some(rule.fault().kind());
    }
    may
}

fn status(ask: &Ask, code: u16, retry_after: Option<u64>, ratelimit: Option<u64>) -> Reply {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let reason = status.canonical_reason().unwrap_or("Error");
    let mut reply = if ask.target.route() == Route::Cdn {
        reply::xml(status, &reason.replace(' ', ""), reason)
    } else {
        reply::json(status, &json!({ "error": reason }))
    };
    if let Some(seconds) = retry_after {
        reply::set(&mut reply, RETRY_AFTER, &seconds.to_string());
    }
    if let Some(seconds) = ratelimit {
        reply::set(&mut reply, "ratelimit", &format!("\"api\";r=0;t={seconds}"));
        reply::set(&mut reply, "ratelimit-policy", "\"fixed window\";\"api\";q=500;w=300");
    }
    reply
}

const BODY_BYTES_MAX: usize = 1 << 20;
