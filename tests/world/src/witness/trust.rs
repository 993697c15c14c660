//! Who has been honest so far in a run: what may be expected depends on it.
//!
//! Finds nothing out itself; it is told which lies were told.

/// Whose word has been good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trust {
    /// Nobody has sent a wrong byte of a file, nor said that a file is made of others.
    pub is_content_honest: bool,
    /// Nobody has said that a file is made of others.
    pub is_description_honest: bool,
    /// The disk has only forgotten what it may forget.
    pub is_disk_honest: bool,
}
