//! Tests of `head`, by tables and by hand.
//!
//! No network, no clock.

use proptest::prelude::*;

use super::*;

fn head(lines: &[(&str, &str)]) -> Head {
    Head::new(200, lines.iter().copied())
}

#[test]
fn lengths_are_digits() {
    for (value, expected) in [
        ("0", Some(0)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1 0", None),
        ("0x10", None),
        ("1.5", None),
        ("5, 6", None),
    ] {
        assert_eq!(head(&[("Content-Length", value)]).content_length(), expected, "{value:?}");
        assert_eq!(head(&[("X-Linked-Size", value)]).linked_size(), expected, "{value:?}");
    }
    let twice = head(&[("content-length", "5"), ("content-length", "6")]);
    assert_eq!(twice.content_length(), None);
    let same = head(&[("content-length", "5"), ("content-length", "5")]);
    assert_eq!(same.content_length(), Some(5));
}

#[test]
fn content_ranges_make_sense_or_are_none() {
    let some = |start, end, total| Some(ContentRange { range: ByteRange::new(start, end), total });
    for (value, expected) in [
        ("bytes 0-99/200", some(0, 100, Some(200))),
        ("Bytes 0-99/*", some(0, 100, None)),
        ("bytes 100-199/200", some(100, 200, Some(200))),
        ("bytes 7-7/8", some(7, 8, Some(8))),
        ("bytes 5-4/10", None),
        ("bytes 0-10/10", None),
        ("bytes */100", None),
        ("*/100", None),
        ("bytes */*", None),
        ("bytes 0-99", None),
        ("bytes=0-99/200", None),
        ("chunks 0-99/200", None),
        ("bytes -5-9/10", None),
        ("bytes 0-/10", None),
        ("bytes 0-18446744073709551615/*", None),
        ("bytes 0-99999999999999999999/*", None),
        ("bytes 0-9/-1", None),
        ("", None),
    ] {
        assert_eq!(head(&[("content-range", value)]).content_range(), expected, "{value:?}");
    }
    for (value, expected) in
        [("bytes */100", Some(100)), ("bytes 0-9/100", None), ("bytes */*", None), ("*/100", None)]
    {
        assert_eq!(head(&[("content-range", value)]).unsatisfied_total(), expected, "{value:?}");
    }
}

#[test]
fn etags_lose_their_quotes() {
    for (value, expected) in [
        ("\"abc\"", Some(("abc", false))),
        ("W/\"abc\"", Some(("abc", true))),
        ("abc", Some(("abc", false))),
        ("\"\"", None),
        ("W/", None),
        ("", None),
        ("\"a\"b\"", None),
        ("\"a b\"", None),
        ("\"é\"", None),
        ("\"a\", \"b\"", None),
    ] {
        let etag = head(&[("ETag", value)]).etag();
        let etag = etag.as_ref().map(|etag| (etag.value.as_str(), etag.weak));
        assert_eq!(etag, expected, "{value:?}");
    }
}

#[test]
fn waits_are_read_from_seconds_dates_and_rate_limits() {
    let date = ("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
    let day = 24 * 60 * 60;
    for (lines, expected) in [
        (vec![], None),
        (vec![("retry-after", "120")], Some(120)),
        (vec![("retry-after", "0")], Some(0)),
        (vec![("retry-after", "99999999")], Some(day)),
        (vec![("retry-after", "99999999999999999999999")], Some(day)),
        (vec![("retry-after", "-5")], None),
        (vec![("retry-after", "soon")], None),
        (vec![("retry-after", "1.5")], None),
        (vec![date, ("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")], Some(60)),
        (vec![date, ("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")], Some(0)),
        (vec![date, ("retry-after", "Sat, 06 Nov 2094 08:00:00 GMT")], Some(day)),
        (vec![("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")], None),
        (vec![("ratelimit", "\"api\";r=0;t=55")], Some(55)),
        (vec![("ratelimit", "\"api\" ; r = 0 ; t = 55")], Some(55)),
        (vec![("ratelimit", "\"api\";r=499;t=55")], None),
        (vec![("ratelimit", "\"api\";r=3;t=5, \"resolvers\";r=0;t=7")], Some(7)),
        (vec![("ratelimit", "\"api\";r=0;t=-1")], None),
        (vec![("ratelimit", "\"api\";r=0")], None),
        (vec![("ratelimit", "\"api\";r=0;t=55"), ("retry-after", "9")], Some(9)),
        (vec![("ratelimit", "\"api\";r=0;t=55"), ("retry-after", "?")], Some(55)),
    ] {
        let wait = head(&lines).retry_after();
        assert_eq!(wait, expected.map(Duration::from_secs), "{lines:?}");
    }
}

#[test]
fn pages_and_codings_are_told() {
    for (value, expected) in [
        ("text/html", true),
        ("Text/HTML; charset=utf-8", true),
        ("application/xhtml+xml", true),
        ("text/plain", false),
        ("application/octet-stream", false),
        ("text/htmlx", false),
        ("", false),
    ] {
        assert_eq!(head(&[("content-type", value)]).is_html(), expected, "{value:?}");
    }
    for (value, expected) in
        [("identity", true), ("Identity", true), ("", true), ("gzip", false), ("br, gzip", false)]
    {
        assert_eq!(head(&[("content-encoding", value)]).is_identity(), expected, "{value:?}");
    }
    assert!(head(&[]).is_identity());
}

#[test]
fn commits_are_40_hex_digits() {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let read = head(&[("X-Repo-Commit", commit)]).commit();
    assert_eq!(read.map(|commit| commit.to_string()).as_deref(), Some(commit));
    assert_eq!(
        head(&[("X-Repo-Commit", "../../../../../../../../../../../../../../")]).commit(),
        None
    );
}

#[test]
fn messages_are_safe_to_print() {
    let message = head(&[("X-Error-Message", "no\u{1b}[31m way\r\nX: y")]).error_message();
    assert_eq!(message.as_deref(), Some("no[31m wayX: y"));
    let long = "x".repeat(10_000);
    assert_eq!(head(&[("X-Error-Message", &long)]).error_message().unwrap().len(), 300);
    assert_eq!(head(&[("X-Error-Message", "")]).error_message(), None);
}

#[test]
fn links_are_found_by_relation() {
    let both = "<https://a.example/t?x=1,2>; rel=\"xet-auth\", <https://a.example/n>; rel=\"next\"";
    for (value, expected) in [
        (both, Some("https://a.example/n")),
        ("<n>; rel=next", Some("n")),
        ("<n>; title=x; rel=\"prev next\"", Some("n")),
        ("<p>; rel=\"prev\"", None),
        ("<n>", None),
        ("<n; rel=next", None),
        ("rel=next", None),
        ("", None),
        ("<<<>>>", None),
    ] {
        assert_eq!(head(&[("Link", value)]).link("next"), expected, "{value:?}");
    }
}

#[test]
fn the_moment_of_an_answer_includes_its_age() {
    let lines = [("Date", "Thu, 01 Jan 1970 00:01:00 GMT"), ("Age", "5")];
    assert_eq!(head(&lines).answered_at(), Some(Duration::from_secs(65)));
    let lines = [("Date", "Thu, 01 Jan 1970 00:01:00 GMT"), ("Age", "18446744073709551615")];
    assert!(head(&lines).answered_at().is_some());
    assert_eq!(head(&[("Date", "yesterday")]).answered_at(), None);
}

const READ: [&str; 14] = [
    "content-length",
    "content-range",
    "content-type",
    "content-encoding",
    "etag",
    "x-linked-etag",
    "x-linked-size",
    "x-repo-commit",
    "x-error-message",
    "retry-after",
    "ratelimit",
    "date",
    "age",
    "link",
];

proptest! {
    #[test]
    fn no_value_panics(
        values in prop::collection::vec(any::<Vec<u8>>(), READ.len()),
        texts in prop::collection::vec("[0-9a-z ,;=<>\"*/:-]{0,40}", READ.len()),
    ) {
        let texts = texts.into_iter().map(String::into_bytes).collect();
        for values in [values, texts] {
            let head = Head::new(200, READ.into_iter().zip::<Vec<Vec<u8>>>(values));
            let _ = (head.content_length(), head.content_range(), head.unsatisfied_total());
            let _ = (head.etag(), head.linked_etag(), head.linked_size(), head.commit());
            let _ = (head.is_identity(), head.is_html(), head.error_message());
            let _ = (head.answered_at(), head.link("next"));
            prop_assert!(head.retry_after().is_none_or(|wait| wait <= RETRY_AFTER_MAX));
        }
    }
}
