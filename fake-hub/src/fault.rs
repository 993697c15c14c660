//! The lies the hub can tell, sorted by where in an exchange they are told.
//!
//! When a lie is told is a rule's business.

use std::time::Duration;

use crate::fields::{Fields, RuleError};
use crate::quantity::parse_duration;

mod body;
mod head;
mod reply;
mod request;
mod wire;

pub use body::BodyFault;
pub use head::HeadFault;
pub use reply::ReplyFault;
pub use request::RequestFault;
pub use wire::{Cut, Trigger, WireFault};

/// One way of failing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Another question is answered, or the same one later.
    Request(RequestFault),
    /// The answer is another one.
    Reply(ReplyFault),
    /// The answer is right but for its body.
    Body(BodyFault),
    /// The answer is right but for its head.
    Head(HeadFault),
    /// The answer is right, and what becomes of it on the way is not.
    Wire(WireFault),
    /// `refuse [for=D]`: the connection is reset and the listener closed.
    Refuse {
        /// How long nobody listens; for ever if not given.
        lasting: Option<Duration>,
    },
}

impl Fault {
    /// Reads the fault that `kind` names, taking its own words out of `fields`.
    pub(crate) fn parse(kind: &str, fields: &mut Fields<'_>) -> Result<Self, RuleError> {
        if kind == "refuse" {
            return Ok(Self::Refuse { lasting: fields.take("for", parse_duration)? });
        }
        if let Some(fault) = RequestFault::parse(kind, fields)? {
            return Ok(Self::Request(fault));
        }
        if let Some(fault) = ReplyFault::parse(kind, fields)? {
            return Ok(Self::Reply(fault));
        }
        if let Some(fault) = BodyFault::parse(kind, fields)? {
            return Ok(Self::Body(fault));
        }
        if let Some(fault) = HeadFault::parse(kind) {
            return Ok(Self::Head(fault));
        }
        if let Some(fault) = WireFault::parse(kind, fields)? {
            return Ok(Self::Wire(fault));
        }
        Err(RuleError::UnknownFault { name: kind.to_owned() })
    }

    /// Whether it needs a second version of every file.
    pub(crate) fn is_change(&self) -> bool {
        matches!(self, Self::Request(RequestFault::EtagChange | RequestFault::CommitChange))
    }

    /// The fault, if it is told on the wire.
    pub(crate) fn on_wire(&self) -> Option<WireFault> {
        if let Self::Wire(fault) = self { Some(*fault) } else { None }
    }
}
