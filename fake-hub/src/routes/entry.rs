//! What the API says of one file or directory of a commit.
//!
//! Which of them are listed is the listings' business.

use serde_json::{Value, json};

use crate::call::Call;
use crate::digest::sha1_of;
use crate::repo::commit::{Commit, RepoFile};

/// A file, as a tree has it.
pub(crate) fn of_file(commit: &Commit, call: &Call, file: &RepoFile, is_expanded: bool) -> Value {
    let size = call.said_size(file);
    let mut entry = json!({ "type": "file", "oid": file.oid, "size": size, "path": file.path });
    if let Some(lfs) = lfs(call, file, "oid") {
        entry["lfs"] = lfs;
    }
    if let Some(xet) = &file.xet {
        entry["xetHash"] = json!(xet.to_string());
    }
    expand(entry, commit, is_expanded)
}

/// A directory, as a tree has it.
pub(crate) fn of_directory(commit: &Commit, path: &str, is_expanded: bool) -> Value {
    let oid = sha1_of(format!("{} {path}", commit.sha).as_bytes());
    let entry = json!({ "type": "directory", "oid": oid, "size": 0, "path": path });
    expand(entry, commit, is_expanded)
}

/// A file, as the description of a repository has it.
pub(crate) fn sibling(call: &Call, file: &RepoFile, has_blobs: bool) -> Value {
    if !has_blobs {
        return json!({ "rfilename": file.path });
    }
    let mut value = json!({
        "rfilename": file.path,
        "blobId": file.oid,
        "size": call.said_size(file),
    });
    if let Some(lfs) = lfs(call, file, "sha256") {
        value["lfs"] = lfs;
    }
    value
}

/// What the hub says of a file in LFS; the digest's name differs between routes.
fn lfs(call: &Call, file: &RepoFile, digest_name: &str) -> Option<Value> {
    let sha256 = file.sha256.as_ref()?;
    let (size, pointer) = (call.said_size(file), file.pointer_len);
    Some(json!({ digest_name: sha256, "size": size, "pointerSize": pointer }))
}

fn expand(mut entry: Value, commit: &Commit, is_expanded: bool) -> Value {
    if is_expanded {
        entry["lastCommit"] = json!({ "id": commit.sha, "title": "Upload", "date": DATE });
    }
    entry
}

/// Everything was made on one day.
pub(crate) const DATE: &str = "2024-01-01T00:00:00.000Z";
