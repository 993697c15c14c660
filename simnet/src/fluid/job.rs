//! The whole job: the field report's file over its link, with everything that link does.
//!
//! Compares with what the link could carry at best, not with any tool.

use engine::time::{Duration, Instant};

use super::world::World;
use super::{Outcome, run};
use crate::link::{Link, Sent};
use crate::profile::{Outage, Profile};
use crate::seed::Seed;

/// The report's file of 15 375 697 208 bytes over its link of 87 KB/s. Each connection is reset
/// every 15 minutes and falls silent every 2 hours, on average; each night nothing passes for 40
/// minutes, and a NAT forgets what was open.
pub fn whole_job(seed: u64) -> Outcome {
    run(&job(seed, JOB_BYTES))
}

/// The same with a file of another size; the nights are nearer to each other as it is smaller.
pub fn job(seed: u64, size: u64) -> World {
    let day = Duration::from_secs(86_400);
    let scaled = |time: Duration| time.mul_f64(size as f64 / JOB_BYTES as f64);
    let outage = Outage {
        first: scaled(Duration::from_secs(9 * 3600)),
        lasting: scaled(Duration::from_secs(40 * 60)),
        every: Some(scaled(day)),
    };
    let weak = Profile::named("weak-87k").expect("it is built in");
    let profile = Profile {
        stall_every: Some(Duration::from_secs(2 * 3600)),
        nat_after: Some(Duration::from_secs(300)),
        p_dead_percent: 90,
        outages: vec![outage],
        ..weak
    };
    let bare = World::calm(seed, "weak-87k", profile, vec![size]);
    World { ttl: Some(Duration::from_secs(3600)), piece_min: PIECE_MIN, ..bare }
}

/// How long the link alone needs for a world's bytes, if it is never idle: the time outside of
/// outages, and the outages that it meets.
pub fn ideal(world: &World) -> Duration {
    let mut bare = Profile::plain(world.profile.trace.clone(), world.profile.rtt);
    bare.outages.clone_from(&world.profile.outages);
    let mut link = Link::new(&bare, Seed(world.seed));
    let mut connection = link.open(Instant::START).expect("nothing limits connections here");
    match link.send(&mut connection, world.size(), Instant::START) {
        Sent::Passes { passed, .. } => passed.since_start(),
        Sent::Reset { .. } | Sent::Dies => Duration::MAX,
    }
}

/// The size of the report's file.
pub const JOB_BYTES: u64 = 15_375_697_208;

/// A tenth of a second of the link: half as many steps as at its own quantum, the same times.
const PIECE_MIN: u64 = 8 << 10;
