//! A server between us and a fake hub that passes requests on, or answers them itself as a test
//! wants it to: a mirror, a proxy, a login page, or no hub at all.
//!
//! Speaks as little HTTP as it takes, and asserts nothing.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// How many came before it.
    pub(crate) index: usize,
}

/// What is done with a request.
pub(crate) enum Reply {
    /// The hub answers it.
    Pass,
    /// The hub answers it, and its answer is changed.
    Bend(fn(&mut Answer)),
    /// This is the answer.
    Say(Answer),
    /// This is the answer, and its body comes byte by byte, one a second.
    Dribble(Answer),
}

/// An answer, which has the length of its body in its head unless it is chunked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) is_chunked: bool,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into(), ..Self::default() }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn html(status: u16, body: &str) -> Self {
        Self::new(status, body).with("Content-Type", "text/html")
    }

    /// Takes a header away.
    pub(crate) fn without(&mut self, name: &str) {
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
    }
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// The server, while it listens.
pub(crate) struct Mirror {
    address: SocketAddr,
    log: Arc<Mutex<Vec<Asked>>>,
    _task: JoinSet<()>,
}

type Rule = dyn Fn(&Asked) -> Reply + Send + Sync;

impl Mirror {
    /// Begins to answer on an address of its own; `hub` is the endpoint that answers what is passed
    /// on.
    pub(crate) async fn start(
        hub: String,
        rule: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.3:0").await?;
        let address = listener.local_addr()?;
        let log = Arc::new(Mutex::new(Vec::new()));
        let mut task = JoinSet::new();
        task.spawn(listen(listener, hub, Arc::new(rule), Arc::clone(&log)));
        Ok(Self { address, log, _task: task })
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All that was asked so far.
    pub(crate) fn log(&self) -> Vec<Asked> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn listen(listener: TcpListener, hub: String, rule: Arc<Rule>, log: Arc<Mutex<Vec<Asked>>>) {
    let mut connections = JoinSet::new();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let Ok(client) = client.no_proxy().build() else { return };
    while let Ok((mut socket, _)) = listener.accept().await {
        let (hub, rule, log) = (hub.clone(), Arc::clone(&rule), Arc::clone(&log));
        let client = client.clone();
        connections.spawn(async move {
            let Ok(Some(mut asked)) = read(&mut socket).await else { return };
            {
                let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                asked.index = log.len();
                log.push(asked.clone());
            }
            let answer = match rule(&asked) {
                Reply::Say(answer) => Some(answer),
                Reply::Dribble(answer) => return drop(dribble(&mut socket, &answer).await),
                Reply::Pass => pass(&client, &hub, &asked).await,
                Reply::Bend(bend) => pass(&client, &hub, &asked).await.map(|mut answer| {
                    bend(&mut answer);
                    answer
                }),
            };
            if let Some(answer) = answer {
                // Whoever asked may have gone.
                let _ = send(&mut socket, &asked, &answer).await;
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

/// What the hub answers.
async fn pass(client: &reqwest::Client, hub: &str, asked: &Asked) -> Option<Answer> {
    let method = reqwest::Method::from_bytes(asked.method.as_bytes()).ok()?;
    let mut request = client.request(method, format!("{hub}{}", asked.target));
    for (name, value) in &asked.headers {
        if !["host", "connection", "content-length"].contains(&name.to_ascii_lowercase().as_str()) {
            request = request.header(name, value);
        }
    }
    let answer = request.body(asked.body.clone()).send().await.ok()?;
    let status = answer.status().as_u16();
    let headers = answer.headers().iter().filter_map(|(name, value)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    });
    let headers = headers.collect();
    let body = answer.bytes().await.ok()?.to_vec();
    Some(Answer { status, headers, body, is_chunked: false })
}

async fn read(socket: &mut TcpStream) -> io::Result<Option<Asked>> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        match socket.read_u8().await {
            Ok(byte) => bytes.push(byte),
            Err(_) => return Ok(None),
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut lines = text.lines();
    let mut words = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut asked = Asked { method, target, headers, body: Vec::new(), index: 0 };
    let len = asked.header("content-length").and_then(|len| len.parse().ok()).unwrap_or(0);
    asked.body = vec![0; len];
    socket.read_exact(&mut asked.body).await?;
    Ok(Some(asked))
}

async fn dribble(socket: &mut TcpStream, answer: &Answer) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} X\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", answer.body.len()));
    socket.write_all(head.as_bytes()).await?;
    for byte in &answer.body {
        socket.write_all(&[*byte]).await?;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    socket.shutdown().await
}

async fn send(socket: &mut TcpStream, asked: &Asked, answer: &Answer) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} X\r\nConnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let has_length =
        answer.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    if answer.is_chunked {
        head.push_str("Transfer-Encoding: chunked\r\n");
    } else if !has_length {
        head.push_str(&format!("Content-Length: {}\r\n", answer.body.len()));
    }
    head.push_str("\r\n");
    socket.write_all(head.as_bytes()).await?;
    if asked.method != "HEAD" {
        if answer.is_chunked {
            for chunk in answer.body.chunks(1 << 16) {
                socket.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await?;
                socket.write_all(chunk).await?;
                socket.write_all(b"\r\n").await?;
            }
            socket.write_all(b"0\r\n\r\n").await?;
        } else {
            socket.write_all(&answer.body).await?;
        }
    }
    socket.shutdown().await
}
