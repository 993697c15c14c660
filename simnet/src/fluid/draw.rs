//! How a seed becomes a world: any link, any mixture of faults, and then peace.
//!
//! Runs nothing.

use engine::config::Config;
use engine::time::Duration;
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use super::world::{Crash, DiskFull, Etags, Refusal, Replica, Trouble, TroubleKind, World};
use crate::profile::{Outage, Profile};
use crate::seed::Seed;

impl World {
    /// The world of a seed. Each part of it has a stream of its own, so that a part that is drawn
    /// otherwise changes nothing else.
    pub fn draw(seed: u64) -> Self {
        let stream = |name: &str| Seed(seed).stream(name);
        let (link, mut profile) = draw_link(&mut stream("link"));
        let files = draw_files(&mut stream("files"), &profile);
        let size: u64 = files.iter().sum();
        let takes = Duration::from_millis(1000 * size / profile.trace.mean());
        let calm_at = Duration::from_secs(5) + takes * 2;
        let mut world = Self::calm(seed, link, profile.clone(), files);
        world.config = draw_config(&mut stream("config"));
        world.piece_min = draw_piece_min(&world);
        let mut rng = stream("faults");
        draw_weather(&mut stream("weather"), &mut profile, takes);
        world.profile = profile;
        let count = rng.random_range(0..4);
        world.troubles = (0..count).map(|_| draw_trouble(&mut rng, calm_at)).collect();
        drop_second_refusals(&mut world.troubles);
        world.ttl = maybe(&mut rng, 30, |rng| Duration::from_secs(rng.random_range(20..200)));
        if let Some(ttl) = world.ttl {
            let ahead = maybe(&mut rng, 50, |rng| ttl.mul_f64(rng.random_range(0.0..0.5)));
            world.clock_ahead = ahead.unwrap_or_default();
        }
        world.sync_lasts = Duration::from_millis(rng.random_range(1..200));
        draw_rare(&mut stream("rare"), &mut world, size, calm_at);
        draw_crashes(&mut stream("crashes"), &mut world, size);
        let is_peaceful = world.troubles.is_empty() && world.replica.is_none();
        world.calm_at = if is_peaceful { Duration::ZERO } else { calm_at };
        if let Some(Etags::Replaced(at)) = world.etags {
            world.calm_at = world.calm_at.max(at);
        }
        world
    }
}

/// Large enough for a fast run, and so small that each of all workers hears something every half
/// second: a longer round would be silence where no real link is silent.
fn draw_piece_min(world: &World) -> u64 {
    let workers = u64::from(world.config.workers_max);
    let round = world.profile.trace.mean() / 2 / workers;
    (world.size() / 300).min(64 << 10).min(round)
}

fn draw_link(rng: &mut Xoshiro256PlusPlus) -> (&'static str, Profile) {
    let name = Profile::NAMES[rng.random_range(0..Profile::NAMES.len())];
    (name, Profile::named(name).expect("it is built in"))
}

fn draw_files(rng: &mut Xoshiro256PlusPlus, profile: &Profile) -> Vec<u64> {
    let count = if rng.random_range(0..4) == 0 { rng.random_range(2..5) } else { 1 };
    // A few minutes' worth, and not more than makes a fast test.
    let largest = (profile.trace.mean() * 240).clamp(256 << 10, 24 << 20);
    let mut files: Vec<u64> = (0..count).map(|_| rng.random_range(1..=largest / count)).collect();
    if rng.random_range(0..20) == 0 {
        files.push(0);
    }
    files
}

fn draw_config(rng: &mut Xoshiro256PlusPlus) -> Config {
    let request_bytes_min = 1 << rng.random_range(16..21);
    Config {
        workers_max: rng.random_range(1..=10),
        request_bytes_max: request_bytes_min << rng.random_range(0..4),
        request_bytes_min,
        stall_after: maybe(rng, 20, |rng| Duration::from_secs(rng.random_range(5..40))),
        stall_at_least: None,
        answer_within: None,
        backoff_max: Duration::from_secs([5, 30, 300][rng.random_range(0..3)]),
        give_up_after: None,
        sync_every: Duration::from_millis(rng.random_range(100..3000)),
        chunk_bytes: 1 << rng.random_range(20..26),
        use_xet: true,
    }
}

/// The link may be worse than it is called.
fn draw_weather(rng: &mut Xoshiro256PlusPlus, profile: &mut Profile, takes: Duration) {
    if rng.random_range(0..3) == 0 {
        profile.reset_every = Some(Duration::from_secs(rng.random_range(5..600)));
    }
    if rng.random_range(0..4) == 0 {
        profile.stall_every = Some(Duration::from_secs(rng.random_range(20..600)));
    }
    if rng.random_range(0..4) == 0 {
        let first = takes.mul_f64(rng.random_range(0.0..1.2));
        let lasting = Duration::from_secs(rng.random_range(1..1500));
        profile.outages.push(Outage { first, lasting, every: None });
    }
    if rng.random_range(0..4) == 0 {
        profile.nat_after = Some(Duration::from_secs(rng.random_range(15..300)));
        profile.p_dead_percent = rng.random_range(10..=100);
    }
    if rng.random_range(0..6) == 0 {
        profile.conn_limit = Some(rng.random_range(1..8));
    }
}

fn draw_trouble(rng: &mut Xoshiro256PlusPlus, calm_at: Duration) -> Trouble {
    let kind = match rng.random_range(0..12) {
        0 => {
            let status = if rng.random() { 429 } else { 503 };
            let retry_after = maybe(rng, 60, |rng| rng.random_range(0..60));
            TroubleKind::Busy { status, retry_after }
        }
        1 => TroubleKind::Forbidden,
        2 => TroubleKind::Whole,
        3 => TroubleKind::WrongRange,
        4 => TroubleKind::Encoded,
        5 => TroubleKind::NotSatisfiable,
        6 => TroubleKind::Redirect,
        7 => TroubleKind::Portal,
        8 => TroubleKind::Short,
        9 => TroubleKind::Flip,
        10 => TroubleKind::Reset,
        _ => TroubleKind::Stall,
    };
    let from = calm_at.mul_f64(rng.random_range(0.0..0.6));
    let until = from + (calm_at - from).mul_f64(rng.random_range(0.05..1.0));
    let often = if is_refusal(kind) { 25 } else { 100 };
    Trouble { kind, from, until, percent: rng.random_range(1..=often) }
}

/// A fresh URL that is refused a dozen times in a row is given up, and rightly: one such trouble
/// at a time, and not too often, is survived.
fn drop_second_refusals(troubles: &mut Vec<Trouble>) {
    let mut count = 0;
    troubles.retain(|trouble| {
        count += u32::from(is_refusal(trouble.kind));
        count <= 1 || !is_refusal(trouble.kind)
    });
}

fn is_refusal(kind: TroubleKind) -> bool {
    matches!(kind, TroubleKind::Forbidden | TroubleKind::NotSatisfiable | TroubleKind::Redirect)
}

/// One of the rarer things, if any.
fn draw_rare(rng: &mut Xoshiro256PlusPlus, world: &mut World, size: u64, calm_at: Duration) {
    match rng.random_range(0..20) {
        0 | 1 if world.files[0] > 0 => {
            let until = maybe(rng, 80, |_| calm_at / 2);
            let offset = rng.random_range(0..world.files[0]);
            world.replica = Some(Replica { offset, until });
        }
        2 => world.etags = Some(Etags::Disagree),
        3 => world.etags = Some(Etags::Replaced(calm_at.mul_f64(rng.random_range(0.0..0.6)))),
        4 => {
            let refusal = if rng.random() { Refusal::NoSuchFile } else { Refusal::TokenNeeded };
            world.refusal = Some(refusal);
        }
        5 | 6 => {
            let lasting = maybe(rng, 80, |rng| Duration::from_secs(rng.random_range(1..600)));
            world.disk_full = Some(DiskFull { at: rng.random_range(0..=size), lasting });
        }
        7 | 8 => world.cancel_at = Some(calm_at.mul_f64(rng.random_range(0.0..0.6))),
        _ => {}
    }
}

fn draw_crashes(rng: &mut Xoshiro256PlusPlus, world: &mut World, size: u64) {
    if rng.random_range(0..2) == 0 {
        return;
    }
    // About what a fault-free run takes.
    let steps = 60 + 8 * (size / world.piece_min.max(4 << 10));
    let mut step = 0;
    for _ in 0..rng.random_range(1..4) {
        step += rng.random_range(1..=steps / 2);
        let is_power_cut = rng.random();
        let down = Duration::from_secs(rng.random_range(0..60));
        world.crashes.push(Crash { step, is_power_cut, down });
    }
}

fn maybe<T>(
    rng: &mut Xoshiro256PlusPlus,
    percent: u32,
    draw: impl FnOnce(&mut Xoshiro256PlusPlus) -> T,
) -> Option<T> {
    (rng.random_range(0..100) < percent).then(|| draw(rng))
}
