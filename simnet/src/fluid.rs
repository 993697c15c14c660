//! The bare machine against the link, without bytes.
//!
//! Not yet written.
