//! A server that says, word for word, what it was told to.
//!
//! Knows no HTTP but where a request without a body ends.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use fake_hub::Socket;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::task::yield_now;

/// What to answer to one request.
pub(crate) struct Reply {
    pub(crate) words: &'static [u8],
    pub(crate) then: Then,
}

/// What to do after that.
#[derive(Clone, Copy)]
pub(crate) enum Then {
    Listen,
    Close,
    CloseWhenTold,
    ResetWhenTold,
}

/// A server with a list of replies, one for each request, whatever connection it comes on.
pub(crate) struct Puppet {
    replies: Mutex<VecDeque<&'static Reply>>,
    requests: Mutex<Vec<String>>,
    connections: AtomicUsize,
    told: Notify,
    done: Notify,
}

impl Puppet {
    pub(crate) fn new(replies: &[&'static Reply]) -> Self {
        Self {
            replies: Mutex::new(replies.iter().copied().collect()),
            requests: Mutex::default(),
            connections: AtomicUsize::new(0),
            told: Notify::new(),
            done: Notify::new(),
        }
    }

    /// The heads of all requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// How many connections there were so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Tells a connection that waits for it to end, and waits until it has.
    pub(crate) async fn tell(&self) {
        self.told.notify_one();
        self.done.notified().await;
    }

    /// Plays on one connection.
    pub(crate) async fn play<S: Socket>(self: std::sync::Arc<Self>, mut socket: S) {
        self.connections.fetch_add(1, Ordering::SeqCst);
        while let Some(head) = read_head(&mut socket).await {
            self.requests.lock().unwrap().push(head);
            let reply = self.replies.lock().unwrap().pop_front().expect("one for each request");
            socket.write_all(reply.words).await.unwrap();
            match reply.then {
                Then::Listen => {}
                Then::Close => return,
                Then::CloseWhenTold => {
                    self.told.notified().await;
                    drop(socket);
                    return self.done.notify_one();
                }
                Then::ResetWhenTold => {
                    self.told.notified().await;
                    socket.abort();
                    drop(socket);
                    return self.done.notify_one();
                }
            }
            yield_now().await;
        }
    }
}

/// Everything up to an empty line; `None` when nothing more comes.
async fn read_head<S: Socket>(socket: &mut S) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).unwrap())
}
