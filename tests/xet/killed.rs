//! The command is killed at half and run again: what came in chunks stays, chunk by chunk.
//!
//! What a cut of the power does is simulated elsewhere.
#![cfg(unix)]

use fake_hub::{Kind, LinkSpec, XetSpec};

use crate::hub;
use crate::process::Site;
use crate::support::{MIB, traffic};

const SIZE: u64 = 64 * MIB;
/// Bytes per second.
const RATE: u64 = 8_000_000;

#[tokio::test]
async fn killed_at_half() {
    let link = LinkSpec { rate: Some(RATE), ..LinkSpec::default() };
    // What a socket holds is counted as sent, and would be lost by whoever was slow to read it.
    let builder = hub(Kind::Bf16, SIZE, XetSpec::default()).link(link).send_buffer(8 << 10);
    let site = Site::of(builder, SIZE).await;
    let mut running = site.start(&[]);
    site.wait_sent(SIZE / 2, &mut running).await;
    assert!(running.is_running(), "ended before it was killed\n{}", running.transcript());
    running.signal("KILL");
    running.end().await;
    let before = traffic(&site.hub.stats());
    site.start(&[]).succeed().await;
    site.check_result();
    let cost = traffic(&site.hub.stats()) as f64 / SIZE as f64;
    println!("killed after {before} bytes: wire / file {cost:.4}");
    assert!(cost <= 0.88, "{cost}");
}
