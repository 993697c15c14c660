//! The HTTP seam over hyper on simulated sockets.
//!
//! Not yet written.
