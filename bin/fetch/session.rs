//! One fetch from beginning to end: plan, look what is there, claim, transfer, report.
//!
//! Moves no bytes itself; the driver does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::hub::request::{Authority, Token};
use engine::hub::target::{RepoTarget, Target};
use engine::journal::Begin;
use engine::manifest::FileId;
use engine::transfer::Transfer;
use tokio::sync::{mpsc, watch};

use super::Request;
use super::batch::{Batch, Claimed};
use super::hub::HubClient;
use super::plan::{self, Item, Plan, Source};
use super::progress::Progress;
use super::{offline, presence};
use crate::cache::claim::{Attempt, try_claim};
use crate::cache::environment::Environment;
use crate::cache::layout::RepoFolder;
use crate::cache::{part, store};
use crate::disk::Disk;
use crate::driver::{Clock, Driver, Outcome};
use crate::error::{Error, ErrorKind};
use crate::http::Http;
use crate::news::{News, PlannedFile, Report};

/// Runs a fetch to its end.
pub(super) async fn run<H: Http, D: Disk>(
    http: H,
    disk: D,
    request: Request,
    news: mpsc::UnboundedSender<News>,
    mut cancel: watch::Receiver<bool>,
) -> Result<Report, Error> {
    let (session, cache) = begin(http, disk, request, news).await?;
    let planned = tokio::select! {
        biased;
        () = cancelled(&mut cancel) => Err(Error::new(ErrorKind::Interrupted)),
        planned = session.plan(&cache) => planned,
    }?;
    session.fetch(planned, cancel).await
}

/// Only asks the hub what there is.
pub(super) async fn ask<H: Http, D: Disk>(
    http: H,
    disk: D,
    request: Request,
    news: mpsc::UnboundedSender<News>,
) -> Result<Plan, Error> {
    let (session, cache) = begin(http, disk, request, news).await?;
    session.plan(&cache).await
}

async fn begin<H: Http, D: Disk>(
    http: H,
    disk: D,
    mut request: Request,
    news: mpsc::UnboundedSender<News>,
) -> Result<(Session<H, D>, PathBuf), Error> {
    let clock = Clock::start();
    let environment = request.environment.get_or_insert_with(of_this_process).clone();
    request.config = environment.with_patience(request.config);
    let authority = Arc::new(Authority {
        endpoint: plan::endpoint_of(&request)?,
        token: token_of(&request, &environment, &disk).await?,
    });
    let hub = HubClient {
        http,
        authority,
        config: request.config.clone(),
        clock,
        seed: request.seed.unwrap_or_else(|| disk.nonce() as u64),
        news: news.clone(),
        is_known: false,
        missing: Arc::default(),
    };
    let cache = request.cache_dir.clone().unwrap_or_else(|| environment.hub_cache.clone());
    Ok((Session { request, environment, hub, disk, news, clock }, cache))
}

struct Session<H, D> {
    request: Request,
    environment: Environment,
    hub: HubClient<H>,
    disk: D,
    news: mpsc::UnboundedSender<News>,
    clock: Clock,
}

impl<H: Http, D: Disk> Session<H, D> {
    async fn plan(&self, cache: &Path) -> Result<Plan, Error> {
        let target = plan::target_of(&self.request, &self.hub.authority.endpoint)?;
        if self.environment.is_offline
            && let Target::Repo(target) = &target
        {
            return offline::plan_offline(&self.disk, &self.request, target, cache).await;
        }
        let host = self.hub.authority.endpoint.base().host_str().unwrap_or_default().to_owned();
        let plan = match target {
            Target::Repo(target) => {
                self.tell(News::Asking { host });
                let is_known =
                    presence::is_known(&self.disk, &self.request, &target, cache).await?;
                let hub = HubClient { is_known, ..self.hub.clone() };
                let plan = plan::plan_repo(&self.request, target.clone(), &hub, cache).await;
                if plan.is_err() {
                    self.note_missing(&target, cache).await;
                }
                plan.map_err(|error| error.about(&target.repo))?
            }
            Target::Url(url) => {
                self.tell(News::Asking { host: url.host_str().unwrap_or_default().to_owned() });
                let about = url.to_string();
                let plan = plan::plan_url(&self.request, url, &self.hub).await;
                plan.map_err(|error| error.about(about))?
            }
        };
        Ok(plan)
    }

    async fn fetch(&self, plan: Plan, mut cancel: watch::Receiver<bool>) -> Result<Report, Error> {
        self.tell(News::Planned { commit: plan.commit_text(), files: planned_files(&plan) });
        let mut progress = Progress::new(&plan);
        if self.request.dry_run {
            return self.look(&plan, progress).await;
        }
        self.remember_commit(&plan).await?;
        while !progress.pending.is_empty() {
            let batch = tokio::select! {
                biased;
                () = cancelled(&mut cancel) => Err(self.interrupted(&plan, &progress)),
                batch = self.claim_batch(&mut progress) => batch,
            }?;
            if batch.is_empty() {
                tokio::select! {
                    biased;
                    () = cancelled(&mut cancel) => return Err(self.interrupted(&plan, &progress)),
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                }
                continue;
            }
            let outcome = self.transfer(batch, &mut progress, cancel.clone()).await;
            progress.check_end(outcome.end, &plan, self.elapsed())?;
        }
        progress.report(&plan, self.elapsed())
    }

    /// Claims as many files as may be open at once. Those that are in place are taken off; those
    /// that somebody else has are left for later, so that nobody waits while holding a claim.
    async fn claim_batch(
        &self,
        progress: &mut Progress,
    ) -> Result<BTreeMap<FileId, Claimed<D>>, Error> {
        let mut batch = BTreeMap::new();
        let waiting: Vec<(FileId, Item)> =
            progress.pending.iter().map(|(id, item)| (*id, item.clone())).collect();
        for (id, item) in waiting {
            if batch.len() == OPEN_MAX {
                break;
            }
            let claimed = self.claim(id, item.clone(), progress).await;
            match claimed.map_err(|error| error.about(&item.path))? {
                Claiming::Claimed(claimed) => drop(batch.insert(id, *claimed)),
                Claiming::Present(path) => drop(progress.present.insert(id, path)),
                Claiming::Busy => continue,
            }
            progress.pending.remove(&id);
        }
        Ok(batch)
    }

    async fn claim(
        &self,
        id: FileId,
        item: Item,
        progress: &mut Progress,
    ) -> Result<Claiming<D>, Error> {
        let may_be_present = !self.request.force;
        if may_be_present && let Some(path) = presence::sealed(&self.disk, &item).await? {
            self.tell(News::Present { file: id });
            return Ok(Claiming::Present(path));
        }
        if self.environment.is_offline && matches!(item.source, Source::Repo { .. }) {
            let tell = || self.tell(News::Verifying { file: id });
            let path = offline::verified(&self.disk, &item, tell).await?;
            self.tell(News::Present { file: id });
            return Ok(Claiming::Present(path));
        }
        let (place, now, nonce) = (item.place.clone(), self.clock.now(), self.disk.nonce());
        let earlier = progress.watches.remove(&id);
        let is_first_look = earlier.is_none();
        let mut seen = earlier.unwrap_or_default();
        let attempt = self.disk.run(move |disk| {
            store::prepare(disk, &place)?;
            let attempt = try_claim(disk, &place, &disk.process(), nonce, &mut seen, now)?;
            Ok((attempt, seen))
        });
        let (attempt, seen) = attempt.await?;
        progress.watches.insert(id, seen);
        let claim = match attempt {
            Attempt::Claimed(claim) => Arc::new(claim),
            Attempt::Busy(busy) => {
                if is_first_look {
                    self.tell(News::Busy { file: id, by: busy.by });
                }
                return Ok(Claiming::Busy);
            }
        };
        let begin = begin_of(&item);
        if may_be_present {
            let tell = || self.tell(News::Verifying { file: id });
            let links = self.use_links();
            let found = presence::verified(&self.disk, &claim, &item, &begin, links, tell).await?;
            if let Some(path) = found {
                self.tell(News::Present { file: id });
                return Ok(Claiming::Present(path));
            }
        }
        let (place, held) = (item.place.clone(), Arc::clone(&claim));
        let open = self.disk.run(move |disk| part::open(disk, &held, &place, &begin)).await?;
        Ok(Claiming::Claimed(Box::new(Claimed { item, claim, open })))
    }

    /// Transfers files that are ours, keeping their claims alive.
    async fn transfer(
        &self,
        claimed: BTreeMap<FileId, Claimed<D>>,
        progress: &mut Progress,
        cancel: watch::Receiver<bool>,
    ) -> Outcome {
        let batch = Batch::new(claimed, &self.hub, &self.disk, self.use_links());
        let (config, now) = (self.request.config.clone(), self.clock.now());
        let transfer = Transfer::new(batch.manifest, batch.resumed, config, self.hub.seed, now);
        let (http, disk) = (self.hub.http.clone(), self.disk.clone());
        let authority = Arc::clone(&self.hub.authority);
        let driver = Driver::new(http, disk, authority, self.clock, transfer, batch.files);
        let run = driver.run(cancel, |transfer, event, at| {
            progress.on_event(&event, &batch.shown);
            let open_requests = transfer.open_requests();
            self.tell(News::Transfer { event, at, open_requests });
        });
        let outcome = tokio::select! {
            biased;
            outcome = run => outcome,
            never = batch.claims.beat() => never,
        };
        progress.on_outcome(&outcome);
        batch.claims.release().await;
        outcome
    }

    fn interrupted(&self, plan: &Plan, progress: &Progress) -> Error {
        progress.error(ErrorKind::Interrupted, plan, self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        self.clock.now().since_start()
    }

    /// For a dry run: what is there, and what is not.
    async fn look(&self, plan: &Plan, mut progress: Progress) -> Result<Report, Error> {
        for (item, id) in plan.items.iter().zip(0..) {
            if let Some(path) = presence::sealed(&self.disk, item).await? {
                self.tell(News::Present { file: FileId(id) });
                progress.present.insert(FileId(id), path);
            }
        }
        progress.report(plan, self.elapsed())
    }

    async fn remember_commit(&self, plan: &Plan) -> Result<(), Error> {
        let (Some((folder, revision)), Some(commit)) = (&plan.reference, &plan.commit) else {
            return Ok(());
        };
        let (folder, revision, commit) = (folder.clone(), revision.clone(), commit.clone());
        let nonce = format!("{:032x}", self.disk.nonce());
        let written =
            self.disk.run(move |disk| store::write_ref(disk, &folder, &revision, &commit, &nonce));
        Ok(written.await?)
    }

    /// Leaves word that a file does not exist, so that `hf` need not ask for it.
    async fn note_missing(&self, target: &RepoTarget, cache: &Path) {
        let (Some((commit, path)), None) = (self.hub.missing.get(), &self.request.local_dir) else {
            return;
        };
        let Ok(revision) = plan::revision_of(&self.request, target) else { return };
        let folder = RepoFolder::new(cache, &target.repo);
        let (commit, path) = (commit.clone(), path.clone());
        let nonce = format!("{:032x}", self.disk.nonce());
        let noted = self.disk.run(move |disk| {
            store::note_missing(disk, &folder, &commit, &path)?;
            store::write_ref(disk, &folder, &revision, &commit, &nonce)
        });
        if let Err(fault) = noted.await {
            tracing::debug!(%fault, "that a file does not exist could not be noted");
        }
    }

    const fn use_links(&self) -> bool {
        !self.environment.are_symlinks_disabled
    }

    fn tell(&self, news: News) {
        // Nobody may be listening.
        let _ = self.news.send(news);
    }
}

/// What came of trying to get a file for us.
enum Claiming<D: Disk> {
    Claimed(Box<Claimed<D>>),
    Present(PathBuf),
    Busy,
}

async fn cancelled(cancel: &mut watch::Receiver<bool>) {
    if cancel.wait_for(|is_cancelled| *is_cancelled).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The token that was given, or the environment's.
async fn token_of<D: Disk>(
    request: &Request,
    environment: &Environment,
    disk: &D,
) -> Result<Option<Token>, Error> {
    let text = match &request.token {
        Some(token) => Some(token.clone()),
        None => {
            let environment = environment.clone();
            disk.run(move |disk| environment.implicit_token(disk)).await?
        }
    };
    text.map(|text| text.parse().map_err(Error::usage_of)).transpose()
}

pub(super) fn of_this_process() -> Environment {
    let home = std::env::home_dir().unwrap_or_default();
    Environment::read(|name| std::env::var_os(name), &home)
}

fn planned_files(plan: &Plan) -> Vec<PlannedFile> {
    let files = plan.items.iter().zip(0..);
    files
        .map(|(item, id)| PlannedFile {
            file: FileId(id),
            path: item.path.clone(),
            size: item.spec.size,
        })
        .collect()
}

pub(super) fn begin_of(item: &Item) -> Begin {
    let digest = Some(item.spec.digest);
    Begin { size: item.spec.size, digest, source: item.source.describe() }
}

/// So many files are open at once: each takes three file descriptors.
const OPEN_MAX: usize = 64;
/// How often to look whether another process is done.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
