//! How much a link can carry, over time: a recording, repeated for ever.
//!
//! Knows no connections; who gets which byte is the [`link`](crate::link)'s business.

mod format;

use std::error::Error;
use std::fmt;
use std::num::NonZeroU64;

use engine::time::Duration;

/// A capacity that changes over time and repeats.
///
/// Within a row it is constant. All arithmetic is in whole nanoseconds and bytes and rounds in one
/// direction, so that nothing drifts however often the recording is repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Never empty; the first begins at 0.
    steps: Vec<Step>,
    period_nanos: u64,
    /// Bytes in one period; never 0.
    len: u64,
}

/// One row, and what all rows before it come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    start_nanos: u64,
    /// Never 0.
    nanos: u64,
    len_before: u64,
    len: u64,
}

impl Trace {
    /// A capacity that never changes, in bytes per second.
    pub fn constant(rate: NonZeroU64) -> Self {
        let len = rate.get();
        let step = Step { start_nanos: 0, nanos: NANOS_PER_SECOND, len_before: 0, len };
        Self { steps: vec![step], period_nanos: NANOS_PER_SECOND, len }
    }

    /// The first line of a recording in rows.
    pub const HEADER: &'static str = "dur_ms,bytes";

    /// What each second carries, in bytes; not all nothing.
    pub(crate) fn of_seconds(lens: impl IntoIterator<Item = u64>) -> Self {
        let mut trace = Self::empty();
        for len in lens {
            trace.add(NANOS_PER_SECOND, len).expect("made from sums that fit");
        }
        assert!(trace.len > 0, "a trace that carries nothing");
        trace
    }

    /// Reads a recording in one of two formats:
    ///
    /// - a line `dur_ms,bytes`, then for each interval, however long, how many milliseconds it
    ///   lasted and how many bytes it carried;
    /// - Mahimahi's: for each opportunity to deliver 1500 bytes a line with its time in whole
    ///   milliseconds, which does not run backwards. It repeats after the last one.
    ///
    /// # Errors
    ///
    /// The first line that is not so, or the last one if none of them carries a byte.
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        let first = text.lines().next().unwrap_or_default();
        match first {
            Self::HEADER => format::parse_rows(text),
            _ if first.parse::<u32>().is_ok() => format::parse_opportunities(text),
            _ => Err(TraceError { line: 1, flaw: TraceFlaw::NoHeader }),
        }
    }

    /// After how long it repeats.
    pub const fn period(&self) -> Duration {
        Duration::from_nanos(self.period_nanos)
    }

    /// The mean capacity in bytes per second, rounded down.
    pub fn mean(&self) -> u64 {
        scale(self.len, NANOS_PER_SECOND, self.period_nanos)
    }

    /// How many bytes it has carried `nanos` after its beginning.
    pub(crate) fn carried(&self, nanos: u64) -> u64 {
        let (rounds, rest) = (nanos / self.period_nanos, nanos % self.period_nanos);
        let step = self.last_step(|step| step.start_nanos <= rest);
        let len = step.len_before + scale(rest - step.start_nanos, step.len, step.nanos);
        rounds.saturating_mul(self.len).saturating_add(len)
    }

    /// After how many nanoseconds it has carried `len` bytes, rounded up.
    pub(crate) fn nanos_to_carry(&self, len: u64) -> u64 {
        let Some(before) = len.checked_sub(1) else { return 0 };
        let (rounds, rest) = (before / self.len, before % self.len + 1);
        // The rows behind it begin with all of `rest` carried, so this one carries some of it.
        let step = self.last_step(|step| step.len_before < rest);
        let nanos = step.start_nanos + scale_up(rest - step.len_before, step.nanos, step.len);
        rounds.saturating_mul(self.period_nanos).saturating_add(nanos)
    }

    /// How much it carries at a moment, in bytes per second.
    pub(crate) fn rate_at(&self, nanos: u64) -> u64 {
        let rest = nanos % self.period_nanos;
        let step = self.last_step(|step| step.start_nanos <= rest);
        scale(step.len, NANOS_PER_SECOND, step.nanos)
    }

    const fn empty() -> Self {
        Self { steps: Vec::new(), period_nanos: 0, len: 0 }
    }

    /// Adds an interval, which is not 0.
    fn add(&mut self, nanos: u64, len: u64) -> Result<(), TraceFlaw> {
        let (start_nanos, len_before) = (self.period_nanos, self.len);
        self.period_nanos = start_nanos.checked_add(nanos).ok_or(TraceFlaw::TooMuch)?;
        self.len = len_before.checked_add(len).ok_or(TraceFlaw::TooMuch)?;
        self.steps.push(Step { start_nanos, nanos, len_before, len });
        Ok(())
    }

    /// The last of the leading steps that are `so`; there is one.
    fn last_step(&self, so: impl Fn(&Step) -> bool) -> Step {
        let count = self.steps.partition_point(so);
        self.steps[count - 1]
    }
}

/// Which line of a recording cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceError {
    /// The first line is 1.
    pub line: u64,
    /// What is wrong with it.
    pub flaw: TraceFlaw,
}

/// What can be wrong with a line of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceFlaw {
    /// The first line does not say which format it is.
    NoHeader,
    /// A line before the rows that sets nothing.
    NotASetting,
    /// Not two whole numbers.
    NotARow,
    /// Not a whole number of milliseconds, or one before the last.
    NotATime,
    /// An interval without a length.
    NoTime,
    /// With this line the sums leave 64 bits.
    TooMuch,
    /// No line up to this last one carries a byte, so nothing would ever arrive.
    CarriesNothing,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flaw = match self.flaw {
            TraceFlaw::NoHeader => "expected the header `dur_ms,bytes`",
            TraceFlaw::NotASetting => "expected `rtt_ms N`, `queue_bytes N` or `dur_ms,bytes`",
            TraceFlaw::NotARow => "expected two whole numbers, `dur_ms,bytes`",
            TraceFlaw::NotATime => "expected a time in milliseconds, not before the last",
            TraceFlaw::NoTime => "an interval must last at least 1 ms",
            TraceFlaw::TooMuch => "the recording is too long or carries too much",
            TraceFlaw::CarriesNothing => "the recording ends without having carried a byte",
        };
        write!(f, "line {}: {flaw}", self.line)
    }
}

impl Error for TraceError {}

/// `value * to / from`, rounded down.
fn scale(value: u64, to: u64, from: u64) -> u64 {
    narrow(u128::from(value) * u128::from(to) / u128::from(from))
}

/// `value * to / from`, rounded up.
fn scale_up(value: u64, to: u64, from: u64) -> u64 {
    narrow((u128::from(value) * u128::from(to)).div_ceil(u128::from(from)))
}

fn narrow(wide: u128) -> u64 {
    u64::try_from(wide).unwrap_or(u64::MAX)
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod tests;
