//! One exchange: sends the request, reports its head, streams the body to its place, and reports
//! its one close.
//!
//! Judges neither head nor fault, and tries nothing twice.

use std::sync::Arc;

use engine::action::{Close, RequestId};
use engine::fault::Fault;
use engine::hub::request::{Authority, Request};
use engine::range::ByteRange;
use tokio::sync::mpsc;
use url::Url;

use super::writer::Writer;
use super::{Input, Order};
use crate::disk::Disk;
use crate::http::{Http, HttpBody, send_following};

/// One exchange, ready to run.
pub(super) struct Exchange<F> {
    pub(super) id: RequestId,
    pub(super) url: Url,
    pub(super) range: ByteRange,
    pub(super) if_range: Option<String>,
    pub(super) authority: Arc<Authority>,
    pub(super) orders: mpsc::Receiver<Order>,
    pub(super) inputs: mpsc::Sender<Input>,
    pub(super) part: Arc<F>,
}

/// Why an exchange ended before its body was complete.
enum Stop {
    Aborted,
    Failed(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault)
    }
}

impl<F: Send + Sync + 'static> Exchange<F> {
    /// Runs to the close, which is reported last and once, whatever happened.
    pub(super) async fn run<H: Http, D: Disk<File = F>>(mut self, http: H, disk: D) {
        let close = match self.exchange(http, disk).await {
            Ok(()) => Close::Done,
            Err(Stop::Aborted) => Close::Aborted,
            Err(Stop::Failed(fault)) => Close::Failed(fault),
        };
        self.report(Input::Close(self.id, close)).await;
    }

    async fn exchange<H: Http, D: Disk<File = F>>(&mut self, http: H, disk: D) -> Result<(), Stop> {
        let request = Request::range(self.url.clone(), self.range, self.if_range.as_deref());
        let asked = send_following(&http, &self.authority, request);
        let (head, mut body) = tokio::select! {
            biased;
            _ = self.orders.recv() => return Err(Stop::Aborted),
            answer = asked => answer?,
        };
        self.report(Input::Head(self.id, head)).await;
        let Some(Order::Receive { body_start, gaps, compare }) = self.orders.recv().await else {
            return Err(Stop::Aborted);
        };
        let mut writer = Writer::new(disk, Arc::clone(&self.part), body_start, gaps, compare);
        let streamed = self.stream(&mut body, &mut writer).await;
        // Every byte received before a failure is kept.
        let written = writer.flush().await;
        for written in writer.take_written() {
            self.report(Input::Written(self.id, written)).await;
        }
        written?;
        streamed
    }

    async fn stream<B: HttpBody, D: Disk<File = F>>(
        &mut self,
        body: &mut B,
        writer: &mut Writer<D>,
    ) -> Result<(), Stop> {
        while !writer.is_done() {
            let flush_at = writer.flush_at();
            let flush = async {
                match flush_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let bytes = tokio::select! {
                biased;
                _ = self.orders.recv() => return Err(Stop::Aborted),
                bytes = body.chunk() => bytes?.ok_or(Fault::Cut)?,
                () = flush => {
                    writer.flush().await?;
                    self.report_written(writer).await;
                    continue;
                }
            };
            self.report(Input::Bytes(self.id, bytes.len() as u64)).await;
            writer.take(&bytes).await?;
            self.report_written(writer).await;
        }
        // A body that ends here leaves its connection for the next request.
        let _ = tokio::time::timeout(END_WITHIN, body.chunk()).await;
        Ok(())
    }

    async fn report_written<D: Disk<File = F>>(&self, writer: &mut Writer<D>) {
        for written in writer.take_written() {
            self.report(Input::Written(self.id, written)).await;
        }
    }

    async fn report(&self, input: Input) {
        // The driver is gone when the machine has ended; then nobody listens.
        let _ = self.inputs.send(input).await;
    }
}

/// How long to wait for the end of a body whose bytes have all come.
const END_WITHIN: std::time::Duration = std::time::Duration::from_millis(100);
