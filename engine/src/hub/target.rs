//! What a person asks for in one word: a repository, something in it, or any file on the web.
//!
//! Not whether it exists.

use std::fmt;

use url::Url;

use super::endpoint::Endpoint;
use super::path::{BadPath, RepoPath};
use super::percent::decode;
use super::repo::{BadRepoName, RepoId, RepoKind};
use super::revision::{BadRevision, Revision};

/// What is to be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A repository on a hub, or a part of one.
    Repo(RepoTarget),
    /// A file anywhere else.
    Url(Url),
}

/// A repository, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepoTarget {
    /// Which repository.
    pub repo: RepoId,
    /// Which state of it, if that was said.
    pub revision: Option<Revision>,
    /// What of it.
    pub part: Part,
}

/// What of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// One file.
    File(RepoPath),
    /// What is below one folder.
    Folder(RepoPath),
}

impl Target {
    /// Reads `[hf://][models/|datasets/|spaces/]org/name[@revision][/path]`, the address of a page
    /// or file on `endpoint` or on Hugging Face, or any other web address. A path that ends with
    /// a slash is a folder.
    ///
    /// `kind` is what was said apart from `text`; it must not contradict it.
    pub fn parse(
        text: &str,
        kind: Option<RepoKind>,
        endpoint: &Endpoint,
    ) -> Result<Self, BadTarget> {
        let text = text.trim();
        if let Some(body) = text.strip_prefix("hf://") {
            return parse_body(body, kind).map(Self::Repo);
        }
        let host = text.split('/').next().unwrap_or_default();
        if HUB_HOSTS.contains(&host.to_ascii_lowercase().as_str()) {
            return Self::parse_url(&format!("https://{text}"), kind, endpoint);
        }
        if text.contains("://") {
            return Self::parse_url(text, kind, endpoint);
        }
        parse_body(text, kind).map(Self::Repo)
    }

    fn parse_url(
        text: &str,
        kind: Option<RepoKind>,
        endpoint: &Endpoint,
    ) -> Result<Self, BadTarget> {
        let mut url = Url::parse(text).map_err(|_| BadTarget::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BadTarget::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadTarget::Credentials);
        }
        if let Some(path) = hub_path(&url, endpoint) {
            return parse_page(path, kind).map(Self::Repo);
        }
        url.set_fragment(None);
        Ok(Self::Url(url))
    }
}

/// A plain URL as it may be shown and kept: without what stands behind a `?`, which may be a
/// signature.
pub fn shown(url: &Url) -> String {
    shown_text(url.as_str())
}

/// The same of a text, which is left as it is if it is no web address.
pub fn shown_text(text: &str) -> String {
    match text.split_once('?') {
        Some((address, _)) if address.contains("://") => format!("{address}?…"),
        Some(_) | None => text.to_owned(),
    }
}

/// Why a word names nothing that could be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadTarget {
    /// It looks like a web address, but is none.
    NotAUrl,
    /// A web address of another protocol than http and https.
    Scheme(String),
    /// A web address with a user name or a password in it.
    Credentials,
    /// The address of a page of the hub that is not about files: its first or third word.
    Page(String),
    /// `model`, `dataset` or `space` where the plural should be.
    Singular(RepoKind),
    /// A kind without a name after it.
    Nameless(RepoKind),
    /// It says one kind, and the option says another.
    Kinds {
        /// What the word says.
        said: RepoKind,
        /// What the option says.
        option: RepoKind,
    },
    /// No repository can have that name.
    Name(BadRepoName),
    /// No revision can have that name.
    Revision(BadRevision),
    /// The path in the repository is not safe.
    Path(BadPath),
}

impl fmt::Display for BadTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAUrl => f.write_str("that is not a web address"),
            Self::Scheme(scheme) => {
                write!(f, "{scheme}: is not supported, only hf:, https: and http: are")
            }
            Self::Credentials => f.write_str(
                "there is a user name or password in the address, which would end up in logs",
            ),
            Self::Page(word) => write!(
                f,
                "the page {word:?} holds no files; give org/name, or the address of a \
                repository or of a file in it"
            ),
            Self::Singular(kind) => write!(f, "write {}/ instead of {kind}/", kind.plural()),
            Self::Nameless(kind) => {
                write!(f, "which {kind}? Give its name: hf://{}/org/name", kind.plural())
            }
            Self::Kinds { said, option } => {
                write!(f, "that is a {said}, but --repo-type says {option}")
            }
            Self::Name(bad) => bad.fmt(f),
            Self::Revision(bad) => bad.fmt(f),
            Self::Path(bad) => bad.fmt(f),
        }
    }
}

impl std::error::Error for BadTarget {}

impl From<BadRepoName> for BadTarget {
    fn from(bad: BadRepoName) -> Self {
        Self::Name(bad)
    }
}

impl From<BadRevision> for BadTarget {
    fn from(bad: BadRevision) -> Self {
        Self::Revision(bad)
    }
}

impl From<BadPath> for BadTarget {
    fn from(bad: BadPath) -> Self {
        Self::Path(bad)
    }
}

/// What follows `hf://`. Only the revision in it is percent-encoded, as the hub's own client has
/// it.
fn parse_body(body: &str, kind: Option<RepoKind>) -> Result<RepoTarget, BadTarget> {
    let (said, body) = split_kind(body)?;
    let kind = agree(said, kind)?;
    // An `@` after the second slash belongs to a file's name.
    let at = body.find('@').filter(|at| body[..*at].matches('/').count() <= 1);
    let (name, rest) = match at {
        Some(at) => (&body[..at], Some(&body[at + 1..])),
        None => (body, None),
    };
    if let Some(rest) = rest {
        let mut parts = rest.split('/').map(str::to_owned).collect::<Vec<_>>();
        if let Some(decoded) = decode(&parts[0]) {
            parts[0] = decoded;
        }
        let repo = RepoId::new(kind, name)?;
        let (revision, path) = split_revision(&parts)?;
        return Ok(RepoTarget { repo, revision: Some(revision), part: part(&path, false)? });
    }
    let parts = name.splitn(3, '/').collect::<Vec<_>>();
    let (name, path) = match parts[..] {
        [org, name, path] => (format!("{org}/{name}"), path),
        _ => (name.to_owned(), ""),
    };
    Ok(RepoTarget { repo: RepoId::new(kind, &name)?, revision: None, part: part(path, false)? })
}

/// The path of a page on the hub: `[datasets/]org/name[/resolve|blob|…/revision/path]`.
fn parse_page(path: &str, kind: Option<RepoKind>) -> Result<RepoTarget, BadTarget> {
    let (said, path) = split_kind(path.trim_matches('/'))?;
    let segments = path.split('/').map(|segment| decode(segment).ok_or(BadTarget::NotAUrl));
    let segments = segments.collect::<Result<Vec<_>, _>>()?;
    if said.is_none() && NOT_OWNERS.contains(&segments[0].as_str()) {
        return Err(BadTarget::Page(segments[0].clone()));
    }
    let kind = agree(said.or(Some(RepoKind::Model)), kind)?;
    // A few old repositories have a name of one word.
    let is_old = segments.get(1).is_none_or(|it| is_file_view(it) && segments.len() > 2);
    let (name, rest) = segments.split_at(if is_old { 1 } else { 2 });
    let repo = RepoId::new(kind, &name.join("/"))?;
    match rest {
        [] => Ok(RepoTarget { repo, revision: None, part: Part::Whole }),
        [view] if is_file_view(view) => Ok(RepoTarget { repo, revision: None, part: Part::Whole }),
        [view, rest @ ..] if is_file_view(view) => {
            let (revision, path) = split_revision(rest)?;
            let part = part(&path, view == "tree")?;
            Ok(RepoTarget { repo, revision: Some(revision), part })
        }
        [page, ..] => Err(BadTarget::Page(page.clone())),
    }
}

/// Splits `datasets/` off the front.
fn split_kind(text: &str) -> Result<(Option<RepoKind>, &str), BadTarget> {
    let (first, rest) = text.split_once('/').unwrap_or((text, ""));
    for kind in RepoKind::ALL {
        if first == kind.plural() {
            return if rest.is_empty() {
                Err(BadTarget::Nameless(kind))
            } else {
                Ok((Some(kind), rest))
            };
        }
        if first == kind.to_string() && rest.contains('/') {
            return Err(BadTarget::Singular(kind));
        }
    }
    Ok((None, text))
}

fn agree(said: Option<RepoKind>, option: Option<RepoKind>) -> Result<RepoKind, BadTarget> {
    match (said, option) {
        (Some(said), Some(option)) if said != option => Err(BadTarget::Kinds { said, option }),
        _ => Ok(said.or(option).unwrap_or_default()),
    }
}

/// Splits `revision/path`, decoded: `refs/pr/1` and `refs/convert/x` are revisions of three parts;
/// any other slash in one was written `%2F`.
fn split_revision(parts: &[String]) -> Result<(Revision, String), BadTarget> {
    let is_special = match parts {
        [refs, pr, number, ..] if refs == "refs" && pr == "pr" => {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        }
        [refs, convert, ..] => refs == "refs" && convert == "convert" && parts.len() > 2,
        _ => false,
    };
    let (revision, path) = parts.split_at(if is_special { 3 } else { 1 });
    Ok((revision.join("/").parse()?, path.join("/")))
}

fn part(path: &str, is_folder: bool) -> Result<Part, BadTarget> {
    let (path, is_folder) = match path.strip_suffix('/') {
        Some(path) => (path, true),
        None => (path, is_folder),
    };
    Ok(match path {
        "" => Part::Whole,
        path if is_folder => Part::Folder(path.parse()?),
        path => Part::File(path.parse()?),
    })
}

/// The path below the hub's address, if the URL is on the endpoint or on Hugging Face.
fn hub_path<'a>(url: &'a Url, endpoint: &Endpoint) -> Option<&'a str> {
    if endpoint.is_same_origin(url) {
        return url.path().strip_prefix(endpoint.base().path());
    }
    let is_hub = url.host_str().is_some_and(|host| HUB_HOSTS.contains(&host));
    (is_hub && url.port().is_none()).then(|| url.path().trim_start_matches('/'))
}

fn is_file_view(word: &str) -> bool {
    ["resolve", "blob", "tree", "raw", "blame"].contains(&word)
}

/// The hosts of the public hub, which are recognised whatever the endpoint is.
const HUB_HOSTS: [&str; 3] = ["huggingface.co", "www.huggingface.co", "hf.co"];

/// First words of the hub's own pages, which nobody can have as a name.
const NOT_OWNERS: [&str; 16] = [
    "",
    "api",
    "blog",
    "buckets",
    "collections",
    "docs",
    "enterprise",
    "inference",
    "join",
    "kernels",
    "learn",
    "login",
    "papers",
    "posts",
    "pricing",
    "settings",
];

#[cfg(test)]
mod tests;
