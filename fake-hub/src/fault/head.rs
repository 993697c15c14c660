//! Faults that spoil the head of an honest reply: what it leaves out, or says wrongly.
//!
//! The body stays as it is, but for how its end is told.

/// What happens to a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadFault {
    /// `no-content-range`: a 206 that does not say which range it is.
    NoContentRange,
    /// `no-length`: no `Content-Length`; the body comes in chunks.
    NoLength,
    /// `zero-length-head`: the answer to a HEAD says `Content-Length: 0`.
    ZeroLengthHead,
}

impl HeadFault {
    pub(crate) fn parse(kind: &str) -> Option<Self> {
        match kind {
            "no-content-range" => Some(Self::NoContentRange),
            "no-length" => Some(Self::NoLength),
            "zero-length-head" => Some(Self::ZeroLengthHead),
            _ => None,
        }
    }
}
