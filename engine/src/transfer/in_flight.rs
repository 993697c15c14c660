//! What has been asked for and has not ended: requests, and work that will end in an answer.
//!
//! Starts nothing.

use std::collections::BTreeMap;

use super::Transfer;
use super::request::Open;
use crate::action::{RequestId, TaskId};
use crate::manifest::FileId;
use crate::range::ByteRange;
use crate::time::Instant;
use crate::xet::token::ReadToken;

/// Everything that is under way. Requests and work share their numbers.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    pub(super) requests: BTreeMap<RequestId, Open>,
    pub(super) tasks: BTreeMap<TaskId, Task>,
    last_id: u64,
}

/// Work that will end in an answer.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) file: FileId,
    pub(super) kind: TaskKind,
    pub(super) asked: Instant,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TaskKind {
    Locate,
    Authorize,
    Describe { range: ByteRange, token: ReadToken },
    Name { token: ReadToken },
    Sync { records: u64 },
    Hash { range: ByteRange },
    Check { why: Why },
    Mark,
    Seal,
}

/// Why the disk is compared with its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The file is about to be put in place.
    LastLook,
    /// Something could not be read back.
    Unread,
    /// The digest is wrong.
    Mismatch,
}

impl TaskKind {
    /// Whether somebody out there has to answer.
    pub(super) const fn is_query(&self) -> bool {
        match self {
            Self::Locate | Self::Authorize | Self::Describe { .. } | Self::Name { .. } => true,
            Self::Sync { .. }
            | Self::Hash { .. }
            | Self::Check { .. }
            | Self::Mark
            | Self::Seal => false,
        }
    }
}

impl InFlight {
    /// A number that nothing has had.
    pub(super) const fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Whether nothing is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.tasks.is_empty()
    }

    /// How many requests and questions somebody out there has to answer.
    pub(super) fn asked(&self) -> u32 {
        let questions = self.tasks.values().filter(|task| task.kind.is_query()).count();
        u32::try_from(self.requests.len() + questions).unwrap_or(u32::MAX)
    }
}

impl Transfer {
    /// Begins work that will end in an answer.
    pub(super) fn task(&mut self, file: FileId, kind: TaskKind) -> TaskId {
        let task_id = TaskId(self.in_flight.next_id());
        self.in_flight.tasks.insert(task_id, Task { file, kind, asked: self.now });
        task_id
    }
}
