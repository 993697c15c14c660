//! The little colour there is: two words of an error.
//!
//! Everything reads the same without it.

/// Whether to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// No.
    Plain,
    /// The colours of the terminal.
    Ansi,
}

impl Paint {
    /// The word that opens an error.
    pub(crate) fn error(self, word: &str) -> String {
        self.bold(word, RED)
    }

    /// The word that opens advice.
    pub(crate) fn hint(self, word: &str) -> String {
        self.bold(word, CYAN)
    }

    fn bold(self, word: &str, color: u8) -> String {
        match self {
            Self::Plain => word.to_owned(),
            Self::Ansi => format!("\x1b[1;{color}m{word}\x1b[0m"),
        }
    }
}

const RED: u8 = 31;
const CYAN: u8 = 36;
