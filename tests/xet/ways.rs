//! Two ways to the same bytes: when one of them fails, at once or midway, the other one brings the
//! file, and what was proven stays.
//!
//! Which way is the better one is not asked here.

use std::path::Path;
use std::time::Duration;

use engine::config::Config;
use fake_hub::{Builder, FakeHub, Kind, LinkSpec, RepoSpec, Route, XetSpec};
use futures_util::future::join_all;

use crate::process::Site;
use crate::support::{FILE, MIB, REPO, World, patience};
use crate::{check_fetch, check_fired, with_rules};

const SIZE: u64 = 8 * MIB;

fn weights() -> Builder {
    let made = RepoSpec::made(REPO, Kind::Bf16, SIZE).xet(XetSpec::default());
    FakeHub::builder().repo(made).link(LinkSpec { rate: Some(20_000_000), ..LinkSpec::default() })
}

/// Many small requests, so that some begin after any moment.
fn many() -> Config {
    let pause = Duration::from_millis(200);
    Config { workers_max: 4, request_bytes_max: MIB, backoff_max: pause, ..patience() }
}

/// Fetches a file while the hub breaks these rules. Nothing may be sent twice but a tenth.
async fn check(rules: &[&str]) -> World {
    let (world, cost) = bring(rules).await;
    assert!(cost <= 1.1, "{rules:?}: {cost}: {:#?}", world.hub.requests());
    world
}

/// The same, and the bytes that were sent as a part of the file, whatever they are.
#[expect(clippy::print_stdout, reason = "figures for whoever reads the log")]
async fn bring(rules: &[&str]) -> (World, f64) {
    let world = World::start(with_rules(weights(), rules), SIZE).await;
    check_fetch(&world, FILE, world.fetch().config(many())).await;
    check_fired(&world);
    let cost = world.traffic() as f64 / SIZE as f64;
    println!("{rules:?}: wire / file {cost:.4}, {} as they are", world.wire());
    (world, cost)
}

/// Each of these rules by itself.
async fn check_each(rules: &[&str]) -> Vec<World> {
    join_all(rules.chunks(1).map(check)).await
}

/// How much of the file came in chunks.
fn chunks(world: &World) -> u64 {
    world.stats().body_bytes_on(Route::Xorb)
}

#[tokio::test]
async fn the_storage_answers_nothing() {
    let rules = [
        "refuse route=reconstruction",
        "rst route=reconstruction",
        "status 500 route=reconstruction",
        "status 404 route=reconstruction",
        "status 400 route=reconstruction",
        "expired route=reconstruction",
        "portal route=reconstruction",
        "redirect-loop route=reconstruction",
    ];
    for (rule, world) in rules.iter().zip(check_each(&rules).await) {
        assert_eq!((chunks(&world), world.wire()), (0, SIZE), "{rule}");
    }
}

#[tokio::test]
async fn nobody_gets_a_token() {
    let rules = ["status 500 route=token", "status 404 route=token", "portal route=token"];
    for (rule, world) in rules.iter().zip(check_each(&rules).await) {
        assert_eq!((chunks(&world), world.wire()), (0, SIZE), "{rule}");
    }
}

#[tokio::test]
async fn no_chunk_comes() {
    let rules = [
        "rst route=xorb",
        "status 500 route=xorb",
        "status 404 route=xorb",
        "expired route=xorb",
        "portal route=xorb",
    ];
    for (rule, world) in rules.iter().zip(check_each(&rules).await) {
        assert!(world.wire() > 0, "{rule}");
    }
}

/// What is on its way when an answer is refused by its head is lost.
#[tokio::test]
async fn what_comes_is_not_what_was_asked_for() {
    for rule in ["ignore-range route=xorb", "short-body route=xorb", "gzip route=xorb"] {
        let (world, cost) = bring(&[rule]).await;
        assert!(world.wire() > 0 && cost <= 2.0, "{rule}: {cost}: {:#?}", world.hub.requests());
    }
}

#[tokio::test]
async fn the_file_as_it_is_is_not_to_be_had() {
    for rule in ["rst route=cdn", "status 500 route=cdn", "status 404 route=cdn"] {
        // Xet is what is tried first: the other way has to be taken before it can be dead.
        let world = check(&["status 500 route=token times=3", rule]).await;
        assert!(chunks(&world) > 0, "{rule}");
        assert!(world.wire() < ERRORS_MAX, "{rule}");
    }
}

#[tokio::test]
async fn chunks_until_midway() {
    let rules = [
        "status 500 route=reconstruction past=3MB",
        "status 404 route=reconstruction past=3MB",
        "refuse route=reconstruction past=3MB",
        "status 500 route=xorb past=3MB",
        "rst route=xorb past=3MB",
    ];
    for (rule, world) in rules.iter().zip(check_each(&rules).await) {
        assert!(chunks(&world) > 2_000_000 && world.wire() > 0, "{rule}");
    }
}

#[tokio::test]
async fn chunks_from_midway_on() {
    for rule in ["status 500 route=cdn past=3MB", "rst route=cdn past=3MB"] {
        let world = check(&["status 500 route=token times=3", rule]).await;
        assert!(chunks(&world) > 0 && world.wire() > 2_000_000, "{rule}");
    }
}

#[tokio::test]
async fn whoever_wants_no_chunks_asks_for_none() {
    let world = World::start(weights(), SIZE).await;
    check_fetch(&world, FILE, world.fetch().no_xet(true)).await;
    assert_eq!(world.wire(), SIZE);
    let asked = world.stats().requests_by_route;
    for route in XET_ROUTES {
        assert_eq!(asked.get(&route), None, "{route:?}");
    }
}

#[tokio::test]
async fn a_flag_or_a_variable_says_so() {
    let variable: &[(&str, &Path)] = &[("HF_HUB_DISABLE_XET", Path::new("1"))];
    let nothing: &[(&str, &Path)] = &[];
    let table =
        [(&["--no-xet"][..], nothing, false), (&[][..], variable, false), (&[][..], nothing, true)];
    for (arguments, variables, uses_xet) in table {
        let site = Site::of(weights(), SIZE).await;
        site.start_with(arguments, variables).succeed().await;
        site.check_result();
        let asked = site.hub.stats().requests_by_route;
        let has_asked = XET_ROUTES.iter().any(|route| asked.contains_key(route));
        assert_eq!(has_asked, uses_xet, "{arguments:?} {variables:?}: {asked:?}");
    }
}

/// The bodies of answers that bring nothing come to less.
const ERRORS_MAX: u64 = 20_000;
const XET_ROUTES: [Route; 4] = [Route::Token, Route::Reconstruction, Route::Xorb, Route::Chunks];
