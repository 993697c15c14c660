//! The one plain sentence that says what is happening, and the words for what has happened.
//!
//! Decides nothing; what it says counts on with the time, so that no second looks like the last.

use std::time::Duration;

use engine::digest::FileDigest;
use engine::event::{Origin, Wait};
use engine::fault::Fault;
use engine::range::ByteRange;
use engine::time::Instant;
use engine::{Step, next_step};
use moshi_fetch::news::Aside;

use super::file::{FileStage, FileView};
use super::{Down, Pause, Stage, View};
use crate::cli::units::{self, count, countdown, duration};

impl View {
    /// What is happening now.
    pub(crate) fn sentence(&self, now: Instant) -> String {
        match &self.stage {
            Stage::Starting => "starting".to_owned(),
            Stage::Asking { host, since } => {
                format!("asking {host} what there is, for {}", duration(now.since(*since)))
            }
            Stage::AskingAgain { host, fault, attempt, until } => {
                format!("{fault}; {}", again(&format!("asking {host} again"), *until, now))
                    + &tries(*attempt)
            }
            Stage::Saving { since } => {
                format!("saving what has arrived, for {}", duration(now.since(*since)))
            }
            Stage::Planned => self.link_sentence(now).unwrap_or_else(|| self.work_sentence(now)),
        }
    }

    /// What keeps bytes from arriving, if something does.
    fn link_sentence(&self, now: Instant) -> Option<String> {
        if let Some(Down { since, host }) = &self.down {
            let who = host.as_deref().unwrap_or("link");
            let silence = format!("{who} silent for {}", duration(now.since(*since)));
            return Some(match self.pause_left(now) {
                Some(left) => format!("{silence}, probing, next try in {}", countdown(left)),
                None => format!("{silence}, probing now"),
            });
        }
        let pause = self.pause.as_ref().filter(|pause| pause.until > now)?;
        Some(pause_words(pause, now))
    }

    fn pause_left(&self, now: Instant) -> Option<Duration> {
        let pause = self.pause.as_ref().filter(|pause| pause.until > now)?;
        Some(pause.until.since(now))
    }

    /// What is being done to the files.
    fn work_sentence(&self, now: Instant) -> String {
        let is_fetching = self.files.values().any(|file| {
            matches!(file.stage, FileStage::Fetching | FileStage::Repairing) && !file.is_complete()
        });
        if !is_fetching {
            return self.rest_sentence(now);
        }
        let silence = now.since(self.last_bytes);
        if silence >= SILENCE_WORTH_TELLING {
            let open = count(self.open_requests as u64, "request is", "requests are");
            return format!("nothing has arrived for {}; {open} open", duration(silence));
        }
        let recent = self.last_fault.as_ref().filter(|fault| now.since(fault.at) < FAULT_SHOWN);
        if let Some(fault) = recent {
            let so_far = count(self.fault_count, "fault", "faults");
            return format!("{} ({so_far} so far)", fault.words);
        }
        let mut repairing =
            self.files.values().filter(|file| matches!(file.stage, FileStage::Repairing));
        if let Some(file) = repairing.next() {
            return format!("looking for what is damaged in {}", file.path);
        }
        let over = count(self.open_requests as u64, "connection", "connections");
        format!("receiving over {over}")
    }

    /// What is being done when nothing is fetched.
    fn rest_sentence(&self, now: Instant) -> String {
        let mut words = None;
        for file in self.files.values() {
            let path = &file.path;
            words = Some(match &file.stage {
                FileStage::Checking { since } => {
                    format!(
                        "checking {path} against its digest, for {}",
                        duration(now.since(*since))
                    )
                }
                FileStage::Busy(holder) => {
                    let (by, so_far) = (&holder.by, duration(now.since(holder.since)));
                    format!("{path} is being fetched by {by}; waiting for it, for {so_far}")
                }
                FileStage::Fetching | FileStage::Repairing => {
                    format!("all bytes of {path} are here; checking them against its digest")
                }
                FileStage::Verified(_) => format!("putting {path} into its place"),
                FileStage::Planned | FileStage::Present | FileStage::Sealed | FileStage::Failed => {
                    continue;
                }
            });
            break;
        }
        words.unwrap_or_else(|| {
            let is_over = |file: &FileView| file.stage.is_in_place() || file.stage.is_failed();
            let is_all_over = self.files.values().all(is_over);
            if is_all_over { "finishing" } else { "looking at what is on the disk" }.to_owned()
        })
    }
}

/// Words for a fault that is being dealt with; `None` for one that will not be.
pub(super) fn fault(fault: &Fault, wasted: u64) -> Option<String> {
    let next = match next_step(fault, 1) {
        Step::Again => "asking again for the rest",
        Step::Locate if matches!(fault, Fault::LeaseRefused { .. }) => "asking for a fresh one",
        Step::Locate => "asking the hub where the file is now",
        Step::Fail => return None,
    };
    Some(match wasted {
        0 => format!("{fault}; {next}"),
        _ => format!("{fault}, which cost {}; {next}", units::size(wasted)),
    })
}

/// Nothing comes any more, from anybody or from one host.
pub(super) fn down(down: &Down, now: Instant) -> String {
    let silence = duration(now.since(down.since));
    match &down.host {
        None => format!("the link has been silent for {silence}; it is probed until it answers"),
        Some(host) => format!(
            "{host} has been silent for {silence}, while other hosts answer; it is asked again \
             until it does"
        ),
    }
}

pub(super) fn told_to_stay_away(status: u16, left: &str) -> String {
    format!("the server asks us to stay away for {left} (HTTP {status})")
}

pub(super) fn aside(path: &str, why: Aside) -> String {
    match why {
        Aside::HasOtherNames => format!(
            "{path}: the part that was here has other names, too (hard links); it is left as it \
             is, and what is proven of it is copied"
        ),
        Aside::IsALink => {
            format!("{path}: a link was where its part is to be; what that leads to is left alone")
        }
    }
}

pub(super) fn named(path: &str) -> String {
    format!("{path}: the storage calls it by the name that the hub gave")
}

pub(super) fn in_one_stream(path: &str) -> String {
    format!("{path}: the server ignores ranges, so it comes in one stream now")
}

pub(super) fn another_way(path: &str, fault: &str) -> String {
    format!("{path}: {fault}; it comes in another way now")
}

pub(super) fn mismatch(path: &str, found: FileDigest) -> String {
    format!(
        "{path}: its {} is wrong; what is damaged is being found and fetched again, no more",
        ground(found)
    )
}

pub(super) fn repaired(path: &str, range: ByteRange, origin: Origin) -> String {
    let range = units::range(range);
    match origin {
        Origin::Disk => {
            format!("{path}: this disk has lost {range}, which are fetched again")
        }
        Origin::Network => {
            format!("{path}: {range} were damaged on their way, and were fetched again")
        }
    }
}

pub(super) fn sealed(file: &FileView) -> String {
    let (path, size) = (&file.path, units::size(file.size));
    match &file.stage {
        FileStage::Verified(digest) => {
            let ground = ground(**digest);
            format!("{path} is in place: {size}, and its {ground} is what its publisher says")
        }
        FileStage::Planned
        | FileStage::Checking { .. }
        | FileStage::Busy(_)
        | FileStage::Fetching
        | FileStage::Repairing
        | FileStage::Present
        | FileStage::Sealed
        | FileStage::Failed => format!("{path} is in place: {size}"),
    }
}

/// The name of the digest that a file stands on.
const fn ground(digest: FileDigest) -> &'static str {
    match digest {
        FileDigest::Sha256(_) => "SHA-256",
        FileDigest::GitSha1(_) => "git SHA-1",
    }
}

fn pause_words(pause: &Pause, now: Instant) -> String {
    let left = countdown(pause.until.since(now));
    match &pause.why {
        Wait::Told { status } => told_to_stay_away(*status, &left),
        Wait::Backoff { fault, attempt } => {
            format!("{fault}; {}", again("next try", pause.until, now)) + &tries(*attempt)
        }
        Wait::Probe { .. } => format!("no answer, probing, next try in {left}"),
    }
}

fn again(what: &str, until: Instant, now: Instant) -> String {
    if until > now {
        format!("{what} in {}", countdown(until.since(now)))
    } else {
        format!("{what} now")
    }
}

/// How often it has failed in a row, once that is worth a word.
fn tries(attempt: u32) -> String {
    if attempt < 2 { String::new() } else { format!(", after {attempt} failures in a row") }
}

/// Shorter silences are the link's ordinary breathing.
const SILENCE_WORTH_TELLING: Duration = Duration::from_secs(2);
/// A fault stays in the sentence long enough to be read.
const FAULT_SHOWN: Duration = Duration::from_secs(3);
