//! Real recordings, if there are any: the link carries in each period what was recorded.
//!
//! They are other people's data, so none is kept here: MOSHI_TRACES names a folder of them.

use std::path::PathBuf;
use std::{env, fs};

use engine::time::{Duration, Instant};
use simnet::link::{Link, Sent};
use simnet::profile::Profile;
use simnet::seed::Seed;
use simnet::trace::Trace;

#[test]
fn a_link_carries_what_was_recorded() {
    let Some(folder) = env::var_os("MOSHI_TRACES") else {
        println!("MOSHI_TRACES names no folder: no recordings replayed");
        return;
    };
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the folder that MOSHI_TRACES names")
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "csv"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no recordings in {}", folder.display());
    for path in paths {
        let name = path.file_stem().unwrap_or_default().display().to_string();
        let text = fs::read_to_string(&path).unwrap();
        let profile = Profile::read(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let trace = profile.trace;
        let recorded = sum_of_column(&text, 1);
        let period_millis = sum_of_column(&text, 0);
        println!("{name}: {} B/s, repeats after {period_millis} ms", trace.mean());
        assert_eq!(trace.period().as_millis(), u128::from(period_millis));
        for seed in 0..8 {
            check(&name, &trace, Seed(seed), recorded);
        }
    }
}

/// Ten periods' worth, one piece after the other, takes ten periods, wherever in it one begins.
#[track_caller]
fn check(name: &str, trace: &Trace, seed: Seed, recorded: u64) {
    let profile = Profile::plain(trace.clone(), Duration::ZERO);
    let mut link = Link::new(&profile, seed);
    let mut connection = link.open(Instant::START).expect("a link that refuses nobody");
    let mut send = |len, now| match link.send(&mut connection, len, now) {
        Sent::Passes { passed, .. } => passed,
        other @ (Sent::Reset { .. } | Sent::Dies) => panic!("{name}: {other:?}"),
    };
    let begin = send(1, Instant::START);
    let (mut now, mut left) = (begin, recorded * 10);
    while left > 0 {
        let len = left.min(PIECE);
        let passed = send(len, now);
        assert!(passed > now, "{name}: {seed:?} carries bytes in no time");
        (now, left) = (passed, left - len);
    }
    assert_eq!(now.since(begin), trace.period() * 10, "{name}: {seed:?}");
}

fn sum_of_column(text: &str, column: usize) -> u64 {
    let cell = |row: &str| row.split(',').nth(column).and_then(|cell| cell.parse().ok());
    text.lines().skip(1).map(|row| cell(row).unwrap_or(0u64)).sum()
}

/// About what one TCP segment carries.
const PIECE: u64 = 1448;
