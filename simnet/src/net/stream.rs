//! The client's end of a simulated connection: counts, and hears of resets.
//!
//! Delays nothing: the other end does that.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use turmoil::net::TcpStream;

use super::close_reason::{CloseReason, End};
use super::connection_log::Ending;
use super::{Network, now};

/// A connection, as a client has it.
#[derive(Debug)]
pub struct Stream {
    tcp: TcpStream,
    reason: CloseReason,
    entry: Entry,
}

/// An attempt's place in the connections. Dropping it ends the attempt there.
#[derive(Debug)]
pub(super) struct Entry {
    network: Network,
    number: usize,
}

impl Stream {
    pub(super) fn new(tcp: TcpStream, reason: CloseReason, entry: Entry) -> Self {
        Self { tcp, reason, entry }
    }
}

impl Entry {
    pub(super) fn new(network: &Network, client: u64, host: &str) -> Self {
        let number = network.connections().on_ask(client, host, now().unwrap_or_default());
        Self { network: network.clone(), number }
    }

    pub(super) const fn number(&self) -> usize {
        self.number
    }

    pub(super) fn open(&self) {
        self.network.connections().on_open(self.number, now().unwrap_or_default());
    }

    pub(super) fn end(&self, ending: Ending) {
        self.network.shared.reasons.forget(self.number);
        self.network.connections().on_end(self.number, ending, now());
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.end(Ending::Dropped);
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.reason.wake_later(cx);
        if self.reason.end() == Some(End::Loss) {
            self.entry.end(Ending::Reset);
            return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
        }
        let before = buffer.filled().len();
        let result = ready!(Pin::new(&mut self.tcp).poll_read(cx, buffer));
        let len = buffer.filled().len() - before;
        if result.is_ok() && (len > 0 || buffer.remaining() == 0) {
            let Entry { network, number } = &self.entry;
            network.connections().on_received(*number, len as u64, now().unwrap_or_default());
            return Poll::Ready(Ok(()));
        }
        match (self.reason.end(), result) {
            (Some(End::Silence), _) => {
                let Entry { network, number } = &self.entry;
                network.connections().on_silence(*number);
                Poll::Pending
            }
            (Some(End::Reset | End::Loss), _) => {
                self.entry.end(Ending::Reset);
                Poll::Ready(Err(ErrorKind::ConnectionReset.into()))
            }
            (None, Ok(())) => {
                self.entry.end(Ending::Closed);
                Poll::Ready(Ok(()))
            }
            (None, Err(error)) => {
                self.entry.end(Ending::Reset);
                Poll::Ready(Err(error))
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.tcp).poll_write(cx, buffer));
        let len = match (self.reason.end(), result) {
            (_, Ok(len)) => len,
            // Into the void.
            (Some(End::Silence), Err(_)) => buffer.len(),
            (Some(End::Reset | End::Loss), Err(_)) => {
                return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
            }
            (None, Err(error)) => return Poll::Ready(Err(error)),
        };
        let Entry { network, number } = &self.entry;
        network.connections().on_sent(*number, len as u64, now());
        Poll::Ready(Ok(len))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
