//! What the hub has seen and sent, counted where the socket took it.
//!
//! Counters never influence an answer, except that `past=` asks for the bytes sent so far.

use std::collections::{BTreeMap, VecDeque};
use std::io::Write;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::route::Route;

/// A snapshot of the counters.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Stats {
    /// Requests that arrived, whatever became of them.
    pub requests: u64,
    /// Requests by route.
    pub requests_by_route: BTreeMap<Route, u64>,
    /// Connections that were accepted.
    pub connections: u64,
    /// Connections open now.
    pub connections_open: u64,
    /// The most connections that were ever open at once.
    pub connections_peak: u64,
    /// Connections reset on arrival because too many were open.
    pub connections_refused: u64,
    /// Body bytes handed to sockets, by route.
    pub body_bytes: BTreeMap<Route, u64>,
    /// Body bytes handed to sockets, by the file's path.
    pub file_bytes: BTreeMap<String, u64>,
    /// Requests on the CDN's host that carried an `Authorization`, and on the CAS's those with one
    /// of the hub's tokens: leaks.
    pub tokens_on_cdn: u64,
    /// Faults fired, by kind.
    pub faults: BTreeMap<String, u64>,
    /// The rules in order.
    pub rules: Vec<RuleStats>,
}

impl Stats {
    /// Body bytes sent on a route.
    pub fn body_bytes_on(&self, route: Route) -> u64 {
        self.body_bytes.get(&route).copied().unwrap_or(0)
    }

    /// How often faults of a kind fired.
    pub fn fired(&self, kind: &str) -> u64 {
        self.faults.get(kind).copied().unwrap_or(0)
    }
}

/// What one rule has done.
#[derive(Debug, Clone, Serialize)]
pub struct RuleStats {
    /// The rule as it was written.
    pub rule: String,
    /// Its fault's kind.
    pub kind: String,
    /// Requests it has met.
    pub matched: u64,
    /// Times its fault fired.
    pub fired: u64,
}

/// One request, as logged when its response has ended or its connection is gone.
#[derive(Debug, Clone, Serialize)]
pub struct RequestRecord {
    /// Milliseconds since the hub started.
    pub time_ms: u64,
    /// The method.
    pub method: String,
    /// The `Host` header.
    pub host: String,
    /// Path and query.
    pub path: String,
    /// Which part of the service was asked.
    pub route: Route,
    /// The file's path in its repository, if it is about a file.
    pub file: Option<String>,
    /// The `Range` header.
    pub range: Option<String>,
    /// The status answered; 0 if there was no answer.
    pub status: u16,
    /// Body bytes handed to the socket.
    pub body_bytes: u64,
    /// The connection's number, from 1; 0 without one.
    pub connection: u64,
    /// Whether it carried an `Authorization`.
    pub is_authorized: bool,
    /// The kind of the fault that fired.
    pub fault: Option<String>,
}

impl RequestRecord {
    /// A record of which nothing is known yet but where it belongs.
    pub(crate) fn of(route: Route) -> Self {
        Self {
            time_ms: 0,
            method: String::new(),
            host: String::new(),
            path: String::new(),
            route,
            file: None,
            range: None,
            status: 0,
            body_bytes: 0,
            connection: 0,
            is_authorized: false,
            fault: None,
        }
    }
}

/// The live counters and the log.
#[derive(Default)]
pub(crate) struct Tally {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    stats: Stats,
    log: VecDeque<RequestRecord>,
    sink: Option<Box<dyn Write + Send>>,
}

impl Tally {
    pub(crate) fn new(sink: Option<Box<dyn Write + Send>>) -> Self {
        let inner = Inner { sink, ..Inner::default() };
        Self { inner: Mutex::new(inner) }
    }

    /// Counts a new connection and numbers it.
    pub(crate) fn open_connection(&self) -> u64 {
        let stats = &mut self.lock().stats;
        stats.connections += 1;
        stats.connections_open += 1;
        stats.connections_peak = stats.connections_peak.max(stats.connections_open);
        stats.connections
    }

    pub(crate) fn close_connection(&self) {
        self.lock().stats.connections_open -= 1;
    }

    pub(crate) fn refuse_connection(&self) {
        self.lock().stats.connections_refused += 1;
    }

    pub(crate) fn connections_open(&self) -> u64 {
        self.lock().stats.connections_open
    }

    /// Counts a request; it is logged when the answer is dropped.
    pub(crate) fn begin(self: &Arc<Self>, record: RequestRecord, is_leak: bool) -> OpenRecord {
        let stats = &mut self.lock().stats;
        stats.requests += 1;
        *stats.requests_by_route.entry(record.route).or_default() += 1;
        stats.tokens_on_cdn += u64::from(is_leak);
        OpenRecord { tally: self.clone(), record }
    }

    /// How many requests have arrived.
    pub(crate) fn requests_begun(&self) -> u64 {
        self.lock().stats.requests
    }

    /// CDN body bytes sent so far.
    pub(crate) fn served(&self) -> u64 {
        let stats = &self.lock().stats;
        stats.body_bytes_on(Route::Cdn) + stats.body_bytes_on(Route::Xorb)
    }

    /// The counters, completed by those of the rules.
    pub(crate) fn snapshot(&self, rules: Vec<RuleStats>) -> Stats {
        let mut faults = BTreeMap::new();
        for rule in &rules {
            *faults.entry(rule.kind.clone()).or_default() += rule.fired;
        }
        Stats { faults, rules, ..self.lock().stats.clone() }
    }

    /// The newest requests, oldest first.
    pub(crate) fn requests(&self) -> Vec<RequestRecord> {
        self.lock().log.iter().cloned().collect()
    }

    /// Starts counting again; connections that are open stay counted.
    pub(crate) fn reset(&self) {
        let mut inner = self.lock();
        let open = inner.stats.connections_open;
        inner.stats = Stats { connections_open: open, connections_peak: open, ..Stats::default() };
        inner.log.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tally").field("stats", &self.lock().stats).finish_non_exhaustive()
    }
}

/// A request whose response is still under way. Dropping it writes the log.
#[derive(Debug)]
pub(crate) struct OpenRecord {
    tally: Arc<Tally>,
    pub(crate) record: RequestRecord,
}

impl OpenRecord {
    /// Counts body bytes that the socket took.
    pub(crate) fn count_body(&mut self, bytes: u64) {
        self.record.body_bytes += bytes;
        let mut inner = self.tally.lock();
        *inner.stats.body_bytes.entry(self.record.route).or_default() += bytes;
        let is_content = matches!(self.record.route, Route::Cdn | Route::ResolveCache);
        if let Some(file) = self.record.file.as_ref().filter(|_| is_content) {
            match inner.stats.file_bytes.get_mut(file) {
                Some(count) => *count += bytes,
                None => drop(inner.stats.file_bytes.insert(file.clone(), bytes)),
            }
        }
    }
}

impl Drop for OpenRecord {
    fn drop(&mut self) {
        let mut inner = self.tally.lock();
        if let Some(sink) = &mut inner.sink
            && let Ok(line) = serde_json::to_string(&self.record)
        {
            // A log that cannot be written must not stop the hub.
            let _ = writeln!(sink, "{line}").and_then(|()| sink.flush());
        }
        if inner.log.len() == LOG_COUNT {
            inner.log.pop_front();
        }
        let empty = RequestRecord::of(self.record.route);
        inner.log.push_back(mem::replace(&mut self.record, empty));
    }
}

/// How many requests are kept in memory.
const LOG_COUNT: usize = 1 << 16;
