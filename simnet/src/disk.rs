//! A disk that keeps real bytes, and forgets what was not synced.
//!
//! Not yet written.
