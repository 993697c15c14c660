//! The ordered rules of a hub with what each has met and done so far.
//!
//! It decides which rule meets a request; what the fault does happens elsewhere.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::content::mix;
use crate::fault::Fault;
use crate::rule::{Rule, Seen};
use crate::stats::RuleStats;

/// Rules in order; the first that matches and has budget left wins.
#[derive(Debug)]
pub(crate) struct RuleBook {
    rules: Vec<Arc<ArmedRule>>,
    seed: u64,
    /// No rule meets anything any more.
    is_calm: AtomicBool,
}

/// A rule with its counters.
#[derive(Debug)]
pub(crate) struct ArmedRule {
    pub(crate) rule: Rule,
    counters: Mutex<Counters>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counters {
    matched: u64,
    fired: u64,
    /// Firings that are promised to bytes which no socket has taken yet.
    reserved: u64,
    /// Body bytes of matching responses, for `every=`.
    served: u64,
}

impl RuleBook {
    pub(crate) fn new(rules: Vec<Rule>, seed: u64) -> Self {
        let armed = |rule| Arc::new(ArmedRule { rule, counters: Mutex::default() });
        Self {
            rules: rules.into_iter().map(armed).collect(),
            seed,
            is_calm: AtomicBool::new(false),
        }
    }

    /// The rule whose fault meets this request.
    pub(crate) fn choose(&self, seen: &Seen<'_>) -> Option<Arc<ArmedRule>> {
        if self.is_calm.load(Ordering::Relaxed) {
            return None;
        }
        let mut rules = self.rules.iter().enumerate();
        let (_, rule) = rules.find(|(index, rule)| {
            if !rule.rule.matches(seen) {
                return false;
            }
            let Some(number) = rule.count_match() else {
                return false;
            };
            number >= rule.rule.from && self.draw(*index as u64, number) < rule.rule.chance
        })?;
        Some(rule.clone())
    }

    /// From now on every answer is honest. Those under way stay as they are.
    pub(crate) fn disarm(&self) {
        self.is_calm.store(true, Ordering::Relaxed);
    }

    /// Forgets everything that was counted.
    pub(crate) fn rearm(&self) {
        self.is_calm.store(false, Ordering::Relaxed);
        for rule in &self.rules {
            rule.update(|counters| *counters = Counters::default());
        }
    }

    pub(crate) fn stats(&self) -> Vec<RuleStats> {
        let stats = |rule: &Arc<ArmedRule>| {
            let counters = rule.update(|counters| *counters);
            RuleStats {
                rule: rule.rule.text().to_owned(),
                kind: rule.kind().to_owned(),
                matched: counters.matched,
                fired: counters.fired,
            }
        };
        self.rules.iter().map(stats).collect()
    }

    /// The first rule.
    #[cfg(test)]
    pub(crate) fn first(&self) -> Arc<ArmedRule> {
        self.rules[0].clone()
    }

    /// A number in `0..1` that depends on the seed, the rule and the request's number only.
    fn draw(&self, index: u64, number: u64) -> f64 {
        let bits = mix(mix(self.seed ^ mix(index + 1)).wrapping_add(number));
        (bits >> 11) as f64 / (1u64 << 53) as f64
    }
}

impl ArmedRule {
    pub(crate) fn kind(&self) -> &str {
        self.rule.kind()
    }

    pub(crate) fn fault(&self) -> &Fault {
        &self.rule.fault
    }

    /// Takes one firing from the budget; false if none is left.
    pub(crate) fn try_fire(&self) -> bool {
        self.update(|counters| {
            let may = self.has_budget(counters);
            counters.fired += u64::from(may);
            may
        })
    }

    /// Sets one firing aside; false if none is left. It is [fired](Self::fire_reserved) or
    /// [given back](Self::give_back) later.
    pub(crate) fn try_reserve(&self) -> bool {
        self.update(|counters| {
            let may = self.has_budget(counters);
            counters.reserved += u64::from(may);
            may
        })
    }

    /// What was set aside has fired.
    pub(crate) fn fire_reserved(&self) {
        self.update(|counters| {
            counters.reserved = counters.reserved.saturating_sub(1);
            counters.fired += 1;
        });
    }

    /// What was set aside has not fired and never will.
    pub(crate) fn give_back(&self) {
        // Rearming forgets what was set aside before.
        self.update(|counters| counters.reserved = counters.reserved.saturating_sub(1));
    }

    fn has_budget(&self, counters: &Counters) -> bool {
        counters.fired + counters.reserved < self.rule.times
    }

    /// Bytes until the next multiple of `every`.
    pub(crate) fn until_next(&self, every: u64) -> u64 {
        self.update(|counters| every - counters.served % every)
    }

    /// Counts bytes; true if they reached a multiple of `every`.
    pub(crate) fn count_served(&self, bytes: u64, every: u64) -> bool {
        self.update(|counters| {
            let before = counters.served / every;
            counters.served += bytes;
            counters.served / every > before
        })
    }

    /// The number of this matching request, from 1; none if the budget is spent.
    fn count_match(&self) -> Option<u64> {
        self.update(|counters| {
            (counters.fired < self.rule.times).then(|| {
                counters.matched += 1;
                counters.matched
            })
        })
    }

    fn update<T>(&self, change: impl FnOnce(&mut Counters) -> T) -> T {
        change(&mut self.counters.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Route;

    fn book(rules: &[&str], seed: u64) -> RuleBook {
        RuleBook::new(rules.iter().map(|text| text.parse().unwrap()).collect(), seed)
    }

    /// The kinds that fire on `count` equal requests.
    fn fired(book: &RuleBook, count: usize) -> Vec<String> {
        let seen = Seen {
            route: Route::Cdn,
            method: "GET",
            path: "f".to_owned(),
            spans: Vec::new(),
            connection: 1,
            served: 0,
        };
        let choose = |_| match book.choose(&seen) {
            Some(rule) if rule.try_fire() => rule.kind().to_owned(),
            Some(_) | None => "-".to_owned(),
        };
        (0..count).map(choose).collect()
    }

    #[test]
    fn order_start_and_budget() {
        let table: [(&[&str], [&str; 4]); 4] = [
            (&["gzip", "expired"], ["gzip"; 4]),
            (&["gzip times=1", "expired times=2"], ["gzip", "expired", "expired", "-"]),
            (&["gzip from=3"], ["-", "-", "gzip", "gzip"]),
            (&["gzip from=2 times=1", "expired from=3"], ["-", "gzip", "-", "expired"]),
        ];
        for (rules, expected) in table {
            assert_eq!(fired(&book(rules, 1), 4), expected, "{rules:?}");
        }
    }

    #[test]
    fn chance_depends_on_the_seed_alone() {
        let count = |seed| {
            let all = fired(&book(&["gzip chance=0.3"], seed), 1000);
            all.into_iter().filter(|kind| kind == "gzip").count()
        };
        assert_eq!(count(1), count(1));
        assert!((250..350).contains(&count(1)), "{}", count(1));
        assert_ne!(
            fired(&book(&["gzip chance=0.3"], 1), 50),
            fired(&book(&["gzip chance=0.3"], 2), 50)
        );
    }

    #[test]
    fn rearming_starts_over() {
        let book = book(&["gzip times=1"], 1);
        assert_eq!(fired(&book, 2), ["gzip", "-"]);
        book.rearm();
        assert_eq!(fired(&book, 2), ["gzip", "-"]);
    }
}
