//! One exchange in chunks: asks what the range is made of, fetches that, unpacks it, and streams
//! it to its place.
//!
//! Judges neither plan nor fault, and tries nothing twice.

use std::sync::Arc;

use engine::fault::Fault;
use engine::xet::assembly::{Assembly, Mismatch};
use engine::xet::hash::XetHash;
use engine::xet::reconstruction::Reconstruction;
use engine::xet::token::ReadToken;
use engine::xet::unpacker::Unpacker;
use engine::xet::{chunk, wire};

use super::Input;
use super::request::{END_WITHIN, Exchange, Stop};
use super::writer::Writer;
use crate::cas::Cas;
use crate::disk::Disk;
use crate::http::{Http, HttpBody, excerpt, send_following};

impl<F: Send + Sync + 'static> Exchange<F> {
    /// Brings the range in chunks of that file.
    pub(super) async fn exchange_chunks<H: Http, D: Disk<File = F>>(
        &mut self,
        http: H,
        disk: D,
        cas: &Cas<H>,
        hash: XetHash,
        token: &ReadToken,
    ) -> Result<(), Stop> {
        let asked = cas.reconstruction(token, hash, self.range);
        let (plan, len) = tokio::select! {
            biased;
            () = self.orders.aborted() => return Err(Stop::Aborted),
            answer = asked => answer?,
        };
        self.report(Input::Bytes(self.id, len)).await;
        let plan = Arc::new(plan);
        self.report(Input::Plan(self.id, Arc::clone(&plan))).await;
        let (mut writer, _) = self.writer(disk).await?;
        let streamed = self.assemble(&http, &plan, &mut writer).await;
        self.finish(writer, streamed).await
    }

    async fn assemble<H: Http, D: Disk<File = F>>(
        &mut self,
        http: &H,
        plan: &Reconstruction,
        writer: &mut Writer<D>,
    ) -> Result<(), Stop> {
        for mut assembly in Assembly::all(plan, self.range) {
            if !self.orders.may_go_on().await? {
                break;
            }
            if writer.wants(assembly.missing()) {
                self.fetch(http, &mut assembly, writer).await?;
            }
        }
        Ok(())
    }

    async fn fetch<H: Http, D: Disk<File = F>>(
        &mut self,
        http: &H,
        assembly: &mut Assembly<'_>,
        writer: &mut Writer<D>,
    ) -> Result<(), Stop> {
        let fetch = assembly.fetch();
        let asked = send_following(http, &self.authority, wire::chunks(fetch));
        let answered = async {
            let (head, mut body) = asked.await?;
            Ok::<_, Fault>((excerpt::read(head, &mut body).await, body))
        };
        let (head, mut body) = tokio::select! {
            biased;
            () = self.orders.aborted() => return Err(Stop::Aborted),
            answer = answered => answer?,
        };
        wire::check_chunks(fetch, &head)?;
        let mut unpacker = Unpacker::new();
        while writer.wants(assembly.missing()) {
            let Some(bytes) = self.next_bytes(&mut body, writer).await? else { continue };
            let mut rest = &bytes[..];
            while writer.wants(assembly.missing())
                && let Some(chunk) = unpacker.push(&mut rest).map_err(malformed)?
            {
                let len = chunk.content.len() as u64;
                for place in assembly.on_chunk(len).map_err(mismatch)? {
                    writer.take_at(*place, chunk.content).await?;
                }
                self.report_written(writer).await;
            }
        }
        // A body that ends here leaves its connection for the next request.
        let _ = tokio::time::timeout(END_WITHIN, body.chunk()).await;
        Ok(())
    }
}

fn malformed(flaw: chunk::Malformed) -> Fault {
    Fault::Malformed(format!("a chunk that cannot be unpacked ({flaw})"))
}

fn mismatch(_: Mismatch) -> Fault {
    Fault::Malformed("other chunks than were announced".to_owned())
}
