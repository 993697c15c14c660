//! One response on its way to the socket: where its body begins, and what happens to it on the way.
//!
//! It says how much of a buffer may be written next and judges what was written; it changes no
//! byte, and writes nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::fault::{Cut, Trigger, WireFault};
use crate::mark::Mark;
use crate::rule::book::ArmedRule;
use crate::stats::OpenRecord;

/// A response that hyper is about to write, or is writing.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// Consecutive bytes of the blank line that ends the head, seen so far; 4 means it is over.
    head_end: usize,
    body_sent: u64,
    body_len: u64,
    fault: Option<(WireFault, Arc<ArmedRule>)>,
    /// Where the body is damaged, if it is.
    mark: Option<Arc<Mark>>,
    is_fired: bool,
    record: OpenRecord,
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
        rule: Option<Arc<ArmedRule>>,
        mark: Option<Arc<Mark>>,
        record: OpenRecord,
    ) -> Self {
        let fault = rule.and_then(|rule| Some((rule.fault().on_wire()?, rule)));
        Self { head_end: 0, body_sent: 0, body_len, fault, mark, is_fired: false, record }
    }

    /// Whether everything was written.
    pub(crate) fn is_done(&self) -> bool {
        self.is_body() && self.body_sent == self.body_len
    }

    pub(crate) fn record(&self) -> &OpenRecord {
        &self.record
    }

    /// How much of `buffer` to write next.
    pub(crate) fn step(&self, buffer: &[u8]) -> usize {
        let len = if self.is_body() {
            buffer.len().min((self.body_len - self.body_sent).try_into().unwrap_or(usize::MAX))
        } else {
            scan_head(self.head_end, buffer).0
        };
        match &self.fault {
            None => len,
            Some((WireFault::SlowLoris { .. }, _)) => len.min(1),
            Some((WireFault::Cut { trigger, .. }, rule)) => self.limit(len, *trigger, rule),
            Some((WireFault::Stall { after, .. }, rule)) => {
                self.limit(len, Trigger::After(*after), rule)
            }
        }
    }

    /// Notes the bytes that the socket took.
    pub(crate) fn on_sent(&mut self, bytes: &[u8]) -> Option<Event> {
        if self.is_body() {
            self.body_sent += bytes.len() as u64;
            self.record.count_body(bytes.len() as u64);
            if let Some(kind) = self.mark.as_ref().and_then(|mark| mark.on_sent(self.body_sent)) {
                self.record.record.fault = Some(kind.to_owned());
            }
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
    let (mut seen, mut at) = (seen, 0);
    while let Some(byte) = bytes.get(at) {
        at += 1;
        seen = match *byte == HEAD_END[seen] {
            true => seen + 1,
            false => usize::from(*byte == HEAD_END[0]),
        };
        if seen == HEAD_END.len() {
            return (at, seen);
        }
        // Each byte is asked about twice: four in a row are not the end if the last of them is
        // none of its bytes.
        while seen == 0 && bytes.get(at + 3).is_some_and(|byte| !HEAD_END.contains(byte)) {
            at += 4;
        }
    }
    (bytes.len(), seen)
}

const HEAD_END: &[u8; 4] = b"\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Route;
    use crate::rule::book::RuleBook;
    use crate::rule::{Rule, Seen};
    use crate::stats::{RequestRecord, Tally};

    const HEAD: &[u8] = b"HTTP/1.1 206 Partial Content\r\nA: b\r\n\r\n";
    const BODY: &[u8] = b"0123456789";

    /// A delivery of [`BODY`].
    fn delivery(rule: &str) -> Delivery {
        let rule: Rule = rule.parse().unwrap();
        let seen = Seen {
            route: Route::Cdn,
            method: "GET",
            path: "f".to_owned(),
            spans: Vec::new(),
            connection: 1,
            served: 0,
        };
        let record = RequestRecord { status: 206, ..RequestRecord::of(Route::Cdn) };
        let record = Arc::new(Tally::default()).begin(record, false);
        let rule = RuleBook::new(vec![rule], 0).choose(&seen);
        Delivery::new(BODY.len() as u64, rule, None, record)
    }

    /// What arrives if every write takes at most `step` bytes, and the event that ended it.
    fn run(rule: &str, step: usize) -> (String, Option<Event>) {
        let mut delivery = delivery(rule);
        let stream = [HEAD, BODY].concat();
        let mut out = Vec::new();
        let mut event = None;
        while !delivery.is_done() && event.is_none() {
            let len = delivery.step(&stream[out.len()..]).min(step);
            let bytes = &stream[out.len()..out.len() + len];
            out.extend_from_slice(bytes);
            event = delivery.on_sent(bytes);
        }
        let body = out.split_off(HEAD.len());
        assert_eq!(out, HEAD);
        (String::from_utf8(body).unwrap(), event)
    }

    #[test]
    fn a_head_ends_with_the_first_blank_line() {
        let heads = ["\r\n\r\n", "a\r\n\r\n", "ab: \r\r\n\n\r\n\r\n", "a: b\r\nc: d\r\n\r\n"];
        for (head, body) in heads.iter().flat_map(|head| (0..6).map(move |len| (head, len))) {
            let stream = format!("{head}{}", &"\r\n\r\nabc"[..body]);
            for cut in 0..head.len() {
                let (first, second) = stream.as_bytes().split_at(cut);
                let (len, seen) = scan_head(0, first);
                assert_eq!(len, cut, "{stream:?} cut at {cut}");
                assert_eq!(scan_head(seen, second), (head.len() - cut, 4), "{stream:?} at {cut}");
            }
        }
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
        ];
        for (rule, expected, event) in table {
            for step in [1, 2, 3, 7, 100] {
                let outcome = run(rule, step);
                assert_eq!(outcome, (expected.to_owned(), event), "{rule} by {step}");
            }
        }
    }
}
