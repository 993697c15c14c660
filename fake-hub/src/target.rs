//! What a URL path of the hub or its CDN points at.
//!
//! Pure parsing: whether the repository, revision or file exists is not known here.

use std::fmt;
use std::str::FromStr;

use engine::xet::hash::XetHash;
use serde::Serialize;

use crate::repo::{RepoId, RepoKind};

/// The parts of the service that faults and counters tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// `/{repo}/resolve/…`: says where a file is.
    Resolve,
    /// `/api/resolve-cache/…`: small files.
    ResolveCache,
    /// Everything else under `/api/`.
    Api,
    /// Signed URLs: the bytes of LFS files.
    Cdn,
    /// `/api/…/xet-read-token/…`: access tokens of the CAS.
    Token,
    /// `/v1/reconstructions/…`, `/v2/…`: which chunks make up a file.
    Reconstruction,
    /// Signed URLs: the bytes of xorbs.
    Xorb,
    /// `/v1/chunks/…`: what stands beside a chunk.
    Chunks,
    /// The rest.
    Other,
}

impl Route {
    /// Whether it is the CAS's own interface, which access tokens open.
    pub const fn is_interface(self) -> bool {
        match self {
            Self::Reconstruction | Self::Chunks => true,
            Self::Resolve
            | Self::ResolveCache
            | Self::Api
            | Self::Cdn
            | Self::Token
            | Self::Xorb
            | Self::Other => false,
        }
    }

    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Resolve,
        Self::ResolveCache,
        Self::Api,
        Self::Cdn,
        Self::Token,
        Self::Reconstruction,
        Self::Xorb,
        Self::Chunks,
        Self::Other,
    ];

    /// Whether it is the CDN's: signed URLs, no tokens, XML for errors.
    pub(crate) fn is_cdn(self) -> bool {
        self == Self::Cdn || self == Self::Xorb
    }

    /// The word in rules and counters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::ResolveCache => "resolve-cache",
            Self::Api => "api",
            Self::Cdn => "cdn",
            Self::Token => "token",
            Self::Reconstruction => "reconstruction",
            Self::Xorb => "xorb",
            Self::Chunks => "chunks",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Route {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|route| route.as_str() == text).ok_or(())
    }
}

/// A file of a repository at a revision. The path may also be a directory's, or empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileRef {
    pub(crate) repo: RepoId,
    pub(crate) revision: String,
    pub(crate) path: String,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Resolve(FileRef),
    ResolveCache(FileRef),
    Info { repo: RepoId, revision: Option<String> },
    Tree(FileRef),
    PathsInfo { repo: RepoId, revision: String },
    Whoami,
    Blob { name: String },
    XetToken { repo: RepoId, revision: String },
    Reconstruction { hash: String, is_v2: bool },
    Xorb { hash: String },
    Chunk { hash: String },
    Telemetry,
    Portal,
    Stats,
    Reset,
    Unknown { is_api: bool },
}

impl Target {
    /// Parses the path of a request, which is percent-encoded.
    pub(crate) fn parse(path: &str) -> Self {
        let segments: Vec<String> = path.trim_start_matches('/').split('/').map(decode).collect();
        let words: Vec<&str> = segments.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["__fake_hub", "stats"] => Self::Stats,
            ["__fake_hub", "reset"] => Self::Reset,
            ["login"] => Self::Portal,
            ["xet-bridge-us", _, name] => Self::Blob { name: (*name).to_owned() },
            ["xorbs", _, hash] => Self::Xorb { hash: (*hash).to_owned() },
            [version @ ("v1" | "v2"), "reconstructions", hash] => {
                Self::Reconstruction { hash: (*hash).to_owned(), is_v2: *version == "v2" }
            }
            ["v1", "chunks", _, hash] => Self::Chunk { hash: (*hash).to_owned() },
            ["v1", "telemetry"] => Self::Telemetry,
            ["api", "whoami-v2"] => Self::Whoami,
            ["api", "resolve-cache", kind, rest @ ..] => RepoKind::from_plural(kind)
                .and_then(|kind| resolve_cache(kind, rest))
                .map_or(Self::Unknown { is_api: true }, Self::ResolveCache),
            ["api", kind, rest @ ..] => RepoKind::from_plural(kind)
                .and_then(|kind| api(kind, rest))
                .unwrap_or(Self::Unknown { is_api: true }),
            [prefix @ ("datasets" | "spaces"), rest @ ..] => RepoKind::from_plural(prefix)
                .and_then(|kind| resolve(kind, rest))
                .unwrap_or(Self::Unknown { is_api: false }),
            rest => resolve(RepoKind::Model, rest).unwrap_or(Self::Unknown { is_api: false }),
        }
    }

    pub(crate) fn route(&self) -> Route {
        match self {
            Self::Resolve(_) => Route::Resolve,
            Self::ResolveCache(_) => Route::ResolveCache,
            Self::Blob { .. } => Route::Cdn,
            Self::XetToken { .. } => Route::Token,
            Self::Reconstruction { .. } => Route::Reconstruction,
            Self::Xorb { .. } => Route::Xorb,
            Self::Chunk { .. } => Route::Chunks,
            Self::Info { .. }
            | Self::Tree(_)
            | Self::PathsInfo { .. }
            | Self::Whoami
            | Self::Unknown { is_api: true } => Route::Api,
            Self::Telemetry
            | Self::Portal
            | Self::Stats
            | Self::Reset
            | Self::Unknown { is_api: false } => Route::Other,
        }
    }
}

/// The path of the signed URL of a file that the storage calls by this name.
pub(crate) fn bridge_path(repo: &RepoId, name: &str) -> String {
    format!("/xet-bridge-us/{}/{name}", repo.object_id())
}

/// The path of a xorb's signed URLs.
pub(crate) fn xorb_path(hash: &XetHash) -> String {
    format!("/xorbs/default/{hash}")
}

/// The path of a repository's access tokens for the CAS.
pub(crate) fn xet_token_path(repo: &RepoId, commit: &str) -> String {
    format!("/api/{}/{}/xet-read-token/{commit}", repo.kind.plural(), encode(&repo.name))
}

/// The path of a small file behind its resolve URL.
pub(crate) fn resolve_cache_path(file: &FileRef, commit: &str) -> String {
    let kind = file.repo.kind.plural();
    let path = encode(&file.path);
    format!("/api/resolve-cache/{kind}/{}/{commit}/{path}", encode(&file.repo.name))
}

/// Percent-encodes everything in a path but letters, digits, `/` and `-._~`.
pub(crate) fn encode(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    path.bytes().fold(String::new(), |mut out, byte| {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

fn resolve(kind: RepoKind, words: &[&str]) -> Option<Target> {
    let verb = [1, 2].into_iter().find(|at| words.get(*at) == Some(&"resolve"))?;
    let [revision, path @ ..] = &words[verb + 1..] else {
        return None;
    };
    Some(Target::Resolve(file_ref(kind, &words[..verb], revision, path)))
}

fn resolve_cache(kind: RepoKind, words: &[&str]) -> Option<FileRef> {
    let is_commit = |at: &usize| words.get(*at).is_some_and(|word| is_sha1(word));
    let at = [1, 2].into_iter().find(is_commit)?;
    Some(file_ref(kind, &words[..at], words[at], &words[at + 1..]))
}

fn api(kind: RepoKind, words: &[&str]) -> Option<Target> {
    let is_verb = |at: &usize| words.get(*at).is_some_and(|word| VERBS.contains(word));
    let Some(verb) = [1, 2].into_iter().find(is_verb) else {
        let repo = RepoId { kind, name: words.join("/") };
        return (1..=2).contains(&words.len()).then_some(Target::Info { repo, revision: None });
    };
    let [revision, path @ ..] = &words[verb + 1..] else {
        return None;
    };
    let file = file_ref(kind, &words[..verb], revision, path);
    match words[verb] {
        "tree" => Some(Target::Tree(file)),
        "revision" => Some(Target::Info { repo: file.repo, revision: Some(file.revision) }),
        "xet-read-token" => Some(Target::XetToken { repo: file.repo, revision: file.revision }),
        _ => Some(Target::PathsInfo { repo: file.repo, revision: file.revision }),
    }
}

fn file_ref(kind: RepoKind, name: &[&str], revision: &str, path: &[&str]) -> FileRef {
    FileRef {
        repo: RepoId { kind, name: name.join("/") },
        revision: revision.to_owned(),
        path: path.join("/"),
    }
}

fn is_sha1(word: &str) -> bool {
    word.len() == 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Undoes percent-encoding; what is no valid escape stays as it is.
fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'%')
            .then(|| tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What may follow a repository's name in the API.
const VERBS: [&str; 4] = ["revision", "tree", "paths-info", "xet-read-token"];

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

    fn file(repo: &str, revision: &str, path: &str) -> FileRef {
        let Ok(repo) = repo.parse();
        FileRef { repo, revision: revision.to_owned(), path: path.to_owned() }
    }

    #[test]
    fn parses_paths() {
        let cache = format!("/api/resolve-cache/models/o/n/{SHA}/a%20b.json");
        let info = |repo: &str, revision: Option<&str>| {
            let Ok(repo) = repo.parse();
            Target::Info { repo, revision: revision.map(str::to_owned) }
        };
        let table = [
            ("/o/n/resolve/main/d/f.bin", Target::Resolve(file("o/n", "main", "d/f.bin"))),
            ("/gpt2/resolve/v1/f", Target::Resolve(file("gpt2", "v1", "f"))),
            (
                "/datasets/o/n/resolve/refs%2Fpr%2F1/f",
                Target::Resolve(file("datasets/o/n", "refs/pr/1", "f")),
            ),
            (&cache, Target::ResolveCache(file("o/n", SHA, "a b.json"))),
            ("/api/models/o/n", info("o/n", None)),
            ("/api/models/gpt2", info("gpt2", None)),
            ("/api/spaces/o/n/revision/main", info("spaces/o/n", Some("main"))),
            ("/api/models/o/n/tree/main", Target::Tree(file("o/n", "main", ""))),
            ("/api/models/o/n/tree/main/a/b", Target::Tree(file("o/n", "main", "a/b"))),
            ("/api/whoami-v2", Target::Whoami),
            ("/api/agent-harnesses", Target::Unknown { is_api: true }),
            ("/api/models/o/n/discussions/1", Target::Unknown { is_api: true }),
            ("/xet-bridge-us/ab/abcdef", Target::Blob { name: "abcdef".to_owned() }),
            ("/xorbs/default/ab", Target::Xorb { hash: "ab".to_owned() }),
            ("/v1/chunks/default-merkledb/ab", Target::Chunk { hash: "ab".to_owned() }),
            ("/v1/telemetry", Target::Telemetry),
            (
                "/v1/reconstructions/ab",
                Target::Reconstruction { hash: "ab".to_owned(), is_v2: false },
            ),
            (
                "/v2/reconstructions/ab",
                Target::Reconstruction { hash: "ab".to_owned(), is_v2: true },
            ),
            (
                "/api/datasets/o/n/xet-read-token/refs%2Fpr%2F1",
                Target::XetToken {
                    repo: "datasets/o/n".parse().unwrap(),
                    revision: "refs/pr/1".to_owned(),
                },
            ),
            ("/v1/resolve/main/f", Target::Resolve(file("v1", "main", "f"))),
            ("/", Target::Unknown { is_api: false }),
        ];
        for (path, expected) in table {
            assert_eq!(Target::parse(path), expected, "{path}");
        }
    }

    #[test]
    fn encoding_is_undone_by_decoding() {
        for text in ["a b", "ü/%41", "a+b&c=d", "plain-._~"] {
            assert_eq!(decode(&encode(text)), text);
        }
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%zz"), "%zz");
    }
}
