//! The hub's clock: the date it started at, carried forward by tokio's time.
//!
//! It never reads the system's clock by itself, so that paused time is enough to replay a run.

use std::time::{Duration, UNIX_EPOCH};

use tokio::time::Instant;

/// Tells the date and the time since the hub started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    epoch: Duration,
    start: Instant,
}

impl Clock {
    /// A clock that shows `epoch` (since 1970) now.
    pub(crate) fn starting_at(epoch: Duration) -> Self {
        Self { epoch, start: Instant::now() }
    }

    /// Time since the hub started.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Time since 1970.
    pub(crate) fn now(&self) -> Duration {
        self.epoch + self.elapsed()
    }

    /// The `Date` header of now.
    pub(crate) fn date(&self) -> String {
        httpdate::fmt_http_date(UNIX_EPOCH + self.now())
    }
}
