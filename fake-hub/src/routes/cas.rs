//! The CAS: which chunks of which xorbs make up a file, or a range of it.
//!
//! It points at xorbs, and the CDN has them. It knows the hub's access tokens, not the hub's users.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use axum::extract::State;
use engine::xet::hash::XetHash;
use hyper::StatusCode;
use hyper::header::RANGE;
use serde::Serialize;
use serde_json::json;

use crate::call::{Bearer, Call, Hash};
use crate::hub::Hub;
use crate::range::Asked;
use crate::reply::{self, Reply};
use crate::repo_id::RepoId;
use crate::routes::xorb::signed_url;
use crate::xet::{Fetch, Plan, XetFile};

/// `GET /v1/reconstructions/{hash}`, of the whole file or with a `Range` of it
pub(crate) async fn reconstruction(
    State(hub): State<Arc<Hub>>,
    bearer: Bearer,
    hash: Hash,
    call: Call,
) -> Reply {
    tell(&hub, bearer.0, hash.0, &call, first)
}

/// The same in its second version: `GET /v2/reconstructions/{hash}`
pub(crate) async fn reconstruction_v2(
    State(hub): State<Arc<Hub>>,
    bearer: Bearer,
    hash: Hash,
    call: Call,
) -> Reply {
    if !hub.has_v2 {
        return error(StatusCode::NOT_FOUND, "there is no second version");
    }
    tell(&hub, bearer.0, hash.0, &call, second)
}

fn tell(
    hub: &Hub,
    repo: Option<RepoId>,
    hash: Option<XetHash>,
    call: &Call,
    write: fn(&Hub, &RepoId, &Plan) -> String,
) -> Reply {
    let Some(repo) = repo else {
        return unauthorized();
    };
    let file = hash.and_then(|hash| hub.xet.file(&hash));
    let Some(file) = file.filter(|file| file.repos.contains(&repo)) else {
        return error(StatusCode::NOT_FOUND, "there is no such file");
    };
    let file = newest(hub, &repo, file).filter(|_| call.changes().wants_newest).unwrap_or(file);
    let Some(range) = asked(call.header(RANGE), file) else {
        return error(StatusCode::RANGE_NOT_SATISFIABLE, "range not satisfiable");
    };
    let Ok(plan) = hub.xet.plan(file, &range) else {
        return error(StatusCode::INTERNAL_SERVER_ERROR, "a file has gone from the hub's disk");
    };
    reply::full(StatusCode::OK, "application/json", write(hub, &repo, &plan))
}

/// What the CAS says to a token that is not, or no longer, good.
pub(crate) fn unauthorized() -> Reply {
    error(StatusCode::UNAUTHORIZED, "the access token is missing, forged or expired")
}

pub(crate) fn error(status: StatusCode, message: &str) -> Reply {
    reply::json(status, &json!({ "error": message }))
}

/// The newest version of a file, which a change fault answers for in place of an older one.
fn newest<'a>(hub: &'a Hub, repo: &RepoId, file: &XetFile) -> Option<&'a XetFile> {
    let repo = hub.repo(repo)?;
    let mut known = repo.commits().iter().flat_map(|commit| commit.files.values());
    let known = known.find(|known| known.xet == Some(file.hash))?;
    hub.xet.file(&repo.newest(&known.path)?.xet?)
}

/// The range of the file that is asked for; none if it is not one range, or lies behind the end.
fn asked(header: Option<&str>, file: &XetFile) -> Option<Range<u64>> {
    match (header, Asked::of(header, file.len)) {
        (None, _) => Some(0..file.len),
        (Some(_), Asked::Part(part)) => Some(part),
        (Some(_), Asked::Whole | Asked::Unsatisfiable) => None,
    }
}

/// An index or position range as the CAS writes it.
#[derive(Serialize)]
struct Span<T> {
    start: T,
    end: T,
}

#[derive(Serialize)]
struct TermJson {
    hash: String,
    range: Span<u32>,
    unpacked_length: u64,
}

#[derive(Serialize)]
struct First {
    offset_into_first_range: u64,
    terms: Vec<TermJson>,
    fetch_info: BTreeMap<String, Vec<FirstFetch>>,
}

#[derive(Serialize)]
struct FirstFetch {
    range: Span<u32>,
    url: String,
    url_range: Span<u64>,
}

#[derive(Serialize)]
struct Second {
    offset_into_first_range: u64,
    terms: Vec<TermJson>,
    xorbs: BTreeMap<String, Vec<SecondFetch>>,
}

#[derive(Serialize)]
struct SecondFetch {
    url: String,
    ranges: Vec<SecondRange>,
}

#[derive(Serialize)]
struct SecondRange {
    chunks: Span<u32>,
    bytes: Span<u64>,
}

/// One URL for each range.
fn first(hub: &Hub, repo: &RepoId, plan: &Plan) -> String {
    let fetch = |hash: &XetHash, fetch: &Fetch| FirstFetch {
        range: chunks(&fetch.chunks),
        url: signed_url(hub, repo, hash, std::slice::from_ref(&fetch.bytes)),
        url_range: inclusive(&fetch.bytes),
    };
    let fetch_info = plan.fetches.iter().map(|(hash, fetches)| {
        (hash.to_string(), fetches.iter().map(|one| fetch(hash, one)).collect())
    });
    text(&First {
        offset_into_first_range: plan.offset,
        terms: terms(plan),
        fetch_info: fetch_info.collect(),
    })
}

/// One URL for all ranges of a xorb, as long as it does not get too long.
fn second(hub: &Hub, repo: &RepoId, plan: &Plan) -> String {
    let fetch = |hash: &XetHash, fetches: &[Fetch]| {
        let spans: Vec<_> = fetches.iter().map(|fetch| fetch.bytes.clone()).collect();
        let range = |fetch: &Fetch| SecondRange {
            chunks: chunks(&fetch.chunks),
            bytes: inclusive(&fetch.bytes),
        };
        SecondFetch {
            url: signed_url(hub, repo, hash, &spans),
            ranges: fetches.iter().map(range).collect(),
        }
    };
    let xorbs = plan.fetches.iter().map(|(hash, fetches)| {
        let groups = fetches.chunks(RANGES_PER_URL);
        (hash.to_string(), groups.map(|group| fetch(hash, group)).collect())
    });
    text(&Second {
        offset_into_first_range: plan.offset,
        terms: terms(plan),
        xorbs: xorbs.collect(),
    })
}

fn terms(plan: &Plan) -> Vec<TermJson> {
    let term = |term: &crate::xet::Term| TermJson {
        hash: term.xorb.to_string(),
        range: chunks(&term.chunks),
        unpacked_length: term.len,
    };
    plan.terms.iter().map(term).collect()
}

fn chunks(range: &Range<u32>) -> Span<u32> {
    Span { start: range.start, end: range.end }
}

fn inclusive(range: &Range<u64>) -> Span<u64> {
    Span { start: range.start, end: range.end - 1 }
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings and numbers are JSON")
}

/// About what a URL of 8 KiB has room for.
const RANGES_PER_URL: usize = 500;
