//! What stands beside a chunk: a shard with the xorbs of the files that have it.
//!
//! Only the first chunks of files are known, and one in 1024 of the others.

use engine::xet::hash::XetHash;
use hyper::StatusCode;

use crate::hub::Hub;
use crate::reply::{self, Reply};
use crate::routes::Ask;
use crate::routes::cas::{bearer, error, unauthorized};

/// `GET /v1/chunks/{prefix}/{hash}`
pub(crate) fn shard(hub: &Hub, ask: &Ask, hash: &str) -> Reply {
    if bearer(hub, ask).is_none() {
        return unauthorized();
    }
    let shard = XetHash::from_hex(hash).and_then(|chunk| hub.xet.beside(&chunk, &hub.shard_key));
    match shard {
        Some(shard) => reply::full(StatusCode::OK, "application/octet-stream", shard.write()),
        None => error(StatusCode::NOT_FOUND, "there is no such chunk"),
    }
}
