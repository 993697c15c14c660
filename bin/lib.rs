//! placeholder

pub mod cache;
pub mod disk;
