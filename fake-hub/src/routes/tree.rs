//! Listings: the tree of a commit by pages, and the entries of given paths.
//!
//! Directories are made up from the paths of the files below them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{CONTENT_TYPE, LINK};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::access::Refusal;
use crate::digest::sha1_of;
use crate::hub::Hub;
use crate::reply::{self, Reply};
use crate::repo::{Commit, RepoFile, RepoId};
use crate::routes::{Ask, envelope, info};
use crate::target::FileRef;

/// `GET /api/{kind}/{repo}/tree/{revision}[/{path}]?recursive=…&expand=…&limit=…&cursor=…`
pub(crate) fn tree(hub: &Hub, ask: &Ask, target: &FileRef) -> Result<Reply, Refusal> {
    let caller = hub.tokens.caller(&ask.headers)?;
    let repo = caller.check_repo(hub.repo(&target.repo))?;
    let commit = hub.commit(repo, &target.revision)?;
    let all = entries(commit, ask, &target.path, is_true(ask, "recursive"), is_true(ask, "expand"));
    if all.is_empty() && !target.path.is_empty() {
        return Err(Refusal::EntryNotFound { commit: commit.sha.clone() });
    }
    let number = |name: &str| ask.parameter(name).and_then(|value| value.parse::<usize>().ok());
    let limit = number("limit").unwrap_or(hub.page_size).clamp(1, hub.page_size);
    let start =
        ask.parameter("cursor").and_then(|text| cursor_start(&text)).unwrap_or(0).min(all.len());
    let end = (start + limit).min(all.len());
    let mut reply = envelope::json(&json!(&all[start..end]));
    if end < all.len() {
        let link = format!("<{}>; rel=\"next\"", next_page(hub, ask, limit, end));
        reply::set(&mut reply, LINK, &link);
    }
    Ok(reply)
}

/// `POST /api/{kind}/{repo}/paths-info/{revision}` with `paths` and `expand`, as JSON or a form
pub(crate) fn paths_info(
    hub: &Hub,
    ask: &Ask,
    repo: &RepoId,
    revision: &str,
) -> Result<Reply, Refusal> {
    let caller = hub.tokens.caller(&ask.headers)?;
    let repo = caller.check_repo(hub.repo(repo))?;
    let commit = hub.commit(repo, revision)?;
    let (paths, is_expanded) = wanted(ask);
    let mut all = BTreeMap::new();
    insert_entries(&mut all, commit, ask, "", true, is_expanded);
    let found: Vec<&Value> = paths.iter().filter_map(|path| all.get(path.as_str())).collect();
    Ok(envelope::json(&json!(found)))
}

/// What the hub says of a file in LFS; the digest's name differs between routes.
pub(crate) fn lfs(ask: &Ask, file: &RepoFile, digest_name: &str) -> Option<Value> {
    let sha256 = file.sha256.as_ref()?;
    let (size, pointer) = (ask.said_size(file), file.pointer_len);
    Some(json!({ digest_name: sha256, "size": size, "pointerSize": pointer }))
}

fn entries(
    commit: &Commit,
    ask: &Ask,
    root: &str,
    is_recursive: bool,
    is_expanded: bool,
) -> Vec<Value> {
    let mut all = BTreeMap::new();
    let prefix = if root.is_empty() { String::new() } else { format!("{root}/") };
    insert_entries(&mut all, commit, ask, &prefix, is_recursive, is_expanded);
    all.into_values().collect()
}

fn insert_entries(
    all: &mut BTreeMap<String, Value>,
    commit: &Commit,
    ask: &Ask,
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
            all.entry(path.to_owned()).or_insert_with(|| {
                let oid = sha1_of(format!("{} {path}", commit.sha).as_bytes());
                expand(
                    json!({ "type": "directory", "oid": oid, "size": 0, "path": path }),
                    commit,
                    is_expanded,
                )
            });
        }
        if is_recursive || depth == 0 {
            all.insert(file.path.clone(), expand(file_entry(ask, file), commit, is_expanded));
        }
    }
}

fn file_entry(ask: &Ask, file: &RepoFile) -> Value {
    let size = ask.said_size(file);
    let mut entry = json!({ "type": "file", "oid": file.oid, "size": size, "path": file.path });
    if let Some(lfs) = lfs(ask, file, "oid") {
        entry["lfs"] = lfs;
    }
    if let Some(xet) = &file.xet {
        entry["xetHash"] = json!(xet.to_string());
    }
    entry
}

fn expand(mut entry: Value, commit: &Commit, is_expanded: bool) -> Value {
    if is_expanded {
        entry["lastCommit"] = json!({ "id": commit.sha, "title": "Upload", "date": info::DATE });
    }
    entry
}

/// The URL of the page from an entry on: absolute, with all that was asked for.
fn next_page(hub: &Hub, ask: &Ask, limit: usize, start: usize) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in ["expand", "recursive"] {
        query.append_pair(name, if is_true(ask, name) { "true" } else { "false" });
    }
    query.append_pair("limit", &limit.to_string());
    query.append_pair("cursor", &cursor(start));
    format!("{}{}?{}", hub.links_to(), ask.path, query.finish())
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

fn wanted(ask: &Ask) -> (Vec<String>, bool) {
    if ask.header(CONTENT_TYPE.as_str()).is_some_and(|value| value.contains("json")) {
        let value: Value = serde_json::from_slice(&ask.body).unwrap_or_default();
        let paths = value["paths"].as_array().into_iter().flatten();
        let paths = paths.filter_map(|path| path.as_str().map(str::to_owned)).collect();
        return (paths, value["expand"].as_bool().unwrap_or(false));
    }
    let pairs: Vec<_> = form_urlencoded::parse(&ask.body).collect();
    let paths = pairs.iter().filter(|(key, _)| key == "paths").map(|(_, path)| path.to_string());
    let is_expanded = pairs.iter().any(|(key, value)| key == "expand" && is_yes(value));
    (paths.collect(), is_expanded)
}

fn is_true(ask: &Ask, name: &str) -> bool {
    ask.parameter(name).is_some_and(|value| is_yes(&value))
}

fn is_yes(text: &str) -> bool {
    text == "1" || text.eq_ignore_ascii_case("true")
}
