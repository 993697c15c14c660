//! Listings: the tree of a commit by pages, and the entries of given paths.
//!
//! Directories are made up from the paths of the files below them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{CONTENT_TYPE, LINK};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::access::{Caller, Refusal};
use crate::call::Call;
use crate::hub::Hub;
use crate::path::FileRef;
use crate::reply::{self, Reply};
use crate::repo::commit::Commit;
use crate::routes::{entry, envelope};

/// `GET /api/{kind}/{repo}/tree/{revision}[/{path}]?recursive=…&expand=…&limit=…&cursor=…`
pub(crate) async fn tree(
    State(hub): State<Arc<Hub>>,
    target: FileRef,
    caller: Caller,
    call: Call,
) -> Result<Reply, Refusal> {
    let call = &call;
    let repo = caller.check_repo(hub.repo(&target.repo))?;
    let commit = hub.commit(repo, &target.revision)?;
    let all =
        entries(commit, call, &target.path, is_true(call, "recursive"), is_true(call, "expand"));
    if all.is_empty() && !target.path.is_empty() {
        return Err(Refusal::EntryNotFound { commit: commit.sha.clone() });
    }
    let number = |name: &str| call.parameter(name).and_then(|value| value.parse::<usize>().ok());
    let limit = number("limit").unwrap_or(hub.page_size).clamp(1, hub.page_size);
    let start =
        call.parameter("cursor").and_then(|text| cursor_start(&text)).unwrap_or(0).min(all.len());
    let end = (start + limit).min(all.len());
    let mut reply = envelope::json(&json!(&all[start..end]));
    if end < all.len() {
        let link = format!("<{}>; rel=\"next\"", next_page(&hub, call, limit, end));
        reply::set(&mut reply, LINK, &link);
    }
    Ok(reply)
}

/// `POST /api/{kind}/{repo}/paths-info/{revision}` with `paths` and `expand`, as JSON or a form
pub(crate) async fn paths_info(
    State(hub): State<Arc<Hub>>,
    target: FileRef,
    caller: Caller,
    mut call: Call,
) -> Result<Reply, Refusal> {
    let body = call.take_body().await;
    let repo = caller.check_repo(hub.repo(&target.repo))?;
    let commit = hub.commit(repo, &target.revision)?;
    let (paths, is_expanded) = wanted(&call, &body);
    let mut all = BTreeMap::new();
    insert_entries(&mut all, commit, &call, "", true, is_expanded);
    let found: Vec<&Value> = paths.iter().filter_map(|path| all.get(path.as_str())).collect();
    Ok(envelope::json(&json!(found)))
}

fn entries(
    commit: &Commit,
    call: &Call,
    root: &str,
    is_recursive: bool,
    is_expanded: bool,
) -> Vec<Value> {
    let mut all = BTreeMap::new();
    let prefix = if root.is_empty() { String::new() } else { format!("{root}/") };
    insert_entries(&mut all, commit, call, &prefix, is_recursive, is_expanded);
    all.into_values().collect()
}

fn insert_entries(
    all: &mut BTreeMap<String, Value>,
    commit: &Commit,
    call: &Call,
    prefix: &str,
    is_recursive: bool,
    is_expanded: bool,
) {
    for file in commit.files.values() {
        let Some(rest) = file.path.strip_prefix(prefix) else {
            continue;
        };
        let depth = rest.matches('/').count();
        for (at, _) in rest.match_indices('/').take(if is_recursive { depth } else { 1 }) {
            let path = &file.path[..prefix.len() + at];
            all.entry(path.to_owned())
                .or_insert_with(|| entry::of_directory(commit, path, is_expanded));
        }
        if is_recursive || depth == 0 {
            all.insert(file.path.clone(), entry::of_file(commit, call, file, is_expanded));
        }
    }
}

/// The URL of the page from an entry on: absolute, with all that was asked for.
fn next_page(hub: &Hub, call: &Call, limit: usize, start: usize) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in ["expand", "recursive"] {
        query.append_pair(name, if is_true(call, name) { "true" } else { "false" });
    }
    query.append_pair("limit", &limit.to_string());
    query.append_pair("cursor", &cursor(start));
    format!("{}{}?{}", hub.links_to(), call.path(), query.finish())
}

/// A cursor as it looks on the real hub, where only the hub knows what it means.
fn cursor(start: usize) -> String {
    let inner = STANDARD.encode(json!({ "start": start }).to_string());
    STANDARD.encode(format!("{inner}:{start:05}"))
}

fn cursor_start(text: &str) -> Option<usize> {
    let text = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    text.rsplit_once(':')?.1.parse().ok()
}

fn wanted(call: &Call, body: &[u8]) -> (Vec<String>, bool) {
    if call.header(CONTENT_TYPE).is_some_and(|value| value.contains("json")) {
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        let paths = value["paths"].as_array().into_iter().flatten();
        let paths = paths.filter_map(|path| path.as_str().map(str::to_owned)).collect();
        return (paths, value["expand"].as_bool().unwrap_or(false));
    }
    let pairs: Vec<_> = form_urlencoded::parse(body).collect();
    let paths = pairs.iter().filter(|(key, _)| key == "paths").map(|(_, path)| path.to_string());
    let is_expanded = pairs.iter().any(|(key, value)| key == "expand" && is_yes(value));
    (paths.collect(), is_expanded)
}

fn is_true(call: &Call, name: &str) -> bool {
    call.parameter(name).is_some_and(|value| is_yes(&value))
}

fn is_yes(text: &str) -> bool {
    text == "1" || text.eq_ignore_ascii_case("true")
}
