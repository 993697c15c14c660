//! What is intact of what was fetched, and what is not: every file read again, its damage named.
//!
//! Downloads nothing, and asks the hub only what a file must hash to where nothing here says so.
//! It changes one thing: a record that turned out to be wrong is not believed again.

mod examine;
mod progress;
mod report;

use std::path::PathBuf;
use std::sync::Arc;

use engine::manifest::FileId;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::disk::{Disk, StdDisk};
use crate::error::{Error, ErrorKind};
use crate::fetch::subject::{self, Need, Subject};
use crate::fetch::{Fetch, Request, http_of};
use crate::http::Http;
use crate::news::{News, PlannedFile};
use examine::Examination;
pub use report::{Finding, Unjudged, Verdict};

/// What to look at, and how.
#[derive(Clone, Debug)]
pub struct Verify {
    request: Request,
    path: Option<PathBuf>,
    repair: bool,
}

/// What is told while files are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyNews {
    /// The hub is asked what a file must hash to.
    Hub(News),
    /// What will be looked at. A length that is not known is 0.
    Planned {
        /// The files, in the order in which they are read.
        files: Vec<PlannedFile>,
    },
    /// So many bytes of a file were read by now. A damaged file is read twice.
    Read {
        /// Which file.
        file: FileId,
        /// Bytes that were read.
        read: u64,
    },
    /// What came of it.
    Judged {
        /// Which file.
        file: FileId,
        /// What came of it.
        finding: Finding,
    },
}

/// What came of looking.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Each file.
    pub findings: Vec<Finding>,
    /// What fetches again what is not intact, if a repair was asked for. When they have run, all
    /// is verified.
    pub repairs: Vec<Fetch>,
}

impl Verified {
    /// Whether every file is what its publisher says.
    pub fn is_intact(&self) -> bool {
        self.findings.iter().all(|finding| finding.verdict == Verdict::Intact)
    }

    /// The error that the command ends with, unless all is intact.
    pub fn error(&self) -> Option<Error> {
        let is_bad = |finding: &&Finding| finding.verdict != Verdict::Intact;
        let damaged = self.findings.iter().filter(is_bad).count();
        let checked = self.findings.len();
        (damaged > 0).then(|| Error::new(ErrorKind::Damaged { damaged, checked }))
    }
}

impl Verify {
    /// Looks at what `fetch` would fetch.
    pub fn new(fetch: Fetch) -> Self {
        Self { request: fetch.into_request(), path: None, repair: false }
    }

    /// Looks at this file instead of at what is in the cache; it is to be the one file that is
    /// asked for, or a part of it.
    #[must_use]
    pub fn path(mut self, path: impl Into<PathBuf>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Prepares to fetch again what is not intact.
    #[must_use]
    pub const fn repair(mut self, repair: bool) -> Self {
        self.repair = repair;
        self
    }

    /// Starts to look, in the background, on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// When what is asked for makes no sense.
    pub fn run(self) -> Result<VerifyRun, Error> {
        let network = self.request.environment.as_ref().map(|known| known.network.clone());
        let http = http_of(&self.request, &network.unwrap_or_default());
        self.run_on(http, StdDisk)
    }

    /// Starts to look over another HTTP client and at another disk.
    ///
    /// # Errors
    ///
    /// When what is asked for makes no sense.
    pub fn run_on<H: Http, D: Disk>(self, http: H, disk: D) -> Result<VerifyRun, Error> {
        if self.path.is_some() && self.repair {
            let words = "--repair mends what is in its place: leave out --path";
            return Err(Error::usage(words));
        }
        let (news, inbox) = mpsc::unbounded_channel();
        let task = tokio::spawn(look(http, disk, self, news));
        Ok(VerifyRun { inbox, task })
    }
}

/// Looking that is under way. Dropping it stops after the file that is being read.
#[derive(Debug)]
pub struct VerifyRun {
    inbox: mpsc::UnboundedReceiver<VerifyNews>,
    task: JoinHandle<Result<Verified, Error>>,
}

impl VerifyRun {
    /// The next news; `None` when there will be no more.
    pub async fn next(&mut self) -> Option<VerifyNews> {
        self.inbox.recv().await
    }

    /// Waits for the end.
    ///
    /// # Errors
    ///
    /// When something could not be looked at. Damage is no error here: see [`Verified::error`].
    pub async fn finish(mut self) -> Result<Verified, Error> {
        let joined = (&mut self.task).await;
        joined.unwrap_or_else(|_| Err(Error::new(ErrorKind::Interrupted)))
    }
}

impl Drop for VerifyRun {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn look<H: Http, D: Disk>(
    http: H,
    disk: D,
    verify: Verify,
    news: mpsc::UnboundedSender<VerifyNews>,
) -> Result<Verified, Error> {
    // Nobody may be listening.
    let tell = |news_: VerifyNews| drop(news.send(news_));
    let need = if verify.path.is_some() { Need::Everything } else { Need::Digest };
    let on_news = |hub| tell(VerifyNews::Hub(hub));
    let subjects = subject::subjects(&http, &disk, &verify.request, need, on_news).await?;
    if verify.path.is_some() && subjects.len() != 1 {
        return Err(Error::usage("--path is about one file: name it after the repository"));
    }
    tell(VerifyNews::Planned { files: planned(&subjects) });
    let mut findings = Vec::new();
    for (subject, id) in subjects.iter().zip(0..) {
        let file = FileId(id);
        let (told, subject) = (news.clone(), subject.clone());
        let examination = Examination {
            subject,
            path: verify.path.clone(),
            repair: verify.repair,
            tell: Arc::new(move |read| drop(told.send(VerifyNews::Read { file, read }))),
        };
        let finding = disk.run(move |disk| Ok(examination.run(disk))).await?;
        tell(VerifyNews::Judged { file, finding: finding.clone() });
        findings.push(finding);
    }
    if let Some(error) = unreadable(&findings).filter(|_| !verify.repair) {
        return Err(error);
    }
    let repairs =
        if verify.repair { repairs(&verify.request, &subjects, &findings)? } else { Vec::new() };
    Ok(Verified { findings, repairs })
}

/// The error that it comes to if nothing is wrong but that files cannot be read.
fn unreadable(findings: &[Finding]) -> Option<Error> {
    let bad = findings.iter().filter(|finding| finding.verdict != Verdict::Intact);
    let faults: Option<Vec<_>> = bad
        .map(|finding| match &finding.verdict {
            Verdict::Unjudged { why: Unjudged::Unreadable(fault), .. } => {
                Some((&finding.path, fault))
            }
            Verdict::Intact
            | Verdict::Damaged { .. }
            | Verdict::Incomplete { .. }
            | Verdict::Missing
            | Verdict::Unjudged { .. } => None,
        })
        .collect();
    let (path, fault) = faults?.into_iter().next()?;
    Some(Error::from(fault.clone()).about(path))
}

fn planned(subjects: &[Subject]) -> Vec<PlannedFile> {
    let files = subjects.iter().zip(0..);
    let planned = files.map(|(subject, id)| {
        let size = subject.known.as_ref().and_then(|known| known.size).unwrap_or(0);
        PlannedFile { file: FileId(id), path: subject.path.as_str().into(), size }
    });
    planned.collect()
}

/// One fetch for each commit: in a local folder, every file has one of its own.
fn repairs(
    request: &Request,
    subjects: &[Subject],
    findings: &[Finding],
) -> Result<Vec<Fetch>, Error> {
    let mut groups: Vec<(_, Vec<String>)> = Vec::new();
    for (subject, finding) in subjects.iter().zip(findings) {
        if finding.verdict == Verdict::Intact {
            continue;
        }
        let commit = subject.commit.as_ref();
        match groups.iter_mut().find(|(known, _)| *known == commit) {
            Some((_, files)) => files.push(subject.path.clone()),
            None => groups.push((commit, vec![subject.path.clone()])),
        }
    }
    groups.into_iter().map(|(commit, files)| subject::again(request, commit, files)).collect()
}
