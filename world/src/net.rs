//! The hub on simulated sockets, behind a weak link.
//!
//! Not yet written.
