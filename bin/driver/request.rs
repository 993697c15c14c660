//! One exchange: sends the request, reports its head, streams the body to its place, and reports
//! its one close.
//!
//! Judges neither head nor fault, and tries nothing twice.

use std::sync::Arc;

use bytes::Bytes;
use engine::action::{Close, RequestId, Route};
use engine::fault::Fault;
use engine::hub::request::{Authority, Request};
use engine::range::ByteRange;
use tokio::sync::mpsc;

use super::gunzip::Gunzip;
use super::writer::Writer;
use super::{Input, Order};
use crate::cas::Cas;
use crate::disk::Disk;
use crate::http::{Http, HttpBody, excerpt, send_following};

/// One exchange, ready to run.
pub(super) struct Exchange<F> {
    pub(super) id: RequestId,
    pub(super) route: Route,
    pub(super) range: ByteRange,
    pub(super) authority: Arc<Authority>,
    pub(super) orders: Orders,
    pub(super) inputs: mpsc::Sender<Input>,
    pub(super) part: Arc<F>,
}

/// What the machine tells an exchange.
pub(super) struct Orders {
    inbox: mpsc::Receiver<Order>,
    is_winding_up: bool,
}

impl Orders {
    pub(super) const fn new(inbox: mpsc::Receiver<Order>) -> Self {
        Self { inbox, is_winding_up: false }
    }

    /// Ends when the exchange is to end.
    pub(super) async fn aborted(&mut self) {
        while let Some(Order::Drain) = self.inbox.recv().await {
            self.is_winding_up = true;
        }
    }

    /// Whether more may be asked for, by what has been told until now.
    pub(super) async fn may_go_on(&mut self) -> Result<bool, Stop> {
        tokio::select! {
            biased;
            () = self.aborted() => Err(Stop::Aborted),
            () = std::future::ready(()) => Ok(!self.is_winding_up),
        }
    }
}

/// Why an exchange ended before its body was complete.
pub(super) enum Stop {
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
    pub(super) async fn run<H: Http, D: Disk<File = F>>(mut self, http: H, disk: D, cas: Cas<H>) {
        let ended = match self.route.clone() {
            Route::Http { url, whole: true } => self.exchange(http, disk, Request::get(url)).await,
            Route::Http { url, whole: false } => {
                self.exchange(http, disk, Request::range(url, self.range)).await
            }
            Route::Xet { hash, token } => {
                self.exchange_chunks(http, disk, &cas, hash, &token).await
            }
        };
        let close = match ended {
            Ok(()) => Close::Done,
            Err(Stop::Aborted) => Close::Aborted,
            Err(Stop::Failed(fault)) => Close::Failed(fault),
        };
        self.report(Input::Close(self.id, close)).await;
    }

    async fn exchange<H: Http, D: Disk<File = F>>(
        &mut self,
        http: H,
        disk: D,
        request: Request,
    ) -> Result<(), Stop> {
        let asked = send_following(&http, &self.authority, request);
        let answered = async {
            let (head, mut body) = asked.await?;
            Ok::<_, Fault>((excerpt::read(head, &mut body).await, body))
        };
        let (head, mut body) = tokio::select! {
            biased;
            () = self.orders.aborted() => return Err(Stop::Aborted),
            answer = answered => answer?,
        };
        self.report(Input::Head(self.id, head)).await;
        let (mut writer, gunzip) = self.writer(disk).await?;
        let coding = gunzip.then(Gunzip::new);
        let streamed = self.stream(&mut body, coding, &mut writer).await;
        self.finish(writer, streamed).await
    }

    /// A writer for the body, once the machine has judged what was said of it.
    /// Says, too, whether the body has to be unpacked as a whole.
    pub(super) async fn writer<D: Disk<File = F>>(
        &mut self,
        disk: D,
    ) -> Result<(Writer<D>, bool), Stop> {
        let order = self.orders.inbox.recv().await;
        let Some(Order::Receive { body_start, gaps, compare, gunzip }) = order else {
            return Err(Stop::Aborted);
        };
        Ok((Writer::new(disk, Arc::clone(&self.part), body_start, gaps, compare), gunzip))
    }

    /// Writes and reports what has come.
    pub(super) async fn finish<D: Disk<File = F>>(
        &self,
        mut writer: Writer<D>,
        streamed: Result<(), Stop>,
    ) -> Result<(), Stop> {
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
        mut coding: Option<Gunzip>,
        writer: &mut Writer<D>,
    ) -> Result<(), Stop> {
        while !writer.is_done() {
            let Some(bytes) = self.next_bytes(body, writer).await? else { continue };
            match &mut coding {
                Some(coding) => {
                    // In small pieces, since each may become a thousand times longer.
                    for piece in bytes.chunks(Gunzip::PIECE) {
                        writer.take(&coding.unpack(piece)?).await?;
                    }
                }
                None => writer.take(&bytes).await?,
            }
            self.report_written(writer).await;
        }
        // A body that ends here leaves its connection for the next request.
        let _ = tokio::time::timeout(END_WITHIN, body.chunk()).await;
        Ok(())
    }

    /// The next bytes of a body; `None` if what came before had to be written first.
    pub(super) async fn next_bytes<B: HttpBody, D: Disk<File = F>>(
        &mut self,
        body: &mut B,
        writer: &mut Writer<D>,
    ) -> Result<Option<Bytes>, Stop> {
        let flush_at = writer.flush_at();
        let flush = async {
            match flush_at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let bytes = tokio::select! {
            biased;
            () = self.orders.aborted() => return Err(Stop::Aborted),
            bytes = body.chunk() => bytes?.ok_or(Fault::Cut)?,
            () = flush => {
                writer.flush().await?;
                self.report_written(writer).await;
                return Ok(None);
            }
        };
        self.report(Input::Bytes(self.id, bytes.len() as u64)).await;
        Ok(Some(bytes))
    }

    pub(super) async fn report_written<D: Disk<File = F>>(&self, writer: &mut Writer<D>) {
        for written in writer.take_written() {
            self.report(Input::Written(self.id, written)).await;
        }
    }

    pub(super) async fn report(&self, input: Input) {
        // The driver is gone when the machine has ended; then nobody listens.
        let _ = self.inputs.send(input).await;
    }
}

/// How long to wait for the end of a body whose bytes have all come.
pub(super) const END_WITHIN: std::time::Duration = std::time::Duration::from_millis(100);
