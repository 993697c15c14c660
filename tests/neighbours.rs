//! Others write to the part, cut it or take it away while it is fetched: what is put in place is
//! right all the same, and what is said to be safe is what another run finds.
//!
//! A bad disk, a cleaner and a rescue tool all look like this from here.
#![cfg(target_os = "linux")]

#[path = "support/process.rs"]
mod process;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use futures_util::future::join_all;
use process::{Running, Site};

const MB: u64 = 1_000_000;
const SIZE: u64 = 24 * MB;
const RATE: u64 = 24 * MB;

/// What somebody does to the part.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Zero,
    Flip,
    Cut,
    Grow,
    Remove,
    Replace,
}

#[tokio::test]
async fn whatever_is_done_to_the_part_no_wrong_file_is_called_right() {
    for deed in [Deed::Zero, Deed::Flip, Deed::Cut, Deed::Grow] {
        let cases = [(0.3, 0.1), (0.6, 0.01), (0.9, 0.5), (0.99, 0.7)];
        join_all(cases.map(|(moment, place)| check(deed, moment, place))).await;
    }
}

async fn check(deed: Deed, moment: f64, place: f64) {
    let site = Site::new(SIZE, RATE).await;
    let mut running = site.start(&[]);
    site.wait_sent(part_of(moment), &mut running).await;
    do_to(&part(&site), deed, part_of(place));
    running.succeed().await;
    site.check_result();
    // A cut takes all that came behind it; the others cost what they touched, or little.
    let most = if matches!(deed, Deed::Cut) { 2.2 } else { 1.35 };
    assert!(site.cost() <= most, "{deed:?} at {moment}: {}", site.cost());
}

#[tokio::test]
async fn what_is_safe_of_a_part_that_was_taken_away_is_nothing() {
    for deed in [Deed::Remove, Deed::Replace] {
        let site = Site::new(SIZE, RATE).await;
        let mut running = site.start(&[]);
        site.wait_sent(part_of(0.4), &mut running).await;
        do_to(&part(&site), deed, 0);
        let code = running.end().await.code();
        assert_eq!(code, Some(6), "{deed:?}: {}", running.transcript());
        let said = running.transcript();
        let words = if matches!(deed, Deed::Remove) { "was removed" } else { "was replaced" };
        assert!(said.contains(words), "{deed:?}: {said}");
        assert_eq!(safe_bytes(&running), 0, "{deed:?}: {said}");
        site.start(&[]).succeed().await;
        site.check_result();
    }
}

#[tokio::test]
async fn what_is_safe_of_a_part_that_was_changed_is_what_the_next_run_finds() {
    for deed in [Deed::Cut, Deed::Zero] {
        let site = Site::new(SIZE, RATE).await;
        let mut running = site.start(&[]);
        site.wait_sent(part_of(0.6), &mut running).await;
        do_to(&part(&site), deed, part_of(0.2));
        running.signal("INT");
        assert_eq!(running.end().await.code(), Some(130), "{}", running.transcript());
        let safe = safe_bytes(&running);
        site.hub.reset();
        site.start(&[]).succeed().await;
        site.check_result();
        // Only what stood in records that were believed may turn out to be bad later.
        let damaged = if matches!(deed, Deed::Cut) { 0 } else { 2 * MB };
        let fetched = site.wire();
        assert!(fetched <= SIZE - safe + damaged + MB, "{deed:?}: {safe} safe, {fetched} fetched");
    }
}

/// So much of the file.
fn part_of(share: f64) -> u64 {
    (SIZE as f64 * share) as u64
}

fn part(site: &Site) -> PathBuf {
    site.blobs().join(format!("{}.part", site.digest()))
}

fn do_to(part: &Path, deed: Deed, at: u64) {
    let file = File::options().read(true).write(true).open(part).expect("the part is there");
    match deed {
        Deed::Zero => file.write_all_at(&[0; 300_000], at),
        Deed::Flip => {
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).expect("the part is as long as the file");
            file.write_all_at(&[byte[0] ^ 1], at)
        }
        Deed::Cut => file.set_len(at),
        Deed::Grow => file.set_len(SIZE + at),
        Deed::Remove => fs::remove_file(part),
        Deed::Replace => fs::remove_file(part).and_then(|()| fs::write(part, "")),
    }
    .expect("it is our disk");
}

/// What the last event says is safe, in bytes.
fn safe_bytes(running: &Running) -> u64 {
    let said = running.transcript();
    let last = said.lines().rfind(|line| line.starts_with("{\"event\":\"error\""));
    let last = last.unwrap_or_else(|| panic!("it says how it ended: {said}"));
    let value: serde_json::Value = serde_json::from_str(last).expect("it is JSON");
    value["bytes"].as_u64().unwrap_or(0)
}
