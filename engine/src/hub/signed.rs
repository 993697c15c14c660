//! How long a signed URL is good for, read from the URL itself.
//!
//! Relative to the moment of the answer that gave it, by the giver's clock: ours may be wrong.

use url::Url;

use super::head::Head;
use crate::time::Duration;

/// How long `url`, which came with `head`, is good for: until the earliest end that it names.
/// `None` if it names none, or the answer has no `Date` to count from.
///
/// Knows the parameters of CloudFront and S3 (`Expires`, seconds since 1970), of AWS and Google
/// signatures (`X-Amz-Date` and `X-Amz-Expires`, `X-Goog-…`) and of Azure (`se`, a date).
pub fn ttl(url: &Url, head: &Head) -> Option<Duration> {
    let now = head.answered_at()?;
    let ends = [
        parameter(url, "expires").and_then(|value| seconds(&value)),
        dated_end(url, "x-amz-date", "x-amz-expires"),
        dated_end(url, "x-goog-date", "x-goog-expires"),
        parameter(url, "se").and_then(|value| since_epoch(&value)),
    ];
    let end = ends.into_iter().flatten().min()?;
    Some(end.saturating_sub(now))
}

fn dated_end(url: &Url, date: &str, expires: &str) -> Option<Duration> {
    let start = since_epoch(&parameter(url, date)?)?;
    Some(start.saturating_add(seconds(&parameter(url, expires)?)?))
}

/// The first value of a parameter whose name, without case, is `name`.
fn parameter(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.into_owned())
}

fn seconds(text: &str) -> Option<Duration> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten().map(Duration::from_secs)
}

/// An ISO 8601 date in UTC, with or without its separators, as the time since 1970.
fn since_epoch(text: &str) -> Option<Duration> {
    let digits = text.replace(['-', ':'], "");
    let digits = digits.strip_suffix('Z')?;
    let (date, time) = digits.split_once('T')?;
    let time = time.split('.').next().unwrap_or_default();
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if date.len() != 8 || !matches!(time.len(), 4 | 6) || !is_digits(date) || !is_digits(time) {
        return None;
    }
    let number = |text: &str| text.parse::<u64>().ok();
    let (year, month, day) = (number(&date[..4])?, number(&date[4..6])?, number(&date[6..])?);
    let (hour, minute) = (number(&time[..2])?, number(&time[2..4])?);
    let second = if time.len() == 6 { number(&time[4..])? } else { 0 };
    let is_real = year >= 1970
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    let days = is_real.then(|| days_since_epoch(year, month, day))?;
    Some(Duration::from_secs(((days * 24 + hour) * 60 + minute) * 60 + second))
}

/// Days from 1970 to a day of the Gregorian calendar. Years begin in March here, so that the
/// leap day is the last.
fn days_since_epoch(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + leap_days + day_of_year - DAYS_BEFORE_EPOCH
}

/// Days from 1 March of the year 0 to 1 January 1970.
const DAYS_BEFORE_EPOCH: u64 = 719_468;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ends_are_counted_from_the_answers_own_date() {
        let date = "Tue, 02 Jan 2024 03:04:05 GMT";
        for (query, expected) in [
            ("", None),
            ("Expires=1704164705", Some(60)),
            ("expires=1704164705&Policy=x&Signature=y", Some(60)),
            ("Expires=1704164600", Some(0)),
            ("Expires=-1", None),
            ("Expires=soon", None),
            ("Expires=99999999999999999999", None),
            ("Expires=18446744073709551615", Some(u64::MAX - 1_704_164_645)),
            ("X-Amz-Date=20240102T030405Z&X-Amz-Expires=3600", Some(3600)),
            ("X-Amz-Date=20240102T030305Z&X-Amz-Expires=3600", Some(3540)),
            ("X-Amz-Date=20240102T030405Z&X-Amz-Expires=3600&Expires=1704164655", Some(10)),
            ("X-Amz-Date=20240102T030405Z&X-Amz-Expires=18446744073709551615", Some(u64::MAX)),
            ("X-Amz-Expires=3600", None),
            ("X-Amz-Date=20241302T030405Z&X-Amz-Expires=3600", None),
            ("X-Goog-Date=20240102T030405Z&X-Goog-Expires=9", Some(9)),
            ("se=2024-01-02T03%3A05%3A05Z&sig=x", Some(60)),
            ("se=2024-01-02T03:05Z", Some(55)),
            ("se=2024-01-02T03:05:05.1234567Z", Some(60)),
            ("se=2024-01-02", None),
            ("se=1969-01-02T03:05:05Z", None),
        ] {
            let url = format!("https://cdn.example/x?{query}").parse().unwrap();
            let found = ttl(&url, &Head::new(302, [("Date", date)]));
            // The overflowing end is as far away as time can tell.
            let expected = expected.map(|secs| secs.min(u64::MAX - 1_704_164_645));
            assert_eq!(found.map(|ttl| ttl.as_secs()), expected, "{query}");
            assert_eq!(ttl(&url, &Head::new::<&str, &str>(302, [])), None, "{query}");
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (text, days) in [
            ("19700101T000000Z", 0),
            ("19720229T000000Z", 789),
            ("20000229T000000Z", 11_016),
            ("20000301T000000Z", 11_017),
            ("20240102T000000Z", 19_724),
            ("21000301T000000Z", 47_541),
        ] {
            let expected = Duration::from_secs(days * 24 * 60 * 60);
            assert_eq!(since_epoch(text), Some(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_query_panics(
            name in "Expires|X-Amz-Date|X-Amz-Expires|se",
            value in any::<String>(),
            date in "[0-9]{8}T[0-9:.-]{4,9}Z",
        ) {
            let head = Head::new(302, [("Date", "Tue, 02 Jan 2024 03:04:05 GMT")]);
            for value in [value, date] {
                let mut url = Url::parse("https://cdn.example/?X-Amz-Expires=5").unwrap();
                url.query_pairs_mut().append_pair(&name, &value);
                let _ = ttl(&url, &head);
            }
        }
    }
}
