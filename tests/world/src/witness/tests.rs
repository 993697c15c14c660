//! What is vouched for, held against a disk that has it and one that has not.
//!
//! Whole runs are judged elsewhere.

use std::path::Path;

use engine::event::Event;
use engine::manifest::FileId;
use fake_hub::Kind;
use moshi_fetch::news::{News, PlannedFile};
use simnet::disk::{Access, SimDisk};
use simnet::seed::Seed;

use super::*;

const PART: &str = "/a/part";

/// What the only process tells of the only file.
fn told(events: &[Event]) -> Witness {
    let mut witness = Witness::default();
    let file = PlannedFile { file: FileId(0), path: "f".into(), size: 1000 };
    let planned = News::Planned { commit: String::new(), files: vec![file] };
    witness.on_news(1, &planned, Instant::START);
    for event in events {
        let event = event.clone();
        let news = News::Transfer { event, at: Instant::START, open_requests: 0 };
        witness.on_news(1, &news, Instant::START);
    }
    witness
}

fn proven(proven: u64) -> Event {
    Event::Proven { file: FileId(0), proven }
}

fn vouched(vouched: u64) -> Event {
    Event::Vouched { file: FileId(0), vouched }
}

fn rules(witness: &Witness) -> Vec<Rule> {
    witness.violations().iter().map(|violation| violation.rule).collect()
}

#[test]
fn only_what_is_proven_is_vouched_for() {
    let dishonest = vec![Rule::S10HonestProgress];
    let cases = [
        (vec![proven(500), vouched(500)], vec![]),
        (vec![proven(500), vouched(501)], dishonest.clone()),
        (vec![proven(1000), vouched(600), vouched(400)], dishonest),
    ];
    for (events, expected) in cases {
        assert_eq!(rules(&told(&events)), expected, "{events:?}");
    }
}

#[test]
fn to_be_vouched_for_midway_is_a_situation() {
    let is_midway = |count| {
        let witness = told(&[proven(1000), vouched(count)]);
        witness.situations().count(Sometimes::XetVouched) > 0
    };
    assert_eq!([0, 1, 1000].map(is_midway), [false, true, false]);
}

#[test]
fn what_is_vouched_for_must_be_right_on_the_disk() {
    let truth = Truth::new(Kind::Bf16, 7, 1000);
    let content = truth.content().open().unwrap().read_at(0, 1000).unwrap().to_vec();
    let mut damaged = content.clone();
    damaged[400] ^= 1;
    for (bytes, count, expected) in [
        (&content, 1000, vec![]),
        (&damaged, 999, vec![]),
        (&damaged, 1000, vec![Rule::S10HonestProgress]),
    ] {
        let disk = SimDisk::new(Seed(1));
        disk.create_dir_all(Path::new("/a")).unwrap();
        let file = disk.process().open(Path::new(PART), Access::CreateNew).unwrap();
        file.write_all_at(bytes, 0).unwrap();
        let elsewhere = Path::new("/a/other").to_owned();
        let place = Aftermath {
            path: "f".to_owned(),
            truth: truth.clone(),
            target: elsewhere.clone(),
            part: PART.into(),
            journal: elsewhere.clone(),
            shown: elsewhere,
        };
        let mut witness = told(&[proven(1000), vouched(count)]);
        place.check_vouched(&disk, &mut witness, Instant::START);
        assert_eq!(rules(&witness), expected, "{count}");
    }
}
