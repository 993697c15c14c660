//! A proxy that does its work, or refuses to.
//!
//! Knows as much of HTTP (RFC 9110, section 9.3.6) and SOCKS 5 (RFC 1928) as one client needs.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a proxy does with those who come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    /// Brings them where they want to go, by HTTP.
    Forward,
    /// The same, by SOCKS 5, without credentials.
    Socks,
    /// Answers everything with this status.
    Answer(u16),
}

/// A proxy.
pub(crate) struct Middleman {
    port: u16,
    count: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Middleman {
    pub(crate) async fn new(manner: Manner) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(stream, manner));
            }
        });
        Self { port, count, serving }
    }

    /// How many connections it got.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn address(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.authority())
    }

    /// Ends it: from now on nobody listens at its address, which is told.
    pub(crate) async fn close(self) -> String {
        self.serving.abort();
        // The listener is closed when the task is gone.
        let _ = self.serving.await;
        format!("http://127.0.0.1:{}", self.port)
    }
}

async fn serve(mut stream: TcpStream, manner: Manner) -> io::Result<()> {
    match manner {
        Manner::Forward => forward(stream).await,
        Manner::Socks => socks(stream).await,
        Manner::Answer(status) => {
            read_head(&mut stream).await?;
            let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await
        }
    }
}

async fn forward(mut client: TcpStream) -> io::Result<()> {
    let head = read_head(&mut client).await?;
    let (method, rest) = head.split_once(' ').ok_or(io::ErrorKind::InvalidData)?;
    if method == "CONNECT" {
        let authority = rest.split(' ').next().unwrap_or_default();
        let mut server = TcpStream::connect(authority).await?;
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
        return copy_bidirectional(&mut client, &mut server).await.map(drop);
    }
    // A request in absolute form; the hub is told the path, and to close the connection.
    let rest = rest.strip_prefix("http://").ok_or(io::ErrorKind::InvalidData)?;
    let (authority, rest) = rest.split_once('/').ok_or(io::ErrorKind::InvalidData)?;
    let mut server = TcpStream::connect(authority).await?;
    let rest = rest.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    server.write_all(format!("{method} /{rest}").as_bytes()).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

async fn socks(mut client: TcpStream) -> io::Result<()> {
    let mut greeting = [0; 2];
    client.read_exact(&mut greeting).await?;
    client.read_exact(&mut vec![0; greeting[1].into()]).await?;
    client.write_all(&[5, 0]).await?;
    let mut request = [0; 5];
    client.read_exact(&mut request).await?;
    // A name (3), as `socks5h` promises: it is looked up here.
    if request[..4] != [5, 1, 0, 3] {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut name = vec![0; request[4].into()];
    client.read_exact(&mut name).await?;
    let port = client.read_u16().await?;
    let mut server = TcpStream::connect((&*String::from_utf8_lossy(&name), port)).await?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

async fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
