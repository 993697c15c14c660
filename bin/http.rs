//! HTTP as the rest of the program sees it: one request, one head, one body stream, and one kind
//! of fault.
//!
//! Follows no redirect, repeats nothing, and has no deadline but one for new connections: the rest
//! is decided elsewhere.

mod addresses;
mod certificate;
pub(crate) mod excerpt;
mod fault;
mod network;
mod origin;
mod proxy;
mod reqwest_http;
mod trust;
pub(crate) mod whole;
mod zone;

use std::future::Future;

use bytes::Bytes;
use engine::fault::Fault;
use engine::hub::head::Head;
use engine::hub::redirect;
use engine::hub::request::{Authority, Request};

pub use fault::fault_of;
pub use network::Network;
pub use reqwest_http::ReqwestHttp;

/// A way to send requests.
pub trait Http: Clone + Send + Sync + 'static {
    /// The body of an answer.
    type Body: HttpBody;

    /// Sends a request and waits for the head of its answer.
    fn send(
        &self,
        request: Request,
    ) -> impl Future<Output = Result<(Head, Self::Body), Fault>> + Send;
}

/// The body of an answer, as it arrives. Dropping it ends the exchange.
pub trait HttpBody: Send + 'static {
    /// The next bytes; `None` when the body is complete.
    fn chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, Fault>> + Send;
}

/// Sends a `GET` or `HEAD`, following redirects. Every hop sees the token only if it goes to the
/// hub's own origin.
///
/// # Errors
///
/// What went wrong on the way, or a redirect that leads nowhere.
pub async fn send_following<H: Http>(
    http: &H,
    authority: &Authority,
    mut request: Request,
) -> Result<(Head, H::Body), Fault> {
    let mut visited = Vec::new();
    loop {
        let (head, body) = http.send(authorized(request.clone(), authority)).await?;
        let Some(next) = redirect::follow(&request.url, &head, &visited)? else {
            return Ok((head, body));
        };
        visited.push(std::mem::replace(&mut request.url, next));
    }
}

/// The request with the token, if its URL may see it.
pub(crate) fn authorized(mut request: Request, authority: &Authority) -> Request {
    if let Some(authorization) = authority.authorization_for(&request.url) {
        request.headers.push(("authorization", authorization));
    }
    request
}
