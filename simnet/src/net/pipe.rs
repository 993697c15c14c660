//! What a server has written and the link has not yet carried: pieces with the time at which each
//! is through, and the task that hands them on then.
//!
//! Decides nothing itself: whether and when a piece passes, the link says.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Waker};

use crate::link::{self, Link, Sent};
use bytes::Bytes;
use engine::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use turmoil::net::tcp::OwnedWriteHalf;

use super::close_reason::{CloseReason, End};
use super::{lock, now};

/// One connection's way through the link, from the server to the client.
#[derive(Debug)]
pub(super) struct Pipe {
    link: Arc<Mutex<Link>>,
    reason: CloseReason,
    state: Mutex<State>,
    is_changed: Notify,
}

#[derive(Debug)]
struct State {
    connection: link::Connection,
    pieces: VecDeque<Piece>,
    queued: usize,
    /// When the link has room for the next piece.
    next: Instant,
    /// When the link resets the connection.
    reset_at: Option<Instant>,
    failed: Option<ErrorKind>,
    is_silent: bool,
    waiting: Vec<Waker>,
}

#[derive(Debug)]
struct Piece {
    due: Instant,
    load: Load,
}

/// What is carried.
#[derive(Debug)]
pub(super) enum Load {
    Bytes(Bytes),
    /// The last packet: the server closes.
    Close,
    /// The last packet: the server resets.
    Reset,
}

/// What to do next.
enum Step {
    Wait,
    WaitUntil(Instant),
    Write(Bytes),
    End,
}

/// How a connection stands, for whoever wants to use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Good,
    /// Nothing arrives any more, and nobody is told.
    Silent,
    Failed(ErrorKind),
}

impl Pipe {
    pub(super) fn new(
        link: Arc<Mutex<Link>>,
        connection: link::Connection,
        reason: CloseReason,
    ) -> Self {
        let state = State {
            connection,
            pieces: VecDeque::new(),
            queued: 0,
            next: Instant::now(),
            reset_at: None,
            failed: None,
            is_silent: false,
            waiting: Vec::new(),
        };
        Self { link, reason, state: Mutex::new(state), is_changed: Notify::new() }
    }

    pub(super) fn standing(&self) -> Standing {
        let state = self.lock();
        match state.failed {
            Some(kind) => Standing::Failed(kind),
            None if state.is_silent => Standing::Silent,
            None => Standing::Good,
        }
    }

    /// Until when a writer has to wait; `None` if until it is woken.
    ///
    /// Timers are late by up to a millisecond, in which the link would be idle: so it is early.
    pub(super) fn room_at(&self) -> Option<Instant> {
        let state = self.lock();
        let has_room = state.queued < QUEUED_MAX && state.reset_at.is_none();
        has_room.then(|| state.next.checked_sub(TIMER_LATE_MAX).unwrap_or(state.next))
    }

    /// Wakes whoever asks when the connection has failed or has room again.
    pub(super) fn wake_later(&self, cx: &Context<'_>) {
        let mut state = self.lock();
        if !state.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.waiting.push(cx.waker().clone());
        }
    }

    /// How long an answer takes beyond its way, on a connection that was used before.
    pub(super) fn reuse(&self) -> Duration {
        lock(&self.link).reuse()
    }

    /// How many bytes are best sent at once.
    pub(super) fn quantum(&self) -> usize {
        let quantum = lock(&self.link).quantum(&self.lock().connection);
        usize::try_from(quantum).unwrap_or(usize::MAX).clamp(1, PIECE_MAX)
    }

    /// Whether all that was sent has been handed on.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().pieces.is_empty()
    }

    /// Sends something. What comes after the end goes nowhere; nor does what a host that crashed
    /// says while its tasks are dropped, in an order that is nobody's to choose.
    pub(super) fn send(&self, load: Load) {
        let mut state = self.lock();
        if state.is_over() || self.reason.is_orphaned() {
            return;
        }
        let len = match &load {
            Load::Bytes(bytes) => bytes.len() as u64,
            Load::Close | Load::Reset => PACKET_BYTES,
        };
        let clock = Instant::now();
        let now = now().unwrap_or_default();
        let sent = lock(&self.link).send(&mut state.connection, len, now);
        match sent {
            Sent::Passes { next, passed } => {
                if let Load::Bytes(bytes) = &load {
                    state.queued += bytes.len();
                }
                state.next = clock + next.since(now);
                state.pieces.push_back(Piece { due: clock + passed.since(now), load });
            }
            Sent::Reset { at } => state.reset_at = Some(clock + at.since(now)),
            Sent::Dies => self.fall_silent(&mut state),
        }
        self.is_changed.notify_one();
    }

    /// Whether something that came from the client has found the connection alive.
    pub(super) fn hear(&self) -> bool {
        let mut state = self.lock();
        if state.is_over() {
            return !state.is_silent;
        }
        let now = now().unwrap_or_default();
        let is_alive = lock(&self.link).is_alive(&mut state.connection, now);
        if !is_alive {
            self.fall_silent(&mut state);
        }
        is_alive
    }

    /// The client is gone; nothing on its way arrives.
    pub(super) fn fail(&self, kind: ErrorKind) {
        let mut state = self.lock();
        state.failed.get_or_insert(kind);
        state.pieces.clear();
        state.wake();
        self.is_changed.notify_one();
    }

    /// Carries what was sent, until the connection ends.
    pub(super) async fn carry(self: Arc<Self>, mut socket: OwnedWriteHalf) {
        let _place = Place(self.clone());
        loop {
            match self.step(Instant::now()) {
                Step::Wait => self.is_changed.notified().await,
                Step::WaitUntil(due) => tokio::select! {
                    biased;
                    () = self.is_changed.notified() => {}
                    () = sleep_until(due) => {}
                },
                Step::Write(bytes) => tokio::select! {
                    biased;
                    // Whoever waits for room in the client's window is not told that it is gone.
                    () = self.wait_failed() => return,
                    result = socket.write_all(&bytes) => if let Err(error) = result {
                        return self.fail(error.kind());
                    },
                },
                // Closed by being dropped; what that means is sealed.
                Step::End => return,
            }
        }
    }

    fn step(&self, now: Instant) -> Step {
        let mut state = self.lock();
        if state.failed.is_some() {
            return Step::End;
        }
        if let Some(piece) = state.pieces.front() {
            if piece.due > now {
                return Step::WaitUntil(piece.due);
            }
            match state.pieces.pop_front().map(|piece| piece.load) {
                Some(Load::Bytes(bytes)) => {
                    state.queued -= bytes.len();
                    state.wake();
                    return Step::Write(bytes);
                }
                Some(Load::Reset) => self.reason.seal(End::Reset),
                Some(Load::Close) | None => {}
            }
            return Step::End;
        }
        match state.reset_at {
            Some(at) if at > now => Step::WaitUntil(at),
            Some(_) => {
                self.reason.seal(End::Reset);
                state.failed = Some(ErrorKind::ConnectionReset);
                state.wake();
                Step::End
            }
            None if state.is_silent => Step::End,
            None => Step::Wait,
        }
    }

    async fn wait_failed(&self) {
        while self.lock().failed.is_none() {
            self.is_changed.notified().await;
        }
    }

    /// What is on its way still arrives, and nothing after it.
    fn fall_silent(&self, state: &mut State) {
        state.is_silent = true;
        self.reason.seal(End::Silence);
        self.is_changed.notify_one();
        state.wake();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    /// Whether nothing can be sent any more.
    fn is_over(&self) -> bool {
        self.failed.is_some() || self.is_silent || self.reset_at.is_some()
    }

    fn wake(&mut self) {
        self.waiting.drain(..).for_each(Waker::wake);
    }
}

/// A connection's place on the link, until everything is carried or the host is gone.
struct Place(Arc<Pipe>);

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(now) = now() {
            lock(&self.0.link).close(&self.0.lock().connection, now);
        }
    }
}

/// What a server may have written and the link not yet carried, before it has to wait.
const QUEUED_MAX: usize = 1 << 20;
/// The most that makes one segment.
const PIECE_MAX: usize = 64 << 10;
const TIMER_LATE_MAX: Duration = Duration::from_millis(1);
/// What a packet without data weighs.
const PACKET_BYTES: u64 = 40;

/// How long a server waits for a client that has fallen silent.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
