//! Every fault, told once and seen by the client; each test checks that the fault fired.

use std::io::ErrorKind;
use std::time::Duration;

use fake_hub::Route;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::client::{
    Client, End, WEIGHTS_LEN, ask, bytes_of, get, hub_with, locate, split, weights,
};

#[tokio::test]
async fn cuts_come_exactly_where_they_should() {
    for (kind, end) in [("rst", End::Reset), ("fin", End::Closed)] {
        let hub = hub_with(&[&format!("{kind} after=123456 route=cdn times=1")]).await;
        let location = locate(&hub).await;
        let answer = get(&location, "").await;
        assert_eq!((answer.status, answer.end, answer.body.len()), (200, end, 123_456));
        assert!(answer.body == weights(&hub)[..123_456]);
        let stats = hub.stats();
        assert_eq!((stats.fired(kind), stats.body_bytes_on(Route::Cdn)), (1, 123_456));
        assert_eq!(hub.requests().last().unwrap().fault.as_deref(), Some(kind));
        assert_eq!(get(&location, "").await.end, End::Complete);
    }
}

#[tokio::test]
async fn a_cut_can_come_before_the_first_byte() {
    let hub = hub_with(&["rst route=cdn"]).await;
    let answer = get(&locate(&hub).await, "").await;
    assert_eq!((answer.status, answer.end, answer.body.len()), (200, End::Reset, 0));
    assert_eq!(hub.stats().fired("rst"), 1);
}

#[tokio::test]
async fn cuts_can_count_over_connections() {
    let hub = hub_with(&["rst every=100KB route=cdn"]).await;
    let location = locate(&hub).await;
    let all = weights(&hub);
    let mut have = get(&location, "bytes=0-49999").await.body;
    let mut rounds = 0;
    while (have.len() as u64) < WEIGHTS_LEN {
        have.extend(get(&location, &format!("bytes={}-", have.len())).await.body);
        rounds += 1;
    }
    assert!(have == all);
    assert_eq!((rounds, hub.stats().fired("rst")), (3, 3));
    assert_eq!(hub.stats().body_bytes_on(Route::Cdn), WEIGHTS_LEN);
}

#[tokio::test(start_paused = true)]
async fn a_stall_is_silent_for_its_time_or_for_ever() {
    let hub = hub_with(&["stall after=1000 for=90s route=cdn times=1", "stall after=5"]).await;
    // The second rule must not meet the question where the weights are.
    let location = {
        let url = format!("{}/o/n/resolve/main/model.safetensors", hub.endpoint());
        let answer = timeout(Duration::from_secs(5), ask("HEAD", &url, &[], "")).await.unwrap();
        answer.header("location").to_owned()
    };
    let start = Instant::now();
    let answer = get(&location, "").await;
    assert!(answer.body == weights(&hub));
    assert!(start.elapsed() >= Duration::from_secs(90), "{:?}", start.elapsed());
    assert_eq!(hub.stats().rules[0].fired, 1);

    let (host, path) = split(&location);
    let mut client = Client::connect(host).await;
    let before = hub.stats().body_bytes_on(Route::Cdn);
    assert!(timeout(Duration::from_secs(3600), client.get(path, "")).await.is_err());
    assert_eq!(hub.stats().body_bytes_on(Route::Cdn) - before, 5);
    assert_eq!(hub.stats().rules[1].fired, 1);
}

#[tokio::test]
async fn a_client_may_leave_a_stalled_connection() {
    let hub = hub_with(&["stall after=5 route=cdn"]).await;
    let location = locate(&hub).await;
    let download = tokio::spawn(async move { get(&location, "").await });
    while hub.stats().fired("stall") == 0 {
        tokio::task::yield_now().await;
    }
    download.abort();
    while hub.stats().connections_open > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(hub.requests().last().unwrap().body_bytes, 5);
}

#[tokio::test(start_paused = true)]
async fn a_slow_loris_drips() {
    let hub = hub_with(&["slow-loris interval=1s route=cdn"]).await;
    let location = locate(&hub).await;
    let start = Instant::now();
    let answer = get(&location, "bytes=0-9").await;
    assert!(answer.body == weights(&hub)[..10]);
    assert!(start.elapsed() > Duration::from_secs(200), "{:?}", start.elapsed());
    assert_eq!(hub.stats().fired("slow-loris"), 1);
}

#[tokio::test]
async fn a_flipped_bit_is_served_once() {
    let hub = hub_with(&["flip at=200000 bit=3 route=cdn times=1"]).await;
    let location = locate(&hub).await;
    let all = weights(&hub);
    assert!(get(&location, "bytes=0-199999").await.body == all[..200_000]);
    assert_eq!(hub.stats().fired("flip"), 0);
    let mut flipped = all[199_990..].to_vec();
    flipped[10] ^= 1 << 3;
    assert!(get(&location, "bytes=199990-").await.body == flipped);
    assert_eq!(hub.stats().fired("flip"), 1);
    assert!(get(&location, "").await.body == all);
}

#[tokio::test]
async fn a_hole_is_full_of_zeros() {
    let hub = hub_with(&["zero-fill at=100000 len=100000 route=cdn"]).await;
    let mut holed = weights(&hub);
    holed[100_000..200_000].fill(0);
    assert!(get(&locate(&hub).await, "").await.body == holed);
    assert_eq!(hub.stats().fired("zero-fill"), 1);
}

#[tokio::test]
async fn ranges_can_be_ignored_or_mistaken() {
    let hub = hub_with(&["ignore-range times=1", "wrong-range by=5 times=1"]).await;
    let location = locate(&hub).await;
    let all = weights(&hub);
    let answer = get(&location, "bytes=10-19").await;
    assert_eq!((answer.status, answer.body.len()), (200, 300_000));
    let answer = get(&location, "bytes=10-19").await;
    assert_eq!((answer.status, answer.header("content-range")), (206, "bytes 15-24/300000"));
    assert!(answer.body == all[15..25]);
    let answer = get(&location, "bytes=10-19").await;
    assert!(answer.body == all[10..20]);
    assert_eq!((hub.stats().fired("ignore-range"), hub.stats().fired("wrong-range")), (1, 1));
}

#[tokio::test]
async fn a_body_can_be_short_and_admit_it() {
    let hub = hub_with(&["short-body by=1 route=cdn times=1", "short-body route=cdn"]).await;
    let location = locate(&hub).await;
    for len in [99, 50] {
        let answer = get(&location, "bytes=0-99").await;
        assert_eq!(answer.header("content-range"), "bytes 0-99/300000");
        assert_eq!((answer.end, answer.body.len()), (End::Complete, len));
    }
    assert_eq!(hub.stats().fired("short-body"), 2);
}

#[tokio::test]
async fn gzip_keeps_the_status_of_the_range() {
    let hub = hub_with(&["gzip route=cdn"]).await;
    let location = locate(&hub).await;
    for (range, status, len) in [("bytes=0-99999", 206, 100_000), ("", 200, 300_000)] {
        let answer = get(&location, range).await;
        assert_eq!((answer.status, answer.header("content-encoding")), (status, "gzip"));
        assert_eq!(answer.end, End::Complete);
        assert_eq!(&answer.body[..3], b"\x1f\x8b\x08");
        let size = answer.body.last_chunk::<4>().unwrap();
        assert_eq!(u32::from_le_bytes(*size), len);
    }
    assert_eq!(hub.stats().fired("gzip"), 2);
}

#[tokio::test]
async fn replies_can_be_false() {
    let rules = [
        "expired times=1 route=cdn",
        "status 429 retry-after=1 ratelimit=55 times=1 route=cdn",
        "status 503 times=1 route=cdn",
        "portal times=1 route=cdn",
        "portal redirect times=1 route=cdn",
        "redirect-loop times=1 route=cdn",
        "cross-host to=elsewhere:1 times=1 route=cdn",
    ];
    let hub = hub_with(&rules).await;
    let location = locate(&hub).await;
    let (host, path) = split(&location);
    let mut client = Client::connect(host).await;
    let portal = format!("http://{host}/login");
    let cross = format!("http://elsewhere:1{path}");
    let table = [
        (403, "text/plain; charset=utf-8", ""),
        (429, "text/plain; charset=utf-8", ""),
        (503, "text/plain; charset=utf-8", ""),
        (200, "text/html; charset=utf-8", ""),
        (302, "text/plain; charset=utf-8", &portal),
        (302, "text/plain; charset=utf-8", &location),
        (302, "text/plain; charset=utf-8", &cross),
        (206, "application/octet-stream", ""),
    ];
    for (status, content_type, location) in table {
        let answer = client.get(path, "bytes=0-9").await;
        let found = (answer.status, answer.header("content-type"), answer.header("location"));
        assert_eq!(found, (status, content_type, location));
        if status == 429 {
            assert_eq!(answer.header("retry-after"), "1");
            assert_eq!(answer.header("ratelimit"), "\"api\";r=0;t=55");
        }
    }
    assert_eq!(get(&portal, "").await.status, 200);
    assert!(hub.stats().rules.iter().all(|rule| rule.fired == 1));
}

#[tokio::test]
async fn a_portal_can_appear_midway() {
    let hub = hub_with(&["portal past=100KB"]).await;
    let location = locate(&hub).await;
    assert_eq!(get(&location, "bytes=0-99999").await.body.len(), 100_000);
    assert!(get(&location, "bytes=100000-").await.text().contains("guest network"));
    assert_eq!(hub.stats().fired("portal"), 1);
}

#[tokio::test]
async fn content_can_change_under_its_url() {
    let hub = hub_with(&["etag-change route=cdn from=2"]).await;
    let location = locate(&hub).await;
    let (before, after) = (get(&location, "").await, get(&location, "").await);
    assert_ne!(before.header("etag"), after.header("etag"));
    assert!(before.body.iter().zip(&after.body).all(|(before, after)| before != after));
    assert_eq!(hub.stats().fired("etag-change"), 1);
}

#[tokio::test]
async fn somebody_can_push() {
    let hub = hub_with(&["commit-change route=resolve from=2 times=1"]).await;
    let (first, old) = (hub.commit_of("o/n", "main").unwrap(), weights(&hub));
    let before = locate(&hub).await;
    let after = locate(&hub).await;
    let second = hub.commit_of("o/n", "main").unwrap();
    assert_ne!((&first, &before), (&second, &after));
    assert!(get(&before, "").await.body == old);
    assert!(get(&after, "").await.body == weights(&hub));
    assert!(bytes_of(&hub, &first) == old);
    assert_eq!(hub.stats().fired("commit-change"), 1);
    hub.reset();
    assert_eq!(hub.commit_of("o/n", "main").unwrap(), first);
}

#[tokio::test(start_paused = true)]
async fn answers_can_be_late() {
    let hub = hub_with(&["delay 20s route=cdn"]).await;
    let location = locate(&hub).await;
    let start = Instant::now();
    assert_eq!(get(&location, "bytes=0-9").await.status, 206);
    assert!(start.elapsed() >= Duration::from_secs(20));
    assert_eq!(hub.stats().fired("delay"), 1);
}

#[tokio::test]
async fn a_closed_door_refuses_until_it_opens() {
    let hub = hub_with(&["refuse route=cdn times=1"]).await;
    let location = locate(&hub).await;
    assert_eq!(get(&location, "").await.end, End::Reset);
    assert_eq!(hub.stats().fired("refuse"), 1);
    let refused = TcpStream::connect(hub.cdn_authority()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    // The other host still listens.
    locate(&hub).await;
    hub.reset();
    while TcpStream::connect(hub.cdn_authority()).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(get(&location, "bytes=0-9").await.end, End::Reset);
}
