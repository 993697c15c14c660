//! The one gate between texts that are not ours and a terminal: whatever is shown passes here.
//!
//! Names of files, words of servers, what stands in journals and lock files may hold what moves the
//! cursor, turns the direction of text or cannot be seen, and may be long. It is shown escaped, and
//! cut. Decides nothing about what is said.

use std::borrow::Cow;
use std::io::{self, Write};

use serde_json::ser::{CharEscape, Formatter};

/// A line as it may be shown: one line, inert, and not longer than [`LINE_MAX`] characters.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    let end = text.char_indices().nth(LINE_MAX).map(|(at, _)| at);
    let kept = &text[..end.unwrap_or(text.len())];
    if end.is_none() && !kept.contains(is_active) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(kept.len());
    for c in kept.chars() {
        if is_active(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    if end.is_some() {
        shown.push('…');
    }
    Cow::Owned(shown)
}

/// Whether a character does something to a terminal or to the text around it, or is not seen: C0,
/// DEL and C1; line and paragraph separators; marks that turn the direction of text; what has no
/// width; tags and annotations.
fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Writes JSON that means the same, but is inert on a terminal, too. A text in it is not longer
/// than [`TEXT_MAX`] characters.
#[derive(Debug, Default)]
pub(crate) struct Inert {
    /// Characters of the present text so far.
    len: usize,
}

impl Formatter for Inert {
    fn begin_string<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.len = 0;
        out.write_all(b"\"")
    }

    fn end_string<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(if self.len > TEXT_MAX { "…\"" } else { "\"" }.as_bytes())
    }

    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let left = TEXT_MAX.saturating_sub(self.len);
        let end = fragment.char_indices().nth(left).map_or(fragment.len(), |(at, _)| at);
        self.len += fragment.chars().take(left + 1).count();
        let mut rest = &fragment[..end];
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_active(*c)) {
            out.write_all(&rest.as_bytes()[..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = &rest[at + c.len_utf8()..];
        }
        out.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: Write + ?Sized>(
        &mut self,
        out: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        self.len += 1;
        if self.len > TEXT_MAX {
            return Ok(());
        }
        let short = match escape {
            CharEscape::Quote => "\\\"",
            CharEscape::ReverseSolidus => "\\\\",
            CharEscape::Solidus => "/",
            CharEscape::Backspace => "\\b",
            CharEscape::FormFeed => "\\f",
            CharEscape::LineFeed => "\\n",
            CharEscape::CarriageReturn => "\\r",
            CharEscape::Tab => "\\t",
            CharEscape::AsciiControl(byte) => return write!(out, "\\u{byte:04x}"),
        };
        out.write_all(short.as_bytes())
    }
}

/// A path has 4096 bytes at most; a command may name several.
const LINE_MAX: usize = 16 << 10;
/// The same for a text in JSON.
const TEXT_MAX: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    /// Titles and colours by ESC and by C1, a bell, two lines, a right-to-left override, isolates,
    /// zero-width characters, a byte order mark, a tag.
    const HOSTILE: [&str; 9] = [
        "\u{1b}]0;title\u{7}",
        "\u{9b}31m",
        "a\r\nerror: b",
        "exe.\u{202e}gpj",
        "\u{2066}x\u{2069}",
        "a\u{200d}b\u{200b}",
        "\u{feff}",
        "\u{e0041}",
        "a\u{2028}b",
    ];

    #[test]
    fn what_is_shown_is_one_inert_line() {
        for text in HOSTILE {
            let shown = line(text);
            assert!(!shown.contains(is_active), "{shown:?}");
        }
        assert_eq!(line("exe.\u{202e}gpj"), "exe.\\u{202e}gpj");
        assert_eq!(line("a\r\nb"), "a\\r\\nb");
        for text in ["models/größe 🤗.bin", "bytes 0–499 (500 B)", "日本語", ""] {
            assert_eq!(line(text), text);
        }
    }

    #[test]
    fn what_is_shown_is_not_long() {
        let long = "é".repeat(20_000_000);
        assert_eq!(line(&long).chars().count(), LINE_MAX + 1);
        assert_eq!(line(&long[..2 * LINE_MAX]), long[..2 * LINE_MAX]);
    }

    fn written(text: &str) -> String {
        let mut bytes = Vec::new();
        let mut json = serde_json::Serializer::with_formatter(&mut bytes, Inert::default());
        text.serialize(&mut json).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_means_the_same_and_is_inert() {
        for text in HOSTILE.into_iter().chain(["\"\\/\u{8}\u{c}\t", "größe 🤗", ""]) {
            let json = written(text);
            assert!(!json.contains(is_active), "{json:?}");
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text, "{json}");
        }
    }

    #[test]
    fn texts_in_json_are_not_long() {
        for text in ["é", "\n", "a\u{1b}", "\u{202e}"] {
            let long = text.repeat(1_000_000);
            let back: String = serde_json::from_str(&written(&long)).unwrap();
            assert_eq!(back.chars().count(), TEXT_MAX + 1, "{text:?}");
            let short = text.repeat(TEXT_MAX / text.chars().count());
            assert_eq!(serde_json::from_str::<String>(&written(&short)).unwrap(), short);
        }
    }
}
