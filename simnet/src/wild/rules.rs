//! What must be so after every input, and that the machine ends when all goes well.
//!
//! Draws nothing.

use engine::action::RequestId;

use super::choices::Choices;
use super::{Close, Run};

impl Run {
    /// Looks at everything that must be so between two inputs.
    pub(super) fn check(&self) {
        assert!(!self.transfer.is_stuck(), "waits for nothing: {:#?}", self.transfer);
        assert_eq!(self.ended, u32::from(self.transfer.is_ended()), "ends once, and says so");
        let entries: usize = self.parts.values().map(|part| part.ledger.entries().count()).sum();
        let outputs_max = OUTPUTS_MAX + 2 * entries;
        assert!(self.outputs <= outputs_max, "{} outputs after one input", self.outputs);
        let open = self.requests.values().filter(|exchange| !exchange.is_aborted).count();
        // A probe goes out beside those that are silent.
        assert!(open <= self.workers_max as usize + 1, "{open} are open: {:#?}", self.transfer);
        for (file, part) in &self.parts {
            let told = self.transfer.ledger(*file).map(|ledger| ledger.proven());
            assert_eq!(told, Some(part.ledger.proven()), "{file:?}: its records differ");
        }
    }

    /// From now on all goes well, and the machine must come to its end.
    pub(super) fn heal(&mut self) {
        self.is_healed = true;
        let mut spins = 0;
        for _ in 0..STEPS_MAX {
            if self.transfer.is_ended() {
                return;
            }
            let calm = &mut Choices::new(&[]);
            if let Some(task_id) = self.work.keys().next().copied() {
                let action = self.work.remove(&task_id);
                let answer = action.map(|action| self.succeed(&action));
                answer.into_iter().for_each(|answer| {
                    self.transfer.handle_answer(task_id, answer, self.now);
                });
            } else if let Some(id) = self.next_request() {
                let exchange = self.exchange(id);
                if exchange.is_aborted {
                    self.close(id, &Close::Aborted);
                } else if !exchange.has_head {
                    self.begin(id, calm);
                } else {
                    self.bring(id, 1 << 20, false);
                }
            } else {
                let deadline = self.transfer.poll_timeout();
                let at = deadline.unwrap_or_else(|| panic!("no deadline: {:#?}", self.transfer)).at;
                spins = if at <= self.now { spins + 1 } else { 0 };
                assert!(spins < SPINS_MAX, "wakes again and again at {at:?}: {deadline:?}");
                self.now = self.now.max(at);
                self.transfer.handle_timeout(self.now);
            }
            self.drain();
            self.check();
        }
        panic!("no end after {STEPS_MAX} good answers: {:#?}", self.transfer);
    }

    /// A request that can go on without a word from the machine.
    fn next_request(&self) -> Option<RequestId> {
        let can_go_on = |id: &&RequestId| {
            let exchange = &self.requests[id];
            exchange.is_aborted || !exchange.has_head || exchange.gaps.is_some()
        };
        self.requests.keys().find(can_go_on).copied()
    }
}

/// One input may lead to so many actions and events, and two more for each recorded entry.
const OUTPUTS_MAX: usize = 200;
/// So many good answers are enough for any of these files, whatever was revoked before.
const STEPS_MAX: usize = 20_000;
/// A deadline that has come is not one that has just been dealt with.
const SPINS_MAX: u32 = 3;
