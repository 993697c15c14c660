//! What the loop does, for whoever sets `MOSHI_LOG`: requests, work and answers at `debug`, bytes
//! and records at `trace`.
//!
//! Nothing of a URL after its `?`, and no token, is ever written.

use engine::action::{Action, Close, Route};
use engine::hub::target::shown;
use tracing::{debug, trace};

use super::Input;

/// The machine wants something to be done.
pub(super) fn action(action: &Action) {
    match action {
        Action::Request { id, file, route, range } => match route {
            Route::Http { url, whole } => {
                debug!(id = id.0, file = file.0, %range, whole, url = %shown(url), "request");
            }
            Route::Xet { hash, token } => {
                let cas = shown(token.cas.base());
                debug!(id = id.0, file = file.0, %range, %hash, %cas, "request in chunks");
            }
        },
        Action::Receive { id, gaps, compare, gunzip, .. } => {
            debug!(id = id.0, ?gaps, compare, gunzip, "receive");
        }
        Action::Drain { id } => debug!(id = id.0, "drain"),
        Action::Abort { id } => debug!(id = id.0, "abort"),
        Action::Append { file, record } => trace!(file = file.0, ?record, "append"),
        Action::Sync { task_id, file, records } => {
            debug!(task = task_id.0, file = file.0, records, "sync");
        }
        Action::Locate { task_id, file } => debug!(task = task_id.0, file = file.0, "locate"),
        Action::Authorize { task_id, file } => {
            debug!(task = task_id.0, file = file.0, "ask for a token");
        }
        Action::Describe { task_id, hash, range, .. } => {
            debug!(task = task_id.0, %hash, %range, "ask what a range is made of");
        }
        Action::Name { task_id, chunk, .. } => {
            debug!(task = task_id.0, %chunk, "ask for the names beside a chunk");
        }
        Action::Hash { task_id, file, range, .. } => {
            trace!(task = task_id.0, file = file.0, %range, "hash");
        }
        Action::Check { task_id, file, entries } => {
            debug!(task = task_id.0, file = file.0, records = entries.len(), "check");
        }
        Action::Mark { task_id, file } => debug!(task = task_id.0, file = file.0, "mark"),
        Action::Seal { task_id, file } => debug!(task = task_id.0, file = file.0, "seal"),
    }
}

/// Something has happened.
pub(super) fn input(input: &Input) {
    match input {
        Input::Head(id, head) => debug!(id = id.0, status = head.status, "head"),
        Input::Plan(id, plan) => {
            debug!(id = id.0, terms = plan.terms.len(), fetches = plan.fetches.len(), "plan");
        }
        Input::Bytes(id, len) => trace!(id = id.0, len, "bytes"),
        Input::Written(id, written) => {
            trace!(id = id.0, range = %written.range, changed = written.changed, "written");
        }
        Input::Close(id, Close::Failed(fault)) => debug!(id = id.0, %fault, "failed"),
        Input::Close(id, close @ (Close::Done | Close::Aborted)) => {
            debug!(id = id.0, ?close, "closed");
        }
        Input::Answer(task_id, Ok(_)) => debug!(task = task_id.0, "done"),
        Input::Answer(task_id, Err(fault)) => debug!(task = task_id.0, %fault, "failed"),
    }
}
