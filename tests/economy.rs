//! What a fetch asks the hub for, and how often: no more than it must, and for a batch of files as
//! for one.
//!
//! Counts, and no clock: how fast it is, `benches/` say.

mod support;

use fake_hub::{FakeHub, RepoSpec, Route, Stats};
use moshi_fetch::fetch::Fetch;
use support::{MIB, World, run};

/// Files of a batch, large enough for storage.
const FILES: u64 = 40;

async fn batch(size: usize) -> World {
    let content = |number: u64| -> Vec<u8> {
        (0..size).map(|at| (at as u64 * 31 + number * 7 + (at as u64 >> 8)) as u8).collect()
    };
    let files = (0..FILES).map(|number| (format!("part-{number:02}.bin"), content(number)));
    let builder = FakeHub::builder().repo(RepoSpec::files("org/name", files)).lfs_from(1000);
    World::start(builder, FILES * size as u64).await
}

fn on(stats: &Stats, route: Route) -> u64 {
    stats.requests_by_route.get(&route).copied().unwrap_or(0)
}

#[tokio::test]
async fn one_large_file() {
    let world = World::new(64 * MIB, &[], fake_hub::LinkSpec::default()).await;
    run(world.fetch()).await.result.unwrap();
    let stats = world.stats();
    assert_eq!(on(&stats, Route::Resolve), 1, "it is located once: {stats:#?}");
    let ranges = on(&stats, Route::Cdn);
    // Large ones, but for the tail, which is shared among the workers.
    assert!(ranges <= 48, "{ranges} requests");
    // One to the hub, and one for each worker: what is open is used again.
    assert!(stats.connections <= 1 + 8, "{} connections for {ranges} requests", stats.connections);
}

#[tokio::test]
async fn many_small_files() {
    let world = batch(50_000).await;
    let fetch = Fetch::builder("org/name").environment(world.environment()).seed(7);
    run(fetch).await.result.unwrap();
    let stats = world.stats();
    let asked = stats.requests - on(&stats, Route::Resolve) - on(&stats, Route::Cdn);
    assert!(asked <= 3, "{asked} requests to plan: {stats:#?}");
    assert!(on(&stats, Route::Resolve) <= FILES, "each is located once: {stats:#?}");
    assert_eq!(on(&stats, Route::Cdn), FILES, "each comes in one piece: {stats:#?}");
    assert!(stats.connections <= 2 + 2 * 8, "{} connections", stats.connections);
    assert_eq!(stats.body_bytes_on(Route::Cdn), world.size);
}

#[tokio::test]
async fn what_is_in_place_is_asked_for_in_one_breath() {
    let world = batch(50_000).await;
    for _ in 0..2 {
        let fetch = Fetch::builder("org/name").environment(world.environment()).seed(7);
        world.hub.reset();
        run(fetch).await.result.unwrap();
    }
    let stats = world.stats();
    assert_eq!(on(&stats, Route::Cdn) + on(&stats, Route::Resolve), 0, "{stats:#?}");
    assert!(stats.requests <= 3, "{stats:#?}");
}
