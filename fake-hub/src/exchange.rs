//! The layer around every answer: it chooses the rule that a request meets, has its fault injected
//! around the honest answer, and keeps the books.
//!
//! The honest answer comes from the routes, and each fault knows how it is injected.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRef, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http_body::Body as _;
use hyper::Method;
use hyper::header::{AUTHORIZATION, DATE, RANGE};

use crate::answer::Answer;
use crate::call::{header, host, path_and_query};
use crate::connection::Connection;
use crate::delivery::Delivery;
use crate::hub::{Hub, HubRef};
use crate::inject::Injection;
use crate::interface::Interface;
use crate::path::Words;
use crate::reply;
use crate::route::Route;
use crate::routes;
use crate::routes::envelope::Honest;
use crate::rule::Seen;
use crate::rule::book::ArmedRule;
use crate::stats::{OpenRecord, RequestRecord};
use crate::subject::Subject;

/// All that a hub serves, with its faults.
///
/// Those of the wire come true only if the request's extensions hold the [`Connection`] that it
/// came on and the stream obeys it.
pub(crate) fn router(hub: &HubRef, lacks: &BTreeSet<Interface>) -> Router {
    let layered = |all: Router<HubRef>, (route, part): (Route, Router<HubRef>)| {
        let part_of = Part { hub: hub.clone(), route };
        all.merge(part.layer(from_fn_with_state(part_of, exchange)))
    };
    // What is asked about the hub itself meets no rule, and is not counted.
    let parts = routes::parts(lacks);
    parts.into_iter().fold(routes::about_itself(), layered).with_state(hub.clone())
}

/// A part of the service that has this layer around it.
#[derive(Debug, Clone)]
struct Part {
    hub: HubRef,
    route: Route,
}

/// One request and its answer.
async fn exchange(State(part): State<Part>, request: Request, next: Next) -> Response {
    let (hub, route) = (Arc::<Hub>::from_ref(&part.hub), part.route);
    let request = in_memory(request).await;
    let connection = request.extensions().get::<Connection>().cloned();
    let subject = Subject::of(route, &Words::of(request.uri(), request.extensions()));
    let (mut record, rule) = meet(&hub, route, &subject, &request);
    hub.link.lag().await;
    let is_head = request.method() == Method::HEAD;
    let honest = Honest { hub: &hub, route, next };
    let answer = match &rule {
        None => Answer::from(honest.answer(request).await),
        Some(rule) => {
            let record = &mut record;
            let injection =
                Injection { hub: &hub, route, subject, rule, record, connection: &connection };
            injection.run(request, honest).await
        }
    };
    let Answer { mut response, wire_len, mark } = answer;
    if !route.is_cdn() {
        reply::set(&mut response, DATE, &hub.clock.date());
    }
    record.record.status = response.status().as_u16();
    if let Some(connection) = connection {
        // The router leaves out the body after a HEAD.
        let wire_len = if is_head { 0 } else { wire_len };
        connection.deliver(Delivery::new(wire_len, rule, mark, record));
    }
    response
}

/// The same request with its body read. One that is too long or broken is treated as none: nothing
/// here needs much of one.
async fn in_memory(request: Request) -> Request {
    if request.body().is_end_stream() {
        return request;
    }
    let (head, body) = request.into_parts();
    let bytes = to_bytes(body, BODY_BYTES_MAX).await.unwrap_or_default();
    Request::from_parts(head, Body::from(bytes))
}

/// Begins the record of a request, and chooses the rule that it meets.
fn meet(
    hub: &Hub,
    route: Route,
    subject: &Subject,
    request: &Request,
) -> (OpenRecord, Option<Arc<ArmedRule>>) {
    let (headers, uri) = (request.headers(), request.uri());
    let (host, range) = (host(headers), header(headers, RANGE));
    let connection = request.extensions().get::<Connection>().map_or(0, Connection::number);
    let is_authorized = headers.contains_key(AUTHORIZATION);
    let is_leak = if route.is_interface() {
        hub.tokens.knows(headers)
    } else {
        is_authorized && hub.is_storage(host)
    };
    let (file, len) = subject.file(hub).unzip();
    let seen = Seen {
        route,
        method: request.method().as_str(),
        path: file.clone().unwrap_or_else(|| uri.path().to_owned()),
        spans: subject.spans(hub, range, len.flatten()),
        connection,
        served: hub.tally.served(),
    };
    let record = RequestRecord {
        time_ms: hub.clock.elapsed().as_millis() as u64,
        method: request.method().to_string(),
        host: host.to_owned(),
        path: path_and_query(uri),
        file,
        range: range.map(str::to_owned),
        connection,
        is_authorized,
        ..RequestRecord::of(route)
    };
    (hub.tally.begin(record, is_leak), hub.rules.choose(&seen))
}

const BODY_BYTES_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use tower_service::Service;

    use super::*;
    use crate::builder::Builder;
    use crate::repo::spec::RepoSpec;
    use crate::xet::XetSpec;

    const HASH: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    /// Paths with the part of the service that they belong to, the file that they name, and the
    /// status: which handler there is, and what it made of the names.
    #[tokio::test]
    async fn each_path_has_its_place() {
        let files = |id| RepoSpec::files(id, [("d/f", "content"), ("a b", "content")]);
        let hub = Builder::default()
            .repo(files("o/n").xet(XetSpec::default()))
            .repo(files("gpt2"))
            .repo(files("v1"))
            .repo(files("datasets/o/n").tag("refs/pr/1"))
            .repo(files("spaces/o/n"))
            .build("hub", "cdn")
            .unwrap();
        let commit = hub.commit_of("o/n", "main").unwrap();
        let cached = |path: &str| path.replace("COMMIT", &commit).replace("HASH", HASH);
        let table = [
            ("/o/n/resolve/main/d/f", Route::Resolve, Some("d/f"), 307),
            ("/o%2Fn/resolve/main/d/f", Route::Resolve, Some("d/f"), 307),
            ("/gpt2/resolve/main/d%2Ff", Route::Resolve, Some("d/f"), 200),
            ("/v1/resolve/main/d/f", Route::Resolve, Some("d/f"), 200),
            ("/datasets/o/n/resolve/refs%2Fpr%2F1/d/f", Route::Resolve, Some("d/f"), 307),
            ("/spaces/o/n/resolve/main/a%20b", Route::Resolve, Some("a b"), 307),
            ("/o/n/resolve/main", Route::Resolve, Some(""), 404),
            ("/o/n/resolve/main/", Route::Resolve, Some(""), 404),
            ("/o/n/resolve/main//d/f", Route::Resolve, Some("/d/f"), 404),
            ("/o/n/resolve/main/%ff%zz", Route::Resolve, Some("\u{fffd}%zz"), 404),
            ("/O/n/resolve/main/d/f", Route::Resolve, Some("d/f"), 307),
            ("/api/resolve-cache/models/o/n/COMMIT/a%20b", Route::ResolveCache, Some("a b"), 200),
            ("/api/resolve-cache/models/gpt2/COMMIT/a", Route::ResolveCache, Some("a"), 404),
            ("/api/resolve-cache/models/o/n/main/a", Route::ResolveCache, None, 404),
            ("/api/models/o/n", Route::Api, None, 200),
            ("/api/models/gpt2", Route::Api, None, 200),
            ("/api/models/o%2Fn", Route::Api, None, 200),
            ("/api/spaces/o/n/revision/main", Route::Api, None, 200),
            ("/api/datasets/o/n/revision/refs%2Fpr%2F1", Route::Api, None, 200),
            ("/api/models/o/n/tree/main", Route::Api, None, 200),
            ("/api/models/o/n/tree/main/", Route::Api, None, 200),
            ("/api/models/gpt2/tree/main/d", Route::Api, None, 200),
            ("/api/models/o/n/tree/main/x", Route::Api, None, 404),
            ("/api/models/o/n/paths-info/main", Route::Api, None, 405),
            ("/api/models/o/n/discussions/1", Route::Api, None, 404),
            ("/api/whoami-v2", Route::Api, None, 401),
            ("/api/agent-harnesses", Route::Api, None, 404),
            ("/api/models/o/n/xet-read-token/main", Route::Token, None, 200),
            ("/api/datasets/o/n/xet-read-token/refs%2Fpr%2F1", Route::Token, None, 404),
            ("/xet-bridge-us/ab/abcdef", Route::Cdn, None, 403),
            ("/xorbs/default/HASH", Route::Xorb, None, 403),
            ("/v1/chunks/default-merkledb/HASH", Route::Chunks, None, 401),
            ("/v1/reconstructions/HASH", Route::Reconstruction, None, 401),
            ("/v2/reconstructions/HASH", Route::Reconstruction, None, 401),
            ("/v1/telemetry", Route::Other, None, 405),
            ("/login", Route::Other, None, 200),
            ("/o/n", Route::Other, None, 404),
            ("/", Route::Other, None, 404),
        ];
        for (path, route, file, status) in table {
            let request = Request::builder().uri(cached(path)).body(Body::empty()).unwrap();
            let response = hub.router.clone().call(request).await.unwrap();
            let seen = hub.requests().pop().unwrap();
            let seen = (seen.route, seen.file.as_deref(), response.status().as_u16());
            assert_eq!(seen, (route, file, status), "{path}");
        }
    }
}
