//! The little colour there is: the words that open an error and its advice.
//!
//! Everything reads the same without it. What is painted has passed the gate.

use std::borrow::Cow;

/// Whether to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// No.
    Plain,
    /// The colours of the terminal.
    Ansi,
}

impl Paint {
    /// A line of an error, the first word of which may be painted.
    pub(crate) fn line(self, line: &str) -> Cow<'_, str> {
        let found = COLORS.into_iter().find(|(word, _)| line.starts_with(word));
        match (self, found) {
            (Self::Ansi, Some((word, color))) => {
                let (word, rest) = line.split_at(word.len() - 1);
                Cow::Owned(format!("\x1b[1;{color}m{word}\x1b[0m{rest}"))
            }
            (Self::Ansi | Self::Plain, _) => Cow::Borrowed(line),
        }
    }
}

/// Red and cyan.
const COLORS: [(&str, u8); 2] = [("error:", 31), ("hint:", 36)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_words_are_painted_where_they_open_a_line() {
        for (line, expected) in [
            ("error: none", "\x1b[1;31merror\x1b[0m: none"),
            ("hint: do", "\x1b[1;36mhint\x1b[0m: do"),
            ("  error: x", "  error: x"),
            ("errors", "errors"),
        ] {
            assert_eq!(Paint::Ansi.line(line), expected);
            assert_eq!(Paint::Plain.line(line), line);
        }
    }
}
