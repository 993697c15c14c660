//! What every case does: ask, read to the end, let the other tasks go on.
//!
//! Judges nothing.

use std::ops::Range;

use engine::fault::Fault;
use engine::hub::head::Head;
use engine::hub::request::Request;
use fake_hub::Hub;
use moshi_fetch::http::{Http, HttpBody};

/// A `GET`, of a range if one is given.
pub(crate) fn get(url: &str, range: Option<Range<u64>>) -> Request {
    let mut request = Request::get(url.parse().unwrap());
    if let Some(range) = range {
        request.headers.push(("range", format!("bytes={}-{}", range.start, range.end - 1)));
    }
    request
}

/// Sends a request and reads the whole answer.
pub(crate) async fn fetch<H: Http>(http: &H, request: Request) -> Result<(Head, Vec<u8>), Fault> {
    let (head, body) = http.send(request).await?;
    match drain(body).await {
        (bytes, None) => Ok((head, bytes)),
        (_, Some(fault)) => Err(fault),
    }
}

/// Reads a body to its end, good or bad.
pub(crate) async fn drain<B: HttpBody>(mut body: B) -> (Vec<u8>, Option<Fault>) {
    let mut bytes = Vec::new();
    loop {
        match body.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => {
                settle().await;
                return (bytes, None);
            }
            Err(fault) => return (bytes, Some(fault)),
        }
    }
}

/// Lets everything go on that waits for nothing but its turn.
pub(crate) async fn settle() {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}

/// Where the bytes of a file are: of a big one, the signed URL.
pub(crate) async fn locate<H: Http>(http: &H, hub: &Hub, path: &str) -> String {
    let request = get(&resolve(hub, path), None);
    let (head, _) = fetch(http, request.clone()).await.unwrap();
    assert_eq!(head.status, if path == BIG { 302 } else { 307 });
    request.url.join(head.location().unwrap()).unwrap().into()
}

/// Where the hub has a file.
pub(crate) fn resolve(hub: &Hub, path: &str) -> String {
    format!("{}/{REPO}/resolve/main/{path}", hub.endpoint())
}

/// What is in a range of a file.
pub(crate) fn truth(hub: &Hub, path: &str, range: Range<u64>) -> Vec<u8> {
    let content = hub.file(REPO, "main", path).unwrap().content;
    let len = usize::try_from(range.end - range.start).unwrap();
    content.open().unwrap().read_at(range.start, len).unwrap().to_vec()
}

pub(crate) const REPO: &str = "org/name";
pub(crate) const BIG: &str = "big.bin";
pub(crate) const BIG_LEN: u64 = 3_000_000;
pub(crate) const SMALL: &str = "config.json";
pub(crate) const EMPTY: &str = "empty.txt";
pub(crate) const TOKEN: &str = "hf_good";

/// More than any chain of wake-ups in a client is long.
const TURNS: u32 = 20;
