//! A tiny HTTP client that reports exactly what arrived and how it ended.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use fake_hub::{Builder, FakeHub, RepoSpec};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// How the reading of an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Complete,
    Closed,
    Reset,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// One connection.
pub(crate) struct Client<S> {
    stream: S,
    host: String,
    buffer: Vec<u8>,
}

impl Client<TcpStream> {
    pub(crate) async fn connect(host: &str) -> Self {
        Self::over(TcpStream::connect(host).await.unwrap(), host)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) fn over(stream: S, host: &str) -> Self {
        Self { stream, host: host.to_owned(), buffer: Vec::new() }
    }

    /// Sends a request and reads the answer, as far as it comes.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.host);
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.answer(method == "HEAD").await
    }

    pub(crate) async fn get(&mut self, path: &str, range: &str) -> Answer {
        let range = [("Range", range)];
        self.ask("GET", path, if range[0].1.is_empty() { &[] } else { &range }, "").await
    }

    async fn answer(&mut self, is_head: bool) -> Answer {
        let mut answer =
            Answer { status: 0, headers: BTreeMap::new(), body: Vec::new(), end: End::Complete };
        let head_len = loop {
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if let Err(end) = self.fill().await {
                answer.end = end;
                return answer;
            }
        };
        let head = String::from_utf8(self.buffer.drain(..head_len).collect()).unwrap();
        let mut lines = head.lines();
        answer.status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let fields = lines.filter_map(|line| line.split_once(": "));
        answer.headers = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        if !is_head && answer.header("transfer-encoding") == "chunked" {
            return self.chunks(answer).await;
        }
        let has_body = !is_head && answer.status != 304;
        let len = if !has_body { 0 } else { answer.header("content-length").parse().unwrap() };
        while self.buffer.len() < len {
            if let Err(end) = self.fill().await {
                answer.end = end;
                break;
            }
        }
        answer.body = self.buffer.drain(..len.min(self.buffer.len())).collect();
        answer
    }

    /// Reads a body in chunks to its end.
    async fn chunks(&mut self, mut answer: Answer) -> Answer {
        loop {
            let line = self.take(b"\r\n").await;
            let len = usize::from_str_radix(line.trim_end(), 16).unwrap();
            while self.buffer.len() < len + 2 {
                self.fill().await.unwrap();
            }
            answer.body.extend(self.buffer.drain(..len));
            self.buffer.drain(..2);
            if len == 0 {
                return answer;
            }
        }
    }

    async fn take(&mut self, end: &[u8]) -> String {
        loop {
            if let Some(at) = self.buffer.windows(end.len()).position(|found| found == end) {
                let line = self.buffer.drain(..at + end.len()).collect();
                return String::from_utf8(line).unwrap();
            }
            self.fill().await.unwrap();
        }
    }

    async fn fill(&mut self) -> Result<(), End> {
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => Err(End::Closed),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Err(End::Reset),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Asks once on a new connection.
pub(crate) async fn get(url: &str, range: &str) -> Answer {
    let (host, path) = split(url);
    Client::connect(host).await.get(path, range).await
}

/// Asks once, with headers and a body.
pub(crate) async fn ask(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let (host, path) = split(url);
    Client::connect(host).await.ask(method, path, headers, body).await
}

/// The host and the path of a URL.
pub(crate) fn split(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("http://").unwrap();
    rest.split_at(rest.find('/').unwrap())
}

/// A hub with the model `o/n`, whose weights have [`WEIGHTS_LEN`] bytes.
pub(crate) fn hub() -> Builder {
    FakeHub::builder().repo(RepoSpec::synthetic("o/n", WEIGHTS_LEN)).seed(7)
}

/// The same with rules.
pub(crate) async fn hub_with(rules: &[&str]) -> FakeHub {
    let builder = rules.iter().fold(hub(), |builder, rule| builder.rule(rule.parse().unwrap()));
    builder.start().await.unwrap()
}

/// Where the hub says the weights are.
pub(crate) async fn locate(hub: &FakeHub) -> String {
    let url = format!("{}/o/n/resolve/main/{WEIGHTS}", hub.endpoint());
    let answer = ask("HEAD", &url, &[], "").await;
    assert_eq!(answer.status, 302);
    answer.header("location").to_owned()
}

/// What the weights really are.
pub(crate) fn weights(hub: &FakeHub) -> Vec<u8> {
    bytes_of(hub, "main")
}

pub(crate) fn bytes_of(hub: &FakeHub, revision: &str) -> Vec<u8> {
    let file = hub.file("o/n", revision, WEIGHTS).unwrap();
    let len = file.content.len() as usize;
    file.content.open().unwrap().read_at(0, len).unwrap().to_vec()
}

pub(crate) const WEIGHTS: &str = "model.safetensors";
pub(crate) const WEIGHTS_LEN: u64 = 300_000;
