//! When a request has a connection of its own, and when it shares one.
//!
//! Connections are counted by the server.

use fake_hub::Route;
use moshi_fetch::http::{Http, HttpBody};

use crate::arm::{HubScene, PuppetScene};
use crate::exchange::{BIG, BIG_LEN, SMALL, drain, fetch, get, locate, settle, truth};

pub(crate) async fn requests_in_turn_share_a_connection<H: Http>(scene: HubScene<H>) {
    let HubScene { http, hub } = scene;
    let url = locate(&http, &hub, SMALL).await;
    for _ in 0..4 {
        let (head, _) = fetch(&http, get(&url, None)).await.unwrap();
        assert_eq!(head.status, 200);
    }
    assert_eq!((hub.stats().requests, hub.stats().connections), (5, 1));
}

pub(crate) async fn requests_at_once_have_a_connection_each<H: Http>(scene: HubScene<H>) {
    let HubScene { http, hub } = scene;
    let url = locate(&http, &hub, BIG).await;
    let mut bodies = Vec::new();
    for _ in 0..4 {
        let (head, body) = http.send(get(&url, None)).await.unwrap();
        assert_eq!(head.status, 200);
        bodies.push(body);
    }
    // One of them was for the redirect.
    assert_eq!((hub.stats().connections, hub.stats().connections_open), (5, 5));
    for body in bodies {
        let (bytes, fault) = drain(body).await;
        assert_eq!(fault, None);
        assert!(bytes == truth(&hub, BIG, 0..BIG_LEN), "other bytes");
    }
    assert_eq!(hub.stats().connections, 5);
}

pub(crate) async fn a_body_that_is_dropped_ends_its_connection<H: Http>(scene: HubScene<H>) {
    let HubScene { http, hub } = scene;
    let url = locate(&http, &hub, BIG).await;
    let (_, mut body) = http.send(get(&url, None)).await.unwrap();
    body.chunk().await.unwrap().unwrap();
    drop(body);
    settle().await;
    for range in [0..1000, 1000..5000] {
        let (head, bytes) = fetch(&http, get(&url, Some(range.clone()))).await.unwrap();
        assert_eq!(head.status, 206);
        assert!(bytes == truth(&hub, BIG, range), "other bytes");
    }
    let stats = hub.stats();
    assert_eq!((stats.connections, stats.connections_open), (3, 2));
    assert!(stats.body_bytes_on(Route::Cdn) < BIG_LEN, "{stats:?}");
}

pub(crate) async fn a_connection_that_was_closed_while_idle_is_no_fault<H: Http>(
    scene: PuppetScene<H>,
) {
    ends_while_idle(scene).await;
}

pub(crate) async fn a_connection_that_was_reset_while_idle_is_no_fault<H: Http>(
    scene: PuppetScene<H>,
) {
    ends_while_idle(scene).await;
}

async fn ends_while_idle<H: Http>(scene: PuppetScene<H>) {
    let PuppetScene { http, puppet, urls: [url, other] } = scene;
    let (head, _) = fetch(&http, get(&url, None)).await.unwrap();
    assert_eq!(head.status, 200);
    puppet.tell().await;
    // By the time this is answered, the client has heard of the end, too.
    fetch(&http, get(&other, None)).await.unwrap();
    assert_eq!(puppet.connections(), 2);
    let (head, body) = fetch(&http, get(&url, None)).await.unwrap();
    assert_eq!((head.status, &body[..]), (200, &b"hello"[..]));
    assert_eq!((puppet.requests().len(), puppet.connections()), (3, 3));
}
