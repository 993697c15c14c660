//! The requests we send to a hub and its storage, as plain data; and the token that only the hub
//! may see.
//!
//! A request never holds the token: whoever sends it asks [`Authority`] whether this URL may see
//! it, once for every hop.

use std::fmt;
use std::str::FromStr;

use url::Url;

use super::endpoint::Endpoint;
use super::path::RepoPath;
use super::percent::encode;
use super::repo::RepoId;
use super::revision::Revision;
use crate::range::ByteRange;

/// An HTTP request without the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Header names, in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body, if there is one.
    pub body: Option<String>,
}

/// An HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `HEAD`.
    Head,
    /// `POST`.
    Post,
}

impl Request {
    /// `GET` of a URL that an answer gave: a redirect's target, a next page.
    pub fn get(url: Url) -> Self {
        Self::new(Method::Get, url)
    }

    /// `HEAD` of a URL that an answer gave, or a person did.
    pub fn head(url: Url) -> Self {
        Self::new(Method::Head, url)
    }

    /// Asks where a file is, how large and at which commit.
    pub fn resolve_head(
        endpoint: &Endpoint,
        repo: &RepoId,
        revision: &Revision,
        path: &RepoPath,
    ) -> Self {
        Self::head(resolve_url(endpoint, repo, revision, path))
    }

    /// Asks for a file, through the hub's redirect.
    pub fn resolve_get(
        endpoint: &Endpoint,
        repo: &RepoId,
        revision: &Revision,
        path: &RepoPath,
    ) -> Self {
        Self::get(resolve_url(endpoint, repo, revision, path))
    }

    /// Asks for the commit of a revision, and its files' names.
    pub fn revision_info(endpoint: &Endpoint, repo: &RepoId, revision: &Revision) -> Self {
        let path = format!("{}/revision/{}", repo.api_path(), encode(revision.as_str()));
        Self::get(endpoint.join(&path))
    }

    /// The same, with the sizes and digests of the files, all in one answer.
    pub fn revision_blobs(endpoint: &Endpoint, repo: &RepoId, revision: &Revision) -> Self {
        let mut request = Self::revision_info(endpoint, repo, revision);
        request.url.set_query(Some("blobs=true"));
        request
    }

    /// Asks for the files of a revision with sizes and digests, page by page: of the whole
    /// repository, or of one folder.
    pub fn tree(
        endpoint: &Endpoint,
        repo: &RepoId,
        revision: &Revision,
        folder: Option<&RepoPath>,
        recursive: bool,
    ) -> Self {
        let mut path = format!("{}/tree/{}", repo.api_path(), encode(revision.as_str()));
        if let Some(folder) = folder {
            path.push('/');
            path.push_str(&encode_path(folder));
        }
        let mut url = endpoint.join(&path);
        if recursive {
            url.set_query(Some("recursive=true"));
        }
        Self::get(url)
    }

    /// Asks for the sizes and digests of some files of a revision.
    pub fn paths_info(
        endpoint: &Endpoint,
        repo: &RepoId,
        revision: &Revision,
        paths: &[RepoPath],
    ) -> Self {
        let path = format!("{}/paths-info/{}", repo.api_path(), encode(revision.as_str()));
        let paths = paths.iter().map(RepoPath::as_str).collect::<Vec<_>>();
        let mut request = Self::new(Method::Post, endpoint.join(&path));
        request.headers.push(("content-type", "application/json".to_owned()));
        request.body = Some(serde_json::json!({ "paths": paths, "expand": false }).to_string());
        request
    }

    /// Asks for a token that opens the content-addressed storage for the files of a revision.
    pub fn xet_token(endpoint: &Endpoint, repo: &RepoId, revision: &Revision) -> Self {
        let revision = encode(revision.as_str());
        Self::get(endpoint.join(&format!("{}/xet-read-token/{revision}", repo.api_path())))
    }

    /// Asks for a range of a file. Never with `If-Range`: where edges of one storage disagree about
    /// ETags it brings the whole file, and what it guards against is seen in the answer's head.
    pub fn range(url: Url, range: ByteRange) -> Self {
        let mut request = Self::get(url);
        request.headers.push(("range", range.http()));
        request
    }

    /// Identity always: lengths, ranges and digests are of the file, not of a compressed form.
    fn new(method: Method, url: Url) -> Self {
        let headers = vec![("accept-encoding", "identity".to_owned())];
        Self { method, url, headers, body: None }
    }
}

/// A hub and the token for it.
#[derive(Clone, Debug)]
pub struct Authority {
    /// The only place that sees the token.
    pub endpoint: Endpoint,
    /// Who we are, if anyone.
    pub token: Option<Token>,
}

impl Authority {
    /// The value of `Authorization` for a request to this URL: none unless it goes to the very
    /// scheme, host and port of the endpoint. It is a secret: do not log it.
    pub fn authorization_for(&self, url: &Url) -> Option<String> {
        let token = self.token.as_ref().filter(|_| self.endpoint.is_same_origin(url))?;
        Some(format!("Bearer {}", token.0))
    }
}

/// An access token, which is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl FromStr for Token {
    type Err = BadToken;

    /// Visible ASCII, as a header can carry; white space around it is dropped, since tokens are
    /// read from files.
    fn from_str(text: &str) -> Result<Self, BadToken> {
        let token = text.trim();
        if !token.is_empty()
            && token.len() <= TOKEN_MAX
            && token.bytes().all(|byte| byte.is_ascii_graphic())
        {
            Ok(Self(token.to_owned()))
        } else {
            Err(BadToken)
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The text cannot be a token. Does not repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadToken;

impl fmt::Display for BadToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token is empty or has characters that no token has")
    }
}

impl std::error::Error for BadToken {}

fn resolve_url(endpoint: &Endpoint, repo: &RepoId, revision: &Revision, path: &RepoPath) -> Url {
    let revision = encode(revision.as_str());
    endpoint.join(&format!("{}/resolve/{revision}/{}", repo.page_path(), encode_path(path)))
}

fn encode_path(path: &RepoPath) -> String {
    path.segments().map(encode).collect::<Vec<_>>().join("/")
}

const TOKEN_MAX: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::repo::RepoKind;

    fn shown_rest(request: &Request) -> String {
        let headers = request.headers.iter().map(|(name, value)| format!(" {name}: {value}"));
        headers.chain(request.body.iter().map(|body| format!(" {body}"))).collect()
    }

    #[test]
    fn requests_are_those_of_the_hubs_own_client() {
        let hub = Endpoint::default();
        let mirror = "http://hub/hf/".parse::<Endpoint>().unwrap();
        let model = RepoId::new(RepoKind::Model, "org/name").unwrap();
        let dataset = RepoId::new(RepoKind::Dataset, "org/name").unwrap();
        let (main, pr) = (Revision::main(), "refs/pr/1".parse::<Revision>().unwrap());
        let path = "a b/c+d#e%2F.bin".parse::<RepoPath>().unwrap();
        let signed = "https://cdn.example/x?s=1".parse::<Url>().unwrap();
        let file = "a%20b/c%2Bd%23e%252F.bin";
        let asked = "{\"expand\":false,\"paths\":[\"a b/c+d#e%2F.bin\"]}";
        for (request, method, url, rest) in [
            (
                Request::resolve_head(&hub, &model, &main, &path),
                Method::Head,
                format!("https://huggingface.co/org/name/resolve/main/{file}"),
                String::new(),
            ),
            (
                Request::resolve_get(&mirror, &dataset, &pr, &path),
                Method::Get,
                format!("http://hub:80/hf/datasets/org/name/resolve/refs%2Fpr%2F1/{file}"),
                String::new(),
            ),
            (
                Request::revision_info(&hub, &model, &pr),
                Method::Get,
                "https://huggingface.co/api/models/org/name/revision/refs%2Fpr%2F1".to_owned(),
                String::new(),
            ),
            (
                Request::tree(&mirror, &dataset, &main, Some(&path), true),
                Method::Get,
                format!("http://hub/hf/api/datasets/org/name/tree/main/{file}?recursive=true"),
                String::new(),
            ),
            (
                Request::tree(&hub, &model, &main, None, false),
                Method::Get,
                "https://huggingface.co/api/models/org/name/tree/main".to_owned(),
                String::new(),
            ),
            (
                Request::paths_info(&hub, &model, &main, std::slice::from_ref(&path)),
                Method::Post,
                "https://huggingface.co/api/models/org/name/paths-info/main".to_owned(),
                format!(" content-type: application/json {asked}"),
            ),
            (
                Request::range(signed.clone(), ByteRange::new(5, 10)),
                Method::Get,
                signed.to_string(),
                " range: bytes=5-9".to_owned(),
            ),
        ] {
            assert_eq!((request.method, &request.url), (method, &url.parse().unwrap()));
            assert_eq!(shown_rest(&request), format!(" accept-encoding: identity{rest}"));
        }
    }

    #[test]
    fn the_token_goes_to_the_endpoint_alone() {
        let authority = Authority {
            endpoint: "https://hub.example/hf".parse().unwrap(),
            token: Some("hf_secret\n".parse().unwrap()),
        };
        for (url, is_sent) in [
            ("https://hub.example/hf/a", true),
            ("https://HUB.example:443/other", true),
            ("http://hub.example/hf/a", false),
            ("https://hub.example:444/hf/a", false),
            ("https://cdn.hub.example/a", false),
            ("https://hub.example.evil/a", false),
            ("https://hub.example@evil.example/a", false),
            ("https://evil.example/hub.example", false),
            ("data:hub.example", false),
        ] {
            let value = authority.authorization_for(&url.parse().unwrap());
            assert_eq!(value.as_deref(), is_sent.then_some("Bearer hf_secret"), "{url}");
        }
        let anonymous = Authority { token: None, ..authority.clone() };
        assert_eq!(anonymous.authorization_for(authority.endpoint.base()), None);
        assert!(!format!("{authority:?}").contains("secret"));
    }

    #[test]
    fn a_token_fits_in_a_header() {
        for text in ["", "  ", "a b", "a\r\nX: y", "é", &"a".repeat(9000)] {
            assert_eq!(text.parse::<Token>(), Err(BadToken), "{text:?}");
        }
    }
}
