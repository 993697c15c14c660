//! One request and its answer: the rule it meets, the lie it gets, and the books that are kept.
//!
//! The honest answer comes from the routes, and each fault knows how it is told.

use std::error::Error;
use std::future::pending;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body as HttpBody;
use http_body_util::{BodyExt, Limited};
use hyper::header::{AUTHORIZATION, DATE, HOST, RANGE};
use hyper::{Method, Request, StatusCode};
use serde_json::json;

use crate::body::Body;
use crate::connection::Connection;
use crate::delivery::Delivery;
use crate::fault::{Cut, Fault};
use crate::hub::Hub;
use crate::range::Asked;
use crate::reply::{self, BodyParts, Reply};
use crate::routes::{self, Ask};
use crate::rule::Seen;
use crate::rule::book::ArmedRule;
use crate::stats::{OpenRecord, RequestRecord};
use crate::target::Target;

impl Hub {
    /// Answers one request.
    ///
    /// Faults of the wire are told only if the request's extensions hold the [`Connection`] it
    /// came on and the stream obeys it, as [`serve`](Self::serve) does.
    pub async fn answer<B>(&self, request: Request<B>) -> Reply
    where
        B: HttpBody<Data = Bytes>,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let connection = request.extensions().get::<Connection>().cloned();
        let number = connection.as_ref().map_or(0, Connection::number);
        let mut ask = read(request, number).await;
        if matches!(ask.target, Target::Stats | Target::Reset) {
            return routes::answer(self, &ask);
        }
        let mut record = self.record(&ask, number);
        let rule = self.rules.choose(&self.seen(&ask, number));
        self.link.lag().await;
        let mut reply = match &rule {
            None => routes::answer(self, &ask),
            Some(rule) => self.lie(rule, &mut ask, &mut record, connection.as_ref()).await,
        };
        if !ask.target.route().is_cdn() {
            reply::set(&mut reply, DATE, &self.clock.date());
        }
        if ask.method == Method::HEAD {
            *reply.body_mut() = Body::default();
        }
        record.record.status = reply.status().as_u16();
        if let Some(connection) = connection {
            let parts = reply.extensions().get::<BodyParts>().cloned();
            let parts = parts.unwrap_or_else(|| BodyParts::from(0));
            connection.deliver(Delivery::new(reply.body().wire_len(), parts, rule, record));
        }
        reply
    }

    /// The answer to a request that has met a rule.
    async fn lie(
        &self,
        rule: &ArmedRule,
        ask: &mut Ask,
        record: &mut OpenRecord,
        connection: Option<&Connection>,
    ) -> Reply {
        match rule.fault() {
            Fault::Ask(fault) => {
                if fault.applies(ask) && fire(rule, record) {
                    fault.tell(self, ask).await;
                }
                routes::answer(self, ask)
            }
            Fault::Reply(fault) if fire(rule, record) => fault.tell(self, ask),
            Fault::Body(fault) => {
                let mut reply = routes::answer(self, ask);
                let has_body = ask.method != Method::HEAD && reply.status().is_success();
                if has_body && fault.applies(&reply) && fire(rule, record) {
                    fault.tell(&mut reply);
                }
                reply
            }
            Fault::Head(fault) => {
                let mut reply = routes::answer(self, ask);
                if fault.applies(ask, &reply) && fire(rule, record) {
                    fault.tell(&mut reply);
                }
                reply
            }
            Fault::Refuse { lasting } if fire(rule, record) => {
                self.refuse(*lasting, ask, connection).await
            }
            Fault::Wire(_) | Fault::Reply(_) | Fault::Refuse { .. } => routes::answer(self, ask),
        }
    }

    /// Closes the door on everyone and the connection on this one.
    async fn refuse(
        &self,
        lasting: Option<Duration>,
        ask: &Ask,
        connection: Option<&Connection>,
    ) -> Reply {
        self.door(self.host(&ask.host)).shut(lasting);
        if let Some(connection) = connection {
            connection.cut(Cut::Reset);
            pending::<()>().await;
        }
        reply::json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "error": "closed" }))
    }

    fn record(&self, ask: &Ask, connection: u64) -> OpenRecord {
        let is_authorized = ask.headers.contains_key(AUTHORIZATION);
        let is_leak = if ask.target.route().is_interface() {
            self.tokens.knows(&ask.headers)
        } else {
            is_authorized && self.is_storage(&ask.host)
        };
        let record = RequestRecord {
            time_ms: self.clock.elapsed().as_millis() as u64,
            method: ask.method.to_string(),
            host: ask.host.clone(),
            path: ask.path_and_query(),
            route: ask.target.route(),
            file: self.file_of(&ask.target).map(|(path, _)| path),
            range: ask.header(RANGE.as_str()).map(str::to_owned),
            status: 0,
            body_bytes: 0,
            connection,
            is_authorized,
            fault: None,
        };
        self.tally.begin(record, is_leak)
    }

    fn seen<'a>(&self, ask: &'a Ask, connection: u64) -> Seen<'a> {
        let file = self.file_of(&ask.target);
        let (path, len) = file.unwrap_or_else(|| (ask.path.clone(), None));
        let len = len.unwrap_or(0);
        let range = ask.header(RANGE.as_str());
        let spans = if let Target::Xorb { hash } = &ask.target {
            routes::spans(self, hash, range)
        } else {
            vec![Asked::of(range, len).span(len)]
        };
        let served = self.tally.served();
        let route = ask.target.route();
        Seen { route, method: ask.method.as_str(), path, spans, connection, served }
    }
}

async fn read<B>(request: Request<B>, connection: u64) -> Ask
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
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
        connection,
        size_is_stale_by: 0,
        storage_etag: None,
        is_range_bent: false,
    }
}

fn fire(rule: &ArmedRule, record: &mut OpenRecord) -> bool {
    let may = rule.try_fire();
    if may {
        record.record.fault = Some(rule.kind().to_owned());
    }
    may
}

const BODY_BYTES_MAX: usize = 1 << 20;
