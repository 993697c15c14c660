//! Content-addressed storage that answers what a test wants it to, between us and the fake hub's;
//! and a stranger, to whom it may lead.
//!
//! Speaks as little HTTP as it takes, and asserts nothing.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What is wrong with the answers.
#[derive(Clone, Copy)]
pub(crate) enum Lie {
    /// The honest reconstruction, bent.
    Plan(fn(&mut Value, &Places)),
    /// Something else in its place.
    Body(fn() -> Vec<u8>),
    /// This, and then that for ever.
    Endless(&'static str, &'static str),
    /// The stranger is to be asked.
    Elsewhere,
    /// The right to ask is another one.
    Token(fn(&mut Value, &Places)),
    /// What stands beside a chunk is this, for ever.
    Shard(&'static [u8]),
}

/// Where everybody is: `host:port`.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub(crate) hub: String,
    pub(crate) liar: String,
    pub(crate) stranger: String,
}

/// One request to the liar or to the stranger.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) is_stranger: bool,
    #[expect(dead_code, reason = "for whoever reads a failure")]
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
}

/// Both of them, while they listen.
pub(crate) struct Liar {
    state: Arc<State>,
    listeners: Option<(TcpListener, TcpListener)>,
    tasks: JoinSet<()>,
}

struct State {
    lie: Lie,
    liar: SocketAddr,
    stranger: SocketAddr,
    honest: OnceLock<Honest>,
    log: Mutex<Vec<Asked>>,
    told: AtomicU64,
}

struct Honest {
    hub: String,
    cas: String,
    token: String,
}

struct Head {
    path: String,
    range: Option<String>,
    authorization: Option<String>,
}

/// The secret that opens the liar's storage. Nobody else may see it.
pub(crate) const SECRET: &str = "the-liars-own";

impl Liar {
    /// Takes two addresses, and answers nothing yet.
    pub(crate) async fn bind(lie: Lie) -> io::Result<Self> {
        let liar = TcpListener::bind("127.0.0.5:0").await?;
        let stranger = TcpListener::bind("127.0.0.6:0").await?;
        let state = State {
            lie,
            liar: liar.local_addr()?,
            stranger: stranger.local_addr()?,
            honest: OnceLock::new(),
            log: Mutex::default(),
            told: AtomicU64::new(0),
        };
        let listeners = Some((liar, stranger));
        Ok(Self { state: Arc::new(state), listeners, tasks: JoinSet::new() })
    }

    /// The rule by which a hub sends those here who ask it for a token, all but the first.
    pub(crate) fn rule(&self) -> String {
        format!("cross-host to={} route=token from=2", self.state.liar)
    }

    /// Begins to answer, by what the storage of this hub says: `host:port` of both, and a token.
    pub(crate) fn answer(&mut self, hub: &str, cas: &str, token: String) {
        let honest = Honest { hub: hub.to_owned(), cas: cas.to_owned(), token };
        drop(self.state.honest.set(honest));
        if let Some((liar, stranger)) = self.listeners.take() {
            self.tasks.spawn(listen(liar, Arc::clone(&self.state), false));
            self.tasks.spawn(listen(stranger, Arc::clone(&self.state), true));
        }
    }

    /// How many reconstructions it has given.
    pub(crate) fn told(&self) -> u64 {
        self.state.told.load(Ordering::Relaxed)
    }

    /// All that was asked so far.
    pub(crate) fn log(&self) -> Vec<Asked> {
        self.state.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn listen(listener: TcpListener, state: Arc<State>, is_stranger: bool) {
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        connections.spawn(async move {
            // Whoever was asked may have gone.
            let _ = state.serve(socket, is_stranger).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

impl State {
    /// One exchange; then the connection ends.
    async fn serve(&self, mut socket: TcpStream, is_stranger: bool) -> io::Result<()> {
        let Some(head) = read_head(&mut socket).await? else { return Ok(()) };
        let asked = Asked {
            is_stranger,
            path: head.path.clone(),
            authorization: head.authorization.clone(),
        };
        self.log.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
        if is_stranger {
            return self.be_strange(&mut socket, &head).await;
        }
        if head.path.contains("/xet-read-token/") {
            return send(&mut socket, "200 OK", "", self.token().to_string().as_bytes()).await;
        }
        if head.path.contains("/chunks/") {
            return match self.lie {
                Lie::Shard(bytes) => pour(&mut socket, b"", bytes).await,
                Lie::Plan(_) | Lie::Body(_) | Lie::Endless(..) | Lie::Elsewhere | Lie::Token(_) => {
                    send(&mut socket, "404 Not Found", "", b"{}").await
                }
            };
        }
        let bend = match self.lie {
            Lie::Plan(bend) => bend,
            Lie::Token(_) | Lie::Shard(_) => |_: &mut Value, _: &Places| {},
            Lie::Body(body) => return send(&mut socket, "200 OK", "", &body()).await,
            Lie::Endless(begin, rest) => {
                return pour(&mut socket, begin.as_bytes(), rest.as_bytes()).await;
            }
            Lie::Elsewhere => {
                let line = format!("Location: http://{}{}\r\n", self.stranger, head.path);
                return send(&mut socket, "302 Found", &line, b"").await;
            }
        };
        let Some(mut plan) = self.honest_plan(&head).await else {
            return send(&mut socket, "404 Not Found", "", b"{}").await;
        };
        bend(&mut plan, &self.places());
        self.told.fetch_add(1, Ordering::Relaxed);
        send(&mut socket, "200 OK", "", plan.to_string().as_bytes()).await
    }

    /// Noise, as much as was asked for.
    async fn be_strange(&self, socket: &mut TcpStream, head: &Head) -> io::Result<()> {
        let range = head.range.as_deref().and_then(|range| range.strip_prefix("bytes="));
        let ends = range.and_then(|range| range.split_once('-'));
        let ends = ends.and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
        let (from, to): (u64, u64) = ends.unwrap_or((0, 99));
        let len = to.saturating_sub(from).saturating_add(1).min(NOISE_MAX);
        let line = format!("Content-Range: bytes {from}-{to}/*\r\n");
        let noise: Vec<u8> = (0..len).map(|at| ((at * 0x9E37_79B9) >> 16) as u8).collect();
        send(socket, "206 Partial Content", &line, &noise).await
    }

    fn token(&self) -> Value {
        let url = format!("http://{}", self.liar);
        let mut token = json!({ "accessToken": SECRET, "exp": u32::MAX, "casUrl": url });
        if let Lie::Token(bend) = self.lie {
            bend(&mut token, &self.places());
        }
        token
    }

    fn places(&self) -> Places {
        let hub = self.honest.get().map(|honest| honest.hub.clone()).unwrap_or_default();
        Places { hub, liar: self.liar.to_string(), stranger: self.stranger.to_string() }
    }

    /// What the storage says that is asked here; nothing, if it does not know that.
    async fn honest_plan(&self, head: &Head) -> Option<Value> {
        let honest = self.honest.get()?;
        let url = format!("http://{}{}", honest.cas, head.path);
        let mut request = reqwest::Client::new().get(url).bearer_auth(&honest.token);
        if let Some(range) = &head.range {
            request = request.header("Range", range);
        }
        let answer = request.send().await.ok().filter(|answer| answer.status().is_success())?;
        serde_json::from_str(&answer.text().await.ok()?).ok()
    }
}

async fn read_head(socket: &mut TcpStream) -> io::Result<Option<Head>> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        match socket.read_u8().await {
            Ok(byte) => bytes.push(byte),
            Err(_) => return Ok(None),
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.lines();
    let path = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
    let mut head = Head { path, range: None, authorization: None };
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        match name.to_ascii_lowercase().as_str() {
            "range" => head.range = Some(value.to_owned()),
            "authorization" => head.authorization = Some(value.to_owned()),
            _ => {}
        }
    }
    Ok(Some(head))
}

async fn send(socket: &mut TcpStream, status: &str, lines: &str, body: &[u8]) -> io::Result<()> {
    let len = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len}\r\n\
         Connection: close\r\n{lines}\r\n"
    );
    socket.write_all(head.as_bytes()).await?;
    socket.write_all(body).await?;
    socket.shutdown().await
}

/// An answer that ends when nobody listens any more.
async fn pour(socket: &mut TcpStream, begin: &[u8], rest: &[u8]) -> io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
    socket.write_all(head.as_bytes()).await?;
    socket.write_all(begin).await?;
    let rest = rest.repeat((64 << 10) / rest.len().max(1) + 1);
    loop {
        socket.write_all(&rest).await?;
    }
}

const NOISE_MAX: u64 = 16 << 20;
