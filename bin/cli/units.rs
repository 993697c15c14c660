//! Sizes and durations as people write them on a command line and read them on a screen.
//!
//! KB is 1000 and KiB is 1024; a duration always names its unit. Knows nothing of progress.

use std::time::Duration;

use engine::range::ByteRange;

/// Reads a number of bytes: `50MiB`, `8MB`, `1.5g`.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let fail = || format!("{text:?} is not a size: write 50MiB, 8MB or 1g (KB = 1000, KiB = 1024)");
    let (number, unit) = split(text.trim());
    let scale: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "t" | "tb" => 1_000_000_000_000,
        "kib" | "ki" => 1 << 10,
        "mib" | "mi" => 1 << 20,
        "gib" | "gi" => 1 << 30,
        "tib" | "ti" => 1 << 40,
        _ => return Err(fail()),
    };
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(scale).ok_or_else(fail);
    }
    let number: f64 = number.parse().map_err(|_| fail())?;
    let bytes = number * scale as f64;
    if bytes < u64::MAX as f64 { Ok(bytes as u64) } else { Err(fail()) }
}

/// Reads a size of at least a mebibyte.
pub(crate) fn parse_chunk_size(text: &str) -> Result<u64, String> {
    let size = parse_size(text)?;
    if size >= MIB { Ok(size) } else { Err("a chunk has at least 1MiB".to_owned()) }
}

/// Reads a duration that is not zero: `30s`, `5m`, `1h30m`, `500ms`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let fail = || format!("{text:?} is not a duration: write 30s, 5m, 2h or 500ms");
    let mut rest = text.trim();
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let (number, after) = split(rest);
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let scale = match unit.trim().to_ascii_lowercase().as_str() {
            "ms" => 0.001,
            "s" | "sec" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return Err(fail()),
        };
        let number: f64 = number.parse().map_err(|_| fail())?;
        let part = Duration::try_from_secs_f64(number * scale).map_err(|_| fail())?;
        sum = sum.checked_add(part).ok_or_else(fail)?;
        rest = after;
    }
    if sum > Duration::ZERO { Ok(sum) } else { Err(fail()) }
}

fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim_start())
}

/// A number of bytes, to three digits: `14.3 GB`.
pub(crate) fn size(len: u64) -> String {
    if len < 1_000 {
        return format!("{len} B");
    }
    let mut unit_len: u128 = 1_000;
    for unit in ["KB", "MB", "GB", "TB", "PB"] {
        let hundredths = (u128::from(len) * 100 + unit_len / 2) / unit_len;
        if hundredths < 1_000 {
            return format!("{}.{:02} {unit}", hundredths / 100, hundredths % 100);
        }
        let tenths = (u128::from(len) * 10 + unit_len / 2) / unit_len;
        if tenths < 1_000 {
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
        let whole = (u128::from(len) + unit_len / 2) / unit_len;
        if whole < 1_000 {
            return format!("{whole} {unit}");
        }
        unit_len *= 1_000;
    }
    format!("{} EB", (u128::from(len) + unit_len / 2) / unit_len)
}

/// Bytes per second: `87.1 KB/s`.
pub(crate) fn rate(bytes_per_second: u64) -> String {
    format!("{}/s", size(bytes_per_second))
}

/// A share of a whole: `56.8 %`. Never 100.0 % of something that is not complete.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "100.0 %".to_owned();
    }
    let per_mille = u128::from(part) * 1_000 / u128::from(whole);
    format!("{}.{} %", per_mille / 10, per_mille % 10)
}

/// A duration in its two largest units: `2 h 58 min`, `41 s`, `0.4 s`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => {
            let tenths = duration.as_millis().div_ceil(100).min(9);
            format!("0.{tenths} s")
        }
        1..120 => format!("{seconds} s"),
        120..7_200 => two(seconds / 60, "min", seconds % 60, "s"),
        7_200..172_800 => two(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        172_800.. => two(seconds / 86_400, "days", seconds % 86_400 / 3_600, "h"),
    }
}

/// A duration that runs down: `12 s`, and never `0 s` before it is over.
pub(crate) fn countdown(left: Duration) -> String {
    duration(Duration::from_secs(left.as_millis().div_ceil(1_000) as u64))
}

/// A range of bytes: `bytes 4096–8191 (4.10 KB)`.
pub(crate) fn range(range: ByteRange) -> String {
    let last = range.end.saturating_sub(1).max(range.start);
    format!("bytes {}–{last} ({})", range.start, size(range.len()))
}

/// A count of things: `1 file`, `3 files`.
pub(crate) fn count(count: u64, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

fn two(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 {
        return format!("{large} {large_unit}");
    }
    format!("{large} {large_unit} {small} {small_unit}")
}

const MIB: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sizes() {
        let table = [
            ("0", Some(0)),
            ("512", Some(512)),
            ("512b", Some(512)),
            ("50MiB", Some(50 << 20)),
            ("50mib", Some(50 << 20)),
            ("8MB", Some(8_000_000)),
            ("8 MB", Some(8_000_000)),
            ("1g", Some(1_000_000_000)),
            ("1.5k", Some(1_500)),
            ("1.5KiB", Some(1_536)),
            ("", None),
            ("MB", None),
            ("-1", None),
            ("3XB", None),
            ("1.2.3", None),
            ("30s", None),
            ("99999999999TiB", None),
            ("99999999999.5TiB", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse_size(text).ok(), expected, "{text}");
        }
        assert_eq!(parse_chunk_size("1MiB"), Ok(1 << 20));
        assert_eq!(parse_chunk_size("1MB").unwrap_err(), "a chunk has at least 1MiB");
    }

    #[test]
    fn reads_durations() {
        let table = [
            ("500ms", Some(500)),
            ("1.5s", Some(1_500)),
            ("30s", Some(30_000)),
            ("30 s", Some(30_000)),
            ("5m", Some(300_000)),
            ("5min", Some(300_000)),
            ("2h", Some(7_200_000)),
            ("1h30m", Some(5_400_000)),
            ("1d", Some(86_400_000)),
            ("30", None),
            ("", None),
            ("0s", None),
            ("s", None),
            ("-5s", None),
            ("5 parsecs", None),
            ("99999999999999999999d", None),
        ];
        for (text, expected) in table {
            let expected = expected.map(Duration::from_millis);
            assert_eq!(parse_duration(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn prints_sizes_to_three_digits() {
        let table = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.00 KB"),
            (9_994, "9.99 KB"),
            (9_995, "10.0 KB"),
            (87_100, "87.1 KB"),
            (999_499, "999 KB"),
            (999_500, "1.00 MB"),
            (52_428_800, "52.4 MB"),
            (15_375_697_208, "15.4 GB"),
            (u64::MAX, "18 EB"),
        ];
        for (len, expected) in table {
            assert_eq!(size(len), expected, "{len}");
        }
        assert_eq!(rate(87_000), "87.0 KB/s");
    }

    #[test]
    fn is_complete_only_at_the_end() {
        let table = [
            (0, 294, "0.0 %"),
            (167, 294, "56.8 %"),
            (14_319_999_999, 14_320_000_000, "99.9 %"),
            (294, 294, "100.0 %"),
            (0, 0, "100.0 %"),
        ];
        for (part, whole, expected) in table {
            assert_eq!(percent(part, whole), expected, "{part} of {whole}");
        }
    }

    #[test]
    fn prints_durations_in_two_units() {
        let table = [
            (0, "0.0 s"),
            (401, "0.5 s"),
            (999, "0.9 s"),
            (2_100, "2 s"),
            (119_000, "119 s"),
            (120_000, "2 min"),
            (221_000, "3 min 41 s"),
            (10_680_000, "2 h 58 min"),
            (172_800_000, "2 days"),
            (180_000_000, "2 days 2 h"),
        ];
        for (millis, expected) in table {
            assert_eq!(duration(Duration::from_millis(millis)), expected, "{millis}");
        }
        assert_eq!(countdown(Duration::from_millis(11_001)), "12 s");
        assert_eq!(countdown(Duration::from_millis(1)), "1 s");
    }

    #[test]
    fn prints_ranges_and_counts() {
        assert_eq!(range(ByteRange::new(4_096, 8_192)), "bytes 4096–8191 (4.10 KB)");
        assert_eq!(count(1, "file", "files"), "1 file");
        assert_eq!(count(0, "file", "files"), "0 files");
    }
}
