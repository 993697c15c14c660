//! The server's end of a simulated connection: everything it writes goes through the link.
//!
//! What it reads is not delayed, but for outages: requests are small.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use fake_hub::Socket;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use turmoil::net::TcpStream;
use turmoil::net::tcp::OwnedReadHalf;

use super::pipe::{Load, PATIENCE, Pipe, Standing};
use super::{Network, now};

/// A connection, as a server has it.
#[derive(Debug)]
pub struct Served {
    network: Network,
    pipe: Arc<Pipe>,
    read_half: OwnedReadHalf,
    read_pause: Option<Pin<Box<Sleep>>>,
    write_pause: Option<Pin<Box<Sleep>>>,
    /// Runs since the connection fell silent.
    patience: Option<Pin<Box<Sleep>>>,
    is_used: bool,
    is_aborted: bool,
    is_ended: bool,
}

impl Served {
    /// A connection that was accepted; `None` if the link has no place for it, and it was reset.
    pub(super) fn accept(network: &Network, tcp: TcpStream) -> io::Result<Option<Self>> {
        let reason = network.shared.reasons.accept(tcp.peer_addr()?);
        let Ok(connection) = network.link().open(now().unwrap_or_default()) else {
            reason.seal(super::close_reason::End::Reset);
            return Ok(None);
        };
        let (read_half, write_half) = tcp.into_split();
        let pipe = Arc::new(Pipe::new(network.shared.link.clone(), connection, reason));
        // Outlives the server's interest: what was written still arrives.
        tokio::spawn(pipe.clone().carry(write_half));
        Ok(Some(Self {
            network: network.clone(),
            pipe,
            read_half,
            read_pause: None,
            write_pause: None,
            patience: None,
            is_used: false,
            is_aborted: false,
            is_ended: false,
        }))
    }

    /// Whether the connection can be used; a silent one cannot, until patience ends.
    fn poll_usable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.pipe.standing() {
            Standing::Good => Poll::Ready(Ok(())),
            Standing::Failed(kind) => Poll::Ready(Err(kind.into())),
            Standing::Silent => {
                let patience = self.patience.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
                ready!(patience.as_mut().poll(cx));
                Poll::Ready(Err(ErrorKind::TimedOut.into()))
            }
        }
    }

    fn end(&mut self, load: Load) {
        if !self.is_ended {
            self.is_ended = true;
            self.pipe.send(load);
        }
    }
}

impl Socket for Served {
    fn is_drained(&self) -> bool {
        self.pipe.is_empty()
    }

    fn abort(&mut self) {
        self.is_aborted = true;
    }
}

impl AsyncRead for Served {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            this.pipe.wake_later(cx);
            ready!(this.poll_usable(cx))?;
            ready!(poll_pause(&mut this.read_pause, cx));
            let now = now().unwrap_or_default();
            if let Some(until) = this.network.silent_until(now) {
                this.read_pause = Some(Box::pin(sleep(until.since(now))));
                continue;
            }
            let before = buffer.filled().len();
            if let Err(error) = ready!(Pin::new(&mut this.read_half).poll_read(cx, buffer)) {
                this.pipe.fail(error.kind());
                return Poll::Ready(Err(error));
            }
            if this.pipe.hear() {
                let reuse = this.pipe.reuse();
                if this.is_used && !reuse.is_zero() {
                    this.write_pause = Some(Box::pin(sleep(reuse)));
                }
                return Poll::Ready(Ok(()));
            }
            buffer.set_filled(before);
        }
    }
}

impl AsyncWrite for Served {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        loop {
            this.pipe.wake_later(cx);
            ready!(this.poll_usable(cx))?;
            ready!(poll_pause(&mut this.write_pause, cx));
            match this.pipe.room_at() {
                None => return Poll::Pending,
                Some(at) if at > Instant::now() => {
                    this.write_pause = Some(Box::pin(sleep_until(at)));
                }
                Some(_) => {
                    this.is_used = true;
                    let len = buffer.len().min(this.pipe.quantum());
                    this.pipe.send(Load::Bytes(Bytes::copy_from_slice(&buffer[..len])));
                    return Poll::Ready(Ok(len));
                }
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end(Load::Close);
        Poll::Ready(Ok(()))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.end(if self.is_aborted { Load::Reset } else { Load::Close });
    }
}

fn poll_pause(pause: &mut Option<Pin<Box<Sleep>>>, cx: &mut Context<'_>) -> Poll<()> {
    if let Some(sleep) = pause {
        ready!(sleep.as_mut().poll(cx));
        *pause = None;
    }
    Poll::Ready(())
}
