//! The way from a fetch to whoever listens: as long as nobody does, figures are added up and what
//! is only of the moment is dropped, so that it never grows with the bytes that come.
//!
//! Knows no wording, and never makes the sender wait.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use engine::event::Event;

use super::News;

/// A way, by both of its ends.
pub(crate) fn queue() -> (NewsSender, NewsInbox) {
    let shared = Arc::new(Mutex::new(Queue { senders: 1, ..Queue::default() }));
    (NewsSender { shared: Arc::clone(&shared) }, NewsInbox { shared })
}

/// The end that tells. When the last of its clones goes, nothing more will come.
#[derive(Debug)]
pub(crate) struct NewsSender {
    shared: Arc<Mutex<Queue>>,
}

/// The end that listens.
#[derive(Debug)]
pub(crate) struct NewsInbox {
    shared: Arc<Mutex<Queue>>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<News>,
    senders: usize,
    is_deaf: bool,
    waker: Option<Waker>,
}

impl Queue {
    fn push(&mut self, news: News) {
        let is_slow = self.waiting.len() >= FEW;
        let is_merged =
            is_slow && self.waiting.iter_mut().rev().take(FEW).any(|last| merge(last, &news));
        let is_too_much = self.waiting.len() >= MANY && is_of_the_moment(&news);
        if !is_merged && !is_too_much {
            self.waiting.push_back(news);
        }
    }
}

impl NewsSender {
    /// Tells something. Nobody may be listening.
    pub(crate) fn send(&self, news: News) {
        let mut queue = lock(&self.shared);
        if !queue.is_deaf {
            queue.push(news);
            queue.waker.take().into_iter().for_each(Waker::wake);
        }
    }
}

impl Clone for NewsSender {
    fn clone(&self) -> Self {
        lock(&self.shared).senders += 1;
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl Drop for NewsSender {
    fn drop(&mut self) {
        let mut queue = lock(&self.shared);
        queue.senders -= 1;
        if queue.senders == 0 {
            queue.waker.take().into_iter().for_each(Waker::wake);
        }
    }
}

impl NewsInbox {
    /// The next news; `None` when there will be no more.
    pub(crate) async fn recv(&mut self) -> Option<News> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    /// The same, for a stream.
    pub(crate) fn poll_recv(&self, context: &Context<'_>) -> Poll<Option<News>> {
        let mut queue = lock(&self.shared);
        match queue.waiting.pop_front() {
            None if queue.senders > 0 => {
                queue.waker = Some(context.waker().clone());
                Poll::Pending
            }
            news => Poll::Ready(news),
        }
    }
}

impl Drop for NewsInbox {
    fn drop(&mut self) {
        let mut queue = lock(&self.shared);
        queue.is_deaf = true;
        queue.waiting.clear();
    }
}

/// Adds a figure to what was told of the same file. False if these two are not figures of a kind.
fn merge(last: &mut News, next: &News) -> bool {
    let News::Transfer { event: last, at, open_requests } = last else { return false };
    let News::Transfer { event: next, at: later, open_requests: open } = next else { return false };
    match (&mut *last, next) {
        (Event::Received { file, len }, Event::Received { file: same, len: more })
            if file == same =>
        {
            *len += more;
        }
        (Event::Proven { file, .. }, Event::Proven { file: same, .. }) if file == same => {
            *last = next.clone();
        }
        (Event::Vouched { file, .. }, Event::Vouched { file: same, .. }) if file == same => {
            *last = next.clone();
        }
        (_, _) => return false,
    }
    (*at, *open_requests) = (*later, *open);
    true
}

/// Whether news are worth nothing to whoever hears them late.
const fn is_of_the_moment(news: &News) -> bool {
    matches!(
        news,
        News::Transfer {
            event: Event::Received { .. }
                | Event::Proven { .. }
                | Event::Vouched { .. }
                | Event::Chunk { .. }
                | Event::Fault { .. }
                | Event::Waiting { .. }
                | Event::Split { .. }
                | Event::Down { .. }
                | Event::Up { .. },
            ..
        }
    )
}

fn lock(shared: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who is no further behind than this misses nothing, and gets everything one by one.
const FEW: usize = 256;
/// What is only of the moment is dropped when so much is waiting.
const MANY: usize = 4096;

#[cfg(test)]
mod tests {
    use engine::fault::Fault;
    use engine::manifest::FileId;
    use engine::time::{Duration, Instant};

    use super::*;

    fn news(event: Event, second: u64) -> News {
        let at = Instant::at(Duration::from_secs(second));
        News::Transfer { event, at, open_requests: 1 }
    }

    async fn drain(mut inbox: NewsInbox) -> Vec<News> {
        let mut all = Vec::new();
        while let Some(news) = inbox.recv().await {
            all.push(news);
        }
        all
    }

    #[tokio::test]
    async fn figures_are_added_up_while_nobody_listens_and_ends_are_never_lost() {
        let (sender, inbox) = queue();
        for second in 0..100_000 {
            let file = FileId(u32::try_from(second % 3).unwrap());
            sender.send(news(Event::Received { file, len: 7 }, second));
            sender.send(news(Event::Proven { file, proven: second }, second));
            sender.send(news(Event::Fault { file, fault: Fault::Reset, wasted: 0 }, second));
        }
        for file in 0..10_000 {
            sender.send(news(Event::Sealed { file: FileId(file) }, 100_000));
        }
        drop(sender);
        let all = drain(inbox).await;
        let count = |is: fn(&Event) -> bool| {
            let of = |news: &&News| matches!(news, News::Transfer { event, .. } if is(event));
            all.iter().filter(of).count()
        };
        assert_eq!(count(|event| matches!(event, Event::Sealed { .. })), 10_000);
        assert!(all.len() < 10_000 + MANY + FEW, "{} are kept", all.len());
        let mut received = 0;
        for news in &all {
            if let News::Transfer { event: Event::Received { len, .. }, .. } = news {
                received += len;
            }
        }
        assert!(received > 0 && received <= 700_000, "{received}");
    }

    #[tokio::test]
    async fn who_keeps_up_hears_everything_in_order() {
        let (sender, mut inbox) = queue();
        for second in 0..1000 {
            let event = Event::Proven { file: FileId(0), proven: second };
            sender.clone().send(news(event.clone(), second));
            assert_eq!(inbox.recv().await, Some(news(event, second)));
        }
        drop(sender);
        assert_eq!(inbox.recv().await, None);
    }
}
