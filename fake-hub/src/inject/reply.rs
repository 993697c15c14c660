//! Faults that put another reply in the place of the honest one.
//!
//! What was asked for does not matter to them, except for where to redirect to.

use hyper::StatusCode;
use hyper::header::RETRY_AFTER;
use serde_json::json;

use crate::call::Call;
use crate::fault::ReplyFault;
use crate::hub::Hub;
use crate::quota::Group;
use crate::reply::{self, Reply};
use crate::route::Route;
use crate::routes::{self, envelope};
use crate::sign::BadUrl;

impl ReplyFault {
    /// The false reply.
    pub(crate) fn reply(&self, hub: &Hub, route: Route, call: &Call) -> Reply {
        let redirect = |host: &str, path: &str| {
            reply::redirect(StatusCode::FOUND, &format!("http://{host}{path}"))
        };
        match self {
            Self::Status { code, retry_after, ratelimit } => {
                let mut reply = refusal(hub, route, call, *code);
                if let Some(seconds) = retry_after {
                    reply::set(&mut reply, RETRY_AFTER, &seconds.to_string());
                }
                let is_paced = *code == 429 && retry_after.is_none();
                tell_window(hub, route, call, &mut reply, *ratelimit, is_paced);
                reply
            }
            Self::Text403 { words } => routes::refused(hub, call, StatusCode::FORBIDDEN, words),
            Self::Expired => expired(hub, route, call),
            Self::Portal { is_redirect: false } => reply::portal(),
            Self::Portal { is_redirect: true } => redirect(hub.cdn_authority(), "/login"),
            Self::RedirectLoop => redirect(call.host(), &call.path_and_query()),
            Self::CrossHost { to, status } => {
                let host = to.as_deref().unwrap_or(hub.cdn_authority());
                let mut reply = redirect(host, &call.path_and_query());
                *reply.status_mut() = StatusCode::from_u16(*status).unwrap_or(StatusCode::FOUND);
                reply
            }
        }
    }
}

/// What is wrong with a thing that ends depends on the thing: an access token, or a URL.
fn expired(hub: &Hub, route: Route, call: &Call) -> Reply {
    if route.is_interface() {
        routes::unauthorized()
    } else {
        routes::denied(hub, call, BadUrl::Expired)
    }
}

/// An error status in the words of the host that is asked.
fn refusal(hub: &Hub, route: Route, call: &Call, code: u16) -> Reply {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let reason = status.canonical_reason().unwrap_or("Error");
    if route.is_cdn() {
        routes::refused(hub, call, status, reason)
    } else {
        reply::json(status, &json!({ "error": reason }))
    }
}

/// Says when the hub's window ends: if the rule says when, or the status alone means that it is
/// spent.
fn tell_window(
    hub: &Hub,
    route: Route,
    call: &Call,
    reply: &mut Reply,
    ratelimit: Option<u64>,
    is_paced: bool,
) {
    let group = envelope::group(route);
    if ratelimit.is_some() || is_paced && group.is_some() {
        let group = group.unwrap_or(Group::Api);
        let mut standing = hub.quotas.spent(group, false, hub.clock.now());
        standing.reset = ratelimit.unwrap_or(standing.reset);
        envelope::put(hub, call.path(), reply, &standing);
    }
}
