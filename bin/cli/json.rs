//! The news as JSON, one object per line, for programs that drive the command.
//!
//! The names of events and fields are a contract: they are added to, never changed. Lengths are
//! in bytes, times in seconds. Not a word of it is meant for people but `message` and `hint`.

mod ending;
mod line;

use std::collections::BTreeMap;
use std::time::Duration;

use engine::event::{Event, Origin, Wait};
use engine::manifest::FileId;
use engine::time::Instant;
use moshi_fetch::news::{Aside, News};

use super::view::View;
pub(crate) use ending::{done, error};
pub(crate) use line::Line;
use line::PlannedLines;

/// What was told of progress, and when.
#[derive(Debug)]
pub(crate) struct Json {
    last_progress: Instant,
    told: BTreeMap<FileId, u64>,
    vouched: BTreeMap<FileId, u64>,
}

impl Json {
    /// Nothing was told yet.
    pub(crate) const fn new() -> Self {
        Self { last_progress: Instant::START, told: BTreeMap::new(), vouched: BTreeMap::new() }
    }

    /// The line for some news; arriving bytes have none, they are summed up in `progress`.
    pub(crate) fn on_news<'a>(
        &mut self,
        news: &'a News,
        view: &'a View,
        now: Instant,
    ) -> Option<Line<'a>> {
        let path = |file: &FileId| view.path(*file);
        let line = match news {
            News::Asking { host } => Line::Asking { host },
            News::TokenIgnored { why } => Line::TokenIgnored { message: why },
            News::AskingFailed { fault, attempt, again_in } => Line::AskingFailed {
                kind: fault.kind(),
                message: fault.to_string(),
                attempt: *attempt,
                seconds: again_in.as_secs_f64(),
            },
            News::Elsewhere { endpoint, host } => Line::Elsewhere { endpoint, host },
            News::Unavailable { path, fault } => {
                Line::Failed { file: path, kind: fault.kind(), message: fault.to_string() }
            }
            News::Measuring { host } => Line::Measuring { host },
            News::Planned { commit, files } => Line::Planned {
                commit,
                total: files.iter().map(|file| file.size).sum(),
                files: PlannedLines(files),
            },
            News::Present { file } => Line::Present { file: path(file) },
            News::Verifying { file } => Line::Verifying { file: path(file) },
            News::Aside { file, why } => Line::Aside {
                file: path(file),
                why: match why {
                    Aside::HasOtherNames => "hard links",
                    Aside::IsALink => "link",
                },
            },
            News::Busy { file, by } => Line::Busy { file: path(file), by },
            News::Transfer { event, at, .. } => return self.on_event(event, *at, view, now),
        };
        Some(line)
    }

    /// A line for each file that has grown since the last tick, at most once a second.
    pub(crate) fn on_tick(&mut self, view: &View, now: Instant, mut write: impl FnMut(&Line<'_>)) {
        if now.since(self.last_progress) < PROGRESS_EVERY {
            return;
        }
        self.last_progress = now;
        for (id, progress) in view.in_flight(usize::MAX, now) {
            if self.told.insert(id, progress.proven) == Some(progress.proven) {
                continue;
            }
            let left = progress.left;
            write(&Line::Progress {
                file: &progress.name,
                bytes: progress.proven,
                total: progress.size,
                vouched: view.vouched_of(id),
                rate: progress.rate,
                seconds_min: left.map(|left| left.soonest.as_secs()),
                seconds_max: left.and_then(|left| left.latest).map(|latest| latest.as_secs()),
            });
        }
    }

    fn on_event<'a>(
        &mut self,
        event: &'a Event,
        at: Instant,
        view: &'a View,
        now: Instant,
    ) -> Option<Line<'a>> {
        let path = |file: &FileId| view.path(*file);
        let total = |file: &FileId| view.progress_of(*file, now).map_or(0, |file| file.size);
        let line = match event {
            Event::Begun { file, proven } => {
                self.vouched.remove(file);
                Line::Begun { file: path(file), bytes: *proven, total: total(file) }
            }
            Event::Received { .. } | Event::Proven { .. } | Event::Ended(_) => return None,
            Event::Vouched { file, vouched } => {
                if self.vouched.insert(*file, *vouched).unwrap_or(0) == *vouched {
                    return None;
                }
                Line::Vouched { file: path(file), bytes: *vouched, total: total(file) }
            }
            Event::Chunk { file, index, count, range } => Line::Chunk {
                file: path(file),
                index: *index,
                count: *count,
                start: range.start,
                end: range.end,
            },
            Event::Fault { file, fault, wasted } => Line::Fault {
                file: path(file),
                kind: fault.kind(),
                message: fault.to_string(),
                wasted: *wasted,
            },
            Event::Waiting { why, until } => waiting(why, until.since(at)),
            Event::Down { since, host } => {
                Line::Down { seconds: at.since(*since).as_secs_f64(), host: host.as_deref() }
            }
            Event::Up { after, host } => {
                Line::Up { seconds: after.as_secs_f64(), host: host.as_deref() }
            }
            Event::Named { file } => Line::Named { file: path(file) },
            Event::NoRanges { file } => Line::NoRanges { file: path(file) },
            Event::Split { file, range } => {
                Line::Split { file: path(file), start: range.start, end: range.end }
            }
            Event::Verified { file, digest } => {
                Line::Verified { file: path(file), digest: digest.to_string() }
            }
            Event::Mismatch { file, found } => {
                Line::Mismatch { file: path(file), digest: found.to_string() }
            }
            Event::Repaired { file, range, origin } => Line::Repaired {
                file: path(file),
                start: range.start,
                end: range.end,
                origin: match origin {
                    Origin::Disk => "disk",
                    Origin::Network => "network",
                },
            },
            Event::Sealed { file } => Line::Sealed { file: path(file), bytes: total(file) },
            Event::Failed { file, fault } => {
                Line::Failed { file: path(file), kind: fault.kind(), message: fault.to_string() }
            }
        };
        Some(line)
    }
}

fn waiting(why: &Wait, left: Duration) -> Line<'static> {
    let seconds = left.as_secs_f64();
    match why {
        Wait::Told { status } => {
            Line::Waiting { why: "told", seconds, attempt: None, status: Some(*status) }
        }
        Wait::Backoff { attempt, .. } => {
            Line::Waiting { why: "backoff", seconds, attempt: Some(*attempt), status: None }
        }
        Wait::Probe { attempt } => {
            Line::Waiting { why: "probe", seconds, attempt: Some(*attempt), status: None }
        }
    }
}

/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
