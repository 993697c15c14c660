//! What each answer of the hub has beside what it says: who asked how often, what may be read.
//!
//! The storage hosts and the CAS say nothing of the kind.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, ETAG, VARY};
use serde_json::Value;

use crate::digest::sha1_of;
use crate::hub::Hub;
use crate::quota::{Group, Standing};
use crate::reply::{self, Reply};
use crate::routes::Ask;
use crate::shape::{self, hub as shapes};
use crate::target::Route;

/// How an answer to this request is counted; none if it is not the hub's to count.
pub(crate) fn group(ask: &Ask) -> Option<Group> {
    match ask.target.route() {
        Route::Resolve | Route::ResolveCache => Some(Group::Resolvers),
        Route::Api | Route::Token => Some(Group::Api),
        Route::Cdn | Route::Reconstruction | Route::Xorb | Route::Chunks | Route::Other => None,
    }
}

/// Counts the request.
pub(crate) fn take(hub: &Hub, ask: &Ask) -> Option<Standing> {
    let has_token = ask.headers.contains_key(AUTHORIZATION);
    Some(hub.quotas.take(group(ask)?, has_token, hub.clock.now()))
}

/// Adds to an answer what all have.
pub(crate) fn put(hub: &Hub, ask: &Ask, reply: &mut Reply, standing: &Standing) {
    let Standing { group, quota, left, reset, .. } = standing;
    let now = hub.clock.now();
    let number = hub.tally.requests_begun();
    let id = sha1_of(format!("{} {number} {}", ask.path, now.as_nanos()).as_bytes());
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

/// What the hub's framework calls a text: its length and a digest.
pub(crate) fn weak_etag(text: &str) -> String {
    let digest = STANDARD.encode(sha1_of(text.as_bytes()));
    format!("{:x}-{}", text.len(), &digest[..27])
}
