//! One request and its answer, for which there is patience, but not without end.
//!
//! Judges nothing, and repeats nothing but what was not answered.

use std::time::Duration;

use engine::fault::Fault;
use engine::hub::answer::{Answer, BODY_MAX};
use engine::hub::head::Head;
use engine::hub::redirect;
use engine::hub::request::{Method, Request};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;
use url::Url;

use super::HubClient;
use crate::http::{Http, HttpBody, authorized, whole};

impl<H: Http> HubClient<H> {
    /// The whole answer to a request, after its redirects. Only the hub's own origin sees the
    /// token.
    pub(super) async fn ask(&self, request: Request) -> Result<Answer, Fault> {
        let (url, head, mut body) = self.follow(request).await?;
        let (patience, _) = self.patience();
        let body = whole::read(&mut body, patience, BODY_MAX).await?;
        if body.len() > BODY_MAX {
            return Err(Fault::TooLong);
        }
        let answer = Answer { url, head, body };
        self.note_whose(&answer);
        Ok(answer)
    }

    /// The same for an answer of few bytes, which are there soon after its head or never; `None`
    /// if they are not.
    pub(super) async fn ask_briefly(&self, request: Request) -> Result<Option<Answer>, Fault> {
        let (_, patience) = self.patience();
        let is_told = self.config.stall_after.or(self.config.answer_within).is_some();
        let patience = if is_told { patience } else { patience.min(BRIEF_BEGINS_WITHIN) };
        let followed = tokio::time::timeout(patience, self.follow(request)).await;
        let (url, head, mut body) = followed.unwrap_or(Err(Fault::Silent(patience)))?;
        let read = whole::read(&mut body, 2 * BRIEF_WITHIN, PAGE_MAX);
        let Ok(read) = tokio::time::timeout(BRIEF_WITHIN, read).await else { return Ok(None) };
        Ok(Some(Answer { url, head, body: read? }))
    }

    /// How long a file is of which the server does not say it: by reading it, for want of a better
    /// way, and keeping nothing.
    pub(in crate::fetch) async fn measure(&self, url: &Url) -> Result<u64, Fault> {
        let (_, head, mut body) = self.follow(Request::get(url.clone())).await?;
        if head.status != 200 {
            let retry_after = head.retry_after();
            return Err(Fault::Busy { status: head.status, retry_after });
        }
        if !head.is_identity() {
            return Err(Fault::Encoded(head.coding()));
        }
        let (patience, _) = self.patience();
        let (mut size, began) = (0, Instant::now());
        loop {
            let left = whole::time_left(patience, size, began);
            let chunk = tokio::time::timeout(left, body.chunk()).await;
            match chunk.unwrap_or(Err(Fault::Silent(left)))? {
                Some(chunk) => size += chunk.len() as u64,
                None => return Ok(size),
            }
        }
    }

    /// The head of the answer at the end of a request's redirects, and its body.
    pub(in crate::fetch) async fn follow(
        &self,
        mut request: Request,
    ) -> Result<(Url, Head, H::Body), Fault> {
        let mut visited = Vec::new();
        loop {
            let (head, body) = self.send(&request).await?;
            let Some(next) = redirect::follow(&request.url, &head, &visited)? else {
                return Ok((request.url, head, body));
            };
            visited.push(std::mem::replace(&mut request.url, next));
        }
    }

    /// The head of the answer to a request, without following it. Of a body as much is read as
    /// says what a web page or an error is about.
    pub(super) async fn head_of(&self, request: Request) -> Result<Answer, Fault> {
        let (head, mut body) = self.send(&request).await?;
        let is_of_use = head.is_html() || head.status >= 400;
        if request.method == Method::Head || !is_of_use {
            return Ok(Answer::of_head(request.url, head));
        }
        let (patience, _) = self.patience();
        let body = whole::read(&mut body, patience, PAGE_MAX).await.unwrap_or_default();
        Ok(Answer { url: request.url, head, body })
    }

    /// Sends a request and waits for the head of its answer. Unless a person has said how long to
    /// wait, it may be sent again beside the first after a while: some proxies fetch the whole
    /// file before they answer, and some connections are dead.
    async fn send(&self, request: &Request) -> Result<(Head, H::Body), Fault> {
        let (again_after, within) = self.patience();
        let send = || self.http.send(authorized(request.clone(), &self.authority));
        let began = Instant::now();
        let mut open = FuturesUnordered::from_iter([send()]);
        loop {
            let waited = tokio::time::timeout(again_after, open.next()).await;
            match waited {
                Ok(Some(Err(_))) if !open.is_empty() => {}
                Ok(Some(answer)) => return answer,
                Ok(None) => return Err(Fault::Silent(began.elapsed())),
                Err(_) if began.elapsed() >= within => return Err(Fault::Silent(within)),
                Err(_) => open.push(send()),
            }
        }
    }

    /// How long an answer may take to begin: until it is asked for once more, and until the end.
    fn patience(&self) -> (Duration, Duration) {
        let told = self.config.answer_within.unwrap_or_default();
        match self.config.stall_after {
            Some(silence) => (silence.max(told), silence.max(told)),
            None if self.asks_beside => (ASK_BESIDE_AFTER, ANSWER_WITHIN.max(told)),
            None => (ASK_BESIDE_AFTER.max(told), ASK_BESIDE_AFTER.max(told)),
        }
    }
}

/// How long an answer may take to begin, unless the person said.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);
/// After so long without one it is asked for once more, beside the first.
const ASK_BESIDE_AFTER: Duration = Duration::from_secs(30);
/// How long a short answer may take to begin: longer than any link is, that anything comes over.
const BRIEF_BEGINS_WITHIN: Duration = Duration::from_secs(15);
/// How long its body may take behind its head.
const BRIEF_WITHIN: Duration = Duration::from_secs(5);
/// So much is read of what is not wanted.
const PAGE_MAX: usize = 64 << 10;
