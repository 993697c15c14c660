//! Answers: what a head means for its request, and the one stream where ranges are ignored.
//!
//! Whether a head is good is decided in [`verify`](crate::verify).

use super::file::File;
use super::{AbortReason, Open, Transfer};
use crate::action::{Action, RequestId, Route};
use crate::event::Event;
use crate::fault::Fault;
use crate::hub::head::Head;
use crate::manifest::FileId;
use crate::range::ByteRange;
use crate::range_set::RangeSet;
use crate::time::Instant;
use crate::verify::{Expected, Promise, Verdict, check_head, is_worth_streaming};
use url::Url;

impl Transfer {
    pub(super) fn judge_head(&mut self, id: RequestId, head: &Head) {
        let Some(open) = self.in_flight.requests.get(&id) else { return };
        let (file_id, asked) = (open.file, open.asked);
        let Some(file) = self.files.get(&file_id) else { return };
        let (is_whole, url) = match &open.route {
            Route::Http { url, whole } => (*whole, Some(url)),
            Route::Xet { .. } => (false, None),
        };
        let validator = url.and_then(|url| file.validators.get(&host_of(url)));
        let expected = Expected {
            asked: (!is_whole).then_some(asked),
            size: file.spec.size,
            digest: file.spec.digest,
            xet: file.spec.xet,
            validator: validator.map(String::as_str),
        };
        let verdict = check_head(&expected, head);
        match verdict.promise().filter(|_| file.pins_validator()) {
            Some(promise) if promise.names_other => {
                self.abort(id, AbortReason::Fault(Fault::Changed));
            }
            Some(promise) if promise.differs => self.hold(id, verdict),
            Some(_) | None => self.take(id, verdict),
        }
    }

    /// Another version, or an edge that has its own ETags: the hub knows which. Until it has said
    /// so the body waits unread, and costs nothing.
    fn hold(&mut self, id: RequestId, verdict: Verdict) {
        self.on_link_alive();
        let Some(open) = self.in_flight.requests.get_mut(&id) else { return };
        let file_id = open.file;
        open.held = Some(verdict);
        let is_asked = self.files.get(&file_id).is_some_and(|file| file.lease.is_renewing());
        if !is_asked {
            self.ask_about(file_id);
        }
    }

    /// Asks the hub what a file is now. While it wants a pause nothing can be found out, and what
    /// waits for that is asked for again afterwards.
    fn ask_about(&mut self, file_id: FileId) {
        let is_closed =
            self.hub.as_ref().is_some_and(|hub| self.link.throttle.is_closed(hub, self.now));
        if is_closed {
            self.end_held(file_id, self.now, &AbortReason::Fault(Fault::Changed));
        } else {
            self.locate(file_id);
        }
    }

    /// The hub, asked at `asked`, says that the file is what it was: what waited since before that
    /// is taken, and for what came later it is asked again.
    pub(super) fn release_held(&mut self, file_id: FileId, asked: Instant) {
        let (held, later) = self.held(file_id, asked);
        for id in held {
            if let Some(verdict) =
                self.in_flight.requests.get_mut(&id).and_then(|open| open.held.take())
            {
                self.take(id, verdict);
            }
        }
        if !later.is_empty() {
            self.ask_about(file_id);
        }
    }

    /// The hub, asked at `asked`, does not say what the file is: what waits for that is ended.
    pub(super) fn end_held(&mut self, file_id: FileId, asked: Instant, why: &AbortReason) {
        let (held, later) = self.held(file_id, asked);
        for id in held.into_iter().chain(later) {
            self.abort(id, why.clone());
        }
    }

    /// The requests of a file that wait for the hub: since before `asked`, and since later.
    fn held(&self, file_id: FileId, asked: Instant) -> (Vec<RequestId>, Vec<RequestId>) {
        let held = self.in_flight.requests.iter().filter(|(_, open)| {
            open.file == file_id && open.held.is_some() && open.aborted.is_none()
        });
        let (before, later): (Vec<_>, Vec<_>) =
            held.partition(|(_, open)| open.quiet_since <= asked);
        let ids = |them: Vec<(&RequestId, &Open)>| them.into_iter().map(|(id, _)| *id).collect();
        (ids(before), ids(later))
    }

    /// What a good head promises is read.
    fn take(&mut self, id: RequestId, verdict: Verdict) {
        if self.in_flight.requests.get(&id).is_none_or(|open| open.aborted.is_some()) {
            return;
        }
        match verdict {
            Verdict::Range(promise) => {
                let asked = self.accept(id, promise);
                self.receive(id, asked.start, vec![asked]);
            }
            Verdict::Whole { promise, gzip } => self.accept_whole(id, promise, gzip),
            Verdict::Fault(fault) => self.abort(id, AbortReason::Fault(fault)),
        }
    }

    /// Notes what a head promises, and says which bytes it was asked for.
    fn accept(&mut self, id: RequestId, promise: Promise) -> ByteRange {
        self.link.window.on_good_answer(self.now);
        self.on_link_alive();
        let nothing = ByteRange::new(0, 0);
        let Some(open) = self.in_flight.requests.get(&id) else { return nothing };
        let Some(file) = self.files.get_mut(&open.file) else { return nothing };
        file.lease.on_accepted();
        file.stream = None;
        file.ignored = 0;
        if promise.differs || promise.names_other || promise.is_vague {
            file.suspect.insert(open.asked);
        }
        if promise.is_named && !std::mem::replace(&mut file.is_named, true) {
            self.out.tell(Event::Named { file: open.file });
        }
        if let (true, Some(validator), Route::Http { url, .. }) =
            (file.pins_validator(), promise.validator, &open.route)
        {
            file.validators.insert(host_of(url), validator);
        }
        open.asked
    }

    /// The range was ignored. The one stream that comes instead serves everything that no good
    /// request is bringing already, unless asking again is likely to be cheaper.
    fn accept_whole(&mut self, id: RequestId, promise: Promise, gzip: bool) {
        let Some(open) = self.in_flight.requests.get_mut(&id) else { return };
        let (file_id, is_asked_for) =
            (open.file, matches!(open.route, Route::Http { whole: true, .. }));
        open.is_packed = gzip;
        let Some(file) = self.files.get_mut(&file_id) else { return };
        file.ignored += 1;
        let is_streaming =
            file.stream.is_some_and(|stream| self.in_flight.requests.contains_key(&stream));
        if is_streaming {
            self.abort(id, AbortReason::Surplus);
            return;
        }
        let ignored = file.ignored;
        let (gaps, size) = (self.gaps_for_stream(file_id), self.size_of(file_id));
        if !is_asked_for && !is_worth_streaming(&gaps, size, ignored) {
            self.abort(id, AbortReason::Fault(Fault::RangeIgnored));
            return;
        }
        self.accept(id, promise);
        if let Some(file) = self.files.get_mut(&file_id) {
            (file.stream, file.ignored) = (Some(id), ignored);
        }
        self.out.tell(Event::NoRanges { file: file_id });
        self.end_unanswered(file_id, id);
        self.start_stream(file_id);
    }

    /// Reads the one stream of a file, once no ended request can write there any more.
    pub(super) fn start_stream(&mut self, file_id: FileId) {
        let Some(id) = self.files.get(&file_id).and_then(|file| file.stream) else { return };
        let is_waiting = self.in_flight.requests.get(&id).is_some_and(|open| !open.receiving);
        let mut others = self.in_flight.requests.iter().filter(|(other, open)| {
            **other != id && open.file == file_id && open.aborted.is_some()
        });
        if !is_waiting || others.next().is_some() {
            return;
        }
        let gaps = self.gaps_for_stream(file_id);
        if let (Some(file), Some(open)) =
            (self.files.get_mut(&file_id), self.in_flight.requests.get_mut(&id))
        {
            gaps.iter().for_each(|gap| file.reserved.insert(gap));
            open.reserved = gaps.clone();
        }
        self.receive(id, 0, gaps.iter().collect());
    }

    /// What a stream of the whole file is to bring: all that is missing and that no good request
    /// is bringing.
    fn gaps_for_stream(&self, file_id: FileId) -> RangeSet {
        let good =
            self.in_flight.requests.values().filter(|open| open.file == file_id && open.receiving);
        let brought: RangeSet = good.flat_map(|open| open.reserved.iter()).collect();
        let missing = self.files.get(&file_id).map(File::missing).unwrap_or_default();
        missing.iter().flat_map(|range| brought.gaps(range).collect::<Vec<_>>()).collect()
    }

    fn size_of(&self, file: FileId) -> u64 {
        self.files.get(&file).map_or(0, |file| file.spec.size)
    }

    /// Ends the requests for a file that have no answer yet: each would bring the same stream.
    fn end_unanswered(&mut self, file: FileId, but: RequestId) {
        let is_unanswered = |(id, open): &(&RequestId, &Open)| {
            **id != but && open.file == file && !open.receiving && open.aborted.is_none()
        };
        let surplus: Vec<RequestId> =
            self.in_flight.requests.iter().filter(is_unanswered).map(|(id, _)| *id).collect();
        for id in surplus {
            self.abort(id, AbortReason::Surplus);
        }
    }

    fn receive(&mut self, id: RequestId, body_start: u64, gaps: Vec<ByteRange>) {
        let Some(open) = self.in_flight.requests.get_mut(&id) else { return };
        (open.receiving, open.quiet_since) = (true, self.now);
        let gunzip = open.is_packed;
        let compare = self.files.get(&open.file).is_some_and(|file| file.repair.is_some());
        self.out.act(Action::Receive { id, body_start, gaps, compare, gunzip });
    }
}

/// What an ETag is compared within: scheme, host and port.
fn host_of(url: &Url) -> String {
    url.origin().ascii_serialization()
}
