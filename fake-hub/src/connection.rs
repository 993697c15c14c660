//! What a request may ask of the connection it arrived on.
//!
//! It holds no socket: the wire obeys it, so that real and simulated streams behave alike.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::delivery::{Delivery, Event};
use crate::fault::Cut;

/// The control value of one connection; every request carries it in its extensions.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    number: u64,
    state: Mutex<State>,
    cut: Notify,
}

#[derive(Debug, Default)]
struct State {
    deliveries: VecDeque<Delivery>,
    hold: Option<Option<Duration>>,
    cut: Option<Cut>,
}

/// What the wire does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Write this many bytes of the buffer.
    Write(usize),
    /// Wait this long, then ask again.
    Wait(Duration),
    /// Nothing will ever be written again.
    Never,
}

impl Connection {
    /// A connection with this number.
    pub(crate) fn new(number: u64) -> Self {
        let shared = Shared { number, state: Mutex::default(), cut: Notify::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Its number among all connections of the hub, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.shared.number
    }

    /// Asks for the connection to be ended at once.
    pub(crate) fn cut(&self, cut: Cut) {
        self.lock().cut.get_or_insert(cut);
        self.shared.cut.notify_one();
    }

    /// Waits until somebody asks for an end.
    pub(crate) async fn wait_cut(&self) -> Cut {
        loop {
            let cut = self.lock().cut;
            match cut {
                Some(cut) => return cut,
                None => self.shared.cut.notified().await,
            }
        }
    }

    /// Announces the response that will be written after those already announced.
    pub(crate) fn deliver(&self, delivery: Delivery) {
        self.lock().deliveries.push_back(delivery);
    }

    /// Ends whatever is still under way.
    pub(crate) fn end(&self) {
        self.lock().deliveries.clear();
    }

    /// What to do with a buffer that is to be written.
    pub(crate) fn poll_next(&self, buffer: &[u8]) -> Next {
        let mut state = self.lock();
        if state.cut.is_some() {
            return Next::Never;
        }
        match state.hold {
            Some(None) => return Next::Never,
            Some(Some(wait)) => {
                state.hold = None;
                return Next::Wait(wait);
            }
            None => {}
        }
        let delivery = state.deliveries.front();
        Next::Write(delivery.map_or(buffer.len(), |delivery| delivery.step(buffer)))
    }

    /// Notes the bytes that the socket took; true if they belong to an answer of the CDN.
    pub(crate) fn on_sent(&self, bytes: &[u8]) -> bool {
        let mut state = self.lock();
        let Some(delivery) = state.deliveries.front_mut() else {
            return false;
        };
        let event = delivery.on_sent(bytes);
        let is_cdn = delivery.record().record.route.is_cdn();
        if delivery.is_done() {
            state.deliveries.pop_front();
        }
        match event {
            None => {}
            Some(Event::Hold(lasting)) => state.hold = Some(lasting),
            Some(Event::Cut(cut)) => {
                state.cut = Some(cut);
                self.shared.cut.notify_one();
            }
        }
        is_cdn
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
