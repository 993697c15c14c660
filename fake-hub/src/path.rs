//! Paths of the service: what a request's path says by the pattern of its route, and how paths
//! are written.
//!
//! Whether the repository, revision or file exists is not known here.

use axum::extract::MatchedPath;
use axum::http::{Extensions, Uri};
use engine::xet::hash::XetHash;

use crate::repo_id::{RepoId, RepoKind};

/// A file of a repository at a revision. The path may also be a directory's, or empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileRef {
    pub(crate) repo: RepoId,
    pub(crate) revision: String,
    pub(crate) path: String,
}

/// The words of a path, by the names that they have in the pattern of the route.
///
/// axum has such words, too, but none for a path whose escapes are no UTF-8: those are names here
/// like all others.
#[derive(Debug)]
pub(crate) struct Words<'a> {
    kind: RepoKind,
    /// Names and words with their escapes.
    words: Vec<(&'a str, &'a str)>,
}

impl<'a> Words<'a> {
    /// The words of a request that has found its route; of any other there are none.
    pub(crate) fn of(uri: &'a Uri, extensions: &'a Extensions) -> Self {
        let pattern = extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        Self::matched(pattern, uri.path())
    }

    fn matched(pattern: &'a str, path: &'a str) -> Self {
        let (mut kind, mut words) = (RepoKind::Model, Vec::with_capacity(4));
        let mut rest = path;
        for segment in pattern.split('/') {
            let (first, tail) = rest.split_once('/').unwrap_or((rest, ""));
            let name = segment.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
            match name.map(|name| name.strip_prefix('*').ok_or(name)) {
                Some(Ok(name)) => words.push((name, rest)),
                Some(Err(name)) => words.push((name, first)),
                None => kind = RepoKind::from_plural(segment).unwrap_or(kind),
            }
            rest = tail;
        }
        Self { kind, words }
    }

    /// The word of this name, without its escapes.
    pub(crate) fn word(&self, name: &str) -> Option<String> {
        self.escaped(name).map(decode)
    }

    /// The repository, whose name has one segment or two.
    pub(crate) fn repo(&self) -> Option<RepoId> {
        let name = self.word("name")?;
        let name = match self.word("owner") {
            Some(owner) => format!("{owner}/{name}"),
            None => name,
        };
        Some(RepoId { kind: self.kind, name })
    }

    /// The repository with a revision and the path behind it.
    pub(crate) fn file(&self) -> Option<FileRef> {
        if let Some(cached) = self.escaped("cached") {
            return cached_file(self.kind, cached);
        }
        let path = self.word("path").unwrap_or_default();
        Some(FileRef { repo: self.repo()?, revision: self.word("revision")?, path })
    }

    fn escaped(&self, name: &str) -> Option<&'a str> {
        self.words.iter().find(|(known, _)| *known == name).map(|(_, word)| *word)
    }
}

/// `org/name/COMMIT/path`: the commit is what tells how long the name is, which no pattern can say.
fn cached_file(kind: RepoKind, escaped: &str) -> Option<FileRef> {
    let words: Vec<&str> = escaped.split('/').collect();
    let is_commit = |at: &usize| words.get(*at).is_some_and(|word| is_sha1(word));
    let at = [1, 2].into_iter().find(is_commit)?;
    let joined = |words: &[&str]| decode(&words.join("/"));
    let repo = RepoId { kind, name: joined(&words[..at]) };
    Some(FileRef { repo, revision: words[at].to_owned(), path: joined(&words[at + 1..]) })
}

/// The same URL with one slash in front of its path, if it has several: clients send that whose
/// endpoint ends in one.
pub(crate) fn with_one_slash(uri: &Uri) -> Option<Uri> {
    let whole = uri.path_and_query()?.as_str();
    let rest = whole.strip_prefix("//")?.trim_start_matches('/');
    format!("/{rest}").parse().ok()
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

fn is_sha1(word: &str) -> bool {
    word.len() == 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Undoes percent-encoding; what is no valid escape stays as it is.
fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stands_where_the_pattern_has_it() {
        let pattern = "/api/datasets/{owner}/{name}/tree/{revision}/{*path}";
        let path = "/api/datasets/o/n/tree/refs%2Fpr%2F1/a%20b//%FFc/";
        let words = Words::matched(pattern, path);
        let Ok(repo) = "datasets/o/n".parse();
        let (revision, path) = ("refs/pr/1".to_owned(), "a b//\u{fffd}c/".to_owned());
        assert_eq!(words.file(), Some(FileRef { repo, revision, path }));
        assert_eq!(words.word("hash"), None);
    }

    #[test]
    fn slashes_in_front_are_one() {
        for (uri, expected) in
            [("/a//b", None), ("//a//b?c=//", Some("/a//b?c=//")), ("///", Some("/"))]
        {
            let uri: Uri = uri.parse().unwrap();
            assert_eq!(
                with_one_slash(&uri).map(|uri| uri.to_string()).as_deref(),
                expected,
                "{uri}"
            );
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
