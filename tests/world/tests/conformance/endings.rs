//! How an exchange that goes wrong ends: with which fault, and after which bytes.
//!
//! What to do about it is the machine's.

use engine::fault::Fault;
use engine::time::Duration;
use moshi_fetch::http::{Http, HttpBody};
use tokio::time::timeout;

use crate::arm::HubScene;
use crate::exchange::{BIG, SMALL, drain, fetch, get, locate, resolve, truth};

pub(crate) async fn a_close_in_the_body_is_a_cut<H: Http>(scene: HubScene<H>) {
    ends_in_the_body(scene, Fault::Cut).await;
}

pub(crate) async fn a_reset_in_the_body_is_one_after_what_came<H: Http>(scene: HubScene<H>) {
    ends_in_the_body(scene, Fault::Reset).await;
}

async fn ends_in_the_body<H: Http>(scene: HubScene<H>, expected: Fault) {
    let HubScene { http, hub } = scene;
    let url = locate(&http, &hub, BIG).await;
    let (head, body) = http.send(get(&url, Some(1000..2_000_000))).await.unwrap();
    assert_eq!(head.status, 206);
    let (bytes, fault) = drain(body).await;
    assert_eq!((bytes.len() as u64, fault), (STOP, Some(expected)));
    assert!(bytes == truth(&hub, BIG, 1000..1000 + STOP), "other bytes");
    let (head, _) = fetch(&http, get(&url, Some(0..1000))).await.unwrap();
    assert_eq!(head.status, 206, "the next request is none the worse");
}

pub(crate) async fn a_reset_before_the_head_is_one<H: Http>(scene: HubScene<H>) {
    let HubScene { http, hub } = scene;
    let answer = fetch(&http, get(&resolve(&hub, SMALL), None)).await;
    assert_eq!(answer, Err(Fault::Reset));
    assert_eq!(hub.stats().fired("refuse"), 1);
}

pub(crate) async fn a_door_that_is_shut_refuses<H: Http>(scene: HubScene<H>) {
    let HubScene { http, hub } = scene;
    let url = resolve(&hub, SMALL);
    assert_eq!(fetch(&http, get(&url, None)).await, Err(Fault::Reset));
    assert_eq!(fetch(&http, get(&url, None)).await, Err(Fault::Refused));
    assert_eq!(hub.stats().requests, 1);
}

pub(crate) async fn a_stalled_body_stays_pending<H: Http>(scene: HubScene<H>) {
    let HubScene { http, hub } = scene;
    let url = locate(&http, &hub, BIG).await;
    let (_, mut body) = http.send(get(&url, None)).await.unwrap();
    let mut received = 0;
    while received < STOP {
        received += body.chunk().await.unwrap().unwrap().len() as u64;
    }
    assert_eq!(received, STOP);
    let next = timeout(Duration::from_millis(100), body.chunk()).await;
    assert!(next.is_err(), "{next:?}");
    assert_eq!(hub.stats().fired("stall"), 1);
}

pub(crate) async fn a_name_that_does_not_exist_is_said_so<H: Http>(scene: HubScene<H>) {
    let HubScene { http, hub } = scene;
    let fault = fetch(&http, get("http://no-such-host.invalid/", None)).await.unwrap_err();
    let host = "no-such-host.invalid".to_owned();
    let both = [Fault::NoSuchHost(host.clone()), Fault::Lookup(host)];
    assert!(both.contains(&fault), "{fault:?}");
    assert_eq!(hub.stats().connections, 0);
}

/// Where the rules stop a body.
const STOP: u64 = 100_000;
