//! The plan for a plain URL: how long the file is, what it is called, and where it goes.
//!
//! Knows no hub. What stands behind a `?` may be a signature, and is never shown or kept.

use std::path::PathBuf;

use engine::digest::FileDigest;
use engine::fault::Fault;
use engine::hub::disposition;
use engine::hub::head::Head;
use engine::hub::path::{RepoPath, file_name_of};
use engine::hub::request::Request as HubRequest;
use engine::hub::target::shown;
use engine::range::ByteRange;
use url::Url;

use super::Request;
use super::hub::HubClient;
use super::item::{Ground, Item, Origin, Planned, Shelf};
use super::plan::Plan;
use crate::cache::layout::LocalDir;
use crate::error::Error;
use crate::http::Http;
use crate::news::News;

/// Checks what can be checked without asking anybody.
pub(super) fn check_request(request: &Request) -> Result<(), Error> {
    if request.cache_dir.is_some() {
        return Err(Error::usage("a plain URL has no place in the cache: use --local-dir"));
    }
    output_of(request)?;
    sha256_of(request).map(drop)
}

/// Makes the plan.
pub(super) async fn plan_url<H: Http>(
    request: &Request,
    url: Url,
    hub: &HubClient<H>,
) -> Result<Plan, Error> {
    let digest = sha256_of(request)?;
    let (size, head) = hub.persist(|| look(hub, &url)).await?;
    let path = match output_of(request)? {
        Some(path) => path,
        None => name_of(&url, &head)?,
    };
    let size = match size {
        Some(size) => size,
        None => {
            hub.tell(News::Measuring { host: url.host_str().unwrap_or_default().to_owned() });
            hub.persist(|| hub.measure(&url)).await?
        }
    };
    let folder = request.local_dir.clone().unwrap_or_else(|| PathBuf::from("."));
    let shelf = Shelf::Local(LocalDir::new(&folder));
    let ground = Ground { origin: Origin::Url(url), shelf };
    let file = Planned { path, size, digest, xet: None, learned: None };
    let shown = Item::new(&ground, &file).place.shown().to_owned();
    let (files, failed) = (vec![file], Vec::new());
    Ok(Plan { commit: None, reference: None, ground, files, failed, shown })
}

/// What the file is to be called, without asking the server.
pub(super) fn offline_name(request: &Request, url: &Url) -> Result<RepoPath, Error> {
    match output_of(request)? {
        Some(path) => Ok(path),
        None => file_name_of(url).map_err(Error::usage_of),
    }
}

/// What the person says that the file must hash to.
pub(super) fn sha256_of(request: &Request) -> Result<FileDigest, Error> {
    let Some(text) = &request.sha256 else {
        return Err(Error::usage(
            "a plain URL needs --sha256: without it nobody can tell whether the file is right",
        ));
    };
    match text.trim().parse() {
        Ok(digest @ FileDigest::Sha256(_)) => Ok(digest),
        Ok(FileDigest::GitSha1(_)) | Err(_) => Err(Error::usage("--sha256 takes 64 hex digits")),
    }
}

fn output_of(request: &Request) -> Result<Option<RepoPath>, Error> {
    let output = request.output.as_ref().map(|text| text.parse());
    output.transpose().map_err(|bad| Error::usage(format!("--output: {bad}")))
}

/// The name that the server gives, unless it is not safe; else the last segment of the URL.
fn name_of(url: &Url, head: &Head) -> Result<RepoPath, Error> {
    let given = head.header("content-disposition").and_then(disposition::file_name);
    if let Some(path) = given.and_then(|name| name.parse().ok()) {
        return Ok(path);
    }
    file_name_of(url).map_err(|bad| {
        let words =
            format!("the file has no name that could be used ({}): say --output NAME", bad.flaw);
        Error::usage(words)
    })
}

/// The length of a file, if the server says it, and the head that says it: from a `HEAD`, or where
/// that does not from a `Range` of one byte.
async fn look<H: Http>(hub: &HubClient<H>, url: &Url) -> Result<(Option<u64>, Head), Fault> {
    let (_, head, _) = hub.follow(HubRequest::head(url.clone())).await?;
    let length = head.content_length().filter(|size| *size > 0 && head.is_identity());
    if head.status == 200 && length.is_some() {
        return Ok((length, head));
    }
    let first = ByteRange::new(0, 1);
    let (_, head, _) = hub.follow(HubRequest::range(url.clone(), first)).await?;
    let total = head.content_range().and_then(|content_range| content_range.total);
    match head.status {
        206 => Ok((total, head)),
        416 => Ok((head.unsatisfied_total().filter(|total| *total == 0), head)),
        200 => Ok((head.content_length().filter(|_| head.is_identity()), head)),
        404 | 410 => Err(Fault::NoSuchFile(format!("at {}", shown(url)))),
        401 | 403 => Err(Fault::TokenNeeded(format!("{} is not open to everybody", shown(url)))),
        511 => Err(Fault::Portal),
        status @ (408 | 425 | 429 | 500..=599) => {
            Err(Fault::Busy { status, retry_after: head.retry_after() })
        }
        status @ 400..=499 => {
            Err(Fault::Rejected { status, words: head.error_message().unwrap_or_default() })
        }
        status => Err(Fault::Malformed(format!("HTTP {status} where none should be"))),
    }
}
