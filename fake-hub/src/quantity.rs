//! Sizes, durations and rates as people write them: `64MiB`, `1.5s`, `87KB/s`.
//!
//! Not a general unit library: KB is 1000, KiB is 1024, and a duration always names its unit.

use std::time::Duration;

use thiserror::Error;

/// A text that is not the quantity it should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is not {expected}")]
pub struct QuantityError {
    text: String,
    expected: &'static str,
}

/// Reads a number of bytes, such as `512`, `3MB` or `1.5GiB`.
pub fn parse_bytes(text: &str) -> Result<u64, QuantityError> {
    let fail = || QuantityError { text: text.to_owned(), expected: "a size such as 3MB or 64MiB" };
    let (number, unit) = split(text);
    let scale: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return Err(fail()),
    };
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(scale).ok_or_else(fail);
    }
    let number: f64 = number.parse().map_err(|_| fail())?;
    Ok((number * scale as f64) as u64)
}

/// Reads a duration, such as `200ms`, `1.5s`, `2m` or `1h`.
pub fn parse_duration(text: &str) -> Result<Duration, QuantityError> {
    let fail = || QuantityError { text: text.to_owned(), expected: "a duration such as 1.5s" };
    let (number, unit) = split(text);
    let scale = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(fail()),
    };
    let number: f64 = number.parse().map_err(|_| fail())?;
    Duration::try_from_secs_f64(number * scale).map_err(|_| fail())
}

/// Reads a rate in bytes per second, such as `87KB/s`.
pub fn parse_rate(text: &str) -> Result<u64, QuantityError> {
    let fail = || QuantityError { text: text.to_owned(), expected: "a rate such as 87KB/s" };
    let bytes = text.strip_suffix("/s").ok_or_else(fail)?;
    parse_bytes(bytes).ok().filter(|rate| *rate > 0).ok_or_else(fail)
}

fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sizes() {
        let table = [
            ("0", Some(0)),
            ("512", Some(512)),
            ("3MB", Some(3_000_000)),
            ("64MiB", Some(64 << 20)),
            ("1.5KiB", Some(1536)),
            ("2gb", Some(2_000_000_000)),
            ("", None),
            ("MB", None),
            ("-1", None),
            ("3 MB", None),
            ("3XB", None),
            ("99999999999GiB", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse_bytes(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn reads_durations() {
        let table =
            [("200ms", Some(200)), ("1.5s", Some(1500)), ("2m", Some(120_000)), ("5", None)];
        for (text, expected) in table {
            let expected = expected.map(Duration::from_millis);
            assert_eq!(parse_duration(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn reads_rates() {
        let table = [("87KB/s", Some(87_000)), ("1MiB/s", Some(1 << 20)), ("87KB", None)];
        for (text, expected) in table {
            assert_eq!(parse_rate(text).ok(), expected, "{text}");
        }
        assert_eq!(parse_rate("0B/s").ok(), None);
    }
}
