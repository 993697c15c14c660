//! The words of a rule's text: `kind argument key=value …`.
//!
//! It knows no keys; whoever understands a word takes it out, and what is left is an error.

use std::fmt::Display;

use thiserror::Error;

/// Why a text is not a rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RuleError {
    /// The text is empty.
    #[error("a rule begins with a fault, such as `rst after=3MB`")]
    Empty,
    /// No fault has this name.
    #[error("there is no fault {name:?}")]
    UnknownFault {
        /// The first word.
        name: String,
    },
    /// A word that the fault and the matcher do not know.
    #[error("{word:?} means nothing to this fault")]
    UnknownWord {
        /// The word as written.
        word: String,
    },
    /// A value that cannot be read.
    #[error("in {key}={value}: {reason}")]
    BadValue {
        /// The key.
        key: String,
        /// The value as written.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something the fault cannot do without.
    #[error("this fault needs {what}")]
    Missing {
        /// A key, or what the argument should be.
        what: String,
    },
}

/// The words that nobody has taken yet.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    words: Vec<&'a str>,
}

impl<'a> Fields<'a> {
    /// Splits a rule into its first word and the rest.
    pub(crate) fn split(text: &'a str) -> Result<(&'a str, Self), RuleError> {
        let mut words = text.split_whitespace();
        let kind = words.next().ok_or(RuleError::Empty)?;
        Ok((kind, Self { words: words.collect() }))
    }

    /// Takes `key=value` and reads the value.
    pub(crate) fn take<T, E: Display>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, RuleError> {
        let Some(at) = self.words.iter().position(|word| value_of(word, key).is_some()) else {
            return Ok(None);
        };
        let value = value_of(self.words.remove(at), key).unwrap_or_default();
        parse(value).map(Some).map_err(|error| RuleError::BadValue {
            key: key.to_owned(),
            value: value.to_owned(),
            reason: error.to_string(),
        })
    }

    /// Takes the one word without `=` and reads it.
    pub(crate) fn argument<T, E: Display>(
        &mut self,
        what: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, RuleError> {
        let missing = || RuleError::Missing { what: what.to_owned() };
        let at = self.words.iter().position(|word| !word.contains('=')).ok_or_else(missing)?;
        let word = self.words.remove(at);
        parse(word).map_err(|_| missing())
    }

    /// Takes a word that is there or not.
    pub(crate) fn flag(&mut self, word: &str) -> bool {
        let at = self.words.iter().position(|candidate| *candidate == word);
        at.map(|at| self.words.remove(at)).is_some()
    }

    /// Demands that a key is there, without taking it.
    pub(crate) fn require(&self, key: &str) -> Result<(), RuleError> {
        let is_there = self.words.iter().any(|word| value_of(word, key).is_some());
        is_there.then_some(()).ok_or_else(|| RuleError::Missing { what: format!("{key}=") })
    }

    /// Complains about words that nobody took.
    pub(crate) fn finish(self) -> Result<(), RuleError> {
        match self.words.first() {
            None => Ok(()),
            Some(word) => Err(RuleError::UnknownWord { word: (*word).to_owned() }),
        }
    }
}

fn value_of<'a>(word: &'a str, key: &str) -> Option<&'a str> {
    word.strip_prefix(key)?.strip_prefix('=')
}
