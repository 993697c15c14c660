//! What each answer of the hub has beside what it says: who asked how often, what may be read.
//!
//! The storage hosts and the CAS say nothing of the kind.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, ETAG, VARY};
use serde_json::Value;

use crate::digest::sha1_of;
use crate::hub::Hub;
use crate::quota::{Group, Standing};
use crate::reply::{self, Reply, weak_etag};
use crate::route::Route;
use crate::shape::{self, hub as shapes};

/// How an answer on this route is counted; none if it is not the hub's to count.
pub(crate) fn group(route: Route) -> Option<Group> {
    match route {
        Route::Resolve | Route::ResolveCache => Some(Group::Resolvers),
        Route::Api | Route::Token => Some(Group::Api),
        Route::Cdn | Route::Reconstruction | Route::Xorb | Route::Chunks | Route::Other => None,
    }
}

/// What is honestly answered on a route.
#[derive(Debug)]
pub(crate) struct Honest<'a> {
    pub(crate) hub: &'a Hub,
    pub(crate) route: Route,
    pub(crate) next: Next,
}

impl Honest<'_> {
    /// The answer of the handler with what all answers of the hub have. Requests are counted, and
    /// too many are refused.
    pub(crate) async fn answer(self, request: Request) -> Response {
        let Self { hub, route, next } = self;
        let Some(group) = group(route) else {
            return next.run(request).await;
        };
        let has_token = request.headers().contains_key(AUTHORIZATION);
        let standing = hub.quotas.take(group, has_token, hub.clock.now());
        let path = request.uri().path().to_owned();
        let mut response =
            if standing.is_exceeded { too_many().into_response() } else { next.run(request).await };
        put(hub, &path, &mut response, &standing);
        response
    }
}

fn too_many() -> Reply {
    let mut reply = shapes::REFUSED_IN_JSON.fill(&[("message", shapes::TOO_MANY)]);
    *reply.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    reply
}

/// Adds to an answer what all have.
pub(crate) fn put<B>(
    hub: &Hub,
    path: &str,
    reply: &mut axum::http::Response<B>,
    standing: &Standing,
) {
    let Standing { group, quota, left, reset, .. } = standing;
    let now = hub.clock.now();
    let number = hub.tally.requests_begun();
    let id = sha1_of(format!("{path} {number} {}", now.as_nanos()).as_bytes());
    let is_good = reply.status().as_u16() < 400;
    let words = [
        ("request", format!("{:08x}-{}", now.as_secs(), &id[..24])),
        ("group", group.to_string()),
        ("quota", quota.to_string()),
        ("left", left.to_string()),
        ("reset", reset.to_string()),
        ("cache", if is_good { "Miss" } else { "Error" }.to_owned()),
    ];
    let words: Vec<_> = words.iter().map(|(name, value)| (*name, value.as_str())).collect();
    shape::set_all(reply, shapes::EVERY, &words);
    let is_resolve = *group == Group::Resolvers;
    let vary = if is_good && is_resolve { shapes::VARY_RESOLVE } else { shapes::VARY };
    reply::set(reply, VARY, vary);
}

/// A good answer of the API.
pub(crate) fn json(value: &Value) -> Reply {
    let text = value.to_string();
    let etag = format!("W/\"{}\"", weak_etag(&text));
    let mut reply = reply::full(StatusCode::OK, "application/json; charset=utf-8", text);
    reply::set(&mut reply, ETAG, &etag);
    reply
}
