//! Asks the hub what there is, before the transfer begins: one question, one answer.
//!
//! Judges no answer; [`engine::hub`] does. Once a transfer runs, its machine paces the questions.

mod exchange;
mod persist;
mod survey;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use engine::config::Config;
use engine::fault::Fault;
use engine::hub::answer::Answer;
use engine::hub::asked::Asked;
use engine::hub::path::RepoPath;
use engine::hub::request::{Authority, Request};
use engine::hub::resolve::{Probe, ResolveAnswer, Resolved, Resolving};
use engine::hub::revision::Commit;
use engine::xet::token::ReadToken;
use url::Url;

use crate::driver::Clock;
use crate::http::Http;
use crate::news::{News, NewsSender};

pub(super) use survey::{Found, pinned};

/// A hub that can be asked.
#[derive(Clone)]
pub(super) struct HubClient<H> {
    pub(super) http: H,
    pub(super) authority: Arc<Authority>,
    pub(super) config: Config,
    pub(super) clock: Clock,
    pub(super) seed: u64,
    pub(super) news: NewsSender,
    /// Whether something of what is asked for was fetched before: then the hub exists, and no
    /// refusal is believed to be for ever.
    pub(super) is_known: bool,
    /// Whether what is not answered is asked again beside the first. Not in a transfer: its machine
    /// decides when to probe.
    pub(super) asks_beside: bool,
    /// What was learned on the way, by this client and its clones.
    pub(super) learned: Arc<Learned>,
}

/// What the answers have taught, apart from what was asked.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// The first file that the hub says does not exist, and the commit that it is not in.
    pub(super) missing: OnceLock<(Commit, RepoPath)>,
    /// The host that answers in the endpoint's place.
    elsewhere: OnceLock<String>,
    /// Whether `HEAD` is of no use here.
    is_head_refused: AtomicBool,
}

impl<H: Http> HubClient<H> {
    /// Where a file is, and what it is: by `HEAD`, or where that is refused by `GET` of a byte.
    pub(super) async fn resolve(&self, asked: &Asked, path: &RepoPath) -> Result<Resolved, Fault> {
        let is_refused = &self.learned.is_head_refused;
        if !is_refused.load(Ordering::Relaxed) {
            match self.resolve_by(Probe::Head, asked, path).await {
                Err(fault) if is_of_this_way(&fault) => {}
                answer => return answer,
            }
        }
        let resolved = self.resolve_by(Probe::FirstByte, asked, path).await?;
        is_refused.store(true, Ordering::Relaxed);
        Ok(resolved)
    }

    /// Where a file is, and what it is, in one way.
    pub(super) async fn resolve_by(
        &self,
        probe: Probe,
        asked: &Asked,
        path: &RepoPath,
    ) -> Result<Resolved, Fault> {
        let mut resolving = Resolving::new(asked.clone(), path.clone(), probe);
        loop {
            let request = resolving.request();
            let answer = self.head_of(request).await?;
            match resolving.check(&answer) {
                Ok(ResolveAnswer::Follow(next)) => resolving = *next,
                Ok(ResolveAnswer::Resolved(resolved)) => {
                    if let Some(host) = &resolved.elsewhere {
                        self.note_elsewhere(host);
                    }
                    return Ok(*resolved);
                }
                Err(fault) => {
                    let is_missing = answer.head.error_code() == Some("EntryNotFound");
                    if let Some(commit) = answer.head.commit().filter(|_| is_missing) {
                        self.learned.missing.get_or_init(|| (commit, path.clone()));
                    }
                    return Err(fault);
                }
            }
        }
    }

    /// A token to the content-addressed storage, and how long it is good for by the hub's clock.
    /// That there is none means that this hub has no such storage, or none for us: its files are
    /// there nevertheless.
    pub(super) async fn xet_token(
        &self,
        asked: &Asked,
        at: Option<Url>,
    ) -> Result<(ReadToken, Option<Duration>), Fault> {
        let standard = || Request::xet_token(&asked.endpoint, &asked.repo, &asked.revision);
        let none = |why: String| Err(Fault::NoXet(why));
        // Without it the file comes as it is, and need not wait.
        let Some(answer) = self.ask_briefly(at.map_or_else(standard, Request::get)).await? else {
            return none("the token for it does not come".to_owned());
        };
        match answer.head.status {
            200 if answer.head.is_html() => {
                return none("a web page instead of a token".to_owned());
            }
            200 => {}
            408 | 425 | 429 | 500 | 502..=504 => return Err(asked.refusal(&answer, None)),
            status => return none(format!("HTTP {status} instead of a token")),
        }
        let token = match answer.plain_body().map(|body| ReadToken::read(&body)) {
            Ok(Ok(token)) if token.is_for(&asked.endpoint) => token,
            Ok(Ok(_)) => return none("a storage without encryption".to_owned()),
            Ok(Err(flaw)) => return none(format!("a token that {flaw}")),
            Err(_) => return none("a token that cannot be read".to_owned()),
        };
        let end = Duration::from_secs(token.expires);
        let ttl = answer.head.answered_at().map(|now| end.saturating_sub(now));
        Ok((token, ttl))
    }

    /// Says once that another host answers in the endpoint's place.
    fn note_elsewhere(&self, host: &str) {
        let mut is_news = false;
        self.learned.elsewhere.get_or_init(|| {
            is_news = true;
            host.to_owned()
        });
        if is_news {
            let endpoint = self.authority.endpoint.to_string();
            self.tell(News::Elsewhere { endpoint, host: host.to_owned() });
        }
    }

    fn note_whose(&self, answer: &Answer) {
        let is_elsewhere = answer.url.host() != self.authority.endpoint.base().host();
        let is_good = answer.head.status == 200 && !answer.head.is_html();
        if let Some(host) = answer.url.host_str().filter(|_| is_elsewhere && is_good) {
            self.note_elsewhere(host);
        }
    }

    pub(super) fn tell(&self, news: News) {
        self.news.send(news);
    }
}

/// Whether the same may be had by a `GET` although a `HEAD` failed like this.
const fn is_of_this_way(fault: &Fault) -> bool {
    matches!(fault, Fault::Rejected { .. } | Fault::NotAHub | Fault::Malformed(_))
}
