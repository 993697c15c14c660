//! Requests in chunks, played by hand: tokens, plans, neighbours, pauses.
//!
//! No chunk and no connection but what a test says.

use std::sync::Arc;

use super::*;
use crate::xet::hash::XetHash;
use crate::xet::merkle::Node;
use crate::xet::reconstruction::{Fetch, Reconstruction, Term};
use crate::xet::token::ReadToken;

const SIZE: u64 = 256 * MIB;
/// Where chunks come from.
const STORE: &str = "https://store.example/x";

/// One file in content-addressed storage.
struct Hand {
    transfer: Transfer,
    now: Instant,
    tokens: u64,
}

type Asked = (RequestId, ByteRange, ReadToken);

impl Hand {
    fn sized(size: u64) -> Self {
        Self::with([size])
    }

    fn with(sizes: impl IntoIterator<Item = u64>) -> Self {
        let xet = Some(XetHash::ZERO);
        let spec = |size| FileSpec { size, digest: RIGHT, location: None, xet };
        let transfer = transfer_of(sizes.into_iter().map(spec), config());
        Self { transfer, now: Instant::START, tokens: 0 }
    }

    /// The same with a token, and with the first request.
    fn begun() -> (Self, Asked) {
        let mut hand = Self::sized(SIZE);
        hand.authorize();
        let [first] = &hand.requests()[..] else { panic!("one request") };
        let first = first.clone();
        (hand, first)
    }

    /// A file of 2 MiB of which all came, which is not what its publisher says although the disk
    /// holds what came.
    fn searching() -> Self {
        let mut hand = Self::sized(2 * MIB);
        hand.authorize();
        let [only] = &hand.requests()[..] else { panic!("one request") };
        let only = only.clone();
        hand.plan(&only, 0, 0);
        hand.write(&only, only.1);
        hand.transfer.handle_close(only.0, &Close::Done, hand.now);
        let chunks = vec![Node { hash: XetHash::ZERO, len: 2 * MIB }];
        hand.answer(Answer::Hashed { digest: Some(WRONG), chunks });
        hand.answer(Answer::Checked { damaged: Vec::new() });
        hand
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
        self.transfer.handle_timeout(self.now);
    }

    fn actions(&mut self) -> Vec<Action> {
        actions_of(&mut self.transfer)
    }

    /// Expects a question for a token, and answers it.
    #[track_caller]
    fn authorize(&mut self) {
        let actions = self.actions();
        let [Action::Authorize { task_id, .. }] = actions[..] else { panic!("{actions:?}") };
        self.tokens += 1;
        let body = format!(
            r#"{{"accessToken": "t{}", "exp": 1, "casUrl": "https://cas.example"}}"#,
            self.tokens
        );
        let token = ReadToken::read(body.as_bytes()).unwrap();
        let answer = Answer::Authorized { token, ttl: None };
        self.transfer.handle_answer(task_id, Ok(answer), self.now);
    }

    /// Answers the last piece of work, after the part was marked if it is to be.
    #[track_caller]
    fn answer(&mut self, answer: Answer) {
        let mut task_id = None;
        loop {
            let mut marks = 0;
            for action in self.actions() {
                if let Action::Mark { task_id, .. } = action {
                    marks += 1;
                    self.transfer.handle_answer(task_id, Ok(Answer::Marked), self.now);
                } else if let Action::Hash { task_id: it, .. } | Action::Check { task_id: it, .. } =
                    action
                {
                    task_id = Some(it);
                }
            }
            if marks == 0 {
                break;
            }
        }
        self.transfer.handle_answer(task_id.expect("work to do"), Ok(answer), self.now);
    }

    /// Answers all syncs.
    fn sync(&mut self) -> usize {
        let of =
            |action| if let Action::Sync { task_id, .. } = action { Some(task_id) } else { None };
        let tasks: Vec<TaskId> = self.actions().into_iter().filter_map(of).collect();
        for task_id in &tasks {
            self.transfer.handle_answer(*task_id, Ok(Answer::Synced), self.now);
        }
        tasks.len()
    }

    /// Questions for names.
    fn names(&mut self) -> Vec<TaskId> {
        let of =
            |action| if let Action::Name { task_id, .. } = action { Some(task_id) } else { None };
        self.actions().into_iter().filter_map(of).collect()
    }

    fn requests(&mut self) -> Vec<Asked> {
        let of = |action| {
            if let Action::Request { id, route: Route::Xet { token, .. }, range, .. } = action {
                Some((id, range, token))
            } else {
                None
            }
        };
        self.actions().into_iter().filter_map(of).collect()
    }

    /// Says that the range is in one xorb, with so much before and behind it.
    fn plan(&mut self, (id, asked, _): &Asked, before: u64, behind: u64) {
        let url = Arc::new(Url::parse(STORE).unwrap());
        let (xorb, chunks) = (XetHash::ZERO, 0..1);
        let plan = Reconstruction {
            skip: before,
            terms: vec![Term { xorb, chunks: 0..1, len: before + asked.len() + behind }],
            fetches: vec![Fetch { xorb, chunks, url, bytes: ByteRange::new(0, 1), request: 0 }],
            covers: vec![0],
        };
        self.transfer.handle_bytes(*id, 500, self.now);
        self.transfer.handle_plan(*id, &plan, self.now);
    }

    fn fail(&mut self, (id, ..): &Asked, fault: Fault) {
        self.transfer.handle_close(*id, &Close::Failed(fault), self.now);
    }

    fn write(&mut self, (id, ..): &Asked, range: ByteRange) {
        let written = Written { range, digest: RangeDigest([0; 32]), changed: false };
        self.transfer.handle_written(*id, &written, self.now);
    }

    fn faults(&mut self) -> u64 {
        self.transfer.stats().fault_count()
    }
}

/// What is to be written, of the actions.
fn gaps(actions: &[Action]) -> Vec<ByteRange> {
    let of = |action: &Action| {
        if let Action::Receive { gaps, .. } = action { gaps.clone() } else { Vec::new() }
    };
    actions.iter().flat_map(of).collect()
}

#[test]
fn a_refused_token_is_not_tried_again() {
    let (mut hand, first) = Hand::begun();
    hand.fail(&first, Fault::refused(401));
    hand.authorize();
    let [second] = &hand.requests()[..] else { panic!("one request") };
    assert_ne!(second.2, first.2, "the same token");
}

/// A company's proxy that blocks the storage's name, or a firewall that drops what goes there.
#[test]
fn a_storage_that_never_answered_is_left_alone_by_all_files_at_once() {
    let silent = Fault::Silent(Duration::from_secs(5));
    for fault in [Fault::Refused, Fault::Portal, silent, Fault::Proxy("no".to_owned())] {
        let mut hand = Hand::with([2 * MIB; 3]);
        hand.authorize();
        let asked = hand.requests();
        if matches!(fault, Fault::Silent(_)) {
            assert_eq!(
                hand.transfer.poll_timeout().map(|it| it.at.since_start().as_secs()),
                Some(5)
            );
            hand.pass(5);
            let aborts: Vec<Action> = asked.iter().map(|it| Action::Abort { id: it.0 }).collect();
            assert_eq!(hand.actions(), aborts);
        }
        for request in &asked {
            hand.fail(request, fault.clone());
        }
        let located = hand.actions();
        let is_locate = |it: &Action| matches!(it, Action::Locate { .. });
        assert!(!located.is_empty() && located.iter().all(is_locate), "{fault}: {located:?}");
        let events: Vec<Event> = std::iter::from_fn(|| hand.transfer.poll_event()).collect();
        assert!(!events.iter().any(|it| matches!(it, Event::Down { .. })), "{fault}: {events:?}");
        // Another transfer of the same run knows it too.
        let mut next = Hand::with([2 * MIB]);
        next.transfer = next.transfer.with_reach(hand.transfer.reach().clone());
        next.authorize();
        assert!(next.actions().iter().all(is_locate), "{fault}");
    }
}

#[test]
fn a_plan_may_begin_and_end_within_a_chunk_and_no_more() {
    for (before, behind, is_good) in
        [(0, 0, true), (100_000, 120_000, true), (0, 8 * MIB, false), (0, MIB, false)]
    {
        let (mut hand, first) = Hand::begun();
        hand.plan(&first, 0, 0);
        let [second] = &hand.requests()[..] else { panic!("a second request") };
        hand.plan(&second.clone(), before, behind);
        let actions = hand.actions();
        let is_refused = actions.contains(&Action::Abort { id: second.0 });
        assert_eq!(is_refused, !is_good, "{before} before, {behind} behind: {actions:?}");
        assert_eq!(gaps(&actions).is_empty(), !is_good, "{actions:?}");
    }
}

#[test]
fn neighbours_wait_until_it_is_known_where_chunks_end() {
    let (mut hand, first) = Hand::begun();
    hand.plan(&first, 0, 50_000);
    let first_end = first.1.end + 50_000;
    let actions = hand.actions();
    assert_eq!(gaps(&actions), [ByteRange::new(0, first_end)]);
    let [Action::Request { id, range, route: Route::Xet { token, .. }, .. }] = &actions[1..] else {
        panic!("{actions:?}")
    };
    assert_eq!(range.start, first_end, "from where the chunks of the first end");
    let second = (*id, *range, token.clone());
    // The first is through, and there is room for another one: not where the second may reach.
    hand.write(&first, ByteRange::new(0, first_end));
    hand.transfer.handle_close(first.0, &Close::Done, hand.now);
    let [third] = &hand.requests()[..] else { panic!("a third request") };
    let third = third.clone();
    assert!(third.1.start >= second.1.end + MIB, "{} beside {}", third.1, second.1);
    // It turns out that its chunks reach into what is there already: that is not written again.
    hand.plan(&second, 60_000, 70_000);
    let wanted = ByteRange::new(first_end, second.1.end + 70_000);
    assert_eq!(gaps(&hand.actions()), [wanted]);
    // Nor what another one is bringing.
    hand.plan(&third, 0, 0);
    let next = hand.requests().into_iter().find(|(_, range, _)| range.start == wanted.end);
    let next = next.expect("a request from where the chunks of the second end");
    hand.plan(&next, 40_000, 0);
    assert_eq!(gaps(&hand.actions()), [next.1]);
}

#[test]
fn while_the_store_asks_for_a_pause_nothing_more_is_asked_of_it() {
    let (mut hand, first) = Hand::begun();
    hand.plan(&first, 0, 0);
    let [second] = &hand.requests()[..] else { panic!("a second request") };
    let second = second.clone();
    hand.plan(&second, 0, 0);
    let later = hand.requests();
    assert_eq!(later.len(), 2, "a request for each good answer");
    hand.fail(&first, Fault::Busy { status: 429, retry_after: Some(Duration::from_secs(30)) });
    assert_eq!(hand.actions(), [Action::Drain { id: second.0 }]);
    let faults = hand.faults();
    hand.plan(&later[0], 0, 0);
    assert_eq!(hand.actions(), [Action::Abort { id: later[0].0 }]);
    // What was coming has come; that it was not all is no fault.
    let half = ByteRange::new(second.1.start, second.1.start + 10);
    hand.write(&second, half);
    hand.transfer.handle_close(second.0, &Close::Done, hand.now);
    hand.transfer.handle_close(later[0].0, &Close::Aborted, hand.now);
    hand.transfer.handle_close(later[1].0, &Close::Aborted, hand.now);
    assert_eq!(hand.faults(), faults + 1, "but for the last one, which ended by itself");
    hand.pass(29);
    assert_eq!(hand.requests(), []);
    hand.pass(2);
    assert!(!hand.requests().is_empty(), "the pause is over");
}

#[test]
fn while_the_storage_asks_for_a_pause_it_is_asked_for_no_names() {
    let mut hand = Hand::searching();
    for seconds in [15, 0] {
        let [task_id] = hand.names()[..] else { panic!("one question") };
        let pause = Some(Duration::from_secs(seconds));
        let busy = Fault::Busy { status: 429, retry_after: pause };
        hand.transfer.handle_answer(task_id, Err(busy), hand.now);
        for waited in 0..seconds {
            assert_eq!(hand.names(), [], "after {waited} s");
            hand.pass(1);
        }
    }
    hand.pass(5);
    assert_eq!(hand.names().len(), 1, "without a pause, soon");
}

#[test]
fn a_search_that_has_become_hopeless_goes_on_without_chunks_at_once() {
    let mut hand = Hand::searching();
    // Nobody knows the names, and all of it comes again as it was.
    for _ in 0..2 {
        let [task_id] = hand.names()[..] else { panic!("one question") };
        hand.transfer.handle_answer(task_id, Err(Fault::NoXet("none here".into())), hand.now);
    }
    assert_eq!(hand.sync(), 1, "what is doubted is revoked");
    let [again] = &hand.requests()[..] else { panic!("one request") };
    let again = again.clone();
    hand.plan(&again, 0, 0);
    hand.write(&again, again.1);
    // The sync lands between the last write and the close: nothing else will ever happen.
    hand.pass(2);
    assert_eq!(hand.sync(), 1);
    hand.transfer.handle_close(again.0, &Close::Done, hand.now);
    assert!(!hand.transfer.is_stuck());
    assert_eq!(hand.sync(), 1, "what is doubted next is revoked");
}
