//! How much a link can carry, over time: a recording, repeated for ever.
//!
//! Knows no connections; who gets which byte is the [`link`](crate::link)'s business.

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

    /// Reads a recording: a line `dur_ms,bytes`, then for each interval, however long, how many
    /// milliseconds it lasted and how many bytes it carried.
    ///
    /// # Errors
    ///
    /// The first line that is not so, or the last one if none of them carries a byte.
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        let mut trace = Self { steps: Vec::new(), period_nanos: 0, len: 0 };
        let mut line = 1;
        let mut lines = text.lines();
        if lines.next() != Some(HEADER) {
            return Err(TraceError { line, flaw: TraceFlaw::NoHeader });
        }
        for row in lines {
            line += 1;
            trace.push(row).map_err(|flaw| TraceError { line, flaw })?;
        }
        if trace.len == 0 {
            return Err(TraceError { line, flaw: TraceFlaw::CarriesNothing });
        }
        Ok(trace)
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

    fn push(&mut self, row: &str) -> Result<(), TraceFlaw> {
        let (millis, len) = row.split_once(',').ok_or(TraceFlaw::NotARow)?;
        let millis: u32 = millis.parse().map_err(|_| TraceFlaw::NotARow)?;
        let len: u64 = len.parse().map_err(|_| TraceFlaw::NotARow)?;
        if millis == 0 {
            return Err(TraceFlaw::NoTime);
        }
        let nanos = u64::from(millis) * NANOS_PER_MILLI;
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
    /// The first line does not name the columns.
    NoHeader,
    /// Not two whole numbers.
    NotARow,
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
            TraceFlaw::NotARow => "expected two whole numbers, `dur_ms,bytes`",
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

const HEADER: &str = "dur_ms,bytes";
const NANOS_PER_MILLI: u64 = 1_000_000;
const NANOS_PER_SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_is_named() {
        let cases: &[(&str, u64, TraceFlaw)] = &[
            ("", 1, TraceFlaw::NoHeader),
            ("1000,5\n", 1, TraceFlaw::NoHeader),
            ("dur_ms,bytes", 1, TraceFlaw::CarriesNothing),
            ("dur_ms,bytes\n1000,0\n500,0\n", 3, TraceFlaw::CarriesNothing),
            ("dur_ms,bytes\n1000,5\n\n1000,5\n", 3, TraceFlaw::NotARow),
            ("dur_ms,bytes\n1000\n", 2, TraceFlaw::NotARow),
            ("dur_ms,bytes\n1000,5\n1000,5,5\n", 3, TraceFlaw::NotARow),
            ("dur_ms,bytes\n1000,-5\n", 2, TraceFlaw::NotARow),
            ("dur_ms,bytes\n1000,0.5\n", 2, TraceFlaw::NotARow),
            ("dur_ms,bytes\n1000, 5\n", 2, TraceFlaw::NotARow),
            ("dur_ms,bytes\n4294967296,5\n", 2, TraceFlaw::NotARow),
            ("dur_ms,bytes\n0,5\n", 2, TraceFlaw::NoTime),
            ("dur_ms,bytes\n1,18446744073709551615\n1,1\n", 3, TraceFlaw::TooMuch),
        ];
        for &(text, line, flaw) in cases {
            assert_eq!(Trace::parse(text), Err(TraceError { line, flaw }), "{text:?}");
        }
        let error = Trace::parse("dur_ms,bytes\nx,y\n").unwrap_err();
        assert_eq!(error.to_string(), "line 2: expected two whole numbers, `dur_ms,bytes`");
    }

    #[test]
    fn a_recording_carries_what_its_rows_say_and_repeats() {
        let trace = Trace::parse("dur_ms,bytes\r\n500,0\r\n1000,100\r\n500,0\r\n250,3").unwrap();
        assert_eq!(trace.period(), Duration::from_millis(2250));
        assert_eq!(trace.mean(), 45);
        let cases = [
            (0, 0),
            (500, 0),
            (509, 0),
            (510, 1),
            (1000, 50),
            (1500, 100),
            (2000, 100),
            (2249, 102),
            (2250, 103),
            (2250 * 1000 + 1000, 103 * 1000 + 50),
        ];
        for (millis, len) in cases {
            assert_eq!(trace.carried(millis * NANOS_PER_MILLI), len, "at {millis} ms");
        }
    }

    #[test]
    fn when_a_byte_is_carried_is_the_first_moment_at_which_it_has_been() {
        let rows = [
            "dur_ms,bytes\n1000,87000\n",
            "dur_ms,bytes\n500,0\n1000,100\n500,0\n250,3\n",
            "dur_ms,bytes\n1,1\n7,3\n13,0\n1,999999999999\n",
            "dur_ms,bytes\n4294967295,1\n",
        ];
        for row in rows {
            let trace = Trace::parse(row).unwrap();
            assert_eq!(trace.nanos_to_carry(0), 0);
            for len in (1..=300).chain([trace.len * 5 - 1, trace.len * 5, trace.len * 5 + 1]) {
                let nanos = trace.nanos_to_carry(len);
                assert!(trace.carried(nanos) >= len, "{row:?}: {len} bytes, {nanos} ns");
                assert!(trace.carried(nanos - 1) < len, "{row:?}: {len} bytes, {nanos} ns");
            }
        }
    }

    #[test]
    fn absurd_numbers_saturate() {
        let trace = Trace::parse("dur_ms,bytes\n1,18446744073709551615\n").unwrap();
        assert_eq!(trace.carried(u64::MAX), u64::MAX);
        assert_eq!(trace.nanos_to_carry(u64::MAX), NANOS_PER_MILLI);
        assert_eq!(trace.mean(), u64::MAX);
        let slow = Trace::parse("dur_ms,bytes\n4294967295,1\n").unwrap();
        assert_eq!(slow.nanos_to_carry(u64::MAX), u64::MAX);
    }
}
