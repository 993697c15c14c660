//! The storage: whoever has a signed URL gets the bytes.
//!
//! It never looks at tokens.

use std::sync::Arc;

use axum::extract::State;

use crate::call::{BlobName, Call};
use crate::hub::Hub;
use crate::reply::Reply;
use crate::routes::{edge, file};

/// `GET /xet-bridge-us/{repository}/{name}?…&Expires=…&Policy=…&Signature=…&Key-Pair-Id=…`
pub(crate) async fn blob(State(hub): State<Arc<Hub>>, blob: BlobName, call: Call) -> Reply {
    let now = hub.clock.now();
    if let Err(bad) = hub.signer.check(call.host(), call.path(), call.query(), None, now) {
        return edge::denied(&hub, &call, bad);
    }
    let Some((repo, known)) = hub.blob(&blob.0) else {
        return edge::missing(&hub, &call);
    };
    let newest = repo.newest(&known.path).filter(|_| call.changes().wants_newest);
    file::stored(&hub, &call, newest.unwrap_or(known))
}
