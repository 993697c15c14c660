//! Asks the hub what there is, before the transfer begins: patiently, and telling of every wait.
//!
//! Judges no answer; [`engine::hub`] does. Once a transfer runs, its machine paces the questions.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use engine::config::Config;
use engine::fault::Fault;
use engine::hub::asked::Asked;
use engine::hub::head::Head;
use engine::hub::listing::{self, TreeEntry};
use engine::hub::path::{BadPath, RepoPath};
use engine::hub::request::{Authority, Request};
use engine::hub::resolve::{ResolveAnswer, Resolved, Resolving};
use engine::hub::revision::Commit;
use engine::retry::{Backoff, Step, next_step};
use engine::xet::token::ReadToken;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use tokio::sync::mpsc;
use url::Url;

use crate::driver::Clock;
use crate::error::{Error, ErrorKind};
use crate::http::{Http, HttpBody, authorized, send_following};
use crate::news::News;

/// A hub that can be asked.
#[derive(Clone)]
pub(super) struct HubClient<H> {
    pub(super) http: H,
    pub(super) authority: Arc<Authority>,
    pub(super) config: Config,
    pub(super) clock: Clock,
    pub(super) seed: u64,
    pub(super) news: mpsc::UnboundedSender<News>,
    /// Whether something of what is asked for was fetched before: then the hub exists, and no
    /// refusal is believed to be for ever.
    pub(super) is_known: bool,
    /// The first file that the hub says does not exist, and the commit that it is not in.
    pub(super) missing: Arc<OnceLock<(Commit, RepoPath)>>,
}

impl<H: Http> HubClient<H> {
    /// Where a file is, and what it is.
    pub(super) async fn resolve(&self, asked: Asked, path: &RepoPath) -> Result<Resolved, Fault> {
        let mut resolving = Resolving::new(asked, path.clone());
        loop {
            let request = authorized(resolving.request(), &self.authority);
            let (head, _) = self.within(self.http.send(request)).await?;
            match resolving.check(&head) {
                Ok(ResolveAnswer::Follow(next)) => resolving = *next,
                Ok(ResolveAnswer::Resolved(resolved)) => return Ok(*resolved),
                Err(fault) => {
                    let is_missing = head.error_code() == Some("EntryNotFound");
                    if let Some(commit) = head.commit().filter(|_| is_missing) {
                        self.missing.get_or_init(|| (commit, path.clone()));
                    }
                    return Err(fault);
                }
            }
        }
    }

    /// The commit that a revision is at.
    pub(super) async fn commit(&self, asked: &Asked) -> Result<Commit, Fault> {
        let request = Request::revision_info(&asked.endpoint, &asked.repo, &asked.revision);
        let (head, body) = self.get(request).await?;
        Ok(listing::check_revision(asked, &head, &body)?.commit)
    }

    /// A token to the content-addressed storage, and how long it is good for by the hub's clock.
    pub(super) async fn xet_token(
        &self,
        asked: &Asked,
        at: Option<Url>,
    ) -> Result<(ReadToken, Option<Duration>), Fault> {
        let standard = || Request::xet_token(&asked.endpoint, &asked.repo, &asked.revision);
        let request = at.map_or_else(standard, Request::get);
        let (head, body) = self.get(request).await?;
        if head.status != 200 {
            return Err(asked.refusal(&head, None));
        }
        if head.is_html() {
            return Err(Fault::Portal);
        }
        let token = ReadToken::read(&body)
            .map_err(|flaw| Fault::Malformed(format!("a token that {flaw}")))?;
        let end = Duration::from_secs(token.expires);
        let ttl = head.answered_at().map(|now| end.saturating_sub(now));
        Ok((token, ttl))
    }

    /// All files of a revision, in the hub's order, and the names that are not to be created.
    pub(super) async fn tree(
        &self,
        asked: &Asked,
    ) -> Result<(Vec<TreeEntry>, Vec<BadPath>), Fault> {
        let (mut entries, mut refused) = (Vec::new(), Vec::new());
        let mut request = Request::tree(&asked.endpoint, &asked.repo, &asked.revision, None, true);
        for page in 0.. {
            let url = request.url.clone();
            let (head, body) = self.get(request).await?;
            let answer = listing::check_tree(asked, &url, page, &head, &body)?;
            entries.extend(answer.entries);
            refused.extend(answer.refused);
            match answer.next {
                Some(next) => request = Request::get(next),
                None => break,
            }
        }
        Ok((entries, refused))
    }

    /// What the hub's listing says of one file, where its own answer said too little.
    pub(super) async fn entry(&self, asked: &Asked, path: &RepoPath) -> Result<TreeEntry, Fault> {
        let paths = std::slice::from_ref(path);
        let request = Request::paths_info(&asked.endpoint, &asked.repo, &asked.revision, paths);
        let (head, body) = self.get(request).await?;
        let answer = listing::check_paths_info(asked, &head, &body)?;
        let entry = answer.entries.into_iter().find(|entry| entry.path == *path);
        entry.ok_or_else(|| Fault::NoSuchFile(format!("{path} in {}", asked.repo)))
    }

    /// The head of the answer for a plain URL, after its redirects.
    pub(super) async fn head(&self, request: Request) -> Result<Head, Fault> {
        let asked = send_following(&self.http, &self.authority, request);
        self.within(asked).await.map(|(head, _)| head)
    }

    async fn get(&self, request: Request) -> Result<(Head, Vec<u8>), Fault> {
        let asked = send_following(&self.http, &self.authority, request);
        let (head, mut body) = self.within(asked).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = self.within(body.chunk()).await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > listing::BODY_MAX {
                return Err(Fault::TooLong);
            }
        }
        Ok((head, bytes))
    }

    async fn within<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let patience = self.config.stall_after.unwrap_or(ANSWER_WITHIN);
        let patience = patience.max(self.config.answer_within.unwrap_or_default());
        let answer = tokio::time::timeout(patience, work).await;
        answer.unwrap_or(Err(Fault::Silent(patience)))
    }

    /// Asks again and again until there is an answer, or a fault that asking again does not cure.
    pub(super) async fn persist<T, F: Future<Output = Result<T, Fault>>>(
        &self,
        mut ask: impl FnMut() -> F,
    ) -> Result<T, Error> {
        let began = self.clock.now();
        let mut rng = SmallRng::seed_from_u64(self.seed);
        let mut backoff = Backoff::new(self.config.backoff_max);
        loop {
            let asked_at = self.clock.now();
            let fault = match ask().await {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            let now = self.clock.now();
            backoff.on_fault(&mut rng, asked_at, now);
            let attempt = backoff.attempt();
            let elapsed = now.since(began);
            let is_final = next_step(&fault, attempt) == Step::Fail
                || (self.is_probably_wrong(&fault) && attempt >= WRONG_ADDRESS_TRIES);
            if is_final {
                let kind = ErrorKind::Fault(fault);
                return Err(Error { attempts: attempt, elapsed, ..Error::new(kind) });
            }
            let mut again_in = backoff.not_before().since(now);
            if let Fault::Busy { retry_after: Some(told), .. } = fault {
                again_in = told;
            }
            if let Some(patience) = self.config.give_up_after {
                if elapsed >= patience {
                    let kind = ErrorKind::GaveUp { after: elapsed, fault: Some(fault) };
                    return Err(Error { attempts: attempt, elapsed, ..Error::new(kind) });
                }
                // The last try is made when the patience ends, not given away.
                again_in = again_in.min(patience - elapsed);
            }
            // Nobody may be listening.
            let _ = self.news.send(News::AskingFailed { fault, attempt, again_in });
            tokio::time::sleep(again_in).await;
        }
    }

    /// A working network says that there is no such hub. From one that was never reached, and
    /// without a person who said how long to go on, that is believed.
    fn is_probably_wrong(&self, fault: &Fault) -> bool {
        let is_denied = matches!(
            fault,
            Fault::Refused
                | Fault::ProxyDown(_)
                | Fault::NoSuchHost(_)
                | Fault::NotAHub
                | Fault::Malformed(_)
        );
        is_denied && !self.is_known && self.config.give_up_after.is_none()
    }
}

/// How long the hub may take for an answer, unless the person said.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// So many denials in a row mean that the address is wrong.
const WRONG_ADDRESS_TRIES: u32 = 5;
