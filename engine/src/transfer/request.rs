//! One request of a transfer: what it was asked, how much it has brought, why it was told to end.
//!
//! Decides nothing; the transfer does.

use url::Url;

use super::Transfer;
use crate::action::{Action, RequestId, Route};
use crate::fault::Fault;
use crate::manifest::FileId;
use crate::policy::protocol::Kind;
use crate::policy::rate::RateMeter;
use crate::range::ByteRange;
use crate::range_set::RangeSet;
use crate::time::Instant;
use crate::verify::Verdict;

/// A request from the moment it is asked for to its close.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) file: FileId,
    pub(super) route: Route,
    /// What no other request may ask for meanwhile.
    pub(super) reserved: RangeSet,
    pub(super) asked: ByteRange,
    pub(super) opened: Instant,
    pub(super) quiet_since: Instant,
    pub(super) received: u64,
    pub(super) proven: u64,
    /// How many bytes its body has, as far as that is known, and how many they come to unpacked.
    pub(super) packed: u64,
    pub(super) unpacked: u64,
    /// What had come before the body did.
    pub(super) ahead: u64,
    /// Where its chunks come from, once that is known.
    pub(super) chunks_at: Option<Url>,
    pub(super) rate: RateMeter,
    /// Whether its body is compressed as a whole.
    pub(super) is_packed: bool,
    /// Whether its head was judged good.
    pub(super) receiving: bool,
    /// A good head of another version, which waits until the hub has said what the file is.
    pub(super) held: Option<Verdict>,
    /// Whether it was told to ask for no more chunks.
    pub(super) is_draining: bool,
    /// Whether it has brought other bytes than stood there before.
    pub(super) differs: bool,
    /// Why it was told to end; its close will come.
    pub(super) aborted: Option<AbortReason>,
}

/// Why a request was told to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AbortReason {
    Fault(Fault),
    Split,
    Surplus,
}

impl Open {
    /// Whether its answer was good and it may still bring something.
    pub(super) const fn is_good(&self) -> bool {
        self.receiving && self.aborted.is_none()
    }

    /// Which way it was asked for.
    pub(super) const fn kind(&self) -> Kind {
        match self.route {
            Route::Http { .. } => Kind::Http,
            Route::Xet { .. } => Kind::Xet,
        }
    }

    /// Where its bytes come from.
    pub(super) const fn host(&self) -> Option<&Url> {
        match &self.route {
            Route::Http { url, .. } => Some(url),
            Route::Xet { .. } => self.chunks_at.as_ref(),
        }
    }

    /// Who has been asked, though perhaps only for where the bytes are.
    pub(super) fn asked_host(&self) -> &Url {
        match &self.route {
            Route::Http { url, .. } => url,
            Route::Xet { token, .. } => self.chunks_at.as_ref().unwrap_or_else(|| token.cas.base()),
        }
    }

    /// Bytes that came and are not proven now, by what the proven ones come to when packed.
    pub(super) fn wasted(&self) -> u64 {
        let kept = u128::from(self.proven) * u128::from(self.packed);
        let kept = kept / u128::from(self.unpacked.max(1));
        let kept = u64::try_from(kept).unwrap_or(u64::MAX);
        self.received.saturating_sub(self.ahead).saturating_sub(kept)
    }

    /// What its body has left, in bytes on the wire.
    pub(super) const fn remaining(&self) -> u64 {
        self.packed.saturating_sub(self.received.saturating_sub(self.ahead))
    }
}

impl Transfer {
    /// Tells a request to end, once; its close will come.
    pub(super) fn abort(&mut self, id: RequestId, why: AbortReason) {
        if let Some(open) = self.in_flight.requests.get_mut(&id)
            && open.aborted.is_none()
        {
            open.aborted = Some(why);
            self.out.act(Action::Abort { id });
        }
    }
}
