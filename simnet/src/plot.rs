//! A recording as a picture.
//!
//! Not yet written.
