//! Which lies the hubs of a world have told so far, and what may be believed after them.
//!
//! Tells none; that is the rules' doing.

use std::collections::BTreeSet;

use fake_hub::{RequestRecord, Route, RuleStats};

use super::Stage;
use crate::witness::Trust;

impl Stage {
    /// How often the hubs have told lies of a kind.
    pub(crate) fn fired(&self, kind: &str) -> u64 {
        self.network.hubs().iter().map(|hub| hub.stats().fired(kind)).sum()
    }

    /// Which kinds of lies they have told.
    pub(crate) fn lies_told(&self) -> BTreeSet<String> {
        let faults = self.network.hubs().into_iter().flat_map(|hub| hub.stats().faults);
        faults.filter(|(_, fired)| *fired > 0).map(|(kind, _)| kind).collect()
    }

    /// How often content, or what was said of it, was damaged on its way.
    pub(crate) fn damages(&self) -> u64 {
        self.count(|rule| is_damage(rule) || is_false_description(rule))
    }

    /// How often the storage has said that a file is made of what another is made of.
    pub(crate) fn false_descriptions(&self) -> u64 {
        self.count(is_false_description)
    }

    /// What may be believed now.
    pub(crate) fn trust(&self) -> Trust {
        Trust {
            is_content_honest: self.damages() == 0,
            is_description_honest: self.false_descriptions() == 0,
            is_disk_honest: self.is_disk_honest(),
        }
    }

    /// Whether all damage is one answer with another version, which says so, and an honest answer
    /// for the same file had come before it to the same process.
    pub(crate) fn is_version_evident(&self) -> bool {
        let is_hidden = |rule: &String| rule.starts_with("storage-etag");
        let hubs = self.network.hubs();
        let [hub] = &hubs[..] else { return false };
        let requests = hub.requests();
        let changed = requests.iter().filter(|it| it.fault.as_deref() == Some("etag-change"));
        let [changed] = &changed.collect::<Vec<_>>()[..] else { return false };
        let is_measure = |it: &RequestRecord| {
            let is_good = (it.route, it.status) == (Route::Cdn, 206) && it.fault.is_none();
            is_good && it.file == changed.file && it.time_ms + 1000 < changed.time_ms
        };
        self.damages() == 1
            && changed.route == Route::Cdn
            && self.computer.processes() == 1
            && !self.scenario.rules.iter().any(is_hidden)
            && requests.iter().any(is_measure)
    }

    /// How often the rules fired that are so.
    fn count(&self, is_so: impl Fn(&RuleStats) -> bool) -> u64 {
        let rules = self.network.hubs().into_iter().flat_map(|hub| hub.stats().rules);
        rules.filter(|rule| is_so(rule)).map(|rule| rule.fired).sum()
    }
}

/// Whether a rule changes bytes of files; damage to what else is said shows by itself. Another
/// version under a URL that the hub still gives may show by nothing but the file's digest.
fn is_damage(rule: &RuleStats) -> bool {
    let is_elsewhere = ["token", "chunks", "reconstruction"].iter().any(|name| is_of(rule, name));
    ["flip", "zero-fill", "etag-change"].contains(&rule.kind.as_str()) && !is_elsewhere
}

/// Whether a rule makes the storage say that a file is made of what another is made of.
fn is_false_description(rule: &RuleStats) -> bool {
    ["flip", "zero-fill", "etag-change"].contains(&rule.kind.as_str())
        && is_of(rule, "reconstruction")
}

fn is_of(rule: &RuleStats, route: &str) -> bool {
    rule.rule.split_whitespace().any(|word| word.strip_prefix("route=") == Some(route))
}
