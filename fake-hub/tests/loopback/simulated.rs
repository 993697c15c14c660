//! The hub without sockets: the same connections over pipes in memory.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use fake_hub::{FakeHub, Host, Hub, RepoSpec, Socket};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use crate::client::{Client, End};

/// A pipe that notes that it was reset.
struct Pipe {
    stream: DuplexStream,
    is_reset: Arc<AtomicBool>,
}

impl Socket for Pipe {
    fn is_drained(&self) -> bool {
        true
    }

    fn abort(&mut self) {
        self.is_reset.store(true, Ordering::SeqCst);
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A connection to a hub without sockets, by the name of one of its hosts.
pub(crate) fn dial(hub: &Arc<Hub>, host: &str) -> Client<DuplexStream> {
    let (near, far) = tokio::io::duplex(1 << 16);
    let is_reset = Arc::new(AtomicBool::new(false));
    tokio::spawn(hub.clone().serve(Pipe { stream: far, is_reset }));
    Client::over(near, host)
}

#[tokio::test(start_paused = true)]
async fn a_hub_needs_no_socket() {
    let hub = FakeHub::builder()
        .repo(RepoSpec::synthetic("o/n", 100_000))
        .rule("rst after=50KB route=cdn".parse().unwrap())
        .rule("refuse route=api for=10s".parse().unwrap())
        .epoch(Duration::from_secs(1_700_000_000))
        .build("hub:80", "cdn:80")
        .unwrap();
    let is_reset = Arc::new(AtomicBool::new(false));
    let dial = |host| {
        let (near, far) = tokio::io::duplex(1 << 16);
        tokio::spawn(hub.clone().serve(Pipe { stream: far, is_reset: is_reset.clone() }));
        Client::over(near, host)
    };
    let answer = dial("hub:80").get("/o/n/resolve/main/model.safetensors", "").await;
    assert_eq!(answer.header("date"), "Tue, 14 Nov 2023 22:13:20 GMT");
    let path = answer.header("location").strip_prefix("http://cdn:80").unwrap();
    assert!(path.contains("Expires=1700003600&"));
    let answer = dial("cdn:80").get(path, "").await;
    assert_eq!((answer.end, answer.body.len()), (End::Closed, 50_000));
    assert!(is_reset.load(Ordering::SeqCst));
    assert_eq!(hub.stats().fired("rst"), 1);

    let start = tokio::time::Instant::now();
    assert_eq!(dial("hub:80").get("/api/models/o/n", "").await.status, 0);
    hub.door(Host::Hub).wait_shut().await;
    hub.door(Host::Hub).wait_open().await;
    assert!(start.elapsed() >= Duration::from_secs(10));
}
