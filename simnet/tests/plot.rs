//! Pictures of recordings: everything is in them, they stay small, and equal runs look equal.
//!
//! Whether they explain a run at a glance is for people to judge.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use engine::range::ByteRange;
use engine::time::{Duration, Instant};
use simnet::plot;
use simnet::recording::{Recording, What};

fn at(millis: u64) -> Instant {
    Instant::at(Duration::from_millis(millis))
}

/// Two workers that take turns for a while, with a fault, an outage and a kill.
fn run(seconds: u64, turns: u64) -> Recording {
    let mut recording = Recording::default();
    let mut push = |now, what| recording.push(at(now), what);
    push(0, What::Window { limit: 3 });
    push(0, What::Capacity { rate: 200_000 });
    for turn in 0..turns {
        let now = seconds * 1000 * turn / turns;
        let range = Some(ByteRange::new(turn * 1_000_000, (turn + 1) * 1_000_000));
        push(now, What::Open { worker: turn, range });
        push(now, What::Bytes { worker: turn, len: 1_000_000 });
        if turn > 0 {
            let how = "done".to_owned();
            push(now, What::Close { worker: turn - 1, how });
            push(now, What::Proven { len: turn * 1_000_000 });
        }
        if turn % 3 == 1 {
            push(now, What::Fault { what: "reset & <lost>".to_owned() });
        }
        let mark = match turn {
            5 => "Down { since: 3 s }",
            7 => "Up { after: 9 s }",
            9 => "kill -9",
            _ => continue,
        };
        push(now, What::Mark { what: mark.to_owned() });
    }
    push(seconds * 1000, What::Mark { what: "the end".to_owned() });
    recording
}

/// All words of a picture, in order.
fn words(svg: &str) -> Vec<&str> {
    let texts = svg.split("<text ").skip(1);
    texts.map(|text| text.split(['>', '<']).nth(1).unwrap_or_default().trim()).collect()
}

fn count(svg: &str, tag: &str) -> usize {
    svg.matches(&format!("<{tag} ")).count()
}

#[track_caller]
fn check_words(svg: &str, expected: &[&str]) {
    let words = words(svg);
    for expected in expected {
        assert!(words.iter().any(|said| said == expected), "{expected:?} is not in {words:?}");
    }
}

#[test]
fn everything_that_happened_is_in_the_picture() {
    let svg = plot::svg(&run(30, 12), "two workers");
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
    let summary = "12 MB arrived in 30 s, 400 KB/s on average · 11 MB proven · 12 workers, \
                   at most 2 at once · 4 faults";
    check_words(&svg, &["two workers", summary, "arrived", "proven", "the window", "faults"]);
    check_words(&svg, &["what the link carries", "open", "kill -9", "Down", "Up", "the end"]);
    check_words(&svg, &["reset &amp; &lt;lost&gt;", "0 B", "6 MB", "10 MB", "0", "10", "s"]);
    assert!(count(&svg, "polyline") >= 12 + 4, "each worker, and what they come to");
    assert!(count(&svg, "polygon") >= 3, "what was proven, carried, and came by each place");
    let shade = "opacity=\"0.25\"";
    assert!(svg.contains(shade), "the outage is shaded");
    assert!(!plot::svg(&run(30, 5), "").contains(shade), "and without one, nothing");
}

#[test]
fn equal_runs_look_equal_and_others_do_not() {
    let picture = |turns| plot::svg(&run(600, turns), "again");
    assert_eq!(picture(40), picture(40));
    assert_ne!(picture(40), picture(41));
}

#[test]
fn a_picture_ends_with_the_run_and_not_with_the_weather() {
    let mut recording = run(30, 12);
    let alone = plot::svg(&recording, "");
    recording.push(at(30_000_000), What::Capacity { rate: 7 });
    assert_eq!(plot::svg(&recording, ""), alone);
    recording.push(at(31_000_000), What::Proven { len: 0 });
    assert_ne!(plot::svg(&recording, ""), alone);
}

#[test]
fn bytes_that_come_after_the_end_of_their_worker_open_none() {
    let mut recording = Recording::default();
    for worker in 0..9 {
        recording.push(at(worker), What::Open { worker, range: None });
        recording.push(at(worker), What::Close { worker, how: "reset".to_owned() });
        recording.push(at(worker), What::Bytes { worker, len: 1000 });
    }
    let summary = "9 KB arrived in 8 ms, 1.12 MB/s on average · 9 workers, at most 1 at once \
                   · 0 faults";
    check_words(&plot::svg(&recording, ""), &[summary]);
}

#[test]
fn nothing_and_hardly_anything_can_be_drawn() {
    check_words(&plot::svg(&Recording::default(), "empty"), &["empty", "Nothing happened."]);
    let all = [
        What::Open { worker: 7, range: None },
        What::Bytes { worker: 7, len: 0 },
        What::Close { worker: 7, how: String::new() },
        What::Proven { len: u64::MAX },
        What::Window { limit: u32::MAX },
        What::Capacity { rate: u64::MAX },
        What::Fault { what: String::new() },
        What::Mark { what: String::new() },
    ];
    for what in all {
        for millis in [0, 1, 3_000_000_000] {
            let mut recording = Recording::default();
            recording.push(at(millis), what.clone());
            let svg = plot::svg(&recording, "one");
            check_words(&svg, &["one"]);
            assert!(svg.len() < 100_000, "{what:?}: {} bytes", svg.len());
        }
    }
}

#[test]
fn two_days_with_a_fault_in_each_minute_stay_small() {
    let mut recording = Recording::default();
    let minutes = 49 * 60;
    for minute in 0..minutes {
        let now = minute * 60_000;
        recording.push(at(now), What::Capacity { rate: 87_000 + minute % 7 * 1000 });
        recording.push(at(now), What::Open { worker: minute, range: None });
        for piece in 0..70 {
            let len = 70_000;
            recording.push(at(now + piece * 800), What::Bytes { worker: minute, len });
        }
        let how = "reset".to_owned();
        recording.push(at(now + 58_000), What::Close { worker: minute, how: how.clone() });
        recording.push(at(now + 58_000), What::Fault { what: how });
        recording.push(at(now + 58_000), What::Mark { what: format!("Chunk {{ {minute} }}") });
        recording.push(at(now + 58_000), What::Mark { what: format!("a{minute}") });
    }
    assert!(recording.rows().len() > 200_000);
    let svg = plot::svg(&recording, "two days");
    assert!(svg.len() < 600_000, "{} bytes", svg.len());
    let tags = ["polyline", "polygon", "line", "rect", "text"].map(|tag| count(&svg, tag));
    assert!(tags.iter().sum::<usize>() < 5000, "{tags:?}");
    let words = words(&svg);
    assert!(words.contains(&"48") && words.contains(&"h"), "{words:?}");
    let resets = words.iter().filter_map(|said| said.strip_prefix("reset ×"));
    let told: u64 = resets.map(|count| count.parse::<u64>().unwrap()).sum();
    assert_eq!(told, minutes, "said together, and none left out");
}

#[test]
fn a_picture_is_written_where_it_was_asked_for_and_nowhere_else() {
    let recording = run(30, 12);
    plot::write_if_asked(&recording, "a run/of two").unwrap();
    if let Some(folder) = env::var_os("MOSHI_PLOT_DIR") {
        let written = fs::read_to_string(Path::new(&folder).join("a-run-of-two.svg")).unwrap();
        assert_eq!(written, plot::svg(&recording, "a run/of two"));
        return;
    }
    // A process cannot safely change its own environment, so another one is asked.
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("plots/asked");
    let _ = fs::remove_dir_all(&folder);
    let name = "a_picture_is_written_where_it_was_asked_for_and_nowhere_else";
    let mut asked = Command::new(env::current_exe().unwrap());
    let output = asked.args(["--exact", name]).env("MOSHI_PLOT_DIR", &folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files, [folder.join("a-run-of-two.svg")]);
}
