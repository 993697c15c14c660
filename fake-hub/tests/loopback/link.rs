//! The weak link, in paused time: how long downloads take, and who is turned away.

use std::time::Duration;

use fake_hub::{FakeHub, LinkSpec, Route};
use tokio::time::Instant;

use crate::client::{Client, End, get, hub, locate, split, weights};

async fn over(link: LinkSpec) -> (FakeHub, String) {
    let hub = hub().link(link).start().await.unwrap();
    let location = locate(&hub).await;
    (hub, location)
}

/// Seconds that the future takes.
async fn seconds<T>(future: impl Future<Output = T>) -> (f64, T) {
    let start = Instant::now();
    let output = future.await;
    (start.elapsed().as_secs_f64(), output)
}

#[tokio::test(start_paused = true)]
async fn the_rate_is_shared() {
    let (hub, location) = over(LinkSpec { rate: Some(30_000), ..LinkSpec::default() }).await;
    let all = weights(&hub);
    let (alone, answer) = seconds(get(&location, "")).await;
    assert!((9.9..10.3).contains(&alone), "{alone}");
    assert!(answer.body == all);
    let halves = async {
        tokio::join!(
            seconds(get(&location, "bytes=0-149999")),
            seconds(get(&location, "bytes=150000-")),
        )
    };
    let ((first, _), (second, _)) = halves.await;
    assert!((9.7..10.3).contains(&first) && (9.7..10.3).contains(&second), "{first} {second}");
}

#[tokio::test(start_paused = true)]
async fn each_connection_has_its_rate() {
    let (_hub, location) = over(LinkSpec { conn_rate: Some(30_000), ..LinkSpec::default() }).await;
    let halves = async {
        tokio::join!(get(&location, "bytes=0-149999"), get(&location, "bytes=150000-"));
    };
    let (both, ()) = seconds(halves).await;
    assert!((4.9..5.3).contains(&both), "{both}");
}

#[tokio::test(start_paused = true)]
async fn latency_is_paid_per_connection_and_per_answer() {
    let latency = Duration::from_millis(100);
    let (_hub, location) = over(LinkSpec { latency, ..LinkSpec::default() }).await;
    let (host, path) = split(&location);
    let mut client = Client::connect(host).await;
    for expected in [0.2, 0.1, 0.1] {
        let (taken, _) = seconds(client.get(path, "bytes=0-9")).await;
        assert!((expected - 0.005..expected + 0.02).contains(&taken), "{taken}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_silent_and_passes() {
    let outages = vec!["2s+30s".parse().unwrap()];
    let (hub, location) =
        over(LinkSpec { rate: Some(30_000), outages, ..LinkSpec::default() }).await;
    let (taken, answer) = seconds(get(&location, "")).await;
    assert!((39.5..41.0).contains(&taken), "{taken}");
    assert!(answer.body == weights(&hub));
    let (taken, _) = seconds(get(&location, "bytes=0-29999")).await;
    assert!((0.9..1.2).contains(&taken), "{taken}");
}

#[tokio::test]
async fn too_many_connections_are_reset() {
    let (hub, location) = over(LinkSpec { max_connections: Some(1), ..LinkSpec::default() }).await;
    let (host, path) = split(&location);
    while hub.stats().connections_open > 0 {
        tokio::task::yield_now().await;
    }
    let mut first = Client::connect(host).await;
    assert_eq!(first.get(path, "bytes=0-9").await.status, 206);
    let mut second = Client::connect(host).await;
    assert_ne!(second.get(path, "bytes=0-9").await.end, End::Complete);
    assert_eq!(hub.stats().connections_refused, 1);
    assert_eq!(first.get(path, "bytes=0-9").await.status, 206);
}

#[tokio::test(start_paused = true)]
async fn slow_links_flow_smoothly() {
    let (hub, location) = over(LinkSpec { rate: Some(87_000), ..LinkSpec::default() }).await;
    let download = get(&location, "");
    let watch = async {
        let mut steps = Vec::new();
        for _ in 0..20 {
            let before = hub.stats().body_bytes_on(Route::Cdn);
            tokio::time::sleep(Duration::from_millis(100)).await;
            steps.push(hub.stats().body_bytes_on(Route::Cdn) - before);
        }
        steps
    };
    let (_, steps) = tokio::join!(download, watch);
    assert!(steps[1..].iter().all(|step| (4_000..14_000).contains(step)), "{steps:?}");
}
