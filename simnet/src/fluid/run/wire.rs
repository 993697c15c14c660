//! What happens to requests: connecting, heads, bodies piece by piece, and how they end.
//!
//! The link decides what passes, the hub what it is.

use engine::action::{Close, RequestId, Written};
use engine::fault::{DiskFault, Fault};
use engine::range::ByteRange;
use engine::time::{Duration, Instant};

use super::{Run, THINK};
use crate::fluid::agenda::Plan;
use crate::fluid::exchange::{Exchange, WINDOW};
use crate::fluid::hub::{Asked, Cut};
use crate::fluid::judge::{Host, Rule, vain_max};
use crate::fluid::tally::Sometimes;
use crate::fluid::writer::Writer;
use crate::link::{Connection, Sent};
use crate::recording::What;

impl Run<'_> {
    pub(super) fn request(
        &mut self,
        id: RequestId,
        file: u32,
        url: usize,
        range: ByteRange,
        is_whole: bool,
    ) {
        self.judge.on_ask(Host::Storage, id.0, self.now);
        self.judge.on_request(id, file, range, url, self.now);
        let is_there = self.part(file).shadow.proven().intersects(range);
        if self.session > 0 && !self.part(file).shadow.proven().is_empty() {
            self.judge.check(!is_there, Rule::E4, self.now, || format!("{range} is there already"));
        }
        let (connection, is_reused) = self.connect();
        let begins = self.cross(self.now);
        let one_way = self.link.one_way();
        let (at, plan) = match (&connection, is_reused) {
            (None, _) => (begins + one_way * 2, Plan::Refused(id)),
            (Some(_), true) => (begins + self.link.reuse() + one_way, Plan::Asked(id)),
            (Some(_), false) => (begins + self.link.setup() + one_way, Plan::Asked(id)),
        };
        self.plan(at, plan);
        let exchange = Exchange {
            file,
            url,
            range,
            is_whole,
            connection,
            is_reused,
            reply: None,
            sent: 0,
            sent_until: self.now,
            is_waiting: false,
            unread: 0,
            arrived: 0,
            unheard: 0,
            writer: None,
            is_headed: false,
            is_aborting: false,
            broken: None,
            is_break_missed: false,
            dead_since: None,
        };
        self.exchanges.insert(id, exchange);
        let (open, max) = (self.exchanges.len(), self.world.config.workers_max as usize + PROBES);
        self.judge.check(open <= max, Rule::S9, self.now, || format!("{open} requests open"));
        self.log.record(self.now, || What::Open { worker: id.0, range: Some(range) });
    }

    /// A connection that an earlier request left, or a new one; and whether it was used before.
    fn connect(&mut self) -> (Option<Connection>, bool) {
        while self.idle.first().is_some_and(|(_, since)| self.now.since(*since) > IDLE) {
            let (connection, _) = self.idle.remove(0);
            self.link.close(&connection, self.now);
        }
        match self.idle.pop() {
            Some((connection, _)) => (Some(connection), true),
            None => (self.link.open(self.now).ok(), false),
        }
    }

    pub(super) fn on_refused(&mut self, id: RequestId) {
        self.judge.tally.count(Sometimes::ConnectionRefused);
        self.close(id, &Close::Failed(Fault::Refused));
    }

    pub(super) fn on_asked(&mut self, id: RequestId) {
        let now = self.now;
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        let Some(connection) = &mut exchange.connection else { return };
        if !self.link.is_alive(connection, now) {
            exchange.dead_since = Some(now);
            self.deaths += 1;
            return;
        }
        if exchange.is_reused {
            self.judge.tally.count(Sometimes::Reused);
        }
        let asked = Asked {
            file: exchange.file,
            url: exchange.url,
            range: exchange.range,
            size: self.world.files[exchange.file as usize],
            is_whole: exchange.is_whole,
        };
        exchange.reply = Some(self.hub.answer(self.world, &asked, now));
        self.pass(id, HEAD_LEN, Plan::Headed(id));
    }

    /// The server sends `len` bytes, which will be heard of as `plan`.
    fn pass(&mut self, id: RequestId, len: u64, plan: Plan) {
        let now = self.now;
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        let Some(connection) = &mut exchange.connection else { return };
        match self.link.send(connection, len, now) {
            Sent::Passes { next, passed } => {
                let arrives = passed + self.link.one_way();
                exchange.sent_until = passed;
                let is_more = exchange.left() > 0 || exchange.cut().is_some();
                let next = if plan == Plan::Headed(id) { next + THINK } else { next };
                self.plan(arrives, plan);
                if is_more {
                    self.plan(next, Plan::Send(id));
                }
            }
            Sent::Reset { at } => {
                exchange.broken = Some(Fault::Reset);
                self.judge.tally.count(Sometimes::Reset);
                let heard = at + self.link.one_way();
                self.plan(heard, Plan::Broken(id));
            }
            Sent::Dies => {
                // What is in the bottleneck's buffer still comes.
                exchange.dead_since = Some(now.max(exchange.sent_until));
                self.deaths += 1;
                self.judge.tally.count(Sometimes::SilentDeath);
                let nat_after = self.world.profile.nat_after;
                let lasted = self.judge.outages_between(exchange.sent_until, self.cross(now));
                if nat_after.is_some_and(|after| lasted > after) {
                    self.judge.tally.count(Sometimes::OutageOutlivedNat);
                }
            }
        }
    }

    pub(super) fn on_send(&mut self, id: RequestId) {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        let Some(connection) = &exchange.connection else { return };
        let left = exchange.left();
        if exchange.unread >= WINDOW {
            exchange.is_waiting = true;
        } else if left > 0 {
            let len = self.link.quantum(connection).max(self.world.piece_min).min(left);
            exchange.sent += len;
            self.pass(id, len, Plan::Arrived(id, len));
        } else if let Some(cut) = exchange.cut() {
            let heard = exchange.sent_until.max(self.now) + self.link.one_way();
            match cut {
                Cut::Fin => exchange.broken = Some(Fault::Cut),
                Cut::Reset => exchange.broken = Some(Fault::Reset),
                Cut::Stall => {
                    exchange.dead_since = Some(self.now.max(exchange.sent_until));
                    self.deaths += 1;
                }
            }
            if exchange.broken.is_some() {
                self.plan(heard, Plan::Broken(id));
            }
        }
    }

    pub(super) fn on_headed(&mut self, id: RequestId) {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        let (Some(reply), false) = (&exchange.reply, exchange.is_aborting) else { return };
        exchange.is_headed = true;
        let (what, head) = (reply.what, reply.head.clone());
        let (file, url) = (exchange.file, exchange.url);
        self.judge.on_etag(file, head.header("etag"));
        if head.is_html() {
            self.judge.tally.count(Sometimes::Portal);
        }
        let is_foreign = !reply.content.foreign.is_empty();
        self.judge.on_head(what, url, is_foreign);
        self.input(3, id.0, |transfer, now| transfer.handle_head(id, &head, now));
    }

    pub(super) fn receive(
        &mut self,
        id: RequestId,
        body_start: u64,
        gaps: Vec<ByteRange>,
        compare: bool,
    ) {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        let Some(reply) = &exchange.reply else { return };
        let is_foreign = !reply.content.foreign.is_empty();
        let size = self.world.files[exchange.file as usize];
        self.judge.on_receive(id, reply.what, is_foreign, (size, &gaps), self.now);
        exchange.writer = Some(Writer::new(body_start, gaps, compare, self.now));
        let is_break_due = exchange.is_break_missed;
        // Reading begins when the machine has been heard out.
        self.plan(self.now, Plan::Arrived(id, 0));
        if is_break_due {
            self.plan(self.now, Plan::Broken(id));
        }
    }

    pub(super) fn on_arrived(&mut self, id: RequestId, len: u64) {
        self.judge.economy.wire += len;
        if len > 0 {
            let reply = self.exchanges.get(&id).and_then(|exchange| exchange.reply.as_ref());
            let is_content = reply.is_some_and(|reply| reply.what.is_content());
            self.judge.on_arrival(id, is_content, self.world, self.now);
            self.log.record(self.now, || What::Bytes { worker: id.0, len });
        }
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        if exchange.is_aborting {
            exchange.unheard += len;
            return;
        }
        exchange.arrived += len;
        exchange.unread += len;
        let is_behind = exchange.unread > len;
        if exchange.writer.is_none() {
            return;
        }
        let read = std::mem::take(&mut exchange.unread);
        if std::mem::take(&mut exchange.is_waiting) && is_behind {
            self.plan(self.now, Plan::Send(id));
        }
        if read > 0 {
            self.read(id, read);
        }
    }

    /// Bytes that are wanted go to their place.
    fn read(&mut self, id: RequestId, len: u64) {
        let now = self.now;
        let (wrote, flush_at) = {
            let Some(exchange) = self.exchanges.get_mut(&id) else { return };
            let (Some(writer), Some(reply)) = (&mut exchange.writer, &exchange.reply) else {
                return;
            };
            let before = writer.flush_at();
            let part = &mut self.parts[exchange.file as usize];
            let wrote = writer.take(len, &reply.content, part, now);
            (wrote, writer.flush_at().filter(|at| Some(*at) != before))
        };
        self.input(4, len, |transfer, now| transfer.handle_bytes(id, len, now));
        if !self.report(id, &wrote) {
            return;
        }
        if let Some(at) = flush_at {
            self.plan(at, Plan::Flush(id, at));
        }
        let writer = self.exchanges.get(&id).and_then(|exchange| exchange.writer.as_ref());
        if writer.is_some_and(Writer::is_done) {
            self.close(id, &Close::Done);
        }
    }

    /// Tells what was written; false if the disk had no room for it, and the request ended.
    fn report(&mut self, id: RequestId, wrote: &[Written]) -> bool {
        if wrote.is_empty() {
            return true;
        }
        let total: u64 = self.parts.iter().map(|part| part.written).sum();
        let is_full = self.world.disk_full.is_some_and(|full| total >= full.at);
        if is_full && !self.had_space_again {
            let file = self.exchanges.get(&id).map_or(0, |exchange| exchange.file);
            let shadow = &self.parts[file as usize].shadow;
            let gaps = wrote.iter().flat_map(|it| shadow.proven().gaps(it.range));
            self.judge.economy.lost += gaps.map(ByteRange::len).sum::<u64>();
            if let Some(writer) =
                self.exchanges.get_mut(&id).and_then(|exchange| exchange.writer.as_mut())
            {
                writer.drop_buffer();
            }
            self.close(id, &Close::Failed(Fault::Disk(DiskFault::Full)));
            return false;
        }
        for written in wrote {
            let written = *written;
            if written.changed
                && let Some(exchange) = self.exchanges.get(&id)
            {
                self.judge.economy.on_differs(exchange.file, written.range);
            }
            if self.is_dying {
                self.judge.economy.lost += written.range.len();
            }
            self.input(5, written.range.end, |transfer, now| {
                transfer.handle_written(id, &written, now);
            });
        }
        true
    }

    pub(super) fn on_flush(&mut self, id: RequestId, at: Instant) {
        let Some(exchange) = self.exchanges.get(&id) else { return };
        let is_it = exchange.writer.as_ref().is_some_and(|writer| writer.flush_at() == Some(at));
        if is_it && !exchange.is_aborting {
            self.flush(id);
        }
    }

    /// Writes what is buffered; false if the request ended over it.
    fn flush(&mut self, id: RequestId) -> bool {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return false };
        let (Some(writer), Some(reply)) = (&mut exchange.writer, &exchange.reply) else {
            return true;
        };
        let part = &mut self.parts[exchange.file as usize];
        let wrote: Vec<Written> =
            writer.flush(&reply.content, part, self.now).into_iter().collect();
        self.report(id, &wrote)
    }

    pub(super) fn on_broken(&mut self, id: RequestId) {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        // Between the head and the verdict on it nobody listens.
        let is_deaf = exchange.is_headed && exchange.writer.is_none();
        exchange.is_break_missed |= is_deaf;
        if exchange.is_aborting || is_deaf {
            return;
        }
        let fault = exchange.broken.clone().unwrap_or(Fault::Reset);
        self.judge.on_broken(self.now);
        if self.flush(id) {
            self.close(id, &Close::Failed(fault));
        }
    }

    pub(super) fn on_aborted(&mut self, id: RequestId) {
        if self.flush(id) {
            self.close(id, &Close::Aborted);
        }
    }

    /// The one close of a request.
    fn close(&mut self, id: RequestId, close: &Close) {
        let Some(exchange) = self.exchanges.remove(&id) else { return };
        let is_good = *close == Close::Done;
        self.log.record(self.now, || What::Close { worker: id.0, how: how(close) });
        if let Some(reply) = &exchange.reply {
            let kept = exchange.writer.as_ref().map_or(0, Writer::kept);
            let stranded = exchange.sent - if reply.what.is_content() { kept } else { 0 };
            self.judge.economy.on_stranded(self.world, stranded);
        }
        let has_kept = exchange.writer.as_ref().is_some_and(|writer| writer.kept() > 0);
        self.judge.on_tried(exchange.file, !has_kept, self.now);
        let in_vain = self.judge.economy.on_ended(exchange.arrived == 0, self.now);
        if in_vain > 0 {
            let now = self.now;
            self.judge.spend((in_vain, vain_max(self.world)), Rule::E2, now, || {
                format!("{in_vain} in vain in 10 s")
            });
        }
        if let Some(reply) = exchange.reply.as_ref().filter(|_| exchange.is_headed) {
            let of = (exchange.file, exchange.url);
            self.judge.on_heard(reply.what, reply.head.retry_after(), of, self.now);
        }
        let patience = self.world.config.stall_after;
        let late = self.link.one_way();
        self.judge.on_close(id, exchange.dead_since, patience, late, self.now);
        let is_reusable = is_good && exchange.is_drained();
        if let Some(connection) = exchange.connection {
            if is_reusable {
                self.idle.push((connection, self.now));
            } else {
                self.link.close(&connection, self.now);
            }
        }
        self.input(6, id.0, |transfer, now| transfer.handle_close(id, close, now));
    }

    /// All connections end with the process.
    pub(super) fn hang_up(&mut self) {
        let open = std::mem::take(&mut self.exchanges);
        let idle = std::mem::take(&mut self.idle).into_iter().map(|(connection, _)| connection);
        for connection in open.into_values().filter_map(|it| it.connection).chain(idle) {
            self.link.close(&connection, self.now);
        }
    }
}

fn how(close: &Close) -> String {
    match close {
        Close::Done => "done".to_owned(),
        Close::Aborted => "aborted".to_owned(),
        Close::Failed(fault) => fault.kind().to_owned(),
    }
}

/// A probe goes out beside the silent ones, however many those are. When a late byte calls the
/// link good, it becomes one of them, and the next may go out beside it.
const PROBES: usize = 4;
/// A connection that nobody uses is closed after this.
const IDLE: Duration = Duration::from_secs(20);
/// About what a head takes.
const HEAD_LEN: u64 = 600;
