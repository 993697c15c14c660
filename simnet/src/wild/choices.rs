//! Bytes as choices.
//!
//! Never fails: where there are no more bytes, every choice is the first.

use std::collections::BTreeMap;

/// What is left of the bytes.
pub(super) struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(super) fn below(&mut self, end: u8) -> u8 {
        self.byte() % end.max(1)
    }

    pub(super) fn flag(&mut self) -> bool {
        self.below(2) == 1
    }

    pub(super) fn number(&mut self) -> u64 {
        u64::from(u32::from_be_bytes([self.byte(), self.byte(), self.byte(), self.byte()]))
    }

    pub(super) fn one_of<'b, T>(&mut self, these: &'b [T]) -> &'b T {
        &these[usize::from(self.byte()) % these.len()]
    }

    pub(super) fn one_of_keys<K: Copy, V>(&mut self, these: &BTreeMap<K, V>) -> Option<K> {
        let which = usize::from(self.byte()) % these.len().max(1);
        these.keys().nth(which).copied()
    }
}
