//! How often each rule could have been broken, and how much of what it allows was used.
//!
//! Breaks and judges nothing: a rule that was never armed has proven nothing, and one that is
//! never half used allows too much.

use std::collections::BTreeMap;
use std::fmt;

/// What came of each rule of a kind, in one run or in many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scores<R> {
    scores: BTreeMap<R, Score>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Score {
    armed: u64,
    /// How often so many thousandths of what is allowed were used.
    used: BTreeMap<u32, u64>,
}

impl<R> Default for Scores<R> {
    fn default() -> Self {
        Self { scores: BTreeMap::new() }
    }
}

impl<R: Ord + Copy> Scores<R> {
    /// The rule could have been broken just now.
    pub fn arm(&mut self, rule: R) {
        self.scores.entry(rule).or_default().armed += 1;
    }

    /// The same, and so much was used of what was allowed. Whether that was within it.
    pub fn spend(&mut self, rule: R, used: u64, allowed: u64) -> bool {
        let score = self.scores.entry(rule).or_default();
        score.armed += 1;
        let thousandths = u128::from(used) * 1000 / u128::from(allowed.max(1));
        let thousandths = u32::try_from(thousandths).unwrap_or(u32::MAX).min(MOST);
        *score.used.entry(thousandths).or_default() += 1;
        used <= allowed
    }

    /// Adds what came of other runs.
    pub fn add(&mut self, other: &Self) {
        for (rule, more) in &other.scores {
            let score = self.scores.entry(*rule).or_default();
            score.armed += more.armed;
            for (used, count) in &more.used {
                *score.used.entry(*used).or_default() += count;
            }
        }
    }

    /// How often a rule could have been broken.
    pub fn armed(&self, rule: R) -> u64 {
        self.scores.get(&rule).map_or(0, |score| score.armed)
    }

    /// Which of these rules could never have been broken.
    pub fn never<'a>(&self, rules: &'a [R]) -> Vec<&'a R> {
        rules.iter().filter(|rule| self.armed(**rule) == 0).collect()
    }

    /// The value that so many of a hundred uses do not exceed, in thousandths of what is allowed;
    /// `None` for a rule without slack.
    pub fn used(&self, rule: R, percent: u64) -> Option<u32> {
        let used = &self.scores.get(&rule)?.used;
        let rank = (used.values().sum::<u64>() * percent).div_ceil(100);
        let mut seen = 0;
        used.iter().find_map(|(thousandths, count)| {
            seen += count;
            (seen >= rank).then_some(*thousandths)
        })
    }
}

impl<R: Ord + Copy + fmt::Debug> fmt::Display for Scores<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (rule, score) in &self.scores {
            write!(f, "{:>9}  {rule:?}", score.armed)?;
            let percent =
                |of| self.used(*rule, of).map(|thousandths| f64::from(thousandths) / 10.0);
            let told = [1, 50, 99, 100].map(percent);
            if let [Some(least), Some(median), Some(p99), Some(most)] = told {
                write!(f, ", used {median:.1} % of what it allows, p1 {least:.1} %, ")?;
                write!(f, "p99 {p99:.1} %, most {most:.1} %")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// More than ten times of what is allowed is not told apart.
const MOST: u32 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_adds_up_in_any_order() {
        let mut scores = [Scores::<char>::default(), Scores::default()];
        for used in 1..=100 {
            assert!(scores[used as usize % 2].spend('a', used, 100));
        }
        assert!(!scores[0].spend('a', 101, 100));
        scores[1].arm('b');
        let [mut first, mut second] = scores.clone();
        first.add(&scores[1]);
        second.add(&scores[0]);
        assert_eq!(first, second);
        assert_eq!((first.armed('a'), first.armed('b'), first.armed('c')), (101, 1, 0));
        assert_eq!(first.never(&['a', 'b', 'c']), [&'c']);
        assert_eq!([50, 99, 100].map(|it| first.used('a', it)), [510, 1000, 1010].map(Some));
        assert_eq!(first.used('b', 50), None);
    }
}
