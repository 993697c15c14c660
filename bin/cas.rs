//! Asks content-addressed storage what files are made of.
//!
//! Fetches no chunks, and tries nothing twice but the other version of the interface.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use engine::fault::Fault;
use engine::hub::request::Request;
use engine::range::ByteRange;
use engine::xet::hash::XetHash;
use engine::xet::reconstruction::{self, Reconstruction};
use engine::xet::shard::{self, Shard};
use engine::xet::token::ReadToken;
use engine::xet::wire;

use crate::http::{Http, excerpt, send_following, whole};

/// The interface of the storage.
#[derive(Clone, Debug)]
pub(crate) struct Cas<H> {
    http: H,
    /// The version that answered last.
    version: Arc<AtomicU8>,
}

impl<H: Http> Cas<H> {
    pub(crate) fn new(http: H) -> Self {
        Self { http, version: Arc::new(AtomicU8::new(1)) }
    }

    /// What a range of a file is made of, and how many bytes it took to say so.
    pub(crate) async fn reconstruction(
        &self,
        token: &ReadToken,
        file: XetHash,
        range: ByteRange,
    ) -> Result<(Reconstruction, u64), Fault> {
        let first = self.version.load(Ordering::Relaxed);
        // The shortest chunk is 8 KiB, and what is said of one is less than 1 KiB.
        let max = PLAN_BYTES.saturating_add(range.len() / 8);
        let max = usize::try_from(max)
            .map_or(reconstruction::BODY_MAX, |max| max.min(reconstruction::BODY_MAX));
        for version in [first, 3 - first] {
            let request = wire::reconstruction(token, version, file, range);
            let Some(body) = self.ask(token, request, max).await? else {
                continue;
            };
            self.version.store(version, Ordering::Relaxed);
            let read = match version {
                1 => Reconstruction::read_v1(&body),
                _ => Reconstruction::read_v2(&body),
            };
            let len = body.len() as u64;
            let malformed = |flaw| Fault::Malformed(format!("a reconstruction that {flaw}"));
            let read = read.and_then(|plan| plan.check_urls(token.cas.base()));
            return read.map(|plan| (plan, len)).map_err(malformed);
        }
        Err(Fault::NoSuchFile(format!("{file} in the hub's storage")))
    }

    /// The names of the chunks that are stored together with this one.
    pub(crate) async fn shard(&self, token: &ReadToken, chunk: XetHash) -> Result<Shard, Fault> {
        let body = self.ask(token, wire::shard(token, chunk), shard::BODY_MAX).await?;
        let body = body.ok_or_else(|| Fault::NoSuchFile(format!("a shard with chunk {chunk}")))?;
        Shard::read(&body).map_err(|flaw| Fault::Malformed(format!("a shard that {flaw}")))
    }

    /// The body of a good answer; `None` if the storage does not know what was asked for.
    async fn ask(
        &self,
        token: &ReadToken,
        request: Request,
        max: usize,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let authority = token.authority();
        let answer = send_following(&self.http, &authority, request);
        let (head, mut body) = within(answer).await?;
        let head = excerpt::read(head, &mut body).await;
        if wire::check_answer(&head)?.is_none() {
            return Ok(None);
        }
        let bytes = whole::read(&mut body, SILENT, max).await?;
        if bytes.len() > max { Err(Fault::TooLong) } else { Ok(Some(bytes)) }
    }
}

async fn within<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    tokio::time::timeout(SILENT, work).await.unwrap_or(Err(Fault::Silent(SILENT)))
}

/// What is said of a short range may be so long, in bytes.
const PLAN_BYTES: u64 = 1 << 20;
/// An answer that is silent for this long will not come.
const SILENT: Duration = Duration::from_secs(60);
