//! What people are told, and whether that is so: reports, errors, news.
//!
//! Tells nobody anything itself.

use std::sync::atomic::Ordering;

use engine::event::Event;
use engine::fault::{Blame, DiskFault, Fault};
use engine::time::Instant;
use moshi_fetch::error::{Error, ErrorKind};
use moshi_fetch::news::{News, Report};
use simnet::recording::What;

use super::{Host, Stage, VOUCHED_LOOKS, lock};
use crate::scenario::{Happening, Refusal, Step};
use crate::sometimes::Sometimes;
use crate::witness::Rule;

impl Stage {
    pub(crate) fn on_report(&self, host: Host, report: &Report, now: Instant) {
        self.mark(now, format!("{} is served", host.name()));
        if self.scenario.refusal.is_some() {
            self.witness().accuse(now, Rule::L4TypedError, "served what cannot be had");
        }
        self.user(host, |user| user.is_served = true);
        lock(&self.reports).push(now);
        let is_shown = self.computer.disk().peek(&report.path).is_some() || self.files.len() > 1;
        self.witness().check(is_shown, now, Rule::S1OnlyRightFiles, || {
            format!("nothing is at {}", report.path.display())
        });
        for place in self.places() {
            let is_excused = self.witness().is_edited_late(&place.path);
            let is_in_place = is_excused || place.is_in_place(self.computer.disk());
            self.witness().check(is_in_place, now, Rule::S1OnlyRightFiles, || {
                format!("{} is reported, and not in place", place.path)
            });
        }
    }

    /// A process ends in an error. Whether that is the end of it for the user, too.
    pub(crate) fn on_error(&self, host: Host, error: &Error, now: Instant) -> bool {
        self.mark(now, format!("{} is told: {error}", host.name()));
        self.check_words(error, now);
        if error.blame() == Some(Blame::Disk) {
            self.witness().note(Sometimes::DiskFailed);
            // Of what came after the disk had failed nothing was recorded.
            self.on_crash(now, true);
        }
        if let ErrorKind::Fault(Fault::Disk(DiskFault::Full | DiskFault::NoRoom { .. })) =
            &error.kind
        {
            self.witness().note(Sometimes::NoSpaceThenSpace);
        }
        let is_refused = self.scenario.refusal.is_some() && error.blame() == Some(Blame::Request);
        if is_refused {
            self.user(host, |user| user.is_served = true);
            lock(&self.reports).push(now);
        }
        is_refused
    }

    /// L4: what cannot be had ends in its own error, and nothing else is called so; nor is
    /// anybody blamed who has done nothing.
    fn check_words(&self, error: &Error, now: Instant) {
        let fault = match &error.kind {
            ErrorKind::Fault(fault) => Some(fault),
            ErrorKind::GaveUp { fault, .. } => fault.as_ref(),
            ErrorKind::Some { failed, .. } => failed.first().map(|(_, fault)| fault),
            ErrorKind::Usage(_)
            | ErrorKind::Damaged { .. }
            | ErrorKind::Offline
            | ErrorKind::Interrupted => None,
        };
        let has_disk_trouble = self.scenario.disk_bytes.is_some()
            || self.scenario.script.iter().any(|step| step.what.is_of_disk())
            // Who wakes up and finds that its claim is gone has lost it on the disk.
            || self.scenario.script.iter().any(|step| {
                self.scenario.elsewhere.is_some() && matches!(step.what, Happening::Suspend { .. })
            });
        let is_right = match error.blame() {
            Some(Blame::Request) => {
                let told = self.scenario.refusal.map_or(&[][..], Refusal::told);
                fault.is_some_and(|fault| told.contains(&fault.kind()))
            }
            Some(Blame::Disk) => has_disk_trouble,
            Some(Blame::Link | Blame::Server) => true,
            None => match error.kind {
                ErrorKind::GaveUp { .. } => self.scenario.config.give_up_after.is_some(),
                ErrorKind::Interrupted => {
                    let is_stop = |step: &Step| matches!(step.what, Happening::Cancel { .. });
                    self.scenario.script.iter().any(is_stop)
                }
                ErrorKind::Fault(_)
                | ErrorKind::Some { .. }
                | ErrorKind::Usage(_)
                | ErrorKind::Damaged { .. }
                | ErrorKind::Offline => false,
            },
        };
        self.witness().check(is_right, now, Rule::L4TypedError, || error.to_string());
        if self.scenario.refusal.is_some() && error.blame() == Some(Blame::Request) {
            self.witness().note(Sometimes::RefusedForGood);
        }
    }

    pub(crate) fn on_news(&self, process: u64, news: &News, now: Instant) {
        // Before anybody pushes.
        self.places();
        let errors = self.disk_errors();
        let mut witness = self.witness();
        witness.on_disk_errors(errors);
        witness.on_news(process, news, now);
        let proven = witness.proven();
        drop(witness);
        match news {
            News::Busy { by, .. } => self.mark(now, format!("waits for {by}")),
            News::AskingFailed { fault, again_in, .. } => {
                self.mark(now, format!("asks again in {again_in:?}: {}", fault.kind()));
            }
            News::Planned { .. }
            | News::Present { .. }
            | News::Asking { .. }
            | News::TokenIgnored { .. }
            | News::Aside { .. }
            | News::Elsewhere { .. }
            | News::Unavailable { .. }
            | News::Measuring { .. }
            | News::Verifying { .. }
            | News::Transfer { .. } => {}
        }
        let News::Transfer { event, open_requests, .. } = news else { return };
        let is_claim = matches!(event, Event::Vouched { .. } | Event::Mismatch { .. });
        // What a process still says when the power is gone is not about what is on the disk now.
        if is_claim && self.computer.is_alive(process) {
            self.check_vouched(now);
        }
        let what = match event {
            Event::Proven { .. } => What::Proven { len: proven },
            Event::Fault { fault, .. } => What::Fault { what: fault.kind().to_owned() },
            Event::Received { .. } => return,
            Event::Begun { .. }
            | Event::Chunk { .. }
            | Event::Waiting { .. }
            | Event::Down { .. }
            | Event::Up { .. }
            | Event::Named { .. }
            | Event::NoRanges { .. }
            | Event::Split { .. }
            | Event::Vouched { .. }
            | Event::Verified { .. }
            | Event::Mismatch { .. }
            | Event::Repaired { .. }
            | Event::Sealed { .. }
            | Event::Failed { .. }
            | Event::Ended(_) => What::Mark { what: format!("{event:?}") },
        };
        let limit = u32::try_from(*open_requests).unwrap_or(u32::MAX);
        let mut recording = self.recording();
        recording.push(now, what);
        recording.push(now, What::Window { limit });
    }

    /// Holds what is vouched for against the truth, but not at every word.
    fn check_vouched(&self, now: Instant) {
        let trust = self.trust();
        let vouched: u64 = self.files.iter().map(|(path, _)| self.witness().vouched_of(path)).sum();
        let checked = self.vouched_checked.load(Ordering::Relaxed);
        let is_due = vouched < checked || vouched - checked >= self.size() / VOUCHED_LOOKS;
        if !is_due || !trust.is_description_honest || !trust.is_disk_honest {
            return;
        }
        self.vouched_checked.store(vouched, Ordering::Relaxed);
        for place in self.places() {
            place.check_vouched(self.computer.disk(), &mut self.witness(), now);
        }
    }
}
