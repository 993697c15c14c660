//! One fetch from beginning to end: plan, look what is there, lock, transfer, report.
//!
//! Moves no bytes itself; the driver does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::config::Config;
use engine::fault::{DiskFault, Fault};
use engine::hub::request::{Authority, Token};
use engine::hub::target::{RepoTarget, Target, shown};
use engine::manifest::FileId;
use engine::transfer::Transfer;
use tokio::sync::watch;

use super::Request;
use super::batch::{Batch, Locked};
use super::hub::HubClient;
use super::item::Planned;
use super::plan::{self, Plan};
use super::progress::Progress;
use super::{cached, offline, plain, room, selection};
use crate::cache::environment::Environment;
use crate::cache::layout::RepoFolder;
use crate::cache::obstacle;
use crate::cache::store::{self, Settled};
use crate::disk::Disk;
use crate::driver::{Clock, Driver, Outcome};
use crate::error::{Error, ErrorKind};
use crate::http::Http;
use crate::news::{News, NewsSender, PlannedFile, Report};

/// Runs a fetch to its end.
pub(super) async fn run<H: Http, D: Disk>(
    http: H,
    disk: D,
    request: Request,
    news: NewsSender,
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
    news: NewsSender,
) -> Result<Plan, Error> {
    let (session, cache) = begin(http, disk, request, news).await?;
    session.plan(&cache).await
}

async fn begin<H: Http, D: Disk>(
    http: H,
    disk: D,
    mut request: Request,
    news: NewsSender,
) -> Result<(Session<H, D>, PathBuf), Error> {
    let clock = Clock::start();
    let environment = request.environment.get_or_insert_with(of_this_process).clone();
    request.config = environment.with_patience(request.config);
    request.config.use_xet &= !(request.no_xet || environment.is_xet_disabled);
    let authority = Arc::new(Authority {
        endpoint: plan::endpoint_of(&request)?,
        token: token_of(&request, &environment, &disk, &news).await?,
    });
    let hub = HubClient {
        http,
        authority,
        config: request.config.clone(),
        clock,
        seed: request.seed.unwrap_or_else(|| disk.nonce() as u64),
        news: news.clone(),
        is_known: false,
        asks_beside: false,
        learned: Arc::default(),
    };
    let cache = request.cache_dir.clone().unwrap_or_else(|| environment.hub_cache.clone());
    let settled = Settled::default();
    Ok((Session { request, environment, hub, disk, news, clock, settled }, cache))
}

/// One fetch.
pub(super) struct Session<H, D> {
    pub(super) request: Request,
    pub(super) environment: Environment,
    hub: HubClient<H>,
    pub(super) disk: D,
    news: NewsSender,
    pub(super) clock: Clock,
    pub(super) settled: Settled,
}

impl<H: Http, D: Disk> Session<H, D> {
    async fn plan(&self, cache: &Path) -> Result<Plan, Error> {
        let target = plan::target_of(&self.request, &self.hub.authority.endpoint)?;
        self.check_folder(&target, cache).await?;
        if self.environment.is_offline
            && let Target::Repo(target) = &target
        {
            return offline::plan_offline(&self.disk, &self.request, target, cache).await;
        }
        let host = self.hub.authority.endpoint.base().host_str().unwrap_or_default().to_owned();
        let plan = match target {
            Target::Repo(target) => {
                self.tell(News::Asking { host });
                let is_known = cached::is_known(&self.disk, &self.request, &target, cache).await?;
                let hub = HubClient { is_known, asks_beside: true, ..self.hub.clone() };
                let plan = plan::plan_repo(&self.request, &target, &hub, cache).await;
                if plan.as_ref().is_ok_and(|plan| !plan.failed.is_empty()) || plan.is_err() {
                    self.note_missing(&target, cache).await;
                }
                plan.map_err(|error| match error.subject {
                    Some(_) => error,
                    None => error.about(&target.repo),
                })?
            }
            Target::Url(url) => {
                self.tell(News::Asking { host: url.host_str().unwrap_or_default().to_owned() });
                let about = shown(&url);
                let hub = HubClient { asks_beside: true, ..self.hub.clone() };
                let plan = plain::plan_url(&self.request, url, &hub).await;
                plan.map_err(|error| error.about(about))?
            }
        };
        Ok(plan)
    }

    /// What is in the way of all files is said before the hub is asked.
    async fn check_folder(&self, target: &Target, cache: &Path) -> Result<(), Error> {
        let folder = match (&self.request.local_dir, target) {
            (Some(folder), _) => folder.clone(),
            (None, Target::Repo(_)) => cache.to_owned(),
            (None, Target::Url(_)) => return Ok(()),
        };
        Ok(self.disk.run(move |disk| obstacle::check_folder(disk, &folder)).await?)
    }

    async fn fetch(&self, plan: Plan, mut cancel: watch::Receiver<bool>) -> Result<Report, Error> {
        self.tell(News::Planned { commit: plan.commit_text(), files: planned_files(&plan) });
        let plan = Arc::new(plan);
        let mut progress = Progress::new(&plan);
        if self.request.dry_run {
            return self.look(&plan, progress).await;
        }
        self.check_room(&plan, &progress).await?;
        self.remember_commit(&plan).await?;
        while !progress.pending.is_empty() {
            let waiting = progress.pending.len();
            let batch = tokio::select! {
                biased;
                () = cancelled(&mut cancel) => Err(self.interrupted(&progress)),
                batch = self.lock_batch(&mut progress) => batch,
            }?;
            let is_news = !batch.is_empty() || progress.pending.len() < waiting;
            if let Some(pause) = self.pause_before_next(&mut progress, is_news)? {
                tokio::select! {
                    biased;
                    () = cancelled(&mut cancel) => return Err(self.interrupted(&progress)),
                    () = tokio::time::sleep(pause) => {}
                }
            }
            if batch.is_empty() {
                continue;
            }
            let outcome = self.transfer(batch, &mut progress, cancel.clone()).await;
            progress.check_end(outcome.end, self.elapsed())?;
        }
        progress.report(self.elapsed())
    }

    /// How long to wait until others may be done with what they have. What was found in place may
    /// be what others of the same content waited for. An error when the person's patience is over.
    fn pause_before_next(
        &self,
        progress: &mut Progress,
        is_news: bool,
    ) -> Result<Option<Duration>, Error> {
        if is_news {
            progress.waiting_since = None;
            return Ok(None);
        }
        let now = self.clock.now();
        let waited = now.since(*progress.waiting_since.get_or_insert(now));
        match self.request.config.give_up_after {
            Some(patience) if waited >= patience => {
                let kind = ErrorKind::GaveUp { after: waited, fault: None };
                Err(progress.error(kind, self.elapsed()))
            }
            Some(patience) => Ok(Some(LOOK_AGAIN.min(patience - waited))),
            None => Ok(Some(LOOK_AGAIN)),
        }
    }

    /// Transfers files that are ours, keeping their locks alive.
    async fn transfer(
        &self,
        claimed: BTreeMap<FileId, Locked<D>>,
        progress: &mut Progress,
        cancel: watch::Receiver<bool>,
    ) -> Outcome {
        let batch = Batch::new(claimed, &self.hub, &self.disk, self.use_links());
        let config = Config { workers_max: self.workers_max(), ..self.request.config.clone() };
        let now = self.clock.now();
        let transfer = Transfer::new(batch.manifest, batch.resumed, config, self.hub.seed, now)
            .with_reach(progress.reach.clone());
        let (http, disk) = (self.hub.http.clone(), self.disk.clone());
        let authority = Arc::clone(&self.hub.authority);
        let driver = Driver::new(http, disk, authority, self.clock, transfer, batch.files);
        let run = driver.run(cancel, |transfer, event, at| {
            progress.on_event(&event);
            let open_requests = transfer.open_requests();
            self.tell(News::Transfer { event, at, open_requests });
        });
        let outcome = tokio::select! {
            biased;
            outcome = run => outcome,
            never = batch.locks.beat() => never,
        };
        progress.on_outcome(&outcome);
        for written in batch.written {
            let id = written.id;
            if !progress.is_in_place(id) {
                progress.on_safe(id, written.safe_bytes(&self.disk).await);
            }
        }
        batch.locks.release().await;
        outcome
    }

    fn interrupted(&self, progress: &Progress) -> Error {
        progress.error(ErrorKind::Interrupted, self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        self.clock.now().since_start()
    }

    /// For a dry run: what is there, and what is not.
    async fn look(&self, plan: &Arc<Plan>, mut progress: Progress) -> Result<Report, Error> {
        let mut ids = plan.ids();
        loop {
            let some: Vec<_> = ids.by_ref().take(LOOKED_AT_ONCE).collect();
            if some.is_empty() {
                return progress.report(self.elapsed());
            }
            for (id, file) in cached::sealed_of(&self.disk, plan, some).await? {
                self.tell(News::Present { file: id });
                progress.on_present(id, file);
            }
        }
    }

    async fn check_room(&self, plan: &Arc<Plan>, progress: &Progress) -> Result<(), Error> {
        let (looked, force) = (Arc::clone(plan), self.request.force);
        let checked = self.disk.run(move |disk| room::check(disk, &looked, force)).await;
        checked
            .map_err(|fault| progress.error(ErrorKind::Fault(Fault::Disk(fault)), self.elapsed()))
    }

    async fn remember_commit(&self, plan: &Plan) -> Result<(), Error> {
        let (Some((folder, revision)), Some(commit)) = (&plan.reference, &plan.commit) else {
            return Ok(());
        };
        let (folder, revision, commit) = (folder.clone(), revision.clone(), commit.clone());
        let nonce = format!("{:032x}", self.disk.nonce());
        let written =
            self.disk.run(move |disk| store::write_ref(disk, &folder, &revision, &commit, &nonce));
        match written.await {
            // What is complete is as good to read; what is missing is refused with its own path.
            Err(fault @ (DiskFault::ReadOnly(_) | DiskFault::NotPermitted(_))) => {
                tracing::warn!(%fault, "the commit of a revision could not be recorded");
                Ok(())
            }
            result => Ok(result?),
        }
    }

    /// Leaves word that a file does not exist, so that `hf` need not ask for it.
    async fn note_missing(&self, target: &RepoTarget, cache: &Path) {
        let (Some((commit, path)), None) =
            (self.hub.learned.missing.get(), &self.request.local_dir)
        else {
            return;
        };
        let Ok(revision) = selection::revision_of(&self.request, target) else { return };
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

    pub(super) const fn use_links(&self) -> bool {
        !self.environment.are_symlinks_disabled
    }

    pub(super) fn tell(&self, news: News) {
        self.news.send(news);
    }
}

async fn cancelled(cancel: &mut watch::Receiver<bool>) {
    if cancel.wait_for(|is_cancelled| *is_cancelled).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The token that was given, or the environment's if that can be used: what is public needs none.
async fn token_of<D: Disk>(
    request: &Request,
    environment: &Environment,
    disk: &D,
    news: &NewsSender,
) -> Result<Option<Token>, Error> {
    if let Some(token) = &request.token {
        return token.parse().map(Some).map_err(Error::usage_of);
    }
    let implicit = environment.clone();
    let why = match disk.run(move |disk| implicit.implicit_token(disk)).await {
        Ok(None) => return Ok(None),
        Ok(Some(text)) => match text.parse() {
            Ok(token) => return Ok(Some(token)),
            Err(bad) if environment.token.is_some() => format!("HF_TOKEN: {bad}"),
            Err(bad) => format!("{}: {bad}", environment.token_path.display()),
        },
        Err(DiskFault::NotPermitted(path)) => format!("{path} may not be read"),
        Err(fault) => fault.to_string(),
    };
    news.send(News::TokenIgnored { why });
    Ok(None)
}

pub(super) fn of_this_process() -> Environment {
    let home = std::env::home_dir().unwrap_or_default();
    Environment::read(|name| std::env::var_os(name), &home)
}

fn planned_files(plan: &Plan) -> Vec<PlannedFile> {
    let planned = |(file, planned): (FileId, &Planned)| PlannedFile {
        file,
        path: planned.path.shared(),
        size: planned.size,
    };
    plan.ids().zip(&plan.files).map(planned).collect()
}

/// How often to look whether another process is done.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// So many files are looked for in one go.
const LOOKED_AT_ONCE: usize = 512;
