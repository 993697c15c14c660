//! The stream hyper writes to: it counts, paces, holds and cuts off what passes.
//!
//! It obeys the connection's control value and the link, and knows no HTTP beyond that.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::connection::{Connection, Next};
use crate::link::{Bottleneck, Link};

/// A stream with a control value and a link.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    socket: S,
    connection: Connection,
    link: Arc<Link>,
    own: Bottleneck,
    /// Bytes that have passed the link and not yet been written.
    permit: usize,
    write_pause: Pause,
    read_pause: Pause,
}

impl<S> Wire<S> {
    pub(crate) fn new(socket: S, connection: Connection, link: Arc<Link>) -> Self {
        Self {
            socket,
            connection,
            link,
            own: Bottleneck::default(),
            permit: 0,
            write_pause: Pause::default(),
            read_pause: Pause::default(),
        }
    }

    pub(crate) fn into_socket(self) -> S {
        self.socket
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.read_pause.poll(cx));
            match self.link.silent_until(Instant::now()) {
                Some(until) => self.read_pause.set(until),
                None => return Pin::new(&mut self.socket).poll_read(cx, buffer),
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        loop {
            ready!(this.write_pause.poll(cx));
            let now = Instant::now();
            if let Some(until) = this.link.silent_until(now) {
                this.write_pause.set(until);
                continue;
            }
            let bytes = match this.connection.poll_next(buffer) {
                Next::Write(len) => &buffer[..len],
                Next::Wait(pause) => {
                    this.write_pause.set(now + pause);
                    continue;
                }
                Next::Never => return Poll::Pending,
            };
            if this.permit == 0 {
                this.permit = bytes.len().min(this.link.quantum());
                let passed_at = this.link.reserve(&mut this.own, this.permit as u64, now);
                if passed_at > now {
                    this.write_pause.set(passed_at);
                    continue;
                }
            }
            let bytes = &bytes[..bytes.len().min(this.permit)];
            let written = ready!(Pin::new(&mut this.socket).poll_write(cx, bytes))?;
            this.permit -= written;
            if this.connection.on_sent(&bytes[..written]) {
                this.link.on_cdn_byte(now);
            }
            return Poll::Ready(Ok(written));
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

/// A sleep that may be none.
#[derive(Debug, Default)]
struct Pause {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Pause {
    fn set(&mut self, until: Instant) {
        self.sleep = Some(Box::pin(sleep_until(until)));
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(sleep) = &mut self.sleep {
            ready!(sleep.as_mut().poll(cx));
            self.sleep = None;
        }
        Poll::Ready(())
    }
}
