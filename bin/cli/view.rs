//! What a person is to be told about a fetch: its news and the time, folded into sentences.
//!
//! Draws nothing and has no clock; bars, lines and JSON are drawn from this.

mod file;
mod news;
mod sentence;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use engine::event::Wait;
use engine::fault::Fault;
use engine::manifest::FileId;
use engine::time::Instant;

use super::eta::{Eta, Left};
use super::units;
use file::FileView;

/// Everything that can be told of a fetch at a moment.
#[derive(Debug)]
pub(crate) struct View {
    subject: String,
    stage: Stage,
    files: BTreeMap<FileId, FileView>,
    eta: Option<Eta>,
    open_requests: usize,
    last_bytes: Instant,
    pause: Option<Pause>,
    down: Option<Down>,
    last_fault: Option<LastFault>,
    fault_count: u64,
    told_faults: BTreeMap<&'static str, Instant>,
    /// How many files of what was asked for cannot be had.
    unavailable: u64,
}

/// Nothing comes from the link, or from one host.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Down {
    since: Instant,
    host: Option<String>,
}

/// A line worth saying once, when it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// A chunk of a file is complete.
    Chunk(String),
    /// Anything else.
    Fact(String),
}

/// How far one file, or all of them, has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The file's path, or what all of them are called.
    pub(crate) name: String,
    /// Bytes proven.
    pub(crate) proven: u64,
    /// Bytes there are.
    pub(crate) size: u64,
    /// What the publisher says of them; `None` as long as that is nothing.
    pub(crate) certainty: Option<Certainty>,
    /// Bytes proven per second, in the last seconds.
    pub(crate) rate: u64,
    /// How long the rest may take, once that can be said.
    pub(crate) left: Option<Left>,
}

/// How many bytes are known to be what was published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Certainty {
    /// Those of whole files with the right digest.
    pub(crate) verified: u64,
    /// Those of parts of other files that their publisher vouches for.
    pub(crate) vouched: u64,
}

/// A file of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlanEntry<'a> {
    /// Its path.
    pub(crate) path: &'a str,
    /// Its length in bytes.
    pub(crate) size: u64,
    /// Whether nothing of it is to be fetched.
    pub(crate) is_in_place: bool,
}

/// What the fetch as a whole is at.
#[derive(Debug)]
enum Stage {
    Starting,
    Asking { host: String, since: Instant },
    AskingAgain { host: String, fault: Fault, attempt: u32, until: Instant },
    Planned,
    Saving { since: Instant },
}

/// A pause that the transfer told of.
#[derive(Debug)]
struct Pause {
    why: Wait,
    until: Instant,
}

#[derive(Debug)]
struct LastFault {
    words: String,
    at: Instant,
}

impl View {
    /// The view of a fetch of `subject`, which begins now.
    pub(crate) fn new(subject: impl Into<String>, now: Instant) -> Self {
        Self {
            subject: subject.into(),
            stage: Stage::Starting,
            files: BTreeMap::new(),
            eta: None,
            open_requests: 0,
            last_bytes: now,
            pause: None,
            down: None,
            last_fault: None,
            fault_count: 0,
            told_faults: BTreeMap::new(),
            unavailable: 0,
        }
    }

    /// How far all files together have come; `None` while it is not known what there is to do.
    pub(crate) fn total(&self, now: Instant) -> Option<Progress> {
        let wanted = || self.files.values().filter(|file| !file.stage.is_failed());
        let (proven, size) =
            wanted().fold((0, 0), |(proven, size), file| (proven + file.proven, size + file.size));
        let certainty = Certainty::of(wanted());
        let mut files = self.files.values();
        let name = match (files.next(), files.next()) {
            (None, _) => return None,
            (Some(file), None) => file.path.to_string(),
            (Some(_), Some(_)) => {
                let done = self.files.values().filter(|file| file.stage.is_in_place()).count();
                format!("{done} of {} files", self.files.len())
            }
        };
        let progress = progress(name, (proven, size), self.eta.as_ref(), now);
        Some(Progress { certainty, ..progress })
    }

    /// How far each file has come that is being fetched now, at most `max` of them.
    pub(crate) fn in_flight(&self, max: usize, now: Instant) -> Vec<(FileId, Progress)> {
        let fetched = self.files.iter().filter(|(_, file)| file.stage.is_under_way());
        let fetched = fetched.filter(|(_, file)| file.is_moving(now));
        let mut shown: Vec<FileId> = fetched.map(|(id, _)| *id).take(max).collect();
        if shown.is_empty() {
            let mut waiting = self.files.iter().filter(|(_, file)| file.stage.is_under_way());
            shown.extend(waiting.next().map(|(id, _)| *id));
        }
        shown.into_iter().filter_map(|id| Some((id, self.progress_of(id, now)?))).collect()
    }

    /// How far a file has come.
    pub(crate) fn progress_of(&self, id: FileId, now: Instant) -> Option<Progress> {
        let file = self.files.get(&id)?;
        let come = (file.proven, file.size);
        let progress = progress(file.path.to_string(), come, file.eta(), now);
        Some(Progress { certainty: Certainty::of(std::iter::once(file)), ..progress })
    }

    /// The path of a file, as the plan has it.
    pub(crate) fn path(&self, id: FileId) -> &str {
        self.files.get(&id).map_or("", |file| &file.path)
    }

    /// Bytes of a file that its publisher vouches for, apart from its digest.
    pub(crate) fn vouched_of(&self, id: FileId) -> u64 {
        self.files.get(&id).and_then(FileView::vouched).unwrap_or(0)
    }

    /// The same of all files.
    pub(crate) fn vouched(&self) -> u64 {
        self.files.values().filter_map(FileView::vouched).sum()
    }

    /// How many files there are.
    pub(crate) fn file_count(&self) -> usize {
        self.files.len()
    }

    /// Bytes proven in this run, and how many a second since the transfer began.
    pub(crate) fn goodput(&self, now: Instant) -> (u64, u64) {
        self.eta.as_ref().map_or((0, 0), |eta| (eta.gained(), eta.mean(now)))
    }

    /// What there is to fetch, and what of it is in place.
    pub(crate) fn plan(&self) -> impl Iterator<Item = PlanEntry<'_>> {
        self.files.values().map(|file| PlanEntry {
            path: &file.path,
            size: file.size,
            is_in_place: file.stage.is_in_place(),
        })
    }
}

impl Notice {
    /// The words.
    pub(crate) fn words(&self) -> &str {
        match self {
            Self::Chunk(words) | Self::Fact(words) => words,
        }
    }
}

impl Certainty {
    fn of<'a>(files: impl Iterator<Item = &'a FileView> + Clone) -> Option<Self> {
        let is_known = files.clone().any(|file| file.vouched().is_some());
        let sum = |sum: Self, file: &FileView| {
            if file.stage.is_verified() {
                Self { verified: sum.verified + file.size, ..sum }
            } else {
                Self { vouched: sum.vouched + file.vouched().unwrap_or(0), ..sum }
            }
        };
        is_known.then(|| files.fold(Self::default(), sum))
    }
}

impl Progress {
    /// What it stands on beside this disk's own records, if the publisher says so.
    pub(crate) fn ground(&self) -> Option<String> {
        let Certainty { verified, vouched } = self.certainty?;
        let ground = match (verified, vouched) {
            (0, _) => "vouched by the publisher",
            (_, 0) => "verified",
            (_, _) => "verified or vouched by the publisher",
        };
        let (certain, size) = (units::size(verified + vouched), units::size(self.size));
        Some(format!("{ground}: {certain} of {size}"))
    }

    /// Share, rate and time left.
    pub(crate) fn figures(&self) -> String {
        let percent = units::percent(self.proven, self.size);
        let mut words = format!("{percent}, {}", units::rate(self.rate));
        if let Some(left) = &self.left {
            words.push_str(&format!(", {left}"));
        }
        words
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (proven, size) = (units::size(self.proven), units::size(self.size));
        write!(f, "{}: {proven} of {size}, {}", self.name, self.figures())?;
        self.ground().map_or(Ok(()), |ground| write!(f, "; {ground}"))
    }
}

fn progress(name: String, (proven, size): (u64, u64), eta: Option<&Eta>, now: Instant) -> Progress {
    let missing = size.saturating_sub(proven);
    Progress {
        name,
        proven,
        size,
        certainty: None,
        rate: eta.map_or(0, |eta| eta.rate(now)),
        left: eta.and_then(|eta| eta.left(missing, now)),
    }
}
