//! The public way to fetch: say what, run it in the background, hear the news, get the report.
//!
//! ```no_run
//! # async fn example() -> Result<(), moshi_fetch::error::Error> {
//! use moshi_fetch::fetch::Fetch;
//!
//! let fetch = Fetch::builder("kyutai/moshiko-mlx-bf16").file("model.safetensors").build()?;
//! let mut run = fetch.run()?;
//! while let Some(news) = run.next().await {
//!     println!("{news:?}");
//! }
//! println!("{}", run.finish().await?.path.display());
//! # Ok(())
//! # }
//! ```
//!
//! Prints nothing, and blocks no thread that it was not given for that.

mod batch;
mod cached;
mod draft;
mod home;
mod hub;
mod item;
mod locking;
mod offline;
mod plain;
mod plan;
mod progress;
mod room;
mod selection;
mod session;
pub(crate) mod subject;

use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use engine::config::Config;
use engine::hub::repo::RepoKind;
use futures_util::Stream;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::cache::environment::Environment;
use crate::disk::{Disk, StdDisk};
use crate::error::{Error, ErrorKind};
use crate::http::{Http, Network, ReqwestHttp};
use crate::news::{News, NewsInbox, Report, queue};
pub(crate) use cached::lock_now;

/// What to fetch, and how.
#[derive(Clone, Debug)]
pub struct Fetch {
    request: Request,
}

/// Everything a person can ask for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) repo: String,
    pub(crate) files: Vec<String>,
    pub(crate) revision: Option<String>,
    pub(crate) kind: Option<RepoKind>,
    pub(crate) include: Vec<String>,
    pub(crate) exclude: Vec<String>,
    pub(crate) cache_dir: Option<PathBuf>,
    pub(crate) local_dir: Option<PathBuf>,
    pub(crate) force: bool,
    pub(crate) token: Option<String>,
    pub(crate) sha256: Option<String>,
    pub(crate) output: Option<String>,
    pub(crate) dry_run: bool,
    pub(crate) no_xet: bool,
    pub(crate) config: Config,
    pub(crate) seed: Option<u64>,
    pub(crate) environment: Option<Environment>,
}

/// Says what to fetch.
#[derive(Clone, Debug)]
pub struct FetchBuilder {
    request: Request,
}

impl Fetch {
    /// A fetch from `repo`: `org/name`, an `hf://` address, a hub URL, or a plain URL (which
    /// needs [`FetchBuilder::sha256`]).
    pub fn builder(repo: impl Into<String>) -> FetchBuilder {
        FetchBuilder {
            request: Request {
                repo: repo.into(),
                files: Vec::new(),
                revision: None,
                kind: None,
                include: Vec::new(),
                exclude: Vec::new(),
                cache_dir: None,
                local_dir: None,
                force: false,
                token: None,
                sha256: None,
                output: None,
                dry_run: false,
                no_xet: false,
                config: Config::default(),
                seed: None,
                environment: None,
            },
        }
    }

    /// What is asked for, in the environment that it is asked in.
    pub(crate) fn into_request(mut self) -> Request {
        self.request.environment.get_or_insert_with(session::of_this_process);
        self.request
    }

    /// Starts the fetch in the background, on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// None at present: what cannot be used is told by what needs it.
    pub fn run(mut self) -> Result<Run, Error> {
        let environment = self.request.environment.get_or_insert_with(session::of_this_process);
        let network = environment.network.clone();
        let http = http_of(&self.request, &network);
        Ok(self.run_on(http, StdDisk))
    }

    /// Starts the fetch over another HTTP client and another disk.
    pub fn run_on<H: Http, D: Disk>(self, http: H, disk: D) -> Run {
        let (news, inbox) = queue();
        let (cancel, cancelled) = watch::channel(false);
        let task = tokio::spawn(session::run(http, disk, self.request, news, cancelled));
        Run { inbox, cancel: Cancel { is_cancelled: cancel }, task }
    }
}

/// A client for what is asked for.
pub(crate) fn http_of(request: &Request, network: &Network) -> ReqwestHttp {
    ReqwestHttp::at_home(network, &plan::homes(request))
}

impl FetchBuilder {
    /// Fetch this file, or everything below this folder. Without any, the whole repository is
    /// fetched.
    #[must_use]
    pub fn file(mut self, path: impl Into<String>) -> Self {
        self.request.files.push(path.into());
        self
    }

    /// The branch, tag or commit; `main` unless said.
    #[must_use]
    pub fn revision(mut self, revision: impl Into<String>) -> Self {
        self.request.revision = Some(revision.into());
        self
    }

    /// The kind of repository; a model unless said.
    #[must_use]
    pub const fn kind(mut self, kind: RepoKind) -> Self {
        self.request.kind = Some(kind);
        self
    }

    /// Of the whole repository, only files that match one of these globs.
    #[must_use]
    pub fn include(mut self, glob: impl Into<String>) -> Self {
        self.request.include.push(glob.into());
        self
    }

    /// Of the whole repository, no files that match one of these globs.
    #[must_use]
    pub fn exclude(mut self, glob: impl Into<String>) -> Self {
        self.request.exclude.push(glob.into());
        self
    }

    /// The cache to fetch into, instead of the environment's.
    #[must_use]
    pub fn cache_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.request.cache_dir = Some(folder.into());
        self
    }

    /// Fetch into this folder, under the files' own names, instead of into a cache.
    #[must_use]
    pub fn local_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.request.local_dir = Some(folder.into());
        self
    }

    /// Fetch even what is in place already.
    #[must_use]
    pub const fn force(mut self, force: bool) -> Self {
        self.request.force = force;
        self
    }

    /// The access token, instead of the environment's.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.request.token = Some(token.into());
        self
    }

    /// What a plain URL's file must hash to: 64 hex digits.
    #[must_use]
    pub fn sha256(mut self, digest: impl Into<String>) -> Self {
        self.request.sha256 = Some(digest.into());
        self
    }

    /// What to call a plain URL's file, instead of what the server or the URL calls it.
    #[must_use]
    pub fn output(mut self, name: impl Into<String>) -> Self {
        self.request.output = Some(name.into());
        self
    }

    /// Only plan: ask the hub what there is, look at what is in place, fetch nothing.
    #[must_use]
    pub const fn dry_run(mut self, dry_run: bool) -> Self {
        self.request.dry_run = dry_run;
        self
    }

    /// Fetch files as they are, and never in chunks from content-addressed storage.
    #[must_use]
    pub const fn no_xet(mut self, no_xet: bool) -> Self {
        self.request.no_xet = no_xet;
        self
    }

    /// How the transfer is to behave.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.request.config = config;
        self
    }

    /// The seed of all jitter, to run the same way twice.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.request.seed = Some(seed);
        self
    }

    /// The environment that says where the hub, the cache and the token are, instead of the
    /// process's own.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.request.environment = Some(environment);
        self
    }

    /// Checks what can be checked without asking anybody.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] when something of it makes no sense.
    pub fn build(self) -> Result<Fetch, Error> {
        plan::check_request(&self.request)?;
        Ok(Fetch { request: self.request })
    }
}

/// A fetch that is running. Dropping it stops the fetch where it is; nothing recorded is lost.
#[derive(Debug)]
pub struct Run {
    inbox: NewsInbox,
    cancel: Cancel,
    task: JoinHandle<Result<Report, Error>>,
}

impl Run {
    /// The next news; `None` when there will be no more.
    pub async fn next(&mut self) -> Option<News> {
        self.inbox.recv().await
    }

    /// Stops within a second, with everything received saved.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// What stops it from elsewhere: another task, a signal, a button.
    pub fn canceller(&self) -> Cancel {
        self.cancel.clone()
    }

    /// Waits for the end.
    ///
    /// # Errors
    ///
    /// Why not everything that was asked for is in place.
    pub async fn finish(mut self) -> Result<Report, Error> {
        let joined = (&mut self.task).await;
        joined.unwrap_or_else(|_| Err(Error::new(ErrorKind::Interrupted)))
    }
}

/// Stops a fetch; clones stop the same one.
#[derive(Clone, Debug)]
pub struct Cancel {
    is_cancelled: watch::Sender<bool>,
}

impl Cancel {
    /// Stops it within a second, with everything received saved. Harmless when it has ended.
    pub fn cancel(&self) {
        self.is_cancelled.send_replace(true);
    }
}

impl Stream for Run {
    type Item = News;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<News>> {
        self.inbox.poll_recv(context)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.task.abort();
    }
}
