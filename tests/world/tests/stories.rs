//! What some worlds look like from beginning to end, as text: a change of behaviour shows here
//! before anybody has to look for it.
//!
//! The same recordings as pictures: set `MOSHI_PLOT_DIR` and run the suite `worlds`.

use world::run::run;
use world::scenario::named;

#[test]
fn stories() {
    for named in named::all().into_iter().filter(|named| TOLD.contains(&named.name)) {
        let outcome = run(&named.scenario);
        let story = outcome.recording.to_string();
        // The link's capacity is the same all the time here, and the window says little.
        let is_told = |line: &&str| !line.contains(" capacity ") && !line.contains(" window ");
        let story: Vec<&str> = story.lines().filter(is_told).collect();
        insta::assert_snapshot!(named.name.replace(' ', "-"), story.join("\n"));
    }
}

const TOLD: [&str; 5] = [
    "nothing goes wrong",
    "half-open connections",
    "one bit is wrong",
    "power cut every few seconds",
    "two want the same file",
];
