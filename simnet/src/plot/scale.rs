//! From values to pixels, and to words: where the marks of an axis are, and what they say.
//!
//! Draws nothing.

/// An axis: which values lie between which pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// The value at `from`; 0 is.
    max: f64,
    from: i32,
    to: i32,
}

impl Scale {
    /// 0 is at `from`, `max` at `to`.
    pub(super) fn new(max: f64, from: i32, to: i32) -> Self {
        Self { max: if max > 0.0 { max } else { 1.0 }, from, to }
    }

    /// Where a value is; those outside are at the edge.
    pub(super) fn at(&self, value: f64) -> i32 {
        let share = (value / self.max).clamp(0.0, 1.0);
        self.from + (share * f64::from(self.to - self.from)).round() as i32
    }

    /// Round values, about so many, not beyond the end.
    pub(super) fn ticks(&self, step: f64) -> Vec<f64> {
        let last = (self.max / step + 1e-9).floor() as u64;
        (0..=last).map(|index| index as f64 * step).collect()
    }
}

/// The step of about `count` marks up to `max`: one, two or five, and zeros.
pub(super) fn round_step(max: f64, count: f64) -> f64 {
    let rough = (max / count).max(f64::MIN_POSITIVE);
    let power = 10_f64.powi(rough.log10().floor() as i32);
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|digit| digit * power)
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(10.0 * power)
}

/// A unit of time: its name, and its length in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TimeUnit {
    pub(super) name: &'static str,
    pub(super) seconds: f64,
}

/// The unit in which a time of so many seconds is best said, and the step of its marks, in it.
pub(super) fn time_steps(seconds: f64) -> (TimeUnit, f64) {
    let unit = |name, seconds| TimeUnit { name, seconds };
    let count = 12.0;
    if seconds < 0.5 {
        (unit("ms", 0.001), round_step(seconds * 1000.0, count))
    } else if seconds < 180.0 {
        (unit("s", 1.0), round_step(seconds, count))
    } else if seconds < 3.0 * 3600.0 {
        (unit("min", 60.0), round_step(seconds / 60.0, count).max(1.0))
    } else {
        let hours = seconds / 3600.0;
        let steps = [0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 12.0, 24.0];
        let step = steps.into_iter().find(|step| hours / step <= 14.0);
        (unit("h", 3600.0), step.unwrap_or_else(|| round_step(hours, count)))
    }
}

/// Bytes for people, in powers of a thousand.
pub(super) fn bytes(len: f64) -> String {
    let units = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "KB")];
    match units.into_iter().find(|(unit, _)| len >= *unit * 0.9995) {
        Some((unit, name)) => format!("{} {name}", short(len / unit)),
        None => format!("{} B", short(len)),
    }
}

/// A span of time for people.
pub(super) fn span(seconds: f64) -> String {
    let TimeUnit { name, seconds: unit } = time_steps(seconds).0;
    format!("{} {name}", short(seconds / unit))
}

/// A count for people, its thousands apart.
pub(super) fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Three digits, without zeros at the end.
pub(super) fn short(value: f64) -> String {
    let places = if value >= 100.0 { 0 } else { usize::from(value < 10.0) + 1 };
    let text = format!("{value:.places$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_not_too_many() {
        for (max, step) in [(100.0, 10.0), (14.3e9, 2e9), (7.0, 1.0), (0.3, 0.05), (6.0, 1.0)] {
            let found = round_step(max, 8.0);
            assert!((found - step).abs() < step * 0.01 || max / found <= 8.5, "{max}: {found}");
            assert!(max / found >= 3.0, "{max}: {found}");
        }
        let scale = Scale::new(10.0, 100, 0);
        assert_eq!((scale.at(0.0), scale.at(5.0), scale.at(11.0)), (100, 50, 0));
        assert_eq!(scale.ticks(5.0), [0.0, 5.0, 10.0]);
    }

    #[test]
    fn time_is_told_in_the_unit_that_fits() {
        let cases =
            [(0.2, "ms"), (30.0, "s"), (170.0, "s"), (600.0, "min"), (9e3, "min"), (176e3, "h")];
        for (seconds, name) in cases {
            let (unit, step) = time_steps(seconds);
            assert_eq!(unit.name, name);
            let marks = seconds / unit.seconds / step;
            assert!((4.0..=15.0).contains(&marks), "{seconds} s: {marks} marks");
        }
    }

    #[test]
    fn quantities_are_short() {
        let cases = [(0.0, "0 B"), (999.0, "999 B"), (87_000.0, "87 KB"), (14.32e9, "14.3 GB")];
        for (len, text) in cases {
            assert_eq!(bytes(len), text);
        }
        assert_eq!([count(7), count(1234), count(1_234_567)], ["7", "1 234", "1 234 567"]);
        assert_eq!([span(30.0), span(600.0), span(176_400.0)], ["30 s", "10 min", "49 h"]);
        assert_eq!(
            [short(1.0), short(1.25), short(12.34), short(99.96)],
            ["1", "1.25", "12.3", "100"]
        );
    }
}
