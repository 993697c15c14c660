//! What the hub answers when it tells the truth: the routes of each part of the service.
//!
//! Faults, counters and connections are not their business.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{MethodRouter, any, get, post};
use hyper::{Method, StatusCode};
use serde_json::json;

use crate::hub::{Hub, HubRef};
use crate::interface::Interface;
use crate::reply::{self, Reply};
use crate::route::Route;

mod cas;
mod cdn;
mod chunks;
mod edge;
mod entry;
pub(crate) mod envelope;
mod file;
mod info;
mod resolve;
mod token;
mod tree;
mod xorb;

pub(crate) use cas::unauthorized;
pub(crate) use edge::{denied, refused};

/// The parts of the service.
pub(crate) fn parts(lacks: &BTreeSet<Interface>) -> [(Route, Router<HubRef>); 9] {
    let token = unless(lacks, Interface::XetToken, get(token::token));
    let plan = unless(lacks, Interface::Cas, get(cas::reconstruction));
    let plan_v2 = unless(lacks, Interface::Cas, get(cas::reconstruction_v2));
    let shard = unless(lacks, Interface::Cas, get(chunks::shard));
    let alone = |path, handler| Router::new().route(path, handler);
    let parts = [
        (Route::Resolve, at_revisions(&PAGES, "resolve", &get(resolve::resolve))),
        (Route::ResolveCache, caches()),
        (Route::Api, api(lacks)),
        (Route::Token, at_revisions(&API, "xet-read-token", &token)),
        (Route::Cdn, alone("/xet-bridge-us/{repository}/{blob}", get(cdn::blob))),
        (Route::Xorb, alone("/xorbs/{prefix}/{hash}", get(xorb::xorb))),
        (
            Route::Reconstruction,
            alone("/v1/reconstructions/{hash}", plan).route("/v2/reconstructions/{hash}", plan_v2),
        ),
        (Route::Chunks, alone("/v1/chunks/{prefix}/{hash}", shard)),
        (
            Route::Other,
            alone("/v1/telemetry", post(telemetry)).route("/login", get(portal)).fallback(unknown),
        ),
    ];
    parts.map(|(route, part)| (route, part.method_not_allowed_fallback(wrong_method)))
}

fn api(lacks: &BTreeSet<Interface>) -> Router<HubRef> {
    let info = unless(lacks, Interface::Info, get(info::info));
    let info_at = unless(lacks, Interface::Revision, get(info::info_at));
    let tree = unless(lacks, Interface::Tree, get(tree::tree));
    let paths_info = unless(lacks, Interface::PathsInfo, post(tree::paths_info));
    of_repos(&API, "", &info)
        .merge(at_revisions(&API, "revision", &info_at))
        .merge(at_revisions(&API, "tree", &tree))
        .merge(at_revisions(&API, "paths-info", &paths_info))
        .route("/api/whoami-v2", get(info::whoami))
        .route("/api/", any(unknown))
        .route("/api/{*rest}", any(unknown))
}

/// Small files. How long the name of the repository is can only be told by the commit behind it.
fn caches() -> Router<HubRef> {
    let handler = get(resolve::resolve_cache);
    ["models", "datasets", "spaces"].iter().fold(Router::new(), |all, kind| {
        all.route(&format!("/api/resolve-cache/{kind}/{{*cached}}"), handler.clone())
    })
}

/// What a hub lacks is not found, whatever the method.
fn unless(
    lacks: &BTreeSet<Interface>,
    part: Interface,
    handler: MethodRouter<HubRef>,
) -> MethodRouter<HubRef> {
    if lacks.contains(&part) { any(missing) } else { handler }
}

/// What programs ask about the hub itself.
pub(crate) fn about_itself() -> Router<HubRef> {
    Router::new()
        .route("/__fake_hub/stats", get(stats))
        .route("/__fake_hub/reset", post(reset))
        .method_not_allowed_fallback(wrong_method)
}

/// The same for all repositories, whose names have one segment or two.
fn of_repos(kinds: &[&str], end: &str, handler: &MethodRouter<HubRef>) -> Router<HubRef> {
    let bases =
        kinds.iter().flat_map(|kind| ["/{name}", "/{owner}/{name}"].map(|name| (kind, name)));
    bases.fold(Router::new(), |all, (kind, name)| {
        all.route(&format!("{kind}{name}{end}"), handler.clone())
    })
}

/// The same for all revisions of all repositories, whatever path follows.
fn at_revisions(kinds: &[&str], verb: &str, handler: &MethodRouter<HubRef>) -> Router<HubRef> {
    ["", "/", "/{*path}"].iter().fold(Router::new(), |all, end| {
        all.merge(of_repos(kinds, &format!("/{verb}/{{revision}}{end}"), handler))
    })
}

async fn stats(State(hub): State<Arc<Hub>>) -> Reply {
    reply::json(StatusCode::OK, &json!(hub.stats()))
}

async fn reset(State(hub): State<Arc<Hub>>) -> Reply {
    hub.reset();
    reply::json(StatusCode::OK, &json!({ "reset": true }))
}

async fn telemetry() -> Reply {
    reply::json(StatusCode::OK, &json!({}))
}

async fn portal() -> Reply {
    reply::portal()
}

async fn unknown(method: Method) -> Reply {
    if method == Method::POST { wrong_method().await } else { missing().await }
}

async fn missing() -> Reply {
    reply::json(StatusCode::NOT_FOUND, &json!({ "error": "Not Found" }))
}

async fn wrong_method() -> Reply {
    reply::json(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "wrong method" }))
}

/// Where the API has repositories, by their kinds.
const API: [&str; 3] = ["/api/models", "/api/datasets", "/api/spaces"];
/// Where their pages are.
const PAGES: [&str; 3] = ["", "/datasets", "/spaces"];
