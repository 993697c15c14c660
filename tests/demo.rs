//! The demo ends well, and says so only when it does.
//!
//! Not how it looks; that is the command's.
#![cfg(feature = "demo")]

use std::time::Duration;

use moshi_fetch::demo::{Demo, DemoSpec};

#[tokio::test]
async fn everything_goes_wrong_and_the_file_is_right() {
    let spec = DemoSpec { size: 12 << 20, seed: 7, ideal: Duration::from_secs(3) };
    let demo = Demo::start(spec).await.unwrap();
    let mut run = demo.fetch().unwrap();
    while run.next().await.is_some() {}
    let report = run.finish().await.unwrap();
    let verdict = demo.judge(&report).unwrap();
    assert!(verdict.is_good(), "{verdict:#?}");
    assert!(verdict.wire <= verdict.size * 21 / 10, "{verdict:#?}");
    // One who judges by the disk is not impressed by the fetch's own word.
    let mut bytes = std::fs::read(&report.path).unwrap();
    bytes[9_999_999] ^= 1;
    std::fs::write(&report.path, bytes).unwrap();
    assert!(!demo.judge(&report).unwrap().is_good());
}

#[tokio::test]
async fn a_file_too_small_for_all_that_goes_wrong_is_refused() {
    let spec = DemoSpec { size: 1 << 20, ..DemoSpec::default() };
    assert_eq!(Demo::start(spec).await.unwrap_err().exit_code(), 2);
}
