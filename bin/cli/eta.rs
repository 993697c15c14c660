//! How fast bytes are proven, lately and over the whole run, and how long the rest may take.
//!
//! Has no clock: whoever asks says what time it is.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use engine::time::Instant;

/// A goodput, measured over three spans: seconds, a minute, the whole run.
#[derive(Clone, Debug)]
pub(crate) struct Eta {
    began: Instant,
    gained: u64,
    /// Bytes gained in each slice of time, by the slice's number, oldest first.
    slices: VecDeque<(u128, u64)>,
}

/// How long the rest may take: as long as the better and the worse of two rates say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// If it goes on as well as it can be expected to.
    pub(crate) soonest: Duration,
    /// If it goes on as badly; `None` when nothing arrives at all.
    pub(crate) latest: Option<Duration>,
}

impl Eta {
    /// A pace that is measured from now on.
    pub(crate) const fn new(now: Instant) -> Self {
        Self { began: now, gained: 0, slices: VecDeque::new() }
    }

    /// `len` more bytes are proven.
    pub(crate) fn on_gain(&mut self, len: u64, now: Instant) {
        self.gained += len;
        let slice = slice_of(now);
        match self.slices.back_mut() {
            Some((last, bytes)) if *last == slice => *bytes += len,
            Some(_) | None => self.slices.push_back((slice, len)),
        }
        let oldest = slice.saturating_sub(slices_in(STEADY_SPAN));
        while self.slices.front().is_some_and(|(slice, _)| *slice < oldest) {
            self.slices.pop_front();
        }
    }

    /// Bytes gained in this run.
    pub(crate) const fn gained(&self) -> u64 {
        self.gained
    }

    /// Bytes per second in the last seconds.
    pub(crate) fn rate(&self, now: Instant) -> u64 {
        self.over(RATE_SPAN, now)
    }

    /// Bytes per second over the whole run.
    pub(crate) fn mean(&self, now: Instant) -> u64 {
        per_second(self.gained, now.since(self.began))
    }

    /// How long `missing` bytes may take; `None` when it is too early to say.
    pub(crate) fn left(&self, missing: u64, now: Instant) -> Option<Left> {
        if missing == 0 || now.since(self.began) < EARLIEST {
            return None;
        }
        let (recent, mean) = (self.over(STEADY_SPAN, now), self.mean(now));
        let soonest = duration_of(missing, recent.max(mean))?;
        Some(Left { soonest, latest: duration_of(missing, recent.min(mean)) })
    }

    fn over(&self, span: Duration, now: Instant) -> u64 {
        let span = span.min(now.since(self.began)).max(SLICE);
        let oldest = slice_of(now).saturating_sub(slices_in(span));
        let recent = self.slices.iter().rev().take_while(|(slice, _)| *slice > oldest);
        per_second(recent.map(|(_, bytes)| bytes).sum(), span)
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(latest) = self.latest else {
            let (number, unit) = in_unit_of(self.soonest, self.soonest);
            return write!(f, "more than {number} {unit} left");
        };
        let (soonest, unit) = in_unit_of(self.soonest, latest);
        let (latest, _) = in_unit_of(latest, latest);
        if soonest == latest {
            write!(f, "about {latest} {unit} left")
        } else {
            write!(f, "{soonest}–{latest} {unit} left")
        }
    }
}

/// The duration as a number of the unit that suits `scale`.
fn in_unit_of(duration: Duration, scale: Duration) -> (String, &'static str) {
    let (unit, unit_seconds) = match scale.as_secs() {
        0..120 => ("s", 1),
        120..7_200 => ("min", 60),
        7_200..360_000 => ("h", 3_600),
        360_000.. => ("days", 86_400),
    };
    let tenths = duration.as_millis() / (unit_seconds * 100);
    let number = match tenths {
        0 => "0".to_owned(),
        1..100 if unit_seconds > 60 => format!("{}.{}", tenths / 10, tenths % 10),
        _ => tenths.div_ceil(10).to_string(),
    };
    (number, unit)
}

fn duration_of(len: u64, rate: u64) -> Option<Duration> {
    len.checked_mul(1_000).and_then(|len| len.checked_div(rate)).map(Duration::from_millis)
}

fn per_second(len: u64, elapsed: Duration) -> u64 {
    let millis = elapsed.as_millis().max(1);
    u64::try_from(u128::from(len) * 1_000 / millis).unwrap_or(u64::MAX)
}

const fn slice_of(now: Instant) -> u128 {
    now.since_start().as_millis() / SLICE.as_millis()
}

const fn slices_in(span: Duration) -> u128 {
    span.as_millis() / SLICE.as_millis()
}

/// Finer than any span, so that a span's edge matters little.
const SLICE: Duration = Duration::from_millis(250);
/// Short enough to be lively, long enough to be read.
const RATE_SPAN: Duration = Duration::from_secs(10);
/// Long enough that one reset does not move the time left.
const STEADY_SPAN: Duration = Duration::from_secs(60);
/// Nothing is said of the time left before this.
const EARLIEST: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::at(Duration::from_secs(seconds))
    }

    /// Gains `rate` bytes each second from `start` to `end`.
    fn gain(eta: &mut Eta, rate: u64, start: u64, end: u64) {
        for second in start + 1..=end {
            eta.on_gain(rate, at(second));
        }
    }

    #[test]
    fn measures_three_spans() {
        let mut eta = Eta::new(at(100));
        gain(&mut eta, 1_000, 100, 400);
        gain(&mut eta, 500, 400, 430);
        assert_eq!(eta.gained(), 315_000);
        assert_eq!(eta.rate(at(430)), 500);
        assert_eq!(eta.over(STEADY_SPAN, at(430)), 750);
        assert_eq!(eta.mean(at(430)), 315_000 / 330);
        assert_eq!(eta.rate(at(500)), 0, "silence is no rate");
        assert_eq!(eta.over(STEADY_SPAN, at(491)), 0);
    }

    #[test]
    fn says_how_long_it_may_take() {
        let mut eta = Eta::new(at(0));
        assert_eq!(eta.left(1_000, at(2)), None, "too early");
        assert_eq!(eta.left(1_000, at(9)), None, "nothing ever came");
        gain(&mut eta, 87_000, 0, 3_600);
        gain(&mut eta, 77_000, 3_600, 3_660);
        let words = |missing, now| eta.left(missing, at(now)).map(|left| left.to_string());
        assert_eq!(words(0, 3_660), None);
        assert_eq!(words(14_320_000_000, 3_660).as_deref(), Some("46–52 h left"));
        assert_eq!(words(14_320_000_000, 3_800).as_deref(), Some("more than 48 h left"));
    }

    #[test]
    fn says_one_number_when_both_are_the_same() {
        let table = [
            (5, Some(5), "about 5 s left"),
            (80, Some(95), "80–95 s left"),
            (100, Some(150), "2–3 min left"),
            (1_500, Some(5_400), "25–90 min left"),
            (4_000, Some(9_000), "1.1–2.5 h left"),
            (165_600, Some(187_200), "46–52 h left"),
            (400_000, Some(900_000), "4.6–11 days left"),
            (30, None, "more than 30 s left"),
        ];
        for (soonest, latest, expected) in table {
            let soonest = Duration::from_secs(soonest);
            let left = Left { soonest, latest: latest.map(Duration::from_secs) };
            assert_eq!(left.to_string(), expected);
        }
    }
}
