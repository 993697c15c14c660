//! One fault at a time over real sockets: the file is right, and what it cost is counted where
//! the bytes were sent.
//!
//! Measures no speed; `benches/` do.

mod support;

use std::time::Duration;

use engine::event::{Event, Origin};
use fake_hub::LinkSpec;
use moshi_fetch::news::News;
use support::{Fetched, MIB, World, run, sha256};

const SIZE: u64 = 64 * MIB;

/// Fetches 64 MiB from a hub that breaks the `rules`, all of which must have fired, and expects
/// the right file for at most `cost_max` times its bytes.
async fn check(rules: &[&str], cost_max: f64) -> (World, Fetched) {
    check_world(World::new(SIZE, rules, LinkSpec::default()).await, cost_max).await
}

async fn check_world(world: World, cost_max: f64) -> (World, Fetched) {
    let fetched = run(world.fetch()).await;
    let report = match &fetched.result {
        Ok(report) => report,
        Err(error) => panic!("{error}: {:#?}", world.hub.requests()),
    };
    assert_eq!(sha256(&report.path), world.digest());
    for rule in &world.stats().rules {
        assert!(rule.fired > 0, "{} never fired", rule.rule);
    }
    let cost = world.cost();
    assert!(cost <= cost_max, "cost {cost:.4}: {:#?}", report.stats);
    assert_eq!(world.stats().tokens_on_cdn, 0);
    (world, fetched)
}

#[tokio::test]
async fn nothing_goes_wrong() {
    let (world, fetched) = check(&[], 1.0).await;
    assert!(world.stats().connections_peak >= 4, "parallel connections");
    assert_eq!(fetched.result.unwrap().stats.fault_count(), 0);
}

#[tokio::test]
async fn one_reset() {
    check(&["rst after=3MB route=cdn times=1"], 1.01).await;
}

#[tokio::test]
async fn a_reset_every_3_mb() {
    check(&["rst every=3MB route=cdn"], 1.01).await;
}

#[tokio::test]
async fn a_close_every_3_mb() {
    check(&["fin every=3MB route=cdn"], 1.01).await;
}

#[tokio::test]
async fn two_pauses_asked_for_with_429_and_two_with_503() {
    check(
        &[
            "status 429 times=2 retry-after=1 route=cdn",
            "status 503 times=2 from=5 retry-after=1 route=cdn",
        ],
        1.01,
    )
    .await;
}

#[tokio::test]
async fn the_hub_itself_asks_for_a_pause() {
    check(&["status 429 times=2 ratelimit=1 route=resolve"], 1.01).await;
}

#[tokio::test]
async fn a_portal_at_first() {
    check(&["portal times=1 route=cdn"], 1.01).await;
}

#[tokio::test]
async fn a_portal_midway() {
    check(&["portal from=4 times=3 route=cdn"], 1.01).await;
}

#[tokio::test]
async fn a_portal_in_place_of_the_hub() {
    check(&["portal times=2 route=resolve"], 1.01).await;
}

#[tokio::test]
async fn signed_urls_that_live_two_seconds() {
    let link = LinkSpec { rate: Some(12_000_000), ..LinkSpec::default() };
    let world = World::with(SIZE, &[], link, Duration::from_secs(2)).await;
    let (world, _) = check_world(world, 1.01).await;
    assert!(world.stats().requests_by_route.len() > 1);
}

#[tokio::test]
async fn a_403_from_the_storage_host() {
    check(&["expired from=3 times=1 route=cdn"], 1.01).await;
}

#[tokio::test]
async fn two_connections_go_silent() {
    let (_, fetched) = check(&["stall after=300KB from=3 times=2 route=cdn"], 1.02).await;
    assert!(fetched.elapsed < Duration::from_secs(12), "{:?}", fetched.elapsed);
}

#[tokio::test]
async fn ranges_are_ignored_from_the_second_request_on() {
    let (_, fetched) = check(&["ignore-range from=2 route=cdn"], 1.35).await;
    let told = |news: &News| matches!(news, News::Transfer { event: Event::NoRanges { .. }, .. });
    assert!(fetched.news.iter().any(told));
}

#[tokio::test]
async fn one_flipped_bit() {
    for at in ["1MB", "30MB", "67MB"] {
        let (_, fetched) = check(&[&format!("flip at={at} times=1 route=cdn")], 2.0).await;
        let found = |news: &News| {
            let News::Transfer { event: Event::Repaired { origin, .. }, .. } = news else {
                return false;
            };
            *origin == Origin::Network
        };
        assert!(fetched.news.iter().any(found));
    }
}

#[tokio::test]
async fn bodies_and_heads_that_lie() {
    check(
        &[
            "wrong-range times=1 from=2 route=cdn",
            "short-body times=1 from=3 by=1000 route=cdn",
            "gzip times=1 from=4 route=cdn",
            "redirect-loop times=1 from=5 route=cdn",
            "status 500 times=1 from=6 route=cdn",
            "status 404 times=1 from=7 route=cdn",
        ],
        1.05,
    )
    .await;
}

#[tokio::test]
async fn everything_in_one_run() {
    let link = LinkSpec { rate: Some(20_000_000), ..LinkSpec::default() };
    let rules = [
        "portal times=1 route=cdn",
        "status 429 times=2 retry-after=1 route=cdn",
        "flip at=20MB times=1 route=cdn",
        "stall after=300KB from=6 times=2 route=cdn",
        "status 503 times=2 from=9 retry-after=1 route=cdn",
        "expired from=12 times=1 route=cdn",
        "ignore-range from=20 times=3 route=cdn",
        "portal from=16 times=1 route=cdn",
        "fin every=7MB route=cdn times=4",
        "rst every=3MB route=cdn",
    ];
    let world = World::with(SIZE, &rules, link, Duration::from_secs(2)).await;
    check_world(world, 2.1).await;
}

#[tokio::test]
async fn what_is_there_is_not_fetched_again() {
    let (world, _) = check(&[], 1.0).await;
    let again = run(world.fetch()).await;
    assert!(again.result.unwrap().files[0].was_present);
    assert_eq!(world.cost(), 1.0);
}
