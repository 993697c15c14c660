//! Whether it is the link that is silent, or one host while others answer.
//!
//! Asks nobody, and changes nothing of when anybody is asked.

use std::collections::{BTreeMap, BTreeSet};

use crate::time::{Duration, Instant};

/// What is known of the hosts that were silent when nothing came from anybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SilentHosts {
    hosts: BTreeMap<String, Quiet>,
    /// Who was silent last, if others have answered while it was.
    only: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Quiet {
    since: Instant,
    /// Another host has answered since.
    has_other: bool,
    /// It was silent again after that, and people know of it.
    is_told: bool,
}

impl SilentHosts {
    /// Nothing has come from anybody since `since`, and these were asked.
    pub(crate) fn on_silence(&mut self, asked: &BTreeSet<String>, since: Instant) {
        let quiet = Quiet { since, has_other: false, is_told: false };
        for host in asked {
            self.hosts.entry(host.clone()).or_insert_with(|| quiet.clone());
        }
        let has_other = |host: &&String| self.hosts.get(*host).is_some_and(|it| it.has_other);
        self.only = asked.first().filter(|_| asked.len() == 1).filter(has_other).cloned();
    }

    /// Whether others have answered while that host was silent, so that it is not the link.
    pub(crate) const fn is_only(&self) -> bool {
        self.only.is_some()
    }

    /// Whether `host` was silent when it was asked last.
    pub(crate) fn has(&self, host: &str) -> bool {
        self.hosts.contains_key(host)
    }

    /// Whether it matters who answers.
    pub(crate) fn is_watching(&self) -> bool {
        !self.hosts.is_empty()
    }

    /// Something of use came from `host`. If people were told that this one is silent, says for
    /// how long it was.
    pub(crate) fn on_answer(&mut self, host: &str, now: Instant) -> Option<Duration> {
        let was = self.hosts.remove(host);
        self.hosts.values_mut().for_each(|quiet| quiet.has_other = true);
        was.filter(|quiet| quiet.is_told).map(|quiet| now.since(quiet.since))
    }

    /// The host that is silent while others answer and since when, the first time that this is
    /// asked.
    pub(crate) fn news(&mut self) -> Option<(String, Instant)> {
        let host = self.only.clone()?;
        let quiet = self.hosts.get_mut(&host)?;
        let is_news = !std::mem::replace(&mut quiet.is_told, true);
        is_news.then_some((host, quiet.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::at(Duration::from_secs(seconds))
    }

    fn hosts<const N: usize>(hosts: [&str; N]) -> BTreeSet<String> {
        hosts.map(str::to_owned).into_iter().collect()
    }

    #[test]
    fn a_host_is_told_of_once_when_others_answer_while_it_is_silent() {
        let mut silent = SilentHosts::default();
        silent.on_silence(&hosts(["storage"]), at(1));
        assert!(!silent.is_only(), "it may be the link");
        assert_eq!(silent.on_answer("hub", at(6)), None);
        silent.on_silence(&hosts(["storage"]), at(6));
        assert!(silent.is_only(), "the hub has answered");
        assert_eq!(silent.news(), Some(("storage".to_owned(), at(1))));
        assert_eq!(silent.news(), None);
        assert_eq!(silent.on_answer("hub", at(20)), None);
        assert_eq!(silent.on_answer("storage", at(31)), Some(Duration::from_secs(30)));
        assert!(!silent.is_watching());
    }

    #[test]
    fn two_hosts_are_told_of_each() {
        let mut silent = SilentHosts::default();
        for (host, second) in [("a", 1), ("b", 2), ("a", 3), ("b", 4)] {
            silent.on_silence(&hosts([host]), at(second));
            assert_eq!(silent.news().is_some(), second > 2, "{host} at {second}");
            assert_eq!(silent.on_answer("hub", at(second)), None);
        }
    }

    #[test]
    fn who_answers_first_after_an_outage_is_no_reason_to_accuse_the_other() {
        let mut silent = SilentHosts::default();
        silent.on_silence(&hosts(["storage"]), at(1));
        assert_eq!(silent.on_answer("hub", at(6)), None);
        assert_eq!(silent.on_answer("storage", at(7)), None);
        silent.on_silence(&hosts(["storage"]), at(9));
        assert!(!silent.is_only(), "what was before counts no more");
        assert_eq!(silent.on_answer("hub", at(10)), None);
        silent.on_silence(&hosts(["hub", "storage"]), at(12));
        assert!(!silent.is_only() && silent.news().is_none(), "several are silent");
    }
}
