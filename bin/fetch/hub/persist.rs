//! Asks again and again until there is an answer, or a fault that asking again does not cure,
//! telling of every wait.
//!
//! Decides nothing of that; [`engine::hub::asking`] does.

use std::time::Duration;

use engine::fault::Fault;
use engine::hub::asking::{Asking, Manner, Next};
use engine::hub::endpoint::Endpoint;
use rand::SeedableRng;
use rand::rngs::SmallRng;

use super::HubClient;
use crate::error::{Error, ErrorKind};
use crate::http::Http;
use crate::news::News;

impl<H: Http> HubClient<H> {
    /// Asks in one way.
    pub(in crate::fetch) async fn persist<T, F: Future<Output = Result<T, Fault>>>(
        &self,
        mut ask: impl FnMut() -> F,
    ) -> Result<T, Error> {
        self.persist_in(1, |_| ask()).await
    }

    /// Asks in so many ways, of which `ask` is told the number of one, from 0.
    pub(in crate::fetch) async fn persist_in<T, F: Future<Output = Result<T, Fault>>>(
        &self,
        ways: usize,
        mut ask: impl FnMut(usize) -> F,
    ) -> Result<T, Error> {
        let mut rng = SmallRng::seed_from_u64(self.seed);
        let mut asking = Asking::new(ways, self.manner());
        let began = self.clock.now();
        let mut last = None;
        loop {
            let asked_at = self.clock.now();
            let asked = self.in_time(asked_at.since(began), ask(asking.way())).await;
            let now = self.clock.now();
            let elapsed = now.since(began);
            let fault = match asked {
                Some(Ok(answer)) => return Ok(answer),
                Some(Err(fault)) => fault,
                None => return Err(gave_up(last, &asking, elapsed)),
            };
            let (mut pause, fault) = match asking.on_fault(fault, &mut rng, asked_at, now) {
                Next::Now => continue,
                Next::After { pause, fault } => (pause, fault),
                Next::Never(fault) => {
                    let kind = ErrorKind::Fault(fault);
                    let attempts = asking.attempts();
                    return Err(Error { attempts, elapsed, ..Error::new(kind) });
                }
            };
            if let Some(patience) = self.config.give_up_after {
                if elapsed >= patience {
                    return Err(gave_up(Some(fault), &asking, elapsed));
                }
                // The last try is made when the patience ends, not given away.
                pause = pause.min(patience - elapsed);
            }
            last = Some(fault.clone());
            let attempt = asking.attempts();
            self.tell(News::AskingFailed { fault, attempt, again_in: pause });
            tokio::time::sleep(pause).await;
        }
    }

    fn manner(&self) -> Manner {
        Manner {
            is_public_hub: self.authority.endpoint == Endpoint::default(),
            is_sure: self.is_known || self.config.give_up_after.is_some(),
            pause_max: self.config.backoff_max,
        }
    }

    /// The work's result, unless the person's patience ends before it comes. The last try has a
    /// moment even then.
    async fn in_time<T>(&self, elapsed: Duration, work: impl Future<Output = T>) -> Option<T> {
        match self.config.give_up_after {
            Some(patience) => {
                let left = patience.saturating_sub(elapsed).max(LAST_TRY);
                tokio::time::timeout(left, work).await.ok()
            }
            None => Some(work.await),
        }
    }
}

fn gave_up(fault: Option<Fault>, asking: &Asking, elapsed: Duration) -> Error {
    let kind = ErrorKind::GaveUp { after: elapsed, fault };
    let attempts = asking.attempts().max(1);
    Error { attempts, elapsed, ..Error::new(kind) }
}

/// What the last try gets, when patience has ended with the pause before it.
const LAST_TRY: Duration = Duration::from_secs(1);
