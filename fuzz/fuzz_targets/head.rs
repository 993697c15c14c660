//! The head of any answer, a line for each header: ranges are not upside down, a redirect never
//! leads from https to http, and what is shown has no control characters.
#![no_main]

use engine::hub::disposition;
use engine::hub::head::Head;
use engine::hub::redirect;
use engine::hub::signed;
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|bytes: &[u8]| {
    let (status, lines) = bytes.split_at(bytes.len().min(2));
    let status = status.iter().fold(0, |sum, byte| sum * 256 % 600 + u16::from(*byte));
    let headers = lines.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((String::from_utf8_lossy(&line[..colon]).into_owned(), line[colon + 1..].trim_ascii()))
    });
    let head = Head::new(status, headers).with_excerpt(lines);
    if let Some(range) = head.content_range() {
        assert!(range.range.start < range.range.end);
        assert!(range.total.is_none_or(|total| range.range.end <= total));
    }
    let _ = (head.etag(), head.linked_etag(), head.linked_size(), head.content_length());
    let _ = (head.xet_hash(), head.commit(), head.is_html(), head.answered_at());
    for words in [Some(head.said()), head.error_message()].into_iter().flatten() {
        assert!(words.len() < 4000, "{} bytes are shown", words.len());
        assert!(!words.chars().any(char::is_control), "{words:?}");
    }
    for from in ["https://hub.example/a/b", "http://127.0.0.1:1/a"] {
        let from = Url::parse(from).expect("an address");
        let _ = signed::ttl(&from, &head);
        if let Ok(Some(to)) = redirect::follow(&from, &head, &[]) {
            assert!(matches!(to.scheme(), "http" | "https"));
            assert!(from.scheme() == "http" || to.scheme() == "https", "{from} to {to}");
            let _ = signed::ttl(&to, &head);
        }
    }
    if let Some(name) = head.header("content-disposition").and_then(disposition::file_name) {
        assert!(!name.contains('/') && name != ".." && !name.is_empty(), "{name:?}");
    }
});
