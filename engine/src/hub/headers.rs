//! The headers of one answer: names without case, bounded in number and size.
//!
//! Knows no particular header; [`Head`](super::head::Head) reads those that matter.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// How many header lines are kept.
pub const LINES_MAX: usize = 128;

/// How many bytes of names and values are kept.
pub const BYTES_MAX: usize = 64 * 1024;

/// Header names, in lower case, and their values.
///
/// Built from what arrived: invalid UTF-8 is replaced, and what exceeds [`LINES_MAX`] or
/// [`BYTES_MAX`] is dropped. A name that came twice with different values holds both, joined by
/// a comma as HTTP says, so that a duplicated number or digest reads as none at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(BTreeMap<String, String>);

impl Headers {
    /// The value under a name given in lower case.
    pub fn value(&self, name: &str) -> Option<&str> {
        debug_assert!(!name.bytes().any(|byte| byte.is_ascii_uppercase()), "{name} in lower case");
        self.0.get(name).map(String::as_str)
    }

    /// The names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(lines: I) -> Self {
        let mut kept = BTreeMap::new();
        let mut room = BYTES_MAX;
        for (name, value) in lines.into_iter().take(LINES_MAX) {
            let (name, value) = (name.as_ref(), value.as_ref());
            let Some(rest) = room.checked_sub(name.len() + value.len()) else { break };
            room = rest;
            let value = String::from_utf8_lossy(value).trim().to_owned();
            match kept.entry(name.to_ascii_lowercase()) {
                Entry::Vacant(entry) => {
                    entry.insert(value);
                }
                Entry::Occupied(entry) if *entry.get() == value => {}
                Entry::Occupied(mut entry) => {
                    entry.get_mut().push_str(", ");
                    entry.get_mut().push_str(&value);
                }
            }
        }
        Self(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_case() {
        let headers = Headers::from_iter([("ETag", "\"a\""), ("x-repo-COMMIT", " b ")]);
        assert_eq!(headers.value("etag"), Some("\"a\""));
        assert_eq!(headers.value("x-repo-commit"), Some("b"));
        assert_eq!(headers.value("date"), None);
    }

    #[test]
    fn a_repeated_name_holds_all_its_different_values() {
        let headers = Headers::from_iter([("link", "a"), ("Link", "a"), ("LINK", "b")]);
        assert_eq!(headers.value("link"), Some("a, b"));
    }

    #[test]
    fn invalid_text_is_replaced() {
        let headers = Headers::from_iter([("etag", b"\"\xff\"".as_slice())]);
        assert_eq!(headers.value("etag"), Some("\"\u{fffd}\""));
    }

    #[test]
    fn a_flood_is_cut_off() {
        let many = Headers::from_iter((0..10_000).map(|n| (format!("x-{n}"), "v")));
        assert_eq!(many.iter().count(), LINES_MAX);
        let long = "v".repeat(10_000);
        let large = Headers::from_iter((0..100).map(|n| (format!("x-{n}"), long.as_str())));
        assert_eq!(large.iter().count(), 6);
    }
}
