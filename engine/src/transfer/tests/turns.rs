//! Turns that many simulated worlds have found to be taken wrongly, each played by hand.
//!
//! No connections and no time but what a test says: inputs in, actions out.

use super::*;

/// Requests that the machine asked for, in order, and what else it wants.
struct Hand {
    transfer: Transfer,
    now: Instant,
    located: u64,
}

impl Hand {
    fn new(files: u32) -> Self {
        let spec = FileSpec { size: 64 * MIB, digest: RIGHT, location: None, xet: None };
        let transfer = transfer_of((0..files).map(|_| spec.clone()), config());
        Self { transfer, now: Instant::START, located: 0 }
    }

    fn pass(&mut self, millis: u64) {
        self.now = self.now + Duration::from_millis(millis);
    }

    fn actions(&mut self) -> Vec<Action> {
        actions_of(&mut self.transfer)
    }

    fn locates(&mut self) -> Vec<(TaskId, FileId)> {
        let of = |action| {
            if let Action::Locate { task_id, file } = action { Some((task_id, file)) } else { None }
        };
        self.actions().into_iter().filter_map(of).collect()
    }

    fn requests(&mut self) -> Vec<(RequestId, ByteRange)> {
        let of = |action| {
            if let Action::Request { id, range, .. } = action { Some((id, range)) } else { None }
        };
        self.actions().into_iter().filter_map(of).collect()
    }

    fn answer(&mut self, task_id: TaskId, digest: FileDigest) {
        self.located += 1;
        let url = Url::parse(&format!("https://cdn.example/{}", self.located)).unwrap();
        let location = Location { url, ttl: None };
        let answer = Answer::Located { location, digest: Some(digest), size: None };
        self.transfer.handle_answer(task_id, Ok(answer), self.now);
    }

    /// A good head with that ETag.
    fn head(&mut self, (id, range): (RequestId, ByteRange), etag: &str) {
        let size = 64 * MIB;
        let content_range = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        let etag = format!("\"{etag}\"");
        let head = Head::new(206, [("content-range", content_range), ("etag", etag)]);
        self.transfer.handle_head(id, &head, self.now);
    }
}

/// Two requests that wait because their answers have another ETag than the first ones, the
/// question to the hub that the former has caused, and both.
#[track_caller]
fn two_with_another_etag() -> (Hand, TaskId, RequestId, RequestId) {
    let mut hand = Hand::new(1);
    let [(task_id, _)] = hand.locates()[..] else { panic!("one question") };
    hand.answer(task_id, RIGHT);
    let [first] = hand.requests()[..] else { panic!("one request") };
    hand.head(first, "old");
    let [second] = hand.requests()[..] else { panic!("a second request") };
    hand.head(second, "old");
    let [third, fourth] = hand.requests()[..] else { panic!("two more requests") };
    hand.pass(5);
    hand.head(third, "new");
    let [(task_id, _)] = hand.locates()[..] else { panic!("a question") };
    hand.pass(5);
    hand.head(fourth, "new");
    assert_eq!(hand.actions(), [], "nothing is read before the hub has answered");
    (hand, task_id, third.0, fourth.0)
}

#[test]
fn edges_that_have_etags_of_their_own_cost_nothing() {
    let (mut hand, task_id, third, fourth) = two_with_another_etag();
    hand.answer(task_id, RIGHT);
    let actions = hand.actions();
    let is_read = |it: &&Action| matches!(it, Action::Receive { id, .. } if *id == third);
    assert!(actions.iter().any(|it| is_read(&it)), "{actions:?}");
    let task_id = actions.iter().find_map(|action| {
        if let Action::Locate { task_id, .. } = action { Some(*task_id) } else { None }
    });
    let task_id = task_id.expect("the fourth came after the question, which is asked again");
    hand.answer(task_id, RIGHT);
    let actions = hand.actions();
    let is_read = |it: &&Action| matches!(it, Action::Receive { id, .. } if *id == fourth);
    assert!(actions.iter().any(|it| is_read(&it)), "{actions:?}");
    let is_aborted = |it: &Action| matches!(it, Action::Abort { .. });
    assert!(!actions.iter().any(is_aborted), "{actions:?}");
}

#[test]
fn a_file_that_was_replaced_ends_before_a_byte_of_the_new_one_is_read() {
    let (mut hand, task_id, third, fourth) = two_with_another_etag();
    hand.answer(task_id, WRONG);
    let actions = hand.actions();
    for id in [third, fourth] {
        assert!(actions.contains(&Action::Abort { id }), "{actions:?}");
    }
}

#[test]
fn a_refused_url_is_renewed_twice_and_then_kept() {
    let mut hand = Hand::new(1);
    let (mut renewed, mut tried) = (0, 0);
    while tried < 11 {
        let actions = hand.actions();
        if actions.is_empty() {
            hand.now = hand.transfer.poll_timeout().expect("a pause").at;
            hand.transfer.handle_timeout(hand.now);
        }
        for action in actions {
            if let Action::Locate { task_id, .. } = action {
                renewed += 1;
                hand.answer(task_id, RIGHT);
            } else if let Action::Request { id, .. } = action {
                tried += 1;
                hand.transfer.handle_head(id, &Head::new::<&str, &str>(403, []), hand.now);
                hand.transfer.handle_close(id, &Close::Aborted, hand.now);
            }
        }
    }
    assert_eq!(renewed, 3, "once to begin with, and twice more");
    assert!(!hand.transfer.is_ended(), "it may still change its mind");
}

#[test]
fn a_probe_that_ends_one_file_lets_the_others_go_on() {
    for digest in [None, Some(WRONG)] {
        let mut hand = Hand::new(2);
        let [(task_id, _)] = hand.locates()[..] else { panic!("one question") };
        hand.transfer.handle_answer(task_id, Err(Fault::Unreachable), hand.now);
        assert!(hand.locates().is_empty(), "the link is down");
        hand.now = hand.transfer.poll_timeout().expect("a probe will go out").at;
        hand.transfer.handle_timeout(hand.now);
        let [(probe, FileId(0))] = hand.locates()[..] else { panic!("the probe") };
        match digest {
            Some(digest) => hand.answer(probe, digest),
            None => {
                let gone = Fault::NoSuchFile("a file".to_owned());
                hand.transfer.handle_answer(probe, Err(gone), hand.now);
            }
        }
        let asked = hand.locates();
        assert!(matches!(asks_for(&asked)[..], [FileId(1)]), "{digest:?}: {asked:?}");
    }
}

#[test]
fn a_refusal_beside_a_slow_but_good_request_is_no_outage() {
    let mut hand = Hand::new(1);
    let [(task_id, _)] = hand.locates()[..] else { panic!("one question") };
    hand.answer(task_id, RIGHT);
    let [first] = hand.requests()[..] else { panic!("one request") };
    hand.head(first, "one");
    let [second] = hand.requests()[..] else { panic!("a second request") };
    hand.pass(100);
    hand.transfer.handle_close(second.0, &Close::Failed(Fault::Refused), hand.now);
    for _ in 0..20 {
        hand.pass(1);
        hand.transfer.handle_bytes(first.0, 100, hand.now);
        assert_eq!(hand.requests(), [], "the window is one again");
    }
}

#[test]
fn a_pause_of_nothing_is_no_invitation() {
    let mut world = World::new(64 * MIB, config(), |_, _| Answering::Status(503, Some(0)));
    assert_eq!(world.run(Duration::from_secs(60)), None);
    assert!((10..40).contains(&world.asked), "{} requests in a minute", world.asked);
}

fn asks_for(asked: &[(TaskId, FileId)]) -> Vec<FileId> {
    asked.iter().map(|(_, file)| *file).collect()
}
