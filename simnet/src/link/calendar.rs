//! Outages: the time in which the link is up, counted without those in which it is not.
//!
//! Knows no bytes: the link runs its capacity on this time, so that an outage only shifts it.

use std::ops::Range;

use engine::time::Duration;

use super::nanos;
use crate::profile::Outage;

/// When the link is out, found out as far as anybody has asked.
#[derive(Clone, Debug)]
pub(super) struct Calendar {
    outages: Vec<Outage>,
    /// In order, apart from each other, in nanoseconds.
    windows: Vec<Window>,
    /// Every outage that begins before this is in `windows`.
    known: u64,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    start: u64,
    end: u64,
    /// How long the link was up before it.
    up: u64,
}

impl Calendar {
    pub(super) fn new(outages: &[Outage]) -> Self {
        for Outage { lasting, every, .. } in outages {
            assert!(every.is_none_or(|every| every > *lasting), "an outage that never ends");
        }
        Self { outages: outages.to_vec(), windows: Vec::new(), known: 0 }
    }

    /// How long the link was up by `now`.
    pub(super) fn up(&mut self, now: u64) -> u64 {
        self.find(now);
        match self.last_window(|window| window.start <= now) {
            Some(window) => window.up + now.saturating_sub(window.end),
            None => now,
        }
    }

    /// When the link will have been up for so long; at the end of an outage, if it was before it.
    pub(super) fn wall(&mut self, up: u64) -> u64 {
        loop {
            let wall = match self.last_window(|window| window.up <= up) {
                Some(window) => window.end.saturating_add(up - window.up),
                None => up,
            };
            if self.known > wall || self.outages.is_empty() {
                return wall;
            }
            self.find(wall);
        }
    }

    pub(super) fn is_out(&mut self, now: u64) -> bool {
        self.find(now);
        self.last_window(|window| window.start <= now).is_some_and(|window| now < window.end)
    }

    /// The outages that begin before `until`.
    pub(super) fn windows(&self, until: u64) -> Vec<Range<u64>> {
        let mut all = Self { windows: Vec::new(), known: 0, outages: self.outages.clone() };
        all.find(until);
        let begun = all.windows.iter().filter(|window| window.start < until);
        begun.map(|window| window.start..window.end).collect()
    }

    /// Finds every outage that begins at `now` or before, and some more.
    fn find(&mut self, now: u64) {
        if now < self.known || self.outages.is_empty() {
            return;
        }
        let until = now.saturating_add(AHEAD_NANOS);
        let mut found: Vec<Range<u64>> = Vec::new();
        for outage in &self.outages {
            found.extend(
                starts(outage, self.known, until)
                    .map(|start| start..start.saturating_add(nanos(outage.lasting))),
            );
        }
        found.sort_by_key(|window| window.start);
        for Range { start, end } in found {
            match self.windows.last_mut() {
                Some(last) if start <= last.end => last.end = last.end.max(end),
                Some(&mut Window { end: before, up, .. }) => {
                    self.windows.push(Window { start, end, up: up + start - before });
                }
                None => self.windows.push(Window { start, end, up: start }),
            }
        }
        self.known = until;
    }

    fn last_window(&self, so: impl Fn(&Window) -> bool) -> Option<Window> {
        let count = self.windows.partition_point(so);
        count.checked_sub(1).map(|last| self.windows[last])
    }
}

/// When an outage begins, from `from` on and before `until`.
fn starts(outage: &Outage, from: u64, until: u64) -> impl Iterator<Item = u64> + use<> {
    let first = nanos(outage.first);
    let every = outage.every.map(nanos).filter(|_| outage.lasting > Duration::ZERO);
    let skipped = every.map_or(0, |every| from.saturating_sub(first).div_ceil(every));
    let first = first.saturating_add(every.unwrap_or(0).saturating_mul(skipped));
    let next = move |start: &u64| every.and_then(|every| start.checked_add(every));
    std::iter::successors(Some(first), next)
        .skip_while(move |start| *start < from)
        .take_while(move |start| *start < until)
}

/// So far outages are found out in advance: a day.
const AHEAD_NANOS: u64 = 86_400_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn outage(first: u64, lasting: u64, every: Option<u64>) -> Outage {
        Outage {
            first: Duration::from_secs(first),
            lasting: Duration::from_secs(lasting),
            every: every.map(Duration::from_secs),
        }
    }

    #[test]
    fn time_stands_still_in_an_outage() {
        let mut calendar = Calendar::new(&[outage(10, 5, Some(100)), outage(13, 7, None)]);
        for (wall, up, is_out) in [
            (0, 0, false),
            (9, 9, false),
            (10, 10, true),
            (16, 10, true),
            (20, 10, false),
            (30, 20, false),
            (110, 100, true),
            (114, 100, true),
            (116, 101, false),
            (1_000_116, 950_101, false),
        ] {
            assert_eq!(calendar.up(wall * SECOND), up * SECOND, "{wall}");
            assert_eq!(calendar.is_out(wall * SECOND), is_out, "{wall}");
        }
    }

    #[test]
    fn a_moment_of_up_time_is_the_first_that_is_not_out() {
        let patterns = [outage(10, 5, Some(100)), outage(200_000, 40_000, None)];
        let mut calendar = Calendar::new(&patterns);
        for up in [0, 9, 10, 11, 99, 100, 189_999, 190_000, 190_001, 2_000_000] {
            let wall = Calendar::new(&patterns).wall(up * SECOND);
            assert_eq!(calendar.wall(up * SECOND), wall, "whoever asked before");
            assert_eq!(calendar.up(wall), up * SECOND, "{up}");
            assert!(!calendar.is_out(wall), "{up}");
            if let Some(before) = wall.checked_sub(1) {
                assert!(calendar.up(before) < up * SECOND || calendar.is_out(before), "{up}");
            }
        }
    }

    #[test]
    fn all_outages_are_told() {
        let calendar = Calendar::new(&[outage(10, 5, Some(100)), outage(13, 7, None)]);
        let windows = calendar.windows(210 * SECOND);
        assert_eq!(windows, [10 * SECOND..20 * SECOND, 110 * SECOND..115 * SECOND]);
        assert_eq!(Calendar::new(&[]).windows(u64::MAX), []);
    }
}
