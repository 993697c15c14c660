//! How news and wishes change the view, and which of them are worth a line of their own.
//!
//! The words for what is going on are in [`sentence`](super::sentence).

use std::time::Duration;

use engine::event::{Event, Wait};
use engine::fault::{Blame, Fault};
use engine::manifest::FileId;
use engine::time::Instant;
use moshi_fetch::news::{News, PlannedFile};

use super::file::{FileStage, FileView, Holder};
use super::{Down, LastFault, Notice, Pause, Stage, View, sentence};
use crate::cli::eta::Eta;
use crate::cli::units;

impl View {
    /// Takes in what the fetch tells, and says what of it is worth a line of its own.
    pub(crate) fn on_news(&mut self, news: &News, now: Instant) -> Option<Notice> {
        match news {
            News::Asking { host } => self.on_asking(host, now),
            News::TokenIgnored { why } => {
                Some(Notice::Fact(format!("warning: going on without a token: {why}")))
            }
            News::AskingFailed { fault, attempt, again_in } => {
                self.on_asking_failed(fault, *attempt, now + *again_in)
            }
            News::Elsewhere { endpoint, host } => Some(Notice::Fact(format!(
                "{endpoint} leads to {host}, which answers in its place; it does not see the token"
            ))),
            News::Unavailable { path, fault } => self.on_unavailable(path, fault),
            News::Measuring { host } => Some(Notice::Fact(format!(
                "{host} does not say how long the file is: it is read once to find out"
            ))),
            News::Planned { commit, files } => Some(self.on_planned(commit, files)),
            News::Present { file } => self.on_stage(*file, FileStage::Present, "is in place"),
            News::Verifying { file } => self.on_stage(
                *file,
                FileStage::Checking { since: now },
                "was left here by another program; checking it against its digest",
            ),
            News::Aside { file, why } => {
                Some(Notice::Fact(sentence::aside(self.path(*file), *why)))
            }
            News::Busy { file, by } => {
                let words = format!("is being fetched by {by}; waiting for it");
                let holder = Box::new(Holder { by: by.clone(), since: now });
                self.on_stage(*file, FileStage::Busy(holder), &words)
            }
            News::Transfer { event, at, open_requests } => {
                self.open_requests = *open_requests;
                self.on_event(event, *at, now)
            }
        }
    }

    /// The person wants to stop.
    pub(crate) fn on_cancel(&mut self, now: Instant) {
        self.stage = Stage::Saving { since: now };
    }

    fn on_asking(&mut self, host: &str, now: Instant) -> Option<Notice> {
        let is_first = matches!(self.stage, Stage::Starting);
        self.stage = Stage::Asking { host: host.to_owned(), since: now };
        is_first.then(|| Notice::Fact(format!("asking {host} about {}", self.subject)))
    }

    fn on_asking_failed(&mut self, fault: &Fault, attempt: u32, until: Instant) -> Option<Notice> {
        let host = match &self.stage {
            Stage::Asking { host, .. } | Stage::AskingAgain { host, .. } => host.clone(),
            Stage::Starting | Stage::Planned | Stage::Saving { .. } => "the hub".to_owned(),
        };
        let notice = format!("asking {host} failed: {fault}; it is asked again");
        self.stage = Stage::AskingAgain { host, fault: fault.clone(), attempt, until };
        (attempt <= 1).then_some(Notice::Fact(notice))
    }

    fn on_unavailable(&mut self, path: &str, fault: &Fault) -> Option<Notice> {
        self.unavailable += 1;
        match self.unavailable {
            0..UNAVAILABLE_MAX => Some(format!("{path} cannot be had: {fault}")),
            UNAVAILABLE_MAX => Some("more files cannot be had: how many, the end says".to_owned()),
            _ => None,
        }
        .map(Notice::Fact)
    }

    fn on_planned(&mut self, commit: &str, files: &[PlannedFile]) -> Notice {
        self.stage = Stage::Planned;
        self.files = files.iter().map(|file| (file.file, FileView::new(file))).collect();
        let count = units::count(files.len() as u64, "file", "files");
        let size = units::size(files.iter().map(|file| file.size).sum());
        let subject = &self.subject;
        Notice::Fact(match commit.get(..SHORT_COMMIT_LEN) {
            Some(commit) => format!("{subject} at commit {commit}: {count}, {size}"),
            None => format!("{subject}: {count}, {size}"),
        })
    }

    fn on_stage(&mut self, id: FileId, stage: FileStage, words: &str) -> Option<Notice> {
        let file = self.files.get_mut(&id)?;
        if stage.is_in_place() {
            file.proven = file.size;
        }
        let is_same = file.stage.is_like(&stage);
        if !is_same {
            file.stage = stage;
        }
        (!is_same).then(|| Notice::Fact(format!("{} {words}", file.path)))
    }

    fn on_event(&mut self, event: &Event, at: Instant, now: Instant) -> Option<Notice> {
        match event {
            Event::Begun { file, proven } => self.on_begun(*file, *proven, now),
            Event::Received { file, .. } => self.on_received(*file, now),
            Event::Proven { file, proven } => {
                self.on_proven(*file, *proven, now);
                None
            }
            Event::Chunk { file, index, count, .. } => self.on_chunk(*file, *index, *count, now),
            Event::Fault { file, fault, wasted } => self.on_fault(*file, fault, *wasted, now),
            Event::Waiting { why, until } => {
                let until = now + until.since(at);
                self.pause = Some(Pause { why: why.clone(), until });
                let Wait::Told { status } = why else { return None };
                let left = units::countdown(until.since(now));
                Some(Notice::Fact(sentence::told_to_stay_away(*status, &left)))
            }
            Event::Down { since, host } => {
                let down = Down { since: now - at.since(*since), host: host.clone() };
                let words = sentence::down(&down, now);
                self.down = Some(down);
                Some(Notice::Fact(words))
            }
            Event::Up { after, host } => {
                self.on_link_alive(now);
                let who = host.as_deref().unwrap_or("the link");
                let after = units::duration(*after);
                Some(Notice::Fact(format!("{who} answers again, after {after}")))
            }
            Event::NoRanges { file } => {
                let file = self.files.get_mut(file)?;
                let is_news = !std::mem::replace(&mut file.work().is_one_stream, true);
                let words = sentence::in_one_stream(&file.path);
                is_news.then_some(Notice::Fact(words))
            }
            Event::Vouched { file, vouched } => {
                // Told with the figures: a line for each would be one for every few megabytes.
                self.files.get_mut(file)?.work().vouched = Some(*vouched);
                None
            }
            Event::Named { file } => self.on_named(*file),
            Event::Split { .. } | Event::Ended(_) => None,
            Event::Verified { file, digest } => {
                self.files.get_mut(file)?.stage = FileStage::Verified(Box::new(*digest));
                None
            }
            Event::Mismatch { file, found } => {
                let file = self.files.get_mut(file)?;
                file.stage = FileStage::Repairing;
                Some(Notice::Fact(sentence::mismatch(&file.path, *found)))
            }
            Event::Repaired { file, range, origin } => {
                Some(Notice::Fact(sentence::repaired(self.path(*file), *range, *origin)))
            }
            Event::Sealed { file } => {
                let file = self.files.get_mut(file)?;
                let words = sentence::sealed(file);
                file.stage = FileStage::Sealed;
                Some(Notice::Fact(words))
            }
            Event::Failed { file, fault } => {
                let file = self.files.get_mut(file)?;
                (file.stage, file.work) = (FileStage::Failed, None);
                Some(Notice::Fact(format!("{} cannot be had: {fault}", file.path)))
            }
        }
    }

    fn on_named(&self, id: FileId) -> Option<Notice> {
        let file = self.files.get(&id)?;
        let is_large = file.size >= NAME_WORTH_TELLING;
        is_large.then(|| Notice::Fact(sentence::named(&file.path)))
    }

    fn on_begun(&mut self, id: FileId, proven: u64, now: Instant) -> Option<Notice> {
        self.eta.get_or_insert_with(|| Eta::new(now));
        self.last_bytes = now;
        let file = self.files.get_mut(&id)?;
        file.on_begun(proven, now);
        if proven == 0 {
            return None;
        }
        let (size, percent) = (units::size(file.size), units::percent(proven, file.size));
        let proven = units::size(proven);
        let path = &file.path;
        Some(Notice::Fact(format!(
            "{path}: continuing, {proven} of {size} ({percent}) are on disk and proven"
        )))
    }

    fn on_received(&mut self, id: FileId, now: Instant) -> Option<Notice> {
        self.on_link_alive(now);
        let file = self.files.get_mut(&id)?;
        let work = file.work();
        work.last_bytes = Some(now);
        let fault = work.dead_end.take()?;
        Some(Notice::Fact(sentence::another_way(&file.path, &fault)))
    }

    fn on_link_alive(&mut self, now: Instant) {
        self.last_bytes = now;
        self.down = None;
        // Being told to stay away by one host still holds when bytes come from another.
        let holds = |pause: &Pause| matches!(pause.why, Wait::Told { .. }) && pause.until > now;
        self.pause = self.pause.take().filter(holds);
    }

    fn on_proven(&mut self, id: FileId, proven: u64, now: Instant) {
        let Some(file) = self.files.get_mut(&id) else { return };
        let gained = file.on_proven(proven, now);
        if let Some(eta) = &mut self.eta {
            eta.on_gain(gained, now);
        }
    }

    fn on_chunk(&self, id: FileId, index: u64, count: u64, now: Instant) -> Option<Notice> {
        if count < 2 {
            return None;
        }
        let progress = self.progress_of(id, now)?;
        let number = index + 1;
        let (name, figures) = (&progress.name, progress.figures());
        let mut words =
            format!("{name}: chunk {number} of {count} is here and recorded, {figures}");
        if let Some(ground) = progress.ground() {
            words.push_str(&format!("; {ground}"));
        }
        Some(Notice::Chunk(words))
    }

    fn on_fault(&mut self, id: FileId, fault: &Fault, wasted: u64, now: Instant) -> Option<Notice> {
        self.fault_count += 1;
        let Some(words) = sentence::fault(fault, wasted) else {
            // Either the file has failed, which comes next, or its bytes do, in another way.
            let file = self.files.get_mut(&id)?;
            file.work().dead_end = (fault.blame() != Blame::Disk).then(|| fault.to_string());
            return None;
        };
        let notice = format!("{}: {words}", self.path(id));
        self.last_fault = Some(LastFault { words, at: now });
        let told = self.told_faults.get(fault.kind());
        if told.is_some_and(|told| now.since(*told) < SAME_FAULT_PAUSE) {
            return None;
        }
        self.told_faults.insert(fault.kind(), now);
        Some(Notice::Fact(notice))
    }
}

/// So many digits of a commit tell it from any other.
const SHORT_COMMIT_LEN: usize = 12;
/// That the storage has the right name for a smaller file is not worth a line, in bytes.
const NAME_WORTH_TELLING: u64 = 10_000_000;
/// Fewer files than this that cannot be had are named one by one.
const UNAVAILABLE_MAX: u64 = 50;
/// The same kind of fault gets a line of its own only this often.
const SAME_FAULT_PAUSE: Duration = Duration::from_secs(30);
