//! What a file of weights costs on the wire as a part of its length, over links that cut, kills
//! and rights that end.
//!
//! Measures no time.

use std::time::Duration;

use engine::config::Config;
use engine::xet::chunker;
use fake_hub::{Builder, Kind, LinkSpec, Route, XetSpec};

use crate::support::{FILE, MIB, World, patience};
use crate::{check_fetch, check_fired, hub, vouched, with_rules};

const SIZE: u64 = 16 * MIB;
/// Shorter than it takes to send the file at [`RATE`], many times.
const LIFETIME: Duration = Duration::from_secs(2);
/// What weights of this kind cost in chunks, in bytes on the wire for each of theirs.
const FAULT_FREE: f64 = 0.87;
/// Bytes per second.
const RATE: u64 = 2_000_000;

fn weights() -> Builder {
    hub(Kind::Bf16, SIZE, XetSpec::default())
}

/// Bytes on the wire for each byte of the file, everything counted.
async fn cost(what: &str, builder: Builder) -> (World, f64) {
    cost_with(what, builder, patience()).await
}

async fn cost_with(what: &str, builder: Builder, config: Config) -> (World, f64) {
    let (world, cost) = measure(what, builder, config).await;
    assert_eq!(world.wire(), 0, "all of it came in chunks");
    (world, cost)
}

#[expect(clippy::print_stdout, reason = "figures for whoever reads the log")]
async fn measure(what: &str, builder: Builder, config: Config) -> (World, f64) {
    let world = World::start(builder, SIZE).await;
    let fetched = check_fetch(&world, FILE, world.fetch().config(config)).await;
    check_fired(&world);
    assert_eq!(vouched(&fetched), SIZE, "all of it is vouched for");
    let cost = world.traffic() as f64 / SIZE as f64;
    println!("{what}: wire / file {cost:.4}");
    (world, cost)
}

#[tokio::test]
async fn nothing_goes_wrong() {
    let (world, cost) = cost("fault-free", weights()).await;
    assert!(cost <= FAULT_FREE, "{cost}: {:#?}", world.hub.requests());
}

#[tokio::test]
async fn a_reset_every_1_mb() {
    let builder = with_rules(weights(), &["rst every=1MB route=xorb"]);
    let (world, cost) = cost("a reset every 1 MB", builder).await;
    // How many resets there are depends on who was first; each costs the chunk that it cut.
    let resets = world.stats().fired("rst");
    let most = FAULT_FREE + (resets * chunker::MAX as u64) as f64 / SIZE as f64;
    assert!(cost <= most, "{cost} with {resets} resets: {:#?}", world.hub.requests());
}

#[tokio::test]
async fn a_reset_every_200_kb() {
    let builder = with_rules(weights(), &["rst every=200KB route=xorb"]);
    let (world, cost) = measure("a reset every 200 KB", builder, patience()).await;
    assert!(cost <= 1.04, "{cost}: {:#?}", world.hub.requests());
}

/// A reset costs a chunk, and here there are two on each connection: that is more than packing
/// saves, as shows after a few MB.
#[tokio::test]
async fn a_reset_every_100_kb() {
    let builder = with_rules(weights(), &["rst every=100KB"]);
    let (world, cost) = measure("a reset every 100 KB", builder, patience()).await;
    assert!(world.wire() > SIZE / 2, "most of it came in chunks");
    assert!(cost <= 1.10, "{cost}: {:#?}", world.hub.requests());
}

#[tokio::test]
async fn tokens_and_urls_that_end() {
    let slow = || weights().link(LinkSpec { rate: Some(RATE), ..LinkSpec::default() });
    let tokens = || slow().pass_lifetime(LIFETIME);
    // Few at once, one after the other, so that most begin with rights that are not fresh.
    let few = || Config { workers_max: 3, request_bytes_max: MIB, ..patience() };
    let (free, tokens, urls, both) = tokio::join!(
        cost_with("fault-free", weights(), few()),
        cost_with("tokens that end", tokens(), few()),
        cost_with("URLs that end", slow().url_lifetime(LIFETIME), few()),
        cost_with("tokens and URLs that end", tokens().url_lifetime(LIFETIME), few()),
    );
    for (what, (world, cost)) in [("tokens", &tokens), ("URLs", &urls), ("both", &both)] {
        let relative = cost / free.1;
        assert!(relative <= 1.02, "{what}: {relative}: {:#?}", world.hub.requests());
    }
    for (world, _) in [&tokens, &both] {
        let asked = world.stats().requests_by_route.get(&Route::Token).copied();
        assert!(asked >= Some(3), "tokens were asked for {asked:?} times");
    }
}
