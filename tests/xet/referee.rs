//! Bytes that came without proof are proven by what the storage says of the file, and the wrong
//! ones among them are named.
//!
//! What is wrong with bytes that came in chunks is asked in `cost.rs`.

use engine::event::{Event, Origin};
use fake_hub::{Kind, LinkSpec, Shards, XetSpec};
use moshi_fetch::fetch::{Fetch, FetchBuilder};
use moshi_fetch::news::News;

use crate::support::{FILE, Fetched, MIB, World};
use crate::{check_fetch, check_fired, hub, vouched, with_rules};

const MB: u64 = 1_000_000;
const SIZE: u64 = 32 * MIB;
const XORB: u64 = 8 * MIB;

/// A hub, and an unfinished download of so many bytes that came as they are, with these rules.
async fn begun(shards: Shards, bytes: u64, rules: &[&str]) -> World {
    let spec = XetSpec { xorb_bytes: XORB, shards, ..XetSpec::default() };
    let link = LinkSpec { rate: Some(30_000_000), ..LinkSpec::default() };
    let builder = with_rules(hub(Kind::Bf16, SIZE, spec).link(link), rules);
    let world = World::start(builder, SIZE).await;
    stop_after(world.fetch().no_xet(true), bytes).await;
    assert!(world.wire() < SIZE, "it was to be stopped before its end");
    world
}

/// Runs a fetch until so many bytes are proven, and stops it in an orderly way.
async fn stop_after(builder: FetchBuilder, bytes: u64) {
    let mut run = builder.build().and_then(Fetch::run).expect("a fetch that makes sense");
    while let Some(news) = run.next().await {
        if let News::Transfer { event: Event::Proven { proven, .. }, .. } = news
            && proven >= bytes
        {
            run.cancel();
        }
    }
    assert!(run.finish().await.is_err(), "it was to be stopped before its end");
}

/// The ranges that were said to be wrong.
fn repaired(fetched: &Fetched) -> Vec<(u64, u64)> {
    let repaired = fetched.news.iter().filter_map(|news| {
        let News::Transfer { event: Event::Repaired { range, origin, .. }, .. } = news else {
            return None;
        };
        (*origin == Origin::Network).then_some((range.start, range.end))
    });
    repaired.collect()
}

#[tokio::test]
async fn a_fresh_file_is_vouched_for_whichever_way_it_came() {
    for part in [0, SIZE / 2, SIZE / 8 * 7] {
        let world = if part == 0 {
            let spec = XetSpec { xorb_bytes: XORB, ..XetSpec::default() };
            World::start(hub(Kind::Bf16, SIZE, spec), SIZE).await
        } else {
            begun(Shards::Keyed, part, &[]).await
        };
        let fetched = check_fetch(&world, FILE, world.fetch()).await;
        assert_eq!(vouched(&fetched), SIZE, "after {part} bytes of plain HTTP");
    }
}

#[tokio::test]
async fn a_flip_that_plain_http_let_through_is_named_and_mended() {
    for shards in [Shards::Keyed, Shards::Plain] {
        for at in [MB, 7 * MB] {
            let rule = format!("flip at={at} bit=3 route=cdn times=1");
            let world = begun(shards, SIZE / 2, &[&rule]).await;
            check_fired(&world);
            let before = world.traffic();
            let proven = world.wire();
            let fetched = check_fetch(&world, FILE, world.fetch()).await;
            // What was missing, in chunks, and no more.
            let packed = packed_len(&world) as f64 / SIZE as f64;
            let missing = ((SIZE - proven.min(SIZE)) as f64 * packed) as u64;
            let extra = (world.traffic() - before).saturating_sub(missing);
            let bad = repaired(&fetched);
            println!("{shards:?}, a flip at {at}: {extra} bytes more, repaired {bad:?}");
            assert!(bad.iter().any(|&(start, end)| (start..end).contains(&at)), "{bad:?}");
            assert!(extra <= 2 * MB, "{extra} bytes more: {:#?}", world.hub.requests());
        }
    }
}

fn packed_len(world: &World) -> u64 {
    let file = world.hub.xet_file(crate::REPO, "main", FILE).expect("it is in Xet");
    world.hub.xet().wire_len(file).expect("made-up bytes can be read")
}
