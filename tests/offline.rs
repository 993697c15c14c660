//! Fetching with `HF_HUB_OFFLINE`: what is in the cache, verified, or an error that says so.
//!
//! Not what the hub says of files that do not exist, but that it is remembered.

#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up has failed")]

mod support;

use std::path::Path;
use std::time::Duration;

use fake_hub::LinkSpec;
use moshi_fetch::cache::environment::Environment;
use moshi_fetch::error::ErrorKind;
use moshi_fetch::fetch::FetchBuilder;
use moshi_fetch::news::News;
use support::{FILE, MIB, REPO, World, run};

/// The same environment, with the hub out of bounds.
fn offline(world: &World) -> Environment {
    Environment { is_offline: true, ..world.environment() }
}

fn cut_off(world: &World) -> FetchBuilder {
    world.fetch().environment(offline(world))
}

fn was_read(news: &[News]) -> bool {
    news.iter().any(|news| matches!(news, News::Verifying { .. }))
}

#[tokio::test]
async fn what_was_fetched_is_there() {
    let world = World::new(4 * MIB, &[], LinkSpec::default()).await;
    let path = run(world.fetch()).await.result.unwrap().path;
    let requests = world.stats().requests;
    let fetched = run(cut_off(&world)).await;
    assert!(!was_read(&fetched.news), "it is sealed");
    assert_eq!(fetched.result.unwrap().path, path);
    let whole = moshi_fetch::fetch::Fetch::builder(REPO).environment(offline(&world));
    let report = run(whole).await.result.unwrap();
    assert_eq!(report.path, path.parent().unwrap());
    assert_eq!(report.files.len(), 1);
    assert_eq!(world.stats().requests, requests, "nobody was asked");
}

/// Not even a moment, to look again what others do.
#[tokio::test]
async fn what_is_in_place_is_not_waited_for() {
    let world = World::new(4 * MIB, &[], LinkSpec::default()).await;
    run(world.fetch()).await.result.unwrap();
    // From here on time passes only while a task sleeps and no work is done.
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    run(cut_off(&world)).await.result.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn what_another_tool_left_is_read_once() {
    let world = World::new(4 * MIB, &[], LinkSpec::default()).await;
    run(world.fetch()).await.result.unwrap();
    for journal in journals(&world.cache().join("models--org--name/blobs")) {
        std::fs::remove_file(journal).unwrap();
    }
    let first = run(cut_off(&world)).await;
    assert!(first.result.is_ok() && was_read(&first.news));
    let second = run(cut_off(&world)).await;
    assert!(second.result.is_ok() && !was_read(&second.news));
}

#[tokio::test]
async fn what_was_not_fetched_is_not_there() {
    let world = World::new(4 * MIB, &[], LinkSpec::default()).await;
    let check = async |fetch: FetchBuilder| {
        let error = run(fetch).await.result.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Offline), "{error}");
        assert_eq!(error.exit_code(), 5);
    };
    check(cut_off(&world)).await;
    run(world.fetch()).await.result.unwrap();
    let other = moshi_fetch::fetch::Fetch::builder(REPO).environment(offline(&world));
    check(other.clone().file("config.json")).await;
    check(other.clone().file(FILE).revision("another")).await;
    check(other.file(FILE).local_dir(world.folder.path().join("here"))).await;
}

#[tokio::test]
async fn what_is_damaged_stays_where_it_is() {
    let world = World::new(4 * MIB, &[], LinkSpec::default()).await;
    let path = run(world.fetch()).await.result.unwrap().path;
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[1_000_000] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let error = run(cut_off(&world)).await.result.unwrap_err();
    assert_eq!(error.exit_code(), 3);
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[tokio::test]
async fn a_file_that_does_not_exist_is_remembered_as_missing() {
    let world = World::new(4 * MIB, &[], LinkSpec::default()).await;
    let error = run(world.fetch().file("none.json")).await.result.unwrap_err();
    assert_eq!(error.exit_code(), 5);
    let commit = world.hub.commit_of(REPO, "main").unwrap();
    let repo = world.cache().join("models--org--name");
    assert!(repo.join(".no_exist").join(&commit).join("none.json").is_file());
    assert_eq!(std::fs::read_to_string(repo.join("refs/main")).unwrap(), commit);
}

fn journals(blobs: &Path) -> Vec<std::path::PathBuf> {
    let files = std::fs::read_dir(blobs).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|ending| ending == "journal")).collect()
}
