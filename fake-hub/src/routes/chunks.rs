//! What stands beside a chunk: a shard with the xorbs of a file that has it.
//!
//! Only the first chunks of files are known, and one in about a thousand of the others.

use hyper::StatusCode;

use crate::hub::Hub;
use crate::reply::Reply;
use crate::routes::Ask;
use crate::routes::cas::{bearer, error, unauthorized};

/// `GET /v1/chunks/{prefix}/{hash}`
pub(crate) fn shard(hub: &Hub, ask: &Ask, _hash: &str) -> Reply {
    if bearer(hub, ask).is_none() {
        return unauthorized();
    }
    error(StatusCode::NOT_FOUND, "there is no such chunk")
}
