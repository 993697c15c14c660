//! What stands beside a chunk: a shard with the xorbs of the files that have it.
//!
//! Only the first chunks of files are known, and one in 1024 of the others.

use std::sync::Arc;

use axum::extract::State;
use hyper::StatusCode;

use crate::call::{Bearer, Hash};
use crate::hub::Hub;
use crate::reply::{self, Reply};
use crate::routes::cas::{error, unauthorized};

/// `GET /v1/chunks/{prefix}/{hash}`
pub(crate) async fn shard(State(hub): State<Arc<Hub>>, bearer: Bearer, chunk: Hash) -> Reply {
    if bearer.0.is_none() {
        return unauthorized();
    }
    let shard = chunk.0.and_then(|chunk| hub.xet.beside(&chunk, &hub.shard_key));
    match shard {
        Some(shard) => reply::full(StatusCode::OK, "application/octet-stream", shard.write()),
        None => error(StatusCode::NOT_FOUND, "there is no such chunk"),
    }
}
