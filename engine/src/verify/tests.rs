//! Heads as real servers sent them, as nobody has seen them sent, and as no good server sends them.

use super::*;

/// What the storage calls the file: its Xet hash, as a 206 of 2026-09-23 and others had it.
const NAME: &str = "63bed80836ee0758c8fd46f8abc08c6cdee5bd27e3fd3ed05d34ba7df7d08758";
/// What its content hashes to: as hubs of our own once sent it.
const SHA256: &str = "248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707";

const OTHER: &str = "0000369d8b7e3ab0b7ee1bcb5d0ba4d2d8a0aa1b2f0ed0d4f62a7b4f4cd1f4ee";
const MD5: &str = "9b2cf535f27731c974343645a3985328";

fn judge_of(asked: Option<ByteRange>, status: u16, headers: &[(&str, &str)]) -> Verdict {
    let expected = Expected {
        asked,
        size: 100,
        digest: SHA256.parse().unwrap(),
        xet: XetHash::from_hex(NAME),
        validator: Some("\"one\""),
    };
    check_head(&expected, &Head::new(status, headers.iter().copied()))
}

/// Bytes 10..20 of 100, from a host whose ETag was `"one"` so far.
fn verdict(status: u16, headers: &[(&str, &str)]) -> Verdict {
    judge_of(Some(ByteRange::new(10, 20)), status, headers)
}

fn range() -> Verdict {
    Verdict::Range(Promise::default())
}

fn tagged(etag: &str) -> Promise {
    Promise { validator: Some(format!("\"{etag}\"")), ..Promise::default() }
}

fn wrong(start: u64, end: u64) -> Verdict {
    let answered = Some(ByteRange::new(start, end));
    Verdict::Fault(Fault::WrongRange { asked: ByteRange::new(10, 20), answered })
}

fn stale_copy(served: u64) -> Verdict {
    Verdict::Fault(Fault::Stale { promised: 100, served })
}

fn gzipped() -> Verdict {
    Verdict::Fault(Fault::Encoded("gzip".to_owned()))
}

#[test]
fn a_206_must_be_what_was_asked_for() {
    let right = ("content-range", "bytes 10-19/100");
    let vague = Verdict::Range(Promise { is_vague: true, ..Promise::default() });
    let unanswered =
        Verdict::Fault(Fault::WrongRange { asked: ByteRange::new(10, 20), answered: None });
    for (headers, expected) in [
        (vec![right], range()),
        (vec![right, ("content-length", "10")], range()),
        (vec![right, ("content-length", "9")], wrong(10, 20)),
        (vec![("content-range", "bytes 10-18/100")], wrong(10, 19)),
        (vec![("content-range", "bytes 0-99/100")], wrong(0, 100)),
        (vec![("content-range", "bytes 10-19/101")], stale_copy(101)),
        (vec![("content-range", "bytes 10-19/*")], range()),
        // Proxies that drop the header: the digest will tell.
        (vec![], vague.clone()),
        (vec![("content-length", "10")], vague),
        (vec![("content-length", "11")], unanswered.clone()),
        (vec![("content-range", "garbage")], unanswered.clone()),
        (vec![("content-type", "multipart/byteranges; boundary=x")], unanswered),
        (vec![("content-type", "text/html")], Verdict::Fault(Fault::Portal)),
        (vec![right, ("content-encoding", "gzip")], gzipped()),
        (vec![right, ("content-encoding", "identity")], range()),
    ] {
        assert_eq!(verdict(206, &headers), expected, "{headers:?}");
    }
}

/// The storage's ETag was the file's Xet hash all over 2026, strong and quoted; an MD5 and others
/// that differ between edges were reported in 2025; some say that there is none.
#[test]
fn the_etag_of_a_storage_host_is_opaque() {
    let named = |etag| Promise { is_named: true, ..tagged(etag) };
    let other = |etag| Promise { differs: true, ..tagged(etag) };
    for (etag, expected) in [
        ("\"one\"", tagged("one")),
        (&format!("\"{NAME}\"")[..], named(NAME)),
        (&format!("\"{SHA256}\"")[..], named(SHA256)),
        (&format!("\"{OTHER}\"")[..], Promise { names_other: true, ..other(OTHER) }),
        (&format!("\"{MD5}\"")[..], other(MD5)),
        (&format!("\"{MD5}-17\"")[..], other(&format!("{MD5}-17"))),
        ("W/\"two\"", Promise::default()),
        ("\"\"", Promise::default()),
    ] {
        let headers = [("content-range", "bytes 10-19/100"), ("etag", etag)];
        assert_eq!(verdict(206, &headers), Verdict::Range(expected.clone()), "{etag}");
        let headers = [("content-length", "100"), ("etag", etag)];
        let expected = Verdict::Whole { promise: expected, gzip: false };
        assert_eq!(verdict(200, &headers), expected, "{etag}");
    }
}

/// Without the Xet hash any name may be it: so it is with `--no-xet` at hubs that do not tell.
#[test]
fn a_name_that_cannot_be_known_is_no_contradiction() {
    let expected = Expected {
        asked: None,
        size: 100,
        digest: SHA256.parse().unwrap(),
        xet: None,
        validator: None,
    };
    let head = Head::new(200, [("content-length", "100"), ("etag", NAME)]);
    let verdict = Verdict::Whole { promise: tagged(NAME), gzip: false };
    assert_eq!(check_head(&expected, &head), verdict);
}

#[test]
fn a_200_is_the_whole_file_or_nothing() {
    let whole = |is_vague, gzip| Verdict::Whole {
        promise: Promise { is_vague, ..Promise::default() },
        gzip,
    };
    let length = ("content-length", "100");
    for (headers, expected) in [
        (vec![length], whole(false, false)),
        (vec![], whole(true, false)),
        (vec![("transfer-encoding", "chunked")], whole(true, false)),
        (vec![("content-length", "10")], Verdict::Fault(Fault::RangeIgnored)),
        (vec![("content-length", "90"), ("etag", "\"old\"")], stale_copy(90)),
        // The length is that of the packed body.
        (vec![("content-length", "41"), ("content-encoding", "gzip")], whole(true, true)),
        (vec![("content-encoding", "br")], Verdict::Fault(Fault::Encoded("br".to_owned()))),
        (
            vec![("content-type", "text/html; charset=utf-8"), ("content-length", "4000")],
            Verdict::Fault(Fault::Portal),
        ),
        (vec![("content-type", "text/html")], Verdict::Fault(Fault::Portal)),
        (vec![("content-type", "text/html"), length], whole(false, false)),
    ] {
        assert_eq!(verdict(200, &headers), expected, "{headers:?}");
        assert_eq!(judge_of(None, 200, &headers), expected, "asked for all: {headers:?}");
    }
}

#[test]
fn a_part_is_not_all() {
    let headers = [("content-range", "bytes 0-99/100")];
    assert!(matches!(judge_of(None, 206, &headers), Verdict::Fault(Fault::Malformed(_))));
}

#[test]
fn a_stream_is_taken_when_it_costs_little_or_nothing_else_comes() {
    let gaps = |ranges: &[(u64, u64)]| {
        ranges.iter().map(|&(start, end)| ByteRange::new(start, end)).collect::<RangeSet>()
    };
    for (missing, ignored, expected) in [
        (gaps(&[(0, 100)]), 1, true),
        (gaps(&[(6, 100)]), 1, true),
        (gaps(&[(50, 100)]), 1, false),
        (gaps(&[(50, 100)]), 3, false),
        (gaps(&[(50, 100)]), 4, true),
        (gaps(&[(0, 10)]), 1, true),
        (gaps(&[(0, 10), (90, 100)]), 1, false),
    ] {
        assert_eq!(is_worth_streaming(&missing, 100, ignored), expected, "{missing:?}");
    }
}

#[test]
fn other_answers_are_faults() {
    let busy = |status, seconds: Option<u64>| Fault::Busy {
        status,
        retry_after: seconds.map(std::time::Duration::from_secs),
    };
    for (status, headers, expected) in [
        (403, vec![], Fault::refused(403)),
        (404, vec![], Fault::refused(404)),
        (416, vec![], Fault::Changed),
        (416, vec![("content-range", "bytes */100")], Fault::Changed),
        (416, vec![("content-range", "bytes */90")], Fault::Stale { promised: 100, served: 90 }),
        (429, vec![("retry-after", "7")], busy(429, Some(7))),
        (503, vec![], busy(503, None)),
        (511, vec![], Fault::Portal),
        (302, vec![], Fault::Redirects),
        (405, vec![], Fault::rejected(405)),
    ] {
        assert_eq!(verdict(status, &headers), Verdict::Fault(expected), "{status}");
    }
}

/// Bodies of refusals: short text from the storage of 2026 (2026-07-14 and 2026-08-13), XML from
/// S3, a page from a proxy.
#[test]
fn a_refusal_keeps_its_words() {
    for (body, words) in [
        ("403 Auth failed: invalid range", "403 Auth failed: invalid range"),
        (
            "Forbidden\nSignatureError: invalid key pair id\n",
            "Forbidden SignatureError: invalid key pair id",
        ),
        (
            "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>\
             <Message>Request has expired</Message></Error>",
            "AccessDenied Request has expired",
        ),
        ("\u{1b}]0;x\u{7}red\u{202e}", "]0;x red"),
        ("", ""),
    ] {
        let expected = Expected {
            asked: None,
            size: 1,
            digest: SHA256.parse().unwrap(),
            xet: None,
            validator: None,
        };
        let head = Head::new::<&str, &str>(403, []).with_excerpt(body.as_bytes());
        let fault = Fault::LeaseRefused { status: 403, words: words.to_owned() };
        assert_eq!(check_head(&expected, &head), Verdict::Fault(fault), "{body:?}");
    }
}
