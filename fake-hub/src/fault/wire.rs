//! Faults that happen to an honest reply on its way.
//!
//! A delivery tells them byte by byte.

use std::time::Duration;

use crate::fields::{Fields, RuleError};
use crate::quantity::{parse_bytes, parse_duration};

/// What happens on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireFault {
    /// `rst after=BYTES|every=BYTES` and `fin …`: the connection ends in the middle.
    Cut {
        /// Rudely or orderly.
        cut: Cut,
        /// Where.
        trigger: Trigger,
    },
    /// `stall after=BYTES [for=D]`: silence on an open connection.
    Stall {
        /// Body bytes sent before the silence.
        after: u64,
        /// How long; for ever if not given.
        lasting: Option<Duration>,
    },
    /// `slow-loris [interval=D]`: one byte at a time, headers too.
    SlowLoris {
        /// Pause after each byte; 100 ms if not given.
        interval: Duration,
    },
}

/// How a connection ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// A TCP reset, after everything sent has been delivered.
    Reset,
    /// An orderly close.
    Close,
}

/// When a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// After this many body bytes of a response.
    After(u64),
    /// Each time this many body bytes of all matching responses together were sent.
    Every(u64),
}

impl WireFault {
    pub(crate) fn parse(kind: &str, fields: &mut Fields<'_>) -> Result<Option<Self>, RuleError> {
        Ok(Some(match kind {
            "rst" => Self::Cut { cut: Cut::Reset, trigger: Trigger::take(fields)? },
            "fin" => Self::Cut { cut: Cut::Close, trigger: Trigger::take(fields)? },
            "stall" => Self::Stall {
                after: fields.take("after", parse_bytes)?.unwrap_or(0),
                lasting: fields.take("for", parse_duration)?,
            },
            "slow-loris" => Self::SlowLoris {
                interval: fields.take("interval", parse_duration)?.unwrap_or(LORIS_INTERVAL),
            },
            _ => return Ok(None),
        }))
    }
}

impl Trigger {
    fn take(fields: &mut Fields<'_>) -> Result<Self, RuleError> {
        if let Some(every) = fields.take("every", parse_bytes)? {
            return Ok(Self::Every(every.max(1)));
        }
        Ok(Self::After(fields.take("after", parse_bytes)?.unwrap_or(0)))
    }
}

const LORIS_INTERVAL: Duration = Duration::from_millis(100);
