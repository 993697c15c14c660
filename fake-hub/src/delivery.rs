//! One response on its way to the socket: where its body begins, and the lie told on the way.
//!
//! It says how much of a buffer may be written next and judges what was written; it writes nothing.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::fault::{Cut, Trigger, WireFault};
use crate::reply::BodyParts;
use crate::rule::book::ArmedRule;
use crate::stats::OpenRecord;

/// A response that hyper is about to write, or is writing.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// Consecutive bytes of the blank line that ends the head, seen so far; 4 means it is over.
    head_end: usize,
    body_sent: u64,
    body_len: u64,
    /// What of the body is the file's.
    parts: BodyParts,
    fault: Option<(WireFault, Arc<ArmedRule>)>,
    is_fired: bool,
    record: OpenRecord,
}

/// What to write next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// This many bytes as they are.
    Write(usize),
    /// These bytes in place of as many of the buffer's.
    Replace(Vec<u8>),
}

/// What has to happen after a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// Nothing is written for this long, or ever again.
    Hold(Option<Duration>),
    /// The connection ends.
    Cut(Cut),
}

impl Delivery {
    pub(crate) fn new(
        body_len: u64,
        parts: BodyParts,
        rule: Option<Arc<ArmedRule>>,
        record: OpenRecord,
    ) -> Self {
        let fault = rule.and_then(|rule| Some((rule.fault().on_wire()?, rule)));
        Self { head_end: 0, body_sent: 0, body_len, parts, fault, is_fired: false, record }
    }

    /// Whether everything was written.
    pub(crate) fn is_done(&self) -> bool {
        self.is_body() && self.body_sent == self.body_len
    }

    pub(crate) fn record(&self) -> &OpenRecord {
        &self.record
    }

    /// How much of `buffer`, and in which form, to write next.
    pub(crate) fn step(&mut self, buffer: &[u8]) -> Step {
        let len = if self.is_body() {
            buffer.len().min((self.body_len - self.body_sent).try_into().unwrap_or(usize::MAX))
        } else {
            scan_head(self.head_end, buffer).0
        };
        let Some((fault, rule)) = self.fault.clone() else {
            return Step::Write(len);
        };
        match fault {
            WireFault::SlowLoris { .. } => Step::Write(len.min(1)),
            WireFault::Cut { trigger, .. } => Step::Write(self.limit(len, trigger, &rule)),
            WireFault::Stall { after, .. } => {
                Step::Write(self.limit(len, Trigger::After(after), &rule))
            }
            WireFault::Flip { bit } => {
                let flip = |byte: &u8| byte ^ (1 << bit);
                self.damage(&buffer[..len], &rule, 1, |bytes| bytes.iter().map(flip).collect())
            }
            WireFault::ZeroFill { len: hole } => {
                self.damage(&buffer[..len], &rule, hole, |bytes| vec![0; bytes.len()])
            }
        }
    }

    /// Notes the bytes that the socket took.
    pub(crate) fn on_sent(&mut self, bytes: &[u8]) -> Option<Event> {
        if self.is_body() {
            self.body_sent += bytes.len() as u64;
            self.record.count_body(bytes.len() as u64);
        } else {
            self.head_end = scan_head(self.head_end, bytes).1;
        }
        let (fault, rule) = self.fault.clone()?;
        match fault {
            WireFault::SlowLoris { interval } => {
                self.fire_once(&rule).then_some(Event::Hold(Some(interval)))
            }
            WireFault::Cut { cut, trigger } => {
                self.is_reached(trigger, bytes.len(), &rule).then_some(Event::Cut(cut))
            }
            WireFault::Stall { after, lasting } => self
                .is_reached(Trigger::After(after), bytes.len(), &rule)
                .then_some(Event::Hold(lasting)),
            WireFault::Flip { .. } | WireFault::ZeroFill { .. } => None,
        }
    }

    fn is_body(&self) -> bool {
        self.head_end == HEAD_END.len()
    }

    /// Stops a write exactly where the trigger is.
    fn limit(&self, len: usize, trigger: Trigger, rule: &ArmedRule) -> usize {
        if !self.is_body() {
            return len;
        }
        let left = match trigger {
            Trigger::After(after) if after > self.body_sent => after - self.body_sent,
            Trigger::After(_) => return len,
            Trigger::Every(every) => rule.until_next(every),
        };
        len.min(left.try_into().unwrap_or(usize::MAX))
    }

    /// Whether the last write, of `len` bytes, has reached the trigger, and the budget allows it.
    fn is_reached(&mut self, trigger: Trigger, len: usize, rule: &ArmedRule) -> bool {
        let is_there = match trigger {
            _ if !self.is_body() => false,
            Trigger::After(after) => self.body_sent == after && !self.is_fired,
            // The head's end is no body byte.
            Trigger::Every(_) if self.body_sent == 0 => false,
            Trigger::Every(every) => rule.count_served(len as u64, every),
        };
        is_there && rule.try_fire() && self.note_fired(rule)
    }

    /// Changes the bytes of the file from the rule's offset on, for `span` bytes.
    fn damage(
        &mut self,
        bytes: &[u8],
        rule: &ArmedRule,
        span: u64,
        change: impl FnOnce(&[u8]) -> Vec<u8>,
    ) -> Step {
        if !self.is_body() {
            return Step::Write(bytes.len());
        }
        let (offset, count) = self.parts.locate(self.body_sent);
        let bytes = &bytes[..bytes.len().min(count.try_into().unwrap_or(usize::MAX))];
        let Some(offset) = offset else {
            return Step::Write(bytes.len());
        };
        let start = rule.rule.at.unwrap_or(0);
        let bad: Range<u64> = start..start.saturating_add(span);
        let up_to = |end: u64| bytes.len().min((end - offset).try_into().unwrap_or(usize::MAX));
        if offset < bad.start {
            Step::Write(up_to(bad.start))
        } else if offset < bad.end && self.fire_once(rule) {
            Step::Replace(change(&bytes[..up_to(bad.end)]))
        } else {
            Step::Write(bytes.len())
        }
    }

    /// Whether the fault is on for this response; takes from the budget the first time only.
    fn fire_once(&mut self, rule: &ArmedRule) -> bool {
        self.is_fired || (rule.try_fire() && self.note_fired(rule))
    }

    fn note_fired(&mut self, rule: &ArmedRule) -> bool {
        self.is_fired = true;
        self.record.record.fault = Some(rule.kind().to_owned());
        true
    }
}

/// How many of `bytes` belong to the head, and how much of its end has been seen after them.
fn scan_head(seen: usize, bytes: &[u8]) -> (usize, usize) {
    let mut seen = seen;
    for (index, byte) in bytes.iter().enumerate() {
        seen = match *byte == HEAD_END[seen] {
            true => seen + 1,
            false => usize::from(*byte == HEAD_END[0]),
        };
        if seen == HEAD_END.len() {
            return (index + 1, seen);
        }
    }
    (bytes.len(), seen)
}

const HEAD_END: &[u8; 4] = b"\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::book::RuleBook;
    use crate::rule::{Rule, Seen};
    use crate::stats::{RequestRecord, Tally};
    use crate::target::Route;

    const HEAD: &[u8] = b"HTTP/1.1 206 Partial Content\r\nA: b\r\n\r\n";
    const BODY: &[u8] = b"0123456789";

    /// A delivery of [`BODY`], which begins at byte 100 of its file.
    fn delivery(rule: &str) -> Delivery {
        let rule: Rule = rule.parse().unwrap();
        let seen = Seen {
            route: Route::Cdn,
            method: "GET",
            path: "f".to_owned(),
            spans: vec![100..105, 105..110],
            connection: 1,
            served: 0,
        };
        let record = RequestRecord {
            time_ms: 0,
            method: "GET".to_owned(),
            host: String::new(),
            path: String::new(),
            route: Route::Cdn,
            file: None,
            range: None,
            status: 206,
            body_bytes: 0,
            connection: 1,
            is_authorized: false,
            fault: None,
        };
        let record = Arc::new(Tally::default()).begin(record, false);
        let rule = RuleBook::new(vec![rule], 0).choose(&seen);
        Delivery::new(BODY.len() as u64, BodyParts::from(100), rule, record)
    }

    /// What arrives if every write takes at most `step` bytes, and the event that ended it.
    fn run(rule: &str, step: usize) -> (String, Option<Event>) {
        let mut delivery = delivery(rule);
        let stream = [HEAD, BODY].concat();
        let mut out = Vec::new();
        let mut event = None;
        while !delivery.is_done() && event.is_none() {
            let bytes = match delivery.step(&stream[out.len()..]) {
                Step::Write(len) => stream[out.len()..out.len() + len].to_vec(),
                Step::Replace(bytes) => bytes,
            };
            let bytes = &bytes[..bytes.len().min(step)];
            out.extend_from_slice(bytes);
            event = delivery.on_sent(bytes);
        }
        let body = out.split_off(HEAD.len());
        assert_eq!(out, HEAD);
        (String::from_utf8(body).unwrap(), event)
    }

    #[test]
    fn faults_do_not_depend_on_how_the_socket_writes() {
        let table = [
            ("gzip", "0123456789", None),
            ("rst after=4", "0123", Some(Event::Cut(Cut::Reset))),
            ("rst after=0", "", Some(Event::Cut(Cut::Reset))),
            ("rst after=10", "0123456789", Some(Event::Cut(Cut::Reset))),
            ("rst after=11", "0123456789", None),
            ("fin every=7", "0123456", Some(Event::Cut(Cut::Close))),
            ("stall after=3", "012", Some(Event::Hold(None))),
            ("flip at=104 bit=0", "0123556789", None),
            ("flip at=104 bit=3", "0123<56789", None),
            ("flip at=110", "0123456789", None),
            ("zero-fill at=102 len=3", "01\x00\x00\x0056789", None),
            ("zero-fill at=108 len=30", "01234567\0\0", None),
        ];
        for (rule, expected, event) in table {
            for step in [1, 2, 3, 7, 100] {
                let outcome = run(rule, step);
                assert_eq!(outcome, (expected.to_owned(), event), "{rule} by {step}");
            }
        }
    }
}
