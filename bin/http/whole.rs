//! The whole body of an answer, for which there is patience, but not without end.
//!
//! Judges nothing of it.

use std::time::Duration;

use engine::fault::Fault;
use tokio::time::Instant;

use super::HttpBody;

/// Reads a body to its end, or until it is longer than `max` bytes. It may be silent for as long as
/// there is `patience`, and slow, but not dribble.
///
/// # Errors
///
/// What went wrong, or that it has become too slow.
pub(crate) async fn read<B: HttpBody>(
    body: &mut B,
    patience: Duration,
    max: usize,
) -> Result<Vec<u8>, Fault> {
    let began = Instant::now();
    let mut bytes = Vec::new();
    while bytes.len() <= max {
        let left = time_left(patience, bytes.len() as u64, began);
        let chunk = tokio::time::timeout(left, body.chunk()).await;
        match chunk.unwrap_or(Err(Fault::Silent(left)))? {
            Some(chunk) => bytes.extend_from_slice(&chunk),
            None => break,
        }
    }
    Ok(bytes)
}

/// How long the next bytes of a body may take that began at `began`, and of which so many bytes
/// have come.
pub(crate) fn time_left(patience: Duration, came: u64, began: Instant) -> Duration {
    let earned = Duration::from_secs(came / BYTES_PER_SECOND_MIN);
    patience.saturating_add(earned).saturating_sub(began.elapsed()).min(patience)
}

/// The slowest that an answer may be, apart from the patience with it.
const BYTES_PER_SECOND_MIN: u64 = 512;
