//! Storage hosts as they are, and as they may be: what they call a file, what their heads lack,
//! what they refuse; and a content-addressed storage that cannot be reached.
//!
//! The forms are those of transcripts of 2025 and 2026 where there is one; what nobody has seen is
//! tried in all forms.

mod support;

use std::time::Duration;

use engine::config::Config;
use engine::event::Event;
use engine::fault::Fault;
use fake_hub::{FakeHub, LinkSpec, RepoSpec, StorageEtag, StorageSpec, XetSpec};
use moshi_fetch::fetch::Fetch;
use moshi_fetch::news::News;
use support::{FILE, Fetched, MIB, REPO, World, run, sha256};

const SIZE: u64 = 32 * MIB;

/// Fetches a file in whole, and says what it cost.
async fn check(world: &World) -> (Fetched, f64) {
    let fetched = run(world.fetch().no_xet(true)).await;
    let report = match &fetched.result {
        Ok(report) => report,
        Err(error) => panic!("{error}: {:#?}", world.hub.requests()),
    };
    assert_eq!(sha256(&report.path), world.digest());
    for rule in &world.stats().rules {
        assert!(rule.fired > 0, "{} never fired", rule.rule);
    }
    let cost = world.cost();
    (fetched, cost)
}

#[tokio::test]
async fn whatever_the_storage_calls_the_file_it_costs_its_bytes_once() {
    for etag in StorageEtag::ALL {
        for is_in_xet in [false, true] {
            let mut repo = RepoSpec::synthetic(REPO, SIZE);
            if is_in_xet {
                repo = repo.xet(XetSpec::default());
            }
            let builder = FakeHub::builder().repo(repo);
            let builder = builder.storage(StorageSpec { etag, ..StorageSpec::default() });
            let world = World::start(builder, SIZE).await;
            let (fetched, cost) = check(&world).await;
            assert!(cost <= 1.01, "{etag}, in Xet: {is_in_xet}: {cost}");
            // Also where nothing may come in chunks: the hub has said what it is called there.
            use StorageEtag::{PerEdge, Weak, Xet};
            let is_name = matches!(etag, Xet | Weak | PerEdge) && is_in_xet;
            let is_named = fetched
                .news
                .iter()
                .any(|news| matches!(news, News::Transfer { event: Event::Named { .. }, .. }));
            let is_known = is_name || etag == StorageEtag::Sha256;
            assert_eq!(is_named, is_known, "{etag}, in Xet: {is_in_xet}");
        }
    }
}

#[tokio::test]
async fn heads_that_lack_what_most_have_are_judged_by_the_digest() {
    for (rule, cost_max) in [
        ("no-content-range route=cdn", 1.01),
        // One stream, beside what was under way when it was found out.
        ("no-length route=cdn", 1.3),
        ("empty-206 route=cdn times=3", 1.01),
    ] {
        let world = World::new(SIZE, &[rule], LinkSpec::default()).await;
        let (_, cost) = check(&world).await;
        assert!(cost <= cost_max, "{rule}: {cost}");
    }
}

/// Only ranges come compressed: then the whole file is asked for.
#[tokio::test]
async fn where_ranges_come_compressed_the_whole_file_is_asked_for() {
    let world = World::new(4 * MIB, &["gzip route=cdn"], LinkSpec::default()).await;
    let (fetched, _) = check(&world).await;
    let encoded = |news: &News| {
        let News::Transfer { event, .. } = news else { return false };
        matches!(event, Event::Fault { fault: Fault::Encoded(_), .. })
    };
    assert!(fetched.news.iter().any(encoded));
}

/// Short text, as it was sent for days in July 2026. A new URL is asked for twice, and the words
/// reach the person.
#[tokio::test]
async fn a_refusal_keeps_its_words_and_new_urls_are_few() {
    let rules = ["text-403 key-pair route=cdn"];
    let world = World::new(MIB, &rules, LinkSpec::default()).await;
    let mut fetch = world.fetch().no_xet(true);
    fetch = fetch.config(Config { backoff_max: Duration::from_millis(20), ..support::patience() });
    let fetched = run(fetch).await;
    let words = fetched.result.expect_err("nothing came").to_string();
    assert!(words.contains("HTTP 403") && words.contains("invalid key pair id"), "{words}");
    let resolved = world.hub.requests().iter().filter(|it| it.path.contains("/resolve/")).count();
    assert_eq!(resolved, 3, "once to plan, and twice for a new URL");
}

/// A name that leads nowhere: six small files, and the storage of chunks accepts and says nothing.
#[tokio::test]
async fn a_silent_storage_of_chunks_costs_its_patience_once() {
    let world = in_xet_with("stall after=0 route=reconstruction").await;
    let fetched = run(world.fetch()).await;
    let report = fetched.result.expect("it comes as it is");
    assert_eq!(sha256(&report.path), world.digest());
    assert!(report.elapsed < Duration::from_secs(12), "{:?}", report.elapsed);
}

#[tokio::test]
async fn a_blocked_storage_of_chunks_costs_nothing() {
    for rule in ["portal route=reconstruction", "rst after=0 route=reconstruction"] {
        let world = in_xet_with(rule).await;
        let fetched = run(world.fetch()).await;
        let report = fetched.result.expect("it comes as it is");
        assert_eq!(sha256(&report.path), world.digest());
        let asked = world.stats().rules[0].fired;
        assert!(asked <= 16, "{rule}: asked {asked} times");
    }
}

async fn in_xet_with(rule: &str) -> World {
    let repo = RepoSpec::synthetic(REPO, 2 * MIB).xet(XetSpec::default());
    let builder = FakeHub::builder().repo(repo).rule(rule.parse().expect("a rule"));
    let world = World::start(builder, 2 * MIB).await;
    assert!(world.hub.file(REPO, "main", FILE).is_some());
    world
}

/// The first file lies on a host that takes requests and never answers them; the others end.
#[tokio::test]
async fn a_file_on_a_silent_host_does_not_keep_the_others() {
    let files = [("a.bin", 1), ("b.bin", 2), ("c.bin", 3)];
    let files = files.map(|(name, byte)| (name, vec![byte; 300_000]));
    let builder = FakeHub::builder()
        .repo(RepoSpec::files(REPO, files))
        .lfs_from(1000)
        .rule("delay 600s path=*a.bin route=cdn".parse().expect("a rule"));
    let world = World::start(builder, 900_000).await;
    let fetch = Fetch::builder(REPO).environment(world.environment()).config(Config {
        stall_after: Some(Duration::from_secs(1)),
        give_up_after: Some(Duration::from_secs(8)),
        ..support::patience()
    });
    let fetched = run(fetch.no_xet(true)).await;
    assert!(fetched.result.is_err(), "one file cannot be had");
    let is_sealed =
        |news: &&News| matches!(news, News::Transfer { event: Event::Sealed { .. }, .. });
    assert_eq!(fetched.news.iter().filter(is_sealed).count(), 2, "{:?}", fetched.news);
}
