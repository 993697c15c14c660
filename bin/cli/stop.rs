//! The person's wish to stop: Ctrl-C, or SIGTERM from a system that shuts down.
//!
//! What is done about it is not decided here.

use std::io;
use std::time::Duration;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

/// Hears wishes to stop, from when it was made.
#[derive(Debug)]
pub(crate) struct Stop {
    /// When the last wish was heard.
    heard_at: Option<Instant>,
    #[cfg(unix)]
    interrupt: Signal,
    #[cfg(unix)]
    terminate: Signal,
}

impl Stop {
    /// Begins to listen. From now on the signals no longer end the process by themselves.
    #[cfg(unix)]
    pub(crate) fn listen() -> io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { heard_at: None, interrupt, terminate: signal(SignalKind::terminate())? })
    }

    /// Begins to listen.
    #[cfg(not(unix))]
    pub(crate) const fn listen() -> io::Result<Self> {
        Ok(Self { heard_at: None })
    }

    /// Waits for the next wish. A terminal tells all of a group, and a wrapper that hears it tells
    /// its child: two signals close to each other are one wish.
    pub(crate) async fn wished(&mut self) {
        loop {
            self.heard().await;
            let now = Instant::now();
            let is_echo = |at| now.duration_since(at) < ECHO;
            if !self.heard_at.is_some_and(is_echo) {
                self.heard_at = Some(now);
                return;
            }
        }
    }

    #[cfg(unix)]
    async fn heard(&mut self) {
        tokio::select! {
            Some(()) = self.interrupt.recv() => {}
            Some(()) = self.terminate.recv() => {}
            else => std::future::pending().await,
        }
    }

    #[cfg(not(unix))]
    async fn heard(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// From now on a file that becomes longer than it may (`ulimit -f`) is an error to who writes it,
/// and not the end of the process. Belongs inside a runtime.
#[cfg(unix)]
pub(crate) fn outlive_long_files() {
    // A signal that was once listened for ends nothing, whether or not anybody listens on.
    let _ = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()));
}

/// Nothing ends a process for that here.
#[cfg(not(unix))]
pub(crate) const fn outlive_long_files() {}

/// Closer to each other than this, two signals come from one key.
const ECHO: Duration = Duration::from_millis(500);
