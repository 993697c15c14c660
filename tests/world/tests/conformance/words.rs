//! Answers that no hub gives, word for word, and what is made of them.
//!
//! HTTP itself is hyper's affair; this is where its two users could differ.

use engine::fault::Fault;
use moshi_fetch::http::Http;

use crate::arm::PuppetScene;
use crate::exchange::{fetch, get};
use crate::puppet::{Reply, Then};

pub(crate) async fn a_request_says_no_more_than_it_must<H: Http>(scene: PuppetScene<H>) {
    let PuppetScene { http, puppet, urls: [url, _] } = scene;
    fetch(&http, get(&format!("{url}a%20b?c=d#e"), Some(5..10))).await.unwrap();
    let requests = puppet.requests();
    let (first, fields) = requests[0].split_once("\r\n").unwrap();
    assert_eq!(first, "GET /a%20b?c=d HTTP/1.1");
    let authority = url.trim_start_matches("http://").trim_end_matches('/');
    let mut fields: Vec<_> = fields.trim().split("\r\n").map(str::to_lowercase).collect();
    fields.sort();
    let agent = concat!("user-agent: moshi-fetch/", env!("CARGO_PKG_VERSION"));
    let host = format!("host: {authority}");
    assert_eq!(
        fields,
        ["accept-encoding: identity", "accept: */*", &host, "range: bytes=5-9", agent]
    );
}

pub(crate) async fn a_chunked_body_is_put_together<H: Http>(scene: PuppetScene<H>) {
    let (head, body) = fetch(&scene.http, get(&scene.urls[0], None)).await.unwrap();
    assert_eq!((head.status, &body[..]), (200, &b"hello, world"[..]));
    assert_eq!(head.content_length(), None);
}

pub(crate) async fn a_chunked_body_that_ends_early_is_a_cut<H: Http>(scene: PuppetScene<H>) {
    assert_eq!(fetch(&scene.http, get(&scene.urls[0], None)).await, Err(Fault::Cut));
}

pub(crate) async fn a_body_may_end_with_its_connection<H: Http>(scene: PuppetScene<H>) {
    let (head, body) = fetch(&scene.http, get(&scene.urls[0], None)).await.unwrap();
    assert_eq!((head.status, &body[..]), (200, &b"hello"[..]));
}

pub(crate) async fn odd_bytes_in_a_header_do_no_harm<H: Http>(scene: PuppetScene<H>) {
    let (head, body) = fetch(&scene.http, get(&scene.urls[0], None)).await.unwrap();
    assert_eq!((head.status, body.len()), (200, 0));
    assert_eq!(head.header("x-odd"), Some("caf\u{fffd} \u{fffd}\u{fffd} ok"));
    assert_eq!(head.header("x-twice"), Some("a, b"));
}

pub(crate) async fn an_interim_answer_is_passed_over<H: Http>(scene: PuppetScene<H>) {
    let (head, body) = fetch(&scene.http, get(&scene.urls[0], None)).await.unwrap();
    assert_eq!((head.status, &body[..]), (200, &b"hello"[..]));
}

pub(crate) async fn nonsense_is_told<H: Http>(scene: PuppetScene<H>) {
    let fetched = fetch(&scene.http, get(&scene.urls[0], None)).await;
    assert!(matches!(fetched, Err(Fault::Malformed(_))), "{fetched:?}");
}

pub(crate) async fn a_close_without_a_word_is_a_cut<H: Http>(scene: PuppetScene<H>) {
    assert_eq!(fetch(&scene.http, get(&scene.urls[0], None)).await, Err(Fault::Cut));
    assert_eq!(scene.puppet.connections(), 1, "nobody asks again by himself");
}

const fn reply(words: &'static [u8], then: Then) -> Reply {
    Reply { words, then }
}

pub(crate) static OK: Reply = reply(HELLO, Then::Listen);
pub(crate) static CLOSED_WHEN_TOLD: Reply = reply(HELLO, Then::CloseWhenTold);
pub(crate) static RESET_WHEN_TOLD: Reply = reply(HELLO, Then::ResetWhenTold);
pub(crate) static CHUNKED: Reply = reply(
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
      5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\nx-end: 1\r\n\r\n",
    Then::Listen,
);
pub(crate) static CHUNKED_CUT: Reply = reply(
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7\r\n, w",
    Then::Close,
);
pub(crate) static UNBOUNDED: Reply = reply(b"HTTP/1.1 200 OK\r\n\r\nhello", Then::Close);
pub(crate) static ODD: Reply = reply(
    b"HTTP/1.1 200 F\xfcr dich\r\nX-Odd: caf\xe9 \x80\xff ok\r\nX-Twice: a\r\nx-twice: b\r\n\
      Content-Length: 0\r\n\r\n",
    Then::Listen,
);
pub(crate) static INTERIM: Reply = reply(
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n\
      HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    Then::Listen,
);
pub(crate) static NONSENSE: Reply = reply(b"SSH-2.0-OpenSSH_9.9\r\n\r\n", Then::Close);
pub(crate) static NOTHING: Reply = reply(b"", Then::Close);

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
