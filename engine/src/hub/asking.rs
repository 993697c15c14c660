//! What to do after a question to the hub has failed, before there is a transfer: ask again, ask in
//! another way, or leave it.
//!
//! Asks nothing itself. In a transfer its machine decides, by its policy for retries alone.

use rand::{Rng, RngExt};

use crate::fault::Fault;
use crate::policy::retry::{Backoff, Step, next_step};
use crate::time::{Duration, Instant};

/// One question, which can be asked in one or more ways.
#[derive(Clone, Debug)]
pub struct Asking {
    manner: Manner,
    ways: usize,
    way: usize,
    backoff: Backoff,
    streak: Streak,
    round: Round,
    rounds: u32,
    denials: u32,
    attempts: u32,
}

/// Of whom it is asked, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// It is the public hub, which exists, whatever a network says.
    pub is_public_hub: bool,
    /// Something of what is asked for was fetched before, or the person said how long to go on:
    /// then no silence and no denial is believed to be for ever.
    pub is_sure: bool,
    /// No pause is longer than this, unless the hub asks for one.
    pub pause_max: Duration,
}

/// What to do after a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// NextStep at once, in the [way](Asking::way) that is next.
    Now,
    /// NextStep again after a pause.
    After {
        /// How long.
        pause: Duration,
        /// Why: what people should know.
        fault: Fault,
    },
    /// It will not get better.
    Never(Fault),
}

/// The same kind of fault in a row, in one way.
#[derive(Clone, Copy, Debug, Default)]
struct Streak {
    kind: &'static str,
    count: u32,
}

/// What came of each way since all were open.
#[derive(Clone, Debug, Default)]
struct Round {
    closed: usize,
    chief: Option<Fault>,
}

/// What a fault says about a way to ask.
enum Class {
    /// The network, or its login page: no way is better.
    Link,
    /// The address is wrong, says a working network.
    Denied,
    /// Not now.
    Busy { told: Option<Duration> },
    /// An answer without sense: perhaps the next has some.
    Garbled,
    /// Not in this way.
    Closed,
    /// No way to ask makes a difference.
    AsEver,
}

impl Asking {
    /// A question with so many ways to ask it, of which the first is the best.
    pub fn new(ways: usize, manner: Manner) -> Self {
        Self {
            manner,
            ways: ways.max(1),
            way: 0,
            backoff: Backoff::new(manner.pause_max.min(PAUSE_MAX)),
            streak: Streak::default(),
            round: Round::default(),
            rounds: 0,
            denials: 0,
            attempts: 0,
        }
    }

    /// The way to ask now: a number below that of all ways.
    pub const fn way(&self) -> usize {
        self.way
    }

    /// How often it was asked in vain.
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Asking has failed; it began at `began`.
    pub fn on_fault(
        &mut self,
        fault: Fault,
        rng: &mut impl Rng,
        began: Instant,
        now: Instant,
    ) -> Next {
        self.attempts = self.attempts.saturating_add(1);
        let is_same = self.streak.kind == fault.kind();
        let count = if is_same { self.streak.count.saturating_add(1) } else { 1 };
        self.streak = Streak { kind: fault.kind(), count };
        match class(&fault) {
            Class::AsEver => match next_step(&fault, count) {
                Step::Fail => Next::Never(fault),
                Step::Again | Step::Locate => self.pause(fault, None, rng, began, now),
            },
            Class::Link => self.pause(fault, None, rng, began, now),
            Class::Denied => {
                self.denials = self.denials.saturating_add(1);
                let is_wrong = !self.manner.is_public_hub && !self.manner.is_sure;
                if is_wrong && self.denials >= DENIALS_MAX {
                    return Next::Never(fault);
                }
                self.pause(fault, None, rng, began, now)
            }
            Class::Busy { told } => {
                if count >= BUSY_MAX {
                    self.turn();
                }
                self.pause(fault, told, rng, began, now)
            }
            Class::Garbled if count < GARBLED_MAX && self.rounds == 0 => self.short_pause(fault),
            Class::Garbled | Class::Closed => self.on_closed(fault, rng),
        }
    }

    /// This way leads nowhere. When all ways do, the round is over, and its chief fault decides: a
    /// login page, since it answers in every way; else a refusal, since web pages beside it are of
    /// a mirror that lacks something; else that of the best way.
    fn on_closed(&mut self, fault: Fault, rng: &mut impl Rng) -> Next {
        let rank =
            |fault: &Fault| (*fault == Fault::Portal, matches!(fault, Fault::Rejected { .. }));
        let chief = self.round.chief.take().filter(|chief| rank(chief) >= rank(&fault));
        self.round.chief = chief.or_else(|| Some(fault.clone()));
        self.round.closed += 1;
        self.turn();
        if self.round.closed < self.ways {
            return Next::Now;
        }
        let round = std::mem::take(&mut self.round);
        self.way = 0;
        self.rounds = self.rounds.saturating_add(1);
        let fault = round.chief.unwrap_or(fault);
        if fault == Fault::Portal {
            // Somebody has to sign in, which may take all day, and then counts at once.
            let span = PORTAL_PAUSE_MIN.as_millis()..=PORTAL_PAUSE_MAX.as_millis();
            let millis = u64::try_from(rng.random_range(span)).unwrap_or(u64::MAX);
            let pause = Duration::from_millis(millis).min(self.manner.pause_max).max(FLOOR);
            return Next::After { pause, fault };
        }
        let rounds_max = if fault == Fault::NotAHub {
            STRANGE_ROUNDS
        } else if matches!(class(&fault), Class::Garbled) {
            GARBLED_ROUNDS
        } else {
            0
        };
        if self.rounds < rounds_max { self.short_pause(fault) } else { Next::Never(fault) }
    }

    const fn turn(&mut self) {
        self.way = (self.way + 1) % self.ways;
        self.streak = Streak { kind: "", count: 0 };
    }

    /// Where a few more tries decide whether it is for ever.
    fn short_pause(&self, fault: Fault) -> Next {
        let pause = SHORT_PAUSE.min(self.manner.pause_max).max(FLOOR);
        Next::After { pause, fault }
    }

    /// Backoff with jitter, but never no pause at all: a server that says "again at once" is not
    /// asked thousands of times a second.
    fn pause(
        &mut self,
        fault: Fault,
        told: Option<Duration>,
        rng: &mut impl Rng,
        began: Instant,
        now: Instant,
    ) -> Next {
        self.backoff.on_fault(rng, began, now);
        let drawn = self.backoff.not_before().since(now);
        let pause = told.filter(|told| !told.is_zero()).unwrap_or(drawn).max(FLOOR);
        Next::After { pause, fault }
    }
}

const fn class(fault: &Fault) -> Class {
    match fault {
        Fault::Lookup(_)
        | Fault::Unreachable
        | Fault::Reset
        | Fault::Cut
        | Fault::Silent(_)
        | Fault::Link(_) => Class::Link,
        Fault::Refused | Fault::ProxyDown(_) | Fault::NoSuchHost(_) | Fault::Tls(_) => {
            Class::Denied
        }
        Fault::Busy { retry_after, .. } => Class::Busy { told: *retry_after },
        Fault::Portal | Fault::NotAHub | Fault::Rejected { .. } => Class::Closed,
        Fault::LeaseRefused { .. }
        | Fault::RangeIgnored
        | Fault::WrongRange { .. }
        | Fault::Encoded(_)
        | Fault::TooLong
        | Fault::Changed
        | Fault::Stale { .. }
        | Fault::Redirects
        | Fault::Malformed(_) => Class::Garbled,
        Fault::Certificate(_)
        | Fault::NoAuthorities(_)
        | Fault::Proxy(_)
        | Fault::NoXet(_)
        | Fault::TokenNeeded(_)
        | Fault::Gated(_)
        | Fault::NoSuchRepo(_)
        | Fault::NoSuchRevision(_)
        | Fault::NoSuchFile(_)
        | Fault::NoListing
        | Fault::TooManyFiles
        | Fault::UnsafeName(_)
        | Fault::Disk(_)
        | Fault::WrongDigest => Class::AsEver,
    }
}

/// Pauses after which the hub is asked again whether the link is back.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Nothing is asked again sooner than this: no more than two questions a second, whatever the hub
/// says.
const FLOOR: Duration = Duration::from_millis(500);
/// So many denials in a row mean that the address is wrong.
const DENIALS_MAX: u32 = 5;
/// A way that is busy so often in a row may be busier than the others.
const BUSY_MAX: u32 = 4;
/// So often one way may answer without sense before another is tried.
const GARBLED_MAX: u32 = 2;
/// So often all ways may answer without sense.
const GARBLED_ROUNDS: u32 = 4;
const SHORT_PAUSE: Duration = Duration::from_secs(3);
/// So often all ways may end at pages of a web server that is no hub: with its pauses 12 s, in
/// which a proxy that is being restarted has come back.
const STRANGE_ROUNDS: u32 = 5;
/// How often to look whether somebody has signed in.
const PORTAL_PAUSE_MIN: Duration = Duration::from_secs(5);
const PORTAL_PAUSE_MAX: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
