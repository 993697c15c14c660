//! Listings: the tree of a commit by pages, and the entries of given paths.
//!
//! Directories are made up from the paths of the files below them.

use std::collections::BTreeMap;

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, LINK};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::access::Refusal;
use crate::digest::sha1_of;
use crate::hub::Hub;
use crate::reply::{self, Reply};
use crate::repo::{Commit, RepoFile, RepoId};
use crate::routes::{Ask, info};
use crate::target::FileRef;

/// `GET /api/{kind}/{repo}/tree/{revision}[/{path}]?recursive=…&expand=…&limit=…&cursor=…`
pub(crate) fn tree(hub: &Hub, ask: &Ask, target: &FileRef) -> Result<Reply, Refusal> {
    let caller = hub.tokens.caller(&ask.headers)?;
    let repo = caller.check_repo(hub.repo(&target.repo))?;
    let commit = hub.commit(repo, &target.revision)?;
    let all = entries(commit, &target.path, is_true(ask, "recursive"), is_true(ask, "expand"));
    if all.is_empty() && !target.path.is_empty() {
        let (path, commit) = (target.path.clone(), commit.sha.clone());
        return Err(Refusal::EntryNotFound { path, commit });
    }
    let number = |name: &str| ask.parameter(name).and_then(|value| value.parse::<usize>().ok());
    let limit = number("limit").unwrap_or(hub.page_size).clamp(1, hub.page_size);
    let start = number("cursor").unwrap_or(0).min(all.len());
    let end = (start + limit).min(all.len());
    let mut reply = reply::json(StatusCode::OK, &json!(&all[start..end]));
    if end < all.len() {
        let link = format!("<{}>; rel=\"next\"", next_page(hub, ask, end));
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
    insert_entries(&mut all, commit, "", true, is_expanded);
    let found: Vec<&Value> = paths.iter().filter_map(|path| all.get(path.as_str())).collect();
    Ok(reply::json(StatusCode::OK, &json!(found)))
}

/// What the hub says of a file in LFS; the digest's name differs between routes.
pub(crate) fn lfs(file: &RepoFile, digest_name: &str) -> Option<Value> {
    let sha256 = file.sha256.as_ref()?;
    let (size, pointer) = (file.content.len(), file.pointer_len);
    Some(json!({ digest_name: sha256, "size": size, "pointerSize": pointer }))
}

fn entries(commit: &Commit, root: &str, is_recursive: bool, is_expanded: bool) -> Vec<Value> {
    let mut all = BTreeMap::new();
    let prefix = if root.is_empty() { String::new() } else { format!("{root}/") };
    insert_entries(&mut all, commit, &prefix, is_recursive, is_expanded);
    all.into_values().collect()
}

fn insert_entries(
    all: &mut BTreeMap<String, Value>,
    commit: &Commit,
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
            all.insert(file.path.clone(), expand(file_entry(file), commit, is_expanded));
        }
    }
}

fn file_entry(file: &RepoFile) -> Value {
    let size = file.content.len();
    let mut entry = json!({ "type": "file", "oid": file.oid, "size": size, "path": file.path });
    if let Some(lfs) = lfs(file, "oid") {
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

fn next_page(hub: &Hub, ask: &Ask, cursor: usize) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let asked = form_urlencoded::parse(ask.query.as_bytes());
    query.extend_pairs(asked.filter(|(key, _)| key != "cursor"));
    query.append_pair("cursor", &cursor.to_string());
    format!("{}{}?{}", hub.endpoint(), ask.path, query.finish())
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
