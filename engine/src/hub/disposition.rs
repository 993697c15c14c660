//! The name that `Content-Disposition` gives to a file (RFC 6266).
//!
//! Not whether the name is safe: [`RepoPath`](super::path::RepoPath) says.

use super::percent;

/// The file name in a `Content-Disposition`: that of `filename*`, else that of `filename`. Folders
/// before it are left out, as the RFC asks for (4.3).
pub fn file_name(value: &str) -> Option<String> {
    let parameters = parameters(value);
    let find = |name: &str| {
        let mut found = parameters.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.clone())
    };
    let extended = find("filename*").and_then(|value| extended(&value));
    let name = extended.or_else(|| find("filename"))?;
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// `UTF-8''na%C3%AFve.bin`, as RFC 8187 writes text. Other character sets are not known.
fn extended(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_language, text) = rest.split_once('\'')?;
    if charset.eq_ignore_ascii_case("utf-8") { percent::decode(text) } else { None }
}

/// The parameters behind the first `;`, without the quotes around their values.
fn parameters(value: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = value.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((key, tail)) = rest.split_once('=') {
        let tail = tail.trim_start();
        let (text, after) = match tail.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let end = tail.find(';').unwrap_or(tail.len());
                (tail[..end].trim().to_owned(), &tail[end..])
            }
        };
        found.push((key.trim_matches([' ', ';', '\t']).to_owned(), text));
        rest = after;
    }
    found
}

/// The text up to the closing quote, and what follows it. A backslash takes the next as it is.
fn unquoted(text: &str) -> (String, &str) {
    let mut plain = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (plain, &text[at + 1..]),
            '\\' => plain.extend(chars.next().map(|(_, c)| c)),
            c => plain.push(c),
        }
    }
    (plain, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_read_as_the_rfc_writes_them() {
        for (value, expected) in [
            // What the hub's storage sends (2026-10).
            (
                "inline; filename*=UTF-8''encoder_model.onnx; filename=\"encoder_model.onnx\";",
                Some("encoder_model.onnx"),
            ),
            // The examples of RFC 6266, 5.
            ("Attachment; filename=example.html", Some("example.html")),
            ("INLINE; FILENAME= \"an example.html\"", Some("an example.html")),
            ("attachment; filename*= UTF-8''%e2%82%ac%20rates", Some("€ rates")),
            (
                "attachment; filename=\"EURO rates\"; filename*=utf-8''%e2%82%ac%20rates",
                Some("€ rates"),
            ),
            ("attachment; filename=\"a\\\"b;c.bin\"; x=y", Some("a\"b;c.bin")),
            ("attachment; filename*=ISO-8859-1''a; filename=b", Some("b")),
            ("attachment; filename=\"../../etc/passwd\"", Some("passwd")),
            ("attachment; filename=\"C:\\\\x\\\\y.bin\"", Some("y.bin")),
            ("attachment; filename=\"\"", None),
            ("attachment; filename=\"x/\"", None),
            ("attachment", None),
            ("filename=x", None),
            ("", None),
        ] {
            assert_eq!(file_name(value).as_deref(), expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_value_panics(value in any::<String>(), text in "[a-z;=\"'\\\\*% é]{0,40}") {
            let _ = (file_name(&value), file_name(&text));
        }
    }
}
