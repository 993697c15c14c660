//! How a connection ended beyond what simulated TCP can say: by a reset, or silently.
//!
//! Ends nothing: the server's side notes it, and the client's side acts as if it had been told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use super::lock;

/// The fate of one connection, known to both of its ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Fate {
    end: Arc<Mutex<Option<End>>>,
}

/// What the end of a simulated connection means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// A reset.
    Reset,
    /// Nothing at all: nobody is told.
    Silence,
}

impl Fate {
    /// Seals it; what came first counts.
    pub(super) fn seal(&self, end: End) {
        lock(&self.end).get_or_insert(end);
    }

    /// What the end means, if more than it seems.
    pub(super) fn end(&self) -> Option<End> {
        *lock(&self.end)
    }
}

/// Fates on their way from where a connection was accepted to where it was asked for.
#[derive(Debug, Default)]
pub(super) struct Fates {
    by_client: Mutex<BTreeMap<SocketAddr, Fate>>,
}

impl Fates {
    /// A new connection from this address; what was left of an older one is forgotten.
    pub(super) fn accept(&self, client: SocketAddr) -> Fate {
        let fate = Fate::default();
        lock(&self.by_client).insert(client, fate.clone());
        fate
    }

    /// The fate of the connection that was just accepted.
    pub(super) fn take(&self, client: SocketAddr) -> Fate {
        lock(&self.by_client).remove(&client).unwrap_or_default()
    }
}
