//! The lies the hub can tell, each with what it needs to be told.
//!
//! When a lie is told is a rule's business, and telling it is the reply's or the wire's.

use std::time::Duration;

use crate::fields::{Fields, RuleError};
use crate::quantity::{parse_bytes, parse_duration};

/// One way of failing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The answer is right, and what becomes of it on the way is not.
    Wire(WireFault),
    /// `refuse [for=D]`: resets the connection and closes the listener.
    Refuse {
        /// How long nobody listens; for ever if not given.
        lasting: Option<Duration>,
    },
    /// `ignore-range`: 200 and the whole file.
    IgnoreRange,
    /// `wrong-range [by=BYTES]`: 206 for a range that starts later than asked.
    WrongRange {
        /// How much later, in bytes.
        by: u64,
    },
    /// `short-body [by=BYTES]`: a shorter Content-Length, kept exactly.
    ShortBody {
        /// How many bytes are missing; half of them if not given.
        by: Option<u64>,
    },
    /// `gzip`: Content-Encoding that nobody asked for.
    Gzip,
    /// `expired`: the CDN's 403 for an old URL.
    Expired,
    /// `status CODE [retry-after=S] [ratelimit=S]`: an error status.
    Status {
        /// The HTTP status.
        code: u16,
        /// Seconds in `Retry-After`.
        retry_after: Option<u64>,
        /// Seconds in the hub's `RateLimit`.
        ratelimit: Option<u64>,
    },
    /// `portal [redirect]`: the login page of a captive portal.
    Portal {
        /// 302 to the portal's host instead of 200 in place.
        is_redirect: bool,
    },
    /// `etag-change`: the newer version of the file under the same URL.
    EtagChange,
    /// `commit-change`: somebody pushed; `main` moves on before the answer.
    CommitChange,
    /// `redirect-loop`: 302 to the same URL.
    RedirectLoop,
    /// `cross-host [to=HOST:PORT]`: 302 to the same path on another host.
    CrossHost {
        /// Where to; the CDN's host if not given.
        to: Option<String>,
    },
    /// `delay D`: the answer comes late.
    Delay(Duration),
}

/// A fault that is told while the answer is sent.
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
        /// Pause after each byte.
        interval: Duration,
    },
    /// `flip at=OFFSET [bit=N]`: one bit of the file is wrong.
    Flip {
        /// Which bit of the byte, 0 to 7.
        bit: u8,
    },
    /// `zero-fill at=OFFSET [len=BYTES]`: a hole in the file.
    ZeroFill {
        /// Length of the hole in bytes.
        len: u64,
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

impl Fault {
    /// The word in rules and counters.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Wire(WireFault::Cut { cut: Cut::Reset, .. }) => "rst",
            Self::Wire(WireFault::Cut { cut: Cut::Close, .. }) => "fin",
            Self::Wire(WireFault::Stall { .. }) => "stall",
            Self::Wire(WireFault::SlowLoris { .. }) => "slow-loris",
            Self::Wire(WireFault::Flip { .. }) => "flip",
            Self::Wire(WireFault::ZeroFill { .. }) => "zero-fill",
            Self::Refuse { .. } => "refuse",
            Self::IgnoreRange => "ignore-range",
            Self::WrongRange { .. } => "wrong-range",
            Self::ShortBody { .. } => "short-body",
            Self::Gzip => "gzip",
            Self::Expired => "expired",
            Self::Status { .. } => "status",
            Self::Portal { .. } => "portal",
            Self::EtagChange => "etag-change",
            Self::CommitChange => "commit-change",
            Self::RedirectLoop => "redirect-loop",
            Self::CrossHost { .. } => "cross-host",
            Self::Delay(_) => "delay",
        }
    }

    /// Whether it needs a second version of every file.
    pub(crate) fn is_change(&self) -> bool {
        matches!(self, Self::EtagChange | Self::CommitChange)
    }

    /// The fault, if it is told on the wire.
    pub(crate) fn on_wire(&self) -> Option<WireFault> {
        if let Self::Wire(fault) = self { Some(*fault) } else { None }
    }

    /// Reads the fault that `kind` names, taking its own words out of `fields`.
    pub(crate) fn parse(kind: &str, fields: &mut Fields<'_>) -> Result<Self, RuleError> {
        if let Some(fault) = WireFault::parse(kind, fields)? {
            return Ok(Self::Wire(fault));
        }
        Ok(match kind {
            "refuse" => Self::Refuse { lasting: fields.take("for", parse_duration)? },
            "ignore-range" => Self::IgnoreRange,
            "wrong-range" => Self::WrongRange { by: fields.take("by", parse_bytes)?.unwrap_or(1) },
            "short-body" => Self::ShortBody { by: fields.take("by", parse_bytes)? },
            "gzip" => Self::Gzip,
            "expired" => Self::Expired,
            "status" => Self::Status {
                code: fields.argument("a status such as 503", parse_status)?,
                retry_after: fields.take("retry-after", str::parse)?,
                ratelimit: fields.take("ratelimit", str::parse)?,
            },
            "portal" => Self::Portal { is_redirect: fields.flag("redirect") },
            "etag-change" => Self::EtagChange,
            "commit-change" => Self::CommitChange,
            "redirect-loop" => Self::RedirectLoop,
            "cross-host" => Self::CrossHost { to: fields.take("to", str::parse)? },
            "delay" => Self::Delay(fields.argument("a duration such as 2s", parse_duration)?),
            unknown => return Err(RuleError::UnknownFault { name: unknown.to_owned() }),
        })
    }
}

impl WireFault {
    fn parse(kind: &str, fields: &mut Fields<'_>) -> Result<Option<Self>, RuleError> {
        Ok(Some(match kind {
            "rst" => Self::Cut { cut: Cut::Reset, trigger: trigger(fields)? },
            "fin" => Self::Cut { cut: Cut::Close, trigger: trigger(fields)? },
            "stall" => Self::Stall {
                after: fields.take("after", parse_bytes)?.unwrap_or(0),
                lasting: fields.take("for", parse_duration)?,
            },
            "slow-loris" => Self::SlowLoris {
                interval: fields.take("interval", parse_duration)?.unwrap_or(LORIS_INTERVAL),
            },
            "flip" => {
                fields.require("at")?;
                Self::Flip { bit: fields.take("bit", parse_bit)?.unwrap_or(0) }
            }
            "zero-fill" => {
                fields.require("at")?;
                Self::ZeroFill { len: fields.take("len", parse_bytes)?.unwrap_or(4096) }
            }
            _ => return Ok(None),
        }))
    }
}

fn trigger(fields: &mut Fields<'_>) -> Result<Trigger, RuleError> {
    if let Some(every) = fields.take("every", parse_bytes)? {
        return Ok(Trigger::Every(every.max(1)));
    }
    Ok(Trigger::After(fields.take("after", parse_bytes)?.unwrap_or(0)))
}

fn parse_bit(text: &str) -> Result<u8, String> {
    text.parse().ok().filter(|bit| *bit < 8).ok_or_else(|| "is not a bit from 0 to 7".to_owned())
}

fn parse_status(text: &str) -> Result<u16, String> {
    text.parse()
        .ok()
        .filter(|code| (200..600).contains(code))
        .ok_or_else(|| "is not a status from 200 to 599".to_owned())
}

const LORIS_INTERVAL: Duration = Duration::from_millis(100);
