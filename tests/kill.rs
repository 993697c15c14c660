//! The command is killed and run again: the file is right, and what was received stays received.
//!
//! What a cut of the power does to a disk is simulated elsewhere; these are real processes.
#![cfg(unix)]

#[path = "support/process.rs"]
mod process;

use std::time::{Duration, Instant};

use process::Site;

const MB: u64 = 1_000_000;
const RATE: u64 = 40 * MB;

#[tokio::test]
async fn killed_at_half() {
    let site = Site::new(128 * MB, RATE).await;
    kill_at(&site, site.size / 2).await;
    site.start(&[]).succeed().await;
    site.check_result();
    println!("wire / file: {:.4}", site.cost());
    assert!(site.cost() <= 1.02, "{}", site.cost());
}

#[tokio::test]
async fn killed_ten_times() {
    let seed = std::env::var("KILL_SEED").map_or(20_251_114, |seed| seed.parse().unwrap());
    let site = Site::new(200 * MB, RATE).await;
    let mut moments = moments(seed, site.size);
    moments.sort_unstable();
    println!("KILL_SEED={seed} cargo test --test kill killed_ten_times; killed at {moments:?}");
    for moment in moments {
        kill_at(&site, moment).await;
    }
    site.start(&[]).succeed().await;
    site.check_result();
    println!("wire / file: {:.4}", site.cost());
    assert!(site.cost() <= 1.05, "{}", site.cost());
}

#[tokio::test]
async fn killed_while_it_looks_at_what_it_has() {
    let site = Site::new(64 * MB, RATE).await;
    kill_at(&site, site.size * 3 / 4).await;
    for delay in [0, 1, 2, 5, 10, 20, 40] {
        let again = site.start(&[]);
        tokio::time::sleep(Duration::from_millis(delay)).await;
        again.signal("KILL");
    }
    site.start(&[]).succeed().await;
    site.check_result();
    println!("wire / file: {:.4}", site.cost());
    assert!(site.cost() <= 1.06, "{}", site.cost());
}

#[tokio::test]
async fn interrupted_by_a_person() {
    interrupt("INT").await;
}

#[tokio::test]
async fn interrupted_by_a_system_that_shuts_down() {
    interrupt("TERM").await;
}

#[expect(clippy::print_stdout, reason = "figures for whoever reads the log")]
async fn interrupt(signal: &str) {
    let site = Site::new(128 * MB, RATE).await;
    let mut first = site.start(&[]);
    site.wait_sent(site.size / 2, &mut first).await;
    first.signal(signal);
    let began = Instant::now();
    let status = first.end().await;
    let took = began.elapsed();
    assert_eq!(status.code(), Some(130), "{}", first.transcript());
    assert!(took < Duration::from_secs(1), "it took {took:?} to save");
    site.start(&[]).succeed().await;
    site.check_result();
    println!("saved in {took:?}; wire / file: {:.4}", site.cost());
    assert!(site.cost() <= 1.01, "{}", site.cost());
}

/// Runs the command, and kills it once the hub has sent so many bytes in all.
async fn kill_at(site: &Site, bytes: u64) {
    let mut running = site.start(&[]);
    site.wait_sent(bytes, &mut running).await;
    assert!(running.is_running(), "ended before it was killed\n{}", running.transcript());
    running.signal("KILL");
    running.end().await;
}

/// When to kill: ten numbers of bytes between 2 % and 98 % of the file.
fn moments(seed: u64, size: u64) -> Vec<u64> {
    let mut state = seed;
    let mut draw = || {
        // SplitMix64.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    };
    (0..10).map(|_| size / 50 + draw() % (size / 100 * 96)).collect()
}
