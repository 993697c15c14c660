//! Where else to ask when a host or a URL does not serve: the other way, a new URL, or the same.
//!
//! What a fault deserves in itself is decided in [`retry`](crate::policy::retry).

use super::Transfer;
use super::faults::{Attempt, Peer};
use crate::fault::{Blame, Fault};
use crate::policy::lease::URL_OLD;
use crate::policy::protocol::Kind;
use crate::policy::retry::{NEW_URLS, Step};

impl Transfer {
    /// Content-addressed storage brought nothing: where the file also comes as it is, that is no
    /// sign of a link that is down, and all files know it. Says whether the other way is taken.
    pub(super) fn on_host_failed(&mut self, attempt: &Attempt, fault: &Fault, step: Step) -> bool {
        let Peer::Xet(token, store) = &attempt.peer else { return false };
        let has_other = self.files.get(&attempt.file).is_some_and(|file| file.choice.has_http());
        let is_no_answer = fault.blame() == Blame::Link || step == Step::Fail;
        let is_refused = matches!(fault, Fault::LeaseRefused { status: 401, .. });
        if attempt.proven > 0 || !has_other || !(is_no_answer || is_refused) {
            return false;
        }
        let host = store.as_ref().unwrap_or_else(|| token.cas.base()).clone();
        // Its first refusal is what the end of a token looks like.
        if is_refused && (self.link.reach.has_answered(&host) || self.storage.token.refused() < 2) {
            return false;
        }
        self.link.reach.on_fault(&host, attempt.began, self.now);
        if !self.link.reach.is_away(&host, self.now) || self.link.outage.down_since().is_some() {
            return false;
        }
        if let Some(file) = self.files.get_mut(&attempt.file) {
            let is_final = step == Step::Fail;
            file.choice.on_fault(Kind::Xet, is_final, attempt.began, self.now);
        }
        self.link.outage.on_close(&mut self.rng, attempt.id, attempt.began);
        true
    }

    /// Whether content-addressed storage, or where it keeps its chunks, is left alone for now.
    pub(super) fn is_xet_away(&self) -> bool {
        let mut hosts =
            [self.storage.cas.as_ref(), self.storage.chunks_at.as_ref()].into_iter().flatten();
        hosts.any(|host| self.link.reach.is_away(host, self.now))
    }

    /// Whether new URLs are refused like the old ones. Then the last one is kept, unless it may
    /// have ended meanwhile.
    pub(super) fn keeps_url(&self, attempt: &Attempt, fault: &Fault) -> bool {
        let Some(file) = self.files.get(&attempt.file) else { return false };
        matches!((&attempt.peer, fault), (Peer::Storage(_), Fault::LeaseRefused { .. }))
            && file.lease.refused() >= NEW_URLS
            && file.lease.age(self.now).is_some_and(|age| age < URL_OLD)
    }

    /// A URL that did not serve is not used again.
    pub(super) fn drop_url(&mut self, attempt: &Attempt, fault: &Fault) {
        let Some(file) = self.files.get_mut(&attempt.file) else { return };
        let Peer::Storage(url) = &attempt.peer else { return };
        if matches!(fault, Fault::LeaseRefused { .. }) {
            file.lease.on_refused(url);
        } else {
            file.lease.on_useless(url);
        }
    }
}
