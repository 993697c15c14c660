//! Carries out what the machine decides: one loop, one channel for all that happens.
//!
//! Decides nothing, and knows no HTTP client and no filesystem: those are its two seams.

mod chunks;
mod digest;
mod gunzip;
mod journal;
mod log;
mod request;
mod task;
mod writer;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use engine::Reach;
use engine::action::{Action, Answer, Close, RequestId, Route, TaskId, Written};
use engine::event::{End, Event};
use engine::fault::Fault;
use engine::hub::head::Head;
use engine::hub::request::Authority;
use engine::journal::Begin;
use engine::manifest::FileId;
use engine::range::ByteRange;
use engine::stats::Stats;
use engine::time::Instant;
use engine::transfer::Transfer;
use engine::xet::reconstruction::Reconstruction;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::cas::Cas;
use crate::disk::Disk;
use crate::http::Http;
use digest::Hasher;
pub use digest::digest_of;
pub use journal::JournalFile;
pub use task::Home;

/// Time for the machine, counted on tokio's clock, so that a paused clock is a simulated one.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: tokio::time::Instant,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self { start: tokio::time::Instant::now() }
    }

    /// The time by this clock.
    pub fn now(self) -> Instant {
        Instant::at(self.start.elapsed())
    }

    fn moment(self, at: Instant) -> tokio::time::Instant {
        self.start + at.since_start()
    }
}

/// What the driver needs to know of a file: where its bytes go, and how it is found and sealed.
pub struct DriverFile<D: Disk> {
    /// The part file.
    pub part: Arc<D::File>,
    /// Its journal, which may be replaced by a shorter one.
    pub journal: Arc<JournalFile<D::File>>,
    /// How the journal begins.
    pub begin: Begin,
    /// Where the journal's next record goes.
    pub journal_len: u64,
    /// Where to find it on the hub and how to put it into place.
    pub home: Arc<dyn Home>,
    /// What it must hash to, and how long it is.
    pub spec: engine::manifest::FileSpec,
}

/// What the driver hands back when the machine has ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// What came and what it cost.
    pub stats: Stats,
    /// What was found out about hosts.
    pub reach: Reach,
}

/// Everything that can happen, in the order in which it did.
pub(crate) enum Input {
    Head(RequestId, Head),
    Plan(RequestId, Arc<Reconstruction>),
    Bytes(RequestId, u64),
    Written(RequestId, Written),
    Close(RequestId, Close),
    Answer(TaskId, Result<Answer, Fault>),
}

/// What a request is told after it was sent.
pub(crate) enum Order {
    Receive { body_start: u64, gaps: Vec<ByteRange>, compare: bool, gunzip: bool },
    Drain,
    Abort,
}

/// Runs one transfer to its end.
pub struct Driver<H: Http, D: Disk> {
    http: H,
    cas: Cas<H>,
    disk: D,
    authority: Arc<Authority>,
    clock: Clock,
    transfer: Transfer,
    files: BTreeMap<FileId, Running<D>>,
    requests: BTreeMap<RequestId, mpsc::Sender<Order>>,
    /// Work that ends in an answer. It ends with the driver: nobody waits for a hub that is slow.
    tasks: JoinSet<()>,
    inputs: mpsc::Sender<Input>,
    inbox: mpsc::Receiver<Input>,
}

struct Running<D: Disk> {
    file: DriverFile<D>,
    journal: journal::JournalSender<D>,
    digest: Arc<Mutex<digest::Running>>,
}

impl<H: Http, D: Disk> Driver<H, D> {
    /// A driver for a machine that was made at `clock.now()`.
    pub fn new(
        http: H,
        disk: D,
        authority: Arc<Authority>,
        clock: Clock,
        transfer: Transfer,
        files: BTreeMap<FileId, DriverFile<D>>,
    ) -> Self {
        let (inputs, inbox) = mpsc::channel(INPUTS_MAX);
        let files = files
            .into_iter()
            .map(|(id, file)| {
                let journal = journal::spawn(&disk, &file);
                (id, Running { file, journal, digest: Arc::default() })
            })
            .collect();
        Self {
            cas: Cas::new(http.clone()),
            http,
            disk,
            authority,
            clock,
            transfer,
            files,
            requests: BTreeMap::new(),
            tasks: JoinSet::new(),
            inputs,
            inbox,
        }
    }

    /// Carries out the machine's actions until it ends. `cancel` turning true makes it stop and
    /// save; `tell` hears every event.
    pub async fn run(
        mut self,
        mut cancel: watch::Receiver<bool>,
        mut tell: impl FnMut(&Transfer, Event, Instant),
    ) -> Outcome {
        let mut end = End::Finished;
        let mut is_cancelled = false;
        loop {
            while let Some(action) = self.transfer.poll_action() {
                log::action(&action);
                self.carry_out(action);
            }
            while let Some(event) = self.transfer.poll_event() {
                if let Event::Ended(how) = &event {
                    end = how.clone();
                }
                tell(&self.transfer, event, self.clock.now());
            }
            if self.transfer.is_ended() {
                break;
            }
            let deadline = self.transfer.poll_timeout().map(|deadline| deadline.at);
            let wake = async {
                match deadline {
                    Some(at) => tokio::time::sleep_until(self.clock.moment(at)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = cancelled(&mut cancel), if !is_cancelled => {
                    is_cancelled = true;
                    tracing::debug!("cancelled");
                    self.transfer.handle_cancel(self.clock.now());
                }
                input = self.inbox.recv() => {
                    if let Some(input) = input {
                        self.take(input);
                    }
                }
                () = wake => self.transfer.handle_timeout(self.clock.now()),
            }
        }
        let (stats, reach) = (self.transfer.stats().clone(), self.transfer.reach().clone());
        Outcome { end, stats, reach }
    }

    fn take(&mut self, input: Input) {
        log::input(&input);
        let now = self.clock.now();
        match input {
            Input::Head(id, head) => self.transfer.handle_head(id, &head, now),
            Input::Plan(id, plan) => self.transfer.handle_plan(id, &plan, now),
            Input::Bytes(id, len) => self.transfer.handle_bytes(id, len, now),
            Input::Written(id, written) => self.transfer.handle_written(id, &written, now),
            Input::Close(id, close) => {
                self.requests.remove(&id);
                self.transfer.handle_close(id, &close, now);
            }
            Input::Answer(task_id, answer) => self.transfer.handle_answer(task_id, answer, now),
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Request { id, file, route, range } => self.request(id, file, route, range),
            Action::Receive { id, body_start, gaps, compare, gunzip } => {
                self.order(id, Order::Receive { body_start, gaps, compare, gunzip });
            }
            Action::Drain { id } => self.order(id, Order::Drain),
            Action::Abort { id } => self.order(id, Order::Abort),
            Action::Append { file, record } => {
                if let Some(running) = self.files.get(&file) {
                    running.journal.append(record);
                }
            }
            Action::Sync { task_id, file, records } => self.sync(task_id, file, records),
            Action::Locate { task_id, file } => {
                if let Some(running) = self.files.get(&file) {
                    let home = Arc::clone(&running.file.home);
                    self.answer(task_id, async move { home.locate().await });
                }
            }
            Action::Authorize { task_id, file } => {
                if let Some(running) = self.files.get(&file) {
                    let home = Arc::clone(&running.file.home);
                    self.answer(task_id, async move { home.authorize().await });
                }
            }
            Action::Describe { task_id, hash, token, range } => {
                let cas = self.cas.clone();
                self.answer(task_id, async move {
                    let (plan, _) = cas.reconstruction(&token, hash, range).await?;
                    Ok(Answer::Described(plan))
                });
            }
            Action::Name { task_id, chunk, token } => {
                let cas = self.cas.clone();
                self.answer(
                    task_id,
                    async move { cas.shard(&token, chunk).await.map(Answer::Named) },
                );
            }
            Action::Hash { task_id, file, range, chunks } => {
                self.hash(task_id, file, range, chunks);
            }
            Action::Check { task_id, file, entries } => {
                if let Some(running) = self.files.get(&file) {
                    let part = Arc::clone(&running.file.part);
                    let check = task::check(self.disk.clone(), part, entries);
                    self.answer(task_id, check);
                }
            }
            Action::Mark { task_id, file } => {
                if let Some(running) = self.files.get(&file) {
                    let home = Arc::clone(&running.file.home);
                    self.answer(task_id, async move { home.mark().await.map(|()| Answer::Marked) });
                }
            }
            Action::Seal { task_id, file } => self.seal(task_id, file),
        }
    }

    fn request(&mut self, id: RequestId, file: FileId, route: Route, range: ByteRange) {
        let Some(running) = self.files.get(&file) else { return };
        let (orders, inbox) = mpsc::channel(ORDERS_MAX);
        self.requests.insert(id, orders);
        let exchange = request::Exchange {
            id,
            route,
            range,
            authority: Arc::clone(&self.authority),
            orders: request::Orders::new(inbox),
            inputs: self.inputs.clone(),
            part: Arc::clone(&running.file.part),
        };
        let (http, disk, cas) = (self.http.clone(), self.disk.clone(), self.cas.clone());
        tokio::spawn(exchange.run(http, disk, cas));
    }

    fn sync(&mut self, task_id: TaskId, file: FileId, records: u64) {
        if let Some(running) = self.files.get(&file) {
            let Some(ledger) = self.transfer.ledger(file) else { return };
            let synced = running.journal.sync(self.disk.clone(), records, ledger);
            let home = Arc::clone(&running.file.home);
            self.answer(task_id, async move {
                home.check().await?;
                synced.await.map(|()| Answer::Synced)
            });
        }
    }

    fn seal(&mut self, task_id: TaskId, file: FileId) {
        if let Some(running) = self.files.get(&file) {
            let home = Arc::clone(&running.file.home);
            let flushed = running.journal.flush();
            self.answer(task_id, async move {
                let journal_len = flushed.await?;
                home.seal(journal_len).await.map(|()| Answer::Sealed)
            });
        }
    }

    fn hash(&mut self, task_id: TaskId, file: FileId, range: ByteRange, chunks: bool) {
        let Some(running) = self.files.get(&file) else { return };
        let part = Arc::clone(&running.file.part);
        let digest = Arc::clone(&running.digest);
        let spec = &running.file.spec;
        let begin = Hasher::new(spec.digest, spec.size, chunks);
        let work = digest::hash(self.disk.clone(), part, digest, begin, spec.size, range);
        self.answer(task_id, work);
    }

    fn order(&mut self, id: RequestId, order: Order) {
        if let Some(orders) = self.requests.get(&id) {
            // There is room for one of each; a request that is gone has closed already.
            let _ = orders.try_send(order);
        }
    }

    fn answer(
        &mut self,
        task_id: TaskId,
        work: impl Future<Output = Result<Answer, Fault>> + Send + 'static,
    ) {
        while self.tasks.try_join_next().is_some() {}
        let inputs = self.inputs.clone();
        self.tasks.spawn(async move {
            let answer = work.await;
            // The driver is gone when the machine has ended; then nobody waits for this.
            let _ = inputs.send(Input::Answer(task_id, answer)).await;
        });
    }
}

async fn cancelled(cancel: &mut watch::Receiver<bool>) {
    if cancel.wait_for(|is_cancelled| *is_cancelled).await.is_err() {
        // Nobody is left who could cancel.
        std::future::pending::<()>().await;
    }
}

/// All inputs go through one channel of this length: bodies wait when the machine is behind.
const INPUTS_MAX: usize = 256;
/// A request hears at most one order of each kind.
const ORDERS_MAX: usize = 3;
