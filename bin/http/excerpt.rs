//! How the body of an error begins: what the other side says of it, for the person who reads it.
//!
//! Reads little and waits little: an error is told without its words rather than late.

use std::time::Duration;

use engine::hub::head::Head;

use super::HttpBody;

/// The head of an error together with the first bytes of its body; any other head as it is.
pub(crate) async fn read<B: HttpBody>(head: Head, body: &mut B) -> Head {
    if head.status < 400 {
        return head;
    }
    let mut bytes = Vec::new();
    let reading = async {
        while bytes.len() < BYTES_MAX
            && let Ok(Some(piece)) = body.chunk().await
        {
            bytes.extend_from_slice(&piece[..piece.len().min(BYTES_MAX - bytes.len())]);
        }
    };
    // What has come by then is enough.
    let _ = tokio::time::timeout(WITHIN, reading).await;
    head.with_excerpt(&bytes)
}

/// Enough for a sentence behind the head of an XML or HTML document.
const BYTES_MAX: usize = 2 << 10;
/// How long a body of a few bytes may take behind its head.
const WITHIN: Duration = Duration::from_millis(500);
