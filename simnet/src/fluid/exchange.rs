//! One request on its way: what was asked, what is being answered, what is done with it.
//!
//! Moves nothing by itself.

use engine::fault::Fault;
use engine::range::ByteRange;
use engine::time::Instant;

use super::hub::{Cut, Reply};
use super::writer::Writer;
use crate::link::Connection;

/// One request, both ends of it.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) file: u32,
    pub(super) url: usize,
    pub(super) range: ByteRange,
    /// No range was asked for.
    pub(super) is_whole: bool,
    /// `None` when none could be had.
    pub(super) connection: Option<Connection>,
    pub(super) is_reused: bool,
    pub(super) reply: Option<Reply>,
    /// How many bytes of the body the server has sent.
    pub(super) sent: u64,
    /// When the last of them has passed.
    pub(super) sent_until: Instant,
    /// The server waits until we have read more.
    pub(super) is_waiting: bool,
    /// What arrived and was not read yet, because nobody has said that it is wanted.
    pub(super) unread: u64,
    pub(super) arrived: u64,
    /// What arrived after the request was told to end.
    pub(super) unheard: u64,
    pub(super) writer: Option<Writer>,
    pub(super) is_headed: bool,
    pub(super) is_aborting: bool,
    /// How the connection ended, once we can know it.
    pub(super) broken: Option<Fault>,
    /// That happened while nobody listened.
    pub(super) is_break_missed: bool,
    /// Since when nothing will come any more, without anybody being told.
    pub(super) dead_since: Option<Instant>,
}

impl Exchange {
    /// What the server still has to send, before the body ends or breaks off.
    pub(super) fn left(&self) -> u64 {
        let Some(reply) = &self.reply else { return 0 };
        let end = reply.cut.map_or(reply.body.len(), |(after, _)| after);
        end - self.sent.min(end)
    }

    /// How the body breaks off.
    pub(super) fn cut(&self) -> Option<Cut> {
        self.reply.as_ref()?.cut.map(|(_, cut)| cut)
    }

    /// Whether all of the body has come, so that the connection can be used again.
    pub(super) fn is_drained(&self) -> bool {
        self.reply.as_ref().is_some_and(|it| it.cut.is_none() && it.body.len() == self.arrived)
    }
}

/// What a server sends ahead of a client that does not read.
pub(super) const WINDOW: u64 = 256 << 10;
