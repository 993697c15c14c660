//! What one flipped bit costs: with shards the chunk that has it, without them a xorb at most.
//!
//! `MOSHI_XET_BYTES=200000000` asks the same of a file of that length, in xorbs of 64 MiB.

use fake_hub::{FakeHub, Kind, RepoSpec, Shards, XetSpec};

use crate::support::{FILE, MIB, REPO, World};
use crate::{check_fetch, check_fired, vouched, with_rules};

const MB: u64 = 1_000_000;
const TUNED: &str = "tuned.safetensors";

#[tokio::test]
async fn one_flip_with_keyed_shards() {
    check(FILE, Shards::Keyed, MB).await;
}

#[tokio::test]
async fn one_flip_with_plain_shards() {
    check(FILE, Shards::Plain, MB).await;
}

#[tokio::test]
async fn one_flip_without_shards() {
    check(FILE, Shards::None, xorb_bytes(size())).await;
}

#[tokio::test]
async fn one_flip_in_a_fine_tune_with_keyed_shards() {
    check(TUNED, Shards::Keyed, MB).await;
}

/// Nobody can prove parts of xorbs: where all of a file's are such, everything is doubted. Even
/// that is not fetched more than once more.
#[tokio::test]
async fn one_flip_in_a_fine_tune_without_shards() {
    check(TUNED, Shards::None, size()).await;
}

/// Flips one bit at 10 %, 55 % and 95 % of a file, and expects that to cost `extra_max` bytes.
#[expect(clippy::print_stdout, reason = "figures for whoever reads the log")]
async fn check(file: &str, shards: Shards, extra_max: u64) {
    let size = size();
    let hub = || {
        let spec = XetSpec { xorb_bytes: xorb_bytes(size), shards, ..XetSpec::default() };
        let repo = RepoSpec::made(REPO, Kind::Bf16, size);
        let repo = if file == TUNED { repo.fine_tuned() } else { repo };
        FakeHub::builder().repo(repo.xet(spec))
    };
    let world = World::start(hub(), size).await;
    check_fetch(&world, file, world.fetch_of(REPO, file)).await;
    let before = world.traffic();
    for percent in [10, 55, 95] {
        let rule = flip(&world.hub, file, size / 100 * percent);
        let builder = with_rules(hub(), &[&rule]);
        let flipped = World::start(builder, size).await;
        let fetched = check_fetch(&flipped, file, flipped.fetch_of(REPO, file)).await;
        check_fired(&flipped);
        assert_eq!(flipped.wire(), 0, "nothing came otherwise than in chunks");
        // Of a fine-tune's xorbs the file has only parts, which prove nothing by themselves.
        if file == FILE {
            assert_eq!(vouched(&fetched), size, "all of it is vouched for");
        }
        let extra = flipped.traffic().saturating_sub(before);
        println!("{file}, {shards:?}, a flip at {percent} %: {extra} bytes more");
        assert!(extra <= extra_max, "{rule}: {extra} bytes more: {:#?}", flipped.hub.requests());
    }
}

/// The rule that flips a bit of the chunk at this byte of a file, once.
fn flip(hub: &FakeHub, file: &str, offset: u64) -> String {
    let file = hub.xet_file(REPO, "main", file).expect("the file is in Xet");
    let (hash, number) = hub.xet().chunk_at(file, offset).expect("the file is so long");
    let xorb = hub.xet().xorb(&hash).expect("the file has it");
    let chunk = &xorb.chunks().expect("made-up bytes can be read")[number as usize];
    // Behind the middle there is payload that unpacks, whichever way.
    let at = chunk.bytes.start + (chunk.bytes.end - chunk.bytes.start) * 3 / 4;
    format!("flip at={at} bit=5 route=xorb path={hash} times=1")
}

fn size() -> u64 {
    std::env::var("MOSHI_XET_BYTES").map_or(24 * MIB, |bytes| bytes.parse().expect("a number"))
}

/// A third of the file, and no more than a xorb may have.
fn xorb_bytes(size: u64) -> u64 {
    (size / 3).min(64 * MIB)
}
