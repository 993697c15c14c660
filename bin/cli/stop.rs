//! The person's wish to stop: Ctrl-C, or SIGTERM from a system that shuts down.
//!
//! What is done about it is not decided here.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Hears wishes to stop, from when it was made.
#[derive(Debug)]
pub(crate) struct Stop {
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
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    /// Begins to listen.
    #[cfg(not(unix))]
    pub(crate) const fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next wish.
    #[cfg(unix)]
    pub(crate) async fn wished(&mut self) {
        tokio::select! {
            Some(()) = self.interrupt.recv() => {}
            Some(()) = self.terminate.recv() => {}
            else => std::future::pending().await,
        }
    }

    /// Waits for the next wish.
    #[cfg(not(unix))]
    pub(crate) async fn wished(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
