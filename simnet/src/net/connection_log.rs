//! What went over the network, counted where the clients are: attempts, connections, bytes.
//!
//! Counts what was delivered to a client, not what somebody sent, and influences nothing.

use std::fmt;
use std::sync::{Arc, Mutex};

use crate::recording::{Recording, What};
use engine::time::Instant;

use super::lock;

/// All attempts to connect and what became of them.
#[derive(Debug, Default)]
pub struct ConnectionLog {
    flows: Vec<Flow>,
    open: usize,
    open_max: usize,
    recording: Option<Arc<Mutex<Recording>>>,
}

/// One attempt to connect, and the connection if it became one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// Which client, by the number that it gave itself.
    pub client: u64,
    /// The name that was to be connected to.
    pub host: String,
    /// When somebody wanted it.
    pub asked_at: Instant,
    /// When it could be used.
    pub opened_at: Option<Instant>,
    /// When it ended, for the client.
    pub closed_at: Option<Instant>,
    /// How, if it did.
    pub ending: Option<Ending>,
    /// Whether the link let it die while it was used, and told nobody.
    pub is_dead: bool,
    /// Bytes that the client wrote.
    pub sent: u64,
    /// When the last of them was written.
    pub sent_at: Option<Instant>,
    /// Bytes that the client read.
    pub received: u64,
    /// When the last of them was read.
    pub heard_at: Option<Instant>,
}

/// How an attempt or a connection ended, for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// The name could not be looked up.
    NoName,
    /// Nobody listened, or nobody answered.
    NoAnswer,
    /// By a reset.
    Reset,
    /// The server closed it.
    Closed,
    /// The client closed it, or gave up.
    Dropped,
}

impl ConnectionLog {
    pub(super) fn recorded(recording: Arc<Mutex<Recording>>) -> Self {
        Self { recording: Some(recording), ..Self::default() }
    }

    /// All attempts, in order. The one at index `n` is worker `n` of the recording.
    pub fn flows(&self) -> &[Flow] {
        &self.flows
    }

    /// Bytes that clients have read, of heads and bodies.
    pub fn received(&self) -> u64 {
        self.flows.iter().map(|flow| flow.received).sum()
    }

    /// Bytes that clients have written.
    pub fn sent(&self) -> u64 {
        self.flows.iter().map(|flow| flow.sent).sum()
    }

    /// Connections that are open.
    pub const fn open(&self) -> usize {
        self.open
    }

    /// The most connections that were ever open at once.
    pub const fn open_max(&self) -> usize {
        self.open_max
    }

    pub(super) fn on_ask(&mut self, client: u64, host: &str, now: Instant) -> usize {
        self.flows.push(Flow {
            client,
            host: host.to_owned(),
            asked_at: now,
            opened_at: None,
            closed_at: None,
            ending: None,
            is_dead: false,
            sent: 0,
            sent_at: None,
            received: 0,
            heard_at: None,
        });
        self.flows.len() - 1
    }

    pub(super) fn on_open(&mut self, number: usize, now: Instant) {
        self.flows[number].opened_at = Some(now);
        self.open += 1;
        self.open_max = self.open_max.max(self.open);
        self.record(now, What::Open { worker: number as u64, range: None });
    }

    pub(super) fn on_sent(&mut self, number: usize, len: u64, now: Option<Instant>) {
        let flow = &mut self.flows[number];
        (flow.sent, flow.sent_at) = (flow.sent + len, now.or(flow.sent_at));
    }

    pub(super) fn on_silence(&mut self, number: usize) {
        self.flows[number].is_dead = true;
    }

    pub(super) fn on_received(&mut self, number: usize, len: u64, now: Instant) {
        let flow = &mut self.flows[number];
        (flow.received, flow.heard_at) = (flow.received + len, Some(now));
        self.record(now, What::Bytes { worker: number as u64, len });
    }

    /// Ends an attempt or a connection; only the first end counts. There may be no time any more.
    pub(super) fn on_end(&mut self, number: usize, ending: Ending, now: Option<Instant>) {
        let flow = &mut self.flows[number];
        if flow.ending.is_some() {
            return;
        }
        (flow.ending, flow.closed_at) = (Some(ending), now);
        if flow.opened_at.is_none() {
            return;
        }
        self.open -= 1;
        if let Some(now) = now {
            self.record(now, What::Close { worker: number as u64, how: ending.to_string() });
        }
    }

    /// A client is no more: what it had open ends in the order in which it was opened.
    pub fn end_client(&mut self, client: u64, now: Instant) {
        let of_client = |(number, flow): (usize, &Flow)| (flow.client == client).then_some(number);
        let numbers: Vec<usize> = self.flows.iter().enumerate().filter_map(of_client).collect();
        for number in numbers {
            self.on_end(number, Ending::Dropped, Some(now));
        }
    }

    fn record(&self, now: Instant, what: What) {
        if let Some(recording) = &self.recording {
            lock(recording).push(now, what);
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoName => "no name",
            Self::NoAnswer => "no answer",
            Self::Reset => "reset",
            Self::Closed => "closed",
            Self::Dropped => "dropped",
        })
    }
}
