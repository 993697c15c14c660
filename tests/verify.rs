//! What was damaged on the disk is found, named and mended, and nothing else is fetched again.
//!
//! Damage on the way here is for the suites of faults.

#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up has failed")]

mod support;

use std::path::{Path, PathBuf};

use engine::range::ByteRange;
use fake_hub::{LinkSpec, Route};
use moshi_fetch::cache::environment::Environment;
use moshi_fetch::disk::StdDisk;
use moshi_fetch::error::ErrorKind;
use moshi_fetch::fetch::{Fetch, FetchBuilder};
use moshi_fetch::news::News;
use moshi_fetch::status::{Places, status};
use moshi_fetch::verify::{Finding, Unjudged, Verdict, Verified, Verify, VerifyNews};
use support::{MIB, REPO, World, run, sha256};

const SIZE: u64 = 20 * MIB;
/// The longest range that has a record of its own.
const RECORD: u64 = 8 * MIB;

async fn world() -> World {
    World::new(SIZE, &[], LinkSpec::default()).await
}

async fn fetched() -> (World, PathBuf) {
    let world = world().await;
    let path = run(world.fetch()).await.result.unwrap().path;
    world.hub.reset();
    (world, path)
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

async fn look(verify: Verify) -> Verified {
    let mut run = verify.run().unwrap();
    while run.next().await.is_some() {}
    run.finish().await.unwrap()
}

async fn verify(fetch: FetchBuilder) -> Verified {
    look(Verify::new(fetch.build().unwrap())).await
}

fn only(verified: &Verified) -> &Finding {
    let [finding] = &verified.findings[..] else { panic!("{verified:?}") };
    finding
}

fn blobs(world: &World, ending: &str) -> Vec<PathBuf> {
    let folder = world.cache().join("models--org--name/blobs");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|it| it == ending)).collect()
}

/// The one range that is told to be damaged holds this byte, and not much else.
fn check_named(ranges: &[ByteRange], at: u64) {
    let [range] = ranges else { panic!("{ranges:?}") };
    assert!(range.contains(ByteRange::new(at, at + 1)) && range.len() <= RECORD, "{range}");
}

/// Runs the repairs, and expects that they fetch little and leave everything right.
async fn check_mended(world: &World, fetch: FetchBuilder, path: &Path) {
    let verified = look(Verify::new(fetch.clone().build().unwrap()).repair(true)).await;
    assert!(!verified.is_intact());
    for repair in verified.repairs {
        repair.run().unwrap().finish().await.unwrap();
    }
    assert!(world.wire() <= RECORD, "{} bytes fetched", world.wire());
    assert_eq!(sha256(path), world.digest());
    assert!(verify(fetch).await.is_intact());
}

#[tokio::test]
async fn what_is_intact_is_read_and_nobody_is_asked() {
    let (world, path) = fetched().await;
    let mut run = Verify::new(world.fetch().build().unwrap()).run().unwrap();
    let mut read = 0;
    while let Some(news) = run.next().await {
        if let VerifyNews::Read { read: now, .. } = news {
            read = now;
        }
    }
    let verified = run.finish().await.unwrap();
    assert!(verified.is_intact() && verified.error().is_none());
    let finding = only(&verified);
    assert_eq!(finding.digest.as_deref(), Some(&*format!("sha256:{}", world.digest())));
    assert_eq!(std::fs::canonicalize(path).unwrap(), finding.local.clone().unwrap());
    assert_eq!((finding.size, read), (Some(SIZE), SIZE));
    let whole = Fetch::builder(REPO).environment(world.environment());
    assert!(verify(whole).await.is_intact());
    assert_eq!(world.stats().requests, 0);
}

#[tokio::test]
async fn a_flipped_bit_in_a_finished_file_is_named_and_mended() {
    let (world, path) = fetched().await;
    flip(&path, 9_000_000);
    let verified = verify(world.fetch()).await;
    let error = verified.error().unwrap();
    assert!(matches!(error.kind, ErrorKind::Damaged { damaged: 1, checked: 1 }));
    assert_eq!(error.exit_code(), 3);
    let Verdict::Damaged { ranges, unrecorded } = &only(&verified).verdict else {
        panic!("{verified:?}")
    };
    check_named(ranges, 9_000_000);
    assert_eq!(unrecorded[..], []);
    let again = verify(world.fetch()).await;
    let Verdict::Damaged { unrecorded, .. } = &only(&again).verdict else { panic!("{again:?}") };
    assert_eq!(unrecorded, ranges, "what was found is not forgotten");
    assert_eq!(world.stats().requests, 0);
    check_mended(&world, world.fetch(), &path).await;
}

/// A disk that rots leaves length and time as they were.
#[tokio::test]
async fn a_file_that_looks_untouched_is_read_all_the_same_and_not_believed_again() {
    let (world, path) = fetched().await;
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    flip(&path, 3);
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    assert!(run(world.fetch()).await.result.unwrap().files[0].was_present, "it looks the same");
    assert!(!verify(world.fetch()).await.is_intact());
    let report = run(world.fetch()).await.result.unwrap();
    assert!(!report.files[0].was_present);
    assert!(world.wire() <= RECORD, "{} bytes fetched", world.wire());
    assert_eq!(sha256(&path), world.digest());
}

#[tokio::test]
async fn a_flipped_bit_without_records_is_found_by_comparing() {
    let (world, path) = fetched().await;
    for journal in blobs(&world, "journal") {
        std::fs::remove_file(journal).unwrap();
    }
    flip(&path, 9_000_000);
    let verified = verify(world.fetch()).await;
    let expected =
        Verdict::Damaged { ranges: Vec::new(), unrecorded: vec![ByteRange::new(0, SIZE)] };
    assert_eq!(only(&verified).verdict, expected);
    let verified = look(Verify::new(world.fetch().build().unwrap()).repair(true)).await;
    for repair in verified.repairs {
        repair.run().unwrap().finish().await.unwrap();
    }
    assert!(world.wire() <= SIZE);
    assert_eq!(sha256(&path), world.digest());
}

#[tokio::test]
async fn a_file_that_was_cut_lacks_its_end() {
    let (world, path) = fetched().await;
    std::fs::File::options().write(true).open(&path).unwrap().set_len(SIZE - 10).unwrap();
    let verified = verify(world.fetch()).await;
    let Verdict::Damaged { ranges, .. } = &only(&verified).verdict else { panic!("{verified:?}") };
    check_named(ranges, SIZE - 1);
    check_mended(&world, world.fetch(), &path).await;
}

#[tokio::test]
async fn a_file_that_grew_is_cut_again() {
    let (world, path) = fetched().await;
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend([0; 5]);
    std::fs::write(&path, bytes).unwrap();
    let verified = verify(world.fetch()).await;
    let Verdict::Damaged { ranges, .. } = &only(&verified).verdict else { panic!("{verified:?}") };
    assert_eq!(ranges[..], [ByteRange::new(SIZE, SIZE + 5)]);
    check_mended(&world, world.fetch(), &path).await;
    assert_eq!(world.wire(), 0);
}

/// Stops a fetch when about half is proven.
async fn half(world: &World, fetch: FetchBuilder) {
    let mut run = fetch.build().unwrap().run().unwrap();
    while let Some(news) = run.next().await {
        if let News::Transfer { event: engine::event::Event::Proven { proven, .. }, .. } = news
            && proven > SIZE / 2
        {
            run.cancel();
        }
    }
    run.finish().await.unwrap_err();
    world.hub.reset();
}

async fn slow() -> World {
    let link = LinkSpec { rate: Some(20_000_000), ..LinkSpec::default() };
    World::new(SIZE, &[], link).await
}

#[tokio::test]
async fn an_unfinished_download_is_listed_and_its_damage_named() {
    let world = slow().await;
    half(&world, world.fetch()).await;
    let places = Places { cache: Some(world.cache()), local_dir: None };
    let found = status(&StdDisk, places).await.unwrap();
    let [unfinished] = &found.unfinished[..] else { panic!("{found:?}") };
    assert!(unfinished.proven_bytes > SIZE / 2 && unfinished.proven_bytes < SIZE);
    assert_eq!((unfinished.size, &unfinished.holder), (SIZE, &None));

    let verified = verify(world.fetch()).await;
    let Verdict::Incomplete { proven, damaged, missing } = &only(&verified).verdict else {
        panic!("{verified:?}")
    };
    assert_eq!((*proven, damaged.len()), (unfinished.proven_bytes, 0));
    assert_eq!(proven + missing, SIZE);
    assert_eq!(verified.error().unwrap().exit_code(), 3);

    flip(&unfinished.part, 100);
    let verified = verify(world.fetch()).await;
    let Verdict::Incomplete { damaged, .. } = &only(&verified).verdict else {
        panic!("{verified:?}")
    };
    check_named(damaged, 100);
    let again = verify(world.fetch()).await;
    let left = proven - damaged[0].len();
    let expected = Verdict::Incomplete { proven: left, damaged: Vec::new(), missing: SIZE - left };
    assert_eq!(only(&again).verdict, expected, "what is damaged is missing from then on");
    assert_eq!(world.stats().requests, 0);
    let path = run(world.fetch()).await.result.unwrap().path;
    assert_eq!(sha256(&path), world.digest());
    assert_eq!(world.wire(), SIZE - left);
}

#[tokio::test]
async fn a_repair_completes_what_is_unfinished() {
    let world = slow().await;
    half(&world, world.fetch()).await;
    flip(&blobs(&world, "part")[0], 100);
    let verified = look(Verify::new(world.fetch().build().unwrap()).repair(true)).await;
    let [repair] = &verified.repairs[..] else { panic!("{verified:?}") };
    let report = repair.clone().run().unwrap().finish().await.unwrap();
    assert_eq!(sha256(&report.path), world.digest());
    assert!(verify(world.fetch()).await.is_intact());
}

#[tokio::test]
async fn what_was_never_fetched_is_missing() {
    let (world, _) = fetched().await;
    let verified = verify(world.fetch().file("config.json")).await;
    let verdicts = verified.findings.iter().map(|finding| &finding.verdict);
    assert_eq!(verdicts.collect::<Vec<_>>(), [&Verdict::Intact, &Verdict::Missing]);
    assert_eq!(world.stats().requests, 0);
    let elsewhere = Fetch::builder("org/other").environment(world.environment());
    let run = Verify::new(elsewhere.build().unwrap()).run().unwrap();
    assert_eq!(run.finish().await.unwrap_err().exit_code(), 5);
}

#[tokio::test]
async fn a_folder_is_judged_by_its_own_records() {
    let world = world().await;
    let folder = world.folder.path().join("here");
    let fetch = world.fetch().local_dir(&folder);
    let path = run(fetch.clone()).await.result.unwrap().path;
    world.hub.reset();
    let whole = Fetch::builder(REPO).local_dir(&folder).environment(world.environment());
    assert!(verify(whole).await.is_intact());
    flip(&path, 9_000_000);
    let verified = verify(fetch.clone()).await;
    let Verdict::Damaged { ranges, .. } = &only(&verified).verdict else { panic!("{verified:?}") };
    check_named(ranges, 9_000_000);
    assert_eq!(world.stats().requests, 0);
    check_mended(&world, fetch, &path).await;
}

async fn judge(world: &World, path: &Path) -> Finding {
    let verify = Verify::new(world.fetch().build().unwrap()).path(path);
    only(&look(verify).await).clone()
}

#[tokio::test]
async fn what_another_tool_left_is_judged_as_far_as_that_goes() {
    let world = world().await;
    let path = run(world.fetch()).await.result.unwrap().path;
    let bytes = std::fs::read(path).unwrap();
    std::fs::remove_dir_all(world.cache()).unwrap();
    world.hub.reset();
    let partial = world.folder.path().join("model.bin");

    std::fs::write(&partial, &bytes[..1_000_000]).unwrap();
    let expected = Verdict::Unjudged { len: 1_000_000, why: Unjudged::OnlyTheWhole };
    assert_eq!(judge(&world, &partial).await.verdict, expected);
    assert_eq!(world.stats().requests, 1, "one question, for the digest");
    std::fs::write(&partial, &bytes).unwrap();
    assert_eq!(judge(&world, &partial).await.verdict, Verdict::Intact);
    flip(&partial, 5);
    let expected =
        Verdict::Damaged { ranges: Vec::new(), unrecorded: vec![ByteRange::new(0, SIZE)] };
    assert_eq!(judge(&world, &partial).await.verdict, expected);
    assert_eq!(world.stats().body_bytes_on(Route::Cdn), 0);
}

#[tokio::test]
async fn a_part_that_was_moved_is_judged_by_the_records_beside_it() {
    let world = slow().await;
    half(&world, world.fetch()).await;
    let part = blobs(&world, "part").remove(0);
    let elsewhere = world.folder.path().join("kept.part");
    std::fs::copy(&part, &elsewhere).unwrap();
    std::fs::copy(part.with_extension("journal"), elsewhere.with_extension("journal")).unwrap();
    flip(&elsewhere, 100);
    let finding = judge(&world, &elsewhere).await;
    let Verdict::Incomplete { damaged, .. } = &finding.verdict else { panic!("{finding:?}") };
    check_named(damaged, 100);
    assert_eq!(world.stats().requests, 0, "the cache knows what it must be");
}

#[tokio::test]
async fn without_a_hub_one_can_still_look() {
    let (world, _) = fetched().await;
    let environment = Environment { is_offline: true, ..world.environment() };
    assert!(verify(world.fetch().environment(environment)).await.is_intact());
    assert_eq!(world.stats().requests, 0);
}

#[tokio::test]
async fn a_repair_is_not_for_a_file_elsewhere() {
    let world = world().await;
    let verify = Verify::new(world.fetch().build().unwrap()).path("x").repair(true);
    assert_eq!(verify.run().unwrap_err().exit_code(), 2);
}
