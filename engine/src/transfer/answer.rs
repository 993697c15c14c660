//! Answers: what a head means for its request, and the one stream where ranges are ignored.
//!
//! Whether a head is good is decided in [`verify`](crate::verify).

use super::file::File;
use super::{Abortion, Open, Transfer};
use crate::action::{Action, RequestId};
use crate::event::Event;
use crate::fault::Fault;
use crate::hub::head::Head;
use crate::manifest::FileId;
use crate::range::ByteRange;
use crate::range_set::RangeSet;
use crate::verify::{Expected, Verdict, check_head, is_worth_streaming};

impl Transfer {
    pub(super) fn judge_head(&mut self, id: RequestId, head: &Head) {
        let Some(open) = self.requests.get(&id) else { return };
        let (file_id, asked) = (open.file, open.asked);
        let Some(file) = self.files.get(&file_id) else { return };
        let expected = Expected {
            asked,
            size: file.spec.size,
            digest: file.spec.digest,
            validator: file.validator.as_deref(),
        };
        match check_head(&expected, head) {
            Verdict::Range { validator } => {
                self.accept(id, validator);
                if let Some(file) = self.files.get_mut(&file_id) {
                    file.ignored = 0;
                }
                self.receive(id, asked.start, vec![asked]);
            }
            Verdict::Whole { validator } => self.accept_whole(id, validator),
            Verdict::Fault(fault) => self.abort(id, Abortion::Fault(fault)),
        }
    }

    fn accept(&mut self, id: RequestId, validator: Option<String>) {
        self.window.on_good_answer(self.now);
        self.on_link_alive();
        let Some(open) = self.requests.get(&id) else { return };
        let Some(file) = self.files.get_mut(&open.file) else { return };
        file.lease.on_accepted();
        file.stream = None;
        if file.pins_validator() && validator.is_some() {
            file.validator = validator;
        }
    }

    /// The range was ignored. The one stream that comes instead serves everything that no good
    /// request is bringing already, unless asking again is likely to be cheaper.
    fn accept_whole(&mut self, id: RequestId, validator: Option<String>) {
        let Some(open) = self.requests.get(&id) else { return };
        let file_id = open.file;
        let Some(file) = self.files.get_mut(&file_id) else { return };
        file.ignored += 1;
        let is_streaming = file.stream.is_some_and(|stream| self.requests.contains_key(&stream));
        if is_streaming {
            self.abort(id, Abortion::Surplus);
            return;
        }
        let ignored = file.ignored;
        let (gaps, size) = (self.gaps_for_stream(file_id), self.size_of(file_id));
        if !is_worth_streaming(&gaps, size, ignored) {
            self.abort(id, Abortion::Fault(Fault::RangeIgnored));
            return;
        }
        self.accept(id, validator);
        if let Some(file) = self.files.get_mut(&file_id) {
            file.stream = Some(id);
        }
        self.events.push_back(Event::NoRanges { file: file_id });
        self.end_unanswered(file_id, id);
        self.start_stream(file_id);
    }

    /// Reads the one stream of a file, once no ended request can write there any more.
    pub(super) fn start_stream(&mut self, file_id: FileId) {
        let Some(id) = self.files.get(&file_id).and_then(|file| file.stream) else { return };
        let is_waiting = self.requests.get(&id).is_some_and(|open| !open.receiving);
        let mut others = self.requests.iter().filter(|(other, open)| {
            **other != id && open.file == file_id && open.aborted.is_some()
        });
        if !is_waiting || others.next().is_some() {
            return;
        }
        let gaps = self.gaps_for_stream(file_id);
        if let (Some(file), Some(open)) = (self.files.get_mut(&file_id), self.requests.get_mut(&id))
        {
            gaps.iter().for_each(|gap| file.claimed.insert(gap));
            open.claimed = gaps.clone();
        }
        self.receive(id, 0, gaps.iter().collect());
    }

    /// What a stream of the whole file is to bring: all that is missing and that no good request
    /// is bringing.
    fn gaps_for_stream(&self, file_id: FileId) -> RangeSet {
        let good = self.requests.values().filter(|open| open.file == file_id && open.receiving);
        let brought: RangeSet = good.flat_map(|open| open.claimed.iter()).collect();
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
            self.requests.iter().filter(is_unanswered).map(|(id, _)| *id).collect();
        for id in surplus {
            self.abort(id, Abortion::Surplus);
        }
    }

    fn receive(&mut self, id: RequestId, body_start: u64, gaps: Vec<ByteRange>) {
        let Some(open) = self.requests.get_mut(&id) else { return };
        open.receiving = true;
        let compare = self.files.get(&open.file).is_some_and(|file| file.repair.is_some());
        self.actions.push_back(Action::Receive { id, body_start, gaps, compare });
    }
}
